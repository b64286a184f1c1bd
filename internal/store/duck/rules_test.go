//go:build cgo

package duck

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/catalog"
	"drumbeat/internal/eval"
	"drumbeat/internal/rewrite"
	"drumbeat/internal/rule"
	"drumbeat/internal/sqlgen"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

const sharedRules = "../../../../shared/data/rules/"

// sharedQueries gives the queries of the shared rules by the names of their files; none where these are not at hand.
func sharedQueries(t *testing.T) (map[string]string, *catalog.Catalog) {
	t.Helper()
	o := catalog.Options{Paths: []string{flowLog(t)}}
	parsers, _ := filepath.Glob(sharedRules + "parsers/*.kql")
	for _, p := range parsers {
		o.Functions = append(o.Functions, catalog.File{Name: strings.TrimSuffix(filepath.Base(p), ".kql"), Path: p})
	}
	c, err := catalog.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	queries := map[string]string{}
	files, _ := filepath.Glob(sharedRules + "*.yaml")
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		for _, r := range rule.Read(name, text).Rules {
			queries[name] = r.Query
		}
	}
	return queries, c
}

// flowLog writes a log of flows: one source that calls home each minute, and others.
func flowLog(t *testing.T) string {
	t.Helper()
	var w strings.Builder
	start := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3000 {
		at := start.Add(time.Duration(i) * 29 * time.Second)
		src, dst := fmt.Sprintf("10.0.0.%d", i%7), fmt.Sprintf("198.51.100.%d", i%11)
		if i%2 == 0 {
			src, dst = "10.1.1.1", "203.0.113.9"
		}
		kind := "TRAFFIC"
		if i%5 == 4 {
			kind = "THREAT"
		}
		fmt.Fprintf(&w, "CEF:0|Palo Alto Networks|PAN-OS|10.1|end|%s|%d|rt=%s src=%s spt=%d dst=%s dpt=%d in=%d out=%d act=allow "+
			"suser=Ünï%d request=http://example.com/a.php?x\\=%d fname=b%d.exe proto=tcp dvchost=fw%d\n", kind, i%10,
			at.Format("Jan 02 2006 15:04:05 GMT"), src, 1024+i, dst, 80+i%3, i*7, i*3, i%4, i, i%6, i%2)
	}
	path := filepath.Join(t.TempDir(), "flows.log")
	if err := os.WriteFile(path, []byte(w.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSharedRules runs public rules over flows, and compares what DuckDB gives with the native engine.
func TestSharedRules(t *testing.T) {
	queries, c := sharedQueries(t)
	if len(queries) == 0 {
		t.Log("the shared rules are not at hand")
		return
	}
	d := open(t, Options{Threads: 2, Memory: 1 << 30, Temp: t.TempDir()})
	names := make([]string, 0, len(queries))
	for name := range queries {
		names = append(names, name)
	}
	slices.Sort(names)
	bound, ran, inGo := 0, 0, map[string]int{}
	for _, name := range names {
		q, diags := kql.Parse(queries[name])
		if diags.HasErrors() {
			continue
		}
		p, _ := plan.Bind(q, c, plan.Options{External: true})
		if p == nil {
			continue
		}
		bound++
		p = rewrite.Prune(rewrite.Fold(p, &eval.Env{Now: flowNow}))
		windows := rewrite.Windows(p, flowNow)
		o := stream.Options{Now: flowNow, Window: func(s *plan.Scan) plan.Window { return windows[s] }}
		prog, err := d.Program(p, c, o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range prog.Parts {
			if g, ok := part.(*sqlgen.Go); ok {
				inGo[g.Reason]++
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		got, err := d.Run(ctx, p, c, o)
		if err != nil && !strings.Contains(err.Error(), "externaldata") {
			t.Errorf("%s: %v", name, err)
		} else {
			ran++
		}
		want, wantErr := stream.Run(ctx, p, c, o)
		cancel()
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: %v, but %v in Go", name, err, wantErr)
		} else if err == nil && rowsOf(t, got) != rowsOf(t, want) {
			t.Errorf("%s: other rows than in Go\n%.2000s\n%.2000s", name, rowsOf(t, got), rowsOf(t, want))
		}
	}
	t.Logf("%d of %d bound rules ran; steps in Go: %v", ran, bound, inGo)
}
