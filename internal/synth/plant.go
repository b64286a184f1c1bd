package synth

import (
	"encoding/binary"
	"math"
	"net/netip"
)

// plan is everything that is decided before the first record is drawn.
type plan struct {
	w        World
	from, to int64
	c        *company
	n        *names
	channels []channel
	beacons  int // the first of the channels
	schedule *schedule
}

// pollerShare is the part of the records that benign rhythms may make.
const pollerShare = 0.12

func newPlan(w World) (*plan, error) {
	p := &plan{w: w, from: w.From.UnixMilli()}
	p.to = p.from + w.span().Milliseconds()
	p.c = newCompany(w)
	planted := p.plantBeacons()
	p.n = newNames(w, planted)
	records := p.expected()
	wanted := float64(w.Flows) / (1 - w.Loss)
	if records > wanted {
		return nil, bad("Flows", w.Flows, "at least %.0f with these beacons; or fewer beacons", math.Ceil(records*(1-w.Loss)))
	}
	p.plantPollers(min(pollerShare*wanted, wanted-records))
	rest := max(wanted-p.expected(), 0)
	blocked := min(wanted*w.Drops, rest)
	p.schedule = newSchedule(p.from, p.to, rest-blocked, blocked, p.c.profile.crowd, w.UTCOffset)
	return p, nil
}

// expected is how many records the planted channels make, about.
func (p *plan) expected() float64 {
	sum := 0.0
	for i := range p.channels {
		n := p.channels[i].expected(p.w.UTCOffset)
		if p.w.LogStart && !p.channels[i].blocked {
			n *= 2
		}
		sum += n
	}
	return sum
}

// plantBeacons turns the beacons into channels and returns the applications
// that the table does not know.
func (p *plan) plantBeacons() []app {
	known := map[string]appID{}
	for i, a := range apps() {
		known[a.name] = appID(i)
	}
	var foreign []app
	used := map[string]int{}
	for i, b := range p.w.Beacons {
		id, ok := known[b.App]
		if !ok && len(foreign) < 200 {
			id = appCount + appID(len(foreign))
			foreign = append(foreign, foreignApp(b.App))
			known[b.App] = id
		}
		start, end := b.window(p.w.span())
		ch := channel{
			name: b.Name, benign: b.Benign, src: p.home(b.Host, used), dst: p.beaconDst(b, i), to: outside,
			port: b.Port, app: id, blocked: b.Blocked, rule: ruleWeb, category: 13,
			period: float64(b.Period.Milliseconds()), jitter: b.Jitter, law: b.Law, miss: b.Miss,
			office: b.Office, burst: b.Burst, sent: float64(b.Sent), recv: float64(b.Received), spread: b.Spread,
			begins: p.from + start.Milliseconds(), ends: p.from + end.Milliseconds(),
		}
		if b.Protocol == "udp" {
			ch.proto = udp
		}
		if b.Blocked {
			ch.rule = ruleDefault
		}
		p.channels = append(p.channels, ch)
	}
	p.beacons = len(p.channels)
	return foreign
}

// home is the next machine of a kind: quiet ones from the last backwards, which
// no poller from outside is put on; people's computers across the company.
func (p *plan) home(kind string, used map[string]int) int {
	n := used[kind]
	used[kind]++
	if kind == Quiet && p.c.quiet > 0 {
		return p.c.people + p.c.servers + p.c.quiet - 1 - n%p.c.quiet
	}
	step := max(1, p.c.people*5/8) | 1
	return (p.c.people/3 + n*step) % p.c.people
}

func (p *plan) beaconDst(b Beacon, i int) uint32 {
	if b.Dst.IsValid() {
		a := b.Dst.As4()
		return binary.BigEndian.Uint32(a[:])
	}
	nets := [...]uint32{203<<24 | 0<<16 | 113<<8, 198<<24 | 51<<16 | 100<<8, 192<<24 | 0<<16 | 2<<8}
	return nets[i%3] | uint32(7+i/3*5%240)
}

func addrText(a uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], a)
	return netip.AddrFrom4(b).String()
}

// poller is a kind of benign rhythm.
type poller struct {
	name    string
	on      role
	share   float64 // of the hosts of this role
	service int     // of the company; -1: outside
	port    uint16
	proto   uint8
	app     appID
	seconds float64
	jitter  float64
	law     Law
	office  bool
	sent    float64
	recv    float64
	places  int // how many destinations share the work, outside
}

