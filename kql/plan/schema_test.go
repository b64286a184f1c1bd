package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"drumbeat/kql"
)

// testSchema is a schema of maps.
type testSchema struct {
	tables    map[string]*Table
	functions map[string]*Function
}

func (s *testSchema) Table(name string) (*Table, bool) {
	t, ok := s.tables[name]
	return t, ok
}

func (s *testSchema) Function(name string) (*Function, bool) {
	f, ok := s.functions[name]
	return f, ok
}

func (s *testSchema) Tables() []string {
	names := make([]string, 0, len(s.tables))
	for name := range s.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *testSchema) add(t *Table) { s.tables[t.Name] = t }

func columnsOf(text string) []Column {
	var cols []Column
	for part := range strings.SplitSeq(text, ",") {
		name, t, _ := strings.Cut(strings.TrimSpace(part), ":")
		cols = append(cols, Column{Name: name, Type: typesByName[t]})
	}
	return cols
}

// ownSchema is what the package's own cases are bound with.
func ownSchema() *testSchema {
	s := &testSchema{tables: map[string]*Table{}, functions: map[string]*Function{}}
	s.add(&Table{Name: "T", Columns: columnsOf(
		"i:int, l:long, r:real, s:string, t:datetime, d:dynamic, b:bool, dec:decimal, ts:timespan, g:guid")})
	s.add(&Table{Name: "Open", Columns: columnsOf("TimeGenerated:datetime, Type:string"), Open: true})
	s.add(&Table{Name: "CommonSecurityLog", Columns: columnsOf("Activity:string, DestinationIP:string, DestinationPort:int, " +
		"DeviceName:string, DeviceVendor:string, ReceivedBytes:long, SentBytes:long, SourceIP:string, SourcePort:int, " +
		"SourceUserID:string, TimeGenerated:datetime")})
	s.functions["Stored"] = &Function{Name: "Stored", Params: "(n:long = 5)", Body: "{ T | where l > n }"}
	s.functions["Broken"] = &Function{Name: "Broken", Body: "T | where nosuch"}
	return s
}

const sharedTools = "../../../shared/tools/kql-oracle/schema/"

// sharedSchema is that of the official language service's harness, where it is at hand.
var sharedSchema = sync.OnceValues(func() (*testSchema, error) {
	s := &testSchema{tables: map[string]*Table{}, functions: map[string]*Function{}}
	read := func(name string, v any) error {
		text, err := os.ReadFile(sharedTools + name)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, v)
	}
	var tables map[string][][2]string
	if err := read("workspace.json", &tables); err != nil {
		return nil, err
	}
	for name, cols := range tables {
		t := &Table{Name: name}
		for _, c := range cols {
			t.Columns = append(t.Columns, Column{Name: c[0], Type: typeNamed(c[1])})
		}
		s.add(t)
	}
	var csl struct {
		Columns []struct{ Name, Type string }
	}
	if err := read("CommonSecurityLog.json", &csl); err != nil {
		return nil, err
	}
	t := &Table{Name: "CommonSecurityLog"}
	for _, c := range csl.Columns {
		t.Columns = append(t.Columns, Column{Name: c.Name, Type: typeNamed(c.Type)})
	}
	s.add(t)
	var functions []struct{ Name, Parameters, Body string }
	if err := read("functions.json", &functions); err != nil {
		return nil, err
	}
	for _, f := range functions {
		s.functions[f.Name] = &Function{Name: f.Name, Params: f.Parameters, Body: f.Body}
	}
	var asim map[string]struct {
		Base  string
		Extra [][2]string
	}
	if err := read("asim.json", &asim); err != nil {
		return nil, err
	}
	for key, params := range map[string]string{"_Im_NetworkSession": asimNetwork, "_Im_WebSession": asimWeb} {
		body := asim[key].Base
		for i, e := range asim[key].Extra {
			body += map[bool]string{true: " | extend ", false: ", "}[i == 0] + e[0] + "=" + emptyOf(e[1])
		}
		short := strings.TrimPrefix(key, "_Im_")
		for _, name := range []string{key, "im" + short, "_ASim_" + short} {
			s.functions[name] = &Function{Name: name, Params: params, Body: "{" + body + "}"}
		}
	}
	s.functions["_GetWatchlist"] = &Function{
		Name: "_GetWatchlist", Params: "(watchlistAlias:string, keys:dynamic=dynamic([]))",
		Body: "{ datatable(_DTItemId:string, LastUpdatedTimeUTC:datetime, SearchKey:string, WatchlistItem:dynamic)[] }",
	}
	return s, nil
})

const asimNetwork = "(starttime:datetime=datetime(null), endtime:datetime=datetime(null), srcipaddr_has_any_prefix:dynamic=dynamic([]), " +
	"dstipaddr_has_any_prefix:dynamic=dynamic([]), ipaddr_has_any_prefix:dynamic=dynamic([]), dstportnumber:int=int(null), " +
	"hostname_has_any:dynamic=dynamic([]), dvcaction:dynamic=dynamic([]), eventresult:string='*', disabled:bool=false, pack:bool=false)"

