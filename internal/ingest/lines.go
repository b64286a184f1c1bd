package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"

	"drumbeat/internal/logformat"
)

// Line is one line of a source.
type Line struct {
	// Path and Number say where it stands; lines count from 1.
	Path   string
	Number int64
	// Text is the line without its end. It is good until the next line.
	Text []byte
	// Reason is set for lines that cannot be read as they stand: too long, or cut off.
	Reason logformat.Reason
}

// Visitor is told of the sources and lines that Lines reads, in order.
type Visitor interface {
	// Piece comes before the lines of each piece of a file, with their text. first says that a new file begins.
	Piece(path string, lines []byte, first bool)
	// Line takes one line. An error ends the reading.
	Line(l *Line) error
}

// Lines reads files line by line, in order, by the calling goroutine alone: the slow way, for those who want to see
// each line. Problems are those of Scan.
func Lines(ctx context.Context, files []File, v Visitor) ([]Problem, error) {
	r := lineReader{cut: standardCutter(), v: v}
	return r.files(ctx, files)
}

// lineReader reads files line by line.
type lineReader struct {
	cut      cutter
	v        Visitor
	buf      []byte
	problems []Problem
}

func (r *lineReader) problem(f *File, fatal bool, text string) {
	r.problems = append(r.problems, Problem{Path: f.Path, Text: text, Fatal: fatal})
}

func (r *lineReader) files(ctx context.Context, files []File) ([]Problem, error) {
	for i := range files {
		f := files[i]
		if f.stream != nil {
			f.stream = &patientReader{ctx: ctx, r: f.stream}
		}
		src, err := openPatiently(ctx, &f, i)
		if ctx.Err() != nil {
			return r.problems, ctx.Err()
		}
		if err != nil {
			r.problem(&files[i], files[i].asked() || !errors.Is(err, errNotRead), trimNotRead(err))
			continue
		}
		err = r.linesOf(ctx, src)
		if cerr := src.closer(); err == nil && cerr != nil {
			r.problem(&files[i], true, "closing: "+reason(cerr))
		}
		if err != nil {
			return r.problems, err
		}
	}
	sortProblems(r.problems)
	return r.problems, nil
}

// patientReader reads from a source that may let wait, and gives up when its context ends. The read that waits is
// left behind.
type patientReader struct {
	ctx  context.Context //nolint:containedctx // io.Reader has no place for it
	r    io.Reader
	buf  []byte
	rest []byte
	err  error
}

// Read is io.Reader's.
func (p *patientReader) Read(out []byte) (int, error) {
	if len(p.rest) == 0 && p.err == nil {
		p.fill()
	}
	n := copy(out, p.rest)
	if p.rest = p.rest[n:]; n == 0 {
		return 0, p.err
	}
	return n, nil
}

func (p *patientReader) fill() {
	type read struct {
		n   int
		err error
	}
	buf := p.buf
	if buf == nil {
		buf = make([]byte, 64<<10)
	}
	done := make(chan read, 1)
	go func() {
		n, err := p.r.Read(buf)
		done <- read{n, err}
	}()
	select {
	case r := <-done:
		p.buf, p.rest, p.err = buf, buf[:r.n], r.err
	case <-p.ctx.Done():
		p.err = p.ctx.Err()
	}
}

// openPatiently is open, but gives up when its context ends: nobody may ever write to a named pipe. What waits is left
// behind.
func openPatiently(ctx context.Context, f *File, number int) (*source, error) {
	if !f.pipe {
		return open(f, number, nil)
	}
	type opened struct {
		src *source
		err error
	}
	done := make(chan opened, 1)
	go func() {
		src, err := open(f, number, nil)
		done <- opened{src, err}
	}()
	select {
	case o := <-done:
		if o.err == nil {
			o.src.in = &patientReader{ctx: ctx, r: o.src.in}
		}
		return o.src, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// linesOf reads one file.
func (r *lineReader) linesOf(ctx context.Context, src *source) error {
	l := Line{Path: src.file.Path}
	next := src.texts(r.cut)
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		var t text
		var err error
		t, r.buf, err = next(r.buf)
		r.v.Piece(src.file.Path, t.lines, first)
		if first {
			if t.bytes == 0 && errors.Is(err, io.EOF) {
				r.problem(src.file, false, "is empty")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			r.problem(src.file, true, streamFault(src, err))
			return nil
		}
		if err != nil {
			return ctx.Err()
		}
		cut := r.cutOff(src, &t)
		if err := r.each(&l, &t, cut); err != nil {
			return err
		}
		if t.short {
			r.problem(src.file, true, becameShorter)
			return nil
		}
	}
}

// cutOff says why the last line of a piece is not whole, if it is not.
func (r *lineReader) cutOff(src *source, t *text) logformat.Reason {
	switch {
	case t.damaged:
		return logformat.ReasonDamaged
	case t.unended && !t.short && src.grown():
		r.problem(src.file, false, stillWritten)
		return logformat.ReasonUnfinished
	}
	return logformat.ReasonNone
}

// each gives the lines of a piece to the visitor.
func (r *lineReader) each(l *Line, t *text, cutOff logformat.Reason) error {
	for data := t.lines; len(data) > 0; {
		i := bytes.IndexByte(data, '\n')
		l.Text, l.Reason = data, cutOff
		if i >= 0 {
			l.Text, l.Reason, data = data[:i], logformat.ReasonNone, data[i+1:]
		} else {
			data = nil
		}
		l.Number++
		if err := r.v.Line(l); err != nil {
			return err
		}
	}
	if t.long == nil {
		return nil
	}
	l.Number++
	l.Text, l.Reason = t.long[:min(len(t.long), longSample)], logformat.ReasonTooLong
	return r.v.Line(l)
}
