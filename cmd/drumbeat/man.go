package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"drumbeat/internal/table"
)

// This file prints what commands say about themselves, on a terminal and as
// manual pages. Both take it from the same fields of a cobra.Command: Short is
// one line without a full stop, Example is command lines indented by two
// blanks, with comments (#) above them, Long is paragraphs parted by empty
// lines. In it "  name   what it means" is an entry of a list, which goes on in
// lines indented as far; other lines that begin with a blank are kept.

const (
	defaultGroup = "Flags"
	globalGroup  = "Global flags"
	groupKey     = "drumbeat-group"
	groupsKey    = "drumbeat-groups"
	orderKey     = "drumbeat-order"
	widestHelp   = 100 // longer lines are hard to read
)

// flagGroup puts flags of a command under a heading of its help. Headings come
// in the order of the calls, and before them the flags that are in none.
func (a *app) flagGroup(cmd *cobra.Command, heading string, names ...string) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[groupsKey] += heading + "\n"
	for _, name := range names {
		if err := cmd.Flags().SetAnnotation(name, groupKey, []string{heading}); err != nil {
			panic(fmt.Sprintf("BUG: grouping --%s: %v", name, err))
		}
	}
}

// flagSection is one heading of a help text with its flags.
type flagSection struct {
	heading string
	flags   []*pflag.Flag
}

// flagSections sorts the flags of a command under their headings.
func flagSections(cmd *cobra.Command) []flagSection {
	headings := append([]string{defaultGroup}, strings.Split(strings.TrimSpace(cmd.Annotations[groupsKey]), "\n")...)
	headings = append(headings, globalGroup)
	byHeading := map[string][]*pflag.Flag{}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == "version" || cmd.PersistentFlags().Lookup(f.Name) != nil {
			return
		}
		heading := defaultGroup
		if group := f.Annotations[groupKey]; len(group) > 0 {
			heading = group[0]
		}
		byHeading[heading] = append(byHeading[heading], f)
	})
	global := func(f *pflag.Flag) { byHeading[globalGroup] = append(byHeading[globalGroup], f) }
	cmd.Root().PersistentFlags().VisitAll(global)
	for _, name := range []string{"version", "help"} {
		if f := cmd.Flags().Lookup(name); f != nil {
			global(f)
		}
	}
	var sections []flagSection
	for _, heading := range headings {
		if flags := byHeading[heading]; len(flags) > 0 {
			sections = append(sections, flagSection{heading, flags})
		}
	}
	return sections
}

// flagText returns a flag as it is typed and what it does.
func flagText(f *pflag.Flag) (typed, usage string) {
	name, usage := pflag.UnquoteUsage(f)
	typed = "--" + f.Name
	if f.Shorthand != "" {
		typed = "-" + f.Shorthand + ", " + typed
	}
	if name == "strings" || name == "string" {
		name = "value"
	}
	if name != "" {
		typed += " " + strings.ToUpper(name)
	}
	if showsDefault(f) {
		usage += " (default " + f.DefValue + ")"
	}
	return typed, usage
}

func showsDefault(f *pflag.Flag) bool {
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
		return false
	}
	return !strings.Contains(f.Usage, "default")
}

func (a *app) helpWidth() int {
	if width, isTerminal := a.stdoutTerminal(); isTerminal {
		return min(width, widestHelp)
	}
	return defaultWidth
}

// writeHelp writes the help of a command to standard output.
func (a *app) writeHelp(cmd *cobra.Command) {
	if !cmd.HasParent() {
		_ = a.writeOverview(cmd) // cobra's help has no way to return it
		return
	}
	h := &helpText{a: a, width: a.helpWidth()}
	h.paragraph(cmd.Short + ".")
	h.usage(cmd)
	if cmd.Example != "" {
		h.heading("Examples")
		h.line(strings.Trim(cmd.Example, "\n"))
	}
	if cmd.Long != "" {
		h.line("")
		h.prose(cmd.Long)
	}
	h.subcommands(cmd)
	h.flags(cmd)
	h.line("")
	h.paragraph("Exit codes: 'drumbeat help exit-codes'. Flags in a file or the environment: 'drumbeat help config'.")
	_, _ = io.WriteString(a.stdout, h.String()) // cobra's help has no way to return it
}

// writeOverview writes what drumbeat without a verb says.
func (a *app) writeOverview(root *cobra.Command) error {
	h := &helpText{a: a, width: a.helpWidth()}
	h.paragraph("drumbeat finds beacons, malware that calls home, in firewall logs.")
	starts := [][3]string{
		{"scan", "drumbeat scan /var/log/firewall", "find beacons in log files"},
		{"flows", "drumbeat flows traffic.log", "see how log lines are understood"},
		{"synth", "drumbeat synth --help", "make traffic to try it on"},
	}
	headed := false
	for _, s := range starts {
		if findCommand(root, s[0]) == nil {
			continue
		}
		if !headed {
			h.heading("Start here")
			headed = true
		}
		h.entry(s[1], s[2], 34)
	}
	h.subcommands(root)
	h.flags(root)
	h.line("")
	h.paragraph("'drumbeat VERB --help' shows examples and flags of a verb.")
	_, err := io.WriteString(a.stdout, h.String())
	return err
}

