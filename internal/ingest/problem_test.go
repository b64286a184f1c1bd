package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// TestProblemsAreNamed gives each kind of bad source its word, and reads the good one beside it.
func TestProblemsAreNamed(t *testing.T) {
	t.Parallel()
	log := mixedLog(1, 100)
	flows := scanAll(t, small(), 1, false, stdin([]byte(log))).report.Counts.Flows
	form := packed(t, log)
	cut := form["gzip"][:len(form["gzip"])*2/3]
	flipped := bytes.Clone(form["zstd frames"])
	flipped[len(flipped)-len(flipped)/4] ^= 0xFF
	for _, test := range []struct {
		name    string
		content []byte
		want    string // a part of the problem's text
		fatal   bool
	}{
		{"empty", nil, "is empty", false},
		{"empty in gzip", gzipped(t, ""), "is empty", false},
		{"executable", []byte("\x7fELF\x02\x01\x01\x00\x03\x00>\x00\x01\x02\x03\x04\x05\x06\x07\x08"), "is a binary file", false},
		{"zip", []byte("PK\x03\x04\x14\x00"), "unzip -p", false},
		{"xz", []byte("\xfd7zXZ\x00\x00"), "xz -dc", false},
		{"bzip2", []byte("BZh91AY&SY"), "bzip2 -dc", false},
		{"parquet", []byte("PAR1\x15\x04"), "Parquet", false},
		{"gzip header cut", form["gzip"][:5], "damaged gzip file", true},
		{"gzip cut", cut, "damaged gzip data after", true},
		{"gzip and more", append(bytes.Clone(form["gzip"]), "garbage, not gzip"...), "damaged gzip data after", true},
		{"zstd damaged", flipped, "damaged zstd data after", true},
		{"zstd cut", form["zstd frames"][:len(flipped)/3], "damaged zstd data after", true},
		{"zstd header cut", form["zstd frames"][:5], "damaged zstd data after", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			good := writeFile(t, dir, "good.log", []byte(log))
			bad := writeFile(t, dir, "bad", test.content)
			for _, quarantine := range []bool{false, true} {
				r := scanAll(t, small(), 2, quarantine, files(t, dir)...).report
				if len(r.Problems) != 1 || r.Problems[0].Path != bad || r.Problems[0].Fatal != test.fatal ||
					!strings.Contains(r.Problems[0].Text, test.want) {
					t.Errorf("problems %+v, want %q of %s, fatal %v", r.Problems, test.want, bad, test.fatal)
				}
				last := r.Files[len(r.Files)-1]
				if last.Path != good || last.Counts.Flows != flows {
					t.Errorf("last file %s with %d flows, want %s with %d", last.Path, last.Counts.Flows, good, flows)
				}
			}
			// What is found in a folder may be no log; what the user names should be one.
			r := scanAll(t, small(), 2, false, files(t, bad)...).report
			if fatal := test.fatal || r.Bytes == 0 && len(r.Files) == 0; len(r.Problems) != 1 || r.Problems[0].Fatal != fatal {
				t.Errorf("named: problems %+v, want a fatal one: %v", r.Problems, fatal)
			}
			problems, err := Lines(t.Context(), files(t, dir), &lineLog{})
			if err != nil || len(problems) != 1 || problems[0].Path != bad || problems[0].Fatal != test.fatal {
				t.Errorf("Lines: problems %+v, %v", problems, err)
			}
		})
	}
}

// TestDamagedLine rejects the line in which damaged data ends, and reads those before it.
func TestDamagedLine(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 3000 {
		b.WriteString(flowLine(i*7919%3600) + "\n")
	}
	z := gzipped(t, b.String())
	whole := scanAll(t, small(), 1, false, stdin(z))
	cut := scanAll(t, small(), 1, true, stdin(z[:len(z)/2]))
	damaged := cut.report.Counts.Rejected[logformat.ReasonDamaged]
	n := len(cut.flows)
	if damaged != 1 || n < len(whole.flows)/3 || cut.report.Counts.Rejects() != 1 {
		t.Errorf("%d flows of %d, %d damaged lines, %d rejected", n, len(whole.flows), damaged, cut.report.Counts.Rejects())
	}
	for i, f := range cut.flows {
		if f != whole.flows[i] {
			t.Fatalf("flow %d is %s, want %s", i, f, whole.flows[i])
		}
	}
	if q := cut.quarantine; len(q) != 1 || q[0].Line != int64(n+1) || !strings.HasPrefix(q[0].Text, "CEF:0") {
		t.Errorf("quarantine %+v", q)
	}
}

