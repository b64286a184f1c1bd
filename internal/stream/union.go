package stream

import (
	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// union reads its inputs one after the other.
func (x *exec) union(op *plan.Union, extra int) (*node, error) {
	l := layoutOf(op.Cols)
	type leg struct {
		in    *node
		slots []int // of each column; -1 where it is missing
		rest  int
	}
	legs := make([]leg, len(op.Inputs))
	open := false
	for i, input := range op.Inputs {
		in, err := x.compile(input.Op, 0)
		if err != nil {
			return nil, err
		}
		legs[i] = leg{in: in, slots: make([]int, len(op.Cols)), rest: -1}
		for j, id := range input.From {
			legs[i].slots[j] = -1
			if slot, ok := in.slots[id]; ok && id != 0 {
				legs[i].slots[j] = slot
			}
		}
		if rest, ok := in.slots[openID]; ok {
			legs[i].rest, open = rest, true
		}
	}
	rest := -1
	if open {
		rest = l.add(openID)
	}
	return &node{layout: l, run: func(emit emitter) error {
		for i, leg := range legs {
			out := x.outlet(l.width+extra, emit)
			empty := make([]eval.Value, len(op.Cols))
			for j, c := range op.Cols {
				empty[j] = eval.Null(c.Type)
				if c.ID == op.Source && op.Source != 0 {
					empty[j] = eval.String(op.Inputs[i].Name)
				}
			}
			err := leg.in.run(func(rows []Row) error {
				for _, r := range rows {
					to, err := out.row()
					if err != nil {
						return err
					}
					for j, slot := range leg.slots {
						if slot < 0 {
							to[j] = empty[j]
						} else {
							to[j] = as(r[slot], op.Cols[j].Type)
						}
					}
					if rest >= 0 {
						to[rest] = eval.Null(kql.TypeDynamic)
						if leg.rest >= 0 {
							to[rest] = r[leg.rest]
						}
					}
				}
				return out.flush()
			})
			if err != nil {
				return err
			}
		}
		return nil
	}}, nil
}
