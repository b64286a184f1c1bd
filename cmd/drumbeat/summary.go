package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"drumbeat/internal/beat"
	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
)

// bufferedFile is a file that is written in large steps.
type bufferedFile = bufio.Writer

func newBuffered(w io.Writer) *bufferedFile { return bufio.NewWriterSize(w, 1<<16) }

// summary says on standard error what was read, what was not, and what was decided.
func (s *scan) summary(r *ingest.Report, found *beat.Result) {
	took := s.a.now().Sub(s.began)
	if width, _ := s.a.stdoutTerminal(); width > 0 && (len(found.Rows) > 0 || s.rhythm.asked) {
		s.a.notef("")
	}
	s.a.line("read", "%s, %s, %s in %s (%s lines/s, %s/s), peak memory %s",
		plural(int64(len(r.Files)), "file"), humanBytes(r.Bytes), plural(r.Lines, "line"), humanDuration(took),
		humanCount(perSecond(r.Lines, took)), humanBytes(perSecond(r.Bytes, took)), peakMemory())
	if s.spilled > 0 {
		s.a.line("", "%s of flows in a temporary file; --memory %s is what may stay in memory", humanBytes(s.spilled), s.memory.String())
	}
	c := &r.Counts
	s.a.line("lines", "%s%s + %s of other types%s + %s rejected", plural(c.Flows, "flow"), joinedText(c),
		humanCount(c.Others()), inBrackets(others(c)), humanCount(c.Rejects()))
	s.a.rejects(c, r.Samples, s.rejectsHint())
	if c.Flows > 0 {
		s.a.line("span", "%s to %s UTC%s", stampText(c.First), stampText(c.Last), s.reach(found))
		s.decisions(r)
		if len(s.methods) > 0 {
			s.runs(r)
		}
	}
	if len(s.methods) > 0 {
		s.findings(r, found)
	}
	s.rhythmFindings(r)
	s.a.countWarnings(c)
}

// rejectsHint says what can be done about rejected lines.
func (s *scan) rejectsHint() string {
	if s.quarantine != "" {
		return ""
	}
	return "--quarantine FILE keeps them all, --strict makes them an error"
}

// indent is the width of a summary line's head.
const indent = 10

// line prints one line of the summary, or several where the terminal is too narrow for one.
func (a *app) line(head, format string, args ...any) {
	text := table.Printable(fmt.Sprintf(format, args...))
	width, isTerminal := a.stderrTerminal()
	if !isTerminal {
		width = 1 << 20
	}
	for _, part := range wrapWords(text, max(width-indent-1, 20)) {
		a.notef("%-*s%s", indent, head, part)
		head = ""
	}
}

// wrapWords cuts a text at blanks into lines of at most width cells; a word that is longer stays whole.
func wrapWords(text string, width int) []string {
	var lines []string
	for table.Cells(text) > width {
		cut, cells := -1, 0
		for i, r := range text {
			if r == ' ' && i > 0 && strings.TrimSpace(text[:i]) != "" && (cells <= width || cut < 0) {
				cut = i
			}
			if cells += table.Cells(string(r)); cells > width && cut >= 0 {
				break
			}
		}
		if cut < 0 {
			break
		}
		lines = append(lines, text[:cut])
		text = "  " + strings.TrimLeft(text[cut:], " ")
	}
	return append(lines, text)
}

func perSecond(n int64, d time.Duration) int64 {
	if d <= 0 {
		return n
	}
	return int64(float64(n) / d.Seconds())
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanCount(n) + " " + what + "s"
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// joinedText says how many lines gave two flows.
func joinedText(c *logformat.Counts) string {
	n := c.Warnings[logformat.WarnJoined]
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s held two messages)", plural(n, "line"))
}

// others lists the records of other types by type.
func others(c *logformat.Counts) string {
	var parts []string
	for t, n := range c.Other {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", logformat.OtherType(t), humanCount(n)))
		}
	}
	return strings.Join(parts, ", ")
}

