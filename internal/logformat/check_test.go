package logformat

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/traffic"
)

// warnNames are short names of warnings, for expected texts.
var warnNames = [warningCount]string{
	WarnPort: "port", WarnBytes: "bytes", WarnNoZone: "noZone", WarnOddZone: "oddZone", WarnUnsureHour: "unsureHour",
	WarnToken: "token", WarnDuplicate: "duplicate", WarnCut: "cut", WarnEncoding: "encoding", WarnNoYear: "noYear",
	WarnHeaderTime: "headerTime", WarnShifted: "shifted", WarnNumber: "number", WarnJoined: "joined",
}

func warningText(before, after *Counts) string {
	var names []string
	for w := range warningCount {
		if n := after.Warnings[w] - before.Warnings[w]; n > 0 {
			names = append(names, warnNames[w])
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " ! " + strings.Join(names, " ")
}

// rowText writes a row with all its columns:
//
//	time source destination:port SentBytes/ReceivedBytes device user flags
//
// An unknown number is "?", a blank text "-", and the flags are A (Activity), C (class ID) or "-".
func rowText(b *traffic.Batch, i int) string {
	text := func(code uint32) string {
		if code == 0 {
			return "-"
		}
		return b.Names.Text(code)
	}
	number := func(n int64) string {
		if n == traffic.Unknown {
			return "?"
		}
		return strconv.FormatInt(n, 10)
	}
	addr := func(a traffic.Addr) string {
		if a.Kind == traffic.AddrNone {
			return "-"
		}
		return string(a.AppendText(nil, b.Names))
	}
	flags, ok := map[uint8]string{0: "-", traffic.FlagActivity: "A", traffic.FlagOther: "C"}[b.Flags[i]]
	if !ok {
		flags = strconv.Itoa(int(b.Flags[i]))
	}
	return fmt.Sprintf("%s %s %s:%s %s/%s %s %s %s", clock(b.Time[i]), addr(b.Src[i]), addr(b.Dst[i]),
		number(int64(b.DstPort[i])), number(b.SentBytes[i]), number(b.ReceivedBytes[i]), text(b.Device[i]),
		text(b.UserID[i]), flags)
}

func clock(ticks int64) string {
	if ticks == traffic.Unknown {
		return "?"
	}
	return traffic.Time(ticks).Format(time.RFC3339Nano)
}

func outcomeText(o Outcome) string {
	switch {
	case o.Reason != ReasonNone:
		return "rejected: " + o.Reason.String()
	case o.Other != OtherNone:
		return "other: " + o.Other.String()
	}
	return "flow"
}

// failer is a test, a fuzz target or a rapid property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// rig reads each line in every way that there is and fails where two ways differ: the parser as it is, the parser
// without its fast path, and the reader.
type rig struct {
	t            failer
	fast, slow   *Parser
	reader       *Reader
	fastB, slowB traffic.Builder
	lines        int64
}

// newRig makes a rig. ref is what the parsers get as the time of a record nearby, or 0.
func newRig(t failer, opt Options, ref int64) *rig {
	r := &rig{t: t, fast: NewParser(opt), slow: NewParser(opt), reader: NewReader(opt)}
	r.slow.fast = false
	r.start(ref)
	return r
}

// start begins another piece of a source.
func (r *rig) start(ref int64) {
	near := func() int64 { return ref }
	r.fast.Start(near, r.fastB.Reset(traffic.Origin{}))
	r.slow.Start(near, r.slowB.Reset(traffic.Origin{}))
	r.reader.Start(near)
	r.lines = 0
}

// read reads one line and gives its rows or its outcome as text, one row a line of text, with the line's warnings.
func (r *rig) read(line string) string {
	r.t.Helper()
	before := r.slow.Counts
	fast := readOne(r.t, r.fast, &r.fastB, line, uint32(r.lines))
	slow := readOne(r.t, r.slow, &r.slowB, line, uint32(r.lines))
	if fast != slow {
		r.t.Fatalf("fast and slow differ on line %d, %q\nfast %s\nslow %s", r.lines, line, fast, slow)
	}
	if r.fast.Counts != r.slow.Counts {
		r.t.Fatalf("counts differ after line %d, %q\nfast %+v\nslow %+v", r.lines, line, r.fast.Counts, r.slow.Counts)
	}
	r.lines++
	if c := &r.fast.Counts; c.Lines() != r.lines {
		r.t.Fatalf("%d lines give %d flows, %d others, %d rejected and %d joined, after %q",
			r.lines, c.Flows, c.Others(), c.Rejects(), c.Warnings[WarnJoined], line)
	}
	r.compareReader(line, slow)
	return slow + warningText(&before, &r.slow.Counts)
}

// readOne reads a line with a parser. It checks that rows are put for a flow alone.
func readOne(t failer, p *Parser, b *traffic.Builder, line string, number uint32) string {
	t.Helper()
	// A line in memory of its own, with or without room behind it, must read the same.
	room := []byte(line + `,,"" ,=<14> src={0|`)[:len(line)]
	if number%2 == 0 {
		room = room[:len(line):len(line)]
	}
	n := b.Mark()
	o := p.Parse(b, room, number)
	if string(room) != line {
		t.Fatalf("the line was changed to %q", room)
	}
	batch := b.Batch()
	for _, l := range []int{
		len(batch.Line), len(batch.Src), len(batch.Dst), len(batch.DstPort), len(batch.SentBytes), len(batch.ReceivedBytes),
		len(batch.Device), len(batch.UserID), len(batch.Flags),
	} {
		if l != batch.Len() {
			t.Fatalf("columns of %d and %d rows after %q", l, batch.Len(), line)
		}
	}
	if !o.IsFlow() {
		if b.Mark() != n {
			t.Fatalf("%s, but rows were put: %q", outcomeText(o), line)
		}
		return outcomeText(o)
	}
	var rows []string
	for i := n; i < batch.Len(); i++ {
		if batch.Line[i] != number || batch.Time[i] < 0 || batch.Time[i] > traffic.MaxTicks {
			t.Fatalf("row of line %d at %d for line %d, %q", batch.Line[i], batch.Time[i], number, line)
		}
		rows = append(rows, rowText(batch, i))
	}
	if len(rows) == 0 || len(rows) > 2 {
		t.Fatalf("%d rows for %q", len(rows), line)
	}
	return strings.Join(rows, "\n")
}

// compareReader reads the line with the reader and compares the columns that both have.
func (r *rig) compareReader(line, want string) {
	r.t.Helper()
	// Number and token warnings are about columns that the parser does not look at.
	records, o := r.reader.Read([]byte(line))
	got := outcomeText(o)
	if o.IsFlow() {
		rows := make([]string, len(records))
		for i, rec := range records {
			rows[i] = recordRow(rec)
		}
		got = strings.Join(rows, "\n")
	} else if len(records) > 0 {
		r.t.Fatalf("%s, but records: %q", got, line)
	}
	if got != want {
		r.t.Fatalf("reader and parser differ on %q\nreader %s\nparser %s", line, got, want)
	}
	a, b := r.reader.p.Counts, r.slow.Counts
	for _, c := range []*Counts{&a, &b} {
		c.Warnings[WarnToken], c.Warnings[WarnNumber] = 0, 0
		for w := range c.Warnings {
			c.Warnings[w] = min(c.Warnings[w], 1)
		}
	}
	if a != b {
		r.t.Fatalf("counts differ after %q\nreader %+v\nparser %+v", line, a, b)
	}
}

// recordRow writes what a record has of a row's columns, as rowText does.
func recordRow(rec *Record) string {
	text := func(name string) string {
		if s := rec.text(name); s != "" {
			return s
		}
		return "-"
	}
	number := func(name string) string {
		if n := rec.number(name); n != traffic.Unknown {
			return strconv.FormatInt(n, 10)
		}
		return "?"
	}
	flags := "C"
	if rec.text("DeviceVendor") == paloAlto && rec.text("Activity") == "TRAFFIC" {
		flags = "A"
	}
	return fmt.Sprintf("%s %s %s:%s %s/%s %s %s %s", clock(rec.Time), text("SourceIP"), text("DestinationIP"),
		number("DestinationPort"), number("SentBytes"), number("ReceivedBytes"), text("DeviceName"),
		text("SourceUserID"), flags)
}

// readAll reads a text of lines with a fresh rig and gives what became of each, one text a line.
func readAll(t failer, opt Options, ref int64, lines string) string {
	t.Helper()
	r := newRig(t, opt, ref)
	var got []string
	for line := range strings.SplitSeq(lines, "\n") {
		got = append(got, r.read(line))
	}
	return strings.Join(got, "\n")
}

// at gives the ticks of an RFC 3339 time.
func at(text string) int64 {
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return traffic.Ticks(v)
}

// location loads a time zone.
func location(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return l
}

// lineCase is lines and what becomes of them.
type lineCase struct {
	shows string // what the case shows
	in    string // lines
	want  string // rows and outcomes
	opt   Options
	ref   int64
}

func (c *lineCase) check(t *testing.T) {
	t.Helper()
	if got := readAll(t, c.opt, c.ref, c.in); got != c.want {
		t.Errorf("%s\nin   %q\ngot  %s\nwant %s", c.shows, c.in, got, c.want)
	}
}

// allCases lists the cases of all tables.
func allCases() []lineCase {
	return slices.Concat(headerCases(), cefCases(), timeCases(), strataCases(), nativeCases(), otherCases())
}

// TestCases checks each case by itself.
func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCases() {
		if seen[c.shows] {
			t.Errorf("two cases are named %q", c.shows)
		}
		seen[c.shows] = true
		t.Run(c.shows, c.check)
	}
}

// TestCasesInOneStream reads all cases again and again with one parser, so that what it has learned from some meets
// the others: nothing changes but what the years and the nearby times do.
func TestCasesInOneStream(t *testing.T) {
	byOptions := map[Options][]lineCase{}
	for _, c := range allCases() {
		byOptions[c.opt] = append(byOptions[c.opt], c)
	}
	for opt, cases := range byOptions {
		r := newRig(t, opt, 0)
		for round := range 4 {
			for i := range cases {
				c := &cases[(i*(2*round+1))%len(cases)]
				r.start(c.ref)
				var got []string
				for line := range strings.SplitSeq(c.in, "\n") {
					got = append(got, r.read(line))
				}
				if text := strings.Join(got, "\n"); text != c.want {
					t.Fatalf("%s, in round %d\nin   %q\ngot  %s\nwant %s", c.shows, round, c.in, text, c.want)
				}
			}
		}
	}
}

// seedLines gives the lines of all cases, for fuzzing and for random streams.
func seedLines() [][]byte {
	var lines [][]byte
	for _, c := range allCases() {
		lines = append(lines, bytes.Split([]byte(c.in), []byte("\n"))...)
	}
	return lines
}
