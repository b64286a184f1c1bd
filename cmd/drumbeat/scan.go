package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"drumbeat/internal/beat"
	"drumbeat/internal/ingest"
	"drumbeat/internal/table"
	"drumbeat/internal/traffic"
)

// The methods of scan.
const (
	methodSource  = "source-delta"
	methodChannel = "channel-delta"
	methodRhythm  = "rhythm"
)

// foundingRuleID is the id of "Palo Alto - potential beaconing detected" among Microsoft Sentinel's rules.
const foundingRuleID = "f0be259a-34ac-4946-aa15-ca2b115d5feb"

// channelRuleID is the id of the rule shipped:channel-delta, which asks for what the method finds.
const channelRuleID = "6d0c5a1e-3b0a-4f43-9a53-5d2f6b7c8e91"

// scanFlags are the flags of scan.
type scanFlags struct {
	inputFlags
	rhythmFlags
	methods        []string
	ruleFiles      []string
	methodsAsked   bool // --method was given
	from, to       instant
	quarantine     string
	format         string
	memory         byteSize
	workers        int
	failOnFindings bool

	gap                 seconds
	minEvents, minModal int64
	minPercent          float64
	bin, window         duration
}

// scanCommand makes the verb that finds beacons.
func (a *app) scanCommand() *cobra.Command {
	s := &scan{a: a}
	cmd := &cobra.Command{
		Use:   "scan PATH…",
		Short: "Find beacons in firewall logs",
		Long: `Reads firewall logs from files, folders and standard input (-), plain, gzip or zstd,
and prints the channels that call at regular times.

Methods:
  source-delta   the rule "Palo Alto - potential beaconing detected" of Microsoft
                 Sentinel to the letter: the gap to the next record of the same
                 source, whatever its destination
  channel-delta  the same with the gap to the next record of the same source,
                 destination and port, so that other traffic of the machine does
                 not hide a beacon
  rhythm         channels that a machine drives, whatever their period and jitter,
                 ranked by a score that is the sum of named reasons. It reads lines
                 by the slower full reader, and so runs only where it is asked for

The rule is run as it would have been scheduled: at each midnight (UTC) whose
window, the day before the last, meets the logs. A row is printed as the rule
gives it in JSON and CSV; the table shows one line for each channel.

With --rule it runs any rule of Microsoft Sentinel, at each of its scheduled times
whose window meets the logs; "drumbeat rule run" has more to set.`,
		Example: `  drumbeat scan /var/log/firewall
  drumbeat scan --method source-delta --format json traffic.log.gz
  drumbeat scan --method rhythm --top 50 --report beacons.html /var/log/firewall
  zcat old/*.gz | drumbeat scan --timezone Europe/Berlin -
  drumbeat scan --rule rules/beacon.yaml /var/log/firewall
  drumbeat scan --min-events 10 --min-modal 8 --fail-on-findings fw1.log fw2.log`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.methodsAsked = cmd.Flags().Changed("method")
			s.idleThresholds(cmd)
			return s.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&s.methods, "method", []string{methodSource, methodChannel},
		"run this `METHOD`: source-delta, channel-delta or rhythm; may be repeated")
	completeWith(cmd, "method", methodSource, methodChannel, methodRhythm)
	f.StringArrayVar(&s.ruleFiles, "rule", nil,
		"run this `RULE`, a file in Sentinel's form, instead of the methods; may be repeated")
	a.formatFlag(cmd, &s.format)
	f.BoolVar(&s.failOnFindings, "fail-on-findings", false, "exit with 1 if anything was found")
	a.inputFlags(cmd, &s.inputFlags)
	f.Var(&s.from, "from", "leave out records before this `TIME`")
	f.Var(&s.to, "to", "leave out records at and after this `TIME`")
	f.Var(&s.now, "now", "run the rule once, at this `TIME`, instead of at each scheduled time")
	f.StringVar(&s.quarantine, "quarantine", "", "write every line that was rejected to `FILE`, with place and reason (of lines over 1 MiB the start)")
	s.memory = 512 << 20
	f.Var(&s.memory, "memory", "use about this much memory for flows, at most; what is more goes to a temporary file")
	f.IntVar(&s.workers, "workers", runtime.GOMAXPROCS(0), "parse with `N` goroutines; results do not depend on it")
	s.thresholds(cmd)
	s.registerRhythm(cmd)
	return cmd
}