// helpText is a help text in the making.
type helpText struct {
	strings.Builder
	a     *app
	width int
}

func (h *helpText) line(text string) {
	_, _ = h.WriteString(text + "\n") // a strings.Builder does not fail
}

func (h *helpText) heading(text string) {
	h.line("\n" + h.a.paint(h.a.stdout, table.Bold, text+":"))
}

// paragraph fills lines with words.
func (h *helpText) paragraph(text string) {
	for _, line := range fill(text, h.width) {
		h.line(line)
	}
}

func (h *helpText) prose(text string) {
	for i, block := range proseBlocks(text) {
		if i > 0 {
			h.line("")
		}
		for _, item := range block {
			switch {
			case item.name != "":
				h.entry(item.name, item.text, item.column-2)
			case item.kept:
				h.line(item.text)
			default:
				h.paragraph(item.text)
			}
		}
	}
}

// proseItem is a piece of prose: a paragraph to fill, a line to keep, or a name
// and, from a column on, what it means.
type proseItem struct {
	text   string
	kept   bool
	name   string
	column int
}

// proseBlocks cuts prose into blocks, parted by empty lines, of items.
func proseBlocks(text string) [][]proseItem {
	var blocks [][]proseItem
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		var items []proseItem
		for line := range strings.SplitSeq(block, "\n") {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			last := len(items) - 1
			switch {
			case last >= 0 && items[last].name != "" && indent >= items[last].column:
				items[last].text += " " + line[indent:]
			case indent > 0:
				items = append(items, indentedItem(line, indent))
			case last >= 0 && items[last].name == "" && !items[last].kept:
				items[last].text += " " + line
			default:
				items = append(items, proseItem{text: line})
			}
		}
		blocks = append(blocks, items)
	}
	return blocks
}

// indentedItem reads "  name   what it means"; any other line is kept.
func indentedItem(line string, indent int) proseItem {
	name, rest, isEntry := strings.Cut(line[indent:], "  ")
	text := strings.TrimLeft(rest, " ")
	if !isEntry || text == "" || indent != 2 {
		return proseItem{text: line, kept: true}
	}
	return proseItem{name: name, text: text, column: len(line) - len(text)}
}

func (h *helpText) usage(cmd *cobra.Command) {
	h.heading("Usage")
	if cmd.HasSubCommands() {
		h.line("  " + cmd.CommandPath() + " VERB")
	}
	if cmd.Runnable() {
		h.line("  " + usageLine(cmd))
	}
}

// usageLine is the use line with the flags before the arguments.
func usageLine(cmd *cobra.Command) string {
	_, arguments, _ := strings.Cut(cmd.Use, " ")
	arguments = strings.TrimSpace(strings.Replace(arguments, "[flags]", "", 1))
	return strings.TrimSpace(cmd.CommandPath() + " [FLAG…] " + arguments)
}

func (h *helpText) subcommands(cmd *cobra.Command) {
	var names []string
	widest := 0
	for _, sub := range inOrder(cmd) {
		if !sub.Hidden {
			names = append(names, sub.Name())
			widest = max(widest, len(sub.Name()))
		}
	}
	if len(names) == 0 {
		return
	}
	h.heading("Verbs")
	for _, name := range names {
		h.entry(name, findCommand(cmd, name).Short, widest+3)
	}
}

// addCommands adds commands and notes their order, since cobra sorts its own
// list by name.
func addCommands(cmd *cobra.Command, subs ...*cobra.Command) {
	for _, sub := range subs {
		if sub.Annotations == nil {
			sub.Annotations = map[string]string{}
		}
		sub.Annotations[orderKey] = fmt.Sprintf("%04d", len(cmd.Commands()))
		cmd.AddCommand(sub)
	}
}

// inOrder returns the commands below in the order in which they were added.
func inOrder(cmd *cobra.Command) []*cobra.Command {
	subs := slices.Clone(cmd.Commands())
	slices.SortStableFunc(subs, func(x, y *cobra.Command) int {
		return strings.Compare(x.Annotations[orderKey], y.Annotations[orderKey])
	})
	return subs
}

func (h *helpText) flags(cmd *cobra.Command) {
	for _, section := range flagSections(cmd) {
		h.heading(section.heading)
		for _, f := range section.flags {
			typed, usage := flagText(f)
			if f.Shorthand == "" {
				typed = "    " + typed
			}
			h.entry(typed, usage, 26)
		}
	}
}

// entry writes a name and, from a column on, what it means.
func (h *helpText) entry(name, text string, column int) {
	indent := strings.Repeat(" ", column+2)
	lead := "  " + name
	if len(lead) > column {
		h.line(lead)
		lead = ""
	}
	for _, line := range fill(text, h.width-len(indent)) {
		h.line(lead + indent[min(table.Cells(lead), len(indent)):] + line)
		lead = ""
	}
}

