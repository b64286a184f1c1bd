package synth

// kind is the subtype of a record.
type kind uint8

const (
	kindEnd kind = iota
	kindStart
	kindDrop
	kindDeny
)

// record is one line to be: numbers only, the texts come with the printing.
type record struct {
	seen  int64  // when the firewall wrote it, ms since 1970
	key   uint64 // chance that ties the record's other details; breaks ties of seen
	began int64  // when the session began, ms since 1970
	seq   int64  // of its firewall, given when all records before it are known

	sent, recv         int64 // bytes from and to the source
	sentPkts, recvPkts int64
	elapsed            int64  // whole seconds
	channel            int32  // planted channel, -1: none
	beat               int32  // number of its beat
	src                int32  // index of the host
	dst                uint32 // address
	sport, dport       uint16
	to                 role // of dst
	kind               kind
	app                appID
	proto              uint8
	end                uint8
	rule               uint8
	category           uint8
	device             uint8
}

// maxBytes is the most that goes one way in a session.
const maxBytes = 1<<32 - 1

// maxSeconds is the longest a session lasts: firewalls cut later, but a bound
// here is a bound on memory.
const maxSeconds = 2 * 3600

// compare is the order of records in a log: by time of writing, then by chance;
// the start record of a session before its end.
func (r *record) compare(o *record) int {
	switch {
	case r.seen != o.seen:
		return int(r.seen - o.seen)
	case r.key != o.key:
		if r.key < o.key {
			return -1
		}
		return 1
	}
	return int(o.kind) - int(r.kind)
}

// packets makes counts of packets that fit sizes: some per handshake, and no
// packet back means no byte back.
func (r *record) packets() {
	handshake := int64(0)
	if r.proto == tcp {
		handshake = 3
	}
	r.sentPkts = 1 + handshake + r.sent/900
	if r.recv > 0 {
		r.recvPkts = 1 + handshake*2/3 + r.recv/1250
		r.sentPkts += r.recv / 4000
	}
}

// startOf is the record that a firewall writes when the session begins.
func startOf(r *record) record {
	s := *r
	s.kind, s.seen, s.elapsed, s.end = kindStart, r.began, 0, endNone
	s.sent, s.recv, s.sentPkts, s.recvPkts = min(r.sent, 78), 0, 1, 0
	return s
}
