package beat

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
)

// partitionRun runs rules over one partition at a time and keeps its memory from one to the next.
type partitionRun struct {
	s *Sorter
	// most is the number of rows that may be sorted in memory.
	most int

	series   series
	bySource []row
	channel  []row
	merge    []row
	table    groupTable
}

func newPartitionRun(s *Sorter, workers int) *partitionRun {
	// Half of the memory is for sorting; a worker holds the rows of a partition up to four times.
	most := s.opt.Memory / 2 / int64(workers) / (4 * rowBytes)
	return &partitionRun{s: s, most: max(int(most), s.least)}
}

// run gives what the rules find in a partition.
func (p *partitionRun) run(ctx context.Context, part int, rules []Delta) (*Result, error) {
	out := &Result{Rows: make([][]DeltaRow, len(rules))}
	n := p.s.size(part)
	if n == 0 {
		return out, nil
	}
	if n > p.most {
		return p.external(ctx, part, rules)
	}
	if err := p.s.load(part, &p.series); err != nil {
		return nil, err
	}
	counters := make([]*counter, len(rules))
	byChannel := false
	for i, rule := range rules {
		counters[i] = newCounter(rule, &p.series.names)
		byChannel = byChannel || rule.Scope == ByChannel
	}
	p.groupSources()
	for rest := p.bySource; len(rest) > 0; {
		n := 1
		for n < len(rest) && sameSource(&rest[n], &rest[0]) {
			n++
		}
		out.Channels += p.source(rest[:n], counters, byChannel)
		out.Sources++
		rest = rest[n:]
	}
	for i, c := range counters {
		c.flush()
		out.Rows[i] = c.rows
	}
	return out, nil
}

// source runs the rules over the rows of one source, and counts its channels where they are asked for.
func (p *partitionRun) source(rows []row, counters []*counter, byChannel bool) (channels int64) {
	p.sortByTime(rows)
	for _, c := range counters {
		if c.rule.Scope == BySource {
			for i := range rows {
				c.push(&rows[i])
			}
		}
	}
	if !byChannel {
		return 0
	}
	p.channel = p.table.group(rows, p.channel, channelKey)
	for _, c := range counters {
		if c.rule.Scope == ByChannel {
			for i := range p.channel {
				c.push(&p.channel[i])
			}
		}
	}
	return int64(len(p.table.counts))
}

// groupSources puts the rows of each source together, into p.bySource.
func (p *partitionRun) groupSources() {
	p.bySource = p.table.group(p.series.rows, p.bySource, sourceKey)
}

func sourceKey(r *row) uint64 { return uint64(r.src)<<1 | uint64(r.port&srcIsText)/srcIsText }

// channelKey tells destination and port apart, within one source.
func channelKey(r *row) uint64 { return uint64(r.dst)<<32 | uint64(r.port&(portMask|dstIsText)) }

// groupTable numbers keys in the order in which they first come, by open addressing.
type groupTable struct {
	keys   []uint64
	codes  []int32
	counts []int32
	of     []int32 // code of each row
}

// group writes rows to dst so that those with equal keys stand together, in the order in which they came.
func (t *groupTable) group(rows, dst []row, key func(*row) uint64) []row {
	size := 16
	for size < 2*len(rows) && size < 1<<12 {
		size *= 2
	}
	t.reset(size)
	t.of = slices.Grow(t.of[:0], len(rows))[:len(rows)]
	for i := range rows {
		c := t.code(key(&rows[i]))
		t.of[i] = c
		t.counts[c]++
	}
	at := int32(0)
	for c, n := range t.counts {
		t.counts[c] = at
		at += n
	}
	dst = slices.Grow(dst[:0], len(rows))[:len(rows)]
	for i := range rows {
		c := t.of[i]
		dst[t.counts[c]] = rows[i]
		t.counts[c]++
	}
	return dst
}

func (t *groupTable) reset(size int) {
	t.keys = slices.Grow(t.keys[:0], size)[:size]
	t.codes = slices.Grow(t.codes[:0], size)[:size]
	for i := range t.codes {
		t.codes[i] = -1
	}
	t.counts = t.counts[:0]
}

// code finds or gives the number of a key.
func (t *groupTable) code(key uint64) int32 {
	mask := uint64(len(t.keys) - 1)
	i := key * 0x9E3779B97F4A7C15 >> (64 - bits.TrailingZeros(uint(len(t.keys))))
	for t.codes[i] >= 0 {
		if t.keys[i] == key {
			return t.codes[i]
		}
		i = (i + 1) & mask
	}
	c := int32(len(t.counts))
	t.counts = append(t.counts, 0)
	t.keys[i], t.codes[i] = key, c
	if 2*len(t.counts) > len(t.keys) {
		t.grow()
	}
	return c
}

