package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/beat"
	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/plot"
	"drumbeat/internal/report"
	"drumbeat/internal/traffic"
)

// writeReport writes the page of --report.
func (s *scan) writeReport(r *ingest.Report, found *beat.Result) error {
	f := s.rhythm.page
	if f == nil {
		return nil
	}
	page := &report.Report{
		Made: s.began, Version: strings.Fields(versionLine())[1], Command: commandText(os.Args[1:]),
		Input: s.reportInput(r), Line: s.minScore.line(), Delta: s.reportDelta(found),
	}
	if r.Counts.Flows > 0 {
		page.From, page.To = traffic.Time(r.Counts.First), traffic.Time(r.Counts.Last)
	}
	x := &s.rhythm
	for i := range x.beacons {
		c := reportChannel(&x.beacons[i], x.result.Internal)
		if c.Score >= page.Line {
			page.Channels = append(page.Channels, c)
		} else {
			page.Below = append(page.Below, c)
		}
	}
	page.BelowTotal = int64(len(page.Below))
	for k := range rhythmKinds {
		g := report.Group{Title: upperFirst(rhythmKinds[k].several), Note: rhythmKinds[k].note}
		for i := range x.others[k] {
			g.Channels = append(g.Channels, reportChannel(&x.others[k][i], x.result.Internal))
		}
		page.Others = append(page.Others, g)
	}
	if err := errors.Join(report.Write(f, page), f.Close()); err != nil {
		return fmt.Errorf("writing the report to %q: %w", s.report, err)
	}
	return nil
}

// commandText gives the command line as it would be typed.
func commandText(args []string) string {
	words := []string{"drumbeat"}
	for _, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\"'\\$`") {
			a = strconv.Quote(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// reportInput says what was read, and what was decided and left out.
func (s *scan) reportInput(r *ingest.Report) report.Input {
	c, x := &r.Counts, &s.rhythm
	in := report.Input{
		Bytes: r.Bytes, Lines: r.Lines, Flows: c.Flows, Note: strings.Trim(joinedText(c), " ()"),
		Sources: x.result.Sources, Channels: x.result.AllChannels, Judged: x.result.Judged, Evicted: report.Unknown,
	}
	for i := range r.Files {
		f := &r.Files[i]
		in.Files = append(in.Files, report.File{Path: showPath(f.Path), Format: formatsOf(f), Bytes: f.Bytes, Lines: f.Lines})
	}
	for t, n := range c.Other {
		if n > 0 {
			in.Others = append(in.Others, report.Count{Name: logformat.OtherType(t).String(), N: n})
		}
	}
	for why, n := range c.Rejected {
		if n == 0 {
			continue
		}
		reject := report.Reject{Reason: logformat.Reason(why).String(), N: n}
		for _, l := range r.Samples {
			if l.Reason == logformat.Reason(why) {
				reject.Samples = append(reject.Samples, report.LogLine{Path: showPath(l.Path), Number: l.Line, Text: l.Text})
			}
		}
		in.Rejected = append(in.Rejected, reject)
	}
	in.Decisions = s.reportDecisions(r)
	for w, n := range c.Warnings {
		if n > 0 {
			in.Warnings = append(in.Warnings, fmt.Sprintf("%s × %s", humanCount(n), logformat.Warning(w)))
		}
	}
	for _, p := range r.Problems {
		in.Problems = append(in.Problems, showPath(p.Path)+": "+p.Text)
	}
	if r.Partial {
		in.Partial = "the scan was stopped before the end"
	}
	return in
}

func (s *scan) reportDecisions(r *ingest.Report) []report.Fact {
	var facts []report.Fact
	if r.Counts.Flows > 0 {
		facts = append(facts, report.Fact{Name: "Time", Text: s.timeText(r)})
	}
	for _, d := range r.Direction.Decisions() {
		text := "in= is what the client received: "
		if d.InIsSent {
			text = "in= is what the client sent: "
		}
		facts = append(facts, report.Fact{Name: "Bytes", Text: text + directionText(d)})
	}
	facts = append(facts, report.Fact{Name: "Found", Text: s.rhythm.foundText(s.minScore.line())})
	for _, text := range s.rhythm.leftOut() {
		facts = append(facts, report.Fact{Name: "Left out", Text: text})
	}
	return facts
}

// reportChannel gives a channel for the page; machines is the number of internal ones.
func reportChannel(c *beat.ScoredChannel, machines int64) report.Channel {
	l := &c.Law
	out := report.Channel{
		Source:      report.End{Address: c.Source, Port: report.Unknown},
		Destination: report.End{Address: c.Destination, Port: c.Port},
		Protocol:    c.Protocol, Score: c.Score, Rhythm: c.Rhythm, Chance: c.PValue,
		Period: secondsOf(l.Period), PeriodError: secondsOf(l.PeriodError), Jitter: l.Jitter, JitterError: l.JitterError, Law: l.Law,
		Profile: l.Profile, Members: c.Members, Beats: l.Beats, Missed: l.Missed,
		First: traffic.Time(c.FirstSeen), Last: traffic.Time(c.LastSeen), Sent: c.SentBytes, Received: c.ReceivedBytes,
		Hosts: int64(c.Hosts), Machines: machines, Users: c.Users, Devices: c.Devices, Apps: c.Apps,
		Window: plot.Window{
			Low: wholeSeconds(l.WindowLow), High: wholeSeconds(l.WindowHigh), In: int64(l.GapsInWindow), Of: int64(l.Gaps),
			Dead: wholeSeconds(l.DeadTime), P3: secondsOf(l.Low), P97: secondsOf(l.High),
		},
	}
	inView := c.Sessions
	for _, r := range c.Reasons {
		out.Reasons = append(out.Reasons, report.Reason{Name: r.Name, Text: r.Text, Weight: r.Weight})
		switch r.Name {
		case "view":
			out.View = upperFirst(r.Text)
		case beat.PartBeats.String():
			inView = int64(r.Value)
		}
	}
	for _, g := range c.Gaps {
		out.Bins = append(out.Bins, plot.Bin{Low: wholeSeconds(g.From), High: wholeSeconds(g.To), N: int64(g.Count)})
	}
	for _, b := range c.Beats {
		out.Starts = append(out.Starts, plot.Beat{At: traffic.Time(b.Start), Sent: b.Sent, Received: b.Received, Failed: b.Failed})
	}
	if n := int64(len(out.Starts)); n > 0 && n < inView {
		out.Kept = out.Starts[0].At
	}
	return out
}

func wholeSeconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// reportDelta gives the rows of the delta methods.
func (s *scan) reportDelta(found *beat.Result) []report.DeltaFindings {
	var out []report.DeltaFindings
	for i, rows := range found.Rows {
		d := report.DeltaFindings{Method: s.methods[i], Rule: channelRuleID}
		if s.methods[i] == methodSource {
			d.Rule = foundingRuleID
		}
		for j := range rows {
			r := &rows[j]
			d.Rows = append(d.Rows, report.DeltaRow{
				Hour: traffic.Time(r.Hour), RunAt: traffic.Time(r.RunAt), Device: r.Device, User: r.User, Source: r.Source,
				Destination: r.Destination, Port: r.Port, ModalCount: r.ModalCount, ModalGap: r.ModalGap, Events: r.Events,
				Sent: r.Sent, Received: r.Received, Percent: r.Percent,
			})
		}
		out = append(out, d)
	}
	return out
}
