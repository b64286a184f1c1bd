package kql

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// Expressions, from the loosest to the closest binding:
//
//	or
//	and
//	== != in has_any has_all between                 (at most one)
//	< <= > >=                                        (at most one)
//	+ -
//	* / %
//	=~ has contains startswith matches regex …       (at most one)
//	- + before a value                               (at most one)
//	. [] ()
//
// So a has b + c is (a has b) + c, and a == b == c is an error, as in the official language service.

// binaryWords are the operators that are words.
var binaryWords = buildBinaryWords()

func buildBinaryWords() map[string]BinaryOp {
	m := map[string]BinaryOp{
		"notcontains": OpNotContains, "containscs": OpContainsCS, "notcontainscs": OpNotContainsCS, "matches": OpMatchesRegex,
	}
	for op := range binaryOpCount {
		if text := op.String(); isLetter(text[0]) || text[0] == '!' && len(text) > 2 {
			m[text] = op
		}
	}
	delete(m, OpMatchesRegex.String())
	return m
}

var inWords = map[string]InOp{
	"in": OpIn, "!in": OpNotIn, "in~": OpInCI, "!in~": OpNotInCI, "has_any": OpHasAny, "has_all": OpHasAll,
}

// expr reads a scalar expression: no pipe, no name before it.
func (p *parser) expr() Expr {
	x := p.and()
	for {
		at := p.tok()
		switch {
		case at.kind == tokWord && p.text(at) == "or":
			p.advance(1)
		case at.kind == tokBar && p.ahead(1).kind == tokBar && !p.ahead(1).space && p.ahead(2).kind != tokWord:
			return x
		case at.kind == tokBar && p.ahead(1).kind == tokBar && !p.ahead(1).space:
			p.failAt(at.span().to(p.ahead(1).span()), CodeCharacter, "|| is not an operator", "write or")
			p.advance(2)
		default:
			return x
		}
		x = p.binary(OpOr, at, x, p.and())
	}
}

func (p *parser) binary(op BinaryOp, at *token, x, y Expr) Expr {
	return &Binary{Span: x.Range().to(p.since(int(at.from))), Op: op, X: x, Y: y, OpSpan: at.span()}
}

func (p *parser) and() Expr {
	x := p.equality()
	for p.isWord(0, "and") || p.kind() == tokBadAnd {
		at := p.next()
		x = p.binary(OpAnd, at, x, p.equality())
	}
	return x
}

func (p *parser) equality() Expr {
	if p.kind() == tokStar && p.ahead(1).kind == tokEqual {
		star := &Star{p.next().span()}
		at := p.next()
		return p.binary(OpEq, at, star, p.relation())
	}
	x := p.relation()
	switch at := p.tok(); at.kind {
	case tokEqual:
		p.advance(1)
		return p.binary(OpEq, at, x, p.relation())
	case tokNotEqual:
		p.advance(1)
		return p.binary(OpNe, at, x, p.relation())
	case tokWord:
		text := p.text(at)
		if op, ok := inWords[text]; ok && (op != OpIn || !p.isWord(1, "range")) {
			p.advance(1)
			in := &In{Op: op, X: x, List: p.inList()}
			in.Span = p.since(x.Range().From)
			return in
		}
		if text == "between" || text == "!between" {
			p.advance(1)
			return p.between(x, text[0] == '!')
		}
	default:
	}
	return x
}

// inList reads the list of in: expressions, or one table.
func (p *parser) inList() []Expr {
	var list []Expr
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		if lit := p.literal(); lit != nil {
			list = append(list, lit)
		}
		return list
	}
	if p.enter() {
		p.list(true, nil, func() {
			x := p.pipe(false)
			if _, ok := x.(*Pipe); ok && (len(list) > 0 || p.kind() == tokComma) {
				p.failAt(x.Range(), CodeUnexpected, "a table must be the only element of a list", "")
			}
			list = append(list, x)
		})
	}
	p.leave()
	p.closeWith(tokCloseParen, open)
	return list
}

func (p *parser) between(x Expr, not bool) Expr {
	b := &Between{X: x, Not: not}
	open := p.tok()
	enclosed := p.expect(tokOpenParen, "(")
	if p.enter() {
		b.Low = p.expr()
		p.expect(tokDotDot, "..")
		b.High = p.expr()
	} else {
		b.Low, b.High = &BadExpr{open.span()}, &BadExpr{open.span()}
	}
	p.leave()
	if enclosed {
		p.closeWith(tokCloseParen, open)
	}
	b.Span = p.since(x.Range().From)
	return b
}

