package kql

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// lineWidth is where lists and chains are broken: one element a line.
const lineWidth = 100

// indentText is one level of indentation.
const indentText = "    "

// Format writes a query in its canonical form: an operator a line, lists on one line where they fit, obsolete spellings
// of operators renewed, names in brackets only where they must be. The text parses to the same tree, and formatting it
// again changes nothing. Comments stay with the line they were on or before; one from the middle of an expression moves
// to the end of its line.
//
// A query with errors is not meant to be formatted: what could not be read is missing in its tree, and is written as "?".
func Format(q *Query) string {
	text := printQuery(q)
	// A comment can change where lines break, and a break where a comment goes: this settles at once or in a step or two.
	for range 4 {
		if len(q.comments) == 0 {
			break
		}
		var d Diagnostics
		if q, d = Parse(text); d.HasErrors() {
			break
		}
		next := printQuery(q)
		if next == text {
			break
		}
		text = next
	}
	return text
}

func printQuery(q *Query) string {
	p := &printer{comments: q.comments}
	for _, d := range q.Directives {
		p.newline(d.From)
		p.write(d.Text)
	}
	for i, s := range q.Statements {
		p.newline(s.Range().From)
		p.statement(s)
		if i+1 < len(q.Statements) || !isResult(s) {
			p.write(";")
		}
	}
	if p.begun || len(p.comments) > 0 {
		p.newline(math.MaxInt)
	}
	return string(p.b)
}

// isResult reports whether a statement gives rows: after the last of those no ; is needed.
func isResult(s Statement) bool {
	_, ok := s.(*ExprStatement)
	return ok
}

// printer writes a tree. What may stand on one line is tried flat first, and given up as soon as the line is full, so
// that the tries cost no more than a line each.
type printer struct {
	b        []byte
	begun    bool
	line     int // where the current line begins in b
	indent   int
	comments []comment // those not yet written
	flat     bool
	limit    int // with flat: how long b may grow
	over     bool
	// values says that only literals are expected here, so that a number may have its sign before it.
	values bool
	// careful says that id is a word of the operator here.
	careful bool
}

func (p *printer) write(s string) {
	if p.over {
		return
	}
	p.b = append(p.b, s...)
	p.begun = true
	if p.flat && len(p.b) > p.limit {
		p.over = true
	}
}

// newline begins a new line for what stands at a place of the source, with the comments before that place: on the old
// line the one that stood behind something, on lines of their own the others.
func (p *printer) newline(at int) {
	p.remarks(at)
	if at == math.MaxInt {
		p.b = append(p.b, '\n')
		return
	}
	if p.begun {
		p.lineEnd()
	}
}

// remarks writes the comments before a place of the source. A new line must follow.
func (p *printer) remarks(at int) {
	first := true
	for len(p.comments) > 0 && p.comments[0].From < at {
		c := p.comments[0]
		p.comments = p.comments[1:]
		if p.begun {
			if first && !c.own {
				p.write(" ")
			} else {
				p.lineEnd()
			}
		}
		first = false
		p.write(strings.TrimRight(c.text, " \t\f"))
	}
}

// lastRemarks writes the comments before a closing bracket, which go with what stands before them.
func (p *printer) lastRemarks(at int) {
	if !p.flat {
		p.remarks(at)
	}
}

func (p *printer) lineEnd() {
	p.b = append(p.b, '\n')
	p.line = len(p.b)
	for range p.indent {
		p.b = append(p.b, indentText...)
	}
}

// soft is a place where a line may be broken: flat, it is text.
func (p *printer) soft(text string, at int) {
	if p.flat {
		p.write(text)
		return
	}
	p.newline(at)
}

// group writes something flat if it fits into the line and has no comments within, else broken.
func (p *printer) group(at Span, write func()) {
	if p.flat {
		if !p.over {
			write()
		}
		return
	}
	if !p.commentWithin(at) {
		length, begun, values, careful := len(p.b), p.begun, p.values, p.careful
		p.flat, p.limit = true, p.line+lineWidth
		write()
		p.flat = false
		if !p.over {
			return
		}
		p.b, p.begun, p.values, p.careful, p.over = p.b[:length], begun, values, careful, false
	}
	write()
}

