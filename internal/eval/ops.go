package eval

import (
	"math"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var opFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnAnd:      and,
	plan.FnOr:       or,
	plan.FnNot:      func(_ *Env, _ kql.Type, args []Value) Value { return negate(truth(args[0])) },
	plan.FnAdd:      add,
	plan.FnSub:      subtract,
	plan.FnMul:      multiply,
	plan.FnDiv:      divide,
	plan.FnMod:      modulo,
	plan.FnNeg:      negative,
	plan.FnIff:      iff,
	plan.FnCase:     caseOf,
	plan.FnCoalesce: coalesce,

	plan.FnIsnull:         func(_ *Env, _ kql.Type, args []Value) Value { return Bool(!args[0].set) },
	plan.FnIsnotnull:      func(_ *Env, _ kql.Type, args []Value) Value { return Bool(args[0].set) },
	plan.FnIsempty:        func(_ *Env, _ kql.Type, args []Value) Value { return Bool(isEmpty(args[0])) },
	plan.FnIsnotempty:     func(_ *Env, _ kql.Type, args []Value) Value { return Bool(!isEmpty(args[0])) },
	plan.FnColumnIfexists: columnIfExists,
	plan.FnItem:           item,
	plan.FnConvert:        func(_ *Env, out kql.Type, args []Value) Value { return Convert(args[0], out) },
	plan.FnAssert:         assert,

	plan.FnBinaryAnd:        onWhole(func(a, b int64) int64 { return a & b }),
	plan.FnBinaryOr:         onWhole(func(a, b int64) int64 { return a | b }),
	plan.FnBinaryXor:        onWhole(func(a, b int64) int64 { return a ^ b }),
	plan.FnBinaryNot:        binaryNot,
	plan.FnBinaryShiftLeft:  shift(func(a int64, n uint) int64 { return a << n }),
	plan.FnBinaryShiftRight: shift(func(a int64, n uint) int64 { return a >> n }),
	plan.FnBitsetCountOnes:  countOnes,
}

// truth takes the bool out of a condition, which may be dynamic.
func truth(v Value) Value {
	if v.typ == kql.TypeDynamic {
		return Convert(v, kql.TypeBool)
	}
	return v
}

func negate(v Value) Value {
	if !v.set {
		return v
	}
	return Bool(!v.Bool())
}

// and is false where one is false, else null where one is null.
func and(_ *Env, _ kql.Type, args []Value) Value {
	known := true
	for _, arg := range args {
		v := truth(arg)
		if v.set && !v.Bool() {
			return Bool(false)
		}
		known = known && v.set
	}
	if !known {
		return Null(kql.TypeBool)
	}
	return Bool(true)
}

func or(_ *Env, _ kql.Type, args []Value) Value {
	known := true
	for _, arg := range args {
		v := truth(arg)
		if v.Bool() {
			return Bool(true)
		}
		known = known && v.set
	}
	if !known {
		return Null(kql.TypeBool)
	}
	return Bool(false)
}

func iff(_ *Env, out kql.Type, args []Value) Value {
	if truth(args[0]).Bool() {
		return Convert(args[1], out)
	}
	return Convert(args[2], out)
}

func caseOf(_ *Env, out kql.Type, args []Value) Value {
	for i := 0; i+1 < len(args); i += 2 {
		if truth(args[i]).Bool() {
			return Convert(args[i+1], out)
		}
	}
	return Convert(args[len(args)-1], out)
}

// coalesce is the first value that is not null, of texts the first that is not empty.
func coalesce(_ *Env, out kql.Type, args []Value) Value {
	for _, arg := range args {
		if v := Convert(arg, out); v.set && (out != kql.TypeString || v.s != "") {
			return v
		}
	}
	return Null(out)
}

// isEmpty reports whether a value is null or an empty text.
func isEmpty(v Value) bool { return !v.set || v.kind == kql.TypeString && v.s == "" }

// columnIfExists stands for a column that only the data can have: where it has no value, the other is taken.
func columnIfExists(_ *Env, out kql.Type, args []Value) Value {
	if args[0].set {
		return Convert(args[0], out)
	}
	return Convert(args[1], out)
}

// item takes one result out of those of a function that gives several, which come as an array.
func item(_ *Env, out kql.Type, args []Value) Value {
	t, i := args[0].tree, args[1].Int()
	if t == nil || i < 0 || i >= int64(len(t.Items)) {
		return Null(out)
	}
	return Convert(t.Items[i], out)
}

func assert(env *Env, _ kql.Type, args []Value) Value {
	v := truth(args[0])
	if !v.Bool() && env.Err == nil {
		env.Err = &AssertError{Message: Text(args[1])}
	}
	return v
}

// AssertError says that a query asserted what does not hold.
type AssertError struct{ Message string }

func (e *AssertError) Error() string { return "assert() failed: " + e.Message }

