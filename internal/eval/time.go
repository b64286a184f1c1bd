package eval

import (
	"math"
	"math/bits"
	"strings"
	"time"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var timeFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnNow: now(1),
	plan.FnAgo: now(-1),

	plan.FnBin:   bin,
	plan.FnBinAt: binAt,

	plan.FnStartofday:   edge(unitDay, false),
	plan.FnStartofweek:  edge(unitWeek, false),
	plan.FnStartofmonth: edge(unitMonth, false),
	plan.FnStartofyear:  edge(unitYear, false),
	plan.FnEndofday:     edge(unitDay, true),
	plan.FnEndofweek:    edge(unitWeek, true),
	plan.FnEndofmonth:   edge(unitMonth, true),
	plan.FnEndofyear:    edge(unitYear, true),

	plan.FnDayofweek:    dayOfWeek,
	plan.FnDayofmonth:   ofDate(func(t int64) int { return civil(t).day }),
	plan.FnDayofyear:    ofDate(dayOfYear),
	plan.FnHourofday:    ofDate(func(t int64) int { return int(t % ticksPerDay / ticksPerHour) }),
	plan.FnWeekOfYear:   ofDate(isoWeek),
	plan.FnMonthofyear:  ofDate(func(t int64) int { return civil(t).month }),
	plan.FnGetmonth:     ofDate(func(t int64) int { return civil(t).month }),
	plan.FnGetyear:      ofDate(func(t int64) int { return civil(t).year }),
	plan.FnDatetimePart: datetimePart,
	plan.FnDatetimeAdd:  datetimeAdd,
	plan.FnDatetimeDiff: datetimeDiff,
	plan.FnMakeDatetime: makeDatetime,
	plan.FnMakeTimespan: makeTimespan,

	plan.FnUnixtimeSecondsTodatetime:      unixTime(ticksPerSecond, 1),
	plan.FnUnixtimeMillisecondsTodatetime: unixTime(ticksPerMilli, 1),
	plan.FnUnixtimeMicrosecondsTodatetime: unixTime(10, 1),
	plan.FnUnixtimeNanosecondsTodatetime:  unixTime(1, 100),

	plan.FnDatetimeLocalToUtc: zoned(localToUTC),
	plan.FnDatetimeUtcToLocal: zoned(utcToLocal),

	plan.FnFormatDatetime: formatDatetime,
	plan.FnFormatTimespan: formatTimespan,
}

// unixEpoch is the year 1970 in ticks since the year 1.
const unixEpoch = 621355968000000000

// date is a day of the Gregorian calendar.
type date struct{ year, month, day int }

// civil gives the day of ticks since the year 1, which must not be negative. It counts years from March, so that the leap
// day is the last of a year, and cycles of 400 years, which have 146,097 days.
func civil(ticks int64) date {
	const cycle = 146097
	days := int(ticks/ticksPerDay) + 306 // since 1 March of the year 0
	era, day := days/cycle, days%cycle
	y := (day - day/1460 + day/36524 - day/(cycle-1)) / 365
	day -= 365*y + y/4 - y/100
	m := (5*day + 2) / 153 // months since March
	d := date{year: era*400 + y, month: m + 3, day: day - (153*m+2)/5 + 1}
	if d.month > 12 {
		d.month -= 12
		d.year++
	}
	return d
}

// daysTo gives the days from 1 January of the year 1 to the first day of a month. Months may be any number.
func daysTo(year, month int) int {
	month-- // from 0
	year += floorDiv(month, 12)
	month -= floorDiv(month, 12) * 12
	// As in civil: years from March.
	if month < 2 {
		year--
		month += 12
	}
	return 365*year + floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400) + (153*(month-2)+2)/5 - 306
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func daysIn(year, month int) int { return daysTo(year, month+1) - daysTo(year, month) }

