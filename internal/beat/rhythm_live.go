package beat

import (
	"cmp"
	"context"
	"slices"

	"drumbeat/internal/traffic"
)

// Live is Rhythm on a stream: it keeps a sketch of each channel instead of its sessions. Sessions go in by Observe in
// any order; Advance says up to which start all have come, and puts those into their sketches, in order. So how the
// stream is cut changes nothing, but for a session that comes after the watermark has passed its start: it is left out
// and counted.
//
// A channel takes about 150 bytes and 8 a session below sixteen sessions, and under 1 kB from there on. Past
// MaxChannels those that were silent longest are forgotten, and counted. The views by size and by group see the last
// 48 sessions of a channel, where Run sees 65,536; the view of all sessions is the same.
//
// A Live is for one goroutine. Several, fed with the sources of a shard each, are merged by Merge.
type Live struct {
	rhythm Rhythm
	max    int

	s        *Sessions // texts, networks and counts; it holds no sessions
	w        *SessionWriter
	channels map[channelID]*liveChannel
	twice    map[channelID]*twice
	pending  []sessionRow
	mark     int64
	left     Left
	gone     Gone
}

// Gone counts what a Live could not keep.
type Gone struct {
	// Evicted is the number of channels that were forgotten, Late that of sessions that came too late.
	Evicted, Late int64
}

// liveChannel is the state of a channel.
type liveChannel struct {
	about channelAbout
	// k is nil below sixteen sessions.
	k *sketch
	// beats are the last sessions, the oldest first.
	beats []liveBeat
}

// liveBeat is a session in eight bytes: seconds since the channel's first, bins of sizes from 1, 0 where unknown.
type liveBeat struct {
	at             uint32
	sent, received uint8
	failed         bool
}

const (
	liveRaw   = 16
	liveBeats = 48
	liveWho   = 4
)

// NewLive makes one that keeps so many channels at most. Networks are the internal ones; nil means those of private
// use. The rhythm's weights and least score are those of Result.
func NewLive(m Rhythm, s *Sessions, maxChannels int) *Live {
	return &Live{
		rhythm: m, max: max(maxChannels, 1), s: s, w: s.Writer(),
		channels: make(map[channelID]*liveChannel), twice: make(map[channelID]*twice),
	}
}

// Observe takes one session; names is the Dict of its codes.
func (l *Live) Observe(names *traffic.Dict, v *Session) {
	row, _, ok := l.w.row(names, v)
	switch {
	case !ok:
	case row.start < l.mark:
		l.gone.Late++
	default:
		l.pending = append(l.pending, row)
	}
}

// Advance says that all sessions that start before a time have come.
func (l *Live) Advance(watermark int64) {
	if watermark <= l.mark {
		return
	}
	l.mark = watermark
	t := &l.s.texts
	slices.SortFunc(l.pending, func(a, b sessionRow) int {
		return cmp.Or(cmp.Compare(a.start, b.start), t.compareChannels(a.channel(), b.channel()), t.compareRows(&a, &b))
	})
	n := 0
	for n < len(l.pending) && l.pending[n].start < watermark {
		l.put(&l.pending[n])
		n++
	}
	l.pending = append(l.pending[:0], l.pending[n:]...)
	for k, v := range l.twice {
		if len(v.recent) == 0 || watermark-v.recent[len(v.recent)-1].start > pairSpan {
			delete(l.twice, k)
		}
	}
}

// Gone gives what was not kept.
func (l *Live) Gone() Gone { return l.gone }

// Channels gives the number of channels that are kept.
func (l *Live) Channels() int { return len(l.channels) }

func (l *Live) put(row *sessionRow) {
	k := row.channel()
	c := l.channels[k]
	if c == nil {
		if len(l.channels) >= l.max {
			l.evict()
		}
		c = &liveChannel{about: channelAbout{
			sent: traffic.Unknown, received: traffic.Unknown, longest: traffic.Unknown, first: row.start,
		}}
		l.channels[k] = c
	}
	w := l.twice[k]
	if w == nil {
		w = &twice{texts: &l.s.texts}
		l.twice[k] = w
	}
	w.pairs = l.s.starts.Load()
	c.about.records++
	switch at, what := w.see(row, int(c.about.sessions)); what {
	case seenNew:
		c.add(row)
	case seenBefore:
		l.left.Duplicates++
	case seenStart:
		l.left.Paired++
	case seenEnd:
		l.left.Paired++
		c.end(row, at)
	}
}

