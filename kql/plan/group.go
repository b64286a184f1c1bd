package plan

import (
	"fmt"
	"slices"
	"strconv"

	"drumbeat/kql"
)

// aggregates collects the aggregates of one step.
type aggregates struct {
	list []AggAssign
	// byIDs are the columns that * leaves out: those of the groups.
	byIDs []int
}

// aggregate binds a call of an aggregate and gives its columns, whose names are those that they have without others
// beside them.
func (b *binder) aggregate(c *ctx, info *FnInfo, x *kql.Call) []Column {
	if info.Is(FlagUnsupported) {
		b.unsupported(x.Func.Span, "the aggregate "+info.Name)
		return nil
	}
	inner := &ctx{env: c.env, row: c.row, aggs: c.aggs, within: true}
	var args []Expr
	var names []string
	for i, a := range x.Args {
		name := ""
		if named, ok := a.(*kql.Named); ok && len(named.Names) == 1 {
			name, a = named.Names[0].Text, named.X
		}
		if _, star := kql.Unparen(a).(*kql.Star); star {
			if !b.starArgs(c, info, a.Range(), &args, &names) {
				return nil
			}
			continue
		}
		v := b.scalar(inner, a)
		if name == "" {
			if name = b.nameOf(inner, a, 0); name == "" && i > 0 {
				name = "arg" + strconv.Itoa(i)
			}
		}
		args, names = append(args, v), append(names, name)
	}
	sig := b.chooseAggregate(info, x, args)
	if sig == nil {
		return nil
	}
	agg := &Agg{Fn: info.ID, Args: args}
	cols := b.aggregateColumns(info, sig, agg, args, names)
	agg.Info = typed(cols[0].Type, cols[0].NonNull, false)
	c.aggs.list = append(c.aggs.list, AggAssign{Cols: cols, Agg: agg})
	return cols
}

// starArgs puts all columns but those of the groups in the place of a star.
func (b *binder) starArgs(c *ctx, info *FnInfo, at kql.Span, args *[]Expr, names *[]string) bool {
	switch info.ID { //nolint:exhaustive // the others have no use for a star
	case AggArgMax, AggArgMin, AggOldArgMax, AggOldArgMin, AggTakeAny, AggAny:
	default:
		b.report(CodeNotHere, at, "a star cannot stand here", "")
		return false
	}
	if c.row.loose() {
		b.unsupported(at, "a star for the columns of an open table")
		return false
	}
	for _, col := range c.row.cols {
		known := func(x Expr) bool {
			have, ok := x.(*Col)
			return ok && have.ID == col.ID
		}
		if slices.Contains(c.aggs.byIDs, col.ID) || slices.ContainsFunc(*args, known) {
			continue
		}
		*args, *names = append(*args, col.ref()), append(*names, col.Name)
	}
	b.spend(len(c.row.cols), at)
	return true
}

func (b *binder) chooseAggregate(info *FnInfo, x *kql.Call, args []Expr) *signature {
	switch info.ID { //nolint:exhaustive // the others follow the table
	case AggTakeAny, AggAny:
		if len(args) > 0 {
			return &info.sigs[0]
		}
	case AggCount:
		if len(args) != 1 || TypeOf(args[0]) == kql.TypeBool || loose(args[0]) {
			break
		}
		at := x.Args[0].Range()
		if b.opt.official {
			b.report(CodeTypes, at, fmt.Sprintf("count takes a bool here, not %s", TypeOf(args[0])), usage(info))
			return nil
		}
		b.report(CodeNoEffect, at, "count counts all rows, also those where this is null", "to count rows with a value, write countif(isnotnull(…))")
	}
	return b.choose(info, x, args, nil)
}

