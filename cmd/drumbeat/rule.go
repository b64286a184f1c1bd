package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/catalog"
	"drumbeat/internal/eval"
	"drumbeat/internal/rewrite"
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

// readRuleFile reads a file of rules, standard input (-), or a rule that comes with drumbeat.
func (a *app) readRuleFile(name string) (*rule.File, error) {
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
	read := readLimited
	if name == "-" {
		read = a.readRuleStdin
	}
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	return rule.Read(showPath(name), text), nil
}

func (a *app) readRuleStdin(string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(a.stdin, maxRuleFile))
	if err != nil {
		return nil, exitWith(exitInput, fmt.Errorf("reading a rule: %w", err))
	}
	if len(text) == maxRuleFile {
		return nil, exitWith(exitInvalid, errors.New("standard input has more than 16 MiB: it is no rule"))
	}
	return text, nil
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

// logsHint tells a user who has named a log where a rule stands what to do; it is for verbs that have --logs.
const logsHint = "; logs are given by --logs %s"

// loadRules reads the rules of files and folders, and shows what is wrong with them. Rules with errors, and files that are
// named and hold no rule, are errors here; hint, where it is not empty, is added to what is said of these.
func (a *app) loadRules(names []string, hint string) ([]*rule.Rule, error) {
	if len(names) == 0 {
		return nil, usageError("name a file with rules, or one of %s", strings.Join(rule.ShippedNames(), ", "))
	}
	files, err := ruleFiles(names)
	if err != nil {
		return nil, err
	}
	var rules []*rule.Rule
	broken := false
	for _, file := range files {
		if !file.named && (isTestFile(file.path) || tooLarge(file.path)) {
			continue
		}
		f, err := a.readRuleFile(file.path)
		if err != nil {
			return nil, withHint(err, hint, file.path)
		}
		switch {
		case f.Class == rule.ClassBroken && !looksLikeRule(f.Text) && !file.named:
		case f.Diags.HasErrors():
			a.showRemarks(f.Diags, f.Text, f.Name)
			if f.Class == rule.ClassBroken && !hasRuleName(file.path) && hint != "" {
				return nil, withHint(noRule(f), hint, file.path)
			}
			broken = true
		case len(f.Rules) == 0 && file.named:
			if hasRuleName(file.path) {
				return nil, noRule(f)
			}
			return nil, withHint(noRule(f), hint, file.path)
		}
		rules = append(rules, f.Rules...)
	}
	switch {
	case broken:
		return nil, exitWith(exitInvalid, nil)
	case len(rules) == 0:
		return nil, withHint(exitWith(exitInvalid, fmt.Errorf("there is no rule in %s", strings.Join(names, ", "))), hint, names[0])
	}
	return rules, nil
}

// hasRuleName reports whether a file is named as those that hold rules.
func hasRuleName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return path == "-" || strings.HasPrefix(path, rule.ShippedPrefix)
}

// tooLarge reports whether a file is too large to hold rules.
func tooLarge(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > maxRuleFile
}

// withHint adds a hint about a file that holds no rule to an error.
func withHint(err error, hint, path string) error {
	if hint == "" || exitCode(err) != exitInvalid {
		return err
	}
	return exitWith(exitInvalid, fmt.Errorf("%w"+hint, err, path))
}

// noRule is the error of a file that is named and holds no rule.
func noRule(f *rule.File) error {
	what := f.Class.String()
	switch f.Class { //nolint:exhaustive // the others are named well by their class
	case rule.ClassOther:
		what = "it is no file of a kind that is known"
	case rule.ClassBroken:
		what = "it is neither YAML nor JSON"
	default:
		article := "a"
		if strings.ContainsAny(what[:1], "aeio") {
			article = "an"
		}
		what = fmt.Sprintf("it is %s %s file", article, what)
	}
	return exitWith(exitInvalid, fmt.Errorf("%s holds no rule: %s", f.Name, what))
}

// compileAll binds rules, and shows what is wrong with any of them.
func (a *app) compileAll(rules []*rule.Rule, s plan.Schema) ([]*rule.Program, error) {
	programs := make([]*rule.Program, len(rules))
	var failed error
	for i, r := range rules {
		p, err := a.compile(r, s)
		if err != nil {
			failed = err
		}
		programs[i] = p
	}
	return programs, failed
}

