package kql

import (
	"slices"
	"strings"
)

// operators are the words of the tabular operators.
var operators = buildSet(`where filter extend project project-away project-keep project-rename project-reorder project-by-names summarize distinct count sort order top
	top-nested top-hitters take limit sample sample-distinct join lookup union mv-expand mvexpand mv-apply mvapply parse parse-where parse-kv make-series
	evaluate serialize as invoke getschema assert-schema consume render reduce partition fork facet scan print range search find`)

// reader gives the method that reads what follows the word of an operator, whose first byte it is given.
func (p *parser) reader(word string) func(p *parser, from int) Operator { //nolint:funlen // a switch over a closed set
	switch word {
	case "where", "filter":
		return (*parser).where
	case "extend":
		return (*parser).extend
	case "project":
		return (*parser).project
	case "project-away":
		return (*parser).projectAway
	case "project-keep":
		return (*parser).projectKeep
	case "project-rename":
		return (*parser).projectRename
	case "project-reorder":
		return (*parser).projectReorder
	case "project-by-names":
		return (*parser).projectByNames
	case "summarize":
		return (*parser).summarize
	case "distinct":
		return (*parser).distinct
	case "count":
		return (*parser).count
	case "sort", "order":
		return (*parser).sort
	case "top":
		return (*parser).top
	case "top-nested":
		return (*parser).topNested
	case "top-hitters":
		return (*parser).topHitters
	case "take", "limit":
		return (*parser).take
	case "sample":
		return (*parser).sample
	case "sample-distinct":
		return (*parser).sampleDistinct
	case "join":
		return (*parser).join
	case "lookup":
		return (*parser).lookup
	case "union":
		return (*parser).union
	case "mv-expand", "mvexpand":
		return (*parser).mvExpand
	case "mv-apply", "mvapply":
		return (*parser).mvApply
	case "parse":
		return (*parser).parse
	case "parse-where":
		return (*parser).parseWhere
	case "parse-kv":
		return (*parser).parseKv
	case "make-series":
		return (*parser).makeSeries
	case "evaluate":
		return (*parser).evaluate
	case "serialize":
		return (*parser).serialize
	case "as":
		return (*parser).as
	case "invoke":
		return (*parser).invoke
	case "getschema":
		return (*parser).getSchema
	case "assert-schema":
		return (*parser).assertSchema
	case "consume":
		return (*parser).consume
	case "render":
		return (*parser).render
	case "reduce":
		return (*parser).reduce
	case "partition":
		return (*parser).partition
	case "fork":
		return (*parser).fork
	case "facet":
		return (*parser).facet
	case "scan":
		return (*parser).scan
	case "print":
		return (*parser).print
	case "range":
		return (*parser).rangeOp
	case "search":
		return (*parser).search
	case "find":
		return (*parser).find
	}
	panic("BUG: no reader of " + word)
}

// place says where in a pipe an operator may stand.
type place uint8

const (
	onlyAfter place = iota // it needs a table before it
	onlyFirst
	anywhere
)

// operatorPlaces are the places of those operators that may come first.
var operatorPlaces = map[string]place{
	"print": onlyFirst, "range": onlyFirst, "union": anywhere, "search": anywhere, "find": onlyFirst,
	"evaluate": anywhere,
}

// unsupportedOperators are those of the language that make no sense for tables of logs.
var unsupportedOperators = buildSet(`make-graph graph-match graph-shortest-paths graph-to-table graph-mark-components
	graph-where-nodes graph-where-edges macro-expand __executeAndCache __partitionby`)

// beginsOperator reports whether the word here is an operator rather than a name. Some operators' words may be names,
// and what follows tells.
func (p *parser) beginsOperator() bool {
	t := p.tok()
	if t.kind != tokWord {
		return false
	}
	text := p.text(t)
	if unsupportedOperators[text] && t.class > nameWord {
		return true
	}
	if _, ok := operators[text]; !ok {
		return false
	}
	if t.class > nameWord {
		return true
	}
	next := p.ahead(1)
	switch text {
	case "evaluate":
		return p.nameLen(1, false) > 0 || next.kind == tokWord && paramNames[p.text(next)]
	case "facet":
		return p.isWord(1, "by")
	case "partition", "reduce":
		return p.isWord(1, "by") || next.kind == tokWord && paramNames[p.text(next)] && p.ahead(2).kind == tokAssign
	case "range":
		n := p.nameLen(1, false)
		return n > 0 && p.isWord(1+n, "from")
	case "render":
		return next.kind == tokWord && next.class <= nameWord || next.kind == tokWord && chartTypes[p.text(next)]
	}
	// At the beginning of a query such a word is a name where that makes sense, as in "count | take 1".
	switch next.kind {
	case tokWord:
		return next.class <= nameWord || p.text(next) == "by"
	case tokString, tokLong, tokReal, tokTyped:
		return true
	default:
		return false
	}
}

