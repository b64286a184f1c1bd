package plan

import (
	"fmt"
	"slices"
	"strings"

	"drumbeat/kql"
)

func (b *binder) print(c *ctx, op *kql.Print) *rel {
	p := b.newProjector()
	inner := &ctx{env: c.env}
	for i, e := range op.Cols {
		if named, ok := e.(*kql.Named); ok {
			b.assignTo(p, inner, []kql.Expr{named}, false)
			continue
		}
		if b.assignMany(p, inner, e, false) {
			continue
		}
		p.add(fmt.Sprintf("print_%d", i), b.scalar(inner, e), false)
	}
	row := make([]Expr, len(p.cols))
	for i := range p.cols {
		row[i] = p.cols[i].X
	}
	cols := assigned(p.cols)
	for i := range cols { // a value of a column of nothing is no column handed on
		cols[i].ID = b.newID()
	}
	return &rel{op: &Values{Cols: cols, Rows: [][]Expr{row}}, cols: cols, ordered: true}
}

func (b *binder) rangeOf(c *ctx, op *kql.Range) *rel {
	inner := &ctx{env: c.env}
	from, to, step := b.scalar(inner, op.From), b.scalar(inner, op.To), b.scalar(inner, op.Step)
	tf, tt, ts := TypeOf(from), TypeOf(to), TypeOf(step)
	t, ok := commonType(tf, tt)
	switch {
	case tf == kql.TypeUnknown || tt == kql.TypeUnknown || ts == kql.TypeUnknown:
		return &rel{cols: []Column{b.newCol(op.Name.Text, t, true)}}
	case isNumber(t) && isNumber(ts):
		t = max(t, ts)
	case (t == kql.TypeDateTime || t == kql.TypeTimespan) && ts == kql.TypeTimespan:
	default:
		ok = false
	}
	if !ok || !isSummable(t) {
		b.report(CodeTypes, op.Span, fmt.Sprintf("range cannot go from %s to %s in steps of %s", tf, tt, ts), "")
		return &rel{cols: []Column{b.newCol(op.Name.Text, t, true)}}
	}
	r := &Range{Col: b.newCol(op.Name.Text, t, true), From: from, To: to, Step: step}
	return &rel{op: r, cols: []Column{r.Col}, ordered: true}
}

// expand binds the columns of mv-expand and mv-apply.
func (b *binder) expand(c *ctx, list []*kql.MvColumn, what string) (items []MvItem, ok bool) {
	ok = true
	for _, mc := range list {
		if mc.X == nil {
			b.unsupported(mc.Span, what+" without a column")
			return nil, false
		}
		x, name := mc.X, (*kql.Name)(nil)
		if named, isNamed := x.(*kql.Named); isNamed {
			if len(named.Names) != 1 {
				b.unsupported(named.Span, "several names here")
				return nil, false
			}
			x, name = named.X, named.Names[0]
		}
		v := b.scalar(c, x)
		t := TypeOf(v)
		if t != kql.TypeDynamic && !loose(v) {
			b.report(CodeTypes, x.Range(), fmt.Sprintf("%s takes a dynamic, not %s", what, t), "read it with parse_json(…), or split(…) it, first")
			ok = false
		}
		elem := kql.TypeDynamic
		if mc.Type != nil {
			if mc.Type.Type == nil {
				b.unsupported(mc.Type.Span, "a row in typeof here")
				return nil, false
			}
			elem = mc.Type.Type.Type
		}
		var text string
		if name != nil {
			text = name.Text
		} else if text = b.nameOf(c, x, 0); text == "" {
			text = freeName("Column1", func(n string) bool { return c.row.index(n) >= 0 })
		}
		items = append(items, MvItem{Col: b.newCol(text, elem, false), X: v})
	}
	return items, ok
}

func (b *binder) limit(c *ctx, x kql.Expr) Expr {
	if x == nil {
		return nil
	}
	return b.number(c, x, "limit")
}

