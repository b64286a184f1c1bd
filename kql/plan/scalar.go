package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"drumbeat/kql"
)

// ctx is where an expression stands.
type ctx struct {
	env *env
	row *rel // the columns at hand, or nil
	// right is the other side of a join condition, or nil.
	right *rel
	// aggs takes aggregates, or is nil where none can stand. within says that an aggregate is around.
	aggs   *aggregates
	within bool
	// making takes the columns that the step makes, or is nil.
	making *projector
	// search is the operator that a text alone stands for in a search, or FnNone.
	search Fn
}

// bad is the value of an expression that a diagnostic was given for.
func bad() Expr { return &Lit{Null: true} }

func nullLit(t Type) *Lit {
	if t == kql.TypeString {
		return &Lit{Info: typed(t, true, true)}
	}
	return &Lit{Info: typed(t, false, true), Null: true}
}

// scalar binds an expression that must not be a table.
func (b *binder) scalar(c *ctx, x kql.Expr) Expr {
	if !b.spend(1, x.Range()) {
		return bad()
	}
	if b.nest >= maxNest {
		b.report(kql.CodeTooDeep, x.Range(), fmt.Sprintf("expressions within each other go deeper than %d", maxNest), "")
		return bad()
	}
	b.nest++
	defer func() { b.nest-- }()
	switch x := kql.Unparen(x).(type) {
	case *kql.Literal:
		if x.Type == kql.TypeLong && x.Int == math.MinInt64 && strings.HasPrefix(x.Written, "-") && !b.opt.official {
			// The sign is an operator here, and what it stands before is too large.
			b.report(kql.CodeOverflow, x.Span, "the value is beyond the limits of long", "write long(-9223372036854775808)")
			return bad()
		}
		return literal(x)
	case *kql.Dynamic:
		b.checkDynamic(x)
		return &Lit{Info: typed(kql.TypeDynamic, !isNullDynamic(x.Value), true), Str: jsonText(x.Value), Null: isNullDynamic(x.Value)}
	case *kql.Name:
		return b.name(c, x)
	case *kql.Path, *kql.Element:
		return b.path(c, x)
	case *kql.Call:
		return b.callScalar(b.argumentCtx(c, x), x)
	case *kql.Unary:
		return b.unary(c, x)
	case *kql.Binary:
		return b.binary(c, x)
	case *kql.Between:
		return b.between(c, x)
	case *kql.In:
		return b.in(c, x)
	case *kql.Named:
		return b.scalar(c, x.X)
	case *kql.TypeOf:
		b.report(CodeNotHere, x.Span, "typeof cannot stand here", "")
	case *kql.Star, *kql.Wildcard:
		b.report(CodeNotHere, x.Range(), "a star cannot stand here", "")
	case *kql.Pipe, *kql.DataTable, *kql.ExternalData:
		b.report(CodeTypes, x.Range(), "a table cannot stand here: a value must", "take one value of it with toscalar(…)")
	case *kql.Lambda:
		b.report(CodeNotHere, x.Span, "a function can be declared by let alone", "")
	case *kql.Array, *kql.Bag, *kql.BadExpr, *kql.Paren:
		b.report(kql.CodeExpected, x.Range(), "the expression could not be read", "")
	}
	return bad()
}

// argumentCtx is where the arguments of a call stand. In a search a text alone stands for a condition in not(…) too, but
// not in other functions.
func (b *binder) argumentCtx(c *ctx, x *kql.Call) *ctx {
	if c.search == FnNone || x.Func.Text == "not" && !b.opt.official {
		return c
	}
	plain := *c
	plain.search = FnNone
	return &plain
}

func literal(x *kql.Literal) Expr {
	if x.Null {
		return nullLit(x.Type)
	}
	return &Lit{Info: typed(x.Type, true, true), Bool: x.Bool, Int: x.Int, Real: x.Real, Str: x.Str}
}

func isNullDynamic(x kql.Expr) bool {
	lit, ok := x.(*kql.Literal)
	return ok && lit.Null
}

