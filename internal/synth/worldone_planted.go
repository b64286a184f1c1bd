package synth

import (
	"cmp"
	"net/netip"
	"slices"
)

// The settings of beacons in a Trial.
const (
	settingClean   = "clean"
	settingOffice  = "office"
	settingBurst   = "burst"
	settingNoise   = "noise"
	settingMixed   = "mixed"
	settingPartial = "partial"
)

// trialPeriod is a period of the grid, in seconds, with the presences that it is planted with.
type trialPeriod struct {
	seconds   float64
	presences []int64
}

func trialPeriods() []trialPeriod {
	return []trialPeriod{
		{10, []int64{hour, 6 * hour}},
		{60, []int64{hour, 6 * hour}},
		{300, []int64{6 * hour, day}},
		{3600, []int64{day, 7 * day}},
		{4 * 3600, []int64{3 * day, 7 * day}},
		{12 * 3600, []int64{7 * day}},
	}
}

// periodSpread is by what factor a period may differ from that of the grid. Thousands of implants with six periods in
// one company would be taken for a product, which a score must not be blamed for; their ports and sizes differ for the
// same reason.
const periodSpread = 1.4

// beacons adds the grid of beacons.
func (w *trial) beacons() {
	settings := []string{settingClean, settingOffice, settingBurst, settingNoise, settingMixed, settingPartial}
	i := uint64(0)
	for _, period := range trialPeriods() {
		for _, length := range period.presences {
			for _, jitter := range []float64{0, 0.1, 0.25, 0.5} {
				for _, missing := range []float64{0, 0.2} {
					for _, setting := range settings {
						truth := TrialTruth{
							Class: Malicious, Kind: setting, Period: period.seconds, Jitter: jitter, Missing: missing,
						}
						for range w.Each {
							d := newDice(hash(w.Seed, streamTrialBeacon, i))
							t := truth
							t.Period *= d.logUniform(1/periodSpread, periodSpread)
							w.beacon(d, t, length)
							i++
						}
					}
				}
			}
		}
	}
}

// beacon adds one implant on one machine. Most use an address of their own; some stand behind an address that others
// use too, as all that are mixed with browsing might.
func (w *trial) beacon(d dice, truth TrialTruth, length int64) {
	calls := w.beaconCalls(d, &truth, presence(d, length))
	port := uint16(443)
	if d.below(0.6) {
		port = [...]uint16{80, 8080, 8443, 8888, 4443, 2083, 50050, 1177}[d.IntN(8)] + uint16(d.IntN(4))
	}
	for range 8 {
		src := w.host(d.IntN(w.hosts))
		dst := w.rare(d)
		if shared := truth.Kind == settingMixed || truth.Kind == settingPartial; shared && d.below(0.5) || d.below(0.1) {
			dst = w.place(d)
		}
		if w.add(src, dst, port, calls, truth) {
			return
		}
	}
}

// beaconCalls gives the sessions of an implant, and of others on its channel.
func (w *trial) beaconCalls(d dice, truth *TrialTruth, p span) (calls []Call) {
	beats := checkIns(d, truth, p)
	sent, received := d.logUniform(80, 8000), d.logUniform(100, 12_000)
	beat := func(at int64) {
		s, r := sent, received
		if common := 0.85; !d.below(common) {
			s, r = d.logNormal(2*sent, 1), d.logNormal(2*received, 1)
		}
		calls = append(calls, call(at, 0.15+0.5*d.ExpFloat64(), s, r, protoNumberTCP))
	}
	for _, at := range beats {
		beat(at)
		if truth.Kind == settingBurst {
			for range d.IntN(3) {
				at += int64(400 * d.ExpFloat64())
				beat(at)
			}
		}
	}
	switch truth.Kind {
	case settingNoise:
		for range len(beats) / 4 {
			at := p.from + int64(d.Float64()*float64(p.to-p.from))
			calls = append(calls, call(at, d.logNormal(2, 1.6), d.logNormal(1300, 0.8), d.logNormal(12_000, 1.6), protoNumberTCP))
		}
	case settingMixed:
		calls = append(calls, w.visits(d, p, sent, received)...)
	case settingPartial:
		calls = append(calls, w.visits(d, span{0, trialSpan}, sent, received)...)
	}
	return calls
}