func (p *printer) commentWithin(at Span) bool {
	i := sort.Search(len(p.comments), func(i int) bool { return p.comments[i].From >= at.From })
	return i < len(p.comments) && p.comments[i].From < at.To
}

// indented writes with one more level of indentation.
func (p *printer) indented(write func()) {
	p.indent++
	write()
	p.indent--
}

// list writes elements with commas, broken one a line.
func list[T Node](p *printer, elems []T, write func(T)) {
	if len(elems) == 0 {
		return
	}
	p.group(elems[0].Range().to(elems[len(elems)-1].Range()), func() {
		for i, e := range elems {
			if p.over {
				return
			}
			if i > 0 {
				p.write(",")
				p.soft(" ", e.Range().From)
			}
			write(e)
		}
	})
}

// bracketed writes a list in brackets, broken with a line for each element.
func bracketed[T Node](p *printer, at Span, open string, elems []T, closing string, write func(T)) {
	p.group(at, func() {
		p.write(open)
		if len(elems) == 0 && !p.commentWithin(at) {
			p.write(closing)
			return
		}
		p.indented(func() {
			for i, e := range elems {
				if p.over {
					break
				}
				if i > 0 {
					p.write(",")
					p.soft(" ", e.Range().From)
				} else {
					p.soft("", e.Range().From)
				}
				write(e)
			}
			p.lastRemarks(at.To)
		})
		p.soft("", at.To)
		p.write(closing)
	})
}

func (p *printer) statement(s Statement) {
	switch s := s.(type) {
	case *LetStatement:
		p.write("let ")
		p.name(s.Name)
		p.write(" = ")
		p.top(s.Value)
	case *SetStatement:
		p.write("set ")
		p.name(s.Name)
		if s.Value != nil {
			p.write(" = ")
			p.expr(s.Value)
		}
	case *AliasStatement:
		p.write("alias database ")
		p.name(s.Name)
		p.write(" = ")
		p.expr(s.Value)
	case *DeclareStatement:
		p.write("declare query_parameters")
		p.funcParams(s.Params, s.Span)
	case *ExprStatement:
		p.top(s.X)
	case *BadStatement:
		p.write("?")
	}
}

// top writes the value of a statement, where a pipe is always broken.
func (p *printer) top(x Expr) {
	if pipe, ok := x.(*Pipe); ok {
		p.brokenPipe(pipe)
		return
	}
	if c, ok := x.(*Call); ok && c.Func.Text == "materialize" && len(c.Args) == 1 {
		p.write("materialize")
		p.sub("(", c.Args[0], ")", c.Span)
		return
	}
	p.source(x)
}

func (p *printer) brokenPipe(x *Pipe) {
	if p.flat {
		p.flatPipe(x)
		return
	}
	first := 0
	at := func(write func()) { write() }
	if x.Source != nil {
		p.source(x.Source)
	} else if len(x.Ops) > 0 {
		p.operator(x.Ops[0])
		first = 1
	}
	// Behind "let x =" the operators stand one level deeper.
	if strings.HasPrefix(string(p.b[p.lineText():]), "let ") {
		at = p.indented
	}
	at(func() {
		for _, op := range x.Ops[first:] {
			p.newline(op.Range().From)
			p.write("| ")
			p.operator(op)
		}
	})
}

// lineText is where the text of the current line begins, past its indentation.
func (p *printer) lineText() int { return min(p.line+p.indent*len(indentText), len(p.b)) }

func (p *printer) flatPipe(x *Pipe) {
	if x.Source != nil {
		p.source(x.Source)
	}
	for i, op := range x.Ops {
		if p.over {
			return
		}
		if i > 0 || x.Source != nil {
			p.write(" | ")
		}
		p.operator(op)
	}
}

// source writes what begins a pipe, where the word of an operator needs brackets to be a name.
func (p *printer) source(x Expr) {
	if n, ok := x.(*Name); ok && operators[n.Text] {
		p.write("['" + n.Text + "']")
		return
	}
	p.expr(x)
}

