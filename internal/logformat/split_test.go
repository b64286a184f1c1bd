package logformat

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// keyPattern is a key of an extension, by the words of the specification.
var keyPattern = regexp.MustCompile(`(?:^| )([A-Za-z0-9_.\-\[\]:]+)=`)

// splitByPattern is splitExtension by a regular expression.
func splitByPattern(ext []byte) (pairs []pair) {
	free := false
	for at := 0; ; {
		// The character before a key may be the last of what was matched before, so the search begins there.
		m := keyPattern.FindSubmatchIndex(ext[at:])
		if m == nil {
			break
		}
		from, to := at+m[2], at+m[3]
		if at > 0 && m[0] == m[2] && ext[from-1] != ' ' {
			at++ // "^" matched where the search began, not where the text does
			continue
		}
		at = to
		key := ext[from:to]
		if free && !isKnownKey(key) {
			continue
		}
		if n := len(pairs); n > 0 {
			pairs[n-1].valTo = pairs[n-1].valFrom + len(bytes.TrimRight(ext[pairs[n-1].valFrom:from], " \t\x00"))
		}
		pairs = append(pairs, pair{keyFrom: from, keyTo: to, valFrom: to + 1})
		free = isFreeText(key)
	}
	if n := len(pairs); n > 0 {
		pairs[n-1].valTo = pairs[n-1].valFrom + len(bytes.TrimRight(ext[pairs[n-1].valFrom:], " \t\x00"))
	}
	return pairs
}

func checkExtension(t failer, ext []byte) {
	t.Helper()
	got, want := splitExtension(ext, nil), splitByPattern(ext)
	if len(got) != len(want) {
		t.Fatalf("%q: %d pairs, want %d", ext, len(got), len(want))
	}
	end := 0
	for i, p := range got {
		if p != want[i] {
			t.Fatalf("%q: pair %d is %+v, want %+v", ext, i, p, want[i])
		}
		if p.keyFrom < end || p.keyTo <= p.keyFrom || p.valFrom != p.keyTo+1 || p.valTo < p.valFrom || ext[p.keyTo] != '=' {
			t.Fatalf("%q: pair %d is %+v", ext, i, p)
		}
		if between := ext[end:p.keyFrom]; i > 0 && len(bytes.Trim(between, " \t\x00")) > 0 {
			t.Fatalf("%q: %q belongs to no pair", ext, between)
		}
		end = p.valTo
	}
}

// FuzzCEF splits any bytes as an extension.
func FuzzCEF(f *testing.F) {
	for _, line := range seedLines() {
		if start := cefStart(line); start >= 0 {
			f.Add(line[start+cefHeaderLen(line[start:]):])
		}
	}
	f.Add([]byte("a=b\tc=d  e= f=\\= g\\=h i==j k"))
	f.Fuzz(func(t *testing.T, ext []byte) { checkExtension(t, ext) })
}

// TestExtensionRoundTrip prints pairs as CEF and finds them again.
func TestExtensionRoundTrip(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, "=", `\=`, "\n", `\n`, "\r", `\r`)
	rapid.Check(t, func(rt *rapid.T) {
		type kv struct{ key, value string }
		var want []kv
		var ext []byte
		for range rapid.IntRange(0, 12).Draw(rt, "pairs") {
			p := kv{
				rapid.SampledFrom([]string{"src", "dst", "cs1", "msg", "PanX", "ad.x", "in", "x-y_z[0]", "a:b", "reason"}).Draw(rt, "key"),
				strings.Trim(rapid.StringOf(rapid.SampledFrom([]rune(`ab=\|nr<"é 	`+"\n\r\x00"))).Draw(rt, "value"), " \t\x00"),
			}
			if len(want) > 0 && isFreeText([]byte(want[len(want)-1].key)) && !isKnownKey([]byte(p.key)) {
				continue // this would be text of the value before
			}
			want = append(want, p)
			ext = append(ext, " "+p.key+"="+escape.Replace(p.value)...)
		}
		ext = bytes.TrimPrefix(ext, []byte(" "))
		checkExtension(rt, ext)
		got := splitExtension(ext, nil)
		if len(got) != len(want) {
			rt.Fatalf("%q: %d pairs, want %d", ext, len(got), len(want))
		}
		for i, p := range got {
			key, value := string(ext[p.keyFrom:p.keyTo]), unescapeValue(ext[p.valFrom:p.valTo])
			if key != want[i].key || value != want[i].value {
				rt.Fatalf("%q: %q=%q, want %q=%q", ext, key, value, want[i].key, want[i].value)
			}
		}
	})
}

