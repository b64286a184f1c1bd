package stream

import (
	"bytes"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// windowed compiles the input of a step whose expressions may have window functions, and gives the scope for them. Window
// functions need all rows, and are computed into slots of their own, one after the other: one may stand within another.
func (x *exec) windowed(op plan.Op, extra int, exprs ...plan.Expr) (*node, *scope, error) {
	var wins []*plan.Win
	seen := map[plan.Expr]bool{}
	for _, e := range exprs {
		wins = windowsIn(e, seen, wins)
	}
	if len(wins) == 0 {
		in, err := x.compile(op, extra)
		if err != nil {
			return nil, nil, err
		}
		return in, x.scope(in.layout, exprs...), nil
	}
	all, l, err := x.all(op, extra+len(wins))
	if err != nil {
		return nil, nil, err
	}
	l = l.clone()
	sc := x.scope(l, exprs...)
	type step struct {
		slot int
		run  func(rows []Row, slot int)
	}
	steps := make([]step, len(wins))
	for i, w := range wins {
		run, err := sc.window(w)
		if err != nil {
			return nil, nil, err
		}
		steps[i] = step{l.width, run}
		sc.win[w] = l.width
		l.width++
	}
	return x.holding(l, func() (*kept, error) {
		k, err := all()
		if err != nil {
			return nil, err
		}
		for _, s := range steps {
			s.run(k.rows, s.slot)
			if err := x.fault(); err != nil {
				return nil, err
			}
		}
		return k, nil
	}), sc, nil
}

// windowsIn finds the window functions of an expression, inner ones first.
func windowsIn(e plan.Expr, seen map[plan.Expr]bool, found []*plan.Win) []*plan.Win {
	switch e := e.(type) {
	case *plan.Call:
		if seen[e] {
			return found
		}
		seen[e] = true
		for _, a := range e.Args {
			found = windowsIn(a, seen, found)
		}
	case *plan.Win:
		if seen[e] {
			return found
		}
		seen[e] = true
		for _, a := range e.Args {
			found = windowsIn(a, seen, found)
		}
		return append(found, e)
	case *plan.Col, *plan.Lit, *plan.ParamRef, *plan.Sub, *plan.Agg:
	}
	return found
}

// window compiles a window function into one that fills a slot of all rows.
func (s *scope) window(w *plan.Win) (func(rows []Row, slot int), error) {
	args, err := s.list(w.Args)
	if err != nil {
		return nil, err
	}
	switch w.Fn { //nolint:exhaustive // only these are window functions
	case plan.FnNext:
		return s.shifted(w, args, 1), nil
	case plan.FnPrev:
		return s.shifted(w, args, -1), nil
	case plan.FnRowNumber:
		return s.rowNumber(args), nil
	case plan.FnRowCumsum:
		return s.rowCumsum(w, args)
	case plan.FnRowRank, plan.FnRowRankDense, plan.FnRowRankMin:
		return s.rowRank(w, args), nil
	case plan.FnRowWindowSession:
		return s.session(args), nil
	}
	return nil, unsupported(w.Fn.String())
}

// argument gives the value of an argument that may be left out.
func argument(args []value, i int, row Row, otherwise eval.Value) eval.Value {
	if i >= len(args) {
		return otherwise
	}
	return args[i](row)
}

// restarts reports whether the argument that makes a window function begin anew is true.
func restarts(args []value, i int, row Row) bool {
	is, _ := truth(argument(args, i, row, eval.Bool(false)))
	return is
}

// shifted is next, or prev: the value of another row, or the default beyond the ends.
func (s *scope) shifted(w *plan.Win, args []value, sign int64) func([]Row, int) {
	t := w.Type
	return func(rows []Row, slot int) {
		for i, r := range rows {
			s.next()
			off := argument(args, 1, r, eval.Long(1)).Inner()
			at := int64(i) + sign*off.Int()
			if off.IsNull() || at < 0 || at >= int64(len(rows)) {
				r[slot] = as(argument(args, 2, r, eval.Null(t)), t)
				continue
			}
			s.next()
			r[slot] = args[0](rows[at])
		}
	}
}

func (s *scope) rowNumber(args []value) func([]Row, int) {
	return func(rows []Row, slot int) {
		at := int64(0)
		for i, r := range rows {
			s.next()
			if i == 0 || restarts(args, 1, r) {
				at = argument(args, 0, r, eval.Long(1)).Int()
			}
			r[slot] = eval.Long(at)
			at++
		}
	}
}

// rowCumsum adds up; nulls count as nothing.
func (s *scope) rowCumsum(w *plan.Win, args []value) (func([]Row, int), error) {
	add, ok := eval.Scalar(plan.FnAdd)
	if !ok {
		return nil, unsupported("+")
	}
	t := w.Type
	sumType := t
	if t == kql.TypeInt {
		sumType = kql.TypeLong
	}
	env := s.x.env
	return func(rows []Row, slot int) {
		zero := eval.Convert(eval.Long(0), sumType)
		if t == kql.TypeTimespan {
			zero = eval.Timespan(0)
		}
		sum := zero
		pair := make([]eval.Value, 2)
		for _, r := range rows {
			s.next()
			if restarts(args, 1, r) {
				sum = zero
			}
			if v := args[0](r); !v.IsNull() {
				pair[0], pair[1] = sum, as(v, sumType)
				sum = add(env, sumType, pair)
			}
			r[slot] = as(sum, t)
		}
	}, nil
}

// rowRank ranks rows that stand in the order of a value: row_rank_dense counts the values, row_rank_min gives the number
// of the first row that has the value. Whether the value or the group changed decides, not its size.
func (s *scope) rowRank(w *plan.Win, args []value) func([]Row, int) {
	dense := w.Fn != plan.FnRowRankMin
	return func(rows []Row, slot int) {
		var last, key []byte
		rank, count := int64(0), int64(0)
		for i, r := range rows {
			s.next()
			key = eval.Key(key[:0], args[0](r))
			switch {
			case i == 0 || restarts(args, 1, r):
				rank, count = 1, 1
			default:
				count++
				if !bytes.Equal(key, last) {
					if dense {
						rank++
					} else {
						rank = count
					}
				}
			}
			last, key = key, last
			r[slot] = eval.Long(rank)
		}
	}
}

// session gives each row the time at which its session began: a new one begins where the time since the session's
// beginning, or since the row before, is too long.
func (s *scope) session(args []value) func([]Row, int) {
	return func(rows []Row, slot int) {
		start, before := int64(0), int64(0)
		open := false
		for _, r := range rows {
			s.next()
			v := args[0](r)
			if v.IsNull() {
				r[slot] = eval.Null(kql.TypeDateTime)
				continue
			}
			at := v.Int()
			longest, gap := args[1](r), args[2](r)
			if !open || restarts(args, 3, r) || at-start > longest.Int() || at-before > gap.Int() {
				start, open = at, true
			}
			before = at
			r[slot] = eval.Datetime(start)
		}
	}
}
