package beat

import (
	"bufio"
	"cmp"
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

// channelID tells channels apart within one run: source, destination, port and protocol.
type channelID struct {
	src, dst uint32
	dport    uint16
	proto    uint8
	flags    uint8 // rowSrcText, rowDstText, rowNoDstPort
}

func (r *sessionRow) channel() channelID {
	return channelID{r.src, r.dst, r.dport, r.proto, r.flags & (rowSrcText | rowDstText | rowNoDstPort)}
}

// sameSource reports whether two channels have one source.
func (k channelID) sameSource(o channelID) bool {
	return k.src == o.src && (k.flags^o.flags)&rowSrcText == 0
}

// compareChannels orders channels: texts by their letters, since their codes depend on who came first.
func (t *sessionTexts) compareChannels(a, b channelID) int {
	if c := t.compareEnds(a.src, b.src, a.flags&rowSrcText, b.flags&rowSrcText); c != 0 {
		return c
	}
	if c := t.compareEnds(a.dst, b.dst, a.flags&rowDstText, b.flags&rowDstText); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.dport, b.dport), cmp.Compare(a.proto, b.proto), cmp.Compare(a.flags, b.flags))
}

func (t *sessionTexts) compareEnds(a, b uint32, aText, bText uint8) int {
	if aText != bText {
		return cmp.Compare(aText, bText)
	}
	if a == b || aText == 0 {
		return cmp.Compare(a, b)
	}
	return strings.Compare(t.addrs[a], t.addrs[b])
}

// compareRows orders the rows of a channel by start, then by all else that they hold, so that no two that differ
// change places with the order in which they came.
func (t *sessionTexts) compareRows(a, b *sessionRow) int {
	if c := cmp.Compare(a.start, b.start); c != 0 {
		return c
	}
	if c := cmp.Or(
		cmp.Compare(a.flags, b.flags), cmp.Compare(a.sport, b.sport), cmp.Compare(a.id, b.id), cmp.Compare(a.seq, b.seq),
		cmp.Compare(a.sent, b.sent), cmp.Compare(a.received, b.received), cmp.Compare(a.seconds, b.seconds),
	); c != 0 || a.who == b.who {
		return c
	}
	x, y := t.whos[a.who], t.whos[b.who]
	return cmp.Or(
		strings.Compare(t.names[x.device], t.names[y.device]), strings.Compare(t.names[x.user], t.names[y.user]),
		strings.Compare(t.names[x.app], t.names[y.app]),
	)
}

// sessionRun reads partitions, one at a time. It is for one goroutine.
type sessionRun struct {
	s *Sessions
	// most is the number of rows that may be sorted in memory.
	most int

	rows, grouped []sessionRow
	codes         map[channelID]int32
	of            []int32
	keys          []channelID
	ends          []int
	place         []int32
}

func newSessionRun(s *Sessions, workers int) *sessionRun {
	// Half of the memory is for sorting; a worker holds the rows of a partition twice.
	most := s.opt.Memory / 2 / int64(workers) / (2 * sessionRowBytes)
	return &sessionRun{s: s, most: max(int(most), leastSorted), codes: make(map[channelID]int32)}
}

// each gives the rows of a partition in order: channels together, those of one source too, each by start. A row is
// visit's until it returns.
func (p *sessionRun) each(ctx context.Context, part int, visit func(r *sessionRow) error) error {
	n := 0
	for _, b := range p.s.parts[part] {
		n += len(b.rows)
	}
	spilled := 0
	if p.s.spill != nil {
		spilled = p.s.spill.rows[part]
	}
	if n+spilled > p.most {
		return p.external(ctx, part, visit)
	}
	p.rows = slices.Grow(p.rows[:0], n+spilled)
	err := p.blocks(part, func(rows []sessionRow) error {
		p.rows = append(p.rows, rows...)
		return nil
	})
	if err != nil {
		return err
	}
	p.sort()
	for i := range p.grouped {
		if i&0xFFFF == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := visit(&p.grouped[i]); err != nil {
			return err
		}
	}
	if spilled == 0 && n > 0 { // the next pass finds the rows in order
		p.s.parts[part] = []*sessionBlock{{rows: slices.Clone(p.grouped)}}
	}
	return nil
}

// blocks gives the rows of a partition as they came.
func (p *sessionRun) blocks(part int, visit func(rows []sessionRow) error) error {
	for _, b := range p.s.parts[part] {
		if err := visit(b.rows); err != nil {
			return err
		}
	}
	if p.s.spill == nil {
		return nil
	}
	return p.s.spill.scan(part, visit)
}

