package logformat

import (
	"bytes"
)

// syslogHeader is what a relay put before a record. All of it is optional.
type syslogHeader struct {
	stamp []byte // the header's time, as text
	host  []byte
	ietf  bool // RFC 5424
}

// parseSyslogHeader reads the text before a record: an octet count, a priority, then the header of RFC 5424 or of
// RFC 3164. What does not fit is ignored: the record itself is what counts.
func parseSyslogHeader(prefix []byte) syslogHeader {
	p := skipOctetCount(prefix)
	p = bytes.TrimPrefix(p, []byte("\ufeff"))
	hadPriority := false
	if n := priorityLen(p); n > 0 {
		p, hadPriority = p[n:], true
	}
	if len(p) > 6 && p[0] >= '1' && p[0] <= '9' && p[1] == ' ' && (isDigits(p[2:6]) || hadPriority && string(p[2:4]) == "- ") {
		stamp, rest := nextWord(p[2:])
		host, _ := nextWord(rest)
		return syslogHeader{stamp: bytes.TrimPrefix(stamp, []byte("-")), host: host, ietf: true}
	}
	p = bytes.TrimLeft(p, " ")
	if n := rfc3164StampLen(p); n > 0 {
		host, _ := nextWord(p[n:])
		return syslogHeader{stamp: p[:n], host: bytes.TrimSuffix(host, []byte(":"))}
	}
	if len(p) > 10 && isDigits(p[:4]) {
		stamp, rest := nextWord(p)
		host, _ := nextWord(rest)
		return syslogHeader{stamp: stamp, host: host}
	}
	if hadPriority {
		host, _ := nextWord(p)
		return syslogHeader{host: host}
	}
	return syslogHeader{}
}

// skipOctetCount steps over the length that RFC 6587 puts before a message: files made from streams keep it, and it
// is not always right, so in a file it is never trusted.
func skipOctetCount(p []byte) []byte {
	n := 0
	for n < len(p) && n < 7 && p[n] >= '0' && p[n] <= '9' {
		n++
	}
	if n > 0 && n+1 < len(p) && p[n] == ' ' && p[n+1] == '<' {
		return p[n+1:]
	}
	return p
}

// priorityLen gives the length of "<PRI>", or 0.
func priorityLen(p []byte) int {
	if len(p) < 3 || p[0] != '<' {
		return 0
	}
	for i := 1; i < len(p) && i < 5; i++ {
		if p[i] == '>' && i > 1 {
			return i + 1
		}
		if p[i] < '0' || p[i] > '9' {
			return 0
		}
	}
	return 0
}

// rfc3164StampLen gives the length of a time that starts with a month's name, the year that some devices write
// included, or 0.
func rfc3164StampLen(p []byte) int {
	r := scanner{text: p}
	if _, ok := r.month(); !ok || !r.blanks() {
		return 0
	}
	if _, ok := r.number(1, 2); !ok || !r.blanks() {
		return 0
	}
	mark := r.pos
	if _, ok := r.number(4, 4); !ok || !r.blanks() {
		r.pos = mark
	}
	if r.pos+8 > len(p) {
		return 0
	}
	if _, ok := clockTicks(p[r.pos : r.pos+8]); !ok {
		return 0
	}
	r.pos += 8
	if r.accept(".") {
		r.number(1, 9)
	}
	return r.pos
}

func nextWord(p []byte) (word, rest []byte) {
	p = bytes.TrimLeft(p, " ")
	if i := bytes.IndexByte(p, ' '); i >= 0 {
		return p[:i], p[i+1:]
	}
	return p, nil
}

// headerZone gives the offset that an RFC 5424 header names; false where there is no such header.
func headerZone(prefix []byte) (offset int64, ok bool) {
	// Most headers are RFC 3164, so they are told first: by the version after the priority.
	i := bytes.IndexByte(prefix, '>')
	if len(prefix) < 20 || i < 0 && !isDigits(prefix[:1]) || i >= 0 && (i+2 >= len(prefix) || prefix[i+2] != ' ') {
		return 0, false
	}
	h := parseSyslogHeader(prefix)
	if !h.ietf || len(h.stamp) < 20 {
		return 0, false
	}
	// Only the zone is wanted, so only it is read: the text after the clock and its fraction.
	rest := h.stamp[19:]
	if rest[0] == '.' {
		_, n := fraction(rest[1:])
		rest = rest[1+n:]
	}
	if len(rest) == 0 {
		return 0, false
	}
	if rest[0] == 'Z' && len(rest) == 1 {
		return 0, true
	}
	if rest[0] != '+' && rest[0] != '-' {
		return 0, false
	}
	return numericOffset(rest)
}

// trimLine cuts what is not part of a line's text: carriage returns, blanks and NULs at its end, and a byte order
// mark at its start.
func trimLine(line []byte) []byte {
	for len(line) > 0 {
		if c := line[len(line)-1]; c != '\r' && c != '\n' && !isBlank(c) {
			break
		}
		line = line[:len(line)-1]
	}
	if len(line) >= 3 && line[0] == 0xEF && line[1] == 0xBB && line[2] == 0xBF {
		line = line[3:]
	}
	for len(line) > 0 && line[0] == 0 { // NUL padding, as rotation by copy and truncate leaves it
		line = line[1:]
	}
	return line
}
