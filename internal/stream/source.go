package stream

import (
	"context"
	"errors"

	"drumbeat/internal/eval"
	"drumbeat/kql/plan"
)

// Row has a value for each column of a step.
type Row = []eval.Value

// Source gives the rows of tables.
type Source interface {
	// Scan gives the rows of scan.Table: the columns of scan.Columns in their order, rows in the table's own order
	// (path and line). emit owns the rows that it gets. A batch may have any number of rows. Rows outside of the window
	// may come and may be left out. Scan returns when there are no more rows, or with the error of emit or of ctx.
	Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]Row) error) error
}

// ErrNoExternal says that a source has no data for externaldata.
var ErrNoExternal = errors.New("externaldata is not read: its data must be mapped to a local file")

// ExternalSource is a [Source] that has data for externaldata too. Other sources have none, and the plan is refused.
type ExternalSource interface {
	Source
	// External gives the rows of an externaldata as Scan does those of a table.
	External(ctx context.Context, ext *plan.External, emit func([]Row) error) error
}
