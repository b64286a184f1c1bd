package plot

import (
	"math/rand/v2"
	"time"
)

// A made-up workstation that calls home every five minutes less up to a fifth, sleeps for a night, is denied for
// three quarters of an hour, and answers commands now and then.
var (
	logFrom = time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC)
	logTo   = time.Date(2026, 11, 23, 14, 20, 0, 0, time.UTC)
)

func sample() *Channel {
	rng := rand.New(rand.NewPCG(1, 2))
	c := &Channel{From: logFrom, To: logTo}
	asleep := Span{time.Date(2026, 11, 20, 22, 10, 0, 0, time.UTC), time.Date(2026, 11, 21, 7, 31, 0, 0, time.UTC)}
	denied := Span{time.Date(2026, 11, 23, 9, 2, 0, 0, time.UTC), time.Date(2026, 11, 23, 9, 51, 0, 0, time.UTC)}
	for t := time.Date(2026, 11, 19, 9, 41, 12, 0, time.UTC); t.Before(logTo); {
		awake := t.Before(asleep.From) || t.After(asleep.To)
		if awake && rng.Float64() > .028 {
			b := Beat{At: t.Truncate(time.Second), Sent: 612, Received: int64(430 + rng.IntN(60))}
			switch {
			case t.After(denied.From) && t.Before(denied.To):
				b.Failed, b.Sent, b.Received = true, 74, 0
			case rng.Float64() < .022:
				b.Sent, b.Received = int64(2900+rng.IntN(38000)), int64(900+rng.IntN(2600))
			case rng.Float64() < .06:
				b.Sent += int64(rng.IntN(90))
			}
			c.Beats = append(c.Beats, b)
		}
		t = t.Add(time.Duration((300*(1-.2*rng.Float64()) + 1.2 + rng.Float64()*1.3) * float64(time.Second)))
	}
	c.Window = Window{
		Low: 227 * time.Second, High: 319 * time.Second, P3: 243 * time.Second, P97: 300 * time.Second, Dead: 32 * time.Second,
	}
	return c
}

// steady is a channel with one beat each period, to the second.
func steady(period, length time.Duration) *Channel {
	c := &Channel{From: logFrom, To: logFrom.Add(length)}
	for t := logFrom; t.Before(c.To); t = t.Add(period) {
		c.Beats = append(c.Beats, Beat{At: t, Sent: 900, Received: 1800})
	}
	c.Window = Window{Low: period * 95 / 100, High: period * 105 / 100, P3: period, P97: period}
	return c
}

func sampleReasons() *Reasons {
	return &Reasons{Items: []Reason{
		{"base", "what is true of any channel before it is looked at: few are beacons", -8.4},
		{"rhythm", "1,129 of 1,161 gaps lie in 227–319 s; chance allows 19.4 %", 5.1},
		{"short-gaps", "no gap is much shorter than the rest", .4},
		{"long-gaps", "3 % of the gaps are over twice the median", .7},
		{"sent-size", "93 % of the requests have one size", .7},
		{"received-size", "answers have one size", 1.3},
		{"hosts", "2 of 1,840 internal machines talk to it", 1.1},
		{"network", "2 internal machines talk to its network", 1.0},
		{"alike", "2 sources show the same rhythm", -.6},
	}}
}