// sort writes p.rows to p.grouped in order. Rows mostly come in the order of time, so each channel's are sorted apart.
func (p *sessionRun) sort() {
	clear(p.codes)
	p.keys, p.ends = p.keys[:0], p.ends[:0]
	p.of = slices.Grow(p.of[:0], len(p.rows))[:len(p.rows)]
	last, lastCode := channelID{}, int32(-1)
	for i := range p.rows {
		k := p.rows[i].channel()
		if lastCode < 0 || k != last {
			c, ok := p.codes[k]
			if !ok {
				c = int32(len(p.keys))
				p.codes[k] = c
				p.keys, p.ends = append(p.keys, k), append(p.ends, 0)
			}
			last, lastCode = k, c
		}
		p.of[i] = lastCode
		p.ends[lastCode]++
	}
	order := slices.Grow(p.place[:0], len(p.keys))[:len(p.keys)]
	for i := range order {
		order[i] = int32(i)
	}
	p.place = order
	slices.SortFunc(order, func(a, b int32) int { return p.s.texts.compareChannels(p.keys[a], p.keys[b]) })
	at := 0
	for _, c := range order {
		n := p.ends[c]
		p.ends[c] = at
		at += n
	}
	p.grouped = slices.Grow(p.grouped[:0], len(p.rows))[:len(p.rows)]
	for i := range p.rows {
		c := p.of[i]
		p.grouped[p.ends[c]] = p.rows[i]
		p.ends[c]++
	}
	from := 0
	for _, c := range order {
		sortRows(&p.s.texts, p.grouped[from:p.ends[c]])
		from = p.ends[c]
	}
}

func sortRows(t *sessionTexts, rows []sessionRow) {
	compare := func(a, b sessionRow) int { return t.compareRows(&a, &b) }
	for i := 1; i < len(rows); i++ {
		if t.compareRows(&rows[i-1], &rows[i]) > 0 {
			slices.SortFunc(rows, compare)
			return
		}
	}
}

