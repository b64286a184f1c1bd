package sqlgen

import (
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// lift computes the window functions of a step in columns of their own, for in SQL they cannot stand in conditions, in
// groups, or within each other. It gives the table that the step reads then.
func (s *scope) lift(exprs ...plan.Expr) (*rel, error) {
	var levels [][]*plan.Win
	seen := map[*plan.Win]int{}
	for _, x := range exprs {
		s.levels(x, &levels, seen)
	}
	for _, level := range levels {
		if err := s.compute(level); err != nil {
			return nil, err
		}
	}
	return s.in, nil
}

// levels sorts window functions by how deep they stand within each other, those with none inside first, and gives the
// depth of an expression.
func (s *scope) levels(x plan.Expr, levels *[][]*plan.Win, seen map[*plan.Win]int) int {
	if !s.g.hasWin(x) {
		return 0
	}
	depth := 0
	switch x := x.(type) {
	case *plan.Call:
		for _, a := range x.Args {
			depth = max(depth, s.levels(a, levels, seen))
		}
	case *plan.Win:
		if d := seen[x]; d > 0 {
			return d
		}
		for _, a := range x.Args {
			depth = max(depth, s.levels(a, levels, seen))
		}
		for len(*levels) <= depth {
			*levels = append(*levels, nil)
		}
		(*levels)[depth] = append((*levels)[depth], x)
		depth++
		seen[x] = depth
	case *plan.Agg, *plan.Col, *plan.Lit, *plan.ParamRef, *plan.Sub:
	}
	return depth
}

// compute adds columns with window functions to the table.
func (s *scope) compute(wins []*plan.Win) error {
	if len(s.in.order) == 0 {
		return cannot("a window function over rows in no order")
	}
	groups := map[*plan.Win]string{}
	var starts []string
	for _, w := range wins {
		at := restartArg(w.Fn)
		if at < 0 || at >= len(w.Args) {
			continue
		}
		t, err := s.truth(w.Args[at])
		if err != nil {
			return err
		}
		if t.lit != nil && !t.lit.Bool {
			continue
		}
		groups[w] = s.g.hide()
		starts = append(starts, "count(*) filter (where "+t.sql+") over (order by "+orderText(s.in.order)+
			" rows unbounded preceding) as "+groups[w])
	}
	if len(starts) > 0 {
		s.add("number the groups", starts)
	}
	var list []string
	for _, w := range wins {
		text, err := s.winText(w, groups[w])
		if err != nil {
			return err
		}
		s.wins[w] = s.g.hide()
		list = append(list, text+" as "+s.wins[w])
	}
	s.add("look at other rows", list)
	return nil
}

func (s *scope) add(comment string, columns []string) {
	r := s.g.over(comment, s.in, s.deps)
	r.text = "select *, " + strings.Join(columns, ", ") + " from " + s.in.name
	r.size += len(r.text)
	s.in, s.deps = r, nil
}

func restartArg(fn plan.Fn) int {
	switch fn { //nolint:exhaustive // the others do not start anew
	case plan.FnRowNumber, plan.FnRowCumsum, plan.FnRowRank, plan.FnRowRankDense, plan.FnRowRankMin:
		return 1
	}
	return -1
}

// win gives the column in which a window function was computed.
func (s *scope) win(x *plan.Win) (term, error) {
	col, ok := s.wins[x]
	if !ok {
		return term{}, cannot("the window function %s here", x.Fn)
	}
	return term{sql: col, typ: x.Type, nonNull: x.NonNull || x.Type == kql.TypeString}, nil
}

// winText writes a window function. group is the column whose change starts it anew, or "".
func (s *scope) winText(w *plan.Win, group string) (string, error) {
	over := "order by " + orderText(s.in.order)
	if s.part != 0 {
		over = "partition by " + name(s.part) + " order by " + orderText(s.in.order[1:])
	}
	if group != "" {
		over = "partition by " + group + " " + over
	}
	switch w.Fn { //nolint:exhaustive // the others are not written
	case plan.FnNext, plan.FnPrev:
		return s.shift(w, over)
	case plan.FnRowNumber:
		start := "1"
		if len(w.Args) > 0 {
			t, err := s.value(w.Args[0])
			if err != nil {
				return "", err
			}
			if t.lit == nil || t.lit.Null {
				return "", cannot("row_number that starts with what is computed")
			}
			start = strconv.FormatInt(t.lit.Int, 10)
		}
		return "(row_number() over (" + over + ") + (" + start + ") - 1)", nil
	case plan.FnRowCumsum:
		t, err := s.value(w.Args[0])
		if err != nil {
			return "", err
		}
		form := s.g.d.cumulate(t, w.Type, over)
		if form == "" {
			return "", cannot("row_cumsum of a %s", t.typ)
		}
		return form, nil
	}
	return "", cannot("the window function %s", w.Fn)
}

// shift writes next and prev: the value of a row so many rows away, or the default beyond the ends.
func (s *scope) shift(w *plan.Win, over string) (string, error) {
	t, err := s.value(w.Args[0])
	if err != nil {
		return "", err
	}
	away := int64(1)
	if len(w.Args) > 1 {
		n, err := s.value(w.Args[1])
		if err != nil {
			return "", err
		}
		if n.lit == nil || n.lit.Null || n.lit.Type != kql.TypeLong && n.lit.Type != kql.TypeInt {
			return "", cannot("%s by a number of rows that is computed", w.Fn)
		}
		away = n.lit.Int
	}
	const far = 1 << 40
	if away > far || away < -far {
		return "", cannot("%s so many rows away", w.Fn)
	}
	fn := "lead"
	if w.Fn == plan.FnPrev {
		fn = "lag"
	}
	otherwise := ""
	if len(w.Args) > 2 {
		d, err := s.value(w.Args[2])
		if err != nil {
			return "", err
		}
		if d.typ != t.typ || d.lit == nil {
			return "", cannot("%s with a default of another type", w.Fn)
		}
		otherwise = ", " + d.sql
	} else if t.typ == kql.TypeString {
		otherwise = ", ''"
	}
	return fn + "(" + t.sql + ", " + strconv.FormatInt(away, 10) + otherwise + ") over (" + over + ")", nil
}
