package kql

// This file holds queries, statements and expressions; ops.go holds the tabular operators. All sets of nodes are closed
// and their members are pointers, so that a switch over them can be checked for completeness. A tree that was parsed
// without errors has no nil where the comment of a field does not allow it; with errors, a missing part is a *BadExpr,
// *BadOperator or *BadStatement, or a Name with empty text.

// Node is any part of a tree: it knows its place in the source.
type Node interface{ Range() Span }

// Statement is one of *LetStatement, *SetStatement, *AliasStatement, *DeclareStatement, *ExprStatement, *BadStatement.
type Statement interface {
	Node
	statement()
}

// Expr is a scalar or tabular expression. Which of the two it is, only names and functions tell, so the parser does not
// know. It is one of
//
//	*Literal *Dynamic *Array *Bag *TypeOf                      values
//	*Name *Path *Element *Star *Wildcard                       references
//	*Call *Unary *Binary *Between *In                          computations
//	*Paren *Named                                              grouping and naming
//	*Pipe *DataTable *ExternalData                             tables
//	*Lambda                                                    functions
//	*BadExpr                                                   what could not be read
type Expr interface {
	Node
	expr()
}

// Query is a whole text.
type Query struct {
	Span
	// Directives are the lines at the top that begin with "#".
	Directives []*Directive
	Statements []Statement

	comments []comment
}

// Directive is a line such as "#connect …", for tools: it has no meaning in a query.
type Directive struct {
	Span
	// Text is the line without its end.
	Text string
}

// LetStatement is "let Name = Value". Value is scalar, tabular or a *Lambda.
type LetStatement struct {
	Span
	Name  *Name
	Value Expr
}

// SetStatement is "set Name" or "set Name = Value".
type SetStatement struct {
	Span
	Name  *Name
	Value Expr // nil where none is given
}

// AliasStatement is "alias database Name = Value".
type AliasStatement struct {
	Span
	Name  *Name
	Value Expr
}

// DeclareStatement is "declare query_parameters (a:string, b:long = 5)".
type DeclareStatement struct {
	Span
	Params []*FuncParam
}

// ExprStatement is an expression that gives a result.
type ExprStatement struct {
	Span
	X Expr
}

// BadStatement is a statement that could not be read or is not supported; a diagnostic says why.
type BadStatement struct{ Span }

// Type is a scalar type.
type Type uint8

// The scalar types. TypeUnknown is that of a bad type name.
const (
	TypeUnknown Type = iota
	TypeBool
	TypeInt
	TypeLong
	TypeReal
	TypeDecimal
	TypeDateTime
	TypeTimespan
	TypeString
	TypeGuid
	TypeDynamic
)

// String gives the canonical name of the type, as it is written in a query.
func (t Type) String() string {
	switch t {
	case TypeBool:
		return "bool"
	case TypeInt:
		return "int"
	case TypeLong:
		return "long"
	case TypeReal:
		return "real"
	case TypeDecimal:
		return "decimal"
	case TypeDateTime:
		return "datetime"
	case TypeTimespan:
		return "timespan"
	case TypeString:
		return "string"
	case TypeGuid:
		return "guid"
	case TypeDynamic:
		return "dynamic"
	case TypeUnknown:
	}
	return "unknown"
}

// StringForm is how a string was written. It has no meaning for the value; [Format] keeps it where it can.
type StringForm uint8

// The forms of strings. Strings of several pieces count as their first piece.
const (
	StringPlain     StringForm = iota // "a\n" or 'a\n'
	StringVerbatim                    // @"a\n" or @'a\n'
	StringMultiline                   // ```a``` or ~~~a~~~
)

