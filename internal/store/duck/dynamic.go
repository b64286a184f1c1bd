//go:build cgo

package duck

import (
	"math"
	"strconv"
	"strings"

	"drumbeat/internal/eval"
	"drumbeat/kql"
)

// In DuckDB a dynamic is the text of JSON, in which there are no times, spans, guids, decimals and no NaN. These are
// strings there that begin with a mark and a letter, and so are strings that begin with the mark themselves.
const (
	mark = "\uFDD0" // a code point that no text has a use for

	markTime    = mark + "t" // ticks
	markSpan    = mark + "p" // ticks
	markGuid    = mark + "g"
	markDecimal = mark + "m"
	markReal    = mark + "r" // NaN and the infinities
	markString  = mark + "s"
)

// appendDynamic writes a dynamic as it stands in DuckDB.
func appendDynamic(dst []byte, v eval.Value) []byte {
	t := v.Tree()
	if t == nil {
		return eval.AppendJSON(dst, marked(v))
	}
	if t.IsBag() {
		dst = append(dst, '{')
	} else {
		dst = append(dst, '[')
	}
	for i, item := range t.Items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if t.IsBag() {
			dst = eval.AppendJSON(dst, eval.ToDynamic(eval.String(t.Keys[i])))
			dst = append(dst, ':')
		}
		dst = appendDynamic(dst, item)
	}
	if t.IsBag() {
		return append(dst, '}')
	}
	return append(dst, ']')
}

// marked gives the string that stands for a scalar, or the scalar.
func marked(v eval.Value) eval.Value {
	if v.IsNull() {
		return v
	}
	text := ""
	switch v.Kind() {
	case kql.TypeDateTime:
		text = markTime + strconv.FormatInt(v.Int(), 10)
	case kql.TypeTimespan:
		text = markSpan + strconv.FormatInt(v.Int(), 10)
	case kql.TypeGuid:
		text = markGuid + v.Str()
	case kql.TypeDecimal:
		text = markDecimal + v.Str()
	case kql.TypeReal:
		if f := v.Real(); math.IsNaN(f) || math.IsInf(f, 0) {
			text = markReal + strconv.FormatFloat(f, 'g', -1, 64)
		}
	case kql.TypeString:
		if strings.HasPrefix(v.Str(), mark) {
			text = markString + v.Str()
		}
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDynamic, kql.TypeUnknown:
	}
	if text == "" {
		return v
	}
	return eval.ToDynamic(eval.String(text))
}

// readDynamic reads a dynamic of DuckDB.
func readDynamic(text string) eval.Value {
	v, ok := eval.FromJSON(text)
	if !ok {
		return eval.ToDynamic(eval.String(text))
	}
	if strings.Contains(text, mark) {
		return unmarked(v)
	}
	return v
}

func unmarked(v eval.Value) eval.Value {
	t := v.Tree()
	if t == nil {
		if v.Kind() == kql.TypeString && strings.HasPrefix(v.Str(), mark) {
			return eval.ToDynamic(unmark(v.Str()))
		}
		return v
	}
	items := make([]eval.Value, len(t.Items))
	for i, item := range t.Items {
		items[i] = unmarked(item)
	}
	return eval.Dynamic(&eval.Tree{Items: items, Keys: t.Keys})
}

func unmark(s string) eval.Value {
	const width = len(markTime)
	if len(s) < width {
		return eval.String(s)
	}
	rest := s[width:]
	switch s[:width] {
	case markTime, markSpan:
		n, err := strconv.ParseInt(rest, 10, 64)
		switch {
		case err != nil:
		case s[:width] == markTime:
			return eval.Datetime(n)
		default:
			return eval.Timespan(n)
		}
	case markGuid:
		return eval.Guid(rest)
	case markDecimal:
		return eval.Decimal(rest)
	case markReal:
		if f, err := strconv.ParseFloat(rest, 64); err == nil {
			return eval.Real(f)
		}
	case markString:
		return eval.String(rest)
	}
	return eval.String(s)
}
