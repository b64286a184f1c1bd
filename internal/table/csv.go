package table

import (
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteCSV writes RFC 4180: a header, then the rows, lines ending in CRLF. Null
// is the empty cell, and a Dynamic that is a text stands without the quotes of
// JSON. A text that a spreadsheet would run as a formula gets an
// apostrophe in front, and control characters are made visible as by
// [Printable], so a cell never spans lines.
func (t *Table) WriteCSV(w io.Writer) error {
	var head []byte
	for i, c := range t.cols {
		if i > 0 {
			head = append(head, ',')
		}
		head = appendCSVText(head, c.Name)
	}
	return t.writeRows(w, append(head, '\r', '\n'), func(dst []byte, row int) []byte {
		for col := range t.cols {
			if col > 0 {
				dst = append(dst, ',')
			}
			dst = t.appendCSVCell(dst, row, col)
		}
		if len(t.cols) == 1 && (len(dst) == 0 || dst[len(dst)-1] == '\n') {
			dst = append(dst, '"', '"') // readers skip an empty line
		}
		return append(dst, '\r', '\n')
	})
}

func (t *Table) appendCSVCell(dst []byte, row, col int) []byte {
	vec := &t.vectors[col]
	if vec.null(row) {
		return dst
	}
	switch t.cols[col].Type {
	case Bool:
		return strconv.AppendBool(dst, vec.words[row] != 0)
	case Int, Long:
		return strconv.AppendInt(dst, vec.words[row], 10)
	case Real:
		return appendPlainReal(dst, vec.reals[row])
	case String, Guid:
		return appendCSVText(dst, vec.texts[row])
	case Datetime:
		return AppendDatetime(dst, vec.words[row])
	case Timespan:
		return AppendTimespan(dst, vec.words[row])
	case Decimal:
		return appendCSVQuoted(dst, Printable(vec.texts[row]))
	case Dynamic:
		if text := vec.texts[row]; !strings.HasPrefix(text, `"`) {
			return appendCSVQuoted(dst, text)
		}
		return appendCSVText(dst, plainDynamic(vec.texts[row]))
	}
	return dst
}

// appendPlainReal is AppendReal with names for what is no number.
func appendPlainReal(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	return AppendReal(dst, v)
}

func appendCSVText(dst []byte, s string) []byte {
	text := Printable(s)
	if runsInSpreadsheet(s) {
		text = "'" + text
	}
	return appendCSVQuoted(dst, text)
}

// runsInSpreadsheet reports whether a spreadsheet may take a cell that begins
// like s for a formula; the wide forms are those that Excel accepts in an East
// Asian locale. See OWASP, "CSV Injection".
func runsInSpreadsheet(s string) bool {
	if s == "" {
		return false
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return true
	}
	for _, first := range []string{"＝", "＋", "－", "＠"} {
		if strings.HasPrefix(s, first) {
			return true
		}
	}
	return false
}

func appendCSVQuoted(dst []byte, s string) []byte {
	if s == "" || !strings.ContainsAny(s, "\",;\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
