// Package eval computes with the values of the query language: it has a Go form of every operator, function and
// aggregate of [drumbeat/kql/plan.Functions] that is not refused, with the results that the language's own engine gives.
//
// It is what the native engine runs, and the reference that the others are checked with. A function gets its
// arguments as they are, null or not, and the type that the plan gives its result:
//
//	f, _ := eval.Scalar(plan.FnAdd)
//	v := f(env, kql.TypeLong, []eval.Value{eval.Long(2), eval.Long(3)})
package eval
