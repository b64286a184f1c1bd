package main

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParseSettings checks that no file makes the reader panic, and that what
// it refuses is refused with a place.
func FuzzParseSettings(f *testing.F) {
	for _, s := range []string{
		"color: never", "config:\n  show:\n    origin: true\n    format: csv", "", "---\n", "a: &x 1\nb: *x", "<<: {a: 1}", "? a\n: b", "- 1",
		"quiet: !!bool yes", "color: |\n  never\n", "color: [a, b]", "color:\n", "{quiet: true}", "\t", "a: b: c", "? [quiet]\n: 1", "\x00",
		"quiet: true\n---\nquiet: false", "config: x", "config: 1", "1: 2", "quiet: *nothing", "\"quiet\": 'true'", "%YAML 1.2\n---\nquiet: true",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := testApp(&screen{})
		_, err := parseSettings(a.root(), "f.yaml", []byte(text))
		if err == nil {
			return
		}
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != exitInvalid {
			t.Fatalf("no exit code: %v", err)
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if strings.HasPrefix(line, "f.yaml:") {
				return
			}
		}
		t.Fatalf("no place: %v", err)
	})
}
