package kql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of a query. They keep a hostile text from costing more than a moment and the stack from growing without
// end; the longest rule known has some thirty thousand bytes and eight levels.
const (
	// MaxSize is the longest text that [Parse] reads, in bytes.
	MaxSize = 1 << 20
	// MaxDepth is how deep parentheses, brackets and braces may stand in each other.
	MaxDepth = 500
)

// maxDiagnostics is how many remarks one query gets: after so many the text is something else than a query.
const maxDiagnostics = 100

// Parse reads a query. It never panics and always gives a tree: with errors, a partial one, whose missing parts are
// Bad nodes. The diagnostics are in the order of the text.
//
// The language accepted is that of the official language service, as of Kusto.Language 12.4.1, without what only
// administers databases and graphs; that is reported as not supported. Whether names exist and types fit, plan.Bind
// says.
func Parse(src string) (*Query, Diagnostics) {
	if len(src) > MaxSize {
		return &Query{}, Diagnostics{{
			Span: Span{0, 0}, Code: CodeTooLarge,
			Message: fmt.Sprintf("the query has %d bytes; the limit is %d", len(src), MaxSize),
		}}
	}
	l := lex(src)
	p := &parser{src: src, toks: l.tokens, diags: l.diags, lastErr: -1}
	q := p.query()
	q.comments = l.comments
	p.diags.Sort()
	if len(p.diags) > maxDiagnostics {
		p.diags = p.diags[:maxDiagnostics:maxDiagnostics]
	}
	return q, p.diags
}

// parser reads tokens by recursive descent. Each method that reads a part leaves pos after it, and always gives a node:
// where the part is missing it reports so and gives a Bad one. Errors do not stop it: [parser.leftover] skips to where
// it can go on.
type parser struct {
	src     string
	toks    []token
	pos     int
	depth   int
	diags   Diagnostics
	lastErr int // the token that was last complained about
	stopped bool
}

func (p *parser) tok() *token { return &p.toks[p.pos] }

// ahead gives the token n after the current one, the end for those beyond it.
func (p *parser) ahead(n int) *token { return &p.toks[min(p.pos+n, len(p.toks)-1)] }

func (p *parser) kind() tokenKind { return p.toks[p.pos].kind }

func (p *parser) text(t *token) string { return p.src[t.from:t.to] }

func (p *parser) from() int { return int(p.toks[p.pos].from) }

// next takes the current token. The end is never taken.
func (p *parser) next() *token {
	t := &p.toks[p.pos]
	if t.kind != tokEnd {
		p.advance(1)
	}
	return t
}

// since gives the span from a byte to the end of the last token taken.
func (p *parser) since(from int) Span {
	if p.pos == 0 {
		return Span{from, from}
	}
	return Span{from, max(from, int(p.toks[p.pos-1].to))}
}

// advance goes on by so many tokens, not beyond the end: an error may have stopped the parser there already.
func (p *parser) advance(tokens int) { p.pos = min(p.pos+tokens, len(p.toks)-1) }

func (t *token) span() Span { return Span{int(t.from), int(t.to)} }

func (p *parser) accept(kind tokenKind) bool {
	if p.kind() == kind {
		p.advance(1)
		return true
	}
	return false
}

// isWord reports whether the token n ahead is that word.
func (p *parser) isWord(n int, word string) bool {
	t := p.ahead(n)
	return t.kind == tokWord && p.text(t) == word
}

func (p *parser) acceptWord(word string) bool {
	if p.isWord(0, word) {
		p.advance(1)
		return true
	}
	return false
}

// report adds a diagnostic, unless the parser has stopped.
func (p *parser) report(code Code, at Span, message, hint string) {
	if p.stopped {
		return
	}
	if len(p.diags) >= maxDiagnostics {
		p.stop()
		return
	}
	p.diags = append(p.diags, Diagnostic{Span: at, Code: code, Message: message, Hint: hint})
}

