package sqlgen

import (
	"fmt"
	"strconv"
	"strings"

	"drumbeat/kql/plan"
)

// The bounds of one query. What is larger goes to Go, which has none.
const (
	maxChain  = 200       // sub-queries that read each other
	maxRels   = 1000      // sub-queries
	maxDepth  = 150       // expressions within expressions
	maxGroups = 8         // summaries over each other that DuckDB may take apart: the time for it doubles with each
	maxUnion  = 400       // inputs of a union, which stand within each other for DuckDB
	maxText   = 4_000_000 // bytes
	maxValues = 20_000    // cells of a table that is written out
)

// Generate makes a plan ready for an engine.
func Generate(p *plan.Plan, d *Dialect, env Env) (*Program, error) {
	for i := range p.Params {
		if p.Params[i].Default == nil {
			return nil, fmt.Errorf("sqlgen: the parameter %s has no value", p.Params[i].Name)
		}
	}
	g := newGen(p, d, env)
	root := g.partitioned(p.Root)
	g.findTables(root)
	n := g.step(root, wantsOrder(root))
	if g.spoiled { // Go knows nothing of partitions
		g = newGen(p, d, env)
		g.whole = true
		g.findTables(p.Root)
		n = g.step(p.Root, wantsOrder(p.Root))
	}
	g.finish(p, n)
	return g.prog, nil
}

func newGen(p *plan.Plan, d *Dialect, env Env) *gen {
	return &gen{
		params: p.Params, d: d, env: env, prog: &Program{Steps: map[string]plan.Op{}}, funcs: map[string]bool{}, shared: map[int]*rel{}, subs: map[*plan.Sub]*rel{},
		tables: map[string]*Load{}, taken: map[string]bool{}, loaded: map[*Load]bool{}, partition: map[*plan.Project]int{},
		windows: map[*plan.Call]bool{},
	}
}

// gen holds what the parts of one program share.
type gen struct {
	params []plan.Param
	d      *Dialect
	env    Env
	prog   *Program

	funcs  map[string]bool
	shared map[int]*rel
	subs   map[*plan.Sub]*rel
	// tables are those to load, by name: one for all scans of a table.
	tables map[string]*Load
	taken  map[string]bool // the names of all tables that the plan reads
	loaded map[*Load]bool
	// partition has for a Project with next or prev the ID of the column that its rows are parted by.
	partition map[*plan.Project]int
	// whole says that there are no partitions; spoiled, that a step with them went to Go.
	whole, spoiled bool

	// windows says which calls have window functions within them: expressions share parts, and looking twice at each would
	// take long.
	windows map[*plan.Call]bool

	rels, hidden, parts int
	cost                int // expressions written
}

// rel is a table in the SQL: a named sub-query.
type rel struct {
	name    string
	text    string
	comment string
	deps    []*rel
	depth   int // sub-queries below, the longest way
	below   int // sub-queries below, all ways
	size    int // bytes of the text with all below
	load    *Load
	once    bool // computed once, though several read it
	groups  int  // summaries below, the longest way, to the next that is computed once
	// scan is set where the rel is nothing but a table of the caller.
	scan *plan.Scan

	cols []plan.Column
	// order are columns that order the rows, if that was asked for.
	order []sortKey
	// natural says that the engine gives the rows in their order without being told.
	natural bool
	// raw are the columns of timestamps that stand beside columns of ticks, by the IDs of these.
	raw map[int]string
	// notNull are columns that were found to have no nulls, by their IDs. It is not changed once it is there.
	notNull map[int]bool
	// unique are the IDs of columns of which no two rows have the same values, or nil.
	unique []int
}

// sortKey is one key of an order: a column of a rel by its name in the SQL.
type sortKey struct {
	col                       string
	desc, nullsFirst, nonNull bool
}

// node is a step: a table in the SQL, or a step that Go runs, whose inputs are scans of parts.
type node struct {
	rel    *rel
	op     plan.Op
	reason string
	open   bool // has columns that are known only when it runs
}

// step makes a table of a step. With order its rows get an order that does not depend on the engine.
func (g *gen) step(op plan.Op, order bool) *node {
	if s, ok := op.(*plan.Shared); ok {
		return g.share(s, order)
	}
	inputs := inputsOf(op)
	nodes := make([]*node, len(inputs))
	for i, in := range inputs {
		nodes[i] = g.step(in, g.needsOrder(op, order))
	}
	mark := len(g.prog.Funcs)
	r, err := g.sqlStep(op, nodes, order)
	if err == nil {
		return &node{rel: r}
	}
	for _, f := range g.prog.Funcs[mark:] { // asked for in vain
		delete(g.funcs, f.Name)
	}
	g.prog.Funcs = g.prog.Funcs[:mark]
	return g.goStep(op, nodes, err)
}

func (g *gen) sqlStep(op plan.Op, nodes []*node, order bool) (*rel, error) {
	rels := make([]*rel, len(nodes))
	anySQL := false
	for _, n := range nodes {
		anySQL = anySQL || n.rel != nil
		if n.open {
			return nil, cannot("the columns are known only when it runs")
		}
	}
	if len(nodes) > 0 && !anySQL {
		return nil, cannot("its input is in Go") // so Go goes on
	}
	for i, n := range nodes {
		if n.rel != nil && (n.rel.depth >= maxChain || n.rel.below >= maxRels) {
			return nil, cannot("a place for so many steps")
		}
		rels[i] = n.rel
	}
	for i, n := range nodes {
		if n.rel == nil {
			rels[i] = g.loadGo(n)
		}
	}
	return g.emit(op, rels, order)
}

