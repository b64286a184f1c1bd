package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drumbeat/kql"
)

// table binds an expression that stands for a table.
func (b *binder) table(scope *env, x kql.Expr) *rel {
	if !b.spend(1, x.Range()) {
		return badRel()
	}
	switch x := kql.Unparen(x).(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Name:
		return b.namedTable(scope, x)
	case *kql.Pipe:
		return b.pipe(scope, nil, x)
	case *kql.DataTable:
		return b.dataTable(scope, x)
	case *kql.ExternalData:
		if b.opt.External {
			return b.external(scope, x)
		}
		b.unsupported(x.Span, "externaldata")
		r := badRel()
		for _, c := range x.Columns {
			r.cols = append(r.cols, b.newCol(c.Name.Text, c.Type.Type, false))
		}
		r.wide = false
		return r
	case *kql.Call:
		return b.tableCall(scope, x)
	case *kql.Path:
		return b.elsewhere(x)
	default:
		b.report(CodeTypes, x.Range(), "a table must stand here", "")
	}
	return badRel()
}

// external is data that lies elsewhere.
func (b *binder) external(scope *env, x *kql.ExternalData) *rel {
	e := &External{Cols: b.declaredColumns(x.Columns)}
	for _, uri := range x.URIs {
		v := b.scalar(&ctx{env: scope}, uri)
		if lit, ok := v.(*Lit); ok && lit.Type == kql.TypeString {
			e.URIs = append(e.URIs, lit.Str)
			if a, ok := b.schema.(Adviser); ok {
				if refusal, hint := a.Refuse(lit.Str); refusal != "" {
					b.report(CodeUnknownName, uri.Range(), refusal, hint)
				}
			}
		} else if TypeOf(v) != kql.TypeUnknown {
			b.report(CodeConstant, uri.Range(), "an address must be a literal", "")
		}
	}
	for _, w := range x.With {
		text := ""
		switch v := w.Value.(type) { //nolint:exhaustive // the others are of no use here
		case *kql.Literal:
			text = v.Str
			if v.Type == kql.TypeBool {
				text = strconv.FormatBool(v.Bool)
			}
		case *kql.Name:
			text = v.Text
		default:
			b.unsupported(w.Span, "this value")
		}
		e.With = append(e.With, [2]string{w.Name.Text, text})
	}
	return &rel{op: e, cols: e.Cols}
}

// elsewhere is a table of another workspace. There is one set of tables: it stands for those of all workspaces.
func (b *binder) elsewhere(x *kql.Path) *rel {
	call, ok := kql.Unparen(x.X).(*kql.Call)
	if b.opt.official || !ok || call.Func.Text != "workspace" || len(call.Args) != 1 {
		b.unsupported(x.Span, "a table of another database")
		return badRel()
	}
	b.report(CodeElsewhere, call.Span, "other workspaces are not at hand: the table of this name here is read", "")
	switch sel := x.Sel.(type) { //nolint:exhaustive // there is nothing else that can be a table
	case *kql.Name:
		return b.namedTable(newEnv(nil), sel)
	case *kql.Call:
		return b.tableCall(newEnv(nil), sel)
	}
	b.unsupported(x.Sel.Range(), "this in another workspace")
	return badRel()
}

