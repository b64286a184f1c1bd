package stream

import (
	"fmt"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// value computes an expression for a row.
type value func(row Row) eval.Value

// scope compiles the expressions of one step.
type scope struct {
	x   *exec
	in  layout
	win map[*plan.Win]int // the slots of window functions, which are computed before
	// uses counts how often each call stands in the step's expressions: trees may share parts, and what is shared is
	// computed once a row.
	uses   map[*plan.Call]int
	shared map[*plan.Call]value
	row    uint64 // a number for each row, where something is shared
}

// scope gives a scope for expressions over rows of a layout.
func (x *exec) scope(in layout, exprs ...plan.Expr) *scope {
	s := &scope{x: x, in: in, win: map[*plan.Win]int{}, uses: map[*plan.Call]int{}, shared: map[*plan.Call]value{}}
	for _, e := range exprs {
		s.count(e)
	}
	return s
}

func (s *scope) count(e plan.Expr) {
	switch e := e.(type) {
	case *plan.Call:
		s.uses[e]++
		if s.uses[e] == 1 {
			for _, a := range e.Args {
				s.count(a)
			}
		}
	case *plan.Win:
		for _, a := range e.Args {
			s.count(a)
		}
	case *plan.Agg:
		for _, a := range e.Args {
			s.count(a)
		}
	case *plan.Col, *plan.Lit, *plan.ParamRef, *plan.Sub:
	}
}

// next must be called before the expressions are computed for another row.
func (s *scope) next() { s.row++ }

// list compiles several expressions.
func (s *scope) list(exprs []plan.Expr) ([]value, error) {
	all := make([]value, len(exprs))
	for i, e := range exprs {
		var err error
		if all[i], err = s.compile(e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// compile makes a function of an expression.
func (s *scope) compile(e plan.Expr) (value, error) {
	if plan.Const(e) {
		return s.constant(e)
	}
	switch e := e.(type) {
	case *plan.Col:
		slot, ok := s.in.slots[e.ID]
		if !ok {
			if e.Open { // no row has it
				null := eval.Null(e.Type)
				return func(Row) eval.Value { return null }, nil
			}
			return nil, fmt.Errorf("BUG: stream: column c%d %s is not among those of its step", e.ID, e.Name)
		}
		return func(row Row) eval.Value { return row[slot] }, nil
	case *plan.Call:
		return s.sharedCall(e)
	case *plan.Win:
		slot, ok := s.win[e]
		if !ok {
			return nil, unsupported(e.Fn.String() + " here")
		}
		return func(row Row) eval.Value { return row[slot] }, nil
	case *plan.Lit, *plan.ParamRef, *plan.Sub:
		return s.constant(e)
	case *plan.Agg:
	}
	return nil, fmt.Errorf("BUG: stream: %T in an expression", e)
}

// constant computes an expression when it is first asked for, and only then.
func (s *scope) constant(e plan.Expr) (value, error) {
	if f, ok := s.x.consts[e]; ok {
		return f, nil
	}
	f, err := s.constantOf(e)
	if err == nil {
		s.x.consts[e] = f
	}
	return f, err
}

func (s *scope) constantOf(e plan.Expr) (value, error) {
	fixed := func(v eval.Value) (value, error) { return func(Row) eval.Value { return v }, nil }
	switch e := e.(type) {
	case *plan.Lit:
		return fixed(eval.Literal(e))
	case *plan.ParamRef:
		v, ok := s.x.params[e.Name]
		if !ok {
			return nil, fmt.Errorf("the query's parameter %s has no value", e.Name)
		}
		return fixed(v)
	case *plan.Sub:
		sub, err := s.x.sub(e)
		if err != nil {
			return nil, err
		}
		return fixed(sub.scalar)
	case *plan.Call:
		f, err := s.call(e)
		if err != nil {
			return nil, err
		}
		var v eval.Value
		known := false
		return func(Row) eval.Value {
			if !known {
				v, known = f(nil), true
			}
			return v
		}, nil
	case *plan.Col, *plan.Win, *plan.Agg:
	}
	return nil, fmt.Errorf("BUG: stream: %T is no constant", e)
}

// sharedCall computes a call that stands at several places once a row.
func (s *scope) sharedCall(e *plan.Call) (value, error) {
	if s.uses[e] < 2 {
		return s.call(e)
	}
	if f, ok := s.shared[e]; ok {
		return f, nil
	}
	f, err := s.call(e)
	if err != nil {
		return nil, err
	}
	var last uint64
	var v eval.Value
	memo := func(row Row) eval.Value {
		if last != s.row || s.row == 0 {
			last = s.row
			v = f(row)
		}
		return v
	}
	s.shared[e] = memo
	return memo, nil
}

func (s *scope) call(e *plan.Call) (value, error) {
	switch e.Fn { //nolint:exhaustive // the others are plain functions of their arguments
	case plan.FnAnd, plan.FnOr:
		return s.chain(e)
	case plan.FnIff:
		return s.iff(e)
	case plan.FnCase:
		return s.caseOf(e)
	case plan.FnIn, plan.FnNotIn, plan.FnInCI, plan.FnNotInCI, plan.FnHasAny, plan.FnHasAll:
		return s.in3(e)
	}
	args, err := s.list(e.Args)
	if err != nil {
		return nil, err
	}
	return s.function(e, args)
}

// function calls a function of package eval.
func (s *scope) function(e *plan.Call, args []value) (value, error) {
	f, ok := eval.Scalar(e.Fn)
	if !ok {
		return nil, unsupported(e.Fn.String())
	}
	env, out := s.x.env, e.Type
	switch len(args) {
	case 1:
		a, buf := args[0], make([]eval.Value, 1)
		return func(row Row) eval.Value {
			buf[0] = a(row)
			return f(env, out, buf)
		}, nil
	case 2:
		a, b, buf := args[0], args[1], make([]eval.Value, 2)
		return func(row Row) eval.Value {
			buf[0] = a(row)
			buf[1] = b(row)
			return f(env, out, buf)
		}, nil
	}
	buf := make([]eval.Value, len(args))
	return func(row Row) eval.Value {
		for i, a := range args {
			buf[i] = a(row)
		}
		return f(env, out, buf)
	}, nil
}

// truth is what a condition says of a row.
func truth(v eval.Value) (is, null bool) {
	return v.Kind() == kql.TypeBool && v.Bool(), v.IsNull() || v.Kind() != kql.TypeBool
}

// chain is and, or or: it ends with the first value that decides.
func (s *scope) chain(e *plan.Call) (value, error) {
	args, err := s.list(e.Args)
	if err != nil {
		return nil, err
	}
	decides := e.Fn == plan.FnOr
	yes, no, none := eval.Bool(decides), eval.Bool(!decides), eval.Null(kql.TypeBool)
	return func(row Row) eval.Value {
		unknown := false
		for _, a := range args {
			is, null := truth(a(row))
			if null {
				unknown = true
			} else if is == decides {
				return yes
			}
		}
		if unknown {
			return none
		}
		return no
	}, nil
}

// as makes the value of a branch one of the type of the whole.
func as(v eval.Value, t kql.Type) eval.Value {
	if v.Type() == t || t == kql.TypeUnknown {
		return v
	}
	return eval.Convert(v, t)
}

func (s *scope) iff(e *plan.Call) (value, error) {
	args, err := s.list(e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) != 3 {
		return nil, fmt.Errorf("BUG: stream: iff with %d arguments", len(args))
	}
	cond, yes, no, t := args[0], args[1], args[2], e.Type
	return func(row Row) eval.Value {
		if is, _ := truth(cond(row)); is {
			return as(yes(row), t)
		}
		return as(no(row), t)
	}, nil
}

func (s *scope) caseOf(e *plan.Call) (value, error) {
	args, err := s.list(e.Args)
	if err != nil {
		return nil, err
	}
	if len(args)%2 != 1 {
		return nil, fmt.Errorf("BUG: stream: case with %d arguments", len(args))
	}
	t := e.Type
	return func(row Row) eval.Value {
		i := 0
		for ; i+1 < len(args); i += 2 {
			if is, _ := truth(args[i](row)); is {
				return as(args[i+1](row), t)
			}
		}
		return as(args[i](row), t)
	}, nil
}

// subResult is what a table within an expression gives.
type subResult struct {
	scalar eval.Value
	list   []eval.Value
}

// sub runs a table within an expression. It depends on no row, so it is run once, before the rows of its step.
func (x *exec) sub(s *plan.Sub) (*subResult, error) {
	if r, ok := x.subs[s]; ok {
		return r, nil
	}
	outer := x.given
	x.given = nil
	defer func() { x.given = outer }()
	in, err := x.compile(s.Op, 0)
	if err != nil {
		return nil, err
	}
	slot, ok := in.slots[s.Col.ID]
	if !ok {
		return nil, fmt.Errorf("BUG: stream: column c%d of a table in an expression", s.Col.ID)
	}
	r := &subResult{scalar: eval.Null(s.Type)}
	first := true
	err = in.run(func(rows []Row) error {
		for _, row := range rows {
			if first {
				r.scalar, first = row[slot], false
				if s.Scalar {
					return errEnough
				}
			}
			r.list = append(r.list, row[slot])
			if err := x.hold(valueBytes + contentBytes(row[slot])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !isEnough(err) {
		return nil, err
	}
	x.subs[s] = r
	return r, nil
}
