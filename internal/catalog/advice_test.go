package catalog

import (
	"strings"
	"testing"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// TestSearchReadsFilled: a search of all tables reads those that hold rows, and names with stars know the others' columns.
func TestSearchReadsFilled(t *testing.T) {
	c := catalogue(t, Options{
		Paths:  []string{write(t, "a.log", cef("1772500000000", "10.0.0.5", "192.0.2.1", "dpt=443"))},
		Tables: []File{{Name: "Assets", Path: write(t, "assets.csv", "Address,Owner\n10.0.0.5,ann\n10.0.0.6,bob\n")}},
	})
	for query, want := range map[string]string{
		"search '10.0.0.5' | summarize n=count() by ['$table'] | order by ['$table'] asc": `{"$table":"Assets","n":1}
{"$table":"CommonSecurityLog","n":1}`,
		"union withsource=From * | where EventID == 4625 or Owner == 'bob' | project From, EventID, Owner": `{"From":"Assets","EventID":null,"Owner":"bob"}`,
		"union Ass*, Z* | count": `{"Count":2}`,
	} {
		if got := ask(t, c, query); got != want {
			t.Errorf("%s gives\n%s\nand should give\n%s", query, got, want)
		}
	}
}

// TestAdvice: what a query lacks is refused before it runs, and the remark says how it can be given.
func TestAdvice(t *testing.T) {
	const external = "externaldata(a:string)['https://example.org/x.csv;key']"
	feed := []File{{Name: "https://example.org/x.csv", Path: write(t, "x.csv", "1\n")}}
	for _, test := range []struct {
		o           Options
		query, want string
	}{
		{Options{}, "Assets", "hint: give its rows with --table Assets=FILE"},
		{Options{}, "['my assets']", "there is no table “my assets” (KQL101)"},
		{Options{}, external, "hint: give a copy of it with --external https://example.org/x.csv=FILE"},
		{Options{EmptyExternals: true}, external, ""},
		{Options{Externals: feed}, external, ""},
	} {
		tree, diags := kql.Parse(test.query)
		if len(diags) == 0 {
			_, diags = plan.Bind(tree, catalogue(t, test.o), plan.Options{External: true})
		}
		if got := diags.Draw(test.query, ""); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s gives %q, and should give %q", test.query, got, test.want)
		}
	}
}
