package beatref

import (
	"cmp"
	"slices"
	"sort"
)

// Lengths of time in ticks.
const (
	Second int64 = 10_000_000
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
)

// Event is one record of CommonSecurityLog, with the columns the rule reads.
// The order of a slice of events is the input order. A value whose Known field
// is false is null and is not read.
type Event struct {
	Ticks                    int64 // TimeGenerated
	Vendor, Activity         string
	SrcIP, DstIP             string
	DstPort                  int32
	PortKnown                bool
	Device, UserID           string
	Sent, Received           int64
	SentKnown, ReceivedKnown bool
}

// Params are the rule's constants. Bin and Window are in ticks and must be
// positive; Gap is in whole seconds.
type Params struct {
	Gap, MinEvents, MinModal int64   // all three strict: more than
	MinPercent               float64 // strict: more than
	Bin, Window              int64
	ByChannel                bool   // gap to the next record of the same source, destination and port
	Now                      *int64 // nil: as scheduled
}

// Row is one row of the rule's result, with the time of the run that gave it.
type Row struct {
	RunAt, Hour                       int64
	Device, UserID, SrcIP, DstIP      string
	DstPort                           int32 // 0 when the port is null
	PortKnown                         bool
	ModalCount, ModalGap, TotalEvents int64
	TotalSent, TotalReceived          int64
	Percent                           float64
}

// Default gives the constants of the rule as it is shipped.
func Default() Params {
	return Params{Gap: 25, MinEvents: 30, MinModal: 25, MinPercent: 80, Bin: Hour, Window: Day}
}

// Run gives the rule's rows, once for each scheduled time whose window meets
// the data, or once at p.Now. They are sorted by RunAt, SrcIP, Hour, DstIP,
// DstPort (null first), Device and UserID, text by its bytes.
func Run(events []Event, p Params) []Row {
	if p.Now != nil {
		rows := runAt(events, p, *p.Now)
		sortRows(rows)
		return rows
	}
	var rows []Row
	for _, now := range schedule(events, p.Window) {
		rows = append(rows, runAt(events, p, now)...)
	}
	sortRows(rows)
	return rows
}

// schedule lists the run times whose window [now-2W, now-W], both ends in it,
// holds at least one record of the rule's vendor and activity. A record on a
// border lies in two windows. A window that would begin before year 1 has no
// datetime in KQL and is left out.
func schedule(events []Event, window int64) []int64 {
	set := map[int64]bool{}
	for _, e := range whereTraffic(events) {
		begin := floorTo(e.Ticks, window)
		set[begin+2*window] = true
		if e.Ticks == begin && begin > 0 {
			set[begin+window] = true
		}
	}
	times := make([]int64, 0, len(set))
	for now := range set {
		times = append(times, now)
	}
	slices.Sort(times)
	return times
}

// runAt is the query text, line by line, at one value of now().
func runAt(events []Event, p Params, now int64) []Row {
	t := whereTraffic(events)
	t = whereTime(t, now, p.Window)
	t = wherePublic(t)
	var pairs []pair
	if p.ByChannel {
		sortByChannel(t)
		pairs = whereSameChannel(serialize(t))
	} else {
		sortBySource(t)
		pairs = whereSameSource(serialize(t))
	}
	pairs = whereGap(pairs, p.Gap)
	rows := summarizeKeys(summarizeGaps(pairs, p.Bin), p.Bin)
	return whereThresholds(rows, p, now)
}

// whereTraffic is:
//
//	where DeviceVendor == "Palo Alto Networks" and Activity == "TRAFFIC"
//
// The operator == heeds case.
func whereTraffic(in []Event) []Event {
	var out []Event
	for _, e := range in {
		if e.Vendor == "Palo Alto Networks" && e.Activity == "TRAFFIC" {
			out = append(out, e)
		}
	}
	return out
}

// whereTime is:
//
//	where TimeGenerated between (startofday(ago(2d))..startofday(ago(1d)))
//
// with the day as a parameter, and the rule's queryPeriod of twice that, which
// Sentinel lays over the table outside the query text. All ends are included.
func whereTime(in []Event, now, window int64) []Event {
	from, to := floorTo(now-2*window, window), floorTo(now-window, window)
	periodFrom, periodTo := now-2*window, now
	var out []Event
	for _, e := range in {
		between := from <= e.Ticks && e.Ticks <= to
		inPeriod := periodFrom <= e.Ticks && e.Ticks <= periodTo
		if between && inPeriod {
			out = append(out, e)
		}
	}
	return out
}

