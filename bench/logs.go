package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// logKind is one of the logs that are read.
type logKind struct {
	name      string
	title     string
	synth     []string // more arguments for drumbeat synth
	lineBytes int64    // about so long is a line
	// ways are DuckDB's ways to read it, see duck/query.go, and best says that
	// only the fastest is a row.
	ways []string
	best bool
	note string
	// packed says that it is read compressed as well.
	packed bool
}

func kinds() []logKind {
	return []logKind{
		{
			name: "cef", title: "CEF", lineBytes: 1510,
			ways: []string{"column", "struct"}, best: true, packed: true,
		},
		{
			name: "cef-high", title: "CEF, 12 firewalls with keys in orders of their own, names with blanks", lineBytes: 1510,
			synth: []string{"--entropy", "high", "--firewalls", "12"},
			ways:  []string{"column"}, note: "one pattern for all keys cannot read keys in varying order",
		},
		{
			name: "csv", title: "native CSV", lineBytes: 545,
			synth: []string{"--log-format", "panos-csv"},
			ways:  []string{"csv-9", "csv-14"},
		},
	}
}

// logFile is a log on disk.
type logFile struct {
	logKind
	path  string
	bytes int64
	lines int64
}

// stamp says what a log was made from.
type stamp struct {
	Args   []string `json:"args"`
	Prefix string   `json:"sha256OfFirstMegabyte"`
	Bytes  int64    `json:"bytes"`
	Lines  int64    `json:"lines"`
}

// synthArgs are the arguments of drumbeat for a log: a thousand flows a machine.
func (k *logKind) synthArgs(flows int64) []string {
	return append([]string{
		"synth", "--quiet", "--flows", strconv.FormatInt(flows, 10),
		"--machines", strconv.FormatInt(max(300, flows/1000), 10),
	}, k.synth...)
}

// prepare gives the logs with about so many lines, and makes those that are
// missing, were made with other arguments, or would be written in other words
// by this drumbeat: the first megabyte tells.
func (h *harness) prepare(ctx context.Context, flows int64, compressed bool) ([]logFile, error) {
	dir := filepath.Join(h.work, strconv.FormatInt(flows, 10))
	if err := os.MkdirAll(h.work, 0o750); err != nil {
		return nil, err
	}
	var all []logFile
	var stale []int
	var stamps []stamp
	var need int64
	for i, kind := range kinds() {
		log := logFile{logKind: kind, path: filepath.Join(dir, kind.name+".log")}
		want := stamp{Args: kind.synthArgs(flows)}
		var err error
		if want.Prefix, err = h.wouldWrite(ctx, want.Args); err != nil {
			return nil, err
		}
		have, ok := readStamp(log.path)
		if ok && have.Prefix == want.Prefix && slices.Equal(have.Args, want.Args) {
			log.bytes, log.lines = have.Bytes, have.Lines
		} else {
			stale = append(stale, i)
			need += kind.lineBytes * flows
		}
		if compressed && kind.packed && (slices.Contains(stale, i) || !exists(log.path+".gz") || !exists(log.path+".zst")) {
			need += kind.lineBytes * flows / 3
		}
		all, stamps = append(all, log), append(stamps, want)
	}
	if err := h.enoughDisk(need); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	for _, i := range stale {
		if err := h.makeLog(ctx, &all[i], stamps[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// wouldWrite gives the checksum of the first megabyte that synth writes.
func (h *harness) wouldWrite(ctx context.Context, args []string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := h.runner.command(ctx, append([]string{h.drumbeat}, args...))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(out, 1<<20))
	if n == 1<<20 {
		cancel()
	}
	wait := cmd.Wait()
	if n < 1<<20 && (err != nil || wait != nil) {
		return "", fmt.Errorf("drumbeat synth: %w\n%s", errors.Join(err, wait), bytes.TrimSpace(stderr.Bytes()))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// enoughDisk fails where there is less room than is needed.
func (h *harness) enoughDisk(need int64) error {
	if need == 0 {
		return nil
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(h.work, &stat); err != nil {
		return err
	}
	free := int64(stat.Bavail) * stat.Bsize
	h.say("making logs in %s: about %s, %s are free", h.work, size(need), size(free))
	if free < need+need/10 {
		return fmt.Errorf("not enough disk in %s: %s are free, about %s are needed (--size makes smaller logs)",
			h.work, size(free), size(need+need/10))
	}
	return nil
}

// makeLog has drumbeat write a log, and notes what it was made from.
func (h *harness) makeLog(ctx context.Context, log *logFile, s stamp) error {
	for _, old := range []string{log.path + ".stamp", log.path + ".gz", log.path + ".zst"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	args := append([]string{h.drumbeat}, s.Args...)
	if _, err := h.runner.measure(ctx, append(args, "--out", log.path)...); err != nil {
		return err
	}
	var err error
	if s.Bytes, s.Lines, err = countLines(log.path); err != nil {
		return err
	}
	log.bytes, log.lines = s.Bytes, s.Lines
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(log.path+".stamp", append(text, '\n'), 0o600)
}

// pack gives the log compressed, ".gz" or ".zst", and makes it if it is missing.
func (h *harness) pack(ctx context.Context, log *logFile, ext string) (logFile, error) {
	packed := *log
	packed.path += ext
	if !exists(packed.path) {
		part := packed.path + ".part"
		if _, err := h.runner.measure(ctx, h.self, "pack", ext, log.path, part); err != nil {
			return packed, err
		}
		if err := os.Rename(part, packed.path); err != nil {
			return packed, err
		}
	}
	info, err := os.Stat(packed.path)
	if err != nil {
		return packed, err
	}
	packed.bytes = info.Size()
	return packed, nil
}

func readStamp(path string) (s stamp, ok bool) {
	text, err := os.ReadFile(path + ".stamp")
	if err != nil || json.Unmarshal(text, &s) != nil {
		return s, false
	}
	info, err := os.Stat(path)
	return s, err == nil && info.Size() == s.Bytes
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// countLines reads a file, and so brings it into the page cache.
func countLines(path string) (bytesRead, lines int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return count(file)
}

// count counts bytes and newlines.
func count(r io.Reader) (bytesRead, lines int64, err error) {
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf)
		bytesRead += int64(n)
		lines += int64(bytes.Count(buf[:n], []byte{'\n'}))
		if errors.Is(err, io.EOF) {
			return bytesRead, lines, nil
		}
		if err != nil {
			return bytesRead, lines, err
		}
	}
}

// writeHead copies the first lines of a file to another.
func writeHead(from, to string, lines int) (err error) {
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
	r := bufio.NewReaderSize(in, 1<<16)
	for n := 0; n < lines; {
		part, err := r.ReadSlice('\n')
		if _, err := out.Write(part); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			n++
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
	return nil
}
