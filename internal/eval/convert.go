package eval

import (
	"math"
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var convertFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnTostring:   ofText(func(s string) string { return s }),
	plan.FnTolong:     convert,
	plan.FnToint:      convert,
	plan.FnToreal:     convert,
	plan.FnTodatetime: convert,
	plan.FnTotimespan: convert,
	plan.FnTobool:     convert,
	plan.FnTodecimal:  convert,
	plan.FnToguid:     convert,
	plan.FnGettype:    getType,
	plan.FnTohex:      toHex,
}

func convert(_ *Env, out kql.Type, args []Value) Value { return Convert(args[0], out) }

// Convert gives a value another type, as tolong(), tostring() and their like do; what does not fit becomes null. Reals are
// cut to whole numbers and kept within their range, a long that is no int loses its upper half.
func Convert(v Value, t kql.Type) Value {
	switch {
	case v.typ == t:
		return v
	case t == kql.TypeDynamic:
		return ToDynamic(v)
	case t == kql.TypeString:
		return String(Text(v))
	case !v.set:
		return Null(t)
	}
	if v = v.Inner(); v.typ == t {
		return v
	}
	switch t {
	case kql.TypeBool:
		return toBool(v)
	case kql.TypeInt:
		return toInt(v)
	case kql.TypeLong:
		return toLong(v)
	case kql.TypeReal:
		return toReal(v)
	case kql.TypeDecimal:
		return toDecimal(v)
	case kql.TypeDateTime:
		return toTicks(v, t, kql.ParseDateTime)
	case kql.TypeTimespan:
		return toTicks(v, t, parseSpan)
	case kql.TypeGuid:
		if v.typ == kql.TypeString {
			return parseGuid(v.s)
		}
	case kql.TypeString, kql.TypeDynamic, kql.TypeUnknown:
	}
	return Null(t)
}

// toBool takes true, false and whole numbers for text.
func toBool(v Value) Value {
	switch v.typ {
	case kql.TypeInt, kql.TypeLong:
		return Bool(v.Int() != 0)
	case kql.TypeReal:
		return Bool(v.Real() != 0)
	case kql.TypeDecimal:
		return Bool(plainDecimal(v.s) != "0")
	case kql.TypeString:
		switch text := strings.TrimSpace(v.s); {
		case strings.EqualFold(text, "true"):
			return Bool(true)
		case strings.EqualFold(text, "false"):
			return Bool(false)
		default:
			if n, ok := parseWhole(text); ok {
				return Bool(n != 0)
			}
		}
	case kql.TypeBool, kql.TypeDateTime, kql.TypeTimespan, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return Null(kql.TypeBool)
}

func toInt(v Value) Value {
	if v.typ == kql.TypeReal {
		if n, ok := cutReal(v.Real()); ok {
			return Int(int32(min(max(n, math.MinInt32), math.MaxInt32)))
		}
		return Null(kql.TypeInt)
	}
	n := toLong(v)
	switch {
	case !n.set:
		return Null(kql.TypeInt)
	case v.typ != kql.TypeLong && n.Int() != int64(int32(n.Int())):
		return Null(kql.TypeInt)
	}
	return Int(int32(n.Int()))
}

func toLong(v Value) Value {
	switch v.typ {
	case kql.TypeBool, kql.TypeInt, kql.TypeDateTime, kql.TypeTimespan, kql.TypeLong:
		return Long(v.Int())
	case kql.TypeReal:
		if n, ok := cutReal(v.Real()); ok {
			return Long(n)
		}
	case kql.TypeDecimal:
		if d, ok := parseDecimal(v.s); ok {
			if n, ok := d.whole(); ok {
				return Long(n)
			}
		}
	case kql.TypeString:
		if n, ok := parseWhole(v.s); ok {
			return Long(n)
		}
	case kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return Null(kql.TypeLong)
}

// cutReal cuts the fraction off; what is too great becomes the greatest, but infinity and NaN are no whole numbers.
func cutReal(f float64) (int64, bool) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return 0, false
	case f >= 1<<63:
		return math.MaxInt64, true
	case f < -1<<63:
		return math.MinInt64, true
	}
	return int64(f), true
}

