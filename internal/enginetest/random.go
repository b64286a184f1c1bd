package enginetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/stream"
)

// Compare runs the random queries of seeds first, first+1 and so on by two engines, and fails where their results differ
// in more than the order of rows that stand in none. A query that one of them does not support is counted and left out.
func Compare(t *testing.T, first uint64, n int, a, b Engine) {
	t.Helper()
	compared, left := 0, map[string]int{}
	for i := range n {
		seed := first + uint64(i)
		q := Random(seed)
		if _, err := Bind(q.Text); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, q.Text)
			continue
		}
		x, errA := a.Query(q.Text)
		y, errB := b.Query(q.Text)
		switch {
		case unsupported(errA) || unsupported(errB):
			if !unsupported(errA) {
				errA = errB
			}
			left[errA.Error()]++
		case errA != nil && errB != nil && !errors.Is(errA, errPanic) && !errors.Is(errB, errPanic):
			compared++
		case errA != nil || errB != nil:
			t.Errorf("seed %d: %s: %v; %s: %v\n%s", seed, a.Name, errA, b.Name, errB, q.Text)
		default:
			compared++
			var want []column
			for _, c := range x.Columns() {
				want = append(want, column{Name: c.Name, Type: c.Type.String()})
			}
			diff := diffColumns(y, want)
			if diff == "" {
				diff = diffRows(rowsOf(y), rowsOf(x), q.Ordered)
			}
			if diff != "" {
				t.Errorf("seed %d: %s against %s: %s\n%s", seed, b.Name, a.Name, diff, q.Text)
			}
		}
	}
	for what, times := range left {
		t.Logf("%d times: %s", times, what)
	}
	t.Logf("%d of %d random queries compared", compared, n)
	if compared*2 < n {
		t.Errorf("only %d of %d random queries could be compared", compared, n)
	}
}

// unsupported reports whether an engine says that it lacks something, or that a limit ended the query.
func unsupported(err error) bool {
	var limit *stream.LimitError
	return err != nil && (strings.Contains(err.Error(), "not supported") || errors.As(err, &limit))
}

// RandomQuery is a query that brings its tables with it.
type RandomQuery struct {
	Text string
	// Ordered says that its rows stand in an order that the query fixes.
	Ordered bool
}

// Random gives a query over small tables of awkward values, always the same for a seed. What the language leaves open, it
// does not ask for: rows are numbered or cut in an order of all columns only.
func Random(seed uint64) RandomQuery {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x64727562))} //nolint:gosec // it must be the same each time
	return g.query()
}

// kind is the type of an expression that is made.
type kind uint8

const (
	long kind = iota
	small
	fraction
	text
	flag
	moment
	span
	tree
	kinds
)

var kindNames = [kinds]string{"long", "int", "real", "string", "bool", "datetime", "timespan", "dynamic"}

// values are what the cells of a kind are taken from.
var values = [kinds][]string{
	long:     {"long(null)", "0", "1", "-1", "2", "7", "-7", "100", "4294967296"},
	small:    {"int(null)", "0", "1", "-1", "443", "2147483647", "-2147483648"},
	fraction: {"real(null)", "0.0", "1.5", "-1.5", "2.5", "0.25", "real(nan)", "real(+inf)", "real(-inf)", "1e10"},
	text: {
		`""`, `"a"`, `"A"`, `"abc"`, `"ABC"`, `"foo bar"`, `"foo_bar"`, `"Foo-Bar.baz"`, `"10.0.0.1"`, `"192.168.7.9"`, `"🥁 drum"`,
		`"naïve"`, `"NAÏVE"`, `"12"`, `"-5"`, `"0x1F"`, `"1.5"`, `"true"`, `"it's"`, `"50%_\\"`, `"k=v;x=1"`, `" pad "`,
	},
	flag: {"bool(null)", "true", "false"},
	moment: {
		"datetime(null)", "datetime(0001-01-01)", "datetime(9999-12-31 23:59:59.9999999)", "datetime(2026-03-01)",
		"datetime(2026-03-01 23:59:59.9999999)", "datetime(2026-03-02 10:15:30.1234567)", "datetime(2024-02-29 12:00)", "datetime(1969-12-31 23:59:59)",
	},
	span: {"timespan(null)", "0s", "1tick", "-1s", "90m", "1d", "36h"},
	tree: {
		"dynamic(null)", "dynamic([])", "dynamic([1,2,3])", `dynamic([1,"x",null,2.5])`, `dynamic({"a":1})`, `dynamic({"a":"x","b":[1,2]})`,
		"dynamic(5)", `dynamic("str")`, "dynamic([[1],[2,3]])",
	},
}

