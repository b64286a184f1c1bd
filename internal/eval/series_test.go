package eval_test

import (
	"math"
	"math/cmplx"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

func TestSeries(t *testing.T) {
	for _, c := range []struct{ group, exprs string }{
		{"elements", `
			series_add(dynamic([1,2,null]), dynamic([10,0.5,1,4])) = [11,2.5,null,null]
			series_subtract(dynamic([1,2]), 1) = [0,1]
			series_subtract(10, dynamic([1,2.5])) = [9,7.5]
			series_multiply(dynamic([3,"x"]), dynamic([3,3])) = [9,null]
			series_divide(dynamic([1,4]), dynamic([4,0])) = [0.25,"Infinity"]
			series_pow(dynamic([1,2,4]), dynamic([1,3,0.5])) = [1.0,8.0,2.0]
			series_greater(dynamic([1,2,4]), 2) = [false,false,true]
			series_less_equals(dynamic([1,2,4]), 2) = [true,true,false]
			series_equals(dynamic([1,2,"a"]), dynamic([1,3,1])) = [true,false,null]
			series_not_equals(dynamic([1,2]), dynamic([1.0,3])) = [false,true]
			series_abs(dynamic([-6.5,0,-8])) = [6.5,0,8]
			series_sign(dynamic([-6,0,8.5])) = [-1,0,1.0]
			series_floor(dynamic([-1.5,1,2.5])) = [-2.0,1.0,2.0]
			series_ceiling(dynamic([-1.5,1])) = [-1.0,1.0]
			series_exp(dynamic([0,null])) = [1.0,null]
			series_log(dynamic([1,0])) = [0.0,"-Infinity"]
			series_cos(dynamic([0])) = [1.0]
			series_add(dynamic({}), 1) = null`},
		{"fill", `
			series_fill_forward(dynamic([null,1,null,2,null])) = [null,1,1,2,2]
			series_fill_forward(dynamic([0,1,0]), 0) = [0,1,1]
			series_fill_backward(dynamic([null,1,null,2,null])) = [1,1,2,2,null]
			series_fill_const(dynamic([null,1]), 7) = [7,1]
			series_fill_const(dynamic([0,1,null]), 7, 0) = [7,1,null]
			series_fill_linear(dynamic([null,111.0,null,36.0])) = [111.0,111.0,73.5,36.0]
			series_fill_linear(dynamic([null,111,null,36,null])) = [111,111,73,36,36]
			series_fill_linear(dynamic([null,1,null,3]), double(null), false) = [null,1,2,3]
			series_fill_linear(dynamic([null,null])) = [0.0,0.0]
			series_fill_linear(dynamic([null]), double(null), true, 2.5) = [2.5]
			series_fill_linear(dynamic([5,-1,7]), -1) = [5,6,7]`},
		{"numbers", `
			series_sum(dynamic([1,2.5,null])) = 3.5
			series_product(dynamic([2,3])) = 6.0
			series_magnitude(dynamic([3,4])) = 5.0
			series_dot_product(dynamic([1,2,3]), dynamic([4,5])) = 14.0
			series_dot_product(dynamic([1,2]), 3) = 9.0
			series_cosine_similarity(dynamic([1,0]), dynamic([1,0,5])) = 1.0
			series_cosine_similarity(dynamic([]), dynamic([1])) = null
			series_cosine_similarity(dynamic([3,4]), dynamic([3,4]), 10.0, 5.0) = 0.5
			series_pearson_correlation(dynamic([1,2,3]), dynamic([6,4,2])) = -1.0
			series_pearson_correlation(dynamic([1,2,3]), dynamic([6,4])) = null
			series_stats_dynamic(dynamic([10,20])) = {"min":10.0,"min_idx":0,"max":20.0,"max_idx":1,"avg":15.0,"stdev":7.0710678118654755,"variance":50.0,"sum":30.0,"len":2}
			series_stats_dynamic(dynamic([3])).variance = 0.0
			series_stats_dynamic(dynamic([3,null])) = null
			series_stats_dynamic(dynamic([3,null,3]), true).len = 2
			series_stats_dynamic(dynamic([])) = null
			series_stats(dynamic([4,2,2])) = 2.0
			welch_test(68.4, 20.1, 25, 62.1, 15.2, 20) between (9.1036e-6 .. 9.1037e-6) = true
			welch_test(1, 2, 10, 1, 3, 10) = 1.0`},
		{"filters", `
			series_fir(dynamic([5,15,10,20]), dynamic([1,-1])) = [5,10,-5,10]
			series_fir(dynamic([1,2,3,4]), dynamic([1,1])) = [0.5,1.5,2.5,3.5]
			series_fir(dynamic([0,0,6,0,0]), dynamic([1,1,1]), true, true) = [0.0,2.0,2.0,2.0,0.0]
			series_fir(dynamic([1,2]), dynamic([1,-1]), true) = null
			series_iir(dynamic([1,2,3,4]), dynamic([1]), dynamic([1,-1])) = [1.0,3.0,6.0,10.0]
			series_iir(dynamic([1,2]), dynamic([1]), dynamic([0])) = null
			series_seasonal(dynamic([1,3,5,1,3,5,2,4,6]), 3) = [1.0,3.0,5.0,1.0,3.0,5.0,1.0,3.0,5.0]
			series_seasonal(dynamic([1,3,5,2,4,6,1,3,5,2,4,6]), 3) = [1.5,3.5,5.5,1.5,3.5,5.5,1.5,3.5,5.5,1.5,3.5,5.5]
			series_seasonal(dynamic([1,3,5,2,4,6,1,3,5,2,4,6])) = [0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]
			series_seasonal(dynamic([8,12,14,12,10,10,12,14,12,10,10,12,14,12,10,10,12,14,12,10]))[1] = 12.0
			series_seasonal(dynamic([2,5,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1]))[3] = 4.0`},
		{"outliers", `
			series_outliers(dynamic([1,1,1,1,1,1,1,1,1,1,1,1])) = [0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]
			series_outliers(dynamic([1,2,3,4,9]), "tukey") = [-0.5,0.0,0.0,0.0,2.5]
			series_outliers(dynamic([1,2,3,4,9,null,-1]), "tukey", -1) = [-0.5,0.0,0.0,0.0,2.5,0.0,0.0]
			series_outliers(dynamic([1,2]), "other") = null
			series_outliers(dynamic([1,2]), "ctukey", real(null), 1.0, 90.0) = null`},
	} {
		t.Run(c.group, func(t *testing.T) { checkExpressions(t, c.exprs) })
	}
}

func realArray(all ...float64) eval.Value {
	items := make([]eval.Value, len(all))
	for i, f := range all {
		items[i] = eval.Real(f)
	}
	return eval.Array(items)
}

// series computes a function of a series and gives the arrays of its result.
func series(t *testing.T, fn plan.Fn, args ...eval.Value) [][]float64 {
	t.Helper()
	v := call(fn, kql.TypeDynamic, args...)
	if v.IsNull() {
		t.Fatalf("%s is null", fn)
	}
	items := v.Tree().Items
	if len(items) > 0 && items[0].Tree() == nil && !slices.ContainsFunc(items, func(v eval.Value) bool { return v.Tree() != nil }) {
		items = []eval.Value{v}
	}
	out := make([][]float64, len(items))
	for i, item := range items {
		if item.Tree() == nil {
			out[i] = []float64{eval.Convert(item, kql.TypeReal).Real()}
			continue
		}
		for _, x := range item.Tree().Items {
			out[i] = append(out[i], eval.Convert(x, kql.TypeReal).Real())
		}
	}
	return out
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

func checkNear(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, not %d", what, len(got), len(want))
	}
	for i := range got {
		if !near(got[i], want[i]) {
			t.Fatalf("%s: place %d has %v, not %v", what, i, got[i], want[i])
		}
	}
}

// The scores that the service gives for a series, as its makers told in public.
func TestOutliersOfTheService(t *testing.T) {
	got := series(t, plan.FnSeriesOutliers, realArray(-3, 2.4, 15, 3.9, 5, 6, 4.5, 5.2, 3, 4, 5, 16, 7, 5, 5, 4))
	checkNear(t, "scores", got[0], []float64{
		-1.9040785483608571, -0.10021466044004519, 1.3361954725339347, 0, 0, 0, 0, 0, 0, 0, 0, 1.6702443406674186, 0, 0, 0, 0,
	})
}

// The percentiles that the custom test has anyway make no difference; others do.
func TestOutliersOfOtherPercentiles(t *testing.T) {
	y := realArray(-3, 2.4, 15, 3.9, 5, 6, 4.5, 5.2, 3, 4, 5, 16, 7, 5, 5, 4)
	args := []eval.Value{y, eval.String("ctukey"), eval.Null(kql.TypeReal), eval.Real(10), eval.Real(90)}
	usual, same := series(t, plan.FnSeriesOutliers, y), series(t, plan.FnSeriesOutliers, args...)
	checkNear(t, "scores", same[0], usual[0])
	args[3], args[4] = eval.Real(5), eval.Real(95)
	if wider := series(t, plan.FnSeriesOutliers, args...); wider[0][1] != 0 || wider[0][0] >= 0 {
		t.Errorf("scores of 5 and 95: %v", wider[0])
	}
}

// The line, and the two lines, of examples in the documentation.
func TestLines(t *testing.T) {
	got := series(t, plan.FnSeriesFitLine, realArray(2, 5, 6, 8, 11, 15, 17, 18, 25, 26, 30, 30))
	for i, want := range []float64{0.982, 2.730, 98.628, 1.686} { // printed with three digits, cut
		if math.Trunc(got[i][0]*1000) != want*1000 {
			t.Errorf("value %d is %v, not %v", i, got[i][0], want)
		}
	}
	if math.Abs(got[5][0]-1.064) > 0.001 || math.Abs(got[5][11]-31.102) > 0.001 {
		t.Errorf("the line is %v", got[5])
	}
	two := series(t, plan.FnSeriesFit2lines, realArray(0, 1, 2, 3, 10, 8, 6, 4))
	if two[1][0] != 4 || !near(two[0][0], 1) || !near(two[6][0], -2) || !near(two[11][0], 1) || !near(two[7][0], 10) {
		t.Errorf("two lines: %v", two)
	}
	checkNear(t, "two lines", two[4], []float64{0, 1, 2, 3, 10, 8, 6, 4})
	one := series(t, plan.FnSeriesFit2lines, realArray(7))
	if one[1][0] != 1 || one[0][0] != 1 {
		t.Errorf("two lines of one point: %v", one)
	}
}

// A polynomial is found again from its points, and one of degree 1 is the line.
func TestPolynomials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coefficients := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 5).Draw(t, "coefficients")
		var x, y []float64
		for i := range 12 {
			at := float64(i)/6 - 1
			f := 0.0
			for _, c := range coefficients {
				f = f*at + c
			}
			x, y = append(x, at), append(y, f)
		}
		got := call(plan.FnSeriesFitPoly, kql.TypeDynamic, realArray(y...), realArray(x...), eval.Int(int32(len(coefficients)-1)))
		for i, c := range got.Tree().Items[1].Tree().Items {
			if math.Abs(c.Real()-coefficients[i]) > 1e-9 {
				t.Fatalf("coefficient %d is %v, not %v", i, c.Real(), coefficients[i])
			}
		}
	})
	y := realArray(3, 1, 4, 1, 5, 9, 2, 6)
	line, poly := series(t, plan.FnSeriesFitLine, y), series(t, plan.FnSeriesFitPoly, y)
	checkNear(t, "line", poly[4], line[5])
	checkNear(t, "slope", poly[1][:1], line[1])
	for _, bad := range []eval.Value{eval.Int(8), eval.Int(-1), eval.Int(99)} {
		if v := call(plan.FnSeriesFitPoly, kql.TypeDynamic, y, eval.Null(kql.TypeDynamic), bad); !v.IsNull() {
			t.Errorf("degree %d of 8 points gives %s", bad.Int(), text(v))
		}
	}
}

