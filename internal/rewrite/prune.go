package rewrite

import (
	"maps"
	"slices"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Prune drops columns that nothing reads: from scans, so that engines read only the others, from projects, so that they
// compute only the others, and from what joins and unions hand on. Each step keeps one column at least. Groups, sub-queries
// and what is materialized keep theirs.
func Prune(p *plan.Plan) *plan.Plan {
	out := *p
	need := ids{}
	for _, c := range p.Out {
		need[c.ID] = true
	}
	if p.Open {
		need.all(plan.Columns(p.Root))
	}
	r := &pruner{}
	// Tables within expressions are pruned, not mapped and then pruned: done twice at each depth, it would double with each.
	r.swap = newMapper(func(x plan.Expr) plan.Expr { return x })
	r.swap.sub = r.sub
	out.Root = r.op(p.Root, need)
	return &out
}

// ids are columns that are needed.
type ids map[int]bool

func (n ids) all(cols []plan.Column) {
	for _, c := range cols {
		n[c.ID] = true
	}
}

// of adds the columns that expressions read.
func (n ids) of(list ...plan.Expr) {
	w := newWalker(func(x plan.Expr) {
		if col, ok := x.(*plan.Col); ok {
			n[col.ID] = true
		}
	})
	for _, x := range list {
		w.walk(x)
	}
}

// keep gives the columns that are needed. Those that no schema declares are: a step may hand them on unnamed.
func (n ids) keep(cols []plan.Column) []plan.Column {
	return slices.DeleteFunc(slices.Clone(cols), func(c plan.Column) bool { return !n[c.ID] && !c.Open })
}

// atLeastOne adds the time, or the first column, where none is needed: rows have to be counted all the same, and no step
// hands on rows without columns.
func (n ids) atLeastOne(cols []plan.Column) ids {
	if len(cols) == 0 || slices.ContainsFunc(cols, func(c plan.Column) bool { return n[c.ID] }) {
		return n
	}
	one := cols[0].ID
	for _, c := range cols {
		if c.Name == TimeColumn && c.Type == kql.TypeDateTime {
			one = c.ID
		}
	}
	out := maps.Clone(n)
	out[one] = true
	return out
}

type pruner struct {
	// swap rebuilds expressions, whose tables are pruned too.
	swap *mapper
}

func (r *pruner) sub(sub *plan.Sub) *plan.Sub {
	c := *sub
	c.Op = r.op(sub.Op, ids{sub.Col.ID: true})
	return &c
}

// op prunes a chain of steps: down it goes what is needed, up come the new steps.
func (r *pruner) op(op plan.Op, need ids) plan.Op {
	steps := chain(op)
	needs := make([]ids, len(steps))
	rights := make([]ids, len(steps))
	for i, one := range steps {
		needs[i] = need.atLeastOne(plan.Columns(one))
		need, rights[i] = r.below(one, needs[i])
	}
	var done plan.Op
	for i, one := range slices.Backward(steps) {
		done = r.step(one, done, needs[i], rights[i])
	}
	return done
}

// below gives the columns that a step needs of its input so that it can give those that are needed of it, and of a join
// those that it needs of its right side.
func (r *pruner) below(op plan.Op, need ids) (in, right ids) {
	in = ids{}
	switch op := op.(type) {
	case *plan.Project:
		for i := range op.Cols {
			if a := op.Cols[i]; need[a.Col.ID] || a.Col.Open {
				in.of(a.X)
			}
		}
		if op.Open {
			in.opens(op.Input)
		}
		return in, nil
	case *plan.Aggregate, *plan.TopNested, *plan.MakeSeries:
	case *plan.Unpack, *plan.Pivot, *plan.Shared:
		in.all(plan.Columns(inputOf(op)))
	case *plan.MvApply:
		r.subNeeds(op.Sub, op.Cols, need, in)
		maps.Copy(in, need)
	case *plan.Partition:
		r.subNeeds(op.Sub, op.Cols, nil, in)
	case *plan.Join:
		right = ids{}
		maps.Copy(in, need)
		maps.Copy(right, need)
		for i := range op.On {
			in.of(op.On[i].Left)
			right.of(op.On[i].Right)
		}
		return in, right
	case *plan.Filter, *plan.Sort, *plan.Serialize, *plan.Take, *plan.Top, *plan.Sample, *plan.Parse, *plan.ParseKv, *plan.MvExpand:
		maps.Copy(in, need)
	case *plan.Scan, *plan.Values, *plan.External, *plan.Range, *plan.Rows, *plan.Union:
	}
	exprsOf(op, func(x plan.Expr) { in.of(x) })
	return in, nil
}

// opens adds the columns of a step that no schema declares.
func (n ids) opens(op plan.Op) {
	for _, c := range plan.Columns(op) {
		if c.Open {
			n[c.ID] = true
		}
	}
}

// subNeeds adds all that a sub-query may read: its rows, and the columns of its result.
func (r *pruner) subNeeds(sub plan.Op, cols []plan.Column, need, in ids) {
	for _, c := range cols {
		if need == nil || need[c.ID] {
			in[c.ID] = true
		}
	}
	r.rows(sub, in)
}

// rows adds the columns of the Rows below a step.
func (r *pruner) rows(op plan.Op, in ids) {
	for _, one := range chain(op) {
		switch one := one.(type) { //nolint:exhaustive // the others have no second input
		case *plan.Rows:
			in.all(one.Cols)
		case *plan.Union:
			for i := range one.Inputs {
				r.rows(one.Inputs[i].Op, in)
			}
		case *plan.Join:
			r.rows(one.Right, in)
		}
	}
}

// step makes a step without what is not needed of it.
func (r *pruner) step(op, in plan.Op, need, right ids) plan.Op {
	switch op := op.(type) { //nolint:exhaustive // the others stay as they are, on their new input
	case *plan.Scan:
		return &plan.Scan{Table: op.Table, Columns: need.keep(op.Columns), Open: op.Open}
	case *plan.Project:
		c := *op
		c.Input = in
		c.Cols = r.swap.assigns(slices.DeleteFunc(slices.Clone(op.Cols), func(a plan.Assign) bool { return !need[a.Col.ID] && !a.Col.Open }))
		return &c
	case *plan.Union:
		return r.union(op, need)
	case *plan.Join:
		c, _ := r.swap.step(&plan.Join{Kind: op.Kind, Left: op.Left, Right: &plan.Rows{}, On: op.On, Lookup: op.Lookup}, in).(*plan.Join)
		c.Right, c.Cols = r.op(op.Right, right), need.keep(op.Cols)
		return c
	case *plan.Parse:
		c := *op
		c.Input, c.X = in, r.swap.expr(op.X)
		c.Cols = need.with(op.Pattern).keep(op.Cols)
		return &c
	case *plan.ParseKv:
		c := *op
		c.Input, c.X = in, r.swap.expr(op.X)
		made := maps.Clone(need)
		for _, k := range op.Keys {
			made[k.Col.ID] = true
		}
		c.Cols = made.keep(op.Cols)
		return &c
	case *plan.MvExpand:
		c, _ := r.swap.step(op, in).(*plan.MvExpand)
		made := maps.Clone(need)
		made[op.Index] = true
		for _, it := range op.Items {
			made[it.Col.ID] = true
		}
		c.Cols = made.keep(op.Cols)
		return c
	case *plan.MvApply:
		c, _ := r.swap.step(op, in).(*plan.MvApply)
		inner := plan.Columns(op.Sub)
		c.Cols = slices.DeleteFunc(slices.Clone(op.Cols), func(col plan.Column) bool {
			return !need[col.ID] && !col.Open && !has(inner, col.ID)
		})
		return c
	}
	return r.swap.step(op, in)
}

// with adds the columns that a pattern fills.
func (n ids) with(pattern []plan.ParsePart) ids {
	out := maps.Clone(n)
	for _, p := range pattern {
		out[p.Col] = true
	}
	return out
}

func (r *pruner) union(op *plan.Union, need ids) plan.Op {
	c := &plan.Union{Source: op.Source, Inputs: slices.Clone(op.Inputs)}
	var kept []int
	for i, col := range op.Cols {
		if need[col.ID] || col.Open || col.ID == op.Source {
			kept, c.Cols = append(kept, i), append(c.Cols, col)
		}
	}
	for i := range c.Inputs {
		in := &c.Inputs[i]
		from, below := in.From, ids{}
		in.From = make([]int, len(kept))
		for j, k := range kept {
			in.From[j] = from[k]
			below[from[k]] = true
		}
		below.opens(in.Op)
		in.Op = r.op(in.Op, below)
	}
	return c
}
