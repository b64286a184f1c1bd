package eval

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strings"
	"unicode/utf8"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var encodeFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnUrlEncode:          ofText(func(s string) string { return urlEncode(s, "+") }),
	plan.FnUrlEncodeComponent: ofText(func(s string) string { return urlEncode(s, "%20") }),
	plan.FnUrlDecode:          ofText(urlDecode),

	plan.FnBase64EncodeTostring: ofText(func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(s))
	}),
	plan.FnBase64DecodeTostring:  base64Text,
	plan.FnBase64DecodeToarray:   base64Array,
	plan.FnBase64EncodeFromarray: base64FromArray,
	plan.FnBase64DecodeToguid:    base64Guid,
	plan.FnBase64EncodeFromguid:  base64FromGuid,

	plan.FnPunycodeFromString:       punycode(encodePuny),
	plan.FnPunycodeToString:         punycode(decodePuny),
	plan.FnPunycodeDomainFromString: punycode(perLabel(labelToPuny)),
	plan.FnPunycodeDomainToString:   punycode(perLabel(labelFromPuny)),
}

// urlEncode writes all bytes but those of letters, digits and -_.!*() as %xx.
func urlEncode(s, space string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ' ':
			b.WriteString(space)
		case c < utf8.RuneSelf && isTerm(rune(c)) || strings.IndexByte("-_.!*()", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// urlDecode reads %xx and +; what is no such sequence stays.
func urlDecode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s):
			if raw, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, raw...)
				i += 2
				continue
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// base64Text gives "" for what is no base64 or no text.
func base64Text(_ *Env, out kql.Type, args []Value) Value {
	raw, err := base64.StdEncoding.DecodeString(Text(args[0]))
	if err != nil || !utf8.Valid(raw) {
		return Null(out)
	}
	return String(string(raw))
}

func base64Array(_ *Env, out kql.Type, args []Value) Value {
	raw, err := base64.StdEncoding.DecodeString(Text(args[0]))
	if err != nil {
		return Null(out)
	}
	t := &Tree{Items: make([]Value, len(raw))}
	for i, c := range raw {
		t.Items[i] = ToDynamic(Long(int64(c)))
	}
	return Dynamic(t)
}

func base64FromArray(_ *Env, out kql.Type, args []Value) Value {
	t := args[0].tree
	if t == nil || t.IsBag() {
		return Null(out)
	}
	raw := make([]byte, len(t.Items))
	for i, item := range t.Items {
		n := Convert(item, kql.TypeLong)
		if !n.set || n.Int() < 0 || n.Int() > math.MaxUint8 {
			return Null(out)
		}
		raw[i] = byte(n.Int())
	}
	return String(base64.StdEncoding.EncodeToString(raw))
}

// guidOrder is where the bytes of a guid's text stand in its binary form: its first three numbers have their lowest byte
// first.
var guidOrder = [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}

func base64Guid(_ *Env, out kql.Type, args []Value) Value {
	raw, err := base64.StdEncoding.DecodeString(Text(args[0]))
	if err != nil || len(raw) != len(guidOrder) {
		return Null(out)
	}
	var ordered [len(guidOrder)]byte
	for i, at := range guidOrder {
		ordered[i] = raw[at]
	}
	return parseGuid(hex.EncodeToString(ordered[:]))
}

func base64FromGuid(_ *Env, out kql.Type, args []Value) Value {
	ordered, err := hex.DecodeString(strings.ReplaceAll(Text(args[0]), "-", ""))
	if err != nil || len(ordered) != len(guidOrder) {
		return Null(out)
	}
	raw := make([]byte, len(guidOrder))
	for i, at := range guidOrder {
		raw[at] = ordered[i]
	}
	return String(base64.StdEncoding.EncodeToString(raw))
}

func punycode(f func(string) (string, bool)) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		if text, ok := f(Text(args[0])); ok {
			return String(text)
		}
		return Null(out)
	}
}

