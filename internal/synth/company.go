package synth

import (
	"math"
)

// role is what a host is for.
type role uint8

const (
	person  role = iota // a person's computer
	server              // serves the others, works at night, too
	quiet               // a kiosk, a camera, a badge reader: few words, always the same
	outside             // not a machine of the company
)

// host is a machine, or someone outside who talks to the company.
type host struct {
	addr   uint32
	role   role
	user   int32 // index of the user, -1: none
	device uint8 // index of the firewall it stands behind
	fan    int32 // how many destinations it knows
}

// dest is a destination outside.
type dest struct {
	addr     uint32
	port     uint16
	app      appID
	category uint8
	quic     bool
}

// device is a firewall.
type device struct {
	name    string
	serial  string
	public  uint32 // its address outside, for translated sources
	version version
	lags    [protoCount][endCount]int64 // from the end of a session to its record, ms
}

// company is who there is. It is read-only once made.
type company struct {
	seed    uint64
	profile profile
	hosts   []host // people, then servers, then quiet ones, then those outside
	people  int    // how many of each
	servers int
	quiet   int
	guests  int
	dests   []dest
	devices []device

	busyPeople  alias
	busyServers alias
}

// profile is a kind of company.
type profile struct {
	people, servers float64 // share of the machines; the rest is quiet
	crowd           float64 // weight of people's traffic by day against servers'
}

func profiles() map[string]profile {
	return map[string]profile{
		"office":     {people: 0.64, servers: 0.08, crowd: 5},
		"plant":      {people: 0.25, servers: 0.10, crowd: 2},
		"datacenter": {people: 0.10, servers: 0.70, crowd: 0.3},
	}
}

// Profiles lists the kinds of company: office, plant (many machines, few
// people) and datacenter (mostly servers, hardly a night).
func Profiles() []string { return []string{"office", "plant", "datacenter"} }

func newCompany(w World) *company {
	c := &company{seed: w.Seed, profile: profiles()[w.Profile]}
	c.people = max(1, int(float64(w.Machines)*c.profile.people))
	c.servers = max(1, int(float64(w.Machines)*c.profile.servers))
	c.quiet = w.Machines - c.people - c.servers
	c.guests = min(4000, 200+w.Machines/4)
	c.devices = newDevices(w)
	c.addHosts(w)
	c.addDestinations(min(max(3000, 15*w.Machines), 200_000))
	return c
}

func (c *company) addHosts(w World) {
	d := newDice(hash(w.Seed, streamHosts))
	n := c.people + c.servers + c.quiet
	c.hosts = make([]host, n+c.guests)
	weights := make([]float64, n)
	for i := range c.hosts {
		h := &c.hosts[i]
		h.device = c.deviceOf(i)
		h.user = -1
		switch {
		case i < c.people:
			h.role, weights[i] = person, min(math.Pow(1-d.Float64(), -1/1.3), 60)
			if w.Users > 0 {
				h.user = int32(i % w.Users)
			}
		case i < c.people+c.servers:
			h.role, weights[i] = server, min(math.Pow(1-d.Float64(), -1/1.1), 200)
		case i < n:
			h.role = quiet
		default:
			h.role = outside
		}
		h.addr = machineAddr(i)
		if h.role == outside {
			h.addr = outsideAddr(uint64(i)*7919+3, i)
		}
	}
	c.busyPeople = newAlias(weights[:c.people])
	c.busyServers = newAlias(weights[c.people : c.people+c.servers])
	c.spreadFans(w, weights)
}

// spreadFans gives every person and server a number of known destinations that
// grows with the root of its weight.
func (c *company) spreadFans(w World, weights []float64) {
	roots := 0.0
	for i := range c.people + c.servers {
		roots += math.Sqrt(weights[i])
	}
	total := 60 * float64(c.people+c.servers)
	if w.Channels > 0 {
		total = float64(w.Channels) / channelsPerFan
	}
	for i := range c.people + c.servers {
		fan := total * math.Sqrt(weights[i]) / roots
		c.hosts[i].fan = int32(min(max(fan, 3), 100_000))
	}
}

