//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"drumbeat/internal/catalog"
	"drumbeat/internal/store/duck"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// duckDB opens DuckDB.
var duckDB openDuckDB = func(q *queryFlags) (runPlan, func() error, error) {
	temp, err := os.MkdirTemp("", "drumbeat-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder for what memory has no room for: %w", err)
	}
	drop := func() error { return os.RemoveAll(temp) }
	run := func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (t *table.Table, err error) {
		c, _ := src.(parquetSource)
		db, err := duck.Open(duck.Options{
			Memory: int64(q.memory), Temp: temp, Threads: q.workers, Folders: parquetFolders(c),
		})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		if c != nil {
			src = duck.ParquetSource{Source: src, Files: func(scan *plan.Scan, _ plan.Window) (*duck.Parquet, bool) {
				return parquetOf(scan, c)
			}}
		}
		return db.Run(ctx, p, src, o)
	}
	return run, drop, nil
}

// parquetSource is a source that has tables in Parquet files.
type parquetSource interface {
	Parquet(table string) (files []string, columns map[string]catalog.ParquetColumn, ok bool)
	ParquetFiles() []string
}

// parquetOf gives the Parquet files of a table that DuckDB can read as they are.
func parquetOf(scan *plan.Scan, c parquetSource) (*duck.Parquet, bool) {
	files, stored, ok := c.Parquet(scan.Table)
	if !ok {
		return nil, false
	}
	p := &duck.Parquet{Columns: map[string]duck.ParquetColumn{}}
	for _, f := range files {
		path, err := filepath.Abs(f)
		if err != nil {
			return nil, false
		}
		p.Files = append(p.Files, path)
	}
	for _, col := range scan.Columns {
		have, ok := stored[col.Name]
		switch {
		case !ok:
		case !have.Plain || have.Type != col.Type:
			return nil, false
		default:
			p.Columns[col.Name] = duck.ParquetColumn{Name: col.Name, Ticks: have.Ticks, Nulls: have.Type == kql.TypeString}
		}
	}
	return p, true
}

// parquetFolders gives the folders of the Parquet files that tables lie in.
func parquetFolders(c parquetSource) []string {
	if c == nil {
		return nil
	}
	var folders []string
	for _, f := range c.ParquetFiles() {
		if path, err := filepath.Abs(f); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	return folders
}
