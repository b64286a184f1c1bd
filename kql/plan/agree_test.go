package plan

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"drumbeat/kql"
)

var (
	update = flag.Bool("update", false, "rewrite the goldens")
	oracle = flag.String("oracle", "", "folder of the official language service's harness: judge all queries anew")
)

const sharedData = "../../../shared/data"

type judged struct {
	id, query string
	// ok and columns are what the official language service says.
	ok      bool
	columns string
}

func sharedQueries(t testing.TB) []judged {
	var all []judged
	paths, err := filepath.Glob(sharedData + "/rules/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Log("the rules are not at hand")
		return nil
	}
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
		all = append(all, judged{id: "rule/" + filepath.Base(path), query: rule.Query})
	}
	f, err := os.Open(sharedData + "/kql/cases.jsonl")
	if err != nil {
		t.Log("the cases are not at hand")
		return all
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c struct{ ID, Query string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, judged{id: "case/" + c.ID, query: c.Query})
	}
	return all
}

// judge reads what the official language service says of each query: testdata/official.tsv has its id, whether it is
// right, and a hash of the columns. With -oracle it is written anew.
func judge(t *testing.T, all []judged) {
	if *oracle != "" {
		askOracle(t, all)
	}
	text, err := os.ReadFile("testdata/official.tsv")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		parts := strings.Split(strings.TrimSpace(line), "\t")
		said[parts[0]] = parts
	}
	for i := range all {
		parts := said[all[i].id]
		if len(parts) != 3 {
			t.Fatalf("%s is not judged: run with -oracle", all[i].id)
		}
		all[i].ok, all[i].columns = parts[1] == "ok", parts[2]
	}
}

func askOracle(t *testing.T, all []judged) {
	var in strings.Builder
	enc := json.NewEncoder(&in)
	for _, q := range all {
		if err := enc.Encode(map[string]string{"id": q.id, "query": q.query}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "check.mjs")
	cmd.Dir, cmd.Stdin = *oracle, strings.NewReader(in.String())
	answer, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(answer)) {
		var r struct {
			ID           string
			OK           bool
			ResultSchema []struct{ Name, Type string }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		cols := make([]string, len(r.ResultSchema))
		for i, c := range r.ResultSchema {
			if c.Type == "unknown" { // of a column that no schema declares
				c.Type = "dynamic"
			}
			cols[i] = c.Name + ":" + c.Type
		}
		fmt.Fprintf(&out, "%s\t%s\t%s\n", r.ID, map[bool]string{true: "ok", false: "refused"}[r.OK], hashOf(cols))
	}
	if err := os.WriteFile("testdata/official.tsv", []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hashOf(cols []string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(cols, ",")))
	return fmt.Sprintf("%016x", h.Sum64())
}

// compare says how a query differs from what the official service says, or "".
func compare(q judged, p *Plan, diags kql.Diagnostics) string {
	unsupported := slices.ContainsFunc(diags, func(d kql.Diagnostic) bool { return d.Code == kql.CodeUnsupported && d.Severity == kql.Error })
	first := ""
	for _, d := range diags {
		if d.Severity == kql.Error && (!unsupported || d.Code == kql.CodeUnsupported) {
			first = d.Message
			break
		}
	}
	switch {
	case p == nil && unsupported && q.ok:
		return "not supported: " + first
	case p == nil && q.ok:
		return "refused: " + first
	case p != nil && !q.ok:
		return "accepted, though the official service refuses it"
	case p == nil:
		return ""
	}
	cols := make([]string, len(p.Out))
	for i, c := range p.Out {
		cols[i] = c.Name + ":" + c.Type.String()
	}
	if hashOf(cols) == q.columns {
		return ""
	}
	return "other columns"
}

// TestAgreement compares all queries at hand with what the official language service says. testdata/agreement.txt
// lists the differences; there may only become fewer.
func TestAgreement(t *testing.T) {
	all := sharedQueries(t)
	s, err := sharedSchema()
	if all == nil || err != nil {
		t.Log("the rules or the schema are not at hand: the agreement is not checked")
		return
	}
	judge(t, all)
	differ := map[string]string{}
	total, agree, meant := map[string]int{}, map[string]int{}, map[string]int{}
	for _, q := range all {
		kind, _, _ := strings.Cut(q.id, "/")
		total[kind]++
		p, diags := checkBind(t, s, q.query)
		why := compare(q, p, diags)
		if why != "" && !strings.HasPrefix(why, "not supported") {
			tree, _ := kql.Parse(q.query)
			p, diags := Bind(tree, s, Options{External: true, official: true})
			if compare(q, p, diags) == "" {
				why = "the engine's reading, not the official service's"
			}
		}
		switch {
		case why == "":
			agree[kind]++
		case strings.HasPrefix(why, "the "):
			meant[kind]++
			differ[q.id] = why
		default:
			differ[q.id] = why
		}
	}
	var out strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(total)) {
		fmt.Fprintf(&out, "%s: %d of %d agree (%.1f %%), and %d more but for what is meant to differ (%.1f %%)\n", kind, agree[kind], total[kind],
			100*float64(agree[kind])/float64(total[kind]), meant[kind], 100*float64(agree[kind]+meant[kind])/float64(total[kind]))
	}
	classes := map[string]int{}
	for id, why := range differ {
		class, _, _ := strings.Cut(why, ":")
		kind, _, _ := strings.Cut(id, "/")
		classes[kind+": "+class]++
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		fmt.Fprintf(&out, "%4d %s\n", classes[class], class)
	}
	out.WriteString("\n")
	for _, id := range slices.Sorted(maps.Keys(differ)) {
		fmt.Fprintf(&out, "%s\t%s\n", id, differ[id])
	}
	const path = "testdata/agreement.txt"
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(strings.SplitN(out.String(), "\n\n", 2)[0])
		return
	}
	known, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for id, why := range differ {
		if !strings.Contains(string(known), id+"\t") {
			t.Errorf("%s differs now: %s", id, why)
		}
	}
	if string(known) != out.String() && !t.Failed() {
		t.Errorf("%s is out of date: run with -update", path)
	}
}
