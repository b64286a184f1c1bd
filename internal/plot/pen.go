package plot

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// pen writes SVG. Coordinates are in CSS pixels and are written to a tenth.
type pen struct{ b []byte }

// open begins an <svg> of w by h pixels that is an image with a name and a description.
func (p *pen) open(w, h int, name, desc string) {
	p.raw(`<svg class="plot" width="`)
	p.b = strconv.AppendInt(p.b, int64(w), 10)
	p.raw(`" height="`)
	p.b = strconv.AppendInt(p.b, int64(h), 10)
	p.raw(`" viewBox="0 0 `)
	p.b = strconv.AppendInt(p.b, int64(w), 10)
	p.raw(" ")
	p.b = strconv.AppendInt(p.b, int64(h), 10)
	p.raw(`" role="img"><title>`)
	p.escaped(name)
	p.raw("</title><desc>")
	p.escaped(desc)
	p.raw("</desc>")
}

// hidden begins an <svg> that stretches with its place and says nothing: its meaning stands in text beside it.
func (p *pen) hidden(w, h int) {
	p.raw(`<svg class="plot wide" viewBox="0 0 `)
	p.b = strconv.AppendInt(p.b, int64(w), 10)
	p.raw(" ")
	p.b = strconv.AppendInt(p.b, int64(h), 10)
	p.raw(`" preserveAspectRatio="none" aria-hidden="true">`)
}

func (p *pen) close() { p.raw("</svg>") }

func (p *pen) raw(s string) { p.b = append(p.b, s...) }

// bound keeps coordinates finite and of a length that any reader takes.
const bound = 1e6

// tenths gives v in whole tenths.
func tenths(v float64) int64 {
	if math.IsNaN(v) {
		return 0
	}
	return int64(math.Round(min(max(v, -bound), bound) * 10))
}

func (p *pen) num(v float64) { p.tenth(tenths(v)) }

// tenth writes a number that is given in tenths, as short as it can be.
func (p *pen) tenth(t int64) {
	if t < 0 {
		p.b = append(p.b, '-')
		t = -t
	}
	if t >= 10 || t == 0 {
		p.b = strconv.AppendInt(p.b, t/10, 10)
	}
	if t%10 != 0 {
		p.b = append(p.b, '.', byte('0'+t%10))
	}
}

// attr writes a numeric attribute.
func (p *pen) attr(name string, v float64) {
	p.raw(" ")
	p.raw(name)
	p.raw(`="`)
	p.num(v)
	p.raw(`"`)
}

// text writes a label. The class may be empty.
func (p *pen) text(x, y float64, class, s string) {
	p.raw("<text")
	p.attr("x", x)
	p.attr("y", y)
	p.class(class)
	p.raw(">")
	p.escaped(s)
	p.raw("</text>")
}

func (p *pen) class(class string) {
	if class == "" {
		return
	}
	p.raw(` class="`)
	p.raw(class)
	p.raw(`"`)
}

// rect writes a rectangle; title, where it is not empty, is what a pointer over it shows.
func (p *pen) rect(class string, x, y, w, h float64, title string) {
	p.raw("<rect")
	p.class(class)
	p.attr("x", x)
	p.attr("y", y)
	p.attr("width", max(w, 0))
	p.attr("height", max(h, 0))
	if title == "" {
		p.raw("/>")
		return
	}
	p.raw("><title>")
	p.escaped(title)
	p.raw("</title></rect>")
}

// path begins a path; its commands follow, then endPath. More holds further attributes, with a blank before each.
func (p *pen) path(class, more string) {
	p.raw("<path")
	p.class(class)
	p.raw(more)
	p.raw(` d="`)
}

func (p *pen) endPath() { p.raw(`"/>`) }

// move writes M x y.
func (p *pen) move(x, y float64) {
	p.raw("M")
	p.num(x)
	p.raw(" ")
	p.num(y)
}

// to writes a command with one number, like H, V, h or v.
func (p *pen) to(command string, v float64) {
	p.raw(command)
	p.num(v)
}

// vertical adds a line from y0 to y1 to the open path.
func (p *pen) vertical(x, y0, y1 float64) {
	p.move(x, y0)
	p.to("V", y1)
}

// escaped writes text. What XML reads as markup is written as entities, and what is not to be seen, or would change
// how its neighbours are read (controls, bidi marks, bytes that are not UTF-8), as U+FFFD.
func (p *pen) escaped(s string) {
	for _, r := range s {
		switch {
		case r == '&':
			p.raw("&amp;")
		case r == '<':
			p.raw("&lt;")
		case r == '>':
			p.raw("&gt;")
		case r == '"':
			p.raw("&#34;")
		case r == '\'':
			p.raw("&#39;")
		case !unicode.IsGraphic(r):
			p.b = utf8.AppendRune(p.b, unicode.ReplacementChar)
		default:
			p.b = utf8.AppendRune(p.b, r)
		}
	}
}

// textWidth estimates the width of a label in pixels. It errs on the wide side for the fonts of [Styles].
func textWidth(s string) float64 { return 6.1 * float64(utf8.RuneCountInString(s)) }
