// Package stream runs plans in Go, without a store and without cgo, straight over the rows of a [Source]:
//
//	t, err := stream.Run(ctx, p, src, stream.Options{Now: now})
//
// It has every step of [drumbeat/kql/plan] and, through package eval, every function that is not refused when a query is
// bound, so it is the reference that other engines are checked with.
//
// A plan is compiled for one run. Expressions become closures over the slots of a row, steps become functions that push
// batches of rows on: filter, project, parse, mv-expand, union and the probing side of a join hold nothing, while sort,
// aggregate, and what needs all its input copies what it keeps, and counts it against [Limits]. Where a step adds
// columns, they are computed in place: the source of the rows leaves room for them.
//
// Results do not depend on anything but the plan, its rows in their order, and Options: what the language leaves open is
// fixed here. A sort is stable; a step without an order keeps that of its input; groups stand in the order of their first
// rows; the rows of a join stand in the order of its left side, and for each of them in that of the right.
package stream
