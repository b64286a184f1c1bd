package enginetest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"drumbeat/internal/table"
)

// diffPrinted compares with a table that was printed for people: loosely, and in any order.
func diffPrinted(got *table.Table, want *expected) string {
	cols := got.Columns()
	if len(cols) != len(want.Columns) {
		return fmt.Sprintf("%d columns, not %d", len(cols), len(want.Columns))
	}
	if got.Len() != len(want.Text) {
		return fmt.Sprintf("%d rows, not %d", got.Len(), len(want.Text))
	}
	rows := make([][]string, got.Len())
	for r := range rows {
		for c := range cols {
			rows[r] = append(rows[r], printed(cell(got, r, c)))
		}
	}
	left := slices.Clone(rows)
	for _, w := range want.Text {
		i := slices.IndexFunc(left, func(g []string) bool { return slices.EqualFunc(g, w, alike) })
		if i < 0 {
			return fmt.Sprintf("no row %q among %q", w, left[:min(len(left), 5)])
		}
		left = slices.Delete(left, i, i+1)
	}
	return ""
}

func printed(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return string(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// alike compares two texts of a value: numbers as far as they are printed, times without their zeros, all else without
// blanks and case.
func alike(a, b string) bool {
	a, b = loose(a), loose(b)
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return math.Abs(x-y) <= 1e-3*max(math.Abs(x), math.Abs(y), 1e-6)
	}
	return false
}

func loose(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "&nbsp;", ""), "'", "\"")
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == ',' || r == '\\' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	if len(s) >= 10 && s[4] == '-' && s[7] == '-' { // a datetime: its T and its zeros say nothing
		s = strings.ReplaceAll(strings.TrimSuffix(s, "z"), "t", "")
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
	}
	return s
}
