package main

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drumbeat/bench/totals"
)

func ms(all ...int) []time.Duration {
	var d []time.Duration
	for _, n := range all {
		d = append(d, time.Duration(n)*time.Millisecond)
	}
	return d
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		all          []time.Duration
		best, median float64
	}{
		{ms(300), 0.3, 0.3},
		{ms(300, 100), 0.1, 0.2},
		{ms(500, 100, 200), 0.1, 0.2},
		{ms(400, 100, 200, 300), 0.1, 0.25},
	} {
		s := newSpread(c.all)
		if s.Best != c.best || math.Abs(s.Median-c.median) > 1e-12 || len(s.All) != len(c.all) {
			t.Errorf("%v: got %+v, want best %g and median %g", c.all, s, c.best, c.median)
		}
		if s.All[0] != c.all[0].Seconds() {
			t.Errorf("%v: the order of the rounds is lost: %v", c.all, s.All)
		}
	}
}

// threeRows is a file with known figures: CPU 10, 60 and 600 ms, wall half of that.
func threeRows() fileResult {
	f := fileResult{Name: "cef", Title: "CEF", Bytes: 2_250_000_000, Lines: 2_000_012, Base: "wc"}
	for i, cpu := range []int{10, 60, 600} {
		var samples []sample
		for _, extra := range []int{20, 0, 10} {
			samples = append(samples, sample{
				Wall: ms(cpu + 2*extra)[0] / 2, CPU: ms(cpu + extra)[0], RSS: int64(5_000_000 * (i + 1)),
			})
		}
		f.Rows = append(f.Rows, newRow([]string{"wc -l", "drumbeat", "a | b"}[i], i == 1, samples, 5_000_000))
	}
	f.compare()
	return f
}

func TestCompare(t *testing.T) {
	f := threeRows()
	want := []ratios{{1, 1, 1. / 6, 1. / 6}, {6, 6, 1, 1}, {60, 60, 10, 10}}
	for i, r := range f.Rows {
		got := r.Ratios
		for _, pair := range [][2]float64{
			{got.WallToBase, want[i].WallToBase},
			{got.CPUToBase, want[i].CPUToBase},
			{got.WallToDrumbeat, want[i].WallToDrumbeat},
			{got.CPUToDrumbeat, want[i].CPUToDrumbeat},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-9 {
				t.Errorf("%s: got %+v, want %+v", r.What, got, want[i])
			}
		}
	}
	if !f.Rows[0].AtMost || f.Rows[1].AtMost {
		t.Error("only the first row has no more memory than the harness")
	}
	if r := through(1, 0); r != 0 {
		t.Errorf("1/0 is %g, want 0 for unknown", r)
	}
	none := fileResult{}
	none.compare()
	noOwn := fileResult{Rows: f.Rows[:1:1]}
	noOwn.Rows = slices.Clone(noOwn.Rows)
	noOwn.compare()
	if r := noOwn.Rows[0].Ratios; r.CPUToDrumbeat != 0 || r.CPUToBase != 1 {
		t.Errorf("without drumbeat: %+v", r)
	}
}