// external gives the rows of a partition that is too large to be sorted in memory: it is sorted in runs, which go to a
// file and are merged.
func (p *sessionRun) external(ctx context.Context, part int, visit func(r *sessionRow) error) (err error) {
	runs, err := newBlockFile(p.s.opt.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runs.close()) }()
	var ends []int64
	p.rows = slices.Grow(p.rows[:0], p.most)
	write := func() error {
		p.sort()
		p.rows = p.rows[:0]
		if err := runs.append(p.grouped); err != nil {
			return err
		}
		ends = append(ends, runs.size)
		return ctx.Err()
	}
	err = p.blocks(part, func(rows []sessionRow) error {
		for len(rows) > 0 {
			n := min(len(rows), p.most-len(p.rows))
			p.rows = append(p.rows, rows[:n]...)
			rows = rows[n:]
			if len(p.rows) == p.most {
				if err := write(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := errors.Join(write(), runs.sync()); err != nil {
		return err
	}
	return p.merge(ctx, runs, ends, visit)
}

// sessionCursor is a place in one run.
type sessionCursor struct {
	in   *bufio.Reader
	left int64
	at   sessionRow
	buf  [encodedRow]byte
}

func (c *sessionCursor) next() (bool, error) {
	if c.left == 0 {
		return false, nil
	}
	c.left -= encodedRow
	if _, err := io.ReadFull(c.in, c.buf[:]); err != nil {
		return false, fmt.Errorf("beat: reading sorted sessions back from a temporary file: %w", err)
	}
	c.at.decode(c.buf[:])
	return true, nil
}

// sessionCursors is a heap: the least row is on top.
type sessionCursors struct {
	c []*sessionCursor
	t *sessionTexts
}

// Len, Less, Swap, Push and Pop make sessionCursors a heap.Interface.
func (h *sessionCursors) Len() int { return len(h.c) }

// Less orders by channel, then by row.
func (h *sessionCursors) Less(i, j int) bool {
	a, b := &h.c[i].at, &h.c[j].at
	if x, y := a.channel(), b.channel(); x != y {
		return h.t.compareChannels(x, y) < 0
	}
	return h.t.compareRows(a, b) < 0
}

// Swap swaps two.
func (h *sessionCursors) Swap(i, j int) { h.c[i], h.c[j] = h.c[j], h.c[i] }

// Push adds one.
func (h *sessionCursors) Push(x any) { h.c = append(h.c, x.(*sessionCursor)) }

// Pop takes the last.
func (h *sessionCursors) Pop() any {
	last := h.c[len(h.c)-1]
	h.c = h.c[:len(h.c)-1]
	return last
}

func (p *sessionRun) merge(ctx context.Context, runs *blockFile, ends []int64, visit func(r *sessionRow) error) error {
	h := &sessionCursors{t: &p.s.texts}
	buffer := min(max(p.most*sessionRowBytes/len(ends), leastBuffer), mostBuffer)
	from := int64(0)
	for _, end := range ends {
		c := &sessionCursor{in: bufio.NewReaderSize(io.NewSectionReader(runs.f, from, end-from), buffer), left: end - from}
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
	for i := 0; len(h.c) > 0; i++ {
		if i&0xFFFF == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		top := h.c[0]
		if err := visit(&top.at); err != nil {
			return err
		}
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

// blockFile holds encoded rows in a temporary file that has no name once it is open.
type blockFile struct {
	f      *os.File
	size   int64
	blocks [partitions][]blockPlace
	rows   [partitions]int
	buf    []byte
}

// blockPlace is where a block of rows begins and how many it has.
type blockPlace struct {
	at   int64
	rows int32
}

// encodedRow is the length of a row in a file.
const encodedRow = 58

func newBlockFile(dir string) (*blockFile, error) {
	s, err := newSpillFile(dir)
	if err != nil {
		return nil, err
	}
	return &blockFile{f: s.f}, nil
}

func (f *blockFile) close() error { return f.f.Close() }

// add appends a partition's block.
func (f *blockFile) add(part int, rows []sessionRow) error {
	f.blocks[part] = append(f.blocks[part], blockPlace{f.size, int32(len(rows))})
	f.rows[part] += len(rows)
	return f.append(rows)
}

func (f *blockFile) append(rows []sessionRow) error {
	for i := range rows {
		f.buf = rows[i].encode(f.buf)
		f.size += encodedRow
		if len(f.buf) >= spillBuffer {
			if err := f.sync(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sync writes what is buffered.
func (f *blockFile) sync() error {
	_, err := f.f.Write(f.buf)
	f.buf = f.buf[:0]
	if err != nil {
		return fmt.Errorf("beat: writing sessions to a temporary file (set TMPDIR, or give more --memory): %w", err)
	}
	return nil
}

// scan reads the blocks of a partition. All must be written: sync comes first. Several goroutines may scan at once.
func (f *blockFile) scan(part int, visit func(rows []sessionRow) error) error {
	buf := make([]byte, sessionBlockRows*encodedRow)
	rows := make([]sessionRow, sessionBlockRows)
	for _, b := range f.blocks[part] {
		buf = buf[:int(b.rows)*encodedRow]
		if _, err := f.f.ReadAt(buf, b.at); err != nil {
			return fmt.Errorf("beat: reading sessions back from a temporary file: %w", err)
		}
		for i := range int(b.rows) {
			rows[i].decode(buf[i*encodedRow:])
		}
		if err := visit(rows[:b.rows]); err != nil {
			return err
		}
	}
	return nil
}

func (r *sessionRow) encode(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint64(dst, uint64(r.start))
	dst = le.AppendUint64(dst, uint64(r.sent))
	dst = le.AppendUint64(dst, uint64(r.received))
	dst = le.AppendUint64(dst, r.seq)
	for _, v := range [...]uint32{r.src, r.dst, r.who, r.id, r.seconds} {
		dst = le.AppendUint32(dst, v)
	}
	dst = le.AppendUint16(dst, r.sport)
	dst = le.AppendUint16(dst, r.dport)
	return append(dst, r.proto, r.flags)
}

func (r *sessionRow) decode(p []byte) {
	le := binary.LittleEndian
	r.start, r.sent, r.received = int64(le.Uint64(p)), int64(le.Uint64(p[8:])), int64(le.Uint64(p[16:]))
	r.seq = le.Uint64(p[24:])
	r.src, r.dst, r.who = le.Uint32(p[32:]), le.Uint32(p[36:]), le.Uint32(p[40:])
	r.id, r.seconds = le.Uint32(p[44:]), le.Uint32(p[48:])
	r.sport, r.dport = le.Uint16(p[52:]), le.Uint16(p[54:])
	r.proto, r.flags = p[56], p[57]
}
