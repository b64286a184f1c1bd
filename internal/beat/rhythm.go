package beat

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"drumbeat/internal/traffic"
)

// Rhythm is the calibrated detector: it finds channels that a machine drives, and ranks them by a sum of named reasons.
// The window scan (rhythm_scan.go) says how far the gaps of a channel are from any traffic without memory; what sizes,
// failures, prevalence and other channels with the same rhythm say is added (score.go, weights.json).
//
// A run has three passes over the sessions of a Sessions, which brings each channel's together and in order, and one
// over what was measured:
//
//	1  which destinations are visited again      bounds the counting of the next pass
//	2  how many sources each of them has, and its network
//	3  each channel's sketch: scan, sizes, failures; the views; who shows which rhythm
//	4  the score of each view, given who shows the same rhythm; the best view wins
//
// Cost: about 100 ns a session and 5 to 10 µs a channel of four sessions and more. Memory holds one channel's sketch a
// worker, the counts of destinations that are visited again, and the channels that may reach MinScore.
type Rhythm struct {
	// Weights of the parts; nil means the shipped ones.
	Weights *Weights
	// MinScore is the least score that is listed, in nats. All lists every channel of four sessions and more; one that
	// cannot reach MinScore is listed without what pictures need (Gaps, Beats).
	MinScore float64
	All      bool
	// Top bounds the number of channels that are listed, 0 does not.
	Top int
	// Known, where it is set, says what a destination is known for, by its own address and port and never by the port
	// alone, or gives an empty text. FirstSeen says how many days before the end of the log a destination was first
	// seen, and false where the memory does not reach back far enough to say. Both may be called by several goroutines.
	Known     func(destination string, port int32, protocol string) string
	FirstSeen func(destination string) (days float64, ok bool)
}

// Kind says what sort of finding a channel is.
type Kind uint8

// The kinds of finding.
const (
	// KindBeacon is the ranking.
	KindBeacon Kind = iota
	// KindOutside is a channel whose source is outside.
	KindOutside
	// KindDeadService is a client that tries a dead service with growing pauses.
	KindDeadService
	// KindFastLoop is a client that calls again in under five seconds, with failures or one size.
	KindFastLoop
)

// String gives the kind's name.
func (k Kind) String() string {
	return [...]string{"beacon", "outside", "dead-service", "fast-loop"}[k]
}

// Beat is one session of a channel, for pictures.
type Beat struct {
	// Start is in ticks.
	Start int64
	// Sent and Received are bytes, or traffic.Unknown.
	Sent, Received int64
	// Failed is set for a session that was denied or brought nothing back.
	Failed bool
}

// ScoredChannel is what Rhythm says about a channel.
type ScoredChannel struct {
	Source, Destination string
	// Port is traffic.Unknown where the log has none; Protocol is a name or a number, or empty.
	Port     int32
	Protocol string
	Kind     Kind
	// Score is the sum of the reasons' weights, in nats.
	Score   float64
	Reasons []Reason
	// View is the one that the score, the rhythm and the law are of.
	View View
	// Members are the destinations of a group, in the order of their addresses.
	Members []string
	// Rhythm is S, uncapped, in nats; PValue is the chance exp(-S) from random traffic.
	Rhythm, PValue float64
	// Gamma is the likelihood ratio that gates findings.
	Gamma float64
	Law   Timing
	// Sessions is the number of sessions of the channel, Records that of its records, duplicates among them.
	Sessions, Records int64
	// FirstSeen and LastSeen are starts in ticks.
	FirstSeen, LastSeen int64
	// SentBytes and ReceivedBytes are sums over the sessions that have them, or traffic.Unknown.
	SentBytes, ReceivedBytes int64
	// Failed is the number of sessions that failed.
	Failed int64
	// Hosts is the number of internal sources of the destination, Network that of its /24 (IPv6: /48), Alike the
	// number of sources with this rhythm.
	Hosts, Network, Alike int
	Devices, Users, Apps  []string
	// Longest is the longest session in seconds, or traffic.Unknown.
	Longest int64
	// Gaps are the gaps of the winning scale by bins: an eighth of an octave each.
	Gaps []GapBin
	// Beats are the last of the sessions in the view, the oldest first.
	Beats []Beat
}

