package kql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is the kind of a token. Words of the language are tokWord like any other: the parser looks at the text. It is
// an alias, since the parser looks for a few of the kinds at a time, and no switch needs to name all.
type tokenKind = uint8

const (
	tokEnd tokenKind = iota
	tokWord
	tokString
	tokLong
	tokReal
	tokTimespan
	tokBool
	tokTyped   // int(5): the type and what stands in parentheses
	tokRawGuid // a guid without guid()
	tokDirective
	tokBadAnd // &&, already reported

	tokOpenParen
	tokCloseParen
	tokOpenBracket
	tokCloseBracket
	tokOpenBrace
	tokCloseBrace
	tokBar
	tokDot
	tokDotDot
	tokPlus
	tokMinus
	tokStar
	tokSlash
	tokPercent
	tokLess
	tokLessEqual
	tokNotEqual // != and <>
	tokGreater
	tokGreaterEqual
	tokAssign
	tokEqual
	tokArrow // =>
	tokEqualTilde
	tokBangTilde
	tokColon
	tokSemicolon
	tokComma
	tokAt
)

// token is a piece of the source. Only the parser's look at the text tells what a word means.
type token struct {
	from, to int32
	kind     tokenKind
	class    wordClass
	// space says that white space or a comment stands before the token, line that it begins a line.
	space, line bool
	// shaken says that the lexer complained about what stands right before the token: the parser then says nothing about
	// the token itself.
	shaken bool
}

// comment is a "//" comment with its place. It goes to the end of its line.
type comment struct {
	Span
	text string
	// own says that the comment has its line to itself.
	own bool
}

// lexer cuts a source into tokens. It reports what it cannot read and goes on.
type lexer struct {
	src      string
	pos      int
	tokens   []token
	comments []comment
	diags    Diagnostics
	unended  bool // no */ comes any more
}

func lex(src string) *lexer {
	l := &lexer{src: src, tokens: make([]token, 0, len(src)/5+8)}
	line, shaken := true, false
	for {
		start := l.pos
		line = l.skipSpace() || line
		from := l.pos
		if from >= len(src) {
			l.tokens = append(l.tokens, token{
				kind: tokEnd, from: int32(len(src)), to: int32(len(src)), space: from > start, line: line, shaken: shaken,
			})
			return l
		}
		kind, class := l.next()
		if l.pos <= from {
			panic("BUG: the lexer stands still")
		}
		if kind == tokEnd { // what stands there is no token
			shaken = true
			continue
		}
		l.tokens = append(l.tokens, token{
			kind: kind, class: class, from: int32(from), to: int32(l.pos),
			space: from > start, line: line, shaken: shaken,
		})
		line, shaken = false, false
	}
}

func (l *lexer) peek(ahead int) byte {
	if i := l.pos + ahead; i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *lexer) report(code Code, from, to int, message, hint string) {
	if len(l.diags) >= maxDiagnostics {
		return
	}
	l.diags = append(l.diags, Diagnostic{Span: Span{from, to}, Code: code, Message: message, Hint: hint})
}

// skipSpace goes to the next token and reports whether a line began on the way.
func (l *lexer) skipSpace() (line bool) {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == '\n' || c == '\r':
			line = true
			l.pos++
		case c == ' ' || c == '\t' || c == '\f':
			l.pos++
		case c == '/' && l.peek(1) == '/':
			l.comment(line)
		case c == '/' && l.peek(1) == '*':
			line = l.blockComment() || line
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(l.src[l.pos:])
			if !isSpaceRune(r) {
				return line
			}
			l.pos += size
		default:
			return line
		}
	}
	return line
}

func (l *lexer) comment(line bool) {
	from := l.pos
	if i := strings.IndexAny(l.src[from:], "\r\n"); i >= 0 {
		l.pos = from + i
	} else {
		l.pos = len(l.src)
	}
	l.comments = append(l.comments, comment{Span{from, l.pos}, l.src[from:l.pos], line || len(l.tokens) == 0 && l.onlySpaceBefore(from)})
}

