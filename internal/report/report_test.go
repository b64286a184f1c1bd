package report

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/plot"
)

var update = flag.Bool("update", false, "write the golden files anew")

func write(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	got := write(t, sampleReport())
	path := filepath.Join("testdata", "report.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("the page differs from what is recorded; look at it and, if it is right, run go test -update")
	}
}

// manyChannels makes a report of n channels with at most keep beats each.
func manyChannels(n, keep int) *Report {
	r := sampleReport()
	base := sampleChannels(keep)
	r.Channels = nil
	for i := range n {
		c := base[i%len(base)]
		c.Source.Name, c.Source.Address = "", fmt.Sprintf("10.20.%d.%d", i/250, i%250)
		r.Channels = append(r.Channels, c)
	}
	return r
}

func BenchmarkWrite(b *testing.B) {
	for _, keep := range []int{64, 1 << 30} {
		r := manyChannels(1000, keep)
		b.Run(fmt.Sprintf("keep=%d", keep), func(b *testing.B) {
			for b.Loop() {
				page := write(b, r)
				b.ReportMetric(float64(len(page)), "bytes")
				if dir := os.Getenv("DRUMBEAT_REPORT_DIR"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("many-%d.html", keep)), []byte(page), 0o600); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// TestRandomChannels draws channels of any period, jitter, length and number of beats.
func TestRandomChannels(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	r := sampleReport()
	r.Channels = nil
	for i := range maxPictures {
		p := rhythm{
			period: time.Duration(math.Exp(math.Log(1e9)+rng.Float64()*math.Log(43_200)) * 1), jitter: rng.Float64() * .8,
			miss: rng.Float64() * .5, from: weekFrom.Add(time.Duration(rng.Float64() * 6.5 * 24 * float64(time.Hour))),
			sent: int64(math.Exp(rng.Float64() * 20)),
		}
		if i%3 == 0 {
			p.pause = plot.Span{From: p.from.Add(30 * time.Hour), To: p.from.Add(50 * time.Hour)}
		}
		keep := []int{64, 5, 2000}[i%3]
		r.Channels = append(r.Channels, p.channel(uint64(i), End{fmt.Sprintf("10.0.0.%d", i), "", Unknown}, End{"203.0.113.1", "", 443}, 3-float64(i)/20, keep))
	}
	page := write(t, r)
	for _, bad := range []string{"NaN", "Inf", "%!", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if dir := os.Getenv("DRUMBEAT_REPORT_DIR"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "random.html"), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
