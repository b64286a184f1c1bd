package rule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/stream"
)

// generator makes the records of one item of a test's traffic.
type generator struct {
	table      string
	law        string
	gap        time.Duration // period of a beat, mean gap of a background
	jitter     float64       // share of the period
	miss       float64       // share of beats that do not come
	from, to   int64         // ticks
	background bool
	targets    int // destinations of a background
	columns    *node
	random     *rand.Rand
}

// maxRecords is how many records the traffic of one test may have.
const maxRecords = 1_000_000

// The laws of gaps, as in the verb synth.
var laws = []string{"fixed", "around", "below", "gauss", "poisson"}

// readTraffic reads one item. Keys that it does not know are columns.
func readTraffic(n *node, at int64, name string) (*generator, error) {
	if n.kind != kindBag {
		return nil, errors.New("traffic must be a list of beats and backgrounds")
	}
	g := &generator{table: "CommonSecurityLog", law: "fixed", columns: bagNode(), targets: 20, from: at - ticksOf(day), to: at}
	for _, c := range defaultColumns {
		g.columns.set(c[0], textNode(c[1]))
	}
	length := time.Duration(0)
	seed := name
	for i, k := range n.keys {
		v := n.items[i]
		if err := g.key(k.text, v, at, &length, &seed); err != nil {
			return nil, err
		}
	}
	switch {
	case g.gap <= 0:
		return nil, errors.New("an item of traffic has a beat or a background, with a length of time: beat: 300s")
	case length > 0:
		g.to = g.from + ticksOf(length)
	}
	if g.background && n.get("law") == nil {
		g.law = "poisson"
	}
	if (g.to-g.from)/ticksOf(g.gap) > maxRecords {
		return nil, fmt.Errorf("the traffic would have more than %d records", maxRecords)
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed))                   // it cannot fail
	g.random = rand.New(rand.NewPCG(h.Sum64(), 0)) //nolint:gosec // a test must give the same records each time
	return g, nil
}

// defaultColumns make a record one of a session that a PAN-OS firewall let through.
var defaultColumns = [][2]string{
	{"DeviceVendor", "Palo Alto Networks"},
	{"DeviceProduct", "PAN-OS"},
	{"Activity", "TRAFFIC"},
	{"DeviceEventClassID", "end"},
	{"DeviceAction", "allow"},
	{"DeviceName", "fw1"},
	{"Protocol", "tcp"},
	{"ApplicationProtocol", "ssl"},
	{"SourceIP", "10.0.0.5"},
	{"DestinationIP", "203.0.113.7"},
	{"DestinationPort", "443"},
	{"SentBytes", "420"},
	{"ReceivedBytes", "1200"},
}

// trafficColumns are the columns that have a short key.
var trafficColumns = map[string]string{
	"source": "SourceIP", "destination": "DestinationIP", "port": "DestinationPort", "sent": "SentBytes",
	"received": "ReceivedBytes", "user": "SourceUserID", "device": "DeviceName", "action": "DeviceAction",
	"app": "ApplicationProtocol", "protocol": "Protocol",
}

func (g *generator) key(name string, v *node, at int64, length *time.Duration, seed *string) error {
	value := text(v)
	wrong := func(want string) error { return fmt.Errorf("%s %q: want %s", name, value, want) }
	var ok bool
	switch name {
	case "beat", "background":
		g.background = name == "background"
		if g.gap, ok = parseSpan(value); !ok || g.gap < time.Millisecond || g.gap > 1000*day {
			return wrong("a length of time such as 300s or 5m")
		}
	case "jitter":
		if g.jitter, ok = share(value); !ok {
			return wrong("a share such as 20 %")
		}
		if g.law == "fixed" {
			g.law = "around"
		}
	case "miss":
		if g.miss, ok = share(value); !ok {
			return wrong("a share such as 20 %")
		}
	case "law":
		g.law = value
		for _, l := range laws {
			ok = ok || l == value
		}
		if !ok {
			return wrong(strings.Join(laws, ", "))
		}
	case "from":
		if g.from, ok = instant(value, at); !ok {
			return wrong("a time, or a distance from the run such as -24h")
		}
	case "for":
		if *length, ok = parseSpan(value); !ok || *length <= 0 {
			return wrong("a length of time such as 24h")
		}
	case "to":
		if g.to, ok = instant(value, at); !ok {
			return wrong("a time, or a distance from the run such as -24h")
		}
	case "seed":
		*seed = value
	case "table":
		g.table = value
	case "destinations":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 65_000 {
			return wrong("a number from 1 to 65000")
		}
		g.targets = n
	case "columns":
		for _, p := range v.pairs() {
			g.columns.set(p.key.text, p.value)
		}
	default:
		column := trafficColumns[name]
		if column == "" {
			hint := ""
			if near := nearest(name, trafficKeys()); near != "" {
				hint = "; did you mean " + near + "?"
			}
			return fmt.Errorf("traffic has no key %q%s; other columns stand under columns", name, hint)
		}
		g.columns.set(column, v)
	}
	return nil
}