// aggregateColumns names what an aggregate gives.
func (b *binder) aggregateColumns(info *FnInfo, sig *signature, agg *Agg, args []Expr, names []string) []Column {
	first := ""
	if len(names) > 0 {
		first = names[0]
	}
	col := func(name string, x Expr) Column { return b.newCol(name, TypeOf(x), false) }
	switch info.ID { //nolint:exhaustive // the others give one value
	case AggArgMax, AggArgMin, AggOldArgMax, AggOldArgMin:
		prefix := "max_"
		if info.ID == AggArgMin || info.ID == AggOldArgMin {
			prefix = "min_"
		}
		if first == "" {
			first = prefix
		}
		cols := []Column{col(first, args[0])}
		for i := 1; i < len(args); i++ {
			name := names[i]
			if name == "arg"+strconv.Itoa(i) {
				name = prefix + names[0] + "_" + name
			}
			cols = append(cols, col(name, args[i]))
		}
		return cols
	case AggTakeAny, AggAny:
		var cols []Column
		for i, a := range args {
			name := names[i]
			if info.ID == AggAny {
				name = "any_" + name
			}
			cols = append(cols, col(name, a))
		}
		return cols
	case AggPercentile, AggPercentiles, AggPercentilew, AggPercentilesw:
		var cols []Column
		from := 1
		if info.ID == AggPercentilew || info.ID == AggPercentilesw {
			from = 2
		}
		for _, p := range args[from:] {
			cols = append(cols, col("percentile_"+first+"_"+numberText(p), args[0]))
		}
		return cols
	}
	name := first
	switch {
	case info.naming == namePrefix:
		name = info.prefix + "_" + first
	case info.ID == AggPercentilesArray || info.ID == AggPercentileswArray:
		name = "percentiles_" + first
	}
	nonNull := info.Null == NullNever
	return []Column{b.newCol(name, aggregateType(sig, agg.Args), nonNull)}
}

func aggregateType(sig *signature, args []Expr) Type {
	if slices.ContainsFunc(args, loose) && sig.result == "arg" {
		return kql.TypeDynamic
	}
	return resultType(sig, args, nil)
}

func numberText(x Expr) string {
	lit, ok := x.(*Lit)
	switch {
	case !ok:
		return ""
	case lit.Type == kql.TypeReal:
		text := strconv.FormatFloat(lit.Real, 'f', -1, 64)
		out := []byte(text)
		for i := range out {
			if out[i] == '.' {
				out[i] = '_'
			}
		}
		return string(out)
	}
	return strconv.FormatInt(lit.Int, 10)
}

// assignAggs binds the aggregates of summarize and make-series. Each column of p is a column of an aggregate, or is
// computed from some.
func (b *binder) assignAgg(p *projector, c *ctx, e kql.Expr) {
	var names []*kql.Name
	x := e
	if named, ok := e.(*kql.Named); ok {
		names, x = named.Names, named.X
	}
	call, _ := kql.Unparen(x).(*kql.Call)
	if call != nil && c.env.find(call.Func.Text) == nil {
		if info := catalogue().aggregate[call.Func.Text]; info != nil {
			b.nameColumns(p, b.aggregate(c, info, call), names)
			return
		}
	}
	v := b.scalar(c, x)
	switch {
	case len(names) > 1:
		b.report(CodeTypes, e.Range(), "the expression gives one value", "give it one name")
	case len(names) == 1:
		p.declare(names[0].Text, v, names[0].Span, false)
	default:
		name := b.nameOf(c, x, 0)
		if name == "" {
			name = p.nextUnnamed(func(n string) bool { return c.env.find(n) != nil })
		}
		p.add(name, v, false)
	}
}

func (b *binder) nameColumns(p *projector, cols []Column, names []*kql.Name) {
	if len(cols) == 0 {
		for _, n := range names { // so that nothing is said of the name's absence
			p.declare(n.Text, bad(), n.Span, false)
		}
		return
	}
	if len(names) > len(cols) {
		b.report(CodeTypes, names[len(cols)].Span, "there are more names than values", "")
		names = names[:len(cols)]
	}
	for i, col := range cols {
		if i < len(names) {
			p.declare(names[i].Text, col.ref(), names[i].Span, false)
			continue
		}
		name := col.Name
		if _, taken := p.index[name]; taken && name == "count_" {
			name = p.unique("count_")
		}
		p.add(name, col.ref(), false)
	}
}

// keysOf binds the columns of by.
func (b *binder) keysOf(c *ctx, list []kql.Expr, what string) []Assign {
	p := b.newProjector()
	b.assignTo(p, c, list, false)
	for i := range p.cols {
		if p.cols[i].Col.Type == kql.TypeDynamic && !p.cols[i].Col.Open && !loose(p.cols[i].X) {
			at := c.row.span(list, i)
			b.report(CodeTypes, at, fmt.Sprintf("%s cannot be by a dynamic", what), "make a string of it with tostring(…)")
		}
	}
	return p.cols
}

