package stream

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// TestPlainMatcher compares the search for plain texts with the regular expression that it stands for.
func TestPlainMatcher(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		op := &plan.Parse{}
		columns := 0
		for range rapid.IntRange(1, 6).Draw(rt, "parts") {
			switch {
			case rapid.Bool().Draw(rt, "text"):
				op.Pattern = append(op.Pattern, plan.ParsePart{Text: rapid.StringMatching(`[ab=]{1,2}`).Draw(rt, "t")})
			case len(op.Pattern) > 0 && op.Pattern[len(op.Pattern)-1].Col != 0 || rapid.Bool().Draw(rt, "star"):
				op.Pattern = append(op.Pattern, plan.ParsePart{Star: true})
			default:
				columns++
				op.Pattern = append(op.Pattern, plan.ParsePart{Col: columns, Type: kql.TypeString})
			}
		}
		fast := plainMatcher(op)
		if fast == nil {
			return // a column before a star is left to the regular expression
		}
		re := regexp.MustCompile(patternRegexp(op))
		text := rapid.StringMatching(`[ab= ]{0,12}`).Draw(rt, "input")
		found := make([]string, columns)
		got := fast(text, found)
		want := re.FindStringSubmatch(text)
		if got != (want != nil) {
			rt.Fatalf("%q with %s: %t", text, re, got)
		}
		if got && !slices.Equal(found, want[1:]) {
			rt.Fatalf("%q with %s: %q, not %q", text, re, found, want[1:])
		}
	})
}

// FuzzParseKv checks that pairs are texts of the input, and that reading them ends.
func FuzzParseKv(f *testing.F) {
	for _, s := range []string{"a=1;b=2", "a='x;y' b=2", " k = v ", "a==b", "=", ";;;=;", "'", `a="q\"r"`, "ключ=знач"} {
		f.Add(s, ";", "=", "'", `\`, false)
		f.Add(s, " ", "=", `"`, "", true)
		f.Add(s, "", "", "()", "", false)
	}
	f.Fuzz(func(t *testing.T, text, pair, kv, quote, escape string, greedy bool) {
		r := newKvReader(&plan.ParseKv{PairDelimiter: pair, KvDelimiter: kv, Quote: quote, Escape: escape, Greedy: greedy})
		pairs := 0
		r.read(text, func(key, value string) {
			pairs++
			if escape == "" && utf8.ValidString(text) && (!strings.Contains(text, key) || !strings.Contains(text, value)) {
				t.Errorf("%q: %q is not of it", value, text)
			}
		})
		if pairs > len(text) {
			t.Errorf("%d pairs of %d bytes", pairs, len(text))
		}
	})
}

// FuzzPattern checks that a pattern of regular expressions is compiled or refused, and that what it finds lies within.
func FuzzPattern(f *testing.F) {
	f.Add(`id\s+`, "i", "id 5 x")
	f.Add(`(?<n>a)`, "U", "aaa")
	f.Add(`(`, "", "")
	f.Fuzz(func(t *testing.T, pattern, flags, text string) {
		m, err := patternMatcher(&plan.Parse{Kind: plan.ParseRegex, Flags: flags, Pattern: []plan.ParsePart{
			{Text: pattern}, {Col: 1, Type: kql.TypeString},
		}})
		if err != nil {
			return
		}
		found := make([]string, 1)
		if m(text, found) && !strings.Contains(text, found[0]) {
			t.Errorf("%q is not in %q", found[0], text)
		}
	})
}
