package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/plot"
)

// fill sets every text in a value to s, and gives how many there are.
func fill(v reflect.Value, s string) int {
	n := 0
	switch v.Kind() { //nolint:exhaustive // the other kinds hold no text
	case reflect.String:
		v.SetString(s)
		return 1
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return 0
		}
		for _, field := range v.Fields() {
			n += fill(field, s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += fill(v.Index(i), s)
		}
	}
	return n
}

// fullReport is the sample with every field in use.
func fullReport() *Report {
	r := sampleReport()
	r.Silent = []plot.Span{{From: at(18, 3, 0), To: at(18, 9, 0)}}
	r.Input.Partial, r.Input.Problems, r.Input.Note = "x", []string{"x"}, "x"
	r.Channels[0].Members = []string{"x"}
	r.Tables = []Table{{Title: "x", Note: "x", Columns: []plot.Column{{Name: "x"}, {Name: "y", Number: true}}, Rows: [][]string{{"x", "y"}, {"z"}}}}
	return r
}

// TestHostileTexts puts an attacker's text into every field: the page has the same elements as with harmless text, no
// attribute of it, and shows what is not to be seen as escapes.
func TestHostileTexts(t *testing.T) {
	plain := fullReport()
	n := fill(reflect.ValueOf(plain).Elem(), "harmless")
	if n < 200 {
		t.Fatalf("only %d texts", n)
	}
	want := elements(write(t, plain))
	for _, h := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title></style></svg></details><b>`,
		`javascript:alert(1)`, `{{.Made}}`, "--><!--", "]]>", "\x1b]0;owned\x07\x1b[31m", "a\u202etxt.exe", "\u2066\u200b\ufeff", "\xff\xfe\x00\r\n",
		strings.Repeat("W", 100_000), strings.Repeat("\u202e", 10_000),
	} {
		r := fullReport()
		fill(reflect.ValueOf(r).Elem(), h)
		page := write(t, r)
		got := elements(page)
		for name, n := range want {
			if got[name] != n {
				t.Errorf("%.40q: %d <%s>, %d with harmless text", h, got[name], name, n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%.40q: other elements: %v, not %v", h, got, want)
		}
		if strings.ContainsAny(page, "\x1b\x07\x00\u202e\u2066\u200b\ufeff") {
			t.Errorf("%.40q: something unseen is in the page", h)
		}
		if len(page) > 8<<20 {
			t.Errorf("%.40q: a page of %d bytes", h, len(page))
		}
	}
}

var (
	tag       = regexp.MustCompile(`<([a-z0-9]+)[^>]*>`)
	attribute = regexp.MustCompile(`\s([a-z-]+)="`)
)

// elements counts the elements of a page by name, and its attributes by name.
func elements(page string) map[string]int {
	out := make(map[string]int)
	for _, m := range tag.FindAllStringSubmatch(page, -1) {
		out[m[1]]++
		for _, a := range attribute.FindAllStringSubmatch(m[0], -1) {
			out["@"+a[1]]++
		}
	}
	return out
}

// TestSelfContained: no script, no reference to anything outside, and a policy that would stop both.
func TestSelfContained(t *testing.T) {
	page := write(t, fullReport())
	for _, bad := range []string{"<script", "<link", "<img", "<iframe", "<object", "<base", "<form", "src=", "url(", "@import", "http:", "https:", " style=", " on"} {
		if i := strings.Index(strings.ToLower(page), bad); i >= 0 && !strings.HasPrefix(bad, " on") {
			t.Errorf("the page holds %q: %.60q", bad, page[i:])
		}
	}
	for _, m := range tag.FindAllString(page, -1) {
		if regexp.MustCompile(`\son[a-z]+=`).MatchString(m) {
			t.Errorf("a handler: %s", m)
		}
		if strings.Contains(m, "href=") && !strings.Contains(m, `href="#`) {
			t.Errorf("a link to outside: %s", m)
		}
	}
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(page, -1)
	if len(style) != 1 {
		t.Fatalf("%d style sheets", len(style))
	}
	sum := sha256.Sum256([]byte(style[0][1]))
	want := "default-src &#39;none&#39;; style-src &#39;sha256-" + base64.StdEncoding.EncodeToString(sum[:])
	if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
		t.Errorf("the policy does not name the style sheet: want %s", want)
	}
}

