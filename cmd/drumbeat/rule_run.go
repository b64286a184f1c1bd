package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// ruleRunCommand makes the verb that runs rules over data.
func (a *app) ruleRunCommand() *cobra.Command {
	r := &ruleRun{a: a}
	cmd := &cobra.Command{
		Use:   "run RULE…",
		Short: "Run rules over logs",
		Long: `Runs rules, those of files and folders, as Sentinel would have: at each scheduled
time whose window meets the logs (or, without logs, the rows of --table), over the rows of that window, with now() at that time; or at --at, or at
the scheduled times from --from to --to. It prints the rows of the results, with
_rule and _runAt, or with --alerts the alerts that the rules would have raised:
as JSON in the form of Sentinel's SecurityAlert.

A rule that suppresses its runs for a time after an alert is left out then.`,
		Example: `  drumbeat rule run beacon.yaml --logs /var/log/firewall
  drumbeat rule run --alerts --at 2026-03-04 --logs traffic.log shipped:channel-delta
  drumbeat rule run ti.yaml --logs logs/ --table ThreatIntelligenceIndicator=ti.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd.Context(), args) },
	}
	a.formatFlag(cmd, &r.format)
	f := cmd.Flags()
	f.BoolVar(&r.alerts, "alerts", false, "print alerts instead of rows")
	f.BoolVar(&r.failOnFindings, "fail-on-findings", false, "exit with 1 if a rule met its condition")
	a.dataFlags(cmd, &r.dataFlags)
	r.spanFlags(cmd)
	return cmd
}

// ruleRun is one run of the verb.
type ruleRun struct {
	dataFlags
	a              *app
	alerts         bool
	failOnFindings bool
	format         string
	method         string       // the value of a column _method, or "" for none
	csv            *table.Table // the rows of all rules
}

func (r *ruleRun) run(ctx context.Context, names []string) (err error) {
	format, err := r.a.resolveFormat(r.format)
	if err != nil {
		return err
	}
	if err := r.stdinOnce(names); err != nil {
		return err
	}
	rules, err := r.a.loadRules(names, logsHint)
	if err != nil {
		return err
	}
	data, err := r.a.openData(&r.dataFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	triggered, _, err := r.all(ctx, rules, data, format)
	if err != nil {
		return err
	}
	if r.failOnFindings && triggered > 0 {
		return exitWith(exitFindings, nil)
	}
	return nil
}

// all runs rules and prints what they give. It returns how often one met its condition, and the number of their rows.
func (r *ruleRun) all(ctx context.Context, rules []*rule.Rule, data *ruleData, format string) (triggered, rows int, err error) {
	programs, err := r.a.compileAll(rules, data)
	if err != nil {
		return 0, 0, err
	}
	if format == formatCSV && !r.alerts {
		if err := sameColumns(programs); err != nil {
			return 0, 0, err
		}
	}
	var limit *stream.LimitError
	for _, p := range programs {
		done, err := r.one(ctx, p, data, format)
		if err != nil {
			return 0, 0, errors.Join(err, r.flushCSV())
		}
		triggered += done.Triggered
		for _, day := range done.Days {
			rows += day.Rows
		}
		for _, res := range done.Results {
			if res.Limit != nil {
				limit = res.Limit
			}
		}
	}
	if err := r.flushCSV(); err != nil {
		return 0, 0, err
	}
	err = data.finish()
	if err == nil && limit != nil {
		err = r.limitError(limit, partial)
	}
	return triggered, rows, err
}

// errColumns says that results do not go into one CSV.
func errColumns(one, other string) error {
	return usageError("the results of %s and %s have different columns, and a CSV has one header: use --format json", one, other)
}

// sameColumns refuses rules whose results have different columns.
func sameColumns(programs []*rule.Program) error {
	var first []plan.Column
	for i, p := range programs {
		cols := slices.Clone(p.Plan.Out)
		for j := range cols {
			cols[j] = plan.Column{Name: cols[j].Name, Type: cols[j].Type}
		}
		if i == 0 {
			first = cols
		} else if !slices.Equal(first, cols) {
			return errColumns(programs[0].Rule.Label(), p.Rule.Label())
		}
	}
	return nil
}

// one runs one rule at its times and prints what it gives.
func (r *ruleRun) one(ctx context.Context, p *rule.Program, data *ruleData, format string) (*rule.Backtest, error) {
	slots, err := data.slots(ctx, p.Rule)
	if err != nil {
		return nil, err
	}
	if err := checkRuns(slots); err != nil {
		return nil, err
	}
	data.cache.off = slots.Len() == 1
	done, err := p.Backtest(ctx, data.querier(), slots, nil)
	if err != nil {
		return nil, r.a.ruleError(ctx, p.Rule, &r.queryFlags, err)
	}
	switch {
	case unread(data.Report()):
		return done, nil // finish says so
	case slots.Len() == 0:
		r.a.notef("%s: no scheduled time has a window that meets the data", table.Printable(p.Rule.Label()))
		return done, nil
	case r.alerts:
		err = r.writeAlerts(done, format)
	default:
		err = r.writeRows(p.Rule, done, format)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the results: %w", err)
	}
	rows, skipped := 0, ""
	for _, d := range done.Days {
		rows += d.Rows
	}
	if done.Skipped > 0 {
		skipped = fmt.Sprintf(" (%s left out by suppression)", humanCount(int64(done.Skipped)))
	}
	r.a.notef("%s: %s%s from %s to %s, %s, %s", table.Printable(p.Rule.Label()), plural(int64(done.Runs), "run"), skipped,
		stampText(slots.First), stampText(slots.Last), plural(int64(rows), "row"), plural(int64(done.Alerts()), "alert"))
	return done, nil
}

func (r *ruleRun) writeRows(rl *rule.Rule, done *rule.Backtest, format string) error {
	for _, t := range rule.Tables(rl.ID, done.Results) {
		if r.method != "" {
			t = withMethod(t, r.method)
		}
		switch {
		case format != formatCSV:
			if err := r.a.writeTable(t, format, table.TextOptions{}); err != nil {
				return err
			}
		case r.csv == nil:
			r.csv = t
		case !slices.Equal(r.csv.Columns(), t.Columns()):
			return errColumns("runs", "later ones")
		default:
			appendRows(r.csv, t, func(row []any) []any { return row })
		}
	}
	return nil
}

// flushCSV prints the rows of all rules under one header.
func (r *ruleRun) flushCSV() error {
	if r.csv == nil {
		return nil
	}
	t := r.csv
	r.csv = nil
	if err := r.a.writeTable(t, formatCSV, table.TextOptions{}); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

// appendRows appends the rows of a table to another, each as row makes it.
func appendRows(to, from *table.Table, row func([]any) []any) {
	n := len(from.Columns())
	for i := range from.Len() {
		cells := make([]any, n, n+1)
		for c := range cells {
			cells[c] = from.Value(i, c)
		}
		to.Append(row(cells)...)
	}
}

// withMethod adds the column _method, before those of a run, which are the last two.
func withMethod(t *table.Table, method string) *table.Table {
	name := "_method"
	for slices.ContainsFunc(t.Columns(), func(c table.Column) bool { return c.Name == name }) {
		name += "_"
	}
	at := len(t.Columns()) - 2
	out := table.New(slices.Insert(slices.Clone(t.Columns()), at, table.Column{Name: name, Type: table.String})...)
	appendRows(out, t, func(row []any) []any { return slices.Insert(row, at, any(method)) })
	return out
}

func (r *ruleRun) writeAlerts(done *rule.Backtest, format string) error {
	if format == formatJSON {
		var buf []byte
		for _, res := range done.All {
			for i := range res.Alerts {
				buf = append(res.Alerts[i].AppendJSON(buf[:0]), '\n')
				if _, err := r.a.stdout.Write(buf); err != nil {
					return err
				}
			}
		}
		return nil
	}
	t := table.New(
		table.Column{Name: "RunAt", Type: table.Datetime},
		table.Column{Name: "Severity", Type: table.String},
		table.Column{Name: "Name", Type: table.String},
		table.Column{Name: "Rows", Type: table.Long},
		table.Column{Name: "StartTime", Type: table.Datetime},
		table.Column{Name: "EndTime", Type: table.Datetime},
		table.Column{Name: "Entities", Type: table.String},
	)
	for _, res := range done.All {
		for i := range res.Alerts {
			al := &res.Alerts[i]
			t.Append(al.At, al.Severity.String(), al.Name, len(al.Rows), al.Start, al.End, entitiesText(al.Entities))
		}
	}
	return r.a.writeTable(t, format, table.TextOptions{})
}

// entitiesText gives entities for reading: "IP 203.0.113.7, Host fw1".
func entitiesText(list []rule.Entity) string {
	parts := make([]string, len(list))
	for i, e := range list {
		values := make([]string, len(e.Fields))
		for j, f := range e.Fields {
			values[j] = f.Value
		}
		parts[i] = e.Type + " " + strings.Join(values, " ")
	}
	return strings.Join(parts, ", ")
}
