package kql

// operator writes an operator after its "| ".
func (p *printer) operator(op Operator) {
	p.group(op.Range(), func() {
		p.write(op.keyword())
		p.indented(func() { p.operands(op) })
	})
}

// operands writes what stands behind the word of an operator.
func (p *printer) operands(op Operator) { //nolint:funlen // a switch over a closed set
	switch o := op.(type) {
	case *Where:
		p.params(o.Params)
		p.spaced(o.Pred)
	case *Extend:
		p.cols(o.Cols)
	case *Project:
		p.cols(o.Cols)
	case *ProjectAway:
		p.cols(o.Cols)
	case *ProjectKeep:
		p.cols(o.Cols)
	case *ProjectRename:
		p.cols(o.Cols)
	case *ProjectReorder:
		p.keys(o.Cols)
	case *ProjectByNames:
		p.cols(o.Cols)
	case *Summarize:
		p.params(o.Params)
		p.cols(o.Aggs)
		p.byCols(o.By, len(o.Aggs) > 0)
		if o.Bin != nil {
			p.write(" bin=")
			p.values = true
			p.expr(o.Bin)
			p.values = false
		}
	case *Distinct:
		p.params(o.Params)
		p.cols(o.Cols)
	case *Count:
		if o.As != nil {
			p.write(" as ")
			p.name(o.As)
		}
	case *Sort:
		p.params(o.Params)
		p.write(" by")
		p.keys(o.Keys)
	case *Top:
		p.params(o.Params)
		p.spaced(o.N)
		p.write(" by ")
		p.key(o.Key)
	case *TopNested:
		p.topNested(o)
	case *TopHitters:
		p.spaced(o.N)
		p.write(" of ")
		p.expr(o.Of)
		if o.By != nil {
			p.write(" by ")
			p.expr(o.By)
		}
	case *Take:
		p.params(o.Params)
		p.spaced(o.N)
	case *Sample:
		p.params(o.Params)
		p.spaced(o.N)
	case *SampleDistinct:
		p.params(o.Params)
		p.spaced(o.N)
		p.write(" of ")
		p.expr(o.Of)
	case *Join:
		p.join(o.Params, o.Right, o.On, o.Where)
	case *Lookup:
		p.join(o.Params, o.Right, o.On, nil)
	case *Union:
		p.params(o.Params)
		p.cols(o.Tables)
	case *MvExpand:
		p.params(o.Params)
		p.mvCols(o.Cols)
		p.clause(" limit ", o.Limit)
	case *MvApply:
		p.mvApply(o)
	case *ParseOp:
		p.parse(o)
	case *ParseKv:
		p.spaced(o.X)
		p.write(" as ")
		p.columns(o.Columns)
		p.with(o.With)
	case *MakeSeries:
		p.makeSeries(o)
	case *Evaluate:
		p.params(o.Params)
		p.write(" ")
		p.call(o.Call)
		p.schema(o)
	case *Serialize:
		p.params(o.Params)
		p.cols(o.Cols)
	case *As:
		p.params(o.Params)
		p.write(" ")
		p.name(o.Name)
	case *Invoke:
		p.spaced(o.Call)
	case *GetSchema:
		p.params(o.Params)
	case *AssertSchema:
		p.write(" ")
		p.columns(o.Columns)
	case *Consume:
		p.params(o.Params)
	case *Render:
		p.render(o)
	case *Reduce:
		p.params(o.Params)
		p.write(" by ")
		p.expr(o.By)
		p.reduceWith(o.With)
	case *Partition:
		p.partition(o)
	case *Fork:
		p.fork(o)
	case *Facet:
		p.write(" by")
		p.cols(o.By)
		if o.With != nil {
			p.soft(" ", o.With.Range().From)
			p.sub("with (", o.With, ")", o.With.Range())
		}
	case *Scan:
		p.scan(o)
	case *Print:
		p.cols(o.Cols)
	case *Range:
		p.write(" ")
		p.name(o.Name)
		p.clause(" from ", o.From)
		p.clause(" to ", o.To)
		p.clause(" step ", o.Step)
	case *Search:
		p.params(o.Params)
		p.inTables(o.Tables)
		p.spaced(o.Pred)
	case *Find:
		p.find(o)
	case *BadOperator:
		p.write("?")
	}
}

