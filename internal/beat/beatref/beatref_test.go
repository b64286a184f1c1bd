package beatref_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"drumbeat/internal/beat/beatref"
)

const (
	second = beatref.Second
	minute = beatref.Minute
	hour   = beatref.Hour
	day    = beatref.Day
)

// d0 is midnight of 2024-03-10, a Sunday.
const d0 = 738_954 * day

// TestDayZero: 738,954 whole days lie between 0001-01-01 and 2024-03-10.
func TestDayZero(t *testing.T) {
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := first.AddDate(0, 0, int(d0/day)).Format(time.DateOnly); got != "2024-03-10" {
		t.Errorf("d0 is %s", got)
	}
}

// event is a plain record: 10 bytes out, 20 in, port 443, device fw, no user.
func event(at int64, src, dst string) beatref.Event {
	return beatref.Event{
		Ticks: at, Vendor: "Palo Alto Networks", Activity: "TRAFFIC", SrcIP: src, DstIP: dst,
		DstPort: 443, PortKnown: true, Device: "fw",
		Sent: 10, SentKnown: true, Received: 20, ReceivedKnown: true,
	}
}

// beats are n records from 'from' on, one each period.
func beats(from int64, n int, period int64, src, dst string) []beatref.Event {
	var out []beatref.Event
	for i := range n {
		out = append(out, event(from+int64(i)*period, src, dst))
	}
	return out
}

// row is what beats of one hour give: n gaps of one length.
func row(runAt, hourAt int64, src, dst string, n, gap int64) beatref.Row {
	return beatref.Row{
		RunAt: runAt, Hour: hourAt, Device: "fw", SrcIP: src, DstIP: dst, DstPort: 443, PortKnown: true,
		ModalCount: n, ModalGap: gap, TotalEvents: n, TotalSent: 10 * n, TotalReceived: 20 * n, Percent: 100,
	}
}

// low are thresholds that let a single gap of more than 25 s through.
func low() beatref.Params {
	p := beatref.Default()
	p.MinEvents, p.MinModal, p.MinPercent = 0, 0, 0
	return p
}

func channel(p beatref.Params) beatref.Params {
	p.ByChannel = true
	return p
}

func at(p beatref.Params, now int64) beatref.Params {
	p.Now = &now
	return p
}

func check(t *testing.T, events []beatref.Event, p beatref.Params, want ...beatref.Row) {
	t.Helper()
	before := slices.Clone(events)
	got := beatref.Run(events, p)
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("rows differ\n got %+v\nwant %+v", got, want)
	}
	if !slices.Equal(events, before) {
		t.Error("Run changed its input")
	}
}

const (
	src = "10.0.0.5"
	dst = "8.8.8.8"
)

// TestBeacon: 32 records a minute apart from 10:29 on, the last at 11:00. The
// last has no successor, so there are 31 gaps of 60 s, the last of them booked
// to 10:59 and so to hour 10. Day d0 is read by the run at d0+2d: the window is
// [d0, d0+1d]. With 31 records there are 30 gaps, which is not more than 30.
func TestBeacon(t *testing.T) {
	from := d0 + 10*hour + 29*minute
	want := row(d0+2*day, d0+10*hour, src, dst, 31, 60)
	check(t, beats(from, 32, minute, src, dst), beatref.Default(), want)
	check(t, beats(from, 32, minute, src, dst), channel(beatref.Default()), want)
	check(t, beats(from, 31, minute, src, dst), beatref.Default())
	check(t, nil, beatref.Default())
}

// TestHourOfTheEarlierRecord: 10:59:30 to 11:00:30 is a gap of hour 10, and
// 11:00:30 to 11:01:10 one of hour 11; sent bytes are the earlier record's.
func TestHourOfTheEarlierRecord(t *testing.T) {
	a := event(d0+11*hour-30*second, src, dst)
	b := event(d0+11*hour+30*second, src, dst)
	c := event(d0+11*hour+70*second, src, dst)
	a.Sent, b.Sent, c.Sent = 1, 2, 4
	first := row(d0+2*day, d0+10*hour, src, dst, 1, 60)
	second := row(d0+2*day, d0+11*hour, src, dst, 1, 40)
	first.TotalSent, second.TotalSent = 1, 2
	check(t, []beatref.Event{c, a, b}, low(), first, second)
}

