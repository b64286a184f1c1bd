package beat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
)

// spillFile holds encoded blocks of rows. It has no name once it is open, so that nothing stays behind whatever ends
// the program.
type spillFile struct {
	f      *os.File
	size   int64
	blocks [partitions][]place
	rows   [partitions]int
	buf    []byte // blocks not yet written
}

// place is where a block stands in the file.
type place struct {
	at     int64
	len    int32
	writer int32
}

const spillBuffer = 1 << 20

func newSpillFile(dir string) (*spillFile, error) {
	f, err := os.CreateTemp(dir, "drumbeat-*.spill")
	if err != nil {
		return nil, fmt.Errorf("beat: making a temporary file (set TMPDIR, or give more --memory): %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("beat: unlinking the temporary file: %w", err), f.Close())
	}
	return &spillFile{f: f}, nil
}

func (s *spillFile) close() error { return s.f.Close() }

// add appends a writer's block of n rows.
func (s *spillFile) add(part, writer, n int, enc []byte) error {
	s.blocks[part] = append(s.blocks[part], place{s.size, int32(len(enc)), int32(writer)})
	s.rows[part] += n
	s.size += int64(len(enc))
	s.buf = append(s.buf, enc...)
	if len(s.buf) < spillBuffer {
		return nil
	}
	return s.sync()
}

// sync writes what is buffered.
func (s *spillFile) sync() error {
	_, err := s.f.Write(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return fmt.Errorf("beat: writing flows to a temporary file (set TMPDIR, or give more --memory): %w", err)
	}
	return nil
}

// scan reads the blocks of a partition. All must be written: sync comes first. Several goroutines may scan at once.
func (s *spillFile) scan(part int, visit func(b *block) error) error {
	var enc []byte
	b := &block{}
	slices.SortStableFunc(s.blocks[part], func(a, b place) int { return int(a.writer - b.writer) })
	for _, p := range s.blocks[part] {
		if cap(enc) < int(p.len) {
			enc = make([]byte, p.len)
		}
		enc = enc[:p.len]
		if _, err := s.f.ReadAt(enc, p.at); err != nil {
			return fmt.Errorf("beat: reading flows back from a temporary file: %w", err)
		}
		if err := decodeBlock(enc, b); err != nil {
			return err
		}
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

// encodeBlock gives a block in a compact form: the texts that its rows use, then the rows, each number as the
// difference to the row before where that is small. It changes the block's codes.
func encodeBlock(b *block) []byte {
	dst := make([]byte, 0, 24*len(b.rows))
	local := &names{}
	m := newMerger(local)
	m.rename(b)
	dst = binary.AppendUvarint(dst, uint64(len(local.who)))
	for _, w := range local.who {
		dst = appendText(dst, w.device)
		dst = appendText(dst, w.user)
	}
	dst = binary.AppendUvarint(dst, uint64(len(local.texts)))
	for _, t := range local.texts {
		dst = appendText(dst, t)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.rows)))
	var last row
	for i := range b.rows {
		r := &b.rows[i]
		dst = binary.AppendVarint(dst, r.time-last.time)
		dst = binary.AppendVarint(dst, int64(r.order-last.order))
		dst = binary.AppendUvarint(dst, uint64(r.sent+1))
		dst = binary.AppendUvarint(dst, uint64(r.received+1))
		dst = binary.LittleEndian.AppendUint32(dst, r.src)
		dst = binary.LittleEndian.AppendUint32(dst, r.dst)
		dst = binary.AppendUvarint(dst, uint64(r.port))
		dst = binary.AppendUvarint(dst, uint64(r.who))
		last = *r
	}
	return dst
}

func appendText(dst []byte, t string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(t))), t...)
}

// decoder reads what encodeBlock wrote. Its first fault stays.
type decoder struct {
	p   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.p)
	if n <= 0 {
		d.bad = true
		d.p = nil
		return 0
	}
	d.p = d.p[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.p)
	if n <= 0 {
		d.bad = true
		d.p = nil
		return 0
	}
	d.p = d.p[n:]
	return v
}

func (d *decoder) uint32() uint32 {
	if len(d.p) < 4 {
		d.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(d.p)
	d.p = d.p[4:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if uint64(len(d.p)) < n {
		d.bad = true
		return ""
	}
	t := string(d.p[:n])
	d.p = d.p[n:]
	return t
}

// hold reports whether the texts that a row refers to are there.
func (n *names) hold(r *row) bool {
	texts := uint32(len(n.texts))
	return r.who < uint32(len(n.who)) && (r.port&srcIsText == 0 || r.src < texts) && (r.port&dstIsText == 0 || r.dst < texts)
}

var errSpill = errors.New("beat: the temporary file does not hold what was written to it")

func decodeBlock(enc []byte, b *block) error {
	d := decoder{p: enc}
	b.names = &names{}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		device := d.text()
		b.names.who = append(b.names.who, whoText{device, d.text()})
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		b.names.texts = append(b.names.texts, d.text())
	}
	b.rows = b.rows[:0]
	var r row
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		r.time += d.varint()
		r.order += uint64(d.varint())
		r.sent = int64(d.uvarint()) - 1
		r.received = int64(d.uvarint()) - 1
		r.src = d.uint32()
		r.dst = d.uint32()
		r.port = uint32(d.uvarint())
		r.who = uint32(d.uvarint())
		if !b.names.hold(&r) {
			return errSpill
		}
		b.rows = append(b.rows, r)
	}
	if d.bad || len(d.p) > 0 {
		return errSpill
	}
	return nil
}