// TestUnreadableFiles names files that cannot be opened, whatever the reason, and reads the rest.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := writeFile(t, dir, "good.log", []byte(flowLine(1)+"\n"))
	gone := File{Path: filepath.Join(dir, "gone.log"), Size: 10}
	below := File{Path: filepath.Join(good, "below.log"), Size: 10}
	secret := File{Path: writeFile(t, dir, "secret.log", []byte("x\n")), Size: 2}
	if err := os.Chmod(secret.Path, 0); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{gone.Path: "no such file or folder", below.Path: "not a directory"}
	if os.Geteuid() != 0 { // root may read all
		want[secret.Path] = "permission denied"
	}
	r := scanAll(t, small(), 2, false, append(files(t, good), gone, below, secret)...).report
	if r.Counts.Flows != 1 {
		t.Errorf("%d flows, want 1", r.Counts.Flows)
	}
	got := map[string]bool{}
	for _, p := range r.Problems {
		if !p.Fatal || !strings.Contains(p.Text, want[p.Path]) || strings.Contains(p.Text, dir) {
			t.Errorf("problem %+v, want %q", p, want[p.Path])
		}
		got[p.Path] = true
	}
	if len(got) != len(want) || len(r.Problems) != len(want) {
		t.Errorf("problems %+v, want those of %v", r.Problems, want)
	}
}

// change scans a file in which something happens when its first batch is seen: all its pieces but the first few are
// read after it.
func change(t *testing.T, content string, happens func(f *os.File) error) (outcome, string) {
	t.Helper()
	path := writeFile(t, t.TempDir(), "changing.log", []byte(content))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	done := false
	sink := recorder{before: func(*traffic.Batch) error {
		if done {
			return nil
		}
		done = true
		return happens(f)
	}}
	opt := Options{Workers: 1, Sink: func() Sink { return &sink }}
	r, err := newScanner(opt, small()).scan(t.Context(), files(t, path))
	if err != nil {
		t.Fatal(err)
	}
	checkAccounts(t, r)
	return outcome{report: r, flows: sink.flows}, path
}

func manyFlows(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(flowLine(i) + "\n")
	}
	return b.String()
}

// TestGrowingFile reads a file that is appended to while it is read: what stands in it when it is opened is read, and
// its last line only if it has its end by then.
func TestGrowingFile(t *testing.T) {
	t.Parallel()
	half := flowLine(100)[:60]
	appends := func(text string) func(*os.File) error {
		return func(f *os.File) error { _, err := f.WriteString(text); return err }
	}
	out, path := change(t, manyFlows(100)+half, appends("still half"))
	r := out.report
	if r.Counts.Flows != 100 || r.Counts.Rejected[logformat.ReasonUnfinished] != 1 || r.Counts.Rejects() != 1 {
		t.Errorf("half a line: %d flows, %d rejected", r.Counts.Flows, r.Counts.Rejects())
	}
	if len(r.Problems) != 1 || r.Problems[0] != (Problem{Path: path, Text: stillWritten}) {
		t.Errorf("half a line: problems %+v", r.Problems)
	}
	out, _ = change(t, manyFlows(100)+half, appends(flowLine(100)[60:]+"\n"+flowLine(101)+"\nhalf"))
	if r := out.report; r.Counts.Flows != 101 || r.Counts.Rejects() != 0 || len(r.Problems) != 0 {
		t.Errorf("a line that is finished: %d flows, %d rejected, problems %+v", r.Counts.Flows, r.Counts.Rejects(), r.Problems)
	}
	out, _ = change(t, manyFlows(100), appends(flowLine(101)+"\nhalf"))
	if r := out.report; r.Counts.Flows != 100 || r.Counts.Rejects() != 0 || len(r.Problems) != 0 {
		t.Errorf("new lines: %d flows, %d rejected, problems %+v", r.Counts.Flows, r.Counts.Rejects(), r.Problems)
	}
	// The half line begins in another piece than the last.
	out, path = change(t, manyFlows(100)+half+strings.Repeat("x", small().chunk), appends("y"))
	r = out.report
	if r.Counts.Flows != 100 || r.Counts.Rejected[logformat.ReasonUnfinished]+r.Counts.Rejected[logformat.ReasonTooLong] != 1 ||
		len(r.Problems) > 0 && r.Problems[0] != (Problem{Path: path, Text: stillWritten}) {
		t.Errorf("a long half line: %d flows, %d rejected, problems %+v", r.Counts.Flows, r.Counts.Rejects(), r.Problems)
	}
}

