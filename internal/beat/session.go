package beat

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"drumbeat/internal/traffic"
)

// RecordKind says which moment of a session a record tells of.
type RecordKind uint8

// The kinds of record that a firewall writes about a session.
const (
	// RecordEnd is written when a session has ended: it knows the bytes.
	RecordEnd RecordKind = iota
	// RecordStart is written when a session has begun; its bytes are those of the first packets, and are not used.
	RecordStart
	// RecordDenied is written for a session that was dropped or denied.
	RecordDenied
)

// Session is one record about a network session, as Rhythm reads it: what happened, not what a rule's table shows.
// Texts are codes of the Dict that is handed over with it.
type Session struct {
	// Src is the client, Dst the server, as the log wrote them.
	Src, Dst traffic.Addr
	// SrcPort and DstPort are traffic.Unknown where the record has none.
	SrcPort, DstPort int32
	// Protocol is the IP protocol's number, 0 where unknown.
	Protocol uint8
	// Kind says which moment the record tells of.
	Kind RecordKind
	// Start is when the session began, in ticks: where that is not logged, the record's time less the duration.
	Start int64
	// Duration is how long the session lasted, in ticks, or traffic.Unknown.
	Duration int64
	// Sent and Received are the bytes from client to server and back, or traffic.Unknown.
	Sent, Received int64
	// ID is the device's number of the session and Sequence that of the record, 0 where unknown. IDs are used again.
	ID, Sequence uint64
	// Device, App and User are shown with the channel; they do not tell channels apart.
	Device, App, User uint32
}

// Sessions gathers sessions for Rhythm: any number of writers put them in, in any order. They are partitioned by a
// hash of their source; past the memory that is set they go to one temporary file without a name. A session takes 64
// bytes.
//
//	writer ──► 256 open blocks ──► full blocks: kept, or written to the file ──► sorted by channel and start ──► Rhythm
type Sessions struct {
	opt    SorterOptions
	nets   []netip.Prefix
	live   atomic.Int64
	rows   atomic.Int64
	counts sessionCounts
	// starts is set once a RecordStart has come: only then a channel looks for sessions that are told twice.
	starts atomic.Bool

	mu    sync.Mutex
	parts [partitions][]*sessionBlock
	spill *blockFile
	pool  sync.Pool
	texts sessionTexts
}

// sessionCounts counts the sessions that are not judged.
type sessionCounts struct {
	noAddress, sameEnds, group, noTime, unnamed atomic.Int64
}

const (
	sessionBlockRows = 128
	sessionRowBytes  = 64
)

// sessionRow is a session in memory and in the temporary file.
type sessionRow struct {
	start          int64 // ticks
	sent, received int64
	seq            uint64
	src, dst       uint32 // IPv4 address, or code of a text
	who            uint32 // code of device, application and user
	id             uint32 // of the session, 0 unknown
	seconds        uint32 // how long it lasted; unknownSeconds
	sport, dport   uint16
	proto          uint8
	flags          uint8
}

// The bits of sessionRow.flags. The lowest two hold the RecordKind.
const (
	rowKind      = 3
	rowSrcText   = 1 << 2
	rowDstText   = 1 << 3
	rowNoDstPort = 1 << 4
	rowNoSrcPort = 1 << 5
)

const unknownSeconds = 1<<32 - 1

func (r *sessionRow) kind() RecordKind { return RecordKind(r.flags & rowKind) }

// failed reports whether the session came to nothing: it was denied, or it is of TCP and less than a handshake's
// bytes came back (score.md 2).
func (r *sessionRow) failed() bool {
	return r.kind() == RecordDenied ||
		r.kind() == RecordEnd && r.proto == protocolTCP && r.received >= 0 && r.received < 100
}

const (
	protocolICMP = 1
	protocolTCP  = 6
	protocolUDP  = 17
)

type sessionBlock struct{ rows []sessionRow }

// sessionTexts gives texts the same codes for all writers, so that blocks need none of their own. Codes depend on who
// came first, hence nothing is ever ordered by them.
type sessionTexts struct {
	mu    sync.Mutex
	addr  map[string]uint32 // IPv6: "6" and 16 bytes; other texts: "t" and the text
	addrs []string
	who   map[whoCodes]uint32
	whos  []whoCodes
	name  map[string]uint32
	names []string
	size  int64
}

