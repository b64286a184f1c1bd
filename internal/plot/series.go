package plot

import (
	"fmt"
	"math"
	"time"
)

// Spark is a small line of a series, from zero up.
type Spark struct {
	// Values in order; NaN is a gap in the line.
	Values []float64
	// What says what the values are: "records an hour".
	What string
}

// Name implements [Picture].
func (s *Spark) Name() string { return s.What }

// Alt implements [Picture].
func (s *Spark) Alt() string {
	low, high, n := math.Inf(1), math.Inf(-1), 0
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
			n++
		}
	}
	if n == 0 {
		return s.What + ": no values."
	}
	return fmt.Sprintf("%s: %s from %.4g to %.4g.", s.What, Counted(int64(n), "value"), low, high)
}

// Table implements [Picture].
func (s *Spark) Table() Table {
	t := Table{Columns: []Column{{"#", true}, {s.What, true}}}
	for i, v := range s.Values {
		text := "none"
		if !math.IsNaN(v) {
			text = fmt.Sprintf("%.4g", v)
		}
		t.Rows = append(t.Rows, []string{Count(int64(i + 1)), text})
	}
	return t
}

// AppendSVG implements [Picture]. It is 22 pixels high.
func (s *Spark) AppendSVG(dst []byte, width int) []byte {
	const height = 22
	width = max(width, 20)
	p := &pen{dst}
	p.open(width, height, s.Name(), s.Alt())
	p.path("grid", "")
	p.move(0, height-.5)
	p.to("H", float64(width))
	p.endPath()
	high := 0.0
	for _, v := range s.Values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			high = max(high, v)
		}
	}
	x := scale{0, float64(max(len(s.Values)-1, 1)), 1, float64(width) - 1, false}
	y := scale{0, max(high, 1e-9), height - 2, 2, false}
	p.path("spark", "")
	pen := "M"
	for i, v := range s.Values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		p.raw(pen)
		p.num(x.at(float64(i)))
		p.raw(" ")
		p.num(y.at(min(max(v, 0), high)))
		pen = "L"
	}
	p.endPath()
	p.close()
	return p.b
}

// DayBars shows a count for each day, such as alerts.
type DayBars struct {
	// First is the first day.
	First time.Time
	// Counts by day; a negative one is a day without logs, which is not drawn as a quiet day.
	Counts []int64
	// What says what is counted, in the singular: "alert".
	What string
	// Limit is drawn as a line where it is positive.
	Limit int64
}

// Name implements [Picture].
func (d *DayBars) Name() string { return d.What + "s a day" }

// Alt implements [Picture].
func (d *DayBars) Alt() string {
	var sum, quiet, without, most int64
	worst := -1
	for i, n := range d.Counts {
		switch {
		case n < 0:
			without++
		case n == 0:
			quiet++
		}
		sum += max(n, 0)
		if n > most {
			most, worst = n, i
		}
	}
	text := fmt.Sprintf("%s in %s", Counted(sum, d.What), Counted(int64(len(d.Counts)), "day"))
	if with := int64(len(d.Counts)) - without; with > 0 {
		text += fmt.Sprintf(", %.1f a day", float64(sum)/float64(with))
	}
	if worst >= 0 {
		text += fmt.Sprintf("; most, %s, on %s", Count(most), dayName(d.day(worst)))
	}
	text += fmt.Sprintf("; %s", Counted(quiet, "quiet day"))
	if without > 0 {
		text += fmt.Sprintf("; %s without logs", Counted(without, "day"))
	}
	return text + "."
}

func (d *DayBars) day(i int) time.Time { return d.First.UTC().AddDate(0, 0, i) }

// Table implements [Picture].
func (d *DayBars) Table() Table {
	t := Table{Columns: []Column{{"Day", false}, {d.What + "s", true}}}
	for i, n := range d.Counts {
		text := Count(n)
		if n < 0 {
			text = "no logs"
		}
		t.Rows = append(t.Rows, []string{dayName(d.day(i)), text})
	}
	return t
}

// AppendSVG implements [Picture].
func (d *DayBars) AppendSVG(dst []byte, width int) []byte {
	const height = 132
	width = max(width, 240)
	p := &pen{dst}
	p.open(width, height, d.Name(), d.Alt())
	a := area{40, float64(width) - 8, 22, height - 22}
	p.text(a.left, 11, "", d.What+"s a day")
	most := max(d.Limit, 1)
	for _, n := range d.Counts {
		most = max(most, n)
	}
	step := max(countStep(float64(most), 3), 1)
	y := scale{0, step * math.Ceil(float64(most)/step), a.bottom, a.top, false}
	p.countGrid(a, y, step)
	slot := (a.right - a.left) / float64(max(len(d.Counts), 1))
	inset := min(1, slot/6)
	for i, n := range d.Counts {
		x, w := a.left+slot*float64(i)+inset, slot-2*inset
		title := dayName(d.day(i)) + ": " + Counted(max(n, 0), d.What)
		switch {
		case n < 0:
			p.rect("void", x, a.top, w, a.bottom-a.top, dayName(d.day(i))+": no logs")
		case n == 0:
			p.rect("fmute", x, a.bottom-1.5, w, 1.5, title)
		default:
			p.rect("fbeat", x, y.at(float64(n)), w, a.bottom-y.at(float64(n)), title)
		}
	}
	if d.Limit > 0 {
		p.path("thr", "")
		p.move(a.left, y.at(float64(d.Limit)))
		p.to("H", a.right)
		p.endPath()
	}
	x := scale{0, float64(len(d.Counts)), a.left, a.right, false}
	every := max(int(math.Ceil(52/slot)), 1)
	p.path("axis", "")
	p.move(a.left, a.bottom)
	p.to("H", a.right)
	p.endPath()
	for i := 0; i < len(d.Counts); i += every {
		half := textWidth("22 Nov") / 2
		p.text(min(max(x.at(float64(i)+.5), half), float64(width)-half), a.bottom+16, "m", d.day(i).Format("2 Jan"))
	}
	p.close()
	return p.b
}
