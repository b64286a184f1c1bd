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
	"drumbeat/internal/stream"
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
		a.writeStderr(diags.Draw(text, name))
	}
	if p == nil || diags.HasErrors() {
		return nil, exitWith(exitInvalid, nil)
	}
	return p, nil
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
	if !ok {
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
	limit, limited := errors.AsType[*stream.LimitError](err)
	if err != nil && !limited {
		return queryError(ctx, err)
	}
	if t != nil {
		if err := q.a.writeTable(t, format, table.TextOptions{}); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	r := c.Report()
	lost := q.a.showProblems(r.Problems)
	q.summary(t, ready, r)
	switch {
	case limited:
		what := "no rows are shown"
		if t != nil {
			what = fmt.Sprintf("the first %s are shown", plural(int64(t.Len()), "row"))
		}
		return exitWith(exitPartial, fmt.Errorf("%w (%s): %s; set it with --%s", limit, limitUnit(limit), what, limitFlag(limit)))
	case lost:
		return exitWith(exitInput, nil)
	case q.strict && r.Counts.Rejects() > 0:
		return strictError(r.Counts.Rejects())
	}
	return nil
}

// queryError says what is to be said of a query that failed while it ran.
func queryError(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return err
	}
	if _, chosen := errors.AsType[*exitError](err); chosen {
		return err
	}
	return exitWith(exitInvalid, fmt.Errorf("running the query: %w", err))
}

// limitFlag names the flag that sets a limit.
func limitFlag(e *stream.LimitError) string {
	switch e.Limit {
	case "rows":
		return "max-rows"
	case "fan-out":
		return "max-fan-out"
	case "time":
		return "timeout"
	}
	return e.Limit
}

func limitUnit(e *stream.LimitError) string {
	switch e.Limit {
	case "memory":
		return "in bytes"
	case "time":
		return "in seconds"
	}
	return "in rows"
}

// summary says what was read and how.
func (q *query) summary(t *table.Table, ready *prepared, r *catalog.Report) {
	rows := int64(0)
	if t != nil {
		rows = int64(t.Len())
	}
	q.a.notef("%s, by the %s engine", plural(rows, "row"), ready.choice.name)
	if r.Lines > 0 {
		c := &r.Counts
		q.a.notef("%s of %s = %s%s + %s of other types%s + %s rejected", plural(r.Lines, "line"), plural(int64(r.Files), "file"),
			plural(c.Flows, "flow"), joinedText(c), humanCount(c.Others()), inBrackets(others(c)), humanCount(c.Rejects()))
	}
}
