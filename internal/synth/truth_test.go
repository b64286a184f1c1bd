package synth

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// gathered are the flows of each channel, by the start of the session.
func gathered(flows []flow) map[string][]flow {
	by := map[string][]flow{}
	for _, f := range flows {
		key := strings.Join([]string{f.src, f.dst, f.dport, f.proto}, " ")
		by[key] = append(by[key], f)
	}
	for _, fs := range by {
		slices.SortStableFunc(fs, func(a, b flow) int { return a.start.Compare(b.start) })
	}
	return by
}

func (c TruthChannel) key() string {
	return fmt.Sprintf("%s %s %d %s", c.Source, c.Destination, c.Port, c.Protocol)
}

// TestTruthAgreesWithTheLog reads the beacons back from the lines and holds
// them against what the truth file claims.
func TestTruthAgreesWithTheLog(t *testing.T) {
	for _, start := range []bool{false, true} {
		w := small()
		w.Format, w.Version, w.LogStart = CSV, "10.2", start
		log, truth, stats := written(t, w)
		channels := gathered(flowsOf(t, w, log))
		beacons, pollers, beats := 0, 0, int64(0)
		for _, c := range truth {
			if c.Kind == "poller" {
				pollers++
				if int64(len(channels[c.key()])) < c.Records {
					t.Errorf("%d records of %+v", len(channels[c.key()]), c)
				}
				continue
			}
			beacons++
			beats += c.Beats
			checkBeacon(t, w, c, channels[c.key()])
		}
		if beacons != 12 || beacons != stats.Beacons || pollers != stats.Pollers || beats != stats.Beats || pollers < 10 {
			t.Errorf("%d beacons with %d beats and %d pollers; stats %+v", beacons, beats, pollers, stats)
		}
	}
}

func checkBeacon(t *testing.T, w World, c TruthChannel, flows []flow) {
	t.Helper()
	if int64(len(flows)) != c.Records || c.Records == 0 {
		t.Fatalf("%d records in the log, the truth says %d: %+v", len(flows), c.Records, c)
	}
	var beats []time.Time
	for _, f := range flows {
		if f.device != c.Firewall || f.user != c.User || (f.subtype == "drop") != c.Blocked {
			t.Fatalf("%+v is not of %+v", f, c)
		}
		if f.subtype == "end" && (f.sent < 40 || c.Law == Fixed && (f.sent != c.Sent || f.recv != c.Received)) {
			t.Fatalf("sizes of %+v are not of %+v", f, c)
		}
		if len(beats) == 0 || f.start.Sub(beats[len(beats)-1]) > 8*time.Second { // bursts and start records
			beats = append(beats, f.start)
		}
	}
	if int64(len(beats)) != c.Beats {
		t.Fatalf("%d beats in the log, the truth says %d: %+v", len(beats), c.Beats, c)
	}
	if !beats[0].Equal(c.First.Truncate(time.Second)) || !beats[len(beats)-1].Equal(c.Last.Truncate(time.Second)) {
		t.Errorf("from %v to %v, the truth says %+v", beats[0], beats[len(beats)-1], c)
	}
	checkGaps(t, c, beats)
	if c.Office {
		for _, b := range beats {
			if h := b.Add(w.UTCOffset).Hour(); h < 8 || h >= 18 {
				t.Errorf("a beat at %v of a beacon that keeps office hours", b)
			}
		}
	}
}

// checkGaps holds the gaps against the law, to a second, since that is what the
// log tells; a gap over missed beats is a sum of several.
func checkGaps(t *testing.T, c TruthChannel, beats []time.Time) {
	t.Helper()
	low, high := c.Period*(1-c.Jitter), c.Period*(1+c.Jitter)
	switch c.Law {
	case Below:
		high = c.Period
	case Gauss:
		low, high = c.Period*(1-3*c.Jitter), c.Period*(1+3*c.Jitter)
	case Fixed, Around:
	}
	missed, least, most := 0.0, math.Inf(1), 0.0
	for i := 1; i < len(beats); i++ {
		gap := beats[i].Sub(beats[i-1]).Seconds()
		steps := math.Max(1, math.Round(gap/((low+high)/2)))
		if c.Missed == 0 && steps != 1 {
			t.Fatalf("a gap of %g s in %+v", gap, c)
		}
		if gap < low*steps-1 || gap > high*steps+1 {
			t.Fatalf("a gap of %g s in %+v", gap, c)
		}
		missed += steps - 1
		if steps == 1 {
			least, most = math.Min(least, gap), math.Max(most, gap)
		}
	}
	n := float64(len(beats))
	if c.Missed > 0 && math.Abs(missed/(n+missed)-c.Missed) > 0.1 {
		t.Errorf("%g of %g beats were missed: %+v", missed, n+missed, c)
	}
	if n > 100 && most-least < (high-low)*0.8-2 && c.Law != Gauss {
		t.Errorf("gaps from %g to %g s do not fill the jitter of %+v", least, most, c)
	}
	if c.Law == Fixed && most != least {
		t.Errorf("gaps from %g to %g s of a fixed beacon: %+v", least, most, c)
	}
}

