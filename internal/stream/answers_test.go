package stream_test

import (
	"context"
	"testing"

	"drumbeat/internal/enginetest"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

func TestAnswers(t *testing.T) {
	enginetest.Cases(t, enginetest.Engine{Name: "stream", Run: stream.Run})
}

// TestTraced compares a run with one whose steps are watched, in which no step hands its rows over without a copy.
func TestTraced(t *testing.T) {
	traced := func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (*table.Table, error) {
		o.Trace = func(plan.Op, []stream.Row) {}
		return stream.Run(ctx, p, src, o)
	}
	enginetest.Compare(t, 1, 500, enginetest.Engine{Name: "stream", Run: stream.Run}, enginetest.Engine{Name: "traced", Run: traced})
}