// TestUnfinishedLineOverPieces marks a half line that begins in a piece which is not the last.
func TestUnfinishedLineOverPieces(t *testing.T) {
	t.Parallel()
	chunk := small().chunk
	content := manyFlows(100)
	content += strings.Repeat("\n", chunk-len(content)%chunk-50) + flowLine(100)[:100] // 50 bytes before a border
	out, path := change(t, content, func(f *os.File) error { _, err := f.WriteString("half"); return err })
	r := out.report
	if r.Counts.Rejected[logformat.ReasonUnfinished] != 1 || len(r.Problems) != 1 ||
		r.Problems[0] != (Problem{Path: path, Text: stillWritten}) {
		t.Errorf("%d rejected, problems %+v", r.Counts.Rejects(), r.Problems)
	}
}

// TestTruncatedFile reads a file that is cut while it is read, as rotation by copy and truncate does, and says so.
func TestTruncatedFile(t *testing.T) {
	t.Parallel()
	for _, left := range []int64{0, 1, 5000} {
		out, path := change(t, manyFlows(100), func(f *os.File) error { return f.Truncate(left) })
		r := out.report
		if len(r.Problems) != 1 || r.Problems[0] != (Problem{Path: path, Text: becameShorter, Fatal: true}) {
			t.Errorf("%d bytes left: problems %+v", left, r.Problems)
		}
		if n := r.Counts.Flows; n == 0 || n > 60 {
			t.Errorf("%d bytes left: %d flows", left, n)
		}
	}
}

// TestNamedPipe reads a pipe that the user names.
func TestNamedPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	log := mixedLog(1, 200)
	want := scanAll(t, small(), 2, true, stdin([]byte(log))).forget()
	for _, b := range [][]byte{[]byte(log), gzipped(t, log)} {
		wrote := make(chan error, 1)
		go func() { wrote <- os.WriteFile(path, b, 0o600) }()
		sameOutcome(t, "pipe", scanAll(t, small(), 2, true, files(t, path)...).forget(), want)
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
	}
}