// fail reports an error at the current token, once for each token: what follows from the first says nothing new.
func (p *parser) fail(code Code, message, hint string) {
	at := p.tok().span()
	if p.kind() == tokEnd && p.pos > 0 { // shown where the text ends, not on the empty line behind it
		at.From = int(p.toks[p.pos-1].to)
		at.To = at.From
	}
	p.failAt(at, code, message, hint)
}

func (p *parser) failAt(at Span, code Code, message, hint string) {
	if p.lastErr == p.pos || p.tok().shaken {
		p.lastErr = p.pos
		return
	}
	p.lastErr = p.pos
	p.report(code, at, message, hint)
}

// here describes the current token for a message.
func (p *parser) here() string {
	t := p.tok()
	if t.kind == tokEnd {
		return "the end"
	}
	return "“" + shorten(p.text(t)) + "”"
}

// shorten cuts a long text for a message.
func shorten(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	cut := most - 3
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// expect takes a token of that kind, or says that it is missing.
func (p *parser) expect(kind tokenKind, text string) bool {
	if p.accept(kind) {
		return true
	}
	p.fail(CodeExpected, fmt.Sprintf("expected %s, found %s", text, p.here()), p.assignHint())
	return false
}

// namesAfter reports whether "as NAME" stands here, which in other languages gives a name to what stands before it.
func (p *parser) namesAfter() bool {
	return p.kind() == tokWord && strings.EqualFold(p.text(p.tok()), "as") && p.pos > 0 && p.ahead(1).kind == tokWord
}

// commaHint is the hint where a list goes on without a comma: with the order of a sort that is misspelt, or with the way
// in which other languages give a name.
func (p *parser) commaHint() string {
	t := p.tok()
	if hint := p.assignHint(); hint != "" || t.kind != tokWord {
		return hint
	}
	text := p.text(t)
	if p.namesAfter() {
		what := "…"
		if before := &p.toks[p.pos-1]; before.kind == tokWord {
			what = shorten(p.text(before))
		}
		return "write " + shorten(p.text(p.ahead(1))) + " = " + what
	}
	switch strings.ToLower(shorten(text)) {
	case "ascending":
		return "write asc"
	case "descending":
		return "write desc"
	}
	for _, word := range []string{"asc", "desc", "nulls"} {
		if looksLike(text, word) {
			return "did you mean " + word + "?"
		}
	}
	return ""
}

// assignHint is the hint where = stands for ==.
func (p *parser) assignHint() string {
	switch p.kind() {
	case tokAssign:
		return "to compare, write =="
	case tokBar:
		if t := p.ahead(1); t.kind == tokBar && !t.space {
			return "write or for ||"
		}
	default:
	}
	return ""
}

func (p *parser) expectWord(word string) bool {
	if p.acceptWord(word) {
		return true
	}
	hint := ""
	if t := p.tok(); t.kind == tokWord && looksLike(p.text(t), word) {
		hint = "did you mean " + word + "?"
	}
	p.fail(CodeExpected, fmt.Sprintf("expected %s, found %s", word, p.here()), hint)
	if hint != "" {
		p.advance(1)
		return true
	}
	return false
}

// enter goes one level deeper, and reports whether that may be. Where not, the rest of the text is dropped: the one
// diagnostic is all there is to say. Each enter has its leave, also one that fails.
func (p *parser) enter() bool {
	p.depth++
	if p.depth <= MaxDepth {
		return true
	}
	p.report(CodeTooDeep, p.tok().span(), fmt.Sprintf("nesting goes deeper than %d levels", MaxDepth), "")
	p.stop()
	return false
}

// stop drops the rest of the text.
func (p *parser) stop() {
	p.stopped = true
	p.pos = len(p.toks) - 1
}

func (p *parser) leave() { p.depth-- }

// closeWith takes the closing bracket that belongs to open. Where it is missing, it looks for it a little further on.
func (p *parser) closeWith(kind tokenKind, open *token) {
	if p.accept(kind) {
		return
	}
	pairs := map[tokenKind]string{tokCloseParen: ")", tokCloseBracket: "]", tokCloseBrace: "}"}
	if p.kind() == tokEnd {
		p.failAt(open.span(), CodeUnclosed, p.text(open)+" is not closed", "")
		return
	}
	hint := p.assignHint()
	if hint == "" && p.kind() == tokWord && p.beginsLine(p.pos) {
		hint = "a | stands before " + p.text(p.tok())
	}
	if hint == "" && p.lastErr != p.pos {
		at := PositionOf(p.src, int(open.from))
		hint = fmt.Sprintf("%s was opened at %d:%d", p.text(open), at.Line, at.Column)
	}
	p.fail(CodeExpected, fmt.Sprintf("expected %s, found %s", pairs[kind], p.here()), hint)
	if i := p.findClose(kind); i > 0 {
		p.pos = i + 1
	}
}

// closeReach is how many tokens [parser.findClose] looks ahead: enough for a slip within a line or two, and it keeps
// many errors from costing the square of the text.
const closeReach = 200

func (p *parser) findClose(kind tokenKind) int {
	level := 0
	for i := p.pos; i < min(p.pos+closeReach, len(p.toks)); i++ {
		switch t := &p.toks[i]; t.kind {
		case tokOpenParen, tokOpenBracket, tokOpenBrace:
			level++
		case tokCloseParen, tokCloseBracket, tokCloseBrace:
			if level == 0 {
				if t.kind == kind {
					return i
				}
				return 0
			}
			level--
		case tokBar, tokSemicolon, tokEnd:
			if level == 0 {
				return 0
			}
		default:
			if level == 0 && t.line && p.beginsLine(i) {
				return 0
			}
		}
	}
	return 0
}

// beginsLine reports whether the token at i, the first of its line, most likely begins an operator or a statement.
func (p *parser) beginsLine(i int) bool {
	t := &p.toks[i]
	if t.kind != tokWord {
		return false
	}
	text := p.text(t)
	switch text {
	case "let", "set", "declare":
		return i+1 < len(p.toks) && p.toks[i+1].kind == tokWord
	}
	if _, ok := operators[text]; !ok {
		return false
	}
	if i+1 < len(p.toks) {
		switch p.toks[i+1].kind {
		case tokComma, tokAssign, tokCloseParen, tokDot, tokOpenParen, tokColon:
			return text == "join" || text == "lookup" || text == "where"
		default:
		}
	}
	return true
}

// atEnd reports whether the current token ends any list: a closing bracket, | or ; or the end.
func (p *parser) atEnd() bool {
	switch p.kind() {
	case tokCloseParen, tokCloseBracket, tokCloseBrace, tokBar, tokSemicolon, tokEnd:
		return true
	default:
		return false
	}
}

// list reads elements with commas between them, at least one where need is set. It ends at stop, which may be nil, and
// where any list ends. A missing comma is reported and supplied.
func (p *parser) list(need bool, stop func() bool, element func()) {
	ends := func() bool { return p.atEnd() || stop != nil && stop() }
	if !need && ends() {
		return
	}
	for {
		at := p.pos
		element()
		if p.accept(tokComma) {
			continue
		}
		if ends() || p.tok().line && p.beginsLine(p.pos) || !p.beginsExpr() || p.pos == at {
			return
		}
		p.fail(CodeExpected, "expected , before "+p.here(), p.commaHint())
		if p.namesAfter() {
			p.advance(2)
			if !p.accept(tokComma) {
				return
			}
		}
		if p.stopped {
			return
		}
	}
}

// trailingList is a list that may be empty and may end with a comma.
func (p *parser) trailingList(element func()) {
	if p.atEnd() {
		return
	}
	p.list(true, nil, func() {
		if p.pos > 0 && p.toks[p.pos-1].kind == tokComma && p.atEnd() {
			return
		}
		element()
	})
}

// beginsExpr reports whether an expression may begin with the current token.
func (p *parser) beginsExpr() bool {
	switch t := p.tok(); t.kind {
	case tokWord:
		_, ok := binaryWords[p.text(t)]
		return !ok
	case tokString, tokLong, tokReal, tokTimespan, tokBool, tokTyped, tokOpenParen:
		return true
	default:
		return false
	}
}

func (p *parser) query() *Query {
	q := &Query{Span: Span{0, len(p.src)}}
	for p.kind() == tokDirective {
		t := p.next()
		q.Directives = append(q.Directives, &Directive{t.span(), p.text(t)})
	}
	for p.kind() != tokEnd {
		at := p.pos
		if p.kind() == tokSemicolon {
			p.fail(CodeUnexpected, "there is no statement before this ;", "")
			p.advance(1)
			continue
		}
		s := p.statement()
		q.Statements = append(q.Statements, s)
		p.endStatement(s)
		if p.pos == at {
			panic("BUG: the parser stands still at " + p.here())
		}
	}
	return q
}

// endStatement takes the ; after a statement. Where something else stands there, it says so and finds the next one.
func (p *parser) endStatement(s Statement) {
	if p.accept(tokSemicolon) || p.kind() == tokEnd {
		return
	}
	t := p.tok()
	_, let := s.(*LetStatement)
	end := int(p.toks[max(p.pos-1, 0)].to)
	hint := p.leftoverHint()
	fresh := p.pos > 0 && t.kind == tokWord && p.lastErr != p.pos
	switch {
	case !t.line && !p.beginsStatement() && p.beginsLine(p.pos):
		p.failAt(Span{end, end}, CodePipe, "| is missing before "+p.text(t), "")
	case t.line && p.beginsStatement(), fresh && t.line, fresh && let && hint == "":
		p.failAt(Span{end, end}, CodeSemicolon, "; is missing after the statement", "")
		return
	default:
		p.fail(CodeUnexpected, "unexpected "+p.here(), hint)
	}
	for {
		if p.accept(tokSemicolon) || p.kind() == tokEnd {
			return
		}
		p.advance(1)
		if p.tok().line && p.beginsStatement() {
			return
		}
	}
}

// beginsStatement reports whether a statement other than an expression begins here.
func (p *parser) beginsStatement() bool {
	t := p.tok()
	if t.kind != tokWord {
		return false
	}
	switch p.text(t) {
	case "let":
		return p.nameLen(1, false) > 0
	case "set":
		return true
	case "alias":
		return p.isWord(1, "database")
	case "declare":
		return p.isWord(1, "query_parameters") || p.isWord(1, "pattern")
	case "restrict":
		return p.isWord(1, "access")
	}
	return false
}

func (p *parser) statement() Statement {
	from := p.from()
	if p.kind() == tokDot {
		p.fail(CodeUnsupported, "management commands are not supported", "")
		p.skipStatement()
		return &BadStatement{p.since(from)}
	}
	if !p.beginsStatement() {
		x := p.pipe(false)
		return &ExprStatement{p.since(from), x}
	}
	switch p.text(p.next()) {
	case "let":
		return p.let(from)
	case "set":
		s := &SetStatement{Name: p.declaredName(false)}
		if p.accept(tokAssign) {
			s.Value = p.expr()
		}
		s.Span = p.since(from)
		return s
	case "alias":
		p.advance(1) // database
		s := &AliasStatement{Name: p.declaredName(false)}
		p.expect(tokAssign, "=")
		s.Value = p.expr()
		s.Span = p.since(from)
		return s
	case "declare":
		if p.acceptWord("query_parameters") {
			return p.declare(from)
		}
	}
	word := p.text(&p.toks[p.pos-1]) + " " + p.text(p.tok())
	p.failAt(p.since(from).to(p.tok().span()), CodeUnsupported, word+" is not supported", "")
	p.skipStatement()
	return &BadStatement{p.since(from)}
}

// skipStatement goes to the ; that ends a statement, past those within brackets.
func (p *parser) skipStatement() {
	level := 0
	for p.kind() != tokEnd {
		switch p.kind() {
		case tokOpenParen, tokOpenBracket, tokOpenBrace:
			level++
		case tokCloseParen, tokCloseBracket, tokCloseBrace:
			level--
		case tokSemicolon:
			if level <= 0 {
				return
			}
		default:
		}
		p.advance(1)
	}
}

func (p *parser) let(from int) Statement {
	s := &LetStatement{Name: p.declaredName(false)}
	p.expect(tokAssign, "=")
	at := p.from()
	switch {
	case p.isWord(0, "materialize"):
		name := p.next()
		s.Value = p.tableCall(at, &Name{name.span(), "materialize"}, nil)
	case p.isWord(0, "entity_group") && p.ahead(1).kind == tokOpenBracket:
		s.Value = p.unsupported("entity_group")
	case p.beginsLambda():
		s.Value = p.lambda()
	default:
		s.Value = p.pipe(false)
	}
	s.Span = p.since(from)
	return s
}

// unsupported reports the current word, skips what belongs to it and gives a Bad expression.
func (p *parser) unsupported(word string) Expr {
	from := p.from()
	p.fail(CodeUnsupported, word+" is not supported", "")
	p.advance(1)
	p.skipToBar()
	return &BadExpr{p.since(from)}
}

func (p *parser) declare(from int) Statement {
	s := &DeclareStatement{}
	s.Params = p.funcParams(true)
	s.Span = p.since(from)
	return s
}

// beginsLambda reports whether the parameters of a function begin here.
func (p *parser) beginsLambda() bool {
	i := 0
	if p.isWord(0, "view") {
		i = 1
	}
	if p.ahead(i).kind != tokOpenParen {
		return false
	}
	if k := p.ahead(i + 1).kind; k == tokCloseParen || k == tokStar {
		return true
	}
	n := p.nameLen(i+1, true)
	return n > 0 && p.ahead(i+1+n).kind == tokColon
}

func (p *parser) lambda() Expr {
	from := p.from()
	f := &Lambda{View: p.acceptWord("view")}
	f.Params = p.funcParams(false)
	open := p.tok()
	if !p.expect(tokOpenBrace, "{") {
		f.Span = p.since(from)
		return f
	}
	if p.enter() {
		for p.beginsStatement() && (p.isWord(0, "let") || p.isWord(0, "declare")) {
			at := p.pos
			f.Statements = append(f.Statements, p.statement())
			if p.kind() == tokCloseBrace || p.pos == at {
				break
			}
			p.endBodyStatement()
		}
		if p.kind() != tokCloseBrace {
			f.Result = p.pipe(false)
			p.accept(tokSemicolon)
		}
	}
	p.leave()
	p.closeWith(tokCloseBrace, open)
	f.Span = p.since(from)
	return f
}

func (p *parser) endBodyStatement() {
	if p.accept(tokSemicolon) {
		return
	}
	end := int(p.toks[p.pos-1].to)
	p.failAt(Span{end, end}, CodeSemicolon, "; is missing after the statement", "")
}

// funcParams reads the parameters of a function or query in parentheses.
func (p *parser) funcParams(need bool) []*FuncParam {
	var list []*FuncParam
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		return nil
	}
	p.list(need, nil, func() { list = append(list, p.funcParam()) })
	p.closeWith(tokCloseParen, open)
	return list
}

