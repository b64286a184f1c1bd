package eval

import (
	"math"
	"slices"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var seriesStatFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSeriesStats:              seriesStats,
	plan.FnSeriesStatsDynamic:       seriesStatsDynamic,
	plan.FnSeriesSum:                seriesFold(0, func(a, b float64) float64 { return a + b }),
	plan.FnSeriesProduct:            seriesFold(1, func(a, b float64) float64 { return a * b }),
	plan.FnSeriesMagnitude:          seriesMagnitude,
	plan.FnSeriesDotProduct:         seriesDotProduct,
	plan.FnSeriesCosineSimilarity:   seriesCosineSimilarity,
	plan.FnSeriesPearsonCorrelation: seriesPearson,
	plan.FnSeriesOutliers:           seriesOutliers,
	plan.FnWelchTest:                welchTest,
}

// A function that gives several values gives them as an array.

// stats are those of a series.
type stats struct {
	least, most     float64
	leastAt, mostAt int
	sum             float64
	spread          spread
}

// statsOf looks at the numbers of an array. An element that is none makes ok false, unless it is to be passed over; so
// does an array without numbers.
func statsOf(args []Value) (s stats, ok bool) {
	items, ok := arrayItems(args[0])
	passOver := len(args) > 1 && args[1].Bool()
	s.least, s.most, s.spread.less, s.spread.of = math.Inf(1), math.Inf(-1), 1, identity
	s.leastAt, s.mostAt = -1, -1
	for i, item := range items {
		f, isNumber := numberOf(item)
		if !isNumber {
			ok = ok && passOver
			continue
		}
		if f < s.least || s.leastAt < 0 {
			s.least, s.leastAt = f, i
		}
		if f > s.most || s.mostAt < 0 {
			s.most, s.mostAt = f, i
		}
		s.sum += f
		s.spread.add(f)
	}
	return s, ok && s.leastAt >= 0
}

// seriesStats gives the minimum and its place, the maximum and its place, the average, the standard deviation and the
// variance of a sample; nulls where an element is no number, unless such are to be passed over.
func seriesStats(_ *Env, _ kql.Type, args []Value) Value {
	s, ok := statsOf(args)
	if !ok {
		return nullDynamic()
	}
	variance := s.spread.value()
	return Array([]Value{
		Real(s.least), Long(int64(s.leastAt)), Real(s.most), Long(int64(s.mostAt)), Real(s.sum / s.spread.n),
		Real(math.Sqrt(variance)), Real(variance),
	})
}

// seriesStatsDynamic gives the same in a bag, with the sum and the number of elements.
func seriesStatsDynamic(_ *Env, _ kql.Type, args []Value) Value {
	s, ok := statsOf(args)
	if !ok {
		return nullDynamic()
	}
	variance := s.spread.value()
	return Bag([]string{"min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum", "len"}, []Value{
		Real(s.least), Long(int64(s.leastAt)), Real(s.most), Long(int64(s.mostAt)), Real(s.sum / s.spread.n),
		Real(math.Sqrt(variance)), Real(variance), Real(s.sum), Long(int64(s.spread.n)),
	})
}

// seriesFold joins the numbers of a series, without what is none.
func seriesFold(start float64, join func(a, b float64) float64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		all, ok := numbersIn(args[0])
		if !ok {
			return Null(out)
		}
		f := start
		for _, x := range all {
			f = join(f, x)
		}
		return Real(f)
	}
}

func seriesMagnitude(_ *Env, out kql.Type, args []Value) Value {
	all, ok := numbersIn(args[0])
	if !ok {
		return Null(out)
	}
	return Real(math.Sqrt(dot(all, all)))
}

func dot(a, b []float64) float64 {
	f := 0.0
	for i := range min(len(a), len(b)) {
		f += a[i] * b[i]
	}
	return f
}

// seriesDotProduct cuts the longer series; a number stands for a series of it. What is no number is passed over.
func seriesDotProduct(_ *Env, out kql.Type, args []Value) Value {
	a, okA := arrayItems(args[0])
	b, okB := arrayItems(args[1])
	if !okA && !okB {
		return Null(out)
	}
	n := max(len(a), len(b))
	if okA && okB {
		n = min(len(a), len(b))
	}
	f := 0.0
	for i := range n {
		x, y := args[0], args[1]
		if okA {
			x = a[i]
		}
		if okB {
			y = b[i]
		}
		p, okP := numberOf(x)
		q, okQ := numberOf(y)
		if okP && okQ {
			f += p * q
		}
	}
	return Real(f)
}

// seriesCosineSimilarity takes the magnitudes of its series as arguments where they are known. It is null for an empty
// series.
func seriesCosineSimilarity(_ *Env, out kql.Type, args []Value) Value {
	a, okA := numbersIn(args[0])
	b, okB := numbersIn(args[1])
	n := min(len(a), len(b))
	if !okA || !okB || n == 0 {
		return Null(out)
	}
	a, b = a[:n], b[:n]
	lengths := [2]float64{math.Sqrt(dot(a, a)), math.Sqrt(dot(b, b))}
	for i := range lengths {
		if len(args) > 2+i {
			if f, ok := numberOf(args[2+i]); ok {
				lengths[i] = f
			}
		}
	}
	return Real(dot(a, b) / (lengths[0] * lengths[1]))
}

