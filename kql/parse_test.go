package kql

import (
	"reflect"
	"strings"
	"testing"
)

// checkSpans holds that each node lies within the text and within its parent.
func checkSpans(t *testing.T, q *Query, size int) {
	var walk func(v reflect.Value, within Span)
	walk = func(v reflect.Value, within Span) {
		switch v.Kind() { //nolint:exhaustive // a tree has no others
		case reflect.Interface, reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), within)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), within)
			}
		case reflect.Struct:
			if n, ok := reflect.TypeAssert[Node](v.Addr()); ok {
				at := n.Range()
				if at.From < within.From || at.To > within.To || at.To < at.From {
					t.Fatalf("%s at %v is not within %v", v.Type().Name(), at, within)
				}
				within = at
			}
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() && v.Type().Field(i).Type != reflect.TypeFor[Span]() {
					walk(v.Field(i), within)
				}
			}
		default:
		}
	}
	walk(reflect.ValueOf(q), Span{0, size})
}

func TestLiteralValues(t *testing.T) {
	const day = ticksPerDay
	for src, want := range map[string]Literal{
		"42":                                    {Type: TypeLong, Int: 42},
		"0x10":                                  {Type: TypeLong, Int: 16},
		"int(-2147483648)":                      {Type: TypeInt, Int: -2147483648},
		"int(2147483648)":                       {Type: TypeInt, Null: true},
		"-9223372036854775808":                  {Type: TypeLong, Int: -9223372036854775808},
		"9223372036854775808":                   {Type: TypeLong, Null: true},
		"1.5e3":                                 {Type: TypeReal, Real: 1500},
		"decimal(1.50)":                         {Type: TypeDecimal, Str: "1.50"},
		"true":                                  {Type: TypeBool, Bool: true},
		"bool(0)":                               {Type: TypeBool},
		"long(null)":                            {Type: TypeLong, Null: true},
		"int()":                                 {Type: TypeInt, Null: true},
		"1d":                                    {Type: TypeTimespan, Int: day},
		"1.5h":                                  {Type: TypeTimespan, Int: 90 * ticksPerMinute},
		"0.1ms":                                 {Type: TypeTimespan, Int: 1000},
		"3tick":                                 {Type: TypeTimespan, Int: 3},
		"250nano":                               {Type: TypeTimespan, Int: 2},
		"time(2)":                               {Type: TypeTimespan, Int: 2 * day},
		"time(0.12:34:56.7)":                    {Type: TypeTimespan, Int: 12*ticksPerHour + 34*ticksPerMinute + 567*ticksPerSecond/10},
		"timespan(15 seconds)":                  {Type: TypeTimespan, Int: 15 * ticksPerSecond},
		"timespan(-1.00:00:00)":                 {Type: TypeTimespan, Int: -day},
		"10675200d":                             {Type: TypeTimespan, Null: true},
		"datetime(0001-01-01)":                  {Type: TypeDateTime},
		"datetime(0001-01-02)":                  {Type: TypeDateTime, Int: day},
		"datetime(1970-01-01)":                  {Type: TypeDateTime, Int: unixEpochTicks},
		"datetime(9999-12-31 23:59:59.9999999)": {Type: TypeDateTime, Int: maxDateTicks},
		"datetime(1970-01-01T01:00:00+01:00)":   {Type: TypeDateTime, Int: unixEpochTicks},
		"datetime(1970-01-01 00:00:00.1234567)": {Type: TypeDateTime, Int: unixEpochTicks + 1234567},
		"datetime(2023-02-29)":                  {Type: TypeDateTime, Null: true},
		"datetime(1/1/1970 1:00 AM)":            {Type: TypeDateTime, Int: unixEpochTicks + ticksPerHour},
		"guid({74BE27DE-1E4E-49D9-B579-FE0B331D3642})": {Type: TypeGuid, Str: "74be27de-1e4e-49d9-b579-fe0b331d3642"},
		`"a\tb\x41\u0042\103\\"`:                       {Type: TypeString, Str: "a\tbABC\\"},
		`@"c:\""x"`:                                    {Type: TypeString, Str: `c:\"x`, Form: StringVerbatim},
		"```a\n\"'\\```":                               {Type: TypeString, Str: "a\n\"'\\", Form: StringMultiline},
		"h'x'":                                         {Type: TypeString, Str: "x", Hidden: true},
		`"a" 'b'` + "\n//c\n" + `@"d"`:                 {Type: TypeString, Str: "abd"},
		`"\ud83d\ude00"`:                               {Type: TypeString, Str: "😀"},
		`"\ud83d"`:                                     {Type: TypeString, Str: "\uFFFD"},
	} {
		q, _ := Parse("print " + src)
		lit, ok := q.Statements[0].(*ExprStatement).X.(*Pipe).Ops[0].(*Print).Cols[0].(*Literal)
		if !ok {
			t.Errorf("%s is no literal", src)
			continue
		}
		got := *lit
		got.Span, got.Written = Span{}, ""
		if got != want {
			t.Errorf("%s is %+v, should be %+v", src, got, want)
		}
	}
}

// TestWrittenAnew: trees that were not parsed are written in the usual forms, which mean the same.
func TestWrittenAnew(t *testing.T) {
	for _, src := range goldenQueries(t) {
		q, diags := Parse(src)
		if diags.HasErrors() {
			continue
		}
		forget(reflect.ValueOf(q))
		text := Format(q)
		again, diags := Parse(text)
		if diags.HasErrors() {
			t.Errorf("%s\nbecame\n%s\n%s", src, text, diags.Draw(text, ""))
			continue
		}
		forget(reflect.ValueOf(again))
		if before, after := dump(q), dump(again); before != after {
			t.Errorf("%s\nbecame\n%s", src, text)
		}
	}
}

// forget removes how literals were written.
func forget(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // a tree has no others
	case reflect.Interface, reflect.Pointer:
		if lit, ok := reflect.TypeAssert[*Literal](v); ok && lit != nil {
			lit.Written = ""
		} else if !v.IsNil() {
			forget(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				forget(v.Field(i))
			}
		}
	default:
	}
}

func TestPositions(t *testing.T) {
	src := "a\r\nbé日c\rd\n"
	for offset, want := range map[int]Position{
		-1: {1, 1}, 0: {1, 1}, 3: {2, 1}, 4: {2, 2}, 6: {2, 3}, 9: {2, 4}, 11: {3, 1}, 13: {4, 1}, 99: {4, 1},
	} {
		if got := PositionOf(src, offset); got != want {
			t.Errorf("%d is at %v, should be at %v", offset, got, want)
		}
		if got := newLineTable(src).position(offset); got != want {
			t.Errorf("%d is at %v in the table, should be at %v", offset, got, want)
		}
	}
}

// TestOperatorsAreRead: each word has its reader, and a name that Format writes.
func TestOperatorsAreRead(t *testing.T) {
	for word := range operators {
		if (&parser{}).reader(word) == nil {
			t.Errorf("%s is not read", word)
		}
		if _, ok := words[word]; !ok {
			t.Errorf("%s is no word", word)
		}
	}
}

func TestStopsEarly(t *testing.T) {
	_, diags := Parse("print " + strings.Repeat("(", 10_000))
	if len(diags) != 1 || diags[0].Code != CodeTooDeep {
		t.Errorf("%v", diags)
	}
	_, diags = Parse(strings.Repeat("| ¿\n", 10_000))
	if len(diags) != maxDiagnostics {
		t.Errorf("%d diagnostics", len(diags))
	}
}
