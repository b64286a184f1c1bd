package kql

import (
	"strings"
	"testing"
)

// TestDrawWithin: on a narrow terminal the line is cut around the place, and texts go on in a line of their own.
func TestDrawWithin(t *testing.T) {
	src := "Flows | where DestinationPort == 443 and SourceAddress startswith '10.' | wher a == 1 | project DestinationPort, SourceAddress"
	at := strings.Index(src, "wher a")
	diags := Diagnostics{{
		Span: Span{From: at, To: at + 4}, Code: CodeOperator, Message: "unknown operator “wher”, which is no operator of the language",
		Hint: "did you mean where? It keeps the rows that fulfil a condition",
	}}
	want := `query:1:75: error: unknown operator
    “wher”, which is no operator of the
    language (KQL012)
    …tartswith '10.' | wher a == 1 | proj…
                       ^^^^
    hint: did you mean where? It keeps the
    rows that fulfil a condition
`
	if got := diags.DrawWithin(src, "query", 42); got != want {
		t.Errorf("in 42 columns it is\n%s\nand should be\n%s", got, want)
	}
	for width := range 200 {
		for line := range strings.Lines(diags.DrawWithin(src, "query", width)) {
			cells := len([]rune(strings.TrimSuffix(line, "\n")))
			if limit := max(width, leastColumns+6); width > 0 && cells > limit {
				t.Errorf("in %d columns a line has %d: %s", width, cells, line)
			}
		}
	}
	if diags.DrawWithin(src, "query", 0) != diags.Draw(src, "query") {
		t.Error("0 is a width")
	}
}
