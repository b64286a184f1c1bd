package accuracy

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/synth"
)

// channelOf makes a channel from gaps in seconds.
func channelOf(gaps ...float64) *Channel {
	c := &Channel{Source: netip.MustParseAddr("10.0.0.1"), Destination: netip.MustParseAddr("203.0.113.1"), Port: 443}
	at := 1000.0
	for i := range len(gaps) + 1 {
		c.Sessions = append(c.Sessions, Session{Start: uint32(at * 1000), Sent: 500, Received: 900, Protocol: 6})
		if i < len(gaps) {
			at += gaps[i]
		}
	}
	return c
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func must(t *testing.T, s Scored, ok bool) Scored {
	t.Helper()
	if !ok {
		t.Fatal("the method says nothing of the channel")
	}
	return s
}

func TestModalShare(t *testing.T) {
	// 60, 60, 61 and 59 lie within a second of 60; 3 s gaps are bursts, however many.
	s, ok := modalShare(nil, channelOf(60, 61, 3, 3, 3, 59, 60, 200))
	s = must(t, s, ok)
	near(t, "share", s.Score, 50)
	near(t, "period", s.Period, 60)
	if s.Alarm {
		t.Error("half is not more than 90 %")
	}
	if _, ok := modalShare(nil, channelOf(0, 0, 0, 0, 60, 60)); ok {
		t.Error("two gaps that are not 0 are too few")
	}
}

func TestVariation(t *testing.T) {
	s, ok := variation(nil, channelOf(10, 20, 0, 10, 20))
	s = must(t, s, ok)
	near(t, "score", s.Score, 100*(1-5.0/15))
	near(t, "period", s.Period, 15)
	if s.Alarm {
		t.Error("a third is not under 0.2")
	}
	if s, _ := variation(nil, channelOf(10, 11, 10, 11)); !s.Alarm {
		t.Error("a twentieth is under 0.2")
	}
}

func TestGammaTellsRegularFromMemoryless(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	var regular, random []float64
	for range 200 {
		regular = append(regular, 60*(1-0.3*d.Float64()))
		random = append(random, 60*d.ExpFloat64())
	}
	a, ok := gammaRatio(nil, channelOf(regular...))
	a = must(t, a, ok)
	// A uniform law from 0.7 to 1 has a shape near (0.85)²/(0.3²/12) = 96.
	if a.Score < 70 || math.Abs(a.Jitter-1/math.Sqrt(96)) > 0.02 || math.Abs(a.Period-51) > 2 {
		t.Errorf("regular gaps give %+v", a)
	}
	if b, ok := gammaRatio(nil, channelOf(random...)); ok && b.Score > 15 {
		t.Errorf("memoryless gaps give %+v", b)
	}
}

func TestRITAStatistic(t *testing.T) {
	// Quartiles 20 and 60 around 30: skewness (20+60-60)/40; distances 20 10 0 30 40, median 20.
	s := ritaStatistic([]float64{10, 20, 30, 60, 70}, 1)
	low, high := 15.0, 65.0
	near(t, "score", s.score, (1-math.Abs((low+high-60)/(high-low))+(30.0-20)/30)/2)
	near(t, "middle", s.middle, 30)
	near(t, "spread", s.spread, 20)
	near(t, "score of equal sizes", ritaStatistic([]float64{5, 5, 5, 5}, 0).score, 1)
	near(t, "score of nothing at all", ritaStatistic([]float64{0, 0, 0, 0}, 0).score, 0.5)
	near(t, "the same by its other default", ritaStatistic([]float64{0, 0, 0, 0}, 1).score, 1)
	// Quartiles less than ten apart have no skewness.
	near(t, "score of narrow quartiles", ritaStatistic([]float64{10, 10, 11, 18, 18}, 1).score, (1+10.0/11)/2)
}

func TestRITAHistogram(t *testing.T) {
	w := &World{First: 0, Last: 24 * 3600 * 1000}
	even := &Channel{}
	for h := range 24 {
		even.Sessions = append(even.Sessions, Session{Start: uint32(h*3600+10) * 1000})
	}
	histogram, duration := ritaHistogram(w, even)
	near(t, "histogram of an even day", histogram, 1)
	near(t, "duration of an even day", duration, 1)
	night := &Channel{Sessions: even.Sessions[:5]}
	if _, duration := ritaHistogram(w, night); duration != 0 {
		t.Errorf("duration of five hours is %v, want 0", duration)
	}
	morning := &Channel{Sessions: even.Sessions[:9]}
	if _, duration := ritaHistogram(w, morning); duration != 9.0/12 {
		t.Errorf("duration of nine hours in a row is %v, want 0.75", duration)
	}
	// Twelve bars of 2 and of 9 in turn: two levels, one bar may be an outlier.
	bars := make([]float64, 24)
	for i := range bars {
		bars[i] = []float64{2, 9}[i%2]
	}
	near(t, "two levels", ritaTwoLevels(bars, 24, 9), 1)
	near(t, "too few bars", ritaTwoLevels(bars, 10, 9), 0)
}

func TestFourierFindsAWave(t *testing.T) {
	const n, k = 256, 13
	x := make([]complex128, n)
	for i := range x {
		x[i] = complex(math.Cos(2*math.Pi*k*float64(i)/n), 0)
	}
	fourier(x)
	for i := range x {
		want := 0.0
		if i == k || i == n-k {
			want = n / 2
		}
		if math.Abs(real(x[i])-want) > 1e-9 || math.Abs(imag(x[i])) > 1e-9 {
			t.Fatalf("bin %d is %v, want %v", i, x[i], want)
		}
	}
}

func TestSpectrum(t *testing.T) {
	d := rand.New(rand.NewPCG(3, 4))
	var random []float64
	for range 300 {
		random = append(random, 60*d.ExpFloat64())
	}
	clock, ok := spectrum(nil, channelOf(slices.Repeat([]float64{60}, 300)...))
	clock = must(t, clock, ok)
	noise, ok := spectrum(nil, channelOf(random...))
	noise = must(t, noise, ok)
	if clock.Score < noise.Score+0.5 {
		t.Errorf("a clock gives %v, noise %v", clock.Score, noise.Score)
	}
	if harmonic := 60 / clock.Period; math.Abs(harmonic-math.Round(harmonic)) > 0.02 {
		t.Errorf("the period is %v, want 60 or a part of it", clock.Period)
	}
}

func TestFortinetRule(t *testing.T) {
	regular := slices.Repeat([]float64{900, 800, 1000}, 5)
	s, ok := fortinet(nil, channelOf(regular...))
	if s = must(t, s, ok); !s.Alarm || math.Abs(s.Period-900) > 20 {
		t.Errorf("quarters of an hour: %+v", s)
	}
	// A long break is an outlier, which the mean replaces; that holds the break, so that a whole night would still spoil it.
	withNight := slices.Concat(regular, []float64{10_000}, regular)
	if s, ok := fortinet(nil, channelOf(withNight...)); !ok || !s.Alarm {
		t.Errorf("with a night: %+v", s)
	}
	if s, _ := fortinet(nil, channelOf(slices.Repeat([]float64{300}, 50)...)); s.Alarm {
		t.Error("a period under 600 s is left out by the rule")
	}
	if _, ok := fortinet(nil, channelOf(900, 900, 900, 900)); ok {
		t.Error("four gaps are not more than four")
	}
	inside := channelOf(regular...)
	inside.Destination = netip.MustParseAddr("10.9.9.9")
	if _, ok := fortinet(nil, inside); ok {
		t.Error("the rule leaves private destinations out")
	}
	failed := channelOf(regular...)
	for i := range failed.Sessions {
		failed.Sessions[i].Failed = true
	}
	if _, ok := fortinet(nil, failed); ok {
		t.Error("the rule leaves denied sessions out")
	}
}

func TestOutliers(t *testing.T) {
	// Percentiles 10 and 90 of 0 to 10 are 1 and 9: 1.5/2.77 of their distance is 4.33 beyond.
	v := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if slices.Contains(outliers(v), true) {
		t.Error("an even row has no outliers")
	}
	v[10] = 40
	if got := outliers(v); !got[10] || slices.Contains(got[:10], true) {
		t.Errorf("outliers %v, want the last alone", got)
	}
}

func TestElastic(t *testing.T) {
	minute := channelOf(slices.Repeat([]float64{60}, 300)...)
	s, ok := elastic(nil, minute)
	if s = must(t, s, ok); !s.Alarm || s.Score < 2.5 {
		t.Errorf("a minute's beacon of one size: %+v", s)
	}
	slow := channelOf(slices.Repeat([]float64{1080}, 18)...)
	if s, ok = elastic(nil, slow); !ok || !s.Alarm || math.Abs(s.Period-1080) > 108 {
		t.Errorf("eighteen minutes: %+v", s)
	}
	d := rand.New(rand.NewPCG(5, 6))
	for i := range slow.Sessions {
		slow.Sessions[i].Sent, slow.Sessions[i].Received = uint32(d.IntN(9000)), uint32(d.IntN(9000))
	}
	if s, _ = elastic(nil, slow); s.Alarm {
		t.Error("bytes that vary are no full score")
	}
}

func TestFlare(t *testing.T) {
	// Around 60: 58, 60, 60, 62 and 63, that is five of ten.
	s, ok := flare(nil, channelOf(60, 58, 62, 60, 63, 1, 1, 1, 500, 900))
	s = must(t, s, ok)
	near(t, "share", s.Score, 50)
	if !s.Alarm || s.Period != 60 {
		t.Errorf("%+v", s)
	}
	if _, ok := flare(nil, channelOf(60, 60, 60, 60, 60, 60, 60, 60)); ok {
		t.Error("nine sessions are under ten")
	}
}

// TestFoundingRuleOnAChannel: 40 gaps of exactly a minute within an hour are found by channel, and by source unless the
// machine talks to someone else in between.
func TestFoundingRuleOnAChannel(t *testing.T) {
	w := &World{From: synth.TrialFrom()}
	c := channelOf(slices.Repeat([]float64{60}, 40)...)
	w.Channels = []Channel{*c}
	for _, busy := range []bool{false, true} {
		if busy {
			other := channelOf(slices.Repeat([]float64{60}, 40)...)
			other.Destination = netip.MustParseAddr("203.0.113.2")
			for i := range other.Sessions {
				other.Sessions[i].Start += 30_000 + uint32(i%7)*1000
			}
			w.Channels = append(w.Channels, *other)
		}
		w.finish()
		bySource, err := founding{bySource: true}.Score(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		byChannel, err := founding{}.Score(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		if len(byChannel) == 0 || byChannel[0].Channel != 0 || byChannel[0].Period != 60 || byChannel[0].Score != 100 {
			t.Errorf("busy %v: by channel %+v", busy, byChannel)
		}
		if found := len(bySource) > 0; found == busy {
			t.Errorf("busy %v: by source %+v", busy, bySource)
		}
	}
}

// TestPeersTakeAnything: no gaps make a peer panic or give a score that is no number, and a shift in time changes no score
// but those that cut days or windows.
func TestPeersTakeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0, 5), rapid.Float64Range(0, 90_000), rapid.Just(60.0)), 7, 40).Draw(t, "gaps")
		c := channelOf(gaps...)
		w := &World{From: synth.TrialFrom(), Channels: []Channel{*c}}
		w.finish()
		later := *c
		later.Sessions = slices.Clone(c.Sessions)
		shift := uint32(rapid.IntRange(1, 50_000).Draw(t, "shift")) * 1000
		for i := range later.Sessions {
			later.Sessions[i].Start += shift
		}
		moved := &World{From: w.From, Channels: []Channel{later}}
		moved.finish()
		for _, m := range Peers() {
			list, err := m.Score(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			again, err := m.Score(t.Context(), moved)
			if err != nil {
				t.Fatal(err)
			}
			cuts := m.Name() == "Fortinet rule" || m.Name() == "Elastic" || len(m.Name()) > 8 && m.Name()[:8] == "founding"
			for i, s := range list {
				if math.IsNaN(s.Score) {
					t.Fatalf("%s: no number for %v", m.Name(), gaps)
				}
				if !cuts && (len(again) != len(list) || math.Abs(again[i].Score-s.Score) > 1e-6) {
					t.Fatalf("%s: %v gives %v, and %v later %v", m.Name(), gaps, s.Score, shift, again)
				}
			}
		}
	})
}
