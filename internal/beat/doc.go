// Package beat holds detectors of beacons: channels that call at regular times.
//
// [Delta] is the founding rule, exact: the rows that Microsoft Sentinel's "Palo Alto - potential beaconing detected"
// gives for the same records, and the same with gaps counted along a channel. It reads its flows from a [Sorter],
// which brings the flows of each source together and in order, in bounded memory, in whatever order they came.
//
// [Rhythm] ranks channels by a sum of named reasons, the first of which is a calibrated scan for regular pauses. It
// reads sessions, not records, from a [Sessions], which does for it what the Sorter does for Delta; [Live] is the same
// on a stream, with a sketch of each channel in place of its sessions:
//
//	s := beat.NewSessions(beat.SorterOptions{Memory: 512 << 20}, nil)
//	w := s.Writer() // one a goroutine
//	err := w.Observe(names, &beat.Session{…})
//	err = w.Close()
//	found, err := beat.Rhythm{}.Run(ctx, s, workers)
package beat
