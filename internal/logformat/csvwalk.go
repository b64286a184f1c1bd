package logformat

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"drumbeat/internal/traffic"
)

// A native record without quotes and braces is split by its commas alone, so the fast path only finds commas, eight
// bytes at a time. Lines with a quote or a brace before the last wanted field go to the slow parser; new versions of
// PAN-OS have a quoted list behind it.

// csvFast reads a native record. It gives false, and leaves all as it was, where the line must go to the slow parser.
func (p *Parser) csvFast(b *traffic.Builder, line []byte, number uint32) bool {
	if p.opt.Format != FormatAuto && p.opt.Format != FormatPanosCSV {
		return false
	}
	comma := bytes.IndexByte(line, ',')
	if comma < 1 || line[comma-1] != '1' || comma > 1 && line[comma-2] != ' ' {
		return false
	}
	prefix := comma - 1
	if bytes.IndexByte(line[:prefix], '|') >= 0 { // it may be CEF
		return false
	}
	if bytes.IndexByte(line[prefix:], '<') >= 0 { // it may open a second message, see joinedAt
		return false
	}
	fields := p.walkCSV(p.withSlack(line), prefix, len(line))
	if fields == 0 {
		return false
	}
	before, last := p.Counts.Warnings, p.last
	if !p.finishCSV(b, line, prefix, fields, number).IsFlow() {
		p.Counts.Warnings, p.last = before, last // the slow parser looks at the line again
		return false
	}
	return true
}

// walkCSV puts the places of the wanted fields of line[prefix:n] into p.vals; line has slack behind n. It gives the
// number of fields, exact up to those of the oldest format, or 0 where the record is no TRAFFIC record, is cut short,
// or has its high-resolution stamp in another field.
func (p *Parser) walkCSV(line []byte, prefix, n int) int {
	at, fields := &p.commas, p.findCommas(line, prefix, n)
	// What lies behind the last wanted field cannot move it: commas in quotes only make a record look longer.
	end := int32(n)
	switch {
	case fields > csvHighRes+1:
		end = at[csvHighRes]
	case fields > csvDevice+1 && fields <= csvHighRes:
		end = at[csvDevice]
	}
	wanted := line[prefix:end]
	if bytes.IndexByte(wanted, '"') >= 0 || bytes.IndexByte(wanted, '{') >= 0 {
		return 0
	}
	if fields < csvMinFields || string(line[at[csvType-1]+1:at[csvType]]) != "TRAFFIC" {
		return 0
	}
	p.vals = absent
	p.vals[wantReceipt] = span{at[csvReceived-1] + 1, at[csvReceived]}
	p.vals[wantStart] = span{at[csvTime-1] + 1, at[csvTime]}
	p.vals[wantSrc] = span{at[csvSrc-1] + 1, at[csvSrc]}
	p.vals[wantDst] = span{at[csvDst-1] + 1, at[csvDst]}
	p.vals[wantDstPort] = span{at[csvDstPort-1] + 1, at[csvDstPort]}
	p.vals[wantIn] = span{at[csvSent-1] + 1, at[csvSent]}
	p.vals[wantOut] = span{at[csvReceivd-1] + 1, at[csvReceivd]}
	if fields > csvDevice {
		p.vals[wantDevice] = span{at[csvDevice-1] + 1, at[csvDevice]}
	}
	if fields <= csvHighRes {
		return fields
	}
	h := span{at[csvHighRes-1] + 1, at[csvHighRes]}
	if p.vals[wantHighRes] = h; !isHighRes(line[h.from:h.to]) {
		return 0
	}
	return fields
}

// csvLeaps lists the stretches without a wanted field: from behind the first comma to before the second.
var csvLeaps = [...]struct{ from, to int }{{csvDst, csvDstPort - 1}, {csvReceivd, csvDevice - 1}}

// leapMargin is by how much a leap falls short of the stretch's length in the line before: lengths vary.
const leapMargin = 24

// findCommas puts the places of the commas of line[prefix:n] that border a wanted field into p.commas, the line's end
// after the last, and gives the number of fields, at most one more than are wanted. It leaps over most of what lies
// between: as far as in the line before, less a margin, if the commas there, which are counted at the speed of memory,
// are not too many.
func (p *Parser) findCommas(line []byte, prefix, n int) int {
	at := &p.commas
	seen, enough, leap := 0, csvDevice, 0
	start := [len(csvLeaps)]int{}
	for pos := prefix; pos < n; pos += 8 {
		if leap < len(csvLeaps) && seen > csvLeaps[leap].from {
			start[leap] = pos
			if to := min(pos+p.leaps[leap], n); to > pos {
				if count := bytes.Count(line[pos:to], []byte{','}); seen+count <= csvLeaps[leap].to {
					pos, seen = to, seen+count
				}
			}
			leap++
		}
		if seen > enough {
			// Few records have the next wanted field, and commas are counted faster than found.
			if enough == csvHighRes || seen+bytes.Count(line[pos:n], []byte{','}) < csvHighRes {
				break
			}
			enough = csvHighRes
		}
		m := commaBits(binary.LittleEndian.Uint64(line[pos:]))
		if n-pos < 8 {
			m &= 1<<(8*max(n-pos, 0)) - 1
		}
		// Two places are written whether there are commas or not: a branch that guesses wrong costs more.
		count := bits.OnesCount64(m)
		at[seen] = int32(pos + bits.TrailingZeros64(m)>>3)
		m &= m - 1
		at[seen+1] = int32(pos + bits.TrailingZeros64(m)>>3)
		for i := 2; i < count; i++ {
			m &= m - 1
			at[seen+i] = int32(pos + bits.TrailingZeros64(m)>>3)
		}
		seen += count
	}
	at[seen] = int32(n)
	for i, s := range csvLeaps {
		if i < leap && seen > s.to {
			p.leaps[i] = int(at[s.to]) - start[i] - leapMargin
		}
	}
	return seen + 1
}

// commaBits marks the commas among eight bytes, each by the high bit of its byte.
func commaBits(w uint64) uint64 {
	const low7 = 0x7F7F7F7F7F7F7F7F
	x := w ^ 0x2C2C2C2C2C2C2C2C
	return ^(x&low7 + low7 | x | low7)
}