func (b *binder) mvExpand(c *ctx, op *kql.MvExpand) *rel {
	items, _ := b.expand(c, op.Cols, "mv-expand")
	m := &MvExpand{Input: c.row.op, Items: items, Limit: b.limit(c, op.Limit), Cols: slices.Clone(c.row.cols)}
	for _, name := range []string{"bagexpansion", "kind"} {
		word, at, ok := paramWord(op.Params, name)
		if !ok {
			continue
		}
		switch word {
		case "array":
			m.Array = true
		case "bag":
		default:
			b.report(CodeValue, at, quote(word)+" is no kind of mv-expand", "bag or array")
		}
	}
	for _, it := range items {
		m.Cols = replaced(m.Cols, it.Col)
	}
	if word, _, ok := paramWord(op.Params, "with_itemindex"); ok {
		col := b.newCol(word, kql.TypeLong, true)
		m.Index = col.ID
		m.Cols = replaced(m.Cols, col)
	}
	return live(c.row, c.row.with(m, m.Cols))
}

// replaced puts a column in the place of the one of its name, or at the end.
func replaced(cols []Column, col Column) []Column {
	for i := range cols {
		if cols[i].Name == col.Name {
			cols[i] = col
			return cols
		}
	}
	return append(cols, col)
}

func (b *binder) mvApply(c *ctx, op *kql.MvApply) *rel {
	sub, ok := op.Sub.(*kql.Pipe)
	if !ok || op.ID != nil {
		b.unsupported(op.Span, "this form of mv-apply")
		return badRel()
	}
	items, fine := b.expand(c, op.Cols, "mv-apply")
	m := &MvApply{Input: c.row.op, Items: items, Limit: b.limit(c, op.Limit)}
	rows := slices.Clone(c.row.cols)
	for _, it := range items {
		rows = replaced(rows, it.Col)
	}
	if word, _, ok := paramWord(op.Params, "with_itemindex"); ok {
		col := b.newCol(word, kql.TypeLong, true)
		m.Index = col.ID
		rows = replaced(rows, col)
	}
	in := c.row.with(&Rows{Cols: rows}, rows)
	in.ordered = true
	if c.row.op == nil || !fine {
		in.op = nil
		in.wide = in.wide || !fine
	}
	out := b.pipe(c.env, in, sub)
	names := map[string]bool{}
	for _, it := range items {
		names[it.Col.Name] = true
	}
	for _, col := range c.row.cols {
		if !names[col.Name] {
			m.Cols = append(m.Cols, col)
		}
	}
	m.Sub = out.op
	for _, col := range out.cols {
		m.Cols = replaced(m.Cols, col)
	}
	r := c.row.with(m, m.Cols)
	if out.op == nil || c.row.op == nil {
		r.op = nil
		r.wide = r.wide || out.wide
	}
	return r
}

func (b *binder) parse(c *ctx, op *kql.ParseOp) *rel {
	v := b.scalar(c, op.X)
	if t := TypeOf(v); t != kql.TypeString && !loose(v) && t != kql.TypeDynamic {
		b.report(CodeTypes, op.X.Range(), fmt.Sprintf("parse takes a string, not %s", t), "")
	}
	p := &Parse{Input: c.row.op, X: v, Where: op.Where, Cols: slices.Clone(c.row.cols)}
	if word, at, ok := paramWord(op.Params, "kind"); ok {
		switch word {
		case "simple":
		case "relaxed":
			p.Kind = ParseRelaxed
		case "regex":
			p.Kind = ParseRegex
		default:
			b.report(CodeValue, at, quote(word)+" is no kind of parse", "simple, relaxed or regex")
		}
	}
	if word, _, ok := paramWord(op.Params, "flags"); ok {
		p.Flags = word
	}
	after := false // a column stands before
	seen := map[string]bool{}
	for _, part := range op.Pattern {
		switch {
		case part.Star:
			p.Pattern = append(p.Pattern, ParsePart{Star: true})
			continue
		case part.Text != nil:
			p.Pattern = append(p.Pattern, ParsePart{Text: part.Text.Str})
			after = false
			continue
		}
		t := kql.TypeString
		if part.Type != nil {
			t = part.Type.Type
		}
		if after {
			b.report(kql.CodeUnexpected, part.Name.Span, "a text must stand between two columns", "")
		}
		after = true
		if seen[part.Name.Text] {
			b.report(CodeDuplicate, part.Name.Span, "there is a column "+quote(part.Name.Text)+" already", "")
		}
		seen[part.Name.Text] = true
		col := b.newCol(part.Name.Text, t, false)
		p.Pattern = append(p.Pattern, ParsePart{Col: col.ID, Type: t})
		p.Cols = parsed(p.Cols, col)
	}
	if p.Kind == ParseRegex {
		b.checkParsePattern(op, p)
	}
	return live(c.row, c.row.with(p, p.Cols))
}

