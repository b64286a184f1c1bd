package beat

import (
	"math"
	"math/bits"

	"drumbeat/internal/traffic"
)

// sketch is what is kept of a channel's sessions: the gaps at each scale, sizes, failures and growth of the gaps. It
// takes the starts in order. Bins are bytes; a scale with a full bin is halved as a whole, which costs nothing, since
// evidence saturates at 60 gaps.
type sketch struct {
	first    int64          // seconds since 0001-01-01 of the first start
	last     [scales]uint32 // seconds from first to the last accepted start
	latest   uint32         // to the last start
	sessions uint32
	failed   uint32
	// Growth: gaps of 8 s and more that are 1.5 to 3 times the one before. Shorter ones are left out, since a blocked
	// handshake is tried again after 1, 2 and 4 s.
	growth, steps      uint32
	lastStep, prevStep uint32

	n, under [scales]uint16
	bins     [scales][scanBins]uint8
	sent     sizeCounts
	received sizeCounts
	// accepted counts the starts that a scale took, which n forgets when it is halved.
	accepted [scales]uint32
}

const growthGap = 8

// add takes the start of a session, in ticks; the one before was not later.
func (k *sketch) add(start int64) {
	sec := start / traffic.Second
	if k.sessions == 0 {
		k.first = sec
	}
	k.sessions++
	t := uint32(min(max(sec-k.first, 0), math.MaxUint32))
	k.latest = t
	if k.sessions == 1 {
		for s := range k.accepted {
			k.accepted[s] = 1
		}
		return
	}
	for s := range scales {
		g := t - k.last[s]
		if g < deadTime(s) {
			continue
		}
		k.last[s] = t
		k.accepted[s]++
		k.count(s, g)
	}
	if g := t - k.lastStep; g >= growthGap {
		if k.prevStep > 0 {
			k.steps++
			if r := float64(g) / float64(k.prevStep); r > 1.5 && r < 3 {
				k.growth++
			}
		}
		k.prevStep, k.lastStep = g, t
	}
}

func (k *sketch) count(s int, g uint32) {
	b := tables.interval(g) - 16*s
	full := k.n[s] == math.MaxUint16
	if b >= 0 && b < scanBins {
		full = full || k.bins[s][b] == math.MaxUint8
	}
	if full {
		k.halve(s)
	}
	k.n[s]++
	switch {
	case b < 0:
		k.under[s]++
	case b < scanBins:
		k.bins[s][b]++
	}
}

// size takes what a session carried.
func (k *sketch) size(sent, received int64, failed bool) {
	k.sent.add(sent)
	k.received.add(received)
	if failed {
		k.failed++
	}
}

// counts gives the gaps of all scales.
func (k *sketch) counts(out *[scales]scaleCounts) {
	for s := range scales {
		c := &out[s]
		c.n, c.under = uint32(k.n[s]), uint32(k.under[s])
		for b, v := range &k.bins[s] {
			c.bins[b] = uint32(v)
		}
	}
}

// merge adds the sketch of later sessions of the same channel: counts add up, and the gap between the two is lost.
func (k *sketch) merge(later *sketch) {
	shift := uint32(min(max(later.first-k.first, 0), math.MaxUint32/2))
	add := *later
	for s := range scales {
		for k.overflows(s, &add) {
			k.halve(s)
			add.halve(s)
		}
		k.n[s] += add.n[s]
		k.under[s] += add.under[s]
		for b, v := range &add.bins[s] {
			k.bins[s][b] += v
		}
		k.accepted[s] += later.accepted[s]
		k.last[s] = later.last[s] + shift
	}
	k.latest = later.latest + shift
	k.sessions += later.sessions
	k.failed += later.failed
	k.growth += later.growth
	k.steps += later.steps
	k.lastStep, k.prevStep = later.lastStep+shift, later.prevStep
	k.sent.merge(&later.sent)
	k.received.merge(&later.received)
}

// overflows reports whether the counts of a scale and another sketch's have no room together.
func (k *sketch) overflows(s int, o *sketch) bool {
	if uint32(k.n[s])+uint32(o.n[s]) > math.MaxUint16 {
		return true
	}
	for b, v := range &o.bins[s] {
		if int(k.bins[s][b])+int(v) > math.MaxUint8 {
			return true
		}
	}
	return false
}

func (k *sketch) halve(s int) {
	k.n[s] /= 2
	k.under[s] /= 2
	for i := range k.bins[s] {
		k.bins[s][i] /= 2
	}
}

// fields gives all that a sketch holds, to be written and read.
func (k *sketch) fields() []any {
	return []any{
		&k.first, &k.last, &k.latest, &k.sessions, &k.failed, &k.growth, &k.steps, &k.lastStep, &k.prevStep,
		&k.n, &k.under, &k.bins, &k.sent.n, &k.sent.bins, &k.received.n, &k.received.bins, &k.accepted,
	}
}

// sizeCounts is a histogram of byte counts, four bins to the octave.
type sizeCounts struct {
	n    uint16
	bins [sizeBins]uint8
}

const (
	sizeBins = 64
	// smallestSize is where the first bin begins; 16 octaves lead to 2 MiB.
	smallestSize = 32
)

