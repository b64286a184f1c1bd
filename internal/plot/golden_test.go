package plot

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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
		t.Errorf("%s differs from what is recorded; look at it and, if it is right, run go test -update", name)
	}
}

// pictures are all pictures that have goldens, by file name.
func pictures() map[string]Picture {
	c := sample()
	rare := steady(4*time.Hour, 40*24*time.Hour)
	rare.Silent = []Span{{logFrom.AddDate(0, 0, 14), logFrom.AddDate(0, 0, 16)}}
	rare.Beats = append(between(rare.Beats, logFrom, rare.Silent[0].From), between(rare.Beats, logFrom.AddDate(0, 0, 22), rare.To)...)
	kept := steady(10*time.Second, 36*time.Hour)
	kept.Kept = logFrom.Add(20 * time.Hour)
	kept.Beats = between(kept.Beats, kept.Kept, kept.To)
	binned := sample()
	binned.Kept = logTo.Add(-4 * time.Hour)
	binned.Beats = between(binned.Beats, binned.Kept, binned.To)
	binned.Window.In, binned.Window.Of = 1138, 1172
	binned.Bins = []Bin{
		{227 * time.Second, 246 * time.Second, 91},
		{247 * time.Second, 269 * time.Second, 416},
		{270 * time.Second, 293 * time.Second, 462},
		{294 * time.Second, 319 * time.Second, 169},
		{494 * time.Second, 538 * time.Second, 13},
		{539 * time.Second, 587 * time.Second, 19},
	}
	free := sample()
	free.Window = Window{}
	return map[string]Picture{
		"strip": NewStrip(c), "gaps": NewGaps(c), "gaptime": NewGapTime(c), "sizes": NewSizes(c), "reasons": sampleReasons(),
		"strip-rare": NewStrip(rare), "gaps-rare": NewGaps(rare), "gaptime-rare": NewGapTime(rare),
		"strip-dense": NewStrip(kept), "gaps-dense": NewGaps(kept), "gaptime-dense": NewGapTime(kept), "sizes-dense": NewSizes(kept),
		"gaps-free": NewGaps(free), "gaps-binned": NewGaps(binned), "strip-binned": NewStrip(binned),
		"spark": &Spark{What: "records an hour", Values: []float64{3, 5, 4, 8, math.NaN(), 2, 9, 12, 3}},
		"days": &DayBars{
			What: "alert", First: logFrom.AddDate(0, 0, -21), Limit: 8,
			Counts: []int64{0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 1, -1, 9, 0, 0, 2, 0, 1, 0, 3},
		},
		"empty-strip": NewStrip(&Channel{}), "empty-gaps": NewGaps(&Channel{}), "empty-gaptime": NewGapTime(&Channel{}),
		"empty-sizes": NewSizes(&Channel{}), "empty-spark": &Spark{What: "none"}, "empty-days": &DayBars{What: "alert"},
		"empty-reasons": &Reasons{},
	}
}

func TestGoldens(t *testing.T) {
	for name, p := range pictures() {
		for _, width := range []int{1060, 340} {
			got := string(p.AppendSVG(nil, width))
			checkXML(t, name, got)
			if width == 340 || strings.HasPrefix(name, "strip") {
				golden(t, name+map[int]string{1060: "-wide", 340: ""}[width]+".svg", strings.ReplaceAll(got, "><", ">\n<")+"\n")
			}
		}
		var b strings.Builder
		b.WriteString(p.Name() + "\n" + p.Alt() + "\n")
		for _, c := range p.Table().Columns {
			b.WriteString(c.Name + "\t")
		}
		for _, r := range p.Table().Rows {
			b.WriteString("\n" + strings.Join(r, "\t"))
		}
		golden(t, name+".txt", b.String()+"\n")
	}
}

// checkXML fails on text that is not well-formed.
func checkXML(t *testing.T, name, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s is not XML: %v\n%s", name, err, svg)
		}
	}
}

func TestTextGoldens(t *testing.T) {
	var b strings.Builder
	for name, c := range map[string]*Channel{"sample": sample(), "dense": steady(10*time.Second, 30*time.Hour), "rare": steady(4*time.Hour, 9*24*time.Hour)} {
		for _, width := range []int{40, 80, 160} {
			b.Reset()
			o := TextOptions{Width: width}
			b.WriteString(NewStrip(c).Text(o) + "\n" + NewGaps(c).Text(o) + "\n" + sampleReasons().Text(o))
			for line := range strings.Lines(b.String()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
					t.Errorf("%s at %d: a line has %d cells: %q", name, width, n, line)
				}
			}
			golden(t, "text-"+name+"-"+map[int]string{40: "040", 80: "080", 160: "160"}[width]+".txt", b.String())
		}
	}
}
