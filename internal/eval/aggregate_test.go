package eval_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// summarize gives the rows of a query that ends with summarize, each as JSON values with blanks between them.
func summarize(query string) ([]string, error) {
	p, err := bind(query)
	if err != nil {
		return nil, err
	}
	op, isAggregate := p.Root.(*plan.Aggregate)
	if !isAggregate {
		return nil, fmt.Errorf("the plan ends with %T", p.Root)
	}
	w := &walker{}
	input, err := w.counted(op.Input)
	if err != nil {
		return nil, err
	}
	type group struct {
		key  []string
		aggs []eval.Agg
	}
	groups, order := map[string]*group{}, []*group{}
	find := func(key []string) (*group, error) {
		id := strings.Join(key, "|")
		if groups[id] != nil {
			return groups[id], nil
		}
		g := &group{key: key}
		for _, a := range op.Aggs {
			makeAgg, ok := eval.NewAgg(&w.env, a.Agg, a.Cols)
			if !ok {
				return nil, fmt.Errorf("no %s", a.Agg.Fn)
			}
			g.aggs = append(g.aggs, makeAgg())
		}
		groups[id] = g
		order = append(order, g)
		return g, nil
	}
	if op.Keys == nil {
		if _, err := find(nil); err != nil {
			return nil, err
		}
	}
	for _, row := range input {
		var key []string
		for _, k := range op.Keys {
			v, err := w.value(k.X, row)
			if err != nil {
				return nil, err
			}
			key = append(key, text(v))
		}
		g, err := find(key)
		if err != nil {
			return nil, err
		}
		for i, a := range op.Aggs {
			args := make([]eval.Value, len(a.Agg.Args))
			for k, x := range a.Agg.Args {
				if args[k], err = w.value(x, row); err != nil {
					return nil, err
				}
			}
			g.aggs[i].Add(args)
		}
	}
	var out []string
	for _, g := range order {
		line := g.key
		for i, a := range op.Aggs {
			result := a.Cols
			values := g.aggs[i].Result()
			if len(values) != len(result) {
				return nil, fmt.Errorf("%s gives %d values for %d columns", a.Agg.Fn, len(values), len(result))
			}
			for k, v := range values {
				if v.Type() != result[k].Type {
					return nil, fmt.Errorf("%s gives %s where the plan has %s", a.Agg.Fn, v.Type(), result[k].Type)
				}
				line = append(line, text(v))
			}
		}
		out = append(out, strings.Join(line, " "))
	}
	return out, nil
}

// counted gives the rows of a step, or those of a range of whole numbers.
func (w *walker) counted(op plan.Op) ([]walkRow, error) {
	r, ok := op.(*plan.Range)
	if !ok {
		return w.rows(op)
	}
	from, err := w.value(r.From, nil)
	if err != nil {
		return nil, err
	}
	to, err := w.value(r.To, nil)
	var rows []walkRow
	for n := from.Int(); n <= to.Int(); n++ {
		rows = append(rows, walkRow{r.Col.ID: eval.Long(n)})
	}
	return rows, err
}

