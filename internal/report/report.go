package report

import (
	"time"

	"drumbeat/internal/plot"
)

// Unknown stands for a number that the log does not tell: a port, bytes.
const Unknown = -1

// Report is all that the page says.
type Report struct {
	// Made is when the scan was run, Version drumbeat's own version, Command the command line as typed.
	Made             time.Time
	Version, Command string
	// From and To bound the records that were read; zero where there are none.
	From, To time.Time
	// Silent are the times in between, in order, of which there is no log.
	Silent []plot.Span
	// Input says what was read and how it was understood.
	Input Input
	// Line is the score from which on a channel is reported.
	Line float64
	// Channels are what rhythm found at Line or above, best first.
	Channels []Channel
	// Below are channels that have a rhythm and a score under Line, best first, as far as they are to be listed;
	// BelowTotal is the number of all of them (len(Below) or more).
	Below      []Channel
	BelowTotal int64
	// Others are findings of other kinds.
	Others []Group
	// Delta are the findings of the delta methods.
	Delta []DeltaFindings
	// Tables are results of rules, or anything else that is rows.
	Tables []Table
	// Hidden is what the safelist hid, by entry.
	Hidden []Hidden
}

// Input is what was read.
type Input struct {
	Files        []File
	Bytes, Lines int64
	// Flows, Others and Rejected add up to Lines, unless lines held several messages, which Note then says.
	Flows    int64
	Others   []Count // records of other types
	Rejected []Reject
	Note     string
	// Decisions are what had to be decided to read the logs: formats, times, zones, the direction of bytes.
	Decisions []Fact
	// Warnings are what is doubtful, Problems the files that could not be read, Partial why the result is not whole.
	Warnings, Problems []string
	Partial            string
	// Sources, Channels and Judged count what was seen, and how many channels had enough sessions to be judged.
	// Evicted is the number of channels that were given up since memory was short. Unknown: not counted.
	Sources, Channels, Judged, Evicted int64
}

// File is a file that was read.
type File struct {
	Path, Format string
	Bytes, Lines int64
}

// Count is a number of things of one name.
type Count struct {
	Name string
	N    int64
}

// Reject is a reason for which lines were rejected, with some of the lines.
type Reject struct {
	Reason  string
	N       int64
	Samples []LogLine
}

// LogLine is a line of a log.
type LogLine struct {
	Path   string
	Number int64
	Text   string
}

// Fact is a name and what is to be said of it.
type Fact struct{ Name, Text string }

// Hidden is a safelist entry and the number of channels that it hid.
type Hidden struct {
	Entry, Reason, Owner string
	Expires              time.Time // zero: never
	Channels             int64
}

// Group is channels that are a finding of one kind, such as dead services that are retried.
type Group struct {
	Title, Note string
	Channels    []Channel
}

// End is one end of a channel.
type End struct {
	Address string
	Name    string // of the host; may be empty
	Port    int32  // or Unknown
}

// Channel is a channel that was judged.
type Channel struct {
	Source, Destination End
	Protocol            string
	// Score is the sum of the Reasons, each rounded to 0.1 nats before it is added.
	Score   float64
	Reasons []Reason
	// Rhythm is the statistic S, uncapped, Chance the bound on its chance from random traffic.
	Rhythm, Chance float64
	// Period is the mean gap in the window and PeriodError the half width of its bounds; Jitter is 1 less the ratio
	// of the gaps' 3 % and 97 % points, from 0 to 1, and JitterError likewise. Law names the jitter's law: "sleep",
	// "clock", …
	Period, PeriodError time.Duration
	Jitter, JitterError float64
	Law                 string
	// Profile is the implant setting that it resembles; may be empty.
	Profile string
	// View says in a sentence which of the sessions were looked at; empty: all.
	View string
	// Members are the addresses that are visited in turn, where that is what was looked at.
	Members []string
	// Window is the fitted window with its counts, Bins the detector's counts of gaps; the pictures show them.
	Window plot.Window
	Bins   []plot.Bin
	// Beats and Missed count beats seen and missing.
	Beats, Missed int64
	// First and Last are when the channel was first and last seen.
	First, Last time.Time
	// Sent and Received are bytes, or Unknown.
	Sent, Received int64
	// Hosts of Machines internal machines talk to the destination; Machines is 0 where it is not known.
	Hosts, Machines int64
	// Users, Devices, Apps and Rules (of the firewall) that the sessions name.
	Users, Devices, Apps, Rules []string
	// Starts are the sessions in order of time, all or the newest; Kept, where it is not zero, is the time from which
	// on they are whole.
	Starts []plot.Beat
	Kept   time.Time
	// Lines are some of the log lines behind it; LinesTotal is the number of all.
	Lines      []LogLine
	LinesTotal int64
	// Change says what would have to differ for the score to fall under the line.
	Change []string
	// Methods says of other methods whether they fire on it, and why not.
	Methods []Verdict
}

// Reason is a part of a score.
type Reason struct {
	Name   string
	Text   string // a sentence
	Weight float64
}

// Verdict is what a method says of a channel.
type Verdict struct {
	Method string
	Fires  bool
	Text   string
}

// DeltaFindings are the rows of one delta method.
type DeltaFindings struct {
	Method string // "source-delta"
	// Rule is the rule's id; empty for a method that is not a rule's.
	Rule string
	// Note says what the method looks for; may be empty.
	Note string
	Rows []DeltaRow
}

// DeltaRow is a row of the rule's result, with the rule's own values.
type DeltaRow struct {
	Hour, RunAt          time.Time
	Device, User         string
	Source, Destination  string
	Port                 int32 // or Unknown
	ModalCount, ModalGap int64 // the gap is in seconds
	Events               int64
	Sent, Received       int64
	Percent              float64
}

// Table is any result in rows.
type Table struct {
	Title, Note string
	Columns     []plot.Column
	Rows        [][]string // one text for each column
}
