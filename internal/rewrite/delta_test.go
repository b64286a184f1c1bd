package rewrite_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"drumbeat/internal/beat"
	"drumbeat/internal/beat/beatref"
	"drumbeat/internal/eval"
	"drumbeat/internal/rewrite"
	"drumbeat/internal/stream"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// base has the founding rule's meaning in other words and names.
const base = `let gap = 25;
CommonSecurityLog
| where DeviceVendor == "Palo Alto Networks" and Activity == "TRAFFIC"
| where TimeGenerated between (startofday(ago(2d)) .. startofday(ago(1d)))
| where ipv4_is_private(DestinationIP) == false
| project TimeGenerated, DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort, ReceivedBytes, SentBytes
| sort by SourceIP asc, TimeGenerated asc, DestinationIP asc, DestinationPort asc
| serialize
| extend nextTime = next(TimeGenerated, 1), nextSource = next(SourceIP, 1)
| extend delta = datetime_diff("second", nextTime, TimeGenerated)
| where SourceIP == nextSource
| where delta > gap
| summarize count(), sum(ReceivedBytes), sum(SentBytes) by delta, bin(TimeGenerated, 1h), DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort
| summarize (beats, every) = arg_max(count_, delta), total = sum(count_), sent = sum(sum_SentBytes), received = sum(sum_ReceivedBytes)
  by bin(TimeGenerated, 1h), DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort
| where total > 30 and beats > 25
| extend percent = beats / toreal(total) * 100
| where percent > 80`

// TestDeltaFoundingRule: the rule as it is published has the shape, with its constants.
func TestDeltaFoundingRule(t *testing.T) {
	queries := []string{base}
	text, err := os.ReadFile("../../../shared/data/rules/PaloAlto-NetworkBeaconing.yaml")
	if err == nil {
		var rule struct{ Query string }
		if err := yaml.Unmarshal(text, &rule); err != nil {
			t.Fatal(err)
		}
		queries = append(queries, rule.Query)
	} else {
		t.Log("the shared rules are not at hand")
	}
	for _, src := range queries {
		s, ok := rewrite.Delta(bind(t, src), now)
		if !ok {
			t.Fatalf("not found in %s", src)
		}
		want := beat.FoundingRule(beat.BySource)
		want.Window = s.Rule.Window
		if s.Rule != want {
			t.Errorf("the rule is %+v", s.Rule)
		}
		if day0 := int64(now - now%day); s.Window != (plan.Window{From: day0 - 2*day, To: day0 - day}) {
			t.Errorf("the window is %+v", s.Window)
		}
	}
}

// change puts one text in the place of another, which must be there.
func change(t *testing.T, src string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(src, pairs[i]) {
			t.Fatalf("there is no %q", pairs[i])
		}
		src = strings.ReplaceAll(src, pairs[i], pairs[i+1])
	}
	return src
}

