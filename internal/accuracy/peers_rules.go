package accuracy

import (
	"math"
	"slices"

	"drumbeat/internal/synth"
)

// fortinet is the method of Microsoft Sentinel's rule "Fortinet - Beacon pattern detected" (3255ec41-6bd6-4f35-84b1-c032b18bbfcb,
// version 1.0.1), run for each day: gaps over 60 s between records of a channel, outliers replaced by the mean, then a
// deviation under 20 % of the mean, more than 4 gaps, a mean of 600 s or more. The score is 1 less deviation over mean.
func fortinet(_ *World, c *Channel) (Scored, bool) {
	if c.Destination.IsPrivate() || c.Port == 161 {
		return Scored{}, false
	}
	const day = 86_400
	times := make(map[int64][]int64)
	bytes := make(map[int64]uint64)
	lastDay := int64(0)
	for i := range c.Sessions {
		s := &c.Sessions[i]
		if s.Failed {
			continue // closed, reset and denied sessions are left out
		}
		at := int64(s.Start+s.Duration) / 1000
		times[at/day] = append(times[at/day], at)
		bytes[at/day] += uint64(s.Sent) + uint64(s.Received)
		lastDay = max(lastDay, at/day)
	}
	best, found := Scored{Score: math.Inf(-1)}, false
	for d := range lastDay + 1 {
		s, ok := fortinetDay(times[d], bytes[d])
		if ok && (!found || s.Alarm && !best.Alarm || s.Alarm == best.Alarm && s.Score > best.Score) {
			best, found = s, true
		}
	}
	return best, found
}

// Constants of the rule.
const (
	fortinetGap    = 60
	fortinetBeats  = 4
	fortinetJitter = 0.2
)

func fortinetDay(times []int64, bytes uint64) (Scored, bool) {
	slices.Sort(times)
	var gaps []float64
	for i := 1; i < len(times); i++ {
		if g := times[i] - times[i-1]; g > fortinetGap {
			gaps = append(gaps, float64(g))
		}
	}
	if len(gaps) <= fortinetBeats || bytes == 0 {
		return Scored{}, false
	}
	mean, _ := moments(gaps)
	for i, outlier := range outliers(gaps) {
		if outlier {
			gaps[i] = mean
		}
	}
	mean, sd := moments(gaps)
	sd *= math.Sqrt(float64(len(gaps)) / float64(len(gaps)-1)) // series_stats gives that of a sample
	return Scored{
		Score: 1 - sd/mean, Period: mean, Jitter: sd / mean,
		Alarm: sd < mean*fortinetJitter && mean >= 10*fortinetGap,
	}, true
}

// outliers finds the values to which series_outliers gives more than 1.5 or less than -1.5 by its default test, whose
// score is the distance to the 10th or 90th percentile in units of the distance between these, times a factor.
func outliers(v []float64) []bool {
	const low, high, factor, limit = 0.1, 0.9, 2.772605605507914, 1.5
	sorted := slices.Clone(v)
	slices.Sort(sorted)
	lo, hi := quantile(sorted, low), quantile(sorted, high)
	out := make([]bool, len(v))
	for i, x := range v {
		distance := max(x-hi, lo-x)
		out[i] = hi > lo && distance/(hi-lo)*factor > limit
	}
	return out
}

// quantile interpolates between the sorted values.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// Parameters of Elastic's package "Network Beaconing Identification". Its documentation names them and says what they
// are for, and gives the time range of six hours; the values of the rest are from memory.
const (
	elasticRange     = 6 * 3600
	elasticBuckets   = 100
	elasticBytes     = 0.1  // greatest coefficient of variation of bytes
	elasticCounts    = 0.1  // greatest relative variance of counts, for beacons with several check-ins a bucket
	elasticTruncate  = 0.05 // share cut at either end
	elasticCorrelate = 0.5  // least autocovariance, for beacons with a check-in in some buckets only
	elasticJitter    = 0.1
)

// elastic is the idea of Elastic's package, over one channel in place of one program of a host: in each six hours, are
// the counts of equal buckets nearly constant, or do they repeat (autocovariance, with room for jitter)? And do the bytes
// sent and received hardly vary? One point each makes a score of up to 3; it is finer here so that it can order channels.
func elastic(_ *World, c *Channel) (Scored, bool) {
	best, found := Scored{Score: -1}, false
	for from := 0; from < len(c.Sessions); {
		window := seconds(&c.Sessions[from]) / elasticRange
		to := from
		for to < len(c.Sessions) && seconds(&c.Sessions[to])/elasticRange == window {
			to++
		}
		if to-from >= peerMin {
			if s := elasticWindow(c.Sessions[from:to], window*elasticRange); s.Score > best.Score {
				best, found = s, true
			}
		}
		from = to
	}
	return best, found
}

func elasticWindow(sessions []synth.Call, from int64) Scored {
	const width = float64(elasticRange) / elasticBuckets
	counts := make([]float64, elasticBuckets)
	sent, received := make([]float64, len(sessions)), make([]float64, len(sessions))
	for i := range sessions {
		s := &sessions[i]
		counts[int(float64(seconds(s)-from)/width)]++
		sent[i], received[i] = float64(s.Sent), float64(s.Received)
	}
	mean, sd := moments(truncated(counts))
	relative := math.Inf(1)
	if mean > 0 {
		relative = sd * sd / (mean * mean)
	}
	strength, lag := autocovariance(counts)
	out := Scored{Score: min(0.999, max(strength, 0)), Period: float64(lag) * width, Jitter: math.NaN()}
	regular := strength >= elasticCorrelate
	if relative <= elasticCounts {
		regular = true
		out.Score, out.Period = 0.999-0.4*relative, elasticRange/float64(len(sessions))
	}
	passed := 0
	for _, bytes := range [][]float64{sent, received} {
		mean, sd := moments(truncated(bytes))
		if mean > 0 && sd/mean <= elasticBytes {
			passed++
		}
	}
	out.Score += float64(passed)
	out.Alarm = regular && passed == 2
	return out
}

// truncated leaves out the smallest and greatest values.
func truncated(v []float64) []float64 {
	sorted := slices.Clone(v)
	slices.Sort(sorted)
	cut := int(elasticTruncate * float64(len(sorted)))
	return sorted[cut : len(sorted)-cut]
}

// autocovariance gives the greatest correlation of the counts with themselves at a lag, and the lag. Counts are first
// spread over their neighbours as far as jitter may move a check-in.
func autocovariance(counts []float64) (strength float64, lag int) {
	strength = math.Inf(-1)
	n := len(counts)
	for k := 2; k <= n/3; k++ {
		reach := int(elasticJitter * float64(k))
		x := make([]float64, n)
		for i := range counts {
			for j := max(0, i-reach); j <= min(n-1, i+reach); j++ {
				x[i] += counts[j] / float64(2*reach+1)
			}
		}
		mean, sd := moments(x)
		if sd == 0 {
			continue
		}
		sum := 0.0
		for i := k; i < n; i++ {
			sum += (x[i] - mean) * (x[i-k] - mean)
		}
		if r := sum / float64(n-k) / (sd * sd); r > strength {
			strength, lag = r, k
		}
	}
	return strength, lag
}
