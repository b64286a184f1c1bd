package sqlgen

import (
	"fmt"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Program is a plan made ready for an engine: its parts in the order in which they can run. The result is that of the
// last one.
type Program struct {
	Parts []Part
	// Funcs are the functions in Go that the SQL calls. The engine must give them their names before it runs a part.
	Funcs []Func
	// Steps are steps of rows, one for each name, that the SQL has Go take by calling [RowStep] with the name and the
	// value that the step reads. Their input is a [plan.Rows] with one column, that value; what they add to it is what
	// they give.
	Steps map[string]plan.Op
}

// Part is one of *Load *SQL *Go.
type Part interface{ part() }

// Load brings a table of the caller into the engine.
type Load struct {
	// Name is the name of the table in the SQL. Its columns are c and the ID of those of Scan, in the types of
	// [Dialect.Type]; its order is that of the rows.
	Name string
	// Scan has all columns that the plan reads of the table, and Window all times.
	Scan   *plan.Scan
	Window plan.Window
}

// SQL is a query.
type SQL struct {
	// Name is that under which a [Go] part scans the result, or "" for the last part.
	Name string
	Text string
	// Columns are those of the result, in order. The text gives real numbers, texts and so on in the types of
	// [Dialect.Type]. Nulls stand in columns that are not NonNull.
	Columns []plan.Column
	// Steps says what the query does, one step of the plan a line.
	Steps []string
}

// Go is a part of the plan that SQL cannot run. Its sources are scans of tables of the caller, and of [SQL] and Go parts
// by their names.
type Go struct {
	// Name is that of the table that the result is loaded into, as with [Load], or "" for the last part.
	Name string
	Plan *plan.Plan
	// Reason says why the SQL does not do it.
	Reason string
}

func (*Load) part() {}
func (*SQL) part()  {}
func (*Go) part()   {}

// Func is a scalar function in Go that the SQL calls.
type Func struct {
	Name string
	Fn   plan.Fn
	Args []kql.Type
	Out  kql.Type
}

// Table is how the SQL reads a table that is in the engine already. Its texts are put into the SQL as they are.
type Table struct {
	// From is what stands after from.
	From string
	// Columns has for each column its text, by the name in the plan's scan. A column that is not there is null or "".
	Columns map[string]Stored
	// Order are the columns that order the rows, none of them null. The SQL that needs an order has none without them.
	Order []string
}

// Stored is a column of a [Table].
type Stored struct {
	SQL string
	// Micros says that the column is a timestamp of microseconds since 1970, where the plan has ticks. Comparisons with
	// constants are written on the column itself, so that the engine can skip what lies outside.
	Micros bool
	// Nulls says that the column of a string has nulls, which are "" in the plan.
	Nulls bool
}

// Env is what Generate must know of the caller.
type Env struct {
	// Now is the value of now(), in ticks.
	Now int64
	// Prefix begins the names of [Program.Steps]. It must be one that no other program in use has.
	Prefix string
	// Limit, if not 0, bounds the rows of the result.
	Limit int
	// Fanout, if not 0, bounds the rows of a range.
	Fanout int
	// Table says how the SQL reads a table; ok is false for one that is to be loaded.
	Table func(s *plan.Scan, w plan.Window) (t *Table, ok bool)
	// Window, if not nil, says which times of a scan the query can see.
	Window func(s *plan.Scan) plan.Window
	// Fold computes a function of constants; ok is false where it has no Go form or its result cannot be written.
	Fold func(fn plan.Fn, out kql.Type, args []*plan.Lit) (*plan.Lit, bool)
	// Text gives the text that stands in the engine for a constant of the types dynamic and decimal, which the plan may
	// write in several ways; nil is what the plan has. What Fold takes and gives is such text.
	Text func(x *plan.Lit) string
	// HasGo reports whether a function has a Go form.
	HasGo func(fn plan.Fn) bool
}

// unsupported is the error for what SQL cannot say. It never leaves the package: the step goes to Go.
type unsupported struct{ what string }

func (e *unsupported) Error() string { return e.what }

func cannot(format string, args ...any) error {
	return &unsupported{fmt.Sprintf(format, args...)}
}

// String writes the program, part after part, for people.
func (p *Program) String() string {
	var w strings.Builder
	for _, part := range p.Parts {
		switch part := part.(type) {
		case *Load:
			names := make([]string, len(part.Scan.Columns))
			for i, c := range part.Scan.Columns {
				names[i] = name(c.ID) + " " + c.Name
			}
			fmt.Fprintf(&w, "load %s as %s: %s\n", part.Scan.Table, part.Name, strings.Join(names, ", "))
		case *SQL:
			fmt.Fprintf(&w, "sql%s\n%s\n", named(part.Name), part.Text)
		case *Go:
			fmt.Fprintf(&w, "go%s, for SQL lacks %s\n%s", named(part.Name), part.Reason, part.Plan)
		}
	}
	return w.String()
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return " gives " + name
}
