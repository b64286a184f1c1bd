package plot

import (
	"fmt"
	"math"
	"sort"
	"strings"
	"time"
)

// Strip shows the beats of a channel by day: a row for each day, midnight to midnight in UTC, the newest last.
type Strip struct {
	c      *Channel
	from   time.Time
	to     time.Time
	period time.Duration
	holes  []hole
	rows   []StripRow
	// Earlier is the number of days before the first row that hold beats and are not drawn.
	Earlier int
	// Seen, Due and Failed add up the rows.
	Seen, Due, Failed int64
}

// StripRow is a row of a Strip.
type StripRow struct {
	// Start is the row's midnight, Days the days it stands for: more than one only where none of them has a beat.
	Start time.Time
	Days  int
	// Seen counts the day's beats (sessions that follow one another within the dead time are one), Due those and the
	// missing ones, Failed the sessions that failed.
	Seen, Due, Failed int64
	// Pause is the longest time between two beats of which the later one is in the row.
	Pause time.Duration
	// Note says why the row has no beats; empty where it has.
	Note string

	beats []Beat
}

const (
	maxStripDays  = 30
	foldQuietDays = 3 // so many days in a row without a beat make one row
)

// NewStrip counts the beats of a channel by day.
func NewStrip(c *Channel) *Strip {
	s := &Strip{c: c}
	s.from, s.to = c.span()
	if len(c.Beats) == 0 {
		return s
	}
	gaps := c.gaps()
	s.period = c.mean(gaps)
	s.holes = c.holes(gaps, s.period)
	first, last := s.from.Truncate(day), s.to.Truncate(day)
	if last.Equal(s.to) && last.After(c.Beats[len(c.Beats)-1].At) && last.After(first) {
		last = last.Add(-day) // the log ends with the day before
	}
	// A channel that fell silent long before the log ends is shown where it has beats.
	if beat := c.Beats[len(c.Beats)-1].At.UTC().Truncate(day); last.Sub(beat) >= (maxStripDays-1)*day {
		last = beat.Add(day)
	}
	if earliest := last.Add(-(maxStripDays - 1) * day); first.Before(earliest) {
		first = earliest
	}
	s.Earlier = beatDays(c.Beats, first)
	starts := accepted(c.Beats, c.Window.Dead)
	gapAt := 0
	for d := first; !d.After(last); d = d.Add(day) {
		row := StripRow{Start: d, Days: 1, beats: between(c.Beats, d, d.Add(day))}
		s.count(&row, starts)
		for ; gapAt < len(gaps) && gaps[gapAt].at.Before(d.Add(day)); gapAt++ {
			if !gaps[gapAt].at.Before(d) {
				row.Pause = max(row.Pause, gaps[gapAt].length)
			}
		}
		s.add(row)
	}
	s.fold()
	return s
}

// count fills in a row's numbers.
func (s *Strip) count(row *StripRow, starts []time.Time) {
	end := row.Start.Add(day)
	row.Seen = int64(timesBefore(starts, end) - timesBefore(starts, row.Start))
	row.Due = row.Seen
	i := sort.Search(len(s.holes), func(i int) bool { return s.holes[i].end().After(row.Start) })
	for ; i < len(s.holes) && s.holes[i].after.Before(end); i++ {
		row.Due += s.holes[i].due(row.Start, end)
	}
	for _, b := range row.beats {
		if b.Failed {
			row.Failed++
		}
	}
	if len(row.beats) == 0 {
		row.Note = "no connection"
		if covered(s.c.Silent, row.Start, end) {
			row.Note = "no log"
		}
	}
}

func (s *Strip) add(row StripRow) {
	s.rows = append(s.rows, row)
	s.Seen += row.Seen
	s.Due += row.Due
	s.Failed += row.Failed
}

// fold makes one row of several quiet days in a row.
func (s *Strip) fold() {
	out := s.rows[:0]
	for i := 0; i < len(s.rows); {
		j := i
		for j < len(s.rows) && s.rows[j].Note != "" && s.rows[j].Note == s.rows[i].Note {
			j++
		}
		row := s.rows[i]
		if j-i >= foldQuietDays {
			row.Days = j - i
			for _, r := range s.rows[i+1 : j] {
				row.Due += r.Due
			}
		} else {
			j = i + 1
		}
		out = append(out, row)
		i = j
	}
	s.rows = out
}

// Rows gives the rows, the newest last.
func (s *Strip) Rows() []StripRow { return s.rows }

// accepted gives the times of the beats: of sessions that follow an earlier one within the dead time, only the first.
func accepted(beats []Beat, dead time.Duration) []time.Time {
	out := make([]time.Time, 0, len(beats))
	for i, b := range beats {
		if i == 0 || b.At.Sub(out[len(out)-1]) >= max(dead, 1) {
			out = append(out, b.At)
		}
	}
	return out
}

