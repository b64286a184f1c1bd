package kql_test

import (
	"testing"

	"drumbeat/kql"
)

func TestParseDateTime(t *testing.T) {
	for text, want := range map[string]int64{
		"0001-01-01":                  0,
		"0001-01-01T00:00:01.5Z":      15_000_000,
		"0001-01-02 00:00:00+01:00":   23 * 36_000_000_000,
		"9999-12-31 23:59:59.9999999": 3155378975999999999,
	} {
		if got, ok := kql.ParseDateTime(text); got != want || !ok {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "max", "min", "tomorrow", "2024-02-30"} {
		if got, ok := kql.ParseDateTime(text); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestParseTimespan(t *testing.T) {
	for text, want := range map[string]int64{"1tick": 1, "-1.5s": -15_000_000, "1.00:00:01": 864_010_000_000, "2": 1_728_000_000_000} {
		if got, ok := kql.ParseTimespan(text); got != want || !ok {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "max", "min", "1fortnight", "00:60"} {
		if got, ok := kql.ParseTimespan(text); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}