// sub writes a pipe or expression between brackets.
func (p *printer) sub(open string, x Expr, closing string, at Span) {
	p.group(at, func() {
		p.write(open)
		pipe, ok := x.(*Pipe)
		if !ok {
			p.source(x)
			if p.commentWithin(at) && !p.flat {
				p.newline(at.To)
			}
			p.write(closing)
			return
		}
		if p.flat {
			p.flatPipe(pipe)
			p.write(closing)
			return
		}
		p.indented(func() {
			p.newline(pipe.From)
			p.brokenPipe(pipe)
			p.lastRemarks(at.To)
		})
		p.newline(at.To)
		p.write(closing)
	})
}

func (p *printer) name(n *Name) {
	if needsBrackets(n.Text) || p.careful && n.Text == "id" {
		p.bracketName(n.Text)
		return
	}
	p.write(n.Text)
}

func (p *printer) bracketName(text string) {
	p.write("[" + quoteString(text, StringPlain, false, '\'') + "]")
}

// ambiguous are the words that may be names but mean something in places where names stand too.
var ambiguous = buildSet(`limit on from with default optional output nulls step let database declare evaluate facet fork
	lookup partition reduce render scan restrict alias hint datatable datascope true True TRUE false False FALSE`)

func needsBrackets(text string) bool {
	if text == "" || words[text] > nameWord || ambiguous[text] {
		return true
	}
	if c := text[0]; !isLetter(c) && c != '_' && c != '$' {
		return true
	}
	for i := 1; i < len(text); i++ {
		if !isNameByte(text[i]) {
			return true
		}
	}
	return false
}

// specialCalls are the words before a parenthesis that are not calls of functions.
var specialCalls = buildSet(`bool guid typeof view entity_group inline_external_table materialize`)

func (p *printer) callName(c *Call) {
	text := c.Func.Text
	switch {
	case (text == "toscalar" || text == "totable") && len(c.Args) == 1 && isPlainArgument(c.Args[0]):
		p.write(text)
	case specialCalls[text]:
		p.bracketName(text)
	default:
		p.name(c.Func)
	}
}

func isPlainArgument(x Expr) bool {
	_, named := x.(*Named)
	_, star := x.(*Star)
	return !named && !star
}

func (p *printer) expr(x Expr) {
	if p.over {
		return
	}
	switch x := x.(type) {
	case *Literal:
		p.literal(x)
	case *Dynamic:
		p.dynamic(x)
	case *Array:
		bracketed(p, x.Span, "[", x.Elems, "]", p.expr)
	case *Bag:
		bracketed(p, x.Span, "{", x.Entries, "}", p.bagEntry)
	case *TypeOf:
		p.typeOf(x)
	case *Name:
		p.name(x)
	case *Path, *Element:
		p.path(x)
	case *Star:
		p.write("*")
	case *Wildcard:
		p.write(x.Pattern)
	case *Call:
		p.call(x)
	case *Unary:
		p.write(x.Op.String())
		p.expr(x.X)
	case *Binary:
		p.binary(x)
	case *Between:
		p.between(x)
	case *In:
		p.expr(x.X)
		p.write(" " + x.Op.String() + " ")
		if len(x.List) == 1 {
			p.sub("(", x.List[0], ")", x.Span)
		} else {
			bracketed(p, x.Span, "(", x.List, ")", p.expr)
		}
	case *Paren:
		p.sub("(", x.X, ")", x.Span)
	case *Named:
		p.named(x)
	case *Pipe:
		p.flatPipe(x)
	case *DataTable:
		p.dataTable(x)
	case *ExternalData:
		p.externalData(x)
	case *Lambda:
		p.lambda(x)
	case *BadExpr:
		p.write("?")
	}
}

func (p *printer) dynamic(x *Dynamic) {
	values := p.values
	p.values = true
	p.write("dynamic(")
	p.expr(x.Value)
	p.write(")")
	p.values = values
}

func (p *printer) bagEntry(e *BagEntry) {
	p.write(quoteString(e.Key, StringPlain, false, '"') + ": ")
	p.expr(e.Value)
}

