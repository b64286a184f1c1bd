package plan

import (
	"fmt"
	"slices"
	"strconv"

	"drumbeat/kql"
)

var joinKinds = map[string]JoinKind{
	"innerunique": InnerUnique, "inner": Inner, "leftouter": LeftOuter, "rightouter": RightOuter, "fullouter": FullOuter,
	"leftsemi": LeftSemi, "rightsemi": RightSemi, "leftanti": LeftAnti, "leftantisemi": LeftAnti, "anti": LeftAnti,
	"rightanti": RightAnti, "rightantisemi": RightAnti,
}

func paramWord(params []*kql.Param, name string) (string, kql.Span, bool) {
	p := kql.FindParam(params, name)
	if p == nil {
		return "", kql.Span{}, false
	}
	switch v := p.Value.(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Name:
		return v.Text, v.Span, true
	case *kql.Literal:
		if v.Type == kql.TypeBool {
			return strconv.FormatBool(v.Bool), v.Span, true
		}
		return v.Str, v.Span, true
	default:
		return "", p.Span, true
	}
}

func (b *binder) join(c *ctx, op *kql.Join) *rel {
	kind := InnerUnique
	if word, at, ok := paramWord(op.Params, "kind"); ok {
		if kind, ok = joinKinds[word]; !ok {
			var known []string
			for k := range joinKinds {
				known = append(known, k)
			}
			b.report(CodeValue, at, quote(word)+" is no kind of join", hint(word, known))
		}
	}
	if op.Where != nil {
		b.unsupported(op.Where.Range(), "join with where")
		return badRel()
	}
	return b.joined(c, op.Right, op.On, kind, false, op.Span)
}

func (b *binder) lookup(c *ctx, op *kql.Lookup) *rel {
	kind := LeftOuter
	if word, at, ok := paramWord(op.Params, "kind"); ok {
		switch word {
		case "leftouter":
		case "inner":
			kind = Inner
		default:
			b.report(CodeValue, at, quote(word)+" is no kind of lookup", "leftouter or inner")
		}
	}
	return b.joined(c, op.Right, op.On, kind, true, op.Span)
}

func (b *binder) joined(c *ctx, x kql.Expr, on []kql.Expr, kind JoinKind, lookup bool, at kql.Span) *rel {
	right := b.table(c.env, x)
	j := &Join{Kind: kind, Left: c.row.op, Right: right.op, Lookup: lookup}
	sides := &ctx{env: c.env, row: c.row, right: right}
	for _, e := range on {
		j.On = append(j.On, b.joinKeys(sides, e)...)
	}
	if len(on) == 0 {
		b.report(kql.CodeExpected, at, "join needs on and its keys", "")
	}
	left, rcols := c.row, right.cols
	if lookup {
		rcols = slices.DeleteFunc(slices.Clone(rcols), func(col Column) bool {
			return slices.ContainsFunc(j.On, func(k JoinKey) bool {
				ref, ok := k.Right.(*Col)
				return ok && ref.ID == col.ID
			})
		})
	}
	if (left.wide || right.wide) && left.op != nil && right.op != nil {
		// What no schema declares stays with its side; the left one is looked at first.
		if left.wide && right.wide {
			right.wide = false
		}
	}
	b.spend(len(left.cols)+len(rcols), at)
	switch kind {
	case LeftSemi, LeftAnti:
		j.Cols = left.cols
	case RightSemi, RightAnti:
		j.Cols = right.cols
	case InnerUnique, Inner, LeftOuter, RightOuter, FullOuter:
		j.Cols = b.bothSides(left.cols, rcols, kind)
	}
	out := &rel{op: j, cols: j.Cols}
	switch {
	case left.op == nil || right.op == nil:
		out.op, out.wide = nil, left.wide || right.wide
	case kind == RightSemi || kind == RightAnti:
		out.wide, out.opener = right.wide, right.opener
	case kind == LeftSemi || kind == LeftAnti || left.wide:
		out.wide, out.opener = left.wide, left.opener
	default:
		out.wide, out.opener = right.wide, right.opener
	}
	return out
}

// bothSides are the columns of a join: those of the right get another name if theirs is taken, and those of a side that
// may be missing become nullable.
func (b *binder) bothSides(left, right []Column, kind JoinKind) []Column {
	cols := make([]Column, 0, len(left)+len(right))
	taken := make(map[string]bool, len(left)+len(right))
	for _, c := range left {
		c.NonNull = c.NonNull && kind != RightOuter && kind != FullOuter || c.Type == kql.TypeString
		taken[c.Name] = true
		cols = append(cols, c)
	}
	for _, c := range right {
		c.NonNull = c.NonNull && kind != LeftOuter && kind != FullOuter || c.Type == kql.TypeString
		c.Name = freeName(c.Name, func(n string) bool { return taken[n] })
		taken[c.Name] = true
		cols = append(cols, c)
	}
	return cols
}

