package accuracy

import (
	"math"
	"slices"
)

// ritaTimes is RITA's timestamp score alone, in percent.
func ritaTimes(_ *World, c *Channel) (Scored, bool) {
	_, gaps := gapsOf(c)
	if len(gaps) < fewestGaps {
		return Scored{}, false
	}
	s := ritaStatistic(gaps, 1)
	return Scored{Score: 100 * s.score, Period: s.middle, Jitter: s.jitter(), Alarm: s.score >= 0.8}, true
}

// rita is RITA's whole beacon score (version 5, as described in its issues and its configuration): times, sizes,
// histogram and duration, a quarter each. A score of 0.7 is where its documentation puts low severity. Its modifiers,
// prevalence among them, are not in it.
func rita(w *World, c *Channel) (Scored, bool) {
	_, gaps := gapsOf(c)
	if len(gaps) < fewestGaps {
		return Scored{}, false
	}
	times := ritaStatistic(gaps, 1)
	sizes := make([]float64, len(c.Sessions))
	for i := range c.Sessions {
		sizes[i] = float64(c.Sessions[i].Sent) + float64(c.Sessions[i].Received)
	}
	histogram, duration := ritaHistogram(w, c)
	score := 25 * (times.score + ritaStatistic(sizes, 0).score + histogram + duration)
	return Scored{Score: score, Period: times.middle, Jitter: times.jitter(), Alarm: score >= 70}, true
}

// ritaShape is what RITA reads from a set of gaps or sizes.
type ritaShape struct{ score, middle, spread float64 }

func (s ritaShape) jitter() float64 {
	if s.middle == 0 {
		return 0
	}
	return s.spread / s.middle
}

// ritaStatistic is the mean of two scores: 1 less Bowley's skewness, which counts as 0 where the quartiles lie less than
// ten apart or the median is one of them, and 1 less the median absolute deviation as a share of the median. A median
// under 1 gives the second score its default.
func ritaStatistic(values []float64, byDefault float64) ritaShape {
	v := slices.Clone(values)
	slices.Sort(v)
	n := len(v)
	low, mid, high := median(v[:n/2]), median(v), median(v[n/2+n%2:])
	skew := 0.0
	if high-low >= 10 && mid != low && mid != high {
		skew = (low + high - 2*mid) / (high - low)
	}
	for i, x := range v {
		v[i] = math.Abs(x - mid)
	}
	slices.Sort(v)
	deviation := median(v)
	spread := byDefault
	if mid >= 1 {
		spread = max(0, (mid-deviation)/mid)
	}
	return ritaShape{(1 - math.Abs(skew) + spread) / 2, mid, deviation}
}

const (
	ritaBars      = 24 // of the histogram, over the whole data set
	ritaMinBars   = 6  // with sessions, for a duration score
	ritaIdealBars = 12 // in a row, for a full one
	ritaBimodal   = 11 // with sessions, for the score of two levels
	ritaLevel     = 0.05
)

// ritaHistogram gives the histogram score, the better of evenness and of two levels, and the duration score, the better
// of the share of the data set that is covered and of the longest run of bars, which may wrap around.
func ritaHistogram(w *World, c *Channel) (histogram, duration float64) {
	var bars [ritaBars]float64
	width := float64(w.Last-w.First) / ritaBars
	if width == 0 {
		width = 1
	}
	for i := range c.Sessions {
		bars[min(ritaBars-1, int(float64(c.Sessions[i].Start-w.First)/width))]++
	}
	mean, sd := moments(bars[:])
	filled, run, longest, highest := 0, 0, 0, 0.0
	for i := range 2 * ritaBars {
		n := bars[i%ritaBars]
		run++
		if n == 0 {
			run = 0
		}
		longest, highest = max(longest, run), max(highest, n)
		if n > 0 && i < ritaBars {
			filled++
		}
	}
	histogram = max(max(0, 1-sd/mean), ritaTwoLevels(bars[:], filled, highest))
	if filled >= ritaMinBars {
		first, last := c.Sessions[0].Start, c.Sessions[len(c.Sessions)-1].Start
		covered := float64(last-first) / max(1, float64(w.Last-w.First))
		duration = max(min(1, covered), min(1, float64(min(longest, ritaBars))/ritaIdealBars))
	}
	return histogram, duration
}

// ritaTwoLevels is the share of bars that have one of the two commonest heights; one bar may be an outlier.
func ritaTwoLevels(bars []float64, filled int, highest float64) float64 {
	if filled < ritaBimodal {
		return 0
	}
	size := max(1, math.Ceil(highest*ritaLevel))
	count := make(map[float64]int)
	for _, n := range bars {
		if n > 0 {
			count[math.Floor(n/size)]++
		}
	}
	first, second := 0, 0
	for _, n := range count {
		switch {
		case n > first:
			first, second = n, first
		case n > second:
			second = n
		}
	}
	return min(1, float64(first+second)/max(1, float64(filled-1)))
}
