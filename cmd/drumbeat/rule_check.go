package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/catalog"
	"drumbeat/internal/rule"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// ruleCheckCommand makes the verb that checks rules.
func (a *app) ruleCheckCommand() *cobra.Command {
	c := &ruleCheck{a: a}
	cmd := &cobra.Command{
		Use:   "check RULE…",
		Short: "Say what is wrong with rules",
		Long: `Checks files and folders of rules: their keys and values as Sentinel has them,
and their queries, each remark with its place in the file. What makes a rule
unfit to run is an error; what Sentinel would refuse or advise against besides
is a warning. A folder, such as a checkout of public rules, may hold other
things: hunting queries are checked too; parsers, workbooks and the like are
counted.

As a table it prints the remarks, as CSV a line for each; as JSON one object a
rule, with the columns of its result. It exits with 3 if a rule has an error, or
a file that is named holds none.`,
		Example: `  drumbeat rule check beacon.yaml
  drumbeat rule check --format json rules/ | jq -r 'select(.accepted | not) | .file'
  drumbeat rule check --errors-only ~/Azure-Sentinel`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.BoolVar(&c.errorsOnly, "errors-only", false, "leave out warnings")
	a.formatFlag(cmd, &c.format)
	f.StringArrayVar(&c.tables, "table", nil, "know the columns of a table from a file: `NAME=FILE`; may be repeated")
	f.StringArrayVar(&c.watchlists, "watchlist", nil, "know the columns of a watchlist from a file: `ALIAS=FILE`; may be repeated")
	f.StringArrayVar(&c.functions, "function", nil, "let queries call a function whose text is in a file: `NAME=FILE`; may be repeated")
	return cmd
}

// ruleCheck is one run of the verb.
type ruleCheck struct {
	queryFlags
	a          *app
	errorsOnly bool
	format     string

	classes  map[rule.Class]int
	tests    int
	accepted int
	refused  int
	warnings int
	broken   int
	empty    int // files that are named and hold no rule
	csv      *table.Table
	ids      map[string]string // where each id was seen first
}

func (c *ruleCheck) run(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return usageError("name the files or folders to check")
	}
	format := c.format
	if format == "" { // remarks are for people unless a program asks
		format = formatTable
	}
	files, err := ruleFiles(paths)
	if err != nil {
		return err
	}
	c.workers, c.emptyExternals = 1, true // a rule is right without the files that its addresses need
	tables, err := c.a.catalog(&c.queryFlags, &inputFlags{}, nil, plan.Window{})
	if err != nil {
		return err
	}
	c.classes, c.ids, c.csv = make(map[rule.Class]int), make(map[string]string), remarkTable()
	for _, file := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.file(file.path, !file.named, format, tables); err != nil {
			return err
		}
	}
	if format == formatCSV {
		if err := c.a.writeTable(c.csv, format, table.TextOptions{}); err != nil {
			return fmt.Errorf("writing the remarks: %w", err)
		}
	}
	c.summary(len(files))
	if c.refused+c.broken+c.empty > 0 {
		return exitWith(exitInvalid, nil)
	}
	return nil
}

// remarkTable is what remarks are printed in as CSV.
func remarkTable() *table.Table {
	var cols []table.Column
	for _, name := range []string{"File", "Rule", "Line", "Column", "EndLine", "EndColumn", "Severity", "Code", "Message", "Hint"} {
		col := table.Column{Name: name, Type: table.String}
		if strings.HasSuffix(name, "Line") || strings.HasSuffix(name, "Column") {
			col.Type = table.Long
		}
		cols = append(cols, col)
	}
	return table.New(cols...)
}

// file checks one file; found says that it was found in a folder, which may hold other things.
func (c *ruleCheck) file(name string, found bool, format string, tables *catalog.Catalog) error {
	if isTestFile(name) {
		return c.testFile(name, format)
	}
	if found && tooLarge(name) {
		c.classes[rule.ClassOther]++
		return nil
	}
	f, err := c.a.readRuleFile(name)
	if err != nil {
		return err
	}
	class := f.Class
	switch {
	case class == rule.ClassBroken && found && !looksLikeRule(f.Text):
		class = rule.ClassOther
	case class == rule.ClassBroken:
		c.broken++
		return c.write(f, nil, f.Diags, format)
	case len(f.Rules) == 0 && !found:
		c.empty++
		c.a.warnf("%v", noRule(f))
	}
	c.classes[class]++
	for _, r := range f.Rules {
		if err := c.rule(f, r, format, tables); err != nil {
			return err
		}
	}
	return nil
}

// looksLikeRule tells a rule that cannot be read from other files that cannot be read.
func looksLikeRule(text string) bool {
	return strings.Contains(text, "query:") && strings.Contains(text, "triggerOperator") ||
		strings.Contains(text, `"queryFrequency"`) && strings.Contains(text, `"triggerOperator"`)
}

