package sqlgen

import (
	"fmt"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// The most expressions that one program has. Parts of expressions may stand at many places, so that what is short in the
// plan can be long as text.
const maxCost = 200_000

// term is a scalar expression in the SQL.
type term struct {
	sql     string
	typ     kql.Type
	nonNull bool
	// lit is set for a constant.
	lit *plan.Lit
	// public is set for ipv4_is_private(…): the condition that it is false.
	public string
	// raw is the column of timestamps that the term is computed from, if it is nothing else.
	raw string
}

// scope is what the expressions of a step refer to.
type scope struct {
	g  *gen
	in *rel
	// wins are the columns in which window functions were computed before.
	wins  map[*plan.Win]string
	depth int
	// deps are the tables that the expressions read.
	deps []*rel
	// part is the column that window functions are parted by, or 0.
	part int
}

func (g *gen) scope(in *rel) *scope { return &scope{g: g, in: in, wins: map[*plan.Win]string{}} }

// value writes an expression with the value that the language gives it.
func (s *scope) value(x plan.Expr) (term, error) { return s.expr(x, false) }

// truth writes a condition of which it only matters whether it is true: null may stand for false.
func (s *scope) truth(x plan.Expr) (term, error) {
	t, err := s.expr(x, true)
	if err != nil {
		return t, err
	}
	text, ok := s.g.d.condition(t)
	if !ok {
		return t, cannot("a condition that is a %s", t.typ)
	}
	t.sql, t.typ = text, kql.TypeBool
	return t, nil
}

func (s *scope) expr(x plan.Expr, truth bool) (term, error) {
	s.depth++
	defer func() { s.depth-- }()
	if s.g.cost++; s.g.cost > maxCost {
		return term{}, cannot("the expressions are too large")
	}
	if s.depth > maxDepth {
		return term{}, cannot("an expression is too deep")
	}
	switch x := x.(type) {
	case *plan.Col:
		t := term{sql: name(x.ID), typ: x.Type, nonNull: x.NonNull || x.Type == kql.TypeString}
		if s.in != nil {
			t.raw = s.in.raw[x.ID]
			t.nonNull = t.nonNull || s.in.notNull[x.ID]
		}
		return t, nil
	case *plan.Lit:
		if (x.Type == kql.TypeDynamic || x.Type == kql.TypeDecimal) && !x.Null && s.g.env.Text != nil {
			own := *x
			own.Str = s.g.env.Text(x)
			x = &own
		}
		return s.g.literal(x), nil
	case *plan.Call:
		return s.call(x, truth)
	case *plan.Win:
		return s.win(x)
	case *plan.Sub:
		return s.sub(x)
	case *plan.ParamRef:
		for i := range s.g.params {
			if p := &s.g.params[i]; p.Name == x.Name && plan.TypeOf(p.Default) == x.Type {
				return s.expr(p.Default, truth)
			}
		}
		return term{}, cannot("the parameter %s", x.Name)
	case *plan.Agg:
		return term{}, cannot("an aggregate in an expression")
	}
	return term{}, cannot("an expression")
}

func (g *gen) literal(x *plan.Lit) term {
	t := term{sql: g.d.Literal(x), typ: x.Type, nonNull: !x.Null || x.Type == kql.TypeString, lit: x}
	return t
}

func (s *scope) call(x *plan.Call, truth bool) (term, error) {
	info := x.Fn.Info()
	if info == nil || info.Is(plan.FlagRandom) {
		return term{}, cannot("the function %s", x.Fn)
	}
	c := &call{s: s, fn: x.Fn, out: x.Type, truth: truth, nonNull: x.NonNull || x.Type == kql.TypeString}
	inTruth := truth && (x.Fn == plan.FnAnd || x.Fn == plan.FnOr)
	constant := true
	for i, a := range x.Args {
		if sub, ok := a.(*plan.Sub); ok && !sub.Scalar && i > 0 && isIn(x.Fn) {
			list, err := s.subList(sub)
			if err != nil {
				return term{}, err
			}
			c.list, c.sub, constant = list, sub, false
			continue
		}
		want := inTruth || i == 0 && x.Fn == plan.FnIff || x.Fn == plan.FnCase && i%2 == 0 && i < len(x.Args)-1
		t, err := s.expr(a, want)
		if err != nil {
			return term{}, err
		}
		if i > 0 && isIn(x.Fn) && t.lit != nil && t.lit.Null {
			continue // nothing is null's equal
		}
		constant = constant && t.lit != nil
		c.args = append(c.args, t)
	}
	if constant && c.list == nil {
		if t, ok := s.fold(c); ok {
			return t, nil
		}
	}
	if form := s.g.d.funcs[x.Fn]; form != nil {
		if text, ok := form(c); ok {
			return s.checked(term{sql: text, typ: x.Type, nonNull: c.nonNull, public: c.public})
		}
	}
	if c.list != nil {
		list, err := s.sub(c.sub)
		if err != nil {
			return term{}, err
		}
		c.args = append(c.args, list)
	}
	return s.goCall(c)
}

func isIn(fn plan.Fn) bool {
	return fn == plan.FnIn || fn == plan.FnNotIn || fn == plan.FnInCI || fn == plan.FnNotInCI
}

func (s *scope) checked(t term) (term, error) {
	if len(t.sql) > maxText {
		return term{}, cannot("the expressions are too large")
	}
	return t, nil
}

func (s *scope) fold(c *call) (term, bool) {
	if s.g.env.Fold == nil {
		return term{}, false
	}
	args := make([]*plan.Lit, len(c.args))
	for i, a := range c.args {
		args[i] = a.lit
	}
	lit, ok := s.g.env.Fold(c.fn, c.out, args)
	if !ok {
		return term{}, false
	}
	return s.g.literal(lit), true
}

// goCall calls the Go form of a function.
func (s *scope) goCall(c *call) (term, error) {
	if s.g.env.HasGo == nil || !s.g.env.HasGo(c.fn) {
		return term{}, cannot("the function %s", c.fn)
	}
	f := Func{Fn: c.fn, Out: c.out}
	var name, texts strings.Builder
	fmt.Fprintf(&name, "k%d_%s_%s_", c.fn, plainName(c.fn.String()), typeLetter(c.out))
	for i, a := range c.args {
		if i > 0 {
			texts.WriteString(", ")
		}
		f.Args = append(f.Args, a.typ)
		name.WriteString(typeLetter(a.typ))
		texts.WriteString(a.sql)
	}
	f.Name = name.String()
	const longName = 60
	if len(f.Name) > longName && len(f.Args) > longName {
		return term{}, cannot("so many arguments of %s", c.fn)
	}
	if !s.g.funcs[f.Name] {
		s.g.funcs[f.Name] = true
		s.g.prog.Funcs = append(s.g.prog.Funcs, f)
	}
	return s.checked(term{sql: f.Name + "(" + texts.String() + ")", typ: c.out, nonNull: c.nonNull})
}

func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		case r == ' ':
			return '_'
		}
		return -1
	}, s)
}

