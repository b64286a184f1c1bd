package synth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWriteIsDeterministic(t *testing.T) {
	w := small()
	w.LogStart, w.Loss, w.Entropy, w.Version, w.Firewalls = true, 0.01, HighEntropy, Mixed, 4
	sum := func(procs, chunk int) string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		h := sha256.New()
		var truth bytes.Buffer
		if _, err := w.write(t.Context(), h, &truth, chunk); err != nil {
			t.Fatal(err)
		}
		h.Write(truth.Bytes())
		return hex.EncodeToString(h.Sum(nil))
	}
	want := sum(1, chunkRecords)
	for _, c := range []struct{ procs, chunk int }{{2, chunkRecords}, {8, chunkRecords}, {1, 1}, {3, 77}, {2, 100_000}} {
		if got := sum(c.procs, c.chunk); got != want {
			t.Errorf("%d processors, chunks of %d: other bytes", c.procs, c.chunk)
		}
	}
	w.Seed++
	if sum(2, chunkRecords) == want {
		t.Error("another seed gives the same bytes")
	}
}

func TestFormatsHoldTheSameTraffic(t *testing.T) {
	w := small()
	w.Version, w.LogStart = "10.2", true
	w.Flows, w.Beacons, w.Format = 6000, Beacons(2), CSV
	log, _, _ := written(t, w)
	want := flowsOf(t, w, log)
	for _, format := range []Format{CEF, Strata} {
		for _, prefix := range []Prefix{NoPrefix, RFC3164, RFC5424} {
			v := w
			v.Format, v.Prefix = format, prefix
			log, _, _ := written(t, v)
			got := flowsOf(t, v, log)
			if len(got) != len(want) {
				t.Fatalf("%s has %d records, CSV %d", format, len(got), len(want))
			}
			for i := range got {
				a, b := got[i], want[i]
				if format == CEF {
					b.start = time.Time{}
				} else {
					b.highRes = time.Time{}
				}
				if a != b {
					t.Fatalf("record %d of %s:\n%+v, in CSV\n%+v", i, format, a, b)
				}
			}
		}
	}
}

func TestRecordsComeInTheOrderOfWriting(t *testing.T) {
	for _, days := range []float64{0.02, 1, 9} {
		w := small()
		w.Format, w.Version, w.Days, w.LogStart = CSV, "11.1", days, true
		w.Beacons = Beacons(12)[1:2]
		log, _, stats := written(t, w)
		last := time.Time{}
		flows := flowsOf(t, w, log)
		for i, f := range flows {
			if f.highRes.Before(last) {
				t.Fatalf("record %d is older than the one before: %s", i, lines(log)[i])
			}
			last = f.highRes
			if f.highRes.Truncate(time.Second) != f.seen || f.start.After(f.seen) {
				t.Fatalf("times do not fit: %s", lines(log)[i])
			}
		}
		if stats.First != flows[0].highRes || stats.Last != last {
			t.Errorf("stats say %v to %v, the log %v to %v", stats.First, stats.Last, flows[0].highRes, last)
		}
		if stats.First.Before(w.From) || !stats.Last.Before(w.From.Add(w.span())) {
			t.Errorf("%v to %v is outside of the span", stats.First, stats.Last)
		}
	}
}

