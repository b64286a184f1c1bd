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
	// File comes before the lines of each file, with the text of its first lines.
	File(path string, head []byte)
	// Line takes one line. An error ends the reading.
	Line(l *Line) error
}

// Lines reads files line by line, in order, by the calling goroutine alone: the slow way, for those who want to see
// each line. Problems are those of Scan.
func Lines(ctx context.Context, files []File, v Visitor) ([]Problem, error) {
	var problems []Problem
	buf := make([]byte, chunkSize)
	for i := range files {
		src, err := open(&files[i], i, nil)
		if err != nil {
			problems = append(problems, Problem{
				Path: files[i].Path, Text: trimNotRead(err), Fatal: !errors.Is(err, errNotRead),
			})
			continue
		}
		if src.in == nil {
			src.raw = &countingReader{r: io.NewSectionReader(src.f, 0, 1<<62)}
			src.in = src.raw
		}
		err = linesOf(ctx, src, buf, v)
		if cerr := src.closer(); err == nil {
			err = cerr
		}
		var fault *streamError
		switch {
		case errors.As(err, &fault):
			problems = append(problems, Problem{Path: files[i].Path, Text: streamFault(src, fault.err), Fatal: true})
		case err != nil:
			return problems, err
		}
	}
	return problems, nil
}

// streamError is a fault of a source, not of whoever reads its lines.
type streamError struct{ err error }

// Error is the fault's text.
func (e *streamError) Error() string { return e.err.Error() }

func linesOf(ctx context.Context, src *source, buf []byte, v Visitor) error {
	cutter := streamCutter{in: src.in}
	l := Line{Path: src.file.Path}
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := cutter.next(buf)
		if first {
			v.File(src.file.Path, t.lines)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &streamError{err}
		}
		damaged := t.unended && !errors.Is(cutter.err, io.EOF)
		for data := t.lines; len(data) > 0; {
			i := bytes.IndexByte(data, '\n')
			l.Text, l.Reason = data, logformat.ReasonNone
			if i >= 0 {
				l.Text, data = data[:i], data[i+1:]
			} else {
				data = nil
				if damaged {
					l.Reason = logformat.ReasonDamaged
				}
			}
			l.Number++
			if err := v.Line(&l); err != nil {
				return err
			}
		}
		if t.long != nil {
			l.Number++
			l.Text, l.Reason = t.long[:min(len(t.long), longSample)], logformat.ReasonTooLong
			if err := v.Line(&l); err != nil {
				return err
			}
		}
	}
}
