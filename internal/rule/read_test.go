package rule

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestRemarks reads the files of an archive; after each stand the remarks on it as they are drawn, in a file of its name
// and ".want".
func TestRemarks(t *testing.T) {
	path := filepath.Join("testdata", "remarks.txtar")
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := &txtar.Archive{Comment: archive.Comment}
	want := map[string]string{}
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
			want[name] = string(f.Data)
		}
	}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".want") {
			continue
		}
		got := remarks(f.Name, f.Data)
		out.Files = append(out.Files, f, txtar.File{Name: f.Name + ".want", Data: []byte(got)})
		if got != want[f.Name] && !*update {
			t.Errorf("%s:\n%s\nwant:\n%s", f.Name, got, want[f.Name])
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func remarks(name string, text []byte) string {
	if strings.HasSuffix(name, ".test.yaml") {
		f := ReadTests(name, text)
		return f.Diags.Draw(f.Text, name)
	}
	f := Read(name, text)
	diags := f.Diags
	for _, r := range f.Rules {
		_, more := r.Compile(schema())
		diags = append(diags, more...)
	}
	diags.Sort()
	if len(f.Rules) == 0 && len(diags) == 0 {
		return f.Class.String() + "\n"
	}
	return diags.Draw(f.Text, name)
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "1h": time.Hour, "14d": 14 * day, "90s": 90 * time.Second, "1H": time.Hour,
		"00:05:00": 5 * time.Minute, "14.00:00:00": 14 * day, "1.02:03:04": 26*time.Hour + 3*time.Minute + 4*time.Second,
		"PT5M": 5 * time.Minute, "P1D": day, "P1DT2H": 26 * time.Hour, "PT1H30M": 90 * time.Minute, "P2W": 14 * day,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "5", "m", "-5m", "5x", "1.5h", "P", "PT", "P1H", "PT1D", "1:2", "1:2:3:4", "00:100:00", "99999999999d", "5 m"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
	for short, iso := range map[string]string{"24h": "PT24H", "1d": "P1D", "90m": "PT90M", "00:05:00": "PT5M", "14.00:00:00": "P14D"} {
		d, _ := parseDuration(short)
		if got := isoText(d, short); got != iso {
			t.Errorf("%s is %s, want %s", short, got, iso)
		}
	}
	for iso, short := range map[string]string{"PT24H": "24h", "P1D": "1d", "PT90M": "90m", "PT1H30M": "90m", "P1DT1H": "25h"} {
		if got, ok := shortOfISO(iso); !ok || got != short {
			t.Errorf("%s is %s, want %s", iso, got, short)
		}
	}
}

func TestSlots(t *testing.T) {
	at := func(s string) int64 {
		ticks, ok := instant(s, 0)
		if !ok {
			t.Fatal(s)
		}
		return ticks
	}
	for _, c := range []struct {
		frequency, period time.Duration
		first, last       string // of the data
		want              string
	}{
		// The rule of a day: midnights, and the windows of two days behind them.
		{day, 2 * day, "2026-03-02T00:00:05Z", "2026-03-02T23:59:59Z", "2026-03-03 2026-03-04"},
		// A record on the very edge is in both windows that touch it.
		{day, day, "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-02 2026-03-03"},
		{6 * time.Hour, 6 * time.Hour, "2026-03-02T05:00:00Z", "2026-03-02T07:00:00Z", "2026-03-02T06:00 2026-03-02T12:00"},
		{5 * time.Minute, 5 * time.Minute, "2026-03-02T00:01:00Z", "2026-03-02T00:02:00Z", "2026-03-02T00:05"},
	} {
		r := &Rule{Frequency: c.frequency, Period: c.period}
		s := r.Meeting(at(c.first), at(c.last))
		want := strings.Fields(c.want)
		if s.Len() != len(want) {
			t.Errorf("%+v: %d slots, from %s to %s", c, s.Len(), timeText(s.First), timeText(s.Last))
			continue
		}
		for i, w := range want {
			if s.At(i) != at(w) {
				t.Errorf("%+v: slot %d is %s, want %s", c, i, timeText(s.At(i)), w)
			}
		}
	}
	if n := (Slots{First: 2, Last: 1, Step: 1}).Len(); n != 0 {
		t.Errorf("an empty span has %d slots", n)
	}
	hunting := &Rule{}
	if s := hunting.Meeting(3, 9); s.Len() != 1 || s.At(0) != 9 {
		t.Errorf("a hunting query runs at %+v", s)
	}
}
