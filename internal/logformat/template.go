package logformat

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A template is the shape of one kind of CEF line, learned from lines that the slow parser read. Values that have not
// changed so far are folded with the keys round them into constant texts; a line then is
//
//	const value const value … const
//
// Each constant is one comparison. A value ends at the next blank, and the next constant must start there.
// Where it does not, the value may hold blanks: the search goes on at later blanks, and a value found that way must
// hold no "=", else a key might hide in it. So every byte of a line is compared or searched, and nothing is taken on
// trust: locate finds what the slow parser would find, or gives up. What makes it fast is that a comparison of
// constant text runs at the speed of memory, and that a line of 1 kB has some ten to forty values that vary.
//
// A value that differs from its constant makes the line go to the slow parser once; from then on it varies. Shapes
// and misses are limited, so that hostile input costs a slow parse a line and no more.
type template struct {
	keys   []string
	values []string
	varies []bool
	wants  []want

	segs []segment
	tail string
}

// segment is a constant text and the value after it.
type segment struct {
	text string
	// head holds the first eight bytes of text as a number, and mask which of its bytes text has: most constants are
	// told by one comparison.
	head, mask uint64
	want       want
	// hint is the length that the value had when it was last found to hold blanks, 0 where it never did.
	hint int
}

const (
	maxTemplates = 256 // a parser; one takes some 20 kB
	freeMisses   = 256 // misses that may all teach a template
	missStride   = 256 // after that one in so many does
)

// mayLearn limits the work that lines can cause which fit no template.
func mayLearn(misses *int) bool {
	*misses++
	return *misses <= freeMisses || *misses%missStride == 0
}

// learnCEF teaches the templates of a header a line that the slow parser has split into p.pairs.
func (p *Parser) learnCEF(s *cefShape, ext []byte) {
	if !mayLearn(&s.misses) || !regular(p.pairs, ext) || bytes.Contains(ext, []byte(" <")) {
		return
	}
	for _, t := range s.templates {
		if t.sameKeys(p.pairs, ext) {
			for i, pr := range p.pairs {
				if t.values[i] != string(ext[pr.valFrom:pr.valTo]) {
					t.varies[i] = true
				}
			}
			t.buildCEF()
			return
		}
	}
	if p.templates >= maxTemplates {
		return
	}
	p.templates++
	t := &template{}
	for _, pr := range p.pairs {
		key := string(ext[pr.keyFrom:pr.keyTo])
		w := wantOf([]byte(key))
		t.keys = append(t.keys, key)
		t.values = append(t.values, string(ext[pr.valFrom:pr.valTo]))
		t.wants = append(t.wants, w)
		t.varies = append(t.varies, w != noWant)
	}
	t.buildCEF()
	s.templates = append(s.templates, t)
}

// maxKeys is the number of keys up to which a record has a template; PAN-OS writes about a hundred.
const maxKeys = 512

// regular reports whether pairs follow one another with single blanks, the only form that templates describe.
func regular(pairs []pair, ext []byte) bool {
	if len(pairs) == 0 || len(pairs) > maxKeys || pairs[0].keyFrom != 0 || pairs[len(pairs)-1].valTo != len(ext) {
		return false
	}
	for i := 1; i < len(pairs); i++ {
		if pairs[i].keyFrom != pairs[i-1].valTo+1 || ext[pairs[i-1].valTo] != ' ' {
			return false
		}
	}
	return true
}

func (t *template) sameKeys(pairs []pair, ext []byte) bool {
	if len(pairs) != len(t.keys) {
		return false
	}
	for i, pr := range pairs {
		if t.keys[i] != string(ext[pr.keyFrom:pr.keyTo]) {
			return false
		}
	}
	return true
}

func (t *template) buildCEF() {
	t.segs = t.segs[:0]
	var text []byte
	for i, key := range t.keys {
		if i > 0 {
			text = append(text, ' ')
		}
		text = append(append(text, key...), '=')
		if !t.varies[i] {
			text = append(text, t.values[i]...)
			continue
		}
		t.segs = append(t.segs, newSegment(string(text), t.wants[i]))
		text = text[:0]
	}
	t.tail = string(text)
}

// newSegment makes a segment with its head.
func newSegment(text string, w want) segment {
	s := segment{text: text, want: w}
	for i := range min(8, len(text)) {
		s.head |= uint64(text[i]) << (8 * i)
		s.mask |= 0xFF << (8 * i)
	}
	return s
}

// slack is the number of bytes behind a line that may be read, whatever they are: searches look at sixteen bytes at a
// time.
const slack = 16

// withSlack gives the line's bytes with slack behind them, in the line's own memory where it has it.
func (p *Parser) withSlack(line []byte) []byte {
	if cap(line)-len(line) >= slack {
		return line[:len(line)+slack]
	}
	p.scratch = append(append(p.scratch[:0], line...), make([]byte, slack)...)
	return p.scratch
}