// TestLinksHaveTargets: every link leads to an element of the page, and no two have one name.
func TestLinksHaveTargets(t *testing.T) {
	page := write(t, fullReport())
	ids := make(map[string]bool)
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("two elements are %q", m[1])
		}
		ids[m[1]] = true
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1)
	for _, m := range links {
		if !ids[m[1]] {
			t.Errorf("a link leads to %q, which is not there", m[1])
		}
	}
	if len(links) == 0 {
		t.Error("no links")
	}
}

// TestWeightsAddUp reads the weights off the page and adds them up.
func TestWeightsAddUp(t *testing.T) {
	r := sampleReport()
	page := write(t, r)
	rows := regexp.MustCompile(`(?s)<table class="wt">(.*?)</table>`).FindAllStringSubmatch(page, -1)
	if len(rows) != len(r.Channels)+len(r.Others[0].Channels) {
		t.Fatalf("%d tables of reasons", len(rows))
	}
	weight := regexp.MustCompile(`<td class="num[^"]*">([^<]*)</td>`)
	for i, m := range rows {
		sum, last := 0.0, 0.0
		cells := weight.FindAllStringSubmatch(m[1], -1)
		for j, c := range cells {
			var v float64
			text := strings.NewReplacer("−", "-", "&#43;", "+").Replace(c[1])
			if _, err := fmt.Sscanf(text, "%f", &v); err != nil {
				t.Fatalf("weight %q: %v", c[1], err)
			}
			if j == len(cells)-1 {
				last = v
			} else {
				sum += v
			}
		}
		if math.Abs(sum-last) > .001 || i < len(r.Channels) && math.Abs(last-r.Channels[i].Score) > .001 {
			t.Errorf("channel %d: weights of %.1f, a sum of %.1f", i, sum, last)
		}
	}
}

// TestEmpty: a scan that found nothing, or read nothing, has a page too.
func TestEmpty(t *testing.T) {
	for _, r := range []*Report{{}, {Delta: []DeltaFindings{{Method: "source-delta"}}, Input: Input{Files: []File{{Path: "a"}}}}} {
		page := write(t, r)
		for _, want := range []string{"No machine rhythm worth a look", "No channel has a score of 0.0 or above."} {
			if !strings.Contains(page, want) {
				t.Errorf("it does not say %q", want)
			}
		}
	}
}

// TestOddNumbers: numbers that no scan should give break nothing.
func TestOddNumbers(t *testing.T) {
	r := fullReport()
	c := &r.Channels[0]
	c.Score, c.Rhythm, c.Chance, c.Jitter, c.JitterError = math.NaN(), math.Inf(1), math.NaN(), math.Inf(1), math.NaN()
	c.Period, c.Beats, c.Missed, c.Sent, c.Received = math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MinInt64
	c.Reasons = append(c.Reasons, Reason{"nan", "", math.NaN()}, Reason{"inf", "", math.Inf(-1)})
	r.Delta[1].Rows[0].Percent = math.NaN()
	page := write(t, r)
	for _, bad := range []string{"NaN", "+Inf", "-Inf", "%!"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// TestLimits: however much was found, the page is bounded and says what it leaves out.
func TestLimits(t *testing.T) {
	r := sampleReport()
	one := sampleChannels(64)[0]
	for range maxListed + 7 {
		r.Channels = append(r.Channels, one)
	}
	for range maxRows + 3 {
		r.Below = append(r.Below, one)
		r.Delta[1].Rows = append(r.Delta[1].Rows, DeltaRow{Port: Unknown})
		r.Input.Files = append(r.Input.Files, File{Path: "x"})
	}
	r.BelowTotal = 1 << 40
	page := write(t, r)
	for _, want := range []string{
		"13 more channels, not shown here", "1,099,511,627,276 more channels, not shown here", "8 more rows, not shown here",
		"460 more files, not shown here",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if n := strings.Count(page, `class="strip"`); n != maxPictures+1 {
		t.Errorf("%d channels have pictures", n) // and that of the other kind
	}
}
