package stream

import (
	"fmt"

	"drumbeat/kql/plan"
)

// Options are how a plan is run.
type Options struct {
	// Now is the value of now(), in ticks.
	Now    int64
	Limits Limits
	// Window gives the bounds on the times of the rows that a Scan needs; nil, or a result that is zero, is none.
	Window func(scan *plan.Scan) plan.Window
	// Trace, where it is not nil, is given all rows that each step hands on, batch by batch: their values stand in the
	// order of plan.Columns(op), and must not be kept. A step that hands on nothing is not heard of. The steps of
	// tables within expressions and of sub-queries are among them. Tracing costs a copy of every row.
	Trace func(op plan.Op, rows []Row)
}

// Limits bound what a query may use; a zero is no limit. Time is bounded by the context: Run ends with its cause, so that
// a caller can name the limit by context.WithTimeoutCause(…, &LimitError{…}).
type Limits struct {
	Rows   int   // rows of the result
	Memory int64 // bytes held by the query, roughly
	Fanout int   // rows that one step may make of what it is given: joins, mv-expand, range
}

// LimitError says that a query was ended, or its result cut, by a limit.
type LimitError struct {
	Limit string // "rows", "memory", "fan-out" or "time"
	Max   int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the limit on %s, %d, is reached", e.Limit, e.Max)
}
