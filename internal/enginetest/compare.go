package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/table"
)

// cell makes a value of a table a value of JSON: nil, bool, string, json.Number, or an array or object of them. NaN and
// the infinities are strings, a datetime is ISO 8601 with seven digits.
func cell(t *table.Table, row, col int) any {
	switch v := t.Value(row, col).(type) {
	case nil, bool:
		return v
	case int64:
		switch t.Columns()[col].Type {
		case table.Datetime:
			return datetimeText(v)
		case table.Timespan:
			return string(table.AppendTimespan(nil, v))
		case table.Bool, table.Int, table.Long, table.Real, table.String, table.Dynamic, table.Guid, table.Decimal:
		}
		return json.Number(strconv.FormatInt(v, 10))
	case float64:
		return realValue(v)
	case string:
		if t.Columns()[col].Type == table.Decimal {
			return json.Number(v)
		}
		return v
	case json.RawMessage:
		value, err := decode(v)
		if err != nil {
			return string(v)
		}
		return value
	default:
		return fmt.Sprint(v)
	}
}

// datetimeText writes ticks as the recorded cases have them: always seven digits.
func datetimeText(ticks int64) string {
	text := strings.TrimSuffix(string(table.AppendDatetime(nil, ticks)), "Z")
	if !strings.Contains(text, ".") {
		text += "."
	}
	for len(text) < len("2026-03-02T10:00:00.0000000") {
		text += "0"
	}
	return text + "Z"
}

func realValue(v float64) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
}

// decode reads JSON and keeps the digits of numbers.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// tolerance is how far two reals may be apart, relative to their size.
const tolerance = 1e-9

// same compares values of JSON. Whole numbers are compared exactly where both are written without a point.
func same(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			w, ok := b[k]
			if !ok || !same(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, errX := a.Int64()
	y, errY := b.Int64()
	if errX == nil && errY == nil {
		return x == y
	}
	f, errF := a.Float64()
	g, errG := b.Float64()
	if errF != nil || errG != nil {
		return false
	}
	return f == g || math.Abs(f-g) <= tolerance*max(math.Abs(f), math.Abs(g)) || math.Abs(f-g) < 1e-12
}

// sortedArrays puts arrays in an order, for sets, whose order says nothing.
func sortedArrays(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = sortedArrays(v[i])
		}
		slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k := range v {
			m[k] = sortedArrays(v[k])
		}
		return m
	}
	return v
}

// withoutZone drops the Z of datetimes: some of the recorded answers have none.
func withoutZone(cols []table.Column, rows [][]any) {
	for i, c := range cols {
		if c.Type != table.Datetime {
			continue
		}
		for _, row := range rows {
			if text, ok := row[i].(string); ok {
				row[i] = strings.TrimSuffix(text, "Z")
			}
		}
	}
}

// rowsOf gives all values of a table.
func rowsOf(t *table.Table) [][]any {
	rows := make([][]any, t.Len())
	for r := range rows {
		rows[r] = make([]any, len(t.Columns()))
		for c := range rows[r] {
			rows[r][c] = cell(t, r, c)
		}
	}
	return rows
}

func sameRow(a, b []any) bool { return slices.EqualFunc(a, b, same) }

// diffRows says how rows differ, or "".
func diffRows(got, want [][]any, ordered bool) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d rows, not %d\ngot  %s\nwant %s", len(got), len(want), rowsText(got), rowsText(want))
	}
	if ordered {
		for i := range got {
			if !sameRow(got[i], want[i]) {
				return fmt.Sprintf("row %d is %s, not %s", i+1, rowText(got[i]), rowText(want[i]))
			}
		}
		return ""
	}
	left := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g []any) bool { return sameRow(g, w) })
		if i < 0 {
			return fmt.Sprintf("no row %s among %s", rowText(w), rowsText(left))
		}
		left = slices.Delete(left, i, i+1)
	}
	return ""
}

func rowText(row []any) string {
	text, err := json.Marshal(row)
	if err != nil {
		return fmt.Sprint(row)
	}
	return string(text)
}

func rowsText(rows [][]any) string {
	parts := make([]string, 0, len(rows))
	for i, r := range rows {
		if i == 8 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, rowText(r))
	}
	return "[" + strings.Join(parts, " ") + "]"
}