// parsed puts a column that was read out of a text in the place of its namesake, or at the end.
func parsed(cols []Column, col Column) []Column {
	return append(slices.DeleteFunc(cols, func(o Column) bool { return o.Name == col.Name }), col)
}

func (b *binder) parseKv(c *ctx, op *kql.ParseKv) *rel {
	v := b.scalar(c, op.X)
	if t := TypeOf(v); t != kql.TypeString && !loose(v) {
		b.report(CodeTypes, op.X.Range(), fmt.Sprintf("parse-kv takes a string, not %s", t), "")
	}
	p := &ParseKv{Input: c.row.op, X: v, Cols: slices.Clone(c.row.cols)}
	for _, col := range b.declaredColumns(op.Columns) {
		p.Keys = append(p.Keys, KvKey{Key: col.Name, Col: col})
		p.Cols = parsed(p.Cols, col)
	}
	for _, w := range op.With {
		text := ""
		if lit, ok := w.Value.(*kql.Literal); ok {
			text = lit.Str
			if lit.Type == kql.TypeBool && w.Name.Text == "greedy" {
				p.Greedy = lit.Bool
				continue
			}
		}
		switch w.Name.Text {
		case "pair_delimiter":
			p.PairDelimiter = text
		case "kv_delimiter":
			p.KvDelimiter = text
		case "quote":
			p.Quote = text
		case "escape":
			p.Escape = text
		default:
			b.unsupported(w.Span, "the parameter "+w.Name.Text+" of parse-kv")
		}
	}
	return live(c.row, c.row.with(p, p.Cols))
}

// plugins are the names that evaluate knows. Of them bag_unpack, pivot and ipv4_lookup are supported.
var plugins = []string{
	"active_users_count", "activity_counts_metrics", "activity_engagement", "activity_metrics", "autocluster",
	"azure_digital_twins_query_request", "bag_unpack", "basket", "cosmosdb_sql_request", "csharp", "dcount_intersect", "diffpatterns",
	"estimate_rows_count", "execute_query", "execute_show_command", "external_datatable", "funnel_sequence",
	"funnel_sequence_completion", "http_request", "http_request_post", "identity", "identity_v3", "infer_storage_schema",
	"infer_storage_schema_with_suggestions", "geo_polygon_lookup", "geo_line_lookup", "ipv4_lookup", "ipv6_lookup", "narrow",
	"new_activity_metrics", "pivot", "preview", "python", "r", "rolling_percentile", "rows_near", "session_count", "sequence_detect",
	"sliding_window_counts", "sql_request", "mysql_request", "postgresql_request", "dax_request", "ai_embed_text",
	"ai_chat_completion", "ai_chat_completion_prompt", "ai_embeddings",
}

func (b *binder) evaluate(c *ctx, op *kql.Evaluate) *rel {
	if op.Call == nil {
		return badRel()
	}
	name := op.Call.Func.Text
	switch name {
	case "bag_unpack":
		return b.bagUnpack(c, op)
	case "pivot":
		return b.pivot(c, op)
	case "ipv4_lookup":
		return b.ipv4Lookup(c, op)
	}
	if !slices.Contains(plugins, name) {
		b.report(CodeUnknownFunc, op.Call.Func.Span, "there is no plugin "+quote(name), hint(name, plugins))
		return badRel()
	}
	b.unsupported(op.Call.Func.Span, "evaluate "+name)
	return badRel()
}

