package plan_test

import (
	"fmt"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// flows is a schema of one table.
type flows struct{}

func (flows) Table(name string) (*plan.Table, bool) {
	if name != "Flows" {
		return nil, false
	}
	return &plan.Table{Name: "Flows", Columns: []plan.Column{
		{Name: "Time", Type: kql.TypeDateTime, NonNull: true},
		{Name: "Source", Type: kql.TypeString},
		{Name: "Bytes", Type: kql.TypeLong},
	}}, true
}

func (flows) Function(string) (*plan.Function, bool) { return nil, false }

func (flows) Tables() []string { return []string{"Flows"} }

func Example() {
	src := `let size = 1000; Flows | where Bytes > size | summarize sum(Bytes) by Source, bin(Time, 1h)`
	q, diags := kql.Parse(src)
	if diags.HasErrors() {
		fmt.Print(diags.Draw(src, "query"))
		return
	}
	p, diags := plan.Bind(q, flows{}, plan.Options{})
	if diags.HasErrors() {
		fmt.Print(diags.Draw(src, "query"))
		return
	}
	fmt.Print(p)
	// Output:
	// scan Flows c1 Time:datetime!, c2 Source:string, c3 Bytes:long
	// filter >(c3, 1000)
	// aggregate (c5 sum_Bytes:long!) = sum(c3) by c2, c4 Time:datetime! = bin(c1, timespan(01:00:00))
	// out c2 Source:string, c4 Time:datetime!, c5 sum_Bytes:long!
}

func ExampleBind_diagnostics() {
	src := "Flow\n| where Bites > 5"
	q, _ := kql.Parse(src)
	_, diags := plan.Bind(q, flows{}, plan.Options{})
	fmt.Print(diags.Draw(src, ""))
	src = "Flows | where Bites > 5 and Source + 'x' == 'y'"
	q, _ = kql.Parse(src)
	_, diags = plan.Bind(q, flows{}, plan.Options{})
	fmt.Print(diags.Draw(src, ""))
	// Output:
	// 1:1: error: there is no table “Flow” (KQL101)
	//     Flow
	//     ^^^^
	//     hint: did you mean Flows?
	// 1:15: error: there is no column or variable “Bites” (KQL101)
	//     Flows | where Bites > 5 and Source + 'x' == 'y'
	//                   ^^^^^
	//     hint: did you mean Bytes?
	// 1:36: error: + is not defined for string and string (KQL104)
	//     Flows | where Bites > 5 and Source + 'x' == 'y'
	//                                        ^
	//     hint: to join texts, write strcat(…)
}
