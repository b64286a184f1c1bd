package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"drumbeat/internal/table"
)

// envPrefix begins the name of every variable that sets a flag.
const envPrefix = "DRUMBEAT_"

// noConfigKey marks commands that must work whatever the configuration says.
const noConfigKey = "drumbeat-no-config"

// setting is one value of a configuration file, for a flag of a command.
type setting struct {
	cmd    *cobra.Command
	flag   *pflag.Flag
	values []string // several where the flag takes a list
	at     string   // file:line:column of the value
}

// variable returns the name of the variable that sets a flag.
func variable(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settable reports whether a flag can stand in the file and the environment.
func settable(f *pflag.Flag) bool {
	return f.Name != "help" && f.Name != "version" && f.Name != "config"
}

// configure gives the flags of a command, where the command line is silent, the
// values of the environment and of the file.
func (a *app) configure(cmd *cobra.Command) error {
	if cmd.Annotations[noConfigKey] != "" || strings.HasPrefix(cmd.Name(), "__") {
		return nil
	}
	a.warnUnknownVariables(cmd.Root())
	settings, err := a.loadSettings(cmd.Root())
	if err != nil {
		return err
	}
	a.origins = map[string]string{}
	return invalid(a.applySettings(cmd, settings, func(f *pflag.Flag, from string) { a.origins[f.Name] = from }))
}

// applySettings sets the flags of one command, and tells origin, for each that
// it sets, where its value is from.
func (a *app) applySettings(cmd *cobra.Command, settings []setting, origin func(*pflag.Flag, string)) []error {
	var problems []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || !settable(f) {
			return
		}
		name := variable(f.Name)
		if value := a.getenv(name); value != "" {
			values := []string{value}
			if _, isList := f.Value.(pflag.SliceValue); isList {
				values = strings.Split(value, ",")
			}
			if err := setFlag(cmd.Flags(), f, values); err != nil {
				problems = append(problems, fmt.Errorf("%s %w", name, err))
			}
			origin(f, name)
			return
		}
		for _, s := range settings {
			if s.flag.Name != f.Name || s.cmd != cmd && s.cmd.HasParent() {
				continue
			}
			if err := setFlag(cmd.Flags(), f, s.values); err != nil {
				problems = append(problems, fmt.Errorf("%s: %s %w", s.at, f.Name, err))
			}
			origin(f, s.at)
		}
	})
	return problems
}

// invalid joins problems, each once, though several commands may have met it.
func invalid(problems []error) error {
	var distinct []error
	for _, problem := range problems {
		same := func(err error) bool { return err.Error() == problem.Error() }
		if !slices.ContainsFunc(distinct, same) {
			distinct = append(distinct, problem)
		}
	}
	if len(distinct) == 0 {
		return nil
	}
	return exitWith(exitInvalid, errors.Join(distinct...))
}

func setFlag(flags *pflag.FlagSet, f *pflag.Flag, values []string) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		if err := list.Replace(values); err != nil {
			return fmt.Errorf("%q: %w", strings.Join(values, ","), valueError(f, err))
		}
		f.Changed = true
		return nil
	}
	for _, value := range values {
		err := flags.Set(f.Name, value)
		if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			err = wrong.Unwrap()
		}
		if err != nil {
			return fmt.Errorf("%q: %w", value, valueError(f, err))
		}
	}
	return nil
}

// warnUnknownVariables finds variables that look like settings and are none; a
// mistyped one would else have no effect and say nothing.
func (a *app) warnUnknownVariables(root *cobra.Command) {
	known := []string{variable("config")}
	for _, cmd := range commandTree(root) {
		for _, f := range ownFlags(cmd) {
			known = append(known, variable(f.Name))
		}
	}
	for _, entry := range a.environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, name) {
			continue
		}
		if near := nearest(name[len(envPrefix):], trimPrefixes(known)); near != "" {
			a.warnf("the variable %s sets no flag; did you mean %s%s?", name, envPrefix, near)
		} else {
			a.warnf("the variable %s sets no flag", name)
		}
	}
}

func trimPrefixes(names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = strings.TrimPrefix(name, envPrefix)
	}
	return short
}

// ownFlags returns the flags of a command that can be set, without those that
// it inherits.
func ownFlags(cmd *cobra.Command) []*pflag.Flag {
	var own []*pflag.Flag
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if settable(f) {
			own = append(own, f)
		}
	})
	return own
}

// configFile returns the file to read settings from, and whether it was asked
// for by name; "" is none.
func (a *app) configFile() (path string, named bool) {
	if path = cmp.Or(a.config, a.getenv(variable("config"))); path != "" {
		return path, true
	}
	folder := a.getenv("XDG_CONFIG_HOME")
	if home := a.getenv("HOME"); folder == "" && home != "" {
		folder = filepath.Join(home, ".config")
	}
	if folder == "" {
		return "", false
	}
	return filepath.Join(folder, "drumbeat", "config.yaml"), false
}