func now(sign int64) Func {
	return func(env *Env, out kql.Type, args []Value) Value {
		offset := int64(0)
		if len(args) > 0 {
			v := Convert(args[0], kql.TypeTimespan)
			if !v.set {
				return Null(out)
			}
			offset = v.Int()
		}
		return Datetime(env.Now + sign*offset)
	}
}

// unit is a part of a date.
type unit uint8

const (
	unitNone unit = iota
	unitYear
	unitQuarter
	unitMonth
	unitWeek
	unitDay
	unitHour
	unitMinute
	unitSecond
	unitMilli
	unitMicro
	unitNano
	unitWeekOfYear
	unitDayOfYear
	unitDayOfWeek
)

var unitNames = map[string]unit{
	"year": unitYear, "quarter": unitQuarter, "month": unitMonth, "week": unitWeek, "day": unitDay, "hour": unitHour,
	"minute": unitMinute, "second": unitSecond, "millisecond": unitMilli, "microsecond": unitMicro, "nanosecond": unitNano,
	"week_of_year": unitWeekOfYear, "weekofyear": unitWeekOfYear, "dayofyear": unitDayOfYear, "dayofmonth": unitDay,
	"hourofday": unitHour, "dayofweek": unitDayOfWeek,
}

func unitOf(v Value) unit {
	name := Text(v)
	if u, ok := unitNames[name]; ok {
		return u
	}
	return unitNames[strings.ToLower(name)]
}

// unitTicks are the units that have one length; those of a nanosecond are less than a tick.
var unitTicks = map[unit]int64{ //nolint:exhaustive // the others have no length in ticks
	unitWeek: 7 * ticksPerDay, unitDay: ticksPerDay, unitHour: ticksPerHour, unitMinute: ticksPerMinute, unitSecond: ticksPerSecond,
	unitMilli: ticksPerMilli, unitMicro: 10,
}

// weekStart gives the Sunday before, which for the first days of the year 1 lies before it.
func weekStart(ticks int64) int64 {
	const week = 7 * ticksPerDay
	return (ticks+ticksPerDay)/week*week - ticksPerDay // 1 January of the year 1 is a Monday
}

// edge makes startofday and its like. An offset counts periods on.
func edge(u unit, end bool) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		offset := int64(0)
		if len(args) > 1 {
			if !args[1].set {
				return Null(out)
			}
			offset = args[1].Int()
		}
		const most = 1 << 23 // days of more than the ten thousand years that there are
		if !args[0].set || offset > most || offset < -most {
			return Null(out)
		}
		last := offset
		if end {
			last++
		}
		start, ok := periodStart(u, args[0].Int(), last)
		switch {
		case end && !ok:
			return endOfTime(out, start)
		case end:
			return ticksOf(out, start-1)
		}
		return ticksOf(out, start)
	}
}

// endOfTime is the end of the last period: the last tick that there is.
func endOfTime(out kql.Type, start int64) Value {
	if start > MaxDatetime {
		return Datetime(MaxDatetime)
	}
	return Null(out)
}

// periodStart gives the start of the period that lies offset periods after that of a time; it is false, and the start
// beyond the last tick, after the year 9999.
func periodStart(u unit, ticks, offset int64) (start int64, ok bool) {
	var days int64
	switch u { //nolint:exhaustive // no others are asked for
	case unitDay:
		days = ticks/ticksPerDay + offset
	case unitWeek:
		days = floorDiv64(weekStart(ticks), ticksPerDay) + 7*offset
	case unitMonth:
		d := civil(ticks)
		days = int64(daysTo(d.year, d.month+int(offset)))
	default:
		days = int64(daysTo(civil(ticks).year+int(offset), 1))
	}
	const most = MaxDatetime/ticksPerDay + 1
	if days >= most {
		return MaxDatetime + 1, false
	}
	return max(days, -1) * ticksPerDay, true
}

func floorDiv64(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ofDate makes a function of a datetime that gives an int.
func ofDate(f func(ticks int64) int) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		if !args[0].set {
			return Null(out)
		}
		return Int(int32(f(args[0].Int())))
	}
}

