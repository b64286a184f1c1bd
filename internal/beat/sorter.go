package beat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"drumbeat/internal/traffic"
)

// A Sorter brings the flows of each source together. Flows go in by any number of writers, in any order and cut into
// any batches; when all writers are closed, each source's flows come out in the order that the rule asks for: by
// time, then by destination as text and port, then by file and line. What comes out does not depend on how the
// flows went in.
//
// Flows are partitioned by a hash of their source, 48 bytes each. Past the memory that is set, partitions go to one
// temporary file, at about 22 bytes a flow; one that is too large to be sorted in memory is sorted in runs that are
// merged. So memory is bounded whatever the number of flows, however they are spread, and whatever names they bear.
//
//	batch ──► writer ──► 256 open blocks ──► full blocks: kept, or encoded to the file
//	                                             │
//	partition ◄── blocks of one hash value ◄─────┘ ──► sort ──► Delta
type Sorter struct {
	opt  SorterOptions
	live atomic.Int64 // bytes of memory that flows take
	rows atomic.Int64
	// writers is the number of writers that were made.
	writers atomic.Int64
	// least is the number of rows that are sorted in memory whatever the limit.
	least int

	mu    sync.Mutex
	parts [partitions][]*block
	spill *spillFile
	pool  sync.Pool
}

// SorterOptions set the limits of a Sorter.
type SorterOptions struct {
	// Memory is the number of bytes that flows may take, half of it while they come in and half while they are
	// sorted.
	Memory int64
	// Dir is where the temporary file goes; empty means the system's place.
	Dir string
	// From and To bound TimeGenerated, in ticks, From included and To excluded; To 0 means no bound.
	From, To int64
}

const (
	partitions  = 256
	blockRows   = 256
	rowBytes    = 48
	leastSorted = 1 << 14
)

// row is one flow that the rule keeps: one with a public IPv4 destination.
type row struct {
	time           int64
	order          uint64 // file, chunk, line, and place within the line
	sent, received int64
	src, dst       uint32 // rank of an address, or code of a text
	port           uint32 // port+1, 0 where unknown, and the bits below
	who            uint32 // code of device and user
}

// The bits of row.port above the port itself.
const (
	portMask  = 1<<17 - 1
	srcIsText = 1 << 17
	dstIsText = 1 << 18
	// hasActivity marks a record whose Activity is TRAFFIC, as the rule tests it.
	hasActivity = 1 << 19
)

func (r *row) knownPort() uint32 { return r.port & portMask }

// block is a run of rows of one partition, in the order of one writer.
type block struct {
	rows   []row
	names  *names
	writer int
	// charge is what the block counts for among the memory that flows take.
	charge int64
}

// names holds the texts that blocks of one writer refer to. It grows while its writer is at work and is read when all
// are closed.
type names struct {
	texts []string
	who   []whoText
	// size is the memory that a writer's texts take, charged the part of it that blocks in memory count for.
	size, charged int64
}

// nameBytes is what a text takes besides its letters: its place in a list and in the table that finds it.
const nameBytes = 64

// whoText is what the rule groups by besides addresses: DeviceName and SourceUserID.
type whoText struct{ device, user string }

// NewSorter makes a sorter.
func NewSorter(opt SorterOptions) *Sorter {
	s := &Sorter{opt: opt, least: leastSorted}
	s.pool.New = func() any { return &block{rows: make([]row, 0, blockRows)} }
	return s
}

// Rows gives the number of flows kept so far.
func (s *Sorter) Rows() int64 { return s.rows.Load() }

// Spilled gives the number of bytes in the temporary file.
func (s *Sorter) Spilled() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spill == nil {
		return 0
	}
	return s.spill.size
}

// Close gives back the temporary file. It may be called more than once.
func (s *Sorter) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spill == nil {
		return nil
	}
	err := s.spill.close()
	s.spill = nil
	return err
}

// SorterWriter takes flows for a Sorter. It is for one goroutine.
type SorterWriter struct {
	s      *Sorter
	number int
	open   [partitions]*block

	names   *names
	who     map[uint64]uint32 // device and user codes of the batch → code
	whoText map[whoText]uint32
	text    map[string]uint32

	dict       *traffic.Dict
	generation uint32
	lastKey    uint64
	lastWho    uint32
}

