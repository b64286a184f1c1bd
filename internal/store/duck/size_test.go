//go:build cgo

package duck

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"drumbeat/internal/stream"
)

// TestLarge runs queries that are long, wide and deep. What is more than DuckDB's own parser can take must go to Go.
func TestLarge(t *testing.T) {
	d := open(t, Options{Threads: 2})
	repeat := func(n int, f func(i int) string) string {
		var w strings.Builder
		for i := range n {
			w.WriteString(f(i))
		}
		return w.String()
	}
	for name, query := range map[string]string{
		"extends": "print a0 = 1" + repeat(600, func(i int) string { return fmt.Sprintf(" | extend a%d = a%d + 1", i+1, i) }) + " | project a600",
		"wheres":  "range x from 1 to 5 step 1" + repeat(1000, func(i int) string { return fmt.Sprintf(" | where x != %d", i+3) }),
		"sum":     "print x = 1" + strings.Repeat(" + 1", 1500),
		"parens":  "print x = " + strings.Repeat("(1 + ", 400) + "1" + strings.Repeat(")", 400),
		"nots":    "range y from 1 to 3 step 1 | where " + strings.Repeat("not(", 400) + "y == 1" + strings.Repeat(")", 400),
		"ands":    "range y from 1 to 3 step 1 | where true" + repeat(3000, func(i int) string { return fmt.Sprintf(" and y != %d", i+2) }),
		"in":      "range y from 1 to 3 step 1 | where y in (-1" + repeat(9000, func(i int) string { return fmt.Sprintf(", %d", i+2) }) + ")",
		"unions":  "union (print x = 0)" + repeat(300, func(i int) string { return fmt.Sprintf(", (print x = %d)", i+1) }) + " | summarize sum(x)",
		"columns": "print " + strings.TrimSuffix(repeat(900, func(i int) string { return fmt.Sprintf("c%d = %d, ", i, i) }), ", ") + " | summarize arg_max(c1, *)",
		"joins":   "print k = 1, v = 1" + strings.Repeat(" | join kind=inner (print k = 1) on k | project k, v", 60),
		"doubling": "let a = 1; " + repeat(40, func(i int) string {
			return fmt.Sprintf("let a%d = toscalar(print %s); ", i, []string{"a + a", fmt.Sprintf("a%d + a%d", i-1, i-1)}[min(i, 1)])
		}) + "print a39",
		"values":    "datatable(a: long, b: string) [0, 'x'" + repeat(20_000, func(i int) string { return fmt.Sprintf(", %d, 'y'", i) }) + "] | summarize count(), sum(a), dcount(b)",
		"summaries": "range x from 1 to 5 step 1" + strings.Repeat(" | summarize x = sum(x) by y = x", 40) + " | summarize count(), sum(x)",
		"tables":    "union (print x = 0)" + repeat(999, func(i int) string { return fmt.Sprintf(", (print x = %d)", i+1) }) + " | summarize sum(x)",
		"strcat":    "print x = 'a' | extend y = strcat(x" + strings.Repeat(", x", 1500) + ") | project strlen(y)",
		"case":      "range y from 1 to 3 step 1 | extend z = case(" + repeat(500, func(i int) string { return fmt.Sprintf("y == %d, %d, ", i, i*i) }) + "0)",
	} {
		t.Run(name, func(t *testing.T) {
			p := bindOne(t, &oneTable{}, query)
			got, err := d.Run(context.Background(), p, nil, stream.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := stream.Run(context.Background(), p, nil, stream.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if rowsOf(t, got) != rowsOf(t, want) {
				t.Errorf("%.300s\nbut in Go\n%.300s", text(t, got), text(t, want))
			}
		})
	}
}
