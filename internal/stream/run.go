package stream

import (
	"context"
	"errors"
	"fmt"

	"drumbeat/internal/eval"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// Run gives the rows of a plan. Where the limit on rows is reached it gives the table cut there, and a *LimitError.
// It returns the cause of ctx when that is done, with the rows that there were until then, or nil. src may be nil for plans that read no table. One plan may be run by several
// goroutines at once.
func Run(ctx context.Context, p *plan.Plan, src Source, o Options) (*table.Table, error) {
	x := newExec(ctx, src, o)
	x.setParams(p.Params)
	root, err := x.compile(p.Root, 0)
	if err != nil {
		return nil, err
	}
	slots := make([]int, 0, len(p.Out)+1)
	for _, col := range p.Out {
		slot, ok := root.slots[col.ID]
		if !ok {
			return nil, fmt.Errorf("BUG: stream: the result's column c%d %s", col.ID, col.Name)
		}
		slots = append(slots, slot)
	}
	rest, open := root.slots[openID]
	if open = open && p.Open; open {
		slots = append(slots, rest)
	}
	result := newResult(p.Out, open)
	result.first = x.unpacked
	max := o.Limits.Rows
	cut := errors.New("rows are cut")
	row := make(Row, len(slots))
	err = root.run(func(rows []Row) error {
		for _, r := range rows {
			if max > 0 && result.Len() >= max {
				return cut
			}
			for i, s := range slots {
				row[i] = r[s]
			}
			if err := x.hold(result.append(row)); err != nil {
				return err
			}
		}
		return x.fault()
	})
	if err == nil {
		err = x.fault()
	}
	switch {
	case errors.Is(err, cut):
		return result.Table(), &LimitError{Limit: "rows", Max: int64(max)}
	case err != nil && ctx.Err() != nil && result.Len() > 0:
		return result.Table(), err
	case err != nil:
		return nil, err
	}
	return result.Table(), nil
}

// exec is one run of a plan: what its steps share.
type exec struct {
	ctx    context.Context // an exec lives as long as its one run
	src    Source
	o      Options
	env    *eval.Env
	params map[string]eval.Value
	subs   map[*plan.Sub]*subResult
	consts map[plan.Expr]value
	shared map[int]*sharedTable
	// unpacked are the names of the columns that bag_unpack took apart. A key of that name stands before the others.
	unpacked map[string]bool
	// given are the rows that a Rows stands for, in the sub-query that is being compiled.
	given *given

	held  int64
	ticks int
}

func newExec(ctx context.Context, src Source, o Options) *exec {
	return &exec{
		ctx: ctx, src: src, o: o, env: &eval.Env{Now: o.Now},
		subs: map[*plan.Sub]*subResult{}, consts: map[plan.Expr]value{}, shared: map[int]*sharedTable{}, unpacked: map[string]bool{},
	}
}

// setParams gives the parameters of the query their defaults.
func (x *exec) setParams(params []plan.Param) {
	x.params = make(map[string]eval.Value, len(params))
	for _, p := range params {
		if p.Default == nil {
			continue
		}
		if f, err := x.scope(layout{}).compile(p.Default); err == nil {
			x.params[p.Name] = eval.Convert(f(nil), p.Type)
		}
	}
}

// hold counts bytes that the query keeps.
func (x *exec) hold(bytes int64) error {
	x.held += bytes
	if limit := x.o.Limits.Memory; limit > 0 && x.held > limit {
		return &LimitError{Limit: "memory", Max: limit}
	}
	return x.tick()
}

func (x *exec) release(bytes int64) { x.held -= bytes }

// ticksPerCheck is how many rows pass between looks at the context.
const ticksPerCheck = 512

// tick is called for each row that a step makes or keeps.
func (x *exec) tick() error {
	x.ticks++
	if x.ticks%ticksPerCheck != 0 {
		return nil
	}
	return x.done()
}

// done gives the cause of the context's end.
func (x *exec) done() error {
	if x.ctx.Err() == nil {
		return nil
	}
	return context.Cause(x.ctx)
}

// fault gives what ends the run besides errors of steps: the context, or a function such as assert.
func (x *exec) fault() error {
	if x.env.Err != nil {
		return x.env.Err
	}
	return x.done()
}

// fanout counts the rows that one step makes.
type fanout struct {
	x *exec
	n int
}

func (f *fanout) add(n int) error {
	f.n += n
	if limit := f.x.o.Limits.Fanout; limit > 0 && f.n > limit {
		return &LimitError{Limit: "fan-out", Max: int64(limit)}
	}
	return nil
}

// unsupported is an error of a plan that this engine does not run.
func unsupported(what string) error {
	return fmt.Errorf("%s is not supported by the native engine", what)
}
