package table

import "fmt"

// Builder appends rows to a [Table] cell by cell, in the order of its columns, without a box for each value. A row ends
// with its last cell. As with [Table.Append], a cell of a wrong type is a fault of the caller, and panics.
type Builder struct {
	t   *Table
	col int
}

// Build gives a Builder that appends to the table. It must not be mixed with Append within a row.
func (t *Table) Build() *Builder { return &Builder{t: t} }

// Null appends a null; in a String column it is the empty text.
func (b *Builder) Null() {
	b.t.appendNull(b.col)
	b.next()
}

// Word appends the value of an Int or Long, the ticks of a Datetime or Timespan, or a Bool as 0 or 1.
func (b *Builder) Word(v int64) {
	switch typ := b.t.cols[b.col].Type; typ {
	case Bool:
		if v != 0 {
			v = 1
		}
	case Int, Long, Datetime, Timespan:
		if !takesInteger(typ, v) {
			b.fault("a number beyond")
		}
	case Real, String, Dynamic, Guid, Decimal:
		b.fault("a number for")
	}
	vec := &b.t.vectors[b.col]
	vec.words = append(vec.words, v)
	b.next()
}

// Real appends the value of a Real.
func (b *Builder) Real(v float64) {
	if b.t.cols[b.col].Type != Real {
		b.fault("a real for")
	}
	vec := &b.t.vectors[b.col]
	vec.reals = append(vec.reals, v)
	b.next()
}

// Text appends a String, a Guid or the digits of a Decimal.
func (b *Builder) Text(v string) {
	switch b.t.cols[b.col].Type {
	case String, Guid, Decimal:
	case Bool, Int, Long, Real, Datetime, Timespan, Dynamic:
		b.fault("a text for")
	}
	vec := &b.t.vectors[b.col]
	vec.texts = append(vec.texts, v)
	b.next()
}

// JSON appends a Dynamic. As with [Table.Append], null is a null, and text that is not JSON becomes a JSON string.
func (b *Builder) JSON(v []byte) {
	if b.t.cols[b.col].Type != Dynamic {
		b.fault("a dynamic for")
	}
	text := normalJSON(v)
	if text == "" {
		b.Null()
		return
	}
	vec := &b.t.vectors[b.col]
	vec.texts = append(vec.texts, text)
	b.next()
}

func (b *Builder) next() {
	b.col++
	if b.col == len(b.t.cols) {
		b.col = 0
		b.t.rows++
	}
}

func (b *Builder) fault(what string) {
	c := b.t.cols[b.col]
	panic(fmt.Sprintf("BUG: table: %s column %s of type %s", what, c.Name, c.Type))
}
