package synth

import (
	"math"
	"slices"
)

// kinds of background, by share: detector.md's six.
const (
	kindPoisson   = "poisson"
	kindBrowsing  = "browsing"
	kindOnOff     = "on-off"
	kindKeepAlive = "keep-alive"
	kindHabit     = "habit"
	kindRenewal   = "renewal"
)

// background adds a channel that is not periodic.
func (w *trial) background(d dice, i int) {
	var kind string
	var times []int64
	for len(times) == 0 { // a short presence at night may stay empty
		kind, times = backgroundTimes(d, i%10)
	}
	calls := w.backgroundCalls(d, kind, times)
	src := w.host(d.IntN(w.hosts))
	port := [...]uint16{443, 443, 443, 443, 443, 443, 80, 80, 8443, 993}[d.IntN(10)]
	for range 4 {
		if w.add(src, w.place(d), port, calls, TrialTruth{Kind: kind}) {
			return
		}
	}
}

// backgroundTimes gives the times of a channel of the background. Kinds come by tenths.
func backgroundTimes(d dice, tenth int) (kind string, times []int64) {
	p := presence(d, presences()[d.IntN(4)])
	n := d.logUniform(3, 800)
	switch {
	case tenth < 3:
		return kindPoisson, poisson(d, p, n)
	case tenth < 6:
		return kindBrowsing, browsing(d, p, n)
	case tenth < 7:
		return kindOnOff, onOff(d, p, n)
	case tenth < 8:
		return kindKeepAlive, keepAlive(d, p, n)
	case tenth < 9:
		return kindHabit, habit(d)
	}
	return kindRenewal, renewal(d, p, n)
}

// backgroundCalls gives each time a session. Between 5 and 50 % of the sessions of a channel are of one size.
func (w *trial) backgroundCalls(d dice, kind string, times []int64) []Call {
	common, sent, received := 0.05+0.45*d.Float64(), d.logNormal(1300, 0.8), d.logNormal(12_000, 1.6)
	level := d.logNormal(1, 0.8)
	protocol := uint8(protoNumberTCP)
	if kind == kindBrowsing && d.below(0.2) {
		protocol = protoNumberUDP
	}
	failing := d.below(0.02)
	calls := make([]Call, len(times))
	for i, t := range times {
		s, r := sent, received
		if !d.below(common) {
			s, r = d.logNormal(1300*level, 0.8), d.logNormal(12_000*level, 1.6)
		}
		calls[i] = call(t, min(3600, d.logNormal(2, 1.6)), s, r, protocol)
		if failing {
			calls[i].Sent, calls[i].Received, calls[i].Duration, calls[i].Failed = 66, 0, 0, true
		}
	}
	return calls
}

// Protocol numbers of IP.
const (
	protoNumberTCP = 6
	protoNumberUDP = 17
)

// maxCalls bounds the sessions of a channel of the background.
const maxCalls = 6000

// poisson is memoryless with a rate that follows the hours of the day.
func poisson(d dice, p span, n float64) (times []int64) {
	hours := hoursOfDay()
	mean := 0.0
	for h := p.from; h < p.to; h += hour / 2 {
		mean += busy(h, &hours)
	}
	mean /= float64((p.to-p.from+hour/2-1)/(hour/2)) + 1e-9
	gap := float64(p.to-p.from) / n * max(mean, 0.02)
	for t := float64(p.from); len(times) < maxCalls; {
		t += gap * d.ExpFloat64()
		if t >= float64(p.to) {
			break
		}
		if d.below(busy(int64(t), &hours)) {
			times = append(times, int64(t))
		}
	}
	return times
}