// TestDeltaNear: what differs from the rule in a small thing has not its shape.
func TestDeltaNear(t *testing.T) {
	for _, pairs := range [][]string{
		{`"Palo Alto Networks"`, `"palo alto networks"`},
		{`DeviceVendor ==`, `DeviceVendor =~`},
		{`and Activity == "TRAFFIC"`, ``},
		{`and Activity`, `or Activity`},
		{`| where ipv4_is_private(DestinationIP) == false`, ``},
		{`(DestinationIP) == false`, `(DestinationIP) != true`},
		{`(DestinationIP) == false`, `(DestinationIP) == true`},
		{`ipv4_is_private(DestinationIP) ==`, `ipv4_is_private(SourceIP) ==`},
		{`| where ipv4`, `| where SentBytes > 0 | where ipv4`},
		{`| where ipv4`, `| where TimeGenerated != ago(1d) | where ipv4`},
		{`| where ipv4`, `| take 1000 | where ipv4`},
		{`sort by SourceIP asc, TimeGenerated asc`, `sort by SourceIP asc, TimeGenerated desc`},
		{`TimeGenerated asc, DestinationIP asc, DestinationPort asc`, `TimeGenerated asc, DestinationIP asc`},
		{`DestinationIP asc, DestinationPort asc`, `DestinationIP desc, DestinationPort asc`},
		{`DestinationIP asc, DestinationPort asc`, `DestinationPort asc, DestinationIP asc`},
		{`DestinationPort asc`, `DestinationPort asc, SentBytes asc`},
		{`DestinationPort asc`, `DestinationPort asc nulls last`},
		{`sort by SourceIP asc, TimeGenerated asc`, `sort by TimeGenerated asc, SourceIP asc`},
		{`next(TimeGenerated, 1)`, `next(TimeGenerated, 2)`},
		{`next(TimeGenerated, 1)`, `next(TimeGenerated, 1, now())`},
		{`next(TimeGenerated, 1)`, `prev(TimeGenerated, 1)`},
		{`next(SourceIP, 1)`, `next(DestinationIP, 1)`},
		{`"second"`, `"minute"`},
		{`nextTime, TimeGenerated)`, `TimeGenerated, nextTime)`},
		{`datetime_diff("second", nextTime, TimeGenerated)`, `(nextTime - TimeGenerated) / 1s`},
		{`| where SourceIP == nextSource`, ``},
		{`SourceIP == nextSource`, `SourceIP =~ nextSource`},
		{`SourceIP == nextSource`, `SourceIP == nextSource and DestinationPort == 443`},
		{`| where delta > gap`, ``},
		{`delta > gap`, `delta > gap and delta < 3600`},
		{`delta > gap`, `delta != gap`},
		{`delta > gap`, `delta > gap or delta == 7`},
		{`| where delta > gap`, `| where delta > gap | extend after = next(TimeGenerated)`},
		{`by delta, bin(TimeGenerated, 1h), DeviceName`, `by delta, bin(TimeGenerated, 30m), DeviceName`},
		{`bin(TimeGenerated, 1h), DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort
| where`, `DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort
| where`},
		{`SourceUserID, SourceIP, DestinationIP, DestinationPort
| summ`, `SourceUserID, SourceIP, DestinationIP
| extend DestinationPort = 1 | summ`},
		{`DestinationIP, DestinationPort
| summ`, `DestinationIP, DestinationPort, SentBytes
| summ`},
		{`| summarize (beats`, `| where count_ > 1 | summarize (beats`},
		{`arg_max(count_, delta)`, `arg_min(count_, delta)`},
		{`arg_max(count_, delta)`, `arg_max(delta, count_)`},
		{`arg_max(count_, delta)`, `arg_max(sum_SentBytes, delta)`},
		{`total = sum(count_)`, `total = count()`},
		{`total = sum(count_)`, `total = sum(delta)`},
		{`sum(sum_SentBytes)`, `max(sum_SentBytes)`},
		{`count(), sum(ReceivedBytes)`, `count_ = dcount(delta), sum(ReceivedBytes)`},
		{`CommonSecurityLog
`, `CommonSecurityLog | union CommonSecurityLog
`},
	} {
		src := change(t, base, pairs...)
		if s, ok := rewrite.Delta(bind(t, src), now); ok {
			t.Errorf("%q: found %+v in %s", pairs, s.Rule, src)
		}
	}
}

// byChannel gives base with gaps along channels.
func byChannel(t *testing.T) string {
	return change(t, base, `SourceIP asc, TimeGenerated asc, DestinationIP asc, DestinationPort asc`, `SourceIP, DestinationIP, DestinationPort, TimeGenerated asc`,
		`nextSource = next(SourceIP, 1)`, `nextSource = next(SourceIP, 1), nextIP = next(DestinationIP), nextPort = next(DestinationPort)`,
		`SourceIP == nextSource`, `SourceIP == nextSource and DestinationIP == nextIP and DestinationPort == nextPort`)
}

// TestDeltaNearChannel: the same along channels, and what mixes the two.
func TestDeltaNearChannel(t *testing.T) {
	src := byChannel(t)
	s, ok := rewrite.Delta(bind(t, src), now)
	if !ok || s.Rule.Scope != beat.ByChannel {
		t.Fatalf("not found in %s", src)
	}
	for _, pairs := range [][]string{
		{`TimeGenerated asc`, `TimeGenerated desc`},
		{`TimeGenerated asc`, `TimeGenerated asc nulls last`},
		{`DestinationIP, DestinationPort, TimeGenerated`, `DestinationIP, DestinationIP, TimeGenerated`},
		{` and DestinationPort == nextPort`, ``},
		{` and DestinationIP == nextIP`, ``},
		{`SourceIP == nextSource and `, ``},
		{`SourceIP, DestinationIP, DestinationPort, TimeGenerated asc`, `SourceIP, TimeGenerated asc, DestinationIP asc, DestinationPort asc`},
	} {
		if _, ok := rewrite.Delta(bind(t, change(t, src, pairs...)), now); ok {
			t.Errorf("%q: found", pairs)
		}
	}
}

