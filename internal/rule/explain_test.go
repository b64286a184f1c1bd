package rule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/catalog"
	"drumbeat/internal/rewrite"
	"drumbeat/kql/plan"
)

// explained runs explain over the traffic of a test.
func explained(t *testing.T, r *Rule, traffic string, c Channel) *Explanation {
	t.Helper()
	return explainedIn(t, schema(), r, traffic, c)
}

func explainedIn(t *testing.T, s plan.Schema, r *Rule, traffic string, c Channel) *Explanation {
	t.Helper()
	tests := ReadTests("x.test.yaml", []byte("tests:\n  - at: 2026-03-04\n    traffic:\n"+traffic+"\n    expect: {rows: 0}\n"))
	if len(tests.Diags) > 0 {
		t.Fatal(tests.Diags.Draw(tests.Text, "x"))
	}
	m := newMemory(s, tests.Tests[0].At)
	fillFor(t, tests, m, r)
	p, diags := r.Compile(m)
	if p == nil {
		t.Fatal(diags.Draw(r.text, "rule"))
	}
	e, err := p.Explain(t.Context(), tracer(m), tests.Tests[0].At, c)
	if err != nil {
		t.Fatal(err)
	}
	checkCounts(t, p, m, e)
	return e
}

// checkCounts compares the rows of each step with what a query of the steps so far gives by itself.
func checkCounts(t *testing.T, p *Program, m *memory, e *Explanation) {
	t.Helper()
	for i, target := range p.targets() {
		if i >= len(e.Tables) {
			break
		}
		x := &explainer{p: p, target: target}
		x.bind()
		plans := slices.DeleteFunc(x.plans, func(p *plan.Plan) bool { return p == nil })
		for j, s := range e.Tables[i].Steps {
			rows, err := native(m)(t.Context(), rewrite.Prune(windowed(plans[j], e.Window)), e.Window, e.At)
			if err != nil {
				t.Logf("%s: %q: %v", p.Rule.File, s.Text, err)
				continue
			}
			if int64(rows.Len()) != s.Rows {
				t.Errorf("%q has %d rows, and %d by itself", s.Text, s.Rows, rows.Len())
			}
		}
	}
}

func shipped(t *testing.T, name string) *Rule {
	t.Helper()
	text, _, ok := Shipped(name)
	if !ok {
		t.Fatal(name)
	}
	return mustRead(t, string(text))
}

