package rule

import (
	"slices"

	"drumbeat/kql/plan"
)

// mapper copies a plan and puts what scan gives in the places of its scans, those of tables within expressions too. A part
// that stands at several places of the plan stays one part.
type mapper struct {
	ops  map[plan.Op]plan.Op
	subs map[*plan.Sub]*plan.Sub
	scan func(*plan.Scan) plan.Op
}

func newMapper(scan func(*plan.Scan) plan.Op) *mapper {
	return &mapper{ops: map[plan.Op]plan.Op{}, subs: map[*plan.Sub]*plan.Sub{}, scan: scan}
}

// op copies a chain of steps from its source on, in a loop: chains may be long.
func (m *mapper) op(op plan.Op) plan.Op {
	var chain []plan.Op
	for at := op; at != nil; at = input(at) {
		if _, done := m.ops[at]; done {
			break
		}
		chain = append(chain, at)
	}
	for _, at := range slices.Backward(chain) {
		m.ops[at] = m.one(at)
	}
	return m.ops[op]
}

// input is the one input of a step, or nil for sources and unions.
func input(op plan.Op) plan.Op {
	switch op := op.(type) {
	case *plan.Filter:
		return op.Input
	case *plan.Project:
		return op.Input
	case *plan.Sort:
		return op.Input
	case *plan.Serialize:
		return op.Input
	case *plan.Take:
		return op.Input
	case *plan.Top:
		return op.Input
	case *plan.Sample:
		return op.Input
	case *plan.Aggregate:
		return op.Input
	case *plan.TopNested:
		return op.Input
	case *plan.MakeSeries:
		return op.Input
	case *plan.Parse:
		return op.Input
	case *plan.ParseKv:
		return op.Input
	case *plan.MvExpand:
		return op.Input
	case *plan.MvApply:
		return op.Input
	case *plan.Unpack:
		return op.Input
	case *plan.Pivot:
		return op.Input
	case *plan.Partition:
		return op.Input
	case *plan.Shared:
		return op.Input
	case *plan.Join:
		return op.Left
	case *plan.Scan, *plan.Values, *plan.External, *plan.Range, *plan.Rows, *plan.Union:
	}
	return nil
}

// one copies a step whose input is copied.
func (m *mapper) one(op plan.Op) plan.Op {
	switch op := op.(type) {
	case *plan.Scan:
		return m.scan(op)
	case *plan.Values:
		c := *op
		c.Rows = make([][]plan.Expr, len(op.Rows))
		for i, row := range op.Rows {
			c.Rows[i] = m.exprs(row)
		}
		return &c
	case *plan.External, *plan.Rows:
		return op
	case *plan.Range:
		c := *op
		c.From, c.To, c.Step = m.expr(op.From), m.expr(op.To), m.expr(op.Step)
		return &c
	case *plan.Filter:
		return &plan.Filter{Input: m.ops[op.Input], Pred: m.expr(op.Pred)}
	case *plan.Project:
		c := *op
		c.Input, c.Cols = m.ops[op.Input], m.assigns(op.Cols)
		return &c
	case *plan.Sort:
		return &plan.Sort{Input: m.ops[op.Input], Keys: m.keys(op.Keys)}
	case *plan.Serialize:
		return &plan.Serialize{Input: m.ops[op.Input]}
	case *plan.Take:
		return &plan.Take{Input: m.ops[op.Input], N: m.expr(op.N)}
	case *plan.Top:
		return &plan.Top{Input: m.ops[op.Input], N: m.expr(op.N), Keys: m.keys(op.Keys)}
	case *plan.Sample:
		return &plan.Sample{Input: m.ops[op.Input], N: m.expr(op.N)}
	case *plan.Shared:
		return &plan.Shared{Key: op.Key, Input: m.ops[op.Input]}
	case *plan.Aggregate, *plan.TopNested, *plan.MakeSeries, *plan.Pivot:
		return m.group(op)
	case *plan.Parse, *plan.ParseKv, *plan.MvExpand, *plan.MvApply, *plan.Unpack, *plan.Partition:
		return m.shape(op)
	case *plan.Union:
		c := *op
		c.Inputs = append([]plan.UnionInput(nil), op.Inputs...)
		for i := range c.Inputs {
			c.Inputs[i].Op = m.op(c.Inputs[i].Op)
		}
		return &c
	case *plan.Join:
		c := *op
		c.Left, c.Right = m.ops[op.Left], m.op(op.Right)
		c.On = append([]plan.JoinKey(nil), op.On...)
		for i := range c.On {
			c.On[i].Left, c.On[i].Right = m.expr(c.On[i].Left), m.expr(c.On[i].Right)
		}
		return &c
	}
	return op
}

