package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Gaps is the histogram of the gaps between beats on a logarithmic axis, with the fitted window.
type Gaps struct {
	c      *Channel
	gaps   []gap
	mean   time.Duration
	low    time.Duration // of the axis
	high   time.Duration
	bins   []gapBin
	under  []time.Duration // beyond the axis
	over   []time.Duration
	in, of int64
	// total is the number of gaps that the bars and what is beyond them count; outside those that are beyond, where it
	// is not known on which side.
	total, outside int64
}

// gapBin counts the gaps from low to before high.
type gapBin struct {
	low, high time.Duration
	n         int64
}

// The bins are the detector's: eight to the octave, one edge at five seconds.
const (
	binsAnOctave = 8
	binBase      = 5 * time.Second
)

func binEdge(k int) time.Duration {
	return time.Duration(float64(binBase) * math.Exp2(float64(k)/binsAnOctave))
}

func binOf(d time.Duration) int {
	k := int(math.Floor(binsAnOctave * math.Log2(float64(d)/float64(binBase))))
	// The edge is rounded to a nanosecond, so the logarithm may be off by one.
	for binEdge(k) > d {
		k--
	}
	for binEdge(k+1) <= d {
		k++
	}
	return k
}

// NewGaps counts the gaps of a channel. The axis reaches from a quarter of the window to twelve times it; without a
// window, over all gaps up to five decades.
func NewGaps(c *Channel) *Gaps {
	g := &Gaps{c: c, gaps: c.gaps(), in: c.Window.In, of: c.Window.Of}
	g.mean = c.mean(g.gaps)
	if len(g.gaps) == 0 && !c.Window.valid() {
		return g
	}
	g.axis()
	first := binOf(g.low)
	g.bins = make([]gapBin, binOf(g.high)-first+1)
	for i := range g.bins {
		g.bins[i].low, g.bins[i].high = binEdge(first+i), binEdge(first+i+1)
	}
	g.low, g.high = g.bins[0].low, g.bins[len(g.bins)-1].high
	if len(c.Bins) > 0 && !c.Kept.IsZero() {
		g.countBins(first)
	} else {
		g.countGaps(first)
	}
	return g
}

// countGaps counts the gaps between the beats; first is the number of the first bin.
func (g *Gaps) countGaps(first int) {
	var in int64
	for _, x := range g.gaps {
		if g.c.Window.valid() && g.c.Window.holds(x.length) {
			in++
		}
		switch {
		case x.length < g.low:
			g.under = append(g.under, x.length)
		case x.length >= g.high:
			g.over = append(g.over, x.length)
		default:
			g.bins[binOf(x.length)-first].n++
		}
	}
	g.total = int64(len(g.gaps))
	if g.of == 0 {
		g.in, g.of = in, g.total
	}
}

// countBins takes over the detector's counts.
func (g *Gaps) countBins(first int) {
	var in int64
	for _, b := range g.c.Bins {
		middle := b.Low + (b.High-b.Low)/2
		if middle <= 0 || b.N <= 0 {
			continue
		}
		g.total += b.N
		if g.c.Window.valid() && g.c.Window.holds(middle) {
			in += b.N
		}
		if i := binOf(middle) - first; i >= 0 && i < len(g.bins) {
			g.bins[i].n += b.N
		} else {
			g.outside += b.N
		}
	}
	if g.of == 0 {
		g.in, g.of = in, g.total
	}
	if g.of > g.total {
		g.outside += g.of - g.total
		g.total = g.of
	}
}

// axis finds the ends of the axis.
func (g *Gaps) axis() {
	const shortest, longest = time.Millisecond, 400 * day
	if w := &g.c.Window; w.valid() {
		g.low, g.high = min(max(w.Low, shortest), longest)/4, min(max(w.High, shortest), longest)*12
		return
	}
	lengths := make([]time.Duration, len(g.gaps))
	for i, x := range g.gaps {
		lengths[i] = x.length
	}
	low, high := slices.Min(lengths), slices.Max(lengths)
	g.low = min(max(low, shortest, high/100_000), longest)
	g.high = min(max(high, 2*g.low), longest)
}

// Name implements [Picture].
func (*Gaps) Name() string { return "Gaps" }

