package sqlgen

import (
	"math"
	"strconv"
	"strings"
	"unicode"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Times in ticks of 100 ns.
const (
	microsecond = 10
	second      = 10_000_000
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
	// unixMicros is 1970-01-01 in microseconds since the year 1.
	unixMicros  = 62135596800000000
	maxDatetime = 3155378975999999999
)

// DuckDB gives the dialect of DuckDB 1.5.
func DuckDB() *Dialect {
	d := &Dialect{
		Name: "DuckDB", RowID: "rowid",
		Setup:   duckMacros,
		types:   duckTypes,
		literal: duckLiteral,
		pickOne: duckPickOne,
		condition: func(t term) (string, bool) {
			if t.typ == kql.TypeDynamic {
				return "kcond(" + t.sql + ")", true
			}
			return t.sql, t.typ == kql.TypeBool
		},
		funcs: duckFuncs(),
		aggs:  duckAggs(),
		missing: func(t term) string {
			return "(case when " + t.sql + " is null then 0 when isnan(" + t.sql + ") then 1 else 2 end)"
		},
		isNaN:    func(t term) string { return "isnan(" + t.sql + ")" },
		ticksOf:  func(sql string) string { return "(epoch_us(" + sql + ") + " + strconv.Itoa(unixMicros) + ") * 10" },
		jsonText: duckJSONText,
		joinTexts: func(elements, order string) string {
			if order != "" {
				order = " order by " + order
			}
			return "'[' || coalesce(string_agg(" + elements + ", ','" + order + "), '') || ']'"
		},
		counter: func(n int64, col string) string {
			return "(select range as " + col + " from range(" + strconv.FormatInt(n, 10) + "))"
		},
		elements: func(sql string, pairs bool) string {
			if pairs {
				return Pairs + "(" + sql + ")"
			}
			return Elements + "(" + sql + ")"
		},
		fromText: func(sql string, t kql.Type) string {
			switch t { //nolint:exhaustive // the others are texts in the SQL
			case kql.TypeString:
				return "coalesce(" + sql + ", '')"
			case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDateTime, kql.TypeTimespan:
				return sql + "::" + duckTypes[t]
			}
			return sql
		},
		widen: duckWiden,
		sameKey: func(a, b term) string {
			if a.nonNull && b.nonNull {
				return a.sql + " = " + b.sql
			}
			return a.sql + " is not distinct from " + b.sql
		},
		cumulate: duckCumulate,
	}
	return d
}

var duckTypes = map[kql.Type]string{
	kql.TypeBool: "BOOLEAN", kql.TypeInt: "INTEGER", kql.TypeLong: "BIGINT", kql.TypeReal: "DOUBLE",
	kql.TypeDecimal: "VARCHAR", kql.TypeDateTime: "BIGINT", kql.TypeTimespan: "BIGINT", kql.TypeString: "VARCHAR",
	kql.TypeGuid: "VARCHAR", kql.TypeDynamic: "VARCHAR", kql.TypeUnknown: "VARCHAR",
}

// mark begins strings in dynamics that stand for values that JSON does not have.
const mark = "\uFDD0"

// duckMacros are functions that the texts use. An argument is written out as often as it is named.
var duckMacros = []string{
	// A sum of 128 bits as one of 64 bits that has wrapped.
	`create or replace macro kwrap(x) as (coalesce(try_cast(x as bigint),
		(((x + 9223372036854775808) % 18446744073709551616 + 18446744073709551616) % 18446744073709551616
			- 9223372036854775808)::bigint))`,
	`create or replace macro kaddwide(a, b) as (kwrap(a::hugeint + b))`,
	`create or replace macro kadd(a, b) as (coalesce(try(a + b), kwrap(a::hugeint + b)))`,
	`create or replace macro ksubwide(a, b) as (kwrap(a::hugeint - b))`,
	`create or replace macro ksub(a, b) as (coalesce(try(a - b), kwrap(a::hugeint - b)))`,
	`create or replace macro kmulwide(a, b) as (kwrap(a::hugeint * b))`,
	`create or replace macro kmul(a, b) as (coalesce(try(a * b), kwrap(a::hugeint * b)))`,
	`create or replace macro kdiv(a, b) as (case when b = 0 then null when b = -1 then kwrap(-(a::hugeint)) else a // b end)`,
	// Whether a text is an address in the usual form. Whatever is not goes to Go.
	`create or replace macro kaddress(s) as (regexp_full_match(s,
		'(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'))`,
	// Whether a text begins as private addresses do in the usual form.
	`create or replace macro kprivateprefix(s) as (starts_with(s, '10.') or starts_with(s, '192.168.')
		or starts_with(s, '172.') and regexp_matches(s, '^172\.(?:1[6-9]|2[0-9]|3[01])\.'))`,
	`create or replace macro kprivate(s, other) as (case when kaddress(s) then kprivateprefix(s) else other end)`,
	// Whether an address is known not to be private. What begins so is private or no address.
	`create or replace macro kpublic(s, other) as (not kprivateprefix(s) and (kaddress(s) or other = false))`,
	// Two whole numbers in one, and the second taken out again: kmost puts the greater first numbers and the lesser second
	// ones above, kless those of which both are less below.
	`create or replace macro kmost(a, b) as (a::hugeint * 18446744073709551616 + (9223372036854775807::hugeint - b))`,
	`create or replace macro kmostof(k, a) as ((9223372036854775807::hugeint - (k - a::hugeint * 18446744073709551616))::bigint)`,
	`create or replace macro kless(a, b) as (a::hugeint * 18446744073709551616 + (b::hugeint + 9223372036854775808))`,
	`create or replace macro klessof(k, a) as ((k - a::hugeint * 18446744073709551616 - 9223372036854775808)::bigint)`,
	// Whether a dynamic holds true, or false.
	`create or replace macro kcond(d) as (case d when 'true' then true when 'false' then false end)`,
	// A text as JSON. Texts with the mark of other values in front get a mark too.
	`create or replace macro kjson(s) as (to_json(case when starts_with(s, '` + mark + `') then '` + mark + `s' || s else s end)::varchar)`,
	`create or replace macro kdate(x) as (case when x between 0 and 3155378975999999999 then x end)`,
}

// quote writes a text. There is no other way for a text to get into the SQL.
func quote(s string) string {
	if !strings.Contains(s, "\x00") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	parts := strings.Split(s, "\x00")
	for i := range parts {
		parts[i] = "'" + strings.ReplaceAll(parts[i], "'", "''") + "'"
	}
	return "(" + strings.Join(parts, " || chr(0) || ") + ")"
}

func duckLiteral(x *plan.Lit) string {
	switch x.Type {
	case kql.TypeBool:
		return strconv.FormatBool(x.Bool)
	case kql.TypeInt:
		return "(" + strconv.FormatInt(x.Int, 10) + ")::INTEGER"
	case kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		if x.Int == math.MinInt64 {
			return "(-9223372036854775807 - 1)"
		}
		return "(" + strconv.FormatInt(x.Int, 10) + ")::BIGINT"
	case kql.TypeReal:
		return quote(strconv.FormatFloat(x.Real, 'g', -1, 64)) + "::DOUBLE"
	case kql.TypeDecimal, kql.TypeString, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return quote(x.Str)
}

// bare writes a constant of a whole number without its type, where the other side of a comparison says it.
func bare(t term) string {
	if t.lit != nil && !t.lit.Null && t.lit.Int != math.MinInt64 && isWhole(t.typ) {
		return strconv.FormatInt(t.lit.Int, 10)
	}
	return t.sql
}

// isWhole reports whether a type is a number of 32 or 64 bits in the SQL.
func isWhole(t kql.Type) bool {
	return t == kql.TypeInt || t == kql.TypeLong || t == kql.TypeDateTime || t == kql.TypeTimespan
}

func isInteger(t kql.Type) bool { return t == kql.TypeInt || t == kql.TypeLong }

// class puts types into one class whose values SQL compares as the language does.
func class(t kql.Type) int {
	switch t {
	case kql.TypeInt, kql.TypeLong, kql.TypeReal:
		return 1
	case kql.TypeBool:
		return 2
	case kql.TypeString:
		return 3
	case kql.TypeDateTime:
		return 4
	case kql.TypeTimespan:
		return 5
	case kql.TypeGuid:
		return 6
	case kql.TypeDecimal, kql.TypeDynamic, kql.TypeUnknown:
	}
	return 0
}

// mayNaN reports whether a term may be NaN.
func mayNaN(t term) bool {
	return t.typ == kql.TypeReal && (t.lit == nil || t.lit.Null || math.IsNaN(t.lit.Real))
}

func duckWiden(t term, to kql.Type) (term, bool) {
	switch {
	case to == kql.TypeDecimal || to == kql.TypeDynamic || to == kql.TypeUnknown:
		return t, false
	case t.typ == to:
		return t, true
	case isInteger(t.typ) && (to == kql.TypeLong || to == kql.TypeReal):
		t.sql, t.typ = "("+t.sql+")::"+map[bool]string{true: "BIGINT", false: "DOUBLE"}[to == kql.TypeLong], to
		return t, true
	}
	return t, false
}

func duckCumulate(t term, out kql.Type, over string) string {
	over = " over (" + over + " rows unbounded preceding)"
	switch {
	case out == kql.TypeLong && isInteger(t.typ) || out == kql.TypeTimespan && t.typ == kql.TypeTimespan:
		return "kwrap(coalesce(sum(" + t.sql + ")" + over + ", 0))"
	case out == kql.TypeReal && t.typ == kql.TypeReal:
		return "coalesce(sum(" + t.sql + ")" + over + ", 0)"
	}
	return ""
}

// isTermChar reports whether a character belongs to the terms that has looks for.
func isTermChar(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