func (l *lexer) onlySpaceBefore(at int) bool { return strings.TrimSpace(l.src[:at]) == "" }

// blockComment skips what looks like a comment of other languages, and says that it is none here.
func (l *lexer) blockComment() (line bool) {
	from := l.pos
	i := -1
	if !l.unended { // looked for once: not again for each of a million
		i = strings.Index(l.src[from+2:], "*/")
		l.unended = i < 0
	}
	if i >= 0 {
		l.pos = from + 2 + i + 2
	} else if i := strings.IndexAny(l.src[from:], "\r\n"); i >= 0 {
		l.pos = from + i
	} else {
		l.pos = len(l.src)
	}
	l.report(CodeCharacter, from, from+2, "/* */ is not a comment here", "begin each line of a comment with //")
	return strings.ContainsAny(l.src[from:l.pos], "\r\n")
}

// isSpaceRune knows the spaces beyond ASCII, with the byte order mark.
func isSpaceRune(r rune) bool {
	switch r {
	case 0xA0, 0x1680, 0x180E, 0x202F, 0x205F, 0x3000, 0xFEFF:
		return true
	default:
		return r >= 0x2000 && r <= 0x200B
	}
}

func isLetter(c byte) bool   { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isNameByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// punctuation are the tokens of one byte.
var punctuation = [128]tokenKind{
	'(': tokOpenParen, ')': tokCloseParen, '[': tokOpenBracket, ']': tokCloseBracket, '{': tokOpenBrace,
	'}': tokCloseBrace, '|': tokBar, '.': tokDot, '+': tokPlus, '-': tokMinus, '*': tokStar, '/': tokSlash,
	'%': tokPercent, '<': tokLess, '>': tokGreater, '=': tokAssign, ':': tokColon, ';': tokSemicolon, ',': tokComma,
}

// pairs are the tokens of two bytes.
func pairToken(a, b byte) tokenKind {
	switch string([]byte{a, b}) {
	case "..":
		return tokDotDot
	case "<=":
		return tokLessEqual
	case "<>", "!=":
		return tokNotEqual
	case ">=":
		return tokGreaterEqual
	case "==":
		return tokEqual
	case "=>":
		return tokArrow
	case "=~":
		return tokEqualTilde
	case "!~":
		return tokBangTilde
	default:
		return tokEnd
	}
}

// next reads the token at pos. tokEnd says that it was none, and was reported.
func (l *lexer) next() (tokenKind, wordClass) {
	c := l.src[l.pos]
	switch {
	case isLetter(c) || c == '_' || c == '$':
		return l.word()
	case isDigit(c):
		return l.number()
	case c == '"' || c == '\'' || c == '`' && l.isFence('`') || c == '~' && l.isFence('~'):
		l.text(l.pos)
		return tokString, 0
	case c == '@':
		if n := l.peek(1); n == '"' || n == '\'' || n == '`' || n == '~' {
			l.text(l.pos)
			return tokString, 0
		}
		l.pos++
		return tokAt, 0
	case c == '#':
		l.directive()
		return tokDirective, 0
	}
	if kind := pairToken(c, l.peek(1)); kind != tokEnd {
		l.pos += 2
		return kind, 0
	}
	if c < utf8.RuneSelf && punctuation[c] != tokEnd {
		l.pos++
		return punctuation[c], 0
	}
	if c == '!' && isLetter(l.peek(1)) {
		if kind, class := l.bangWord(); kind != tokEnd {
			return kind, class
		}
	}
	return l.unknown()
}

// isFence reports whether three quotes of that kind stand at pos or after an @ or h there.
func (l *lexer) isFence(c byte) bool { return l.peek(1) == c && l.peek(2) == c }

func (l *lexer) directive() {
	if i := strings.IndexAny(l.src[l.pos:], "\r\n"); i >= 0 {
		l.pos += i
		return
	}
	l.pos = len(l.src)
}

// word reads a name or word of the language, a typed literal, or a string with h before it.
func (l *lexer) word() (tokenKind, wordClass) {
	from := l.pos
	l.pos++
	for l.pos < len(l.src) && isNameByte(l.src[l.pos]) {
		l.pos++
	}
	if c := l.peek(0); c >= utf8.RuneSelf && l.foreignName(from) {
		return tokWord, plainWord
	}
	text := l.src[from:l.pos]
	switch c := l.peek(0); c {
	case '(':
		if _, ok := valueTypes[text]; ok {
			l.typed(text)
			return tokTyped, 0
		}
	case '-', '.', '~':
		for _, tail := range wordTails[text] {
			if strings.HasPrefix(l.src[l.pos:], tail) {
				end := l.pos + len(tail)
				whole := end >= len(l.src) || !isNameByte(l.src[end])
				// After a | it is no difference of names but a mistyped operator: project-awayx.
				if whole || len(l.tokens) > 0 && l.tokens[len(l.tokens)-1].kind == tokBar {
					for l.pos = end; l.pos < len(l.src) && isNameByte(l.src[l.pos]); {
						l.pos++
					}
					return tokWord, words[l.src[from:l.pos]]
				}
			}
		}
		if l.rawGuid(from) {
			return tokRawGuid, 0
		}
		if c == '~' && len(text) == 1 {
			return l.hidden(from, text)
		}
	case '"', '\'', '`', '@':
		return l.hidden(from, text)
	default:
	}
	switch text {
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return tokBool, 0
	}
	return tokWord, words[text]
}

// foreignName reads on over letters beyond ASCII, and reports them: a name with such stands in brackets.
func (l *lexer) foreignName(from int) bool {
	end := l.pos
	for end < len(l.src) {
		r, size := utf8.DecodeRuneInString(l.src[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && r != '_' {
			break
		}
		end += size
	}
	if end == l.pos {
		return false
	}
	l.pos = end
	name := shorten(l.src[from:end])
	l.report(CodeKeyword, from, end, "the name “"+name+"” has letters beyond ASCII",
		bracketHint(name))
	return true
}

// hidden reads the string behind h or H, or else the word that is before a quote.
func (l *lexer) hidden(from int, text string) (tokenKind, wordClass) {
	if text != "h" && text != "H" {
		switch text {
		case "true", "True", "TRUE", "false", "False", "FALSE":
			return tokBool, 0
		}
		return tokWord, words[text]
	}
	at := l.pos
	if l.peek(0) == '@' {
		at++
	}
	if at >= len(l.src) {
		return tokWord, plainWord
	}
	switch c := l.src[at]; c {
	case '"', '\'':
	case '`', '~':
		if !strings.HasPrefix(l.src[at:], strings.Repeat(string(c), 3)) {
			return tokWord, plainWord
		}
	default:
		return tokWord, plainWord
	}
	l.text(from)
	return tokString, 0
}

// typed reads the parenthesis of a typed literal, which ends at the first ")" of the line.
func (l *lexer) typed(word string) {
	open := l.pos
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch l.src[l.pos] {
		case ')':
			l.pos++
			return
		case '\r', '\n':
			l.report(CodeUnclosed, open, open+1, word+"( has no ) on its line", "a literal stands on one line")
			return
		default:
		}
	}
	l.report(CodeUnclosed, open, open+1, word+"( has no )", "")
}

// rawGuid reads a guid that begins at from, if there is one.
func (l *lexer) rawGuid(from int) bool {
	if !isRawGuid(l.src[from:]) {
		return false
	}
	l.pos = from + guidLen
	return true
}

const guidLen = 36

func isRawGuid(s string) bool {
	if len(s) < guidLen {
		return false
	}
	for i := range guidLen {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !isHex(s[i]) {
			return false
		}
	}
	return true
}

func (l *lexer) digits(at int) int {
	for at < len(l.src) && isDigit(l.src[at]) {
		at++
	}
	return at
}

// number reads what begins with a digit: a number, a timespan, a guid, or a name.
func (l *lexer) number() (tokenKind, wordClass) {
	from := l.pos
	if l.rawGuid(from) {
		return tokRawGuid, 0
	}
	end := l.digits(from)
	for _, try := range []struct {
		kind tokenKind
		end  int
	}{{tokReal, l.realEnd(end)}, {tokTimespan, l.timespanEnd(end)}, {tokLong, l.longEnd(from, end)}} {
		if try.end > 0 && (try.end >= len(l.src) || !isNameByte(l.src[try.end])) {
			l.pos = try.end
			return try.kind, 0
		}
	}
	for end < len(l.src) && isNameByte(l.src[end]) {
		end++
	}
	l.pos = end
	return tokWord, words[l.src[from:end]]
}

// realEnd gives the end of a real whose whole part ends at end, or 0.
func (l *lexer) realEnd(end int) int {
	at := func(i int) byte {
		if i < len(l.src) {
			return l.src[i]
		}
		return 0
	}
	real := false
	if at(end) == '.' && (at(end+1) != '.' || at(end+2) == '.') {
		end, real = l.digits(end+1), true
	}
	if c := at(end); c == 'e' || c == 'E' {
		exp := end + 1
		if s := at(exp); s == '+' || s == '-' {
			exp++
		}
		if e := l.digits(exp); e > exp {
			end, real = e, true
		}
	}
	if !real {
		return 0
	}
	return end
}

func (l *lexer) timespanEnd(end int) int {
	if end < len(l.src) && l.src[end] == '.' {
		if frac := l.digits(end + 1); frac > end+1 {
			end = frac
		}
	}
	unit := end
	for unit < len(l.src) && isLetter(l.src[unit]) {
		unit++
	}
	if _, ok := timespanUnits[l.src[end:unit]]; !ok {
		return 0
	}
	return unit
}

func (l *lexer) longEnd(from, end int) int {
	if end == from+1 && l.src[from] == '0' && end < len(l.src) && (l.src[end] == 'x' || l.src[end] == 'X') {
		hex := end + 1
		for hex < len(l.src) && isHex(l.src[hex]) {
			hex++
		}
		if hex > end+1 {
			return hex
		}
	}
	return end
}

// text reads a string whose prefixes begin at from.
func (l *lexer) text(from int) {
	l.pos = from
	if c := l.src[l.pos]; c == 'h' || c == 'H' {
		l.pos++
	}
	verbatim := l.src[l.pos] == '@'
	if verbatim {
		l.pos++
	}
	quote := l.src[l.pos]
	if quote == '`' || quote == '~' {
		l.fenced(from, quote)
		return
	}
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == quote && verbatim && l.peek(1) == quote:
			l.pos++
		case c == quote:
			l.pos++
			return
		case c == '\\' && !verbatim:
			if n := escapeLen(l.src[l.pos:]); n > 0 {
				l.pos += n - 1
			} else {
				l.badEscape()
			}
		case c == '\r' || c == '\n':
			l.report(CodeUnclosed, from, l.pos, "the string has no closing "+string(quote)+" on its line",
				"a string over several lines stands between ``` and ```")
			return
		}
	}
	l.report(CodeUnclosed, from, l.pos, "the string has no closing "+string(quote), "")
}

