package accuracy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

const twoLine = "<14>Apr 20 00:00:10 fw-b CEF:0|V|P|1|end|TRAFFIC|1|rt=Apr 20 2026 00:00:11 GMT src=10.50.1.5 dst=203.0.113.9 " +
	"cs1Label=Rule cs1=out app=ssl spt=53475 dpt=443 proto=tcp act=allow in=3399 out=209 start=Apr 20 2026 00:00:10 GMT " +
	"cn3Label=Elapsed time in seconds cn3=2 externalId=77 reason=tcp-fin dvchost=fw-b cat=from-policy\n"

// twoFiles writes a world two of our own hand.
func twoFiles(t *testing.T, traffic string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"traffic.cef": traffic,
		"truth.json": `{"seed": 5, "scale": "small", "t0": 1776643200, "t1": 1776816000, "hosts": 3, "channels": [
			{"src": "10.50.1.5", "dst": "203.0.113.9", "dport": 443, "class": "malicious", "framework": "sliver", "law": "plus",
			 "period": 60, "jitter": 0.2, "special": "daily-shift", "group": "g001a", "records": 3, "median_gap": 61, "mean_gap": 0,
			 "daily_periods": [60, 72.5]},
			{"src": "10.50.1.6", "dst": "203.0.113.9", "dport": 123, "class": "benign_periodic", "kind": "ntp", "period": 64, "records": 1}]}`,
		"channels.json": `{"other_channels": 9, "other_ge4": 6}`,
		"tags.tsv":      "10.50.1.7\t203.0.113.10\t443\t4\tstream\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadTwo(t *testing.T) {
	later := strings.Replace(strings.Replace(twoLine, "start=Apr 20 2026 00:00:10", "start=Apr 20 2026 23:59:59", 1), "externalId=77", "externalId=78", 1)
	denied := strings.NewReplacer("src=10.50.1.5", "src=10.50.1.7", "dst=203.0.113.9", "dst=203.0.113.10", "act=allow", "act=deny", "fw-b", "fw-a").Replace(twoLine)
	dir := twoFiles(t, later+twoLine+twoLine+denied)
	w, err := ReadTwo(dir, TwoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Channels) != 2 || w.Others != 6 || w.Name != "world two, small, seed 5" {
		t.Fatalf("%d channels, %d others, %q", len(w.Channels), w.Others, w.Name)
	}
	c := w.Channels[0]
	if len(c.Sessions) != 2 || c.Source.String() != "10.50.1.5" || c.Port != 443 {
		t.Fatalf("channel %+v: a record that came twice counts once, and the earlier session comes first", c)
	}
	s := c.Sessions[0]
	if at := traffic.Time(w.ticks(s.Start)).Format("2006-01-02 15:04:05"); at != "2026-04-20 00:00:08" {
		t.Errorf("the session begins at %s, want the record's time less two seconds", at)
	}
	if s.Duration != 2000 || s.Sent != 3399 || s.Received != 209 || s.Protocol != 6 || s.Failed {
		t.Errorf("session %+v", s)
	}
	if tr := c.Truth; tr.Class != synth.Malicious || tr.Group != "g001a" || !slices.Equal(tr.Right, []float64{60, 61, 0, 60, 72.5}) {
		t.Errorf("truth %+v", tr)
	}
	if d := w.Channels[1]; !d.Sessions[0].Failed || d.Truth.Kind != "stream" || d.Sessions[0].Device == s.Device {
		t.Errorf("denied channel %+v", d)
	}
	kept, err := ReadTwo(dir, TwoOptions{KeepRepeated: true})
	if err != nil || len(kept.Channels[0].Sessions) != 3 {
		t.Errorf("with repeats: %d sessions, %v", len(kept.Channels[0].Sessions), err)
	}
}