func TestFlowTarget(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := Default()
		w.Seed = rapid.Uint64().Draw(r, "seed")
		w.Machines = rapid.IntRange(20, 1000).Draw(r, "machines")
		w.Flows = rapid.Int64Range(20_000, 25_000).Draw(r, "flows")
		w.Days = rapid.Float64Range(0.1, 9).Draw(r, "days")
		w.From = w.From.Add(time.Duration(rapid.IntRange(0, 7*24).Draw(r, "hours")) * time.Hour)
		w.Drops = rapid.Float64Range(0, 0.5).Draw(r, "drops")
		w.Loss = rapid.Float64Range(0, 0.3).Draw(r, "loss")
		w.LogStart = rapid.Bool().Draw(r, "log start")
		w.Profile = rapid.SampledFrom(Profiles()).Draw(r, "profile")
		w.Beacons = Beacons(rapid.IntRange(0, 4).Draw(r, "beacons"))
		stats, err := counted(w)
		var field *FieldError
		if errors.As(err, &field) && field.Field == "Flows" {
			r.Skip("the beacons alone are more")
		}
		if err != nil {
			r.Fatal(err)
		}
		if off := float64(stats.Records)/float64(w.Flows) - 1; off < -0.03 || off > 0.03 {
			r.Errorf("%d records for %d flows: %+.1f %%", stats.Records, w.Flows, off*100)
		}
		share := float64(stats.Blocked) / float64(stats.Records)
		if len(w.Beacons) == 0 && (share < w.Drops-0.01 || share > w.Drops+0.01) {
			r.Errorf("%.3f of the records are blocked, asked for %.3f", share, w.Drops)
		}
	})
}

// counted is Write without a word written.
func counted(w World) (Stats, error) {
	if err := w.Validate(); err != nil {
		return Stats{}, err
	}
	p, err := newPlan(w)
	if err != nil {
		return Stats{}, err
	}
	r := &run{plan: p, loss: w.Loss, chunkSize: 1000, seq: make([]int64, len(p.c.devices))}
	quanta, chunks := make(chan []record), make(chan []record)
	var drawn, spelled pools
	go func() {
		defer close(quanta)
		draw := r.newMaker(&drawn)()
		for n := range p.schedule.budget {
			quanta <- draw(n)
		}
	}()
	go func() {
		for range chunks {
		}
	}()
	defer close(chunks)
	err = r.sort(context.Background(), quanta, chunks, &drawn, &spelled)
	return r.stats, err
}

func TestFieldsByVersion(t *testing.T) {
	counts := map[string]int{"6.0": 46, "8.1": 65, "9.0": 67, "9.1": 75, "10.0": 105, "10.1": 115, "10.2": 115, "11.1": 117}
	for version, want := range counts {
		w := small()
		w.Beacons, w.Flows = nil, 3000
		w.Format, w.Version = CSV, version
		log, _, _ := written(t, w)
		for _, line := range lines(log) {
			f, fields := parseCSVLine(t, line)
			if len(fields) != want {
				t.Fatalf("%s: %d fields, want %d: %s", version, len(fields), want, line)
			}
			if f.highRes.IsZero() != (want <= 102) {
				t.Fatalf("%s: high resolution %v: %s", version, f.highRes, line)
			}
		}
		if want >= 115 && !strings.Contains(log, `,"used-by-malware,`) {
			t.Errorf("%s: no quoted list of traits", version)
		}
	}
}

func TestKeysByVersion(t *testing.T) {
	has := map[string][]string{
		"8.1":  {"rt", "deviceExternalId", "cs1Label", "in", "out", "start", "dvchost", "PanOSTunnelType"},
		"9.0":  {"PanOSRuleUUID", "PanOSHTTP2Con"},
		"9.1":  {"PanLinkChange", "PanDynamicUsrgrp"},
		"10.0": {"PanTimeHighRes", "PanSrcDeviceCat", "PanASServiceDiff"},
	}
	var want []string
	for _, version := range []string{"8.1", "9.0", "9.1", "10.0", "10.1", "10.2", "11.1"} {
		w := small()
		w.Beacons, w.Flows, w.Version = nil, 500, version
		log, _, _ := written(t, w)
		header, keys := parseCEF(t, lines(log)[0])
		if !strings.HasPrefix(header[3], version+".") {
			t.Errorf("%s calls itself %s", version, header[3])
		}
		want = append(want, has[version]...)
		for _, key := range want {
			if _, ok := keys[key]; !ok {
				t.Errorf("%s lacks %s", version, key)
			}
		}
		if _, ok := keys["PanTimeHighRes"]; ok && !slices.Contains(want, "PanTimeHighRes") {
			t.Errorf("%s has PanTimeHighRes", version)
		}
	}
}

