//go:build cgo

package duck

import (
	"database/sql/driver"
	"math"
	"strings"

	"drumbeat/internal/eval"
	"drumbeat/kql"
)

// fromDuck makes a value of what the driver gives for a column of a type. Times and spans are ticks there, dynamics the
// text of JSON, guids and decimals texts.
func fromDuck(t kql.Type, v driver.Value) eval.Value {
	switch v := v.(type) {
	case bool:
		return eval.Bool(v)
	case int32:
		return eval.Int(v)
	case int64:
		switch t { //nolint:exhaustive // the others are longs
		case kql.TypeDateTime:
			return eval.Datetime(v)
		case kql.TypeTimespan:
			return eval.Timespan(v)
		}
		return eval.Long(v)
	case float64:
		if math.IsNaN(v) { // there are many, and hash() tells them apart
			v = math.NaN()
		}
		return eval.Real(v)
	case string:
		return fromText(t, v)
	}
	return eval.Null(t)
}

func fromText(t kql.Type, s string) eval.Value {
	switch t { //nolint:exhaustive // the others are strings
	case kql.TypeGuid:
		return eval.Guid(s)
	case kql.TypeDecimal:
		return eval.Decimal(s)
	case kql.TypeDynamic, kql.TypeUnknown:
		return readDynamic(s)
	}
	return eval.String(s)
}

// toDuck is the way back.
func toDuck(t kql.Type, v eval.Value) driver.Value {
	if t != kql.TypeDynamic {
		v = v.Inner()
	}
	if v.Type() != t && t != kql.TypeUnknown {
		v = eval.Convert(v, t)
	}
	if v.IsNull() {
		return nil
	}
	switch t {
	case kql.TypeBool:
		return v.Bool()
	case kql.TypeInt:
		return int32(v.Int())
	case kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		return v.Int()
	case kql.TypeReal:
		return v.Real()
	case kql.TypeString, kql.TypeGuid, kql.TypeDecimal:
		return validText(v.Str())
	case kql.TypeDynamic, kql.TypeUnknown:
	}
	return validText(string(appendDynamic(nil, v)))
}

// validText replaces what is not UTF-8, which DuckDB does not take.
func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
