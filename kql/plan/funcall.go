package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"drumbeat/kql"
)

// callScalar binds a call that gives a value.
func (b *binder) callScalar(c *ctx, x *kql.Call) Expr {
	name := x.Func.Text
	if name == "toscalar" {
		return b.toscalar(c, x)
	}
	if v := c.env.find(name); v != nil && v.lambda != nil {
		r, value := b.call(c, v.lambda, x, nil)
		if value == nil {
			return b.oneValue(r, x)
		}
		return value
	}
	if agg := catalogue().aggregate[name]; agg != nil && (c.aggs != nil || catalogue().scalar[name] == nil) {
		if c.aggs == nil || c.within {
			b.report(CodeNotHere, x.Span, fmt.Sprintf("the aggregate %s cannot stand here", name), "aggregates stand in summarize, make-series and their like")
			return bad()
		}
		cols := b.aggregate(c, agg, x)
		if len(cols) == 0 {
			return bad()
		}
		return cols[0].ref()
	}
	info := catalogue().scalar[name]
	if info == nil {
		return b.unknownFunction(c, x)
	}
	if info.Is(FlagUnsupported) {
		b.unsupported(x.Func.Span, "the function "+name)
		return bad()
	}
	v, outs := b.builtin(c, info, x)
	if len(outs) > 0 {
		return itemOf(v, outs, 0)
	}
	return v
}

func itemOf(v Expr, outs []tupleItem, i int) Expr {
	if len(outs) == 1 {
		return v
	}
	return &Call{Info: typed(outs[i].t, false, Const(v)), Fn: FnItem, Args: []Expr{v, longLit(int64(i))}}
}

func longLit(n int64) *Lit { return &Lit{Info: typed(kql.TypeLong, true, true), Int: n} }

// oneValue refuses a table where a value must stand.
func (b *binder) oneValue(r *rel, x *kql.Call) Expr {
	if r != nil && r.op != nil {
		b.report(CodeTypes, x.Span, fmt.Sprintf("%s gives a table: a value must stand here", x.Func.Text), "take one value of it with toscalar(…)")
	}
	return bad()
}

func (b *binder) unknownFunction(c *ctx, x *kql.Call) Expr {
	name := x.Func.Text
	if _, ok := b.schema.Function(name); ok {
		if l := b.stored(name, x.Span); l != nil {
			r, value := b.call(c, l, x, nil)
			if value != nil {
				return value
			}
			return b.oneValue(r, x)
		}
		return bad()
	}
	if v := c.env.find(name); v != nil {
		b.report(CodeUnknownFunc, x.Func.Span, quote(name)+" is not a function", "")
		return bad()
	}
	if b.silent() {
		return bad()
	}
	known := c.env.names(func(v *binding) bool { return v.lambda != nil })
	for n := range catalogue().scalar {
		known = append(known, n)
	}
	if c.aggs != nil {
		for n := range catalogue().aggregate {
			known = append(known, n)
		}
	}
	b.report(CodeUnknownFunc, x.Func.Span, "there is no function "+quote(name), hint(name, known))
	for _, a := range x.Args {
		if _, star := a.(*kql.Star); !star {
			b.scalar(c, a)
		}
	}
	return bad()
}

