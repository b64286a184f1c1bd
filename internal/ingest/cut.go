package ingest

import (
	"bytes"
	"errors"
	"io"
)

// A cutter cuts sources into pieces. Piece k is the lines that start in the k-th stretch of a source's text, which is
// chunk bytes long:
//
//	stretches  |         0         |         1         |    2    |
//	lines      aaaaaaa bbbb ccccccccccc dddddd eeeeeeeee fffffff g
//	pieces     aaaaaaa bbbb ccccccccccc|dddddd eeeeeeeee|fffffff g
//
// Both ways of reading, readAt for regular files and streamCutter for all else, give the same pieces, so that nothing
// that is found in them depends on how a source came.
type cutter struct {
	// chunk is the length of a stretch.
	chunk int
	// maxLine is that of the longest line that is read, its end included. It is not less than chunk, so that no more
	// than the last line of a piece can be too long.
	maxLine int
	// readOn is how much is read at a time to find the end of a piece's last line.
	readOn int
	// hopeless is the length of a line at which a stream is given up: it is no log, or made to waste time.
	hopeless int64
}

// standardCutter is the cutter of scans. A piece holds at most 2^20 lines, which the order of flows relies on.
func standardCutter() cutter {
	return cutter{chunk: 1 << 20, maxLine: 1 << 20, readOn: 16 << 10, hopeless: 1 << 30}
}

// buffer makes memory for the text of a piece.
func (c *cutter) buffer() []byte { return make([]byte, c.chunk+c.readOn) }

// text is one piece of a source.
type text struct {
	lines []byte // whole lines, but for the last line of a source, which may lack its end
	// long is the start of a line that is too long, which comes after lines; nil where there is none.
	long []byte
	// bytes is the number of bytes of the stretch: these add up to the length of the source.
	bytes int64
	// unended says that the last line has no end: the source stops in it.
	unended bool
	// damaged says that it stops because the source cannot be read on.
	damaged bool
	// short says that the source ends before the size that it had when it was opened.
	short bool
}

// readAt reads the piece of a regular file that starts at off, a multiple of chunk; lines must start before size. buf
// is used for the text where it is large enough, and given back.
func (c *cutter) readAt(f io.ReaderAt, off, size int64, buf []byte) (text, []byte, error) {
	end := min(off+int64(c.chunk), size)
	from := max(off-1, 0) // the byte before tells whether a line starts at off
	buf = buf[:cap(buf)]
	if len(buf) < c.chunk+c.readOn {
		buf = c.buffer()
	}
	n, err := f.ReadAt(buf[:end-from], from)
	if err != nil && !errors.Is(err, io.EOF) {
		return text{}, buf, err
	}
	t := text{bytes: max(int64(n)-(off-from), 0), short: int64(n) < end-from}
	start := 0
	if off > 0 {
		i := bytes.IndexByte(buf[:n], '\n')
		if i < 0 {
			return t, buf, nil // inside a line that another piece owns
		}
		start = i + 1
	}
	if start == n {
		return t, buf, nil
	}
	if t.lines = buf[start:n]; buf[n-1] == '\n' {
		return t, buf, nil
	}
	if t.short {
		t.unended = true
		return t, buf, nil
	}
	at := end // where the file is read on
	more := func(p []byte) (int, error) {
		m, err := f.ReadAt(p, at)
		at += int64(m)
		return m, err
	}
	stop, buf, err := c.complete(&t, buf, start, n, n, more)
	if err != nil && !errors.Is(err, io.EOF) {
		return text{}, buf, err
	}
	// The last line of a file that is being written may end beyond the size that it had.
	t.bytes += max(from+int64(stop)-size, 0)
	return t, buf, nil
}