// at reports whether the segment's text stands at a place in p, behind which p is long enough for it.
func (s *segment) at(p []byte, i int) bool {
	if binary.LittleEndian.Uint64(p[i:])&s.mask != s.head {
		return false
	}
	return len(s.text) <= 8 || string(p[i+8:i+len(s.text)]) == s.text[8:]
}

// hasTextAt reports whether text stands at a place in p.
func hasTextAt(p []byte, at int, text string) bool {
	return len(p)-at >= len(text) && string(p[at:at+len(text)]) == text
}

// locateCEF matches the extension p[base:n]. p has slack behind n. The places of the wanted values go into vals.
func (t *template) locateCEF(p []byte, base, n int, vals *[wantCount]span) bool {
	*vals = absent
	segs := t.segs
	if len(segs) == 0 || base+len(segs[0].text) > n || !segs[0].at(p, base) {
		return false
	}
	pos := base + len(segs[0].text)
	last := len(segs) - 1
	for i := range last {
		s, next := &segs[i], &segs[i+1]
		// The first look of indexBlank, for values of fifteen bytes at most.
		w := p[pos : pos+16]
		x, y := blankBits(binary.LittleEndian.Uint64(w)), blankBits(binary.LittleEndian.Uint64(w[8:]))
		end := pos
		switch {
		case x != 0:
			end += bits.TrailingZeros64(x) >> 3
		case y != 0:
			end += 8 + bits.TrailingZeros64(y)>>3
		default:
			end = indexBlank(p, pos+16, n)
		}
		if s.hint > 0 || end > n-len(next.text) || !next.at(p, end) {
			if end = s.spacedEnd(p[:n], pos, min(end, n), next.text); end < 0 {
				return false
			}
		}
		if s.want != noWant {
			vals[s.want] = span{int32(pos), int32(end)}
		}
		pos = end + len(next.text)
	}
	s := &segs[last]
	end := s.lastEnd(p[:n], pos, t.tail)
	if end < 0 {
		return false
	}
	if s.want != noWant {
		vals[s.want] = span{int32(pos), int32(end)}
	}
	return true
}

// spacedEnd finds where a value ends that may hold blanks: where next, the constant after it, begins. first is the
// place of the first blank.
func (s *segment) spacedEnd(ext []byte, pos, first int, next string) int {
	if hasTextAt(ext, first, next) {
		return first
	}
	if e := pos + s.hint; s.hint > 0 && e < len(ext) && hasTextAt(ext, e, next) && !mayHide(ext[pos:e]) {
		return e
	}
	e := first
	for range maxBlanks {
		if e >= len(ext) {
			return -1
		}
		i := bytes.IndexByte(ext[e+1:], ' ')
		if i < 0 {
			return -1
		}
		e += 1 + i
		if hasTextAt(ext, e, next) {
			if mayHide(ext[pos:e]) {
				return -1
			}
			s.hint = e - pos
			return e
		}
	}
	return -1
}

// maxBlanks is the number of blanks up to which a value is searched.
const maxBlanks = 24

// mayHide reports whether a value holds what the slow parser might read otherwise: what may be the key of another
// value, key characters between a blank and a "=", or what may open a second message, see joinedAt.
func mayHide(value []byte) bool {
	if bytes.IndexByte(value, '<') >= 0 {
		return true
	}
	for at := 0; ; {
		i := bytes.IndexByte(value[at:], '=')
		if i < 0 {
			return false
		}
		eq := at + i
		from := eq
		for from > 0 && isKeyByte(value[from-1]) {
			from--
		}
		if from < eq && from > 0 && value[from-1] == ' ' {
			return true
		}
		at = eq + 1
	}
}

// lastEnd finds where the last value ends: before the constant rest of the line.
func (s *segment) lastEnd(ext []byte, pos int, tail string) int {
	e := len(ext) - len(tail)
	if e < pos || string(ext[e:]) != tail {
		return -1
	}
	if mayHide(ext[pos:e]) {
		return -1
	}
	return e
}

// blankBits marks the first blank among eight bytes by the high bit of its byte, and maybe others behind it.
func blankBits(w uint64) uint64 {
	const ones, highs, blanks = 0x0101010101010101, 0x8080808080808080, 0x2020202020202020
	w ^= blanks
	return (w - ones) &^ w & highs
}

// indexBlank gives the place of the first blank at or after pos and before n, or n. p has slack behind n.
func indexBlank(p []byte, pos, n int) int {
	for ; pos < n; pos += 8 {
		if x := blankBits(binary.LittleEndian.Uint64(p[pos:])); x != 0 {
			return min(n, pos+bits.TrailingZeros64(x)>>3)
		}
	}
	return n
}
