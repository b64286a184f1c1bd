package rewrite

import (
	"math"
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// TimeColumn is the column that windows are about.
const TimeColumn = "TimeGenerated"

// Windows gives for each scan of a plan, those of tables within expressions too, the bounds on its column TimeColumn: a
// row outside of them changes nothing in the result. Scans without bounds, or whose TimeColumn is no datetime, have no
// entry. now is the value of now(), in ticks.
//
// Bounds come from the comparisons with constants in filters, and go down as far as each row goes its way alone: through
// columns that are handed on under whatever name, bins and shifts of them, groups by them, unions, and the sides of
// joins. They stop where a row that is dropped later is seen by others before: at next() and its like, take, top,
// aggregates that it goes into, the left side of innerunique, materialize, and bag_unpack and pivot, whose columns
// depend on all rows.
func Windows(p *plan.Plan, now int64) map[*plan.Scan]plan.Window {
	w := &windower{
		fold: newFolder(&eval.Env{Now: now}), found: map[*plan.Scan]plan.Window{},
		seen: map[*plan.Scan]bool{},
	}
	w.exprs = newWalker(func(x plan.Expr) {
		if sub, ok := x.(*plan.Sub); ok {
			w.down(sub.Op, nil)
		}
	})
	w.down(p.Root, nil)
	for _, param := range p.Params {
		w.exprs.walk(param.Default)
	}
	return w.found
}

// bounds are those on columns, by ID. A column without is not bounded. Each says that a row with another value, or
// null, is not needed.
type bounds map[int]span

// span is the values from lo to hi, both included: ticks or whole numbers. It is empty where lo > hi.
type span struct{ lo, hi int64 }

var unbound = span{math.MinInt64, math.MaxInt64}

func (s span) both(o span) span { return span{max(s.lo, o.lo), min(s.hi, o.hi)} }

// hull is the least span that holds both.
func (s span) hull(o span) span {
	switch {
	case s.lo > s.hi:
		return o
	case o.lo > o.hi:
		return s
	}
	return span{min(s.lo, o.lo), max(s.hi, o.hi)}
}

func (b bounds) add(id int, s span) {
	if s == unbound {
		return
	}
	if have, ok := b[id]; ok {
		s = have.both(s)
	}
	b[id] = s
}

type windower struct {
	fold  *mapper
	found map[*plan.Scan]plan.Window
	seen  map[*plan.Scan]bool
	exprs *walker
}

// down takes the bounds on the columns of a step to its source.
func (w *windower) down(op plan.Op, b bounds) {
	for op != nil {
		exprsOf(op, w.exprs.walk)
		switch step := op.(type) { //nolint:exhaustive // the others have one input
		case *plan.Scan:
			w.scan(step, b)
			return
		case *plan.Union:
			w.union(step, b)
			return
		case *plan.Join:
			w.join(step, b)
			return
		default:
			b = w.through(op, b)
			op = inputOf(op)
		}
	}
}

// through gives the bounds on the input of a step that follow from those on its columns.
func (w *windower) through(op plan.Op, b bounds) bounds {
	switch op := op.(type) { //nolint:exhaustive // all others stop the bounds
	case *plan.Filter:
		out := bounds{}
		for id, s := range b {
			out.add(id, s)
		}
		w.condition(w.fold.expr(op.Pred), out)
		return out
	case *plan.Project:
		return w.project(op, b)
	case *plan.Sort, *plan.Serialize, *plan.Parse, *plan.ParseKv, *plan.MvExpand:
		return b // columns that these make have IDs of their own
	case *plan.MvApply:
		w.down(op.Sub, nil)
		return b
	case *plan.Aggregate:
		return w.assigned(op.Keys, b)
	case *plan.Partition:
		w.down(op.Sub, nil)
	}
	return nil
}

func (w *windower) project(op *plan.Project, b bounds) bounds {
	if len(b) == 0 {
		return nil
	}
	sees := newWalker(nil)
	others := false
	sees.visit = func(x plan.Expr) {
		_, win := x.(*plan.Win)
		others = others || win
	}
	for i := range op.Cols {
		sees.walk(op.Cols[i].X)
	}
	if others {
		return nil
	}
	return w.assigned(op.Cols, b)
}

// assigned turns bounds on columns into those on what they are computed from.
func (w *windower) assigned(list []plan.Assign, b bounds) bounds {
	out := bounds{}
	for i := range list {
		if s, ok := b[list[i].Col.ID]; ok {
			w.bound(list[i].X, s, out)
		}
	}
	return out
}

func (w *windower) scan(op *plan.Scan, b bounds) {
	if w.seen[op] { // at two places: what one needs the other may not
		delete(w.found, op)
		return
	}
	w.seen[op] = true
	for _, col := range op.Columns {
		if col.Name != TimeColumn || col.Type != kql.TypeDateTime {
			continue
		}
		s, ok := b[col.ID]
		if win := s.window(); ok && win != (plan.Window{}) {
			w.found[op] = win
		}
	}
}

// window makes a window of ticks. One that holds nothing holds the first tick at most.
func (s span) window() plan.Window {
	s = s.both(span{0, eval.MaxDatetime})
	if s.lo > s.hi {
		return plan.Window{From: math.MaxInt64, To: math.MaxInt64}
	}
	win := plan.Window{From: s.lo}
	if s.hi < eval.MaxDatetime {
		win.To = max(s.hi, 1) // 0 would be no end
	}
	return win
}

func (w *windower) union(op *plan.Union, b bounds) {
	for i := range op.Inputs {
		in := bounds{}
		for j, id := range op.Inputs[i].From {
			if s, ok := b[op.Cols[j].ID]; ok && id != 0 {
				in.add(id, s)
			}
		}
		w.down(op.Inputs[i].Op, in)
	}
}

// join hands bounds to the side that has the column. A side whose rows are dropped makes rows of the other side go
// without a match, but those have null in the bounded column, and null is never wanted.
func (w *windower) join(op *plan.Join, b bounds) {
	left, right := bounds{}, bounds{}
	for id, s := range b {
		switch {
		case has(plan.Columns(op.Right), id):
			right.add(id, s)
		case op.Kind != plan.InnerUnique: // there a row that is dropped would let another take its place
			left.add(id, s)
		}
	}
	w.down(op.Right, right)
	w.down(op.Left, left)
}

func has(cols []plan.Column, id int) bool {
	return slices.ContainsFunc(cols, func(c plan.Column) bool { return c.ID == id })
}

// constant gives the value of a constant datetime, timespan or whole number.
func (w *windower) constant(x plan.Expr) (int64, bool) {
	lit, ok := w.fold.expr(x).(*plan.Lit)
	if !ok || lit.Null || !isWhole(lit.Type) {
		return 0, false
	}
	return lit.Int, true
}

func isWhole(t plan.Type) bool {
	return t == kql.TypeDateTime || t == kql.TypeTimespan || t == kql.TypeLong || t == kql.TypeInt
}

// condition adds the bounds of a condition that must be true.
func (w *windower) condition(x plan.Expr, out bounds) {
	call, ok := x.(*plan.Call)
	if !ok {
		return
	}
	switch call.Fn { //nolint:exhaustive // the others bound nothing
	case plan.FnAnd:
		for _, a := range call.Args {
			w.condition(a, out)
		}
	case plan.FnOr:
		w.either(call.Args, out)
	case plan.FnBetween:
		w.between(call.Args, out)
	case plan.FnEq, plan.FnLt, plan.FnLe, plan.FnGt, plan.FnGe:
		x, y, fn := call.Args[0], call.Args[1], call.Fn
		if plan.Const(x) {
			x, y, fn = y, x, mirrored(fn)
		}
		if v, ok := w.constant(y); ok && plan.TypeOf(x) == plan.TypeOf(y) {
			w.bound(x, spanOf(fn, v), out)
		}
	}
}

// mirrored gives the comparison with its sides changed.
func mirrored(fn plan.Fn) plan.Fn {
	switch fn { //nolint:exhaustive // the others are the same both ways
	case plan.FnLt:
		return plan.FnGt
	case plan.FnLe:
		return plan.FnGe
	case plan.FnGt:
		return plan.FnLt
	case plan.FnGe:
		return plan.FnLe
	}
	return fn
}

var none = span{math.MaxInt64, math.MinInt64}

// spanOf is what is fn v.
func spanOf(fn plan.Fn, v int64) span {
	switch fn { //nolint:exhaustive // the caller has no others
	case plan.FnLt:
		if v == math.MinInt64 {
			return none
		}
		return span{math.MinInt64, v - 1}
	case plan.FnLe:
		return span{math.MinInt64, v}
	case plan.FnGt:
		if v == math.MaxInt64 {
			return none
		}
		return span{v + 1, math.MaxInt64}
	case plan.FnGe:
		return span{v, math.MaxInt64}
	case plan.FnEq:
		return span{v, v}
	}
	return unbound
}

// either adds the hulls of what all alternatives bound.
func (w *windower) either(args []plan.Expr, out bounds) {
	var all bounds
	for i, a := range args {
		one := bounds{}
		w.condition(a, one)
		if i == 0 {
			all = one
			continue
		}
		for id, s := range all {
			other, ok := one[id]
			if !ok {
				delete(all, id)
				continue
			}
			all[id] = s.hull(other)
		}
	}
	for id, s := range all {
		out.add(id, s)
	}
}

// between is x between (low .. high); of a datetime, high may be a length of time from low.
func (w *windower) between(args []plan.Expr, out bounds) {
	t := plan.TypeOf(args[0])
	s := unbound
	low, okLow := w.constant(args[1])
	if okLow && plan.TypeOf(args[1]) == t {
		s.lo = low
	}
	high, okHigh := w.constant(args[2])
	switch {
	case !okHigh:
	case plan.TypeOf(args[2]) == t:
		s.hi = high
	case okLow && plan.TypeOf(args[2]) == kql.TypeTimespan && t == kql.TypeDateTime:
		if sum := low + high; (high >= 0) == (sum >= low) {
			s.hi = sum
		}
	}
	w.bound(args[0], s, out)
}

// bound adds what follows for columns from the bounds on an expression: those of a column itself, of a start of a span of
// time in which it lies, or of a sum with a constant.
func (w *windower) bound(x plan.Expr, s span, out bounds) {
	if s == unbound {
		return
	}
	switch x := x.(type) { //nolint:exhaustive // the others say nothing of columns
	case *plan.Col:
		if isWhole(x.Type) {
			out.add(x.ID, s)
		}
	case *plan.Call:
		w.boundCall(x, s, out)
	}
}

func (w *windower) boundCall(x *plan.Call, s span, out bounds) {
	switch x.Fn { //nolint:exhaustive // the others are not undone
	case plan.FnBin:
		size, ok := w.constant(x.Args[1])
		if ok && size > 0 && isWhole(plan.TypeOf(x.Args[0])) {
			w.bound(x.Args[0], s.within(size), out)
		}
	case plan.FnStartofday, plan.FnStartofweek, plan.FnStartofmonth, plan.FnStartofyear:
		if len(x.Args) == 1 {
			w.bound(x.Args[0], s.within(longest[x.Fn]), out)
		}
	case plan.FnTodatetime:
		if plan.TypeOf(x.Args[0]) == kql.TypeDateTime {
			w.bound(x.Args[0], s, out)
		}
	case plan.FnAdd, plan.FnSub:
		w.boundSum(x, s, out)
	}
}

// boundSum undoes t + length, t - length and moment - t.
func (w *windower) boundSum(x *plan.Call, s span, out bounds) {
	first, second := plan.TypeOf(x.Args[0]), plan.TypeOf(x.Args[1])
	by, ok := w.constant(x.Args[1])
	switch {
	case first != kql.TypeDateTime:
	case ok && second == kql.TypeTimespan && by != math.MinInt64:
		if x.Fn == plan.FnSub {
			by = -by
		}
		w.bound(x.Args[0], s.shifted(by), out)
	case x.Fn == plan.FnSub && second == kql.TypeDateTime:
		if from, ok := w.constant(x.Args[0]); ok {
			w.bound(x.Args[1], s.before(from), out)
		}
	}
}

// longest are the longest spans of time, in ticks, between two starts.
var longest = map[plan.Fn]int64{ //nolint:exhaustive // the others are no starts
	plan.FnStartofday: day, plan.FnStartofweek: 7 * day, plan.FnStartofmonth: 31 * day, plan.FnStartofyear: 366 * day,
}

const (
	second = 10_000_000
	day    = 24 * 60 * 60 * second
)

// within gives the values whose start lies in the span, where they lie less than size after it.
func (s span) within(size int64) span {
	if s.hi <= math.MaxInt64-size {
		s.hi += size - 1
	} else {
		s.hi = math.MaxInt64
	}
	return s
}

// shifted gives the values that lie in the span once by is added to them.
func (s span) shifted(by int64) span {
	if s.lo != math.MinInt64 {
		s.lo = minus(s.lo, by)
	}
	if s.hi != math.MaxInt64 {
		s.hi = minus(s.hi, by)
	}
	return s
}

// before gives the times from which the span leads to a moment.
func (s span) before(moment int64) span {
	out := unbound
	if s.hi != math.MaxInt64 {
		out.lo = minus(moment, s.hi)
	}
	if s.lo != math.MinInt64 {
		out.hi = minus(moment, s.lo)
	}
	return out
}

// minus subtracts, and stops at the ends.
func minus(a, b int64) int64 {
	d := a - b
	switch {
	case b > 0 && d > a:
		return math.MinInt64
	case b < 0 && d < a:
		return math.MaxInt64
	}
	return d
}
