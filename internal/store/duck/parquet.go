//go:build cgo

package duck

import (
	"context"
	"strings"

	"drumbeat/internal/sqlgen"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// ParquetSource is a source that has tables in Parquet files, which DuckDB reads itself.
type ParquetSource struct {
	stream.Source
	// Files says where a table lies; ok is false for one that Scan gives.
	Files func(scan *plan.Scan, w plan.Window) (p *Parquet, ok bool)
}

// Parquet is a table in files. They must lie in one of [Options.Folders], and each must have all of the columns.
type Parquet struct {
	// Files are in the order of the table's rows. None is an empty table.
	Files []string
	// Columns are those that the files have, by the names of the plan's scan. Others are null, or "".
	Columns map[string]ParquetColumn
}

// ParquetColumn is a column of the files. Its type there is that of the plan: BOOLEAN, INTEGER, BIGINT, DOUBLE or VARCHAR,
// and for a datetime TIMESTAMP (microseconds), or BIGINT for ticks.
type ParquetColumn struct {
	Name string
	// Ticks says that a datetime is kept in ticks.
	Ticks bool
	// Nulls says that a string may be null in the files.
	Nulls bool
}

// table says how the SQL reads a table in files.
func (s ParquetSource) table(scan *plan.Scan, w plan.Window) (*sqlgen.Table, bool) {
	if s.Files == nil {
		return nil, false
	}
	p, ok := s.Files(scan, w)
	if !ok {
		return nil, false
	}
	t := &sqlgen.Table{Columns: map[string]sqlgen.Stored{}}
	if len(p.Files) == 0 {
		t.From, t.Order = "(select 1) where false", []string{"0"}
		return t, true
	}
	names := make([]string, len(p.Files))
	for i, f := range p.Files {
		names[i] = quote(literalPath(f))
	}
	t.From = "read_parquet([" + strings.Join(names, ", ") + "])"
	t.Order = []string{"file_row_number"}
	if len(names) > 1 {
		t.Order = []string{"file_index", "file_row_number"}
	}
	for _, c := range scan.Columns {
		col, ok := p.Columns[c.Name]
		if !ok {
			continue
		}
		t.Columns[c.Name] = sqlgen.Stored{
			SQL: identifier(col.Name), Micros: c.Type == kql.TypeDateTime && !col.Ticks, Nulls: col.Nulls,
		}
	}
	return t, true
}

// literalPath keeps DuckDB from taking characters of a path for a pattern.
func literalPath(path string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(path)
}

// identifier writes the name of a column of a file.
func identifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// External gives the rows of externaldata, if the source has any.
func (s ParquetSource) External(ctx context.Context, ext *plan.External, emit func([]stream.Row) error) error {
	src, ok := s.Source.(stream.ExternalSource)
	if !ok {
		return stream.ErrNoExternal
	}
	return src.External(ctx, ext, emit)
}
