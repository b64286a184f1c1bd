package synth

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBeaconPrintsAsItParses(t *testing.T) {
	from := Default().From
	rapid.Check(t, func(r *rapid.T) {
		b := NewBeacon()
		b.Period = time.Duration(rapid.IntRange(1, 100_000).Draw(r, "s")) * time.Second
		b.Law = rapid.SampledFrom([]Law{Around, Below, Gauss}).Draw(r, "law")
		b.Jitter = rapid.Float64Range(0.01, 0.9).Draw(r, "jitter")
		b.Miss = rapid.Float64Range(0, 0.95).Draw(r, "miss")
		b.Spread = rapid.Float64Range(0, 3).Draw(r, "spread")
		b.Start = time.Duration(rapid.IntRange(0, 1000).Draw(r, "start")) * time.Minute
		b.Burst = rapid.IntRange(1, 100).Draw(r, "burst")
		b.Office, b.Blocked, b.Benign = rapid.Bool().Draw(r, "o"), rapid.Bool().Draw(r, "bl"), rapid.Bool().Draw(r, "be")
		b.Port = rapid.Uint16Min(1).Draw(r, "port")
		b.Host = rapid.SampledFrom([]string{Quiet, Busy}).Draw(r, "host")
		b.Name = rapid.SampledFrom([]string{"", "a name", "x=y"}).Draw(r, "name")
		if rapid.Bool().Draw(r, "to") {
			b.Dst = netip.AddrFrom4([4]byte{203, 0, 113, 9})
		}
		got, err := ParseBeacon(b.String(), from)
		if err != nil || got != b {
			r.Fatalf("%s\nbecame %s: %v", b, got, err)
		}
	})
	for _, b := range Beacons(40) {
		if err := b.validate(24 * time.Hour); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
}

func TestParseBeaconSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"periode=3s":     `key is "periode"; allowed: period, jitter`,
		"":               `key is ""; allowed`,
		"period=3":       `period is "3"; allowed: a duration`,
		"jitter=x":       `jitter is "x"; allowed: a number`,
		"law=normal":     `law is "normal"; allowed: fixed, around, below, gauss`,
		"size=400":       `size is "400"; allowed: SENT/RECEIVED`,
		"port=70000":     `port is "70000"; allowed: 1 to 65535`,
		"dst=home":       `dst is "home"; allowed: an IPv4`,
		"start=tomorrow": `start is "tomorrow"; allowed: a time such as`,
		"office=maybe":   `office is "maybe"; allowed: nothing, true`,
	} {
		_, err := ParseBeacon(text, time.Time{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestGapsFollowTheLaw(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := channel{
			period: float64(rapid.IntRange(1000, 10_000_000).Draw(r, "ms")),
			jitter: rapid.Float64Range(0, 0.9).Draw(r, "jitter"),
			law:    rapid.SampledFrom([]Law{Fixed, Around, Below, Gauss}).Draw(r, "law"),
		}
		d := newDice(rapid.Uint64().Draw(r, "seed"))
		low, high, mean, sum := c.period*(1-c.jitter), c.period*(1+c.jitter), c.period, 0.0
		switch c.law {
		case Fixed:
			low, high = mean, mean
		case Below:
			high, mean = c.period, c.period*(1-c.jitter/2)
		case Gauss:
			low, high = max(c.period*(1-3*c.jitter), c.period/10), c.period*(1+3*c.jitter)
		case Around:
		}
		const n = 2000
		for range n {
			g := float64(c.gap(d))
			if g < low-1 || g > high+1 {
				r.Fatalf("a gap of %g, allowed %g to %g", g, low, high)
			}
			sum += g
		}
		if c.law != Gauss && math.Abs(sum/n-mean) > 5*(high-low)/math.Sqrt(12*n)+1 {
			r.Errorf("mean %g, want %g", sum/n, mean)
		}
	})
}

func TestSlotsSort(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		span := rapid.Int64Range(1, 200_000).Draw(r, "span")
		s := newSlots(1000, 1000+span, rapid.Int64Range(1, 100_000).Draw(r, "quantum"))
		d := newDice(rapid.Uint64().Draw(r, "seed"))
		var want, got []record
		emit := func(rec *record) error { got = append(got, *rec); return nil }
		now := int64(0)
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			for range rapid.IntRange(0, 9000).Draw(r, "n") {
				rec := record{seen: 1000 + now + d.Int64N(span-now), key: d.Uint64N(5), kind: kind(d.IntN(4))}
				rec.key |= uint64(len(want)) << 8
				want = append(want, rec)
				s.put(&rec)
			}
			now += d.Int64N(span-now+1) / 2
			if err := s.drain(1000+now, emit); err != nil {
				r.Fatal(err)
			}
		}
		if err := s.drain(1000+span, emit); err != nil {
			r.Fatal(err)
		}
		slices.SortFunc(want, func(a, b record) int { return a.compare(&b) })
		if !slices.Equal(got, want) {
			r.Errorf("%d records came out, %d went in, or in another order", len(got), len(want))
		}
	})
}

