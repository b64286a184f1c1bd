package catalog

import (
	"errors"
	"strings"
	"testing"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// bind binds a query, which must be right.
func bind(t testing.TB, c *Catalog, query string) *plan.Plan {
	t.Helper()
	p, err := bindError(c, query)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func bindError(c *Catalog, query string) (*plan.Plan, error) {
	tree, diags := kql.Parse(query)
	var p *plan.Plan
	if !diags.HasErrors() {
		p, diags = plan.Bind(tree, c, plan.Options{External: true})
	}
	if diags.HasErrors() {
		return nil, errors.New(diags.Draw(query, ""))
	}
	return p, nil
}

// catalogue makes a catalogue for a test.
func catalogue(t testing.TB, o Options) *Catalog {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func columnsText(cols []plan.Column) string {
	var b strings.Builder
	for _, c := range cols {
		b.WriteString(" " + c.Name + ":" + c.Type.String())
	}
	return strings.TrimSpace(b.String())
}

func TestTables(t *testing.T) {
	c := catalogue(t, Options{})
	table, ok := c.Table("CommonSecurityLog")
	if !ok || len(table.Columns) != 163 {
		t.Fatalf("CommonSecurityLog has %d columns, want 163", len(table.Columns))
	}
	text := columnsText(table.Columns)
	for _, want := range []string{
		"Activity:string AdditionalExtensions:string", "DestinationPort:int", "SentBytes:long", "MaliciousIPLatitude:real",
		"TimeGenerated:datetime", "FieldDeviceCustomNumber1:long",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("CommonSecurityLog lacks %q", want)
		}
	}
	for _, name := range []string{"+ASimNetworkSessionLogs", "=ClarotyEvent", "NoSuchTable", "", "#"} {
		if _, ok := c.Table(name); ok {
			t.Errorf("there is a table %q", name)
		}
	}
	names := c.Tables()
	if len(names) < 890 {
		t.Errorf("%d tables", len(names))
	}
	for _, name := range names {
		if table, ok := c.Table(name); !ok || len(table.Columns) == 0 {
			t.Errorf("the table %q has no columns", name)
		}
	}
}

func TestFunctionsBind(t *testing.T) {
	c := catalogue(t, Options{})
	for query, columns := range map[string]int{
		"_Im_NetworkSession(starttime=ago(1d), endtime=now(), srcipaddr_has_any_prefix=dynamic(['10.']), dvcaction=dynamic(['Deny']))": 233,
		"imNetworkSession":                                         233,
		"_ASim_NetworkSession":                                     233,
		"ASimNetworkSession()":                                     233,
		"_Im_WebSession(eventresult='Success')":                    0,
		"PaloAltoPANOSSyslog | where DestinationPort in (80, 443)": 163,
		"CiscoSEGEvent":                                            161,
		"ClarotyEvent()":                                           145,
		"_GetWatchlist('x') | extend a = column_ifexists('b', '') | project SearchKey, a": 2,
	} {
		p := bind(t, c, query)
		if columns > 0 && len(p.Out) != columns {
			t.Errorf("%s has %d columns, want %d", query, len(p.Out), columns)
		}
	}
}