// loadSettings reads the configuration file, if there is one.
func (a *app) loadSettings(root *cobra.Command) ([]setting, error) {
	path, named := a.configFile()
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil {
		return nil, exitWith(exitInvalid, fmt.Errorf("reading the configuration: %w", err))
	}
	return parseSettings(root, path, text)
}

// parseSettings reads settings for the commands of a tree, and reports all
// mistakes at once.
func parseSettings(root *cobra.Command, path string, text []byte) ([]setting, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, exitWith(exitInvalid, syntaxError(path, err))
	}
	r := &settingsReader{path: path}
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.NullType:
		case i > 0:
			r.problem(doc.Body, "want one document, without a line of ---")
		default:
			r.section(root, doc.Body)
		}
	}
	return r.settings, invalid(r.problems)
}

// syntaxError gives a parser's error the form of ours.
func syntaxError(path string, err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", path, p.Line, p.Column, at.GetMessage())
	}
	return fmt.Errorf("%s: %w", path, err)
}

// settingsReader walks a YAML tree along the tree of commands.
type settingsReader struct {
	path     string
	settings []setting
	problems []error
}

func (r *settingsReader) position(n ast.Node) string {
	p := n.GetToken().Position
	return fmt.Sprintf("%s:%d:%d", r.path, p.Line, p.Column)
}

func (r *settingsReader) problem(n ast.Node, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s: "+format, append([]any{r.position(n)}, args...)...))
}

// section reads the keys of one command.
func (r *settingsReader) section(cmd *cobra.Command, n ast.Node) {
	pairs, isMap := n.(ast.MapNode)
	if !isMap {
		if n.Type() != ast.NullType {
			r.problem(n, "want flags of %s, one a line, as in \"quiet: true\"", cmd.CommandPath())
		}
		return
	}
	for pair := pairs.MapRange(); pair.Next(); {
		key := pair.Key().GetToken().Value
		if _, isText := pair.Value().(*ast.StringNode); isText && key == "config" && !cmd.HasParent() {
			r.problem(pair.Key(), "a configuration cannot name another")
			continue
		}
		if sub := findCommand(cmd, key); sub != nil {
			r.section(sub, pair.Value())
			continue
		}
		at := slices.IndexFunc(ownFlags(cmd), func(f *pflag.Flag) bool { return f.Name == key })
		if at < 0 {
			r.unknownKey(cmd, pair.Key(), key)
			continue
		}
		r.value(cmd, ownFlags(cmd)[at], pair.Value())
	}
}

func (r *settingsReader) unknownKey(cmd *cobra.Command, n ast.Node, key string) {
	var candidates []string
	for _, f := range ownFlags(cmd) {
		candidates = append(candidates, f.Name)
	}
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			candidates = append(candidates, sub.Name())
		}
	}
	where := cmd.CommandPath()
	for _, other := range commandTree(cmd.Root()) {
		for _, f := range ownFlags(other) {
			if f.Name == key && other.HasParent() {
				r.problem(n, "unknown key %q for %s; put it under \"%s:\"", key, where, strings.Join(strings.Fields(other.CommandPath())[1:], ": "))
				return
			}
			if f.Name == key {
				r.problem(n, "unknown key %q for %s; it belongs to the top of the file", key, where)
				return
			}
		}
	}
	if near := nearest(key, candidates); near != "" {
		r.problem(n, "unknown key %q for %s; did you mean %q?", key, where, near)
		return
	}
	r.problem(n, "unknown key %q for %s", key, where)
}

// value reads a scalar or a list of scalars.
func (r *settingsReader) value(cmd *cobra.Command, f *pflag.Flag, n ast.Node) {
	s := setting{cmd: cmd, flag: f, at: r.position(n)}
	nodes := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		if _, takesList := f.Value.(pflag.SliceValue); !takesList {
			r.problem(n, "%s takes one value, not a list", f.Name)
			return
		}
		nodes = list.Values
	}
	for _, node := range nodes {
		text, ok := scalarText(node)
		if !ok {
			r.problem(node, "%s wants a value", f.Name)
			return
		}
		s.values = append(s.values, text)
	}
	r.settings = append(r.settings, s)
}

// scalarText returns a scalar as it was written, so that 1_000 and 007 reach
// the flag's own reader unchanged.
func scalarText(n ast.Node) (string, bool) {
	if text, ok := n.(*ast.StringNode); ok {
		return text.Value, true
	}
	if block, ok := n.(*ast.LiteralNode); ok {
		return block.Value.Value, true
	}
	plain := []ast.NodeType{ast.IntegerType, ast.FloatType, ast.BoolType, ast.InfinityType, ast.NanType}
	return n.GetToken().Value, slices.Contains(plain, n.Type())
}

