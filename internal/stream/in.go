package stream

import (
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// in3 is in, has_any and their like: a value, then a list whose items may be tables.
func (s *scope) in3(e *plan.Call) (value, error) {
	first, err := s.compile(e.Args[0])
	if err != nil {
		return nil, err
	}
	var items []eval.Value // of the tables
	var others []plan.Expr
	for _, a := range e.Args[1:] {
		sub, ok := a.(*plan.Sub)
		if !ok || sub.Scalar {
			others = append(others, a)
			continue
		}
		r, err := s.x.sub(sub)
		if err != nil {
			return nil, err
		}
		items = append(items, r.list...)
	}
	rest, err := s.list(others)
	if err != nil {
		return nil, err
	}
	constant := !slices.ContainsFunc(others, func(a plan.Expr) bool { return !plan.Const(a) })
	if constant && (e.Fn == plan.FnIn || e.Fn == plan.FnNotIn) {
		return s.inList(e, first, items, rest)
	}
	args := append([]value{first}, rest...)
	for _, v := range items {
		args = append(args, func(Row) eval.Value { return v })
	}
	return s.function(e, args)
}

// setFrom is the length of a list from which on a set is worth it.
const setFrom = 4

// inList looks a value up in a list that is the same for all rows. The list is made when the first row comes.
func (s *scope) inList(e *plan.Call, first value, items []eval.Value, rest []value) (value, error) {
	linear, ok := eval.Scalar(e.Fn)
	if !ok {
		return nil, unsupported(e.Fn.String())
	}
	env, out := s.x.env, e.Type
	want := plan.TypeOf(e.Args[0])
	yes, no := eval.Bool(e.Fn == plan.FnIn), eval.Bool(e.Fn != plan.FnIn)
	var args []eval.Value
	var set map[string]struct{}
	var key []byte
	return func(row Row) eval.Value {
		if args == nil {
			args = append(args, eval.Value{})
			args = append(args, items...)
			for _, r := range rest {
				args = append(args, r(nil))
			}
			set = setOf(want, args[1:])
		}
		v := first(row)
		if set != nil {
			if v.IsNull() || v.Type() == kql.TypeReal && v.Real() != v.Real() { // neither is equal to anything
				return no
			}
			key = eval.Key(key[:0], v)
			if _, found := set[string(key)]; found {
				return yes
			}
			return no
		}
		args[0] = v
		return linear(env, out, args)
	}, nil
}

// setOf makes a set of a list, or nil where equality is not that of keys, or the list is short.
func setOf(want kql.Type, list []eval.Value) map[string]struct{} {
	if len(list) < setFrom && !slices.ContainsFunc(list, func(v eval.Value) bool { return v.Tree() != nil }) {
		return nil
	}
	switch want {
	case kql.TypeString, kql.TypeLong, kql.TypeInt, kql.TypeDateTime, kql.TypeTimespan, kql.TypeGuid, kql.TypeBool:
	case kql.TypeReal, kql.TypeDecimal, kql.TypeDynamic, kql.TypeUnknown:
		return nil
	}
	set := make(map[string]struct{}, len(list))
	var key []byte
	add := func(v eval.Value) bool {
		if v = v.Inner(); v.IsNull() {
			return true
		}
		if want == kql.TypeInt && v.Type() == kql.TypeLong {
			n := v.Int()
			if n != int64(int32(n)) {
				return true // no int is equal to it
			}
			v = eval.Int(int32(n))
		}
		if want == kql.TypeLong && v.Type() == kql.TypeInt {
			v = eval.Long(v.Int())
		}
		if v.Type() != want {
			return false
		}
		key = eval.Key(key[:0], v)
		set[string(key)] = struct{}{}
		return true
	}
	for _, v := range list {
		if t := v.Tree(); t != nil && !t.IsBag() {
			for _, item := range t.Items {
				if !add(item) {
					return nil
				}
			}
			continue
		}
		if !add(v) {
			return nil
		}
	}
	return set
}