func (p *parser) relation() Expr {
	x := p.sum()
	var op BinaryOp
	at := p.tok()
	switch at.kind {
	case tokLess:
		op = OpLt
	case tokLessEqual:
		op = OpLe
	case tokGreater:
		op = OpGt
	case tokGreaterEqual:
		op = OpGe
	default:
		return x
	}
	p.advance(1)
	return p.binary(op, at, x, p.sum())
}

func (p *parser) sum() Expr {
	x := p.product()
	for {
		at := p.tok()
		op := OpAdd
		switch at.kind {
		case tokPlus:
		case tokMinus:
			op = OpSub
		default:
			return x
		}
		p.advance(1)
		x = p.binary(op, at, x, p.product())
	}
}

func (p *parser) product() Expr {
	x := p.textual()
	for {
		at := p.tok()
		op := OpMul
		switch at.kind {
		case tokStar:
		case tokSlash:
			op = OpDiv
		case tokPercent:
			op = OpMod
		default:
			return x
		}
		p.advance(1)
		x = p.binary(op, at, x, p.textual())
	}
}

// textOp gives the text operator at the token n ahead.
func (p *parser) textOp(n int) (BinaryOp, bool) {
	switch t := p.ahead(n); t.kind {
	case tokEqualTilde:
		return OpEqCI, true
	case tokBangTilde:
		return OpNeCI, true
	case tokColon:
		return OpSearch, true
	case tokWord:
		if t.class == plainWord || t.class == nameWord {
			return 0, false
		}
		op, ok := binaryWords[p.text(t)]
		return op, ok && op.IsText() && (op != OpMatchesRegex || p.isWord(n+1, "regex"))
	default:
		return 0, false
	}
}

func (p *parser) textual() Expr {
	if p.kind() == tokStar {
		if op, ok := p.textOp(1); ok {
			star := &Star{p.next().span()}
			at := p.takeTextOp(op)
			return p.binary(op, at, star, p.signed())
		}
	}
	x := p.signed()
	if op, ok := p.textOp(0); ok {
		at := p.takeTextOp(op)
		return p.binary(op, at, x, p.signed())
	}
	return x
}

func (p *parser) takeTextOp(op BinaryOp) *token {
	at := p.next()
	if op != OpMatchesRegex {
		return at
	}
	regex := p.next()
	if p.src[at.to:regex.from] != " " {
		p.failAt(at.span().to(regex.span()), CodeExpected, "between matches and regex stands one space", "")
	}
	both := *at
	both.to = regex.to
	return &both
}

func (p *parser) signed() Expr {
	at := p.tok()
	op := OpNeg
	switch at.kind {
	case tokMinus:
	case tokPlus:
		op = OpPos
	default:
		return p.postfix()
	}
	// The least long has no positive counterpart, so its sign is part of the literal.
	if next := p.ahead(1); op == OpNeg && next.kind == tokLong && p.text(next) == "9223372036854775808" &&
		p.ahead(2).kind != tokDot && p.ahead(2).kind != tokOpenBracket {
		p.advance(1)
		return p.signedLiteral(at)
	}
	p.advance(1)
	x := p.postfix()
	return &Unary{p.since(int(at.from)), op, x}
}

// postfix reads a value and the paths and elements after it.
func (p *parser) postfix() Expr {
	from := p.from()
	var x Expr
	if p.isWord(0, "totable") && (p.ahead(1).kind == tokOpenParen || p.isWord(1, "kind")) {
		return p.tableFunction()
	}
	x = p.primary()
	for {
		switch p.kind() {
		case tokDot:
			p.advance(1)
			if p.kind() == tokOpenBracket && p.nameLen(0, false) == 0 {
				x = p.element(from, x)
				continue
			}
			sel := p.selector()
			x = &Path{p.since(from), x, sel}
		case tokOpenBracket:
			x = p.element(from, x)
		default:
			return x
		}
	}
}

