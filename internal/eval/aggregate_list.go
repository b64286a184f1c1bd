package eval

import (
	"slices"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// oldMaxElements is how many elements makelist and makeset keep where the query does not say.
const oldMaxElements = 128

// listAgg is make_list and its kin: elements of arrays become elements of the list. What goes beyond the limit is
// dropped.
func listAgg(withNulls bool, most int64) newAgg {
	return func(*Env, *plan.Agg, []plan.Column) Agg { return &list{withNulls: withNulls, most: most} }
}

type list struct {
	withNulls bool
	most      int64
	items     []Value
}

// mostOf gives the limit that a row brings as its second argument, or the usual one.
func mostOf(args []Value, usual int64) int64 {
	if len(args) < 2 {
		return usual
	}
	n, ok := wholeOf(args[1])
	if !ok || n < 0 {
		return usual
	}
	return min(n, MaxElements)
}

func (l *list) Add(args []Value) {
	most := mostOf(args, l.most)
	if items, ok := arrayItems(args[0]); ok {
		for _, item := range items {
			if int64(len(l.items)) < most {
				l.items = append(l.items, item)
			}
		}
		return
	}
	if (l.withNulls || args[0].set) && int64(len(l.items)) < most {
		l.items = append(l.items, ToDynamic(args[0]))
	}
}

func (l *list) Result() []Value { return []Value{Dynamic(&Tree{Items: slices.Clone(l.items)})} }

// setAgg is make_set and its kin: as a list, without repeated elements.
func setAgg(most int64) newAgg {
	return func(*Env, *plan.Agg, []plan.Column) Agg { return &setList{most: most} }
}

type setList struct {
	most int64
	set  elements
}

func (s *setList) Add(args []Value) {
	most := mostOf(args, s.most)
	if items, ok := arrayItems(args[0]); ok {
		for _, item := range items {
			if item.set && int64(len(s.set.items)) < most {
				s.set.add(item)
			}
		}
		return
	}
	if args[0].set && int64(len(s.set.items)) < most {
		s.set.add(ToDynamic(args[0]))
	}
}

func (s *setList) Result() []Value {
	return []Value{Dynamic(&Tree{Items: slices.Clone(s.set.items)})}
}

// bagList is make_bag: of two values under one key the first stays.
type bagList struct {
	bag  *bagBuilder
	most int64
}

func bagAgg(*Env, *plan.Agg, []plan.Column) Agg { return &bagList{bag: newBag(0), most: MaxElements} }

func (b *bagList) Add(args []Value) {
	bag, ok := bagTree(args[0])
	if !ok {
		return
	}
	most := mostOf(args, b.most)
	for i, k := range bag.Keys {
		if int64(len(b.bag.tree.Keys)) < most {
			b.bag.keep(k, bag.Items[i])
		}
	}
}

func (b *bagList) Result() []Value {
	t := b.bag.tree
	return []Value{Bag(slices.Clone(t.Keys), slices.Clone(t.Items))}
}

// schema is the least schema that admits values, as buildschema writes it: a name of a type, a bag of what the values
// have under their keys, a bag with the key `indexer` for what arrays hold, or a list of several.
type schema struct {
	types   []string // in the order in which they are first seen
	keys    []string
	members map[string]*schema
	indexer *schema
	order   []byte // 't', 'b' or 'i' for each of types, members, indexer as first seen
}

// indexerKey is how a schema names what an array holds.
const indexerKey = "`indexer`"

func schemaAgg(*Env, *plan.Agg, []plan.Column) Agg { return &schema{} }

func (s *schema) Add(args []Value) { s.admit(args[0]) }

func (s *schema) admit(v Value) {
	switch {
	case !v.set:
	case v.tree == nil:
		name := schemaName(v.kind)
		if !slices.Contains(s.types, name) {
			s.types, s.order = append(s.types, name), append(s.order, 't')
		}
	case v.tree.IsBag():
		if s.members == nil {
			s.members, s.order = map[string]*schema{}, append(s.order, 'b')
		}
		for i, k := range v.tree.Keys {
			if s.members[k] == nil {
				s.members[k] = &schema{}
				s.keys = append(s.keys, k)
			}
			s.members[k].admit(v.tree.Items[i])
		}
	default:
		if s.indexer == nil {
			s.indexer, s.order = &schema{}, append(s.order, 'i')
		}
		for _, item := range v.tree.Items {
			s.indexer.admit(item)
		}
	}
}

func schemaName(t kql.Type) string {
	switch t { //nolint:exhaustive // the others have their own names
	case kql.TypeInt:
		return "long"
	case kql.TypeReal:
		return "double"
	}
	return t.String()
}

func (s *schema) value() Value {
	var parts []Value
	types := s.types
	for _, what := range s.order {
		switch what {
		case 't':
			parts, types = append(parts, ToDynamic(String(types[0]))), types[1:]
		case 'b':
			bag := newBag(len(s.keys))
			for _, k := range s.keys {
				bag.push(k, s.members[k].value())
			}
			parts = append(parts, bag.value())
		default:
			parts = append(parts, Bag([]string{indexerKey}, []Value{s.indexer.value()}))
		}
	}
	switch len(parts) {
	case 0:
		return nullDynamic()
	case 1:
		return parts[0]
	}
	return Array(parts)
}

func (s *schema) Result() []Value { return []Value{s.value()} }
