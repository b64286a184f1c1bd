package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drumbeat/internal/beat"
	"drumbeat/internal/ingest"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
)

// rhythmFlags are the flags of scan that concern rhythm.
type rhythmFlags struct {
	minScore leastScore
	top      int
	networks []string
	report   string
}

// registerRhythm registers the flags.
func (f *rhythmFlags) registerRhythm(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.minScore, "min-score", "list the channels of rhythm from this `SCORE` on, or all that were judged")
	flags.IntVar(&f.top, "top", 0, "list the best `N` of them; 0 is no limit")
	flags.StringSliceVar(&f.networks, "networks", nil,
		"the company's own networks for rhythm, a `CIDR` each (default: private, link-local and loopback ones)")
	flags.StringVar(&f.report, "report", "", "write what rhythm found to `FILE`, a page for a browser")
}

// leastScore is a score, or "all".
type leastScore struct {
	score float64
	all   bool
}

// Set reads a score.
func (l *leastScore) Set(text string) error {
	if text == "all" {
		*l = leastScore{all: true}
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > maxScore {
		return errors.New("want a score such as 2.5, or all")
	}
	*l = leastScore{score: v}
	return nil
}

// maxScore bounds what can be asked for; no score comes near it.
const maxScore = 1e6

// String returns what Set reads.
func (l *leastScore) String() string {
	if l.all {
		return "all"
	}
	return strconv.FormatFloat(l.score, 'f', -1, 64)
}

// Type names the value in help texts.
func (*leastScore) Type() string { return "score" }

// line gives the score from which on a channel counts as found: the alert line, or what is asked for above it.
func (l *leastScore) line() float64 { return max(l.score, 0) }

// rhythmScan is what scan knows of rhythm.
type rhythmScan struct {
	asked    bool
	networks []netip.Prefix
	page     *os.File // of --report
	result   *beat.RhythmResult
	// beacons are the ranked channels that are listed: found of them reach the line; more were left out by --top.
	beacons     []beat.ScoredChannel
	found, more int
	others      [len(rhythmKinds)][]beat.ScoredChannel
}

// rhythmKinds are the findings that are no beacons, and what they are called, one and several.
var rhythmKinds = [...]struct { // constant
	kind               beat.Kind
	one, several, note string
}{
	{beat.KindOutside, "channel from outside", "channels from outside", "A machine outside the company calls in with a rhythm: a scanner, a monitor or a partner. It is not ranked among machines of one's own."},
	{beat.KindDeadService, "dead service that is retried", "dead services that are retried", "A client tries a service that does not answer, with growing pauses. That is a fault or a leftover, and no beacon."},
	{beat.KindFastLoop, "fast loop", "fast loops", "A client calls again in under five seconds, with failures or one size."},
}

// checkRhythm takes rhythm out of the methods and finds flags of it that make no sense.
func (s *scan) checkRhythm() error {
	s.rhythm.asked = slices.Contains(s.methods, methodRhythm)
	s.methods = slices.DeleteFunc(s.methods, func(m string) bool { return m == methodRhythm })
	if s.top < 0 {
		return usageError("--top %d: want 0 or more", s.top)
	}
	if s.report != "" && !s.rhythm.asked {
		return usageError("--report shows what rhythm found: add --method rhythm")
	}
	for _, text := range s.networks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return usageError("--networks %q: want networks such as 10.0.0.0/8 or 2001:db8::/32", text)
		}
		s.rhythm.networks = append(s.rhythm.networks, p.Masked())
	}
	return nil
}

// checkInputs finds what cannot be done with rhythm beside other methods, and makes the file of --report.
func (s *scan) checkInputs(paths []string, files []ingest.File, format string) (err error) {
	if s.rhythm.asked && len(s.methods) > 0 {
		pipe := slices.Contains(paths, "-") || slices.ContainsFunc(files, func(f ingest.File) bool { return f.IsPipe() })
		switch {
		case pipe:
			return usageError("rhythm reads the logs anew, and a pipe is read once: give --method rhythm alone, or the others")
		case format == formatCSV:
			return usageError("the results of rhythm have columns of their own, and a CSV has one header: use --format json")
		}
	}
	if s.report != "" {
		s.rhythm.page, err = s.a.newOutput("report", s.report, files)
	}
	return err
}