func (b *binder) namedTable(scope *env, x *kql.Name) *rel {
	if v := scope.find(x.Text); v != nil {
		switch {
		case v.table != nil:
			return b.use(v.table, x.Span)
		case v.lambda != nil:
			r, value := b.call(&ctx{env: scope}, v.lambda, &kql.Call{Span: x.Span, Func: x}, nil)
			if r == nil {
				if TypeOf(value) != kql.TypeUnknown {
					b.report(CodeTypes, x.Span, quote(x.Text)+" gives a value: a table must stand here", "")
				}
				return badRel()
			}
			return r
		}
		b.report(CodeTypes, x.Span, quote(x.Text)+" is a value: a table must stand here", "")
		return badRel()
	}
	if t, ok := b.schema.Table(x.Text); ok {
		return b.scan(t, x.Span)
	}
	if l := b.stored(x.Text, x.Span); l != nil {
		if r, _ := b.call(&ctx{env: scope}, l, &kql.Call{Span: x.Span, Func: x}, nil); r != nil {
			return r
		}
		return badRel()
	}
	if b.fuzzy > 0 {
		b.missing = true
		b.report(CodeMissing, x.Span, "there is no table "+quote(x.Text)+": it is left out", "")
		return b.absent()
	}
	if b.silent() {
		return badRel()
	}
	known := append(b.schema.Tables(), scope.names(func(v *binding) bool { return v.table != nil || v.lambda != nil })...)
	meant := hint(x.Text, known)
	if a, ok := b.schema.(Adviser); ok && meant == "" {
		meant = a.TableHint(x.Text)
	}
	b.report(CodeUnknownName, x.Span, "there is no table "+quote(x.Text), meant)
	return badRel()
}

// absent stands for a table that is missing in a union that is fuzzy.
func (b *binder) absent() *rel {
	r := badRel()
	if b.opt.official { // which keeps it, with whatever columns are named
		none := &Values{}
		r.op = none
		r.opener = &opener{known: map[string]Column{}, add: func(c Column) { none.Cols = append(none.Cols, c) }}
	}
	return r
}

func (b *binder) scan(t *Table, at kql.Span) *rel {
	scan := &Scan{Table: t.Name, Open: t.Open, Columns: make([]Column, 0, len(t.Columns))}
	names := make(map[string]bool, len(t.Columns))
	for _, c := range t.Columns {
		col := b.newCol(freeName(c.Name, func(n string) bool { return names[n] }), c.Type, c.NonNull)
		names[col.Name] = true
		scan.Columns = append(scan.Columns, col)
	}
	b.spend(len(scan.Columns), at)
	r := &rel{op: scan, cols: slices.Clip(scan.Columns)}
	if t.Open {
		r.wide = true
		r.opener = &opener{known: map[string]Column{}, add: func(c Column) { scan.Columns = append(scan.Columns, c) }}
	}
	return r
}

func (b *binder) tableCall(scope *env, x *kql.Call) *rel {
	name := x.Func.Text
	switch name {
	case "materialize", "totable":
		if len(x.Args) == 1 {
			return b.table(scope, x.Args[0])
		}
		b.report(CodeArguments, x.Span, name+" takes 1 argument", "")
		return badRel()
	case "table":
		if b.checking > 0 {
			return badRel() // the name is known only when the function is called
		}
		named, ok := "", false
		if len(x.Args) == 1 {
			named, ok = tableName(b.scalar(&ctx{env: scope}, x.Args[0]))
		}
		if !ok {
			b.unsupported(x.Span, "table() with anything but a literal")
			return badRel()
		}
		return b.namedTable(newEnv(nil), &kql.Name{Span: x.Span, Text: named})
	case "external_table", "materialized_view", "stored_query_result":
		b.unsupported(x.Span, name)
		return badRel()
	}
	v := scope.find(name)
	if v != nil && v.table != nil && len(x.Args) == 0 {
		return b.use(v.table, x.Span)
	}
	var l *lambda
	if v != nil {
		l = v.lambda
	} else {
		l = b.stored(name, x.Span)
	}
	if l == nil {
		if b.fuzzy > 0 && v == nil && catalogue().scalar[name] == nil {
			b.missing = true
			b.report(CodeMissing, x.Span, "there is no function "+quote(name)+": it is left out", "")
			return b.absent()
		}
		if catalogue().scalar[name] != nil {
			b.report(CodeTypes, x.Span, quote(name)+" gives a value: a table must stand here", "")
			return badRel()
		}
		b.unknownFunction(&ctx{env: scope}, x)
		return badRel()
	}
	r, value := b.call(&ctx{env: scope}, l, x, nil)
	if r == nil {
		if value != nil && TypeOf(value) != kql.TypeUnknown {
			b.report(CodeTypes, x.Span, quote(name)+" gives a value: a table must stand here", "")
		}
		return badRel()
	}
	return r
}