// GapBin counts gaps of From to To seconds, both included.
type GapBin struct {
	From, To uint32
	Count    uint32
}

// RhythmResult is what a run found.
type RhythmResult struct {
	// Channels have the greatest score first.
	Channels []ScoredChannel
	// Sources is the number of sources, Internal that of internal ones, AllChannels that of channels, Judged that of
	// those with four sessions and more.
	Sources, Internal, AllChannels, Judged int64
	// Knowledge is what prevalence is worth in a log of so few sources, from 0 to 1.
	Knowledge float64
	// Cut is the number of channels that Top left out.
	Cut  int
	Left Left
}

// Left says which records were not judged, and why.
type Left struct {
	// NoAddress and NoTime have no source, destination or start; SameEnds go from an address to itself; Group goes to
	// many hosts; Unnamed had no room for an address that is not IPv4.
	NoAddress, NoTime, SameEnds, Group, Unnamed int64
	// Duplicates are records that came before, Paired records of a start whose end is known.
	Duplicates, Paired int64
	// Ungrouped are sessions that the search for round robin had no room for.
	Ungrouped int64
}

// minSessions is the number of sessions from which on a channel is judged (cli.md).
const minSessions = 4

// Run judges the sessions of s, whose writers must be closed. Results do not depend on the number of workers.
func (m Rhythm) Run(ctx context.Context, s *Sessions, workers int) (*RhythmResult, error) {
	if m.Weights == nil {
		w, err := ShippedWeights()
		if err != nil {
			return nil, err
		}
		m.Weights = w
	}
	if s.spill != nil {
		if err := s.spill.sync(); err != nil {
			return nil, err
		}
	}
	r := newRhythmRun(m, s)
	r.scratch.New = func() any { return newSessionRun(s, workers) }
	if err := r.eachPartition(ctx, workers, r.findReturning); err != nil {
		return nil, err
	}
	if err := r.eachPartition(ctx, workers, r.countSources); err != nil {
		return nil, err
	}
	r.again, r.againNets = nil, nil
	r.knowledge = knowledge(int(r.internal))
	if err := r.eachPartition(ctx, workers, r.measureChannels); err != nil {
		return nil, err
	}
	return r.result(), nil
}

// rhythmRun is one run.
type rhythmRun struct {
	Rhythm
	s       *Sessions
	scratch sync.Pool

	mu sync.Mutex
	// again are the destinations that are visited again, againNets their networks: the second pass only reads them.
	again     map[uint64]bool
	againNets map[string]bool
	// hosts counts the sources of destinations that are visited again, nets those of their networks.
	hosts             map[uint64]uint32
	nets              map[string]uint32
	sources, internal int64
	channels, judged  int64
	knowledge         float64
	left              Left
	parts             [partitions]partitionFound
}

// partitionFound is what the third pass leaves of a partition.
type partitionFound struct {
	candidates []candidate
	rhythms    []shownRhythm
}

func newRhythmRun(m Rhythm, s *Sessions) *rhythmRun {
	return &rhythmRun{
		Rhythm: m, s: s, hosts: make(map[uint64]uint32), nets: make(map[string]uint32),
		again: make(map[uint64]bool), againNets: make(map[string]bool),
	}
}

func (r *rhythmRun) eachPartition(ctx context.Context, workers int, visit func(ctx context.Context, run *sessionRun, part int) error) error {
	sorter := Sorter{} // for its loop over partitions
	return sorter.each(ctx, workers, func(part int) error {
		run := r.scratch.Get().(*sessionRun)
		defer r.scratch.Put(run)
		return visit(ctx, run, part)
	})
}

