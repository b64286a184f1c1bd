package rule

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// memory is the tables of a test: a schema over that of the workspace, and the source of the rows. Tables that a test does
// not fill are empty.
type memory struct {
	plan.Schema
	tables map[string]*memoryTable
	at     int64 // the run, for times that are relative to it
	// diags are what is wrong with what the test gives.
	diags kql.Diagnostics
}

type memoryTable struct {
	plan.Table
	index map[string]int
	rows  []stream.Row
}

// fail takes note of a fault of the test's file.
func (m *memory) fail(code kql.Code, at kql.Span, hint, format string, args ...any) {
	m.diags = append(m.diags, kql.Diagnostic{Span: at, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func newMemory(s plan.Schema, at int64) *memory {
	return &memory{Schema: s, tables: map[string]*memoryTable{}, at: at}
}

// Table gives a table of the test, or one of the workspace.
func (m *memory) Table(name string) (*plan.Table, bool) {
	if t := m.tables[name]; t != nil {
		return &t.Table, true
	}
	return m.Schema.Table(name)
}

// Filled reports whether a test fills a table. It implements [plan.Filler].
func (m *memory) Filled(name string) bool { return m.tables[name] != nil }

// Tables gives the names of all tables.
func (m *memory) Tables() []string {
	names := m.Schema.Tables()
	for name := range m.tables {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Scan gives the rows of a table of the test.
func (m *memory) Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	t := m.tables[scan.Table]
	if t == nil {
		return ctx.Err()
	}
	at := t.index[timeColumn]
	const batch = 1000
	rows := make([]stream.Row, 0, min(batch, len(t.rows)))
	for _, row := range t.rows {
		if at < len(row) && t.Columns[at].Name == timeColumn && !row[at].IsNull() && !w.Contains(row[at].Int()) {
			continue
		}
		out := make(stream.Row, len(scan.Columns))
		for i, c := range scan.Columns {
			out[i] = eval.Null(c.Type)
			if j, ok := t.index[c.Name]; ok {
				out[i] = row[j]
			}
		}
		if rows = append(rows, out); len(rows) == batch {
			if err := emit(rows); err != nil {
				return err
			}
			rows = make([]stream.Row, 0, batch)
		}
	}
	if len(rows) > 0 {
		return emit(rows)
	}
	return ctx.Err()
}

// External gives the rows of externaldata, if the workspace has a file for it.
func (m *memory) External(ctx context.Context, ext *plan.External, emit func([]stream.Row) error) error {
	if src, ok := m.Schema.(stream.ExternalSource); ok {
		return src.External(ctx, ext, emit)
	}
	return stream.ErrNoExternal
}

// table gives a table of the test, made on first use: one of the workspace, or a new one without columns.
func (m *memory) table(name string) *memoryTable {
	if t := m.tables[name]; t != nil {
		return t
	}
	t := &memoryTable{Table: plan.Table{Name: name}, index: map[string]int{}}
	if known, ok := m.Schema.Table(name); ok {
		t.Table = *known
		t.Columns = slices.Clone(known.Columns)
		for i, c := range t.Columns {
			t.index[c.Name] = i
		}
	}
	m.tables[name] = t
	return t
}

// column gives the number of a column. A table that the workspace does not know, or knows to be open, gets it with the
// type of the value; with another the column is a fault.
func (m *memory) column(t *memoryTable, key, value *node) (int, bool) {
	if i, ok := t.index[key.text]; ok {
		return i, true
	}
	if known, ok := m.Schema.Table(t.Name); ok && !known.Open {
		hint := ""
		names := make([]string, len(known.Columns))
		for i, c := range known.Columns {
			names[i] = c.Name
		}
		if near := nearest(key.text, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		m.fail(CodeColumn, key.span, hint, "%s has no column %q", t.Name, key.text)
		return 0, false
	}
	c := plan.Column{Name: key.text, Type: inferred(key.text, value)}
	t.index[key.text] = len(t.Columns)
	t.Columns = append(t.Columns, c)
	return len(t.Columns) - 1, true
}

func inferred(name string, value *node) kql.Type {
	switch value.kind {
	case kindBool:
		return kql.TypeBool
	case kindNumber:
		if strings.ContainsAny(value.text, ".eE") {
			return kql.TypeReal
		}
		return kql.TypeLong
	case kindList, kindBag:
		return kql.TypeDynamic
	case kindText, kindNull:
	}
	if _, err := time.Parse(time.RFC3339, value.text); err == nil || name == timeColumn {
		return kql.TypeDateTime
	}
	return kql.TypeString
}

// addRow adds a row that the test writes out.
func (m *memory) addRow(t *memoryTable, row *node) {
	if row.kind != kindBag {
		m.fail(CodeValue, row.span, "", "a row must be columns with values, as in {SourceIP: 10.0.0.5}")
		return
	}
	columns := make([]int, len(row.keys))
	for i, k := range row.keys {
		col, ok := m.column(t, k, row.items[i])
		if !ok {
			col = -1
		}
		columns[i] = col
	}
	values := make(stream.Row, len(t.Columns))
	for i, c := range t.Columns {
		values[i] = eval.Null(c.Type)
	}
	for i, col := range columns {
		if col < 0 {
			continue
		}
		v, err := m.value(t.Columns[col].Type, row.items[i])
		if err != nil {
			m.fail(CodeValue, row.items[i].span, "", "%s: %s", t.Columns[col].Name, err)
			continue
		}
		values[col] = v
	}
	t.rows = append(t.rows, values)
}

// finish makes all rows as wide as their table, and puts them into the order of time.
func (m *memory) finish() {
	for _, t := range m.tables {
		for i, row := range t.rows {
			for len(row) < len(t.Columns) {
				row = append(row, eval.Null(t.Columns[len(row)].Type))
			}
			t.rows[i] = row
		}
		at, ok := t.index[timeColumn]
		if ok {
			slices.SortStableFunc(t.rows, func(a, b stream.Row) int {
				return int(min(max(a[at].Int()-b[at].Int(), -1), 1))
			})
		}
	}
}

// value makes a value of a type of what a test writes.
func (m *memory) value(t kql.Type, n *node) (eval.Value, error) {
	if n.kind == kindNull {
		return eval.Null(t), nil
	}
	if t == kql.TypeDynamic {
		return dynamic(n), nil
	}
	if !n.scalar() {
		return eval.Null(t), fmt.Errorf("want one value of type %s", t)
	}
	wrong := fmt.Errorf("%q is no %s", n.text, t)
	s := strings.TrimSpace(n.text)
	switch t {
	case kql.TypeString:
		return eval.String(n.text), nil
	case kql.TypeBool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return eval.Null(t), wrong
		}
		return eval.Bool(b), nil
	case kql.TypeInt:
		i, err := strconv.ParseInt(s, 0, 32)
		if err != nil {
			return eval.Null(t), wrong
		}
		return eval.Int(int32(i)), nil
	case kql.TypeLong:
		i, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			return eval.Null(t), wrong
		}
		return eval.Long(i), nil
	case kql.TypeReal:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return eval.Null(t), wrong
		}
		return eval.Real(f), nil
	case kql.TypeDecimal:
		if !numberForm.MatchString(s) || strings.ContainsAny(s, "eE") {
			return eval.Null(t), wrong
		}
		return eval.Decimal(s), nil
	case kql.TypeDateTime:
		ticks, ok := instant(s, m.at)
		if !ok {
			return eval.Null(t), wrong
		}
		return eval.Datetime(ticks), nil
	case kql.TypeTimespan:
		d, ok := parseSpan(s)
		if !ok {
			return eval.Null(t), wrong
		}
		return eval.Timespan(ticksOf(d)), nil
	case kql.TypeGuid:
		if !guidForm.MatchString(s) {
			return eval.Null(t), wrong
		}
		return eval.Guid(strings.ToLower(s)), nil
	case kql.TypeDynamic, kql.TypeUnknown:
	}
	return eval.Null(t), wrong
}

func dynamic(n *node) eval.Value {
	switch n.kind {
	case kindNull:
		return eval.Null(kql.TypeDynamic)
	case kindBool:
		return eval.ToDynamic(eval.Bool(n.text == "true"))
	case kindNumber:
		if i, err := strconv.ParseInt(n.text, 10, 64); err == nil {
			return eval.ToDynamic(eval.Long(i))
		}
		if f, err := strconv.ParseFloat(n.text, 64); err == nil {
			return eval.ToDynamic(eval.Real(f))
		}
	case kindList, kindBag:
		tree := &eval.Tree{Items: make([]eval.Value, len(n.items))}
		if n.kind == kindBag {
			tree.Keys = make([]string, len(n.keys))
		}
		for i, item := range n.items {
			tree.Items[i] = dynamic(item)
			if n.kind == kindBag {
				tree.Keys[i] = n.keys[i].text
			}
		}
		return eval.Dynamic(tree)
	case kindText:
	}
	return eval.ToDynamic(eval.String(n.text))
}

// instant reads a time: RFC 3339, a date with or without a time of day, in UTC, or a distance from the run, "-1h30m".
func instant(s string, at int64) (int64, bool) {
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		d, ok := parseSpan(s[1:])
		if s[0] == '-' {
			d = -d
		}
		return at + ticksOf(d), ok && at > 0
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return traffic.Ticks(t), true
		}
	}
	return 0, false
}

// parseSpan reads a length of time: those of rules, those of Go ("1m30s", "250ms"), and several days as in "1d12h".
func parseSpan(s string) (time.Duration, bool) {
	if d, ok := parseDuration(s); ok {
		return d, true
	}
	days, rest, found := strings.Cut(s, "d")
	total := time.Duration(0)
	if found {
		n, err := strconv.ParseUint(days, 10, 12)
		if err != nil {
			return 0, false
		}
		total, s = time.Duration(n)*day, rest
	}
	d, err := time.ParseDuration(s)
	return total + d, err == nil && d >= 0 && d <= 10_000*day
}