const asimWeb = "(starttime:datetime=datetime(null), endtime:datetime=datetime(null), srcipaddr_has_any_prefix:dynamic=dynamic([]), " +
	"ipaddr_has_any_prefix:dynamic=dynamic([]), url_has_any:dynamic=dynamic([]), httpuseragent_has_any:dynamic=dynamic([]), " +
	"eventresultdetails_in:dynamic=dynamic([]), eventresult:string='*', eventresultdetails_has_any:dynamic=dynamic([]), " +
	"disabled:bool=false, pack:bool=false)"

func typeNamed(name string) Type {
	name = strings.ToLower(name)
	switch name {
	case "double":
		return kql.TypeReal
	case "boolean":
		return kql.TypeBool
	case "object":
		return kql.TypeDynamic
	}
	if t, ok := typesByName[name]; ok {
		return t
	}
	return kql.TypeString
}

func emptyOf(t string) string {
	switch t {
	case "int", "long", "bool", "datetime", "dynamic", "real":
		return t + "(null)"
	case "double":
		return "real(null)"
	}
	return "''"
}

// checkBind binds a text, and checks what is true for any.
func checkBind(t testing.TB, s Schema, src string) (*Plan, kql.Diagnostics) {
	t.Helper()
	q, diags := kql.Parse(src)
	if diags.HasErrors() {
		return nil, diags
	}
	p, diags := Bind(q, s, Options{External: true})
	if (p == nil) != diags.HasErrors() {
		t.Fatalf("plan %v, %d diagnostics", p != nil, len(diags))
	}
	last := 0
	for _, d := range diags {
		if d.Span.From < last || d.Span.To < d.Span.From || d.Span.To > len(src) {
			t.Fatalf("%v is out of order or of the text", d)
		}
		last = d.Span.From
		if d.Code == "" || d.Message == "" {
			t.Fatalf("%v says nothing", d)
		}
	}
	_ = diags.Draw(src, "")
	if p != nil {
		checkPlan(t, p, src)
	}
	return p, diags
}

// checkPlan makes sure that each expression reads columns that its step has, and that no column is made twice.
func checkPlan(t testing.TB, p *Plan, src string) {
	t.Helper()
	c := &planChecker{made: map[int]bool{}, opens: map[int]bool{}, subs: map[*Sub]bool{}}
	have := c.step(p.Root, nil)
	for _, col := range p.Out {
		if !have[col.ID] {
			c.fail("the result lacks c%d %s", col.ID, col.Name)
		}
	}
	names := map[string]bool{}
	for _, col := range p.Out {
		if names[col.Name] {
			c.fail("two columns %s", col.Name)
		}
		names[col.Name] = true
		if col.Type == kql.TypeUnknown {
			c.fail("the type of %s is unknown", col.Name)
		}
	}
	if len(c.wrong) > 0 {
		t.Errorf("%s\n%s", strings.Join(c.wrong, "\n"), src)
	}
}

type planChecker struct {
	made  map[int]bool
	opens map[int]bool
	subs  map[*Sub]bool // the same may stand at several places
	wrong []string
}

func (c *planChecker) fail(format string, args ...any) {
	if len(c.wrong) < 10 {
		c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	}
}

func (c *planChecker) make(cols []Column, in map[int]bool) map[int]bool {
	out := map[int]bool{}
	for _, col := range cols {
		if col.ID == 0 || out[col.ID] {
			c.fail("c%d %s stands twice", col.ID, col.Name)
		}
		out[col.ID] = true
		c.opens[col.ID] = col.Open
		if in[col.ID] {
			continue
		}
		if c.made[col.ID] {
			c.fail("c%d %s is made twice", col.ID, col.Name)
		}
		c.made[col.ID] = true
	}
	return out
}

// open adds the columns of the input that no schema declares.
func (c *planChecker) open(out, in map[int]bool) map[int]bool {
	for id := range in {
		if c.opens[id] {
			out[id] = true
		}
	}
	return out
}

func (c *planChecker) assigns(list []Assign, in map[int]bool) {
	for _, a := range list {
		c.expr(a.X, in)
		if ref, ok := a.X.(*Col); (!ok || ref.ID != a.Col.ID) && in[a.Col.ID] {
			c.fail("c%d %s is made anew", a.Col.ID, a.Col.Name)
		}
	}
}

func (c *planChecker) aggs(list []AggAssign, in map[int]bool) []Column {
	var cols []Column
	for _, a := range list {
		cols = append(cols, a.Cols...)
		c.exprs(a.Agg.Args, in)
	}
	return cols
}