// The properties that stand behind the with of operators.
var (
	parseKvParams = buildSet(`pair_delimiter kv_delimiter regex quote escape greedy`)
	reduceParams  = buildSet(`threshold characters`)
	renderParams  = buildSet(`kind title accumulate xcolumn ycolumns anomalycolumns series xtitle ytitle xaxis yaxis legend
		ysplit ymin ymax xmin xmax`)
)

var chartTypes = buildSet(`table list barchart piechart ladderchart timechart linechart anomalychart pivotchart areachart
	stackedareachart scatterchart timepivot columnchart timeline 3Dchart card treemap plotly graph sankey`)

// operator reads an operator. first says that no table stands before it, sub that it is handed one all the same.
func (p *parser) operator(first, sub bool) Operator {
	t := p.tok()
	from := int(t.from)
	if t.kind != tokWord {
		if first && sub {
			p.fail(CodeExpected, "expected an operator, found "+p.here(), "a sub-query begins with an operator, as (where …)")
		} else {
			p.fail(CodeExpected, "expected an operator, found "+p.here(), p.assignHint())
		}
		if !p.atEnd() {
			p.skipOperator()
		}
		return &BadOperator{p.since(from), ""}
	}
	text := p.text(t)
	if unsupportedOperators[text] {
		p.fail(CodeUnsupported, "the operator "+text+" is not supported", "")
		p.skipToBar()
		return &BadOperator{p.since(from), text}
	}
	ok := operators[text]
	if ok && (text == "count" || text == "range") && p.ahead(1).kind == tokOpenParen {
		ok = false
	}
	if !ok {
		if text = p.mistyped(text, first && sub); text == "" {
			p.skipOperator()
			return &BadOperator{p.since(from), p.text(t)}
		}
	} else {
		p.checkPlace(text, first, sub)
	}
	p.advance(1)
	return p.reader(text)(p, from)
}

// mistyped reports an unknown operator, and gives the one it was most likely meant to be, or "".
func (p *parser) mistyped(text string, beginsSub bool) string {
	best := closest(text, operators)
	if best == "" && beginsSub {
		p.fail(CodeOperator, "unknown operator "+p.here(), "a sub-query begins with an operator, as (where …)")
		return ""
	}
	if meant, ok := foreignOperators[text]; ok && best == "" {
		p.fail(CodeOperator, "unknown operator “"+text+"”", meant)
		return ""
	}
	if best == "" {
		p.fail(CodeOperator, "unknown operator "+p.here(), "")
		return ""
	}
	p.fail(CodeOperator, "unknown operator "+p.here(), "did you mean "+best+"?")
	return best
}

// foreignOperators are words of other languages.
var foreignOperators = map[string]string{
	"select": "write project", "SELECT": "write project", "group": "write summarize … by", "head": "write take",
	"stats": "write summarize", "table": "write project", "eval": "write extend", "dedup": "write distinct",
	"fields": "write project", "rename": "write project-rename", "HAVING": "write where after summarize",
	"having": "write where after summarize", "rex": "write parse or extend x = extract(…)",
}

func (p *parser) checkPlace(text string, first, sub bool) {
	at := operatorPlaces[text]
	switch {
	case first && !sub && at == onlyAfter:
		p.fail(CodeFirst, text+" needs a table before it", "write Table | "+text+" …")
	case !first && at == onlyFirst:
		p.fail(CodeNotFirst, text+" must be the first operator", "")
	}
}

func (p *parser) namedList(need bool, stop func() bool) []Expr {
	var list []Expr
	p.list(need, stop, func() { list = append(list, p.named()) })
	return list
}

func (p *parser) stopWord(words ...string) func() bool {
	return func() bool {
		t := p.tok()
		return t.kind == tokWord && slices.Contains(words, p.text(t))
	}
}

func (p *parser) where(from int) Operator {
	w := &Where{Params: p.params(false)}
	w.Pred = p.named()
	if n, ok := w.Pred.(*Named); ok && p.lastErr != p.pos {
		at := n.Names[len(n.Names)-1].To
		at += strings.IndexByte(p.src[at:], '=')
		p.report(CodeUnexpected, Span{at, at + 1}, "= gives a name, and where has no use for one", "to compare, write ==")
	}
	w.Span = p.since(from)
	return w
}

