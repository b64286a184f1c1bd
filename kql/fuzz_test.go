package kql

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkParse holds what is true for any text.
func checkParse(t *testing.T, src string) (*Query, Diagnostics) {
	q, diags := Parse(src)
	if q == nil {
		t.Fatal("no tree")
	}
	last := 0
	for _, d := range diags {
		if d.Span.From < last || d.Span.To < d.Span.From || d.Span.To > len(src) {
			t.Fatalf("%v is out of order or of the text", d)
		}
		last = d.Span.From
		if d.Code == "" || d.Message == "" {
			t.Fatalf("%v says nothing", d)
		}
	}
	drawn := diags.Draw(src, "name")
	if !utf8.ValidString(drawn) {
		t.Fatalf("the drawing is no text: %q", drawn)
	}
	for _, r := range drawn {
		if r != '\n' && unicode.IsControl(r) {
			t.Fatalf("the drawing holds %q", r)
		}
	}
	if !diags.HasErrors() { // what is missing may stand a little outside of its parent
		checkSpans(t, q, len(src))
	}
	return q, diags
}

// checkFormat holds what is true for any query without errors.
func checkFormat(t *testing.T, q *Query) {
	text := Format(q)
	again, diags := Parse(text)
	if diags.HasErrors() {
		t.Fatalf("the formatted text has errors:\n%s\n%s", text, diags.Draw(text, ""))
	}
	if before, after := dump(q), dump(again); before != after {
		t.Fatalf("the formatted text has another tree:\n%s\n%s\n%s", text, before, after)
	}
	if twice := Format(again); twice != text {
		t.Fatalf("formatting twice gives\n%s\nand not\n%s", twice, text)
	}
	if len(q.comments) != len(again.comments) {
		t.Fatalf("%d comments became %d:\n%s", len(q.comments), len(again.comments), text)
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range goldenQueries(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		checkParse(t, src)
	})
}

func FuzzFormat(f *testing.F) {
	for _, src := range goldenQueries(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		q, diags := checkParse(t, src)
		if diags.HasErrors() {
			Format(q) // whatever it gives, it must not panic
			return
		}
		checkFormat(t, q)
	})
}

// TestFormatGoldens is FuzzFormat on the hand-written queries, and on each without its line breaks and spaces.
func TestFormatGoldens(t *testing.T) {
	for _, src := range goldenQueries(t) {
		for _, text := range []string{src, strings.ReplaceAll(src, "\n", "\r\n"), strings.ReplaceAll(src, " ", "  \t")} {
			if q, diags := checkParse(t, text); !diags.HasErrors() {
				checkFormat(t, q)
			}
		}
	}
}

// TestTruncated cuts every hand-written query at each byte, and takes each word out.
func TestTruncated(t *testing.T) {
	for _, src := range goldenQueries(t) {
		for i := range src {
			checkParse(t, src[:i])
		}
		for i, word := range strings.Fields(src) {
			words := strings.Fields(src)
			words[i] = ""
			q, diags := checkParse(t, strings.Join(words, " "))
			if !diags.HasErrors() {
				checkFormat(t, q)
			}
			_ = word
		}
	}
}