// Literal is a value that is written out, of any type but dynamic. Inside of a [Dynamic] the word null is a Literal of
// TypeDynamic with Null set.
type Literal struct {
	Span
	Type Type
	// Null says that the value is null, as in int(null); the fields below are zero then.
	Null bool
	// Bool is the value of TypeBool.
	Bool bool
	// Int is the value of TypeInt and TypeLong, and that of TypeDateTime and TypeTimespan in ticks of 100 ns: since the
	// beginning of year 1, in UTC, or as a length of time.
	Int int64
	// Real is the value of TypeReal.
	Real float64
	// Str is the value of TypeString (decoded, pieces joined), the digits of TypeDecimal as they are written, and the
	// value of TypeGuid in lower case with dashes.
	Str string
	// Form and Hidden are how a string was written: h"…" is one that logs must not show.
	Form   StringForm
	Hidden bool
	// Written is the text of a number, timespan or typed literal in the source, which [Format] keeps: 24h stays 24h. In
	// a tree that was not parsed it may be "", and the value is written in its usual form.
	Written string
}

// Dynamic is "dynamic(Value)". Value is a *Literal, *Array, *Bag or, where dynamics are nested, a *Dynamic.
type Dynamic struct {
	Span
	Value Expr
}

// Array is a JSON array within a [Dynamic].
type Array struct {
	Span
	Elems []Expr
}

// Bag is a JSON object within a [Dynamic]. A key may come twice.
type Bag struct {
	Span
	Entries []*BagEntry
}

// BagEntry is one key and value of a [Bag].
type BagEntry struct {
	Span
	Key   string
	Value Expr
}

// TypeOf is "typeof(string)" or "typeof(a:int, *)".
type TypeOf struct {
	Span
	// Type is the scalar type, or nil for a row.
	Type *TypeName
	// Columns are those of a row, in order; Star says that a "*" stands among them or alone.
	Columns []*ColumnDecl
	Star    bool
}

// TypeName is the name of a type. Text is as it is written: "date" and "datetime" are the same Type.
type TypeName struct {
	Span
	Type Type
	Text string
}

// Name is a reference to, or a declaration of, a column, table, function, parameter or variable. Text is decoded:
// whether it was written in brackets, as ['a b'], is not kept. $left and $right are names.
type Name struct {
	Span
	Text string
}

// Path is "X.Sel". Sel is a *Name, a *Call, as in database("d").table("t"), or a *Wildcard.
type Path struct {
	Span
	X, Sel Expr
}

// Element is "X[Index]".
type Element struct {
	Span
	X, Index Expr
}

// Star is "*": all columns, or any column in "* has 'x'".
type Star struct{ Span }

// Wildcard is a name with stars, as "Device*". Pattern is as it is written; a bare "*" is a Wildcard where names with
// stars are expected, as in union and project-away.
type Wildcard struct {
	Span
	Pattern string
}

// Call is "Func(Args)". An argument may be a *Star or a *Named. toscalar, totable and materialize are calls too; their
// argument may be a *Pipe.
type Call struct {
	Span
	Func *Name
	// Params are what stands between the name and the parenthesis: "kind=nooptimization" of toscalar and totable.
	Params []*Param
	Args   []Expr
}

// UnaryOp is a sign.
type UnaryOp uint8

// The signs.
const (
	OpNeg UnaryOp = iota // -x
	OpPos                // +x
)

// String gives the operator as it is written.
func (op UnaryOp) String() string {
	if op == OpNeg {
		return "-"
	}
	return "+"
}

// Unary is a number with a sign before it. "not" is a function.
type Unary struct {
	Span
	Op UnaryOp
	X  Expr
}

// Binary is "X Op Y". Chains lean to the left: a or b or c is (a or b) or c, and may be long.
type Binary struct {
	Span
	Op   BinaryOp
	X, Y Expr
	// OpSpan is the place of the operator.
	OpSpan Span
}

// Between is "X between (Low .. High)", or "X !between …" where Not is set.
type Between struct {
	Span
	X         Expr
	Not       bool
	Low, High Expr
}

// InOp is an operator with a list at its right.
type InOp uint8

// The operators of [In].
const (
	OpIn      InOp = iota // in
	OpNotIn               // !in
	OpInCI                // in~
	OpNotInCI             // !in~
	OpHasAny              // has_any
	OpHasAll              // has_all
)

// String gives the operator as it is written.
func (op InOp) String() string {
	switch op {
	case OpIn:
		return "in"
	case OpNotIn:
		return "!in"
	case OpInCI:
		return "in~"
	case OpNotInCI:
		return "!in~"
	case OpHasAny:
		return "has_any"
	case OpHasAll:
		return "has_all"
	}
	return "?"
}

