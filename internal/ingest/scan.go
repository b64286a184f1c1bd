package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// Options say how to read.
type Options struct {
	// Parse holds what the user decided about lines.
	Parse logformat.Options
	// Workers is the number of goroutines that parse; at least 1.
	Workers int
	// Sink makes the sink of each worker.
	Sink func() Sink
	// Quarantine, where it is not nil, is given every rejected line, in order of path and line.
	Quarantine func(Rejected) error
	// Progress, where it is not nil, is told of bytes of the files as they are read, by any goroutine.
	Progress func(n int64)
}

// piece is a part of a source for one worker: a stretch of a plain file, or text that a decoder has cut.
type piece struct {
	src    *source
	index  int
	offset int64
	last   bool
	seq    int64 // counts the pieces of all sources as they are sent

	text  text
	ready bool    // text is set
	buf   *[]byte // text's memory, to be given back
	// problem is what ended the source.
	problem string
}

// result is what a worker made of a piece.
type result struct {
	src      *source
	index    int
	last     bool
	seq      int64
	counts   logformat.Counts
	bytes    int64
	lines    int64
	rejected []Rejected // Line counts from 0 within the piece
	samples  logformat.Direction
	problem  string
	grown    bool
}

type scanner struct {
	opt     Options
	cut     cutter
	pieces  chan piece
	results chan result
	buffers sync.Pool
	sent    atomic.Int64 // pieces

	mu       sync.Mutex
	problems []Problem
}

// Scan reads files with all workers and gives their flows to the sinks. The report does not depend on the number of
// workers. Scan fails only where a sink or the quarantine does; a context that ends makes the report partial.
func Scan(ctx context.Context, files []File, opt Options) (*Report, error) {
	return newScanner(opt, standardCutter()).scan(ctx, files)
}

func newScanner(opt Options, cut cutter) *scanner {
	s := &scanner{
		opt: opt, cut: cut,
		pieces: make(chan piece, 2*opt.Workers), results: make(chan result, 4*opt.Workers),
	}
	s.buffers.New = func() any { b := cut.buffer(); return &b }
	return s
}

