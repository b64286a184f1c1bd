package eval

import (
	"math"
	"strconv"
	"strings"

	"drumbeat/kql"
)

const (
	ticksPerMilli  = 10_000
	ticksPerSecond = 1000 * ticksPerMilli
	ticksPerMinute = 60 * ticksPerSecond
	ticksPerHour   = 60 * ticksPerMinute
	ticksPerDay    = 24 * ticksPerHour
)

// Text is what tostring() gives: "" for null, True and False, datetimes and timespans with seven digits of a fraction,
// reals with a decimal part, arrays and bags as compact JSON. A bool within a dynamic is true or false.
func Text(v Value) string {
	if v.typ == kql.TypeString {
		return v.s
	}
	if !v.set {
		return ""
	}
	if v.tree != nil {
		return string(AppendJSON(nil, v))
	}
	switch v.kind {
	case kql.TypeBool:
		if v.typ == kql.TypeDynamic {
			return strconv.FormatBool(v.Bool())
		}
		if v.Bool() {
			return "True"
		}
		return "False"
	case kql.TypeInt, kql.TypeLong:
		return strconv.FormatInt(v.Int(), 10)
	case kql.TypeReal:
		return realText(v.Real())
	case kql.TypeDecimal:
		return plainDecimal(v.s)
	case kql.TypeDateTime:
		return string(appendDatetime(nil, v.Int()))
	case kql.TypeTimespan:
		return string(appendTimespan(nil, v.Int()))
	case kql.TypeString, kql.TypeGuid:
		return v.s
	case kql.TypeUnknown, kql.TypeDynamic:
	}
	return ""
}

// realText writes a real as the engine does: the shortest digits that read back as the number, and of several such
// numbers of 16 or 17 digits the greatest, which is why the sum of 0.1 and 0.2 ends in 7.
func realText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	digits := strconv.FormatFloat(f, 'e', -1, 64)
	if i := strings.IndexByte(digits, 'e'); i >= 17 {
		digits = raise(digits, f)
	}
	return layReal(digits)
}

// raise counts the last digit up as long as the number still reads as f.
func raise(digits string, f float64) string {
	b := []byte(digits)
	last := strings.IndexByte(digits, 'e') - 1
	for b[last] < '9' {
		b[last]++
		if g, err := strconv.ParseFloat(string(b), 64); err != nil || g != f {
			b[last]--
			break
		}
	}
	return string(b)
}

// layReal writes digits like 1.25e+03 without an exponent where that is not too long, and always with a point or an
// exponent.
func layReal(digits string) string {
	mantissa, expText, _ := strings.Cut(digits, "e")
	exp, err := strconv.Atoi(expText)
	if err != nil {
		return digits
	}
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	ds := strings.Replace(mantissa, ".", "", 1)
	switch {
	case exp < -4 || exp > 15:
		return digits
	case exp < 0:
		return sign + "0." + strings.Repeat("0", -exp-1) + ds
	case len(ds) <= exp+1:
		return sign + ds + strings.Repeat("0", exp+1-len(ds)) + ".0"
	}
	return sign + ds[:exp+1] + "." + ds[exp+1:]
}

// appendDatetime writes 2024-05-01T00:00:00.0000000Z.
func appendDatetime(dst []byte, ticks int64) []byte {
	d := civil(ticks)
	dst = appendPadded(dst, int64(d.year), 4)
	dst = appendPadded(append(dst, '-'), int64(d.month), 2)
	dst = appendPadded(append(dst, '-'), int64(d.day), 2)
	dst = appendClock(append(dst, 'T'), ticks%ticksPerDay)
	dst = appendPadded(append(dst, '.'), ticks%ticksPerSecond, 7)
	return append(dst, 'Z')
}

// appendTimespan writes [-][d.]hh:mm:ss[.fffffff].
func appendTimespan(dst []byte, ticks int64) []byte {
	u := uint64(ticks)
	if ticks < 0 {
		dst, u = append(dst, '-'), -u
	}
	if days := u / ticksPerDay; days > 0 {
		dst = append(strconv.AppendUint(dst, days, 10), '.')
	}
	dst = appendClock(dst, int64(u%ticksPerDay))
	if rest := int64(u % ticksPerSecond); rest > 0 {
		dst = appendPadded(append(dst, '.'), rest, 7)
	}
	return dst
}

// appendClock writes hh:mm:ss.
func appendClock(dst []byte, ticks int64) []byte {
	dst = appendPadded(dst, ticks/ticksPerHour, 2)
	dst = appendPadded(append(dst, ':'), ticks/ticksPerMinute%60, 2)
	return appendPadded(append(dst, ':'), ticks/ticksPerSecond%60, 2)
}

// appendPadded writes a number, not negative, with zeros in front.
func appendPadded(dst []byte, n int64, width int) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], n, 10)
	for i := len(text); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
