package beat

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drumbeat/internal/beat/beatref"
	"drumbeat/internal/traffic"
)

// check holds a property to many more cases than rapid does by itself: each takes microseconds.
func check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	for range 30 {
		rapid.Check(t, property)
	}
}

// TestRanksOrderAsText holds that ranks of addresses compare as their texts do.
func TestRanksOrderAsText(t *testing.T) {
	t.Parallel()
	text := func(ip uint32) string { return string(traffic.AppendIPv4(nil, ip)) }
	for i := range uint32(256) {
		for j := range uint32(256) { // each byte, against each other
			for shift := uint(0); shift < 32; shift += 8 {
				a, b := 0x01020304|i<<shift, 0x01020304|j<<shift
				if got, want := rankIPv4(a) < rankIPv4(b), text(a) < text(b); got != want {
					t.Fatalf("%s < %s: %v by rank, %v as text", text(a), text(b), got, want)
				}
			}
		}
	}
	check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a ^ 1<<rapid.UintRange(0, 31).Draw(t, "bit")
		}
		if got, want := rankIPv4(a) < rankIPv4(b), text(a) < text(b); got != want {
			t.Fatalf("%s < %s: %v by rank, %v as text", text(a), text(b), got, want)
		}
		if unrankIPv4(rankIPv4(a)) != a {
			t.Fatalf("%s is not its own", text(a))
		}
	})
}

// TestPrivate compares with the reference's reading of ipv4_is_private.
func TestPrivate(t *testing.T) {
	t.Parallel()
	check(t, func(t *rapid.T) {
		ip := rapid.Uint32().Draw(t, "ip")
		if rapid.Bool().Draw(t, "near") {
			edge := rapid.SampledFrom([]uint32{
				0x0A000000, 0x0B000000, 0xAC100000, 0xAC200000, 0xC0A80000, 0xC0A90000, 0x7F000000, 0xA9FE0000,
			}).Draw(t, "edge")
			ip = edge + uint32(rapid.IntRange(-2, 2).Draw(t, "off"))
		}
		text := string(traffic.AppendIPv4(nil, ip))
		if private, ok := beatref.IPv4Private(text); !ok || private != isPrivate(ip) {
			t.Fatalf("%s: private %v, want %v, %v", text, isPrivate(ip), private, ok)
		}
		text += "/" + rapid.SampledFrom([]string{"0", "7", "8", "12", "16", "24", "31", "32", "33", "01", "+8", "-1", "", "x"}).Draw(t, "bits")
		wantPrivate, wantOK := beatref.IPv4Private(text)
		if private, ok := isPrivateText(text); ok != wantOK || ok && private != wantPrivate {
			t.Fatalf("%s: %v, %v, want %v, %v", text, private, ok, wantPrivate, wantOK)
		}
	})
}

// TestGroupTable compares the table with a map.
func TestGroupTable(t *testing.T) {
	t.Parallel()
	var table groupTable // memory is kept from one use to the next
	var dst []row
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		keys := 1 + rng.IntN(1+rng.IntN(20_000))
		rows := make([]row, 1+rng.IntN(1+rng.IntN(30_000)))
		for i := range rows {
			rows[i] = row{order: uint64(i), src: uint32(rng.IntN(keys)) << rng.IntN(2), port: uint32(rng.IntN(2)) * srcIsText}
		}
		dst = table.group(rows, dst, sourceKey)
		index := make(map[uint64]int)
		var groups [][]row
		for i := range rows {
			k := sourceKey(&rows[i])
			if _, ok := index[k]; !ok {
				index[k] = len(groups)
				groups = append(groups, nil)
			}
			groups[index[k]] = append(groups[index[k]], rows[i])
		}
		if want := slices.Concat(groups...); !slices.Equal(dst, want) || len(table.counts) != len(groups) {
			t.Fatalf("%d rows of %d keys: %d groups, want %d; or another order", len(rows), keys, len(table.counts), len(groups))
		}
	}
}

