package eval

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Periods and decomposition. The documentation gives the steps of the decomposition, and they are followed exactly: the
// seasonal part is the median of the points of one phase, the trend the mean or the line of what is left, and scores of
// anomalies are those of series_outliers on what is left then.
//
// How the service finds periods is not published but for the bounds (4 points at least, half of the series at most),
// that scores lie between 0 and 1, and one example. Here the score of a period k of n points is their autocorrelation at
// lag k divided by the square root of 1-k/n, which gives the example's score, and a period must be a peak: no lag within
// a quarter of it scores more. Periods near the threshold may come out otherwise than in the service.

var seriesPeriodFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSeriesPeriodsDetect:      seriesPeriodsDetect,
	plan.FnSeriesPeriodsValidate:    seriesPeriodsValidate,
	plan.FnSeriesSeasonal:           seriesSeasonal,
	plan.FnSeriesDecompose:          seriesDecompose,
	plan.FnSeriesDecomposeForecast:  seriesDecomposeForecast,
	plan.FnSeriesDecomposeAnomalies: seriesDecomposeAnomalies,
}

// leastPeriod is the shortest period that is looked for.
const leastPeriod = 4

// periods scores the lags of a series.
type periods struct {
	n      int
	scores []float64 // of the lags 0 to n/2+1
}

// newPeriods computes the autocorrelation of all lags by way of the spectrum.
func newPeriods(y []float64) *periods {
	n := len(y)
	p := &periods{n: n, scores: make([]float64, n/2+2)}
	if n < 2*leastPeriod {
		return p
	}
	size := 1
	for size < 2*n {
		size *= 2
	}
	z, middle, total := make([]complex128, size), mean(y), 0.0
	for i, f := range y {
		z[i] = complex(f-middle, 0)
		total += (f - middle) * (f - middle)
	}
	if !(total > 0) || math.IsInf(total, 0) {
		return p
	}
	fourierOfPower(z, false)
	for i, c := range z {
		z[i] = complex(real(c)*real(c)+imag(c)*imag(c), 0)
	}
	fourierOfPower(z, true)
	for k := 1; k < len(p.scores) && k < n; k++ {
		r := real(z[k]) / float64(size) / total
		p.scores[k] = min(max(r/math.Sqrt(1-float64(k)/float64(n)), 0), 1)
	}
	return p
}

// score is 0 where the lag is no period.
func (p *periods) score(k int) float64 {
	if k < leastPeriod || k > p.n/2 || p.scores[k] < 2/math.Sqrt(float64(p.n)) {
		return 0
	}
	reach := max(k/4, 1)
	for i := max(k-reach, 1); i <= min(k+reach, p.n/2+1); i++ {
		if i != k && p.scores[i] >= p.scores[k] {
			return 0
		}
	}
	return p.scores[k]
}

// cycle is a period that was found.
type cycle struct {
	length int
	score  float64
}

// find gives the best periods between two lengths, the best first. A multiple of a period that is better is none.
func (p *periods) find(least, most float64, count int) []cycle {
	var all []cycle
	for k := leastPeriod; 2*k < p.n; k++ {
		if float64(k) < least || float64(k) > most {
			continue
		}
		if s := p.score(k); s > 0 {
			all = append(all, cycle{k, s})
		}
	}
	slices.SortStableFunc(all, func(a, b cycle) int { return cmp.Compare(b.score, a.score) })
	var found []cycle
	for _, c := range all {
		multiple := slices.ContainsFunc(found, func(f cycle) bool {
			return f.length < c.length && (c.length+1)%f.length <= 2
		})
		if !multiple && len(found) < count {
			found = append(found, c)
		}
	}
	return found
}

// seriesPeriodsDetect is series_periods_detect(series, least, most, count). Where fewer are found, zeros fill the arrays.
func seriesPeriodsDetect(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	least, ok1 := numberOf(args[1])
	most, ok2 := numberOf(args[2])
	count, ok3 := wholeOf(args[3])
	if !ok || !ok1 || !ok2 || !ok3 || count < 1 {
		return nullDynamic()
	}
	count = min(count, int64(len(y)))
	lengths, scores := make([]float64, count), make([]float64, count)
	for i, p := range newPeriods(y).find(least, most, int(count)) {
		lengths[i], scores[i] = float64(p.length), p.score
	}
	return Array([]Value{reals(lengths), reals(scores)})
}

// seriesPeriodsValidate scores given periods, whole or not.
func seriesPeriodsValidate(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok {
		return nullDynamic()
	}
	p := newPeriods(y)
	lengths, scores := make([]float64, len(args)-1), make([]float64, len(args)-1)
	for i, a := range args[1:] {
		f, _ := numberOf(a)
		lengths[i] = f
		if f >= leastPeriod && f <= float64(p.n)/2 {
			scores[i] = p.score(int(math.Round(f)))
		}
	}
	return Array([]Value{reals(lengths), reals(scores)})
}

// seasonal gives for each of n points the median of the learned points of its phase; period 0 gives zeros.
func seasonal(learned []float64, n, length int) []float64 {
	out := make([]float64, n)
	if length <= 0 {
		return out
	}
	phases := make([]float64, min(length, n))
	for k := range phases {
		var phase []float64
		for i := k; i < len(learned); i += length {
			phase = append(phase, learned[i])
		}
		if len(phase) > 0 {
			phases[k] = median(phase)
		}
	}
	for i := range out {
		out[i] = phases[i%length]
	}
	return out
}

