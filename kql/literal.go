package kql

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// This file makes values of the texts of literals. The functions report whether the text is right; where not, the
// parser says so and the value is null.

// literalFault is what can be wrong with the text of a literal.
type literalFault uint8

const (
	faultNone literalFault = iota
	faultText
	faultRange
)

// decodeString gives the value and form of a string token.
func decodeString(text string) (value string, form StringForm, hidden bool) {
	if text[0] == 'h' || text[0] == 'H' {
		hidden, text = true, text[1:]
	}
	if text != "" && text[0] == '@' {
		form, text = StringVerbatim, text[1:]
	}
	if text == "" {
		return "", form, hidden
	}
	quote := text[:1]
	if fence := strings.Repeat(quote, 3); quote == "`" || quote == "~" {
		if rest, ok := strings.CutPrefix(text, fence); ok {
			return strings.TrimSuffix(rest, fence), StringMultiline, hidden
		}
	}
	if text[0] != '"' && text[0] != '\'' { // curly quotes, reported
		return strings.Trim(text, "“”‘’„`"), form, hidden
	}
	text = text[1:]
	if form == StringVerbatim {
		if n := len(text); strings.Count(text, quote)%2 == 1 && strings.HasSuffix(text, quote) {
			text = text[:n-1]
		}
		return strings.ReplaceAll(text, quote+quote, quote), form, hidden
	}
	return unescape(text, quote[0]), form, hidden
}

