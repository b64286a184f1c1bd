package stream

import (
	"fmt"
	"slices"
	"strings"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// without gives a bag without the keys that fit one of the patterns.
func without(v eval.Value, patterns []string) eval.Value {
	t := v.Tree()
	if t == nil || !t.IsBag() {
		return v
	}
	left := &eval.Tree{Keys: []string{}}
	for i, key := range t.Keys {
		if !slices.ContainsFunc(patterns, func(p string) bool { return matchStars(p, key) }) {
			left.Keys, left.Items = append(left.Keys, key), append(left.Items, t.Items[i])
		}
	}
	return eval.Dynamic(left)
}

// matchStars reports whether a name fits a pattern in which a star stands for any text.
func matchStars(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[last])
}

// maxOpenColumns bounds the columns that data can make.
const maxOpenColumns = 10_000

// unpacker is a compiled bag_unpack.
type unpacker struct {
	x      *exec
	op     *plan.Unpack
	in     *node
	sc     *scope
	bag    value
	passed [][2]int       // slots of columns that are handed on: here, in the input
	taken  map[string]int // their slots here, by name
	named  map[string]int // the slots of columns that keys fill, by name
	fresh  []int          // and these slots
	rest   int            // the slot of the bag of the others, or -1
	others map[string]bool
	width  int
	// all is set where the bags replace columns, and replaced are the slots of those that any bag has.
	all      func() (*kept, error)
	replaced map[int]bool
}

// unpack makes columns of a bag: those that the plan knows stand in their slots, all others in a bag of the rest.
func (x *exec) unpack(op *plan.Unpack, extra int) (*node, error) {
	u := &unpacker{x: x, op: op, taken: map[string]int{}, named: map[string]int{}, rest: -1, others: map[string]bool{}}
	in, err := u.input()
	if err != nil {
		return nil, err
	}
	u.sc = x.scope(in, op.X)
	if u.bag, err = u.sc.compile(op.X); err != nil {
		return nil, err
	}
	if col, ok := op.X.(*plan.Col); ok {
		x.unpacked[col.Name] = true
	}
	l := layoutOf(op.Cols)
	for i, c := range op.Cols {
		if slot, ok := in.slots[c.ID]; ok {
			u.passed = append(u.passed, [2]int{i, slot})
			u.taken[c.Name] = i
		} else {
			u.named[c.Name] = i
			u.fresh = append(u.fresh, i)
		}
	}
	if op.Open {
		u.rest = l.add(openID)
	}
	u.width = l.width + extra
	return &node{layout: l, run: u.run}, nil
}

// input compiles the input, and gives its layout. A column that a bag replaces is replaced in all rows, so that all must be
// seen first.
func (u *unpacker) input() (layout, error) {
	if u.op.Conflict == plan.ConflictReplace {
		var in layout
		var err error
		u.all, in, err = u.x.all(u.op.Input, 0)
		return in, err
	}
	in, err := u.x.compile(u.op.Input, 0)
	if err != nil {
		return layout{}, err
	}
	u.in = in
	return in.layout, nil
}

func (u *unpacker) run(emit emitter) error {
	out := u.x.outlet(u.width, emit)
	read := func(rows []Row) error {
		for _, r := range rows {
			to, err := out.row()
			if err != nil {
				return err
			}
			u.sc.next()
			for _, i := range u.fresh {
				to[i] = eval.Null(u.op.Cols[i].Type)
			}
			for _, p := range u.passed {
				to[p[0]] = r[p[1]]
				if u.replaced[p[0]] {
					to[p[0]] = eval.Null(u.op.Cols[p[0]].Type)
				}
			}
			if err := u.fill(to, u.bag(r).Tree()); err != nil {
				return err
			}
		}
		return out.flush()
	}
	if u.all == nil {
		return u.in.run(read)
	}
	k, err := u.all()
	if err != nil {
		return err
	}
	defer u.x.release(k.bytes)
	u.replaced = map[int]bool{}
	for _, r := range k.rows {
		u.sc.next()
		bag := u.bag(r).Tree()
		if bag == nil {
			continue
		}
		for _, key := range bag.Keys {
			if i, ok := u.taken[u.op.Prefix+key]; ok {
				u.replaced[i] = true
			}
		}
	}
	return u.x.emitAll(k.rows, read)
}

