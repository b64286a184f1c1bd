package eval

import (
	"math"
	"slices"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var arrayFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnArrayLength:      arrayLength,
	plan.FnArrayConcat:      arrayConcat,
	plan.FnArraySlice:       arraySlice,
	plan.FnArraySplit:       arraySplit,
	plan.FnArrayReverse:     arrayReverse,
	plan.FnArrayRotateLeft:  func(_ *Env, _ kql.Type, args []Value) Value { return rotated(args, 1) },
	plan.FnArrayRotateRight: func(_ *Env, _ kql.Type, args []Value) Value { return rotated(args, -1) },
	plan.FnArrayShiftLeft:   func(_ *Env, _ kql.Type, args []Value) Value { return shifted(args, 1) },
	plan.FnArrayShiftRight:  func(_ *Env, _ kql.Type, args []Value) Value { return shifted(args, -1) },
	plan.FnArrayIndexOf:     arrayIndexOf,
	plan.FnArrayIff:         arrayIff,
	plan.FnArraySortAsc:     func(_ *Env, _ kql.Type, args []Value) Value { return arraySort(args, 1) },
	plan.FnArraySortDesc:    func(_ *Env, _ kql.Type, args []Value) Value { return arraySort(args, -1) },
	plan.FnArraySum:         arraySum,
	plan.FnPackArray:        packArray,
	plan.FnRepeat:           repeat,
	plan.FnRange:            rangeOf,
	plan.FnZip:              zip,
}

func arrayLength(_ *Env, out kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return Null(out)
	}
	return Long(int64(len(items)))
}

// arrayConcat joins arrays; what is no array counts as an empty one.
func arrayConcat(_ *Env, _ kql.Type, args []Value) Value {
	total := 0
	for _, a := range args {
		items, _ := arrayItems(a)
		total += len(items)
	}
	all := make([]Value, 0, total)
	for _, a := range args {
		items, _ := arrayItems(a)
		all = append(all, items...)
	}
	return Dynamic(&Tree{Items: all})
}

// arraySlice gives the elements from a first to a last one, both included; negative places count from the end.
func arraySlice(_ *Env, _ kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	from, okFrom := wholeOf(args[1])
	to, okTo := wholeOf(args[2])
	if !ok || !okFrom || !okTo {
		return nullDynamic()
	}
	n := int64(len(items))
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to += n
	}
	to = min(to, n-1)
	if from > to {
		return Dynamic(&Tree{})
	}
	return Dynamic(&Tree{Items: items[from : to+1]})
}

// arraySplit cuts an array before one place or several; negative places count from the end.
func arraySplit(_ *Env, _ kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	places, several := arrayItems(args[1])
	if !several {
		places = args[1:2]
	}
	if !ok {
		return nullDynamic()
	}
	n := int64(len(items))
	parts := make([]Value, 0, len(places)+1)
	from := int64(0)
	for _, p := range places {
		at, ok := wholeOf(p)
		if !ok {
			return nullDynamic()
		}
		if at < 0 {
			at += n
		}
		at = min(max(at, from), n)
		parts = append(parts, Dynamic(&Tree{Items: items[from:at]}))
		from = at
	}
	return Dynamic(&Tree{Items: append(parts, Dynamic(&Tree{Items: items[from:]}))})
}

func arrayReverse(_ *Env, _ kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	return Dynamic(&Tree{Items: items})
}

// rotated turns an array by a number of places, to the left where way is 1.
func rotated(args []Value, way int64) Value {
	items, ok := arrayItems(args[0])
	by, okBy := wholeOf(args[1])
	if !ok || !okBy {
		return nullDynamic()
	}
	n := int64(len(items))
	if n == 0 {
		return args[0]
	}
	by = ((by%n)*way + n) % n
	return Dynamic(&Tree{Items: slices.Concat(items[by:], items[:by])})
}

// shifted moves elements by a number of places, to the left where way is 1, and fills what becomes free.
func shifted(args []Value, way int64) Value {
	items, ok := arrayItems(args[0])
	by, okBy := wholeOf(args[1])
	if !ok || !okBy {
		return nullDynamic()
	}
	fill := nullDynamic()
	if len(args) > 2 {
		fill = ToDynamic(args[2])
	}
	n := int64(len(items))
	by = min(max(by, -n), n) * way
	out := make([]Value, n)
	for i := range out {
		out[i] = fill
		if from := int64(i) + by; from >= 0 && from < n {
			out[i] = items[from]
		}
	}
	return Dynamic(&Tree{Items: out})
}

// arrayIndexOf looks for a value: from a place, which counts from the end where it is negative, within a number of
// elements, -1 for all, and for its n-th occurrence. It gives -1 where there is none.
func arrayIndexOf(_ *Env, out kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return Null(out)
	}
	opt := [3]int64{0, -1, 1} // from, length, occurrence
	for i, a := range args[2:] {
		n, ok := wholeOf(a)
		if !ok {
			return Null(out)
		}
		opt[i] = n
	}
	n := int64(len(items))
	from, to := opt[0], n
	if from < 0 {
		from = max(from+n, 0)
	}
	if opt[1] >= 0 && opt[1] < n-from {
		to = from + opt[1]
	}
	left := opt[2]
	for i := from; i < to; i++ {
		if !Equal(items[i], args[1]) {
			continue
		}
		if left--; left == 0 {
			return Long(i)
		}
	}
	return Long(-1)
}