// pollers is what runs by itself in a company. Periods over an hour and those
// inside disturb no quiet machine.
func pollers() []poller {
	return []poller{
		{"ntp", person, 1, 1, 123, udp, appNTP, 1024, 0.01, Around, false, 90, 90, 0},
		{"ntp", quiet, 1, 1, 123, udp, appNTP, 1024, 0.01, Around, false, 90, 90, 0},
		{"ntp outside", server, 0.5, -1, 123, udp, appNTP, 1024, 0.01, Around, false, 90, 90, 4},
		{"monitoring", server, 1, 20, 161, udp, appSNMP, 300, 0, Fixed, false, 320, 610, 0},
		{"ping", server, 0.3, 20, 0, icmp, appPing, 60, 0, Fixed, false, 98, 98, 0},
		{"name refresh", quiet, 1, 0, 53, udp, appDNS, 1800, 0.05, Around, false, 78, 168, 0},
		{"device cloud", quiet, 0.5, -1, 443, tcp, appSSL, 300, 0.04, Around, false, 610, 950, 12},
		{"firmware check", quiet, 1, -1, 443, tcp, appSSL, 14400, 0.1, Around, false, 900, 4200, 6},
		{"virus signatures", person, 0.9, -1, 443, tcp, appSSL, 3600, 0.2, Around, false, 1200, 5200, 5},
		{"mail", person, 0.7, -1, 443, tcp, appOffice, 600, 0.3, Around, true, 3100, 5200, 8},
		{"telemetry", person, 0.6, -1, 443, tcp, appSSL, 900, 0.1, Below, false, 4200, 700, 9},
		{"chat presence", person, 0.4, -1, 443, tcp, appChat, 240, 0.1, Gauss, true, 900, 800, 6},
		{"licence", server, 0.4, -1, 443, tcp, appSSL, 1800, 0.02, Around, false, 800, 1100, 10},
		{"own script", person, 0.02, -1, 443, tcp, appWeb, 300, 0.01, Around, true, 500, 2600, 4000},
		{"own job", server, 0.2, -1, 443, tcp, appSSL, 600, 0, Fixed, false, 700, 2100, 4000},
		{"health check", server, 0.5, 6, 1433, tcp, appSQL, 120, 0.02, Around, false, 800, 900, 0},
	}
}

// plantPollers puts benign rhythms on the machines until they make so many
// records: each kind gets its part of the sum.
func (p *plan) plantPollers(records float64) {
	kinds := pollers()
	total := 0.0
	perHost := make([]float64, len(kinds))
	for i := range kinds {
		ch := p.poll(&kinds[i], p.c.people, 0, i)
		perHost[i] = ch.expected(p.w.UTCOffset)
		if p.w.LogStart {
			perHost[i] *= 2
		}
		total += perHost[i] * kinds[i].share * float64(p.count(kinds[i].on))
	}
	scale := 1.0
	if total > records {
		scale = records / total
	}
	beaconHomes, planted := map[int]bool{}, map[channelKey]bool{}
	for i := range p.channels {
		planted[p.channels[i].key()] = true
		beaconHomes[p.channels[i].src] = true
	}
	for i := range kinds {
		first, n := p.first(kinds[i].on), p.count(kinds[i].on)
		for h := first; h < first+n; h++ {
			chance := uniform(hash(p.c.seed, streamPollers, uint64(i), uint64(h)))
			disturbs := kinds[i].on == quiet && kinds[i].service < 0 && beaconHomes[h]
			if chance >= kinds[i].share*scale || disturbs {
				continue
			}
			ch := p.poll(&kinds[i], h, h, i)
			if key := ch.key(); !planted[key] && perHost[i] <= records {
				planted[key] = true
				p.channels = append(p.channels, ch)
				records -= perHost[i]
			}
		}
	}
}

func (p *plan) first(r role) int {
	return [...]int{person: 0, server: p.c.people, quiet: p.c.people + p.c.servers, outside: len(p.c.hosts)}[r]
}

func (p *plan) count(r role) int {
	return [...]int{person: p.c.people, server: p.c.servers, quiet: p.c.quiet, outside: 0}[r]
}

// poll is the channel of one poller on one host.
func (p *plan) poll(k *poller, src, salt, kind int) channel {
	ch := channel{
		name: k.name, benign: true, src: src, to: server, port: k.port, proto: k.proto, app: k.app, rule: ruleServers,
		period: k.seconds * 1000, jitter: k.jitter, law: k.law, office: k.office, burst: 1,
		sent: k.sent, recv: k.recv, spread: 0.05, begins: p.from, ends: p.to,
	}
	if k.sent == k.recv { // packets of a fixed form
		ch.spread = 0
	}
	if k.service >= 0 {
		to := p.c.serverFor(k.service, salt)
		if to == src {
			to = p.c.people + (to+1-p.c.people)%p.c.servers
		}
		ch.dst = p.c.hosts[to].addr
		return ch
	}
	place := hash(p.c.seed, streamPollers, uint64(kind)<<32|uint64(salt%k.places))
	to := &p.c.dests[place%uint64(len(p.c.dests))]
	if k.places < 100 { // known to many, for other reasons, too
		to = &p.c.dests[place%200]
	}
	ch.to, ch.dst, ch.category, ch.rule = outside, to.addr, to.category, ruleWeb
	if k.on == quiet {
		ch.rule = ruleDevices
	}
	return ch
}