// wherePublic is:
//
//	where ipv4_is_private(DestinationIP)== false
//
// null == false is false, so what is no IPv4 address is dropped too.
func wherePublic(in []Event) []Event {
	var out []Event
	for _, e := range in {
		if private, ok := IPv4Private(e.DstIP); ok && !private {
			out = append(out, e)
		}
	}
	return out
}

// sortBySource is:
//
//	sort by SourceIP asc,TimeGenerated asc, DestinationIP asc, DestinationPort asc
//
// Text is ordered by its bytes, nulls come first in asc, and what still ties
// keeps the input order.
func sortBySource(t []Event) {
	sort.SliceStable(t, func(i, j int) bool {
		a, b := t[i], t[j]
		return cmp.Or(
			cmp.Compare(a.SrcIP, b.SrcIP),
			cmp.Compare(a.Ticks, b.Ticks),
			cmp.Compare(a.DstIP, b.DstIP),
			comparePorts(a.PortKnown, a.DstPort, b.PortKnown, b.DstPort),
		) < 0
	})
}

// sortByChannel brings the records of one source, destination and port
// together, in order of time; what ties keeps the input order.
func sortByChannel(t []Event) {
	sort.SliceStable(t, func(i, j int) bool {
		a, b := t[i], t[j]
		return cmp.Or(
			cmp.Compare(a.SrcIP, b.SrcIP),
			cmp.Compare(a.DstIP, b.DstIP),
			comparePorts(a.PortKnown, a.DstPort, b.PortKnown, b.DstPort),
			cmp.Compare(a.Ticks, b.Ticks),
		) < 0
	})
}

// pair is a record with what next() saw and the gap in seconds.
type pair struct {
	Event
	next   Event // the zero Event after the last record: next() of a string is "" there
	isLast bool  // next(TimeGenerated) is null, and so is the gap
	gap    int64
}

// serialize is:
//
//	extend nextTimeGenerated = next(TimeGenerated, 1), nextSourceIP = next(SourceIP, 1)
//	extend TimeDeltainSeconds = datetime_diff('second',nextTimeGenerated,TimeGenerated)
func serialize(t []Event) []pair {
	out := make([]pair, 0, len(t))
	for i, e := range t {
		if i+1 == len(t) {
			out = append(out, pair{Event: e, isLast: true})
			continue
		}
		out = append(out, pair{Event: e, next: t[i+1], gap: diffSeconds(t[i+1].Ticks, e.Ticks)})
	}
	return out
}

// whereSameSource is:
//
//	where SourceIP == nextSourceIP
//
// An empty source on the last record does equal the "" that next() gives there.
func whereSameSource(in []pair) []pair {
	var out []pair
	for _, r := range in {
		if r.SrcIP == r.next.SrcIP {
			out = append(out, r)
		}
	}
	return out
}

// whereSameChannel keeps the records whose successor has the same source,
// destination and port. Two null ports are the same port here, as they are one
// group in summarize.
func whereSameChannel(in []pair) []pair {
	var out []pair
	for _, r := range in {
		samePort := comparePorts(r.PortKnown, r.DstPort, r.next.PortKnown, r.next.DstPort) == 0
		if r.SrcIP == r.next.SrcIP && r.DstIP == r.next.DstIP && samePort {
			out = append(out, r)
		}
	}
	return out
}

// whereGap is:
//
//	where TimeDeltainSeconds > TimeDeltaThreshold
//
// A null gap is not more than anything.
func whereGap(in []pair, gap int64) []pair {
	var out []pair
	for _, r := range in {
		if !r.isLast && r.gap > gap {
			out = append(out, r)
		}
	}
	return out
}

// key is what the second summarize groups by.
type key struct {
	hour           int64
	device, userID string
	srcIP, dstIP   string
	dstPort        int32
	portKnown      bool
}

// gapKey is what the first summarize groups by.
type gapKey struct {
	key
	gap int64
}

// gapSums are the first summarize's count_, sum_ReceivedBytes and sum_SentBytes.
type gapSums struct {
	count, received, sent int64
}

