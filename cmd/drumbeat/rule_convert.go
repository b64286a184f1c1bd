package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
)

// ruleImportCommand makes the verb that turns templates into rule files.
func (a *app) ruleImportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import TEMPLATE…",
		Short: "Make YAML of the rules in ARM templates",
		Long: `Reads ARM templates (what Sentinel exports, and the mainTemplate.json of solutions)
and writes their rules as YAML: one to standard output, several into a folder.`,
		Example: `  drumbeat rule import exported.json > beacon.yaml
  drumbeat rule import --out rules/ mainTemplate.json`,
		RunE: func(_ *cobra.Command, args []string) error { return a.importRules(args, out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "write a file for each rule into `FOLDER`, which is made if need be")
	return cmd
}

func (a *app) importRules(names []string, out string) error {
	rules, err := a.loadRules(names)
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
	for _, r := range rules {
		path := filepath.Join(out, fileName(r)+".yaml")
		if err := writeNew(path, r.YAML()); err != nil {
			return err
		}
		a.notef("%s: %s", path, r.Label())
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

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// fileName makes the name of a file of that of a rule, which may hold anything.
func fileName(r *rule.Rule) string {
	const longest = 80
	name := strings.Trim(notInNames.ReplaceAllString(r.Label(), "-"), "-")
	if name = name[:min(len(name), longest)]; name != "" {
		return name
	}
	return "rule"
}

// ruleExportCommand makes the verb that turns rule files into a template.
func (a *app) ruleExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export RULE…",
		Short: "Make an ARM template of rules",
		Long: `Writes rules as one ARM template, in the form in which Sentinel imports them. What
that form has no place for is kept in the template's metadata, so that import
gives it back.`,
		Example: `  drumbeat rule export beacon.yaml > beacon.json`,
		RunE: func(_ *cobra.Command, args []string) error {
			rules, err := a.loadRules(args)
			if err != nil {
				return err
			}
			for _, r := range rules {
				if r.Kind == rule.Hunting {
					return exitWith(exitInvalid, fmt.Errorf("%s is a hunting query: it has no schedule, which a template must have", r.Label()))
				}
			}
			if len(rules) > rule.MaxExport {
				return usageError("there are %d rules, and Sentinel takes %d in one template", len(rules), rule.MaxExport)
			}
			if _, err := a.stdout.Write(rule.Export(rules)); err != nil {
				return fmt.Errorf("writing the template: %w", err)
			}
			return nil
		},
	}
	return cmd
}
