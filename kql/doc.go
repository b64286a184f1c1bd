// Package kql reads, checks and formats queries of the Kusto Query Language.
//
// [Parse] gives a tree and all that is wrong with the text, each remark with its place, what to do about it, and drawn
// by [Diagnostics.Draw] with a caret. It knows the syntax alone: package plan knows tables, functions and types.
// [Format] writes a tree in its canonical form.
//
// The texts accepted are those that the official language service (Kusto.Language 12.4.1) accepts, with these
// differences. Reported as not supported ([CodeUnsupported]): graph operators, macro-expand, entity_group,
// inline_external_table, patterns, restrict, datascope, names with stars in brackets, parameters of clients, @ and
// management commands. Refused here, there only by its binder or by the engine: a literal whose text is no value of its
// type or beyond it, an unknown type, an operator out of place (where first, print later), a name given in where, a join
// without on, and an expression that is nothing but [x].
//
// Queries may come from anyone: a text of any kind costs time and memory in proportion to its length, which is limited
// by [MaxSize], and nesting is limited by [MaxDepth]. Chains such as a or b or c lean to the left without a limit, so
// who walks a tree by recursion goes as deep as a chain is long; the way down the left side is better a loop.
//
// A tree belongs to its caller. Nothing here keeps or changes it, nothing is shared between calls, and all functions may
// be called from several goroutines. Trees hold on to the source text.
package kql
