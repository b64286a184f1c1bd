package rewrite

import (
	"slices"

	"drumbeat/kql/plan"
)

// inputOf is the one input of a step, or nil for sources and unions. Of a join it is the left one.
func inputOf(op plan.Op) plan.Op {
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

// chain gives the steps from op down to its source. Chains may be long, so that nothing here recurs along them.
func chain(op plan.Op) []plan.Op {
	var all []plan.Op
	for ; op != nil; op = inputOf(op) {
		all = append(all, op)
	}
	return all
}

// mapper rebuilds plans with other expressions. What is shared stays shared.
type mapper struct {
	// change is given an expression whose parts are mapped already, and gives what stands in its place.
	change func(plan.Expr) plan.Expr
	// sub, if it is not nil, maps tables within expressions, steps and all; else their steps are mapped, then change is asked.
	sub   func(*plan.Sub) *plan.Sub
	exprs map[plan.Expr]plan.Expr
}

func newMapper(change func(plan.Expr) plan.Expr) *mapper {
	return &mapper{change: change, exprs: map[plan.Expr]plan.Expr{}}
}

func (m *mapper) op(op plan.Op) plan.Op {
	var done plan.Op
	for _, one := range slices.Backward(chain(op)) {
		done = m.step(one, done)
	}
	return done
}

// step copies a step, on another input.
func (m *mapper) step(op, in plan.Op) plan.Op { //nolint:funlen // one case for each step
	switch op := op.(type) {
	case *plan.Scan, *plan.External, *plan.Rows:
		return op
	case *plan.Values:
		c := *op
		c.Rows = make([][]plan.Expr, len(op.Rows))
		for i, row := range op.Rows {
			c.Rows[i] = m.list(row)
		}
		return &c
	case *plan.Range:
		c := *op
		c.From, c.To, c.Step = m.expr(op.From), m.expr(op.To), m.expr(op.Step)
		return &c
	case *plan.Filter:
		return &plan.Filter{Input: in, Pred: m.expr(op.Pred)}
	case *plan.Project:
		c := *op
		c.Input, c.Cols = in, m.assigns(op.Cols)
		return &c
	case *plan.Sort:
		return &plan.Sort{Input: in, Keys: m.keys(op.Keys)}
	case *plan.Serialize:
		return &plan.Serialize{Input: in}
	case *plan.Take:
		return &plan.Take{Input: in, N: m.expr(op.N)}
	case *plan.Top:
		return &plan.Top{Input: in, N: m.expr(op.N), Keys: m.keys(op.Keys)}
	case *plan.Sample:
		return &plan.Sample{Input: in, N: m.expr(op.N)}
	case *plan.Aggregate:
		c := &plan.Aggregate{Input: in, Keys: m.assigns(op.Keys), Aggs: make([]plan.AggAssign, len(op.Aggs))}
		for i := range op.Aggs {
			c.Aggs[i] = m.agg(op.Aggs[i])
		}
		return c
	case *plan.TopNested:
		return m.topNested(op, in)
	case *plan.MakeSeries:
		return m.makeSeries(op, in)
	case *plan.Parse:
		c := *op
		c.Input, c.X = in, m.expr(op.X)
		return &c
	case *plan.ParseKv:
		c := *op
		c.Input, c.X = in, m.expr(op.X)
		return &c
	case *plan.MvExpand:
		c := *op
		c.Input, c.Items, c.Limit = in, m.items(op.Items), m.expr(op.Limit)
		return &c
	case *plan.MvApply:
		c := *op
		c.Input, c.Items, c.Limit, c.Sub = in, m.items(op.Items), m.expr(op.Limit), m.op(op.Sub)
		return &c
	case *plan.Unpack:
		c := *op
		c.Input, c.X = in, m.expr(op.X)
		return &c
	case *plan.Pivot:
		c := *op
		c.Input, c.X = in, m.expr(op.X)
		if op.Agg != nil {
			c.Agg = m.aggregate(op.Agg)
		}
		return &c
	case *plan.Partition:
		c := *op
		c.Input, c.By, c.Sub = in, m.expr(op.By), m.op(op.Sub)
		return &c
	case *plan.Union:
		c := *op
		c.Inputs = slices.Clone(op.Inputs)
		for i := range c.Inputs {
			c.Inputs[i].Op = m.op(c.Inputs[i].Op)
		}
		return &c
	case *plan.Join:
		c := *op
		c.Left, c.Right, c.On = in, m.op(op.Right), slices.Clone(op.On)
		for i := range c.On {
			c.On[i].Left, c.On[i].Right = m.expr(c.On[i].Left), m.expr(c.On[i].Right)
		}
		return &c
	case *plan.Shared:
		return &plan.Shared{Key: op.Key, Input: in}
	}
	panic("BUG: a step of an unknown kind")
}

func (m *mapper) topNested(op *plan.TopNested, in plan.Op) plan.Op {
	c := &plan.TopNested{Input: in, Levels: slices.Clone(op.Levels)}
	for i := range c.Levels {
		l := &c.Levels[i]
		l.N, l.Key.X, l.By, l.Others = m.expr(l.N), m.expr(l.Key.X), m.agg(l.By), m.expr(l.Others)
	}
	return c
}

func (m *mapper) makeSeries(op *plan.MakeSeries, in plan.Op) plan.Op {
	c := *op
	c.Input, c.Keys, c.On.X = in, m.assigns(op.Keys), m.expr(op.On.X)
	c.From, c.To, c.Step = m.expr(op.From), m.expr(op.To), m.expr(op.Step)
	c.Aggs = slices.Clone(op.Aggs)
	for i := range c.Aggs {
		c.Aggs[i].AggAssign, c.Aggs[i].Default = m.agg(c.Aggs[i].AggAssign), m.expr(c.Aggs[i].Default)
	}
	return &c
}

func (m *mapper) assigns(list []plan.Assign) []plan.Assign {
	if list == nil {
		return nil // keys that are nil mean something else than none
	}
	out := make([]plan.Assign, len(list))
	for i, a := range list {
		out[i] = plan.Assign{Col: a.Col, X: m.expr(a.X)}
	}
	return out
}

func (m *mapper) keys(list []plan.SortKey) []plan.SortKey {
	out := slices.Clone(list)
	for i := range out {
		out[i].X = m.expr(out[i].X)
	}
	return out
}

func (m *mapper) items(list []plan.MvItem) []plan.MvItem {
	out := slices.Clone(list)
	for i := range out {
		out[i].X = m.expr(out[i].X)
	}
	return out
}

func (m *mapper) agg(a plan.AggAssign) plan.AggAssign {
	return plan.AggAssign{Cols: a.Cols, Agg: m.aggregate(a.Agg)}
}

func (m *mapper) aggregate(a *plan.Agg) *plan.Agg {
	return &plan.Agg{Info: a.Info, Fn: a.Fn, Args: m.list(a.Args)}
}

func (m *mapper) list(list []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(list))
	for i, x := range list {
		out[i] = m.expr(x)
	}
	return out
}

