package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"drumbeat/internal/beat"
	"drumbeat/internal/catalog"
	"drumbeat/internal/eval"
	"drumbeat/internal/ingest"
	"drumbeat/internal/rewrite"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// The engines of --engine.
const (
	engineAuto   = "auto"
	engineNative = "native"
	engineDuckDB = "duckdb"
)

// runPlan is what every engine is.
type runPlan func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (*table.Table, error)

// openDuckDB makes DuckDB ready for the queries of a verb; it is nil in a program that was built without. What it gives
// is closed by close.
type openDuckDB func(q *queryFlags) (run runPlan, close func() error, err error)

// queryFlags are the flags of verbs that run queries: the files of their tables, the engine and the limits.
type queryFlags struct {
	tables, watchlists, externals, functions []string
	emptyExternals                           bool

	engine  string
	maxRows int64
	memory  byteSize
	fanout  int64
	timeout duration
	workers int

	progress func(n int64) // told of bytes of logs as they are read, or nil
}

// newQueryFlags gives the flags as they are where nobody sets them.
func newQueryFlags() queryFlags {
	return queryFlags{
		engine: engineAuto, maxRows: 500_000, memory: 1 << 30, fanout: 10_000_000, timeout: duration(10 * time.Minute),
		workers: runtime.GOMAXPROCS(0), emptyExternals: true,
	}
}

// queryFlags adds the flags to a verb. emptyExternals is what the verb does with externaldata that has no file: a rule
// runs on, as with other tables of threat intelligence that hold nothing; a query that a person writes is refused.
func (a *app) queryFlags(cmd *cobra.Command, q *queryFlags, emptyExternals bool) {
	*q = newQueryFlags()
	q.emptyExternals = emptyExternals
	f := cmd.Flags()
	f.StringArrayVar(&q.tables, "table", nil, "fill a table from a file: `NAME=FILE`, CSV, JSON or Parquet; types can be stated, 'NAME(COLUMN:TYPE, …)=FILE'; may be repeated")
	f.StringArrayVar(&q.watchlists, "watchlist", nil,
		"give _GetWatchlist a file: `ALIAS=FILE`, or ALIAS:COLUMN=FILE with the column of its SearchKey; may be repeated")
	f.StringArrayVar(&q.externals, "external", nil,
		"read FILE where externaldata names the address URL: `URL=FILE`; may be repeated")
	f.StringArrayVar(&q.functions, "function", nil,
		"let queries call a function whose text is in a file: `NAME=FILE`, with its parameters, \"(a:string, n:long = 5) { … }\", its body alone, or a YAML file with ParserQuery or FunctionQuery; may be repeated")
	f.BoolVar(&q.emptyExternals, "empty-externals", emptyExternals, "take externaldata without a file as empty, with a warning, instead of refusing it")
	f.Var(newChoice(&q.engine, engineAuto, engineNative, engineDuckDB), "engine",
		"run queries by this `ENGINE`: auto (the one that suits), native or duckdb")
	completeWith(cmd, "engine", engineAuto, engineNative, engineDuckDB)
	f.Int64Var(&q.maxRows, "max-rows", q.maxRows, "give at most `N` rows of a result; 0 is no limit")
	f.Var(&q.memory, "memory", "let a query use about this much memory, at most")
	f.Int64Var(&q.fanout, "max-fan-out", q.fanout, "let one step of a query make at most `N` rows of what it is given; 0 is no limit")
	f.Var(&q.timeout, "timeout", "end a query after this `TIME`; 0 is no limit")
	f.IntVar(&q.workers, "workers", q.workers, "parse with `N` goroutines; results do not depend on it")
}

// check finds flags that make no sense.
func (q *queryFlags) check() error {
	switch {
	case q.maxRows < 0:
		return usageError("--max-rows %d: want 0 or more", q.maxRows)
	case q.fanout < 0:
		return usageError("--max-fan-out %d: want 0 or more", q.fanout)
	case q.memory < 1<<20:
		return usageError("--memory %s: want 1MiB or more", q.memory.String())
	case q.workers < 1 || q.workers > 1024:
		return usageError("--workers %d: want a number from 1 to 1024", q.workers)
	case q.engine == engineDuckDB && duckDB == nil:
		return usageError("--engine duckdb: this program was built without DuckDB")
	}
	return nil
}

