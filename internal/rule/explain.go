package rule

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"

	"drumbeat/internal/rewrite"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Tracer runs a plan as a [Querier] does, and tells of the rows that each step hands on, as [stream.Options] has it.
type Tracer func(ctx context.Context, p *plan.Plan, w plan.Window, now int64, trace func(op plan.Op, rows []stream.Row)) (*table.Table, error)

// Explanation says what the steps of a query made of the rows at one run.
type Explanation struct {
	At     int64
	Window plan.Window
	// Tables are those of let statements that the query uses, in its order; the last is the query itself, and has no
	// name.
	Tables []Pipeline
	// Rows is the number of rows of the result.
	Rows int
	// Triggered says whether they meet the rule's condition.
	Triggered bool
}

// Pipeline is a table and what the query does to it.
type Pipeline struct {
	Name  string
	Steps []Step
	// Emptied is the first step that was given rows and handed on none, Lost the first that was given rows of the channel
	// and handed on none of them; -1 if there is none.
	Emptied, Lost int
	// Miss tells of the step that left nothing of all rows, ChannelMiss of the one that left nothing of the channel's; nil
	// if there is none.
	Miss, ChannelMiss *Miss
}

// Step is a step of a pipeline: its source, an operator, or one of the conditions that an operator joins with and.
type Step struct {
	Text string   // on one line, as the query has it
	Span kql.Span // in the file
	Rows int64    // handed on
	// Channel are those of the channel, or -1 where no column tells. Part says that columns for a part of the channel are
	// gone.
	Channel int64
	Part    bool
}

// Explain runs the rule at a time and counts rows after each step.
func (p *Program) Explain(ctx context.Context, t Tracer, at int64, channel Channel) (*Explanation, error) {
	out := &Explanation{At: at, Window: p.Rule.Window(at)}
	for _, target := range p.targets() {
		e := &explainer{p: p, t: t, at: at, window: out.Window, channel: channel, target: target}
		if err := e.run(ctx); err != nil {
			return nil, err
		}
		if target.name == "" {
			out.Rows = e.rows
			out.Triggered = p.Rule.Kind != Hunting && p.Rule.Operator.Holds(e.rows, p.Rule.Threshold)
		} else if len(e.pipeline.Steps) == 0 {
			continue // a table only where it is used
		}
		out.Tables = append(out.Tables, e.pipeline)
	}
	return out, nil
}

// target is a table of the query that is explained: the statements before it, its source and its operators.
type target struct {
	name   string
	before []kql.Statement
	source kql.Expr
	steps  []kql.Operator
	spans  []kql.Span // of the steps, in the query
	// x is the whole table, inlined says that the body of a function stands in it.
	x       kql.Expr
	inlined bool
}

// targets gives the tables of let statements that the query uses, then the query itself.
func (p *Program) targets() []target {
	var out []target
	for i, s := range p.query.Statements {
		before := p.query.Statements[:i]
		switch s := s.(type) { //nolint:exhaustive // the others have no table
		case *kql.LetStatement:
			if pipe, ok := tableOf(s.Value); ok && p.usedAfter(s) {
				out = append(out, newTarget(s.Name.Text, before, pipe, true))
			}
		case *kql.ExprStatement:
			out = append(out, newTarget("", before, s.X, true))
		}
	}
	return out
}

// tableOf gives the pipeline of a let statement, out of materialize.
func tableOf(x kql.Expr) (kql.Expr, bool) {
	x = kql.Unparen(x)
	if c, ok := x.(*kql.Call); ok && c.Func.Text == "materialize" && len(c.Args) == 1 {
		x = kql.Unparen(c.Args[0])
	}
	_, ok := x.(*kql.Pipe)
	return x, ok
}

// usedAfter reports whether the name of a let statement stands anywhere after it.
func (p *Program) usedAfter(s *kql.LetStatement) bool {
	name, rest := s.Name.Text, p.Rule.Query[min(s.To, len(p.Rule.Query)):]
	word := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	return slices.Contains(strings.FieldsFunc(rest, func(r rune) bool { return !word(r) }), name)
}

