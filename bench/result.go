package main

import (
	"math"
	"slices"
	"time"
)

// result is all that one run of the harness found.
type result struct {
	Date     string       `json:"date"`
	Machine  machine      `json:"machine"`
	Versions []string     `json:"versions"`
	Rounds   int          `json:"rounds"`
	Load     [2]float64   `json:"load"` // load average before and after
	Files    []fileResult `json:"files"`
	Notes    []string     `json:"notes"`
}

// fileResult compares the processes that read one file. The first row is the
// base of the ratios.
type fileResult struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Bytes int64  `json:"bytes"`
	Lines int64  `json:"lines"`
	Base  string `json:"base"` // short name of the first row
	Rows  []row  `json:"rows"`
}

// row is one process, over all rounds.
type row struct {
	What string `json:"what"`
	// Own marks the row of drumbeat that the others are compared with.
	Own  bool   `json:"own"`
	Wall spread `json:"wallSeconds"`
	CPU  spread `json:"cpuSeconds"`
	// RSS is the most memory, in bytes; AtMost says that the harness had as much itself.
	RSS    int64  `json:"rssBytes"`
	AtMost bool   `json:"rssAtMost"`
	Ratios ratios `json:"ratios"`
}

// spread is what came out of the rounds, in seconds.
type spread struct {
	Best   float64   `json:"best"`
	Median float64   `json:"median"`
	All    []float64 `json:"all"`
}

// ratios are of the best rounds: this row's through the other's. 0 is unknown.
type ratios struct {
	WallToBase     float64 `json:"wallToBase"`
	CPUToBase      float64 `json:"cpuToBase"`
	WallToDrumbeat float64 `json:"wallToDrumbeat"`
	CPUToDrumbeat  float64 `json:"cpuToDrumbeat"`
}

// newSpread sums up durations, of which there is at least one.
func newSpread(all []time.Duration) spread {
	s := spread{All: make([]float64, len(all))}
	for i, d := range all {
		s.All[i] = d.Seconds()
	}
	sorted := slices.Sorted(slices.Values(s.All))
	s.Best = sorted[0]
	s.Median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	return s
}

// newRow sums up the samples of one process. floor is how much memory the
// harness had itself.
func newRow(what string, own bool, samples []sample, floor int64) row {
	r := row{What: what, Own: own}
	var wall, cpu []time.Duration
	for _, s := range samples {
		wall, cpu = append(wall, s.Wall), append(cpu, s.CPU)
		r.RSS = max(r.RSS, s.RSS)
	}
	r.Wall, r.CPU = newSpread(wall), newSpread(cpu)
	r.AtMost = r.RSS <= floor
	return r
}

// compare fills in the ratios of all rows.
func (f *fileResult) compare() {
	if len(f.Rows) == 0 {
		return
	}
	base, own := f.Rows[0], row{}
	if i := slices.IndexFunc(f.Rows, func(r row) bool { return r.Own }); i >= 0 {
		own = f.Rows[i]
	}
	for i := range f.Rows {
		r := &f.Rows[i]
		r.Ratios = ratios{
			WallToBase:     through(r.Wall.Best, base.Wall.Best),
			CPUToBase:      through(r.CPU.Best, base.CPU.Best),
			WallToDrumbeat: through(r.Wall.Best, own.Wall.Best),
			CPUToDrumbeat:  through(r.CPU.Best, own.CPU.Best),
		}
	}
}

// through divides, and gives 0 where that has no meaning.
func through(a, b float64) float64 {
	if b <= 0 || math.IsNaN(a) {
		return 0
	}
	return a / b
}
