package rule

import (
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads the forms that rules have for a length of time: "5m", "1h", "14d", the timespans "00:05:00" and
// "14.00:00:00", and those of ISO 8601, "PT5M" and "P1DT2H".
func parseDuration(text string) (time.Duration, bool) {
	switch {
	case text == "":
		return 0, false
	case text[0] == 'P' || text[0] == 'p':
		return isoDuration(strings.ToUpper(text[1:]))
	case strings.Contains(text, ":"):
		return clockDuration(text)
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': day}[text[len(text)-1]|0x20]
	return times(text[:len(text)-1], unit)
}

// times multiplies a whole number with a unit. The longest is ten thousand days: more has no sense in a rule.
func times(number string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil || unit == 0 || n > uint64(10_000*day/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

func isoDuration(text string) (time.Duration, bool) {
	date, clock, hasClock := strings.Cut(text, "T")
	if date == "" && clock == "" || hasClock && clock == "" {
		return 0, false
	}
	total := time.Duration(0)
	part := func(text *string, letter string, unit time.Duration) bool {
		number, rest, found := strings.Cut(*text, letter)
		if !found {
			return true
		}
		*text = rest
		d, ok := times(number, unit)
		total += d
		return ok
	}
	ok := part(&date, "W", 7*day) && part(&date, "D", day) &&
		part(&clock, "H", time.Hour) && part(&clock, "M", time.Minute) && part(&clock, "S", time.Second)
	return total, ok && date == "" && clock == "" && total <= 10_000*day
}

func clockDuration(text string) (time.Duration, bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, false
	}
	days, hours, found := strings.Cut(parts[0], ".")
	if !found {
		days, hours = "0", parts[0]
	}
	total := time.Duration(0)
	for i, p := range []string{days, hours, parts[1], parts[2]} {
		d, ok := times(p, [...]time.Duration{day, time.Hour, time.Minute, time.Second}[i])
		if !ok || i > 0 && len(p) > 2 {
			return 0, false
		}
		total += d
	}
	return total, total <= 10_000*day
}

// isoText gives a duration as ISO 8601 in the unit that the short form would have: "PT90M", "P1D", "PT24H" if hours.
func isoText(d time.Duration, text string) string {
	if len(text) > 1 && text[0] != 'P' && !strings.Contains(text, ":") {
		number, unit := text[:len(text)-1], strings.ToUpper(text[len(text)-1:])
		if unit == "D" {
			return "P" + number + unit
		}
		return "PT" + number + unit
	}
	if d == 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteByte('P')
	if n := d / day; n > 0 {
		b.WriteString(strconv.FormatInt(int64(n), 10) + "D")
		d %= day
	}
	if d > 0 {
		b.WriteByte('T')
	}
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "H"}, {time.Minute, "M"}, {time.Second, "S"}} {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d %= u.size
		}
	}
	return b.String()
}

// shortText gives a duration in one unit, "90m", "1d".
func shortText(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d > 0 && d%u.size == 0 {
			return strconv.FormatInt(int64(d/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// shortOfISO gives "1d" for P1D, "24h" for PT24H: the unit that is written, where there is one.
func shortOfISO(text string) (string, bool) {
	d, ok := parseDuration(text)
	if !ok {
		return "", false
	}
	upper := strings.ToUpper(text)
	number, isClock := strings.CutPrefix(upper, "PT")
	if !isClock {
		number = strings.TrimPrefix(upper, "P")
	}
	if n := len(number); n > 1 && strings.Trim(number[:n-1], "0123456789") == "" && strings.IndexByte("DHM", number[n-1]) >= 0 {
		return number[:n-1] + strings.ToLower(number[n-1:]), true
	}
	return shortText(d), true
}
