// Package ingest brings log lines from files and streams to parsers, and batches of flows to whoever wants them.
//
// [List] finds the files; [Scan] reads them with all cores, plain files in pieces of 1 MiB, compressed files and
// pipes by a decoder each; [Lines] reads them line by line in order. Both see the same lines: a line ends at a
// newline, or at the end of its file.
//
// Nothing that a source holds ends a run. What cannot be read is named in the report, with the rest still read, and
// every line is accounted for: lines are flows, records of other types, and rejected lines.
package ingest