// unescape decodes the inside of a plain string, up to its closing quote.
func unescape(text string, quote byte) string {
	if !strings.Contains(text, `\`) {
		text, _, _ = strings.Cut(text, string(quote))
		return text
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		c := text[i]
		if c == quote {
			break
		}
		n := 0
		if c == '\\' {
			n = escapeLen(text[i:])
		}
		if n == 0 {
			b = append(b, c)
			i++
			continue
		}
		b = appendEscape(b, text[i+1:i+n])
		i += n
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// simpleEscapes are the escapes of one letter.
var simpleEscapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11,
}

// appendEscape adds the character of an escape, which is given without its backslash. Halves of a UTF-16 pair are
// joined where they follow each other; what stays alone becomes U+FFFD in the end.
func appendEscape(b []byte, esc string) []byte {
	if c, ok := simpleEscapes[esc[0]]; ok {
		return append(b, c)
	}
	digits, base := esc, 8
	if c := esc[0]; c == 'u' || c == 'U' || c == 'x' {
		digits, base = esc[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		panic("BUG: an escape that was read before: " + err.Error())
	}
	r := rune(n)
	if n > utf8.MaxRune {
		r = utf8.RuneError
	}
	if r >= 0xDC00 && r <= 0xDFFF {
		if high, ok := lastHigh(b); ok {
			return utf8.AppendRune(b[:len(b)-3], (high-0xD800)<<10|(r-0xDC00)+0x10000)
		}
	}
	if r >= 0xD800 && r <= 0xDFFF {
		// Kept as three bytes until the other half comes.
		return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0xBF, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(b, r)
}

// lastHigh gives the first half of a UTF-16 pair that b ends with.
func lastHigh(b []byte) (rune, bool) {
	if n := len(b); n >= 3 && b[n-3] == 0xED && b[n-2]&0xF0 == 0xA0 {
		return 0xD000 | rune(b[n-2]&0x3F)<<6 | rune(b[n-1]&0x3F), true
	}
	return 0, false
}

func decodeLong(text string) (int64, literalFault) { return decodeInt(text, 64) }

// decodeInt reads a whole number, perhaps with a sign, decimal or hexadecimal.
func decodeInt(text string, size int) (int64, literalFault) {
	body, neg := cutSign(text)
	base := 10
	if len(body) > 2 && body[0] == '0' && (body[1] == 'x' || body[1] == 'X') {
		body, base = body[2:], 16
	}
	if body == "" || strings.ContainsAny(body, "_+-") {
		return 0, faultText
	}
	n, err := strconv.ParseUint(body, base, 64)
	if err != nil {
		if strings.Trim(body, "0123456789") == "" {
			return 0, faultRange
		}
		return 0, faultText
	}
	limit := uint64(1) << (size - 1)
	switch {
	case base == 16 && !neg && (size == 64 || n <= math.MaxUint32):
		if size == 32 {
			return int64(int32(n)), faultNone
		}
		return int64(n), faultNone
	case neg && n <= limit:
		return -int64(n), faultNone
	case !neg && n < limit:
		return int64(n), faultNone
	}
	return 0, faultRange
}

func cutSign(text string) (body string, neg bool) {
	if text != "" && (text[0] == '-' || text[0] == '+') {
		return text[1:], text[0] == '-'
	}
	return text, false
}

func decodeReal(text string) (float64, literalFault) {
	switch strings.ToLower(text) {
	case "nan":
		return math.NaN(), faultNone
	case "inf", "+inf":
		return math.Inf(1), faultNone
	case "-inf":
		return math.Inf(-1), faultNone
	case "min":
		return -math.MaxFloat64, faultNone
	case "max":
		return math.MaxFloat64, faultNone
	}
	if !isNumber(text) {
		if n, fault := decodeLong(text); fault == faultNone {
			return float64(n), faultNone
		}
		return 0, faultText
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, faultRange
	}
	return x, faultNone
}

// isNumber reports whether text is a decimal number: sign, digits, point, digits, exponent.
func isNumber(text string) bool {
	body, _ := cutSign(text)
	whole := strings.TrimLeft(body, "0123456789")
	digits := len(body) - len(whole)
	if strings.HasPrefix(whole, ".") {
		rest := strings.TrimLeft(whole[1:], "0123456789")
		digits += len(whole) - 1 - len(rest)
		whole = rest
	}
	if digits == 0 {
		return false
	}
	if whole == "" {
		return true
	}
	if whole[0] != 'e' && whole[0] != 'E' {
		return false
	}
	exp, _ := cutSign(whole[1:])
	return exp != "" && strings.Trim(exp, "0123456789") == ""
}

// decodeTyped reads what stands in the parentheses of a typed literal, and sets lit's value.
func decodeTyped(lit *Literal, inside string) literalFault {
	inside = strings.TrimFunc(inside, func(r rune) bool { return r <= ' ' || isSpaceRune(r) })
	if isWholeString(inside) {
		inside, _, _ = decodeString(inside)
		inside = strings.TrimSpace(inside)
	}
	if inside == "" || inside == "null" {
		lit.Null = true
		return faultNone
	}
	var fault literalFault
	switch lit.Type {
	case TypeBool:
		lit.Bool, fault = decodeBool(inside)
	case TypeInt, TypeLong:
		lit.Int, fault = decodeWhole(inside, lit.Type)
	case TypeReal:
		lit.Real, fault = decodeReal(inside)
	case TypeDecimal:
		lit.Str = strings.TrimPrefix(inside, "+")
		if !isNumber(inside) {
			fault = faultText
		}
	case TypeDateTime:
		lit.Int, fault = decodeDateTime(inside)
	case TypeTimespan:
		lit.Int, fault = decodeTimespan(inside)
	case TypeGuid:
		lit.Str, fault = decodeGuid(inside)
	case TypeUnknown, TypeString, TypeDynamic:
		panic("BUG: no typed literals of " + lit.Type.String())
	}
	return fault
}

// isWholeString reports whether text is one string literal.
func isWholeString(text string) bool {
	if len(text) < 2 || strings.IndexByte("\"'@hH`~", text[0]) < 0 {
		return false
	}
	l := lex(text)
	return len(l.tokens) == 2 && l.tokens[0].kind == tokString && len(l.diags) == 0
}

func decodeBool(text string) (bool, literalFault) {
	switch strings.ToLower(text) {
	case "true", "1":
		return true, faultNone
	case "false", "0":
		return false, faultNone
	}
	return false, faultText
}

func decodeWhole(text string, t Type) (int64, literalFault) {
	size := 64
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if t == TypeInt {
		size, low, high = 32, math.MinInt32, math.MaxInt32
	}
	switch text {
	case "min":
		return low, faultNone
	case "max":
		return high, faultNone
	}
	return decodeInt(text, size)
}

