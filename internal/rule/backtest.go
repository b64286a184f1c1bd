package rule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
)

// Backtest is what a rule would have given over a span of time, by days (UTC).
type Backtest struct {
	Slots Slots
	// Runs, Skipped and Triggered count scheduled times: those that ran, those that suppression left out, and those that
	// met the condition.
	Runs, Skipped, Triggered int
	Days                     []Day
	// Results are the runs that gave rows, All those that gave rows or alerts, in order.
	Results, All []*Result
	// Limited counts runs whose rows a limit has cut.
	Limited int
}

// Day is what the runs of a day gave.
type Day struct {
	Start        int64 // midnight, in ticks
	Runs         int
	Rows, Alerts int
}

// Backtest runs a rule at every slot. progress, where it is not nil, is told of each run.
func (p *Program) Backtest(ctx context.Context, q Querier, slots Slots, progress func()) (*Backtest, error) {
	b := &Backtest{Slots: slots}
	var suppressor Suppressor
	for i := range slots.Len() {
		at := slots.At(i)
		day := b.day(traffic.Floor(at, traffic.Day))
		if suppressor.Skip(at) {
			b.Skipped++
			continue
		}
		res, err := p.Run(ctx, q, at)
		if err != nil {
			return nil, fmt.Errorf("the run at %s: %w", timeText(at), err)
		}
		suppressor.Saw(p.Rule, res)
		b.Runs++
		day.Runs++
		day.Rows += res.Rows.Len()
		day.Alerts += len(res.Alerts)
		if res.Triggered {
			b.Triggered++
		}
		if res.Limit != nil {
			b.Limited++
		}
		if res.Rows.Len() > 0 {
			b.Results = append(b.Results, res)
		}
		if res.Rows.Len() > 0 || len(res.Alerts) > 0 {
			b.All = append(b.All, res)
		}
		if progress != nil {
			progress()
		}
	}
	return b, nil
}

// day gives the day, with those between it and the last.
func (b *Backtest) day(start int64) *Day {
	for len(b.Days) > 0 && b.Days[len(b.Days)-1].Start < start-traffic.Day {
		b.Days = append(b.Days, Day{Start: b.Days[len(b.Days)-1].Start + traffic.Day})
	}
	if len(b.Days) == 0 || b.Days[len(b.Days)-1].Start < start {
		b.Days = append(b.Days, Day{Start: start})
	}
	return &b.Days[len(b.Days)-1]
}

// Alerts is the number of all alerts.
func (b *Backtest) Alerts() int {
	n := 0
	for _, d := range b.Days {
		n += d.Alerts
	}
	return n
}

// Chart draws numbers by day as bars of characters, one line a day; the longest has width characters, and each that is not
// zero has one at least.
func Chart(days []Day, of func(Day) int, width int) string {
	most := 1
	for _, d := range days {
		most = max(most, of(d))
	}
	var b strings.Builder
	for _, d := range days {
		n := of(d)
		size := (n*width + most - 1) / most
		line := fmt.Sprintf("%s  %s", traffic.Time(d.Start).Format(time.DateOnly), strings.Repeat("█", size))
		fmt.Fprintf(&b, "%s %d\n", strings.TrimRight(line, " "), n)
	}
	return b.String()
}

// Difference is a row that one of two versions of a rule gives at a run, and the other does not.
type Difference struct {
	At  int64
	New bool   // the second version gives it
	Row string // as JSON
}

// Compare gives the rows that differ between two versions over the same slots, in the order of the runs; of one run first
// those that are gone. Rows are the same if their JSON is.
func Compare(old, other *Backtest) []Difference {
	var out []Difference
	i, j := 0, 0
	for i < len(old.Results) || j < len(other.Results) {
		var a, b *Result
		if i < len(old.Results) {
			a = old.Results[i]
		}
		if j < len(other.Results) {
			b = other.Results[j]
		}
		switch {
		case b == nil || a != nil && a.At < b.At:
			b = nil
			i++
		case a == nil || b.At < a.At:
			a = nil
			j++
		default:
			i++
			j++
		}
		out = append(out, compareRun(a, b)...)
	}
	return out
}

func compareRun(a, b *Result) []Difference {
	have := map[string]int{}
	rowsOf(b, func(row string) { have[row]++ })
	var out []Difference
	left := map[string]int{}
	rowsOf(a, func(row string) {
		if have[row] > 0 {
			have[row]--
			left[row]++
			return
		}
		out = append(out, Difference{At: a.At, Row: row})
	})
	rowsOf(b, func(row string) {
		if left[row] > 0 {
			left[row]--
			return
		}
		out = append(out, Difference{At: b.At, New: true, Row: row})
	})
	return out
}

func rowsOf(r *Result, f func(row string)) {
	if r == nil {
		return
	}
	for i := range r.Rows.Len() {
		f(string(r.Rows.AppendJSON(nil, i)))
	}
}

// Tables gives the rows of runs, with the columns _rule and _runAt behind, which say whose they are: one table for
// consecutive runs whose columns are the same, as those of all runs of most queries are.
func Tables(id string, results []*Result) []*table.Table {
	var out []*table.Table
	var cols []table.Column
	for _, r := range results {
		if len(out) == 0 || !slices.Equal(cols, r.Rows.Columns()) {
			cols = r.Rows.Columns()
			out = append(out, table.New(withRun(cols)...))
		}
		t := out[len(out)-1]
		n := len(cols)
		row := make([]any, n+2)
		row[n], row[n+1] = id, r.At
		for i := range r.Rows.Len() {
			for c := range n {
				row[c] = r.Rows.Value(i, c)
			}
			t.Append(row...)
		}
	}
	return out
}

// withRun adds the columns of a run. A query that has such columns itself keeps its names.
func withRun(cols []table.Column) []table.Column {
	out := slices.Clone(cols)
	for _, c := range []table.Column{{Name: "_rule", Type: table.String}, {Name: "_runAt", Type: table.Datetime}} {
		for slices.ContainsFunc(out, func(o table.Column) bool { return o.Name == c.Name }) {
			c.Name += "_"
		}
		out = append(out, c)
	}
	return out
}