// seriesPearson is null where the series are not of one length, or have what is no number.
func seriesPearson(_ *Env, out kql.Type, args []Value) Value {
	a, okA := numbersOf(args[0])
	b, okB := numbersOf(args[1])
	if !okA || !okB || len(a) != len(b) || len(a) == 0 {
		return Null(out)
	}
	meanA, meanB := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-meanA, b[i]-meanB
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return Real(ab / math.Sqrt(aa*bb))
}

func mean(all []float64) float64 {
	f := 0.0
	for _, x := range all {
		f += x
	}
	return f / float64(len(all))
}

// median of values that the call may put into another order; NaN of none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	half := len(all) / 2
	if len(all)%2 == 1 {
		return all[half]
	}
	return (all[half-1] + all[half]) / 2
}

// quantile interpolates between the two nearest of sorted values; at goes from 0 to 1.
func quantile(sorted []float64, at float64) float64 {
	place := at * float64(len(sorted)-1)
	low := int(place)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (place-float64(low))*(sorted[low+1]-sorted[low])
}

// The percentiles of Tukey's test and of the custom one, and what makes a score of the custom one as great as that of
// the other in a normal distribution. The makers of the service named the method, interpolated percentiles and this
// normalization, in public and with an example; the factor is what their example has to all of its digits.
const (
	tukeyLow, tukeyHigh   = 0.25, 0.75
	customLow, customHigh = 0.10, 0.90
	customFactor          = 2.772605605507914
)

// tukey scores how far values lie beyond the range between two percentiles, in widths of that range.
type tukey struct{ low, high, factor float64 }

var (
	plainTukey  = tukey{tukeyLow, tukeyHigh, 1}
	customTukey = tukey{customLow, customHigh, customFactor}
)

// between makes a custom test of other percentiles. The factor is what maps a score of 1.5 of the plain test in a normal
// distribution, scaled so that it is the known one for 10 and 90; the service's own for other percentiles is not known.
func (t tukey) between(low, high float64) tukey {
	factor := func(low, high float64) float64 {
		return 1.5 * (normalQuantile(high) - normalQuantile(low)) / (4*normalQuantile(tukeyHigh) - normalQuantile(high))
	}
	return tukey{low, high, factor(low, high) / factor(customLow, customHigh) * customFactor}
}

func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// scores gives 0 for what ignored says, and for values within the range. A range narrower than a sliver of size is taken
// for that wide, so that rounding does not make an outlier.
func (t tukey) scores(all []float64, size float64, ignored func(i int) bool) []float64 {
	var sorted []float64
	for i, f := range all {
		if !ignored(i) {
			sorted = append(sorted, f)
		}
	}
	scores := make([]float64, len(all))
	if len(sorted) == 0 {
		return scores
	}
	slices.Sort(sorted)
	low, high := quantile(sorted, t.low), quantile(sorted, t.high)
	width := max(high-low, 1e-9*size)
	for i, f := range all {
		switch {
		case ignored(i) || width == 0:
		case f > high:
			scores[i] = (f - high) / width * t.factor
		case f < low:
			scores[i] = (f - low) / width * t.factor
		}
	}
	return scores
}

// greatest gives the greatest of the values without their signs.
func greatest(all []float64) float64 {
	size := 0.0
	for _, f := range all {
		size = max(size, math.Abs(f))
	}
	return size
}

// seriesOutliers is series_outliers(series, kind = "ctukey", ignored value, low percentile, high percentile).
func seriesOutliers(_ *Env, _ kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	test, ok := tukeyOf(args)
	if !ok {
		return nullDynamic()
	}
	all, skip := make([]float64, len(items)), make([]bool, len(items))
	for i, item := range items {
		f, isNumber := numberOf(item)
		skip[i] = !isNumber || math.IsNaN(f)
		if !skip[i] {
			all[i] = f
		}
		if len(args) > 2 {
			without, given := numberOf(args[2])
			skip[i] = skip[i] || given && f == without
		}
	}
	return reals(test.scores(all, greatest(all), func(i int) bool { return skip[i] }))
}

func tukeyOf(args []Value) (tukey, bool) {
	kind := "ctukey"
	if len(args) > 1 {
		kind, _ = textOf(args[1])
	}
	switch {
	case strings.EqualFold(kind, "tukey"):
		return plainTukey, true
	case !strings.EqualFold(kind, "ctukey"):
		return tukey{}, false
	case len(args) < 4:
		return customTukey, true
	}
	low, high := 100*customLow, 100*customHigh
	if f, ok := numberOf(args[3]); ok {
		low = f
	}
	if len(args) > 4 {
		if f, ok := numberOf(args[4]); ok {
			high = f
		}
	}
	if low < 2 || high > 98 || low >= high {
		return tukey{}, false
	}
	return customTukey.between(low/100, high/100), true
}

// welchTest is welch_test(mean1, variance1, count1, mean2, variance2, count2): the probability that two samples of equal
// means differ so much or more, by Welch's t-test with two sides.
func welchTest(_ *Env, out kql.Type, args []Value) Value {
	var n [6]float64
	for i := range n {
		f, ok := numberOf(args[i])
		if !ok {
			return Null(out)
		}
		n[i] = f
	}
	a, b := n[1]/n[2], n[4]/n[5]
	t := (n[0] - n[3]) / math.Sqrt(a+b)
	freedom := (a + b) * (a + b) / (a*a/(n[2]-1) + b*b/(n[5]-1))
	x := freedom / (freedom + t*t)
	if math.IsNaN(x) {
		return Null(out)
	}
	return Real(betaCDF(x, freedom/2, 0.5))
}