// dayOfWeek gives the days since Sunday. The last day of the year 9999 has none: the engine counts it from a day later.
func dayOfWeek(_ *Env, out kql.Type, args []Value) Value {
	if !args[0].set || args[0].Int() > MaxDatetime-ticksPerDay {
		return Null(out)
	}
	return Timespan(int64(weekday(args[0].Int())) * ticksPerDay)
}

// weekday counts from Sunday.
func weekday(ticks int64) int { return int((ticks/ticksPerDay + 1) % 7) }

func dayOfYear(ticks int64) int {
	return int(ticks/ticksPerDay) - daysTo(civil(ticks).year, 1) + 1
}

// isoWeek is the week by ISO 8601: weeks start on Monday, and the first has the first Thursday of the year.
func isoWeek(ticks int64) int {
	thursday := ticks/ticksPerDay - ticks/ticksPerDay%7 + 3
	year := civil(thursday * ticksPerDay).year
	return (int(thursday)-daysTo(year, 1))/7 + 1
}

func datetimePart(env *Env, out kql.Type, args []Value) Value {
	if !args[1].set {
		return Null(out)
	}
	t := args[1].Int()
	n := 0
	switch unitOf(args[0]) {
	case unitYear:
		n = civil(t).year
	case unitQuarter:
		n = (civil(t).month + 2) / 3
	case unitMonth:
		n = civil(t).month
	case unitWeek, unitWeekOfYear:
		n = isoWeek(t)
	case unitDay:
		n = civil(t).day
	case unitDayOfYear:
		n = dayOfYear(t)
	case unitDayOfWeek:
		n = weekday(t)
	case unitHour:
		n = int(t % ticksPerDay / ticksPerHour)
	case unitMinute:
		n = int(t % ticksPerHour / ticksPerMinute)
	case unitSecond:
		n = int(t % ticksPerMinute / ticksPerSecond)
	case unitMilli:
		n = int(t % ticksPerSecond / ticksPerMilli)
	case unitMicro:
		n = int(t % ticksPerSecond / 10)
	case unitNano:
		n = int(t % ticksPerSecond * 100)
	case unitNone:
		return Null(out)
	}
	return convert(env, out, []Value{Long(int64(n))})
}

