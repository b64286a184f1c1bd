// Package totals is what two readers of the same log must agree on. The
// harness fills it from `drumbeat flows`, the DuckDB child from its query.
package totals

import "fmt"

// Totals sums up the columns of a log. The distinct counts are 0 where the
// reader was not asked for them.
type Totals struct {
	Records      int64 `json:"records"`
	In           int64 `json:"in"`
	Out          int64 `json:"out"`
	SourcePorts  int64 `json:"sourcePorts"`
	Ports        int64 `json:"ports"`
	First        int64 `json:"first"` // seconds since 1970
	Last         int64 `json:"last"`
	Seconds      int64 `json:"seconds"` // sum over all records
	SourceText   int64 `json:"sourceText"`
	DestText     int64 `json:"destText"`
	DeviceText   int64 `json:"deviceText"`
	UserText     int64 `json:"userText"`
	Sources      int64 `json:"sources"`
	Destinations int64 `json:"destinations"`
	Devices      int64 `json:"devices"`
}

// Differences names the totals that differ, or nothing.
func (t Totals) Differences(other Totals) []string {
	var all []string
	for _, c := range []struct {
		what string
		a, b int64
	}{
		{"records", t.Records, other.Records},
		{"sum of in", t.In, other.In},
		{"sum of out", t.Out, other.Out},
		{"sum of source ports", t.SourcePorts, other.SourcePorts},
		{"sum of destination ports", t.Ports, other.Ports},
		{"first time", t.First, other.First},
		{"last time", t.Last, other.Last},
		{"sum of times", t.Seconds, other.Seconds},
		{"bytes of source addresses", t.SourceText, other.SourceText},
		{"bytes of destination addresses", t.DestText, other.DestText},
		{"bytes of device names", t.DeviceText, other.DeviceText},
		{"bytes of user ids", t.UserText, other.UserText},
		{"distinct sources", t.Sources, other.Sources},
		{"distinct destinations", t.Destinations, other.Destinations},
		{"distinct devices", t.Devices, other.Devices},
	} {
		if c.a != c.b {
			all = append(all, fmt.Sprintf("%s: %d and %d", c.what, c.a, c.b))
		}
	}
	return all
}