func trafficKeys() []string {
	keys := []string{"beat", "background", "jitter", "miss", "law", "from", "for", "to", "seed", "table", "destinations", "columns"}
	for k := range trafficColumns {
		keys = append(keys, k)
	}
	return keys
}

// share reads "20 %", "20%" or "0.2".
func share(s string) (float64, bool) {
	number, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		f /= 100
	}
	return f, err == nil && f >= 0 && f <= 1
}

// next gives one gap. No gap is below a tenth of the period, but for a background's.
func (g *generator) next() int64 {
	period := float64(ticksOf(g.gap))
	gap := period
	switch g.law {
	case "around":
		gap = period * (1 + g.jitter*(2*g.random.Float64()-1))
	case "below":
		gap = period * (1 - g.jitter*g.random.Float64())
	case "gauss":
		gap = period * (1 + g.jitter*max(min(g.random.NormFloat64(), 3), -3))
	case "poisson":
		return max(int64(g.random.ExpFloat64()*period), 1)
	}
	return int64(math.Round(max(gap, period/10)))
}

// fill adds the records to a table. They are in [from, to).
func (g *generator) fill(m *memory) error {
	t := m.table(g.table)
	if _, ok := m.Schema.Table(g.table); !ok {
		return fmt.Errorf("there is no table %q for traffic", g.table)
	}
	base := make(stream.Row, len(t.Columns))
	if err := g.base(m, t, base); err != nil {
		return err
	}
	at, ok := t.index[timeColumn]
	if !ok {
		return fmt.Errorf("the table %s has no %s", g.table, timeColumn)
	}
	destination, hasDestination := t.index["DestinationIP"]
	port, hasPort := t.index["SourcePort"]
	for now := g.from; now < g.to && len(t.rows) < maxRecords; now += g.next() {
		if g.miss > 0 && g.random.Float64() < g.miss {
			continue
		}
		row := append(stream.Row(nil), base...)
		row[at], _ = m.value(t.Columns[at].Type, textNode(timeText(now))) // a time is one
		if hasPort {
			row[port], _ = m.value(t.Columns[port].Type, textNode(strconv.Itoa(49152+g.random.IntN(16384)))) // a port is a number
		}
		if g.background && hasDestination {
			n := g.random.IntN(g.targets)
			row[destination], _ = m.value(t.Columns[destination].Type, textNode(fmt.Sprintf("198.18.%d.%d", n/250, n%250+1)))
		}
		t.rows = append(t.rows, row)
	}
	return nil
}

// base is the record that all are made of.
func (g *generator) base(m *memory, t *memoryTable, base stream.Row) error {
	for i, c := range t.Columns {
		base[i], _ = m.value(c.Type, &node{}) // null is of any type
	}
	for i, k := range g.columns.keys {
		col, ok := t.index[k.text]
		if !ok {
			if isDefault(k.text) {
				continue // a table of another shape
			}
			return fmt.Errorf("%s has no column %q", t.Name, k.text)
		}
		v, err := m.value(t.Columns[col].Type, g.columns.items[i])
		if err != nil {
			return fmt.Errorf("%s: %w", k.text, err)
		}
		base[col] = v
	}
	return nil
}

func isDefault(column string) bool {
	for _, d := range defaultColumns {
		if d[0] == column {
			return true
		}
	}
	return false
}
