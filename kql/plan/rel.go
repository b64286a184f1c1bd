package plan

import (
	"slices"
	"strconv"

	"drumbeat/kql"
)

// rel is a table while it is bound. op is nil after an error.
type rel struct {
	op   Op
	cols []Column
	// ordered says that window functions can stand on it.
	ordered bool
	// wide says that there are columns besides cols; opener makes one of them known, or is nil if it cannot be.
	wide   bool
	opener *opener
	// away are the names, some with stars, that were dropped of what no schema declares.
	away []string

	byName  map[string]int
	lookups int
}

// opener makes columns known of a source that no schema declares.
type opener struct {
	known map[string]Column
	add   func(Column)
}

func badRel() *rel { return &rel{wide: true} }

func (r *rel) loose() bool { return r.wide }

// from gives the table after a step that keeps the columns.
func (r *rel) from(op Op) *rel { return r.with(op, r.cols) }

// with gives the table after a step with other columns. It stays wide if it was.
func (r *rel) with(op Op, cols []Column) *rel {
	return &rel{op: op, cols: cols, ordered: r.ordered, wide: r.wide, opener: r.opener, away: r.away}
}

// indexAfter is how many searches one by one a table sees before an index is worth it.
const indexAfter = 40

func (r *rel) index(name string) int {
	if r.byName == nil {
		r.lookups++
		if r.lookups < indexAfter {
			for i := range r.cols {
				if r.cols[i].Name == name {
					return i
				}
			}
			return -1
		}
		r.byName = make(map[string]int, len(r.cols))
		for i, col := range slices.Backward(r.cols) {
			r.byName[col.Name] = i
		}
	}
	if i, ok := r.byName[name]; ok {
		return i
	}
	return -1
}

func (r *rel) find(name string) (Column, bool) {
	if i := r.index(name); i >= 0 {
		return r.cols[i], true
	}
	return Column{}, false
}

// open makes a column known that no schema declares. It gives false where nothing can be said of it.
func (r *rel) open(b *binder, name string) (Column, bool) {
	if r.opener == nil {
		return Column{}, false
	}
	if r.isAway(name) {
		return Column{}, false
	}
	if col, ok := r.opener.known[name]; ok {
		return col, true
	}
	col := b.newCol(name, kql.TypeDynamic, false)
	col.Open = true
	r.opener.known[name] = col
	r.opener.add(col)
	return col, true
}

// learn adds a column that was opened to those that are known from here on.
func (r *rel) learn(col Column) {
	r.cols = append(slices.Clip(r.cols), col)
	r.byName = nil
}

func (r *rel) isAway(name string) bool {
	return slices.ContainsFunc(r.away, func(pattern string) bool { return matchStars(pattern, name) })
}

// projector collects the columns of a step and gives them their names.
type projector struct {
	b        *binder
	cols     []Assign
	index    map[string]int
	declared map[string]bool
	ids      map[int]bool
	numbers  map[string]int // the last number that made a name free
	unnamed  int
}

func (b *binder) newProjector() *projector {
	return &projector{b: b, index: map[string]int{}, declared: map[string]bool{}, ids: map[int]bool{}, numbers: map[string]int{}, unnamed: 1}
}

// keep starts with the columns of a table.
func (p *projector) keep(cols []Column) {
	p.cols = make([]Assign, 0, len(cols)+8)
	p.index = make(map[string]int, len(cols)+8)
	refs := make([]Col, len(cols))
	for i, c := range cols {
		p.index[c.Name] = len(p.cols)
		refs[i] = *c.ref()
		p.cols = append(p.cols, Assign{Col: c, X: &refs[i]})
	}
}

// column makes a column of an expression. A column that is only handed on stays itself, but for one that is there.
func (p *projector) column(name string, x Expr) Column {
	col, isCol := x.(*Col)
	if isCol && col.Name == name && !p.ids[col.ID] {
		p.ids[col.ID] = true
		return Column{ID: col.ID, Name: name, Type: col.Type, NonNull: col.NonNull, Open: col.Open}
	}
	c := p.b.newCol(name, TypeOf(x), NonNull(x))
	c.Open = isCol && col.Open
	return c
}

// declare adds a column under a name that the query gives. A column of that name is replaced if the step extends.
func (p *projector) declare(name string, x Expr, at kql.Span, replace bool) {
	if p.declared[name] {
		p.b.report(CodeDuplicate, at, "there is a column "+quote(name)+" already", "give it another name")
		return
	}
	if i, ok := p.index[name]; ok && replace {
		p.declared[name] = true
		p.replace(i, name, x)
		return
	}
	name = p.unique(name)
	p.declared[name] = true
	p.push(name, x)
}