func (p *parser) extend(from int) Operator {
	cols := p.namedList(true, nil)
	return &Extend{p.since(from), cols}
}

func (p *parser) project(from int) Operator {
	cols := p.namedList(false, nil)
	return &Project{p.since(from), cols}
}

func (p *parser) projectRename(from int) Operator {
	cols := p.namedList(false, nil)
	return &ProjectRename{p.since(from), cols}
}

func (p *parser) projectByNames(from int) Operator {
	var cols []Expr
	p.list(false, nil, func() { cols = append(cols, p.expr()) })
	return &ProjectByNames{p.since(from), cols}
}

func (p *parser) serialize(from int) Operator {
	s := &Serialize{Params: p.params(false)}
	s.Cols = p.namedList(false, nil)
	s.Span = p.since(from)
	return s
}

func (p *parser) print(from int) Operator {
	cols := p.namedList(true, nil)
	return &Print{p.since(from), cols}
}

// nameOrWildcard reads a column of project-away and its like.
func (p *parser) nameOrWildcard() Expr {
	if n := p.wildcardLen(0); n > 0 {
		return p.wildcard(n)
	}
	if n := p.nameLen(0, false); n > 0 {
		return p.name(n)
	}
	return p.declaredName(false)
}

func (p *parser) nameList() []Expr {
	var list []Expr
	p.list(false, nil, func() { list = append(list, p.nameOrWildcard()) })
	return list
}

func (p *parser) projectAway(from int) Operator {
	cols := p.nameList()
	return &ProjectAway{p.since(from), cols}
}

func (p *parser) projectKeep(from int) Operator {
	cols := p.nameList()
	return &ProjectKeep{p.since(from), cols}
}

func (p *parser) projectReorder(from int) Operator {
	var cols []*SortKey
	p.list(false, nil, func() {
		at := p.from()
		k := &SortKey{X: p.nameOrWildcard()}
		k.Order = p.order()
		k.Span = p.since(at)
		cols = append(cols, k)
	})
	return &ProjectReorder{p.since(from), cols}
}

func (p *parser) order() Order {
	for _, o := range []Order{OrderAsc, OrderDesc, OrderGrannyAsc, OrderGrannyDesc} {
		if p.acceptWord(o.String()) {
			return o
		}
	}
	return OrderDefault
}

func (p *parser) sortKey() *SortKey {
	at := p.from()
	k := &SortKey{X: p.named()}
	k.Order = p.order()
	if p.acceptWord("nulls") {
		switch {
		case p.acceptWord("first"):
			k.Nulls = NullsFirst
		case p.acceptWord("last"):
			k.Nulls = NullsLast
		default:
			p.fail(CodeExpected, "expected first or last, found "+p.here(), "")
		}
	}
	k.Span = p.since(at)
	return k
}

func (p *parser) sortKeys(stop func() bool) []*SortKey {
	var keys []*SortKey
	p.list(true, stop, func() { keys = append(keys, p.sortKey()) })
	return keys
}

func (p *parser) sort(from int) Operator {
	s := &Sort{Params: p.params(true)}
	p.expectWord("by")
	s.Keys = p.sortKeys(nil)
	s.Span = p.since(from)
	return s
}

func (p *parser) summarize(from int) Operator {
	s := &Summarize{Params: p.params(false)}
	s.Aggs = p.namedList(false, p.stopWord("by"))
	if p.acceptWord("by") {
		legacy := func() bool {
			k := p.ahead(2).kind
			return p.isWord(0, "bin") && p.ahead(1).kind == tokAssign &&
				(k == tokLong || k == tokReal || k == tokTimespan || k == tokTyped)
		}
		s.By = p.namedList(true, legacy)
		if legacy() {
			p.advance(2)
			s.Bin = p.expr()
		}
	}
	s.Span = p.since(from)
	return s
}

func (p *parser) distinct(from int) Operator {
	d := &Distinct{Params: p.params(false)}
	p.list(true, nil, func() {
		if p.kind() == tokStar {
			d.Cols = append(d.Cols, &Star{p.next().span()})
			return
		}
		d.Cols = append(d.Cols, p.named())
	})
	d.Span = p.since(from)
	return d
}

func (p *parser) count(from int) Operator {
	c := &Count{}
	if p.acceptWord("as") {
		c.As = p.declaredName(false)
	}
	c.Span = p.since(from)
	return c
}

