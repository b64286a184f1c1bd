package sqlgen

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// emit writes a step as a sub-query over its inputs, or says what of it SQL cannot.
func (g *gen) emit(op plan.Op, in []*rel, order bool) (*rel, error) {
	r, err := g.emitOp(op, in, order)
	if err != nil {
		return nil, err
	}
	if r.size += len(r.text); r.size > maxText {
		return nil, cannot("the query is too large")
	}
	return r, nil
}

func (g *gen) emitOp(op plan.Op, in []*rel, order bool) (*rel, error) {
	switch op := op.(type) {
	case *plan.Scan:
		return g.scan(op, order)
	case *plan.Values:
		return g.values(op)
	case *plan.Range:
		return g.series(op)
	case *plan.Filter:
		return g.filter(op, in[0])
	case *plan.Project:
		return g.project(op, in[0])
	case *plan.Sort:
		return g.sort(op.Keys, in[0], "sort")
	case *plan.Serialize:
		return in[0], nil
	case *plan.Take:
		return g.take(op.N, in[0], "take")
	case *plan.Top:
		r, err := g.sort(op.Keys, in[0], "top")
		if err != nil {
			return nil, err
		}
		return g.take(op.N, r, "top")
	case *plan.Aggregate:
		return g.aggregate(op, in[0], order)
	case *plan.Union:
		return g.union(op, in, order)
	case *plan.Join:
		return g.join(op, in[0], in[1], order)
	case *plan.MvExpand:
		return g.mvExpand(op, in[0], order)
	case *plan.External:
		return nil, cannot("externaldata")
	case *plan.Rows:
		return nil, cannot("a sub-query of rows")
	case *plan.Sample:
		return nil, cannot("sample")
	case *plan.TopNested:
		return nil, cannot("top-nested")
	case *plan.MakeSeries:
		return nil, cannot("make-series")
	case *plan.Parse:
		return g.rowStep(op, op.X, op.Cols, op.Where, in[0])
	case *plan.ParseKv:
		return g.rowStep(op, op.X, op.Cols, false, in[0])
	case *plan.MvApply:
		return nil, cannot("mv-apply")
	case *plan.Unpack:
		return nil, cannot("bag_unpack")
	case *plan.Pivot:
		return nil, cannot("pivot")
	case *plan.Partition:
		return nil, cannot("partition")
	case *plan.Shared:
	}
	return nil, cannot("a step")
}

// over starts a sub-query that has the rows of another, or some of them.
func (g *gen) over(comment string, in *rel, deps []*rel) *rel {
	r := g.newRel(comment, append([]*rel{in}, deps...))
	r.cols, r.order, r.natural, r.raw, r.unique, r.notNull = in.cols, in.order, in.natural, in.raw, in.unique, in.notNull
	return r
}

func (g *gen) filter(op *plan.Filter, in *rel) (*rel, error) {
	s := g.scope(in)
	in, err := s.lift(op.Pred)
	if err != nil {
		return nil, err
	}
	conds := conjuncts(op.Pred, nil)
	texts := make([]string, len(conds))
	for i, x := range conds {
		t, err := s.truth(x)
		if err != nil {
			return nil, err
		}
		texts[i] = t.sql
	}
	r := g.over("where", in, s.deps)
	r.text = "select * from " + in.name + " where " + strings.Join(texts, " and ")
	r.notNull = copyOf(in.notNull)
	for _, x := range conds {
		rejected(x, r.notNull)
	}
	return r, nil
}

func copyOf(m map[int]bool) map[int]bool {
	c := make(map[int]bool, len(m))
	maps.Copy(c, m)
	return c
}

// rejected notes the columns that cannot be null where a condition is true.
func rejected(x plan.Expr, notNull map[int]bool) {
	c, ok := x.(*plan.Call)
	if !ok {
		return
	}
	switch c.Fn { //nolint:exhaustive // these are not true of null
	case plan.FnEq, plan.FnLt, plan.FnLe, plan.FnGt, plan.FnGe, plan.FnBetween, plan.FnIsnotnull:
		for _, a := range c.Args {
			strictColumns(a, notNull)
		}
	}
}

// strictColumns notes the columns that are not null where an expression is not.
func strictColumns(x plan.Expr, notNull map[int]bool) {
	switch x := x.(type) {
	case *plan.Col:
		if x.Type != kql.TypeDynamic {
			notNull[x.ID] = true
		}
	case *plan.Call:
		if !isStrictFn(x.Fn) {
			return
		}
		for _, a := range x.Args {
			strictColumns(a, notNull)
		}
	case *plan.Agg, *plan.Lit, *plan.ParamRef, *plan.Sub, *plan.Win:
	}
}

// conjuncts takes a condition apart at its ands.
func conjuncts(x plan.Expr, list []plan.Expr) []plan.Expr {
	if c, ok := x.(*plan.Call); ok && c.Fn == plan.FnAnd {
		for _, a := range c.Args {
			list = conjuncts(a, list)
		}
		return list
	}
	return append(list, x)
}

