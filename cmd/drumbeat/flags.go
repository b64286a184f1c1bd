package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// The types here are values of flags. The error of a Set says what is wanted
// and leaves out what was given and where, which the caller adds: a flag, a
// variable or a line of a file.

// byteSize is a number of bytes: "512MB", "1GiB", "64k", "65536". KB, MB, GB
// and TB, and the letters alone, are powers of 1000; KiB, MiB, GiB and TiB are
// powers of 1024.
type byteSize int64

// unit is the text of a unit and its size.
type unit struct {
	name string
	size int64
}

var sizeUnits = []unit{ // constant
	{"TiB", 1 << 40},
	{"TB", 1e12},
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"KB", 1e3},
	{"B", 1},
}

// Set reads a size.
func (b *byteSize) Set(s string) error {
	errWant := errors.New("want a size such as 512MB, 1GiB or 65536")
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	name := strings.ToLower(strings.TrimSpace(s[len(digits):]))
	scale := int64(0)
	for _, u := range sizeUnits {
		lower := strings.ToLower(u.name)
		if name == lower || !strings.HasSuffix(lower, "ib") && name == lower[:1] {
			scale = u.size
		}
	}
	if name == "" {
		scale = 1
	}
	if scale == 0 || !isDecimal(digits) {
		return errWant
	}
	v, err := scaled(digits, scale)
	if err != nil {
		return errWant
	}
	*b = byteSize(v)
	return nil
}

// String returns the shortest text that Set reads as this size.
func (b *byteSize) String() string {
	best := strconv.FormatInt(int64(*b), 10)
	for _, u := range sizeUnits {
		if *b > 0 && int64(*b)%u.size == 0 && u.size > 1 {
			text := strconv.FormatInt(int64(*b)/u.size, 10) + u.name
			if len(text) < len(best) || u.size >= 1000 && best == strconv.FormatInt(int64(*b), 10) {
				best = text
			}
		}
	}
	return best
}

// Type names the value in help texts.
func (*byteSize) Type() string { return "size" }

// isDecimal reports whether s is digits with at most one point among them.
func isDecimal(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!point || digits(fraction))
}

// scaled multiplies a decimal number and rounds to a whole one.
func scaled(decimal string, scale int64) (int64, error) {
	if whole, err := strconv.ParseInt(decimal, 10, 64); err == nil {
		if whole > math.MaxInt64/scale {
			return 0, strconv.ErrRange
		}
		return whole * scale, nil
	}
	f, err := strconv.ParseFloat(decimal, 64)
	if err != nil {
		return 0, err
	}
	if f *= float64(scale); f >= math.MaxInt64 {
		return 0, strconv.ErrRange
	}
	return int64(math.Round(f)), nil
}

// duration is a length of time: "25s", "1h", "1.5h", "1h30m", "2d" and, as KQL
// prints it, "1.02:03:04".
type duration time.Duration

const day = 24 * time.Hour

var durationUnits = []unit{ // constant
	{"w", int64(7 * day)},
	{"d", int64(day)},
	{"h", int64(time.Hour)},
	{"m", int64(time.Minute)},
	{"s", int64(time.Second)},
	{"ms", int64(time.Millisecond)},
	{"us", int64(time.Microsecond)},
	{"µs", int64(time.Microsecond)},
	{"ns", 1},
	{"tick", 100},
	{"day", int64(day)},
	{"days", int64(day)},
	{"hr", int64(time.Hour)},
	{"hour", int64(time.Hour)},
	{"hours", int64(time.Hour)},
	{"min", int64(time.Minute)},
	{"minute", int64(time.Minute)},
	{"minutes", int64(time.Minute)},
	{"sec", int64(time.Second)},
	{"second", int64(time.Second)},
	{"seconds", int64(time.Second)},
	{"week", int64(7 * day)},
	{"weeks", int64(7 * day)},
}

var errWantDuration = errors.New("want a length of time such as 25s, 5m, 1h30m or 2d") // constant

// Set reads a duration, which cannot be negative.
func (d *duration) Set(s string) error {
	var total int64
	var err error
	if strings.Contains(s, ":") {
		total, err = clockDuration(s)
	} else {
		total, err = unitDuration(s)
	}
	if err != nil {
		return errWantDuration
	}
	*d = duration(total)
	return nil
}

