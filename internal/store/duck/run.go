//go:build cgo

package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"drumbeat/internal/eval"
	"drumbeat/internal/sqlgen"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// errFault is in errors that a fault of our own caused.
var errFault = errors.New("duck: a fault")

// Run gives the rows of a plan. Where the limit on rows is reached it gives the table cut there, and a
// *[stream.LimitError]; DuckDB's own limit on memory is one too. A plan that makes values too wide for DuckDB is run by
// package stream. It returns the cause of ctx when that is done. src may be
// nil for plans that read no table.
func (d *DB) Run(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (*table.Table, error) {
	prog, err := d.Program(p, src, o)
	if err != nil {
		return nil, err
	}
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, d.told(ctx, err)
	}
	r := &run{d: d, ctx: ctx, conn: conn, src: src, o: o, queries: map[string]*sqlgen.SQL{}}
	defer r.close()
	if err := d.register(conn, prog.Funcs); err != nil {
		return nil, err
	}
	d.steps.add(prog.Steps)
	defer d.steps.remove(prog.Steps)
	t, err := r.parts(prog.Parts)
	switch {
	case err == nil:
		return t, nil
	case strings.Contains(err.Error(), errTooWide.Error()):
		return stream.Run(ctx, p, src, o)
	}
	return t, d.told(ctx, err)
}

// Program gives what Run would do.
func (d *DB) Program(p *plan.Plan, src stream.Source, o stream.Options) (*sqlgen.Program, error) {
	env := sqlgen.Env{
		Now: o.Now, Prefix: strconv.FormatInt(d.runs.Add(1), 10) + "_", Limit: o.Limits.Rows, Fanout: o.Limits.Fanout, Window: o.Window,
		HasGo: func(fn plan.Fn) bool {
			_, ok := eval.Scalar(fn)
			return ok
		},
		Text: func(x *plan.Lit) string {
			text, ok := toDuck(x.Type, eval.Literal(x)).(string)
			if !ok {
				return x.Str
			}
			return text
		},
		Fold: func(fn plan.Fn, out kql.Type, args []*plan.Lit) (*plan.Lit, bool) { return fold(o.Now, fn, out, args) },
	}
	if files, ok := src.(ParquetSource); ok {
		env.Table = files.table
	}
	return sqlgen.Generate(p, d.dialect, env)
}

// told gives an error in words: that of a limit where one was reached, the cause of the context where that is done.
func (d *DB) told(ctx context.Context, err error) error {
	var duck *duckdb.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &duck) && (duck.Type == duckdb.ErrorTypeOutOfMemory || strings.Contains(duck.Msg, "Out of Memory")):
		return &stream.LimitError{Limit: "memory", Max: d.memory}
	}
	return err
}

// run is one run of a program, on a connection of its own.
type run struct {
	d       *DB
	ctx     context.Context // a run lives as long as its one call
	conn    *sql.Conn
	src     stream.Source
	o       stream.Options
	queries map[string]*sqlgen.SQL
	tables  []string
}

func (r *run) close() {
	for _, name := range r.tables {
		// The connection may be used again: what stays would be in the way of others. ctx may be done.
		_, _ = r.conn.ExecContext(context.WithoutCancel(r.ctx), "drop table if exists temp."+name)
	}
	_ = r.conn.Close()
}

