package eval

import (
	"slices"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var bagFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnBagPack:       bagPack,
	plan.FnPackAll:       packAll,
	plan.FnBagKeys:       bagKeys,
	plan.FnBagMerge:      bagMerge,
	plan.FnBagHasKey:     bagHasKey,
	plan.FnBagSetKey:     bagSetKey,
	plan.FnBagRemoveKeys: bagRemoveKeys,
	plan.FnBagZip:        bagZip,
}

// bagBuilder makes a bag in which each key stands once.
type bagBuilder struct {
	tree Tree
	at   map[string]int
}

func newBag(n int) *bagBuilder {
	return &bagBuilder{tree: Tree{Keys: make([]string, 0, n), Items: make([]Value, 0, n)}}
}

// few is up to how many keys a bag is searched one by one.
const few = 16

func (b *bagBuilder) find(key string) (int, bool) {
	if b.at == nil {
		i := slices.Index(b.tree.Keys, key)
		return i, i >= 0
	}
	i, ok := b.at[key]
	return i, ok
}

// set puts a value under a key, in place of one that it has already.
func (b *bagBuilder) set(key string, v Value) {
	if i, ok := b.find(key); ok {
		b.tree.Items[i] = ToDynamic(v)
		return
	}
	b.push(key, v)
}

// keep puts a value under a key that is new.
func (b *bagBuilder) keep(key string, v Value) {
	if _, ok := b.find(key); !ok {
		b.push(key, v)
	}
}

func (b *bagBuilder) push(key string, v Value) {
	b.tree.Keys, b.tree.Items = append(b.tree.Keys, key), append(b.tree.Items, ToDynamic(v))
	switch {
	case b.at != nil:
		b.at[key] = len(b.tree.Keys) - 1
	case len(b.tree.Keys) > few:
		b.at = make(map[string]int, 2*few)
		for i, k := range b.tree.Keys {
			b.at[k] = i
		}
	}
}

func (b *bagBuilder) value() Value {
	t := b.tree
	return Dynamic(&t)
}

// bagPack makes a bag of keys and values in turn; of two values under one key the last stays.
func bagPack(_ *Env, _ kql.Type, args []Value) Value {
	bag := newBag(len(args) / 2)
	for i := 0; i+1 < len(args); i += 2 {
		bag.set(Text(args[i]), args[i+1])
	}
	return bag.value()
}

// packAll is as [bagPack]; its first argument says whether nulls and empty texts are left out.
func packAll(_ *Env, _ kql.Type, args []Value) Value {
	bag := newBag(len(args) / 2)
	for i := 1; i+1 < len(args); i += 2 {
		v := args[i+1]
		text, isText := textOf(v)
		if args[0].Bool() && (!v.set || isText && text == "") {
			continue
		}
		bag.set(args[i].s, v)
	}
	return bag.value()
}

func bagKeys(_ *Env, _ kql.Type, args []Value) Value {
	bag, ok := bagTree(args[0])
	if !ok {
		return nullDynamic()
	}
	keys := make([]Value, len(bag.Keys))
	for i, k := range bag.Keys {
		keys[i] = ToDynamic(String(k))
	}
	return Dynamic(&Tree{Items: keys})
}

// bagMerge joins bags; of two values under one key the first stays. What is no bag is left out, and nothing but such is
// null.
func bagMerge(_ *Env, _ kql.Type, args []Value) Value {
	merged, some := newBag(0), false
	for _, a := range args {
		bag, ok := bagTree(a)
		if !ok {
			continue
		}
		some = true
		for i, k := range bag.Keys {
			merged.keep(k, bag.Items[i])
		}
	}
	if !some {
		return nullDynamic()
	}
	return merged.value()
}