func TestReadTwoSaysWhatIsWrong(t *testing.T) {
	for _, x := range []struct{ name, line, want string }{
		{"no port", strings.Replace(twoLine, " dpt=443", "", 1), "traffic.cef:2: there is no dpt"},
		{"port too big", strings.Replace(twoLine, "dpt=443", "dpt=99999999999", 1), `dpt= is "99999999999"`},
		{"bad day", strings.Replace(twoLine, "start=Apr 20", "start=Apx 20", 1), "start is"},
		{"bad clock", strings.Replace(twoLine, "start=Apr 20 2026 00:00:10", "start=Apr 20 2026 00:x0:10", 1), "start is"},
		{"cut short", twoLine[:strings.Index(twoLine, " start=")+9] + " cn3=1 externalId=1 dvchost=a", "start is"},
		{"another year", strings.Replace(twoLine, "start=Apr 20 2026", "start=Apr 20 2028", 1), "outside the world"},
	} {
		_, err := ReadTwo(twoFiles(t, twoLine+x.line), TwoOptions{KeepRepeated: true})
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
	}
	if _, err := ReadTwo(t.TempDir(), TwoOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

func FuzzTwoLine(f *testing.F) {
	f.Add(twoLine)
	f.Add(strings.ReplaceAll(twoLine, "=", "= "))
	f.Add(" start=")
	f.Fuzz(func(t *testing.T, text string) {
		truth := &twoTruth{T0: 1776643200}
		r := newTwoReader(truth, TwoOptions{})
		if err := r.read(strings.NewReader(text), "x"); err != nil {
			return
		}
		w := r.world(truth, nil)
		for _, c := range w.Channels {
			for _, s := range c.Sessions {
				if s.Start > 41*86400*1000 {
					t.Errorf("%q gives a session at %d", text, s.Start)
				}
			}
		}
	})
}

const twoTools = "../../../shared/tools/world-two"

// twister is the generator of Python's random.Random(1).random, in whose order score.py lets ties stand.
type twister struct {
	state [624]uint32
	at    int
}

func newTwister(seed uint32) *twister {
	m := &twister{at: 624}
	m.state[0] = 19650218
	for i := 1; i < 624; i++ {
		m.state[i] = 1812433253*(m.state[i-1]^m.state[i-1]>>30) + uint32(i)
	}
	i := 1
	for range 624 {
		m.state[i] = (m.state[i] ^ (m.state[i-1]^m.state[i-1]>>30)*1664525) + seed
		if i++; i == 624 {
			m.state[0], i = m.state[623], 1
		}
	}
	for range 623 {
		m.state[i] = (m.state[i] ^ (m.state[i-1]^m.state[i-1]>>30)*1566083941) - uint32(i)
		if i++; i == 624 {
			m.state[0], i = m.state[623], 1
		}
	}
	m.state[0] = 1 << 31
	return m
}

func (m *twister) next() uint32 {
	if m.at == 624 {
		for i := range 624 {
			y := m.state[i]&(1<<31) | m.state[(i+1)%624]&(1<<31-1)
			m.state[i] = m.state[(i+397)%624] ^ y>>1 ^ y&1*0x9908b0df
		}
		m.at = 0
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (m *twister) float() float64 {
	a, b := m.next()>>5, m.next()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// TestAgreesWithScorePy lets the scorer of world two judge the same lists in a small world, and its baselines score the
// same channels.
func TestAgreesWithScorePy(t *testing.T) {
	python, err := exec.LookPath("python3")
	if _, missing := os.Stat(twoTools); err != nil || missing != nil || testing.Short() {
		t.Log("world two, python3 or the time is not at hand: nothing to compare with")
		return
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	run(twoTools+"/world.py", dir, "--seed", "91", "--hosts", "60", "--days", "2", "--implants", "40")
	run(twoTools+"/baseline.py", dir, "--methods", "modal,cv,gamma,rita-ts,rita")
	w, err := ReadTwo(dir, TwoOptions{KeepRepeated: true})
	if err != nil {
		t.Fatal(err)
	}
	baselines := map[string]string{
		"modal share": "modal", "coefficient of variation": "cv", "gamma likelihood ratio": "gamma", "RITA, times only": "rita-ts", "RITA": "rita",
	}
	compared := 0
	for _, m := range Methods(nil) {
		list, err := m.Score(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		if name := baselines[m.Name()]; name != "" {
			compared++
			sameAsBaseline(t, w, list, filepath.Join(dir, "baseline-"+name+".jsonl"))
		}
		sameAsScorer(t, w, list, m.Name(), func(results string) []byte {
			return run(twoTools+"/score.py", dir, results, "--brief", "--method", m.Name())
		})
	}
	if compared != len(baselines) {
		t.Errorf("%d of %d baselines were compared", compared, len(baselines))
	}
}

type twoResult struct {
	Source      string  `json:"SourceIP"`
	Destination string  `json:"DestinationIP"`
	Port        int     `json:"DestinationPort"`
	Score       float64 `json:"Score"`
	Period      float64 `json:"PeriodSeconds"`
	Jitter      any     `json:"Jitter"`
}

// sameAsBaseline compares scores channel by channel.
func sameAsBaseline(t *testing.T, w *World, list []Scored, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	theirs := make(map[int]twoResult)
	index := w.index()
	for line := range strings.Lines(string(text)) {
		var r twoResult
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		theirs[index[channelName(r.Source, r.Destination, r.Port)]] = r
	}
	if len(theirs) != len(list) {
		t.Errorf("%s: they list %d channels, we %d", path, len(theirs), len(list))
	}
	for _, s := range list {
		if r := theirs[s.Channel]; math.Abs(r.Score-s.Score) > 1e-3 || math.Abs(r.Period-s.Period) > 0.01 {
			t.Fatalf("%s: channel %d: they say %v with period %v, we %v with %v", path, s.Channel, r.Score, r.Period, s.Score, s.Period)
		}
	}
}

// sameAsScorer compares our figures with those of score.py.
func sameAsScorer(t *testing.T, w *World, list []Scored, name string, score func(results string) []byte) {
	t.Helper()
	results := filepath.Join(t.TempDir(), "results.jsonl")
	var b strings.Builder
	for _, s := range list {
		c := &w.Channels[s.Channel]
		r := twoResult{Source: c.Source.String(), Destination: c.Destination.String(), Port: int(c.Port), Score: s.Score, Period: s.Period}
		if !math.IsNaN(s.Jitter) {
			r.Jitter = s.Jitter
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(results, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var theirs map[string]any
	if err := json.Unmarshal(bytes.ReplaceAll(score(results), []byte("-Infinity"), []byte("null")), &theirs); err != nil {
		t.Fatal(err)
	}
	f := newJudge(w, list, newTwister(1).float).figures()
	ours := map[string]float64{
		"implants": float64(f.Implants), "other_channels": float64(f.Others), "listed": float64(f.Listed),
		"recall_1e3": f.Recall3, "recall_1e4": f.Recall4, "recall_1e3_ties": f.Ties3, "recall_1e4_ties": f.Ties4,
		"chan_recall_1e3": f.Channels3, "mean_rank": f.MeanRank, "median_rank": f.MedianRank,
		"avg_precision_nobenign": f.AveragePrecision, "benign_periodic_above_1e3": f.Harmless3,
		"period_err_median": f.Errors.PeriodMedian, "period_within10": f.Errors.Within10, "period_within25": f.Errors.Within25,
		"period_harmonic": f.Errors.Harmonic, "jitter_abs_err_median": f.Errors.JitterMedian,
	}
	for i, k := range heads() {
		ours[fmt.Sprintf("p@%d", k)], ours[fmt.Sprintf("periodic@%d", k)] = f.Precision[i], f.Periodic[i]
		ours[fmt.Sprintf("p@%d_nobenign", k)] = f.Planted[i]
	}
	for key, got := range ours {
		want, given := theirs[key].(float64)
		if !given {
			want = 0 // the scorer leaves out what nothing was measured for
		}
		slack := 6e-4 // it rounds to three or four places
		if strings.Contains(key, "rank") {
			slack = 0.06
		}
		if math.Abs(got-want) > slack {
			t.Errorf("%s: %s is %v, score.py says %v", name, key, got, want)
		}
	}
}