// TestWindowEndIsIncluded: 32 records from 23:29 to midnight of the next day.
// The one at midnight is in the window of d0 and ends its 31st gap. It opens
// the window of d0+1d too, alone there, with no successor.
func TestWindowEndIsIncluded(t *testing.T) {
	events := beats(d0+23*hour+29*minute, 32, minute, src, dst)
	check(t, events, beatref.Default(), row(d0+2*day, d0+23*hour, src, dst, 31, 60))

	// One tick later the last record belongs to the next day alone: 30 gaps.
	events[31].Ticks++
	check(t, events, beatref.Default())

	// From 00:00 of d0+1d to 00:31: the first is the end of d0's window, where
	// it has no successor, and the start of the window of d0+1d, where it has.
	events = beats(d0+day, 32, minute, src, dst)
	check(t, events, beatref.Default(), row(d0+3*day, d0+day, src, dst, 31, 60))
}

// TestRowInTwoWindows: two records at the same midnight are in two windows, and
// with a threshold of -1 s the gap of 0 s counts in both runs. Sorting by RunAt
// comes first.
func TestRowInTwoWindows(t *testing.T) {
	p := low()
	p.Gap = -1
	check(t, beats(d0+day, 2, 0, src, dst), p,
		row(d0+2*day, d0+day, src, dst, 1, 0), row(d0+3*day, d0+day, src, dst, 1, 0))
}

// TestGapAcrossMidnight: 23:59:30 and 00:00:30 are in no window together.
func TestGapAcrossMidnight(t *testing.T) {
	check(t, beats(d0+day-30*second, 2, minute, src, dst), low())
}

// TestFilterComesBeforeTheSort: between any two beats stands a record to a
// destination that the filter drops, private or null; the gaps stay 60 s. The
// dropped ones have no rows of their own.
func TestFilterComesBeforeTheSort(t *testing.T) {
	from := d0 + 10*hour
	for _, other := range []string{
		"10.1.1.1", "172.16.0.9", "172.31.255.255", "192.168.1.1", "192.168.1.1/24",
		"", "2001:db8::1", "not-an-ip", "8.8.8.8/33",
	} {
		events := append(beats(from+30*second, 32, minute, src, other), beats(from, 32, minute, src, dst)...)
		want := row(d0+2*day, from, src, dst, 31, 60)
		check(t, events, beatref.Default(), want)
		check(t, events, channel(beatref.Default()), want)
	}
}

// TestOtherDestinationBreaksIn: A beats at :00 and B at :10. The source's next
// record after A is B 10 s later, not more than 25; after B it is A 50 s later.
// So the source-delta has B with 50 s, 31 times (the 32nd B is the last record).
// The channel-delta has both with 60 s.
func TestOtherDestinationBreaksIn(t *testing.T) {
	from := d0 + 10*hour
	events := append(beats(from, 32, minute, src, "8.8.8.8"), beats(from+10*second, 32, minute, src, "9.9.9.9")...)
	check(t, events, beatref.Default(), row(d0+2*day, from, src, "9.9.9.9", 31, 50))
	check(t, events, channel(beatref.Default()),
		row(d0+2*day, from, src, "8.8.8.8", 31, 60), row(d0+2*day, from, src, "9.9.9.9", 31, 60))
}

// TestChannelHasThePort: ports 80 and 443 of one destination are two channels,
// and so are port 0 and a null port; nulls stand first. Device and user are no
// part of a channel: fw and fw2 in turn keep the gap at 60 s.
func TestChannelHasThePort(t *testing.T) {
	from := d0 + 10*hour
	var events []beatref.Event
	for i := range 4 {
		e := event(from+int64(i)*minute, src, dst)
		null := e
		null.DstPort, null.PortKnown = 0, false
		zero := e
		zero.DstPort = 0
		events = append(events, e, null, zero)
	}
	known := row(d0+2*day, from, src, dst, 3, 60)
	null, zero := known, known
	null.DstPort, null.PortKnown = 0, false
	zero.DstPort = 0
	check(t, events, channel(low()), null, zero, known)

	events = beats(from, 5, minute, src, dst)
	events[1].Device, events[3].Device = "fw2", "fw2"
	other := row(d0+2*day, from, src, dst, 2, 60)
	other.Device = "fw2"
	check(t, events, channel(low()), row(d0+2*day, from, src, dst, 2, 60), other)
}

