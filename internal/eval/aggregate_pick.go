package eval

import (
	"slices"

	"drumbeat/kql/plan"
)

// anyRow keeps the values of a row: the first; of one column the first that is neither null nor empty, if there is one.
type anyRow struct {
	cols []plan.Column
	row  []Value
	good bool
}

func anyAgg(_ *Env, _ *plan.Agg, cols []plan.Column) Agg { return &anyRow{cols: cols} }

func (a *anyRow) Add(args []Value) {
	if a.good {
		return
	}
	text, isText := textOf(args[0])
	a.good = len(a.cols) > 1 || args[0].set && (!isText || text != "")
	if a.row == nil || a.good {
		a.row = slices.Clone(args[:len(a.cols)])
	}
}

func (a *anyRow) Result() []Value {
	if a.row == nil {
		return nulls(a.cols)
	}
	return a.row
}

func nulls(cols []plan.Column) []Value {
	row := make([]Value, len(cols))
	for i, c := range cols {
		row[i] = Null(c.Type)
	}
	return row
}

// argAgg is arg_max (1) and arg_min (-1): the row with the best of its first argument. A null loses unless there is
// nothing else, a NaN wins. Of rows that tie, that with the least other arguments is taken, in their order and nulls
// first, so that the result does not depend on the order of rows.
func argAgg(way int) newAgg {
	return func(_ *Env, _ *plan.Agg, cols []plan.Column) Agg { return &argBest{way: way, cols: cols} }
}

type argBest struct {
	way  int
	cols []plan.Column
	row  []Value
}

func (a *argBest) Add(args []Value) {
	if a.row == nil {
		a.row = slices.Clone(args)
		return
	}
	if a.better(args) {
		copy(a.row, args)
	}
}

func (a *argBest) better(args []Value) bool {
	v, old := args[0], a.row[0]
	switch {
	case v.set != old.set:
		return v.set
	case v.set:
		if c := beats(v, old, a.way); c != 0 {
			return c > 0
		}
	}
	for i := 1; i < len(args); i++ {
		if c := Compare(args[i], a.row[i]); c != 0 {
			return c < 0
		}
	}
	return false
}

func (a *argBest) Result() []Value {
	if a.row == nil {
		return nulls(a.cols)
	}
	return a.row
}
