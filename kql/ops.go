package kql

// Operator is a tabular operator, a step of a [Pipe]. It is one of
//
//	*Where *Extend *Project *ProjectAway *ProjectKeep *ProjectRename *ProjectReorder *ProjectByNames
//	*Summarize *Distinct *Count *Sort *Top *TopNested *TopHitters *Take *Sample *SampleDistinct
//	*Join *Lookup *Union *MvExpand *MvApply *ParseOp *ParseKv *MakeSeries *Evaluate *Serialize
//	*As *Invoke *GetSchema *AssertSchema *Consume *Render *Reduce *Partition *Fork *Facet *Scan
//	*Print *Range *Search *Find
//	*BadOperator
//
// Params are the operator's own parameters (kind=, hint.*, withsource= …) in the order of the text; the parser knows
// the names and leaves the values to the binder.
type Operator interface {
	Node
	keyword() string
	operator()
}

// Keyword gives an operator's name as [Format] writes it: "where" also for filter.
func Keyword(op Operator) string { return op.keyword() }

// Where is "where Pred"; filter is the same.
type Where struct {
	Span
	Params []*Param
	Pred   Expr
}

// Extend is "extend a = x, y": each column is a *Named or an expression whose name is inferred.
type Extend struct {
	Span
	Cols []Expr
}

// Project is "project a = x, y". Cols may be empty.
type Project struct {
	Span
	Cols []Expr
}

// ProjectAway is "project-away a, b*". Each column is a *Name or a *Wildcard.
type ProjectAway struct {
	Span
	Cols []Expr
}

// ProjectKeep is "project-keep a, b*". Each column is a *Name or a *Wildcard.
type ProjectKeep struct {
	Span
	Cols []Expr
}

// ProjectRename is "project-rename new = old". Each column is a *Named over a *Name where the query is right.
type ProjectRename struct {
	Span
	Cols []Expr
}

// ProjectReorder is "project-reorder a, b* desc". The X of a column is a *Name or a *Wildcard.
type ProjectReorder struct {
	Span
	Cols []*SortKey
}

// ProjectByNames is "project-by-names x, y", whose names are computed.
type ProjectByNames struct {
	Span
	Cols []Expr
}

// Summarize is "summarize Aggs by By". Both may be empty, not both at once where the query is right.
type Summarize struct {
	Span
	Params []*Param
	Aggs   []Expr
	By     []Expr
	// Bin is the value of the obsolete "by a bin=1h", or nil.
	Bin Expr
}

// Distinct is "distinct a, b" or "distinct *": then the one column is a *Star.
type Distinct struct {
	Span
	Params []*Param
	Cols   []Expr
}

// Count is "count" or "count as N".
type Count struct {
	Span
	As *Name // nil where none is given
}

// Order is the direction of a [SortKey].
type Order uint8

// The directions. An unsaid one means desc for sort and top.
const (
	OrderDefault Order = iota
	OrderAsc
	OrderDesc
	OrderGrannyAsc  // project-reorder: numbers within names count as numbers
	OrderGrannyDesc // the same, backwards
)

// String gives the word of the direction, "" for an unsaid one.
func (o Order) String() string {
	switch o {
	case OrderAsc:
		return "asc"
	case OrderDesc:
		return "desc"
	case OrderGrannyAsc:
		return "granny-asc"
	case OrderGrannyDesc:
		return "granny-desc"
	case OrderDefault:
	}
	return ""
}

// Nulls says where nulls go in a sort.
type Nulls uint8

// The places. An unsaid one means last for desc and first for asc.
const (
	NullsDefault Nulls = iota
	NullsFirst
	NullsLast
)

// String gives the words of the place, "" for an unsaid one.
func (n Nulls) String() string {
	switch n {
	case NullsFirst:
		return "nulls first"
	case NullsLast:
		return "nulls last"
	case NullsDefault:
	}
	return ""
}

// SortKey is "X desc nulls last".
type SortKey struct {
	Span
	X     Expr
	Order Order
	Nulls Nulls
}