// checkFields checks a split into fields against plain splitting and against encoding/csv, where these read the text
// as well.
func checkFields(t failer, text []byte) {
	t.Helper()
	fields := splitFields(text, 0, nil)
	end := int32(-1)
	for i, f := range fields {
		if f.from <= end || f.to < f.from || int(f.to) > len(text) {
			t.Fatalf("%q: field %d is %+v after %d", text, i, f, end)
		}
		end = f.to
	}
	check := func(what string, want []string) {
		t.Helper()
		if len(want) > csvMaxFields {
			return
		}
		if len(fields) != len(want) {
			t.Fatalf("%q: %d fields, %s has %d", text, len(fields), what, len(want))
		}
		for i, f := range fields {
			if got := string(unquote(text[f.from:f.to])); got != want[i] {
				t.Fatalf("%q: field %d is %q, %s has %q", text, i, got, what, want[i])
			}
		}
	}
	if !bytes.ContainsAny(text, `"{`) {
		check("a plain split", strings.Split(string(text), ","))
	}
	if len(text) > 0 && !bytes.ContainsAny(text, "{\\\r\n") {
		r := csv.NewReader(bytes.NewReader(text))
		if want, err := r.Read(); err == nil {
			check("encoding/csv", want)
		}
	}
}

// FuzzCSV splits any bytes into fields.
func FuzzCSV(f *testing.F) {
	for _, line := range seedLines() {
		f.Add(line)
	}
	for _, text := range []string{"", ",", `"`, `""`, `"",`, `"a""b",c`, `\"a,b\",c`, `{a,b},c`, `{a`, `"a"b,"c"`, `\"`, `\"\",x`, `{},{}`, `"a,`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checkFields(t, text)
		var c csvFields
		if splitCSV(text, &c) && (len(c.fields) == 0 || c.prefix > len(text) || c.fields[0].from < int32(c.prefix)) {
			t.Fatalf("%q: %+v", text, c)
		}
	})
}

// TestFieldsRoundTrip writes fields with encoding/csv and finds them again.
func TestFieldsRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune(`ab,"}é `))), 2, 130).Draw(rt, "fields")
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		if err := w.Write(want); err != nil {
			rt.Fatal(err)
		}
		w.Flush()
		text := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
		checkFields(rt, text)
		fields := splitFields(text, 0, nil)
		for i, f := range fields {
			if got := string(unquote(text[f.from:f.to])); got != want[i] {
				rt.Fatalf("%q: field %d is %q, want %q", text, i, got, want[i])
			}
		}
	})
}

// TestFindCommas compares the search for commas with a plain one, for texts of every length and offset.
func TestFindCommas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(rapid.StringOfN(rapid.SampledFrom([]rune(",,,,ab-\x0c\u00ac\"{<")), 0, 700, -1).Draw(rt, "text"))
		prefix := rapid.IntRange(0, len(text)).Draw(rt, "prefix")
		var p Parser
		n, odd, angle := p.findCommas(p.withSlack(text), prefix, len(text))
		want := bytes.Split(text[prefix:], []byte(","))
		if n != len(want) {
			rt.Fatalf("%q from %d: %d fields, want %d", text, prefix, n, len(want))
		}
		if first := bytes.IndexAny(text[prefix:], "\"{"); first >= 0 && odd != prefix+first || first < 0 && odd < len(text) {
			rt.Fatalf("%q from %d: quote or brace at %d, want %d", text, prefix, odd, prefix+first)
		}
		if first := bytes.IndexByte(text[prefix:], '<'); first >= 0 && angle != prefix+first || first < 0 && angle < len(text) {
			rt.Fatalf("%q from %d: angle at %d, want %d", text, prefix, angle, prefix+first)
		}
		at := int32(prefix)
		for i := range min(n, csvHighRes+1) {
			at += int32(len(want[i]))
			if csvWanted(i) && p.commas[i] != at {
				rt.Fatalf("%q from %d: comma %d at %d, want %d", text, prefix, i, p.commas[i], at)
			}
			at++
		}
	})
}

// csvWanted reports whether a comma borders a field that is wanted.
func csvWanted(comma int) bool {
	return csvWant(comma) != noWant || csvWant(comma+1) != noWant || comma == csvType
}

