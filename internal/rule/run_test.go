package rule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// ruleOf makes a rule over the table T of an hour each hour.
func ruleOf(t *testing.T, query, more string) *Rule {
	t.Helper()
	text := "id: 11111111-2222-3333-4444-555555555555\nname: Rule\ndescription: Text\nseverity: Low\nqueryFrequency: 1h\nqueryPeriod: 1h\n"
	if !strings.Contains(more, "triggerOperator") {
		text += "triggerOperator: gt\ntriggerThreshold: 0\n"
	}
	return mustRead(t, text+"kind: Scheduled\nquery: |-\n  "+strings.ReplaceAll(query, "\n", "\n  ")+"\n"+more)
}

// rowsOfT is a test with rows of T.
func rowsOfT(t *testing.T, rows string) *memory {
	t.Helper()
	f := ReadTests("x.test.yaml", []byte("tests:\n  - at: 2026-03-02T12:00:00Z\n    tables: {T: ["+rows+"]}\n    expect: {rows: 0}\n"))
	if len(f.Diags) > 0 {
		t.Fatal(f.Diags.Draw(f.Text, f.Name))
	}
	m := newMemory(schema(), f.Tests[0].At)
	fillFor(t, f, m, &Rule{})
	return m
}

func runOf(t *testing.T, r *Rule, m *memory) *Result {
	t.Helper()
	p, diags := r.Compile(m)
	if p == nil {
		t.Fatal(diags.Draw(r.text, "rule"))
	}
	res, err := p.Run(t.Context(), native(m), m.at)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestWindow runs over the window alone, both ends included, in every table of the query.
func TestWindow(t *testing.T) {
	m := rowsOfT(t, "{TimeGenerated: -1h, a: 1}, {TimeGenerated: 2026-03-02T12:00:00Z, a: 2}, {TimeGenerated: 2026-03-02T10:59:59.9999999Z, a: 4}, {TimeGenerated: 2026-03-02T12:00:00.0000001Z, a: 8}")
	for query, want := range map[string]string{
		"T | summarize x = sum(a)":                                                        "3",
		"T | where a in ((T | project a)) | summarize x = sum(a)":                         "3",
		"let s = toscalar(T | summarize sum(a)); print x = s":                             "3",
		"T | join kind=inner (T | project a, n = a) on a | summarize x = sum(n)":          "3",
		"union T, T | summarize x = sum(a)":                                               "6",
		"let m = materialize(T | where a > 0); union m, m | summarize x = sum(a)":         "6",
		"T | mv-apply z = range(1, 2) to typeof(long) on (take 1) | summarize x = sum(a)": "3",
		"print x = format_datetime(now(), 'yyyy-MM-dd HH:mm')":                            "2026-03-02 12:00",
		"T | where TimeGenerated > ago(30m) | summarize x = sum(a)":                       "2",
	} {
		res := runOf(t, ruleOf(t, query, ""), m)
		if got := newCells(res.Rows).text(0, "x"); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	// A hunting query sees all.
	hunt := mustRead(t, "name: h\ntactics: []\nquery: T | summarize x = sum(a)\n")
	if got := newCells(runOf(t, hunt, m).Rows).text(0, "x"); got != "15" {
		t.Errorf("a hunting query sees %s", got)
	}
}

func TestTrigger(t *testing.T) {
	for _, c := range []struct {
		op   string
		max  int
		rows int
		want bool
	}{
		{"gt", 0, 1, true},
		{"gt", 0, 0, false},
		{"GreaterThan", 2, 2, false},
		{"lt", 1, 0, true},
		{"LessThan", 1, 1, false},
		{"eq", 0, 0, true},
		{"Equal", 2, 1, false},
		{"ne", 0, 1, true},
		{"NotEqual", 1, 1, false},
	} {
		rows := make([]string, c.rows)
		for i := range rows {
			rows[i] = "{TimeGenerated: -30m, a: 1}"
		}
		r := ruleOf(t, "T", fmt.Sprintf("triggerOperator: %s\ntriggerThreshold: %d\n", c.op, c.max))
		res := runOf(t, r, rowsOfT(t, strings.Join(rows, ", ")))
		if res.Triggered != c.want || (len(res.Alerts) == 1) != c.want {
			t.Errorf("%+v: triggered %v with %d alerts", c, res.Triggered, len(res.Alerts))
		}
	}
}

const alertKeys = `entityMappings:
  - entityType: IP
    fieldMappings: [{identifier: Address, columnName: s}]
  - entityType: FileHash
    fieldMappings: [{identifier: Algorithm, columnName: alg}, {identifier: Value, columnName: a}]
  - entityType: Host
    fieldMappings: [{identifier: HostName, columnName: missing}]
customDetails: {Numbers: a, When: TimeGenerated, None: missing}
alertDetailsOverride:
  alertDisplayNameFormat: "{{s}} made {{a}}, {{missing}}."
  alertDescriptionFormat: "of {{r}} {{ b }} {{d}}"
  alertSeverityColumnName: sev
  alertTacticsColumnName: tac
`

func TestAlert(t *testing.T) {
	m := rowsOfT(t, "{TimeGenerated: -50m, a: 1, s: 10.0.0.1, r: 1.5, b: true, d: {k: [1, x]}}, {TimeGenerated: -10m, a: 2, s: 10.0.0.1}, {TimeGenerated: -30m, a: 2, s: ''}")
	r := ruleOf(t, "T | extend alg = 'MD5', sev = 'high', tac = 'Exfiltration, Impact'", alertKeys)
	res := runOf(t, r, m)
	if len(res.Alerts) != 1 {
		t.Fatalf("%d alerts", len(res.Alerts))
	}
	a := res.Alerts[0]
	if a.Name != "10.0.0.1 made 1, ." || a.Description != `of 1.5 true {"k":[1,"x"]}` || a.Severity != High || !slices.Equal(a.Tactics, []string{"Exfiltration", "Impact"}) {
		t.Errorf("the alert is %q, %q, %v, %v", a.Name, a.Description, a.Severity, a.Tactics)
	}
	if timeText(a.Start) != "2026-03-02T11:10:00Z" || timeText(a.End) != "2026-03-02T11:50:00Z" {
		t.Errorf("it goes from %s to %s", timeText(a.Start), timeText(a.End))
	}
	if got, want := string(appendEntities(nil, a.Entities)), `[{"$id":"1","Address":"10.0.0.1","Type":"ip"},`+
		`{"$id":"2","Algorithm":"MD5","Value":"1","Type":"filehash"},{"$id":"3","Algorithm":"MD5","Value":"2","Type":"filehash"}]`; got != want {
		t.Errorf("entities are %s\nwant %s", got, want)
	}
	if got := fmt.Sprint(a.Details); got != "[{Numbers [1 2]} {When [2026-03-02T11:10:00Z 2026-03-02T11:30:00Z 2026-03-02T11:50:00Z]} {None []}]" {
		t.Errorf("details are %s", got)
	}
	var row map[string]any
	if err := json.Unmarshal(a.AppendJSON(nil), &row); err != nil {
		t.Fatal(err)
	}
	var properties map[string]string
	if err := json.Unmarshal([]byte(row["ExtendedProperties"].(string)), &properties); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"Query Period": "01:00:00", "Trigger Operator": "GreaterThan", "Trigger Threshold": "0",
		"Search Query Results Overall Count": "3", "Query Start Time UTC": "2026-03-02 11:00:00Z", "Query End Time UTC": "2026-03-02 12:00:00Z",
		"Event Grouping": "SingleAlert", "Analytic Rule Name": "Rule", "Analytic Rule Ids": `["11111111-2222-3333-4444-555555555555"]`,
	} {
		if properties[key] != want {
			t.Errorf("%s is %q, want %q", key, properties[key], want)
		}
	}
	if row["Type"] != "SecurityAlert" || row["AlertSeverity"] != "High" || row["Entities"] != string(appendEntities(nil, a.Entities)) {
		t.Errorf("the row is %v", row)
	}
	if again := runOf(t, r, m).Alerts[0]; again.id() != a.id() {
		t.Error("the id of an alert changes from run to run")
	}
}

// TestAbsence: an alert for no rows has the times of its window.
func TestAbsence(t *testing.T) {
	r := ruleOf(t, "T", "triggerOperator: eq\ntriggerThreshold: 0\neventGroupingSettings: {aggregationKind: AlertPerResult}\n")
	res := runOf(t, r, rowsOfT(t, ""))
	if len(res.Alerts) != 1 || timeText(res.Alerts[0].Start) != "2026-03-02T11:00:00Z" || timeText(res.Alerts[0].End) != "2026-03-02T12:00:00Z" {
		t.Errorf("got %+v", res.Alerts)
	}
}

// TestPerResult: 150 alerts at most, the last of them of all rows that are left.
func TestPerResult(t *testing.T) {
	for n, want := range map[int][2]int{1: {1, 1}, 149: {149, 1}, 150: {150, 1}, 151: {150, 2}, 400: {150, 251}} {
		r := ruleOf(t, fmt.Sprintf("range x from 1 to %d step 1 | extend TimeGenerated = now()", n),
			"eventGroupingSettings: {aggregationKind: AlertPerResult}\nalertDetailsOverride: {alertDisplayNameFormat: \"row {{x}}\"}\n")
		res := runOf(t, r, rowsOfT(t, ""))
		if len(res.Alerts) != want[0] || len(res.Alerts[len(res.Alerts)-1].Rows) != want[1] {
			t.Fatalf("%d rows make %d alerts, the last of %d", n, len(res.Alerts), len(res.Alerts[len(res.Alerts)-1].Rows))
		}
		if name := res.Alerts[0].Name; name != "row 1" {
			t.Errorf("the first is %q", name)
		}
		ids := map[string]bool{}
		for i := range res.Alerts {
			ids[res.Alerts[i].id()] = true
		}
		if len(ids) != len(res.Alerts) {
			t.Errorf("%d alerts have %d ids", len(res.Alerts), len(ids))
		}
	}
}

// TestEntityLimit: 500 entities at most, an equal share for each mapping.
func TestEntityLimit(t *testing.T) {
	r := ruleOf(t, "range x from 1 to 400 step 1 | extend one = strcat('10.0.0.', x), same = 'h'", `entityMappings:
  - entityType: IP
    fieldMappings: [{identifier: Address, columnName: one}]
  - entityType: Host
    fieldMappings: [{identifier: HostName, columnName: same}]
`)
	a := runOf(t, r, rowsOfT(t, "")).Alerts[0]
	if len(a.Entities) != 251 || a.Dropped != 150 {
		t.Errorf("%d entities, %d dropped", len(a.Entities), a.Dropped)
	}
}

// TestSuppression leaves out the runs of three hours after an alert.
func TestSuppression(t *testing.T) {
	rows := make([]string, 0, 10)
	for i := range 10 {
		rows = append(rows, fmt.Sprintf("{TimeGenerated: 2026-03-02T%02d:30:00Z, a: 1}", i+1))
	}
	m := rowsOfT(t, strings.Join(rows, ", "))
	first, _ := instant("2026-03-02T01:00", 0)
	last, _ := instant("2026-03-02T12:00", 0)
	for suppress, want := range map[string][3]int{"false": {12, 0, 10}, "true": {5, 7, 4}} {
		r := ruleOf(t, "T", "suppressionEnabled: "+suppress+"\nsuppressionDuration: 3h\n")
		p, _ := r.Compile(m)
		b, err := p.Backtest(t.Context(), native(m), r.Between(first, last), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]int{b.Runs, b.Skipped, b.Alerts()}; got != want {
			t.Errorf("suppression %s: runs, left out, alerts are %v, want %v", suppress, got, want)
		}
	}
}

// TestLimited: a result that a limit has cut is judged as it is.
func TestLimited(t *testing.T) {
	r := ruleOf(t, "range x from 1 to 100 step 1", "")
	p, _ := r.Compile(schema())
	limited := func(ctx context.Context, p *plan.Plan, _ plan.Window, now int64) (*table.Table, error) {
		return stream.Run(ctx, p, nil, stream.Options{Now: now, Limits: stream.Limits{Rows: 10}})
	}
	res, err := p.Run(t.Context(), limited, 1)
	if err != nil || res.Limit == nil || res.Rows.Len() != 10 || !res.Triggered {
		t.Errorf("got %+v, %v", res, err)
	}
	fault := errors.New("fault")
	_, err = p.Run(t.Context(), func(context.Context, *plan.Plan, plan.Window, int64) (*table.Table, error) { return nil, fault }, 1)
	if !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

func TestCompare(t *testing.T) {
	m := rowsOfT(t, "{TimeGenerated: 2026-03-01T10:30:00Z, a: 1}, {TimeGenerated: 2026-03-01T10:40:00Z, a: 2}, {TimeGenerated: 2026-03-03T10:30:00Z, a: 3}, {TimeGenerated: 2026-03-03T11:30:00Z, a: 2}")
	first, _ := instant("2026-03-01", 0)
	last, _ := instant("2026-03-04", 0)
	run := func(query string) *Backtest {
		r := ruleOf(t, query, "")
		p, _ := r.Compile(m)
		b, err := p.Backtest(t.Context(), native(m), r.Between(first, last), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	old, other := run("T | where a <= 2 | project a"), run("T | where a >= 2 | project a")
	var got []string
	for _, d := range Compare(old, other) {
		got = append(got, fmt.Sprintf("%s %v %s", timeText(d.At), d.New, d.Row))
	}
	want := []string{`2026-03-01T11:00:00Z false {"a":1}`, `2026-03-03T11:00:00Z true {"a":3}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(Compare(old, old)) != 0 {
		t.Error("a rule differs from itself")
	}
	chart := Chart(old.Days, func(d Day) int { return d.Rows }, 10)
	if want := "2026-03-01  ██████████ 2\n2026-03-02 0\n2026-03-03  █████ 1\n2026-03-04 0\n"; chart != want {
		t.Errorf("the picture is\n%swant\n%s", chart, want)
	}
	tables := Tables("id", old.Results)
	if len(tables) != 1 || tables[0].Len() != 3 || string(tables[0].AppendJSON(nil, 2)) != `{"a":2,"_rule":"id","_runAt":"2026-03-03T12:00:00Z"}` {
		t.Errorf("the rows are %s", tables[0].AppendJSON(nil, 2))
	}
}
