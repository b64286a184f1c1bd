package main

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"drumbeat/internal/table"
)

// screen is a standard error that keeps what was written.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

func testApp(stderr *screen) *app {
	return &app{stderr: stderr, now: time.Now, getenv: func(string) string { return "" }}
}

// drawnProgress is progress on a terminal of 80 columns, which a test has not.
func drawnProgress(a *app, total int64) *progress {
	p := &progress{a: a, total: total, what: "reading", stop: make(chan struct{})}
	p.begin(80)
	return p
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		a := testApp(&out)
		p := drawnProgress(a, 1_000_000)
		p.Add(250_000)
		time.Sleep(99 * time.Millisecond)
		synctest.Wait()
		if got := out.take(); got != "\r\x1b[Kreading  ██████░░░░░░░░░░░░░░░░░░   25 %  250 kB of 1 MB  5 MB/s" {
			t.Errorf("first: %q", got)
		}
		a.warnf("odd")
		if got := out.take(); got != "\r\x1b[Kwarning: odd\n" {
			t.Errorf("warning: %q", got)
		}
		time.Sleep(4 * time.Second)
		p.Add(100_000)
		time.Sleep(5951 * time.Millisecond)
		synctest.Wait()
		drawings := strings.Split(out.take(), "\r\x1b[K")[1:]
		if len(drawings) < 90 || len(drawings) > 101 {
			t.Errorf("%d drawings in ten seconds", len(drawings))
		}
		if got := drawings[50]; !strings.HasSuffix(got, "350 kB of 1 MB  20 kB/s  32 s left") {
			t.Errorf("in the middle: %q", got)
		}
		p.Close()
		p.Close()
		if got := out.take(); got != "\r\x1b[K" {
			t.Errorf("closing: %q", got)
		}
		a.notef("done")
		if got := out.take(); got != "done\n" {
			t.Errorf("note: %q", got)
		}
	})
}

func TestProgressLineFits(t *testing.T) {
	a := testApp(&screen{})
	now := time.Unix(0, 0)
	for _, total := range []int64{0, 2_000_000_000} {
		for width := 1; width < 100; width++ {
			p := &progress{a: a, total: total, what: "reading firewall.log", width: width, start: now}
			if got := p.line(now.Add(10*time.Second), 1_200_000_000); table.Cells(got) >= width {
				t.Errorf("%d columns: %q", width, got)
			}
		}
	}
	p := &progress{a: a, total: 2_000_000_000, what: "reading", width: 80, start: now}
	if got, want := p.line(now.Add(10*time.Second), 1_000_000_000), "reading  ████████████░░░░░░░░░░░░   50 %  1 GB of 2 GB  100 MB/s  10 s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p = &progress{a: a, what: "reading", width: 80, start: now}
	if got, want := p.line(now.Add(10*time.Second), 1_000_000_000), "reading  1 GB  100 MB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestProgressElsewhere(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out screen
	p := newProgress(testApp(&out), 100, "reading") // not on a terminal
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() { p.Add(1) })
	}
	workers.Wait()
	p.Close()
	if got := out.take(); got != "" || p.done.Load() != 8 {
		t.Errorf("%d done, drawn %q", p.done.Load(), got)
	}
	p = drawnProgress(testApp(&out), 100)
	p.Close()
	if got := out.take(); got != "" {
		t.Errorf("closed at once, drawn %q", got)
	}
}