// span is the place of the column i of a list without stars.
func (r *rel) span(list []kql.Expr, i int) kql.Span {
	return list[min(i, len(list)-1)].Range()
}

func (b *binder) summarize(c *ctx, op *kql.Summarize) *rel {
	if op.Bin != nil {
		b.unsupported(op.Bin.Range(), "bin= of summarize")
		return badRel()
	}
	keys := b.keysOf(c, op.By, "groups")
	aggs := &aggregates{}
	for i := range keys {
		if col, ok := keys[i].X.(*Col); ok {
			aggs.byIDs = append(aggs.byIDs, col.ID)
		}
	}
	p := b.newProjector()
	p.keep(assigned(keys))
	for i := range keys {
		p.declared[keys[i].Col.Name] = declaredKey(op.By, i)
	}
	sub := &ctx{env: c.env, row: c.row, aggs: aggs}
	for _, e := range op.Aggs {
		b.assignAgg(p, sub, e)
	}
	a := &Aggregate{Input: c.row.op, Keys: keys, Aggs: aggs.list}
	return b.aboveAggregate(c, a, p)
}

// declaredKey reports whether a group has the name of a column or one that the query gives.
func declaredKey(by []kql.Expr, i int) bool {
	if i >= len(by) {
		return false
	}
	switch kql.Unparen(by[i]).(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Name, *kql.Named:
		return true
	default:
		return false
	}
}

// aboveAggregate names the results in place where they are bare aggregates, and computes the others above.
func (b *binder) aboveAggregate(c *ctx, a *Aggregate, p *projector) *rel {
	names := map[int]string{}
	plain := true
	for _, col := range p.cols[len(a.Keys):] {
		ref, ok := col.X.(*Col)
		if !ok || names[ref.ID] != "" {
			plain = false
			continue
		}
		names[ref.ID] = col.Col.Name
	}
	outs := 0
	for i := range a.Aggs {
		for j := range a.Aggs[i].Cols {
			outs++
			if name, ok := names[a.Aggs[i].Cols[j].ID]; ok {
				a.Aggs[i].Cols[j].Name = name
			} else {
				plain = false
			}
		}
	}
	if plain && outs == len(p.cols)-len(a.Keys) {
		return c.row.unordered(a, Columns(a))
	}
	for i := range p.cols {
		if ref, ok := p.cols[i].X.(*Col); ok {
			id := ref.ID
			if i < len(a.Keys) {
				id = a.Keys[i].Col.ID
			}
			col := p.cols[i].Col
			col.ID = id
			if i >= len(a.Keys) && slices.ContainsFunc(p.cols[:i], func(o Assign) bool { return o.Col.ID == id }) {
				col.ID = b.newID()
			}
			x := *ref
			x.ID = id
			p.cols[i] = Assign{Col: col, X: &x}
		}
	}
	return c.row.unordered(&Project{Input: a, Cols: p.cols}, assigned(p.cols))
}

// unordered gives the table after a step that makes new rows.
func (r *rel) unordered(op Op, cols []Column) *rel {
	out := r.closed(op, cols)
	out.ordered = false
	return out
}

func (b *binder) distinct(c *ctx, op *kql.Distinct) *rel {
	if c.row.loose() && c.row.op != nil && len(op.Cols) == 1 {
		if _, star := op.Cols[0].(*kql.Star); star {
			b.unsupported(op.Span, "distinct * on an open table")
			return badRel()
		}
	}
	keys := b.keysOf(c, op.Cols, "distinct values")
	a := &Aggregate{Input: c.row.op, Keys: keys}
	return c.row.unordered(a, assigned(keys))
}

func (b *binder) count(c *ctx, op *kql.Count) *rel {
	name := "Count"
	if op.As != nil {
		name = op.As.Text
	}
	col := b.newCol(name, kql.TypeLong, true)
	agg := &Agg{Info: typed(kql.TypeLong, true, false), Fn: AggCount}
	return c.row.unordered(&Aggregate{Input: c.row.op, Aggs: []AggAssign{{Cols: []Column{col}, Agg: agg}}}, []Column{col})
}