// thresholds registers the constants of the rule as flags, with the rule's own values.
func (s *scan) thresholds(cmd *cobra.Command) {
	f := cmd.Flags()
	rule := beat.FoundingRule(beat.BySource)
	s.gap = seconds(rule.MinGap)
	f.Var(&s.gap, "gap", "count gaps of more than this many `SECONDS`")
	f.Int64Var(&s.minEvents, "min-events", rule.MinEvents, "report channels with more than `N` such gaps in a bin")
	f.Int64Var(&s.minModal, "min-modal", rule.MinModal, "of which more than `N` are equal to the second")
	f.Float64Var(&s.minPercent, "min-percent", rule.MinPercent, "and those are more than this `SHARE` of all, in percent")
	s.bin = duration(rule.Bin * 100)
	f.Var(&s.bin, "bin", "count in bins of this `LENGTH`")
	s.window = duration(rule.Window * 100)
	f.Var(&s.window, "window", "run the rule over windows of this `LENGTH`")
}

// scan is one run of the verb.
type scan struct {
	scanFlags
	a       *app
	began   time.Time
	spilled int64 // bytes of flows that memory had no room for
	rhythm  rhythmScan
}

// check finds flags that make no sense.
func (s *scan) check() error {
	if len(s.methods) == 0 {
		return usageError("--method \"\": want %s, %s or %s", methodSource, methodChannel, methodRhythm)
	}
	all := []string{methodSource, methodChannel, methodRhythm}
	for _, m := range s.methods {
		if !slices.Contains(all, m) {
			hint := ""
			if near := nearest(m, all); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return usageError("--method %q: want source-delta, channel-delta or rhythm%s", m, hint)
		}
	}
	switch {
	case s.workers < 1 || s.workers > 1024:
		return usageError("--workers %d: want a number from 1 to 1024", s.workers)
	case s.memory < 1<<20:
		return usageError("--memory %s: want 1MiB or more", s.memory.String())
	case s.bin < duration(time.Second):
		return usageError("--bin %s: want 1s or more", s.bin.String())
	case s.window < duration(time.Second):
		return usageError("--window %s: want 1s or more", s.window.String())
	case s.from.set && s.to.set && !s.from.Before(s.to.Time):
		return usageError("--from %s is not before --to %s", s.from.String(), s.to.String())
	case s.now.set && traffic.Ticks(s.now.Time) == 0:
		return usageError("--now %s: want a time after the beginning of year 1", s.now.String())
	case s.gap < -1:
		return usageError("--gap %s: want -1 (which counts every gap) or more", s.gap.String())
	case s.minEvents < 0 || s.minModal < 0:
		return usageError("--min-events and --min-modal want numbers that are not negative")
	case s.minPercent != s.minPercent || s.minPercent < 0 || s.minPercent >= 100:
		return usageError("--min-percent %v: want a share from 0 to less than 100", s.minPercent)
	}
	slices.Sort(s.methods)
	s.methods = slices.Compact(s.methods)
	slices.Reverse(s.methods) // source-delta first
	return s.checkRhythm()
}

// rules gives the rules of the delta methods, in their order.
func (s *scan) rules() []beat.Delta {
	rules := make([]beat.Delta, 0, len(s.methods))
	for _, m := range s.methods {
		d := beat.Delta{
			MinGap: int64(s.gap), MinEvents: s.minEvents, MinModal: s.minModal, MinPercent: s.minPercent,
			Bin: int64(s.bin) / 100, Window: int64(s.window) / 100,
		}
		if m == methodChannel {
			d.Scope = beat.ByChannel
		}
		if s.now.set {
			d.Now = traffic.Ticks(s.now.Time)
		}
		rules = append(rules, d)
	}
	return rules
}

func (s *scan) run(ctx context.Context, paths []string) error {
	s.began = s.a.now()
	if err := s.check(); err != nil {
		return err
	}
	format, err := s.a.resolveFormat(s.format)
	if err != nil {
		return err
	}
	if len(s.ruleFiles) > 0 {
		rows, err := s.runRules(ctx, paths, format)
		if err != nil || !s.methodsAsked {
			return s.afterRules(rows, err)
		}
	}
	files, problems, err := s.a.files(paths)
	if err != nil {
		return err
	}
	if err := s.checkInputs(paths, files, format); err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(s.memory) + 256<<20)
	report, found, err := s.judge(ctx, files)
	if err != nil {
		return err
	}
	report.Problems = append(problems, report.Problems...)
	rows, err := s.write(found, format)
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	if err := s.writeReport(report, found); err != nil {
		return err
	}
	lost := s.a.showProblems(report.Problems)
	s.summary(report, found)
	if report.Partial {
		s.a.warnf("stopped before the end: the result is partial")
	}
	switch {
	case lost:
		return exitWith(exitInput, nil)
	case s.strict && report.Counts.Rejects() > 0:
		return strictError(report.Counts.Rejects())
	case report.Partial:
		return exitWith(exitPartial, nil)
	case s.failOnFindings && rows > 0:
		return exitWith(exitFindings, nil)
	}
	return nil
}