func (p *parser) element(from int, x Expr) Expr {
	open := p.next()
	e := &Element{X: x}
	if p.enter() {
		e.Index = p.expr()
	} else {
		e.Index = &BadExpr{open.span()}
	}
	p.leave()
	p.closeWith(tokCloseBracket, open)
	e.Span = p.since(from)
	return e
}

// selector reads what stands after the dot of a path.
func (p *parser) selector() Expr {
	if n := p.callNameLen(); n > 0 {
		return p.call(n)
	}
	if x := p.reference(); x != nil {
		return x
	}
	return p.declaredName(false)
}

// reference reads a name in an expression, or gives nil.
func (p *parser) reference() Expr {
	if t := p.tok(); t.kind == tokWord && t.class == selectorWord {
		p.advance(1)
		return &Name{t.span(), p.text(t)}
	}
	if n := p.nameLen(0, false); n > 0 {
		return p.name(n)
	}
	return nil
}

// callNameLen gives the number of tokens of the name before a parenthesis, or 0.
func (p *parser) callNameLen() int {
	n := p.nameLen(0, false)
	if n > 0 && p.ahead(n).kind == tokOpenParen {
		return n
	}
	return 0
}

func (p *parser) call(nameTokens int) *Call {
	from := p.from()
	c := &Call{Func: p.name(nameTokens)}
	open := p.next()
	if p.enter() {
		p.list(false, nil, func() { c.Args = append(c.Args, p.argument()) })
	}
	p.leave()
	p.closeWith(tokCloseParen, open)
	c.Span = p.since(from)
	return c
}

func (p *parser) argument() Expr {
	if k := p.ahead(1).kind; p.kind() == tokStar && (k == tokCloseParen || k == tokComma) {
		return &Star{p.next().span()}
	}
	return p.named()
}

// tableFunction reads toscalar(…) or totable(…), whose argument may be a pipe.
func (p *parser) tableFunction() Expr {
	from := p.from()
	t := p.next()
	name := &Name{t.span(), p.text(t)}
	return p.tableCall(from, name, p.params(false))
}

func (p *parser) tableCall(from int, name *Name, params []*Param) Expr {
	c := &Call{Func: name, Params: params}
	open := p.tok()
	if p.expect(tokOpenParen, "(") {
		if p.enter() {
			c.Args = append(c.Args, p.pipe(false))
		}
		p.leave()
		p.closeWith(tokCloseParen, open)
	}
	c.Span = p.since(from)
	return c
}

func (p *parser) primary() Expr {
	switch t := p.tok(); t.kind {
	case tokOpenParen:
		return p.paren()
	case tokLong, tokReal, tokBool, tokTyped, tokTimespan, tokRawGuid, tokString:
		return p.literal()
	case tokWord:
		switch text := p.text(t); text {
		case "dynamic", "typeof":
			if p.ahead(1).kind == tokOpenParen {
				return p.literal()
			}
		case "datatable":
			return p.dataTable()
		case "externaldata", "external_data":
			return p.externalData()
		case "toscalar":
			return p.tableFunction()
		case "inline_external_table", "__contextual_datatable", "materialized-view-combine", "entity_group":
			if k := p.ahead(1).kind; k == tokOpenParen || k == tokOpenBracket {
				return p.unsupported(text)
			}
		}
		if n := p.callNameLen(); n > 0 {
			return p.call(n)
		}
		if x := p.reference(); x != nil {
			return p.scoped(x)
		}
		return p.wordAsName()
	case tokOpenBracket:
		if n := p.callNameLen(); n > 0 {
			return p.call(n)
		}
		if n := p.nameLen(0, false); n > 0 {
			return p.scoped(p.name(n))
		}
		if p.wildcardLen(1) > 0 {
			p.fail(CodeUnsupported, "names with stars in brackets are not supported", "")
			p.advance(1)
			w := p.wildcard(p.wildcardLen(0))
			p.closeWith(tokCloseBracket, t)
			return w
		}
		return p.missing("an expression")
	case tokOpenBrace:
		if n := p.ahead(1); n.kind == tokWord && p.ahead(2).kind == tokCloseBrace {
			p.fail(CodeUnsupported, "parameters of clients are not supported", "")
			p.advance(3)
			return &Name{n.span(), p.text(n)}
		}
		return p.missing("an expression")
	case tokAt:
		p.fail(CodeUnsupported, "@ is not supported", "")
		p.advance(1)
		return &BadExpr{t.span()}
	default:
		return p.missing("an expression")
	}
}

