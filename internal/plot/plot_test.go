package plot

import (
	"encoding/xml"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	for _, x := range []struct{ got, want string }{
		{Count(0), "0"},
		{Count(999), "999"},
		{Count(1000), "1,000"},
		{Count(-1234567), "-1,234,567"},
		{Count(-999), "-999"},
		{Counted(1, "gap"), "1 gap"},
		{Counted(2000, "gap"), "2,000 gaps"},
		{Bytes(0), "0 B"},
		{Bytes(999), "999 B"},
		{Bytes(1000), "1.00 kB"},
		{Bytes(99_950), "100 kB"},
		{Bytes(999_499), "999 kB"},
		{Bytes(999_500), "1.00 MB"},
		{Bytes(2_214_503_118), "2.21 GB"},
		{Bytes(math.MaxInt64), "9.22 EB"},
		{Bytes(math.MinInt64), "-9.22 EB"},
		{Length(0), "0 s"},
		{Length(time.Microsecond), "under 1 ms"},
		{Length(250 * time.Millisecond), "250 ms"},
		{Length(10200 * time.Millisecond), "10.2 s"},
		{Length(60 * time.Second), "1 min"},
		{Length(270 * time.Second), "4 min 30 s"},
		{Length(59*time.Minute + 59700*time.Millisecond), "1 h"},
		{Length(59900 * time.Millisecond), "1 min"},
		{Length(9*time.Hour + 23*time.Minute), "9 h 23 min"},
		{Length(51 * time.Hour), "2 d 3 h"},
		{Length(-time.Second), "−1 s"},
		{Length(math.MinInt64), "−106,751 d 23 h"},
		{Length(math.MaxInt64), "106,751 d 23 h"},
		{Range(227*time.Second, 319*time.Second), "227–319 s"},
		{Range(9500*time.Millisecond, 10500*time.Millisecond), "9.5–10.5 s"},
		{Range(40*time.Millisecond, 60*time.Millisecond), "40–60 ms"},
		{Range(56*time.Minute, 64*time.Minute), "56–64 min"},
		{Range(4*time.Hour, 5*time.Hour), "4–5 h"},
		{Signed(1.25), "+1.3"},
		{Signed(-.04), "0.0"},
		{Signed(-8.4), "−8.4"},
		{Signed(math.NaN()), "0.0"},
		{Signed(math.Inf(1)), "+1000000.0"},
		{Share(0, 10), "0 %"},
		{Share(10, 10), "100 %"},
		{Share(1, 1000), "under 1 %"},
		{Share(999, 1000), "over 99 %"},
		{Share(1, 0), "0 %"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

// TestBinsAreTheDetectors holds the histogram's edges to those of the scan: eight to the octave from 2.5 dead times
// of 2·4^s seconds, the first whole second of each.
func TestBinsAreTheDetectors(t *testing.T) {
	for s := range 7 {
		for b := range 32 {
			first := math.Ceil(5 * math.Pow(4, float64(s)) * math.Pow(2, float64(b)/8))
			k := binOf(time.Duration(first) * time.Second)
			if edge := binEdge(k).Seconds(); edge > first || first-edge >= 1 {
				t.Errorf("scale %d, bin %d begins at %v s, in a bin from %v s", s, b, first, edge)
			}
		}
	}
}

// TestDue holds the arithmetic of missing beats to counting them one by one.
func TestDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hole{logFrom, time.Duration(rapid.Int64Range(1, 1000).Draw(t, "step")), rapid.Int64Range(1, 50).Draw(t, "n")}
		from := logFrom.Add(time.Duration(rapid.Int64Range(-100, 60_000).Draw(t, "from")))
		to := from.Add(time.Duration(rapid.Int64Range(0, 60_000).Draw(t, "length")))
		want := int64(0)
		for i := int64(1); i <= h.n; i++ {
			if at := h.after.Add(time.Duration(i) * h.step); !at.Before(from) && at.Before(to) {
				want++
			}
		}
		if got := h.due(from, to); got != want {
			t.Errorf("%d due, want %d", got, want)
		}
	})
}