func TestAggregates(t *testing.T) {
	const (
		none    = "datatable(l:long, r:real, s:string, b:bool, d:dynamic, t:timespan, e:decimal, m:datetime)[]"
		numbers = "datatable(k:long, v:long)[1,10, 1,long(null), 1,30, 2,long(null)]"
		reals   = "datatable(v:real)[1.5, real(nan), 2.5]"
		great   = "datatable(v:long)[9223372036854775807, 1, 2]"
		words   = `datatable(s:string, p:bool)["b",true, "a",false, "b",true, "",bool(null)]`
		bags    = `datatable(d:dynamic)[dynamic({"a":1}), dynamic([1,[2],1]), dynamic(null), dynamic({"a":2,"b":3})]`
		ties    = `datatable(v:long, a:string, b:long)[5,"y",1, 5,"x",2, 5,"x",long(null), 1,"a",9]`
		empties = `datatable(v:long, a:string)[long(null),"y", long(null),"x"]`
		hundred = "range x from 1 to 100 step 1"
	)
	for _, c := range []struct{ query, want string }{
		{none + "| summarize count(), countif(b), sum(l), sum(r), sum(t), sum(e), dcount(s), count_distinct(s)", "0 0 0 0.0 \"00:00:00\" 0 0 0"},
		{none + "| summarize avg(l), avg(r), avg(t), avg(e), avg(m), min(l), max(s), stdev(l), variance(r)", `"NaN" "NaN" null null null null "" 0.0 0.0`},
		{none + "| summarize make_list(s), make_set(l), make_bag(d), percentile(l, 50), take_any(l), arg_max(l, s), buildschema(d)", `[] [] {} null null null "" null`},
		{none + "| summarize percentiles(l, 5, 95), percentiles_array(l, 5), binary_all_or(l), covariance(l, r), tdigest(l)", `null null null null 0.0 null`},
		{none + "| summarize count() by s", ""},
		{numbers + "| summarize count(), sum(v), avg(v), min(v), max(v), countif(v > 10), dcount(v) by k", "1 3 40 20.0 10 30 1 2; 2 1 0 \"NaN\" null null 0 0"},
		{numbers + "| summarize sumif(v, v > 10), avgif(v, v < 20), minif(v, v > 10), maxif(v, v < 0), make_list_with_nulls(v) by k", `1 30 10.0 30 null [10,null,30]; 2 0 "NaN" null null [null]`},
		{reals + "| summarize min(v), max(v), sum(v), dcount(v), percentile(v, 50)", `"NaN" "NaN" "NaN" 3 1.5`},
		{great + "| summarize sum(v), avg(v)", "-9223372036854775806 -3.0744573456182584e+18"},
		{"datatable(i:int)[2147483647, 1] | summarize sum(i), avg(i), max(i)", "2147483648 1073741824.0 2147483647"},
		{"datatable(e:decimal)[1.5, 2, decimal(null)] | summarize sum(e), avg(e), max(e)", "3.5 1.75 2"},
		{"range i from 1 to 100 step 1 | extend t = datetime(2026-01-01) + i * 1d | summarize avg(t), avg(-i * 100000d)", `"2026-02-20T12:00:00.0000000Z" "-5050000.00:00:00"`},
		{"datatable(t:timespan)[1h, 2h] | summarize sum(t), avg(t), max(t)", `"03:00:00" "01:30:00" "02:00:00"`},
		{"datatable(t:datetime)[datetime(2024-01-01), datetime(2024-01-03)] | summarize avg(t), min(t)", `"2024-01-02T00:00:00.0000000Z" "2024-01-01T00:00:00.0000000Z"`},
		{words + "| summarize min(s), max(s), dcount(s), dcountif(s, p), make_list(s), make_set(s), make_set(s, 1), make_list_if(s, p), make_set_if(s, p)", `"" "b" 3 1 ["b","a","b",""] ["b","a",""] ["b"] ["b","b"] ["b"]`},
		{words + "| summarize take_anyif(s, not(p)), anyif(s, p), any(s)", `"a" "b" "b"`},
		{bags + "| summarize make_list(d), make_set(d), make_bag(d), make_list(d, 2)", `[{"a":1},1,[2],1,{"a":2,"b":3}] [{"a":1},1,[2],{"a":2,"b":3}] {"a":1,"b":3} [{"a":1},1]`},
		{bags + "| summarize make_bag(d, 1), make_dictionary(d), make_bag_if(d, true)", `{"a":1} {"a":1,"b":3} {"a":1,"b":3}`},
		{ties + "| summarize arg_max(v, a, b)", `5 "x" null`},
		{ties + "| summarize arg_max(v, *)", `5 "x" null`},
		{ties + "| summarize arg_min(v, b)", "1 9"},
		{ties + "| summarize argmax(v, a)", `5 "x"`},
		{empties + "| summarize arg_max(v, a)", `null "x"`},
		{"datatable(v:real, a:long)[1.0,1, real(nan),2, real(null),3] | summarize arg_max(v, a), arg_min(v, a)", `"NaN" 2 "NaN" 2`},
		{`datatable(a:string, b:long)["",long(null), "x",2] | summarize take_any(a), take_any(b), take_any(a, b)`, `"x" 2 "" null`},
		{hundred + "| summarize percentile(x, 5), percentiles(x, 0, 50, 100), percentiles_array(x, dynamic([25, 99.9]))", "5 1 50 100 [25,100]"},
		{hundred + "| summarize stdevif(x, x % 2 == 0), variancep(x), stdevp(x)", "29.154759474226502 833.25 28.86607004772212"},
		{"datatable(n:long, v:long)[8,10, 6,20, 3,30, 1,40] | summarize percentilesw_array(v, n, dynamic([50, 75, 99.9])), percentilew(v, n, 10)", "[20,20,40] 10"},
		{"datatable(v:long)[5] | summarize stdev(v), variance(v), stdevp(v), variancep(v)", "0.0 0.0 0.0 0.0"},
		{"datatable(x:real, y:real)[1.0,14.0, 2.0,10.0, 3.0,17.0, 4.0,20.0, 5.0,50.0, real(null),1.0] | summarize covariance(x, y), covariancep(x, y), covarianceif(x, y, x < 3)", "20.5 16.4 -2.0"},
		{"datatable(v:long)[0xF0F0, 0xFF00, long(null)] | summarize binary_all_and(v), binary_all_or(v), binary_all_xor(v)", "61440 65520 4080"},
		{`datatable(d:dynamic)[dynamic({"x":1,"y":3.5}), dynamic({"x":"s","z":[1,2]}), dynamic({"y":{"w":"z"},"z":["f"],"t":[]})] | summarize buildschema(d)`, `{"x":["long","string"],"y":["double",{"w":"string"}],"z":{"` + "`indexer`" + `":["long","string"]},"t":{"` + "`indexer`" + `":null}}`},
		{"range x from 1 to 200 step 1 | summarize array_length = makelist(x), makeset(x % 5)", "["},
	} {
		got, err := summarize(c.query)
		lines := strings.Join(got, "; ")
		if c.want == "[" { // the lists of old are cut
			if err != nil || strings.Count(lines, ",") != 127+4 {
				t.Errorf("%s\ngot  %s %v", c.query, lines, err)
			}
			continue
		}
		if err != nil || lines != c.want {
			t.Errorf("%s\ngot  %s\nwant %s\nerror %v", c.query, lines, c.want, err)
		}
	}
}

