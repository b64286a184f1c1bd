package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
)

// flowsCommand makes the verb that shows how lines were understood.
func (a *app) flowsCommand() *cobra.Command {
	f := &flows{a: a}
	cmd := &cobra.Command{
		Use:   "flows PATH…",
		Short: "Show how log lines were understood, or why they were not",
		Long: `Prints one object for each flow: the CommonSecurityLog columns that Microsoft
Sentinel would show for the record, then what drumbeat makes of it (_start,
_durationSeconds, _sent and _received from the client's view, _user, _subtype,
_warnings). With --rejected, the lines that were not understood instead.`,
		Example: `  drumbeat flows traffic.log | head -n 1
  drumbeat flows --rejected /var/log/firewall
  drumbeat flows --limit 20 --format table traffic.log
  tail -n 100 /var/log/syslog | drumbeat flows -`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.rejected, "rejected", false, "print the lines that were not understood, with place and reason")
	a.formatFlag(cmd, &f.format)
	flags.Int64Var(&f.limit, "limit", 0, "stop after `N` objects; 0 is no limit")
	a.inputFlags(cmd, &f.inputFlags)
	flags.Var(&f.now, "now", "date times without a year by this `TIME`")
	return cmd
}

// flows is one run of the verb. It visits the lines of the input.
type flows struct {
	inputFlags
	a        *app
	rejected bool
	format   string
	limit    int64

	out       *resultWriter
	reader    *logformat.Reader
	direction logformat.Direction
	counts    logformat.Counts
	lines     int64
	files     int
	head      []byte // of the file
	buf       []byte
}

// errLimit ends the reading when enough was printed.
var errLimit = errors.New("limit reached")

func (f *flows) run(ctx context.Context, paths []string) error {
	format, err := f.a.resolveFormat(f.format)
	if err != nil {
		return err
	}
	if f.limit < 0 {
		return usageError("--limit %d: want 0 or more", f.limit)
	}
	files, problems, err := f.a.files(paths)
	if err != nil {
		return err
	}
	f.reader = logformat.NewReader(f.options())
	f.out = newResultWriter(f.a, format, f.columns(format))
	more, err := ingest.Lines(ctx, files, f)
	f.counts.Add(f.reader.Counts())
	stopped := errors.Is(err, errLimit)
	canceled := errors.Is(err, context.Canceled)
	if err != nil && !stopped && !canceled {
		return err
	}
	if err := f.out.close(); err != nil {
		return err
	}
	lost := f.a.showProblems(append(problems, more...))
	f.summary(stopped)
	if canceled {
		f.a.warnf("stopped before the end: the result is partial")
	}
	switch {
	case lost:
		return exitWith(exitInput, nil)
	case f.strict && f.counts.Rejects() > 0:
		return strictError(f.counts.Rejects())
	case canceled:
		return exitWith(exitPartial, nil)
	}
	return nil
}

func (f *flows) summary(stopped bool) {
	c := &f.counts
	f.a.notef("%s = %s%s + %s of other types%s + %s rejected", plural(f.lines, "line"), plural(c.Flows, "flow"),
		joinedText(c), humanCount(c.Others()), inBrackets(others(c)), humanCount(c.Rejects()))
	if stopped {
		f.a.notef("stopped before the end of the input")
	}
	if f.a.verbose {
		for _, d := range f.direction.Decisions() {
			f.a.notef("bytes of %s", directionText(d))
		}
	}
}

// columns lists the columns of tables and CSV; JSON objects hold all that the record has. A table is for people: what
// drumbeat makes of the record comes first.
func (f *flows) columns(format string) []table.Column {
	text := func(name string) table.Column { return table.Column{Name: name, Type: table.String} }
	number := func(name string) table.Column { return table.Column{Name: name, Type: table.Long} }
	when := func(name string) table.Column { return table.Column{Name: name, Type: table.Datetime} }
	if f.rejected {
		return []table.Column{text("_file"), number("_line"), text("_reason"), text("_text")}
	}
	if format == formatTable {
		return []table.Column{
			number("_line"), when("TimeGenerated"), text("SourceIP"), text("DestinationIP"), number("DestinationPort"),
			text("Protocol"), text("_subtype"), number("_sent"), number("_received"), number("_durationSeconds"),
			text("ApplicationProtocol"), text("DeviceAction"), text("_user"), text("DeviceName"), text("_warnings"), text("_file"),
		}
	}
	return []table.Column{
		when("TimeGenerated"), text("SourceIP"), number("SourcePort"), text("DestinationIP"), number("DestinationPort"),
		text("Protocol"), text("ApplicationProtocol"), text("DeviceAction"), number("SentBytes"), number("ReceivedBytes"),
		text("DeviceName"), text("SourceUserName"), text("SourceUserID"), text("DeviceVendor"), text("Activity"),
		text("DeviceEventClassID"), text("_file"), number("_line"), text("_format"), when("_start"),
		number("_durationSeconds"), number("_sent"), number("_received"), text("_user"), text("_subtype"), text("_warnings"),
	}
}