func (b *binder) sortKeys(c *ctx, list []*kql.SortKey, dynamics bool) []SortKey {
	keys := make([]SortKey, 0, len(list))
	for _, k := range list {
		v := b.scalar(c, k.X)
		if TypeOf(v) == kql.TypeDynamic && !dynamics && !loose(v) {
			b.report(CodeTypes, k.X.Range(), "rows cannot be sorted by a dynamic", "make a string of it with tostring(…), or a number with tolong(…)")
		}
		desc := k.Order != kql.OrderAsc
		first := !desc
		if k.Nulls != kql.NullsDefault {
			first = k.Nulls == kql.NullsFirst
		}
		keys = append(keys, SortKey{X: v, Desc: desc, NullsFirst: first})
	}
	return keys
}

func (b *binder) sort(c *ctx, op *kql.Sort) *rel {
	r := c.row.from(&Sort{Input: c.row.op, Keys: b.sortKeys(c, op.Keys, false)})
	r.ordered = true
	return live(c.row, r)
}

// number binds how many rows are wanted.
func (b *binder) number(c *ctx, x kql.Expr, what string) Expr {
	n := b.scalar(&ctx{env: c.env}, x)
	if t := TypeOf(n); t != kql.TypeLong && t != kql.TypeInt && t != kql.TypeUnknown {
		b.report(CodeTypes, x.Range(), fmt.Sprintf("%s takes a whole number, not %s", what, t), "")
		return bad()
	}
	if lit, ok := n.(*Lit); ok && lit.Int < 0 {
		b.report(CodeValue, x.Range(), what+" takes a number that is not negative", "")
	}
	return n
}

func (b *binder) top(c *ctx, op *kql.Top) *rel {
	n := b.number(c, op.N, "top")
	keys := b.sortKeys(c, []*kql.SortKey{op.Key}, false)
	r := c.row.from(&Top{Input: c.row.op, N: n, Keys: keys})
	r.ordered = true
	return live(c.row, r)
}

// topHitters is a top over the counts, or sums, of groups: exact, where the language allows an estimate.
func (b *binder) topHitters(c *ctx, op *kql.TopHitters) *rel {
	n := b.number(c, op.N, "top-hitters")
	keys := b.keysOf(c, []kql.Expr{op.Of}, "groups")
	agg := &Agg{Info: typed(kql.TypeLong, true, false), Fn: AggCount}
	name := "approximate_count_" + b.nameOf(c, op.Of, 0)
	if op.By != nil {
		v := b.scalar(c, op.By)
		t := TypeOf(v)
		if !isSummable(t) && !loose(v) {
			b.report(CodeTypes, op.By.Range(), fmt.Sprintf("top-hitters sums a number, not %s", t), "")
		}
		agg = &Agg{Info: typed(promoted(t), false, false), Fn: AggSum, Args: []Expr{v}}
		name = "approximate_sum_" + b.nameOf(c, op.By, 0)
	}
	col := b.newCol(freeName(name, func(s string) bool { return keys[0].Col.Name == s }), agg.Type, agg.NonNull)
	a := &Aggregate{Input: c.row.op, Keys: keys, Aggs: []AggAssign{{Cols: []Column{col}, Agg: agg}}}
	r := c.row.unordered(&Top{Input: a, N: n, Keys: []SortKey{{X: col.ref(), Desc: true}}}, Columns(a))
	r.ordered = true
	return r
}

func (b *binder) take(c *ctx, op *kql.Take) *rel {
	return live(c.row, c.row.from(&Take{Input: c.row.op, N: b.number(c, op.N, "take")}))
}

func (b *binder) sample(c *ctx, op *kql.Sample) *rel {
	r := c.row.from(&Sample{Input: c.row.op, N: b.number(c, op.N, "sample")})
	r.ordered = false
	return live(c.row, r)
}

func (b *binder) sampleDistinct(c *ctx, op *kql.SampleDistinct) *rel {
	n := b.number(c, op.N, "sample-distinct")
	keys := b.keysOf(c, []kql.Expr{op.Of}, "distinct values")
	a := &Aggregate{Input: c.row.op, Keys: keys}
	return c.row.unordered(&Sample{Input: a, N: n}, assigned(keys))
}