// name finds a column, then a variable.
func (b *binder) name(c *ctx, x *kql.Name) Expr {
	if c.row != nil {
		if col, ok := c.row.find(x.Text); ok {
			return b.grouped(c, col.ref(), x.Span)
		}
	}
	if v := c.env.find(x.Text); v != nil {
		switch {
		case v.scalar != nil:
			return v.scalar
		case v.table != nil:
			b.report(CodeTypes, x.Span, fmt.Sprintf("%s is a table: a value must stand here", quote(x.Text)), "take one value of it with toscalar(…)")
			return bad()
		}
		b.report(CodeTypes, x.Span, fmt.Sprintf("%s is a function: write %s()", quote(x.Text), x.Text), "")
		return bad()
	}
	if c.row != nil && c.row.loose() {
		if col, ok := c.row.open(b, x.Text); ok {
			c.row.learn(col)
			return b.grouped(c, col.ref(), x.Span)
		}
		if !c.row.isAway(x.Text) {
			return bad()
		}
	}
	if b.silent() {
		return bad()
	}
	var known []string
	if c.row != nil {
		known = columnNames(c.row.cols)
	}
	known = append(known, c.env.names(func(v *binding) bool { return v.scalar != nil })...)
	what := "there is no column or variable "
	if catalogue().scalar[x.Text] != nil || catalogue().aggregate[x.Text] != nil {
		b.report(CodeUnknownName, x.Span, fmt.Sprintf("%s is a function: it needs its arguments in parentheses", quote(x.Text)), "")
		return bad()
	}
	meant := hint(x.Text, known)
	if c.making != nil && c.making.declared[x.Text] {
		meant = quote(x.Text) + " is made by this step, which cannot use it itself: what does needs a step of its own, after a |"
	}
	if x.Text != "" && x.Text[0] >= '0' && x.Text[0] <= '9' {
		meant = "a number has no suffix, and a length of time one of d, h, m, s, ms, microsecond, tick"
	}
	b.report(CodeUnknownName, x.Span, what+quote(x.Text), meant)
	return bad()
}

// grouped makes sure that a column beside aggregates is one of the groups.
func (b *binder) grouped(c *ctx, col *Col, at kql.Span) Expr {
	if c.aggs == nil || c.within {
		return col
	}
	b.report(CodeNotHere, at, fmt.Sprintf("%s has many values in a group", quote(col.Name)), "put it into an aggregate, such as take_any()")
	return bad()
}

// path is d.a, d["a"] and d[0], and $left.a. Chains lean to the left.
func (b *binder) path(c *ctx, x kql.Expr) Expr {
	var links []kql.Expr
	root := x
walk:
	for {
		switch n := kql.Unparen(root).(type) { //nolint:exhaustive // the others are of no use here
		case *kql.Path:
			links = append(links, n)
			root = n.X
		case *kql.Element:
			links = append(links, n)
			root = n.X
		default:
			break walk
		}
		if len(links) > maxChain {
			b.report(kql.CodeTooDeep, x.Range(), "the path is too long", "")
			return bad()
		}
	}
	var v Expr
	if name, ok := kql.Unparen(root).(*kql.Name); ok && c.right != nil && (name.Text == "$left" || name.Text == "$right") {
		side, which := c.row, "left"
		if name.Text == "$right" {
			side, which = c.right, "right"
		}
		last := links[len(links)-1]
		links = links[:len(links)-1]
		p, _ := last.(*kql.Path)
		if p == nil {
			b.report(kql.CodeExpected, last.Range(), "a column must follow "+name.Text, "")
			return bad()
		}
		v = b.sideColumn(side, p.Sel, which)
	} else {
		v = b.scalar(c, root)
	}
	for _, link := range slices.Backward(links) {
		v = b.link(c, v, link)
	}
	return v
}

// sideColumn is a column of one side of a join: which is "left" or "right".
func (b *binder) sideColumn(side *rel, sel kql.Expr, which string) Expr {
	name, ok := sel.(*kql.Name)
	if !ok {
		b.report(kql.CodeExpected, sel.Range(), "a column must stand here", "")
		return bad()
	}
	if side.index(name.Text) < 0 && !side.loose() {
		b.report(CodeUnknownName, name.Span, "the table at the "+which+" of the join has no column "+quote(name.Text),
			hint(name.Text, columnNames(side.cols)))
		return bad()
	}
	return b.name(&ctx{env: newEnv(nil), row: side}, name)
}

