package logformat

import (
	"strings"
	"time"

	"drumbeat/internal/traffic"
)

// stamp is a point in time as a log wrote it.
type stamp struct {
	// wall is the time of day and date as written, in ticks, before any zone is applied. For a stamp without a
	// year it is counted from the first day of year 4, a leap year.
	wall int64
	// offset is what the zone adds to UTC, in ticks.
	offset int64
	// zoned says that the text named a zone, hasYear that it named a year.
	zoned, hasYear bool
	// oddZone says that the text named a zone that is not known, so that zoned is false.
	oddZone bool
}

// maxStamp bounds the length of a stamp.
const maxStamp = 64

// parseStamp reads the forms of time that firewalls and their relays write: epoch seconds to nanoseconds,
// "Mar 02 2026 10:00:00[.fff] [zone]", the same without a year, ISO 8601 with T or a blank, "2026/03/02 10:00:00",
// and "3/2/26 10:00" as spreadsheets leave it.
func parseStamp(text []byte) (stamp, bool) { return new(zoneNames).parseStamp(text) }

// parseStamp is the function of that name, with the zones that were looked up before.
func (z *zoneNames) parseStamp(text []byte) (stamp, bool) {
	text = trimBlanks(text)
	if len(text) < 8 || len(text) > maxStamp || text[0] == '$' {
		return stamp{}, false
	}
	r := scanner{text: text, zones: z}
	switch {
	case isDigits(text):
		return epochStamp(text)
	case text[0] >= 'A' && text[0] <= 'Z' || text[0] >= 'a' && text[0] <= 'z':
		return r.monthFirst()
	case len(text) > 4 && isDigits(text[:4]) && (text[4] == '-' || text[4] == '/'):
		return r.yearFirst()
	}
	return r.slashed()
}

func epochStamp(text []byte) (stamp, bool) {
	var v uint64 // nineteen digits fit
	for _, c := range text[:min(len(text), 19)] {
		v = v*10 + uint64(c-'0')
	}
	var ticks uint64
	switch len(text) {
	case 10:
		ticks = v * uint64(traffic.Second)
	case 13:
		ticks = v * uint64(traffic.Millisecond)
	case 16:
		ticks = v * uint64(traffic.Microsecond)
	case 19:
		ticks = v / 100
	default:
		return stamp{}, false
	}
	s := stamp{wall: traffic.UnixEpoch + int64(ticks), zoned: true, hasYear: true} // at most 10^17: it fits
	return s, s.wall <= traffic.MaxTicks
}

// scanner walks along the text of a stamp.
type scanner struct {
	text  []byte
	pos   int
	zones *zoneNames
}

// number reads minDigits to maxDigits digits.
func (r *scanner) number(minDigits, maxDigits int) (int, bool) {
	v, n := 0, 0
	for n < maxDigits && r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		v = v*10 + int(r.text[r.pos]-'0')
		r.pos++
		n++
	}
	return v, n >= minDigits
}

// accept steps over one byte of set.
func (r *scanner) accept(set string) bool {
	if r.pos < len(r.text) && strings.IndexByte(set, r.text[r.pos]) >= 0 {
		r.pos++
		return true
	}
	return false
}