// spaced writes the one operand of an operator. What is broken within stands one level below the operator, not two.
func (p *printer) spaced(x Expr) {
	p.write(" ")
	p.indent--
	p.expr(x)
	p.indent++
}

// clause writes a word and an expression, if there is one.
func (p *printer) clause(word string, x Expr) {
	if x != nil {
		p.write(word)
		p.expr(x)
	}
}

// cols writes the columns of an operator: behind its word where they fit, else one a line.
func (p *printer) cols(cols []Expr) {
	if len(cols) == 1 {
		p.spaced(cols[0])
		return
	}
	for i, c := range cols {
		if p.over {
			return
		}
		if i > 0 {
			p.write(",")
		}
		p.soft(" ", c.Range().From)
		p.expr(c)
	}
}

func (p *printer) byCols(by []Expr, breaks bool) {
	if len(by) == 0 {
		return
	}
	if breaks {
		p.soft(" ", by[0].Range().From)
	} else {
		p.write(" ")
	}
	span := by[0].Range().to(by[len(by)-1].Range())
	p.group(span, func() {
		p.write("by")
		p.indented(func() { p.cols(by) })
	})
}

func (p *printer) keys(keys []*SortKey) {
	for i, k := range keys {
		if p.over {
			return
		}
		if i > 0 {
			p.write(",")
		}
		if len(keys) == 1 {
			p.write(" ")
		} else {
			p.soft(" ", k.From)
		}
		p.key(k)
	}
}

func (p *printer) key(k *SortKey) {
	p.expr(k.X)
	for _, word := range []string{k.Order.String(), k.Nulls.String()} {
		if word != "" {
			p.write(" " + word)
		}
	}
}

func (p *printer) topNested(o *TopNested) {
	for i, c := range o.Clauses {
		if i > 0 {
			p.write(",")
			p.soft(" ", c.From)
			p.write(o.keyword())
		}
		if c.N != nil {
			p.spaced(c.N)
		}
		p.write(" of ")
		p.expr(c.Of)
		p.clause(" with others = ", c.Others)
		p.write(" by ")
		p.key(c.By)
	}
}

func (p *printer) join(params []*Param, right Expr, on []Expr, where Expr) {
	p.params(params)
	p.spaced(right)
	if len(on) > 0 {
		p.write(" on ")
		list(p, on, p.expr)
	}
	p.clause(" where ", where)
}

func (p *printer) mvCols(cols []*MvColumn) {
	for i, c := range cols {
		if i > 0 {
			p.write(",")
		}
		if len(cols) == 1 {
			p.write(" ")
		} else {
			p.soft(" ", c.From)
		}
		if c.X != nil {
			p.expr(c.X)
			if c.Type != nil {
				p.write(" ")
			}
		}
		if c.Type != nil {
			p.write("to ")
			p.expr(c.Type)
		}
	}
}

func (p *printer) mvApply(o *MvApply) {
	p.params(o.Params)
	careful := p.careful
	p.careful = true
	p.mvCols(o.Cols)
	p.careful = careful
	p.clause(" limit ", o.Limit)
	p.clause(" id ", o.ID)
	p.indent--
	p.sub(" on (", o.Sub, ")", o.Sub.Range())
	p.indent++
}

func (p *printer) parse(o *ParseOp) {
	p.params(o.Params)
	p.spaced(o.X)
	p.write(" with")
	for i, part := range o.Pattern {
		if p.over {
			return
		}
		// A text begins a line where the pattern is long: texts say what the columns behind them are. Two texts
		// in a row would be one.
		if part.Text != nil && i > 0 {
			p.soft(" ", part.From)
		} else {
			p.write(" ")
		}
		switch {
		case part.Star:
			p.write("*")
		case part.Text != nil:
			p.literal(part.Text)
		case part.Name != nil:
			p.name(part.Name)
			if part.Type != nil {
				p.write(":" + part.Type.Text)
			}
		}
	}
}

func (p *printer) with(params []*Param) {
	if len(params) > 0 {
		p.write(" with ")
		p.properties(params)
	}
}

func (p *printer) reduceWith(params []*Param) {
	for i, o := range params {
		if i == 0 {
			p.write(" with ")
		} else {
			p.write(", ")
		}
		p.property(o)
	}
}

