package enginetest

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/table"
)

// recorded is where the recorded cases lie, from a package two levels below the project or three.
var recorded = []string{"../../../shared/data/kql/cases.jsonl", "../../../../shared/data/kql/cases.jsonl"}

//go:embed testdata
var testdata embed.FS

// testCase is a query and what it must give.
type testCase struct {
	ID        string   `json:"id"`
	Authority string   `json:"authority"`
	Query     string   `json:"query"`
	Expected  expected `json:"expected"`
	Uses      struct {
		Operators []string `json:"operators"`
		Functions []string `json:"functions"`
	} `json:"uses"`
}

type expected struct {
	Columns []column          `json:"columns"`
	Rows    []json.RawMessage `json:"rows"`
	Text    [][]string        `json:"rows_text"`
	Ordered bool              `json:"ordered"`
	Error   bool              `json:"error"`
}

// column is a column of a result. Class stands where the type is not settled.
type column struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Class string `json:"class"`
}

// Cases runs all answers, and prints how many an engine gives. It fails where the engine does not give what the
// language's own engine gave, but for the cases that are known to differ.
func Cases(t *testing.T, e Engine) {
	t.Helper()
	t.Run("own", func(t *testing.T) { ownCases(t, e) })
	t.Run("recorded", func(t *testing.T) { recordedCases(t, e) })
}

func recordedCases(t *testing.T, e Engine) {
	t.Helper()
	cases, err := readRecorded()
	if err != nil {
		t.Fatal(err)
	}
	if cases == nil {
		t.Log("the recorded cases are not at hand")
		return
	}
	known, err := readKnown()
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(known, e.Known)
	s := newScore()
	for i := range cases {
		c := &cases[i]
		diff := check(e, c)
		s.count(c, diff == "")
		reason, listed := known[c.ID]
		delete(known, c.ID)
		switch {
		case c.Authority == "docs-as-printed": // printed for people, some of it stale: told of, not asked for
			if diff != "" && testing.Verbose() {
				t.Logf("%s: %s\n%s", c.ID, diff, c.Query)
			}
		case apart(c):
		case diff == "" && listed:
			t.Errorf("%s passes now: take it off the list of known differences (%s)", c.ID, reason)
		case diff != "" && !listed:
			t.Errorf("%s: %s\n%s", c.ID, diff, c.Query)
		}
	}
	for id := range known {
		t.Errorf("there is no case %s, which is listed as known", id)
	}
	t.Log(s.text(e.Name))
}

func readRecorded() ([]testCase, error) {
	for _, path := range recorded {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var cases []testCase
		for line := range bytes.Lines(text) {
			var c testCase
			if err := json.Unmarshal(line, &c); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			cases = append(cases, c)
		}
		return cases, nil
	}
	return nil, nil
}

// readKnown reads the list of the differences that no engine is rid of: ID, tab, reason.
func readKnown() (map[string]string, error) {
	text, err := testdata.ReadFile("testdata/known.tsv")
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, ok := strings.Cut(line, "\t")
		if !ok || reason == "" {
			return nil, fmt.Errorf("known.tsv: %q has no reason", line)
		}
		known[id] = reason
	}
	return known, nil
}

// apart reports whether a case is of what may be refused: geography, graphs and scan.
func apart(c *testCase) bool {
	for _, op := range c.Uses.Operators {
		if op == "Scan" || strings.Contains(op, "Graph") {
			return true
		}
	}
	return slices.ContainsFunc(c.Uses.Functions, func(f string) bool { return strings.HasPrefix(f, "geo_") })
}

// check runs a case and says what is wrong, or "".
func check(e Engine, c *testCase) string {
	got, err := e.Query(c.Query)
	switch {
	case errors.Is(err, errPanic):
		return err.Error()
	case c.Expected.Error && err == nil:
		return "there must be an error, not " + rowsText(rowsOf(got))
	case c.Expected.Error:
		return ""
	case err != nil:
		return err.Error()
	case c.Authority == "docs-as-printed":
		return diffPrinted(got, &c.Expected)
	}
	if diff := diffColumns(got, c.Expected.Columns); diff != "" {
		return diff
	}
	return diffRecorded(got, c)
}

func diffColumns(got *table.Table, want []column) string {
	cols := got.Columns()
	text := func() string {
		var a, b []string
		for _, c := range cols {
			a = append(a, c.Name+":"+c.Type.String())
		}
		for _, c := range want {
			b = append(b, c.Name+":"+c.Type+c.Class)
		}
		return fmt.Sprintf("columns are %s, not %s", strings.Join(a, " "), strings.Join(b, " "))
	}
	if len(cols) != len(want) {
		return text()
	}
	for i, c := range cols {
		// The names of some columns are made anew each time.
		if c.Name != want[i].Name && !strings.Contains(want[i].Name, "___obj_") {
			return text()
		}
		if want[i].Class == "" && c.Type.String() != want[i].Type {
			return text()
		}
	}
	return ""
}

func diffRecorded(got *table.Table, c *testCase) string {
	want := make([][]any, len(c.Expected.Rows))
	for i, text := range c.Expected.Rows {
		v, err := decode(text)
		if err != nil {
			return err.Error()
		}
		row, ok := v.([]any)
		if !ok || len(row) != len(got.Columns()) {
			return "a row of the case is no array, or has not a value for each column"
		}
		want[i] = row
	}
	rows := rowsOf(got)
	withoutZone(got.Columns(), rows)
	withoutZone(got.Columns(), want)
	if slices.ContainsFunc(c.Uses.Functions, func(f string) bool { return strings.Contains(f, "set") }) {
		for _, list := range [][][]any{rows, want} {
			for _, row := range list {
				for i := range row {
					row[i] = sortedArrays(row[i])
				}
			}
		}
	}
	return diffRows(rows, want, c.Expected.Ordered)
}

// score counts what passes.
type score struct {
	authority, operator map[string]*tally
}

type tally struct{ passed, all int }

func (t *tally) add(ok bool) {
	t.all++
	if ok {
		t.passed++
	}
}

func newScore() *score { return &score{map[string]*tally{}, map[string]*tally{}} }

func (s *score) count(c *testCase, ok bool) {
	add := func(m map[string]*tally, key string) {
		if m[key] == nil {
			m[key] = &tally{}
		}
		m[key].add(ok)
	}
	if apart(c) {
		add(s.authority, c.Authority+", geography, graphs and scan")
		return
	}
	add(s.authority, c.Authority)
	if c.Expected.Error {
		add(s.authority, c.Authority+", errors")
	}
	if c.Authority == "engine" {
		for _, op := range c.Uses.Operators {
			add(s.operator, op)
		}
	}
}

func (s *score) text(name string) string {
	var b strings.Builder
	for _, part := range []struct {
		head string
		m    map[string]*tally
	}{{"by authority", s.authority}, {"engine's cases by operator", s.operator}} {
		fmt.Fprintf(&b, "%s, %s:\n", name, part.head)
		for _, key := range slices.Sorted(maps.Keys(part.m)) {
			t := part.m[key]
			fmt.Fprintf(&b, "  %-45s %4d of %4d  %5.1f %%\n", key, t.passed, t.all, 100*float64(t.passed)/float64(t.all))
		}
	}
	return b.String()
}