func (t *groupTable) grow() {
	keys, codes := t.keys, t.codes
	counts := t.counts
	t.keys, t.codes = nil, nil
	t.reset(4 * len(keys))
	t.counts = counts
	mask := uint64(len(t.keys) - 1)
	for j, c := range codes {
		if c < 0 {
			continue
		}
		i := keys[j] * 0x9E3779B97F4A7C15 >> (64 - bits.TrailingZeros(uint(len(t.keys))))
		for t.codes[i] >= 0 {
			i = (i + 1) & mask
		}
		t.keys[i], t.codes[i] = keys[j], c
	}
}

// sortStretch is the length up to which rows are sorted by insertion.
const sortStretch = 16

// sortByTime sorts the rows of one source as the rule does. They come as a few stretches that are nearly in order,
// one from each writer: short stretches are sorted by insertion, then merged, and what stands in order already is not
// touched.
func (p *partitionRun) sortByTime(rows []row) {
	n := &p.series.names
	for from := 0; from < len(rows); from += sortStretch {
		n.insertionSort(rows[from:min(from+sortStretch, len(rows))])
	}
	for size := sortStretch; size < len(rows); size *= 2 {
		for from := 0; from+size < len(rows); from += 2 * size {
			p.mergeStretches(rows[from:min(from+2*size, len(rows))], size)
		}
	}
}

func (n *names) insertionSort(rows []row) {
	for i := 1; i < len(rows); i++ {
		if n.compareTime(&rows[i-1], &rows[i]) <= 0 {
			continue
		}
		r := rows[i]
		j := i
		for j > 0 && n.compareTime(&rows[j-1], &r) > 0 {
			rows[j] = rows[j-1]
			j--
		}
		rows[j] = r
	}
}

// mergeStretches merges rows[:mid] and rows[mid:], each in order.
func (p *partitionRun) mergeStretches(rows []row, mid int) {
	n := &p.series.names
	if n.compareTime(&rows[mid-1], &rows[mid]) <= 0 {
		return
	}
	// What is less than all of the second stretch stays where it is.
	skip := 0
	for n.compareTime(&rows[skip], &rows[mid]) <= 0 {
		skip++
	}
	rows, mid = rows[skip:], mid-skip
	p.merge = append(p.merge[:0], rows[:mid]...)
	first := p.merge
	i, j, k := 0, mid, 0
	for i < len(first) && j < len(rows) {
		if n.compareTime(&first[i], &rows[j]) <= 0 {
			rows[k] = first[i]
			i++
		} else {
			rows[k] = rows[j]
			j++
		}
		k++
	}
	copy(rows[k:], first[i:])
}

// external runs the rules over a partition that is too large to be sorted in memory: it is sorted in runs, which go to
// a file and are merged. Rules by channel need an order of their own and so a second pass.
func (p *partitionRun) external(ctx context.Context, part int, rules []Delta) (out *Result, err error) {
	out = &Result{Rows: make([][]DeltaRow, len(rules))}
	n := &names{}
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
	if err := p.writeRuns(ctx, part, n, &runs); err != nil {
		return nil, err
	}
	for scope, f := range runs {
		if f == nil {
			continue
		}
		f.memory = p.most * rowBytes
		if err := f.run(ctx, n, Scope(scope), rules, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// run merges the runs and gives the rows to the rules of a scope.
func (f *runFile) run(ctx context.Context, n *names, scope Scope, rules []Delta, out *Result) error {
	var counters []*counter
	var which []int
	for i, rule := range rules {
		if rule.Scope == scope {
			counters, which = append(counters, newCounter(rule, n)), append(which, i)
		}
	}
	var last row
	first := true
	err := f.merge(ctx, n.comparison(scope), func(r *row) {
		newSource := first || !sameSource(&last, r)
		switch {
		case scope == BySource && newSource:
			out.Sources++
		case scope == ByChannel && (newSource || !sameDestination(&last, r)):
			out.Channels++
		}
		last, first = *r, false
		for _, c := range counters {
			c.push(r)
		}
	})
	if err != nil {
		return err
	}
	for i, c := range counters {
		c.flush()
		out.Rows[which[i]] = c.rows
	}
	return nil
}

// comparison gives the order of rows, sources together, that a scope asks for.
func (n *names) comparison(s Scope) func(a, b *row) int {
	if s == BySource {
		return func(a, b *row) int {
			if c := compareSource(a, b); c != 0 {
				return c
			}
			return n.compareTime(a, b)
		}
	}
	return func(a, b *row) int {
		if c := compareSource(a, b); c != 0 {
			return c
		}
		if c := n.compareDestination(a, b); c != 0 {
			return c
		}
		return n.compareTime(a, b)
	}
}

// writeRuns cuts a partition into runs that fit memory and writes each in the orders that are asked for.
func (p *partitionRun) writeRuns(ctx context.Context, part int, n *names, runs *[2]*runFile) error {
	m := newMerger(n)
	p.series.rows = slices.Grow(p.series.rows[:0], p.most)
	write := func() error {
		for scope, f := range runs {
			if f == nil {
				continue
			}
			compare := n.comparison(Scope(scope))
			slices.SortFunc(p.series.rows, func(a, b row) int { return compare(&a, &b) })
			if err := f.add(p.series.rows); err != nil {
				return err
			}
		}
		p.series.rows = p.series.rows[:0]
		return nil
	}
	err := p.s.scan(part, func(b *block) error {
		m.rename(b)
		p.series.rows = append(p.series.rows, b.rows...)
		if len(p.series.rows)+blockRows > p.most {
			return errors.Join(ctx.Err(), write())
		}
		return nil
	})
	if err != nil {
		return err
	}
	return write()
}

// runFile holds sorted runs of rows, one after the other, in a file without a name.
type runFile struct {
	f    *os.File
	ends []int64 // where each run ends
	// memory is the number of bytes that the buffers of a merge may take together, as far as leastBuffer allows.
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

func (f *runFile) add(rows []row) error {
	w := bufio.NewWriterSize(f.f, spillBuffer)
	var buf []byte
	size := int64(0)
	if len(f.ends) > 0 {
		size = f.ends[len(f.ends)-1]
	}
	for i := range rows {
		buf = appendRow(buf[:0], &rows[i])
		size += int64(len(buf))
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("beat: writing sorted flows to a temporary file (set TMPDIR, or give more --memory): %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("beat: writing sorted flows to a temporary file (set TMPDIR, or give more --memory): %w", err)
	}
	f.ends = append(f.ends, size)
	return nil
}

func appendRow(dst []byte, r *row) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.time))
	dst = binary.LittleEndian.AppendUint64(dst, r.order)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.sent))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.received))
	dst = binary.LittleEndian.AppendUint32(dst, r.src)
	dst = binary.LittleEndian.AppendUint32(dst, r.dst)
	dst = binary.LittleEndian.AppendUint32(dst, r.port)
	return binary.LittleEndian.AppendUint32(dst, r.who)
}

