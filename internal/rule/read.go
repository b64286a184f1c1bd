package rule

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/kql"
)

// Class is what a file holds.
type Class uint8

// The classes of files.
const (
	ClassRule     Class = iota // rules
	ClassHunting               // a hunting query
	ClassParser                // a function of the language
	ClassTemplate              // an ARM template without rules
	ClassWorkbook
	ClassPlaybook
	ClassOther
	ClassEmpty  // nothing, or comments alone
	ClassBroken // it cannot be read
)

// String names the class, for one file.
func (c Class) String() string {
	switch c {
	case ClassRule:
		return "rule"
	case ClassHunting:
		return "hunting query"
	case ClassParser:
		return "parser"
	case ClassTemplate:
		return "template"
	case ClassWorkbook:
		return "workbook"
	case ClassPlaybook:
		return "playbook"
	case ClassOther:
		return "other"
	case ClassEmpty:
		return "empty"
	case ClassBroken:
		return "broken"
	}
	return ""
}

// File is a file and the rules that it holds.
type File struct {
	Name  string
	Text  string
	Class Class
	Rules []*Rule
	// Diags are remarks on all but the queries; their spans are in Text. A rule with an error cannot be run.
	Diags kql.Diagnostics
}

// Read reads a file of rules: YAML, or JSON where the text begins with a brace. What it holds besides rules is no error:
// the class says what that is.
func Read(name string, text []byte) *File {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	f := &File{Name: name, Text: string(text)}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		f.readJSON()
		return f
	}
	docs, err := parseYAML(f.Text)
	if err != nil {
		f.broken(err)
		return f
	}
	f.Class = ClassEmpty
	for _, doc := range docs {
		if doc.kind == kindNull {
			continue
		}
		class := classOf(doc)
		if class == ClassRule || class == ClassHunting {
			f.addRule(doc, class)
		}
		if f.Class == ClassEmpty || f.Class == ClassOther {
			f.Class = class
		}
	}
	return f
}

func (f *File) broken(err error) {
	f.Class = ClassBroken
	if e, ok := err.(*yamlError); ok { //nolint:errorlint // it is made here and never wrapped
		f.report(kql.Error, e.code, e.span, e.message, "")
	}
}

func (f *File) report(severity kql.Severity, code kql.Code, at kql.Span, message, hint string) {
	f.Diags = append(f.Diags, kql.Diagnostic{Span: at, Code: code, Severity: severity, Message: message, Hint: hint})
}

// classOf tells what a document is by its keys, as files of the public repository have them.
func classOf(doc *node) Class {
	if doc.kind != kindBag {
		return ClassOther
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return doc.get(k) != nil })
	}
	switch {
	case has("Parser", "ParserQuery", "ParserName", "FunctionQuery", "FunctionName"):
		return ClassParser
	case has("queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"):
		return ClassRule
	case strings.EqualFold(text(doc.get("kind")), "nrt"):
		return ClassRule
	case has("query") && (has("id", "name", "tactics", "severity") || strings.EqualFold(text(doc.get("kind")), "scheduled")):
		return ClassHunting
	}
	return ClassOther
}

