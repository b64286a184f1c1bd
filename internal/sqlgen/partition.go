package sqlgen

import (
	"slices"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Queries on firewall logs sort by a key and then by time, look at the next row, and keep the rows whose next row has the
// same key:
//
//	sort by K asc, T asc … | extend n = next(K), t = next(T) | … | where K == n | where t - T > 25
//
// A database sorts all rows for that. It sorts each K alone, and several side by side, if it is told that rows of
// different K do not meet: "lead(T) over (partition by K order by T …)". The rows for which this differs are the last ones
// of each K, which the condition on n drops, and rows do not see each other between the two steps.
//
// Two things must hold besides. K must be without nulls and NaN, for which == is not what partitions are. And the last
// row of all has no next one: n is "" there, so that the row would stay if its K were "". This cannot happen where
// another condition asks something of a column from the next row that null does not fulfil, as that on T does above. The
// condition on n says nothing more then, and is left out.

// partitioned gives a plan in which the projects that this is true of are noted, and their conditions on n left out.
func (g *gen) partitioned(root plan.Op) plan.Op {
	if g.whole {
		return root
	}
	return g.rewrite(root)
}

// rewrite goes through the steps along chains, without entering expressions and sub-queries.
func (g *gen) rewrite(op plan.Op) plan.Op {
	if changed := g.parted(op); changed != nil {
		op = changed
	}
	in := inputsOf(op)
	if len(in) == 0 {
		return op
	}
	same := true
	news := make([]plan.Op, len(in))
	for i := range in {
		news[i] = g.rewrite(in[i])
		same = same && news[i] == in[i]
	}
	if same {
		return op
	}
	out := withInputs(op, news)
	if p, ok := op.(*plan.Project); ok && g.partition[p] != 0 {
		if q, ok := out.(*plan.Project); ok {
			g.partition[q] = g.partition[p]
		}
	}
	return out
}

// parted looks at the chain of conditions and computations that begins, from above, with a condition.
func (g *gen) parted(op plan.Op) plan.Op {
	if _, ok := op.(*plan.Filter); !ok {
		return nil
	}
	var chain []plan.Op
	at := op
	for {
		switch one := at.(type) { //nolint:exhaustive // a chain ends at all others
		case *plan.Filter:
			if g.hasWin(one.Pred) {
				return nil
			}
			chain = append(chain, one)
			at = one.Input
			continue
		case *plan.Project:
			if !g.projectHasWin(one) {
				chain = append(chain, one)
				at = one.Input
				continue
			}
			return g.part(chain, one)
		}
		return nil
	}
}

func (g *gen) projectHasWin(p *plan.Project) bool {
	for i := range p.Cols {
		if g.hasWin(p.Cols[i].X) {
			return true
		}
	}
	return false
}

// part rewrites a chain over a project with window functions.
func (g *gen) part(chain []plan.Op, p *plan.Project) plan.Op {
	key := g.sortedBy(p.Input)
	if key == nil {
		return nil
	}
	ahead := g.nextColumns(p)
	next := 0
	for id, w := range ahead {
		if c, ok := w.Args[0].(*plan.Col); ok && c.ID == key.ID {
			if next != 0 && next < id {
				continue
			}
			next = id
		}
	}
	if next == 0 || !rejectsNull(chain, ahead, next) {
		return nil
	}
	var equal *plan.Call
	for _, op := range chain {
		f, ok := op.(*plan.Filter)
		if !ok {
			continue
		}
		for _, x := range conjuncts(f.Pred, nil) {
			if c, ok := x.(*plan.Call); ok && c.Fn == plan.FnEq && isCols(c, key.ID, next) {
				equal = c
			}
		}
	}
	if equal == nil {
		return nil
	}
	q := *p
	q.Cols = append([]plan.Assign(nil), p.Cols...)
	for i := range q.Cols {
		if q.Cols[i].Col.ID == next { // it is the key wherever the row stays
			q.Cols[i].X = key
		}
	}
	g.partition[&q] = key.ID
	return without(chain, equal, &q)
}

// sortedBy gives the first key of the order of a step, if it is a column without null and NaN.
func (g *gen) sortedBy(op plan.Op) *plan.Col {
	var passes []*plan.Project
	for {
		switch one := op.(type) { //nolint:exhaustive // others may change the order
		case *plan.Serialize:
			op = one.Input
			continue
		case *plan.Filter:
			if g.hasWin(one.Pred) {
				return nil
			}
			op = one.Input
			continue
		case *plan.Project:
			if g.projectHasWin(one) {
				return nil
			}
			passes = append(passes, one)
			op = one.Input
			continue
		case *plan.Sort:
			key, ok := one.Keys[0].X.(*plan.Col)
			if !ok || !key.NonNull && key.Type != kql.TypeString || key.Type == kql.TypeReal || key.Open {
				return nil
			}
			for _, p := range passes {
				if !handsOn(p, key.ID) {
					return nil
				}
			}
			return key
		}
		return nil
	}
}

// handsOn reports whether a project hands a column on.
func handsOn(p *plan.Project, id int) bool {
	for i := range p.Cols {
		if c, ok := p.Cols[i].X.(*plan.Col); ok && c.ID == id && p.Cols[i].Col.ID == id {
			return true
		}
	}
	return false
}

// nextColumns gives the columns of a project that are next(column), or prev(column), by their IDs; none if it has other
// window functions, or several distances.
func (g *gen) nextColumns(p *plan.Project) map[int]*plan.Win {
	cols := map[int]*plan.Win{}
	away := int64(0)
	var fn plan.Fn
	for i := range p.Cols {
		w, ok := p.Cols[i].X.(*plan.Win)
		if !ok {
			if g.hasWin(p.Cols[i].X) {
				return nil
			}
			continue
		}
		n := int64(1)
		if len(w.Args) > 1 {
			lit, ok := w.Args[1].(*plan.Lit)
			if !ok || lit.Null {
				return nil
			}
			n = lit.Int
		}
		if w.Fn != plan.FnNext && w.Fn != plan.FnPrev || n < 1 || len(w.Args) > 2 || away != 0 && (n != away || fn != w.Fn) {
			return nil
		}
		away, fn = n, w.Fn
		cols[p.Cols[i].Col.ID] = w
	}
	return cols
}

func isCols(c *plan.Call, a, b int) bool {
	x, ok1 := c.Args[0].(*plan.Col)
	y, ok2 := c.Args[1].(*plan.Col)
	return ok1 && ok2 && (x.ID == a && y.ID == b || x.ID == b && y.ID == a)
}

// rejectsNull reports whether a condition of a chain is not fulfilled where a column from the next row, other than next, is
// null.
func rejectsNull(chain []plan.Op, ahead map[int]*plan.Win, next int) bool {
	strict := map[int]bool{}
	for id, w := range ahead {
		if id != next && plan.TypeOf(w) != kql.TypeString {
			strict[id] = true
		}
	}
	for _, one := range slices.Backward(chain) {
		switch op := one.(type) { //nolint:exhaustive // a chain has no others
		case *plan.Project:
			for j := range op.Cols {
				if isStrict(op.Cols[j].X, strict) {
					strict[op.Cols[j].Col.ID] = true
				}
			}
		case *plan.Filter:
			for _, x := range conjuncts(op.Pred, nil) {
				c, ok := x.(*plan.Call)
				if !ok {
					continue
				}
				switch c.Fn { //nolint:exhaustive // these are null where one side is
				case plan.FnLt, plan.FnLe, plan.FnGt, plan.FnGe, plan.FnBetween:
					if isStrict(c, strict) {
						return true
					}
				}
			}
		}
	}
	return false
}

// isStrict reports whether an expression is null where one of the columns is.
func isStrict(x plan.Expr, strict map[int]bool) bool {
	switch x := x.(type) {
	case *plan.Col:
		return strict[x.ID]
	case *plan.Call:
		if !isStrictFn(x.Fn) {
			return false
		}
		for _, a := range x.Args {
			if isStrict(a, strict) {
				return true
			}
		}
	case *plan.Agg, *plan.Lit, *plan.ParamRef, *plan.Sub, *plan.Win:
	}
	return false
}

// isStrictFn reports whether a function is null where an argument is.
func isStrictFn(fn plan.Fn) bool {
	switch fn { //nolint:exhaustive // of the others it is not asked
	case plan.FnLt, plan.FnLe, plan.FnGt, plan.FnGe, plan.FnBetween, plan.FnAdd, plan.FnSub, plan.FnMul, plan.FnDiv, plan.FnMod,
		plan.FnNeg, plan.FnDatetimeDiff, plan.FnAbs, plan.FnToreal:
		return true
	}
	return false
}

// without builds a chain anew over another project, without one of its conditions.
func without(chain []plan.Op, drop *plan.Call, below plan.Op) plan.Op {
	for _, one := range slices.Backward(chain) {
		f, ok := one.(*plan.Filter)
		if !ok {
			below = withInputs(one, []plan.Op{below})
			continue
		}
		var keep []plan.Expr
		for _, x := range conjuncts(f.Pred, nil) {
			if x != plan.Expr(drop) {
				keep = append(keep, x)
			}
		}
		switch len(keep) {
		case 0:
		case 1:
			below = &plan.Filter{Input: below, Pred: keep[0]}
		default:
			below = &plan.Filter{Input: below, Pred: &plan.Call{
				Info: plan.Info{Type: kql.TypeBool}, Fn: plan.FnAnd, Args: keep,
			}}
		}
	}
	return below
}
