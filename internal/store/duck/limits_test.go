//go:build cgo

package duck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"drumbeat/internal/eval"
	"drumbeat/internal/sqlgen"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// oneTable is a schema and a source of a single table.
type oneTable struct {
	name string
	cols []plan.Column
	rows []stream.Row
}

func (s *oneTable) Table(name string) (*plan.Table, bool) {
	return &plan.Table{Name: s.name, Columns: s.cols}, name == s.name
}
func (*oneTable) Function(string) (*plan.Function, bool) { return nil, false }
func (s *oneTable) Tables() []string                     { return []string{s.name} }

// Scan gives the rows, the asked columns of each.
func (s *oneTable) Scan(_ context.Context, scan *plan.Scan, _ plan.Window, emit func([]stream.Row) error) error {
	var list []stream.Row
	for _, r := range s.rows {
		var row stream.Row
		for _, c := range scan.Columns {
			for i := range s.cols {
				if s.cols[i].Name == c.Name {
					row = append(row, r[i])
				}
			}
		}
		list = append(list, row)
	}
	return emit(list)
}

func bindOne(t testing.TB, s plan.Schema, query string) *plan.Plan {
	t.Helper()
	q, diags := kql.Parse(query)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", query, diags)
	}
	p, diags := plan.Bind(q, s, plan.Options{})
	if p == nil {
		t.Fatalf("%s: %v", query, diags)
	}
	return p
}

