package sqlgen

import (
	"slices"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// join writes all kinds of joins. A null key is equal to a null key.
func (g *gen) join(op *plan.Join, left, right *rel, order bool) (*rel, error) {
	on, leftKeys, err := g.joinKeys(op, left, right)
	if err != nil {
		return nil, err
	}
	switch op.Kind {
	case plan.LeftSemi, plan.LeftAnti:
		return g.semi(op, left, right, on, op.Kind == plan.LeftSemi), nil
	case plan.RightSemi, plan.RightAnti:
		return g.semi(op, right, left, on, op.Kind == plan.RightSemi), nil
	case plan.InnerUnique:
		if left, err = g.firsts(op, left, leftKeys); err != nil {
			return nil, err
		}
	case plan.Inner, plan.LeftOuter, plan.RightOuter, plan.FullOuter:
	}
	if order {
		left, right = g.single(left), g.single(right)
	}
	r := g.newRel("join kind="+op.Kind.String(), []*rel{left, right})
	r.cols = withOpen(withOpen(op.Cols, left.cols), right.cols)
	var list []string
	for _, c := range r.cols {
		col := name(c.ID)
		if c.Type == kql.TypeString && mayMiss(op.Kind, hasColumn(left, c.ID)) {
			list = append(list, "coalesce("+col+", '') as "+col)
		} else {
			list = append(list, col)
		}
	}
	if order {
		for _, side := range []*rel{left, right} {
			k := side.order[0]
			list = append(list, k.col)
			r.order = append(r.order, sortKey{col: k.col})
		}
	}
	if len(list) == 0 {
		list = []string{"1 as none"}
	}
	kind := "join"
	switch op.Kind { //nolint:exhaustive // the others are inner joins
	case plan.LeftOuter:
		kind = "left join"
	case plan.RightOuter:
		kind = "right join"
	case plan.FullOuter:
		kind = "full join"
	}
	// Columns have names of their own, so that neither side need be named.
	r.text = "select " + strings.Join(list, ", ") + " from " + left.name + " " + kind + " " + right.name + " on " + on
	return r, nil
}

// mayMiss reports whether a side of a join may have no row.
func mayMiss(k plan.JoinKind, isLeft bool) bool {
	return k == plan.FullOuter || k == plan.LeftOuter && !isLeft || k == plan.RightOuter && isLeft
}

func hasColumn(r *rel, id int) bool {
	return slices.ContainsFunc(r.cols, func(c plan.Column) bool { return c.ID == id })
}

// joinKeys gives the condition, and the keys of the left side.
func (g *gen) joinKeys(op *plan.Join, left, right *rel) (on string, leftKeys []string, err error) {
	ls, rs := g.scope(left), g.scope(right)
	parts := make([]string, len(op.On))
	for i := range op.On {
		k := &op.On[i]
		if g.hasWin(k.Left) || g.hasWin(k.Right) {
			return "", nil, cannot("a window function in a join")
		}
		l, err := ls.value(k.Left)
		if err != nil {
			return "", nil, err
		}
		r, err := rs.value(k.Right)
		if err != nil {
			return "", nil, err
		}
		if len(ls.deps)+len(rs.deps) > 0 {
			return "", nil, cannot("a table in the condition of a join")
		}
		a, ok1 := g.d.widen(l, k.Type)
		b, ok2 := g.d.widen(r, k.Type)
		if !ok1 || !ok2 {
			return "", nil, cannot("joining %s and %s", l.typ, r.typ)
		}
		parts[i] = g.d.sameKey(a, b)
		leftKeys = append(leftKeys, a.sql)
	}
	if len(parts) == 0 {
		return "true", nil, nil
	}
	return strings.Join(parts, " and "), leftKeys, nil
}

// semi keeps the rows whose keys are, or are not, among those of the other table.
func (g *gen) semi(op *plan.Join, rows, other *rel, on string, want bool) *rel {
	r := g.over("join kind="+op.Kind.String(), rows, []*rel{other})
	not := ""
	if !want {
		not = "not "
	}
	r.text = "select * from " + rows.name + " where " + not + "exists (select 1 from " + other.name + " where " + on + ")"
	return r
}

// firsts keeps the first row of each key.
func (g *gen) firsts(op *plan.Join, in *rel, keys []string) (*rel, error) {
	ids := map[int]bool{}
	for i := range op.On {
		if c, ok := op.On[i].Left.(*plan.Col); ok {
			ids[c.ID] = true
		}
	}
	if allIn(in.unique, ids) || len(keys) == 0 {
		return in, nil
	}
	if len(in.order) == 0 {
		return nil, cannot("the first row of a key where rows have no order")
	}
	r := g.over("one row a key", in, nil)
	r.text = "select * from " + in.name + " qualify row_number() over (partition by " + strings.Join(keys, ", ") +
		" order by " + orderText(in.order) + ") = 1"
	r.natural = false
	return r, nil
}