// TestNoPairAcrossChannels: a record and, a minute later, one that differs in
// source, destination or port and stands next in the channels' order. No gap.
func TestNoPairAcrossChannels(t *testing.T) {
	first := event(d0+10*hour, src, dst)
	for name, change := range map[string]func(*beatref.Event){
		"source":      func(e *beatref.Event) { e.SrcIP = "10.0.0.6" },
		"destination": func(e *beatref.Event) { e.DstIP = "9.9.9.9" },
		"port":        func(e *beatref.Event) { e.DstPort = 444 },
	} {
		second := first
		second.Ticks += minute
		change(&second)
		t.Run(name, func(t *testing.T) {
			check(t, []beatref.Event{first, second}, channel(low()))
		})
	}
}

// TestTies: two records at each instant, two instants a minute apart. The gap
// of the first of the pair is 0 s; the second has the 60 s, so the row tells
// which stood last. Texts order by bytes ("8.8.8.8" < "8.8.8.80", "100..." <
// "9..."), ports as numbers (80 < 443), null before 0, and the rest by input.
func TestTies(t *testing.T) {
	from := d0 + 10*hour
	base := event(from, src, dst)
	with := func(change func(*beatref.Event)) beatref.Event {
		e := base
		change(&e)
		return e
	}
	toDst := func(ip string) beatref.Event { return with(func(e *beatref.Event) { e.DstIP = ip }) }
	toPort := func(port int32) beatref.Event { return with(func(e *beatref.Event) { e.DstPort = port }) }
	null := with(func(e *beatref.Event) { e.DstPort, e.PortKnown = 0, false })
	on := func(device string) beatref.Event { return with(func(e *beatref.Event) { e.Device = device }) }

	tests := map[string]struct{ input, last []beatref.Event }{
		"prefix":         {[]beatref.Event{toDst("8.8.8.80"), toDst("8.8.8.8")}, []beatref.Event{toDst("8.8.8.80")}},
		"text":           {[]beatref.Event{toDst("9.9.9.9"), toDst("100.1.1.1")}, []beatref.Event{toDst("9.9.9.9")}},
		"port":           {[]beatref.Event{toPort(443), toPort(80)}, []beatref.Event{toPort(443)}},
		"null port":      {[]beatref.Event{toPort(0), null}, []beatref.Event{toPort(0)}},
		"dst then port":  {[]beatref.Event{toDst("9.9.9.9"), toPort(65535)}, []beatref.Event{toDst("9.9.9.9")}},
		"input":          {[]beatref.Event{on("b"), on("a")}, []beatref.Event{on("a")}},
		"input, reverse": {[]beatref.Event{on("a"), on("b")}, []beatref.Event{on("b")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			events := slices.Clone(test.input)
			for _, e := range test.input {
				e.Ticks += minute
				events = append(events, e)
			}
			last := test.last[0]
			want := row(d0+2*day, from, src, last.DstIP, 1, 60)
			want.DstPort, want.PortKnown, want.Device = last.DstPort, last.PortKnown, last.Device
			check(t, events, low(), want)
		})
	}
}

// TestTimeOrdersBeforeDestination: by text 9.9.9.9 is after 8.8.8.8, but it
// comes first in time: 9.9.9.9 has the gap of 30 s, 8.8.8.8 has none.
func TestTimeOrdersBeforeDestination(t *testing.T) {
	from := d0 + 10*hour
	events := []beatref.Event{event(from+30*second, src, "8.8.8.8"), event(from, src, "9.9.9.9")}
	check(t, events, low(), row(d0+2*day, from, src, "9.9.9.9", 1, 30))
}