// destKey tells destinations apart, within one run.
func destKey(k channelID) uint64 { return uint64(k.dst)<<1 | uint64(k.flags&rowDstText)/rowDstText }

// network gives the key of a destination's network: the /24, or the /48 of IPv6. A name is a network of its own.
func (s *Sessions) network(k channelID) string {
	if k.flags&rowDstText == 0 {
		return string([]byte{byte(k.dst >> 24), byte(k.dst >> 16), byte(k.dst >> 8)})
	}
	key := s.texts.addrs[k.dst]
	if key[0] == '6' {
		return key[:7]
	}
	return key
}

// findReturning notes the destinations that some channel visits more than once.
func (r *rhythmRun) findReturning(ctx context.Context, run *sessionRun, part int) error {
	var found []channelID
	var last channelID
	n := 0
	err := run.each(ctx, part, func(row *sessionRow) error {
		k := row.channel()
		if n > 0 && k == last {
			n++
			if n == 2 {
				found = append(found, k)
			}
			return nil
		}
		last, n = k, 1
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range found {
		r.again[destKey(k)] = true
		r.againNets[r.s.network(k)] = true
	}
	return nil
}

// countSources counts the internal sources of each destination and network that is visited again.
func (r *rhythmRun) countSources(ctx context.Context, run *sessionRun, part int) error {
	c := sourceCount{r: r, hosts: make(map[uint64]uint32), nets: make(map[string]uint32)}
	err := run.each(ctx, part, func(row *sessionRow) error {
		c.row(row)
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, n := range c.hosts {
		r.hosts[k] += n
	}
	for k, n := range c.nets {
		r.nets[k] += n
	}
	r.sources += c.sources
	r.internal += c.internals
	return nil
}

// sourceCount counts within a partition, whose rows stand by source, then by destination.
type sourceCount struct {
	r         *rhythmRun
	last      channelID
	begun     bool
	internal  bool
	lastNet   string
	hosts     map[uint64]uint32
	nets      map[string]uint32
	sources   int64
	internals int64
}

func (c *sourceCount) row(row *sessionRow) {
	k := row.channel()
	if c.begun && k == c.last {
		return
	}
	newSource := !c.begun || !k.sameSource(c.last)
	newDest := newSource || destKey(k) != destKey(c.last)
	c.last, c.begun = k, true
	if newSource {
		c.internal = c.r.s.internal(c.r.s.source(row), true)
		c.sources++
		if c.internal {
			c.internals++
		}
	}
	if !newDest || !c.internal {
		return
	}
	if c.r.again[destKey(k)] {
		c.hosts[destKey(k)]++
	}
	net := c.r.s.network(k)
	if newSource || net != c.lastNet {
		if c.r.againNets[net] {
			c.nets[net]++
		}
	}
	c.lastNet = net
}

// candidate is a channel that may be listed.
type candidate struct {
	key   channelID
	kind  Kind
	about channelAbout
	whole *viewFound
	size  *viewFound
	group *viewFound
	// sizeView is ViewSize or ViewSizes.
	sizeView View
	hosts    int
	nets     int
	inside   bool
}

// viewFound is a view that was measured.
type viewFound struct {
	measure measure
	company company // without alike
	law     Timing
	shown   shownKey
	gaps    []GapBin
	beats   []Beat
	members []channelID
}

// result scores the candidates.
func (r *rhythmRun) result() *RhythmResult {
	same := newAlike()
	for i := range r.parts {
		for j := range r.parts[i].rhythms {
			same.add(&r.parts[i].rhythms[j])
		}
	}
	out := &RhythmResult{
		Sources: r.sources, Internal: r.internal, AllChannels: r.channels, Judged: r.judged, Knowledge: r.knowledge, Left: r.left,
	}
	c := &r.s.counts
	out.Left.NoAddress, out.Left.NoTime = c.noAddress.Load(), c.noTime.Load()
	out.Left.SameEnds, out.Left.Group, out.Left.Unnamed = c.sameEnds.Load(), c.group.Load(), c.unnamed.Load()
	least := tenths(math.Ceil(r.MinScore*10 - 1e-9))
	var list []listed
	for i := range r.parts {
		for j := range r.parts[i].candidates {
			c := &r.parts[i].candidates[j]
			best, view, score := r.best(c, same)
			if score >= least || r.All || c.kind == KindDeadService || c.kind == KindFastLoop {
				list = append(list, listed{c, best, view, score})
			}
		}
	}
	slices.SortFunc(list, func(a, b listed) int {
		return cmp.Or(
			cmp.Compare(b.score, a.score), cmp.Compare(b.view.measure.scan.s, a.view.measure.scan.s),
			r.s.texts.compareChannels(a.c.key, b.c.key),
		)
	})
	if r.Top > 0 && len(list) > r.Top {
		out.Cut = len(list) - r.Top
		list = list[:r.Top]
	}
	out.Channels = make([]ScoredChannel, 0, len(list))
	for _, x := range list {
		out.Channels = append(out.Channels, r.channel(x.c, x.view, x.which, x.score))
	}
	return out
}

// listed is a candidate with its best view.
type listed struct {
	c     *candidate
	view  *viewFound
	which View
	score tenths
}

// best gives the view with the greatest score.
func (r *rhythmRun) best(c *candidate, same *alike) (best *viewFound, view View, score tenths) {
	for v, f := range [...]*viewFound{ViewWhole: c.whole, ViewSize: c.size, ViewGroup: c.group} {
		if f == nil {
			continue
		}
		if View(v) == ViewSize {
			v = int(c.sizeView)
		}
		f.company.alike = same.sources(&f.shown, c.key)
		f.company.knowledge = r.knowledge
		s := r.Weights.score(View(v), &f.measure, &f.company)
		if best == nil || s > score {
			best, view, score = f, View(v), s
		}
	}
	return best, view, score
}

// channel gives a candidate's result.
func (r *rhythmRun) channel(c *candidate, f *viewFound, view View, score tenths) ScoredChannel {
	row := sessionRow{src: c.key.src, dst: c.key.dst, flags: c.key.flags}
	out := ScoredChannel{
		Source: r.s.source(&row).String(), Destination: r.s.dest(&row).String(), Port: traffic.Unknown,
		Protocol: protocolName(c.key.proto), Kind: c.kind, Score: score.nats(),
		Reasons: r.Weights.reasons(view, &f.measure, &f.company), View: view,
		Rhythm: f.measure.scan.s, PValue: math.Exp(-f.measure.scan.s), Gamma: f.measure.gamma, Law: f.law,
		Sessions: c.about.sessions, Records: c.about.records, FirstSeen: c.about.first, LastSeen: c.about.last,
		SentBytes: c.about.sent, ReceivedBytes: c.about.received, Failed: c.about.failed, Longest: c.about.longest,
		Hosts: c.hosts, Network: c.nets, Alike: f.company.alike, Gaps: f.gaps, Beats: f.beats,
	}
	if c.key.flags&rowNoDstPort == 0 {
		out.Port = int32(c.key.dport)
	}
	out.Devices, out.Users, out.Apps = r.s.texts.show(c.about.who)
	for _, k := range f.members {
		row := sessionRow{dst: k.dst, flags: k.flags}
		out.Members = append(out.Members, r.s.dest(&row).String())
	}
	return out
}

// show gives the names that a channel's sessions bear, each sorted.
func (t *sessionTexts) show(whos []uint32) (devices, users, apps []string) {
	add := func(list []string, code uint32) []string {
		text := t.names[code]
		if text == "" || slices.Contains(list, text) {
			return list
		}
		return append(list, text)
	}
	for _, w := range whos {
		k := t.whos[w]
		devices, users, apps = add(devices, k.device), add(users, k.user), add(apps, k.app)
	}
	slices.Sort(devices)
	slices.Sort(users)
	slices.Sort(apps)
	return devices, users, apps
}