// TestSharpBeaconsAreSharpInTheLog runs the founding rule over the log: gaps to
// the next record of the same source to any public destination, over 25 s;
// more than 30 an hour, more than 25 of one length, and over 80 %.
func TestSharpBeaconsAreSharpInTheLog(t *testing.T) {
	for seed, format := range []Format{CEF, CSV, CSV} {
		w := Default()
		w.Seed, w.Flows, w.Machines, w.Format = uint64(seed), 40_000, 100, format
		log, truth, _ := written(t, w)
		bySource := map[string][]flow{}
		for _, f := range flowsOf(t, w, log) {
			if a := netip.MustParseAddr(f.dst); !a.IsPrivate() {
				bySource[f.src] = append(bySource[f.src], f)
			}
		}
		for _, c := range truth {
			if c.Kind != "beacon" || c.Host != Quiet {
				continue
			}
			if hours := foundingRule(c, bySource[c.Source]); hours != 24 {
				t.Errorf("seed %d: the founding rule sees %d of 24 hours of %+v", seed, hours, c)
			}
		}
	}
}

func foundingRule(c TruthChannel, flows []flow) (hours int) {
	type bin struct {
		hour time.Time
		gap  time.Duration
	}
	total, same := map[time.Time]int{}, map[bin]int{}
	for i := 1; i < len(flows); i++ {
		f := flows[i-1]
		if gap := flows[i].seen.Sub(f.seen); gap > 25*time.Second && f.dst == c.Destination {
			hour := f.seen.Truncate(time.Hour)
			total[hour]++
			same[bin{hour, gap}]++
		}
	}
	for b, n := range same {
		if total[b.hour] > 30 && n > 25 && n*10 > total[b.hour]*8 {
			hours++
		}
	}
	return hours
}

func TestLossIsInTheTruth(t *testing.T) {
	w := small()
	w.Format, w.Loss = CSV, 0.25
	log, truth, stats := written(t, w)
	if share := float64(stats.Lost) / float64(stats.Lost+stats.Records); math.Abs(share-0.25) > 0.02 {
		t.Errorf("%.3f of the records are lost", share)
	}
	channels := gathered(flowsOf(t, w, log))
	for _, c := range truth {
		if n := int64(len(channels[c.key()])); c.Kind == "beacon" && n != c.Records {
			t.Errorf("%d records, the truth says %+v", n, c)
		}
	}
	if truth[0].Beats > 1440*82/100 {
		t.Errorf("a quarter is lost, but of 1440 beats %d are there", truth[0].Beats)
	}
}

func TestOwnBeacons(t *testing.T) {
	w := small()
	w.Format, w.Days = CSV, 0.5
	for _, text := range []string{
		"period=45s,host=quiet,start=1h,end=2026-03-02T03:00:00Z,dst=203.0.113.77,port=53,proto=udp,app=tunnel-x,size=99/1000",
		"period=100s,jitter=0.2,law=gauss,dst=198.18.99.1,benign,name=badge reader",
	} {
		b, err := ParseBeacon(text, w.From)
		if err != nil {
			t.Fatal(err)
		}
		w.Beacons = append(slices.Clip(w.Beacons), b)
	}
	w.Beacons = w.Beacons[len(w.Beacons)-2:]
	log, truth, _ := written(t, w)
	c := truth[0]
	if c.Host != Quiet || c.Beats != 160 || c.First.Sub(w.From) != time.Hour || c.Destination != "203.0.113.77" || c.Protocol != "udp" {
		t.Errorf("planted %+v", c)
	}
	if n := strings.Count(log, ",203.0.113.77,"); n != 320 || !strings.Contains(log, ",tunnel-x,") { // translated, too
		t.Errorf("the log names the destination %d times", n)
	}
	if truth[1].Kind != "poller" || truth[1].Name != "badge reader" {
		t.Errorf("planted %+v", truth[1])
	}
}

func TestQuietHostsAreQuiet(t *testing.T) {
	w := Default()
	w.Format, w.Flows = CSV, 60_000
	log, truth, _ := written(t, w)
	count := map[string]int{}
	for _, f := range flowsOf(t, w, log) {
		count[f.src]++
	}
	for _, c := range truth {
		if c.Kind == "beacon" && c.Host == Quiet && int64(count[c.Source]) > c.Records+300 {
			t.Errorf("%s has %d records, its beacon %d", c.Source, count[c.Source], c.Records)
		}
	}
	sizes := make([]int, 0, len(count))
	all := 0
	for _, n := range count {
		sizes = append(sizes, n)
		all += n
	}
	slices.Sort(sizes)
	top := 0
	for _, n := range sizes[len(sizes)*9/10:] {
		top += n
	}
	if top*2 < all {
		t.Errorf("a tenth of the sources make %d of %d records: no heavy tail", top, all)
	}
}

func ExampleWorld_Write() {
	w := Default()
	w.Flows = 20_000
	stats, err := w.Write(context.Background(), io.Discard, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stats.Beacons, "beacons with", stats.Beats, "beats")
	// Output: 12 beacons with 7080 beats
}
