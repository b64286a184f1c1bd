package logformat

import (
	"bytes"
	"math/bits"

	"drumbeat/internal/traffic"
)

// A native record without quotes and braces is split by its commas alone, so the fast path only finds commas. Lines with
// a quote or a brace before the last wanted field go to the slow parser; new versions of PAN-OS have a quoted list
// behind it.

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
// has its high-resolution stamp in another field, or may open a second message, see joinedAt.
func (p *Parser) walkCSV(line []byte, prefix, n int) int {
	at := &p.commas
	fields, odd, angle := p.findCommas(line, prefix, n)
	// What lies behind the last wanted field cannot move it: commas in quotes only make a record look longer.
	end := n
	switch {
	case fields > csvHighRes+1:
		end = int(at[csvHighRes])
	case fields > csvDevice+1 && fields <= csvHighRes:
		end = int(at[csvDevice])
	}
	if odd < end || angle < n {
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

// csvBorders are the commas that border wanted fields, from and to, in order: those between are counted only.
var csvBorders = [...]struct{ from, to int }{
	{0, csvDst},
	{csvDstPort - 1, csvDstPort},
	{csvSent - 1, csvReceivd},
	{csvDevice - 1, csvDevice},
	{csvHighRes - 1, csvHighRes},
	{1 << 30, 1 << 30},
}

// maxCSVLine is the length up to which a record has a fast path; PAN-OS writes about 600 bytes.
const maxCSVLine = 8 << 10

// findCommas puts the places of the commas of line[prefix:n] that border a wanted field into p.commas, the line's end
// after the last. It gives the number of fields, and where the first quote or brace and the first "<" stand, n or more
// where there is none. A record that is too long has no fields.
func (p *Parser) findCommas(line []byte, prefix, n int) (fields, odd, angle int) {
	if n-prefix > maxCSVLine {
		return 0, n, n
	}
	odd, angle = commas(line[prefix:], n-prefix, p.masks[:])
	at, seen, border := &p.commas, 0, 0
	words := (n - prefix + 63) / 64
	if tail := (n - prefix) % 64; tail > 0 {
		p.masks[words-1] &= 1<<tail - 1
	}
	for i, m := range p.masks[:words] {
		count := bits.OnesCount64(m)
		if seen+count <= csvBorders[border].from || seen+count > csvHighRes+64 {
			seen += count
			continue
		}
		from := prefix + i*64
		for ; m != 0; m &= m - 1 {
			at[seen] = int32(from + bits.TrailingZeros64(m))
			seen++
		}
		for seen > csvBorders[border].to {
			border++
		}
	}
	if seen <= csvHighRes+64 {
		at[seen] = int32(n)
	}
	return seen + 1, odd + prefix, angle + prefix
}
