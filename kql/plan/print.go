package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"drumbeat/kql"
)

// String writes the plan, one step a line, from the source down. A column is written c and its ID, with its name and type
// where it comes into being. Each plan has one text, for tests and for people; it cannot be read back.
func (p *Plan) String() string {
	w := &printer{}
	w.step(p.Root, 0)
	w.line(0, "out "+columnsText(p.Out, p.Open))
	for _, param := range p.Params {
		text := "param " + param.Name + ":" + param.Type.String()
		if param.Default != nil {
			text += " = " + w.expr(param.Default)
		}
		w.line(0, text)
	}
	if p.Render != "" {
		w.line(0, "render "+p.Render)
	}
	return w.text.String()
}

func columnsText(cols []Column, open bool) string {
	parts := make([]string, 0, len(cols)+1)
	for _, c := range cols {
		parts = append(parts, colText(c))
	}
	if open {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
}

func colText(c Column) string {
	text := fmt.Sprintf("c%d %s:%s", c.ID, nameText(c.Name), c.Type)
	if c.Open {
		text += "?"
	} else if c.NonNull && c.Type != kql.TypeString {
		text += "!"
	}
	return text
}

func nameText(name string) string {
	for _, r := range name {
		if r != '_' && r != '$' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return strconv.Quote(name)
		}
	}
	return name
}

type printer struct {
	text strings.Builder
	// subs are the tables within the expressions of the step.
	subs []*Sub
}

