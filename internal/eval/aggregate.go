package eval

import (
	"cmp"
	"math"
	"math/bits"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// newAgg makes an aggregate for one group.
type newAgg func(env *Env, agg *plan.Agg, cols []plan.Column) Agg

// aggregates are the Go forms of aggregates, by their numbers. All but count pass over nulls.
var aggregates = map[plan.Fn]newAgg{ //nolint:exhaustive // the others are no aggregates, or refused
	plan.AggCount:           func(*Env, *plan.Agg, []plan.Column) Agg { return &count{} },
	plan.AggCountif:         func(*Env, *plan.Agg, []plan.Column) Agg { return &countIf{} },
	plan.AggSum:             sumAgg,
	plan.AggSumif:           filtered(sumAgg, 1),
	plan.AggAvg:             avgAgg,
	plan.AggAvgif:           filtered(avgAgg, 1),
	plan.AggMin:             extremeAgg(-1),
	plan.AggMinif:           filtered(extremeAgg(-1), 1),
	plan.AggMax:             extremeAgg(1),
	plan.AggMaxif:           filtered(extremeAgg(1), 1),
	plan.AggDcount:          distinctAgg,
	plan.AggDcountif:        filtered(distinctAgg, 1),
	plan.AggCountDistinct:   distinctAgg,
	plan.AggCountDistinctif: filtered(distinctAgg, 1),
	plan.AggBinaryAllOr:     bitsAgg(func(a, b int64) int64 { return a | b }),
	plan.AggBinaryAllAnd:    bitsAgg(func(a, b int64) int64 { return a & b }),
	plan.AggBinaryAllXor:    bitsAgg(func(a, b int64) int64 { return a ^ b }),

	plan.AggTakeAny:   anyAgg,
	plan.AggAny:       anyAgg,
	plan.AggTakeAnyif: filtered(anyAgg, 1),
	plan.AggAnyif:     filtered(anyAgg, 1),
	plan.AggArgMax:    argAgg(1),
	plan.AggArgMin:    argAgg(-1),
	plan.AggOldArgMax: argAgg(1),
	plan.AggOldArgMin: argAgg(-1),

	plan.AggMakeList:          listAgg(false, MaxElements),
	plan.AggMakeListIf:        filtered(listAgg(false, MaxElements), 1),
	plan.AggMakeListWithNulls: listAgg(true, MaxElements),
	plan.AggOldMakeList:       listAgg(false, oldMaxElements),
	plan.AggMakeSet:           setAgg(MaxElements),
	plan.AggMakeSetIf:         filtered(setAgg(MaxElements), 1),
	plan.AggOldMakeSet:        setAgg(oldMaxElements),
	plan.AggMakeBag:           bagAgg,
	plan.AggMakeBagIf:         filtered(bagAgg, 1),
	plan.AggMakeDictionary:    bagAgg,
	plan.AggBuildschema:       schemaAgg,

	plan.AggStdev:         spreadAgg(1, math.Sqrt),
	plan.AggStdevif:       filtered(spreadAgg(1, math.Sqrt), 1),
	plan.AggStdevp:        spreadAgg(0, math.Sqrt),
	plan.AggVariance:      spreadAgg(1, identity),
	plan.AggVarianceif:    filtered(spreadAgg(1, identity), 1),
	plan.AggVariancep:     spreadAgg(0, identity),
	plan.AggVariancepif:   filtered(spreadAgg(0, identity), 1),
	plan.AggCovariance:    covarianceAgg(1),
	plan.AggCovarianceif:  filtered(covarianceAgg(1), 2),
	plan.AggCovariancep:   covarianceAgg(0),
	plan.AggCovariancepif: filtered(covarianceAgg(0), 2),

	plan.AggPercentile:        percentileAgg(false, false),
	plan.AggPercentiles:       percentileAgg(false, false),
	plan.AggPercentilesArray:  percentileAgg(false, true),
	plan.AggPercentilew:       percentileAgg(true, false),
	plan.AggPercentilesw:      percentileAgg(true, false),
	plan.AggPercentileswArray: percentileAgg(true, true),

	plan.AggHll:          hllAgg,
	plan.AggHllIf:        filtered(hllAgg, 1),
	plan.AggHllMerge:     hllMergeAgg,
	plan.AggTdigest:      digestAgg,
	plan.AggTdigestMerge: digestMergeAgg,
}

// filtered gives an aggregate the rows for which the argument at a place is true, without that argument.
func filtered(inner newAgg, at int) newAgg {
	return func(env *Env, agg *plan.Agg, cols []plan.Column) Agg {
		return &filter{inner: inner(env, agg, cols), at: at}
	}
}

type filter struct {
	inner Agg
	at    int
	args  []Value
}

func (f *filter) Add(args []Value) {
	if !args[f.at].Bool() {
		return
	}
	f.args = append(append(f.args[:0], args[:f.at]...), args[f.at+1:]...)
	f.inner.Add(f.args)
}

func (f *filter) Result() []Value { return f.inner.Result() }

// count is count(): it counts rows, whatever its argument.
type count struct{ n int64 }

func (c *count) Add([]Value)     { c.n++ }
func (c *count) Result() []Value { return []Value{Long(c.n)} }

type countIf struct{ n int64 }

func (c *countIf) Add(args []Value) {
	if args[0].Bool() {
		c.n++
	}
}
func (c *countIf) Result() []Value { return []Value{Long(c.n)} }

// sum adds numbers in the type of its result; whole numbers wrap at 64 bits. The sum of dynamics is whole unless one of
// them is not.
type sum struct {
	env  *Env
	out  kql.Type
	n    int64 // rows that are not null
	i    int64
	high int64 // what i has lost by wrapping, in units of 2^64
	f    float64
	real bool  // f has a part of a sum of dynamics
	d    Value // decimals
	plus Func
}

func newSum(env *Env, out kql.Type) *sum {
	s := &sum{env: env, out: out}
	if out == kql.TypeDecimal {
		s.d = Decimal("0")
		s.plus, _ = Scalar(plan.FnAdd)
	}
	return s
}

func sumAgg(env *Env, _ *plan.Agg, cols []plan.Column) Agg { return newSum(env, cols[0].Type) }

func (s *sum) Add(args []Value) {
	v := args[0]
	if v.typ == kql.TypeDynamic {
		v = Convert(v, s.out)
	}
	if !v.set || v.tree != nil {
		return
	}
	s.n++
	switch s.out {
	case kql.TypeReal:
		f, _ := numberOf(v)
		s.f += f
	case kql.TypeDecimal:
		s.d = s.plus(s.env, kql.TypeDecimal, []Value{s.d, v})
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		low, carry := bits.Add64(uint64(s.i), uint64(v.Int()), 0)
		s.i, s.high = int64(low), s.high+v.Int()>>63+int64(carry)
	case kql.TypeDynamic:
		if n, ok := wholeOf(v); ok {
			s.i += n
		} else if f, ok := numberOf(v); ok {
			s.f, s.real = s.f+f, true
		}
	case kql.TypeUnknown, kql.TypeString, kql.TypeGuid:
	}
}

func (s *sum) value() Value {
	switch s.out { //nolint:exhaustive // the others are whole
	case kql.TypeReal:
		return Real(s.f)
	case kql.TypeDecimal:
		return s.d
	case kql.TypeDateTime:
		return Datetime(s.i)
	case kql.TypeDynamic:
		if s.real {
			return ToDynamic(Real(s.f + float64(s.i)))
		}
		return ToDynamic(Long(s.i))
	}
	return whole(s.out, s.i)
}

func (s *sum) Result() []Value { return []Value{s.value()} }

// over divides the whole sum, with what wrapping took, by the number of its parts, toward zero. Ticks of datetimes pass 64
// bits with the fifteenth.
func (s *sum) over(n int64) int64 {
	high, low := uint64(s.high), uint64(s.i)
	negative := s.high < 0
	if negative {
		var borrow uint64
		low, borrow = bits.Sub64(0, low, 0)
		high, _ = bits.Sub64(0, high, borrow)
	}
	q, _ := bits.Div64(high, low, uint64(n))
	if negative {
		return -int64(q)
	}
	return int64(q)
}

// avg divides a sum, in the type that [sum] has it, by the number of rows. Without rows it is NaN, or null where the result
// is no real.
type avg struct {
	sum *sum
	out kql.Type
}

func avgAgg(env *Env, agg *plan.Agg, cols []plan.Column) Agg {
	of, out := plan.TypeOf(agg.Args[0]), cols[0].Type
	switch of { //nolint:exhaustive // the others are summed as they are
	case kql.TypeInt:
		of = kql.TypeLong
	case kql.TypeDynamic, kql.TypeUnknown:
		of = out
	}
	return &avg{sum: newSum(env, of), out: out}
}

func (a *avg) Add(args []Value) { a.sum.Add(args) }

func (a *avg) Result() []Value {
	n := a.sum.n
	switch {
	case n == 0 && a.out == kql.TypeReal:
		return []Value{Real(math.NaN())}
	case n == 0:
		return []Value{Null(a.out)}
	}
	switch a.sum.out { //nolint:exhaustive // the others are whole
	case kql.TypeReal:
		return []Value{Real(a.sum.f / float64(n))}
	case kql.TypeDecimal:
		over, _ := Scalar(plan.FnDiv)
		return []Value{over(a.sum.env, kql.TypeDecimal, []Value{a.sum.d, Decimal(Text(Long(n)))})}
	case kql.TypeDateTime:
		return []Value{Datetime(a.sum.over(n))}
	case kql.TypeTimespan:
		return []Value{Timespan(a.sum.over(n))}
	}
	return []Value{typed(a.out, Real(float64(a.sum.i)/float64(n)))}
}

// extremeAgg is max (1) and min (-1). A NaN wins both.
func extremeAgg(way int) newAgg {
	return func(_ *Env, _ *plan.Agg, cols []plan.Column) Agg { return &best{way: way, v: Null(cols[0].Type)} }
}

type best struct {
	way  int
	v    Value
	some bool
}

func (b *best) Add(args []Value) {
	if v := args[0]; v.set && (!b.some || beats(v, b.v, b.way) > 0) {
		b.v, b.some = v, true
	}
}
func (b *best) Result() []Value { return []Value{b.v} }

// beats tells which of two values, not null, wins as max (1) or min (-1): above 0 the first, 0 neither.
func beats(a, b Value, way int) int {
	if a.kind == b.kind && (a.kind == kql.TypeLong || a.kind == kql.TypeDateTime || a.kind == kql.TypeInt) {
		return cmp.Compare(a.Int(), b.Int()) * way
	}
	nanA, nanB := isNaN(a), isNaN(b)
	if nanA || nanB {
		return boolOrder(nanA, nanB)
	}
	return Compare(a, b) * way
}

func isNaN(v Value) bool { return v.set && v.kind == kql.TypeReal && math.IsNaN(v.Real()) }

// distinct counts different values, and is exact: for dcount the language allows an error of some percent.
type distinct struct {
	seen map[string]struct{}
	buf  []byte
}

func distinctAgg(*Env, *plan.Agg, []plan.Column) Agg { return &distinct{seen: map[string]struct{}{}} }

func (d *distinct) Add(args []Value) {
	if !args[0].set {
		return
	}
	d.buf = Key(d.buf[:0], args[0])
	if _, ok := d.seen[string(d.buf)]; !ok {
		d.seen[string(d.buf)] = struct{}{}
	}
}
func (d *distinct) Result() []Value { return []Value{Long(int64(len(d.seen)))} }

func bitsAgg(join func(a, b int64) int64) newAgg {
	return func(_ *Env, _ *plan.Agg, cols []plan.Column) Agg { return &bitwise{join: join, out: cols[0].Type} }
}

type bitwise struct {
	join func(a, b int64) int64
	out  kql.Type
	n    int64
	some bool
}

func (b *bitwise) Add(args []Value) {
	v := args[0]
	switch {
	case !v.set || v.tree != nil:
	case b.some:
		b.n = b.join(b.n, v.Int())
	default:
		b.n, b.some = v.Int(), true
	}
}

func (b *bitwise) Result() []Value {
	if !b.some {
		return []Value{Null(b.out)}
	}
	if b.out == kql.TypeDynamic {
		return []Value{ToDynamic(Long(b.n))}
	}
	return []Value{whole(b.out, b.n)}
}
