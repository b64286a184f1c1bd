package plan

import (
	"fmt"
	"slices"
	"time"

	"drumbeat/kql"
)

// The codes of the binder, besides those of package kql.
const (
	CodeUnknownName  kql.Code = "KQL101" // no column, table or variable of that name
	CodeUnknownFunc  kql.Code = "KQL102" // no function of that name
	CodeArguments    kql.Code = "KQL103" // too few or too many arguments
	CodeTypes        kql.Code = "KQL104" // a value of another type must stand here
	CodeDuplicate    kql.Code = "KQL105" // a name that is taken
	CodeNotHere      kql.Code = "KQL106" // right, but not at this place
	CodeConstant     kql.Code = "KQL107" // must be a constant
	CodeUnserialized kql.Code = "KQL108" // a window function on rows in no order
	CodeTooMuch      kql.Code = "KQL109" // functions within functions make the query too large
	CodeValue        kql.Code = "KQL110" // a constant that cannot stand here
	CodeMissing      kql.Code = "KQL111" // a table is missing, and isfuzzy allows it, or tables are there and hold nothing
	CodeNoEffect     kql.Code = "KQL112" // right, but it changes nothing
	CodeElsewhere    kql.Code = "KQL113" // a table of another workspace, for which the one here stands
)

// Options are choices of the caller.
type Options struct {
	// Now is the time that now() and ago() are computed from. If it is zero they stay calls.
	Now time.Time
	// External allows externaldata, which an engine reads from where the query says.
	External bool

	// official gives the types that the official language service gives where the engine is known to give others, so that
	// tests can compare all else.
	official bool
}

// The limits of a query after let statements and functions are put in their places.
const (
	maxCost   = 2_000_000 // columns and expressions
	maxCalls  = 50        // functions within functions
	maxNest   = 2_000     // expressions within expressions
	maxChain  = 10_000    // links of a chain such as a + b + c; and and or have no limit
	maxErrors = 100
)

// Bind finds what the names of a query mean and checks the types. The plan is nil if one of the diagnostics is an error.
// q must be without errors; it is not changed, and the plan does not refer to it.
func Bind(q *kql.Query, s Schema, opt Options) (*Plan, kql.Diagnostics) {
	b := &binder{schema: s, opt: opt, reported: map[remark]bool{}, plan: &Plan{}, tree: q, bodies: map[string]string{}}
	result := b.query(q)
	if !b.diags.HasErrors() && (result == nil || result.op == nil) {
		b.quiet = 0
		b.report(CodeTooMuch, q.Span, "the query is too large or too deep", "")
	}
	b.diags.Sort()
	if b.diags.HasErrors() {
		return nil, b.diags
	}
	p := b.plan
	p.Root, p.Out, p.Open = result.op, slices.Clone(result.cols), result.opener != nil && result.wide
	return p, b.diags
}

type remark struct {
	span kql.Span
	code kql.Code
}

type binder struct {
	schema   Schema
	opt      Options
	diags    kql.Diagnostics
	reported map[remark]bool
	plan     *Plan

	// tree is the query, and bodies are the texts of the stored functions it calls. known are the words of both, when
	// there were wordsOf bodies.
	tree    *kql.Query
	bodies  map[string]string
	known   map[string]bool
	wordsOf int

	lastID int
	shared int
	cost   int
	calls  int // depth of functions and let tables
	nest   int // depth of expressions
	// full says that a limit was passed; nothing is bound after that.
	full bool
	// quiet drops diagnostics: what is bound was bound before, and is right.
	quiet int
	// checking counts the functions around that are bound without a call.
	checking int
	// away is the place of the call while the body of a stored function is bound, whose places are not in the query.
	away *awayFrom
	// place tells where the text that is bound stands, if it is that of a stored function of a file.
	place func(kql.Span) string
	// fuzzy counts the unions with isfuzzy around; missing says that a table was not found in one.
	fuzzy   int
	missing bool
}

type awayFrom struct {
	at   kql.Span
	name string
}

