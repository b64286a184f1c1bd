package kql

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code names a kind of diagnostic. Codes stay as they are from version to version; messages may become better.
type Code string

// The codes of the parser.
const (
	CodeTooLarge    Code = "KQL001" // the text is longer than MaxSize
	CodeTooDeep     Code = "KQL002" // nesting goes beyond MaxDepth
	CodeCharacter   Code = "KQL003" // a character that is not of the language
	CodeUnclosed    Code = "KQL004" // a quote, parenthesis, bracket or brace is not closed
	CodeEscape      Code = "KQL005" // an unknown escape in a string
	CodeLiteral     Code = "KQL006" // a literal whose text is not of its type
	CodeOverflow    Code = "KQL007" // a literal beyond the limits of its type
	CodeExpected    Code = "KQL010" // something else must stand here
	CodeUnexpected  Code = "KQL011" // this cannot stand here
	CodeOperator    Code = "KQL012" // an unknown operator
	CodePipe        Code = "KQL013" // a | is missing
	CodeSemicolon   Code = "KQL014" // a ; is missing
	CodeKeyword     Code = "KQL015" // a word of the language as a name, without brackets
	CodeType        Code = "KQL016" // an unknown type
	CodeFirst       Code = "KQL017" // an operator that needs a table before it
	CodeNotFirst    Code = "KQL018" // an operator that must be the first
	CodeParameter   Code = "KQL019" // an unknown parameter of an operator
	CodeUnsupported Code = "KQL020" // right, but not supported
)

// Severity is how bad a diagnostic is.
type Severity uint8

// The severities. With an error a query cannot be used.
const (
	Error Severity = iota
	Warning
)

// String gives "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one remark about a query.
type Diagnostic struct {
	Span     Span
	Code     Code
	Severity Severity
	// Message says what is wrong, in one line.
	Message string
	// Hint says what to do about it, or is "".
	Hint string
}

// Diagnostics are remarks about one query, in the order of the text.
type Diagnostics []Diagnostic

// HasErrors reports whether one of them is an error.
func (d Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(d, func(x Diagnostic) bool { return x.Severity == Error })
}

// Sort puts them into the order of the text, those of one place as they came.
func (d Diagnostics) Sort() {
	slices.SortStableFunc(d, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Span.From, b.Span.From), cmp.Compare(a.Span.To, b.Span.To))
	})
}

// drawnColumns is how much of a long line is shown, and leastColumns how much on a terminal that is narrower still;
// tabStop is how far apart tabs stand.
const (
	drawnColumns = 120
	leastColumns = 20
	tabStop      = 4
	// maxShownBytes is how much of a line before the place is looked at: more than can be shown.
	maxShownBytes = 4 * drawnColumns
)

// Draw shows the diagnostics for people:
//
//	name:2:9: error: unknown operator "wher" (KQL012)
//	    | wher a == 1
//	      ^^^^
//	    hint: did you mean where?
//
// Tabs are drawn as spaces and wide characters count as two columns, so that the carets stand right in a terminal.
// Whatever could steer a terminal is shown as "·"; of a long line the part around the place is shown. name may be "".
func (d Diagnostics) Draw(src, name string) string { return d.DrawWithin(src, name, 0) }

// DrawWithin is [Diagnostics.Draw] for a terminal of so many columns: less of a long line is shown, and messages and
// hints go on in a line of their own. 0 is no limit. A word that is too long for a line stays whole.
func (d Diagnostics) DrawWithin(src, name string, width int) string {
	p := &drawing{src: src, name: name, lines: newLineTable(src), width: width, excerpt: drawnColumns}
	if room := width - len(drawnIndent) - 2; width > 0 && room < drawnColumns { // 2: the marks of what is left out
		p.excerpt = max(room, leastColumns)
	}
	for i := range d {
		p.draw(&d[i])
	}
	return p.b.String()
}

// drawnIndent stands before all lines of a diagnostic but the first.
const drawnIndent = "    "

// drawing is diagnostics of one text while they are drawn.
type drawing struct {
	b         strings.Builder
	src, name string
	lines     *lineTable
	width     int // that of the terminal, or 0
	excerpt   int // of a line
}

// text writes a text after the first width cells of its line, which it breaks where it must.
func (p *drawing) text(text string, used int) {
	for i, word := range strings.Split(text, " ") {
		cells := 0
		for _, r := range word {
			cells += runeWidth(r)
		}
		switch {
		case i == 0:
		case p.width > 0 && used+1+cells > p.width:
			p.b.WriteString("\n" + drawnIndent)
			used = len(drawnIndent)
		default:
			p.b.WriteByte(' ')
			used++
		}
		p.b.WriteString(word)
		used += cells
	}
	p.b.WriteByte('\n')
}