func (p *parser) funcParam() *FuncParam {
	from := p.from()
	f := &FuncParam{Name: p.declaredName(true)}
	p.expect(tokColon, ":")
	if open := p.tok(); p.accept(tokOpenParen) {
		f.Table = true
		if !p.accept(tokStar) {
			p.trailingList(func() { f.Columns = append(f.Columns, p.columnDecl()) })
		}
		p.closeWith(tokCloseParen, open)
	} else {
		f.Type = p.typeName(typeNames)
	}
	if p.accept(tokAssign) {
		f.Default = p.defaultValue()
	}
	f.Span = p.since(from)
	return f
}

func (p *parser) defaultValue() Expr {
	if lit := p.literal(); lit != nil {
		return lit
	}
	if t := p.tok(); t.kind == tokWord && t.class <= nameWord {
		p.advance(1)
		return &Name{t.span(), p.text(t)}
	}
	return p.missing("a literal")
}

// columnDecl reads "name:type".
func (p *parser) columnDecl() *ColumnDecl {
	from := p.from()
	c := &ColumnDecl{Name: p.declaredName(true)}
	p.expect(tokColon, ":")
	c.Type = p.typeName(typeNames)
	c.Span = p.since(from)
	return c
}

// columnDecls reads "(name:type, …)".
func (p *parser) columnDecls() []*ColumnDecl {
	var list []*ColumnDecl
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		return nil
	}
	p.accept(tokComma)
	p.trailingList(func() { list = append(list, p.columnDecl()) })
	p.closeWith(tokCloseParen, open)
	return list
}