// The thresholds from which on a period that is found counts. For series_seasonal the documentation has 0.7, of the
// service's own score; with the score here it is 0.6 that tells its examples apart.
const (
	seasonalThreshold  = 0.6
	decomposeThreshold = 0.6
)

// periodOf gives the period that is asked for: a length, or -1 for the one that the series has, or 0 for none.
func periodOf(y []float64, asked int64, threshold float64) int {
	switch {
	case asked > 0:
		return int(min(asked, math.MaxInt32))
	case asked < 0:
		for _, p := range newPeriods(y).find(leastPeriod, float64(len(y)), 1) {
			if p.score >= threshold {
				return p.length
			}
		}
	}
	return 0
}

// seriesSeasonal is series_seasonal(series, period = -1, test points).
func seriesSeasonal(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok {
		return nullDynamic()
	}
	asked := wholeArg(args, 1, -1)
	learned := y[:learnedPoints(len(y), wholeArg(args, 2, 0))]
	return reals(seasonal(learned, len(y), periodOf(learned, asked, seasonalThreshold)))
}

func wholeArg(args []Value, place int, usual int64) int64 {
	if len(args) > place {
		if f, ok := numberOf(args[place]); ok && math.Abs(f) < 1<<53 {
			return int64(f)
		}
	}
	return usual
}

func learnedPoints(n int, test int64) int { return n - int(min(max(test, 0), int64(n))) }

// parts are those of a decomposed series.
type parts struct{ baseline, seasonal, trend, residual []float64 }

// decomposition is what is asked of a decomposition.
type decomposition struct {
	period    int64
	trend     string
	test      int64
	threshold float64
}

func (d decomposition) of(y []float64) (p parts, ok bool) {
	n := len(y)
	learned := y[:learnedPoints(n, d.test)]
	p.seasonal = seasonal(learned, n, periodOf(learned, d.period, d.threshold))
	rest := make([]float64, len(learned))
	for i := range rest {
		rest[i] = learned[i] - p.seasonal[i]
	}
	p.trend = make([]float64, n)
	switch {
	case strings.EqualFold(d.trend, "avg"):
		if len(rest) > 0 {
			p.trend = line{start: mean(rest)}.values(n)
		}
	case strings.EqualFold(d.trend, "linefit"):
		p.trend = fitLine(rest).values(n)
	case !strings.EqualFold(d.trend, "none"):
		return p, false
	}
	p.baseline, p.residual = make([]float64, n), make([]float64, n)
	for i := range y {
		p.baseline[i] = p.seasonal[i] + p.trend[i]
		p.residual[i] = y[i] - p.baseline[i]
	}
	return p, true
}

// decompositionOf reads the arguments that the functions share, at their places; a place of -1 is left out.
func decompositionOf(args []Value, period, trend, test, threshold int) decomposition {
	d := decomposition{period: wholeArg(args, period, -1), trend: "avg", threshold: decomposeThreshold}
	if len(args) > trend {
		d.trend, _ = textOf(args[trend])
	}
	if test >= 0 {
		d.test = wholeArg(args, test, 0)
	}
	if len(args) > threshold {
		if f, ok := numberOf(args[threshold]); ok {
			d.threshold = f
		}
	}
	return d
}

// seriesDecompose is series_decompose(series, period = -1, trend = "avg", test points = 0, threshold = 0.6). It gives the
// baseline, the seasonal part, the trend and the residual.
func seriesDecompose(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok {
		return nullDynamic()
	}
	p, ok := decompositionOf(args, 1, 2, 3, 4).of(y)
	if !ok {
		return nullDynamic()
	}
	return Array([]Value{reals(p.baseline), reals(p.seasonal), reals(p.trend), reals(p.residual)})
}

// seriesDecomposeForecast is series_decompose_forecast(series, points, period = -1, trend = "avg", threshold = 0.6): the
// points at the end are not learned from. It gives the same as [seriesDecompose].
func seriesDecomposeForecast(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok {
		return nullDynamic()
	}
	d := decompositionOf(args, 2, 3, 1, 4)
	p, ok := d.of(y)
	if !ok {
		return nullDynamic()
	}
	return Array([]Value{reals(p.baseline), reals(p.seasonal), reals(p.trend), reals(p.residual)})
}

// seriesDecomposeAnomalies is series_decompose_anomalies(series, threshold = 1.5, period = -1, trend = "avg", test points =
// 0, method = "ctukey", threshold of the period = 0.6). It gives flags (1, 0, -1), scores and the baseline.
func seriesDecomposeAnomalies(_ *Env, _ kql.Type, args []Value) Value {
	y, ok := numbersOf(args[0])
	if !ok {
		return nullDynamic()
	}
	threshold := 1.5
	if len(args) > 1 {
		if f, isNumber := numberOf(args[1]); isNumber {
			threshold = f
		}
	}
	p, ok := decompositionOf(args, 2, 3, 4, 6).of(y)
	test := customTukey
	if ok && len(args) > 5 {
		test, ok = tukeyOf([]Value{args[0], args[5]})
	}
	if !ok {
		return nullDynamic()
	}
	scores := test.scores(p.residual, greatest(y), func(int) bool { return false })
	flags := make([]float64, len(scores))
	for i, s := range scores {
		switch {
		case s > threshold:
			flags[i] = 1
		case s < -threshold:
			flags[i] = -1
		}
	}
	return Array([]Value{wholes(flags), reals(scores), reals(p.baseline)})
}
