package plan

import (
	"fmt"
	"math"
	"math/big"
	"regexp/syntax"
	"slices"
	"strings"

	"drumbeat/kql"
)

// foldWhole computes an operator on two whole constants, as Kusto does before a query runs: a value beyond a long is
// an error there. It gives nil where there is nothing to fold.
func (b *binder) foldWhole(n *kql.Binary, fn Fn, x, y Expr) Expr {
	l, okl := wholeLit(x)
	r, okr := wholeLit(y)
	if !okl || !okr || b.opt.official {
		return nil
	}
	var v big.Int
	switch fn { //nolint:exhaustive // the others cannot go beyond a long, or are no arithmetic
	case FnAdd:
		v.Add(big.NewInt(l), big.NewInt(r))
	case FnSub:
		v.Sub(big.NewInt(l), big.NewInt(r))
	case FnMul:
		v.Mul(big.NewInt(l), big.NewInt(r))
	default:
		return nil
	}
	if !v.IsInt64() {
		b.report(kql.CodeOverflow, n.Span, "the value is beyond the limits of long", "to compute with reals, write real(…) or todouble(…)")
		return bad()
	}
	return longLit(v.Int64())
}

// checkDynamic reports numbers of a dynamic that no real can hold.
func (b *binder) checkDynamic(x kql.Expr) {
	switch x := x.(type) { //nolint:exhaustive // the others hold no numbers
	case *kql.Dynamic:
		b.checkDynamic(x.Value)
	case *kql.Array:
		for _, e := range x.Elems {
			b.checkDynamic(e)
		}
	case *kql.Bag:
		for _, e := range x.Entries {
			b.checkDynamic(e.Value)
		}
	case *kql.Literal:
		if x.Type == kql.TypeReal && math.IsInf(x.Real, 0) && strings.Trim(x.Written, "+-0123456789.eE") == "" && !b.opt.official {
			b.report(kql.CodeOverflow, x.Span, "the value is beyond the limits of real", "")
		}
	}
}

func wholeLit(x Expr) (int64, bool) {
	lit, ok := x.(*Lit)
	if !ok || lit.Null || lit.Type != kql.TypeLong && lit.Type != kql.TypeInt {
		return 0, false
	}
	return lit.Int, true
}

// constantText is the value of a string that is known before the query runs.
func constantText(x Expr) (string, bool) {
	lit, ok := x.(*Lit)
	if !ok || lit.Null || lit.Type != kql.TypeString {
		return "", false
	}
	return lit.Str, true
}

// checkRegex reports a regular expression that is none.
func (b *binder) checkRegex(x Expr, at kql.Span) bool {
	text, ok := constantText(x)
	if !ok || b.opt.official {
		return true
	}
	fault := regexFault(text)
	if fault == "" {
		return true
	}
	b.report(CodeValue, at, "the regular expression is wrong: "+fault, regexHint(text))
	return false
}

// checkParsePattern reports a pattern of parse kind=regex whose texts make no regular expression together.
func (b *binder) checkParsePattern(op *kql.ParseOp, p *Parse) {
	if b.opt.official {
		return
	}
	for _, c := range p.Flags {
		if !strings.ContainsRune("imsU", c) {
			b.report(CodeValue, op.Span, quote(string(c))+" is no flag of a regular expression", "i, m, s or U")
			return
		}
	}
	var whole strings.Builder
	for _, part := range p.Pattern {
		if part.Text != "" {
			whole.WriteString(part.Text)
			continue
		}
		whole.WriteString("(.*?)")
	}
	if fault := regexFault(whole.String()); fault != "" && len(op.Pattern) > 0 {
		at := op.Pattern[0].Span
		at.To = op.Pattern[len(op.Pattern)-1].To
		b.report(CodeValue, at, "the regular expression is wrong: "+fault, regexHint(whole.String()))
	}
}

func regexFault(text string) string {
	_, err := syntax.Parse(text, syntax.Perl)
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

func regexHint(text string) string {
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.Contains(text, look) {
			return "regular expressions cannot look around"
		}
	}
	return ""
}

// groupsOf counts the groups of a regular expression.
func groupsOf(text string) int {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0
	}
	return re.MaxCap()
}

// regexArgs are the arguments of functions that are regular expressions.
var regexArgs = map[Fn]int{ //nolint:exhaustive // the others have none
	FnExtract: 0, FnExtractAll: 0, FnReplace: 0, FnReplaceRegex: 1, FnTrim: 0, FnTrimStart: 0, FnTrimEnd: 0, FnIndexofRegex: 1,
}

// checkValues looks at constants that the engine would refuse only when the query runs.
func (b *binder) checkValues(info *FnInfo, x *kql.Call, args []Expr) bool {
	if i, ok := regexArgs[info.ID]; ok && !b.checkRegex(args[i], x.Args[i].Range()) {
		return false
	}
	text, ok := "", false
	if len(args) > 0 {
		text, ok = constantText(args[0])
	}
	switch info.ID { //nolint:exhaustive // the others take any value
	case FnDatetimeDiff, FnDatetimeAdd:
		return !ok || b.checkWord(text, dateUnits, "is no unit of time", x.Args[0].Range())
	case FnDatetimePart:
		return !ok || b.checkWord(text, dateParts, "is no part of a date", x.Args[0].Range())
	case FnExtractAll:
		if ok && groupsOf(text) == 0 && !b.opt.official {
			b.report(CodeValue, x.Args[0].Range(), "the regular expression of extract_all needs a group", "put what is to be extracted into ( )")
			return false
		}
	case FnCountof:
		if kind, ok := constantText(args[len(args)-1]); ok && len(args) == 3 && strings.EqualFold(kind, "regex") {
			return b.checkRegex(args[1], x.Args[1].Range())
		}
	case FnFormatDatetime:
		return b.checkFormat(args[1], x.Args[1].Range(), "yMdHhmsfF", "y M d H h m s f F and tt")
	case FnFormatTimespan:
		return b.checkFormat(args[1], x.Args[1].Range(), "dHhmsfF", "d H h m s f and F")
	}
	return true
}

func (b *binder) checkWord(text string, known []string, what string, at kql.Span) bool {
	if slices.Contains(known, lower(text)) {
		return true
	}
	all := "there are " + strings.Join(known, ", ")
	if meant := hint(text, known); meant != "" {
		all = meant + " (" + all + ")"
	}
	b.report(CodeValue, at, quote(text)+" "+what, all)
	return false
}

// The units of datetime_diff and datetime_add, and the parts of datetime_part.
var (
	dateUnits = []string{"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond"}
	dateParts = []string{
		"year", "quarter", "month", "week_of_year", "weekofyear", "day", "dayofyear", "hour", "minute", "second", "millisecond",
		"microsecond", "nanosecond",
	}
)

// checkFormat reports a letter that format_datetime or format_timespan does not know. Between the letters only some
// marks may stand.
func (b *binder) checkFormat(x Expr, at kql.Span, letters, known string) bool {
	text, ok := constantText(x)
	if !ok || b.opt.official {
		return true
	}
	rest := text
	if strings.Contains(letters, "y") {
		rest = strings.ReplaceAll(rest, "tt", "")
	}
	for _, r := range rest {
		if !strings.ContainsRune(letters+" /-:,._[]", r) {
			b.report(CodeValue, at, fmt.Sprintf("%s has no place in a format", quote(string(r))), "a format is of "+known+", with / - : , . _ [ ] and spaces between them")
			return false
		}
	}
	return true
}
