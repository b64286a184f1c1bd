package plot

import (
	"math"
	"slices"
	"time"
)

// Beat is one session of a channel.
type Beat struct {
	At             time.Time
	Sent, Received int64 // bytes; negative where the log does not tell
	Failed         bool  // denied, or without an answer
}

// Window is the span of gaps that a detector fitted, with what it counted.
type Window struct {
	// Low and High bound the gaps that count as in rhythm, both included. Zero: no window was fitted. Where they are
	// whole seconds, as a detector on a clock of seconds gives them, the window reaches half a second beyond both.
	Low, High time.Duration
	// Mean is the mean of the gaps in the window. Zero: it is taken from the beats.
	Mean time.Duration
	// P3 and P97 are the 3 % and 97 % points of those gaps: the law of the jitter. Zero: not known.
	P3, P97 time.Duration
	// Dead is the detector's dead time: a session that begins sooner than this after the last one that counted is
	// part of the same beat.
	Dead time.Duration
	// In of Of gaps lie in the window. Where Of is zero they are counted from the beats.
	In, Of int64
}

func (w *Window) valid() bool { return w.Low > 0 && w.High >= w.Low }

func (w *Window) holds(g time.Duration) bool {
	low, high := w.edges()
	return g >= low && g <= high
}

// edges gives the ends of the window, those of a clock of seconds half a second beyond its numbers.
func (w *Window) edges() (low, high time.Duration) {
	if w.Low%time.Second != 0 || w.High%time.Second != 0 || w.High > math.MaxInt64-time.Second {
		return w.Low, w.High
	}
	return w.Low - time.Second/2, w.High + time.Second/2
}

// Bin counts the gaps from Low to High, both included.
type Bin struct {
	Low, High time.Duration
	N         int64
}

// Span is a stretch of time, To excluded.
type Span struct{ From, To time.Time }

// Channel is what the pictures of one channel are drawn from.
type Channel struct {
	// Beats are the sessions in order of time.
	Beats []Beat
	// Window is what was fitted.
	Window Window
	// Bins are the detector's own counts of gaps, in order. The histogram shows them where the beats are not all kept.
	Bins []Bin
	// From and To bound the log, so that a quiet time can be told from one without a log. Zero: the beats' own.
	From, To time.Time
	// Kept, where it is not zero, says that beats before it were counted and not kept: nothing is drawn of the time
	// before, but that the channel was seen from First on.
	Kept, First time.Time
	// Silent are the times, in order, of which there is no log.
	Silent []Span
}

// span gives the time of which the beats are known.
func (c *Channel) span() (from, to time.Time) {
	from, to = c.From, c.To
	if n := len(c.Beats); n > 0 {
		if first := c.Beats[0].At; from.IsZero() || first.Before(from) {
			from = first
		}
		if last := c.Beats[n-1].At; to.IsZero() || last.After(to) {
			to = last
		}
	}
	if c.Kept.After(from) {
		from = c.Kept
	}
	return from.UTC(), to.UTC()
}

// gap is the time from one beat to the next.
type gap struct {
	at     time.Time // of the later beat
	length time.Duration
}

// gaps gives the gaps between the beats that the dead time lets through.
func (c *Channel) gaps() []gap {
	if len(c.Beats) < 2 {
		return nil
	}
	out := make([]gap, 0, len(c.Beats)-1)
	last := c.Beats[0].At
	for _, b := range c.Beats[1:] {
		d := b.At.Sub(last)
		if d <= 0 || d < c.Window.Dead {
			continue
		}
		out = append(out, gap{b.At, d})
		last = b.At
	}
	return out
}

// mean gives the mean gap in the window, or the median of all gaps where there is no window.
func (c *Channel) mean(gaps []gap) time.Duration {
	if c.Window.Mean > 0 {
		return c.Window.Mean
	}
	if c.Window.valid() {
		var sum float64
		n := 0
		for _, g := range gaps {
			if c.Window.holds(g.length) {
				sum += float64(g.length)
				n++
			}
		}
		if n > 0 {
			return time.Duration(sum / float64(n))
		}
		return c.Window.Low + (c.Window.High-c.Window.Low)/2
	}
	return medianGap(gaps)
}

func medianGap(gaps []gap) time.Duration {
	if len(gaps) == 0 {
		return 0
	}
	lengths := make([]time.Duration, len(gaps))
	for i, g := range gaps {
		lengths[i] = g.length
	}
	slices.Sort(lengths)
	return lengths[len(lengths)/2]
}

// hole is a run of beats that were due and not seen.
type hole struct {
	after time.Time // the beat before
	step  time.Duration
	n     int64 // due at after+step, after+2*step …
}

// end gives, to a nanosecond a step, the beat after the hole.
func (h *hole) end() time.Time { return h.after.Add(h.step * time.Duration(h.n+1)) }

// holes finds where beats are missing: in gaps that are longer than the window, at least one and a half times the
// mean, and not without a log.
func (c *Channel) holes(gaps []gap, mean time.Duration) []hole {
	if mean <= 0 || !c.Window.valid() {
		return nil
	}
	var out []hole
	for _, g := range gaps {
		if g.length <= c.Window.High || g.length < mean+mean/2 || c.silent(g.at.Add(-g.length), g.at) {
			continue
		}
		n := int64((g.length+mean/2)/mean) - 1
		out = append(out, hole{g.at.Add(-g.length), g.length / time.Duration(n+1), n})
	}
	return out
}

// silent reports whether some of the time between has no log.
func (c *Channel) silent(from, to time.Time) bool {
	i, _ := slices.BinarySearchFunc(c.Silent, from, func(s Span, t time.Time) int { return s.To.Compare(t) })
	for ; i < len(c.Silent); i++ {
		if c.Silent[i].To.After(from) {
			return c.Silent[i].From.Before(to)
		}
	}
	return false
}

// due gives how many of the hole's beats fall into a span.
func (h *hole) due(from, to time.Time) int64 {
	// The beats are 1 to n; those before t are as many as fit whole.
	before := func(t time.Time) int64 {
		d := t.Sub(h.after)
		if d <= 0 {
			return 0
		}
		return min((int64(d)-1)/int64(h.step), h.n)
	}
	return before(to) - before(from)
}