// TestSortByTime compares the sort with that of the standard library on inputs of all kinds.
func TestSortByTime(t *testing.T) {
	t.Parallel()
	p := partitionRun{s: NewSorter(SorterOptions{}), series: series{names: names{texts: []string{"9.9.9.9/8", "8.8.8.8/24", "1.1.1.1/0"}}}}
	rng := rand.New(rand.NewPCG(1, 1))
	kinds := map[string]func(i, n int) int64{
		"random":       func(int, int) int64 { return rng.Int64N(1000) },
		"in order":     func(i, _ int) int64 { return int64(i) },
		"backwards":    func(i, _ int) int64 { return int64(-i) },
		"nearly":       func(i, _ int) int64 { return int64(i) + rng.Int64N(20) },
		"all equal":    func(int, int) int64 { return 5 },
		"two writers":  func(i, n int) int64 { return int64(i % max(n/2, 1)) },
		"many writers": func(i, n int) int64 { return int64(i % max(n/11, 1)) },
		"interleaved":  func(i, _ int) int64 { return int64(i/256%2)*100_000 + int64(i) },
		"saw":          func(i, _ int) int64 { return int64(i % 17) },
	}
	for name, at := range kinds {
		for _, n := range []int{0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 100, 255, 256, 257, 1000, 4099} {
			rows := make([]row, n)
			for i := range rows {
				rows[i] = row{time: at(i, n), order: rng.Uint64N(50), sent: int64(i), dst: uint32(rng.IntN(3)), port: uint32(rng.IntN(3))}
				if rng.IntN(3) == 0 {
					rows[i].port |= dstIsText
				}
			}
			want := slices.Clone(rows)
			slices.SortStableFunc(want, func(a, b row) int { return p.series.names.compareTime(&a, &b) })
			if p.sortByTime(rows); !slices.Equal(rows, want) {
				t.Errorf("%s, %d rows: another order than SortStableFunc gives", name, n)
			}
		}
	}
}

// TestCompareDestination compares rows by the texts that the rule sorts by.
func TestCompareDestination(t *testing.T) {
	t.Parallel()
	n := &names{texts: []string{"8.8.8.8/24", "8.8.8.80/24", "100.1.1.1/0"}}
	check(t, func(t *rapid.T) {
		draw := func(which string) (row, string, int) {
			port := rapid.SampledFrom([]int{traffic.Unknown, 0, 1, 443, 65535}).Draw(t, which+" port")
			if rapid.Bool().Draw(t, which+" is text") {
				code := rapid.IntRange(0, 2).Draw(t, which)
				return row{dst: uint32(code), port: uint32(port+1) | dstIsText}, n.texts[code], port
			}
			ip := rapid.SampledFrom([]uint32{0x08080808, 0x08080850, 0x64010101, 0x09000000}).Draw(t, which)
			return row{dst: rankIPv4(ip), port: uint32(port + 1)}, string(traffic.AppendIPv4(nil, ip)), port
		}
		a, textA, portA := draw("a")
		b, textB, portB := draw("b")
		want := strings.Compare(textA, textB)
		if want == 0 {
			want = portA - portB
		}
		if got := n.compareDestination(&a, &b); got < 0 != (want < 0) || got > 0 != (want > 0) {
			t.Fatalf("%s:%d against %s:%d: %d, want %d", textA, portA, textB, portB, got, want)
		}
	})
}

// TestManySourcesOfAPartition runs rules over sources that share a partition and a destination, which must not run
// into one another.
func TestManySourcesOfAPartition(t *testing.T) {
	t.Parallel()
	var events []beatref.Event
	for i := range 600 {
		src := fmt.Sprintf("10.0.%d.%d", i/250, i%250)
		events = append(events, beats(src, "8.8.8.8", 443, start, 60, 3+i*7%11)...)
		events = append(events, beats(src, "9.9.9.9", -1, start+traffic.Second, 90, 2+i*5%7)...)
	}
	for _, memory := range []int64{0, 1 << 30} {
		s := NewSorter(SorterOptions{Memory: memory, Dir: t.TempDir()})
		s.least = []int{1, leastSorted}[memory>>30]
		feed(t, rand.New(rand.NewPCG(1, 1)), s, events)
		got := run(t, s, 2, both())
		for i, rule := range both() {
			if rows, want := asReference(got.Rows[i]), beatref.Run(events, asParams(&rule)); !reflect.DeepEqual(rows, want) {
				t.Errorf("memory %d, scope %d: %s\nwant %s", memory, rule.Scope, show(rows), show(want))
			}
		}
		if got.Sources != 600 || got.Channels != 1200 {
			t.Errorf("memory %d: %d sources, %d channels, want 600 and 1200", memory, got.Sources, got.Channels)
		}
	}
}

