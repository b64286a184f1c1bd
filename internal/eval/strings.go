package eval

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var stringFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnStrcat:         strcat,
	plan.FnStrcatArray:    strcatArray,
	plan.FnStrcatDelim:    strcatDelim,
	plan.FnStrcmp:         strcmp,
	plan.FnStrrep:         strrep,
	plan.FnStrlen:         strlen,
	plan.FnStringSize:     func(_ *Env, _ kql.Type, args []Value) Value { return Long(int64(len(Text(args[0])))) },
	plan.FnToupper:        ofText(strings.ToUpper),
	plan.FnTolower:        ofText(strings.ToLower),
	plan.FnReverse:        ofText(reverse),
	plan.FnSubstring:      substring,
	plan.FnIndexof:        textIndex,
	plan.FnSplit:          split,
	plan.FnReplaceString:  replaceString,
	plan.FnReplaceStrings: replaceStrings,
	plan.FnCountof:        countOf,
	plan.FnTranslate:      translate,
	plan.FnIsascii:        func(_ *Env, _ kql.Type, args []Value) Value { return Bool(isASCII(Text(args[0]))) },
	plan.FnIsutf8:         func(_ *Env, _ kql.Type, args []Value) Value { return Bool(utf8.ValidString(Text(args[0]))) },

	plan.FnUnicodeCodepointsFromString: codepoints,
	plan.FnUnicodeCodepointsToString:   fromCodepoints,
}

// ofText makes a function of one text.
func ofText(f func(string) string) Func {
	return func(env *Env, out kql.Type, args []Value) Value {
		text := f(Text(args[0]))
		if !env.fits(len(text)) {
			return Null(out)
		}
		return String(text)
	}
}

// maxText bounds the texts that functions make, in bytes: calls within each other could double one many times.
const maxText = 1 << 22

// TextError says that a function would make a text beyond the limit.
type TextError struct{}

func (*TextError) Error() string { return fmt.Sprintf("a text becomes longer than %d bytes", maxText) }

// fits reports whether a text of n bytes may be made.
func (e *Env) fits(n int) bool {
	if n > maxText && e.Err == nil {
		e.Err = &TextError{}
	}
	return n <= maxText
}

// join puts texts behind each other, with a delimiter between.
func (e *Env) join(out kql.Type, texts []string, delim string) Value {
	n := len(delim) * max(0, len(texts)-1)
	for _, text := range texts {
		n += len(text)
	}
	if !e.fits(n) {
		return Null(out)
	}
	return String(strings.Join(texts, delim))
}

func strcat(env *Env, out kql.Type, args []Value) Value {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = Text(arg)
	}
	return env.join(out, texts, "")
}

// strcatArray joins the elements of an array; a null among them is "".
func strcatArray(env *Env, out kql.Type, args []Value) Value {
	t := args[0].tree
	if t == nil || t.IsBag() {
		return Null(out)
	}
	texts := make([]string, len(t.Items))
	for i, item := range t.Items {
		texts[i] = Text(item)
	}
	return env.join(out, texts, Text(args[1]))
}

func strcatDelim(env *Env, out kql.Type, args []Value) Value {
	texts := make([]string, len(args)-1)
	for i, arg := range args[1:] {
		texts[i] = Text(arg)
	}
	return env.join(out, texts, Text(args[0]))
}

func strcmp(_ *Env, _ kql.Type, args []Value) Value {
	return Long(int64(strings.Compare(Text(args[0]), Text(args[1]))))
}

// strrep repeats a text, 1,024 times at most as documented, with a delimiter between.
func strrep(env *Env, out kql.Type, args []Value) Value {
	const most = 1024
	n := args[1].Int()
	if !args[1].set || n < 0 {
		return Null(out)
	}
	texts := slices.Repeat([]string{Text(args[0])}, int(min(n, most)))
	delim := ""
	if len(args) > 2 {
		delim = Text(args[2])
	}
	return env.join(out, texts, delim)
}

func strlen(_ *Env, _ kql.Type, args []Value) Value {
	return Long(int64(utf8.RuneCountInString(Text(args[0]))))
}

