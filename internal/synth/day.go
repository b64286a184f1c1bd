package synth

import (
	"math"
	"time"
)

// Milliseconds of the longer units.
const (
	second int64 = 1000
	minute       = 60 * second
	hour         = 60 * minute
	day          = 24 * hour
)

// warmUp is how long before the beginning of the log traffic begins, so that
// the log starts in the middle of things.
const warmUp = 45 * minute

// meanLead is by how much a record is written later than the session began
// that drew it, on average: the budget of a quantum looks so far ahead.
const meanLead = 3 * minute

// Hours of work of beacons that keep them, local time.
const (
	officeOpens  = 8 * hour
	officeCloses = 18 * hour
)

// hoursOfDay is how busy people are at each full hour of a working day.
func hoursOfDay() [24]float64 {
	return [24]float64{
		0.04, 0.03, 0.03, 0.03, 0.03, 0.05, 0.12, 0.30, 0.72, 0.96, 1.00, 0.97,
		0.74, 0.84, 0.98, 1.00, 0.90, 0.66, 0.38, 0.24, 0.19, 0.15, 0.10, 0.06,
	}
}

// office is true in the hours of work; the time is local.
func office(ms int64) bool {
	days := floorDiv(ms, day)
	weekday := floorMod(days+4, 7) // the epoch was a Thursday
	at := floorMod(ms, day)
	return weekday >= 1 && weekday <= 5 && at >= officeOpens && at < officeCloses
}

// officeTime is how many ms from one local time to another are hours of work.
func officeTime(from, to int64) int64 {
	sum := int64(0)
	for midnight := floorDiv(from, day) * day; midnight < to; midnight += day {
		opens, closes := midnight+officeOpens, midnight+officeCloses
		if office(opens) {
			sum += max(min(closes, to)-max(opens, from), 0)
		}
	}
	return sum
}

// people is how busy people are at a local time, 1 at most.
func people(ms int64, hours *[24]float64) float64 {
	days := floorDiv(ms, day)
	at := floorMod(ms, day)
	h, part := at/hour, float64(at%hour)/float64(hour)
	level := hours[h]*(1-part) + hours[(h+1)%24]*part
	if weekday := floorMod(days+4, 7); weekday == 0 || weekday == 6 {
		level *= 0.12
	}
	return level
}

// machines is how busy servers are at a local time: all day the same, with
// backups at night.
func machines(ms int64) float64 {
	if at := floorMod(ms, day); at >= hour && at < 3*hour {
		return 1.6
	}
	return 1
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// schedule cuts the time from the warm-up to the end of the log into quanta
// and says how many records each is to draw.
type schedule struct {
	begin, end int64 // of the quanta; end is that of the log
	length     int64 // of a quantum
	budget     []quota
}

// quota is the number of records that a quantum draws.
type quota struct {
	allowed int     // of sessions that pass
	blocked int     // of drops and denies
	people  float64 // share of people in the sessions that pass
}

// quantumRecords is how many records a quantum should have: enough that
// cutting its last session short does not matter, few enough for memory.
const quantumRecords = 50_000

// quantumLength is the longest of the usual lengths that keeps quanta small,
// and the hours of the day apart.
func quantumLength(flows, span int64) int64 {
	ideal := min(float64(span)*quantumRecords/float64(max(flows, 1)), float64(span)/48)
	length := second
	for _, s := range []int64{2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900} {
		if float64(s*second) <= ideal {
			length = s * second
		}
	}
	return length
}

// newSchedule spreads allowed and blocked records over the span from..to after
// the hours of the day; crowd is the weight of people against servers.
func newSchedule(from, to int64, allowed, blocked, crowd float64, offset time.Duration) *schedule {
	s := &schedule{begin: from - warmUp, end: to}
	s.length = quantumLength(int64(allowed+blocked), to-from)
	hours := hoursOfDay()
	intensity := func(ms int64) (all, share float64) {
		local := ms + offset.Milliseconds()
		p := crowd * people(local, &hours)
		all = p + machines(local)
		return all, p / all
	}
	n := (s.end - s.begin + s.length - 1) / s.length
	weights := make([]float64, n)
	s.budget = make([]quota, n)
	inside := 0.0
	for i := range weights {
		at := s.begin + int64(i)*s.length
		span := min(at+s.length, s.end) - at
		all, share := intensity(at + span/2)
		weights[i] = all * float64(span)
		s.budget[i].people = share
		shown := min(at+span+meanLead, to) - max(at+meanLead, from)
		inside += all * float64(max(min(shown, span), 0))
	}
	// Whole numbers that add up: each quantum gets the difference of two
	// rounded running sums.
	sum, drawn, dropped := 0.0, 0.0, 0.0
	for i, w := range weights {
		sum += w / inside
		a, b := math.Floor(sum*allowed), math.Floor(sum*blocked)
		s.budget[i].allowed, s.budget[i].blocked = int(a-drawn), int(b-dropped)
		drawn, dropped = a, b
	}
	return s
}