func (g *gen) project(op *plan.Project, in *rel) (*rel, error) {
	s := g.scope(in)
	s.part = g.partition[op]
	exprs := make([]plan.Expr, len(op.Cols))
	for i := range op.Cols {
		exprs[i] = op.Cols[i].X
	}
	in, err := s.lift(exprs...)
	if err != nil {
		return nil, err
	}
	out := make([]plan.Column, len(op.Cols))
	kept := map[int]bool{}
	var renamed []int // columns of another name that have no nulls
	var news []string
	var newNames []string
	for i := range op.Cols {
		a := &op.Cols[i]
		out[i] = a.Col
		if c, ok := a.X.(*plan.Col); ok && c.ID == a.Col.ID {
			kept[c.ID] = true
			continue
		} else if ok && in.notNull[c.ID] {
			renamed = append(renamed, a.Col.ID)
		}
		t, err := s.value(a.X)
		if err != nil {
			return nil, err
		}
		news = append(news, t.sql+" as "+name(a.Col.ID))
		newNames = append(newNames, a.Col.Name)
	}
	if op.Open {
		out = withOpen(out, in.cols)
		for _, c := range out[len(op.Cols):] {
			kept[c.ID] = true
		}
	}
	comment := "project"
	if len(newNames) > 0 {
		comment = "compute " + strings.Join(newNames, ", ")
	}
	r := g.over(comment, in, s.deps)
	r.cols = out
	r.unique = nil
	if allIn(in.unique, kept) {
		r.unique = in.unique
	}
	if len(renamed) > 0 {
		r.notNull = copyOf(in.notNull)
		for _, id := range renamed {
			r.notNull[id] = true
		}
	}
	list := g.passed(in, kept, r)
	r.text = "select " + strings.Join(append(list, news...), ", ") + " from " + in.name
	return r, nil
}

// withOpen adds the columns that no schema declares to those that a step names: it hands them on too.
func withOpen(cols, in []plan.Column) []plan.Column {
	for _, c := range in {
		if c.Open && !slices.ContainsFunc(cols, func(have plan.Column) bool { return have.ID == c.ID }) {
			cols = append(slices.Clip(cols), c)
		}
	}
	return cols
}

func allIn(ids []int, set map[int]bool) bool {
	for _, id := range ids {
		if !set[id] {
			return false
		}
	}
	return len(ids) > 0
}

// passed lists the columns of a sub-query that another hands on: those that are kept, and those that order needs.
func (g *gen) passed(in *rel, kept map[int]bool, r *rel) []string {
	all := true
	var list []string
	for _, c := range in.cols {
		if !kept[c.ID] {
			all = false
			continue
		}
		list = append(list, name(c.ID))
	}
	if all {
		return []string{"*"}
	}
	r.raw = map[int]string{}
	for _, c := range in.cols {
		if raw := in.raw[c.ID]; raw != "" && kept[c.ID] {
			list = append(list, raw)
			r.raw[c.ID] = raw
		}
	}
	for _, k := range in.order {
		if !slices.Contains(list, k.col) {
			list = append(list, k.col)
		}
	}
	if len(list) == 0 {
		list = []string{"1 as none"}
	}
	return list
}

// sort does not sort: it says how the rows are ordered, and computes the keys.
func (g *gen) sort(keys []plan.SortKey, in *rel, comment string) (*rel, error) {
	s := g.scope(in)
	exprs := make([]plan.Expr, len(keys))
	for i := range keys {
		exprs[i] = keys[i].X
	}
	in, err := s.lift(exprs...)
	if err != nil {
		return nil, err
	}
	var order []sortKey
	var news []string
	for i := range keys {
		k := &keys[i]
		t, err := s.value(k.X)
		if err != nil {
			return nil, err
		}
		if t.lit != nil {
			continue
		}
		if t.typ == kql.TypeDecimal || t.typ == kql.TypeDynamic || t.typ == kql.TypeUnknown {
			return nil, cannot("sorting by a %s", t.typ)
		}
		key := sortKey{desc: k.Desc, nullsFirst: k.NullsFirst, nonNull: t.nonNull}
		if t.typ == kql.TypeReal {
			// NaN stands between null and the numbers.
			key := sortKey{col: g.hide(), desc: !k.NullsFirst, nonNull: true}
			news = append(news, g.d.missing(t)+" as "+key.col)
			order = append(order, key)
		}
		if _, ok := k.X.(*plan.Col); ok {
			key.col = t.sql
		} else {
			key.col = g.hide()
			news = append(news, t.sql+" as "+key.col)
		}
		if !slices.ContainsFunc(order, func(o sortKey) bool { return o.col == key.col }) {
			order = append(order, key)
		}
	}
	same := *in
	r := &same
	if len(news) > 0 {
		r = g.over(comment, in, s.deps)
		r.text = "select *, " + strings.Join(news, ", ") + " from " + in.name
	}
	for _, k := range in.order {
		if !slices.ContainsFunc(order, func(o sortKey) bool { return o.col == k.col }) {
			order = append(order, k)
		}
	}
	r.order, r.natural = order, false
	return r, nil
}

func (g *gen) take(n plan.Expr, in *rel, comment string) (*rel, error) {
	s := g.scope(in)
	t, err := s.value(n)
	if err != nil {
		return nil, err
	}
	if t.lit == nil || t.lit.Null || t.lit.Type != kql.TypeLong && t.lit.Type != kql.TypeInt {
		return nil, cannot("a number of rows that is computed")
	}
	r := g.over(comment+" "+strconv.FormatInt(t.lit.Int, 10), in, nil)
	r.text = "select * from " + in.name
	if len(in.order) > 0 {
		r.text += " order by " + orderText(in.order)
	}
	r.text += " limit " + strconv.FormatInt(max(t.lit.Int, 0), 10)
	return r, nil
}