// datetimeAdd counts units on; a month that is too short for the day gives its last one.
func datetimeAdd(_ *Env, out kql.Type, args []Value) Value {
	n, at := args[1].Int(), args[2].Int()
	if !args[1].set || !args[2].set {
		return Null(out)
	}
	var months int64
	switch u := unitOf(args[0]); u { //nolint:exhaustive // the others have a length, or none at all
	case unitYear:
		months = 12
	case unitQuarter:
		months = 3
	case unitMonth:
		months = 1
	case unitNano:
		return ticksOf(out, at+n/100)
	default:
		size := unitTicks[u]
		hi, lo := bits.Mul64(magnitude(n), uint64(size))
		if size == 0 || hi != 0 || lo > math.MaxInt64 {
			return Null(out)
		}
		return ticksOf(out, at+n*size)
	}
	const most = 12 * 10000
	if n > most || n < -most {
		return Null(out)
	}
	d := civil(at)
	count := d.year*12 + d.month - 1 + int(n*months)
	year, month := floorDiv(count, 12), count-floorDiv(count, 12)*12+1
	if year < 1 || year > 9999 {
		return Null(out)
	}
	days := daysTo(year, month) + min(d.day, daysIn(year, month)) - 1
	return ticksOf(out, int64(days)*ticksPerDay+at%ticksPerDay)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// datetimeDiff counts the borders of units between two times, not the time that passed. Weeks start on Sunday.
func datetimeDiff(_ *Env, out kql.Type, args []Value) Value {
	if !args[1].set || !args[2].set {
		return Null(out)
	}
	a, b := args[1].Int(), args[2].Int()
	u := unitOf(args[0])
	if size := unitTicks[u]; size != 0 && u != unitWeek {
		return Long(a/size - b/size)
	}
	x, y := civil(a), civil(b)
	switch u { //nolint:exhaustive // the others have a length, or none at all
	case unitYear:
		return Long(int64(x.year - y.year))
	case unitQuarter:
		return Long(int64(x.year*4 + (x.month-1)/3 - y.year*4 - (y.month-1)/3))
	case unitMonth:
		return Long(int64(x.year*12 + x.month - y.year*12 - y.month))
	case unitWeek:
		return Long((weekStart(a) - weekStart(b)) / (7 * ticksPerDay))
	case unitNano:
		return Long((a - b) * 100)
	}
	return Null(out)
}

// makeDatetime takes year, month, day, hour, minute and second, the last with a fraction; a single argument is converted.
func makeDatetime(_ *Env, out kql.Type, args []Value) Value {
	if len(args) == 1 {
		return Convert(args[0], out)
	}
	parts := [6]int64{0, 1, 1, 0, 0, 0}
	fraction := int64(0)
	for i, arg := range args {
		if i == 5 {
			seconds := Convert(arg, kql.TypeReal)
			if !seconds.set || !(seconds.Real() >= 0 && seconds.Real() < 60) {
				return Null(out)
			}
			fraction = int64(math.Round(seconds.Real() * ticksPerSecond))
			continue
		}
		n := Convert(arg, kql.TypeLong)
		if !n.set {
			return Null(out)
		}
		parts[i] = n.Int()
	}
	year, month, day, hour, minute := parts[0], parts[1], parts[2], parts[3], parts[4]
	switch {
	case year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59:
		return Null(out)
	case day > int64(daysIn(int(year), int(month))):
		return Null(out)
	}
	days := int64(daysTo(int(year), int(month))) + day - 1
	return ticksOf(out, days*ticksPerDay+hour*ticksPerHour+minute*ticksPerMinute+fraction)
}

// makeTimespan takes hour, minute and second, or day, hour, minute and second; a single argument is converted.
func makeTimespan(_ *Env, out kql.Type, args []Value) Value {
	if len(args) == 1 {
		return Convert(args[0], out)
	}
	day := int64(0)
	if len(args) > 3 {
		if !args[0].set {
			return Null(out)
		}
		day = Convert(args[0], kql.TypeLong).Int()
		args = args[1:]
	}
	const most = math.MaxInt64/ticksPerDay - 1
	ticks, limits := int64(0), [3]float64{24, 60, 60}
	for i, size := range []int64{ticksPerHour, ticksPerMinute, ticksPerSecond}[:len(args)] {
		v := Convert(args[i], kql.TypeReal)
		if !v.set || !(v.Real() >= 0 && v.Real() < limits[i]) {
			return Null(out)
		}
		if i < 2 {
			v = Real(math.Trunc(v.Real()))
		}
		ticks += int64(math.Round(v.Real() * float64(size)))
	}
	if day > most || day < -most {
		return Null(out)
	}
	return ticksOf(out, day*ticksPerDay+ticks)
}

// unixTime reads numbers of a unit since 1970; the unit is mul/div ticks.
func unixTime(mul, div int64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		v := args[0]
		if v.typ == kql.TypeDynamic {
			v = v.Inner()
		}
		if !v.set {
			return Null(out)
		}
		if v.typ == kql.TypeReal || v.typ == kql.TypeDecimal {
			span := realTicks(kql.TypeTimespan, Convert(v, kql.TypeReal).Real()*float64(mul)/float64(div))
			if !span.set {
				return Null(out)
			}
			return ticksOf(out, unixEpoch+span.Int())
		}
		n := Convert(v, kql.TypeLong)
		if !n.set || n.Int()/div > MaxDatetime/mul || n.Int()/div < -MaxDatetime/mul {
			return Null(out)
		}
		return ticksOf(out, unixEpoch+floorDiv64(n.Int(), div)*mul)
	}
}