// channelsPerFan is how many channels a known destination makes, measured: the
// site's own port, QUIC beside it, plain HTTP, what is blocked; less the
// favourites that fall together.
const channelsPerFan = 1.7

// deviceOf spreads hosts over firewalls; the first has half of them.
func (c *company) deviceOf(host int) uint8 {
	h := mix(uint64(host) ^ c.seed<<1)
	if len(c.devices) == 1 || h&1 == 0 {
		return 0
	}
	return uint8(1 + (h>>1)%uint64(len(c.devices)-1))
}

// machineAddr is 10.16.0.4 and on, 250 to a network.
func machineAddr(i int) uint32 {
	block := uint32(i / 250)
	return 10<<24 | (16+block>>8)<<16 | (block&255)<<8 | uint32(4+i%250)
}

// outsideBlocks is the number of /24 networks that outsideAddr chooses from.
const outsideBlocks = uint64(len(firstOctets)) << 16

// firstOctets are those whose networks are public all through: no private,
// shared, reserved, multicast or documentation network begins with them.
const firstOctets = "\x02\x03\x04\x05\x08\x09\x0c\x0d\x0e\x0f\x12\x14\x17\x1b\x1f\x20\x22\x23\x25\x2e\x32\x34\x36\x3e\x40\x43\x45\x48\x4a\x4d" +
	"\x50\x53\x57\x5b\x5f\x60\x63\x67\x68\x6b\x6c\x70\x74\x78\x7c\x80\x84\x86\x8c\x90\x93\x97\x9b\x9f\xa0\xa3\xa7\xab\xb0\xb4\xb9\xbc\xc1\xc2\xc3\xc7\xcc\xcf\xd0\xd1\xd4\xd5\xd8\xd9"

// outsideAddr is a public address: the n-th network of a walk that meets each
// once, and in it the n-th of a few hosts.
func outsideAddr(network uint64, n int) uint32 {
	block := (network*2_654_435_761 + 40_503) % outsideBlocks
	last := 1 + uint64(n%6)*41 + hash(network, uint64(n))%40
	return uint32(uint64(firstOctets[block>>16])<<24 | (block&0xffff)<<8 | last)
}

func (c *company) addDestinations(n int) {
	c.dests = make([]dest, n)
	for i := range c.dests {
		h := hash(c.seed, streamDestinations, uint64(i))
		d := &c.dests[i]
		d.addr = outsideAddr(uint64(i/6)*2+1_000_000+c.seed%1000, i)
		d.port, d.app = 443, appSSL
		d.category = uint8(1 + h>>40%13)
		d.quic = h>>50%5 == 0
		switch p := uniform(h); {
		case p < 0.08:
			d.port, d.app = 80, appWeb
		case p < 0.12:
			d.port = 8443
		case p < 0.30:
			d.app = appSearch
		case p < 0.40:
			d.app = appOffice
		case p < 0.44:
			d.app = appChat
		case p < 0.46:
			d.port, d.app = 5228, appSearch
		}
	}
}

// favourite is the destination that stands at this rank in the host's habits;
// popular ones are in many hosts' habits.
func (c *company) favourite(host, rank int) *dest {
	h := hash(c.seed, streamFavourites, uint64(host)<<32|uint64(rank))
	return &c.dests[zipf(uniform(h), len(c.dests))]
}

// serverFor is the host that offers a service to others; each service has a
// few, near or far.
func (c *company) serverFor(service, near int) int {
	const mirrors = 3
	return c.people + (service*mirrors+near%mirrors)%c.servers
}

// serverPublic is the address at which a service is reached from outside.
func serverPublic(service int) uint32 {
	return 198<<24 | 18<<16 | uint32(10+service%200)
}

func private(addr uint32) bool { return addr>>24 == 10 }