// TestDeltaThresholds: what the rule takes over is never more than what the plan asks for.
func TestDeltaThresholds(t *testing.T) {
	for _, c := range []struct {
		pairs []string
		want  beat.Delta
	}{
		{[]string{`total > 30 and beats > 25`, `total >= 30 and 10 < beats and beats >= 12`}, beat.Delta{MinEvents: 29, MinModal: 11, MinPercent: 80}},
		{[]string{`total > 30 and beats > 25`, `total > 30 or beats > 25`}, beat.Delta{MinPercent: 80}},
		{[]string{`total > 30 and beats > 25`, `total > beats`}, beat.Delta{MinPercent: 80}},
		{[]string{`| where percent > 80`, `| where percent > 80 and percent > 12.5`}, beat.Delta{MinEvents: 30, MinModal: 25, MinPercent: 80}},
		{[]string{`percent > 80`, `percent >= 80`}, beat.Delta{MinEvents: 30, MinModal: 25, MinPercent: math.Nextafter(80, 0)}},
		{[]string{`percent > 80`, `percent < 80`}, beat.Delta{MinEvents: 30, MinModal: 25, MinPercent: -1}},
		{[]string{`beats / toreal(total) * 100`, `100 * (beats / todouble(total))`}, beat.Delta{MinEvents: 30, MinModal: 25, MinPercent: 80}},
		{[]string{`beats / toreal(total) * 100`, `100 * beats / toreal(total)`}, beat.Delta{MinEvents: 30, MinModal: 25, MinPercent: -1}},
		{[]string{`beats / toreal(total) * 100`, `beats / total * 100`}, beat.Delta{MinEvents: 30, MinModal: 25, MinPercent: -1}},
		{[]string{`| where total > 30`, `| top 5 by beats | where total > 30`}, beat.Delta{MinPercent: -1}},
		{[]string{`| where total > 30`, `| serialize after = next(total) | where total > 30`}, beat.Delta{MinPercent: -1}},
		{[]string{`| where total > 30 and beats > 25`, ``, `| where percent > 80`, ``}, beat.Delta{MinPercent: -1}},
	} {
		s, ok := rewrite.Delta(bind(t, change(t, base, c.pairs...)), now)
		if !ok {
			t.Errorf("%q: not found", c.pairs)
			continue
		}
		if s.Rule.MinEvents != c.want.MinEvents || s.Rule.MinModal != c.want.MinModal || s.Rule.MinPercent != c.want.MinPercent {
			t.Errorf("%q: %+v", c.pairs, s.Rule)
		}
	}
}

// variant writes a query of the rule's shape in one of many ways.
type variant struct {
	t       *rapid.T
	channel bool
}

func (v *variant) one(texts ...string) string { return rapid.SampledFrom(texts).Draw(v.t, "way") }

func (v *variant) shuffled(parts ...string) []string {
	return rapid.Permutation(parts).Draw(v.t, "order")
}

