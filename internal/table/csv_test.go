package table

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWriteCSV(t *testing.T) {
	const want = "Bool,Int,Long,Real,String,Datetime,Timespan,Dynamic\r\n" +
		"true,-7,9223372036854775807,0.5,plain,2026-03-02T10:00:00Z,00:00:00,\"{\"\"a\"\": [1, \"\"x\"\"]}\"\r\n" +
		",,,,,,,\r\n" +
		"false,0,-9223372036854775808,1e-7,\"a,\"\"b\"\"\\r\\n\\x1b[31m\",1999-12-31T23:59:59.00012Z,-1.01:00:00.0000001,\"{\"\"k\"\":\"\"\\u202e\"\"}\"\r\n" +
		"false,2147483647,1,-Infinity,'=1+1,0001-01-01T00:00:00Z,00:00:00.0000001,\r\n" +
		"false,1,2,1e+21,\\xff日本,0001-01-01T00:00:00.0000001Z,-10675199.02:48:05.4775808,not json\r\n"
	var b strings.Builder
	if err := every().WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestCSVFormulas(t *testing.T) {
	blank := " "
	for text, want := range map[string]string{
		"=1+1":      "'=1+1",
		"+1":        "'+1",
		"-1":        "'-1",
		"@SUM":      "'@SUM",
		"\t=1":      `'\t=1`,
		"\r=1":      `'\r=1`,
		"＝1":        "'＝1",
		"a=1":       "a=1",
		blank + "x": `" x"`,
		"a;=1":      `"a;=1"`,
		"":          `""`,
		"'quote":    "'quote",
	} {
		tab := New(Column{"A", String})
		tab.Append(text)
		var b strings.Builder
		if err := tab.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(strings.TrimPrefix(b.String(), "A\r\n"), "\r\n"); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestCSVDynamic: a text is one as any other, and other values are JSON.
func TestCSVDynamic(t *testing.T) {
	tab := New(Column{"D", Dynamic})
	for _, raw := range []string{`"a \"b\""`, `"=1+1"`, `"\u001b[31m"`, `"12"`, `12`, `["a"]`, `""`} {
		tab.Append(json.RawMessage(raw))
	}
	var b strings.Builder
	if err := tab.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	const want = "D\r\n\"a \"\"b\"\"\"\r\n'=1+1\r\n\\x1b[31m\r\n12\r\n12\r\n\"[\"\"a\"\"]\"\r\n\"\"\r\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestCSVRoundTrip reads what was written with encoding/csv.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tab := anyTable(rt)
		var b strings.Builder
		if err := tab.WriteCSV(&b); err != nil {
			rt.Fatal(err)
		}
		checkHarmless(rt, strings.ReplaceAll(b.String(), "\r\n", "\n"))
		records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			rt.Fatalf("%v: %q", err, b.String())
		}
		if len(records) != tab.Len()+1 {
			rt.Fatalf("%d records for %d rows", len(records), tab.Len())
		}
		for row, record := range records[1:] {
			for col, c := range tab.Columns() {
				text, isText := tab.Value(row, col).(string)
				if !isText || c.Type != String {
					continue
				}
				want := Printable(text)
				if runsInSpreadsheet(text) {
					want = "'" + want
				}
				if record[col] != want {
					rt.Fatalf("%q is %q", text, record[col])
				}
			}
		}
	})
}

// failing fails after some bytes, as a full disk does.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	tab := New(Column{"A", String})
	for range 5000 {
		tab.Append(strings.Repeat("x", 50))
	}
	for left := range 4 {
		for name, write := range map[string]func(*failing) error{
			"json": func(w *failing) error { return tab.WriteJSON(w) },
			"csv":  func(w *failing) error { return tab.WriteCSV(w) },
			"text": func(w *failing) error { return tab.WriteText(w, TextOptions{}) },
		} {
			if err := write(&failing{left: left * 70_000}); !errors.Is(err, errFull) {
				t.Errorf("%s, %d bytes: %v", name, left*70_000, err)
			}
		}
	}
}
