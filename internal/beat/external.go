package beat

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// external runs the rules over a partition that is too large to be sorted in memory: it is sorted in runs, which go to
// a file and are merged. Rules by channel need an order of their own and so a second pass.
func (p *partitionRun) external(ctx context.Context, part int, rules []Delta) (out *Result, err error) {
	out = &Result{Rows: make([][]DeltaRow, len(rules))}
	runs := [2]*runFile{}
	defer func() {
		for _, f := range runs {
			if f != nil {
				err = errors.Join(err, f.close())
			}
		}
	}()
	for scope := range runs {
		if Scope(scope) == ByChannel && !usesChannels(rules) {
			continue // that by source counts the sources, too
		}
		if runs[scope], err = newRunFile(p.s.opt.Dir); err != nil {
			return nil, err
		}
	}
	if err := p.writeRuns(ctx, part, &runs); err != nil {
		return nil, err
	}
	for scope, f := range runs {
		if f == nil {
			continue
		}
		f.memory = p.most * rowBytes
		if err := f.run(ctx, Scope(scope), rules, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// writeRuns cuts a partition into runs that fit memory, their texts included, and writes each in the orders that are
// asked for.
func (p *partitionRun) writeRuns(ctx context.Context, part int, runs *[2]*runFile) error {
	n := &names{}
	m := newMerger(n)
	p.series.rows = slices.Grow(p.series.rows[:0], p.most)
	write := func() error {
		for scope, f := range runs {
			if f == nil {
				continue
			}
			compare := n.comparison(Scope(scope))
			slices.SortFunc(p.series.rows, func(a, b row) int { return compare(&a, &b) })
			if err := f.add(n, p.series.rows); err != nil {
				return err
			}
		}
		p.series.rows = p.series.rows[:0]
		*n = names{}
		m = newMerger(n)
		return nil
	}
	err := p.s.scan(part, func(b *block) error {
		m.rename(b)
		p.series.rows = append(p.series.rows, b.rows...)
		if len(p.series.rows)+blockRows > p.most || n.size > int64(p.most)*rowBytes {
			return errors.Join(ctx.Err(), write())
		}
		return nil
	})
	if err != nil {
		return err
	}
	return write()
}

// comparison gives the order of rows, sources together, that a scope asks for.
func (n *names) comparison(s Scope) func(a, b *row) int {
	if s == BySource {
		return func(a, b *row) int {
			if c := n.compareSource(a, b); c != 0 {
				return c
			}
			return n.compareTime(a, b)
		}
	}
	return func(a, b *row) int {
		if c := n.compareSource(a, b); c != 0 {
			return c
		}
		if c := n.compareDestination(a, b); c != 0 {
			return c
		}
		return n.compareTime(a, b)
	}
}

// compareSource orders by source: texts after addresses, and by their letters, so that the order is the same whatever
// their codes.
func (n *names) compareSource(a, b *row) int {
	if d := int(a.port&srcIsText) - int(b.port&srcIsText); d != 0 {
		return d
	}
	switch {
	case a.port&srcIsText != 0:
		return strings.Compare(n.texts[a.src], n.texts[b.src])
	case a.src < b.src:
		return -1
	case a.src > b.src:
		return 1
	}
	return 0
}

// runFile holds sorted runs of rows, one after the other, in a file without a name. Rows stand there with their texts,
// so that a merge needs no table of them.
type runFile struct {
	f    *os.File
	ends []int64 // where each run ends
	rows []int   // how many rows each run has
	// memory is the number of bytes that the buffers of a merge may take together, as far as leastBuffer allows, and
	// that the texts may which the rules hold.
	memory int
}

// leastBuffer and mostBuffer bound the part of a run that a merge reads at once.
const (
	leastBuffer = 4 << 10
	mostBuffer  = 64 << 10
)

func newRunFile(dir string) (*runFile, error) {
	s, err := newSpillFile(dir)
	if err != nil {
		return nil, err
	}
	return &runFile{f: s.f}, nil
}

func (f *runFile) close() error { return f.f.Close() }

func (f *runFile) add(n *names, rows []row) error {
	w := bufio.NewWriterSize(f.f, spillBuffer)
	var buf []byte
	size := int64(0)
	if len(f.ends) > 0 {
		size = f.ends[len(f.ends)-1]
	}
	for i := range rows {
		buf = n.appendRow(buf[:0], &rows[i])
		size += int64(len(buf))
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("beat: writing sorted flows to a temporary file (set TMPDIR, or give more --memory): %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("beat: writing sorted flows to a temporary file (set TMPDIR, or give more --memory): %w", err)
	}
	f.ends, f.rows = append(f.ends, size), append(f.rows, len(rows))
	return nil
}

// appendRow appends a row and its texts: device, user, then those of source and destination where they are texts.
func (n *names) appendRow(dst []byte, r *row) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.time))
	dst = binary.LittleEndian.AppendUint64(dst, r.order)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.sent))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.received))
	dst = binary.LittleEndian.AppendUint32(dst, r.src)
	dst = binary.LittleEndian.AppendUint32(dst, r.dst)
	dst = binary.LittleEndian.AppendUint32(dst, r.port)
	who := n.who[r.who]
	dst = appendText(appendText(dst, who.device), who.user)
	if r.port&srcIsText != 0 {
		dst = appendText(dst, n.texts[r.src])
	}
	if r.port&dstIsText != 0 {
		dst = appendText(dst, n.texts[r.dst])
	}
	return dst
}

