package synth

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"drumbeat/internal/traffic"
)

// Trial is the project's own world for judging detectors: channels with the truth about each, and no log around them.
// Its background is none of it periodic by construction, though some of it looks so: keep-alive connections have a
// hard shortest gap, habits come back each day. The beacons are a grid of period, jitter, missed beats, setting and
// length of presence. What a time series does not say, who talks to what and how much, is made up as plainly as can
// be: it checks the plumbing of a score, and promises nothing about a real network.
//
// The same Trial gives the same channels.
type Trial struct {
	Seed uint64
	// Background is the number of channels that are not periodic.
	Background int
	// Pollers is the number of harmless periodic channels: products on several machines, and single ones.
	Pollers int
	// Each is the number of beacons of each point of the grid, which has 528 points.
	Each int
}

// DefaultTrial has 100,000 background channels and four beacons of each point of the grid.
func DefaultTrial(seed uint64) Trial {
	return Trial{Seed: seed, Background: 100_000, Pollers: 1500, Each: 4}
}

// TrialSpan is the length of a Trial, in ticks.
const TrialSpan = 7 * traffic.Day

// TrialFrom is when a Trial begins, in ticks: a Monday.
func TrialFrom() int64 { return traffic.Ticks(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)) }

// maxTrial bounds the channels of a Trial.
const maxTrial = 5_000_000

// Validate reports the first field that is out of range.
func (t Trial) Validate() error {
	switch {
	case t.Background < 100 || t.Background > maxTrial:
		return bad("Background", t.Background, "100 to %d", maxTrial)
	case t.Pollers < 0 || t.Pollers > maxTrial:
		return bad("Pollers", t.Pollers, "0 to %d", maxTrial)
	case t.Each < 0 || t.Each > 1000:
		return bad("Each", t.Each, "0 to 1000")
	}
	return nil
}

// Class says what a channel of a Trial is.
type Class uint8

// The classes of channels.
const (
	// Other is neither of the two below: what a detector must not report.
	Other Class = iota
	// Harmless is periodic, but of a program that anyone may run.
	Harmless
	// Malicious is a beacon.
	Malicious
)

// Call is one session of a channel. Times are in milliseconds since the beginning of the Trial.
type Call struct {
	Start, Duration uint32
	Sent, Received  uint32
	// Protocol is the IP protocol's number.
	Protocol uint8
	// Device is the number of the firewall that logged it.
	Device uint8
	// Failed is set where nothing came back.
	Failed bool
}

// TrialChannel is one channel of a Trial, with its calls in the order of their starts.
type TrialChannel struct {
	Source, Destination netip.Addr
	Port                uint16
	Calls               []Call
	Truth               TrialTruth
}

// TrialTruth is the truth about a channel.
type TrialTruth struct {
	Class Class
	// Kind is the kind of background, the product, or the setting of the beacon.
	Kind string
	// Period is the configured sleep in seconds, and Jitter the share of it that varies: the sleep is uniform from
	// Period*(1-Jitter) to Period.
	Period, Jitter float64
	// Missing is the share of check-ins that do not happen.
	Missing float64
	// Beats is the number of check-ins, and MedianGap and MeanGap the gaps between them in seconds, 0 without any.
	Beats              int
	MedianGap, MeanGap float64
}

// Streams of chance of a Trial.
const (
	streamTrialBackground uint64 = iota + 100
	streamTrialPoller
	streamTrialBeacon
	streamTrialPlaces
)

// trial is a Trial in the making.
type trial struct {
	Trial
	hosts    int
	taken    map[trialKey]bool
	popular  alias
	channels []TrialChannel
}

type trialKey struct {
	src, dst uint32
	port     uint16
}

// Channels makes the world, ordered by source, destination and port.
func (t Trial) Channels() ([]TrialChannel, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	w := &trial{Trial: t, hosts: max(40, t.Background/50), taken: make(map[trialKey]bool, t.Background)}
	weights := make([]float64, popularPlaces)
	for i := range weights {
		weights[i] = 1 / float64(i+4)
	}
	w.popular = newAlias(weights)
	for i := range t.Background {
		w.background(newDice(hash(t.Seed, streamTrialBackground, uint64(i))), i)
	}
	w.pollers()
	w.beacons()
	slices.SortFunc(w.channels, func(a, b TrialChannel) int {
		return cmp.Or(a.Source.Compare(b.Source), a.Destination.Compare(b.Destination), cmp.Compare(a.Port, b.Port))
	})
	return w.channels, nil
}