// arrayIff takes each element from one of two arrays or values by a condition: a bool, or a number that is not 0. Any
// other condition, and a place where the array has ended, gives null.
func arrayIff(_ *Env, _ kql.Type, args []Value) Value {
	conditions, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	pick := func(from Value, i int) Value {
		items, isArray := arrayItems(from)
		switch {
		case !isArray:
			return ToDynamic(from)
		case i < len(items):
			return items[i]
		}
		return nullDynamic()
	}
	out := make([]Value, len(conditions))
	for i, c := range conditions {
		truth := c.kind == kql.TypeBool && c.Bool()
		f, isNumber := numberOf(c)
		switch {
		case !c.set || c.kind != kql.TypeBool && !isNumber:
			out[i] = nullDynamic()
		case truth || isNumber && f != 0:
			out[i] = pick(args[1], i)
		default:
			out[i] = pick(args[2], i)
		}
	}
	return Dynamic(&Tree{Items: out})
}

// sortedIndexes gives 0 to n-1 in a stable order.
func sortedIndexes(n int, compare func(i, j int) int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, compare)
	return order
}

// arraySort sorts the first array; others beside it go along, and null stands for those of another length. A bool at the
// end says whether nulls come last, which they do otherwise. Several arrays give an array of arrays.
func arraySort(args []Value, way int) Value {
	nullsLast := true
	if last := args[len(args)-1]; last.typ == kql.TypeBool {
		nullsLast = last.Bool()
		args = args[:len(args)-1]
	}
	items, ok := arrayItems(args[0])
	if !ok {
		return nullDynamic()
	}
	order := sortedIndexes(len(items), func(i, j int) int {
		a, b := items[i], items[j]
		switch {
		case a.set != b.set:
			return boolOrder(a.set != nullsLast, b.set != nullsLast)
		case kindRank(a) != kindRank(b): // numbers before texts whatever the way
			return kindRank(a) - kindRank(b)
		}
		return Compare(a, b) * way
	})
	results := make([]Value, len(args))
	for k, a := range args {
		from, isArray := arrayItems(a)
		if !isArray || len(from) != len(order) {
			results[k] = nullDynamic()
			continue
		}
		to := make([]Value, len(order))
		for i, j := range order {
			to[i] = from[j]
		}
		results[k] = Dynamic(&Tree{Items: to})
	}
	if len(results) == 1 {
		return results[0]
	}
	return Dynamic(&Tree{Items: results})
}

// arraySum is null where an element is no number.
func arraySum(_ *Env, out kql.Type, args []Value) Value {
	items, ok := arrayItems(args[0])
	if !ok {
		return Null(out)
	}
	sum := 0.0
	for _, item := range items {
		f, ok := numberOf(item)
		if !ok {
			return Null(out)
		}
		sum += f
	}
	return Real(sum)
}

func packArray(_ *Env, _ kql.Type, args []Value) Value { return Array(slices.Clone(args)) }

// repeat gives an array of a value, null where the count is negative or beyond [MaxElements].
func repeat(_ *Env, _ kql.Type, args []Value) Value {
	n, ok := wholeOf(args[1])
	if !ok || n < 0 || n > MaxElements {
		return nullDynamic()
	}
	return Dynamic(&Tree{Items: slices.Repeat([]Value{ToDynamic(args[0])}, int(n))})
}

// rangeOf is range(from, to, step): the values up to and with to. The step is 1, or an hour for times, where none is
// given. It is cut at [MaxElements], and null where the step does not lead on.
func rangeOf(_ *Env, _ kql.Type, args []Value) Value {
	from, to := args[0].Inner(), args[1].Inner()
	timed := from.kind == kql.TypeDateTime || from.kind == kql.TypeTimespan
	step := Long(1)
	switch {
	case len(args) > 2:
		step = args[2].Inner()
	case timed:
		step = Timespan(ticksPerHour)
	}
	if !from.set || !to.set || !step.set {
		return nullDynamic()
	}
	if from.kind == kql.TypeReal || to.kind == kql.TypeReal || step.kind == kql.TypeReal || from.kind == kql.TypeDecimal {
		return rangeOfReals(from, to, step)
	}
	at, end, by := from.Int(), to.Int(), step.Int()
	if by == 0 {
		return nullDynamic()
	}
	var items []Value
	for (by > 0 && at <= end || by < 0 && at >= end) && len(items) < MaxElements {
		items = append(items, Value{typ: kql.TypeDynamic, kind: from.kind, set: true, n: uint64(at)})
		next := at + by
		if (next > at) != (by > 0) { // past the end of the numbers
			break
		}
		at = next
	}
	return Dynamic(&Tree{Items: items})
}

func rangeOfReals(from, to, step Value) Value {
	start, ok1 := numberOf(from)
	end, ok2 := numberOf(to)
	by, ok3 := numberOf(step)
	if !ok1 || !ok2 || !ok3 || by == 0 || math.IsNaN(start+end+by) {
		return nullDynamic()
	}
	var items []Value
	for i := range MaxElements {
		at := start + float64(i)*by
		if by > 0 && at > end || by < 0 && at < end {
			break
		}
		items = append(items, ToDynamic(Real(at)))
	}
	return Dynamic(&Tree{Items: items})
}

// zip gives an array for each place, with the elements of all arrays there; those that have ended give null, and what is
// no array is the element of the first place.
func zip(_ *Env, _ kql.Type, args []Value) Value {
	longest := 0
	columns := make([][]Value, len(args))
	for i, a := range args {
		items, ok := arrayItems(a)
		if !ok {
			items = []Value{ToDynamic(a)}
		}
		columns[i], longest = items, max(longest, len(items))
	}
	rows := make([]Value, longest)
	for i := range rows {
		row := make([]Value, len(columns))
		for k, items := range columns {
			row[k] = nullDynamic()
			if i < len(items) {
				row[k] = items[i]
			}
		}
		rows[i] = Dynamic(&Tree{Items: row})
	}
	return Dynamic(&Tree{Items: rows})
}