// TestSourcesAreTexts: rows stand by text order of the source. Two spellings
// of one address are two sources, so their records are no pair. The last record
// of each source has no gap, though the next source's record comes later.
func TestSourcesAreTexts(t *testing.T) {
	from := d0 + 10*hour
	var events []beatref.Event
	var want []beatref.Row
	for _, s := range []string{"9.9.9.9", "2001:db8::1", "100.0.0.1", "not-an-ip", "10.0.0.1", "2001:DB8::1"} {
		events = append(events, beats(from, 2, minute, s, dst)...)
	}
	for _, s := range []string{"10.0.0.1", "100.0.0.1", "2001:DB8::1", "2001:db8::1", "9.9.9.9", "not-an-ip"} {
		want = append(want, row(d0+2*day, from, s, dst, 1, 60))
	}
	check(t, events, low(), want...)

	// The single records of these two are a minute apart; neither has a gap.
	check(t, []beatref.Event{event(from, "01.1.1.1", dst), event(from+minute, "1.1.1.1", dst)}, low())
}

// TestEmptySource: "" is a source like others. Its last record is the last of
// all here, where next() gives "" for the source and null for the time: the
// sources are equal and the gap is still not more than 25. 31 gaps, not 32.
func TestEmptySource(t *testing.T) {
	from := d0 + 10*hour
	check(t, beats(from, 32, minute, "", dst), beatref.Default(), row(d0+2*day, from, "", dst, 31, 60))
	check(t, beats(from, 1, minute, "", dst), low())

	p := low()
	p.Gap = -1 // null is not more than -1 either
	check(t, beats(from, 1, minute, "", dst), p)
}

// TestGapCountsSecondBorders: from :00.9 to :26.1 are 25.2 s but 26 borders,
// more than 25; from :00.1 to :25.9 are 25.8 s but 25 borders.
func TestGapCountsSecondBorders(t *testing.T) {
	from, tenth := d0+10*hour, second/10
	pair := func(a, b int64) []beatref.Event {
		return []beatref.Event{event(from+a*tenth, src, dst), event(from+b*tenth, src, dst)}
	}
	check(t, pair(9, 261), low(), row(d0+2*day, from, src, dst, 1, 26))
	check(t, pair(1, 259), low())

	last := []beatref.Event{event(from+second-1, src, dst), event(from+26*second, src, dst)}
	check(t, last, low(), row(d0+2*day, from, src, dst, 1, 26)) // one tick more than 25 s
}

// TestThresholdsAreStrict walks each of the four.
func TestThresholdsAreStrict(t *testing.T) {
	from := d0 + 10*hour
	run := d0 + 2*day

	// Gaps of exactly 25 s are none; of 26 s they count.
	check(t, beats(from, 40, 25*second, src, dst), beatref.Default())
	check(t, beats(from, 40, 26*second, src, dst), beatref.Default(), row(run, from, src, dst, 39, 26))

	// modal gaps of 30 s and then others of 60, 61, 62 … s, each once. The
	// percentage divides first and then multiplies, in doubles: 33/41 is
	// 0.8048780487804879, times 100 is 80.48780487804879; 3300/41 is …878.
	mix := func(modal, others int) []beatref.Event {
		out := beats(from, modal+1, 30*second, src, dst)
		for i := range others {
			last := out[len(out)-1].Ticks
			out = append(out, event(last+int64(60+i)*second, src, dst))
		}
		return out
	}
	result := func(modal, total int64, percent float64) beatref.Row {
		r := row(run, from, src, dst, total, 30)
		r.ModalCount, r.Percent = modal, percent
		return r
	}
	check(t, mix(30, 0), beatref.Default())                                    // 30 events
	check(t, mix(31, 0), beatref.Default(), result(31, 31, 100))               // 31 events
	check(t, mix(25, 6), beatref.Default())                                    // modal 25, of 31: 80.6 %
	check(t, mix(26, 6), beatref.Default(), result(26, 32, 26/32.*100))        // 81.25 %
	check(t, mix(32, 8), beatref.Default())                                    // 32 of 40: exactly 80 %
	check(t, mix(33, 8), beatref.Default(), result(33, 41, 80.48780487804879)) // 80.5 %
}