// numbers gives both arguments as the type of the result, or false if one has no value.
func numbers(out kql.Type, args []Value) (a, b Value, ok bool) {
	a, b = args[0], args[1]
	if a.typ != out {
		a = Convert(a, out)
	}
	if b.typ != out {
		b = Convert(b, out)
	}
	return a, b, a.set && b.set
}

// operation is an operator of numbers: whole wraps at 64 bits.
type operation struct {
	whole   func(a, b int64) (int64, bool)
	real    func(a, b float64) float64
	decimal func(a, b decimal) (decimal, bool)
}

func (op *operation) apply(out kql.Type, args []Value) Value {
	if x, y := &args[0], &args[1]; out == kql.TypeLong && x.typ == out && y.typ == out && x.set && y.set {
		n, ok := op.whole(x.Int(), y.Int())
		if !ok {
			return Null(out)
		}
		return Long(n)
	}
	a, b, ok := numbers(out, args)
	if !ok {
		return Null(out)
	}
	switch out { //nolint:exhaustive // numbers alone come here
	case kql.TypeLong:
		if n, ok := op.whole(a.Int(), b.Int()); ok {
			return Long(n)
		}
	case kql.TypeReal:
		return Real(op.real(a.Real(), b.Real()))
	case kql.TypeDecimal:
		x, okX := parseDecimal(a.s)
		y, okY := parseDecimal(b.s)
		if okX && okY {
			if d, ok := op.decimal(x, y); ok {
				return d.value()
			}
		}
	}
	return Null(out)
}

// dynamic is the operator where both sides are dynamic: the wider of their numbers decides.
func (op *operation) dynamic(args []Value) Value {
	a, b := args[0].Inner(), args[1].Inner()
	number := func(v Value) bool { return v.set && v.typ >= kql.TypeInt && v.typ <= kql.TypeDecimal }
	if !number(a) || !number(b) {
		return Null(kql.TypeDynamic)
	}
	return ToDynamic(op.apply(max(a.typ, b.typ, kql.TypeLong), []Value{a, b}))
}

var (
	addition = operation{
		whole:   func(a, b int64) (int64, bool) { return a + b, true },
		real:    func(a, b float64) float64 { return a + b },
		decimal: addDecimals,
	}
	subtraction = operation{
		whole:   func(a, b int64) (int64, bool) { return a - b, true },
		real:    func(a, b float64) float64 { return a - b },
		decimal: func(a, b decimal) (decimal, bool) { return addDecimals(a, b.negative()) },
	}
	multiplication = operation{
		whole:   func(a, b int64) (int64, bool) { return a * b, true },
		real:    func(a, b float64) float64 { return a * b },
		decimal: multiplyDecimals,
	}
	division  = operation{whole: divideWhole, real: func(a, b float64) float64 { return a / b }, decimal: divideDecimals}
	remainder = operation{whole: modWhole, real: modReal, decimal: modDecimals}
)

func divideWhole(a, b int64) (int64, bool) {
	if b == 0 {
		return 0, false
	}
	return a / b, true
}

// modWhole is never negative, whatever the signs.
func modWhole(a, b int64) (int64, bool) {
	if b == 0 {
		return 0, false
	}
	m := a % b
	if m < 0 && b > 0 {
		m += b
	} else if m < 0 {
		m -= b
	}
	return m, true
}

func modReal(a, b float64) float64 {
	m := math.Mod(a, b)
	if m < 0 {
		m += math.Abs(b)
	}
	return m
}

func add(_ *Env, out kql.Type, args []Value) Value {
	switch out { //nolint:exhaustive // the others are numbers
	case kql.TypeDateTime, kql.TypeTimespan:
		a, b, ok := spans(out, args)
		if !ok {
			return Null(out)
		}
		return ticksOf(out, a+b)
	case kql.TypeDynamic:
		return addition.dynamic(args)
	}
	return addition.apply(out, args)
}

func subtract(_ *Env, out kql.Type, args []Value) Value {
	switch out { //nolint:exhaustive // the others are numbers
	case kql.TypeDateTime, kql.TypeTimespan:
		a, b, ok := spans(out, args)
		if !ok {
			return Null(out)
		}
		return ticksOf(out, a-b)
	case kql.TypeDynamic:
		return subtraction.dynamic(args)
	}
	return subtraction.apply(out, args)
}

// spans gives the ticks of two datetimes or timespans; a dynamic becomes what its neighbour makes of it.
func spans(out kql.Type, args []Value) (a, b int64, ok bool) {
	x, y := args[0], args[1]
	if x.typ == kql.TypeDynamic {
		x = Convert(x, besideDynamic(y.typ, out))
	}
	if y.typ == kql.TypeDynamic {
		y = Convert(y, besideDynamic(x.typ, out))
	}
	return x.Int(), y.Int(), x.set && y.set
}

