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
func (s *rowSteps) register(conn *sql.Conn, widest width) error {
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return err
	}
	list, err := duckdb.NewListInfo(text)
	if err != nil {
		return err
	}
	return duckdb.RegisterScalarUDF(conn, sqlgen.RowStep, &stepFunc{steps: s, widest: widest, text: text, list: list})
}

// stepFunc has package stream take a step for a row.
type stepFunc struct {
	steps      *rowSteps
	widest     width
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
	list, err := takeStep(f.steps.get(name), fromDuck(kql.TypeString, values[1]))
	if err != nil || list == nil {
		return nil, err
	}
	n := 0
	for _, text := range list {
		if text, ok := text.(string); ok {
			n += len(text)
		}
	}
	return list, f.widest.check(n)
}

// takeStep gives the texts of the columns that a step adds to a row with one column, or nil where it drops the row.
func takeStep(op plan.Op, value eval.Value) ([]any, error) {
	var cols []plan.Column
	switch step := op.(type) { //nolint:exhaustive // no others are steps of rows
	case *plan.Parse:
		c := *step
		c.Input, cols, op = &plan.Scan{Columns: plan.Columns(c.Input)}, c.Cols[1:], &c
	case *plan.ParseKv:
		c := *step
		c.Input, cols, op = &plan.Scan{Columns: plan.Columns(c.Input)}, c.Cols[1:], &c
	default:
		return nil, fmt.Errorf("%w: no step of rows", errFault)
	}
	t, err := stream.Run(context.Background(), &plan.Plan{Root: op, Out: cols}, oneRow{value}, stream.Options{})
	if err != nil || t.Len() == 0 {
		return nil, err
	}
	list := make([]any, len(cols))
	for i, c := range cols {
		list[i] = stepText(fromTable(c.Type, t.Value(0, i)))
	}
	return list, nil
}

// oneRow is the only row of a table.
type oneRow stream.Row

// Scan gives the row.
func (s oneRow) Scan(_ context.Context, _ *plan.Scan, _ plan.Window, emit func([]stream.Row) error) error {
	return emit([]stream.Row{stream.Row(s)})
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
