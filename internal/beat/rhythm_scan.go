package beat

import (
	"math"
	"math/bits"
)

// The window scan: how far the gaps of a channel are from those of any traffic without memory.
//
// Starts that follow each other in less than a dead time c are one start, so that a burst counts once; after a dead
// time the gap of a Poisson stream is c plus an exponential wait. The chance that such a gap falls into a window
// [lo, hi] is at most q(lo, hi, c) whatever the stream's rate, and so also while the rate drifts with the hour. A
// channel with K of n gaps in a window gets
//
//	S = min(n, 60) * KL(K/n || q)        nats, the largest over 7 dead times and at most 896 windows
//
// and a stream without memory reaches S with a chance of at most exp(-S) for one window, and as measured for all of
// them. Evidence saturates at 60 gaps, and q is at least what a log-normal wait of people would give: without the two,
// long and slightly regular channels outrank every beacon.
//
// Dead times are 2*4^s seconds for s = 0..6, bins an eighth of an octave, windows start from 2.5 to 10 dead times and
// are 1 to 13 bins wide (a ratio of 1.09 to 3.08), so that 5 s to 22 h are covered without holes. All scales share
// one grid of edges, ceil(5 * 2^(k/8)) seconds: bin b of scale s is interval 16 s + b of it.
const (
	scales     = 7
	scanBins   = 32
	scanStarts = 16 // bins that a window may start at
	gridEdges  = 16*(scales-1) + scanBins + 1

	saturation = 60
	// humanSigma is the spread of the log-normal law of people's waits: 0.6 and 1.0 do worse by 1 to 3 points.
	humanSigma = 0.7
	// habitPrice is what windows of the slowest scale cost, for habits of twice a day.
	habitPrice = 3
	// widePrice is what windows of more than 13 bins cost.
	widePrice = 2
	// longestWindow leaves out daily habits: 22.5 h in seconds.
	longestWindow = 81000
	// scanMinGaps, scanMinInside and scanMinShare are the least evidence that is judged.
	scanMinGaps, scanMinInside, scanMinShare = 4, 3, 0.15
)

// scanWidths are the widths of windows in bins.
var scanWidths = [...]int{1, 2, 3, 4, 6, 8, 10, 13, 16, 20}

// deadTime gives the dead time of a scale in seconds.
func deadTime(scale int) uint32 { return 2 << (2 * scale) }

// bound is the chance of a window with its logarithms.
type bound struct {
	q, logQ, logRest float64
	price            float64
	ok               bool
}

// scanTables are what every scan needs. They are only read.
type scanTables struct {
	edges  [gridEdges]uint32
	octave [18]uint8 // first interval whose edge is at least 2^n
	bounds [scales][scanStarts][len(scanWidths)]bound
}

var tables = makeTables()

func makeTables() *scanTables {
	t := &scanTables{}
	for k := range t.edges {
		t.edges[k] = uint32(math.Ceil(5 * math.Exp2(float64(k)/8)))
	}
	for n := range t.octave {
		k := 0
		for k < gridEdges-1 && t.edges[k+1] <= 1<<n {
			k++
		}
		t.octave[n] = uint8(k)
	}
	for s := range scales {
		for b := range scanStarts {
			for w, width := range scanWidths {
				t.bounds[s][b][w] = t.bound(s, b, width)
			}
		}
	}
	return t
}

// bound gives q of a window. Its real edges are half a second outside its first and last whole second, and the dead
// time half a second under its own, since clocks give whole seconds.
func (t *scanTables) bound(s, b, width int) bound {
	k := 16*s + b
	if b+width > scanBins {
		return bound{}
	}
	lo, hi, c := float64(t.edges[k])-0.5, float64(t.edges[k+width])-0.5, float64(deadTime(s))-0.5
	if t.edges[k] == t.edges[k+width] || hi > longestWindow {
		return bound{}
	}
	r := (hi - c) / (lo - c)
	// The largest of exp(-a(lo-c)) - exp(-a(hi-c)) over the rate a.
	q := (1 - 1/r) * math.Pow(r, -1/(r-1))
	// A log-normal wait centred on the window.
	q = max(q, math.Erf(math.Log(hi/lo)/(2*humanSigma*math.Sqrt2)))
	out := bound{q: q, logQ: math.Log(q), logRest: math.Log1p(-q), ok: true}
	if s == scales-1 {
		out.price = habitPrice
	}
	if width > 13 {
		out.price += widePrice
	}
	return out
}

// interval gives the interval of the grid that a gap in seconds lies in; gaps under 5 s lie in none.
func (t *scanTables) interval(gap uint32) int {
	if gap < t.edges[0] {
		return -1
	}
	n := bits.Len32(gap) - 1
	if n >= len(t.octave) {
		return gridEdges - 1
	}
	k := int(t.octave[n])
	for k < gridEdges-1 && t.edges[k+1] <= gap {
		k++
	}
	return k
}

// scaleCounts are the gaps of one scale: their number, those under 2.5 dead times, and the bins.
type scaleCounts struct {
	n, under uint32
	bins     [scanBins]uint32
}

// scanResult is the best window.
type scanResult struct {
	s          float64
	scale      int
	lo, hi     uint32 // seconds, the first and the last in the window
	n, inside  uint32
	begin, end int // bins
}