// The transform of any length is the sum that defines it, and its inverse gives the series back.
func TestFourier(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		re := rapid.SliceOfN(rapid.Float64Range(-10, 10), 1, 40).Draw(t, "re")
		im := rapid.SliceOfN(rapid.Float64Range(-10, 10), len(re), len(re)).Draw(t, "im")
		f := call(plan.FnSeriesFft, kql.TypeDynamic, realArray(re...), realArray(im...)).Tree().Items
		back := call(plan.FnSeriesIfft, kql.TypeDynamic, f[0], f[1]).Tree().Items
		for k := range re {
			want := complex(0, 0)
			for i := range re {
				want += complex(re[i], im[i]) * cmplx.Rect(1, -2*math.Pi*float64(i*k%len(re))/float64(len(re)))
			}
			got := complex(f[0].Tree().Items[k].Real(), f[1].Tree().Items[k].Real())
			if cmplx.Abs(got-want) > 1e-9 {
				t.Fatalf("place %d of %d has %v, not %v", k, len(re), got, want)
			}
			if math.Abs(back[0].Tree().Items[k].Real()-re[k])+math.Abs(back[1].Tree().Items[k].Real()-im[k]) > 1e-9 {
				t.Fatalf("place %d does not come back", k)
			}
		}
	})
}

