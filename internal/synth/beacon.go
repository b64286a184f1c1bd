package synth

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Law is how the gaps of a beacon spread around its period T, with a jitter j.
type Law string

// The laws of gaps.
const (
	Fixed  Law = "fixed"  // T, always
	Around Law = "around" // uniform from T(1-j) to T(1+j)
	Below  Law = "below"  // uniform from T(1-j) to T, as Cobalt Strike sleeps
	Gauss  Law = "gauss"  // normal, mean T, deviation jT, cut at three deviations and at T/10
)

// Laws lists every Law.
func Laws() []string { return []string{string(Fixed), string(Around), string(Below), string(Gauss)} }

// Where a beacon lives.
const (
	Quiet = "quiet" // a machine that talks to nearly nothing else outside
	Busy  = "busy"  // a person's machine
)

// Beacon is a channel with a rhythm to plant. Gaps are measured from the start
// of one check-in to the start of the next, and a missed beat leaves the timer
// running.
type Beacon struct {
	Name     string
	Period   time.Duration
	Jitter   float64 // share of the period
	Law      Law
	Miss     float64       // share of beats that do not happen
	Start    time.Duration // after the beginning of the log; 0: at some moment of the first period
	End      time.Duration // after the beginning of the log; 0: the end of the log
	Office   bool          // only Monday to Friday, 08:00 to 18:00 local time
	Burst    int           // connections a check-in, some hundred milliseconds apart
	Sent     int64         // bytes to the destination, median
	Received int64         // bytes back, median
	Spread   float64       // deviation of the logarithm of both sizes
	Host     string        // Quiet or Busy
	Dst      netip.Addr    // zero: one of the networks for documentation
	Port     uint16
	Protocol string // tcp or udp
	App      string // as the firewall calls it
	Blocked  bool   // the firewall drops it
	Benign   bool   // in the truth file a poller, not a beacon
}

// NewBeacon is a beacon on a person's machine, to port 443, every five minutes
// sharp.
func NewBeacon() Beacon {
	return Beacon{
		Period: 5 * time.Minute, Law: Fixed, Burst: 1, Sent: 420, Received: 1200,
		Host: Busy, Port: 443, Protocol: "tcp", App: "ssl",
	}
}

// Beacons is the first n of the shipped beacons: periods from 30 s to an hour
// and every law. After the twelfth they come again with other periods.
func Beacons(n int) []Beacon {
	mix := []Beacon{
		{Name: "minute sharp", Period: time.Minute, Law: Fixed, Host: Quiet},
		{Name: "five minutes, a fifth below", Period: 5 * time.Minute, Jitter: 0.2, Law: Below},
		{Name: "minute sharp over http", Period: time.Minute, Law: Fixed, Host: Quiet, Port: 80, App: "web-browsing"},
		{Name: "minute, a tenth around", Period: time.Minute, Jitter: 0.1, Law: Around},
		{Name: "a hundred seconds sharp, on a busy machine", Period: 100 * time.Second, Law: Fixed, Host: Busy, Port: 8443},
		{Name: "ten minutes, gaussian", Period: 10 * time.Minute, Jitter: 0.1, Law: Gauss, Spread: 0.1},
		{Name: "five minutes, misses a fifth", Period: 5 * time.Minute, Jitter: 0.05, Law: Around, Miss: 0.2},
		{Name: "two minutes, office hours", Period: 2 * time.Minute, Jitter: 0.15, Law: Below, Office: true},
		{Name: "quarter of an hour, in threes", Period: 15 * time.Minute, Jitter: 0.25, Law: Around, Burst: 3},
		{Name: "two minutes, blocked", Period: 2 * time.Minute, Jitter: 0.05, Law: Around, Blocked: true, Port: 4444},
		{Name: "an hour, a tenth around", Period: time.Hour, Jitter: 0.1, Law: Around, Spread: 0.3},
		{Name: "half an hour, a third below, in the middle", Period: 30 * time.Minute, Jitter: 0.37, Law: Below, Start: middle, End: middle},
	}
	out := make([]Beacon, 0, max(n, 0))
	for i := range max(n, 0) {
		b := mix[i%len(mix)]
		if round := i / len(mix); round > 0 {
			b.Period = time.Duration(float64(b.Period) * (1 + 0.37*float64(round%9))).Round(time.Second)
			b.Name += " (" + strconv.Itoa(round+1) + ")"
		}
		out = append(out, b.completed())
	}
	return out
}

// middle stands for the first quarter of the span as a start, and for the last
// one as an end, when the span is not known yet.
const middle = time.Duration(-1)