// newTarget takes a pipeline apart: pipelines in the place of its source become steps before its own, and conditions
// joined with and become steps of their own. With inline the body of a function in the place of the source does too.
func newTarget(name string, before []kql.Statement, x kql.Expr, inline bool) target {
	t := target{name: name, before: before, x: x}
	var ops []kql.Operator
	for {
		x = kql.Unparen(x)
		if c, ok := x.(*kql.Call); ok && inline {
			if body, lets := bodyOf(c, t.before); body != nil {
				x, t.before, t.inlined = body, append(slices.Clone(t.before), lets...), true
				continue
			}
		}
		p, ok := x.(*kql.Pipe)
		if !ok {
			t.source = x
			break
		}
		ops = append(slices.Clone(p.Ops), ops...)
		if p.Source == nil {
			break
		}
		x = p.Source
	}
	for _, op := range ops {
		w, ok := op.(*kql.Where)
		if !ok {
			t.add(op, op.Range())
			continue
		}
		for _, c := range conjuncts(w.Pred) {
			t.add(&kql.Where{Span: w.Span, Params: w.Params, Pred: c}, c.Range())
		}
	}
	return t
}

// bodyOf gives the body of a function of the query that gives a table, and the let statements that stand for its
// arguments; none where that is not simple.
func bodyOf(c *kql.Call, before []kql.Statement) (body kql.Expr, lets []kql.Statement) {
	names := map[string]bool{}
	var def *kql.Lambda
	for _, s := range before {
		if let, ok := s.(*kql.LetStatement); ok {
			names[let.Name.Text] = true
			if l, ok := let.Value.(*kql.Lambda); ok && let.Name.Text == c.Func.Text {
				def = l
			}
		}
	}
	if def == nil || def.Result == nil || len(c.Args) > len(def.Params) {
		return nil, nil
	}
	if _, ok := kql.Unparen(def.Result).(*kql.Pipe); !ok {
		return nil, nil
	}
	for i, p := range def.Params {
		value := p.Default
		if i < len(c.Args) {
			value = c.Args[i]
		}
		_, named := value.(*kql.Named)
		if value == nil || named || p.Table || names[p.Name.Text] {
			return nil, nil
		}
		names[p.Name.Text] = true
		lets = append(lets, &kql.LetStatement{Span: p.Span, Name: p.Name, Value: value})
	}
	for _, s := range def.Statements {
		let, ok := s.(*kql.LetStatement)
		if !ok || names[let.Name.Text] {
			return nil, nil
		}
		names[let.Name.Text] = true
		lets = append(lets, let)
	}
	return def.Result, lets
}

func (t *target) add(op kql.Operator, at kql.Span) {
	t.steps, t.spans = append(t.steps, op), append(t.spans, at)
}

func conjuncts(x kql.Expr) []kql.Expr {
	var out []kql.Expr
	var walk func(x kql.Expr, depth int)
	walk = func(x kql.Expr, depth int) {
		const most = 1000
		if b, ok := kql.Unparen(x).(*kql.Binary); ok && b.Op == kql.OpAnd && depth < most {
			walk(b.X, depth+1)
			walk(b.Y, depth+1)
			return
		}
		out = append(out, x)
	}
	walk(x, 0)
	return out
}

// query is the query whose result is what the first n steps make.
func (t *target) query(n int) *kql.Query {
	x := t.source
	if n > 0 {
		x = &kql.Pipe{Source: t.source, Ops: t.steps[:n]}
	}
	q := &kql.Query{Statements: slices.Clone(t.before)}
	q.Statements = append(q.Statements, &kql.ExprStatement{X: x})
	return q
}

// explainer explains one table.
type explainer struct {
	p       *Program
	t       Tracer
	at      int64
	window  plan.Window
	channel Channel
	target  target

	pipeline Pipeline
	rows     int
	plans    []*plan.Plan // after each step: that of the source, then one for each step
}