// judge runs the methods.
func (s *scan) judge(ctx context.Context, files []ingest.File) (report *ingest.Report, found *beat.Result, err error) {
	found = &beat.Result{}
	if len(s.methods) > 0 {
		if report, found, err = s.find(ctx, files); err != nil {
			return nil, nil, err
		}
	}
	if s.rhythm.asked {
		report, err = s.findRhythm(ctx, files, report)
	}
	return report, found, err
}

// find reads the files and runs the rules.
func (s *scan) find(ctx context.Context, files []ingest.File) (report *ingest.Report, found *beat.Result, err error) {
	opt := beat.SorterOptions{Memory: int64(s.memory)}
	if s.from.set {
		opt.From = traffic.Ticks(s.from.Time)
	}
	if s.to.set {
		opt.To = traffic.Ticks(s.to.Time)
	}
	sorter := beat.NewSorter(opt)
	defer func() { err = errors.Join(err, sorter.Close()) }()
	if report, err = s.read(ctx, files, sorter); err != nil {
		return nil, nil, err
	}
	s.spilled = sorter.Spilled()
	// A scan that was stopped shows what it has: its flows are judged all the same.
	found, err = beat.Run(context.WithoutCancel(ctx), sorter, s.workers, s.rules())
	return report, found, err
}

