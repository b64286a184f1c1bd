package enginetest

import (
	"testing"

	"drumbeat/internal/stream"
)

// TestRandom sees to it that random queries are worth running: they are never refused, most have rows, and a seed makes
// one query alone.
func TestRandom(t *testing.T) {
	e := Engine{Name: "stream", Run: stream.Run}
	const n = 500
	rows, ordered := 0, 0
	for seed := range uint64(n) {
		q := Random(seed)
		if q != Random(seed) {
			t.Fatalf("seed %d makes two queries", seed)
		}
		got, err := e.Query(q.Text)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, q.Text)
			continue
		}
		if got.Len() > 0 {
			rows++
		}
		if q.Ordered {
			ordered++
		}
	}
	if rows < n/3 || ordered < n/4 {
		t.Errorf("of %d queries %d have rows and %d an order", n, rows, ordered)
	}
	t.Logf("of %d queries %d have rows and %d an order", n, rows, ordered)
}