// scan gives the best window of all scales. The counts are those of the scales.
func (t *scanTables) scan(counts *[scales]scaleCounts) scanResult {
	best := scanResult{scale: -1}
	for s := range scales {
		c := &counts[s]
		if c.n < scanMinGaps {
			break // a longer dead time leaves no more gaps
		}
		var sum [scanBins + 1]uint32
		for b, v := range &c.bins {
			sum[b+1] = sum[b] + v
		}
		least := max(scanMinInside, uint32(float64(c.n)*scanMinShare))
		if sum[scanBins] < least {
			continue
		}
		weight, n := float64(min(c.n, saturation)), float64(c.n)
		for b := range scanStarts {
			for w, width := range scanWidths {
				if b+width > scanBins {
					break
				}
				k := sum[b+width] - sum[b]
				q := &t.bounds[s][b][w]
				if k < least || !q.ok {
					continue
				}
				f := float64(k) / n
				if f <= q.q || f <= scanMinShare {
					continue
				}
				v := weight*divergence(f, q) - q.price
				if v > best.s {
					best = scanResult{
						s: v, scale: s, n: c.n, inside: k, begin: b, end: b + width,
						lo: t.edges[16*s+b], hi: t.edges[16*s+b+width] - 1,
					}
				}
			}
		}
	}
	return best
}

// divergence is KL(f || q) of two chances.
func divergence(f float64, q *bound) float64 {
	v := f * (math.Log(f) - q.logQ)
	if f < 1 {
		v += (1 - f) * (math.Log1p(-f) - q.logRest)
	}
	return v
}

// quantile gives the gap below which a share of a scale's gaps lie: linear inside a bin, and even in the logarithm
// from the dead time to 2.5 dead times. Gaps beyond the bins are taken for the last edge.
func (t *scanTables) quantile(c *scaleCounts, scale int, share float64) float64 {
	want := share * float64(c.n)
	dead := float64(deadTime(scale))
	if want <= float64(c.under) {
		if c.under == 0 {
			return dead
		}
		return dead * math.Pow(2.5, want/float64(c.under))
	}
	at := float64(c.under)
	for b, v := range &c.bins {
		if at+float64(v) >= want && v > 0 {
			lo, hi := float64(t.edges[16*scale+b]), float64(t.edges[16*scale+b+1])
			return lo + (hi-lo)*(want-at)/float64(v)
		}
		at += float64(v)
	}
	return float64(t.edges[16*scale+scanBins])
}

// below gives the number of a scale's gaps under a length, with the same reading of the bins as quantile.
func (t *scanTables) below(c *scaleCounts, scale int, gap float64) float64 {
	dead := float64(deadTime(scale))
	if gap <= dead {
		return 0
	}
	first := float64(t.edges[16*scale])
	if gap < first {
		return float64(c.under) * min(1, math.Log(gap/dead)/math.Log(2.5))
	}
	at := float64(c.under)
	for b, v := range &c.bins {
		lo, hi := float64(t.edges[16*scale+b]), float64(t.edges[16*scale+b+1])
		if gap < hi {
			return at + float64(v)*(gap-lo)/(hi-lo)
		}
		at += float64(v)
	}
	return at
}

// gamma is the log-likelihood ratio of a gamma law of the gaps against a dead time and an exponential wait, for as
// many gaps as evidence counts: of gaps up to four medians, the largest over the scales. It is 0 where it uses under
// 60 % of the gaps or the law has no mode. It gates, tells which
// channels are regular, and is a part of the score, where it speaks for jitter that is too wide for a window.
func (t *scanTables) gamma(counts *[scales]scaleCounts) (best float64, scale int) {
	scale = -1
	for s := range scales {
		c := &counts[s]
		if c.n < scanMinGaps {
			break
		}
		if v := t.gammaAt(c, s); v > best {
			best, scale = v, s
		}
	}
	return best, scale
}

func (t *scanTables) gammaAt(c *scaleCounts, scale int) float64 {
	if float64(c.n-c.under) < 0.6*float64(c.n) {
		return 0
	}
	limit := 4 * t.quantile(c, scale, 0.5)
	var n, sum, sumLog float64
	for b, v := range &c.bins {
		if v == 0 {
			continue
		}
		lo, hi := float64(t.edges[16*scale+b]), float64(t.edges[16*scale+b+1])
		x := (lo + max(hi-1, lo)) / 2
		if x > limit {
			break
		}
		n += float64(v)
		sum += float64(v) * x
		sumLog += float64(v) * math.Log(x)
	}
	if n < scanMinGaps || n < 0.6*float64(c.n) {
		return 0
	}
	mean := sum / n
	d := math.Log(mean) - sumLog/n
	if d <= 1e-6 {
		d = 1e-6 // all in one bin
	}
	// Minka's closed start of the maximum-likelihood shape; its error is under 1.5 %.
	shape := (3 - d + math.Sqrt((d-3)*(d-3)+24*d)) / (12 * d)
	shape = min(shape, 400) // bins are no finer than this
	if shape <= 1 {
		return 0
	}
	lg, _ := math.Lgamma(shape)
	wait := mean - float64(deadTime(scale))
	if wait <= 0 {
		return 0
	}
	own := (shape-1)*(sumLog/n) - shape - shape*math.Log(mean/shape) - lg
	null := -math.Log(wait) - 1
	return max(0, (own-null)*min(n, saturation))
}