// runRow is a row of a run with its texts; those of addresses are "" where they are none. The row's codes mean nothing.
type runRow struct {
	row
	device, user, src, dst []byte
}

const fixedBytes = 44

// read reads what appendRow wrote, into the row's own memory.
func (r *runRow) read(in *bufio.Reader) error {
	var p [fixedBytes]byte
	if _, err := io.ReadFull(in, p[:]); err != nil {
		return err
	}
	r.time = int64(binary.LittleEndian.Uint64(p[0:]))
	r.order = binary.LittleEndian.Uint64(p[8:])
	r.sent = int64(binary.LittleEndian.Uint64(p[16:]))
	r.received = int64(binary.LittleEndian.Uint64(p[24:]))
	r.row.src = binary.LittleEndian.Uint32(p[32:])
	r.row.dst = binary.LittleEndian.Uint32(p[36:])
	r.port = binary.LittleEndian.Uint32(p[40:])
	err := errors.Join(readText(in, &r.device), readText(in, &r.user))
	r.src, r.dst = r.src[:0], r.dst[:0]
	if err == nil && r.port&srcIsText != 0 {
		err = readText(in, &r.src)
	}
	if err == nil && r.port&dstIsText != 0 {
		err = readText(in, &r.dst)
	}
	return err
}

func readText(in *bufio.Reader, text *[]byte) error {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return err
	}
	if n > 1<<24 {
		return errSpill
	}
	*text = slices.Grow((*text)[:0], int(n))[:n]
	_, err = io.ReadFull(in, *text)
	return err
}

// cursor is a place in one run. Its row's texts of addresses stand in the merge's names, at 2*number and 2*number+1.
type cursor struct {
	in     *bufio.Reader
	number int
	left   int // rows that are still to be read
	at     *runRow
}

// next goes to the next row. It gives false at the end of the run.
func (c *cursor) next(n *names) (bool, error) {
	if c.left == 0 {
		return false, nil
	}
	c.left--
	if err := c.at.read(c.in); err != nil {
		return false, fmt.Errorf("beat: reading sorted flows back from a temporary file: %w", err)
	}
	if c.at.port&srcIsText != 0 {
		c.at.row.src = uint32(2 * c.number)
		n.texts[c.at.row.src] = string(c.at.src)
	}
	if c.at.port&dstIsText != 0 {
		c.at.row.dst = uint32(2*c.number + 1)
		n.texts[c.at.row.dst] = string(c.at.dst)
	}
	return true, nil
}

// cursors is a heap: the least row is on top.
type cursors struct {
	c       []*cursor
	compare func(a, b *row) int
}

