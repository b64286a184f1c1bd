package plan

import (
	"fmt"
	"regexp"
	"strings"

	"drumbeat/kql"
)

// search is a union of tables with a filter on it. A text that stands alone in its condition is looked for in all columns.
func (b *binder) search(c *ctx, op *kql.Search) *rel {
	var legs []*rel
	var names []string
	tables := op.Tables
	switch {
	case c.row != nil:
		legs, names = []*rel{c.row}, []string{""}
	case len(tables) == 0:
		tables = []kql.Expr{&kql.Wildcard{Span: op.Span, Pattern: "*"}}
	}
	for _, x := range tables {
		got, ns := b.unionLegs(c, x)
		legs, names = append(legs, got...), append(names, ns...)
	}
	for i := range names {
		if names[i] == "" {
			names[i] = fmt.Sprintf("search_arg%d", i)
		}
	}
	r := b.unite(legs, names, "$table", false, op.Span)
	if r.op == nil {
		return r
	}
	if r.wide {
		b.unsupported(op.Span, "search in an open table")
		return badRel()
	}
	fn := FnHas
	if word, at, ok := paramWord(op.Params, "kind"); ok {
		switch word {
		case "case_sensitive":
			fn = FnHasCS
		case "default", "case_insensitive":
		default:
			b.report(CodeValue, at, quote(word)+" is no kind of search", "default, case_insensitive or case_sensitive")
		}
	}
	if _, all := op.Pred.(*kql.Star); all {
		return r
	}
	inner := &rel{op: r.op, cols: r.cols[1:]}
	sc := &ctx{env: c.env, row: inner, search: fn}
	pred := b.searched(sc, b.scalar(sc, op.Pred))
	if t := TypeOf(pred); t != kql.TypeBool && !loose(pred) {
		b.report(CodeTypes, op.Pred.Range(), fmt.Sprintf("a condition must be a bool, not %s", t), "")
	}
	return r.from(&Filter{Input: r.op, Pred: pred})
}

// searched makes a condition of a text that stands alone in a search.
func (b *binder) searched(c *ctx, v Expr) Expr {
	lit, ok := v.(*Lit)
	if !ok || lit.Type == kql.TypeBool || lit.Type == kql.TypeUnknown {
		return v
	}
	if lit.Type != kql.TypeString {
		return b.inAnyColumn(c.row, c.search, textOf(lit))
	}
	fn, text := searchTerm(c.search, lit)
	return b.inAnyColumn(c.row, fn, text)
}

// searchTerm gives the operator that a text of a search stands for, and its right side: a star at an end lets the term
// go on there, and one within stands for any text.
func searchTerm(fn Fn, lit *Lit) (Fn, Expr) {
	if !strings.Contains(lit.Str, "*") {
		return fn, lit
	}
	cased := fn == FnHasCS
	text := strings.Trim(lit.Str, "*")
	front, back := strings.HasPrefix(lit.Str, "*"), strings.HasSuffix(lit.Str, "*")
	if strings.Contains(text, "*") {
		return FnMatchesRegex, textLit(searchPattern(text, cased, front, back))
	}
	fns := [2]Fn{FnContains, FnContainsCS}
	switch {
	case !front:
		fns = [2]Fn{FnHasPrefix, FnHasPrefixCS}
	case !back:
		fns = [2]Fn{FnHasSuffix, FnHasSuffixCS}
	}
	if cased {
		return fns[1], textLit(text)
	}
	return fns[0], textLit(text)
}

func searchPattern(text string, cased, front, back bool) string {
	parts := strings.Split(text, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	pattern := strings.Join(parts, ".*")
	if !front {
		pattern = `\b` + pattern
	}
	if !back {
		pattern += `\b`
	}
	if !cased {
		pattern = "(?i)" + pattern
	}
	return pattern
}

func textLit(s string) *Lit { return &Lit{Info: typed(kql.TypeString, true, true), Str: s} }

func textOf(v Expr) Expr {
	if TypeOf(v) == kql.TypeString {
		return v
	}
	return &Call{Info: typed(kql.TypeString, true, Const(v)), Fn: FnTostring, Args: []Expr{v}}
}

// inAnyColumn is a condition on all columns, one of which must fulfil it.
func (b *binder) inAnyColumn(row *rel, fn Fn, text Expr) Expr {
	or := &Call{Info: typed(kql.TypeBool, true, false), Fn: FnOr}
	for _, col := range row.cols {
		if !b.spend(2, kql.Span{}) {
			break
		}
		or.Args = append(or.Args, &Call{Info: typed(kql.TypeBool, true, false), Fn: fn, Args: []Expr{textOf(col.ref()), text}})
	}
	switch len(or.Args) {
	case 0:
		return &Lit{Info: typed(kql.TypeBool, true, true)}
	case 1:
		return or.Args[0]
	}
	return or
}

// anyColumn is "* has x".
func (b *binder) anyColumn(c *ctx, n *kql.Binary) Expr {
	if c.row == nil || c.row.loose() {
		b.unsupported(n.Span, "a star for the columns of an open table")
		return bad()
	}
	y := b.scalar(c, n.Y)
	fn := opFns[n.Op]
	switch {
	case n.Op == kql.OpSearch:
		return b.searched(c.forSearch(), y)
	case n.Op != kql.OpEq && !n.Op.IsText():
		b.report(CodeTypes, n.Span, fmt.Sprintf("%s is not defined for *", n.Op), "")
		return bad()
	}
	return b.inAnyColumn(c.row, fn, textOf(y))
}

// colon is "column:text", a search in one column.
func (b *binder) colon(c *ctx, n *kql.Binary, x, y Expr) Expr {
	lit, ok := y.(*Lit)
	if !ok || lit.Type != kql.TypeString {
		b.report(kql.CodeExpected, n.Y.Range(), "a text must stand after :", "")
		return bad()
	}
	fn, text := searchTerm(c.forSearch().search, lit)
	return &Call{Info: typed(kql.TypeBool, true, Const(x)), Fn: fn, Args: []Expr{textOf(x), text}}
}

// forSearch gives a context in which texts are searched for, with case or without.
func (c *ctx) forSearch() *ctx {
	if c.search != FnNone {
		return c
	}
	s := *c
	s.search = FnHas
	return &s
}