// Writer makes a writer.
func (s *Sorter) Writer() *SorterWriter {
	w := &SorterWriter{s: s, number: int(s.writers.Add(1)), who: make(map[uint64]uint32)}
	w.freshNames()
	return w
}

// maxNames bounds the memory of the texts that one generation of blocks shares.
const maxNames = 4 << 20

func (w *SorterWriter) freshNames() {
	w.names = &names{}
	w.whoText = make(map[whoText]uint32)
	w.text = make(map[string]uint32)
	w.forgetCodes()
}

func (w *SorterWriter) forgetCodes() {
	clear(w.who)
	w.lastKey = ^uint64(0)
}

// Observe takes the flows of a batch. The batch may be reused when it returns. It fails only where the temporary file
// does.
func (w *SorterWriter) Observe(b *traffic.Batch) error {
	if b.Names != w.dict || b.Names.Generation() != w.generation {
		w.dict, w.generation = b.Names, b.Names.Generation()
		w.forgetCodes()
	}
	kept := int64(0)
	base := uint64(b.Origin.File)<<43 | uint64(b.Origin.Chunk)<<21
	for i := range b.Len() {
		flags := b.Flags[i]
		if flags == 0 {
			continue
		}
		r := row{time: b.Time[i], order: base | uint64(b.Line[i])<<1, sent: b.SentBytes[i], received: b.ReceivedBytes[i]}
		if r.time < w.s.opt.From || w.s.opt.To != 0 && r.time >= w.s.opt.To || !w.destination(&r, &b.Dst[i], b.Names) {
			continue
		}
		if i > 0 && b.Line[i] == b.Line[i-1] { // a line that holds two records
			r.order++
		}
		r.port |= uint32(b.DstPort[i] + 1)
		if flags&traffic.FlagActivity != 0 {
			r.port |= hasActivity
		}
		part := w.source(&r, &b.Src[i], b.Names)
		r.who = w.whoCode(b, i)
		kept++
		if err := w.put(part, &r); err != nil {
			return err
		}
	}
	w.s.rows.Add(kept)
	return nil
}

// destination sets the row's destination. It gives false where the rule drops the row: the destination is private, or
// no IPv4 address.
func (w *SorterWriter) destination(r *row, a *traffic.Addr, dict *traffic.Dict) bool {
	switch a.Kind {
	case traffic.AddrV4:
		ip := a.V4()
		if isPrivate(ip) {
			return false
		}
		r.dst = rankIPv4(ip)
		return true
	case traffic.AddrText:
		t := dict.Text(a.Text)
		if private, ok := isPrivateText(t); !ok || private {
			return false
		}
		r.dst = w.textCode(t)
		r.port |= dstIsText
		return true
	case traffic.AddrNone, traffic.AddrV6:
	}
	return false
}

// source sets the row's source and gives its partition. All that is not IPv4 goes by its text.
func (w *SorterWriter) source(r *row, a *traffic.Addr, dict *traffic.Dict) int {
	if a.Kind == traffic.AddrV4 {
		ip := a.V4()
		r.src = rankIPv4(ip)
		return int(ip * 0x9E3779B1 >> 24)
	}
	var buf [64]byte
	t := a.AppendText(buf[:0], dict)
	r.src = w.textCode(string(t))
	r.port |= srcIsText
	h := uint32(2166136261) // FNV-1a
	for _, c := range t {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h >> 24)
}

func (w *SorterWriter) textCode(t string) uint32 {
	if c, ok := w.text[t]; ok {
		return c
	}
	c := uint32(len(w.names.texts))
	w.names.texts = append(w.names.texts, t)
	w.text[t] = c
	w.names.size += int64(nameBytes + len(t))
	return c
}

func (w *SorterWriter) whoCode(b *traffic.Batch, i int) uint32 {
	key := uint64(b.Device[i])<<32 | uint64(b.UserID[i])
	if key == w.lastKey {
		return w.lastWho
	}
	c, ok := w.who[key]
	if !ok {
		t := whoText{b.Names.Text(b.Device[i]), b.Names.Text(b.UserID[i])}
		if c, ok = w.whoText[t]; !ok {
			c = uint32(len(w.names.who))
			w.names.who = append(w.names.who, t)
			w.whoText[t] = c
			w.names.size += int64(nameBytes + len(t.device) + len(t.user))
		}
		w.who[key] = c
	}
	w.lastKey, w.lastWho = key, c
	return c
}

