package eval

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var compareFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnEq:         equal,
	plan.FnNe:         notEqual,
	plan.FnLt:         ordered(func(c int) bool { return c < 0 }),
	plan.FnLe:         notGreater,
	plan.FnGt:         ordered(func(c int) bool { return c > 0 }),
	plan.FnGe:         notLess,
	plan.FnBetween:    between,
	plan.FnNotBetween: func(env *Env, out kql.Type, args []Value) Value { return negate(between(env, out, args)) },
	plan.FnIn:         in(false, false),
	plan.FnNotIn:      in(true, false),
	plan.FnInCI:       in(false, true),
	plan.FnNotInCI:    in(true, true),
	plan.FnMaxOf:      extreme(1),
	plan.FnMinOf:      extreme(-1),
	plan.FnAround:     around,
}

var (
	notLess    = ordered(func(c int) bool { return c >= 0 })
	notGreater = ordered(func(c int) bool { return c <= 0 })
)

// equal is ==: a null is equal to no value, and nobody knows whether it is to another null. NaN is equal to nothing.
func equal(_ *Env, _ kql.Type, args []Value) Value {
	if result, ok := quickEqual(&args[0], &args[1]); ok {
		return Bool(result)
	}
	a, b := args[0], args[1]
	if a.typ != b.typ {
		a, b = common(a, b)
	}
	if !a.set || !b.set {
		return neither(a, b, false)
	}
	return Bool(same(a, b))
}

// quickEqual does the common cases of equal: texts and whole numbers of one type, not null.
func quickEqual(a, b *Value) (result, ok bool) {
	if a.typ != b.typ || !a.set || !b.set {
		return false, false
	}
	switch a.typ { //nolint:exhaustive // the others take more
	case kql.TypeString:
		return a.s == b.s, true
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		return a.n == b.n, true
	}
	return false, false
}

func notEqual(_ *Env, _ kql.Type, args []Value) Value {
	if result, ok := quickEqual(&args[0], &args[1]); ok {
		return Bool(!result)
	}
	a, b := args[0], args[1]
	if a.typ != b.typ {
		a, b = common(a, b)
	}
	if !a.set || !b.set {
		return neither(a, b, true)
	}
	return Bool(!same(a, b))
}

// neither is the result where a value meets a null, and null where two nulls meet.
func neither(a, b Value, result bool) Value {
	if a.set || b.set {
		return Bool(result)
	}
	return Null(kql.TypeBool)
}

// same reports whether two values of one type, not null, are equal as == has it.
func same(a, b Value) bool {
	if a.typ == kql.TypeString {
		return a.s == b.s
	}
	c, ok := relate(a, b)
	return ok && c == 0
}

func ordered(holds func(c int) bool) Func {
	return func(_ *Env, _ kql.Type, args []Value) Value {
		if x, y := &args[0], &args[1]; x.typ == kql.TypeLong && y.typ == kql.TypeLong && x.set && y.set {
			return Bool(holds(cmp.Compare(x.Int(), y.Int())))
		}
		a, b := args[0], args[1]
		if a.typ != b.typ {
			a, b = common(a, b)
		}
		if !a.set || !b.set {
			return Null(kql.TypeBool)
		}
		c, ok := relate(a, b)
		return Bool(ok && holds(c))
	}
}

// common gives two values of different types one type: the wider of two numbers (a bool counts as one), else that of the
// value that is no text and no dynamic. One that does not convert becomes null.
func common(a, b Value) (Value, Value) {
	switch {
	case a.typ == kql.TypeDynamic || b.typ == kql.TypeDynamic:
		return commonDynamic(a, b)
	case !a.set || !b.set:
		return a, b
	case isNumeric(a.typ) && isNumeric(b.typ):
		t := max(a.typ, b.typ)
		return Convert(a, t), Convert(b, t)
	case a.typ == kql.TypeString:
		return Convert(a, b.typ), b
	}
	return a, Convert(b, a.typ)
}

func commonDynamic(a, b Value) (Value, Value) {
	if a.typ == kql.TypeDynamic && b.typ == kql.TypeDynamic {
		return a, b
	}
	x, y := unwrap(a, b.typ), unwrap(b, a.typ)
	if x.typ != y.typ && x.typ != kql.TypeDynamic && y.typ != kql.TypeDynamic {
		return common(x, y)
	}
	return x, y
}

// unwrap takes a scalar out of a dynamic. What has no scalar is text beside a text, and null beside all else.
func unwrap(v Value, beside kql.Type) Value {
	if v.typ != kql.TypeDynamic {
		return v
	}
	if v = v.Inner(); v.typ != kql.TypeDynamic {
		return v
	}
	return Convert(v, beside)
}

