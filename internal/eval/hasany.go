package eval

import (
	"unicode/utf8"

	"drumbeat/kql"
)

func hasAny(env *Env, _ kql.Type, args []Value) Value {
	s := Text(args[0])
	for _, item := range args[1:] {
		switch {
		case item.tree == nil || item.tree.IsBag():
			if hasTerm(s, Text(item)) {
				return Bool(true)
			}
		case len(item.tree.Items) >= minSet && env.cache.again(item.tree):
			if env.cache.terms(item.tree).in(env, s) {
				return Bool(true)
			}
		default:
			for _, e := range item.tree.Items {
				if hasTerm(s, Text(e)) {
					return Bool(true)
				}
			}
		}
	}
	return Bool(false)
}

func hasAll(_ *Env, _ kql.Type, args []Value) Value {
	s := Text(args[0])
	for _, item := range args[1:] {
		if item.tree == nil || item.tree.IsBag() {
			if !hasTerm(s, Text(item)) {
				return Bool(false)
			}
			continue
		}
		for _, e := range item.tree.Items {
			if !hasTerm(s, Text(e)) {
				return Bool(false)
			}
		}
	}
	return Bool(true)
}

// hasAnyIndex is the place of the first element of an array that the text has, or -1.
func hasAnyIndex(_ *Env, out kql.Type, args []Value) Value {
	t := args[1].tree
	if t == nil || t.IsBag() {
		return Null(out)
	}
	s := Text(args[0])
	for i, e := range t.Items {
		if hasTerm(s, Text(e)) {
			return Long(int64(i))
		}
	}
	return Long(-1)
}

// terms finds any of many needles in a text, in a time that does not grow with their number: the first term of a needle
// must be a whole term of the text, so that the terms of the text lead to the few needles that may be there.
type terms struct {
	byFirst map[string][]termNeedle
	// bare are the needles without any term.
	bare []string
}

type termNeedle struct {
	text string // in lower case
	lead int    // bytes before its first term
}

// terms gives the needles of an array. A tree never changes, so that its address will do for a name.
func (c *cache) terms(t *Tree) *terms {
	if ts := c.needles[t]; ts != nil {
		return ts
	}
	ts := &terms{byFirst: map[string][]termNeedle{}}
	for _, item := range t.Items {
		text := lower(Text(item))
		from, to := nextTerm([]byte(text), 0)
		if from == to {
			ts.bare = append(ts.bare, text)
			continue
		}
		first := text[from:to]
		ts.byFirst[first] = append(ts.byFirst[first], termNeedle{text, from})
	}
	if len(c.needles) >= maxSets {
		clear(c.needles)
	}
	if c.needles == nil {
		c.needles = map[*Tree]*terms{}
	}
	c.needles[t] = ts
	return ts
}

func (ts *terms) in(env *Env, s string) bool {
	for _, needle := range ts.bare {
		if hasTerm(s, needle) {
			return true
		}
	}
	low := appendLower(env.cache.low[:0], s)
	env.cache.low = low
	for i := 0; ; {
		from, to := nextTerm(low, i)
		if from == to {
			return false
		}
		for _, n := range ts.byFirst[string(low[from:to])] {
			start := from - n.lead
			end := start + len(n.text)
			if start >= 0 && end <= len(low) && string(low[start:end]) == n.text && bordered(string(low), start, end, true, true) {
				return true
			}
		}
		i = to
	}
}

func appendLower(dst []byte, s string) []byte {
	if !isASCII(s) {
		return append(dst, lower(s)...)
	}
	for i := range len(s) {
		dst = append(dst, lowerByte(s[i]))
	}
	return dst
}

// nextTerm gives the first term of a text from a place on, or nothing at its end.
func nextTerm(s []byte, i int) (from, to int) {
	from = -1
	for i < len(s) {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(s[i:])
		}
		switch {
		case isTerm(r) && from < 0:
			from = i
		case !isTerm(r) && from >= 0:
			return from, i
		}
		i += size
	}
	if from < 0 {
		return len(s), len(s)
	}
	return from, len(s)
}
