package beat

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"drumbeat/internal/beat/beatref"
	"drumbeat/internal/traffic"
)

// against compares a rule with the reference, in memory and out of it, and gives the rows.
func against(t *testing.T, rule *Delta, events []beatref.Event) []DeltaRow {
	t.Helper()
	p := asParams(rule)
	if rule.Now != 0 {
		p.Now = &rule.Now
	}
	want := beatref.Run(events, p)
	var got *Result
	for _, least := range []int{1, leastSorted} {
		s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
		s.least = least
		got = run(t, s, 2, []Delta{*rule})
		if rows := asReference(got.Rows[0]); !reflect.DeepEqual(rows, want) && len(rows)+len(want) > 0 {
			t.Errorf("least %d: %s\nwant %s", least, show(rows), show(want))
		}
	}
	return got.Rows[0]
}

// TestFoundingThresholds passes and fails each of the rule's own constants by one.
func TestFoundingThresholds(t *testing.T) {
	t.Parallel()
	other := func(n int) []beatref.Event { // gaps of other lengths, after the beats
		var out []beatref.Event
		for i := range n {
			out = append(out, beats("10.0.0.1", "8.8.8.8", 443, start+50*traffic.Minute+int64(i*(40+i))*traffic.Second, 0, 1)...)
		}
		return out
	}
	for _, test := range []struct {
		name   string
		events []beatref.Event
		want   int
	}{
		{"31 gaps", beats("10.0.0.1", "8.8.8.8", 443, start, 60, 32), 1},
		{"30 gaps", beats("10.0.0.1", "8.8.8.8", 443, start, 60, 31), 0},
		{"gaps of 26 s", beats("10.0.0.1", "8.8.8.8", 443, start, 26, 40), 1},
		{"gaps of 25 s", beats("10.0.0.1", "8.8.8.8", 443, start, 25, 40), 0},
		// 32 equal gaps, then one to the first of the others, and those between the others.
		{"32 of 39 gaps", append(beats("10.0.0.1", "8.8.8.8", 443, start, 60, 33), other(7)...), 1}, // 82 %
		{"32 of 40 gaps", append(beats("10.0.0.1", "8.8.8.8", 443, start, 60, 33), other(8)...), 0}, // 80 %
		{"26 of 31 gaps", append(beats("10.0.0.1", "8.8.8.8", 443, start, 60, 27), other(5)...), 1}, // 84 %
		{"25 of 31 gaps", append(beats("10.0.0.1", "8.8.8.8", 443, start, 60, 26), other(6)...), 0}, // 81 %, but 25
		{"private", beats("10.0.0.1", "192.168.1.1", 443, start, 60, 40), 0},
	} {
		for _, scope := range []Scope{BySource, ByChannel} {
			rule := FoundingRule(scope)
			if rows := against(t, &rule, test.events); len(rows) != test.want {
				t.Errorf("%s, scope %d: %d rows, want %d", test.name, scope, len(rows), test.want)
			}
		}
	}
}

// TestBordersOfWindows puts records on, before and after midnight, with gaps of nothing among them.
func TestBordersOfWindows(t *testing.T) {
	t.Parallel()
	for _, off := range []int64{-1, 0, 1} {
		var events []beatref.Event
		for i := range int64(6) { // pairs at the same time round a midnight, and on it
			at := start + traffic.Day + (i-3)*30*traffic.Second + off
			events = append(events, beats("10.0.0.1", "8.8.8.8", 443, at, 0, 2)...)
			events = append(events, beats("10.0.0.1", "9.9.9.9", 443, at, 0, 1)...)
		}
		for _, scope := range []Scope{BySource, ByChannel} {
			for _, minGap := range []int64{-1, 0, 25} {
				rule := Delta{Scope: scope, MinGap: minGap, Bin: traffic.Hour, Window: traffic.Day}
				rows := against(t, &rule, events)
				runs := map[int64]bool{}
				for _, r := range rows {
					runs[r.RunAt] = true
				}
				if len(rows) == 0 || minGap < 0 && off == 0 && len(runs) != 2 {
					t.Errorf("off %d, scope %d, gap %d: %d rows of %d runs", off, scope, minGap, len(rows), len(runs))
				}
				if off != 0 || minGap > 0 {
					continue
				}
				// The query's window and the period of the schedule, one tick on either side of a record.
				for at := 0; at < len(events); at += 3 {
					for _, near := range []int64{-1, 0, 1} {
						rule.Now = events[at].Ticks + near + 2*rule.Window
						against(t, &rule, events)
						rule.Now -= rule.Window
						against(t, &rule, events)
					}
				}
			}
		}
	}
}