// text gives the text of a scalar, without blanks around it.
func text(n *node) string {
	if n == nil || !n.scalar() || n.kind == kindNull {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// reader fills a Rule from its bag.
type reader struct {
	f    *File
	r    *Rule
	root *node
	hunt bool
}

// addRule reads one rule.
func (f *File) addRule(root *node, class Class) {
	r := &Rule{File: f.Name, root: root, text: f.Text, Enabled: true}
	d := &reader{f: f, r: r, root: root, hunt: class == ClassHunting}
	d.read()
	if n := len(f.Rules); n > 0 {
		f.Rules[n-1].end = root.span.From
	}
	f.Rules = append(f.Rules, r)
	f.Diags.Sort()
}

func (d *reader) fail(code kql.Code, at kql.Span, format string, args ...any) {
	d.f.report(kql.Error, code, at, fmt.Sprintf(format, args...), "")
}

func (d *reader) warn(code kql.Code, at kql.Span, hint, format string, args ...any) {
	d.f.report(kql.Warning, code, at, fmt.Sprintf(format, args...), hint)
}

// at is where a key stands, or the rule begins.
func (d *reader) at(key string) kql.Span {
	if k := d.root.key(key); k != nil {
		return k.span
	}
	return d.root.span
}

// scalar gives the text of a key. It reports what is no scalar, and what is missing but must be there.
func (d *reader) scalar(key string, need bool) (string, *node) {
	n := d.root.get(key)
	switch {
	case n == nil || n.kind == kindNull:
		if need {
			d.fail(CodeMissing, d.at(key), "the rule has no %s", key)
		}
		return "", nil
	case !n.scalar():
		d.fail(CodeValue, n.span, "%s must be one value", key)
		return "", nil
	case need && text(n) == "":
		d.fail(CodeMissing, n.span, "%s is empty", key)
		return "", nil
	}
	return text(n), n
}

// list gives the scalars of a list; one that stands alone will do.
func (d *reader) list(key string) []*node {
	n := d.root.get(key)
	switch {
	case n == nil || n.kind == kindNull:
		return nil
	case n.scalar():
		return []*node{n}
	case n.kind != kindList:
		d.warn(CodeValue, n.span, "", "%s must be a list", key)
		return nil
	}
	var out []*node
	for _, item := range n.items {
		if !item.scalar() {
			d.warn(CodeValue, item.span, "", "what %s lists must be texts", key)
			continue
		}
		if text(item) != "" {
			out = append(out, item)
		}
	}
	return out
}

func texts(list []*node) []string {
	out := make([]string, 0, len(list))
	for _, n := range list {
		out = append(out, text(n))
	}
	return out
}

func (d *reader) read() {
	d.kind()
	d.names()
	d.schedule()
	d.query()
	d.tactics()
	d.connectors()
	d.entities()
	d.details()
	d.override()
	d.grouping()
	d.suppression()
	d.incident()
	d.unknown()
}

func (d *reader) kind() {
	kind, n := d.scalar("kind", false)
	switch strings.ToLower(kind) {
	case "scheduled":
		d.r.Kind = Scheduled
		if d.hunt {
			d.r.Kind = Hunting
			d.warn(CodeMissing, n.span, "add queryFrequency, queryPeriod, triggerOperator and triggerThreshold",
				"the rule has no schedule; it is taken for a hunting query")
		}
	case "nrt":
		d.r.Kind = NRT
	case "":
		if d.hunt {
			d.r.Kind = Hunting
		} else {
			d.warn(CodeMissing, d.root.span, "add kind: Scheduled", "the rule has no kind; it is taken for a scheduled one")
		}
	default:
		if d.hunt {
			d.r.Kind = Hunting
			break
		}
		d.fail(CodeValue, n.span, "kind must be Scheduled or NRT, not %q", kind)
	}
	if enabled := text(d.root.get("enabled")); enabled == "false" {
		d.r.Enabled = false
	}
}

var (
	guidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
)

// The greatest lengths that Sentinel takes, in characters.
const (
	maxName        = 256
	maxDescription = 5_000
	maxQuery       = 10_000
	maxVersion     = 20
)

func (d *reader) names() {
	id, n := d.scalar("id", false)
	switch {
	case id == "":
		d.warn(CodeMissing, d.root.span, "", "the rule has no id")
	case !guidForm.MatchString(id):
		d.warn(CodeValue, n.span, "", "id is not a GUID")
	}
	d.r.ID = strings.ToLower(id)
	d.r.Name, n = d.scalar("name", !d.hunt)
	if n != nil && len([]rune(d.r.Name)) > maxName {
		d.warn(CodeLimit, n.span, "", "name is longer than %d characters", maxName)
	}
	description, n := d.scalar("description", false)
	if n == nil && !d.hunt {
		d.warn(CodeMissing, d.root.span, "", "the rule has no description")
	}
	// Authors put quotes around the text of a block.
	if len(description) >= 2 && description[0] == '\'' && description[len(description)-1] == '\'' && n.style != styleSingle {
		description = strings.TrimSpace(description[1 : len(description)-1])
	}
	d.r.Description = description
	if len([]rune(description)) > maxDescription {
		d.warn(CodeLimit, n.span, "", "description is longer than %d characters", maxDescription)
	}
	d.r.Status, _ = d.scalar("status", false)
	d.r.Version, n = d.scalar("version", false)
	if n != nil && (!versionForm.MatchString(d.r.Version) || len(d.r.Version) > maxVersion) {
		d.warn(CodeStyle, n.span, "", "version should be three numbers, as in 1.0.0")
	}
	d.severity()
}

func (d *reader) severity() {
	name, n := d.scalar("severity", !d.hunt)
	if n == nil {
		return
	}
	if i := slices.Index(severityNames[:], name); i >= 0 {
		d.r.Severity = Severity(i)
		return
	}
	i := slices.IndexFunc(severityNames[:], func(s string) bool { return strings.EqualFold(s, name) })
	if i < 0 {
		d.fail(CodeValue, n.span, "severity must be Informational, Low, Medium or High, not %q", name)
		return
	}
	d.r.Severity = Severity(i)
	d.warn(CodeStyle, n.span, "", "severity is written %s", severityNames[i])
}

// The limits of schedules.
const (
	minFrequency  = 5 * time.Minute
	maxPeriod     = 14 * day
	longPeriod    = 2 * day
	longFrequency = time.Hour // at least, for periods of longPeriod and more
	maxThreshold  = 10_000
)

func (d *reader) schedule() {
	switch d.r.Kind {
	case Hunting:
		return
	case NRT:
		d.r.Frequency, d.r.Period = time.Minute, time.Minute
	case Scheduled:
		frequency, frequencyAt := d.duration("queryFrequency")
		period, periodAt := d.duration("queryPeriod")
		d.r.Frequency, d.r.Period = frequency, period
		if frequency > 0 && period > 0 {
			switch {
			case period < frequency:
				d.fail(CodeLimit, periodAt.span, "queryPeriod is shorter than queryFrequency: what lies between would never be seen")
			case period >= longPeriod && frequency < longFrequency:
				d.fail(CodeLimit, frequencyAt.span, "queryFrequency must be an hour or more where queryPeriod is two days or more")
			}
		}
	}
	d.trigger()
}

func (d *reader) duration(key string) (time.Duration, *node) {
	value, n := d.scalar(key, true)
	if n == nil {
		return 0, nil
	}
	length, ok := parseDuration(value)
	switch {
	case !ok:
		d.fail(CodeValue, n.span, "%s must be a length of time such as 5m, 1h or 14d, not %q", key, value)
		return 0, n
	case length < minFrequency || length > maxPeriod:
		d.fail(CodeLimit, n.span, "%s must be from 5m to 14d", key)
	}
	return length, n
}

func (d *reader) trigger() {
	need := d.r.Kind == Scheduled
	name, n := d.scalar("triggerOperator", need)
	if n != nil {
		same := func(s string) bool { return strings.EqualFold(s, name) }
		i := slices.IndexFunc(operatorShort[:], same)
		if i < 0 {
			i = slices.IndexFunc(operatorNames[:], same)
		}
		if i < 0 {
			d.fail(CodeValue, n.span, "triggerOperator must be gt, lt, eq or ne, not %q", name)
		} else {
			d.r.Operator = Operator(i)
		}
	}
	threshold, n := d.scalar("triggerThreshold", need)
	if n == nil {
		return
	}
	number, err := strconv.Atoi(threshold)
	switch {
	case err != nil:
		d.fail(CodeValue, n.span, "triggerThreshold must be a whole number, not %q", threshold)
	case number < 0 || number > maxThreshold:
		d.fail(CodeLimit, n.span, "triggerThreshold must be from 0 to %d", maxThreshold)
	default:
		d.r.Threshold = number
	}
}

func (d *reader) query() {
	n := d.root.get("query")
	switch {
	case n == nil || n.kind == kindNull:
		d.fail(CodeMissing, d.at("query"), "the rule has no query")
	case !n.scalar():
		d.fail(CodeValue, n.span, "query must be a text")
	case strings.TrimSpace(n.text) == "":
		d.fail(CodeMissing, n.span, "the query is empty")
	default:
		d.r.Query = n.text
		d.r.place = locate(d.f.Text, n)
		if len([]rune(n.text)) > maxQuery && d.r.Kind != Hunting {
			d.warn(CodeLimit, n.span, "", "query is longer than %d characters", maxQuery)
		}
	}
}

var techniqueForm = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

func (d *reader) connectors() {
	list := d.root.get("requiredDataConnectors")
	if list == nil || list.kind != kindList {
		return
	}
	for _, item := range list.items {
		c := Connector{ID: text(item.get("connectorId"))}
		for _, key := range []string{"dataTypes", "datatypes"} {
			if types := item.get(key); types != nil && types.kind == kindList {
				c.DataTypes = texts(types.items)
			}
		}
		d.r.Connectors = append(d.r.Connectors, c)
	}
}

// knownKeys are the keys of rules, those that only ARM templates have among them, and what public files add.
var knownKeys = []string{
	"id", "name", "kind", "description", "severity", "status", "requiredDataConnectors", "queryFrequency", "queryPeriod",
	"triggerOperator", "triggerThreshold", "tactics", "relevantTechniques", "query", "entityMappings", "customDetails",
	"alertDetailsOverride", "eventGroupingSettings", "suppressionEnabled", "suppressionDuration", "incidentConfiguration",
	"version", "enabled", "tags", "metadata", "sentinelEntitiesMappings", "alertRuleTemplateName", "startTimeUtc",
	"description-detailed", "descriptionDetailed", "previous-id", "author", "source",
}

func (d *reader) unknown() {
	for _, k := range d.root.keys {
		if slices.Contains(knownKeys, k.text) {
			continue
		}
		hint := ""
		if near := nearest(k.text, knownKeys); near != "" {
			hint = "did you mean " + near + "?"
		}
		d.warn(CodeUnknownKey, k.span, hint, "the key %q is unknown, and means nothing", k.text)
	}
}