// traffic is the example of the documentation: a month of visits, twice a day, with a period of a week.
var traffic = []float64{
	80, 139, 87, 110, 68, 54, 50, 51, 53, 133, 86, 141, 97, 156, 94, 149, 95, 140, 77, 61, 50, 54, 47, 133, 72, 152, 94, 148, 105, 162,
	101, 160, 87, 63, 53, 55, 54, 151, 103, 189, 108, 183, 113, 175, 113, 178, 90, 71, 62, 62, 65, 165, 109, 181, 115, 182, 121, 178, 114, 170,
}

func TestPeriods(t *testing.T) {
	found := series(t, plan.FnSeriesPeriodsDetect, realArray(traffic...), eval.Real(0), eval.Real(50), eval.Long(2))
	if !slices.Equal(found[0], []float64{14, 0}) || math.Round(found[1][0]*100) != 84 || found[1][1] != 0 {
		t.Errorf("found %v", found)
	}
	scored := series(t, plan.FnSeriesPeriodsValidate, realArray(traffic...), eval.Real(14), eval.Real(10), eval.Real(3), eval.Real(31))
	if !slices.Equal(scored[0], []float64{14, 10, 3, 31}) || math.Round(scored[1][0]*100) != 84 || !slices.Equal(scored[1][1:], []float64{0, 0, 0}) {
		t.Errorf("validated %v", scored)
	}
	if none := series(t, plan.FnSeriesPeriodsDetect, realArray(1, 1, 1), eval.Real(0), eval.Real(50), eval.Long(2)); none[1][0] != 0 {
		t.Errorf("found %v in nothing", none)
	}
	// The score is the sum of products, written out.
	mean, n := 0.0, len(traffic)
	for _, f := range traffic {
		mean += f / float64(n)
	}
	var with, all float64
	for i, f := range traffic {
		all += (f - mean) * (f - mean)
		if i+14 < n {
			with += (f - mean) * (traffic[i+14] - mean)
		}
	}
	if want := with / all / math.Sqrt(1-14/float64(n)); !near(scored[1][0], want) {
		t.Errorf("the score is %v, not %v", scored[1][0], want)
	}
}