// crowd gives addresses and a name that share a partition; the first has the code that the first name has.
func crowd() (addresses []string, name string) {
	dict := &traffic.Dict{}
	w := NewSorter(SorterOptions{}).Writer()
	partition := func(a traffic.Addr) int { return w.source(&row{}, &a, dict) }
	for ip := uint32(0); len(addresses) < 8; ip++ {
		if partition(traffic.V4(ip)) == 0 {
			addresses = append(addresses, string(traffic.AppendIPv4(nil, ip)))
		}
	}
	for i := 0; ; i++ {
		name = fmt.Sprint("host-", i)
		if partition(traffic.Addr{Kind: traffic.AddrText, Text: dict.CodeString(name)}) == 0 {
			return addresses, name
		}
	}
}

// TestDeltaInOnePartition does what TestDeltaAgainstReference does with sources that all share a partition, so that
// they stand side by side.
func TestDeltaInOnePartition(t *testing.T) {
	t.Parallel()
	addresses, name := crowd()
	for seed := range 100 {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		events := beatref.Random(rng, 50+rng.IntN(400))
		sources := make(map[string]string)
		for i := range events {
			old := events[i].SrcIP
			if _, ok := sources[old]; !ok && len(sources) < len(addresses) {
				sources[old] = addresses[len(sources)]
			}
			if events[i].SrcIP = sources[old]; events[i].SrcIP == "" {
				events[i].SrcIP = name
			}
		}
		params := []beatref.Params{beatref.RandomParams(rng), beatref.RandomParams(rng)}
		params[1].ByChannel = !params[0].ByChannel
		rules := []Delta{asRule(params[0]), asRule(params[1])}
		s := NewSorter(SorterOptions{Memory: []int64{0, 1 << 30}[seed%2], Dir: t.TempDir()})
		s.least = []int{1, leastSorted, leastSorted}[seed%3]
		feed(t, rng, s, events)
		got := run(t, s, 2, rules)
		for i, p := range params {
			want := beatref.Run(events, p)
			if rows := asReference(got.Rows[i]); !reflect.DeepEqual(rows, want) && len(rows)+len(want) > 0 {
				t.Fatalf("seed %d, rule %+v:\n got %s\nwant %s", seed, p, show(rows), show(want))
			}
		}
	}
}

// TestChannelsOfNeighbours counts the channels of sources that share a partition and all go to one place.
func TestChannelsOfNeighbours(t *testing.T) {
	t.Parallel()
	addresses, _ := crowd()
	var events []beatref.Event
	for _, src := range addresses {
		events = append(events, beats(src, "8.8.8.8", 443, start, 60, 3)...)
	}
	for _, least := range []int{1, leastSorted} {
		s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
		s.least = least
		if got, n := run(t, s, 1, both()), int64(len(addresses)); got.Sources != n || got.Channels != n {
			t.Errorf("least %d: %d sources, %d channels, want %d", least, got.Sources, got.Channels, n)
		}
	}
}

// TestTextsAreNoAddresses has texts whose codes are those of addresses, as sources and as destinations.
func TestTextsAreNoAddresses(t *testing.T) {
	t.Parallel()
	addresses, name := crowd()
	var events []beatref.Event
	for i := range int64(20) {
		// The name comes first, and so has code 0: that of 0.0.0.0.
		for j, src := range []string{name, addresses[0]} {
			for k, dst := range []string{"0.0.0.0", "203.0.113.5/24", "0.0.0.1", "203.0.113.0/24"} {
				at := start + i*traffic.Minute + int64(j)*traffic.Second + int64(k)*100
				events = append(events, beats(src, dst, 443, at, 0, 1)...)
			}
		}
	}
	for _, rule := range both() {
		against(t, &rule, events)
	}
	for _, least := range []int{1, leastSorted} {
		s := sorted(t, SorterOptions{Dir: t.TempDir()}, events)
		s.least = least
		if got := run(t, s, 1, both()); got.Sources != 2 || got.Channels != 8 || len(got.Rows[1]) != 8 {
			t.Errorf("least %d: %d sources, %d channels, %d rows", least, got.Sources, got.Channels, len(got.Rows[1]))
		}
	}
}

