package ingest

import (
	"bytes"
	"testing"

	"drumbeat/internal/traffic"
)

// nullSink takes batches and does nothing with them.
type nullSink struct{}

// Observe is Sink's.
func (nullSink) Observe(*traffic.Batch) error { return nil }

// BenchmarkScan reads 64 MiB of flows by two workers, as a file and packed.
func BenchmarkScan(b *testing.B) {
	log := bytes.Repeat([]byte(manyFlows(3600)), 1)
	log = bytes.Repeat(log, 64<<20/len(log))
	path := writeFile(b, b.TempDir(), "a.log", log)
	forms := packed(b, string(log))
	for name, list := range map[string]func() []File{
		"file": func() []File { return files(b, path) },
		"gzip": func() []File { return []File{stdin(forms["gzip"])} },
		"zstd": func() []File { return []File{stdin(forms["zstd frames"])} },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			for b.Loop() {
				r, err := Scan(b.Context(), list(), Options{Workers: 2, Sink: func() Sink { return nullSink{} }})
				if err != nil {
					b.Fatal(err)
				}
				if r.Counts.Flows != r.Lines {
					b.Fatalf("%d flows of %d lines", r.Counts.Flows, r.Lines)
				}
			}
		})
	}
}
