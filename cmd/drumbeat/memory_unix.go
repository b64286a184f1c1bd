//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// peakMemory gives the most memory that the process has held, as text.
func peakMemory() string {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return "unknown"
	}
	peak := u.Maxrss
	if runtime.GOOS != "darwin" { // which counts bytes, not kilobytes
		peak *= 1024
	}
	return humanBytes(peak)
}