func (p *parser) top(from int) Operator {
	t := &Top{Params: p.params(false), N: p.named()}
	p.expectWord("by")
	t.Key = p.sortKey()
	t.Span = p.since(from)
	return t
}

func (p *parser) topHitters(from int) Operator {
	t := &TopHitters{N: p.named()}
	p.expectWord("of")
	t.Of = p.named()
	if p.acceptWord("by") {
		t.By = p.named()
	}
	t.Span = p.since(from)
	return t
}

func (p *parser) topNested(from int) Operator {
	t := &TopNested{}
	first := true
	p.list(true, nil, func() {
		at := from
		if !first {
			at = p.from()
			p.expectWord("top-nested")
		}
		first = false
		c := &TopNestedClause{}
		if !p.isWord(0, "of") {
			c.N = p.named()
		}
		p.expectWord("of")
		c.Of = p.named()
		if p.acceptWord("with") {
			p.expectWord("others")
			p.expect(tokAssign, "=")
			c.Others = p.expr()
		}
		p.expectWord("by")
		c.By = p.sortKey()
		c.Span = p.since(at)
		t.Clauses = append(t.Clauses, c)
	})
	t.Span = p.since(from)
	return t
}

func (p *parser) take(from int) Operator {
	t := &Take{Params: p.params(false), N: p.named()}
	t.Span = p.since(from)
	return t
}

func (p *parser) sample(from int) Operator {
	s := &Sample{Params: p.params(false), N: p.named()}
	s.Span = p.since(from)
	return s
}

func (p *parser) sampleDistinct(from int) Operator {
	s := &SampleDistinct{Params: p.params(false), N: p.named()}
	p.expectWord("of")
	s.Of = p.named()
	s.Span = p.since(from)
	return s
}

// on reads the conditions of join and lookup after their word.
func (p *parser) on() []Expr {
	var list []Expr
	p.list(true, nil, func() {
		x := p.expr()
		if p.kind() == tokAssign {
			p.fail(CodeUnexpected, "unexpected =", "to compare, write ==")
			p.advance(1)
			y := p.expr()
			x = p.binary(OpEq, &p.toks[p.pos-1], x, y)
		}
		list = append(list, x)
	})
	return list
}

func (p *parser) join(from int) Operator {
	j := &Join{Params: p.params(true), Right: p.expr()}
	switch {
	case p.acceptWord("on"):
		j.On = p.on()
	case p.isWord(0, "where") && !p.tok().line:
		p.advance(1)
		j.Where = p.expr()
	default:
		p.fail(CodeExpected, "expected on, found "+p.here(), "write on Column, or on $left.A == $right.B")
	}
	j.Span = p.since(from)
	return j
}

func (p *parser) lookup(from int) Operator {
	l := &Lookup{Params: p.params(true), Right: p.expr()}
	if p.expectWord("on") {
		l.On = p.on()
	}
	l.Span = p.since(from)
	return l
}

