package rule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/catalog"
	"drumbeat/kql"
)

const sharedRules = "../../../shared/data/rules"

func sharedFiles(t *testing.T) []string {
	files, _ := filepath.Glob(sharedRules + "/*.yaml")
	if len(files) == 0 {
		t.Log("the shared rules are not at hand")
	}
	return files
}

// TestSharedRules reads and compiles public rules: no file may have an error of its own, and each text of a query must be
// found in its file.
func TestSharedRules(t *testing.T) {
	c, err := catalog.New(catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	began := time.Now() //nolint:forbidigo // the test measures
	files := sharedFiles(t)
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := Read(filepath.Base(path), text)
		if f.Diags.HasErrors() || len(f.Rules) != 1 {
			t.Errorf("%s: %d rules\n%s", path, len(f.Rules), f.Diags.Draw(f.Text, f.Name))
			continue
		}
		r := f.Rules[0]
		for i, c := range []byte(r.Query) {
			at := r.place.at(i)
			if f.Text[at] != c && c != '\n' {
				t.Fatalf("%s: byte %d of the query is %q, and %q in the file", path, i, c, f.Text[at])
			}
		}
		if _, diags := r.Compile(c); diags.HasErrors() {
			refused++
			for _, d := range diags {
				if d.Severity == kql.Error {
					t.Log(strings.TrimSpace(kql.Diagnostics{d}.Draw(f.Text, f.Name)))
				}
			}
		}
	}
	t.Logf("%d rules, %d refused, %v", len(files), refused, time.Since(began))
}
