package plan

import (
	"drumbeat/kql"
)

// Type is a scalar type of the language.
type Type = kql.Type

// Column is a column of a table or of a step of a plan. In a plan the ID is what counts: it is unique in the whole plan,
// a column that a step passes on keeps it, and two columns may have one name at different steps. IDs of a [Table] are
// not read.
type Column struct {
	ID   int
	Name string
	Type Type
	// NonNull says that no value is null. Strings never are.
	NonNull bool
	// Open marks a column that no schema declares: its type is dynamic because nothing else is known.
	Open bool
}

// Table is a table known to the caller.
type Table struct {
	Name    string
	Columns []Column
	// Open says that rows may have more columns than these: any name will do then.
	Open bool
}

// Function is a function that is stored with the data, in the text of the language.
type Function struct {
	Name string
	// Params is the list of parameters with its parentheses, "(a:string, b:long = 5)"; "" means "()".
	Params string
	// Body is the body, with or without braces.
	Body string
	// Place gives the place in its file, "f.kql:3:5", of a byte of Params, a blank and Body, which has braces then. nil
	// says that there is no file.
	Place func(offset int) string
}

// Schema is what a query can refer to. It is asked from the goroutine of [Bind] alone, and must give the same all the
// time.
type Schema interface {
	Table(name string) (*Table, bool)
	Function(name string) (*Function, bool)
	// Tables gives the names of all tables, for names with stars, search, and hints.
	Tables() []string
}

// Adviser is what a [Schema] can be besides: one that knows how a caller gives what a query lacks.
type Adviser interface {
	// TableHint says how a table that is unknown can be given, or is "".
	TableHint(name string) string
	// Refuse says why nothing can be read from an address of externaldata, and what to do about it. Where something can
	// be read the refusal is "".
	Refuse(address string) (refusal, hint string)
}

// Param is a parameter that a query declares.
type Param struct {
	Name string
	Type Type
	// Default is a literal, or nil where the caller must give a value.
	Default Expr
}

// Plan is a query whose names, types and functions are known. It does not change, and may be used from several
// goroutines.
type Plan struct {
	Root Op
	// Out are the columns of the result in their order.
	Out []Column
	// Open says that the result has more columns, known only when the query runs (bag_unpack, pivot).
	Open bool
	// Params are the parameters of the query: a [ParamRef] stands for each.
	Params []Param
	// Render is the chart asked for by render, or "".
	Render string
	// Set are the options of set statements, in order. They change nothing here.
	Set []string
}

// Assign computes a column.
type Assign struct {
	Col Column
	X   Expr
}

// Op is a step of a plan. It is one of
//
//	*Scan *Values *External *Range *Rows                           sources
//	*Filter *Project *Sort *Serialize *Take *Top *Sample           one table
//	*Aggregate *TopNested *MakeSeries                              groups
//	*Parse *ParseKv *MvExpand *MvApply *Unpack *Pivot *Partition   shapes
//	*Union *Join *Shared                                           several tables
//
// A step hands on the columns that [Columns] gives. Those that no schema declares ([Column.Open]) are handed on besides by
// *Filter, *Sort, *Serialize, *Take, *Top, *Sample, *Parse, *ParseKv, *MvExpand, *MvApply, *Join, *Shared, and a *Project
// that is Open. A column with Open that the data lacks is null in all rows.
type Op interface{ op() }

// Scan reads a table. Columns are all declared ones, and of an open table those that the query names.
type Scan struct {
	Table   string
	Columns []Column
	Open    bool
}

// Values is a table that is written out: datatable, print, getschema. The values of print are expressions without
// columns, those of the others literals.
type Values struct {
	Cols []Column
	Rows [][]Expr
}

// External is data that lies elsewhere, of externaldata. Engines that read nothing from elsewhere refuse it.
type External struct {
	Cols []Column
	URIs []string
	// With are the properties, such as format and csv.
	With [][2]string
}

// Range is one column from From to To, both included, in steps.
type Range struct {
	Col            Column
	From, To, Step Expr
}

// Rows stands for the rows handed to a sub-query of [MvApply] or [Partition].
type Rows struct{ Cols []Column }

