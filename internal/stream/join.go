package stream

import (
	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// keyFunc gives the join key of a row: all its parts, each so written that no two keys are alike.
type keyFunc func(dst []byte, row Row) []byte

func (x *exec) joinKeys(in layout, on []plan.JoinKey, right bool) (keyFunc, error) {
	exprs := make([]plan.Expr, len(on))
	for i, k := range on {
		exprs[i] = k.Left
		if right {
			exprs[i] = k.Right
		}
	}
	sc := x.scope(in, exprs...)
	parts, err := sc.list(exprs)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, row Row) []byte {
		sc.next()
		for i, f := range parts {
			dst = eval.Key(dst, as(f(row).Inner(), on[i].Type).Inner())
		}
		return dst
	}, nil
}

// join is a hash join: the right side is kept, the left side is probed with as it comes.
func (x *exec) join(op *plan.Join, extra int) (*node, error) {
	switch op.Kind {
	case plan.LeftSemi, plan.LeftAnti:
		return x.semi(op.Left, op.Right, op.On, false, op.Kind == plan.LeftSemi, extra)
	case plan.RightSemi, plan.RightAnti:
		return x.semi(op.Right, op.Left, op.On, true, op.Kind == plan.RightSemi, extra)
	case plan.InnerUnique, plan.Inner, plan.LeftOuter, plan.RightOuter, plan.FullOuter:
	}
	left, err := x.compile(op.Left, 0)
	if err != nil {
		return nil, err
	}
	right, rl, err := x.all(op.Right, 0)
	if err != nil {
		return nil, err
	}
	j := &joiner{x: x, op: op, left: left, right: right, extra: extra}
	if j.leftKey, err = x.joinKeys(left.layout, op.On, false); err != nil {
		return nil, err
	}
	if j.rightKey, err = x.joinKeys(rl, op.On, true); err != nil {
		return nil, err
	}
	l := layoutOf(op.Cols)
	for _, c := range op.Cols {
		from := side{slot: left.slots[c.ID], null: eval.Null(c.Type)}
		if _, ok := left.slots[c.ID]; !ok {
			from.right = true
			from.slot = rl.slots[c.ID]
		}
		j.from = append(j.from, from)
	}
	if slot, ok := left.slots[openID]; ok {
		j.from = append(j.from, side{slot: slot, null: eval.Null(kql.TypeDynamic)})
		l.add(openID)
	} else if slot, ok := rl.slots[openID]; ok {
		j.from = append(j.from, side{slot: slot, right: true, null: eval.Null(kql.TypeDynamic)})
		l.add(openID)
	}
	j.width = l.width
	return &node{layout: l, run: j.run}, nil
}

// side says from where a column of a join comes.
type side struct {
	right bool
	slot  int
	null  eval.Value // where that side has no row
}

type joiner struct {
	x                 *exec
	op                *plan.Join
	left              *node
	right             func() (*kept, error)
	leftKey, rightKey keyFunc
	from              []side
	width, extra      int
}

// chains finds the rows of a key: the first of each, and for each row the next of its key, or -1.
type chains struct {
	first map[string]int32
	next  []int32
	bytes int64
}

func (x *exec) chain(rows []Row, key keyFunc) (*chains, error) {
	c := &chains{first: map[string]int32{}, next: make([]int32, len(rows))}
	last := map[string]int32{}
	var buf []byte
	for i, r := range rows {
		c.next[i] = -1
		buf = key(buf[:0], r)
		if before, ok := last[string(buf)]; ok {
			c.next[before] = int32(i)
			last[string(buf)] = int32(i)
			continue
		}
		text := string(buf)
		c.first[text], last[text] = int32(i), int32(i)
		bytes := int64(len(text)) + 80
		c.bytes += bytes
		if err := x.hold(bytes); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (j *joiner) run(emit emitter) error {
	x := j.x
	right, err := j.right()
	if err != nil {
		return err
	}
	defer x.release(right.bytes)
	table, err := x.chain(right.rows, j.rightKey)
	defer func() { x.release(table.bytes) }()
	if err != nil {
		return err
	}
	kind := j.op.Kind
	var matched []bool
	if kind == plan.RightOuter || kind == plan.FullOuter {
		matched = make([]bool, len(right.rows))
	}
	out := x.outlet(j.width+j.extra, emit)
	made := fanout{x: x}
	unique := j.unique()
	var buf []byte
	err = j.left.run(func(rows []Row) error {
		for _, l := range rows {
			buf = j.leftKey(buf[:0], l)
			if again, err := unique(buf); again || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			at, ok := table.first[string(buf)]
			if !ok {
				if kind == plan.LeftOuter || kind == plan.FullOuter {
					if err := j.put(out, &made, l, nil); err != nil {
						return err
					}
				}
				continue
			}
			for ; at >= 0; at = table.next[at] {
				if matched != nil {
					matched[at] = true
				}
				if err := j.put(out, &made, l, right.rows[at]); err != nil {
					return err
				}
			}
		}
		return out.flush()
	})
	if err != nil {
		return err
	}
	for i, done := range matched {
		if !done {
			if err := j.put(out, &made, nil, right.rows[i]); err != nil {
				return err
			}
		}
	}
	return out.flush()
}

// unique tells whether a key of the left came before, for innerunique, which takes one row of each.
func (j *joiner) unique() func(key []byte) (bool, error) {
	if j.op.Kind != plan.InnerUnique {
		return func([]byte) (bool, error) { return false, nil }
	}
	seen := map[string]struct{}{}
	return func(key []byte) (bool, error) {
		if _, ok := seen[string(key)]; ok {
			return true, nil
		}
		seen[string(key)] = struct{}{}
		return false, j.x.hold(int64(len(key)) + 48)
	}
}

// put makes a row of two; one of them may be nil.
func (j *joiner) put(out *outlet, made *fanout, left, right Row) error {
	to, err := out.row()
	if err != nil {
		return err
	}
	for i := range j.from {
		row := left
		if j.from[i].right {
			row = right
		}
		if row == nil {
			to[i] = j.from[i].null
		} else {
			to[i] = row[j.from[i].slot]
		}
	}
	return made.add(1)
}

// semi keeps the rows of one table whose keys are, or are not, among those of another. With swapped the rows are those of
// the right side of the keys.
func (x *exec) semi(rows, other plan.Op, on []plan.JoinKey, swapped, want bool, extra int) (*node, error) {
	in, err := x.compile(rows, extra)
	if err != nil {
		return nil, err
	}
	keys, err := x.compile(other, 0)
	if err != nil {
		return nil, err
	}
	rowKey, err := x.joinKeys(in.layout, on, swapped)
	if err != nil {
		return nil, err
	}
	otherKey, err := x.joinKeys(keys.layout, on, !swapped)
	if err != nil {
		return nil, err
	}
	return &node{layout: in.layout, run: func(emit emitter) error {
		set := map[string]struct{}{}
		held := int64(0)
		defer func() { x.release(held) }()
		var buf []byte
		err := keys.run(func(rows []Row) error {
			for _, r := range rows {
				buf = otherKey(buf[:0], r)
				if _, ok := set[string(buf)]; ok {
					continue
				}
				set[string(buf)] = struct{}{}
				held += int64(len(buf)) + 48
				if err := x.hold(int64(len(buf)) + 48); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		var left []Row
		return in.run(func(rows []Row) error {
			left = left[:0]
			for _, r := range rows {
				buf = rowKey(buf[:0], r)
				if _, ok := set[string(buf)]; ok == want {
					left = append(left, r)
				}
			}
			if len(left) == 0 {
				return x.fault()
			}
			return emit(left)
		})
	}}, nil
}