func (b *binder) report(code kql.Code, at kql.Span, message, hint string) {
	if b.quiet > 0 && code != CodeTooMuch && code != kql.CodeTooDeep {
		return
	}
	if b.away != nil {
		name := b.away.name
		if b.place != nil {
			name += ", " + b.place(at)
		}
		at, message = b.away.at, fmt.Sprintf("in function %s: %s", name, message)
	}
	key := remark{at, code}
	if b.reported[key] || len(b.diags) >= maxErrors {
		return
	}
	b.reported[key] = true
	d := kql.Diagnostic{Span: at, Code: code, Message: message, Hint: hint}
	if code == CodeMissing || code == CodeNoEffect || code == CodeElsewhere {
		d.Severity = kql.Warning
	}
	b.diags = append(b.diags, d)
	if len(b.diags) >= maxErrors {
		b.full = true // enough is said
	}
}

// silent reports whether a remark would be dropped, so that no hint need be looked for.
func (b *binder) silent() bool { return b.quiet > 0 || b.full }

func (b *binder) unsupported(at kql.Span, what string) {
	b.report(kql.CodeUnsupported, at, what+" is not supported yet", "")
}

// spend counts work, and reports when it is too much. It gives false from then on.
func (b *binder) spend(n int, at kql.Span) bool {
	return b.spendOn(n, at, "the query becomes too large when its let statements and functions are put in their places", "")
}

// spendOn is spend with a message of its own.
func (b *binder) spendOn(n int, at kql.Span, message, hint string) bool {
	b.cost += n
	if b.cost > maxCost && !b.full {
		b.full = true
		b.report(CodeTooMuch, at, message, hint)
	}
	return !b.full
}

func (b *binder) newID() int {
	b.lastID++
	return b.lastID
}

func (b *binder) newCol(name string, t Type, nonNull bool) Column {
	return Column{ID: b.newID(), Name: name, Type: t, NonNull: nonNull || t == kql.TypeString}
}

// Names.

// binding is what a name means: exactly one of scalar, table and lambda is set, or none where its value is wrong.
type binding struct {
	name   string
	scalar Expr
	table  *tableDef
	lambda *lambda
}

// tableDef is a table of a let statement. It is bound anew for each use, so that each has its own columns.
type tableDef struct {
	x     kql.Expr
	env   *env
	first *rel // bound when it was declared, for the first use
	share int  // the Key of materialize, or 0
	// given is set for the parameter of a function or the name of an as: how to bind it again.
	given func() *rel
	fuzzy int
}

type lambda struct {
	def  *kql.Lambda
	env  *env
	name string
	away bool // its text is not the query's
	kind lambdaKind
	// place tells where its text stands, or is nil.
	place func(kql.Span) string
}

// lambdaKind remembers whether a function gives a table.
type lambdaKind uint8

const (
	kindUnknown lambdaKind = iota
	kindScalar
	kindTable
)

// env is a scope: the bindings of its list up to n, then its parent's.
type env struct {
	list   *scopeList
	n      int
	parent *env
}

type scopeList struct {
	items  []binding
	byName map[string][]int
}

func newEnv(parent *env) *env {
	return &env{list: &scopeList{byName: map[string][]int{}}, parent: parent}
}

// add gives the scope with one binding more. e itself stays as it is.
func (e *env) add(x binding) *env {
	e.list.byName[x.name] = append(e.list.byName[x.name], len(e.list.items))
	e.list.items = append(e.list.items, x)
	return &env{list: e.list, n: len(e.list.items), parent: e.parent}
}

func (e *env) find(name string) *binding {
	for ; e != nil; e = e.parent {
		at := e.list.byName[name]
		for _, i := range slices.Backward(at) {
			if i < e.n {
				return &e.list.items[i]
			}
		}
	}
	return nil
}

// names lists what can be named, for hints.
func (e *env) names(want func(*binding) bool) []string {
	var all []string
	for ; e != nil; e = e.parent {
		for i := range min(e.n, 1000) {
			if want(&e.list.items[i]) {
				all = append(all, e.list.items[i].name)
			}
		}
	}
	return all
}

// Statements.