// builtin binds a call of a function of the table. outs are set if it gives several values.
func (b *binder) builtin(c *ctx, info *FnInfo, x *kql.Call) (Expr, []tupleItem) {
	switch info.ID { //nolint:exhaustive // the others follow the table
	case FnPackAll:
		return b.packAll(c, x), nil
	case FnColumnIfexists:
		return b.columnIfExists(c, info, x), nil
	case FnIngestionTime:
		if !b.opt.official && len(x.Args) == 0 {
			return ingestionTime(c), nil
		}
	case FnIscolumnexists:
		return b.isColumn(c, info, x), nil
	case FnCase:
		return b.caseOf(c, info, x), nil
	}
	args, literals, ok := b.values(c, info, x)
	if !ok {
		return bad(), nil
	}
	sig := b.choose(info, x, args, literals)
	if sig == nil {
		return bad(), nil
	}
	t := resultType(sig, args, literals)
	if !b.checkChoice(info, x, args) {
		return bad(), nil
	}
	if t == kql.TypeUnknown && sig.result != "arg" && sig.result != "arg2" && !slices.ContainsFunc(args, loose) {
		b.report(CodeTypes, x.Span, fmt.Sprintf("the arguments of %s have no common type: %s", info.Name, joinTypes(args)), "")
		return bad(), nil
	}
	strict, constant := true, !info.Is(FlagRandom) && !info.Is(FlagWindow) && info.ID != FnIngestionTime
	for _, a := range args {
		strict, constant = strict && NonNull(a), constant && Const(a)
	}
	shifted := info.ID == FnNow && len(args) > 0 || info.ID == FnStartofday && len(args) > 1 // perhaps out of the years
	strict = strict && !shifted
	nonNull := info.Null == NullNever && !shifted || info.Null == NullStrict && strict || info.ID == FnBin && strict && positive(args[1])
	i := typed(t, nonNull, constant)
	if info.ID == FnIff || info.ID == FnCoalesce {
		i.NonNull = i.NonNull || nonNullChoice(info.ID, args)
	}
	if info.Is(FlagWindow) {
		return b.window(c, info, x, i, args), nil
	}
	if !b.checkValues(info, x, args) {
		return bad(), nil
	}
	v := b.foldNow(&Call{Info: i, Fn: info.ID, Args: append(args, typeLits(literals)...)})
	if info.ID == FnArraySortAsc || info.ID == FnArraySortDesc {
		return v, b.sortedItems(c, x, args)
	}
	return v, tupleItems[info.ID]
}

// ingestionTime is when a record came in. Records of files tell no such time: it is taken to be that of the record, as if
// none had come late, so that a rule that asks for what came in since its last run gets that.
func ingestionTime(c *ctx) Expr {
	if c.row != nil {
		if i := c.row.index("TimeGenerated"); i >= 0 && c.row.cols[i].Type == kql.TypeDateTime {
			return c.row.cols[i].ref()
		}
	}
	return nullLit(kql.TypeDateTime)
}

// sortedItems are the values of array_sort_asc and array_sort_desc: each of the arrays, in the order of the first. Of one
// array there is one value, which is the call itself.
func (b *binder) sortedItems(c *ctx, x *kql.Call, args []Expr) []tupleItem {
	var items []tupleItem
	for i, a := range args {
		if TypeOf(a) != kql.TypeDynamic || i >= len(x.Args) {
			break
		}
		name := b.nameOf(c, x.Args[i], 0)
		if name == "" {
			name = fmt.Sprintf("array%d", i)
		}
		items = append(items, tupleItem{whole: name + "_sorted", t: kql.TypeDynamic})
	}
	return items
}

// typeLits keeps a typeof as an argument: null of that type.
func typeLits(literals []*kql.TypeOf) []Expr {
	var all []Expr
	for _, l := range literals {
		if l != nil && l.Type != nil {
			all = append(all, nullLit(l.Type.Type))
		}
	}
	return all
}

func positive(x Expr) bool {
	lit, ok := x.(*Lit)
	return ok && !lit.Null && (lit.Int > 0 || lit.Real > 0)
}

func nonNullChoice(fn Fn, args []Expr) bool {
	if fn == FnIff {
		return NonNull(args[1]) && NonNull(args[2])
	}
	return slices.ContainsFunc(args, NonNull)
}

// values binds arguments; literals are those that are a typeof.
func (b *binder) values(c *ctx, info *FnInfo, x *kql.Call) (args []Expr, literals []*kql.TypeOf, ok bool) {
	ok = true
	for _, a := range x.Args {
		if named, isNamed := a.(*kql.Named); isNamed {
			a = named.X
		}
		switch a := kql.Unparen(a).(type) { //nolint:exhaustive // the others are of no use here
		case *kql.TypeOf:
			literals = append(literals, a)
			continue
		case *kql.Star:
			if info.ID == FnPackArray && c.row != nil && !c.row.loose() {
				for _, col := range c.row.cols {
					args = append(args, col.ref())
				}
				continue
			}
			b.unsupported(a.Span, "a star as an argument of "+info.Name)
			ok = false
			continue
		default:
		}
		v := b.scalar(c, a)
		if c.search != FnNone {
			v = b.searched(c, v)
		}
		args = append(args, v)
	}
	return args, literals, ok && !b.full
}

