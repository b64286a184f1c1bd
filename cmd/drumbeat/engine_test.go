package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"drumbeat/internal/stream"
	"drumbeat/internal/table"
)

// TestPatiently: a query that stops when it is asked gives what it has; one that does not is left behind; a panic is an
// error.
func TestPatiently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := &stream.LimitError{Limit: "time", Max: 1}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, limit)
		defer cancel()
		some := table.New(table.Column{Name: "a", Type: table.Long})
		got, err := patiently(ctx, func() (*table.Table, error) {
			<-ctx.Done()
			time.Sleep(patience / 2)
			return some, context.Cause(ctx)
		})
		if got != some || !errors.Is(err, limit) {
			t.Error("one that stops:", got, err)
		}
		start, stop := time.Now(), make(chan bool)
		got, err = patiently(ctx, func() (*table.Table, error) {
			<-stop
			return some, nil
		})
		if got != nil || !errors.Is(err, limit) || time.Since(start) != patience {
			t.Error("one that does not:", got, err, time.Since(start))
		}
		close(stop)
		var crash *panicError
		if _, err = patiently(t.Context(), func() (*table.Table, error) { panic("a fault") }); !errors.As(err, &crash) {
			t.Error("a panic:", err)
		}
	})
}
