package logformat

import (
	"bytes"

	"drumbeat/internal/traffic"
)

// maxExact is 2^53: a greater byte count is a fault of the sender, not a session.
const maxExact = 1 << 53

// parseCount reads a non-negative decimal number. It gives known=false for blank text, and bad=true for text that is
// no number in 0 … 2^53. Thousands separators and a fraction are tolerated, as some relays write them.
func parseCount(text []byte) (n int64, known, bad bool) {
	if len(text) == 0 {
		return traffic.Unknown, false, false
	}
	if len(text) <= 15 {
		var v int64
		for _, c := range text {
			d := c - '0'
			if d > 9 {
				return parseOddCount(text)
			}
			v = v*10 + int64(d)
		}
		return v, true, false
	}
	return parseOddCount(text)
}

// parseOddCount is parseCount for all that is not a short run of digits.
func parseOddCount(text []byte) (n int64, known, bad bool) {
	text = bytes.Trim(text, " \t\"")
	if len(text) == 0 || text[0] == '$' || isDash(text) {
		return traffic.Unknown, false, len(text) > 0 && text[0] == '$'
	}
	var v int64
	digits := 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			v = v*10 + int64(c-'0')
			digits++
			if v > maxExact {
				return traffic.Unknown, false, true
			}
		case c == ',' && i > 0:
		case c == '.' && digits > 0 && isDigits(text[i+1:]):
			return v, true, false
		default:
			return traffic.Unknown, false, true
		}
	}
	return v, digits > 0, digits == 0
}

func isDash(text []byte) bool { return len(text) == 1 && text[0] == '-' }

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// parsePort is parseCount for ports: numbers above 65535 are bad.
func parsePort(text []byte) (port int32, known, bad bool) {
	n, known, bad := parseCount(text)
	if n > 65535 {
		return traffic.Unknown, false, true
	}
	return int32(n), known, bad
}

// trimBlanks cuts spaces, tabs and NULs from both ends.
func trimBlanks(text []byte) []byte {
	for len(text) > 0 && isBlank(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isBlank(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == 0 }