func sameResult(a, b *Result) bool {
	return a.Sources == b.Sources && a.Channels == b.Channels && slices.EqualFunc(a.Rows, b.Rows, slices.Equal[[]DeltaRow])
}

// TestMemoryDoesNotMatter gives the same result from memory, from spilled blocks and from merged runs, with any number
// of workers, on 200,000 flows.
func TestMemoryDoesNotMatter(t *testing.T) {
	t.Parallel()
	events := traffickers(1, 200_000, 300, 5)
	rules := both()
	for i := range rules {
		rules[i].MinEvents, rules[i].MinModal = 0, 0 // each gap is a row
	}
	want := run(t, sorted(t, SorterOptions{Memory: 1 << 40}, events), 1, rules)
	if len(want.Rows[0]) < 10_000 || len(want.Rows[1]) < 10_000 {
		t.Fatalf("%d and %d rows: the traffic tests nothing", len(want.Rows[0]), len(want.Rows[1]))
	}
	for _, test := range []struct {
		memory  int64
		least   int
		workers int
	}{{1 << 40, leastSorted, 8}, {1 << 22, leastSorted, 3}, {0, 1, 2}, {0, 700, 1}} {
		s := sorted(t, SorterOptions{Memory: test.memory, Dir: t.TempDir()}, events)
		s.least = test.least
		if spilled := s.Spilled() > 0; spilled != (test.memory < 1<<30) {
			t.Errorf("%+v: spilled %v", test, spilled)
		}
		if got := run(t, s, test.workers, rules); !sameResult(got, want) {
			t.Errorf("%+v: another result", test)
		}
	}
}

// TestManyNames gives the same result however few of the names of users fit memory, on flows of a few sources with many
// users, whose names are long.
func TestManyNames(t *testing.T) {
	t.Parallel()
	events := traffickers(9, 6000, 3, 5)
	for i := range events {
		events[i].UserID = strings.Repeat("name", 50) + strconv.Itoa(i%900)
		events[i].Device = fmt.Sprint("fw", i%11)
		if i%2 == 0 {
			events[i].SrcIP = "host of " + events[i].SrcIP
		}
	}
	rules := both()
	for i := range rules {
		rules[i].MinEvents, rules[i].MinModal, rules[i].MinGap, rules[i].Bin = 0, 0, 0, traffic.Day
	}
	want := run(t, sorted(t, SorterOptions{Memory: 1 << 40}, events), 1, rules)
	if len(want.Rows[0]) < 1000 || len(want.Rows[1]) < 1000 {
		t.Fatalf("%d and %d rows: the traffic tests nothing", len(want.Rows[0]), len(want.Rows[1]))
	}
	for _, least := range []int{1, 100, 3000, leastSorted} {
		s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
		s.least = least
		if got := run(t, s, 2, rules); !sameResult(got, want) {
			t.Errorf("sorting %d at a time: another result", least)
		}
	}
}

// TestOneSource brings all flows into one partition, which is far too large for the memory.
func TestOneSource(t *testing.T) {
	t.Parallel()
	events := traffickers(2, 100_000, 1, 300)
	for i := range events {
		events[i].SrcIP = "10.0.0.1"
	}
	rules := both()
	for i := range rules {
		rules[i].MinGap, rules[i].MinEvents, rules[i].MinModal = 0, 0, 0 // each gap is a row
	}
	want := run(t, sorted(t, SorterOptions{Memory: 1 << 40}, events), 1, rules)
	s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
	s.least = 1000
	if got := run(t, s, 2, rules); !sameResult(got, want) || got.Sources != 1 || len(got.Rows[0]) < 10_000 {
		t.Errorf("%d rows of %d sources, want %d; or other ones", len(got.Rows[1]), got.Sources, len(want.Rows[1]))
	}
}