func (w *printer) line(depth int, text string) {
	w.text.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// out writes the line of a step, and below it the tables within its expressions.
func (w *printer) out(depth int, text string) {
	subs := w.subs
	w.subs = nil
	w.line(depth, text)
	for i, s := range subs {
		w.line(depth+1, fmt.Sprintf("sub %d", i+1))
		w.step(s.Op, depth+2)
	}
}

// step writes a chain of steps from its source on, without recursion along the chain.
func (w *printer) step(op Op, depth int) {
	var chain []Op
	for at := op; at != nil; at = inputOf(at) {
		chain = append(chain, at)
	}
	for _, one := range slices.Backward(chain) {
		w.one(one, depth)
	}
}

// inputOf is the one input of a step, or nil for sources and steps of several tables.
func inputOf(op Op) Op {
	switch op := op.(type) {
	case *Filter:
		return op.Input
	case *Project:
		return op.Input
	case *Sort:
		return op.Input
	case *Serialize:
		return op.Input
	case *Take:
		return op.Input
	case *Top:
		return op.Input
	case *Sample:
		return op.Input
	case *Aggregate:
		return op.Input
	case *TopNested:
		return op.Input
	case *MakeSeries:
		return op.Input
	case *Parse:
		return op.Input
	case *ParseKv:
		return op.Input
	case *MvExpand:
		return op.Input
	case *MvApply:
		return op.Input
	case *Unpack:
		return op.Input
	case *Pivot:
		return op.Input
	case *Partition:
		return op.Input
	case *Shared:
		return op.Input
	case *Join:
		return op.Left
	case *Scan, *Values, *External, *Range, *Rows, *Union:
	}
	return nil
}

func (w *printer) one(op Op, depth int) {
	switch op := op.(type) {
	case *Scan:
		w.out(depth, "scan "+nameText(op.Table)+" "+columnsText(op.Columns, op.Open))
	case *Values:
		w.values(op, depth)
	case *External:
		w.out(depth, fmt.Sprintf("external %q with %q %s", op.URIs, op.With, columnsText(op.Cols, false)))
	case *Range:
		w.out(depth, fmt.Sprintf("range %s from %s to %s step %s", colText(op.Col), w.expr(op.From), w.expr(op.To), w.expr(op.Step)))
	case *Rows:
		w.out(depth, "rows "+columnsText(op.Cols, false))
	case *Filter:
		w.out(depth, "filter "+w.expr(op.Pred))
	case *Project:
		w.project(op, depth)
	case *Sort:
		w.out(depth, "sort "+w.keys(op.Keys))
	case *Serialize:
		w.out(depth, "serialize")
	case *Take:
		w.out(depth, "take "+w.expr(op.N))
	case *Top:
		w.out(depth, "top "+w.expr(op.N)+" by "+w.keys(op.Keys))
	case *Sample:
		w.out(depth, "sample "+w.expr(op.N))
	case *Aggregate:
		w.out(depth, "aggregate "+w.aggs(op.Aggs)+" by "+w.assigns(op.Keys))
	case *TopNested:
		w.topNested(op, depth)
	case *MakeSeries:
		w.makeSeries(op, depth)
	case *Parse:
		w.parse(op, depth)
	case *ParseKv:
		keys := make([]string, len(op.Keys))
		for i, k := range op.Keys {
			keys[i] = strconv.Quote(k.Key) + " " + colText(k.Col)
		}
		w.out(depth, fmt.Sprintf("parse-kv %s keys %s with %q %q %q %q greedy=%t",
			w.expr(op.X), strings.Join(keys, ", "), op.PairDelimiter, op.KvDelimiter, op.Quote, op.Escape, op.Greedy))
	case *MvExpand:
		w.out(depth, fmt.Sprintf("mv-expand %s%s%s", w.items(op.Items), ifText(op.Index != 0, fmt.Sprintf(" index c%d", op.Index)),
			ifText(op.Limit != nil, " limit "+w.optional(op.Limit))+ifText(op.Array, " array")))
	case *MvApply:
		w.out(depth, "mv-apply "+w.items(op.Items)+ifText(op.Index != 0, fmt.Sprintf(" index c%d", op.Index))+ifText(op.Limit != nil, " limit "+w.optional(op.Limit))+" out "+columnsText(op.Cols, false))
		w.step(op.Sub, depth+1)
	case *Unpack:
		w.out(depth, fmt.Sprintf("unpack %s prefix %q%s%s declared %s out %s", w.expr(op.X), op.Prefix,
			[...]string{ConflictError: "", ConflictReplace: " replace", ConflictKeep: " keep"}[op.Conflict],
			ifText(len(op.Ignored) > 0, fmt.Sprintf(" ignored %q", op.Ignored)), columnsText(op.Declared, false), columnsText(op.Cols, op.Open)))
	case *Pivot:
		w.out(depth, fmt.Sprintf("pivot %s %s keys %s", w.expr(op.X), ifText(op.Agg != nil, w.optionalAgg(op.Agg)), columnsText(op.Keys, true)))
	case *Partition:
		w.out(depth, "partition by "+w.expr(op.By)+" out "+columnsText(op.Cols, false))
		w.step(op.Sub, depth+1)
	case *Union:
		w.union(op, depth)
	case *Join:
		w.join(op, depth)
	case *Shared:
		w.out(depth, fmt.Sprintf("shared %d", op.Key))
	}
}

func ifText(ok bool, text string) string {
	if ok {
		return text
	}
	return ""
}

func (w *printer) optional(x Expr) string {
	if x == nil {
		return "-"
	}
	return w.expr(x)
}

func (w *printer) optionalAgg(a *Agg) string {
	if a == nil {
		return ""
	}
	return w.expr(a)
}

func (w *printer) values(op *Values, depth int) {
	w.line(depth, "values "+columnsText(op.Cols, false))
	for _, row := range op.Rows {
		w.out(depth+1, "("+w.list(row)+")")
	}
}

// project writes only what is new where all columns of the input are handed on.
func (w *printer) project(op *Project, depth int) {
	in := Columns(op.Input)
	handed := func(i int) bool {
		ref, ok := op.Cols[i].X.(*Col)
		return ok && ref.ID == op.Cols[i].Col.ID && i < len(in) && in[i].ID == ref.ID
	}
	var parts []string
	extends := len(op.Cols) >= len(in)
	for i := range op.Cols {
		if extends && i < len(in) && handed(i) {
			continue
		}
		if extends && i < len(in) {
			if op.Cols[i].Col.Name != in[i].Name {
				extends = false
				break
			}
			parts = append(parts, fmt.Sprintf("at c%d %s", in[i].ID, w.assign(op.Cols[i])))
			continue
		}
		parts = append(parts, w.assign(op.Cols[i]))
	}
	if extends && len(parts) > 0 {
		w.out(depth, "extend "+strings.Join(parts, ", ")+ifText(op.Open, ", …")+awayText(op))
		return
	}
	w.subs = nil
	w.out(depth, "project "+w.assigns(op.Cols)+ifText(op.Open, ", …")+awayText(op))
}

func awayText(op *Project) string { return ifText(len(op.Away) > 0, fmt.Sprintf(" away %q", op.Away)) }

func (w *printer) assign(a Assign) string {
	if ref, ok := a.X.(*Col); ok && ref.ID == a.Col.ID {
		return fmt.Sprintf("c%d", ref.ID)
	}
	return colText(a.Col) + " = " + w.expr(a.X)
}

func (w *printer) assigns(list []Assign) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = w.assign(a)
	}
	return strings.Join(parts, ", ")
}

