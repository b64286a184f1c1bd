package rule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Engine gives a Querier over the rows of a source.
type Engine func(src stream.Source) Querier

// TestFile is a file of tests of one rule, NAME.test.yaml beside NAME.yaml.
type TestFile struct {
	Name string
	Text string
	// Rule is the file of the rule, relative to this one, where it is not the one beside it.
	Rule  string
	Tests []*Test
	Diags kql.Diagnostics
}

// Test is one test: data, the time of the run, and what must come of it.
type Test struct {
	Name string
	At   int64 // ticks
	span kql.Span
	node *node
	want expectation
}

// expectation is what a test asks for. Those that are nil ask nothing.
type expectation struct {
	alerts, rows *count
	match, none  []*node
	entities     []*node
	name         string
	severity     string
}

// count is a number, or a comparison with one, "> 0".
type count struct {
	op string
	n  int
}

func (c *count) holds(n int) bool {
	switch c.op {
	case ">":
		return n > c.n
	case ">=":
		return n >= c.n
	case "<":
		return n < c.n
	case "<=":
		return n <= c.n
	case "!=":
		return n != c.n
	}
	return n == c.n
}

func (c *count) String() string {
	if c.op == "" {
		return strconv.Itoa(c.n)
	}
	return c.op + " " + strconv.Itoa(c.n)
}

// ReadTests reads a file of tests. With an error among the remarks no test of it should be run.
func ReadTests(name string, content []byte) *TestFile {
	f := &TestFile{Name: name, Text: strings.TrimPrefix(string(content), "\ufeff")}
	docs, err := parseYAML(f.Text)
	if err != nil {
		if e, ok := err.(*yamlError); ok { //nolint:errorlint // it is made in this package and never wrapped
			f.report(e.code, e.span, "%s", e.message)
		}
		return f
	}
	if len(docs) != 1 || docs[0].kind != kindBag {
		f.report(CodeYAML, kql.Span{}, "a file of tests is one document with a list of tests")
		return f
	}
	root := docs[0]
	f.keys(root, []string{"rule", "tests"})
	f.Rule = text(root.get("rule"))
	tests := root.get("tests")
	if tests == nil || tests.kind != kindList || len(tests.items) == 0 {
		f.report(CodeMissing, root.span, "the file has no tests: a list of them stands under the key tests")
		return f
	}
	for i, n := range tests.items {
		f.test(n, i)
	}
	f.Diags.Sort()
	return f
}

