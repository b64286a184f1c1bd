// Package plot draws what drumbeat knows of a channel: as SVG text for pages, reports and documents, and as text for
// a terminal. It uses the standard library alone, reads no clock and keeps nothing between calls, so the same input
// gives the same bytes; its types may be used by several goroutines as long as none changes the input.
//
// A [Channel] holds the beats and the fitted window; [NewStrip], [NewGaps], [NewGapTime] and [NewSizes] make its
// pictures. [Reasons] draws what a score is made of, [Spark] and [DayBars] small series. Every picture is a [Picture]:
// it has a sentence and a table for those who do not see it.
//
// An SVG of this package has no style of its own but class names. A page that shows it includes [Tokens] and [Styles]
// once; [Standalone] puts both into the SVG, for a file of its own. Colours follow the reader's light or dark setting
// and are those of light paper in print. Nothing depends on colour alone: failed beats are taller, missing ones
// hollow, and signs are printed.
//
// All times are shown in UTC.
package plot
