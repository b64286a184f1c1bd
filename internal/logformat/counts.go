package logformat

import "math"

// Format is the form that a line is written in.
type Format uint8

// The formats that a Parser reads.
const (
	// FormatAuto recognises each line by itself.
	FormatAuto Format = iota
	// FormatCEF is CEF as PAN-OS writes it by its custom log format.
	FormatCEF
	// FormatStrata is CEF as Strata Logging Service (once Cortex Data Lake) forwards it.
	FormatStrata
	// FormatPanosCSV is the native comma-separated syslog format of PAN-OS.
	FormatPanosCSV
	formatCount
)

// String gives the format's name as the --input flag takes it.
func (f Format) String() string {
	return [formatCount]string{"auto", "cef", "strata", "panos-csv"}[f]
}

// Formats lists the formats in order, FormatAuto first.
func Formats() []Format { return []Format{FormatAuto, FormatCEF, FormatStrata, FormatPanosCSV} }

// Reason says why a line was rejected.
type Reason uint8

// The reasons for which a line is rejected.
const (
	// ReasonNone marks a line that was not rejected.
	ReasonNone Reason = iota
	// ReasonUnknownFormat is for text that is no known record.
	ReasonUnknownFormat
	// ReasonOtherFormat is for lines of another format than the one asked for.
	ReasonOtherFormat
	// ReasonCutHeader is for a CEF header with fewer than seven fields.
	ReasonCutHeader
	// ReasonCutFields is for a CSV record with too few fields.
	ReasonCutFields
	// ReasonFieldOrder is for a CSV record whose fields do not stand as PAN-OS writes them.
	ReasonFieldOrder
	// ReasonNoTime is for a record in which no time can be read.
	ReasonNoTime
	// ReasonNoYear is for a record whose time names no year, where nothing near it tells the year.
	ReasonNoYear
	// ReasonNoAddress is for a record with neither a source nor a destination.
	ReasonNoAddress
	// ReasonTooLong is for a line over the limit on length.
	ReasonTooLong
	// ReasonBinary is for a line that holds bytes no log text has.
	ReasonBinary
	// ReasonDamaged is for the line that stands, cut off, where a compressed file is damaged.
	ReasonDamaged
	// ReasonUnfinished is for a last line without an end in a file that is being written.
	ReasonUnfinished
	reasonCount
)

// String says the reason in words.
func (r Reason) String() string {
	return [reasonCount]string{
		"not rejected",
		"no format that is known",
		"another format than --input asks for",
		"CEF header cut short: seven fields are needed",
		"CSV record cut short: 34 fields are needed",
		"CSV fields are not in the order of PAN-OS: TRAFFIC must be the fourth",
		"no time that can be read",
		"time without a year, and nothing near it tells the year (give --now)",
		"neither source nor destination address",
		"longer than 1 MiB",
		"binary data",
		"line cut off where the compressed file is damaged",
		"last line not finished: the file is still being written",
	}[r]
}

// OtherType names the records that are kept apart: those that are no TRAFFIC records.
type OtherType uint8

// The types of records that are counted and left out.
const (
	// OtherNone marks a line that is not of another type.
	OtherNone OtherType = iota
	// OtherThreat to OtherPanos are the other log types of PAN-OS.
	OtherThreat
	OtherURL
	OtherWildfire
	OtherData
	OtherSystem
	OtherConfig
	OtherHIP
	OtherGlobalProtect
	OtherUserID
	OtherIPTag
	OtherAuth
	OtherDecryption
	OtherTunnel
	OtherCorrelation
	OtherGTP
	OtherSCTP
	OtherAudit
	OtherPanos
	// OtherVendor is CEF from another vendor's product.
	OtherVendor
	// OtherBlank is a line without text.
	OtherBlank
	otherCount
)

// String gives the type's name.
func (t OtherType) String() string {
	return [otherCount]string{
		"none", "THREAT", "URL", "WILDFIRE", "DATA", "SYSTEM", "CONFIG", "HIPMATCH", "GLOBALPROTECT", "USERID", "IPTAG",
		"AUTHENTICATION", "DECRYPTION", "TUNNEL", "CORRELATION", "GTP", "SCTP", "AUDIT", "other PAN-OS type",
		"CEF of another vendor", "blank line",
	}[t]
}

// otherOf gives the type of a PAN-OS record that is no TRAFFIC record, by its upper-case type.
func otherOf(name string) OtherType {
	switch name {
	case "THREAT":
		return OtherThreat
	case "URL":
		return OtherURL
	case "WILDFIRE":
		return OtherWildfire
	case "DATA":
		return OtherData
	case "SYSTEM":
		return OtherSystem
	case "CONFIG":
		return OtherConfig
	case "HIPMATCH", "HIP-MATCH":
		return OtherHIP
	case "GLOBALPROTECT":
		return OtherGlobalProtect
	case "USERID":
		return OtherUserID
	case "IPTAG":
		return OtherIPTag
	case "AUTHENTICATION", "AUTH":
		return OtherAuth
	case "DECRYPTION":
		return OtherDecryption
	case "TUNNEL", "TUNNEL INSPECTION":
		return OtherTunnel
	case "CORRELATION":
		return OtherCorrelation
	case "GTP":
		return OtherGTP
	case "SCTP":
		return OtherSCTP
	case "AUDIT":
		return OtherAudit
	}
	return OtherPanos
}

