// Package synth writes the firewall log of a company that does not exist, and
// the truth about it: which channels were planted, with what rhythm, and how
// many of their beats the log holds.
//
// A [World] says everything; [World.Write] makes the log:
//
//	w := synth.Default()
//	w.Flows, w.Seed = 100_000, 7
//	stats, err := w.Write(ctx, logFile, truthFile)
//
// The same World gives the same bytes, on any number of processors. The format
// decides only how records are spelled: CEF, native CSV and Strata logs of one
// World hold the same sessions, sizes and times.
//
// Records come in the order of the time at which the firewall wrote them, which
// for most is the end of a session. Memory holds the sessions that are under
// way and the planted channels, never the log; it does not grow with
// [World.Days].
//
// How it works: the span is cut into quanta of some seconds. What people and
// servers begin in a quantum is a pure function of the seed and the quantum's
// number, so quanta are made in parallel. A quantum is given a number of
// records that follows the hours of the day, and draws sessions until it is
// used up, which is how the number of flows is met. Planted channels are
// walked beat by beat; the n-th gap of a channel is a pure function of seed,
// channel and n. Finished records wait in slots by the second of their
// writing; a slot that no session can reach any more is sorted, numbered and
// spelled, again in parallel.
//
// A World is a plain value; Write may run for several at once, and keeps its
// goroutines to itself.
package synth
