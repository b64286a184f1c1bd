package main

import (
	"math"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"pgregory.net/rapid"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "65536": 65536, "64k": 64000, "64K": 64000, "512MB": 512e6, "512mb": 512e6, "1GiB": 1 << 30, "1.5 GB": 15e8,
		"2t": 2e12, "10B": 10, "1KiB": 1024, "9223372036854775807": math.MaxInt64,
	} {
		var b byteSize
		if err := b.Set(text); err != nil || int64(b) != want {
			t.Errorf("%s: %d, %v; want %d", text, b, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1XB", "MB", "1.MB", ".5MB", "1..5MB", "9223372036854775808", "9e9", "10000000TiB", "1 2"} {
		var b byteSize
		if err := b.Set(text); err == nil {
			t.Errorf("%q is read as %d", text, b)
		}
	}
	for size, want := range map[int64]string{0: "0", 1: "1", 1000: "1KB", 1024: "1KiB", 512e6: "512MB", 1 << 30: "1GiB", 15e8: "1500MB", 1e12: "1TB", 999: "999"} {
		b := byteSize(size)
		if got := b.String(); got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"25s": 25 * time.Second, "1h": time.Hour, "1d": day, "2d": 2 * day, "1.5h": 90 * time.Minute, "1h30m": 90 * time.Minute,
		"1h 30m": 90 * time.Minute, "100ms": 100 * time.Millisecond, "5 min": 5 * time.Minute, "0": 0, "0s": 0, "1tick": 100,
		"00:05:00": 5 * time.Minute, "1.02:03:04.5": day + 2*time.Hour + 3*time.Minute + 4500*time.Millisecond, "1w": 7 * day,
	} {
		var d duration
		if err := d.Set(text); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v; want %v", text, time.Duration(d), err, want)
		}
	}
	for _, text := range []string{"", "25", "s", "-1h", "1x", "1h30", "1.5.5h", "300000d", "24:00:00", "1:2", "00:60:00", "::", "0:00:00", "h1"} {
		var d duration
		if err := d.Set(text); err == nil {
			t.Errorf("%q is read as %v", text, time.Duration(d))
		}
	}
}

// TestPrintAndSet checks that Set reads what String prints.
func TestPrintAndSet(t *testing.T) {
	again := func(rt *rapid.T, text string, v pflag.Value) string {
		if err := v.Set(text); err != nil {
			rt.Fatalf("%q: %v", text, err)
		}
		return v.String()
	}
	rapid.Check(t, func(rt *rapid.T) {
		size := byteSize(rapid.Int64Min(0).Draw(rt, "size"))
		var size2 byteSize
		if again(rt, size.String(), &size2); size2 != size {
			rt.Fatalf("%d prints as %s", size, &size)
		}
		length := duration(rapid.Int64Min(0).Draw(rt, "length"))
		var length2 duration
		if again(rt, length.String(), &length2); length2 != length {
			rt.Fatalf("%d prints as %s", length, &length)
		}
		at := instant{time.Unix(rapid.Int64Range(0, 4e9).Draw(rt, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(rt, "nanos")).UTC(), true}
		var at2 instant
		if again(rt, at.String(), &at2); !at2.Equal(at.Time) {
			rt.Fatalf("%v prints as %s", at.Time, &at)
		}
	})
}

func TestInstant(t *testing.T) {
	for text, want := range map[string]string{
		"2026-03-02":                    "2026-03-02T00:00:00Z",
		"2026-03-02T10:00":              "2026-03-02T10:00:00Z",
		"2026-03-02 10:00":              "2026-03-02T10:00:00Z",
		"2026-03-02T10:00:01.25Z":       "2026-03-02T10:00:01.25Z",
		"2026-03-02T10:00:00+01:00":     "2026-03-02T09:00:00Z",
		"2026-03-02t10:00:00+0100":      "2026-03-02T09:00:00Z",
		"2026-03-02T10:00:00.123456789": "2026-03-02T10:00:00.123456789Z",
	} {
		var i instant
		if err := i.Set(text); err != nil || i.String() != want || !i.set {
			t.Errorf("%s: %s, %v; want %s", text, &i, err, want)
		}
	}
	for _, text := range []string{"", "now", "2026-13-01", "2026-02-30", "10:00", "02.03.2026", "1700000000"} {
		var i instant
		if err := i.Set(text); err == nil || i.String() != "" {
			t.Errorf("%q is read as %s", text, &i)
		}
	}
}

func TestZone(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"UTC": "12:00 +0000", "Z": "12:00 +0000", "Europe/Berlin": "14:00 +0200", "+02:00": "14:00 +0200", "-0500": "07:00 -0500", "+09": "21:00 +0900",
	} {
		var z zone
		if err := z.Set(text); err != nil || at.In(z.Location).Format("15:04 -0700") != want {
			t.Errorf("%s: %v, %v; want %s", text, z.Location, err, want)
		}
	}
	for _, text := range []string{"", "Berlin", "+2", "+25:00", "../etc/passwd", "2"} {
		var z zone
		if err := z.Set(text); err == nil || z.Location != nil || z.String() != "" {
			t.Errorf("%q is read as %v", text, z.Location)
		}
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"min-events", "min-score", "method", "memory", "top", "to", "from", "format"}
	for word, want := range map[string]string{
		"min-event": "min-events", "mehtod": "method", "memroy": "memory", "form": "from", "forma": "format", "TOP": "top",
		"xyzzy": "", "": "", "min-ev": "min-events", "q": "",
	} {
		if got := nearest(word, candidates); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestHuman(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 µs"},
		{250 * time.Millisecond, "250 ms"},
		{1200 * time.Millisecond, "1.2 s"},
		{2 * time.Second, "2 s"},
		{45 * time.Second, "45 s"},
		{59_900 * time.Millisecond, "59 s"},
		{5 * time.Minute, "5 min"},
		{150 * time.Second, "2 min 30 s"},
		{90 * time.Minute, "1 h 30 min"},
		{26 * time.Hour, "1 d 2 h"},
		{-time.Minute, "-1 min"},
	} {
		if got := humanDuration(test.d); got != test.want {
			t.Errorf("%v: %s, want %s", test.d, got, test.want)
		}
	}
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 2_240_000_000: "2.2 GB", 512e6: "512 MB", 999_999: "1 MB", 9_960: "10 kB", math.MaxInt64: "9.2 EB", -1500: "-1.5 kB",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1_234_567: "1,234,567", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := humanCount(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
