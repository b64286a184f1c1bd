package plan

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"drumbeat/kql"
)

func lower(s string) string { return strings.ToLower(s) }

// jsonText writes the value of a dynamic as compact JSON.
func jsonText(x kql.Expr) string {
	var text strings.Builder
	writeJSON(&text, x)
	return text.String()
}

func writeJSON(w *strings.Builder, x kql.Expr) {
	switch x := x.(type) {
	case *kql.Dynamic:
		writeJSON(w, x.Value)
	case *kql.Array:
		w.WriteByte('[')
		for i, e := range x.Elems {
			if i > 0 {
				w.WriteByte(',')
			}
			writeJSON(w, e)
		}
		w.WriteByte(']')
	case *kql.Bag:
		w.WriteByte('{')
		for i, e := range x.Entries {
			if i > 0 {
				w.WriteByte(',')
			}
			writeString(w, e.Key)
			w.WriteByte(':')
			writeJSON(w, e.Value)
		}
		w.WriteByte('}')
	case *kql.Literal:
		writeJSONLiteral(w, x)
	case *kql.Name, *kql.Path, *kql.Element, *kql.Star, *kql.Wildcard, *kql.Call, *kql.Unary, *kql.Binary, *kql.Between, *kql.In,
		*kql.Paren, *kql.Named, *kql.Pipe, *kql.DataTable, *kql.ExternalData, *kql.Lambda, *kql.TypeOf, *kql.BadExpr:
		w.WriteString("null")
	}
}

func writeJSONLiteral(w *strings.Builder, x *kql.Literal) {
	if x.Null {
		w.WriteString("null")
		return
	}
	switch x.Type {
	case kql.TypeBool:
		w.WriteString(strconv.FormatBool(x.Bool))
	case kql.TypeInt, kql.TypeLong:
		w.WriteString(strconv.FormatInt(x.Int, 10))
	case kql.TypeReal:
		if math.IsNaN(x.Real) || math.IsInf(x.Real, 0) {
			writeString(w, realText(x.Real))
			return
		}
		w.WriteString(realText(x.Real))
	case kql.TypeDecimal:
		w.WriteString(x.Str)
	case kql.TypeDateTime:
		writeString(w, dateText(x.Int))
	case kql.TypeTimespan:
		writeString(w, spanText(x.Int))
	case kql.TypeString, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
		writeString(w, x.Str)
	}
}

func writeString(w *strings.Builder, s string) {
	var line strings.Builder
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil {
		w.WriteString(strings.TrimSuffix(line.String(), "\n"))
	}
}
