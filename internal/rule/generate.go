package rule

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
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
	length     time.Duration // that the item gives, or 0
	seed       string
	random     *rand.Rand
	at         kql.Span // where the file names the table, or the item begins
}

// maxRecords is how many records the traffic of one test may have.
const maxRecords = 1_000_000

// The laws of gaps, as in the verb synth.
var laws = []string{"fixed", "around", "below", "gauss", "poisson"}

// readTraffic reads one item of the traffic of a test; nothing, with faults in m, if something is wrong with it. Where it
// does not say from when to when, it fills the window from its beginning.
func readTraffic(m *memory, n *node, window plan.Window, name string) *generator {
	if n.kind != kindBag {
		m.fail(CodeValue, n.span, "", "traffic must be a list of beats and backgrounds")
		return nil
	}
	before := len(m.diags)
	g := &generator{table: commonTable, law: "fixed", columns: bagNode(), targets: 20, from: window.From, to: window.To, seed: name, at: n.span}
	for _, c := range defaultColumns {
		g.columns.set(c[0], textNode(c[1]))
	}
	for i, k := range n.keys {
		g.key(m, k, n.items[i])
	}
	if len(m.diags) > before {
		return nil
	}
	if g.gap <= 0 {
		m.fail(CodeMissing, n.span, "", "an item of traffic has a beat or a background, with a length of time: beat: 300s")
		return nil
	}
	switch given := n.get("from") != nil; {
	case g.length > 0 && given:
		g.to = g.from + ticksOf(g.length)
	case g.length > 0:
		g.from = max(g.to-ticksOf(g.length), 0)
	}
	if g.background && n.get("law") == nil {
		g.law = "poisson"
	}
	switch {
	case g.to <= g.from:
		m.fail(CodeValue, n.span, "", "the traffic ends before it begins: from %s to %s", timeText(max(g.from, 0)), timeText(max(g.to, 0)))
		return nil
	case (g.to-g.from)/ticksOf(g.gap) > maxRecords:
		m.fail(CodeTooLarge, n.span, "", "the traffic would have more than %d records", maxRecords)
		return nil
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(g.seed))                 // it cannot fail
	g.random = rand.New(rand.NewPCG(h.Sum64(), 0)) //nolint:gosec // a test must give the same records each time
	return g
}

// commonTable is the table that traffic fills where it names no other.
const commonTable = "CommonSecurityLog"

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

// key reads one key of an item.
func (g *generator) key(m *memory, key, v *node) {
	value := text(v)
	wrong := func(want string) {
		m.fail(CodeValue, v.span, "", "%s %q: want %s", key.text, value, want)
	}
	moment := func(to *int64) {
		ticks, ok := instant(value, m.at)
		if *to = ticks; !ok {
			wrong("a time, or a distance from the run such as -24h")
		}
	}
	part := func(to *float64) {
		f, ok := share(value)
		if *to = f; !ok {
			wrong("a share such as 20 %")
		}
	}
	var ok bool
	switch key.text {
	case "beat", "background":
		g.background = key.text == "background"
		if g.gap, ok = parseSpan(value); !ok || g.gap < time.Millisecond || g.gap > 1000*day {
			wrong("a length of time such as 300s or 5m")
		}
	case "jitter":
		part(&g.jitter)
		if g.law == "fixed" {
			g.law = "around"
		}
	case "miss":
		part(&g.miss)
	case "law":
		if g.law = value; !slices.Contains(laws, value) {
			wrong(strings.Join(laws, ", "))
		}
	case "from":
		moment(&g.from)
	case "to":
		moment(&g.to)
	case "for":
		if g.length, ok = parseSpan(value); !ok || g.length <= 0 {
			wrong("a length of time such as 24h")
		}
	case "seed":
		g.seed = value
	case "table":
		g.table, g.at = value, v.span
	case "destinations":
		n, err := strconv.Atoi(value)
		if g.targets = n; err != nil || n < 1 || n > 65_000 {
			wrong("a number from 1 to 65000")
		}
	case "columns":
		if v.kind != kindBag {
			wrong("columns with values, as in {SourceUserName: ann}")
		}
		for _, p := range v.pairs() {
			g.set(p.key, p.value)
		}
	default:
		g.short(m, key, v)
	}
}

// short reads a key that stands for a column.
func (g *generator) short(m *memory, key, v *node) {
	if column := trafficColumns[key.text]; column != "" {
		g.set(keyNode(column, key), v)
		return
	}
	hint := "other columns stand under columns"
	if near := nearest(key.text, trafficKeys()); near != "" {
		hint = "did you mean " + near + "?"
	}
	m.fail(CodeUnknownKey, key.span, hint, "traffic has no key %q", key.text)
}

// set gives all records a column.
func (g *generator) set(key, v *node) {
	g.columns.remove(key.text)
	g.columns.keys, g.columns.items = append(g.columns.keys, key), append(g.columns.items, v)
}

func trafficKeys() []string {
	keys := slices.Sorted(maps.Keys(trafficColumns))
	return append(keys, "beat", "background", "jitter", "miss", "law", "from", "for", "to", "seed", "table", "destinations", "columns")
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

// fill adds the records to a table, and gives their number. They are in [from, to). A dry run makes none, and finds what
// is wrong with them.
func (g *generator) fill(m *memory, dry bool) int {
	if _, ok := m.Table(g.table); !ok {
		hint := ""
		if near := nearest(g.table, m.Tables()); near != "" {
			hint = "did you mean " + near + "?"
		}
		m.fail(CodeValue, g.at, hint, "there is no table %q for traffic", g.table)
		return 0
	}
	t := m.table(g.table)
	before := len(m.diags)
	base := g.base(m, t)
	at, ok := t.index[timeColumn]
	if !ok {
		m.fail(CodeValue, g.at, "", "the table %s has no %s", g.table, timeColumn)
	}
	if dry || len(m.diags) > before {
		return 0
	}
	destination, hasDestination := t.index["DestinationIP"]
	port, hasPort := t.index["SourcePort"]
	had := len(t.rows)
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
	return len(t.rows) - had
}

// base is the record that all are made of.
func (g *generator) base(m *memory, t *memoryTable) stream.Row {
	for i, k := range g.columns.keys {
		if _, ok := t.index[k.text]; !ok && !isDefault(k) {
			m.column(t, k, g.columns.items[i])
		}
	}
	base := make(stream.Row, len(t.Columns))
	for i, c := range t.Columns {
		base[i] = eval.Null(c.Type)
	}
	for i, k := range g.columns.keys {
		col, ok := t.index[k.text]
		if !ok {
			continue
		}
		v, err := m.value(t.Columns[col].Type, g.columns.items[i])
		if err != nil {
			m.fail(CodeValue, g.columns.items[i].span, "", "%s: %s", k.text, err)
			continue
		}
		base[col] = v
	}
	return base
}

// isDefault reports whether the test does not give a column: a table of another shape may lack it.
func isDefault(key *node) bool { return key.span == (kql.Span{}) }
