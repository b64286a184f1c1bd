package eval

import (
	"math"
	"slices"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var seriesFitFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSeriesFitLine:          seriesFitLine,
	plan.FnSeriesFitLineDynamic:   seriesFitLineDynamic,
	plan.FnSeriesFit2lines:        seriesFitTwo,
	plan.FnSeriesFit2linesDynamic: seriesFitTwoDynamic,
	plan.FnSeriesFitPoly:          seriesFitPoly,
}

// line is the line of least squares through values at 0, 1, 2, ….
type line struct {
	slope, start        float64
	rsquare             float64
	variance, rvariance float64 // of the values, and of what they lie beside the line, as of a sample
	residue, total      float64 // sums of squares of the same
}

func fitLine(y []float64) line {
	n := float64(len(y))
	if n == 0 {
		return line{}
	}
	meanX, meanY := (n-1)/2, mean(y)
	var xx, xy float64
	l := line{}
	for i, v := range y {
		x := float64(i) - meanX
		xx, xy = xx+x*x, xy+x*(v-meanY)
		l.total += (v - meanY) * (v - meanY)
	}
	if xx > 0 {
		l.slope = xy / xx
	}
	l.start = meanY - l.slope*meanX
	for i, v := range y {
		d := v - l.at(i)
		l.residue += d * d
	}
	l.rsquare = explained(l.residue, l.total)
	if n > 1 {
		l.variance, l.rvariance = l.total/(n-1), l.residue/(n-1)
	}
	return l
}

// explained is how much of the squares a fit takes away; a fit of what does not vary is a full one.
func explained(residue, total float64) float64 {
	if total == 0 {
		return 1
	}
	return max(1-residue/total, 0)
}

func (l line) at(i int) float64 { return l.start + l.slope*float64(i) }

func (l line) values(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = l.at(i)
	}
	return out
}

// seriesFitLine gives r-square, slope, variance, residual variance, interception and the line.
func seriesFitLine(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok || len(y) == 0 {
		return nullDynamic()
	}
	l := fitLine(y)
	return Array([]Value{
		Real(l.rsquare), Real(l.slope), Real(l.variance), Real(l.rvariance), Real(l.start), reals(l.values(len(y))),
	})
}

func seriesFitLineDynamic(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok || len(y) == 0 {
		return nullDynamic()
	}
	l := fitLine(y)
	return Bag([]string{"rsquare", "slope", "variance", "rvariance", "interception", "line_fit"}, []Value{
		Real(l.rsquare), Real(l.slope), Real(l.variance), Real(l.rvariance), Real(l.start), reals(l.values(len(y))),
	})
}

// twoLines are the two lines through the parts of a series before and from a place that leave the least beside them.
type twoLines struct {
	split               int
	left, right         line
	rsquare             float64
	variance, rvariance float64
	fit                 []float64
}

// residues gives the sum of squares that the line through any part of a series leaves, out of running sums.
type residues struct{ y, xy, yy []float64 }

func newResidues(y []float64) residues {
	n := len(y) + 1
	r := residues{make([]float64, n), make([]float64, n), make([]float64, n)}
	middle := mean(y)
	for i, v := range y {
		v -= middle
		r.y[i+1], r.xy[i+1], r.yy[i+1] = r.y[i]+v, r.xy[i]+float64(i)*v, r.yy[i]+v*v
	}
	return r
}

func (r residues) of(from, to int) float64 {
	n := float64(to - from)
	meanX := float64(from) + (n-1)/2
	y, xy, yy := r.y[to]-r.y[from], r.xy[to]-r.xy[from], r.yy[to]-r.yy[from]
	xy -= meanX * y
	left := yy - y*y/n
	if xx := n * (n*n - 1) / 12; xx > 0 {
		left -= xy * xy / xx
	}
	return max(left, 0)
}

func fitTwoLines(y []float64) (best twoLines) {
	least, sums := math.Inf(1), newResidues(y)
	for split := 1; split < len(y); split++ {
		if r := sums.of(0, split) + sums.of(split, len(y)); r < least {
			least, best.split = r, split
		}
	}
	if best.split == 0 {
		best.split = len(y)
	}
	best.left, best.right = fitLine(y[:best.split]), fitLine(y[best.split:])
	least = best.left.residue + best.right.residue
	whole := fitLine(y)
	best.rsquare, best.variance = explained(least, whole.total), whole.variance
	if len(y) > 1 {
		best.rvariance = least / float64(len(y)-1)
	}
	best.fit = append(best.left.values(best.split), best.right.values(len(y)-best.split)...)
	return best
}