// table reads a table of union, search and find: a name with stars, a path, a call, or an expression in parentheses.
func (p *parser) table() Expr {
	if p.kind() == tokOpenParen {
		return p.paren()
	}
	if n := p.wildcardLen(0); n > 0 {
		return p.wildcard(n)
	}
	from := p.from()
	var x Expr
	if n := p.callNameLen(); n > 0 {
		x = p.call(n)
	} else if x = p.reference(); x == nil {
		if p.kind() == tokOpenBracket && p.wildcardLen(1) > 0 {
			return p.primary()
		}
		return p.missing("a table")
	}
	for {
		switch p.kind() {
		case tokDot:
			p.advance(1)
			if n := p.wildcardLen(0); n > 0 {
				w := p.wildcard(n)
				return &Path{p.since(from), x, w}
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

func (p *parser) union(from int) Operator {
	u := &Union{Params: p.params(true)}
	p.list(true, nil, func() { u.Tables = append(u.Tables, p.table()) })
	u.Span = p.since(from)
	return u
}

func (p *parser) toTypeOf() *TypeOf {
	if !p.acceptWord("to") {
		return nil
	}
	if p.isWord(0, "typeof") && p.ahead(1).kind == tokOpenParen {
		t, ok := p.typeOf().(*TypeOf)
		if !ok {
			panic("BUG: typeof is no TypeOf")
		}
		return t
	}
	p.fail(CodeExpected, "expected typeof(…), found "+p.here(), "")
	return nil
}

func (p *parser) mvColumn() *MvColumn {
	from := p.from()
	c := &MvColumn{X: p.named()}
	c.Type = p.toTypeOf()
	c.Span = p.since(from)
	return c
}

func (p *parser) mvExpand(from int) Operator {
	m := &MvExpand{Params: p.params(false)}
	p.list(true, p.stopWord("limit"), func() { m.Cols = append(m.Cols, p.mvColumn()) })
	if p.acceptWord("limit") {
		m.Limit = p.expr()
	}
	m.Span = p.since(from)
	return m
}

func (p *parser) mvApply(from int) Operator {
	m := &MvApply{Params: p.params(false)}
	stop := func() bool {
		t := p.tok()
		if t.kind != tokWord || !slices.Contains([]string{"limit", "id", "on"}, p.text(t)) {
			return false
		}
		k := p.ahead(1).kind
		return k != tokComma && k != tokAssign && !p.isWord(1, "to")
	}
	if p.isWord(0, "to") {
		at := p.from()
		t := p.toTypeOf()
		m.Cols = append(m.Cols, &MvColumn{p.since(at), nil, t})
	} else {
		p.list(true, stop, func() { m.Cols = append(m.Cols, p.mvColumn()) })
	}
	if p.acceptWord("limit") {
		m.Limit = p.expr()
	}
	if p.acceptWord("id") {
		m.ID = p.expr()
	}
	p.expectWord("on")
	m.Sub = p.subQuery()
	m.Span = p.since(from)
	return m
}

// subQuery reads "(op | op …)".
func (p *parser) subQuery() Expr {
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		return &BadExpr{Span{int(open.from), int(open.from)}}
	}
	var x Expr = &BadExpr{open.span()}
	if p.enter() {
		x = p.pipe(true)
	}
	p.leave()
	p.closeWith(tokCloseParen, open)
	return x
}

func (p *parser) parse(from int) Operator      { return p.parsePattern(from, false) }
func (p *parser) parseWhere(from int) Operator { return p.parsePattern(from, true) }

func (p *parser) parsePattern(from int, where bool) Operator {
	o := &ParseOp{Where: where, Params: p.params(true, "flags"), X: p.expr()}
	p.expectWord("with")
	for {
		at := p.from()
		part := &ParsePart{}
		n := p.nameLen(0, true)
		switch {
		case p.accept(tokStar):
			part.Star = true
		case p.kind() == tokString:
			part.Text = p.stringLiteral()
		case n > 0 && (!p.tok().line || !p.beginsLine(p.pos)):
			part.Name = p.name(n)
			if p.accept(tokColon) {
				part.Type = p.typeName(typeNames)
			}
		default:
			if len(o.Pattern) == 0 {
				p.fail(CodeExpected, "expected a pattern, found "+p.here(), `a pattern is of stars, texts and columns: * "a=" a:long`)
			}
			o.Span = p.since(from)
			return o
		}
		part.Span = p.since(at)
		o.Pattern = append(o.Pattern, part)
	}
}

func (p *parser) parseKv(from int) Operator {
	o := &ParseKv{X: p.expr()}
	p.expectWord("as")
	o.Columns = p.columnDecls()
	if p.acceptWord("with") {
		o.With = p.properties(parseKvParams)
	}
	o.Span = p.since(from)
	return o
}

func (p *parser) makeSeries(from int) Operator {
	m := &MakeSeries{Params: p.params(false)}
	p.list(true, p.stopWord("on", "from", "in"), func() {
		at := p.from()
		a := &SeriesAgg{X: p.named()}
		if p.isWord(0, "default") {
			p.advance(1)
			p.expect(tokAssign, "=")
			a.Default = p.named()
		}
		a.Span = p.since(at)
		m.Aggs = append(m.Aggs, a)
	})
	p.expectWord("on")
	m.On = p.named()
	p.seriesRange(m)
	if p.acceptWord("by") {
		m.By = p.namedList(true, nil)
	}
	m.Span = p.since(from)
	return m
}

// seriesRange reads "from x to y step z" or "in range(x, y, z)".
func (p *parser) seriesRange(m *MakeSeries) {
	if p.acceptWord("in") {
		p.expectWord("range")
		open := p.tok()
		if p.expect(tokOpenParen, "(") {
			if p.enter() {
				m.InRange = p.namedList(true, nil)
			}
			p.leave()
			p.closeWith(tokCloseParen, open)
		}
		return
	}
	if p.acceptWord("from") {
		m.From = p.expr()
	}
	if p.acceptWord("to") {
		m.To = p.expr()
	}
	if p.expectWord("step") {
		m.Step = p.expr()
	} else {
		m.Step = &BadExpr{Span{p.from(), p.from()}}
	}
}

func (p *parser) evaluate(from int) Operator {
	e := &Evaluate{Params: p.params(true)}
	if n := p.callNameLen(); n > 0 {
		e.Call = p.call(n)
	} else {
		e.Call = &Call{Func: p.declaredName(false)}
		e.Call.Span = e.Call.Func.Span
		p.fail(CodeExpected, "expected (, found "+p.here(), "evaluate takes a call: evaluate bag_unpack(x)")
	}
	if p.accept(tokColon) {
		p.evaluateSchema(e)
	}
	e.Span = p.since(from)
	return e
}

func (p *parser) evaluateSchema(e *Evaluate) {
	e.Schema = true
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		return
	}
	p.accept(tokComma)
	if p.accept(tokStar) {
		e.Star = true
		p.accept(tokComma)
	}
	p.trailingList(func() { e.Columns = append(e.Columns, p.columnDecl()) })
	p.closeWith(tokCloseParen, open)
}

func (p *parser) as(from int) Operator {
	a := &As{Params: p.params(false)}
	a.Name = p.declaredName(false)
	a.Span = p.since(from)
	return a
}

func (p *parser) invoke(from int) Operator {
	i := &Invoke{}
	at := p.from()
	n := p.callNameLen()
	if n == 0 {
		i.Call = p.missing("a call")
	} else {
		i.Call = p.call(n)
		for p.kind() == tokDot {
			if p.advance(1); p.callNameLen() == 0 {
				p.missing("a call")
				break
			}
			sel := p.call(p.callNameLen())
			i.Call = &Path{p.since(at), i.Call, sel}
		}
	}
	i.Span = p.since(from)
	return i
}

func (p *parser) getSchema(from int) Operator {
	g := &GetSchema{Params: p.params(true)}
	g.Span = p.since(from)
	return g
}

func (p *parser) assertSchema(from int) Operator {
	cols := p.columnDecls()
	return &AssertSchema{p.since(from), cols}
}

func (p *parser) consume(from int) Operator {
	c := &Consume{Params: p.params(true)}
	c.Span = p.since(from)
	return c
}

func (p *parser) reduce(from int) Operator {
	r := &Reduce{Params: p.params(true)}
	p.expectWord("by")
	r.By = p.named()
	if p.acceptWord("with") {
		p.list(true, nil, func() {
			at := p.from()
			name := p.propertyName(reduceParams)
			p.expect(tokAssign, "=")
			v := p.paramValue()
			r.With = append(r.With, &Param{p.since(at), name, v, nil})
		})
	}
	r.Span = p.since(from)
	return r
}

// simplePath reads a path without calls, as of partition and facet.
func (p *parser) simplePath() Expr {
	from := p.from()
	x := p.reference()
	if x == nil {
		return p.missing("a column")
	}
	for {
		switch p.kind() {
		case tokDot:
			p.advance(1)
			sel := p.reference()
			if sel == nil {
				sel = p.declaredName(false)
			}
			x = &Path{p.since(from), x, sel}
		case tokOpenBracket:
			x = p.element(from, x)
		default:
			return x
		}
	}
}

func (p *parser) partition(from int) Operator {
	o := &Partition{Params: p.params(true)}
	p.expectWord("by")
	o.By = p.simplePath()
	if p.acceptWord("in") {
		if n := p.callNameLen(); n > 0 {
			o.In = p.call(n)
		} else if o.In = p.literal(); o.In == nil {
			o.In = p.missing("dynamic(…)")
		}
	}
	open := p.tok()
	if p.accept(tokOpenBrace) {
		o.Braces = true
		o.Sub = &BadExpr{open.span()}
		if p.enter() {
			o.Sub = p.pipe(false)
		}
		p.leave()
		p.closeWith(tokCloseBrace, open)
	} else {
		o.Sub = p.subQuery()
	}
	o.Span = p.since(from)
	return o
}

func (p *parser) fork(from int) Operator {
	f := &Fork{}
	for {
		at := p.from()
		b := &ForkBranch{}
		n := p.nameLen(0, false)
		switch {
		case n > 0 && p.ahead(n).kind == tokAssign:
			b.Name = p.name(n)
			p.advance(1)
		case p.kind() != tokOpenParen:
			if len(f.Branches) == 0 {
				p.expect(tokOpenParen, "(")
			}
			f.Span = p.since(from)
			return f
		}
		b.Sub = p.forkQuery()
		b.Span = p.since(at)
		f.Branches = append(f.Branches, b)
		if p.stopped {
			f.Span = p.since(from)
			return f
		}
	}
}

// forkQuery reads "(op | op …)" or "(expression)".
func (p *parser) forkQuery() Expr {
	open := p.tok()
	if !p.expect(tokOpenParen, "(") {
		return &BadExpr{Span{int(open.from), int(open.from)}}
	}
	var x Expr = &BadExpr{open.span()}
	if p.enter() {
		x = p.pipe(p.isOperatorWord())
	}
	p.leave()
	p.closeWith(tokCloseParen, open)
	return x
}

func (p *parser) isOperatorWord() bool {
	t := p.tok()
	if t.kind != tokWord {
		return false
	}
	_, ok := operators[p.text(t)]
	return ok
}

func (p *parser) facet(from int) Operator {
	f := &Facet{}
	p.expectWord("by")
	p.list(true, p.stopWord("with"), func() { f.By = append(f.By, p.simplePath()) })
	switch {
	case !p.acceptWord("with"):
	case p.kind() == tokOpenParen:
		f.With = p.subQuery()
	default:
		if p.enter() {
			at := p.from()
			op := p.operator(true, true)
			f.With = &Pipe{p.since(at), nil, []Operator{op}}
		}
		p.leave()
	}
	f.Span = p.since(from)
	return f
}

func (p *parser) scan(from int) Operator {
	s := &Scan{Params: p.params(true)}
	stop := p.stopWord("partition", "order", "by", "declare", "with")
	if p.acceptWord("order") {
		p.expectWord("by")
		s.OrderBy = p.sortKeys(stop)
	}
	if p.acceptWord("partition") {
		p.expectWord("by")
		p.list(true, stop, func() { s.PartitionBy = append(s.PartitionBy, p.expr()) })
	}
	if p.acceptWord("declare") {
		s.Declare = p.funcParams(false)
	}
	p.expectWord("with")
	open := p.tok()
	if p.expect(tokOpenParen, "(") {
		if p.enter() {
			for p.isWord(0, "step") && !p.stopped {
				s.Steps = append(s.Steps, p.scanStep())
			}
		}
		p.leave()
		p.closeWith(tokCloseParen, open)
	}
	s.Span = p.since(from)
	return s
}

func (p *parser) scanStep() *ScanStep {
	from := p.from()
	p.advance(1)
	s := &ScanStep{Name: p.declaredName(true)}
	s.Optional = p.acceptWord("optional")
	if p.acceptWord("output") {
		p.expect(tokAssign, "=")
		t := p.tok()
		if word := p.text(t); t.kind != tokWord || word != "all" && word != "last" && word != "none" {
			p.fail(CodeExpected, "expected all, last or none, found "+p.here(), "")
		} else {
			p.advance(1)
		}
		s.Output = &Name{t.span(), p.text(t)}
	}
	p.expect(tokColon, ":")
	s.Pred = p.expr()
	if p.accept(tokArrow) {
		p.list(true, nil, func() {
			at := p.from()
			name := p.declaredName(true)
			p.expect(tokAssign, "=")
			x := p.expr()
			s.Assign = append(s.Assign, &Named{p.since(at), []*Name{name}, false, x})
		})
	}
	p.expect(tokSemicolon, ";")
	s.Span = p.since(from)
	return s
}

func (p *parser) rangeOp(from int) Operator {
	r := &Range{Name: p.declaredName(false)}
	p.expectWord("from")
	r.From = p.expr()
	p.expectWord("to")
	r.To = p.expr()
	p.expectWord("step")
	r.Step = p.expr()
	r.Span = p.since(from)
	return r
}

// inTables reads "in (T1, T2*)" of search and find.
func (p *parser) inTables() []Expr {
	if !p.acceptWord("in") {
		return nil
	}
	var list []Expr
	open := p.tok()
	if p.expect(tokOpenParen, "(") {
		if p.enter() {
			p.list(true, nil, func() { list = append(list, p.findTable()) })
		}
		p.leave()
		p.closeWith(tokCloseParen, open)
	}
	return list
}

// findTable reads a table of search and find, perhaps with "| as Name".
func (p *parser) findTable() Expr {
	from := p.from()
	x := p.table()
	if p.kind() == tokBar && p.isWord(1, "as") {
		p.advance(1)
		at := p.from()
		p.advance(1)
		op := p.as(at)
		return &Pipe{p.since(from), x, []Operator{op}}
	}
	return x
}

func (p *parser) search(from int) Operator {
	s := &Search{Params: p.params(false)}
	s.Tables = p.inTables()
	s.Pred = p.searchPredicate()
	s.Span = p.since(from)
	return s
}

func (p *parser) searchPredicate() Expr {
	if _, text := p.textOp(1); p.kind() != tokStar || text || p.ahead(1).kind == tokEqual {
		return p.expr()
	}
	var x Expr = &Star{p.next().span()}
	if p.isWord(0, "and") {
		at := p.next()
		x = p.binary(OpAnd, at, x, p.expr())
	}
	return x
}

func (p *parser) find(from int) Operator {
	f := &Find{}
	if p.isWord(0, "datascope") && p.ahead(1).kind == tokAssign {
		p.fail(CodeUnsupported, "datascope is not supported", "")
		p.advance(2)
		p.next()
	}
	f.Params = p.params(true)
	f.Tables = p.inTables()
	if len(f.Params) > 0 || f.Tables != nil {
		p.expectWord("where")
	} else {
		p.acceptWord("where")
	}
	f.Pred = p.expr()
	switch {
	case p.acceptWord("project-smart"):
		f.Smart = true
	case p.acceptWord("project"):
		f.Project = p.findColumns()
	}
	if p.acceptWord("__projectAway") {
		f.Away = p.findColumns()
	}
	f.Span = p.since(from)
	return f
}

func (p *parser) findColumns() []*FindColumn {
	var list []*FindColumn
	p.list(true, nil, func() {
		at := p.from()
		c := &FindColumn{}
		switch {
		case p.accept(tokStar):
			c.Star = true
		case p.isWord(0, "pack") && p.ahead(1).kind == tokOpenParen:
			p.advance(1)
			open := p.next()
			p.expect(tokStar, "*")
			p.closeWith(tokCloseParen, open)
			c.Pack = true
		default:
			c.Name = p.declaredName(false)
			if p.accept(tokColon) {
				c.Type = p.typeName(typeNames)
			}
		}
		c.Span = p.since(at)
		list = append(list, c)
	})
	return list
}

func (p *parser) render(from int) Operator {
	r := &Render{}
	t := p.tok()
	if t.kind == tokWord {
		p.advance(1)
		r.Chart = &Name{t.span(), p.text(t)}
	} else {
		p.fail(CodeExpected, "expected a kind of chart, found "+p.here(), "")
		r.Chart = &Name{Span: Span{int(t.from), int(t.from)}}
	}
	r.Params = p.oldRenderParams()
	if p.acceptWord("with") {
		open := p.tok()
		if p.expect(tokOpenParen, "(") {
			p.accept(tokComma)
			p.list(false, nil, func() { r.With = append(r.With, p.renderParam()) })
			p.closeWith(tokCloseParen, open)
		}
	}
	r.Span = p.since(from)
	return r
}

// renderParam reads "name=value", where a list of columns goes on until the next name before =.
func (p *parser) renderParam() *Param {
	at := p.from()
	o := &Param{Name: p.propertyName(renderParams)}
	p.expect(tokAssign, "=")
	o.Value = p.renderValue(o.Name.Text)
	switch o.Name.Text {
	case "ycolumns", "series", "anomalycolumns":
		for p.kind() == tokComma && p.nameLen(1, true) > 0 && p.ahead(1+p.nameLen(1, true)).kind != tokAssign {
			p.advance(1)
			o.Values = append(o.Values, p.name(p.nameLen(0, true)))
		}
	}
	o.Span = p.since(at)
	return o
}

func (p *parser) renderValue(name string) Expr {
	if name == "title" || name == "xtitle" || name == "ytitle" {
		return p.postfix()
	}
	return p.paramValue()
}

// oldRenderParams reads the obsolete "kind=stacked title='a' by x, y".
func (p *parser) oldRenderParams() []*Param {
	var list []*Param
	for {
		t := p.tok()
		if t.kind != tokWord {
			return list
		}
		from := int(t.from)
		text := p.text(t)
		o := &Param{Name: &Name{t.span(), text}}
		switch {
		case (text == "kind" || text == "title" || text == "accumulate") && p.ahead(1).kind == tokAssign:
			p.advance(2)
			o.Value = p.renderValue(text)
		case text == "with" && p.ahead(1).kind != tokOpenParen:
			p.advance(1)
			o.Value = p.paramValue()
		case text == "by":
			p.advance(1)
			var names []Expr
			p.list(true, p.stopWord("kind", "title", "accumulate", "with", "by"), func() { names = append(names, p.declaredName(true)) })
			o.Value, o.Values = names[0], names[1:]
		default:
			return list
		}
		o.Span = p.since(from)
		list = append(list, o)
	}
}
