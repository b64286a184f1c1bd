package table

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// flushAt is the size at which writers hand their buffer on: large enough to
// make system calls rare, small enough to stay in the cache.
const flushAt = 64 << 10

// WriteJSON writes one object a line, its columns in order. Numbers are
// numbers, null, NaN and the infinities are null, a Datetime is RFC 3339 in
// UTC, a Timespan is KQL's text, and a Dynamic is itself. A Decimal is a number
// with all its digits, which a reader that makes a double of every number
// rounds.
func (t *Table) WriteJSON(w io.Writer) error {
	return t.writeRows(w, nil, func(dst []byte, row int) []byte {
		return append(t.AppendJSON(dst, row), '\n')
	})
}

// writeRows writes head and then every row as add appends it, in large pieces.
func (t *Table) writeRows(w io.Writer, head []byte, add func(dst []byte, row int) []byte) error {
	buf := append(make([]byte, 0, min(flushAt+flushAt/4, len(head)+t.rows*256)), head...)
	for row := range t.rows {
		buf = add(buf, row)
		if len(buf) >= flushAt {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	if len(buf) == 0 {
		return nil
	}
	_, err := w.Write(buf)
	return err
}

// AppendJSON appends one row as a JSON object, without a line break.
func (t *Table) AppendJSON(dst []byte, row int) []byte {
	dst = append(dst, '{')
	for col := range t.cols {
		if col > 0 {
			dst = append(dst, ',')
		}
		vec := &t.vectors[col]
		dst = append(dst, vec.key...)
		if vec.null(row) {
			dst = append(dst, "null"...)
			continue
		}
		switch t.cols[col].Type {
		case Bool:
			dst = strconv.AppendBool(dst, vec.words[row] != 0)
		case Int, Long:
			dst = strconv.AppendInt(dst, vec.words[row], 10)
		case Real:
			dst = AppendReal(dst, vec.reals[row])
		case String, Guid:
			dst = AppendJSONString(dst, vec.texts[row])
		case Decimal:
			dst = appendJSONNumber(dst, vec.texts[row])
		case Datetime:
			dst = append(AppendDatetime(append(dst, '"'), vec.words[row]), '"')
		case Timespan:
			dst = append(AppendTimespan(append(dst, '"'), vec.words[row]), '"')
		case Dynamic:
			dst = append(dst, vec.texts[row]...)
		}
	}
	return append(dst, '}')
}

// appendJSONNumber appends digits that are a number of JSON as they are, and
// anything else as a string.
func appendJSONNumber(dst []byte, digits string) []byte {
	if digits != "" && (digits[0] == '-' || digits[0] >= '0' && digits[0] <= '9') && json.Valid([]byte(digits)) {
		return append(dst, digits...)
	}
	return AppendJSONString(dst, digits)
}

// AppendReal appends a number as encoding/json writes it; NaN and the
// infinities, which JSON does not have, as null.
func AppendReal(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	abs := math.Abs(v)
	if abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-09 is e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string with its quotes. Bytes that are
// not UTF-8 become U+FFFD. Control characters, and runes that a terminal would
// act on or not show, are escaped, so the line can be printed anywhere and
// still decodes to the same text. Nothing is escaped for the sake of HTML.
func AppendJSONString[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[from:i]...)
			dst = appendEscapedByte(dst, c)
			i++
			from = i
			continue
		}
		// A slice of four bytes converts without an allocation.
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, s[from:i]...), "\ufffd"...)
			from = i + size
		case !visible(r):
			dst = appendEscapedRune(append(dst, s[from:i]...), r)
			from = i + size
		}
		i += size
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscapedByte(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func appendEscapedRune(dst []byte, r rune) []byte {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendEscapedRune(appendEscapedRune(dst, high), low)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// escapeJSONText does to JSON as a whole what [AppendJSONString] does to one
// string: in valid JSON such characters stand inside strings only, where an
// escape means the same.
func escapeJSONText(text string) string {
	clean := true
	for i := 0; i < len(text) && clean; i++ {
		clean = text[i] < 0x7f
	}
	if clean {
		return text
	}
	dst := make([]byte, 0, len(text)+16)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, "\ufffd"...)
		case !visible(r):
			dst = appendEscapedRune(dst, r)
		default:
			dst = append(dst, text[i:i+size]...)
		}
		i += size
	}
	return string(dst)
}

// appendCompact appends valid JSON without the blanks between its tokens.
func appendCompact(dst []byte, text string) []byte {
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\':
			dst = append(dst, c, text[i+1])
			i++
			continue
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
