package synth

import (
	"fmt"
	"strconv"
)

// names are the texts of one world that only the lines show.
type names struct {
	rules []string
	zones []string // by role: people, servers, quiet ones, outside
	users []string
	uuids []string // of the rules
	apps  []app
}

func newNames(w World, planted []app) *names {
	n := &names{
		rules: []string{"allow-web", "servers-out", "allow-dns", "allow-out", "publish-web", "devices-out", "block-risky", "interzone-default"},
		zones: []string{"trust", "servers", "devices", "untrust"},
		apps:  append(apps(), planted...),
	}
	if w.Entropy == HighEntropy {
		n.rules = []string{
			"Allow Web, all users", "Servers = out (patch day)", "DNS to the resolvers", "Outbound | temporary",
			`Publish "web" (443, 80)`, "Devices out", "Block risky apps, ports = any", "interzone-default",
		}
		n.zones = []string{"Users LAN", "Server Farm 1", "Devices, Floor 2", "Internet (line 1)"}
	}
	for i := range ruleCount {
		h := hash(w.Seed, streamDevices, uint64(i)+1<<20)
		n.uuids = append(n.uuids, fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", h>>32, h>>16&0xffff, h&0xfff, h>>4&0xfff, mix(h)>>16))
	}
	n.users = make([]string, w.Users)
	for i := range n.users {
		n.users[i] = userName(i)
	}
	return n
}

// userName is an account such as corp\kweber or corp\aschmidt2.
func userName(i int) string {
	surnames := [...]string{
		"weber", "nguyen", "robert", "tanaka", "silva", "novak", "berg", "martin", "okafor", "jensen", "rossi", "kumar",
		"lopez", "fischer", "dubois", "smith", "haddad", "petrov", "kim", "olsen", "moreau", "yilmaz", "costa", "brown",
		"horvat", "meyer", "clark", "santos", "lind", "vogel", "taylor", "ferrari", "bauer", "ionescu", "walker", "nagy",
		"lefevre", "schulz", "young", "popov", "wright", "keller", "green", "ricci", "dahl", "baker", "varga", "adams",
		"conti", "nelson", "huber", "carter", "lang", "mitchell", "frank", "evans", "maier", "stone", "winter", "parker",
		"roth", "price", "simon",
	}
	name := string(rune('a'+i/len(surnames)%26)) + surnames[i%len(surnames)]
	if again := i / len(surnames) / 26; again > 0 {
		name += strconv.Itoa(again + 1)
	}
	return name
}

const domain = "corp"

// newDevices makes the firewalls. Their lags are what was seen on real ones:
// the same for all sessions of a firewall, a protocol and an end reason.
func newDevices(w World) []device {
	sites := [...]string{"hq", "lab", "east", "west", "dc", "north", "south", "port"}
	out := make([]device, w.Firewalls)
	for i := range out {
		h := hash(w.Seed, streamDevices, uint64(i))
		d := &out[i]
		d.name = fmt.Sprintf("fw-%s-%02d", sites[i%len(sites)], 1+i/len(sites))
		d.serial = fmt.Sprintf("0123%08d", h%100_000_000)
		d.public = 198<<24 | 19<<16 | uint32(1+i)
		d.version = versionOf(w, i)
		fin := int64(14+h>>20%5) * second
		aged := fin + 15*second
		d.lags[tcp] = [endCount]int64{endFin: fin, endClient: fin, endServer: fin, endAged: 7 * second}
		d.lags[udp] = [endCount]int64{endAged: aged}
		d.lags[icmp] = [endCount]int64{endAged: fin}
	}
	return out
}
