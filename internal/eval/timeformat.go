package eval

import (
	"fmt"
	"strings"

	"drumbeat/kql"
)

// FormatError says that the text of a format cannot be used.
type FormatError struct{ Format string }

func (e *FormatError) Error() string {
	return fmt.Sprintf("%q is no format of a datetime or timespan", e.Format)
}

// formatSeparators may stand between the parts of a format.
const formatSeparators = "/-:,._[] "

// formatDatetime writes a datetime in the parts y M d H h m s f F tt and separators, which is all that the engine knows.
func formatDatetime(env *Env, out kql.Type, args []Value) Value {
	if !args[0].set {
		return Null(out)
	}
	ticks := args[0].Int()
	d := civil(ticks)
	return env.format(out, Text(args[1]), func(dst []byte, part byte, n int) ([]byte, bool) {
		switch part {
		case 'y':
			return appendYear(dst, d.year, n), n <= 5
		case 'M':
			return appendPadded(dst, int64(d.month), n), n <= 2
		case 'd':
			return appendPadded(dst, int64(d.day), n), n <= 2
		case 't':
			half := "AM"
			if ticks%ticksPerDay >= ticksPerDay/2 {
				half = "PM"
			}
			return append(dst, half...), n == 2
		case 'h':
			return appendPadded(dst, (ticks%ticksPerDay/ticksPerHour+11)%12+1, n), n <= 2
		}
		return appendTimePart(dst, part, n, uint64(ticks))
	})
}

func appendYear(dst []byte, year, n int) []byte {
	if n <= 2 {
		year %= 100
	}
	return appendPadded(dst, int64(year), n)
}

// formatTimespan writes a timespan in the parts d H h m s f F and separators. What is negative has a sign in front.
func formatTimespan(env *Env, out kql.Type, args []Value) Value {
	if !args[0].set {
		return Null(out)
	}
	u := magnitude(args[0].Int())
	v := env.format(out, Text(args[1]), func(dst []byte, part byte, n int) ([]byte, bool) {
		switch part {
		case 'd':
			return appendPadded(dst, int64(u/ticksPerDay), n), n <= 8
		case 'h':
			part = 'H'
		}
		return appendTimePart(dst, part, n, u)
	})
	if v.set && v.s != "" && args[0].Int() < 0 {
		v.s = "-" + v.s
	}
	return v
}

// appendTimePart writes a part of the time of day.
func appendTimePart(dst []byte, part byte, n int, ticks uint64) ([]byte, bool) {
	t := int64(ticks % ticksPerDay)
	switch part {
	case 'H':
		return appendPadded(dst, t/ticksPerHour, n), n <= 2
	case 'm':
		return appendPadded(dst, t%ticksPerHour/ticksPerMinute, n), n <= 2
	case 's':
		return appendPadded(dst, t%ticksPerMinute/ticksPerSecond, n), n <= 2
	case 'f', 'F':
		return appendFraction(dst, t%ticksPerSecond, n, part == 'F'), n <= 7
	}
	return dst, false
}

// appendFraction writes n digits of a second; short leaves out the zeros at their end, and the point before them if
// nothing is left.
func appendFraction(dst []byte, ticks int64, n int, short bool) []byte {
	digits := string(appendPadded(nil, ticks, 7))
	digits = digits[:min(n, len(digits))]
	if short {
		if digits = strings.TrimRight(digits, "0"); digits == "" {
			return []byte(strings.TrimSuffix(string(dst), "."))
		}
	}
	return append(dst, digits...)
}

// format goes through the parts of a format, which are runs of one letter.
func (e *Env) format(out kql.Type, text string, write func(dst []byte, part byte, n int) ([]byte, bool)) Value {
	var dst []byte
	for i := 0; i < len(text); {
		c := text[i]
		if strings.IndexByte(formatSeparators, c) >= 0 {
			dst = append(dst, c)
			i++
			continue
		}
		n := 1
		for i+n < len(text) && text[i+n] == c {
			n++
		}
		var ok bool
		if dst, ok = write(dst, c, n); !ok {
			if e.Err == nil {
				e.Err = &FormatError{text}
			}
			return Null(out)
		}
		i += n
	}
	return String(string(dst))
}