// TestLongRecord checks that a record without an end has no fast path.
func TestLongRecord(t *testing.T) {
	var p Parser
	text := bytes.Repeat([]byte("a,"), maxCSVLine)
	if n, _, _ := p.findCommas(p.withSlack(text), 0, len(text)); n != 0 {
		t.Error(n, "fields")
	}
	text = bytes.Repeat([]byte(","), maxCSVLine)
	if n, _, _ := p.findCommas(p.withSlack(text), 0, len(text)); n != maxCSVLine+1 {
		t.Error(n, "fields")
	}
}

// TestSteps compares the two forms of the walk along segments.
func TestSteps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.StringOfN(rapid.SampledFrom([]rune("ab=_")), 0, 70, -1)
		segs := make([]segment, rapid.IntRange(1, 9).Draw(rt, "segments"))
		var line []byte
		for i := range segs {
			text := " " + rapid.StringOfN(rapid.SampledFrom([]rune("ab =")), 0, rapid.SampledFrom([]int{3, 40, 110}).Draw(rt, "long"), -1).Draw(rt, "text") + "="
			segs[i] = newSegment(text, want(rapid.IntRange(-1, int(wantCount)-1).Draw(rt, "want")))
			if i > 0 {
				line = append(line, text...)
			}
			v := value.Draw(rt, "value")
			if rapid.Bool().Draw(rt, "spaced") {
				v = rapid.StringOfN(rapid.SampledFrom([]rune("abcdefghijklmnop  =<")), 0, 40, -1).Draw(rt, "value with blanks")
			}
			line = append(line, v...)
		}
		n := rapid.IntRange(0, len(line)).Draw(rt, "n")
		if n > 0 && rapid.Bool().Draw(rt, "spoil") {
			line[rapid.IntRange(0, n-1).Draw(rt, "place")] = 'x'
		}
		if rapid.Bool().Draw(rt, "whole") {
			n = len(line)
		}
		line = append(line, make([]byte, slack)...)
		from, last := rapid.IntRange(0, len(segs)-1).Draw(rt, "from"), len(segs)-1
		pos := rapid.IntRange(0, n).Draw(rt, "pos")
		if rapid.Bool().Draw(rt, "first") {
			from, pos = 0, 0
		}
		got, plain := absent, absent
		stop, at := steps(segs, from, last, line, pos, n, &got)
		stop2, at2 := stepsPlain(segs, from, last, line, pos, n, &plain)
		if stop != stop2 || at != at2 || got != plain {
			rt.Fatalf("%q from %d at %d of %d: %d %d %v, want %d %d %v", line, from, pos, n, stop, at, got, stop2, at2, plain)
		}
	})
}

// TestStepsSpoiled compares the two forms on one value and the text behind it, of many lengths, whole and with each
// byte spoiled.
func TestStepsSpoiled(t *testing.T) {
	for length := 0; length < 140; length += 1 + length/20 {
		for after := 2; after < 140; after += 1 + after/10 {
			for _, blank := range []int{-1, 0, length / 2, length - 1} {
				value := bytes.Repeat([]byte("v"), length)
				if blank >= 0 && blank < length {
					value[blank] = ' '
				}
				text := []byte(" " + strings.Repeat("k", after-2) + "=")
				segs := []segment{newSegment("first=", 0), newSegment(string(text), 1)}
				line := append(append(value, text...), make([]byte, slack)...)
				n := len(line) - slack
				for spoil := -1; spoil < n; spoil++ {
					if spoil >= 0 {
						line[spoil] ^= 1
					}
					got, plain := absent, absent
					stop, at := steps(segs, 0, 1, line, 0, n, &got)
					stop2, at2 := stepsPlain(segs, 0, 1, line, 0, n, &plain)
					if stop != stop2 || at != at2 || got != plain {
						t.Fatalf("%q: %d %d %v, want %d %d %v", line[:n], stop, at, got, stop2, at2, plain)
					}
					if spoil >= 0 {
						line[spoil] ^= 1
					}
				}
			}
		}
	}
}

// TestCommas compares the two forms of the search for commas.
func TestCommas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(rapid.StringOfN(rapid.SampledFrom([]rune(",,ab-\x0c\u00ac\x00{\"<")), 0, 300, -1).Draw(rt, "text"))
		n := len(text)
		text = append(text, make([]byte, slack)...)
		var got, plain [16]uint64
		odd, angle := commas(text, n, got[:])
		odd2, angle2 := commasPlain(text, n, plain[:])
		// Behind the text there is no quote, brace or angle here, so that even the ends are the same.
		if odd != odd2 || angle != angle2 || got != plain {
			rt.Fatalf("%q: %d %d %x, want %d %d %x", text, odd, angle, got, odd2, angle2, plain)
		}
	})
}

