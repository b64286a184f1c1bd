package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/plot"
	"drumbeat/internal/table"
)

// Limits of the page, so that a browser opens it at once whatever was found.
const (
	maxPictures  = 100  // channels with pictures; those after them have reasons, without bars, and facts
	maxOpen      = 1    // channels that are open when the page is
	maxPrinted   = 10   // channels whose evidence is printed though they are closed
	maxRows      = 500  // rows of a table
	maxListed    = 5000 // channels at all
	maxText      = 256  // runes of a name
	maxLineText  = 2000 // runes of a log line
	maxLines     = 10
	maxFiles     = 50
	pictureWidth = 340
	topReasons   = 3
)

// clean makes a text from outside fit to be shown: printable, and not longer than n runes.
func clean(s string, n int) string {
	// No rune is shorter than a byte, so what is beyond n runes is beyond n bytes; 4 bytes are the longest rune.
	if len(s) > 4*n {
		s = s[:4*n]
	}
	s = table.Printable(s)
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

func cleanName(s string) string { return clean(s, maxText) }

// cleanList joins names; of many, the first.
func cleanList(names []string) string {
	const most = 8
	shown := make([]string, 0, most)
	for _, n := range names[:min(len(names), most)] {
		if n != "" {
			shown = append(shown, cleanName(n))
		}
	}
	text := strings.Join(shown, ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// channelView is a channel as the template shows it.
type channelView struct {
	ID, Rank            string
	Open, Printed       bool
	Source, Destination string
	Sub                 string
	Rhythm, RhythmSub   string
	Score               string
	Top                 []reasonView
	Line                template.HTML
	Facts               []Fact
	Strip               *stripView
	Pictures            []pictureView
	Reasons             []reasonView
	Zero                []reasonView
	Sum                 reasonView
	ReasonsAlt          string
	Change              []string
	Methods             []Verdict
	Lines               []LogLine
	LinesTotal          string
	LinesMore           bool
	Against             string // for the list below the line
	S                   string
	Numbers             []numbersView
}

type reasonView struct {
	Name, Text, Weight, Class string
	Bar                       template.HTML
}

type pictureView struct {
	Name, Question, Alt string
	SVG                 template.HTML
}

type numbersView struct {
	Name  string
	Table plot.Table
}

// stripView is the beat strip as a table of days.
type stripView struct {
	Alt   string
	Hours []string
	Rows  []stripRowView
}

type stripRowView struct {
	Label, Note, Count, More string
	SVG                      template.HTML
}

// endText gives an end's name, or its address, with the port.
func (e *End) text() string {
	host := e.Name
	if host == "" {
		host = e.Address
	}
	host = cleanName(host)
	if e.Port < 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(e.Port)))
}

// sub gives what text does not: the address where there is a name.
func (e *End) sub() string {
	if e.Name == "" {
		return ""
	}
	return cleanName(e.Address)
}

// drawer turns channels into views. It keeps the buffer of the pictures.
type drawer struct {
	r   *Report
	buf []byte
}

// svg keeps what a picture of package plot wrote. It is the only markup that is not the template's; plot escapes all
// text that it is given.
func (d *drawer) svg(dst []byte) template.HTML {
	d.buf = dst[:0]
	return template.HTML(dst) //nolint:gosec // made by plot alone, which escapes
}

// view makes the view of a channel; index counts from 0. Pictures asks for the pictures of its evidence.
func (d *drawer) view(c *Channel, id string, index int, pictures bool) *channelView {
	v := &channelView{
		ID: id, Rank: strconv.Itoa(index + 1),
		Source: c.Source.text(), Destination: c.Destination.text(),
		Sub:   joined(" · ", joined(" → ", c.Source.sub(), c.Destination.sub()), cleanList(c.Users), cleanName(c.Protocol)),
		Score: signedPlain(c.Score), S: strconv.FormatFloat(finite(c.Rhythm), 'f', 1, 64),
		Change: cleanTexts(c.Change),
	}
	v.Rhythm, v.RhythmSub = rhythmText(c)
	v.reasons(d, c, pictures)
	for _, m := range c.Methods {
		v.Methods = append(v.Methods, Verdict{cleanName(m.Method), m.Fires, clean(m.Text, maxLineText)})
	}
	for _, l := range c.Lines[:min(len(c.Lines), maxLines)] {
		v.Lines = append(v.Lines, cleanLine(l))
	}
	total := max(c.LinesTotal, int64(len(c.Lines)))
	v.LinesTotal, v.LinesMore = plot.Counted(total, "log line"), total > int64(len(v.Lines))
	ch := d.plotChannel(c)
	v.Line = d.svg(plot.AppendLine(d.buf, ch))
	if pictures && len(c.Starts) > 0 {
		v.pictures(d, ch)
	}
	v.Facts = d.facts(c, v.Strip != nil && c.Kept.IsZero())
	return v
}

func (d *drawer) plotChannel(c *Channel) *plot.Channel {
	return &plot.Channel{
		Beats: c.Starts, Window: c.Window, Bins: c.Bins, From: d.r.From, To: d.r.To, Kept: c.Kept, First: c.First, Silent: d.r.Silent,
	}
}

// reasons fills in the reasons: those that gave something, those that gave nothing, the sum, and the strongest; with
// their bars if they are asked for.
func (v *channelView) reasons(d *drawer, c *Channel, bars bool) {
	p := plot.Reasons{Line: d.r.Line}
	for _, x := range c.Reasons {
		r := reasonView{
			Name: cleanName(x.Name), Text: clean(x.Text, maxLineText), Weight: plot.Signed(x.Weight), Class: signClass(x.Weight),
		}
		if r.Class == "" {
			v.Zero = append(v.Zero, r)
			continue
		}
		p.Items = append(p.Items, plot.Reason{Name: r.Name, Text: r.Text, Weight: x.Weight})
		v.Reasons = append(v.Reasons, r)
	}
	v.Sum = reasonView{Weight: plot.Signed(p.Sum())}
	if bars {
		for i := range v.Reasons {
			v.Reasons[i].Bar = d.svg(p.AppendBar(d.buf, i))
		}
		v.Sum.Bar = d.svg(p.AppendBar(d.buf, len(p.Items)))
	}
	v.ReasonsAlt = p.Alt()
	strongest := make([]int, 0, len(p.Items))
	for i, x := range p.Items {
		if x.Name != "base" {
			strongest = append(strongest, i)
		}
	}
	slices.SortStableFunc(strongest, func(a, b int) int {
		return cmp.Compare(math.Abs(p.Items[b].Weight), math.Abs(p.Items[a].Weight))
	})
	for _, i := range strongest[:min(len(strongest), topReasons)] {
		v.Top = append(v.Top, v.Reasons[i])
	}
	least := 0.0
	for i, x := range p.Items {
		if x.Weight < least && x.Name != "base" {
			least, v.Against = x.Weight, v.Reasons[i].Weight+" "+v.Reasons[i].Name+": "+v.Reasons[i].Text
		}
	}
}

// pictures fills in the pictures and the numbers behind them.
func (v *channelView) pictures(d *drawer, ch *plot.Channel) {
	strip := plot.NewStrip(ch)
	s := &stripView{Alt: strip.Alt(), Hours: stripHours}
	rows := strip.Rows()
	for i := range rows {
		r := &rows[i]
		row := stripRowView{Label: r.Label(), Note: r.Note, Count: r.Count(), SVG: d.svg(strip.AppendRow(d.buf, r))}
		if r.Failed > 0 {
			row.More = plot.Count(r.Failed) + " failed"
		}
		s.Rows = append(s.Rows, row)
	}
	v.Strip = s
	gaps, times, sizes := plot.NewGaps(ch), plot.NewGapTime(ch), plot.NewSizes(ch)
	v.picture(d, gaps, "how long between beats?")
	v.picture(d, times, "does the rhythm change?")
	if sizes.Known() {
		v.picture(d, sizes, "is every beat alike?")
	}
	v.Numbers = append(v.Numbers, numbersView{strip.Name(), strip.Table()})
}

var stripHours = []string{"00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"}

func (v *channelView) picture(d *drawer, p plot.Picture, question string) {
	v.Pictures = append(v.Pictures, pictureView{p.Name(), question, p.Alt(), d.svg(p.AppendSVG(d.buf, pictureWidth))})
	v.Numbers = append(v.Numbers, numbersView{p.Name(), p.Table()})
}

// rhythmText says what a channel does in a line and a second one.
func rhythmText(c *Channel) (head, sub string) {
	if c.Period > 0 {
		head = "every " + plot.Length(c.Period)
	}
	var parts []string
	if c.Law != "" {
		parts = append(parts, cleanName(c.Law))
	}
	if c.Period > 0 && c.Jitter >= 0 {
		parts = append(parts, fmt.Sprintf("jitter %.0f %%", 100*finite(c.Jitter)))
	}
	return head, strings.Join(parts, ", ")
}

// facts lists what is known of a channel. Counted is true where the strip counts all its beats.
func (d *drawer) facts(c *Channel, counted bool) []Fact {
	var out []Fact
	add := func(name, text string) {
		if text != "" {
			out = append(out, Fact{name, text})
		}
	}
	add("Period", withError(c))
	add("Window", windowText(&c.Window))
	add("Rhythm", chanceText(c))
	add("Looked at", clean(c.View, maxLineText))
	add("Visited in turn", cleanList(c.Members))
	add("Resembles", cleanName(c.Profile))
	add("Seen", seenText(c))
	if !counted {
		add("Beats", beatsText(c))
	}
	if c.Hosts > 0 {
		hosts := plot.Counted(c.Hosts, "internal machine")
		if c.Machines > 0 {
			hosts = plot.Count(c.Hosts) + " of " + plot.Counted(c.Machines, "internal machine")
		}
		add("Also seen on", hosts+" "+talks(c.Hosts)+" to the destination")
	}
	add("Bytes", bytesText(c))
	add("Users", cleanList(c.Users))
	add("Devices", cleanList(c.Devices))
	add("Apps", cleanList(c.Apps))
	add("Firewall rules", cleanList(c.Rules))
	return out
}

func talks(n int64) string {
	if n == 1 {
		return "talks"
	}
	return "talk"
}

func withError(c *Channel) string {
	if c.Period <= 0 {
		return ""
	}
	text := plot.Length(c.Period)
	if c.PeriodError > 0 {
		text += " ± " + plot.Length(c.PeriodError)
	}
	if c.Jitter >= 0 {
		text += fmt.Sprintf(", jitter %.0f", 100*finite(c.Jitter))
		if c.JitterError > 0 {
			text += fmt.Sprintf(" ± %.0f", 100*finite(c.JitterError))
		}
		text += " %"
	}
	if c.Law != "" {
		text += ", law: " + cleanName(c.Law)
	}
	return text
}

func windowText(w *plot.Window) string {
	if w.Low <= 0 || w.High < w.Low {
		return ""
	}
	text := plot.Range(w.Low, w.High)
	if w.Of > 0 {
		text += fmt.Sprintf(": %s of %s (%s)", plot.Count(w.In), plot.Counted(w.Of, "gap"), plot.Share(w.In, w.Of))
	}
	return text
}

// chanceText words p as what it is: a bound on the chance from random traffic, and never that of malware.
func chanceText(c *Channel) string {
	if c.Rhythm <= 0 {
		return ""
	}
	text := fmt.Sprintf("S = %.1f", finite(c.Rhythm))
	if c.Chance > 0 && c.Chance <= 1 {
		text += fmt.Sprintf("; chance from random traffic at most %.1g", c.Chance)
	}
	return text
}

func seenText(c *Channel) string {
	if c.First.IsZero() {
		return ""
	}
	text := plot.Moment(c.First) + " to " + plot.Moment(c.Last) + " UTC"
	if d := c.Last.Sub(c.First); d > 0 {
		text += ", " + plot.Length(d)
	}
	return text
}

func beatsText(c *Channel) string {
	if c.Beats <= 0 {
		return ""
	}
	if c.Missed > 0 {
		return fmt.Sprintf("%s seen, %s missed", plot.Count(c.Beats), plot.Count(c.Missed))
	}
	return plot.Count(c.Beats) + " seen, none missed"
}

func bytesText(c *Channel) string {
	var parts []string
	if c.Sent >= 0 {
		parts = append(parts, plot.Bytes(c.Sent)+" sent")
	}
	if c.Received >= 0 {
		parts = append(parts, plot.Bytes(c.Received)+" received")
	}
	return strings.Join(parts, ", ")
}

// signClass is the class of a weight's colour; empty where it is 0.0 as shown.
func signClass(v float64) string {
	switch s := plot.Signed(v); {
	case strings.HasPrefix(s, "+"):
		return "pos"
	case s == "0.0":
		return ""
	}
	return "neg"
}

// signedPlain writes a score: the sign only where it is negative.
func signedPlain(v float64) string { return strings.TrimPrefix(plot.Signed(v), "+") }

// finite keeps a number printable.
func finite(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -1e9), 1e9)
}

func cleanTexts(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, clean(s, maxLineText))
	}
	return out
}

func cleanLine(l LogLine) LogLine {
	return LogLine{cleanName(l.Path), l.Number, clean(l.Text, maxLineText)}
}

// joined joins the texts that are not empty.
func joined(by string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), by)
}

func stamp(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04") }