func (w *printer) agg(a AggAssign) string {
	return "(" + columnsText(a.Cols, false) + ") = " + w.expr(a.Agg)
}

func (w *printer) aggs(list []AggAssign) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = w.agg(a)
	}
	return strings.Join(parts, ", ")
}

func (w *printer) keys(keys []SortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = w.expr(k.X) + map[bool]string{true: " desc", false: " asc"}[k.Desc] +
			map[bool]string{true: " nulls first", false: " nulls last"}[k.NullsFirst]
	}
	return strings.Join(parts, ", ")
}

func (w *printer) topNested(op *TopNested, depth int) {
	parts := make([]string, len(op.Levels))
	for i, l := range op.Levels {
		parts[i] = fmt.Sprintf("%s of %s by %s%s%s", w.optional(l.N), w.assign(l.Key), w.agg(l.By), ifText(l.Asc, " asc"),
			ifText(l.Others != nil, " others "+w.optional(l.Others)))
	}
	w.out(depth, "top-nested "+strings.Join(parts, "; "))
}

func (w *printer) makeSeries(op *MakeSeries, depth int) {
	parts := make([]string, len(op.Aggs))
	for i, a := range op.Aggs {
		parts[i] = w.agg(a.AggAssign) + " default " + w.optional(a.Default)
	}
	w.out(depth, fmt.Sprintf("make-series %s on %s from %s to %s step %s%s by %s", strings.Join(parts, ", "), w.assign(op.On),
		w.optional(op.From), w.optional(op.To), w.expr(op.Step), ifText(op.Closed, " closed"), w.assigns(op.Keys)))
}

func (w *printer) parse(op *Parse, depth int) {
	names := map[int]Column{}
	for _, c := range op.Cols {
		names[c.ID] = c
	}
	parts := make([]string, len(op.Pattern))
	for i, p := range op.Pattern {
		switch {
		case p.Star:
			parts[i] = "*"
		case p.Col != 0:
			parts[i] = colText(names[p.Col])
		default:
			parts[i] = strconv.Quote(p.Text)
		}
	}
	kind := [...]string{ParseSimple: "simple", ParseRelaxed: "relaxed", ParseRegex: "regex"}[op.Kind]
	w.out(depth, fmt.Sprintf("parse%s %s%s %s with %s", ifText(op.Where, "-where"), kind, ifText(op.Flags != "", " flags "+op.Flags),
		w.expr(op.X), strings.Join(parts, " ")))
}

func (w *printer) items(items []MvItem) string {
	parts := make([]string, len(items))
	for i, it := range items {
		parts[i] = colText(it.Col) + " = " + w.expr(it.X)
	}
	return strings.Join(parts, ", ")
}

