package synth

import "math"

// maker draws the sessions of one quantum after another. Each worker has its
// own; a quantum's records depend on the seed and its number alone.
type maker struct {
	c        *company
	s        *schedule
	shapes   []app
	logStart bool
	d        dice
	left     int // records that the quantum may still draw
	from     int64
	span     int64
	out      []record
}

// sessionEnds is how long after its beginning a person's session draws its last
// connection.
const sessionEnds = 40 * minute

// quantum appends the records of the sessions that begin in the n-th quantum.
// They are in no order, and some are written long after the quantum.
func (m *maker) quantum(n int, out []record) []record {
	m.d.reseed(hash(m.c.seed, streamQuanta, uint64(n)))
	m.out = out
	m.from = m.s.begin + int64(n)*m.s.length
	m.span = min(m.s.length, m.s.end-m.from)
	q := m.s.budget[n]
	for m.left = q.allowed; m.left > 0; {
		if m.d.below(q.people) {
			m.person(m.c.busyPeople.draw(m.d))
		} else {
			m.server(m.c.people + m.c.busyServers.draw(m.d))
		}
	}
	for m.left = q.blocked; m.left > 0; {
		m.blocked()
	}
	return m.out
}

func (m *maker) moment() int64 { return m.from + m.d.Int64N(m.span) }

// person draws one thing that somebody does.
func (m *maker) person(h int) {
	at := m.moment()
	switch p := m.d.Float64(); {
	case p < 0.40:
		m.browse(h, at)
	case p < 0.60:
		m.internal(h, at)
	case p < 0.82:
		m.work(h, at)
	case p < 0.90:
		m.watch(h, at)
	case p < 0.985:
		m.lookUp(h, at)
	default:
		m.update(h, at)
	}
}

// browse is a walk through pages: many short ones, few very long, and each page
// opens several connections at once.
func (m *maker) browse(h int, at int64) {
	t, fan := at, int(m.c.hosts[h].fan)
	site := m.rank(fan)
	for range m.d.pareto(1.3, 80) {
		if t-at > sessionEnds || m.left <= 0 {
			return
		}
		if m.d.below(0.3) {
			site = m.rank(fan)
		}
		parts := min(1+int(m.d.ExpFloat64()*2.5), 14)
		for k := range parts {
			m.visit(h, m.c.favourite(h, (site+k*k)%fan), t+int64(m.d.ExpFloat64()*400))
		}
		t += int64(m.d.logNormal(14, 1.2) * 1000)
	}
}

// rank is a place in the habits of a host: mostly the first ones, at times any.
func (m *maker) rank(fan int) int {
	if m.d.below(0.25) {
		return m.d.IntN(fan)
	}
	return zipf(m.d.Float64(), fan)
}

// visit is one connection to a destination, often with the question for its
// name before.
func (m *maker) visit(h int, to *dest, at int64) {
	if m.d.below(0.22) {
		m.lookUp(h, at-20)
	}
	s := session{src: h, dst: to.addr, to: outside, port: to.port, app: to.app, at: at, rule: ruleWeb, category: to.category}
	switch p := m.d.Float64(); {
	case to.quic && p < 0.3:
		s.port, s.proto, s.app = 443, udp, appQUIC
	case to.port == 443 && p > 0.985:
		s.port, s.app = 80, appWeb
	case p > 0.955 && p <= 0.985:
		s.app, s.incomplete = appIncomplete, true
	}
	if m.c.hosts[h].role != person {
		s.rule = ruleServers
	}
	m.add(s)
}

// lookUp asks one of the company's resolvers for a name.
func (m *maker) lookUp(h int, at int64) {
	m.toServer(h, 0, 53, udp, appDNS, at)
}

// internal is what a computer does in its domain: sign in, look up, read files.
func (m *maker) internal(h int, at int64) {
	m.toServer(h, 1, 88, tcp, appKerberos, at)
	if m.d.below(0.7) {
		m.toServer(h, 1, 389, tcp, appLDAP, at+m.d.Int64N(2*second))
	}
	for range m.d.pareto(1.5, 20) {
		at += int64(m.d.logNormal(5, 1.3) * 1000)
		m.toServer(h, 2+h%4, 445, tcp, appSMB, at)
	}
}

