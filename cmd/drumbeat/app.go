package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"drumbeat/internal/table"
)

// app is one run of the program: its streams, its surroundings and the values
// of the global flags. Verbs are methods on it, and reach the outside through
// it alone.
type app struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	now     func() time.Time // for progress and durations; no result depends on it
	getenv  func(string) string
	environ []string                    // KEY=value, to find variables that name no flag
	extra   func(*app) []*cobra.Command // verbs that only a test has, or nil

	quiet   bool
	verbose bool
	color   string
	config  string // the file given by --config

	started bool              // the verb's own code has begun
	origins map[string]string // flags that file or environment have set, and where

	mu  sync.Mutex // guards stderr and bar
	bar *progress  // the one that is drawn, or nil
}

// defaultWidth is the width of a terminal that does not tell its own.
const defaultWidth = 80

// root builds the whole command tree. A tree holds the values of its flags, so
// each run, and each look at a configuration, builds its own.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "drumbeat",
		Short:         "Finds beacons, malware that calls home, in firewall logs",
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionLine(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.writeOverview(cmd)
		},
		Annotations: map[string]string{noConfigKey: "the overview must always come"},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.configure(cmd)
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { a.writeHelp(cmd) })
	a.globalFlags(root)
	addCommands(root, a.verbs()...)
	if a.extra != nil {
		addCommands(root, a.extra(a)...)
	}
	addCommands(root, a.configCommand(), a.completionCommand(), a.manCommand(), a.versionCommand())
	help := a.helpCommand()
	root.SetHelpCommand(help)
	addCommands(root, help)
	for _, cmd := range commandTree(root) {
		cmd.Flags().SortFlags = false
		a.markStart(cmd)
		cmd.InitDefaultHelpFlag()
		if f := cmd.Flags().Lookup("help"); f != nil {
			f.Usage = "show this help"
		}
	}
	root.InitDefaultVersionFlag()
	root.Flags().Lookup("version").Usage = "show the version"
	return root
}

func (a *app) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no notes and no progress; warnings and errors stay")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say more on standard error")
	a.color = "auto"
	flags.Var(newChoice(&a.color, "auto", "always", "never"), "color",
		"colour `WHEN`: auto, always or never; NO_COLOR is honoured by auto")
	flags.StringVar(&a.config, "config", "",
		"read settings from `FILE` instead of DRUMBEAT_CONFIG or ~/.config/drumbeat/config.yaml")
	completeWith(root, "color", "auto", "always", "never")
}

// markStart notes when a command begins its own work: an error before that is
// about the command line, though cobra has no type for it.
func (a *app) markStart(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return run(cmd, args)
		}
	}
}

// noArguments is for commands that take flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// commandTree returns the command and all below it.
func commandTree(cmd *cobra.Command) []*cobra.Command {
	tree := []*cobra.Command{cmd}
	for _, sub := range inOrder(cmd) {
		tree = append(tree, commandTree(sub)...)
	}
	return tree
}

// completeWith lets the shell complete a flag's value from a fixed list.
func completeWith(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(fmt.Sprintf("BUG: completing --%s: %v", flag, err))
	}
}

// checkVerb finds a mistyped verb before cobra looks at the flags that belong
// to it, and would complain about those. It returns the verb that it got to.
func checkVerb(root *cobra.Command, args []string) (*cobra.Command, error) {
	cmd := root
	for i := 0; i < len(args) && cmd.HasSubCommands(); i++ {
		word := args[i]
		if word == "--" {
			return cmd, nil
		}
		if name, isLong := strings.CutPrefix(word, "--"); isLong {
			name, _, hasValue := strings.Cut(name, "=")
			f := root.Flag(name)
			if f == nil {
				return cmd, nil // cobra will say so
			}
			if f.NoOptDefVal == "" && !hasValue {
				i++
			}
			continue
		}
		if strings.HasPrefix(word, "-") {
			continue // the global flags with one letter are switches
		}
		if strings.HasPrefix(word, "__complete") { // what completion scripts call
			return cmd, nil
		}
		sub := findCommand(cmd, word)
		if sub == nil {
			return cmd, unknownVerb(cmd, word)
		}
		cmd = sub
	}
	return cmd, nil
}

func findCommand(cmd *cobra.Command, name string) *cobra.Command {
	for _, sub := range cmd.Commands() {
		if sub.Name() == name || sub.HasAlias(name) {
			return sub
		}
	}
	return nil
}

func unknownVerb(cmd *cobra.Command, word string) error {
	names := make([]string, 0, len(cmd.Commands()))
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	where := ""
	if cmd.HasParent() {
		where = " of " + cmd.CommandPath()
	}
	if near := nearest(word, names); near != "" {
		return usageError("unknown verb %q%s; did you mean %q?", word, where, near)
	}
	if _, err := os.Stat(word); err == nil && findCommand(cmd, "scan") != nil {
		return usageError("unknown verb %q; to look for beacons in it: drumbeat scan %s", word, word)
	}
	return usageError("unknown verb %q%s", word, where)
}