// field is a column of the query so far.
type field struct {
	name string
	kind kind
}

type generator struct {
	*rand.Rand
	fields  []field
	names   int
	ordered bool // rows stand in an order of all columns
}

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// name gives a column a name that none has.
func (g *generator) name() string {
	g.names++
	return fmt.Sprintf("c%d", g.names)
}

// table writes a datatable of the columns.
func (g *generator) table(fields []field, most int) string {
	var b strings.Builder
	b.WriteString("datatable(")
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.name + ":" + kindNames[f.kind])
	}
	b.WriteString(")[")
	for range g.IntN(most + 1) {
		b.WriteString("\n  ")
		for _, f := range fields {
			b.WriteString(g.pick(values[f.kind]...) + ", ")
		}
	}
	b.WriteString("]")
	return b.String()
}

var (
	leftFields = []field{
		{"k", text}, {"a", long}, {"i", small}, {"r", fraction}, {"s", text}, {"b", flag}, {"t", moment}, {"d", span}, {"x", tree},
	}
	rightFields = []field{{"k", text}, {"a", long}, {"m", fraction}, {"u", text}, {"t", moment}}
)

func (g *generator) query() RandomQuery {
	var b strings.Builder
	b.WriteString("let T = " + g.table(leftFields, 8) + ";\nlet U = " + g.table(rightFields, 5) + ";\nT")
	g.fields = slices.Clone(leftFields)
	for range 1 + g.IntN(6) {
		b.WriteString("\n| " + g.step())
	}
	if g.IntN(2) == 0 {
		b.WriteString("\n| " + g.sortAll())
	}
	return RandomQuery{b.String(), g.ordered}
}

func (g *generator) step() string {
	for {
		if s := g.oneOf(); s != "" {
			return s
		}
	}
}

// oneOf makes a step, or "" where it cannot stand.
func (g *generator) oneOf() string {
	switch g.IntN(23) {
	case 0, 1, 2:
		return "where " + g.expr(flag, 2)
	case 3, 4, 5:
		return g.extend()
	case 6:
		return g.project()
	case 7, 8:
		return g.summarize()
	case 9:
		return g.sortAll()
	case 10:
		return g.join()
	case 11:
		return g.union()
	case 12:
		return g.expand()
	case 13:
		return g.distinct()
	case 14, 15:
		return g.window()
	case 16:
		if !g.ordered {
			return ""
		}
		return fmt.Sprintf("take %d", g.IntN(5))
	case 17:
		return g.parse()
	case 18:
		return g.apply()
	case 19:
		return g.partition()
	case 20:
		return g.series()
	case 21:
		return g.list()
	default:
		return g.top()
	}
}

func (g *generator) extend() string {
	parts := make([]string, 1+g.IntN(2))
	var added []field
	for i := range parts {
		f := field{g.name(), kind(g.IntN(int(kinds)))}
		parts[i] = f.name + " = " + g.expr(f.kind, 3)
		added = append(added, f)
	}
	g.fields = append(g.fields, added...)
	g.ordered = false // not an order of all columns any more
	return "extend " + strings.Join(parts, ", ")
}