// fill puts the values of a bag, which may be nil, into a row.
func (u *unpacker) fill(to Row, bag *eval.Tree) error {
	left := &eval.Tree{Keys: []string{}}
	if bag != nil && bag.IsBag() {
		for k, key := range bag.Keys {
			if slices.Contains(u.op.Ignored, key) {
				continue
			}
			name, v := u.op.Prefix+key, bag.Items[k]
			if i, ok := u.named[name]; ok {
				to[i] = as(v, u.op.Cols[i].Type)
				continue
			}
			if i, ok := u.taken[name]; ok {
				switch u.op.Conflict {
				case plan.ConflictError:
					return fmt.Errorf("bag_unpack: the key %q would make a second column of that name", name)
				case plan.ConflictReplace:
					to[i] = as(v, u.op.Cols[i].Type)
				case plan.ConflictKeep:
				}
				continue
			}
			if u.rest < 0 {
				continue
			}
			if u.others[name] = true; len(u.others) > maxOpenColumns {
				return &LimitError{Limit: "columns", Max: maxOpenColumns}
			}
			left.Keys, left.Items = append(left.Keys, name), append(left.Items, v)
		}
	}
	if u.rest >= 0 {
		to[u.rest] = eval.Dynamic(left)
	}
	return nil
}

// pivot makes a row of each group of its keys, and a column of each value: the aggregate over the rows that have both.
func (x *exec) pivot(op *plan.Pivot, extra int) (*node, error) {
	in, err := x.compile(op.Input, 0)
	if err != nil {
		return nil, err
	}
	var keys []plan.Assign
	named := map[string]int{} // columns that the query names, by value
	l := layoutOf(op.Keys)
	for i, c := range op.Keys {
		if _, ok := in.slots[c.ID]; ok {
			keys = append(keys, plan.Assign{Col: c, X: colOf(c)})
		} else {
			named[c.Name] = i
		}
	}
	rest := l.add(openID)
	by, err := x.grouping(in.layout, keys, nil)
	if err != nil {
		return nil, err
	}
	agg := op.Agg
	if agg == nil {
		agg = &plan.Agg{Info: plan.Info{Type: kql.TypeLong, NonNull: true}, Fn: plan.AggCount}
	}
	aggs := []plan.AggAssign{{Cols: []plan.Column{{Name: "value", Type: agg.Type}}, Agg: agg}}
	cellKeys := append(slices.Clone(keys), plan.Assign{Col: plan.Column{Type: plan.TypeOf(op.X)}, X: op.X})
	cells, err := x.grouping(in.layout, cellKeys, aggs)
	if err != nil {
		return nil, err
	}
	return &node{layout: l, run: func(emit emitter) error {
		p := &pivoted{x: x, by: by.start(), cells: cells.start(), names: map[string]bool{}}
		if err := p.read(in); err != nil {
			return err
		}
		defer func() { x.release(p.by.bytes + p.cells.bytes) }()
		out := x.outlet(l.width+extra, emit)
		for _, one := range p.by.list {
			to, err := out.row()
			if err != nil {
				return err
			}
			at := 0
			for i, c := range op.Keys {
				if _, ok := named[c.Name]; ok {
					to[i] = p.value(one, c.Name, c.Type)
					continue
				}
				to[i] = one.key[at]
				at++
			}
			left := &eval.Tree{Keys: []string{}}
			for _, name := range p.order {
				if _, ok := named[name]; !ok {
					left.Keys = append(left.Keys, name)
					left.Items = append(left.Items, p.value(one, name, kql.TypeDynamic))
				}
			}
			to[rest] = eval.Dynamic(left)
		}
		return out.flush()
	}}, nil
}

func colOf(c plan.Column) *plan.Col {
	return &plan.Col{Info: plan.Info{Type: c.Type, NonNull: c.NonNull}, ID: c.ID, Name: c.Name, Open: c.Open}
}

// pivoted is a run of a pivot.
type pivoted struct {
	x         *exec
	by, cells *groups
	names     map[string]bool
	order     []string // the names of the columns, sorted
	found     map[*grouped]map[string]*grouped
	empty     []eval.Value
}

func (p *pivoted) read(in *node) error {
	p.found = map[*grouped]map[string]*grouped{}
	err := in.run(func(rows []Row) error {
		for _, r := range rows {
			p.by.keysOf(r)
			one, err := p.by.find()
			if err != nil {
				return err
			}
			p.cells.keysOf(r)
			cell, err := p.cells.find()
			if err != nil {
				return err
			}
			if err := p.cells.feed(cell, r); err != nil {
				return err
			}
			name := eval.Text(cell.key[len(cell.key)-1])
			if !p.names[name] {
				p.names[name] = true
				p.order = append(p.order, name)
				if len(p.order) > maxOpenColumns {
					return &LimitError{Limit: "columns", Max: maxOpenColumns}
				}
			}
			if p.found[one] == nil {
				p.found[one] = map[string]*grouped{}
			}
			p.found[one][name] = cell
		}
		return p.x.fault()
	})
	slices.Sort(p.order)
	return err
}

// value gives what stands under a name for a group; where it has no rows, what the aggregate makes of none.
func (p *pivoted) value(one *grouped, name string, t kql.Type) eval.Value {
	if cell := p.found[one][name]; cell != nil {
		return as(cell.aggs[0].Result()[0], t)
	}
	if p.empty == nil {
		p.empty = p.cells.makes[0]().Result()
	}
	return as(p.empty[0], t)
}
