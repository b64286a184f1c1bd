package eval

import (
	"math"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Sets are arrays without repeated elements, in the order in which they are first seen.
var setFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSetUnion:      setUnion,
	plan.FnSetIntersect:  setIntersect,
	plan.FnSetDifference: setDifference,
	plan.FnSetHasElement: setHasElement,
	plan.FnSetEquals:     setEquals,
	plan.FnJaccardIndex:  jaccardIndex,
}

// elements is a set of values. The zero elements is empty.
type elements struct {
	seen  map[string]struct{}
	items []Value
	buf   []byte
}

// add puts in a value that is new.
func (e *elements) add(v Value) {
	e.buf = Key(e.buf[:0], v)
	if _, ok := e.seen[string(e.buf)]; ok {
		return
	}
	if e.seen == nil {
		e.seen = map[string]struct{}{}
	}
	e.seen[string(e.buf)] = struct{}{}
	e.items = append(e.items, v)
}

func (e *elements) has(v Value) bool {
	e.buf = Key(e.buf[:0], v)
	_, ok := e.seen[string(e.buf)]
	return ok
}

func (e *elements) value() Value { return Dynamic(&Tree{Items: e.items}) }

// setOf gives the set of an array; what is no array is an empty set.
func setOf(v Value) *elements {
	e := &elements{}
	items, _ := arrayItems(v)
	for _, item := range items {
		e.add(item)
	}
	return e
}

func setUnion(_ *Env, _ kql.Type, args []Value) Value {
	all := &elements{}
	for _, a := range args {
		items, _ := arrayItems(a)
		for _, item := range items {
			all.add(item)
		}
	}
	return all.value()
}

func setIntersect(_ *Env, _ kql.Type, args []Value) Value {
	return setFilter(args, true)
}

func setDifference(_ *Env, _ kql.Type, args []Value) Value {
	return setFilter(args, false)
}

// setFilter keeps the elements of the first set that all others have, or that none has.
func setFilter(args []Value, within bool) Value {
	others := make([]*elements, len(args)-1)
	for i, a := range args[1:] {
		others[i] = setOf(a)
	}
	kept := &elements{}
	for _, item := range setOf(args[0]).items {
		ok := true
		for _, o := range others {
			ok = ok && o.has(item) == within
		}
		if ok {
			kept.add(item)
		}
	}
	return kept.value()
}

func setHasElement(_ *Env, out kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return Null(out)
	}
	for _, item := range items {
		if Equal(item, args[1]) {
			return Bool(true)
		}
	}
	return Bool(false)
}

func setEquals(_ *Env, out kql.Type, args []Value) Value {
	_, ok := arrayItems(args[0])
	_, ok2 := arrayItems(args[1])
	if !ok || !ok2 {
		return Null(out)
	}
	a, b := setOf(args[0]), setOf(args[1])
	same := len(a.items) == len(b.items)
	for _, item := range a.items {
		same = same && b.has(item)
	}
	return Bool(same)
}

// jaccardIndex is the size of the intersection over that of the union, NaN for two empty sets.
func jaccardIndex(_ *Env, out kql.Type, args []Value) Value {
	for _, a := range args {
		if _, ok := arrayItems(a); !ok {
			return Null(out)
		}
	}
	both, _ := arrayItems(setFilter(args, true))
	all, _ := arrayItems(setUnion(nil, out, args))
	index := math.NaN()
	if len(all) > 0 {
		index = float64(len(both)) / float64(len(all))
	}
	return typed(out, Real(index))
}

// typed puts a value into a dynamic where that is the type asked for.
func typed(out kql.Type, v Value) Value {
	if out == kql.TypeDynamic {
		return ToDynamic(v)
	}
	return v
}
