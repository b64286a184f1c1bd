package stream

import (
	"errors"
	"math/rand/v2"
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

func (x *exec) filter(op *plan.Filter, extra int) (*node, error) {
	in, sc, err := x.windowed(op.Input, extra, op.Pred)
	if err != nil {
		return nil, err
	}
	pred, err := sc.compile(op.Pred)
	if err != nil {
		return nil, err
	}
	return &node{layout: in.layout, run: func(emit emitter) error {
		var left []Row
		return in.run(func(rows []Row) error {
			left = left[:0]
			for _, r := range rows {
				sc.next()
				if is, _ := truth(pred(r)); is {
					left = append(left, r)
				}
			}
			if err := x.fault(); err != nil || len(left) == 0 {
				return err
			}
			return emit(left)
		})
	}}, nil
}

// computed is a column that a step writes into its rows.
type computed struct {
	slot int
	f    value
	t    kql.Type
}

// project computes what is new into the free slots of its rows, and passes the rest on where it stands.
func (x *exec) project(op *plan.Project, extra int) (*node, error) {
	exprs := make([]plan.Expr, 0, len(op.Cols))
	fresh := 0
	for _, c := range op.Cols {
		exprs = append(exprs, c.X)
		if _, ok := c.X.(*plan.Col); !ok {
			fresh++
		}
	}
	if len(op.Away) > 0 {
		fresh++
	}
	in, sc, err := x.windowed(op.Input, extra+fresh, exprs...)
	if err != nil {
		return nil, err
	}
	out := layout{slots: make(map[int]int, len(op.Cols)), width: in.width}
	var news []computed
	for _, c := range op.Cols {
		if ref, ok := c.X.(*plan.Col); ok {
			if slot, ok := in.slots[ref.ID]; ok {
				out.slots[c.Col.ID] = slot
				continue
			}
		}
		f, err := sc.compile(c.X)
		if err != nil {
			return nil, err
		}
		news = append(news, computed{slot: out.add(c.Col.ID), f: f, t: c.Col.Type})
	}
	if rest, ok := in.slots[openID]; ok && op.Open {
		out.slots[openID] = rest
		if len(op.Away) > 0 {
			away := op.Away
			news = append(news, computed{slot: out.add(openID), t: kql.TypeDynamic, f: func(row Row) eval.Value {
				return without(row[rest], away)
			}})
		}
	}
	if len(news) == 0 {
		return &node{layout: out, run: in.run, rows: in.rows}, nil
	}
	return &node{layout: out, run: func(emit emitter) error {
		return in.run(func(rows []Row) error {
			for _, r := range rows {
				sc.next()
				for i := range news {
					r[news[i].slot] = as(news[i].f(r), news[i].t)
				}
			}
			if err := x.fault(); err != nil {
				return err
			}
			return emit(rows)
		})
	}}, nil
}

// number gives the value of a count such as that of take: not negative, and 0 for null.
func (x *exec) number(e plan.Expr) (func() int, error) {
	f, err := x.scope(layout{}).compile(e)
	if err != nil {
		return nil, err
	}
	return func() int { return int(max(0, f(nil).Inner().Int())) }, nil
}

func (x *exec) take(op *plan.Take, extra int) (*node, error) {
	in, err := x.compile(op.Input, extra)
	if err != nil {
		return nil, err
	}
	count, err := x.number(op.N)
	if err != nil {
		return nil, err
	}
	return &node{layout: in.layout, run: func(emit emitter) error {
		left := count()
		if left == 0 {
			return nil
		}
		enough := errors.New("enough rows") // its own, for the steps above have others
		err := in.run(func(rows []Row) error {
			if len(rows) < left {
				left -= len(rows)
				return emit(rows)
			}
			if err := emit(rows[:left]); err != nil {
				return err
			}
			return enough
		})
		if errors.Is(err, enough) {
			return nil
		}
		return err
	}}, nil
}

// sample takes rows by chance, but always the same of the same rows, and keeps their order.
func (x *exec) sample(op *plan.Sample, extra int) (*node, error) {
	count, err := x.number(op.N)
	if err != nil {
		return nil, err
	}
	all, l, err := x.all(op.Input, extra)
	if err != nil {
		return nil, err
	}
	return x.holding(l, func() (*kept, error) {
		k, err := all()
		if err != nil {
			return nil, err
		}
		n := count()
		if n >= len(k.rows) {
			return k, nil
		}
		chosen := make([]int, n)
		chance := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it must be the same each time
		for i := range k.rows {
			if i < n {
				chosen[i] = i
			} else if at := chance.IntN(i + 1); at < n {
				chosen[at] = i
			}
		}
		slices.Sort(chosen)
		for i, at := range chosen {
			k.rows[i] = k.rows[at]
		}
		k.rows = k.rows[:n]
		return k, nil
	}), nil
}
