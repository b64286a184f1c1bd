package plan

import (
	"fmt"
	"slices"
	"strings"

	"drumbeat/kql"
)

// stored gives a stored function of the schema, or nil.
func (b *binder) stored(name string, at kql.Span) *lambda {
	f, ok := b.schema.Function(name)
	if !ok {
		return nil
	}
	params, body := f.Params, strings.TrimSpace(f.Body)
	if params == "" {
		params = "()"
	}
	if !strings.HasPrefix(body, "{") {
		body = "{" + body + "\n}"
	}
	const before = "let f = "
	q, diags := kql.Parse(before + params + " " + body + ";")
	if diags.HasErrors() {
		b.report(CodeUnknownFunc, at, fmt.Sprintf("the stored function %s has errors: %s", quote(name), diags[0].Message), "")
		return nil
	}
	var place func(kql.Span) string
	if f.Place != nil {
		place = func(at kql.Span) string { return f.Place(max(at.From-len(before), 0)) }
	}
	def, ok := q.Statements[0].(*kql.LetStatement).Value.(*kql.Lambda)
	if !ok {
		return nil
	}
	b.bodies[name] = body
	return &lambda{def: def, env: newEnv(nil), name: name, away: true, place: place}
}

// call puts a function in the place of its call. One of the results is set. The parameter piped is the table of an
// invoke, or nil.
func (b *binder) call(c *ctx, l *lambda, x *kql.Call, piped *tableDef) (*rel, Expr) {
	if b.calls >= maxCalls {
		b.report(CodeTooMuch, x.Span, fmt.Sprintf("functions within each other go deeper than %d", maxCalls), "")
		return nil, bad()
	}
	if !b.spend(1, x.Span) {
		return nil, bad()
	}
	scope, ok := b.arguments(c, l, x, piped)
	if !ok {
		return nil, bad()
	}
	b.calls++
	away, fuzzy, place := b.away, b.fuzzy, b.place
	b.place = l.place
	if l.away && b.away == nil {
		b.away = &awayFrom{at: x.Span, name: l.name}
	}
	defer func() { b.calls--; b.away, b.fuzzy, b.place = away, fuzzy, place }()
	return b.body(scope, l.def)
}

// arguments binds the arguments of a call to the parameters.
func (b *binder) arguments(c *ctx, l *lambda, x *kql.Call, piped *tableDef) (*env, bool) {
	params := l.def.Params
	given := make([]kql.Expr, len(params))
	next, ok := 0, true
	if piped != nil {
		next = 1
	}
	count := len(x.Args)
	for _, arg := range x.Args {
		at := next
		if named, isNamed := arg.(*kql.Named); isNamed && len(named.Names) == 1 {
			at = slices.IndexFunc(params, func(p *kql.FuncParam) bool { return p.Name.Text == named.Names[0].Text })
			if at < 0 {
				b.report(CodeUnknownName, named.Names[0].Span,
					fmt.Sprintf("%s has no parameter %s", l.name, quote(named.Names[0].Text)), hint(named.Names[0].Text, paramNames(params)))
				ok = false
				continue
			}
			arg = named.X
		} else {
			next++
		}
		if at >= len(params) {
			break
		}
		given[at] = arg
	}
	if next > len(params) || count > len(params) {
		b.report(CodeArguments, x.Span, fmt.Sprintf("%s takes %s, not %d", l.name, plural(len(params), "argument"), count), "")
		return nil, false
	}
	scope := newEnv(l.env)
	for i, p := range params {
		v := binding{name: p.Name.Text}
		switch {
		case i == 0 && piped != nil:
			v.table = piped
		case given[i] == nil && (p.Default == nil || p.Table):
			b.report(CodeArguments, x.Span, fmt.Sprintf("%s lacks the argument %s", l.name, quote(p.Name.Text)), "")
			ok = false
		case p.Table:
			v.table = b.tableArgument(c, p, given[i])
		default:
			v.scalar = b.scalarArgument(c, p, given[i])
		}
		scope = scope.add(v)
	}
	return scope, ok
}

func (b *binder) tableArgument(c *ctx, p *kql.FuncParam, arg kql.Expr) *tableDef {
	def := &tableDef{x: arg, env: c.env, fuzzy: b.fuzzy}
	def.first = b.table(c.env, arg)
	def.given = func() *rel { return b.table(def.env, def.x) }
	return b.narrowed(def, p, arg.Range())
}

// narrowed makes sure that an argument has the columns that the parameter declares, and hides the others.
func (b *binder) narrowed(def *tableDef, p *kql.FuncParam, at kql.Span) *tableDef {
	if len(p.Columns) == 0 {
		return def
	}
	for _, want := range p.Columns {
		i := def.first.index(want.Name.Text)
		if i < 0 && !def.first.loose() || i >= 0 && def.first.cols[i].Type != want.Type.Type && !def.first.cols[i].Open {
			b.report(CodeTypes, at, fmt.Sprintf("the table has no column %s:%s", want.Name.Text, want.Type.Type), "")
		}
	}
	narrow := func(r *rel) *rel {
		if r.op == nil {
			return r
		}
		var out []Assign
		for _, want := range p.Columns {
			if i := r.index(want.Name.Text); i >= 0 {
				out = append(out, Assign{Col: r.cols[i], X: r.cols[i].ref()})
			}
		}
		return &rel{op: &Project{Input: r.op, Cols: out}, cols: assigned(out), ordered: r.ordered}
	}
	return &tableDef{first: narrow(def.first), given: func() *rel { return narrow(def.given()) }}
}

func (b *binder) scalarArgument(c *ctx, p *kql.FuncParam, arg kql.Expr) Expr {
	want := kql.TypeUnknown
	if p.Type != nil {
		want = p.Type.Type
	}
	if arg == nil {
		if name, ok := p.Default.(*kql.Name); ok {
			return &Lit{Info: typed(kql.TypeString, true, true), Str: name.Text}
		}
		return b.convert(b.scalar(&ctx{env: newEnv(nil)}, p.Default), want)
	}
	return b.convert(b.scalar(c, arg), want)
}

// convert changes the type of a value, as Kusto does with the arguments of functions.
func (b *binder) convert(x Expr, want Type) Expr {
	t := TypeOf(x)
	if t == want || want == kql.TypeUnknown || t == kql.TypeUnknown {
		return x
	}
	if lit, ok := x.(*Lit); ok && lit.Null {
		return nullLit(want)
	}
	if lit, ok := x.(*Lit); ok && t == kql.TypeLong {
		switch {
		case want == kql.TypeReal:
			return &Lit{Info: typed(want, true, true), Real: float64(lit.Int)}
		case want == kql.TypeInt && lit.Int == int64(int32(lit.Int)):
			return &Lit{Info: typed(want, true, true), Int: lit.Int}
		}
	}
	return &Call{Info: typed(want, false, Const(x)), Fn: FnConvert, Args: []Expr{x}}
}

func paramNames(params []*kql.FuncParam) []string {
	names := make([]string, len(params))
	for i, p := range params {
		names[i] = p.Name.Text
	}
	return names
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func quote(name string) string { return "“" + name + "”" }