// goStep leaves a step to Go.
func (g *gen) goStep(op plan.Op, nodes []*node, why error) *node {
	n := &node{op: op, reason: why.Error()}
	if len(nodes) > 0 {
		inputs := make([]plan.Op, len(nodes))
		for i, in := range nodes {
			if in.rel == nil { // what Go does first is the reason
				n.reason = in.reason
			}
			inputs[i] = g.asGo(in)
			n.open = n.open || in.open
		}
		n.op = withInputs(op, inputs)
	}
	switch op := op.(type) { //nolint:exhaustive // no other has such columns
	case *plan.Project:
		g.spoiled = g.spoiled || g.partition[op] != 0
	case *plan.Unpack:
		n.open = n.open || op.Open
	case *plan.Pivot:
		n.open = true
	}
	return n
}

// asGo gives a step as the input of one that Go runs.
func (g *gen) asGo(n *node) plan.Op {
	if n.rel == nil {
		return n.op
	}
	if n.rel.scan != nil {
		return n.rel.scan
	}
	name := ""
	for name == "" || g.taken[name] { // a table of the caller may be called anything
		g.parts++
		name = "$" + strconv.Itoa(g.parts)
	}
	g.sqlPart(n.rel, name, 0)
	return &plan.Scan{Table: name, Columns: n.rel.cols}
}

// loadGo has what Go computes loaded into the engine.
func (g *gen) loadGo(n *node) *rel {
	g.parts++
	name := "p" + strconv.Itoa(g.parts)
	cols := plan.Columns(n.op)
	g.prog.Parts = append(g.prog.Parts, &Go{
		Name: name, Reason: n.reason, Plan: &plan.Plan{Root: n.op, Out: cols, Params: g.params},
	})
	return g.loadedTable(name, cols)
}

// loadedTable is a table of the engine that was loaded: its columns have the names that they have in the SQL.
func (g *gen) loadedTable(name string, cols []plan.Column) *rel {
	r := g.newRel("rows of "+name, nil)
	r.cols, r.natural = cols, true
	key := g.hide()
	r.text = "select *, " + g.d.RowID + " as " + key + " from " + name
	r.order = []sortKey{{col: key, nonNull: true}}
	return r
}

// finish makes the last part.
func (g *gen) finish(p *plan.Plan, n *node) {
	if n.rel == nil {
		last := *p
		last.Root = n.op
		g.prog.Parts = append(g.prog.Parts, &Go{Reason: n.reason, Plan: &last})
		return
	}
	r := *n.rel
	r.cols = p.Out
	limit := 0
	if g.env.Limit > 0 {
		limit = g.env.Limit + 1
	}
	g.sqlPart(&r, "", limit)
}

// sqlPart adds a query that gives the columns of a rel.
func (g *gen) sqlPart(r *rel, name string, limit int) {
	part := &SQL{Name: name, Columns: r.cols}
	var list []*rel
	seen := map[string]bool{}
	collect(r, seen, &list)
	var w strings.Builder
	for i, one := range list {
		if one.load != nil && !g.loaded[one.load] {
			g.loaded[one.load] = true
			g.prog.Parts = append(g.prog.Parts, one.load)
		}
		if i == 0 {
			w.WriteString("with\n")
		} else {
			w.WriteString(",\n")
		}
		as := " as ("
		if one.once {
			as = " as materialized ("
		}
		w.WriteString("-- " + one.comment + "\n" + one.name + as + one.text + ")")
		part.Steps = append(part.Steps, one.comment)
	}
	fmt.Fprintf(&w, "\nselect %s\nfrom %s", g.columnList(r.cols), r.name)
	switch {
	case len(r.order) > 0:
		w.WriteString("\norder by " + orderText(r.order))
	case name == "" && !r.natural && len(r.cols) > 0:
		// Any order would do, but not another one each time.
		w.WriteString("\norder by " + columnNames(r.cols))
	}
	if limit > 0 {
		fmt.Fprintf(&w, "\nlimit %d", limit)
	}
	part.Text = w.String()
	g.prog.Parts = append(g.prog.Parts, part)
}

// collect lists the sub-queries that one reads, those first that others read.
func collect(r *rel, seen map[string]bool, list *[]*rel) {
	if seen[r.name] {
		return
	}
	seen[r.name] = true
	for _, d := range r.deps {
		collect(d, seen, list)
	}
	*list = append(*list, r)
}

func (g *gen) newRel(comment string, deps []*rel) *rel {
	g.rels++
	r := &rel{name: "t" + strconv.Itoa(g.rels), comment: oneLine(comment), deps: deps}
	for _, d := range deps {
		r.depth, r.below, r.size = max(r.depth, d.depth), r.below+d.below, r.size+d.size
		if !d.once {
			r.groups = max(r.groups, d.groups)
		}
	}
	r.depth++
	r.below++
	return r
}

// oneLine makes a comment safe: it may hold names that users chose.
func oneLine(s string) string {
	const most = 100
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '.'
		}
		return c
	}, s)
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}

// hide makes the name of a column that is not one of the plan's.
func (g *gen) hide() string {
	g.hidden++
	return "h" + strconv.Itoa(g.hidden)
}

// name is the name of a column in the SQL.
func name(id int) string { return "c" + strconv.Itoa(id) }

func columnNames(cols []plan.Column) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = name(c.ID)
	}
	return strings.Join(names, ", ")
}

// columnList gives the columns of a result; a result without columns has one that says nothing.
func (g *gen) columnList(cols []plan.Column) string {
	if len(cols) == 0 {
		return "1 as none"
	}
	return columnNames(cols)
}

func orderText(keys []sortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.col
		if k.desc {
			parts[i] += " desc"
		}
		if k.nonNull {
			continue
		}
		if k.nullsFirst {
			parts[i] += " nulls first"
		} else {
			parts[i] += " nulls last"
		}
	}
	return strings.Join(parts, ", ")
}
