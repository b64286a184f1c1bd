package table

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestBuilder builds tables cell by cell that are the same as those of Append.
func TestBuilder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := anyTable(rt)
		got := New(want.Columns()...)
		b := got.Build()
		for row := range want.Len() {
			for col, c := range want.Columns() {
				switch v := want.Value(row, col).(type) {
				case nil:
					b.Null()
				case bool:
					b.Word(map[bool]int64{true: 1}[v])
				case int64:
					b.Word(v)
				case float64:
					b.Real(v)
				case string:
					b.Text(v)
				case json.RawMessage:
					b.JSON(v)
				default:
					rt.Fatalf("%s is %T", c.Name, v)
				}
			}
		}
		if got.Len() != want.Len() {
			rt.Fatalf("%d rows, not %d", got.Len(), want.Len())
		}
		for row := range want.Len() {
			if g, w := string(got.AppendJSON(nil, row)), string(want.AppendJSON(nil, row)); g != w {
				rt.Fatalf("row %d is %s, not %s", row, g, w)
			}
		}
	})
}

func TestFaultsOfTheBuilder(t *testing.T) {
	for name, f := range map[string]func(){
		"number as text":    func() { New(Column{"A", String}).Build().Word(1) },
		"text as number":    func() { New(Column{"A", Long}).Build().Text("1") },
		"number as real":    func() { New(Column{"A", Real}).Build().Word(1) },
		"real as number":    func() { New(Column{"A", Long}).Build().Real(1) },
		"dynamic as string": func() { New(Column{"A", String}).Build().JSON([]byte("{}")) },
		"text as dynamic":   func() { New(Column{"A", Dynamic}).Build().Text("{}") },
		"range":             func() { New(Column{"A", Int}).Build().Word(1 << 40) },
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

// TestDecimals keeps all digits, and never writes what is no JSON.
func TestDecimals(t *testing.T) {
	tab := New(Column{"D", Decimal}, Column{"G", Guid})
	tab.Append("12345678901234567890.1234567890", "74be27de-1e4e-49d9-b579-fe0b331d3642")
	tab.Append("1e", nil)
	tab.Append(nil, nil)
	var b strings.Builder
	if err := tab.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	const want = `{"D":12345678901234567890.1234567890,"G":"74be27de-1e4e-49d9-b579-fe0b331d3642"}
{"D":"1e","G":null}
{"D":null,"G":null}
`
	if b.String() != want {
		t.Errorf("got %s", b.String())
	}
}
