// Package sqlgen writes plans as SQL.
//
// One walker goes through the steps of a plan and writes each as a named sub-query, so that the text reads as the query
// that it came from; an engine that merges sub-queries runs them as one. All that engines write differently comes from a
// [Dialect]. Names that users choose never stand in the text: a column is c and its ID, a table what the caller says, and
// values go through one function that quotes them.
//
// SQL cannot say all that a plan can. What it lacks is left to Go, in two ways: a scalar function without an SQL form is
// called by a name that the engine must give it ([Func]), and a step without one is cut out. [Generate] therefore gives a
// [Program]: its parts are SQL queries and plans for Go, each reading what the ones before it gave.
//
// The text is exact: nulls, NaN, order and ties are those of the language. Where the plan says that a value is not null,
// and where only the truth of a condition counts, the short form is written.
package sqlgen