// steps gives the steps that are wanted: rows, rows of the channel, and the beginning of the text.
func checkSteps(t *testing.T, p *Pipeline, want string) {
	t.Helper()
	var got []string
	for i, s := range p.Steps {
		mark := ""
		if i == p.Emptied {
			mark += " EMPTY"
		}
		if i == p.Lost {
			mark += " LOST"
		}
		text := s.Text
		if r := []rune(text); len(r) > 40 {
			text = string(r[:40])
		}
		got = append(got, fmt.Sprintf("%d %d%s %s", s.Rows, s.Channel, mark, text))
	}
	if want := strings.Split(strings.TrimSpace(want), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestExplainNear: a beacon of two minutes has thirty gaps in an hour, and more are asked.
func TestExplainNear(t *testing.T) {
	e := explained(t, shipped(t, "shipped:channel-delta"),
		"      - {beat: 120s, from: 2026-03-02, for: 24h}\n      - {beat: 60s, source: 10.0.0.9, from: 2026-03-02, for: 24h}",
		Channel{Source: "10.0.0.5", Destination: "203.0.113.7", Port: 443})
	if len(e.Tables) != 1 || e.Rows != 24 || !e.Triggered {
		t.Fatalf("%d tables, %d rows", len(e.Tables), e.Rows)
	}
	p := &e.Tables[0]
	checkSteps(t, p, `
2160 720 CommonSecurityLog
2160 720 | where DeviceVendor == "Palo Alto Netwo
2160 720 | where Activity == "TRAFFIC"
2160 720 | where TimeGenerated between (startofda
2160 720 | where ipv4_is_private(DestinationIP) =
2160 720 | project TimeGenerated, DeviceName, Sou
2160 720 | sort by SourceIP asc, DestinationIP as
2160 720 | serialize
2160 720 | extend nextTimeGenerated = next(TimeGe
2160 720 | extend TimeDeltainSeconds = datetime_d
2158 719 | where SourceIP == nextSourceIP
2158 719 | where DestinationIP == nextDestination
2158 719 | where DestinationPort == nextDestinati
2158 719 | where TimeDeltainSeconds > TimeDeltaTh
48 24 | summarize count(), sum(ReceivedBytes),
48 24 | summarize (MostFrequentTimeDeltaCount,
24 0 LOST | where TotalEvents > TotalEventsThresho
24 0 | where MostFrequentTimeDeltaCount > Mos
24 0 | extend BeaconPercent = MostFrequentTim
24 0 | where BeaconPercent > PercentBeaconThr
`)
	if p.Miss != nil || p.ChannelMiss == nil || p.ChannelMiss.Text != "TotalEvents is 30, more than 30 asked" {
		t.Fatalf("misses are %+v and %+v", p.Miss, p.ChannelMiss)
	}
	for _, f := range []Field{{"SourceIP", "10.0.0.5"}, {"TotalEvents", "30"}, {"MostFrequentTimeDeltainSeconds", "120"}} {
		if !slices.Contains(p.ChannelMiss.Row, f) {
			t.Errorf("the nearest row is %v", p.ChannelMiss.Row)
		}
	}
}

// TestExplainMisses looks into conditions of all kinds.
func TestExplainMisses(t *testing.T) {
	traffic := "      - {beat: 60s, from: 2026-03-03T23:30:00Z, for: 30m}\n      - {beat: 100s, from: 2026-03-03T23:30:00Z, for: 30m, device: fw2, port: 8443, sent: 1000}"
	for query, want := range map[string]string{
		"CommonSecurityLog | where DeviceVendor == 'Fortinet'":           `DeviceVendor is "Palo Alto Networks" in 48 rows; "Fortinet" asked`,
		"CommonSecurityLog | where DeviceName startswith 'x'":            `DeviceName is "fw1" in 30 rows, "fw2" in 18`,
		"CommonSecurityLog | where DeviceName in ('a', 'b')":             `DeviceName is "fw1" in 30 rows, "fw2" in 18`,
		"CommonSecurityLog | where SentBytes > 5000":                     "SentBytes is 1000, more than 5000 asked",
		"CommonSecurityLog | where SentBytes >= 1001 and SentBytes > 1":  "SentBytes is 1000, at least 1001 asked",
		"CommonSecurityLog | where SentBytes < 10":                       "SentBytes is 420, less than 10 asked",
		"CommonSecurityLog | where SentBytes <= 10":                      "SentBytes is 420, at most 10 asked",
		"CommonSecurityLog | where SentBytes == 900":                     "SentBytes is 1000, 900 asked",
		"CommonSecurityLog | where SentBytes * 1.5 > 2000.5":             "SentBytes * 1.5 is 1500, more than 2000.5 asked",
		"CommonSecurityLog | where TimeGenerated > now() + 1h":           "TimeGenerated is 2026-03-03T23:59:00Z, more than 2026-03-04T01:00:00Z asked",
		"CommonSecurityLog | where SourceUserID != ''":                   `SourceUserID is "" in 48 rows`,
		"CommonSecurityLog | where not(SentBytes > 1)":                   "SentBytes is 420 in 30 rows, 1000 in 18",
		"CommonSecurityLog | where false":                                "",
		"CommonSecurityLog | extend d = dynamic([1]) | where d has 'x'":  `d is "[1]" in 48 rows`,
		"CommonSecurityLog | take 0":                                     "",
		"CommonSecurityLog | where TimeGenerated > now() | where 1 == 1": "TimeGenerated is 2026-03-03T23:59:00Z, more than 2026-03-04T00:00:00Z asked",
	} {
		e := explained(t, ruleOf(t, query, ""), traffic, Channel{Port: -1})
		main := e.Tables[len(e.Tables)-1]
		if main.Emptied < 1 || main.Miss == nil || main.Miss.Text != want {
			t.Errorf("%s:\n%+v\nwant %s", query, main.Miss, want)
		}
	}
	e := explained(t, ruleOf(t, "CommonSecurityLog | count", ""), traffic, Channel{Port: -1})
	if p := e.Tables[0]; p.Emptied != -1 || p.Miss != nil {
		t.Errorf("something is missed: %+v", p)
	}
}

// TestExplainChannel follows a channel through columns with other names.
func TestExplainChannel(t *testing.T) {
	traffic := "      - {beat: 60s, from: 2026-03-03T23:30:00Z, for: 30m}\n      - {beat: 60s, from: 2026-03-03T23:30:00Z, for: 30m, source: 10.0.0.9}"
	e := explained(t, ruleOf(t, `let t = CommonSecurityLog
| project when = TimeGenerated, from = SourceIP, dst = DestinationIP, port = DestinationPort;
let f = (least: long) { t | summarize n = count(), arg_max(when, dst) by from | where n >= least };
f(40)
| union (CommonSecurityLog | project from = SourceIP, n = 1)
| project from
| distinct from
| where from != "10.0.0.5"
| count`, ""), traffic, Channel{Source: "10.0.0.5", Destination: "203.0.113.7", Port: -1})
	if len(e.Tables) != 2 || e.Tables[0].Name != "t" {
		t.Fatalf("tables are %+v", e.Tables)
	}
	checkSteps(t, &e.Tables[0], `
60 30 CommonSecurityLog
60 30 | project when = TimeGenerated, from = S
`)
	checkSteps(t, &e.Tables[1], `
60 30 t
2 1 | summarize n = count(), arg_max(when, d
0 0 EMPTY LOST | where n >= least
60 30 | union (CommonSecurityLog | project fro
60 30 | project from
2 1 | distinct from
1 0 | where from != "10.0.0.5"
1 -1 | count
`)
	if p := e.Tables[1]; p.ChannelMiss == nil || p.ChannelMiss.Text != "n is 30, at least 40 asked" {
		t.Errorf("the miss is %+v", p.ChannelMiss)
	}
	if !e.Tables[1].Steps[5].Part || e.Tables[1].Steps[0].Part {
		t.Error("what is left of the channel is not told")
	}
}

// TestExplainEmpty: where the source has nothing, that is what is said.
func TestExplainEmpty(t *testing.T) {
	e := explained(t, ruleOf(t, "let a = T | where a > 1;\na | where a > 2", ""), "      - {beat: 60s, from: 2026-03-01, for: 1h}", Channel{Port: -1})
	if p := e.Tables[0]; p.Emptied != 0 || p.Miss == nil || p.Miss.Text != "the source has no rows in the window" {
		t.Errorf("got %+v", p.Miss)
	}
	if p := e.Tables[1]; p.Emptied != 0 || p.Miss == nil || p.Miss.Text != "a has no rows: its own steps say why" {
		t.Errorf("got %+v", p.Miss)
	}
}

// TestExplainHunting: a query without a window sees all rows.
func TestExplainHunting(t *testing.T) {
	r := mustRead(t, "name: h\ntactics: []\nquery: CommonSecurityLog | where SentBytes > 1\n")
	e := explained(t, r, "      - {beat: 60s, from: 2026-03-01, for: 1h}", Channel{Port: -1})
	if e.Rows != 60 || e.Triggered || e.Window != (plan.Window{}) {
		t.Errorf("got %+v", e)
	}
}

// TestExplainJoins: of a join that left nothing both sides are told of.
func TestExplainJoins(t *testing.T) {
	const traffic = "      - {beat: 60s, for: 30m}\n      - {beat: 60s, for: 30m, source: 10.0.0.4}"
	workspace, err := catalog.New(catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"join kind=inner (T) on $left.SourceIP == $right.s":                                      "60 rows on the left, 0 on the right",
		"join (print SourceIP = '10.0.0.9', n = 1) on SourceIP":                                  `60 rows on the left, 1 on the right, and no key is common: the left has SourceIP = "10.0.0.4", the right has SourceIP = "10.0.0.9"`,
		"join kind=leftanti (CommonSecurityLog) on SourceIP":                                     "60 rows on the left, 60 on the right: each key of the one side is among those of the other",
		"join kind=leftsemi (print a = 80) on $left.SentBytes == $right.a":                       "60 rows on the left, 1 on the right, and no key is common: the left has SentBytes = 420, the right has a = 80",
		"lookup kind=inner (_GetWatchlist('owners') | project SourceIP = SearchKey) on SourceIP": `60 rows on the left, 0 on the right: no watchlist "owners" was given (--watchlist owners=FILE)`,
		"where SourceIP in ((_GetWatchlist('owners') | project SearchKey))":                      `SourceIP is "10.0.0.4" in 30 rows, "10.0.0.5" in 30; no watchlist "owners" was given (--watchlist owners=FILE)`,
	} {
		s := plan.Schema(schema())
		if strings.Contains(query, "_GetWatchlist") {
			s = workspace
		}
		e := explainedIn(t, s, ruleOf(t, "CommonSecurityLog | "+query, ""), traffic, Channel{Port: -1})
		if p := e.Tables[0]; p.Emptied != 1 || p.Miss == nil || p.Miss.Text != want {
			t.Errorf("%s: got %+v, want %q", query, p.Miss, want)
		}
	}
	e := explainedIn(t, workspace, ruleOf(t, "let owners = _GetWatchlist('owners');\nowners | count", ""), traffic, Channel{Port: -1})
	if p := e.Tables[0]; p.Miss == nil || p.Miss.Text != `the source has no rows: no watchlist "owners" was given (--watchlist owners=FILE)` {
		t.Errorf("got %+v", e.Tables[0])
	}
}

// TestExplainShared explains the public rules over a little traffic: no step may count otherwise than a query of its own.
func TestExplainShared(t *testing.T) {
	c, err := catalog.New(catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range sharedFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := Read(filepath.Base(path), text).Rules[0]
		tests := ReadTests("x", []byte("tests: [{at: 2026-03-04, traffic: [{background: 60s, for: 2h, from: -2h}], expect: {rows: 0}}]"))
		m := newMemory(c, tests.Tests[0].At)
		fillFor(t, tests, m, r)
		p, _ := r.Compile(m)
		if p == nil {
			continue
		}
		e, err := p.Explain(t.Context(), tracer(m), tests.Tests[0].At, Channel{Source: "10.0.0.5", Port: -1})
		if err != nil {
			t.Logf("%s: %v", r.File, err)
			continue
		}
		n++
		if n%3 == 0 { // the check costs a run for each step
			checkCounts(t, p, m, e)
		}
	}
	t.Logf("%d rules explained", n)
}