func (p *printer) makeSeries(o *MakeSeries) {
	p.params(o.Params)
	for i, a := range o.Aggs {
		if p.over {
			return
		}
		if i > 0 {
			p.write(",")
		}
		if len(o.Aggs) == 1 {
			p.write(" ")
		} else {
			p.soft(" ", a.From)
		}
		p.expr(a.X)
		p.clause(" default=", a.Default)
	}
	p.soft(" ", o.On.Range().From)
	p.write("on ")
	p.expr(o.On)
	if o.Step == nil {
		p.write(" in range(")
		for i, x := range o.InRange {
			if i > 0 {
				p.write(", ")
			}
			p.expr(x)
		}
		p.write(")")
	}
	p.clause(" from ", o.From)
	p.clause(" to ", o.To)
	p.clause(" step ", o.Step)
	p.byCols(o.By, true)
}

func (p *printer) schema(o *Evaluate) {
	if !o.Schema {
		return
	}
	p.write(" : (")
	if o.Star {
		p.write("*")
		if len(o.Columns) > 0 {
			p.write(", ")
		}
	}
	list(p, o.Columns, p.columnDecl)
	p.write(")")
}

func (p *printer) render(o *Render) {
	p.write(" ")
	p.word(o.Chart)
	for _, r := range o.Params {
		p.write(" " + r.Name.Text)
		if r.Name.Text == "by" || r.Name.Text == "with" {
			p.write(" ")
		} else {
			p.write("=")
		}
		p.paramValue(r)
	}
	p.with(o.With)
}

func (p *printer) partition(o *Partition) {
	p.params(o.Params)
	p.write(" by ")
	p.expr(o.By)
	p.clause(" in ", o.In)
	open, closing := " (", ")"
	if o.Braces {
		open, closing = " {", "}"
	}
	p.indent--
	p.sub(open, o.Sub, closing, o.Sub.Range())
	p.indent++
}

func (p *printer) fork(o *Fork) {
	for _, b := range o.Branches {
		p.soft(" ", b.From)
		if b.Name != nil {
			p.name(b.Name)
			p.write(" = ")
		}
		p.sub("(", b.Sub, ")", b.Span)
	}
}

func (p *printer) scan(o *Scan) {
	p.params(o.Params)
	if len(o.OrderBy) > 0 {
		p.write(" order by ")
		list(p, o.OrderBy, p.key)
	}
	if len(o.PartitionBy) > 0 {
		p.write(" partition by ")
		list(p, o.PartitionBy, p.expr)
	}
	if o.Declare != nil {
		p.write(" declare ")
		p.funcParams(o.Declare, o.Span)
	}
	p.write(" with (")
	for _, s := range o.Steps {
		p.soft(" ", s.From)
		p.scanStep(s)
	}
	p.indent--
	p.soft(" ", o.To)
	p.indent++
	p.write(")")
}

func (p *printer) scanStep(s *ScanStep) {
	p.write("step ")
	p.name(s.Name)
	if s.Optional {
		p.write(" optional")
	}
	if s.Output != nil {
		p.write(" output=" + s.Output.Text)
	}
	p.write(": ")
	p.expr(s.Pred)
	for i, a := range s.Assign {
		if i == 0 {
			p.write(" => ")
		} else {
			p.write(", ")
		}
		p.named(a)
	}
	p.write(";")
}

func (p *printer) inTables(tables []Expr) {
	if len(tables) == 0 {
		return
	}
	p.write(" ")
	bracketed(p, tables[0].Range().to(tables[len(tables)-1].Range()), "in (", tables, ")", p.expr)
}

func (p *printer) find(o *Find) {
	p.params(o.Params)
	p.inTables(o.Tables)
	p.write(" where ")
	p.expr(o.Pred)
	if o.Smart {
		p.write(" project-smart")
	}
	if len(o.Project) > 0 {
		p.write(" project ")
		list(p, o.Project, p.findColumn)
	}
	if len(o.Away) > 0 {
		p.write(" __projectAway ")
		list(p, o.Away, p.findColumn)
	}
}

func (p *printer) findColumn(c *FindColumn) {
	switch {
	case c.Star:
		p.write("*")
	case c.Pack:
		p.write("pack(*)")
	default:
		p.name(c.Name)
		if c.Type != nil {
			p.write(":" + c.Type.Text)
		}
	}
}