// TestSlowStreamsDoNotHoldUp ends a stopped scan though a stream gives nothing, not even its first bytes.
func TestSlowStreamsDoNotHoldUp(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"", "a line\nhalf"} {
		in, out := io.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		go func() { _, _ = io.WriteString(out, first) }()
		opt := Options{Workers: 2, Sink: func() Sink { return &recorder{} }}
		r, err := Scan(ctx, []File{{Path: "-", stream: in}}, opt)
		cancel()
		if err != nil || !r.Partial {
			t.Errorf("report %+v, error %v: want a partial report", r, err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestStoppedScan stops scans in their middle: the report is partial and adds up, each batch that was seen is in it,
// and nothing is left behind.
func TestStoppedScan(t *testing.T) { // not parallel: it looks at all goroutines
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	for i := range 4 {
		writeFile(t, dir, fmt.Sprintf("%d.log", i), []byte(mixedLog(uint64(i), 400)))
		writeFile(t, dir, fmt.Sprintf("%d.gz", i), gzipped(t, mixedLog(uint64(i), 400)))
	}
	list := files(t, dir)
	for at := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		sink := recorder{before: func(*traffic.Batch) error {
			if seen++; seen == 1+at*at*3 {
				cancel()
			}
			return nil
		}}
		opt := Options{Workers: 1 + at%3, Sink: func() Sink { return &sink }}
		if at%2 == 0 {
			opt.Quarantine = func(Rejected) error { return nil }
		}
		r, err := newScanner(opt, small()).scan(ctx, list)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !r.Partial {
			t.Errorf("stop %d: the report does not say that it is partial", at)
		}
		checkAccounts(t, r)
		if r.Counts.Flows != int64(len(sink.flows)) {
			t.Errorf("stop %d: %d flows in the report, %d in the sink", at, r.Counts.Flows, len(sink.flows))
		}
	}
}

// TestSinkFails gives the error of a sink, and a sink's panic as an error that says where.
func TestSinkFails(t *testing.T) { // not parallel: it looks at all goroutines
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	path := writeFile(t, t.TempDir(), "a.log", []byte(mixedLog(1, 1000)))
	list := append(files(t, path), stdin(gzipped(t, mixedLog(2, 1000))))
	full := errors.New("disk full")
	for _, workers := range []int{1, 2, 8} {
		for _, at := range []int{1, 7} {
			seen := 0
			sink := recorder{before: func(*traffic.Batch) error {
				if seen++; seen == at {
					return full
				}
				return nil
			}}
			_, err := newScanner(Options{Workers: workers, Sink: func() Sink { return &sink }}, small()).scan(t.Context(), list)
			if !errors.Is(err, full) {
				t.Errorf("%d workers, batch %d: error %v, want %v", workers, at, err, full)
			}
			list[1] = stdin(gzipped(t, mixedLog(2, 1000)))
		}
	}
	sink := recorder{before: func(*traffic.Batch) error { panic("oh") }}
	_, err := newScanner(Options{Workers: 2, Sink: func() Sink { return &sink }}, small()).scan(t.Context(), list[:1])
	if err == nil || !strings.Contains(err.Error(), "BUG") || !strings.Contains(err.Error(), path) {
		t.Errorf("panic: error %v, want one that says BUG and %s", err, path)
	}
}

// TestQuarantineFails gives the error of the quarantine, and does not read on to the end first.
func TestQuarantineFails(t *testing.T) { // not parallel: it looks at all goroutines
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	bad := writeFile(t, t.TempDir(), "a.log", []byte(strings.Repeat("no record\n", 200_000)))
	full := errors.New("disk full")
	calls := 0
	var read atomic.Int64
	opt := Options{
		Workers: 2, Sink: func() Sink { return &recorder{} },
		Progress:   func(n int64) { read.Add(n) },
		Quarantine: func(Rejected) error { calls++; return full },
	}
	if _, err := newScanner(opt, small()).scan(t.Context(), files(t, bad)); !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	if calls != 1 {
		t.Errorf("the quarantine was called %d times, want 1", calls)
	}
	if n := read.Load(); n > 1_000_000 {
		t.Errorf("%d bytes were read after all", n)
	}
}

// TestHostileLines reads lines that are made to do harm.
func TestHostileLines(t *testing.T) {
	t.Parallel()
	lines := map[string]string{
		"10 MB":          strings.Repeat("a", 10_000_000),
		"10 MB of NUL":   strings.Repeat("\x00", 10_000_000),
		"10 MB of blank": strings.Repeat(" ", 10_000_000),
		"10 MB record":   flowLine(1) + " msg=" + strings.Repeat("x y=z ", 1_700_000),
		"1 MB record":    flowLine(1) + " msg=" + strings.Repeat("x y ", 250_000),
		"250000 keys":    flowLine(1) + " " + strings.Repeat("k=v ", 250000),
		"1 MB of bars":   "CEF:" + strings.Repeat("|", 1_000_000),
		"1 MB of commas": strings.Repeat(",", 1_000_000),
		"1 MB of <":      strings.Repeat(" <1>", 250_000),
		"1 MB of =":      "CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|" + strings.Repeat("=", 1_000_000),
		"1 MB of escape": "CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|" + strings.Repeat(`\`, 1_000_000),
		"1 MB of quotes": strings.Repeat(`"`, 1_000_000),
		"1 MB of text":   `"` + strings.Repeat(`\"`, 500_000) + `"`,
	}
	for name, line := range lines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			content := flowLine(1) + "\n" + line + "\n" + flowLine(2) + "\n"
			path := writeFile(t, t.TempDir(), "a.log", []byte(content))
			want := scanAll(t, standardCutter(), 2, true, files(t, path)...).forget()
			if n := want.report.Counts.Flows; n < 2 || want.report.Lines != 3 || want.report.Bytes != int64(len(content)) {
				t.Errorf("%d flows, %d lines, %d bytes of %d", n, want.report.Lines, want.report.Bytes, len(content))
			}
			sameOutcome(t, "gzip", scanAll(t, standardCutter(), 2, true, stdin(gzipped(t, content))).forget(), want)
			if d := time.Since(start); d > time.Minute {
				t.Errorf("it took %v", d)
			}
		})
	}
}