func (e *explainer) run(ctx context.Context) error {
	e.bind()
	whole := e.plans[len(e.plans)-1]
	if whole == nil && e.target.inlined {
		e.target = newTarget(e.target.name, e.target.before, e.target.x, false)
		e.bind()
		whole = e.plans[len(e.plans)-1]
	}
	if whole == nil {
		return nil
	}
	e.pipeline = Pipeline{Name: e.target.name, Emptied: -1, Lost: -1}
	// A take stops what is before it: that is counted without it.
	done := 0
	for n, p := range e.plans {
		last := n == len(e.plans)-1
		if p == nil || !last && (e.plans[n+1] == nil || !takes(e.plans[n+1].Root, p.Root)) {
			continue
		}
		rows, err := e.count(ctx, done, n)
		if err != nil {
			return err
		}
		e.rows, done = rows, n+1
	}
	var err error
	if e.pipeline.Miss, err = e.miss(ctx, e.pipeline.Emptied, false); err != nil {
		return err
	}
	if e.channel.Any() {
		e.pipeline.ChannelMiss, err = e.miss(ctx, e.pipeline.Lost, true)
	}
	return err
}

// above is the step before another.
func above(op plan.Op) plan.Op {
	if u, ok := op.(*plan.Union); ok && len(u.Inputs) > 0 {
		return u.Inputs[0].Op
	}
	return input(op)
}

// takes reports whether a step of the chain that is not in the shorter one takes some rows of its input.
func takes(root, shorter plan.Op) bool {
	for n := len(chainOf(root)) - len(chainOf(shorter)); n > 0; n-- {
		if _, ok := root.(*plan.Take); ok {
			return true
		}
		root = above(root)
	}
	return false
}

// count runs the plan of step n and counts rows for the steps from first to n. It gives the number of rows of the result.
func (e *explainer) count(ctx context.Context, first, n int) (int, error) {
	traced, chain := e.traced(e.plans[n])
	counts := map[plan.Op]*tally{}
	f := follow(e.channel, allOps(traced))
	for _, op := range chain {
		c := &tally{}
		if e.channel.Any() {
			c.tests = f.tests(op)
		}
		counts[op] = c
	}
	rows, err := e.t(ctx, traced, e.window, e.at, func(op plan.Op, rows []stream.Row) {
		if c := counts[op]; c != nil {
			c.add(rows)
		}
	})
	if err != nil {
		return 0, err
	}
	asked := len(channelParts(e.channel))
	for i := first; i <= n; i++ {
		if e.plans[i] == nil {
			continue
		}
		c := counts[chain[min(len(chainOf(e.plans[i].Root)), len(chain))-1]]
		s := e.step(i)
		s.Rows = c.rows
		if len(c.tests) > 0 {
			s.Channel, s.Part = c.channel, len(c.tests) < asked
		}
		e.pipeline.add(s)
	}
	return rows.Len(), nil
}

// step is the source, for 0, or a step of the query, without its counts.
func (e *explainer) step(n int) Step {
	if n > 0 {
		return Step{Text: e.stepText(n - 1), Span: e.p.Rule.place.span(e.target.spans[n-1]), Channel: -1}
	}
	at := e.target.source.Range()
	return Step{Text: e.p.text(at), Span: e.p.Rule.place.span(at), Channel: -1}
}

// traced gives the plan that is run, within its window and without columns that nothing reads, and the step of it that
// stands for each step of the query's plan. A scan is followed by its window.
func (e *explainer) traced(whole *plan.Plan) (traced *plan.Plan, chain []plan.Op) {
	m := newMapper(func(s *plan.Scan) plan.Op { return e.keep(bounded(s, e.window), s) })
	run := *whole
	run.Root = m.op(whole.Root)
	full := chainOf(run.Root)
	pruned := rewrite.Prune(&run)
	short := chainOf(pruned.Root)
	if len(short) != len(full) {
		pruned, short = &run, full
	}
	for _, op := range chainOf(whole.Root) {
		chain = append(chain, short[slices.Index(full, m.ops[op])])
	}
	return pruned, chain
}