// evict forgets the sixteenth of the channels that was silent longest.
func (l *Live) evict() {
	type silent struct {
		key  channelID
		last int64
	}
	all := make([]silent, 0, len(l.channels))
	for k, c := range l.channels {
		all = append(all, silent{k, c.about.last})
	}
	slices.SortFunc(all, func(a, b silent) int {
		return cmp.Or(cmp.Compare(a.last, b.last), l.s.texts.compareChannels(a.key, b.key))
	})
	for _, x := range all[:max(1, len(all)/16)] {
		delete(l.channels, x.key)
		delete(l.twice, x.key)
		l.gone.Evicted++
	}
}

func (c *liveChannel) add(row *sessionRow) {
	a := &c.about
	a.sessions++
	a.last = row.start
	at := uint32(min(row.start/traffic.Second-a.first/traffic.Second, 1<<32-1))
	switch {
	case len(c.beats) == liveBeats:
		c.beats = append(c.beats[:0], c.beats[1:]...)
	case len(c.beats) == cap(c.beats):
		c.beats = slices.Grow(c.beats, min(max(2, len(c.beats)), liveBeats-len(c.beats)))
	}
	c.beats = append(c.beats, liveBeat{at: at})
	if c.k != nil {
		c.k.add(row.start)
	}
	c.end(row, int(a.sessions)-1)
	if c.k == nil && a.sessions == liveRaw {
		c.k = c.sketch()
	}
}

// end takes what the end of a session tells, the n-th of the channel.
func (c *liveChannel) end(row *sessionRow, n int) {
	c.about.end(row, liveWho)
	if c.k != nil {
		c.k.size(row.sent, row.received, row.failed())
	}
	if i := n - int(c.about.sessions) + len(c.beats); i >= 0 && i < len(c.beats) {
		b := &c.beats[i]
		b.sent, b.received, b.failed = liveSize(row.sent), liveSize(row.received), row.failed()
	}
}

func liveSize(v int64) uint8 {
	if v < 0 {
		return 0
	}
	return uint8(sizeBin(v)) + 1
}

// ofLiveSize gives a size of the bin.
func ofLiveSize(b uint8) int64 {
	if b == 0 {
		return traffic.Unknown
	}
	return int64(sizeEdge(float64(b-1) + 0.5))
}

// sketch makes the sketch of a channel of few sessions.
func (c *liveChannel) sketch() *sketch {
	if c.k != nil {
		return c.k
	}
	k := &sketch{}
	for _, b := range c.beats {
		k.add((c.about.first/traffic.Second + int64(b.at)) * traffic.Second)
		k.size(ofLiveSize(b.sent), ofLiveSize(b.received), b.failed)
	}
	return k
}

// Result judges what has come so far, up to the watermark. It changes nothing.
func (l *Live) Result(ctx context.Context) (*RhythmResult, error) {
	m := l.rhythm
	if m.Weights == nil {
		w, err := ShippedWeights()
		if err != nil {
			return nil, err
		}
		m.Weights = w
	}
	r := newRhythmRun(m, l.s)
	keys := l.keys()
	for _, k := range keys {
		if l.channels[k].about.sessions > 1 {
			r.again[destKey(k)] = true
			r.againNets[l.s.network(k)] = true
		}
	}
	count := sourceCount{r: r, hosts: r.hosts, nets: r.nets}
	for _, k := range keys {
		count.row(k.row())
	}
	r.sources, r.internal = count.sources, count.internals
	r.knowledge = knowledge(int(r.internal))
	reader := &channelReader{r: r, found: &r.parts[0]}
	for i, k := range keys {
		if i&0xFFF == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		reader.turn(k)
		reader.load(l.channels[k])
	}
	reader.closeChannel()
	reader.closeSource()
	r.channels, r.judged, r.left = reader.count.channels, reader.count.judged, reader.left
	r.left.Duplicates, r.left.Paired = l.left.Duplicates, l.left.Paired
	return r.result(), nil
}