// Columns that no schema declares are dynamic, and so are the sums of them.
func TestAggregatesOfDynamics(t *testing.T) {
	dynamic := kql.TypeDynamic
	for _, c := range []struct {
		fn     plan.Fn
		values []eval.Value
		want   string
	}{
		{plan.AggSum, []eval.Value{eval.Long(1), eval.Int(2)}, "3"},
		{plan.AggSum, []eval.Value{eval.Long(1), eval.Real(0.5), eval.String("x"), eval.Array(nil)}, "1.5"},
		{plan.AggMax, []eval.Value{eval.Long(3), eval.Real(3.5)}, "3.5"},
		{plan.AggBinaryAllOr, []eval.Value{eval.Long(1), eval.Long(4)}, "5"},
	} {
		makeAgg, _ := eval.NewAgg(&eval.Env{}, &plan.Agg{Fn: c.fn}, []plan.Column{{Type: dynamic}})
		agg := makeAgg()
		for _, v := range c.values {
			agg.Add([]eval.Value{eval.ToDynamic(v)})
		}
		if got := agg.Result()[0]; text(got) != c.want || got.Type() != dynamic {
			t.Errorf("%s: %s (%s), not %s", c.fn, text(got), got.Type(), c.want)
		}
	}
}

// The states of hll and tdigest are exact, whatever they are merged of.
func TestStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, 50), 1, 60).Draw(t, "all")
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		state := func(fn plan.Fn, part []int64) eval.Value {
			makeAgg, _ := eval.NewAgg(&eval.Env{}, &plan.Agg{Fn: fn}, []plan.Column{{Type: kql.TypeDynamic}})
			agg := makeAgg()
			for _, n := range part {
				agg.Add([]eval.Value{eval.Long(n)})
			}
			v, _ := eval.FromJSON(text(agg.Result()[0])) // as it comes back from a store
			return v
		}
		hll := call(plan.FnHllMerge, kql.TypeDynamic, state(plan.AggHll, all[:cut]), state(plan.AggHll, all[cut:]))
		digest := call(plan.FnTdigestMerge, kql.TypeDynamic, state(plan.AggTdigest, all[:cut]), state(plan.AggTdigest, all[cut:]))
		merged := func(fn plan.Fn, states ...eval.Value) eval.Value {
			makeAgg, _ := eval.NewAgg(&eval.Env{}, &plan.Agg{Fn: fn}, []plan.Column{{Type: kql.TypeDynamic}})
			agg := makeAgg()
			for _, s := range states {
				agg.Add([]eval.Value{s})
			}
			return agg.Result()[0]
		}
		if again := merged(plan.AggHllMerge, hll, eval.Null(kql.TypeDynamic), hll); !eval.Equal(again, hll) {
			t.Errorf("merged with itself, %s is %s", text(hll), text(again))
		}
		if parts := merged(plan.AggTdigestMerge, state(plan.AggTdigest, all[:cut]), state(plan.AggTdigest, all[cut:])); !eval.Equal(parts, digest) {
			t.Errorf("merged in rows %s, in a call %s", text(parts), text(digest))
		}
		ends := call(plan.FnPercentilesArrayTdigest, kql.TypeDynamic, digest, eval.Real(0), eval.Real(100))
		slices.Sort(all)
		if want := fmt.Sprintf("[%d,%d]", all[0], all[len(all)-1]); text(ends) != want {
			t.Errorf("percentiles 0 and 100 are %s, not %s", text(ends), want)
		}
		different := int64(len(slices.Compact(slices.Clone(all))))
		if n := call(plan.FnDcountHll, kql.TypeLong, hll).Int(); n != different {
			t.Errorf("%d different, not %d", n, different)
		}
		at := rapid.IntRange(0, 100).Draw(t, "at")
		want := all[max((at*len(all)+99)/100, 1)-1]
		if got := call(plan.FnPercentileTdigest, kql.TypeLong, digest, eval.Real(float64(at)), eval.Null(kql.TypeLong)).Int(); got != want {
			t.Errorf("percentile %d is %d, not %d", at, got, want)
		}
		if got := call(plan.FnRankTdigest, kql.TypeReal, digest, eval.Long(want)).Real(); got < 1 || all[int(got)-1] != want {
			t.Errorf("the rank of %d is %v", want, got)
		}
		if !call(plan.FnHllIsvalid, kql.TypeBool, hll).Bool() || call(plan.FnHllIsvalid, kql.TypeBool, digest).Bool() {
			t.Error("a state is not told from others")
		}
	})
}