// fill lays words on lines of at most width cells.
func fill(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && table.Cells(line)+1+table.Cells(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// exitCodes is the help topic of that name.
const exitCodes = `
  0    done
  1    something was found and --fail-on-findings was given, or a rule test failed
  2    wrong usage
  3    a rule, a query or the configuration is invalid
  4    input could not be read, or with --strict not be parsed
  5    the result is partial: a limit was hit
  70   a fault of drumbeat's own
  130  interrupted (Ctrl-C)
  143  terminated

On the first of these two signals a verb prints what it has and says that it is partial; the second ends it at once.`

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:         "help [VERB]",
		Annotations: map[string]string{noConfigKey: "it needs no settings"},
		Short:       "Shows the help of a verb, or of the topic exit-codes",
		Example:     "  drumbeat help config\n  drumbeat help exit-codes",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "exit-codes" {
				h := &helpText{a: a, width: a.helpWidth()}
				h.prose(exitCodes)
				_, err := io.WriteString(a.stdout, h.String())
				return err
			}
			target := cmd.Root()
			for _, name := range args {
				sub := findCommand(target, name)
				if sub == nil {
					return unknownVerb(target, name)
				}
				target = sub
			}
			a.writeHelp(target)
			return nil
		},
	}
}

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:         "completion SHELL",
		Annotations: map[string]string{noConfigKey: "it needs no settings"},
		Short:       "Writes the completion script for bash, zsh, fish or powershell",
		ValidArgs:   shells,
		Example: `  # now, in this bash
  source <(drumbeat completion bash)
  # for good, in zsh
  drumbeat completion zsh > "${fpath[1]}/_drumbeat"
  # for good, in fish
  drumbeat completion fish > ~/.config/fish/completions/drumbeat.fish`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return usageError("name one shell: bash, zsh, fish or powershell")
			}
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			}
			return root.GenPowerShellCompletionWithDesc(a.stdout)
		},
	}
}

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:         "man DIR",
		Annotations: map[string]string{noConfigKey: "it needs no settings"},
		Short:       "Writes the manual pages to a folder",
		Example:     "  drumbeat man ~/.local/share/man/man1",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError("name one folder to write the manual pages to")
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manual pages are for all to read
				return err
			}
			for _, sub := range commandTree(cmd.Root()) {
				if sub.Hidden {
					continue
				}
				file := filepath.Join(args[0], strings.ReplaceAll(sub.CommandPath(), " ", "-")+".1")
				if err := os.WriteFile(file, manPage(sub), 0o644); err != nil { //nolint:gosec // see above
					return err
				}
			}
			return nil
		},
	}
}

// manPage returns the manual page of a command in the man macros of roff. It
// has no date, so that the same source gives the same bytes.
func manPage(cmd *cobra.Command) []byte {
	var b strings.Builder
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	source := strings.TrimSpace("drumbeat " + version)
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q \"drumbeat manual\"\n", strings.ToUpper(name), source)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n")
	if cmd.HasSubCommands() {
		fmt.Fprintf(&b, "\\fB%s\\fR VERB\n.br\n", roff(cmd.CommandPath()))
	}
	if cmd.Runnable() && cmd.HasParent() {
		line := usageLine(cmd)
		fmt.Fprintf(&b, "\\fB%s\\fR%s\n", roff(cmd.CommandPath()), roff(line[len(cmd.CommandPath()):]))
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.EX\n%s\n.EE\n", roff(strings.Trim(cmd.Example, "\n")))
	}
	if cmd.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", roffProse(cmd.Long))
	}
	if subs := inOrder(cmd); len(subs) > 0 {
		fmt.Fprintf(&b, ".SH VERBS\n")
		for _, sub := range subs {
			if !sub.Hidden {
				fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(sub.Name()), roff(sub.Short))
			}
		}
	}
	for _, section := range flagSections(cmd) {
		fmt.Fprintf(&b, ".SH %s\n", strings.ToUpper(section.heading))
		for _, f := range section.flags {
			typed, usage := flagText(f)
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(typed), roff(usage))
		}
	}
	if !cmd.HasParent() {
		fmt.Fprintf(&b, ".SH EXIT STATUS\n%s.SH CONFIGURATION\n%s", roffProse(exitCodes), roffProse(settingsHelp))
	}
	return []byte(b.String())
}

func roffProse(text string) string {
	var b strings.Builder
	for _, block := range proseBlocks(text) {
		b.WriteString(".PP\n")
		for _, item := range block {
			switch {
			case item.name != "":
				fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(item.name), roff(item.text))
			case item.kept:
				fmt.Fprintf(&b, ".EX\n%s\n.EE\n", roff(item.text))
			default:
				b.WriteString(roff(item.text) + "\n")
			}
		}
	}
	return b.String()
}

// roff escapes text for roff: backslashes, hyphens that must stay hyphens for
// whoever copies them, and lines that would begin a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\[u2026]`, "µ", `\[mc]`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
