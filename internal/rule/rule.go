package rule

import (
	"time"

	"drumbeat/kql"
)

// Rule is one rule of a file.
type Rule struct {
	// File is the name of the file that the rule was read from.
	File string

	ID          string // a GUID, in lower case; "" where the file gives none
	Kind        Kind
	Name        string
	Description string
	Severity    Severity
	Status      string
	Version     string
	Enabled     bool // false only where an ARM template says so

	Query     string
	Frequency time.Duration // between runs; a minute for NRT, 0 for a hunting query
	Period    time.Duration // how far a run looks back; a minute for NRT, 0 for a hunting query
	Operator  Operator
	Threshold int

	Tactics    []string
	Techniques []string
	Connectors []Connector
	Entities   []EntityMapping
	// CustomDetails are in the order of the file.
	CustomDetails []CustomDetail
	Override      AlertOverride
	PerResult     bool // one alert for each row, rather than one for a run
	Suppression   time.Duration
	Suppressed    bool // whether Suppression is on
	Incident      Incident

	// root is the rule as it stands in the file, under the names of YAML: what export writes.
	root *node
	// text is the whole file, place where the query stands in it.
	text  string
	place *place
	end   int // where the next rule of the file begins, or 0
}

// Kind is what a rule is.
type Kind uint8

// The kinds of rules. A hunting query has no schedule and makes no alerts; it is checked and run like a rule.
const (
	Scheduled Kind = iota
	NRT
	Hunting
)

// String gives the kind as files write it.
func (k Kind) String() string {
	switch k {
	case Scheduled:
		return "Scheduled"
	case NRT:
		return "NRT"
	case Hunting:
		return "Hunting"
	}
	return ""
}

// Severity of an alert.
type Severity uint8

// The severities, from the least.
const (
	Informational Severity = iota
	Low
	Medium
	High
)

// String gives the severity as files write it.
func (s Severity) String() string {
	return severityNames[s]
}

var severityNames = [...]string{"Informational", "Low", "Medium", "High"}

// Operator compares the number of rows of a run with the threshold.
type Operator uint8

// The operators of trigger conditions.
const (
	GreaterThan Operator = iota
	LessThan
	Equal
	NotEqual
)

// String gives the long name of the operator.
func (o Operator) String() string { return operatorNames[o] }

// Short gives the name that rule files use.
func (o Operator) Short() string { return operatorShort[o] }

var (
	operatorNames = [...]string{"GreaterThan", "LessThan", "Equal", "NotEqual"}
	operatorShort = [...]string{"gt", "lt", "eq", "ne"}
)

// Holds reports whether rows compare so with the threshold.
func (o Operator) Holds(rows, threshold int) bool {
	switch o {
	case GreaterThan:
		return rows > threshold
	case LessThan:
		return rows < threshold
	case Equal:
		return rows == threshold
	case NotEqual:
		return rows != threshold
	}
	return false
}

// Connector is where the data of a rule comes from.
type Connector struct {
	ID        string
	DataTypes []string
}

// EntityMapping makes an entity of columns.
type EntityMapping struct {
	Type   string
	Fields []FieldMapping
	span   kql.Span
}

// FieldMapping gives an identifier of an entity the value of a column.
type FieldMapping struct {
	Identifier string
	Column     string
	// span is where the column stands, identifier where the identifier does.
	span, identifier kql.Span
}

// CustomDetail puts the values of a column into an alert under a key.
type CustomDetail struct {
	Key, Column string
	span        kql.Span
}

// AlertOverride makes parts of an alert of the first of its rows: texts with {{Column}}, and columns.
type AlertOverride struct {
	Name        string
	Description string
	Tactics     string // a column
	Severity    string // a column
	Properties  []CustomDetail

	name, description []placeholder
	tactics, severity kql.Span
}

// Incident says how alerts become incidents. Nothing in this package reads it.
type Incident struct {
	Create bool
	// Group says that alerts are put together by the fields below.
	Group    bool
	Reopen   bool
	Lookback time.Duration
	Matching string
	Entities []string
	Details  []string
	Custom   []string
}

// Text is the whole file that the rule was read from: spans of remarks are in it.
func (r *Rule) Text() string { return r.text }

// Label names the rule for people: by its name, or else its id or file.
func (r *Rule) Label() string {
	for _, s := range []string{r.Name, r.ID} {
		if s != "" {
			return s
		}
	}
	return r.File
}