func (c *planChecker) exprs(list []Expr, in map[int]bool) {
	for _, x := range list {
		c.expr(x, in)
	}
}

func (c *planChecker) expr(x Expr, in map[int]bool) {
	switch x := x.(type) {
	case nil:
	case *Col:
		if !in[x.ID] {
			c.fail("c%d %s is not at hand", x.ID, x.Name)
		}
	case *Lit, *ParamRef:
		if TypeOf(x) == kql.TypeUnknown {
			c.fail("a literal of unknown type")
		}
	case *Call:
		c.exprs(x.Args, in)
	case *Win:
		c.exprs(x.Args, in)
	case *Agg:
		c.fail("an aggregate within an expression")
	case *Sub:
		if c.subs[x] {
			return
		}
		c.subs[x] = true
		if have := c.step(x.Op, nil); !have[x.Col.ID] {
			c.fail("the table in an expression lacks c%d", x.Col.ID)
		}
	}
	if x != nil && TypeOf(x) == kql.TypeUnknown {
		c.fail("an expression of unknown type: %T", x)
	}
}

func (c *planChecker) step(op Op, rows map[int]bool) map[int]bool {
	var in map[int]bool
	if from := inputOf(op); from != nil {
		in = c.step(from, rows)
	}
	switch op := op.(type) {
	case *Scan:
		return c.make(op.Columns, nil)
	case *Values:
		for _, row := range op.Rows {
			c.exprs(row, nil)
		}
		return c.make(op.Cols, nil)
	case *External:
		return c.make(op.Cols, nil)
	case *Range:
		c.exprs([]Expr{op.From, op.To, op.Step}, nil)
		return c.make([]Column{op.Col}, nil)
	case *Rows:
		return c.make(op.Cols, rows)
	case *Filter:
		c.expr(op.Pred, in)
		return in
	case *Project:
		c.assigns(op.Cols, in)
		out := c.make(assigned(op.Cols), in)
		if op.Open {
			for id := range in {
				out[id] = true
			}
		}
		return out
	case *Sort:
		for _, k := range op.Keys {
			c.expr(k.X, in)
		}
		return in
	case *Serialize, *Sample, *Take, *Shared:
		return in
	case *Top:
		c.expr(op.N, nil)
		for _, k := range op.Keys {
			c.expr(k.X, in)
		}
		return in
	case *Aggregate:
		c.assigns(op.Keys, in)
		return c.make(append(assigned(op.Keys), c.aggs(op.Aggs, in)...), in)
	case *TopNested:
		for _, l := range op.Levels {
			c.expr(l.Key.X, in)
			c.aggs([]AggAssign{l.By}, in)
		}
		return c.make(Columns(op), in)
	case *MakeSeries:
		c.assigns(op.Keys, in)
		c.expr(op.On.X, in)
		for _, a := range op.Aggs {
			c.exprs(a.Agg.Args, in)
		}
		return c.make(Columns(op), in)
	case *Parse:
		c.expr(op.X, in)
		return c.open(c.make(op.Cols, in), in)
	case *ParseKv:
		c.expr(op.X, in)
		return c.open(c.make(op.Cols, in), in)
	case *MvExpand:
		for _, it := range op.Items {
			c.expr(it.X, in)
		}
		return c.open(c.make(op.Cols, in), in)
	case *MvApply:
		inner := map[int]bool{}
		for id := range in {
			inner[id] = true
		}
		for _, it := range op.Items {
			c.expr(it.X, in)
			inner[it.Col.ID] = true
		}
		inner[op.Index] = true
		for id := range c.step(op.Sub, inner) {
			inner[id] = true
		}
		return c.open(c.make(op.Cols, inner), in)
	case *Unpack:
		c.expr(op.X, in)
		return c.make(op.Cols, in)
	case *Pivot:
		c.expr(op.X, in)
		if op.Agg != nil {
			c.exprs(op.Agg.Args, in)
		}
		return c.make(op.Keys, in)
	case *Partition:
		c.expr(op.By, in)
		return c.make(op.Cols, c.step(op.Sub, in))
	case *Union:
		for _, u := range op.Inputs {
			have := c.step(u.Op, rows)
			if len(u.From) != len(op.Cols) {
				c.fail("the union has %d columns, an input %d", len(op.Cols), len(u.From))
			}
			for _, id := range u.From {
				if id != 0 && !have[id] {
					c.fail("an input of a union lacks c%d", id)
				}
			}
		}
		return c.make(op.Cols, nil)
	case *Join:
		right := c.step(op.Right, rows)
		both := map[int]bool{}
		for _, k := range op.On {
			c.expr(k.Left, in)
			c.expr(k.Right, right)
		}
		for id := range in {
			both[id] = true
		}
		for id := range right {
			if both[id] {
				c.fail("both sides of a join have c%d", id)
			}
			both[id] = true
		}
		return c.open(c.make(op.Cols, both), both)
	}
	return nil
}
