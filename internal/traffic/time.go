package traffic

import "time"

// Units of time in ticks of 100 ns, the resolution of KQL's datetime and timespan.
const (
	Microsecond int64 = 10
	Millisecond       = 1000 * Microsecond
	Second            = 1000 * Millisecond
	Minute            = 60 * Second
	Hour              = 60 * Minute
	Day               = 24 * Hour
)

// UnixEpoch is 1970-01-01T00:00:00Z in ticks since 0001-01-01.
const UnixEpoch int64 = 621_355_968_000_000_000

// MaxTicks is the last tick of year 9999, the end of KQL's datetime.
const MaxTicks int64 = 3_155_378_975_999_999_999

// Ticks gives a time in ticks since 0001-01-01 UTC, cut to 100 ns. Times outside the years 1 to 9999 are clamped.
func Ticks(t time.Time) int64 {
	sec := t.Unix()
	switch {
	case sec < -UnixEpoch/Second:
		return 0
	case sec > (MaxTicks-UnixEpoch)/Second:
		return MaxTicks
	}
	return UnixEpoch + sec*Second + int64(t.Nanosecond())/100
}

// Time gives the UTC time of ticks since 0001-01-01.
func Time(ticks int64) time.Time {
	d := ticks - UnixEpoch
	return time.Unix(floorDiv(d, Second), (d-floorDiv(d, Second)*Second)*100).UTC()
}

// DayTicks gives the ticks at midnight UTC of a civil date, by the proleptic Gregorian calendar, and false if there
// is no such day in the years 1 to 9999.
func DayTicks(year, month, day int) (int64, bool) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	// Days before the year, then the days of the months before this one (years counted from March, so that the
	// leap day is the last of its year).
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	days := 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(day) - 1 - 306
	return days * Day, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Floor gives the greatest multiple of size, counted from 0001-01-01, that is not after ticks: KQL's bin().
func Floor(ticks, size int64) int64 { return floorDiv(ticks, size) * size }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
