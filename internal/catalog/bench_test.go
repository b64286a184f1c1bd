package catalog

import (
	"bytes"
	"context"
	"io"
	"testing"

	"drumbeat/internal/stream"
	"drumbeat/internal/synth"
	"drumbeat/kql/plan"
)

// BenchmarkScan reads a log for some columns. ns/op is for one line.
func BenchmarkScan(b *testing.B) {
	w := synth.Default()
	w.Flows, w.Beacons = 50_000, nil
	var log bytes.Buffer
	if _, err := w.Write(context.Background(), &log, io.Discard); err != nil {
		b.Fatal(err)
	}
	path := write(b, "a.log", log.String())
	for name, names := range map[string][]string{
		"none": nil, "three": {"TimeGenerated", "SourceIP", "DeviceAction"},
		"rule": {"TimeGenerated", "DeviceVendor", "Activity", "SourceIP", "DestinationIP", "DestinationPort", "DeviceName", "SentBytes"},
		"late": {"TimeGenerated", "AdditionalExtensions"},
	} {
		b.Run(name, func(b *testing.B) {
			c := catalogue(b, Options{Paths: []string{path}, Workers: 1})
			table, _ := c.Table(logs)
			scan := &plan.Scan{Table: logs}
			for _, n := range names {
				for _, col := range table.Columns {
					if col.Name == n {
						scan.Columns = append(scan.Columns, col)
					}
				}
			}
			b.SetBytes(int64(log.Len()) / 50_000)
			b.ResetTimer()
			for n := 0; n < b.N; {
				err := c.Scan(context.Background(), scan, plan.Window{}, func(rows []stream.Row) error { n += len(rows); return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
