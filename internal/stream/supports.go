package stream

import (
	"fmt"

	"drumbeat/internal/eval"
	"drumbeat/kql/plan"
)

// Supports reports what a plan has that Run refuses, or nil. It does not look at data: whether src knows a table, and
// whether it is an [ExternalSource], shows when the plan is run.
func Supports(p *plan.Plan) error {
	c := &checker{seen: map[plan.Expr]bool{}}
	for i := range p.Params {
		c.expr(p.Params[i].Default)
	}
	c.op(p.Root)
	return c.err
}

// checker walks a plan and keeps the first thing that is not supported.
type checker struct {
	seen map[plan.Expr]bool
	err  error
}

func (c *checker) fail(what string) {
	if c.err == nil {
		c.err = unsupported(what)
	}
}

func (c *checker) exprs(list []plan.Expr) {
	for _, e := range list {
		c.expr(e)
	}
}

func (c *checker) expr(e plan.Expr) {
	if e == nil || c.err != nil || c.seen[e] {
		return
	}
	c.seen[e] = true
	switch e := e.(type) {
	case *plan.Call:
		switch e.Fn { //nolint:exhaustive // these are computed here
		case plan.FnAnd, plan.FnOr, plan.FnIff, plan.FnCase:
		default:
			if _, ok := eval.Scalar(e.Fn); !ok {
				c.fail(e.Fn.String())
			}
		}
		c.exprs(e.Args)
	case *plan.Win:
		switch e.Fn { //nolint:exhaustive // only these are window functions
		case plan.FnNext, plan.FnPrev, plan.FnRowNumber, plan.FnRowCumsum, plan.FnRowRank, plan.FnRowRankDense,
			plan.FnRowRankMin, plan.FnRowWindowSession:
		default:
			c.fail(e.Fn.String())
		}
		c.exprs(e.Args)
	case *plan.Agg:
		c.agg(e, nil)
	case *plan.Sub:
		c.op(e.Op)
	case *plan.Col, *plan.Lit, *plan.ParamRef:
	}
}

func (c *checker) agg(a *plan.Agg, cols []plan.Column) {
	if a == nil {
		return
	}
	if _, ok := eval.NewAgg(&eval.Env{}, a, cols); !ok {
		c.fail(a.Fn.String())
	}
	c.exprs(a.Args)
}

func (c *checker) assigns(list []plan.Assign) {
	for i := range list {
		c.expr(list[i].X)
	}
}

func (c *checker) keys(list []plan.SortKey) {
	for i := range list {
		c.expr(list[i].X)
	}
}

// op walks a chain of steps, in a loop, for chains may be long.
//
//nolint:funlen // one line for each step
func (c *checker) op(op plan.Op) {
	for ; op != nil && c.err == nil; op = below(op) {
		switch op := op.(type) {
		case *plan.Values:
			for _, row := range op.Rows {
				c.exprs(row)
			}
		case *plan.Range:
			c.exprs([]plan.Expr{op.From, op.To, op.Step})
		case *plan.Filter:
			c.expr(op.Pred)
		case *plan.Project:
			c.assigns(op.Cols)
		case *plan.Sort:
			c.keys(op.Keys)
		case *plan.Take:
			c.expr(op.N)
		case *plan.Top:
			c.expr(op.N)
			c.keys(op.Keys)
		case *plan.Sample:
			c.expr(op.N)
		case *plan.Aggregate:
			c.assigns(op.Keys)
			for i := range op.Aggs {
				c.agg(op.Aggs[i].Agg, op.Aggs[i].Cols)
			}
		case *plan.TopNested:
			for i := range op.Levels {
				l := &op.Levels[i]
				c.exprs([]plan.Expr{l.N, l.Key.X, l.Others})
				c.agg(l.By.Agg, l.By.Cols)
			}
		case *plan.MakeSeries:
			c.assigns(op.Keys)
			for i := range op.Aggs {
				c.agg(op.Aggs[i].Agg, op.Aggs[i].Cols)
				c.expr(op.Aggs[i].Default)
			}
			c.exprs([]plan.Expr{op.On.X, op.From, op.To, op.Step})
		case *plan.Parse:
			c.expr(op.X)
			if _, err := patternMatcher(op); err != nil && c.err == nil {
				c.err = err
			}
		case *plan.ParseKv:
			c.expr(op.X)
		case *plan.MvExpand:
			c.items(op.Items, op.Limit)
		case *plan.MvApply:
			c.items(op.Items, op.Limit)
			c.op(op.Sub)
		case *plan.Unpack:
			c.expr(op.X)
		case *plan.Pivot:
			c.expr(op.X)
			c.agg(op.Agg, nil)
		case *plan.Partition:
			c.expr(op.By)
			c.op(op.Sub)
		case *plan.Union:
			for i := range op.Inputs {
				c.op(op.Inputs[i].Op)
			}
			return
		case *plan.Join:
			for i := range op.On {
				c.exprs([]plan.Expr{op.On[i].Left, op.On[i].Right})
			}
			c.op(op.Right)
		case *plan.Scan, *plan.External, *plan.Rows, *plan.Serialize, *plan.Shared:
		default:
			c.err = fmt.Errorf("BUG: stream: %T is no step", op)
		}
	}
}

func (c *checker) items(items []plan.MvItem, limit plan.Expr) {
	for i := range items {
		c.expr(items[i].X)
	}
	c.expr(limit)
}