func timesBefore(times []time.Time, t time.Time) int {
	return sort.Search(len(times), func(i int) bool { return !times[i].Before(t) })
}

// between gives the beats from one time to before another.
func between(beats []Beat, from, to time.Time) []Beat {
	before := func(t time.Time) int {
		return sort.Search(len(beats), func(i int) bool { return !beats[i].At.Before(t) })
	}
	first := before(from)
	return beats[first:max(before(to), first)]
}

// beatDays counts the days before a time that have beats.
func beatDays(beats []Beat, end time.Time) int {
	n := 0
	var last time.Time
	for _, b := range beats {
		if !b.At.Before(end) {
			break
		}
		if d := b.At.UTC().Truncate(day); n == 0 || !d.Equal(last) {
			n++
			last = d
		}
	}
	return n
}

// covered reports whether one of the spans covers a stretch of time.
func covered(spans []Span, from, to time.Time) bool {
	for _, s := range spans {
		if !s.From.After(from) && !s.To.Before(to) {
			return true
		}
	}
	return false
}

// Label names the row's day or days.
func (r *StripRow) Label() string {
	if r.Days < 2 {
		return dayName(r.Start)
	}
	last := r.Start.AddDate(0, 0, r.Days-1)
	if last.Month() == r.Start.Month() {
		return r.Start.Format("2") + "–" + last.Format("2 Jan")
	}
	return r.Start.Format("2 Jan") + " – " + last.Format("2 Jan")
}

// Count says how many of the beats that were due the row has.
func (r *StripRow) Count() string {
	if r.Due > r.Seen {
		return Count(r.Seen) + " / " + Count(r.Due)
	}
	return Count(r.Seen)
}

// Name implements [Picture].
func (*Strip) Name() string { return "Beats by day" }

// Alt implements [Picture].
func (s *Strip) Alt() string {
	if len(s.c.Beats) == 0 {
		return "No beats."
	}
	var b strings.Builder
	first, last := s.c.Beats[0].At, s.c.Beats[len(s.c.Beats)-1].At
	if s.Due > s.Seen {
		fmt.Fprintf(&b, "%s of %s due beats seen", Count(s.Seen), Count(s.Due))
	} else {
		b.WriteString(Counted(s.Seen, "beat"))
	}
	if len(s.rows) > 0 && first.Before(s.rows[0].Start) {
		first = s.rows[0].Start
	}
	fmt.Fprintf(&b, " from %s to %s UTC", Moment(first), Moment(last))
	if pause, at := s.longestPause(); pause > 0 {
		fmt.Fprintf(&b, "; the longest pause, %s, ends on %s", Length(pause), Moment(at))
	}
	if s.Failed > 0 {
		fmt.Fprintf(&b, "; %s failed", Count(s.Failed))
	}
	b.WriteString(".")
	if s.Earlier > 0 {
		fmt.Fprintf(&b, " Not drawn: %s before.", Counted(int64(s.Earlier), "day"))
	}
	if s.c.Kept.After(s.c.From) && !s.c.Kept.IsZero() {
		fmt.Fprintf(&b, " Beats before %s were counted and not kept.", Moment(s.c.Kept))
	}
	return b.String()
}

// longestPause gives the longest pause that a hole makes, and its end.
func (s *Strip) longestPause() (length time.Duration, end time.Time) {
	for _, h := range s.holes {
		if d := h.end().Sub(h.after); d > length && h.n > 1 {
			length, end = d, h.end()
		}
	}
	return length, end
}

// Table implements [Picture].
func (s *Strip) Table() Table {
	t := Table{Columns: []Column{
		{"Day", false}, {"Seen", true}, {"Due", true}, {"Failed", true}, {"Longest pause", true},
	}}
	for i := range s.rows {
		r := &s.rows[i]
		if r.Note != "" {
			t.Rows = append(t.Rows, []string{r.Label(), r.Note, Count(r.Due), "", ""})
			continue
		}
		t.Rows = append(t.Rows, []string{r.Label(), Count(r.Seen), Count(r.Due), Count(r.Failed), Length(r.Pause)})
	}
	return t
}

const stripRow = 26 // pixels

