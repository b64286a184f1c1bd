package rule

import (
	"slices"
	"strings"
	"unicode/utf8"

	"drumbeat/kql"
)

// place maps offsets of a text that was read out of a file to offsets of the file. Within a piece both go on byte by
// byte.
type place struct {
	pieces []piece
	whole  kql.Span // where the text is, for what cannot be told closer
	end    int
}

type piece struct{ text, file int }

// at gives the offset in the file.
func (p *place) at(offset int) int {
	i, found := slices.BinarySearchFunc(p.pieces, offset, func(a piece, at int) int { return a.text - at })
	if !found {
		i--
	}
	if i < 0 {
		return p.whole.From
	}
	at := p.pieces[i].file + offset - p.pieces[i].text
	return min(at, p.end)
}

// span gives the span in the file. One that goes over several lines ends with its first: what is drawn is one line.
func (p *place) span(s kql.Span) kql.Span {
	if len(p.pieces) == 0 {
		return p.whole
	}
	from := p.at(s.From)
	to := from
	if s.To > s.From {
		to = p.at(s.To-1) + 1
	}
	return kql.Span{From: from, To: max(to, from)}
}

// part gives the span of size bytes from an offset on.
func (p *place) part(from, size int) kql.Span { return p.span(kql.Span{From: from, To: from + size}) }

// locate finds how the text of a scalar lies in its file: it walks through both, and gives up where they do not agree.
func locate(file string, n *node) *place {
	p := &place{whole: n.span, end: len(file)}
	if n.style == styleNone {
		return p
	}
	w := &walker{file: file, at: n.span.From, text: n.text}
	switch n.style {
	case styleLiteral, styleFolded:
		if !w.enterBlock(n.indent) {
			return p
		}
	case styleSingle, styleDouble:
		w.at++
	case stylePlain, styleNone:
	}
	if w.walk(n.style) {
		p.pieces = w.pieces
	}
	return p
}

// walker goes through a text and the file that it was read from.
type walker struct {
	file   string
	at     int // in file
	text   string
	done   int // in text
	indent int
	pieces []piece
	jumped bool // the next byte begins a piece
}

// enterBlock goes from the | or > to the first line, and finds out how far the block is indented.
func (w *walker) enterBlock(around int) bool {
	end := strings.IndexByte(w.file[w.at:], '\n')
	if end < 0 {
		return false
	}
	header := w.file[w.at : w.at+end]
	w.at += end + 1
	w.jumped = true
	for _, r := range header[min(1, len(header)):] {
		if r >= '1' && r <= '9' {
			w.indent = around + int(r-'0')
			return true
		}
		if r != '+' && r != '-' {
			break
		}
	}
	// The first line with something on it tells.
	for line := range strings.SplitSeq(w.file[w.at:], "\n") {
		rest := strings.TrimLeft(line, " ")
		if strings.TrimRight(rest, "\r") != "" {
			w.indent = len(line) - len(rest)
			return true
		}
	}
	return true
}

func (w *walker) walk(style textStyle) bool {
	block := style == styleLiteral || style == styleFolded
	if block {
		w.skipIndent()
	}
	for w.done < len(w.text) {
		if block && w.at >= len(w.file) {
			// The breaks that end a block may be of no line.
			return strings.Trim(w.text[w.done:], "\n") == ""
		}
		if w.at >= len(w.file) {
			return false
		}
		c, f := w.text[w.done], w.file[w.at]
		switch {
		case style == styleDouble && f == '\\':
			if !w.escape() {
				return false
			}
		case style == styleSingle && f == '\'':
			w.step(1, 2)
		case f == '\r' && c != '\r':
			w.at++
			w.jumped = true
		case f == '\n':
			if !w.lineBreak(style, block) {
				return false
			}
		case c == f:
			w.step(1, 1)
		case f == ' ' || f == '\t': // blanks before the end of a folded line
			w.at++
			w.jumped = true
		default:
			return false
		}
	}
	return true
}

// step takes bytes of the text that stand for bytes of the file.
func (w *walker) step(text, file int) {
	if w.jumped || len(w.pieces) == 0 {
		w.pieces = append(w.pieces, piece{w.done, w.at})
		w.jumped = false
	}
	w.done += text
	w.at += file
	w.jumped = text != file
}

// skipIndent goes over what the lines of a block are indented by.
func (w *walker) skipIndent() {
	for i := 0; i < w.indent && w.at < len(w.file) && w.file[w.at] == ' '; i++ {
		w.at++
	}
	w.jumped = true
}

// lineBreak goes over the end of a line of the file: in a literal block it is one of the text; elsewhere it is a blank, or
// as many breaks as there are empty lines.
func (w *walker) lineBreak(style textStyle, block bool) bool {
	c := w.text[w.done]
	if style == styleLiteral {
		if c != '\n' {
			return false
		}
		w.step(1, 1)
		w.skipIndent()
		return true
	}
	if c == '\n' || c == ' ' {
		w.step(1, 1)
	} else {
		w.at++
	}
	w.jumped = true
	for w.at < len(w.file) {
		if block {
			w.skipIndent()
		} else {
			for w.at < len(w.file) && (w.file[w.at] == ' ' || w.file[w.at] == '\t') {
				w.at++
			}
		}
		rest := w.file[w.at:]
		if !strings.HasPrefix(rest, "\n") && !strings.HasPrefix(rest, "\r\n") {
			break
		}
		if c == '\n' && w.done < len(w.text) && w.text[w.done] == '\n' {
			w.step(1, 1)
		} else {
			w.at++
		}
		w.jumped = true
	}
	return true
}

// escape goes over an escape of a double-quoted text, of YAML or JSON.
func (w *walker) escape() bool {
	rest := w.file[w.at:]
	if len(rest) < 2 {
		return false
	}
	if rest[1] == '\n' || rest[1] == '\r' { // the line goes on in the next
		w.at += 1 + strings.IndexByte(rest[1:], '\n') + 1
		for w.at < len(w.file) && (w.file[w.at] == ' ' || w.file[w.at] == '\t') {
			w.at++
		}
		w.jumped = true
		return true
	}
	size := map[byte]int{'x': 4, 'u': 6, 'U': 10}[rest[1]]
	if size == 0 {
		size = 2
	}
	r, width := utf8.DecodeRuneInString(w.text[w.done:])
	if r >= 0x10000 && rest[1] == 'u' { // a pair of surrogates
		size = 12
	}
	if size > len(rest) {
		return false
	}
	w.jumped = true
	w.step(width, size)
	w.jumped = true
	return true
}
