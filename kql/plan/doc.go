// Package plan finds out what a query of the Kusto Query Language means: which tables and columns its names stand for,
// of what types its expressions are, and which steps lead to its result.
//
// [Bind] makes a [Plan] of a tree of package kql, or gives all that is wrong with it at once, each remark with its place
// and often with the name that was meant. let statements, functions and views are put in their places; what is left is
// steps ([Op]) and expressions ([Expr]), two closed sets. Columns have numbers that are unique in a plan, so that no name
// means two things. Every expression carries its type, and whether it can be null.
//
// A plan is the contract between the language and whatever runs it. [Functions] is the one table of all functions. What
// no engine is meant to run is refused here, with the code of package kql for what is not supported, and never
// understood as something else.
//
// Names and types of columns are those that the official language service gives. The differences are counted in
// testdata/agreement.txt. Beyond it, window functions on rows without an order are refused here, as the engine does.
//
// The limits on nesting and size hold for any text: a query takes time in proportion to its size after functions are put
// in their places, which is limited. Nothing is shared between calls of Bind, a plan does not change, and both may be
// used from several goroutines.
package plan
