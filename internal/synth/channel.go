package synth

import (
	"math"
	"time"
)

// channel is a planted rhythm, and what the log holds of it.
type channel struct {
	name         string
	benign       bool
	src          int
	dst          uint32
	to           role
	port         uint16
	proto        uint8
	app          appID
	rule         uint8
	category     uint8
	blocked      bool
	period       float64 // ms
	jitter       float64
	law          Law
	miss         float64
	office       bool
	burst        int
	sent, recv   float64
	spread       float64
	begins, ends int64 // ms

	found found
}

// channelKey is what makes a channel one.
type channelKey struct {
	src   int
	dst   uint32
	port  uint16
	proto uint8
}

func (c *channel) key() channelKey { return channelKey{c.src, c.dst, c.port, c.proto} }

// found is what reached the log of a channel.
type found struct {
	beats, records int64
	lastBeat       int32
	first, last    int64 // start of the first and the last beat
}

// gap is the time from beat n to the next, in ms.
func (c *channel) gap(d dice) int64 {
	t, j := c.period, c.jitter
	switch c.law {
	case Fixed:
	case Around:
		t *= 1 + j*(2*d.Float64()-1)
	case Below:
		t *= 1 - j*d.Float64()
	case Gauss:
		t = max(t*(1+j*min(max(d.NormFloat64(), -3), 3)), c.period/10)
	}
	return max(int64(math.Round(t)), 1)
}

// expected is how many records the channel makes, about.
func (c *channel) expected(offset time.Duration) float64 {
	mean := c.period
	if c.law == Below {
		mean *= 1 - c.jitter/2
	}
	alive := float64(c.ends - c.begins)
	if c.office {
		alive = float64(officeTime(c.begins+offset.Milliseconds(), c.ends+offset.Milliseconds()))
	}
	return alive / mean * (1 - c.miss) * float64(c.burst)
}

// timer is where a channel is: which beat comes next, and when.
type timer struct {
	at      int64
	channel int32
	beat    int32
}

// clockwork walks all planted channels in the order of time. It is a heap of
// timers.
type clockwork struct {
	c        *company
	channels []channel
	offset   int64 // of local time, ms
	logStart bool
	d        dice
	heap     []timer
}

func newClockwork(c *company, w *World, channels []channel, from int64) *clockwork {
	k := &clockwork{c: c, channels: channels, offset: w.UTCOffset.Milliseconds(), logStart: w.LogStart, d: newDice(w.Seed)}
	for i := range channels {
		ch := &channels[i]
		at := ch.begins
		if at == from { // some moment of the first period
			at += int64(uniform(hash(c.seed, streamBeats, uint64(i))) * ch.period)
		}
		k.heap = append(k.heap, timer{at: at, channel: int32(i)})
	}
	for i := len(k.heap)/2 - 1; i >= 0; i-- {
		k.sink(i)
	}
	return k
}

func (a timer) before(b timer) bool {
	return a.at < b.at || a.at == b.at && a.channel < b.channel
}

// sink moves the i-th timer down to where it belongs.
func (k *clockwork) sink(i int) {
	h := k.heap
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// advance emits the records of all beats that begin before until.
func (k *clockwork) advance(until int64, emit func(*record)) {
	for len(k.heap) > 0 && k.heap[0].at < until {
		t := &k.heap[0]
		ch := &k.channels[t.channel]
		if t.at >= ch.ends {
			k.heap[0] = k.heap[len(k.heap)-1]
			k.heap = k.heap[:len(k.heap)-1]
			k.sink(0)
			continue
		}
		k.d.reseed(hash(k.c.seed, streamBeats, uint64(t.channel)<<32|uint64(t.beat)))
		gap := ch.gap(k.d)
		missed := k.d.below(ch.miss)
		if !missed && (!ch.office || office(t.at+k.offset)) {
			k.beat(ch, *t, emit)
		}
		t.at += gap
		t.beat++
		k.sink(0)
	}
}

// beat emits the records of one check-in. A sharp channel has sharp records:
// nothing but the timer decides when they are written.
func (k *clockwork) beat(ch *channel, t timer, emit func(*record)) {
	at := t.at
	for range ch.burst {
		r := record{
			key: k.d.Uint64(), began: at, channel: t.channel, beat: t.beat,
			src: int32(ch.src), dst: ch.dst, dport: ch.port,
			to: ch.to, app: ch.app, proto: ch.proto, rule: ch.rule, category: ch.category,
			device: k.c.hosts[ch.src].device, end: endFin,
		}
		r.sent = clampBytes(k.d.logNormal(ch.sent, ch.spread), 40)
		r.recv = clampBytes(k.d.logNormal(ch.recv, ch.spread), 0)
		if r.proto != icmp {
			r.sport = sourcePort(r.key)
		}
		k.close(ch, &r)
		emit(&r)
		if k.logStart && r.kind == kindEnd {
			s := startOf(&r)
			emit(&s)
		}
		at += 200 + k.d.Int64N(1800)
	}
}

func (k *clockwork) close(ch *channel, r *record) {
	if ch.blocked {
		r.kind, r.app = kindDrop, appNone
		r.block()
		return
	}
	if r.proto != tcp {
		r.end = endAged
	}
	r.packets()
	lasts, noise := int64(180), int64(0)
	if ch.law != Fixed {
		lasts = clampBytes(k.d.logNormal(400, 0.5), 20)
		noise = k.d.Int64N(300)
	}
	r.elapsed = lasts / second
	r.seen = r.began + lasts + k.c.devices[r.device].lags[r.proto][r.end] + noise
}