// In is "X Op (List)". A List of one may be a table (then its first column counts) or a dynamic array.
type In struct {
	Span
	Op   InOp
	X    Expr
	List []Expr
}

// Paren is "(X)", kept because people group for a reason. X may be a *Pipe. [Unparen] looks through.
type Paren struct {
	Span
	X Expr
}

// Unparen gives what stands within any number of parentheses.
func Unparen(x Expr) Expr {
	for {
		p, ok := x.(*Paren)
		if !ok {
			return x
		}
		x = p.X
	}
}

// Named is "a = X", a column or an argument with its name, or "(a, b) = X".
type Named struct {
	Span
	Names []*Name
	// Tuple says that the names stand in parentheses; without it there is exactly one.
	Tuple bool
	X     Expr
}

// Pipe is a table and what is done to it: "Source | Ops[0] | Ops[1]". There is at least one operator. Source is nil
// where the first operator is itself a source (print, range, union, search, find, evaluate), and in the sub-queries of
// mv-apply, partition, fork and facet, which begin with an operator on the rows they are handed. A table without
// operators is no Pipe but the bare expression.
type Pipe struct {
	Span
	Source Expr
	Ops    []Operator
}

// DataTable is "datatable(Columns)[Values]". Values go along the rows: their number should be a multiple of that of
// the columns. Each is a *Literal, *Dynamic or *TypeOf.
type DataTable struct {
	Span
	Params  []*Param
	Columns []*ColumnDecl
	Values  []Expr
}

// ExternalData is "externaldata(Columns)[URIs] with (With)".
type ExternalData struct {
	Span
	Params  []*Param
	Columns []*ColumnDecl
	URIs    []Expr
	With    []*Param
}

// Lambda is "(Params) { Body }" or "view () { Body }". It stands at the right of a let alone.
type Lambda struct {
	Span
	View   bool
	Params []*FuncParam
	// Statements are the let and declare statements of the body.
	Statements []Statement
	// Result is the body's expression, or nil.
	Result Expr
}

// FuncParam is a parameter of a function or query: "a:long = 5" or "T:(a:string, b:long)" or "T:(*)".
type FuncParam struct {
	Span
	Name *Name
	// Type is nil for a table.
	Type *TypeName
	// Table says that the parameter is a table; Columns are those it must have, none for (*).
	Table   bool
	Columns []*ColumnDecl
	// Default is a *Literal, *Dynamic, *Name (a word) or nil.
	Default Expr
}

// ColumnDecl is "Name:Type".
type ColumnDecl struct {
	Span
	Name *Name
	Type *TypeName
}

// Param is a parameter of an operator, such as kind=inner, hint.strategy=shuffle or withsource=T. Value is a *Literal,
// a *Name (a word, a column, or a name to be declared), a *Dynamic, and for titles any expression.
type Param struct {
	Span
	Name  *Name
	Value Expr
	// Values are those after the first of a list, as in render … with (ycolumns=a, b).
	Values []Expr
}

// FindParam gives the parameter of that name, or nil.
func FindParam(params []*Param, name string) *Param {
	for _, p := range params {
		if p.Name.Text == name {
			return p
		}
	}
	return nil
}

// BadExpr stands where an expression is missing or could not be read; a diagnostic says why.
type BadExpr struct{ Span }

func (*LetStatement) statement()     {}
func (*SetStatement) statement()     {}
func (*AliasStatement) statement()   {}
func (*DeclareStatement) statement() {}
func (*ExprStatement) statement()    {}
func (*BadStatement) statement()     {}

func (*Literal) expr()      {}
func (*Dynamic) expr()      {}
func (*Array) expr()        {}
func (*Bag) expr()          {}
func (*TypeOf) expr()       {}
func (*Name) expr()         {}
func (*Path) expr()         {}
func (*Element) expr()      {}
func (*Star) expr()         {}
func (*Wildcard) expr()     {}
func (*Call) expr()         {}
func (*Unary) expr()        {}
func (*Binary) expr()       {}
func (*Between) expr()      {}
func (*In) expr()           {}
func (*Paren) expr()        {}
func (*Named) expr()        {}
func (*Pipe) expr()         {}
func (*DataTable) expr()    {}
func (*ExternalData) expr() {}
func (*Lambda) expr()       {}
func (*BadExpr) expr()      {}

