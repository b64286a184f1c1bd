package plot

import (
	"math"
	"strconv"
	"time"
)

const day = 24 * time.Hour

// Count writes a number with commas.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counted writes a number and what it counts, with an s where it is not one.
func Counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Count(n) + " " + what + "s"
}

// Bytes writes a number of bytes to three digits, in powers of 1,000.
func Bytes(n int64) string {
	if n > -1000 && n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB", "PB"} {
		v /= 1000
		if math.Abs(v) < 999.5 {
			return threeDigits(v) + " " + unit
		}
	}
	return threeDigits(v/1000) + " EB"
}

func threeDigits(v float64) string {
	digits := 2
	switch a := math.Abs(v); {
	case a >= 99.95:
		digits = 0
	case a >= 9.995:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// Length writes a span of time in at most two units, like "4 min 30 s".
func Length(d time.Duration) string {
	switch {
	case d < 0:
		return "−" + Length(-max(d, -math.MaxInt64))
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 20*time.Second:
		tenth := d.Round(100 * time.Millisecond)
		return strconv.FormatFloat(tenth.Seconds(), 'f', -1, 64) + " s"
	}
	units := []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units[:3] {
		small := units[i+1]
		if r := d.Round(small.size); r >= u.size {
			text := Count(int64(r/u.size)) + " " + u.name
			if rest := r % u.size / small.size; rest > 0 {
				text += " " + strconv.FormatInt(int64(rest), 10) + " " + small.name
			}
			return text
		}
	}
	return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + " s"
}

// Range writes two spans of time in one unit, like "227–319 s".
func Range(low, high time.Duration) string {
	unit, name := time.Second, "s"
	switch {
	case high < time.Second:
		unit, name = time.Millisecond, "ms"
	case low >= 2*time.Hour:
		unit, name = time.Hour, "h"
	case low >= 10*time.Minute:
		unit, name = time.Minute, "min"
	}
	digits := 0
	if v := float64(low) / float64(unit); v < 20 && v != math.Trunc(v) || high < 20*unit && high%unit != 0 {
		digits = 1
	}
	format := func(d time.Duration) string {
		return strconv.FormatFloat(float64(d)/float64(unit), 'f', digits, 64)
	}
	return format(low) + "–" + format(high) + " " + name
}

// Signed writes a number with its sign and one decimal, like "+1.2" or "−0.3".
func Signed(v float64) string {
	t := tenths(v)
	switch {
	case t > 0:
		return "+" + oneDecimal(t)
	case t < 0:
		return "−" + oneDecimal(-t)
	}
	return "0.0"
}

// oneDecimal writes a number that is given in tenths and is not negative.
func oneDecimal(t int64) string {
	return strconv.FormatInt(t/10, 10) + "." + strconv.FormatInt(t%10, 10)
}

// Share writes a part of a whole in percent. It says 0 and 100 only where that is exact.
func Share(part, whole int64) string {
	if whole <= 0 {
		return "0 %"
	}
	v := 100 * float64(part) / float64(whole)
	switch {
	case part <= 0, part >= whole:
		return strconv.FormatFloat(v, 'f', 0, 64) + " %"
	case v < 1:
		return "under 1 %"
	case v > 99:
		return "over 99 %"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " %"
}

// Moment writes a time to the minute, in UTC.
func Moment(t time.Time) string { return t.UTC().Format("Mon 2 Jan 15:04") }

// dayName writes a day, and its year where it is not that of the other.
func dayName(t time.Time) string { return t.UTC().Format("Mon 2 Jan") }