// AppendSVG implements [Picture].
func (s *Strip) AppendSVG(dst []byte, width int) []byte {
	width = max(width, 240)
	left, right, every := 78.0, 66.0, 3
	narrow := width < 520
	if narrow {
		left, right, every = 72, 34, 6
	}
	const top = 18
	height := top + stripRow*len(s.rows) + 4
	p := &pen{dst}
	p.open(width, height, s.Name(), s.Alt())
	w := float64(width) - left - right
	p.path("grid", "")
	for h := 0; h <= 24; h += every {
		p.vertical(left+w*float64(h)/24, top-3, float64(height)-4)
	}
	p.endPath()
	for h := 0; h < 24; h += every {
		p.text(left+w*float64(h)/24, 11, "m", fmt.Sprintf("%02d:00", h))
	}
	head := "seen / due"
	if narrow {
		head = "seen"
	}
	p.text(float64(width), 11, "e", head)
	for i := range s.rows {
		r := &s.rows[i]
		y := float64(top + stripRow*i)
		s.draw(p, r, frame{left, y + 2, w, stripRow - 4, 1})
		p.text(left-8, y+17, "e t1", r.Label())
		count := r.Count()
		if narrow {
			count = Count(r.Seen)
		}
		p.text(float64(width), y+17, "e t1", count)
		if r.Note != "" {
			p.text(left+8, y+17, "", r.Note)
		}
	}
	p.close()
	return p.b
}

// AppendRow appends the picture of one row as an <svg> without text that stretches to the width of its place: for a
// page that sets the days as a table of its own.
func (s *Strip) AppendRow(dst []byte, r *StripRow) []byte {
	p := &pen{dst}
	p.hidden(1440, stripRow-4)
	// Half a period wide, so that ticks are seen where the row is narrow; minutes are units.
	tick := min(max(s.period.Minutes()/2, 1.5), 4)
	s.draw(p, r, frame{0, 0, 1440, stripRow - 4, tick})
	p.close()
	return p.b
}

// frame is where a row is drawn, and the width of a beat's tick in it.
type frame struct{ x, y, w, h, tick float64 }

func (f frame) at(r *StripRow, t time.Time) float64 {
	return f.x + f.w*min(max(float64(t.Sub(r.Start))/float64(day), 0), 1)
}

