package stream

import (
	"errors"
	"fmt"
	"math"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

func (x *exec) scan(op *plan.Scan, extra int) (*node, error) {
	if x.src == nil {
		return nil, fmt.Errorf("table %s: there is no data", op.Table)
	}
	var w plan.Window
	if x.o.Window != nil {
		w = x.o.Window(op)
	}
	read := func(emit func([]Row) error) error { return x.src.Scan(x.ctx, op, w, emit) }
	return x.reader(op.Columns, extra, read), nil
}

func (x *exec) external(op *plan.External, extra int) (*node, error) {
	src, ok := x.src.(ExternalSource)
	if !ok {
		return nil, ErrNoExternal
	}
	read := func(emit func([]Row) error) error { return src.External(x.ctx, op, emit) }
	return x.reader(op.Cols, extra, read), nil
}

// reader makes a node of rows from outside.
func (x *exec) reader(cols []plan.Column, extra int, read func(emit func([]Row) error) error) *node {
	l := layoutOf(cols)
	return &node{layout: l, run: func(emit emitter) error {
		out := x.outlet(l.width+extra, emit)
		err := read(func(rows []Row) error {
			if extra == 0 {
				if err := x.fault(); err != nil {
					return err
				}
				return emit(rows)
			}
			for _, r := range rows {
				to, err := out.row()
				if err != nil {
					return err
				}
				copy(to, r)
			}
			return out.flush()
		})
		if err != nil {
			return err
		}
		return x.fault()
	}}
}

func (x *exec) values(op *plan.Values, extra int) (*node, error) {
	l := layoutOf(op.Cols)
	sc := x.scope(layout{})
	rows := make([][]value, len(op.Rows))
	for i, exprs := range op.Rows {
		var err error
		if rows[i], err = sc.list(exprs); err != nil {
			return nil, err
		}
	}
	return &node{layout: l, run: func(emit emitter) error {
		out := x.outlet(l.width+extra, emit)
		for _, r := range rows {
			to, err := out.row()
			if err != nil {
				return err
			}
			sc.next()
			for i, f := range r {
				to[i] = as(f(nil), op.Cols[i].Type)
			}
		}
		return out.flush()
	}}, nil
}

// rangeOf counts in ticks or whole numbers, or multiplies the step of reals, so that errors do not add up.
func (x *exec) rangeOf(op *plan.Range, extra int) (*node, error) {
	parts, err := x.scope(layout{}).list([]plan.Expr{op.From, op.To, op.Step})
	if err != nil {
		return nil, err
	}
	l := layoutOf([]plan.Column{op.Col})
	t := op.Col.Type
	return &node{layout: l, run: func(emit emitter) error {
		from, to, step := parts[0](nil), parts[1](nil), parts[2](nil)
		if from.IsNull() || to.IsNull() || step.IsNull() {
			return nil
		}
		out := x.outlet(l.width+extra, emit)
		made := fanout{x: x}
		err := steps(t, from, to, step, func(v eval.Value) error {
			row, err := out.row()
			if err != nil {
				return err
			}
			row[0] = as(v, t)
			return made.add(1)
		})
		if err != nil {
			return err
		}
		return out.flush()
	}}, nil
}

// steps gives from, from+step and so on, up to and with to.
func steps(t kql.Type, from, to, step eval.Value, give func(eval.Value) error) error {
	if t == kql.TypeReal || t == kql.TypeDecimal {
		f, e, s := eval.Convert(from, kql.TypeReal).Real(), eval.Convert(to, kql.TypeReal).Real(), eval.Convert(step, kql.TypeReal).Real()
		if s == 0 || math.IsNaN(f) || math.IsNaN(e) || math.IsNaN(s) || math.IsInf(f, 0) {
			return errStep
		}
		for i := 0; ; i++ {
			v := f + float64(i)*s
			if s > 0 && v > e || s < 0 && v < e || math.IsInf(v, 0) {
				return nil
			}
			if err := give(eval.Real(v)); err != nil {
				return err
			}
		}
	}
	make := eval.Long
	switch t { //nolint:exhaustive // the others are whole numbers
	case kql.TypeDateTime:
		make = eval.Datetime
	case kql.TypeTimespan:
		make = eval.Timespan
	}
	at, end, by := from.Int(), to.Int(), step.Int()
	if by == 0 {
		return errStep
	}
	for by > 0 && at <= end || by < 0 && at >= end {
		if err := give(make(at)); err != nil {
			return err
		}
		next := at + by
		if (next > at) != (by > 0) { // past the largest number
			return nil
		}
		at = next
	}
	return nil
}

var errStep = errors.New("range cannot go on with this step")

// given are the rows of a sub-query's source while it runs.
type given struct {
	layout
	extra int // free slots that the sub-query asks for
	rows  []Row
}

func (x *exec) rowsOf(_ *plan.Rows, extra int) (*node, error) {
	g := x.given
	if g == nil {
		return nil, errors.New("BUG: stream: rows of no sub-query")
	}
	g.extra = max(g.extra, extra)
	return &node{layout: g.layout, run: func(emit emitter) error {
		if len(g.rows) == 0 {
			return nil
		}
		return emit(g.rows)
	}}, nil
}

// sharedTable is a materialized table: its rows, column by column.
type sharedTable struct {
	kept  *kept
	slots []int
}

func (x *exec) sharedOf(op *plan.Shared, extra int) (*node, error) {
	cols := plan.Columns(op)
	st := x.shared[op.Key]
	if st == nil {
		outer := x.given
		x.given = nil
		rows, l, err := x.all(op.Input, 0)
		x.given = outer
		if err != nil {
			return nil, err
		}
		st = &sharedTable{}
		for _, c := range cols {
			st.slots = append(st.slots, l.slots[c.ID])
		}
		if rest, ok := l.slots[openID]; ok {
			st.slots = append(st.slots, rest)
		}
		if st.kept, err = rows(); err != nil {
			return nil, err
		}
		x.shared[op.Key] = st
	}
	l := layoutOf(cols)
	if len(st.slots) > len(cols) {
		l.add(openID)
	}
	return &node{layout: l, run: func(emit emitter) error {
		out := x.outlet(l.width+extra, emit)
		for _, r := range st.kept.rows {
			to, err := out.row()
			if err != nil {
				return err
			}
			for i, s := range st.slots {
				to[i] = r[s]
			}
		}
		return out.flush()
	}}, nil
}
