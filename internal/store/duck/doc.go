// Package duck runs plans in DuckDB.
//
// A [DB] is a DuckDB in memory. Run makes SQL of a plan (package sqlgen), brings the tables that it reads into the
// database, or has DuckDB read them where they lie in Parquet files, and gives the result as a table. What SQL cannot say
// runs in Go: functions one value at a time, called by DuckDB, and steps in package stream, over what the SQL gives. So
// every plan runs, and the rows are those of package stream.
//
// The SQL holds no names that a user chose, and values only as quoted constants. The database is locked besides: it reads
// no files but those of the folders that it was opened with, loads no extensions, and its settings cannot be changed.
//
// A DB may be used from several goroutines; each run has a connection of its own. The package needs cgo.
package duck
