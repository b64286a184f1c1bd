package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is one source of lines.
type File struct {
	// Path is the file's path as it is shown; "-" is standard input.
	Path string
	// Size is the file's size when it was found, 0 for streams.
	Size int64

	named  bool      // by the user, not found in a folder or by a pattern
	stream io.Reader // standard input
	pipe   bool      // a named pipe or a device: read once, from front to back
}

// IsPipe reports whether the file is a named pipe or a device, which can be read once.
func (f *File) IsPipe() bool { return f.pipe }

// Problem is a source, or a part of one, that was not read.
type Problem struct {
	// Path names the source.
	Path string
	// Text says what is wrong and what can be done.
	Text string
	// Fatal says that lines were lost by it. A file that is no log is fatal only where the user named it.
	Fatal bool
}

// List finds the files that paths stand for: files, folders with all that is in them, patterns, and "-" for stdin.
// They come in the order of their paths, each once. What cannot be listed is reported and left out.
func List(paths []string, stdin io.Reader) ([]File, []Problem) {
	l := lister{seen: make(map[string]bool)}
	for _, p := range paths {
		if p == "-" {
			if !l.seen["-"] {
				l.seen["-"] = true
				l.files = append(l.files, File{Path: "-", stream: stdin})
			}
			continue
		}
		l.path(p)
	}
	slices.SortStableFunc(l.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return l.files, l.problems
}

type lister struct {
	files    []File
	problems []Problem
	seen     map[string]bool
}

func (l *lister) problem(path string, fatal bool, format string, args ...any) {
	l.problems = append(l.problems, Problem{Path: path, Text: fmt.Sprintf(format, args...), Fatal: fatal})
}

// path adds one argument of the user's.
func (l *lister) path(p string) {
	info, err := os.Stat(p)
	switch {
	case err == nil && info.IsDir():
		l.folder(p, nil)
	case err == nil:
		l.file(p, info, true)
	case strings.ContainsAny(p, "*?["):
		l.pattern(p)
	default:
		l.problem(p, true, "%s", reason(err))
	}
}

func (l *lister) pattern(p string) {
	found, err := filepath.Glob(p)
	if err != nil {
		l.problem(p, true, "bad pattern: %v", err)
		return
	}
	if len(found) == 0 {
		l.problem(p, true, "no file matches this pattern")
	}
	for _, f := range found {
		info, err := os.Stat(f)
		switch {
		case err != nil:
			l.problem(f, true, "%s", reason(err))
		case info.IsDir():
			l.folder(f, nil)
		default:
			l.file(f, info, false)
		}
	}
}

// folder adds all files below a folder. above holds the folders that lead to it: a link back to one of them is a
// loop.
func (l *lister) folder(dir string, above []fs.FileInfo) {
	info, err := os.Stat(dir)
	if err != nil {
		l.problem(dir, true, "%s", reason(err))
		return
	}
	for _, a := range above {
		if os.SameFile(a, info) {
			l.problem(dir, false, "links back to a folder above it; not followed")
			return
		}
	}
	// Folders that link to one another have more paths than can be walked.
	if l.again(dir) {
		l.problem(dir, false, "is the same folder as another that is read; read once")
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.problem(dir, true, "%s", reason(err))
	}
	above = append(slices.Clone(above), info)
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		info, err := os.Stat(p)
		switch {
		case err != nil:
			l.problem(p, true, "%s", reason(err))
		case info.IsDir():
			l.folder(p, above)
		default:
			l.file(p, info, false)
		}
	}
}

// again reports whether a path leads where another has led.
func (l *lister) again(p string) bool {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return false
	}
	abs, err := filepath.Abs(real)
	if err != nil {
		return false
	}
	defer func() { l.seen[abs] = true }()
	return l.seen[abs]
}

// file adds a file. Pipes and devices are read only where the user names them.
func (l *lister) file(p string, info fs.FileInfo, named bool) {
	if l.again(p) {
		l.problem(p, false, "is the same file as another that is read; read once")
		return
	}
	switch {
	case info.Mode().IsRegular():
		l.files = append(l.files, File{Path: p, Size: info.Size(), named: named})
	case named && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice|fs.ModeDevice) != 0:
		l.files = append(l.files, File{Path: p, pipe: true, named: true})
	default:
		l.problem(p, false, "is not a regular file; not read")
	}
}

// reason gives an error's text without the path, which is shown beside it.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file or folder"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied: run as a user who may read it"
	}
	return err.Error()
}
