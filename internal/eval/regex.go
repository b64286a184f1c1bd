package eval

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var regexFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnMatchesRegex: matchesRegex,
	plan.FnExtract:      extract,
	plan.FnExtractAll:   extractAll,
	plan.FnReplaceRegex: replaceRegex,
	plan.FnReplace: func(env *Env, out kql.Type, args []Value) Value {
		return replaceRegex(env, out, []Value{args[2], args[0], args[1]})
	},
	plan.FnTrim:         trim(true, true),
	plan.FnTrimStart:    trim(true, false),
	plan.FnTrimEnd:      trim(false, true),
	plan.FnIndexofRegex: indexOfRegex,
	plan.FnRegexQuote:   regexQuote,
}

// maxPatternLen bounds the text of a regular expression, which comes from outside.
const maxPatternLen = 1 << 16

// PatternError says that a regular expression cannot be used.
type PatternError struct {
	Pattern string
	Err     error
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("the regular expression %q: %v", e.Pattern, e.Err)
}

// Unwrap gives the fault.
func (e *PatternError) Unwrap() error { return e.Err }

// CompilePattern compiles a regular expression of the language, which is that of RE2, but \d, \w and \s stand for all
// digits, letters and spaces of Unicode.
func CompilePattern(text string) (*regexp.Regexp, error) {
	if len(text) > maxPatternLen {
		return nil, &PatternError{text[:64] + "…", fmt.Errorf("longer than %d bytes", maxPatternLen)}
	}
	re, err := regexp.Compile(widen(text))
	if err != nil {
		return nil, &PatternError{text, err}
	}
	return re, nil
}

// wideClasses are the classes of Unicode that stand for those of ASCII, without their brackets.
var wideClasses = map[byte]string{
	'd': `\p{Nd}`,
	'w': `\p{L}\p{M}\p{Nd}\p{Pc}`,
	's': `\t-\r \x{85}\p{Z}`,
}

// widen puts the classes of Unicode in the place of \d, \w, \s and their opposites. Within brackets an opposite stays as
// it is: RE2 cannot say it.
func widen(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	inside := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '[' && !inside:
			inside = true
			b.WriteByte(c)
			// A bracket that comes first, perhaps after ^, is a letter.
			if strings.HasPrefix(text[i+1:], "^") {
				i++
				b.WriteByte('^')
			}
			if strings.HasPrefix(text[i+1:], "]") {
				i++
				b.WriteString(`\]`)
			}
			continue
		case c == '[' && strings.HasPrefix(text[i:], "[:"):
			if end := strings.Index(text[i:], ":]"); end > 0 {
				b.WriteString(text[i : i+end+2])
				i += end + 1
				continue
			}
		case c == ']':
			inside = false
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == 'Q' {
				n := quotedLen(text[i+1:])
				b.WriteString(text[i-1 : i+1+n])
				i += n
				continue
			}
			writeClass(&b, text[i], inside)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// quotedLen is the length of what follows \Q, with \E.
func quotedLen(rest string) int {
	if end := strings.Index(rest, `\E`); end >= 0 {
		return end + 2
	}
	return len(rest)
}

// writeClass writes what follows a backslash.
func writeClass(b *strings.Builder, c byte, inside bool) {
	wide, ok := wideClasses[c]
	opposite := ""
	if !ok && c >= 'A' && c <= 'Z' && !inside {
		wide, ok = wideClasses[c+('a'-'A')]
		opposite = "^"
	}
	switch {
	case !ok:
		b.WriteByte('\\')
		b.WriteByte(c)
	case inside:
		b.WriteString(wide)
	default:
		b.WriteString("[" + opposite + wide + "]")
	}
}

// pattern is a compiled regular expression in its forms.
type pattern struct {
	re *regexp.Regexp // nil where the text is wrong
	// plain has the classes of ASCII, for texts of ASCII alone, where it gives the same sooner; or it is re.
	plain *regexp.Regexp
	// start and end match at an end of the text alone. They are made when they are asked for.
	start, end *regexp.Regexp
}

// pattern gives a compiled regular expression, or nil and an error in e.Err.
func (e *Env) pattern(text string) *pattern {
	if p, ok := e.cache.patterns[text]; ok {
		return p
	}
	p := &pattern{}
	re, err := CompilePattern(text)
	switch {
	case err != nil && e.Err == nil:
		e.Err = err
	case err == nil:
		p.re, p.plain = re, re
		if re.String() != text {
			if plain, err := regexp.Compile(text); err == nil {
				p.plain = plain
			}
		}
	}
	if len(e.cache.patterns) >= maxPatterns {
		clear(e.cache.patterns)
	}
	if e.cache.patterns == nil {
		e.cache.patterns = map[string]*pattern{}
	}
	e.cache.patterns[text] = p
	return p
}

// on gives the form for a text, or nil.
func (p *pattern) on(s string) *regexp.Regexp {
	if p.plain != p.re && isASCII(s) {
		return p.plain
	}
	return p.re
}

func matchesRegex(env *Env, _ kql.Type, args []Value) Value {
	s := Text(args[0])
	re := env.pattern(Text(args[1])).on(s)
	return Bool(re != nil && re.MatchString(s))
}

// extract gives what a group matches, as the type of the result; group 0 is the whole match.
func extract(env *Env, out kql.Type, args []Value) Value {
	s, group := Text(args[2]), args[1].Int()
	re := env.pattern(Text(args[0])).on(s)
	if re == nil || !args[1].set || group < 0 || group > int64(re.NumSubexp()) {
		return Null(out)
	}
	at := re.FindStringSubmatchIndex(s)
	if len(at) <= 2*int(group) || at[2*group] < 0 {
		return Null(out)
	}
	return Convert(String(s[at[2*group]:at[2*group+1]]), out)
}

// extractAll gives an array of what the groups match: of texts for one group, of arrays for several.
func extractAll(env *Env, out kql.Type, args []Value) Value {
	s := Text(args[len(args)-1])
	re := env.pattern(Text(args[0])).on(s)
	if re == nil {
		return Null(out)
	}
	var groups []int
	if len(args) > 2 {
		groups = chosenGroups(re, args[1])
	} else {
		for g := 1; g <= re.NumSubexp(); g++ {
			groups = append(groups, g)
		}
	}
	if len(groups) == 0 {
		if env.Err == nil {
			env.Err = &PatternError{Text(args[0]), errNoGroup}
		}
		return Null(out)
	}
	all := &Tree{}
	for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
		texts := make([]Value, len(groups))
		for i, g := range groups {
			text := ""
			if at[2*g] >= 0 {
				text = s[at[2*g]:at[2*g+1]]
			}
			texts[i] = ToDynamic(String(text))
		}
		if len(groups) == 1 {
			all.Items = append(all.Items, texts[0])
			continue
		}
		all.Items = append(all.Items, Dynamic(&Tree{Items: texts}))
	}
	return Dynamic(all)
}

