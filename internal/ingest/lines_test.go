package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/logformat"
)

// lineLog writes down what Lines tells.
type lineLog struct {
	got   []string
	heads []string
	// before is called before each line; it may be nil.
	before func() error
}

// Piece is Visitor's.
func (v *lineLog) Piece(path string, lines []byte, first bool) {
	if first {
		v.got = append(v.got, "file "+filepath.Base(path))
		v.heads = append(v.heads, string(lines))
	}
}

// Line is Visitor's.
func (v *lineLog) Line(l *Line) error {
	if v.before != nil {
		if err := v.before(); err != nil {
			return err
		}
	}
	v.got = append(v.got, fmt.Sprintf("%s:%d %d %q", filepath.Base(l.Path), l.Number, l.Reason, l.Text))
	return nil
}

// TestLinesAreTheNaiveLines compares Lines with a naive splitter, for files and streams.
func TestLinesAreTheNaiveLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	rapid.Check(t, func(t *rapid.T) {
		c := drawCutter(t)
		content := "log\n" + drawContent(t, c) // the first bytes tell that it is text
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		want := []string{"file a.log"}
		number := 0
		for _, p := range cutNaively(c, content) {
			for _, l := range p.lines {
				reason, text := logformat.ReasonNone, strings.TrimSuffix(l.text, "\n")
				if l.long {
					reason, text = logformat.ReasonTooLong, l.text
				}
				number++
				want = append(want, fmt.Sprintf("a.log:%d %d %q", number, reason, text))
			}
		}
		for how, f := range map[string]File{
			"file":   {Path: path},
			"stream": {Path: "a.log", stream: readers(content)["halves and EOF"]},
		} {
			var v lineLog
			r := lineReader{cut: c, v: &v}
			problems, err := r.files(context.Background(), []File{f})
			if err != nil || len(problems) > 0 {
				t.Fatalf("%s: %v, problems %v", how, err, problems)
			}
			if !reflect.DeepEqual(v.got, want) {
				t.Fatalf("%s: %q\nwant %q", how, v.got, want)
			}
		}
	})
}

// TestLinesAgreeWithScan finds what Scan rejects before it parses, with the same line numbers and problems.
func TestLinesAgreeWithScan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := mixedLog(1, 300)
	writeFile(t, dir, "a.log", []byte(log))
	writeFile(t, dir, "b.gz", gzipped(t, log)[:3000])
	writeFile(t, dir, "c.log", []byte(log+strings.Repeat("x", 5000)))
	writeFile(t, dir, "d.log", nil)
	writeFile(t, dir, "e.zip", []byte("PK\x03\x04"))
	list := append(files(t, dir), File{Path: filepath.Join(dir, "gone")})
	out := scanAll(t, small(), 2, true, list...)
	var want []string
	for _, r := range out.quarantine {
		if r.Reason == logformat.ReasonTooLong || r.Reason == logformat.ReasonDamaged {
			want = append(want, fmt.Sprintf("%s:%d %d %q", filepath.Base(r.Path), r.Line, r.Reason, r.Text))
		}
	}
	var v lineLog
	r := lineReader{cut: small(), v: &v}
	problems, err := r.files(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range v.got {
		if !strings.HasPrefix(l, "file ") && !strings.Contains(l, fmt.Sprintf(" %d ", logformat.ReasonNone)) {
			got = append(got, l)
		}
	}
	if len(want) < 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("lines\n%.100q\nwant\n%.100q", got, want)
	}
	if !reflect.DeepEqual(problems, out.report.Problems) {
		t.Errorf("problems %+v\nwant %+v", problems, out.report.Problems)
	}
	if len(v.heads) != 4 || !strings.HasPrefix(log, v.heads[0]) || len(v.heads[0]) == 0 {
		t.Errorf("heads %.40q", v.heads)
	}
}

// TestLinesStop ends the reading where the visitor or the context says so.
func TestLinesStop(t *testing.T) {
	t.Parallel()
	list := files(t, writeFile(t, t.TempDir(), "a.log", []byte(strings.Repeat("line\n", 3000))))
	enough := errors.New("enough")
	v := lineLog{}
	v.before = func() error {
		if len(v.got) == 11 {
			return enough
		}
		return nil
	}
	if _, err := Lines(t.Context(), list, &v); !errors.Is(err, enough) || len(v.got) != 11 {
		t.Errorf("error %v after %d lines", err, len(v.got))
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := lineReader{cut: small(), v: &lineLog{before: func() error { cancel(); return nil }}}
	if _, err := r.files(ctx, list); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// TestLinesOfChangingFiles says of files that change what Scan says of them.
func TestLinesOfChangingFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		happens func(path string) error
		want    Problem
		last    string
	}{
		{
			func(path string) error { return appendTo(path, "half") },
			Problem{Text: stillWritten},
			fmt.Sprintf("a.log:101 %d", logformat.ReasonUnfinished),
		},
		{
			func(path string) error { return os.Truncate(path, 3000) },
			Problem{Text: becameShorter, Fatal: true},
			"",
		},
	} {
		path := writeFile(t, t.TempDir(), "a.log", []byte(manyFlows(100)+"half"))
		v := lineLog{}
		v.before = func() error {
			if len(v.got) == 1 {
				return test.happens(path)
			}
			return nil
		}
		r := lineReader{cut: small(), v: &v}
		problems, err := r.files(t.Context(), files(t, path))
		test.want.Path = path
		if err != nil || len(problems) != 1 || problems[0] != test.want {
			t.Errorf("problems %+v, %v, want %+v", problems, err, test.want)
		}
		if last := v.got[len(v.got)-1]; !strings.HasPrefix(last, test.last) {
			t.Errorf("last line %s, want %s", last, test.last)
		}
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
