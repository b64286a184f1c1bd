//go:build cgo

package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"strconv"
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"drumbeat/internal/eval"
	"drumbeat/internal/sqlgen"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// rowSteps are the steps of rows of the programs that are running, by their names.
type rowSteps struct {
	mu   sync.RWMutex
	byID map[string]plan.Op
}

func (s *rowSteps) add(steps map[string]plan.Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.byID, steps)
}

func (s *rowSteps) remove(steps map[string]plan.Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range steps {
		delete(s.byID, name)
	}
}

func (s *rowSteps) get(name string) plan.Op {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[name]
}

// register gives the database the function that takes steps of rows.
func (s *rowSteps) register(conn *sql.Conn) error {
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return err
	}
	list, err := duckdb.NewListInfo(text)
	if err != nil {
		return err
	}
	return duckdb.RegisterScalarUDF(conn, sqlgen.RowStep, &stepFunc{steps: s, text: text, list: list})
}

// stepFunc has package stream take a step for a row.
type stepFunc struct {
	steps      *rowSteps
	text, list duckdb.TypeInfo
}

// Config tells DuckDB the types of the function.
func (f *stepFunc) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{
		InputTypeInfos: []duckdb.TypeInfo{f.text, f.text}, ResultTypeInfo: f.list, SpecialNullHandling: true,
	}
}

// Executor gives what DuckDB calls for each row; see goFunc for why not for chunks of them.
func (f *stepFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: f.row}
}

func (f *stepFunc) row(values []driver.Value) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: a step of rows: %v", errFault, r)
		}
	}()
	name, _ := values[0].(string)
	lists, err := takeStep(f.steps.get(name), []stream.Row{{eval.Long(0), fromDuck(kql.TypeString, values[1])}})
	if err != nil || lists[0] == nil {
		return nil, err
	}
	return lists[0], nil
}

// takeStep gives for each row the texts of the columns that a step adds, or nil where it drops the row.
func takeStep(op plan.Op, rows []stream.Row) ([][]any, error) {
	number := plan.Column{ID: 1 << 41, Name: "number", Type: kql.TypeLong, NonNull: true}
	var cols []plan.Column
	switch step := op.(type) { //nolint:exhaustive // no others are steps of rows
	case *plan.Parse:
		c := *step
		cols = c.Cols[1:]
		c.Input, c.Cols = chunkScan(number, c.Input), append([]plan.Column{number}, c.Cols...)
		op = &c
	case *plan.ParseKv:
		c := *step
		cols = c.Cols[1:]
		c.Input, c.Cols = chunkScan(number, c.Input), append([]plan.Column{number}, c.Cols...)
		op = &c
	default:
		return nil, fmt.Errorf("%w: no step of rows", errFault)
	}
	p := &plan.Plan{Root: op, Out: append([]plan.Column{number}, cols...)}
	t, err := stream.Run(context.Background(), p, chunkSource(rows), stream.Options{})
	if err != nil {
		return nil, err
	}
	lists := make([][]any, len(rows))
	for i := range t.Len() {
		n, ok := t.Value(i, 0).(int64)
		if !ok || n < 0 || n >= int64(len(lists)) {
			return nil, fmt.Errorf("%w: a step of rows has lost their numbers", errFault)
		}
		list := make([]any, len(cols))
		for k, c := range cols {
			list[k] = stepText(fromTable(c.Type, t.Value(i, k+1)))
		}
		lists[n] = list
	}
	return lists, nil
}

func chunkScan(number plan.Column, in plan.Op) *plan.Scan {
	return &plan.Scan{Table: "rows", Columns: append([]plan.Column{number}, plan.Columns(in)...)}
}

// chunkSource has the rows of a chunk.
type chunkSource []stream.Row

// Scan gives the rows.
func (s chunkSource) Scan(_ context.Context, _ *plan.Scan, _ plan.Window, emit func([]stream.Row) error) error {
	return emit(s)
}

// stepText writes a value as the SQL reads it.
func stepText(v driver.Value) any {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int32:
		return strconv.FormatInt(int64(v), 10)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return v
	}
	return nil
}