// complete sets t's lines to those in buf from start on, whose last line has no end before buf[seen]; buf is filled up
// to n. It reads on to the end of that line, and gives the place in buf behind it.
func (c *cutter) complete(
	t *text, buf []byte, start, seen, n int, more func(p []byte) (int, error),
) (stop int, grown []byte, err error) {
	last := start + bytes.LastIndexByte(buf[start:seen], '\n') + 1
	for {
		i := bytes.IndexByte(buf[seen:n], '\n')
		stop = n
		if i >= 0 {
			stop = seen + i + 1
		}
		switch length := stop - last; {
		case length > c.maxLine, i < 0 && length == c.maxLine: // with its end it is longer still
			t.lines, t.long = buf[start:last], buf[last:last+c.maxLine]
			return stop, buf, nil
		case i >= 0:
			t.lines = buf[start:stop]
			return stop, buf, nil
		case err != nil:
			t.lines, t.unended, t.damaged = buf[start:stop], true, !errors.Is(err, io.EOF)
			return stop, buf, err
		}
		if n+c.readOn > len(buf) {
			wide := make([]byte, len(buf)*2+c.readOn)
			copy(wide, buf[:n])
			buf = wide
		}
		var m int
		m, err = more(buf[n : n+c.readOn])
		seen, n = n, n+m
	}
}

// streamCutter cuts a stream into pieces.
type streamCutter struct {
	cutter
	in  io.Reader
	err error

	piece int64  // the number of the next piece
	at    int64  // where rest begins in the text
	rest  []byte // what was read beyond the end of the piece before
	// skipping says that the end of a line that is too long is looked for, which began at long.
	skipping bool
	long     int64
}

// errHopeless says that a stream was given up.
var errHopeless = errors.New("a line of more than 1 GiB: this is not a log; the rest is not read")

// next gives the next piece. It gives io.EOF after the last. buf is used for the text where it is large enough, and
// given back.
func (c *streamCutter) next(buf []byte) (text, []byte, error) {
	off := c.piece * int64(c.chunk)
	end := off + int64(c.chunk)
	if buf = buf[:cap(buf)]; len(buf) < c.chunk+c.readOn {
		buf = c.buffer()
	}
	n := copy(buf, c.rest)
	if n = c.fill(buf, n, int(end-c.at)); c.skipping {
		n = c.skip(buf, n)
	}
	t := text{bytes: min(c.at+int64(n), end) - off}
	if t.bytes <= 0 {
		return text{}, buf, c.err
	}
	c.piece++
	want := int(end - c.at)
	switch {
	case want <= 0 || n == 0: // inside a line that another piece owns
		c.keep(buf[:n], 0)
	case n < want: // the end of the stream
		t.lines, t.unended = buf[:n], buf[n-1] != '\n'
		t.damaged = t.unended && !errors.Is(c.err, io.EOF)
		c.keep(buf[:n], n)
	default:
		buf = c.completeLine(&t, buf, want, n)
	}
	return t, buf, nil
}

// completeLine gives the lines that begin before buf[want]; buf is filled up to n.
func (c *streamCutter) completeLine(t *text, buf []byte, want, n int) []byte {
	filled := n
	more := func(p []byte) (int, error) {
		if c.err != nil {
			return 0, c.err
		}
		m := c.read(p)
		filled += m
		return m, c.err
	}
	stop, buf, _ := c.complete(t, buf, 0, want-1, n, more) // its error is c.err
	if t.long != nil && buf[stop-1] != '\n' {
		c.skipping, c.long = true, c.at+int64(len(t.lines))
	}
	c.keep(buf[:filled], stop)
	return buf
}

// keep keeps what stands behind buf[:stop] for the next piece.
func (c *streamCutter) keep(buf []byte, stop int) {
	c.rest = append(c.rest[:0], buf[stop:]...)
	c.at += int64(stop)
}

// skip looks for the end of a line that is too long in buf[:n], and moves what follows to the front.
func (c *streamCutter) skip(buf []byte, n int) int {
	i := bytes.IndexByte(buf[:n], '\n')
	if i >= 0 {
		c.skipping = false
		c.at += int64(i) + 1
		return copy(buf, buf[i+1:n])
	}
	if c.at += int64(n); c.at-c.long > c.hopeless {
		c.err = errHopeless
	}
	return 0
}

// fill reads until buf holds want bytes or there are no more.
func (c *streamCutter) fill(buf []byte, n, want int) int {
	for n < want && c.err == nil {
		n += c.read(buf[n:want])
	}
	return n
}

// maxIdle is the number of reads that may give nothing at a stretch; bufio has the same.
const maxIdle = 100

// read reads something, or sets c.err.
func (c *streamCutter) read(p []byte) (n int) {
	for range maxIdle {
		if n, c.err = c.in.Read(p); n > 0 || c.err != nil {
			return n
		}
	}
	c.err = io.ErrNoProgress
	return n
}