// choose finds the signature that fits the arguments best.
func (b *binder) choose(info *FnInfo, x *kql.Call, args []Expr, literals []*kql.TypeOf) *signature {
	var best *signature
	bestScore, bestBad := -1, -1
	counted := false
	for i := range info.sigs {
		s := &info.sigs[i]
		params, ok := s.spread(len(args), len(literals))
		if !ok {
			continue
		}
		counted = true
		score, wrong := 0, -1
		for j, p := range params {
			fit := accepts(p.class, TypeOf(args[j]))
			if fit == 0 && loose(args[j]) {
				fit = 1
			}
			if fit == 0 && lenient(p.class, TypeOf(args[j])) {
				fit = 1
				score--
			}
			if fit == 0 && wrong < 0 {
				wrong = j
			}
			score += fit
		}
		if wrong < 0 {
			score += 1000
		}
		if score > bestScore {
			best, bestScore, bestBad = s, score, wrong
		}
	}
	switch {
	case !counted:
		b.report(CodeArguments, x.Span, fmt.Sprintf("%s cannot take %s", info.Name, plural(len(x.Args), "argument")), countHint(info, x, args))
		return nil
	case bestBad >= 0:
		params, _ := best.spread(len(args), len(literals))
		at := x.Span
		if bestBad < len(x.Args) {
			at = x.Args[bestBad].Range()
		}
		b.report(CodeTypes, at, fmt.Sprintf("%s takes %s here, not %s", info.Name, classText(params[bestBad].class), TypeOf(args[bestBad])), typeHint(info, params[bestBad].class, args, bestBad))
		return nil
	}
	return b.marks(info, x, best, args, literals)
}

// lenient reports whether Kusto takes a type where its documentation asks for another: a dynamic for a string.
func lenient(class string, t Type) bool { return class == "string" && t == kql.TypeDynamic }

// countHint says how a function is called that was given too few or too many arguments.
func countHint(info *FnInfo, x *kql.Call, args []Expr) string {
	if info.ID == FnBin && len(args) == 1 && len(x.Args) == 1 {
		name, ok := x.Args[0].(*kql.Name)
		if t := TypeOf(args[0]); ok && (t == kql.TypeDateTime || t == kql.TypeTimespan) {
			return fmt.Sprintf("write %s(%s, 1h)", info.Name, name.Text)
		}
	}
	return usage(info)
}

// typeHint says how a function is called whose argument i has another type than it takes: a length of time has no quotes.
func typeHint(info *FnInfo, class string, args []Expr, i int) string {
	text, ok := constantText(args[i])
	if class != "timespan" || !ok || !isTimespan(text) {
		return usage(info)
	}
	if len(args) == 1 {
		return fmt.Sprintf("write %s(%s), without quotes", info.Name, text)
	}
	return "write " + text + " without quotes"
}

// isTimespan reports whether a text is a length of time as the language writes it.
func isTimespan(text string) bool {
	unit := strings.TrimLeft(text, "0123456789.")
	return unit != text && slices.Contains([]string{"d", "h", "m", "s", "ms", "microsecond", "tick"}, unit)
}

// usage shows how a function is called, in three ways at most.
func usage(info *FnInfo) string {
	ways := make([]string, 0, len(info.sigs))
	for i := range info.sigs[:min(len(info.sigs), 3)] {
		ways = append(ways, info.sigs[i].call(info.Name))
	}
	return "write " + strings.Join(ways, ", or ")
}

// call shows a signature as a call: f(number, string[, int]).
func (s *signature) call(name string) string {
	var text strings.Builder
	open := 0
	text.WriteString(name + "(")
	for i, p := range s.params {
		comma := ""
		if i > 0 {
			comma = ", "
		}
		if p.optional {
			comma = "[" + comma
			open++
		}
		text.WriteString(comma + strings.TrimPrefix(strings.TrimPrefix(classText(p.class), "a "), "an "))
		if p.repeat {
			text.WriteString(", …")
		}
	}
	text.WriteString(strings.Repeat("]", open) + ")")
	return text.String()
}

