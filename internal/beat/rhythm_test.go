package beat

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/traffic"
)

// literalS is the statistic from its formulas alone: detector.md 2, with nothing shared with the code that it judges.
func literalS(seconds []int64) float64 {
	best := 0.0
	for s := range 7 {
		c := 2 * math.Pow(4, float64(s))
		var gaps []float64
		last := seconds[0]
		for _, t := range seconds[1:] {
			if g := float64(t - last); g >= c {
				gaps = append(gaps, g)
				last = t
			}
		}
		edge := func(b int) float64 { return math.Ceil(2.5 * c * math.Pow(2, float64(b)/8)) }
		for b := range 16 {
			for _, w := range []int{1, 2, 3, 4, 6, 8, 10, 13, 16, 20} {
				if b+w > 32 || edge(b) == edge(b+w) {
					continue
				}
				lo, hi, dead := edge(b)-0.5, edge(b+w)-0.5, c-0.5
				if hi > 22.5*3600 {
					continue
				}
				k, n := 0.0, float64(len(gaps))
				for _, g := range gaps {
					if g > lo && g < hi {
						k++
					}
				}
				r := (hi - dead) / (lo - dead)
				q := max((1-1/r)*math.Pow(r, -1/(r-1)), math.Erf(math.Log(hi/lo)/(2*0.7*math.Sqrt2)))
				f := k / n
				if n < 4 || k < 3 || f <= 0.15 || f <= q {
					continue
				}
				v := f * math.Log(f/q)
				if f < 1 {
					v += (1 - f) * math.Log((1-f)/(1-q))
				}
				v *= min(n, 60)
				if s == 6 {
					v -= 3
				}
				if w > 13 {
					v -= 2
				}
				best = max(best, v)
			}
		}
	}
	return best
}

// scanOf gives S of starts in seconds.
func scanOf(seconds []int64) float64 {
	var k sketch
	for _, t := range seconds {
		k.add(t * traffic.Second)
	}
	var counts [scales]scaleCounts
	return k.measure(&counts).scan.s
}

// TestScanAgainstLiteral compares the statistic with its formulas on streams of many kinds.
func TestScanAgainstLiteral(t *testing.T) {
	t.Parallel()
	regular := 0
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(rt, "n")
		period := rapid.Float64Range(0.7, 12).Draw(rt, "log period")
		spread := rapid.SampledFrom([]float64{0, 0.02, 0.2, 0.5, 1, 3}).Draw(rt, "spread")
		burst := rapid.IntRange(1, 3).Draw(rt, "burst")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		at := float64(rapid.Int64Range(0, 1<<36).Draw(rt, "from"))
		var starts []int64
		for range n {
			for range 1 + rng.IntN(burst) {
				starts = append(starts, int64(at))
				at += rng.Float64() * 2
			}
			at += math.Exp(period) * math.Exp(spread*(rng.Float64()-0.5))
		}
		got, want := scanOf(starts), literalS(starts)
		if math.Abs(got-want) > 1e-9*max(1, want) {
			rt.Fatalf("S is %v, want %v", got, want)
		}
		if want > 10 {
			regular++
		}
	})
	if regular == 0 {
		t.Error("no stream was regular: the test tests nothing")
	}
}

// TestScanHalving checks that full counters keep their shares.
func TestScanHalving(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	var starts []int64
	at := int64(1000)
	for range 200_000 {
		starts = append(starts, at)
		at += 55 + rng.Int64N(11)
		if rng.IntN(5) == 0 {
			at += 400
		}
	}
	got, want := scanOf(starts), literalS(starts)
	if math.Abs(got-want) > 0.05*want {
		t.Errorf("S is %v, want about %v", got, want)
	}
}

