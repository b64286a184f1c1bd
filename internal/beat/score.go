package beat

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Reason is one part of a score. The weights of all reasons of a channel add up to its score exactly, the base rate
// among them.
type Reason struct {
	// Name is the part's name, or "base", "gate" or "view".
	Name string
	// Value is what was measured; Known is false where the log does not say, and then nothing is added.
	Value float64
	Known bool
	// Weight is in nats, a multiple of 0.1.
	Weight float64
	// Text says it in a sentence.
	Text string
}

// View says which of a channel's sessions a score looks at.
type View uint8

// The views of a channel.
const (
	// ViewWhole is all sessions.
	ViewWhole View = iota
	// ViewSize is those of the commonest size of what is sent.
	ViewSize
	// ViewSizes is those of a common size of both what is sent and what is received.
	ViewSizes
	// ViewGroup is those to several destinations that are visited in turn.
	ViewGroup
)

// String gives the view's name.
func (v View) String() string { return [...]string{"whole", "size", "sizes", "group"}[v] }

// company is what other channels say about one.
type company struct {
	hosts, network, alike int
	inside                bool
	// knowledge is what prevalence is worth in a log of so few sources: from 0 for one to 1 for a hundred.
	knowledge float64
	members   int // of the group
	// service is what the destination is known for, or empty; firstSeen is how many days ago it was first seen, or
	// negative where nothing is remembered.
	service   string
	firstSeen float64
}

// knowledge is min(1, ln N / ln 100) for N internal sources (score.md 2, small logs).
func knowledge(sources int) float64 {
	return min(1, math.Log(max(float64(sources), 1))/math.Log(100))
}

// value gives what a part of the score looks at, and false where it is not known.
func (m *measure) value(p Part, c *company) (float64, bool) {
	v := 0.0
	switch p {
	case PartRhythm:
		v = m.scan.s
	case PartSteady:
		v = m.gamma
	case PartShortGaps:
		v = m.shortGaps
	case PartLongGaps:
		v = m.longGaps
	case PartLoneStarts:
		v = m.loneStarts
	case PartSentSize:
		v = m.sentShare
	case PartReceivedSize:
		v = m.recvShare
	case PartReceivedMuch:
		v = m.recvMedian
	case PartSpan:
		v = m.hours
	case PartBeats:
		v = float64(m.sessions)
	case PartHosts:
		v = float64(c.hosts)
	case PartNetwork:
		v = float64(c.network)
	case PartAlike:
		v = float64(c.alike)
	case PartFailing:
		v = m.failing
	case PartBackOff:
		v = m.backOff()
	case PartInside:
		if c.inside {
			v = 1
		}
	case Parts:
		v = math.NaN()
	}
	return v, !math.IsNaN(v)
}

// weigh gives what a part's value is worth.
func (w *Weights) weigh(p Part, v float64, c *company) tenths {
	t := w.of(p, v)
	if t > 0 && (p == PartHosts || p == PartNetwork || p == PartAlike) {
		t = tenths(math.Round(float64(t) * c.knowledge))
	}
	return t
}

// score adds up the parts of a view.
func (w *Weights) score(view View, m *measure, c *company) tenths {
	sum := w.base + w.price(view)
	if w.gated(m) {
		sum += w.gate.nats
	}
	for p := range Parts {
		if v, known := m.value(p, c); known {
			sum += w.weigh(p, v, c)
		}
	}
	if c.service != "" {
		sum += w.known
	}
	if c.firstSeen >= 0 {
		sum += binOf(w.first, c.firstSeen)
	}
	return sum
}

func (w *Weights) price(view View) tenths {
	switch view {
	case ViewWhole:
	case ViewSize:
		return w.size
	case ViewSizes:
		return w.sizes
	case ViewGroup:
		return w.group
	}
	return 0
}

// gated reports whether a view shows too little rhythm for a finding, whatever else speaks for it.
func (w *Weights) gated(m *measure) bool { return m.scan.s < w.gate.rhythm && m.gamma < w.gate.gamma }

// reasons gives the parts of a view as reasons.
func (w *Weights) reasons(view View, m *measure, c *company) []Reason {
	out := make([]Reason, 0, int(Parts)+3)
	out = append(out, Reason{
		Name: "base", Value: w.base.nats(), Known: true, Weight: w.base.nats(),
		Text: "what is true of any channel before it is looked at: few are beacons",
	})
	for p := range Parts {
		v, known := m.value(p, c)
		r := Reason{Name: p.String(), Known: known}
		if known {
			r.Value, r.Weight, r.Text = v, w.weigh(p, v, c).nats(), m.sentence(p, v, c)
		} else {
			r.Text = "the log does not say: " + unknownText(p)
		}
		out = append(out, r)
	}
	switch view {
	case ViewWhole:
	case ViewSize:
		out = append(out, Reason{
			Name: "view", Value: float64(m.sessions), Known: true, Weight: w.size.nats(),
			Text: fmt.Sprintf("only the %d sessions of the commonest size are looked at", m.sessions),
		})
	case ViewSizes:
		out = append(out, Reason{
			Name: "view", Value: float64(m.sessions), Known: true, Weight: w.sizes.nats(),
			Text: fmt.Sprintf("only %d sessions of like sizes, both ways, are looked at", m.sessions),
		})
	case ViewGroup:
		out = append(out, Reason{
			Name: "view", Value: float64(c.members), Known: true, Weight: w.group.nats(),
			Text: fmt.Sprintf("one of %d addresses that are visited in turn, looked at as one", c.members),
		})
	}
	if c.service != "" {
		out = append(out, Reason{
			Name: "known", Value: 1, Known: true, Weight: w.known.nats(), Text: "the destination is known: " + c.service,
		})
	}
	if c.firstSeen >= 0 {
		out = append(out, Reason{
			Name: "first-seen", Value: c.firstSeen, Known: true, Weight: binOf(w.first, c.firstSeen).nats(),
			Text: fmt.Sprintf("the destination was first seen %s ago", spanText(c.firstSeen*86400)),
		})
	}
	if w.gated(m) {
		out = append(out, Reason{
			Name: "gate", Value: max(m.scan.s, m.gamma), Known: true, Weight: w.gate.nats.nats(),
			Text: "too little rhythm for a finding, whatever else speaks for it",
		})
	}
	return out
}

