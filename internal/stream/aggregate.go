package stream

import (
	"drumbeat/internal/eval"
	"drumbeat/kql/plan"
)

// grouped is one group and its aggregates.
type grouped struct {
	key  []eval.Value
	aggs []eval.Agg
}

// grouping puts rows into groups.
type grouping struct {
	x     *exec
	sc    *scope
	keys  []value
	types []plan.Column
	makes []func() eval.Agg
	args  [][]value
	// grows says of each aggregate that it keeps what it is given.
	grows []bool
}

// grouping compiles keys and aggregates over rows of a layout.
func (x *exec) grouping(in layout, keys []plan.Assign, aggs []plan.AggAssign) (*grouping, error) {
	var exprs []plan.Expr
	for _, k := range keys {
		exprs = append(exprs, k.X)
	}
	for i := range aggs {
		exprs = append(exprs, aggs[i].Agg.Args...)
	}
	g := &grouping{x: x, sc: x.scope(in, exprs...)}
	for _, k := range keys {
		f, err := g.sc.compile(k.X)
		if err != nil {
			return nil, err
		}
		g.keys = append(g.keys, f)
		g.types = append(g.types, k.Col)
	}
	for i := range aggs {
		make, ok := eval.NewAgg(x.env, aggs[i].Agg, aggs[i].Cols)
		if !ok {
			return nil, unsupported(aggs[i].Agg.Fn.String())
		}
		args, err := g.sc.list(aggs[i].Agg.Args)
		if err != nil {
			return nil, err
		}
		g.makes = append(g.makes, make)
		g.args = append(g.args, args)
		g.grows = append(g.grows, grows(aggs[i].Agg.Fn))
	}
	return g, nil
}

// grows reports whether an aggregate keeps the values that it is given.
func grows(fn plan.Fn) bool {
	switch fn { //nolint:exhaustive // the others keep a number
	case plan.AggDcount, plan.AggDcountif, plan.AggCountDistinct, plan.AggCountDistinctif, plan.AggTdigest,
		plan.AggTdigestMerge, plan.AggHll, plan.AggHllIf, plan.AggHllMerge, plan.AggOldMakeList, plan.AggMakeList, plan.AggMakeListIf,
		plan.AggMakeListWithNulls, plan.AggOldMakeSet, plan.AggMakeSet, plan.AggMakeSetIf, plan.AggMakeDictionary, plan.AggMakeBag,
		plan.AggMakeBagIf, plan.AggPercentile, plan.AggPercentiles, plan.AggPercentilesArray, plan.AggPercentilew, plan.AggPercentilesw,
		plan.AggPercentileswArray, plan.AggBuildschema:
		return true
	}
	return false
}

// groups is a run of a grouping: the groups in the order of their first rows.
type groups struct {
	*grouping
	list  []*grouped
	byKey map[string]*grouped
	key   []byte
	vals  []eval.Value
	bytes int64
	// What new groups are made of, many at a time.
	made   []grouped
	values []eval.Value
	parts  []eval.Agg
}

// groupBytes is about what a group takes besides its key.
const groupBytes = 160

func (g *grouping) start() *groups {
	return &groups{grouping: g, byKey: map[string]*grouped{}, vals: make([]eval.Value, len(g.keys))}
}

func (r *groups) hold(bytes int64) error {
	r.bytes += bytes
	return r.x.hold(bytes)
}

// find gives the group of the row whose keys are in vals.
func (r *groups) find() (*grouped, error) {
	r.key = r.key[:0]
	for _, v := range r.vals {
		r.key = eval.Key(r.key, v)
	}
	if one, ok := r.byKey[string(r.key)]; ok {
		return one, nil
	}
	one := r.make()
	r.byKey[string(r.key)] = one
	r.list = append(r.list, one)
	bytes := groupBytes + int64(len(r.key)) + int64(len(r.vals))*valueBytes + int64(len(r.makes))*96
	return one, r.hold(bytes)
}

// make gives an empty group of the keys in vals. The first groups are made one by one: there may be no more.
func (r *groups) make() *grouped {
	n := min(256, len(r.list)+1)
	if len(r.made) == 0 {
		r.made = make([]grouped, n)
	}
	one := &r.made[0]
	r.made = r.made[1:]
	if keys := len(r.vals); keys > 0 {
		if len(r.values) < keys {
			r.values = make([]eval.Value, n*keys)
		}
		one.key = r.values[:keys:keys]
		r.values = r.values[keys:]
		copy(one.key, r.vals)
	}
	if aggs := len(r.makes); aggs > 0 {
		if len(r.parts) < aggs {
			r.parts = make([]eval.Agg, n*aggs)
		}
		one.aggs = r.parts[:aggs:aggs]
		r.parts = r.parts[aggs:]
		for i, f := range r.makes {
			one.aggs[i] = f()
		}
	}
	return one
}

// keysOf computes the keys of a row.
func (r *groups) keysOf(row Row) {
	r.sc.next()
	for i, f := range r.keys {
		r.vals[i] = as(f(row), r.types[i].Type)
	}
}

// add puts a row into its group.
func (r *groups) add(row Row) error {
	r.keysOf(row)
	one, err := r.find()
	if err != nil {
		return err
	}
	return r.feed(one, row)
}

// feed gives a row to the aggregates of a group.
func (r *groups) feed(one *grouped, row Row) error {
	var few [4]eval.Value
	for i, args := range r.args {
		list := few[:0]
		if len(args) > len(few) {
			list = make([]eval.Value, 0, len(args))
		}
		for _, f := range args {
			list = append(list, f(row))
		}
		one.aggs[i].Add(list)
		if r.grows[i] && len(list) > 0 {
			if err := r.hold(valueBytes + contentBytes(list[0])); err != nil {
				return err
			}
		}
	}
	return r.x.tick()
}

func (x *exec) aggregate(op *plan.Aggregate, extra int) (*node, error) {
	in, err := x.compile(op.Input, 0)
	if err != nil {
		return nil, err
	}
	g, err := x.grouping(in.layout, op.Keys, op.Aggs)
	if err != nil {
		return nil, err
	}
	l := layoutOf(plan.Columns(op))
	return &node{layout: l, run: func(emit emitter) error {
		r := g.start()
		defer func() { x.release(r.bytes) }()
		err := in.run(func(rows []Row) error {
			for _, row := range rows {
				if err := r.add(row); err != nil {
					return err
				}
			}
			return x.fault()
		})
		if err != nil {
			return err
		}
		if op.Keys == nil && len(r.list) == 0 {
			if _, err := r.find(); err != nil {
				return err
			}
		}
		out := x.outlet(l.width+extra, emit)
		for _, one := range r.list {
			to, err := out.row()
			if err != nil {
				return err
			}
			n := copy(to, one.key)
			for _, a := range one.aggs {
				n += copy(to[n:], a.Result())
			}
		}
		return out.flush()
	}}, nil
}