func (b *binder) query(q *kql.Query) *rel {
	scope := newEnv(nil)
	var result *rel
	for _, s := range q.Statements {
		switch s := s.(type) {
		case *kql.LetStatement:
			scope = b.let(scope, s)
		case *kql.SetStatement:
			b.plan.Set = append(b.plan.Set, s.Name.Text)
		case *kql.AliasStatement:
			b.unsupported(s.Span, "alias")
		case *kql.DeclareStatement:
			scope = b.declare(scope, s)
		case *kql.ExprStatement:
			if result != nil {
				b.unsupported(s.Span, "a query with several results")
				continue
			}
			result = b.result(scope, s.X)
		case *kql.BadStatement:
			b.report(kql.CodeExpected, s.Span, "the statement could not be read", "")
		}
	}
	if result == nil && !b.diags.HasErrors() {
		b.report(kql.CodeExpected, kql.Span{From: q.To, To: q.To}, "the query has no result: a table must stand at its end", "")
	}
	return result
}

// result binds what stands alone: a table, or a scalar, which is printed.
func (b *binder) result(scope *env, x kql.Expr) *rel {
	if b.isTable(scope, x) {
		return b.table(scope, x)
	}
	v := b.scalar(&ctx{env: scope}, x)
	if TypeOf(v) == kql.TypeUnknown {
		return nil
	}
	col := b.newCol("print_0", TypeOf(v), NonNull(v))
	return &rel{op: &Values{Cols: []Column{col}, Rows: [][]Expr{{v}}}, cols: []Column{col}}
}

func (b *binder) let(scope *env, s *kql.LetStatement) *env {
	name := s.Name.Text
	if at := scope.list.byName[name]; len(at) > 0 {
		b.report(CodeDuplicate, s.Name.Span, fmt.Sprintf("%s has a value already", quote(name)), "give it another name")
	}
	if l, ok := s.Value.(*kql.Lambda); ok {
		def := &lambda{def: l, env: scope, name: name, away: b.away != nil, place: b.place}
		b.checkLambda(def)
		return scope.add(binding{name: name, lambda: def})
	}
	if b.isTable(scope, s.Value) {
		def := &tableDef{x: s.Value, env: scope, fuzzy: b.fuzzy}
		if call, ok := kql.Unparen(s.Value).(*kql.Call); ok && call.Func.Text == "materialize" {
			b.shared++
			def.share = b.shared
		}
		def.first = b.letTable(def)
		return scope.add(binding{name: name, table: def})
	}
	return scope.add(binding{name: name, scalar: b.scalar(&ctx{env: scope}, s.Value)})
}

func (b *binder) letTable(def *tableDef) *rel {
	r := b.table(def.env, def.x)
	if def.share != 0 {
		return shared(r, def.share)
	}
	return r
}

// use gives a table of a let for one use.
func (b *binder) use(def *tableDef, at kql.Span) *rel {
	if r := def.first; r != nil {
		def.first = nil
		return r
	}
	if b.calls >= maxCalls {
		b.report(CodeTooMuch, at, fmt.Sprintf("tables and functions within each other go deeper than %d", maxCalls), "")
		return badRel()
	}
	b.calls++
	b.quiet++
	defer func() { b.calls--; b.quiet-- }()
	if def.given != nil {
		return def.given()
	}
	return b.letTable(def)
}

func (b *binder) declare(scope *env, s *kql.DeclareStatement) *env {
	for _, p := range s.Params {
		if p.Table || p.Type == nil {
			b.unsupported(p.Span, "a table as a parameter of a query")
			continue
		}
		param := Param{Name: p.Name.Text, Type: p.Type.Type}
		if p.Default != nil {
			param.Default = b.scalar(&ctx{env: scope}, p.Default)
		}
		b.plan.Params = append(b.plan.Params, param)
		scope = scope.add(binding{name: param.Name, scalar: &ParamRef{Info: typed(param.Type, false, true), Name: param.Name}})
	}
	return scope
}