// TestStrataRecords has records of Strata Logging Service, which the rule to the letter does not see and the one by
// channel does.
func TestStrataRecords(t *testing.T) {
	t.Parallel()
	for _, least := range []int{1, leastSorted} {
		s := NewSorter(SorterOptions{Dir: t.TempDir()})
		s.least = least
		w := s.Writer()
		var b traffic.Builder
		b.Reset(traffic.Origin{})
		flags := []uint8{traffic.FlagActivity, traffic.FlagOther, 0}
		for i := range 60 {
			b.Put(&traffic.Row{
				Line: uint32(i), Time: start + int64(i)*30*traffic.Second, Src: traffic.V4(0x0A000001), Dst: traffic.V4(0x08080808),
				DstPort: 443, Flags: flags[i%3],
			})
		}
		if err := w.Observe(b.Batch()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := run(t, s, 1, both())
		if rows := got.Rows[0]; len(rows) != 1 || rows[0].Events != 19 || rows[0].ModalGap != 90 {
			t.Errorf("least %d, by source: %+v, want 19 gaps of 90 s", least, rows)
		}
		// Records are 30 s and 60 s apart in turn, and one group whatever the column that holds TRAFFIC.
		if rows := got.Rows[1]; len(rows) != 1 || rows[0].Events != 39 || rows[0].ModalCount != 20 || rows[0].ModalGap != 30 {
			t.Errorf("least %d, by channel: %+v, want 39 gaps, 20 of them 30 s", least, rows)
		}
		if got.Sources != 1 || got.Channels != 1 || s.Rows() != 40 {
			t.Errorf("least %d: %d flows, %d sources, %d channels", least, s.Rows(), got.Sources, got.Channels)
		}
	}
}

// TestManyGapsOfABin has more gaps in a bin than are held one by one.
func TestManyGapsOfABin(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	var events []beatref.Event
	at := start
	for range 2*compactAt + 5000 {
		at += traffic.Second * int64(1+rng.IntN(3))
		e := beats("10.0.0.1", fmt.Sprintf("8.8.8.%d", rng.IntN(3)), int32(rng.IntN(2)), at, 0, 1)[0]
		e.UserID = strconv.Itoa(rng.IntN(2))
		events = append(events, e)
	}
	for _, scope := range []Scope{BySource, ByChannel} {
		rule := Delta{Scope: scope, Bin: traffic.Day, Window: traffic.Day}
		if rows := against(t, &rule, events); len(rows) != 12 {
			t.Errorf("scope %d: %d rows, want 12", scope, len(rows))
		}
	}
}

// TestUnrelatedTrafficChangesNothing adds sources to the traffic: the rows of the others stay as they were.
func TestUnrelatedTrafficChangesNothing(t *testing.T) {
	t.Parallel()
	events := traffickers(5, 5000, 20, 3)
	more := traffickers(6, 5000, 50, 3)
	for i := range more {
		more[i].SrcIP = "172.16.9." + strconv.Itoa(i%50)
	}
	rules := both()
	for i := range rules {
		rules[i].MinEvents, rules[i].MinModal = 0, 0
	}
	alone := run(t, sorted(t, SorterOptions{Memory: 1 << 30}, events), 2, rules)
	mixed := run(t, sorted(t, SorterOptions{Memory: 1 << 30}, append(events, more...)), 2, rules)
	for i, rows := range mixed.Rows {
		var got []DeltaRow
		for _, r := range rows {
			if len(r.Source) < 8 || r.Source[:8] != "172.16.9" {
				got = append(got, r)
			}
		}
		if len(got) < 1000 || !reflect.DeepEqual(got, alone.Rows[i]) {
			t.Errorf("rule %d: %d rows of the old sources, want %d; or other ones", i, len(got), len(alone.Rows[i]))
		}
	}
}

// BenchmarkRun gathers a million flows of 2,000 sources and runs both rules.
func BenchmarkRun(b *testing.B) {
	var builder traffic.Builder
	builder.Reset(traffic.Origin{})
	for i, e := range traffickers(1, 50_000, 2000, 500) {
		put(&builder, &e, i)
	}
	batch := builder.Batch()
	for b.Loop() {
		s := NewSorter(SorterOptions{Memory: 1 << 30})
		w := s.Writer()
		for chunk := range uint32(20) {
			batch.Origin.Chunk = chunk
			if err := w.Observe(batch); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		rules := []Delta{FoundingRule(BySource), FoundingRule(ByChannel)}
		if _, err := Run(context.Background(), s, 2, rules); err != nil {
			b.Fatal(err)
		}
	}
}