// keep makes the ends of a channel columns that something reads, as far as the next step that chooses columns.
func (e *explainer) keep(op plan.Op, s *plan.Scan) plan.Op {
	if !e.channel.Any() {
		return op
	}
	yes := &plan.Lit{Info: plan.Info{Type: kql.TypeBool, NonNull: true, Const: true}, Bool: true}
	args := []plan.Expr{yes}
	for r := range roles {
		for _, c := range s.Columns {
			if slices.Contains(roleColumns[r], c.Name) {
				args = append(args, call(plan.FnEq, kql.TypeBool, colOf(c), colOf(c)))
			}
		}
	}
	if len(args) == 1 {
		return op
	}
	return &plan.Filter{Input: op, Pred: call(plan.FnOr, kql.TypeBool, args...)}
}

// allOps gives the steps of a plan, those of tables within expressions too.
func allOps(p *plan.Plan) []plan.Op {
	m := newMapper(func(s *plan.Scan) plan.Op { return s })
	m.op(p.Root)
	return slices.Collect(maps.Keys(m.ops))
}

// tally counts the rows of a step.
type tally struct {
	rows, channel int64
	tests         []channelTest
}

func (c *tally) add(rows []stream.Row) {
	c.rows += int64(len(rows))
	if len(c.tests) == 0 {
		return
	}
	for _, row := range rows {
		if holds(c.tests, row) {
			c.channel++
		}
	}
}

// bind makes the plan after each step. The binder gives the same columns the same IDs each time, so that each plan is the
// lower part of the last.
func (e *explainer) bind() {
	first := 0
	if e.target.source == nil {
		first = 1
	}
	e.plans = make([]*plan.Plan, len(e.target.steps)+1)
	for n := first; n < len(e.plans); n++ {
		e.plans[n], _ = plan.Bind(e.target.query(n), e.p.schema, plan.Options{External: true})
	}
}

// chainOf gives the steps from the source to the root. The first table of a union is its input: the one that stands
// before it.
func chainOf(root plan.Op) []plan.Op {
	var chain []plan.Op
	for at := root; at != nil; at = above(at) {
		chain = append(chain, at)
	}
	slices.Reverse(chain)
	return chain
}

func channelParts(c Channel) []string {
	var parts []string
	if c.Source != "" {
		parts = append(parts, c.Source)
	}
	if c.Destination != "" {
		parts = append(parts, c.Destination)
	}
	if c.Port >= 0 {
		parts = append(parts, "port")
	}
	return parts
}

func (p *Pipeline) add(s Step) {
	n := len(p.Steps)
	if n > 0 {
		last := p.Steps[n-1]
		if p.Emptied < 0 && s.Rows == 0 && last.Rows > 0 {
			p.Emptied = n
		}
		if p.Lost < 0 && s.Channel == 0 && last.Channel > 0 {
			p.Lost = n
		}
	} else if s.Rows == 0 {
		p.Emptied = 0
	}
	p.Steps = append(p.Steps, s)
}

// maxStepText is how much of a step is shown.
const maxStepText = 200

// stepText gives a step as it is written: an operator with its bar, a condition with "| where".
func (e *explainer) stepText(i int) string {
	text := e.p.text(e.target.spans[i])
	if _, ok := e.target.steps[i].(*kql.Where); ok {
		return "| where " + text
	}
	return "| " + text
}

// text gives a part of the query on one line, without comments.
func (p *Program) text(s kql.Span) string {
	var b strings.Builder
	for line := range strings.SplitSeq(s.Text(p.Rule.Query), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	if r := []rune(b.String()); len(r) > maxStepText {
		return string(r[:maxStepText]) + "…"
	}
	return b.String()
}

// Depth is how many steps of the query had rows: how near it came to a result.
func (x *Explanation) Depth() int {
	n := 0
	for _, s := range x.Tables[len(x.Tables)-1].Steps {
		if s.Rows > 0 {
			n++
		}
	}
	return n
}
