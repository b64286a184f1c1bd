// Package table holds the rows that drumbeat prints: the result of a query, of
// a rule, of a detector.
//
// A [Table] has a schema of typed columns and stores each column as one vector
// with a bitmap of its nulls, so that a result of millions of rows is a handful
// of slices. It prints itself as JSON lines, as CSV and as text for a terminal:
//
//	t := table.New(
//		table.Column{Name: "SourceIP", Type: table.String},
//		table.Column{Name: "Beats", Type: table.Long},
//	)
//	t.Append("10.0.0.7", 144)
//	err := t.WriteJSON(os.Stdout) // {"SourceIP":"10.0.0.7","Beats":144}
//
// Most text in a table comes from logs, and so from whoever could make a
// firewall log something. No output passes it on as it is: JSON escapes what a
// terminal could act on, CSV what a spreadsheet could run, and text for a
// terminal goes through [Printable].
//
// A table belongs to one goroutine while rows are appended. After that any
// number of goroutines may read and write it out.
package table
