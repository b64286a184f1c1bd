package stream

import (
	"errors"
	"fmt"

	"drumbeat/kql/plan"
)

// errEnough ends the steps below one that needs no more rows.
var errEnough = errors.New("enough rows")

func isEnough(err error) bool { return errors.Is(err, errEnough) }

// compile makes a node of a step. Its rows have at least extra free slots behind those of its layout.
func (x *exec) compile(op plan.Op, extra int) (*node, error) {
	n, err := x.step(op, extra)
	if err != nil || x.o.Trace == nil {
		return n, err
	}
	return x.traced(op, n), nil
}

// traced shows the rows of a step to the caller.
func (x *exec) traced(op plan.Op, n *node) *node {
	cols := plan.Columns(op)
	slots := make([]int, 0, len(cols))
	for _, c := range cols {
		slots = append(slots, n.slots[c.ID])
	}
	return &node{layout: n.layout, run: func(emit emitter) error {
		return n.run(func(rows []Row) error {
			shown := make([]Row, len(rows))
			for i, r := range rows {
				shown[i] = make(Row, len(slots))
				for j, s := range slots {
					shown[i][j] = r[s]
				}
			}
			x.o.Trace(op, shown)
			return emit(rows)
		})
	}}
}

// step makes a node of a step, whatever it is.
func (x *exec) step(op plan.Op, extra int) (*node, error) {
	switch op := op.(type) {
	case *plan.Scan:
		return x.scan(op, extra)
	case *plan.Values:
		return x.values(op, extra)
	case *plan.External:
		return x.external(op, extra)
	case *plan.Range:
		return x.rangeOf(op, extra)
	case *plan.Rows:
		return x.rowsOf(op, extra)
	case *plan.Filter:
		return x.filter(op, extra)
	case *plan.Project:
		return x.project(op, extra)
	case *plan.Sort:
		return x.sort(op, extra)
	case *plan.Serialize:
		return x.compile(op.Input, extra)
	case *plan.Take:
		return x.take(op, extra)
	case *plan.Top:
		return x.top(op, extra)
	case *plan.Sample:
		return x.sample(op, extra)
	case *plan.Aggregate:
		return x.aggregate(op, extra)
	case *plan.TopNested:
		return x.topNested(op, extra)
	case *plan.MakeSeries:
		return x.makeSeries(op, extra)
	case *plan.Parse:
		return x.parse(op, extra)
	case *plan.ParseKv:
		return x.parseKv(op, extra)
	case *plan.MvExpand:
		return x.mvExpand(op, extra)
	case *plan.MvApply:
		return x.mvApply(op, extra)
	case *plan.Unpack:
		return x.unpack(op, extra)
	case *plan.Pivot:
		return x.pivot(op, extra)
	case *plan.Partition:
		return x.partition(op, extra)
	case *plan.Union:
		return x.union(op, extra)
	case *plan.Join:
		return x.join(op, extra)
	case *plan.Shared:
		return x.sharedOf(op, extra)
	}
	return nil, fmt.Errorf("BUG: stream: %T is no step", op)
}