func (l *lexer) badEscape() {
	to := l.pos + 1
	if to < len(l.src) {
		_, size := utf8.DecodeRuneInString(l.src[to:])
		if c := l.src[to]; c == '\r' || c == '\n' {
			size = 0
		}
		to += size
	}
	l.report(CodeEscape, l.pos, to, l.src[l.pos:to]+" is not an escape of strings",
		`write \\ for a backslash, or the string with @ before it`)
	if to > l.pos+1 && l.src[to-1] != '"' && l.src[to-1] != '\'' {
		l.pos = to - 1
	}
}

// escapeLen gives the length of the escape that s begins with, or 0.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	hex := func(n int) int {
		if len(s) < 2+n {
			return 0
		}
		for i := range n {
			if !isHex(s[2+i]) {
				return 0
			}
		}
		return 2 + n
	}
	octal := func(i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '7' }
	switch c := s[1]; c {
	case '\\', '\'', '"', 'a', 'b', 'f', 'n', 'r', 't', 'v':
		return 2
	case 'u':
		return hex(4)
	case 'U':
		return hex(8)
	case 'x':
		return hex(2)
	default:
		switch {
		case !octal(1):
			return 0
		case !octal(2):
			return 2
		case c <= '3' && octal(3):
			return 4
		}
		return 3
	}
}

