package table

import (
	"bufio"
	"encoding/json"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Align is the side of its column on which a cell stands.
type Align uint8

// The sides. By default numbers and timespans stand on the right, and all else
// on the left.
const (
	AlignDefault Align = iota
	AlignLeft
	AlignRight
)

// Style is how a cell looks where colour is on.
type Style uint8

// The styles of cells.
const (
	Plain Style = iota
	Bold
	Dim
	Red
	Green
	Yellow
	Cyan
)

// Paint returns text between the ANSI escapes of the style. Plain text stays as
// it is.
func (s Style) Paint(text string) string {
	code := ""
	switch s {
	case Plain:
		return text
	case Bold:
		code = "1"
	case Dim:
		code = "2"
	case Red:
		code = "31"
	case Green:
		code = "32"
	case Yellow:
		code = "33"
	case Cyan:
		code = "36"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// TextOptions says how [Table.WriteText] lays a table out. The zero value is
// good for a file: no limit of width, except that a text of more than 200 cells
// is cut, and no colour.
type TextOptions struct {
	Width    int                        // cells in a line; 0 is unlimited
	Color    bool                       // styles as ANSI escapes
	NoHeader bool                       // rows alone
	Headers  []string                   // by column, shown instead of its name; "" or missing keeps the name
	Align    []Align                    // by column; missing is AlignDefault
	Whole    []bool                     // by column: text is shown whole or, where there is no room, not at all
	Style    func(row, col int) Style   // nil is Plain; asked for only with Color
	Format   func(row, col int) *string // nil, or a result of nil, is the usual text; the result is made Printable
	Hint     string                     // how to see columns that found no room; "" is "use --format json"
}

// maxCells bounds the texts of a table that is not for a terminal: without it,
// one long text would have all rows padded to its width.
const maxCells = 200

// columnGap is the space between columns.
const columnGap = 2

// WriteText writes the table as aligned text for a terminal. A table that does
// not fit the width gets, in this order, narrower text columns (cut with …),
// headers on several lines, and fewer columns: those that are empty in all rows
// are left out, then the last, and a line under the table names or counts them.
// Numbers, times and addresses are cut only where the first column alone is too
// wide. A dynamic that is a text stands without its quotes. Every text is made
// [Printable].
func (t *Table) WriteText(w io.Writer, o TextOptions) error {
	out := bufio.NewWriterSize(w, flushAt)
	p := newTextPrinter(t, o)
	p.measure()
	p.fit()
	if !o.NoHeader {
		p.writeHeader(out)
	}
	var line []byte
	for row := range t.rows {
		line = p.appendRow(line[:0], row)
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	p.writeLeftOut(out)
	return out.Flush()
}

// textPrinter is one run of WriteText.
type textPrinter struct {
	t      *Table
	o      TextOptions
	cols   []textColumn
	order  []int // columns that may be shown, in their order
	shown  int   // how many of order, the first, fit
	empty  []int // columns without a value, where they are left out
	widths []int // by place in order
}

// textColumn is what the layout has to know of one column.
type textColumn struct {
	header   string
	pieces   []string // the header, where it may break
	cells    int      // the widest cell
	decimals int      // of a Real column, of the cell that has the most, so that points align
	right    bool
	elastic  bool // may be narrowed
	middle   bool // is cut in the middle
	filled   bool // has a cell that is not empty
}

func newTextPrinter(t *Table, o TextOptions) *textPrinter {
	p := &textPrinter{t: t, o: o, cols: make([]textColumn, len(t.cols))}
	for i, c := range t.cols {
		tc := &p.cols[i]
		tc.header = c.Name
		if i < len(o.Headers) && o.Headers[i] != "" {
			tc.header = o.Headers[i]
		}
		tc.header = Printable(tc.header)
		tc.pieces = headerPieces(tc.header)
		switch c.Type {
		case Int, Long, Real, Timespan, Decimal:
			tc.right = true
		case String:
			tc.elastic, tc.middle = true, true
		case Dynamic:
			tc.elastic = true
		case Bool, Datetime, Guid:
		}
		if i < len(o.Whole) && o.Whole[i] {
			tc.elastic = false
		}
		if i < len(o.Align) && o.Align[i] != AlignDefault {
			tc.right = o.Align[i] == AlignRight
		}
	}
	return p
}

// measure finds the widest cell of each column and whether it may be cut.
func (p *textPrinter) measure() {
	for col := range p.cols {
		tc := &p.cols[col]
		if p.t.cols[col].Type == Real {
			tc.decimals = p.columnDecimals(col)
		}
		addresses := tc.elastic && p.t.rows > 0
		for row := range p.t.rows {
			text := p.cell(row, col)
			tc.cells = max(tc.cells, Cells(text))
			tc.filled = tc.filled || strings.TrimSpace(text) != ""
			if addresses && text != "" {
				addresses = isAddress(text)
			}
			if tc.middle && strings.Contains(text, " ") {
				tc.middle = false
			}
		}
		if addresses {
			tc.elastic = false
		}
	}
}

func isAddress(s string) bool {
	if len(s) > 64 {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(s)
	return err == nil
}

// Reals are written with as many digits as tell them apart, at most
// realDigits, which are those that every number has for certain; the very small
// and the huge with an exponent. Decimals are filled up with zeros to
// filledDecimals at most, and with blanks beyond: a half is not 0.500000000000.
const (
	realDigits     = 15
	filledDecimals = 4
	smallestReal   = 1e-3
	largestReal    = 1e15
)

func needsExponent(v float64) bool {
	abs := math.Abs(v)
	return abs != 0 && abs < smallestReal || abs >= largestReal
}

// realText writes a number with at most realDigits digits.
func realText(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return string(appendPlainReal(nil, v))
	case needsExponent(v):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', realDigits-1, 64), "e")
		return strings.TrimSuffix(strings.TrimRight(mantissa, "0"), ".") + "e" + exponent
	}
	_, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', realDigits-1, 64), "e")
	power, _ := strconv.Atoi(exponent) // FormatFloat wrote a number there
	text := strconv.FormatFloat(v, 'f', max(realDigits-1-power, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// decimalsOf counts the digits after the point of a text of realText.
func decimalsOf(text string) int {
	if _, after, ok := strings.Cut(text, "."); ok && !strings.Contains(after, "e") {
		return len(after)
	}
	return 0
}

func (p *textPrinter) columnDecimals(col int) int {
	vec := &p.t.vectors[col]
	decimals := 0
	for row := range p.t.rows {
		if !vec.null(row) {
			decimals = max(decimals, decimalsOf(realText(vec.reals[row])))
		}
	}
	return decimals
}

// alignedReal writes a number so that its point stands under that of the others
// of its column.
func alignedReal(v float64, decimals int) string {
	text := realText(v)
	if math.IsNaN(v) || math.IsInf(v, 0) || needsExponent(v) || decimals == 0 {
		return text
	}
	n := decimalsOf(text)
	if n == 0 {
		text += "."
	}
	for ; n < min(decimals, filledDecimals); n++ {
		text += "0"
	}
	return text + strings.Repeat(" ", decimals-n)
}

// cell returns the whole text of one cell.
func (p *textPrinter) cell(row, col int) string {
	if p.o.Format != nil {
		if text := p.o.Format(row, col); text != nil {
			return Printable(*text)
		}
	}
	vec := &p.t.vectors[col]
	if vec.null(row) {
		return ""
	}
	switch p.t.cols[col].Type {
	case Bool:
		return strconv.FormatBool(vec.words[row] != 0)
	case Int, Long:
		return strconv.FormatInt(vec.words[row], 10)
	case Real:
		return alignedReal(vec.reals[row], p.cols[col].decimals)
	case Datetime:
		return string(AppendDatetime(nil, vec.words[row]))
	case Timespan:
		return string(AppendTimespan(nil, vec.words[row]))
	case Dynamic:
		return Printable(plainDynamic(vec.texts[row]))
	case String, Guid, Decimal:
	}
	return Printable(vec.texts[row])
}

// plainDynamic gives the text that a JSON string holds, and other JSON as it is.
func plainDynamic(text string) string {
	if strings.HasPrefix(text, `"`) {
		var plain string
		if err := json.Unmarshal([]byte(text), &plain); err == nil {
			return plain
		}
	}
	return text
}

// fit chooses the columns to show and their widths.
func (p *textPrinter) fit() {
	for i := range p.cols {
		p.order = append(p.order, i)
	}
	if p.shown = len(p.order); p.shown == 0 || p.fitColumns() {
		return
	}
	p.leaveEmpty()
	for p.shown = len(p.order); p.shown > 0; p.shown-- {
		if p.fitColumns() {
			return
		}
	}
	p.shown = 1
	p.widths = []int{p.o.Width}
}

// leaveEmpty leaves out the columns that have no value, unless none has.
func (p *textPrinter) leaveEmpty() {
	var filled, empty []int
	for i, c := range p.cols {
		if c.filled {
			filled = append(filled, i)
		} else {
			empty = append(empty, i)
		}
	}
	if len(filled) > 0 {
		p.order, p.empty = filled, empty
	}
}

// fitColumns tries layouts for the columns shown, the best first: headers on
// few lines, and text columns that keep enough to be read.
func (p *textPrinter) fitColumns() bool {
	tallest := 1
	for _, col := range p.order[:p.shown] {
		tallest = max(tallest, len(p.cols[col].pieces))
	}
	if p.o.NoHeader {
		tallest = 1
	}
	for _, floor := range []int{24, 16, 8} {
		for lines := 1; lines <= tallest; lines++ {
			if p.fitWith(lines, floor) {
				return true
			}
		}
	}
	return false
}

// fitWith sets the widths for headers of at most so many lines, with text
// columns of at least floor cells, and reports whether they fit.
func (p *textPrinter) fitWith(lines, floor int) bool {
	cols := p.order[:p.shown]
	available := p.o.Width - columnGap*(len(cols)-1)
	widths := make([]int, len(cols))
	least, most := 0, 0
	lower := make([]int, len(cols))
	for i, col := range cols {
		c, head := &p.cols[col], 0
		if !p.o.NoHeader {
			head = headerWidth(c.pieces, lines)
		}
		widths[i] = max(c.cells, head)
		if p.o.Width <= 0 && c.elastic {
			widths[i] = max(min(c.cells, maxCells), head)
		}
		lower[i] = widths[i]
		if c.elastic {
			lower[i] = min(widths[i], max(floor, head))
		}
		least += lower[i]
		most += widths[i]
	}
	p.widths = widths
	if p.o.Width <= 0 || most <= available {
		return true
	}
	if least > available {
		return false
	}
	narrow(widths, lower, available)
	return true
}

// narrow lowers the widest widths, none below its lower bound, until their sum
// is at most available: all are cut at one level, and what is left over by the
// rounding goes to the first that were cut.
func narrow(widths, lower []int, available int) {
	total := func(level int) int {
		sum := 0
		for i, w := range widths {
			sum += max(lower[i], min(w, level))
		}
		return sum
	}
	low, high := 0, slices.Max(widths)
	for low < high { // the highest level that fits
		middle := (low + high + 1) / 2
		if total(middle) <= available {
			low = middle
		} else {
			high = middle - 1
		}
	}
	rest := available - total(low)
	for i, w := range widths {
		widths[i] = max(lower[i], min(w, low))
		if widths[i] == low && w > low && rest > 0 {
			widths[i]++
			rest--
		}
	}
}

// headerPieces cuts a name where it may break over lines: at blanks and
// underscores, and before a capital that begins a word.
func headerPieces(name string) []string {
	var pieces []string
	runes := []rune(name)
	from := 0
	upper := func(r rune) bool { return r >= 'A' && r <= 'Z' }
	lower := func(r rune) bool { return r >= 'a' && r <= 'z' }
	for i := 1; i < len(runes); i++ {
		before, r := runes[i-1], runes[i]
		word := upper(r) && (lower(before) || upper(before) && i+1 < len(runes) && lower(runes[i+1]))
		if before == ' ' || before == '_' && i > 1 || word {
			pieces = append(pieces, string(runes[from:i]))
			from = i
		}
	}
	return append(pieces, string(runes[from:]))
}

// wrap lays the pieces of a header on lines of at most width cells.
func wrap(pieces []string, width int) []string {
	var lines []string
	line := ""
	for _, piece := range pieces {
		if line != "" && Cells(strings.TrimRight(line+piece, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += piece
		for Cells(strings.TrimRight(line, " ")) > width {
			head := takeCells(line, width)
			if head == "" {
				break
			}
			lines = append(lines, head)
			line = line[len(head):]
		}
	}
	return append(lines, strings.TrimRight(line, " "))
}

// headerWidth returns the least width at which the header takes at most so many
// lines without breaking inside a piece.
func headerWidth(pieces []string, lines int) int {
	width, all := 0, 0
	for _, piece := range pieces {
		width = max(width, Cells(strings.TrimRight(piece, " ")))
		all += Cells(piece)
	}
	for width < all && len(wrap(pieces, width)) > lines {
		width++
	}
	return width
}

// takeCells returns the longest beginning of s that fits.
func takeCells(s string, cells int) string {
	n := 0
	for i, r := range s {
		n += runeCells(r)
		if n > cells {
			return s[:i]
		}
	}
	return s
}

// takeLastCells returns the longest end of s that fits.
func takeLastCells(s string, cells int) string {
	drop := Cells(s) - cells
	for i, r := range s {
		if drop <= 0 && runeCells(r) > 0 {
			return s[i:]
		}
		drop -= runeCells(r)
	}
	return ""
}

const ellipsis = "…"

// cut shortens s to a width: in the middle where both ends tell names and paths
// apart, else at the end.
func cut(s string, width int, middle bool) string {
	if Cells(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	if !middle || width < 3 {
		return takeCells(s, width-1) + ellipsis
	}
	head := takeCells(s, width/2)
	return head + ellipsis + takeLastCells(s, width-1-Cells(head))
}

func (p *textPrinter) writeHeader(out *bufio.Writer) {
	stacks := make([][]string, p.shown)
	height := 0
	for i := range stacks {
		stacks[i] = wrap(p.cols[p.order[i]].pieces, p.widths[i])
		height = max(height, len(stacks[i]))
	}
	cells := make([]string, p.shown)
	for y := range height {
		for i, stack := range stacks {
			cells[i] = ""
			if at := y - (height - len(stack)); at >= 0 {
				cells[i] = takeCells(stack[at], p.widths[i])
			}
		}
		line := p.appendLine(nil, cells, func(int) Style { return Bold })
		_, _ = out.Write(line) // the writer keeps its error for Flush
	}
}

func (p *textPrinter) appendRow(dst []byte, row int) []byte {
	cells := make([]string, p.shown)
	for i := range cells {
		col := p.order[i]
		cells[i] = cut(p.cell(row, col), p.widths[i], p.cols[col].middle)
	}
	return p.appendLine(dst, cells, func(i int) Style {
		if p.o.Style == nil {
			return Plain
		}
		return p.o.Style(row, p.order[i])
	})
}

// appendLine appends the cells on their places, without blanks at the end.
func (p *textPrinter) appendLine(dst []byte, cells []string, style func(i int) Style) []byte {
	pending := 0
	for i, text := range cells {
		if i > 0 {
			pending += columnGap
		}
		space := p.widths[i] - Cells(text)
		if p.cols[p.order[i]].right {
			pending += space
			space = 0
		}
		if solid := strings.TrimRight(text, " "); p.t.cols[p.order[i]].Type == Real { // blanks that align its point
			space += len(text) - len(solid)
			text = solid
		}
		if text != "" {
			dst = appendBlanks(dst, pending)
			dst = p.appendStyled(dst, text, style(i))
			pending = 0
		}
		pending += space
	}
	return append(dst, '\n')
}

func appendBlanks(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

func (p *textPrinter) appendStyled(dst []byte, text string, style Style) []byte {
	if !p.o.Color {
		return append(dst, text...)
	}
	return append(dst, style.Paint(text)...)
}

// maxNamed is how many columns that found no room are named; more are counted.
const maxNamed = 5

// writeLeftOut names or counts the columns that found no room.
func (p *textPrinter) writeLeftOut(out *bufio.Writer) {
	left := p.order[p.shown:]
	if len(left)+len(p.empty) == 0 {
		return
	}
	pieces := []string{"(no ", "room ", "for "}
	if len(left)+len(p.empty) > maxNamed {
		pieces = append(pieces, strings.SplitAfter(p.countLeftOut(len(left))+")", " ")...)
	} else {
		rest := slices.Sorted(slices.Values(append(slices.Clone(left), p.empty...)))
		for i, col := range rest {
			end := ", "
			if i == len(rest)-1 {
				end = ")"
			}
			pieces = append(pieces, p.cols[col].header+end)
		}
	}
	for _, line := range wrap(pieces, p.o.Width) {
		styled := p.appendStyled(nil, takeCells(line, p.o.Width), Dim)
		_, _ = out.Write(append(styled, '\n')) // the writer keeps its error for Flush
	}
}

// countLeftOut says how many columns found no room, and what to do.
func (p *textPrinter) countLeftOut(left int) string {
	hint := p.o.Hint
	if hint == "" {
		hint = "use --format json"
	}
	count := func(n int, what, one, more string) string {
		if n == 1 {
			return "1 " + what + one
		}
		return strconv.Itoa(n) + " " + what + more
	}
	switch {
	case len(p.empty) == 0:
		return count(left, "", "column", "columns") + ": " + hint
	case left == 0:
		return count(len(p.empty), "empty ", "column", "columns") + ": " + hint
	}
	return count(left, "", "column", "columns") + " and " + count(len(p.empty), "empty ", "one", "ones") + ": " + hint
}
