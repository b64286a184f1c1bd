package sqlgen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// findTables lists the tables that must be loaded, each with all columns that any scan of it reads.
func (g *gen) findTables(root plan.Op) {
	var names []string
	walk(root, func(op plan.Op) {
		s, ok := op.(*plan.Scan)
		if !ok {
			return
		}
		g.taken[s.Table] = true
		w := g.window(s)
		if g.env.Table != nil {
			if _, ok := g.env.Table(s, w); ok {
				return
			}
		}
		l := g.tables[s.Table]
		if l == nil {
			l = &Load{Scan: &plan.Scan{Table: s.Table, Open: s.Open}, Window: w}
			g.tables[s.Table] = l
			names = append(names, s.Table)
		}
		l.Window = cover(l.Window, w)
		for _, c := range s.Columns {
			if !slices.ContainsFunc(l.Scan.Columns, func(have plan.Column) bool { return have.Name == c.Name }) {
				l.Scan.Columns = append(l.Scan.Columns, c)
			}
		}
	})
	for i, table := range names {
		g.tables[table].Name = "s" + strconv.Itoa(i+1)
	}
}

func (g *gen) window(s *plan.Scan) plan.Window {
	if g.env.Window == nil {
		return plan.Window{}
	}
	return g.env.Window(s)
}

// cover gives the least window that holds two.
func cover(a, b plan.Window) plan.Window {
	a.From = min(a.From, b.From)
	if a.To == 0 || b.To == 0 {
		a.To = 0
	} else {
		a.To = max(a.To, b.To)
	}
	return a
}

// walk visits all steps of a plan, those within expressions and sub-queries too.
func walk(op plan.Op, visit func(plan.Op)) {
	seen := map[any]bool{}
	var step func(plan.Op)
	var expr func(plan.Expr)
	expr = func(x plan.Expr) {
		switch x := x.(type) {
		case *plan.Call:
			if !seen[x] {
				seen[x] = true
				for _, a := range x.Args {
					expr(a)
				}
			}
		case *plan.Sub:
			if !seen[x] {
				seen[x] = true
				step(x.Op)
			}
		case *plan.Agg:
			for _, a := range x.Args {
				expr(a)
			}
		case *plan.Win:
			for _, a := range x.Args {
				expr(a)
			}
		case *plan.Col, *plan.Lit, *plan.ParamRef, nil:
		}
	}
	step = func(op plan.Op) {
		visit(op)
		for _, x := range exprsOf(op) {
			expr(x)
		}
		switch op := op.(type) { //nolint:exhaustive // no other has a sub-query
		case *plan.MvApply:
			step(op.Sub)
		case *plan.Partition:
			step(op.Sub)
		}
		for _, in := range inputsOf(op) {
			step(in)
		}
	}
	step(op)
}

// exprsOf gives the expressions of a step.
func exprsOf(op plan.Op) []plan.Expr {
	var list []plan.Expr
	assigns := func(all []plan.Assign) {
		for i := range all {
			list = append(list, all[i].X)
		}
	}
	keys := func(all []plan.SortKey) {
		for i := range all {
			list = append(list, all[i].X)
		}
	}
	switch op := op.(type) {
	case *plan.Scan, *plan.External, *plan.Rows, *plan.Serialize, *plan.Union, *plan.Shared, *plan.Pivot:
	case *plan.Values:
		for _, row := range op.Rows {
			list = append(list, row...)
		}
	case *plan.Range:
		list = []plan.Expr{op.From, op.To, op.Step}
	case *plan.Filter:
		list = []plan.Expr{op.Pred}
	case *plan.Project:
		assigns(op.Cols)
	case *plan.Sort:
		keys(op.Keys)
	case *plan.Take:
		list = []plan.Expr{op.N}
	case *plan.Top:
		list = []plan.Expr{op.N}
		keys(op.Keys)
	case *plan.Sample:
		list = []plan.Expr{op.N}
	case *plan.Aggregate:
		assigns(op.Keys)
		for i := range op.Aggs {
			list = append(list, op.Aggs[i].Agg)
		}
	case *plan.TopNested:
		for i := range op.Levels {
			list = append(list, op.Levels[i].Key.X, op.Levels[i].By.Agg)
		}
	case *plan.MakeSeries:
		assigns(op.Keys)
		list = append(list, op.On.X)
		for i := range op.Aggs {
			list = append(list, op.Aggs[i].Agg)
		}
	case *plan.Parse:
		list = []plan.Expr{op.X}
	case *plan.ParseKv:
		list = []plan.Expr{op.X}
	case *plan.MvExpand:
		for i := range op.Items {
			list = append(list, op.Items[i].X)
		}
	case *plan.MvApply:
		for i := range op.Items {
			list = append(list, op.Items[i].X)
		}
	case *plan.Unpack:
		list = []plan.Expr{op.X}
	case *plan.Partition:
		list = []plan.Expr{op.By}
	case *plan.Join:
		for i := range op.On {
			list = append(list, op.On[i].Left, op.On[i].Right)
		}
	}
	return list
}

