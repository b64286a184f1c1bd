package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
	"drumbeat/internal/stream"
	"drumbeat/internal/table"
	"drumbeat/kql/plan"
)

// ruleTestCommand makes the verb that runs the tests of rules.
func (a *app) ruleTestCommand() *cobra.Command {
	t := &ruleTests{a: a}
	cmd := &cobra.Command{
		Use:   "test RULE…",
		Short: "Run the tests of rules",
		Long: `Runs the tests that stand beside rules: those of NAME.yaml in NAME.test.yaml; of
a folder, all in it. A test gives rows or synthetic traffic, the time of the
run, and what must come of it:

  tests:
    - name: a beacon of a minute
      at: 2026-03-04                  # now() of the run
      tables:                         # rows, column by column
        CommonSecurityLog:
          - {TimeGenerated: 2026-03-02T10:00:00Z, SourceIP: 10.0.0.5}
      watchlists:
        admins: [{SearchKey: ann}]
      traffic:                        # or records of a firewall
        - beat: 300s                  # a period; jitter, law, miss, from, for, to,
          jitter: 20 %                # source, destination, port, sent, received,
          for: 24h                    # user, device, action, app, protocol,
          source: 10.0.0.5            # columns: {…}, seed
        - background: 30s             # a mean gap, to destinations: 20
      expect:
        alerts: 1                     # or "> 0"
        rows: 24
        match: [{SourceIP: 10.0.0.5}] # a row has each of these
        none: [{SourceIP: 10.0.0.6}]  # no row has one of these
        entities: [{type: IP, Address: 203.0.113.7}]
        severity: Low
        name: …                       # of an alert

Tables that a test does not name are empty. It exits with 1 if a test fails.`,
		Example: `  drumbeat rule test beacon.yaml
  drumbeat rule test rules/ shipped:source-delta`,
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args) },
	}
	a.formatFlag(cmd, &t.format)
	a.queryFlags(cmd, &t.queryFlags, true)
	return cmd
}

// ruleTests is one run of the verb.
type ruleTests struct {
	queryFlags
	a      *app
	format string
	passed int
	failed int
	csv    *table.Table
}

// testPair is a file of tests and the rule that it tests.
type testPair struct {
	tests *rule.TestFile
	rule  *rule.Rule
}

