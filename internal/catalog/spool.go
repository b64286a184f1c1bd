package catalog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// spool lets a stream be read several times: what was read of it is kept in a temporary file.
type spool struct {
	in  io.Reader
	dir string

	mu   sync.Mutex
	file *os.File
	size int64
	err  error // of in, once it is done
}

// reader gives a reader of the whole stream. It may be used beside others.
func (s *spool) reader() io.Reader { return &spoolReader{s: s} }

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errClosed
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Close(), os.Remove(s.file.Name()))
	s.file = nil
	return err
}

type spoolReader struct {
	s  *spool
	at int64
}

// Read is io.Reader's.
func (r *spoolReader) Read(p []byte) (int, error) {
	n, err := r.s.readAt(p, r.at)
	r.at += int64(n)
	return n, err
}

func (s *spool) readAt(p []byte, at int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at < s.size {
		n, err := s.file.ReadAt(p[:min(int64(len(p)), s.size-at)], at)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.in.Read(p)
	s.err = err
	if n > 0 {
		if err := s.keep(p[:n]); err != nil {
			s.err = err
			return 0, err
		}
		return n, nil
	}
	return n, err
}

// keep appends to the temporary file.
func (s *spool) keep(p []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "drumbeat-")
		if err != nil {
			return fmt.Errorf("keeping standard input for a second reading: %w", err)
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(p, s.size); err != nil {
		return fmt.Errorf("keeping standard input for a second reading: %w", err)
	}
	s.size += int64(len(p))
	return nil
}