func TestScheduleAddsUp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from := int64(1_772_000_000_000)
		span := rapid.Int64Range(minute, 20*day).Draw(r, "span")
		allowed := float64(rapid.IntRange(0, 3_000_000).Draw(r, "allowed"))
		s := newSchedule(from, from+span, allowed, allowed/10, 5, 0)
		sum, before := 0, 0
		for i, q := range s.budget {
			if q.allowed < 0 || q.blocked < 0 || q.people < 0 || q.people > 1 {
				r.Fatalf("quantum %d: %+v", i, q)
			}
			if s.begin+int64(i+1)*s.length <= from-meanLead {
				before += q.allowed
			}
			sum += q.allowed
		}
		if end := s.begin + int64(len(s.budget))*s.length; end < from+span || end-s.length >= from+span {
			r.Errorf("quanta end at %d, the log at %d", end, from+span)
		}
		if span > day && math.Abs(float64(sum-before)-allowed) > allowed*0.02+2 {
			r.Errorf("%d records for the log, want %g", sum-before, allowed)
		}
	})
}

func TestAliasDrawsByWeight(t *testing.T) {
	weights := []float64{1, 0, 5, 2.5, 100, 0.5}
	a, d := newAlias(weights), newDice(1)
	seen := make([]float64, len(weights))
	const n = 200_000
	for range n {
		seen[a.draw(d)]++
	}
	for i, w := range weights {
		if want := n * w / 109; math.Abs(seen[i]-want) > 5*math.Sqrt(want)+1 {
			t.Errorf("%g was drawn %g times, want %g", w, seen[i], want)
		}
	}
}

func TestAddresses(t *testing.T) {
	special := []netip.Prefix{}
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/16",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	} {
		special = append(special, netip.MustParsePrefix(p))
	}
	w := Default()
	w.Machines = 20_000
	c := newCompany(w)
	seen := map[uint32]bool{}
	add := func(a uint32, outside bool) {
		if seen[a] {
			t.Errorf("%s is there twice", addrText(a))
		}
		seen[a] = true
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], a)
		for _, p := range special {
			if outside && p.Contains(netip.AddrFrom4(b)) {
				t.Errorf("%s is not public", addrText(a))
			}
		}
	}
	for i := range c.dests {
		add(c.dests[i].addr, true)
	}
	for i := range c.hosts {
		h := &c.hosts[i]
		if h.role != outside && !private(h.addr) {
			t.Errorf("%s is not private", addrText(h.addr))
		}
		add(h.addr, h.role == outside)
	}
}

func TestOfficeTime(t *testing.T) {
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	for _, c := range []struct{ from, to, want int64 }{
		{monday, monday + day, 10 * hour},
		{monday, monday + 7*day, 50 * hour},
		{monday + 9*hour, monday + 10*hour, hour},
		{monday + 17*hour, monday + day + 9*hour, 2 * hour},
		{monday + 5*day, monday + 7*day, 0},
		{monday - 2*day, monday + 8*hour, 0},
	} {
		if got := officeTime(c.from, c.to); got != c.want {
			t.Errorf("%d to %d: %d h, want %d h", (c.from-monday)/hour, (c.to-monday)/hour, got/hour, c.want/hour)
		}
	}
}
