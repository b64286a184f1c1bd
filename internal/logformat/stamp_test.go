package logformat

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drumbeat/internal/traffic"
)

// stampCases lists texts of times and what they mean: the time in UTC where a zone or nothing is named, and then what
// is missing. A text without a year is shown in year 4.
var stampCases = []struct{ in, want string }{
	// Epochs: seconds to nanoseconds by the number of digits.
	{"1772445605", "2026-03-02T10:00:05Z"},
	{"1772445605250", "2026-03-02T10:00:05.25Z"},
	{"1772445605250123", "2026-03-02T10:00:05.250123Z"},
	{"1772445605250123456", "2026-03-02T10:00:05.2501234Z"},
	{"0000000000", "1970-01-01T00:00:00Z"},
	{"9999999999", "2286-11-20T17:46:39Z"},
	{"177244560", ""},
	{"17724456052", ""},
	{"9999999999999999999", "2286-11-20T17:46:39.9999999Z"},
	// The month first, with a year.
	{"Mar 02 2026 10:00:05 GMT", "2026-03-02T10:00:05Z"},
	{"Mar 2 2026 10:00:05 GMT", "2026-03-02T10:00:05Z"},
	{"Mar  2 2026 10:00:05 UTC", "2026-03-02T10:00:05Z"},
	{"mar 02 2026 10:00:05.5 gmt", "2026-03-02T10:00:05.5Z"},
	{"MAR 02 2026 10:00:05.123456789 GMT", "2026-03-02T10:00:05.1234567Z"},
	{"Mar 02 2026 10:00:05,25 GMT", "2026-03-02T10:00:05.25Z"},
	{"Mar 02 2026 10:00:05", "2026-03-02T10:00:05Z no zone"},
	{"Mar 02 2026 10:00", "2026-03-02T10:00:00Z no zone"},
	{"Mar 02 2026 9:00:05 GMT", "2026-03-02T09:00:05Z"},
	{"Mar 02 2026 10:00:05 EST", "2026-03-02T15:00:05Z"},
	{"Mar 02 2026 10:00:05 PDT", "2026-03-02T17:00:05Z"},
	{"Mar 02 2026 10:00:05 AEST", "2026-03-02T00:00:05Z"},
	{"Mar 02 2026 10:00:05 CEST", "2026-03-02T08:00:05Z"},
	{"Mar 02 2026 10:00:05 +02:00", "2026-03-02T08:00:05Z"},
	{"Mar 02 2026 10:00:05 -0330", "2026-03-02T13:30:05Z"},
	{"Mar 02 2026 10:00:05+05", "2026-03-02T05:00:05Z"},
	{"Jul 02 2026 10:00:05 Europe/Berlin", "2026-07-02T08:00:05Z"},
	{"Mar 02 2026 10:00:05 IST", "2026-03-02T10:00:05Z no zone, odd"},
	{"Mar 02 2026 10:00:05 +19:00", "2026-03-02T10:00:05Z no zone, odd"},
	{"Mar 02 2026 10:00:05 +02:60", "2026-03-02T10:00:05Z no zone, odd"},
	{"Mar 02 2026 10:00:05 ../../etc", "2026-03-02T10:00:05Z no zone, odd"},
	{"Mar 02 2026 10:00:60 GMT", "2026-03-02T10:01:00Z"},
	// The month first, without a year.
	{"Mar 02 10:00:05", "0004-03-02T10:00:05Z no year, no zone"},
	{"Mar  2 10:00:05.5 GMT", "0004-03-02T10:00:05.5Z no year"},
	{"Feb 29 10:00:05 UTC", "0004-02-29T10:00:05Z no year"},
	// The year first.
	{"2026-03-02T10:00:05Z", "2026-03-02T10:00:05Z"},
	{"2026-03-02t10:00:05z", "2026-03-02T10:00:05Z"},
	{"2026-03-02T10:00:05.104-04:00", "2026-03-02T14:00:05.104Z"},
	{"2026-03-02T10:00:05.000000Z", "2026-03-02T10:00:05Z"},
	{"2026-03-02 10:00:05", "2026-03-02T10:00:05Z no zone"},
	{"2026/03/02 10:00:05", "2026-03-02T10:00:05Z no zone"},
	{"2026/3/2 9:00:05", "2026-03-02T09:00:05Z no zone"},
	{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	{"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"},
	{"9999-12-31T23:59:60Z", ""},
	{"0001-01-01T00:00:00+00:01", ""},
	// As spreadsheets leave it: the month first, unless that is no month.
	{"3/2/26 10:00", "2026-03-02T10:00:00Z no zone"},
	{"3/2/2026 10:00:05", "2026-03-02T10:00:05Z no zone"},
	{"31/3/2026 10:00", "2026-03-31T10:00:00Z no zone"},
	// Blanks round the text.
	{" \t1772445605\x00", "2026-03-02T10:00:05Z"},
	// What is no time.
	{"", ""},
	{"$cefformatted-time_generated", ""},
	{"Foo 02 2026 10:00:05 GMT", ""},
	{"Mar 32 2026 10:00:05 GMT", ""},
	{"Feb 29 2025 10:00:05 GMT", ""},
	{"Mar 00 2026 10:00:05 GMT", ""},
	{"2020/00/00 00:00:00", ""},
	{"2026-13-02T10:00:05Z", ""},
	{"2026-03-02T24:00:05Z", ""},
	{"2026-03-02T10:60:05Z", ""},
	{"2026-03-02T10:00:61Z", ""},
	{"2026-03-02T10:00:05.Z", ""},
	{"2026-03-02", ""},
	{"3/2/26", ""},
	{"0000-01-01T00:00:00Z", ""},
	{"10000-01-01T00:00:00Z", ""},
	{"2026-03-02T10:00:05Z" + "                                                             ", "2026-03-02T10:00:05Z"},
	{"2026-03-02T10:00:05.00000000000000000000000000000000000000000000000Z", ""}, // longer than any
	// A clock of twelve hours would be half a day off.
	{"3/2/2026 10:00:05 PM", ""},
	{"3/2/2026 10:00:05 am", ""},
	{"3/2/2026 10:00PM", ""},
	{"3/2/2026 10:00:05 PM GMT", ""},
}

func stampText(s stamp, ok bool) string {
	if !ok {
		return ""
	}
	text := traffic.Time(s.wall - s.offset).Format(time.RFC3339Nano)
	sep := " "
	for _, m := range []struct {
		missing bool
		text    string
	}{{!s.hasYear, "no year"}, {!s.zoned, "no zone"}, {s.oddZone, "odd"}} {
		if m.missing {
			text += sep + m.text
			sep = ", "
		}
	}
	return text
}

// TestStamp checks each form, and that a cache that has seen the others gives the same.
func TestStamp(t *testing.T) {
	var c timeCache
	for _, x := range stampCases {
		s, ok := parseStamp([]byte(x.in))
		if got := stampText(s, ok); got != x.want {
			t.Errorf("%q\ngot  %q\nwant %q", x.in, got, x.want)
		}
		for range 2 {
			checkCache(t, &c, []byte(x.in))
		}
	}
}

// checkCache compares a cache with parseStamp.
func checkCache(t failer, c *timeCache, text []byte) {
	t.Helper()
	text = trimBlanks(text) // as the parser does
	prefix, zone := string(c.prefix), string(c.zone)
	got, ok := c.parse(text)
	want, wantOK := parseStamp(text)
	if ok != wantOK || ok && got != want {
		t.Fatalf("%q after %q … %q: cache %+v %v, parser %+v %v", text, prefix, zone, got, ok, want, wantOK)
	}
}

// TestTimeCacheTraps reads pairs of times that share all but the clock, of which the second is read otherwise.
func TestTimeCacheTraps(t *testing.T) {
	for _, pair := range [][2]string{
		{"9999-12-31T10:00:00-05:00", "9999-12-31T23:00:00-05:00"},
		{"0001-01-01T10:00:00+02:00", "0001-01-01T01:00:00+02:00"},
		{"Mar 29 2026 01:00:00 Europe/Berlin", "Mar 29 2026 04:00:00 Europe/Berlin"},
		{"2026-03-02T10:00:05Z", "2026-03-02T10:00:05.Z"},
		{"2026-03-02 10:00:05", "2026-03-02 10:00:05.00000000000000000000000000000000000000000000000"},
		{"2026-03-02 10:00:05", "2026-03-02 10:00:60"},
		{"2026-03-02 10:00:05", "2026-03-02 24:00:05"},
		{"Mar 02 10:00:05", "Mar 02 2026 10:00:05"},
		{"2026-03-02 10:00:05 GMT", "2026-03-02 10:00:05 PM"},
		{"2026-03-02 10:00:05,5 GMT", "2026-03-02 10:00:05,7 GMT"},
	} {
		var c timeCache
		for _, text := range [...]string{pair[0], pair[1], pair[0], pair[0]} {
			checkCache(t, &c, []byte(text))
		}
	}
}

// TestTimeCache reads random streams of times that share their parts.
func TestTimeCache(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dates := []string{"Mar 02 2026 ", "Mar  2 2026 ", "Mar 02 ", "2026-03-02T", "2026-03-02 ", "2026/03/03 ", "3/2/26 ", "0001-01-01T", "9999-12-31T", "2026-02-29T", "Feb 29 ", "Mar 29 2026 "}
		clocks := []string{"00:00:00", "10:00:05", "01:30:00", "9:00:05", "23:59:59", "23:59:60", "24:00:00", "10:00", "10:0x:05"}
		fractions := []string{"", "", ".5", ".123456789", ".", ",5", ".5.5", ".0000000000000000000000000000000000000000000"}
		zones := []string{"", " GMT", "Z", " EST", "+02:00", " +0200", " Europe/Berlin", " America/New_York", " IST", " PM", "PM", "  GMT", "7", " Z/Z"}
		// A stream has two of each part, so that the cache is used.
		pick := func(from []string) string { return rapid.SampledFrom(from).Draw(rt, "part") }
		some := func(from []string) []string { return []string{pick(from), pick(from)} }
		dates, fractions, zones = some(dates), some(fractions), some(zones)
		var c timeCache
		for range rapid.IntRange(1, 20).Draw(rt, "lines") {
			text := []byte(pick(dates) + pick(clocks) + pick(fractions) + pick(zones))
			if rapid.IntRange(0, 9).Draw(rt, "spoil") == 0 {
				text[rapid.IntRange(0, len(text)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
			}
			checkCache(rt, &c, text)
		}
	})
}

// stampLayouts are forms that the time package reads too.
var stampLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05", "2006/01/02 15:04:05", "Jan _2 2006 15:04:05", "Jan 02 2006 15:04:05.999999999",
}

