package eval

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var textOpFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnEqCI: textOp(false, equalFold),
	plan.FnNeCI: textOp(true, equalFold),

	plan.FnHas:            textOp(false, hasTerm),
	plan.FnNotHas:         textOp(true, hasTerm),
	plan.FnHasCS:          textOp(false, hasCS),
	plan.FnNotHasCS:       textOp(true, hasCS),
	plan.FnHasPrefix:      textOp(false, hasPrefix),
	plan.FnNotHasPrefix:   textOp(true, hasPrefix),
	plan.FnHasPrefixCS:    textOp(false, hasPrefixCS),
	plan.FnNotHasPrefixCS: textOp(true, hasPrefixCS),
	plan.FnHasSuffix:      textOp(false, hasSuffix),
	plan.FnNotHasSuffix:   textOp(true, hasSuffix),
	plan.FnHasSuffixCS:    textOp(false, hasSuffixCS),
	plan.FnNotHasSuffixCS: textOp(true, hasSuffixCS),

	plan.FnContains:        textOp(false, containsFold),
	plan.FnNotContains:     textOp(true, containsFold),
	plan.FnContainsCS:      textOp(false, strings.Contains),
	plan.FnNotContainsCS:   textOp(true, strings.Contains),
	plan.FnStartsWith:      textOp(false, startsFold),
	plan.FnNotStartsWith:   textOp(true, startsFold),
	plan.FnStartsWithCS:    textOp(false, strings.HasPrefix),
	plan.FnNotStartsWithCS: textOp(true, strings.HasPrefix),
	plan.FnEndsWith:        textOp(false, endsFold),
	plan.FnNotEndsWith:     textOp(true, endsFold),
	plan.FnEndsWithCS:      textOp(false, strings.HasSuffix),
	plan.FnNotEndsWithCS:   textOp(true, strings.HasSuffix),

	plan.FnHasAny:      hasAny,
	plan.FnHasAll:      hasAll,
	plan.FnHasAnyIndex: hasAnyIndex,
}

// textOp makes an operator of two texts. What is not text is taken as tostring() writes it, so that a null is "".
func textOp(not bool, holds func(s, needle string) bool) Func {
	return func(_ *Env, _ kql.Type, args []Value) Value {
		return Bool(holds(Text(args[0]), Text(args[1])) != not)
	}
}

// lower folds case for the operators that do not tell it apart: letter by letter, whatever the language.
func lower(s string) string { return strings.Map(unicode.ToLower, s) }

func isASCII(s string) bool {
	const high = 0x8080808080808080
	for len(s) >= 8 {
		// The compiler makes one load of this.
		word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 |
			uint64(s[6])<<48 | uint64(s[7])<<56
		if word&high != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// equalFold is =~.
func equalFold(s, t string) bool {
	for s != "" && t != "" {
		a, b := s[0], t[0]
		if a|b >= utf8.RuneSelf {
			return equalRunes(s, t)
		}
		if a != b && lowerByte(a) != lowerByte(b) {
			return false
		}
		s, t = s[1:], t[1:]
	}
	return s == t
}

func equalRunes(s, t string) bool {
	for s != "" && t != "" {
		a, n := utf8.DecodeRuneInString(s)
		b, m := utf8.DecodeRuneInString(t)
		if a != b && unicode.ToLower(a) != unicode.ToLower(b) {
			return false
		}
		s, t = s[n:], t[m:]
	}
	return s == t
}

func containsFold(s, needle string) bool {
	found := false
	eachFold(s, needle, func(string, int, int) bool {
		found = true
		return false
	})
	return found
}

func startsFold(s, needle string) bool {
	if len(s) >= len(needle) && isASCII(s[:len(needle)]) && isASCII(needle) {
		return equalFold(s[:len(needle)], needle)
	}
	return strings.HasPrefix(lower(s), lower(needle))
}

func endsFold(s, needle string) bool {
	if cut := len(s) - len(needle); cut >= 0 && isASCII(s[cut:]) && isASCII(needle) {
		return equalFold(s[cut:], needle)
	}
	return strings.HasSuffix(lower(s), lower(needle))
}

// eachFold calls found for the places of needle in s whatever the case, until it returns false. The text that it gets is s,
// or s in lower case, and the places are those in it.
func eachFold(s, needle string, found func(text string, from, to int) bool) {
	// A longer needle could make this quadratic, while the search in lower case is not.
	const short = 64
	if len(needle) > short || !isASCII(needle) || !isASCII(s) {
		each(lower(s), lower(needle), found)
		return
	}
	n := len(needle)
	if n == 0 {
		found(s, 0, 0)
		return
	}
	first := lowerByte(needle[0])
	other := first
	if first >= 'a' && first <= 'z' {
		other -= 'a' - 'A'
	}
	for i := 0; i+n <= len(s); i++ {
		if c := s[i]; (c == first || c == other) && equalFold(s[i+1:i+n], needle[1:]) && !found(s, i, i+n) {
			return
		}
	}
}

// each calls found for the places of needle in s until it returns false.
func each(s, needle string, found func(text string, from, to int) bool) {
	if needle == "" {
		found(s, 0, 0)
		return
	}
	for from := 0; ; {
		i := strings.Index(s[from:], needle)
		if i < 0 || !found(s, from+i, from+i+len(needle)) {
			return
		}
		_, size := utf8.DecodeRuneInString(s[from+i:])
		from += i + size
	}
}

// isTerm reports whether a rune is part of a term: a letter or a digit. Terms are what has looks for; all else, the
// underscore too, is a border.
func isTerm(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// bordered reports whether a place is cut off from the terms around it, at its start and at its end as asked. Where the
// place itself begins or ends with a border there is nothing to cut.
func bordered(s string, from, to int, start, end bool) bool {
	if start && from > 0 {
		before, _ := utf8.DecodeLastRuneInString(s[:from])
		first, _ := utf8.DecodeRuneInString(s[from:])
		if isTerm(before) && isTerm(first) {
			return false
		}
	}
	if end && to < len(s) {
		after, _ := utf8.DecodeRuneInString(s[to:])
		last, _ := utf8.DecodeLastRuneInString(s[:to])
		if isTerm(after) && isTerm(last) {
			return false
		}
	}
	return true
}

// hasTerm is the operator has: it reports whether needle stands in s with no letter or digit beside its ends, whatever the case.
func hasTerm(s, needle string) bool { return hasFold(s, needle, true, true) }

func hasPrefix(s, needle string) bool { return hasFold(s, needle, true, false) }

func hasSuffix(s, needle string) bool { return hasFold(s, needle, false, true) }

func hasFold(s, needle string, start, end bool) bool {
	if needle == "" {
		return true
	}
	ok := false
	eachFold(s, needle, func(text string, from, to int) bool {
		ok = bordered(text, from, to, start, end)
		return !ok
	})
	return ok
}

func hasCS(s, needle string) bool { return hasExact(s, needle, true, true) }

func hasPrefixCS(s, needle string) bool { return hasExact(s, needle, true, false) }

func hasSuffixCS(s, needle string) bool { return hasExact(s, needle, false, true) }

func hasExact(s, needle string, start, end bool) bool {
	if needle == "" {
		return true
	}
	ok := false
	each(s, needle, func(text string, from, to int) bool {
		ok = bordered(text, from, to, start, end)
		return !ok
	})
	return ok
}
