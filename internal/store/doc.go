// Package store reads flows that are kept as Parquet files.
//
// A file has the columns of CommonSecurityLog, by their names, and each may be missing: texts as strings, numbers as 32
// or 64 bits, TimeGenerated as a timestamp of any unit, or as ticks in 64 bits. A null text is the empty one.
package store
