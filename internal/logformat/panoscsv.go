package logformat

import (
	"bytes"
)

// The fields of a TRAFFIC record in PAN-OS's native format that drumbeat reads, counted from 0. New versions of
// PAN-OS only append.
const (
	csvReceived = 1
	csvType     = 3
	csvSubtype  = 4
	csvTime     = 6
	csvSrc      = 7
	csvDst      = 8
	csvDstPort  = 25
	csvSent     = 32
	csvReceivd  = 33
	csvStart    = 35
	csvDevice   = 52
	csvHighRes  = 102

	csvMinFields = 34
	// csvFullFields is the number of fields that the oldest PAN-OS writes; a record with fewer was cut.
	csvFullFields = 46
	csvMaxFields  = 256
)

// csvWant names the slot of each field that a row needs.
func csvWant(field int) want {
	switch field {
	case csvReceived:
		return wantReceipt
	case csvTime:
		return wantStart
	case csvSrc:
		return wantSrc
	case csvDst:
		return wantDst
	case csvDstPort:
		return wantDstPort
	case csvSent:
		return wantIn
	case csvReceivd:
		return wantOut
	case csvDevice:
		return wantDevice
	case csvHighRes:
		return wantHighRes
	}
	return noWant
}

// csvFields is a native record cut into fields.
type csvFields struct {
	// prefix is the length of what stands before the record.
	prefix int
	// shifted says that the leading field is missing; field numbers count as if it were there.
	shifted bool
	// fields holds the fields' places in the line, without their quotes.
	fields []span
}

// span is a place in a line: from, to. An absent value has from < 0.
type span struct{ from, to int32 }

// splitCSV cuts a line into the fields of a native record. It gives false where the line does not look like one.
func splitCSV(line []byte, c *csvFields) bool {
	c.fields, c.prefix, c.shifted = c.fields[:0], 0, false
	head, _, found := bytes.Cut(line, []byte(","))
	if !found {
		return false
	}
	c.prefix = csvPrefix(head)
	c.fields = splitFields(line, c.prefix, c.fields)
	switch {
	case c.isTraffic(line, csvType-1) && !c.isTraffic(line, csvType):
		// The leading field is missing: the first field is the receive time, and the prefix must not hold half of it.
		c.shifted = true
		c.prefix = csvPrefixBeforeTime(head)
		c.fields = append(c.fields[:0], span{int32(c.prefix), int32(c.prefix)})
		c.fields = splitFields(line, c.prefix, c.fields)
	case len(c.fields) > csvType && looksLikeDate(c.text(line, csvReceived)):
	case len(c.fields) > csvType && otherOf(string(c.text(line, csvType-1))) != OtherPanos:
		// A record of another type without its leading field.
		c.shifted = true
		c.fields = append(c.fields, span{})
		copy(c.fields[1:], c.fields)
	default:
		return len(c.fields) > 4 && bytes.Contains(line, []byte(",TRAFFIC,"))
	}
	return true
}

func (c *csvFields) text(line []byte, i int) []byte {
	if i >= len(c.fields) {
		return nil
	}
	return line[c.fields[i].from:c.fields[i].to]
}

// isTraffic reports whether a field holds the type that is wanted.
func (c *csvFields) isTraffic(line []byte, i int) bool { return string(c.text(line, i)) == "TRAFFIC" }

// csvPrefix gives the length of the syslog header before a record, given the text up to its first comma: all but
// the last word, which is the leading field.
func csvPrefix(head []byte) int { return bytes.LastIndexByte(head, ' ') + 1 }

// csvPrefixBeforeTime is csvPrefix for a record that begins with its receive time, a date and a clock.
func csvPrefixBeforeTime(head []byte) int {
	clock := bytes.LastIndexByte(head, ' ')
	if clock < 0 {
		return 0
	}
	date := bytes.LastIndexByte(head[:clock], ' ') + 1
	if looksLikeDate(head[date:]) {
		return date
	}
	return clock + 1
}

// looksLikeDate reports whether a text begins like a date: digits, then a separator.
func looksLikeDate(p []byte) bool {
	n := 0
	for n < len(p) && p[n] >= '0' && p[n] <= '9' {
		n++
	}
	return n > 0 && n <= 4 && n+1 < len(p) && (p[n] == '/' || p[n] == '-')
}

// splitFields cuts the text from a place on at commas. A field that begins with a quote, plain or with a backslash
// before it as relays leave it, reaches to the closing one; a field that begins with a brace reaches to the closing
// brace, since link_switches holds commas in braces. A quote or brace that is not closed is plain text.
func splitFields(line []byte, from int, fields []span) []span {
	for len(fields) < csvMaxFields {
		to, next := fieldEnd(line, from)
		f := span{int32(from), int32(to)}
		if q := quoteLen(line[from:to]); q > 0 {
			f.from += int32(q)
			f.to -= int32(q)
		}
		fields = append(fields, f)
		if next < 0 {
			break
		}
		from = next
	}
	return fields
}

// fieldEnd gives where the field at from ends and where the next begins, or -1 where it is the last.
func fieldEnd(line []byte, from int) (to, next int) {
	rest := line[from:]
	var end int
	switch {
	case len(rest) > 0 && rest[0] == '"':
		end = closing(rest, 1, `"`)
	case len(rest) > 1 && rest[0] == '\\' && rest[1] == '"':
		end = closing(rest, 2, `\"`)
	case len(rest) > 0 && rest[0] == '{':
		end = closing(rest, 1, "}")
	}
	if end == 0 {
		end = bytes.IndexByte(rest, ',')
		if end < 0 {
			return len(line), -1
		}
	}
	if from+end >= len(line) {
		return len(line), -1
	}
	return from + end, from + end + 1
}

// closing finds the mark that closes a field, one that a comma or the line's end follows, and gives the offset after
// it, or 0.
func closing(p []byte, at int, mark string) int {
	for at < len(p) {
		i := bytes.Index(p[at:], []byte(mark))
		if i < 0 {
			return 0
		}
		at += i + len(mark)
		if at == len(p) || p[at] == ',' {
			return at
		}
		if mark == `"` && p[at] == '"' {
			at++
		}
	}
	return 0
}

// quoteLen gives the length of the quotes round a field, or 0.
func quoteLen(f []byte) int {
	switch {
	case len(f) >= 2 && f[0] == '"' && f[len(f)-1] == '"':
		return 1
	case len(f) >= 4 && f[0] == '\\' && f[1] == '"' && f[len(f)-2] == '\\' && f[len(f)-1] == '"':
		return 2
	}
	return 0
}

// unquote resolves doubled quotes and quotes with a backslash inside a field.
func unquote(f []byte) []byte {
	if bytes.IndexByte(f, '"') < 0 {
		return f
	}
	f = bytes.ReplaceAll(f, []byte(`\"`), []byte(`"`))
	return bytes.ReplaceAll(f, []byte(`""`), []byte(`"`))
}
