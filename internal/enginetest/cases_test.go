package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// fixed is an engine that gives the same rows whatever it is asked.
func fixed(t *table.Table, err error) Engine {
	return Engine{Name: "fixed", Run: func(context.Context, *plan.Plan, stream.Source, stream.Options) (*table.Table, error) { return t, err }}
}

// TestCheck sees to it that a wrong answer is told from a right one.
func TestCheck(t *testing.T) {
	numbers := func(values ...int) *table.Table {
		tab := table.New(table.Column{Name: "x", Type: table.Long})
		for _, v := range values {
			tab.Append(v)
		}
		return tab
	}
	answer := func(ordered bool, rows ...string) *testCase {
		c := &testCase{Query: "print x = 1", Expected: expected{Columns: []column{{Name: "x", Type: "long"}}, Ordered: ordered}}
		for _, r := range rows {
			c.Expected.Rows = append(c.Expected.Rows, json.RawMessage(r))
		}
		return c
	}
	failing := answer(true)
	failing.Expected.Error = true
	unsettled := answer(true, "[1]")
	unsettled.Expected.Columns[0] = column{Name: "x", Class: "real"}
	panics := Engine{Run: func(context.Context, *plan.Plan, stream.Source, stream.Options) (*table.Table, error) { panic("oh") }}
	for name, c := range map[string]struct {
		e    Engine
		c    *testCase
		want string // part of what is said; "" where the answer is right
	}{
		"right":              {fixed(numbers(1, 2), nil), answer(true, "[1]", "[2]"), ""},
		"in another order":   {fixed(numbers(2, 1), nil), answer(false, "[1]", "[2]"), ""},
		"order counts":       {fixed(numbers(2, 1), nil), answer(true, "[1]", "[2]"), "row 1"},
		"twice the same":     {fixed(numbers(1, 1), nil), answer(false, "[1]", "[2]"), "no row [2]"},
		"a row too few":      {fixed(numbers(1), nil), answer(false, "[1]", "[2]"), "1 rows, not 2"},
		"an error":           {fixed(nil, errors.New("oh")), answer(true, "[1]"), "oh"},
		"an error is right":  {fixed(nil, errors.New("oh")), failing, ""},
		"an error is asked":  {fixed(numbers(1), nil), failing, "must be an error"},
		"a panic":            {panics, failing, "panic"},
		"another type":       {fixed(table.New(table.Column{Name: "x", Type: table.Int}), nil), answer(true), "columns are x:int"},
		"another name":       {fixed(table.New(table.Column{Name: "y", Type: table.Long}), nil), answer(true), "columns are y:long"},
		"a type not settled": {fixed(numbers(1), nil), unsettled, ""},
	} {
		diff := check(c.e, c.c)
		if (diff == "") != (c.want == "") || !strings.Contains(diff, c.want) {
			t.Errorf("%s: %q", name, diff)
		}
	}
}

func TestSame(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{n("1"), n("1.0"), true},
		{n("0.1"), n("0.10000000001"), true},
		{n("0.1"), n("0.1001"), false},
		{n("9223372036854775807"), n("9223372036854775806"), false},
		{n("1"), "1", false},
		{nil, n("0"), false},
		{"a", "a", true},
		{[]any{n("1"), nil}, []any{n("1.0"), nil}, true},
		{[]any{n("1")}, []any{n("1"), n("2")}, false},
		{map[string]any{"a": n("1")}, map[string]any{"a": n("1.0")}, true},
		{map[string]any{"a": nil}, map[string]any{"b": nil}, false},
		{true, false, false},
	} {
		if got := same(c.a, c.b); got != c.want {
			t.Errorf("%v and %v: %t", c.a, c.b, got)
		}
	}
}

func TestAlike(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"2026-03-02T10:00:00.5000000Z", "2026-03-02 10:00:00.5", true},
		{"0.8410516", "0.841", true},
		{"1.5", "1.6", false},
		{"True", "true", true},
		{`["a", "b"]`, `["a","b"]`, true},
		{"", "0", false},
	} {
		if got := alike(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %t", c.a, c.b, got)
		}
	}
}

func TestParseOwn(t *testing.T) {
	cases, err := parseOwn("f", "# a remark\n== one\nprint x = 1,\n  y = 2\n--\nx:long y:long\n[1,2]\n\n== two\nprint\n-- error\n")
	if err != nil || len(cases) != 2 {
		t.Fatal(cases, err)
	}
	if c := cases[0]; c.Query != "print x = 1,\n  y = 2\n" || len(c.Expected.Rows) != 1 || len(c.Expected.Columns) != 2 || !c.Expected.Ordered {
		t.Errorf("%+v", c)
	}
	if !cases[1].Expected.Error {
		t.Error("the second is no error")
	}
	for text, want := range map[string]string{
		"print 1\n":                               "begins with ==",
		"== a\nprint 1\n--\nx\n":                  "name:type",
		"== a\nprint 1\n--\nx:long\n[1\n":         "array of JSON",
		"== a\nprint 1\n-- error\nx:long\n":       "no rows",
		"== a\nprint 1\n--\n":                     "no columns",
		"== a\nprint 1\n-- unordered\n\n== b\n--": "no columns",
	} {
		if _, err := parseOwn("f", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
