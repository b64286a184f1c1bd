package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
)

// ruleRunCommand makes the verb that runs rules over data.
func (a *app) ruleRunCommand() *cobra.Command {
	r := &ruleRun{a: a}
	cmd := &cobra.Command{
		Use:   "run RULE…",
		Short: "Run rules over logs",
		Long: `Runs rules as Sentinel would have: at each scheduled time whose window meets the
logs, over the rows of that window, with now() at that time; or at --at, or at
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
}

func (r *ruleRun) run(ctx context.Context, names []string) (err error) {
	format, err := r.a.resolveFormat(r.format)
	if err != nil {
		return err
	}
	rules, err := r.a.loadRules(names)
	if err != nil {
		return err
	}
	data, err := r.a.openData(&r.dataFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	programs := make([]*rule.Program, len(rules))
	for i := range rules {
		if programs[i], err = r.a.compile(rules[i], data); err != nil {
			return err
		}
	}
	triggered := 0
	var limit *stream.LimitError
	for _, p := range programs {
		done, err := r.one(ctx, p, data, format)
		if err != nil {
			return err
		}
		triggered += done.Triggered
		for _, res := range done.Results {
			if res.Limit != nil {
				limit = res.Limit
			}
		}
	}
	if err := data.finish(); err != nil {
		return err
	}
	switch {
	case limit != nil:
		return limitError(limit)
	case r.failOnFindings && triggered > 0:
		return exitWith(exitFindings, nil)
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
		return nil, ruleError(ctx, p.Rule, err)
	}
	if r.alerts {
		err = r.writeAlerts(done, format)
	} else {
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
		if err := r.a.writeTable(t, format, table.TextOptions{}); err != nil {
			return err
		}
	}
	return nil
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