// Filter keeps the rows for which Pred is true; null is not.
type Filter struct {
	Input Op
	Pred  Expr
}

// Project gives exactly these columns; with Open also all that its input has and no schema declares. A column whose X
// is a [Col] with its own ID is passed on. Extend, project-away and the like become a Project.
type Project struct {
	Input Op
	Cols  []Assign
	Open  bool
	// Away are the names, some with stars, of what Open does not hand on.
	Away []string
}

// Sort orders rows. Rows that tie stand in the order of their input.
type Sort struct {
	Input Op
	Keys  []SortKey
}

// SortKey is one key of a sort. NaN stands with null.
type SortKey struct {
	X          Expr
	Desc       bool
	NullsFirst bool
}

// Serialize says that the rows are in an order that counts.
type Serialize struct{ Input Op }

// Take keeps N rows: the first if the input is ordered, or any.
type Take struct {
	Input Op
	N     Expr
}

// Top keeps the first N rows by a key.
type Top struct {
	Input Op
	N     Expr
	Keys  []SortKey
}

// Sample keeps N rows by chance.
type Sample struct {
	Input Op
	N     Expr
}

// Aggregate groups rows by its keys; without keys all rows are one group, and none are one group too unless Keys is not
// nil. Its columns are the keys, then those of Aggs. Distinct is an Aggregate without Aggs. A computation with results
// of aggregates stands in a Project above.
type Aggregate struct {
	Input Op
	Keys  []Assign
	Aggs  []AggAssign
}

// AggAssign is an aggregate and the columns it gives: one for most, several for arg_max, percentiles and the like.
type AggAssign struct {
	Cols []Column
	Agg  *Agg
}

// TopNested is top-nested: for each level the N best values, within those of the level before.
type TopNested struct {
	Input  Op
	Levels []NestedLevel
}

// NestedLevel is one level of a [TopNested].
type NestedLevel struct {
	N      Expr // nil: all
	Key    Assign
	By     AggAssign
	Asc    bool
	Others Expr // nil: the other values are dropped
}

// MakeSeries makes of each group one row with arrays. Its columns are Keys, those of Aggs, and On.Col.
type MakeSeries struct {
	Input          Op
	Keys           []Assign
	Aggs           []SeriesAgg
	On             Assign
	From, To, Step Expr // From and To may be nil: the least and the greatest of On
	// Closed says that To belongs to the series, as with "in range(…)".
	Closed bool
}

// SeriesAgg is an aggregate of a [MakeSeries] and what stands where there are no rows; nil is 0.
type SeriesAgg struct {
	AggAssign
	Default Expr
}

// ParseKind is how a pattern is read.
type ParseKind uint8

// The kinds of patterns.
const (
	ParseSimple ParseKind = iota
	ParseRelaxed
	ParseRegex
)

// Parse reads columns out of a text. Its columns are those of its input, where a column of one name is replaced, and
// the new ones.
type Parse struct {
	Input Op
	X     Expr
	Kind  ParseKind
	// Flags are those of regular expressions, such as "i".
	Flags   string
	Pattern []ParsePart
	Cols    []Column
	// Where drops rows that do not match; else their new columns are null or "".
	Where bool
}

// ParsePart is a star, a text or a column of a pattern: Col is the ID of one of the new columns, or 0.
type ParsePart struct {
	Star bool
	Text string
	Col  int
	Type Type
}

// ParseKv reads pairs of keys and values out of a text. Its columns are as those of [Parse].
type ParseKv struct {
	Input Op
	X     Expr
	Keys  []KvKey
	Cols  []Column
	// The delimiters and quotes are "" where none is given.
	PairDelimiter, KvDelimiter, Quote, Escape string
	Greedy                                    bool
}

// KvKey is a key looked for and the column it fills.
type KvKey struct {
	Key string
	Col Column
}

// MvExpand makes a row of each element. Several columns go in step.
type MvExpand struct {
	Input Op
	Items []MvItem
	// Index is the ID of the column with the number of the element, or 0.
	Index int
	Limit Expr // nil where none is given
	Cols  []Column
	// Array says that a bag is expanded as arrays of key and value.
	Array bool
}