// marks checks that constants and columns stand where they must.
func (b *binder) marks(info *FnInfo, x *kql.Call, s *signature, args []Expr, literals []*kql.TypeOf) *signature {
	params, _ := s.spread(len(args), len(literals))
	if len(args) != len(x.Args)-len(literals) {
		return s
	}
	for i, p := range params {
		_, isLit := args[i].(*Lit)
		_, isCol := args[i].(*Col)
		_, isParam := args[i].(*ParamRef)
		switch {
		case p.literal && !isLit && !isParam && !loose(args[i]):
			b.report(CodeConstant, x.Args[i].Range(), fmt.Sprintf("%s takes a literal here", info.Name), "")
			return nil
		case p.constant && !Const(args[i]) && !loose(args[i]):
			b.report(CodeConstant, x.Args[i].Range(), fmt.Sprintf("%s takes a constant here", info.Name), "")
			return nil
		case p.column && !isCol && TypeOf(args[i]) != kql.TypeUnknown && !info.Is(FlagWindow):
			b.report(CodeConstant, x.Args[i].Range(), fmt.Sprintf("%s takes a column here", info.Name), "")
			return nil
		}
	}
	return s
}

// spread gives the parameter of each of n arguments.
func (s *signature) spread(n, types int) ([]param, bool) {
	params := s.params
	for types > 0 {
		if len(params) == 0 || params[len(params)-1].class != "type" {
			return nil, false
		}
		params, types = params[:len(params)-1], types-1
	}
	least, repeats := 0, false
	for _, p := range params {
		if p.class == "type" && !p.optional {
			return nil, false
		}
		if !p.optional {
			least++
		}
		repeats = repeats || p.repeat
	}
	if n < least || !repeats && n > len(params) {
		return nil, false
	}
	all := make([]param, 0, n)
	group := 0 // parameters that repeat together, as key and value
	for _, p := range params {
		if p.repeat {
			group++
		}
	}
	if group == 2 && n%2 != 0 {
		return nil, false
	}
	for i, p := range params {
		if !p.repeat {
			if len(all) < n {
				all = append(all, p)
			}
			continue
		}
		after := len(params) - i - group
		for k := 0; len(all) < n-after || len(all) < n && params[len(params)-1].optional && after > 0 && len(all) < n-after; k++ {
			all = append(all, params[i+k%group])
		}
		if group > 1 {
			break
		}
	}
	if len(all) != n {
		return nil, false
	}
	return all, true
}

func resultType(s *signature, args []Expr, literals []*kql.TypeOf) Type {
	arg := func(i int) Type {
		if i < len(args) {
			return TypeOf(args[i])
		}
		return kql.TypeUnknown
	}
	switch s.result {
	case "arg":
		return arg(0)
	case "arg2":
		return arg(1)
	case "sum":
		return max(arg(0), promoted(arg(0)))
	case "widest":
		t := kql.TypeUnknown
		for i := range args {
			t, _ = commonType(t, arg(i))
		}
		return t
	case "common":
		t := kql.TypeUnknown
		for i := range args {
			var ok bool
			if t, ok = commonType(t, arg(i)); !ok {
				return kql.TypeUnknown
			}
		}
		return t
	case "choice":
		return choiceType(args[1:])
	case "literal":
		if len(literals) > 0 && literals[len(literals)-1].Type != nil {
			return literals[len(literals)-1].Type.Type
		}
		return kql.TypeDynamic
	}
	return typesByName[s.result]
}

func promoted(t Type) Type {
	if t == kql.TypeInt {
		return kql.TypeLong
	}
	return t
}

// choiceType is that of iff and case: a dynamic yields to the other types, and types without anything in common become
// dynamic.
func choiceType(args []Expr) Type {
	t, dynamic := kql.TypeUnknown, false
	for _, a := range args {
		if TypeOf(a) == kql.TypeDynamic {
			dynamic = true
			continue
		}
		var ok bool
		if t, ok = commonType(t, TypeOf(a)); !ok {
			return kql.TypeDynamic
		}
	}
	if t == kql.TypeUnknown && dynamic {
		return kql.TypeDynamic
	}
	return t
}

