package ingest

import (
	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// Sink takes batches of flows. A batch is the sink's until Observe returns. Each sink is used by one goroutine.
type Sink interface {
	Observe(b *traffic.Batch) error
}

// Rejected is a line that was not understood.
type Rejected struct {
	// Path and Line say where it stands; lines count from 1.
	Path string
	Line int64
	// Reason says why.
	Reason logformat.Reason
	// Text is the line, without its end. It is cut to 4 kB where the line is too long to be read.
	Text string
}

// FileReport says what was found in one file.
type FileReport struct {
	// Path is the file's.
	Path string
	// Packed names the compression or encoding, empty for plain text.
	Packed string
	// Bytes is the number of bytes of text: after unpacking.
	Bytes int64
	// Lines is the number of lines.
	Lines int64
	// Counts says what became of them.
	Counts logformat.Counts
}

// Report says what a scan read.
type Report struct {
	// Files lists the files that were read, in order of path.
	Files []FileReport
	// Problems lists what was not read, or not to its end.
	Problems []Problem
	// Counts is the sum over all files.
	Counts logformat.Counts
	// Lines and Bytes are sums over all files.
	Lines, Bytes int64
	// Samples holds the first rejected lines for each reason, in order of path and line.
	Samples []Rejected
	// Direction is the evidence on byte directions from the first lines of each file.
	Direction logformat.Direction
	// Partial says that the scan was stopped before the end.
	Partial bool
}

// samplesPerReason is the number of rejected lines that a report shows for each reason.
const samplesPerReason = 3

// longSample bounds the text that is kept of a line that is too long.
const longSample = 4 << 10