// draw draws a row: the ground where there is a log, beats, failed beats, missing beats, the log's end.
func (s *Strip) draw(p *pen, r *StripRow, f frame) {
	ground := "day"
	if d := r.Start.Weekday(); r.Days == 1 && (d == time.Saturday || d == time.Sunday) {
		ground = "off"
	}
	end := r.Start.Add(time.Duration(r.Days) * day)
	x0, x1 := f.x, f.x+f.w
	if r.Days == 1 {
		x0, x1 = f.at(r, s.from), f.at(r, minTime(end, s.to))
	}
	if r.Note == "no log" {
		p.rect("void", f.x, f.y, f.w, f.h, "")
		return
	}
	p.rect(ground, x0, f.y, x1-x0, f.h, "")
	for _, silent := range s.c.Silent {
		if silent.From.Before(end) && silent.To.After(r.Start) {
			a := f.at(r, silent.From)
			p.rect("void", a, f.y, f.at(r, silent.To)-a, f.h, "")
		}
	}
	s.drawHoles(p, r, f)
	s.drawBeats(p, r, f)
	if s.to.After(r.Start) && s.to.Before(end) {
		p.path("axis", "")
		p.vertical(x1, f.y-1, f.y+f.h+1)
		p.endPath()
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// drawHoles draws the missing beats as hollow bars: those of one pause as one, and single ones with a class of their
// own, since a page may leave them out where there is little room.
func (s *Strip) drawHoles(p *pen, r *StripRow, f frame) {
	first := sort.Search(len(s.holes), func(i int) bool { return s.holes[i].end().After(r.Start) })
	for _, single := range []bool{true, false} {
		class := "miss"
		if single {
			class = "miss one"
		}
		open := false
		for _, h := range s.holes[first:] {
			if !h.after.Before(r.Start.Add(time.Duration(r.Days) * day)) {
				break
			}
			a, b := f.hole(r, &h)
			if h.n == 1 != single || b-a < 1.5*f.tick {
				continue // where there is no room beside the beats, the count has it
			}
			if !open {
				p.path(class, "")
				open = true
			}
			p.move(a, f.y+f.h/2-4)
			p.to("h", b-a)
			p.raw("v8")
			p.to("h", a-b)
			p.raw("z")
		}
		if open {
			p.endPath()
		}
	}
}

// hole gives the ends of a hollow bar: half a step from the beats beside it, or about a single beat.
func (f frame) hole(r *StripRow, h *hole) (from, to float64) {
	if h.n > 1 {
		return f.at(r, h.after.Add(h.step/2)), f.at(r, h.end().Add(-h.step/2))
	}
	middle := h.after.Add(h.step)
	if middle.Before(r.Start) || !middle.Before(r.Start.Add(day)) {
		return 0, 0
	}
	x := f.at(r, middle)
	return max(x-1.2*f.tick, f.x), min(x+1.2*f.tick, f.x+f.w)
}

// maxTicksADay is the number of beats in a row above which it is drawn as shares of bins.
const maxTicksADay = 720

func (s *Strip) drawBeats(p *pen, r *StripRow, f frame) {
	if len(r.beats) > maxTicksADay {
		s.drawDense(p, r, f)
	} else {
		p.ticks("beat", f.h-6, r, f, f.tick, false)
	}
	p.ticks("fail", f.h, r, f, 1.4*f.tick, true)
}

// ticks draws beats as pieces of one thick horizontal line: short to write, and close ones join to a bar.
func (p *pen) ticks(class string, height float64, r *StripRow, f frame, width float64, failed bool) {
	var run runs
	for _, b := range r.beats {
		if b.Failed == failed {
			x := f.at(r, b.At) - width/2
			run.add(tenths(x), tenths(x+width))
		}
	}
	p.runs(class, ` stroke-width="`+trimmed(height)+`"`, f.y+f.h/2, run.list)
}

func trimmed(v float64) string {
	p := pen{}
	p.num(v)
	return string(p.b)
}

// runs joins stretches that touch. Stretches come in order; numbers are tenths of a pixel.
type runs struct{ list [][2]int64 }

func (r *runs) add(from, to int64) {
	if n := len(r.list); n > 0 && from <= r.list[n-1][1] {
		r.list[n-1][1] = max(r.list[n-1][1], to)
		return
	}
	r.list = append(r.list, [2]int64{from, to})
}

// runs draws stretches on one height.
func (p *pen) runs(class, more string, y float64, list [][2]int64) {
	if len(list) == 0 {
		return
	}
	p.path(class, more)
	p.move(float64(list[0][0])/10, y)
	for i, s := range list {
		if i > 0 {
			p.raw("m")
			p.tenth(s[0] - list[i-1][1])
			p.raw(" 0")
		}
		p.raw("h")
		p.tenth(s[1] - s[0])
	}
	p.endPath()
}

const (
	denseBins   = 360 // a day: four minutes each
	denseLevels = 5
)

// drawDense draws a row with more beats than there are pixels: the opacity of a bin is its share of the beats that
// were due in it.
func (s *Strip) drawDense(p *pen, r *StripRow, f frame) {
	var bins [denseBins]int
	most := 1
	for _, b := range r.beats {
		if !b.Failed {
			i := min(int(b.At.Sub(r.Start)*denseBins/day), denseBins-1)
			bins[i]++
			most = max(most, bins[i])
		}
	}
	due := float64(most)
	if s.period > 0 && s.c.Window.valid() {
		due = min(max(float64(day/denseBins)/float64(s.period), 1), due)
	}
	var levels [denseLevels]runs
	for i, n := range &bins {
		if n == 0 {
			continue
		}
		level := int(math.Ceil(min(float64(n)/due, 1)*denseLevels)) - 1
		x := f.x + f.w*float64(i)/denseBins
		levels[level].add(tenths(x), tenths(x+f.w/denseBins))
	}
	for i, l := range levels {
		more := ` stroke-width="` + trimmed(f.h-6) + `" opacity="` + trimmed(float64(i+1)/denseLevels) + `"`
		p.runs("beat", more, f.y+f.h/2, l.list)
	}
}

// AppendLine appends the whole time of a channel's log as one line, an <svg> without text that stretches to the width
// of its place: beats filled, failed ones taller, in steps of 1/288 of the time. The time of which the beats were not
// kept is a thin line. The time of which beats were not kept is a
// thin line.
func AppendLine(dst []byte, c *Channel) []byte {
	const steps, step, height = 288, 40, 22 // a step is 4 units, in tenths
	p := &pen{dst}
	p.hidden(steps*step/10, height)
	p.rect("day", 0, 0, steps*step/10, height, "")
	whole := *c
	whole.Kept = time.Time{}
	from, to := whole.span()
	if span := to.Sub(from); span > 0 {
		at := func(t time.Time) int64 {
			return min(max(int64(float64(t.Sub(from))/float64(span)*steps), 0), steps-1) * step
		}
		if !c.Kept.IsZero() && !c.First.IsZero() && c.First.Before(c.Kept) {
			a, b := float64(at(c.First))/10, float64(at(c.Kept))/10
			p.rect("fbeat", a, height/2-1.5, b-a, 3, "")
		}
		var beats, failed runs
		for _, b := range c.Beats {
			if i := at(b.At); b.Failed {
				failed.add(i, i+30)
			} else {
				beats.add(i, i+30)
			}
		}
		p.runs("beat", ` stroke-width="14"`, height/2, beats.list)
		p.runs("fail", ` stroke-width="22"`, height/2, failed.list)
	}
	p.close()
	return p.b
}