func (v *variant) query() string {
	rec := v.shuffled(
		v.one(`DeviceVendor == "Palo Alto Networks"`, `"Palo Alto Networks" == DeviceVendor`), `Activity == "TRAFFIC"`,
		v.one(`ipv4_is_private(DestinationIP) == false`, `not(ipv4_is_private(DestinationIP))`, `false == ipv4_is_private(DestinationIP)`),
		v.one(
			`TimeGenerated between (startofday(ago(2d)) .. startofday(ago(1d)))`, `TimeGenerated > ago(2d)`, `true`,
			`TimeGenerated >= datetime(2024-03-10 06:00) and TimeGenerated < datetime(2024-03-11 18:30)`,
			`TimeGenerated between (datetime(2024-03-10) .. 36h)`, `startofday(now()) >= TimeGenerated`,
		),
	)
	text := "CommonSecurityLog\n| where " + strings.Join(rec, v.one(" and ", "\n| where "))
	text += v.one("", "\n| project-away SourcePort", "\n| extend x = SentBytes * 2",
		"\n| project SourceIP, TimeGenerated, DestinationIP, DestinationPort, SentBytes, ReceivedBytes, DeviceName, SourceUserID")
	order := "SourceIP " + v.one("asc", "desc") + ", TimeGenerated asc, DestinationIP asc, DestinationPort asc"
	if v.channel {
		order = strings.Join(v.shuffled("SourceIP", "DestinationIP asc", "DestinationPort desc"), ", ") + ", TimeGenerated asc"
	}
	text += "\n| sort by " + order + v.one("", "\n| serialize")
	nexts := []string{"nt = next(TimeGenerated)", v.one("ns = next(SourceIP, 1)", "ns = next(SourceIP)")}
	same := []string{v.one("SourceIP == ns", "ns == SourceIP")}
	if v.channel {
		nexts = append(nexts, "nd = next(DestinationIP)", "np = next(DestinationPort)")
		same = append(same, "nd == DestinationIP", "DestinationPort == np")
	}
	text += "\n| extend " + strings.Join(v.shuffled(nexts...), v.one(", ", "\n| extend "))
	text += v.one("", "\n| extend nt2 = nt")
	text += "\n| extend delta = datetime_diff('" + v.one("second", "Second") + "', nt, TimeGenerated)"
	n := rapid.IntRange(-1, 90).Draw(v.t, "gap")
	same = append(same, v.one(fmt.Sprintf("delta > %d", n), fmt.Sprintf("delta >= %d", n), fmt.Sprintf("%d < delta", n)))
	text += "\n| where " + strings.Join(v.shuffled(same...), v.one(" and ", "\n| where "))
	return text + v.counts()
}

func (v *variant) counts() string {
	size := v.one("1h", "10m", "1d", "7m")
	by := []string{"delta", "hour = bin(TimeGenerated, " + size + ")", "DeviceName", "SourceUserID", "SourceIP", "DestinationIP", "port = DestinationPort"}
	text := "\n| summarize " + strings.Join(v.shuffled("n = count()", "r = sum(ReceivedBytes)", "s = sum(SentBytes)", "begin = min(TimeGenerated)"), ", ") +
		" by " + strings.Join(v.shuffled(by...), ", ")
	text += v.one("", "\n| project-away begin", "\n| extend m = n")
	hour := v.one("hour", "hour = bin(hour, "+size+")", "at = hour")
	modal := v.one("(beats, every) = arg_max(n, delta)", "beats = max(n)")
	aggs := v.shuffled(modal, "total = sum(n)", "r = sum(r)", "sum(s)")
	text += "\n| summarize " + strings.Join(aggs, ", ") + " by " + strings.Join(v.shuffled(hour, "DeviceName", "SourceUserID", "src = SourceIP", "DestinationIP", "port"), ", ")
	text += fmt.Sprintf("\n| where total > %d and beats >= %d", rapid.IntRange(0, 4).Draw(v.t, "total"), rapid.IntRange(0, 4).Draw(v.t, "beats"))
	// Of gaps that are equally frequent the choice is free, so each has more than half.
	text += "\n| extend share = beats / toreal(total) * 100\n| where share > " + v.one("50", "50.5", "80")
	return text + v.one("", "\n| top 3 by total, beats", "\n| extend k = strcat(src, port) | project k, total, share, beats",
		"\n| join kind=leftouter (CommonSecurityLog | summarize records = count() by src = SourceIP) on src")
}

