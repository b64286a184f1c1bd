package main

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"drumbeat/internal/beat"
	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// readSessions gives the sessions of the files to rhythm, and says what was read. It reads lines as flows does: a
// session's start, length and kind are not among what the delta methods read.
func (s *scan) readSessions(ctx context.Context, files []ingest.File, sessions *beat.Sessions, quarantine func(ingest.Rejected) error) (*ingest.Report, error) {
	total := int64(0)
	for i := range files {
		total += files[i].Size
	}
	bar := newProgress(s.a, total, "reading")
	defer bar.Close()
	r := &sessionReading{out: sessions.Writer(), quarantine: quarantine, report: &ingest.Report{}, file: -1}
	r.seen = s.directions(ctx, files, &r.report.Direction)
	work := func() func(*ingest.Stretch, func(*sessionBatch) error) error {
		w := &sessionWorker{opt: s.options(), reader: logformat.NewReader(s.options()), all: quarantine != nil}
		w.from, w.to = recordTimes(&s.from, &s.to)
		return w.stretch
	}
	opt := ingest.OrderedOptions{Workers: s.workers, Progress: bar.Add}
	problems, err := ingest.Ordered(ctx, files, opt, work, r.take)
	// A scan that was stopped shows what it has: its sessions are judged all the same.
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		r.report.Partial, err = true, nil
	}
	r.report.Problems = problems
	return r.report, errors.Join(err, r.out.Close())
}

// recordTimes gives the bounds of records in ticks; to is 0 where there is none.
func recordTimes(from, to *instant) (first, end int64) {
	if from.set {
		first = traffic.Ticks(from.Time)
	}
	if to.set {
		end = traffic.Ticks(to.Time)
	}
	return first, end
}

// errSeen ends the reading of a file whose first lines are enough.
var errSeen = errors.New("enough was read")

// directions looks at the first lines of each file that can be read twice, so that the bytes of all records are
// corrected by the same evidence. It reports which files it looked at.
func (s *scan) directions(ctx context.Context, files []ingest.File, d *logformat.Direction) []bool {
	seen := make([]bool, len(files))
	for i := range files {
		if files[i].Path == "-" || files[i].IsPipe() || ctx.Err() != nil {
			continue
		}
		seen[i] = true
		votes := func() func(*ingest.Stretch, func(logformat.Direction) error) error {
			return func(p *ingest.Stretch, out func(logformat.Direction) error) error {
				if p.Index > 0 {
					return nil
				}
				return out(logformat.Votes(s.options(), p.Lines, ingest.SampleLines(i)))
			}
		}
		// A file that cannot be read is told of when it is read for its sessions.
		_, _ = ingest.Ordered(ctx, files[i:i+1], ingest.OrderedOptions{Workers: 1}, votes, func(v logformat.Direction) error {
			d.Add(&v)
			return errSeen
		})
	}
	return seen
}

// sessionBatch is what a worker makes of a piece of a file.
type sessionBatch struct {
	file, index  int
	path, packed string
	lines, bytes int64
	counts       logformat.Counts
	rejected     []ingest.Rejected // Line counts from 1 within the piece
	votes        logformat.Direction
	names        *traffic.Dict
	rows         []sessionRecord
}

// sessionRecord is a session whose Sent and Received are still what the record calls in and out.
type sessionRecord struct {
	beat.Session
	format logformat.Format
}

// sessionWorker reads pieces, for one goroutine.
type sessionWorker struct {
	opt      logformat.Options
	reader   *logformat.Reader
	from, to int64
	all      bool // every rejected line is asked for
	batch    *sessionBatch
}

// stretch reads the lines of a piece.
func (w *sessionWorker) stretch(p *ingest.Stretch, out func(*sessionBatch) error) error {
	b := &sessionBatch{file: p.File, index: p.Index, path: p.Path, packed: p.Packed, bytes: p.Bytes, names: new(traffic.Dict)}
	w.batch = b
	w.reader.Start(func() int64 { return p.Reference(w.opt) })
	if p.Index == 0 {
		b.votes = logformat.Votes(w.opt, p.Lines, ingest.SampleLines(p.File))
	}
	for data := p.Lines; len(data) > 0; {
		line, rest, ended := bytes.Cut(data, []byte{'\n'})
		data = rest
		b.lines++
		if !ended && p.CutOff != logformat.ReasonNone {
			w.reader.Counts().Rejected[p.CutOff]++
			w.reject(p.CutOff, line)
			continue
		}
		records, o := w.reader.Read(line)
		if o.Reason != logformat.ReasonNone {
			w.reject(o.Reason, line)
		}
		for _, r := range records {
			if r.Time >= w.from && (w.to == 0 || r.Time < w.to) {
				b.rows = append(b.rows, sessionOf(r, b.names))
			}
		}
	}
	if p.TooLong {
		w.reader.Counts().Rejected[logformat.ReasonTooLong]++
		b.lines++
		w.reject(logformat.ReasonTooLong, p.Long)
	}
	b.counts = *w.reader.Counts()
	return out(b)
}

