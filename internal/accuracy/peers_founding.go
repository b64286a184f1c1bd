package accuracy

import (
	"context"
	"errors"
	"math"
	"runtime"

	"drumbeat/internal/beat"
	"drumbeat/internal/traffic"
)

// founding is the founding rule, as beat.Delta runs it.
type founding struct{ bySource bool }

func (f founding) Name() string {
	if f.bySource {
		return "founding rule, by source"
	}
	return "founding rule, by channel"
}

func (founding) Alarms() string { return "30 gaps an hour, 80 % of them equal" }

// foundingMemory is what the rule may use before it writes to a file.
const foundingMemory = 1 << 30

func (f founding) Score(ctx context.Context, w *World) (out []Scored, err error) {
	sorter := beat.NewSorter(beat.SorterOptions{Memory: foundingMemory})
	defer func() { err = errors.Join(err, sorter.Close()) }()
	if err := f.feed(ctx, w, sorter); err != nil {
		return nil, err
	}
	rule := beat.FoundingRule(beat.ByChannel)
	if f.bySource {
		rule.Scope = beat.BySource
	}
	result, err := beat.Run(ctx, sorter, runtime.GOMAXPROCS(0), []beat.Delta{rule})
	if err != nil {
		return nil, err
	}
	index := w.index()
	best := make(map[int]int) // channel → place in out
	for _, r := range result.Rows[0] {
		i, ok := index[channelName(r.Source, r.Destination, int(r.Port))]
		if !ok {
			return nil, errors.New("BUG: the rule reports a channel that is not in the world")
		}
		s := Scored{Channel: i, Score: r.Percent, Period: float64(r.ModalGap), Jitter: math.NaN(), Alarm: true, P: math.NaN()}
		if at, ok := best[i]; !ok {
			best[i] = len(out)
			out = append(out, s)
		} else if s.Score > out[at].Score {
			out[at] = s
		}
	}
	return out, nil
}

// feed gives the sorter a record for each session: written when it ended, as the rule sees it.
func (f founding) feed(ctx context.Context, w *World, sorter *beat.Sorter) error {
	const rows = 8192
	var b traffic.Builder
	out := sorter.Writer()
	flush := func(chunk uint32) error {
		if err := out.Observe(b.Batch()); err != nil {
			return err
		}
		b.Reset(traffic.Origin{Chunk: chunk})
		return ctx.Err()
	}
	chunk := uint32(0)
	b.Reset(traffic.Origin{})
	line := uint32(0)
	for i := range w.Channels {
		c := &w.Channels[i]
		row := traffic.Row{
			Src: traffic.ParseAddr([]byte(c.Source.String())), Dst: traffic.ParseAddr([]byte(c.Destination.String())),
			DstPort: int32(c.Port), Flags: traffic.FlagActivity,
		}
		for j := range c.Sessions {
			s := &c.Sessions[j]
			row.Line, row.Time = line, w.ticks(s.Start)+int64(s.Duration)*traffic.Millisecond
			row.SentBytes, row.ReceivedBytes = int64(s.Sent), int64(s.Received)
			row.Device = b.Names().Code([]byte{'f', 'w', '0' + s.Device})
			b.Put(&row)
			line++
			if b.Mark() == rows {
				chunk++
				line = 0
				if err := flush(chunk); err != nil {
					return err
				}
			}
		}
	}
	if err := flush(chunk); err != nil {
		return err
	}
	return out.Close()
}