func (p *printer) typeOf(x *TypeOf) {
	p.write("typeof(")
	if x.Type != nil {
		p.write(x.Type.Text)
	}
	list(p, x.Columns, p.columnDecl)
	if x.Star {
		if len(x.Columns) > 0 {
			p.write(", ")
		}
		p.write("*")
	}
	p.write(")")
}

// pathStep is ".sel" or "[index]".
type pathStep struct{ sel, index Expr }

// path writes a path with its elements. The way down to its beginning is a loop: it can be very long.
func (p *printer) path(x Expr) {
	var steps []pathStep
	for {
		if s, ok := x.(*Path); ok {
			steps, x = append(steps, pathStep{sel: s.Sel}), s.X
			continue
		}
		s, ok := x.(*Element)
		if !ok {
			break
		}
		steps, x = append(steps, pathStep{index: s.Index}), s.X
	}
	p.expr(x)
	if lit, ok := x.(*Literal); ok && (lit.Type == TypeLong || lit.Type == TypeReal || lit.Type == TypeTimespan) {
		p.write(" ") // 1.e5 is a number
	}
	values := p.values
	p.values = false
	for _, s := range slices.Backward(steps) {
		if p.over {
			break
		}
		if s.sel != nil {
			p.write(".")
			p.expr(s.sel)
			continue
		}
		p.write("[")
		p.expr(s.index)
		p.write("]")
	}
	p.values = values
}

func (p *printer) call(x *Call) {
	p.callName(x)
	if len(x.Params) > 0 {
		p.params(x.Params)
		p.write(" ")
	}
	if len(x.Args) == 1 {
		p.sub("(", x.Args[0], ")", x.Span)
		return
	}
	bracketed(p, x.Span, "(", x.Args, ")", p.expr)
}

// chain says which operators are broken together.
func chain(op BinaryOp) int {
	switch {
	case op == OpOr:
		return 0
	case op == OpAnd:
		return 1
	case op <= OpNe:
		return 2
	case op <= OpGe:
		return 3
	case op <= OpSub:
		return 4
	case op <= OpMod:
		return 5
	}
	return 6
}

// binary writes a chain of operators. The way down its left side is a loop: it can be very long.
func (p *printer) binary(x *Binary) {
	level := chain(x.Op)
	terms := []*Binary{x}
	for {
		left, ok := terms[len(terms)-1].X.(*Binary)
		if !ok || chain(left.Op) != level {
			break
		}
		terms = append(terms, left)
	}
	p.group(x.Span, func() {
		p.expr(terms[len(terms)-1].X)
		p.indented(func() {
			for i := len(terms) - 1; i >= 0 && !p.over; i-- {
				if level <= 1 || level >= 4 && level <= 5 {
					p.soft(" ", terms[i].OpSpan.From)
				} else {
					p.write(" ")
				}
				p.write(terms[i].Op.String() + " ")
				p.expr(terms[i].Y)
			}
		})
	})
}

func (p *printer) between(x *Between) {
	p.expr(x.X)
	if x.Not {
		p.write(" !between (")
	} else {
		p.write(" between (")
	}
	p.expr(x.Low)
	p.write(" .. ")
	p.expr(x.High)
	p.write(")")
}

func (p *printer) named(x *Named) {
	if x.Tuple {
		p.write("(")
	}
	for i, n := range x.Names {
		if i > 0 {
			p.write(", ")
		}
		p.name(n)
	}
	if x.Tuple {
		p.write(")")
	}
	p.write(" = ")
	p.expr(x.X)
}

func (p *printer) columnDecl(c *ColumnDecl) {
	p.name(c.Name)
	p.write(":" + c.Type.Text)
}

func (p *printer) columns(list []*ColumnDecl) {
	p.write("(")
	for i, c := range list {
		if i > 0 {
			p.write(", ")
		}
		p.columnDecl(c)
	}
	p.write(")")
}

