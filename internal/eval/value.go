package eval

import (
	"math"

	"drumbeat/kql"
)

// Value is one value of the query language, or its null. The zero Value is a null of no type.
//
// A dynamic value has TypeDynamic, and says with [Value.Kind] what it holds: an array or a bag (TypeDynamic, with a
// [Tree]), a scalar (its type), or nothing (null).
type Value struct {
	typ  kql.Type
	kind kql.Type // of a dynamic: what it holds; else as typ
	set  bool     // not null
	n    uint64   // bool, int, long, datetime, timespan; the bits of a real
	s    string   // string, guid, the digits of a decimal
	tree *Tree    // array or bag
}

// Tree is an array or a bag. Elements are dynamic values. It is never changed once it is part of a Value.
type Tree struct {
	Items []Value
	// Keys are those of a bag, in their order, as many as Items; nil for an array (an empty bag has a non-nil Keys).
	Keys []string
}

// IsBag reports whether the tree is a bag.
func (t *Tree) IsBag() bool { return t.Keys != nil }

// Get gives the value of a key of a bag.
func (t *Tree) Get(key string) (Value, bool) {
	for i, k := range t.Keys {
		if k == key {
			return t.Items[i], true
		}
	}
	return Null(kql.TypeDynamic), false
}

// Null gives the null of a type; that of string is the empty text, for strings are never null.
func Null(t kql.Type) Value {
	return Value{typ: t, kind: t, set: t == kql.TypeString}
}

// Bool makes a bool.
func Bool(b bool) Value {
	v := Value{typ: kql.TypeBool, kind: kql.TypeBool, set: true}
	if b {
		v.n = 1
	}
	return v
}

// Int makes an int, which has 32 bits.
func Int(n int32) Value { return whole(kql.TypeInt, int64(n)) }

// Long makes a long.
func Long(n int64) Value { return whole(kql.TypeLong, n) }

// Datetime makes a datetime of ticks: 100 ns since the year 1, UTC. Ticks out of the years 1 to 9999 make null.
func Datetime(ticks int64) Value {
	if ticks < 0 || ticks > MaxDatetime {
		return Null(kql.TypeDateTime)
	}
	return whole(kql.TypeDateTime, ticks)
}

// MaxDatetime is the last tick of the year 9999.
const MaxDatetime = 3155378975999999999

// Timespan makes a timespan of ticks of 100 ns.
func Timespan(ticks int64) Value { return whole(kql.TypeTimespan, ticks) }

func whole(t kql.Type, n int64) Value {
	return Value{typ: t, kind: t, set: true, n: uint64(n)}
}

// Real makes a real.
func Real(f float64) Value {
	return Value{typ: kql.TypeReal, kind: kql.TypeReal, set: true, n: math.Float64bits(f)}
}

// String makes a string.
func String(s string) Value {
	return Value{typ: kql.TypeString, kind: kql.TypeString, set: true, s: s}
}

// Guid makes a guid of its text, in lower case with dashes.
func Guid(s string) Value {
	return Value{typ: kql.TypeGuid, kind: kql.TypeGuid, set: true, s: s}
}

// Decimal makes a decimal of its digits, such as "-12.50".
func Decimal(digits string) Value {
	return Value{typ: kql.TypeDecimal, kind: kql.TypeDecimal, set: true, s: digits}
}

// Dynamic makes a dynamic value of an array or a bag.
func Dynamic(t *Tree) Value {
	return Value{typ: kql.TypeDynamic, kind: kql.TypeDynamic, set: true, tree: t}
}

// ToDynamic puts any value into a dynamic; one that is dynamic stays as it is.
func ToDynamic(v Value) Value {
	if v.typ == kql.TypeDynamic {
		return v
	}
	if !v.set {
		return Null(kql.TypeDynamic)
	}
	v.typ = kql.TypeDynamic
	return v
}

// Inner takes a scalar out of a dynamic; an array, a bag, a null and what is not dynamic stay as they are.
func (v Value) Inner() Value {
	if v.typ == kql.TypeDynamic && v.set && v.tree == nil {
		v.typ = v.kind
	}
	return v
}

// Type gives the type.
func (v Value) Type() kql.Type { return v.typ }

// Kind gives the type of what a dynamic value holds, TypeDynamic for an array or a bag; of other values their type.
func (v Value) Kind() kql.Type { return v.kind }

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return !v.set }

// Bool gives a bool; null is false.
func (v Value) Bool() bool { return v.n != 0 }

// Int gives the number of an int or long, the ticks of a datetime or timespan, 0 or 1 of a bool; 0 for null.
func (v Value) Int() int64 { return int64(v.n) }

// Real gives the number of a real; 0 for null.
func (v Value) Real() float64 { return math.Float64frombits(v.n) }

// Str gives the text of a string, the text of a guid, the digits of a decimal.
func (v Value) Str() string { return v.s }

// Tree gives the array or bag of a dynamic value, or nil.
func (v Value) Tree() *Tree { return v.tree }