// Of each reason so many rejected lines are shown, and of each so many bytes.
const (
	rejectsShown = 3
	rejectLength = 4 << 10
)

// reject keeps a line that was rejected and counted.
func (w *sessionWorker) reject(why logformat.Reason, line []byte) {
	if !w.all && w.reader.Counts().Rejected[why] > rejectsShown {
		return
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if !w.all {
		line = line[:min(len(line), rejectLength)]
	}
	b := w.batch
	b.rejected = append(b.rejected, ingest.Rejected{Path: b.path, Line: b.lines, Reason: why, Text: string(line)})
}

// sessionOf makes a session of a record.
func sessionOf(r *logformat.Record, names *traffic.Dict) sessionRecord {
	v := sessionRecord{format: r.Format}
	v.SrcPort, v.DstPort = traffic.Unknown, traffic.Unknown
	v.Start, v.Duration, v.Sent, v.Received = r.Start, traffic.Unknown, r.In, r.Out
	if v.Start == traffic.Unknown {
		v.Start = r.Time // the nearest that is known
	}
	if r.Seconds >= 0 {
		v.Duration = min(r.Seconds, longestSession) * traffic.Second
	}
	switch r.Subtype {
	case "start":
		v.Kind = beat.RecordStart
	case "drop", "deny":
		v.Kind = beat.RecordDenied
	default:
		v.Kind = beat.RecordEnd
	}
	label := ""
	for i := range r.Fields {
		v.field(&r.Fields[i], names)
		if r.Fields[i].Name == "DeviceCustomNumber1Label" {
			label = r.Fields[i].Text
		}
	}
	if label != "" && !strings.EqualFold(label, "SessionID") {
		v.ID = 0 // a template of one's own has another number there
	}
	v.Device, v.User = names.CodeString(r.Device), names.CodeString(r.User)
	return v
}

// longestSession bounds a session's length in seconds: a century.
const longestSession = 100 * 366 * 86400

// field takes what a session needs of a column.
func (v *sessionRecord) field(f *logformat.Field, names *traffic.Dict) {
	switch f.Name {
	case "SourceIP":
		v.Src = addrOf(f.Text, names)
	case "DestinationIP":
		v.Dst = addrOf(f.Text, names)
	case "SourcePort":
		v.SrcPort = int32(f.Number)
	case "DestinationPort":
		v.DstPort = int32(f.Number)
	case "Protocol":
		v.Protocol = beat.ProtocolNumber(strings.ToLower(f.Text))
	case "ApplicationProtocol":
		v.App = names.CodeString(f.Text)
	case "DeviceCustomNumber1", "FieldDeviceCustomNumber1": // SessionID by the published templates
		if f.Number > 0 {
			v.ID = uint64(f.Number)
		}
	case "ExtID":
		if n, err := strconv.ParseUint(f.Text, 10, 64); err == nil {
			v.Sequence = n
		}
	}
}

func addrOf(text string, names *traffic.Dict) traffic.Addr {
	a := traffic.ParseAddr([]byte(text))
	if a.Kind == traffic.AddrText {
		a.Text = names.CodeString(text)
	}
	return a
}

// sessionReading takes batches in the order of path and line, so that nothing depends on the number of workers.
type sessionReading struct {
	out        *beat.SessionWriter
	quarantine func(ingest.Rejected) error
	report     *ingest.Report
	seen       []bool // files that directions has looked at
	file       int
	shown      [len(logformat.Counts{}.Rejected)]int
}

func (r *sessionReading) take(b *sessionBatch) error {
	if b.file != r.file {
		r.file = b.file
		r.report.Files = append(r.report.Files, ingest.FileReport{Path: b.path, Packed: b.packed})
	}
	f := &r.report.Files[len(r.report.Files)-1]
	if b.index == 0 && !r.seen[b.file] {
		r.report.Direction.Add(&b.votes)
	}
	for _, x := range b.rejected {
		x.Line += f.Lines
		if r.quarantine != nil {
			if err := r.quarantine(x); err != nil {
				return err
			}
		}
		if r.shown[x.Reason]++; r.shown[x.Reason] <= rejectsShown {
			x.Text = strings.Clone(x.Text[:min(len(x.Text), rejectLength)])
			r.report.Samples = append(r.report.Samples, x)
		}
	}
	f.Counts.Add(&b.counts)
	f.Lines += b.lines
	f.Bytes += b.bytes
	r.report.Counts.Add(&b.counts)
	r.report.Lines += b.lines
	r.report.Bytes += b.bytes
	return r.observe(b)
}

// observe corrects the bytes of a batch's sessions by their device, and hands them on.
func (r *sessionReading) observe(b *sessionBatch) error {
	var rec logformat.Record
	for i := range b.rows {
		v := &b.rows[i]
		rec.Format, rec.Device, rec.In, rec.Out = v.format, b.names.Text(v.Device), v.Sent, v.Received
		v.Sent, v.Received = r.report.Direction.Bytes(&rec)
		if err := r.out.Observe(b.names, &v.Session); err != nil {
			return err
		}
	}
	return nil
}