// settingsHelp explains settings, for the help of config and the manual.
const settingsHelp = `
Every flag can also stand in a YAML file and in the environment. A flag beats the environment, and the environment beats the file.

In the file, global flags are keys at the top, and flags of a verb are keys under its name:

  color: never
  scan:
    memory: 1GB

The file is the one that --config names, else the one that the variable DRUMBEAT_CONFIG names, else drumbeat/config.yaml in $XDG_CONFIG_HOME or ~/.config, if it exists.

The variable of a flag is DRUMBEAT_ and its name in capitals with underscores: DRUMBEAT_MIN_EVENTS for --min-events, whatever verb has it. Commas part the values of a flag that can be given several times.`

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Shows and checks the settings of files and environment",
		Example: `  # every setting, and where it comes from
  drumbeat config show --origin
  # look for mistakes in a file
  drumbeat config check drumbeat.yaml`,
		Long: settingsHelp,
	}
	addCommands(cmd, a.configShowCommand(), a.configCheckCommand())
	return cmd
}

func (a *app) configShowCommand() *cobra.Command {
	var origin bool
	var format string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Shows the value of every flag that can be set",
		Example: `  drumbeat config show --origin
  DRUMBEAT_COLOR=never drumbeat config show --origin --format csv`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.resolveFormat(format)
			if err != nil {
				return err
			}
			t, err := a.effectiveSettings(cmd, origin)
			if err != nil {
				return err
			}
			return a.writeTable(t, format, table.TextOptions{})
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "say where each value comes from: flag, variable, file:line:column or default")
	a.formatFlag(cmd, &format)
	return cmd
}

// effectiveSettings lists all flags of all verbs with their values. The running
// command's own were given by its command line; a fresh tree shows what the
// others would have.
func (a *app) effectiveSettings(running *cobra.Command, origin bool) (*table.Table, error) {
	columns := []table.Column{{Name: "Setting", Type: table.String}, {Name: "Value", Type: table.String}}
	if origin {
		columns = append(columns, table.Column{Name: "Origin", Type: table.String})
	}
	t := table.New(columns...)
	fresh := a.sibling()
	root := fresh.root()
	settings, err := a.loadSettings(root)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, cmd := range commandTree(root) {
		origins := map[string]string{}
		note := func(f *pflag.Flag, from string) { origins[f.Name] = from }
		problems = append(problems, fresh.applySettings(cmd, settings, note)...)
		path := strings.Fields(cmd.CommandPath())[1:]
		for _, f := range ownFlags(cmd) {
			value, from := f.Value.String(), cmp.Or(origins[f.Name], "default")
			if g := a.onCommandLine(running, cmd, f.Name); g != nil {
				value, from = g.Value.String(), "flag --"+f.Name
			}
			row := []any{strings.Join(append(slices.Clone(path), f.Name), "."), value}
			if origin {
				row = append(row, from)
			}
			t.Append(row...)
		}
	}
	return t, invalid(problems)
}

// onCommandLine returns a flag of the running command if its command line gave
// it and cmd, of another tree, is the command that the flag belongs to.
func (a *app) onCommandLine(running, cmd *cobra.Command, name string) *pflag.Flag {
	f := running.Flags().Lookup(name)
	if f == nil || !f.Changed || a.origins[name] != "" {
		return nil
	}
	if cmd.HasParent() && cmd.CommandPath() != running.CommandPath() {
		return nil
	}
	return f
}

// sibling returns an app in the same surroundings, with flags of its own.
func (a *app) sibling() *app {
	return &app{stdin: a.stdin, stdout: a.stdout, stderr: a.stderr, now: a.now, getenv: a.getenv, extra: a.extra}
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Looks for mistakes in the settings of a file and of the environment",
		Example: `  drumbeat config check
  drumbeat config check drumbeat.yaml`,
		Annotations: map[string]string{noConfigKey: "it reports mistakes itself"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError("config check takes one file, but got %q", args[1])
			}
			fresh := a.sibling()
			root := fresh.root()
			fresh.config = cmp.Or(strings.Join(args, ""), a.config)
			a.warnUnknownVariables(cmd.Root())
			settings, err := fresh.loadSettings(root)
			if err != nil {
				return err
			}
			return a.reportCheck(fresh, root, settings)
		},
	}
}

// reportCheck tries every setting on its flag.
func (a *app) reportCheck(fresh *app, root *cobra.Command, settings []setting) error {
	var problems []error
	for _, cmd := range commandTree(root) {
		problems = append(problems, fresh.applySettings(cmd, settings, func(*pflag.Flag, string) {})...)
	}
	if err := invalid(problems); err != nil {
		return err
	}
	path, named := fresh.configFile()
	if _, err := os.Stat(path); path == "" || err != nil && !named {
		a.notef("No configuration file; the environment has no mistakes.")
		return nil
	}
	a.notef("%s: %d settings, no mistakes.", path, len(settings))
	return nil
}
