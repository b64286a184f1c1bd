package rewrite_test

import (
	"fmt"
	"strings"
	"testing"

	"drumbeat/internal/eval"
	"drumbeat/internal/rewrite"
	"drumbeat/kql/plan"
)

// TestFold: the line of the plan that has the expression, folded.
func TestFold(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`ago(1h)`, "datetime(2024-03-12T11:00:00.0000000Z)"},
		{`startofday(ago(1d))`, "datetime(2024-03-11T00:00:00.0000000Z)"},
		{`now() - datetime(2024-03-12)`, "timespan(12:00:00)"},
		{`strcat("a", tostring(1 + 2))`, `"a3"`},
		{`toint("x")`, "int(null)"},
		{`7 / 2`, "3"},
		{`i + (2 * 3)`, "+(c2, 6)"},
		{`iff(1 > 2, "a", "b")`, `"b"`},
		{`i > 1 and 1 < 2`, ">(c2, 1)"},
		{`i > 1 and 1 > 2`, "false"},
		{`i > 1 or 1 < 2`, "true"},
		{`i > 1 or 1 > 2`, ">(c2, 1)"},
		{`i > 1 or bool(null)`, "or(>(c2, 1), bool(null))"},
		{`rand()`, "rand()"},
		{`parse_json('{"a":1}')`, `parse_json("{\"a\":1}")`},
		{`s has "x"`, `has(c3, "x")`},
		{`assert(1 > 2, "no")`, `assert(false, "no")`},
		{`toscalar(T | summarize max(i))`, "scalar(sub 1 c"},
	} {
		p := rewrite.Fold(bind(t, "T | extend x = "+c.src), &eval.Env{Now: now})
		if text := p.String(); !strings.Contains(text, "= "+c.want+"\n") && !strings.HasSuffix(c.want, " c") || !strings.Contains(text, "= "+c.want) {
			t.Errorf("%s: no %s in\n%s", c.src, c.want, text)
		}
	}
}

// TestFoldShared: expressions that double with each let are folded once each.
func TestFoldShared(t *testing.T) {
	var src strings.Builder
	src.WriteString("let a0 = rand();")
	for i := range 60 {
		fmt.Fprintf(&src, "let a%d = a%d + a%d;", i+1, i, i)
	}
	p := bind(t, src.String()+"T | where TimeGenerated > ago(1h) | extend x = a60 | extend y = x | project TimeGenerated, y")
	p = rewrite.Prune(rewrite.Fold(p, &eval.Env{Now: now}))
	if n := len(rewrite.Windows(p, now)); n != 1 {
		t.Errorf("%d windows", n)
	}
	if _, ok := rewrite.Delta(p, now); ok {
		t.Error("this is not the founding rule")
	}
}

// TestChainOfTables: tables within tables cost in proportion to their number: what each let doubles would not end.
func TestChainOfTables(t *testing.T) {
	cost := func(n int, first, next string) float64 {
		src := "let a0 = " + first + ";"
		for i := range n {
			src += fmt.Sprintf("let a%d = %s;", i+1, strings.ReplaceAll(next, "PREV", fmt.Sprintf("a%d", i)))
		}
		p := bind(t, src+fmt.Sprintf("T | where i > toscalar(a%d)", n))
		return testing.AllocsPerRun(1, func() {
			q := rewrite.Prune(rewrite.Fold(p, &eval.Env{Now: now}))
			rewrite.Windows(q, now)
			rewrite.Delta(q, now)
		})
	}
	for _, c := range [][2]string{
		{"toscalar(T | count)", "toscalar(T | where i > PREV | count)"},
		{"toscalar(print 1)", "toscalar(print x = PREV + 1)"},
		{"materialize(T | project i)", "materialize(T | where i > toscalar(PREV | count) | project i)"},
		{"(T | project i)", "materialize(T | where i in (PREV) | project i)"},
	} {
		if few, many := cost(6, c[0], c[1]), cost(12, c[0], c[1]); many > 4*few {
			t.Errorf("%s: %.0f allocations for 6, %.0f for 12", c[1], few, many)
		}
	}
}