// PlantInto makes beacons for real traffic: on its sources, within a span of milliseconds, each with an address of its
// own. They have periods of 10 s to an hour, as far as the span has room for ten check-ins, four jitters, with and
// without missed check-ins, clean, in bursts and with noise.
func PlantInto(seed uint64, sources []netip.Addr, from, to int64) []TrialChannel {
	const fewest, most = 10, 500
	w := &trial{Trial: Trial{Seed: seed}, taken: make(map[trialKey]bool)}
	var out []TrialChannel
	for _, period := range []float64{10, 60, 300, 900, 3600} {
		for _, jitter := range []float64{0, 0.1, 0.25, 0.5} {
			for _, missing := range []float64{0, 0.2} {
				for _, setting := range []string{settingClean, settingBurst, settingNoise} {
					d := newDice(hash(seed, streamTrialBeacon, uint64(len(out)), uint64(period)))
					truth := TrialTruth{Class: Malicious, Kind: setting, Period: period, Jitter: jitter, Missing: missing}
					length := min(to-from, int64(most*period)*second)
					if length < int64(fewest*period)*second {
						continue
					}
					begin := from + int64(d.Float64()*float64(to-from-length))
					calls := w.beaconCalls(d, &truth, span{begin, begin + length})
					slices.SortStableFunc(calls, func(a, b Call) int { return cmp.Compare(a.Start, b.Start) })
					out = append(out, TrialChannel{
						Source: sources[d.IntN(len(sources))], Destination: addr4(w.rare(d)), Port: 443, Calls: calls, Truth: truth,
					})
				}
			}
		}
	}
	return out
}

// visits is browsing on the channel of a beacon. Three in a hundred of its sessions have the beacon's sizes.
func (w *trial) visits(d dice, p span, sent, received float64) []Call {
	calls := w.backgroundCalls(d, kindBrowsing, browsing(d, p, d.logUniform(20, 400)))
	for i := range calls {
		calls[i].Protocol = protoNumberTCP
		if d.below(0.03) {
			calls[i].Sent, calls[i].Received = uint32(sent), uint32(received)
		}
	}
	return calls
}

// workTime is how long a check-in takes, on average, in milliseconds.
const workTime = 100

// checkIns gives the times of an implant that sleeps after the work of each check-in, as implants do: so its phase
// drifts. It notes in the truth what gaps that gave.
func checkIns(d dice, truth *TrialTruth, p span) (beats []int64) {
	period := truth.Period * 1000
	for t := float64(p.from) + period*d.Float64(); t < float64(p.to); {
		at := int64(t)
		asleep := truth.Kind == settingOffice && !office(trialMonday+at)
		if !asleep && !d.below(truth.Missing) {
			beats = append(beats, at)
		}
		t += period*(1-truth.Jitter*d.Float64()) + workTime*d.ExpFloat64()
	}
	truth.note(beats)
	return beats
}

// note sets the number of beats and the gaps between them.
func (t *TrialTruth) note(beats []int64) {
	t.Beats = len(beats)
	if len(beats) < 2 {
		return
	}
	gaps := make([]float64, len(beats)-1)
	sum := 0.0
	for i := range gaps {
		gaps[i] = float64(beats[i+1]-beats[i]) / 1000
		sum += gaps[i]
	}
	slices.Sort(gaps)
	t.MedianGap, t.MeanGap = gaps[len(gaps)/2], sum/float64(len(gaps))
}

// pollers adds harmless programs that are as regular as beacons: most belong to a product on several machines, some
// are the only ones of their kind.
func (w *trial) pollers() {
	for product, left := uint64(0), w.Pollers; left > 0; product++ {
		d := newDice(hash(w.Seed, streamTrialPoller, product))
		machines := 1
		if d.below(0.75) {
			machines = min(left, int(d.logUniform(2, float64(w.hosts)/4)))
		}
		left -= machines
		w.product(d, machines)
	}
}

// product adds the channels of one program.
func (w *trial) product(d dice, machines int) {
	periods := [...]float64{30, 60, 60, 120, 300, 300, 600, 900, 1800, 3600, 7200, 14400}
	truth := TrialTruth{
		Class: Harmless, Kind: "product", Period: periods[d.IntN(len(periods))],
		Jitter: [...]float64{0, 0, 0.02, 0.1, 0.2}[d.IntN(5)],
	}
	if machines == 1 {
		truth.Kind = "single"
	}
	sent, received := d.logUniform(200, 4000), d.logUniform(150, 20_000)
	places := make([]uint32, 1+d.IntN(3))
	for i := range places {
		places[i] = w.rare(d)
	}
	for range machines {
		t := truth
		length := presences()[1+d.IntN(3)]
		beats := checkIns(d, &t, presence(d, max(length, int64(12*truth.Period)*second)))
		calls := make([]Call, len(beats))
		for i, at := range beats {
			calls[i] = call(at, 0.2+d.ExpFloat64(), sent+float64(d.IntN(8)), received+float64(d.IntN(60)), protoNumberTCP)
		}
		for range 4 {
			if w.add(w.host(d.IntN(w.hosts)), places[d.IntN(len(places))], 443, calls, t) {
				break
			}
		}
	}
}