// work is a program that keeps a few long connections to a popular place.
func (m *maker) work(h int, at int64) {
	app := appOffice
	if m.d.below(0.3) {
		app = appMeeting
	}
	for range 1 + m.d.IntN(6) {
		to := m.c.favourite(h, m.d.IntN(min(8, int(m.c.hosts[h].fan))))
		m.add(session{src: h, dst: to.addr, to: outside, port: 443, app: app, at: at, rule: ruleWeb, category: to.category})
		at += int64(m.d.logNormal(8, 1.4) * 1000)
	}
}

// watch is one stream of pictures.
func (m *maker) watch(h int, at int64) {
	to := m.c.favourite(h, m.d.IntN(min(12, int(m.c.hosts[h].fan))))
	for range m.d.pareto(1.2, 30) {
		m.add(session{src: h, dst: to.addr, to: outside, port: 443, app: appVideo, at: at, rule: ruleWeb, category: 8})
		at += 4*second + int64(m.d.ExpFloat64()*9000)
	}
}

// update fetches the parts of new software, one after the other.
func (m *maker) update(h int, at int64) {
	for range 3 + m.d.pareto(1.1, 40) {
		to := &m.c.dests[m.d.IntN(4)]
		m.add(session{src: h, dst: to.addr, to: outside, port: 80, app: appUpdate, at: at, rule: ruleOut, category: 1})
		at += int64(m.d.logNormal(2, 1) * 1000)
	}
}

// server draws one thing that a server does.
func (m *maker) server(h int) {
	at := m.moment()
	switch p := m.d.Float64(); {
	case p < 0.25:
		m.resolve(at)
	case p < 0.50:
		for range m.d.pareto(1.4, 30) {
			m.toServer(h, 6+h%5, 1433, tcp, appSQL, at)
			at += int64(m.d.logNormal(3, 1.5) * 1000)
		}
	case p < 0.72:
		for range 1 + m.d.IntN(5) {
			m.visit(h, m.c.favourite(h, m.rank(int(m.c.hosts[h].fan))), at)
			at += int64(m.d.ExpFloat64() * 3000)
		}
	case p < 0.80:
		m.toServer(h, 11, 10006, tcp, appBackup, at)
	case p < 0.86:
		m.toServer(h, 2+h%5, 22, tcp, appSSH, at)
	case p < 0.92:
		to := m.c.dests[zipf(m.d.Float64(), len(m.c.dests))]
		m.add(session{src: m.c.serverFor(12, 0), dst: to.addr ^ 25, to: outside, port: 25, app: appSMTP, at: at, rule: ruleServers})
	default:
		m.guest(at)
	}
}

// resolve is a resolver of the company asking those outside.
func (m *maker) resolve(at int64) {
	src := m.c.serverFor(0, m.d.IntN(3))
	for range m.d.pareto(1.3, 40) {
		to := m.c.dests[zipf(m.d.Float64(), min(2000, len(m.c.dests)))]
		m.add(session{src: src, dst: to.addr ^ 53, to: outside, port: 53, proto: udp, app: appDNS, at: at, rule: ruleDNS})
		at += int64(m.d.ExpFloat64() * 300)
	}
}

// guest is a visitor from outside at the company's own pages.
func (m *maker) guest(at int64) {
	h := m.guestHost()
	for range m.d.pareto(1.3, 25) {
		m.add(session{src: h, dst: serverPublic(h % 3), to: server, port: 443, app: appSSL, at: at, rule: ruleIn})
		at += int64(m.d.logNormal(6, 1.2) * 1000)
	}
}

func (m *maker) guestHost() int {
	return len(m.c.hosts) - m.c.guests + zipf(m.d.Float64(), m.c.guests)
}

func (m *maker) toServer(h, service int, port uint16, proto uint8, app appID, at int64) {
	to := m.c.serverFor(service, h)
	if to == h {
		to = m.c.people + (to+1-m.c.people)%m.c.servers
	}
	rule := ruleServers
	if app == appDNS {
		rule = ruleDNS
	}
	m.add(session{src: h, dst: m.c.hosts[to].addr, to: server, port: port, proto: proto, app: app, at: at, rule: rule})
}