func (b *binder) dataTable(scope *env, x *kql.DataTable) *rel {
	cols := b.declaredColumns(x.Columns)
	r := &rel{op: &Values{Cols: cols}, cols: cols}
	n := len(cols)
	if n == 0 || len(x.Values)%n != 0 {
		b.report(CodeValue, x.Span, fmt.Sprintf("%s do not fill rows of %s", plural(len(x.Values), "value"), plural(n, "column")), "")
		return &rel{cols: cols}
	}
	values := &Values{Cols: cols}
	for i, v := range x.Values {
		if i%n == 0 {
			values.Rows = append(values.Rows, make([]Expr, 0, n))
		}
		row := &values.Rows[len(values.Rows)-1]
		e := b.cellValue(scope, v)
		if !Const(e) && TypeOf(e) != kql.TypeUnknown {
			b.report(CodeConstant, v.Range(), "a literal must stand here", "")
		}
		*row = append(*row, b.cell(e, cols[i%n].Type))
	}
	r.op = values
	return r
}

// cellValue binds a literal of a datatable, whose sign belongs to it.
func (b *binder) cellValue(scope *env, v kql.Expr) Expr {
	if lit, ok := v.(*kql.Literal); ok {
		return literal(lit)
	}
	return b.scalar(&ctx{env: scope}, v)
}

// cell is a value of a datatable, which becomes null if it does not fit.
func (b *binder) cell(e Expr, t Type) Expr {
	lit, ok := e.(*Lit)
	if !ok || lit.Type == t {
		return e
	}
	if t == kql.TypeDynamic {
		// A dynamic column takes any value as it is.
		return &Call{Info: typed(t, NonNull(e), true), Fn: FnConvert, Args: []Expr{e}}
	}
	return b.convert(e, t)
}

func (b *binder) declaredColumns(decls []*kql.ColumnDecl) []Column {
	cols := make([]Column, 0, len(decls))
	seen := make(map[string]bool, len(decls))
	for _, d := range decls {
		if seen[d.Name.Text] {
			b.report(CodeDuplicate, d.Name.Span, "there is a column "+quote(d.Name.Text)+" already", "")
		}
		seen[d.Name.Text] = true
		cols = append(cols, b.newCol(d.Name.Text, d.Type.Type, false))
	}
	return cols
}

// tableName gives the value of a text that is known before the query runs, or of several that strcat puts together.
func tableName(x Expr) (string, bool) {
	call, ok := x.(*Call)
	if !ok || call.Fn != FnStrcat {
		return constantText(x)
	}
	var name strings.Builder
	for _, a := range call.Args {
		part, ok := tableName(a)
		if !ok {
			return "", false
		}
		name.WriteString(part)
	}
	return name.String(), true
}

// pipe binds the operators, on a source or on the rows that it is handed.
func (b *binder) pipe(scope *env, rows *rel, x *kql.Pipe) *rel {
	r := rows
	if x.Source != nil {
		r = b.table(scope, x.Source)
	}
	start := scope
	for i, op := range x.Ops {
		n := 1
		if r != nil {
			n += len(r.cols)
		}
		if !b.spend(n, op.Range()) {
			return badRel()
		}
		switch op := op.(type) { //nolint:exhaustive // the others need their input alone
		case *kql.As:
			scope, r = b.as(scope, r, op, b.before(start, rows, x, i))
		case *kql.Invoke:
			r = b.invoke(&ctx{env: scope, row: r}, op, b.before(start, rows, x, i))
		default:
			r = b.operator(scope, r, op)
		}
	}
	if r == nil {
		return badRel()
	}
	return r
}