// findRhythm reads the files and runs rhythm. Where other methods have read them before, theirs is the report.
func (s *scan) findRhythm(ctx context.Context, files []ingest.File, before *ingest.Report) (report *ingest.Report, err error) {
	sessions := beat.NewSessions(beat.SorterOptions{Memory: int64(s.memory)}, s.rhythm.networks)
	defer func() { err = errors.Join(err, sessions.Close()) }()
	var quarantine func(ingest.Rejected) error
	if s.quarantine != "" && before == nil {
		q, err := s.newQuarantine(files)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, q.close()) }()
		quarantine = q.add
	}
	if report, err = s.readSessions(ctx, files, sessions, quarantine); err != nil {
		return nil, err
	}
	if before != nil {
		before.Partial = before.Partial || report.Partial
		report = before
	}
	s.spilled += sessions.Spilled()
	// With --min-score all the line stays where it is: what is under it is listed without pictures.
	m := beat.Rhythm{MinScore: s.minScore.score, All: s.minScore.all}
	s.rhythm.result, err = m.Run(context.WithoutCancel(ctx), sessions, s.workers)
	if err != nil {
		return nil, err
	}
	s.rhythm.sortOut(s.minScore.line(), s.top)
	return report, nil
}

// sortOut parts the ranking from findings of other kinds, and cuts it.
func (r *rhythmScan) sortOut(line float64, top int) {
	for i := range r.result.Channels {
		c := &r.result.Channels[i]
		if c.Kind == beat.KindBeacon {
			r.beacons = append(r.beacons, *c)
			if c.Score >= line {
				r.found++
			}
			continue
		}
		for k := range rhythmKinds {
			if rhythmKinds[k].kind == c.Kind {
				r.others[k] = append(r.others[k], *c)
			}
		}
	}
	if top > 0 && len(r.beacons) > top {
		r.more = len(r.beacons) - top
		r.beacons = r.beacons[:top]
	}
}

// rhythmColumns are the columns of rhythm.
func rhythmColumns() []table.Column {
	var out []table.Column
	add := func(t table.Type, names ...string) {
		for _, name := range names {
			out = append(out, table.Column{Name: name, Type: t})
		}
	}
	add(table.String, "_method", "SourceIP", "DestinationIP")
	add(table.Int, "DestinationPort")
	add(table.Dynamic, "Protocol")
	add(table.Real, "Score", "Rhythm", "PValue", "PeriodSeconds", "Jitter")
	add(table.Dynamic, "Law", "Window")
	add(table.Long, "Gaps", "GapsInWindow", "Beats", "Missed")
	add(table.Datetime, "FirstSeen", "LastSeen")
	add(table.Long, "SentBytes", "ReceivedBytes", "Hosts")
	add(table.Dynamic, "Users", "Devices", "Apps", "Reasons", "Profile")
	return out
}

// writeRhythm prints what rhythm found, after other results where there are some, and gives the number of findings.
func (s *scan) writeRhythm(format string, after bool) (int, error) {
	r := &s.rhythm
	if !r.asked {
		return 0, nil
	}
	if format == formatTable {
		return r.found, s.writeBeacons(after)
	}
	t := table.New(rhythmColumns()...)
	for i := range r.beacons {
		t.Append(rhythmRow(&r.beacons[i])...)
	}
	return r.found, s.a.writeTable(t, format, table.TextOptions{})
}

