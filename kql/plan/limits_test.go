package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"drumbeat/kql"
)

// TestHostileTexts: texts made to be slow or deep are bound, or refused, in little time.
func TestHostileTexts(t *testing.T) {
	fill := func(s string, size int) string { return strings.Repeat(s, size/len(s)) }
	numbered := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	const size = kql.MaxSize - 100
	texts := map[string]string{
		"or chain":       "T | where b" + fill(" or b", size),
		"and chain":      "T | where i == 1" + fill(" and i == 1", size),
		"sum chain":      "print 1" + fill("+1", size),
		"short sum":      "print 1" + fill("+1", 15_000),
		"path":           "print a=dynamic(1) | extend a" + fill(".b", size),
		"path of 9000":   "T | extend d" + fill(".b", 18_000),
		"elements":       "T | extend d" + fill("[0]", size),
		"pipes":          "T" + fill("|take 1", size),
		"extends":        "T" + fill("|extend x=1", size),
		"new columns":    "T" + numbered(40_000, func(i int) string { return fmt.Sprintf("|extend x%d=1", i) }),
		"wide extend":    "T | extend a=1" + numbered(60_000, func(i int) string { return fmt.Sprintf(",x%d=i", i) }),
		"unnamed":        "T | extend 1" + fill(",1", size),
		"wide project":   "T | project i" + fill(",s", size),
		"unknown names":  "T | where a" + fill(" or a", size),
		"many unknown":   "T | where a" + numbered(90_000, func(i int) string { return fmt.Sprintf(" or a%d", i) }),
		"unknown tables": "union T" + numbered(90_000, func(i int) string { return fmt.Sprintf(",T%d", i) }),
		"wildcards":      "union T" + fill(",T*", size),
		"unions":         "union T" + fill(",T", size),
		"lets":           numbered(50_000, func(i int) string { return fmt.Sprintf("let a%d=1;", i) }) + "T",
		"let chain":      "let a0=1;" + numbered(30_000, func(i int) string { return fmt.Sprintf("let a%d=a%d+1;", i+1, i) }) + "print a30000",
		"doubling": "let a0=T;" + numbered(60, func(i int) string { return fmt.Sprintf("let a%d=union a%d,a%d;", i+1, i, i) }) +
			"a60",
		"doubling functions": "let a0=(){1};" + numbered(60, func(i int) string { return fmt.Sprintf("let a%d=(){a%d()+a%d()};", i+1, i, i) }) +
			"print a60()",
		"doubling lets": "let a0=(){T};" + numbered(60, func(i int) string {
			return fmt.Sprintf("let a%d=(){let x=a%d(); let y=a%d(); x};", i+1, i, i)
		}) + "a60()",
		"doubling names":  "let a0=1;" + numbered(60, func(i int) string { return fmt.Sprintf("let a%d=a%d+a%d;", i+1, i, i) }) + "print a60",
		"as":              "T" + numbered(50_000, func(i int) string { return fmt.Sprintf("|as x%d", i) }),
		"as materialized": "T" + numbered(20_000, func(i int) string { return fmt.Sprintf("|as hint.materialized=true x%d", i) }),
		"as unions":       "T" + numbered(60, func(i int) string { return fmt.Sprintf("|as x%d|union x%d", i, i) }),
		"invokes":         "let f=(X:(*)){union X,X}; T" + fill("|invoke f()", 2000),
		"searches of":     "T" + fill("|search 'a*b'", size),
		"not searches":    "T | search not('a'" + fill(") and not('b'", size) + ")",
		"names":           "T | project-by-names 'i'" + fill(",'i*'", size),
		"bigger numbers":  "print 1" + fill("*9", size),
		"regexes":         "T | where s matches regex '(a{1000}){1000}'" + fill(" or s matches regex '((a{100}){100}){100}'", size),
		"deep regex":      "T | where s matches regex '" + strings.Repeat("(", 400_000) + strings.Repeat(")", 400_000) + "'",
		"formats":         "T | extend format_datetime(t, '" + fill("y", size) + "')",
		"deep dynamic":    "print dynamic(" + strings.Repeat("[", 400) + strings.Repeat("]", 400) + ")",
		"joins":           "T" + fill("|join T on i", size),
		"datatable":       "datatable(a:long)[1" + fill(",1", size) + "]",
		"in list":         "T | where i in (1" + fill(",1", size) + ")",
		"case":            "T | extend case(b,1" + fill(",b,1", size) + ",2)",
		"stars":           "T | where * has 'a'" + fill(" or * has 'a'", size),
		"searches":        "T | search 'a'" + fill(" or 'a'", size),
		"pack all":        "T | extend pack_all()" + fill(",pack_all()", size),
		"arg_max":         "T | summarize arg_max(i,*)" + fill(",arg_max(i,*)", size),
		"subs":            strings.Repeat("T | where i in (", 400) + "T" + strings.Repeat(")", 400),
		"parses":          "T | parse s with a" + fill(" 'x' a", size),
		"results":         fill("T;", size),
		"parens":          "print " + strings.Repeat("(", 400) + "1" + strings.Repeat(")", 400),
		"calls":           "print " + strings.Repeat("tostring(", 400) + "1" + strings.Repeat(")", 400),
		"renames":         "T | project-rename a=i" + fill(",a=a", size),
		"away":            "T | project-away i" + fill(",i", size),
	}
	for name, src := range texts {
		t.Run(name, func(t *testing.T) {
			q, diags := kql.Parse(src)
			if diags.HasErrors() {
				t.Logf("not parsed: %s", diags[0].Message)
				return
			}
			begin := time.Now() //nolint:forbidigo // the test measures
			p, diags := Bind(q, ownSchema(), Options{})
			if (p == nil) != diags.HasErrors() || len(diags) > maxErrors+1 {
				t.Errorf("plan %v, %d remarks", p != nil, len(diags))
			}
			bound := time.Since(begin)
			if p != nil && name != "doubling names" {
				_ = p.String()
			}
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("took %v", d)
			} else if d > 700*time.Millisecond {
				t.Logf("took %v, bound in %v, plan %v", d, bound, p != nil)
			}
		})
	}
}

func BenchmarkBindRules(b *testing.B) {
	s, err := sharedSchema()
	all := sharedQueries(b)
	if err != nil || all == nil {
		b.Skip("the rules are not at hand")
	}
	var trees []*kql.Query
	for _, q := range all {
		if tree, diags := kql.Parse(q.query); strings.HasPrefix(q.id, "rule/") && !diags.HasErrors() {
			trees = append(trees, tree)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, tree := range trees {
			Bind(tree, s, Options{External: true})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(trees)), "µs/rule")
}
