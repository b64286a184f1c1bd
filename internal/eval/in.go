package eval

import "drumbeat/kql"

// in is the family of in: an array among the values of the list stands for its elements. A null is in no list, and
// neither is NaN.
func in(not, fold bool) Func {
	return func(env *Env, _ kql.Type, args []Value) Value {
		v := args[0]
		if v.typ == kql.TypeDynamic {
			v = v.Inner()
		}
		found := false
		if !Missing(v) {
			for _, item := range args[1:] {
				if found = contained(env, v, item, fold); found {
					break
				}
			}
		}
		return Bool(found != not)
	}
}

func contained(env *Env, v, item Value, fold bool) bool {
	t := item.tree
	switch {
	case t == nil:
		return matches(v, item, fold)
	case t.IsBag():
		return !fold && matches(v, item, false)
	}
	if len(t.Items) >= minSet && env.cache.again(t) {
		if s := env.cache.set(setID{t, fold}); s.class != classMixed && s.class == classOf(v) {
			if fold {
				v.s = lower(v.s)
			}
			env.cache.key = Key(env.cache.key[:0], v)
			_, ok := s.keys[string(env.cache.key)]
			return ok
		}
	}
	for _, e := range t.Items {
		if matches(v, e, fold) {
			return true
		}
	}
	return false
}

// matches is == or =~ where null is false.
func matches(v, item Value, fold bool) bool {
	if !item.set { // before it is converted: a null is no text in the list either
		return false
	}
	if fold {
		return item.set && equalFold(Text(v), Text(item))
	}
	if v.typ != item.typ {
		v, item = common(v, item)
	}
	return v.set && item.set && same(v, item)
}
