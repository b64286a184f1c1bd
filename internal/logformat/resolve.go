package logformat

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"drumbeat/internal/traffic"
)

// time finds a record's TimeGenerated: the first of its times that can be read, by order of preference. prefix is
// the length of the syslog header before the record. Strata Logging Service writes UTC without saying so.
func (p *Parser) time(line []byte, prefix int, strata bool) (ticks int64, from TimeSource, reason Reason) {
	order := timeOrder
	if strata {
		order = strataTimeOrder
	}
	reason = ReasonNoTime
	for _, w := range order {
		if p.vals[w].from < 0 {
			continue
		}
		t := p.value(line, w)
		if len(t) == 0 {
			continue
		}
		s, ok := p.times[w].parse(t)
		if !ok {
			if t[0] == '$' {
				p.Counts.Warnings[WarnToken]++
			}
			continue
		}
		ticks, ok := p.resolve(s, line[:prefix], strata)
		if !ok {
			reason = ReasonNoYear
			continue
		}
		if strata && w == wantStart {
			ticks = p.refine(line, ticks)
		}
		p.last = ticks
		return ticks, TimeSource(w), ReasonNone
	}
	return p.headerTime(line[:prefix], reason)
}

// The times of a record in order of preference. Strata's high-resolution field often holds the plain time: it refines
// the time, it does not replace it.
var (
	timeOrder       = []want{wantHighRes, wantStart, wantReceipt}
	strataTimeOrder = []want{wantStart, wantReceipt}
)

// refine gives the time of Strata's high-resolution field where it lies within the second of the plain one.
func (p *Parser) refine(line []byte, plain int64) int64 {
	t := p.value(line, wantHighRes)
	if len(t) == 0 {
		return plain
	}
	s, ok := p.times[wantHighRes].parse(t)
	if !ok || !s.hasYear {
		return plain
	}
	if fine := s.wall - s.offset; fine >= plain && fine-plain < traffic.Second {
		return fine
	}
	return plain
}

// headerTime dates a record by its syslog header, the last resort.
func (p *Parser) headerTime(prefix []byte, reason Reason) (int64, TimeSource, Reason) {
	h := parseSyslogHeader(prefix)
	if len(h.stamp) == 0 {
		return 0, TimeHeader, reason
	}
	s, ok := p.names.parseStamp(h.stamp)
	if !ok {
		return 0, TimeHeader, reason
	}
	ticks, ok := p.resolve(s, nil, false)
	if !ok {
		return 0, TimeHeader, ReasonNoYear
	}
	p.Counts.Warnings[WarnHeaderTime]++
	return ticks, TimeHeader, ReasonNone
}

// resolve turns a stamp into UTC: a year where it has none, then the zone.
func (p *Parser) resolve(s stamp, prefix []byte, utc bool) (int64, bool) {
	if !s.hasYear {
		wall, ok := p.withYear(s.wall)
		if !ok {
			return 0, false
		}
		s.wall = wall
		p.Counts.Warnings[WarnNoYear]++
	}
	if s.zoned || utc {
		return clamp(s.wall - s.offset), true
	}
	if s.oddZone {
		p.Counts.Warnings[WarnOddZone]++
	}
	if p.opt.Zone != nil {
		offset, unsure := p.zones.offset(p.opt.Zone, s.wall)
		if unsure {
			p.Counts.Warnings[WarnUnsureHour]++
		}
		return clamp(s.wall - offset), true
	}
	if offset, ok := headerZone(prefix); ok {
		return clamp(s.wall - offset), true
	}
	p.Counts.Warnings[WarnNoZone]++
	return s.wall, true
}

func clamp(ticks int64) int64 { return min(max(ticks, 0), traffic.MaxTicks) }

// withYear gives the wall time in the year that makes most sense: with --now its year, or the one before where that
// is more than 36 hours ahead; else the year that brings it nearest to a dated record.
func (p *Parser) withYear(wall int64) (int64, bool) {
	if p.opt.Now > 0 {
		year := traffic.Time(p.opt.Now).Year()
		t, ok := inYear(wall, year)
		if !ok || t > p.opt.Now+36*traffic.Hour {
			t, ok = inYear(wall, year-1)
		}
		return t, ok
	}
	ref := p.last
	if ref == 0 && p.ref != nil {
		ref = p.ref()
	}
	if ref == 0 {
		return 0, false
	}
	var best int64
	found := false
	for y := traffic.Time(ref).Year() - 1; y <= traffic.Time(ref).Year()+1; y++ {
		if t, ok := inYear(wall, y); ok && (!found || abs(t-ref) < abs(best-ref)) {
			best, found = t, true
		}
	}
	return best, found
}