// rhythmRow gives the values of rhythmColumns.
func rhythmRow(c *beat.ScoredChannel) []any {
	l := &c.Law
	row := []any{
		methodRhythm, c.Source, c.Destination, known(int64(c.Port)), asJSON(c.Protocol), c.Score, rounded(c.Rhythm, 2),
		significant(c.PValue), nil, nil, asJSON(l.Law), nil, int64(l.Gaps), int64(l.GapsInWindow), l.Beats, l.Missed,
		c.FirstSeen, c.LastSeen, known(c.SentBytes), known(c.ReceivedBytes), int64(c.Hosts),
		asJSON(c.Users), asJSON(c.Devices), asJSON(c.Apps), asJSON(reasonsOf(c)), asJSON(l.Profile),
	}
	if l.Period > 0 {
		row[8] = rounded(l.Period, 2)
	}
	if l.High > 0 { // the 3 % and 97 % points are known
		row[9] = rounded(l.Jitter, 3)
	}
	if l.WindowHigh > 0 {
		row[11] = asJSON([]uint32{l.WindowLow, l.WindowHigh})
	}
	return row
}

// reason is a reason as it is printed.
type reason struct {
	Name   string
	Value  any // nil where the log does not say
	Weight float64
	Text   string
}

func reasonsOf(c *beat.ScoredChannel) []reason {
	out := make([]reason, 0, len(c.Reasons))
	for i := range c.Reasons {
		r := &c.Reasons[i]
		x := reason{Name: r.Name, Weight: r.Weight, Text: r.Text}
		if r.Known {
			x.Value = rounded(r.Value, 4)
		}
		out = append(out, x)
	}
	return out
}

// asJSON gives a value as JSON: nil for an empty text, and an empty list for nil.
func asJSON(v any) any {
	switch x := v.(type) {
	case string:
		if x == "" {
			return nil
		}
	case []string:
		if x == nil {
			v = []string{}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("BUG: rhythm: a value that JSON has no form for: %v", err)) // texts, finite numbers and lists of them
	}
	return json.RawMessage(bytes.TrimSpace(b.Bytes()))
}

// known gives nil for a number that the log does not tell.
func known(n int64) any {
	if n == traffic.Unknown {
		return nil
	}
	return n
}

// rounded cuts a number to some decimals; one that is not finite is nil.
func rounded(v float64, decimals int) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	scale := math.Pow10(decimals)
	if math.Abs(v) > 1e12 {
		return v
	}
	return math.Round(v*scale) / scale
}

// significant cuts a number to three digits.
func significant(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	cut, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v
	}
	return cut
}

// writeBeacons prints the table for people: a line for each channel, the best first, what matters most at the left.
func (s *scan) writeBeacons(after bool) error {
	list := s.rhythm.beacons
	if len(list) == 0 {
		return nil
	}
	if after {
		if _, err := fmt.Fprintln(s.a.stdout); err != nil {
			return err
		}
	}
	named := slices.ContainsFunc(list, func(c beat.ScoredChannel) bool { return len(c.Users) > 0 })
	cols := []table.Column{
		{Name: "Source", Type: table.String},
		{Name: "Destination", Type: table.String},
		{Name: "Score", Type: table.String},
		{Name: "Period", Type: table.String},
		{Name: "Jitter", Type: table.String},
		{Name: "Beats", Type: table.Long},
		{Name: "Hosts", Type: table.Long},
	}
	if named {
		cols = append(cols, table.Column{Name: "User", Type: table.String})
	}
	cols = append(cols,
		table.Column{Name: "First seen", Type: table.String},
		table.Column{Name: "Last seen", Type: table.String},
		table.Column{Name: "App", Type: table.String},
		table.Column{Name: "Device", Type: table.String},
	)
	t := table.New(cols...)
	whole := make([]bool, len(cols))
	for i, c := range cols {
		whole[i] = c.Name != "User" && c.Name != "App" && c.Name != "Device"
	}
	for i := range list {
		t.Append(beaconRow(&list[i], named)...)
	}
	return s.a.writeTable(t, formatTable, table.TextOptions{Whole: whole, Style: func(_, col int) table.Style {
		if col < 2 {
			return table.Bold
		}
		return table.Plain
	}})
}

