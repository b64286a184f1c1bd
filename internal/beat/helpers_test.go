package beat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"drumbeat/internal/beat/beatref"
	"drumbeat/internal/traffic"
)

// start is when the traffic of these tests begins: 2024-03-10T00:00:00Z.
const start = 738_954 * traffic.Day

// beats makes the records of one channel: n of them, some seconds apart.
func beats(src, dst string, port int32, from int64, seconds, n int) []beatref.Event {
	var out []beatref.Event
	for i := range n {
		out = append(out, beatref.Event{
			Ticks: from + int64(i*seconds)*traffic.Second, Vendor: "Palo Alto Networks", Activity: "TRAFFIC",
			SrcIP: src, DstIP: dst, DstPort: port, PortKnown: port >= 0, Device: "fw", Sent: 10, SentKnown: true,
		})
	}
	return out
}

// low is the founding rule with thresholds that a few records pass.
func low(s Scope) Delta {
	d := FoundingRule(s)
	d.MinEvents, d.MinModal, d.MinPercent = 1, 1, 0
	return d
}

// both are the rules that most tests run.
func both() []Delta { return []Delta{low(BySource), low(ByChannel)} }

// asParams gives a rule to the reference.
func asParams(d *Delta) beatref.Params {
	return beatref.Params{
		Gap: d.MinGap, MinEvents: d.MinEvents, MinModal: d.MinModal, MinPercent: d.MinPercent, Bin: d.Bin,
		Window: d.Window, ByChannel: d.Scope == ByChannel,
	}
}

// sorted gives events to a new sorter, whole and in order.
func sorted(tb testing.TB, opt SorterOptions, events []beatref.Event) *Sorter {
	tb.Helper()
	s := NewSorter(opt)
	w := s.Writer()
	var b traffic.Builder
	for chunk := 0; len(events) > 0; chunk++ {
		n := min(5000, len(events))
		b.Reset(traffic.Origin{Chunk: uint32(chunk)})
		for line := range n {
			put(&b, &events[line], line)
		}
		if err := w.Observe(b.Batch()); err != nil {
			tb.Fatal(err)
		}
		events = events[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return s
}

// run runs rules and closes the sorter.
func run(tb testing.TB, s *Sorter, workers int, rules []Delta) *Result {
	tb.Helper()
	r, err := Run(context.Background(), s, workers, rules)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return r
}

// traffickers makes records of some sources to some destinations at random times, with ties in every sort key.
func traffickers(seed uint64, n, sources, destinations int) []beatref.Event {
	rng := rand.New(rand.NewPCG(seed, 3))
	out := make([]beatref.Event, n)
	for i := range out {
		src, dst := rng.IntN(sources), rng.IntN(destinations)
		out[i] = beatref.Event{
			Ticks: start + int64(rng.IntN(86400*2))*traffic.Second/2, Vendor: "Palo Alto Networks", Activity: "TRAFFIC",
			SrcIP: fmt.Sprintf("10.%d.%d.%d", src>>16, src>>8&0xFF, src&0xFF), DstIP: fmt.Sprintf("8.8.%d.%d", dst>>8, dst&0xFF),
			DstPort: int32(rng.IntN(3)) + 442, PortKnown: rng.IntN(5) > 0, Device: fmt.Sprintf("fw-%d", rng.IntN(2)),
			UserID: fmt.Sprintf("u%d", rng.IntN(3)), Sent: int64(i), SentKnown: true, Received: 1, ReceivedKnown: true,
		}
		if rng.IntN(50) == 0 {
			out[i].SrcIP = fmt.Sprintf("host-%d", src%3)
		}
	}
	return out
}