// showPath gives a source's path for people.
func showPath(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// shorten cuts a text to at most n runes.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}

// reach says how many sources and channels the rules saw, or rhythm where there are none.
func (s *scan) reach(found *beat.Result) string {
	if len(s.methods) == 0 {
		return s.rhythm.reach()
	}
	text := fmt.Sprintf("; %s", plural(found.Sources, "source"))
	if found.Channels != traffic.Unknown {
		text += fmt.Sprintf(" and %s", plural(found.Channels, "channel"))
	}
	return text + " to public IPv4 addresses"
}

// decisions says how the lines were understood.
func (s *scan) decisions(r *ingest.Report) {
	shown := 0
	for i := range r.Files {
		f := &r.Files[i]
		if shown >= maxFilesShown && !s.a.verbose {
			s.a.line("", "and %s more; --verbose lists all", plural(int64(len(r.Files)-shown), "file"))
			break
		}
		s.a.line(headOnce("format", shown), "%s: %s", showPath(f.Path), formatsOf(f))
		shown++
	}
	s.a.line("time", "%s", s.timeText(r))
	s.direction(r)
}

// timeText says where times were taken from.
func (s *scan) timeText(r *ingest.Report) string {
	var times []string
	for t, n := range r.Counts.TimeFrom {
		if n > 0 {
			times = append(times, fmt.Sprintf("%s (%s)", logformat.TimeSource(t), humanCount(n)))
		}
	}
	zone := "UTC where none is named"
	if s.zone.Location != nil {
		zone = s.zone.String() + " where none is named"
	}
	return fmt.Sprintf("TimeGenerated from %s; zone: %s", strings.Join(times, ", "), zone)
}

// maxFilesShown is the number of files whose format is listed unless --verbose asks for all.
const maxFilesShown = 5

func headOnce(head string, shown int) string {
	if shown == 0 {
		return head
	}
	return ""
}

// formatsOf lists the formats of a file's flows with their shares.
func formatsOf(f *ingest.FileReport) string {
	var parts []string
	for format, n := range f.Counts.Formats {
		switch n {
		case 0:
		case f.Counts.Flows:
			parts = append(parts, logformat.Format(format).String())
		default:
			parts = append(parts, fmt.Sprintf("%s (%s)", logformat.Format(format), humanCount(n)))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no flows")
	}
	text := strings.Join(parts, ", ")
	if f.Packed != "" {
		text += ", " + f.Packed
	}
	return text
}

// direction says which of the CEF keys in and out was taken as what the client sent, the devices of one decision
// together.
func (s *scan) direction(r *ingest.Report) {
	shown := 0
	for _, sent := range []bool{true, false} {
		var devices []string
		more := 0
		for _, d := range r.Direction.Decisions() {
			switch {
			case d.InIsSent != sent:
			case len(devices) >= maxFilesShown && !s.a.verbose:
				more++
			default:
				devices = append(devices, directionText(d))
			}
		}
		if len(devices) == 0 {
			continue
		}
		if more > 0 {
			devices = append(devices, fmt.Sprintf("and %d more", more))
		}
		which := "in= is what the client sent"
		if !sent {
			which = "in= is what the client received"
		}
		s.a.line(headOnce("bytes", shown), "%s: %s", which, strings.Join(devices, ", "))
		shown++
	}
}

// directionText names a device and says what its decision rests on.
func directionText(d logformat.Decision) string {
	name := d.Device
	if name == "" {
		name = "unnamed device"
	}
	switch {
	case d.Assumed && d.For+d.Against > 0:
		return fmt.Sprintf("%s (assumed; %d of %d records tell so)", name, d.For, d.For+d.Against)
	case d.Assumed:
		return name + " (assumed)"
	}
	return fmt.Sprintf("%s (%d of %d records tell so)", name, d.For, d.For+d.Against)
}

// runs says when the rule was run and what that left out.
func (s *scan) runs(r *ingest.Report) {
	w := int64(s.window) / 100
	if s.now.set {
		now := traffic.Ticks(s.now.Time)
		s.a.line("runs", "once, at %s: over records from %s to %s", stampText(now), stampText(max(now-2*w, 0)),
			stampText(max(traffic.Floor(now-w, w), 0)))
		return
	}
	first, last := r.Counts.First, r.Counts.Last
	if s.from.set {
		first = max(first, traffic.Ticks(s.from.Time))
	}
	if s.to.set {
		last = min(last, traffic.Ticks(s.to.Time)-1)
	}
	if first > last {
		s.a.line("runs", "none: no record is between --from and --to")
		return
	}
	if last/w == first/w {
		s.a.line("runs", "once, as scheduled, at %s", stampText((first/w+2)*w))
		return
	}
	s.a.line("runs", "as scheduled, from %s to %s", stampText((first/w+2)*w), stampText((last/w+2)*w))
}

func stampText(ticks int64) string { return traffic.Time(ticks).Format(time.DateTime) }

// findings says what each method found.
func (s *scan) findings(r *ingest.Report, found *beat.Result) {
	total := 0
	var parts []string
	for i, rows := range found.Rows {
		channels := make(map[string]bool)
		for j := range rows {
			channels[fmt.Sprintf("%s %s %d", rows[j].Source, rows[j].Destination, rows[j].Port)] = true
		}
		total += len(rows)
		parts = append(parts, fmt.Sprintf("%s: %s in %s", s.methods[i], plural(int64(len(channels)), "channel"),
			plural(int64(len(rows)), "row")))
	}
	if total == 0 && !s.rhythm.asked {
		s.a.line("found", "nothing: no channel that calls at a regular time, as these methods see it")
	} else {
		s.a.line("found", "%s", strings.Join(parts, "; "))
	}
	if n := r.Counts.Formats[logformat.FormatStrata]; n > 0 && slices.Contains(s.methods, methodSource) {
		s.a.line("", "source-delta did not see the %s of Strata: their Activity is not TRAFFIC, which the rule asks for",
			plural(n, "flow"))
	}
	if total == 0 && r.Counts.Flows == 0 {
		why := ""
		if r.Counts.Rejects() > 0 {
			why = "; drumbeat flows --rejected shows why"
		}
		s.a.line("", "no flows were read, so nothing could be found%s", why)
	}
}
