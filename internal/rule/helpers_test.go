package rule

import (
	"context"
	"strings"
	"testing"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// testSchema has the tables that tests need.
type testSchema map[string]*plan.Table

func (s testSchema) Table(name string) (*plan.Table, bool) {
	t, ok := s[name]
	return t, ok
}

func (testSchema) Function(string) (*plan.Function, bool) { return nil, false }

func (s testSchema) Tables() []string {
	var names []string
	for name := range s {
		names = append(names, name)
	}
	return names
}

func schema() testSchema {
	return testSchema{
		"CommonSecurityLog": tableOfColumns("CommonSecurityLog", "TimeGenerated:datetime DeviceVendor:string DeviceProduct:string "+
			"Activity:string DeviceEventClassID:string DeviceAction:string DeviceName:string Protocol:string ApplicationProtocol:string "+
			"SourceIP:string SourcePort:int SourceUserID:string DestinationIP:string DestinationPort:int SentBytes:long ReceivedBytes:long"),
		"T": tableOfColumns("T", "TimeGenerated:datetime a:long s:string r:real d:dynamic b:bool span:timespan"),
	}
}

func tableOfColumns(name, columns string) *plan.Table {
	types := map[string]kql.Type{
		"string": kql.TypeString, "int": kql.TypeInt, "long": kql.TypeLong, "real": kql.TypeReal, "bool": kql.TypeBool,
		"datetime": kql.TypeDateTime, "timespan": kql.TypeTimespan, "dynamic": kql.TypeDynamic,
	}
	t := &plan.Table{Name: name}
	for c := range strings.FieldsSeq(columns) {
		column, typ, _ := strings.Cut(c, ":")
		t.Columns = append(t.Columns, plan.Column{Name: column, Type: types[typ]})
	}
	return t
}

// native is the native engine.
func native(src stream.Source) Querier {
	return func(ctx context.Context, p *plan.Plan, _ plan.Window, now int64) (*table.Table, error) {
		return stream.Run(ctx, p, src, stream.Options{Now: now})
	}
}

func tracer(src stream.Source) Tracer {
	return func(ctx context.Context, p *plan.Plan, _ plan.Window, now int64, trace func(plan.Op, []stream.Row)) (*table.Table, error) {
		return stream.Run(ctx, p, src, stream.Options{Now: now, Trace: trace})
	}
}

// mustRead reads the one rule of a text.
func mustRead(t *testing.T, text string) *Rule {
	t.Helper()
	f := Read("rule.yaml", []byte(text))
	if f.Diags.HasErrors() || len(f.Rules) != 1 {
		t.Fatalf("%d rules\n%s", len(f.Rules), f.Diags.Draw(f.Text, f.Name))
	}
	return f.Rules[0]
}

// fillFor fills tables with the data of the first test of a file.
func fillFor(t *testing.T, f *TestFile, m *memory, r *Rule) {
	t.Helper()
	f.Tests[0].fill(m, r, false)
	if len(m.diags) > 0 {
		t.Fatal(m.diags.Draw(f.Text, f.Name))
	}
}