// whoCodes is what is shown with a channel: codes of device, application and user among sessionTexts.names.
type whoCodes struct{ device, app, user uint32 }

// maxTexts bounds the memory of all texts. Beyond it a new device, user or application is not named, and a session
// with a new address that is no IPv4 is left out; both are counted.
const maxTexts = 256 << 20

// NewSessions makes an empty one. Networks are the internal ones; nil means those of private use.
func NewSessions(opt SorterOptions, networks []netip.Prefix) *Sessions {
	s := &Sessions{opt: opt, nets: networks}
	s.pool.New = func() any { return &sessionBlock{rows: make([]sessionRow, 0, sessionBlockRows)} }
	s.texts = sessionTexts{
		addr: make(map[string]uint32), who: make(map[whoCodes]uint32), name: make(map[string]uint32),
		names: []string{""}, whos: []whoCodes{{}},
	}
	s.texts.name[""], s.texts.who[whoCodes{}] = 0, 0
	return s
}

// Rows gives the number of sessions kept so far.
func (s *Sessions) Rows() int64 { return s.rows.Load() }

// Spilled gives the number of bytes in the temporary file.
func (s *Sessions) Spilled() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spill == nil {
		return 0
	}
	return s.spill.size
}

// Close gives back the temporary file. It may be called more than once.
func (s *Sessions) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spill == nil {
		return nil
	}
	err := s.spill.close()
	s.spill = nil
	return err
}

// SessionWriter takes sessions. It is for one goroutine.
type SessionWriter struct {
	s    *Sessions
	open [partitions]*sessionBlock

	dict       *traffic.Dict
	generation uint32
	whos       map[whoCodes]uint32 // codes of the batch → code
	lastKey    whoCodes
	lastWho    uint32
	addrs      map[string]uint32
	key        []byte
}

// Writer makes a writer.
func (s *Sessions) Writer() *SessionWriter {
	return &SessionWriter{s: s, whos: make(map[whoCodes]uint32), addrs: make(map[string]uint32)}
}

// maxLocal bounds the tables of a writer that spare it the shared ones.
const maxLocal = 1 << 16

// Observe takes one session; names is the Dict of its codes. It fails only where the temporary file does.
func (w *SessionWriter) Observe(names *traffic.Dict, v *Session) error {
	r, part, ok := w.row(names, v)
	if !ok {
		return nil
	}
	w.s.rows.Add(1)
	return w.put(part, &r)
}

// row gives a session's row and its partition, and false where it is not judged.
func (w *SessionWriter) row(names *traffic.Dict, v *Session) (r sessionRow, part int, ok bool) {
	if names != w.dict || names.Generation() != w.generation {
		w.dict, w.generation = names, names.Generation()
		clear(w.whos)
		w.lastWho = 0
		w.lastKey = whoCodes{}
	}
	s := w.s
	if v.Start < s.opt.From || s.opt.To != 0 && v.Start >= s.opt.To {
		return r, 0, false
	}
	if v.Start <= 0 || v.Start > traffic.MaxTicks {
		s.counts.noTime.Add(1)
		return r, 0, false
	}
	r = sessionRow{
		start: v.Start, sent: max(v.Sent, traffic.Unknown), received: max(v.Received, traffic.Unknown), seq: v.Sequence,
		id: uint32(v.ID ^ v.ID>>32), proto: v.Protocol, flags: uint8(v.Kind) & rowKind, seconds: unknownSeconds,
	}
	if v.Kind == RecordStart {
		// What the first packets carried says nothing of the session.
		r.sent, r.received = traffic.Unknown, traffic.Unknown
		s.starts.Store(true)
	}
	if v.Duration >= 0 {
		r.seconds = uint32(min(v.Duration/traffic.Second, unknownSeconds-1))
	}
	r.setPorts(v)
	if part, ok = w.ends(&r, names, v); ok {
		r.who = w.who(names, whoCodes{v.Device, v.App, v.User})
	}
	return r, part, ok
}

func (r *sessionRow) setPorts(v *Session) {
	if v.DstPort < 0 || v.DstPort > 65535 {
		r.flags |= rowNoDstPort
	} else {
		r.dport = uint16(v.DstPort)
	}
	if v.SrcPort <= 0 || v.SrcPort > 65535 {
		r.flags |= rowNoSrcPort
	} else {
		r.sport = uint16(v.SrcPort)
	}
}

