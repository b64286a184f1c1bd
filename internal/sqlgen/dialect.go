package sqlgen

import (
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Dialect is what engines write differently.
type Dialect struct {
	// Name is that of the engine, for people.
	Name string
	// RowID is the text of the number of a row in a table that was loaded.
	RowID string
	// Setup are statements that an engine must run before the first query: functions that the texts use. [Elements] and
	// [Pairs] must have Go forms there besides.
	Setup []string

	types map[kql.Type]string
	// literal writes a value that is not null.
	literal func(*plan.Lit) string
	// funcs and aggs write functions and aggregates; they give false for what they cannot write.
	funcs map[plan.Fn]func(*call) (string, bool)
	aggs  map[plan.Fn]func(*aggCall) ([]string, bool)

	// pickOne writes arg_max, or arg_min, with one other argument in a way that is cheaper than sorting; it gives false for
	// what it cannot write so.
	pickOne func(c *aggCall, isMax bool) ([]string, bool)
	// condition writes a bool, or a dynamic that may hold one, as a condition.
	condition func(term) (string, bool)
	// missing gives a number for a real: 0 for null, 1 for NaN, 2 for numbers.
	missing func(term) string
	isNaN   func(term) string
	// ticksOf makes ticks of a column of timestamps.
	ticksOf func(sql string) string
	// jsonText writes a value as JSON; of a null it may make null.
	jsonText func(term) (string, bool)
	// joinTexts is an aggregate that makes a dynamic array of the texts of its elements.
	joinTexts func(elements, order string) string
	// counter gives a table of the numbers from 0 up to n-1.
	counter func(n int64, col string) string
	// elements takes an array apart.
	elements func(sql string, pairs bool) string
	// fromText reads a value of a type out of a text, as [RowStep] gives it.
	fromText func(sql string, t kql.Type) string
	// widen gives a key of a join the type that keys are compared in.
	widen   func(term, kql.Type) (term, bool)
	sameKey func(a, b term) string
	// cumulate writes a sum of all rows up to one, or "".
	cumulate func(t term, out kql.Type, over string) string
}

// The names of Go functions that take the text of a dynamic and give a list of the texts of its elements. A null is its own
// element, as a scalar is; of a bag each key is one, as a bag of its own or as an array of key and value.
const (
	Elements = "kelements"
	Pairs    = "kpairs"
	// RowStep takes the name of one of [Program.Steps] and a text, and gives a list of texts, one for each column that the
	// step adds: for a bool true or false, for a number its digits, for a time or a span its ticks; or null, where the
	// step drops the row.
	RowStep = "krowstep"
	// Uniq takes a list of texts and gives it without repetitions.
	Uniq = "kuniq"
	// Flat takes a list of texts of dynamics and gives it with the elements of arrays in the places of these.
	Flat = "kflat"
	// Merge takes a list of texts of dynamics and gives a list of one, the bag of the keys of all bags.
	Merge = "kmerge"
)

// Type gives the type that values of a type of the language have in the SQL. Times and spans are ticks, dynamics are JSON
// text.
func (d *Dialect) Type(t kql.Type) string { return d.types[t] }

// Has reports whether a function has a form in the SQL, for some arguments at least. Others are called in Go.
func (d *Dialect) Has(fn plan.Fn) bool { return d.funcs[fn] != nil }

// Literal writes a value with its type.
func (d *Dialect) Literal(x *plan.Lit) string {
	if x.Null && x.Type != kql.TypeString {
		return "null::" + d.Type(x.Type)
	}
	return d.literal(x)
}

// call is a function to write.
type call struct {
	s       *scope
	fn      plan.Fn
	out     kql.Type
	args    []term
	list    *term     // the sub-query at the right of in
	sub     *plan.Sub // that it was made from
	truth   bool      // null may stand for false
	nonNull bool
	public  string // see term
}
