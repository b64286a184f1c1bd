package sqlgen

import (
	"slices"
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// mvExpand makes a row of each element: it has Go take the arrays apart, unnests them side by side, and gives each element
// the type asked for.
func (g *gen) mvExpand(op *plan.MvExpand, in *rel, order bool) (*rel, error) {
	s := g.scope(in)
	limit, err := s.expandLimit(op.Limit)
	if err != nil {
		return nil, err
	}
	elements := make([]string, len(op.Items))
	var arrays, rows, lengths []string
	for i, it := range op.Items {
		if g.hasWin(it.X) {
			return nil, cannot("a window function in mv-expand")
		}
		t, err := s.value(it.X)
		if err != nil {
			return nil, err
		}
		if t.typ != kql.TypeDynamic {
			return nil, cannot("mv-expand of a %s", t.typ)
		}
		list := g.hide()
		elements[i] = g.hide()
		arrays = append(arrays, g.d.elements(t.sql, op.Array)+limit+" as "+list)
		lengths = append(lengths, "len("+list+")")
		rows = append(rows, "unnest("+list+") as "+elements[i])
	}
	index := ""
	if order || op.Index != 0 {
		index = g.hide()
		rows = append(rows, "unnest(range(greatest("+strings.Join(lengths, ", ")+"))) as "+index)
	}
	inner := g.over("take the arrays apart", in, s.deps)
	inner.text = "select *, " + strings.Join(arrays, ", ") + " from " + in.name
	mid := g.over("a row for each element", inner, nil)
	mid.text = "select *, " + strings.Join(rows, ", ") + " from " + inner.name
	r := g.over("mv-expand", mid, nil)
	r.cols, r.unique, r.raw, r.order = op.Cols, nil, nil, nil
	if order {
		r.order = append(slices.Clone(in.order), sortKey{col: index, nonNull: true})
	}
	list, err := s.expanded(op, in, elements, index)
	if err != nil {
		return nil, err
	}
	for _, k := range r.order {
		if !slices.Contains(list, k.col) {
			list = append(list, k.col)
		}
	}
	r.text = "select " + strings.Join(list, ", ") + " from " + mid.name
	return r, nil
}

// expandLimit writes the bound on the elements of a row.
func (s *scope) expandLimit(x plan.Expr) (string, error) {
	if x == nil {
		return "", nil
	}
	t, err := s.value(x)
	if err != nil {
		return "", err
	}
	if t.lit == nil || t.lit.Null || t.lit.Type != kql.TypeLong && t.lit.Type != kql.TypeInt {
		return "", cannot("a limit of mv-expand that is computed")
	}
	return "[:" + strconv.FormatInt(max(t.lit.Int, 0), 10) + "]", nil
}

// expanded lists the columns of mv-expand: elements in their types, the number of the element, and what the row had.
func (s *scope) expanded(op *plan.MvExpand, in *rel, elements []string, index string) ([]string, error) {
	var list []string
	for _, c := range op.Cols {
		item := slices.IndexFunc(op.Items, func(it plan.MvItem) bool { return it.Col.ID == c.ID })
		switch {
		case c.ID == op.Index:
			list = append(list, index+" as "+name(c.ID))
		case item < 0 || hasColumn(in, c.ID):
			list = append(list, name(c.ID))
		case c.Type == kql.TypeDynamic:
			list = append(list, elements[item]+" as "+name(c.ID))
		default:
			t, err := s.goCall(&call{
				s: s, fn: plan.FnConvert, out: c.Type, args: []term{{sql: elements[item], typ: kql.TypeDynamic}},
			})
			if err != nil {
				return nil, err
			}
			list = append(list, t.sql+" as "+name(c.ID))
		}
	}
	return list, nil
}
