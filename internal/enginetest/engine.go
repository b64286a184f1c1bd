package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Engine is what is tested.
type Engine struct {
	Name string
	Run  func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (*table.Table, error)
	// Known are the recorded cases, by ID, that this engine alone fails, with the reason. A case that is listed and
	// passes fails the test.
	Known map[string]string
}

// Now is the time of now() in all cases.
var Now = time.Date(2026, time.March, 2, 10, 0, 0, 0, time.UTC)

// nowTicks is Now in ticks.
const nowTicks = 639_080_424_000_000_000

// ErrRefused is in the errors of queries that the parser or the binder refuses.
var ErrRefused = errors.New("refused")

// noTables is the schema of queries that bring their data with them.
type noTables struct{}

func (noTables) Table(string) (*plan.Table, bool)       { return nil, false }
func (noTables) Function(string) (*plan.Function, bool) { return nil, false }
func (noTables) Tables() []string                       { return nil }

// Bind makes a plan of a query without tables.
func Bind(query string) (*plan.Plan, error) {
	q, diags := kql.Parse(query)
	if !diags.HasErrors() {
		var p *plan.Plan
		if p, diags = plan.Bind(q, noTables{}, plan.Options{Now: Now}); p != nil {
			return p, nil
		}
	}
	for _, d := range diags {
		if d.Severity == kql.Error {
			return nil, fmt.Errorf("%w: %s", ErrRefused, d.Message)
		}
	}
	return nil, ErrRefused
}

// limit bounds one query, so that a fault of an engine cannot hang the tests.
const limit = 20 * time.Second

// Query runs a query that brings its data with it. A panic of the engine is an error.
func (e Engine) Query(query string) (t *table.Table, err error) {
	p, err := Bind(query)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return e.Run(ctx, p, nil, stream.Options{Now: nowTicks, Limits: stream.Limits{Rows: 200_000, Memory: 1 << 30, Fanout: 2_000_000}})
}

var errPanic = errors.New("panic")