// read gives the flows of the files to the sorter.
func (s *scan) read(ctx context.Context, files []ingest.File, sorter *beat.Sorter) (report *ingest.Report, err error) {
	total := int64(0)
	for i := range files {
		total += files[i].Size
	}
	bar := newProgress(s.a, total, "reading")
	defer bar.Close()
	var mu sync.Mutex
	var writers []*beat.SorterWriter
	opt := ingest.Options{
		Parse: s.options(), Workers: s.workers, Progress: bar.Add,
		Sink: func() ingest.Sink {
			w := sorter.Writer()
			mu.Lock()
			defer mu.Unlock()
			writers = append(writers, w)
			return w
		},
	}
	if s.quarantine != "" {
		q, err := s.newQuarantine(files)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, q.close()) }()
		opt.Quarantine = q.add
	}
	if report, err = ingest.Scan(ctx, files, opt); err != nil {
		return nil, err
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// resultColumns are the columns of the delta methods: the rule's own, then drumbeat's.
func resultColumns() []table.Column {
	return []table.Column{
		{Name: "TimeGenerated", Type: table.Datetime},
		{Name: "DeviceName", Type: table.String},
		{Name: "SourceUserID", Type: table.String},
		{Name: "SourceIP", Type: table.String},
		{Name: "DestinationIP", Type: table.String},
		{Name: "DestinationPort", Type: table.Int},
		{Name: "MostFrequentTimeDeltaCount", Type: table.Long},
		{Name: "MostFrequentTimeDeltainSeconds", Type: table.Long},
		{Name: "TotalEvents", Type: table.Long},
		{Name: "TotalSentBytes", Type: table.Long},
		{Name: "TotalReceivedBytes", Type: table.Long},
		{Name: "BeaconPercent", Type: table.Real},
		{Name: "_method", Type: table.String},
		{Name: "_rule", Type: table.String},
		{Name: "_runAt", Type: table.Datetime},
	}
}

// write prints what was found and gives the number of rows.
func (s *scan) write(found *beat.Result, format string) (int, error) {
	n := 0
	for _, rows := range found.Rows {
		n += len(rows)
	}
	if format == formatTable {
		if err := s.writeChannels(found); err != nil {
			return n, err
		}
	} else if len(s.methods) > 0 {
		if err := s.writeRows(found, format); err != nil {
			return n, err
		}
	}
	m, err := s.writeRhythm(format, n > 0)
	return n + m, err
}

// writeRows prints the rows of the delta methods.
func (s *scan) writeRows(found *beat.Result, format string) error {
	t := table.New(resultColumns()...)
	for i, rows := range found.Rows {
		rule := channelRuleID
		if s.methods[i] == methodSource {
			rule = foundingRuleID
		}
		for _, r := range rows {
			var port any
			if r.Port != traffic.Unknown {
				port = r.Port
			}
			t.Append(r.Hour, r.Device, r.User, r.Source, r.Destination, port, r.ModalCount, r.ModalGap, r.Events,
				r.Sent, r.Received, r.Percent, s.methods[i], rule, r.RunAt)
		}
	}
	return s.a.writeTable(t, format, table.TextOptions{})
}

// quarantine is a file of rejected lines, one JSON object each.
type quarantine struct {
	f   *os.File
	w   *bufferedFile
	buf []byte
}

// newQuarantine makes the file, or empties it, unless it is one of those that are to be read, or takes the results.
func (s *scan) newQuarantine(files []ingest.File) (*quarantine, error) {
	f, err := s.a.newOutput("quarantine", s.quarantine, files)
	if err != nil {
		return nil, err
	}
	return &quarantine{f: f, w: newBuffered(f)}, nil
}

// newOutput makes the file that a flag names, or empties it, unless it is one of those that are to be read, or takes the
// results.
func (a *app) newOutput(flag, path string, files []ingest.File) (*os.File, error) {
	if path == "-" {
		return nil, usageError("--%s -: results go to standard output; name a file", flag)
	}
	if old, err := os.Stat(path); err == nil {
		for i := range files {
			if in, err := os.Stat(files[i].Path); err == nil && os.SameFile(old, in) {
				return nil, usageError("--%s %q is one of the files to read; name another", flag, path)
			}
		}
		if out, ok := a.stdout.(*os.File); ok {
			if results, err := out.Stat(); err == nil && results.Mode().IsRegular() && os.SameFile(old, results) {
				return nil, usageError("--%s %q is the file that the results go to; name another", flag, path)
			}
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, exitWith(exitInput, fmt.Errorf("making the %s file: %w", flag, err))
	}
	return f, nil
}

func (q *quarantine) add(r ingest.Rejected) error {
	q.buf = appendRejected(q.buf[:0], &r)
	if _, err := q.w.Write(q.buf); err != nil {
		return fmt.Errorf("writing the quarantine file: %w", err)
	}
	return nil
}

func (q *quarantine) close() error {
	if err := errors.Join(q.w.Flush(), q.f.Close()); err != nil {
		return fmt.Errorf("writing the quarantine file: %w", err)
	}
	return nil
}

// appendRejected appends a rejected line as a JSON object.
func appendRejected(dst []byte, r *ingest.Rejected) []byte {
	dst = append(dst, `{"_file":`...)
	dst = table.AppendJSONString(dst, r.Path)
	dst = fmt.Appendf(dst, `,"_line":%d,"_reason":`, r.Line)
	dst = table.AppendJSONString(dst, r.Reason.String())
	dst = append(dst, `,"_text":`...)
	dst = table.AppendJSONString(dst, r.Text)
	return append(dst, '}', '\n')
}

// channelEvidence is what the rows of all methods say about one channel.
type channelEvidence struct {
	source, destination string
	port                int32
	best                *methodEvidence
	methods             []*methodEvidence
}

// methodEvidence is what one method says about a channel.
type methodEvidence struct {
	method                    string
	hours                     int
	modal, events, sent, recv int64
	gaps                      map[int64]int64
	first, last               int64
	devices, users            []string
}

// channels gathers rows by channel, those with most evidence first.
func (s *scan) channels(found *beat.Result) []*channelEvidence {
	type key struct {
		source, destination string
		port                int32
	}
	byKey := make(map[key]*channelEvidence)
	var out []*channelEvidence
	for i, rows := range found.Rows {
		for j := range rows {
			r := &rows[j]
			k := key{r.Source, r.Destination, r.Port}
			c := byKey[k]
			if c == nil {
				c = &channelEvidence{source: r.Source, destination: r.Destination, port: r.Port}
				byKey[k] = c
				out = append(out, c)
			}
			c.add(s.methods[i], r)
		}
	}
	for _, c := range out {
		c.best = c.methods[len(c.methods)-1] // of both methods the second: its gaps are the channel's own
	}
	slices.SortStableFunc(out, func(a, b *channelEvidence) int {
		if a.best.modal != b.best.modal {
			return int(b.best.modal - a.best.modal)
		}
		if c := strings.Compare(a.source, b.source); c != 0 {
			return c
		}
		if c := strings.Compare(a.destination, b.destination); c != 0 {
			return c
		}
		return int(a.port - b.port)
	})
	return out
}

func (c *channelEvidence) add(method string, r *beat.DeltaRow) {
	var m *methodEvidence
	for _, x := range c.methods {
		if x.method == method {
			m = x
		}
	}
	if m == nil {
		m = &methodEvidence{method: method, gaps: make(map[int64]int64), first: r.Hour, last: r.Hour}
		c.methods = append(c.methods, m)
	}
	m.hours++
	m.modal += r.ModalCount
	m.events += r.Events
	m.sent += r.Sent
	m.recv += r.Received
	m.gaps[r.ModalGap] += r.ModalCount
	m.first, m.last = min(m.first, r.Hour), max(m.last, r.Hour)
	if !slices.Contains(m.devices, r.Device) {
		m.devices = append(m.devices, r.Device)
	}
	if r.User != "" && !slices.Contains(m.users, r.User) {
		m.users = append(m.users, r.User)
	}
}

// period gives the gap that is most frequent over all hours, of equal ones the smallest.
func (m *methodEvidence) period() int64 {
	best := int64(-1)
	for g, n := range m.gaps {
		if best < 0 || n > m.gaps[best] || n == m.gaps[best] && g < best {
			best = g
		}
	}
	return best
}

// writeChannels prints the table for people: a line for each channel, what matters most at the left, since the last
// columns are left out where there is no room.
func (s *scan) writeChannels(found *beat.Result) error {
	list := s.channels(found)
	if len(list) == 0 {
		return nil
	}
	named := slices.ContainsFunc(list, func(c *channelEvidence) bool { return len(c.best.users) > 0 })
	cols := []table.Column{
		{Name: "Source", Type: table.String},
		{Name: "Destination", Type: table.String},
		{Name: "Period", Type: table.String},
		{Name: "Jitter", Type: table.String},
		{Name: "Gaps", Type: table.Long},
		{Name: "Found by", Type: table.String},
	}
	if named {
		cols = append(cols, table.Column{Name: "User", Type: table.String})
	}
	cols = append(cols,
		table.Column{Name: s.binsName() + "s", Type: table.Long},
		table.Column{Name: "First " + s.binName(), Type: table.String},
		table.Column{Name: "Last " + s.binName(), Type: table.String},
		table.Column{Name: "Device", Type: table.String},
	)
	t := table.New(cols...)
	whole := make([]bool, len(cols))
	for i, c := range cols {
		whole[i] = c.Name != "User" && c.Name != "Device"
	}
	for _, c := range list {
		t.Append(s.channelRow(c, named)...)
	}
	return s.a.writeTable(t, formatTable, table.TextOptions{Whole: whole, Style: func(_, col int) table.Style {
		if col < 2 {
			return table.Bold
		}
		return table.Plain
	}})
}

// channelRow gives the cells of a channel's line.
func (s *scan) channelRow(c *channelEvidence, named bool) []any {
	m := c.best
	destination := c.destination
	if c.port != traffic.Unknown {
		destination = net.JoinHostPort(destination, strconv.Itoa(int(c.port)))
	}
	by := "both"
	if len(c.methods) < 2 {
		by = strings.TrimSuffix(m.method, "-delta")
	}
	row := []any{
		c.source, destination, humanDuration(time.Duration(m.period()) * time.Second),
		"<1 s, " + percentText(m.modal, m.events) + " %", m.events, by,
	}
	if named {
		row = append(row, strings.Join(m.users, ", "))
	}
	return append(row, m.hours, clockText(m.first), clockText(m.last), strings.Join(m.devices, ", "))
}

// binName names the spans that gaps are counted in.
func (s *scan) binName() string {
	if time.Duration(s.bin) == time.Hour {
		return "hour"
	}
	return "bin"
}

// binsName is binName at the start of a heading.
func (s *scan) binsName() string {
	name := s.binName()
	return strings.ToUpper(name[:1]) + name[1:]
}

// percentText gives a share in whole percent, never rounded up to 100.
func percentText(part, whole int64) string {
	return strconv.FormatInt(part*100/whole, 10)
}

func clockText(ticks int64) string { return traffic.Time(ticks).Format("2006-01-02 15:04") }
