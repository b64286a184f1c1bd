package stream

import (
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/eval"
	"drumbeat/internal/table"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// ToTable makes a table of rows, which have a value for each column. A column that no schema declares, which is dynamic
// because nothing else was known, gets the type that all its values have.
func ToTable(cols []plan.Column, rows []Row) *table.Table {
	r := newResult(cols, false)
	for _, row := range rows {
		r.append(row)
	}
	return r.Table()
}

// result collects the rows of a result.
type result struct {
	cols  []plan.Column
	open  bool // rows end with a bag of further columns
	loose bool // types or columns are known only when all rows are there
	rows  []Row
	table *table.Table
	build *table.Builder
	json  []byte
	// first are the names that stand first among the further columns.
	first map[string]bool
}

func newResult(cols []plan.Column, open bool) *result {
	r := &result{cols: cols, open: open, loose: open}
	for _, c := range cols {
		r.loose = r.loose || c.Open && c.Type == kql.TypeDynamic
	}
	if !r.loose {
		r.start(cols)
	}
	return r
}

// start makes the table.
func (r *result) start(cols []plan.Column) {
	r.cols = cols
	list := make([]table.Column, len(cols))
	seen := map[string]bool{}
	for i, c := range cols {
		name := c.Name
		for n := 1; seen[name]; n++ {
			name = c.Name + strconv.Itoa(n)
		}
		seen[name] = true
		list[i] = table.Column{Name: name, Type: TableType(c.Type)}
	}
	r.table = table.New(list...)
	r.build = r.table.Build()
}

// TableType gives the type of a table's column for a type of the language.
func TableType(t kql.Type) table.Type {
	switch t {
	case kql.TypeBool:
		return table.Bool
	case kql.TypeInt:
		return table.Int
	case kql.TypeLong:
		return table.Long
	case kql.TypeReal:
		return table.Real
	case kql.TypeDecimal:
		return table.Decimal
	case kql.TypeDateTime:
		return table.Datetime
	case kql.TypeTimespan:
		return table.Timespan
	case kql.TypeString:
		return table.String
	case kql.TypeGuid:
		return table.Guid
	case kql.TypeDynamic, kql.TypeUnknown:
	}
	return table.Dynamic
}

// Len is how many rows there are.
func (r *result) Len() int {
	if r.loose {
		return len(r.rows)
	}
	return r.table.Len()
}

// append copies a row, and gives about how many bytes it takes.
func (r *result) append(row Row) int64 {
	bytes := int64(len(row)) * 8
	for i := range row {
		bytes += contentBytes(row[i])
	}
	if r.loose {
		r.rows = append(r.rows, append(Row(nil), row...))
		return bytes + int64(len(row))*valueBytes
	}
	r.put(row)
	return bytes
}

func (r *result) put(row Row) {
	if len(r.cols) == 0 {
		r.table.Append()
		return
	}
	for i := range r.cols {
		r.cell(r.cols[i].Type, row[i])
	}
}

func (r *result) cell(t kql.Type, v eval.Value) {
	if t != kql.TypeDynamic {
		v = as(v.Inner(), t)
	}
	if v.IsNull() {
		r.build.Null()
		return
	}
	switch t {
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		r.build.Word(v.Int())
	case kql.TypeReal:
		r.build.Real(v.Real())
	case kql.TypeString, kql.TypeGuid, kql.TypeDecimal:
		r.build.Text(v.Str())
	case kql.TypeDynamic, kql.TypeUnknown:
		r.json = eval.AppendJSON(r.json[:0], v)
		r.build.JSON(r.json)
	}
}

// Table gives the table when all rows are there.
func (r *result) Table() *table.Table {
	if !r.loose {
		return r.table
	}
	cols := append([]plan.Column(nil), r.cols...)
	if r.open {
		cols = append(cols, r.spread()...)
	}
	for i := range cols {
		if cols[i].Open && cols[i].Type == kql.TypeDynamic {
			cols[i].Type = r.common(i)
		}
	}
	r.start(cols)
	for _, row := range r.rows {
		r.put(row)
	}
	return r.table
}

// spread makes columns of the bags at the ends of the rows, in the order of their names.
func (r *result) spread() []plan.Column {
	at := map[string]int{}
	var names []string
	rest := len(r.cols)
	for _, row := range r.rows {
		if t := row[rest].Tree(); t != nil {
			for _, key := range t.Keys {
				if _, ok := at[key]; !ok {
					at[key] = 0
					names = append(names, key)
				}
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if r.first[a] != r.first[b] {
			if r.first[a] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	cols := make([]plan.Column, len(names))
	for i, name := range names {
		at[name] = i
		cols[i] = plan.Column{Name: name, Type: kql.TypeDynamic, Open: true}
	}
	for i, row := range r.rows {
		wide := make(Row, rest+len(cols))
		copy(wide, row[:rest])
		for k := range cols {
			wide[rest+k] = eval.Null(kql.TypeDynamic)
		}
		if t := row[rest].Tree(); t != nil {
			for k, key := range t.Keys {
				wide[rest+at[key]] = t.Items[k]
			}
		}
		r.rows[i] = wide
	}
	return cols
}

// common gives the type that all values of a column have, or dynamic.
func (r *result) common(i int) kql.Type {
	t := kql.TypeUnknown
	for _, row := range r.rows {
		v := row[i]
		switch k := v.Kind(); {
		case v.IsNull():
		case t == kql.TypeUnknown:
			t = k
		case t == kql.TypeInt && k == kql.TypeLong || t == kql.TypeLong && k == kql.TypeInt:
			t = kql.TypeLong
		case t != k:
			return kql.TypeDynamic
		}
	}
	if t == kql.TypeUnknown {
		return kql.TypeDynamic
	}
	return t
}