func decodeGuid(text string) (string, literalFault) {
	if n := len(text); n > 2 && (text[0] == '{' && text[n-1] == '}' || text[0] == '(' && text[n-1] == ')') {
		text = text[1 : n-1]
	}
	if len(text) == guidLen-4 && strings.IndexByte(text, '-') < 0 {
		text = text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
	}
	if len(text) != guidLen || !isRawGuid(text) {
		return "", faultText
	}
	return strings.ToLower(text), faultNone
}

const (
	unixEpochTicks = 621355968000000000
	maxDateTicks   = 3155378975999999999 // the last tick of year 9999
)

// decodeDateTime reads a datetime into ticks.
func decodeDateTime(text string) (int64, literalFault) {
	switch text {
	case "min":
		return 0, faultNone
	case "max":
		return maxDateTicks, faultNone
	}
	if t, ok := isoTime(text); ok {
		return t, faultNone
	}
	// .NET, which the engine reads with, takes 2017 - 08 - 01 and 2017, 8, 1 too.
	if t, ok := isoTime(looseDate.Replace(text)); ok {
		return t, faultNone
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return timeTicks(t)
		}
	}
	return 0, faultText
}

var looseDate = strings.NewReplacer(" - ", "-", ", ", "-")

// dateLayouts are those of the documentation beyond ISO 8601 (RFC 822 and 850), and the order of the United States,
// which the engine takes too.
var dateLayouts = []string{
	"Mon, 2 Jan 06 15:04:05 MST", "Mon, 2 Jan 06 15:04:05", "Mon, 2 Jan 06 15:04", "2 Jan 06 15:04:05 MST",
	"2 Jan 06 15:04:05", "2 Jan 06 15:04", "2 Jan 06", "Monday, 02-Jan-06 15:04:05 MST", "02-Jan-06 15:04:05",
	"02-Jan-06", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05", "2 Jan 2006", "Jan 2, 2006",
	"Jan 2 2006", "1/2/2006", "1/2/2006 15:04", "1/2/2006 15:04:05", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM",
	"1-2-2006", "1-2-2006 15:04", "1-2-2006 15:04:05", "2006/1/2", "2006/1/2 15:04", "2006/1/2 15:04:05",
}

func timeTicks(t time.Time) (int64, literalFault) {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return 0, faultRange
	}
	return unixEpochTicks + t.Unix()*ticksPerSecond + int64(t.Nanosecond())/100, faultNone
}

// isoTime reads 2024, 2024-01, 2024-01-02, 20240102, with "T" or a space and 03:04, 03:04:05 or 03:04:05.1234567, and Z
// or an offset at the end. More than seven digits of a fraction are cut off.
func isoTime(text string) (ticks int64, ok bool) {
	r := &isoReader{rest: text}
	y, month, day := r.number(4), 1, 1
	if r.cut('-') {
		month = r.two()
		if r.cut('-') {
			day = r.two()
		}
	} else if len(r.rest) >= 4 && isDigit(r.rest[0]) {
		month, day = r.number(2), r.number(2)
	}
	var clock int64
	if r.rest != "" && (r.cut('T') || r.cut('t') || r.cut(' ')) {
		r.rest = strings.TrimLeft(r.rest, " ")
		clock = r.clock()
	}
	r.rest = strings.TrimLeft(r.rest, " ")
	offset := r.offset()
	if r.bad || r.rest != "" || y < 1 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	t := time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day {
		return 0, false
	}
	ticks = unixEpochTicks + t.Unix()*ticksPerSecond + clock - offset
	return ticks, ticks >= 0 && ticks <= maxDateTicks
}

type isoReader struct {
	rest string
	bad  bool
}

