package table

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func text(t *testing.T, tab *Table, o TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := tab.WriteText(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func channels() *Table {
	t := New(Column{"SourceIP", String}, Column{"DestinationIP", String}, Column{"DestinationPort", Int}, Column{"BeaconPercent", Real},
		Column{"FirstSeen", Datetime}, Column{"DeviceName", String}, Column{"Reason", String})
	t.Append("10.1.2.3", "203.0.113.77", 443, 97.5, ticks(2026, 3, 2, 10, 0, 0, 0), "fw-headquarters-west-01.example.com", "a beat every 300 seconds, for six hours on end")
	t.Append("10.1.2.30", "2001:db8::1:2:3:4", 8443, 100.0, ticks(2026, 3, 2, 10, 5, 0, 0), "fw-2", "a beat every hour")
	t.Append("10.1.2.4", "198.51.100.7", 53, nil, nil, "", "")
	return t
}

func TestWriteText(t *testing.T) {
	for _, test := range []struct {
		name string
		o    TextOptions
		want string
	}{
		{"wide", TextOptions{}, `
SourceIP   DestinationIP      DestinationPort  BeaconPercent  FirstSeen             DeviceName                           Reason
10.1.2.3   203.0.113.77                   443           97.5  2026-03-02T10:00:00Z  fw-headquarters-west-01.example.com  a beat every 300 seconds, for six hours on end
10.1.2.30  2001:db8::1:2:3:4             8443          100.0  2026-03-02T10:05:00Z  fw-2                                 a beat every hour
10.1.2.4   198.51.100.7                    53
`},
		{"120", TextOptions{Width: 120}, `
SourceIP   DestinationIP      DestinationPort  BeaconPercent  FirstSeen             DeviceName         Reason
10.1.2.3   203.0.113.77                   443           97.5  2026-03-02T10:00:00Z  fw-headq…mple.com  a beat every 300…
10.1.2.30  2001:db8::1:2:3:4             8443          100.0  2026-03-02T10:05:00Z  fw-2               a beat every hour
10.1.2.4   198.51.100.7                    53
`},
		{"80", TextOptions{Width: 80}, `
                              Destination   Beacon
SourceIP   DestinationIP             Port  Percent  FirstSeen
10.1.2.3   203.0.113.77               443     97.5  2026-03-02T10:00:00Z
10.1.2.30  2001:db8::1:2:3:4         8443    100.0  2026-03-02T10:05:00Z
10.1.2.4   198.51.100.7                53
(no room for DeviceName, Reason)
`},
		{"40", TextOptions{Width: 40}, `
SourceIP   DestinationIP
10.1.2.3   203.0.113.77
10.1.2.30  2001:db8::1:2:3:4
10.1.2.4   198.51.100.7
(no room for DestinationPort,
BeaconPercent, FirstSeen, DeviceName,
Reason)
`},
		{"7", TextOptions{Width: 7}, `
Source
IP
10.…2.3
10.….30
10.…2.4
(no
room
for 6
columns
: use
--forma
t json)
`},
	} {
		if got := "\n" + text(t, channels(), test.o); got != test.want {
			t.Errorf("%s: got%swant%s", test.name, got, test.want)
		}
	}
}

func TestTextOptions(t *testing.T) {
	tab := New(Column{"Score", Real}, Column{"Name", String})
	tab.Append(1.25, "x\x1b[2Jy")
	tab.Append(3.2e-9, "日本")
	tab.Append(1e18, "z")
	tab.Append(12.0, "e\u0301")
	got := text(t, tab, TextOptions{
		Color:   true,
		Headers: []string{"", "Who"},
		Align:   []Align{AlignLeft, AlignRight},
		Style: func(row, _ int) Style {
			return []Style{Plain, Red, Dim, Green}[row]
		},
	})
	want := "\x1b[1mScore\x1b[0m          \x1b[1mWho\x1b[0m\n" +
		"1.25     x\\x1b[2Jy\n" +
		"\x1b[31m3.2e-09\x1b[0m       \x1b[31m日本\x1b[0m\n" +
		"\x1b[2m1e+18\x1b[0m            \x1b[2mz\x1b[0m\n" +
		"\x1b[32m12.00\x1b[0m            \x1b[32me\u0301\x1b[0m\n"
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	custom := "\x1bfive"
	got = text(t, tab, TextOptions{NoHeader: true, Format: func(row, col int) *string {
		if row == 3 && col == 0 {
			return &custom
		}
		return nil
	}})
	if lines := strings.Split(got, "\n"); len(lines) != 5 || !strings.HasPrefix(lines[3], `\x1bfive  `) {
		t.Errorf("got\n%s", got)
	}
	if got := text(t, New(), TextOptions{Width: 10}); got != "" {
		t.Errorf("no columns: %q", got)
	}
}

// TestReals: as many digits as tell numbers apart, their points under each
// other, and no blanks at the end of a line.
func TestReals(t *testing.T) {
	tab := New(Column{"R", Real})
	for _, v := range []float64{
		1.0 / 3, 100, 2.5, 0.1 + 0.2, 1000.1, -0.00123456789, 1e-7 / 3, 123456789012345.6, 1e15, 1e300, math.Inf(-1), math.NaN(), 0,
	} {
		tab.Append(v)
	}
	tab.Append(nil)
	const want = `
                              R
              0.333333333333333
            100.0000
              2.5000
              0.3000
           1000.1000
             -0.00123456789
           3.33333333333333e-08
123456789012346.0000
                          1e+15
                         1e+300
                      -Infinity
                            NaN
              0.0000

`
	if got := "\n" + text(t, tab, TextOptions{}); got != want {
		t.Errorf("got%swant%s", got, want)
	}
	short := New(Column{"R", Real}, Column{"S", String})
	short.Append(12.5, "a")
	short.Append(7.0, "b")
	short.Append(0.123456, "c")
	const aligned = `
        R  S
12.5000    a
 7.0000    b
 0.123456  c
`
	if got := "\n" + text(t, short, TextOptions{}); got != aligned {
		t.Errorf("got%swant%s", got, aligned)
	}
}

func TestRealText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.Float64Range(-1e308, 1e308).Draw(rt, "v")
		back, err := strconv.ParseFloat(realText(v), 64)
		if err != nil || math.Abs(back-v) > math.Abs(v)*5e-15 {
			rt.Fatalf("%v is %s", v, realText(v))
		}
		aligned := alignedReal(v, max(decimalsOf(realText(v)), 2))
		if back, err := strconv.ParseFloat(strings.TrimRight(aligned, " "), 64); err != nil || math.Abs(back-v) > math.Abs(v)*5e-15 {
			rt.Fatalf("%v is %s", v, aligned)
		}
	})
}