func text(t testing.TB, tab *table.Table) string {
	t.Helper()
	var w strings.Builder
	if err := tab.WriteJSON(&w); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

func TestRowLimit(t *testing.T) {
	d := open(t, Options{})
	p := bindOne(t, &oneTable{}, "range x from 1 to 10 step 1 | where x > 2")
	for rows, want := range map[int]int{3: 3, 8: 8, 9: 8, 0: 8} {
		tab, err := d.Run(context.Background(), p, nil, stream.Options{Limits: stream.Limits{Rows: rows}})
		limit, cut := errors.AsType[*stream.LimitError](err)
		if cut != (rows == 3) || err != nil && !cut || cut && (limit.Limit != "rows" || limit.Max != 3) {
			t.Errorf("%d rows: %v", rows, err)
		}
		if tab.Len() != want {
			t.Errorf("a limit of %d rows gives %d", rows, tab.Len())
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	d := open(t, Options{Memory: 20 << 20, Threads: 1})
	p := bindOne(t, &oneTable{}, "range x from 1 to 9000000 step 1 | summarize count() by strcat(x, 'a long text that takes much room')")
	_, err := d.Run(context.Background(), p, nil, stream.Options{})
	if limit, ok := errors.AsType[*stream.LimitError](err); !ok || limit.Limit != "memory" || limit.Max != 20<<20 {
		t.Error(err)
	}
	// What a query had is free again.
	if _, err := d.Run(context.Background(), bindOne(t, &oneTable{}, "print 1"), nil, stream.Options{}); err != nil {
		t.Error(err)
	}
}

func TestFanoutLimit(t *testing.T) {
	d := open(t, Options{})
	p := bindOne(t, &oneTable{}, "range x from 1 to 1000000 step 1 | count")
	_, err := d.Run(context.Background(), p, nil, stream.Options{Limits: stream.Limits{Fanout: 1000}})
	if limit, ok := errors.AsType[*stream.LimitError](err); !ok || limit.Limit != "fan-out" {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	d := open(t, Options{Threads: 2})
	p := bindOne(t, &oneTable{}, `range x from 1 to 3000000 step 1 | extend k = x % 3
		| join kind=inner (range y from 1 to 3000000 step 1 | extend k = y % 3) on k | summarize sum(x * y)`)
	cause := &stream.LimitError{Limit: "time", Max: 1}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 200*time.Millisecond, cause)
	defer cancel()
	late := time.AfterFunc(20*time.Second, func() { panic("the query does not end") })
	_, err := d.Run(ctx, p, nil, stream.Options{})
	late.Stop()
	if !errors.Is(err, error(cause)) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if _, err := d.Run(ctx, bindOne(t, &oneTable{}, "print 1"), nil, stream.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := d.Run(context.Background(), bindOne(t, &oneTable{}, "print 1"), nil, stream.Options{}); err != nil {
		t.Error(err)
	}
}

// hostile are texts that would do harm if they stood in SQL unquoted, or quoted badly.
var hostile = []string{
	"'", "''", `"`, `\`, `\'`, "'; drop table t; --", "$1", "?", ":x", "{}", "%s", "/*", "*/", "--", "\n--\n", "a\x00b", "\x00",
	"c1", "t1", "select 1", "(select 42)", "now()", "🥁'", "\u2028", "\uFDD0s", "\uFDD0t5", "x' || (select current_setting('threads')) || '",
	strings.Repeat("'", 999), `E'\x27'`, "$$", "$tag$'$tag$",
}

func TestHostileTexts(t *testing.T) {
	d := open(t, Options{})
	for _, s := range hostile {
		lit := kqlQuote(s)
		cols := []plan.Column{{Name: s, Type: kql.TypeString}, {Name: "n", Type: kql.TypeLong}, {Name: "N", Type: kql.TypeLong}}
		src := &oneTable{name: s, cols: cols, rows: []stream.Row{
			{eval.String(s), eval.Long(1), eval.Long(10)}, {eval.String("other"), eval.Long(2), eval.Long(20)},
		}}
		name := "[" + lit + "]"
		for _, query := range []string{
			"print a = " + lit + ", b = strlen(" + lit + "), c = " + lit + " == " + lit + ", d = tolower(" + lit + ")",
			"print " + name + " = " + lit,
			"datatable(" + name + ": string) [" + lit + ", 'other'] | where " + name + " == " + lit + " | project x = " + name,
			name + " | where " + name + " contains " + lit + " or " + name + " has " + lit + " or " + name + " startswith " + lit,
			name + " | where " + name + " in (" + lit + ", 'z') or " + name + " in~ (" + lit + ") or " + name + " endswith_cs " + lit,
			name + " | where " + name + " has_any (" + lit + ") | extend " + name + " = strcat(" + name + ", " + lit + ")",
			name + " | summarize make_set(" + name + "), max(" + name + "), arg_max(n, *) by b = strcat(" + name + ", 'x')",
			name + " | sort by " + name + " asc | extend p = prev(" + name + ", 1, " + lit + "), q = next(" + name + ")",
			name + " | join kind=inner (" + name + ") on " + name + " | project-away N | distinct *",
			name + " | parse " + name + " with * " + lit + " rest | extend d = bag_pack(" + lit + ", " + name + ")",
			name + " | extend d = parse_json(" + name + ") | mv-expand e = pack_array(" + name + ", " + lit + ") | extend f = e",
			name + " | union withsource = src (" + name + " | where n == 1) | sort by src asc, n asc",
			name + " | project n, " + name + ", m = iff(" + name + " == " + lit + ", " + lit + ", 'no'), replace_string(" + name + ", " + lit + ", 'r')",
		} {
			q, diags := kql.Parse(query)
			if diags.HasErrors() {
				continue // some names cannot be
			}
			p, diags := plan.Bind(q, src, plan.Options{})
			if p == nil {
				t.Logf("%q: %v", query, diags)
				continue
			}
			got, err := d.Run(context.Background(), p, src, stream.Options{})
			want, wantErr := stream.Run(context.Background(), p, src, stream.Options{})
			if err != nil || wantErr != nil {
				if wantErr == nil || err == nil {
					t.Errorf("%q: %v, but %v in Go", query, err, wantErr)
				}
				continue
			}
			if rowsOf(t, got) != rowsOf(t, want) {
				t.Errorf("%q:\n%s\nbut in Go\n%s", query, text(t, got), text(t, want))
			}
		}
	}
}

// kqlQuote writes a text as the language does.
func kqlQuote(s string) string {
	var w strings.Builder
	w.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case r < ' ' || r == '\u2028':
			fmt.Fprintf(&w, `\u%04x`, r)
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
	return w.String()
}

// TestNoNamesInSQL makes sure that what users call things stands in no text but comments, where it is harmless.
func TestNoNamesInSQL(t *testing.T) {
	d := open(t, Options{})
	const secret = "Zebra7"
	src := &oneTable{name: secret + "T", cols: []plan.Column{{Name: secret + "C", Type: kql.TypeString}}}
	p := bindOne(t, src, secret+"T | where "+secret+"C == 'a' | summarize "+secret+"X = count() by "+secret+"C | sort by "+secret+"X")
	prog, err := d.Program(p, src, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range prog.Parts {
		q, ok := part.(*sqlgen.SQL)
		if !ok {
			continue
		}
		for line := range strings.Lines(q.Text) {
			if !strings.HasPrefix(line, "-- ") && strings.Contains(line, secret) {
				t.Errorf("a name in %s", line)
			}
		}
	}
	// A comment ends with its line, whatever the name.
	p = bindOne(t, src, "print ['a\\nb\\r; drop table x'] = 1, ['--\\u2028x'] = 2")
	if tab, err := d.Run(context.Background(), p, nil, stream.Options{}); err != nil || tab.Len() != 1 {
		t.Error(err)
	}
}

// TestLocked makes sure that SQL can do nothing outside of the database.
func TestLocked(t *testing.T) {
	allowed, other := t.TempDir(), filepath.Join(t.TempDir(), "other.csv")
	if err := os.WriteFile(other, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, Options{Temp: allowed})
	for _, q := range []string{
		"select * from read_csv(" + quote(other) + ")", "select * from " + quote(other), "attach " + quote(other+".db") + " as x",
		"install httpfs", "load httpfs", "set threads = 1", "set enable_external_access = true", "reset lock_configuration",
		"copy (select 1) to " + quote(other+"2"), "set memory_limit = '1TB'", "select * from read_text('/etc/hostname')",
	} {
		if _, err := d.db.ExecContext(context.Background(), q); err == nil {
			t.Errorf("%s is possible", q)
		}
	}
}

// TestSideBySide runs queries with tables, functions and steps of Go from several goroutines.
func TestSideBySide(t *testing.T) {
	d := open(t, Options{Threads: 2})
	var g sync.WaitGroup
	for n := range 6 {
		g.Go(func() {
			src := &oneTable{name: "T", cols: []plan.Column{{Name: "s", Type: kql.TypeString}}}
			for i := range 50 {
				src.rows = append(src.rows, stream.Row{eval.String(fmt.Sprintf("k=%d v=%d", n, i))})
			}
			p := bindOne(t, src, `T | parse s with "k=" k:long " v=" v:long | extend u = toupper(s), h = hash_sha256(s)
				| mv-apply x = range(1, 3, 1) on (summarize total = sum(tolong(x))) | summarize count(), sum(v), sum(total), dcount(h) by k`)
			want := fmt.Sprintf(`{"k":%d,"count_":50,"sum_v":1225,"sum_total":300,"dcount_h":50}`, n)
			for range 5 {
				tab, err := d.Run(context.Background(), p, src, stream.Options{})
				if err != nil {
					t.Error(err)
				} else if got := strings.TrimSpace(text(t, tab)); got != want && got != "["+want+"]" {
					t.Errorf("%s, not %s", got, want)
				}
			}
		})
	}
	g.Wait()
}

// TestWideValues: values that DuckDB has no room for, 2,048 of them side by side, are made in Go. It would end the program.
func TestWideValues(t *testing.T) {
	d := open(t, Options{Memory: 64 << 20, Threads: 2, Temp: t.TempDir()})
	for _, query := range []string{
		`range x from 1 to 40 step 1 | extend s = range(1, 50000) | mv-expand s | summarize count(), sum(tolong(s))`,
		`range x from 1 to 40 step 1 | extend s = range(x, 50000) | extend b = bag_pack("a", s, "b", s) | order by x asc | extend p = prev(b) | where isnotnull(p) | summarize count(), sum(array_length(p.a))`,
		`range x from 1 to 40 step 1 | extend s = strcat("a=", strrep("y", 100000 + x)) | parse s with "a=" rest | summarize count(), max(strlen(rest))`,
	} {
		p := bindOne(t, &oneTable{}, query)
		got, err := d.Run(t.Context(), p, nil, stream.Options{})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		want, err := stream.Run(t.Context(), p, nil, stream.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if rowsOf(t, got) != rowsOf(t, want) {
			t.Errorf("%s:\n%s\nbut in Go\n%s", query, text(t, got), text(t, want))
		}
	}
	w := widest(64 << 20)
	if w.check(int(w)) != nil || !errors.Is(w.check(int(w)+1), errTooWide) || !errors.Is(w.checkList(make([]string, w)), errTooWide) {
		t.Error("the width is not bounded")
	}
}
