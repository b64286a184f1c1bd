// Package beat holds detectors of beacons: channels that call at regular times.
//
// [Delta] is the founding rule, exact: the rows that Microsoft Sentinel's "Palo Alto - potential beaconing detected"
// gives for the same records, and the same with gaps counted along a channel. It reads its flows from a [Sorter],
// which brings the flows of each source together and in order, in bounded memory, in whatever order they came.
package beat