// TestEmptyColumns: where there is no room, columns without values go first, and
// many columns are counted.
func TestEmptyColumns(t *testing.T) {
	cols := []Column{{"TimeGenerated", Datetime}, {"Nothing", String}, {"Action", String}, {"Void", Long}, {"SourceIP", String}}
	tab := New(cols...)
	tab.Append(ticks(2026, 3, 2, 10, 0, 0, 0), "", "allow", nil, "10.0.0.1")
	for width, want := range map[int]string{
		0:  "TimeGenerated         Nothing  Action  Void  SourceIP\n2026-03-02T10:00:00Z           allow         10.0.0.1\n",
		53: "TimeGenerated         Nothing  Action  Void  SourceIP\n2026-03-02T10:00:00Z           allow         10.0.0.1\n",
		45: "TimeGenerated         Action  SourceIP\n2026-03-02T10:00:00Z  allow   10.0.0.1\n(no room for Nothing, Void)\n",
		32: "TimeGenerated         Action\n2026-03-02T10:00:00Z  allow\n(no room for Nothing, Void,\nSourceIP)\n",
	} {
		if got := text(t, tab, TextOptions{Width: width}); got != want {
			t.Errorf("%d: got\n%swant\n%s", width, got, want)
		}
	}
	for i := range 150 {
		cols = append(cols, Column{fmt.Sprintf("Field%d", i), String})
	}
	wide := New(cols...)
	row := make([]any, len(cols))
	row[0], row[2], row[4] = ticks(2026, 3, 2, 10, 0, 0, 0), "allow", "10.0.0.1"
	wide.Append(row...)
	o := TextOptions{Width: 100, Hint: "use project, or --format json"}
	if got := text(t, wide, o); !strings.HasSuffix(got, "10.0.0.1\n(no room for 152 empty columns: use project, or --format json)\n") {
		t.Errorf("got\n%s", got)
	}
	o.Width = 30
	if got := text(t, wide, o); !strings.HasSuffix(got, "allow\n(no room for 1 column and 152\nempty ones: use project, or\n--format json)\n") {
		t.Errorf("got\n%s", got)
	}
	row[1], row[3] = "x", 1
	for i := range 150 {
		row[i+5] = "value"
	}
	wide.Append(row...)
	o.Width = 100
	if got := text(t, wide, o); !strings.Contains(got, " columns: use project, or --format json)\n") || strings.Contains(got, "empty") {
		t.Errorf("got\n%s", got)
	}
}