func (b *binder) link(c *ctx, v Expr, x kql.Expr) Expr {
	if !b.spend(1, x.Range()) {
		return bad()
	}
	t := TypeOf(v)
	if t != kql.TypeDynamic && t != kql.TypeUnknown {
		b.report(CodeTypes, x.Range(), fmt.Sprintf("a %s has no parts: only a dynamic has", t), "read it with parse_json(…) first")
		return bad()
	}
	info := typed(kql.TypeDynamic, false, Const(v))
	switch x := x.(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Path:
		name, ok := x.Sel.(*kql.Name)
		if !ok {
			b.unsupported(x.Sel.Range(), "this kind of path")
			return bad()
		}
		return &Call{Info: info, Fn: FnMember, Args: []Expr{v, &Lit{Info: typed(kql.TypeString, true, true), Str: name.Text}}}
	case *kql.Element:
		i := b.scalar(c, x.Index)
		switch TypeOf(i) {
		case kql.TypeString:
			if lit, ok := i.(*Lit); ok {
				return &Call{Info: info, Fn: FnMember, Args: []Expr{v, lit}}
			}
		case kql.TypeInt, kql.TypeLong, kql.TypeDynamic, kql.TypeUnknown:
		case kql.TypeBool, kql.TypeReal, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeGuid:
			b.report(CodeTypes, x.Index.Range(), "an index must be a whole number or a string", "")
			return bad()
		}
		info.Const = info.Const && Const(i)
		return &Call{Info: info, Fn: FnIndex, Args: []Expr{v, i}}
	}
	return bad()
}

func (b *binder) unary(c *ctx, x *kql.Unary) Expr {
	v := b.scalar(c, x.X)
	t := TypeOf(v)
	if t == kql.TypeInt {
		t = kql.TypeLong
	}
	if !isSummable(t) && t != kql.TypeDynamic && t != kql.TypeUnknown {
		b.report(CodeTypes, x.Span, fmt.Sprintf("%s is not defined for %s", x.Op, t), "")
		return bad()
	}
	if x.Op == kql.OpPos {
		return v
	}
	if lit, ok := v.(*Lit); ok && !lit.Null && lit.Type != kql.TypeDynamic && lit.Type != kql.TypeDecimal && t != kql.TypeUnknown {
		if lit.Int == math.MinInt64 && t == kql.TypeLong && !b.opt.official {
			b.report(kql.CodeOverflow, x.Span, "the value is beyond the limits of long", "")
			return bad()
		}
		neg := *lit
		neg.Int, neg.Real = -neg.Int, -neg.Real
		neg.Type = t
		return &neg
	}
	return &Call{Info: typed(t, NonNull(v), Const(v)), Fn: FnNeg, Args: []Expr{v}}
}

// binary folds a chain, which leans to the left, in a loop.
func (b *binder) binary(c *ctx, x *kql.Binary) Expr {
	chain := []*kql.Binary{x}
	for {
		next, ok := kql.Unparen(chain[len(chain)-1].X).(*kql.Binary)
		if !ok {
			break
		}
		chain = append(chain, next)
	}
	first := chain[len(chain)-1]
	long := 0
	v := b.operand(c, first.X, first.Op)
	for i, n := range slices.Backward(chain) {
		if n.Op != kql.OpAnd && n.Op != kql.OpOr {
			if long++; long > maxChain {
				b.report(kql.CodeTooDeep, n.Span, fmt.Sprintf("the chain is longer than %d", maxChain), "")
				return bad()
			}
		}
		if i < len(chain)-1 && c.search != FnNone && (n.Op == kql.OpAnd || n.Op == kql.OpOr) {
			v = b.searched(c, v)
		}
		if _, star := kql.Unparen(n.X).(*kql.Star); star {
			v = b.anyColumn(c, n)
			continue
		}
		if n.Op == kql.OpSearch && v != nil {
			if v = b.colon(c, n, v, b.operand(c, n.Y, n.Op)); !b.spend(1, n.Span) {
				return bad()
			}
			continue
		}
		v = b.apply(n, v, b.operand(c, n.Y, n.Op))
	}
	return v
}

// operand is one side of an operator. In a search a text beside and or or stands for a search of all columns.
func (b *binder) operand(c *ctx, x kql.Expr, op kql.BinaryOp) Expr {
	if _, star := kql.Unparen(x).(*kql.Star); star {
		return nil
	}
	if c.search == FnNone {
		return b.scalar(c, x)
	}
	if op == kql.OpAnd || op == kql.OpOr {
		return b.searched(c, b.scalar(c, x))
	}
	return b.scalar(&ctx{env: c.env, row: c.row}, x)
}