// rule checks one rule of a file.
func (c *ruleCheck) rule(f *rule.File, r *rule.Rule, format string, tables *catalog.Catalog) error {
	diags := slices.Clone(f.Diags)
	if len(f.Rules) > 1 {
		diags = r.Own(f.Diags)
	}
	if first, twice := c.ids[r.ID]; twice && r.ID != "" {
		diags = append(diags, r.Duplicate(first))
	} else {
		c.ids[r.ID] = f.Name
	}
	program, more := r.Compile(tables)
	diags = append(diags, more...)
	diags.Sort()
	if diags.HasErrors() {
		c.refused++
		program = nil
	} else {
		c.accepted++
	}
	return c.write(f, &checkedRule{r, program}, diags, format)
}

type checkedRule struct {
	*rule.Rule
	program *rule.Program
}

// write prints the remarks on a rule, or on a file without rules.
func (c *ruleCheck) write(f *rule.File, r *checkedRule, diags kql.Diagnostics, format string) error {
	if c.errorsOnly {
		diags = slices.DeleteFunc(diags, func(d kql.Diagnostic) bool { return d.Severity != kql.Error })
	}
	for _, d := range diags {
		if d.Severity == kql.Warning {
			c.warnings++
		}
	}
	text := ""
	switch format {
	case formatCSV:
		for _, d := range diags {
			from, to := d.Span.Start(f.Text), d.Span.End(f.Text)
			id := ""
			if r != nil {
				id = r.ID
			}
			c.csv.Append(f.Name, id, from.Line, from.Column, to.Line, to.Column, d.Severity.String(), string(d.Code), d.Message, d.Hint)
		}
	case formatJSON:
		text = string(appendChecked(nil, f, r, diags)) + "\n"
	default:
		width, _ := c.a.stdoutTerminal()
		text = diags.DrawWithin(f.Text, f.Name, width)
	}
	if _, err := c.a.stdout.Write([]byte(text)); err != nil {
		return fmt.Errorf("writing the remarks: %w", err)
	}
	return nil
}

// appendChecked writes a rule and its remarks as JSON.
func appendChecked(dst []byte, f *rule.File, r *checkedRule, diags kql.Diagnostics) []byte {
	member := func(key, value string) {
		dst = append(dst, `,"`+key+`":`...)
		dst = table.AppendJSONString(dst, value)
	}
	dst = append(dst, `{"file":`...)
	dst = table.AppendJSONString(dst, f.Name)
	if r != nil {
		member("id", r.ID)
		member("name", r.Name)
		member("kind", r.Kind.String())
	}
	dst = fmt.Appendf(dst, `,"accepted":%t`, !diags.HasErrors())
	if r != nil && r.program != nil {
		dst = append(dst, `,"columns":[`...)
		for i, col := range r.program.Plan.Out {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"name":`...)
			dst = table.AppendJSONString(dst, col.Name)
			dst = fmt.Appendf(dst, `,"type":"%s"}`, col.Type)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"remarks":[`...)
	for i, d := range diags {
		if i > 0 {
			dst = append(dst, ',')
		}
		from, to := d.Span.Start(f.Text), d.Span.End(f.Text)
		dst = fmt.Appendf(dst, `{"line":%d,"column":%d,"endLine":%d,"endColumn":%d,"severity":"%s","code":"%s","message":`,
			from.Line, from.Column, to.Line, to.Column, d.Severity, d.Code)
		dst = table.AppendJSONString(dst, d.Message)
		if d.Hint != "" {
			member("hint", d.Hint)
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}"...)
}

// testFile checks a file of tests.
func (c *ruleCheck) testFile(name, format string) error {
	text, err := readLimited(name)
	if err != nil {
		return err
	}
	c.tests++
	t := rule.ReadTests(showPath(name), text)
	if len(t.Diags) == 0 {
		return nil
	}
	if t.Diags.HasErrors() {
		c.broken++
	}
	return c.write(&rule.File{Name: t.Name, Text: t.Text}, nil, t.Diags, format)
}

// summary says what was checked.
func (c *ruleCheck) summary(files int) {
	parts := []string{plural(int64(files), "file")}
	for _, k := range []struct {
		n    int
		name string
		many string
	}{
		{c.accepted, "rule accepted", "rules accepted"},
		{c.refused, "with errors", "with errors"},
		{c.broken, "not readable", "not readable"},
		{c.classes[rule.ClassHunting], "of them a hunting query", "of them hunting queries"},
		{c.warnings, "warning", "warnings"},
		{c.tests, "file of tests", "files of tests"},
		{c.classes[rule.ClassParser], "parser", "parsers"},
		{c.classes[rule.ClassWorkbook], "workbook", "workbooks"},
		{c.classes[rule.ClassPlaybook], "playbook", "playbooks"},
		{c.classes[rule.ClassTemplate], "template without rules", "templates without rules"},
		{c.classes[rule.ClassEmpty], "empty", "empty"},
		{c.classes[rule.ClassOther], "other", "others"},
	} {
		switch {
		case k.n == 1:
			parts = append(parts, "1 "+k.name)
		case k.n > 1:
			parts = append(parts, humanCount(int64(k.n))+" "+k.many)
		}
	}
	c.a.notef("%s", strings.Join(parts, ", "))
}

// testSuffix ends the names of files of tests.
const testSuffix = ".test.yaml"

func isTestFile(name string) bool { return strings.HasSuffix(filepath.Base(name), testSuffix) }