// BinaryOp is an operator between two values.
type BinaryOp uint8

// The operators of [Binary]. Those of text ignore case unless they end in CS, but for == and !=.
const (
	OpOr  BinaryOp = iota // or
	OpAnd                 // and
	OpEq                  // ==
	OpNe                  // != or <>
	OpLt                  // <
	OpLe                  // <=
	OpGt                  // >
	OpGe                  // >=
	OpAdd                 // +
	OpSub                 // -
	OpMul                 // *
	OpDiv                 // /
	OpMod                 // %

	OpEqCI            // =~
	OpNeCI            // !~
	OpHas             // has
	OpNotHas          // !has
	OpHasCS           // has_cs
	OpNotHasCS        // !has_cs
	OpHasPrefix       // hasprefix
	OpNotHasPrefix    // !hasprefix
	OpHasPrefixCS     // hasprefix_cs
	OpNotHasPrefixCS  // !hasprefix_cs
	OpHasSuffix       // hassuffix
	OpNotHasSuffix    // !hassuffix
	OpHasSuffixCS     // hassuffix_cs
	OpNotHasSuffixCS  // !hassuffix_cs
	OpContains        // contains
	OpNotContains     // !contains, notcontains
	OpContainsCS      // contains_cs, containscs
	OpNotContainsCS   // !contains_cs, notcontainscs
	OpStartsWith      // startswith
	OpNotStartsWith   // !startswith
	OpStartsWithCS    // startswith_cs
	OpNotStartsWithCS // !startswith_cs
	OpEndsWith        // endswith
	OpNotEndsWith     // !endswith
	OpEndsWithCS      // endswith_cs
	OpNotEndsWithCS   // !endswith_cs
	OpLike            // like, obsolete
	OpNotLike         // notlike
	OpLikeCS          // likecs
	OpNotLikeCS       // notlikecs
	OpMatchesRegex    // matches regex
	OpSearch          // : as in search Name:"text"

	binaryOpCount
)

// String gives the operator as [Format] writes it.
func (op BinaryOp) String() string {
	if op < binaryOpCount {
		return binaryOpText[op]
	}
	return "?"
}

// IsText reports whether the operator compares texts: those from =~ on. They bind closer than * and /.
func (op BinaryOp) IsText() bool { return op >= OpEqCI }

var binaryOpText = [binaryOpCount]string{
	OpOr: "or", OpAnd: "and", OpEq: "==", OpNe: "!=", OpLt: "<", OpLe: "<=", OpGt: ">", OpGe: ">=",
	OpAdd: "+", OpSub: "-", OpMul: "*", OpDiv: "/", OpMod: "%",
	OpEqCI: "=~", OpNeCI: "!~",
	OpHas: "has", OpNotHas: "!has", OpHasCS: "has_cs", OpNotHasCS: "!has_cs",
	OpHasPrefix: "hasprefix", OpNotHasPrefix: "!hasprefix",
	OpHasPrefixCS: "hasprefix_cs", OpNotHasPrefixCS: "!hasprefix_cs",
	OpHasSuffix: "hassuffix", OpNotHasSuffix: "!hassuffix",
	OpHasSuffixCS: "hassuffix_cs", OpNotHasSuffixCS: "!hassuffix_cs",
	OpContains: "contains", OpNotContains: "!contains", OpContainsCS: "contains_cs", OpNotContainsCS: "!contains_cs",
	OpStartsWith: "startswith", OpNotStartsWith: "!startswith",
	OpStartsWithCS: "startswith_cs", OpNotStartsWithCS: "!startswith_cs",
	OpEndsWith: "endswith", OpNotEndsWith: "!endswith", OpEndsWithCS: "endswith_cs", OpNotEndsWithCS: "!endswith_cs",
	OpLike: "like", OpNotLike: "notlike", OpLikeCS: "likecs", OpNotLikeCS: "notlikecs",
	OpMatchesRegex: "matches regex", OpSearch: ":",
}