// weeks is as the series of the documentation's examples of anomalies: five weeks of hours, with a day and a week in it,
// noise, three dips of 8 and three rises of 8, and a trend if asked for.
func weeks(trend, weekend float64) (y []float64, planted map[int]float64) {
	planted = map[int]float64{150: -8, 200: -8, 780: -8, 300: 8, 400: 8, 600: 8}
	for i := 1; i <= 24*7*5; i++ {
		f := float64(i*7919%1000)/500 + planted[i] + float64(i)*trend
		level, phase := 15.0, float64(i%24/10)
		if i/24%7 >= 5 {
			level = weekend
		}
		y = append(y, f+level-phase*phase)
	}
	return y, planted
}

func TestAnomalies(t *testing.T) {
	for _, c := range []struct {
		trend, weekend, threshold float64
		kind                      string
	}{
		{0, 10, 1.5, "avg"},
		{1.0 / 72, 5, 2.5, "linefit"},
	} {
		y, planted := weeks(c.trend, c.weekend)
		got := series(t, plan.FnSeriesDecomposeAnomalies, realArray(y...), eval.Real(c.threshold), eval.Long(-1), eval.String(c.kind))
		for i, flag := range got[0] {
			if want := planted[i+1] / 8; flag != want {
				t.Errorf("%s: hour %d has flag %v and score %v, not %v", c.kind, i+1, flag, got[1][i], want)
			}
		}
	}
	// What does not vary has no anomalies, whatever rounding makes of its mean.
	flat := slices.Repeat([]float64{0.1}, 50)
	for _, trend := range []string{"avg", "linefit", "none"} {
		got := series(t, plan.FnSeriesDecomposeAnomalies, realArray(flat...), eval.Real(1.5), eval.Long(-1), eval.String(trend))
		if slices.Max(got[0]) != 0 || slices.Min(got[0]) != 0 {
			t.Errorf("%s: %v", trend, got[0])
		}
	}
	flat[20] = 5
	got := series(t, plan.FnSeriesDecomposeAnomalies, realArray(flat...))
	if got[0][20] != 1 || got[0][19] != 0 {
		t.Errorf("a peak in what is flat: %v", got[0])
	}
}

