package eval

import (
	"maps"

	"drumbeat/kql/plan"
)

// scalars are the Go forms of operators and functions, by their numbers.
var scalars = collect(
	opFuncs, compareFuncs, convertFuncs, textOpFuncs, stringFuncs, encodeFuncs, regexFuncs, pathFuncs, numberFuncs,
	unitFuncs, timeFuncs,
	dynamicFuncs, seriesFuncs, netFuncs, parseFuncs, hashFuncs,
)

func collect(tables ...map[plan.Fn]Func) map[plan.Fn]Func {
	all := make(map[plan.Fn]Func)
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}
