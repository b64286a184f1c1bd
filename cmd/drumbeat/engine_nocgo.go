//go:build !cgo

package main

// duckDB is missing: it needs cgo.
var duckDB openDuckDB