// TestScanCalibration checks that streams without memory, at any rate, and with one that drifts over the day, reach S
// with a chance of at most exp(-S).
func TestScanCalibration(t *testing.T) {
	t.Parallel()
	channels := 20_000
	if testing.Short() {
		channels = 4_000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var above [12]int
	for i := range channels {
		rate := math.Exp(rng.Float64()*7 - 9) // a second: 1.2e-4 to 0.13
		var starts []int64
		for at := 0.0; at < 2*86400 && len(starts) < 600; {
			at += rng.ExpFloat64() / rate
			if i%2 == 0 || rng.Float64() < 0.5+0.5*math.Sin(at/86400*2*math.Pi) {
				starts = append(starts, int64(at))
			}
		}
		if len(starts) == 0 {
			continue
		}
		s := scanOf(starts)
		for v := range above {
			if s >= float64(v) {
				above[v]++
			}
		}
	}
	for v := 1; v < len(above); v++ {
		want := math.Exp(-float64(v)) * float64(channels)
		if got := float64(above[v]); got > want+3*math.Sqrt(want)+1 {
			t.Errorf("S >= %d: %v of %d streams without memory, want at most %.1f", v, got, channels, want)
		}
	}
	if above[1] == 0 {
		t.Error("no stream reached S = 1: the test tests nothing")
	}
	t.Log("streams without memory at S >= 0, 1, …:", above)
}

// world makes sessions of a small company, for properties.
type world struct {
	names    traffic.Dict
	sessions []Session
}

// day is when the sessions of these tests begin: 2026-03-02.
const day = 739_676 * traffic.Day

func (w *world) add(src, dst string, port int32, start float64, sent, received int64) *Session {
	w.sessions = append(w.sessions, Session{
		Src: traffic.ParseAddr([]byte(src)), Dst: traffic.ParseAddr([]byte(dst)), SrcPort: 1024 + int32(len(w.sessions)%60000),
		DstPort: port, Protocol: protocolTCP, Start: day + int64(start*float64(traffic.Second)), Duration: traffic.Second,
		Sent: sent, Received: received, ID: uint64(len(w.sessions) + 1), Sequence: uint64(len(w.sessions) + 1),
		Device: w.names.CodeString("fw-" + src[len(src)-1:]), User: w.names.CodeString("user " + src),
	})
	return &w.sessions[len(w.sessions)-1]
}

// randomWorld has beacons, products on many machines, round robin, bursts and noise.
func randomWorld(rng *rand.Rand) *world {
	w := &world{}
	poll := func(src, dst string, port int32, period, jitter float64, n int, sent, received int64) {
		at := rng.Float64() * period
		for range n {
			w.add(src, dst, port, at, sent+rng.Int64N(20), received+rng.Int64N(20))
			at += period * (1 - jitter*rng.Float64())
		}
	}
	poll("10.0.0.5", "198.51.100.7", 443, 60, 0.2, 300, 500, 900)
	poll("10.0.0.6", "2001:db8:1::7", 8443, 600, 0.4, 60, 700, 300)
	for h := range 12 {
		src := fmt.Sprintf("10.0.1.%d", h)
		poll(src, fmt.Sprintf("203.0.113.%d", h%3), 443, 300, 0.05, 80, 900, 1800)
		for range 200 {
			w.add(src, fmt.Sprintf("192.0.2.%d", rng.IntN(9)), 443, rng.Float64()*86400, rng.Int64N(9000), rng.Int64N(90000))
		}
	}
	at := 0.0
	for range 120 {
		at += 100 + rng.Float64()*10
		w.add("10.0.0.7", fmt.Sprintf("198.51.100.%d", 20+rng.IntN(4)), 443, at, 400, 800)
	}
	for i := range 60 {
		s := w.add("10.0.0.8", "198.51.100.99", 4444, float64(i*i), 66, 0)
		s.Kind = RecordDenied
	}
	return w
}

// sessionsOf gives the sessions in pieces, in a random order, to several writers.
func (w *world) sessionsOf(tb testing.TB, rng *rand.Rand, opt SorterOptions) *Sessions {
	tb.Helper()
	s := NewSessions(opt, nil)
	writers := []*SessionWriter{s.Writer(), s.Writer(), s.Writer()}
	order := make([]int, len(w.sessions))
	for i := range order {
		order[i] = i
	}
	if rng != nil {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	for _, i := range order {
		at := 0
		if rng != nil {
			at = rng.IntN(len(writers))
		}
		if err := writers[at].Observe(&w.names, &w.sessions[i]); err != nil {
			tb.Fatal(err)
		}
	}
	for _, x := range writers {
		if err := x.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func judged(tb testing.TB, s *Sessions, workers int) *RhythmResult {
	tb.Helper()
	out, err := Rhythm{All: true}.Run(context.Background(), s, workers)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestRhythmOrder checks that order, cutting, writers, workers and memory change nothing.
func TestRhythmOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := randomWorld(rng)
		want := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 1)
		if len(want.Channels) < 20 || want.Channels[0].Score < 0 {
			t.Fatalf("seed %d: %d channels, the best with %v: the world tests nothing", seed, len(want.Channels), want.Channels[0].Score)
		}
		for _, memory := range []int64{1 << 30, 1 << 12} {
			s := w.sessionsOf(t, rng, SorterOptions{Memory: memory, Dir: t.TempDir()})
			if memory < 1<<20 && s.Spilled() == 0 {
				t.Error("nothing was spilled")
			}
			if got := judged(t, s, 1+rng.IntN(4)); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, memory %d: %s", seed, memory, firstDifference(got, want))
			}
		}
	}
}

// TestRhythmExternal checks a partition that is too large for memory.
func TestRhythmExternal(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 1))
	w := randomWorld(rng)
	want := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 1)
	s := w.sessionsOf(t, rng, SorterOptions{Memory: 1 << 12, Dir: t.TempDir()})
	if err := s.spill.sync(); err != nil {
		t.Fatal(err)
	}
	run := newSessionRun(s, 1)
	run.most = 100
	var got, all []sessionRow
	for part := range partitions {
		collect := func(into *[]sessionRow) func(r *sessionRow) error {
			return func(r *sessionRow) error {
				*into = append(*into, *r)
				return nil
			}
		}
		if err := run.external(context.Background(), part, collect(&got)); err != nil {
			t.Fatal(err)
		}
		if err := newSessionRun(s, 1).each(context.Background(), part, collect(&all)); err != nil {
			t.Fatal(err)
		}
	}
	if int64(len(got)) != want.Left.Duplicates+int64(len(w.sessions)) || !slices.Equal(got, all) {
		t.Errorf("%d rows in runs, %d in memory: not the same", len(got), len(all))
	}
}