func (b Beacon) completed() Beacon {
	d := NewBeacon()
	d.Name, d.Period, d.Jitter, d.Law, d.Miss = b.Name, b.Period, b.Jitter, b.Law, b.Miss
	d.Start, d.End, d.Office, d.Spread = b.Start, b.End, b.Office, b.Spread
	d.Blocked, d.Benign, d.Dst = b.Blocked, b.Benign, b.Dst
	d.Burst = max(b.Burst, 1)
	if b.Host != "" {
		d.Host = b.Host
	}
	if b.Port != 0 {
		d.Port = b.Port
	}
	if b.App != "" {
		d.App = b.App
	}
	return d
}

// String is the text that [ParseBeacon] reads.
func (b Beacon) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "period=%s,jitter=%g,law=%s,burst=%d,size=%d/%d,host=%s,port=%d,proto=%s,app=%s",
		b.Period, b.Jitter, b.Law, b.Burst, b.Sent, b.Received, b.Host, b.Port, b.Protocol, b.App)
	optional := []struct {
		on   bool
		key  string
		text string
	}{
		{b.Name != "", "name", strings.ReplaceAll(b.Name, ",", ";")},
		{b.Miss != 0, "miss", strconv.FormatFloat(b.Miss, 'g', -1, 64)},
		{b.Spread != 0, "spread", strconv.FormatFloat(b.Spread, 'g', -1, 64)},
		{b.Start > 0, "start", b.Start.String()},
		{b.End > 0, "end", b.End.String()},
		{b.Dst.IsValid(), "dst", b.Dst.String()},
		{b.Office, "office", "true"},
		{b.Blocked, "blocked", "true"},
		{b.Benign, "benign", "true"},
	}
	for _, o := range optional {
		if o.on {
			s.WriteString("," + o.key + "=" + o.text)
		}
	}
	return s.String()
}

func (b Beacon) validate(span time.Duration) error {
	start, end := b.window(span)
	checks := []error{
		oneOf("law", string(b.Law), Laws()),
		oneOf("host", b.Host, []string{Quiet, Busy}),
		oneOf("proto", b.Protocol, []string{"tcp", "udp"}),
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	switch {
	case b.Period < time.Second || b.Period > 30*24*time.Hour:
		return bad("period", b.Period, "1s to 720h")
	case !(b.Jitter >= 0 && b.Jitter <= 0.9):
		return bad("jitter", b.Jitter, "0 to 0.9, a share of the period")
	case b.Law == Fixed && b.Jitter != 0:
		return bad("jitter", b.Jitter, "0 with law=fixed; or law=around, below or gauss")
	case !(b.Miss >= 0 && b.Miss <= 0.95):
		return bad("miss", b.Miss, "0 to 0.95")
	case b.Burst < 1 || b.Burst > 100:
		return bad("burst", b.Burst, "1 to 100")
	case b.Sent < 1 || b.Received < 0 || b.Sent > maxBytes || b.Received > maxBytes:
		return bad("size", fmt.Sprintf("%d/%d", b.Sent, b.Received), "SENT/RECEIVED, 1/0 to %d/%d", maxBytes, maxBytes)
	case !(b.Spread >= 0 && b.Spread <= 3):
		return bad("spread", b.Spread, "0 to 3")
	case b.Port == 0:
		return bad("port", b.Port, "1 to 65535")
	case b.Dst.IsValid() && !b.Dst.Is4():
		return bad("dst", b.Dst, "an IPv4 address")
	case start < 0 || end <= start || end > span:
		return bad("start and end", fmt.Sprintf("%s and %s", start, end), "start before end, both within the %s of the log", span)
	}
	if strings.ContainsAny(b.App, "=|,\\\" ") || b.App == "" {
		return bad("app", fmt.Sprintf("%q", b.App), "a name without blanks and = | , \\ \"")
	}
	return nil
}

// window is the life of the beacon as offsets from the beginning of the log.
func (b Beacon) window(span time.Duration) (start, end time.Duration) {
	start, end = b.Start, b.End
	if start == middle {
		start = span / 4
	}
	if end == middle {
		end = span * 3 / 4
	}
	if end == 0 {
		end = span
	}
	return start, end
}

// ParseBeacon reads a beacon from "key=value,…", for example
// "period=300s,jitter=0.2,law=below,office". What is not said is as in
// [NewBeacon]; a jitter without a law is around. Start and end may be times as
// RFC 3339 has them, or durations after from.
func ParseBeacon(text string, from time.Time) (Beacon, error) {
	b := NewBeacon()
	b.Law = ""
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if err := b.set(key, value, from); err != nil {
			return Beacon{}, err
		}
	}
	if b.Law == "" {
		b.Law = Fixed
		if b.Jitter != 0 {
			b.Law = Around
		}
	}
	return b, nil
}

