package stream_test

import (
	"context"
	"fmt"
	"testing"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// flows is a table of flows that is made as it is read.
type flows struct{ n int }

var flowColumns = []plan.Column{
	{Name: "TimeGenerated", Type: kql.TypeDateTime},
	{Name: "DeviceVendor", Type: kql.TypeString},
	{Name: "Activity", Type: kql.TypeString},
	{Name: "SourceIP", Type: kql.TypeString},
	{Name: "DestinationIP", Type: kql.TypeString},
	{Name: "DestinationPort", Type: kql.TypeInt},
	{Name: "SentBytes", Type: kql.TypeLong},
	{Name: "ReceivedBytes", Type: kql.TypeLong},
}

func (f flows) Table(name string) (*plan.Table, bool) {
	return &plan.Table{Name: name, Columns: flowColumns}, name == "CommonSecurityLog"
}
func (flows) Function(string) (*plan.Function, bool) { return nil, false }
func (flows) Tables() []string                       { return nil }

func (f flows) Scan(_ context.Context, scan *plan.Scan, _ plan.Window, emit func([]stream.Row) error) error {
	addresses := make([]eval.Value, 5000)
	for i := range addresses {
		addresses[i] = eval.String(fmt.Sprintf("10.%d.%d.9", i/250, i%250))
	}
	vendor, activity := eval.String("Palo Alto Networks"), eval.String("TRAFFIC")
	start := int64(639_080_000_000_000_000)
	x := uint64(1)
	batch := make([]stream.Row, 0, 1024)
	for i := range f.n {
		x = x*6364136223846793005 + 1442695040888963407
		all := [8]eval.Value{
			eval.Datetime(start + int64(i)*8_640_000), vendor, activity, addresses[x>>33%1000], addresses[x>>40%5000],
			eval.Int(int32(x >> 50 % 3 * 443)), eval.Long(int64(x >> 44)), eval.Long(int64(x >> 45)),
		}
		row := make(stream.Row, len(scan.Columns))
		for j, c := range scan.Columns {
			for k := range flowColumns {
				if flowColumns[k].Name == c.Name {
					row[j] = all[k]
				}
			}
		}
		if batch = append(batch, row); len(batch) == cap(batch) || i == f.n-1 {
			if err := emit(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

func BenchmarkRun(b *testing.B) {
	for name, query := range map[string]string{
		"filter":    `CommonSecurityLog | where DeviceVendor == "Palo Alto Networks" and Activity =~ "traffic" and DestinationPort in (1, 2, 443) | extend b = SentBytes + ReceivedBytes | where b > 5 | count`,
		"has":       `CommonSecurityLog | where DeviceVendor has "palo" and not(SourceIP startswith "10.9.") | summarize sum(SentBytes)`,
		"summarize": `CommonSecurityLog | summarize n = count(), s = sum(SentBytes), t = max(TimeGenerated) by SourceIP, DestinationIP, DestinationPort`,
		"rule": `CommonSecurityLog | where DeviceVendor == "Palo Alto Networks" and Activity == "TRAFFIC" | where ipv4_is_private(DestinationIP) == true
| project TimeGenerated, SourceIP, DestinationIP, DestinationPort, SentBytes, ReceivedBytes
| sort by SourceIP asc, TimeGenerated asc, DestinationIP asc, DestinationPort asc
| serialize | extend nextTimeGenerated = next(TimeGenerated, 1), nextSourceIP = next(SourceIP, 1)
| extend gap = datetime_diff('second', nextTimeGenerated, TimeGenerated) | where SourceIP == nextSourceIP | where gap > 25
| summarize count(), sum(ReceivedBytes), sum(SentBytes) by gap, bin(TimeGenerated, 1h), SourceIP, DestinationIP, DestinationPort
| summarize (n, gap) = arg_max(count_, gap), total = sum(count_) by bin(TimeGenerated, 1h), SourceIP, DestinationIP, DestinationPort
| where total > 20`,
	} {
		b.Run(name, func(b *testing.B) {
			src := flows{100_000}
			q, _ := kql.Parse(query)
			p, diags := plan.Bind(q, src, plan.Options{})
			if p == nil {
				b.Fatal(diags)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := stream.Run(b.Context(), p, src, stream.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*src.n), "ns/row")
		})
	}
}