// unitDuration reads numbers with units, "1h 30m".
func unitDuration(s string) (int64, error) {
	rest := strings.ToLower(strings.TrimSpace(s))
	if rest == "0" {
		return 0, nil
	}
	if rest == "" {
		return 0, errWantDuration
	}
	total := int64(0)
	for rest != "" {
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end < 0 {
			return 0, errWantDuration // a number without a unit
		}
		number := rest[:end]
		rest = strings.TrimLeft(rest[end:], " ")
		end = strings.IndexFunc(rest, func(r rune) bool { return r >= '0' && r <= '9' || r == ' ' })
		if end < 0 {
			end = len(rest)
		}
		at := slices.IndexFunc(durationUnits, func(u unit) bool { return u.name == rest[:end] })
		if at < 0 || !isDecimal(number) {
			return 0, errWantDuration
		}
		v, err := scaled(number, durationUnits[at].size)
		if err != nil || total > math.MaxInt64-v {
			return 0, errWantDuration
		}
		total += v
		rest = strings.TrimLeft(rest[end:], " ")
	}
	return total, nil
}

// clockDuration reads KQL's text of a timespan, [d.]hh:mm:ss[.fffffff].
func clockDuration(s string) (int64, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, errWantDuration
	}
	days, hours, hasDays := strings.Cut(parts[0], ".")
	if !hasDays {
		days, hours = "0", parts[0]
	}
	total := int64(0)
	for _, part := range []struct {
		text string
		size time.Duration
		most string
	}{{days, day, ""}, {hours, time.Hour, "23"}, {parts[1], time.Minute, "59"}, {parts[2], time.Second, "59"}} {
		whole, _, _ := strings.Cut(part.text, ".")
		if !isDecimal(part.text) || part.most != "" && (len(whole) != 2 || whole > part.most) {
			return 0, errWantDuration
		}
		v, err := scaled(part.text, int64(part.size))
		if err != nil || total > math.MaxInt64-v {
			return 0, errWantDuration
		}
		total += v
	}
	return total, nil
}

// String returns the duration in whole units, "1d12h", as Set reads it.
func (d *duration) String() string {
	rest := int64(*d)
	if rest <= 0 {
		return "0s"
	}
	var text strings.Builder
	for _, u := range durationUnits {
		if u.name == "w" || u.name == "µs" {
			continue
		}
		if n := rest / u.size; n > 0 {
			text.WriteString(strconv.FormatInt(n, 10) + u.name)
			rest %= u.size
		}
		if rest == 0 {
			break
		}
	}
	return text.String()
}

// Type names the value in help texts.
func (*duration) Type() string { return "duration" }

// instant is a point in time: RFC 3339, or a date with or without a time of
// day, in UTC where it has no offset. A date alone is its beginning.
type instant struct {
	time.Time
	set bool // false until Set was called
}

// Set reads an instant.
func (i *instant) Set(s string) error {
	text := strings.ToUpper(strings.TrimSpace(s))
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		for _, offset := range []string{"", "Z07:00", "Z0700"} {
			if at, err := time.Parse(layout+offset, text); err == nil {
				i.Time, i.set = at.UTC(), true
				return nil
			}
		}
	}
	return errors.New("want a time such as 2026-03-02, 2026-03-02T10:00 or 2026-03-02T10:00:00+01:00")
}

// String returns the instant as RFC 3339, or nothing where it is not set.
func (i *instant) String() string {
	if !i.set {
		return ""
	}
	return i.Format(time.RFC3339Nano)
}

// Type names the value in help texts.
func (*instant) Type() string { return "time" }

// zone is a time zone: "UTC", a name of the IANA database, or an offset. The
// Location is nil until it is set.
type zone struct {
	*time.Location
	name string
}

// Set reads a time zone.
func (z *zone) Set(s string) error {
	name := strings.TrimSpace(s)
	for _, layout := range []string{"Z07:00", "Z0700", "Z07"} {
		at, err := time.Parse(layout, name)
		if err != nil {
			continue
		}
		_, offset := at.Zone()
		z.name, z.Location = name, time.FixedZone(name, offset)
		if offset == 0 {
			z.name, z.Location = "UTC", time.UTC
		}
		return nil
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return errors.New("want a time zone such as UTC, Europe/Berlin or +02:00")
	}
	z.name, z.Location = name, location
	return nil
}

