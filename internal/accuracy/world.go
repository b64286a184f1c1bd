package accuracy

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

// Session is one session of a channel, its times in milliseconds since World.From.
type Session = synth.Call

// World is channels, and the truth about each.
type World struct {
	// Name says which world it is, and of which seed.
	Name string
	// From is the time, in ticks, from which sessions count.
	From int64
	// Channels are ordered by source, destination and port. No two are equal in all three.
	Channels []Channel
	// Others is the number of channels that are neither malicious nor periodic and have at least MinRecords records: the
	// whole that shares of false alarms are of.
	Others int
	// Networks are the internal ones; nil means those of private use.
	Networks []netip.Prefix
	// First and Last are the starts of the first and the last session, in milliseconds since From.
	First, Last uint32
}

// MinRecords is how many records an other channel needs to count.
const MinRecords = 4

// minEvaluable is how many records a channel of an implant needs for the implant to be judged.
const minEvaluable = 8

// Channel is all sessions from one source to one port of one destination, in the order of their starts.
type Channel struct {
	Source, Destination netip.Addr
	Port                uint16
	Sessions            []Session
	Truth               Truth
}

// Truth is what is known about a channel.
type Truth struct {
	Class synth.Class
	// Group names the implant, which may own several channels.
	Group string
	// Kind is the kind of traffic of an other channel, or the program of a harmless one.
	Kind string
	// Setting is what is awkward about a beacon; Law how its sleep varies; Framework what it imitates.
	Setting, Law, Framework string
	// Period is the configured period in seconds, Jitter the share of it that varies, Missing the share of check-ins that
	// do not happen.
	Period, Jitter, Missing float64
	// Right holds all periods in seconds that count as found: the configured one, and what it came to.
	Right []float64
	// Records is the number of the channel's records, 0 in the truth of an other channel.
	Records int
	// order is the place in the file of the truth, for ties.
	order int
}

// evaluable reports whether the channel of a beacon, or of a harmless program, is long enough to be judged.
func (t *Truth) evaluable() bool { return t.Class != synth.Other && t.Records >= minEvaluable }

// FromTrial makes a world of the project's own.
func FromTrial(t synth.Trial, name string) (*World, error) {
	channels, err := t.Channels()
	if err != nil {
		return nil, err
	}
	w := &World{Name: name, From: synth.TrialFrom(), Channels: make([]Channel, len(channels))}
	for i := range channels {
		c := &channels[i]
		w.Channels[i] = Channel{
			Source: c.Source, Destination: c.Destination, Port: c.Port, Sessions: c.Calls, Truth: trialTruth(c, i),
		}
	}
	w.finish()
	return w, nil
}

func trialTruth(c *synth.TrialChannel, i int) Truth {
	t := Truth{
		Class: c.Truth.Class, Kind: c.Truth.Kind, Period: c.Truth.Period, Jitter: c.Truth.Jitter,
		Missing: c.Truth.Missing, order: i,
	}
	if t.Class == synth.Other {
		return t
	}
	t.Records, t.Law = len(c.Calls), "minus"
	t.Right = []float64{t.Period, c.Truth.MedianGap, c.Truth.MeanGap}
	if t.Class == synth.Malicious {
		t.Group, t.Setting = channelName(c.Source.String(), c.Destination.String(), int(c.Port)), c.Truth.Kind
	}
	return t
}

// finish sets what follows from the channels.
func (w *World) finish() {
	first := true
	w.Others = 0
	for i := range w.Channels {
		c := &w.Channels[i]
		if len(c.Sessions) == 0 {
			continue
		}
		lo, hi := c.Sessions[0].Start, c.Sessions[len(c.Sessions)-1].Start
		if first {
			w.First, w.Last, first = lo, hi, false
		}
		w.First, w.Last = min(w.First, lo), max(w.Last, hi)
		if c.Truth.Class == synth.Other && len(c.Sessions) >= MinRecords {
			w.Others++
		}
	}
}

// Sessions gives the number of sessions of all channels.
func (w *World) Sessions() int {
	n := 0
	for i := range w.Channels {
		n += len(w.Channels[i].Sessions)
	}
	return n
}

// ticks gives the time of a session's start.
func (w *World) ticks(ms uint32) int64 { return w.From + int64(ms)*traffic.Millisecond }

// index gives the place of each channel by its name.
func (w *World) index() map[string]int {
	out := make(map[string]int, len(w.Channels))
	for i := range w.Channels {
		c := &w.Channels[i]
		out[channelName(c.Source.String(), c.Destination.String(), int(c.Port))] = i
	}
	return out
}

// channelName names a channel by its ends.
func channelName(src, dst string, port int) string { return src + " " + dst + " " + strconv.Itoa(port) }

func sortSessions(s []Session) {
	slices.SortStableFunc(s, func(a, b Session) int { return cmp.Compare(a.Start, b.Start) })
}