// inYear moves a wall time of year 4 to another year; there may be no such day.
func inYear(wall int64, year int) (int64, bool) {
	t := traffic.Time(wall)
	day, ok := traffic.DayTicks(year, int(t.Month()), t.Day())
	return day + wall - traffic.Floor(wall, traffic.Day), ok
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// zoneCache keeps the offset of a zone for the local day of the last question, if the clock is not changed that day.
type zoneCache struct {
	day, off int64
	valid    bool
}

func (c *zoneCache) offset(loc *time.Location, wall int64) (offset int64, unsure bool) {
	day := traffic.Floor(wall, traffic.Day)
	if c.valid && c.day == day {
		return c.off, false
	}
	first, unsure1 := wallOffset(loc, day-2*traffic.Hour)
	last, unsure2 := wallOffset(loc, day+26*traffic.Hour)
	if first != last || unsure1 || unsure2 {
		return wallOffset(loc, wall)
	}
	c.day, c.off, c.valid = day, first, true
	return first, false
}

// textCache gives the code of a repeated text by its bytes as they stand in the line.
type textCache struct {
	// unescape resolves the text's escapes; nil where it has none.
	unescape func([]byte) string

	recent [64]recentText
	// odd holds the codes of texts that had to be cleaned, by their bytes; all others are found in the dictionary.
	odd map[string]uint32
}

// recentText is a text that was asked for, and its code.
type recentText struct {
	raw  []byte
	code uint32
	bad  bool // raw is not UTF-8
}

// maxOdd bounds the cleaned texts that are remembered.
const maxOdd = 4096

func (c *textCache) forget() {
	for i := range c.recent {
		c.recent[i].raw = c.recent[i].raw[:0]
	}
	clear(c.odd)
}

func (c *textCache) code(p *Parser, names *traffic.Dict, text []byte) uint32 {
	if len(text) == 0 {
		return 0
	}
	text = cutName(text)
	r := &c.recent[recentPlace(text)]
	if !bytes.Equal(text, r.raw) {
		r.code, r.bad = c.lookup(names, text)
		r.raw = append(r.raw[:0], text...)
	}
	if r.bad {
		p.Counts.Warnings[WarnEncoding]++
	}
	return r.code
}

// recentPlace gives a place among the recent texts by the last bytes, in which the names of a company differ.
func recentPlace(text []byte) uint64 {
	var tail uint64
	for _, c := range text[max(0, len(text)-8):] {
		tail = tail<<8 | uint64(c)
	}
	return tail * 0x9E3779B97F4A7C15 >> 58
}

// maxText bounds the length of a name; what is longer is no name of a device or a user.
const maxText = 1024

// cutName cuts a name that is too long, between two characters.
func cutName(text []byte) []byte {
	if len(text) <= maxText {
		return text
	}
	n := maxText
	for n > maxText-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func (c *textCache) lookup(names *traffic.Dict, text []byte) (code uint32, bad bool) {
	if isPlain(text) {
		return names.Code(text), false
	}
	bad = !utf8.Valid(text)
	if code, ok := c.odd[string(text)]; ok {
		return code, bad
	}
	s := string(text)
	if c.unescape != nil {
		s = c.unescape(text)
	}
	code = names.CodeString(toUTF8(s))
	if c.odd == nil {
		c.odd = make(map[string]uint32)
	} else if len(c.odd) >= maxOdd {
		clear(c.odd)
	}
	c.odd[string(text)] = code
	return code, bad
}

// unescapeToken is unescapeValue for a value that may be a variable which was not resolved; that is blank.
func unescapeToken(text []byte) string {
	if text[0] == '$' {
		return ""
	}
	return unescapeValue(text)
}

// unescapeUserToken is unescapeToken for users.
func unescapeUserToken(text []byte) string {
	if text[0] == '$' {
		return ""
	}
	return unescapeUser(text)
}

// isPlain reports whether a text stands for itself: ASCII without escapes or variables.
func isPlain(text []byte) bool {
	if text[0] == '$' {
		return false
	}
	for _, c := range text {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// clean makes a text valid UTF-8 and counts where it was not.
func (p *Parser) clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	p.Counts.Warnings[WarnEncoding]++
	return toUTF8(s)
}

// toUTF8 reads text that is not UTF-8 as Windows-1252, the encoding of older directories.
func toUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c < 0x80 || c >= 0xA0:
			out.WriteRune(rune(c))
		default:
			out.WriteRune(windows1252[c-0x80])
		}
	}
	return out.String()
}

// windows1252 holds the characters of 0x80 … 0x9F; the five unused ones are replaced.
var windows1252 = [32]rune{
	'€', '\uFFFD', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\uFFFD', 'Ž', '\uFFFD',
	'\uFFFD', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\uFFFD', 'ž', 'Ÿ',
}

// unwrap gives the line that stands in a JSON string, or the line itself.
func unwrap(line []byte) []byte {
	if len(line) > 0 && line[0] == '"' {
		if text, ok := jsonText(line); ok {
			return trimLine(text)
		}
	}
	return line
}

// jsonText gives the text of a line that is one JSON string, as some relays write lines.
func jsonText(line []byte) ([]byte, bool) {
	if len(line) < 2 || line[0] != '"' || line[len(line)-1] != '"' {
		return nil, false
	}
	body := line[1 : len(line)-1]
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '"':
			return nil, false
		case body[i] != '\\':
			out = append(out, body[i])
			continue
		case i+1 == len(body):
			return nil, false
		}
		switch i++; body[i] {
		case 'n', 'r':
			out = append(out, ' ')
		case 't':
			out = append(out, '\t')
		case '"', '\\', '/':
			out = append(out, body[i])
		default:
			out = append(out, '\\', body[i])
		}
	}
	// One level is resolved; a text that is quoted still is no record.
	return out, len(out) > 0 && out[0] != '"'
}