func (p *printer) dataTable(x *DataTable) {
	p.write("datatable")
	p.params(x.Params)
	if len(x.Params) > 0 {
		p.write(" ")
	}
	p.columns(x.Columns)
	values := p.values
	p.values = true
	p.group(x.Span, func() {
		p.write("[")
		p.indented(func() {
			for i, v := range x.Values {
				if p.over {
					break
				}
				if i > 0 {
					p.write(",")
				}
				switch {
				case len(x.Columns) == 0 || i%len(x.Columns) == 0 || p.commentWithin(x.Span):
					text := " "
					if i == 0 {
						text = ""
					}
					p.soft(text, v.Range().From)
				default:
					p.write(" ")
				}
				p.expr(v)
			}
			p.lastRemarks(x.To)
		})
		if len(x.Values) > 0 || p.commentWithin(x.Span) {
			p.soft("", x.To)
		}
		p.write("]")
	})
	p.values = values
}

func (p *printer) externalData(x *ExternalData) {
	p.write("externaldata")
	p.params(x.Params)
	if len(x.Params) > 0 {
		p.write(" ")
	}
	p.columns(x.Columns)
	bracketed(p, x.Span, "[", x.URIs, "]", p.expr)
	if len(x.With) > 0 {
		p.write(" with ")
		p.properties(x.With)
	}
}

func (p *printer) funcParams(params []*FuncParam, at Span) {
	if n := len(params); n > 0 {
		at = params[0].to(params[n-1].Span)
	} else {
		at.To = at.From
	}
	bracketed(p, at, "(", params, ")", p.funcParam)
}

func (p *printer) funcParam(f *FuncParam) {
	p.name(f.Name)
	p.write(":")
	switch {
	case f.Type != nil:
		p.write(f.Type.Text)
	case f.Table && len(f.Columns) == 0:
		p.write("(*)")
	default:
		p.columns(f.Columns)
	}
	if f.Default != nil {
		values := p.values
		p.values = true
		p.write(" = ")
		p.word(f.Default)
		p.values = values
	}
}

func (p *printer) lambda(x *Lambda) {
	if x.View {
		p.write("view ")
	}
	p.funcParams(x.Params, x.Span)
	p.group(x.Span, func() {
		p.write(" {")
		if len(x.Statements) == 0 && x.Result == nil {
			if p.commentWithin(x.Span) && !p.flat {
				p.newline(x.To)
			}
			p.write("}")
			return
		}
		p.indented(func() {
			for _, s := range x.Statements {
				p.soft(" ", s.Range().From)
				p.statement(s)
				p.write(";")
			}
			if x.Result != nil {
				p.soft(" ", x.Result.Range().From)
				p.top(x.Result)
			}
			p.lastRemarks(x.To)
		})
		p.soft(" ", x.To)
		p.write("}")
	})
}

// params writes the parameters of an operator, each with a space before it.
func (p *printer) params(list []*Param) {
	for _, o := range list {
		p.write(" " + o.Name.Text + "=")
		p.paramValue(o)
	}
}

func (p *printer) paramValue(o *Param) {
	values := p.values
	p.values = true
	p.word(o.Value)
	p.values = values
	for _, v := range o.Values {
		p.write(", ")
		p.expr(v)
	}
}

// word writes the value of a parameter: there a word of the language needs no brackets.
func (p *printer) word(x Expr) {
	n, ok := x.(*Name)
	if !ok || needsBrackets(n.Text) && (words[n.Text] == plainWord && !ambiguous[n.Text] || words[n.Text] == columnWord) ||
		ok && (strings.EqualFold(n.Text, "true") || strings.EqualFold(n.Text, "false")) || ok && n.Text == "hint" {
		p.expr(x)
		return
	}
	p.write(n.Text)
}

func (p *printer) properties(list []*Param) {
	p.write("(")
	for i, o := range list {
		if i > 0 {
			p.write(", ")
		}
		p.property(o)
	}
	p.write(")")
}

// property writes "name=value", where any word may be the name.
func (p *printer) property(o *Param) {
	if _, word := words[o.Name.Text]; word {
		p.write(o.Name.Text)
	} else {
		p.name(o.Name)
	}
	p.write("=")
	p.paramValue(o)
}