// isNumeric reports whether == and < take the type for a number.
func isNumeric(t kql.Type) bool { return t >= kql.TypeBool && t <= kql.TypeDecimal }

// relate orders two values of one type, not null. With a NaN, or with dynamics of different kinds, there is no order.
func relate(a, b Value) (c int, ok bool) {
	switch a.typ {
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		return cmp.Compare(int64(a.n), int64(b.n)), true
	case kql.TypeReal:
		x, y := math.Float64frombits(a.n), math.Float64frombits(b.n)
		return cmp.Compare(x, y), !math.IsNaN(x) && !math.IsNaN(y)
	case kql.TypeString, kql.TypeGuid:
		return strings.Compare(a.s, b.s), true
	case kql.TypeDecimal:
		return compareDecimals(a.s, b.s), true
	case kql.TypeDynamic:
		return relateDynamics(a, b)
	case kql.TypeUnknown:
	}
	return 0, false
}

func relateDynamics(a, b Value) (c int, ok bool) {
	if kindRank(a) != kindRank(b) {
		return 0, false
	}
	if a.tree != nil {
		return Compare(a, b), true
	}
	x, y := a.Inner(), b.Inner()
	if x.typ != y.typ {
		x, y = common(x, y)
	}
	if !x.set || !y.set {
		return 0, false
	}
	return relate(x, y)
}

// kindRank orders what dynamics can hold. All numbers are of one kind.
func kindRank(v Value) int {
	switch {
	case !v.set:
		return 0
	case v.tree != nil && v.tree.IsBag():
		return 9
	case v.tree != nil:
		return 8
	}
	switch v.kind {
	case kql.TypeBool:
		return 1
	case kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDecimal:
		return 2
	case kql.TypeDateTime:
		return 3
	case kql.TypeTimespan:
		return 4
	case kql.TypeString:
		return 5
	case kql.TypeGuid, kql.TypeUnknown, kql.TypeDynamic:
	}
	return 6
}

// Missing reports whether a value stands with the nulls in a sort: a null does, and NaN.
func Missing(v Value) bool {
	return !v.set || v.kind == kql.TypeReal && math.IsNaN(v.Real())
}

// Compare gives the order of two values of one type: null, NaN, then the values from the least to the greatest; texts by
// code point. Dynamics stand by kind: null, bool, numbers, datetime, timespan, string, array, bag; arrays and bags by their
// elements. Two values are in one place exactly if [Equal] says so.
func Compare(a, b Value) int {
	if a.typ == kql.TypeString && b.typ == kql.TypeString {
		return strings.Compare(a.s, b.s)
	}
	if c := cmp.Compare(kindRank(a), kindRank(b)); c != 0 || !a.set {
		return c
	}
	switch {
	case a.tree != nil && a.tree.IsBag():
		return compareBags(a.tree, b.tree)
	case a.tree != nil:
		return slices.CompareFunc(a.tree.Items, b.tree.Items, Compare)
	}
	if missA, missB := Missing(a), Missing(b); missA || missB {
		return boolOrder(missB, missA)
	}
	x, y := a.Inner(), b.Inner()
	if x.typ != y.typ {
		if c, ok := compareMixed(x, y); ok {
			return c
		}
		x, y = common(x, y)
	}
	c, _ := relate(x, y)
	return c
}

// compareMixed orders a whole number and a real without a loss of digits.
func compareMixed(x, y Value) (c int, ok bool) {
	whole := func(v Value) bool { return v.typ == kql.TypeInt || v.typ == kql.TypeLong }
	switch {
	case whole(x) && whole(y):
		return cmp.Compare(x.Int(), y.Int()), true
	case whole(x) && y.typ == kql.TypeReal:
		return compareIntReal(x.Int(), y.Real()), true
	case x.typ == kql.TypeReal && whole(y):
		return -compareIntReal(y.Int(), x.Real()), true
	}
	return 0, false
}

func compareIntReal(n int64, f float64) int {
	const edge = 1 << 63
	switch {
	case f >= edge:
		return -1
	case f < -edge:
		return 1
	}
	floor := math.Floor(f)
	if c := cmp.Compare(n, int64(floor)); c != 0 {
		return c
	}
	if f > floor {
		return -1
	}
	return 0
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareBags orders bags by their keys, then by their values; the order of the keys does not count.
func compareBags(a, b *Tree) int {
	x, y := sortedKeys(a), sortedKeys(b)
	c := slices.CompareFunc(x, y, func(i, j int) int { return strings.Compare(a.Keys[i], b.Keys[j]) })
	if c != 0 {
		return c
	}
	return slices.CompareFunc(x, y, func(i, j int) int { return Compare(a.Items[i], b.Items[j]) })
}

// sortedKeys gives the places of the keys of a bag in the order of the keys.
func sortedKeys(t *Tree) []int {
	places := make([]int, len(t.Keys))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(i, j int) int { return strings.Compare(t.Keys[i], t.Keys[j]) })
	return places
}

