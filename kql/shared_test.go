package kql

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const sharedData = "../../shared/data"

// sharedRules are the queries of real rules, where they are at hand.
func sharedRules(t testing.TB) map[string]string {
	paths, err := filepath.Glob(sharedData + "/rules/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Log("the rules are not at hand: only the cases of the project are checked")
		return nil
	}
	rules := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var rule struct {
			Query string `yaml:"query"`
		}
		if err := yaml.Unmarshal(text, &rule); err != nil {
			t.Fatal(path, err)
		}
		rules[filepath.Base(path)] = rule.Query
	}
	return rules
}

// brokenRules are those that the official parser refuses too.
var brokenRules = []string{
	"NetworkConnectiontoOMIPorts.yaml",
	"PotentiallyHarmfulFileTypes.yaml",
}

func TestSharedRules(t *testing.T) {
	rules := sharedRules(t)
	if rules == nil {
		return
	}
	var broken []string
	for name, src := range rules {
		q, diags := checkParse(t, src)
		if diags.HasErrors() {
			broken = append(broken, name)
			if !slices.Contains(brokenRules, name) {
				t.Errorf("%s", diags.Draw(src, name))
			}
			continue
		}
		checkFormat(t, q)
	}
	slices.Sort(broken)
	if !slices.Equal(broken, brokenRules) {
		t.Errorf("refused %q, should refuse %q", broken, brokenRules)
	}
}

// TestSharedCases: a query that the official binder takes has no error of syntax, but for what is not supported.
func TestSharedCases(t *testing.T) {
	f, err := os.Open(sharedData + "/kql/cases.jsonl")
	if err != nil {
		t.Log("the cases are not at hand: they are not checked")
		return
	}
	t.Cleanup(func() { _ = f.Close() })
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	n := 0
	for lines.Scan() {
		var c struct {
			ID       string `json:"id"`
			Query    string `json:"query"`
			BinderOK bool   `json:"binder_ok"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		q, diags := checkParse(t, c.Query)
		if !diags.HasErrors() {
			n++
			checkFormat(t, q)
			continue
		}
		unsupported := slices.ContainsFunc(diags, func(d Diagnostic) bool { return d.Code == CodeUnsupported })
		if c.BinderOK && !unsupported {
			t.Errorf("%s", diags.Draw(c.Query, c.ID))
		}
	}
	if n < 1000 {
		t.Errorf("only %d queries are right", n)
	}
}

func BenchmarkParseRules(b *testing.B) {
	rules := sharedRules(b)
	size := 0
	for _, src := range rules {
		size += len(src)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range rules {
			Parse(src)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	src := strings.Join(goldenQueries(b), ";\n")
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(src)
	}
}

func BenchmarkFormat(b *testing.B) {
	q, _ := Parse(strings.Repeat("T | where a == 1 and b has 'x' | summarize n = count() by c, bin(t, 1h) | top 5 by n;\n", 20))
	b.ReportAllocs()
	for b.Loop() {
		Format(q)
	}
}