// beaconKey is a key of a beacon's text.
type beaconKey struct {
	name string
	want string // what values it takes
	set  func(b *Beacon, value string, from time.Time) error
}

func beaconKeys() []beaconKey {
	const share, moment = "a number from 0 up to 1, such as 0.2", "a time such as 2026-03-02T09:30:00Z, or a duration after the beginning such as 90m"
	return []beaconKey{
		{"period", "a duration such as 300s or 1h", func(b *Beacon, v string, _ time.Time) (err error) {
			b.Period, err = time.ParseDuration(v)
			return err
		}},
		{"jitter", share, func(b *Beacon, v string, _ time.Time) error { return parseNumber(&b.Jitter, v) }},
		{"law", strings.Join(Laws(), ", "), func(b *Beacon, v string, _ time.Time) error {
			b.Law = Law(v)
			return oneOf("law", v, Laws())
		}},
		{"miss", share, func(b *Beacon, v string, _ time.Time) error { return parseNumber(&b.Miss, v) }},
		{"start", moment, func(b *Beacon, v string, from time.Time) error { return parseMoment(&b.Start, v, from) }},
		{"end", moment, func(b *Beacon, v string, from time.Time) error { return parseMoment(&b.End, v, from) }},
		{"office", "nothing, true or false", func(b *Beacon, v string, _ time.Time) error { return parseSwitch(&b.Office, v) }},
		{"burst", "a whole number", func(b *Beacon, v string, _ time.Time) (err error) {
			b.Burst, err = strconv.Atoi(v)
			return err
		}},
		{"size", "SENT/RECEIVED in bytes, such as 420/1200", func(b *Beacon, v string, _ time.Time) error { return b.setSize(v) }},
		{"spread", "a number such as 0.1", func(b *Beacon, v string, _ time.Time) error { return parseNumber(&b.Spread, v) }},
		{"host", Quiet + ", " + Busy, func(b *Beacon, v string, _ time.Time) error { b.Host = v; return nil }},
		{"dst", "an IPv4 address", func(b *Beacon, v string, _ time.Time) (err error) {
			b.Dst, err = netip.ParseAddr(v)
			return err
		}},
		{"port", "1 to 65535", func(b *Beacon, v string, _ time.Time) error {
			n, err := strconv.ParseUint(v, 10, 16)
			b.Port = uint16(n)
			return err
		}},
		{"proto", "tcp, udp", func(b *Beacon, v string, _ time.Time) error { b.Protocol = v; return nil }},
		{"app", "a name", func(b *Beacon, v string, _ time.Time) error { b.App = v; return nil }},
		{"blocked", "nothing, true or false", func(b *Beacon, v string, _ time.Time) error { return parseSwitch(&b.Blocked, v) }},
		{"benign", "nothing, true or false", func(b *Beacon, v string, _ time.Time) error { return parseSwitch(&b.Benign, v) }},
		{"name", "a text", func(b *Beacon, v string, _ time.Time) error { b.Name = v; return nil }},
	}
}

func (b *Beacon) set(key, value string, from time.Time) error {
	keys := beaconKeys()
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
		if k.name != key {
			continue
		}
		if k.set(b, value, from) != nil {
			return bad(key, fmt.Sprintf("%q", value), "%s", k.want)
		}
		return nil
	}
	return bad("key", fmt.Sprintf("%q", key), "%s", strings.Join(names, ", "))
}

func (b *Beacon) setSize(value string) error {
	sent, received, _ := strings.Cut(value, "/")
	var err error
	if b.Sent, err = strconv.ParseInt(sent, 10, 64); err != nil {
		return err
	}
	b.Received, err = strconv.ParseInt(received, 10, 64)
	return err
}

func parseNumber(to *float64, value string) (err error) {
	*to, err = strconv.ParseFloat(value, 64)
	return err
}

func parseSwitch(to *bool, value string) (err error) {
	if value == "" {
		*to = true
		return nil
	}
	*to, err = strconv.ParseBool(value)
	return err
}

func parseMoment(to *time.Duration, value string, from time.Time) error {
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		*to = t.Sub(from)
		return nil
	}
	d, err := time.ParseDuration(value)
	*to = d
	return err
}