// sizeBin gives the bin of a byte count: quarter octaves from 32 bytes.
func sizeBin(size int64) int {
	if size < smallestSize {
		return 0
	}
	n := bits.Len64(uint64(size)) - 1
	b := 4 * (n - 5)
	if b >= sizeBins {
		return sizeBins - 1
	}
	// Quarter octaves: 2^(1/4), 2^(1/2), 2^(3/4) in units of 2^-16.
	m := uint64(size) << (63 - n) >> 47
	switch {
	case m >= 110218:
		b += 3
	case m >= 92682:
		b += 2
	case m >= 77936:
		b++
	}
	return b
}

// sizeEdge gives the byte count at which a bin begins.
func sizeEdge(bin float64) float64 { return smallestSize * math.Exp2(bin/4) }

func (c *sizeCounts) add(size int64) {
	if size < 0 {
		return
	}
	b := sizeBin(size)
	if c.bins[b] == math.MaxUint8 {
		c.halve()
	}
	c.bins[b]++
	c.n++ // at most 64 * 255
}

func (c *sizeCounts) halve() {
	c.n = 0
	for i := range c.bins {
		c.bins[i] /= 2
		c.n += uint16(c.bins[i])
	}
}

func (c *sizeCounts) merge(o *sizeCounts) {
	add := *o
	for b := range c.bins {
		for int(c.bins[b])+int(add.bins[b]) > math.MaxUint8 {
			c.halve()
			add.halve()
		}
	}
	for b, v := range &add.bins {
		c.bins[b] += v
	}
	c.n += add.n
}

// median gives the bin of the median, a place in it, and false where nothing is known.
func (c *sizeCounts) median() (bin int, size float64, ok bool) {
	if c.n == 0 {
		return 0, 0, false
	}
	want, at := float64(c.n)/2, 0.0
	for b, v := range &c.bins {
		if v > 0 && at+float64(v) >= want {
			return b, sizeEdge(float64(b) + (want-at)/float64(v)), true
		}
		at += float64(v)
	}
	return sizeBins - 1, sizeEdge(sizeBins), true
}

// share gives the part of the sizes in the best two adjacent bins next to the median.
func (c *sizeCounts) share(bin int) float64 {
	best := 0
	for b := max(bin-1, 0); b <= bin; b++ {
		n := int(c.bins[b])
		if b+1 < sizeBins {
			n += int(c.bins[b+1])
		}
		best = max(best, n)
	}
	return float64(best) / float64(c.n)
}

// commonest gives the first of the two adjacent bins that hold most, and their share.
func (c *sizeCounts) commonest() (bin int, share float64) {
	if c.n == 0 {
		return 0, 0
	}
	best := -1
	for b := range sizeBins - 1 {
		if n := int(c.bins[b]) + int(c.bins[b+1]); n > best {
			bin, best = b, n
		}
	}
	return bin, float64(best) / float64(c.n)
}

// measure is what the score reads off a sketch.
type measure struct {
	scan       scanResult
	gamma      float64
	scale      int     // at which short, long, lone and median are taken
	median     float64 // gap, seconds
	shortGaps  float64
	longGaps   float64
	loneStarts float64
	sentShare  float64 // unknownValue where no bytes are known
	recvShare  float64
	sentMedian float64
	recvMedian float64
	hours      float64
	sessions   uint32
	failing    float64
	growth     float64
}

// unknownValue stands for what a log does not say.
var unknownValue = math.NaN()

// measure reads a sketch. It takes 5 to 10 µs; a channel without four gaps takes nothing.
func (k *sketch) measure(scratch *[scales]scaleCounts) measure {
	k.counts(scratch)
	m := measure{
		sessions: k.sessions, hours: float64(k.latest) / 3600, failing: float64(k.failed) / float64(max(k.sessions, 1)),
		sentShare: unknownValue, recvShare: unknownValue, sentMedian: unknownValue, recvMedian: unknownValue,
	}
	if k.steps > 0 {
		m.growth = float64(k.growth) / float64(k.steps)
	}
	m.scan = tables.scan(scratch)
	var at int
	m.gamma, at = tables.gamma(scratch)
	switch {
	case m.scan.scale >= 0:
		m.scale = m.scan.scale
	case at >= 0:
		m.scale = at
	}
	if c := &scratch[m.scale]; c.n > 0 {
		m.median = tables.quantile(c, m.scale, 0.5)
		m.shortGaps = tables.below(c, m.scale, m.median/2) / float64(c.n)
		m.longGaps = 1 - tables.below(c, m.scale, 2*m.median)/float64(c.n)
	}
	m.loneStarts = float64(k.accepted[m.scale]) / float64(max(k.sessions, 1))
	if bin, size, ok := k.sent.median(); ok {
		m.sentShare, m.sentMedian = k.sent.share(bin), size
	}
	if bin, size, ok := k.received.median(); ok {
		m.recvShare, m.recvMedian = k.received.share(bin), size
	}
	return m
}

// backOff is the share of failures times the shares of growing and of short gaps: what a client does that tries a dead
// service again and again, and waits longer each time.
func (m *measure) backOff() float64 { return m.failing * (m.growth + m.shortGaps) }

// regular reports whether a channel counts among those that show a rhythm to others (score.md 2, alike).
func (m *measure) regular() bool { return m.scan.s >= 6 || m.gamma >= 8 }
