package eval

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"unicode/utf8"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// maxUnpacked bounds what a compressed text may become: a text of some kilobytes can stand for gigabytes.
const maxUnpacked = 16 << 20

var compressFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnGzipCompressToBase64String:     compressed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
	plan.FnZlibCompressToBase64String:     compressed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
	plan.FnGzipDecompressFromBase64String: decompressed(func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }),
	plan.FnZlibDecompressFromBase64String: decompressed(zlib.NewReader),
}

// compressed makes a text small and writes it in base64.
func compressed(open func(io.Writer) io.WriteCloser) Func {
	return func(_ *Env, _ kql.Type, args []Value) Value {
		var packed bytes.Buffer
		w := open(&packed)
		_, err := io.WriteString(w, args[0].s)
		if closeErr := w.Close(); err != nil || closeErr != nil { // memory does not fail
			return String("")
		}
		return String(base64.StdEncoding.EncodeToString(packed.Bytes()))
	}
}

// ErrUnpacked says that a compressed text becomes more than 16 MiB.
var ErrUnpacked = errors.New("a compressed text becomes more than 16 MiB")

// decompressed undoes [compressed]: "" for what is no base64, not compressed or no UTF-8.
func decompressed(open func(io.Reader) (io.ReadCloser, error)) Func {
	return func(env *Env, _ kql.Type, args []Value) Value {
		packed, err := base64.StdEncoding.DecodeString(args[0].s)
		if err != nil {
			return String("")
		}
		r, err := open(bytes.NewReader(packed))
		if err != nil {
			return String("")
		}
		text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
		if len(text) > maxUnpacked && env.Err == nil {
			env.Err = ErrUnpacked
		}
		if err != nil || len(text) > maxUnpacked || !utf8.Valid(text) {
			return String("")
		}
		return String(string(text))
	}
}