func TestHighEntropy(t *testing.T) {
	low, high := small(), small()
	low.Flows, high.Flows, low.Beacons, high.Beacons = 5000, 5000, nil, nil
	low.Version, high.Version = "10.2", "10.2"
	low.Firewalls, high.Firewalls, high.Entropy = 4, 4, HighEntropy
	a, _, _ := written(t, low)
	b, _, _ := written(t, high)
	orders := map[string]string{}
	plain := lines(a)
	for i, line := range lines(b) {
		f, g := parseCEFLine(t, plain[i]), parseCEFLine(t, line)
		if f != g {
			t.Fatalf("not the same traffic:\n%+v\n%+v", f, g)
		}
		_, keys := parseCEF(t, line)
		if !strings.ContainsAny(keys["cs1"]+keys["cs4"], " ") {
			t.Fatalf("neither rule nor zone has a blank: %s", line)
		}
		order := ""
		for pair := range strings.FieldsSeq(strings.ReplaceAll(line[strings.Index(line, "TRAFFIC|1|")+10:], `\=`, "")) {
			if key, _, ok := strings.Cut(pair, "="); ok {
				order += key + " "
			}
		}
		if old, ok := orders[g.device]; ok && old != order {
			t.Fatalf("%s has two orders of keys", g.device)
		}
		orders[g.device] = order
	}
	different := map[string]bool{}
	for _, order := range orders {
		different[order] = true
	}
	if len(orders) != 4 || len(different) != 4 {
		t.Errorf("%d firewalls with %d orders of keys", len(orders), len(different))
	}
	if !strings.Contains(b, `patch day`) || !strings.Contains(b, `Servers \= out`) {
		t.Error("no rule with an escaped equals sign")
	}
}

func TestRecordsAreSound(t *testing.T) {
	w := Default()
	w.Format, w.Version, w.LogStart, w.Drops, w.Flows = CSV, "10.2", true, 0.1, 40_000
	log, _, _ := written(t, w)
	ends, starts := map[string]int{}, 0
	for _, f := range flowsOf(t, w, log) {
		session := strings.Join([]string{f.device, f.src, f.sport, f.dst, f.dport, f.proto, f.start.String(), strconv.FormatInt(f.session, 10)}, " ")
		switch {
		case f.recv == 0 != (f.pktsRecv == 0) || f.sent <= 0 || f.pktsSent <= 0 || f.count < 1:
			t.Fatalf("bytes and packets do not fit: %+v", f)
		case f.subtype == "end":
			ends[session]++
		case f.subtype == "start":
			starts++
			if f.elapsed != 0 || f.recv != 0 || f.action != "allow" {
				t.Fatalf("a start record of %+v", f)
			}
		case f.elapsed != 0 || f.recv != 0 || f.action != f.subtype || (f.subtype == "drop") != (f.app == "not-applicable"):
			t.Fatalf("a blocked record of %+v", f)
		}
	}
	if starts < len(ends)*9/10 {
		t.Errorf("%d start records for %d sessions", starts, len(ends))
	}
}

func TestNoUsersNoNames(t *testing.T) {
	w := small()
	w.Users = 0
	log, _, _ := written(t, w)
	if strings.Contains(log, "corp") {
		t.Error("a world without users names one")
	}
}

