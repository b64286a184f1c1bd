package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"drumbeat/internal/eval"
	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// logSource reads log files for scans, as often as they ask. The first reading of a piece of a file learns between which
// times its records lie: a later one leaves out what its window does not meet. Files must stay as they are meanwhile.
type logSource struct {
	o     *Options
	stdin *spool

	mu     sync.Mutex
	spans  map[stretchID]plan.Window // of pieces of regular files that hold records
	report Report
	pipes  bool // a named pipe was read: it cannot be read again
	// looked says that Parquet files were looked for; parquet are those, or nil.
	looked    bool
	parquet   *parquetTable
	lookError error
}

type stretchID struct {
	path  string
	index int
}

func newLogSource(o *Options) *logSource {
	s := &logSource{o: o, spans: make(map[stretchID]plan.Window)}
	if slices.Contains(o.Paths, "-") && o.Stdin != nil {
		s.stdin = &spool{in: o.Stdin, dir: o.TempDir}
	}
	return s
}

func (s *logSource) close() error {
	if s.stdin == nil {
		return nil
	}
	return s.stdin.close()
}

func (s *logSource) reported() *Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	return &r
}

// files lists the files anew: standard input is read from its beginning each time.
func (s *logSource) files() ([]ingest.File, []ingest.Problem, error) {
	var files []ingest.File
	var problems []ingest.Problem
	if s.stdin != nil {
		files, problems = ingest.List(s.o.Paths, s.stdin.reader())
	} else {
		files, problems = ingest.List(s.o.Paths, bytes.NewReader(nil))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range files {
		if files[i].IsPipe() {
			if s.pipes {
				return nil, nil, fmt.Errorf("%s is a pipe, and the query reads the logs more than once: give it as standard input (-)", files[i].Path)
			}
			s.pipes = true
		}
	}
	return files, problems, nil
}

// logBatch is what a worker makes of some lines.
type logBatch struct {
	rows []stream.Row
	// last says that the piece is done; the rest is about all of it.
	last   bool
	id     stretchID
	whole  bool // the piece will not grow
	lines  int64
	counts logformat.Counts
	// rejected holds the first lines of the piece that were rejected for each reason. Their numbers count from 1 in it.
	rejected []ingest.Rejected
}

// batchRows is the number of rows of one batch.
const batchRows = 1024

func (s *logSource) scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	if p, err := s.parquetFiles(); err != nil {
		return err
	} else if p != nil {
		return p.scan(ctx, scan, w, emit)
	}
	files, problems, err := s.files()
	if err != nil {
		return err
	}
	names := make([]string, len(scan.Columns))
	for i, col := range scan.Columns {
		names[i] = col.Name
	}
	read := Report{Files: len(files)}
	samples := sampler{report: &read}
	skipped := false
	opt := ingest.OrderedOptions{Workers: s.o.Workers, Progress: s.o.Progress, Skip: func(file, index int) bool {
		if s.outside(stretchID{files[file].Path, index}, w) {
			skipped = true
			return true
		}
		return false
	}}
	worker := func() func(*ingest.Stretch, func(logBatch) error) error {
		l := newLogWorker(s.o.Parse, scan.Columns, names, w)
		return l.stretch
	}
	more, err := ingest.Ordered(ctx, files, opt, worker, func(b logBatch) error {
		if b.last {
			s.learn(&b)
			samples.add(&b)
			read.Counts.Add(&b.counts)
			read.Lines += b.lines
		}
		if len(b.rows) == 0 {
			return nil
		}
		return emit(b.rows)
	})
	if err == nil && !skipped {
		read.Problems = slices.Concat(problems, more)
		read.Complete = true
	}
	s.note(&read)
	return err
}

// Of each reason so many rejected lines are shown, and of each so many bytes.
const (
	samplesPerReason = 3
	longSample       = 4 << 10
)

// sampler gathers the first rejected lines of a reading. Pieces come in the order of their lines.
type sampler struct {
	report *Report
	path   string
	lines  int64 // of the path, before the piece
	shown  [len(logformat.Counts{}.Rejected)]int
}

// add takes what a piece has rejected.
func (s *sampler) add(b *logBatch) {
	if b.id.path != s.path {
		s.path, s.lines = b.id.path, 0
	}
	for _, x := range b.rejected {
		if s.shown[x.Reason]++; s.shown[x.Reason] <= samplesPerReason {
			x.Line += s.lines
			s.report.Samples = append(s.report.Samples, x)
		}
	}
	s.lines += b.lines
}

// note keeps the report of the first complete reading, and until there is one, that of the last.
func (s *logSource) note(read *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report.Complete {
		return
	}
	read.First, read.Last = read.Counts.First, read.Counts.Last
	s.report = *read
}

// outside reports whether all records of a piece are known to lie outside of a window.
func (s *logSource) outside(id stretchID, w plan.Window) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	span, ok := s.spans[id]
	return ok && (span.To < w.From || w.To != 0 && span.From > w.To)
}

