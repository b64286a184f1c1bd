package beat

import (
	"cmp"
	"context"
	"math"
	"slices"

	"drumbeat/internal/traffic"
)

const (
	// keptBeats is how many of a channel's last sessions the views by size and group and the law are read from.
	keptBeats = 1 << 16
	// shownBeats is how many are shown.
	shownBeats = 64
	// shownNames is how many combinations of device, user and application are shown.
	shownNames = 16
)

// channelAbout is what is shown of a channel besides its rhythm.
type channelAbout struct {
	sessions, records, failed int64
	first, last               int64
	sent, received, longest   int64
	who                       []uint32
}

// channelReader takes the rows of a partition in order and measures each channel when it ends.
type channelReader struct {
	r     *rhythmRun
	found *partitionFound
	left  Left
	count struct{ channels, judged int64 }

	key   channelID
	begun bool
	about channelAbout
	k     sketch
	beats []Beat
	twice twice

	source     sourceReader
	scratch    [scales]scaleCounts
	gaps       []float64
	class      sketch
	joint      *[sizeBins][sizeBins]uint32
	cells      []sizeClass
	blocks     []sizeBlock
	classFound []sizeClass
	inClass    []Beat
}

// measureChannels is the third pass.
func (r *rhythmRun) measureChannels(ctx context.Context, run *sessionRun, part int) error {
	c := &channelReader{r: r, found: &r.parts[part]}
	c.twice.texts, c.twice.pairs = &r.s.texts, r.s.starts.Load()
	err := run.each(ctx, part, func(row *sessionRow) error {
		c.row(row)
		return nil
	})
	if err != nil {
		return err
	}
	c.closeChannel()
	c.closeSource()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.channels += c.count.channels
	r.judged += c.count.judged
	r.left.Duplicates += c.left.Duplicates
	r.left.Paired += c.left.Paired
	r.left.Ungrouped += c.left.Ungrouped
	return nil
}

func (c *channelReader) row(row *sessionRow) {
	c.turn(row.channel())
	c.about.records++
	switch at, what := c.twice.see(row, len(c.beats)); what {
	case seenNew:
		c.add(row)
	case seenBefore:
		c.left.Duplicates++
	case seenStart:
		c.left.Paired++
	case seenEnd:
		c.left.Paired++
		c.end(row, at)
	}
}

// turn goes to a channel, and closes the one before if that is another.
func (c *channelReader) turn(k channelID) {
	if c.begun && k == c.key {
		return
	}
	newSource := c.begun && !k.sameSource(c.key)
	c.closeChannel()
	if newSource {
		c.closeSource()
	}
	c.open(k)
}

func (c *channelReader) open(k channelID) {
	c.key, c.begun = k, true
	c.about = channelAbout{sent: traffic.Unknown, received: traffic.Unknown, longest: traffic.Unknown, who: c.about.who[:0]}
	c.k = sketch{}
	c.beats = c.beats[:0]
	c.twice.reset()
}

// add takes a session.
func (c *channelReader) add(row *sessionRow) {
	a := &c.about
	if a.sessions == 0 {
		a.first = row.start
	}
	a.sessions++
	a.last = row.start
	c.k.add(row.start)
	if len(c.beats) >= 2*keptBeats {
		n := copy(c.beats, c.beats[keptBeats:])
		c.beats = c.beats[:n]
		c.twice.dropped(keptBeats)
	}
	c.beats = append(c.beats, Beat{Start: row.start, Sent: traffic.Unknown, Received: traffic.Unknown})
	c.end(row, len(c.beats)-1)
}

// end takes what the end of a session tells, the beat at a place, which is negative where it is no longer kept.
func (c *channelReader) end(row *sessionRow, at int) {
	c.k.size(row.sent, row.received, row.failed())
	if at >= 0 {
		b := &c.beats[at]
		b.Sent, b.Received, b.Failed = row.sent, row.received, row.failed()
	}
	c.about.end(row, shownNames)
}

// end adds what the end of a session tells; so many names are kept.
func (a *channelAbout) end(row *sessionRow, names int) {
	if row.failed() {
		a.failed++
	}
	a.sent, a.received = addKnown(a.sent, row.sent), addKnown(a.received, row.received)
	if row.seconds != unknownSeconds {
		a.longest = max(a.longest, int64(row.seconds))
	}
	a.see(row.who, names)
}

// see notes who a session is of.
func (a *channelAbout) see(who uint32, names int) {
	if n := len(a.who); n == 0 || a.who[n-1] != who && n < names && !slices.Contains(a.who, who) {
		a.who = append(a.who, who)
	}
}

