package catalog

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drumbeat/internal/stream"
)

// write makes a file for a test and gives its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask runs a query and gives its rows as JSON.
func ask(t testing.TB, c *Catalog, query string) string {
	t.Helper()
	text, err := askError(t, c, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func askError(t testing.TB, c *Catalog, query string) (string, error) {
	t.Helper()
	p, err := bindError(c, query)
	if err != nil {
		return "", err
	}
	table, err := stream.Run(context.Background(), p, c, stream.Options{})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := table.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// cef makes the line of a TRAFFIC record of CEF.
func cef(at, src, dst, rest string) string {
	return "CEF:0|Palo Alto Networks|PAN-OS|10.1|end|TRAFFIC|1|rt=" + at + " src=" + src + " dst=" + dst + " " + rest + "\n"
}