// compile binds a rule, and shows what is wrong with it.
func (a *app) compile(r *rule.Rule, s plan.Schema) (*rule.Program, error) {
	p, diags := r.Compile(s)
	if len(diags) > 0 {
		a.showRemarks(diags, r.Text(), r.File)
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

// stdinOnce refuses to read both rules and logs from standard input.
func (d *dataFlags) stdinOnce(names []string) error {
	if slices.Contains(names, "-") && slices.Contains(d.logs, "-") {
		return usageError("standard input is read once: it holds the rule or the logs")
	}
	return nil
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

// span gives the times of the first and the last record of the logs, or, where these have none, of the rows of --table.
func (d *ruleData) span(ctx context.Context) (w plan.Window, ok bool, err error) {
	if w, ok, err = d.Span(ctx); ok || err != nil {
		return w, ok, err
	}
	for _, given := range d.flags.tables {
		name, _, _ := strings.Cut(given, "=")
		name, _, _ = strings.Cut(name, "(") // types of columns may follow
		t, known := d.Table(name)
		if !known {
			continue
		}
		at := slices.IndexFunc(t.Columns, func(c plan.Column) bool {
			return c.Name == rewrite.TimeColumn && c.Type == kql.TypeDateTime
		})
		if at < 0 {
			continue
		}
		scan := &plan.Scan{Table: name, Columns: []plan.Column{t.Columns[at]}}
		err := d.Scan(ctx, scan, plan.Window{}, func(rows []stream.Row) error {
			for _, row := range rows {
				if row[0].IsNull() {
					continue
				}
				if !ok || row[0].Int() < w.From {
					w.From = row[0].Int()
				}
				w.To, ok = max(w.To, row[0].Int()), true
			}
			return nil
		})
		if err != nil {
			return plan.Window{}, false, err
		}
	}
	return w, ok, nil
}

// slots gives the times to run a rule at: that of --at, those from --from to --to, or all whose windows meet the data. They
// are none where logs are given and none of their records could be read.
func (d *ruleData) slots(ctx context.Context, r *rule.Rule) (rule.Slots, error) {
	f := d.flags
	if f.at.set {
		at := traffic.Ticks(f.at.Time)
		return rule.Slots{First: at, Last: at, Step: 1}, nil
	}
	if f.from.set && f.to.set {
		return r.Between(traffic.Ticks(f.from.Time), traffic.Ticks(f.to.Time)), nil
	}
	span, ok, err := d.span(ctx)
	switch {
	case err != nil:
		return rule.Slots{}, err
	case !ok && len(f.logs) > 0:
		return rule.Slots{Last: -1}, nil
	case !ok && len(f.tables) > 0:
		return rule.Slots{}, usageError("no row of a --table has a time in %s to take the times of runs from: give --at TIME, or --from and --to",
			rewrite.TimeColumn)
	case !ok:
		return rule.Slots{}, usageError("there is no record of a log to take the times of runs from: give --logs PATH, or --at TIME")
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

// finish says what was read of the logs and what was not, and gives the error that this makes.
func (d *ruleData) finish() error {
	r := d.Report()
	lost := d.a.showProblems(r.Problems)
	d.a.account(r)
	switch {
	case lost:
		return exitWith(exitInput, nil)
	case d.flags.strict && r.Counts.Rejects() > 0:
		return strictError(r.Counts.Rejects())
	}
	return nil
}

// partial says what a limit has done to a result.
const partial = "the result is partial"

// ruleError says what is to be said of a rule whose run failed.
func (a *app) ruleError(ctx context.Context, r *rule.Rule, q *queryFlags, err error) error {
	if limit := asLimit(err); limit != nil {
		return q.limitError(limit, partial)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		a.warnf("interrupted: %s has given nothing, and what comes after it was not run", table.Printable(r.Label()))
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

// ruleFile is a file that may hold rules.
type ruleFile struct {
	path  string
	named bool // by the user, not found in a folder
}

// ruleFiles lists the files of folders, in order: those that could hold rules. A file that is named is listed as it is.
func ruleFiles(paths []string) (files []ruleFile, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if path == "-" || strings.HasPrefix(path, rule.ShippedPrefix) || err == nil && !info.IsDir() {
			files = append(files, ruleFile{path, true})
			continue
		}
		if err != nil {
			return nil, exitWith(exitInput, fmt.Errorf("reading rules: %w", err))
		}
		err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && name != path && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
				return fs.SkipDir
			case !entry.Type().IsRegular():
				return nil
			}
			if hasRuleName(name) {
				files = append(files, ruleFile{path: name})
			}
			return nil
		})
		if err != nil {
			return nil, exitWith(exitInput, fmt.Errorf("reading rules: %w", err))
		}
	}
	return files, nil
}