func (t *ruleTests) run(ctx context.Context, names []string) (err error) {
	format := t.format
	if format == "" {
		format = formatTable
	}
	if err := t.check(); err != nil {
		return err
	}
	t.csv = table.New(
		table.Column{Name: "File", Type: table.String},
		table.Column{Name: "Rule", Type: table.String},
		table.Column{Name: "Test", Type: table.String},
		table.Column{Name: "Passed", Type: table.Bool},
		table.Column{Name: "Failures", Type: table.String},
	)
	pairs, err := t.pairs(names)
	if err != nil {
		return err
	}
	tables, err := t.a.catalog(&t.queryFlags, &inputFlags{}, nil, recordWindow(&instant{}, &instant{}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tables.Close()) }()
	engine := func(src stream.Source) rule.Querier { return t.a.querier(src, &t.queryFlags) }
	if !t.checked(pairs, tables) {
		return exitWith(exitInvalid, nil)
	}
	for _, p := range pairs {
		for _, one := range p.tests.Tests {
			out, err := one.Run(ctx, p.rule, tables, engine)
			if err != nil {
				return t.a.ruleError(ctx, p.rule, &t.queryFlags, err)
			}
			if err := t.write(p, out, format); err != nil {
				return fmt.Errorf("writing the results: %w", err)
			}
		}
	}
	if format == formatCSV {
		if err := t.a.writeTable(t.csv, formatCSV, table.TextOptions{}); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	t.a.notef("%s, %s failed", plural(int64(t.passed+t.failed), "test"), humanCount(int64(t.failed)))
	if t.failed > 0 {
		return exitWith(exitFindings, nil)
	}
	return nil
}

// checked shows what is wrong with the data of the tests.
func (t *ruleTests) checked(pairs []testPair, s plan.Schema) bool {
	ok := true
	for _, p := range pairs {
		p.tests.Check(p.rule, s)
		if len(p.tests.Diags) > 0 {
			ok = false
			t.a.showRemarks(p.tests.Diags, p.tests.Text, p.tests.Name)
		}
	}
	return ok
}

// pairs finds the files of tests and their rules.
func (t *ruleTests) pairs(names []string) ([]testPair, error) {
	if len(names) == 0 {
		return nil, usageError("name a rule that has tests, a folder, or one of %s", strings.Join(rule.ShippedNames(), ", "))
	}
	var out []testPair
	for _, name := range names {
		files := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			all, err := ruleFiles([]string{name})
			if err != nil {
				return nil, err
			}
			files = nil
			for _, f := range all {
				if isTestFile(f.path) {
					files = append(files, f.path)
				}
			}
			if len(files) == 0 {
				t.a.warnf("there is no file of tests (NAME%s) in %q", testSuffix, name)
			}
		}
		for _, f := range files {
			p, err := t.pair(f)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// pair reads a file of tests and its rule; either may be named.
func (t *ruleTests) pair(name string) (testPair, error) {
	text, path, err := t.a.testText(name)
	if err != nil {
		return testPair{}, err
	}
	tests := rule.ReadTests(path, text)
	if len(tests.Diags) > 0 && len(tests.Tests) == 0 { // else they are shown with those on the data
		t.a.showRemarks(tests.Diags, tests.Text, tests.Name)
		return testPair{}, exitWith(exitInvalid, nil)
	}
	ruleName := name
	switch {
	case tests.Rule != "" && !strings.HasPrefix(tests.Rule, rule.ShippedPrefix):
		ruleName = filepath.Join(filepath.Dir(name), tests.Rule)
	case tests.Rule != "":
		ruleName = tests.Rule
	case isTestFile(name):
		ruleName = strings.TrimSuffix(name, testSuffix) + ".yaml"
	}
	rules, err := t.a.loadRules([]string{ruleName}, "")
	if err != nil && len(tests.Diags) > 0 {
		t.a.showRemarks(tests.Diags, tests.Text, tests.Name)
	}
	if err != nil {
		return testPair{}, err
	}
	if len(rules) != 1 {
		return testPair{}, usageError("%s holds %d rules: tests are of one", ruleName, len(rules))
	}
	return testPair{tests, rules[0]}, nil
}

// testText gives the tests of a rule, and the name of their file.
func (a *app) testText(name string) (text []byte, path string, err error) {
	if strings.HasPrefix(name, rule.ShippedPrefix) {
		_, tests, ok := rule.Shipped(name)
		if !ok {
			_, err := a.readRuleFile(name)
			return nil, "", err
		}
		return tests, name + testSuffix, nil
	}
	path = name
	if !isTestFile(name) {
		path = strings.TrimSuffix(name, filepath.Ext(name)) + testSuffix
		if _, err := os.Stat(path); err != nil {
			return nil, "", exitWith(exitInput, fmt.Errorf("%s has no tests: there is no %s", showPath(name), showPath(path)))
		}
	}
	text, err = readLimited(path)
	return text, showPath(path), err
}

// write prints what came of a test.
func (t *ruleTests) write(p testPair, out *rule.Outcome, format string) error {
	ok := len(out.Failures) == 0
	if ok {
		t.passed++
	} else {
		t.failed++
	}
	var b strings.Builder
	switch format {
	case formatTable:
		word := t.a.paint(t.a.stdout, table.Green, "ok  ")
		if !ok {
			word = t.a.paint(t.a.stdout, table.Red, "FAIL")
		}
		b.WriteString(word + " " + table.Printable(p.rule.Label()+": "+out.Test.Name) + "\n")
		for _, f := range out.Failures {
			b.WriteString("     " + printableLines(f) + "\n")
		}
		for _, n := range out.Notes {
			b.WriteString("     note: " + printableLines(n) + "\n")
		}
	case formatJSON:
		b.Write(appendOutcome(nil, p, out))
		b.WriteByte('\n')
	default:
		t.csv.Append(p.tests.Name, p.rule.Label(), out.Test.Name, ok, strings.Join(out.Failures, "\n"))
	}
	_, err := t.a.stdout.Write([]byte(b.String()))
	return err
}

func appendOutcome(dst []byte, p testPair, out *rule.Outcome) []byte {
	dst = table.AppendJSONString(append(dst, `{"file":`...), p.tests.Name)
	dst = table.AppendJSONString(append(dst, `,"rule":`...), p.rule.Label())
	dst = table.AppendJSONString(append(dst, `,"test":`...), out.Test.Name)
	dst = fmt.Appendf(dst, `,"passed":%t,"failures":[`, len(out.Failures) == 0)
	for i, f := range out.Failures {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = table.AppendJSONString(dst, f)
	}
	dst = append(dst, ']')
	if len(out.Notes) > 0 {
		dst = append(dst, `,"notes":[`...)
		for i, n := range out.Notes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = table.AppendJSONString(dst, n)
		}
		dst = append(dst, ']')
	}
	if out.Result != nil {
		dst = fmt.Appendf(dst, `,"rows":%d,"alerts":%d`, out.Result.Rows.Len(), len(out.Result.Alerts))
	}
	return append(dst, '}')
}
