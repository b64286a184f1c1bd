package plan

import "drumbeat/kql"

// Info is what is known of every expression.
type Info struct {
	Type Type
	// NonNull says that the value is never null.
	NonNull bool
	// Const says that the value is the same for all rows. now() is constant.
	Const bool
}

// Info gives itself, and makes every node that embeds it an [Expr].
func (i Info) info() Info { return i }

// TypeOf gives the type of an expression.
func TypeOf(x Expr) Type { return x.info().Type }

// NonNull reports whether an expression is never null.
func NonNull(x Expr) bool { return x.info().NonNull }

// Const reports whether an expression has the same value for all rows.
func Const(x Expr) bool { return x.info().Const }

// Expr is a scalar expression. It is one of *Col *Lit *ParamRef *Call *Agg *Win *Sub. Trees of one plan may share parts.
type Expr interface {
	info() Info
	expr()
}

// Col is a column of the step's input, by its ID.
type Col struct {
	Info
	ID   int
	Name string
	// Open is that of the [Column].
	Open bool
}

// Lit is a value.
type Lit struct {
	Info
	// Null says that the value is null; the fields below are zero then.
	Null bool
	Bool bool
	// Int is the value of int and long, and that of datetime and timespan in ticks of 100 ns, since the year 1.
	Int  int64
	Real float64
	// Str is the value of string and guid, the digits of decimal, and dynamic as compact JSON.
	Str string
}

// ParamRef is the value of a parameter of the query.
type ParamRef struct {
	Info
	Name string
}

// Call is a scalar function or an operator. Arguments that a query left out are left out here. The order of the
// arguments is that of the query; and and or have any number of them; in and has_any have the value first. FnItem takes
// one result of a function that gives several: its arguments are the call, which gives an array of them, and the number of
// the result. array_sort_asc and array_sort_desc give several where they have several arrays. FnConvert
// changes the type of its argument, as a typed parameter of a function does.
type Call struct {
	Info
	Fn   Fn
	Args []Expr
}

// Agg is an aggregate. It stands in an [AggAssign] only.
type Agg struct {
	Info
	Fn   Fn
	Args []Expr
}

// Win is a window function. The input of its step is serialized.
type Win struct {
	Info
	Fn   Fn
	Args []Expr
}

// Sub is a table within an expression. With Scalar it is its first column of its first row, or null; else it is the
// list at the right of in, has_any and their like: its first column. One *Sub may stand at several places of a plan, where
// a let statement named its value: it is the same table each time, under the same IDs.
type Sub struct {
	Info
	Op     Op
	Col    Column
	Scalar bool
}

func (*Col) expr()      {}
func (*Lit) expr()      {}
func (*ParamRef) expr() {}
func (*Call) expr()     {}
func (*Agg) expr()      {}
func (*Win) expr()      {}
func (*Sub) expr()      {}

// typed gives what is known of a value of a type: strings are never null.
func typed(t Type, nonNull, constant bool) Info {
	return Info{Type: t, NonNull: nonNull || t == kql.TypeString, Const: constant}
}

func (c Column) ref() *Col {
	return &Col{Info: typed(c.Type, c.NonNull, false), ID: c.ID, Name: c.Name, Open: c.Open}
}

// loose reports whether nothing is known of an expression's type, so that no remark on it would be right.
func loose(x Expr) bool {
	c, ok := x.(*Col)
	return ok && c.Open || TypeOf(x) == kql.TypeUnknown
}

// Columns gives the columns that a step hands on, in order. The caller must not change them.
func Columns(op Op) []Column {
	switch op := op.(type) {
	case *Scan:
		return op.Columns
	case *Values:
		return op.Cols
	case *External:
		return op.Cols
	case *Range:
		return []Column{op.Col}
	case *Rows:
		return op.Cols
	case *Project:
		return assigned(op.Cols)
	case *Aggregate:
		cols := assigned(op.Keys)
		for i := range op.Aggs {
			cols = append(cols, op.Aggs[i].Cols...)
		}
		return cols
	case *TopNested:
		var cols []Column
		for i := range op.Levels {
			cols = append(append(cols, op.Levels[i].Key.Col), op.Levels[i].By.Cols...)
		}
		return cols
	case *MakeSeries:
		cols := assigned(op.Keys)
		for i := range op.Aggs {
			cols = append(cols, op.Aggs[i].Cols...)
		}
		return append(cols, op.On.Col)
	case *Parse:
		return op.Cols
	case *ParseKv:
		return op.Cols
	case *MvExpand:
		return op.Cols
	case *MvApply:
		return op.Cols
	case *Unpack:
		return op.Cols
	case *Pivot:
		return op.Keys
	case *Partition:
		return op.Cols
	case *Union:
		return op.Cols
	case *Join:
		return op.Cols
	case *Filter, *Sort, *Serialize, *Take, *Top, *Sample, *Shared:
		return Columns(source(op))
	}
	return nil
}

// source goes down the steps that hand on all columns, in a loop, for chains may be long.
func source(op Op) Op {
	for {
		switch op.(type) { //nolint:exhaustive // the others are what is looked for
		case *Filter, *Sort, *Serialize, *Take, *Top, *Sample, *Shared:
			op = inputOf(op)
		default:
			return op
		}
	}
}

func assigned(list []Assign) []Column {
	cols := make([]Column, len(list))
	for i := range list {
		cols[i] = list[i].Col
	}
	return cols
}