func reverse(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// byteAt gives the place in bytes of the nth character, or the length of s if it has no more than n.
func byteAt(s string, n int64) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// cutText gives up to count characters of s after the first ones.
func cutText(s string, from, count int64) string {
	if from >= int64(len(s)) || count <= 0 {
		return ""
	}
	if isASCII(s) {
		s = s[from:]
		return s[:min(count, int64(len(s)))]
	}
	s = s[byteAt(s, from):]
	return s[:byteAt(s, count)]
}

// substring counts characters from 0, a negative start from the end; where that lies before the text there is nothing.
func substring(_ *Env, out kql.Type, args []Value) Value {
	s, from := Text(args[0]), args[1].Int()
	count := int64(math.MaxInt64)
	if len(args) > 2 {
		count = args[2].Int()
	}
	if !args[1].set || len(args) > 2 && !args[2].set {
		return Null(out)
	}
	if from < 0 {
		if from += int64(utf8.RuneCountInString(s)); from < 0 {
			return String("")
		}
	}
	return String(cutText(s, from, count))
}

// textIndex is the place of a text, counted in characters, or -1; of an empty text there is none.
func textIndex(_ *Env, out kql.Type, args []Value) Value {
	lookup := Text(args[1])
	if lookup == "" {
		return Null(out)
	}
	return findIn(out, args, func(part string, occurrence int64) int {
		place := -1
		each(part, lookup, func(_ string, from, _ int) bool {
			if occurrence--; occurrence == 0 {
				place = from
			}
			return occurrence > 0
		})
		return place
	})
}

// findIn searches the part of a text that the arguments 2 (start) and 3 (length, -1 for all) leave, for the occurrence of
// argument 4. Where these make no sense the result is null. A negative start is counted from the end.
func findIn(out kql.Type, args []Value, find func(part string, occurrence int64) int) Value {
	s := Text(args[0])
	option := func(i int, value int64) int64 {
		if len(args) > i && args[i].set {
			return args[i].Int()
		}
		return value
	}
	start, length, occurrence := option(2, 0), option(3, -1), option(4, 1)
	if length < -1 || occurrence < 1 {
		return Null(out)
	}
	if start < 0 {
		start = max(0, start+int64(utf8.RuneCountInString(s)))
	}
	skip := byteAt(s, start)
	part := s[skip:]
	if length >= 0 {
		part = part[:byteAt(part, length)]
	}
	at := find(part, occurrence)
	if at < 0 {
		return Long(-1)
	}
	return Long(int64(utf8.RuneCountInString(s[:skip+at])))
}

// split cuts at a delimiter; an empty one cuts nothing. The third argument asks for one of the pieces.
func split(_ *Env, _ kql.Type, args []Value) Value {
	s, delim := Text(args[0]), Text(args[1])
	pieces := []string{s}
	if delim != "" {
		pieces = strings.Split(s, delim)
	}
	if len(args) > 2 && args[2].set {
		i := args[2].Int()
		if i < 0 || i >= int64(len(pieces)) {
			return Dynamic(&Tree{})
		}
		pieces = pieces[i : i+1]
	}
	t := &Tree{Items: make([]Value, len(pieces))}
	for i, piece := range pieces {
		t.Items[i] = ToDynamic(String(piece))
	}
	return Dynamic(t)
}

func replaceString(env *Env, out kql.Type, args []Value) Value {
	s, ok := env.replace(Text(args[0]), Text(args[1]), Text(args[2]))
	if !ok {
		return Null(out)
	}
	return String(s)
}

// replace replaces all places of a text; an empty one has none.
func (e *Env) replace(s, old, text string) (string, bool) {
	if old == "" {
		return s, true
	}
	if grow := len(text) - len(old); grow > 0 && !e.fits(len(s)+grow*strings.Count(s, old)) {
		return "", false
	}
	return strings.ReplaceAll(s, old, text), true
}

// replaceStrings replaces each text of an array by that of another array, or by one text, one after the other.
func replaceStrings(env *Env, out kql.Type, args []Value) Value {
	s, lookups, rewrites := Text(args[0]), args[1].tree, args[2].tree
	if lookups == nil {
		return Null(out)
	}
	for i, item := range lookups.Items {
		rewrite := Text(args[2])
		if rewrites != nil {
			rewrite = ""
			if i < len(rewrites.Items) {
				rewrite = Text(rewrites.Items[i])
			}
		}
		var ok bool
		if s, ok = env.replace(s, Text(item), rewrite); !ok {
			return Null(out)
		}
	}
	return String(s)
}

// countOf counts the places of a text, which may overlap, or the matches of a regular expression, which do not.
func countOf(env *Env, out kql.Type, args []Value) Value {
	s, search := Text(args[0]), Text(args[1])
	if len(args) > 2 && Text(args[2]) == "regex" {
		re := env.pattern(search).on(s)
		if re == nil {
			return Null(out)
		}
		return Long(int64(len(re.FindAllStringIndex(s, -1))))
	}
	count := int64(0)
	if search != "" {
		each(s, search, func(string, int, int) bool {
			count++
			return true
		})
	}
	return Long(count)
}

// translate replaces characters by those at the same place of another list, whose last one serves for all that it lacks;
// with an empty list they are left out.
func translate(_ *Env, _ kql.Type, args []Value) Value {
	from, to, s := []rune(Text(args[0])), []rune(Text(args[1])), Text(args[2])
	return String(strings.Map(func(r rune) rune {
		i := slices.Index(from, r)
		switch {
		case i < 0:
			return r
		case len(to) == 0:
			return -1
		}
		return to[min(i, len(to)-1)]
	}, s))
}

func codepoints(_ *Env, _ kql.Type, args []Value) Value {
	t := &Tree{}
	for _, r := range Text(args[0]) {
		t.Items = append(t.Items, ToDynamic(Long(int64(r))))
	}
	return Dynamic(t)
}

// fromCodepoints takes numbers, and arrays of them. What is no character becomes U+FFFD.
func fromCodepoints(_ *Env, _ kql.Type, args []Value) Value {
	var b strings.Builder
	write := func(v Value) {
		if n := Convert(v, kql.TypeLong); n.set {
			r := rune(utf8.RuneError)
			if n.Int() >= 0 && n.Int() <= utf8.MaxRune {
				r = rune(n.Int())
			}
			b.WriteRune(r)
		}
	}
	for _, arg := range args {
		if arg.tree == nil {
			write(arg)
			continue
		}
		for _, item := range arg.tree.Items {
			write(item)
		}
	}
	return String(b.String())
}
