package logformat

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A template is the shape of one kind of line, learned from lines that the slow parser read. Values that have not
// changed so far are folded with the keys round them into constant texts; a line then is
//
//	const value const value … const
//
// Each constant is one comparison. A value ends at the next separator, and the next constant must start there.
// Where it does not, a CEF value may hold blanks: the search goes on at later blanks, and a value found that way must
// hold no "=", else a key might hide in it. So every byte of a line is compared or searched, and nothing is taken on
// trust: locate finds what the slow parser would find, or gives up. What makes it fast is that a comparison of
// constant text runs at the speed of memory, and that a line of 1 kB has some ten to forty values that vary.
//
// A value that differs from its constant makes the line go to the slow parser once; from then on it varies. Shapes
// and misses are limited, so that hostile input costs a slow parse a line and no more.
type template struct {
	keys   []string // CEF: the keys in order; CSV: nil
	fields int      // CSV: the number of fields covered
	values []string
	varies []bool
	wants  []want

	segs []segment
	tail string
	// maxCommas is, for CSV, how many commas the rest of a line may hold before a wanted field might be among them.
	maxCommas int
}

// segment is a constant text and the value after it.
type segment struct {
	text string
	want want
	// hint is the length that the value had when it was last found to hold blanks, 0 where it never did.
	hint int
}

const (
	maxTemplates = 8   // a header
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
	if !mayLearn(&s.misses) || !regular(p.pairs, ext) {
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
	if len(s.templates) >= maxTemplates {
		return
	}
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

// regular reports whether pairs follow one another with single blanks, the only form that templates describe.
func regular(pairs []pair, ext []byte) bool {
	if len(pairs) == 0 || pairs[0].keyFrom != 0 || pairs[len(pairs)-1].valTo != len(ext) {
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
	text := ""
	for i, key := range t.keys {
		if i > 0 {
			text += " "
		}
		text += key + "="
		if !t.varies[i] {
			text += t.values[i]
			continue
		}
		t.segs = append(t.segs, segment{text: text, want: t.wants[i]})
		text = ""
	}
	t.tail = text
}

// locateCEF matches an extension. The places of the wanted values go into vals, counted from base.
func (t *template) locateCEF(ext []byte, base int, vals *[wantCount]span) bool {
	*vals = absent
	pos := 0
	for i := range t.segs {
		s := &t.segs[i]
		if i == 0 {
			if !hasTextAt(ext, 0, s.text) {
				return false
			}
		}
		pos += len(s.text)
		var end int
		if i+1 < len(t.segs) {
			end = s.end(ext, pos, t.segs[i+1].text)
		} else {
			end = s.lastEnd(ext, pos, t.tail)
		}
		if end < 0 {
			return false
		}
		if s.want != noWant {
			vals[s.want] = span{int32(base + pos), int32(base + end)}
		}
		pos = end
	}
	return len(t.segs) > 0
}

// hasTextAt reports whether text stands at a place in p.
func hasTextAt(p []byte, at int, text string) bool {
	return len(p)-at >= len(text) && string(p[at:at+len(text)]) == text
}

// end finds where the value at pos ends: where next, the constant after it, begins.
func (s *segment) end(ext []byte, pos int, next string) int {
	if s.hint > 0 {
		e := pos + s.hint
		if e < len(ext) && hasTextAt(ext, e, next) && bytes.IndexByte(ext[pos:e], '=') < 0 {
			return e
		}
	}
	e := indexBlank(ext, pos)
	if hasTextAt(ext, e, next) {
		return e
	}
	for range maxBlanks {
		if e >= len(ext) {
			return -1
		}
		e = indexBlank(ext, e+1)
		if hasTextAt(ext, e, next) {
			if bytes.IndexByte(ext[pos:e], '=') >= 0 {
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

// lastEnd finds where the last value ends: before the constant rest of the line.
func (s *segment) lastEnd(ext []byte, pos int, tail string) int {
	e := len(ext) - len(tail)
	if e < pos || string(ext[e:]) != tail {
		return -1
	}
	// A "=" may make a key of what stands before it, and a "<" may open a second message, see joinedAt.
	if bytes.IndexByte(ext[pos:e], '=') >= 0 || bytes.IndexByte(ext[pos:e], '<') >= 0 {
		return -1
	}
	return e
}

// indexBlank gives the place of the first blank at or after pos, or len(p). It looks at eight bytes at a time.
func indexBlank(p []byte, pos int) int {
	const ones, highs, blanks = 0x0101010101010101, 0x8080808080808080, 0x2020202020202020
	for ; pos+8 <= len(p); pos += 8 {
		x := binary.LittleEndian.Uint64(p[pos:]) ^ blanks
		if hit := (x - ones) &^ x & highs; hit != 0 {
			return pos + bits.TrailingZeros64(hit)>>3
		}
	}
	for ; pos < len(p); pos++ {
		if p[pos] == ' ' {
			return pos
		}
	}
	return len(p)
}

// indexComma is indexBlank for commas.
func indexComma(p []byte, pos int) int {
	const ones, highs, commas = 0x0101010101010101, 0x8080808080808080, 0x2C2C2C2C2C2C2C2C
	for ; pos+8 <= len(p); pos += 8 {
		x := binary.LittleEndian.Uint64(p[pos:]) ^ commas
		if hit := (x - ones) &^ x & highs; hit != 0 {
			return pos + bits.TrailingZeros64(hit)>>3
		}
	}
	for ; pos < len(p); pos++ {
		if p[pos] == ',' {
			return pos
		}
	}
	return len(p)
}
