package beat

import (
	"cmp"
	"slices"
)

// Round robin: an implant with several addresses visits them in turn, so that none of them shows its rhythm. Rare
// destinations of one source that have one port and like sizes are looked at as one channel.
const (
	// groupSources is how many sources a member may have, groupLeast and groupMost how many members there may be
	// (score.md 2).
	groupSources          = 4
	groupLeast, groupMost = 2, 12
	// groupBeats is how many of a member's last sessions are looked at.
	groupBeats = 4096
	// arenaBeats bounds what is kept of a source's rare destinations.
	arenaBeats = 1 << 20
)

// groupKey tells groups of a source apart: half octaves of sent, octaves of received bytes.
type groupKey struct {
	port           int32
	proto          uint8
	sent, received int8
}

// sourceReader gathers the channels of one source.
type sourceReader struct {
	candidates []candidate
	members    []member
	arena      []Beat
	merged     []Beat
}

// member is a channel that may belong to a group.
type member struct {
	key       groupKey
	candidate int
	from, to  int // beats in the arena
}

// add enters the channel that ends as the next candidate. It gives false where there is no room.
func (s *sourceReader) add(c *channelReader, found *candidate) bool {
	beats := c.beats[max(0, len(c.beats)-groupBeats):]
	if len(s.arena)+len(beats) > arenaBeats {
		c.left.Ungrouped += int64(len(beats))
		return false
	}
	key := groupKey{port: portOf(found.key), proto: found.key.proto, sent: -1, received: -1}
	if bin, _, ok := c.k.sent.median(); ok {
		key.sent = int8(bin / 2)
	}
	if bin, _, ok := c.k.received.median(); ok {
		key.received = int8(bin / 4)
	}
	from := len(s.arena)
	s.arena = append(s.arena, beats...)
	s.members = append(s.members, member{key, len(s.candidates), from, len(s.arena)})
	return true
}

// closeSource looks at the groups of the source that ends and keeps its channels that may be listed.
func (c *channelReader) closeSource() {
	s := &c.source
	slices.SortStableFunc(s.members, func(a, b member) int {
		return cmp.Or(
			cmp.Compare(a.key.port, b.key.port), cmp.Compare(a.key.proto, b.key.proto), cmp.Compare(a.key.sent, b.key.sent),
			cmp.Compare(a.key.received, b.key.received),
		)
	})
	for rest := s.members; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].key == rest[0].key {
			n++
		}
		if even := c.evenly(rest[:n]); len(even) >= groupLeast && len(even) <= groupMost {
			c.group(even)
		}
		rest = rest[n:]
	}
	for i := range s.candidates {
		f := &s.candidates[i]
		if f.whole != nil || f.size != nil || f.group != nil {
			c.found.candidates = append(c.found.candidates, *f)
		}
	}
	clear(s.candidates)
	s.candidates, s.members, s.arena = s.candidates[:0], s.members[:0], s.arena[:0]
}

// evenly gives the members that are visited about as often as the others: a quarter as often as the most visited one,
// or more. The rest would only borrow its rhythm.
func (c *channelReader) evenly(members []member) []member {
	most := int64(0)
	for _, m := range members {
		most = max(most, c.source.candidates[m.candidate].about.sessions)
	}
	return slices.DeleteFunc(members, func(m member) bool {
		return 4*c.source.candidates[m.candidate].about.sessions < most
	})
}

// group measures several channels as one.
func (c *channelReader) group(members []member) {
	s := &c.source
	s.merged = s.merged[:0]
	about := company{firstSeen: -1}
	var keys []channelID
	for _, m := range members {
		f := &s.candidates[m.candidate]
		s.merged = append(s.merged, s.arena[m.from:m.to]...)
		about.hosts, about.network = max(about.hosts, f.hosts), max(about.network, f.nets)
		about.inside = about.inside || f.inside
		// One member that is known makes all known; the group is as new as its newest member.
		of := c.company(f)
		about.service = cmp.Or(about.service, of.service)
		if of.firstSeen >= 0 && (about.firstSeen < 0 || of.firstSeen < about.firstSeen) {
			about.firstSeen = of.firstSeen
		}
		keys = append(keys, f.key)
	}
	about.members = len(members)
	slices.SortStableFunc(s.merged, func(a, b Beat) int { return cmp.Compare(a.Start, b.Start) })
	c.class = sketch{}
	for i := range s.merged {
		b := &s.merged[i]
		c.class.add(b.Start)
		c.class.size(b.Sent, b.Received, b.Failed)
	}
	if c.class.sessions < minSessions {
		return
	}
	m := c.class.measure(&c.scratch)
	key := c.key
	c.key = keys[0]
	c.show(&m)
	if c.hopeful(ViewGroup, &m, &about) {
		f := c.view(ViewGroup, &m, &about, s.merged, c.class.accepted[m.scale])
		f.members = keys
		for _, m := range members {
			own := *f
			s.candidates[m.candidate].group = &own
		}
	}
	c.key = key
}