func (b *binder) bagUnpack(c *ctx, op *kql.Evaluate) *rel {
	args := op.Call.Args
	if len(args) == 0 {
		b.report(CodeArguments, op.Call.Span, "bag_unpack takes a column", "")
		return badRel()
	}
	v := b.scalar(c, args[0])
	col, ok := v.(*Col)
	if !ok || col.Type != kql.TypeDynamic {
		if TypeOf(v) != kql.TypeUnknown {
			b.report(CodeTypes, args[0].Range(), "bag_unpack takes a dynamic column", "")
		}
		return badRel()
	}
	u := &Unpack{Input: c.row.op, X: v, Open: true}
	for i, a := range args[1:] {
		if !b.unpackOption(c, u, a, i) {
			return badRel()
		}
	}
	if !op.Schema || op.Star {
		for _, o := range c.row.cols {
			if o.ID != col.ID {
				u.Cols = append(u.Cols, o)
			}
		}
	}
	if op.Schema {
		u.Open = false
		u.Declared = b.declaredColumns(op.Columns)
		for _, d := range u.Declared {
			u.Cols = replaced(u.Cols, d)
		}
	}
	r := &rel{op: u, cols: slices.Clip(u.Cols), wide: u.Open}
	if u.Open {
		r.opener = &opener{known: map[string]Column{}, add: func(c Column) { u.Cols = append(u.Cols, c) }}
	}
	return live(c.row, r)
}

// unpackOptions are the arguments of bag_unpack after the column, in their order; they may be named too.
var unpackOptions = []string{"OutputColumnPrefix", "columnsConflict", "ignoredProperties"}

func (b *binder) unpackOption(c *ctx, u *Unpack, x kql.Expr, i int) bool {
	name := ""
	if i < len(unpackOptions) {
		name = unpackOptions[i]
	}
	at := x.Range()
	if named, ok := x.(*kql.Named); ok && len(named.Names) == 1 {
		name, x = named.Names[0].Text, named.X
	}
	v := b.scalar(&ctx{env: c.env}, x)
	text, isText := constantText(v)
	switch name {
	case "OutputColumnPrefix":
		if isText {
			u.Prefix = text
			return true
		}
	case "columnsConflict":
		known := map[string]Conflict{"error": ConflictError, "replace_source": ConflictReplace, "keep_source": ConflictKeep}
		if u.Conflict, isText = known[text]; isText {
			return true
		}
	case "ignoredProperties":
		var ok bool
		if u.Ignored, ok = constantNames(v); ok && !b.opt.official {
			return true
		}
	default:
		b.report(CodeArguments, at, "bag_unpack has no such argument", "it is called with a column, "+strings.Join(unpackOptions, ", "))
		return false
	}
	if TypeOf(v) != kql.TypeUnknown {
		b.report(CodeValue, at, "the value cannot be "+name+" of bag_unpack", "")
	}
	return false
}

func (b *binder) pivot(c *ctx, op *kql.Evaluate) *rel {
	args := op.Call.Args
	if op.Schema || len(args) == 0 || c.row.wide && c.row.op != nil {
		b.unsupported(op.Call.Span, "this form of pivot")
		return badRel()
	}
	v := b.scalar(c, args[0])
	col, ok := v.(*Col)
	if !ok {
		if TypeOf(v) != kql.TypeUnknown {
			b.report(kql.CodeExpected, args[0].Range(), "pivot takes a column", "")
		}
		return badRel()
	}
	p := &Pivot{Input: c.row.op, X: v}
	used := []int{col.ID}
	if len(args) > 1 {
		aggs := &aggregates{}
		b.assignAgg(b.newProjector(), &ctx{env: c.env, row: c.row, aggs: aggs}, args[1])
		if len(aggs.list) != 1 {
			b.report(kql.CodeExpected, args[1].Range(), "pivot takes an aggregate here", "")
			return badRel()
		}
		p.Agg = aggs.list[0].Agg
		for _, a := range p.Agg.Args {
			if ref, ok := a.(*Col); ok {
				used = append(used, ref.ID)
			}
		}
	}
	if len(args) > 2 {
		for _, a := range args[2:] {
			key, ok := b.scalar(c, a).(*Col)
			if !ok {
				b.report(kql.CodeExpected, a.Range(), "pivot takes a column here", "")
				return badRel()
			}
			i := slices.IndexFunc(c.row.cols, func(o Column) bool { return o.ID == key.ID })
			if i >= 0 {
				p.Keys = append(p.Keys, c.row.cols[i])
			}
		}
	} else {
		for _, o := range c.row.cols {
			if !slices.Contains(used, o.ID) {
				p.Keys = append(p.Keys, o)
			}
		}
	}
	r := &rel{op: p, cols: slices.Clip(p.Keys), wide: true}
	r.opener = &opener{known: map[string]Column{}, add: func(c Column) { p.Keys = append(p.Keys, c) }}
	return live(c.row, r)
}