// catalog makes the tables of queries over the log files of paths. Whoever calls it closes it.
func (a *app) catalog(q *queryFlags, in *inputFlags, paths []string, window plan.Window) (*catalog.Catalog, error) {
	o := catalog.Options{
		Paths: paths, Stdin: a.stdin, Parse: in.options(), Workers: q.workers, Window: window,
		Warn: func(text string) { a.warnf("%s", text) }, Note: func(text string) { a.notef("%s", text) }, EmptyExternals: q.emptyExternals, Progress: q.progress,
	}
	for _, list := range []struct {
		flag, name string
		values     []string
		add        func(name, file string)
	}{
		{"table", "NAME", q.tables, func(n, f string) { o.Tables = append(o.Tables, catalog.File{Name: n, Path: f}) }},
		{"external", "URL", q.externals, func(n, f string) { o.Externals = append(o.Externals, catalog.File{Name: n, Path: f}) }},
		{"function", "NAME", q.functions, func(n, f string) { o.Functions = append(o.Functions, catalog.File{Name: n, Path: f}) }},
		{"watchlist", "ALIAS", q.watchlists, func(n, f string) {
			alias, key, _ := strings.Cut(n, ":")
			o.Watchlists = append(o.Watchlists, catalog.Watchlist{Alias: alias, Key: key, Path: f})
		}},
	} {
		for _, v := range list.values {
			at := strings.LastIndexByte(v, '=') // an address may hold others
			if at <= 0 || at == len(v)-1 {
				return nil, usageError("--%s %q: want %s=FILE", list.flag, v, list.name)
			}
			list.add(v[:at], v[at+1:])
		}
	}
	c, err := catalog.New(o)
	if err != nil {
		return nil, exitWith(exitInput, fmt.Errorf("reading the tables: %w", err))
	}
	return c, nil
}

// engineChoice is an engine for a plan, and why it was chosen.
type engineChoice struct {
	name string
	why  string
	run  runPlan
	// spare runs what the first had too little memory for, or is nil.
	spare runPlan
}

// choose finds the engine for a plan that is folded. p is what stands for it where it is run step by step.
func (q *queryFlags) choose(p, full *plan.Plan, now int64) (engineChoice, error) {
	missing := stream.Supports(p)
	shape, isDelta := rewrite.Delta(full, now)
	duck := q.duckDB()
	switch {
	case q.engine == engineDuckDB:
		return engineChoice{name: engineDuckDB, why: "--engine asks for it", run: duck}, nil
	case isDelta && stream.Supports(shape.Rest) == nil:
		return engineChoice{
			name: engineNative, run: q.delta(shape),
			why: "the query has the shape of the founding rule, for which it has a detector that is made for it",
		}, nil
	case q.engine == engineNative && missing != nil:
		return engineChoice{}, fmt.Errorf("the native engine cannot run this query: %w", missing)
	case q.engine == engineNative:
		return engineChoice{name: engineNative, why: "--engine asks for it", run: stream.Run}, nil
	case missing == nil:
		return engineChoice{name: engineNative, why: "it has every operator and function of the query", run: stream.Run, spare: duck}, nil
	case duck == nil:
		return engineChoice{}, fmt.Errorf("the native engine cannot run this query, and this program was built without DuckDB: %w", missing)
	}
	return engineChoice{name: engineDuckDB, why: fmt.Sprintf("the native engine cannot run it: %v", missing), run: duck}, nil
}

// duckDB runs plans by a DuckDB that is opened for each; it is nil where there is none.
func (q *queryFlags) duckDB() runPlan {
	if duckDB == nil {
		return nil
	}
	return func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (t *table.Table, err error) {
		run, closeDB, err := duckDB(q)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, closeDB()) }()
		return run(ctx, p, src, o)
	}
}

// flowSource is a source that gives TRAFFIC records as batches.
type flowSource interface {
	Flows(ctx context.Context, w plan.Window, sink func() ingest.Sink) error
}