// TestModalTies: gaps 40, 40, 30, 30, 50 s. 30 and 40 are equally frequent;
// the smaller is the modal one, 2 of 5 are 40 %.
func TestModalTies(t *testing.T) {
	from := d0 + 10*hour
	events := []beatref.Event{event(from, src, dst)}
	for _, gap := range []int64{40, 40, 30, 30, 50} {
		events = append(events, event(events[len(events)-1].Ticks+gap*second, src, dst))
	}
	want := row(d0+2*day, from, src, dst, 5, 30)
	want.ModalCount, want.Percent = 2, 40
	check(t, events, low(), want)
}

// TestKeyHasDeviceAndUser: four values in turn over 125 records have 31 gaps
// each; the empty device and the empty user are values like others. The 125th
// record is the last and has none. 124 gaps of 28 s end at 57:52, in one hour.
func TestKeyHasDeviceAndUser(t *testing.T) {
	from := d0 + 10*hour
	events := beats(from, 125, 28*second, src, dst)
	names := [][2]string{{"", ""}, {"", "u"}, {"fw", ""}, {"fw", "u"}}
	var want []beatref.Row
	for i := range events {
		events[i].Device, events[i].UserID = names[i%4][0], names[i%4][1]
	}
	for _, name := range names {
		r := row(d0+2*day, from, src, dst, 31, 28)
		r.Device, r.UserID = name[0], name[1]
		want = append(want, r)
	}
	check(t, events, beatref.Default(), want...)
}

// TestSums: 31 gaps of 2^40 bytes out are past 32 bits; received is null in
// all but the second record, whose 5 bytes are the sum. What stands beside a
// null is not read. The last record's bytes are nowhere.
func TestSums(t *testing.T) {
	from := d0 + 10*hour
	events := beats(from, 32, minute, src, dst)
	for i := range events {
		events[i].Sent = 1 << 40
		events[i].Received, events[i].ReceivedKnown = 99, false
	}
	events[1].Received, events[1].ReceivedKnown = 5, true
	events[31].Sent, events[31].Received, events[31].ReceivedKnown = 7, 7, true
	want := row(d0+2*day, from, src, dst, 31, 60)
	want.TotalSent, want.TotalReceived = 31<<40, 5
	check(t, events, beatref.Default(), want)

	for i := range events {
		events[i].SentKnown, events[i].ReceivedKnown = false, false
	}
	want.TotalSent, want.TotalReceived = 0, 0
	check(t, events, beatref.Default(), want)
}

// TestNullPortIsAGroup: what stands beside a null port is not read either.
func TestNullPortIsAGroup(t *testing.T) {
	from := d0 + 10*hour
	events := beats(from, 32, minute, src, dst)
	for i := range events {
		events[i].DstPort, events[i].PortKnown = int32(i), false
	}
	want := row(d0+2*day, from, src, dst, 31, 60)
	want.DstPort, want.PortKnown = 0, false
	check(t, events, beatref.Default(), want)
	check(t, events, channel(beatref.Default()), want)
}

// TestEveryTrafficRecordCounts: each record is there twice, with other bytes.
// The gap between the two is 0 s, so the later copy of each carries the 60 s
// and its bytes: 31 gaps, 31 times 11 bytes. Two gaps of 26 s with a duplicate
// in the middle stay 26 s.
func TestEveryTrafficRecordCounts(t *testing.T) {
	from := d0 + 10*hour
	events := beats(from, 32, minute, src, dst)
	for _, e := range beats(from, 32, minute, src, dst) {
		e.Sent = 11
		events = append(events, e)
	}
	want := row(d0+2*day, from, src, dst, 31, 60)
	want.TotalSent = 31 * 11
	check(t, events, beatref.Default(), want)
	check(t, events, channel(beatref.Default()), want)
}

// TestOtherRecordsAreNotThere: other vendors and types, letter case included,
// between the beats change nothing, and no window is run for them alone.
func TestOtherRecordsAreNotThere(t *testing.T) {
	from := d0 + 10*hour
	events := beats(from, 32, minute, src, dst)
	for i, e := range beats(from+30*second, 32, minute, src, dst) {
		switch i % 4 {
		case 0:
			e.Vendor = "palo alto networks"
		case 1:
			e.Vendor = "Fortinet"
		case 2:
			e.Activity = "THREAT"
		case 3:
			e.Activity = "traffic"
		}
		events = append(events, e)
	}
	check(t, events, beatref.Default(), row(d0+2*day, from, src, dst, 31, 60))
}