func (f *TestFile) report(code kql.Code, at kql.Span, format string, args ...any) {
	f.Diags = append(f.Diags, kql.Diagnostic{Span: at, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (f *TestFile) hint(code kql.Code, at kql.Span, hint, format string, args ...any) {
	f.Diags = append(f.Diags, kql.Diagnostic{Span: at, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// keys reports keys that mean nothing here: a mistyped expectation would else hold always.
func (f *TestFile) keys(n *node, known []string) {
	for _, k := range n.keys {
		if slices.Contains(known, k.text) {
			continue
		}
		hint := ""
		if near := nearest(k.text, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		f.hint(CodeUnknownKey, k.span, hint, "the key %q is unknown", k.text)
	}
}

func (f *TestFile) test(n *node, i int) {
	if n.kind != kindBag {
		f.report(CodeValue, n.span, "a test is a name, data and what to expect")
		return
	}
	f.keys(n, []string{"name", "at", "tables", "watchlists", "traffic", "expect"})
	t := &Test{Name: text(n.get("name")), span: n.span, node: n}
	if t.Name == "" {
		t.Name = "test " + strconv.Itoa(i+1)
	}
	at := n.get("at")
	ticks, ok := instant(text(at), 0)
	switch {
	case at == nil:
		f.report(CodeMissing, n.span, "the test has no time: write at: 2026-03-03T00:00:00Z")
	case !ok || ticks <= 0:
		f.report(CodeValue, at.span, "at must be a time such as 2026-03-03T00:00:00Z, not %q", text(at))
	}
	t.At = ticks
	expect := n.get("expect")
	if expect == nil || expect.kind != kindBag || len(expect.keys) == 0 {
		f.report(CodeMissing, n.span, "the test expects nothing: write what under the key expect")
		return
	}
	f.expect(t, expect)
	f.Tests = append(f.Tests, t)
}

func (f *TestFile) expect(t *Test, n *node) {
	f.keys(n, []string{"alerts", "rows", "match", "none", "entities", "name", "severity"})
	t.want.alerts = f.count(n.get("alerts"))
	t.want.rows = f.count(n.get("rows"))
	t.want.match = f.bags(n.get("match"))
	t.want.none = f.bags(n.get("none"))
	t.want.entities = f.bags(n.get("entities"))
	for _, e := range t.want.entities {
		f.entity(e)
	}
	t.want.name = text(n.get("name"))
	t.want.severity = text(n.get("severity"))
	same := func(s string) bool { return strings.EqualFold(s, t.want.severity) }
	if t.want.severity != "" && !slices.ContainsFunc(severityNames[:], same) {
		f.report(CodeValue, n.get("severity").span, "severity must be Informational, Low, Medium or High, not %q", t.want.severity)
	}
}

// entity checks an entity that a test wants: one that there cannot be would never be found.
func (f *TestFile) entity(n *node) {
	var e *entityType
	for _, p := range n.pairs() {
		if !strings.EqualFold(p.key.text, "type") {
			continue
		}
		name := text(p.value)
		i := slices.IndexFunc(entityTypes, func(e entityType) bool { return strings.EqualFold(e.name, name) })
		if i < 0 {
			f.hint(CodeEntity, p.value.span, entityHint(name), "there is no entity type %q", name)
			return
		}
		e = &entityTypes[i]
	}
	if e == nil {
		return
	}
	known := e.identifiers()
	for _, p := range n.pairs() {
		if !strings.EqualFold(p.key.text, "type") && !slices.Contains(known, p.key.text) {
			f.hint(CodeEntity, p.key.span, identifierHint(p.key.text, known), "the entity type %s has no identifier %q", e.name, p.key.text)
		}
	}
}

func (f *TestFile) count(n *node) *count {
	if n == nil {
		return nil
	}
	value := text(n)
	c := &count{}
	for _, op := range []string{">=", "<=", "!=", ">", "<"} {
		if rest, ok := strings.CutPrefix(value, op); ok {
			c.op, value = op, strings.TrimSpace(rest)
			break
		}
	}
	number, err := strconv.Atoi(value)
	if err != nil || number < 0 {
		f.report(CodeValue, n.span, "want a number, or a comparison such as \"> 0\"")
		return nil
	}
	c.n = number
	return c
}

func (f *TestFile) bags(n *node) []*node {
	if n == nil || n.kind == kindNull {
		return nil
	}
	list := []*node{n}
	if n.kind == kindList {
		list = n.items
	}
	for _, item := range list {
		if item.kind != kindBag || len(item.keys) == 0 {
			f.report(CodeValue, item.span, "want columns with values, as in {SourceIP: 10.0.0.5}")
			return nil
		}
	}
	return list
}

// Check adds what is wrong with the rows and the traffic of the tests to the remarks: columns that tables do not have,
// values of other types, keys and lengths of time that mean nothing. It makes no records.
func (f *TestFile) Check(r *Rule, s plan.Schema) {
	for _, t := range f.Tests {
		if t.At <= 0 {
			continue // its time is wrong, and all that is relative to it
		}
		m := newMemory(s, t.At)
		t.fill(m, r, true)
		f.Diags = append(f.Diags, m.diags...)
	}
	f.Diags.Sort()
}

// Outcome is what came of a test.
type Outcome struct {
	Test *Test
	// Failures say what was expected and what came; there are none where the test holds.
	Failures []string
	// Notes say what makes a test worth little, whether it holds or not.
	Notes []string
	// Result is the run, or nil where there was none.
	Result *Result
}

// Run runs a test against a rule. An error is one of the machine; what is wrong with the test's data, of which
// [TestFile.Check] tells before, is a failure.
func (t *Test) Run(ctx context.Context, r *Rule, s plan.Schema, engine Engine) (*Outcome, error) {
	out := &Outcome{Test: t}
	m := newMemory(s, t.At)
	out.Notes = t.fill(m, r, false)
	if len(m.diags) > 0 {
		for _, d := range m.diags {
			out.Failures = append(out.Failures, d.Message)
		}
		return out, nil
	}
	program, diags := r.Compile(m)
	if program == nil {
		for _, d := range diags {
			if d.Severity == kql.Error {
				out.Failures = append(out.Failures, "the query: "+d.Message)
			}
		}
		return out, nil
	}
	res, err := program.Run(ctx, engine(m), t.At)
	if err != nil {
		var limit *stream.LimitError
		if ctx.Err() != nil || errors.As(err, &limit) {
			return nil, err
		}
		out.Failures = append(out.Failures, "the run: "+err.Error())
		return out, nil
	}
	out.Result = res
	out.Failures = t.judge(res)
	return out, nil
}

// watchlistTable begins the name of the table that holds a watchlist, as the catalogue of tables names it.
const watchlistTable = "watchlist "

// fill gives the tables their rows, and says what of it no run can see. What is wrong is in m after it. A dry run makes no
// records of traffic.
func (t *Test) fill(m *memory, r *Rule, dry bool) (notes []string) {
	for _, tables := range []struct{ key, prefix string }{{"tables", ""}, {"watchlists", watchlistTable}} {
		given := t.node.get(tables.key)
		if given != nil && given.kind != kindBag && given.kind != kindNull {
			m.fail(CodeValue, given.span, "", "%s are names with lists of rows", tables.key)
		}
		for _, p := range given.pairs() {
			memory := m.table(tables.prefix + p.key.text)
			if p.value.kind != kindList && p.value.kind != kindNull {
				m.fail(CodeValue, p.value.span, "", "%s: want a list of rows", p.key.text)
				continue
			}
			for _, row := range p.value.items {
				m.addRow(memory, row)
			}
		}
	}
	made := map[string]int{}
	list := t.node.get("traffic")
	if list != nil && list.kind != kindList && list.kind != kindNull {
		m.fail(CodeValue, list.span, "", "traffic must be a list of beats and backgrounds")
		list = nil
	}
	if list != nil {
		window := r.Window(t.At)
		if window == (plan.Window{}) {
			window = plan.Window{From: max(t.At-ticksOf(day), 0), To: t.At}
		}
		for i, item := range list.items {
			if g := readTraffic(m, item, window, t.Name+"\n"+strconv.Itoa(i)); g != nil {
				made[g.table] += g.fill(m, dry)
			}
		}
	}
	m.finish()
	return m.unseen(made, r.Window(t.At))
}

// unseen tells of tables that were filled, none of whose rows lie in the window of the run.
func (m *memory) unseen(made map[string]int, w plan.Window) []string {
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(m.tables)) {
		t := m.tables[name]
		at, ok := t.index[timeColumn]
		if w == (plan.Window{}) || !ok || len(t.rows) == 0 || strings.HasPrefix(name, watchlistTable) ||
			slices.ContainsFunc(t.rows, func(row stream.Row) bool { return w.Contains(row[at].Int()) }) {
			continue
		}
		what, n := "given", len(t.rows)
		if made[name] == n {
			what = "made"
		}
		were := "records were"
		if n == 1 {
			were = "record was"
		}
		notes = append(notes, fmt.Sprintf("%s: %d %s %s, 0 in the window %s", name, n, were, what, windowText(w)))
	}
	return notes
}

// windowText gives a window in UTC, to the minute where that is all: "2026-03-01 23:00 – 2026-03-02 00:00".
func windowText(w plan.Window) string {
	one := func(ticks int64) string {
		return strings.TrimSuffix(traffic.Time(ticks).Format(time.DateTime), ":00")
	}
	return one(w.From) + " – " + one(w.To)
}

// judge compares a run with what the test wants.
func (t *Test) judge(res *Result) []string {
	var failures []string
	fail := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	if c := t.want.alerts; c != nil && !c.holds(len(res.Alerts)) {
		fail("alerts: want %s, got %d", c, len(res.Alerts))
	}
	if c := t.want.rows; c != nil && !c.holds(res.Rows.Len()) {
		fail("rows: want %s, got %d", c, res.Rows.Len())
	}
	cells := newCells(res.Rows)
	for _, want := range t.want.match {
		if missing := cells.missing(want); missing != "" {
			fail("there is no column %s in the result", missing)
		} else if !cells.has(want, t.At) {
			fail("no row has %s%s", bagText(want), cells.closest(want, t.At))
		}
	}
	for _, want := range t.want.none {
		if missing := cells.missing(want); missing != "" {
			fail("there is no column %s in the result", missing)
		} else if cells.has(want, t.At) {
			fail("a row has %s, and none should", bagText(want))
		}
	}
	for _, want := range t.want.entities {
		if !hasEntity(res.Alerts, want) {
			fail("no alert has the entity %s; there are: %s", bagText(want), entitiesText(res.Alerts))
		}
	}
	if t.want.name != "" && !slices.ContainsFunc(res.Alerts, func(a Alert) bool { return a.Name == t.want.name }) {
		fail("no alert is named %q; there are: %s", t.want.name, alertsText(res.Alerts, func(a *Alert) string { return strconv.Quote(a.Name) }))
	}
	if t.want.severity != "" && !slices.ContainsFunc(res.Alerts, func(a Alert) bool { return strings.EqualFold(a.Severity.String(), t.want.severity) }) {
		fail("no alert has the severity %s; there are: %s", t.want.severity, alertsText(res.Alerts, func(a *Alert) string { return a.Severity.String() }))
	}
	return failures
}

// missing gives the first column of a bag that the result does not have, or "".
func (c *cells) missing(want *node) string {
	for _, k := range want.keys {
		if c.column(k.text) < 0 {
			return k.text
		}
	}
	return ""
}

func (c *cells) has(want *node, at int64) bool {
	for row := range c.t.Len() {
		if c.agreeing(row, want, at) == len(want.keys) {
			return true
		}
	}
	return false
}

// agreeing counts the columns of a bag that a row has as wanted.
func (c *cells) agreeing(row int, want *node, at int64) int {
	n := 0
	for i, k := range want.keys {
		col := c.column(k.text)
		if same(c.t.Columns()[col].Type, c.t.Value(row, col), want.items[i], at) {
			n++
		}
	}
	return n
}

// closest tells of the row that has most of what is wanted.
func (c *cells) closest(want *node, at int64) string {
	best, row := 0, -1
	for i := range c.t.Len() {
		if n := c.agreeing(i, want, at); n > best {
			best, row = n, i
		}
	}
	if row < 0 {
		return ""
	}
	parts := make([]string, len(want.keys))
	for i, k := range want.keys {
		parts[i] = k.text + ": " + c.text(row, k.text)
	}
	return "; the closest has {" + strings.Join(parts, ", ") + "}"
}

// same reports whether a value is as a test writes it.
func same(t table.Type, v any, want *node, at int64) bool {
	if v == nil || want.kind == kindNull {
		return v == nil && (want.kind == kindNull)
	}
	switch v := v.(type) {
	case float64:
		f, ok := number(want)
		return ok && math.Abs(v-f) <= 1e-9*max(math.Abs(v), math.Abs(f), 1e-9)
	case int64:
		switch t { //nolint:exhaustive // the others are numbers
		case table.Datetime:
			ticks, ok := instant(text(want), at)
			return ok && ticks == v
		case table.Timespan:
			d, ok := parseSpan(text(want))
			return ok && ticksOf(d) == v
		}
		f, ok := number(want)
		return ok && f == float64(v)
	case bool:
		return text(want) == strconv.FormatBool(v)
	}
	if !want.scalar() {
		return sameJSON(valueText(t, v), want)
	}
	return valueText(t, v) == want.text
}

func number(n *node) (float64, bool) {
	f, err := strconv.ParseFloat(text(n), 64)
	return f, err == nil && n.scalar()
}

// sameJSON compares a dynamic value with a list or a bag. Texts and numbers of one text are taken for the same.
func sameJSON(value string, want *node) bool {
	got, err := parseJSON(value)
	return err == nil && sameValue(got, want)
}

func sameValue(a, b *node) bool {
	if a == nil || b == nil || len(a.items) != len(b.items) || a.scalar() != b.scalar() {
		return false
	}
	if a.scalar() {
		return a.text == b.text
	}
	for i := range a.items {
		other := b.items[i]
		if a.kind == kindBag {
			other = b.get(a.keys[i].text)
		}
		if !sameValue(a.items[i], other) {
			return false
		}
	}
	return true
}

// hasEntity reports whether an alert has an entity of the type, where one is given, with these fields.
func hasEntity(alerts []Alert, want *node) bool {
	for i := range alerts {
		for j := range alerts[i].Entities {
			e := &alerts[i].Entities[j]
			matches := true
			for _, p := range want.pairs() {
				if strings.EqualFold(p.key.text, "type") {
					matches = matches && strings.EqualFold(e.Type, text(p.value))
					continue
				}
				f := Field{p.key.text, text(p.value)}
				matches = matches && slices.Contains(e.Fields, f)
			}
			if matches {
				return true
			}
		}
	}
	return false
}

func bagText(n *node) string {
	parts := make([]string, len(n.keys))
	for i, k := range n.keys {
		value := n.items[i].text
		if !n.items[i].scalar() {
			value = string(appendJSON(nil, n.items[i], 0))
		}
		parts[i] = k.text + ": " + value
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// maxShownEntities is how many entities, names or severities a failure lists.
const maxShownEntities = 5

func entitiesText(alerts []Alert) string {
	var parts []string
	for i := range alerts {
		for j := range alerts[i].Entities {
			if len(parts) == maxShownEntities {
				return strings.Join(parts, ", ") + ", …"
			}
			e := string(alerts[i].Entities[j].appendJSON(nil, 0))
			if !slices.Contains(parts, e) {
				parts = append(parts, e)
			}
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// alertsText lists what alerts have, each thing once.
func alertsText(alerts []Alert, of func(*Alert) string) string {
	var parts []string
	for i := range alerts {
		part := of(&alerts[i])
		switch {
		case slices.Contains(parts, part):
		case len(parts) == maxShownEntities:
			return strings.Join(parts, ", ") + ", …"
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "no alerts"
	}
	return strings.Join(parts, ", ")
}
