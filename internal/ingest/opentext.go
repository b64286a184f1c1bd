package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// OpenText opens one file of text that is no log, plain or packed as logs are, and gives its text: unpacked, as UTF-8,
// without a byte-order mark. Its errors do not name the path.
func OpenText(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, errors.New(reason(err))
	case info.IsDir():
		return nil, errors.New("is a folder")
	}
	src, err := open(&File{Path: path, named: true, pipe: !info.Mode().IsRegular()}, 0, nil)
	if err != nil {
		return nil, errors.New(trimNotRead(err))
	}
	if src.in == nil {
		if _, err := src.f.Seek(0, io.SeekStart); err != nil {
			return nil, errors.Join(errors.New(reason(err)), src.closer())
		}
		src.in = src.f
	}
	return &openText{src: src, in: &markReader{r: src.in}}, nil
}

type openText struct {
	src *source
	in  io.Reader
}

// Read is io.Reader's.
func (t *openText) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if f := t.src.form.String(); f != "" {
			return n, fmt.Errorf("damaged %s data: %s", f, reason(err))
		}
		return n, errors.New(reason(err))
	}
	return n, err
}

// Close closes the file.
func (t *openText) Close() error { return t.src.closer() }

// markReader leaves out a byte-order mark at the beginning.
type markReader struct {
	r       io.Reader
	started bool
	rest    []byte
	err     error
}

// Read is io.Reader's.
func (m *markReader) Read(p []byte) (int, error) {
	if !m.started {
		m.started = true
		head := make([]byte, 3)
		n, err := io.ReadFull(m.r, head)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if m.rest, m.err = head[:n], err; string(m.rest) == "\ufeff" {
			m.rest = nil
		}
	}
	if len(m.rest) > 0 {
		n := copy(p, m.rest)
		m.rest = m.rest[n:]
		return n, nil
	}
	if m.err != nil {
		return 0, m.err
	}
	return m.r.Read(p)
}
