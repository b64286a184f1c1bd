package eval

import (
	"math"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// seriesFuncs compute with arrays of numbers.
var seriesFuncs = collect(seriesMathFuncs, seriesFillFuncs, seriesStatFuncs, seriesFitFuncs, seriesFilterFuncs, seriesPeriodFuncs)

var seriesMathFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSeriesAdd: elementwise(joinNumbers(
		func(a, b int64) int64 { return a + b }, func(a, b float64) float64 { return a + b })),
	plan.FnSeriesSubtract: elementwise(joinNumbers(
		func(a, b int64) int64 { return a - b }, func(a, b float64) float64 { return a - b })),
	plan.FnSeriesMultiply: elementwise(joinNumbers(
		func(a, b int64) int64 { return a * b }, func(a, b float64) float64 { return a * b })),
	plan.FnSeriesDivide:        elementwise(joinNumbers(nil, func(a, b float64) float64 { return a / b })),
	plan.FnSeriesPow:           elementwise(joinNumbers(nil, math.Pow)),
	plan.FnSeriesGreater:       elementwise(compareNumbers(func(a, b float64) bool { return a > b })),
	plan.FnSeriesGreaterEquals: elementwise(compareNumbers(func(a, b float64) bool { return a >= b })),
	plan.FnSeriesLess:          elementwise(compareNumbers(func(a, b float64) bool { return a < b })),
	plan.FnSeriesLessEquals:    elementwise(compareNumbers(func(a, b float64) bool { return a <= b })),
	plan.FnSeriesEquals:        elementwise(compareNumbers(func(a, b float64) bool { return a == b })),
	plan.FnSeriesNotEquals:     elementwise(compareNumbers(func(a, b float64) bool { return a != b })),

	plan.FnSeriesAbs:     eachElement(keepWhole(math.Abs)),
	plan.FnSeriesSign:    eachElement(keepWhole(signOf)),
	plan.FnSeriesExp:     eachElement(realOf(math.Exp)),
	plan.FnSeriesLog:     eachElement(realOf(math.Log)),
	plan.FnSeriesFloor:   eachElement(realOf(math.Floor)),
	plan.FnSeriesCeiling: eachElement(realOf(math.Ceil)),
	plan.FnSeriesSin:     eachElement(realOf(math.Sin)),
	plan.FnSeriesAsin:    eachElement(realOf(math.Asin)),
	plan.FnSeriesCos:     eachElement(realOf(math.Cos)),
	plan.FnSeriesAcos:    eachElement(realOf(math.Acos)),
	plan.FnSeriesTan:     eachElement(realOf(math.Tan)),
	plan.FnSeriesAtan:    eachElement(realOf(math.Atan)),
}

// elementwise joins two series, or a series and a number that stands for all of its elements. The result is as long as
// the longer series; it has null where one has no number.
func elementwise(join func(a, b Value) Value) Func {
	return func(_ *Env, _ kql.Type, args []Value) Value {
		a, okA := arrayItems(args[0])
		b, okB := arrayItems(args[1])
		if !okA && !okB {
			return nullDynamic()
		}
		out := make([]Value, max(len(a), len(b)))
		for i := range out {
			x, y := args[0], args[1]
			if okA {
				x = at(a, i)
			}
			if okB {
				y = at(b, i)
			}
			out[i] = ToDynamic(join(x, y))
		}
		return Dynamic(&Tree{Items: out})
	}
}

func at(items []Value, i int) Value {
	if i < len(items) {
		return items[i]
	}
	return nullDynamic()
}

// joinNumbers computes with whole numbers where both are, and else with reals; wholes is nil where the result is real.
func joinNumbers(wholes func(a, b int64) int64, reals func(a, b float64) float64) func(a, b Value) Value {
	return func(a, b Value) Value {
		if wholes != nil {
			x, okX := wholeOf(a)
			y, okY := wholeOf(b)
			if okX && okY {
				return Long(wholes(x, y))
			}
		}
		x, okX := numberOf(a)
		y, okY := numberOf(b)
		if !okX || !okY {
			return nullDynamic()
		}
		return Real(reals(x, y))
	}
}

func compareNumbers(holds func(a, b float64) bool) func(a, b Value) Value {
	return func(a, b Value) Value {
		x, okX := numberOf(a)
		y, okY := numberOf(b)
		if !okX || !okY {
			return nullDynamic()
		}
		return Bool(holds(x, y))
	}
}

// eachElement computes each element by itself; what is no number becomes null.
func eachElement(of func(v Value, f float64) Value) Func {
	return func(_ *Env, _ kql.Type, args []Value) Value {
		items, ok := arrayItems(args[0])
		if !ok {
			return nullDynamic()
		}
		out := make([]Value, len(items))
		for i, item := range items {
			out[i] = nullDynamic()
			if f, ok := numberOf(item); ok {
				out[i] = ToDynamic(of(item, f))
			}
		}
		return Dynamic(&Tree{Items: out})
	}
}

