package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzScan reads any bytes as a file, from standard input, and packed where they are no packed file themselves. They
// all give the same, and every line is accounted for.
func FuzzScan(f *testing.F) {
	for _, b := range packed(f, mixedLog(1, 20)) {
		f.Add(b)
	}
	for _, b := range utf16Texts("\ufeff" + mixedLog(2, 3)) {
		f.Add(b)
	}
	for _, text := range []string{
		"", "\n", "\x00", "a", "PK\x03\x04", "BZh", "PAR1", "\xfd7zXZ\x00", "\x1f\x8b", "\x28\xb5\x2f\xfd", "\xff\xfe", "\xfe\xff\xd8",
		"\x50\x2a\x4d\x18\x01\x00\x00\x00a", strings.Repeat("\x01", 50), strings.Repeat("\n", 2000), strings.Repeat("x", 2000),
		flowLine(1), flowLine(1) + "\r\n" + flowLine(2) + " <14>" + flowLine(3), `"` + flowLine(1) + `"`, "1,2026/03/02 10:00:00,",
		"20000000000 <14>" + flowLine(1),
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(dir, "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		list, problems := List([]string{path}, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		want := scanAll(t, small(), 2, true, list...).forget()
		sameOutcome(t, "standard input", scanAll(t, small(), 1, true, stdin(content)).forget(), want)
		head := content[:min(len(content), magicLen)]
		if form, why := formOf(head); form == formPlain && why == "" {
			sameOutcome(t, "gzip", scanAll(t, small(), 2, true, stdin(gzipped(t, string(content)))).forget(), want)
		}
	})
}
