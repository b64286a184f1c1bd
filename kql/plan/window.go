package plan

// Window bounds the times of rows, in ticks of 100 ns since the year 1. Both ends belong to it; the zero Window bounds
// nothing.
type Window struct {
	From, To int64 // To is 0 where there is no end
}

// Contains reports whether a time lies within.
func (w Window) Contains(ticks int64) bool {
	return ticks >= w.From && (w.To == 0 || ticks <= w.To)
}

// Both gives what lies within both windows.
func (w Window) Both(o Window) Window {
	w.From = max(w.From, o.From)
	if w.To == 0 || o.To != 0 && o.To < w.To {
		w.To = o.To
	}
	return w
}