// TestLongTextInFile: a long text does not pad all others to its width.
func TestLongTextInFile(t *testing.T) {
	tab := New(Column{"Text", Dynamic}, Column{"N", Long})
	tab.Append(json.RawMessage(`"`+strings.Repeat("long ", 200)+`"`), 1)
	tab.Append(json.RawMessage(`"a \"b\""`), 2)
	lines := strings.Split(text(t, tab, TextOptions{}), "\n")
	if Cells(lines[1]) != maxCells+3 || !strings.Contains(lines[1], "…") || !strings.HasPrefix(lines[2], `a "b"  `) {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
	if got := text(t, tab, TextOptions{Whole: []bool{true}}); !strings.Contains(got, strings.Repeat("long ", 200)) {
		t.Errorf("a column to be shown whole is cut:\n%s", got)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9]+m")

// TestTextFits draws tables and widths: no line is wider, no control byte comes
// through, no row is lost, and each column is shown or named.
func TestTextFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tab := anyTable(rt)
		o := TextOptions{Width: rapid.IntRange(1, 120).Draw(rt, "width"), Color: rapid.Bool().Draw(rt, "color")}
		o.NoHeader = rapid.Bool().Draw(rt, "no header")
		var b strings.Builder
		if err := tab.WriteText(&b, o); err != nil {
			rt.Fatal(err)
		}
		got := b.String()
		if o.Color {
			got = escapes.ReplaceAllString(got, "")
		}
		checkHarmless(rt, got)
		lines := strings.Split(got, "\n")
		for _, line := range lines {
			if Cells(line) > o.Width {
				rt.Fatalf("%d cells in a width of %d: %q", Cells(line), o.Width, line)
			}
		}
		if len(lines)-1 < tab.Len() {
			rt.Fatalf("%d lines for %d rows", len(lines)-1, tab.Len())
		}
		if !o.NoHeader && o.Width > 60 && !strings.Contains(got, "columns: use --format") {
			solid := strings.Join(strings.Fields(got), "")
			for _, c := range tab.Columns() {
				if len(headerPieces(c.Name)) == 1 && !strings.Contains(solid, c.Name) {
					rt.Fatalf("column %s is nowhere in\n%s", c.Name, got)
				}
			}
		}
	})
}

func TestHeaderPieces(t *testing.T) {
	for name, want := range map[string]string{
		"MostFrequentTimeDeltainSeconds": "Most|Frequent|Time|Deltain|Seconds",
		"SourceIP":                       "Source|IP",
		"SourceIPAddress":                "Source|IP|Address",
		"_runAt":                         "_run|At",
		"first_seen":                     "first_|seen",
		"to be":                          "to |be",
		"x":                              "x",
		"":                               "",
	} {
		if got := strings.Join(headerPieces(name), "|"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// hostile are texts that a log may hold to harm who reads it.
var hostile = []string{
	"", "plain", "\x1b[31mred", "\x1b]0;title\a", "\u009b31m", "\x7f", "tab\there", "line\r\nbreak", "\x00",
	"safe\u202etxt.exe", "a\u2066b\u2069", "zero\u200bwidth\u200d", "\ufeffbom", "\u2028\u2029", "\xff\xfe", "\xe2\x80",
	"日本語", "e\u0301", "😀", "\U000e0041", "\u3164", `back\slash "quote"`, "<b>&amp;</b>", "\ufffd",
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain ü 日本 😀 e\u0301":       "plain ü 日本 😀 e\u0301",
		"\x1b[31m":                   `\x1b[31m`,
		"a\tb\r\n":                   `a\tb\r\n`,
		"\x00\x7f":                   `\x00\x7f`,
		"\u009b":                     `\u009b`,
		"\xff\xe2\x80":               `\xff\xe2\x80`,
		"a\u202eb\u2066\u200b\u00ad": `a\u202eb\u2066\u200b\u00ad`,
		"\U000e0041":                 `\U000e0041`,
		`C:\x1b`:                     `C:\x1b`,
	} {
		if got := Printable(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Printable(s)
		if !printable(got) {
			t.Fatalf("%q becomes %q", s, got)
		}
		if again := Printable(got); again != got {
			t.Fatalf("%q, again %q", got, again)
		}
		for _, r := range got {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("%U in %q", r, got)
			}
		}
		for width := range 6 {
			if short := cut(got, width, len(s)%2 == 0); Cells(short) > width {
				t.Fatalf("%q is cut to %q, wider than %d", got, short, width)
			}
		}
	})
}

func TestRangesAreInOrder(t *testing.T) {
	for _, ranges := range [][]runeRange{wide, invisible} {
		last := rune(-1)
		for _, r := range ranges {
			if r.first <= last || r.last < r.first {
				t.Errorf("%U–%U after %U", r.first, r.last, last)
			}
			last = r.last
		}
	}
}
