package kql

// ParseDateTime reads a text as datetime(…) does, into ticks of 100 ns since the year 1. The words min and max are not
// read: they are literals only.
func ParseDateTime(text string) (ticks int64, ok bool) {
	if text == "min" || text == "max" {
		return 0, false
	}
	ticks, fault := decodeDateTime(text)
	return ticks, fault == faultNone
}

// ParseTimespan reads a text as timespan(…) does, into ticks of 100 ns. The words min and max are not read.
func ParseTimespan(text string) (ticks int64, ok bool) {
	if text == "min" || text == "max" {
		return 0, false
	}
	ticks, fault := decodeTimespan(text)
	return ticks, fault == faultNone
}
