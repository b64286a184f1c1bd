// Package rewrite makes plans cheaper to run without changing what they mean, and finds out what of a table they need:
//
//	p = rewrite.Fold(p, &eval.Env{Now: now})   // now(), ago(1d) and let values become literals
//	p = rewrite.Prune(p)                       // columns that nothing reads are gone
//	windows := rewrite.Windows(p, now)         // the bounds on the times of each scan's rows
//	shape, ok := rewrite.Delta(p, now)         // is it the founding rule?
//
// A plan is never changed: each function gives a new one, which may share parts with the old. Windows are those of the
// scans of the plan that they were asked for.
package rewrite
