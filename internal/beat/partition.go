package beat

import (
	"context"
	"math/bits"
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
	// Rows that take much more room on disk than usual carry many different texts.
	if n > p.most || p.s.spilled(part) > int64(p.most)*rowBytes {
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