// Piece takes a look at the lines to come, and judges what they lack by the same text as scan does.
func (f *flows) Piece(_ string, lines []byte, first bool) {
	if first {
		votes := logformat.Votes(f.options(), lines, ingest.SampleLines(f.files))
		f.direction.Add(&votes)
		f.files++
		f.head = bytes.Clone(ingest.Head(lines))
	}
	f.counts.Add(f.reader.Counts())
	f.reader.Start(func() int64 {
		if t := logformat.FirstDated(f.options(), lines); t != 0 {
			return t
		}
		return logformat.FirstDated(f.options(), f.head)
	})
}

// Line explains one line.
func (f *flows) Line(l *ingest.Line) error {
	f.lines++
	if l.Reason != logformat.ReasonNone {
		f.counts.Rejected[l.Reason]++
		return f.reject(l, l.Reason)
	}
	records, o := f.reader.Read(l.Text)
	if o.Reason != logformat.ReasonNone {
		return f.reject(l, o.Reason)
	}
	if f.rejected {
		return nil
	}
	for _, r := range records {
		if err := f.flow(l, r); err != nil {
			return err
		}
	}
	return nil
}

func (f *flows) reject(l *ingest.Line, why logformat.Reason) error {
	if !f.rejected {
		return nil
	}
	r := ingest.Rejected{Path: l.Path, Line: l.Number, Reason: why, Text: string(bytes.TrimSuffix(l.Text, []byte("\r")))}
	if f.out.format == formatJSON {
		return f.emit(appendRejected(f.buf[:0], &r))
	}
	return f.row(r.Path, r.Line, r.Reason.String(), r.Text)
}

// flow prints one record.
func (f *flows) flow(l *ingest.Line, r *logformat.Record) error {
	sent, received := f.direction.Bytes(r)
	if f.out.format == formatJSON {
		return f.emit(appendFlow(f.buf[:0], l, r, sent, received))
	}
	fields := make(map[string]any, len(r.Fields))
	for i := range r.Fields {
		x := &r.Fields[i]
		if x.Kind == logformat.KindText {
			fields[x.Name] = x.Text
		} else {
			fields[x.Name] = x.Number
		}
	}
	fields["_file"], fields["_line"], fields["_format"] = l.Path, l.Number, r.Format.String()
	for name, n := range map[string]int64{
		"_start": r.Start, "_durationSeconds": r.Seconds, "_sent": sent, "_received": received,
	} {
		if n != traffic.Unknown {
			fields[name] = n
		}
	}
	fields["_user"], fields["_subtype"] = r.User, r.Subtype
	warnings := make([]string, 0, len(r.Warnings))
	for _, w := range r.Warnings {
		warnings = append(warnings, w.String())
	}
	fields["_warnings"] = strings.Join(warnings, "; ")
	values := make([]any, 0, 32)
	for _, c := range f.out.columns {
		values = append(values, fields[c.Name])
	}
	return f.row(values...)
}

func (f *flows) emit(object []byte) error {
	f.buf = object
	if err := f.out.object(object); err != nil {
		return err
	}
	return f.reached()
}

func (f *flows) row(values ...any) error {
	if err := f.out.row(values...); err != nil {
		return err
	}
	return f.reached()
}

func (f *flows) reached() error {
	if f.limit > 0 && f.out.written >= f.limit {
		return errLimit
	}
	return nil
}