// FuzzStamp reads lines of times: none panics, all are in range, the cache agrees, and so does the time package where
// it knows the form.
func FuzzStamp(f *testing.F) {
	for _, x := range stampCases {
		f.Add([]byte(x.in + "\n" + x.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c timeCache
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			checkCache(t, &c, line)
			s, ok := parseStamp(line)
			if ok && (s.wall-s.offset < 0 || s.wall-s.offset > traffic.MaxTicks || s.oddZone && s.zoned) {
				t.Fatalf("%q: %+v", line, s)
			}
			if err := compareTime(string(trimBlanks(line)), s, ok); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// compareTime compares a stamp with what the time package reads.
func compareTime(text string, s stamp, ok bool) error {
	for _, layout := range stampLayouts {
		want, err := time.Parse(layout, text)
		if _, offset := want.Zone(); err != nil || len(text) > maxStamp || offset > 18*3600 || offset < -18*3600 {
			continue
		}
		if strings.HasSuffix(text, ":60") { // an offset of sixty minutes, which the time package lets pass
			continue
		}
		inside := want.Unix() >= -traffic.UnixEpoch/traffic.Second && want.Year() > 0 && want.UTC().Year() <= 9999
		if ok != inside || ok && s.wall-s.offset != traffic.Ticks(want) {
			return fmt.Errorf("%q: %s, the time package reads %s", text, stampText(s, ok), want)
		}
	}
	return nil
}

// TestYears checks years without one over a whole range of references: the year is the nearest there is.
func TestYears(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ref := traffic.UnixEpoch + rapid.Int64Range(0, 60*366).Draw(rt, "day")*traffic.Day + rapid.Int64Range(0, traffic.Day-1).Draw(rt, "tick")
		wall, _ := traffic.DayTicks(4, 1, 1)
		wall += rapid.Int64Range(0, 366*traffic.Day/traffic.Second-1).Draw(rt, "second") * traffic.Second
		p := NewParser(Options{})
		p.Start(func() int64 { return ref }, false)
		got, ok := p.withYear(wall)
		w := traffic.Time(wall)
		best, found := int64(0), false
		for year := traffic.Time(ref).Year() - 1; year <= traffic.Time(ref).Year()+1; year++ {
			v := time.Date(year, w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, time.UTC)
			if v.Month() != w.Month() {
				continue // no leap day
			}
			if ticks := traffic.Ticks(v); !found || max(ticks-ref, ref-ticks) < max(best-ref, ref-best) {
				best, found = ticks, true
			}
		}
		if ok != found || ok && got != best {
			rt.Fatalf("%s near %s: %s %v, want %s %v", w, clock(ref), clock(got), ok, clock(best), found)
		}
	})
}

// TestZoneCache compares the cache of a zone's offsets with the offsets, over days in any order.
func TestZoneCache(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "UTC", "Pacific/Apia"} {
		loc := location(name)
		rapid.Check(t, func(rt *rapid.T) {
			var c zoneCache
			day := at("2011-01-01T00:00:00Z") + rapid.Int64Range(0, 16*366).Draw(rt, "day")*traffic.Day
			for range 20 {
				wall := day + rapid.Int64Range(0, 4*24*60).Draw(rt, "minute")*traffic.Minute
				got, unsure := c.offset(loc, wall)
				want, wantUnsure := wallOffset(loc, wall)
				if got != want || unsure != wantUnsure {
					rt.Fatalf("%s at %s: %d %v, want %d %v", name, clock(wall), got/traffic.Second, unsure, want/traffic.Second, wantUnsure)
				}
			}
		})
	}
}

// TestWallOffset checks that a local time that is not unsure is what the zone shows at the time that it gives, and
// that every unsure one lies at a change of clocks.
func TestWallOffset(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Tehran"} {
		loc := location(name)
		for wall := at("2025-01-01T00:00:00Z"); wall < at("2027-01-01T00:00:00Z"); wall += 15 * traffic.Minute {
			offset, unsure := wallOffset(loc, wall)
			local := traffic.Time(wall - offset).In(loc)
			_, sec := local.Zone()
			_, before := local.Add(-3 * time.Hour).Zone()
			_, after := local.Add(3 * time.Hour).Zone()
			if unsure && before == after {
				t.Fatalf("%s at %s: unsure, but no clock is changed", name, clock(wall))
			}
			if !unsure && int64(sec)*traffic.Second != offset {
				t.Fatalf("%s at %s: offset %d s, the zone shows %d s", name, clock(wall), offset/traffic.Second, sec)
			}
		}
	}
}
