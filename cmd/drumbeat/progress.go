package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"drumbeat/internal/table"
)

// progress is the line on standard error that tells how far a verb is: a bar,
// the rate and the time left. It is drawn only where standard error is a
// terminal, and not with --quiet. A verb that prints rows while it works shows
// none where those go to the same terminal.
type progress struct {
	a      *app
	total  int64 // bytes; 0 where no one knows
	what   string
	width  int
	done   atomic.Int64
	start  time.Time
	drawn  bool // guarded by a.mu
	stop   chan struct{}
	ended  sync.WaitGroup
	closed sync.Once
	recent []sample // of the drawing goroutine
}

// sample is how much was done at a time.
type sample struct {
	at   time.Time
	done int64
}

const (
	firstDraw   = 50 * time.Millisecond  // soon, but not where the work ends at once
	redraw      = 100 * time.Millisecond // the eye follows, the terminal is not flooded
	rateSamples = 50                     // the rate is that of the last five seconds
	barWidth    = 24
)

// newProgress starts to show progress through so many bytes of something, such
// as "reading"; a total of 0 is unknown. It must be closed.
func newProgress(a *app, total int64, what string) *progress {
	p := &progress{a: a, total: total, what: table.Printable(what), stop: make(chan struct{})}
	width, isTerminal := a.stderrTerminal()
	if !isTerminal || a.quiet || a.getenv("TERM") == "dumb" {
		return p
	}
	p.begin(width)
	return p
}

func (p *progress) begin(width int) {
	p.width = width
	p.start = p.a.now()
	p.a.mu.Lock()
	p.a.bar = p
	p.a.mu.Unlock()
	p.ended.Go(p.run)
}

// Add counts n more bytes as done. Any goroutine may call it.
func (p *progress) Add(n int64) { p.done.Add(n) }

// Close takes the line away. It may be called more than once.
func (p *progress) Close() {
	p.closed.Do(func() {
		close(p.stop)
		p.ended.Wait()
		p.a.mu.Lock()
		defer p.a.mu.Unlock()
		if p.a.bar == p {
			p.erase()
			p.a.bar = nil
		}
	})
}

func (p *progress) run() {
	timer := time.NewTimer(firstDraw)
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-timer.C:
			p.draw()
			timer.Reset(redraw)
		}
	}
}

func (p *progress) draw() {
	now, done := p.a.now(), p.done.Load()
	p.recent = append(p.recent, sample{now, done})
	if len(p.recent) > rateSamples {
		p.recent = p.recent[1:]
	}
	line := p.line(now, done)
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	if p.a.bar == p {
		_, _ = io.WriteString(p.a.stderr, "\r\x1b[K"+line) // a lost drawing is no loss
		p.drawn = true
	}
}

// erase clears the line; the caller holds a.mu.
func (p *progress) erase() {
	if p.drawn {
		_, _ = io.WriteString(p.a.stderr, "\r\x1b[K") // a lost drawing is no loss
		p.drawn = false
	}
}

// line is the text of the progress line, narrower than the terminal, so that it
// never wraps.
func (p *progress) line(now time.Time, done int64) string {
	first := sample{at: p.start}
	if len(p.recent) == rateSamples {
		first = p.recent[0]
	}
	rate := 0.0
	if passed := now.Sub(first.at).Seconds(); passed > 0 {
		rate = float64(done-first.done) / passed
	}
	parts := []string{p.what}
	if p.total > 0 {
		share := min(float64(done)/float64(p.total), 1)
		full := int(share * barWidth)
		bar := strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
		parts = append(parts, bar, fmt.Sprintf("%3.0f %%", share*100),
			humanBytes(done)+" of "+humanBytes(p.total))
	} else {
		parts = append(parts, humanBytes(done))
	}
	if rate > 0 {
		parts = append(parts, humanBytes(int64(rate))+"/s")
		if left := float64(p.total-done) / rate; p.total > done && now.Sub(p.start) > time.Second {
			parts = append(parts, humanDuration(roundLeft(left))+" left")
		}
	}
	return joinWithin(parts, p.width-1)
}

// roundLeft turns seconds into a time left, to whole seconds, since tenths only
// flicker.
func roundLeft(seconds float64) time.Duration {
	const longest = 99 * 24 * 3600
	return time.Duration(math.Ceil(min(seconds, longest))) * time.Second
}

// joinWithin joins as many parts as fit, leaving out the bar first, since its
// percentage says the same, and then the last ones.
func joinWithin(parts []string, width int) string {
	text := strings.Join(parts, "  ")
	if table.Cells(text) > width && len(parts) > 3 {
		parts = append([]string{parts[0]}, parts[2:]...)
	}
	for len(parts) > 0 {
		text = strings.Join(parts, "  ")
		if table.Cells(text) <= width {
			return text
		}
		parts = parts[:len(parts)-1]
	}
	return ""
}
