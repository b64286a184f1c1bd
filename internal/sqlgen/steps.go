package sqlgen

import (
	"slices"

	"drumbeat/kql/plan"
)

// inputsOf gives the steps that a step reads. The tables within its expressions are not among them, nor the sub-queries of
// mv-apply and partition.
func inputsOf(op plan.Op) []plan.Op {
	switch op := op.(type) {
	case *plan.Scan, *plan.Values, *plan.External, *plan.Range, *plan.Rows:
		return nil
	case *plan.Filter:
		return []plan.Op{op.Input}
	case *plan.Project:
		return []plan.Op{op.Input}
	case *plan.Sort:
		return []plan.Op{op.Input}
	case *plan.Serialize:
		return []plan.Op{op.Input}
	case *plan.Take:
		return []plan.Op{op.Input}
	case *plan.Top:
		return []plan.Op{op.Input}
	case *plan.Sample:
		return []plan.Op{op.Input}
	case *plan.Aggregate:
		return []plan.Op{op.Input}
	case *plan.TopNested:
		return []plan.Op{op.Input}
	case *plan.MakeSeries:
		return []plan.Op{op.Input}
	case *plan.Parse:
		return []plan.Op{op.Input}
	case *plan.ParseKv:
		return []plan.Op{op.Input}
	case *plan.MvExpand:
		return []plan.Op{op.Input}
	case *plan.MvApply:
		return []plan.Op{op.Input}
	case *plan.Unpack:
		return []plan.Op{op.Input}
	case *plan.Pivot:
		return []plan.Op{op.Input}
	case *plan.Partition:
		return []plan.Op{op.Input}
	case *plan.Shared:
		return []plan.Op{op.Input}
	case *plan.Join:
		return []plan.Op{op.Left, op.Right}
	case *plan.Union:
		list := make([]plan.Op, len(op.Inputs))
		for i := range op.Inputs {
			list[i] = op.Inputs[i].Op
		}
		return list
	}
	return nil
}

// withInputs gives a copy of a step that reads other steps.
func withInputs(op plan.Op, in []plan.Op) plan.Op {
	switch op := op.(type) {
	case *plan.Scan, *plan.Values, *plan.External, *plan.Range, *plan.Rows:
		return op
	case *plan.Filter:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Project:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Sort:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Serialize:
		return &plan.Serialize{Input: in[0]}
	case *plan.Take:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Top:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Sample:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Aggregate:
		c := *op
		c.Input = in[0]
		return &c
	case *plan.Join:
		c := *op
		c.Left, c.Right = in[0], in[len(in)-1]
		return &c
	case *plan.Union:
		c := *op
		c.Inputs = slices.Clone(op.Inputs)
		for i, one := range in {
			c.Inputs[i].Op = one
		}
		return &c
	case *plan.Shared:
		return &plan.Shared{Key: op.Key, Input: in[0]}
	case *plan.TopNested, *plan.MakeSeries, *plan.Parse, *plan.ParseKv, *plan.MvExpand, *plan.MvApply, *plan.Unpack, *plan.Pivot,
		*plan.Partition:
		return withInput(op, in[0])
	}
	return op
}

// withInput is withInputs for the steps that change the shape of rows.
func withInput(op, in plan.Op) plan.Op {
	switch op := op.(type) { //nolint:exhaustive // the others are in withInputs
	case *plan.TopNested:
		c := *op
		c.Input = in
		return &c
	case *plan.MakeSeries:
		c := *op
		c.Input = in
		return &c
	case *plan.Parse:
		c := *op
		c.Input = in
		return &c
	case *plan.ParseKv:
		c := *op
		c.Input = in
		return &c
	case *plan.MvExpand:
		c := *op
		c.Input = in
		return &c
	case *plan.MvApply:
		c := *op
		c.Input = in
		return &c
	case *plan.Unpack:
		c := *op
		c.Input = in
		return &c
	case *plan.Pivot:
		c := *op
		c.Input = in
		return &c
	case *plan.Partition:
		c := *op
		c.Input = in
		return &c
	}
	return op
}

