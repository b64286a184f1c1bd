package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
)

// ruleBacktestCommand makes the verb that runs a rule over a span of time.
func (a *app) ruleBacktestCommand() *cobra.Command {
	b := &ruleBacktest{a: a}
	cmd := &cobra.Command{
		Use:   "backtest RULE [OTHER]",
		Short: "Show what a rule would have given day by day",
		Long: `Runs a rule at all its scheduled times over the logs, or from --from to --to, and
shows runs, rows and alerts a day. With a second version of the rule both stand
side by side, and the rows that only one of them gives are listed.`,
		Example: `  drumbeat rule backtest beacon.yaml --logs /var/log/firewall
  drumbeat rule backtest old.yaml new.yaml --logs logs/ --from 2026-03-01 --to 2026-03-31`,
		RunE: func(cmd *cobra.Command, args []string) error { return b.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.IntVar(&b.show, "show", 20, "list at most `N` rows that differ between two versions; 0 is all")
	a.formatFlag(cmd, &b.format)
	a.dataFlags(cmd, &b.dataFlags)
	b.spanFlags(cmd)
	return cmd
}

// ruleBacktest is one run of the verb.
type ruleBacktest struct {
	dataFlags
	a      *app
	show   int
	format string
}

func (b *ruleBacktest) run(ctx context.Context, names []string) (err error) {
	format, err := b.a.resolveFormat(b.format)
	if err != nil {
		return err
	}
	if err := b.stdinOnce(names); err != nil {
		return err
	}
	rules, err := b.a.loadRules(names, logsHint)
	if err != nil {
		return err
	}
	if len(rules) > 2 {
		return usageError("backtest takes one rule, or two versions of it, and there are %d", len(rules))
	}
	data, err := b.a.openData(&b.dataFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	results := make([]*rule.Backtest, len(rules))
	limited := 0
	for i, r := range rules {
		if results[i], err = b.one(ctx, r, data); err != nil {
			return err
		}
		limited += results[i].Limited
	}
	if err := b.write(rules, results, format); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	if err := data.finish(); err != nil {
		return err
	}
	if limited > 0 {
		return exitWith(exitPartial, fmt.Errorf("the rows of %s were cut by a limit; set it with --max-rows", plural(int64(limited), "run")))
	}
	return nil
}

func (b *ruleBacktest) one(ctx context.Context, r *rule.Rule, data *ruleData) (*rule.Backtest, error) {
	p, err := b.a.compile(r, data)
	if err != nil {
		return nil, err
	}
	slots, err := data.slots(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := checkRuns(slots); err != nil {
		return nil, err
	}
	done, err := p.Backtest(ctx, data.querier(), slots, nil)
	if err != nil {
		return nil, b.a.ruleError(ctx, r, &b.queryFlags, err)
	}
	return done, nil
}

func (b *ruleBacktest) write(rules []*rule.Rule, results []*rule.Backtest, format string) error {
	names := versionNames(rules)
	if format != formatTable && len(rules) > 1 {
		b.a.notef("Runs, Rows and Alerts are those of %s; Runs2, Rows2 and Alerts2 those of %s", names[0], names[1])
	}
	if err := b.a.writeTable(dayTable(results, names, format == formatTable), format, table.TextOptions{}); err != nil {
		return err
	}
	if format == formatTable {
		for i, r := range rules {
			what, of := "alerts", func(d rule.Day) int { return d.Alerts }
			if r.Kind == rule.Hunting {
				what, of = "rows", func(d rule.Day) int { return d.Rows }
			}
			const width = 50
			head := fmt.Sprintf("\n%s a day: %s\n", what, r.Label())
			if len(rules) > 1 {
				head = fmt.Sprintf("\n%s a day, by %s: %s\n", what, names[i], r.Label())
			}
			if _, err := io.WriteString(b.a.stdout, printableLines(head+rule.Chart(results[i].Days, of, width))); err != nil {
				return err
			}
		}
	}
	if len(results) == 2 {
		return b.writeDifferences(rule.Compare(results[0], results[1]), names, format)
	}
	return nil
}

// versionNames gives what tells versions of a rule apart: the names of their files, with the folders if need be, or, of
// rules in one file, their own.
func versionNames(rules []*rule.Rule) []string {
	for _, of := range []func(r *rule.Rule) string{
		func(r *rule.Rule) string { return filepath.Base(r.File) },
		func(r *rule.Rule) string { return r.File },
		(*rule.Rule).Label,
	} {
		names := make([]string, len(rules))
		for i, r := range rules {
			names[i] = table.Printable(of(r))
		}
		if len(names) < 2 || names[0] != names[1] {
			return names
		}
	}
	return []string{"the first version", "the second version"}
}

// dayTable is a row a day, with columns for each version; where people read it, these name the versions.
func dayTable(results []*rule.Backtest, names []string, named bool) *table.Table {
	cols := []table.Column{{Name: "Day", Type: table.Datetime}}
	for i := range results {
		suffix := ""
		switch {
		case named && len(results) > 1:
			suffix = " (" + names[i] + ")"
		case i > 0:
			suffix = "2"
		}
		for _, name := range []string{"Runs", "Rows", "Alerts"} {
			cols = append(cols, table.Column{Name: name + suffix, Type: table.Long})
		}
	}
	t := table.New(cols...)
	byDay := make([]map[int64]rule.Day, len(results))
	first, last := int64(0), int64(-1)
	for i, r := range results {
		byDay[i] = map[int64]rule.Day{}
		for _, d := range r.Days {
			byDay[i][d.Start] = d
			if last < first || d.Start < first {
				first = d.Start
			}
			last = max(last, d.Start)
		}
	}
	for day := first; day <= last; day += traffic.Day {
		row := []any{day}
		for i := range results {
			d := byDay[i][day]
			row = append(row, d.Runs, d.Rows, d.Alerts)
		}
		t.Append(row...)
	}
	return t
}

func (b *ruleBacktest) writeDifferences(list []rule.Difference, names []string, format string) error {
	gone := 0
	for _, d := range list {
		if !d.New {
			gone++
		}
	}
	b.a.notef("%s only by %s, %s only by %s", plural(int64(gone), "row"), names[0], plural(int64(len(list)-gone), "row"), names[1])
	if b.show > 0 && len(list) > b.show {
		b.a.notef("the first %d of %d that differ are listed; --show 0 lists all", b.show, len(list))
		list = list[:b.show]
	}
	if len(list) == 0 {
		return nil
	}
	var out strings.Builder
	if format == formatTable {
		fmt.Fprintf(&out, "\nrows that differ (- only %s, + only %s):\n", names[0], names[1])
	}
	for _, d := range list {
		sign := "-"
		if d.New {
			sign = "+"
		}
		switch format {
		case formatJSON:
			fmt.Fprintf(&out, `{"_runAt":"%s","_change":"%s","_row":%s}`+"\n", table.AppendDatetime(nil, d.At), sign, d.Row)
		case formatCSV:
			continue // a CSV has one kind of rows
		default:
			fmt.Fprintf(&out, "%s %s %s\n", sign, stampText(d.At), d.Row)
		}
	}
	_, err := io.WriteString(b.a.stdout, printableLines(out.String()))
	return err
}