// besideDynamic is the type of a dynamic beside a datetime or a timespan in a sum or a difference.
func besideDynamic(beside, out kql.Type) kql.Type {
	if beside == kql.TypeDateTime && out == kql.TypeTimespan {
		return kql.TypeDateTime
	}
	return kql.TypeTimespan
}

// ticksOf makes a datetime or a timespan. A sum that wraps at 64 bits is no date either: both ends of what two dates and
// a timespan can give lie below zero then.
func ticksOf(out kql.Type, ticks int64) Value {
	if out == kql.TypeDateTime {
		return Datetime(ticks)
	}
	return Timespan(ticks)
}

func isTicks(t kql.Type) bool { return t == kql.TypeDateTime || t == kql.TypeTimespan }

func multiply(_ *Env, out kql.Type, args []Value) Value {
	switch {
	case isTicks(out):
		return scale(out, args)
	case out == kql.TypeDynamic:
		return multiplication.dynamic(args)
	}
	return multiplication.apply(out, args)
}

// scale multiplies ticks; with a real the product is rounded to the next tick.
func scale(out kql.Type, args []Value) Value {
	a, b := args[0], args[1]
	if !a.set || !b.set {
		return Null(out)
	}
	if !isTicks(a.typ) {
		a, b = b, a
	}
	if b.typ == kql.TypeReal || b.typ == kql.TypeDecimal {
		return realTicks(out, float64(a.Int())*Convert(b, kql.TypeReal).Real())
	}
	return ticksOf(out, a.Int()*b.Int())
}

func realTicks(out kql.Type, f float64) Value {
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return Null(out)
	}
	return ticksOf(out, int64(math.Round(f)))
}

func divide(_ *Env, out kql.Type, args []Value) Value {
	a, b := args[0], args[1]
	switch {
	case isTicks(a.typ) && !isTicks(out):
		if !a.set || !b.set {
			return Null(out)
		}
		return Real(float64(a.Int()) / float64(b.Int()))
	case isTicks(out):
		if !a.set || !b.set {
			return Null(out)
		}
		if b.typ == kql.TypeReal || b.typ == kql.TypeDecimal {
			return realTicks(out, float64(a.Int())/Convert(b, kql.TypeReal).Real())
		}
		if n, ok := divideWhole(a.Int(), b.Int()); ok {
			return ticksOf(out, n)
		}
		return Null(out)
	case out == kql.TypeDynamic:
		return division.dynamic(args)
	}
	return division.apply(out, args)
}

func modulo(_ *Env, out kql.Type, args []Value) Value {
	a, b := args[0], args[1]
	switch {
	case isTicks(out):
		if !a.set || !b.set {
			return Null(out)
		}
		if b.typ == kql.TypeReal || b.typ == kql.TypeDecimal {
			return realTicks(out, modReal(float64(a.Int()), Convert(b, kql.TypeReal).Real()))
		}
		if n, ok := modWhole(a.Int(), b.Int()); ok {
			return ticksOf(out, n)
		}
		return Null(out)
	case out == kql.TypeDynamic:
		return remainder.dynamic(args)
	}
	return remainder.apply(out, args)
}

func negative(_ *Env, out kql.Type, args []Value) Value {
	v := args[0]
	if out == kql.TypeDynamic {
		v = v.Inner()
	}
	if !v.set {
		return Null(out)
	}
	switch v.typ { //nolint:exhaustive // nothing else has a sign
	case kql.TypeInt, kql.TypeLong:
		v = Long(-v.Int())
	case kql.TypeReal:
		v = Real(-v.Real())
	case kql.TypeDecimal:
		if d, ok := parseDecimal(v.s); ok {
			v = d.negative().value()
		}
	case kql.TypeDateTime, kql.TypeTimespan:
		v = Timespan(-v.Int())
	default:
		return Null(out)
	}
	return Convert(v, out)
}

func onWhole(op func(a, b int64) int64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		a, b, ok := numbers(kql.TypeLong, args)
		if !ok {
			return Null(out)
		}
		return Long(op(a.Int(), b.Int()))
	}
}

func binaryNot(_ *Env, out kql.Type, args []Value) Value {
	v := Convert(args[0], kql.TypeLong)
	if !v.set {
		return Null(out)
	}
	return Long(^v.Int())
}

// shift moves bits by a number modulo 64, as documented; a negative number gives null.
func shift(op func(a int64, n uint) int64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		a, n, ok := numbers(kql.TypeLong, args)
		if !ok || n.Int() < 0 {
			return Null(out)
		}
		return Long(op(a.Int(), uint(n.Int()%64)))
	}
}

func countOnes(_ *Env, out kql.Type, args []Value) Value {
	v := Convert(args[0], kql.TypeLong)
	if !v.set {
		return Null(out)
	}
	count := int64(0)
	for n := v.n; n != 0; n &= n - 1 {
		count++
	}
	return Long(count)
}
