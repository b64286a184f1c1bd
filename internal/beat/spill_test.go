package beat

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"drumbeat/internal/traffic"
)

// randomBlock makes a block with values from all over their ranges.
func randomBlock(rng *rand.Rand) *block {
	n := &names{}
	for i := range 1 + rng.IntN(20) {
		n.who = append(n.who, whoText{strings.Repeat("d", rng.IntN(5)), strings.Repeat("u", i)})
		n.texts = append(n.texts, strings.Repeat("t", i*rng.IntN(30)))
	}
	pick := func(of ...int64) int64 { return of[rng.IntN(len(of))] }
	b := &block{names: n, rows: make([]row, rng.IntN(blockRows+1))}
	for i := range b.rows {
		r := row{
			time: pick(0, traffic.MaxTicks, start+rng.Int64N(1e12)), order: rng.Uint64() >> rng.IntN(64),
			sent: pick(traffic.Unknown, 0, 1<<53, rng.Int64N(1e6)), received: pick(traffic.Unknown, 0, math.MaxInt64, rng.Int64N(1e6)),
			src: rng.Uint32(), dst: rng.Uint32(), port: uint32(pick(0, 1, 444, 1<<16)), who: uint32(rng.IntN(len(n.who))),
		}
		if rng.IntN(3) == 0 {
			r.src, r.port = uint32(rng.IntN(len(n.texts))), r.port|srcIsText
		}
		if rng.IntN(3) == 0 {
			r.dst, r.port = uint32(rng.IntN(len(n.texts))), r.port|dstIsText
		}
		if rng.IntN(2) == 0 {
			r.port |= hasActivity
		}
		b.rows[i] = r
	}
	return b
}

// resolved is a row with its texts in place of codes.
type resolved struct {
	row      row
	who      whoText
	src, dst string
}

func resolve(b *block) []resolved {
	out := make([]resolved, len(b.rows))
	for i := range b.rows {
		r := b.rows[i]
		out[i] = resolved{who: b.names.who[r.who], src: b.names.source(&r), dst: b.names.destination(&r)}
		r.who = 0
		if r.port&srcIsText != 0 {
			r.src = 0
		}
		if r.port&dstIsText != 0 {
			r.dst = 0
		}
		out[i].row = r
	}
	return out
}

// TestBlocksComeBack encodes blocks and reads them back, by one decoder's memory.
func TestBlocksComeBack(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	back := &block{}
	for range 300 {
		b := randomBlock(rng)
		want := resolve(b)
		if err := decodeBlock(encodeBlock(b), back); err != nil {
			t.Fatal(err)
		}
		if got := resolve(back); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d rows came back otherwise than %d", len(got), len(want))
		}
	}
}

// TestRowsComeBack writes rows as runs hold them.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 1))
	var got runRow
	for range 50 {
		b := randomBlock(rng)
		for i, want := range resolve(b) {
			r := b.rows[i]
			in := bufio.NewReader(bytes.NewReader(b.names.appendRow(nil, &r)))
			if err := got.read(in); err != nil || in.Buffered() > 0 {
				t.Fatal(err, in.Buffered(), "bytes left")
			}
			n := &names{texts: []string{string(got.src), string(got.dst)}}
			back := got.row
			if back.port&srcIsText != 0 {
				back.src = 0
			}
			if back.port&dstIsText != 0 {
				back.dst = 1
			}
			have := resolve(&block{rows: []row{back}, names: &names{texts: n.texts, who: []whoText{{string(got.device), string(got.user)}}}})
			if !reflect.DeepEqual(have[0], want) {
				t.Fatalf("%+v came back as %+v", want, have[0])
			}
		}
	}
}

// TestDamagedBlocks finds that a block was cut, goes on, or refers to texts that are not there.
func TestDamagedBlocks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 1))
	back := &block{}
	for range 3 {
		enc := encodeBlock(randomBlock(rng))
		for n := range enc {
			if err := decodeBlock(enc[:n:n], back); !errors.Is(err, errSpill) {
				t.Fatalf("%d bytes of %d: error %v", n, len(enc), err)
			}
		}
		if err := decodeBlock(append(enc, 0), back); !errors.Is(err, errSpill) {
			t.Fatalf("one byte more: error %v", err)
		}
	}
	n := &names{who: make([]whoText, 2), texts: make([]string, 2)}
	for _, r := range []row{{who: 2}, {port: srcIsText, src: 2}, {port: dstIsText, dst: 2}} {
		if n.hold(&r) {
			t.Errorf("%+v refers to the third of two texts", r)
		}
	}
	for _, r := range []row{{who: 1}, {port: srcIsText, src: 1}, {port: dstIsText, dst: 1}, {src: 1 << 31, dst: 1 << 31}} {
		if !n.hold(&r) {
			t.Errorf("%+v refers to texts that are there", r)
		}
	}
}

// TestDamagedRuns finds that a file of runs was cut, at any byte.
func TestDamagedRuns(t *testing.T) {
	t.Parallel()
	n := &names{who: []whoText{{"fw", "me"}}}
	const bytes = fixedBytes + 6
	for cut := int64(0); cut <= 3*bytes; cut++ {
		f, err := newRunFile(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for at := range int64(2) {
			if err := f.add(n, []row{{time: at}, {time: at + 2}, {time: at + 4}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.f.Truncate(6*bytes - cut); err != nil {
			t.Fatal(err)
		}
		var got []int64
		err = f.merge(t.Context(), BySource, func(r *runRow) { got = append(got, r.time) })
		if whole := cut == 0; (err == nil) != whole || whole && !reflect.DeepEqual(got, []int64{0, 1, 2, 3, 4, 5}) {
			t.Fatalf("%d bytes cut off: rows %v, error %v", cut, got, err)
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzDecodeBlock reads blocks from any bytes, as a disk with a fault may give them: it never panics, takes memory in
// proportion to the bytes, and what it accepts can be used and written again.
func FuzzDecodeBlock(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 4 {
		f.Add(encodeBlock(randomBlock(rng)))
	}
	for _, s := range []string{"", "\x00\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x00\x00\xff\xff\xff\xff\x0f", "\x01\x00", "\x01\xff\xff\xff\xff\x7f"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, enc []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b := &block{}
		err := decodeBlock(enc, b)
		runtime.ReadMemStats(&after)
		// A row of 48 bytes takes 14 at least, a text of two words one; lists grow to twice their size on the way.
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<16+200*uint64(len(enc)) {
			t.Fatalf("%d bytes of memory for %d bytes", n, len(enc))
		}
		if err != nil {
			if !errors.Is(err, errSpill) {
				t.Fatalf("error %v, want %v", err, errSpill)
			}
			return
		}
		want := resolve(b)
		again := &block{}
		if err := decodeBlock(encodeBlock(b), again); err != nil {
			t.Fatal(err)
		}
		if got := resolve(again); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v came back as %+v", want, got)
		}
	})
}