// perLabel makes a function of domains of one of labels.
func perLabel(f func(string) (string, bool)) func(string) (string, bool) {
	return func(domain string) (string, bool) {
		labels := strings.Split(domain, ".")
		for i, label := range labels {
			var ok bool
			if labels[i], ok = f(label); !ok {
				return "", false
			}
		}
		return strings.Join(labels, "."), true
	}
}

const punyPrefix = "xn--"

func labelToPuny(label string) (string, bool) {
	if isASCII(label) {
		return label, true
	}
	text, ok := encodePuny(label)
	return punyPrefix + text, ok
}

func labelFromPuny(label string) (string, bool) {
	if rest, ok := strings.CutPrefix(label, punyPrefix); ok {
		return decodePuny(rest)
	}
	return label, true
}

// The parameters of punycode, RFC 3492 section 5.
const (
	punyBase  = 36
	punyTMin  = 1
	punyTMax  = 26
	punySkew  = 38
	punyDamp  = 700
	punyBias  = 72
	punyFirst = 0x80
	// maxPuny bounds what is read and written: the algorithm is quadratic.
	maxPuny = 4096
)

// punyThreshold is t(j) of RFC 3492 section 6.
func punyThreshold(k, bias int) int { return min(max(k-bias, punyTMin), punyTMax) }

// punyAdapt is the adaptation of the bias, RFC 3492 section 6.1.
func punyAdapt(delta, count int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / count
	k := 0
	for delta > (punyBase-punyTMin)*punyTMax/2 {
		delta /= punyBase - punyTMin
		k += punyBase
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}

// encodePuny is the encoder of RFC 3492 section 6.3.
func encodePuny(s string) (string, bool) {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	if len(s) > maxPuny || !utf8.ValidString(s) {
		return "", false
	}
	runes := []rune(s)
	var b strings.Builder
	for _, r := range runes {
		if r < punyFirst {
			b.WriteRune(r)
		}
	}
	basic := b.Len()
	if basic > 0 {
		b.WriteByte('-')
	}
	next, delta, bias := rune(punyFirst), 0, punyBias
	for done := basic; done < len(runes); next++ {
		least := rune(utf8.MaxRune)
		for _, r := range runes {
			if r >= next && r < least {
				least = r
			}
		}
		delta += int(least-next) * (done + 1)
		next = least
		for _, r := range runes {
			if r < next {
				delta++
			}
			if r != next {
				continue
			}
			q := delta
			for k := punyBase; ; k += punyBase {
				t := punyThreshold(k, bias)
				if q < t {
					break
				}
				b.WriteByte(digits[t+(q-t)%(punyBase-t)])
				q = (q - t) / (punyBase - t)
			}
			b.WriteByte(digits[q])
			bias = punyAdapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
	}
	return b.String(), true
}

// decodePuny is the decoder of RFC 3492 section 6.2.
func decodePuny(s string) (string, bool) {
	if len(s) > maxPuny || !isASCII(s) {
		return "", false
	}
	var runes []rune
	rest := s
	if at := strings.LastIndexByte(s, '-'); at >= 0 {
		runes, rest = []rune(s[:at]), s[at+1:]
	}
	next, place, bias := punyFirst, 0, punyBias
	for i := 0; i < len(rest); {
		before, weight := place, 1
		for k := punyBase; ; k += punyBase {
			if i >= len(rest) {
				return "", false
			}
			digit := punyDigit(rest[i])
			i++
			if digit < 0 || digit > (math.MaxInt32-place)/weight {
				return "", false
			}
			place += digit * weight
			t := punyThreshold(k, bias)
			if digit < t {
				break
			}
			if weight > math.MaxInt32/(punyBase-t) {
				return "", false
			}
			weight *= punyBase - t
		}
		count := len(runes) + 1
		bias = punyAdapt(place-before, count, before == 0)
		next += place / count
		place %= count
		if next > utf8.MaxRune {
			return "", false
		}
		runes = append(runes, 0)
		copy(runes[place+1:], runes[place:])
		runes[place] = rune(next)
		place++
	}
	return string(runes), true
}

func punyDigit(c byte) int {
	switch c = lowerByte(c); {
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case c >= '0' && c <= '9':
		return int(c-'0') + 26
	}
	return -1
}