func realOf(of func(float64) float64) func(Value, float64) Value {
	return func(_ Value, f float64) Value { return Real(of(f)) }
}

// keepWhole gives whole numbers for whole numbers.
func keepWhole(of func(float64) float64) func(Value, float64) Value {
	return func(v Value, f float64) Value {
		if n, ok := wholeOf(v); ok && n > -1<<53 && n < 1<<53 {
			return Long(int64(of(f)))
		}
		return Real(of(f))
	}
}

func signOf(f float64) float64 {
	switch {
	case f > 0:
		return 1
	case f < 0:
		return -1
	}
	return f
}

// numbersOf gives an array of numbers; ok is false where an element is none.
func numbersOf(v Value) (all []float64, ok bool) {
	items, ok := arrayItems(v)
	if !ok {
		return nil, false
	}
	all = make([]float64, len(items))
	for i, item := range items {
		if all[i], ok = numberOf(item); !ok {
			return nil, false
		}
	}
	return all, true
}

// numbersIn gives the numbers of an array, without what is none.
func numbersIn(v Value) (all []float64, ok bool) {
	items, ok := arrayItems(v)
	for _, item := range items {
		if f, isNumber := numberOf(item); isNumber {
			all = append(all, f)
		}
	}
	return all, ok
}

func reals(all []float64) Value {
	items := make([]Value, len(all))
	for i, f := range all {
		items[i] = ToDynamic(Real(f))
	}
	return Dynamic(&Tree{Items: items})
}

var seriesFillFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSeriesFillForward:  func(_ *Env, _ kql.Type, args []Value) Value { return filledFrom(args, 1) },
	plan.FnSeriesFillBackward: func(_ *Env, _ kql.Type, args []Value) Value { return filledFrom(args, -1) },
	plan.FnSeriesFillConst:    seriesFillConst,
	plan.FnSeriesFillLinear:   seriesFillLinear,
}

// missingBy gives a test for missing values: those equal to a placeholder, or null where none is given.
func missingBy(args []Value, place int) func(Value) bool {
	if len(args) <= place || !args[place].set {
		return func(v Value) bool { return !v.set }
	}
	placeholder, _ := numberOf(args[place])
	return func(v Value) bool {
		f, ok := numberOf(v)
		return ok && f == placeholder
	}
}

// filledFrom gives missing values the value that stands before them (1) or behind them (-1).
func filledFrom(args []Value, way int) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	missing := missingBy(args, 1)
	out := make([]Value, len(items))
	last, some := Value{}, false
	for k := range items {
		i := k
		if way < 0 {
			i = len(items) - 1 - k
		}
		out[i] = items[i]
		switch {
		case !missing(items[i]):
			last, some = items[i], true
		case some:
			out[i] = last
		}
	}
	return Dynamic(&Tree{Items: out})
}

func seriesFillConst(_ *Env, _ kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	fill := Long(0)
	if len(args) > 1 {
		fill = args[1]
	}
	missing := missingBy(args, 2)
	out := make([]Value, len(items))
	for i, item := range items {
		out[i] = item
		if missing(item) {
			out[i] = ToDynamic(fill)
		}
	}
	return Dynamic(&Tree{Items: out})
}

// seriesFillLinear is series_fill_linear(series, placeholder, edges = true, constant = 0): missing values come to lie on
// the line between their neighbours, cut to whole numbers where all others are whole; at the ends they take the nearest
// value, if edges says so. A series of nothing but missing values is filled with the constant.
func seriesFillLinear(_ *Env, _ kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	missing := missingBy(args, 1)
	edges := len(args) < 3 || args[2].Bool()
	out := make([]Value, len(items))
	wholes, before := true, -1
	for i, item := range items {
		out[i] = item
		if !missing(item) {
			_, isWhole := wholeOf(item)
			wholes = wholes && isWhole
		}
	}
	for i, item := range items {
		if missing(item) {
			continue
		}
		if before < 0 && edges {
			for k := range i {
				out[k] = item
			}
		}
		if before >= 0 {
			interpolate(out, before, i, wholes)
		}
		before = i
	}
	switch {
	case before < 0:
		fill := Real(0)
		if len(args) > 3 {
			fill = args[3]
		}
		for i := range out {
			out[i] = ToDynamic(fill)
		}
	case edges:
		for i := before + 1; i < len(out); i++ {
			out[i] = out[before]
		}
	}
	return Dynamic(&Tree{Items: out})
}

// interpolate fills what lies between two places.
func interpolate(out []Value, from, to int, wholes bool) {
	a, okA := numberOf(out[from])
	b, okB := numberOf(out[to])
	if !okA || !okB {
		return
	}
	for k := from + 1; k < to; k++ {
		f := a + (b-a)*float64(k-from)/float64(to-from)
		out[k] = ToDynamic(Real(f))
		if wholes {
			out[k] = ToDynamic(Long(int64(f)))
		}
	}
}