// TestStripAddsUp: the rows hold every beat of the days shown, and what is due is what was seen and what is missing.
func TestStripAddsUp(t *testing.T) {
	s := NewStrip(sample())
	var seen, due, missing int64
	for _, r := range s.Rows() {
		seen += r.Seen
		due += r.Due
	}
	for _, h := range s.holes {
		missing += h.n
	}
	if want := int64(len(accepted(sample().Beats, 32*time.Second))); seen != want || s.Seen != want {
		t.Errorf("rows hold %d, the strip %d of %d beats", seen, s.Seen, want)
	}
	if due != seen+missing || s.Due != due || missing == 0 {
		t.Errorf("%d due, of which %d seen and %d missing", due, seen, missing)
	}
}

// TestSilenceIsNotMissing: beats that were due while there was no log are not missing.
func TestSilenceIsNotMissing(t *testing.T) {
	c := steady(time.Hour, 3*day)
	c.Silent = []Span{{logFrom.Add(day), logFrom.Add(2 * day)}}
	c.Beats = append(between(c.Beats, logFrom, c.Silent[0].From), between(c.Beats, c.Silent[0].To, c.To)...)
	s := NewStrip(c)
	if s.Due != s.Seen || s.Rows()[1].Note != "no log" {
		t.Errorf("%d due, %d seen; the second day says %q", s.Due, s.Seen, s.Rows()[1].Note)
	}
	c.Silent = nil
	if s = NewStrip(c); s.Due != s.Seen+24 || s.Rows()[1].Note != "no connection" {
		t.Errorf("%d due, %d seen; the second day says %q", s.Due, s.Seen, s.Rows()[1].Note)
	}
}

func TestReasonsAddUp(t *testing.T) {
	r := Reasons{}
	for range 10 {
		r.Items = append(r.Items, Reason{"part", "", .1})
	}
	if r.Sum() != 1 {
		t.Errorf("ten tenths make %v", r.Sum())
	}
}

// hostile are texts that a log may hold to break a page or a terminal.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</svg></style><b>`, "\x1b]0;owned\x07\x1b[31m", "a\u202etxt.exe",
	"\u2066\u200b\ufeff", "\xff\xfe\x00", "]]>", "&#x3c;b&#x3e;", "--><!--", strings.Repeat("W", 5000),
}

// TestHostileTexts: what comes in as text is text in the picture, and nothing in it acts on a terminal.
func TestHostileTexts(t *testing.T) {
	for _, h := range hostile {
		r := &Reasons{Items: []Reason{{h, h, 1.5}, {"plain", h, -2}}}
		pics := []Picture{r, &Spark{What: h, Values: []float64{1}}, &DayBars{What: h, Counts: []int64{1}}}
		for _, p := range pics {
			svg := string(p.AppendSVG(nil, 340))
			checkXML(t, h, svg)
			for _, bad := range []string{"<script", "<img", "<b>", "\x1b", "\u202e", "\u2066", "\x00"} {
				if strings.Contains(svg, bad) {
					t.Errorf("%q: the picture holds %q", h, bad)
				}
			}
		}
		text := r.Text(TextOptions{Width: 80})
		if strings.ContainsAny(text, "\x1b\x07\x00\u202e\u2066\u200b") {
			t.Errorf("%q: the text would act on a terminal", h)
		}
	}
}

var (
	coordinate = regexp.MustCompile(`-?\d+(\.\d+)?`)
	stroke     = regexp.MustCompile(`\x1b\[\d+m`)
)

// anyChannel draws a channel of any kind.
func anyChannel(t *rapid.T) *Channel {
	c := &Channel{}
	at := time.Unix(rapid.Int64Range(-1<<36, 1<<36).Draw(t, "start"), 0)
	c.From = at.Add(-time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "before")))
	for range rapid.IntRange(0, 60).Draw(t, "beats") {
		c.Beats = append(c.Beats, Beat{
			at, rapid.Int64Range(-1, 1<<62).Draw(t, "sent"), rapid.Int64Range(-1, 1<<62).Draw(t, "received"), rapid.Bool().Draw(t, "denied"),
		})
		at = at.Add(time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(0, 62).Draw(t, "size")).Draw(t, "gap")))
	}
	c.To = at.Add(time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "after")))
	low := rapid.Int64Range(0, 1<<rapid.IntRange(0, 62).Draw(t, "scale")).Draw(t, "low")
	c.Window = Window{
		Low: time.Duration(low), High: time.Duration(low + rapid.Int64Range(-5, 1<<40).Draw(t, "high")),
		Mean: time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "mean")), Dead: time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "dead")),
		P3: time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "p3")), P97: time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "p97")),
	}
	if rapid.Bool().Draw(t, "cut") {
		c.Kept = at.Add(-time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "kept")))
		c.Bins = []Bin{{time.Duration(low), time.Duration(low) * 11 / 10, rapid.Int64Range(-1, 1<<40).Draw(t, "bin")}}
	}
	if rapid.Bool().Draw(t, "silent") {
		c.Silent = []Span{{at.Add(-day), at.Add(day)}}
	}
	return c
}

