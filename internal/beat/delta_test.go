package beat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"drumbeat/internal/beat/beatref"
	"drumbeat/internal/traffic"
)

// put appends a reference event to a builder as a parser would.
func put(b *traffic.Builder, e *beatref.Event, line int) {
	r := traffic.Row{Line: uint32(line), Time: e.Ticks, DstPort: traffic.Unknown, SentBytes: traffic.Unknown, ReceivedBytes: traffic.Unknown}
	r.Src, r.Dst = addr(b, e.SrcIP), addr(b, e.DstIP)
	if e.PortKnown {
		r.DstPort = e.DstPort
	}
	if e.SentKnown {
		r.SentBytes = e.Sent
	}
	if e.ReceivedKnown {
		r.ReceivedBytes = e.Received
	}
	r.Device = b.Names().CodeString(e.Device)
	r.UserID = b.Names().CodeString(e.UserID)
	if e.Vendor == "Palo Alto Networks" && e.Activity == "TRAFFIC" {
		r.Flags = traffic.FlagActivity
	}
	b.Put(&r)
}

func addr(b *traffic.Builder, text string) traffic.Addr {
	a := traffic.ParseAddr([]byte(text))
	if a.Kind == traffic.AddrText {
		a.Text = b.Names().CodeString(text)
	}
	return a
}

// feed gives events to a sorter in batches cut at random, each to a random writer, batches in random order. The order
// of lines stays what the slice's order is.
func feed(t *testing.T, rng *rand.Rand, s *Sorter, events []beatref.Event) {
	t.Helper()
	writers := []*SorterWriter{s.Writer(), s.Writer(), s.Writer()}
	type piece struct{ from, to int }
	var pieces []piece
	for at := 0; at < len(events); {
		n := min(1+rng.IntN(40), len(events)-at)
		pieces = append(pieces, piece{at, at + n})
		at += n
	}
	chunk := make(map[int]int)
	for i, p := range pieces {
		chunk[p.from] = i
	}
	rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	builders := []*traffic.Builder{{}, {}, {}}
	for _, p := range pieces {
		i := rng.IntN(3)
		b := builders[i]
		b.Reset(traffic.Origin{File: 3, Chunk: uint32(chunk[p.from])})
		if rng.IntN(5) == 0 {
			b.Names().Reset()
		}
		for line, e := range events[p.from:p.to] {
			put(b, &e, line)
		}
		if err := writers[i].Observe(b.Batch()); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func asReference(rows []DeltaRow) []beatref.Row {
	var out []beatref.Row
	for _, r := range rows {
		row := beatref.Row{
			RunAt: r.RunAt, Hour: r.Hour, Device: r.Device, UserID: r.User, SrcIP: r.Source, DstIP: r.Destination,
			ModalCount: r.ModalCount, ModalGap: r.ModalGap, TotalEvents: r.Events,
			TotalSent: r.Sent, TotalReceived: r.Received, Percent: r.Percent,
		}
		if r.Port != traffic.Unknown {
			row.DstPort, row.PortKnown = r.Port, true
		}
		out = append(out, row)
	}
	return out
}

func asRule(p beatref.Params) Delta {
	d := Delta{
		MinGap: p.Gap, MinEvents: p.MinEvents, MinModal: p.MinModal, MinPercent: p.MinPercent,
		Bin: p.Bin, Window: p.Window,
	}
	if p.ByChannel {
		d.Scope = ByChannel
	}
	if p.Now != nil {
		d.Now = *p.Now
	}
	return d
}

// TestDeltaAgainstReference compares the rule with a slow, literal form of it that was written apart from this
// package, on small worlds full of ties, borders and odd values, whatever the order, cutting, workers and memory.
func TestDeltaAgainstReference(t *testing.T) {
	t.Parallel()
	worlds := 400
	if testing.Short() {
		worlds = 100
	}
	found := 0
	for seed := range worlds {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		events := beatref.Random(rng, 50+rng.IntN(800))
		params := []beatref.Params{beatref.RandomParams(rng), beatref.RandomParams(rng), beatref.RandomParams(rng)}
		params[1].ByChannel = !params[0].ByChannel
		rules := make([]Delta, len(params))
		for i, p := range params {
			rules[i] = asRule(p)
		}
		s := NewSorter(SorterOptions{Memory: []int64{0, 1 << 14, 1 << 30}[seed%3], Dir: t.TempDir()})
		s.least = []int{1, blockRows, 1 << 20}[rng.IntN(3)]
		feed(t, rng, s, events)
		got, err := Run(context.Background(), s, 1+rng.IntN(4), rules)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for i, p := range params {
			want := beatref.Run(events, p)
			found += len(want)
			if rows := asReference(got.Rows[i]); !reflect.DeepEqual(rows, want) && (len(rows) > 0 || len(want) > 0) {
				t.Fatalf("seed %d, rule %+v:\n got %s\nwant %s", seed, p, show(rows), show(want))
			}
		}
	}
	if found < worlds {
		t.Errorf("only %d rows in %d worlds: the worlds test nothing", found, worlds)
	}
}

func show(rows []beatref.Row) string {
	out := fmt.Sprintf("%d rows", len(rows))
	for i, r := range rows {
		if i == 20 {
			break
		}
		out += fmt.Sprintf("\n  %+v", r)
	}
	return out
}
