package main

import (
	"context"
	"errors"
	"slices"

	"drumbeat/internal/rule"
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
	rules, err := s.a.loadRules(s.ruleFiles)
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
	programs := make([]*rule.Program, len(rules))
	for i, r := range rules {
		if programs[i], err = s.a.compile(r, data); err != nil {
			return 0, err
		}
	}
	run := &ruleRun{a: s.a, dataFlags: d}
	for _, p := range programs {
		done, err := run.one(ctx, p, data, format)
		if err != nil {
			return rows, err
		}
		for _, day := range done.Days {
			rows += day.Rows
		}
		for _, res := range done.Results {
			if res.Limit != nil {
				return rows, limitError(res.Limit)
			}
		}
	}
	return rows, data.finish()
}

// afterRules gives the end of a scan that has run rules alone.
func (s *scan) afterRules(rows int, err error) error {
	if err == nil && s.failOnFindings && rows > 0 {
		return exitWith(exitFindings, nil)
	}
	return err
}
