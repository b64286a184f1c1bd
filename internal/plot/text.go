package plot

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// TextOptions says how a picture is drawn for a terminal.
type TextOptions struct {
	// Width is the number of cells in a line; 0 is 80. A picture needs 40.
	Width int
	// Color paints with ANSI escapes. Without it nothing is lost: every mark has a form of its own.
	Color bool
}

func (o TextOptions) width() int {
	if o.Width <= 0 {
		return 80
	}
	return max(o.Width, 40)
}

// The colours of a terminal.
const (
	red    = "31"
	yellow = "33"
	blue   = "34"
	dim    = "2"
)

func (o TextOptions) paint(code, text string) string {
	if !o.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// minStripCells is the least number of cells for a day.
const minStripCells = 8

// eighths are the blocks that fill a cell from the bottom, and bars those that fill it from the left.
var (
	eighths = []rune(" ▁▂▃▄▅▆▇█")
	bars    = []rune(" ▏▎▍▌▋▊▉█")
)

// Marks in a line of a strip.
const (
	markFailed = '×'
	markDue    = '·'
	markNone   = ' '
)

// Text draws the strip for a terminal: a line a day, in which the height of a block is the share of the beats that
// were due, × a failed one and · one that was due and not seen.
func (s *Strip) Text(o TextOptions) string {
	if len(s.rows) == 0 {
		return "no beats\n"
	}
	label, count, head := 0, len("seen / due"), "seen / due"
	counts := make([]string, len(s.rows))
	for i := range s.rows {
		label = max(label, utf8.RuneCountInString(s.rows[i].Label()))
		counts[i] = s.rows[i].Count()
		count = max(count, len(counts[i]))
	}
	if o.width()-label-count-4 < minStripCells {
		// Too narrow for both numbers.
		count, head = len("seen"), "seen"
		for i := range s.rows {
			counts[i] = Count(s.rows[i].Seen)
			count = max(count, len(counts[i]))
		}
	}
	cells := max(o.width()-label-count-4, minStripCells)
	cells = min(cells, 144) // a cell of ten minutes is fine enough
	cells -= cells % 8
	var b strings.Builder
	b.WriteString(padded("", label) + "  " + padded(hours(cells), cells) + "  " + left(head, count) + "\n")
	for i := range s.rows {
		r := &s.rows[i]
		line := padded(shortened(r.Note, cells), cells)
		if r.Note == "" {
			line = s.textLine(r, cells, o)
		}
		b.WriteString(padded(r.Label(), label) + " │" + line + "│ " + left(counts[i], count) + "\n")
	}
	legend := "█ all due beats seen, ▄ half of them, · due and not seen"
	if s.Failed > 0 {
		legend += ", × failed"
	}
	for _, part := range wrapped(legend, o.width()-label-2) {
		b.WriteString(padded("", label+2) + part + "\n")
	}
	return b.String()
}

// hours labels the line above a strip every three hours or, where it is short, every six or twelve.
func hours(cells int) string {
	every := 3
	switch {
	case cells < 32:
		every = 12
	case cells < 64:
		every = 6
	}
	line := []rune(strings.Repeat(" ", cells))
	for h := 0; h < 24; h += every {
		copy(line[cells*h/24:], []rune(twoDigits(h)+":00"))
	}
	return string(line)
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

func padded(s string, cells int) string {
	return s + strings.Repeat(" ", max(cells-utf8.RuneCountInString(s), 0))
}

func left(s string, cells int) string {
	return strings.Repeat(" ", max(cells-utf8.RuneCountInString(s), 0)) + s
}

// textLine draws a day in cells.
func (s *Strip) textLine(r *StripRow, cells int, o TextOptions) string {
	seen, failed, due := make([]int, cells), make([]int, cells), make([]int64, cells)
	length := day / time.Duration(cells)
	for _, b := range r.beats {
		i := min(int(b.At.Sub(r.Start)/length), cells-1)
		if b.Failed {
			failed[i]++
		} else {
			seen[i]++
		}
	}
	for _, h := range s.holes {
		for i := range cells {
			from := r.Start.Add(time.Duration(i) * length)
			due[i] += h.due(from, from.Add(length))
		}
	}
	full := 1.0
	if s.period > 0 {
		full = max(float64(length)/float64(s.period), 1)
	}
	var b strings.Builder
	for i := range cells {
		switch {
		case failed[i] > 0:
			b.WriteString(o.paint(red, string(markFailed)))
		case seen[i] > 0:
			// Rounded up by a little, so that a steady beat does not flicker between two heights.
			share := min(float64(seen[i])/full*1.15, 1)
			b.WriteString(o.paint(blue, string(eighths[max(int(math.Ceil(share*8)), 1)])))
		case due[i] > 0:
			b.WriteString(o.paint(dim, string(markDue)))
		default:
			b.WriteRune(markNone)
		}
	}
	return b.String()
}

// maxTextBins is the number of lines of a histogram in a terminal.
const maxTextBins = 24

// Text draws the histogram for a terminal: a line for each bin that holds gaps, and all of the window's, which a
// bracket at the left marks.
func (g *Gaps) Text(o TextOptions) string {
	if len(g.bins) == 0 {
		return "too few beats for gaps\n"
	}
	type line struct {
		label, note string
		n           int64
		in          bool
	}
	var lines []line
	most := int64(1)
	if n := int64(len(g.under)); n > 0 {
		lines = append(lines, line{label: "under " + Length(g.low), n: n})
	}
	bins := g.shown()
	for i := range bins {
		b := &bins[i]
		lines = append(lines, line{label: Range(b.low, b.high), n: b.n, in: g.inside(b) != "", note: g.multiple(b)})
		most = max(most, b.n)
	}
	if n := int64(len(g.over)); n > 0 {
		lines = append(lines, line{label: "over " + Length(g.high), n: n})
	}
	if g.outside > 0 {
		lines = append(lines, line{label: "beyond", n: g.outside})
	}
	label, count := 3, 4
	for _, l := range lines {
		label = max(label, utf8.RuneCountInString(l.label))
		count = max(count, len(Count(l.n)))
		most = max(most, l.n)
	}
	cells := min(o.width()-label-count-9, 60)
	var b strings.Builder
	b.WriteString("  " + left("gap", label) + "  " + left("gaps", count) + "\n")
	for i, l := range lines {
		before := i > 0 && lines[i-1].in
		after := i+1 < len(lines) && lines[i+1].in
		b.WriteString(o.paint(yellow, bracket(l.in, before, after)) + " " + left(l.label, label) + "  " + left(Count(l.n), count))
		code := dim
		if l.in {
			code = blue
		}
		if l.n > 0 {
			b.WriteString(" " + o.paint(code, horizontal(float64(l.n)/float64(most), cells)))
		}
		if l.note != "" {
			b.WriteString(" " + l.note)
		}
		b.WriteString("\n")
	}
	if g.c.Window.valid() {
		text := "window " + Range(g.c.Window.Low, g.c.Window.High) + ": " + Count(g.in) + " of " + Counted(g.of, "gap")
		for i, part := range wrapped(text, o.width()-2) {
			mark := "  "
			if i == 0 {
				mark = o.paint(yellow, "│") + " "
			}
			b.WriteString(mark + part + "\n")
		}
	}
	return b.String()
}

// shown gives the bins for a terminal: those that hold gaps or lie in the window. Where they are too many, two
// neighbours become one.
func (g *Gaps) shown() []gapBin {
	bins := g.bins
	for {
		var out []gapBin
		for i := range bins {
			if b := &bins[i]; b.n > 0 || g.inside(b) != "" {
				out = append(out, *b)
			}
		}
		if len(out) <= maxTextBins {
			return out
		}
		joined := make([]gapBin, 0, len(bins)/2+1)
		for i := 0; i < len(bins); i += 2 {
			b := bins[i]
			if i+1 < len(bins) {
				b.high = bins[i+1].high
				b.n += bins[i+1].n
			}
			joined = append(joined, b)
		}
		bins = joined
	}
}

// multiple names the multiple of the mean gap that a bin holds.
func (g *Gaps) multiple(b *gapBin) string {
	if !g.c.Window.valid() || g.mean <= 0 {
		return ""
	}
	for k := range int64(4) {
		if v := time.Duration(k * int64(g.mean)); k >= 2 && v >= b.low && v < b.high && v > g.c.Window.High {
			return "×" + Count(k)
		}
	}
	return ""
}

// bracket draws the window's bracket beside a line.
func bracket(in, before, after bool) string {
	switch {
	case !in:
		return " "
	case !before && !after:
		return "["
	case !before:
		return "┌"
	case !after:
		return "└"
	}
	return "│"
}

// horizontal draws a bar of a share of the cells, in eighths of a cell; never nothing for something.
func horizontal(share float64, cells int) string {
	n := int(math.Round(share * float64(cells) * 8))
	if share > 0 {
		n = max(n, 1)
	}
	text := strings.Repeat("█", n/8)
	if n%8 > 0 {
		text += string(bars[n%8])
	}
	return text
}

// Text draws the reasons for a terminal: signed weights, bars to the left of a line for those against and to its
// right for those for, and the sentences.
func (r *Reasons) Text(o TextOptions) string {
	most, name := 1.0, len("score")
	for _, x := range r.Items {
		most = max(most, math.Abs(x.Weight))
		name = max(name, utf8.RuneCountInString(x.Name))
	}
	name = min(name, 16)
	const half, minSentence = 8, 30
	var b strings.Builder
	for _, x := range r.Items {
		n := int(math.Round(math.Abs(x.Weight) / most * half))
		if tenths(x.Weight) != 0 {
			n = max(n, 1)
		}
		bar := strings.Repeat(" ", half) + "│" + o.paint(red, strings.Repeat("█", n)) + strings.Repeat(" ", half-n)
		if x.Weight < 0 {
			bar = strings.Repeat(" ", half-n) + o.paint(blue, strings.Repeat("▒", n)) + "│" + strings.Repeat(" ", half)
		}
		head := padded(shortened(visible(x.Name), name), name) + " " + left(Signed(x.Weight), 6) + " " + bar + " "
		indent := name + 2*half + 10
		if o.width()-indent < minSentence {
			// Too narrow for a column of text: the sentence stands below.
			b.WriteString(strings.TrimRight(head, " ") + "\n")
			head, indent = "    ", 4
		}
		for i, part := range wrapped(visible(x.Text), o.width()-indent) {
			if i > 0 {
				head = strings.Repeat(" ", indent)
			}
			b.WriteString(strings.TrimRight(head+part, " ") + "\n")
		}
	}
	b.WriteString(padded("score", name) + " " + left(Signed(r.Sum()), 6) + "\n")
	return b.String()
}

// visible replaces what is not to be seen, or would act on a terminal, by U+FFFD.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// wrapped cuts a text at blanks into lines of at most n runes; a longer word stays whole. There is always one line.
func wrapped(s string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > n {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