// delta runs a plan with the shape of the founding rule by the detector that is made for it. A source without batches
// has its rows put through the steps of the plan, by the native engine.
func (q *queryFlags) delta(shape *rewrite.Shape) runPlan {
	return func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (t *table.Table, err error) {
		flows, ok := src.(flowSource)
		if !ok {
			return stream.Run(ctx, p, src, o)
		}
		sorter := beat.NewSorter(beat.SorterOptions{Memory: int64(q.memory)})
		defer func() { err = errors.Join(err, sorter.Close()) }()
		var mu sync.Mutex
		var writers []*beat.SorterWriter
		err = flows.Flows(ctx, shape.Window, func() ingest.Sink {
			w := sorter.Writer()
			mu.Lock()
			defer mu.Unlock()
			writers = append(writers, w)
			return w
		})
		if err != nil {
			return nil, err
		}
		for _, w := range writers {
			if err := w.Close(); err != nil {
				return nil, err
			}
		}
		found, err := beat.Run(ctx, sorter, q.workers, []beat.Delta{shape.Rule})
		if err != nil {
			return nil, err
		}
		return stream.Run(ctx, shape.Rest, &deltaSource{Source: src, rows: shape.Rows(found.Rows[0])}, o)
	}
}

// deltaSource has the rows of the detector as a table of its own.
type deltaSource struct {
	stream.Source
	rows []stream.Row
}

// Scan gives the rows of a table.
func (s *deltaSource) Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	if scan.Table != rewrite.DeltaTable {
		return s.Source.Scan(ctx, scan, w, emit)
	}
	if len(s.rows) == 0 {
		return ctx.Err()
	}
	return emit(s.rows)
}

// prepared is a plan made ready to run at a time.
type prepared struct {
	plan    *plan.Plan
	windows map[*plan.Scan]plan.Window
	choice  engineChoice
	now     int64
}

// prepare computes what is constant in a plan, takes out what nothing reads, and chooses the engine.
func (q *queryFlags) prepare(p *plan.Plan, now int64) (*prepared, error) {
	folded := rewrite.Fold(p, &eval.Env{Now: now})
	pruned := rewrite.Prune(folded)
	choice, err := q.choose(pruned, folded, now)
	if err != nil {
		return nil, err
	}
	return &prepared{plan: pruned, windows: rewrite.Windows(pruned, now), choice: choice, now: now}, nil
}

// querier gives a func that runs plans over the rows of a source: w bounds the times of the rows that are wanted, and now
// is the value of now(), in ticks. A result that a limit has cut comes with a stream.LimitError.
func (a *app) querier(src stream.Source, q *queryFlags) func(ctx context.Context, p *plan.Plan, w plan.Window, now int64) (*table.Table, error) {
	return func(ctx context.Context, p *plan.Plan, w plan.Window, now int64) (*table.Table, error) {
		ready, err := q.prepare(p, now)
		if err != nil {
			return nil, err
		}
		return a.runPrepared(ctx, ready, src, q, w)
	}
}

// runPrepared runs a plan.
func (a *app) runPrepared(ctx context.Context, ready *prepared, src stream.Source, q *queryFlags, w plan.Window) (*table.Table, error) {
	if q.timeout > 0 {
		// The limit counts in seconds, and one that is below a second counts as one.
		limit := &stream.LimitError{Limit: "time", Max: max(int64(time.Duration(q.timeout)/time.Second), 1)}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(q.timeout), limit)
		defer cancel()
	}
	o := stream.Options{
		Now:    ready.now,
		Limits: stream.Limits{Rows: int(q.maxRows), Memory: int64(q.memory), Fanout: int(q.fanout)},
		Window: func(scan *plan.Scan) plan.Window { return ready.windows[scan].Both(w) },
	}
	t, err := patiently(ctx, func() (*table.Table, error) { return ready.choice.run(ctx, ready.plan, src, o) })
	if limit, ok := errors.AsType[*stream.LimitError](err); ok && limit.Limit == "memory" && ready.choice.spare != nil {
		a.notef("the native engine needs more than --memory %s: DuckDB takes over", q.memory.String())
		t, err = patiently(ctx, func() (*table.Table, error) { return ready.choice.spare(ctx, ready.plan, src, o) })
		ready.choice.name = engineDuckDB
	}
	if cause := context.Cause(ctx); err != nil && ctx.Err() != nil && cause != nil {
		err = cause
	}
	return t, err
}

// patience is how long a query that was asked to stop may take for it.
const patience = 3 * time.Second

// patiently runs a query, and leaves it behind where it does not stop when its context ends: a database that plans, a
// function over millions of values, and a pipe that nobody writes to do not listen.
func patiently(ctx context.Context, run func() (*table.Table, error)) (*table.Table, error) {
	type result struct {
		t   *table.Table
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		r.err = safely(func() error {
			var err error
			r.t, err = run()
			return err
		})
		done <- r
	}()
	select {
	case r := <-done:
		return r.t, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.t, r.err
	case <-time.After(patience):
		return nil, context.Cause(ctx)
	}
}
