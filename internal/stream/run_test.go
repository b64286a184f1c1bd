package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// world is a schema and a source of small tables.
type world struct {
	tables map[string]*plan.Table
	rows   map[string][]stream.Row
	// scans counts how often each table is read, and batch is how many rows come at once.
	scans map[string]int
	batch int
	// window is that of the last scan.
	window plan.Window
}

func newWorld() *world {
	return &world{tables: map[string]*plan.Table{}, rows: map[string][]stream.Row{}, scans: map[string]int{}, batch: 3}
}

// numbers adds a table of the numbers below n, with a text and a time.
func (w *world) numbers(name string, n int) *world {
	w.tables[name] = &plan.Table{Name: name, Columns: []plan.Column{
		{Name: "N", Type: kql.TypeLong, NonNull: true}, {Name: "S", Type: kql.TypeString}, {Name: "TimeGenerated", Type: kql.TypeDateTime},
	}}
	for i := range n {
		w.rows[name] = append(w.rows[name], stream.Row{
			eval.Long(int64(i)), eval.String(fmt.Sprint("s", i%5)), eval.Datetime(int64(i) * 10_000_000),
		})
	}
	return w
}

func (w *world) Table(name string) (*plan.Table, bool)  { t, ok := w.tables[name]; return t, ok }
func (w *world) Function(string) (*plan.Function, bool) { return nil, false }
func (w *world) Tables() []string                       { return nil }

func (w *world) Scan(ctx context.Context, scan *plan.Scan, window plan.Window, emit func([]stream.Row) error) error {
	w.scans[scan.Table]++
	w.window = window
	rows := w.rows[scan.Table]
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(w.batch, len(rows))
		batch := make([]stream.Row, n)
		for k, r := range rows[:n] {
			for _, want := range scan.Columns {
				for j, c := range w.tables[scan.Table].Columns {
					if c.Name == want.Name {
						batch[k] = append(batch[k], r[j])
					}
				}
			}
		}
		if err := emit(batch); err != nil {
			return fmt.Errorf("scan %s: %w", scan.Table, err)
		}
		rows = rows[n:]
	}
	return nil
}

func (w *world) bind(t *testing.T, query string) *plan.Plan {
	t.Helper()
	q, diags := kql.Parse(query)
	if diags.HasErrors() {
		t.Fatal(diags[0].Message)
	}
	p, diags := plan.Bind(q, w, plan.Options{})
	if p == nil {
		t.Fatal(diags[0].Message)
	}
	if err := stream.Supports(p); err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return p
}

func (w *world) run(t *testing.T, query string, o stream.Options) (*table.Table, error) {
	t.Helper()
	return stream.Run(t.Context(), w.bind(t, query), w, o)
}

// csv gives a table as text, without its header.
func csv(t *testing.T, tab *table.Table) string {
	t.Helper()
	var b strings.Builder
	if err := tab.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(b.String(), "\r\n")
	return strings.TrimSuffix(strings.ReplaceAll(rows, "\r\n", " "), " ")
}

func TestTables(t *testing.T) {
	for query, want := range map[string]string{
		"T | where N > 7 | project N":                                             "8 9",
		"T | extend M = N * 2 | where M < 4 | project M, S":                       "0,s0 2,s1",
		"T | summarize c = count(), s = sum(N) by S | sort by S asc":              "s0,2,5 s1,2,7 s2,2,9 s3,2,11 s4,2,13",
		"T | take 4 | count":                                                      "4",
		"T | join kind=inner U on N | summarize count()":                          "3",
		"T | where N in ((U | where N > 0 | project N)) | project N":              "1 2",
		"union T, U | count":                                                      "13",
		"T | sort by N desc | serialize p = prev(N) | take 3 | project N, p":      `9,"" 8,9 7,8`,
		"T | top 2 by N | project-away TimeGenerated":                             "9,s4 8,s3",
		"T | where S == 's1' | distinct S":                                        "s1",
		"T | serialize | extend a = next(N) | where isnull(a) | project N":        "9",
		"T | partition by S (top 1 by N) | where N > 7 | project N":               "8 9",
		"T | sample 3 | count":                                                    "3",
		"T | where N < 3 | extend a = pack_array(N, S) | mv-expand a | project a": "0 s0 1 s1 2 s2",
		"T | make-series n = count() on N from 0 to 10 step 5 | project n":        `"[5,5]"`,
		"T | parse S with 's' d:long | summarize sum(d)":                          "20",
		"T | join kind=leftanti U on N | join kind=rightsemi T on N | project N":  "3 4 5 6 7 8 9",
	} {
		for _, batch := range []int{1, 3, 100} {
			w := newWorld().numbers("T", 10).numbers("U", 3)
			w.batch = batch
			got, err := w.run(t, query, stream.Options{})
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			if text := strings.ReplaceAll(csv(t, got), `,"" `, ", "); text != strings.ReplaceAll(want, `,"" `, ", ") {
				t.Errorf("%s in batches of %d gives %s, not %s", query, batch, text, want)
			}
		}
	}
}