func (w *SorterWriter) put(part int, r *row) error {
	b := w.open[part]
	if b == nil {
		b = w.s.pool.Get().(*block)
		b.rows, b.names, b.writer = b.rows[:0], w.names, w.number
		w.open[part] = b
	}
	b.rows = append(b.rows, *r)
	if len(b.rows) == blockRows {
		w.open[part] = nil
		if err := w.s.add(part, b); err != nil {
			return err
		}
	}
	if w.names.size > maxNames {
		if err := w.flush(); err != nil {
			return err
		}
		w.freshNames()
	}
	return nil
}

func (w *SorterWriter) flush() error {
	for part, b := range &w.open {
		w.open[part] = nil
		if b == nil {
			continue
		}
		if err := w.s.add(part, b); err != nil {
			return err
		}
	}
	return nil
}

// Close hands on what the writer still holds.
func (w *SorterWriter) Close() error { return w.flush() }

// add keeps a block, in memory while there is room.
func (s *Sorter) add(part int, b *block) error {
	b.charge = int64(cap(b.rows))*rowBytes + b.names.size - b.names.charged
	if s.live.Add(b.charge) <= s.opt.Memory/2 {
		b.names.charged = b.names.size
		s.mu.Lock()
		s.parts[part] = append(s.parts[part], b)
		s.mu.Unlock()
		return nil
	}
	s.live.Add(-b.charge)
	enc := encodeBlock(b)
	defer s.pool.Put(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spill == nil {
		f, err := newSpillFile(s.opt.Dir)
		if err != nil {
			return err
		}
		s.spill = f
	}
	return s.spill.add(part, b.writer, len(b.rows), enc)
}

// series is the flows of a partition, with the texts that they refer to.
type series struct {
	rows  []row
	names names
}

// each calls visit for each partition, by several goroutines.
func (s *Sorter) each(ctx context.Context, workers int, visit func(part int) error) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		g.Go(func() error {
			for {
				part := int(next.Add(1)) - 1
				if part >= partitions {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := guarded(part, visit); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// guarded runs visit, and gives a panic, which is a fault of our own, as an error.
func guarded(part int, visit func(part int) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("beat: BUG: partition %d: %v", part, v)
		}
	}()
	return visit(part)
}

// size gives the number of rows of a partition.
func (s *Sorter) size(part int) int {
	n := 0
	for _, b := range s.parts[part] {
		n += len(b.rows)
	}
	if s.spill != nil {
		n += s.spill.rows[part]
	}
	return n
}

// spilled gives the number of bytes of a partition in the temporary file.
func (s *Sorter) spilled(part int) (n int64) {
	if s.spill != nil {
		for _, p := range s.spill.blocks[part] {
			n += int64(p.len)
		}
	}
	return n
}

// scan calls visit for each block of a partition, those of one writer together. The rows are visit's until it
// returns.
func (s *Sorter) scan(part int, visit func(b *block) error) error {
	blocks := s.parts[part]
	s.parts[part] = nil
	slices.SortStableFunc(blocks, func(a, b *block) int { return a.writer - b.writer })
	for i, b := range blocks {
		err := visit(b)
		blocks[i] = nil
		s.live.Add(-b.charge)
		if err != nil {
			return err
		}
	}
	if s.spill == nil {
		return nil
	}
	return s.spill.scan(part, visit)
}

// merger gives the texts of many blocks one numbering.
type merger struct {
	out   *names
	who   map[whoText]uint32
	texts map[string]uint32

	from     *names
	whoCodes []uint32 // code+1 of from's who, 0 where not asked yet
	textCode []uint32
}

func newMerger(out *names) *merger {
	return &merger{out: out, who: make(map[whoText]uint32), texts: make(map[string]uint32)}
}

// rename changes the codes of a block's rows from its own to the merged ones.
func (m *merger) rename(b *block) {
	if m.from != b.names {
		m.begin(b.names)
	}
	for i := range b.rows {
		m.renameRow(&b.rows[i])
	}
}

// begin says which texts the codes mean that are renamed next.
func (m *merger) begin(from *names) {
	m.from = from
	m.whoCodes = resize(m.whoCodes, len(from.who))
	m.textCode = resize(m.textCode, len(from.texts))
}

func (m *merger) renameRow(r *row) {
	r.who = m.renameWho(r.who)
	if r.port&srcIsText != 0 {
		r.src = m.codeOfText(m.from.texts, r.src)
	}
	if r.port&dstIsText != 0 {
		r.dst = m.codeOfText(m.from.texts, r.dst)
	}
}

func (m *merger) renameGap(g *gap) {
	g.who = m.renameWho(g.who)
	if g.port&dstIsText != 0 {
		g.dst = m.codeOfText(m.from.texts, g.dst)
	}
}

func (m *merger) renameWho(old uint32) uint32 {
	if c := m.whoCodes[old]; c > 0 {
		return c - 1
	}
	c := m.codeOfWho(m.from.who[old])
	m.whoCodes[old] = c + 1
	return c
}

func resize(s []uint32, n int) []uint32 {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

func (m *merger) codeOfWho(t whoText) uint32 {
	c, ok := m.who[t]
	if !ok {
		c = uint32(len(m.out.who))
		m.out.who = append(m.out.who, t)
		m.out.size += int64(nameBytes + len(t.device) + len(t.user))
		m.who[t] = c
	}
	return c
}

// codeOfWhoBytes is codeOfWho for names that are not kept.
func (m *merger) codeOfWhoBytes(device, user []byte) uint32 {
	if c, ok := m.who[whoText{string(device), string(user)}]; ok {
		return c
	}
	return m.codeOfWho(whoText{string(device), string(user)})
}

func (m *merger) codeOfText(texts []string, old uint32) uint32 {
	if c := m.textCode[old]; c > 0 {
		return c - 1
	}
	c := m.codeOfString(texts[old])
	m.textCode[old] = c + 1
	return c
}

// codeOfBytes gives the code of a text that is not kept.
func (m *merger) codeOfBytes(t []byte) uint32 {
	if c, ok := m.texts[string(t)]; ok {
		return c
	}
	return m.codeOfString(string(t))
}

func (m *merger) codeOfString(t string) uint32 {
	c, ok := m.texts[t]
	if !ok {
		c = uint32(len(m.out.texts))
		m.out.texts = append(m.out.texts, t)
		m.out.size += int64(nameBytes + len(t))
		m.texts[t] = c
	}
	return c
}

// load gathers a partition into one slice.
func (s *Sorter) load(part int, into *series) error {
	into.rows = slices.Grow(into.rows[:0], s.size(part))
	into.names = names{}
	m := newMerger(&into.names)
	err := s.scan(part, func(b *block) error {
		m.rename(b)
		into.rows = append(into.rows, b.rows...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("beat: gathering flows: %w", err)
	}
	return nil
}

// sameSource reports whether two rows of a partition have the same source, letter for letter.
func sameSource(a, b *row) bool { return a.src == b.src && (a.port^b.port)&srcIsText == 0 }

// sameDestination reports whether two rows have the same destination and port.
func sameDestination(a, b *row) bool {
	return a.dst == b.dst && (a.port^b.port)&(dstIsText|portMask) == 0
}

// compareDestination orders by the text of the destination, then the port, the unknown one first.
func (n *names) compareDestination(a, b *row) int {
	if (a.port|b.port)&dstIsText == 0 {
		if a.dst != b.dst {
			if a.dst < b.dst {
				return -1
			}
			return 1
		}
	} else if c := strings.Compare(n.destination(a), n.destination(b)); c != 0 {
		return c
	}
	return int(a.knownPort()) - int(b.knownPort())
}

// compareTime orders the rows of one source as the rule sorts them: by time, destination and port, then as they came.
func (n *names) compareTime(a, b *row) int {
	switch {
	case a.time < b.time:
		return -1
	case a.time > b.time:
		return 1
	}
	if c := n.compareDestination(a, b); c != 0 {
		return c
	}
	switch {
	case a.order < b.order:
		return -1
	case a.order > b.order:
		return 1
	}
	return 0
}

func (n *names) destination(r *row) string {
	if r.port&dstIsText != 0 {
		return n.texts[r.dst]
	}
	return string(traffic.AppendIPv4(nil, unrankIPv4(r.dst)))
}

func (n *names) source(r *row) string {
	if r.port&srcIsText != 0 {
		return n.texts[r.src]
	}
	return string(traffic.AppendIPv4(nil, unrankIPv4(r.src)))
}