func typeLetter(t kql.Type) string {
	switch t {
	case kql.TypeBool:
		return "b"
	case kql.TypeInt:
		return "i"
	case kql.TypeLong:
		return "l"
	case kql.TypeReal:
		return "r"
	case kql.TypeDecimal:
		return "m"
	case kql.TypeDateTime:
		return "t"
	case kql.TypeTimespan:
		return "p"
	case kql.TypeString:
		return "s"
	case kql.TypeGuid:
		return "g"
	case kql.TypeDynamic:
		return "d"
	case kql.TypeUnknown:
	}
	return "u"
}

// sub writes a table within an expression: its value, or, for functions that take an array, the list of its values.
func (s *scope) sub(x *plan.Sub) (term, error) {
	r, err := s.subRel(x)
	if err != nil {
		return term{}, err
	}
	if !x.Scalar {
		return s.subArray(x, r)
	}
	text := "(select " + name(x.Col.ID) + " from " + r.name + ")"
	if x.Col.Type == kql.TypeString {
		return term{sql: "coalesce(" + text + ", '')", typ: x.Col.Type, nonNull: true}, nil
	}
	return term{sql: text, typ: x.Col.Type}, nil
}

// firstRow gives the row that a scalar Sub is. It is computed once: forms of functions write an argument more than once, and
// within a chain of such tables that would double with each.
func (g *gen) firstRow(x *plan.Sub, in *rel) *rel {
	r := g.newRel("first row", []*rel{in})
	r.cols, r.once = []plan.Column{x.Col}, true
	r.text = "select " + name(x.Col.ID) + " from " + in.name
	if len(in.order) > 0 {
		r.text += " order by " + orderText(in.order)
	}
	r.text += " limit 1"
	return r
}

// subArray writes a table as a dynamic array.
func (s *scope) subArray(x *plan.Sub, r *rel) (term, error) {
	json, err := s.json(term{sql: name(x.Col.ID), typ: x.Col.Type, nonNull: true})
	if err != nil {
		return term{}, err
	}
	text := "(select " + s.g.d.joinTexts(json, orderText(r.order)) + " from " + r.name + s.g.nonNullOf(x.Col) + ")"
	return term{sql: text, typ: kql.TypeDynamic, nonNull: true}, nil
}

// json writes a value as JSON, which may be null where the value is.
func (s *scope) json(t term) (string, error) {
	if text, ok := s.g.d.jsonText(t); ok {
		return text, nil
	}
	text, err := s.goCall(&call{s: s, fn: plan.FnConvert, out: kql.TypeDynamic, args: []term{t}, nonNull: t.nonNull})
	return text.sql, err
}

func (g *gen) nonNullOf(c plan.Column) string {
	if c.NonNull || c.Type == kql.TypeString {
		return ""
	}
	return " where " + name(c.ID) + " is not null"
}

// subList writes a table at the right of in.
func (s *scope) subList(x *plan.Sub) (*term, error) {
	r, err := s.subRel(x)
	if err != nil {
		return nil, err
	}
	text := "(select " + name(x.Col.ID) + " from " + r.name + s.g.nonNullOf(x.Col) + ")"
	return &term{sql: text, typ: x.Col.Type, nonNull: true}, nil
}

// subRel makes the table of a Sub, once for all its places.
func (s *scope) subRel(x *plan.Sub) (*rel, error) {
	r := s.g.subs[x]
	if r == nil {
		n := s.g.step(x.Op, x.Scalar || wantsOrder(x.Op))
		if n.open {
			return nil, cannot("columns that are known only when it runs")
		}
		if r = n.rel; r == nil {
			r = s.g.loadGo(n)
		}
		if x.Scalar {
			r = s.g.firstRow(x, r)
		}
		s.g.subs[x] = r
	} else {
		r.once = true // else its text would stand for it at each place, and of those within it at the square of them
	}
	s.deps = append(s.deps, r)
	return r, nil
}
