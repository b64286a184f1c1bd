package rewrite_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// The times of the tests, in ticks: now is noon of 2024-03-12.
const (
	second = 10_000_000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	now    = 738_956*day + 12*hour
)

// schema has a table of small things and the columns of flows that rules of beacons read.
type schema struct{}

var tables = map[string][]plan.Column{
	"T": {
		{Name: "TimeGenerated", Type: kql.TypeDateTime},
		{Name: "i", Type: kql.TypeLong},
		{Name: "s", Type: kql.TypeString},
		{Name: "u", Type: kql.TypeDateTime},
		{Name: "d", Type: kql.TypeDynamic},
	},
	"CommonSecurityLog": {
		{Name: "TimeGenerated", Type: kql.TypeDateTime},
		{Name: "DeviceVendor", Type: kql.TypeString},
		{Name: "Activity", Type: kql.TypeString},
		{Name: "DeviceName", Type: kql.TypeString},
		{Name: "SourceUserID", Type: kql.TypeString},
		{Name: "SourceIP", Type: kql.TypeString},
		{Name: "SourcePort", Type: kql.TypeInt},
		{Name: "DestinationIP", Type: kql.TypeString},
		{Name: "DestinationPort", Type: kql.TypeInt},
		{Name: "SentBytes", Type: kql.TypeLong},
		{Name: "ReceivedBytes", Type: kql.TypeLong},
	},
}

func (schema) Table(name string) (*plan.Table, bool) {
	cols, ok := tables[name]
	return &plan.Table{Name: name, Columns: cols}, ok
}

func (schema) Function(string) (*plan.Function, bool) { return nil, false }

func (schema) Tables() []string { return []string{"CommonSecurityLog", "T"} }

func bind(t testing.TB, src string) *plan.Plan {
	t.Helper()
	p, text := tryBind(src)
	if p == nil {
		t.Fatalf("%s\n%s", src, text)
	}
	return p
}

func tryBind(src string) (*plan.Plan, string) {
	q, diags := kql.Parse(src)
	if diags.HasErrors() {
		return nil, diags.Draw(src, "")
	}
	p, diags := plan.Bind(q, schema{}, plan.Options{})
	return p, diags.Draw(src, "")
}

// source holds rows by the names of their columns. It leaves out rows out of the window.
type source map[string][]map[string]eval.Value

func (s source) Scan(_ context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	var rows []stream.Row
	for _, r := range s[scan.Table] {
		if t := r["TimeGenerated"]; w != (plan.Window{}) && (t.IsNull() || !w.Contains(t.Int())) {
			continue
		}
		row := make(stream.Row, len(scan.Columns))
		for i, c := range scan.Columns {
			v, ok := r[c.Name]
			if !ok {
				v = eval.Null(c.Type)
			}
			row[i] = v
		}
		rows = append(rows, row)
	}
	return emit(rows)
}

// lines runs a plan and gives its rows as texts.
func lines(t testing.TB, p *plan.Plan, src stream.Source, windows map[*plan.Scan]plan.Window) ([]string, error) {
	t.Helper()
	o := stream.Options{Now: now, Trace: promises(t)}
	if windows != nil {
		o.Window = func(s *plan.Scan) plan.Window { return windows[s] }
	}
	got, err := stream.Run(t.Context(), p, src, o)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	if err := got.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var rows []json.RawMessage
	if err := json.Unmarshal([]byte(text.String()), &rows); err != nil {
		// One row a line.
		return slices.Collect(strings.Lines(text.String())), nil //nolint:nilerr // it is another layout
	}
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = string(r)
	}
	return out, nil
}

// promises makes sure that each value has the type of its column, and is null only where the column may be.
func promises(t testing.TB) func(op plan.Op, rows []stream.Row) {
	return func(op plan.Op, rows []stream.Row) {
		for i, c := range plan.Columns(op) {
			for _, r := range rows {
				if r[i].Type() != c.Type || r[i].IsNull() && c.NonNull {
					t.Errorf("%T: %s:%s, never null %t, holds a %s, null %t", op, c.Name, c.Type, c.NonNull, r[i].Type(), r[i].IsNull())
					return
				}
			}
		}
	}
}

func sorted(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, "\n")
}
