package eval

import (
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Env is what functions know besides their arguments. It belongs to one goroutine: it keeps compiled patterns and the
// like.
type Env struct {
	// Now is the value of now(), in ticks.
	Now int64
	// Err is the first error that a function met that the language makes an end of the query, such as assert(). Who
	// calls functions looks at it when rows are done.
	Err error

	cache cache
}

// Func computes a scalar function. out is the type that the plan gives the result; the result has it, or is its null.
// Arguments that the query left out are left out. args must not be kept.
type Func func(env *Env, out kql.Type, args []Value) Value

// Scalar gives the Go form of an operator or a scalar function. It has none for window functions, which the engines
// compute themselves, and for those that need more than their arguments.
func Scalar(fn plan.Fn) (Func, bool) {
	f := scalars[fn]
	return f, f != nil
}

// Agg collects the rows of one group for an aggregate.
type Agg interface {
	// Add takes the arguments of one row, as many as the aggregate has; constants such as the N of percentile come
	// with every row. args must not be kept, the values may.
	Add(args []Value)
	// Result gives the result for the rows so far: one value for each column of the plan's AggAssign. For arg_max these
	// are the greatest value, then the other arguments.
	Result() []Value
}

// NewAgg gives a function that makes an empty Agg for each group. cols are the columns that the plan gives its results;
// ok is false where the aggregate has no Go form.
func NewAgg(env *Env, agg *plan.Agg, cols []plan.Column) (make func() Agg, ok bool) {
	f := aggregates[agg.Fn]
	if f == nil {
		return nil, false
	}
	return func() Agg { return f(env, agg, cols) }, true
}
