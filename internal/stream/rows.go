package stream

import (
	"maps"
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql/plan"
)

// openID is the ID under which a row keeps the columns that nothing but the data knows, as one bag.
const openID = 0

// layout says where columns stand in a row: the slot of each ID, and how many slots are in use.
type layout struct {
	slots map[int]int
	width int
}

// layoutOf gives the columns the first slots, in their order.
func layoutOf(cols []plan.Column) layout {
	l := layout{slots: make(map[int]int, len(cols)), width: len(cols)}
	for i := range cols {
		l.slots[cols[i].ID] = i
	}
	return l
}

// add gives a column the next slot.
func (l *layout) add(id int) int {
	slot := l.width
	l.slots[id] = slot
	l.width++
	return slot
}

// clone gives a layout that can be added to.
func (l layout) clone() layout {
	l.slots = maps.Clone(l.slots)
	return l
}

// emitter takes a batch of rows. For the time of the call it may write into the slots beyond those of the layout that it
// was told of; it must leave the batch as it is, and copy what it keeps.
type emitter func(rows []Row) error

// node is a compiled step.
type node struct {
	layout
	// run pushes all rows. It may be called again for the rows of another group.
	run func(emit emitter) error
	// rows gives all rows at once, or is nil: steps have it that keep their rows anyway.
	rows func() (*kept, error)
}

// batchRows is how many rows a step that makes rows pushes at once.
const batchRows = 256

// outlet makes the rows of a step in a buffer that is used again and again.
type outlet struct {
	x     *exec
	width int
	emit  emitter
	rows  []Row
	n     int
}

func (x *exec) outlet(width int, emit emitter) *outlet {
	return &outlet{x: x, width: width, emit: emit}
}

// row gives the next row to fill.
func (o *outlet) row() (Row, error) {
	if o.n == batchRows {
		if err := o.flush(); err != nil {
			return nil, err
		}
	}
	if o.n == len(o.rows) {
		grown := min(max(1, len(o.rows)), batchRows-len(o.rows)) // small results need small buffers
		slab := make([]eval.Value, grown*o.width)
		for i := range grown {
			o.rows = append(o.rows, slab[i*o.width:(i+1)*o.width:(i+1)*o.width])
		}
	}
	o.n++
	return o.rows[o.n-1], o.x.tick()
}

// flush pushes the rows made so far.
func (o *outlet) flush() error {
	if o.n == 0 {
		return nil
	}
	n := o.n
	o.n = 0
	if err := o.x.fault(); err != nil {
		return err
	}
	return o.emit(o.rows[:n:n])
}

// kept is rows that a step keeps.
type kept struct {
	rows  []Row
	bytes int64
}

// keeper copies rows.
type keeper struct {
	x     *exec
	slots []int // what is copied
	extra int   // free slots after that
	slab  []eval.Value
	kept
}

// keep gives a keeper of the columns of a layout, and the layout of the copies.
func (x *exec) keeper(in layout, extra int) (func() *keeper, layout) {
	out := layout{slots: make(map[int]int, len(in.slots))}
	var slots []int
	at := map[int]int{} // two columns may be in one slot
	ids := make([]int, 0, len(in.slots))
	for id := range in.slots {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		slot := in.slots[id]
		to, ok := at[slot]
		if !ok {
			to = len(slots)
			at[slot] = to
			slots = append(slots, slot)
		}
		out.slots[id] = to
	}
	out.width = len(slots)
	return func() *keeper { return &keeper{x: x, slots: slots, extra: extra} }, out
}

const slabValues = 8192

// copy gives a copy of a row, which is counted but not in rows.
func (k *keeper) copy(row Row) (Row, error) {
	width := len(k.slots) + k.extra
	if len(k.slab) < width {
		// The first rows get small slabs: many a sub-query has but a few.
		k.slab = make([]eval.Value, max(width, min(slabValues, (len(k.rows)+1)*width)))
	}
	to := k.slab[:width:width]
	k.slab = k.slab[width:]
	bytes := int64(width) * valueBytes
	for i, slot := range k.slots {
		to[i] = row[slot]
		bytes += contentBytes(row[slot])
	}
	k.bytes += bytes
	return to, k.x.hold(bytes)
}

// add keeps a copy of a row.
func (k *keeper) add(row Row) error {
	to, err := k.copy(row)
	k.rows = append(k.rows, to)
	return err
}

// collect keeps all rows of a step.
func (x *exec) collect(in *node, make func() *keeper) (*kept, error) {
	k := make()
	err := in.run(func(rows []Row) error {
		for _, r := range rows {
			if err := k.add(r); err != nil {
				return err
			}
		}
		return nil
	})
	return &k.kept, err
}

// all gives a function for the rows of a step with free slots, and their layout: those that it keeps anyway, or copies.
func (x *exec) all(op plan.Op, extra int) (func() (*kept, error), layout, error) {
	in, err := x.compile(op, extra)
	if err != nil {
		return nil, layout{}, err
	}
	if in.rows != nil {
		return in.rows, in.layout, nil
	}
	make, out := x.keeper(in.layout, extra)
	return func() (*kept, error) { return x.collect(in, make) }, out, nil
}

// holding makes a node of a function that gives all rows at once.
func (x *exec) holding(l layout, rows func() (*kept, error)) *node {
	return &node{layout: l, rows: rows, run: func(emit emitter) error {
		k, err := rows()
		if err != nil {
			return err
		}
		defer x.release(k.bytes)
		return x.emitAll(k.rows, emit)
	}}
}

// emitAll pushes rows that are emitted but once.
func (x *exec) emitAll(rows []Row, emit emitter) error {
	for len(rows) > 0 {
		if err := x.fault(); err != nil {
			return err
		}
		n := min(len(rows), 1024)
		if err := emit(rows[:n:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return x.fault()
}

// valueBytes is about the size of a value without what it points to.
const valueBytes = 40

// contentBytes is about the size of what a value points to.
func contentBytes(v eval.Value) int64 {
	n := int64(len(v.Str()))
	if t := v.Tree(); t != nil {
		n += int64(len(t.Items))*valueBytes + 48
		for i := range t.Items {
			n += int64(len(t.Items[i].Str()))
		}
	}
	return n
}