var opFns = map[kql.BinaryOp]Fn{ //nolint:exhaustive // the others have none
	kql.OpOr: FnOr, kql.OpAnd: FnAnd, kql.OpEq: FnEq, kql.OpNe: FnNe, kql.OpLt: FnLt, kql.OpLe: FnLe, kql.OpGt: FnGt, kql.OpGe: FnGe,
	kql.OpAdd: FnAdd, kql.OpSub: FnSub, kql.OpMul: FnMul, kql.OpDiv: FnDiv, kql.OpMod: FnMod, kql.OpEqCI: FnEqCI, kql.OpNeCI: FnNeCI,
	kql.OpHas: FnHas, kql.OpNotHas: FnNotHas, kql.OpHasCS: FnHasCS, kql.OpNotHasCS: FnNotHasCS,
	kql.OpHasPrefix: FnHasPrefix, kql.OpNotHasPrefix: FnNotHasPrefix, kql.OpHasPrefixCS: FnHasPrefixCS, kql.OpNotHasPrefixCS: FnNotHasPrefixCS,
	kql.OpHasSuffix: FnHasSuffix, kql.OpNotHasSuffix: FnNotHasSuffix, kql.OpHasSuffixCS: FnHasSuffixCS, kql.OpNotHasSuffixCS: FnNotHasSuffixCS,
	kql.OpContains: FnContains, kql.OpNotContains: FnNotContains, kql.OpContainsCS: FnContainsCS, kql.OpNotContainsCS: FnNotContainsCS,
	kql.OpStartsWith: FnStartsWith, kql.OpNotStartsWith: FnNotStartsWith, kql.OpStartsWithCS: FnStartsWithCS, kql.OpNotStartsWithCS: FnNotStartsWithCS,
	kql.OpEndsWith: FnEndsWith, kql.OpNotEndsWith: FnNotEndsWith, kql.OpEndsWithCS: FnEndsWithCS, kql.OpNotEndsWithCS: FnNotEndsWithCS,
	kql.OpMatchesRegex: FnMatchesRegex, kql.OpSearch: FnHas,
}

// apply gives x op y.
func (b *binder) apply(n *kql.Binary, x, y Expr) Expr {
	if !b.spend(1, n.Span) || x == nil || y == nil {
		if x == nil || y == nil {
			b.report(CodeNotHere, n.Span, "a star cannot stand here", "")
		}
		return bad()
	}
	fn, ok := opFns[n.Op]
	if !ok {
		b.unsupported(n.OpSpan, n.Op.String())
		return bad()
	}
	tx, ty := TypeOf(x), TypeOf(y)
	t, ok := operatorType(n.Op, tx, ty)
	if ok && tx == kql.TypeDynamic && ty == kql.TypeDynamic && n.Op >= kql.OpAdd && !n.Op.IsText() && !b.opt.official {
		ok = false // the official service lets it pass, the engine does not
	}
	if !ok && !loose(x) && !loose(y) {
		b.report(CodeTypes, n.OpSpan, fmt.Sprintf("%s is not defined for %s and %s", n.Op, tx, ty), operandHint(n.Op, tx, ty))
		return bad()
	}
	if !ok {
		t = kql.TypeDynamic
		if n.Op < kql.OpAdd || n.Op.IsText() {
			t = kql.TypeBool
		}
	}
	if fn == FnMatchesRegex && !b.checkRegex(y, n.Y.Range()) {
		return bad()
	}
	if v := b.foldWhole(n, fn, x, y); v != nil {
		return v
	}
	info := typed(t, nonNullOp(fn, t, x, y), Const(x) && Const(y))
	if fn == FnAnd || fn == FnOr {
		// A call that this chain made nobody else holds; what a name stands for may be used elsewhere.
		if c, ok := x.(*Call); ok && c.Fn == fn {
			if _, chained := n.X.(*kql.Binary); chained {
				c.Args, c.Info = append(c.Args, y), info
				return c
			}
		}
	}
	return &Call{Info: info, Fn: fn, Args: []Expr{x, y}}
}

// operandHint says what to do where an operator is not defined for two types.
func operandHint(op kql.BinaryOp, x, y Type) string {
	either := func(t Type) bool { return x == t || y == t }
	switch {
	case op == kql.OpAdd && either(kql.TypeString):
		return "to join texts, write strcat(…)"
	case op.IsText():
		return "make a string of it with tostring(…)"
	case either(kql.TypeDynamic):
		return "say what type it is, with tolong(…), toreal(…), tostring(…) or the like"
	case either(kql.TypeString) && either(kql.TypeDateTime):
		return "a time is written datetime(2024-05-01); of a text todatetime(…) makes one"
	case either(kql.TypeString) && (isNumber(x) || isNumber(y)):
		return "of a text tolong(…) or toreal(…) makes a number"
	case either(kql.TypeTimespan) && (isNumber(x) || isNumber(y)):
		return "a length of time is written with its unit: 5d, 5h, 5m, 5s"
	}
	return ""
}