// String returns what was set.
func (z *zone) String() string { return z.name }

// Type names the value in help texts.
func (*zone) Type() string { return "zone" }

// choice is a text out of a fixed list.
type choice struct {
	value   *string
	options []string
}

func newChoice(value *string, options ...string) *choice {
	return &choice{value: value, options: options}
}

// Set takes one of the options.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.options, s) {
		last := len(c.options) - 1
		want := "want " + strings.Join(c.options[:last], ", ") + " or " + c.options[last]
		if near := nearest(s, c.options); near != "" {
			want += fmt.Sprintf("; did you mean %q?", near)
		}
		return errors.New(want)
	}
	*c.value = s
	return nil
}

// String returns the option that is set, or nothing.
func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Type names the value in help texts.
func (*choice) Type() string { return "string" }

// valueError says what a flag wants. Our own types do so by themselves; for
// those of pflag, which pass on what strconv says, the type does.
func valueError(f *pflag.Flag, err error) error {
	switch f.Value.Type() {
	case "bool":
		return errors.New("want true or false")
	case "int", "int8", "int16", "int32", "int64", "count":
		return errors.New("want a whole number")
	case "uint", "uint8", "uint16", "uint32", "uint64":
		return errors.New("want a whole number, not below zero")
	case "float32", "float64":
		return errors.New("want a number")
	}
	return err
}

// nearest returns the candidate that someone who typed word most likely meant,
// or "": the one that word begins, or the one that the fewest typing mistakes
// (a letter wrong, missing, too many, or two swapped) lead to, where these are
// at most a third of its letters.
func nearest(word string, candidates []string) string {
	if utf8.RuneCountInString(word) > 64 || word == "" {
		return ""
	}
	best, bestMistakes := "", math.MaxInt
	for _, c := range candidates {
		mistakes := editDistance(strings.ToLower(word), strings.ToLower(c))
		if len(word) >= 3 && strings.HasPrefix(c, word) {
			mistakes = min(mistakes, 1)
		}
		if mistakes <= max(1, (len(c)+1)/3) && mistakes < len(c) && mistakes < bestMistakes {
			best, bestMistakes = c, mistakes
		}
	}
	return best
}

// editDistance is the optimal string alignment distance.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	older := make([]int, len(t)+1)
	previous := make([]int, len(t)+1)
	current := make([]int, len(t)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(s); i++ {
		current[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				current[j] = min(current[j], older[j-2]+1)
			}
		}
		older, previous, current = previous, current, older
	}
	return previous[len(t)]
}

// humanDuration returns a length of time for reading, in at most two units:
// "1.2 s", "45 s", "5 min", "1 h 30 min".
func humanDuration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + humanDuration(-d)
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return trimZero(strconv.FormatFloat(d.Truncate(100*time.Millisecond).Seconds(), 'f', 1, 64)) + " s"
	case d < time.Minute:
		return twoUnits(d, time.Second, "s", 1, "")
	case d < time.Hour:
		return twoUnits(d, time.Minute, "min", time.Second, "s")
	case d < day:
		return twoUnits(d, time.Hour, "h", time.Minute, "min")
	}
	return twoUnits(d, day, "d", time.Hour, "h")
}

func twoUnits(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	text := strconv.FormatInt(int64(d/large), 10) + " " + largeName
	if rest := d % large / small; rest > 0 && smallName != "" {
		text += " " + strconv.FormatInt(int64(rest), 10) + " " + smallName
	}
	return text
}

func trimZero(s string) string { return strings.TrimSuffix(s, ".0") }

// humanBytes returns a number of bytes for reading, "2.2 GB", in powers of 1000.
func humanBytes(n int64) string {
	if n < 0 {
		return "-" + humanBytes(-max(n, -math.MaxInt64))
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, name := float64(n), ""
	for _, next := range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		value, name = value/1000, next
		if value < 999.5 {
			break
		}
	}
	if value < 9.95 {
		return trimZero(strconv.FormatFloat(value, 'f', 1, 64)) + " " + name
	}
	return strconv.FormatFloat(value, 'f', 0, 64) + " " + name
}

// humanCount returns a number for reading, "1,234,567".
func humanCount(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}
