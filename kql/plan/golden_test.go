package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"drumbeat/kql"
)

// TestGoldens reads testdata/*.txtar. For each NAME.kql there stands NAME.plan, its plan, or NAME.diag, what is wrong with
// it, or both where there is a warning.
func TestGoldens(t *testing.T) {
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := &txtar.Archive{Comment: archive.Comment}
			want := map[string]string{}
			for _, f := range archive.Files {
				want[f.Name] = string(f.Data)
			}
			for _, f := range archive.Files {
				name, ok := strings.CutSuffix(f.Name, ".kql")
				if !ok {
					continue
				}
				got.Files = append(got.Files, f)
				for _, part := range goldenParts(t, name, string(f.Data)) {
					got.Files = append(got.Files, part)
					if !*update && want[part.Name] != string(part.Data) {
						t.Errorf("%s is\n%s\nand should be\n%s", part.Name, part.Data, want[part.Name])
					}
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if len(got.Files) != len(archive.Files) {
				t.Errorf("%d sections, should be %d: run with -update", len(archive.Files), len(got.Files))
			}
		})
	}
}

func goldenParts(t *testing.T, name, src string) []txtar.File {
	var parts []txtar.File
	q, diags := kql.Parse(src)
	if diags.HasErrors() {
		return []txtar.File{{Name: name + ".diag", Data: []byte(diags.Draw(src, ""))}}
	}
	checkBind(t, ownSchema(), src)
	p, diags := Bind(q, ownSchema(), Options{})
	if len(diags) > 0 {
		parts = append(parts, txtar.File{Name: name + ".diag", Data: []byte(diags.Draw(src, ""))})
	}
	if p != nil {
		parts = append(parts, txtar.File{Name: name + ".plan", Data: []byte(p.String())})
	}
	return parts
}

func goldenFiles(t testing.TB) []string {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no goldens", err)
	}
	return paths
}

// goldenQueries are all hand-written queries.
func goldenQueries(t testing.TB) []string {
	var all []string
	for _, path := range goldenFiles(t) {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".kql") {
				all = append(all, string(f.Data))
			}
		}
	}
	return all
}

func FuzzBind(f *testing.F) {
	for _, src := range goldenQueries(f) {
		f.Add(src)
	}
	s := ownSchema()
	f.Fuzz(func(t *testing.T, src string) {
		p, diags := checkBind(t, s, src)
		if p != nil && p.String() == "" {
			t.Error("the plan has no text")
		}
		if len(diags) > 200 {
			t.Errorf("%d remarks", len(diags))
		}
		// A tree with errors is no query, but nothing may panic.
		if q, diags := kql.Parse(src); diags.HasErrors() {
			Bind(q, s, Options{})
		}
	})
}

// TestPieces takes each word out of every hand-written query.
func TestPieces(t *testing.T) {
	s := ownSchema()
	for _, src := range goldenQueries(t) {
		words := strings.Fields(src)
		for i := range words {
			rest := append(append([]string{}, words[:i]...), words[i+1:]...)
			text := strings.Join(rest, " ")
			checkBind(t, s, text)
			q, _ := kql.Parse(text)
			Bind(q, s, Options{})
		}
	}
}