// before gives a way to bind the first n operators of a pipe again, or nil where they begin with rows that they are
// handed, or with none.
func (b *binder) before(scope *env, rows *rel, x *kql.Pipe, n int) func() *rel {
	if rows != nil || x.Source == nil && n == 0 {
		return nil
	}
	return func() *rel {
		if n == 0 {
			return b.table(scope, x.Source)
		}
		return b.pipe(scope, nil, &kql.Pipe{Span: x.Span, Source: x.Source, Ops: x.Ops[:n]})
	}
}

// as names the table so far for what follows in the pipe. Materialized it is one table, wherever it is named.
func (b *binder) as(scope *env, r *rel, as *kql.As, again func() *rel) (*env, *rel) {
	if again == nil || r == nil {
		b.unsupported(as.Span, "as in a sub-query")
		return scope, r
	}
	if word, _, ok := paramWord(as.Params, "hint.materialized"); ok && word == "true" {
		b.shared++
		key, plain := b.shared, again
		again = func() *rel { return shared(plain(), key) }
		r = shared(r, key)
	}
	return newEnv(scope).add(binding{name: as.Name.Text, table: &tableDef{given: again}}), r
}

// shared marks a table that is to be computed once.
func shared(r *rel, key int) *rel {
	if r.op == nil {
		return r
	}
	return r.from(&Shared{Key: key, Input: r.op})
}

//nolint:funlen // one line for each operator
func (b *binder) operator(scope *env, r *rel, op kql.Operator) *rel {
	c := &ctx{env: scope, row: r}
	if r == nil {
		switch op := op.(type) { //nolint:exhaustive // the others are of no use here
		case *kql.Print:
			return b.print(c, op)
		case *kql.Range:
			return b.rangeOf(c, op)
		case *kql.Union:
			return b.union(c, op)
		case *kql.Search:
			return b.search(c, op)
		case *kql.Find:
			b.unsupported(op.Span, "find")
		case *kql.Evaluate:
			b.unsupported(op.Span, "evaluate without a table")
		default:
			b.report(kql.CodeFirst, op.Range(), "a table must stand before "+kql.Keyword(op), "")
		}
		return badRel()
	}
	switch op := op.(type) {
	case *kql.Where:
		return b.where(c, op)
	case *kql.Extend:
		return b.extend(c, op.Cols)
	case *kql.Project:
		return b.project(c, op.Cols)
	case *kql.ProjectAway:
		return b.projectAway(c, op)
	case *kql.ProjectKeep:
		return b.projectKeep(c, op)
	case *kql.ProjectRename:
		return b.projectRename(c, op)
	case *kql.ProjectReorder:
		return b.projectReorder(c, op)
	case *kql.Summarize:
		return b.summarize(c, op)
	case *kql.Distinct:
		return b.distinct(c, op)
	case *kql.Count:
		return b.count(c, op)
	case *kql.Sort:
		return b.sort(c, op)
	case *kql.Top:
		return b.top(c, op)
	case *kql.TopNested:
		return b.topNested(c, op)
	case *kql.Take:
		return b.take(c, op)
	case *kql.Sample:
		return b.sample(c, op)
	case *kql.SampleDistinct:
		return b.sampleDistinct(c, op)
	case *kql.Join:
		return b.join(c, op)
	case *kql.Lookup:
		return b.lookup(c, op)
	case *kql.Union:
		return b.union(c, op)
	case *kql.Search:
		return b.search(c, op)
	case *kql.MvExpand:
		return b.mvExpand(c, op)
	case *kql.MvApply:
		return b.mvApply(c, op)
	case *kql.ParseOp:
		return b.parse(c, op)
	case *kql.ParseKv:
		return b.parseKv(c, op)
	case *kql.MakeSeries:
		return b.makeSeries(c, op)
	case *kql.Evaluate:
		return b.evaluate(c, op)
	case *kql.Serialize:
		s := r.from(&Serialize{Input: r.op})
		s.ordered = true
		return b.extend(&ctx{env: scope, row: live(r, s)}, op.Cols)
	case *kql.GetSchema:
		return b.getSchema(c, op)
	case *kql.AssertSchema:
		return b.assertSchema(c, op)
	case *kql.Render:
		b.plan.Render = op.Chart.Text
		return r
	case *kql.Partition:
		return b.partition(c, op)
	case *kql.ProjectByNames:
		return b.projectByNames(c, op)
	case *kql.TopHitters:
		return b.topHitters(c, op)
	case *kql.As, *kql.Invoke: // pipe binds them
	case *kql.Consume:
		return b.consume(c, op)
	case *kql.Reduce, *kql.Fork, *kql.Facet, *kql.Scan, *kql.Find:
		b.unsupported(op.Range(), kql.Keyword(op))
	case *kql.Print, *kql.Range:
		b.report(kql.CodeNotFirst, op.Range(), kql.Keyword(op)+" must be the first", "")
	case *kql.BadOperator:
		b.report(kql.CodeOperator, op.Span, "the operator could not be read", "")
	}
	return badRel()
}