// scoped reports the rare "T datascope=hotcache".
func (p *parser) scoped(x Expr) Expr {
	if p.isWord(0, "datascope") && p.ahead(1).kind == tokAssign {
		p.fail(CodeUnsupported, "datascope is not supported", "")
		p.advance(2)
		p.next()
	}
	return x
}

// wordAsName takes a word of the language that stands where only a name makes sense, and reports it.
func (p *parser) wordAsName() Expr {
	t := p.tok()
	next := p.ahead(1)
	_, binary := p.textOp(1)
	switch next.kind {
	case tokEqual, tokNotEqual, tokLess, tokLessEqual, tokGreater, tokGreaterEqual, tokStar, tokSlash, tokPercent,
		tokCloseParen, tokCloseBracket, tokCloseBrace, tokDot, tokComma, tokBar:
		binary = true
	case tokWord:
		text := p.text(next)
		_, in := inWords[text]
		binary = binary || in || text == "and" || text == "or" || text == "between" || text == "!between"
	default:
	}
	if !binary {
		return p.missing("an expression")
	}
	p.fail(CodeKeyword, p.here()+" is a word of the language", bracketHint(p.text(t)))
	p.advance(1)
	return &Name{t.span(), p.text(t)}
}

func (p *parser) paren() Expr {
	open := p.next()
	x := &Paren{}
	if p.enter() {
		x.X = p.pipe(false)
	} else {
		x.X = &BadExpr{open.span()}
	}
	p.leave()
	p.closeWith(tokCloseParen, open)
	x.Span = p.since(int(open.from))
	return x
}

// named reads an expression that may have a name: "a = x", "(a, b) = x" or x.
func (p *parser) named() Expr {
	from := p.from()
	if n := p.nameLen(0, true); n > 0 && p.ahead(n).kind == tokAssign {
		name := p.name(n)
		p.advance(1) // =
		x := p.expr()
		return &Named{p.since(from), []*Name{name}, false, x}
	}
	if n := p.dashedLen(); n > 0 {
		last := p.ahead(n - 1)
		at := Span{from, int(last.to)}
		text := at.Text(p.src)
		p.failAt(at, CodeKeyword, "“"+shorten(text)+"” is not a name", bracketHint(text))
		p.advance(n + 1)
		x := p.expr()
		return &Named{p.since(from), []*Name{{at, text}}, false, x}
	}
	if p.isTuple() {
		t := &Named{Tuple: true}
		open := p.next()
		p.list(true, nil, func() { t.Names = append(t.Names, p.declaredName(true)) })
		p.closeWith(tokCloseParen, open)
		p.advance(1) // =
		t.X = p.expr()
		t.Span = p.since(from)
		return t
	}
	return p.expr()
}

// dashedLen gives the number of tokens of a name with dashes before =, or of a word that is no name, or 0.
func (p *parser) dashedLen() int {
	if p.kind() != tokWord {
		return 0
	}
	n := 1
	for t := p.ahead(n); !t.space && (t.kind == tokWord || t.kind == tokMinus); t = p.ahead(n) {
		n++
	}
	if p.ahead(n).kind != tokAssign {
		return 0
	}
	return n
}

// isTuple reports whether "(a, b) =" begins here.
func (p *parser) isTuple() bool {
	if p.kind() != tokOpenParen {
		return false
	}
	i := 1
	for {
		n := p.nameLen(i, true)
		if n == 0 {
			return false
		}
		i += n
		if p.ahead(i).kind != tokComma {
			break
		}
		i++
	}
	return p.ahead(i).kind == tokCloseParen && p.ahead(i+1).kind == tokAssign
}