// joinKeys binds a condition: a name that both sides have, or equalities between $left and $right.
func (b *binder) joinKeys(c *ctx, e kql.Expr) []JoinKey {
	switch x := kql.Unparen(e).(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Name:
		l := b.sideColumn(c.row, x, "left")
		if TypeOf(l) == kql.TypeUnknown {
			return nil
		}
		return b.joinKey(l, b.sideColumn(c.right, x, "right"), x.Span)
	case *kql.Binary:
		var keys []JoinKey
		for x.Op == kql.OpAnd {
			keys = append(b.joinKeys(c, x.Y), keys...)
			next, ok := kql.Unparen(x.X).(*kql.Binary)
			if !ok {
				b.report(kql.CodeExpected, x.X.Range(), "an equality of $left and $right must stand here", "")
				return keys
			}
			x = next
		}
		if x.Op != kql.OpEq {
			b.report(kql.CodeExpected, x.Span, "join compares by == alone", "put other conditions into a where after the join")
			return keys
		}
		l, r := b.sideOf(c, x.X), b.sideOf(c, x.Y)
		if l == 0 || r == 0 || l == r {
			b.report(kql.CodeExpected, x.Span, "a condition is $left.a == $right.b", "or the name of a column that both sides have")
			return keys
		}
		vl, vr := b.scalar(c, x.X), b.scalar(c, x.Y)
		if l > r {
			vl, vr = vr, vl
		}
		return append(keys, b.joinKey(vl, vr, x.Span)...)
	default:
		b.report(kql.CodeExpected, e.Range(), "a condition is the name of a column, or $left.a == $right.b", "")
	}
	return nil
}

// sideOf is 1 for $left, 2 for $right, 0 for anything else.
func (b *binder) sideOf(_ *ctx, x kql.Expr) int {
	p, ok := kql.Unparen(x).(*kql.Path)
	if !ok {
		return 0
	}
	name, ok := p.X.(*kql.Name)
	switch {
	case ok && name.Text == "$left":
		return 1
	case ok && name.Text == "$right":
		return 2
	}
	return 0
}

func (b *binder) joinKey(l, r Expr, at kql.Span) []JoinKey {
	tl, tr := TypeOf(l), TypeOf(r)
	if tl == kql.TypeUnknown || tr == kql.TypeUnknown {
		return nil
	}
	t, ok := commonType(tl, tr)
	if !loose(l) && !loose(r) {
		if !ok || tl != tr && (tl == kql.TypeDynamic || tr == kql.TypeDynamic) {
			b.report(CodeTypes, at, fmt.Sprintf("the keys have different types: %s and %s", tl, tr), "make them one type with tostring(…) or tolong(…)")
			return nil
		}
		if t == kql.TypeDynamic {
			b.report(CodeTypes, at, "rows cannot be joined by a dynamic", "make a string of it with tostring(…)")
			return nil
		}
	}
	return []JoinKey{{Left: l, Right: r, Type: t}}
}

func (b *binder) union(c *ctx, op *kql.Union) *rel {
	if word, _, ok := paramWord(op.Params, "isfuzzy"); ok && word == "true" {
		b.fuzzy++
		defer func() { b.fuzzy-- }()
	}
	inner := false
	if word, at, ok := paramWord(op.Params, "kind"); ok {
		switch word {
		case "outer":
		case "inner":
			inner = true
		default:
			b.report(CodeValue, at, quote(word)+" is no kind of union", "outer or inner")
		}
	}
	var legs []*rel
	var names []string
	if c.row != nil {
		name := ""
		if scan, ok := c.row.op.(*Scan); ok {
			name = scan.Table
		}
		legs, names = append(legs, c.row), append(names, name)
	}
	for _, x := range op.Tables {
		got, ns := b.unionLegs(c, x)
		legs, names = append(legs, got...), append(names, ns...)
	}
	for i := range names {
		if names[i] == "" {
			names[i] = fmt.Sprintf("union_arg%d", i)
		}
	}
	source := ""
	if word, _, ok := paramWord(op.Params, "withsource"); ok {
		source = word
	} else if word, _, ok := paramWord(op.Params, "with_source"); ok {
		source = word
	}
	return b.unite(legs, names, source, inner, op.Span)
}

// unionLegs binds one entry of a union: a table, or all that fit a pattern.
func (b *binder) unionLegs(c *ctx, x kql.Expr) ([]*rel, []string) {
	if w, ok := x.(*kql.Wildcard); ok {
		return b.wildcard(c, w)
	}
	before := b.missing
	b.missing = false
	leg := b.table(c.env, x)
	missing := b.missing && b.fuzzy > 0
	b.missing = before
	if missing && leg.op == nil {
		return nil, nil
	}
	name := ""
	if n, ok := kql.Unparen(x).(*kql.Name); ok && c.env.find(n.Text) == nil {
		name = n.Text
	}
	return []*rel{leg}, []string{name}
}

type unionColumn struct {
	name string
	t    Type
}

