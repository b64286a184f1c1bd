package eval

import (
	"math"
	"slices"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// percentileAgg keeps all values, so that percentiles are exact: the least value that is not less than so many percent of
// the values, each counted as often as its weight says. The language allows an error of about one percent in rank.
func percentileAgg(weighted, array bool) newAgg {
	return func(_ *Env, _ *plan.Agg, cols []plan.Column) Agg {
		return &percentiles{weighted: weighted, array: array, cols: cols}
	}
}

type percentiles struct {
	weighted, array bool
	cols            []plan.Column
	at              []float64
	ranked          ranked
}

func (p *percentiles) Add(args []Value) {
	from := 1
	if p.weighted {
		from = 2
	}
	if p.at == nil {
		for _, a := range args[from:] {
			p.at = append(p.at, percentsOf(a)...)
		}
	}
	weight := int64(1)
	if p.weighted {
		weight, _ = wholeOf(args[1])
	}
	p.ranked.add(args[0], weight)
}

// percentsOf gives a number, or those of an array.
func percentsOf(v Value) []float64 {
	items, ok := arrayItems(v)
	if !ok {
		items = []Value{v}
	}
	all := make([]float64, len(items))
	for i, item := range items {
		all[i] = math.NaN()
		if f, isNumber := numberOf(item); isNumber {
			all[i] = f
		}
	}
	return all
}

func (p *percentiles) Result() []Value {
	if p.ranked.total == 0 {
		return nulls(p.cols)
	}
	p.ranked.sort()
	all := make([]Value, len(p.at))
	for i, at := range p.at {
		all[i] = p.ranked.percentile(at)
	}
	if p.array {
		return []Value{Array(all)}
	}
	for i := range all {
		if !all[i].set && i < len(p.cols) {
			all[i] = Null(p.cols[i].Type)
		}
	}
	return all
}

// ranked is a multiset of values in the order of their ranks. Nulls and NaN have none.
type ranked struct {
	values  []Value
	weights []int64 // nil while all are 1
	total   int64
	sorted  bool
}

func (r *ranked) add(v Value, weight int64) {
	if Missing(v) || weight <= 0 {
		return
	}
	if r.weights == nil && weight != 1 {
		r.weights = slices.Repeat([]int64{1}, len(r.values))
	}
	r.values = append(r.values, v)
	if r.weights != nil {
		r.weights = append(r.weights, weight)
	}
	r.total += weight
	r.sorted = false
}

func (r *ranked) sort() {
	switch {
	case r.sorted:
	case r.weights == nil:
		slices.SortStableFunc(r.values, Compare)
	default:
		order := sortedIndexes(len(r.values), func(i, j int) int { return Compare(r.values[i], r.values[j]) })
		values, weights := make([]Value, len(order)), make([]int64, len(order))
		for to, from := range order {
			values[to], weights[to] = r.values[from], r.weights[from]
		}
		r.values, r.weights = values, weights
	}
	r.sorted = true
}

// percentile is the nearest rank; a percentile out of 0 to 100 has none. The values are sorted, and some.
func (r *ranked) percentile(at float64) Value {
	if !(at >= 0 && at <= 100) {
		return Value{}
	}
	// A sliver is taken off so that 99.9 % of 1000 is rank 999, not 1000.
	rank := int64(math.Ceil(at/100*float64(r.total) - 1e-9))
	rank = min(max(rank, 1), r.total)
	if r.weights == nil {
		return r.values[rank-1]
	}
	for i, w := range r.weights {
		if rank -= w; rank <= 0 {
			return r.values[i]
		}
	}
	return r.values[len(r.values)-1]
}

// upTo gives how much of the weight is of values that are not greater than a value.
func (r *ranked) upTo(v Value) float64 {
	n := int64(0)
	for i, x := range r.values {
		switch {
		case Compare(x, v) > 0:
		case r.weights == nil:
			n++
		default:
			n += r.weights[i]
		}
	}
	return float64(n)
}

// The states of hll and tdigest are exact here. They are arrays whose first element is a number that says what they are,
// so that they can be stored and merged; they cannot be read by, nor read from, the service.
const (
	hllMark    = 1001
	digestMark = 1002
)

// hll collects the hashes of values: [mark, [hash, …]].
type hll struct{ seen map[uint64]struct{} }

func hllAgg(*Env, *plan.Agg, []plan.Column) Agg { return &hll{seen: map[uint64]struct{}{}} }

func (h *hll) Add(args []Value) {
	if args[0].set {
		h.seen[xxHash64(Key(nil, args[0]), 0)] = struct{}{}
	}
}

func (h *hll) Result() []Value {
	hashes := make([]int64, 0, len(h.seen))
	for k := range h.seen {
		hashes = append(hashes, int64(k))
	}
	slices.Sort(hashes)
	items := make([]Value, len(hashes))
	for i, k := range hashes {
		items[i] = ToDynamic(Long(k))
	}
	return []Value{Array([]Value{Long(hllMark), Dynamic(&Tree{Items: items})})}
}

// hllHashes reads a state.
func hllHashes(v Value) ([]Value, bool) {
	items, ok := arrayItems(v)
	if !ok || len(items) != 2 {
		return nil, false
	}
	mark, _ := wholeOf(items[0])
	hashes, ok := arrayItems(items[1])
	return hashes, ok && mark == hllMark
}

func (h *hll) merge(v Value) {
	hashes, _ := hllHashes(v)
	for _, k := range hashes {
		if n, ok := wholeOf(k); ok {
			h.seen[uint64(n)] = struct{}{}
		}
	}
}

type hllMerge struct{ hll }

func hllMergeAgg(*Env, *plan.Agg, []plan.Column) Agg {
	return &hllMerge{hll{seen: map[uint64]struct{}{}}}
}

func (h *hllMerge) Add(args []Value) { h.merge(args[0]) }

// digest collects values and their weights: [mark, [value, …], [weight, …]].
type digest struct{ ranked ranked }

func digestAgg(*Env, *plan.Agg, []plan.Column) Agg { return &digest{} }

func (d *digest) Add(args []Value) {
	weight := int64(1)
	if len(args) > 1 {
		weight, _ = wholeOf(args[1])
	}
	d.ranked.add(args[0], weight)
}

func (d *digest) Result() []Value {
	if d.ranked.total == 0 {
		return []Value{nullDynamic()}
	}
	d.ranked.sort()
	var values, weights []Value
	for i, v := range d.ranked.values {
		w := int64(1)
		if d.ranked.weights != nil {
			w = d.ranked.weights[i]
		}
		if last := len(values) - 1; last >= 0 && Equal(values[last], ToDynamic(v)) {
			weights[last] = ToDynamic(Long(weights[last].Int() + w))
			continue
		}
		values, weights = append(values, ToDynamic(v)), append(weights, ToDynamic(Long(w)))
	}
	return []Value{Array([]Value{Long(digestMark), Dynamic(&Tree{Items: values}), Dynamic(&Tree{Items: weights})})}
}

// digestOf reads a state.
func digestOf(v Value) (*ranked, bool) {
	items, ok := arrayItems(v)
	if !ok || len(items) != 3 {
		return nil, false
	}
	mark, _ := wholeOf(items[0])
	values, ok1 := arrayItems(items[1])
	weights, ok2 := arrayItems(items[2])
	if mark != digestMark || !ok1 || !ok2 || len(values) != len(weights) {
		return nil, false
	}
	r := &ranked{}
	for i, x := range values {
		w, _ := wholeOf(weights[i])
		r.add(x.Inner(), w)
	}
	r.sort()
	return r, true
}

type digestMerge struct{ digest }

func digestMergeAgg(*Env, *plan.Agg, []plan.Column) Agg { return &digestMerge{} }

func (d *digestMerge) Add(args []Value) { d.merge(args[0]) }

func (d *digest) merge(v Value) {
	r, ok := digestOf(v)
	if !ok {
		return
	}
	for i, x := range r.values {
		w := int64(1)
		if r.weights != nil {
			w = r.weights[i]
		}
		d.ranked.add(x, w)
	}
}

var stateFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnHllMerge: func(_ *Env, _ kql.Type, args []Value) Value {
		h := hll{seen: map[uint64]struct{}{}}
		for _, a := range args {
			h.merge(a)
		}
		return h.Result()[0]
	},
	plan.FnDcountHll: func(_ *Env, out kql.Type, args []Value) Value {
		hashes, ok := hllHashes(args[0])
		if !ok {
			return Null(out)
		}
		return Long(int64(len(hashes)))
	},
	plan.FnHllIsvalid: func(_ *Env, _ kql.Type, args []Value) Value {
		_, ok := hllHashes(args[0])
		return Bool(ok)
	},
	plan.FnTdigestMerge: func(_ *Env, _ kql.Type, args []Value) Value {
		d := digest{}
		for _, a := range args {
			d.merge(a)
		}
		return d.Result()[0]
	},
	plan.FnTdigestIsvalid: func(_ *Env, _ kql.Type, args []Value) Value {
		_, ok := digestOf(args[0])
		return Bool(ok)
	},
	plan.FnPercentileTdigest:       digestPercentile,
	plan.FnPercentilesArrayTdigest: digestPercentiles,
	plan.FnPercentrankTdigest: func(_ *Env, out kql.Type, args []Value) Value {
		r, ok := digestOf(args[0])
		if !ok || r.total == 0 || !args[1].set {
			return Null(out)
		}
		return Real(100 * r.upTo(args[1].Inner()) / float64(r.total))
	},
	plan.FnRankTdigest: func(_ *Env, out kql.Type, args []Value) Value {
		r, ok := digestOf(args[0])
		if !ok || !args[1].set {
			return Null(out)
		}
		return Real(r.upTo(args[1].Inner()))
	},
}

// digestPercentile is percentile_tdigest; a typeof, which stands last, is the type of the result.
func digestPercentile(_ *Env, out kql.Type, args []Value) Value {
	r, ok := digestOf(args[0])
	at, isNumber := numberOf(args[1])
	if !ok || !isNumber || r.total == 0 {
		return Null(out)
	}
	return Convert(r.percentile(at), out)
}

func digestPercentiles(_ *Env, out kql.Type, args []Value) Value {
	r, ok := digestOf(args[0])
	if !ok || r.total == 0 {
		return Null(out)
	}
	var all []Value
	for _, a := range args[1:] {
		for _, at := range percentsOf(a) {
			all = append(all, r.percentile(at))
		}
	}
	return Array(all)
}