// literal reads a literal, or gives nil where none stands.
func (p *parser) literal() Expr {
	switch t := p.tok(); t.kind {
	case tokString:
		return p.stringLiteral()
	case tokLong, tokReal, tokTimespan:
		p.advance(1)
		return p.number(t.kind, t.span(), p.text(t))
	case tokBool:
		p.advance(1)
		return &Literal{Span: t.span(), Type: TypeBool, Bool: p.text(t)[0]|0x20 == 't'}
	case tokTyped:
		return p.typed()
	case tokRawGuid:
		text := p.text(t)
		p.fail(CodeLiteral, "a guid stands in guid(…)", "write guid("+text+")")
		p.advance(1)
		return &Literal{Span: t.span(), Type: TypeGuid, Str: strings.ToLower(text)}
	case tokPlus, tokMinus:
		if next := p.ahead(1); !next.space && (next.kind == tokLong || next.kind == tokReal || next.kind == tokTimespan) {
			p.advance(1)
			return p.signedLiteral(t)
		}
	case tokWord:
		if p.ahead(1).kind == tokOpenParen {
			switch p.text(t) {
			case "dynamic":
				return p.dynamic()
			case "typeof":
				return p.typeOf()
			}
		}
	default:
	}
	return nil
}

// signedLiteral reads the number after a sign that was taken.
func (p *parser) signedLiteral(sign *token) Expr {
	t := p.next()
	text := p.text(t)
	if t.kind == tokTimespan || p.text(sign) == "+" {
		lit := p.number(t.kind, sign.span().to(t.span()), text)
		if p.text(sign) == "-" {
			lit.Int = -lit.Int
		}
		return lit
	}
	return p.number(t.kind, sign.span().to(t.span()), "-"+text)
}

// number makes a literal of the text of a number.
func (p *parser) number(kind tokenKind, at Span, text string) *Literal {
	lit := &Literal{Span: at, Written: at.Text(p.src)}
	var fault literalFault
	switch kind {
	case tokReal:
		lit.Type = TypeReal
		lit.Real, fault = decodeReal(text)
	case tokTimespan:
		lit.Type = TypeTimespan
		lit.Int, fault = decodeTimespan(text)
	default:
		lit.Type = TypeLong
		lit.Int, fault = decodeLong(text)
	}
	p.fault(lit, fault)
	return lit
}

// fault reports what is wrong with a literal, which becomes null.
func (p *parser) fault(lit *Literal, fault literalFault) {
	switch fault {
	case faultNone:
		return
	case faultRange:
		p.report(CodeOverflow, lit.Span, "the value is beyond the limits of "+lit.Type.String(), "")
	case faultText:
		p.report(CodeLiteral, lit.Span, "the text is no value of type "+lit.Type.String(), literalHint(lit, lit.Text(p.src)))
	}
	*lit = Literal{Span: lit.Span, Type: lit.Type, Null: true}
}

// literalHint says how a value is written, or how one is made of a column.
func literalHint(lit *Literal, text string) string {
	_, inside, ok := strings.Cut(text, "(")
	inside = strings.TrimSpace(inside)
	switch {
	case !ok:
		return ""
	case inside == "" || inside[0] < '0' || inside[0] > '9': // no number: perhaps the name of a column
		return "to convert a column, write to" + lit.Type.String() + "(…)"
	}
	switch lit.Type { //nolint:exhaustive // of the others there is nothing to say
	case TypeDateTime:
		return "a time is written year-month-day hours:minutes:seconds, as datetime(2024-05-31 14:30:00)"
	case TypeTimespan:
		return "a length of time is a number with its unit, as 90m, or days.hours:minutes:seconds, as time(1.02:30:00)"
	case TypeLong, TypeInt:
		return "a value of this type is a whole number"
	case TypeGuid:
		return "a guid has 32 digits, as guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"
	}
	return ""
}

func (p *parser) typed() Expr {
	t := p.next()
	text := p.text(t)
	word, inside, _ := strings.Cut(text, "(")
	lit := &Literal{Span: t.span(), Type: valueTypes[word], Written: text}
	if !strings.HasSuffix(inside, ")") { // reported by the lexer
		lit.Null = true
		return lit
	}
	p.fault(lit, decodeTyped(lit, strings.TrimSuffix(inside, ")")))
	if lit.Type == TypeBool && !lit.Null { // there is one way to write it
		lit.Written = ""
	}
	return lit
}

// stringLiteral reads one or more strings that stand beside each other: they are one.
func (p *parser) stringLiteral() *Literal {
	t := p.next()
	lit := &Literal{Span: t.span(), Type: TypeString}
	lit.Str, lit.Form, lit.Hidden = decodeString(p.text(t))
	if p.kind() == tokString {
		var b strings.Builder
		b.WriteString(lit.Str)
		for p.kind() == tokString {
			s, _, hidden := decodeString(p.text(p.next()))
			b.WriteString(s)
			lit.Hidden = lit.Hidden || hidden
		}
		lit.Str = b.String()
		lit.Span = p.since(lit.From)
	}
	lit.Str = strings.ToValidUTF8(lit.Str, "\uFFFD")
	return lit
}