func (r *scanner) blanks() bool {
	start := r.pos
	for r.accept(" ") {
		continue
	}
	return r.pos > start
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

func (r *scanner) month() (int, bool) {
	if r.pos+3 > len(r.text) {
		return 0, false
	}
	var name [3]byte
	for i := range name {
		name[i] = r.text[r.pos+i] | 0x20
	}
	i := strings.Index(monthNames, string(name[:]))
	if i < 0 || i%3 != 0 {
		return 0, false
	}
	r.pos += 3
	return i/3 + 1, true
}

// monthFirst reads "Mar 02 2026 10:00:00", with or without the year.
func (r *scanner) monthFirst() (stamp, bool) {
	month, ok := r.month()
	if !ok || !r.blanks() {
		return stamp{}, false
	}
	day, ok := r.number(1, 2)
	if !ok || !r.blanks() {
		return stamp{}, false
	}
	year, hasYear := 4, false
	mark := r.pos
	if y, ok := r.number(4, 4); ok && r.blanks() {
		year, hasYear = y, true
	} else {
		r.pos = mark
	}
	return r.clockAndZone(year, month, day, hasYear)
}

// yearFirst reads "2026-03-02T10:00:00Z" and "2026/03/02 10:00:00".
func (r *scanner) yearFirst() (stamp, bool) {
	year, _ := r.number(4, 4)
	r.accept("-/")
	month, ok1 := r.number(1, 2)
	sep := r.accept("-/")
	day, ok2 := r.number(1, 2)
	if !ok1 || !ok2 || !sep || !r.accept("T t") {
		return stamp{}, false
	}
	r.blanks()
	return r.clockAndZone(year, month, day, true)
}

// slashed reads "9/16/19 10:00": month first, as the spreadsheets that leave this form do, unless that is no month.
func (r *scanner) slashed() (stamp, bool) {
	month, ok1 := r.number(1, 2)
	sep1 := r.accept("/")
	day, ok2 := r.number(1, 2)
	sep2 := r.accept("/")
	if !ok1 || !ok2 || !sep1 || !sep2 {
		return stamp{}, false
	}
	mark := r.pos
	year, ok := r.number(4, 4)
	if !ok {
		r.pos = mark
		if year, ok = r.number(2, 2); !ok {
			return stamp{}, false
		}
		year += 2000
	}
	if month > 12 {
		month, day = day, month
	}
	if !r.blanks() {
		return stamp{}, false
	}
	return r.clockAndZone(year, month, day, true)
}

// clockAndZone reads "h:mm[:ss[.fff]]" and a zone up to the end of the text.
func (r *scanner) clockAndZone(year, month, day int, hasYear bool) (stamp, bool) {
	base, ok := traffic.DayTicks(year, month, day)
	if !ok {
		return stamp{}, false
	}
	hour, ok1 := r.number(1, 2)
	colon := r.accept(":")
	minute, ok2 := r.number(2, 2)
	if !ok1 || !ok2 || !colon || hour > 23 || minute > 59 {
		return stamp{}, false
	}
	second := 0
	if r.accept(":") {
		if second, ok = r.number(2, 2); !ok || second > 60 {
			return stamp{}, false
		}
	}
	s := stamp{hasYear: hasYear}
	s.wall = base + int64(hour)*traffic.Hour + int64(minute)*traffic.Minute + int64(second)*traffic.Second
	if r.accept(".,") {
		frac, n := fraction(r.text[r.pos:])
		if n == 0 {
			return stamp{}, false
		}
		s.wall += frac
		r.pos += n
	}
	spaced := r.blanks()
	if rest := r.text[r.pos:]; !spaced && len(rest) > 0 && (rest[0]|0x20 == 'a' || rest[0]|0x20 == 'p') || isHalfDay(rest) {
		return stamp{}, false // a 12-hour clock is a form of another product: refuse rather than be 12 h off
	}
	s.offset, s.zoned, s.oddZone = r.zones.offset(r.text[r.pos:], s.wall)
	return s, s.wall-s.offset >= 0 && s.wall-s.offset <= traffic.MaxTicks
}

// isHalfDay recognises "AM" and "PM" at the start of a text.
func isHalfDay(text []byte) bool {
	return len(text) >= 2 && (text[0]|0x20 == 'a' || text[0]|0x20 == 'p') && text[1]|0x20 == 'm' &&
		(len(text) == 2 || text[2] == ' ')
}

// fraction reads the digits of a fraction of a second as ticks; digits beyond 100 ns are cut off. n is the number of
// bytes read.
func fraction(text []byte) (ticks int64, n int) {
	unit := traffic.Second
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		unit /= 10
		ticks += int64(text[n]-'0') * unit
		n++
	}
	return ticks, n
}