func firstDifference(got, want *RhythmResult) string {
	if len(got.Channels) != len(want.Channels) {
		return fmt.Sprintf("%d channels, want %d", len(got.Channels), len(want.Channels))
	}
	for i := range got.Channels {
		if !reflect.DeepEqual(got.Channels[i], want.Channels[i]) {
			a, _ := json.Marshal(got.Channels[i])
			b, _ := json.Marshal(want.Channels[i])
			return fmt.Sprintf("channel %d:\n got %s\nwant %s", i, a, b)
		}
	}
	return fmt.Sprintf("got %+v, want %+v", got.Left, want.Left)
}

// scores gives the score of each channel.
func scores(r *RhythmResult, rename func(string) string) map[string]float64 {
	out := make(map[string]float64)
	for _, c := range r.Channels {
		out[fmt.Sprintf("%s %s %d", rename(c.Source), rename(c.Destination), c.Port)] = c.Score
	}
	return out
}

// TestRhythmShift checks that shifting all times changes no score.
func TestRhythmShift(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return s }
	w := randomWorld(rand.New(rand.NewPCG(4, 1)))
	want := scores(judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2), same)
	for _, shift := range []int64{traffic.Second, 86400 * 365 * traffic.Second, -40 * 365 * traffic.Day, -739_675 * traffic.Day} {
		moved := *w
		moved.sessions = slices.Clone(w.sessions)
		for i := range moved.sessions {
			moved.sessions[i].Start += shift
		}
		got := scores(judged(t, moved.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2), same)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("shifted by %d: scores differ", shift)
		}
	}
}

// TestRhythmRenumber checks that other addresses for the same machines change no score.
func TestRhythmRenumber(t *testing.T) {
	t.Parallel()
	w := randomWorld(rand.New(rand.NewPCG(5, 1)))
	want := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2)
	rename := func(s string) string {
		for _, r := range [][2]string{
			{"10.0.0.", "192.168.77."},
			{"10.0.1.", "172.20.9."},
			{"198.51.100.", "100.2.3."},
			{"203.0.113.", "9.8.7."},
			{"192.0.2.", "55.44.33."},
			{"2001:db8:1:", "2001:db8:77:"},
		} {
			if rest, ok := strings.CutPrefix(s, r[0]); ok {
				return r[1] + rest
			}
		}
		return s
	}
	moved := *w
	moved.sessions = slices.Clone(w.sessions)
	for i := range moved.sessions {
		s := &moved.sessions[i]
		s.Src = traffic.ParseAddr([]byte(rename(string(s.Src.AppendText(nil, nil)))))
		s.Dst = traffic.ParseAddr([]byte(rename(string(s.Dst.AppendText(nil, nil)))))
	}
	got := judged(t, moved.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2)
	if a, b := scores(got, func(s string) string { return s }), scores(want, rename); !reflect.DeepEqual(a, b) {
		t.Errorf("scores differ: %v, want %v", a, b)
	}
}