func (w *printer) union(op *Union, depth int) {
	w.out(depth, "union "+columnsText(op.Cols, false)+ifText(op.Source != 0, fmt.Sprintf(" source c%d", op.Source)))
	for _, in := range op.Inputs {
		from := make([]string, len(in.From))
		for i, id := range in.From {
			from[i] = "-"
			if id != 0 {
				from[i] = fmt.Sprintf("c%d", id)
			}
		}
		w.line(depth+1, "input "+strconv.Quote(in.Name)+" "+strings.Join(from, " "))
		w.step(in.Op, depth+2)
	}
}

func (w *printer) join(op *Join, depth int) {
	parts := make([]string, len(op.On))
	for i, k := range op.On {
		parts[i] = w.expr(k.Left) + " == " + w.expr(k.Right) + " as " + k.Type.String()
	}
	w.out(depth, fmt.Sprintf("%s %s on %s out %s", map[bool]string{true: "lookup", false: "join"}[op.Lookup], op.Kind,
		strings.Join(parts, ", "), columnsText(op.Cols, false)))
	w.step(op.Right, depth+1)
}

func (w *printer) list(list []Expr) string {
	var text strings.Builder
	for i, x := range list {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(w.expr(x))
	}
	return text.String()
}

func (w *printer) expr(x Expr) string {
	var text strings.Builder
	w.write(&text, x)
	return text.String()
}

func (w *printer) write(text *strings.Builder, x Expr) {
	args := func(name string, list []Expr) {
		text.WriteString(name + "(")
		for i, a := range list {
			if i > 0 {
				text.WriteString(", ")
			}
			w.write(text, a)
		}
		text.WriteString(")")
	}
	switch x := x.(type) {
	case *Col:
		text.WriteString("c" + strconv.Itoa(x.ID))
	case *Lit:
		text.WriteString(litText(x))
	case *ParamRef:
		text.WriteString("$" + x.Name)
	case *Call:
		name := x.Fn.String()
		if x.Fn == FnConvert {
			name = "convert_" + x.Type.String()
		}
		args(name, x.Args)
	case *Agg:
		args(x.Fn.String(), x.Args)
	case *Win:
		args("win "+x.Fn.String(), x.Args)
	case *Sub:
		w.subs = append(w.subs, x)
		kind := "list"
		if x.Scalar {
			kind = "scalar"
		}
		fmt.Fprintf(text, "%s(sub %d c%d)", kind, len(w.subs), x.Col.ID)
	}
}

func litText(x *Lit) string {
	if x.Null {
		return x.Type.String() + "(null)"
	}
	switch x.Type {
	case kql.TypeBool:
		return strconv.FormatBool(x.Bool)
	case kql.TypeInt:
		return "int(" + strconv.FormatInt(x.Int, 10) + ")"
	case kql.TypeLong:
		return strconv.FormatInt(x.Int, 10)
	case kql.TypeReal:
		return realText(x.Real)
	case kql.TypeDecimal:
		return "decimal(" + x.Str + ")"
	case kql.TypeDateTime:
		return "datetime(" + dateText(x.Int) + ")"
	case kql.TypeTimespan:
		return "timespan(" + spanText(x.Int) + ")"
	case kql.TypeString:
		return strconv.Quote(x.Str)
	case kql.TypeGuid:
		return "guid(" + x.Str + ")"
	case kql.TypeDynamic:
		return "dynamic(" + x.Str + ")"
	case kql.TypeUnknown:
	}
	return "?"
}

func realText(r float64) string {
	switch {
	case math.IsNaN(r):
		return "NaN"
	case math.IsInf(r, 1):
		return "Infinity"
	case math.IsInf(r, -1):
		return "-Infinity"
	}
	text := strconv.FormatFloat(r, 'g', -1, 64)
	if !strings.ContainsAny(text, ".eE") {
		text += ".0"
	}
	return text
}
