package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// GapTime shows each gap at its time: whether the rhythm changes.
type GapTime struct {
	c        *Channel
	gaps     []gap
	from, to time.Time
	top      time.Duration // of the axis
	step     time.Duration
}

// NewGapTime prepares the picture. The axis reaches to 2.6 times the mean gap of the window; longer gaps are marked
// at its top.
func NewGapTime(c *Channel) *GapTime {
	g := &GapTime{c: c, gaps: c.gaps()}
	if len(g.gaps) == 0 {
		return g
	}
	// The picture is of the channel's own time, not of the log's.
	g.from, g.to = c.Beats[0].At.UTC(), c.Beats[len(c.Beats)-1].At.UTC()
	mean := max(c.mean(g.gaps), 2*time.Millisecond)
	g.step = lengthStep(min(mean, 1000*day)*26/10, 4)
	g.top = g.step * time.Duration(math.Ceil(float64(mean)*2.6/float64(g.step)))
	return g
}

// Name implements [Picture].
func (*GapTime) Name() string { return "Gap over time" }

// Alt implements [Picture].
func (g *GapTime) Alt() string {
	if len(g.gaps) == 0 {
		return "Too few beats for gaps."
	}
	days := g.days()
	var b strings.Builder
	low, high := days[0].median, days[0].median
	for _, d := range days {
		low, high = min(low, d.median), max(high, d.median)
	}
	fmt.Fprintf(&b, "Gaps from %s to %s UTC. ", Moment(g.from), Moment(g.to))
	switch {
	case len(days) == 1:
		fmt.Fprintf(&b, "The median gap is %s.", Length(low))
	case Length(low) == Length(high):
		fmt.Fprintf(&b, "The median gap of a day is %s on all %d days.", Length(low), len(days))
	case float64(high) <= 1.1*float64(low):
		fmt.Fprintf(&b, "The median gap of a day stays between %s and %s on all %d days.", Length(low), Length(high), len(days))
	default:
		fmt.Fprintf(&b, "The median gap of a day changes between %s and %s over %d days.", Length(low), Length(high), len(days))
	}
	if n := g.beyond(); n > 0 {
		fmt.Fprintf(&b, " %s longer than the axis.", countedAre(int64(n), "gap"))
	}
	return b.String()
}

func (g *GapTime) beyond() int {
	n := 0
	for _, x := range g.gaps {
		if x.length > g.top {
			n++
		}
	}
	return n
}

// gapDay is what a day's gaps are.
type gapDay struct {
	start            time.Time
	n                int
	low, median, top time.Duration
}

// days gathers the gaps by the day of the later beat.
func (g *GapTime) days() []gapDay {
	var out []gapDay
	for i := 0; i < len(g.gaps); {
		start := g.gaps[i].at.UTC().Truncate(day)
		j := i
		var lengths []time.Duration
		for ; j < len(g.gaps) && g.gaps[j].at.Before(start.Add(day)); j++ {
			lengths = append(lengths, g.gaps[j].length)
		}
		slices.Sort(lengths)
		out = append(out, gapDay{start, len(lengths), lengths[0], lengths[len(lengths)/2], lengths[len(lengths)-1]})
		i = j
	}
	return out
}

// Table implements [Picture].
func (g *GapTime) Table() Table {
	t := Table{Columns: []Column{
		{"Day", false}, {"Gaps", true}, {"Shortest", true}, {"Median", true}, {"Longest", true},
	}}
	for _, d := range newest(g.days()) {
		t.Rows = append(t.Rows, []string{dayName(d.start), Count(int64(d.n)), Length(d.low), Length(d.median), Length(d.top)})
	}
	return t
}

// newest cuts a list of days to those that a strip shows.
func newest[T any](days []T) []T { return days[max(len(days)-maxStripDays, 0):] }

// AppendSVG implements [Picture].
func (g *GapTime) AppendSVG(dst []byte, width int) []byte {
	width = max(width, 240)
	p := &pen{dst}
	p.open(width, plotHeight, g.Name(), g.Alt())
	a := newArea(width, 52)
	head := "gap"
	if g.beyond() > 0 {
		head = "gap (▲ = beyond the axis)"
	}
	p.text(a.left, 12, "", head)
	p.text(a.right, plotHeight-3, "e", "time of beat, UTC")
	if len(g.gaps) == 0 {
		p.text((a.left+a.right)/2, (a.top+a.bottom)/2, "m", "too few beats")
		p.close()
		return p.b
	}
	x := scale{0, float64(max(g.to.Sub(g.from), 1)), a.left, a.right, false}
	y := scale{0, float64(g.top), a.bottom, a.top, false}
	p.path("grid", "")
	for v := time.Duration(0); v <= g.top; v += g.step {
		p.move(a.left, y.at(float64(v)))
		p.to("H", a.right)
	}
	p.endPath()
	for v := time.Duration(0); v <= g.top; v += g.step {
		p.text(a.left-6, y.at(float64(v))+4, "e", stepLength(v, g.step))
	}
	if w := &g.c.Window; w.valid() {
		from, to := w.edges()
		low, high := y.at(float64(from)), y.at(float64(to))
		p.rect("band", a.left, high, a.right-a.left, max(low-high, 1), "")
	}
	points := make([]point, 0, len(g.gaps))
	for _, d := range g.gaps {
		if d.length <= g.top {
			points = append(points, point{x.at(float64(d.at.Sub(g.from))), y.at(float64(d.length))})
		}
	}
	p.dots("dot", 2.2, points)
	g.drawBeyond(p, a, x)
	p.timeAxis(g.from, g.to, x, a.bottom)
	p.close()
	return p.b
}

