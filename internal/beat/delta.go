package beat

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"drumbeat/internal/traffic"
)

// Scope says between which records Delta counts a gap.
type Scope uint8

const (
	// BySource counts the gap to the next record of the same source, whatever its destination: the founding rule to
	// the letter.
	BySource Scope = iota
	// ByChannel counts the gap to the next record of the same source, destination and port, so that other traffic of
	// the source does not break up a beacon.
	ByChannel
)

// Delta is the rule "Palo Alto - potential beaconing detected" (f0be259a-34ac-4946-aa15-ca2b115d5feb, version 1.0.6)
// with its constants as parameters. For each window, the gap from each record to the next is taken in whole seconds
// as KQL's datetime_diff counts them, gaps of MinGap or less are dropped, and the rest are counted by hour of the
// earlier record, device, user, source, destination and port. A group is reported if it has more than MinEvents gaps,
// more than MinModal of them equal, and those are more than MinPercent of all.
//
// BySource sees the records that the rule sees: DeviceVendor "Palo Alto Networks" and Activity "TRAFFIC". ByChannel
// sees all TRAFFIC records, those of Strata Logging Service too, which has TRAFFIC in another column.
type Delta struct {
	// Scope says which record is the next.
	Scope Scope
	// MinGap, in seconds: only greater gaps count.
	MinGap int64
	// MinEvents and MinModal: only greater numbers of gaps, and of equal gaps, are reported.
	MinEvents, MinModal int64
	// MinPercent: only a greater share of equal gaps is reported.
	MinPercent float64
	// Bin is the length, in ticks, of the spans that gaps are counted in.
	Bin int64
	// Window is the length of a window in ticks. Windows begin at the multiples of it, counted from 0001-01-01, and
	// hold both their ends. A window is run when another of its length has passed after its end.
	Window int64
	// Now, where it is not 0, is the one time, in ticks, at which the rule is run. The window is then that from
	// Now-2*Window to Now-Window, each floored to a multiple of Window, but no record before Now-2*Window is seen:
	// that is the rule's query period, which Sentinel applies besides the query's own bounds.
	Now int64
}

// FoundingRule gives the rule with its own constants: gaps over 25 s, over 30 gaps in the hour, over 25 of them
// equal, over 80 %, in windows of a day.
func FoundingRule(s Scope) Delta {
	return Delta{
		Scope: s, MinGap: 25, MinEvents: 30, MinModal: 25, MinPercent: 80,
		Bin: traffic.Hour, Window: traffic.Day,
	}
}

// DeltaRow is one row of the rule's result.
type DeltaRow struct {
	// RunAt is the time of the run that gives the row, Hour the start of its bin, both in ticks.
	RunAt, Hour int64
	// Device, User, Source and Destination are DeviceName, SourceUserID, SourceIP and DestinationIP.
	Device, User, Source, Destination string
	// Port is DestinationPort, or traffic.Unknown.
	Port int32
	// ModalCount is how often the most frequent gap occurs and ModalGap that gap in seconds; of gaps that are
	// equally frequent the smallest.
	ModalCount, ModalGap int64
	// Events is the number of gaps, Sent and Received the sums of the bytes of their earlier records.
	Events, Sent, Received int64
	// Percent is ModalCount as a share of Events.
	Percent float64
}

// Result is what Run found.
type Result struct {
	// Rows holds each rule's rows, in the order of run, source, hour, destination, port, device and user, texts by
	// their bytes.
	Rows [][]DeltaRow
	// Sources is the number of sources. Channels is the number of channels, or Unknown where no rule has ByChannel.
	Sources, Channels int64
}