// checkLambda binds the body with parameters of which nothing but the types is known, so that what is wrong with it is
// told even if it is never called.
func (b *binder) checkLambda(def *lambda) {
	scope := newEnv(def.env)
	for _, p := range def.def.Params {
		x := binding{name: p.Name.Text}
		switch {
		case p.Table:
			x.table = &tableDef{given: func() *rel { return b.paramTable(p) }}
		case p.Type != nil:
			x.scalar = &ParamRef{Info: typed(p.Type.Type, false, true), Name: p.Name.Text}
		}
		scope = scope.add(x)
	}
	if b.calls >= maxCalls {
		return
	}
	b.calls++
	b.checking++
	defer func() { b.calls--; b.checking-- }()
	b.body(scope, def.def)
}

// paramTable is a table of which the declared columns are known.
func (b *binder) paramTable(p *kql.FuncParam) *rel {
	scan := &Scan{Table: p.Name.Text}
	for _, c := range p.Columns {
		scan.Columns = append(scan.Columns, b.newCol(c.Name.Text, c.Type.Type, false))
	}
	r := &rel{op: scan, cols: scan.Columns}
	if len(p.Columns) == 0 {
		// (*) of the language means "any", and the body may name none; a call knows better.
		r.wide = true
	}
	return r
}

// body binds the statements and the result of a function: one of the results is set, or none.
func (b *binder) body(scope *env, l *kql.Lambda) (*rel, Expr) {
	for _, s := range l.Statements {
		if let, ok := s.(*kql.LetStatement); ok {
			scope = b.let(scope, let)
			continue
		}
		b.unsupported(s.Range(), "this statement in a function")
	}
	if l.Result == nil {
		b.report(kql.CodeExpected, l.Span, "the function has no result", "")
		return nil, bad()
	}
	if b.isTable(scope, l.Result) {
		return b.table(scope, l.Result), nil
	}
	return nil, b.scalar(&ctx{env: scope}, l.Result)
}

// isTable reports whether an expression stands for a table.
func (b *binder) isTable(scope *env, x kql.Expr) bool {
	switch x := kql.Unparen(x).(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Pipe, *kql.DataTable, *kql.ExternalData:
		return true
	case *kql.Name:
		if v := scope.find(x.Text); v != nil {
			return v.table != nil || v.lambda != nil && b.lambdaIsTable(v.lambda)
		}
		return true
	case *kql.Path:
		_, call := x.Sel.(*kql.Call)
		return call
	case *kql.Call:
		return b.callIsTable(scope, x)
	}
	return false
}

func (b *binder) callIsTable(scope *env, x *kql.Call) bool {
	switch x.Func.Text {
	case "materialize", "totable", "table", "external_table", "materialized_view", "stored_query_result":
		return true
	case "toscalar":
		return false
	}
	if v := scope.find(x.Func.Text); v != nil {
		return v.lambda != nil && b.lambdaIsTable(v.lambda) || v.table != nil
	}
	if catalogue().scalar[x.Func.Text] != nil || catalogue().aggregate[x.Func.Text] != nil {
		return false
	}
	_, ok := b.schema.Function(x.Func.Text)
	return ok // stored functions are taken for tables
}

func (b *binder) lambdaIsTable(l *lambda) bool {
	if l.kind == kindUnknown {
		l.kind = kindScalar
		if b.resultIsTable(l) {
			l.kind = kindTable
		}
	}
	return l.kind == kindTable
}

func (b *binder) resultIsTable(l *lambda) bool {
	if l.def.Result == nil || !b.spend(1, l.def.Span) {
		return false
	}
	b.nest++
	defer func() { b.nest-- }()
	if b.nest > maxCalls {
		return false
	}
	// Whether a name of the body is a table, the names around it tell: parameters, lets, then those of its scope.
	scope := newEnv(l.env)
	for _, p := range l.def.Params {
		x := binding{name: p.Name.Text}
		if p.Table {
			x.table = &tableDef{}
		}
		scope = scope.add(x)
	}
	for _, s := range l.def.Statements {
		let, ok := s.(*kql.LetStatement)
		if !ok {
			continue
		}
		x := binding{name: let.Name.Text}
		if def, ok := let.Value.(*kql.Lambda); ok {
			x.lambda = &lambda{def: def, env: scope, name: x.name}
		} else if b.isTable(scope, let.Value) {
			x.table = &tableDef{}
		}
		scope = scope.add(x)
	}
	return b.isTable(scope, l.def.Result)
}
