package accuracy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Marks in a document between which Markdown's tables stand.
const (
	MarkBegin = "<!-- drumbeat accuracy: begin -->"
	MarkEnd   = "<!-- drumbeat accuracy: end -->"
)

// Replace puts the tables between the marks of a document. It reports whether the marks are there.
func Replace(document, tables string) (string, bool) {
	head, rest, ok := strings.Cut(document, MarkBegin)
	_, tail, closed := strings.Cut(rest, MarkEnd)
	if !ok || !closed {
		return document, false
	}
	return head + MarkBegin + "\n\n" + tables + "\n" + MarkEnd + tail, true
}

// Markdown prints the report as tables, averaged over the worlds of a family.
func (r *Report) Markdown() string {
	var b strings.Builder
	for _, family := range r.families() {
		f := r.family(family)
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", familyTitle(family), f.about())
		if family == familyReal {
			f.real(&b)
			continue
		}
		f.summary(&b)
		f.shipped(&b)
		f.breakdowns(&b)
		f.calibration(&b)
		f.falseOnes(&b)
		f.costs(&b)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func familyTitle(family string) string {
	switch family {
	case familyReal:
		return "Real traffic with planted beacons"
	case "own":
		return "The project's own world"
	case "two":
		return "World two"
	}
	return family
}

func (r *Report) families() (out []string) {
	for i := range r.Runs {
		if !slices.Contains(out, r.Runs[i].Family) {
			out = append(out, r.Runs[i].Family)
		}
	}
	return out
}

// family is the results of one family of worlds, by method.
type family struct {
	worlds  []string
	methods []string
	runs    map[string][]*Result
}

func (r *Report) family(name string) *family {
	f := &family{runs: make(map[string][]*Result)}
	for i := range r.Runs {
		x := &r.Runs[i]
		if x.Family != name {
			continue
		}
		if !slices.Contains(f.worlds, x.World) {
			f.worlds = append(f.worlds, x.World)
		}
		if f.runs[x.Method] == nil {
			f.methods = append(f.methods, x.Method)
		}
		f.runs[x.Method] = append(f.runs[x.Method], x)
	}
	return f
}

// mean averages a figure over the worlds.
func mean(runs []*Result, of func(*Result) float64) float64 {
	sum := 0.0
	for _, r := range runs {
		sum += of(r)
	}
	return sum / float64(len(runs))
}

func (f *family) about() string {
	first := f.runs[f.methods[0]]
	n := func(of func(*Result) int) string {
		return grouped(int(math.Round(mean(first, func(r *Result) float64 { return float64(of(r)) }))))
	}
	return fmt.Sprintf("Mean of %d worlds (%s): on average %s channels, %s other channels of %d records and more, %s implants, %s sessions.",
		len(f.worlds), strings.Join(f.worlds, "; "), n(func(r *Result) int { return r.Channels }), n(func(r *Result) int { return r.Others }),
		MinRecords, n(func(r *Result) int { return r.Implants }), n(func(r *Result) int { return r.Sessions }))
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func percents(shares ...float64) string {
	parts := make([]string, len(shares))
	for i, s := range shares {
		parts[i] = fmt.Sprintf("%.0f", 100*s)
		if math.IsNaN(s) {
			parts[i] = "–"
		}
	}
	return strings.Join(parts, "/")
}

// table writes one Markdown table.
func markdownTable(b *strings.Builder, title string, head []string, rows [][]string) {
	fmt.Fprintf(b, "%s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
	b.WriteString("\n")
}

func (f *family) summary(b *strings.Builder) {
	rows := make([][]string, 0, len(f.methods))
	for _, m := range f.methods {
		runs := f.runs[m]
		of := func(get func(*Result) float64) float64 { return mean(runs, get) }
		period := "–"
		if of(func(r *Result) float64 { return r.Errors.Within10 }) > 0 {
			period = percents(of(func(r *Result) float64 { return r.Errors.Within10 }))
		}
		jitter := "–"
		if of(func(r *Result) float64 { return float64(r.Errors.JitterGiven) }) > 0 {
			jitter = percents(of(func(r *Result) float64 { return r.Errors.JitterMedian }))
		}
		rows = append(rows, []string{
			m,
			percents(of(func(r *Result) float64 { return r.Ties3 }), of(func(r *Result) float64 { return r.Ties4 })),
			percents(
				of(func(r *Result) float64 { return r.Precision[0] }), of(func(r *Result) float64 { return r.Precision[1] }),
				of(func(r *Result) float64 { return r.Precision[2] }),
			),
			percents(
				of(func(r *Result) float64 { return r.Planted[0] }), of(func(r *Result) float64 { return r.Planted[1] }),
				of(func(r *Result) float64 { return r.Planted[2] }),
			),
			percents(of(func(r *Result) float64 { return r.AveragePrecision })),
			percents(of(func(r *Result) float64 { return r.Harmless3 })),
			period,
			jitter,
		})
	}
	markdownTable(b, "Recall of implants, in percent, at the line that lets 1 in 1,000 and 1 in 10,000 of the other channels through "+
		"(ties shared at random); precision of the first 20, 50 and 100 of the list, and the same without harmless periodic channels; "+
		"average precision of that list; harmless periodic channels above the line at 1 in 1,000; implants whose period is right "+
		"within 10 %; median error of the jitter in points.",
		[]string{"method", "recall 1e-3/1e-4", "P@20/50/100", "without harmless", "average", "harmless", "period", "jitter"}, rows)
}

// real says how planted beacons stand among real channels, world by world.
func (f *family) real(b *strings.Builder) {
	for i, world := range f.worlds {
		rows := make([][]string, 0, len(f.methods))
		for _, m := range f.methods {
			r := f.runs[m][i]
			labelled := "–"
			switch {
			case r.Labelled == nil:
			case *r.Labelled < 0:
				labelled = "not listed"
			default:
				labelled = grouped(*r.Labelled)
			}
			reported := "–"
			if r.Alarms != "" {
				reported = grouped(int(math.Round(r.Shipped.FalseShare * float64(r.Others))))
			}
			rows = append(rows, []string{
				m, percents(r.Past[0], r.Past[1], r.Past[2]), labelled, percents(r.Shipped.Recall), reported, percents(r.Errors.Within10),
			})
		}
		first := f.runs[f.methods[0]][i]
		markdownTable(b, fmt.Sprintf("%s: %s real channels of %d records and more, %s beacons. Percent of the beacons that at most 0, 5 and 10 "+
			"real channels stand above; real channels above the one that the capture labels as a beacon; at the shipped threshold: beacons "+
			"found, real channels reported; periods right within 10 %%.", world, grouped(first.Others), MinRecords, grouped(first.Implants)),
			[]string{"method", "above all but 0/5/10", "above the labelled", "shipped recall", "real reported", "period"}, rows)
	}
}

func (f *family) shipped(b *strings.Builder) {
	var rows [][]string
	for _, m := range f.methods {
		runs := f.runs[m]
		if runs[0].Alarms == "" {
			continue
		}
		rows = append(rows, []string{
			m, runs[0].Alarms,
			percents(mean(runs, func(r *Result) float64 { return r.Shipped.Recall })),
			fmt.Sprintf("%.2g", mean(runs, func(r *Result) float64 { return r.Shipped.FalseShare })),
			percents(mean(runs, func(r *Result) float64 { return r.Shipped.Harmless })),
			grouped(int(math.Round(mean(runs, func(r *Result) float64 { return float64(r.Shipped.Alarms) })))),
		})
	}
	markdownTable(b, "At the threshold that each is shipped with: implants found, share of other channels reported, harmless periodic "+
		"channels reported (percent), channels reported in all.",
		[]string{"method", "threshold", "recall", "others", "harmless", "reported"}, rows)
}

// breakdowns compares the methods by what the beacons are like.
func (f *family) breakdowns(b *strings.Builder) {
	first := f.runs[f.methods[0]][0].Breakdown
	for p := range first {
		property := first[p].Property
		var names []string
		cells := make(map[string]map[string]Cell) // by name, then method: sums
		for _, m := range f.methods {
			for _, r := range f.runs[m] {
				for _, c := range r.Breakdown[p].Rows {
					if cells[c.Name] == nil {
						cells[c.Name] = make(map[string]Cell)
						names = append(names, c.Name)
					}
					sum := cells[c.Name][m]
					sum.N += c.N
					sum.Recall3 += float64(c.N) * c.Recall3
					sum.Recall4 += float64(c.N) * c.Recall4
					cells[c.Name][m] = sum
				}
			}
		}
		if len(names) < 2 {
			continue
		}
		slices.Sort(names)
		rows := make([][]string, 0, len(names))
		for _, name := range names {
			row := []string{trimPlace(name), ""}
			for _, m := range f.methods {
				c := cells[name][m]
				row[1] = grouped(c.N)
				row = append(row, percents(c.Recall3/float64(c.N), c.Recall4/float64(c.N)))
			}
			rows = append(rows, row)
		}
		markdownTable(b, "Recall at 1e-3/1e-4 by "+property+"; n is the number of implants over all worlds.",
			append([]string{property, "n"}, f.methods...), rows)
	}
}

// trimPlace takes away the number that orders the bins.
func trimPlace(name string) string {
	if len(name) > 2 && name[0] >= '0' && name[0] <= '9' && name[1] == ' ' && name[2] != '%' {
		return name[2:]
	}
	return name
}

func (f *family) calibration(b *strings.Builder) {
	for _, m := range f.methods {
		runs := f.runs[m]
		if len(runs[0].Calibration) == 0 {
			continue
		}
		rows := make([][]string, 0, len(runs[0].Calibration))
		for i := range runs[0].Calibration {
			memoryless := "–"
			if runs[0].Calibration[i].Seen > 0 {
				memoryless = fmt.Sprintf("%.1e", mean(runs, func(r *Result) float64 { return r.Calibration[i].Memoryless }))
			}
			rows = append(rows, []string{
				fmt.Sprintf("%.1e", runs[0].Calibration[i].Below), memoryless,
				fmt.Sprintf("%.1e", mean(runs, func(r *Result) float64 { return r.Calibration[i].Others })),
			})
		}
		markdownTable(b, "Calibration of "+m+": the share of channels whose chance from random traffic is at most p, among memoryless ones "+
			"and among all others.", []string{"p", "memoryless", "all others"}, rows)
	}
}

// falseOnes says what stands above the line at 1e-3.
func (f *family) falseOnes(b *strings.Builder) {
	rows := make([][]string, 0, len(f.methods))
	for _, m := range f.methods {
		sum := make(map[string]int)
		var kinds []string
		for _, r := range f.runs[m] {
			for kind, n := range r.Above {
				if sum[kind] == 0 {
					kinds = append(kinds, kind)
				}
				sum[kind] += n
			}
		}
		slices.SortFunc(kinds, func(a, b string) int {
			if sum[a] != sum[b] {
				return sum[b] - sum[a]
			}
			return strings.Compare(a, b)
		})
		parts := make([]string, len(kinds))
		for i, k := range kinds {
			parts[i] = fmt.Sprintf("%s %d", k, sum[k])
		}
		rows = append(rows, []string{m, strings.Join(parts, ", ")})
	}
	markdownTable(b, "Other channels above the line at 1e-3, by kind, over all worlds.", []string{"method", "kinds"}, rows)
}

func (f *family) costs(b *strings.Builder) {
	if mean(f.runs[f.methods[0]], func(r *Result) float64 { return r.Cost.Seconds }) == 0 {
		return
	}
	rows := make([][]string, 0, len(f.methods))
	for _, m := range f.methods {
		runs := f.runs[m]
		rows = append(rows, []string{
			m, fmt.Sprintf("%.1f", mean(runs, func(r *Result) float64 { return r.Cost.Seconds })),
			fmt.Sprintf("%.0f", mean(runs, func(r *Result) float64 { return r.Cost.Seconds * 1e9 / float64(r.Sessions) })),
			grouped(int(mean(runs, func(r *Result) float64 { return float64(r.Cost.Bytes) / 1e6 }))),
		})
	}
	markdownTable(b, "Time for a world, time for a session, memory allocated over the whole run. Peers are written for comparison, not for speed.",
		[]string{"method", "seconds", "ns a session", "MB allocated"}, rows)
}
