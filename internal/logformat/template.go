package logformat

import (
	"bytes"
	"encoding/binary"
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

// segment is a constant text and the value after it. It is read by scan_amd64.s as well.
type segment struct {
	// head holds the first bytes of text, and care has a bit for each of them that text has: most constants are told
	// by one comparison.
	head   [32]byte
	care   uint32
	length int32
	text   string
	// hint is the length that the value had when it was last found to hold blanks, 0 where it never did.
	hint int32
	want want
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
	s.heads = append(s.heads, t.head())
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
	s := segment{text: text, length: int32(len(text)), want: w}
	n := copy(s.head[:], text)
	s.care = uint32(1<<n - 1)
	return s
}

// head gives the first bytes of all extensions of the template, or 0 where there are too few.
func (t *template) head() uint64 {
	if len(t.keys[0]) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64([]byte(t.keys[0]))
}

// withSlack gives the line's bytes with slack behind them, in the line's own memory where it has it.
func (p *Parser) withSlack(line []byte) []byte {
	if cap(line)-len(line) >= slack {
		return line[:len(line)+slack]
	}
	p.scratch = append(append(p.scratch[:0], line...), make([]byte, slack)...)
	return p.scratch
}

// hasTextAt reports whether text stands at a place in p.
func hasTextAt(p []byte, at int, text string) bool {
	return len(p)-at >= len(text) && string(p[at:at+len(text)]) == text
}

// locateCEF matches the extension p[base:n]. p has slack behind n. The places of the wanted values go into vals.
func (t *template) locateCEF(p []byte, base, n int, vals *[wantCount]span) bool {
	*vals = absent
	segs := t.segs
	if len(segs) == 0 || !hasTextAt(p[:n], base, segs[0].text) {
		return false
	}
	pos, last := base+len(segs[0].text), len(segs)-1
	for i := 0; i < last; i++ {
		if i, pos = steps(segs, i, last, p, pos, n, vals); i == last {
			break
		}
		s, next := &segs[i], &segs[i+1]
		end := s.spacedEnd(p[:n], pos, indexBlank(p, pos, n), next.text)
		if end < 0 {
			return false
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
	if e := pos + int(s.hint); s.hint > 0 && e < len(ext) && hasTextAt(ext, e, next) && !mayHide(ext[pos:e]) {
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
			s.hint = int32(e - pos)
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
