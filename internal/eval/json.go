package eval

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"drumbeat/kql"
)

// maxJSONDepth is how deep arrays and bags may lie within each other.
const maxJSONDepth = 500

// FromJSON reads JSON into a dynamic value: whole numbers that fit become long, all others real. Of a key that comes twice
// the last value is taken. It is false for what is not JSON, or goes deeper than 500 levels.
func FromJSON(text string) (Value, bool) {
	r := &jsonReader{s: text}
	r.space()
	v := r.value(0)
	r.space()
	if r.bad || r.i < len(r.s) {
		return Null(kql.TypeDynamic), false
	}
	return v, true
}

type jsonReader struct {
	s   string
	i   int
	bad bool
}

func (r *jsonReader) space() {
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

func (r *jsonReader) cut(c byte) bool {
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

func (r *jsonReader) fail() Value {
	r.bad = true
	return Null(kql.TypeDynamic)
}

func (r *jsonReader) value(depth int) Value {
	if r.i >= len(r.s) || depth > maxJSONDepth {
		return r.fail()
	}
	switch c := r.s[r.i]; {
	case c == '{':
		return r.bag(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		return ToDynamic(String(r.text()))
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	switch {
	case r.word("true"):
		return ToDynamic(Bool(true))
	case r.word("false"):
		return ToDynamic(Bool(false))
	case r.word("null"):
		return Null(kql.TypeDynamic)
	}
	return r.fail()
}

func (r *jsonReader) word(w string) bool {
	if !strings.HasPrefix(r.s[r.i:], w) {
		return false
	}
	r.i += len(w)
	return true
}

func (r *jsonReader) array(depth int) Value {
	t := &Tree{}
	r.i++
	r.space()
	if r.cut(']') {
		return Dynamic(t)
	}
	for !r.bad {
		r.space()
		t.Items = append(t.Items, r.value(depth+1))
		r.space()
		if r.cut(']') {
			return Dynamic(t)
		}
		r.bad = r.bad || !r.cut(',')
	}
	return r.fail()
}

func (r *jsonReader) bag(depth int) Value {
	t := &Tree{Keys: []string{}}
	var places map[string]int // of the keys, once they are many
	r.i++
	r.space()
	if r.cut('}') {
		return Dynamic(t)
	}
	for !r.bad {
		r.space()
		if r.i >= len(r.s) || r.s[r.i] != '"' {
			return r.fail()
		}
		key := r.text()
		r.space()
		if !r.cut(':') {
			return r.fail()
		}
		r.space()
		v := r.value(depth + 1)
		places = t.put(places, key, v)
		r.space()
		if r.cut('}') {
			return Dynamic(t)
		}
		r.bad = r.bad || !r.cut(',')
	}
	return r.fail()
}

// put sets a key of a bag that is being made.
func (t *Tree) put(places map[string]int, key string, v Value) map[string]int {
	const few = 16
	var at int
	var known bool
	if places != nil {
		at, known = places[key]
	} else {
		at = slices.Index(t.Keys, key)
		known = at >= 0
	}
	if known {
		t.Items[at] = v
		return places
	}
	t.Keys, t.Items = append(t.Keys, key), append(t.Items, v)
	switch {
	case places != nil:
		places[key] = len(t.Keys) - 1
	case len(t.Keys) > few:
		places = make(map[string]int, 2*few)
		for i, k := range t.Keys {
			places[k] = i
		}
	}
	return places
}

func (r *jsonReader) number() Value {
	start := r.i
	whole := true
	r.cut('-')
	if first := r.i; !r.digits() || r.s[first] == '0' && r.i > first+1 {
		return r.fail()
	}
	if r.cut('.') {
		whole = false
		r.bad = r.bad || !r.digits()
	}
	if r.cut('e') || r.cut('E') {
		whole = false
		if !r.cut('-') {
			r.cut('+')
		}
		r.bad = r.bad || !r.digits()
	}
	text := r.s[start:r.i]
	if whole && text != "-0" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return ToDynamic(Long(n))
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return r.fail()
	}
	return ToDynamic(Real(f))
}

func (r *jsonReader) digits() bool {
	start := r.i
	for r.i < len(r.s) && r.s[r.i] >= '0' && r.s[r.i] <= '9' {
		r.i++
	}
	return r.i > start
}

// text reads a string, from its first quote to its last.
func (r *jsonReader) text() string {
	r.i++
	start := r.i
	for r.i < len(r.s) {
		switch c := r.s[r.i]; {
		case c == '"':
			r.i++
			return strings.ToValidUTF8(r.s[start:r.i-1], "\uFFFD")
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.bad = true
			return ""
		}
		r.i++
	}
	r.bad = true
	return ""
}

var jsonEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads the rest of a string that has a backslash.
func (r *jsonReader) escaped(start int) string {
	b := []byte(r.s[start:r.i])
	for r.i < len(r.s) {
		c := r.s[r.i]
		r.i++
		switch {
		case c == '"':
			return strings.ToValidUTF8(string(b), "\uFFFD")
		case c < ' ':
			r.bad = true
			return ""
		case c != '\\':
			b = append(b, c)
			continue
		case r.i >= len(r.s):
			r.bad = true
			return ""
		}
		esc := r.s[r.i]
		r.i++
		if plain, ok := jsonEscapes[esc]; ok {
			b = append(b, plain)
			continue
		}
		if esc != 'u' {
			r.bad = true
			return ""
		}
		b = utf8.AppendRune(b, r.unicode())
	}
	r.bad = true
	return ""
}

// unicode reads what follows \u, and the other half of a pair.
func (r *jsonReader) unicode() rune {
	first := r.hex()
	if !utf16.IsSurrogate(first) {
		return first
	}
	if strings.HasPrefix(r.s[r.i:], `\u`) {
		before := r.i
		r.i += 2
		if joined := utf16.DecodeRune(first, r.hex()); joined != utf8.RuneError {
			return joined
		}
		r.i = before
	}
	return utf8.RuneError
}

func (r *jsonReader) hex() rune {
	if len(r.s)-r.i < 4 {
		r.bad = true
		return 0
	}
	n, err := strconv.ParseUint(r.s[r.i:r.i+4], 16, 32)
	r.bad = r.bad || err != nil
	r.i += 4
	return rune(n)
}

// AppendJSON appends a value as compact JSON, the keys of bags in their order. Datetimes, timespans, guids, decimals, NaN
// and the infinities are strings.
func AppendJSON(dst []byte, v Value) []byte {
	if !v.set {
		return append(dst, "null"...)
	}
	if v.tree != nil {
		return appendTree(dst, v.tree)
	}
	switch v.kind {
	case kql.TypeBool:
		return strconv.AppendBool(dst, v.Bool())
	case kql.TypeInt, kql.TypeLong:
		return strconv.AppendInt(dst, v.Int(), 10)
	case kql.TypeReal:
		return appendJSONReal(dst, v.Real())
	case kql.TypeDateTime:
		return append(appendDatetime(append(dst, '"'), v.Int()), '"')
	case kql.TypeTimespan:
		return append(appendTimespan(append(dst, '"'), v.Int()), '"')
	case kql.TypeDecimal:
		return appendJSONText(dst, plainDecimal(v.s))
	case kql.TypeString, kql.TypeGuid:
		return appendJSONText(dst, v.s)
	case kql.TypeUnknown, kql.TypeDynamic:
	}
	return append(dst, "null"...)
}

func appendTree(dst []byte, t *Tree) []byte {
	if !t.IsBag() {
		dst = append(dst, '[')
		for i, item := range t.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendJSON(dst, item)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, item := range t.Items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(append(appendJSONText(dst, t.Keys[i]), ':'), item)
	}
	return append(dst, '}')
}

func appendJSONReal(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return append(dst, layReal(strconv.FormatFloat(f, 'e', -1, 64))...)
}

func appendJSONText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}