// parseWhole reads a whole number, decimal or with 0x, perhaps with a sign and with spaces around it.
func parseWhole(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return int64(n), err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func toReal(v Value) Value {
	switch v.typ {
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		return Real(float64(v.Int()))
	case kql.TypeDecimal, kql.TypeString:
		if f, ok := parseReal(v.s); ok {
			return Real(f)
		}
	case kql.TypeReal, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return Null(kql.TypeReal)
}

// parseReal reads a decimal number, nan, inf or infinity, perhaps with spaces around it. What is too great is infinite.
func parseReal(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s, "_xXpP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || math.IsInf(f, 0)
}

func toDecimal(v Value) Value {
	switch v.typ {
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		return Decimal(strconv.FormatInt(v.Int(), 10))
	case kql.TypeReal:
		if d, ok := parseDecimal(strconv.FormatFloat(v.Real(), 'e', -1, 64)); ok {
			return d.value()
		}
	case kql.TypeString:
		if d, ok := parseDecimal(strings.TrimSpace(v.s)); ok {
			return d.value()
		}
	case kql.TypeDecimal, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return Null(kql.TypeDecimal)
}

// toTicks reads a text, and takes numbers for ticks.
func toTicks(v Value, t kql.Type, parse func(string) (int64, bool)) Value {
	switch v.typ {
	case kql.TypeString:
		if n, ok := parse(strings.TrimSpace(v.s)); ok {
			return ticksOf(t, n)
		}
	case kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan:
		if n := toLong(v); n.set {
			return ticksOf(t, n.Int())
		}
	case kql.TypeBool, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return Null(t)
}

// parseSpan reads a length of time. Days without a unit are whole ones, as far as texts go: timespan(1.5) is for literals.
func parseSpan(s string) (int64, bool) {
	if strings.Trim(s, "+-0123456789.") == "" && strings.Contains(s, ".") {
		return 0, false
	}
	return kql.ParseTimespan(s)
}

// parseGuid reads 32 hexadecimal digits, with dashes anywhere among them and braces or parentheses around them.
func parseGuid(s string) Value {
	s = strings.TrimSpace(s)
	if n := len(s); n > 2 && (s[0] == '{' && s[n-1] == '}' || s[0] == '(' && s[n-1] == ')') {
		s = s[1 : n-1]
	}
	if len(s) > 64 {
		return Null(kql.TypeGuid)
	}
	hex := strings.ToLower(strings.ReplaceAll(s, "-", ""))
	if len(hex) != 32 || strings.Trim(hex, "0123456789abcdef") != "" {
		return Null(kql.TypeGuid)
	}
	return Guid(hex[:8] + "-" + hex[8:12] + "-" + hex[12:16] + "-" + hex[16:20] + "-" + hex[20:])
}

func getType(_ *Env, _ kql.Type, args []Value) Value {
	v := args[0]
	if v.typ != kql.TypeDynamic {
		return String(v.typ.String())
	}
	switch {
	case !v.set:
		return String("null")
	case v.tree != nil && v.tree.IsBag():
		return String("dictionary")
	case v.tree != nil:
		return String("array")
	case v.kind == kql.TypeReal:
		return String("double")
	}
	return String(v.kind.String())
}

// toHex writes a whole number in two's complement. The second argument is the least number of digits.
func toHex(_ *Env, out kql.Type, args []Value) Value {
	v := Convert(args[0], kql.TypeLong)
	if !v.set {
		return Null(out)
	}
	text := strconv.FormatUint(v.n, 16)
	if len(args) > 1 {
		if pad := args[1].Int() - int64(len(text)); pad > 0 {
			text = strings.Repeat("0", int(min(pad, 16))) + text
		}
	}
	return String(text)
}

// Literal gives the value of a literal of a plan.
func Literal(x *plan.Lit) Value {
	if x.Null {
		return Null(x.Type)
	}
	switch x.Type {
	case kql.TypeBool:
		return Bool(x.Bool)
	case kql.TypeInt:
		return Int(int32(x.Int))
	case kql.TypeLong:
		return Long(x.Int)
	case kql.TypeReal:
		return Real(x.Real)
	case kql.TypeDecimal:
		return toDecimal(String(x.Str))
	case kql.TypeDateTime:
		return Datetime(x.Int)
	case kql.TypeTimespan:
		return Timespan(x.Int)
	case kql.TypeString:
		return String(x.Str)
	case kql.TypeGuid:
		return Guid(x.Str)
	case kql.TypeDynamic:
		if v, ok := FromJSON(x.Str); ok {
			return v
		}
		return ToDynamic(String(x.Str))
	case kql.TypeUnknown:
	}
	return Null(x.Type)
}
