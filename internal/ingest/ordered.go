package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"drumbeat/internal/logformat"
)

// Stretch is a piece of a source for a worker of [Ordered]: lines that stand together.
type Stretch struct {
	// File is the number of the source among those given, and Index that of the piece in it, both from 0.
	File, Index int
	// Last says that it is the last piece of its source.
	Last bool
	// Path is the source's path.
	Path string
	// Lines is the text; all lines but the last end with a newline. It is the worker's until it returns.
	Lines []byte
	// CutOff says why the last line, where it lacks its end, is not whole; ReasonNone where it is.
	CutOff logformat.Reason
	// TooLong says that one more line follows that is too long to be read. Long is its start, the worker's as Lines is.
	TooLong bool
	Long    []byte
	// Bytes is the length of the piece: those of all pieces add up to the length of the source.
	Bytes int64
	// Packed names the compression or encoding of the source, empty for plain text.
	Packed string

	head []byte
}

// Reference gives the time, in ticks, of a dated record near the piece, or 0: it dates records that name no year, as in
// Scan.
func (p *Stretch) Reference(opt logformat.Options) int64 {
	if t := logformat.FirstDated(opt, p.Lines); t != 0 {
		return t
	}
	return logformat.FirstDated(opt, p.head)
}

// OrderedOptions say how [Ordered] reads.
type OrderedOptions struct {
	// Workers is the number of goroutines that work on pieces; at least 1.
	Workers int
	// Skip, where it is not nil, is asked whether a piece of a plain file, but for its first, can be left out before it
	// is read.
	Skip func(file, index int) bool
	// Progress, where it is not nil, is told of bytes of the files as they are read, by any goroutine.
	Progress func(n int64)
}

// Ordered reads files in pieces, gives those to several workers at once, and what these make of them to take, in the
// order of path and line: take is called by one goroutine at a time. worker makes the func that a goroutine works with;
// it hands results to out as it makes them, which waits until it is the piece's turn. Reading ends with the first error,
// that of the context among them. Problems are those of [Scan].
func Ordered[T any](
	ctx context.Context, files []File, opt OrderedOptions,
	worker func() func(p *Stretch, out func(T) error) error, take func(T) error,
) ([]Problem, error) {
	o := &ordered[T]{
		opt: opt, work: make(chan *job[T]), turns: make(chan *job[T], opt.Workers),
		reader: lineReader{cut: standardCutter()},
	}
	o.buffers.New = func() any { b := o.reader.cut.buffer(); return &b }
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(o.turns)
		defer close(o.work)
		return guard("reading", func() error { return o.feed(gctx, files) })
	})
	for range opt.Workers {
		g.Go(func() error { return o.workOn(gctx, worker()) })
	}
	g.Go(func() error { return o.deliver(gctx, take) })
	err := g.Wait()
	if err == nil {
		err = ctx.Err()
	}
	sortProblems(o.reader.problems)
	return o.reader.problems, err
}

// job is a piece and what a worker makes of it.
type job[T any] struct {
	p   Stretch
	buf *[]byte
	out chan T
}

type ordered[T any] struct {
	opt     OrderedOptions
	work    chan *job[T]
	turns   chan *job[T] // the same jobs in their order
	buffers sync.Pool
	reader  lineReader // for its problems
}

// resultsAhead is the number of results that a worker can be ahead of take.
const resultsAhead = 4

// feed cuts the files into pieces, in order.
func (o *ordered[T]) feed(ctx context.Context, files []File) error {
	for i := range files {
		f := files[i]
		if f.stream != nil {
			f.stream = &patientReader{ctx: ctx, r: f.stream}
		}
		src, err := openPatiently(ctx, &f, i)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			o.reader.problem(&files[i], files[i].asked() || !errors.Is(err, errNotRead), trimNotRead(err))
			continue
		}
		err = o.feedFile(ctx, src)
		if cerr := src.closer(); err == nil && cerr != nil {
			o.reader.problem(&files[i], true, "closing: "+reason(cerr))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// feedFile cuts one source into pieces.
func (o *ordered[T]) feedFile(ctx context.Context, src *source) error {
	next := o.pieces(src)
	var head []byte
	for index := 0; ; index++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		buf := o.buffers.Get().(*[]byte)
		t, skipped, err := next(buf)
		if skipped {
			o.buffers.Put(buf)
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
			o.reader.problem(src.file, true, streamFault(src, err))
		}
		if err != nil {
			if index == 0 && errors.Is(err, io.EOF) {
				o.reader.problem(src.file, false, "is empty")
			}
			return ctx.Err()
		}
		if head == nil {
			head = bytes.Clone(Head(t.lines))
		}
		j := &job[T]{buf: buf, out: make(chan T, resultsAhead), p: Stretch{
			File: src.number, Index: index, Path: src.file.Path, Lines: t.lines, TooLong: t.long != nil,
			Long: t.long[:min(len(t.long), longSample)], Bytes: t.bytes, Packed: src.form.String(), CutOff: o.reader.cutOff(src, &t),
			head: head,
		}}
		j.p.Last = src.in == nil && (int64(index)+1)*int64(o.reader.cut.chunk) >= src.size
		if err := o.send(ctx, j); err != nil {
			return err
		}
		if t.short {
			o.reader.problem(src.file, true, becameShorter)
			return nil
		}
	}
}

// pieces gives a func that gives the next piece of a source, or says that it was skipped, and io.EOF after the last.
func (o *ordered[T]) pieces(src *source) func(buf *[]byte) (t text, skipped bool, err error) {
	if src.in != nil {
		cut := streamCutter{cutter: o.reader.cut, in: src.in}
		told := int64(0)
		return func(buf *[]byte) (t text, skipped bool, err error) {
			t, *buf, err = cut.next(*buf)
			o.progress(src.raw.n - told)
			told = src.raw.n
			return t, false, err
		}
	}
	off, index := int64(0), 0
	return func(buf *[]byte) (t text, skipped bool, err error) {
		if off >= src.size {
			return text{}, false, io.EOF
		}
		chunk := int64(o.reader.cut.chunk)
		if index > 0 && o.opt.Skip != nil && o.opt.Skip(src.number, index) {
			skipped = true
		} else {
			t, *buf, err = o.reader.cut.readAt(src.f, off, src.size, *buf)
		}
		o.progress(min(chunk, src.size-off))
		off += chunk
		index++
		return t, skipped, err
	}
}

func (o *ordered[T]) progress(n int64) {
	if o.opt.Progress != nil && n > 0 {
		o.opt.Progress(n)
	}
}

// send puts a job into the order of results, then gives it to a worker.
func (o *ordered[T]) send(ctx context.Context, j *job[T]) error {
	for _, to := range []chan *job[T]{o.turns, o.work} {
		select {
		case to <- j:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// workOn is one worker.
func (o *ordered[T]) workOn(ctx context.Context, do func(p *Stretch, out func(T) error) error) error {
	for j := range o.work {
		err := guard(fmt.Sprintf("%s, piece %d", j.p.Path, j.p.Index), func() error {
			return do(&j.p, func(v T) error {
				select {
				case j.out <- v:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		})
		o.buffers.Put(j.buf)
		if err != nil {
			return err
		}
		close(j.out)
	}
	return nil
}

// deliver hands on results in order.
func (o *ordered[T]) deliver(ctx context.Context, take func(T) error) error {
	for j := range o.turns {
		for open := true; open; {
			var v T
			select {
			case v, open = <-j.out:
			case <-ctx.Done():
				return ctx.Err()
			}
			if !open {
				break
			}
			if err := take(v); err != nil {
				return err
			}
		}
	}
	return nil
}
