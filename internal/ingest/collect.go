package ingest

import (
	"cmp"
	"slices"
	"strings"

	"drumbeat/internal/logformat"
)

// collector puts results in order and adds them up.
type collector struct {
	s       *scanner
	report  *Report
	pending map[*source]*fileState
	samples []Rejected
	order   []*fileState
	err     error

	// Where rejected lines must come in order, results wait here for those of the pieces before them.
	waiting map[int64]result
	turn    int64
}

// fileState is what is known of one file while its results come in.
type fileState struct {
	number  int
	report  FileReport
	next    int
	early   map[int]result
	votes   logformat.Direction
	problem string
	shown   [len(logformat.Counts{}.Rejected)]uint32 // rejected lines by reason
}

// collect takes results until there are no more. It calls stop where it makes no sense to go on. A scan that was
// stopped leaves no holes: pieces are taken by workers in the order of their lines, and each that is taken gives a
// result.
func (s *scanner) collect(stop func()) (*Report, error) {
	c := &collector{
		s: s, report: &Report{}, pending: make(map[*source]*fileState), waiting: make(map[int64]result),
	}
	for r := range s.results {
		if c.err != nil {
			continue
		}
		if s.opt.Quarantine == nil {
			c.arrive(r)
			continue
		}
		c.waiting[r.seq] = r
		for {
			r, ok := c.waiting[c.turn]
			if !ok {
				break
			}
			delete(c.waiting, c.turn)
			c.turn++
			c.arrive(r)
		}
		if c.err != nil {
			stop()
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	c.finish()
	return c.report, nil
}

// arrive takes a result, and with it those of its file that have waited for it.
func (c *collector) arrive(r result) {
	f := c.pending[r.src]
	if f == nil {
		f = &fileState{
			number: r.src.number, early: make(map[int]result),
			report: FileReport{Path: r.src.file.Path, Packed: r.src.form.String()},
		}
		c.pending[r.src] = f
		c.order = append(c.order, f)
	}
	f.early[r.index] = r
	for {
		r, ok := f.early[f.next]
		if !ok {
			break
		}
		delete(f.early, f.next)
		f.next++
		c.take(f, &r)
		if r.last {
			delete(c.pending, r.src)
		}
	}
}

// take adds the next result of a file.
func (c *collector) take(f *fileState, r *result) {
	for i := range r.rejected {
		x := r.rejected[i]
		x.Line += f.report.Lines + 1
		if c.s.opt.Quarantine != nil && c.err == nil {
			c.err = c.s.opt.Quarantine(x)
		}
		c.sample(f, x)
	}
	f.report.Counts.Add(&r.counts)
	f.report.Lines += r.lines
	f.report.Bytes += r.bytes
	f.votes.Add(&r.samples)
	if r.problem != "" && f.problem == "" {
		f.problem = r.problem
	}
	if r.grown {
		c.s.problem(f.report.Path, false, stillWritten)
	}
}

// sample keeps a rejected line for the report if its file has not shown enough of its kind.
func (c *collector) sample(f *fileState, x Rejected) {
	if f.shown[x.Reason]++; f.shown[x.Reason] > samplesPerReason {
		return
	}
	if len(x.Text) > longSample {
		x.Text = strings.Clone(x.Text[:longSample]) // the rest, up to 1 MiB, is not held
	}
	if c.samples = append(c.samples, x); len(c.samples) > maxSamples {
		c.samples = firstSamples(c.samples)
	}
}

// maxSamples bounds the rejected lines that are held until their order is known.
const maxSamples = 4096

// firstSamples sorts rejected lines and keeps the first few for each reason.
func firstSamples(samples []Rejected) []Rejected {
	slices.SortStableFunc(samples, func(a, b Rejected) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	var kept [256]int
	return slices.DeleteFunc(samples, func(x Rejected) bool {
		kept[x.Reason]++
		return kept[x.Reason] > samplesPerReason
	})
}

// finish puts the files in order and adds up.
func (c *collector) finish() {
	slices.SortFunc(c.order, func(a, b *fileState) int { return cmp.Compare(a.number, b.number) })
	r := c.report
	for _, f := range c.order {
		r.Files = append(r.Files, f.report)
		r.Counts.Add(&f.report.Counts)
		r.Lines += f.report.Lines
		r.Bytes += f.report.Bytes
		r.Direction.Add(&f.votes)
		if f.report.Bytes == 0 && f.problem == "" {
			r.Problems = append(r.Problems, Problem{Path: f.report.Path, Text: "is empty"})
		}
		if f.problem != "" {
			r.Problems = append(r.Problems, Problem{Path: f.report.Path, Text: f.problem, Fatal: true})
		}
	}
	r.Samples = firstSamples(c.samples)
}

func sortProblems(p []Problem) {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text, b.Text))
	})
}
