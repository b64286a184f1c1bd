package stream

import (
	"fmt"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// expander takes arrays apart.
type expander struct {
	sc    *scope
	items []value
	types []kql.Type
	limit func() int
	pairs bool // a bag gives arrays of key and value
	lists [][]eval.Value
}

func (x *exec) expander(in layout, items []plan.MvItem, limit plan.Expr, pairs bool) (*expander, error) {
	e := &expander{pairs: pairs, lists: make([][]eval.Value, len(items))}
	exprs := make([]plan.Expr, len(items))
	for i, it := range items {
		exprs[i] = it.X
		e.types = append(e.types, it.Col.Type)
	}
	e.sc = x.scope(in, exprs...)
	var err error
	if e.items, err = e.sc.list(exprs); err != nil {
		return nil, err
	}
	if limit != nil {
		e.limit, err = x.number(limit)
	}
	return e, err
}

// expand gives how many rows a row becomes.
func (e *expander) expand(row Row) int {
	e.sc.next()
	n := 0
	for i, f := range e.items {
		e.lists[i] = elements(f(row), e.pairs)
		n = max(n, len(e.lists[i]))
	}
	if e.limit != nil {
		n = min(n, e.limit())
	}
	return n
}

// at gives element n of array i, null beyond its end.
func (e *expander) at(i, n int) eval.Value {
	if n >= len(e.lists[i]) {
		return eval.Null(e.types[i])
	}
	return as(e.lists[i][n], e.types[i])
}

// elements are those of an array, and for each key of a bag a bag of its own or a pair; a scalar and null are their own
// element.
func elements(v eval.Value, pairs bool) []eval.Value {
	t := v.Tree()
	if t == nil {
		return []eval.Value{eval.ToDynamic(v)}
	}
	if !t.IsBag() {
		return t.Items
	}
	list := make([]eval.Value, len(t.Keys))
	for i, key := range t.Keys {
		one := &eval.Tree{Items: t.Items[i : i+1 : i+1], Keys: t.Keys[i : i+1 : i+1]}
		if pairs {
			one = &eval.Tree{Items: []eval.Value{eval.ToDynamic(eval.String(key)), t.Items[i]}}
		}
		list[i] = eval.Dynamic(one)
	}
	return list
}

// origin says from where a column of an expanded row comes: an element, its number, or the row.
type origin struct {
	item  int // or -1
	index bool
	slot  int
}

func (x *exec) mvExpand(op *plan.MvExpand, extra int) (*node, error) {
	in, err := x.compile(op.Input, 0)
	if err != nil {
		return nil, err
	}
	e, err := x.expander(in.layout, op.Items, op.Limit, op.Array)
	if err != nil {
		return nil, err
	}
	l := layoutOf(op.Cols)
	var from []origin
	for _, c := range op.Cols {
		o := origin{item: -1}
		switch slot, ok := in.slots[c.ID]; {
		case ok:
			o.slot = slot
		case c.ID == op.Index:
			o.index = true
		default:
			for i, it := range op.Items {
				if it.Col.ID == c.ID {
					o.item = i
				}
			}
			if o.item < 0 {
				return nil, fmt.Errorf("BUG: stream: column c%d of mv-expand", c.ID)
			}
		}
		from = append(from, o)
	}
	if rest, ok := in.slots[openID]; ok {
		from = append(from, origin{item: -1, slot: rest})
		l.add(openID)
	}
	return &node{layout: l, run: func(emit emitter) error {
		out := x.outlet(l.width+extra, emit)
		made := fanout{x: x}
		return in.run(func(rows []Row) error {
			for _, r := range rows {
				n := e.expand(r)
				if err := made.add(n); err != nil {
					return err
				}
				for k := range n {
					to, err := out.row()
					if err != nil {
						return err
					}
					for i, o := range from {
						switch {
						case o.item >= 0:
							to[i] = e.at(o.item, k)
						case o.index:
							to[i] = eval.Long(int64(k))
						default:
							to[i] = r[o.slot]
						}
					}
				}
			}
			return out.flush()
		})
	}}, nil
}

// subquery compiles a sub-query over rows of some columns, which are put into the given that it returns.
func (x *exec) subquery(sub plan.Op, rows layout) (*node, *given, error) {
	outer := x.given
	g := &given{layout: rows}
	x.given = g
	in, err := x.compile(sub, 0)
	x.given = outer
	return in, g, err
}

// rowsIn finds the rows that a sub-query is given. Those of sub-queries within it are not meant.
func rowsIn(op plan.Op) *plan.Rows {
	for ; op != nil; op = below(op) {
		switch op := op.(type) { //nolint:exhaustive // the others have one input at most
		case *plan.Rows:
			return op
		case *plan.Join:
			if r := rowsIn(op.Right); r != nil {
				return r
			}
		case *plan.Union:
			for i := range op.Inputs {
				if r := rowsIn(op.Inputs[i].Op); r != nil {
					return r
				}
			}
		}
	}
	return nil
}

// below gives the step under a step in its chain, or nil.
func below(op plan.Op) plan.Op {
	switch op := op.(type) {
	case *plan.Filter:
		return op.Input
	case *plan.Project:
		return op.Input
	case *plan.Sort:
		return op.Input
	case *plan.Serialize:
		return op.Input
	case *plan.Take:
		return op.Input
	case *plan.Top:
		return op.Input
	case *plan.Sample:
		return op.Input
	case *plan.Aggregate:
		return op.Input
	case *plan.TopNested:
		return op.Input
	case *plan.MakeSeries:
		return op.Input
	case *plan.Parse:
		return op.Input
	case *plan.ParseKv:
		return op.Input
	case *plan.MvExpand:
		return op.Input
	case *plan.MvApply:
		return op.Input
	case *plan.Unpack:
		return op.Input
	case *plan.Pivot:
		return op.Input
	case *plan.Partition:
		return op.Input
	case *plan.Shared:
		return op.Input
	case *plan.Join:
		return op.Left
	case *plan.Union:
		if len(op.Inputs) > 0 {
			return op.Inputs[0].Op
		}
	case *plan.Scan, *plan.Values, *plan.External, *plan.Range, *plan.Rows:
	}
	return nil
}

// applier is a compiled mv-apply.
type applier struct {
	x     *exec
	e     *expander
	in    *node
	sub   *node
	g     *given
	items []int  // of each column of the sub-query's rows: the array it comes from, or one of the next two
	own   []int  // and its slot in the row otherwise
	from  []side // of each column of the result; right is the result of the sub-query
	width int
	slab  []eval.Value
}

// What a column of a sub-query's rows is besides an element of an array.
const (
	ownColumn    = -1 // the row's own
	elementIndex = -2 // the number of the element
)

func (x *exec) mvApply(op *plan.MvApply, extra int) (*node, error) {
	in, err := x.compile(op.Input, 0)
	if err != nil {
		return nil, err
	}
	a := &applier{x: x, in: in}
	if a.e, err = x.expander(in.layout, op.Items, op.Limit, false); err != nil {
		return nil, err
	}
	source := rowsIn(op.Sub)
	if source == nil {
		return nil, unsupported("an mv-apply that does not read its rows")
	}
	for _, c := range source.Cols {
		item := ownColumn
		if c.ID == op.Index {
			item = elementIndex
		}
		for k, it := range op.Items {
			if it.Col.ID == c.ID {
				item = k
			}
		}
		a.items, a.own = append(a.items, item), append(a.own, in.slots[c.ID])
	}
	if a.sub, a.g, err = x.subquery(op.Sub, layoutOf(source.Cols)); err != nil {
		return nil, err
	}
	l := layoutOf(op.Cols)
	for _, c := range op.Cols {
		slot, ok := a.sub.slots[c.ID]
		o := side{right: ok, slot: slot}
		if !ok {
			if o.slot, ok = in.slots[c.ID]; !ok {
				return nil, fmt.Errorf("BUG: stream: column c%d of mv-apply", c.ID)
			}
		}
		a.from = append(a.from, o)
	}
	if rest, ok := in.slots[openID]; ok {
		a.from = append(a.from, side{slot: rest})
		l.add(openID)
	}
	a.width = l.width + extra
	return &node{layout: l, run: a.run}, nil
}

func (a *applier) run(emit emitter) error {
	out := a.x.outlet(a.width, emit)
	made := fanout{x: a.x}
	return a.in.run(func(rows []Row) error {
		for _, r := range rows {
			if err := made.add(a.expand(r)); err != nil {
				return err
			}
			err := a.sub.run(func(got []Row) error { return a.put(out, r, got) })
			if err != nil {
				return err
			}
		}
		return out.flush()
	})
}

// expand gives the sub-query its rows, and how many they are.
func (a *applier) expand(r Row) int {
	n := a.e.expand(r)
	width := len(a.items) + a.g.extra
	if need := n * width; len(a.slab) < need {
		a.slab = make([]eval.Value, need)
	}
	a.g.rows = a.g.rows[:0]
	for k := range n {
		to := a.slab[k*width : (k+1)*width : (k+1)*width]
		for i, item := range a.items {
			switch item {
			case ownColumn:
				to[i] = r[a.own[i]]
			case elementIndex:
				to[i] = eval.Long(int64(k))
			default:
				to[i] = a.e.at(item, k)
			}
		}
		a.g.rows = append(a.g.rows, to)
	}
	return n
}

// put makes rows of what the sub-query gives for a row.
func (a *applier) put(out *outlet, r Row, got []Row) error {
	for _, s := range got {
		to, err := out.row()
		if err != nil {
			return err
		}
		for i, o := range a.from {
			if o.right {
				to[i] = s[o.slot]
			} else {
				to[i] = r[o.slot]
			}
		}
	}
	return nil
}

func (x *exec) partition(op *plan.Partition, extra int) (*node, error) {
	source := rowsIn(op.Sub)
	if source == nil {
		return nil, unsupported("a partition that does not read its rows")
	}
	in, err := x.compile(op.Input, 0)
	if err != nil {
		return nil, err
	}
	inner := layoutOf(source.Cols)
	sub, g, err := x.subquery(op.Sub, inner)
	if err != nil {
		return nil, err
	}
	sc := x.scope(in.layout, op.By)
	by, err := sc.compile(op.By)
	if err != nil {
		return nil, err
	}
	slots := make([]int, len(source.Cols))
	for i, c := range source.Cols {
		slots[i] = in.slots[c.ID]
	}
	l := layoutOf(op.Cols)
	from := make([]int, len(op.Cols))
	for i, c := range op.Cols {
		from[i] = sub.slots[c.ID]
	}
	return &node{layout: l, run: func(emit emitter) error {
		groups := map[string]*keeper{}
		var order []*keeper
		var key []byte
		defer func() {
			for _, k := range order {
				x.release(k.bytes)
			}
		}()
		err := in.run(func(rows []Row) error {
			for _, r := range rows {
				sc.next()
				key = eval.Key(key[:0], by(r))
				k := groups[string(key)]
				if k == nil {
					k = &keeper{x: x, slots: slots, extra: g.extra}
					groups[string(key)] = k
					order = append(order, k)
				}
				if err := k.add(r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		out := x.outlet(l.width+extra, emit)
		for _, k := range order {
			g.rows = k.rows
			err := sub.run(func(got []Row) error {
				for _, s := range got {
					to, err := out.row()
					if err != nil {
						return err
					}
					for i, slot := range from {
						to[i] = s[slot]
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return out.flush()
	}}, nil
}