func (p *parser) typeName(known map[string]Type) *TypeName {
	t := p.tok()
	if t.kind != tokWord {
		p.fail(CodeExpected, "expected a type, found "+p.here(), "")
		return &TypeName{Span: Span{int(t.from), int(t.from)}}
	}
	text := p.text(t)
	n := &TypeName{Span: t.span(), Type: known[text], Text: text}
	if n.Type == TypeUnknown {
		hint := "the types are bool, int, long, real, decimal, datetime, timespan, string, guid and dynamic"
		if best := closest(text, known); best != "" {
			hint = "did you mean " + best + "?"
			n.Type = known[best]
		}
		p.fail(CodeType, "unknown type "+p.here(), hint)
	}
	p.advance(1)
	return n
}

// nameLen gives how many tokens from the one n ahead are a name, 0 for none. wide takes the words that may name a
// column.
func (p *parser) nameLen(n int, wide bool) int {
	t := p.ahead(n)
	switch t.kind {
	case tokWord:
		if t.class <= nameWord || wide && t.class == columnWord {
			return 1
		}
	case tokOpenBracket:
		i := n + 1
		for p.ahead(i).kind == tokString {
			i++
		}
		if i > n+1 && p.ahead(i).kind == tokCloseBracket {
			return i + 1 - n
		}
	default:
	}
	return 0
}

