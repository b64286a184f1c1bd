package sqlgen

import (
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

type form = func(*call) (string, bool)

// duckFuncs are the functions that DuckDB has, or that can be written with what it has. All others are called in Go.
func duckFuncs() map[plan.Fn]form {
	all := maps.Clone(duckLogic)
	for _, some := range []map[plan.Fn]form{duckCompare, duckTexts, duckNumbers, duckTimes} {
		maps.Copy(all, some)
	}
	return all
}

var duckLogic = map[plan.Fn]form{ //nolint:exhaustive // the others are elsewhere, or in Go
	plan.FnAnd: joined(" and "),
	plan.FnOr:  joined(" or "),
	plan.FnNot: func(c *call) (string, bool) {
		return "(not " + c.args[0].sql + ")", c.args[0].typ == kql.TypeBool
	},
	plan.FnIff: func(c *call) (string, bool) {
		cond, ok := c.s.g.d.condition(c.args[0])
		if !ok || !c.choices(c.args[1], c.args[2]) {
			return "", false
		}
		return "(case when " + cond + " then " + c.cast(c.args[1]) + " else " + c.cast(c.args[2]) + " end)", true
	},
	plan.FnCase: func(c *call) (string, bool) {
		var w strings.Builder
		w.WriteString("(case")
		last := len(c.args) - 1
		for i := 0; i+1 < len(c.args); i += 2 {
			cond, ok := c.s.g.d.condition(c.args[i])
			if !ok || !c.choices(c.args[i+1]) {
				return "", false
			}
			w.WriteString(" when " + cond + " then " + c.cast(c.args[i+1]))
		}
		w.WriteString(" else " + c.cast(c.args[last]) + " end)")
		return w.String(), c.choices(c.args[last])
	},
	plan.FnCoalesce: func(c *call) (string, bool) {
		if !c.choices(c.args...) {
			return "", false
		}
		parts := make([]string, len(c.args), len(c.args)+1)
		for i, a := range c.args {
			parts[i] = c.cast(a)
			if c.out == kql.TypeString {
				parts[i] = "nullif(" + a.sql + ", '')"
			}
		}
		if c.out == kql.TypeString {
			parts = append(parts, "''")
		}
		return "coalesce(" + strings.Join(parts, ", ") + ")", true
	},
	plan.FnIsnull: func(c *call) (string, bool) {
		if c.args[0].typ == kql.TypeString {
			return "false", true
		}
		return "(" + c.args[0].sql + " is null)", c.args[0].typ != kql.TypeDynamic
	},
	plan.FnIsnotnull: func(c *call) (string, bool) {
		if c.args[0].typ == kql.TypeString {
			return "true", true
		}
		return "(" + c.args[0].sql + " is not null)", c.args[0].typ != kql.TypeDynamic
	},
	plan.FnIsempty: func(c *call) (string, bool) {
		if c.args[0].typ == kql.TypeString {
			return "(" + c.args[0].sql + " = '')", true
		}
		return "(" + c.args[0].sql + " is null)", c.args[0].typ != kql.TypeDynamic
	},
	plan.FnIsnotempty: func(c *call) (string, bool) {
		if c.args[0].typ == kql.TypeString {
			return "(" + c.args[0].sql + " <> '')", true
		}
		return "(" + c.args[0].sql + " is not null)", c.args[0].typ != kql.TypeDynamic
	},
	plan.FnMaxOf: extreme("greatest"),
	plan.FnMinOf: extreme("least"),
}

// choices reports whether terms can be given the type of the result by a cast.
func (c *call) choices(terms ...term) bool {
	for _, t := range terms {
		widened := class(t.typ) == 1 && class(c.out) == 1 && t.typ < c.out
		if t.typ != c.out && !widened {
			return false
		}
	}
	return true
}

// cast gives a term the type of the result, which [call.choices] says it can have.
func (c *call) cast(t term) string {
	if t.typ == c.out {
		return t.sql
	}
	return "(" + t.sql + ")::" + c.s.g.d.Type(c.out)
}

func joined(op string) form {
	return func(c *call) (string, bool) {
		parts := make([]string, len(c.args))
		for i, a := range c.args {
			var ok bool
			if parts[i], ok = c.s.g.d.condition(a); !ok {
				return "", false
			}
		}
		return "(" + strings.Join(parts, op) + ")", true
	}
}

// extreme writes max_of and min_of of values that are never null, and not real, for what NaN does there SQL does not.
func extreme(fn string) form {
	return func(c *call) (string, bool) {
		parts := make([]string, len(c.args))
		for i, a := range c.args {
			if !a.nonNull || a.typ == kql.TypeReal || a.typ == kql.TypeBool || class(a.typ) == 0 {
				return "", false
			}
			parts[i] = c.cast(a)
		}
		return fn + "(" + strings.Join(parts, ", ") + ")", c.choices(c.args...)
	}
}

var duckCompare = map[plan.Fn]form{ //nolint:exhaustive // the others are elsewhere, or in Go
	plan.FnEq:         equal,
	plan.FnNe:         unequal,
	plan.FnLt:         ordered("<"),
	plan.FnLe:         ordered("<="),
	plan.FnGt:         ordered(">"),
	plan.FnGe:         ordered(">="),
	plan.FnBetween:    between,
	plan.FnNotBetween: not(between),
	plan.FnIn:         member(false, false),
	plan.FnNotIn:      member(true, false),
	plan.FnInCI:       member(false, true),
	plan.FnNotInCI:    member(true, true),
	plan.FnEqCI:       alike(false),
	plan.FnNeCI:       alike(true),
}

func not(f form) form {
	return func(c *call) (string, bool) {
		whole := *c
		whole.truth = false // here null is not false
		text, ok := f(&whole)
		return "(not " + text + ")", ok
	}
}

// equal is ==. Null is equal to no value, and it is not known whether it is to null; NaN is equal to nothing.
func equal(c *call) (string, bool) {
	a, b := c.args[0], c.args[1]
	if !similar(a, b) {
		return "", false
	}
	if text, ok := onMicros(c, "="); ok {
		return text, true
	}
	if c.truth && a.public != "" && b.lit != nil && !b.lit.Null && !b.lit.Bool {
		return a.public, true // several conditions, the cheap ones first
	}
	text := "(" + bare(a) + " = " + bare(b) + ")"
	if mayNaN(a) && mayNaN(b) {
		text = "(" + text + " and not isnan(" + a.sql + "))"
	}
	switch {
	case c.truth || a.nonNull && b.nonNull:
		return text, true
	case a.nonNull || b.nonNull:
		return "coalesce(" + text + ", false)", true
	}
	return "(case when " + a.sql + " is null and " + b.sql + " is null then null else coalesce(" + text + ", false) end)", true
}

// unequal is !=: it is true where one side is null, and not known where both are.
func unequal(c *call) (string, bool) {
	a, b := c.args[0], c.args[1]
	if !similar(a, b) {
		return "", false
	}
	text := "(" + a.sql + " is distinct from " + b.sql + ")"
	if a.nonNull && b.nonNull {
		text = "(" + bare(a) + " <> " + bare(b) + ")"
	}
	bothNaN := mayNaN(a) && mayNaN(b)
	if bothNaN {
		text = "(" + text + " or coalesce(isnan(" + a.sql + "), false))"
	}
	if c.truth && !bothNaN || a.nonNull || b.nonNull {
		return text, true
	}
	return "(case when " + a.sql + " is null and " + b.sql + " is null then null else " + text + " end)", true
}

// ordered is one of the four comparisons. Nothing is less or greater than NaN, which in SQL is the greatest.
func ordered(op string) form {
	return func(c *call) (string, bool) {
		a, b := c.args[0], c.args[1]
		if !similar(a, b) {
			return "", false
		}
		if text, ok := onMicros(c, op); ok {
			return text, true
		}
		text := "(" + bare(a) + " " + op + " " + bare(b) + ")"
		guard := b
		if op[0] == '>' {
			guard = a
		}
		if !mayNaN(guard) {
			return text, true
		}
		text = "(" + text + " and not isnan(" + guard.sql + "))"
		neverNull := a.nonNull && b.nonNull
		if !c.truth && !neverNull { // null and false is false, but null is asked for
			text = "(case when " + a.sql + " is null or " + b.sql + " is null then null else " + text + " end)"
		}
		return text, true
	}
}

// similar reports whether SQL compares two terms as the language does.
func similar(a, b term) bool { return class(a.typ) != 0 && class(a.typ) == class(b.typ) }

// onMicros writes a comparison of a column of timestamps with a constant on the column itself.
func onMicros(c *call, op string) (string, bool) {
	a, b := c.args[0], c.args[1]
	if a.raw == "" {
		flipped := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
		a, b, op = b, a, flipped[op]
	}
	if a.raw == "" || b.lit == nil || b.lit.Null || b.typ != kql.TypeDateTime {
		return "", false
	}
	if op == "=" && !c.truth && !a.nonNull {
		return "", false
	}
	text, ok := microsBound(a.raw, op, b.lit.Int)
	return "(" + text + ")", ok
}

// microsBound compares a column of microseconds with ticks, of which there are ten in each.
func microsBound(col, op string, ticks int64) (string, bool) {
	if ticks < 0 || ticks > maxDatetime {
		return "", false
	}
	micros := ticks / microsecond
	if ticks%microsecond != 0 {
		switch op {
		case "=":
			return "", false
		case ">=": // what is not less than a time between two microseconds is not less than the next one
			micros++
		case "<":
			micros++
		}
	}
	return col + " " + op + " make_timestamp(" + strconv.FormatInt(micros-unixMicros, 10) + ")", true
}

func between(c *call) (string, bool) {
	a, low, high := c.args[0], c.args[1], c.args[2]
	if !similar(a, low) || !similar(a, high) || a.typ == kql.TypeReal || low.typ == kql.TypeReal || high.typ == kql.TypeReal {
		return "", false
	}
	if a.raw != "" && low.lit != nil && high.lit != nil && !low.lit.Null && !high.lit.Null {
		from, ok1 := microsBound(a.raw, ">=", low.lit.Int)
		to, ok2 := microsBound(a.raw, "<=", high.lit.Int)
		return "(" + from + " and " + to + ")", ok1 && ok2
	}
	text := "(" + a.sql + " between " + bare(low) + " and " + bare(high) + ")"
	if c.truth || low.nonNull && high.nonNull {
		return text, true
	}
	// Null at one end makes null of what SQL knows to be false from the other.
	return "(case when " + low.sql + " is not null and " + high.sql + " is not null then " + text + " end)", true
}

// member is in and its like. Null is in no list.
func member(negated, fold bool) form {
	return func(c *call) (string, bool) {
		a := c.args[0]
		list, ok := memberList(c, fold)
		if !ok {
			return "", false
		}
		value := a.sql
		if fold {
			value = "lower(" + value + ")"
		}
		text := "(" + value + " in " + list + ")"
		if list == "()" {
			text = "false"
		}
		if !a.nonNull && (negated || !c.truth) && list != "()" {
			text = "coalesce(" + text + ", false)"
		}
		if negated {
			text = "(not " + text + ")"
		}
		return text, true
	}
}

func memberList(c *call, fold bool) (string, bool) {
	a := c.args[0]
	if class(a.typ) == 0 || a.typ == kql.TypeReal || fold && a.typ != kql.TypeString {
		return "", false
	}
	if c.list != nil {
		if len(c.args) > 1 || class(c.list.typ) != class(a.typ) || c.list.typ == kql.TypeReal {
			return "", false
		}
		if fold {
			return "(select lower(x) from " + c.list.sql + " l(x))", true
		}
		return c.list.sql, true
	}
	var items []string
	for _, x := range c.args[1:] {
		values, ok := listed(x, a.typ)
		if !ok {
			return "", false
		}
		for _, v := range values {
			if fold {
				v.Str = lower(v.Str)
			}
			items = append(items, bare(term{sql: c.s.g.d.Literal(&v), typ: v.Type, lit: &v}))
		}
	}
	return "(" + strings.Join(items, ", ") + ")", true
}

// listed gives the values of an item at the right of in: those of an array, of which those that are no texts go to Go.
func listed(x term, of kql.Type) ([]plan.Lit, bool) {
	switch {
	case x.lit == nil:
		return nil, false
	case x.typ == kql.TypeDynamic && of == kql.TypeString:
		texts, ok := textsOf(x.lit)
		list := make([]plan.Lit, len(texts))
		for i, s := range texts {
			list[i] = plan.Lit{Info: plan.Info{Type: kql.TypeString, NonNull: true, Const: true}, Str: s}
		}
		return list, ok
	case x.lit.Null:
		return nil, class(x.typ) == class(of)
	case class(x.typ) != class(of) || x.typ == kql.TypeReal:
		return nil, false
	}
	return []plan.Lit{*x.lit}, true
}

// lower folds case letter by letter, as DuckDB's lower does.
func lower(s string) string { return strings.Map(unicode.ToLower, s) }

func alike(negated bool) form {
	return func(c *call) (string, bool) {
		a, b := c.args[0], c.args[1]
		if a.typ != kql.TypeString || b.typ != kql.TypeString {
			return "", false
		}
		op := map[bool]string{true: " <> ", false: " = "}[negated]
		return "(" + folded(a) + op + folded(b) + ")", true
	}
}

func folded(t term) string {
	if t.lit != nil {
		return quote(lower(t.lit.Str))
	}
	return "lower(" + t.sql + ")"
}

var duckTexts = map[plan.Fn]form{ //nolint:exhaustive // the others are elsewhere, or in Go
	plan.FnContains:        search("contains", true, false),
	plan.FnNotContains:     search("contains", true, true),
	plan.FnContainsCS:      search("contains", false, false),
	plan.FnNotContainsCS:   search("contains", false, true),
	plan.FnStartsWith:      search("starts_with", true, false),
	plan.FnNotStartsWith:   search("starts_with", true, true),
	plan.FnStartsWithCS:    search("starts_with", false, false),
	plan.FnNotStartsWithCS: search("starts_with", false, true),
	plan.FnEndsWith:        search("ends_with", true, false),
	plan.FnNotEndsWith:     search("ends_with", true, true),
	plan.FnEndsWithCS:      search("ends_with", false, false),
	plan.FnNotEndsWithCS:   search("ends_with", false, true),
	plan.FnHas:             hasTerm(true, true, true, false),
	plan.FnNotHas:          hasTerm(true, true, true, true),
	plan.FnHasCS:           hasTerm(false, true, true, false),
	plan.FnNotHasCS:        hasTerm(false, true, true, true),
	plan.FnHasPrefix:       hasTerm(true, true, false, false),
	plan.FnNotHasPrefix:    hasTerm(true, true, false, true),
	plan.FnHasPrefixCS:     hasTerm(false, true, false, false),
	plan.FnNotHasPrefixCS:  hasTerm(false, true, false, true),
	plan.FnHasSuffix:       hasTerm(true, false, true, false),
	plan.FnNotHasSuffix:    hasTerm(true, false, true, true),
	plan.FnHasSuffixCS:     hasTerm(false, false, true, false),
	plan.FnNotHasSuffixCS:  hasTerm(false, false, true, true),
	plan.FnHasAny:          hasSome(" or "),
	plan.FnHasAll:          hasSome(" and "),
	plan.FnStrcat: func(c *call) (string, bool) {
		parts := make([]string, len(c.args))
		for i, a := range c.args {
			var ok bool
			if parts[i], ok = textOf(a); !ok {
				return "", false
			}
		}
		return "concat(" + strings.Join(parts, ", ") + ")", len(parts) > 0 // a chain of || would be as deep as it is long
	},
	plan.FnTostring: func(c *call) (string, bool) { return textOf(c.args[0]) },
	plan.FnStrlen: func(c *call) (string, bool) {
		return "length(" + c.args[0].sql + ")", c.args[0].typ == kql.TypeString
	},
	plan.FnStringSize: func(c *call) (string, bool) {
		return "strlen(" + c.args[0].sql + ")", c.args[0].typ == kql.TypeString
	},
	plan.FnTolower: func(c *call) (string, bool) {
		return "lower(" + c.args[0].sql + ")", c.args[0].typ == kql.TypeString
	},
}

// textOf writes tostring() for the types whose texts DuckDB writes in the same way.
func textOf(t term) (string, bool) {
	switch t.typ {
	case kql.TypeString:
		return t.sql, true
	case kql.TypeInt, kql.TypeLong, kql.TypeGuid:
		text := "(" + t.sql + ")::VARCHAR"
		if !t.nonNull {
			text = "coalesce(" + text + ", '')"
		}
		return text, true
	case kql.TypeBool:
		return "(case when " + t.sql + " then 'True' when not " + t.sql + " then 'False' else '' end)", true
	case kql.TypeReal, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeDynamic, kql.TypeUnknown:
	}
	return "", false
}

func search(fn string, fold, negated bool) form {
	return func(c *call) (string, bool) {
		a, b := c.args[0], c.args[1]
		if a.typ != kql.TypeString || b.typ != kql.TypeString {
			return "", false
		}
		text := fn + "(" + a.sql + ", " + b.sql + ")"
		if fold {
			text = fn + "(" + folded(a) + ", " + folded(b) + ")"
		}
		if negated {
			text = "(not " + text + ")"
		}
		return text, true
	}
}

// hasTerm looks for a constant with borders at its ends as asked. The search for the text alone is the fast way to say no.
func hasTerm(fold, start, end, negated bool) form {
	return func(c *call) (string, bool) {
		a, b := c.args[0], c.args[1]
		if a.typ != kql.TypeString || b.typ != kql.TypeString || b.lit == nil {
			return "", false
		}
		text, ok := termText(a.sql, b.lit.Str, fold, start, end)
		if negated {
			text = "(not " + text + ")"
		}
		return text, ok
	}
}

func termText(value, needle string, fold, start, end bool) (string, bool) {
	const longest = 500
	if len(needle) > longest || strings.ContainsRune(needle, 0) {
		return "", false
	}
	if needle == "" {
		return "true", true
	}
	if fold {
		value, needle = "lower("+value+")", lower(needle)
	}
	const edge = `[^\pL\p{Nd}]`
	pattern := regexp.QuoteMeta(needle)
	runes := []rune(needle)
	if start && isTermChar(runes[0]) {
		pattern = "(?:^|" + edge + ")" + pattern
	}
	if end && isTermChar(runes[len(runes)-1]) {
		pattern += "(?:$|" + edge + ")"
	}
	text := "contains(" + value + ", " + quote(needle) + ")"
	if pattern == regexp.QuoteMeta(needle) {
		return text, true
	}
	return "(" + text + " and regexp_matches(" + value + ", " + quote(pattern) + "))", true
}

// hasSome is has_any and has_all of constants.
func hasSome(op string) form {
	return func(c *call) (string, bool) {
		a := c.args[0]
		if a.typ != kql.TypeString || c.list != nil {
			return "", false
		}
		var parts []string
		for _, x := range c.args[1:] {
			values, ok := listed(x, kql.TypeString)
			if !ok {
				return "", false
			}
			for i := range values {
				text, ok := termText(a.sql, values[i].Str, true, true, true)
				if !ok {
					return "", false
				}
				parts = append(parts, text)
			}
		}
		const many = 40
		if len(parts) == 0 || len(parts) > many {
			return "", false
		}
		return "(" + strings.Join(parts, op) + ")", true
	}
}

var duckNumbers = map[plan.Fn]form{ //nolint:exhaustive // the others are elsewhere, or in Go
	plan.FnAdd: arithmetic("+", "kadd"),
	plan.FnSub: arithmetic("-", "ksub"),
	plan.FnMul: func(c *call) (string, bool) {
		if isTicks(c.out) {
			return "", false
		}
		return arithmetic("*", "kmul")(c)
	},
	plan.FnDiv: divide,
	plan.FnMod: func(c *call) (string, bool) {
		a, b := c.args[0], c.args[1]
		if c.out != kql.TypeLong || !isInteger(a.typ) || !isInteger(b.typ) {
			return "", false
		}
		if b.lit != nil && !b.lit.Null && b.lit.Int > 0 {
			return "(((" + a.sql + " % " + b.sql + ") + " + b.sql + ") % " + b.sql + ")", b.lit.Int < math.MaxInt32
		}
		return "", false
	},
	plan.FnToreal: func(c *call) (string, bool) {
		t := c.args[0].typ
		return "(" + c.args[0].sql + ")::DOUBLE", isInteger(t) || t == kql.TypeReal
	},
	plan.FnTolong: func(c *call) (string, bool) {
		return "(" + c.args[0].sql + ")::BIGINT", isInteger(c.args[0].typ)
	},
	plan.FnConvert: func(c *call) (string, bool) {
		return c.cast(c.args[0]), c.choices(c.args[0]) && class(c.out) == 1
	},
	plan.FnBin: binned,
	plan.FnIsnan: func(c *call) (string, bool) {
		return "isnan(" + c.args[0].sql + ")", c.args[0].typ == kql.TypeReal
	},
	plan.FnIsfinite: func(c *call) (string, bool) {
		return "isfinite(" + c.args[0].sql + ")", c.args[0].typ == kql.TypeReal
	},
	plan.FnIpv4IsPrivate: func(c *call) (string, bool) {
		a := c.args[0]
		if a.typ != kql.TypeString {
			return "", false
		}
		t, err := c.s.goCall(&call{s: c.s, fn: c.fn, out: c.out, args: c.args})
		if err != nil {
			return "", false
		}
		c.public = "kpublic(" + a.sql + ", " + t.sql + ")"
		return "kprivate(" + a.sql + ", " + t.sql + ")", true
	},
}

func isTicks(t kql.Type) bool { return t == kql.TypeDateTime || t == kql.TypeTimespan }

// arithmetic writes + - *. Whole numbers wrap at 64 bits; a datetime out of the years 1 to 9999 is null.
func arithmetic(op, wrapping string) form {
	return func(c *call) (string, bool) {
		a, b, wrapping := c.args[0], c.args[1], wrapping
		plain := "(" + a.sql + " " + op + " " + b.sql + ")"
		tried := "try(" + plain + ")"
		if strings.Contains(plain, "(select ") { // DuckDB tries nothing with a sub-query in it
			wrapping += "wide"
			tried = "kwrap(" + a.sql + "::hugeint " + op + " " + b.sql + ")"
		}
		switch c.out { //nolint:exhaustive // the others are left to Go
		case kql.TypeReal:
			return "(" + c.cast(a) + " " + op + " " + c.cast(b) + ")", c.choices(a, b)
		case kql.TypeLong:
			if !isInteger(a.typ) || !isInteger(b.typ) {
				return "", false
			}
			return wrapping + "(" + c.cast(a) + ", " + c.cast(b) + ")", true
		case kql.TypeTimespan:
			switch {
			case a.typ == kql.TypeDateTime && b.typ == kql.TypeDateTime:
				return plain, true
			case a.typ == kql.TypeTimespan && b.typ == kql.TypeTimespan:
				return wrapping + "(" + a.sql + ", " + b.sql + ")", true
			}
		case kql.TypeDateTime:
			return "kdate(" + tried + ")", isTicks(a.typ) && isTicks(b.typ)
		}
		return "", false
	}
}

func divide(c *call) (string, bool) {
	a, b := c.args[0], c.args[1]
	switch {
	case c.out == kql.TypeReal && class(a.typ) == 1 && class(b.typ) == 1:
		return "(" + c.cast(a) + " / " + c.cast(b) + ")", c.choices(a, b)
	case c.out == kql.TypeReal && a.typ == kql.TypeTimespan && b.typ == kql.TypeTimespan:
		return "(" + a.sql + "::DOUBLE / " + b.sql + "::DOUBLE)", true
	case c.out == kql.TypeLong && isInteger(a.typ) && isInteger(b.typ):
		if b.lit != nil && !b.lit.Null && b.lit.Int != -1 {
			return "(" + c.cast(a) + " // " + c.cast(b) + ")", true
		}
		return "kdiv(" + c.cast(a) + ", " + c.cast(b) + ")", true
	}
	return "", false
}

// binned is bin by a constant: whole numbers and ticks go down to a multiple.
func binned(c *call) (string, bool) {
	a, b := c.args[0], c.args[1]
	if b.lit == nil || b.lit.Null || !isWhole(b.typ) || !isWhole(a.typ) || b.lit.Int <= 0 {
		return "", false
	}
	size := strconv.FormatInt(b.lit.Int, 10)
	switch {
	case a.typ == kql.TypeDateTime && b.typ == kql.TypeTimespan && c.out == kql.TypeDateTime:
		return "(" + a.sql + " - " + a.sql + " % " + size + ")", true
	case b.lit.Int > math.MaxInt32 && a.typ == kql.TypeLong || a.typ == kql.TypeInt && c.out != kql.TypeLong:
		return "", false
	case isInteger(a.typ) && isInteger(b.typ) && c.out == kql.TypeLong:
		v := c.cast(a)
		return "(" + v + " - ((" + v + " % " + size + ") + " + size + ") % " + size + ")", b.lit.Int < math.MaxInt32 && a.typ == kql.TypeInt
	}
	return "", false
}

var duckTimes = map[plan.Fn]form{ //nolint:exhaustive // the others are elsewhere, or in Go
	plan.FnDatetimeDiff: func(c *call) (string, bool) {
		part, a, b := c.args[0], c.args[1], c.args[2]
		if part.lit == nil || a.typ != kql.TypeDateTime || b.typ != kql.TypeDateTime {
			return "", false
		}
		units := map[string]int64{
			"day": day, "hour": hour, "minute": minute, "second": second, "millisecond": second / 1000, "microsecond": microsecond,
		}
		unit, ok := units[strings.ToLower(part.lit.Str)]
		size := strconv.FormatInt(unit, 10)
		return "(" + a.sql + " // " + size + " - " + b.sql + " // " + size + ")", ok
	},
	plan.FnNow: fromNow("+"),
	plan.FnAgo: fromNow("-"),
	plan.FnStartofday: func(c *call) (string, bool) {
		a := c.args[0]
		return "(" + a.sql + " - " + a.sql + " % " + strconv.Itoa(day) + ")", len(c.args) == 1 && a.typ == kql.TypeDateTime
	},
	plan.FnHourofday: func(c *call) (string, bool) {
		return "(" + c.args[0].sql + " // " + strconv.Itoa(hour) + " % 24)::INTEGER", c.args[0].typ == kql.TypeDateTime
	},
}

// fromNow is now() and ago() by a span that is computed: those by a constant are constants.
func fromNow(op string) form {
	return func(c *call) (string, bool) {
		if len(c.args) == 0 || c.args[0].typ != kql.TypeTimespan {
			return "", false
		}
		now := strconv.FormatInt(c.s.g.env.Now, 10)
		return "kdate(kwrap(" + now + "::hugeint " + op + " " + c.args[0].sql + "))", true
	}
}

// duckJSONText writes values of the types whose JSON DuckDB writes.
func duckJSONText(t term) (string, bool) {
	switch t.typ {
	case kql.TypeString:
		return "kjson(" + t.sql + ")", true
	case kql.TypeBool, kql.TypeInt, kql.TypeLong:
		return "(" + t.sql + ")::VARCHAR", true
	case kql.TypeDynamic:
		if t.nonNull {
			return t.sql, true
		}
		return "coalesce(" + t.sql + ", 'null')", true
	case kql.TypeReal, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeGuid, kql.TypeUnknown:
	}
	return "", false
}

// textsOf gives the elements of a constant array, if all are texts.
func textsOf(x *plan.Lit) ([]string, bool) {
	var elements []any
	if x.Null || json.Unmarshal([]byte(x.Str), &elements) != nil {
		return nil, false
	}
	texts := make([]string, len(elements))
	for i, e := range elements {
		s, ok := e.(string)
		if !ok || strings.HasPrefix(s, mark) {
			return nil, false
		}
		texts[i] = s
	}
	return texts, true
}
