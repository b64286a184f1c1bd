package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/catalog"
	"drumbeat/internal/eval"
	"drumbeat/internal/rule"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// ruleCommand makes the verbs that work on rules of Sentinel's form.
func (a *app) ruleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rule",
		Short: "Check, run, explain and test rules of Microsoft Sentinel",
		Long: `Works on analytics rules in Microsoft Sentinel's own form: YAML as in its public
rules, and ARM templates. The rules that come with drumbeat are named
shipped:source-delta and shipped:channel-delta.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.writeHelpOf(cmd) },
	}
	addCommands(cmd, a.ruleCheckCommand(), a.ruleRunCommand(), a.ruleExplainCommand(), a.ruleBacktestCommand(),
		a.ruleTestCommand(), a.ruleImportCommand(), a.ruleExportCommand())
	return cmd
}

// writeHelpOf shows the help of a command that does nothing itself.
func (a *app) writeHelpOf(cmd *cobra.Command) error { return cmd.Help() }

// readRuleFile reads a file of rules, or one that comes with drumbeat.
func readRuleFile(name string) (*rule.File, error) {
	if strings.HasPrefix(name, rule.ShippedPrefix) {
		text, _, ok := rule.Shipped(name)
		if !ok {
			hint := ""
			if near := nearest(name, rule.ShippedNames()); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			return nil, usageError("there is no rule %q; there are %s%s", name, strings.Join(rule.ShippedNames(), " and "), hint)
		}
		return rule.Read(name, text), nil
	}
	text, err := readLimited(name)
	if err != nil {
		return nil, err
	}
	return rule.Read(showPath(name), text), nil
}

// maxRuleFile bounds what is read of a file: a little more than package rule takes.
const maxRuleFile = 17 << 20

func readLimited(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, exitWith(exitInput, fmt.Errorf("reading a rule: %w", err))
	}
	if info.Size() > maxRuleFile {
		return nil, exitWith(exitInvalid, fmt.Errorf("%s has more than 16 MiB: it is no rule", showPath(name)))
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, exitWith(exitInput, fmt.Errorf("reading a rule: %w", err))
	}
	return text, nil
}

// loadRules reads the rules of files, and shows what is wrong with them. Files without rules, and rules with errors, are
// errors here.
func (a *app) loadRules(names []string) ([]*rule.Rule, error) {
	if len(names) == 0 {
		return nil, usageError("name a file with rules, or one of %s", strings.Join(rule.ShippedNames(), ", "))
	}
	var rules []*rule.Rule
	for _, name := range names {
		f, err := readRuleFile(name)
		if err != nil {
			return nil, err
		}
		if f.Diags.HasErrors() {
			a.writeStderr(f.Diags.Draw(f.Text, f.Name))
			return nil, exitWith(exitInvalid, nil)
		}
		if len(f.Rules) == 0 {
			return nil, exitWith(exitInvalid, fmt.Errorf("%s holds no rule: it is a %s file", f.Name, f.Class))
		}
		rules = append(rules, f.Rules...)
	}
	return rules, nil
}

// compile binds a rule, and shows what is wrong with it.
func (a *app) compile(r *rule.Rule, s plan.Schema) (*rule.Program, error) {
	p, diags := r.Compile(s)
	if len(diags) > 0 {
		a.writeStderr(diags.Draw(r.Text(), r.File))
	}
	if p == nil {
		return nil, exitWith(exitInvalid, nil)
	}
	return p, nil
}

// dataFlags are the flags of verbs that run rules over data.
type dataFlags struct {
	inputFlags
	queryFlags
	logs     []string
	at       instant
	from, to instant
}

func (a *app) dataFlags(cmd *cobra.Command, d *dataFlags) {
	f := cmd.Flags()
	f.StringArrayVar(&d.logs, "logs", nil, "read log files from `PATH`, a file, a folder or - for standard input; may be repeated")
	f.Var(&d.at, "at", "run at this `TIME`")
	a.inputFlags(cmd, &d.inputFlags)
	f.Var(&d.now, "now", "the `TIME` that log lines without a year are dated from")
	a.queryFlags(cmd, &d.queryFlags, true)
}

// spanFlags registers --from and --to.
func (d *dataFlags) spanFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&d.from, "from", "leave out scheduled times before this `TIME`")
	f.Var(&d.to, "to", "leave out scheduled times after this `TIME`")
}

func (d *dataFlags) check() error {
	switch {
	case d.at.set && (d.from.set || d.to.set):
		return usageError("--at is one time, --from and --to are many: give one or the other")
	case d.from.set && d.to.set && d.to.Before(d.from.Time):
		return usageError("--to %s is before --from %s", d.to.String(), d.from.String())
	case d.at.set && traffic.Ticks(d.at.Time) == 0:
		return usageError("--at %s: want a time after the beginning of year 1", d.at.String())
	}
	return d.queryFlags.check()
}

// ruleData is the tables of one run of a verb. Rows that were read once stay in memory, as far as there is room, for
// rules read them at each scheduled time.
type ruleData struct {
	*catalog.Catalog
	a     *app
	flags *dataFlags
	cache *rowCache
}

// open makes the tables. Whoever calls it closes them.
func (a *app) openData(d *dataFlags) (*ruleData, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	c, err := a.catalog(&d.queryFlags, &d.inputFlags, d.logs, plan.Window{})
	if err != nil {
		return nil, err
	}
	return &ruleData{Catalog: c, a: a, flags: d, cache: newRowCache(c, int64(d.memory)/2)}, nil
}

func (d *ruleData) querier() rule.Querier { return d.a.querier(d.cache, &d.flags.queryFlags) }

// tracer runs plans by the native engine, which alone can tell of its steps.
func (d *ruleData) tracer() rule.Tracer {
	return func(ctx context.Context, p *plan.Plan, w plan.Window, now int64, trace func(plan.Op, []stream.Row)) (*table.Table, error) {
		if err := stream.Supports(p); err != nil {
			return nil, exitWith(exitInvalid, fmt.Errorf("the native engine, which counts the rows of each step, cannot run this query: %w", err))
		}
		q := &d.flags.queryFlags
		ready := &prepared{plan: p, choice: engineChoice{name: engineNative, run: func(ctx context.Context, p *plan.Plan, src stream.Source, o stream.Options) (*table.Table, error) {
			o.Trace = trace
			return stream.Run(ctx, p, src, o)
		}}, now: now}
		return d.a.runPrepared(ctx, ready, d.cache, q, w)
	}
}

// slots gives the times to run a rule at: that of --at, those from --from to --to, or all whose windows meet the logs.
func (d *ruleData) slots(ctx context.Context, r *rule.Rule) (rule.Slots, error) {
	f := d.flags
	if f.at.set {
		at := traffic.Ticks(f.at.Time)
		return rule.Slots{First: at, Last: at, Step: 1}, nil
	}
	if f.from.set && f.to.set {
		return r.Between(traffic.Ticks(f.from.Time), traffic.Ticks(f.to.Time)), nil
	}
	span, ok, err := d.Span(ctx)
	if err != nil {
		return rule.Slots{}, err
	}
	if !ok {
		return rule.Slots{}, usageError("there is no record of a log to take the times of runs from: give --at TIME, or --from and --to")
	}
	s := r.Meeting(span.From, span.To)
	if f.from.set {
		s.First = max(s.First, r.Between(traffic.Ticks(f.from.Time), span.To).First)
	}
	if f.to.set {
		s.Last = min(s.Last, traffic.Ticks(f.to.Time))
	}
	return s, nil
}

// maxRuns is how many scheduled times are run without being asked for by --from and --to.
const maxRuns = 100_000

func checkRuns(s rule.Slots) error {
	if n := s.Len(); n > maxRuns {
		return usageError("there are %s scheduled times, more than %s: give a smaller span with --from and --to", humanCount(int64(n)), humanCount(maxRuns))
	}
	return nil
}

// finish warns of what was not read of the logs, and gives the error that it makes.
func (d *ruleData) finish() error {
	r := d.Report()
	lost := d.a.showProblems(r.Problems)
	switch {
	case lost:
		return exitWith(exitInput, nil)
	case d.flags.strict && r.Counts.Rejects() > 0:
		return strictError(r.Counts.Rejects())
	}
	return nil
}

// limitError says that a limit has cut a result.
func limitError(limit *stream.LimitError) error {
	return exitWith(exitPartial, fmt.Errorf("%w (%s): the result is partial; set it with --%s", limit, limitUnit(limit), limitFlag(limit)))
}

// ruleError says what is to be said of a rule whose run failed.
func ruleError(ctx context.Context, r *rule.Rule, err error) error {
	if limit, ok := errors.AsType[*stream.LimitError](err); ok {
		return limitError(limit)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return err
	}
	if _, chosen := errors.AsType[*exitError](err); chosen {
		return err
	}
	return exitWith(exitInvalid, fmt.Errorf("running %s: %w", r.Label(), err))
}

// rowCache keeps the rows of tables as they were read, for rules read them at each of their scheduled times.
type rowCache struct {
	*catalog.Catalog
	room int64 // in bytes, roughly
	off  bool  // rows are read once: nothing is kept
	kept map[string][]rowChunk
	full map[string]bool // tables that there is no room for
}

// rowChunk is some rows of a table and their first and last time.
type rowChunk struct {
	rows  []stream.Row
	times plan.Window
}

func newRowCache(c *catalog.Catalog, room int64) *rowCache {
	return &rowCache{Catalog: c, room: room, kept: map[string][]rowChunk{}, full: map[string]bool{}}
}

// cellSize is about what a value takes in memory, with its text.
const cellSize = 80

// Scan gives rows that are kept, or those of the catalogue, which it keeps if there is room.
func (c *rowCache) Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	var key strings.Builder
	key.WriteString(scan.Table)
	at := -1
	for i, col := range scan.Columns {
		key.WriteString("\x00" + col.Name)
		if col.Name == "TimeGenerated" && col.Type == kql.TypeDateTime {
			at = i
		}
	}
	name := key.String()
	chunks, ok := c.kept[name]
	if !ok && (c.off || c.full[name]) {
		return c.Catalog.Scan(ctx, scan, w, emit)
	}
	if !ok {
		return c.read(ctx, scan, name, at, func(batch []stream.Row) error { return emitWithin(batch, at, w, emit) })
	}
	for i := range chunks {
		if both := chunks[i].times.Both(w); both.To != 0 && both.From > both.To {
			continue
		}
		if err := emitWithin(cloneRows(chunks[i].rows), at, w, emit); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// emitWithin hands on the rows whose time, which stands at a place, lies in a window; null is in none that has a beginning.
// It may change the batch.
func emitWithin(batch []stream.Row, at int, w plan.Window, emit func([]stream.Row) error) error {
	if at >= 0 {
		batch = slices.DeleteFunc(batch, func(row stream.Row) bool { return !w.Contains(row[at].Int()) })
	}
	if len(batch) == 0 {
		return nil
	}
	return emit(batch)
}

// cloneRows copies rows: whoever is given rows owns them.
func cloneRows(rows []stream.Row) []stream.Row {
	n := 0
	for _, row := range rows {
		n += len(row)
	}
	slab, out := make([]eval.Value, 0, n), make([]stream.Row, len(rows))
	for i, row := range rows {
		from := len(slab)
		slab = append(slab, row...)
		out[i] = slab[from:len(slab):len(slab)]
	}
	return out
}

// read hands on all rows of a table, and keeps them if there is room for all.
func (c *rowCache) read(ctx context.Context, scan *plan.Scan, name string, at int, emit func([]stream.Row) error) error {
	const size = 1024
	var chunks []rowChunk
	used, keep := int64(0), true
	err := c.Catalog.Scan(ctx, scan, plan.Window{}, func(batch []stream.Row) error {
		used += int64(len(batch)*(len(scan.Columns)+1)) * cellSize
		if used > c.room {
			chunks, keep, c.full[name] = nil, false, true
		}
		if keep {
			for part := range slices.Chunk(batch, size) {
				chunks = append(chunks, rowChunk{cloneRows(part), timesOf(part, at)})
			}
		}
		return emit(batch)
	})
	if err == nil && keep {
		c.room -= used
		c.kept[name] = chunks
	}
	return err
}

// timesOf bounds the times of rows, which stand at a place; nothing where one has none.
func timesOf(rows []stream.Row, at int) plan.Window {
	var w plan.Window
	if at < 0 {
		return w
	}
	for i, row := range rows {
		t := row[at].Int()
		if row[at].IsNull() || t <= 0 {
			return plan.Window{}
		}
		if i == 0 || t < w.From {
			w.From = t
		}
		w.To = max(w.To, t)
	}
	return w
}

// ruleFiles lists the files of folders, in order: those that could hold rules. A file that is named is listed as it is.
func ruleFiles(paths []string) (files []string, folder bool, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if strings.HasPrefix(path, rule.ShippedPrefix) || err == nil && !info.IsDir() {
			files = append(files, path)
			continue
		}
		if err != nil {
			return nil, false, exitWith(exitInput, fmt.Errorf("reading rules: %w", err))
		}
		folder = true
		err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && name != path && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
				return fs.SkipDir
			case !entry.Type().IsRegular():
				return nil
			}
			switch strings.ToLower(filepath.Ext(name)) {
			case ".yaml", ".yml", ".json":
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, false, exitWith(exitInput, fmt.Errorf("reading rules: %w", err))
		}
	}
	return files, folder, nil
}