// Sort is "sort by a asc, b"; order by is the same.
type Sort struct {
	Span
	Params []*Param
	Keys   []*SortKey
}

// Top is "top N by Key".
type Top struct {
	Span
	Params []*Param
	N      Expr
	Key    *SortKey
}

// TopNested is "top-nested N of a by f(), top-nested …".
type TopNested struct {
	Span
	Clauses []*TopNestedClause
}

// TopNestedClause is one level of a [TopNested].
type TopNestedClause struct {
	Span
	N      Expr // nil: all values
	Of     Expr
	Others Expr // of "with others = x", or nil
	By     *SortKey
}

// TopHitters is "top-hitters N of a by b".
type TopHitters struct {
	Span
	N, Of Expr
	By    Expr // nil where none is given
}

// Take is "take N"; limit is the same.
type Take struct {
	Span
	Params []*Param
	N      Expr
}

// Sample is "sample N".
type Sample struct {
	Span
	Params []*Param
	N      Expr
}

// SampleDistinct is "sample-distinct N of x".
type SampleDistinct struct {
	Span
	Params []*Param
	N, Of  Expr
}

// Join is "join kind=inner (Right) on a, $left.b == $right.c". The default kind is innerunique.
type Join struct {
	Span
	Params []*Param
	Right  Expr
	// On are the conditions: a *Name for a column of both sides, or an == of $left and $right. Empty for a join
	// without condition or with Where.
	On []Expr
	// Where is the condition of the rare "join … where x", or nil.
	Where Expr
}

// Lookup is "lookup kind=leftouter (Right) on a".
type Lookup struct {
	Span
	Params []*Param
	Right  Expr
	On     []Expr
}

// Union is "union kind=outer withsource=T a, b*, (c | where x)". A table is a *Name, *Wildcard, *Path, *Call or *Paren.
type Union struct {
	Span
	Params []*Param
	Tables []Expr
}

// MvExpand is "mv-expand a, b = x to typeof(long) limit N"; mvexpand is the same.
type MvExpand struct {
	Span
	Params []*Param
	Cols   []*MvColumn
	Limit  Expr // nil where none is given
}

// MvColumn is a column of [MvExpand] and [MvApply]. X may be a *Named.
type MvColumn struct {
	Span
	X    Expr    // nil for the lone "to typeof(…)" of mv-apply
	Type *TypeOf // nil where none is given
}

// MvApply is "mv-apply a to typeof(long) limit N on (Sub)"; mvapply is the same.
type MvApply struct {
	Span
	Params []*Param
	Cols   []*MvColumn
	Limit  Expr // nil where none is given
	ID     Expr // nil where none is given
	Sub    Expr // a *Pipe without source
}

// ParseOp is "parse kind=regex X with * "a=" a:long *". With Where set it is parse-where, which drops the rows that do not
// match.
type ParseOp struct {
	Span
	Where   bool
	Params  []*Param
	X       Expr
	Pattern []*ParsePart
}

// ParsePart is a piece of a pattern: a star, a text or a column. Exactly one of Star, Text and Name is set.
type ParsePart struct {
	Span
	Star bool
	Text *Literal
	Name *Name
	Type *TypeName // the type of the column; nil means string
}

// ParseKv is "parse-kv X as (a:string, b:long) with (pair_delimiter=',')".
type ParseKv struct {
	Span
	X       Expr
	Columns []*ColumnDecl
	With    []*Param
}

// MakeSeries is "make-series a = f() default=0 on t from x to y step z by k", or "… on t in range(x, y, z)".
type MakeSeries struct {
	Span
	Params []*Param
	Aggs   []*SeriesAgg
	On     Expr
	From   Expr // nil where none is given
	To     Expr // nil where none is given
	Step   Expr // nil with InRange
	// InRange are the arguments of the form "in range(…)".
	InRange []Expr
	By      []Expr
}

// SeriesAgg is one series: "X default=Default". X may be a *Named.
type SeriesAgg struct {
	Span
	X       Expr
	Default Expr // nil where none is given
}