var errNoGroup = errors.New("extract_all needs a group to extract")

// chosenGroups reads an array of numbers and names of groups; what names no group is passed over.
func chosenGroups(re *regexp.Regexp, list Value) []int {
	if list.tree == nil {
		return nil
	}
	var groups []int
	for _, e := range list.tree.Items {
		g := -1
		switch e.kind { //nolint:exhaustive // nothing else names a group
		case kql.TypeLong, kql.TypeInt:
			g = int(e.Int())
		case kql.TypeString:
			g = re.SubexpIndex(e.s)
		}
		if g > 0 && g <= re.NumSubexp() {
			groups = append(groups, g)
		}
	}
	return groups
}

// replaceRegex replaces all matches; \1, $1 and ${name} in the rewrite stand for groups, \0 for the match.
func replaceRegex(env *Env, out kql.Type, args []Value) Value {
	s := Text(args[0])
	re := env.pattern(Text(args[1])).on(s)
	if re == nil {
		return Null(out)
	}
	rewrite := goRewrite(Text(args[2]))
	var b []byte
	last := 0
	for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
		b = append(b, s[last:at[0]]...)
		b = re.ExpandString(b, rewrite, s, at)
		last = at[1]
		if !env.fits(len(b)) {
			return Null(out)
		}
	}
	if last == 0 && b == nil {
		return String(s)
	}
	return String(string(append(b, s[last:]...)))
}

// goRewrite writes the references of a rewrite as Go's templates have them.
func goRewrite(text string) string {
	if !strings.ContainsAny(text, `\$`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		next := byte(0)
		if i+1 < len(text) {
			next = text[i+1]
		}
		switch {
		case (c == '\\' || c == '$') && next >= '0' && next <= '9':
			b.WriteString("${" + string(next) + "}")
			i++
		case c == '\\' && next == '\\':
			b.WriteByte('\\')
			i++
		case c == '$' && next != '{':
			b.WriteString("$$")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// anchor makes the forms that match at an end alone. A pattern that can be compiled but not be put in parentheses, such as
// one with an open \Q, is an error.
func (p *pattern) anchor(env *Env) bool {
	if p.start != nil {
		return true
	}
	text := p.re.String()
	start, errStart := regexp.Compile(`\A(?:` + text + `)`)
	end, errEnd := regexp.Compile(`(?:` + text + `)\z`)
	if err := errors.Join(errStart, errEnd); err != nil {
		if env.Err == nil {
			env.Err = &PatternError{text, err}
		}
		return false
	}
	p.start, p.end = start, end
	return true
}

// trim takes one match of a regular expression off the ends of a text.
func trim(start, end bool) Func {
	return func(env *Env, out kql.Type, args []Value) Value {
		text, s := Text(args[0]), Text(args[1])
		p := env.pattern(text)
		if p.re == nil || !p.anchor(env) {
			return Null(out)
		}
		if start {
			if at := p.start.FindStringIndex(s); at != nil {
				s = s[at[1]:]
			}
		}
		if end {
			if at := p.end.FindStringIndex(s); at != nil {
				s = s[:at[0]]
			}
		}
		return String(s)
	}
}

// indexOfRegex is the place of the nth match, counted in characters, or -1. The arguments are those of indexof.
func indexOfRegex(env *Env, out kql.Type, args []Value) Value {
	p := env.pattern(Text(args[1]))
	if p.re == nil || len(args) > 2 && args[2].Int() < 0 {
		return Null(out)
	}
	return findIn(out, args, func(part string, occurrence int64) int {
		all := p.on(part).FindAllStringIndex(part, int(occurrence))
		if int64(len(all)) < occurrence {
			return -1
		}
		return all[occurrence-1][0]
	})
}

func regexQuote(_ *Env, _ kql.Type, args []Value) Value {
	return String(regexp.QuoteMeta(Text(args[0])))
}
