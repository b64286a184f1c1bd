package stream

import (
	"errors"
	"math"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// axis is what a series goes along: points from a first one on in steps, each with all that lies before the next.
type axis struct {
	t          kql.Type
	from, step eval.Value
	n          int
}

// maxPoints bounds the length of a series, as the language's own engine does.
const maxPoints = 1_048_576

var errSeries = errors.New("make-series needs a step greater than 0, and bounds of the type of its axis")

// newAxis gives the points from from up to to, without to itself unless it is closed.
func newAxis(t kql.Type, from, to, step eval.Value, closed bool) (*axis, error) {
	if step.IsNull() || t != kql.TypeDateTime && t != kql.TypeTimespan && step.Type() == kql.TypeTimespan {
		return nil, errSeries
	}
	a := &axis{t: t, from: from, step: step}
	if from.IsNull() || to.IsNull() { // there are no rows to go by
		return a, nil
	}
	var n float64
	if t == kql.TypeReal || t == kql.TypeDecimal {
		a.from, a.step = eval.Convert(from, kql.TypeReal), eval.Convert(step, kql.TypeReal)
		a.t = kql.TypeReal
		end := eval.Convert(to, kql.TypeReal).Real()
		if !(a.step.Real() > 0) {
			return nil, errSeries
		}
		n = math.Ceil((end - a.from.Real()) / a.step.Real())
		if closed && a.from.Real()+n*a.step.Real() <= end {
			n++
		}
	} else {
		if step.Int() <= 0 {
			return nil, errSeries
		}
		whole := uint64(0)
		if span := uint64(to.Int()) - uint64(from.Int()); to.Int() >= from.Int() {
			s := uint64(step.Int())
			whole = span / s
			if span%s != 0 || closed {
				whole++
			}
		}
		n = float64(whole)
	}
	if math.IsNaN(n) || n > maxPoints {
		return nil, &LimitError{Limit: "points of a series", Max: maxPoints}
	}
	a.n = int(max(0, n))
	return a, nil
}

// index gives the point that a value belongs to.
func (a *axis) index(v eval.Value) (int, bool) {
	if v.IsNull() || a.n == 0 {
		return 0, false
	}
	if a.t == kql.TypeReal {
		i := math.Floor((eval.Convert(v, kql.TypeReal).Real() - a.from.Real()) / a.step.Real())
		return int(i), i >= 0 && i < float64(a.n)
	}
	if v.Int() < a.from.Int() {
		return 0, false
	}
	i := (uint64(v.Int()) - uint64(a.from.Int())) / uint64(a.step.Int())
	return int(i), i < uint64(a.n)
}

// points gives the array of the points.
func (a *axis) points() eval.Value {
	items := make([]eval.Value, a.n)
	for i := range items {
		var v eval.Value
		switch a.t { //nolint:exhaustive // the others are whole numbers
		case kql.TypeReal:
			v = eval.Real(a.from.Real() + float64(i)*a.step.Real())
		case kql.TypeDateTime:
			v = eval.Datetime(a.from.Int() + int64(i)*a.step.Int())
		case kql.TypeTimespan:
			v = eval.Timespan(a.from.Int() + int64(i)*a.step.Int())
		default:
			v = eval.Long(a.from.Int() + int64(i)*a.step.Int())
		}
		items[i] = eval.ToDynamic(v)
	}
	return eval.Dynamic(&eval.Tree{Items: items})
}

// maker is a compiled make-series.
type maker struct {
	x              *exec
	op             *plan.MakeSeries
	all            func() (*kept, error)
	keys           *grouping
	cells          *grouping
	on             value
	from, to, step value // from and to may be nil
	defaults       []value
}

func (x *exec) makeSeries(op *plan.MakeSeries, extra int) (*node, error) {
	all, in, err := x.all(op.Input, 0)
	if err != nil {
		return nil, err
	}
	m := &maker{x: x, op: op, all: all}
	aggs := make([]plan.AggAssign, len(op.Aggs))
	for i := range op.Aggs {
		aggs[i] = op.Aggs[i].AggAssign
	}
	if m.keys, err = x.grouping(in, op.Keys, nil); err != nil {
		return nil, err
	}
	if m.cells, err = x.grouping(in, nil, aggs); err != nil {
		return nil, err
	}
	if m.on, err = m.keys.sc.compile(op.On.X); err != nil {
		return nil, err
	}
	none := x.scope(layout{})
	optional := func(e plan.Expr, to *value) {
		if e != nil && err == nil {
			*to, err = none.compile(e)
		}
	}
	optional(op.From, &m.from)
	optional(op.To, &m.to)
	optional(op.Step, &m.step)
	m.defaults = make([]value, len(op.Aggs))
	for i := range op.Aggs {
		optional(op.Aggs[i].Default, &m.defaults[i])
	}
	if err != nil {
		return nil, err
	}
	l := layoutOf(plan.Columns(op))
	return &node{layout: l, run: func(emit emitter) error {
		out := x.outlet(l.width+extra, emit)
		if err := m.run(out); err != nil {
			return err
		}
		return out.flush()
	}}, nil
}

// axis finds the bounds that are not given among the rows.
func (m *maker) axis(rows []Row) (*axis, error) {
	t := plan.TypeOf(m.op.On.X)
	var from, to eval.Value
	closed := m.op.Closed
	if m.from != nil {
		from = m.from(nil).Inner()
	}
	if m.to != nil {
		to = m.to(nil).Inner()
	}
	if m.from == nil || m.to == nil {
		for _, r := range rows {
			m.keys.sc.next()
			v := m.on(r)
			if outer(&v) > 0 {
				continue
			}
			if m.from == nil && (from.IsNull() || order(&v, &from) < 0) {
				from = v
			}
			if m.to == nil && (to.IsNull() || order(&v, &to) > 0) {
				to = v
			}
		}
	}
	if m.to == nil { // the greatest has its place too
		closed = true
	}
	return newAxis(t, from, to, m.step(nil).Inner(), closed)
}

// run makes a row of each group that has a row within the bounds. Its points without rows have the default.
func (m *maker) run(out *outlet) error {
	k, err := m.all()
	if err != nil {
		return err
	}
	defer m.x.release(k.bytes)
	a, err := m.axis(k.rows)
	if err != nil {
		return err
	}
	keys := m.keys.start()
	defer func() { m.x.release(keys.bytes) }()
	cells := m.cells.start()
	defer func() { m.x.release(cells.bytes) }()
	series := map[*grouped][]*grouped{}
	for _, r := range k.rows {
		keys.keysOf(r)
		i, ok := a.index(m.on(r).Inner())
		if !ok {
			continue
		}
		one, err := keys.find()
		if err != nil {
			return err
		}
		row := series[one]
		if row == nil {
			if err := keys.hold(int64(a.n) * 8); err != nil {
				return err
			}
			row = make([]*grouped, a.n)
			series[one] = row
		}
		if row[i] == nil {
			row[i] = &grouped{}
			for _, make := range m.cells.makes {
				row[i].aggs = append(row[i].aggs, make())
			}
		}
		if err := cells.feed(row[i], r); err != nil {
			return err
		}
	}
	points := a.points()
	for _, one := range keys.list {
		to, err := out.row()
		if err != nil {
			return err
		}
		n := copy(to, one.key)
		n += copy(to[n:], m.arrays(series[one]))
		to[n] = points
	}
	return m.x.fault()
}

// arrays gives the columns of the aggregates of one group.
func (m *maker) arrays(row []*grouped) []eval.Value {
	var arrays []eval.Value
	for i := range m.op.Aggs {
		first := len(arrays)
		width := len(m.op.Aggs[i].Cols)
		fill := eval.ToDynamic(eval.Long(0))
		if m.defaults[i] != nil {
			fill = eval.ToDynamic(m.defaults[i](nil))
		}
		columns := make([][]eval.Value, width)
		for _, cell := range row {
			var got []eval.Value
			if cell != nil {
				got = cell.aggs[i].Result()
			}
			for c := range columns {
				v := fill
				if got != nil {
					v = eval.ToDynamic(got[c])
				}
				columns[c] = append(columns[c], v)
			}
		}
		for c := range columns {
			arrays = append(arrays[:first+c], eval.Dynamic(&eval.Tree{Items: columns[c]}))
		}
	}
	return arrays
}