// zoneAbbreviation gives the offsets from UTC, in minutes, of zone names that mean one thing in practice. IST, for
// one, is left out: it means three.
func zoneAbbreviation(name string) (minutes int64, ok bool) {
	switch name {
	case "Z", "GMT", "UTC", "UT", "WET":
		return 0, true
	case "WEST", "BST", "CET":
		return 60, true
	case "CEST", "EET", "SAST":
		return 120, true
	case "EEST", "MSK":
		return 180, true
	case "AWST", "SGT", "HKT":
		return 480, true
	case "JST", "KST":
		return 540, true
	case "ACST":
		return 570, true
	case "AEST":
		return 600, true
	case "ACDT":
		return 630, true
	case "AEDT":
		return 660, true
	case "NZST":
		return 720, true
	case "NZDT":
		return 780, true
	case "EDT":
		return -240, true
	case "EST", "CDT":
		return -300, true
	case "CST", "MDT":
		return -360, true
	case "MST", "PDT":
		return -420, true
	case "PST", "AKDT":
		return -480, true
	case "AKST":
		return -540, true
	case "HST":
		return -600, true
	}
	return 0, false
}

// offset reads a zone's text: an offset, an abbreviation or an IANA name.
func (z *zoneNames) offset(text []byte, wall int64) (offset int64, zoned, odd bool) {
	text = trimBlanks(text)
	if len(text) == 0 {
		return 0, false, false
	}
	if text[0] == '+' || text[0] == '-' {
		offset, zoned = numericOffset(text)
		return offset, zoned, !zoned
	}
	name := string(text)
	if m, ok := zoneAbbreviation(strings.ToUpper(name)); ok {
		return m * traffic.Minute, true, false
	}
	if !strings.Contains(name, "/") || len(name) > 40 {
		return 0, false, true
	}
	loc := z.load(name)
	if loc == nil {
		return 0, false, true
	}
	offset, _ = wallOffset(loc, wall)
	return offset, true, false
}

// numericOffset reads +hh:mm, +hhmm and +hh.
func numericOffset(text []byte) (int64, bool) {
	r := scanner{text: text, pos: 1}
	hours, ok := r.number(2, 2)
	if !ok {
		return 0, false
	}
	minutes := 0
	if r.pos < len(text) {
		r.accept(":")
		if minutes, ok = r.number(2, 2); !ok {
			return 0, false
		}
	}
	if r.pos != len(text) || hours > 18 || minutes > 59 {
		return 0, false
	}
	offset := int64(hours)*traffic.Hour + int64(minutes)*traffic.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// wallOffset gives what a zone adds to UTC at a local time, and whether that local time is unsure: it comes twice or
// not at all, because a clock is changed.
func wallOffset(loc *time.Location, wall int64) (offset int64, unsure bool) {
	w := traffic.Time(wall)
	t := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, loc)
	_, sec := t.Zone()
	_, before := t.Add(-2 * time.Hour).Zone()
	_, after := t.Add(2 * time.Hour).Zone()
	offset = int64(sec) * traffic.Second
	if before == after {
		return offset, false
	}
	for _, other := range []int{before, after} {
		alt := int64(other) * traffic.Second
		if alt == offset {
			continue
		}
		// The other offset gives the same local time too: the hour comes twice.
		if _, back := traffic.Time(wall - alt).In(loc).Zone(); back == other {
			return offset, true
		}
	}
	y, m, d := t.Date()
	same := y == w.Year() && m == w.Month() && d == w.Day() && t.Hour() == w.Hour() && t.Minute() == w.Minute()
	return offset, !same
}

// zoneNames holds the zones of the IANA names that logs wrote, those that do not exist as nil. To look one up may open
// files, so that no more than a few names of a log are looked up. The zero value is ready to use.
type zoneNames struct{ known map[string]*time.Location }

// maxZones is more zones than the firewalls of one company stand in.
const maxZones = 64

func (z *zoneNames) load(name string) *time.Location {
	if z == nil {
		z = new(zoneNames)
	}
	loc, ok := z.known[name]
	if ok || len(z.known) >= maxZones {
		return loc
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = nil
	}
	if z.known == nil {
		z.known = make(map[string]*time.Location)
	}
	z.known[name] = loc
	return loc
}