// name reads a name that stands here for sure, of so many tokens as nameLen gave.
func (p *parser) name(tokens int) *Name {
	from := p.from()
	if tokens == 1 {
		t := p.next()
		return &Name{t.span(), p.text(t)}
	}
	p.advance(1) // [
	lit := p.stringLiteral()
	p.advance(1) // ]
	return &Name{p.since(from), lit.Str}
}

// declaredName reads a name that must stand here. A word that needs brackets is reported and taken.
func (p *parser) declaredName(wide bool) *Name {
	if n := p.nameLen(0, wide); n > 0 {
		return p.name(n)
	}
	t := p.tok()
	if t.kind == tokWord && (!t.line || !p.beginsLine(p.pos)) {
		p.fail(CodeKeyword, p.here()+" is a word of the language", bracketHint(p.text(t)))
		p.advance(1)
		return &Name{t.span(), p.text(t)}
	}
	p.fail(CodeExpected, "expected a name, found "+p.here(), "")
	return &Name{Span: Span{int(t.from), int(t.from)}}
}

// bracketHint says how a text may be a name.
func bracketHint(text string) string {
	return "as a name it stands in brackets: ['" + shorten(text) + "']"
}

// missing reports that something is missing here, and gives a Bad expression.
func (p *parser) missing(what string) Expr {
	t := p.tok()
	hint := p.assignHint()
	if t.kind == tokWord && t.class > nameWord && hint == "" {
		hint = bracketHint(p.text(t))
	}
	p.fail(CodeExpected, "expected "+what+", found "+p.here(), hint)
	return &BadExpr{Span{int(t.from), int(t.from)}}
}