// Evaluate is "evaluate Call : (*, a:string)".
type Evaluate struct {
	Span
	Params []*Param
	Call   *Call
	// Schema says that the output's columns are declared: all of the input if Star is set, and Columns.
	Schema  bool
	Star    bool
	Columns []*ColumnDecl
}

// Serialize is "serialize a = x". Cols may be empty.
type Serialize struct {
	Span
	Params []*Param
	Cols   []Expr
}

// As is "as Name".
type As struct {
	Span
	Params []*Param
	Name   *Name
}

// Invoke is "invoke f(x)": the table is the function's first argument. Call is a *Call or a *Path of calls.
type Invoke struct {
	Span
	Call Expr
}

// GetSchema is "getschema".
type GetSchema struct {
	Span
	Params []*Param
}

// AssertSchema is "assert-schema (a:string, b:long)".
type AssertSchema struct {
	Span
	Columns []*ColumnDecl
}

// Consume is "consume".
type Consume struct {
	Span
	Params []*Param
}

// Render is "render Chart with (With)". It tells a page how to draw and changes no rows.
type Render struct {
	Span
	Chart *Name
	// Params are those of the obsolete form without parentheses.
	Params []*Param
	With   []*Param
}

// Reduce is "reduce by X with threshold=0.1".
type Reduce struct {
	Span
	Params []*Param
	By     Expr
	With   []*Param
}

// Partition is "partition by X (Sub)", whose Sub is a *Pipe without source, or "partition by X { Sub }" with Braces
// set, whose Sub is a query of its own.
type Partition struct {
	Span
	Params []*Param
	By     Expr
	In     Expr // of "by X in dynamic(…)", or nil
	Braces bool
	Sub    Expr
}

// Fork is "fork a = (Sub) (Sub)".
type Fork struct {
	Span
	Branches []*ForkBranch
}

// ForkBranch is a branch of a [Fork]. Sub is a *Pipe without source, or an expression.
type ForkBranch struct {
	Span
	Name *Name // nil where none is given
	Sub  Expr
}

// Facet is "facet by a, b with (Sub)".
type Facet struct {
	Span
	By []Expr
	// With is a *Pipe without source, or nil.
	With Expr
}

// Scan is "scan order by … partition by … declare (…) with (step a: x => b = y; …)".
type Scan struct {
	Span
	Params      []*Param
	OrderBy     []*SortKey
	PartitionBy []Expr
	Declare     []*FuncParam
	Steps       []*ScanStep
}

// ScanStep is "step Name optional output=all: Pred => Assign;".
type ScanStep struct {
	Span
	Name     *Name
	Optional bool
	Output   *Name // nil where none is given
	Pred     Expr
	Assign   []*Named
}

// Print is "print a = x, y".
type Print struct {
	Span
	Cols []Expr
}

// Range is "range Name from From to To step Step".
type Range struct {
	Span
	Name           *Name
	From, To, Step Expr
}

// Search is "search kind=case_sensitive in (T1, T2*) Pred". Without Tables it searches what it is handed, or all tables.
type Search struct {
	Span
	Params []*Param
	Tables []Expr
	Pred   Expr
}

// Find is "find withsource=T in (T1, T2*) where Pred project a, b:long, pack(*)".
type Find struct {
	Span
	Params []*Param
	Tables []Expr
	Pred   Expr
	// Project are the columns of "project"; Smart says that it was project-smart.
	Project []*FindColumn
	Smart   bool
	// Away are the columns of "project-away".
	Away []*FindColumn
}

// FindColumn is a column of a [Find]: a name and perhaps its type, "*" or "pack(*)". Exactly one of Name, Star and Pack
// is set.
type FindColumn struct {
	Span
	Name *Name
	Type *TypeName // nil where none is given
	Star bool
	Pack bool
}

// BadOperator is an operator that could not be read or is not supported; a diagnostic says why.
type BadOperator struct {
	Span
	// Word is the operator's name as it was written, or "".
	Word string
}

