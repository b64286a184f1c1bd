package logformat

import (
	"bytes"
	"slices"
	"strings"

	"drumbeat/internal/traffic"
)

// Direction finds, for each device, which of CEF's "in" and "out" is what the client sent. The published on-box
// template writes in=$bytes_sent; Strata Logging Service and some current templates write the opposite. The evidence
// is records in which the server cannot have sent anything: a session of one packet, one without a packet received,
// or one that was dropped. The zero value has seen nothing.
type Direction struct {
	votes map[string]*votes
}

type votes struct {
	strata          bool
	inSent, outSent int64
}

// minVotes is the number of telling records from which a device's own evidence is taken, and maxDevices bounds the
// devices that are kept.
const (
	minVotes   = 20
	maxDevices = 4096
)

// Observe takes the evidence of one record.
func (d *Direction) Observe(r *Record) {
	if r.Format == FormatPanosCSV {
		return
	}
	if d.votes == nil {
		d.votes = make(map[string]*votes)
	}
	v := d.votes[r.Device]
	if v == nil {
		if len(d.votes) >= maxDevices {
			return
		}
		v = &votes{strata: r.Format == FormatStrata}
		d.votes[r.Device] = v
	}
	dropped := r.Subtype == "drop" || r.Subtype == "deny"
	if r.Packets != 1 && r.PacketsReceived != 0 && !dropped {
		return
	}
	switch {
	case r.In > 0 && r.Out <= 0:
		v.inSent++
	case r.Out > 0 && r.In <= 0:
		v.outSent++
	}
}

// Add adds the evidence of another Direction.
func (d *Direction) Add(other *Direction) {
	if d.votes == nil {
		d.votes = make(map[string]*votes)
	}
	names := make([]string, 0, len(other.votes))
	for name := range other.votes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		o, v := other.votes[name], d.votes[name]
		if v == nil {
			if len(d.votes) >= maxDevices {
				continue
			}
			v = &votes{strata: o.strata}
			d.votes[name] = v
		}
		v.inSent += o.inSent
		v.outSent += o.outSent
	}
}

// Decision is what was decided for one device.
type Decision struct {
	// Device is the device's name.
	Device string
	// InIsSent says that "in" is what the client sent.
	InIsSent bool
	// For and Against count the telling records on either side.
	For, Against int64
	// Assumed says that too few telling records were seen, or that they disagree, and the product's default holds.
	Assumed bool
}

func (v *votes) decide(device string) Decision {
	total := v.inSent + v.outSent
	if total >= minVotes && max(v.inSent, v.outSent)*10 >= total*9 {
		in := v.inSent > v.outSent
		return Decision{Device: device, InIsSent: in, For: max(v.inSent, v.outSent), Against: min(v.inSent, v.outSent)}
	}
	d := Decision{Device: device, InIsSent: !v.strata, Assumed: true}
	d.For, d.Against = v.inSent, v.outSent
	if v.strata {
		d.For, d.Against = v.outSent, v.inSent
	}
	return d
}

// Decisions lists what was decided, by device name.
func (d *Direction) Decisions() []Decision {
	out := make([]Decision, 0, len(d.votes))
	for name, v := range d.votes {
		out = append(out, v.decide(name))
	}
	slices.SortFunc(out, func(a, b Decision) int { return strings.Compare(a.Device, b.Device) })
	return out
}

// Bytes gives what the client sent and what it received by a record, corrected for its device.
func (d *Direction) Bytes(r *Record) (sent, received int64) {
	if r.Format == FormatPanosCSV {
		return r.In, r.Out
	}
	v := d.votes[r.Device]
	if v == nil {
		v = &votes{strata: r.Format == FormatStrata}
	}
	if v.decide(r.Device).InIsSent {
		return r.In, r.Out
	}
	return r.Out, r.In
}

// Votes takes the evidence on byte directions from the first lines of a source, at most so many. A last line without
// its end is left out.
func Votes(opt Options, text []byte, lines int) Direction {
	var d Direction
	r := NewReader(opt)
	r.Start(nil)
	for range lines {
		line, rest, found := bytes.Cut(text, []byte{'\n'})
		if !found {
			break
		}
		text = rest
		records, _ := r.Read(line)
		for _, rec := range records {
			d.Observe(rec)
		}
	}
	return d
}

// FirstDated gives the time, in ticks, of the first record of a text that names its year, or 0 where there is none. It
// dates times without a year that stand near it. A last line without its end is left out.
func FirstDated(opt Options, text []byte) int64 {
	p := newSlowParser(opt)
	var b traffic.Builder
	p.Start(nil, b.Reset(traffic.Origin{}))
	for {
		line, rest, found := bytes.Cut(text, []byte{'\n'})
		if !found {
			return 0
		}
		text = rest
		undated := p.Counts.Warnings[WarnNoYear]
		if p.Parse(&b, line, 0).IsFlow() && p.Counts.Warnings[WarnNoYear] == undated {
			return b.Batch().Time[0]
		}
		b.Rollback(0)
	}
}
