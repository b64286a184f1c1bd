package synth

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Format is the spelling of the records.
type Format string

// The formats that can be written.
const (
	CEF    Format = "cef"       // PAN-OS custom log format, as the vendor's guide gives it
	CSV    Format = "panos-csv" // PAN-OS default format
	Strata Format = "strata"    // CEF of the Strata Logging Service
)

// Formats lists every Format.
func Formats() []string { return []string{string(CEF), string(CSV), string(Strata)} }

// Prefix is what stands on a line before the record.
type Prefix string

// The syslog headers that can be written.
const (
	NoPrefix Prefix = "none"
	RFC3164  Prefix = "rfc3164"
	RFC5424  Prefix = "rfc5424"
)

// Prefixes lists every Prefix.
func Prefixes() []string { return []string{string(NoPrefix), string(RFC3164), string(RFC5424)} }

// Entropy says how much the firewalls differ from each other.
type Entropy string

// The degrees of difference.
const (
	// LowEntropy: one template on all firewalls, short names.
	LowEntropy Entropy = "low"
	// HighEntropy: each firewall has its own order of keys, some have no
	// labels, and names of rules and zones hold blanks, commas and equals signs.
	HighEntropy Entropy = "high"
)

// Entropies lists every Entropy.
func Entropies() []string { return []string{string(LowEntropy), string(HighEntropy)} }

// World is a company, a span of time, and how its firewalls write. Change the
// one from [Default].
type World struct {
	Seed      uint64
	From      time.Time
	Days      float64 // length of the span; may be a fraction
	Machines  int     // hosts inside the company
	Firewalls int
	Users     int   // people known to User-ID; 0: the logs name no user
	Flows     int64 // records to write, met within about 3 %
	Channels  int64 // different (source, destination, port, protocol), roughly; 0: as it comes
	Drops     float64
	Loss      float64 // share of records that never reach the log
	LogStart  bool    // a record at the start of each session, too
	Profile   string  // one of Profiles
	Beacons   []Beacon

	Format    Format
	Version   string // one of Versions; in CSV also "6.0"
	Prefix    Prefix
	UTCOffset time.Duration // of the firewalls' and the people's clocks
	Entropy   Entropy
}

// Default is a company of 300 machines on a Monday, with the shipped beacons.
func Default() World {
	return World{
		Seed:      1,
		From:      time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Days:      1,
		Machines:  300,
		Firewalls: 2,
		Users:     200,
		Flows:     200_000,
		Drops:     0.05,
		Profile:   "office",
		Beacons:   Beacons(12),
		Format:    CEF,
		Version:   "9.1",
		Prefix:    RFC3164,
		Entropy:   LowEntropy,
	}
}

// Stats says what was written.
type Stats struct {
	Records int64     // lines
	Bytes   int64     // of log, without the truth
	Blocked int64     // records of subtype drop or deny
	Lost    int64     // records that World.Loss took
	Beats   int64     // check-ins of beacons that the log holds
	Beacons int       // planted
	Pollers int       // planted
	First   time.Time // when the first record was written by its firewall
	Last    time.Time
}

// Limits of a World, so that every number has room in the records.
const (
	maxMachines  = 1_000_000
	maxFirewalls = 250
	maxDays      = 400
	maxFlows     = 100_000_000_000
)

// FieldError says which field of a World is wrong, and what is allowed.
type FieldError struct {
	Field string // name of the field, as in World
	Value string
	Want  string
}

// Error is one sentence: the field, its value and what is allowed.
func (e *FieldError) Error() string {
	return fmt.Sprintf("%s is %s; allowed: %s", e.Field, e.Value, e.Want)
}

func bad(field string, value any, want string, args ...any) error {
	return &FieldError{Field: field, Value: fmt.Sprint(value), Want: fmt.Sprintf(want, args...)}
}

func oneOf(field, value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return bad(field, fmt.Sprintf("%q", value), "%s", strings.Join(allowed, ", "))
}

// Validate reports the first field that no company can have, as a [*FieldError]
// or, for a beacon, an error that names it.
func (w World) Validate() error {
	checks := []error{
		oneOf("Format", string(w.Format), Formats()),
		oneOf("Prefix", string(w.Prefix), Prefixes()),
		oneOf("Entropy", string(w.Entropy), Entropies()),
		oneOf("Profile", w.Profile, Profiles()),
		oneOf("Version", w.Version, w.versions()),
		w.validateNumbers(),
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	for i, b := range w.Beacons {
		if err := b.validate(w.span()); err != nil {
			return fmt.Errorf("beacon %d (%s): %w", i+1, b, err)
		}
	}
	return nil
}

func (w World) validateNumbers() error {
	switch {
	case w.Machines < 4 || w.Machines > maxMachines:
		return bad("Machines", w.Machines, "4 to %d", maxMachines)
	case w.Firewalls < 1 || w.Firewalls > maxFirewalls:
		return bad("Firewalls", w.Firewalls, "1 to %d", maxFirewalls)
	case w.Users < 0 || w.Users > maxMachines:
		return bad("Users", w.Users, "0 to %d", maxMachines)
	case w.Flows < 1 || w.Flows > maxFlows:
		return bad("Flows", w.Flows, "1 to %d", int64(maxFlows))
	case w.Channels < 0 || w.Channels > maxFlows:
		return bad("Channels", w.Channels, "0 (as it comes) or more")
	case !(w.Days >= 1.0/1440 && w.Days <= maxDays):
		return bad("Days", w.Days, "0.0007 (one minute) to %d", maxDays)
	case !(w.Drops >= 0 && w.Drops <= 0.9):
		return bad("Drops", w.Drops, "0 to 0.9")
	case !(w.Loss >= 0 && w.Loss <= 0.9):
		return bad("Loss", w.Loss, "0 to 0.9")
	case w.UTCOffset < -14*time.Hour || w.UTCOffset > 14*time.Hour || w.UTCOffset%time.Minute != 0:
		return bad("UTCOffset", w.UTCOffset, "whole minutes between -14h and 14h")
	case w.From.Year() < 1971 || w.From.Year() > 2200:
		return bad("From", w.From.Format(time.RFC3339), "a time between 1971 and 2200")
	}
	return nil
}

func (w World) span() time.Duration {
	return time.Duration(w.Days * float64(24*time.Hour)).Round(time.Millisecond)
}

func (w World) versions() []string {
	if w.Format == CSV {
		return append([]string{"6.0"}, Versions()...)
	}
	return Versions()
}