func (l *lexer) fenced(from int, quote byte) {
	fence := strings.Repeat(string(quote), 3)
	if !strings.HasPrefix(l.src[l.pos:], fence) { // an @ before a single ` or ~
		l.pos++
		l.report(CodeCharacter, from, l.pos, "unexpected "+quoteChar(rune(quote)), "")
		return
	}
	l.pos += len(fence)
	if i := strings.Index(l.src[l.pos:], fence); i >= 0 {
		l.pos += i + len(fence)
		return
	}
	l.pos = len(l.src)
	l.report(CodeUnclosed, from, from+len(fence), "the string has no closing "+fence, "")
}

// bangWord reads an operator such as !has.
func (l *lexer) bangWord() (tokenKind, wordClass) {
	end := l.pos + 1
	for end < len(l.src) && isNameByte(l.src[end]) {
		end++
	}
	if end < len(l.src) && l.src[end] == '~' {
		if _, ok := words[l.src[l.pos:end+1]]; ok {
			end++
		}
	}
	class, ok := words[l.src[l.pos:end]]
	if !ok {
		return tokEnd, 0
	}
	l.pos = end
	return tokWord, class
}

// unknown reports the character at pos.
func (l *lexer) unknown() (tokenKind, wordClass) {
	from := l.pos
	r, size := utf8.DecodeRuneInString(l.src[from:])
	l.pos += size
	switch {
	case r == '&' && l.peek(0) == '&':
		l.pos++
		l.report(CodeCharacter, from, l.pos, "&& is not an operator", "write and")
		return tokBadAnd, 0
	case r == '&':
		l.report(CodeCharacter, from, l.pos, "& is not an operator", "write and")
	case r == '!':
		l.report(CodeCharacter, from, l.pos, "! is not an operator", "write not(…)")
	case r == '“' || r == '”' || r == '‘' || r == '’' || r == '„' || r == '`':
		l.pos = from + l.curlyLen(size)
		l.report(CodeCharacter, from, from+size, quoteChar(r)+" is not a quote of strings", `write " or '`)
		return tokString, 0
	case r == '–' || r == '—' || r == '−':
		l.report(CodeCharacter, from, l.pos, quoteChar(r)+" is not a minus", "write -")
	case unicode.IsLetter(r):
		l.pos = from
		if l.foreignName(from) {
			return tokWord, plainWord
		}
		l.pos = from + size
		fallthrough
	default:
		l.report(CodeCharacter, from, l.pos, "unexpected "+quoteChar(r), "")
	}
	return tokEnd, 0
}

// curlyReach is how far a string in curly quotes is looked for its end.
const curlyReach = 200

// curlyLen gives the length of a string in curly quotes at pos-size, or that of the quote alone.
func (l *lexer) curlyLen(size int) int {
	rest := l.src[l.pos:min(l.pos+curlyReach, len(l.src))]
	if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
		rest = rest[:i]
	}
	i := strings.IndexAny(rest, "”’“‘`")
	if i < 0 {
		return size
	}
	_, last := utf8.DecodeRuneInString(rest[i:])
	return size + i + last
}
