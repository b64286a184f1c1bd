package beat

import (
	"fmt"
	"math"
	"slices"

	"drumbeat/internal/traffic"
)

// Timing is the law of a channel's pauses, read off the starts themselves.
type Timing struct {
	// Law is a word for it: "clock" keeps to a fixed grid, "fixed" sleeps the same time after its work, "jittered"
	// sleeps a random time between two bounds, "floor" waits a least time and then a random one; empty where there
	// are too few pauses to say.
	Law string
	// Period is the mean of the pauses in the window, in seconds, and PeriodError half the width of its 95 % interval.
	Period, PeriodError float64
	// Jitter is 1 less the ratio of the 3 % and the 97 % point of those pauses, and JitterError the same for it.
	Jitter, JitterError float64
	// Low and High are these points, in seconds: the reading "sleep High, jitter Jitter".
	Low, High float64
	// WindowLow and WindowHigh are the window of the scan in seconds, GapsInWindow of Gaps pauses are in it.
	WindowLow, WindowHigh uint32
	Gaps, GapsInWindow    uint32
	// DeadTime is that of the scale, in seconds: starts closer than it count as one.
	DeadTime uint32
	// Beats is the number of starts so counted, Missed how many more a period without a break would have had; longer
	// pauses count as breaks.
	Beats, Missed int64
	// Profile names a setting of a known implant that this resembles, or is empty.
	Profile string
}

const (
	// lawGaps is how many of the last pauses a law is read from.
	lawGaps = 1024
	// missedMost is the longest pause, in periods, whose missing beats are counted.
	missedMost = 5.5
)

// timing reads the law of the sessions of a view; beats are its last ones.
func (m *measure) timing(beats []Beat, accepted uint32, gaps []float64) (Timing, []float64) {
	dead := float64(deadTime(m.scale))
	t := Timing{DeadTime: deadTime(m.scale), Beats: int64(accepted), Gaps: m.scan.n, GapsInWindow: m.scan.inside}
	lo, hi := m.median/1.5, m.median*1.5
	if m.scan.scale >= 0 {
		t.WindowLow, t.WindowHigh = m.scan.lo, m.scan.hi
		lo, hi = float64(m.scan.lo)-0.5, float64(m.scan.hi)+0.5
	}
	all := acceptedGaps(beats, dead, gaps[:0])
	in := make([]float64, 0, len(all))
	for _, g := range all {
		if g >= lo && g <= hi {
			in = append(in, g)
		}
	}
	if len(in) < 2 {
		t.Period = m.median
		return t, all
	}
	t.describe(in)
	for _, g := range all {
		if g > hi && g < missedMost*t.Period {
			t.Missed += int64(math.Round(g/t.Period)) - 1
		}
	}
	t.Law = t.word(in, all)
	t.Profile = t.profile()
	return t, all
}

// acceptedGaps appends the last gaps after the dead time, in seconds.
func acceptedGaps(beats []Beat, dead float64, out []float64) []float64 {
	if len(beats) == 0 {
		return out
	}
	last := beats[0].Start / traffic.Second * traffic.Second
	for _, b := range beats[1:] {
		// The scan sees whole seconds.
		sec := b.Start / traffic.Second * traffic.Second
		if g := float64(sec-last) / float64(traffic.Second); g >= dead {
			out = append(out, g)
			last = sec
		}
	}
	return out[max(0, len(out)-lawGaps):]
}

func (t *Timing) describe(in []float64) {
	n := float64(len(in))
	var sum, squares float64
	for _, g := range in {
		sum += g
	}
	t.Period = sum / n
	for _, g := range in {
		squares += (g - t.Period) * (g - t.Period)
	}
	// Whole seconds leave an error of 1/sqrt(12) a gap.
	sd := math.Sqrt(squares/max(n-1, 1) + 1.0/12)
	t.PeriodError = 1.96 * sd / math.Sqrt(n)
	sorted := slices.Clone(in)
	slices.Sort(sorted)
	t.Low, t.High = point(sorted, 0.03), point(sorted, 0.97)
	if t.High <= 0 {
		return
	}
	t.Jitter = 1 - t.Low/t.High
	// For a uniform law the ends of n values lie about 2/(n+1) of the range inside its own; a second of the clock
	// adds to that.
	t.JitterError = min(1, 2*t.Jitter*2/(n+1)+1/t.High)
}

// point gives the value below which a share of sorted values lie, linear between them.
func point(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// lawLeast is the number of pauses from which on a law is named.
const lawLeast = 6

// word names the law.
func (t *Timing) word(in, all []float64) string {
	if len(in) < lawLeast {
		return ""
	}
	spread := t.High - t.Low
	if spread <= max(2, 0.05*t.Period) {
		if t.onGrid(all) {
			return "clock"
		}
		return "fixed"
	}
	sorted := slices.Clone(in)
	slices.Sort(sorted)
	// The median of a uniform law lies in the middle of its range, that of a floor with a random wait near its foot.
	if (point(sorted, 0.5)-t.Low)/spread < 0.3 {
		return "floor"
	}
	return "jittered"
}

// gridLeast is the number of pauses from which on a clock is told from a sleep, for which their sum wanders: by about
// 1.6 sqrt(n) standard deviations of a pause, which is 8 for 25.
const gridLeast = 25

// onGrid reports whether the starts keep to a grid of whole seconds: after many periods they are no further off than
// after one, which a sleeping client's are not.
func (t *Timing) onGrid(all []float64) bool {
	period := math.Round(t.Period)
	if len(all) < gridLeast || period < 1 {
		return false
	}
	var off, least, most, squares float64
	for _, g := range all {
		d := math.Remainder(g-period, period)
		off = math.Remainder(off+d, period)
		least, most = min(least, off), max(most, off)
		squares += d * d
	}
	return most-least <= 2+3*math.Sqrt(squares/float64(len(all)))
}

// profiles are settings of implants that are public, by the window of their sleeps in seconds (detector.md 4).
var profiles = []struct {
	name      string
	low, high float64
}{
	{"Cobalt Strike's default: 60 s without jitter", 60, 60},
	{"Sliver's fall-back: 30 s and up to 30 s more", 30, 60},
	{"Mythic's HTTP profile: 10 s with 23 % jitter", 7.7, 12.3},
}

// profile gives the setting that the law resembles. A check-in takes a while, so sleeps look up to two seconds and 5 %
// longer than they are set.
func (t *Timing) profile() string {
	if t.Gaps < lawLeast {
		return ""
	}
	near := func(v, want float64) bool { return v > want-1.5 && v < want*1.05+2 }
	for _, p := range profiles {
		if near(t.Low, p.low) && near(t.High, p.high) {
			return p.name
		}
	}
	return ""
}

// Text says the law in both readings: as a sleep with jitter and as a mean with a spread.
func (t *Timing) Text() string {
	if t.High == 0 {
		return fmt.Sprintf("about every %s", spanText(t.Period))
	}
	return fmt.Sprintf("sleep %s, jitter %s; or %s, plus or minus %s", spanText(t.High), percent(t.Jitter),
		spanText(t.Period), percent((t.High-t.Low)/2/max(t.Period, 1)))
}
