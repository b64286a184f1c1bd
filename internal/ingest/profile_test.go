package ingest

import (
	"context"
	"os"
	"testing"

	"drumbeat/internal/traffic"
)

type nullSink struct{}

func (nullSink) Observe(*traffic.Batch) error { return nil }

func BenchmarkScanFile(b *testing.B) {
	path := os.Getenv("DRUMBEAT_BENCH_FILE")
	if path == "" {
		b.Skip("set DRUMBEAT_BENCH_FILE")
	}
	files, _ := List([]string{path}, nil)
	b.SetBytes(files[0].Size)
	for b.Loop() {
		if _, err := Scan(context.Background(), files, Options{Workers: 2, Sink: func() Sink { return nullSink{} }}); err != nil {
			b.Fatal(err)
		}
	}
}