// pipe reads an expression and the operators after it. sub says that it is a sub-query on rows that it is handed, which
// begins with an operator.
func (p *parser) pipe(sub bool) Expr {
	from := p.from()
	var source Expr
	var ops []Operator
	if sub || p.beginsOperator() {
		ops = append(ops, p.operator(true, sub))
	} else {
		source = p.expr()
	}
	for p.pipeGoesOn(len(ops) > 0) {
		ops = append(ops, p.operator(false, sub))
	}
	if len(ops) == 0 {
		return source
	}
	return &Pipe{p.since(from), source, ops}
}

// pipeGoesOn takes the | before the next operator. It also goes on where the | is missing at the beginning of a line,
// and skips what an operator left over.
func (p *parser) pipeGoesOn(began bool) bool {
	for {
		if p.accept(tokBar) {
			return true
		}
		t := p.tok()
		switch {
		case p.atEnd() || t.kind == tokComma || p.stopped:
			return false
		case t.line && p.beginsStatement():
			return false
		case t.kind == tokWord && p.beginsLine(p.pos) && (t.line || began):
			end := int(p.toks[p.pos-1].to)
			p.failAt(Span{end, end}, CodePipe, "| is missing before "+p.text(t), "")
			return true
		case !began:
			return false
		case t.line && p.pos > 0 && p.lastErr != p.pos && p.ahead(1).kind == tokBar:
			return false // a table on a line of its own: the ; before it is missing
		}
		p.fail(CodeUnexpected, "unexpected "+p.here(), p.leftoverHint())
		p.skipOperator()
	}
}