// browsing is sittings of clicks, each with one to five connections. A click follows the one before after a time to
// read, log-normal or with a heavy tail.
func browsing(d dice, p span, n float64) (times []int64) {
	heavy, read := d.below(0.5), d.logUniform(6, 40)
	clicks := 2 + d.ExpFloat64()*8
	for _, start := range poisson(d, p, max(1, n/(3*clicks))) {
		t := float64(start)
		for range 1 + int(d.ExpFloat64()*clicks) {
			at := t
			for range 1 + d.IntN(5) {
				times = append(times, int64(at))
				at += 600 * d.ExpFloat64()
			}
			if heavy {
				t += min(1800, read/3*math.Pow(1-d.Float64(), -1/1.2)) * 1000
			} else {
				t += min(1800, d.logNormal(read, 1.2)) * 1000
			}
			if int64(t) >= p.to || len(times) > maxCalls {
				break
			}
		}
	}
	return within(times, p)
}

// within drops what lies behind the end of a piece.
func within(times []int64, p span) []int64 {
	out := times[:0]
	for _, t := range times {
		if t >= p.from && t < p.to {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out
}

// onOff is memoryless while it is on, and silent between.
func onOff(d dice, p span, n float64) (times []int64) {
	on := d.logUniform(60, 3600) * 1000
	off := on * d.logUniform(1, 12)
	gap := float64(p.to-p.from) / n * on / (on + off)
	for t := float64(p.from) + off*d.Float64(); t < float64(p.to) && len(times) < maxCalls; t += off * d.ExpFloat64() {
		for end := t + on*d.ExpFloat64(); t < end && t < float64(p.to) && len(times) < maxCalls; t += gap * d.ExpFloat64() {
			times = append(times, int64(t))
		}
	}
	return within(times, p)
}

// keepAlive is a connection that a pool keeps until it was idle for a time: a request then opens the next one, so that
// no gap is shorter than that time.
func keepAlive(d dice, p span, n float64) (times []int64) {
	idle := [...]float64{5, 15, 30, 60, 75, 120, 300, 600}[d.IntN(8)] * 1000
	request := max(float64(p.to-p.from)/n-idle, idle*0.3) * d.logUniform(0.5, 1.5)
	hours := hoursOfDay()
	last := math.Inf(-1)
	for t := float64(p.from); len(times) < maxCalls; {
		t += request * d.ExpFloat64() * 0.6
		if t >= float64(p.to) {
			return times
		}
		if !d.below(0.2 + 0.8*busy(int64(t), &hours)) {
			continue
		}
		if t-last >= idle {
			times = append(times, int64(t))
		}
		last = t
	}
	return times
}

// habit is one to four visits a day, each at its own hour.
func habit(d dice) (times []int64) {
	for range 1 + d.IntN(4) {
		at, spread := (7+12*d.Float64())*float64(hour), d.logUniform(0.2, 1.2)*float64(hour)
		for k := range int64(7) {
			if k >= 5 && d.below(0.5) || d.below(0.08) {
				continue
			}
			times = append(times, k*day+int64(at+spread*d.NormFloat64()))
		}
	}
	return within(times, span{0, trialSpan})
}

// renewal has gaps of a Weibull or gamma law that are as irregular as memoryless ones, or nearly.
func renewal(d dice, p span, n float64) (times []int64) {
	weibull, shape := d.below(0.5), 0.5+0.7*d.Float64()
	gap := float64(p.to-p.from) / n
	for t := float64(p.from); len(times) < maxCalls; {
		if weibull {
			t += gap / math.Gamma(1+1/shape) * math.Pow(d.ExpFloat64(), 1/shape)
		} else {
			t += gap / shape * d.gamma(shape)
		}
		if t >= float64(p.to) {
			return times
		}
		times = append(times, int64(t))
	}
	return times
}

// gamma is a number of the gamma law with this shape and scale 1 (Marsaglia and Tsang 2000).
func (d dice) gamma(shape float64) float64 {
	if shape < 1 {
		return d.gamma(shape+1) * math.Pow(1-d.Float64(), 1/shape)
	}
	a := shape - 1.0/3
	c := 1 / math.Sqrt(9*a)
	for {
		x := d.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-d.Float64()) < x*x/2+a-a*v+a*math.Log(v) {
			return a * v
		}
	}
}
