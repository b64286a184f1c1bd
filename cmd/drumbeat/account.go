package main

import (
	"errors"
	"fmt"

	"drumbeat/internal/catalog"
	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/stream"
)

// account says what was read of the logs: what became of the lines, and the first of those that were rejected. It says
// nothing where no log was read.
func (a *app) account(r *catalog.Report) {
	if r.Lines == 0 && !r.Complete {
		return
	}
	c := &r.Counts
	a.notef("%s of %s = %s%s + %s of other types%s + %s rejected", plural(r.Lines, "line"), plural(int64(r.Files), "file"),
		plural(c.Flows, "flow"), joinedText(c), humanCount(c.Others()), inBrackets(others(c)), humanCount(c.Rejects()))
	a.rejects(c, r.Samples, "--strict makes them an error, drumbeat flows --rejected shows them all")
	if records := c.Flows + c.Others() - c.Other[logformat.OtherBlank]; records == 0 {
		a.notef("no flows were read, so nothing could be found")
	}
	a.countWarnings(c)
}

// rejects lists the reasons for which lines were rejected, with the first lines of each, and a hint where there are any.
func (a *app) rejects(c *logformat.Counts, samples []ingest.Rejected, hint string) {
	for reason, n := range c.Rejected {
		if n == 0 {
			continue
		}
		a.line("rejected", "%s × %s", humanCount(n), logformat.Reason(reason))
		for _, x := range samples {
			if x.Reason == logformat.Reason(reason) {
				a.line("", "  %s:%d: %s", showPath(x.Path), x.Line, shorten(x.Text, 100))
			}
		}
	}
	if c.Rejects() > 0 && hint != "" {
		a.line("", "  %s", hint)
	}
}

// countWarnings warns of what was odd in lines that were read.
func (a *app) countWarnings(c *logformat.Counts) {
	for w, n := range c.Warnings {
		if n > 0 {
			a.warnf("%s × %s", humanCount(n), logformat.Warning(w))
		}
	}
}

// unread reports whether nothing could be read of logs that were to be read.
func unread(r *catalog.Report) bool {
	fatal := false
	for i := range r.Problems {
		fatal = fatal || r.Problems[i].Fatal
	}
	return fatal && r.Lines == 0
}

// limitError says that a limit has ended a query or cut its result, which flag sets it, and what there is of the result.
func (q *queryFlags) limitError(e *stream.LimitError, what string) error {
	amount, flag := humanCount(e.Max), ""
	switch e.Limit {
	case "rows":
		flag = "max-rows"
	case "fan-out":
		amount, flag = plural(e.Max, "row"), "max-fan-out"
	case "memory":
		size := byteSize(e.Max)
		amount, flag = size.String(), "memory"
	case "time":
		amount, flag = q.timeout.String(), "timeout"
	}
	if flag != "" {
		flag = " (--" + flag + ")"
	}
	return exitWith(exitPartial, fmt.Errorf("the limit on %s, %s, is reached%s: %s", e.Limit, amount, flag, what))
}

// asLimit gives the limit that an error is about, or nil.
func asLimit(err error) *stream.LimitError {
	limit, _ := errors.AsType[*stream.LimitError](err)
	return limit
}
