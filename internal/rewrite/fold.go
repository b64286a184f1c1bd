package rewrite

import (
	"slices"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Fold computes what is the same for all rows: now() and ago(), values of let statements, arithmetic of constants. What
// depends on the query's parameters stays, as does what [eval] has no Go form of. A function that ends a query, such
// as assert, stays too, so that it does so only if a row gets there.
func Fold(p *plan.Plan, env *eval.Env) *plan.Plan {
	f := newFolder(env)
	out := *p
	out.Root = f.op(p.Root)
	out.Params = slices.Clone(p.Params)
	for i := range out.Params {
		out.Params[i].Default = f.expr(out.Params[i].Default)
	}
	return &out
}

func newFolder(env *eval.Env) *mapper {
	return newMapper(func(x plan.Expr) plan.Expr {
		call, ok := x.(*plan.Call)
		if !ok {
			return x
		}
		if call.Fn == plan.FnAnd || call.Fn == plan.FnOr {
			return foldLogic(call)
		}
		if lit, ok := foldCall(env, call); ok {
			return lit
		}
		return x
	})
}

// foldCall computes a call whose arguments are literals.
func foldCall(env *eval.Env, call *plan.Call) (*plan.Lit, bool) {
	if !plan.Const(call) || !foldable(call) {
		return nil, false
	}
	f, ok := eval.Scalar(call.Fn)
	if !ok {
		return nil, false
	}
	args := make([]eval.Value, len(call.Args))
	for i, a := range call.Args {
		lit, ok := a.(*plan.Lit)
		if !ok {
			return nil, false
		}
		args[i] = eval.Literal(lit)
	}
	before := env.Err
	env.Err = nil
	v := f(env, call.Type, args)
	failed := env.Err != nil
	env.Err = before
	if failed { // it is for the run to fail
		return nil, false
	}
	return literal(v, call.Type)
}

// foldable reports whether a call gives one value that a literal can hold.
func foldable(call *plan.Call) bool {
	switch call.Type { //nolint:exhaustive // the others can be written out
	case kql.TypeUnknown, kql.TypeDynamic:
		return false // a dynamic may hold what JSON cannot tell apart, such as a datetime
	}
	switch call.Fn { //nolint:exhaustive // the others are functions of their arguments
	case plan.FnItem, plan.FnIngestionTime:
		return false
	}
	return !call.Fn.Info().Is(plan.FlagRandom)
}

// literal writes a value out.
func literal(v eval.Value, t plan.Type) (*plan.Lit, bool) {
	info := plan.Info{Type: t, NonNull: !v.IsNull() || t == kql.TypeString, Const: true}
	if v.IsNull() {
		return &plan.Lit{Info: info, Null: t != kql.TypeString}, true
	}
	if v.Type() != t {
		return nil, false
	}
	lit := &plan.Lit{Info: info}
	switch t {
	case kql.TypeBool:
		lit.Bool = v.Bool()
	case kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		lit.Int = v.Int()
	case kql.TypeReal:
		lit.Real = v.Real()
	case kql.TypeString, kql.TypeGuid, kql.TypeDecimal:
		lit.Str = v.Str()
	case kql.TypeDynamic, kql.TypeUnknown:
		return nil, false
	}
	return lit, true
}

// foldLogic drops what decides nothing in and and or, and gives the literal that decides all.
func foldLogic(call *plan.Call) plan.Expr {
	decides := call.Fn == plan.FnOr // true decides or, false decides and
	var args []plan.Expr
	for _, a := range call.Args {
		lit, ok := a.(*plan.Lit)
		switch {
		case !ok || lit.Null || lit.Type != kql.TypeBool:
			args = append(args, a)
		case lit.Bool == decides:
			return lit
		}
	}
	switch {
	case len(args) == len(call.Args):
		return call
	case len(args) == 0:
		lit, _ := literal(eval.Bool(!decides), kql.TypeBool)
		return lit
	case len(args) == 1 && plan.TypeOf(args[0]) == kql.TypeBool:
		return args[0]
	case len(args) == 1: // a dynamic is no bool by itself
		return call
	}
	return &plan.Call{Info: call.Info, Fn: call.Fn, Args: args}
}