// addKnown adds a number of bytes to a sum, where both may be unknown. A sum stays at the greatest number.
func addKnown(sum, v int64) int64 {
	switch {
	case v < 0:
		return sum
	case sum < 0:
		return v
	case sum > math.MaxInt64-v:
		return math.MaxInt64
	}
	return sum + v
}

// closeChannel measures the channel that ends.
func (c *channelReader) closeChannel() {
	if !c.begun {
		return
	}
	c.count.channels++
	hosts := int(c.r.hosts[destKey(c.key)])
	member := c.about.sessions >= 2 && hosts <= groupSources && hosts > 0
	if c.about.sessions < minSessions && !member {
		return
	}
	found := candidate{
		key: c.key, about: c.about, hosts: hosts, nets: int(c.r.nets[c.r.s.network(c.key)]),
	}
	row := sessionRow{src: c.key.src, dst: c.key.dst, flags: c.key.flags}
	found.inside = c.r.s.internal(c.r.s.dest(&row), false)
	if !c.r.s.internal(c.r.s.source(&row), true) {
		found.kind = KindOutside
		member = false
	}
	if c.about.sessions >= minSessions {
		c.count.judged++
		c.judge(&found)
	}
	keep := member && c.source.add(c, &found)
	if keep || found.whole != nil || found.size != nil {
		found.about.who = slices.Clone(c.about.who)
		c.source.candidates = append(c.source.candidates, found)
	}
}

// judge measures a channel's own views.
func (c *channelReader) judge(found *candidate) {
	about := c.company(found)
	m := c.k.measure(&c.scratch)
	found.kind = c.kind(found.kind, &m)
	special := found.kind == KindDeadService || found.kind == KindFastLoop
	c.show(&m)
	if special || c.hopeful(ViewWhole, &m, &about) {
		found.whole = c.view(ViewWhole, &m, &about, c.beats, c.k.accepted[m.scale])
	}
	if c.about.sessions < classLeast {
		return
	}
	best := tenths(math.MinInt32)
	for _, in := range c.classes() {
		if c.classify(in) < classLeast {
			continue
		}
		m := c.class.measure(&c.scratch)
		if in.received < 0 {
			c.show(&m)
		}
		alone := about
		alone.alike, alone.knowledge = 1, c.r.knowledge
		v := ViewSize
		if in.received >= 0 {
			v = ViewSizes
		}
		score := c.r.Weights.score(v, &m, &alone)
		if score > best && c.hopeful(v, &m, &about) {
			best, found.size = score, c.view(v, &m, &about, c.inClass, c.class.accepted[m.scale])
			found.sizeView = v
		}
	}
}

// company gives what is known of the channel's destination.
func (c *channelReader) company(found *candidate) company {
	out := company{hosts: found.hosts, network: found.nets, inside: found.inside, firstSeen: -1}
	if c.r.Known == nil && c.r.FirstSeen == nil {
		return out
	}
	destination := c.r.s.dest(found.key.row()).String()
	if c.r.Known != nil {
		out.service = c.r.Known(destination, portOf(found.key), protocolName(found.key.proto))
	}
	if c.r.FirstSeen != nil {
		if days, ok := c.r.FirstSeen(destination); ok && days >= 0 {
			out.firstSeen = days
		}
	}
	return out
}

// sizeClass is a class of sessions: two adjacent bins of the bytes sent, and two of those received or any.
type sizeClass struct{ sent, received int }

func (k sizeClass) holds(b *Beat) bool {
	if b.Sent < 0 {
		return false
	}
	if at := sizeBin(b.Sent); at != k.sent && at != k.sent+1 {
		return false
	}
	if k.received < 0 {
		return true
	}
	at := sizeBin(max(b.Received, 0))
	return b.Received >= 0 && (at == k.received || at == k.received+1)
}

const (
	// classLeast is the number of sessions from which on a class of sizes is looked at on its own.
	classLeast = 8
	// classShare and classMost bound the share of a class: a smaller one is chance, a greater one is the channel.
	classShare, classMost = 0.1, 0.92
	// jointShare is the least share of a class by both sizes, and jointClasses how many are looked at.
	jointShare, jointClasses = 0.02, 3
)

