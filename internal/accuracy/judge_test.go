package accuracy

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/synth"
)

// plainWorld is a world of channels that have nothing but a truth.
func plainWorld(truths ...Truth) *World {
	w := &World{Name: "plain"}
	for i, t := range truths {
		t.order = i
		c := Channel{
			Source: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Destination: netip.MustParseAddr("198.51.100.7"), Port: 443, Truth: t,
		}
		n := max(t.Records, MinRecords)
		for k := range n {
			c.Sessions = append(c.Sessions, Session{Start: uint32(k) * 60_000, Protocol: 6})
		}
		w.Channels = append(w.Channels, c)
	}
	w.finish()
	return w
}

func implant(name string, records int, period float64) Truth {
	return Truth{
		Class: synth.Malicious, Group: name, Records: records, Period: period, Jitter: 0.2, Law: "minus", Setting: "plain", Right: []float64{period},
	}
}

func others(n int) []Truth { return slices.Repeat([]Truth{{Kind: "browsing"}}, n) }

// scored gives channels these scores, in the order of channels.
func scored(scores ...float64) (out []Scored) {
	for i, s := range scores {
		out = append(out, Scored{Channel: i, Score: s, Period: 60, Jitter: math.NaN(), P: math.NaN()})
	}
	return out
}

func TestRecallCountsImplantsAboveTheLine(t *testing.T) {
	// 2,000 others: 1e-3 lets two through, so that the third of them is the line; 1e-4 lets none.
	truths := append([]Truth{
		implant("a", 20, 60), implant("a", 9, 60), // one implant with two channels
		implant("b", 20, 60),
		implant("c", 7, 60), // too short to count
		{Class: synth.Harmless, Kind: "ntp", Records: 30, Right: []float64{64}},
	}, others(2000)...)
	w := plainWorld(truths...)
	list := scored(3, 9, 4, 99, 8, 10, 7, 4, 1)
	f := Judge(w, list)
	if f.Implants != 2 || f.Others != 2000 || f.Listed != 9 {
		t.Fatalf("implants %d, others %d, listed %d", f.Implants, f.Others, f.Listed)
	}
	if f.Line3 != 4 || f.Line4 != 10 {
		t.Errorf("lines are %v and %v, want 4 and 10", f.Line3, f.Line4)
	}
	if f.Recall3 != 0.5 || f.Recall4 != 0 {
		t.Errorf("recall %v and %v, want 0.5 (b only ties with the line) and 0", f.Recall3, f.Recall4)
	}
	// Two others stand above the line and use the share up.
	if f.Ties3 != 0.5 {
		t.Errorf("recall with ties shared %v, want 0.5", f.Ties3)
	}
	if f.Harmless3 != 1 {
		t.Errorf("harmless above the line %v, want 1", f.Harmless3)
	}
	// Of the nine, four are malicious: the short one counts here.
	if got, want := f.Precision[0], 4.0/20; got != want {
		t.Errorf("precision of the first 20 is %v, want %v", got, want)
	}
	if got, want := f.Periodic[0], 5.0/20; got != want {
		t.Errorf("periodic in the first 20 %v, want %v", got, want)
	}
	// Best places: a is third of all, b sixth or seventh by the toss of a coin.
	if f.MeanRank < 5 || f.MeanRank > 5.5 {
		t.Errorf("mean rank %v, want 5 or 5.5", f.MeanRank)
	}
}

func TestPrecisionIsTheMeanOverOrdersOfTies(t *testing.T) {
	truths := []Truth{implant("a", 20, 60), implant("b", 20, 60)}
	truths = append(truths, others(38)...)
	scores := make([]float64, 40) // all alike: 2 of 40 are right, whatever the order
	f := Judge(plainWorld(truths...), scored(scores...))
	if want := 2.0 / 40; math.Abs(f.Precision[0]-want) > 1e-12 {
		t.Errorf("precision of the first 20 is %v, want %v", f.Precision[0], want)
	}
	if want := 2.0 / 50; math.Abs(f.Precision[1]-want) > 1e-12 {
		t.Errorf("precision of the first 50 is %v, want %v: what is not listed is no hit", f.Precision[1], want)
	}
}

func TestWhatIsNotListedIsBelowAll(t *testing.T) {
	truths := append([]Truth{implant("a", 20, 60), implant("b", 20, 60)}, others(5000)...)
	f := Judge(plainWorld(truths...), scored(1))
	if f.Recall3 != 0.5 || f.Recall4 != 0.5 || !math.IsInf(f.Line3, -1) {
		t.Errorf("recall %v and %v, line %v", f.Recall3, f.Recall4, f.Line3)
	}
	// 1e-3 lets five through: the sixth is the line even where it is the last that is listed.
	six := Judge(plainWorld(truths...), scored(3, 2, 9, 8, 7, 6, 5, 4))
	if six.Line3 != 4 || six.Recall3 != 0 {
		t.Errorf("line %v and recall %v, want 4 and 0", six.Line3, six.Recall3)
	}
	if want := float64(1+5000) / 2; f.MeanRank != want {
		t.Errorf("mean rank %v, want %v", f.MeanRank, want)
	}
	if none := Judge(plainWorld(truths...), nil); none.Recall3 != 0 || none.Precision[0] != 0 {
		t.Errorf("an empty list finds %v", none.Recall3)
	}
}