// Equal reports whether two values are one in a set or a group: as ==, but null is equal to null, NaN to NaN, and 0 to -0.
func Equal(a, b Value) bool { return Compare(a, b) == 0 }

// The tags of [Key]. Whole numbers have one, whatever their type, and reals without a fraction share it.
const (
	keyNull = iota
	keyBool
	keyWhole
	keyReal
	keyNaN
	keyDecimal
	keyDatetime
	keyTimespan
	keyString
	keyGuid
	keyArray
	keyBag
)

// Key appends an encoding of a value that is the same for two values exactly if they are [Equal], but for decimals beside
// other numbers. Encodings may be put behind each other.
func Key(dst []byte, v Value) []byte {
	switch {
	case !v.set:
		return append(dst, keyNull)
	case v.tree != nil:
		return treeKey(dst, v.tree)
	}
	switch v.kind {
	case kql.TypeBool:
		return append(dst, keyBool, byte(v.n))
	case kql.TypeInt, kql.TypeLong:
		return wordKey(dst, keyWhole, v.n)
	case kql.TypeReal:
		return realKey(dst, v.Real())
	case kql.TypeDateTime:
		return wordKey(dst, keyDatetime, v.n)
	case kql.TypeTimespan:
		return wordKey(dst, keyTimespan, v.n)
	case kql.TypeString:
		return textKey(append(dst, keyString), v.s)
	case kql.TypeGuid:
		return textKey(append(dst, keyGuid), v.s)
	case kql.TypeDecimal:
		return textKey(append(dst, keyDecimal), plainDecimal(v.s))
	case kql.TypeUnknown, kql.TypeDynamic:
	}
	return append(dst, keyNull)
}

func wordKey(dst []byte, tag byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tag), n)
}

func realKey(dst []byte, f float64) []byte {
	const edge = 1 << 63
	switch {
	case math.IsNaN(f):
		return append(dst, keyNaN)
	case f == math.Trunc(f) && f >= -edge && f < edge:
		return wordKey(dst, keyWhole, uint64(int64(f)))
	}
	return wordKey(dst, keyReal, math.Float64bits(f))
}

func textKey(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func treeKey(dst []byte, t *Tree) []byte {
	if !t.IsBag() {
		dst = binary.AppendUvarint(append(dst, keyArray), uint64(len(t.Items)))
		for _, item := range t.Items {
			dst = Key(dst, item)
		}
		return dst
	}
	dst = binary.AppendUvarint(append(dst, keyBag), uint64(len(t.Items)))
	for _, i := range sortedKeys(t) {
		dst = Key(textKey(dst, t.Keys[i]), t.Items[i])
	}
	return dst
}

// between is low <= v and v <= high. A high end that is a timespan beside a datetime is counted from the low one.
func between(env *Env, _ kql.Type, args []Value) Value {
	v, low, high := args[0], args[1], args[2]
	if low.typ == kql.TypeDateTime && high.typ == kql.TypeTimespan {
		high = add(env, kql.TypeDateTime, []Value{low, high})
	}
	above := notLess(env, kql.TypeBool, []Value{v, low})
	below := notGreater(env, kql.TypeBool, []Value{v, high})
	if !above.set || !below.set {
		return Null(kql.TypeBool)
	}
	return Bool(above.Bool() && below.Bool())
}

// extreme is max_of (sign 1) and min_of (-1): a value goes before a null, and NaN, as in the aggregates max and min,
// before all.
func extreme(sign int) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		best := Null(out)
		for i, arg := range args {
			v := Convert(arg, out)
			switch {
			case !v.set:
			case i == 0 || !best.set || Missing(v):
				best = v
			case !Missing(best) && sign*Compare(v, best) > 0:
				best = v
			}
		}
		return best
	}
}

// around is center-delta <= v <= center+delta.
func around(env *Env, _ kql.Type, args []Value) Value {
	v, center, delta := args[0], args[1], args[2]
	out := center.typ
	if isNumeric(out) {
		out = max(center.typ, delta.typ, kql.TypeLong)
	}
	low := subtract(env, out, []Value{center, delta})
	high := add(env, out, []Value{center, delta})
	return between(env, kql.TypeBool, []Value{v, low, high})
}
