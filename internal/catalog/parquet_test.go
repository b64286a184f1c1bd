package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"drumbeat/internal/ingest"
	"drumbeat/internal/stream"
	"drumbeat/internal/traffic"
	"drumbeat/kql/plan"
)

// storedFlow is a row of a Parquet file of a test.
type storedFlow struct {
	TimeGenerated   time.Time `parquet:",timestamp(microsecond)"`
	DeviceVendor    string
	Activity        string
	SourceIP        *string
	DestinationIP   string
	DestinationPort *int32
	SentBytes       int64
	Own             float64
}

// store writes rows in groups.
func storeRows[T any](t testing.TB, path string, rows []T, group int) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	for from := 0; from < len(rows); from += group {
		if _, err := w.Write(rows[from:min(from+group, len(rows))]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func storedFlows(n int) []storedFlow {
	start := time.Date(2026, 3, 2, 10, 0, 0, 123456000, time.UTC)
	rows := make([]storedFlow, n)
	for i := range rows {
		src, port := fmt.Sprintf("10.0.%d.%d", i/250%250, i%250), int32(i%3)
		rows[i] = storedFlow{
			TimeGenerated: start.Add(time.Duration(i) * time.Second), DeviceVendor: "Palo Alto Networks", Activity: "TRAFFIC",
			SourceIP: &src, DestinationIP: "192.0.2.1", DestinationPort: &port, SentBytes: int64(i), Own: 0.5,
		}
		if i%10 == 3 {
			rows[i].SourceIP, rows[i].DestinationPort, rows[i].Activity = nil, nil, "THREAT"
		}
	}
	return rows
}

func TestParquetLogs(t *testing.T) {
	dir := t.TempDir()
	rows := storedFlows(5000)
	storeRows(t, filepath.Join(dir, "a.parquet"), rows[:3000], 700)
	storeRows(t, filepath.Join(dir, "b.parquet"), rows[3000:], 5000)
	c := catalogue(t, Options{Paths: []string{dir}, Workers: 2})
	for query, want := range map[string]string{
		"CommonSecurityLog | count": `{"Count":5000}`,
		"CommonSecurityLog | take 1 | project TimeGenerated, DeviceVendor, SourceIP, DestinationPort, SentBytes, DeviceName, EventCount": `{"TimeGenerated":"2026-03-02T10:00:00.123456Z","DeviceVendor":"Palo Alto Networks","SourceIP":"10.0.0.0",` +
			`"DestinationPort":0,"SentBytes":0,"DeviceName":"","EventCount":null}`,
		"CommonSecurityLog | where Activity == 'THREAT' | take 1 | project SourceIP, DestinationPort, SentBytes": `{"SourceIP":"","DestinationPort":null,"SentBytes":3}`,
		"CommonSecurityLog | summarize sum(SentBytes)":                                                           `{"sum_SentBytes":12497500}`,
		"CommonSecurityLog | serialize | extend n = row_number() | where n != SentBytes + 1 | count":             `{"Count":0}`,
	} {
		if got := ask(t, c, query); got != want {
			t.Errorf("%s gives %s, want %s", query, got, want)
		}
	}
	span, ok, err := c.Span(context.Background())
	if err != nil || !ok || span.To-span.From != 4999*traffic.Second {
		t.Errorf("span %v, %v, %v", span, ok, err)
	}
	w := plan.Window{From: span.From + 100*traffic.Second, To: span.From + 102*traffic.Second}
	n := 0
	err = c.Scan(context.Background(), &plan.Scan{Table: logs}, w, func(rows []stream.Row) error { n += len(rows); return nil })
	if err != nil || n != 3 {
		t.Errorf("%d rows in a window of three, %v", n, err)
	}
	stop := errors.New("enough")
	if err := c.Scan(context.Background(), &plan.Scan{Table: logs}, plan.Window{}, func([]stream.Row) error { return stop }); !errors.Is(err, stop) || err.Error() != "enough" {
		t.Errorf("a scan that is stopped ends with %v", err)
	}
	files, columns, ok := c.Parquet(logs)
	if !ok || len(files) != 2 || !columns["TimeGenerated"].Plain || columns["TimeGenerated"].Ticks || !columns["SourceIP"].Plain {
		t.Errorf("files %v, columns %v, %v", files, columns, ok)
	}
	if len(c.ParquetFiles()) != 2 {
		t.Errorf("files of tables: %v", c.ParquetFiles())
	}
}

// TestParquetTable: a table in one file, with the types of its own.
func TestParquetTable(t *testing.T) {
	type row struct {
		Name  string
		Count int32
		When  time.Time `parquet:",timestamp(millisecond)"`
		Day   int32     `parquet:",date"`
		Ok    bool
		Bag   string `parquet:",json"`
		List  []int64
	}
	path := storeRows(t, filepath.Join(t.TempDir(), "t.parquet"), []row{
		{"ann", 1, time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), 20514, true, `{"a":[1]}`, []int64{1}},
	}, 10)
	c := catalogue(t, Options{Tables: []File{{"T", path}}})
	want := `{"Bag":{"a":[1]},"Count":1,"Day":"2026-03-02T00:00:00Z","Name":"ann","Ok":true,"When":"2026-03-02T10:00:00Z"}`
	if got := ask(t, c, "T"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, columns, ok := c.Parquet("T"); !ok || columns["When"].Plain || columns["Bag"].Plain || !columns["Count"].Plain {
		t.Errorf("columns %v, %v", columns, ok)
	}
}

func TestParquetFaults(t *testing.T) {
	dir := t.TempDir()
	path := storeRows(t, filepath.Join(dir, "a.parquet"), storedFlows(100), 100)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) / 7 { // no fault in a file is a panic
		text := bytes.Clone(whole)
		text[i*7] ^= 0x55
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c := catalogue(t, Options{Paths: []string{dir}})
		if p, err := c.logs.parquetFiles(); err == nil && p != nil {
			_, _ = askError(t, c, "CommonSecurityLog | summarize count(), sum(SentBytes), max(SourceIP)")
		} else if err != nil && !strings.HasPrefix(err.Error(), path) {
			t.Fatalf("the error does not name the file: %v", err)
		}
	}
	mixed := catalogue(t, Options{Paths: []string{path, write(t, "a.log", "x\n")}})
	if _, err := askError(t, mixed, "CommonSecurityLog | count"); !errors.Is(err, errMixed) {
		t.Errorf("mixed logs: %v", err)
	}
}

// flowSink collects what Flows gives.
type flowSink struct {
	mu   *sync.Mutex
	seen map[string]int
}

func (s *flowSink) Observe(b *traffic.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Len() {
		s.seen[fmt.Sprintf("%d %v %d %s", b.Time[i], b.Src[i].Kind, b.SentBytes[i], b.Names.Text(b.Device[i]))]++
	}
	return nil
}

// TestFlows: the records that Flows gives are those of a scan.
func TestFlows(t *testing.T) {
	text := write(t, "a.log",
		cef("2026-03-02T10:00:00Z", "10.0.0.1", "192.0.2.1", "out=1 dvchost=a")+
			cef("2026-03-02T10:00:01Z", "10.0.0.1", "192.0.2.1", "out=2 dvchost=b")+
			strings.Replace(cef("2026-03-02T10:00:01Z", "10.0.0.1", "192.0.2.1", "out=3 dvchost=b"), "Palo Alto Networks", "palo alto networks", 1)+
			strings.Replace(cef("2026-03-02T10:00:02Z", "10.0.0.1", "192.0.2.1", "out=4 dvchost=c"), "TRAFFIC", "THREAT", 1)+
			cef("2026-03-02T10:00:03Z", "10.0.0.1", "192.0.2.1", "out=5 dvchost=d"))
	stored := storeRows(t, filepath.Join(t.TempDir(), "a.parquet"), storedFlows(50), 7)
	for _, path := range []string{text, stored} {
		c := catalogue(t, Options{Paths: []string{path}, Workers: 2})
		span, _, err := c.Span(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []plan.Window{{}, {From: span.From + 1, To: span.To - 1}} {
			sink := &flowSink{mu: &sync.Mutex{}, seen: map[string]int{}}
			if err := c.Flows(context.Background(), w, func() ingest.Sink { return sink }); err != nil {
				t.Fatal(err)
			}
			want := "CommonSecurityLog | where DeviceVendor == 'Palo Alto Networks' and Activity == 'TRAFFIC'"
			if w.To > 0 {
				want += fmt.Sprintf(" | where TimeGenerated between (datetime(%s) .. datetime(%s))",
					traffic.Time(w.From).Format(time.RFC3339Nano), traffic.Time(w.To).Format(time.RFC3339Nano))
			}
			n := 0
			for _, k := range sink.seen {
				n += k
			}
			if got := ask(t, c, want+" | count"); got != fmt.Sprintf(`{"Count":%d}`, n) || n == 0 {
				t.Errorf("%s in %v: Flows gives %d records, a scan %s", path, w, n, got)
			}
		}
	}
	if err := catalogue(t, Options{}).Flows(context.Background(), plan.Window{}, nil); err != nil {
		t.Errorf("no logs: %v", err)
	}
}
