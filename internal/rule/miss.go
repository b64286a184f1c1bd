package rule

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/rewrite"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Miss tells why a condition left no row.
type Miss struct {
	Step int // of the pipeline
	// Text says what the nearest row has and what is asked: "TotalEvents is 30, more than 30 asked". It is "" where the
	// step is no condition that can be looked into.
	Text string
	// Row is the nearest row, column by column; there is none where no row is nearer than others.
	Row []Field
}

// miss looks into the condition of a step that left nothing.
func (e *explainer) miss(ctx context.Context, step int, channel bool) (*Miss, error) {
	n := step
	if e.target.source == nil {
		n++
	}
	if step <= 0 || n >= len(e.plans) || e.plans[n] == nil {
		if step == 0 {
			return &Miss{Text: e.emptySource()}, nil
		}
		return nil, nil //nolint:nilnil // no step, no miss
	}
	out := &Miss{Step: step}
	if j, ok := e.plans[n].Root.(*plan.Join); ok {
		p := &probe{e: e, input: j.Left, next: maxID(e.plans[n]) + 1}
		if channel {
			p.input = only(j.Left, follow(e.channel, allOps(e.plans[n])).tests(j.Left))
		}
		var err error
		out.Text, err = p.join(ctx, j)
		return out, err
	}
	f, ok := e.plans[n].Root.(*plan.Filter)
	where, isWhere := e.target.steps[n-1].(*kql.Where)
	if !ok || !isWhere {
		return out, nil
	}
	p := &probe{e: e, input: f.Input, next: maxID(e.plans[n]) + 1}
	if channel {
		p.input = only(p.input, follow(e.channel, allOps(e.plans[n])).tests(f.Input))
	}
	x := f.Pred
	for {
		c, ok := x.(*plan.Call)
		if !ok || c.Fn != plan.FnConvert {
			break
		}
		x = c.Args[0]
	}
	var err error
	switch c, _ := x.(*plan.Call); {
	case c != nil && len(c.Args) == 2 && askedText(c.Fn) != "" && p.measurable(c):
		out.Text, out.Row, err = p.closest(ctx, c, leftText(e.p, where.Pred))
	default:
		out.Text, err = p.values(ctx, x)
		if c != nil && c.Fn == plan.FnEq && len(c.Args) == 2 && out.Text != "" {
			if lit, ok := c.Args[1].(*plan.Lit); ok && lit.Type == kql.TypeString {
				out.Text += "; " + strconv.Quote(lit.Str) + " asked"
			}
		}
	}
	if missing := e.noWatchlist(opsOf(f.Pred)); missing != "" {
		out.Text = strings.TrimPrefix(out.Text+"; "+missing, "; ")
	}
	return out, err
}

// opsOf gives the steps of the tables within an expression.
func opsOf(x plan.Expr) []plan.Op {
	m := newMapper(func(s *plan.Scan) plan.Op { return s })
	m.expr(x)
	return slices.Collect(maps.Keys(m.ops))
}