// TestTwoRecordsOfALine keeps the order of records that stand in one line and tie in all else, in memory and in runs.
func TestTwoRecordsOfALine(t *testing.T) {
	t.Parallel()
	for _, least := range []int{1, leastSorted} {
		s := NewSorter(SorterOptions{Dir: t.TempDir()})
		s.least = least
		w := s.Writer()
		var b traffic.Builder
		b.Reset(traffic.Origin{})
		const n = 2000
		for i := range n {
			// Backwards, so that there is something to sort.
			e := beats("10.0.0.1", "8.8.8.8", 443, start+int64(n/2-i/2)*30*traffic.Second, 0, 1)[0]
			e.Sent = int64(i%2) * 1000 // the second record counts: the gap follows it
			put(&b, &e, i/2)
		}
		if err := w.Observe(b.Batch()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := run(t, s, 1, both())
		for scope, rows := range got.Rows {
			sent := int64(0)
			for _, r := range rows {
				sent += r.Sent
			}
			if want := int64(n/2-1) * 1000; sent != want {
				t.Errorf("least %d, scope %d: %d bytes, want %d", least, scope, sent, want)
			}
		}
	}
}

// TestFromAndTo bounds the times of flows, From included and To excluded.
func TestFromAndTo(t *testing.T) {
	t.Parallel()
	events := beats("10.0.0.1", "8.8.8.8", 443, start, 60, 10)
	for _, test := range []struct{ from, to, want int64 }{
		{0, 0, 10},
		{start, 0, 10},
		{start + 1, 0, 9},
		{0, start, 0},
		{0, start + 1, 1},
		{start + traffic.Minute, start + 3*traffic.Minute, 2},
	} {
		s := sorted(t, SorterOptions{Memory: 1 << 30, From: test.from, To: test.to}, events)
		if s.Rows() != test.want {
			t.Errorf("from %d to %d: %d flows, want %d", test.from-start, test.to-start, s.Rows(), test.want)
		}
	}
}

// TestNoRules counts sources, and channels only where a rule asks for them.
func TestNoRules(t *testing.T) {
	t.Parallel()
	events := traffickers(3, 2000, 20, 5)
	for _, test := range []struct {
		rules    []Delta
		channels bool
	}{{nil, false}, {[]Delta{low(BySource)}, false}, {[]Delta{low(ByChannel)}, true}} {
		for _, least := range []int{1, leastSorted} {
			s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
			s.least = least
			got := run(t, s, 2, test.rules)
			if got.Sources < 20 || (got.Channels == traffic.Unknown) == test.channels || len(got.Rows) != len(test.rules) {
				t.Errorf("least %d, %d rules: %d sources, %d channels", least, len(test.rules), got.Sources, got.Channels)
			}
		}
	}
	if got := run(t, NewSorter(SorterOptions{}), 2, both()); got.Sources != 0 || got.Channels != 0 {
		t.Errorf("no flows: %+v", got)
	}
}

// TestUnwritableDir says what to do where the temporary file cannot be made, for blocks and for runs.
func TestUnwritableDir(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "gone")
	helpful := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), "--memory") {
			t.Errorf("error %v, want one that says what to do", err)
		}
	}
	s := NewSorter(SorterOptions{Dir: gone})
	w := s.Writer()
	var b traffic.Builder
	b.Reset(traffic.Origin{})
	for i, e := range traffickers(1, 1000, 1, 1) {
		put(&b, &e, i)
	}
	helpful(errors.Join(w.Observe(b.Batch()), w.Close()))
	if err := s.Close(); err != nil {
		t.Error(err)
	}

	s = sorted(t, SorterOptions{Memory: 1 << 20}, traffickers(1, 2000, 1, 1))
	s.opt.Dir, s.opt.Memory, s.least = gone, 0, 1
	_, err := Run(context.Background(), s, 1, both())
	helpful(err)
}