// load takes a live channel as the one that is open.
func (c *channelReader) load(from *liveChannel) {
	c.about = from.about
	c.about.who = slices.Clone(from.about.who)
	c.k = *from.sketch()
	base := from.about.first / traffic.Second
	for _, b := range from.beats {
		c.beats = append(c.beats, Beat{
			Start: (base + int64(b.at)) * traffic.Second, Sent: ofLiveSize(b.sent), Received: ofLiveSize(b.received), Failed: b.failed,
		})
	}
}

// keys gives the channels in order.
func (l *Live) keys() []channelID {
	keys := make([]channelID, 0, len(l.channels))
	for k := range l.channels {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, l.s.texts.compareChannels)
	return keys
}

// row gives a row of the channel, with nothing else in it.
func (k channelID) row() *sessionRow {
	return &sessionRow{src: k.src, dst: k.dst, dport: k.dport, proto: k.proto, flags: k.flags}
}

// Merge adds what another Live has, which is not to be used any more: channels of other sources, or later sessions of
// the same ones. Both must have been advanced as far as they shall.
func (l *Live) Merge(o *Live) {
	for _, k := range o.keys() {
		c := o.channels[k]
		own, ok := l.adopt(k, o.s, c)
		if !ok {
			l.gone.Evicted++
			continue
		}
		was := l.channels[own]
		switch {
		case was == nil:
			if len(l.channels) >= l.max {
				l.evict()
			}
			l.channels[own] = c
		case c.about.first < was.about.last:
			c.merge(was)
			l.channels[own] = c
		default:
			was.merge(c)
		}
	}
	for i := range o.pending {
		r := o.pending[i]
		own, ok := l.adopt(r.channel(), o.s, nil)
		if !ok {
			l.gone.Late++
			continue
		}
		r.src, r.dst, r.who = own.src, own.dst, l.adoptWho(r.who, o.s)
		l.pending = append(l.pending, r)
	}
	l.mark = max(l.mark, o.mark)
	l.left.Duplicates += o.left.Duplicates
	l.left.Paired += o.left.Paired
	l.gone.Evicted += o.gone.Evicted
	l.gone.Late += o.gone.Late
	if o.s.starts.Load() {
		l.s.starts.Store(true)
	}
}

// adopt gives a channel of another Live codes of our own, and false where there is no room for its names.
func (l *Live) adopt(k channelID, from *Sessions, c *liveChannel) (own channelID, ok bool) {
	if from == l.s {
		return k, true
	}
	ok = true
	if k.flags&rowSrcText != 0 {
		k.src, ok = l.s.texts.address(from.texts.addrs[k.src])
	}
	if ok && k.flags&rowDstText != 0 {
		k.dst, ok = l.s.texts.address(from.texts.addrs[k.dst])
	}
	if c != nil {
		for i, w := range c.about.who {
			c.about.who[i] = l.adoptWho(w, from)
		}
	}
	return k, ok
}

func (l *Live) adoptWho(w uint32, from *Sessions) uint32 {
	if from == l.s {
		return w
	}
	t := &from.texts
	k := t.whos[w]
	return l.s.texts.whoCode(t.names[k.device], t.names[k.app], t.names[k.user])
}

// merge adds later sessions of the same channel.
func (c *liveChannel) merge(later *liveChannel) {
	k := c.sketch()
	k.merge(later.sketch())
	shift := uint32(max(later.about.first/traffic.Second-c.about.first/traffic.Second, 0))
	for _, b := range later.beats {
		b.at += shift
		c.beats = append(c.beats, b)
	}
	c.beats = slices.Clone(c.beats[max(0, len(c.beats)-liveBeats):])
	a, o := &c.about, &later.about
	a.sessions += o.sessions
	a.records += o.records
	a.failed += o.failed
	a.last = max(a.last, o.last)
	a.sent, a.received = addKnown(a.sent, o.sent), addKnown(a.received, o.received)
	a.longest = max(a.longest, o.longest)
	for _, w := range o.who {
		a.see(w, liveWho)
	}
	c.k = nil
	if a.sessions >= liveRaw {
		c.k = k
	}
}
