//go:build cgo

package duck

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// edges are awkward values of each type, as the language writes them.
var edges = map[string][]string{
	"bool": {"bool(null)", "true", "false"},
	"int":  {"int(null)", "int(0)", "int(1)", "int(-1)", "int(7)", "int(2147483647)", "int(-2147483648)"},
	"long": {
		"long(null)", "0", "1", "-1", "-7", "10", "4294967296", "9007199254740993", "9223372036854775807", "long(-9223372036854775808)",
	},
	"real": {"real(null)", "0.0", "1.5", "-2.5", "1e300", "real(nan)", "real(+inf)", "real(-inf)", "9007199254740992.0"},
	"datetime": {
		"datetime(null)", "datetime(0001-01-01)", "datetime(0001-01-07 23:59:59.9999999)", "datetime(1969-12-31 23:59:59.9999999)",
		"datetime(2026-03-02 10:15:30.1234567)", "datetime(2024-02-29)", "datetime(9999-12-31 23:59:59.9999999)",
	},
	"timespan": {"timespan(null)", "0s", "1tick", "-1tick", "90m", "1d", "-36h", "10000000d"},
	"string": {
		`""`, `"a"`, `"A"`, `"foo bar"`, `"Foo-Bar.baz"`, `"bar"`, `"foo_bar"`, `"naïve"`, `"NAÏVE"`, `"ſK"`, `"10.0.0.1"`, `"172.31.9.9"`, `"010.1.1.1"`,
		`"10.1.2.3/8"`, `"::1"`, `"8.8.8.8"`, `"256.1.1.1"`, `"12"`, `"-0x1F"`, `" 5 "`, `"1e3"`, `"true"`, `"2024-02-29"`, `"%_"`, `"'"`, `"½ ²x"`,
	},
	"guid":    {"guid(null)", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"},
	"decimal": {"decimal(null)", "decimal(1.50)", "decimal(-2)"},
	"dynamic": {
		"dynamic(null)", "dynamic([])", `dynamic([1,"a",null,2.5])`, `dynamic({"a":1,"b":{"c":"x"}})`, "dynamic(5)", `dynamic("foo bar")`,
	},
}

var edgeTypes = []string{"bool", "int", "long", "real", "datetime", "timespan", "string", "guid", "decimal", "dynamic"}

// TestForms runs every operator and function of one argument, and those of two that have a form in SQL, over awkward
// values of the types that they take, in columns and as constants, as a value and as a condition, and compares what
// DuckDB gives with the native engine. With DRUMBEAT_FORMS=all it tries all functions, types and constants, which takes
// minutes.
func TestForms(t *testing.T) {
	f := &formTest{T: t, d: open(t, Options{Threads: 2}), all: os.Getenv("DRUMBEAT_FORMS") == "all"}
	fns := plan.Functions()
	for i := range fns {
		info := &fns[i]
		if info.Is(plan.FlagAggregate) || info.Is(plan.FlagWindow) || info.Is(plan.FlagUnsupported) || info.Is(plan.FlagRandom) {
			continue
		}
		for _, a := range edgeTypes {
			if !info.Is(plan.FlagOperator) {
				f.try(info.Name+"(a)", column("a", a))
			}
			for _, b := range edgeTypes {
				if f.all || f.d.dialect.Has(info.ID) && (a == b || !testing.Short()) {
					f.two(info, a, b)
				}
			}
		}
	}
	for _, x := range []string{
		"a between (b .. c)", "a !between (b .. c)", "iff(a == b, b, c)", "case(a < b, a, b > c, b, c)", "max_of(a, b, c)", "min_of(a, b, c)",
		"coalesce(a, b, c)", "strcat(a, b, c)", "not(a == b) or b != c and not(a in (b, c))", "a in (b, c)", "isnull(a) or isempty(b) and isnotempty(c)",
		"(a == b) == (b == c)", "datetime_diff('hour', a, b)", "datetime_diff('day', a, c)", "substring(a, 1, 2)", "array_length(pack_array(a, b, c))",
	} {
		for _, typ := range edgeTypes {
			f.try(x, triples(typ))
		}
	}
	t.Logf("%d queries compared", f.tried)
}

// formTest compares expressions.
type formTest struct {
	*testing.T
	d     *DB
	all   bool
	tried int
}

// two tries a function of two arguments of two types.
func (f *formTest) two(info *plan.FnInfo, a, b string) {
	call := info.Name + "(a, %s)"
	isList := info.Is(plan.FlagOperator) && strings.Contains(info.Name, "in") || strings.HasPrefix(info.Name, "has_a")
	switch {
	case isList:
		call = "a " + info.Name + " (%s)"
	case info.Is(plan.FlagOperator):
		call = "a " + info.Name + " %s"
	}
	f.try(fmt.Sprintf(call, "b"), pairs(a, b))
	for n, lit := range edges[b] { // constants have forms of their own
		if !f.all && a != b && n > 1 {
			break
		}
		f.try(fmt.Sprintf(call, lit), column("a", a))
		if info.Is(plan.FlagOperator) && !isList && n < 2 {
			f.try(lit+" "+info.Name+" a", column("a", a))
		}
	}
	if isList {
		f.try(fmt.Sprintf(call, strings.Join(edges[b], ", ")), column("a", a))
	}
}

func column(name, typ string) string {
	return "datatable(" + name + ": " + typ + ") [" + strings.Join(edges[typ], ", ") + "]"
}

func pairs(a, b string) string {
	var cells []string
	for _, x := range edges[a] {
		for _, y := range edges[b] {
			cells = append(cells, x, y)
		}
	}
	return fmt.Sprintf("datatable(a: %s, b: %s) [%s]", a, b, strings.Join(cells, ", "))
}

func triples(typ string) string {
	var cells []string
	values := edges[typ]
	for i := range values {
		for j := range values {
			cells = append(cells, values[i], values[j], values[(i+j)%len(values)])
		}
	}
	return fmt.Sprintf("datatable(a: %[1]s, b: %[1]s, c: %[1]s) [%[2]s]", typ, strings.Join(cells, ", "))
}

// try compares an expression as a value, and as a condition if it is one.
func (f *formTest) try(x, data string) {
	f.Helper()
	for _, query := range []string{data + " | extend x = " + x, data + " | where " + x} {
		q, diags := kql.Parse(query)
		if diags.HasErrors() {
			return
		}
		p, _ := plan.Bind(q, &oneTable{}, plan.Options{})
		if p == nil {
			return
		}
		f.tried++
		want, wantErr := stream.Run(context.Background(), p, nil, stream.Options{Now: formsNow})
		got, err := f.d.Run(context.Background(), p, nil, stream.Options{Now: formsNow})
		switch {
		case (err == nil) != (wantErr == nil):
			f.Errorf("%s: %v, but %v in Go", query, err, wantErr)
		case err == nil && text(f, got) != text(f, want):
			f.Errorf("%s over %.60s: %s", x, data, firstDifference(text(f, got), text(f, want)))
		}
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("%.200s, but %.200s in Go", a[i], strings.Join(b[min(i, len(b)):min(i+1, len(b))], ""))
		}
	}
	return "fewer rows than in Go"
}

// formsNow is 2026-03-03 10:00, in ticks.
const formsNow = 639_081_288_000_000_000