// TestSpillFails gives the faults of the temporary file: a write, a read, and other content than was written.
func TestSpillFails(t *testing.T) {
	t.Parallel()
	events := traffickers(1, 100_000, 10, 5)
	s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
	if err := s.spill.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), s, 1, both()); err == nil || !strings.Contains(err.Error(), "writing flows to a temporary file") {
		t.Errorf("write: error %v", err)
	}

	s = sorted(t, SorterOptions{Dir: t.TempDir()}, events)
	if err := s.spill.sync(); err != nil {
		t.Fatal(err)
	}
	if err := s.spill.f.Truncate(1000); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), s, 1, both()); err == nil || !strings.Contains(err.Error(), "reading flows back") {
		t.Errorf("read: error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}

	for _, least := range []int{1, leastSorted} {
		s = sorted(t, SorterOptions{Dir: t.TempDir()}, events)
		s.least = least
		if err := s.spill.sync(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.spill.f.WriteAt(slices.Repeat([]byte{0xFF}, 5000), 3000); err != nil {
			t.Fatal(err)
		}
		if _, err := Run(context.Background(), s, 2, both()); !errors.Is(err, errSpill) {
			t.Errorf("damage: error %v, want %v", err, errSpill)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRunStops gives the context's error, from memory and from runs.
func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, least := range []int{1, leastSorted} {
		s := sorted(t, SorterOptions{Dir: t.TempDir()}, traffickers(1, 5000, 1, 5))
		s.least = least
		if _, err := Run(ctx, s, 2, both()); !errors.Is(err, context.Canceled) {
			t.Errorf("least %d: error %v, want %v", least, err, context.Canceled)
		}
		p := newPartitionRun(s, 1)
		if p.most = least; least == 1 {
			busy := 0
			for s.size(busy) == 0 {
				busy++
			}
			if _, err := p.run(ctx, busy, both()); !errors.Is(err, context.Canceled) {
				t.Errorf("in a partition: error %v, want %v", err, context.Canceled)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil { // a second time
			t.Error(err)
		}
	}
}

// TestMemoryIsBounded takes flows with a million distinct users, and with long ones, in the memory that it is given.
func TestMemoryIsBounded(t *testing.T) { // not parallel: it measures memory
	if testing.Short() {
		t.Skip("it makes a million flows")
	}
	for _, test := range []struct {
		name          string
		n             int
		user          string
		sources       int
		memory, bound int64
	}{
		{"many users", 1_000_000, "user", 5000, 32 << 20, 64 << 20},
		{"long users", 40_000, strings.Repeat("long user name ", 250), 5000, 32 << 20, 64 << 20},
		{"one source", 500_000, "", 1, 16 << 20, 16 << 20},
		{"long users of one source", 120_000, strings.Repeat("a long name ", 85), 1, 1 << 20, 20 << 20},
	} {
		s := NewSorter(SorterOptions{Memory: test.memory, Dir: t.TempDir()})
		peak := peakMemory()
		w := s.Writer()
		var b traffic.Builder
		for i := 0; i < test.n; {
			b.Reset(traffic.Origin{Chunk: uint32(i)})
			for range 200 {
				user := ""
				if test.user != "" {
					user = fmt.Sprint(test.user, i)
				}
				b.Put(&traffic.Row{
					Line: uint32(i), Time: start + int64(i)*traffic.Millisecond*50, Src: traffic.V4(0x0A000000 + uint32(i%test.sources)),
					Dst: traffic.V4(0x08080808), DstPort: 443, UserID: b.Names().CodeString(user), Flags: traffic.FlagActivity,
				})
				i++
			}
			if err := w.Observe(b.Batch()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		fed := peak()
		t.Logf("%s: %d MB while flows come in", test.name, fed>>20)
		if fed > test.bound {
			t.Errorf("%s: %d MB while flows come in, want %d at most", test.name, fed>>20, test.bound>>20)
		}
		peak = peakMemory()
		got := run(t, s, 2, both())
		n := peak()
		t.Logf("%s: %d MB while rules run", test.name, n>>20)
		if n > test.bound {
			t.Errorf("%s: %d MB while rules run, want %d at most", test.name, n>>20, test.bound>>20)
		}
		if got.Sources != int64(test.sources) || s.Rows() != int64(test.n) {
			t.Errorf("%s: %d flows of %d sources", test.name, s.Rows(), got.Sources)
		}
	}
}

// peakMemory measures the memory that is in use from now until the func that it gives is called: the most of it, less
// what was in use before.
func peakMemory() func() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	before, most := int64(sample[0].Value.Uint64()), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			metrics.Read(sample)
			most = max(most, int64(sample[0].Value.Uint64())-before)
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return most
	}
}