// TestIndexBlank compares the search for blanks with a plain one.
func TestIndexBlank(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(rapid.StringOfN(rapid.SampledFrom([]rune("aaaaaa \x00!\u00a0\x1f")), 0, 60, -1).Draw(rt, "text"))
		from := rapid.IntRange(0, len(text)).Draw(rt, "from")
		var p Parser
		want := bytes.IndexByte(text[from:], ' ') + from
		if want < from {
			want = len(text)
		}
		wide := p.withSlack(append(text, "    "...)[:len(text)])
		if got := indexBlank(wide, from, len(text)); got != want {
			rt.Fatalf("%q from %d: %d, want %d", text, from, got, want)
		}
	})
}

// TestNumbers checks counts and ports.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		in    string
		n     int64
		known bool
		bad   bool
	}{
		{"", -1, false, false},
		{"-", -1, false, false},
		{"0", 0, true, false},
		{"00443", 443, true, false},
		{"999999999999999", 999999999999999, true, false},
		{"0000000000000000000000001", 1, true, false},
		{"9007199254740992", 1 << 53, true, false},
		{"9007199254740993", -1, false, true},
		{"99999999999999999999999999999", -1, false, true},
		{"1,234,567", 1234567, true, false},
		{"12.5", 12, true, false},
		{"12.", 12, true, false},
		{" 12 ", 12, true, false},
		{`"12"`, 12, true, false},
		{",1", -1, false, true},
		{".5", -1, false, true},
		{"1.2.3", -1, false, true},
		{"-1", -1, false, true},
		{"+1", -1, false, true},
		{"1e3", -1, false, true},
		{"0x10", -1, false, true},
		{"12 34", -1, false, true},
		{"$bytes", -1, false, true},
		{"１", -1, false, true},
	} {
		if n, known, bad := parseCount([]byte(c.in)); n != c.n || known != c.known || bad != c.bad {
			t.Errorf("%q: got %d %v %v, want %d %v %v", c.in, n, known, bad, c.n, c.known, c.bad)
		}
	}
	for in, want := range map[string]int32{"": -1, "0": 0, "65535": 65535, "65536": -1, "4294967296": -1, "4294967297": -1, "-1": -1} {
		if got, _, _ := parsePort([]byte(in)); got != want {
			t.Errorf("port %q: got %d, want %d", in, got, want)
		}
	}
}

// TestSyslogHeader checks what is read of a header.
func TestSyslogHeader(t *testing.T) {
	for _, c := range []struct{ in, stamp, host string }{
		{"", "", ""},
		{"<14>", "", ""},
		{"<14>fw-a ", "", "fw-a"},
		{"<14>Mar  2 10:00:07 fw-a ", "Mar  2 10:00:07", "fw-a"},
		{"Mar 02 10:00:07 fw-a: ", "Mar 02 10:00:07", "fw-a"},
		{"<14>Mar 2 2026 10:00:07 fw-a : ", "Mar 2 2026 10:00:07", "fw-a"},
		{"<14>Mar  2 10:00:07.123 fw-a ", "Mar  2 10:00:07.123", "fw-a"},
		{"<14>1 2026-03-02T10:00:07.5-07:00 fw-a app 7 id - ", "2026-03-02T10:00:07.5-07:00", "fw-a"},
		{"812 <14>1 2026-03-02T10:00:07Z fw-a - - - - ", "2026-03-02T10:00:07Z", "fw-a"},
		{"812 <14>Mar  2 10:00:07 fw-a ", "Mar  2 10:00:07", "fw-a"},
		{"2026-03-02T10:00:07Z fw-a ", "2026-03-02T10:00:07Z", "fw-a"},
		{"\ufeff<14>Mar  2 10:00:07 fw-a ", "Mar  2 10:00:07", "fw-a"},
		{"<14>1 - fw-a - - - - ", "", "fw-a"},
		{"some words ", "", ""},
	} {
		h := parseSyslogHeader([]byte(c.in))
		if string(h.stamp) != c.stamp || string(h.host) != c.host {
			t.Errorf("%q: got stamp %q of %q, want %q of %q", c.in, h.stamp, h.host, c.stamp, c.host)
		}
	}
}
