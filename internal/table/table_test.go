package table

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// every has a column of each type, and rows with the values that are hard.
func every() *Table {
	t := New(
		Column{"Bool", Bool}, Column{"Int", Int}, Column{"Long", Long}, Column{"Real", Real},
		Column{"String", String}, Column{"Datetime", Datetime}, Column{"Timespan", Timespan}, Column{"Dynamic", Dynamic},
	)
	t.Append(true, int32(-7), int64(math.MaxInt64), 0.5, "plain", ticks(2026, 3, 2, 10, 0, 0, 0), int64(0), json.RawMessage(`{"a": [1, "x"]}`))
	t.Append(nil, nil, nil, nil, nil, nil, nil, nil)
	t.Append(false, 0, int64(math.MinInt64), 1e-7, "a,\"b\"\r\n\x1b[31m", ticks(1999, 12, 31, 23, 59, 59, 1200), int64(-900_000_000_001),
		json.RawMessage("{\n\t\"k\": \"\u202e\"\n}"))
	t.Append(false, math.MaxInt32, 1, math.Inf(-1), "=1+1", int64(0), int64(1), json.RawMessage("null"))
	t.Append(false, 1, 2, 1e21, "\xff日本", int64(1), int64(math.MinInt64), json.RawMessage("not json"))
	return t
}

func ticks(year int, month time.Month, day, hour, minute, second, hundredNanos int) int64 {
	at := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	return (at.Unix()+62_135_596_800)*ticksPerSecond + int64(hundredNanos)
}

func TestValue(t *testing.T) {
	tab := every()
	if tab.Len() != 5 || len(tab.Columns()) != 8 {
		t.Fatalf("%d rows of %d columns", tab.Len(), len(tab.Columns()))
	}
	want := []any{
		true, int64(-7), int64(math.MaxInt64), 0.5, "plain", ticks(2026, 3, 2, 10, 0, 0, 0), int64(0),
		json.RawMessage(`{"a": [1, "x"]}`),
	}
	for col, w := range want {
		if got := tab.Value(0, col); fmt.Sprint(got) != fmt.Sprint(w) || fmt.Sprintf("%T", got) != fmt.Sprintf("%T", w) {
			t.Errorf("column %d: %T %v, want %T %v", col, got, got, w, w)
		}
		if got := tab.Value(1, col); tab.Columns()[col].Type == String && got != "" || tab.Columns()[col].Type != String && got != nil {
			t.Errorf("column %d: %v for null", col, got)
		}
	}
	if got := tab.Value(3, 7); got != nil {
		t.Errorf("JSON null is %v, want nil", got)
	}
	if got := string(tab.Value(4, 7).(json.RawMessage)); got != `"not json"` {
		t.Errorf("text that is not JSON is %s", got)
	}
}

func TestManyNulls(t *testing.T) {
	tab := New(Column{"A", Long})
	for i := range 1000 {
		if i%3 == 0 {
			tab.Append(nil)
		} else {
			tab.Append(i)
		}
	}
	for i := range 1000 {
		if got := tab.Value(i, 0); (got == nil) != (i%3 == 0) || got != nil && got != int64(i) {
			t.Fatalf("row %d: %v", i, got)
		}
	}
}

func TestFaultsOfTheCaller(t *testing.T) {
	for name, f := range map[string]func(){
		"count":          func() { New(Column{"A", Long}).Append() },
		"type":           func() { New(Column{"A", Long}).Append("1") },
		"unknown type":   func() { New(Column{"A", Long}).Append(uint8(1)) },
		"string as JSON": func() { New(Column{"A", Dynamic}).Append("{}") },
		"JSON as string": func() { New(Column{"A", String}).Append(json.RawMessage("{}")) },
		"range":          func() { New(Column{"A", Int}).Append(int64(1) << 40) },
		"twice":          func() { New(Column{"A", Int}, Column{"A", Long}) },
		"row":            func() { New(Column{"A", Int}).Value(0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "BUG: table: ") {
					t.Errorf("panic is %q", text)
				}
			}()
			f()
		})
	}
}

func TestTypeNames(t *testing.T) {
	var names []string
	for typ := Bool; typ <= Decimal+1; typ++ {
		names = append(names, typ.String())
	}
	if got := strings.Join(names, " "); got != "bool int long real string datetime timespan dynamic guid decimal Type(10)" {
		t.Error(got)
	}
}

// anyTable draws a table of random columns and values, mostly hostile.
func anyTable(rt *rapid.T) *Table {
	text := rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"10.0.0.1", "=cmd|' /C calc'!A0", "\x1b]0;x\a", "a\u202eb", "日本語テキスト", "e\u0301", "two words, and more of them"}),
	)
	name := rapid.StringMatching(`[A-Z][a-z]{0,9}([A-Z][a-z]{1,9}){0,4}`)
	cols := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) Column {
		return Column{name.Draw(rt, "name"), Type(rapid.IntRange(0, int(Decimal)).Draw(rt, "type"))}
	}), 1, 6, func(c Column) string { return c.Name }).Draw(rt, "columns")
	t := New(cols...)
	for range rapid.IntRange(0, 5).Draw(rt, "rows") {
		row := make([]any, len(cols))
		for i, c := range cols {
			if rapid.IntRange(0, 4).Draw(rt, "null") > 0 {
				row[i] = anyValue(rt, c.Type, text)
			}
		}
		t.Append(row...)
	}
	return t
}

func anyValue(rt *rapid.T, typ Type, text *rapid.Generator[string]) any {
	switch typ {
	case Bool:
		return rapid.Bool().Draw(rt, "bool")
	case Int:
		return rapid.Int32().Draw(rt, "int")
	case Long, Timespan:
		return rapid.Int64().Draw(rt, "long")
	case Real:
		return rapid.Float64().Draw(rt, "real")
	case Datetime:
		return rapid.Int64Range(0, ticks(9999, 12, 31, 23, 59, 59, 9_999_999)).Draw(rt, "datetime")
	case Dynamic:
		raw, err := json.Marshal(map[string]any{"k": text.Draw(rt, "text"), "n": []any{1, nil}})
		if err != nil {
			rt.Fatal(err)
		}
		return json.RawMessage(raw)
	case Decimal:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?`).Draw(rt, "decimal")
	case Guid:
		return rapid.StringMatching(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).Draw(rt, "guid")
	case String:
	}
	return text.Draw(rt, "text")
}
