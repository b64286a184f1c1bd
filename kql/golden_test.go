package kql

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestGoldens reads testdata/*.txtar. For each NAME.kql there stand NAME.diag, what is wrong with it, or else NAME.tree
// and NAME.fmt.
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
				for _, part := range goldenParts(name, string(f.Data)) {
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

func goldenParts(name, src string) []txtar.File {
	q, diags := Parse(src)
	if len(diags) > 0 {
		return []txtar.File{{Name: name + ".diag", Data: []byte(diags.Draw(src, ""))}}
	}
	return []txtar.File{
		{Name: name + ".tree", Data: []byte(dump(q))},
		{Name: name + ".fmt", Data: []byte(Format(q))},
	}
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