// consume reads a table and gives no rows.
func (b *binder) consume(c *ctx, op *kql.Consume) *rel {
	if b.opt.official || c.row.wide || len(c.row.cols) == 0 {
		b.unsupported(op.Span, "consume")
		return badRel()
	}
	return live(c.row, c.row.from(&Filter{Input: c.row.op, Pred: &Lit{Info: typed(kql.TypeBool, true, true)}}))
}

// live keeps a table that has an error as one.
func live(before, after *rel) *rel {
	if before.op == nil {
		after.op = nil
	}
	return after
}

// condition binds what must be a bool.
func (b *binder) condition(c *ctx, x kql.Expr) Expr {
	v := b.scalar(c, x)
	if t := TypeOf(v); t != kql.TypeBool && !loose(v) {
		b.report(CodeTypes, x.Range(), fmt.Sprintf("a condition must be a bool, not %s", t), "")
		return bad()
	}
	return v
}

func (b *binder) where(c *ctx, op *kql.Where) *rel {
	pred := b.condition(c, op.Pred)
	r := c.row.from(&Filter{Input: c.row.op, Pred: pred})
	return live(c.row, r.nonNull(pred))
}

// nonNull learns from a condition which columns are never null in the rows that are left.
func (r *rel) nonNull(pred Expr) *rel {
	var ids []int
	call, ok := pred.(*Call)
	if !ok {
		return r
	}
	parts := []Expr{call}
	if call.Fn == FnAnd {
		parts = call.Args
	}
	for _, p := range parts {
		call, ok := p.(*Call)
		if !ok || len(call.Args) == 0 {
			continue
		}
		switch call.Fn { //nolint:exhaustive // the others say nothing of nulls
		case FnIsnotnull, FnLt, FnLe, FnGt, FnGe, FnBetween:
		case FnEq:
			if lit, ok := call.Args[1].(*Lit); !ok || lit.Null {
				continue
			}
		default:
			continue
		}
		for _, a := range call.Args {
			if col, ok := a.(*Col); ok && !col.NonNull {
				ids = append(ids, col.ID)
			}
		}
	}
	if len(ids) == 0 {
		return r
	}
	cols := slices.Clone(r.cols)
	for i := range cols {
		cols[i].NonNull = cols[i].NonNull || slices.Contains(ids, cols[i].ID)
	}
	r.cols = cols
	return r
}