// nonNullOp tells when an operator cannot give null.
func nonNullOp(fn Fn, t Type, x, y Expr) bool {
	dynamic := TypeOf(x) == kql.TypeDynamic || TypeOf(y) == kql.TypeDynamic
	if t == kql.TypeDateTime || dynamic && fn != FnAnd && fn != FnOr && fn.Info().Null == NullStrict {
		return false // a time beyond the years 1 to 9999 is null, and so is what a dynamic holds of another type
	}
	switch fn.Info().Null {
	case NullNever:
		return true
	case NullMay:
		lit, ok := y.(*Lit)
		return ok && NonNull(x) && !lit.Null && (lit.Int != 0 || TypeOf(y) == kql.TypeReal)
	case NullStrict:
	}
	if fn == FnEq || fn == FnNe { // one null is not equal to any value
		return NonNull(x) || NonNull(y)
	}
	return NonNull(x) && NonNull(y)
}

// operatorType gives the type of x op y.
func operatorType(op kql.BinaryOp, x, y Type) (Type, bool) {
	unknown := x == kql.TypeUnknown || y == kql.TypeUnknown
	switch {
	case op == kql.OpAnd || op == kql.OpOr:
		ok := func(t Type) bool { return t == kql.TypeBool || t == kql.TypeDynamic }
		return kql.TypeBool, unknown || ok(x) && ok(y)
	case op == kql.OpEq || op == kql.OpNe:
		return kql.TypeBool, true
	case op == kql.OpLt || op == kql.OpLe || op == kql.OpGt || op == kql.OpGe:
		num := func(t Type) bool { return isNumber(t) || t == kql.TypeBool }
		date := x == y && (x == kql.TypeDateTime || x == kql.TypeTimespan || x == kql.TypeDynamic)
		dyn := x == kql.TypeDynamic && isNumber(y) || isNumber(x) && y == kql.TypeDynamic
		return kql.TypeBool, unknown || num(x) && num(y) || date || dyn
	case op.IsText():
		ok := func(t Type) bool { return t == kql.TypeString || t == kql.TypeDynamic }
		return kql.TypeBool, unknown || ok(x) && ok(y)
	case unknown:
		return kql.TypeUnknown, true
	}
	return arithmetic(op, x, y)
}

func arithmetic(op kql.BinaryOp, x, y Type) (Type, bool) {
	const date, span, dyn = kql.TypeDateTime, kql.TypeTimespan, kql.TypeDynamic
	switch {
	case isNumber(x) && isNumber(y):
		return max(x, y, kql.TypeLong), true
	case x == dyn && y == dyn:
		return dyn, true
	case x == dyn && isNumber(y):
		return max(y, kql.TypeLong), true
	case isNumber(x) && y == dyn:
		return max(x, kql.TypeLong), true
	}
	type pair struct{ x, y Type }
	num := func(t Type) Type {
		if isNumber(t) {
			return kql.TypeLong
		}
		return t
	}
	p := pair{num(x), num(y)}
	n := kql.TypeLong
	var results map[pair]Type
	switch op { //nolint:exhaustive // the other operators are done above
	case kql.OpAdd:
		results = map[pair]Type{
			{span, span}: span, {date, span}: date, {span, date}: date, {date, date}: date,
			{dyn, date}: date, {date, dyn}: date, {dyn, span}: span, {span, dyn}: span,
		}
	case kql.OpSub:
		results = map[pair]Type{
			{span, span}: span, {date, date}: span, {date, dyn}: span, {dyn, date}: span,
			{date, span}: date, {span, date}: date, {dyn, span}: span, {span, dyn}: span,
		}
	case kql.OpMul:
		results = map[pair]Type{{span, span}: span, {span, n}: span, {n, span}: span, {date, n}: date, {n, date}: date}
	case kql.OpDiv:
		results = map[pair]Type{{span, span}: kql.TypeReal, {span, n}: span, {date, date}: kql.TypeReal, {date, span}: kql.TypeReal, {date, n}: date}
	case kql.OpMod:
		results = map[pair]Type{{span, span}: span, {span, n}: span, {date, date}: span, {date, span}: span, {date, n}: date}
	}
	t, ok := results[p]
	return t, ok
}