// MvItem is an array to expand. Type is that of its elements, TypeDynamic without typeof.
type MvItem struct {
	Col Column
	X   Expr
}

// MvApply runs Sub, whose source is a [Rows], over the elements of each row. Its columns are those of Cols: columns of
// the input with their IDs, and results of Sub.
type MvApply struct {
	Input Op
	Items []MvItem
	// Index is the ID of the column of Sub's rows with the number of the element, or 0.
	Index int
	Limit Expr // nil where none is given
	Sub   Op
	Cols  []Column
}

// Conflict says what [Unpack] does with a key whose column is there already.
type Conflict uint8

// The choices: an error, the value of the bag, or the value of the column.
const (
	ConflictError Conflict = iota
	ConflictReplace
	ConflictKeep
)

// Unpack is bag_unpack: a column for each key of a bag. Only Cols are known before it runs.
type Unpack struct {
	Input    Op
	X        Expr
	Prefix   string
	Conflict Conflict
	// Ignored are keys that get no column.
	Ignored []string
	Cols    []Column
	// Declared are those of Cols that the query declares: nothing else is unpacked then.
	Declared []Column
	Open     bool
}

// Pivot makes a column of each value of X. Only Cols are known before it runs.
type Pivot struct {
	Input Op
	X     Expr
	Agg   *Agg // nil: count()
	Keys  []Column
}

// Partition runs Sub, whose source is a [Rows], over the rows of each value of By.
type Partition struct {
	Input Op
	By    Expr
	Sub   Op
	Cols  []Column
}

// Union is all rows of its inputs.
type Union struct {
	Inputs []UnionInput
	Cols   []Column
	// Source is the ID of the column with the name of the table, or 0.
	Source int
}

// UnionInput is a table of a [Union]. Name is that of a table of the schema, or union_arg and its number for what has
// none. From has for each of Cols the ID of the column that fills it, or 0 for null or "".
type UnionInput struct {
	Op   Op
	Name string
	From []int
}

// JoinKind is the kind of a [Join].
type JoinKind uint8

// The kinds of joins.
const (
	InnerUnique JoinKind = iota // inner, with one row of the left for each key
	Inner
	LeftOuter
	RightOuter
	FullOuter
	LeftSemi
	RightSemi
	LeftAnti
	RightAnti
)

// String gives the kind as it is written.
func (k JoinKind) String() string {
	return [...]string{
		"innerunique", "inner", "leftouter", "rightouter", "fullouter", "leftsemi", "rightsemi", "leftanti", "rightanti",
	}[k]
}

// Join joins rows whose keys are equal; a null is equal to a null. Cols are the columns of the result, with the IDs they
// have in Left and Right. Lookup says that the right keys are not among them.
type Join struct {
	Kind        JoinKind
	Left, Right Op
	On          []JoinKey
	Cols        []Column
	Lookup      bool
}

// JoinKey is one condition of a [Join]. Type is the type that both sides are compared in.
type JoinKey struct {
	Left, Right Expr
	Type        Type
}

// Shared is a materialize: all Shared of one Key in a plan hold the same table, column by column, under different IDs,
// and it should be computed once.
type Shared struct {
	Key   int
	Input Op
}

func (*Scan) op()       {}
func (*Values) op()     {}
func (*External) op()   {}
func (*Range) op()      {}
func (*Rows) op()       {}
func (*Filter) op()     {}
func (*Project) op()    {}
func (*Sort) op()       {}
func (*Serialize) op()  {}
func (*Take) op()       {}
func (*Top) op()        {}
func (*Sample) op()     {}
func (*Aggregate) op()  {}
func (*TopNested) op()  {}
func (*MakeSeries) op() {}
func (*Parse) op()      {}
func (*ParseKv) op()    {}
func (*MvExpand) op()   {}
func (*MvApply) op()    {}
func (*Unpack) op()     {}
func (*Pivot) op()      {}
func (*Partition) op()  {}
func (*Union) op()      {}
func (*Join) op()       {}
func (*Shared) op()     {}
