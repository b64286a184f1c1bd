package ingest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// small is a cutter that makes many pieces of a small file, and long lines of short ones.
func small() cutter { return cutter{chunk: 700, maxLine: 900, readOn: 64, hopeless: 1 << 20} }

// flowLine is a CEF record of the i-th second.
func flowLine(i int) string {
	return fmt.Sprintf("CEF:0|Palo Alto Networks|PAN-OS|10.2.0|end|TRAFFIC|1|rt=Mar 02 2026 10:%02d:%02d GMT src=10.0.%d.%d "+
		"dst=8.8.%d.8 dpt=%d in=%d out=%d dvchost=fw-%d suid=user%d", i/60%60, i%60, i%3, i%200, i%5, 440+i%7, i, 2*i, i%4, i%50)
}

// mixedLog makes a log of all that comes to pass: flows, other records, lines of no format, undated ones, odd ends,
// blank and NUL lines, lines that are too long for small, text beyond ASCII. It is UTF-8.
func mixedLog(seed uint64, lines int) string {
	rng := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	for i := range lines {
		switch rng.IntN(16) {
		case 0:
			b.WriteString("CEF:0|Palo Alto Networks|PAN-OS|10.2.0|url|THREAT|1|rt=Mar 02 2026 10:00:00 GMT src=10.0.0.1")
		case 1:
			fmt.Fprintf(&b, "no record, number %d é %s", i, strings.Repeat("-", rng.IntN(300)))
		case 2:
			b.WriteString("<14>Mar  3 09:00:01 fw-1 CEF:0|Palo Alto Networks|PAN-OS|10.2.0|end|TRAFFIC|1|src=10.0.0.7 dst=9.9.9.9 dpt=53")
		case 3:
			b.WriteString(strings.Repeat(" ", rng.IntN(3)))
		case 4:
			b.WriteString("\x00\x00\x00")
		case 5:
			b.WriteString("CEF:0|cut")
		case 6:
			b.WriteString(strings.Repeat("long ", 150+rng.IntN(100)))
		case 7:
			b.WriteString(flowLine(i) + " 😀 app=x")
		default:
			b.WriteString(flowLine(i))
		}
		b.WriteString([]string{"\n", "\n", "\n", "\r\n"}[rng.IntN(4)])
	}
	return b.String()
}

// packed gives a text in every form that is read, by the name of the form.
func packed(tb testing.TB, content string) map[string][]byte {
	tb.Helper()
	third, half := len(content)/3, len(content)/2
	z, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	frames := z.EncodeAll([]byte(content[half:]), z.EncodeAll([]byte(content[:half]), nil))
	skippable := append([]byte{0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0}, "abc"...)
	return map[string][]byte{
		"plain":        []byte(content),
		"gzip":         gzipped(tb, content),
		"gzip members": slices.Concat(gzipped(tb, content[:third]), gzipped(tb, ""), gzipped(tb, content[third:])),
		"zstd frames":  frames,
		"zstd skip":    append(skippable, frames...),
	}
}

func gzipped(tb testing.TB, content string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(content)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// writeFile makes a file in a folder and gives its path.
func writeFile(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// outcome is all that a scan gives.
type outcome struct {
	report     *Report
	flows      []string // in order of file, piece and line
	quarantine []Rejected
}

// recorder is a sink for any number of workers.
type recorder struct {
	mu    sync.Mutex
	flows []string
	// before is called before each batch; it may be nil.
	before func(b *traffic.Batch) error
}

// Observe is Sink's.
func (r *recorder) Observe(b *traffic.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before != nil {
		if err := r.before(b); err != nil {
			return err
		}
	}
	for i := range b.Len() {
		r.flows = append(r.flows, fmt.Sprintf("%d %04d %04d %d %s %s %d %d %d %s %s %d",
			b.Origin.File, b.Origin.Chunk, b.Line[i], b.Time[i], b.Src[i].AppendText(nil, b.Names),
			b.Dst[i].AppendText(nil, b.Names), b.DstPort[i], b.SentBytes[i], b.ReceivedBytes[i],
			b.Names.Text(b.Device[i]), b.Names.Text(b.UserID[i]), b.Flags[i]))
	}
	return nil
}

// scanAll scans to the end.
func scanAll(tb testing.TB, cut cutter, workers int, quarantine bool, files ...File) outcome {
	tb.Helper()
	var sink recorder
	out := outcome{}
	opt := Options{Workers: workers, Sink: func() Sink { return &sink }}
	if quarantine {
		opt.Quarantine = func(r Rejected) error {
			out.quarantine = append(out.quarantine, r)
			return nil
		}
	}
	var err error
	if out.report, err = newScanner(opt, cut).scan(context.Background(), files); err != nil {
		tb.Fatal(err)
	}
	out.flows = sink.flows
	slices.Sort(out.flows)
	checkAccounts(tb, out.report)
	return out
}

// checkAccounts holds a report to the rule that every line is a flow, another record or rejected; a line that holds
// two records gives two flows.
func checkAccounts(tb testing.TB, r *Report) {
	tb.Helper()
	var counts logformat.Counts
	lines, size := int64(0), int64(0)
	for _, f := range r.Files {
		if n := f.Counts.Lines(); n != f.Lines {
			tb.Errorf("%s: %d lines, but %d flows + %d others + %d rejected, %d joined",
				f.Path, f.Lines, f.Counts.Flows, f.Counts.Others(), f.Counts.Rejects(), f.Counts.Warnings[logformat.WarnJoined])
		}
		counts.Add(&f.Counts)
		lines += f.Lines
		size += f.Bytes
	}
	if counts != r.Counts || lines != r.Lines || size != r.Bytes {
		tb.Errorf("the files do not add up to the report: %d lines, %d bytes, want %d, %d", lines, size, r.Lines, r.Bytes)
	}
}

// files lists paths that must all be good.
func files(tb testing.TB, paths ...string) []File {
	tb.Helper()
	found, problems := List(paths, nil)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return found
}

// stdin is standard input that holds a text.
func stdin(content []byte) File { return File{Path: "-", stream: bytes.NewReader(content)} }