// TestRhythmUnrelated checks that channels of the same sources to other destinations change no score.
func TestRhythmUnrelated(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(6, 1))
	w := randomWorld(rng)
	same := func(s string) string { return s }
	want := scores(judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2), same)
	more := *w
	more.sessions = slices.Clone(w.sessions)
	for range 2000 {
		more.add("10.0.0.5", fmt.Sprintf("55.1.%d.9", rng.IntN(40)), 8080, rng.Float64()*86400, rng.Int64N(5000), rng.Int64N(5000))
	}
	got := scores(judged(t, more.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2), same)
	for name, score := range want {
		if got[name] != score {
			t.Errorf("%s: %v, was %v", name, got[name], score)
		}
	}
}

// TestReasonsAddUp checks that the weights of the reasons add up to the score, to the last digit that is printed.
func TestReasonsAddUp(t *testing.T) {
	t.Parallel()
	w := randomWorld(rand.New(rand.NewPCG(7, 1)))
	out := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2)
	var views [ViewGroup + 1]int
	for _, c := range out.Channels {
		sum := 0
		for _, r := range c.Reasons {
			v := math.Round(r.Weight * 10)
			if v/10 != r.Weight {
				t.Errorf("%s: weight %v is no multiple of 0.1", r.Name, r.Weight)
			}
			if r.Text == "" {
				t.Errorf("%s: no sentence", r.Name)
			}
			sum += int(v)
		}
		if float64(sum)/10 != c.Score {
			t.Errorf("%s to %s: reasons add up to %v, score is %v", c.Source, c.Destination, float64(sum)/10, c.Score)
		}
		views[c.View]++
	}
	if views[ViewWhole] == 0 || views[ViewGroup] < 4 {
		t.Errorf("views %v: the test misses some", views)
	}
}

// TestRhythmFinds checks what a small company's channels are taken for.
func TestRhythmFinds(t *testing.T) {
	t.Parallel()
	w := randomWorld(rand.New(rand.NewPCG(8, 1)))
	out := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2)
	by := map[string]*ScoredChannel{}
	for i := range out.Channels {
		by[out.Channels[i].Source+" "+out.Channels[i].Destination] = &out.Channels[i]
	}
	c := by["10.0.0.5 198.51.100.7"]
	if c == nil || c.Score < 0 || math.Abs(c.Law.Period-54) > 1 || math.Abs(c.Law.Jitter-0.2) > 0.03 || c.Law.Law != "jittered" {
		t.Errorf("the plain beacon is %+v", c)
	}
	if c := by["10.0.0.6 2001:db8:1::7"]; c == nil || c.Score < 0 || c.Port != 8443 {
		t.Errorf("the beacon over IPv6 is %+v", c)
	}
	if c := by["10.0.0.7 198.51.100.21"]; c == nil || c.View != ViewGroup || len(c.Members) != 4 || math.Abs(c.Law.Period-105) > 2 {
		t.Errorf("round robin is %+v", c)
	}
	if c := by["10.0.1.3 203.0.113.0"]; c == nil || c.Score > 0 || c.Alike < 10 {
		t.Errorf("a product on many machines is %+v", c)
	}
}

