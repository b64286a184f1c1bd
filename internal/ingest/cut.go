package ingest

import (
	"bytes"
	"errors"
	"io"
)

// chunkSize is the length of a piece, and maxLine that of the longest line that is read, its end included. A piece
// holds at most 2^20 lines, which the order of flows relies on.
const (
	chunkSize = 1 << 20
	maxLine   = 1 << 20
	// hopeless is the length of a line at which a stream is given up: it is no log, or made to waste time.
	hopeless = 1 << 30
)

// text is the lines that start in one piece of a source.
type text struct {
	lines []byte // whole lines, but for the last line of a source, which may lack its end
	// long is the start of a line that is too long, which comes after lines; nil where there is none.
	long []byte
	// unended says that the last line has no end: the source stops in it.
	unended bool
	// damaged says that it stops because the packed data cannot be read on.
	damaged bool
}

// readAt reads the lines of a regular file that start in [off, off+chunkSize) and before size. buf is used for the
// text where it is large enough, and given back.
func readAt(f io.ReaderAt, off, size int64, buf []byte) (text, []byte, error) {
	end := min(off+chunkSize, size)
	from := max(off-1, 0) // the byte before tells whether a line starts at off
	buf = buf[:cap(buf)]
	if len(buf) < chunkSize+readOn {
		buf = make([]byte, chunkSize+readOn)
	}
	n, err := f.ReadAt(buf[:end-from], from)
	if err != nil && !errors.Is(err, io.EOF) {
		return text{}, buf, err
	}
	short := int64(n) < end-from
	data := buf[:n]
	if off > 0 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return text{}, buf, nil // inside a line that another piece owns
		}
		data = data[i+1:]
	}
	if len(data) == 0 {
		return text{}, buf, nil
	}
	if data[len(data)-1] == '\n' {
		return text{lines: data}, buf, nil
	}
	if short {
		return text{lines: data, unended: true}, buf, nil
	}
	return completeLine(f, end, data, buf)
}

// readOn is how much is read at a time to find the end of a piece's last line.
const readOn = 16 << 10

// completeLine reads on to the end of the last line in data, which ends at file offset at.
func completeLine(f io.ReaderAt, at int64, data, buf []byte) (text, []byte, error) {
	last := bytes.LastIndexByte(data, '\n') + 1
	start := len(buf) - cap(data) // where data begins in buf
	used := start + len(data)
	for {
		if used+readOn > len(buf) {
			grown := make([]byte, len(buf)*2)
			copy(grown, buf[:used])
			buf = grown
		}
		n, err := f.ReadAt(buf[used:used+readOn], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return text{}, buf, err
		}
		if i := bytes.IndexByte(buf[used:used+n], '\n'); i >= 0 {
			used += i + 1
			break
		}
		used += n
		at += int64(n)
		if used-start-last >= maxLine { // with its end it is longer still
			return text{lines: buf[start : start+last], long: buf[start+last : used]}, buf, nil
		}
		if n == 0 || errors.Is(err, io.EOF) {
			return text{lines: buf[start:used], unended: true}, buf, nil
		}
	}
	if used-start-last > maxLine {
		return text{lines: buf[start : start+last], long: buf[start+last : used]}, buf, nil
	}
	return text{lines: buf[start:used]}, buf, nil
}

// streamCutter cuts a stream into pieces of whole lines.
type streamCutter struct {
	in   io.Reader
	rest []byte // the start of a line, left from the piece before
	err  error
	// skipped counts the bytes of a line that is too long, while its end is looked for.
	skipping bool
	skipped  int64
}

// errHopeless says that a stream was given up.
var errHopeless = errors.New("a line of more than 1 GiB: this is not a log; the rest is not read")

// next fills buf, of at least chunkSize bytes, with the next lines. It gives io.EOF after the last.
func (c *streamCutter) next(buf []byte) (text, error) {
	buf = buf[:chunkSize]
	n := copy(buf, c.rest)
	c.rest = c.rest[:0]
	for {
		for n < len(buf) && c.err == nil {
			var m int
			m, c.err = c.in.Read(buf[n:])
			n += m
		}
		if !c.skipping {
			break
		}
		i := bytes.IndexByte(buf[:n], '\n')
		if i >= 0 {
			c.skipping, c.skipped = false, 0
			n = copy(buf, buf[i+1:n])
			continue
		}
		if c.skipped += int64(n); c.skipped > hopeless {
			c.err = errHopeless
		}
		n = 0
		if c.err != nil {
			return text{}, c.err
		}
	}
	if n == 0 {
		return text{}, c.err
	}
	last := bytes.LastIndexByte(buf[:n], '\n') + 1
	switch {
	case last == n:
		return text{lines: buf[:n]}, nil
	case c.err != nil:
		return text{lines: buf[:n], unended: true}, nil
	case last == 0: // a line that fills the piece is too long
		c.skipping, c.skipped = true, int64(n)
		return text{long: buf[:n]}, nil
	}
	c.rest = append(c.rest, buf[last:n]...)
	return text{lines: buf[:last]}, nil
}
