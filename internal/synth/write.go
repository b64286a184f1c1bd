package synth

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"
)

// chunkRecords is how many records are spelled at a time.
const chunkRecords = 2048

// Write makes the log and writes it to out in the order of time, then the truth
// about it to truth, which may be nil, as one JSON object a line. It stops at
// the first error of a writer, and when ctx ends. Until then all of out is
// whole lines.
func (w World) Write(ctx context.Context, out, truth io.Writer) (Stats, error) {
	return w.write(ctx, out, truth, chunkRecords)
}

func (w World) write(ctx context.Context, out, truth io.Writer, chunk int) (Stats, error) {
	if err := w.Validate(); err != nil {
		return Stats{}, fmt.Errorf("synth: %w", err)
	}
	p, err := newPlan(w)
	if err != nil {
		return Stats{}, fmt.Errorf("synth: %w", err)
	}
	r := &run{plan: p, loss: w.Loss, chunkSize: chunk, seq: make([]int64, len(p.c.devices))}
	if err := r.log(ctx, out); err != nil {
		return r.stats, fmt.Errorf("synth: writing the log: %w", err)
	}
	r.count()
	if truth == nil {
		return r.stats, nil
	}
	if err := p.writeTruth(truth, r.stats); err != nil {
		return r.stats, fmt.Errorf("synth: writing the truth: %w", err)
	}
	return r.stats, nil
}

// run is one writing of a log.
type run struct {
	*plan
	loss      float64
	stats     Stats
	seq       []int64 // of each firewall
	chunkSize int
}

// log draws quanta, sorts what is finished and spells it: three stages that run
// at the same time, each handing on in order.
func (r *run) log(parent context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(parent)
	workers := runtime.GOMAXPROCS(0)
	var drawn, spelled pools
	numbers := make(chan int)
	quanta := inOrder(ctx, workers, numbers, r.newMaker(&drawn))
	chunks := make(chan []record)
	texts := inOrder(ctx, workers, chunks, r.newSpeller(&spelled))
	sorted := make(chan struct{})
	go func() {
		defer close(numbers)
		for n := range r.schedule.budget {
			if !send(ctx, numbers, n) {
				return
			}
		}
	}()
	go func() {
		defer close(sorted)
		defer close(chunks)
		if err := r.sort(ctx, quanta, chunks, &drawn, &spelled); err != nil {
			cancel(err)
		}
	}()
	for text := range texts {
		if ctx.Err() == nil {
			n, err := out.Write(text)
			r.stats.Bytes += int64(n)
			if err != nil {
				cancel(err)
			}
		}
		spelled.putText(text)
	}
	<-sorted
	err := context.Cause(ctx)
	cancel(nil)
	return err
}

func send[T any](ctx context.Context, to chan<- T, v T) bool {
	select {
	case to <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// newMaker gives each worker its own maker of quanta.
func (r *run) newMaker(pool *pools) func() func(int) []record {
	return func() func(int) []record {
		m := &maker{c: r.c, s: r.schedule, shapes: r.n.apps, logStart: r.w.LogStart, d: newDice(0)}
		return func(n int) []record { return m.quantum(n, pool.getRecords()) }
	}
}

// newSpeller gives each worker its own printer.
func (r *run) newSpeller(pool *pools) func() func([]record) []byte {
	layouts, text := newLayouts(r.plan), newTexts(r.plan)
	return func() func([]record) []byte {
		pr := newPrinter(r.plan, layouts, text)
		return func(records []record) []byte {
			b := pr.lines(pool.getText(), records)
			pool.putRecords(records)
			return b
		}
	}
}

// sort puts the records of quanta and of planted channels in the order of time,
// numbers them, and cuts them into chunks.
func (r *run) sort(ctx context.Context, quanta <-chan []record, chunks chan<- []record, drawn, spelled *pools) error {
	defer func() {
		for range quanta { // whoever makes them must be able to end
		}
	}()
	clock := newClockwork(r.c, &r.w, r.channels, r.from)
	waiting := newSlots(r.from, r.to, r.schedule.length)
	chunk := spelled.getRecords()
	emit := func(rec *record) error {
		r.seq[rec.device]++
		rec.seq = r.seq[rec.device]
		r.note(rec)
		chunk = append(chunk, *rec)
		if len(chunk) < r.chunkSize {
			return nil
		}
		if !send(ctx, chunks, chunk) {
			return context.Cause(ctx)
		}
		chunk = spelled.getRecords()
		return nil
	}
	put := func(rec *record) { r.take(waiting, rec) }
	end := r.schedule.begin
	for records := range quanta {
		end = min(end+r.schedule.length, r.to)
		for i := range records {
			put(&records[i])
		}
		drawn.putRecords(records)
		clock.advance(end, put)
		// A look-up of a name is drawn a moment before its session.
		if err := waiting.drain(end-second, emit); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := waiting.drain(r.to, emit); err != nil {
		return err
	}
	if len(chunk) > 0 {
		send(ctx, chunks, chunk)
	}
	return nil
}

// take stores a record for its turn, unless it falls outside the log or is lost
// on the way there.
func (r *run) take(waiting *slots, rec *record) {
	if rec.seen < r.from || rec.seen >= r.to {
		return
	}
	if r.loss > 0 && uniform(hash(r.w.Seed, streamLoss, rec.key+uint64(rec.kind))) < r.loss {
		r.stats.Lost++
		return
	}
	waiting.put(rec)
	if rec.channel < 0 {
		return
	}
	f := &r.channels[rec.channel].found
	f.records++
	if f.beats == 0 || f.lastBeat != rec.beat {
		f.beats++
		f.lastBeat = rec.beat
		if f.beats == 1 {
			f.first = rec.began
		}
		f.last = rec.began
	}
}

// note counts a record that is being written.
func (r *run) note(rec *record) {
	if r.stats.Records == 0 {
		r.stats.First = time.UnixMilli(rec.seen).UTC()
	}
	r.stats.Records++
	r.stats.Last = time.UnixMilli(rec.seen).UTC()
	if rec.kind >= kindDrop {
		r.stats.Blocked++
	}
}

func (r *run) count() {
	for i := range r.channels {
		if c := &r.channels[i]; c.benign {
			r.stats.Pollers++
		} else {
			r.stats.Beacons++
			r.stats.Beats += c.found.beats
		}
	}
}