// appendFlow appends a record as a JSON object.
func appendFlow(dst []byte, l *ingest.Line, r *logformat.Record, sent, received int64) []byte {
	dst = append(dst, '{')
	for i := range r.Fields {
		x := &r.Fields[i]
		dst = table.AppendJSONString(dst, x.Name)
		dst = append(dst, ':')
		switch x.Kind {
		case logformat.KindText:
			dst = table.AppendJSONString(dst, x.Text)
		case logformat.KindNumber:
			dst = strconv.AppendInt(dst, x.Number, 10)
		case logformat.KindTime:
			dst = appendTime(dst, x.Number)
		}
		dst = append(dst, ',')
	}
	dst = append(dst, `"_file":`...)
	dst = table.AppendJSONString(dst, l.Path)
	dst = append(dst, `,"_line":`...)
	dst = strconv.AppendInt(dst, l.Number, 10)
	dst = append(dst, `,"_format":"`...)
	dst = append(dst, r.Format.String()...)
	dst = append(dst, `","_start":`...)
	if r.Start == traffic.Unknown {
		dst = append(dst, "null"...)
	} else {
		dst = appendTime(dst, r.Start)
	}
	for _, n := range []struct {
		name  string
		value int64
	}{{"_durationSeconds", r.Seconds}, {"_sent", sent}, {"_received", received}} {
		dst = append(dst, `,"`...)
		dst = append(dst, n.name...)
		dst = append(dst, `":`...)
		if n.value == traffic.Unknown {
			dst = append(dst, "null"...)
		} else {
			dst = strconv.AppendInt(dst, n.value, 10)
		}
	}
	dst = append(dst, `,"_user":`...)
	if r.User == "" {
		dst = append(dst, "null"...)
	} else {
		dst = table.AppendJSONString(dst, r.User)
	}
	dst = append(dst, `,"_subtype":`...)
	dst = table.AppendJSONString(dst, r.Subtype)
	dst = append(dst, `,"_warnings":[`...)
	for i, w := range r.Warnings {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = table.AppendJSONString(dst, w.String())
	}
	return append(dst, ']', '}', '\n')
}

func appendTime(dst []byte, ticks int64) []byte {
	dst = append(dst, '"')
	dst = table.AppendDatetime(dst, ticks)
	return append(dst, '"')
}

// resultWriter prints rows as they come, so that any number of them needs little memory: JSON objects one by one,
// tables and CSV some hundred rows at a time.
type resultWriter struct {
	a       *app
	format  string
	columns []table.Column
	out     *bufferedFile
	t       *table.Table
	started bool
	written int64
}

// tableStep is the number of rows that one alignment holds for.
const tableStep = 200

func newResultWriter(a *app, format string, columns []table.Column) *resultWriter {
	return &resultWriter{a: a, format: format, columns: columns, out: newBuffered(a.stdout), t: table.New(columns...)}
}

// shortHeaders gives the headings of a table for people.
func shortHeaders(columns []table.Column) []string {
	short := map[string]string{
		"TimeGenerated": "Time", "SourceIP": "Source", "DestinationIP": "Destination", "DestinationPort": "Port",
		"Protocol": "Proto", "ApplicationProtocol": "App", "DeviceAction": "Action", "DeviceName": "Device",
		"_durationSeconds": "Secs",
	}
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = short[c.Name]
		if out[i] == "" && strings.HasPrefix(c.Name, "_") {
			out[i] = strings.ToUpper(c.Name[1:2]) + c.Name[2:]
		}
	}
	return out
}

func (w *resultWriter) object(b []byte) error {
	w.written++
	if _, err := w.out.Write(b); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

func (w *resultWriter) row(values ...any) error {
	w.written++
	w.t.Append(values...)
	if w.t.Len() < tableStep {
		return nil
	}
	return w.flushTable()
}

func (w *resultWriter) flushTable() error {
	if w.t.Len() == 0 && (w.format != formatCSV || w.started) { // CSV without rows has its header
		return nil
	}
	var b bytes.Buffer
	var err error
	if w.format == formatCSV {
		err = w.t.WriteCSV(&b)
	} else {
		o := table.TextOptions{Color: w.a.useColor(w.a.stdout), Headers: shortHeaders(w.columns)}
		o.Width, _ = w.a.stdoutTerminal()
		err = w.t.WriteText(&b, o)
	}
	text := b.Bytes()
	if w.started && w.format == formatCSV { // the header stands once
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	w.started = true
	w.t = table.New(w.columns...)
	if err == nil {
		_, err = w.out.Write(text)
	}
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

func (w *resultWriter) close() error {
	if err := w.flushTable(); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}