// drawBeyond marks the gaps that are longer than the axis, and names the longest.
func (g *GapTime) drawBeyond(p *pen, a area, x scale) {
	last := math.Inf(-1)
	longest := gap{}
	for _, d := range g.gaps {
		if d.length <= g.top {
			continue
		}
		if d.length > longest.length {
			longest = d
		}
		if px := x.at(float64(d.at.Sub(g.from))); px-last >= 6 {
			p.path("fbad", "")
			p.move(px, a.top-9)
			p.raw("l5 9h-10z")
			p.endPath()
			last = px
		}
	}
	if longest.length == 0 {
		return
	}
	px := x.at(float64(longest.at.Sub(g.from)))
	name := Length(longest.length)
	if px+8+textWidth(name) > a.right+8 {
		p.text(px-8, a.top-1, "e t1", name)
		return
	}
	p.text(px+8, a.top-1, "t1", name)
}

// point is a mark's place.
type point struct{ x, y float64 }

// dots draws marks of a diameter as one path. Of marks that fall on the same pixel one is drawn, so that the path is
// bounded by the picture.
func (p *pen) dots(class string, size float64, points []point) {
	type pixel struct{ x, y int64 }
	cells := make(map[pixel]bool, min(len(points), 4096))
	open := false
	var lastX, lastY int64
	for _, q := range points {
		x, y := tenths(q.x), tenths(q.y)
		cell := pixel{x / 10, y / 10}
		if cells[cell] {
			continue
		}
		cells[cell] = true
		if !open {
			p.path(class, ` stroke-width="`+trimmed(size)+`"`)
			p.raw("M")
			open = true
		} else {
			p.raw("m")
			x, y = x-lastX, y-lastY
		}
		p.tenth(x)
		if y >= 0 {
			p.raw(" ")
		}
		p.tenth(y)
		p.raw("h0")
		if cells := len(cells); cells == 1 {
			lastX, lastY = x, y
		} else {
			lastX, lastY = lastX+x, lastY+y
		}
	}
	if open {
		p.endPath()
	}
}

// Sizes shows what each beat sent and received. Beats that failed carried nothing, and are left out.
type Sizes struct {
	beats    []Beat
	low      float64 // of the axis, bytes
	high     float64
	known    int
	unusual  []int // beats with a size that is not like the others
	commonly int64 // the commonest size sent
	share    int   // beats that have it
}

// NewSizes finds the commonest size and the beats that are unlike the rest.
func NewSizes(c *Channel) *Sizes {
	s := &Sizes{low: 50, high: 1000}
	for _, b := range c.Beats {
		if !b.Failed {
			s.beats = append(s.beats, b)
		}
	}
	counts := make(map[int64]int)
	var logs []float64
	for _, b := range s.beats {
		for _, v := range []int64{b.Sent, b.Received} {
			for float64(v) > s.high {
				s.high *= 10
			}
		}
		if b.Sent >= 0 {
			s.known++
			counts[b.Sent]++
			logs = append(logs, math.Log(float64(b.Sent+1)))
		}
	}
	for size, n := range counts {
		if n > s.share || n == s.share && size < s.commonly {
			s.commonly, s.share = size, n
		}
	}
	if s.known >= 4 {
		s.findUnusual(logs)
	}
	return s
}

