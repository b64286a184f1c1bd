package sqlgen

import (
	"slices"
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// aggCall is an aggregate to write.
type aggCall struct {
	s    *scope
	fn   plan.Fn
	cols []plan.Column
	args []term
	// filter is " filter (where …)", or "".
	filter string
	// order is the text of the order of rows, if the aggregate depends on it.
	order string
}

// aggregate groups rows. With order a group stands where its first row stood.
func (g *gen) aggregate(op *plan.Aggregate, in *rel, order bool) (*rel, error) {
	s := g.scope(in)
	var exprs []plan.Expr
	for i := range op.Keys {
		exprs = append(exprs, op.Keys[i].X)
	}
	for i := range op.Aggs {
		exprs = append(exprs, op.Aggs[i].Agg.Args...)
	}
	in, err := s.lift(exprs...)
	if err != nil {
		return nil, err
	}
	if order {
		in = g.single(in)
	}
	b := &aggBuilder{g: g, s: s, in: in}
	for i := range op.Keys {
		if err := b.key(&op.Keys[i]); err != nil {
			return nil, err
		}
	}
	for i := range op.Aggs {
		if err := b.agg(&op.Aggs[i]); err != nil {
			return nil, err
		}
	}
	r := g.newRel("summarize", append([]*rel{in}, s.deps...))
	r.groups++
	r.once = r.groups >= maxGroups
	r.cols = plan.Columns(op)
	if order {
		key := g.hide()
		b.list = append(b.list, "min("+in.order[0].col+") as "+key)
		b.outer = append(b.outer, key)
		r.order = []sortKey{{col: key, nonNull: len(op.Keys) > 0}}
	}
	r.notNull = map[int]bool{}
	for i := range op.Keys {
		k := &op.Keys[i]
		r.unique = append(r.unique, k.Col.ID)
		if c, ok := k.X.(*plan.Col); ok && in.notNull[c.ID] {
			r.notNull[k.Col.ID] = true
		}
	}
	r.natural = op.Keys == nil // a single row
	r.text = b.text(op)
	return r, nil
}

type aggBuilder struct {
	g     *gen
	s     *scope
	in    *rel
	list  []string // columns of the grouping
	outer []string // columns taken out of them
	taken bool     // whether they differ
	keys  []string
}

func (b *aggBuilder) text(op *plan.Aggregate) string {
	text := "select " + strings.Join(b.list, ", ") + " from " + b.in.name
	if len(b.list) == 0 {
		text = "select 1 as none from " + b.in.name
	}
	if len(b.keys) > 0 {
		text += " group by " + strings.Join(b.keys, ", ")
	} else if op.Keys != nil {
		text += " having count(*) > 0"
	}
	if b.taken {
		text = "select " + strings.Join(b.outer, ", ") + " from (" + text + ")"
	}
	return text
}

func (b *aggBuilder) key(k *plan.Assign) error {
	t, err := b.s.value(k.X)
	if err != nil {
		return err
	}
	switch t.typ {
	case kql.TypeDecimal, kql.TypeDynamic, kql.TypeUnknown:
		return cannot("grouping by a %s", t.typ)
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeString, kql.TypeGuid:
	}
	b.list = append(b.list, t.sql+" as "+name(k.Col.ID))
	b.outer = append(b.outer, name(k.Col.ID))
	b.keys = append(b.keys, strconv.Itoa(len(b.list)))
	return nil
}

func (b *aggBuilder) agg(a *plan.AggAssign) error {
	c := &aggCall{s: b.s, fn: a.Agg.Fn, cols: a.Cols}
	fn, at := plainAggregate(a.Agg.Fn)
	for i, x := range a.Agg.Args {
		if i == at {
			t, err := b.s.truth(x)
			if err != nil {
				return err
			}
			c.filter = " filter (where " + t.sql + ")"
			continue
		}
		t, err := b.s.value(x)
		if err != nil {
			return err
		}
		c.args = append(c.args, t)
	}
	c.fn = fn
	if orderedAggregate(fn) {
		c.order = orderText(b.in.order)
	}
	if isArg(fn) && len(c.args) > 1 {
		return b.pick(c)
	}
	form := b.g.d.aggs[fn]
	if form == nil {
		return cannot("the aggregate %s", a.Agg.Fn)
	}
	texts, ok := form(c)
	if !ok {
		return cannot("this form of the aggregate %s", a.Agg.Fn)
	}
	for i, t := range texts {
		b.list = append(b.list, t+" as "+name(a.Cols[i].ID))
		b.outer = append(b.outer, name(a.Cols[i].ID))
	}
	return nil
}

func isArg(fn plan.Fn) bool {
	return fn == plan.AggArgMax || fn == plan.AggArgMin || fn == plan.AggOldArgMax || fn == plan.AggOldArgMin
}

// plainAggregate gives the aggregate that one with a condition is a form of, and the place of the condition, or -1.
func plainAggregate(fn plan.Fn) (plan.Fn, int) {
	switch fn { //nolint:exhaustive // the others have no condition
	case plan.AggCountif:
		return plan.AggCount, 0
	case plan.AggSumif:
		return plan.AggSum, 1
	case plan.AggAvgif:
		return plan.AggAvg, 1
	case plan.AggMinif:
		return plan.AggMin, 1
	case plan.AggMaxif:
		return plan.AggMax, 1
	case plan.AggDcountif, plan.AggCountDistinctif:
		return plan.AggDcount, 1
	case plan.AggCountDistinct:
		return plan.AggDcount, -1
	case plan.AggStdevif:
		return plan.AggStdev, 1
	case plan.AggVarianceif:
		return plan.AggVariance, 1
	case plan.AggVariancepif:
		return plan.AggVariancep, 1
	case plan.AggMakeListIf:
		return plan.AggMakeList, 1
	case plan.AggMakeSetIf:
		return plan.AggMakeSet, 1
	case plan.AggMakeBagIf:
		return plan.AggMakeBag, 1
	case plan.AggMakeDictionary:
		return plan.AggMakeBag, -1
	case plan.AggTakeAnyif, plan.AggAnyif:
		return plan.AggTakeAny, 1
	case plan.AggAny:
		return plan.AggTakeAny, -1
	}
	return fn, -1
}

// pick writes arg_max and arg_min: the row with the best of the first argument, the least of the others where that ties.
func (b *aggBuilder) pick(c *aggCall) error {
	var keys []string
	best := c.args[0]
	isMax := c.fn == plan.AggArgMax || c.fn == plan.AggOldArgMax
	for i, t := range c.args {
		switch t.typ {
		case kql.TypeDecimal, kql.TypeUnknown:
			return cannot("a %s in %s", t.typ, c.fn)
		case kql.TypeDynamic:
			if i == 0 {
				return cannot("a %s in %s", t.typ, c.fn)
			}
		case kql.TypeReal:
			if i == 0 {
				keys = append(keys, b.g.d.isNaN(t)+" desc nulls last")
			} else {
				keys = append(keys, b.g.d.missing(t))
			}
		case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan, kql.TypeString, kql.TypeGuid:
		}
		key := t.sql
		if i == 0 && isMax {
			key += " desc"
		}
		if !t.nonNull {
			key += map[bool]string{true: " nulls last", false: " nulls first"}[i == 0]
		}
		if t.lit == nil {
			keys = append(keys, key)
		}
	}
	if texts, ok := b.g.d.pickOne(c, isMax); ok {
		for i, t := range texts {
			b.add(t, c.cols[i])
		}
		return nil
	}
	order := strings.Join(keys, ", ")
	const fewColumns = 3
	if len(c.args) <= fewColumns && best.typ != kql.TypeReal {
		first, ok := b.g.d.aggs[map[bool]plan.Fn{true: plan.AggMax, false: plan.AggMin}[isMax]](
			&aggCall{s: c.s, cols: c.cols, args: c.args[:1]})
		if ok {
			b.add(first[0], c.cols[0])
			for i := 1; i < len(c.args); i++ {
				b.add(b.orEmpty("first("+c.args[i].sql+" order by "+order+")", c.cols[i]), c.cols[i])
			}
			return nil
		}
	}
	fields := make([]string, len(c.args))
	for i, t := range c.args {
		fields[i] = name(c.cols[i].ID) + " := " + t.sql
	}
	key := b.g.hide()
	b.list = append(b.list, "first(struct_pack("+strings.Join(fields, ", ")+") order by "+order+") as "+key)
	for _, col := range c.cols {
		b.outer = append(b.outer, b.orEmpty(key+"."+name(col.ID), col)+" as "+name(col.ID))
	}
	b.taken = true
	return nil
}

func (b *aggBuilder) add(text string, col plan.Column) {
	b.list = append(b.list, text+" as "+name(col.ID))
	b.outer = append(b.outer, name(col.ID))
}

func (b *aggBuilder) orEmpty(text string, col plan.Column) string {
	if col.Type == kql.TypeString {
		return "coalesce(" + text + ", '')"
	}
	return text
}

// single gives a table whose order is one column of numbers, from the least up.
func (g *gen) single(in *rel) *rel {
	if len(in.order) == 1 && !in.order[0].desc && in.order[0].nonNull && strings.HasPrefix(in.order[0].col, "h") {
		return in
	}
	r := g.over("number the rows", in, nil)
	key := g.hide()
	r.text = "select *, row_number() over (order by " + orderText(in.order) + ") as " + key + " from " + in.name
	r.order = []sortKey{{col: key, nonNull: true}}
	return r
}

// union puts tables below each other.
func (g *gen) union(op *plan.Union, in []*rel, order bool) (*rel, error) {
	if len(in) > maxUnion {
		return nil, cannot("a union of so many tables")
	}
	rels := slices.Clone(in)
	if order {
		for i := range rels {
			rels[i] = g.single(rels[i])
		}
	}
	r := g.newRel("union", rels)
	r.cols, r.natural = op.Cols, true
	branch, row := "", ""
	if order {
		branch, row = g.hide(), g.hide()
		r.order = []sortKey{{col: branch, nonNull: true}, {col: row, nonNull: true}}
	}
	parts := make([]string, len(rels))
	for i, one := range rels {
		from := op.Inputs[i].From
		var cells []string
		for j, c := range op.Cols {
			text := g.d.Literal(nullOf(c.Type))
			switch {
			case c.ID == op.Source:
				text = g.d.Literal(&plan.Lit{Info: plan.Info{Type: kql.TypeString}, Str: op.Inputs[i].Name})
			case from[j] != 0:
				text = name(from[j])
				if k := slices.IndexFunc(one.cols, func(have plan.Column) bool { return have.ID == from[j] }); k >= 0 &&
					one.cols[k].Type != c.Type {
					return nil, cannot("a union of columns of different types")
				}
			}
			cells = append(cells, text+" as "+name(c.ID))
		}
		if order {
			cells = append(cells, strconv.Itoa(i)+" as "+branch, one.order[0].col+" as "+row)
		} else if !one.natural {
			r.natural = false
		}
		if len(cells) == 0 {
			cells = []string{"1 as none"}
		}
		parts[i] = "select " + strings.Join(cells, ", ") + " from " + one.name
	}
	if len(parts) == 0 {
		return nil, cannot("a union of nothing")
	}
	r.text = strings.Join(parts, " union all ")
	return r, nil
}
