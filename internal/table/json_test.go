package table

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWriteJSON(t *testing.T) {
	const want = `{"Bool":true,"Int":-7,"Long":9223372036854775807,"Real":0.5,"String":"plain","Datetime":"2026-03-02T10:00:00Z","Timespan":"00:00:00","Dynamic":{"a": [1, "x"]}}
{"Bool":null,"Int":null,"Long":null,"Real":null,"String":"","Datetime":null,"Timespan":null,"Dynamic":null}
{"Bool":false,"Int":0,"Long":-9223372036854775808,"Real":1e-7,"String":"a,\"b\"\r\n\u001b[31m","Datetime":"1999-12-31T23:59:59.00012Z","Timespan":"-1.01:00:00.0000001","Dynamic":{"k":"\u202e"}}
{"Bool":false,"Int":2147483647,"Long":1,"Real":null,"String":"=1+1","Datetime":"0001-01-01T00:00:00Z","Timespan":"00:00:00.0000001","Dynamic":null}
{"Bool":false,"Int":1,"Long":2,"Real":1e+21,"String":"` + "\ufffd日本" + `","Datetime":"0001-01-01T00:00:00.0000001Z","Timespan":"-10675199.02:48:05.4775808","Dynamic":"not json"}
`
	var b strings.Builder
	if err := every().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestJSONRoundTrip reads what was written with encoding/json, and finds the
// same values.
func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tab := anyTable(rt)
		var b bytes.Buffer
		if err := tab.WriteJSON(&b); err != nil {
			rt.Fatal(err)
		}
		lines := strings.SplitAfter(b.String(), "\n")
		if len(lines) != tab.Len()+1 {
			rt.Fatalf("%d lines for %d rows", len(lines)-1, tab.Len())
		}
		for row, line := range lines[:tab.Len()] {
			checkHarmless(rt, line)
			object := map[string]json.RawMessage{}
			if err := json.Unmarshal([]byte(line), &object); err != nil {
				rt.Fatalf("%v: %s", err, line)
			}
			for col, c := range tab.Columns() {
				checkJSONValue(rt, c.Type, tab.Value(row, col), object[c.Name])
			}
		}
	})
}

func checkJSONValue(rt *rapid.T, typ Type, value any, raw json.RawMessage) {
	decode := func(dst any) {
		if err := json.Unmarshal(raw, dst); err != nil {
			rt.Fatalf("%v: %s", err, raw)
		}
	}
	if value == nil {
		if string(raw) != "null" {
			rt.Fatalf("null is %s", raw)
		}
		return
	}
	switch typ {
	case Int, Long:
		var got int64
		if decode(&got); got != value {
			rt.Fatalf("%v is %s", value, raw)
		}
	case Real:
		got := math.NaN()
		if decode(&got); got != value && !math.IsInf(value.(float64), 0) && !math.IsNaN(value.(float64)) {
			rt.Fatalf("%v is %s", value, raw)
		}
	case Bool:
		var got bool
		if decode(&got); got != value {
			rt.Fatalf("%v is %s", value, raw)
		}
	case Decimal:
		if string(raw) != value {
			rt.Fatalf("%v is %s", value, raw)
		}
	case String, Guid:
		var got string
		if decode(&got); got != string([]rune(value.(string))) { // runes, since both make U+FFFD of each wrong byte
			rt.Fatalf("%q is %s", value, raw)
		}
	case Datetime:
		var got time.Time
		if decode(&got); (got.Unix()+62_135_596_800)*ticksPerSecond+int64(got.Nanosecond()/100) != value {
			rt.Fatalf("%d is %s", value, raw)
		}
	case Dynamic:
		if string(raw) != string(value.(json.RawMessage)) {
			rt.Fatalf("%s is %s", value, raw)
		}
	case Timespan:
		var got string
		if decode(&got); parseTimespan(rt, got) != value {
			rt.Fatalf("%d is %s", value, raw)
		}
	}
}

// parseTimespan is the inverse of AppendTimespan, by sums that may overflow and
// so come out right for the least int64 too.
func parseTimespan(rt *rapid.T, s string) int64 {
	s, negative := strings.CutPrefix(s, "-")
	clock, fraction, _ := strings.Cut(s, ".")
	days := "0"
	if !strings.Contains(clock, ":") {
		days = clock
		clock, fraction, _ = strings.Cut(fraction, ".")
	}
	number := func(s string) int64 {
		n := int64(0)
		for _, r := range s {
			if r < '0' || r > '9' {
				rt.Fatalf("%q is no number", s)
			}
			n = n*10 + int64(r-'0')
		}
		return n
	}
	parts := strings.Split(clock, ":")
	total := number(days)
	for i, unit := range []int64{24, 60, 60} {
		total = total*unit + number(parts[i])
	}
	total = total*ticksPerSecond + number(fraction)
	if negative {
		return -total
	}
	return total
}

