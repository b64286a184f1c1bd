package sqlgen

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestQuote reads what quote writes as SQL does, and must find the text again.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("'\\\x00;-a|")))).Draw(t, "text")
		if got, ok := unquote(quote(want)); !ok || got != want {
			t.Fatalf("%q is written %s, which is %q", want, quote(want), got)
		}
	})
}

// unquote reads literals, and chr(0), joined by ||, in parentheses or not. A literal ends at the first quote that is not
// doubled.
func unquote(sql string) (string, bool) {
	if inner, ok := strings.CutPrefix(sql, "("); ok {
		if sql, ok = strings.CutSuffix(inner, ")"); !ok {
			return "", false
		}
	}
	var text strings.Builder
	for {
		if rest, ok := strings.CutPrefix(sql, "chr(0)"); ok {
			text.WriteByte(0)
			sql = rest
		} else {
			if !strings.HasPrefix(sql, "'") {
				return "", false
			}
			sql = sql[1:]
			for {
				end := strings.IndexByte(sql, '\'')
				if end < 0 {
					return "", false
				}
				text.WriteString(sql[:end])
				sql = sql[end+1:]
				if !strings.HasPrefix(sql, "'") {
					break
				}
				text.WriteByte('\'')
				sql = sql[1:]
			}
		}
		if sql == "" {
			return text.String(), true
		}
		rest, ok := strings.CutPrefix(sql, " || ")
		if !ok {
			return "", false
		}
		sql = rest
	}
}
