//go:build cgo

package duck

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"drumbeat/internal/sqlgen"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// load brings a table of the caller into the database.
func (r *run) load(part *sqlgen.Load) error {
	cols := part.Scan.Columns
	return r.fill(part.Name, cols, func(add func([]driver.Value) error) error {
		if r.src == nil {
			return fmt.Errorf("duck: table %s: there is no data", part.Scan.Table)
		}
		cells := make([]driver.Value, len(cols))
		return r.src.Scan(r.ctx, part.Scan, part.Window, func(rows []stream.Row) error {
			for _, row := range rows {
				for i := range cols {
					cells[i] = toDuck(cols[i].Type, row[i])
				}
				if err := add(cells); err != nil {
					return err
				}
			}
			return r.ctx.Err()
		})
	})
}

// loadTable brings what Go has computed into the database.
func (r *run) loadTable(part *sqlgen.Go, t *table.Table) error {
	cols := part.Plan.Out
	return r.fill(part.Name, cols, func(add func([]driver.Value) error) error {
		cells := make([]driver.Value, len(cols))
		for row := range t.Len() {
			for i := range cols {
				cells[i] = fromTable(cols[i].Type, t.Value(row, i))
			}
			if err := add(cells); err != nil {
				return err
			}
		}
		return nil
	})
}

// fromTable gives a value of a table as the driver takes it.
func fromTable(t kql.Type, v any) driver.Value {
	switch v := v.(type) {
	case nil:
		if t == kql.TypeString {
			return ""
		}
		return nil
	case int64:
		if t == kql.TypeInt {
			return int32(v)
		}
	case json.RawMessage:
		return validText(string(v))
	case string:
		return validText(v)
	}
	return v
}

// fill makes a table and has rows put into it.
func (r *run) fill(name string, cols []plan.Column, rows func(add func([]driver.Value) error) error) error {
	decls := make([]string, 0, len(cols)+1)
	for _, c := range cols {
		decls = append(decls, "c"+strconv.Itoa(c.ID)+" "+r.d.dialect.Type(c.Type))
	}
	if len(decls) == 0 { // DuckDB has no tables without columns
		decls = append(decls, "none BOOLEAN")
	}
	if _, err := r.conn.ExecContext(r.ctx, "create or replace temp table "+name+" ("+strings.Join(decls, ", ")+")"); err != nil {
		return err
	}
	r.tables = append(r.tables, name)
	return r.conn.Raw(func(raw any) error {
		conn, ok := raw.(driver.Conn)
		if !ok {
			return fmt.Errorf("%w: a driver of another kind", errFault)
		}
		app, err := duckdb.NewAppender(conn, "temp", "main", name)
		if err != nil {
			return err
		}
		err = rows(func(cells []driver.Value) error {
			if len(cells) == 0 {
				return app.AppendRow(true)
			}
			return app.AppendRow(cells...)
		})
		return errors.Join(err, app.Close())
	})
}