func (b *binder) topNested(c *ctx, op *kql.TopNested) *rel {
	nested := &TopNested{Input: c.row.op}
	p := b.newProjector()
	for _, cl := range op.Clauses {
		level := NestedLevel{}
		if cl.N != nil {
			level.N = b.number(c, cl.N, "top-nested")
		}
		keys := b.keysOf(c, []kql.Expr{cl.Of}, "groups")
		if len(keys) != 1 {
			return badRel()
		}
		level.Key = keys[0]
		level.Key.Col = b.newCol(p.unique(keys[0].Col.Name), keys[0].Col.Type, false)
		p.push(level.Key.Col.Name, level.Key.X)
		aggs := &aggregates{}
		q := b.newProjector()
		b.assignAgg(q, &ctx{env: c.env, row: c.row, aggs: aggs}, cl.By.X)
		if len(aggs.list) != 1 || len(q.cols) != 1 {
			b.unsupported(cl.By.X.Range(), "anything but one aggregate in top-nested")
			return badRel()
		}
		if _, ok := q.cols[0].X.(*Col); !ok {
			b.unsupported(cl.By.X.Range(), "a computation with an aggregate in top-nested")
			return badRel()
		}
		name := "aggregated_" + keys[0].Col.Name
		if _, ok := cl.By.X.(*kql.Named); ok {
			name = q.cols[0].Col.Name
		}
		level.By = aggs.list[0]
		level.By.Cols[0].Name = p.unique(name)
		p.push(level.By.Cols[0].Name, level.By.Cols[0].ref())
		level.Asc = cl.By.Order == kql.OrderAsc
		if cl.Others != nil {
			level.Others = b.scalar(&ctx{env: c.env}, cl.Others)
		}
		nested.Levels = append(nested.Levels, level)
	}
	return c.row.unordered(nested, Columns(nested))
}

func (b *binder) makeSeries(c *ctx, op *kql.MakeSeries) *rel {
	keys := b.keysOf(c, op.By, "groups")
	s := &MakeSeries{Input: c.row.op, Keys: keys}
	p := b.newProjector()
	p.keep(assigned(keys))
	for i := range keys {
		p.declared[keys[i].Col.Name] = declaredKey(op.By, i)
	}
	for _, a := range op.Aggs {
		aggs := &aggregates{}
		from := len(p.cols)
		b.assignAgg(p, &ctx{env: c.env, row: c.row, aggs: aggs}, a.X)
		if len(aggs.list) != 1 || len(p.cols)-from != len(aggs.list[0].Cols) {
			if !b.diags.HasErrors() && b.quiet == 0 {
				b.unsupported(a.Range(), "anything but one aggregate for a series")
			}
			continue
		}
		one := SeriesAgg{AggAssign: aggs.list[0]}
		for i := range one.Cols {
			if _, ok := p.cols[from+i].X.(*Col); !ok {
				b.unsupported(a.Range(), "a computation with an aggregate for a series")
			}
			one.Cols[i].Name, one.Cols[i].Type, one.Cols[i].NonNull = p.cols[from+i].Col.Name, kql.TypeDynamic, true
		}
		if a.Default != nil {
			one.Default = b.scalar(&ctx{env: c.env}, a.Default)
		}
		s.Aggs = append(s.Aggs, one)
	}
	on := b.newProjector()
	b.assignTo(on, c, []kql.Expr{op.On}, false)
	if len(on.cols) != 1 {
		return badRel()
	}
	if t := on.cols[0].Col.Type; !isSummable(t) && !loose(on.cols[0].X) {
		b.report(CodeTypes, op.On.Range(), fmt.Sprintf("a series needs a number, datetime or timespan to go along, not %s", t), "")
	}
	s.On = Assign{Col: b.newCol(p.unique(on.cols[0].Col.Name), kql.TypeDynamic, true), X: on.cols[0].X}
	optional := func(x kql.Expr) Expr {
		if x == nil {
			return nil
		}
		return b.scalar(&ctx{env: c.env}, x)
	}
	s.From, s.To, s.Step = optional(op.From), optional(op.To), optional(op.Step)
	if len(op.InRange) == 3 {
		s.From, s.To, s.Step, s.Closed = optional(op.InRange[0]), optional(op.InRange[1]), optional(op.InRange[2]), true
	}
	if s.Step == nil {
		b.report(kql.CodeExpected, op.Span, "make-series needs a step", "")
		return badRel()
	}
	return c.row.unordered(s, Columns(s))
}