func TestTakeStopsItsInput(t *testing.T) {
	w := newWorld().numbers("T", 100_000)
	w.batch = 10
	seen := 0
	o := stream.Options{Trace: func(op plan.Op, rows []stream.Row) {
		if _, ok := op.(*plan.Scan); ok {
			seen += len(rows)
		}
	}}
	got, err := w.run(t, "T | where N % 2 == 0 | take 3 | project N", o)
	if err != nil || csv(t, got) != "0 2 4" {
		t.Fatal(got, err)
	}
	if seen > 10 {
		t.Errorf("%d rows were read for 3", seen)
	}
}

func TestSubqueriesRunOnce(t *testing.T) {
	w := newWorld().numbers("T", 10).numbers("U", 3).numbers("V", 4)
	got, err := w.run(t, `let limit = toscalar(U | summarize max(N));
let V2 = materialize(V | where N > 1);
T | where N > limit and N in (V2) or N == limit + 5 | union V2 | summarize n = count(), s = sum(N)`, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := csv(t, got); text != "4,15" {
		t.Error(text)
	}
	for name, n := range w.scans {
		if n != 1 {
			t.Errorf("%s is read %d times", name, n)
		}
	}
}

func TestWindowReachesTheSource(t *testing.T) {
	w := newWorld().numbers("T", 5)
	want := plan.Window{From: 10_000_000, To: 30_000_000}
	_, err := w.run(t, "T | count", stream.Options{Window: func(s *plan.Scan) plan.Window {
		if s.Table != "T" {
			t.Errorf("asked for %s", s.Table)
		}
		return want
	}})
	if err != nil || w.window != want {
		t.Error(err, w.window)
	}
}

func TestLimits(t *testing.T) {
	w := newWorld().numbers("T", 20_000)
	w.batch = 100
	for _, c := range []struct {
		query, limit string
		limits       stream.Limits
	}{
		{"T", "rows", stream.Limits{Rows: 10}},
		{"T", "memory", stream.Limits{Memory: 100_000}},
		{"T | sort by N desc", "memory", stream.Limits{Memory: 100_000}},
		{"T | summarize count() by N", "memory", stream.Limits{Memory: 100_000}},
		{"T | summarize make_list(S)", "memory", stream.Limits{Memory: 100_000}},
		{"T | join kind=inner (T) on N | count", "memory", stream.Limits{Memory: 100_000}},
		{"T | serialize r = row_number() | count", "memory", stream.Limits{Memory: 100_000}},
		{"T | where N in ((T | project N)) | count", "memory", stream.Limits{Memory: 100_000}},
		{"T | join kind=inner (T) on S | count", "fan-out", stream.Limits{Fanout: 50_000}},
		{"range x from 1 to 1000000000000 step 1 | count", "fan-out", stream.Limits{Fanout: 50_000}},
		{"T | mv-expand a = range(1, 1000) | count", "fan-out", stream.Limits{Fanout: 50_000}},
		{"T | mv-apply a = range(1, 1000) to typeof(long) on (top 1 by a) | count", "fan-out", stream.Limits{Fanout: 50_000}},
		{"T | make-series count() on N from 0 to 100000000 step 1", "points of a series", stream.Limits{}},
	} {
		got, err := w.run(t, c.query, stream.Options{Limits: c.limits})
		var limit *stream.LimitError
		if !errors.As(err, &limit) || limit.Limit != c.limit {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if !strings.Contains(err.Error(), c.limit) || limit.Max == 0 {
			t.Errorf("%s: %v", c.query, err)
		}
		if c.limit == "rows" && (got == nil || got.Len() != 10) {
			t.Errorf("%s: the rows before the cut are lost", c.query)
		}
		if c.limit != "rows" && got != nil {
			t.Errorf("%s: there is a table", c.query)
		}
	}
	if got, err := w.run(t, "T | take 10", stream.Options{Limits: stream.Limits{Rows: 10}}); err != nil || got.Len() != 10 {
		t.Error("as many rows as the limit are no error:", err)
	}
}

// TestMemoryIsGivenBack runs sub-queries for many rows, which must not add up, and steps that keep few of many.
func TestMemoryIsGivenBack(t *testing.T) {
	w := newWorld().numbers("T", 5_000)
	for query, limit := range map[string]int64{
		"T | mv-apply a = range(1, 20) to typeof(long) on (sort by a desc | summarize s = make_list(a)) | count": 20_000,
		"T | partition by S (sort by N asc | summarize count() by N | top 1 by N) | count":                       2_500_000,
		"T | top 3 by N | count":                                  20_000,
		"T | top 2000 by N | summarize sum(N)":                    1_000_000,
		"T | where N > 3 | extend M = N | summarize count() by S": 20_000,
	} {
		if _, err := w.run(t, query, stream.Options{Limits: stream.Limits{Memory: limit}}); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestContext(t *testing.T) {
	w := newWorld().numbers("T", 1000)
	late := &stream.LimitError{Limit: "time", Max: 1}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, late)
	defer cancel()
	_, err := stream.Run(ctx, w.bind(t, "range x from 1 to 1000000000000 step 1 | summarize sum(x)"), w, stream.Options{})
	var limit *stream.LimitError
	if !errors.As(err, &limit) || limit.Limit != "time" {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := stream.Run(gone, w.bind(t, "T | count"), w, stream.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestEndedEarly: a run that is ended gives the rows that there were.
func TestEndedEarly(t *testing.T) {
	w := newWorld().numbers("T", 1000)
	for query, rows := range map[string]int{
		"union (range x from 1 to 3 step 1), (range x from 1 to 1000000000000 step 1 | where x < 0)": 3,
		"range x from 1 to 1000000000000 step 1 | summarize count()":                                 0,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		got, err := stream.Run(ctx, w.bind(t, query), w, stream.Options{})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || (got == nil) != (rows == 0) || got != nil && got.Len() != rows {
			t.Errorf("%s: %v %v", query, got, err)
		}
	}
}

func TestTrace(t *testing.T) {
	w := newWorld().numbers("T", 10)
	counts := map[string]int{}
	sums := map[string]int64{}
	_, err := w.run(t, "T | where N > 3 | extend M = N + 1 | project M, N | summarize s = sum(M) by odd = N % 2 | where s > 1000", stream.Options{
		Trace: func(op plan.Op, rows []stream.Row) {
			name := strings.TrimPrefix(fmt.Sprintf("%T", op), "*plan.")
			counts[name] += len(rows)
			for _, r := range rows {
				if len(r) != len(plan.Columns(op)) {
					t.Errorf("%s: a row has %d values for %d columns", name, len(r), len(plan.Columns(op)))
				}
				sums[name] += r[0].Int()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(counts); got != "map[Aggregate:2 Filter:6 Project:12 Scan:10]" {
		t.Error(got)
	}
	if sums["Scan"] != 45 || sums["Filter"] != 39 {
		t.Error(sums)
	}
}

func TestErrors(t *testing.T) {
	w := newWorld().numbers("T", 3)
	if _, err := w.run(t, "T | where assert(N < 1, 'too much')", stream.Options{}); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Error("assert:", err)
	}
	if _, err := stream.Run(t.Context(), w.bind(t, "T | count"), nil, stream.Options{}); err == nil || !strings.Contains(err.Error(), "table T") {
		t.Error("without a source:", err)
	}
	ext := &plan.Plan{Root: &plan.External{Cols: []plan.Column{{ID: 1, Name: "a", Type: kql.TypeString}}}}
	ext.Out = plan.Columns(ext.Root)
	if _, err := stream.Run(t.Context(), ext, w, stream.Options{}); err == nil || !strings.Contains(err.Error(), "externaldata") {
		t.Error("externaldata:", err)
	}
	if _, err := w.run(t, "range x from 1 to 5 step 0", stream.Options{}); err == nil {
		t.Error("a range without steps has no end, and no error")
	}
	if _, err := w.run(t, "T | extend d = bag_pack('N', 1) | evaluate bag_unpack(d)", stream.Options{}); err == nil || !strings.Contains(err.Error(), "N") {
		t.Error("bag_unpack into a column that is there:", err)
	}
	p := &plan.Plan{Root: &plan.Values{
		Cols: []plan.Column{{ID: 1, Name: "a", Type: kql.TypeString}},
		Rows: [][]plan.Expr{{&plan.Call{Fn: plan.FnGeoAngle}}},
	}}
	p.Out = plan.Columns(p.Root)
	_, err := stream.Run(t.Context(), p, nil, stream.Options{})
	for _, err := range []error{err, stream.Supports(p)} {
		if err == nil || !strings.Contains(err.Error(), "geo_angle is not supported") {
			t.Error("a function that nobody has:", err)
		}
	}
}

// TestSharedParts computes an expression whose parts are shared so often that its tree would never end.
func TestSharedParts(t *testing.T) {
	query := "let f = (x:long) { x + x };\nT | where N == 1 | project v = " + strings.Repeat("f(", 40) + "N + 0" + strings.Repeat(")", 40)
	got, err := newWorld().numbers("T", 3).run(t, query, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := csv(t, got); text != "1099511627776" {
		t.Error(text)
	}
}

// TestLongChain runs a query of thousands of steps.
func TestLongChain(t *testing.T) {
	query := "T" + strings.Repeat(" | where N >= 0 | extend N = N + 1", 1500) + " | summarize max(N)"
	got, err := newWorld().numbers("T", 3).run(t, query, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := csv(t, got); text != "1502" {
		t.Error(text)
	}
}

func TestToTable(t *testing.T) {
	cols := []plan.Column{
		{Name: "b", Type: kql.TypeBool},
		{Name: "i", Type: kql.TypeInt},
		{Name: "r", Type: kql.TypeReal},
		{Name: "s", Type: kql.TypeString},
		{Name: "t", Type: kql.TypeDateTime},
		{Name: "d", Type: kql.TypeTimespan},
		{Name: "g", Type: kql.TypeGuid},
		{Name: "m", Type: kql.TypeDecimal},
		{Name: "x", Type: kql.TypeDynamic},
		{Name: "o", Type: kql.TypeDynamic, Open: true},
		{Name: "s", Type: kql.TypeString},
	}
	array := eval.Dynamic(&eval.Tree{Items: []eval.Value{eval.ToDynamic(eval.Long(1)), eval.ToDynamic(eval.String("y"))}})
	nulls := make(stream.Row, len(cols))
	for i, c := range cols {
		nulls[i] = eval.Null(c.Type)
	}
	tab := stream.ToTable(cols, []stream.Row{{
		eval.Bool(true), eval.Int(-5), eval.Real(0.5), eval.String("q"), eval.Datetime(0), eval.Timespan(10_000_000),
		eval.Guid("74be27de-1e4e-49d9-b579-fe0b331d3642"), eval.Decimal("12.50"), array, eval.ToDynamic(eval.Long(7)), eval.String("z"),
	}, nulls})
	var b strings.Builder
	if err := tab.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	want := `{"b":true,"i":-5,"r":0.5,"s":"q","t":"0001-01-01T00:00:00Z","d":"00:00:01","g":"74be27de-1e4e-49d9-b579-fe0b331d3642","m":12.50,"x":[1,"y"],"o":7,"s1":"z"}
{"b":null,"i":null,"r":null,"s":"","t":null,"d":null,"g":null,"m":null,"x":null,"o":null,"s1":""}
`
	if b.String() != want {
		t.Errorf("got  %swant %s", b.String(), want)
	}
	if typ := tab.Columns()[9].Type; typ != table.Long {
		t.Errorf("a column of numbers that no schema declares is %s", typ)
	}
}
