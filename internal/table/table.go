package table

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Type is the KQL type of a column.
type Type uint8

// The types of columns, with the Go type that [Table.Value] returns for them.
const (
	Bool     Type = iota // bool
	Int                  // int64, within 32 bits
	Long                 // int64
	Real                 // float64
	String               // string, never null
	Datetime             // int64: ticks of 100 ns since 0001-01-01 UTC
	Timespan             // int64: ticks of 100 ns
	Dynamic              // json.RawMessage
	Guid                 // string: in lower case with dashes; "" never stands for null
	Decimal              // string: its digits, such as "-12.50"
)

// String returns the name that KQL has for the type.
func (t Type) String() string {
	switch t {
	case Bool:
		return "bool"
	case Int:
		return "int"
	case Long:
		return "long"
	case Real:
		return "real"
	case String:
		return "string"
	case Datetime:
		return "datetime"
	case Timespan:
		return "timespan"
	case Dynamic:
		return "dynamic"
	case Guid:
		return "guid"
	case Decimal:
		return "decimal"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Column is the name and the type of one column.
type Column struct {
	Name string
	Type Type
}

// Table is a result: rows under typed columns. Make one with [New].
type Table struct {
	cols    []Column
	vectors []vector
	rows    int
}

// vector holds the values of one column. Which slice is in use follows from the
// type: words for Bool, Int, Long, Datetime and Timespan, reals for Real, texts
// for String, Dynamic, Guid and Decimal. A null holds the zero value, so rows always align.
type vector struct {
	words []int64
	reals []float64
	texts []string
	nulls []uint64 // one bit a row, grown only up to the last null
	key   []byte   // the column's name as JSON, with its colon
}

// New returns an empty table. Names must differ from each other.
func New(cols ...Column) *Table {
	t := &Table{cols: append([]Column(nil), cols...), vectors: make([]vector, len(cols))}
	seen := make(map[string]bool, len(cols))
	for i, c := range t.cols {
		if seen[c.Name] {
			panic(fmt.Sprintf("BUG: table: two columns are named %q", c.Name))
		}
		if c.Type > Decimal {
			panic(fmt.Sprintf("BUG: table: column %s has no type", c.Name))
		}
		seen[c.Name] = true
		t.vectors[i].key = append(AppendJSONString(nil, c.Name), ':')
	}
	return t
}

// Columns returns the schema. The caller must not change it.
func (t *Table) Columns() []Column { return t.cols }

// Len returns the number of rows.
func (t *Table) Len() int { return t.rows }

// Append adds one row, a value for each column; nil is null. It takes bool for
// Bool; int, int32 or int64 for Int, Long, Datetime and Timespan; float64 for
// Real; string for String, where nil is the empty text, as in KQL, for Guid and
// for Decimal; and [json.RawMessage] for Dynamic, where text that is not JSON
// becomes a JSON string, as in KQL's parse_json. Another type, a number beyond Int or a wrong
// count of values is a fault of the caller, and panics.
func (t *Table) Append(values ...any) {
	if len(values) != len(t.cols) {
		panic(fmt.Sprintf("BUG: table: %d values for %d columns", len(values), len(t.cols)))
	}
	for i, v := range values {
		t.append(i, v)
	}
	t.rows++
}

func (t *Table) append(col int, value any) {
	vec := &t.vectors[col]
	typ := t.cols[col].Type
	if value == nil {
		t.appendNull(col)
		return
	}
	ok := false
	switch v := value.(type) {
	case bool:
		word := int64(0)
		if v {
			word = 1
		}
		vec.words, ok = append(vec.words, word), typ == Bool
	case int:
		vec.words, ok = append(vec.words, int64(v)), takesInteger(typ, int64(v))
	case int32:
		vec.words, ok = append(vec.words, int64(v)), takesInteger(typ, int64(v))
	case int64:
		vec.words, ok = append(vec.words, v), takesInteger(typ, v)
	case float64:
		vec.reals, ok = append(vec.reals, v), typ == Real
	case string:
		vec.texts, ok = append(vec.texts, v), typ == String || typ == Guid || typ == Decimal
	case json.RawMessage:
		text := normalJSON(v)
		if text == "" {
			t.appendNull(col)
			return
		}
		vec.texts, ok = append(vec.texts, text), typ == Dynamic
	}
	if !ok {
		panic(fmt.Sprintf("BUG: table: %T value %v for column %s of type %s", value, value, t.cols[col].Name, typ))
	}
}

func takesInteger(typ Type, v int64) bool {
	switch typ {
	case Int:
		return v >= math.MinInt32 && v <= math.MaxInt32
	case Long, Datetime, Timespan:
		return true
	case Bool, Real, String, Dynamic, Guid, Decimal:
	}
	return false
}

func (t *Table) appendNull(col int) {
	vec := &t.vectors[col]
	switch t.cols[col].Type {
	case String:
		vec.texts = append(vec.texts, "")
		return
	case Real:
		vec.reals = append(vec.reals, 0)
	case Dynamic, Guid, Decimal:
		vec.texts = append(vec.texts, "")
	case Bool, Int, Long, Datetime, Timespan:
		vec.words = append(vec.words, 0)
	}
	for len(vec.nulls) <= t.rows/64 {
		vec.nulls = append(vec.nulls, 0)
	}
	vec.nulls[t.rows/64] |= 1 << (t.rows % 64)
}

func (v *vector) null(row int) bool {
	return row/64 < len(v.nulls) && v.nulls[row/64]&(1<<(row%64)) != 0
}

// Value returns one value, of the Go type that stands beside its [Type], or nil
// where it is null.
func (t *Table) Value(row, col int) any {
	if row < 0 || row >= t.rows {
		panic(fmt.Sprintf("BUG: table: row %d of %d", row, t.rows))
	}
	vec := &t.vectors[col]
	if vec.null(row) {
		return nil
	}
	switch t.cols[col].Type {
	case Bool:
		return vec.words[row] != 0
	case Real:
		return vec.reals[row]
	case String, Guid, Decimal:
		return vec.texts[row]
	case Dynamic:
		return json.RawMessage(vec.texts[row])
	case Int, Long, Datetime, Timespan:
	}
	return vec.words[row]
}

// normalJSON returns raw as one line of valid JSON that is safe to print, the
// same value otherwise byte for byte, or "" where it is null.
func normalJSON(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	if !json.Valid(raw) {
		return string(AppendJSONString(nil, []byte(raw)))
	}
	text := string(raw)
	if strings.ContainsAny(text, "\r\n\t") { // in valid JSON these stand between tokens only
		text = string(appendCompact(nil, text))
	}
	text = strings.Trim(text, " ")
	if text == "null" {
		return ""
	}
	return escapeJSONText(text)
}
