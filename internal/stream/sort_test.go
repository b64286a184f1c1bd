package stream

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// sortColumns are columns of a type each, with a generator of values that often meet.
var sortColumns = []struct {
	typ  kql.Type
	some func(rt *rapid.T) eval.Value
}{
	{kql.TypeLong, func(rt *rapid.T) eval.Value {
		return eval.Long(rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64}).Draw(rt, "long"))
	}},
	{kql.TypeString, func(rt *rapid.T) eval.Value {
		return eval.String(rapid.SampledFrom([]string{"", "a", "a\x00", "abcdefgh", "abcdefghi", "ä", "\xff", "B"}).Draw(rt, "string"))
	}},
	{kql.TypeReal, func(rt *rapid.T) eval.Value {
		return eval.Real(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1.5, math.NaN(), math.Inf(1), math.Inf(-1)}).Draw(rt, "real"))
	}},
	{kql.TypeDateTime, func(rt *rapid.T) eval.Value { return eval.Datetime(rapid.Int64Range(0, 3).Draw(rt, "ticks")) }},
	{kql.TypeBool, func(rt *rapid.T) eval.Value { return eval.Bool(rapid.Bool().Draw(rt, "bool")) }},
}

// TestSorts compares the sort, and top, with a stable sort by the definition.
func TestSorts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var by []plan.SortKey
		l := layout{slots: map[int]int{}}
		for range rapid.IntRange(1, 3).Draw(rt, "keys") {
			c := rapid.IntRange(0, len(sortColumns)-1).Draw(rt, "column")
			col := &plan.Col{Info: plan.Info{Type: sortColumns[c].typ}, ID: c + 1}
			l.slots[c+1] = c
			by = append(by, plan.SortKey{X: col, Desc: rapid.Bool().Draw(rt, "desc"), NullsFirst: rapid.Bool().Draw(rt, "nulls")})
		}
		x := newExec(t.Context(), nil, Options{})
		s, err := x.sorter(l, by)
		if err != nil {
			rt.Fatal(err)
		}
		var rows []Row
		for i := range rapid.IntRange(0, 40).Draw(rt, "rows") {
			row := make(Row, len(sortColumns)+1)
			for c := range sortColumns {
				row[c] = eval.Null(sortColumns[c].typ)
				if rapid.IntRange(0, 4).Draw(rt, "null") > 0 {
					row[c] = sortColumns[c].some(rt)
				}
			}
			row[len(sortColumns)] = eval.Long(int64(i))
			rows = append(rows, row)
		}
		want := slices.Clone(rows)
		key := func(r Row) []eval.Value {
			k := make([]eval.Value, len(by))
			s.keyOf(k, r)
			return k
		}
		slices.SortStableFunc(want, func(a, b Row) int { return byDefinition(by, key(a), key(b)) })
		n := rapid.IntRange(0, 12).Draw(rt, "top")
		make, _ := x.keeper(layout{slots: map[int]int{9: len(sortColumns)}}, 0)
		b := &best{s: s, n: n, k: make()}
		if n > 0 {
			for _, r := range rows {
				if err := b.add(r); err != nil {
					rt.Fatal(err)
				}
			}
			b.cut()
		}
		s.sortRows(rows)
		for i := range rows {
			if got, w := rows[i][len(sortColumns)].Int(), want[i][len(sortColumns)].Int(); got != w {
				rt.Fatalf("place %d has row %d, not %d", i, got, w)
			}
			if i < n && b.list[i].row[0].Int() != want[i][len(sortColumns)].Int() {
				rt.Fatalf("place %d of top %d has row %d, not %d", i, n, b.list[i].row[0].Int(), want[i][len(sortColumns)].Int())
			}
		}
		if len(b.list) != min(n, len(rows)) {
			rt.Fatalf("top %d of %d rows gives %d", n, len(rows), len(b.list))
		}
	})
}

// byDefinition compares keys as the language says: nulls, and NaN with them, at the end that the key names.
func byDefinition(by []plan.SortKey, a, b []eval.Value) int {
	rank := func(v eval.Value) int {
		switch {
		case v.IsNull():
			return 2
		case v.Type() == kql.TypeReal && math.IsNaN(v.Real()):
			return 1
		}
		return 0
	}
	for i := range by {
		ra, rb := rank(a[i]), rank(b[i])
		switch {
		case ra == rb && ra > 0:
		case ra > 0 || rb > 0:
			if (ra > rb) == by[i].NullsFirst {
				return -1
			}
			return 1
		default:
			n := eval.Compare(a[i], b[i])
			if by[i].Desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
	}
	return 0
}