func testResult() *result {
	return &result{
		Date: "2026-03-02", Machine: machine{Cores: 2, CPU: "A processor", Memory: 16_000_000_000, System: "linux/amd64"},
		Versions: []string{"drumbeat 1", "wc 9"}, Rounds: 3, Files: []fileResult{threeRows()}, Notes: []string{"A note."},
	}
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := testResult().writeText(&b); err != nil {
		t.Fatal(err)
	}
	const want = `CEF: 2,000,012 lines, 2.25 GB
            wall s  median  CPU s  median  wall/wc  CPU/wc  wall/drumbeat  CPU/drumbeat  memory
  wc -l      0.005   0.015  0.010   0.020     1.00    1.00           0.17          0.17  < 5 MB
  drumbeat   0.030   0.040  0.060   0.070     6.00    6.00           1.00          1.00   10 MB
  a | b      0.300   0.310  0.600   0.610     60.0    60.0           10.0          10.0   15 MB

2026-03-02; 2 cores, A processor, 16.00 GB memory, linux/amd64; load average 0.0 before and 0.0 after
drumbeat 1; wc 9
`
	if got := b.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\nA note.\n") {
		t.Errorf("got\n%s\nwant it to begin\n%s", got, want)
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := testResult().writeMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	const want = `**CEF: 2,000,012 lines, 2.25 GB**

|  | wall s | median | CPU s | median | wall/wc | CPU/wc | wall/drumbeat | CPU/drumbeat | memory |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| ` + "`wc -l`" + ` | 0.005 | 0.015 | 0.010 | 0.020 | 1.00 | 1.00 | 0.17 | 0.17 | < 5 MB |
| **` + "`drumbeat`" + `** | 0.030 | 0.040 | 0.060 | 0.070 | 6.00 | 6.00 | 1.00 | 1.00 | 10 MB |
| ` + "`a \\| b`" + ` | 0.300 | 0.310 | 0.600 | 0.610 | 60.0 | 60.0 | 10.0 | 10.0 | 15 MB |

- 2026-03-02; 2 cores,`
	if got := b.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant it to begin\n%s", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{thousands(0), "0"},
		{thousands(999), "999"},
		{thousands(1000), "1,000"},
		{thousands(-123456), "-123,456"},
		{thousands(1234567), "1,234,567"},
		{size(999_499_999), "999 MB"},
		{size(2_250_000_000), "2.25 GB"},
		{seconds(0.0123), "0.012"},
		{seconds(12.345), "12.35"},
		{seconds(123.45), "123.5"},
		{ratio(0), "-"},
		{ratio(4.949), "4.95"},
		{ratio(49.49), "49.5"},
		{ratio(494.9), "495"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	l := &limits{Limits: map[string]float64{"cef": 8, "cef-high": 20}}
	best := map[string]*[2]float64{"cef": {0.02, 0.17}, "cef-high": {0.02, 0.36}, "csv": {0.01, 9}}
	if got := l.exceeded(best); !slices.Equal(got, []string{"cef"}) {
		t.Errorf("exceeded: %v, want cef alone: csv has no limit", got)
	}
	file := filepath.Join(t.TempDir(), "limits.json")
	if err := recordLimits(file, best); err != nil {
		t.Fatal(err)
	}
	l, err := readLimits(file)
	if err != nil {
		t.Fatal(err)
	}
	if l.Measured["cef"] != 8.5 || l.Limits["cef"] != 13.6 || len(l.exceeded(best)) > 0 {
		t.Errorf("limits just recorded: %+v", l)
	}
	if err := os.WriteFile(file, []byte(`{"flows": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLimits(file); err == nil {
		t.Error("limits for other logs were taken")
	}
}

func TestSumFlows(t *testing.T) {
	got, err := sumFlows(strings.NewReader(
		`{"TimeGenerated":"1970-01-01T00:00:09Z","SourceIP":"10.0.0.1","DestinationIP":"192.0.2.7","DestinationPort":80,` +
			`"SourcePort":1000,"DeviceName":"fw","SourceUserID":"me","ReceivedBytes":5,"SentBytes":70,"_line":1}` + "\n" +
			`{"TimeGenerated":"1970-01-01T00:00:02.5Z","SourceIP":"10.0.0.1","DestinationIP":"192.0.2.8","ReceivedBytes":1}`))
	want := totals.Totals{
		Records: 2, In: 6, Out: 70, SourcePorts: 1000, Ports: 80, First: 2, Last: 9, Seconds: 11, SourceText: 16, DestText: 18,
		DeviceText: 2, UserText: 2, Sources: 1, Destinations: 2, Devices: 2,
	}
	if err != nil || len(want.Differences(got)) > 0 {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := sumFlows(strings.NewReader(`{"SourceIP":`)); err == nil {
		t.Error("half an object was taken")
	}
}

func TestCheck(t *testing.T) {
	log := &logFile{path: "a.log", lines: 3}
	sums := map[string]uint64{}
	try := func(j job, printed string) error {
		var s sample
		if _, err := s.out.Write([]byte(printed)); err != nil {
			t.Fatal(err)
		}
		return j.check(&s, log, sums)
	}
	wc := job{what: "wc -l", lines: firstNumber}
	scan := job{what: "scan", findings: "a"}
	for _, c := range []struct {
		job     job
		printed string
		wrong   bool
	}{
		{wc, "3 a.log\n", false},
		{wc, "4 a.log\n", true},
		{wc, "", true},
		{scan, "found", false},
		{scan, "found", false},
		{scan, "something else", true},
		{job{what: "duck", lines: records}, `{"records":3}`, false},
		{job{what: "duck", lines: records}, `{"records":2}`, true},
	} {
		if err := try(c.job, c.printed); (err != nil) != c.wrong {
			t.Errorf("%s printed %q: %v", c.job.what, c.printed, err)
		}
	}
}

func TestPackAndDecode(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "a.log")
	if err := os.WriteFile(plain, []byte(strings.Repeat("a line\n", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{".gz", ".zst"} {
		var b bytes.Buffer
		err := errors.Join(pack(ext, plain, plain+ext), decode(plain+ext, &b))
		if err != nil || b.String() != "100000\n" {
			t.Errorf("%s: decoded %q lines, %v", ext, b.String(), err)
		}
	}
	if err := decode(plain, &bytes.Buffer{}); err == nil {
		t.Error("a plain file was decoded")
	}
}

func TestHead(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	long := strings.Repeat("x", 200_000)
	text := long + "\nsecond\nthird, and no newline"
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{1: long + "\n", 2: long + "\nsecond\n", 9: text} {
		if err := writeHead(from, to, n); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(to); string(got) != want {
			t.Errorf("first %d lines: %d bytes, want %d", n, len(got), len(want))
		}
	}
}