// TestTwice checks which records are of one session.
func TestTwice(t *testing.T) {
	t.Parallel()
	base := func(w *world, at float64) *Session { return w.add("10.0.0.5", "198.51.100.7", 443, at, 500, 900) }
	for _, c := range []struct {
		name                         string
		make                         func(w *world)
		sessions, duplicates, paired int64
		sent                         int64
	}{
		{"different sessions in one second", func(w *world) { base(w, 0); base(w, 0) }, 2, 0, 0, 1000},
		{"same record again", func(w *world) { s := *base(w, 0); w.sessions = append(w.sessions, s) }, 1, 1, 0, 500},
		{"other number of the record", func(w *world) {
			s := *base(w, 0)
			s.Sequence += 9
			w.sessions = append(w.sessions, s)
		}, 2, 0, 0, 1000},
		{"a second device of a pair", func(w *world) {
			s := *base(w, 0)
			s.Sequence, s.ID, s.Device = 77, 78, w.names.CodeString("fw-pair")
			s.Start += traffic.Second
			w.sessions = append(w.sessions, s)
		}, 1, 1, 0, 500},
		{"no numbers, same port and bytes", func(w *world) {
			s := base(w, 0)
			s.Sequence, s.ID = 0, 0
			w.sessions = append(w.sessions, *s)
		}, 1, 1, 0, 500},
		{"no numbers, no port", func(w *world) {
			s := base(w, 0)
			s.Sequence, s.ID, s.SrcPort = 0, 0, traffic.Unknown
			w.sessions = append(w.sessions, *s)
		}, 2, 0, 0, 1000},
		{"start and end", func(w *world) {
			s := *base(w, 0)
			s.Kind, s.Sequence, s.Sent, s.Received = RecordStart, 99, 70, 70
			w.sessions = append(w.sessions, s)
		}, 1, 0, 1, 500},
		{"start, and an end that is reckoned too late by its lag", func(w *world) {
			s := *base(w, 30)
			s.Start -= 30 * traffic.Second
			s.Kind, s.Sequence = RecordStart, 99
			w.sessions = append(w.sessions, s)
		}, 1, 0, 1, 500},
		{"two starts and an end", func(w *world) {
			s := *base(w, 0)
			s.Kind, s.Sequence = RecordStart, 99
			r := s
			r.Sequence = 100
			w.sessions = append(w.sessions, s, r)
		}, 1, 0, 2, 500},
		{"a start of an hour ago with the same number", func(w *world) {
			s := *base(w, 3600)
			s.Start -= traffic.Hour
			s.Kind, s.Sequence = RecordStart, 99
			w.sessions = append(w.sessions, s)
		}, 2, 0, 0, 500},
	} {
		w := &world{}
		c.make(w)
		for i := range 5 { // so that the channel is judged
			base(w, float64(10000+300*i))
		}
		out := judged(t, w.sessionsOf(t, rand.New(rand.NewPCG(1, 1)), SorterOptions{Memory: 1 << 30}), 1)
		got := out.Channels[0]
		if got.Sessions != c.sessions+5 || out.Left.Duplicates != c.duplicates || out.Left.Paired != c.paired || got.SentBytes != c.sent+2500 {
			t.Errorf("%s: %d sessions, %d bytes sent, %+v", c.name, got.Sessions-5, got.SentBytes-2500, out.Left)
		}
	}
}

// TestRhythmBadInput checks that odd records are left out with a word, and that none does harm.
func TestRhythmBadInput(t *testing.T) {
	t.Parallel()
	w := &world{}
	for i := range 100 {
		w.add("10.0.0.5", "198.51.100.7", 443, float64(i*60), traffic.Unknown, traffic.Unknown)
	}
	odd := func(change func(s *Session)) {
		s := *w.add("10.0.0.5", "198.51.100.7", 443, 30, 1, 1)
		change(&s)
		w.sessions[len(w.sessions)-1] = s
	}
	odd(func(s *Session) { s.Src = traffic.Addr{} })
	odd(func(s *Session) { s.Dst = traffic.ParseAddr([]byte("0.0.0.0")) })
	odd(func(s *Session) { s.Dst = s.Src })
	odd(func(s *Session) { s.Dst = traffic.ParseAddr([]byte("224.0.0.251")) })
	odd(func(s *Session) { s.Dst = traffic.ParseAddr([]byte("255.255.255.255")) })
	odd(func(s *Session) { s.Start = 0 })
	odd(func(s *Session) { s.Start = math.MaxInt64 })
	for i, start := range []int64{traffic.UnixEpoch, 767_000 * traffic.Day, traffic.MaxTicks, 1} {
		for range 5 {
			odd(func(s *Session) {
				s.Start, s.DstPort = start, 9000+int32(i)
				s.Sent, s.Received = math.MaxInt64, math.MaxInt64
				s.SrcPort, s.Duration, s.Protocol = 70000, math.MaxInt64, 250
			})
		}
	}
	out := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2)
	want := Left{NoAddress: 2, SameEnds: 1, Group: 2, NoTime: 2}
	if out.Left != want {
		t.Errorf("left out %+v, want %+v", out.Left, want)
	}
	if out.Knowledge != 0 || out.Internal != 1 {
		t.Errorf("one host: prevalence counts for %v", out.Knowledge)
	}
	c := out.Channels[0]
	if c.Port != 443 || c.SentBytes != traffic.Unknown || c.Rhythm < 50 {
		t.Errorf("the regular channel is %+v", c)
	}
	for _, r := range c.Reasons {
		switch r.Name {
		case "sent-size", "received-size", "received-much":
			if r.Known || r.Weight != 0 {
				t.Errorf("%s is known: %+v", r.Name, r)
			}
		case "hosts", "network", "alike":
			if r.Weight != 0 {
				t.Errorf("%s has weight %v in a log of one host", r.Name, r.Weight)
			}
		}
	}
}

