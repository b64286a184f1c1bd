package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// decode decompresses a file with the library that drumbeat uses, and counts the
// lines: no reader of such a file can be faster with that library.
func decode(path string, w io.Writer) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var in io.Reader
	raw := bufio.NewReaderSize(file, 1<<20)
	switch ext := filepath.Ext(path); ext {
	case ".gz":
		in, err = gzip.NewReader(raw)
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(raw, zstd.WithDecoderConcurrency(1)); err == nil {
			defer z.Close()
			in = z
		}
	default:
		err = fmt.Errorf("cannot decode %q files", ext)
	}
	if err != nil {
		return err
	}
	_, lines, err := count(in)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, lines)
	return err
}

// pack compresses a file, as ".gz" or ".zst", at the usual level.
func pack(ext, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	var w io.WriteCloser
	switch ext {
	case ".gz":
		w = gzip.NewWriter(out)
	case ".zst":
		if w, err = zstd.NewWriter(out); err != nil {
			return err
		}
	default:
		return fmt.Errorf("cannot write %q files", ext)
	}
	if _, err := io.Copy(w, in); err != nil {
		return err
	}
	return w.Close()
}
