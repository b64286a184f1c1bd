package synth

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// smallTrial is made in a second.
func smallTrial(seed uint64) Trial { return Trial{Seed: seed, Background: 4000, Pollers: 120, Each: 1} }

func trialOf(t testing.TB, w Trial) []TrialChannel {
	t.Helper()
	channels, err := w.Channels()
	if err != nil {
		t.Fatal(err)
	}
	return channels
}

func TestTrialIsTheSameForTheSameSeed(t *testing.T) {
	same := func(a, b []TrialChannel) bool {
		return slices.EqualFunc(a, b, func(a, b TrialChannel) bool {
			return a.Source == b.Source && a.Destination == b.Destination && a.Port == b.Port && a.Truth == b.Truth && slices.Equal(a.Calls, b.Calls)
		})
	}
	a, b, c := trialOf(t, smallTrial(3)), trialOf(t, smallTrial(3)), trialOf(t, smallTrial(4))
	if !same(a, b) {
		t.Error("one seed gives two worlds")
	}
	if same(a, c) {
		t.Error("two seeds give one world")
	}
}

func TestTrialHoldsWhatItSays(t *testing.T) {
	count := make(map[string]int)
	settings := make(map[TrialTruth]bool)
	channels := trialOf(t, smallTrial(5))
	for i, c := range channels {
		if i > 0 {
			p := channels[i-1]
			if p.Source == c.Source && p.Destination == c.Destination && p.Port == c.Port {
				t.Errorf("%v %v %d stands there twice", c.Source, c.Destination, c.Port)
			}
		}
		if len(c.Calls) == 0 || !slices.IsSortedFunc(c.Calls, func(a, b Call) int { return int(a.Start) - int(b.Start) }) {
			t.Fatalf("%v %v: %d calls, out of order or none", c.Source, c.Destination, len(c.Calls))
		}
		for _, call := range c.Calls {
			if call.Start%1000 != 0 || int64(call.Start) >= trialSpan {
				t.Fatalf("a call starts at %d ms: want whole seconds of a week", call.Start)
			}
		}
		count[c.Truth.Class.String()]++
		if c.Truth.Class == Other {
			count[c.Truth.Kind]++
		}
		if c.Truth.Class == Malicious {
			settings[TrialTruth{Kind: c.Truth.Kind, Jitter: c.Truth.Jitter, Missing: c.Truth.Missing}] = true
		}
	}
	if n := count["malicious"]; n < 500 || n > 528 {
		t.Errorf("%d beacons, want 528 less a few without any check-in", n)
	}
	if len(settings) != 6*4*2 {
		t.Errorf("%d kinds of beacons, want 48", len(settings))
	}
	if n := count["benign_periodic"]; n < 100 || n > 120 {
		t.Errorf("%d harmless pollers, want 120 or nearly", n)
	}
	for kind, share := range map[string]float64{
		kindPoisson: 0.3, kindBrowsing: 0.3, kindOnOff: 0.1, kindKeepAlive: 0.1, kindHabit: 0.1, kindRenewal: 0.1,
	} {
		if got := float64(count[kind]) / 4000; math.Abs(got-share) > 0.05 {
			t.Errorf("%s is %.2f of the background, want %.1f", kind, got, share)
		}
	}
}

func TestTrialRefusesWhatCannotBe(t *testing.T) {
	for field, w := range map[string]Trial{
		"Background": {Background: 1}, "Pollers": {Background: 200, Pollers: -1}, "Each": {Background: 200, Each: 5000},
	} {
		_, err := w.Channels()
		var wrong *FieldError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%+v: %v, want an error about %s", w, err, field)
		}
	}
}

// TestCheckInsFollowTheLaw: every gap is a sleep from T(1-j) to T and a short time of work, or several where some are
// missed or the office is closed.
func TestCheckInsFollowTheLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth := TrialTruth{
			Kind: settingClean, Period: rapid.Float64Range(10, 7200).Draw(t, "period"), Jitter: rapid.Float64Range(0, 0.5).Draw(t, "jitter"),
		}
		d := newDice(rapid.Uint64().Draw(t, "seed"))
		beats := checkIns(d, &truth, span{0, int64(100 * truth.Period * 1000)})
		if len(beats) < 80 {
			t.Fatalf("%d check-ins in 100 periods", len(beats))
		}
		for i := 1; i < len(beats); i++ {
			gap := float64(beats[i]-beats[i-1]) / 1000
			if gap < truth.Period*(1-truth.Jitter)-0.01 || gap > truth.Period+3 {
				t.Fatalf("a gap of %v with period %v and jitter %v", gap, truth.Period, truth.Jitter)
			}
		}
		if truth.Beats != len(beats) || truth.MedianGap > truth.Period+3 || truth.MeanGap < truth.Period*(1-truth.Jitter)-0.01 {
			t.Fatalf("the truth says %+v", truth)
		}
	})
}

func TestKeepAliveHasAShortestGap(t *testing.T) {
	for seed := range uint64(200) {
		times := keepAlive(newDice(seed), span{0, day}, 300)
		shortest := int64(math.MaxInt64)
		for i := 1; i < len(times); i++ {
			shortest = min(shortest, times[i]-times[i-1])
		}
		if shortest < 5000 {
			t.Errorf("seed %d: a gap of %d ms", seed, shortest)
		}
	}
}

// TestGammaHasItsMoments: mean and variance of the law are both its shape.
func TestGammaHasItsMoments(t *testing.T) {
	for _, shape := range []float64{0.5, 1, 3} {
		d := newDice(11)
		const n = 100_000
		sum, squares := 0.0, 0.0
		for range n {
			x := d.gamma(shape)
			sum, squares = sum+x, squares+x*x
		}
		mean := sum / n
		if variance := squares/n - mean*mean; math.Abs(mean-shape) > 0.03*shape || math.Abs(variance-shape) > 0.08*shape {
			t.Errorf("shape %v: mean %v, variance %v", shape, mean, variance)
		}
	}
}

func TestOfficeBeaconsRestAtNight(t *testing.T) {
	truth := TrialTruth{Kind: settingOffice, Period: 60}
	for _, at := range checkIns(newDice(9), &truth, span{0, trialSpan}) {
		if h := at % day / hour; h < 8 || h >= 18 || at/day >= 5 {
			t.Fatalf("a check-in at hour %d of day %d", h, at/day)
		}
	}
	if truth.Beats < 5*10*55 {
		t.Errorf("%d check-ins in a week of offices", truth.Beats)
	}
}