func readRow(p *[rowBytes]byte, r *row) {
	r.time = int64(binary.LittleEndian.Uint64(p[0:]))
	r.order = binary.LittleEndian.Uint64(p[8:])
	r.sent = int64(binary.LittleEndian.Uint64(p[16:]))
	r.received = int64(binary.LittleEndian.Uint64(p[24:]))
	r.src = binary.LittleEndian.Uint32(p[32:])
	r.dst = binary.LittleEndian.Uint32(p[36:])
	r.port = binary.LittleEndian.Uint32(p[40:])
	r.who = binary.LittleEndian.Uint32(p[44:])
}

// cursor is a place in one run.
type cursor struct {
	in   *bufio.Reader
	left int64 // bytes of the run that are still to be read
	row  row
}

func (c *cursor) next() (bool, error) {
	if c.left == 0 {
		return false, nil
	}
	var buf [rowBytes]byte
	if _, err := io.ReadFull(c.in, buf[:]); err != nil {
		return false, fmt.Errorf("beat: reading sorted flows back from a temporary file: %w", err)
	}
	c.left -= rowBytes
	readRow(&buf, &c.row)
	return true, nil
}

// cursors is a heap: the least row is on top.
type cursors struct {
	c       []*cursor
	compare func(a, b *row) int
}

// Len, Less, Swap, Push and Pop make cursors a heap.Interface.
func (h *cursors) Len() int           { return len(h.c) }
func (h *cursors) Less(i, j int) bool { return h.compare(&h.c[i].row, &h.c[j].row) < 0 }
func (h *cursors) Swap(i, j int)      { h.c[i], h.c[j] = h.c[j], h.c[i] }
func (h *cursors) Push(x any)         { h.c = append(h.c, x.(*cursor)) }
func (h *cursors) Pop() any {
	last := h.c[len(h.c)-1]
	h.c = h.c[:len(h.c)-1]
	return last
}

// merge gives the rows of all runs in order.
func (f *runFile) merge(ctx context.Context, compare func(a, b *row) int, visit func(r *row)) error {
	h := &cursors{compare: compare}
	from := int64(0)
	buffer := min(max(f.memory/max(len(f.ends), 1), leastBuffer), mostBuffer)
	for _, end := range f.ends {
		c := &cursor{in: bufio.NewReaderSize(io.NewSectionReader(f.f, from, end-from), buffer), left: end - from}
		from = end
		ok, err := c.next()
		if err != nil {
			return err
		}
		if ok {
			h.c = append(h.c, c)
		}
	}
	heap.Init(h)
	for n := 0; len(h.c) > 0; n++ {
		if n&0xFFFF == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		top := h.c[0]
		visit(&top.row)
		ok, err := top.next()
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
