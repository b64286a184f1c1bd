package rule

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/table"
)

// Alert is what a run of a rule tells. Its JSON has the columns of Sentinel's SecurityAlert.
type Alert struct {
	Name        string
	Description string
	Severity    Severity
	Tactics     []string
	Techniques  []string
	// Start and End are the times, in ticks, of the first and the last of its rows, or its window where they have none.
	Start, End int64
	At         int64
	Entities   []Entity
	Details    []Detail
	Properties []Detail
	// Rows are the rows of the result that it tells of; Row is their number.
	Rows []int
	// Dropped counts entities that were beyond the limit.
	Dropped int

	rule *Rule
	run  *Result
}

// Entity is a thing that an alert tells of.
type Entity struct {
	Type   string
	Fields []Field
}

// Field is an identifier of an entity and its value.
type Field struct{ Name, Value string }

// Detail is a key of an alert with its values.
type Detail struct {
	Key    string
	Values []string
}

// The limits of alerts. Their source is Sentinel's documentation.
const (
	maxAlerts       = 150 // of one run: 149, and one for all other rows
	maxAlertItems   = 500 // entities of an alert, split evenly among its mappings
	maxDetailValues = 50
	maxDetailBytes  = 2 << 10 // of all values
)

// alerts makes the alerts of a run that met the condition.
func (r *Rule) alerts(res *Result) []Alert {
	n := res.Rows.Len()
	cells := newCells(res.Rows)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	if !r.PerResult || n == 0 {
		return []Alert{r.alert(res, cells, all)}
	}
	var out []Alert
	for i := range n {
		if n > maxAlerts && i == maxAlerts-1 {
			return append(out, r.alert(res, cells, all[i:]))
		}
		out = append(out, r.alert(res, cells, all[i:i+1]))
	}
	return out
}

func (r *Rule) alert(res *Result, cells *cells, rows []int) Alert {
	a := Alert{
		Name: r.Name, Description: r.Description, Severity: r.Severity, Tactics: r.Tactics, Techniques: r.Techniques,
		Start: res.Window.From, End: res.Window.To, At: res.At, Rows: rows, rule: r, run: res,
	}
	if res.Window.To == 0 {
		a.Start, a.End = res.At, res.At
	}
	a.times(cells)
	a.override(cells)
	a.entities(cells)
	budget := maxDetailBytes
	for _, d := range r.CustomDetails {
		a.Details = append(a.Details, Detail{d.Key, cells.distinct(rows, d.Column, maxDetailValues, &budget)})
	}
	return a
}

func (a *Alert) times(cells *cells) {
	first, last := int64(-1), int64(-1)
	col := cells.column(timeColumn)
	if col < 0 || cells.t.Columns()[col].Type != table.Datetime {
		return
	}
	for _, row := range a.Rows {
		at, ok := cells.t.Value(row, col).(int64)
		if !ok {
			continue
		}
		if first < 0 || at < first {
			first = at
		}
		last = max(last, at)
	}
	if first >= 0 {
		a.Start, a.End = first, last
	}
}

// override puts the values of the alert's first row into its texts. A part whose column is missing or empty stays as the
// rule has it.
func (a *Alert) override(cells *cells) {
	if len(a.Rows) == 0 {
		return
	}
	o, row := &a.rule.Override, a.Rows[0]
	fill := func(format, otherwise string, most int) string {
		if format == "" {
			return otherwise
		}
		filled := placeholders.ReplaceAllStringFunc(format, func(m string) string {
			return cells.text(row, strings.TrimSpace(m[2:len(m)-2]))
		})
		return cut(filled, most)
	}
	a.Name = fill(o.Name, a.Name, maxAlertName)
	a.Description = fill(o.Description, a.Description, maxDescription)
	if o.Severity != "" {
		same := func(s string) bool { return strings.EqualFold(s, cells.text(row, o.Severity)) }
		if i := slices.IndexFunc(severityNames[:], same); i >= 0 {
			a.Severity = Severity(i)
		}
	}
	if o.Tactics != "" {
		if list := namesIn(cells.text(row, o.Tactics)); len(list) > 0 {
			a.Tactics = list
		}
	}
	for _, p := range o.Properties {
		if value := cells.text(row, p.Column); value != "" {
			a.Properties = append(a.Properties, Detail{p.Key, []string{value}})
		}
	}
}