func (p *drawing) draw(d *Diagnostic) {
	src, b := p.src, &p.b
	at := p.lines.position(d.Span.From)
	head := ""
	if p.name != "" {
		head = cleanLine(p.name) + ":"
	}
	p.text(fmt.Sprintf("%s%d:%d: %s: %s (%s)", head, at.Line, at.Column, d.Severity, cleanLine(d.Message), d.Code), 0)
	line, start := lineAround(src, d.Span.From)
	from := min(max(d.Span.From-start, 0), len(line))
	to := min(max(d.Span.To-start, from), len(line))
	cut := from - maxShownBytes
	for cut > 0 && !utf8.RuneStart(line[cut]) {
		cut--
	}
	if cut > 0 {
		line, from, to = line[cut:], from-cut, to-cut
	}
	text, before, under := drawLine(line, from, to, p.excerpt)
	if strings.TrimSpace(text) != "" {
		b.WriteString(drawnIndent + text + "\n" + drawnIndent + strings.Repeat(" ", before) + strings.Repeat("^", max(under, 1)) + "\n")
	}
	if d.Hint != "" {
		b.WriteString(drawnIndent)
		p.text("hint: "+cleanLine(d.Hint), len(drawnIndent))
	}
}

// drawLine gives a line as it is shown, in about so many columns, the width before the place, and that of the place.
func drawLine(line string, from, to, columns int) (text string, before, under int) {
	var cells []string // what each character is shown as
	widths := make([]int, 0, len(line))
	first, last := -1, -1
	column := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		if i >= from && first < 0 {
			first = len(cells)
		}
		if i >= to && last < 0 {
			last = len(cells)
		}
		cell, width := drawRune(r, size, column)
		cells, widths = append(cells, cell), append(widths, width)
		column += width
		i += size
		// A line of a megabyte is cut well after the place.
		if last >= 0 && len(cells) > last+drawnColumns {
			break
		}
	}
	if first < 0 {
		first = len(cells)
	}
	if last < 0 {
		last = len(cells)
	}
	begin, end := window(widths, first, columns)
	var b strings.Builder
	if begin > 0 {
		b.WriteString("…")
		before = 1
	}
	for i := begin; i < end; i++ {
		b.WriteString(cells[i])
		switch {
		case i < first:
			before += widths[i]
		case i < last:
			under += widths[i]
		}
	}
	if end < len(cells) {
		b.WriteString("…")
	}
	return strings.TrimRight(b.String(), " "), before, under
}

// window chooses which characters of a line are shown, so that the one at place is among them.
func window(widths []int, place, columns int) (begin, end int) {
	room := columns / 2
	for begin = min(place, len(widths)); begin > 0 && room > 0; begin-- {
		room -= widths[begin-1]
	}
	if begin > 0 && begin < min(8, columns/4) { // not worth an ellipsis
		begin = 0
	}
	room = columns
	for end = begin; end < len(widths) && room >= widths[end]; end++ {
		room -= widths[end]
	}
	return begin, end
}

func drawRune(r rune, size, column int) (cell string, width int) {
	switch {
	case r == '\t':
		width = tabStop - column%tabStop
		return strings.Repeat(" ", width), width
	case r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) && !unicode.Is(unicode.Mn, r):
		return "·", 1
	}
	return string(r), runeWidth(r)
}

// runeWidth is the number of columns a character takes in a terminal: marks take none, those of East Asia and emoji
// two.
func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF && r != 0x303F, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6,
		r >= 0x1F300 && r <= 0x1F64F, r >= 0x1F680 && r <= 0x1F6FF, r >= 0x1F900 && r <= 0x1F9FF,
		r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

// cleanLine makes a text safe for a terminal, on one line.
func cleanLine(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

func quoteChar(r rune) string { return strconv.QuoteRune(r) }

// lineTable finds the position of an offset by halving.
type lineTable struct {
	src    string
	starts []int
}

func newLineTable(src string) *lineTable {
	t := &lineTable{src: src, starts: []int{0}}
	for i := range len(src) {
		if src[i] == '\n' || src[i] == '\r' && (i+1 == len(src) || src[i+1] != '\n') {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

func (t *lineTable) position(offset int) Position {
	offset = min(max(offset, 0), len(t.src))
	i, found := slices.BinarySearch(t.starts, offset)
	if !found {
		i--
	}
	return Position{Line: i + 1, Column: utf8.RuneCountInString(t.src[t.starts[i]:offset]) + 1}
}
