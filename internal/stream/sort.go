package stream

import (
	"cmp"
	"math"
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// sorter puts rows in order.
type sorter struct {
	sc   *scope
	keys []value
	by   []plan.SortKey
	// first is the type of the first key if the beginnings of its values can be compared as numbers, else TypeUnknown.
	first kql.Type
}

func (x *exec) sorter(in layout, keys []plan.SortKey) (*sorter, error) {
	s := &sorter{by: keys}
	exprs := make([]plan.Expr, len(keys))
	for i, k := range keys {
		exprs[i] = k.X
	}
	s.sc = x.scope(in, exprs...)
	var err error
	s.keys, err = s.sc.list(exprs)
	switch t := plan.TypeOf(exprs[0]); t {
	case kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan, kql.TypeString:
		s.first = t
	case kql.TypeUnknown, kql.TypeBool, kql.TypeReal, kql.TypeDecimal, kql.TypeGuid, kql.TypeDynamic:
	}
	return s, err
}

// keyed is a row with the values that it is sorted by.
type keyed struct {
	// prefix is a number for the beginning of the first key: two rows with different numbers stand in their order.
	prefix uint64
	key    []eval.Value
	row    Row
	at     int // the place of the row before it is sorted
}

func (s *sorter) keyOf(dst []eval.Value, row Row) {
	s.sc.next()
	for i, f := range s.keys {
		dst[i] = f(row)
	}
}

// prefixOf gives the number for a first key. Null comes at the end that the key says; a value may share its number.
func (s *sorter) prefixOf(v eval.Value) uint64 {
	if v.IsNull() {
		if s.by[0].NullsFirst {
			return 0
		}
		return math.MaxUint64
	}
	n := uint64(0)
	if s.first == kql.TypeString {
		text := v.Str()
		for i := range min(8, len(text)) {
			n |= uint64(text[i]) << (56 - 8*i)
		}
	} else {
		n = uint64(v.Int()) ^ 1<<63
	}
	if s.by[0].Desc {
		n = ^n
	}
	return n
}

// sort sorts rows; those that tie keep their order, that of at.
func (s *sorter) sort(list []keyed) {
	if s.first != kql.TypeUnknown {
		for i := range list {
			list[i].prefix = s.prefixOf(list[i].key[0])
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if a.prefix != b.prefix {
			if a.prefix < b.prefix {
				return -1
			}
			return 1
		}
		if n := s.compare(a.key, b.key); n != 0 {
			return n
		}
		return a.at - b.at
	})
}

// compare orders two keys. Null and NaN stand together at the end that the key says, null further out.
func (s *sorter) compare(a, b []eval.Value) int {
	for i := range a {
		var n int
		va, vb := &a[i], &b[i]
		oa, ob := outer(va), outer(vb)
		switch {
		case oa != 0 || ob != 0:
			n = cmp.Compare(ob, oa) // further out first
			if !s.by[i].NullsFirst {
				n = -n
			}
		default:
			n = order(va, vb)
			if s.by[i].Desc {
				n = -n
			}
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// outer is 2 for null, 1 for NaN, else 0.
func outer(v *eval.Value) int {
	if v.IsNull() {
		return 2
	}
	if v.Kind() == kql.TypeReal && math.IsNaN(v.Real()) {
		return 1
	}
	return 0
}

// order compares values of one type that are not null.
func order(a, b *eval.Value) int {
	switch t := a.Type(); {
	case t != b.Type():
	case t == kql.TypeString:
		return cmp.Compare(a.Str(), b.Str())
	case t == kql.TypeLong || t == kql.TypeDateTime || t == kql.TypeInt || t == kql.TypeTimespan:
		return cmp.Compare(a.Int(), b.Int())
	}
	return eval.Compare(*a, *b)
}

// sortRows sorts rows; those that tie keep their order.
func (s *sorter) sortRows(rows []Row) {
	list := make([]keyed, len(rows))
	slab := make([]eval.Value, len(rows)*len(s.keys))
	for i, r := range rows {
		list[i] = keyed{key: slab[i*len(s.keys) : (i+1)*len(s.keys)], row: r, at: i}
		s.keyOf(list[i].key, r)
	}
	s.sort(list)
	for i := range list {
		rows[i] = list[i].row
	}
}

func (x *exec) sort(op *plan.Sort, extra int) (*node, error) {
	all, l, err := x.all(op.Input, extra)
	if err != nil {
		return nil, err
	}
	s, err := x.sorter(l, op.Keys)
	if err != nil {
		return nil, err
	}
	return x.holding(l, func() (*kept, error) {
		k, err := all()
		if err != nil {
			return nil, err
		}
		keys := int64(len(k.rows)) * int64(len(s.keys)) * valueBytes
		if err := x.hold(keys); err != nil {
			return nil, err
		}
		s.sortRows(k.rows)
		x.release(keys)
		return k, x.fault()
	}), nil
}

// top keeps no more than about twice the rows that it is asked for.
func (x *exec) top(op *plan.Top, extra int) (*node, error) {
	in, err := x.compile(op.Input, 0)
	if err != nil {
		return nil, err
	}
	count, err := x.number(op.N)
	if err != nil {
		return nil, err
	}
	s, err := x.sorter(in.layout, op.Keys)
	if err != nil {
		return nil, err
	}
	make, l := x.keeper(in.layout, extra)
	return x.holding(l, func() (*kept, error) {
		best := &best{s: s, n: count(), k: make()}
		if best.n == 0 {
			return &kept{}, nil
		}
		err := in.run(func(rows []Row) error {
			for _, r := range rows {
				if err := best.add(r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		best.cut()
		k := &kept{bytes: best.k.bytes}
		for _, one := range best.list {
			k.rows = append(k.rows, one.row)
		}
		return k, nil
	}), nil
}

// best collects the first n rows of an order.
type best struct {
	s    *sorter
	n    int
	k    *keeper
	list []keyed
	full bool // list[n-1] is the last of n sorted rows, and no later row that ties gets in
	seen int
	key  []eval.Value
}

const topSlack = 1024

func (b *best) add(row Row) error {
	if b.key == nil {
		b.key = make([]eval.Value, len(b.s.keys))
	}
	b.s.keyOf(b.key, row)
	if b.full && b.s.compare(b.key, b.list[b.n-1].key) >= 0 {
		return nil
	}
	b.k.slab = nil // each row by itself, so that those that are dropped are freed
	to, err := b.k.copy(row)
	if err != nil {
		return err
	}
	b.seen++
	b.list = append(b.list, keyed{key: slices.Clone(b.key), row: to, at: b.seen})
	if len(b.list) >= b.n && len(b.list)-b.n >= min(b.n, topSlack) {
		b.cut()
	}
	return nil
}

func (b *best) cut() {
	b.s.sort(b.list)
	if len(b.list) <= b.n {
		return
	}
	dropped := int64(0)
	for _, one := range b.list[b.n:] {
		dropped += int64(len(one.row)) * valueBytes
		for _, v := range one.row {
			dropped += contentBytes(v)
		}
	}
	b.k.bytes -= dropped
	b.k.x.release(dropped)
	clear(b.list[b.n:])
	b.list = b.list[:b.n]
	b.full = true
}