// expr maps an expression, or nil. One that stands at several places is mapped once.
func (m *mapper) expr(x plan.Expr) plan.Expr {
	if x == nil {
		return nil
	}
	if done, ok := m.exprs[x]; ok {
		return done
	}
	done := x
	switch x := x.(type) {
	case *plan.Call:
		done = m.change(&plan.Call{Info: x.Info, Fn: x.Fn, Args: m.list(x.Args)})
	case *plan.Win:
		done = m.change(&plan.Win{Info: x.Info, Fn: x.Fn, Args: m.list(x.Args)})
	case *plan.Agg:
		done = m.aggregate(x)
	case *plan.Sub:
		if m.sub != nil {
			done = m.sub(x)
			break
		}
		done = m.change(&plan.Sub{Info: x.Info, Op: m.op(x.Op), Col: x.Col, Scalar: x.Scalar})
	case *plan.Col, *plan.Lit, *plan.ParamRef:
		done = m.change(x)
	}
	m.exprs[x] = done
	return done
}

// exprsOf calls f for each expression of a step itself, without those of its inputs and sub-queries.
func exprsOf(op plan.Op, f func(plan.Expr)) { //nolint:funlen // one case for each step
	opt := func(list ...plan.Expr) {
		for _, x := range list {
			if x != nil {
				f(x)
			}
		}
	}
	assigns := func(list []plan.Assign) {
		for i := range list {
			f(list[i].X)
		}
	}
	keys := func(list []plan.SortKey) {
		for i := range list {
			f(list[i].X)
		}
	}
	items := func(list []plan.MvItem) {
		for i := range list {
			f(list[i].X)
		}
	}
	switch op := op.(type) {
	case *plan.Values:
		for _, row := range op.Rows {
			opt(row...)
		}
	case *plan.Range:
		opt(op.From, op.To, op.Step)
	case *plan.Filter:
		f(op.Pred)
	case *plan.Project:
		assigns(op.Cols)
	case *plan.Sort:
		keys(op.Keys)
	case *plan.Take:
		f(op.N)
	case *plan.Top:
		f(op.N)
		keys(op.Keys)
	case *plan.Sample:
		f(op.N)
	case *plan.Aggregate:
		assigns(op.Keys)
		for i := range op.Aggs {
			opt(op.Aggs[i].Agg.Args...)
		}
	case *plan.TopNested:
		for i := range op.Levels {
			opt(op.Levels[i].N, op.Levels[i].Key.X, op.Levels[i].Others)
			opt(op.Levels[i].By.Agg.Args...)
		}
	case *plan.MakeSeries:
		assigns(op.Keys)
		opt(op.On.X, op.From, op.To, op.Step)
		for i := range op.Aggs {
			opt(op.Aggs[i].Agg.Args...)
			opt(op.Aggs[i].Default)
		}
	case *plan.Parse:
		f(op.X)
	case *plan.ParseKv:
		f(op.X)
	case *plan.MvExpand:
		items(op.Items)
		opt(op.Limit)
	case *plan.MvApply:
		items(op.Items)
		opt(op.Limit)
	case *plan.Unpack:
		f(op.X)
	case *plan.Pivot:
		f(op.X)
		if op.Agg != nil {
			opt(op.Agg.Args...)
		}
	case *plan.Partition:
		f(op.By)
	case *plan.Join:
		for i := range op.On {
			opt(op.On[i].Left, op.On[i].Right)
		}
	case *plan.Scan, *plan.External, *plan.Rows, *plan.Serialize, *plan.Union, *plan.Shared:
	}
}

// argsOf gives the parts of an expression.
func argsOf(x plan.Expr) []plan.Expr {
	switch x := x.(type) {
	case *plan.Call:
		return x.Args
	case *plan.Win:
		return x.Args
	case *plan.Agg:
		return x.Args
	case *plan.Col, *plan.Lit, *plan.ParamRef, *plan.Sub:
	}
	return nil
}

// walker visits expressions and what stands within them, each once.
type walker struct {
	seen  map[plan.Expr]bool
	visit func(plan.Expr)
}

func newWalker(visit func(plan.Expr)) *walker {
	return &walker{seen: map[plan.Expr]bool{}, visit: visit}
}

func (w *walker) walk(x plan.Expr) {
	if x == nil || w.seen[x] {
		return
	}
	w.seen[x] = true
	w.visit(x)
	for _, a := range argsOf(x) {
		w.walk(a)
	}
}