func (p *parser) dynamic() Expr {
	from := p.from()
	p.advance(1)
	open := p.next()
	d := &Dynamic{Value: p.jsonValue()}
	p.closeWith(tokCloseParen, open)
	d.Span = p.since(from)
	return d
}

func (p *parser) jsonValue() Expr {
	t := p.tok()
	if !p.enter() {
		p.leave()
		return &BadExpr{t.span()}
	}
	defer p.leave()
	switch t.kind {
	case tokOpenBracket:
		a := &Array{}
		p.advance(1)
		p.list(false, nil, func() { a.Elems = append(a.Elems, p.jsonValue()) })
		p.closeWith(tokCloseBracket, t)
		a.Span = p.since(int(t.from))
		return a
	case tokOpenBrace:
		b := &Bag{}
		p.advance(1)
		p.list(false, nil, func() { b.Entries = append(b.Entries, p.bagEntry()) })
		p.closeWith(tokCloseBrace, t)
		b.Span = p.since(int(t.from))
		return b
	case tokMinus:
		if k := p.ahead(1).kind; k == tokLong || k == tokReal {
			p.advance(1)
			return p.jsonNumber(t.span().to(p.tok().span()), "-"+p.text(p.tok()))
		}
	case tokLong, tokReal:
		return p.jsonNumber(t.span(), p.text(t))
	case tokWord:
		if p.text(t) == "null" {
			p.advance(1)
			return &Literal{Span: t.span(), Type: TypeDynamic, Null: true}
		}
		if p.text(t) == "dynamic" && p.ahead(1).kind == tokOpenParen {
			return p.dynamic()
		}
	case tokTyped:
		if word, _, _ := strings.Cut(p.text(t), "("); valueTypes[word] != TypeInt {
			return p.literal()
		}
	case tokBool, tokTimespan, tokRawGuid, tokString:
		return p.literal()
	default:
	}
	p.fail(CodeExpected, "expected a JSON value, found "+p.here(), "values within dynamic(…) are written out: use pack_array or bag_pack to compute them")
	return &BadExpr{Span{int(t.from), int(t.from)}}
}

// jsonNumber makes a literal of a number of JSON, where those beyond a long are reals, and those beyond a real infinite.
func (p *parser) jsonNumber(at Span, text string) Expr {
	kind := p.next().kind
	if n, fault := decodeLong(text); kind == tokLong && fault == faultNone {
		return &Literal{Span: at, Type: TypeLong, Int: n, Written: text}
	}
	x, fault := decodeReal(text)
	if fault == faultRange {
		x = math.Inf(1)
		if text[0] == '-' {
			x = math.Inf(-1)
		}
	}
	return &Literal{Span: at, Type: TypeReal, Real: x, Written: text}
}

func (p *parser) bagEntry() *BagEntry {
	e := &BagEntry{}
	t := p.tok()
	if t.kind == tokString {
		p.advance(1)
		e.Key, _, _ = decodeString(p.text(t))
		e.Key = strings.ToValidUTF8(e.Key, "\uFFFD")
	} else {
		p.fail(CodeExpected, "expected a key in quotes, found "+p.here(), "")
		if t.kind == tokWord {
			p.advance(1)
		}
	}
	p.expect(tokColon, ":")
	e.Value = p.jsonValue()
	e.Span = p.since(int(t.from))
	return e
}

func (p *parser) typeOf() Expr {
	x := &TypeOf{}
	from := p.from()
	p.advance(1)
	open := p.next()
	if p.kind() == tokWord && p.ahead(1).kind == tokCloseParen {
		known := maps.Clone(typeNames)
		maps.Copy(known, castTypes)
		x.Type = p.typeName(known)
	} else {
		p.list(false, nil, func() {
			if p.accept(tokStar) {
				x.Star = true
				return
			}
			x.Columns = append(x.Columns, p.columnDecl())
		})
	}
	p.closeWith(tokCloseParen, open)
	x.Span = p.since(from)
	return x
}

