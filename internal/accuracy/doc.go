// Package accuracy judges detectors of beacons against worlds whose truth is known.
//
// A [World] is channels with the truth about each: the project's own ([FromTrial]) or one that world.py of "world two"
// has written ([ReadTwo]). A [Method] gives channels a score; [Judge] says how many implants that finds at a fixed share
// of other channels let through, and how good the head of its list is. [Run] does so for several worlds and methods,
// and its [Report] prints as the tables of docs/detection.md.
//
// The peers are here for comparison only, each from its published description, over the starts, sizes and durations of
// one channel. What a description leaves open is said where it is decided.
//
// Nothing here depends on a clock, the order of maps or the number of workers.
package accuracy
