//go:build cgo

package duck

import (
	"os"
	"strconv"
	"testing"

	"drumbeat/internal/enginetest"
	"drumbeat/internal/stream"
)

func TestAnswers(t *testing.T) {
	d := open(t, Options{Threads: 2})
	enginetest.Cases(t, enginetest.Engine{Name: "duck", Run: d.Run})
}

// TestRandomQueries compares DuckDB with the native engine.
func TestRandomQueries(t *testing.T) {
	d := open(t, Options{Threads: 2})
	n := 400
	if testing.Short() {
		n = 100
	}
	if s := os.Getenv("DRUMBEAT_RANDOM"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	enginetest.Compare(t, 1, n, enginetest.Engine{Name: "stream", Run: stream.Run}, enginetest.Engine{Name: "duck", Run: d.Run})
}