// assignTo binds the columns of extend, project and their like into a projector.
func (b *binder) assignTo(p *projector, c *ctx, list []kql.Expr, extend bool) {
	c.making = p
	taken := func(name string) bool {
		return c.env.find(name) != nil || extend && c.row != nil && c.row.index(name) >= 0
	}
	for _, e := range list {
		names := []*kql.Name(nil)
		x := e
		if named, ok := e.(*kql.Named); ok {
			names, x = named.Names, named.X
		}
		if _, star := x.(*kql.Star); star && names == nil && c.row != nil {
			for _, col := range c.row.cols {
				if _, ok := p.index[col.Name]; !ok {
					p.add(col.Name, col.ref(), false)
				}
			}
			continue
		}
		if b.assignMany(p, c, e, extend) {
			continue
		}
		v := b.scalar(c, x)
		if len(names) > 1 {
			b.report(CodeTypes, e.Range(), "the expression gives one value", "give it one name")
			continue
		}
		if len(names) == 1 {
			p.declare(names[0].Text, v, names[0].Span, extend)
			continue
		}
		if col, ok := v.(*Col); ok && !b.isCallOf(x) && col.ID != 0 {
			p.declare(col.Name, v, x.Range(), extend)
			continue
		}
		name := b.nameOf(c, x, 0)
		if name == "" {
			name = p.nextUnnamed(taken)
		}
		p.add(name, v, extend)
	}
}

func (b *binder) isCallOf(x kql.Expr) bool {
	_, ok := kql.Unparen(x).(*kql.Call)
	return ok
}

// assignMany handles a function that gives several values; it reports whether e is a call of one. Under one name stands
// the first of the values alone.
func (b *binder) assignMany(p *projector, c *ctx, e kql.Expr, extend bool) bool {
	x, names, single := e, []*kql.Name(nil), false
	if named, ok := e.(*kql.Named); ok {
		x, names, single = named.X, named.Names, !named.Tuple && !b.opt.official
	}
	call, ok := kql.Unparen(x).(*kql.Call)
	if !ok || c.aggs != nil || c.env.find(call.Func.Text) != nil {
		return false
	}
	info := catalogue().scalar[call.Func.Text]
	if info == nil || tupleItems[info.ID] == nil && info.ID != FnArraySortAsc && info.ID != FnArraySortDesc {
		return false
	}
	v, outs := b.builtin(c, info, call)
	if outs == nil {
		return true
	}
	if len(names) > len(outs) {
		b.report(CodeTypes, names[len(outs)].Span, fmt.Sprintf("%s gives %s", info.Name, plural(len(outs), "value")), "")
		names = names[:len(outs)]
	}
	prefix := info.Name
	if len(call.Args) > 0 {
		prefix += "_" + b.nameOf(c, call.Args[0], 0)
	}
	for i := range outs {
		item := itemOf(v, outs, i)
		if single && i > 0 {
			break
		}
		if i < len(names) {
			p.declare(names[i].Text, item, names[i].Span, extend)
			continue
		}
		name := outs[i].whole
		if name == "" {
			name = prefix + "_" + outs[i].name
		}
		p.add(name, item, extend)
	}
	return true
}

func (b *binder) extend(c *ctx, list []kql.Expr) *rel {
	r := c.row
	if len(list) == 0 {
		return r
	}
	p := b.newProjector()
	p.keep(r.cols)
	known := len(r.cols)
	b.assignTo(p, c, list, true)
	for _, col := range r.cols[known:] { // what the expressions opened stands before what they make
		if _, ok := p.index[col.Name]; !ok {
			p.cols = slices.Insert(p.cols, known, Assign{Col: col, X: col.ref()})
			known++
		}
	}
	return live(r, r.with(&Project{Input: r.op, Cols: p.cols, Open: r.wide}, assigned(p.cols)))
}

// closed gives the table after a step that drops all columns it does not name.
func (r *rel) closed(op Op, cols []Column) *rel {
	if r.op == nil {
		op = nil
	}
	return &rel{op: op, cols: cols, ordered: r.ordered}
}