// TestNow: at noon of d0+2d the query's window is [d0, d0+1d] and the rule's
// period [d0+12h, d0+2d12h]: the beacon at 10 o'clock is out, the one at 13 is
// in. At midnight both are in, though the records are older than a day; then the
// last of the morning has a successor too, the first of noon: 31 gaps of 60 s
// and one of 2:29:00, which makes 31 of 32, 96.875 %.
func TestNow(t *testing.T) {
	morning, noon := d0+10*hour, d0+13*hour
	events := append(beats(noon, 32, minute, src, dst), beats(morning, 32, minute, src, dst)...)
	check(t, events, at(beatref.Default(), d0+2*day+12*hour),
		row(d0+2*day+12*hour, noon, src, dst, 31, 60))
	both := row(d0+2*day, morning, src, dst, 32, 60)
	both.ModalCount, both.Percent = 31, 96.875
	check(t, events, at(beatref.Default(), d0+2*day), both, row(d0+2*day, noon, src, dst, 31, 60))
	check(t, events, at(beatref.Default(), d0+2*day-1)) // window [d0-1d, d0]
	check(t, events, at(beatref.Default(), d0+3*day))   // window [d0+1d, d0+2d]

	// The period's start is included: a record at exactly now-2d, and not the tick before.
	pair := beats(d0+12*hour, 2, minute, src, dst)
	now := d0 + 2*day + 12*hour
	check(t, pair, at(low(), now), row(now, d0+12*hour, src, dst, 1, 60))
	check(t, pair, at(low(), now+1))
}

// TestWindowAndBin: with a window of an hour and bins of ten minutes, records
// at 10:09, 10:10 … 10:12 are read at 12:00 and fall in bins 10:00 (one gap)
// and 10:10 (two). A window of 7 h is counted from year 1, not from the day:
// 17,734,896 h have passed at d0, which is 7 * 2,533,556 + 4, so a window
// begins at d0+3h and its run is at d0+3h+14h.
func TestWindowAndBin(t *testing.T) {
	p := low()
	p.Window, p.Bin = hour, 10*minute
	check(t, beats(d0+10*hour+9*minute, 4, minute, src, dst), p,
		row(d0+12*hour, d0+10*hour, src, dst, 1, 60),
		row(d0+12*hour, d0+10*hour+10*minute, src, dst, 2, 60))

	if d0/hour != 17_734_896 || d0/hour%7 != 4 {
		t.Fatalf("d0 is %d h after year 1, rest %d", d0/hour, d0/hour%7)
	}
	p.Window, p.Bin = 7*hour, hour
	check(t, beats(d0+3*hour, 2, minute, src, dst), p, row(d0+17*hour, d0+3*hour, src, dst, 1, 60))
	check(t, beats(d0+3*hour-minute, 2, minute, src, dst), p, row(d0+10*hour, d0+2*hour, src, dst, 1, 60))
	check(t, beats(d0+3*hour-minute+1, 2, minute, src, dst), p)
}

// TestIPv4Private holds the printed examples first, then the choices that the
// function's comment explains.
func TestIPv4Private(t *testing.T) {
	private := []string{
		"10.1.2.3", "192.168.1.1/24", "10.1.2.3/24", // Kusto's page
		"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255",
		"10.1.2.3/32", "10.1.2.3/8", "10.0.0.1/7", "172.16.5.5/12", "192.168.9.9/16",
	}
	public := []string{
		"202.1.2.3", "127.0.0.1", // Kusto's page
		"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
		"169.254.1.1", "0.0.0.0", "255.255.255.255", "100.64.0.1", "8.8.8.8/0", "8.8.8.8/32",
		"10.0.0.1/4", "10.0.0.1/0", "172.16.0.1/11", "192.168.1.1/12",
	}
	null := []string{
		"", "abc", "not-an-ip", "::1", "2001:db8::1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "10.0.0.1%eth0",
		"256.1.1.1", "1.2.3", "1", "167772161", "1.2.3.4.5", "1..3.4", ".1.2.3", "1.2.3.",
		"01.2.3.4", "10.0.0.01", "1.2.3.00", "0x0a.0.0.1", "+1.2.3.4", "-1.2.3.4", "1_0.0.0.1",
		" 1.2.3.4", "1.2.3.4 ", "1. 2.3.4", "10.0.0.1\n", "1.2.3.4:80", "١.2.3.4",
		"1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "1.2.3.4/08", "1.2.3.4/ 8", "1.2.3.4/8/8", "1.2.3.4/255.0.0.0", "/8",
		"1.2.3/24", "1.2.3.4/4294967296", "18446744073709551617.1.1.1",
	}
	verdict := func(texts []string, wantPrivate, wantOK bool) {
		for _, text := range texts {
			if p, ok := beatref.IPv4Private(text); p != wantPrivate || ok != wantOK {
				t.Errorf("IPv4Private(%q) = %v, %v; want %v, %v", text, p, ok, wantPrivate, wantOK)
			}
		}
	}
	verdict(private, true, true)
	verdict(public, false, true)
	verdict(null, false, false)
}

