package beatref

import "math/rand/v2"

// firstDay is 2024-03-10T00:00:00 UTC, where the random worlds begin.
const firstDay = 738_954 * Day

// worldDays is how many days a random world spans.
const worldDays = 3

// Random makes a small world of n events that is hard on the rule: few names,
// so that ties, repeats and shared keys are frequent; gaps about the threshold
// with fractions of a second; records on midnights and hour borders; addresses
// that are private, IPv6, odd or empty; null ports and bytes; other vendors and
// record types; duplicates; an order that is mostly shuffled. With the lower
// thresholds of RandomParams many worlds hold findings.
func Random(rng *rand.Rand, n int) []Event {
	var out []Event
	for len(out) < n {
		switch {
		case rng.IntN(4) > 0:
			out = append(out, burst(rng)...)
		case rng.IntN(2) == 0 || len(out) == 0:
			out = append(out, lone(rng))
		default:
			out = append(out, echo(rng, out[rng.IntN(len(out))]))
		}
	}
	out = out[:n]
	if rng.IntN(4) > 0 {
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// RandomParams draws the rule's constants: often low enough for findings in a
// world of some hundred events, sometimes the rule's own. Now is set in one of
// four, on a border or in the middle of a window.
func RandomParams(rng *rand.Rand) Params {
	p := Default()
	p.ByChannel = rng.IntN(2) == 0
	if rng.IntN(8) > 0 {
		p.Gap = pick(rng, int64(25), 25, 25, 24, 26, 0, 59, -1)
		p.MinEvents = rng.Int64N(6)
		p.MinModal = rng.Int64N(5)
		p.MinPercent = pick(rng, 0, 20, 100.0/3, 50, 60, 75, 80)
	}
	p.Bin = pick(rng, Hour, Hour, 10*Minute, Minute, 7*Minute, Day)
	p.Window = pick(rng, Day, Day, Day, Hour, 6*Hour, 7*Hour, 2*Day)
	if rng.IntN(4) == 0 {
		now := firstDay + rng.Int64N(worldDays*24)*Hour + 2*p.Window
		if rng.IntN(2) == 0 {
			now += rng.Int64N(Hour)
		}
		p.Now = &now
	}
	return p
}

// burst is a channel that beats for a while. It is laid so that one of its
// beats falls on an hour border, often midnight, give or take a tick.
func burst(rng *rand.Rand) []Event {
	base := lone(rng)
	count := 2 + rng.Int64N(40)
	period := pick(rng, 25*Second, 26*Second, 26*Second, 27*Second, 60*Second, 60*Second, 61*Second,
		25*Second+Second/5, 25*Second+9*Second/10)
	base.Ticks = border(rng) - rng.Int64N(count)*period
	jitter := pick(rng, int64(1), 1, 2, Second/2, Second, 3*Second)
	out := make([]Event, 0, count)
	for i := range count {
		e := base
		e.Ticks += i*period + rng.Int64N(jitter)
		setBytes(rng, &e)
		if rng.IntN(40) == 0 {
			setUser(rng, &e)
		}
		out = append(out, e)
		if rng.IntN(20) == 0 {
			out = append(out, echo(rng, e))
		}
	}
	return out
}

// border is a midnight of the world, an hour, or a tick on either side.
func border(rng *rand.Rand) int64 {
	at := firstDay + rng.Int64N(worldDays+1)*Day
	if rng.IntN(2) == 0 {
		at = firstDay + rng.Int64N(worldDays*24+1)*Hour
	}
	return at + pick(rng, int64(0), 0, 0, 1, -1, Second/10, -Second/10, 9*Second/10)
}

// echo repeats a record: as it is, or with one thing changed at the same time
// or close to it, so that every sort key has ties.
func echo(rng *rand.Rand, e Event) Event {
	other := lone(rng)
	switch rng.IntN(8) {
	case 0: // an exact duplicate
	case 1:
		e.DstIP = other.DstIP
	case 2:
		e.DstPort, e.PortKnown = other.DstPort, other.PortKnown
	case 3:
		e.Device, e.UserID = other.Device, other.UserID
	case 4:
		setBytes(rng, &e)
	case 5:
		e.SrcIP = other.SrcIP
	case 6:
		e.Ticks += pick(rng, int64(1), -1, Second, -Second, 25*Second, 26*Second)
	case 7:
		e.Vendor, e.Activity = other.Vendor, other.Activity
	}
	return e
}

// lone is one record with everything drawn.
func lone(rng *rand.Rand) Event {
	e := Event{
		Vendor: "Palo Alto Networks", Activity: "TRAFFIC",
		Ticks: border(rng) + rng.Int64N(20*Minute) - 10*Minute,
		SrcIP: source(rng), DstIP: destination(rng),
	}
	if rng.IntN(25) == 0 {
		e.Vendor = pick(rng, "palo alto networks", "Fortinet", "Palo Alto Networks ", "")
	}
	if rng.IntN(25) == 0 {
		e.Activity = pick(rng, "THREAT", "traffic", "")
	}
	if rng.IntN(6) > 0 {
		e.PortKnown, e.DstPort = true, pick(rng, int32(443), 443, 80, 8080, 9, 100, 0, 65535)
	}
	setUser(rng, &e)
	setBytes(rng, &e)
	return e
}

// source draws from few addresses. Their text order is not their number order,
// two pairs differ in spelling alone, and some are no addresses.
func source(rng *rand.Rand) string {
	if rng.IntN(8) == 0 {
		return pick(rng, "", "not-an-ip", "2001:db8::1", "2001:DB8::1", "::ffff:9.0.0.1", "10.0.0.01", "10.0.0.1/24")
	}
	return pick(rng, "10.0.0.1", "9.0.0.1", "100.0.0.1", "10.0.0.10", "192.168.0.2")
}

// destination draws public addresses mostly, then private ones, then texts that
// are no IPv4 address.
func destination(rng *rand.Rand) string {
	switch rng.IntN(10) {
	case 0:
		return pick(rng, "10.1.1.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.1.1/24", "10.0.0.1/7")
	case 1:
		return pick(rng, "", "2001:db8::8", "::ffff:8.8.8.8", "not-an-ip", "8.8.8", "8.8.8.8.8", "08.8.8.8",
			" 8.8.8.8", "8.8.8.8/33", "8.8.8.8/", "256.1.1.1", "fe80::1")
	case 2:
		return pick(rng, "172.15.0.1", "172.32.0.1", "127.0.0.1", "169.254.1.1", "0.0.0.0", "11.0.0.1", "192.169.0.1",
			"203.0.113.5/24", "203.0.113.0/24", "10.0.0.1/4", "8.8.8.8/0")
	}
	return pick(rng, "8.8.8.8", "8.8.8.80", "9.9.9.9", "100.1.1.1")
}

// setUser draws the device and the user, empty ones among them.
func setUser(rng *rand.Rand, e *Event) {
	e.Device = pick(rng, "fw-1", "fw-1", "fw-1", "fw-10", "fw-2", "")
	e.UserID = pick(rng, "", "", "", "alice", "Alice", `corp\bob`)
}

// setBytes draws byte counts past 32 bits, zeros and nulls. No sum of a world
// comes near the end of 64 bits: what Kusto does there is not known.
func setBytes(rng *rand.Rand, e *Event) {
	e.SentKnown, e.ReceivedKnown = rng.IntN(8) > 0, rng.IntN(8) > 0
	e.Sent, e.Received = 0, 0
	if e.SentKnown {
		e.Sent = pick(rng, int64(0), 1, 517, 1<<31, 1<<33+7)
	}
	if e.ReceivedKnown {
		e.Received = pick(rng, int64(0), 2, 4096, 1<<32, 1<<40+1)
	}
}

// pick draws one of its arguments.
func pick[T any](rng *rand.Rand, choices ...T) T {
	return choices[rng.IntN(len(choices))]
}
