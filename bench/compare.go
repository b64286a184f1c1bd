package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"drumbeat/bench/totals"
)

// harness knows the programs that it starts and where it keeps files.
type harness struct {
	runner   *runner
	self     string // the harness itself, for decode, pack and flow-totals
	drumbeat string
	duck     string // without it, rows of DuckDB are left out
	work     string
	progress io.Writer
}

// say tells the user what takes so long.
func (h *harness) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.progress, format+"\n", args...)
}

// job is a process that reads a log.
type job struct {
	what string
	args []string
	own  bool
	// lines takes the number of lines from the output, or is nil.
	lines func(output string) (int64, error)
	// findings says that the output must be that of all jobs of this name.
	findings string
}

// threads is how many cores DuckDB may use: as many as drumbeat does by default.
const threads = "2"

func (h *harness) jobs(log *logFile) []job {
	return []job{
		{what: "wc -l", args: []string{"wc", "-l", log.path}, lines: firstNumber},
		h.sourceDelta(log),
		{
			what:     "drumbeat scan, both methods",
			args:     []string{h.drumbeat, "scan", "--quiet", "--format", "json", log.path},
			findings: log.name + " both",
		},
	}
}

// sourceDelta runs the founding rule.
func (h *harness) sourceDelta(log *logFile) job {
	return job{
		what: "drumbeat scan --method source-delta", own: true,
		args:     []string{h.drumbeat, "scan", "--quiet", "--method", "source-delta", "--format", "json", log.path},
		findings: log.name,
	}
}

// duckJob has DuckDB read the columns, without any rule.
func (h *harness) duckJob(log *logFile, way string) job {
	what := map[string]string{
		"column": "DuckDB, 9 columns, a regexp_extract each",
		"struct": "DuckDB, 9 columns, one regexp_extract",
		"csv-9":  "DuckDB, 9 columns, read_csv",
		"csv-14": "DuckDB, 14 columns, read_csv",
	}[way]
	return job{what: what, args: []string{h.duck, "--way", way, "--threads", threads, log.path}, lines: records}
}

// packedJobs compares with the bare decoder.
func (h *harness) packedJobs(log *logFile) []job {
	return []job{
		{what: "decode alone", args: []string{h.self, "decode", log.path}, lines: firstNumber},
		h.sourceDelta(log),
	}
}

// firstNumber is what wc -l and decode begin their output with.
func firstNumber(output string) (int64, error) {
	fields := strings.Fields(output)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no number in %q", output)
	}
	return strconv.ParseInt(fields[0], 10, 64)
}

func records(output string) (int64, error) {
	var t totals.Totals
	err := json.Unmarshal([]byte(output), &t)
	return t.Records, err
}

// compare runs the jobs in turns and checks what they print. sums holds the
// findings of earlier jobs.
func (h *harness) compare(ctx context.Context, log *logFile, jobs []job, rounds int, sums map[string]uint64) (fileResult, error) {
	samples := make([][]sample, len(jobs))
	for range rounds {
		if _, _, err := countLines(log.path); err != nil { // warms the page cache
			return fileResult{}, err
		}
		for i, j := range jobs {
			s, err := h.runner.measure(ctx, j.args...)
			if err != nil {
				return fileResult{}, err
			}
			if err := j.check(&s, log, sums); err != nil {
				return fileResult{}, err
			}
			s.out = output{}
			samples[i] = append(samples[i], s)
		}
	}
	f := fileResult{Name: log.name, Title: log.title, Bytes: log.bytes, Lines: log.lines}
	f.Base, _, _ = strings.Cut(jobs[0].what, " ")
	floor := harnessRSS()
	for i, j := range jobs {
		f.Rows = append(f.Rows, newRow(j.what, j.own, samples[i], floor))
	}
	f.compare()
	return f, nil
}