// TestDeltaVariants: many ways to write the rule are found, and beat gives the rows that the plan gives.
func TestDeltaVariants(t *testing.T) {
	rows := 0
	rapid.Check(t, func(rt *rapid.T) {
		v := &variant{t: rt, channel: rapid.Bool().Draw(rt, "channel")}
		src := v.query()
		if strings.Contains(src, "top 3") {
			src = strings.Replace(src, "top 3 by total, beats", "top 3 by total", 1)
		}
		p, problem := tryBind(src)
		if p == nil {
			rt.Fatalf("%s\n%s", src, problem)
		}
		s, ok := rewrite.Delta(p, now)
		if !ok {
			rt.Fatalf("not found: %s\n%s", src, p)
		}
		events := beatref.Random(rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)), 300)
		// Whether an address may have leading zeros no recorded answer says, and the two differ.
		events = slices.DeleteFunc(events, func(e beatref.Event) bool { return strings.HasPrefix(e.DstIP, "0") })
		flows := rowsOf(events)
		want, err := lines(t, p, flows, nil)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := lines(t, s.Rest, deltaSource{flows, s.Rows(runBeat(t, s, events))}, nil)
		if err != nil {
			rt.Fatal(err)
		}
		rows += len(want)
		if strings.Contains(src, "top 3") { // which of equal ones is open
			if len(got) != len(want) {
				rt.Errorf("%s\n%d rows, should be %d", src, len(got), len(want))
			}
			return
		}
		if sorted(got) != sorted(want) {
			rt.Errorf("%s\n got %s\nwant %s\n%s", src, sorted(got), sorted(want), p)
		}
	})
	if rows == 0 {
		t.Error("no variant gave a row")
	}
	t.Logf("%d rows", rows)
}

// rowsOf gives records as rows of CommonSecurityLog.
func rowsOf(events []beatref.Event) source {
	var rows []map[string]eval.Value
	long := func(n int64, ok bool) eval.Value {
		if !ok {
			return eval.Null(kql.TypeLong)
		}
		return eval.Long(n)
	}
	for i := range events {
		e := &events[i]
		port := eval.Null(kql.TypeInt)
		if e.PortKnown {
			port = eval.Int(e.DstPort)
		}
		rows = append(rows, map[string]eval.Value{
			"TimeGenerated": eval.Datetime(e.Ticks), "DeviceVendor": eval.String(e.Vendor), "Activity": eval.String(e.Activity),
			"DeviceName": eval.String(e.Device), "SourceUserID": eval.String(e.UserID), "SourceIP": eval.String(e.SrcIP),
			"DestinationIP": eval.String(e.DstIP), "DestinationPort": port,
			"SentBytes": long(e.Sent, e.SentKnown), "ReceivedBytes": long(e.Received, e.ReceivedKnown),
		})
	}
	return source{"CommonSecurityLog": rows}
}

// deltaSource has the rule's rows besides those of the logs.
type deltaSource struct {
	logs  source
	delta [][]eval.Value
}

func (d deltaSource) Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	if scan.Table == rewrite.DeltaTable {
		return emit(d.delta)
	}
	return d.logs.Scan(ctx, scan, w, emit)
}

// runBeat runs the rule of a shape over records.
func runBeat(t testing.TB, s *rewrite.Shape, events []beatref.Event) []beat.DeltaRow {
	t.Helper()
	opt := beat.SorterOptions{Memory: 64 << 20, Dir: t.TempDir(), From: s.Window.From}
	if s.Window.To != 0 {
		opt.To = s.Window.To + 1
	}
	sorter := beat.NewSorter(opt)
	w := sorter.Writer()
	var b traffic.Builder
	b.Reset(traffic.Origin{})
	for i := range events {
		put(&b, &events[i], i)
	}
	if err := w.Observe(b.Batch()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := beat.Run(t.Context(), sorter, 1, []beat.Delta{s.Rule})
	if err != nil {
		t.Fatal(err)
	}
	if err := sorter.Close(); err != nil {
		t.Fatal(err)
	}
	return r.Rows[0]
}

// put appends a record. Those that the rule does not read have no flag.
func put(b *traffic.Builder, e *beatref.Event, line int) {
	addr := func(text string) traffic.Addr {
		a := traffic.ParseAddr([]byte(text))
		if a.Kind == traffic.AddrText {
			a.Text = b.Names().CodeString(text)
		}
		return a
	}
	number := func(n int64, ok bool) int64 {
		if !ok {
			return traffic.Unknown
		}
		return n
	}
	r := traffic.Row{
		Line: uint32(line), Time: e.Ticks, Src: addr(e.SrcIP), Dst: addr(e.DstIP), DstPort: int32(number(int64(e.DstPort), e.PortKnown)),
		SentBytes: number(e.Sent, e.SentKnown), ReceivedBytes: number(e.Received, e.ReceivedKnown),
		Device: b.Names().CodeString(e.Device), UserID: b.Names().CodeString(e.UserID),
	}
	if e.Vendor == "Palo Alto Networks" && e.Activity == "TRAFFIC" {
		r.Flags = traffic.FlagActivity
	}
	b.Put(&r)
}