// TestRandomWorlds: a seed gives the same world twice, worlds give findings,
// and the schedule is nothing but the runs at its times.
func TestRandomWorlds(t *testing.T) {
	found := map[bool]int{}
	const worlds = 300
	for seed := range uint64(worlds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		events, p := beatref.Random(rng, 300), beatref.RandomParams(rng)
		again := rand.New(rand.NewPCG(seed, 1))
		if !slices.Equal(events, beatref.Random(again, 300)) {
			t.Fatalf("seed %d: two worlds", seed)
		}
		if len(events) != 300 {
			t.Fatalf("seed %d: %d events", seed, len(events))
		}
		p.Now = nil
		rows := beatref.Run(events, p)
		if len(rows) > 0 {
			found[p.ByChannel]++
		}
		var single []beatref.Row
		for k := int64(-2); k < 10*day/p.Window; k++ {
			begin := d0/p.Window*p.Window + k*p.Window
			single = append(single, beatref.Run(events, at(p, begin+2*p.Window))...)
		}
		if !slices.Equal(rows, single) {
			t.Fatalf("seed %d: %d scheduled rows, %d one by one", seed, len(rows), len(single))
		}
	}
	if found[false] < worlds/5 || found[true] < worlds/5 {
		t.Errorf("worlds with findings: %d by source, %d by channel", found[false], found[true])
	}
	t.Logf("worlds with findings: %d by source, %d by channel", found[false], found[true])
}

// TestRandomIsNasty: a handful of worlds hold every trap at least once.
func TestRandomIsNasty(t *testing.T) {
	seen := map[string]int{}
	mark := func(name string, yes bool) {
		if yes {
			seen[name]++
		} else {
			seen[name] += 0
		}
	}
	tied := 0
	for seed := range uint64(20) {
		events := beatref.Random(rand.New(rand.NewPCG(seed, 2)), 400)
		instants := map[[2]any]bool{}
		for _, e := range events {
			private, ok := beatref.IPv4Private(e.DstIP)
			mark("private", private)
			mark("null address", !ok)
			mark("empty destination", e.DstIP == "")
			mark("empty source", e.SrcIP == "")
			mark("null port", !e.PortKnown)
			mark("port zero", e.PortKnown && e.DstPort == 0)
			mark("null sent", !e.SentKnown)
			mark("null received", !e.ReceivedKnown)
			mark("no device", e.Device == "")
			mark("no user", e.UserID == "")
			mark("a user", e.UserID != "")
			mark("vendor", e.Vendor != "Palo Alto Networks")
			mark("activity", e.Activity != "TRAFFIC")
			mark("midnight", e.Ticks%day == 0)
			mark("hour", e.Ticks%day != 0 && e.Ticks%hour == 0)
			mark("fraction", e.Ticks%second != 0)
			mark("before midnight", e.Ticks%day == day-1)
			instant := [2]any{e.SrcIP, e.Ticks}
			if instants[instant] {
				tied++
			}
			instants[instant] = true
		}
	}
	for name, count := range seen {
		if count == 0 {
			t.Errorf("no %s in any world", name)
		}
	}
	if tied < 100 {
		t.Errorf("only %d ties", tied)
	}
}