// noWatchlist names a watchlist that steps read and no file is given for, or gives "".
func (e *explainer) noWatchlist(ops []plan.Op) string {
	var missing []string
	for _, op := range ops {
		s, ok := op.(*plan.Scan)
		if !ok {
			continue
		}
		alias, ok := strings.CutPrefix(s.Table, watchlistTable)
		if known, found := e.p.schema.Table(s.Table); ok && (!found || known.Open) {
			missing = append(missing, alias)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	alias := slices.Min(missing)
	return fmt.Sprintf("no watchlist %q was given (--watchlist %s=FILE)", alias, alias)
}

// emptySource says why a pipeline without rows has none.
func (e *explainer) emptySource() string {
	name, ok := e.target.source.(*kql.Name)
	if ok && slices.ContainsFunc(e.target.before, func(s kql.Statement) bool {
		let, ok := s.(*kql.LetStatement)
		if !ok || let.Name.Text != name.Text {
			return false
		}
		_, explained := tableOf(let.Value)
		return explained
	}) {
		return name.Text + " has no rows: its own steps say why"
	}
	if e.plans[0] != nil {
		if missing := e.noWatchlist(allOps(e.plans[0])); missing != "" {
			return "the source has no rows: " + missing
		}
	}
	return "the source has no rows in the window"
}

// leftText is how the left side of a comparison is written.
func leftText(p *Program, x kql.Expr) string {
	if b, ok := kql.Unparen(x).(*kql.Binary); ok {
		return p.text(b.X.Range())
	}
	return p.text(x.Range())
}

// askedText says what a comparison asks for, or "" of what is none.
func askedText(fn plan.Fn) string {
	switch fn { //nolint:exhaustive // the comparisons that a row can come near to
	case plan.FnGt:
		return "more than %s asked"
	case plan.FnGe:
		return "at least %s asked"
	case plan.FnLt:
		return "less than %s asked"
	case plan.FnLe:
		return "at most %s asked"
	case plan.FnEq:
		return "%s asked"
	}
	return ""
}

// probe asks about the rows before a condition.
type probe struct {
	e     *explainer
	input plan.Op
	next  int // the next ID of a column
}

func (p *probe) column(name string, t kql.Type) plan.Column {
	c := plan.Column{ID: p.next, Name: name, Type: t}
	p.next++
	return c
}

// measurable reports whether the two sides of a comparison have a distance.
func (p *probe) measurable(c *plan.Call) bool {
	a, b := plan.TypeOf(c.Args[0]), plan.TypeOf(c.Args[1])
	switch a { //nolint:exhaustive // the types that can be subtracted
	case kql.TypeInt, kql.TypeLong, kql.TypeReal:
		return b == kql.TypeInt || b == kql.TypeLong || b == kql.TypeReal
	case kql.TypeDateTime, kql.TypeTimespan:
		return a == b
	}
	return false
}

// The names of the columns that a probe adds: none that a query would have.
const (
	leftColumn     = " left"
	rightColumn    = " right"
	distanceColumn = " distance"
)

// closest finds the row whose left side comes nearest to the right.
func (p *probe) closest(ctx context.Context, c *plan.Call, name string) (text string, row []Field, err error) {
	left, right := plan.TypeOf(c.Args[0]), plan.TypeOf(c.Args[1])
	distance := left
	switch {
	case left == kql.TypeDateTime:
		distance = kql.TypeTimespan
	case left == kql.TypeReal || right == kql.TypeReal:
		distance = kql.TypeReal
	case left == kql.TypeInt && right != kql.TypeInt:
		distance = kql.TypeLong
	}
	var key plan.Expr = call(plan.FnSub, distance, c.Args[0], c.Args[1])
	if c.Fn == plan.FnEq {
		key = call(plan.FnAbs, distance, key)
	}
	l, r, d := p.column(leftColumn, left), p.column(rightColumn, right), p.column(distanceColumn, distance)
	cols := plan.Columns(p.input)
	project := &plan.Project{Input: p.input, Cols: []plan.Assign{{Col: l, X: c.Args[0]}, {Col: r, X: c.Args[1]}, {Col: d, X: key}}}
	out := []plan.Column{l, r}
	for _, col := range cols {
		project.Cols = append(project.Cols, plan.Assign{Col: col, X: colOf(col)})
		out = append(out, col)
	}
	desc := c.Fn == plan.FnGt || c.Fn == plan.FnGe
	top := &plan.Top{Input: project, N: number64(1), Keys: []plan.SortKey{{X: colOf(d), Desc: desc}}}
	t, err := p.run(ctx, top, out)
	if err != nil || t.Len() == 0 {
		return "", nil, err
	}
	cells := newCells(t)
	value, asked := cells.text(0, leftColumn), cells.text(0, rightColumn)
	if value == "" {
		value = "null"
	}
	for i, col := range cols {
		row = append(row, Field{col.Name, valueText(t.Columns()[i+2].Type, t.Value(0, i+2))})
	}
	return name + " is " + value + ", " + strings.Replace(askedText(c.Fn), "%s", asked, 1), row, nil
}

// maxValues is how many values of a column are told.
const maxValues = 3

// values tells which values the first column of a condition has, the most frequent first.
func (p *probe) values(ctx context.Context, x plan.Expr) (string, error) {
	col := firstColumn(x)
	if col == nil {
		return "", nil
	}
	key := plan.Column{ID: col.ID, Name: col.Name, Type: plan.TypeOf(col)}
	n := p.column("count_", kql.TypeLong)
	group := &plan.Aggregate{
		Input: p.input,
		Keys:  []plan.Assign{{Col: key, X: col}},
		Aggs:  []plan.AggAssign{{Cols: []plan.Column{n}, Agg: &plan.Agg{Info: plan.Info{Type: kql.TypeLong, NonNull: true}, Fn: plan.AggCount}}},
	}
	if key.Type == kql.TypeDynamic {
		// A dynamic is no key.
		text := p.column(col.Name, kql.TypeString)
		group.Keys[0] = plan.Assign{Col: text, X: call(plan.FnTostring, kql.TypeString, col)}
		key = text
	}
	top := &plan.Top{Input: group, N: number64(maxValues), Keys: []plan.SortKey{{X: colOf(n), Desc: true}, {X: colOf(key)}}}
	t, err := p.run(ctx, top, []plan.Column{key, n})
	if err != nil || t.Len() == 0 {
		return "", err
	}
	parts := make([]string, t.Len())
	for i := range parts {
		rows, _ := t.Value(i, 1).(int64)
		parts[i] = fmt.Sprintf("%s in %d", shown(t, i, 0), rows)
		if i == 0 {
			parts[i] += " row" + plural(rows)
		}
	}
	text := col.Name + " is " + strings.Join(parts, ", ")
	if t.Len() == maxValues {
		text += " (the most frequent)"
	}
	return text, nil
}

// join says why a join left nothing: a side without rows, or keys of which none is common.
func (p *probe) join(ctx context.Context, j *plan.Join) (string, error) {
	left, err := p.count(ctx, p.input)
	if err != nil {
		return "", err
	}
	right, err := p.count(ctx, j.Right)
	if err != nil {
		return "", err
	}
	sides := fmt.Sprintf("%d row%s on the left, %d on the right", left, plural(left), right)
	m := newMapper(func(s *plan.Scan) plan.Op { return s })
	m.op(j.Right)
	if missing := p.e.noWatchlist(slices.Collect(maps.Keys(m.ops))); right == 0 && missing != "" {
		return sides + ": " + missing, nil
	}
	if left == 0 || right == 0 {
		return sides, nil
	}
	if j.Kind == plan.LeftAnti || j.Kind == plan.RightAnti {
		return sides + ": each key of the one side is among those of the other", nil
	}
	keys := func(of func(plan.JoinKey) plan.Expr) []plan.Expr {
		out := make([]plan.Expr, len(j.On))
		for i, k := range j.On {
			out[i] = of(k)
		}
		return out
	}
	l, err := p.example(ctx, p.input, keys(func(k plan.JoinKey) plan.Expr { return k.Left }))
	if err != nil {
		return "", err
	}
	r, err := p.example(ctx, j.Right, keys(func(k plan.JoinKey) plan.Expr { return k.Right }))
	return sides + ", and no key is common: the left has " + l + ", the right has " + r, err
}

// count counts the rows of a step.
func (p *probe) count(ctx context.Context, op plan.Op) (int64, error) {
	n := p.column("count_", kql.TypeLong)
	all := &plan.Aggregate{
		Input: op,
		Aggs:  []plan.AggAssign{{Cols: []plan.Column{n}, Agg: &plan.Agg{Info: plan.Info{Type: kql.TypeLong, NonNull: true}, Fn: plan.AggCount}}},
	}
	t, err := p.run(ctx, all, []plan.Column{n})
	if err != nil || t.Len() == 0 {
		return 0, err
	}
	rows, _ := t.Value(0, 0).(int64)
	return rows, nil
}

// example gives the first key of a side of a join in the order of keys, "SourceIP = \"10.0.0.5\"".
func (p *probe) example(ctx context.Context, op plan.Op, keys []plan.Expr) (string, error) {
	project := &plan.Project{Input: op}
	top := &plan.Top{Input: project, N: number64(1)}
	names := make([]string, len(keys))
	var cols []plan.Column
	for i, x := range keys {
		names[i] = "key"
		if c, ok := x.(*plan.Col); ok {
			names[i] = c.Name
		}
		t := plan.TypeOf(x)
		if t == kql.TypeDynamic { // it has no order
			x, t = call(plan.FnTostring, kql.TypeString, x), kql.TypeString
		}
		c := p.column("key"+strconv.Itoa(i), t)
		cols = append(cols, c)
		project.Cols = append(project.Cols, plan.Assign{Col: c, X: x})
		top.Keys = append(top.Keys, plan.SortKey{X: colOf(c)})
	}
	t, err := p.run(ctx, top, cols)
	if err != nil || t.Len() == 0 {
		return "", err
	}
	for i := range names {
		names[i] += " = " + shown(t, 0, i)
	}
	return strings.Join(names, " and "), nil
}

// shown gives a value for reading: texts in quotes, null by its name.
func shown(t *table.Table, row, col int) string {
	value := valueText(t.Columns()[col].Type, t.Value(row, col))
	switch {
	case t.Columns()[col].Type == table.String:
		return strconv.Quote(value)
	case value == "":
		return "null"
	}
	return value
}

func plural(n int64) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func firstColumn(x plan.Expr) *plan.Col {
	switch x := x.(type) {
	case *plan.Col:
		return x
	case *plan.Call:
		for _, a := range x.Args {
			if c := firstColumn(a); c != nil {
				return c
			}
		}
	case *plan.Lit, *plan.ParamRef, *plan.Agg, *plan.Win, *plan.Sub:
	}
	return nil
}

func number64(n int64) plan.Expr {
	return &plan.Lit{Info: plan.Info{Type: kql.TypeLong, NonNull: true, Const: true}, Int: n}
}

// run gives the rows of a step. Its columns may have one name: those that come later get a number.
func (p *probe) run(ctx context.Context, root plan.Op, cols []plan.Column) (*table.Table, error) {
	seen := map[string]bool{}
	out := make([]plan.Column, len(cols))
	for i, c := range cols {
		name := c.Name
		for n := 1; seen[c.Name]; n++ {
			c.Name = name + strconv.Itoa(n)
		}
		seen[c.Name] = true
		out[i] = c
	}
	q := rewrite.Prune(windowed(&plan.Plan{Root: root, Out: out}, p.e.window))
	return p.e.t(ctx, q, p.e.window, p.e.at, func(plan.Op, []stream.Row) {})
}

// maxID is the greatest ID of a column that a plan may have: the binder counts them.
func maxID(p *plan.Plan) int {
	most := 0
	for _, op := range allOps(p) {
		for _, c := range plan.Columns(op) {
			most = max(most, c.ID)
		}
		if j, ok := op.(*plan.Join); ok {
			for _, c := range plan.Columns(j.Right) {
				most = max(most, c.ID)
			}
		}
	}
	return most
}