func (b *binder) project(c *ctx, list []kql.Expr) *rel {
	p := b.newProjector()
	b.assignTo(p, c, list, false)
	return c.row.closed(&Project{Input: c.row.op, Cols: p.cols}, assigned(p.cols))
}

// chosen gives the columns that a list of names and names with stars means, by index.
func (b *binder) chosen(c *ctx, list []kql.Expr) map[int]bool {
	set := map[int]bool{}
	for _, x := range list {
		for _, i := range b.matches(c, x) {
			set[i] = true
		}
	}
	return set
}

func (b *binder) matches(c *ctx, x kql.Expr) []int {
	switch x := x.(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Name:
		if i := c.row.index(x.Text); i >= 0 {
			return []int{i}
		}
		if !c.row.loose() {
			b.report(CodeUnknownName, x.Span, "there is no column "+quote(x.Text), hint(x.Text, columnNames(c.row.cols)))
			return nil
		}
		if col, ok := c.row.open(b, x.Text); ok {
			c.row = c.row.with(c.row.op, append(slices.Clone(c.row.cols), col))
			return []int{len(c.row.cols) - 1}
		}
		if c.row.isAway(x.Text) {
			b.report(CodeUnknownName, x.Span, "there is no column "+quote(x.Text), "")
		}
	case *kql.Wildcard:
		return b.matchPattern(c, x.Pattern, x.Span)
	case *kql.Star:
		return b.matchPattern(c, "*", x.Span)
	default:
		b.report(kql.CodeExpected, x.Range(), "the name of a column must stand here", "")
	}
	return nil
}

func (b *binder) matchPattern(c *ctx, pattern string, at kql.Span) []int {
	var all []int
	for i := range c.row.cols {
		if matchStars(pattern, c.row.cols[i].Name) {
			all = append(all, i)
		}
	}
	b.spend(len(c.row.cols), at)
	if len(all) == 0 && !c.row.loose() {
		b.report(CodeUnknownName, at, "no column is named like "+quote(pattern), "")
	}
	return all
}

