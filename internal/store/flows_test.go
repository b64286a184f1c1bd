package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"drumbeat/internal/traffic"
	"drumbeat/kql/plan"
)

// full is a row with all columns, in the types that most tools write.
type full struct {
	TimeGenerated   *time.Time `parquet:"TimeGenerated,optional,timestamp(microsecond)"`
	DeviceVendor    *string    `parquet:"DeviceVendor,optional,dict"`
	Activity        *string    `parquet:"Activity,optional,dict"`
	DeviceName      *string    `parquet:"DeviceName,optional,dict"`
	SourceUserID    *string    `parquet:"SourceUserID,optional"`
	SourceIP        *string    `parquet:"SourceIP,optional,dict"`
	DestinationIP   *string    `parquet:"DestinationIP,optional"`
	DestinationPort *int32     `parquet:"DestinationPort,optional"`
	SentBytes       *int64     `parquet:"SentBytes,optional,dict"`
	ReceivedBytes   *int64     `parquet:"ReceivedBytes,optional"`
	Other           int64      `parquet:"Other"`
}

// plainTime has the time as ticks and few other columns.
type plainTime struct {
	DeviceVendor, Activity string
	TimeGenerated          int64
	DestinationPort        int64
}

// seen is a flow as text.
func seen(b *traffic.Batch, i int) string {
	return fmt.Sprintf("%d.%d.%d %d %s %s %d %d %d %q %q %d", b.Origin.File, b.Origin.Chunk, b.Line[i], b.Time[i],
		b.Src[i].AppendText(nil, b.Names), b.Dst[i].AppendText(nil, b.Names), b.DstPort[i], b.SentBytes[i], b.ReceivedBytes[i],
		b.Names.Text(b.Device[i]), b.Names.Text(b.UserID[i]), b.Flags[i])
}

// collector gathers flows of several workers.
type collector struct {
	mu    sync.Mutex
	flows []string
}

func (c *collector) Observe(b *traffic.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range b.Len() {
		c.flows = append(c.flows, seen(b, i))
	}
	return nil
}

func read(t *testing.T, workers int, w plan.Window, paths ...string) (flows []string, r FlowReport, err error) {
	t.Helper()
	c := &collector{}
	r, err = ReadFlows(t.Context(), paths, FlowOptions{Workers: workers, Window: w, Sink: func() Sink { return c }})
	slices.Sort(c.flows)
	return c.flows, r, err
}