// check fails where a process did not read all lines, or found something else
// than in another round or in the same log in another packing.
func (j *job) check(s *sample, log *logFile, sums map[string]uint64) error {
	if j.lines != nil {
		n, err := j.lines(string(s.out.head))
		if err != nil {
			return fmt.Errorf("%s: %w", j.what, err)
		}
		if n != log.lines {
			return fmt.Errorf("%s read %d lines of %s, which has %d", j.what, n, log.path, log.lines)
		}
	}
	if j.findings == "" {
		return nil
	}
	sum, known := sums[j.findings]
	if known && sum != s.out.checksum() {
		return fmt.Errorf("%s found something else in %s than before", j.what, log.path)
	}
	sums[j.findings] = s.out.checksum()
	return nil
}

// compareAll is the comparison that the README shows.
func (h *harness) compareAll(ctx context.Context, flows int64, rounds int) (*result, error) {
	r := &result{Machine: thisMachine(), Rounds: rounds}
	r.Load[0] = load()
	logs, err := h.prepare(ctx, flows, true)
	if err != nil {
		return nil, err
	}
	h.warnOfMemory(r.Machine.Memory, logs)
	sums := map[string]uint64{}
	for i := range logs {
		log := &logs[i]
		jobs := h.jobs(log)
		if h.duck != "" {
			h.say("%s: drumbeat and DuckDB must read the same", log.name)
			fastest, err := h.verify(ctx, log)
			if err != nil {
				return nil, err
			}
			for _, way := range log.ways {
				if !log.best || way == fastest {
					jobs = append(jobs, h.duckJob(log, way))
				}
			}
			r.Notes = append(r.Notes, waysNote(log, fastest)...)
		}
		h.say("%s: %d rounds", log.name, rounds)
		file, err := h.compare(ctx, log, jobs, rounds, sums)
		if err != nil {
			return nil, err
		}
		r.Files = append(r.Files, file)
	}
	for i := range logs {
		if !logs[i].packed {
			continue
		}
		packed, err := h.comparePacked(ctx, &logs[i], rounds, sums)
		if err != nil {
			return nil, err
		}
		r.Files = append(r.Files, packed...)
	}
	if h.duck != "" {
		r.Notes = append(r.Notes, fmt.Sprintf("DuckDB (%s threads) reads and sums the columns and runs no rule; it and drumbeat "+
			"read the same from the first %s lines of each log.", threads, thousands(verifiedLines)))
	}
	r.Load[1] = load()
	return r, nil
}

// waysNote says which way DuckDB went and why.
func waysNote(log *logFile, fastest string) []string {
	switch {
	case log.best && len(log.ways) > 1:
		others := slices.DeleteFunc(slices.Clone(log.ways), func(way string) bool { return way == fastest })
		return []string{fmt.Sprintf("DuckDB on %s: the fastest way is shown; slower on the first %s lines: %s.",
			log.name, thousands(verifiedLines), strings.Join(others, ", "))}
	case log.note != "":
		return []string{fmt.Sprintf("DuckDB on %s: %s.", log.name, log.note)}
	}
	return nil
}

// comparePacked reads the log as .gz and .zst.
func (h *harness) comparePacked(ctx context.Context, log *logFile, rounds int, sums map[string]uint64) ([]fileResult, error) {
	var all []fileResult
	for _, ext := range []string{".gz", ".zst"} {
		h.say("%s%s: %d rounds", log.name, ext, rounds)
		packed, err := h.pack(ctx, log, ext)
		if err != nil {
			return nil, err
		}
		file, err := h.compare(ctx, &packed, h.packedJobs(&packed), rounds, sums)
		if err != nil {
			return nil, err
		}
		file.Name += ext
		file.Title += ", " + ext
		all = append(all, file)
	}
	return all, nil
}

// warnOfMemory says so if the page cache cannot hold the largest log.
func (h *harness) warnOfMemory(memory int64, logs []logFile) {
	for i := range logs {
		if memory > 0 && logs[i].bytes > memory*6/10 {
			h.say("warning: %s does not fit well into the page cache of %s: reading the disk is measured as well",
				logs[i].path, size(memory))
		}
	}
}
