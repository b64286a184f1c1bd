package logformat

import (
	"bytes"

	"drumbeat/internal/traffic"
)

// timeCache reads stamps that mostly share their date and zone with the one before. It keeps the text before the
// clock and the text after it; a stamp with the same two needs only its clock read. It gives what parseStamp gives.
type timeCache struct {
	names *zoneNames // nil: none are kept

	prefix, zone []byte
	valid        bool
	base         int64 // wall ticks of the date at midnight
	s            stamp // the zone's part; wall is not used
}

func (c *timeCache) parse(text []byte) (stamp, bool) {
	n := len(c.prefix)
	if c.valid && len(text) >= n+8 && len(text) <= maxStamp && bytes.Equal(text[:n], c.prefix) {
		if ticks, ok := clockTicks(text[n : n+8]); ok {
			rest := text[n+8:]
			if len(rest) > 1 && rest[0] == '.' {
				frac, used := fraction(rest[1:])
				if used > 0 {
					ticks += frac
					rest = rest[1+used:]
				}
			}
			if bytes.Equal(rest, c.zone) {
				s := c.s
				s.wall = c.base + ticks
				return s, true
			}
		}
	}
	return c.parseSlow(text)
}

func (c *timeCache) parseSlow(text []byte) (stamp, bool) {
	s, ok := c.names.parseStamp(text)
	c.valid = false
	if !ok {
		return s, false
	}
	c.learn(text, s)
	return s, true
}

// learn keeps the frame of a stamp: the text up to a clock of the form hh:mm:ss, and the text after its fraction.
// Named zones whose offset depends on the date are not kept, nor are stamps near the ends of time, so that no check
// that parseStamp makes is lost.
func (c *timeCache) learn(text []byte, s stamp) {
	at := clockAt(text)
	if at < 0 || s.wall < traffic.Day*2 || s.wall > traffic.MaxTicks-2*traffic.Day {
		return
	}
	rest := text[at+8:]
	if len(rest) > 1 && rest[0] == '.' {
		if _, used := fraction(rest[1:]); used > 0 {
			rest = rest[1+used:]
		}
	}
	if bytes.IndexByte(rest, '/') >= 0 {
		return
	}
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',' || rest[0] >= '0' && rest[0] <= '9') {
		return
	}
	c.prefix = append(c.prefix[:0], text[:at]...)
	c.zone = append(c.zone[:0], rest...)
	c.base = traffic.Floor(s.wall, traffic.Day)
	c.s = s
	c.valid = true
}

// clockAt finds "hh:mm:ss" in a stamp, or -1.
func clockAt(text []byte) int {
	for i := 2; i+6 <= len(text); i++ {
		if text[i] == ':' && text[i+3] == ':' {
			if _, ok := clockTicks(text[i-2 : i+6]); ok {
				return i - 2
			}
			return -1
		}
	}
	return -1
}

// clockTicks reads exactly "hh:mm:ss".
func clockTicks(t []byte) (int64, bool) {
	_ = t[7]
	h1, h2 := t[0]-'0', t[1]-'0'
	m1, m2 := t[3]-'0', t[4]-'0'
	s1, s2 := t[6]-'0', t[7]-'0'
	if h1 > 9 || h2 > 9 || m1 > 5 || m2 > 9 || s1 > 5 || s2 > 9 || t[2] != ':' || t[5] != ':' {
		return 0, false
	}
	h := int64(h1)*10 + int64(h2)
	if h > 23 {
		return 0, false
	}
	return ((h*60+int64(m1)*10+int64(m2))*60 + int64(s1)*10 + int64(s2)) * traffic.Second, true
}