func (r *run) parts(parts []sqlgen.Part) (*table.Table, error) {
	for i, part := range parts {
		last := i == len(parts)-1
		switch part := part.(type) {
		case *sqlgen.Load:
			if err := r.load(part); err != nil {
				return nil, err
			}
		case *sqlgen.SQL:
			if last {
				return r.result(part)
			}
			r.queries[part.Name] = part
		case *sqlgen.Go:
			t, err := r.native(part, last)
			if last || err != nil {
				return t, err
			}
			if err := r.loadTable(part, t); err != nil {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("%w: a program without parts", errFault)
}

// native runs a part in Go.
func (r *run) native(part *sqlgen.Go, last bool) (*table.Table, error) {
	o := r.o
	if !last {
		o.Limits.Rows = 0
	}
	return stream.Run(r.ctx, part.Plan, &partSource{r}, o)
}

// result runs the last query, and has package stream collect its rows within the limits.
func (r *run) result(part *sqlgen.SQL) (*table.Table, error) {
	p := &plan.Plan{Root: &plan.Scan{Columns: part.Columns}, Out: part.Columns}
	return stream.Run(r.ctx, p, &querySource{r, part}, stream.Options{Limits: r.o.Limits})
}

// querySource has the rows of one query.
type querySource struct {
	r    *run
	part *sqlgen.SQL
}

// Scan gives the rows.
func (s *querySource) Scan(_ context.Context, _ *plan.Scan, _ plan.Window, emit func([]stream.Row) error) error {
	return s.r.query(s.part, emit)
}

// query runs a query and gives its rows in batches. DuckDB has the whole result before it gives the first row, so that the
// connection is free for others when emit is called.
func (r *run) query(part *sqlgen.SQL, emit func([]stream.Row) error) (err error) {
	var rows driver.Rows
	err = r.conn.Raw(func(raw any) error {
		conn, ok := raw.(*duckdb.Conn)
		if !ok {
			return fmt.Errorf("%w: a driver of another kind", errFault)
		}
		var err error
		rows, err = conn.QueryContext(r.ctx, part.Text, nil)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return read(rows, part.Columns, emit)
}

// batchRows is how many rows are handed on at a time.
const batchRows = 1024

func read(rows driver.Rows, cols []plan.Column, emit func([]stream.Row) error) error {
	cells := make([]driver.Value, max(len(cols), 1))
	for {
		batch := make([]stream.Row, 0, batchRows)
		slab := make([]eval.Value, batchRows*len(cols))
		for len(batch) < batchRows {
			err := rows.Next(cells)
			if errors.Is(err, io.EOF) {
				if len(batch) > 0 {
					return emit(batch)
				}
				return nil
			}
			if err != nil {
				return err
			}
			row := slab[:len(cols):len(cols)]
			slab = slab[len(cols):]
			for i, c := range cols {
				row[i] = fromDuck(c.Type, cells[i])
			}
			batch = append(batch, row)
		}
		if err := emit(batch); err != nil {
			return err
		}
	}
}

// partSource gives a part in Go its rows: those of queries, or those of the caller's tables.
type partSource struct{ r *run }

// Scan gives the rows of a table.
func (s *partSource) Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	if q := s.r.queries[scan.Table]; q != nil {
		return s.r.query(q, emit)
	}
	if files, ok := s.r.src.(ParquetSource); ok {
		if _, ok := files.table(scan, w); ok {
			return s.r.scanFiles(scan, emit)
		}
	}
	if s.r.src == nil {
		return fmt.Errorf("duck: table %s: there is no data", scan.Table)
	}
	return s.r.src.Scan(ctx, scan, w, emit)
}

// External gives the rows of data that lies elsewhere, if the caller has them.
func (s *partSource) External(ctx context.Context, ext *plan.External, emit func([]stream.Row) error) error {
	if src, ok := s.r.src.(stream.ExternalSource); ok {
		return src.External(ctx, ext, emit)
	}
	return errors.New("externaldata is not read: its data must be mapped to a local file")
}

// scanFiles gives Go the rows of a table in files.
func (r *run) scanFiles(scan *plan.Scan, emit func([]stream.Row) error) error {
	prog, err := r.d.Program(&plan.Plan{Root: &plan.Serialize{Input: scan}, Out: scan.Columns}, r.src, stream.Options{Now: r.o.Now})
	if err != nil {
		return err
	}
	for _, part := range prog.Parts {
		if q, ok := part.(*sqlgen.SQL); ok {
			return r.query(q, emit)
		}
	}
	return fmt.Errorf("%w: table %s is not read by a query", errFault, scan.Table)
}

// fold computes a function of constants.
func fold(now int64, fn plan.Fn, out kql.Type, args []*plan.Lit) (lit *plan.Lit, ok bool) {
	f, ok := eval.Scalar(fn)
	if !ok || fn == plan.FnAssert {
		return nil, false
	}
	defer func() {
		if recover() != nil { // the fault shows when the function runs
			lit, ok = nil, false
		}
	}()
	values := make([]eval.Value, len(args))
	for i, a := range args {
		values[i] = eval.Literal(a)
		if a.Type == kql.TypeDynamic && !a.Null {
			values[i] = readDynamic(a.Str)
		}
	}
	env := &eval.Env{Now: now}
	v := f(env, out, values)
	if env.Err != nil {
		return nil, false
	}
	return literal(out, v)
}

// literal makes a constant of a value.
func literal(t kql.Type, v eval.Value) (*plan.Lit, bool) {
	lit := &plan.Lit{Info: plan.Info{Type: t, Const: true}}
	switch x := toDuck(t, v).(type) {
	case nil:
		lit.Null = t != kql.TypeString
		return lit, true
	case bool:
		lit.Bool = x
	case int32:
		lit.Int = int64(x)
	case int64:
		lit.Int = x
	case float64:
		lit.Real = x
	case string:
		lit.Str = x
	default:
		return nil, false
	}
	lit.NonNull = true
	return lit, true
}