// summarizeGaps is:
//
//	summarize count(), sum(ReceivedBytes), sum(SentBytes)
//	by TimeDeltainSeconds, bin(TimeGenerated, 1h), DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort
//
// Nulls add nothing to a sum. TimeGenerated is the earlier record's.
func summarizeGaps(in []pair, bin int64) map[gapKey]gapSums {
	out := map[gapKey]gapSums{}
	for _, r := range in {
		k := gapKey{gap: r.gap, key: key{
			hour: floorTo(r.Ticks, bin), device: r.Device, userID: r.UserID,
			srcIP: r.SrcIP, dstIP: r.DstIP, portKnown: r.PortKnown,
		}}
		if r.PortKnown {
			k.dstPort = r.DstPort
		}
		s := out[k]
		s.count++
		if r.ReceivedKnown {
			s.received += r.Received
		}
		if r.SentKnown {
			s.sent += r.Sent
		}
		out[k] = s
	}
	return out
}

// keySums are the columns that the second summarize makes.
type keySums struct {
	modalCount, modalGap, total, sent, received int64
}

// summarizeKeys is:
//
//	summarize (MostFrequentTimeDeltaCount, MostFrequentTimeDeltainSeconds) = arg_max(count_, TimeDeltainSeconds),
//	TotalEvents=sum(count_), TotalSentBytes = sum(sum_SentBytes), TotalReceivedBytes = sum(sum_ReceivedBytes)
//	by bin(TimeGenerated, 1h), DeviceName, SourceUserID, SourceIP, DestinationIP, DestinationPort
//
// Kusto leaves ties of arg_max open; here the smallest gap wins.
func summarizeKeys(in map[gapKey]gapSums, bin int64) map[key]keySums {
	out := map[key]keySums{}
	for gk, g := range in {
		k := gk.key
		k.hour = floorTo(k.hour, bin)
		s := out[k]
		if g.count > s.modalCount || g.count == s.modalCount && gk.gap < s.modalGap {
			s.modalCount, s.modalGap = g.count, gk.gap
		}
		s.total += g.count
		s.sent += g.sent
		s.received += g.received
		out[k] = s
	}
	return out
}

// whereThresholds is:
//
//	where TotalEvents > TotalEventsThreshold and MostFrequentTimeDeltaCount > MostFrequentTimeDeltaThreshold
//	extend BeaconPercent = MostFrequentTimeDeltaCount/toreal(TotalEvents) * 100
//	where BeaconPercent > PercentBeaconThreshold
func whereThresholds(in map[key]keySums, p Params, now int64) []Row {
	var out []Row
	for k, s := range in {
		if s.total <= p.MinEvents || s.modalCount <= p.MinModal {
			continue
		}
		percent := float64(s.modalCount) / float64(s.total) * 100
		if percent <= p.MinPercent {
			continue
		}
		out = append(out, Row{
			RunAt: now, Hour: k.hour, Device: k.device, UserID: k.userID,
			SrcIP: k.srcIP, DstIP: k.dstIP, DstPort: k.dstPort, PortKnown: k.portKnown,
			ModalCount: s.modalCount, ModalGap: s.modalGap, TotalEvents: s.total,
			TotalSent: s.sent, TotalReceived: s.received, Percent: percent,
		})
	}
	return out
}

// sortRows puts rows in the order Run promises. No two rows tie: the sort keys
// are the group's key and the run.
func sortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(a.RunAt, b.RunAt),
			cmp.Compare(a.SrcIP, b.SrcIP),
			cmp.Compare(a.Hour, b.Hour),
			cmp.Compare(a.DstIP, b.DstIP),
			comparePorts(a.PortKnown, a.DstPort, b.PortKnown, b.DstPort),
			cmp.Compare(a.Device, b.Device),
			cmp.Compare(a.UserID, b.UserID),
		)
	})
}

// comparePorts orders ports as numbers, null before any number.
func comparePorts(aKnown bool, a int32, bKnown bool, b int32) int {
	switch {
	case !aKnown && !bKnown:
		return 0
	case !aKnown:
		return -1
	case !bKnown:
		return 1
	}
	return cmp.Compare(a, b)
}

// diffSeconds is datetime_diff('second', a, b): the second borders passed from
// b to a, not the time that went by.
func diffSeconds(a, b int64) int64 {
	return floorTo(a, Second)/Second - floorTo(b, Second)/Second
}

// floorTo is bin(): the greatest multiple of size that is not above v, counted
// from year 1.
func floorTo(v, size int64) int64 {
	rest := v % size
	if rest < 0 {
		rest += size
	}
	return v - rest
}