// beaconRow gives the cells of a channel's line.
func beaconRow(c *beat.ScoredChannel, named bool) []any {
	destination := c.Destination
	if c.Port != traffic.Unknown {
		destination = net.JoinHostPort(destination, strconv.Itoa(int(c.Port)))
	}
	period, jitter := "", ""
	if c.Law.Period > 0 {
		period = humanDuration(secondsOf(c.Law.Period).Round(time.Second))
	}
	if c.Law.High > 0 {
		jitter = strconv.Itoa(int(math.Round(100*c.Law.Jitter))) + " %"
	}
	row := []any{c.Source, destination, strconv.FormatFloat(c.Score, 'f', 1, 64), period, jitter, c.Law.Beats, int64(c.Hosts)}
	if named {
		row = append(row, strings.Join(c.Users, ", "))
	}
	return append(row, clockText(c.FirstSeen), clockText(c.LastSeen), strings.Join(c.Apps, ", "), strings.Join(c.Devices, ", "))
}

// secondsOf gives a length of time; what is longer than there is room for is cut.
func secondsOf(seconds float64) time.Duration {
	if !(seconds < 9e9) { // NaN, too
		return math.MaxInt64
	}
	return time.Duration(seconds * float64(time.Second))
}

// reach says how many sources and channels rhythm saw.
func (r *rhythmScan) reach() string {
	return fmt.Sprintf("; %s and %s, %s of them with the four sessions to be judged", plural(r.result.Sources, "source"),
		plural(r.result.AllChannels, "channel"), humanCount(r.result.Judged))
}

// rhythmFindings says what rhythm found, and what it left out or could not know.
func (s *scan) rhythmFindings(r *ingest.Report) {
	x := &s.rhythm
	if !x.asked {
		return
	}
	head := "found"
	if len(s.methods) > 0 {
		head = ""
	}
	s.a.line(head, "%s", x.foundText(s.minScore.line()))
	for _, text := range x.leftOut() {
		s.a.line("", "%s", text)
	}
	if r.Counts.Flows == 0 && len(s.methods) == 0 {
		s.a.line("", "no flows were read, so nothing could be found")
	}
}

// foundText says what was found.
func (r *rhythmScan) foundText(line float64) string {
	under := ""
	if n := len(r.beacons) + r.more - r.found; n > 0 {
		under = fmt.Sprintf(", %s under it", humanCount(int64(n)))
	}
	parts := []string{fmt.Sprintf("rhythm: %s with a score of %s or more%s", plural(int64(r.found), "channel"),
		strconv.FormatFloat(line, 'f', -1, 64), under)}
	if r.more > 0 {
		parts = append(parts, "--top leaves out "+humanCount(int64(r.more)))
	}
	for k := range rhythmKinds {
		switch n := len(r.others[k]); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+rhythmKinds[k].one)
		default:
			parts = append(parts, humanCount(int64(n))+" "+rhythmKinds[k].several)
		}
	}
	return strings.Join(parts, "; ")
}

// leftOut says which sessions were not judged, and what the log is too small to tell.
func (r *rhythmScan) leftOut() []string {
	l := &r.result.Left
	var parts []string
	for _, x := range []struct {
		n    int64
		what string
	}{
		{l.Duplicates, "that came before"},
		{l.Paired, "of a start whose end is known"},
		{l.Group, "to a group of hosts"},
		{l.SameEnds, "to their own source"},
		{l.NoAddress, "without an address"},
		{l.NoTime, "without a time"},
		{l.Unnamed, "with an address that there was no room for"},
	} {
		if x.n > 0 {
			parts = append(parts, humanCount(x.n)+" "+x.what)
		}
	}
	var out []string
	if len(parts) > 0 {
		out = append(out, "records that rhythm does not judge: "+strings.Join(parts, ", "))
	}
	if l.Ungrouped > 0 {
		out = append(out, fmt.Sprintf("%s not searched for destinations that are visited in turn: there was no room", plural(l.Ungrouped, "session")))
	}
	if k := r.result.Knowledge; k < 1 && r.result.Sources > 0 {
		out = append(out, fmt.Sprintf("the log has %s: how many talk to a destination says little, and counts for %.0f %%",
			plural(r.result.Internal, "internal source"), 100*k))
	}
	return out
}
