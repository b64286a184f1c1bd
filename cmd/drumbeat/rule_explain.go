package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// ruleExplainCommand makes the verb that says why a rule did or did not fire.
func (a *app) ruleExplainCommand() *cobra.Command {
	e := &ruleExplain{a: a, channel: rule.Channel{Port: -1}}
	cmd := &cobra.Command{
		Use:   "explain RULE",
		Short: "Say why a rule did or did not fire",
		Long: `Runs a rule once and counts the rows after every step of its query, each
condition of a where by itself, and of each table that a let statement names. It
names the first step that left nothing, with the row that came nearest. With
--source, --destination or --port it follows one channel, and names the step
that dropped its rows.

Without --at it takes, of a few scheduled times, the one at which most steps had
rows; of many, the first that follows the last record.`,
		Example: `  drumbeat rule explain shipped:source-delta --logs traffic.log
  drumbeat rule explain beacon.yaml --logs logs/ --source 10.1.2.3 --destination 203.0.113.7`,
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVar(&e.channel.Source, "source", "", "follow the records of this source `ADDRESS`")
	f.StringVar(&e.channel.Destination, "destination", "", "follow the records to this destination `ADDRESS`")
	f.IntVar(&e.channel.Port, "port", -1, "follow the records to this destination `PORT`")
	f.BoolVar(&e.plan, "plan", false, "show the plan of the query too")
	a.formatFlag(cmd, &e.format)
	a.dataFlags(cmd, &e.dataFlags)
	return cmd
}

// ruleExplain is one run of the verb.
type ruleExplain struct {
	dataFlags
	a       *app
	channel rule.Channel
	plan    bool
	format  string
}

func (e *ruleExplain) run(ctx context.Context, names []string) (err error) {
	format, err := e.a.resolveFormat(e.format)
	if err != nil {
		return err
	}
	if e.channel.Port < -1 || e.channel.Port > 65535 {
		return usageError("--port %d: want a number from 0 to 65535", e.channel.Port)
	}
	if err := e.stdinOnce(names); err != nil {
		return err
	}
	rules, err := e.a.loadRules(names, logsHint)
	if err != nil {
		return err
	}
	if len(rules) != 1 {
		return usageError("explain takes one rule, and there are %d", len(rules))
	}
	data, err := e.a.openData(&e.dataFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	p, err := e.a.compile(rules[0], data)
	if err != nil {
		return err
	}
	x, err := e.explain(ctx, p, data)
	if err != nil {
		return e.a.ruleError(ctx, p.Rule, &e.queryFlags, err)
	}
	if err := e.warnOfStrangers(ctx, x, data); err != nil {
		return e.a.ruleError(ctx, p.Rule, &e.queryFlags, err)
	}
	engine, err := e.prepare(p.At(x.At), x.At)
	if err != nil {
		return exitWith(exitInvalid, err)
	}
	if format == formatTable {
		err = e.writeText(p, x, engine)
	} else {
		err = e.writeSteps(p, x, engine, format)
	}
	if err != nil {
		return fmt.Errorf("writing the steps: %w", err)
	}
	return data.finish()
}

// fewSlots is how many scheduled times are tried out.
const fewSlots = 6

// explain chooses the time and explains the run.
func (e *ruleExplain) explain(ctx context.Context, p *rule.Program, data *ruleData) (*rule.Explanation, error) {
	slots, err := data.slots(ctx, p.Rule)
	if err != nil {
		return nil, err
	}
	if slots.Len() == 0 {
		if err := data.finish(); err != nil {
			return nil, err
		}
		return nil, usageError("no scheduled time has a window that meets the logs: give --at TIME")
	}
	if slots.Len() > fewSlots {
		span, _, err := data.span(ctx)
		if err != nil {
			return nil, err
		}
		slots.First = p.Rule.Between(span.To, slots.Last).First
		slots.Last = slots.First
	}
	var best *rule.Explanation
	for i := range slots.Len() {
		x, err := p.Explain(ctx, data.tracer(), slots.At(i), e.channel)
		if err != nil {
			return nil, err
		}
		if best == nil || x.Depth() >= best.Depth() {
			best = x
		}
	}
	return best, nil
}

// warnOfStrangers says which ends of a channel that no step saw are those of no record of the logs at all: they may be
// mistyped.
func (e *ruleExplain) warnOfStrangers(ctx context.Context, x *rule.Explanation, data *ruleData) error {
	if !e.channel.Any() || len(e.logs) == 0 {
		return nil
	}
	for i := range x.Tables {
		for _, s := range x.Tables[i].Steps {
			if s.Channel > 0 {
				return nil
			}
		}
	}
	ends := []struct {
		column, what, value string
		typ                 kql.Type
		seen                bool
	}{
		{column: "SourceIP", what: "source", value: e.channel.Source, typ: kql.TypeString},
		{column: "DestinationIP", what: "destination", value: e.channel.Destination, typ: kql.TypeString},
		{column: "DestinationPort", what: "destination port", typ: kql.TypeInt},
	}
	if e.channel.Port >= 0 {
		ends[2].value = strconv.Itoa(e.channel.Port)
	}
	scan := &plan.Scan{Table: "CommonSecurityLog"}
	for _, end := range ends {
		scan.Columns = append(scan.Columns, plan.Column{Name: end.column, Type: end.typ})
	}
	err := data.Scan(ctx, scan, plan.Window{}, func(rows []stream.Row) error {
		for _, row := range rows {
			for i := range ends[:2] {
				ends[i].seen = ends[i].seen || row[i].Str() == ends[i].value
			}
			ends[2].seen = ends[2].seen || !row[2].IsNull() && row[2].Int() == int64(e.channel.Port)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, end := range ends {
		if end.value != "" && !end.seen {
			e.a.warnf("no record has the %s %s", end.what, table.Printable(end.value))
		}
	}
	return nil
}

// writeText shows an explanation for people.
func (e *ruleExplain) writeText(p *rule.Program, x *rule.Explanation, ready *prepared) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nrun at %s, over %s; engine: %s, because %s\n", p.Rule.Label(), stampText(x.At), windowText(x.Window),
		ready.choice.name, ready.choice.why)
	for i := range x.Tables {
		b.WriteString("\n")
		e.appendTable(&b, &x.Tables[i])
	}
	b.WriteString("\n")
	e.appendVerdict(&b, p.Rule, x)
	if main := &x.Tables[len(x.Tables)-1]; e.channel.Any() && main.Lost < 0 {
		b.WriteString(channelVerdict(main))
	}
	if e.plan {
		b.WriteString("\n" + ready.plan.String())
	}
	_, err := io.WriteString(e.a.stdout, printableLines(strings.TrimRight(b.String(), "\n"))+"\n")
	return err
}

// channelVerdict says what became of a channel that no step dropped.
func channelVerdict(main *rule.Pipeline) string {
	if len(main.Steps) == 0 {
		return ""
	}
	for _, s := range main.Steps {
		if s.Channel > 0 {
			if last := main.Steps[len(main.Steps)-1]; last.Channel > 0 {
				return "The channel is in the result.\n"
			}
			return "The channel can be followed only as far as its columns go; no step dropped it until there.\n"
		}
	}
	return "No row of the source is of the channel in this window.\n"
}

// appendTable shows the steps of one table.
func (e *ruleExplain) appendTable(b *strings.Builder, t *rule.Pipeline) {
	if t.Name != "" {
		b.WriteString(t.Name + ":\n")
	}
	channel := e.channel.Any()
	head := fmt.Sprintf("%12s", "rows")
	if channel {
		head += fmt.Sprintf("  %10s", "channel")
	}
	b.WriteString(head + "  step\n")
	for i, s := range t.Steps {
		fmt.Fprintf(b, "%12s", humanCount(s.Rows))
		if channel {
			cell := "?"
			if s.Channel >= 0 {
				cell = humanCount(s.Channel)
			}
			fmt.Fprintf(b, "  %10s", cell)
		}
		b.WriteString("  " + s.Text)
		switch i {
		case t.Emptied:
			b.WriteString("   ← nothing is left")
		case t.Lost:
			b.WriteString("   ← drops the channel")
		}
		b.WriteByte('\n')
	}
	appendMiss(b, t, t.Miss)
	if t.Miss == nil || t.ChannelMiss == nil || t.Miss.Step != t.ChannelMiss.Step {
		appendMiss(b, t, t.ChannelMiss)
	}
}

// appendVerdict says whether the rule fired.
func (e *ruleExplain) appendVerdict(b *strings.Builder, r *rule.Rule, x *rule.Explanation) {
	fmt.Fprintf(b, "The result has %s", plural(int64(x.Rows), "row"))
	if r.Kind != rule.Hunting {
		fires := "the rule does not fire"
		if x.Triggered {
			fires = "the rule fires"
		}
		fmt.Fprintf(b, ", and %s: %s %d is its condition", fires, r.Operator, r.Threshold)
	}
	b.WriteString(".\n")
}

// appendMiss tells of the nearest row before a step that left nothing.
func appendMiss(b *strings.Builder, t *rule.Pipeline, m *rule.Miss) {
	if m == nil || m.Step >= len(t.Steps) || m.Text == "" {
		return
	}
	fmt.Fprintf(b, "  %s\n    %s\n", t.Steps[m.Step].Text, m.Text)
	parts := make([]string, 0, len(m.Row))
	for _, f := range m.Row {
		if f.Value != "" {
			parts = append(parts, f.Name+"="+f.Value)
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "    nearest: %s\n", strings.Join(parts, "  "))
	}
}

// writeSteps prints one row a step and, as JSON, one for the outcome.
func (e *ruleExplain) writeSteps(p *rule.Program, x *rule.Explanation, ready *prepared, format string) error {
	t := table.New(
		table.Column{Name: "Table", Type: table.Dynamic},
		table.Column{Name: "Step", Type: table.Long},
		table.Column{Name: "Line", Type: table.Long},
		table.Column{Name: "Text", Type: table.String},
		table.Column{Name: "Rows", Type: table.Long},
		table.Column{Name: "ChannelRows", Type: table.Long},
		table.Column{Name: "Emptied", Type: table.Bool},
		table.Column{Name: "DropsChannel", Type: table.Bool},
		table.Column{Name: "Miss", Type: table.Dynamic},
		table.Column{Name: "_rule", Type: table.String},
		table.Column{Name: "_runAt", Type: table.Datetime},
	)
	for i := range x.Tables {
		pipeline := &x.Tables[i]
		for j, s := range pipeline.Steps {
			var channel any
			if s.Channel >= 0 {
				channel = s.Channel
			}
			miss := ""
			for _, m := range []*rule.Miss{pipeline.ChannelMiss, pipeline.Miss} {
				if m != nil && m.Step == j {
					miss = m.Text
				}
			}
			line := s.Span.Start(p.Rule.Text()).Line
			t.Append(textOrNull(pipeline.Name), j, line, s.Text, s.Rows, channel, j == pipeline.Emptied,
				dropsChannel(e.channel, pipeline, j), textOrNull(miss), p.Rule.ID, x.At)
		}
	}
	if err := e.a.writeTable(t, format, table.TextOptions{}); err != nil || format != formatJSON {
		return err
	}
	_, err := e.a.stdout.Write(appendExplained(nil, p.Rule, x, e.channel, ready.choice))
	return err
}
