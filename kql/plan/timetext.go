package plan

import (
	"fmt"
	"time"
)

const (
	ticksPerSecond = 10_000_000
	ticksPerDay    = 24 * 60 * 60 * ticksPerSecond
)

// dateText writes ticks since the year 1 as 2024-05-01T00:00:00.0000000Z.
func dateText(n int64) string {
	seconds, rest := n/ticksPerSecond, n%ticksPerSecond
	t := time.Unix(seconds-unixEpoch/ticksPerSecond, rest*100).UTC()
	return t.Format("2006-01-02T15:04:05.0000000Z")
}

// spanText writes ticks as [-][d.]hh:mm:ss[.fffffff].
func spanText(n int64) string {
	sign := ""
	u := uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	text := sign
	if days := u / ticksPerDay; days > 0 {
		text += fmt.Sprintf("%d.", days)
	}
	seconds := u % ticksPerDay / ticksPerSecond
	text += fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if rest := u % ticksPerSecond; rest > 0 {
		text += fmt.Sprintf(".%07d", rest)
	}
	return text
}