func (s *scanner) scan(ctx context.Context, files []File) (*Report, error) {
	var r *Report
	stoppable, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(stoppable)
	g.Go(func() error {
		s.feed(gctx, files)
		if gctx.Err() == nil { // else a decoder may still be about to send
			close(s.pieces)
		}
		return nil
	})
	var workers sync.WaitGroup
	for range s.opt.Workers {
		workers.Add(1)
		g.Go(func() error {
			defer workers.Done()
			return s.work(gctx)
		})
	}
	g.Go(func() error {
		workers.Wait()
		close(s.results)
		return nil
	})
	g.Go(func() error {
		err := guard("collecting", func() (err error) {
			r, err = s.collect(stop)
			return err
		})
		for range s.results { // whoever sends must not wait for a collector that is gone
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s.mu.Lock() // a stopped scan may have left a decoder behind
	r.Problems = append(r.Problems, s.problems...)
	s.mu.Unlock()
	r.Partial = ctx.Err() != nil
	sortProblems(r.Problems)
	return r, nil
}

func (s *scanner) problem(path string, fatal bool, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, Problem{Path: path, Text: text, Fatal: fatal})
}

// feed opens the files in order and cuts them into pieces. Packed files are decoded side by side, unless rejected
// lines must come in order: then one file follows the other. A pipe may wait for whoever writes to it as long as it
// likes: it is opened and read by a goroutine that a stopped scan leaves behind.
func (s *scanner) feed(ctx context.Context, files []File) {
	decoders := make(chan struct{}, s.opt.Workers)
	var running sync.WaitGroup
	for i := range files {
		if ctx.Err() != nil {
			break
		}
		var src *source
		if !files[i].waits() {
			if src = s.open(&files[i], i); src == nil {
				continue
			}
			if src.in == nil {
				s.feedPlain(ctx, src)
				continue
			}
		}
		select {
		case decoders <- struct{}{}:
		case <-ctx.Done():
			if src != nil {
				s.close(src)
			}
			continue
		}
		running.Go(func() {
			defer func() { <-decoders }()
			if src == nil {
				src = s.open(&files[i], i)
			}
			if src == nil {
				return
			}
			err := guard(src.file.Path, func() error { s.feedStream(ctx, src); return nil })
			if err != nil {
				s.problem(src.file.Path, true, err.Error())
			}
		})
		if s.opt.Quarantine != nil {
			await(ctx, &running)
		}
	}
	await(ctx, &running)
}

// await waits for goroutines, or for the end of the scan.
func await(ctx context.Context, running *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// open opens a file, or says why it cannot be opened and gives nil.
func (s *scanner) open(file *File, number int) *source {
	src, err := open(file, number, s.opt.Progress)
	if err != nil {
		s.problem(file.Path, file.asked() || !errors.Is(err, errNotRead), trimNotRead(err))
		return nil
	}
	return src
}

func (s *scanner) close(src *source) {
	if err := src.closer(); err != nil {
		s.problem(src.file.Path, true, "closing: "+reason(err))
	}
}

func trimNotRead(err error) string {
	return string(bytes.TrimSuffix([]byte(err.Error()), []byte(": "+errNotRead.Error())))
}

// send hands a piece on, unless the scan is over.
func (s *scanner) send(ctx context.Context, p piece) bool {
	select {
	case <-ctx.Done():
		return false
	default:
	}
	p.seq = s.sent.Add(1) - 1
	select {
	case s.pieces <- p:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *scanner) feedPlain(ctx context.Context, src *source) {
	chunk := int64(s.cut.chunk)
	src.pending.Store((src.size + chunk - 1) / chunk)
	index := 0
	for off := int64(0); off < src.size; off += chunk {
		last := off+chunk >= src.size
		if !s.send(ctx, piece{src: src, index: index, offset: off, last: last}) {
			return
		}
		index++
	}
}

func (s *scanner) feedStream(ctx context.Context, src *source) {
	defer s.close(src)
	next := src.texts(s.cut)
	for index := 0; ; index++ {
		p := piece{src: src, index: index, ready: true, buf: s.buffers.Get().(*[]byte)}
		var err error
		if p.text, *p.buf, err = next(*p.buf); err != nil {
			p.last = true
			if !errors.Is(err, io.EOF) {
				p.problem = streamFault(src, err)
			}
		}
		if index == 0 {
			src.head = bytes.Clone(Head(p.text.lines))
		}
		if !s.send(ctx, p) || p.last {
			return
		}
	}
}

func streamFault(src *source, err error) string {
	if errors.Is(err, errHopeless) {
		return err.Error()
	}
	if src.raw == nil {
		return "read error: " + reason(err)
	}
	what := "read error"
	if f := src.form.String(); f != "" {
		what = "damaged " + f + " data"
	}
	return fmt.Sprintf("%s after %d bytes: %s; what comes before was read", what, src.raw.n, reason(err))
}

// headLen is the length of a source's head.
const headLen = 64 << 10

// Head gives the head of a source, given the lines of its first piece: where a year is looked for by pieces that name
// none.
func Head(lines []byte) []byte { return lines[:min(len(lines), headLen)] }

// SampleLines gives the number of first lines of a source in which evidence on byte directions is looked for: many in
// the first few sources, a few in each of many.
func SampleLines(number int) int {
	if number < 4 {
		return sampleLines
	}
	return 32
}

const sampleLines = 1000

// worker is what one goroutine needs to parse.
type worker struct {
	s       *scanner
	parser  *logformat.Parser
	builder traffic.Builder
	sink    Sink
	buf     []byte
}

func (s *scanner) work(ctx context.Context) error {
	w := &worker{s: s, parser: logformat.NewParser(s.opt.Parse), sink: s.opt.Sink()}
	for {
		var p piece
		var ok bool
		select {
		case <-ctx.Done():
			return nil
		case p, ok = <-s.pieces:
		}
		if !ok {
			return nil
		}
		var r result
		err := guard(fmt.Sprintf("%s, at byte %d", p.src.file.Path, p.offset), func() (err error) {
			r, err = w.piece(&p)
			return err
		})
		p.src.done()
		if p.buf != nil {
			s.buffers.Put(p.buf)
		}
		if err != nil {
			return err
		}
		s.results <- r
	}
}

// guard runs f, and gives a panic, which is a fault of our own, as an error that says what was done.
func guard(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("ingest: BUG: %s: %v", what, v)
		}
	}()
	return f()
}

// piece parses a piece and gives its flows to the sink.
func (w *worker) piece(p *piece) (result, error) {
	r := result{src: p.src, index: p.index, last: p.last, seq: p.seq, problem: p.problem}
	if !p.ready {
		var err error
		p.text, w.buf, err = w.s.cut.readAt(p.src.f, p.offset, p.src.size, w.buf)
		switch {
		case err != nil:
			r.problem = "read error: " + reason(err)
		case p.text.short:
			r.problem = becameShorter
		case p.text.unended:
			r.grown = p.src.grown()
		}
		if w.s.opt.Progress != nil {
			w.s.opt.Progress(min(int64(w.s.cut.chunk), p.src.size-p.offset))
		}
	}
	r.bytes = p.text.bytes
	if p.index == 0 && len(p.text.lines) > 0 {
		r.samples = logformat.Votes(w.s.opt.Parse, p.text.lines, SampleLines(p.src.number))
	}
	w.parse(p, &r)
	r.counts = w.parser.Counts
	if b := w.builder.Batch(); b.Len() > 0 {
		if err := w.sink.Observe(b); err != nil {
			return r, err
		}
	}
	return r, nil
}

// parse reads the lines of a piece into the builder.
func (w *worker) parse(p *piece, r *result) {
	reset := w.builder.Reset(traffic.Origin{File: uint32(p.src.number), Chunk: uint32(p.index)})
	w.parser.Start(func() int64 { return w.s.reference(p) }, reset)
	number := uint32(0)
	for data := p.text.lines; len(data) > 0; number++ {
		i := bytes.IndexByte(data, '\n')
		line, rest := data, []byte(nil)
		if i >= 0 {
			line, rest = data[:i], data[i+1:]
		}
		data = rest
		if i < 0 && (p.text.damaged || r.grown) {
			why := logformat.ReasonUnfinished
			if p.text.damaged {
				why = logformat.ReasonDamaged
			}
			w.parser.Reject(why)
			w.reject(r, number, why, line)
			continue
		}
		if o := w.parser.Parse(&w.builder, line, number); o.Reason != logformat.ReasonNone {
			w.reject(r, number, o.Reason, line)
		}
	}
	if p.text.long != nil {
		w.parser.Reject(logformat.ReasonTooLong)
		w.reject(r, number, logformat.ReasonTooLong, p.text.long[:min(len(p.text.long), longSample)])
		number++
	}
	r.lines = int64(number)
}

// reject keeps a rejected line: every one for the quarantine, else the first few for each reason.
func (w *worker) reject(r *result, number uint32, why logformat.Reason, line []byte) {
	if w.s.opt.Quarantine == nil && w.parser.Counts.Rejected[why] > samplesPerReason {
		return
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if w.s.opt.Quarantine == nil {
		line = line[:min(len(line), longSample)]
	}
	r.rejected = append(r.rejected, Rejected{
		Path: r.src.file.Path, Line: int64(number), Reason: why, Text: string(line),
	})
}

// done counts a piece of a plain file as read and closes the file after the last.
func (s *source) done() {
	if s.in == nil && s.pending.Add(-1) == 0 {
		// The file was only read: there is nothing that closing could lose.
		_ = s.closer()
	}
}

// reference gives the time of a dated record near a piece: the first in it, else the first in the source's head.
func (s *scanner) reference(p *piece) int64 {
	if t := logformat.FirstDated(s.opt.Parse, p.text.lines); t != 0 {
		return t
	}
	src := p.src
	src.once.Do(func() {
		if src.in == nil {
			if first, _, err := s.cut.readAt(src.f, 0, src.size, nil); err == nil {
				src.head = Head(first.lines)
			}
		}
		src.headTime = logformat.FirstDated(s.opt.Parse, src.head)
		src.head = nil
	})
	return src.headTime
}

type sourceState struct {
	pending  atomic.Int64
	once     sync.Once
	head     []byte // of a stream
	headTime int64
}