func (*Where) operator()          {}
func (*Extend) operator()         {}
func (*Project) operator()        {}
func (*ProjectAway) operator()    {}
func (*ProjectKeep) operator()    {}
func (*ProjectRename) operator()  {}
func (*ProjectReorder) operator() {}
func (*ProjectByNames) operator() {}
func (*Summarize) operator()      {}
func (*Distinct) operator()       {}
func (*Count) operator()          {}
func (*Sort) operator()           {}
func (*Top) operator()            {}
func (*TopNested) operator()      {}
func (*TopHitters) operator()     {}
func (*Take) operator()           {}
func (*Sample) operator()         {}
func (*SampleDistinct) operator() {}
func (*Join) operator()           {}
func (*Lookup) operator()         {}
func (*Union) operator()          {}
func (*MvExpand) operator()       {}
func (*MvApply) operator()        {}
func (*ParseOp) operator()        {}
func (*ParseKv) operator()        {}
func (*MakeSeries) operator()     {}
func (*Evaluate) operator()       {}
func (*Serialize) operator()      {}
func (*As) operator()             {}
func (*Invoke) operator()         {}
func (*GetSchema) operator()      {}
func (*AssertSchema) operator()   {}
func (*Consume) operator()        {}
func (*Render) operator()         {}
func (*Reduce) operator()         {}
func (*Partition) operator()      {}
func (*Fork) operator()           {}
func (*Facet) operator()          {}
func (*Scan) operator()           {}
func (*Print) operator()          {}
func (*Range) operator()          {}
func (*Search) operator()         {}
func (*Find) operator()           {}
func (*BadOperator) operator()    {}

// The names of the operators.

func (*Where) keyword() string          { return "where" }
func (*Extend) keyword() string         { return "extend" }
func (*Project) keyword() string        { return "project" }
func (*ProjectAway) keyword() string    { return "project-away" }
func (*ProjectKeep) keyword() string    { return "project-keep" }
func (*ProjectRename) keyword() string  { return "project-rename" }
func (*ProjectReorder) keyword() string { return "project-reorder" }
func (*ProjectByNames) keyword() string { return "project-by-names" }
func (*Summarize) keyword() string      { return "summarize" }
func (*Distinct) keyword() string       { return "distinct" }
func (*Count) keyword() string          { return "count" }
func (*Sort) keyword() string           { return "sort" }
func (*Top) keyword() string            { return "top" }
func (*TopNested) keyword() string      { return "top-nested" }
func (*TopHitters) keyword() string     { return "top-hitters" }
func (*Take) keyword() string           { return "take" }
func (*Sample) keyword() string         { return "sample" }
func (*SampleDistinct) keyword() string { return "sample-distinct" }
func (*Join) keyword() string           { return "join" }
func (*Lookup) keyword() string         { return "lookup" }
func (*Union) keyword() string          { return "union" }
func (*MvExpand) keyword() string       { return "mv-expand" }
func (*MvApply) keyword() string        { return "mv-apply" }
func (*ParseKv) keyword() string        { return "parse-kv" }
func (*MakeSeries) keyword() string     { return "make-series" }
func (*Evaluate) keyword() string       { return "evaluate" }
func (*Serialize) keyword() string      { return "serialize" }
func (*As) keyword() string             { return "as" }
func (*Invoke) keyword() string         { return "invoke" }
func (*GetSchema) keyword() string      { return "getschema" }
func (*AssertSchema) keyword() string   { return "assert-schema" }
func (*Consume) keyword() string        { return "consume" }
func (*Render) keyword() string         { return "render" }
func (*Reduce) keyword() string         { return "reduce" }
func (*Partition) keyword() string      { return "partition" }
func (*Fork) keyword() string           { return "fork" }
func (*Facet) keyword() string          { return "facet" }
func (*Scan) keyword() string           { return "scan" }
func (*Print) keyword() string          { return "print" }
func (*Range) keyword() string          { return "range" }
func (*Search) keyword() string         { return "search" }
func (*Find) keyword() string           { return "find" }

// keyword is "parse" or "parse-where".
func (p *ParseOp) keyword() string {
	if p.Where {
		return "parse-where"
	}
	return "parse"
}

// keyword is the word as it was written.
func (b *BadOperator) keyword() string { return b.Word }