// flagError turns pflag's complaints into ours.
func flagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var bare *pflag.ValueRequiredError
	switch {
	case errors.As(err, &missing):
		return unknownFlag(cmd, missing)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return usageError("--%s %q: %w", f.Name, invalid.GetValue(), valueError(f, invalid.Unwrap()))
	case errors.As(err, &bare):
		f := bare.GetFlag()
		name, _ := pflag.UnquoteUsage(f)
		return usageError("--%s needs a value: --%s %s", f.Name, f.Name, strings.ToUpper(name))
	}
	return usageError("%w", err)
}

func unknownFlag(cmd *cobra.Command, missing *pflag.NotExistError) error {
	name := missing.GetSpecifiedName()
	if shorts := missing.GetSpecifiedShortnames(); shorts != "" {
		if near := nearest(shorts, flagNames(cmd)); near != "" && len(shorts) > 1 {
			return usageError("unknown flag -%s; did you mean --%s?", shorts, near)
		}
		return usageError("unknown flag -%s", name)
	}
	if near := nearest(name, flagNames(cmd)); near != "" {
		return usageError("unknown flag --%s; did you mean --%s?", name, near)
	}
	for _, other := range commandTree(cmd.Root()) {
		if other.LocalNonPersistentFlags().Lookup(name) != nil && other.HasParent() {
			return usageError("unknown flag --%s for %s; it is a flag of %s", name, cmd.CommandPath(), other.CommandPath())
		}
	}
	return usageError("unknown flag --%s", name)
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// stdoutTerminal returns the width of the terminal that standard output is, or
// 0 and false.
func (a *app) stdoutTerminal() (width int, isTerminal bool) { return terminal(a.stdout) }

// stderrTerminal returns the width of the terminal that standard error is, or 0
// and false.
func (a *app) stderrTerminal() (width int, isTerminal bool) { return terminal(a.stderr) }

func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = defaultWidth
	}
	return width, true
}

// useColor reports whether text on w, one of the app's streams, is coloured.
func (a *app) useColor(w io.Writer) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	if a.getenv("NO_COLOR") != "" || a.getenv("TERM") == "dumb" {
		return false
	}
	_, isTerminal := terminal(w)
	return isTerminal
}

// paint returns text in a style where w is coloured.
func (a *app) paint(w io.Writer, style table.Style, text string) string {
	if !a.useColor(w) {
		return text
	}
	return style.Paint(text)
}

// warnf writes a warning to standard error, even with --quiet.
func (a *app) warnf(format string, args ...any) {
	text := a.paint(a.stderr, table.Yellow, "warning:")
	a.writeStderr(text + " " + printableLines(fmt.Sprintf(format, args...)) + "\n")
}

// notef writes a line of information to standard error, unless --quiet.
func (a *app) notef(format string, args ...any) {
	if !a.quiet {
		a.writeStderr(printableLines(fmt.Sprintf(format, args...)) + "\n")
	}
}

// printableLines makes each line of a message safe for a terminal. A caller
// that puts log text into a message and must not let it add lines makes that
// text Printable itself, or prints it with %q.
func printableLines(s string) string {
	if !strings.Contains(s, "\n") {
		return table.Printable(s)
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = table.Printable(line)
	}
	return strings.Join(lines, "\n")
}

// writeStderr writes text that is safe already, and takes the progress line out
// of its way. An error of standard error has no place to be told.
func (a *app) writeStderr(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bar != nil {
		a.bar.erase()
	}
	_, _ = io.WriteString(a.stderr, text)
}

// The formats of --format.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatCSV   = "csv"
)

// formatFlag registers --format, whose value resolveFormat completes.
func (a *app) formatFlag(cmd *cobra.Command, dst *string) {
	cmd.Flags().Var(newChoice(dst, formatTable, formatJSON, formatCSV), "format",
		"print as `FORMAT`: table, json (one object a line) or csv (default table on a terminal, else json)")
	completeWith(cmd, "format", formatTable, formatJSON, formatCSV)
}

// resolveFormat returns the format to print in: what --format said, or, where
// it said nothing, a table on a terminal and JSON elsewhere.
func (a *app) resolveFormat(s string) (string, error) {
	if s == "" {
		if _, isTerminal := a.stdoutTerminal(); isTerminal {
			return formatTable, nil
		}
		return formatJSON, nil
	}
	if !slices.Contains([]string{formatTable, formatJSON, formatCSV}, s) {
		return "", usageError("--format %q: want table, json or csv", s)
	}
	return s, nil
}

// writeTable prints a result in a format of resolveFormat. The options' width
// and colour are set from standard output.
func (a *app) writeTable(t *table.Table, format string, o table.TextOptions) error {
	switch format {
	case formatJSON:
		return t.WriteJSON(a.stdout)
	case formatCSV:
		return t.WriteCSV(a.stdout)
	}
	o.Width, _ = a.stdoutTerminal()
	o.Color = a.useColor(a.stdout)
	return t.WriteText(a.stdout, o)
}
