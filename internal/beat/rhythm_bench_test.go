package beat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"drumbeat/internal/traffic"
)

// BenchmarkSketchAdd is the cost of one session in a sketch.
func BenchmarkSketchAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	gaps := make([]int64, 1024)
	for i := range gaps {
		gaps[i] = int64(rng.ExpFloat64()*60) * traffic.Second
	}
	var k sketch
	at := day
	i := 0
	for b.Loop() {
		at += gaps[i&1023]
		i++
		k.add(at)
		k.size(900, 1800, false)
	}
}

// BenchmarkMeasure is the cost of one evaluation, of a channel with gaps at all scales.
func BenchmarkMeasure(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	var k sketch
	at := day
	for range 400 {
		at += int64(rng.ExpFloat64()*900) * traffic.Second
		k.add(at)
		k.size(rng.Int64N(4000), rng.Int64N(9000), false)
	}
	var scratch [scales]scaleCounts
	for b.Loop() {
		m := k.measure(&scratch)
		if m.sessions == 0 {
			b.Fatal("nothing measured")
		}
	}
}

// BenchmarkRhythm is the cost of a session from writer to result, in a company of 300 machines.
func BenchmarkRhythm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	w := &world{}
	const n = 300_000
	for range n {
		src := fmt.Sprintf("10.0.%d.%d", rng.IntN(3), 1+rng.IntN(100))
		dst := fmt.Sprintf("198.51.%d.%d", rng.IntN(20), rng.IntN(int(1+rng.ExpFloat64()*50)))
		w.add(src, dst, 443, rng.Float64()*86400, rng.Int64N(5000), rng.Int64N(50000))
	}
	for b.Loop() {
		s := NewSessions(SorterOptions{Memory: 1 << 30}, nil)
		x := s.Writer()
		for i := range w.sessions {
			if err := x.Observe(&w.names, &w.sessions[i]); err != nil {
				b.Fatal(err)
			}
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
		out, err := Rhythm{}.Run(context.Background(), s, runtime.GOMAXPROCS(0))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(out.AllChannels), "channels")
		b.ReportMetric(float64(out.Judged), "judged")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/session")
}
