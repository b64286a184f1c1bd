package eval

import (
	"slices"
	"testing"

	"drumbeat/kql/plan"
)

// TestEveryFunction checks that all functions that the binder lets pass have a Go form, but for those that it replaces.
func TestEveryFunction(t *testing.T) {
	replaced := []plan.Fn{plan.FnIscolumnexists, plan.FnBagPackColumns, plan.FnIngestionTime}
	for _, f := range plan.Functions() {
		if f.Is(plan.FlagUnsupported) || f.Is(plan.FlagWindow) || slices.Contains(replaced, f.ID) {
			continue
		}
		_, ok := Scalar(f.ID)
		if f.Is(plan.FlagAggregate) {
			ok = aggregates[f.ID] != nil
		}
		if !ok {
			t.Errorf("%s has no Go form, and is not refused", f.Name)
		}
	}
}