// Warning is something odd about a record that was read all the same.
type Warning uint8

// The warnings that are counted.
const (
	// WarnPort is a port that is no number in 0 … 65535 and is taken as unknown.
	WarnPort Warning = iota
	// WarnBytes is a byte count that is no number in 0 … 2^53 and is taken as unknown.
	WarnBytes
	// WarnNoZone is a time without a zone, taken as UTC.
	WarnNoZone
	// WarnOddZone is a time with a zone name that is not known or means several zones, taken as without one.
	WarnOddZone
	// WarnUnsureHour is a local time that comes twice, or not at all, because clocks are changed.
	WarnUnsureHour
	// WarnToken is a value that is a template's unresolved variable, such as $cefformatted-time_generated.
	WarnToken
	// WarnDuplicate is a key that stands twice in a record; the first value that is not blank is taken.
	WarnDuplicate
	// WarnCut is a record that lacks its last part, as when a datagram was cut.
	WarnCut
	// WarnEncoding is text that is not UTF-8; it is read as Windows-1252.
	WarnEncoding
	// WarnNoYear is a time without a year, which was taken from --now or from the dated records near it.
	WarnNoYear
	// WarnHeaderTime is a record whose own times cannot be read, dated by its syslog header.
	WarnHeaderTime
	// WarnShifted is a CSV record that lacks its leading field.
	WarnShifted
	// WarnNumber is another number that does not fit its column and is taken as unknown.
	WarnNumber
	// WarnJoined is a line that held two messages.
	WarnJoined
	warningCount
)

// String says the warning in words.
func (w Warning) String() string {
	return [warningCount]string{
		"port out of range, taken as unknown",
		"byte count out of range, taken as unknown",
		"time without a zone, taken as UTC (see --timezone)",
		"unknown time zone name, taken as none",
		"local time that comes twice or never, at a clock change",
		"unresolved variable of a log template",
		"key twice in one record, first value taken",
		"record cut short",
		"text not in UTF-8, read as Windows-1252",
		"time without a year, year taken from nearby",
		"no time in the record, syslog header's taken",
		"leading field missing",
		"number out of range, taken as unknown",
		"two messages in one line",
	}[w]
}

// TimeSource says which of a record's times became TimeGenerated.
type TimeSource uint8

// The places that TimeGenerated is taken from, in order of preference.
const (
	// TimeHighRes is the high-resolution stamp, with milliseconds and offset.
	TimeHighRes TimeSource = iota
	// TimeGenerated is the time at which the dataplane wrote the record.
	TimeGenerated
	// TimeReceived is the time at which the management plane received it.
	TimeReceived
	// TimeHeader is the syslog header's.
	TimeHeader
	timeSourceCount
)

// String names the source.
func (t TimeSource) String() string {
	return [timeSourceCount]string{"high-resolution stamp", "time generated", "receive time", "syslog header"}[t]
}

// Counts says what became of lines. The zero value is empty.
type Counts struct {
	// Flows is the number of rows that were appended.
	Flows int64
	// Formats counts flows by format.
	Formats [formatCount]int64
	// Other counts lines of other types.
	Other [otherCount]int64
	// Rejected counts rejected lines by reason.
	Rejected [reasonCount]int64
	// Warnings counts warnings.
	Warnings [warningCount]int64
	// TimeFrom counts flows by the source of their time.
	TimeFrom [timeSourceCount]int64
	// First and Last are the span of TimeGenerated in ticks; they have no meaning while Flows is 0.
	First, Last int64
}

// Add adds other's counts.
func (c *Counts) Add(other *Counts) {
	if other.Flows > 0 {
		if c.Flows == 0 {
			c.First, c.Last = math.MaxInt64, math.MinInt64
		}
		c.First = min(c.First, other.First)
		c.Last = max(c.Last, other.Last)
	}
	c.Flows += other.Flows
	addAll(c.Formats[:], other.Formats[:])
	addAll(c.Other[:], other.Other[:])
	addAll(c.Rejected[:], other.Rejected[:])
	addAll(c.Warnings[:], other.Warnings[:])
	addAll(c.TimeFrom[:], other.TimeFrom[:])
}

// Others gives the number of lines of other types.
func (c *Counts) Others() int64 { return sum(c.Other[:]) }

// Rejects gives the number of rejected lines.
func (c *Counts) Rejects() int64 { return sum(c.Rejected[:]) }

// Lines gives the number of lines that the counts account for; a line that held two messages gave two flows.
func (c *Counts) Lines() int64 { return c.Flows + c.Others() + c.Rejects() - c.Warnings[WarnJoined] }

func addAll(dst, src []int64) {
	for i, n := range src {
		dst[i] += n
	}
}

func sum(n []int64) int64 {
	var s int64
	for _, v := range n {
		s += v
	}
	return s
}