// classes gives the classes of sizes that are worth a look: the commonest of the bytes sent, and the commonest of sent
// and received together.
func (c *channelReader) classes() []sizeClass {
	c.classFound = c.classFound[:0]
	if bin, share := c.k.sent.commonest(); share >= classShare && share <= classMost {
		c.classFound = append(c.classFound, sizeClass{bin, -1})
	}
	if c.joint == nil {
		c.joint = new([sizeBins][sizeBins]uint32)
	}
	c.cells = c.cells[:0]
	n := 0
	for i := range c.beats {
		b := &c.beats[i]
		if b.Sent < 0 || b.Received < 0 {
			continue
		}
		n++
		k := sizeClass{sizeBin(b.Sent), sizeBin(b.Received)}
		cell := &c.joint[k.sent][k.received]
		if *cell == 0 {
			c.cells = append(c.cells, k)
		}
		*cell++
	}
	c.blocks = c.blocks[:0]
	for _, k := range c.cells {
		for ds := -1; ds <= 0; ds++ {
			for dr := -1; dr <= 0; dr++ {
				if k.sent+ds < 0 || k.received+dr < 0 || k.sent+ds+1 >= sizeBins || k.received+dr+1 >= sizeBins {
					continue
				}
				at := sizeClass{k.sent + ds, k.received + dr}
				sum := c.joint[at.sent][at.received] + c.joint[at.sent+1][at.received] +
					c.joint[at.sent][at.received+1] + c.joint[at.sent+1][at.received+1]
				if sum >= classLeast && float64(sum) >= jointShare*float64(n) && float64(sum) <= classMost*float64(n) {
					c.blocks = append(c.blocks, sizeBlock{at, sum})
				}
			}
		}
	}
	for _, k := range c.cells {
		c.joint[k.sent][k.received] = 0
	}
	slices.SortFunc(c.blocks, func(a, b sizeBlock) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.at.sent, b.at.sent), cmp.Compare(a.at.received, b.at.received))
	})
	taken := 0
	for _, b := range c.blocks {
		if taken == jointClasses {
			break
		}
		if slices.ContainsFunc(c.classFound[len(c.classFound)-taken:], func(o sizeClass) bool {
			return abs(o.sent-b.at.sent) <= 1 && abs(o.received-b.at.received) <= 1
		}) {
			continue
		}
		c.classFound = append(c.classFound, b.at)
		taken++
	}
	return c.classFound
}

// sizeBlock is a class and how many sessions it holds.
type sizeBlock struct {
	at sizeClass
	n  uint32
}

func abs(v int) int { return max(v, -v) }

// classify gathers the sessions of a class.
func (c *channelReader) classify(in sizeClass) int {
	c.class = sketch{}
	c.inClass = c.inClass[:0]
	for i := range c.beats {
		b := &c.beats[i]
		if !in.holds(b) {
			continue
		}
		c.class.add(b.Start)
		c.class.size(b.Sent, b.Received, b.Failed)
		c.inClass = append(c.inClass, *b)
	}
	return len(c.inClass)
}

// kind tells findings of other kinds.
func (c *channelReader) kind(k Kind, m *measure) Kind {
	if k == KindOutside {
		return k
	}
	if c.r.Weights.of(PartBackOff, m.backOff()) < deadService {
		return KindDeadService
	}
	oneSize := m.sentShare >= 0.9 && m.recvShare >= 0.9
	if c.about.sessions >= 100 && c.k.fastShare() > 0.5 && (m.failing >= 0.9 || oneSize) {
		return KindFastLoop
	}
	return KindBeacon
}

// deadService is the weight of back-off, in tenths, below which a channel is a dead service (score.md 2).
const deadService = -15

// fastShare gives the part of the gaps that are under five seconds.
func (k *sketch) fastShare() float64 {
	if k.sessions < 2 {
		return 0
	}
	under := 0.0
	if k.n[0] > 0 {
		under = float64(k.under[0]) / float64(k.n[0]) * float64(k.accepted[0]-1)
	}
	return (float64(k.sessions-k.accepted[0]) + under) / float64(k.sessions-1)
}

// show enters a regular view into the partition's list of shown rhythms.
func (c *channelReader) show(m *measure) {
	if m.regular() {
		c.found.rhythms = append(c.found.rhythms, shownRhythm{m.shown(c.key), sourceID(c.key)})
	}
}

// hopeful reports whether a view is worth keeping.
func (c *channelReader) hopeful(v View, m *measure, about *company) bool {
	return c.r.All || c.reaches(v, m, about)
}

// reaches reports whether a view can reach the least score that is listed, whoever else shows its rhythm.
func (c *channelReader) reaches(v View, m *measure, about *company) bool {
	w := c.r.Weights
	alone := *about
	alone.alike, alone.knowledge = 1, c.r.knowledge
	score := w.score(v, m, &alone) - w.weigh(PartAlike, 1, &alone)
	most := w.parts[PartAlike][0].nats
	for _, b := range w.parts[PartAlike] {
		most = max(most, b.nats)
	}
	return (score + most).nats() >= c.r.MinScore-0.05
}

// view keeps what a view's result needs.
func (c *channelReader) view(v View, m *measure, about *company, beats []Beat, accepted uint32) *viewFound {
	f := &viewFound{measure: *m, company: *about, shown: m.shown(c.key)}
	f.law, c.gaps = m.timing(beats, accepted, c.gaps)
	if !c.r.All || c.reaches(v, m, about) {
		f.gaps = gapBins(&c.scratch[m.scale], m.scale)
		f.beats = slices.Clone(beats[max(0, len(beats)-shownBeats):])
	}
	return f
}