// TestWeights checks what a weights file may hold.
func TestWeights(t *testing.T) {
	t.Parallel()
	w, err := ShippedWeights()
	if err != nil {
		t.Fatal(err)
	}
	if w.base != -84 || w.of(PartHosts, 3) != 11 || w.of(PartHosts, 4) != 1 || w.of(PartAlike, 99) != -54 || w.of(PartRhythm, 11) != 51 {
		t.Errorf("the shipped weights are %+v", w)
	}
	text := w.Text()
	for _, c := range []struct{ old, with, want string }{
		{`"name": "hosts"`, `"name": "guests"`, `no part has the name "guests"`},
		{`"name": "hosts"`, `"name": "span"`, `part "span" stands there twice`},
		{`"below": 4, "nats": 1.1`, `"below": 8, "nats": 1.1`, `part "hosts": the limits do not rise`},
		{`{"nats": -5.4}`, `{"below": 99, "nats": -5.4}`, `all bins but the last have a limit`},
		{`"base": -8.4`, `"base": -8000`, `beyond 100`},
		{`"base"`, `"bass"`, `unknown field "bass"`},
		{`{`, ``, `reading weights`},
	} {
		_, err := ReadWeights(strings.NewReader(strings.Replace(text, c.old, c.with, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v, want %q", c.with, c.old, err, c.want)
		}
	}
}

func FuzzReadWeights(f *testing.F) {
	f.Add(string(shippedWeights))
	f.Add(`{"parts":[{"name":"hosts","bins":[]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ReadWeights(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := ReadWeights(strings.NewReader(w.Text()))
		if err != nil || !reflect.DeepEqual(w, again) {
			t.Fatalf("%q is not read back: %v", text, err)
		}
	})
}

// TestRhythmLeastScore checks that what is left out early could not have been listed.
func TestRhythmLeastScore(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		w := randomWorld(rand.New(rand.NewPCG(20+seed, 1)))
		s := w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30})
		run := func(m Rhythm) []ScoredChannel {
			out, err := m.Run(context.Background(), s, 2)
			if err != nil {
				t.Fatal(err)
			}
			return out.Channels
		}
		all := run(Rhythm{All: true, MinScore: -100})
		for _, least := range []float64{-4, 0, 1.1, 3} {
			var want []ScoredChannel
			for _, c := range all {
				if c.Score >= least || c.Kind == KindDeadService || c.Kind == KindFastLoop {
					want = append(want, c)
				}
			}
			if got := run(Rhythm{MinScore: least}); !slices.EqualFunc(got, want, func(a, b ScoredChannel) bool { return reflect.DeepEqual(a, b) }) {
				t.Errorf("seed %d, least score %v: %d channels, want %d", seed, least, len(got), len(want))
			}
		}
		if got := run(Rhythm{All: true, MinScore: -100, Top: 7}); !reflect.DeepEqual(got, all[:7]) {
			t.Errorf("seed %d: the top 7 are not the first of all", seed)
		}
	}
}

// TestRhythmContext checks what a list of known services and a memory of destinations add.
func TestRhythmContext(t *testing.T) {
	t.Parallel()
	w := randomWorld(rand.New(rand.NewPCG(30, 1)))
	s := w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30})
	plain := judged(t, s, 2)
	out, err := Rhythm{
		All: true,
		Known: func(destination string, port int32, protocol string) string {
			if destination == "198.51.100.7" && port == 443 && protocol == "tcp" {
				return "licence server"
			}
			return ""
		},
		FirstSeen: func(destination string) (float64, bool) { return 2, destination == "198.51.100.7" },
	}.Run(context.Background(), s, 2)
	if err != nil {
		t.Fatal(err)
	}
	same := func(s string) string { return s }
	got, want := scores(out, same), scores(plain, same)
	for name, score := range want {
		add := 0.0
		if name == "10.0.0.5 198.51.100.7 443" {
			add = -5 + 1.5
		}
		if math.Abs(got[name]-score-add) > 1e-9 {
			t.Errorf("%s: %v, was %v", name, got[name], score)
		}
	}
}

// TestTiming checks the law of pauses, and its errors, on laws that are known.
func TestTiming(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	sleep := func(gap func(i int) float64, n int) []float64 {
		var starts []float64
		at := 1000.0
		for i := range n {
			starts = append(starts, at)
			at += gap(i)
		}
		return starts
	}
	for _, c := range []struct {
		name           string
		starts         []float64
		law            string
		period, jitter float64
		missed         int64
		profile        string
	}{
		{"fixed", sleep(func(int) float64 { return 60.3 }, 200), "fixed", 60.3, 0, 0, "Cobalt Strike's default: 60 s without jitter"},
		{"clock", sleep(func(int) float64 { return 300 }, 200), "clock", 300, 0, 0, ""},
		{"uniform", sleep(func(int) float64 { return 600 * (1 - 0.3*rng.Float64()) }, 300), "jittered", 510, 0.3, 0, ""},
		{"floor", sleep(func(int) float64 { return 100 + rng.ExpFloat64()*12 }, 400), "floor", 110, 0.28, 0, ""},
		{"missing", sleep(func(i int) float64 {
			if i%10 == 9 {
				return 180.6
			}
			return 60.2
		}, 200), "fixed", 60.2, 0, 38, "Cobalt Strike's default: 60 s without jitter"},
		{"30 s and up to 30 s", sleep(func(int) float64 { return 30.2 + 30*rng.Float64() }, 400), "jittered", 45, 0.49, 0, "Sliver's fall-back: 30 s and up to 30 s more"},
		{"10 s, 23 %", sleep(func(int) float64 { return 10.2 * (1 + 0.23*(2*rng.Float64()-1)) }, 400), "jittered", 10.2, 0.4, 0, "Mythic's HTTP profile: 10 s with 23 % jitter"},
	} {
		var k sketch
		var beats []Beat
		for _, s := range c.starts {
			b := Beat{Start: int64(s * float64(traffic.Second)), Sent: 1, Received: 1}
			k.add(b.Start)
			beats = append(beats, b)
		}
		var counts [scales]scaleCounts
		m := k.measure(&counts)
		got, _ := m.timing(beats, k.accepted[m.scale], nil)
		if got.Law != c.law || math.Abs(got.Period-c.period) > max(0.03*c.period, got.PeriodError) ||
			math.Abs(got.Jitter-c.jitter) > max(0.06, got.JitterError) || got.Missed != c.missed || got.Profile != c.profile {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestKinds checks findings of other kinds: a dead service that is tried with growing pauses, and a fast loop.
func TestKinds(t *testing.T) {
	t.Parallel()
	w := &world{}
	at := 0.0
	for range 12 {
		for gap := 8.0; gap <= 512; gap *= 2 {
			w.add("10.0.0.5", "198.51.100.7", 443, at, 66, 0).Kind = RecordDenied
			at += gap
		}
	}
	for i := range 300 {
		w.add("10.0.0.6", "198.51.100.8", 8080, float64(i), 66, 0).Kind = RecordDenied
	}
	for i := range 300 {
		w.add("198.51.100.9", "10.0.0.6", 25, float64(i*60), 66, 900)
	}
	want := map[string]Kind{"10.0.0.5": KindDeadService, "10.0.0.6": KindFastLoop, "198.51.100.9": KindOutside}
	out := judged(t, w.sessionsOf(t, nil, SorterOptions{Memory: 1 << 30}), 2)
	for _, c := range out.Channels {
		if want[c.Source] != c.Kind {
			t.Errorf("%s: %s, want %s", c.Source, c.Kind, want[c.Source])
		}
		delete(want, c.Source)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
}