// checkChoice reports values of iff, case and coalesce that have no common type: Kusto mixes int with long, but neither
// with real or decimal.
func (b *binder) checkChoice(info *FnInfo, x *kql.Call, args []Expr) bool {
	if b.opt.official {
		return true
	}
	switch info.ID { //nolint:exhaustive // the others choose nothing
	case FnIff:
		args = args[1:]
	case FnCase, FnCoalesce:
	default:
		return true
	}
	var kinds []Type
	for _, a := range args {
		if t := promoted(TypeOf(a)); isNumber(t) && !loose(a) && !slices.Contains(kinds, t) {
			kinds = append(kinds, t)
		}
	}
	if len(kinds) < 2 {
		return true
	}
	b.report(CodeTypes, x.Span, fmt.Sprintf("the values of %s have no common type: %s", info.Name, joinTypes(args)),
		"make them one type with toreal(…) or tolong(…)")
	return false
}

// caseOf is case(p1, v1, p2, v2, …, else).
func (b *binder) caseOf(c *ctx, info *FnInfo, x *kql.Call) Expr {
	args, _, ok := b.values(c, info, x)
	if !ok {
		return bad()
	}
	if len(args) < 3 || len(args)%2 == 0 {
		b.report(CodeArguments, x.Span, "case takes pairs of a condition and a value, and a value at its end", "")
		return bad()
	}
	var results []Expr
	i := Info{NonNull: true, Const: true}
	for k, a := range args {
		i.Const = i.Const && Const(a)
		if k%2 == 0 && k < len(args)-1 {
			if t := TypeOf(a); t != kql.TypeBool && !loose(a) {
				b.report(CodeTypes, x.Args[k].Range(), fmt.Sprintf("case takes a bool here, not %s", t), "")
				return bad()
			}
			continue
		}
		results = append(results, a)
		i.NonNull = i.NonNull && NonNull(a)
	}
	if !b.checkChoice(info, x, results) {
		return bad()
	}
	return &Call{Info: typed(choiceType(results), i.NonNull, i.Const), Fn: FnCase, Args: args}
}

// packAll is a bag of all columns.
func (b *binder) packAll(c *ctx, x *kql.Call) Expr {
	if c.row == nil || len(x.Args) > 1 {
		b.report(CodeArguments, x.Span, "pack_all stands where there are columns, with one argument at most", "")
		return bad()
	}
	if c.row.loose() {
		b.unsupported(x.Span, "pack_all on an open table")
		return bad()
	}
	call := &Call{Info: typed(kql.TypeDynamic, true, false), Fn: FnPackAll}
	ignore := Expr(&Lit{Info: typed(kql.TypeBool, true, true)})
	if len(x.Args) == 1 {
		ignore = b.scalar(c, x.Args[0])
	}
	call.Args = append(call.Args, ignore)
	for _, col := range c.row.cols {
		call.Args = append(call.Args, &Lit{Info: typed(kql.TypeString, true, true), Str: col.Name}, col.ref())
	}
	b.spend(len(call.Args), x.Span)
	return call
}

// columnIfExists becomes the column or the other value.
func (b *binder) columnIfExists(c *ctx, info *FnInfo, x *kql.Call) Expr {
	args, _, ok := b.values(c, info, x)
	if !ok || b.choose(info, x, args, nil) == nil {
		return bad()
	}
	if name, ok := args[0].(*Lit); ok && c.row != nil && name.Type == kql.TypeString {
		if col, ok := c.row.find(name.Str); ok {
			return b.convert(col.ref(), TypeOf(args[1]))
		}
		if c.row.loose() {
			return b.columnIfOpen(c, name.Str, args[1])
		}
	}
	return args[1]
}

// columnIfOpen is a column that only the running query knows: column_ifexists with the column in place of its name.
func (b *binder) columnIfOpen(c *ctx, name string, other Expr) Expr {
	col, ok := c.row.open(b, name)
	switch {
	case !ok && c.row.isAway(name):
		return other
	case !ok:
		return bad()
	case TypeOf(other) == kql.TypeUnknown:
		return other
	}
	return &Call{Info: typed(TypeOf(other), false, false), Fn: FnColumnIfexists, Args: []Expr{col.ref(), other}}
}

func (b *binder) isColumn(c *ctx, info *FnInfo, x *kql.Call) Expr {
	args, _, ok := b.values(c, info, x)
	if !ok || b.choose(info, x, args, nil) == nil {
		return bad()
	}
	name, isLit := args[0].(*Lit)
	if !isLit || c.row == nil || c.row.loose() {
		b.unsupported(x.Span, info.Name+" here")
		return bad()
	}
	_, exists := c.row.find(name.Str)
	return &Lit{Info: typed(kql.TypeBool, true, true), Bool: exists}
}