func (g *generator) project() string {
	var kept []field
	for _, f := range g.fields {
		if g.IntN(3) > 0 {
			kept = append(kept, f)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	g.fields = kept
	g.ordered = false
	names := make([]string, len(kept))
	for i, f := range kept {
		names[i] = f.name
	}
	return "project " + strings.Join(names, ", ")
}

// of gives a column of a kind, or "".
func (g *generator) of(k kind) string {
	var names []string
	for _, f := range g.fields {
		if f.kind == k {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return g.pick(names...)
}

// scalars are the columns that are not dynamic: rows can be grouped by them.
func (g *generator) scalars() []field {
	var list []field
	for _, f := range g.fields {
		if f.kind != tree {
			list = append(list, f)
		}
	}
	return list
}

func (g *generator) keys(most int) []field {
	list := g.scalars()
	g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(len(list), g.IntN(most+1))]
}

func (g *generator) summarize() string {
	keys := g.keys(2)
	var parts []string
	fields := slices.Clone(keys)
	add := func(k kind, x string) {
		if x == "" {
			return
		}
		f := field{g.name(), k}
		fields = append(fields, f)
		parts = append(parts, f.name+" = "+x)
	}
	for range 1 + g.IntN(3) {
		switch g.IntN(11) {
		case 0:
			add(long, "count()")
		case 1:
			add(long, "countif("+g.expr(flag, 1)+")")
		case 2:
			add(long, "sum("+g.expr(long, 1)+")")
		case 3:
			add(fraction, "avg("+g.expr(long, 1)+")")
		case 4:
			k := kind(g.IntN(int(tree)))
			add(k, g.pick("min", "max")+"("+g.expr(k, 1)+")")
		case 5:
			add(long, "dcount("+g.expr(text, 1)+")")
		case 6:
			add(tree, "array_sort_asc(make_set("+g.expr(text, 1)+"))")
		case 7:
			add(fraction, "sum("+g.expr(fraction, 0)+")")
		case 8:
			add(long, "percentile("+g.expr(long, 0)+", "+g.pick("50", "0", "100", "90")+")")
		case 9:
			add(long, "sumif("+g.expr(long, 1)+", "+g.expr(flag, 1)+")")
		default:
			add(long, "count_distinct("+g.expr(long, 1)+")")
		}
	}
	if g.IntN(4) == 0 { // the greatest, and what stands beside it
		v, other := g.of(long), g.of(text)
		if v != "" && other != "" {
			m, o := field{g.name(), long}, field{g.name(), text}
			fields = append(fields, m, o)
			parts = append(parts, fmt.Sprintf("(%s, %s) = %s(%s, %s)", m.name, o.name, g.pick("arg_max", "arg_min"), v, other))
		}
	}
	g.fields, g.ordered = fields, false
	out := "summarize " + strings.Join(parts, ", ")
	if len(keys) > 0 {
		names := make([]string, len(keys))
		for i, k := range keys {
			names[i] = k.name
		}
		out += " by " + strings.Join(names, ", ")
	}
	return out
}

// sortAll sorts by all columns, so that the order of rows is fixed.
func (g *generator) sortAll() string {
	parts := make([]string, len(g.fields))
	for i, f := range g.fields {
		x := f.name
		if f.kind == tree {
			x = "tostring(" + x + ")"
		}
		parts[i] = x + g.pick(" asc", " desc", "", " asc nulls last", " desc nulls first")
	}
	g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	g.ordered = true
	return "sort by " + strings.Join(parts, ", ")
}

func (g *generator) join() string {
	has := func(name string, k kind) bool { return slices.Contains(g.fields, field{name, k}) }
	var on []string
	for _, f := range rightFields {
		if f.kind != fraction && has(f.name, f.kind) && g.IntN(2) == 0 {
			on = append(on, f.name)
		}
	}
	if len(on) == 0 || len(on) > 2 {
		return ""
	}
	g.ordered = false
	how := g.pick("inner", "leftouter", "rightouter", "fullouter", "leftsemi", "leftanti", "rightsemi", "rightanti", "lookup")
	switch how {
	case "leftsemi", "leftanti":
	case "rightsemi", "rightanti":
		g.fields = slices.Clone(rightFields)
	default:
		for _, f := range rightFields {
			if how == "lookup" && slices.Contains(on, f.name) {
				continue
			}
			name := f.name
			for n := 1; slices.ContainsFunc(g.fields, func(o field) bool { return o.name == name }); n++ {
				name = fmt.Sprint(f.name, n)
			}
			g.fields = append(g.fields, field{name, f.kind})
		}
	}
	if how == "lookup" {
		return "lookup U on " + strings.Join(on, ", ")
	}
	return "join kind=" + how + " U on " + strings.Join(on, ", ")
}

func (g *generator) union() string {
	for _, f := range rightFields {
		i := slices.IndexFunc(g.fields, func(o field) bool { return o.name == f.name })
		switch {
		case i < 0:
			g.fields = append(g.fields, f)
		case g.fields[i].kind != f.kind:
			return ""
		}
	}
	g.ordered = false
	return "union U"
}

func (g *generator) expand() string {
	from := g.of(tree)
	if from == "" {
		return ""
	}
	g.ordered = false
	k := kind(g.IntN(int(kinds)))
	if k == flag || k == moment || k == span || k == small {
		k = tree
	}
	f := field{g.name(), k}
	g.fields = append(g.fields, f)
	out := "mv-expand " + f.name + " = " + from
	if k != tree {
		out += " to typeof(" + kindNames[k] + ")"
	}
	return out
}

func (g *generator) distinct() string {
	keys := g.keys(3)
	if len(keys) == 0 {
		return ""
	}
	g.fields, g.ordered = keys, false
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return "distinct " + strings.Join(names, ", ")
}

// window sorts by all columns, and looks at neighbours.
func (g *generator) window() string {
	list := g.scalars()
	if len(list) == 0 {
		return ""
	}
	of := list[g.IntN(len(list))]
	sorted := g.sortAll()
	f := field{g.name(), of.kind}
	x := fmt.Sprintf("%s(%s, %s)", g.pick("next", "prev"), of.name, g.pick("1", "1", "2"))
	switch g.IntN(4) {
	case 0:
		f.kind, x = long, g.pick("row_number()", "row_number(5)", fmt.Sprintf("row_number(1, %s != prev(%s))", of.name, of.name))
	case 1:
		if a := g.of(long); a != "" {
			f.kind, x = long, g.pick("row_cumsum("+a+")", fmt.Sprintf("row_cumsum(%s, %s != prev(%s))", a, of.name, of.name))
		}
	}
	g.fields = append(g.fields, f)
	g.ordered = true // the new column follows from the order, and does not change it
	return sorted + "\n| extend " + f.name + " = " + x
}

func (g *generator) parse() string {
	s := g.of(text)
	if s == "" {
		return ""
	}
	g.ordered = false
	u, v := field{g.name(), text}, field{g.name(), text}
	typ := ""
	if g.IntN(3) == 0 {
		v.kind, typ = long, ":long"
	}
	g.fields = append(g.fields, u, v)
	return fmt.Sprintf("%s %s with %s%s%s %s%s", g.pick("parse", "parse", "parse-where"), s, g.pick("", `* "k" `), u.name, g.pick(` "="`, ` "o"`, ` "."`),
		v.name, typ)
}

func (g *generator) top() string {
	sorted := strings.TrimPrefix(g.sortAll(), "sort by ")
	first, _, _ := strings.Cut(sorted, ", ")
	if len(g.fields) != 1 {
		return "sort by " + sorted + fmt.Sprintf("\n| top %d by %s", g.IntN(4), first)
	}
	return fmt.Sprintf("top %d by %s", g.IntN(4), first)
}

// apply runs a query over the elements of an array.
func (g *generator) apply() string {
	from := g.of(tree)
	if from == "" {
		return ""
	}
	g.ordered = false
	e, out := g.name(), field{g.name(), long}
	g.fields = append(g.fields, out)
	return fmt.Sprintf("mv-apply %s = %s to typeof(long) on (%s)", e, from, g.pick(
		fmt.Sprintf("summarize %s = sum(%s)", out.name, e), fmt.Sprintf("where %s > 1 | summarize %s = count()", e, out.name),
		fmt.Sprintf("top 1 by %s | project %s = %s", e, out.name, e), fmt.Sprintf("extend %s = %s * 2 | project %s", out.name, e, out.name),
	))
}

// partition runs a query for the rows of each value of a column.
func (g *generator) partition() string {
	by, v := g.of(text), g.of(long)
	if by == "" || v == "" {
		return ""
	}
	if g.IntN(2) == 0 {
		f := field{g.name(), long}
		g.fields, g.ordered = []field{f}, false
		return fmt.Sprintf("partition by %s (summarize %s = sum(%s))", by, f.name, v)
	}
	return g.sortAll() + g.unordered(fmt.Sprintf("\n| partition by %s (top 1 by %s)", by, v))
}

// unordered says that rows stand in no order from here on.
func (g *generator) unordered(step string) string {
	g.ordered = false
	return step
}

// series makes a series along a time or a number.
func (g *generator) series() string {
	var by []string
	fields := g.keys(1)
	for _, f := range fields {
		by = append(by, f.name)
	}
	on, from := g.of(moment), "from datetime(2026-02-28) to datetime(2026-03-04) step 1d"
	if on == "" || g.IntN(2) == 0 {
		if on = g.of(long); on == "" {
			return ""
		}
		from = "from -2 to 9 step 3"
	}
	f := field{g.name(), tree}
	out := fmt.Sprintf("make-series %s = %s on %s %s", f.name, g.pick("count()", "sum(2)", "max(1) default = -1"), on, from)
	if len(by) > 0 {
		out += " by " + by[0]
		if by[0] == on {
			return ""
		}
	}
	g.fields, g.ordered = slices.Concat(fields, []field{f}), false
	return out + "\n| project-away " + on
}

// list sorts by all columns, and makes a list of one.
func (g *generator) list() string {
	list := g.scalars()
	if len(list) == 0 {
		return ""
	}
	of := list[g.IntN(len(list))]
	sorted := g.sortAll()
	f := field{g.name(), tree}
	fields := g.keys(1)
	out := fmt.Sprintf("%s\n| summarize %s = make_list(%s%s)", sorted, f.name, of.name, g.pick("", "", ", 2"))
	if len(fields) > 0 {
		out += " by " + fields[0].name
	}
	g.fields, g.ordered = slices.Concat(fields, []field{f}), false
	return out
}

// expr writes an expression of a kind.
func (g *generator) expr(k kind, depth int) string {
	if depth == 0 || g.IntN(4) == 0 {
		if c := g.of(k); c != "" && g.IntN(5) > 0 {
			return c
		}
		return g.pick(values[k]...)
	}
	e := func(k kind) string { return g.expr(k, depth-1) }
	switch k {
	case long:
		return g.longExpr(e)
	case small:
		return g.pick("toint("+e(text)+")", "toint("+e(fraction)+")", "hourofday("+e(moment)+")", "iff("+e(flag)+", "+e(small)+", "+e(small)+")")
	case fraction:
		return g.realExpr(e)
	case text:
		return g.textExpr(e)
	case flag:
		return g.flagExpr(e)
	case moment:
		return g.pick("bin("+e(moment)+", "+g.pick("1h", "1d", "7d", "7m")+")", "startofday("+e(moment)+")", "startofweek("+e(moment)+")",
			"("+e(moment)+" + "+g.pick("1h", "-90s", "1d")+")", "todatetime("+e(text)+")", "iff("+e(flag)+", "+e(moment)+", "+e(moment)+")",
			"endofmonth("+e(moment)+")")
	case span:
		return g.pick("("+e(moment)+" - "+e(moment)+")", "("+e(span)+" + 1h)", "("+e(span)+" * 2)", "(-("+e(span)+"))", "iff("+e(flag)+", "+e(span)+", "+e(span)+")")
	case tree, kinds:
	}
	return g.pick("split("+e(text)+`, "o")`, "pack_array("+e(long)+", "+e(text)+")", g.member(), `bag_pack("p", `+e(long)+`, "q", `+e(text)+")",
		"array_slice("+g.anyTree()+", 0, 1)", "todynamic("+e(text)+")")
}

func (g *generator) anyTree() string {
	if c := g.of(tree); c != "" {
		return c
	}
	return g.pick(values[tree]...)
}

func (g *generator) member() string {
	c := g.of(tree)
	if c == "" {
		return g.pick(values[tree]...)
	}
	return c + g.pick(".a", ".b", "[0]", "[-1]", `["a"]`)
}

func (g *generator) longExpr(e func(kind) string) string {
	return g.pick(
		"("+e(long)+" "+g.pick("+", "-")+" "+e(long)+")", "("+e(long)+" * "+g.pick("2", "-3", "0")+")",
		"("+e(long)+" "+g.pick("/", "%")+" "+g.pick("2", "-3", "0", "7")+")", "("+e(small)+" + "+g.pick("1", "-1")+")",
		"strlen("+e(text)+")", "tolong("+e(text)+")", "tolong("+e(fraction)+")", "bin("+e(long)+", "+g.pick("3", "10")+")",
		"iff("+e(flag)+", "+e(long)+", "+e(long)+")", "coalesce("+e(long)+", "+e(long)+")", "indexof("+e(text)+`, "o")`,
		"array_length("+g.anyTree()+")", "abs("+e(long)+")", "max_of("+e(long)+", "+e(long)+")",
		`datetime_diff("`+g.pick("second", "hour", "day", "week", "month", "year")+`", `+e(moment)+", "+e(moment)+")",
		"case("+e(flag)+", "+e(long)+", "+e(flag)+", "+e(long)+", "+e(long)+")", "tolong("+g.member()+")",
	)
}

func (g *generator) realExpr(e func(kind) string) string {
	return g.pick("("+e(fraction)+" "+g.pick("+", "-", "*", "/")+" "+e(fraction)+")", "toreal("+e(text)+")", "todouble("+e(long)+")",
		"("+e(long)+" / 2.0)", "round("+e(fraction)+", 1)", "iff("+e(flag)+", "+e(fraction)+", "+e(fraction)+")", "bin("+e(fraction)+", 0.5)",
		"("+e(span)+" / 1h)", "sqrt("+e(fraction)+")", "coalesce("+e(fraction)+", "+e(fraction)+")")
}

func (g *generator) textExpr(e func(kind) string) string {
	any := kind(g.IntN(int(kinds)))
	return g.pick("strcat("+e(text)+`, "-", `+e(any)+")", "substring("+e(text)+", "+g.pick("0", "1", "3", "-2")+", "+g.pick("0", "2", "9")+")",
		"tolower("+e(text)+")", "toupper("+e(text)+")", "tostring("+e(any)+")", `replace_string(`+e(text)+`, "o", "0")`,
		`extract("([a-z]+)", 1, `+e(text)+")", "trim(\" \", "+e(text)+")", "iff("+e(flag)+", "+e(text)+", "+e(text)+")",
		"tostring("+g.member()+")", "coalesce("+e(text)+", "+e(text)+")", `tostring(split(`+e(text)+`, "o")[0])`, "reverse("+e(text)+")")
}

func (g *generator) flagExpr(e func(kind) string) string {
	k := kind(g.IntN(int(flag)))
	if g.IntN(4) == 0 {
		k = g.pickKind(moment, span)
	}
	word := g.pick(values[text]...)
	op := g.pick("has", "!has", "contains", "!contains", "startswith", "endswith", "hasprefix", "==", "!=", "=~", "!~", "contains_cs", "has_cs", "startswith_cs")
	compare := e(k) + " " + g.pick("==", "!=") + " " + e(k)
	if k != text {
		compare = e(k) + " " + g.pick("==", "!=", "<", "<=", ">", ">=") + " " + e(k)
	}
	return g.pick("("+compare+")", "("+compare+")", "("+e(text)+" "+op+" "+word+")", "("+e(text)+" "+op+" "+word+")",
		"("+e(flag)+" "+g.pick("and", "or")+" "+e(flag)+")", "not("+e(flag)+")", g.pick("isnull", "isempty", "isnotempty")+"("+e(k)+")",
		"("+e(k)+" "+g.pick("in", "!in")+" ("+g.pick(values[k]...)+", "+g.pick(values[k]...)+", "+g.pick(values[k]...)+"))",
		"("+e(long)+" between (0 .. "+g.pick("5", "100")+"))", "("+e(text)+` matches regex "[a-o]+$")`, "ipv4_is_private("+e(text)+")",
		"("+e(text)+" in~ (\"ABC\", \"foo BAR\"))", "("+e(text)+" "+g.pick("in", "!in", "in~", "has_any")+" ((U | project u)))",
		"("+e(long)+" "+g.pick("==", "<", "!=")+" toscalar(U | summarize max(a)))")
}

func (g *generator) pickKind(list ...kind) kind { return list[g.IntN(len(list))] }
