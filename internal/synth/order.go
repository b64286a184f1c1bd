package synth

import (
	"context"
	"sync"
)

// inOrder runs work on the items of in by several workers at once and hands on
// the results in the order of the items. newWork is called once a worker. The
// result is closed when in is, or when ctx ends; it must be read to its end.
func inOrder[I, O any](ctx context.Context, workers int, in <-chan I, newWork func() func(I) O) <-chan O {
	type job struct {
		item   I
		result chan O
	}
	jobs, promised := make(chan job), make(chan chan O, workers)
	out := make(chan O)
	for range workers {
		go func() {
			work := newWork()
			for j := range jobs {
				j.result <- work(j.item)
			}
		}()
	}
	go func() {
		defer close(promised)
		defer close(jobs)
		for {
			var j job
			select {
			case item, ok := <-in:
				if !ok {
					return
				}
				j = job{item: item, result: make(chan O, 1)}
			case <-ctx.Done():
				return
			}
			jobs <- j // a worker always comes: its result has room
			promised <- j.result
		}
	}()
	go func() {
		defer close(out)
		for result := range promised {
			out <- <-result
		}
	}()
	return out
}

// pools keeps slices for their next use.
type pools struct {
	records, texts sync.Pool
}

func (p *pools) getRecords() []record {
	if s, ok := p.records.Get().(*[]record); ok {
		return (*s)[:0]
	}
	return nil
}

func (p *pools) putRecords(s []record) { p.records.Put(&s) }

func (p *pools) getText() []byte {
	if s, ok := p.texts.Get().(*[]byte); ok {
		return (*s)[:0]
	}
	return nil
}

func (p *pools) putText(s []byte) { p.texts.Put(&s) }