// Len, Less, Swap, Push and Pop make cursors a heap.Interface.
func (h *cursors) Len() int           { return len(h.c) }
func (h *cursors) Less(i, j int) bool { return h.compare(&h.c[i].at.row, &h.c[j].at.row) < 0 }
func (h *cursors) Swap(i, j int)      { h.c[i], h.c[j] = h.c[j], h.c[i] }
func (h *cursors) Push(x any)         { h.c = append(h.c, x.(*cursor)) }
func (h *cursors) Pop() any {
	last := h.c[len(h.c)-1]
	h.c = h.c[:len(h.c)-1]
	return last
}

// merge gives the rows of all runs in order. A row is visit's until it returns.
func (f *runFile) merge(ctx context.Context, scope Scope, visit func(r *runRow)) error {
	n := &names{texts: make([]string, 2*len(f.ends))}
	h := &cursors{compare: n.comparison(scope)}
	from := int64(0)
	buffer := min(max(f.memory/max(len(f.ends), 1), leastBuffer), mostBuffer)
	for i, end := range f.ends {
		in := bufio.NewReaderSize(io.NewSectionReader(f.f, from, end-from), buffer)
		c := &cursor{in: in, number: i, left: f.rows[i], at: &runRow{}}
		from = end
		ok, err := c.next(n)
		if err != nil {
			return err
		}
		if ok {
			h.c = append(h.c, c)
		}
	}
	heap.Init(h)
	for i := 0; len(h.c) > 0; i++ {
		if i&0xFFFF == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		top := h.c[0]
		visit(top.at)
		ok, err := top.next(n)
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(h, 0)
		} else {
			heap.Pop(h)
		}
	}
	return nil
}

// run merges the runs and gives the rows to the rules of a scope.
func (f *runFile) run(ctx context.Context, scope Scope, rules []Delta, out *Result) error {
	live := newLiveNames(int64(f.memory))
	var which []int
	for i, rule := range rules {
		if rule.Scope == scope {
			live.counters, which = append(live.counters, newCounter(rule, live.names)), append(which, i)
		}
	}
	first := true
	err := f.merge(ctx, scope, func(from *runRow) {
		r := live.row(from)
		newSource := first || !sameSource(&live.last, &r)
		switch {
		case scope == BySource && newSource:
			out.Sources++
		case scope == ByChannel && (newSource || !sameDestination(&live.last, &r)):
			out.Channels++
		}
		live.last, first = r, false
		for _, c := range live.counters {
			c.push(&r)
		}
	})
	if err != nil {
		return err
	}
	for i, c := range live.counters {
		c.flush()
		out.Rows[which[i]] = c.rows
	}
	return nil
}

// liveNames gives the texts of merged rows codes, and forgets texts that no rule holds any more.
type liveNames struct {
	*merger
	names    *names
	counters []*counter
	last     row // the row before

	least, limit int64 // sizes: of which texts are looked through at the earliest, and the next time
}

func newLiveNames(memory int64) *liveNames {
	n := &names{}
	return &liveNames{merger: newMerger(n), names: n, least: memory, limit: memory}
}

// row gives a merged row codes.
func (l *liveNames) row(from *runRow) row {
	if l.names.size > l.limit {
		l.forget()
	}
	r := from.row
	r.who = l.codeOfWhoBytes(from.device, from.user)
	if r.port&srcIsText != 0 {
		r.src = l.codeOfBytes(from.src)
	}
	if r.port&dstIsText != 0 {
		r.dst = l.codeOfBytes(from.dst)
	}
	return r
}

// forget numbers the texts anew that the rules still hold.
func (l *liveNames) forget() {
	old := *l.names
	*l.names = names{}
	m := newMerger(l.names)
	m.begin(&old)
	m.renameRow(&l.last)
	for _, c := range l.counters {
		m.renameRow(&c.prev)
		for i := range c.open {
			for j := range c.open[i].gaps {
				m.renameGap(&c.open[i].gaps[j])
			}
		}
	}
	l.merger = m
	l.limit = max(l.least, 2*l.names.size)
}
