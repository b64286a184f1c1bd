package rule

import (
	"context"
	"errors"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// Result is one run of a rule.
type Result struct {
	At     int64       // the scheduled time, in ticks; now() was this
	Window plan.Window // what the run saw
	Rows   *table.Table
	// Triggered says that the number of rows met the condition.
	Triggered bool
	Alerts    []Alert
	// Limit is not nil where a limit has cut the rows: the condition was put to those that there are.
	Limit *stream.LimitError
}

// At gives the plan of a run at a time: the query, over the window of the run.
func (p *Program) At(at int64) *plan.Plan { return windowed(p.Plan, p.Rule.Window(at)) }

// Run runs the rule at a time, in ticks, as its schedule would.
func (p *Program) Run(ctx context.Context, q Querier, at int64) (*Result, error) {
	r := p.Rule
	res := &Result{At: at, Window: r.Window(at)}
	rows, err := q(ctx, p.At(at), res.Window, at)
	if !errors.As(err, &res.Limit) && err != nil {
		return nil, err
	}
	if rows == nil { // a limit that left nothing
		return nil, err
	}
	res.Rows = rows
	if r.Kind == Hunting {
		return res, nil
	}
	res.Triggered = r.Operator.Holds(rows.Len(), r.Threshold)
	if res.Triggered {
		res.Alerts = r.alerts(res)
	}
	return res, nil
}

// Suppressor leaves out runs, as Sentinel does: for a time after an alert the query does not run.
type Suppressor struct {
	until int64
}

// Skip reports whether a run at a time is left out.
func (s *Suppressor) Skip(at int64) bool { return at < s.until }

// Saw takes note of a run.
func (s *Suppressor) Saw(r *Rule, res *Result) {
	if r.Suppressed && len(res.Alerts) > 0 {
		s.until = res.At + ticksOf(r.Suppression)
	}
}
