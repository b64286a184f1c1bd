package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
	"drumbeat/internal/table"
)

// ruleImportCommand makes the verb that turns templates into rule files.
func (a *app) ruleImportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import TEMPLATE…",
		Short: "Make YAML of the rules in ARM templates",
		Long: `Reads ARM templates (what Sentinel exports, and the mainTemplate.json of solutions)
and writes their rules as YAML: one to standard output, several into a folder. A
template can come from standard input (-).`,
		Example: `  drumbeat rule import exported.json > beacon.yaml
  drumbeat rule import --out rules/ mainTemplate.json`,
		RunE: func(_ *cobra.Command, args []string) error { return a.importRules(args, out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "write a file for each rule into `FOLDER`, which is made if need be")
	return cmd
}

func (a *app) importRules(names []string, out string) error {
	rules, err := a.loadRules(names, "")
	if err != nil {
		return err
	}
	if out == "" {
		if len(rules) != 1 {
			return usageError("there are %d rules: give --out FOLDER", len(rules))
		}
		if _, err := a.stdout.Write(rules[0].YAML()); err != nil {
			return fmt.Errorf("writing the rule: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(out, 0o750); err != nil {
		return exitWith(exitInput, fmt.Errorf("making the folder: %w", err))
	}
	return a.writeRules(rules, out)
}

// writeRules writes each rule into a file of its own. Where one is there already none is written.
func (a *app) writeRules(rules []*rule.Rule, out string) error {
	paths := rule.FileNames(rules)
	var there []string
	for i, name := range paths {
		paths[i] = filepath.Join(out, name+".yaml")
		if _, err := os.Lstat(paths[i]); err == nil {
			there = append(there, showPath(paths[i]))
		}
	}
	if len(there) > 0 {
		return exitWith(exitInput, fmt.Errorf("nothing is written, for there are already: %s", strings.Join(there, " ")))
	}
	for i, r := range rules {
		if err := writeNew(paths[i], r.YAML()); err != nil {
			return err
		}
		a.notef("%s: %s", showPath(paths[i]), table.Printable(r.Label()))
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return exitWith(exitInput, fmt.Errorf("writing the rule: %w", err))
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return exitWith(exitInput, fmt.Errorf("writing the rule: %w", err))
	}
	return nil
}

// withoutHunting leaves out the hunting queries of folders, and refuses those of files that are named.
func (a *app) withoutHunting(rules []*rule.Rule, args []string) ([]*rule.Rule, error) {
	kept := make([]*rule.Rule, 0, len(rules))
	for _, r := range rules {
		switch {
		case r.Kind != rule.Hunting:
			kept = append(kept, r)
		case slices.ContainsFunc(args, func(arg string) bool { return showPath(arg) == r.File }):
			return nil, exitWith(exitInvalid, fmt.Errorf("%s is a hunting query: it has no schedule, which a template must have", r.Label()))
		default:
			a.notef("%s is a hunting query, which has no schedule: it is left out", table.Printable(r.Label()))
		}
	}
	if len(kept) == 0 {
		return nil, exitWith(exitInvalid, errors.New("there are hunting queries alone: a template must have a schedule"))
	}
	return kept, nil
}

// nameOf names a rule with its file.
func nameOf(r *rule.Rule) string { return table.Printable(r.Label()) + " (" + r.File + ")" }

// ruleExportCommand makes the verb that turns rule files into a template.
func (a *app) ruleExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export RULE…",
		Short: "Make an ARM template of rules",
		Long: `Writes rules, those of files and folders, as one ARM template, in the form in which Sentinel imports them. What
that form has no place for is kept in the template's metadata, so that import
gives it back.`,
		Example: `  drumbeat rule export beacon.yaml > beacon.json`,
		RunE: func(_ *cobra.Command, args []string) error {
			rules, err := a.loadRules(args, "")
			if err != nil {
				return err
			}
			if rules, err = a.withoutHunting(rules, args); err != nil {
				return err
			}
			if len(rules) > rule.MaxExport {
				return usageError("there are %d rules, and Sentinel takes %d in one template", len(rules), rule.MaxExport)
			}
			if one, other := rule.SameID(rules); one != nil {
				return exitWith(exitInvalid, fmt.Errorf("%s and %s have one id, which a template can have once", nameOf(one), nameOf(other)))
			}
			if _, err := a.stdout.Write(rule.Export(rules)); err != nil {
				return fmt.Errorf("writing the template: %w", err)
			}
			return nil
		},
	}
	return cmd
}