// wantsOrder reports whether the rows of a result are in an order that the query asks for, or that of rows that it
// writes out. The rows of a table need not be told to stay in theirs.
func wantsOrder(op plan.Op) bool {
	for {
		switch at := op.(type) {
		case *plan.Sort, *plan.Top, *plan.Serialize, *plan.Values, *plan.Range:
			return true
		case *plan.Filter, *plan.Project, *plan.Take, *plan.Parse, *plan.ParseKv, *plan.MvExpand, *plan.MvApply, *plan.Shared:
			op = inputsOf(at)[0]
		case *plan.Scan, *plan.External, *plan.Rows, *plan.Sample, *plan.Aggregate, *plan.TopNested, *plan.MakeSeries,
			*plan.Unpack, *plan.Pivot, *plan.Partition, *plan.Union, *plan.Join:
			return false
		}
	}
}

// needsOrder reports whether a step needs an order in what it reads, when order says whether its own rows must have one.
func (g *gen) needsOrder(op plan.Op, order bool) bool {
	switch op := op.(type) {
	case *plan.Scan, *plan.Values, *plan.External, *plan.Range, *plan.Rows:
		return false
	case *plan.Filter:
		return order || g.hasWin(op.Pred)
	case *plan.Project:
		for i := range op.Cols {
			if g.hasWin(op.Cols[i].X) {
				return true
			}
		}
		return order
	case *plan.Take:
		return order || !g.isNatural(op.Input)
	case *plan.Aggregate:
		for i := range op.Aggs {
			if orderedAggregate(op.Aggs[i].Agg.Fn) {
				return true
			}
		}
		return order
	case *plan.Join:
		return order || op.Kind == plan.InnerUnique
	case *plan.Sort, *plan.Serialize, *plan.Top, *plan.Sample, *plan.TopNested, *plan.MakeSeries, *plan.MvApply, *plan.Pivot,
		*plan.Partition, *plan.Shared:
		return true
	case *plan.Parse, *plan.ParseKv, *plan.MvExpand, *plan.Unpack, *plan.Union:
		return order
	}
	return true
}

// isNatural reports whether the rows of a step come in the order of a table that the engine keeps without being told.
func (g *gen) isNatural(op plan.Op) bool {
	for {
		switch at := op.(type) { //nolint:exhaustive // all others make an order of their own, or none
		case *plan.Scan, *plan.Values, *plan.Range:
			return true
		case *plan.Filter:
			if g.hasWin(at.Pred) {
				return false
			}
			op = at.Input
		case *plan.Project:
			for i := range at.Cols {
				if g.hasWin(at.Cols[i].X) {
					return false
				}
			}
			op = at.Input
		default:
			return false
		}
	}
}

// orderedAggregate reports whether the result of an aggregate depends on the order of rows. Those that SQL does not have
// may.
func orderedAggregate(fn plan.Fn) bool {
	switch fn { //nolint:exhaustive // all others do, or may
	case plan.AggCount, plan.AggCountif, plan.AggSum, plan.AggSumif, plan.AggMin, plan.AggMinif, plan.AggMax, plan.AggMaxif,
		plan.AggAvg, plan.AggAvgif, plan.AggDcount, plan.AggDcountif, plan.AggCountDistinct, plan.AggCountDistinctif,
		plan.AggArgMax, plan.AggArgMin, plan.AggOldArgMax, plan.AggOldArgMin, plan.AggPercentile, plan.AggPercentiles,
		plan.AggStdev, plan.AggStdevif, plan.AggStdevp, plan.AggVariance, plan.AggVarianceif, plan.AggVariancep,
		plan.AggVariancepif, plan.AggBinaryAllAnd, plan.AggBinaryAllOr, plan.AggBinaryAllXor:
		return false
	}
	return true
}

// hasWin reports whether an expression has a window function.
func (g *gen) hasWin(x plan.Expr) bool {
	switch x := x.(type) {
	case *plan.Win:
		return true
	case *plan.Call:
		has, known := g.windows[x]
		for i := 0; i < len(x.Args) && !has && !known; i++ {
			has = g.hasWin(x.Args[i])
		}
		g.windows[x] = has
		return has
	case *plan.Agg, *plan.Col, *plan.Lit, *plan.ParamRef, *plan.Sub:
	}
	return false
}