// invoke calls a function with the table so far. again binds that table anew, for functions that use it more than once.
func (b *binder) invoke(c *ctx, op *kql.Invoke, again func() *rel) *rel {
	if c.row == nil {
		b.report(kql.CodeFirst, op.Span, "a table must stand before invoke", "")
		return badRel()
	}
	call, ok := op.Call.(*kql.Call)
	if !ok {
		b.unsupported(op.Span, "a function of another database")
		return badRel()
	}
	var l *lambda
	if v := c.env.find(call.Func.Text); v != nil {
		l = v.lambda
	} else {
		l = b.stored(call.Func.Text, call.Span)
	}
	if l == nil {
		b.report(CodeUnknownFunc, call.Func.Span, "there is no function "+quote(call.Func.Text), "")
		return badRel()
	}
	if len(l.def.Params) == 0 || !l.def.Params[0].Table {
		b.report(CodeTypes, call.Span, l.name+" takes no table first", "")
		return badRel()
	}
	used := false
	if again == nil {
		again = func() *rel { used = true; return badRel() }
	}
	piped := b.narrowed(&tableDef{first: c.row, given: again}, l.def.Params[0], call.Span)
	r, value := b.call(&ctx{env: c.env}, l, call, piped)
	if used {
		b.unsupported(call.Span, "in a sub-query, invoke of a function that uses its table more than once")
		return badRel()
	}
	if r == nil {
		if value != nil && TypeOf(value) != kql.TypeUnknown {
			b.report(CodeTypes, call.Span, l.name+" gives a value: a table must stand here", "")
		}
		return badRel()
	}
	return r
}

var dotNetTypes = map[Type]string{ //nolint:exhaustive // the others have none
	kql.TypeBool: "System.SByte", kql.TypeInt: "System.Int32", kql.TypeLong: "System.Int64", kql.TypeReal: "System.Double",
	kql.TypeDecimal: "System.Data.SqlTypes.SqlDecimal", kql.TypeDateTime: "System.DateTime", kql.TypeTimespan: "System.TimeSpan",
	kql.TypeString: "System.String", kql.TypeGuid: "System.Guid", kql.TypeDynamic: "System.Object",
}

func (b *binder) getSchema(c *ctx, op *kql.GetSchema) *rel {
	if c.row.wide && c.row.op != nil {
		b.unsupported(op.Span, "getschema of an open table")
		return badRel()
	}
	v := &Values{Cols: []Column{
		b.newCol("ColumnName", kql.TypeString, true), b.newCol("ColumnOrdinal", kql.TypeLong, true),
		b.newCol("DataType", kql.TypeString, true), b.newCol("ColumnType", kql.TypeString, true),
	}}
	text := func(s string) Expr { return &Lit{Info: typed(kql.TypeString, true, true), Str: s} }
	for i, col := range c.row.cols {
		v.Rows = append(v.Rows, []Expr{text(col.Name), longLit(int64(i)), text(dotNetTypes[col.Type]), text(col.Type.String())})
	}
	r := c.row.unordered(v, v.Cols)
	r.ordered = true
	return r
}

func (b *binder) assertSchema(c *ctx, op *kql.AssertSchema) *rel {
	for _, d := range op.Columns {
		i := c.row.index(d.Name.Text)
		if i < 0 && !c.row.loose() || i >= 0 && c.row.cols[i].Type != d.Type.Type && !c.row.cols[i].Open {
			b.report(CodeTypes, d.Span, fmt.Sprintf("the table has no column %s:%s", d.Name.Text, d.Type.Type), "")
		}
	}
	return c.row
}