// namesIn reads a list of names: JSON, or with commas.
func namesIn(text string) []string {
	var list []string
	if json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most])
}

// entities makes the entities of the alert's rows, each once. Each mapping has an equal share of those that an alert may
// have.
func (a *Alert) entities(cells *cells) {
	mappings := a.rule.Entities
	if len(mappings) == 0 {
		return
	}
	share := maxAlertItems / len(mappings)
	seen := map[string]bool{}
	for i := range mappings {
		n := 0
		for _, row := range a.Rows {
			e, ok := cells.entity(row, &mappings[i])
			if !ok {
				continue
			}
			key := string(e.appendJSON(nil, 0))
			if seen[key] {
				continue
			}
			seen[key] = true
			if n++; n > share {
				a.Dropped++
				continue
			}
			a.Entities = append(a.Entities, e)
		}
	}
}

// cells gives the texts of a result's values by the names of columns.
type cells struct {
	t     *table.Table
	names map[string]int
}

func newCells(t *table.Table) *cells {
	c := &cells{t: t, names: make(map[string]int, len(t.Columns()))}
	for i, col := range t.Columns() {
		c.names[col.Name] = i
	}
	return c
}

// column gives the number of a column, or -1.
func (c *cells) column(name string) int {
	if i, ok := c.names[name]; ok {
		return i
	}
	return -1
}

// text gives a value as text: that of a string as it is, null as nothing, others as the language writes them.
func (c *cells) text(row int, column string) string {
	col := c.column(column)
	if col < 0 {
		return ""
	}
	return valueText(c.t.Columns()[col].Type, c.t.Value(row, col))
}

func valueText(t table.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return string(table.AppendReal(nil, v))
	case json.RawMessage:
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
		return string(v)
	case int64:
		switch t { //nolint:exhaustive // the others are numbers
		case table.Datetime:
			return string(table.AppendDatetime(nil, v))
		case table.Timespan:
			return string(table.AppendTimespan(nil, v))
		}
		return strconv.FormatInt(v, 10)
	}
	return ""
}

// entity makes one entity of a row, if a field of it has a value.
func (c *cells) entity(row int, m *EntityMapping) (Entity, bool) {
	e := Entity{Type: m.Type}
	for _, f := range m.Fields {
		if value := c.text(row, f.Column); value != "" {
			e.Fields = append(e.Fields, Field{f.Identifier, value})
		}
	}
	return e, len(e.Fields) > 0
}

// distinct gives the values of a column, each once, as far as the budget of bytes goes.
func (c *cells) distinct(rows []int, column string, most int, budget *int) []string {
	out := []string{}
	for _, row := range rows {
		value := c.text(row, column)
		if value == "" || slices.Contains(out, value) {
			continue
		}
		if len(out) == most || len(value) > *budget {
			break
		}
		*budget -= len(value)
		out = append(out, value)
	}
	return out
}

// entityKinds are the types of entities where SecurityAlert has another name than its lower case.
var entityKinds = map[string]string{
	"CloudApplication": "cloud-application", "AzureResource": "azure-resource", "RegistryKey": "registry-key",
	"RegistryValue": "registry-value", "SecurityGroup": "security-group", "MailMessage": "mailMessage",
	"MailCluster": "mailCluster", "SubmissionMail": "submissionMail",
}

// appendJSON writes an entity. A zero id is left out.
func (e *Entity) appendJSON(dst []byte, id int) []byte {
	dst = append(dst, '{')
	if id > 0 {
		dst = append(table.AppendJSONString(append(dst, `"$id":`...), strconv.Itoa(id)), ',')
	}
	for _, f := range e.Fields {
		dst = append(table.AppendJSONString(dst, f.Name), ':')
		dst = append(table.AppendJSONString(dst, f.Value), ',')
	}
	kind := entityKinds[e.Type]
	if kind == "" {
		kind = strings.ToLower(e.Type)
	}
	dst = append(table.AppendJSONString(append(dst, `"Type":`...), kind), '}')
	return dst
}

func appendEntities(dst []byte, list []Entity) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = list[i].appendJSON(dst, i+1)
	}
	return append(dst, ']')
}