func (b *binder) between(c *ctx, x *kql.Between) Expr {
	v, low, high := b.scalar(c, x.X), b.scalar(c, x.Low), b.scalar(c, x.High)
	t, tl, th := TypeOf(v), TypeOf(low), TypeOf(high)
	ok := isNumber(t) && isNumber(tl) && isNumber(th) ||
		isSummable(t) && t == tl && t == th ||
		t == kql.TypeDateTime && tl == t && th == kql.TypeTimespan ||
		isNumber(t) && tl == kql.TypeDynamic && th == tl || t == kql.TypeDynamic && isNumber(tl) && th == tl ||
		loose(v) || loose(low) || loose(high)
	if !ok {
		b.report(CodeTypes, x.Span, fmt.Sprintf("between is not defined for %s, %s and %s", t, tl, th), "")
		return bad()
	}
	fn := FnBetween
	if x.Not {
		fn = FnNotBetween
	}
	return &Call{
		Info: typed(kql.TypeBool, NonNull(v) && NonNull(low) && NonNull(high), Const(v) && Const(low) && Const(high)),
		Fn:   fn, Args: []Expr{v, low, high},
	}
}

func (b *binder) in(c *ctx, x *kql.In) Expr {
	call := &Call{Info: typed(kql.TypeBool, true, false), Fn: [...]Fn{
		kql.OpIn: FnIn, kql.OpNotIn: FnNotIn, kql.OpInCI: FnInCI, kql.OpNotInCI: FnNotInCI, kql.OpHasAny: FnHasAny, kql.OpHasAll: FnHasAll,
	}[x.Op]}
	if _, star := kql.Unparen(x.X).(*kql.Star); star {
		b.unsupported(x.Span, "a star for all columns with "+x.Op.String())
		return bad()
	}
	v := b.scalar(c, x.X)
	t := TypeOf(v)
	if x.Op != kql.OpIn && x.Op != kql.OpNotIn && t != kql.TypeString && t != kql.TypeDynamic && !loose(v) {
		b.report(CodeTypes, x.X.Range(), fmt.Sprintf("%s is not defined for %s", x.Op, t), "")
		return bad()
	}
	call.Args = append(call.Args, v)
	constant := Const(v)
	for _, e := range x.List {
		item := b.listItem(c, e)
		if item == nil {
			return bad()
		}
		constant = constant && Const(item)
		call.Args = append(call.Args, item)
	}
	call.Const = constant
	return call
}

// listItem is a value or a table at the right of in.
func (b *binder) listItem(c *ctx, e kql.Expr) Expr {
	isTable := b.isTable(c.env, e)
	if name, ok := kql.Unparen(e).(*kql.Name); ok {
		if c.row != nil && c.row.index(name.Text) >= 0 || c.env.find(name.Text) == nil && c.row != nil && c.row.loose() {
			isTable = false
		} else if _, known := b.schema.Table(name.Text); c.env.find(name.Text) == nil && !known {
			isTable = false
		}
	}
	if !isTable {
		return b.scalar(c, e)
	}
	r := b.table(c.env, e)
	if r.op == nil {
		return bad()
	}
	if len(r.cols) == 0 {
		b.report(CodeTypes, e.Range(), "the table has no column", "")
		return nil
	}
	return &Sub{Info: typed(r.cols[0].Type, true, true), Op: r.op, Col: r.cols[0]}
}

// toscalar is the first value of a table.
func (b *binder) toscalar(c *ctx, x *kql.Call) Expr {
	if len(x.Args) != 1 {
		b.report(CodeArguments, x.Span, fmt.Sprintf("toscalar takes 1 argument, not %d", len(x.Args)), "")
		return bad()
	}
	if !b.isTable(c.env, x.Args[0]) {
		return b.scalar(&ctx{env: c.env}, x.Args[0])
	}
	r := b.table(c.env, x.Args[0])
	if r.op == nil {
		return bad()
	}
	if len(r.cols) == 0 {
		b.report(CodeTypes, x.Args[0].Range(), "the table has no column", "")
		return bad()
	}
	return &Sub{Info: typed(r.cols[0].Type, false, true), Op: r.op, Col: r.cols[0], Scalar: true}
}

func columnNames(cols []Column) []string {
	names := make([]string, 0, len(cols)+8)
	for i := range cols {
		names = append(names, cols[i].Name)
	}
	return names
}

func joinTypes(args []Expr) string {
	var text strings.Builder
	for i, a := range args {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(TypeOf(a).String())
	}
	return text.String()
}
