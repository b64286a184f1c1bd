package logformat

import (
	"bytes"
	"math"

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
		i := bytes.Index(line[:min(len(line), cefSearch)], []byte("CEF:"))
		// A comma before the record may make it a native one, a quote a JSON text.
		if i < 0 || line[0] == '"' || bytes.IndexByte(line[:i], ',') >= 0 {
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
	for i, t := range shape.templates {
		if !t.locateCEF(wide, at, len(line), &p.vals) {
			continue
		}
		if i > 0 {
			shape.templates[0], shape.templates[i] = t, shape.templates[0]
		}
		before := p.Counts.Warnings
		if !p.finishCEF(b, line, start, number, shape.kind).IsFlow() {
			p.Counts.Warnings = before // the slow parser looks at the line again
			return false
		}
		return true
	}
	return false
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

// csvFast reads a native record by the templates learned so far.
func (p *Parser) csvFast(b *traffic.Builder, line []byte, number uint32) bool {
	if len(p.csv) == 0 || p.opt.Format == FormatCEF || p.opt.Format == FormatStrata {
		return false
	}
	comma := bytes.IndexByte(line, ',')
	if comma < 1 || comma >= len(line) || line[comma-1] != '1' || comma > 1 && line[comma-2] != ' ' {
		return false
	}
	prefix := comma - 1
	if bytes.IndexByte(line[:prefix], '|') >= 0 { // it may be CEF
		return false
	}
	wide := p.withSlack(line)
	for i, t := range p.csv {
		if !t.locateCSV(wide, prefix, len(line), &p.vals) {
			continue
		}
		if i > 0 {
			p.csv[0], p.csv[i] = t, p.csv[0]
		}
		before := p.Counts.Warnings
		if !p.finishCSV(b, line, prefix, number).IsFlow() {
			p.Counts.Warnings = before // the slow parser looks at the line again
			return false
		}
		return true
	}
	return false
}

// learnCSV teaches the native templates a line that the slow parser has split into p.fields.
func (p *Parser) learnCSV(line []byte) {
	if !mayLearn(&p.csvMiss) {
		return
	}
	covered := csvCovered(len(p.fields.fields))
	if string(p.fields.text(line, 0)) != "1" || p.fields.quotedBefore(line, covered) {
		return
	}
	if h := p.vals[wantHighRes]; h.from >= 0 && h != p.fields.fields[csvHighRes] {
		return
	}
	for _, t := range p.csv {
		if t.fields == covered {
			t.update(line, &p.fields)
			t.buildCSV()
			return
		}
	}
	t := &template{fields: covered, maxCommas: csvSlack(covered)}
	for i := range covered {
		w := csvWant(i)
		t.values = append(t.values, string(p.fields.text(line, i)))
		t.wants = append(t.wants, w)
		t.varies = append(t.varies, w != noWant)
	}
	t.buildCSV()
	p.csv = append(p.csv, t)
}

// csvCovered gives the number of fields that a template must cover for a record of n fields: up to the last wanted.
func csvCovered(n int) int {
	switch {
	case n > csvHighRes:
		return csvHighRes + 1
	case n > csvDevice:
		return csvDevice + 1
	}
	return csvReceivd + 1
}

// csvSlack gives how many commas may stand behind the covered fields before the next wanted field is reached.
func csvSlack(covered int) int {
	switch covered {
	case csvHighRes + 1:
		return math.MaxInt
	case csvDevice + 1:
		return csvHighRes - csvDevice - 1
	}
	return csvDevice - csvReceivd - 1
}

// quotedBefore reports whether any of the first n fields is not plain text from comma to comma.
func (c *csvFields) quotedBefore(line []byte, n int) bool {
	for i := range n {
		f := c.fields[i]
		if i > 0 && (f.from == 0 || line[f.from-1] != ',') || bytes.IndexByte(line[f.from:f.to], ',') >= 0 {
			return true
		}
	}
	return false
}

func (t *template) update(line []byte, c *csvFields) {
	for i := range t.fields {
		if t.values[i] != string(c.text(line, i)) {
			t.varies[i] = true
		}
	}
}

func (t *template) buildCSV() {
	t.segs = t.segs[:0]
	text := ""
	for i := range t.fields {
		if i > 0 {
			text += ","
		}
		if !t.varies[i] {
			text += t.values[i]
			continue
		}
		t.segs = append(t.segs, newSegment(text, t.wants[i]))
		text = ""
	}
	t.tail = text
}

// locateCSV matches the fields from prefix on, up to n; p has slack behind n. The last covered field is always a
// wanted one, so there is no tail.
func (t *template) locateCSV(p []byte, prefix, n int, vals *[wantCount]span) bool {
	*vals = absent
	pos := prefix
	for i := range t.segs {
		s := &t.segs[i]
		if pos+len(s.text) > n || !s.at(p, pos) {
			return false
		}
		pos += len(s.text)
		if c := p[pos]; c == '"' || c == '{' || c == '\\' {
			return false
		}
		end := indexByte16(p, pos, n, commas)
		if s.want != noWant {
			vals[s.want] = span{int32(pos), int32(end)}
		}
		pos = end
	}
	if h := vals[wantHighRes]; h.from >= 0 && h.from != h.to && !isHighRes(p[h.from:h.to]) {
		return false
	}
	rest := p[pos:n] // a second message may hide in it, see joinedAt
	return bytes.Count(rest, []byte(",")) <= t.maxCommas && bytes.IndexByte(rest, '<') < 0
}