// AppendJSON writes the alert as one row of SecurityAlert, on one line. What only a workspace knows is left out. Entities
// and ExtendedProperties are JSON within a text there, and so here.
func (a *Alert) AppendJSON(dst []byte) []byte {
	w := &jsonWriter{dst: append(dst, '{')}
	at := func(ticks int64) string { return string(table.AppendDatetime(nil, ticks)) }
	w.text("TimeGenerated", at(a.At))
	w.text("StartTime", at(a.Start))
	w.text("EndTime", at(a.End))
	w.text("ProcessingEndTime", at(a.At))
	w.text("SystemAlertId", a.id())
	w.text("DisplayName", a.Name)
	w.text("AlertName", a.Name)
	w.text("AlertSeverity", a.Severity.String())
	w.text("Description", a.Description)
	w.text("AlertType", a.rule.ID)
	w.text("VendorName", "drumbeat")
	w.text("ProviderName", "ASI Scheduled Alerts")
	w.text("ProductName", "drumbeat")
	w.text("ProductComponentName", "Scheduled Alerts")
	w.text("Status", "New")
	w.text("Tactics", strings.Join(a.Tactics, ", "))
	w.text("Techniques", techniquesText(a.Techniques))
	w.text("Entities", string(appendEntities(nil, a.Entities)))
	w.text("ExtendedProperties", string(a.properties()))
	w.text("SourceSystem", "Detection")
	w.raw("IsIncident", "false")
	w.text("Type", "SecurityAlert")
	return append(w.dst, '}')
}

// id is the same for the same rows of the same run of a rule.
func (a *Alert) id() string {
	rows := "all"
	if len(a.Rows) > 0 {
		rows = strconv.Itoa(a.Rows[0]) + "+" + strconv.Itoa(len(a.Rows))
	}
	return nameID(a.rule.exportID() + "\n" + strconv.FormatInt(a.At, 10) + "\n" + rows)
}

func techniquesText(list []string) string {
	out, _ := json.Marshal(list) //nolint:errchkjson // texts can always be written
	if list == nil {
		return "[]"
	}
	return string(out)
}

// properties are those of a SecurityAlert: all values are texts.
func (a *Alert) properties() []byte {
	r, run := a.rule, a.run
	w := &jsonWriter{dst: []byte{'{'}}
	w.text("Query Period", string(table.AppendTimespan(nil, ticksOf(r.Period))))
	w.text("Trigger Operator", r.Operator.String())
	w.text("Trigger Threshold", strconv.Itoa(r.Threshold))
	w.text("Search Query Results Overall Count", strconv.Itoa(run.Rows.Len()))
	w.text("Query", r.Query)
	w.text("Query Start Time UTC", slotText(run.Window.From))
	w.text("Query End Time UTC", slotText(run.Window.To))
	w.text("Analytic Rule Ids", `["`+r.exportID()+`"]`)
	w.text("Analytic Rule Name", r.Name)
	grouping := "SingleAlert"
	if r.PerResult {
		grouping = "AlertPerResult"
		w.text("OriginalQuery", r.Query)
	}
	w.text("Event Grouping", grouping)
	if len(a.Details) > 0 {
		d := &jsonWriter{dst: []byte{'{'}}
		for _, one := range a.Details {
			list, _ := json.Marshal(one.Values) //nolint:errchkjson // texts can always be written
			d.raw(one.Key, string(list))
		}
		w.text("Custom Details", string(append(d.dst, '}')))
	}
	for _, p := range a.Properties {
		w.text(p.Key, p.Values[0])
	}
	if a.Dropped > 0 {
		w.text("Entities Dropped", strconv.Itoa(a.Dropped))
	}
	return append(w.dst, '}')
}

// slotText is a time as alerts have it: "2023-07-24 15:23:59Z".
func slotText(ticks int64) string {
	text := string(table.AppendDatetime(nil, ticks-ticks%ticksPerSecond))
	return strings.Replace(text, "T", " ", 1)
}

// jsonWriter writes the members of an object.
type jsonWriter struct{ dst []byte }

func (w *jsonWriter) raw(key, value string) {
	if !bytes.HasSuffix(w.dst, []byte{'{'}) {
		w.dst = append(w.dst, ',')
	}
	w.dst = append(table.AppendJSONString(w.dst, key), ':')
	w.dst = append(w.dst, value...)
}

func (w *jsonWriter) text(key, value string) {
	w.raw(key, string(table.AppendJSONString(nil, value)))
}