// Results do not depend on the order of rows where the language does not say they do, and agree with plain sums.
func TestAggregatesOfRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type row struct {
			v, tie int64
			null   bool
		}
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
			return row{rapid.Int64Range(-5, 5).Draw(t, "v"), rapid.Int64Range(0, 9).Draw(t, "tie"), rapid.Bool().Draw(t, "null")}
		}), 1, 20).Draw(t, "rows")
		run := func(fn plan.Fn, out kql.Type, args ...plan.Expr) []eval.Value {
			cols := []plan.Column{{Type: out}, {Type: kql.TypeLong}}[:max(len(args), 1)]
			makeAgg, ok := eval.NewAgg(&eval.Env{}, &plan.Agg{Fn: fn, Args: []plan.Expr{&plan.Col{Info: plan.Info{Type: kql.TypeLong}}}}, cols)
			if !ok {
				t.Fatalf("no %s", fn)
			}
			agg := makeAgg()
			for _, r := range rows {
				v := eval.Long(r.v)
				if r.null {
					v = eval.Null(kql.TypeLong)
				}
				agg.Add([]eval.Value{v, eval.Long(r.tie)}[:len(cols)])
			}
			first := agg.Result()
			if second := agg.Result(); text(second[0]) != text(first[0]) {
				t.Errorf("%s: asked twice, %s and %s", fn, text(first[0]), text(second[0]))
			}
			return first
		}
		two := []plan.Expr{nil, nil}
		var sum, n, square float64
		best := row{null: true}
		for _, r := range rows {
			if better := cmp.Or(cmp.Compare(bit(best.null), bit(r.null)), cmp.Compare(r.v, best.v), cmp.Compare(best.tie, r.tie)); best.null && !r.null || !best.null && !r.null && better > 0 {
				best = r
			}
			if !r.null {
				sum, n, square = sum+float64(r.v), n+1, square+float64(r.v*r.v)
			}
		}
		if got := run(plan.AggSum, kql.TypeLong)[0].Int(); got != int64(sum) {
			t.Errorf("sum %d, not %v", got, sum)
		}
		variance := run(plan.AggVariance, kql.TypeReal)[0].Real()
		if want := (square - sum*sum/n) / (n - 1); n > 1 && math.Abs(variance-want) > 1e-9 {
			t.Errorf("variance %v, not %v", variance, want)
		}
		arg := run(plan.AggArgMax, kql.TypeLong, two...)
		if !best.null && (arg[0].Int() != best.v || arg[1].Int() != best.tie) {
			t.Errorf("arg_max %s %s, not %d %d", text(arg[0]), text(arg[1]), best.v, best.tie)
		}
		slices.Reverse(rows)
		if again := run(plan.AggArgMax, kql.TypeLong, two...); text(again[0]) != text(arg[0]) || text(again[1]) != text(arg[1]) {
			t.Errorf("arg_max depends on the order: %s and %s", text(again[1]), text(arg[1]))
		}
	})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Every aggregate that is not refused has a Go form.
func TestEveryAggregate(t *testing.T) {
	for _, f := range plan.Functions() {
		if !f.Is(plan.FlagAggregate) || f.Is(plan.FlagUnsupported) {
			continue
		}
		if _, ok := eval.NewAgg(&eval.Env{}, &plan.Agg{Fn: f.ID}, nil); !ok {
			t.Errorf("%s has none", f.Name)
		}
	}
}