// leftoverHint guesses why something stands where nothing more is expected.
func (p *parser) leftoverHint() string {
	if hint := p.assignHint(); hint != "" {
		return hint
	}
	t := p.tok()
	if p.pos > 0 && strings.EqualFold(p.text(&p.toks[p.pos-1]), "not") && t.kind != tokOpenParen {
		return "write not(…)"
	}
	if t.kind != tokWord {
		return ""
	}
	text := p.text(t)
	for _, word := range []string{"and", "or", "by", "on", "of", "with", "to", "asc", "desc", "has", "in", "between", "contains"} {
		if text != word && (strings.EqualFold(text, word) || len(word) > 3 && looksLike(text, word)) {
			return "did you mean " + word + "?"
		}
	}
	if strings.EqualFold(text, "is") || strings.EqualFold(text, "not") {
		return "write isnull(x), isnotnull(x) or not(x)"
	}
	return ""
}

// skipToBar goes to the | or other end of an operator that is not supported, whatever its lines begin with.
func (p *parser) skipToBar() {
	for level := 0; p.kind() != tokEnd; p.advance(1) {
		switch p.kind() {
		case tokOpenParen, tokOpenBracket, tokOpenBrace:
			level++
		case tokCloseParen, tokCloseBracket, tokCloseBrace:
			if level--; level < 0 {
				return
			}
		case tokBar, tokSemicolon:
			if level == 0 {
				return
			}
		default:
		}
	}
}

// skipOperator goes to where the next operator or statement can begin, past what stands in brackets. It goes one token
// at least, except at an end.
func (p *parser) skipOperator() {
	level := 0
	for first := true; p.kind() != tokEnd; first = false {
		switch p.kind() {
		case tokOpenParen, tokOpenBracket, tokOpenBrace:
			level++
		case tokCloseParen, tokCloseBracket, tokCloseBrace:
			if level == 0 {
				return
			}
			level--
		case tokBar, tokSemicolon:
			if level == 0 {
				return
			}
		default:
			if level == 0 && !first && p.tok().line && (p.beginsLine(p.pos) || p.beginsStatement()) {
				return
			}
		}
		p.advance(1)
	}
}
