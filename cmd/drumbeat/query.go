package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/catalog"
	"drumbeat/internal/eval"
	"drumbeat/internal/rewrite"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// queryCommand makes the verb that runs queries.
func (a *app) queryCommand() *cobra.Command {
	q := &query{a: a}
	cmd := &cobra.Command{
		Use:   "query 'KQL' [PATH…]",
		Short: "Run a KQL query over firewall logs",
		Long: `Runs a query in the Kusto Query Language, as Microsoft Sentinel would, over the
tables of its workspace. CommonSecurityLog holds the records of the log files,
folders and patterns that are named, and of standard input (-);
_Im_NetworkSession and PaloAltoPANOSSyslog are views of it. Other tables are
empty unless --table gives them a file. Nothing is fetched from the network.

now() and ago() are those of --now or, without it, of the last record in the
logs: no result depends on when the query is run.`,
		Example: `  drumbeat query 'CommonSecurityLog | summarize count() by DeviceAction' /var/log/firewall
  drumbeat query --file rule.kql --now 2026-03-03 logs/*.gz
  drumbeat query 'datatable(a:int)[1, 2] | summarize sum(a)'
  drumbeat query --table Assets=assets.csv 'CommonSecurityLog
    | join kind=inner Assets on $left.SourceIP == $right.Address' traffic.log`,
		RunE: func(cmd *cobra.Command, args []string) error { return q.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVarP(&q.file, "file", "f", "", "read the query from `FILE` (-: standard input)")
	f.BoolVar(&q.explain, "explain", false, "show the plan, the engine that would run it, and why; run nothing")
	a.formatFlag(cmd, &q.format)
	a.inputFlags(cmd, &q.inputFlags)
	f.Var(&q.from, "from", "leave out records before this `TIME`")
	f.Var(&q.to, "to", "leave out records at and after this `TIME`")
	f.Var(&q.now, "now", "the `TIME` of now() and ago() (default that of the last record)")
	a.queryFlags(cmd, &q.queryFlags, false)
	return cmd
}

// query is one run of the verb.
type query struct {
	inputFlags
	queryFlags
	a        *app
	file     string
	explain  bool
	format   string
	from, to instant

	bar  *progress
	text string // the query
	name string // what it is called in remarks
}

func (q *query) run(ctx context.Context, args []string) (err error) {
	if err := q.check(); err != nil {
		return err
	}
	format, err := q.a.resolveFormat(q.format)
	if err != nil {
		return err
	}
	paths, err := q.read(args)
	if err != nil {
		return err
	}
	q.bar = newProgress(q.a, 0, "reading") // how often the query reads the logs nobody knows
	defer q.bar.Close()
	q.progress = q.bar.Add
	c, err := q.a.catalog(&q.queryFlags, &q.inputFlags, paths, recordWindow(&q.from, &q.to))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	p, err := q.a.bind(q.text, q.name, c)
	if err != nil {
		return err
	}
	now, err := q.nowOf(ctx, p, c)
	if err != nil {
		if ctx.Err() != nil {
			q.a.warnf("%s", interruptedEarly)
		}
		return err
	}
	ready, err := q.prepare(p, now)
	if err != nil {
		return exitWith(exitInvalid, err)
	}
	if q.explain {
		return q.showPlan(ready)
	}
	return q.show(ctx, ready, c, format)
}

// check finds flags that make no sense.
func (q *query) check() error {
	if q.from.set && q.to.set && !q.from.Before(q.to.Time) {
		return usageError("--from %s is not before --to %s", q.from.String(), q.to.String())
	}
	return q.queryFlags.check()
}

// recordWindow gives the window from one time, included, to another, not included.
func recordWindow(from, to *instant) plan.Window {
	var w plan.Window
	if from.set {
		w.From = traffic.Ticks(from.Time)
	}
	if to.set {
		w.To = max(traffic.Ticks(to.Time)-1, 1) // 0 would be no end
	}
	return w
}

// maxQuery bounds the text of a query that is read, in bytes: a little more than the language's own limit.
const maxQuery = 2 << 20

// read gets the query, and gives the paths that are left of the arguments.
func (q *query) read(args []string) (paths []string, err error) {
	if q.file == "" {
		if len(args) == 0 || strings.TrimSpace(args[0]) == "" {
			return nil, usageError("give a query, or --file FILE")
		}
		q.text, q.name = args[0], "query"
		return args[1:], nil
	}
	in := q.a.stdin
	q.name = showPath(q.file)
	if q.file != "-" {
		f, err := os.Open(q.file)
		if err != nil {
			return nil, exitWith(exitInput, fmt.Errorf("reading the query: %w", err))
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxQuery))
	if err != nil {
		return nil, exitWith(exitInput, fmt.Errorf("reading the query: %w", err))
	}
	q.text = strings.TrimPrefix(string(text), "\ufeff")
	return args, nil
}

// bind reads and binds a query, and shows what is wrong with it.
func (a *app) bind(text, name string, s plan.Schema) (*plan.Plan, error) {
	tree, diags := kql.Parse(text)
	var p *plan.Plan
	if !diags.HasErrors() {
		var more kql.Diagnostics
		p, more = plan.Bind(tree, s, plan.Options{External: true})
		diags = append(diags, more...)
		diags.Sort()
	}
	if len(diags) > 0 {
		a.showRemarks(diags, text, name)
	}
	if p == nil || diags.HasErrors() {
		return nil, exitWith(exitInvalid, nil)
	}
	return p, nil
}

// showRemarks writes what is to be said of a text to standard error, in the width of the terminal.
func (a *app) showRemarks(diags kql.Diagnostics, text, name string) {
	width, _ := a.stderrTerminal()
	a.writeStderr(diags.DrawWithin(text, name, width))
}

// nowOf gives the time of the run: that of --now, or of the last record where the query asks for it.
func (q *query) nowOf(ctx context.Context, p *plan.Plan, c *catalog.Catalog) (int64, error) {
	if q.now.set {
		return traffic.Ticks(q.now.Time), nil
	}
	if !usesNow(p) {
		return 0, nil
	}
	span, ok, err := c.Span(ctx)
	if err != nil {
		return 0, err
	}
	if !ok && unread(c.Report()) {
		q.a.showProblems(c.Report().Problems)
		return 0, exitWith(exitInput, nil)
	}
	if !ok {
		q.a.account(c.Report())
		return 0, usageError("the query asks for the time, and there is no record to take it from: give --now TIME")
	}
	q.a.notef("now() is %s, the time of the last record", stampText(span.To))
	return span.To, nil
}

// usesNow reports whether what a plan computes depends on now(). The times have nothing in common that a query could take
// of them.
func usesNow(p *plan.Plan) bool {
	const one, other = 630_822_816_000_000_000, 636_503_615_999_999_999 // 2000-01-01 and the end of 2017
	return rewrite.Fold(p, &eval.Env{Now: one}).String() != rewrite.Fold(p, &eval.Env{Now: other}).String()
}

// showPlan prints what --explain asks for.
func (q *query) showPlan(ready *prepared) error {
	text := fmt.Sprintf("%s\n\nengine: %s, because %s\n", strings.TrimRight(ready.plan.String(), "\n"), ready.choice.name, ready.choice.why)
	if _, err := io.WriteString(q.a.stdout, printableLines(text)); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// show runs a plan and prints its rows.
func (q *query) show(ctx context.Context, ready *prepared, c *catalog.Catalog, format string) error {
	t, err := q.a.runPrepared(ctx, ready, c, &q.queryFlags, plan.Window{})
	q.bar.Close()
	limit, interrupted := asLimit(err), ctx.Err() != nil && errors.Is(err, context.Canceled)
	if err != nil && limit == nil && !interrupted {
		return queryError(err)
	}
	r := c.Report()
	if t != nil && !unread(r) {
		if err := q.a.writeTable(t, format, table.TextOptions{Hint: "use project, or --format json"}); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	lost := q.a.showProblems(r.Problems)
	q.summary(t, ready, r)
	switch {
	case interrupted && t != nil:
		q.a.warnf("interrupted: the result is partial, %s", shownRows(t))
		return err
	case interrupted:
		q.a.warnf("%s", interruptedEarly)
		return err
	case limit != nil:
		return q.limitError(limit, shownRows(t))
	case lost:
		return exitWith(exitInput, nil)
	case q.strict && r.Counts.Rejects() > 0:
		return strictError(r.Counts.Rejects())
	}
	return nil
}

// interruptedEarly is said of a query that was interrupted before any row of its result was known.
const interruptedEarly = "interrupted: there is no partial result, since no row was known yet"

// shownRows says what there is of a result, which may be nil.
func shownRows(t *table.Table) string {
	switch {
	case t == nil:
		return "no rows are shown"
	case t.Len() == 1:
		return "the first row is shown"
	}
	return fmt.Sprintf("the first %s are shown", plural(int64(t.Len()), "row"))
}

// queryError says what is to be said of a query that failed while it ran.
func queryError(err error) error {
	if _, chosen := errors.AsType[*exitError](err); chosen {
		return err
	}
	return exitWith(exitInvalid, fmt.Errorf("running the query: %w", err))
}

// summary says what was read and how.
func (q *query) summary(t *table.Table, ready *prepared, r *catalog.Report) {
	rows := int64(0)
	if t != nil {
		rows = int64(t.Len())
	}
	if !unread(r) {
		q.a.notef("%s, by the %s engine", plural(rows, "row"), ready.choice.name)
	}
	q.a.account(r)
}