// Alt implements [Picture].
func (g *Gaps) Alt() string {
	if g.total == 0 {
		return "Too few beats for gaps."
	}
	w := &g.c.Window
	if !w.valid() {
		return fmt.Sprintf("Histogram of %s on a logarithmic axis, from %s to %s; no window was fitted.",
			Counted(g.total, "gap"), Length(g.low), Length(g.high))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Histogram on a logarithmic axis. %s of %s lie between %s and %s.", Count(g.in), Counted(g.of, "gap"),
		Length(w.Low), Length(w.High))
	if g.of > g.total {
		fmt.Fprintf(&b, " The newest %s drawn.", countedAre(g.total, "gap"))
	}
	if law := g.law(); law != "" {
		b.WriteString(" Reads as " + law + ".")
	}
	return b.String()
}

func countedAre(n int64, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return Counted(n, what) + " are"
}

// law says the jitter in both its readings.
func (g *Gaps) law() string {
	w := &g.c.Window
	if w.P3 <= 0 || w.P97 < w.P3 {
		return ""
	}
	jitter := 100 * (1 - float64(w.P3)/float64(w.P97))
	middle := (w.P3 + w.P97) / 2
	spread := 100 * float64(w.P97-w.P3) / 2 / float64(middle)
	return fmt.Sprintf("“sleep %s, jitter %.0f %%” or “%s ± %.0f %%”", Length(w.P97), jitter, Length(middle), spread)
}

// Table implements [Picture].
func (g *Gaps) Table() Table {
	t := Table{Columns: []Column{{"Gap", false}, {"Gaps", true}, {"Share", true}, {"Window", false}}}
	row := func(label string, n int64, inside string) {
		t.Rows = append(t.Rows, []string{label, Count(n), Share(n, g.total), inside})
	}
	if n := int64(len(g.under)); n > 0 {
		row("under "+Length(g.low), n, "")
	}
	for i := range g.bins {
		if b := &g.bins[i]; b.n > 0 {
			row(Range(b.low, b.high), b.n, g.inside(b))
		}
	}
	if n := int64(len(g.over)); n > 0 {
		row("over "+Length(g.high), n, "")
	}
	if g.outside > 0 {
		row("shorter or longer", g.outside, "")
	}
	return t
}

// inside says whether a bin lies in the window, by the middle of the whole seconds in it, if it has any.
func (g *Gaps) inside(b *gapBin) string {
	middle := b.low + (b.high-b.low)/2
	first := (b.low + time.Second - 1).Truncate(time.Second)
	if last := (b.high - 1).Truncate(time.Second); first <= last {
		middle = first + (last-first)/2
	}
	if w := &g.c.Window; w.valid() && w.holds(middle) {
		return "in"
	}
	return ""
}

// plotHeight is the height of the pictures with two axes, in pixels.
const plotHeight = 196

// area is the part of a picture inside its axes.
type area struct{ left, right, top, bottom float64 }

func newArea(width int, left float64) area {
	return area{left, float64(width) - 12, 34, plotHeight - 34}
}

// AppendSVG implements [Picture].
func (g *Gaps) AppendSVG(dst []byte, width int) []byte {
	width = max(width, 240)
	p := &pen{dst}
	p.open(width, plotHeight, g.Name(), g.Alt())
	a := newArea(width, 40)
	p.text(a.left, 12, "", "gaps per bin")
	p.text(a.right, plotHeight-3, "e", "gap to the next beat (log scale)")
	if len(g.bins) == 0 {
		p.text((a.left+a.right)/2, (a.top+a.bottom)/2, "m", "too few beats")
		p.close()
		return p.b
	}
	x := scale{float64(g.low), float64(g.high), a.left, a.right, true}
	most := int64(1)
	for i := range g.bins {
		most = max(most, g.bins[i].n)
	}
	step := max(countStep(float64(most), 3), 1)
	y := scale{0, step * math.Ceil(float64(most)/step), a.bottom, a.top, false}
	p.countGrid(a, y, step)
	g.drawBand(p, a, x)
	g.drawBars(p, x, y, a)
	g.lengthTicks(p, a, x)
	g.drawMarks(p, a, x)
	g.drawLabels(p, a, x)
	p.close()
	return p.b
}

// countGrid draws the lines and labels of an axis of counts.
func (p *pen) countGrid(a area, y scale, step float64) {
	p.path("grid", "")
	for v := 0.0; v <= y.high; v += step {
		p.move(a.left, y.at(v))
		p.to("H", a.right)
	}
	p.endPath()
	for v := 0.0; v <= y.high; v += step {
		p.text(a.left-6, y.at(v)+4, "e", Count(int64(v)))
	}
}