// gapBins gives the bins of a scale that hold something.
func gapBins(s *scaleCounts, scale int) []GapBin {
	var out []GapBin
	rest := s.n
	add := func(from, to, n uint32) {
		if n > 0 {
			out = append(out, GapBin{from, to, n})
			rest -= n
		}
	}
	first := tables.edges[16*scale]
	add(deadTime(scale), first-1, s.under)
	for b, n := range &s.bins {
		add(tables.edges[16*scale+b], tables.edges[16*scale+b+1]-1, n)
	}
	add(tables.edges[16*scale+scanBins], math.MaxUint32, rest)
	return out
}

// seen says what a record is to the ones before it.
type seen uint8

const (
	seenNew    seen = iota // a session of its own
	seenBefore             // a duplicate
	seenStart              // the start of a session whose end was taken
	seenEnd                // the end of a session whose start was taken
)

// twice finds sessions that are told more than once (formats.md 6): the same record sent twice, one session seen by two
// devices of a pair, and start and end of one session.
type twice struct {
	texts *sessionTexts
	pairs bool // there are records of starts

	recent []sessionRow // of the last two seconds, the latest at the end
	told   map[sessionName]told
}

// sessionName tells sessions of a channel apart for a while: numbers are used again.
type sessionName struct {
	device uint32
	id     uint32
	sport  uint16
}

type told struct {
	start int64
	beat  int // place among the beats that are kept
	kind  RecordKind
	done  bool // both are known
}

const (
	// sameStart is how far the starts of one session may lie apart as two devices write them.
	sameStart = 2 * traffic.Second
	// pairSpan is how far they may where the start is reckoned from the end, which is written late by up to two
	// minutes (formats.md 0).
	pairSpan = 125 * traffic.Second
	// mostRecent bounds the records that one is compared with.
	mostRecent = 16
	mostTold   = 4096
)

func (t *twice) reset() {
	t.recent = t.recent[:0]
	clear(t.told)
}

// dropped says that the first n beats are no longer kept.
func (t *twice) dropped(n int) {
	for k, v := range t.told {
		v.beat -= n
		t.told[k] = v
	}
}

// see says what a row is; next is the place that its beat would have. For the end of a session it gives the place of
// its beat.
func (t *twice) see(row *sessionRow, next int) (int, seen) {
	for i := len(t.recent) - 1; i >= 0; i-- {
		if row.start-t.recent[i].start > sameStart {
			t.recent = append(t.recent[:0], t.recent[i+1:]...)
			break
		}
		if t.same(&t.recent[i], row) {
			return 0, seenBefore
		}
	}
	if len(t.recent) == mostRecent {
		t.recent = append(t.recent[:0], t.recent[1:]...)
	}
	t.recent = append(t.recent, *row)
	if !t.pairs || row.kind() == RecordDenied || row.id == 0 && row.sport == 0 {
		return next, seenNew
	}
	return t.pair(row, next)
}

// same reports whether two records, not far from each other in time, are of one session.
func (t *twice) same(a, b *sessionRow) bool {
	if a.kind() != b.kind() || a.sport != b.sport || a.sent != b.sent || a.received != b.received {
		return false
	}
	sameDevice := t.texts.whos[a.who].device == t.texts.whos[b.who].device
	switch {
	case sameDevice && a.start != b.start:
		return false
	case sameDevice && (a.seq != 0 || b.seq != 0):
		return a.seq == b.seq && a.id == b.id
	case sameDevice && (a.id != 0 || b.id != 0):
		return a.id == b.id && a.seconds == b.seconds
	}
	// Without numbers, or of two devices: the same ports and bytes at the same time.
	return a.sport != 0 && a.seconds == b.seconds
}

func (t *twice) pair(row *sessionRow, next int) (int, seen) {
	if t.told == nil {
		t.told = make(map[sessionName]told)
	}
	name := sessionName{t.texts.whos[row.who].device, row.id, row.sport}
	was, ok := t.told[name]
	if ok && row.start-was.start <= pairSpan {
		switch {
		case row.kind() == RecordStart:
			return 0, seenStart
		case was.kind == RecordStart && !was.done:
			was.done = true
			t.told[name] = was
			return was.beat, seenEnd
		}
	}
	if len(t.told) >= mostTold {
		for k, v := range t.told {
			if row.start-v.start > pairSpan {
				delete(t.told, k)
			}
		}
		if len(t.told) >= 2*mostTold {
			clear(t.told)
		}
	}
	t.told[name] = told{start: row.start, beat: next, kind: row.kind()}
	return next, seenNew
}
