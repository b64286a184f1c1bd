package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"drumbeat/internal/catalog"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// TestRowCache: whatever is kept, the rows of a window are those that the catalogue gives.
func TestRowCache(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "t.csv")
	var text []byte
	text = append(text, "TimeGenerated,n\n"...)
	for i := range 5000 {
		text = append(text, "2026-03-02T"+string(rune('0'+i%2))+string(rune('0'+i%10))+":00:00Z,"+string(rune('a'+i%26))+"\n"...)
	}
	text = append(text, ",null\n"...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.New(catalog.Options{Tables: []catalog.File{{Name: "Own_CL", Path: path}}})
	if err != nil {
		t.Fatal(err)
	}
	known, ok := c.Table("Own_CL")
	if !ok {
		t.Fatal("there is no table")
	}
	scan := &plan.Scan{Table: "Own_CL", Columns: slices.Clone(known.Columns)}
	i := slices.IndexFunc(scan.Columns, func(c plan.Column) bool { return c.Name == "TimeGenerated" })
	if i < 0 || scan.Columns[i].Type != kql.TypeDateTime {
		t.Fatal("there is no time")
	}
	const hour, day = int64(36_000_000_000), int64(639_080_064_000_000_000)
	read := func(src stream.Source, w plan.Window) []int64 {
		var out []int64
		err := src.Scan(t.Context(), scan, w, func(rows []stream.Row) error {
			for _, r := range rows {
				if r[i].IsNull() || w.Contains(r[i].Int()) { // sources may give more
					out = append(out, r[i].Int())
				}
				clear(r) // they are ours
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, cache := range []*rowCache{newRowCache(c, 1<<30), newRowCache(c, 1000), {Catalog: c, off: true}} {
		for range 2 {
			for _, w := range []plan.Window{{}, {From: day, To: day + 5*hour}, {From: day + 9*hour, To: day + 10*hour}, {From: day + 100*hour, To: day + 101*hour}} {
				if got, want := read(cache, w), read(c, w); !slices.Equal(got, want) {
					t.Fatalf("room %d, window %v: %d rows, want %d", cache.room, w, len(got), len(want))
				}
			}
		}
	}
}
