package eval

import (
	"strconv"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// dynamicFuncs read and make dynamic values.
var dynamicFuncs = collect(accessFuncs, arrayFuncs, setFuncs, bagFuncs, stateFuncs)

var accessFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnMember:        memberOf,
	plan.FnIndex:         indexOf,
	plan.FnTodynamic:     jsonOf,
	plan.FnParseJson:     jsonOf,
	plan.FnDynamicToJson: canonicalOf,
}

// MaxElements is how many elements an array may have that a function or an aggregate makes out of nothing, as the
// language documents it for make_list, make_set and range.
const MaxElements = 1_048_576

// Array makes a dynamic array. The caller must not change items afterwards.
func Array(items []Value) Value {
	for i := range items {
		items[i] = ToDynamic(items[i])
	}
	return Dynamic(&Tree{Items: items})
}

// Bag makes a dynamic bag. The caller must not change the slices afterwards.
func Bag(keys []string, items []Value) Value {
	if keys == nil {
		keys = []string{}
	}
	for i := range items {
		items[i] = ToDynamic(items[i])
	}
	return Dynamic(&Tree{Items: items, Keys: keys})
}

// arrayItems gives the elements of an array.
func arrayItems(v Value) ([]Value, bool) {
	if v.tree == nil || v.tree.IsBag() {
		return nil, false
	}
	return v.tree.Items, true
}

// bagTree gives a bag.
func bagTree(v Value) (*Tree, bool) {
	if v.tree == nil || !v.tree.IsBag() {
		return nil, false
	}
	return v.tree, true
}

func nullDynamic() Value { return Null(kql.TypeDynamic) }

// numberOf gives a number of any type, alone or in a dynamic.
func numberOf(v Value) (float64, bool) {
	if !v.set {
		return 0, false
	}
	switch v.kind { //nolint:exhaustive // the others are no numbers
	case kql.TypeInt, kql.TypeLong:
		return float64(v.Int()), true
	case kql.TypeReal:
		return v.Real(), true
	case kql.TypeDecimal:
		f, err := strconv.ParseFloat(v.s, 64)
		return f, err == nil
	}
	return 0, false
}

// wholeOf gives a number of a whole type, alone or in a dynamic.
func wholeOf(v Value) (int64, bool) {
	if v.set && (v.kind == kql.TypeInt || v.kind == kql.TypeLong) {
		return v.Int(), true
	}
	return 0, false
}

// textOf gives a string, alone or in a dynamic.
func textOf(v Value) (string, bool) {
	if v.set && v.kind == kql.TypeString {
		return v.s, true
	}
	return "", false
}

// memberOf is d.x: null where d is no bag, or has no x.
func memberOf(_ *Env, _ kql.Type, args []Value) Value {
	bag, ok := bagTree(args[0])
	if !ok {
		return nullDynamic()
	}
	v, _ := bag.Get(args[1].s)
	return v
}

// indexOf is d[i], which counts from the end where i is negative, or d["x"].
func indexOf(_ *Env, _ kql.Type, args []Value) Value {
	d, at := args[0], args[1]
	if key, ok := textOf(at); ok {
		if bag, isBag := bagTree(d); isBag {
			v, _ := bag.Get(key)
			return v
		}
		return nullDynamic()
	}
	i, ok := wholeOf(at)
	items, isArray := arrayItems(d)
	if !ok || !isArray {
		return nullDynamic()
	}
	if i < 0 {
		i += int64(len(items))
	}
	if i < 0 || i >= int64(len(items)) {
		return nullDynamic()
	}
	return items[i]
}

// jsonOf is parse_json and todynamic: what is dynamic stays as it is, the empty text is null, and a text that is no JSON
// becomes a dynamic string.
func jsonOf(_ *Env, _ kql.Type, args []Value) Value {
	v := args[0]
	if v.typ != kql.TypeString {
		return ToDynamic(v)
	}
	if v.s == "" {
		return nullDynamic()
	}
	if d, ok := FromJSON(v.s); ok {
		return d
	}
	return ToDynamic(v)
}

// canonicalOf is dynamic_to_json: JSON with the keys of bags in order.
func canonicalOf(_ *Env, _ kql.Type, args []Value) Value {
	if !args[0].set {
		return String("null")
	}
	return String(string(AppendJSON(nil, canonical(ToDynamic(args[0])))))
}

// canonical gives the value with the keys of all bags in the order of their bytes.
func canonical(v Value) Value {
	if v.tree == nil {
		return v
	}
	out := &Tree{Items: make([]Value, len(v.tree.Items))}
	if !v.tree.IsBag() {
		for i, item := range v.tree.Items {
			out.Items[i] = canonical(item)
		}
		return Dynamic(out)
	}
	out.Keys = make([]string, len(v.tree.Keys))
	for to, from := range sortedKeys(v.tree) {
		out.Items[to], out.Keys[to] = canonical(v.tree.Items[from]), v.tree.Keys[from]
	}
	return Dynamic(out)
}