// TestOctetCount does not believe a length that a line claims to have.
func TestOctetCount(t *testing.T) {
	t.Parallel()
	content := "20000000000 <14>1 2026-03-02T10:00:00Z fw-1 - - - - " + flowLine(1) + "\n" +
		"999999 <14>Mar  2 10:00:00 fw-1 " + flowLine(2) + "\n"
	r := scanAll(t, standardCutter(), 1, true, stdin([]byte(content))).report
	if r.Counts.Flows != 2 || r.Lines != 2 {
		t.Errorf("%d flows of %d lines, want 2 of 2", r.Counts.Flows, r.Lines)
	}
}

// TestBomb ends a compressed file that unpacks to a line without end, in little memory.
func TestBomb(t *testing.T) { // not parallel: it measures memory
	if testing.Short() {
		t.Skip("it unpacks 1 GiB")
	}
	block := gzipped(t, strings.Repeat("\x00", 64<<20))
	file := bytes.Repeat(block, 32)
	start := gzipped(t, flowLine(1)+"\n")
	peak := peakMemory()
	r := scanAll(t, standardCutter(), 2, true, stdin(append(start, file...))).report
	if n := peak(); n > 64<<20 {
		t.Errorf("%d MB of memory for it", n>>20)
	}
	if r.Counts.Flows != 1 || r.Counts.Rejected[logformat.ReasonTooLong] != 1 || r.Lines != 2 {
		t.Errorf("%d flows, %d lines too long, %d lines", r.Counts.Flows, r.Counts.Rejected[logformat.ReasonTooLong], r.Lines)
	}
	if len(r.Problems) != 1 || !r.Problems[0].Fatal || !strings.Contains(r.Problems[0].Text, "this is not a log") {
		t.Errorf("problems %+v", r.Problems)
	}
}

// TestZstdWindow does not give a zstd file the memory that it asks for.
func TestZstdWindow(t *testing.T) {
	t.Parallel()
	for exponent, good := range map[byte]bool{27: true, 28: false, 30: false, 41: false} {
		// A frame with a window of 2^exponent bytes, and a raw block of one byte.
		file := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, (exponent - 10) << 3, 0x09, 0x00, 0x00, 'a'}
		r := scanAll(t, standardCutter(), 1, false, stdin(file)).report
		if good {
			if len(r.Problems) != 0 || r.Lines != 1 {
				t.Errorf("2^%d: problems %+v, %d lines", exponent, r.Problems, r.Lines)
			}
			continue
		}
		if len(r.Problems) != 1 || !r.Problems[0].Fatal || !strings.Contains(r.Problems[0].Text, "window") {
			t.Errorf("2^%d: problems %+v", exponent, r.Problems)
		}
	}
}

// TestMemoryIsBounded reads a million distinct users, and lines that are all rejected, in little memory.
func TestMemoryIsBounded(t *testing.T) { // not parallel: it measures memory
	if testing.Short() {
		t.Skip("it reads 300 MB")
	}
	users := func(w io.Writer) error {
		for i := range 1_000_000 {
			if _, err := fmt.Fprintf(w, "%s-%d\n", flowLine(1), i); err != nil {
				return err
			}
		}
		return nil
	}
	long := func(w io.Writer) error {
		line := []byte(strings.Repeat("bad line ", 110_000) + "\n")
		for range 100 {
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	}
	for name, write := range map[string]func(io.Writer) error{"users": users, "long lines": long} {
		in, out := io.Pipe()
		go func() { _ = out.CloseWithError(write(out)) }()
		peak := peakMemory()
		opt := Options{Workers: 2, Sink: func() Sink { return nullSink{} }}
		r, err := Scan(t.Context(), []File{{Path: "-", stream: in}}, opt)
		if err != nil {
			t.Fatal(err)
		}
		checkAccounts(t, r)
		if n := peak(); n > 96<<20 {
			t.Errorf("%s: %d MB of memory", name, n>>20)
		}
	}
}

// peakMemory measures the memory that is in use from now until the func that it gives is called: the most of it, less
// what was in use before.
func peakMemory() func() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before, most := int64(sample[0].Value.Uint64()), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			metrics.Read(sample)
			most = max(most, int64(sample[0].Value.Uint64())-before)
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return most
	}
}