// together puts columns of one name beside each other, where the first of them stands.
func together(order []unionColumn) {
	first := map[string]int{}
	for i, o := range order {
		if _, ok := first[o.name]; !ok {
			first[o.name] = i
		}
	}
	slices.SortStableFunc(order, func(x, y unionColumn) int { return first[x.name] - first[y.name] })
}

// unite lays the columns of tables over each other by name and type.
func (b *binder) unite(legs []*rel, names []string, source string, inner bool, at kql.Span) *rel {
	if len(legs) == 0 {
		b.report(CodeUnknownName, at, "none of the tables is there", "")
	}
	u := &Union{}
	bad := len(legs) == 0
	wide := false
	types := map[string][]Type{}
	seen := map[string]int{}
	var order []unionColumn
	for _, leg := range legs {
		bad = bad || leg.op == nil
		wide = wide || leg.wide
		b.spend(len(leg.cols), at)
		for _, col := range leg.cols {
			seen[col.Name]++
			if b.opt.official && seen[col.Name] > 2 && len(types[col.Name]) == 1 {
				continue // the official service overlooks a third type
			}
			if t := b.unionType(col); !slices.Contains(types[col.Name], t) {
				types[col.Name] = append(types[col.Name], t)
				order = append(order, unionColumn{col.Name, t})
			}
		}
	}
	if inner {
		order = slices.DeleteFunc(order, func(o unionColumn) bool {
			return slices.ContainsFunc(legs, func(leg *rel) bool { return leg.index(o.name) < 0 })
		})
	}
	together(order)
	if source != "" {
		col := b.newCol(source, kql.TypeString, true)
		u.Source = col.ID
		u.Cols = append(u.Cols, col)
	}
	if !b.spendOn(len(legs)*len(order), at, fmt.Sprintf("the union of %d tables with %d columns makes the query too large", len(legs), len(order)),
		"name the tables that it needs, as union T1, T2 or search in (T1, T2) do") {
		return badRel()
	}
	offset := len(u.Cols)
	for i, leg := range legs {
		u.Inputs = append(u.Inputs, UnionInput{Op: leg.op, Name: names[i]})
	}
	for _, o := range order {
		name := o.name
		if len(types[o.name]) > 1 {
			name += "_" + o.t.String()
		}
		nonNull, open := true, false
		for i, leg := range legs {
			id := 0
			if at := leg.index(o.name); at >= 0 && b.unionType(leg.cols[at]) == o.t {
				id = leg.cols[at].ID
				nonNull, open = nonNull && leg.cols[at].NonNull, open || leg.cols[at].Open
			} else {
				nonNull = false
			}
			u.Inputs[i].From = append(u.Inputs[i].From, id)
		}
		col := b.newCol(name, o.t, nonNull)
		if col.Open = open; o.t == kql.TypeUnknown {
			col.Type = kql.TypeDynamic
		}
		u.Cols = append(u.Cols, col)
	}
	for i := range u.Inputs {
		u.Inputs[i].From = append(make([]int, offset), u.Inputs[i].From...)
	}
	r := &rel{op: u, cols: u.Cols, wide: wide}
	if bad {
		r.op, r.wide = nil, wide || len(legs) == 0
		return r
	}
	if wide {
		r.opener = unionOpener(b, u, legs)
		r.wide = true
	}
	return r
}

// unionType is the type that tells columns of one name apart. The official service has a type of its own for columns that
// no schema declares.
func (b *binder) unionType(col Column) Type {
	if b.opt.official && col.Open {
		return kql.TypeUnknown
	}
	return col.Type
}

// unionOpener makes a column known in each of the open tables of a union.
func unionOpener(b *binder, u *Union, legs []*rel) *opener {
	o := &opener{known: map[string]Column{}}
	o.add = func(col Column) {
		u.Cols = append(u.Cols, col)
		for i, leg := range legs {
			id := 0
			if leg.wide {
				if c, ok := leg.open(b, col.Name); ok {
					id = c.ID
				}
			}
			u.Inputs[i].From = append(u.Inputs[i].From, id)
		}
	}
	return o
}

func (b *binder) partition(c *ctx, op *kql.Partition) *rel {
	sub, ok := op.Sub.(*kql.Pipe)
	if op.Braces || op.In != nil || !ok || c.row.wide {
		b.unsupported(op.Span, "this form of partition")
		return badRel()
	}
	by := b.scalar(c, op.By)
	if _, ok := by.(*Col); !ok && TypeOf(by) != kql.TypeUnknown {
		b.report(kql.CodeExpected, op.By.Range(), "partition takes a column", "")
	}
	rows := &rel{op: &Rows{Cols: c.row.cols}, cols: c.row.cols}
	if c.row.op == nil {
		rows.op = nil
	}
	out := b.pipe(c.env, rows, sub)
	if out.op == nil {
		return out
	}
	return &rel{op: &Partition{Input: c.row.op, By: by, Sub: out.op, Cols: out.cols}, cols: out.cols, wide: out.wide}
}
