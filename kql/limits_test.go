package kql

import (
	"strings"
	"testing"
	"time"
)

// fill repeats a text up to a quarter of the size limit: enough to see the square of it, and soon done.
func fill(s string) string { return strings.Repeat(s, MaxSize/4/len(s)) }

// fillAll repeats a text up to the size limit.
func fillAll(s string) string { return strings.Repeat(s, MaxSize/len(s)) }

// TestHostileTexts: texts made to be slow or deep give a tree and few remarks in little time. The limit of time is
// generous, for slow machines, and still far below what the square of a text costs.
func TestHostileTexts(t *testing.T) {
	deep := func(open, inner, end string) string {
		return strings.Repeat(open, 10_000) + inner + strings.Repeat(end, 10_000)
	}
	texts := map[string]string{
		"parentheses":      "print " + deep("(", "1", ")"),
		"open parentheses": "print " + fillAll("("),
		"brackets":         "print a" + deep("[a", "", "]"),
		"open brackets":    "print " + fill("["),
		"calls":            "print " + deep("f(", "1", ")"),
		"arrays":           "print dynamic(" + deep("[", "1", "]") + ")",
		"bags":             "print dynamic(" + deep(`{"a":`, "1", "}") + ")",
		"dynamics":         "print " + deep("dynamic(", "1", ")"),
		"functions":        deep("let f = () {", "1", "};"),
		"sub-queries":      "T " + deep("| join (T ", "", ") on a"),
		"in lists":         "T | where " + deep("a in (T | where ", "a", ")"),
		"betweens":         "print " + deep("a between (", "1 .. 2", ".. 3)"),
		"facets":           "T " + fill("| facet by a with facet by b with "),
		"facets in facets": "T | " + fill("facet by a with "),
		"forks":            "T | fork " + fill("(take 1) "),
		"or chain":         "T | where a" + fillAll(" or a"),
		"sum chain":        "print 1" + fill("+1"),
		"minus chain":      "print " + fill("-"),
		"path":             "print a" + fill(".b"),
		"elements":         "print a" + fill("[0]"),
		"pipes":            "T" + fillAll("|take 1"),
		"empty pipes":      "T" + fill("|"),
		"semicolons":       fill(";"),
		"statements":       fill("let a=1;"),
		"no semicolons":    fill("let a=1\n"),
		"dashed names":     "print " + fill("a-"),
		"strings":          "print " + fill(`"a" `),
		"string names":     "print [" + fill(`"a" `),
		"open strings":     fill("\"\n"),
		"fences":           fill("```"),
		"comments":         fill("//\n"),
		"block comments":   fill("/*"),
		"bad characters":   fill("¿"),
		"bad letters":      fill("é"),
		"bad bytes":        fill("\xff"),
		"escapes":          `print "` + fill(`\q`),
		"words":            fillAll("a "),
		"operators":        fill("where "),
		"lines of words":   fill("a\n"),
		"tuples":           "print " + fill("(a,"),
		"tuple tries":      "print f(" + fill("(a,b),"),
		"commas":           "print " + fill(","),
		"list":             "print dynamic([" + fillAll("1,") + "])",
		"long line":        "T | where " + fill("a ") + "\n",
		"typed":            "print " + fill("int("),
		"guids":            "print " + fill("74be27de-1e4e-49d9-b579-fe0b331d3642-"),
		"digits":           "print " + fill("9"),
		"points":           "print " + fill("1."),
		"patterns":         "T | parse a with " + fill("* b "),
		"bangs":            fill("!"),
		"curly":            fill("“"),
		"wildcards":        "union " + fill("a*"),
		"unclosed":         "T | where " + fill("f(a b "),
		"closing":          "T" + fill(")"),
		"datatable":        "datatable(a:long)[" + fill("1,") + "1]",
		"steps":            "T | scan with (" + fill("step a: true;") + ")",
		"one comment each": "T | where a in (" + fill("1, //\n") + "1)",
	}
	for name, src := range texts {
		t.Run(name, func(t *testing.T) {
			src = src[:min(len(src), MaxSize)]
			begin := time.Now() //nolint:forbidigo // the test measures
			q, diags := Parse(src)
			if q == nil || len(diags) > maxDiagnostics {
				t.Errorf("tree %v, %d diagnostics", q != nil, len(diags))
			}
			if len(diags.Draw(src, "")) > 100_000 {
				t.Error("the drawing is long")
			}
			if !diags.HasErrors() {
				if text := Format(q); len(text) > 100*len(src) {
					t.Errorf("%d bytes became %d", len(src), len(text))
				}
			}
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("took %v", d)
			} else if d > 700*time.Millisecond {
				t.Logf("took %v", d)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, src string
		code      Code
	}{
		{"too large", strings.Repeat(" ", MaxSize+1), CodeTooLarge},
		{"as large as may be", "T" + strings.Repeat(" ", MaxSize-1), ""},
		{"too deep", "print " + strings.Repeat("(", MaxDepth+1) + "1" + strings.Repeat(")", MaxDepth+1), CodeTooDeep},
		{"as deep as may be", "print " + strings.Repeat("(", MaxDepth) + "1" + strings.Repeat(")", MaxDepth), ""},
	} {
		_, diags := Parse(c.src)
		switch {
		case c.code == "" && len(diags) > 0:
			t.Errorf("%s: %v", c.name, diags)
		case c.code != "" && (len(diags) != 1 || diags[0].Code != c.code):
			t.Errorf("%s: %v", c.name, diags)
		}
	}
}