func (r *isoReader) cut(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// number reads exactly n digits.
func (r *isoReader) number(n int) int {
	x, digits := 0, 0
	for digits < n && digits < len(r.rest) && isDigit(r.rest[digits]) {
		x = x*10 + int(r.rest[digits]-'0')
		digits++
	}
	r.bad = r.bad || digits < n
	r.rest = r.rest[digits:]
	return x
}

// two reads one or two digits.
func (r *isoReader) two() int {
	if len(r.rest) >= 2 && isDigit(r.rest[1]) {
		return r.number(2)
	}
	return r.number(1)
}

func (r *isoReader) clock() int64 {
	hour, minute, second := r.two(), 0, 0
	r.bad = r.bad || !strings.HasPrefix(r.rest, ":")
	if r.cut(':') {
		minute = r.two()
		if r.cut(':') {
			second = r.two()
		}
	}
	r.bad = r.bad || hour > 23 || minute > 59 || second > 59
	return int64(hour)*ticksPerHour + int64(minute)*ticksPerMinute + int64(second)*ticksPerSecond + r.fraction()
}

// fraction reads a point and digits as ticks of a second.
func (r *isoReader) fraction() int64 {
	if !r.cut('.') {
		return 0
	}
	var ticks int64
	unit := int64(ticksPerSecond)
	r.bad = r.bad || r.rest == "" || !isDigit(r.rest[0])
	for r.rest != "" && isDigit(r.rest[0]) {
		unit /= 10
		ticks += int64(r.rest[0]-'0') * unit
		r.rest = r.rest[1:]
	}
	return ticks
}

// offset reads Z, +hh:mm or nothing.
func (r *isoReader) offset() int64 {
	if r.rest == "" || r.cut('Z') || r.cut('z') {
		return 0
	}
	sign := int64(1)
	if r.rest[0] == '-' {
		sign = -1
	}
	if !r.cut('+') && !r.cut('-') {
		r.bad = true
		return 0
	}
	hour, minute := r.two(), 0
	if r.cut(':') || r.rest != "" {
		minute = r.number(2)
	}
	r.bad = r.bad || hour > 14 || minute > 59
	return sign * (int64(hour)*ticksPerHour + int64(minute)*ticksPerMinute)
}

// decodeTimespan reads a length of time into ticks: 1.5h, 15 seconds, 2 (days), 0.12:34:56.7, 12:34, min, max.
func decodeTimespan(text string) (int64, literalFault) {
	switch text {
	case "min":
		return math.MinInt64, faultNone
	case "max":
		return math.MaxInt64, faultNone
	}
	body, neg := cutSign(text)
	var ticks int64
	var fault literalFault
	if strings.Contains(body, ":") {
		ticks, fault = decodeClock(body)
	} else {
		number := strings.TrimRight(body, "abcdefghijklmnopqrstuvwxyz")
		unit := body[len(number):]
		number = strings.TrimRight(number, " ")
		size, ok := timespanUnits[unit]
		if unit == "" {
			size, ok = ticksPerDay, true
		}
		if !ok {
			return 0, faultText
		}
		ticks, fault = scaleNumber(number, size)
	}
	if neg {
		ticks = -ticks
	}
	return ticks, fault
}

// decodeClock reads [d.]hh:mm[:ss[.f]].
func decodeClock(body string) (int64, literalFault) {
	r := &isoReader{rest: body}
	var days int64
	if i := strings.IndexAny(body, ".:"); body[i] == '.' {
		n, fault := decodeInt(body[:i], 64)
		if fault != faultNone {
			return 0, fault
		}
		if n > math.MaxInt64/ticksPerDay {
			return 0, faultRange
		}
		days, r.rest = n, body[i+1:]
	}
	ticks := r.clock()
	if r.bad || r.rest != "" {
		return 0, faultText
	}
	if days*ticksPerDay > math.MaxInt64-ticks {
		return 0, faultRange
	}
	return days*ticksPerDay + ticks, faultNone
}

// scaleNumber multiplies a decimal number by a unit, exactly, and cuts what is less than a tick.
func scaleNumber(number string, unit int64) (int64, literalFault) {
	whole, frac, _ := strings.Cut(number, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, faultText
	}
	n, err := strconv.ParseUint("0"+whole, 10, 63)
	if err != nil {
		return 0, faultRange
	}
	if unit == nanoUnit {
		return int64(n / -nanoUnit), faultNone
	}
	hi, ticks := bits.Mul64(n, uint64(unit))
	// Fifteen digits are beyond a tick of a day.
	frac = frac[:min(len(frac), 15)]
	if frac != "" {
		f, err := strconv.ParseUint(frac, 10, 63)
		if err != nil {
			return 0, faultText
		}
		scale := uint64(math.Pow10(len(frac)))
		fhi, flo := bits.Mul64(f, uint64(unit))
		part, _ := bits.Div64(fhi, flo, scale)
		ticks += part
	}
	if hi != 0 || ticks > math.MaxInt64 {
		return 0, faultRange
	}
	return int64(ticks), faultNone
}
