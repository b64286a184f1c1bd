//go:build cgo

package duck

import (
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/sqlgen"
	"drumbeat/internal/table"
)

func open(t testing.TB, o Options) *DB {
	t.Helper()
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// sqlOf gives the text of a program that is one query.
func sqlOf(t *testing.T, prog *sqlgen.Program) string {
	t.Helper()
	if len(prog.Parts) != 1 {
		t.Fatalf("%d parts, not one query", len(prog.Parts))
	}
	part, ok := prog.Parts[0].(*sqlgen.SQL)
	if !ok {
		t.Fatalf("a %T, not a query", prog.Parts[0])
	}
	return part.Text
}

// rowsOf gives the rows of a table in an order that depends on them alone.
func rowsOf(t *testing.T, tab *table.Table) string {
	t.Helper()
	var w strings.Builder
	if err := tab.WriteJSON(&w); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(w.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