// The parts of a decomposition add up, and a forecast goes on with trend and period.
func TestDecomposition(t *testing.T) {
	y, _ := weeks(1.0/72, 5)
	p := series(t, plan.FnSeriesDecompose, realArray(y...), eval.Long(-1), eval.String("linefit"))
	for i := range y {
		if !near(p[0][i], p[1][i]+p[2][i]) || !near(p[3][i], y[i]-p[0][i]) {
			t.Fatalf("place %d: %v %v %v %v", i, p[0][i], p[1][i], p[2][i], p[3][i])
		}
	}
	var line []float64
	for i := range 40 {
		line = append(line, float64(i)+float64(i%4)*10)
	}
	cut := slices.Clone(line)
	for i := 32; i < 40; i++ {
		cut[i] = 0
	}
	forecast := series(t, plan.FnSeriesDecomposeForecast, realArray(cut...), eval.Long(8), eval.Long(4), eval.String("linefit"))
	for i := 32; i < 40; i++ {
		if math.Abs(forecast[0][i]-line[i]) > 3 {
			t.Errorf("place %d is %v, not near %v", i, forecast[0][i], line[i])
		}
	}
	if v := call(plan.FnSeriesDecompose, kql.TypeDynamic, realArray(1, 2), eval.Long(0), eval.String("cubic")); !v.IsNull() {
		t.Errorf("an unknown trend gives %s", text(v))
	}
	if v := call(plan.FnSeriesDecompose, kql.TypeDynamic, realArray(), eval.Long(3)); text(v) != "[[],[],[],[]]" {
		t.Errorf("an empty series gives %s", text(v))
	}
}

// No function of series may fail on any series, whatever its length and numbers.
func TestSeriesOfAllKinds(t *testing.T) {
	fns := []plan.Fn{
		plan.FnSeriesDecompose, plan.FnSeriesDecomposeAnomalies, plan.FnSeriesFitLine, plan.FnSeriesFit2lines, plan.FnSeriesFitPoly,
		plan.FnSeriesStats, plan.FnSeriesOutliers, plan.FnSeriesSeasonal, plan.FnSeriesFft, plan.FnSeriesFillLinear,
		plan.FnSeriesFitLineDynamic, plan.FnSeriesFit2linesDynamic,
	}
	rapid.Check(t, func(t *rapid.T) {
		element := rapid.OneOf(
			rapid.Map(rapid.Float64(), eval.Real), rapid.Map(rapid.Int64(), eval.Long), rapid.Map(rapid.String(), eval.String),
			rapid.Just(eval.Null(kql.TypeDynamic)), rapid.SampledFrom([]eval.Value{eval.Real(math.NaN()), eval.Real(math.Inf(1))}),
		)
		numbers := rapid.Map(rapid.Float64Range(-100, 100), eval.Real)
		s := eval.Array(rapid.SliceOfN(rapid.SampledFrom([]*rapid.Generator[eval.Value]{element, numbers}).Draw(t, "kind"), 0, 30).Draw(t, "series"))
		for _, fn := range fns {
			if v := call(fn, kql.TypeDynamic, s); v.Type() != kql.TypeDynamic {
				t.Errorf("%s is %s", fn, v.Type())
			}
		}
		least, count := rapid.Float64().Draw(t, "least"), rapid.Int64().Draw(t, "count")
		call(plan.FnSeriesPeriodsDetect, kql.TypeDynamic, s, eval.Real(least), eval.Real(least+50), eval.Long(count))
		call(plan.FnSeriesDecompose, kql.TypeDynamic, s, eval.Long(count), eval.String("avg"), eval.Long(count))
		call(plan.FnSeriesFir, kql.TypeDynamic, s, s)
		call(plan.FnSeriesIir, kql.TypeDynamic, s, s, s)
	})
}