func unknownText(p Part) string {
	if p == PartSentSize {
		return "no record has the bytes sent"
	}
	return "no record has the bytes received"
}

// sentence says a part's value in words for an analyst.
func (m *measure) sentence(p Part, v float64, c *company) string {
	switch p {
	case PartRhythm:
		return m.rhythmText()
	case PartSteady:
		return steadyText(v)
	case PartShortGaps:
		return percent(v) + " of the pauses are under half the usual one"
	case PartLongGaps:
		return percent(v) + " of the pauses are over twice the usual one"
	case PartLoneStarts:
		return percent(v) + " of the sessions start alone, not in a burst"
	case PartSentSize:
		return percent(v) + " of the sessions send about the same number of bytes"
	case PartReceivedSize:
		return percent(v) + " of the sessions receive about the same number of bytes"
	case PartReceivedMuch:
		return "the usual session receives " + bytesText(v)
	case PartSpan:
		return "the first and the last session are " + spanText(v*3600) + " apart"
	case PartBeats:
		return plural(int(v), "session")
	case PartHosts:
		return talkText(int(v), "it", c)
	case PartNetwork:
		return talkText(int(v), "its network", c)
	case PartAlike:
		return alikeText(int(v))
	case PartFailing:
		return percent(v) + " of the sessions were denied or brought nothing back"
	case PartBackOff:
		return fmt.Sprintf("back-off of a client that tries a dead service: %.2f of 1", v)
	case PartInside:
		if c.inside {
			return "the destination is inside the company"
		}
		return "the destination is outside the company"
	case Parts:
	}
	return ""
}

func (m *measure) rhythmText() string {
	r := &m.scan
	if r.scale < 0 {
		return "no window of pauses stands out from random traffic"
	}
	return fmt.Sprintf("%d of %d pauses last %s to %s; chance from random traffic %s",
		r.inside, r.n, spanText(float64(r.lo)), spanText(float64(r.hi)), chanceText(r.s))
}

// steadyText says the likelihood ratio of a gamma law; it helps where jitter is too wide for a window.
func steadyText(v float64) string {
	switch {
	case v < 4:
		return "the pauses are about as uneven as random ones"
	case v < 16:
		return "the pauses keep somewhat closer to their mean than random ones"
	}
	return "the pauses keep much closer to their mean than random ones"
}

func talkText(n int, to string, c *company) string {
	verb := "talk to "
	if n == 1 {
		verb = "talks to "
	}
	text := plural(n, "internal machine") + " " + verb + to
	if c.knowledge < 1 {
		text += "; the log has few machines, so that this says less"
	}
	return text
}

func alikeText(n int) string {
	switch {
	case n <= 1:
		return "no other machine shows this rhythm, port and size"
	case n > alikeMost:
		return fmt.Sprintf("more than %d machines show this rhythm, port and size, to any destination", alikeMost)
	}
	return fmt.Sprintf("%d machines show this rhythm, port and size, to any destination", n)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func percent(v float64) string { return strconv.Itoa(int(math.Round(100*v))) + " %" }

// chanceText gives exp(-s).
func chanceText(s float64) string {
	if s < 4.6 {
		return percent(math.Exp(-s))
	}
	e := int(math.Floor(s / math.Ln10))
	if e > 300 {
		return "under 1e-300"
	}
	return "under 1e-" + strconv.Itoa(e)
}

func bytesText(v float64) string {
	switch {
	case v < 1000:
		return fmt.Sprintf("%.0f bytes", v)
	case v < 1e6:
		return fmt.Sprintf("%.1f kB", v/1e3)
	}
	return fmt.Sprintf("%.1f MB", v/1e6)
}

// spanText gives a length of time in the two units that matter.
func spanText(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	switch s := int64(d / time.Second); {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 7200 && s%60 == 0:
		return fmt.Sprintf("%d min", s/60)
	case s < 7200:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 2*86400:
		return fmt.Sprintf("%.1f h", float64(s)/3600)
	default:
		return fmt.Sprintf("%.1f days", float64(s)/86400)
	}
}