func (s *logSource) learn(b *logBatch) {
	if !b.whole || b.counts.First == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans[b.id] = plan.Window{From: b.counts.First, To: b.counts.Last}
}

// logWorker makes rows of lines, for one goroutine.
type logWorker struct {
	opt    logformat.Options
	reader *logformat.ColumnReader
	cols   []logColumn
	rows   []stream.Row
	slab   []eval.Value
	out    func(logBatch) error
}

// logColumn makes values of one column.
type logColumn struct {
	typ   kql.Type
	fixed eval.Value // of columns that no record fills
	texts textStore
}

func newLogWorker(opt logformat.Options, cols []plan.Column, names []string, w plan.Window) *logWorker {
	window := w.Contains
	if w == (plan.Window{}) {
		window = nil
	}
	l := &logWorker{opt: opt, reader: logformat.NewColumnReader(opt, names, window), cols: make([]logColumn, len(cols))}
	for i, col := range cols {
		l.cols[i] = logColumn{typ: col.Type, fixed: eval.Null(col.Type)}
		if col.Name == "Type" {
			l.cols[i].fixed = eval.String(logs)
		}
	}
	return l
}

// stretch reads the lines of a piece.
func (l *logWorker) stretch(p *ingest.Stretch, out func(logBatch) error) error {
	l.out, l.rows = out, nil
	l.reader.Start(func() int64 { return p.Reference(l.opt) })
	b := logBatch{last: true, id: stretchID{p.Path, p.Index}, whole: !p.Last}
	rejects := func(reason logformat.Reason, line []byte) {
		if l.reader.Counts().Rejected[reason] <= samplesPerReason {
			text := string(bytes.TrimRight(line[:min(len(line), longSample)], "\r"))
			b.rejected = append(b.rejected, ingest.Rejected{Path: p.Path, Line: b.lines, Reason: reason, Text: text})
		}
	}
	for data := p.Lines; len(data) > 0; {
		line, rest, ended := bytes.Cut(data, []byte{'\n'})
		data = rest
		b.lines++
		if !ended && p.CutOff != logformat.ReasonNone {
			l.reader.Counts().Rejected[p.CutOff]++
			rejects(p.CutOff, line)
			continue
		}
		outcome, err := l.reader.Read(line, l.take)
		if err != nil {
			return err
		}
		if outcome.Reason != logformat.ReasonNone {
			rejects(outcome.Reason, line)
		}
	}
	if p.TooLong {
		l.reader.Counts().Rejected[logformat.ReasonTooLong]++
		b.lines++
		rejects(logformat.ReasonTooLong, nil)
	}
	b.rows, b.counts = l.rows, *l.reader.Counts()
	return out(b)
}

// take makes a row of the cells of a record.
func (l *logWorker) take(cells []logformat.Cell) error {
	n := len(l.cols)
	if len(l.slab) < n {
		l.slab = make([]eval.Value, max(n, 1)*64)
	}
	row := l.slab[:n:n]
	l.slab = l.slab[n:]
	for i := range cells {
		row[i] = l.cols[i].value(&cells[i])
	}
	l.rows = append(l.rows, row)
	if len(l.rows) < batchRows {
		return nil
	}
	rows := l.rows
	l.rows = make([]stream.Row, 0, batchRows)
	return l.out(logBatch{rows: rows})
}

// value makes the value of a cell. What a record lacks is null, or the empty text.
func (c *logColumn) value(cell *logformat.Cell) eval.Value {
	if !cell.Set {
		return c.fixed
	}
	switch c.typ { //nolint:exhaustive // CommonSecurityLog has no others
	case kql.TypeString:
		return eval.String(c.texts.get(cell.Text))
	case kql.TypeInt:
		return eval.Int(int32(cell.Number))
	case kql.TypeLong:
		return eval.Long(cell.Number)
	case kql.TypeDateTime:
		return eval.Datetime(cell.Number)
	case kql.TypeReal:
		return eval.Real(cell.Real)
	}
	return c.fixed
}

// textStore gives texts as strings, and one string for texts that come again and again.
type textStore struct {
	known map[string]string
	// asked and found count the questions and the known texts since the store was last emptied.
	asked, found int
	off          bool
}

// A store holds at most maxStored texts, no long ones. A column in which fewer than a quarter of the first texts come
// again is not worth the look-ups.
const (
	maxStored     = 1 << 14
	maxStoredText = 128
	storeTrial    = 4096
)

func (s *textStore) get(text []byte) string {
	if s.off || len(text) > maxStoredText {
		return string(text)
	}
	s.asked++
	if t, ok := s.known[string(text)]; ok {
		s.found++
		return t
	}
	if s.known == nil || len(s.known) >= maxStored {
		s.known = make(map[string]string)
	}
	if s.asked >= storeTrial {
		s.off = s.found*4 < s.asked
		s.asked, s.found = 0, 0
	}
	t := string(text)
	s.known[t] = t
	return t
}

// errClosed says that a catalogue is used after its end.
var errClosed = errors.New("standard input is closed")