func (p *parser) dataTable() Expr {
	from := p.from()
	p.advance(1)
	d := &DataTable{Params: p.params(false), Columns: p.columnDecls()}
	open := p.tok()
	if p.expect(tokOpenBracket, "[") {
		p.accept(tokComma)
		p.trailingList(func() {
			lit := p.literal()
			if lit == nil {
				lit = p.missing("a literal")
				if p.kind() == tokWord {
					p.advance(1)
				}
			}
			d.Values = append(d.Values, lit)
		})
		p.closeWith(tokCloseBracket, open)
	}
	d.Span = p.since(from)
	return d
}

func (p *parser) externalData() Expr {
	from := p.from()
	p.advance(1)
	d := &ExternalData{Params: p.params(false), Columns: p.columnDecls()}
	open := p.tok()
	if p.expect(tokOpenBracket, "[") {
		if p.enter() {
			p.trailingList(func() { d.URIs = append(d.URIs, p.pipe(false)) })
		}
		p.leave()
		p.closeWith(tokCloseBracket, open)
	}
	if p.acceptWord("with") {
		d.With = p.properties(nil)
	}
	d.Span = p.since(from)
	return d
}

// properties reads "(a=x, b=y)", with any names where known is nil.
func (p *parser) properties(known map[string]bool) []*Param {
	var list []*Param
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		return nil
	}
	p.accept(tokComma)
	p.list(false, nil, func() {
		from := p.from()
		name := p.propertyName(known)
		p.expect(tokAssign, "=")
		v := p.paramValue()
		list = append(list, &Param{p.since(from), name, v, nil})
	})
	p.closeWith(tokCloseParen, open)
	return list
}

// propertyName reads the name of a property. There any word is one.
func (p *parser) propertyName(known map[string]bool) *Name {
	t := p.tok()
	if t.kind != tokWord {
		return p.declaredName(true)
	}
	text := p.text(t)
	if known != nil && !known[text] {
		hint := ""
		if best := closest(text, known); best != "" {
			hint = "did you mean " + best + "?"
		}
		p.fail(CodeParameter, "unknown parameter "+p.here(), hint)
	}
	p.advance(1)
	return &Name{t.span(), text}
}

// params reads the parameters of an operator. strict says that no expression with a name may begin here, so that an
// unknown name before = is a parameter too, and reported.
func (p *parser) params(strict bool, own ...string) []*Param {
	var list []*Param
	for p.kind() == tokWord && p.ahead(1).kind == tokAssign {
		t := p.tok()
		text := p.text(t)
		if !paramNames[text] && !slices.Contains(own, text) {
			if !strict {
				break
			}
			hint := ""
			if best := closest(text, paramNames); best != "" {
				hint = "did you mean " + best + "?"
			}
			p.fail(CodeParameter, "unknown parameter "+p.here(), hint)
		}
		p.advance(2)
		v := p.paramValue()
		list = append(list, &Param{p.since(int(t.from)), &Name{t.span(), text}, v, nil})
	}
	return list
}

// paramValue reads the value of a parameter: a literal or a word.
func (p *parser) paramValue() Expr {
	if lit := p.literal(); lit != nil {
		return lit
	}
	if t := p.tok(); t.kind == tokWord && t.class != columnWord {
		p.advance(1)
		return &Name{t.span(), p.text(t)}
	}
	if n := p.nameLen(0, false); n > 0 {
		return p.name(n)
	}
	return p.missing("a value")
}

// wildcardLen gives the number of tokens of a name with stars, n ahead, or 0.
func (p *parser) wildcardLen(n int) int {
	i := n
	t := p.ahead(i)
	switch {
	case t.kind == tokStar:
		i++
	case t.kind == tokWord && t.class <= columnWord && p.ahead(i+1).kind == tokStar && !p.ahead(i+1).space:
		i += 2
	default:
		return 0
	}
	for {
		t = p.ahead(i)
		if t.space || t.kind != tokStar && t.kind != tokLong && (t.kind != tokWord || t.class > columnWord) {
			return i - n
		}
		i++
	}
}

func (p *parser) wildcard(tokens int) *Wildcard {
	from := p.from()
	p.advance(tokens)
	at := p.since(from)
	return &Wildcard{at, at.Text(p.src)}
}