// add adds a column under a name that follows from its expression. extend replaces.
func (p *projector) add(name string, x Expr, replace bool) {
	if i, ok := p.index[name]; ok && replace && !p.declared[name] {
		p.replace(i, name, x)
		return
	}
	p.push(p.unique(name), x)
}

func (p *projector) replace(i int, name string, x Expr) {
	if col, same := x.(*Col); same && col.ID == p.cols[i].Col.ID {
		return
	}
	c := p.b.newCol(name, TypeOf(x), NonNull(x))
	if col, ok := x.(*Col); ok {
		c.Open = col.Open
	}
	p.cols[i] = Assign{Col: c, X: x}
}

func (p *projector) push(name string, x Expr) {
	p.index[name] = len(p.cols)
	c := p.column(name, x)
	p.cols = append(p.cols, Assign{Col: c, X: x})
}

// unique gives a name, or the name with the first number that makes it free.
func (p *projector) unique(name string) string {
	if _, taken := p.index[name]; !taken {
		return name
	}
	for {
		p.numbers[name]++ // a name may come a hundred thousand times
		n := name + strconv.Itoa(p.numbers[name])
		if _, taken := p.index[n]; !taken {
			return n
		}
	}
}

func freeName(name string, taken func(string) bool) string {
	if !taken(name) {
		return name
	}
	for i := 1; ; i++ {
		if n := name + strconv.Itoa(i); !taken(n) {
			return n
		}
	}
}

// nextUnnamed gives Column1, Column2 and so on, without those that stand for something.
func (p *projector) nextUnnamed(taken func(string) bool) string {
	for {
		name := "Column" + strconv.Itoa(p.unnamed)
		p.unnamed++
		if !taken(name) {
			return name
		}
	}
}

// nameOf is the name that a column gets from its expression, or "".
func (b *binder) nameOf(c *ctx, x kql.Expr, depth int) string {
	if depth > maxCalls {
		return ""
	}
	switch x := kql.Unparen(x).(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Name:
		return x.Text
	case *kql.Path:
		if sel, ok := x.Sel.(*kql.Name); ok {
			return b.linkName(c, x.X, sel.Text, depth)
		}
	case *kql.Element:
		return b.linkName(c, x.X, indexName(x.Index), depth)
	case *kql.Named:
		if len(x.Names) > 0 {
			return x.Names[0].Text
		}
	case *kql.Call:
		return b.callName(c, x, depth)
	default:
	}
	return ""
}

func indexName(x kql.Expr) string {
	switch i := kql.Unparen(x).(type) { //nolint:exhaustive // the others are of no use here
	case *kql.Literal:
		switch i.Type { //nolint:exhaustive // only these name a part
		case kql.TypeString:
			return i.Str
		case kql.TypeLong, kql.TypeInt:
			if i.Int >= 0 { // an index from the end names nothing
				return strconv.FormatInt(i.Int, 10)
			}
		}
	default:
	}
	return ""
}

func (b *binder) linkName(c *ctx, x kql.Expr, part string, depth int) string {
	if left := b.nameOf(c, x, depth+1); left != "" {
		return left + "_" + part
	}
	return part
}

func (b *binder) callName(c *ctx, x *kql.Call, depth int) string {
	name := x.Func.Text
	if c.env.find(name) != nil {
		return ""
	}
	info := catalogue().scalar[name]
	if agg := catalogue().aggregate[name]; agg != nil && (c.aggs != nil || info == nil) {
		info = agg
	}
	if info == nil {
		return ""
	}
	first := func() string {
		if len(x.Args) == 0 {
			return ""
		}
		return b.nameOf(c, x.Args[0], depth+1)
	}
	switch info.naming {
	case nameFirst:
		return first()
	case namePrefix:
		return info.prefix + "_" + first()
	case nameOnly:
		if len(x.Args) == 1 {
			return first()
		}
	case nameFixed:
		return info.prefix
	case nameColumn:
		if len(x.Args) > 0 && c.row != nil {
			if lit, ok := x.Args[0].(*kql.Literal); ok && c.row.index(lit.Str) >= 0 {
				return lit.Str
			}
		}
	case nameNone:
	}
	return ""
}
