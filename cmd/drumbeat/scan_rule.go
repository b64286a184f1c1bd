package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// runRules runs the rules of --rule over the files, and gives the number of rows that they have printed.
func (s *scan) runRules(ctx context.Context, paths []string, format string) (rows int, err error) {
	switch {
	case len(paths) == 0:
		return 0, usageError("name the files or folders to read, or - for standard input")
	case s.quarantine != "" && !s.methodsAsked:
		return 0, usageError("--quarantine goes with --method; drumbeat flows --rejected shows the lines that are not read")
	case s.methodsAsked && slices.Contains(paths, "-"):
		return 0, usageError("standard input is read once: give --rule or --method")
	}
	if format == formatCSV && s.methodsAsked {
		return 0, usageError("the results of --rule and --method have different columns, and a CSV has one header: use --format json")
	}
	rules, err := s.a.loadRules(s.ruleFiles, "")
	if err != nil {
		return 0, err
	}
	d := dataFlags{inputFlags: s.inputFlags, queryFlags: newQueryFlags(), logs: paths, at: s.now}
	d.memory, d.workers = s.memory, s.workers
	c, err := s.a.catalog(&d.queryFlags, &d.inputFlags, paths, recordWindow(&s.from, &s.to))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	data := &ruleData{Catalog: c, a: s.a, flags: &d, cache: newRowCache(c, int64(s.memory)/2)}
	run := &ruleRun{a: s.a, dataFlags: d, method: "rule"}
	_, rows, err = run.all(ctx, rules, data, format)
	return rows, err
}

// idleThresholds notes which of the flags that were given say nothing to rules.
func (s *scan) idleThresholds(cmd *cobra.Command) {
	var idle []string
	for _, name := range []string{"gap", "min-events", "min-modal", "min-percent", "bin", "window"} {
		if cmd.Flags().Changed(name) && s.a.origins[name] == "" {
			idle = append(idle, "--"+name)
		}
	}
	if len(s.ruleFiles) > 0 && !s.methodsAsked && len(idle) > 0 {
		s.a.notef("no effect on a rule, whose query says what it asks for: %s", strings.Join(idle, ", "))
	}
}

// afterRules gives the end of a scan that has run rules alone.
func (s *scan) afterRules(rows int, err error) error {
	if err == nil && s.failOnFindings && rows > 0 {
		return exitWith(exitFindings, nil)
	}
	return err
}
