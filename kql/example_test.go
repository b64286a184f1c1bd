package kql_test

import (
	"fmt"

	"drumbeat/kql"
)

func Example() {
	src := `CommonSecurityLog
| where DeviceVendor == 'Palo Alto Networks' and ipv4_is_private(DestinationIP)==false
| summarize Flows=count() by SourceIP,bin(TimeGenerated,1h) | top 10 by Flows`
	q, diags := kql.Parse(src)
	if diags.HasErrors() {
		fmt.Print(diags.Draw(src, "query"))
		return
	}
	fmt.Print(kql.Format(q))
	// Output:
	// CommonSecurityLog
	// | where DeviceVendor == "Palo Alto Networks" and ipv4_is_private(DestinationIP) == false
	// | summarize Flows = count() by SourceIP, bin(TimeGenerated, 1h)
	// | top 10 by Flows
}

func ExampleDiagnostics_Draw() {
	src := "T\n| WHERE a = 1\n| sumarize count() by bin(t, 1hour)\n| where x in ('a' 'b'"
	_, diags := kql.Parse(src)
	fmt.Print(diags.Draw(src, "rule.kql"))
	// Output:
	// rule.kql:2:3: error: unknown operator “WHERE” (KQL012)
	//     | WHERE a = 1
	//       ^^^^^
	//     hint: did you mean where?
	// rule.kql:2:11: error: = gives a name, and where has no use for one (KQL011)
	//     | WHERE a = 1
	//               ^
	//     hint: to compare, write ==
	// rule.kql:3:3: error: unknown operator “sumarize” (KQL012)
	//     | sumarize count() by bin(t, 1hour)
	//       ^^^^^^^^
	//     hint: did you mean summarize?
	// rule.kql:4:14: error: ( is not closed (KQL004)
	//     | where x in ('a' 'b'
	//                  ^
}