func (g *Gaps) drawBand(p *pen, a area, x scale) {
	w := &g.c.Window
	if !w.valid() {
		return
	}
	from, to := w.edges()
	low, high := x.at(float64(from)), x.at(float64(to))
	high = max(high, low+1)
	p.rect("band", low, a.top, high-low, a.bottom-a.top, "")
	p.path("bandl", ` stroke-width="1.2" stroke-dasharray="4 2"`)
	p.vertical(low, a.top, a.bottom)
	p.vertical(high, a.top, a.bottom)
	p.endPath()
	if w.P3 > 0 && w.P97 >= w.P3 {
		left := x.at(float64(w.P3))
		p.path("bandl", ` stroke-width="3"`)
		p.move(left, a.top+1.5)
		p.to("H", max(x.at(float64(w.P97)), left+1))
		p.endPath()
	}
}

func (g *Gaps) drawBars(p *pen, x, y scale, a area) {
	for i := range g.bins {
		b := &g.bins[i]
		if b.n == 0 {
			continue
		}
		class := "fmute"
		if g.inside(b) != "" {
			class = "fbeat"
		}
		low, high := x.at(float64(b.low)), x.at(float64(b.high))
		top := min(y.at(float64(b.n)), a.bottom-1.5)
		p.rect(class, low+.4, top, max(high-low-.8, 1), a.bottom-top,
			Range(b.low, b.high)+": "+Counted(b.n, "gap"))
	}
}

// lengthTicks labels a logarithmic axis of lengths.
func (g *Gaps) lengthTicks(p *pen, a area, x scale) {
	var at []float64
	var names []string
	last := a.left - 40
	for _, s := range lengthSteps {
		if s < g.low || s > g.high {
			continue
		}
		px := x.at(float64(s))
		name := Length(s)
		if px-last < 18+textWidth(name) {
			continue
		}
		at, names, last = append(at, px), append(names, name), px
	}
	p.path("axis", "")
	p.move(a.left, a.bottom)
	p.to("H", a.right)
	for _, px := range at {
		p.move(px, a.bottom)
		p.raw("v4")
	}
	p.endPath()
	for i, px := range at {
		half := textWidth(names[i]) / 2
		p.text(min(max(px, half), a.right+10-half), a.bottom+16, "m", names[i])
	}
}

// drawMarks marks the multiples of the mean, where beats that were missed leave their gaps.
func (g *Gaps) drawMarks(p *pen, a area, x scale) {
	if !g.c.Window.valid() || g.mean <= 0 {
		return
	}
	for k := 2; k <= 3; k++ {
		v := float64(g.mean) * float64(k)
		if v <= float64(g.c.Window.High)*1.05 || v >= float64(g.high) {
			continue
		}
		px := x.at(v)
		p.path("bandl", ` stroke-dasharray="2 3"`)
		p.vertical(px, a.bottom-30, a.bottom)
		p.endPath()
		p.text(px, a.bottom-34, "m", fmt.Sprintf("×%d", k))
	}
}

// drawLabels writes the window, the law, and what is beyond the axis.
func (g *Gaps) drawLabels(p *pen, a area, x scale) {
	if w := &g.c.Window; w.valid() {
		from, to := w.edges()
		right := x.at(float64(to)) + 6
		label := "window " + Range(w.Low, w.High)
		counts := Count(g.in) + " of " + Counted(g.of, "gap")
		class, left := "", right
		if widest := max(textWidth(label), textWidth(counts)); right+widest > a.right+12 {
			class, left = "e", x.at(float64(from))-6
		}
		p.text(left, a.top+11, strings.TrimSpace(class+" t1"), label)
		p.text(left, a.top+25, class, counts)
		if w.P3 > 0 && w.P97 >= w.P3 {
			jitter := "jitter " + Range(w.P3, w.P97)
			if w.P97-w.P3 < w.P97/100 {
				jitter = "no jitter"
			}
			p.text(left, a.top+39, class, jitter)
		}
	}
	if n := len(g.under); n > 0 {
		p.path("fbad", "")
		p.move(a.left, a.bottom-8)
		p.raw("l8 -4.5v9z")
		p.endPath()
		p.text(a.left+12, a.bottom-4, "t1", Count(int64(n))+" under "+Length(g.low))
	}
	if n := len(g.over); n > 0 {
		p.path("fbad", "")
		p.move(a.right, a.bottom-8)
		p.raw("l-8 -4.5v9z")
		p.endPath()
		text := "1 of " + Length(slices.Max(g.over))
		if n > 1 {
			text = Count(int64(n)) + " up to " + Length(slices.Max(g.over))
		}
		p.text(a.right-12, a.bottom-4, "e t1", text)
	}
	if g.outside > 0 {
		p.text(a.right, a.bottom-4, "e t1", Count(g.outside)+" beyond")
	}
}
