package accuracy

import (
	"fmt"
	"math"
	"slices"
)

// errors measures the estimates of period and jitter.
func (j *judge) errors() (e Errors) {
	var period, jitter []float64
	found, foundRight, harmonics := 0, 0, 0
	for _, g := range j.groups {
		s := j.by[g.best]
		if s == nil {
			continue
		}
		t := &j.w.Channels[g.best].Truth
		if t.Law != "grid" && !math.IsNaN(s.Jitter) {
			estimate := s.Jitter
			if estimate > 1 {
				estimate /= 100
			}
			jitter = append(jitter, math.Abs(estimate-t.Jitter))
		}
		if s.Period == 0 || math.IsNaN(s.Period) {
			e.PeriodMissing++
			continue
		}
		off := t.off(s.Period, 1)
		period = append(period, off)
		if off > 0.1 && min(t.off(s.Period, 2), t.off(s.Period, 3), t.off(s.Period, 0.5), t.off(s.Period, 1.0/3)) < 0.08 {
			harmonics++
		}
		if g.score > j.line[share3] {
			found++
			if off <= 0.1 {
				foundRight++
			}
		}
	}
	slices.Sort(period)
	slices.Sort(jitter)
	within := func(limit float64) float64 {
		n, _ := slices.BinarySearch(period, math.Nextafter(limit, 2))
		return ratio(n, len(period))
	}
	e.PeriodMedian, e.Within10, e.Within25 = median(period), within(0.1), within(0.25)
	e.JitterGiven = len(jitter)
	e.Harmonic, e.JitterMedian, e.Found10 = ratio(harmonics, len(period)), median(jitter), ratio(foundRight, found)
	return e
}

// off is the error of a period against the nearest that is right, each of those times a factor.
func (t *Truth) off(period, factor float64) float64 {
	best := math.Inf(1)
	for _, right := range t.Right {
		if right > 0 {
			best = min(best, math.Abs(period-right*factor)/(right*factor))
		}
	}
	return best
}

// breakdowns gives recall by what the beacons are like.
func (j *judge) breakdowns() []Breakdown {
	truth := func(g *group) *Truth { return &j.w.Channels[g.best].Truth }
	return []Breakdown{
		j.breakdown("setting", func(g *group) string { return truth(g).Setting }),
		j.breakdown("period", func(g *group) string {
			return binName(truth(g).Period, []float64{30, 120, 600, 3600, 4 * 3600}, []string{
				"under 30 s", "30 s to 2 min", "2 to 10 min", "10 min to 1 h", "1 to 4 h", "4 h and more",
			})
		}),
		j.breakdown("jitter", func(g *group) string {
			return binName(truth(g).Jitter, []float64{1e-9, 0.1001, 0.2501, 0.5001}, []string{
				"none", "to 10 %", "to 25 %", "to 50 %", "over 50 %",
			})
		}),
		j.breakdown("missing", func(g *group) string { return fmt.Sprintf("%.0f %%", 100*truth(g).Missing) }),
		j.breakdown("records", func(g *group) string {
			most := 0 // of any channel of the implant, so that it does not depend on the method
			for _, c := range g.channels {
				most = max(most, j.w.Channels[c].Truth.Records)
			}
			return binName(float64(most), []float64{12, 30, 100, 500}, []string{
				"under 12", "12 to 29", "30 to 99", "100 to 499", "500 and more",
			})
		}),
		j.breakdown("law", func(g *group) string { return truth(g).Law }),
	}
}

// binName names the bin of a value; a bin begins at its edge.
func binName(x float64, edges []float64, names []string) string {
	at := 0
	for at < len(edges) && x >= edges[at] {
		at++
	}
	return fmt.Sprintf("%d %s", at+1, names[at])
}

func (j *judge) breakdown(property string, name func(*group) string) Breakdown {
	byName := make(map[string][]group)
	var names []string
	for i := range j.groups {
		n := name(&j.groups[i])
		if byName[n] == nil {
			names = append(names, n)
		}
		byName[n] = append(byName[n], j.groups[i])
	}
	slices.Sort(names)
	b := Breakdown{Property: property}
	for _, n := range names {
		groups := byName[n]
		b.Rows = append(b.Rows, Cell{
			Name: n, N: len(groups), Recall3: j.recall(groups, share3), Recall4: j.recall(groups, share4),
		})
	}
	return b
}
