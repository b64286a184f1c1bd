package plot

import "fmt"

// Reason is one named part of a score.
type Reason struct {
	Name   string  // a word: "rhythm"
	Text   string  // a sentence: "1,159 of 1,186 gaps lie in 227–319 s"
	Weight float64 // in nats; shown and added to one decimal
}

// Reasons shows what a score is made of: each reason's bar begins where the one before it ended, and the last one
// ends at the score.
type Reasons struct {
	// Items in the order of adding.
	Items []Reason
	// Line is the score from which on a channel is reported.
	Line float64
}

// Sum gives the score: the weights are rounded to a tenth before they are added, so it is what a reader gets who adds
// up the column.
func (r *Reasons) Sum() float64 {
	sum := int64(0)
	for _, x := range r.Items {
		sum += tenths(x.Weight)
	}
	return float64(sum) / 10
}

// Name implements [Picture].
func (*Reasons) Name() string { return "Reasons" }

// Alt implements [Picture].
func (r *Reasons) Alt() string {
	up, down := 0, 0
	for _, x := range r.Items {
		switch t := tenths(x.Weight); {
		case t > 0:
			up++
		case t < 0:
			down++
		}
	}
	return fmt.Sprintf("%s for and %d against add up to %s.", Counted(int64(up), "reason"), down, Signed(r.Sum()))
}

// Table implements [Picture].
func (r *Reasons) Table() Table {
	t := Table{Columns: []Column{{"Reason", false}, {"Why", false}, {"Nats", true}}}
	for _, x := range r.Items {
		t.Rows = append(t.Rows, []string{x.Name, x.Text, Signed(x.Weight)})
	}
	t.Rows = append(t.Rows, []string{"Score", "", Signed(r.Sum())})
	return t
}

// extent gives the least and the greatest of the running sums, 0 and the line, in tenths.
func (r *Reasons) extent() (low, high int64) {
	line := tenths(r.Line)
	low, high = min(line, 0), max(line, 0)
	sum := int64(0)
	for _, x := range r.Items {
		sum += tenths(x.Weight)
		low, high = min(low, sum), max(high, sum)
	}
	if low == high {
		high++
	}
	return low, high
}

// The size of a bar's own picture, in pixels.
const (
	barWidth  = 128
	barHeight = 16
)

// AppendBar appends the bar of one reason as an <svg> of 128 by 16 pixels, for a table that has the text. The index
// after the last reason gives the bar of the sum.
func (r *Reasons) AppendBar(dst []byte, index int) []byte {
	p := &pen{dst}
	p.raw(`<svg class="plot bar" width="128" height="16" viewBox="0 0 128 16" aria-hidden="true">`)
	low, high := r.extent()
	x := scale{float64(low), float64(high), 3, barWidth - 3, false}
	r.bar(p, x, index, 0, barHeight)
	p.close()
	return p.b
}

// bar draws the bar of a reason, or of the sum, in a row.
func (r *Reasons) bar(p *pen, x scale, index int, y, height float64) {
	p.path("grid", "")
	p.vertical(x.at(0), y, y+height)
	p.endPath()
	line := x.at(float64(tenths(r.Line)))
	if index >= len(r.Items) {
		sum := tenths(r.Sum())
		from, to := x.at(float64(min(sum, 0))), x.at(float64(max(sum, 0)))
		p.rect("tot", from, y+height/2-4, max(to-from, 1.5), 8, "")
		p.path("thr", "")
		p.vertical(line, y, y+height)
		p.endPath()
		return
	}
	before := int64(0)
	for _, item := range r.Items[:index] {
		before += tenths(item.Weight)
	}
	after := before + tenths(r.Items[index].Weight)
	class := "pfor"
	if after < before {
		class = "pag"
	}
	from, to := x.at(float64(min(before, after))), x.at(float64(max(before, after)))
	p.rect(class, from, y+height/2-5, max(to-from, 1.5), 10, "")
}

// AppendSVG implements [Picture]: the whole sum in one picture, with names and signed weights.
func (r *Reasons) AppendSVG(dst []byte, width int) []byte {
	const row, left, right = 22, 96, 48
	width = max(width, 280)
	height := row*(len(r.Items)+1) + 22
	p := &pen{dst}
	p.open(width, height, r.Name(), r.Alt())
	low, high := r.extent()
	x := scale{float64(low), float64(high), left, float64(width) - right, false}
	p.text(float64(width), 11, "e", "nats")
	p.text(x.at(float64(tenths(r.Line))), 11, "m", "line "+Signed(r.Line))
	for i := 0; i <= len(r.Items); i++ {
		y := float64(18 + row*i)
		r.bar(p, x, i, y, row)
		name, weight, class := "score", r.Sum(), "e tb"
		if i < len(r.Items) {
			name, weight = shortened(r.Items[i].Name, 14), r.Items[i].Weight
			switch t := tenths(weight); {
			case t > 0:
				class = "e pos"
			case t < 0:
				class = "e neg"
			default:
				class = "e"
			}
		}
		p.text(left-8, y+15, "e t1", name)
		p.text(float64(width), y+15, class, Signed(weight))
	}
	p.close()
	return p.b
}

// shortened cuts a text to n runes.
func shortened(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:max(n-1, 0)]) + "…"
}