// matchStars reports whether a name fits a pattern in which * stands for any text.
func matchStars(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// picked hands on some columns.
func (c *ctx) picked(cols []Column, open bool) *rel {
	list := make([]Assign, len(cols))
	for i, col := range cols {
		list[i] = Assign{Col: col, X: col.ref()}
	}
	op := &Project{Input: c.row.op, Cols: list, Open: open}
	if open {
		return live(c.row, c.row.with(op, cols))
	}
	return c.row.closed(op, cols)
}

func (b *binder) projectAway(c *ctx, op *kql.ProjectAway) *rel {
	wide := c.row.wide
	away := b.chosen(c, op.Cols)
	var kept []Column
	for i, col := range c.row.cols {
		if !away[i] {
			kept = append(kept, col)
		}
	}
	r := c.picked(kept, wide)
	if p, ok := r.op.(*Project); ok && wide {
		for _, x := range op.Cols {
			switch x := x.(type) { //nolint:exhaustive // the others are of no use here
			case *kql.Name:
				p.Away = append(p.Away, x.Text)
			case *kql.Wildcard:
				p.Away = append(p.Away, x.Pattern)
			case *kql.Star:
				p.Away = append(p.Away, "*")
			default:
			}
		}
		r.away = append(slices.Clone(r.away), p.Away...)
	}
	return r
}

func (b *binder) projectKeep(c *ctx, op *kql.ProjectKeep) *rel {
	keep := b.chosen(c, op.Cols)
	var kept []Column
	for i, col := range c.row.cols {
		if keep[i] {
			kept = append(kept, col)
		}
	}
	return c.picked(kept, false)
}

func (b *binder) projectRename(c *ctx, op *kql.ProjectRename) *rel {
	var away []string
	if c.row.wide { // what is renamed becomes known first
		for _, x := range op.Cols {
			if named, ok := x.(*kql.Named); ok {
				if old, ok := kql.Unparen(named.X).(*kql.Name); ok {
					b.matches(c, old)
					away = append(away, old.Text)
				}
			}
		}
	}
	list := make([]Assign, len(c.row.cols))
	for i, col := range c.row.cols {
		list[i] = Assign{Col: col, X: col.ref()}
	}
	names := map[string]int{}
	for _, col := range c.row.cols {
		names[col.Name]++
	}
	for _, x := range op.Cols {
		named, ok := x.(*kql.Named)
		old, okName := (*kql.Name)(nil), false
		if ok && len(named.Names) == 1 {
			old, okName = kql.Unparen(named.X).(*kql.Name)
		}
		if !okName {
			b.report(kql.CodeExpected, x.Range(), "project-rename takes new = old", "")
			continue
		}
		i := slices.IndexFunc(c.row.cols, func(col Column) bool { return col.Name == old.Text })
		if i < 0 {
			b.matches(c, old)
			continue
		}
		name := named.Names[0]
		names[old.Text]--
		if names[name.Text] > 0 {
			b.report(CodeDuplicate, name.Span, "there is a column "+quote(name.Text)+" already", "")
		}
		names[name.Text]++
		col := b.newCol(name.Text, c.row.cols[i].Type, c.row.cols[i].NonNull)
		col.Open = c.row.cols[i].Open
		list[i].Col = col
	}
	r := live(c.row, c.row.with(&Project{Input: c.row.op, Cols: list, Open: c.row.wide, Away: away}, assigned(list)))
	r.away = append(slices.Clone(r.away), away...)
	return r
}

func (b *binder) projectReorder(c *ctx, op *kql.ProjectReorder) *rel {
	var order []int
	placed := map[int]bool{}
	for _, key := range op.Cols {
		group := b.matches(c, key.X)
		switch key.Order {
		case kql.OrderDefault:
		case kql.OrderAsc, kql.OrderDesc:
			slices.SortStableFunc(group, func(i, j int) int {
				n := strings.Compare(lower(c.row.cols[i].Name), lower(c.row.cols[j].Name))
				if key.Order == kql.OrderDesc {
					n = -n
				}
				return n
			})
		case kql.OrderGrannyAsc, kql.OrderGrannyDesc:
			b.unsupported(key.Span, key.Order.String())
		}
		for _, i := range group {
			if !placed[i] {
				placed[i] = true
				order = append(order, i)
			}
		}
	}
	var cols []Column
	for _, i := range order {
		cols = append(cols, c.row.cols[i])
	}
	for i, col := range c.row.cols {
		if !placed[i] {
			cols = append(cols, col)
		}
	}
	return c.picked(cols, c.row.wide)
}

// projectByNames is a project whose names, some with stars, are constants or arrays of them.
func (b *binder) projectByNames(c *ctx, op *kql.ProjectByNames) *rel {
	var list []kql.Expr
	for _, x := range op.Cols {
		names, ok := constantNames(b.scalar(&ctx{env: c.env}, x))
		if !ok {
			b.report(CodeConstant, x.Range(), "the names must be constants", "")
			return badRel()
		}
		for _, name := range names {
			list = append(list, &kql.Wildcard{Span: x.Range(), Pattern: name})
		}
	}
	var cols []Column
	placed := map[int]bool{}
	for _, x := range list {
		for _, i := range b.matches(c, x) {
			if !placed[i] {
				placed[i] = true
				cols = append(cols, c.row.cols[i])
			}
		}
	}
	return c.picked(cols, false)
}

// constantNames gives a string, or the strings of an array.
func constantNames(x Expr) ([]string, bool) {
	lit, ok := x.(*Lit)
	if !ok || lit.Null {
		return nil, false
	}
	if lit.Type == kql.TypeString {
		return []string{lit.Str}, true
	}
	var names []string
	ok = lit.Type == kql.TypeDynamic && json.Unmarshal([]byte(lit.Str), &names) == nil
	return names, ok
}