func twoLinesOf(v Value) (twoLines, bool) {
	y, ok := numbersOf(v)
	if !ok || len(y) == 0 {
		return twoLines{}, false
	}
	return fitTwoLines(y), true
}

// seriesFitTwo gives the values of series_fit_2lines in their documented order.
func seriesFitTwo(_ *Env, _ kql.Type, args []Value) Value {
	t, ok := twoLinesOf(args[0])
	if !ok {
		return nullDynamic()
	}
	all := []Value{Real(t.rsquare), Long(int64(t.split)), Real(t.variance), Real(t.rvariance), reals(t.fit)}
	for _, l := range []line{t.right, t.left} {
		all = append(all, Real(l.rsquare), Real(l.slope), Real(l.start), Real(l.variance), Real(l.rvariance))
	}
	return Array(all)
}

func seriesFitTwoDynamic(_ *Env, _ kql.Type, args []Value) Value {
	t, ok := twoLinesOf(args[0])
	if !ok {
		return nullDynamic()
	}
	side := func(l line) Value {
		return Bag([]string{"rsquare", "slope", "interception", "variance", "rvariance"}, []Value{
			Real(l.rsquare), Real(l.slope), Real(l.start), Real(l.variance), Real(l.rvariance),
		})
	}
	return Bag([]string{"rsquare", "split_idx", "variance", "rvariance", "line_fit", "right", "left"}, []Value{
		Real(t.rsquare), Long(int64(t.split)), Real(t.variance), Real(t.rvariance), reals(t.fit), side(t.right), side(t.left),
	})
}

// maxDegree bounds the polynomials of series_fit_poly: beyond it the numbers lose their meaning.
const maxDegree = 30

// seriesFitPoly is series_fit_poly(y, x = [1, 2, …], degree = 1): r-square, the coefficients from the highest power to the
// lowest, variance, residual variance, and the values of the polynomial of least squares.
func seriesFitPoly(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	x := make([]float64, len(y))
	for i := range x {
		x[i] = float64(i + 1)
	}
	if len(args) > 1 && args[1].set {
		var okX bool
		x, okX = numbersOf(args[1])
		ok = ok && okX
	}
	degree := int64(1)
	if len(args) > 2 {
		degree, _ = wholeOf(args[2])
	}
	if !ok || len(x) != len(y) || degree < 0 || degree > maxDegree || int64(len(y)) <= degree {
		return nullDynamic()
	}
	coefficients, ok := fitPolynomial(x, y, int(degree))
	if !ok {
		return nullDynamic()
	}
	fit, residue, total, middle := make([]float64, len(y)), 0.0, 0.0, mean(y)
	for i := range y {
		for _, c := range slices.Backward(coefficients) {
			fit[i] = fit[i]*x[i] + c
		}
		residue += (y[i] - fit[i]) * (y[i] - fit[i])
		total += (y[i] - middle) * (y[i] - middle)
	}
	high := make([]float64, len(coefficients))
	for k, c := range coefficients {
		high[len(high)-1-k] = c
	}
	less := max(float64(len(y)-1), 1)
	return Array([]Value{Real(explained(residue, total)), reals(high), Real(total / less), Real(residue / less), reals(fit)})
}

// fitPolynomial gives the coefficients of least squares from the lowest power, by Householder reflections of the matrix
// of powers, which keeps more digits than the normal equations do.
func fitPolynomial(x, y []float64, degree int) ([]float64, bool) {
	n, m := len(x), degree+1
	a := make([][]float64, m) // columns
	for k := range a {
		a[k] = make([]float64, n)
		for i := range x {
			a[k][i] = 1
			if k > 0 {
				a[k][i] = a[k-1][i] * x[i]
			}
		}
	}
	b := append([]float64(nil), y...)
	diagonal := make([]float64, m)
	for k := range m {
		norm := math.Sqrt(dot(a[k][k:], a[k][k:]))
		if norm == 0 || math.IsNaN(norm) || math.IsInf(norm, 0) {
			return nil, false
		}
		if a[k][k] > 0 {
			norm = -norm
		}
		diagonal[k] = norm
		a[k][k] -= norm
		v := a[k][k:]
		for _, column := range append(a[k+1:m:m], b) {
			part := column[k:]
			f := dot(v, part) / (norm * v[0])
			for i := range part {
				part[i] += f * v[i]
			}
		}
	}
	c := make([]float64, m)
	for k := m - 1; k >= 0; k-- {
		f := b[k]
		for j := k + 1; j < m; j++ {
			f -= a[j][k] * c[j]
		}
		c[k] = f / diagonal[k]
	}
	return c, true
}