func (p *printer) literal(x *Literal) {
	text := x.Written
	if text == "" || x.Type == TypeString || x.Type == TypeBool && !x.Null {
		text = literalText(x)
	}
	// A sign before a number is an operator where expressions stand.
	if c := text[0]; (c == '-' || c == '+') && !p.values && text != "-9223372036854775808" {
		text = x.Type.String() + "(" + text + ")"
	}
	p.write(text)
}

// literalText writes a value as it is usually written.
func literalText(x *Literal) string {
	if x.Null {
		if x.Type == TypeDynamic {
			return "null"
		}
		return x.Type.String() + "(null)"
	}
	switch x.Type {
	case TypeBool:
		return strconv.FormatBool(x.Bool)
	case TypeInt:
		return "int(" + strconv.FormatInt(x.Int, 10) + ")"
	case TypeLong:
		return strconv.FormatInt(x.Int, 10)
	case TypeReal:
		return realText(x.Real)
	case TypeDateTime:
		return dateTimeText(x.Int)
	case TypeTimespan:
		return timespanText(x.Int)
	case TypeString:
		return quoteString(x.Str, x.Form, x.Hidden, '"')
	case TypeDecimal, TypeGuid:
		return x.Type.String() + "(" + x.Str + ")"
	case TypeUnknown, TypeDynamic:
	}
	return "?"
}

func realText(x float64) string {
	switch {
	case math.IsNaN(x):
		return "real(nan)"
	case math.IsInf(x, 1):
		return "real(+inf)"
	case math.IsInf(x, -1):
		return "real(-inf)"
	}
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func dateTimeText(ticks int64) string {
	t := time.Unix((ticks-unixEpochTicks)/ticksPerSecond, (ticks-unixEpochTicks)%ticksPerSecond*100).UTC()
	switch {
	case ticks%ticksPerDay == 0:
		return t.Format("datetime(2006-01-02)")
	case ticks%ticksPerSecond == 0:
		return t.Format("datetime(2006-01-02 15:04:05)")
	}
	return t.Format("datetime(2006-01-02 15:04:05.0000000)")
}

// timespanText writes a length in the largest unit that it is whole in.
func timespanText(ticks int64) string {
	if ticks < 0 {
		if ticks == math.MinInt64 {
			return "timespan(min)"
		}
		return "-" + timespanText(-ticks)
	}
	for _, u := range []struct {
		ticks int64
		unit  string
	}{
		{ticksPerDay, "d"},
		{ticksPerHour, "h"},
		{ticksPerMinute, "m"},
		{ticksPerSecond, "s"},
		{ticksPerMilli, "ms"},
		{ticksPerMicro, "microsecond"},
	} {
		if ticks%u.ticks == 0 && (ticks > 0 || u.unit == "s") {
			return strconv.FormatInt(ticks/u.ticks, 10) + u.unit
		}
	}
	return strconv.FormatInt(ticks, 10) + "tick"
}

// quoteString writes a string in a form, or in a plainer one where the form cannot hold it. The quote is prefer, unless
// the string has that one and not the other.
func quoteString(s string, form StringForm, hidden bool, prefer byte) string {
	prefix := ""
	if hidden {
		prefix = "h"
	}
	quote, other := string(prefer), "'"
	if prefer == '\'' {
		other = `"`
	}
	if strings.Contains(s, quote) && !strings.Contains(s, other) {
		quote = other
	}
	switch form {
	case StringMultiline:
		for _, c := range []string{"`", "~"} {
			if !strings.Contains(s, c+c+c) && !strings.HasSuffix(s, c) {
				return prefix + c + c + c + s + c + c + c
			}
		}
	case StringVerbatim:
		if !strings.ContainsAny(s, "\r\n") {
			return prefix + "@" + quote + strings.ReplaceAll(s, quote, quote+quote) + quote
		}
	case StringPlain:
	}
	var b strings.Builder
	b.WriteString(prefix + quote)
	for i := range len(s) {
		switch c := s[i]; {
		case c == quote[0] || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7F:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(quote)
	return b.String()
}