// TestLongChain: a plan of many steps is rewritten.
func TestLongChain(t *testing.T) {
	p := bind(t, "T"+strings.Repeat("|where TimeGenerated > ago(1h)", 20_000))
	p = rewrite.Prune(rewrite.Fold(p, &eval.Env{Now: now}))
	if n := len(rewrite.Windows(p, now)); n != 1 {
		t.Errorf("%d windows", n)
	}
}

// TestPrune: the columns of the scans that are left.
func TestPrune(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`T`, "TimeGenerated i s u d"},
		{`T | project i`, "i"},
		{`T | count`, "TimeGenerated"},
		{`T | project x = 1`, "TimeGenerated"},
		{`T | project i, s | count`, "i"},
		{`union T, (T | project i, s) | count`, "TimeGenerated|i"},
		{`T | project i | join (T | project i, s) on i | count`, "i|i"},
		{`T | where s == 'a' | project i`, "i s"},
		{`T | extend x = u, y = d | project i, x`, "i u"},
		{`T | sort by u asc | extend n = next(i), m = next(s) | project n`, "i u"},
		{`T | summarize max(i) by s`, "i s"},
		{`T | summarize max(i) by s | project s`, "i s"},
		{`T | distinct s`, "s"},
		{`T | parse s with a:long 'x' b | project b`, "s"},
		{`T | parse s with a 'x' b | project i`, "i s"},
		{`T | mv-expand d | project i`, "i d"},
		{`T | mv-expand x = d to typeof(long) | project x`, "d"},
		{`T | mv-apply x = d to typeof(long) on (summarize m = sum(x)) | project i, m`, "TimeGenerated i s u d"},
		{`T | partition by s (top 1 by i | project u) | project u`, "TimeGenerated i s u d"},
		{`T | join kind=inner (T | project i, y = u, z = s) on i | project s, y`, "i s|i u"},
		{`T | join kind=leftsemi (T | extend z = s) on i | project u`, "i u|i"},
		{`union T, (T | project i, s) | where s != '' | project i`, "i s|i s"},
		{`union withsource=w T, T | project w`, "TimeGenerated|TimeGenerated"},
		{`T | where i in ((T | project i, s)) | project u`, "i u|i"},
		{`let m = materialize(T | project i, s); union (m | project i), (m | project s)`, "i s|i s"},
		{`T | evaluate bag_unpack(d)`, "TimeGenerated i s u d"},
		{`T | top 3 by u | project i`, "i u"},
		{`T | make-series count() on TimeGenerated step 1h by s`, "TimeGenerated s"},
		{`T | extend x = toscalar(T | summarize max(u))  | project i`, "i"},
	} {
		p := rewrite.Prune(bind(t, c.src))
		var got []string
		for _, s := range scansOf(p) {
			var names []string
			for _, col := range s.Columns {
				names = append(names, col.Name)
			}
			got = append(got, strings.Join(names, " "))
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%s\n got %s\nwant %s\n%s", c.src, text, c.want, p)
		}
	}
}

// TestPruneKeeps: a step keeps the columns that it makes itself, read or not, for whoever runs it fills them.
func TestPruneKeeps(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`T | mv-expand with_itemindex=k x = d to typeof(long) | project i`, "i x k"},
		{`T | parse s with a:long 'x' b | project i`, "i a b"},
		{`T | parse-kv s as (a:long, b:string) | project i`, "i a b"},
	} {
		p, ok := rewrite.Prune(bind(t, c.src)).Root.(*plan.Project)
		if !ok {
			t.Fatal(c.src)
		}
		var names []string
		for _, col := range plan.Columns(p.Input) {
			if col.Name != "d" && col.Name != "s" {
				names = append(names, col.Name)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// TestUnchanged: a plan with parameters keeps them, and its default is folded.
func TestUnchanged(t *testing.T) {
	p := bind(t, `declare query_parameters (n:long = 3, from:datetime = datetime(2024-03-01)); T | where i > n and TimeGenerated > from`)
	before := p.String()
	f := rewrite.Prune(rewrite.Fold(p, &eval.Env{Now: now}))
	if f.String() != before || p.String() != before {
		t.Errorf("the plan is now\n%s", f)
	}
	if w := rewrite.Windows(p, now); len(w) > 0 {
		t.Errorf("a parameter bounds: %v", w)
	}
	var none plan.Window
	if w := rewrite.Windows(bind(t, "print now()"), now); w[nil] != none {
		t.Error("a window of no scan")
	}
}
