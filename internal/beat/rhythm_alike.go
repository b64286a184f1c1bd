package beat

import (
	"math"
	"slices"

	"drumbeat/internal/traffic"
)

// Who else shows a rhythm. A channel that is regular enters its source in a table by port, period and sizes; another
// looks at the cells around its own and counts the sources there. A product on twenty machines raises it whatever
// addresses it uses; two channels of one source do not.

// shownKey is the cell of a rhythm: sixths of an octave of the median gap, thirds of the median sizes.
type shownKey struct {
	port                int32
	gap, sent, received int16
}

// unknownCell stands for sizes that a log does not have.
const unknownCell = math.MinInt16 / 2

func (m *measure) shown(k channelID) shownKey {
	return shownKey{port: portOf(k), gap: cell(m.median, 6), sent: cell(m.sentMedian, 3), received: cell(m.recvMedian, 3)}
}

// portOf gives a channel's port and traffic.Unknown where it has none.
func portOf(k channelID) int32 {
	if k.flags&rowNoDstPort != 0 {
		return traffic.Unknown
	}
	return int32(k.dport)
}

func cell(v, perOctave float64) int16 {
	if math.IsNaN(v) {
		return unknownCell
	}
	return int16(math.Round(perOctave * math.Log2(max(v, 1))))
}

// shownRhythm is a regular channel's entry.
type shownRhythm struct {
	key    shownKey
	source uint64
}

func sourceID(k channelID) uint64 { return uint64(k.src)<<1 | uint64(k.flags&rowSrcText)/rowSrcText }

const (
	// alikeMost is the greatest number that is told apart; a cell keeps one source more.
	alikeMost = 16
	// reach is how many cells are looked at to each side.
	reachGap, reachSize = 1, 1
)

// alike is the table.
type alike struct{ cells map[shownKey][]uint64 }

func newAlike() *alike { return &alike{cells: make(map[shownKey][]uint64)} }

func (a *alike) add(r *shownRhythm) {
	list := a.cells[r.key]
	if len(list) > alikeMost {
		return
	}
	if slices.Contains(list, r.source) {
		return
	}
	a.cells[r.key] = append(list, r.source)
}

// sources counts the sources around a cell, the channel's own among them, up to one more than alikeMost.
func (a *alike) sources(key *shownKey, own channelID) int {
	var seen [alikeMost + 1]uint64
	seen[0] = sourceID(own)
	n := 1
	for gap := -reachGap; gap <= reachGap; gap++ {
		for sent := -reachSize; sent <= reachSize; sent++ {
			for received := -reachSize; received <= reachSize; received++ {
				if gap*gap+sent*sent+received*received > 1 {
					continue
				}
				k := shownKey{key.port, key.gap + int16(gap), key.sent + int16(sent), key.received + int16(received)}
				for _, s := range a.cells[k] {
					if slices.Contains(seen[:n], s) {
						continue
					}
					if n > alikeMost {
						return n
					}
					seen[n] = s
					n++
					if n > alikeMost {
						return n
					}
				}
			}
		}
	}
	return n
}
