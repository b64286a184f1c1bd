package plot

import (
	"math"
	"time"
)

// scale maps values to pixels, evenly or by their logarithm.
type scale struct {
	low, high float64 // values
	from, to  float64 // pixels
	log       bool
}

// at gives the pixel of a value; one that is beyond an end is put there.
func (s scale) at(v float64) float64 {
	if s.high <= s.low {
		return s.from
	}
	v = min(max(v, s.low), s.high)
	f := (v - s.low) / (s.high - s.low)
	if s.log {
		f = math.Log(v/s.low) / math.Log(s.high/s.low)
	}
	return s.from + f*(s.to-s.from)
}

// countStep gives a step of 1, 2 or 5 times a power of ten that divides the range up to high in at most n.
func countStep(high float64, n int) float64 {
	step := 1.0
	for {
		for _, m := range []float64{1, 2, 5} {
			if step*m*float64(n) >= high {
				return step * m
			}
		}
		step *= 10
	}
}

// lengthSteps are the spans of time that axes are labelled with.
var lengthSteps = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	day, 2 * day, 4 * day, 7 * day, 14 * day, 28 * day, 91 * day, 365 * day, 3650 * day,
}

// lengthStep gives the smallest of lengthSteps that divides the range up to high in at most n.
func lengthStep(high time.Duration, n int) time.Duration {
	for _, s := range lengthSteps {
		if s*time.Duration(n) >= high {
			return s
		}
	}
	return high
}

// stepLength names a label of an axis with such steps, in one unit.
func stepLength(v, step time.Duration) string {
	unit, name := time.Second, " s"
	switch {
	case v == 0:
		return "0"
	case step < time.Second:
		unit, name = time.Millisecond, " ms"
	case step >= day:
		unit, name = day, " d"
	case step >= time.Hour:
		unit, name = time.Hour, " h"
	case step >= time.Minute:
		unit, name = time.Minute, " min"
	}
	return Count(int64(v/unit)) + name
}

// clockSteps are the distances of the labels on a time axis.
var clockSteps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 14 * day, 28 * day, 91 * day, 365 * day,
}

// timeAxis draws the ticks of a time axis under y and, where it is that the axis shows, its dates.
func (p *pen) timeAxis(from, to time.Time, x scale, y float64) {
	room := math.Abs(x.to - x.from)
	span := to.Sub(from)
	step := clockSteps[len(clockSteps)-1]
	for _, s := range clockSteps {
		if float64(span)/float64(s)*labelRoom(s) <= room {
			step = s
			break
		}
	}
	first := from.UTC().Truncate(day)
	if step < day {
		first = from.UTC().Truncate(step)
	}
	p.path("axis", "")
	p.move(x.from, y)
	p.to("H", x.to)
	p.eachTick(first, from, to, step, func(t time.Time) {
		px := x.at(float64(t.Sub(from)))
		p.move(px, y)
		p.raw("v4")
	})
	p.endPath()
	half := labelRoom(step)/2 - 8
	p.eachTick(first, from, to, step, func(t time.Time) {
		px := min(max(x.at(float64(t.Sub(from))), x.from+half-4), x.to+4-half)
		p.text(px, y+16, "m", clockLabel(t, step))
	})
}

// maxTicks bounds the labels of an axis, whatever the span.
const maxTicks = 64

func (p *pen) eachTick(first, from, to time.Time, step time.Duration, do func(time.Time)) {
	n := 0
	for t := first; !t.After(to) && n < maxTicks; t = t.Add(step) {
		if !t.Before(from) {
			do(t)
			n++
		}
	}
}

// labelRoom gives the pixels that a label of a step needs.
func labelRoom(step time.Duration) float64 {
	switch {
	case step < time.Minute:
		return 62
	case step < day:
		return 50
	}
	return 52
}

func clockLabel(t time.Time, step time.Duration) string {
	switch {
	case step >= 91*day:
		return t.Format("Jan 2006")
	case step >= day, t.Equal(t.Truncate(day)):
		return t.Format("2 Jan")
	case step < time.Minute:
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}