// findUnusual lists the beats whose sent size is more than three robust deviations from the median.
func (s *Sizes) findUnusual(logs []float64) {
	middle := median(logs)
	off := make([]float64, len(logs))
	for i, v := range logs {
		off[i] = math.Abs(v - middle)
	}
	limit := 3 * max(1.4826*median(off), .05) // one size for all has no deviation: 16 % are unusual then
	for i, b := range s.beats {
		if b.Sent >= 0 && math.Abs(math.Log(float64(b.Sent+1))-middle) > limit {
			s.unusual = append(s.unusual, i)
		}
	}
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Known reports whether the log tells any size.
func (s *Sizes) Known() bool { return s.known > 0 }

// Name implements [Picture].
func (*Sizes) Name() string { return "Sizes" }

// Alt implements [Picture].
func (s *Sizes) Alt() string {
	if s.known == 0 {
		return "The log does not tell the sizes."
	}
	text := fmt.Sprintf("%s of the beats send %s.", Share(int64(s.share), int64(s.known)), exactBytes(s.commonly))
	if s.share == s.known {
		text = fmt.Sprintf("All beats send %s.", exactBytes(s.commonly))
	}
	if n := len(s.unusual); n > 0 {
		low, high := s.beats[s.unusual[0]].Sent, int64(0)
		for _, i := range s.unusual {
			low, high = min(low, s.beats[i].Sent), max(high, s.beats[i].Sent)
		}
		verb := "send"
		if n == 1 {
			verb = "sends"
		}
		text += fmt.Sprintf(" %s an unusual amount: %s to %s.", Counted(int64(n), "beat")+" "+verb, Bytes(low), Bytes(high))
		if low == high {
			text = strings.Replace(text, Bytes(low)+" to "+Bytes(high), Bytes(low), 1)
		}
	}
	return text
}

// exactBytes names a size to the byte.
func exactBytes(n int64) string { return "exactly " + Count(n) + " B" }

// Table implements [Picture].
func (s *Sizes) Table() Table {
	t := Table{Columns: []Column{
		{"Day", false}, {"Median sent", true}, {"Median received", true}, {"Largest sent", true}, {"Unusual", true},
	}}
	u := 0
	type sizeDay struct{ cells []string }
	var days []sizeDay
	for i := 0; i < len(s.beats); {
		start := s.beats[i].At.UTC().Truncate(day)
		j := i
		var sent, received []int64
		for ; j < len(s.beats) && s.beats[j].At.Before(start.Add(day)); j++ {
			if b := s.beats[j]; b.Sent >= 0 {
				sent = append(sent, b.Sent)
			}
			if b := s.beats[j]; b.Received >= 0 {
				received = append(received, b.Received)
			}
		}
		unusual := 0
		for ; u < len(s.unusual) && s.unusual[u] < j; u++ {
			unusual++
		}
		days = append(days, sizeDay{[]string{
			dayName(start), bytesOrNone(sent, median), bytesOrNone(received, median),
			bytesOrNone(sent, slices.Max), Count(int64(unusual)),
		}})
		i = j
	}
	for _, d := range newest(days) {
		t.Rows = append(t.Rows, d.cells)
	}
	return t
}

func bytesOrNone(values []int64, of func([]int64) int64) string {
	if len(values) == 0 {
		return "not known"
	}
	return Bytes(of(values))
}

// ringCell is the side of a square, in pixels, in which one unusual beat is drawn for all.
const ringCell = 5

// AppendSVG implements [Picture].
func (s *Sizes) AppendSVG(dst []byte, width int) []byte {
	width = max(width, 240)
	p := &pen{dst}
	p.open(width, plotHeight, s.Name(), s.Alt())
	a := newArea(width, 52)
	p.text(a.left, 12, "", "bytes per beat (log scale)")
	p.text(a.right, plotHeight-3, "e", "time of beat, UTC")
	if s.known == 0 {
		p.text((a.left+a.right)/2, (a.top+a.bottom)/2, "m", "not in the log")
		p.close()
		return p.b
	}
	beats := s.beats
	from, to := beats[0].At.UTC(), beats[len(beats)-1].At.UTC()
	x := scale{0, float64(max(to.Sub(from), 1)), a.left, a.right, false}
	y := scale{s.low, s.high, a.bottom, a.top, true}
	s.drawGrid(p, a, y)
	place := func(b *Beat, n int64) point {
		return point{x.at(float64(b.At.Sub(from))), y.at(max(float64(n), s.low))}
	}
	var sent, received []point
	unusual := make(map[int]bool, len(s.unusual))
	for _, i := range s.unusual {
		unusual[i] = true
	}
	for i := range beats {
		b := &beats[i]
		if b.Received >= 0 {
			received = append(received, place(b, b.Received))
		}
		if b.Sent >= 0 && !unusual[i] {
			sent = append(sent, place(b, b.Sent))
		}
	}
	p.dots("recv", 1.6, received)
	p.dots("dot", 2.2, sent)
	type square struct{ x, y int }
	taken := make(map[square]bool)
	for _, i := range s.unusual {
		q := place(&beats[i], beats[i].Sent)
		if at := (square{int(q.x / ringCell), int(q.y / ringCell)}); !taken[at] {
			taken[at] = true
			p.ring(q, Moment(beats[i].At)+": sent "+Count(beats[i].Sent)+" B")
		}
	}
	p.timeAxis(from, to, x, a.bottom)
	p.close()
	return p.b
}

// ring draws a mark with a title.
func (p *pen) ring(q point, title string) {
	p.raw(`<circle class="out"`)
	p.attr("cx", q.x)
	p.attr("cy", q.y)
	p.raw(` r="3"><title>`)
	p.escaped(title)
	p.raw("</title></circle>")
}

// drawGrid draws the decades; of many, every second or third.
func (s *Sizes) drawGrid(p *pen, a area, y scale) {
	every := 1 + int(math.Log10(s.high/100))/6
	p.path("grid", "")
	for v, i := 100.0, 0; v <= s.high*1.01; v, i = v*10, i+1 {
		if i%every == 0 {
			p.move(a.left, y.at(v))
			p.to("H", a.right)
		}
	}
	p.endPath()
	for v, i := 100.0, 0; v <= s.high*1.01; v, i = v*10, i+1 {
		if i%every == 0 {
			p.text(a.left-6, y.at(v)+4, "e", roundBytes(v))
		}
	}
}

// roundBytes names a power of ten.
func roundBytes(v float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1000
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}
