package sqlgen

import (
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// rowStep has Go take a step that makes new columns of one value, row by row, as parse and parse-kv do. Where drops the rows
// that Go drops.
func (g *gen) rowStep(op plan.Op, x plan.Expr, cols []plan.Column, where bool, in *rel) (*rel, error) {
	s := g.scope(in)
	in, err := s.lift(x)
	if err != nil {
		return nil, err
	}
	t, err := s.value(x)
	if err != nil {
		return nil, err
	}
	if t.typ != kql.TypeString {
		if t, err = s.goCall(&call{s: s, fn: plan.FnTostring, out: kql.TypeString, args: []term{t}, nonNull: true}); err != nil {
			return nil, err
		}
	}
	step := g.prog.addStep(g.env.Prefix, op, cols, in)
	list := g.hide()
	made := g.over("parse", in, s.deps)
	made.text = "select *, " + RowStep + "(" + quote(step) + ", " + t.sql + ")" + " as " + list + " from " + in.name
	r := g.over("parsed columns", made, nil)
	r.cols, r.unique = cols, nil
	var texts []string
	kept := map[int]bool{}
	n := 0
	for _, c := range cols {
		if hasColumn(in, c.ID) {
			kept[c.ID] = true
			continue
		}
		n++
		texts = append(texts, g.d.fromText(list+"["+strconv.Itoa(n)+"]", c.Type)+" as "+name(c.ID))
	}
	r.text = "select " + strings.Join(append(g.passed(in, kept, r), texts...), ", ") + " from " + made.name
	if where {
		r.text += " where " + list + " is not null"
	}
	return r, nil
}

// stepText is the ID of the column that a step of rows reads: one that no column of a plan has.
const stepText = 1 << 40

// addStep keeps a step for Go, over a single column.
func (p *Program) addStep(prefix string, op plan.Op, cols []plan.Column, in *rel) string {
	text := plan.Column{ID: stepText, Name: "text", Type: kql.TypeString, NonNull: true}
	news := []plan.Column{text}
	for _, c := range cols {
		if !hasColumn(in, c.ID) {
			news = append(news, c)
		}
	}
	x := &plan.Col{Info: plan.Info{Type: kql.TypeString, NonNull: true}, ID: text.ID, Name: text.Name}
	rows := &plan.Rows{Cols: []plan.Column{text}}
	switch op := op.(type) { //nolint:exhaustive // no others are steps of rows
	case *plan.Parse:
		c := *op
		c.Input, c.X, c.Cols = rows, x, news
		p.Steps[prefix+strconv.Itoa(len(p.Steps))] = &c
	case *plan.ParseKv:
		c := *op
		c.Input, c.X, c.Cols = rows, x, news
		p.Steps[prefix+strconv.Itoa(len(p.Steps))] = &c
	}
	return prefix + strconv.Itoa(len(p.Steps)-1)
}
