package beat

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"drumbeat/internal/traffic"
)

func newLive(maxChannels int) *Live {
	return NewLive(Rhythm{All: true}, NewSessions(SorterOptions{}, nil), maxChannels)
}

func liveResult(tb testing.TB, l *Live) *RhythmResult {
	tb.Helper()
	out, err := l.Result(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// stream feeds a world in order of time, in pieces that are cut and shuffled at random, with watermarks between.
func (w *world) stream(rng *rand.Rand, l *Live, after func()) {
	order := make([]int, len(w.sessions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(w.sessions[a].Start - w.sessions[b].Start) })
	for len(order) > 0 {
		n := min(len(order), 1+rng.IntN(900))
		piece := order[:n]
		rng.Shuffle(n, func(i, j int) { piece[i], piece[j] = piece[j], piece[i] })
		order = order[n:]
		for _, i := range piece {
			l.Observe(&w.names, &w.sessions[i])
		}
		if len(order) > 0 {
			l.Advance(w.sessions[order[0]].Start)
		}
		if after != nil {
			after()
		}
	}
	l.Advance(traffic.MaxTicks + 1)
}

// TestLiveCuts checks that order, cutting and restarts of a stream change nothing, and that what Run says of channels
// whose sessions a Live still has is what it says.
func TestLiveCuts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := randomWorld(rng)
		for i := range 3 { // some starts and some duplicates
			s := w.sessions[100*i]
			s.Kind, s.Sequence = RecordStart, uint64(1_000_000+i)
			w.sessions = append(w.sessions, s, w.sessions[100*i+50])
		}
		one := newLive(1 << 20)
		for i := range w.sessions {
			one.Observe(&w.names, &w.sessions[i])
		}
		one.Advance(traffic.MaxTicks + 1)
		want := liveResult(t, one)
		cut := newLive(1 << 20)
		w.stream(rng, cut, nil)
		if got := liveResult(t, cut); !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d, cut: %s", seed, firstDifference(got, want))
		}
		if want.Left.Paired != 3 || want.Left.Duplicates != 3 {
			t.Errorf("seed %d: %+v", seed, want.Left)
		}
		again := newLive(1 << 20)
		w.stream(rng, again, func() {
			if rng.IntN(3) > 0 {
				return
			}
			var buf bytes.Buffer
			if err := again.Snapshot(&buf); err != nil {
				t.Fatal(err)
			}
			back, err := RestoreLive(&buf, Rhythm{All: true}, NewSessions(SorterOptions{}, nil), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			*again = *back
		})
		if got := liveResult(t, again); !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d, restarted: %s", seed, firstDifference(got, want))
		}
		batch := judged(t, w.sessionsOf(t, rng, SorterOptions{Memory: 1 << 30}), 2)
		if a, b := rhythms(want), rhythms(batch); !reflect.DeepEqual(a, b) {
			t.Errorf("seed %d: a stream and a scan differ: %v, %v", seed, a, b)
		}
	}
}

// rhythms gives S of the channels whose view is the whole one, and their sessions.
func rhythms(r *RhythmResult) map[string]string {
	out := make(map[string]string)
	for _, c := range r.Channels {
		if c.View == ViewWhole && c.Kind == KindBeacon {
			out[fmt.Sprintf("%s %s %d", c.Source, c.Destination, c.Port)] = fmt.Sprintf("%.9f %d %d", c.Rhythm, c.Sessions, c.SentBytes)
		}
	}
	return out
}

// TestLiveMerge checks that shards by source merge to what one would have, and that blocks of time nearly do.
func TestLiveMerge(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	w := randomWorld(rng)
	one := newLive(1 << 20)
	w.stream(rng, one, nil)
	want := liveResult(t, one)

	shards := []*Live{newLive(1 << 20), newLive(1 << 20)}
	for i := range w.sessions {
		s := &w.sessions[i]
		shards[s.Src.IP[15]&1].Observe(&w.names, s)
	}
	for _, l := range shards {
		l.Advance(traffic.MaxTicks + 1)
	}
	shards[0].Merge(shards[1])
	if got := liveResult(t, shards[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("shards: %s", firstDifference(got, want))
	}

	blocks := []*Live{newLive(1 << 20), newLive(1 << 20)}
	border := day + 2*traffic.Hour
	for i := range w.sessions {
		l := blocks[0]
		if w.sessions[i].Start >= border {
			l = blocks[1]
		}
		l.Observe(&w.names, &w.sessions[i])
	}
	for _, l := range blocks {
		l.Advance(traffic.MaxTicks + 1)
	}
	blocks[1].Merge(blocks[0])
	got := liveResult(t, blocks[1])
	best, was := &got.Channels[0], &want.Channels[0]
	if best.Source != was.Source || best.Sessions != was.Sessions || best.Rhythm < 0.9*was.Rhythm {
		t.Errorf("blocks: %s S %v of %d, want %s S %v of %d", best.Source, best.Rhythm, best.Sessions, was.Source, was.Rhythm, was.Sessions)
	}
}

// TestLiveBounds checks the memory of channels, eviction and late sessions.
func TestLiveBounds(t *testing.T) {
	t.Parallel()
	full := unsafe.Sizeof(liveChannel{}) + unsafe.Sizeof(sketch{}) + liveBeats*unsafe.Sizeof(liveBeat{}) + liveWho*4
	if full > 1024 {
		t.Errorf("a channel takes %d bytes", full)
	}
	w := &world{}
	for i := range 5000 {
		w.add("10.0.0.5", fmt.Sprintf("198.51.%d.%d", i/250, i%250), 443, float64(i), 10, 10)
	}
	l := newLive(100)
	rng := rand.New(rand.NewPCG(1, 1))
	w.stream(rng, l, nil)
	if l.Channels() > 100 || l.Channels() < 90 || l.Gone().Evicted != int64(5000-l.Channels()) {
		t.Errorf("%d channels, %+v", l.Channels(), l.Gone())
	}
	if _, ok := l.channels[lastChannel(l)]; !ok {
		t.Error("the channel that was heard last is gone")
	}
	l.Observe(&w.names, &w.sessions[7])
	if l.Gone().Late != 1 {
		t.Errorf("a session that comes late: %+v", l.Gone())
	}
}

func lastChannel(l *Live) channelID {
	for k := range l.channels {
		if k.dst == 198<<24|51<<16|19<<8|249 {
			return k
		}
	}
	return channelID{}
}

func FuzzRestoreLive(f *testing.F) {
	w := randomWorld(rand.New(rand.NewPCG(1, 1)))
	w.sessions = w.sessions[:600]
	l := newLive(1 << 20)
	w.stream(rand.New(rand.NewPCG(2, 1)), l, nil)
	var buf bytes.Buffer
	if err := l.Snapshot(&buf); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, p []byte) {
		l, err := RestoreLive(bytes.NewReader(p), Rhythm{All: true}, NewSessions(SorterOptions{}, nil), 1<<20)
		if err != nil {
			return
		}
		liveResult(t, l)
		var out bytes.Buffer
		if err := l.Snapshot(&out); err != nil {
			t.Fatal(err)
		}
	})
}