func TestErrorsOfPeriodAndJitter(t *testing.T) {
	truths := []Truth{implant("a", 20, 100), implant("b", 20, 100), implant("c", 20, 100), implant("d", 20, 100), implant("e", 20, 100)}
	truths[1].Right = []float64{100, 80}
	truths[4].Law = "grid"
	w := plainWorld(truths...)
	list := scored(9, 8, 7, 6, 5)
	for i, p := range []float64{105, 80, 200, math.NaN(), 115} {
		list[i].Period = p
	}
	list[0].Jitter, list[4].Jitter = 30, 0.9 // 30 is in percent; a grid has no jitter to be wrong about
	e := Judge(w, list).Errors
	if e.PeriodMissing != 1 || e.Within10 != 0.5 || e.Within25 != 0.75 || e.Harmonic != 0.25 {
		t.Errorf("errors of the period: %+v", e)
	}
	if math.Abs(e.JitterMedian-0.1) > 1e-12 {
		t.Errorf("error of the jitter %v, want 0.1", e.JitterMedian)
	}
}

func TestShippedThreshold(t *testing.T) {
	truths := append([]Truth{implant("a", 20, 60), implant("b", 20, 60), {Class: synth.Harmless, Records: 9}}, others(10)...)
	list := scored(9, 8, 7, 6, 5)
	list[0].Alarm, list[2].Alarm, list[3].Alarm = true, true, true
	s := Judge(plainWorld(truths...), list).Shipped
	if s != (Shipped{Recall: 0.5, FalseShare: 0.1, Harmless: 1, Alarms: 3}) {
		t.Errorf("%+v", s)
	}
}

func TestBreakdownAddsUp(t *testing.T) {
	truths := append([]Truth{implant("a", 20, 60), implant("b", 200, 7200), implant("c", 20, 20)}, others(3000)...)
	truths[1].Setting = "fronted"
	f := Judge(plainWorld(truths...), scored(5, 4, 3, 4.5, 3.5, 3.2, 3.1))
	for _, b := range f.Breakdown {
		n, found := 0, 0.0
		for _, c := range b.Rows {
			n += c.N
			found += float64(c.N) * c.Recall3
		}
		if n != f.Implants || math.Abs(found-f.Recall3*float64(n)) > 1e-9 {
			t.Errorf("by %s: %d implants of which %v are found, want %d and %v", b.Property, n, found, f.Implants, f.Recall3*float64(n))
		}
	}
}

// TestJudgeProperties: the order of the list says nothing; only the order of scores does, not their size; unlisted and
// minus infinity are the same; a better place of an implant never makes recall worse.
func TestJudgeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var truths []Truth
		for i := range rapid.IntRange(1, 6).Draw(t, "implants") {
			truths = append(truths, implant(fmt.Sprint("g", i/2), rapid.IntRange(5, 40).Draw(t, "records"), 60))
		}
		truths = append(truths, Truth{Class: synth.Harmless, Records: 20})
		truths = append(truths, others(rapid.IntRange(1, 30).Draw(t, "others"))...)
		w := plainWorld(truths...)
		w.Others = 1500 // so that 1e-3 lets one through
		scores := rapid.SliceOfN(rapid.IntRange(0, 9), len(truths), len(truths)).Draw(t, "scores")
		var list, stretched []Scored
		for i, s := range scores {
			if s > 0 {
				list = append(list, Scored{Channel: i, Score: float64(s)})
				stretched = append(stretched, Scored{Channel: i, Score: math.Exp(float64(s))})
			}
		}
		a := Judge(w, list)
		slices.Reverse(list)
		list = append(list, Scored{Channel: 0, Score: math.Inf(-1)})[:len(list)]
		b, c := Judge(w, list), Judge(w, stretched)
		for _, other := range []*Figures{b, c} {
			if a.Recall3 != other.Recall3 || a.Ties3 != other.Ties3 || a.Precision != other.Precision || a.MeanRank != other.MeanRank ||
				a.AveragePrecision != other.AveragePrecision || a.Recall4 != other.Recall4 {
				t.Fatalf("the same list gives %+v and %+v", a, other)
			}
		}
		for i := range list {
			if w.Channels[list[i].Channel].Truth.Class == synth.Malicious {
				list[i].Score += 3
				break
			}
		}
		if better := Judge(w, list); better.Recall3 < a.Recall3 || better.Ties3 < a.Ties3-1e-12 {
			t.Fatalf("a better place makes recall %v of %v", better.Recall3, a.Recall3)
		}
	})
}
