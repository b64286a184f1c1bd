// Package beatref is an independent witness for the delta methods: the founding
// rule ("Palo Alto - potential beaconing detected"), read from its KQL text one
// operator after the other, with plain slices and maps. It shares no code with
// the detectors it judges; it is slow and holds everything in memory, and only
// tests import it.
//
// Times are KQL ticks: 100 ns since 0001-01-01T00:00:00 UTC. Nothing here keeps
// state, so every function may be called from several goroutines; Random and
// RandomParams use the generator they are given and nothing else.
//
//	rng := rand.New(rand.NewPCG(1, 2))
//	rows := beatref.Run(beatref.Random(rng, 500), beatref.RandomParams(rng))
package beatref