// pathOf reads a key as functions of bags take it: a plain key, or a path that begins with $, such as $.a.b or $["a"].b.
// A path has only names; ok is false for one that is none.
func pathOf(key string) (names []string, ok bool) {
	rest, isPath := strings.CutPrefix(key, "$")
	if !isPath || rest == "" || rest[0] != '.' && rest[0] != '[' {
		return []string{key}, true
	}
	for rest != "" {
		var name string
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			name, rest = rest[1:1+end], rest[1+end:]
		case len(rest) > 2 && rest[0] == '[' && (rest[1] == '\'' || rest[1] == '"'):
			quote := rest[1]
			end := strings.IndexByte(rest[2:], quote)
			if end < 0 || !strings.HasPrefix(rest[2+end+1:], "]") {
				return nil, false
			}
			name, rest = rest[2:2+end], rest[2+end+2:]
		default:
			return nil, false
		}
		if name == "" {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

func bagHasKey(_ *Env, out kql.Type, args []Value) Value {
	if _, ok := bagTree(args[0]); !ok {
		return Null(out)
	}
	key, _ := textOf(args[1])
	names, ok := pathOf(key)
	v := args[0]
	for _, name := range names {
		bag, isBag := bagTree(v)
		if !isBag {
			return Bool(false)
		}
		if v, isBag = bag.Get(name); !isBag {
			return Bool(false)
		}
	}
	return Bool(ok)
}

// bagSetKey gives the bag with a value under a key, which may be a path: bags that are missing on the way are made.
func bagSetKey(_ *Env, _ kql.Type, args []Value) Value {
	key, _ := textOf(args[1])
	names, ok := pathOf(key)
	bag, isBag := bagTree(args[0])
	if !ok || !isBag {
		return nullDynamic()
	}
	return setAt(bag, names, ToDynamic(args[2]))
}

func setAt(bag *Tree, names []string, v Value) Value {
	if len(names) > 1 {
		inner, _ := bag.Get(names[0])
		next, ok := bagTree(inner)
		if !ok {
			next = &Tree{Keys: []string{}}
		}
		v = setAt(next, names[1:], v)
	}
	out := &Tree{Keys: slices.Clone(bag.Keys), Items: slices.Clone(bag.Items)}
	if i := slices.Index(out.Keys, names[0]); i >= 0 {
		out.Items[i] = v
		return Dynamic(out)
	}
	out.Keys, out.Items = append(out.Keys, names[0]), append(out.Items, v)
	return Dynamic(out)
}

// bagRemoveKeys gives the bag without some keys, which may be paths.
func bagRemoveKeys(_ *Env, _ kql.Type, args []Value) Value {
	bag, ok := bagTree(args[0])
	keys, isArray := arrayItems(args[1])
	if !ok || !isArray {
		return nullDynamic()
	}
	plain := map[string]bool{}
	for _, k := range keys {
		key, isText := textOf(k)
		names, ok := pathOf(key)
		switch {
		case !isText || !ok:
		case len(names) == 1:
			plain[names[0]] = true
		default:
			bag = removeAt(bag, names)
		}
	}
	out := &Tree{Keys: []string{}}
	for i, k := range bag.Keys {
		if !plain[k] {
			out.Keys, out.Items = append(out.Keys, k), append(out.Items, bag.Items[i])
		}
	}
	return Dynamic(out)
}

func removeAt(bag *Tree, names []string) *Tree {
	i := slices.Index(bag.Keys, names[0])
	if i < 0 {
		return bag
	}
	out := &Tree{Keys: slices.Clone(bag.Keys), Items: slices.Clone(bag.Items)}
	if len(names) == 1 {
		out.Keys, out.Items = slices.Delete(out.Keys, i, i+1), slices.Delete(out.Items, i, i+1)
		return out
	}
	if inner, ok := bagTree(out.Items[i]); ok {
		out.Items[i] = Dynamic(removeAt(inner, names[1:]))
	}
	return out
}

// bagZip makes a bag of an array of keys and one of values: keys that are no strings are left out with their values, and
// keys without a value have null.
func bagZip(_ *Env, _ kql.Type, args []Value) Value {
	keys, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	values, _ := arrayItems(args[1])
	bag := newBag(len(keys))
	for i, k := range keys {
		key, isText := textOf(k)
		switch {
		case !isText:
		case i < len(values):
			bag.set(key, values[i])
		default:
			bag.set(key, nullDynamic())
		}
	}
	return bag.value()
}
