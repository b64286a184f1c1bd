package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"time"
)

// BenchmarkScan runs the whole verb on a file that DRUMBEAT_BENCH_FILE names, for profiles; the comparisons with other
// tools are in bench/.
func BenchmarkScan(b *testing.B) {
	path := os.Getenv("DRUMBEAT_BENCH_FILE")
	if path == "" {
		b.Skip("DRUMBEAT_BENCH_FILE names no file")
	}
	args := []string{"scan", "--quiet", "--format", "json", path}
	if m := os.Getenv("DRUMBEAT_BENCH_METHOD"); m != "" {
		args = append(args, "--method", m)
	}
	for b.Loop() {
		a := &app{
			stdin: bytes.NewReader(nil), stdout: io.Discard, stderr: os.Stderr, now: time.Now,
			getenv: func(string) string { return "" },
		}
		if code := a.execute(context.Background(), args); code != exitOK {
			b.Fatalf("exit %d", code)
		}
	}
}