func TestUTCOffset(t *testing.T) {
	w := small()
	w.Format, w.Version, w.UTCOffset = CSV, "10.2", -5*time.Hour
	log, _, _ := written(t, w)
	for _, line := range lines(log)[:100] {
		f, _ := parseCSVLine(t, line)
		if f.highRes.Truncate(time.Second) != f.seen.Add(5*time.Hour) || !strings.Contains(line, "-05:00") {
			t.Fatalf("not five hours back: %s", line)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*World)
	}{
		{"Machines is 3; allowed: 4 to 1000000", func(w *World) { w.Machines = 3 }},
		{"Firewalls is 0; allowed: 1 to 250", func(w *World) { w.Firewalls = 0 }},
		{"Users is -1; allowed", func(w *World) { w.Users = -1 }},
		{"Flows is 0; allowed", func(w *World) { w.Flows = 0 }},
		{"Flows is 100; allowed: at least 7", func(w *World) { w.Flows = 100 }},
		{"Channels is -1; allowed", func(w *World) { w.Channels = -1 }},
		{"Days is 0; allowed", func(w *World) { w.Days = 0 }},
		{"Drops is 1; allowed: 0 to 0.9", func(w *World) { w.Drops = 1 }},
		{"Loss is -1; allowed", func(w *World) { w.Loss = -1 }},
		{"UTCOffset is 15h0m0s; allowed", func(w *World) { w.UTCOffset = 15 * time.Hour }},
		{"From is 0001", func(w *World) { w.From = time.Time{} }},
		{`Format is "leef"; allowed: cef, panos-csv, strata`, func(w *World) { w.Format = "leef" }},
		{`Version is "6.0"; allowed: 8.1`, func(w *World) { w.Version = "6.0" }},
		{`Prefix is ""; allowed: none`, func(w *World) { w.Prefix = "" }},
		{`Entropy is "max"; allowed: low, high`, func(w *World) { w.Entropy = "max" }},
		{`Profile is "bank"; allowed: office`, func(w *World) { w.Profile = "bank" }},
		{"burst is 0; allowed: 1 to 100", func(w *World) { w.Beacons[0].Burst = 0 }},
		{"period is 1ms; allowed", func(w *World) { w.Beacons[0].Period = time.Millisecond }},
		{"jitter is 0.5; allowed: 0 with law=fixed", func(w *World) { w.Beacons[0].Jitter = 0.5 }},
		{"dst is ::1; allowed: an IPv4", func(w *World) { w.Beacons[0].Dst = netip.IPv6Loopback() }},
		{"start and end is 2h0m0s and 1h0m0s", func(w *World) { w.Beacons[0].Start, w.Beacons[0].End = 2*time.Hour, time.Hour }},
	} {
		w := Default()
		c.change(&w)
		if _, err := w.Write(t.Context(), io.Discard, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// fullDisk fails after so many bytes.
type fullDisk struct{ left int }

var errFull = errors.New("no space left")

func (f *fullDisk) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return f.left, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

func TestWriteStops(t *testing.T) {
	before := runtime.NumGoroutine()
	w := Default()
	if _, err := w.Write(t.Context(), &fullDisk{5_000_000}, nil); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := small().Write(t.Context(), io.Discard, &fullDisk{10}); !errors.Is(err, errFull) {
		t.Errorf("a full disk for the truth: %v", err)
	}
	for _, after := range []int{0, 1, 5} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.Write(ctx, writerFunc(func(b []byte) (int, error) {
			if after--; after < 0 {
				cancel()
			}
			return len(b), nil
		}), nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		cancel()
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name    string
		format  Format
		version string
		entropy Entropy
	}{
		{"cef-9.1", CEF, "9.1", LowEntropy},
		{"cef-mixed-high", CEF, Mixed, HighEntropy},
		{"csv-9.1", CSV, "9.1", LowEntropy},
		{"csv-11.1", CSV, "11.1", LowEntropy},
		{"strata", Strata, "11.1", LowEntropy},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := Default()
			w.Format, w.Version, w.Entropy, w.Firewalls = c.format, c.version, c.entropy, 8
			b.ReportAllocs()
			var stats Stats
			for b.Loop() {
				var err error
				if stats, err = w.Write(b.Context(), io.Discard, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(stats.Bytes)
			b.ReportMetric(float64(stats.Records)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
