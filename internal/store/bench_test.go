package store

import (
	"os"
	"testing"

	"drumbeat/internal/beat"
)

// BenchmarkFoundingRule runs the founding rule over a Parquet file that DRUMBEAT_BENCH_PARQUET names.
func BenchmarkFoundingRule(b *testing.B) {
	path := os.Getenv("DRUMBEAT_BENCH_PARQUET")
	if path == "" {
		b.Skip("DRUMBEAT_BENCH_PARQUET names no file")
	}
	for b.Loop() {
		s := beat.NewSorter(beat.SorterOptions{Memory: 1 << 30, Dir: b.TempDir()})
		var writers []*beat.SorterWriter
		r, err := ReadFlows(b.Context(), []string{path}, FlowOptions{Workers: 2, Sink: func() Sink {
			w := s.Writer()
			writers = append(writers, w)
			return w
		}})
		if err != nil {
			b.Fatal(err)
		}
		for _, w := range writers {
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		out, err := beat.Run(b.Context(), s, 2, []beat.Delta{beat.FoundingRule(beat.BySource)})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Flows), "flows")
		b.ReportMetric(float64(len(out.Rows[0])), "rows")
		b.ReportMetric(float64(out.Sources), "sources")
		_ = s.Close()
	}
}
