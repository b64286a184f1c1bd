package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// tree makes files and links below a new folder: a name that ends in "/" is a folder, "a -> b" a link.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		var err error
		link, target, isLink := strings.Cut(name, " -> ")
		switch {
		case isLink:
			err = os.Symlink(target, filepath.Join(dir, link))
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(filepath.Join(dir, name), 0o700)
		default:
			if err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err == nil {
				err = os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestList lists trees: which files, in which order, and what is said of the rest.
func TestList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		tree     []string
		paths    []string // below the tree
		want     []string
		problems []string // "path: part of the text", with "!" in front of what is fatal
	}{
		{name: "a file", tree: []string{"a", "b"}, paths: []string{"a"}, want: []string{"a"}},
		{name: "a folder", tree: []string{"b", "a", "c/d/e", "c/a", ".hidden"}, paths: []string{""}, want: []string{".hidden", "a", "b", "c/a", "c/d/e"}},
		{name: "order of paths", tree: []string{"a", "b", "c"}, paths: []string{"c", "a", "b"}, want: []string{"a", "b", "c"}},
		{
			name: "twice", tree: []string{"a", "b"}, paths: []string{"a", "b", "a", "./a"}, want: []string{"a", "b"},
			problems: []string{"a: same file", "a: same file"},
		},
		{
			name: "folder and file in it", tree: []string{"d/a", "d/b"}, paths: []string{"d", "d/a"}, want: []string{"d/a", "d/b"},
			problems: []string{"d/a: same file"},
		},
		{
			name: "folder twice", tree: []string{"d/a", "d/b"}, paths: []string{"d", "d"}, want: []string{"d/a", "d/b"},
			problems: []string{"d: same folder"},
		},
		{
			name: "link to a file", tree: []string{"a", "b -> a"}, paths: []string{""}, want: []string{"a"},
			problems: []string{"b: same file"},
		},
		{name: "link to a file elsewhere", tree: []string{"x/a", "d/", "d/b -> ../x/a"}, paths: []string{"d"}, want: []string{"d/b"}},
		{
			name: "loop", tree: []string{"d/a", "d/e/b", "d/e/up -> ..", "d/e/self -> ."}, paths: []string{"d"}, want: []string{"d/a", "d/e/b"},
			problems: []string{"d/e/self: links back", "d/e/up: links back"},
		},
		{
			name: "link to itself", tree: []string{"a", "l -> l"}, paths: []string{""}, want: []string{"a"},
			problems: []string{"!l: too many"},
		},
		{
			name: "dead link", tree: []string{"a", "l -> gone"}, paths: []string{""}, want: []string{"a"},
			problems: []string{"!l: no such file"},
		},
		{
			name: "gone", tree: []string{"a"}, paths: []string{"gone", "a", "a/b"}, want: []string{"a"},
			problems: []string{"!gone: no such file", "!a/b: not a directory"},
		},
		{name: "empty folder", tree: []string{"d/"}, paths: []string{"d"}},
		{name: "pattern", tree: []string{"a.log", "b.log", "c.txt"}, paths: []string{"*.log"}, want: []string{"a.log", "b.log"}},
		{name: "pattern of folders", tree: []string{"d1/a", "d2/b", "e/c"}, paths: []string{"d?"}, want: []string{"d1/a", "d2/b"}},
		{name: "pattern that is a name", tree: []string{"a[1].log", "a1.log"}, paths: []string{"a[1].log"}, want: []string{"a[1].log"}},
		{name: "pattern in vain", tree: []string{"a"}, paths: []string{"*.log"}, problems: []string{"!*.log: no file matches"}},
		{name: "bad pattern", tree: []string{"a"}, paths: []string{"[a"}, problems: []string{"![a: bad pattern"}},
		{
			name: "pattern with a dead link", tree: []string{"a.log", "b.log -> gone"}, paths: []string{"*.log"}, want: []string{"a.log"},
			problems: []string{"!b.log: no such file"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, test.tree...)
			var paths []string
			for _, p := range test.paths {
				paths = append(paths, dir+"/"+p)
			}
			found, problems := List(paths, nil)
			var got []string
			for _, f := range found {
				rel, err := filepath.Rel(dir, f.Path)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, rel)
				if info, err := os.Stat(f.Path); err != nil || info.Size() != f.Size {
					t.Errorf("%s has size %d, want that of %v, %v", rel, f.Size, info, err)
				}
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("files %q, want %q", got, test.want)
			}
			if len(problems) != len(test.problems) {
				t.Fatalf("problems %+v, want %q", problems, test.problems)
			}
			for i, p := range problems {
				rel, err := filepath.Rel(dir, p.Path)
				if err != nil {
					t.Fatal(err)
				}
				want, fatal := strings.CutPrefix(test.problems[i], "!")
				path, text, _ := strings.Cut(want, ": ")
				if rel != path || !strings.Contains(p.Text, text) || p.Fatal != fatal {
					t.Errorf("problem %+v, want %q", p, test.problems[i])
				}
			}
		})
	}
}

// TestListStdin takes "-" for standard input, once.
func TestListStdin(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "a", []byte("x"))
	in := strings.NewReader("")
	found, problems := List([]string{path, "-", "-"}, in)
	if len(problems) != 0 || len(found) != 2 || found[0].Path != "-" || found[0].stream != in || found[1].Path != path {
		t.Errorf("files %+v, problems %+v", found, problems)
	}
}

// TestListSpecialFiles reads pipes only where they are named.
func TestListSpecialFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	found, problems := List([]string{dir}, nil)
	if len(found) != 0 || len(problems) != 1 || problems[0].Fatal || !strings.Contains(problems[0].Text, "not a regular file") {
		t.Errorf("in a folder: files %+v, problems %+v", found, problems)
	}
	found, problems = List([]string{pipe, os.DevNull}, nil)
	if len(found) != 2 || !found[0].pipe || !found[1].pipe || len(problems) != 0 {
		t.Errorf("named: files %+v, problems %+v", found, problems)
	}
}

// TestListTangle lists folders that all link to one another: they have more paths than can be walked.
func TestListTangle(t *testing.T) {
	t.Parallel()
	const n = 12
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("d%02d/file", i))
		for j := range n {
			names = append(names, fmt.Sprintf("d%02d/to%02d -> ../d%02d", i, j, j))
		}
	}
	found, problems := List([]string{tree(t, names...)}, nil)
	if len(found) != n {
		t.Errorf("%d files, want %d", len(found), n)
	}
	if len(problems) > n*n {
		t.Errorf("%d problems for %d links", len(problems), n*n)
	}
}