func (m *mapper) group(op plan.Op) plan.Op {
	switch op := op.(type) { //nolint:exhaustive // the steps that group
	case *plan.Aggregate:
		c := *op
		c.Input, c.Keys, c.Aggs = m.ops[op.Input], m.assigns(op.Keys), append([]plan.AggAssign(nil), op.Aggs...)
		for i := range c.Aggs {
			c.Aggs[i] = m.agg(c.Aggs[i])
		}
		return &c
	case *plan.TopNested:
		c := *op
		c.Input, c.Levels = m.ops[op.Input], append([]plan.NestedLevel(nil), op.Levels...)
		for i := range c.Levels {
			l := &c.Levels[i]
			l.N, l.Key.X, l.By, l.Others = m.expr(l.N), m.expr(l.Key.X), m.agg(l.By), m.expr(l.Others)
		}
		return &c
	case *plan.MakeSeries:
		c := *op
		c.Input, c.Keys, c.Aggs = m.ops[op.Input], m.assigns(op.Keys), append([]plan.SeriesAgg(nil), op.Aggs...)
		for i := range c.Aggs {
			c.Aggs[i].AggAssign, c.Aggs[i].Default = m.agg(c.Aggs[i].AggAssign), m.expr(c.Aggs[i].Default)
		}
		c.On.X, c.From, c.To, c.Step = m.expr(op.On.X), m.expr(op.From), m.expr(op.To), m.expr(op.Step)
		return &c
	case *plan.Pivot:
		c := *op
		c.Input, c.X = m.ops[op.Input], m.expr(op.X)
		if op.Agg != nil {
			c.Agg = m.agg(plan.AggAssign{Agg: op.Agg}).Agg
		}
		return &c
	}
	return op
}

func (m *mapper) shape(op plan.Op) plan.Op {
	switch op := op.(type) { //nolint:exhaustive // the steps that change the shape of rows
	case *plan.Parse:
		c := *op
		c.Input, c.X = m.ops[op.Input], m.expr(op.X)
		return &c
	case *plan.ParseKv:
		c := *op
		c.Input, c.X = m.ops[op.Input], m.expr(op.X)
		return &c
	case *plan.MvExpand:
		c := *op
		c.Input, c.Items, c.Limit = m.ops[op.Input], m.items(op.Items), m.expr(op.Limit)
		return &c
	case *plan.MvApply:
		c := *op
		c.Input, c.Items, c.Limit, c.Sub = m.ops[op.Input], m.items(op.Items), m.expr(op.Limit), m.op(op.Sub)
		return &c
	case *plan.Unpack:
		c := *op
		c.Input, c.X = m.ops[op.Input], m.expr(op.X)
		return &c
	case *plan.Partition:
		c := *op
		c.Input, c.Sub = m.ops[op.Input], m.op(op.Sub)
		return &c
	}
	return op
}

func (m *mapper) agg(a plan.AggAssign) plan.AggAssign {
	agg := *a.Agg
	agg.Args = m.exprs(agg.Args)
	a.Agg = &agg
	return a
}

func (m *mapper) assigns(list []plan.Assign) []plan.Assign {
	if list == nil {
		return nil // keys that are nil and keys that are none differ
	}
	out := make([]plan.Assign, len(list))
	for i, a := range list {
		out[i] = plan.Assign{Col: a.Col, X: m.expr(a.X)}
	}
	return out
}

func (m *mapper) items(list []plan.MvItem) []plan.MvItem {
	out := append([]plan.MvItem(nil), list...)
	for i := range out {
		out[i].X = m.expr(out[i].X)
	}
	return out
}

func (m *mapper) keys(list []plan.SortKey) []plan.SortKey {
	out := append([]plan.SortKey(nil), list...)
	for i := range out {
		out[i].X = m.expr(out[i].X)
	}
	return out
}

func (m *mapper) exprs(list []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(list))
	for i, x := range list {
		out[i] = m.expr(x)
	}
	return out
}

// expr copies an expression that has a table in it; others stay as they are.
func (m *mapper) expr(x plan.Expr) plan.Expr {
	switch x := x.(type) {
	case nil:
		return nil
	case *plan.Sub:
		s := m.subs[x]
		if s == nil {
			c := *x
			s = &c
			m.subs[x] = s
			s.Op = m.op(x.Op)
		}
		return s
	case *plan.Call:
		if args, changed := m.args(x.Args); changed {
			c := *x
			c.Args = args
			return &c
		}
		return x
	case *plan.Win:
		if args, changed := m.args(x.Args); changed {
			c := *x
			c.Args = args
			return &c
		}
		return x
	case *plan.Agg:
		c := *x
		c.Args = m.exprs(x.Args)
		return &c
	case *plan.Col, *plan.Lit, *plan.ParamRef:
	}
	return x
}

// args copies arguments if one of them changes.
func (m *mapper) args(list []plan.Expr) (out []plan.Expr, changed bool) {
	for i, x := range list {
		y := m.expr(x)
		if y == x {
			continue
		}
		if !changed {
			out, changed = append([]plan.Expr(nil), list...), true
		}
		out[i] = y
	}
	return out, changed
}