// blocked is an attempt that a firewall stops, with its repetitions.
func (m *maker) blocked() {
	at := m.moment()
	s := session{at: at, kind: kindDrop, app: appNone, rule: ruleDefault, to: outside}
	ports := [...]uint16{23, 445, 3389, 22, 1900, 5060, 8080, 6881, 137, 4444}
	if m.d.below(0.45) { // someone outside tries doors, always of one kind
		s.src = m.guestHost()
		s.dst, s.to = serverPublic(zipf(m.d.Float64(), 60)), server
		s.port = ports[s.src%len(ports)]
	} else {
		s.src = m.c.busyPeople.draw(m.d)
		to := m.c.favourite(s.src, m.rank(int(m.c.hosts[s.src].fan)))
		s.dst, s.category = to.addr, to.category
		s.port = ports[to.addr>>8%uint32(len(ports))]
		if m.d.below(0.35) {
			s.kind, s.port, s.app, s.rule = kindDeny, to.port, to.app, ruleBlock
		}
	}
	if s.port == 137 || s.port == 1900 || s.port == 5060 {
		s.proto = udp
	}
	wait := float64(second)
	for range m.d.pareto(1.2, 6) {
		m.add(s)
		s.at += int64(wait)
		wait *= 2
	}
}

// session is what is known of a session before its sizes are drawn.
type session struct {
	src        int
	dst        uint32
	port       uint16
	proto      uint8
	kind       kind
	to         role
	app        appID
	rule       uint8
	category   uint8
	incomplete bool
	at         int64
}

// add draws the rest of a session and takes its records from the budget.
func (m *maker) add(s session) {
	if m.left <= 0 {
		return
	}
	r := record{
		key: m.d.Uint64(), began: s.at, channel: -1,
		src: int32(s.src), dst: s.dst, dport: s.port,
		to: s.to, kind: s.kind, app: s.app, proto: s.proto, rule: s.rule, category: s.category,
		device: m.c.hosts[s.src].device,
	}
	if s.proto != icmp {
		r.sport = sourcePort(r.key)
	}
	shape := &m.shapes[s.app]
	r.sent = clampBytes(m.d.logNormal(shape.sent, shape.sentDev), 40)
	r.recv = clampBytes(m.d.logNormal(shape.recv, shape.recvDev), 0)
	m.finish(&r, m.d.logNormal(shape.seconds, shape.secDev), s.incomplete)
	m.left--
	m.out = append(m.out, r)
	if m.logStart && r.kind == kindEnd && m.left > 0 {
		m.left--
		m.out = append(m.out, startOf(&r))
	}
}

// finish sets how and when the session ended and when that was written.
func (m *maker) finish(r *record, seconds float64, incomplete bool) {
	if r.kind != kindEnd {
		r.block()
		return
	}
	if incomplete {
		r.recv = 0
	}
	seconds = min(seconds, maxSeconds)
	r.packets()
	r.elapsed = int64(seconds)
	r.end = endAged
	lag := int64(0)
	if p := m.d.Float64(); r.proto == tcp && !incomplete {
		switch {
		case p < 0.62:
			r.end = endFin
		case p < 0.75:
			r.end = endClient
		case p < 0.87:
			r.end = endServer
		}
		if p > 0.99 {
			lag = 15 * second // now and then a record comes late
		}
	}
	lag += m.c.devices[r.device].lags[r.proto][r.end] + m.d.Int64N(300)
	r.seen = r.began + int64(seconds*1000) + lag
}

// block makes r the record of something that never became a session.
func (r *record) block() {
	r.seen, r.elapsed, r.end = r.began, 0, endDenied
	r.recv, r.recvPkts = 0, 0
	r.sentPkts = 1
	r.sent = min(r.sent, 66)
	if r.kind == kindDeny {
		r.sentPkts, r.sent = 4, 580+int64(r.key>>50%200)
	}
}

// sourcePort is an ephemeral port of Windows.
func sourcePort(key uint64) uint16 { return uint16(49152 + key>>20&0x3fff) }

func clampBytes(x, least float64) int64 {
	return int64(math.Round(min(max(x, least), maxBytes)))
}