// Run runs several rules over the flows of a Sorter, whose writers must be closed. The flows are used up.
func Run(ctx context.Context, s *Sorter, workers int, rules []Delta) (*Result, error) {
	if s.spill != nil {
		if err := s.spill.sync(); err != nil {
			return nil, err
		}
	}
	out := &Result{Rows: make([][]DeltaRow, len(rules)), Channels: traffic.Unknown}
	if usesChannels(rules) {
		out.Channels = 0
	}
	var mu sync.Mutex
	scratch := sync.Pool{New: func() any { return newPartitionRun(s, workers) }}
	err := s.each(ctx, workers, func(part int) error {
		p := scratch.Get().(*partitionRun)
		defer scratch.Put(p)
		found, err := p.run(ctx, part, rules)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range found.Rows {
			out.Rows[i] = append(out.Rows[i], found.Rows[i]...)
		}
		out.Sources += found.Sources
		if out.Channels != traffic.Unknown {
			out.Channels += found.Channels
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, rows := range out.Rows {
		slices.SortFunc(rows, compareRows)
	}
	return out, nil
}

// usesChannels reports whether any rule counts gaps along channels.
func usesChannels(rules []Delta) bool {
	return slices.ContainsFunc(rules, func(d Delta) bool { return d.Scope == ByChannel })
}

func compareRows(a, b DeltaRow) int {
	return cmp.Or(
		cmp.Compare(a.RunAt, b.RunAt), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Hour, b.Hour),
		cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.Port, b.Port),
		cmp.Compare(a.Device, b.Device), cmp.Compare(a.User, b.User),
	)
}

// gap is a gap that counts, or several equal ones of one group.
type gap struct {
	dst, port, who uint32
	count, seconds int64
	sent, received int64
}

// bucket gathers the gaps of one source, window and bin.
type bucket struct {
	window, hour int64
	gaps         []gap
	events       int64
	compactAt    int
}

// counter runs one rule over rows that come in the rule's order: all of a source, or of a channel, together.
type counter struct {
	rule   Delta
	names  *names
	prev   row // the row before
	begun  bool
	lo, hi int64 // the only window, where rule.Now is set
	// open holds the buckets of two windows: a record at the border of two belongs to both.
	open [2]bucket
	rows []DeltaRow
}

func newCounter(rule Delta, n *names) *counter {
	c := &counter{rule: rule, names: n}
	if rule.Now != 0 {
		c.lo, c.hi = rule.Now-2*rule.Window, traffic.Floor(rule.Now-rule.Window, rule.Window)
	}
	return c
}

// sees reports whether the rule reads a row.
func (c *counter) sees(r *row) bool {
	if c.rule.Now != 0 && (r.time < c.lo || r.time > c.hi) {
		return false
	}
	return c.rule.Scope == ByChannel || r.port&hasActivity != 0
}

// push takes the next row.
func (c *counter) push(r *row) {
	if !c.sees(r) {
		return
	}
	p := &c.prev
	switch {
	case !c.begun:
		c.begun = true
	case !sameSource(p, r) || c.rule.Scope == ByChannel && !sameDestination(p, r):
		c.flush()
	default:
		// datetime_diff counts the second borders between the two times.
		if seconds := r.time/traffic.Second - p.time/traffic.Second; seconds > c.rule.MinGap {
			c.count(p, r, seconds)
		}
	}
	*p = *r
}

// count books the gap from p to the next row under each window that holds both. A row at the border of two windows
// lies in both.
func (c *counter) count(p, next *row, seconds int64) {
	if c.rule.Now != 0 {
		c.add(0, p, seconds)
		return
	}
	w := c.rule.Window
	k := p.time / w
	if k*w == p.time && next.time == p.time && k > 0 {
		c.add(k-1, p, seconds)
	}
	if next.time <= (k+1)*w {
		c.add(k, p, seconds)
	}
}

func (c *counter) add(window int64, p *row, seconds int64) {
	b := &c.open[window&1]
	hour := traffic.Floor(p.time, c.rule.Bin)
	if len(b.gaps) > 0 && (b.window != window || b.hour != hour) {
		c.close(b)
	}
	b.window, b.hour = window, hour
	if len(b.gaps) >= max(b.compactAt, compactAt) {
		b.gaps = compact(b.gaps)
		b.compactAt = 2 * len(b.gaps) // so that sorting stays a small part of the work where few are equal
	}
	b.events++
	b.gaps = append(b.gaps, gap{
		dst: p.dst, port: p.port & (portMask | dstIsText), who: p.who,
		count: 1, seconds: seconds, sent: max(p.sent, 0), received: max(p.received, 0),
	})
}

// compactAt is the number of gaps at which equal ones are joined. With the rule's own threshold of 25 s an hour holds
// at most 139, so it is reached only by rules with a much smaller one.
const compactAt = 1 << 14

// compact sorts gaps by group and length and joins equal ones.
func compact(gaps []gap) []gap {
	slices.SortFunc(gaps, func(a, b gap) int {
		return cmp.Or(
			cmp.Compare(a.dst, b.dst), cmp.Compare(a.port, b.port), cmp.Compare(a.who, b.who),
			cmp.Compare(a.seconds, b.seconds),
		)
	})
	out := gaps[:0]
	for _, g := range gaps {
		if n := len(out); n > 0 && out[n-1].sameGroup(&g) && out[n-1].seconds == g.seconds {
			out[n-1].count += g.count
			out[n-1].sent += g.sent
			out[n-1].received += g.received
			continue
		}
		out = append(out, g)
	}
	return out
}

func (g *gap) sameGroup(o *gap) bool { return g.dst == o.dst && g.port == o.port && g.who == o.who }

// flush closes what is open, at the end of a source or channel.
func (c *counter) flush() {
	for i := range c.open {
		if b := &c.open[i]; len(b.gaps) > 0 {
			c.close(b)
		}
	}
}

// close reports the groups of a bucket that pass the rule's thresholds, and empties it. c.prev is still a row of the
// bucket's source.
func (c *counter) close(b *bucket) {
	if b.events > c.rule.MinEvents {
		gaps := compact(b.gaps)
		for len(gaps) > 0 {
			n := 1
			for n < len(gaps) && gaps[n].sameGroup(&gaps[0]) {
				n++
			}
			c.report(b, gaps[:n])
			gaps = gaps[n:]
		}
	}
	b.gaps, b.events, b.compactAt = b.gaps[:0], 0, 0
}

// report judges one group, given its gaps by length.
func (c *counter) report(b *bucket, gaps []gap) {
	r := DeltaRow{}
	for i := range gaps {
		g := &gaps[i]
		r.Events += g.count
		r.Sent += g.sent
		r.Received += g.received
		if g.count > r.ModalCount {
			r.ModalCount, r.ModalGap = g.count, g.seconds
		}
	}
	r.Percent = float64(r.ModalCount) / float64(r.Events) * 100
	if r.Events <= c.rule.MinEvents || r.ModalCount <= c.rule.MinModal || !(r.Percent > c.rule.MinPercent) {
		return
	}
	place := row{dst: gaps[0].dst, port: gaps[0].port}
	r.RunAt = c.rule.Now
	if r.RunAt == 0 {
		r.RunAt = (b.window + 2) * c.rule.Window
	}
	r.Hour = b.hour
	who := c.names.who[gaps[0].who]
	r.Device, r.User = who.device, who.user
	r.Source, r.Destination = c.names.source(&c.prev), c.names.destination(&place)
	r.Port = int32(place.knownPort()) - 1
	c.rows = append(c.rows, r)
}
