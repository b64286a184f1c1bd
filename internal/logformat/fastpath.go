package logformat

import (
	"bytes"
	"encoding/binary"

	"drumbeat/internal/traffic"
)

// cefFast reads a CEF line by the templates of its header. It gives false, and leaves all as it was, where the line
// must go to the slow parser.
func (p *Parser) cefFast(b *traffic.Builder, line []byte, number uint32) bool {
	if len(p.headers) == 0 {
		return false
	}
	start := 4
	if len(line) < 4 || string(line[:4]) != "CEF:" {
		i := bytes.Index(line[:min(len(line), cefSearch-maxVersion)], []byte("CEF:"))
		// A comma before the record may make it a native one, a bar a record that another one follows.
		if i < 0 || bytes.IndexByte(line[:i], ',') >= 0 || bytes.IndexByte(line[:i], '|') >= 0 {
			return false
		}
		start = i + 4
	}
	shape := p.knownShape(line[start:])
	if shape == nil || p.opt.Format != FormatAuto && (p.opt.Format == FormatStrata) != shape.kind.strata ||
		p.opt.Format == FormatPanosCSV {
		return false
	}
	at, wide := start+len(shape.text), p.withSlack(line)
	opening := binary.LittleEndian.Uint64(wide[at:])
	for i, head := range shape.heads {
		if head != opening && head != 0 || !shape.templates[i].locateCEF(wide, at, len(line), &p.vals) {
			continue
		}
		if i > 0 {
			shape.toFront(i)
		}
		before, last := p.Counts.Warnings, p.last
		if !p.finishCEF(b, line, start, number, shape.kind).IsFlow() {
			p.Counts.Warnings, p.last = before, last // the slow parser looks at the line again
			return false
		}
		return true
	}
	return false
}

// toFront makes a template the first that is tried.
func (s *cefShape) toFront(i int) {
	s.templates[0], s.templates[i] = s.templates[i], s.templates[0]
	s.heads[0], s.heads[i] = s.heads[i], s.heads[0]
}

// knownShape finds the shape whose header opens p.
func (p *Parser) knownShape(rest []byte) *cefShape {
	for i, s := range p.headers {
		if hasTextAt(rest, 0, s.text) {
			if i > 0 {
				// One step forward: what is frequent rises, and two that alternate do not fight for the first place.
				p.headers[i-1], p.headers[i] = s, p.headers[i-1]
			}
			return s
		}
	}
	return nil
}
