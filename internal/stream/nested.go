package stream

import (
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql/plan"
)

// nestedLevel is a compiled level of top-nested.
type nestedLevel struct {
	*grouping
	sorter *sorter // of the aggregate alone
	n      func() int
	others value // nil: dropped
	rest   *grouping
}

// topNested groups its rows by the first key, keeps the best groups, and does the same with the rows of each of them and
// the next key.
func (x *exec) topNested(op *plan.TopNested, extra int) (*node, error) {
	all, in, err := x.all(op.Input, 0)
	if err != nil {
		return nil, err
	}
	levels := make([]*nestedLevel, len(op.Levels))
	for i := range op.Levels {
		if levels[i], err = x.nestedLevel(in, &op.Levels[i]); err != nil {
			return nil, err
		}
	}
	l := layoutOf(plan.Columns(op))
	return &node{layout: l, run: func(emit emitter) error {
		k, err := all()
		if err != nil {
			return err
		}
		defer x.release(k.bytes)
		out := x.outlet(l.width+extra, emit)
		if err := x.nest(levels, k.rows, make(Row, 0, l.width), out); err != nil {
			return err
		}
		return out.flush()
	}}, nil
}

func (x *exec) nestedLevel(in layout, level *plan.NestedLevel) (*nestedLevel, error) {
	g, err := x.grouping(in, []plan.Assign{level.Key}, []plan.AggAssign{level.By})
	if err != nil {
		return nil, err
	}
	l := &nestedLevel{grouping: g, sorter: &sorter{by: []plan.SortKey{{Desc: !level.Asc, NullsFirst: level.Asc}}}}
	if l.rest, err = x.grouping(in, nil, []plan.AggAssign{level.By}); err != nil {
		return nil, err
	}
	if level.N != nil {
		if l.n, err = x.number(level.N); err != nil {
			return nil, err
		}
	}
	if level.Others != nil {
		l.others, err = x.scope(layout{}).compile(level.Others)
	}
	return l, err
}

// nestedGroup is a group of a level: its rows, and the values of its two columns.
type nestedGroup struct {
	key, by eval.Value
	rows    []Row
}

// nest makes the rows of the levels from one on, each behind the values of those before.
func (x *exec) nest(levels []*nestedLevel, rows []Row, before Row, out *outlet) error {
	if len(levels) == 0 {
		to, err := out.row()
		copy(to, before)
		return err
	}
	list, err := levels[0].groups(rows)
	if err != nil {
		return err
	}
	for _, g := range list {
		if err := x.nest(levels[1:], g.rows, append(slices.Clip(before), g.key, g.by), out); err != nil {
			return err
		}
	}
	return nil
}

func (l *nestedLevel) groups(rows []Row) ([]*nestedGroup, error) {
	run := l.start()
	byGroup := map[*grouped]*nestedGroup{}
	var list []*nestedGroup
	for _, r := range rows {
		run.keysOf(r)
		one, err := run.find()
		if err == nil {
			err = run.feed(one, r)
		}
		if err != nil {
			return nil, err
		}
		g := byGroup[one]
		if g == nil {
			g = &nestedGroup{key: one.key[0]}
			byGroup[one] = g
			list = append(list, g)
		}
		g.rows = append(g.rows, r)
	}
	for i, one := range run.list {
		list[i].by = one.aggs[0].Result()[0]
	}
	l.x.release(run.bytes)
	slices.SortStableFunc(list, func(a, b *nestedGroup) int {
		return l.sorter.compare([]eval.Value{a.by}, []eval.Value{b.by})
	})
	if l.n == nil || l.n() >= len(list) {
		return list, nil
	}
	n := l.n()
	dropped := list[n:]
	list = list[:n:n]
	if l.others == nil {
		return list, nil
	}
	other := &nestedGroup{key: as(l.others(nil), l.types[0].Type)}
	rest := l.rest.start()
	one, err := rest.find()
	for _, g := range dropped {
		for _, r := range g.rows {
			if err != nil {
				return nil, err
			}
			rest.sc.next()
			err = rest.feed(one, r)
			other.rows = append(other.rows, r)
		}
	}
	if err != nil {
		return nil, err
	}
	other.by = one.aggs[0].Result()[0]
	l.x.release(rest.bytes)
	return append(list, other), nil
}
