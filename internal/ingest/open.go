package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// form is how a source's bytes are packed.
type form uint8

const (
	formPlain form = iota
	formGzip
	formZstd
	formUTF16LE
	formUTF16BE
	formBinary
	formUnread
)

func (f form) String() string {
	return [...]string{"", "gzip", "zstd", "utf-16", "utf-16", "binary", "packed"}[f]
}

// magicLen is the number of bytes that tell a source's form.
const magicLen = 4096

// formOf tells the form of a source by its first bytes, and for forms that are not read says why.
func formOf(head []byte) (f form, why string) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return formGzip, ""
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return formZstd, ""
	case len(head) > 4 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18 && head[0]&0xf0 == 0x50:
		return formZstd, "" // a skippable frame
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return formUTF16LE, ""
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return formUTF16BE, ""
	case bytes.HasPrefix(head, []byte("BZh")):
		return formUnread, "is packed with bzip2; unpack it: bzip2 -dc FILE | drumbeat scan -"
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return formUnread, "is packed with xz; unpack it: xz -dc FILE | drumbeat scan -"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return formUnread, "is a zip archive; unpack it: unzip -p FILE | drumbeat scan -"
	case bytes.HasPrefix(head, []byte("PAR1")):
		return formUnread, "is a Parquet file, not a log"
	case looksBinary(head):
		return formBinary, "is a binary file, not a log"
	}
	return formPlain, ""
}

// looksBinary reports whether text is no text: one byte in thirty or more is a control character that no log holds.
// NULs alone do not count: rotation by copy and truncate leaves runs of them.
func looksBinary(head []byte) bool {
	control, nul := 0, 0
	for _, c := range head {
		switch {
		case c == 0:
			nul++
		case c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != 0x1b && c != 0x0c:
			control++
		}
	}
	return control*30 > len(head)-nul && control > 0
}

// source is a File that is open.
type source struct {
	file   *File
	number int
	f      *os.File
	form   form
	closer func() error
	in     io.Reader // for all but plain regular files
	raw    *countingReader
	size   int64

	sourceState
}

// countingReader counts the bytes that were taken from a reader.
type countingReader struct {
	r io.Reader
	n int64
	// progress is told of bytes taken; it may be nil.
	progress func(int64)
}

// Read is io.Reader's.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.progress != nil && n > 0 {
		c.progress(int64(n))
	}
	return n, err
}

// texts gives a func that gives the pieces of a source in order, and io.EOF after the last.
func (s *source) texts(cut cutter) func(buf []byte) (text, []byte, error) {
	if s.in != nil {
		return (&streamCutter{cutter: cut, in: s.in}).next
	}
	off := int64(0)
	return func(buf []byte) (text, []byte, error) {
		if off >= s.size {
			return text{}, buf, io.EOF
		}
		t, buf, err := cut.readAt(s.f, off, s.size, buf)
		off += int64(cut.chunk)
		return t, buf, err
	}
}

// grown reports whether a regular plain file has become longer since it was opened.
func (s *source) grown() bool {
	if s.in != nil {
		return false
	}
	info, err := s.f.Stat()
	return err == nil && info.Size() > s.size
}

// What is said of files that are changed while they are read.
const (
	stillWritten  = "is still being written: read up to the last line that has an end"
	becameShorter = "became shorter while it was read: what was cut off is not in the result"
)

// asked reports whether the user named the file.
func (f *File) asked() bool { return f.named || f.stream != nil }

// waits reports whether opening a file may wait for somebody to write to it.
func (f *File) waits() bool { return f.pipe || f.stream != nil }

// errNotRead marks sources that are no logs.
var errNotRead = errors.New("not read")

// open opens a file and finds its form. Regular plain files are to be read by ReadAt, all others by s.in.
func open(file *File, number int, progress func(int64)) (*source, error) {
	s := &source{file: file, number: number, closer: func() error { return nil }}
	var in io.Reader
	if file.stream != nil {
		in = file.stream
	} else {
		f, err := os.Open(file.Path)
		if err != nil {
			return nil, errors.New(reason(err))
		}
		s.f, s.closer, in = f, f.Close, f
	}
	head := make([]byte, magicLen)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(errors.New(reason(err)), s.closer())
	}
	head = head[:n]
	var why string
	if s.form, why = formOf(head); why != "" {
		return nil, errors.Join(fmt.Errorf("%s: %w", why, errNotRead), s.closer())
	}
	if s.f != nil && !file.pipe && s.form == formPlain {
		info, err := s.f.Stat()
		if err != nil {
			return nil, errors.Join(errors.New(reason(err)), s.closer())
		}
		if s.size = info.Size(); s.size > 0 {
			return s, nil
		}
		// Files that tell no size, as those of /proc, are read like a pipe.
	}
	s.raw = &countingReader{r: io.MultiReader(bytes.NewReader(head), in), progress: progress}
	if err := s.unpack(); err != nil {
		return nil, errors.Join(err, s.closer())
	}
	return s, nil
}

// maxWindow bounds the memory that a zstd stream can ask for.
const maxWindow = 128 << 20

// unpack sets s.in to the text of the source.
func (s *source) unpack() error {
	switch s.form {
	case formGzip:
		z, err := gzip.NewReader(s.raw)
		if err != nil {
			return fmt.Errorf("damaged gzip file: %w", err)
		}
		s.in = z
	case formZstd:
		z, err := zstd.NewReader(s.raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("damaged zstd file: %w", err)
		}
		s.in = z
		f := s.closer
		s.closer = func() error { z.Close(); return f() }
	case formUTF16LE, formUTF16BE:
		s.in = &utf16Reader{r: s.raw, big: s.form == formUTF16BE}
	case formPlain, formBinary, formUnread:
		s.in = s.raw
	}
	return nil
}

// utf16Reader gives UTF-16 text as UTF-8.
type utf16Reader struct {
	r    io.Reader
	big  bool
	high rune // half of a surrogate pair
	odd  []byte
	out  []byte
	err  error
}

// Read is io.Reader's.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.fill()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) fill() {
	buf := make([]byte, 32<<10)
	kept := copy(buf, u.odd)
	n, err := u.r.Read(buf[kept:])
	u.err = err
	buf = buf[:kept+n]
	even := len(buf) &^ 1
	var order binary.ByteOrder = binary.LittleEndian
	if u.big {
		order = binary.BigEndian
	}
	u.odd = append(u.odd[:0], buf[even:]...)
	out := make([]byte, 0, len(buf)*2)
	for i := 0; i < even; i += 2 {
		c := rune(order.Uint16(buf[i:]))
		if u.high != 0 {
			pair := utf16.DecodeRune(u.high, c)
			u.high = 0
			out = utf8.AppendRune(out, pair)
			if pair != utf8.RuneError {
				continue
			}
			// A first half without a second, which takes nothing with it: c may be the end of the line.
		}
		if isFirstHalf(c) {
			u.high = c
			continue
		}
		out = utf8.AppendRune(out, c) // a second half alone becomes U+FFFD
	}
	u.out = out
}

// isFirstHalf tells the first of two units that stand for one character.
func isFirstHalf(c rune) bool { return c >= 0xD800 && c < 0xDC00 }