// window binds a call that reads other rows.
func (b *binder) window(c *ctx, info *FnInfo, x *kql.Call, i Info, args []Expr) Expr {
	switch {
	case c.row == nil || c.aggs != nil:
		b.report(CodeNotHere, x.Span, info.Name+" cannot stand here", "")
		return bad()
	case !c.row.ordered && c.row.op != nil:
		b.report(CodeUnserialized, x.Span, fmt.Sprintf("%s needs rows in an order that counts", info.Name), "put sort or serialize before it")
		return bad()
	}
	if (info.ID == FnNext || info.ID == FnPrev) && len(args) == 3 && !loose(args[0]) {
		want := TypeOf(args[0])
		if _, ok := commonType(want, TypeOf(args[2])); !ok {
			b.report(CodeTypes, x.Args[2].Range(), fmt.Sprintf("the default of %s must be %s, not %s", info.Name, want, TypeOf(args[2])), "")
			return bad()
		}
		args[2] = b.convert(args[2], want)
	}
	return &Win{Info: i, Fn: info.ID, Args: args}
}

// ticksPerDay and the like are lengths in ticks of 100 ns.
const unixEpoch = 621355968000000000

func ticks(t time.Time) int64 { return unixEpoch + t.Unix()*10_000_000 + int64(t.Nanosecond()/100) }

// foldNow computes now() and ago() where the time is known.
func (b *binder) foldNow(call *Call) Expr {
	if b.opt.Now.IsZero() || call.Fn != FnNow && call.Fn != FnAgo {
		return call
	}
	offset := int64(0)
	if len(call.Args) == 1 {
		lit, ok := call.Args[0].(*Lit)
		if !ok || lit.Null || lit.Int == math.MinInt64 {
			return call
		}
		offset = lit.Int
	}
	if call.Fn == FnAgo {
		offset = -offset
	}
	now := ticks(b.opt.Now)
	const last = 3155378975999999999
	if offset > 0 && now > last-offset || now+offset < 0 {
		return nullLit(kql.TypeDateTime)
	}
	return &Lit{Info: typed(kql.TypeDateTime, true, true), Int: now + offset}
}

// tupleItem is one of the values of a function that gives several.
type tupleItem struct {
	// name comes after the name of the function and its argument; whole is all of it, if it is set.
	name  string
	t     Type
	whole string
}

var tupleItems = map[Fn][]tupleItem{ //nolint:exhaustive // the others have none
	FnSeriesStats: {
		{name: "min", t: kql.TypeReal},
		{name: "min_idx", t: kql.TypeLong},
		{name: "max", t: kql.TypeReal},
		{name: "max_idx", t: kql.TypeLong},
		{name: "avg", t: kql.TypeReal},
		{name: "stdev", t: kql.TypeReal},
		{name: "variance", t: kql.TypeReal},
	},
	FnSeriesDecomposeAnomalies: {{name: "ad_flag", t: kql.TypeDynamic}, {name: "ad_score", t: kql.TypeDynamic}, {name: "baseline", t: kql.TypeDynamic}},
	FnSeriesDecompose: {
		{name: "baseline", t: kql.TypeDynamic}, {name: "seasonal", t: kql.TypeDynamic}, {name: "trend", t: kql.TypeDynamic}, {name: "residual", t: kql.TypeDynamic},
	},
	FnSeriesDecomposeForecast: {
		{name: "forecast", t: kql.TypeDynamic}, {name: "seasonal", t: kql.TypeDynamic}, {name: "trend", t: kql.TypeDynamic}, {name: "residual", t: kql.TypeDynamic},
	},
	FnSeriesFitLine: {
		{name: "rsquare", t: kql.TypeReal},
		{name: "slope", t: kql.TypeReal},
		{name: "variance", t: kql.TypeReal},
		{name: "rvariance", t: kql.TypeReal},
		{name: "interception", t: kql.TypeReal},
		{name: "line_fit", t: kql.TypeDynamic},
	},
	FnSeriesPeriodsDetect: {{name: "periods", t: kql.TypeDynamic}, {name: "scores", t: kql.TypeDynamic}},
}
