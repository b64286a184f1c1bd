//go:build !unix

package main

import "runtime"

// peakMemory gives the memory that the process has obtained from the system, as text.
func peakMemory() string {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return humanBytes(int64(m.Sys))
}
