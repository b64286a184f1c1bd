package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// limits bound the CPU of drumbeat, in CPU of wc -l, by the name of the log.
type limits struct {
	Note     string             `json:"note"`
	Flows    int64              `json:"flows"`
	Margin   float64            `json:"margin"`
	Measured map[string]float64 `json:"measured"`
	Limits   map[string]float64 `json:"limits"`
}

const (
	quickFlows  = 200_000
	guardRounds = 9
	guardMargin = 1.6
)

// ratios measures the CPU of the founding rule on each log, in CPU of wc -l:
// best of the rounds through best of the rounds.
func (h *harness) ratios(ctx context.Context, logs []logFile, best map[string]*[2]float64) error {
	for i := range logs {
		log := &logs[i]
		jobs := h.jobs(log)[:2]
		f, err := h.compare(ctx, log, jobs, guardRounds, map[string]uint64{})
		if err != nil {
			return err
		}
		b := best[log.name]
		if b == nil {
			b = &[2]float64{math.Inf(1), math.Inf(1)}
			best[log.name] = b
		}
		for j := range b {
			b[j] = min(b[j], f.Rows[j].CPU.Best)
		}
	}
	return nil
}

// guard fails where drumbeat became slower than the limits allow. A log above
// its limit gets a second chance: other work on the machine only ever adds.
func (h *harness) guard(ctx context.Context, file string, record bool, w io.Writer) error {
	logs, err := h.prepare(ctx, quickFlows, false)
	if err != nil {
		return err
	}
	best := map[string]*[2]float64{}
	if err := h.ratios(ctx, logs, best); err != nil {
		return err
	}
	if record {
		if err := h.ratios(ctx, logs, best); err != nil {
			return err
		}
		return recordLimits(file, best)
	}
	l, err := readLimits(file)
	if err != nil {
		return err
	}
	if len(l.exceeded(best)) > 0 {
		h.say("above a limit: measuring once more")
		if err := h.ratios(ctx, logs, best); err != nil {
			return err
		}
	}
	lines := [][]string{{"CPU/wc -l", "now", "limit", ""}}
	for i := range logs {
		name := logs[i].name
		word := "ok"
		if _, known := l.Limits[name]; !known {
			word = "no limit"
		} else if over(best[name], l.Limits[name]) {
			word = "TOO SLOW"
		}
		lines = append(lines, []string{name, ratio(through(best[name][1], best[name][0])), ratio(l.Limits[name]), word})
	}
	var b strings.Builder
	align(&b, lines, "")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if names := l.exceeded(best); len(names) > 0 {
		return fmt.Errorf("slower than %s allows: %s (a new limit is set by: make -C bench limits)", file, strings.Join(names, ", "))
	}
	return nil
}

func over(best *[2]float64, limit float64) bool { return through(best[1], best[0]) > limit }

// exceeded names the logs above their limit. One without a limit is not.
func (l *limits) exceeded(best map[string]*[2]float64) []string {
	var names []string
	for _, k := range kinds() {
		limit, known := l.Limits[k.name]
		if b := best[k.name]; known && b != nil && over(b, limit) {
			names = append(names, k.name)
		}
	}
	return names
}

func readLimits(file string) (*limits, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l := &limits{}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if l.Flows != quickFlows {
		return nil, fmt.Errorf("%s is for logs of %d flows; want %d", file, l.Flows, quickFlows)
	}
	return l, nil
}

func recordLimits(file string, best map[string]*[2]float64) error {
	m := thisMachine()
	l := limits{
		Note: fmt.Sprintf("CPU of 'drumbeat scan --method source-delta' in CPU of 'wc -l', measured on %d cores of %s; limits are that times the margin",
			m.Cores, m.CPU),
		Flows: quickFlows, Margin: guardMargin, Measured: map[string]float64{}, Limits: map[string]float64{},
	}
	for name, b := range best {
		r := through(b[1], b[0])
		l.Measured[name] = math.Round(r*100) / 100
		l.Limits[name] = math.Ceil(r*guardMargin*10) / 10
	}
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // a file of the repository
}