// TestAnyChannel: whatever the channel, pictures are well-formed, of bounded length, the same each time, and hold no
// number that is none; the texts keep to their width.
func TestAnyChannel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := anyChannel(rt)
		width := rapid.IntRange(-10, 2000).Draw(rt, "width")
		strip := NewStrip(c)
		for _, p := range []Picture{strip, NewGaps(c), NewGapTime(c), NewSizes(c)} {
			svg := string(p.AppendSVG(nil, width))
			checkXML(t, p.Name(), svg)
			if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || len(svg) > 60_000 {
				rt.Fatalf("%s: %d bytes\n%s", p.Name(), len(svg), svg)
			}
			if again := string(p.AppendSVG(nil, width)); again != svg {
				rt.Fatalf("%s is drawn in two ways", p.Name())
			}
			checkInside(rt, svg)
			p.Table()
			p.Alt()
		}
		for i := range strip.Rows() {
			checkXML(t, "row", string(strip.AppendRow(nil, &strip.Rows()[i])))
		}
		checkXML(t, "line", string(AppendLine(nil, c)))
		o := TextOptions{Width: rapid.IntRange(40, 200).Draw(rt, "cells"), Color: rapid.Bool().Draw(rt, "colour")}
		for line := range strings.Lines(stroke.ReplaceAllString(strip.Text(o)+NewGaps(c).Text(o), "")) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > o.Width {
				rt.Fatalf("a line of %d cells at %d: %q", n, o.Width, line)
			}
		}
	})
}

// checkInside fails where a mark or a label begins outside its picture.
func checkInside(t *rapid.T, svg string) {
	d := xml.NewDecoder(strings.NewReader(svg))
	var w, h float64
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		get := func(name string) float64 {
			for _, a := range e.Attr {
				if a.Name.Local == name {
					v, _ := strconv.ParseFloat(coordinate.FindString(a.Value), 64)
					return v
				}
			}
			return 0
		}
		switch e.Name.Local {
		case "svg":
			w, h = get("width"), get("height")
		case "text", "rect":
			if x, y := get("x"), get("y"); x < -1 || x > w+1 || y < -1 || y > h+1 {
				t.Fatalf("%v is outside of %v by %v in\n%s", e, w, h, svg)
			}
			if e.Name.Local == "rect" && get("x")+get("width") > w+2 {
				t.Fatalf("%v ends outside of %v in\n%s", e, w, svg)
			}
		}
	}
}

func TestStandalone(t *testing.T) {
	s := Standalone(sampleReasons().AppendSVG(nil, 340))
	checkXML(t, "standalone", s)
	for _, want := range []string{`xmlns="http://www.w3.org/2000/svg"`, "prefers-color-scheme:dark", "@media print"} {
		if !strings.Contains(s, want) {
			t.Errorf("it lacks %q", want)
		}
	}
}

// TestDaysThatAreNotKept: of a channel whose old beats are not kept, no day before is drawn as quiet.
func TestDaysThatAreNotKept(t *testing.T) {
	c := steady(time.Minute, 5*day)
	c.Kept = logFrom.Add(3*day + time.Hour)
	c.Beats = between(c.Beats, c.Kept, c.To)
	s := NewStrip(c)
	if got := s.Rows()[0].Start; !got.Equal(logFrom.Add(3 * day)) {
		t.Errorf("the strip begins on %v", got)
	}
	if !strings.Contains(s.Alt(), "counted and not kept") {
		t.Errorf("it does not say so: %s", s.Alt())
	}
}

// TestLongChannel: 30 days at most, and the text says what is left out.
func TestLongChannel(t *testing.T) {
	c := steady(time.Hour, 100*day)
	s := NewStrip(c)
	if len(s.Rows()) != maxStripDays || s.Earlier != 70 && s.Earlier != 71 {
		t.Errorf("%d rows, %d days before", len(s.Rows()), s.Earlier)
	}
}
