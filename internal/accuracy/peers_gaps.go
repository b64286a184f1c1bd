package accuracy

import (
	"math"
	"slices"
)

// modalShare is the share of gaps within a second of the most frequent one, in percent; gaps under 4 s are bursts.
func modalShare(_ *World, c *Channel) (Scored, bool) {
	gaps, positive := gapsOf(c)
	if len(positive) < fewestGaps {
		return Scored{}, false
	}
	count := make(map[float64]int)
	for _, g := range gaps {
		count[g]++
	}
	most, period := 0, 0.0
	for _, g := range gaps { // not over the map: of equal ones the first in time
		if n := count[g-1] + count[g] + count[g+1]; g >= 4 && n > most {
			most, period = n, g
		}
	}
	share := 100 * float64(most) / float64(len(gaps))
	return Scored{Score: share, Period: period, Alarm: share > 90}, true
}

// variation is 1 less the coefficient of variation of the gaps that are not 0, in percent.
func variation(_ *World, c *Channel) (Scored, bool) {
	_, gaps := gapsOf(c)
	if len(gaps) < fewestGaps {
		return Scored{}, false
	}
	mean, sd := moments(gaps)
	return Scored{Score: 100 * max(0, 1-sd/mean), Period: mean, Jitter: sd / mean, Alarm: sd/mean < 0.2}, true
}

// gammaRatio is the log-likelihood of a gamma law of the gaps over that of an exponential one, as 100 x/(x+60). Gaps over
// four medians, such as nights, are left out; a law with a shape of 1 or less is not regular.
func gammaRatio(_ *World, c *Channel) (Scored, bool) {
	all, positive := gapsOf(c)
	if len(positive) < fewestGaps {
		return Scored{}, false
	}
	slices.Sort(positive)
	mid := median(positive)
	n, mean, meanLog := 0.0, 0.0, 0.0
	for _, g := range all {
		if g <= 4*mid {
			g = max(g, 0.5)
			n, mean, meanLog = n+1, mean+g, meanLog+math.Log(g)
		}
	}
	if n < 0.6*float64(len(all)) {
		return Scored{}, false
	}
	mean, meanLog = mean/n, meanLog/n
	q := max(1e-6, math.Log(mean)-meanLog)
	shape := min(1e4, (3-q+math.Sqrt((q-3)*(q-3)+24*q))/(12*q))
	if shape <= 1 {
		return Scored{}, false
	}
	logGamma, _ := math.Lgamma(shape)
	ratio := n * (shape*math.Log(shape/mean) - logGamma + (shape-1)*meanLog - shape + math.Log(mean) + 1)
	score := 0.0
	if ratio > 0 {
		score = 100 * ratio / (ratio + 60)
	}
	return Scored{Score: score, Period: mid, Jitter: 1 / math.Sqrt(shape)}, true
}

// flare is Flare's share of gaps that lie within three seconds of the commonest interval, in percent, of ten sessions or
// more and an interval of more than two seconds. Its documentation gives the options (fewest sessions, shortest interval,
// window, least percent); that the window is summed around each interval is our reading of it.
func flare(_ *World, c *Channel) (Scored, bool) {
	const fewest, shortest, window, least = 10, 2.0, 3.0, 5.0
	gaps, _ := gapsOf(c)
	if len(c.Sessions) < fewest {
		return Scored{}, false
	}
	sorted := slices.Clone(gaps)
	slices.Sort(sorted)
	best, period := 0, 0.0
	lo, hi := 0, 0
	for _, g := range sorted {
		for sorted[lo] < g-window {
			lo++
		}
		for hi < len(sorted) && sorted[hi] <= g+window {
			hi++
		}
		if g > shortest && hi-lo > best {
			best, period = hi-lo, g
		}
	}
	percent := 100 * float64(best) / float64(len(gaps))
	return Scored{Score: percent, Period: period, Jitter: math.NaN(), Alarm: percent >= least}, true
}