// Numbers of addresses outside: well known ones, and those that a few dozen machines use.
const (
	popularPlaces  = 500
	familiarPlaces = 6000
)

// host gives the address of a machine.
func (w *trial) host(i int) uint32 { return 10<<24 | 20<<16 | uint32(i/250)<<8 | uint32(i%250+2) }

// place is where a channel of the background goes to: a well known address, a familiar one, or one of its own.
func (w *trial) place(d dice) uint32 {
	switch u := d.Float64(); {
	case u < 0.5:
		r := w.popular.draw(d)
		return 151<<24 | uint32(hash(w.Seed, streamTrialPlaces, uint64(r/20))%200)<<16 | uint32(r/20)<<8 | uint32(r%20*7+1)
	case u < 0.8:
		r := uint64(d.IntN(familiarPlaces))
		return 62<<24 | uint32(r/50)<<8 | uint32(r%50*5+1)
	}
	return w.rare(d)
}

// rare is an address that nobody else uses, by chance too small to count.
func (w *trial) rare(d dice) uint32 {
	first := [...]uint32{5, 31, 45, 77, 91, 109, 138, 176, 193, 212}
	return first[d.IntN(len(first))]<<24 | uint32(1+d.IntN(254))<<16 | uint32(d.IntN(256))<<8 | uint32(1+d.IntN(254))
}

// add puts a channel into the world, unless another one has its ends already.
func (w *trial) add(src, dst uint32, port uint16, calls []Call, truth TrialTruth) bool {
	key := trialKey{src, dst, port}
	if len(calls) == 0 || w.taken[key] {
		return false
	}
	w.taken[key] = true
	slices.SortFunc(calls, func(a, b Call) int {
		return cmp.Or(
			cmp.Compare(a.Start, b.Start), cmp.Compare(a.Duration, b.Duration),
			cmp.Compare(a.Sent, b.Sent), cmp.Compare(a.Received, b.Received),
		)
	})
	w.channels = append(w.channels, TrialChannel{
		Source: addr4(src), Destination: addr4(dst), Port: port, Calls: calls, Truth: truth,
	})
	return true
}

func addr4(ip uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)})
}

// trialSpan is TrialSpan in milliseconds.
const trialSpan = 7 * day

// span is a piece of the Trial, in milliseconds.
type span struct{ from, to int64 }

// presence gives a piece of the Trial of this length. A short one lies where people are at work.
func presence(d dice, length int64) span {
	if length >= trialSpan {
		return span{0, trialSpan}
	}
	hours := hoursOfDay()
	from := int64(0)
	for range 20 {
		from = int64(d.Float64() * float64(trialSpan-length))
		if length >= day || d.below(people(trialMonday+from+length/2, &hours)) {
			break
		}
	}
	return span{from, from + length}
}

// trialMonday is a Monday in milliseconds of the epoch, since people keeps a calendar.
const trialMonday = 4 * day

// busy is how busy people are at a time of the Trial, 1 at most.
func busy(at int64, hours *[24]float64) float64 { return people(trialMonday+at, hours) }

// logUniform is a number between two, its logarithm uniform.
func (d dice) logUniform(low, high float64) float64 {
	return math.Exp(math.Log(low) + d.Float64()*math.Log(high/low))
}

// presences are how long a channel of the background is there.
func presences() [4]int64 { return [4]int64{hour, 6 * hour, day, 7 * day} }

// call makes a session at a time, by a clock of whole seconds.
func call(at int64, duration float64, sent, received float64, protocol uint8) Call {
	const most = math.MaxUint32
	return Call{
		Start: uint32(at / second * second), Duration: uint32(min(duration*1000, most)),
		Sent: uint32(min(sent, most)), Received: uint32(min(received, most)), Protocol: protocol,
	}
}

// String names a class as truth files do.
func (c Class) String() string {
	switch c {
	case Other:
		return "other"
	case Harmless:
		return "benign_periodic"
	case Malicious:
		return "malicious"
	}
	return fmt.Sprintf("class %d", uint8(c))
}