// zoned makes a function of a datetime and the name of a time zone; an unknown one gives null.
func zoned(f func(ticks int64, zone *time.Location) int64) Func {
	return func(env *Env, out kql.Type, args []Value) Value {
		zone := env.cache.zone(Text(args[1]))
		if !args[0].set || zone == nil {
			return Null(out)
		}
		return ticksOf(out, f(args[0].Int(), zone))
	}
}

// zone gives a time zone of the IANA list, or nil.
func (c *cache) zone(name string) *time.Location {
	if zone, ok := c.zones[name]; ok {
		return zone
	}
	var zone *time.Location
	if name != "" && name != "Local" {
		if z, err := time.LoadLocation(name); err == nil {
			zone = z
		}
	}
	if len(c.zones) >= maxZones {
		clear(c.zones)
	}
	if c.zones == nil {
		c.zones = map[string]*time.Location{}
	}
	c.zones[name] = zone
	return zone
}

// localToUTC takes the ticks for the time on a clock in the zone. Of an hour that comes twice the first is taken.
func localToUTC(ticks int64, zone *time.Location) int64 {
	d := civil(ticks)
	t := time.Date(d.year, time.Month(d.month), d.day, 0, 0, int(ticks%ticksPerDay/ticksPerSecond), 0, zone)
	return unixEpoch + t.Unix()*ticksPerSecond + ticks%ticksPerSecond
}

func utcToLocal(ticks int64, zone *time.Location) int64 {
	_, offset := time.Unix(floorDiv64(ticks-unixEpoch, ticksPerSecond), 0).In(zone).Zone()
	return ticks + int64(offset)*ticksPerSecond
}

// bin rounds down to a multiple of a size; datetimes count from the year 1.
func bin(_ *Env, out kql.Type, args []Value) Value {
	v, size := &args[0], &args[1]
	if v.typ == out && v.set && size.set && (out == kql.TypeDateTime && size.typ == kql.TypeTimespan || out == kql.TypeLong && size.typ == out) {
		n, s := v.Int(), size.Int()
		if s <= 0 {
			return Null(out)
		}
		m, _ := modWhole(n, s)
		return whole(out, n-m)
	}
	return binFrom(out, *v, *size, Value{})
}

func binAt(_ *Env, out kql.Type, args []Value) Value {
	if !args[2].set {
		return Null(out)
	}
	return binFrom(out, args[0], args[1], args[2])
}

// binFrom rounds down to a multiple of a size, counted from an anchor; the zero Value is none. A size that is not positive
// gives null.
func binFrom(out kql.Type, v, size, anchor Value) Value {
	if !v.set || !size.set {
		return Null(out)
	}
	if out == kql.TypeReal {
		x, s, a := Convert(v, out).Real(), Convert(size, out).Real(), Convert(anchor, out).Real()
		if !(s > 0) {
			return Null(out)
		}
		return Real(math.Floor((x-a)/s)*s + a)
	}
	if out == kql.TypeDecimal {
		return binDecimal(v, size, anchor)
	}
	if !isTicks(out) && v.typ == kql.TypeDynamic {
		v = Convert(v, out)
	}
	s := size.Int()
	if size.typ == kql.TypeReal || size.typ == kql.TypeDynamic || size.typ == kql.TypeDecimal {
		s = Convert(size, kql.TypeLong).Int()
	}
	if !v.set || s <= 0 {
		return Null(out)
	}
	x := v.Int() - anchor.Int()
	m, _ := modWhole(x, s)
	n := v.Int() - m
	if isTicks(out) {
		return ticksOf(out, n)
	}
	return Convert(Long(n), out)
}

func binDecimal(v, size, anchor Value) Value {
	const t = kql.TypeDecimal
	s, ok := parseDecimal(Convert(size, t).s)
	if !ok || s.coef.Sign() <= 0 {
		return Null(t)
	}
	base := []Value{v, Decimal("0")}
	if anchor.set {
		base[1] = anchor
	}
	x := subtraction.apply(t, base)
	rest := remainder.apply(t, []Value{x, size})
	return subtraction.apply(t, []Value{v, rest})
}
