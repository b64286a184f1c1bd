package table

import "strconv"

const (
	ticksPerSecond = 10_000_000
	secondsPerDay  = 86_400
)

// AppendDatetime appends ticks (100 ns since 0001-01-01 UTC) as RFC 3339 in
// UTC, with as many of the seven decimals as are needed and none when they are
// zero, and without quotes.
func AppendDatetime(dst []byte, ticks int64) []byte {
	seconds, fraction := floorDivide(ticks, ticksPerSecond)
	days, second := floorDivide(seconds, secondsPerDay)
	year, month, day := civil(days)
	dst = appendPadded(dst, year, 4)
	dst = appendPadded(append(dst, '-'), month, 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	dst = appendClock(append(dst, 'T'), second)
	if fraction != 0 {
		dst = appendPadded(append(dst, '.'), fraction, 7)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'Z')
}

// AppendTimespan appends ticks (100 ns) as KQL writes a timespan,
// [-][d.]hh:mm:ss[.fffffff], without quotes.
func AppendTimespan(dst []byte, ticks int64) []byte {
	size := uint64(ticks)
	if ticks < 0 {
		dst = append(dst, '-')
		size = -size
	}
	fraction := int64(size % ticksPerSecond)
	seconds := int64(size / ticksPerSecond)
	if days := seconds / secondsPerDay; days > 0 {
		dst = append(strconv.AppendInt(dst, days, 10), '.')
	}
	dst = appendClock(dst, seconds%secondsPerDay)
	if fraction != 0 {
		dst = appendPadded(append(dst, '.'), fraction, 7)
	}
	return dst
}

func appendClock(dst []byte, second int64) []byte {
	dst = appendPadded(dst, second/3600, 2)
	dst = appendPadded(append(dst, ':'), second/60%60, 2)
	return appendPadded(append(dst, ':'), second%60, 2)
}

func appendPadded(dst []byte, v int64, width int) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	for limit := pow10(width - 1); v < limit; limit /= 10 {
		dst = append(dst, '0')
	}
	if v == 0 {
		return dst
	}
	return strconv.AppendInt(dst, v, 10)
}

func pow10(n int) int64 {
	v := int64(1)
	for range n {
		v *= 10
	}
	return v
}

func floorDivide(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		quotient, rest = quotient-1, rest+b
	}
	return quotient, rest
}

// civil turns days since 0001-01-01 into a date of the proleptic Gregorian
// calendar. It counts from the first of March of year 0, so that the leap day
// is the last of a year: the method of Howard Hinnant, "chrono-compatible
// low-level date algorithms".
func civil(days int64) (year, month, day int64) {
	era, dayOfEra := floorDivide(days+306, 146_097)
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36_524 - dayOfEra/146_096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	march := (5*dayOfYear + 2) / 153 // months since March
	day = dayOfYear - (153*march+2)/5 + 1
	month = march + 3
	year = yearOfEra + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}
