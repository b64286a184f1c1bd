package logformat

import (
	"bytes"
	"context"
	"io"
	"testing"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

// BenchmarkParse reads lines that lie in the cache: what a line costs besides memory. ns/op is for one line.
func BenchmarkParse(b *testing.B) {
	worlds := map[string]func(w *synth.World){
		"cef":      func(*synth.World) {},
		"cef-high": func(w *synth.World) { w.Entropy = synth.HighEntropy },
		"csv":      func(w *synth.World) { w.Format = synth.CSV },
		"csv-10.2": func(w *synth.World) { w.Format, w.Version = synth.CSV, "10.2" },
	}
	for name, set := range worlds {
		b.Run(name, func(b *testing.B) {
			w := synth.Default()
			w.Flows, w.Beacons = 5000, nil
			set(&w)
			var log bytes.Buffer
			if _, err := w.Write(context.Background(), &log, io.Discard); err != nil {
				b.Fatal(err)
			}
			lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
			p := NewParser(Options{})
			var out traffic.Builder
			p.Start(nil, out.Reset(traffic.Origin{}))
			b.SetBytes(int64(log.Len() / len(lines)))
			b.ResetTimer()
			for i := range b.N {
				if i%1024 == 0 {
					p.Start(nil, out.Reset(traffic.Origin{}))
				}
				p.Parse(&out, lines[i%len(lines)], 0)
			}
		})
	}
}