func (g *gen) scan(op *plan.Scan, order bool) (*rel, error) {
	if g.env.Table != nil {
		if t, ok := g.env.Table(op, g.window(op)); ok {
			return g.stored(op, t, order)
		}
	}
	l := g.tables[op.Table]
	r := g.newRel("table "+op.Table, nil)
	r.load, r.scan, r.cols, r.natural = l, op, op.Columns, true
	var list []string
	for _, c := range op.Columns {
		i := slices.IndexFunc(l.Scan.Columns, func(have plan.Column) bool { return have.Name == c.Name })
		list = append(list, name(l.Scan.Columns[i].ID)+" as "+name(c.ID))
	}
	if order {
		key := g.hide()
		list = append(list, g.d.RowID+" as "+key)
		r.order = []sortKey{{col: key, nonNull: true}}
	}
	if len(list) == 0 {
		list = []string{"1 as none"}
	}
	r.text = "select " + strings.Join(list, ", ") + " from " + l.Name
	return r, nil
}

// stored reads a table that is in the engine already.
func (g *gen) stored(op *plan.Scan, t *Table, order bool) (*rel, error) {
	r := g.newRel("table "+op.Table, nil)
	r.cols, r.natural, r.raw = op.Columns, true, map[int]string{}
	var list []string
	for _, c := range op.Columns {
		col, ok := t.Columns[c.Name]
		text := col.SQL
		switch {
		case !ok:
			text = g.d.Literal(nullOf(c.Type))
		case col.Micros:
			r.raw[c.ID] = g.hide()
			list = append(list, text+" as "+r.raw[c.ID])
			text = g.d.ticksOf(text)
		case col.Nulls && c.Type == kql.TypeString:
			text = "coalesce(" + text + ", '')"
		}
		list = append(list, text+" as "+name(c.ID))
	}
	if order {
		for _, o := range t.Order {
			key := g.hide()
			list = append(list, o+" as "+key)
			r.order = append(r.order, sortKey{col: key, nonNull: true})
		}
	}
	if len(list) == 0 {
		list = []string{"1 as none"}
	}
	r.text = "select " + strings.Join(list, ", ") + " from " + t.From
	return r, nil
}

func nullOf(t kql.Type) *plan.Lit {
	return &plan.Lit{Info: plan.Info{Type: t, Const: true}, Null: t != kql.TypeString}
}

// values writes a table out. Its rows are numbered, so that they have an order.
func (g *gen) values(op *plan.Values) (*rel, error) {
	if len(op.Rows)*(1+len(op.Cols)) > maxValues {
		return nil, cannot("so many values")
	}
	s := g.scope(nil)
	key := g.hide()
	var rows []string
	for n, row := range op.Rows {
		var cells []string
		for i, x := range row {
			t, err := s.value(x)
			if err != nil {
				return nil, err
			}
			cells = append(cells, t.sql+" as "+name(op.Cols[i].ID))
			if t.typ != op.Cols[i].Type {
				return nil, cannot("a value of another type than its column")
			}
		}
		rows = append(rows, "select "+strings.Join(append(cells, fmt.Sprintf("%d as %s", n, key)), ", "))
	}
	if len(rows) == 0 {
		var cells []string
		for _, c := range op.Cols {
			cells = append(cells, g.d.Literal(nullOf(c.Type))+" as "+name(c.ID))
		}
		rows = []string{"select " + strings.Join(append(cells, "0 as "+key), ", ") + " where false"}
	}
	r := g.newRel("values", s.deps)
	r.cols = op.Cols
	r.text = strings.Join(rows, " union all ")
	if len(rows) > 1 && len(s.deps) == 0 && allLiterals(op) {
		r.text = g.valuesList(s, op, key)
	}
	r.order = []sortKey{{col: key, nonNull: true}}
	return r, nil
}

