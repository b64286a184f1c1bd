package eval

import (
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var pathFuncs = map[plan.Fn]Func{plan.FnExtractJson: extractJSON} //nolint:exhaustive // the others are in other files

// extractJSON is extract_json(path, text[, type]): a path such as $.hosts[1]['name'].
func extractJSON(_ *Env, out kql.Type, args []Value) Value {
	v, ok := FromJSON(Text(args[1]))
	if !ok {
		return Null(out)
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(Text(args[0])), "$")
	for ok && rest != "" {
		var step pathStep
		if step, rest, ok = cutStep(rest); !ok || v.tree == nil {
			return Null(out)
		}
		switch {
		case step.isIndex && !v.tree.IsBag() && step.index < len(v.tree.Items):
			v = v.tree.Items[step.index]
		case !step.isIndex && v.tree.IsBag():
			v, _ = v.tree.Get(step.key)
		default:
			return Null(out)
		}
	}
	if !ok {
		return Null(out)
	}
	return Convert(v, out)
}

// pathStep is a key of a bag or an index of an array.
type pathStep struct {
	key     string
	index   int
	isIndex bool
}

// cutStep reads .key, ['key'] or [0] off a path.
func cutStep(path string) (step pathStep, rest string, ok bool) {
	if name, found := strings.CutPrefix(path, "."); found {
		end := strings.IndexAny(name, ".[")
		if end < 0 {
			end = len(name)
		}
		return pathStep{key: name[:end]}, name[end:], end > 0
	}
	inside, found := strings.CutPrefix(path, "[")
	if !found || inside == "" {
		return pathStep{}, "", false
	}
	if quote := inside[:1]; quote == "'" || quote == `"` {
		step.key, rest, ok = strings.Cut(inside[1:], quote+"]")
		return step, rest, ok
	}
	number, rest, ok := strings.Cut(inside, "]")
	index, err := strconv.Atoi(strings.TrimSpace(number))
	return pathStep{index: index, isIndex: true}, rest, ok && err == nil && index >= 0
}