// ends sets the addresses and gives the partition. It gives false for a session that is not judged (formats.md 6):
// one without an address, to itself, or to a group of hosts.
func (w *SessionWriter) ends(r *sessionRow, names *traffic.Dict, v *Session) (part int, ok bool) {
	c := &w.s.counts
	src, dst := plainAddr(&v.Src, names), plainAddr(&v.Dst, names)
	switch {
	case src.none() || dst.none():
		c.noAddress.Add(1)
		return 0, false
	case src == dst:
		c.sameEnds.Add(1)
		return 0, false
	case dst.ip.IsMulticast() || dst.ip == broadcast:
		c.group.Add(1)
		return 0, false
	}
	var text bool
	if r.src, text, ok = w.code(src); !ok {
		return 0, false
	}
	if text {
		r.flags |= rowSrcText
	}
	part = src.hash()
	if r.dst, text, ok = w.code(dst); !ok {
		return 0, false
	}
	if text {
		r.flags |= rowDstText
	}
	return part, true
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// endpoint is an address, or a text that is none.
type endpoint struct {
	ip   netip.Addr
	text string
}

func (e endpoint) none() bool { return e.text == "" && (!e.ip.IsValid() || e.ip.IsUnspecified()) }

// plainAddr reads an address whatever its spelling: mapped IPv4 as IPv4, without zone and brackets.
func plainAddr(a *traffic.Addr, names *traffic.Dict) endpoint {
	switch a.Kind {
	case traffic.AddrV4:
		return endpoint{ip: netip.AddrFrom4([4]byte(a.IP[12:]))}
	case traffic.AddrV6:
		return endpoint{ip: netip.AddrFrom16(a.IP).Unmap()}
	case traffic.AddrNone:
		return endpoint{}
	case traffic.AddrText:
	}
	text := names.Text(a.Text)
	bare := text
	if n := len(bare); n > 2 && bare[0] == '[' && bare[n-1] == ']' {
		bare = bare[1 : n-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		return endpoint{ip: ip.WithZone("").Unmap()}
	}
	return endpoint{text: text}
}

func (e endpoint) hash() int {
	if e.ip.Is4() {
		b := e.ip.As4()
		return int(binary.BigEndian.Uint32(b[:]) * 0x9E3779B1 >> 24)
	}
	h := uint32(2166136261) // FNV-1a
	mix := func(c byte) { h = (h ^ uint32(c)) * 16777619 }
	if e.text == "" {
		for _, c := range e.ip.As16() {
			mix(c)
		}
	}
	for i := range len(e.text) {
		mix(e.text[i])
	}
	return int(h >> 24)
}

// code gives the number of an address and whether it is a code of a text.
func (w *SessionWriter) code(e endpoint) (code uint32, text, ok bool) {
	if e.ip.Is4() {
		b := e.ip.As4()
		return binary.BigEndian.Uint32(b[:]), false, true
	}
	if e.text != "" {
		w.key = append(append(w.key[:0], 't'), e.text...)
	} else {
		b := e.ip.As16()
		w.key = append(append(w.key[:0], '6'), b[:]...)
	}
	if c, found := w.addrs[string(w.key)]; found {
		return c, true, true
	}
	c, ok := w.s.texts.address(string(w.key))
	if !ok {
		w.s.counts.unnamed.Add(1)
		return 0, true, false
	}
	if len(w.addrs) >= maxLocal {
		clear(w.addrs)
	}
	w.addrs[string(w.key)] = c
	return c, true, true
}

func (w *SessionWriter) who(names *traffic.Dict, k whoCodes) uint32 {
	if k == w.lastKey {
		return w.lastWho
	}
	c, ok := w.whos[k]
	if !ok {
		c = w.s.texts.whoCode(names.Text(k.device), names.Text(k.app), names.Text(k.user))
		if len(w.whos) >= maxLocal {
			clear(w.whos)
		}
		w.whos[k] = c
	}
	w.lastKey, w.lastWho = k, c
	return c
}

func (t *sessionTexts) address(key string) (uint32, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.addr[key]; ok {
		return c, true
	}
	if t.size > maxTexts {
		return 0, false
	}
	c := uint32(len(t.addrs))
	t.addrs = append(t.addrs, key)
	t.addr[key] = c
	t.size += int64(nameBytes + len(key))
	return c, true
}

func (t *sessionTexts) whoCode(device, app, user string) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := whoCodes{t.nameCode(device), t.nameCode(app), t.nameCode(user)}
	if c, ok := t.who[k]; ok {
		return c
	}
	if t.size > maxTexts {
		return 0
	}
	c := uint32(len(t.whos))
	t.whos = append(t.whos, k)
	t.who[k] = c
	t.size += nameBytes
	return c
}

func (t *sessionTexts) nameCode(s string) uint32 {
	if c, ok := t.name[s]; ok {
		return c
	}
	if t.size > maxTexts {
		return 0
	}
	c := uint32(len(t.names))
	t.names = append(t.names, s)
	t.name[s] = c
	t.size += int64(nameBytes + len(s))
	return c
}

func (w *SessionWriter) put(part int, r *sessionRow) error {
	b := w.open[part]
	if b == nil {
		b = w.s.pool.Get().(*sessionBlock)
		b.rows = b.rows[:0]
		w.open[part] = b
	}
	b.rows = append(b.rows, *r)
	if len(b.rows) < sessionBlockRows {
		return nil
	}
	w.open[part] = nil
	return w.s.add(part, b)
}

// Close hands on what the writer still holds.
func (w *SessionWriter) Close() error {
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

// add keeps a block, in memory while there is room. Half of the memory is for sorting.
func (s *Sessions) add(part int, b *sessionBlock) error {
	size := int64(len(b.rows)) * sessionRowBytes
	if s.live.Add(size) <= s.opt.Memory/2 {
		if len(b.rows) < cap(b.rows)/2 {
			b.rows = slices.Clone(b.rows)
		}
		s.mu.Lock()
		s.parts[part] = append(s.parts[part], b)
		s.mu.Unlock()
		return nil
	}
	s.live.Add(-size)
	defer s.pool.Put(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spill == nil {
		f, err := newBlockFile(s.opt.Dir)
		if err != nil {
			return err
		}
		s.spill = f
	}
	return s.spill.add(part, b.rows)
}

// source gives the address of a row's source and dest that of its destination.
func (s *Sessions) source(r *sessionRow) endpoint {
	return s.texts.endpoint(r.src, r.flags&rowSrcText != 0)
}

func (s *Sessions) dest(r *sessionRow) endpoint {
	return s.texts.endpoint(r.dst, r.flags&rowDstText != 0)
}

func (t *sessionTexts) endpoint(code uint32, text bool) endpoint {
	if !text {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], code)
		return endpoint{ip: netip.AddrFrom4(b)}
	}
	key := t.addrs[code]
	if key[0] == '6' {
		return endpoint{ip: netip.AddrFrom16([16]byte([]byte(key[1:])))}
	}
	return endpoint{text: key[1:]}
}

// String gives the canonical text.
func (e endpoint) String() string {
	if e.text != "" {
		return e.text
	}
	return e.ip.String()
}

// internal reports whether an address is of a network of our own. A name as a source is taken for one of our machines.
func (s *Sessions) internal(e endpoint, source bool) bool {
	if e.text != "" {
		return source
	}
	if s.nets == nil {
		return e.ip.IsPrivate() || e.ip.IsLinkLocalUnicast() || e.ip.IsLoopback()
	}
	for _, n := range s.nets {
		if n.Contains(e.ip) {
			return true
		}
	}
	return false
}

// ProtocolNumber gives the IP protocol's number for its name or number in a log, and 0 where it is not known.
func ProtocolNumber(text string) uint8 {
	switch text {
	case "tcp", "TCP":
		return protocolTCP
	case "udp", "UDP":
		return protocolUDP
	case "icmp", "ICMP":
		return protocolICMP
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0
	}
	return uint8(n)
}

// protocolName is the inverse of ProtocolNumber.
func protocolName(p uint8) string {
	switch p {
	case protocolTCP:
		return "tcp"
	case protocolUDP:
		return "udp"
	case protocolICMP:
		return "icmp"
	case 0:
		return ""
	}
	return strconv.Itoa(int(p))
}