func write[T any](t *testing.T, rows []T, groups int) string {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, parquet.PageBufferSize(3000), parquet.Compression(&parquet.Zstd))
	for len(rows) > 0 {
		n := min(len(rows), max(1, groups))
		if _, err := w.Write(rows[:n]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "flows.parquet")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func some[T any](rng *rand.Rand, of ...T) *T {
	if rng.IntN(9) == 0 {
		return nil
	}
	return &of[rng.IntN(len(of))]
}

func textOf(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func numberOf[N int32 | int64](p *N) int64 {
	if p == nil || *p < 0 {
		return traffic.Unknown
	}
	return int64(*p)
}

// TestReadFlows reads what was written, whatever is null, in any number of row groups, by any number of workers.
func TestReadFlows(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	rows := make([]full, 40_000)
	for i := range rows {
		at := start.Add(time.Duration(i) * 137 * time.Millisecond)
		rows[i] = full{
			TimeGenerated: some(rng, at), DeviceVendor: some(rng, "Palo Alto Networks", "Palo Alto Networks", "other"),
			Activity: some(rng, "TRAFFIC", "TRAFFIC", "THREAT"), DeviceName: some(rng, "fw-1", "fw-2"),
			SourceUserID: some(rng, fmt.Sprint("user", rng.IntN(1000))), SourceIP: some(rng, "10.0.0.1", "10.0.0.2", "host", "fe80::1"),
			DestinationIP:   some(rng, fmt.Sprintf("8.8.%d.8", rng.IntN(200)), "8.8.8.8/24"),
			DestinationPort: some(rng, int32(rng.IntN(66000))), SentBytes: some(rng, int64(rng.IntN(50))), ReceivedBytes: some(rng, rng.Int64()),
		}
	}
	for _, groups := range []int{900, 20_000, 40_000} {
		path := write(t, rows, groups)
		var want []string
		chunk := uint32(0)
		for at := 0; at < len(rows); at += groups {
			for i, r := range rows[at:min(at+groups, len(rows))] {
				if textOf(r.DeviceVendor) != "Palo Alto Networks" || textOf(r.Activity) != "TRAFFIC" || r.TimeGenerated == nil {
					continue
				}
				port := numberOf(r.DestinationPort)
				if port > 65535 {
					port = traffic.Unknown
				}
				want = append(want, fmt.Sprintf("0.%d.%d %d %s %s %d %d %d %q %q %d", chunk+uint32(i/stretch), i%stretch,
					traffic.Ticks(r.TimeGenerated.UTC())/10*10, textOf(r.SourceIP), textOf(r.DestinationIP), port,
					numberOf(r.SentBytes), numberOf(r.ReceivedBytes), textOf(r.DeviceName), textOf(r.SourceUserID), traffic.FlagActivity))
			}
			chunk += uint32((min(groups, len(rows)-at) + stretch - 1) / stretch)
		}
		slices.Sort(want)
		for _, workers := range []int{1, 3} {
			got, r, err := read(t, workers, plan.Window{}, path)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("groups of %d, %d workers: %d flows, want %d; first %s, want %s", groups, workers, len(got), len(want), got[0], want[0])
			}
			if r.Rows != int64(len(rows)) || r.Flows != int64(len(want)) {
				t.Errorf("%+v, want %d rows and %d flows", r, len(rows), len(want))
			}
		}
		from, to := traffic.Ticks(start.Add(10*time.Minute)), traffic.Ticks(start.Add(20*time.Minute))
		got, r, err := read(t, 2, plan.Window{From: from, To: to}, path)
		if err != nil {
			t.Fatal(err)
		}
		within := slices.DeleteFunc(slices.Clone(want), func(s string) bool {
			var n int64
			if _, err := fmt.Sscan(strings.Fields(s)[1], &n); err != nil {
				t.Fatal(err)
			}
			return n < from || n > to
		})
		if !reflect.DeepEqual(got, within) || len(within) == 0 {
			t.Errorf("groups of %d: %d flows of ten minutes, want %d", groups, len(got), len(within))
		}
		if groups == 900 && r.Rows > 8000 {
			t.Errorf("%d rows were read for ten minutes", r.Rows)
		}
	}
}

// TestMissingColumns reads a file with few columns, and the time as ticks.
func TestMissingColumns(t *testing.T) {
	t.Parallel()
	path := write(t, []plainTime{
		{"Palo Alto Networks", "TRAFFIC", 638_000_000_000_000_001, 70_000}, {"Palo Alto Networks", "TRAFFIC", 5, 443}, {"x", "TRAFFIC", 5, 443},
	}, 100)
	got, _, err := read(t, 1, plan.Window{}, path, path)
	want := []string{
		`0.0.0 638000000000000001   -1 -1 -1 "" "" 1`, `0.0.1 5   443 -1 -1 "" "" 1`,
		`1.0.0 638000000000000001   -1 -1 -1 "" "" 1`, `1.0.1 5   443 -1 -1 "" "" 1`,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestOddFiles reads what is no file of flows.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	type noTime struct{ Activity string }
	type textTime struct{ TimeGenerated string }
	type list struct {
		TimeGenerated int64
		SourceIP      []string
	}
	text := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(text, []byte("this is no Parquet file, but long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string]string{
		"there is no column TimeGenerated":       write(t, []noTime{{"TRAFFIC"}}, 1),
		"column TimeGenerated is of the type":    write(t, []textTime{{"now"}}, 1),
		"column SourceIP is a list or a group":   write(t, []list{{1, []string{"a"}}}, 1),
		"reading flows of " + text:               text,
		"no such file or directory":              filepath.Join(t.TempDir(), "none"),
		"reading flows: open " + t.TempDir()[:4]: filepath.Join(t.TempDir(), "none"),
	} {
		if _, _, err := read(t, 1, plan.Window{}, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestDamagedFile spoils a file at many places: it gives an error or some flows, and never ends the program.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	var rows []full
	for i := range 3000 {
		at := time.Unix(int64(i), 0)
		vendor, activity, src := "Palo Alto Networks", "TRAFFIC", fmt.Sprint("10.0.0.", i%7)
		rows = append(rows, full{TimeGenerated: &at, DeviceVendor: &vendor, Activity: &activity, SourceIP: &src, SentBytes: some(rng, int64(i))})
	}
	whole, err := os.ReadFile(write(t, rows, 1000))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.parquet")
	failed := 0
	for i := range 400 {
		p := bytes.Clone(whole)
		if i%4 == 0 {
			p = p[:rng.IntN(len(p))]
		}
		for range min(i%7, len(p)) {
			p[rng.IntN(len(p))] = byte(rng.Uint32())
		}
		if err := os.WriteFile(path, p, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(t, 2, plan.Window{}, path); err != nil {
			failed++
		}
	}
	if failed < 100 {
		t.Errorf("of 400 damaged files %d were found out", failed)
	}
}

// TestSinkFails ends with the error of a sink, and of the context.
func TestSinkFails(t *testing.T) {
	t.Parallel()
	path := write(t, []plainTime{{"Palo Alto Networks", "TRAFFIC", 7, 443}}, 1)
	_, err := ReadFlows(t.Context(), []string{path}, FlowOptions{Sink: func() Sink { return failing{} }})
	if !errors.Is(err, errSink) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = ReadFlows(ctx, []string{path}, FlowOptions{Sink: func() Sink { return failing{} }}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

var errSink = errors.New("the sink is full")

type failing struct{}

func (failing) Observe(*traffic.Batch) error { return errSink }
