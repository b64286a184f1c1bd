package sqlgen

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var update = flag.Bool("update", false, "write the goldens anew")

// goldenNow is 2026-03-03 10:00, in ticks.
const goldenNow = 639_081_288_000_000_000

// testSchema has a table that is loaded and one that lies in files.
type testSchema struct{}

func columns(text string) []plan.Column {
	types := map[string]plan.Type{
		"bool": kql.TypeBool, "int": kql.TypeInt, "long": kql.TypeLong, "real": kql.TypeReal, "decimal": kql.TypeDecimal,
		"datetime": kql.TypeDateTime, "timespan": kql.TypeTimespan, "string": kql.TypeString, "guid": kql.TypeGuid,
		"dynamic": kql.TypeDynamic,
	}
	var cols []plan.Column
	for part := range strings.SplitSeq(text, ",") {
		name, t, _ := strings.Cut(strings.TrimSpace(part), ":")
		t, nonNull := strings.CutSuffix(t, "!")
		cols = append(cols, plan.Column{Name: name, Type: types[t], NonNull: nonNull})
	}
	return cols
}

var testTables = map[string][]plan.Column{
	"T": columns("i:int, l:long, r:real, s:string, t:datetime, d:dynamic, b:bool, dec:decimal, ts:timespan, g:guid"),
	"U": columns("k:string, l:long, v:real"),
	"CommonSecurityLog": columns("Activity:string, DestinationIP:string, DestinationPort:int, DeviceName:string, DeviceVendor:string, " +
		"ReceivedBytes:long, SentBytes:long, SourceIP:string, SourcePort:int, SourceUserID:string, TimeGenerated:datetime!"),
}

// Table gives a table.
func (testSchema) Table(name string) (*plan.Table, bool) {
	cols, ok := testTables[name]
	return &plan.Table{Name: name, Columns: cols}, ok
}

// Function knows none.
func (testSchema) Function(string) (*plan.Function, bool) { return nil, false }

// Tables gives the names.
func (testSchema) Tables() []string { return []string{"CommonSecurityLog", "T", "U"} }

func testEnv() Env {
	return Env{
		Now: goldenNow, Prefix: "1_",
		HasGo: func(fn plan.Fn) bool {
			_, ok := eval.Scalar(fn)
			return ok
		},
		Fold: foldTest,
		Table: func(s *plan.Scan, _ plan.Window) (*Table, bool) {
			if s.Table != "CommonSecurityLog" {
				return nil, false
			}
			t := &Table{From: "read_parquet(['flows.parquet'])", Columns: map[string]Stored{}, Order: []string{"file_row_number"}}
			for _, c := range s.Columns {
				t.Columns[c.Name] = Stored{SQL: `"` + c.Name + `"`, Micros: c.Type == kql.TypeDateTime, Nulls: c.Name == "SourceUserID"}
			}
			return t, true
		},
	}
}

// foldTest computes functions of constants that are no dynamics.
func foldTest(fn plan.Fn, out kql.Type, args []*plan.Lit) (*plan.Lit, bool) {
	f, ok := eval.Scalar(fn)
	if !ok || out == kql.TypeDynamic {
		return nil, false
	}
	values := make([]eval.Value, len(args))
	for i, a := range args {
		values[i] = eval.Literal(a)
	}
	v := f(&eval.Env{Now: goldenNow}, out, values)
	lit := &plan.Lit{Info: plan.Info{Type: out, Const: true}, Null: v.IsNull() && out != kql.TypeString}
	lit.Bool, lit.Str = v.Bool(), v.Str()
	if out == kql.TypeReal {
		lit.Real = v.Real()
	} else {
		lit.Int = v.Int()
	}
	return lit, true
}

func generate(t testing.TB, query string) *Program {
	t.Helper()
	q, diags := kql.Parse(query)
	if diags.HasErrors() {
		t.Fatal(diags.Draw(query, ""))
	}
	p, diags := plan.Bind(q, testSchema{}, plan.Options{})
	if p == nil {
		t.Fatal(diags.Draw(query, ""))
	}
	prog, err := Generate(p, DuckDB(), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// TestGoldens reads testdata/*.txtar: for each NAME.kql there stands NAME.duckdb, the program that is made of it.
func TestGoldens(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for _, f := range archive.Files {
				want[f.Name] = string(f.Data)
			}
			got := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				name, ok := strings.CutSuffix(f.Name, ".kql")
				if !ok {
					continue
				}
				text := generate(t, string(f.Data)).String()
				got.Files = append(got.Files, f, txtar.File{Name: name + ".duckdb", Data: []byte(text)})
				if !*update && want[name+".duckdb"] != text {
					t.Errorf("%s is\n%s\nand should be\n%s", name, text, want[name+".duckdb"])
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