// checkHarmless fails where text could do something to a terminal.
func checkHarmless(rt *rapid.T, s string) {
	for i, r := range s {
		if r != '\n' && (!visible(r) || r == utf8.RuneError && s[i] == 0xff) {
			rt.Fatalf("rune %U in %q", r, s)
		}
	}
}

func TestAppendDatetime(t *testing.T) {
	for _, tick := range []int64{0, ticks(1600, 2, 29, 0, 0, 0, 0), ticks(1900, 3, 1, 0, 0, 0, 0), ticks(2000, 2, 29, 12, 0, 0, 5), ticks(9999, 12, 31, 23, 59, 59, 9_999_999)} {
		checkDatetime(t, tick)
	}
	rapid.Check(t, func(rt *rapid.T) {
		checkDatetime(rt, rapid.Int64Range(0, ticks(9999, 12, 31, 23, 59, 59, 9_999_999)).Draw(rt, "ticks"))
	})
	if got := string(AppendDatetime(nil, -1)); got != "0000-12-31T23:59:59.9999999Z" {
		t.Error(got)
	}
	for days := range int64(3_652_059) { // all days of KQL's calendar
		year, month, day := civil(days)
		if days%97 == 0 {
			if y, m, d := time.Unix((days-719_162)*secondsPerDay, 0).UTC().Date(); int64(y) != year || int64(m) != month || int64(d) != day {
				t.Fatalf("day %d is %d-%d-%d, want %d-%d-%d", days, year, month, day, y, m, d)
			}
		}
	}
}

func checkDatetime(t interface{ Errorf(string, ...any) }, tick int64) {
	at := time.Unix(tick/ticksPerSecond-62_135_596_800, tick%ticksPerSecond*100).UTC()
	want := at.Format("2006-01-02T15:04:05.9999999Z07:00")
	if got := string(AppendDatetime(nil, tick)); got != want {
		t.Errorf("%d ticks: %s, want %s", tick, got, want)
	}
}

func TestAppendReal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.Float64().Draw(rt, "v")
		want, err := json.Marshal(v)
		if err != nil {
			want = []byte("null")
		}
		if got := AppendReal(nil, v); !bytes.Equal(got, want) {
			rt.Fatalf("%v: %s, want %s", v, got, want)
		}
	})
}

// FuzzAppendJSONString compares with encoding/json by decoding, for both kinds
// of text.
func FuzzAppendJSONString(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendJSONString([]byte("x"), s)
		if other := AppendJSONString([]byte("x"), []byte(s)); !bytes.Equal(got, other) {
			t.Fatalf("string %s, bytes %s", got, other)
		}
		var back string
		if err := json.Unmarshal(got[1:], &back); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		if back != string([]rune(s)) {
			t.Fatalf("%q comes back as %q", s, back)
		}
		if !utf8.Valid(got) || !printable(string(got)) {
			t.Fatalf("not safe to print: %q", got)
		}
		if normal := normalJSON(got[1:]); normal != string(got[1:]) {
			t.Fatalf("as JSON %s, as a Dynamic %s", got[1:], normal)
		}
	})
}

// FuzzNormalJSON checks that a Dynamic keeps its value.
func FuzzNormalJSON(f *testing.F) {
	for _, s := range append(hostile, `{"a": [1,2 , "x y"], "b":null}`, "[\n1,\t\"\\\"\"]", " 1 ", "\"\x7f\"", "\n") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := normalJSON(json.RawMessage(s))
		if got == "" {
			if trimmed := strings.TrimSpace(s); s != "" && trimmed != "null" {
				t.Fatalf("%q became null", s)
			}
			return
		}
		if !printable(got) {
			t.Fatalf("not safe to print: %q", got)
		}
		// Numbers are compared as they are written: they may pass those of Go.
		read := func(text string, v any) error {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			return d.Decode(v)
		}
		var back, want any
		if err := read(got, &back); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		if !json.Valid([]byte(s)) || read(s, &want) != nil {
			want = string([]rune(s))
		}
		a, _ := json.Marshal(back)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Fatalf("%q became %s", s, got)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	tab := New(Column{"TimeGenerated", Datetime}, Column{"SourceIP", String}, Column{"DestinationIP", String},
		Column{"DestinationPort", Int}, Column{"SentBytes", Long}, Column{"DeviceName", String})
	tab.Append(ticks(2026, 3, 2, 10, 0, 0, 1234), "10.1.2.3", "203.0.113.77", 443, 123_456, "fw-münchen-01")
	buf := tab.AppendJSON(nil, 0)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = tab.AppendJSON(buf[:0], 0)
	}
}