func allLiterals(op *plan.Values) bool {
	for _, row := range op.Rows {
		for _, x := range row {
			if _, ok := x.(*plan.Lit); !ok {
				return false
			}
		}
	}
	return true
}

// valuesList is the short form for literals.
func (g *gen) valuesList(s *scope, op *plan.Values, key string) string {
	var w strings.Builder
	w.WriteString("select * from (values ")
	for n, row := range op.Rows {
		if n > 0 {
			w.WriteString(", ")
		}
		w.WriteByte('(')
		for _, x := range row {
			if t, err := s.value(x); err == nil { // it was written before
				w.WriteString(t.sql + ", ")
			}
		}
		fmt.Fprintf(&w, "%d)", n)
	}
	w.WriteString(") v(")
	for _, c := range op.Cols {
		w.WriteString(name(c.ID) + ", ")
	}
	w.WriteString(key + ")")
	return w.String()
}

// series writes range, of whole numbers, times and spans.
func (g *gen) series(op *plan.Range) (*rel, error) {
	s := g.scope(nil)
	var ends [3]int64
	for i, x := range []plan.Expr{op.From, op.To, op.Step} {
		t, err := s.value(x)
		if err != nil {
			return nil, err
		}
		if t.lit == nil || t.lit.Null || t.typ == kql.TypeReal || t.typ == kql.TypeDecimal {
			return nil, cannot("a range of what is computed, or of real numbers")
		}
		ends[i] = t.lit.Int
	}
	from, to, step := ends[0], ends[1], ends[2]
	const most = 1 << 62
	if op.Col.Type == kql.TypeReal || op.Col.Type == kql.TypeDecimal || step == 0 ||
		max(from, to, step, -from, -to, -step) > most/2 || min(from, to, step) < -most/2 {
		return nil, cannot("such a range")
	}
	n := int64(0)
	if (to-from)/step >= 0 && (to >= from) == (step > 0) || to == from {
		n = (to-from)/step + 1
	}
	if g.env.Fanout > 0 && n > int64(g.env.Fanout) {
		return nil, cannot("a range of more rows than the limit") // of which Go speaks
	}
	r := g.newRel("range", nil)
	r.cols = []plan.Column{op.Col}
	key := g.hide()
	r.order = []sortKey{{col: key, nonNull: true}}
	r.text = fmt.Sprintf("select (%d + %s * (%d))::%s as %s, %s from %s", from, key, step, g.d.Type(op.Col.Type), name(op.Col.ID),
		key, g.d.counter(n, key))
	return r, nil
}

// share gives the table of a materialize, which all of its places read.
func (g *gen) share(s *plan.Shared, order bool) *node {
	_ = order
	r := g.shared[s.Key]
	if r == nil {
		n := g.step(s.Input, true)
		if n.rel == nil {
			return g.goStep(s, []*node{n}, cannot("%s", n.reason))
		}
		r = n.rel
		r.once = true
		g.shared[s.Key] = r
	}
	own := plan.Columns(s.Input)
	var list []string
	renamed := map[string]string{}
	for i, c := range own {
		from, to := name(r.cols[i].ID), name(c.ID)
		if from != to {
			list = append(list, from+" as "+to)
		} else {
			list = append(list, to)
		}
		renamed[from] = to
	}
	out := g.newRel("shared "+strconv.Itoa(s.Key), []*rel{r})
	out.cols = own
	for _, k := range r.order {
		if to, ok := renamed[k.col]; ok {
			k.col = to
		} else { // both places may meet in a join
			from := k.col
			k.col = g.hide()
			list = append(list, from+" as "+k.col)
		}
		out.order = append(out.order, k)
	}
	if len(list) == 0 {
		list = []string{"1 as none"}
	}
	out.text = "select " + strings.Join(list, ", ") + " from " + r.name
	return &node{rel: out}
}
