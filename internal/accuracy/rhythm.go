package accuracy

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"runtime"
	"strings"

	"drumbeat/internal/beat"
	"drumbeat/internal/traffic"
)

// rhythm is our own detector.
type rhythm struct {
	// card replaces the shipped weights; nil keeps them.
	card *Card
	// statistic ranks by S alone, so that a table can show what the other parts add.
	statistic bool
}

func (r rhythm) Name() string {
	if r.statistic {
		return "rhythm, S alone"
	}
	return "rhythm"
}

func (r rhythm) Alarms() string {
	if r.statistic {
		return "S of 10"
	}
	return "score of 0"
}

// weights gives the weights to use. For the statistic the view of the whole channel always wins under them, so that it is
// the channel's own.
func (r rhythm) weights() (*beat.Weights, error) {
	card, err := cardOr(r.card)
	if err != nil {
		return nil, err
	}
	if r.statistic {
		const never = -100
		for view := range card.Prices {
			card.Prices[view] = never
		}
	}
	return beat.ReadWeights(strings.NewReader(card.Text()))
}

// cardOr gives a copy of the card, or the shipped weights where there is none.
func cardOr(card *Card) (*Card, error) {
	if card != nil {
		return ReadCard(card.Text())
	}
	return ShippedCard()
}

// ShippedCard gives the weights that ship with the binary.
func ShippedCard() (*Card, error) {
	shipped, err := beat.ShippedWeights()
	if err != nil {
		return nil, err
	}
	return ReadCard(shipped.Text())
}

// rhythmMemory is what the sessions may use before they go to a file.
const rhythmMemory = 2 << 30

func (r rhythm) Score(ctx context.Context, w *World) ([]Scored, error) {
	weights, err := r.weights()
	if err != nil {
		return nil, err
	}
	found, err := runRhythm(ctx, w, weights)
	if err != nil {
		return nil, err
	}
	index := w.index()
	place := make(map[int]int)
	var out []Scored
	for i := range found.Channels {
		c := &found.Channels[i]
		if c.Kind == beat.KindOutside {
			continue // a ranking of its own
		}
		at, ok := index[channelName(c.Source, c.Destination, int(c.Port))]
		if !ok {
			return nil, errors.New("BUG: rhythm reports a channel that is not in the world")
		}
		s := Scored{
			Channel: at, Score: c.Score, Period: c.Law.Period, Jitter: c.Law.Jitter, P: c.PValue,
			Alarm: c.Score >= 0 && c.Kind == beat.KindBeacon,
		}
		if r.statistic {
			s.Score, s.Alarm = c.Rhythm, c.Rhythm >= 10
		}
		if p, seen := place[at]; !seen { // TCP and UDP to one port are two channels for it, and one here
			place[at] = len(out)
			out = append(out, s)
		} else if s.Score > out[p].Score {
			out[p] = s
		}
	}
	return out, nil
}

// runRhythm gives every channel that can be judged.
func runRhythm(ctx context.Context, w *World, weights *beat.Weights) (found *beat.RhythmResult, err error) {
	sessions := beat.NewSessions(beat.SorterOptions{Memory: rhythmMemory}, w.Networks)
	defer func() { err = errors.Join(err, sessions.Close()) }()
	out := sessions.Writer()
	var names traffic.Dict
	sequence := uint64(0)
	for i := range w.Channels {
		c := &w.Channels[i]
		v := beat.Session{
			Src: trafficAddr(c.Source), Dst: trafficAddr(c.Destination), DstPort: int32(c.Port), SrcPort: traffic.Unknown,
		}
		for j := range c.Sessions {
			s := &c.Sessions[j]
			sequence++
			v.Protocol, v.Kind, v.Sequence = s.Protocol, beat.RecordEnd, sequence
			if s.Failed && s.Received == 0 {
				v.Kind = beat.RecordDenied
			}
			v.Start, v.Duration = w.ticks(s.Start), int64(s.Duration)*traffic.Millisecond
			v.Sent, v.Received = int64(s.Sent), int64(s.Received)
			v.Device = names.Code([]byte{'f', 'w', '0' + s.Device})
			if err := out.Observe(&names, &v); err != nil {
				return nil, err
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return beat.Rhythm{Weights: weights, All: true, MinScore: math.Inf(-1)}.Run(ctx, sessions, runtime.GOMAXPROCS(0))
}

func trafficAddr(a netip.Addr) traffic.Addr {
	if a.Is4() {
		b := a.As4()
		return traffic.V4(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]))
	}
	return traffic.Addr{IP: a.As16(), Kind: traffic.AddrV6}
}
