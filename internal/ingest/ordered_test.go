package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// numbered makes a folder with a plain and a packed file whose lines count on, and gives the number of lines.
func numbered(t *testing.T) (dir string, lines int) {
	t.Helper()
	dir = t.TempDir()
	text := func(n int) []byte {
		var b bytes.Buffer
		for range n {
			fmt.Fprintf(&b, "%d %s\n", lines, strings.Repeat("x", 90))
			lines++
		}
		return b.Bytes()
	}
	if err := os.WriteFile(filepath.Join(dir, "a.log"), text(40_000), 0o600); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text(30_000)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.log.gz"), packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, lines
}

// linesOfPiece is a worker that gives its lines a hundred at a time.
func linesOfPiece() func(p *Stretch, out func([]string) error) error {
	return func(p *Stretch, out func([]string) error) error {
		lines := strings.SplitAfter(string(p.Lines), "\n")
		for ; len(lines) > 100; lines = lines[100:] {
			if err := out(lines[:100]); err != nil {
				return err
			}
		}
		return out(lines)
	}
}

func TestOrdered(t *testing.T) {
	dir, lines := numbered(t)
	for _, workers := range []int{1, 3} {
		files, _ := List([]string{dir}, nil)
		next, read := 0, int64(0)
		problems, err := Ordered(t.Context(), files, OrderedOptions{Workers: workers, Progress: func(n int64) { read += n }}, linesOfPiece,
			func(part []string) error {
				for _, line := range part {
					if line == "" {
						continue
					}
					if !strings.HasPrefix(line, fmt.Sprintf("%d ", next)) {
						return fmt.Errorf("line %d is %.20q", next, line)
					}
					next++
				}
				return nil
			})
		if err != nil || len(problems) > 0 || next != lines {
			t.Errorf("%d workers: %d of %d lines, %v, %v", workers, next, lines, problems, err)
		}
		if want := files[0].Size + files[1].Size; read != want {
			t.Errorf("progress of %d bytes, want %d", read, want)
		}
	}
}

// TestOrderedSkip: pieces that are skipped are gone, but for the first of a file and those of packed files.
func TestOrderedSkip(t *testing.T) {
	dir, _ := numbered(t)
	files, _ := List([]string{dir}, nil)
	seen := map[int]int{}
	_, err := Ordered(t.Context(), files, OrderedOptions{Workers: 2, Skip: func(int, int) bool { return true }},
		func() func(p *Stretch, out func(int) error) error {
			return func(p *Stretch, out func(int) error) error { return out(p.File) }
		}, func(file int) error { seen[file]++; return nil })
	if err != nil || seen[0] != 1 || seen[1] < 2 {
		t.Errorf("pieces by file: %v, %v", seen, err)
	}
}

func TestOrderedEnds(t *testing.T) {
	dir, _ := numbered(t)
	enough := errors.New("enough")
	for name, c := range map[string]struct {
		worker func(p *Stretch, out func(int) error) error
		take   func(int) error
		want   string
	}{
		"take":   {func(_ *Stretch, out func(int) error) error { return out(1) }, func(int) error { return enough }, "enough"},
		"worker": {func(*Stretch, func(int) error) error { return enough }, func(int) error { return nil }, "enough"},
		"panic":  {func(*Stretch, func(int) error) error { panic("oh") }, func(int) error { return nil }, "BUG: "},
	} {
		t.Run(name, func(t *testing.T) {
			files, _ := List([]string{dir}, nil)
			_, err := Ordered(t.Context(), files, OrderedOptions{Workers: 2},
				func() func(p *Stretch, out func(int) error) error { return c.worker }, c.take)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// TestOrderedCanceled: a source that never ends and a worker that waits do not hold up who wants to go.
func TestOrderedCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	defer func() { _ = out.Close() }()
	go func() { // more than one piece, and then nothing
		_, _ = out.Write(bytes.Repeat([]byte("line\n"), 300_000))
	}()
	files, _ := List([]string{"-"}, in)
	_, err := Ordered(ctx, files, OrderedOptions{Workers: 2}, linesOfPiece, func([]string) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
}

func TestOrderedProblems(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.log": "", "b.log": "\x1f\x8bdamaged", "c.log": "PK\x03\x04zip", "d.log": "one\ntwo"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := List([]string{dir}, nil)
	got := ""
	problems, err := Ordered(t.Context(), files, OrderedOptions{Workers: 1}, linesOfPiece, func(part []string) error {
		got += strings.Join(part, "")
		return nil
	})
	if err != nil || got != "one\ntwo" || len(problems) != 3 {
		t.Errorf("%q, %v, %v", got, problems, err)
	}
}

func TestOpenText(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("\ufeffpacked"))
	_ = z.Close()
	for name, c := range map[string]struct{ text, want string }{
		"plain": {"text", "text"}, "mark": {"\ufefftext", "text"}, "gz": {packed.String(), "packed"}, "empty": {"", ""},
		"short": {"a", "a"}, "utf16": {"\xff\xfea\x00b\x00", "ab"}, "damaged": {packed.String()[:20], "error"}, "zip": {"PK\x03\x04", "error"},
		"binary": {"\x01\x02\x03\x04", "error"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := OpenText(path)
		text := []byte(nil)
		if err == nil {
			text, err = io.ReadAll(in)
			if cerr := in.Close(); cerr != nil {
				t.Error(cerr)
			}
		}
		if (c.want == "error") != (err != nil) || err == nil && string(text) != c.want {
			t.Errorf("%s: %q, %v, want %q", name, text, err, c.want)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := OpenText(path); err == nil {
			t.Errorf("%s is opened", path)
		}
	}
}

// TestOrderedPieces looks at what is told of pieces: their bytes add up to the text, whatever it is packed in.
func TestOrderedPieces(t *testing.T) {
	dir, _ := numbered(t)
	if err := os.WriteFile(filepath.Join(dir, "c.log"), []byte("a\n"+strings.Repeat("long", 1<<19)+"\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, _ := List([]string{dir}, nil)
	type told struct {
		path, packed, long string
		bytes, lines       int64
	}
	sums := make(map[string]told)
	_, err := Ordered(t.Context(), files, OrderedOptions{Workers: 2}, func() func(*Stretch, func(told) error) error {
		return func(p *Stretch, out func(told) error) error {
			return out(told{filepath.Base(p.Path), p.Packed, string(p.Long), p.Bytes, int64(len(p.Lines))})
		}
	}, func(v told) error {
		sum := sums[v.path]
		sums[v.path] = told{v.path, v.packed, sum.long + v.long, sum.bytes + v.bytes, sum.lines + v.lines}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.log", "b.log.gz"} {
		if s := sums[name]; s.bytes != s.lines || s.bytes < 1e6 || s.long != "" {
			t.Errorf("%s: %d bytes, %d in lines, long %q", name, s.bytes, s.lines, s.long)
		}
	}
	if a, b := sums["a.log"].packed, sums["b.log.gz"].packed; a != "" || b != "gzip" {
		t.Errorf("packed: %q and %q", a, b)
	}
	if s := sums["c.log"]; s.bytes != s.lines+4<<19+1 || len(s.long) != longSample || !strings.HasPrefix(s.long, "longlong") {
		t.Errorf("c.log: %d bytes, %d in lines, long %d", s.bytes, s.lines, len(s.long))
	}
}
