package logformat

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"drumbeat/internal/traffic"
)

// Options are the decisions of a user about how to read lines.
type Options struct {
	// Format is the only format to accept, or FormatAuto.
	Format Format
	// Zone is the zone of times that name none; nil where the user named none.
	Zone *time.Location
	// Now dates times that have no year, in ticks; 0 where the user gave none.
	Now int64
}

// Outcome says what became of a line.
type Outcome struct {
	// Reason is why the line was rejected, or ReasonNone.
	Reason Reason
	// Other is the type of a record that is kept apart, or OtherNone.
	Other OtherType
}

// IsFlow reports whether the line became a row.
func (o Outcome) IsFlow() bool { return o.Reason == ReasonNone && o.Other == OtherNone }

// Parser reads lines into rows. It learns the shapes of lines as it goes, which makes it fast and never changes what
// it finds. A Parser is for one goroutine.
type Parser struct {
	// Counts says what became of the lines since the last Start.
	Counts Counts

	opt Options
	// fast is off in tests that compare the two paths.
	fast bool

	headers []*cefShape
	// templates is the number of templates of all headers.
	templates int
	csvLast   bool // the last line that the fast path read was a native record
	commas    [csvHighRes + 65]int32
	masks     [maxCSVLine / 64]uint64

	scratch []byte // a line with slack behind it
	vals    [wantCount]span
	pairs   []pair
	fields  csvFields
	times   [wantCount]timeCache
	zones   zoneCache
	names   *zoneNames
	ref     func() int64
	last    int64

	device, user, nativeDevice textCache
	// format is the form of the last record that became a row.
	format Format
}

// NewParser makes a parser.
func NewParser(opt Options) *Parser {
	p := newSlowParser(opt)
	p.fast = true
	return &p
}

// newSlowParser makes a parser without the fast path.
func newSlowParser(opt Options) Parser {
	p := Parser{opt: opt, names: new(zoneNames)}
	for i := range p.times {
		p.times[i].names = p.names
	}
	p.device.unescape, p.user.unescape = unescapeToken, unescapeUserToken
	return p
}

// Start makes the parser ready for the next piece of a source: it clears Counts and forgets what it knew from the
// lines before. ref gives the time of a record near the piece, in ticks, or 0; it is asked where a time without a year
// comes before any dated record of the piece, and may be nil. namesReset says that the builder's dictionary was emptied.
func (p *Parser) Start(ref func() int64, namesReset bool) {
	p.Counts = Counts{}
	p.ref, p.last = ref, 0
	if namesReset {
		p.device.forget()
		p.user.forget()
		p.nativeDevice.forget()
	}
}

// Parse reads one line, without its line end, and appends a row to b if it is a TRAFFIC record. number is the line's
// number within the batch's origin. A line that is no record leaves b as it was. What became of the line is counted.
func (p *Parser) Parse(b *traffic.Builder, line []byte, number uint32) Outcome {
	line = trimLine(line)
	if p.fast && (len(line) == 0 || line[0] != '"') { // a quote may open a JSON string
		if p.csvLast && p.csvFast(b, line, number) {
			return Outcome{}
		}
		if p.cefFast(b, line, number) {
			p.csvLast = false
			return Outcome{}
		}
		if !p.csvLast && p.csvFast(b, line, number) {
			p.csvLast = true
			return Outcome{}
		}
	}
	before := p.Counts.Warnings
	o := p.slow(b, line, number)
	if !o.IsFlow() {
		p.count(o, before)
	}
	return o
}

// count adds a line that became no row, and takes back what was found odd about it since before.
func (p *Parser) count(o Outcome, before [warningCount]int64) {
	p.Counts.Warnings = before
	if o.Other != OtherNone {
		p.Counts.Other[o.Other]++
	} else {
		p.Counts.Rejected[o.Reason]++
	}
}

// Reject counts a line that could not be given to Parse.
func (p *Parser) Reject(r Reason) { p.Counts.Rejected[r]++ }

// slow reads a line by the rules of its format alone. A line that holds two messages, as a relay that lost a line
// end leaves them, is read as two where both are records.
func (p *Parser) slow(b *traffic.Builder, line []byte, number uint32) Outcome {
	line = unwrap(line)
	for at, tries := joinedAt(line, 1), 0; at > 0 && tries < maxJoins; at, tries = joinedAt(line, at+1), tries+1 {
		n, saved, last := b.Mark(), p.Counts, p.last
		if p.one(b, trimLine(line[:at]), number).IsFlow() && p.one(b, line[at+1:], number).IsFlow() {
			p.Counts.Warnings[WarnJoined]++
			return Outcome{}
		}
		b.Rollback(n)
		p.Counts, p.last = saved, last
	}
	return p.one(b, line, number)
}

// maxJoins bounds the places at which a line is tried to be cut in two: a header may hold a priority of its own.
const maxJoins = 4

// joinedAt finds the first blank before what may be a second message's priority, from a place on, or -1.
func joinedAt(line []byte, from int) int {
	for at := from; at < len(line); {
		i := bytes.Index(line[at:], []byte(" <"))
		if i < 0 {
			return -1
		}
		at += i
		if priorityLen(line[at+1:]) > 0 && bytes.IndexByte(line[:at], ' ') >= 0 {
			return at
		}
		at++
	}
	return -1
}

// one reads a line that holds one message.
func (p *Parser) one(b *traffic.Builder, line []byte, number uint32) Outcome {
	if len(line) == 0 {
		return Outcome{Other: OtherBlank}
	}
	start := cefStart(line)
	if comma := bytes.IndexByte(line, ','); comma >= 0 && (start < 0 || comma < start) && splitCSV(line, &p.fields) {
		if p.opt.Format == FormatCEF || p.opt.Format == FormatStrata {
			return Outcome{Reason: ReasonOtherFormat}
		}
		return p.slowCSV(b, line, number)
	}
	switch {
	case start >= 0 && p.opt.Format == FormatPanosCSV:
		return Outcome{Reason: ReasonOtherFormat}
	case start >= 0:
		return p.slowCEF(b, line, start, number)
	case bytes.Contains(line[:min(len(line), cefSearch)], []byte("CEF:")):
		return Outcome{Reason: ReasonCutHeader}
	case isBinary(line):
		return Outcome{Reason: ReasonBinary}
	}
	return Outcome{Reason: ReasonUnknownFormat}
}

// isBinary reports whether a line holds bytes that no log text has, near its start.
func isBinary(line []byte) bool {
	for _, c := range line[:min(len(line), 512)] {
		if c < 0x20 && c != '\t' && c != 0x1b {
			return true
		}
	}
	return false
}

// cefShape is what is known of records with one header.
type cefShape struct {
	text      string // from the version to the seventh bar
	kind      cefKind
	templates []*template
	// heads are the first bytes of the templates' extensions, by which most are told apart.
	heads  []uint64
	misses int
}

// cefKind is what a CEF header says of its record.
type cefKind struct {
	flags  uint8
	strata bool
	other  OtherType
}

func classify(h *cefHeader) cefKind {
	if !h.isPaloAlto() {
		return cefKind{other: OtherVendor}
	}
	k := cefKind{strata: h.product == "LF"}
	switch {
	case h.vendor == paloAlto && h.name == "TRAFFIC":
		k.flags = traffic.FlagActivity
	case strings.EqualFold(h.name, "TRAFFIC"), strings.EqualFold(h.classID, "TRAFFIC"):
		k.flags = traffic.FlagOther
	default:
		k.other = otherOf(strings.ToUpper(h.name))
		if k.other == OtherPanos {
			k.other = otherOf(strings.ToUpper(h.classID))
		}
	}
	return k
}

func (p *Parser) slowCEF(b *traffic.Builder, line []byte, start int, number uint32) Outcome {
	n := cefHeaderLen(line[start:])
	if n == 0 {
		return Outcome{Reason: ReasonCutHeader}
	}
	shape := p.shape(line[start : start+n])
	if shape.kind.other != OtherNone {
		return Outcome{Other: shape.kind.other}
	}
	if p.opt.Format == FormatStrata != shape.kind.strata && p.opt.Format != FormatAuto {
		return Outcome{Reason: ReasonOtherFormat}
	}
	ext := start + n
	p.pairs = splitExtension(line[ext:], p.pairs)
	duplicates := p.locatePairs(line, ext)
	tagged := start >= 4 && string(line[start-4:start]) == "CEF:"
	cut := p.cutShort(line[ext:])
	if p.fast && tagged && !duplicates && !cut {
		p.learnCEF(shape, line[ext:])
	}
	o := p.finishCEF(b, line, start, number, shape.kind)
	if duplicates && o.IsFlow() {
		p.Counts.Warnings[WarnDuplicate]++
	}
	if cut && o.IsFlow() {
		p.Counts.Warnings[WarnCut]++
	}
	return o
}

// cutShort reports whether a record was cut, as datagrams are: it has the serial number, which stands early in the
// published templates, and neither the device's name nor the time generated, which stand late. Its last value may be
// half of one; whether it is cannot be known, so it stays.
func (p *Parser) cutShort(ext []byte) bool {
	for _, late := range [...]want{wantStart, wantDevice, wantHighRes} {
		if p.vals[late].from >= 0 {
			return false
		}
	}
	return slices.ContainsFunc(p.pairs, func(pr pair) bool {
		return strings.EqualFold(string(ext[pr.keyFrom:pr.keyTo]), "deviceExternalId")
	})
}

// locatePairs puts the places of the wanted values into p.vals: the first value of a key that is neither blank nor an
// unresolved variable. It reports whether a wanted key came twice.
func (p *Parser) locatePairs(line []byte, ext int) (duplicates bool) {
	p.vals = absent
	for _, pr := range p.pairs {
		w := wantOf(line[ext+pr.keyFrom : ext+pr.keyTo])
		if w == noWant {
			continue
		}
		v := &p.vals[w]
		if v.from >= 0 {
			duplicates = true
			if t := p.value(line, w); len(t) > 0 && t[0] != '$' {
				continue
			}
		}
		// A blank value after a variable leaves the variable, which is worth a warning.
		if next := (span{int32(ext + pr.valFrom), int32(ext + pr.valTo)}); v.to <= v.from || next.to > next.from {
			*v = next
		}
	}
	return duplicates
}

// absent is the state of values before any is located.
var absent = func() (v [wantCount]span) {
	for i := range v {
		v[i] = span{-1, -1}
	}
	return v
}()

// shape finds or makes what is kept of a header. Headers past the limit are read but not kept.
func (p *Parser) shape(header []byte) *cefShape {
	for i, s := range p.headers {
		if s.text == string(header) {
			p.headers[0], p.headers[i] = p.headers[i], p.headers[0]
			return s
		}
	}
	h := parseCEFHeader(header)
	s := &cefShape{text: string(header), kind: classify(&h)}
	// Headers of other records have no templates, and those of other vendors may be without number.
	if s.kind.other == OtherNone && len(p.headers) < maxShapes {
		p.headers = append(p.headers, s)
	}
	return s
}

// maxShapes bounds the headers that are kept; a network has a few dozen: versions by subtypes.
const maxShapes = 256

// value gives the text of a wanted value, without blanks round it.
func (p *Parser) value(line []byte, w want) []byte {
	v := p.vals[w]
	if v.from < 0 {
		return nil
	}
	t := line[v.from:v.to]
	if len(t) > 0 && (isBlank(t[0]) || isBlank(t[len(t)-1])) {
		return trimBlanks(t)
	}
	return t
}

// finishCEF turns the located values of a CEF record into a row. start is where the record begins.
func (p *Parser) finishCEF(b *traffic.Builder, line []byte, start int, number uint32, k cefKind) Outcome {
	r := traffic.Row{Line: number, Flags: k.flags}
	ticks, from, reason := p.time(line, start, k.strata)
	if reason != ReasonNone {
		return Outcome{Reason: reason}
	}
	r.Time = ticks
	if !p.addresses(b, line, &r, false) {
		return Outcome{Reason: ReasonNoAddress}
	}
	p.numbers(line, &r)
	r.Device = p.device.code(p, b.Names(), p.value(line, wantDevice))
	r.UserID = p.user.code(p, b.Names(), p.value(line, wantUserID))
	format := FormatCEF
	if k.strata {
		format = FormatStrata
	}
	p.put(b, &r, format, from)
	return Outcome{}
}

// put appends a row and counts it.
func (p *Parser) put(b *traffic.Builder, r *traffic.Row, f Format, from TimeSource) {
	c := &p.Counts
	if c.Flows == 0 {
		c.First, c.Last = r.Time, r.Time
	}
	c.First, c.Last = min(c.First, r.Time), max(c.Last, r.Time)
	c.Flows++
	c.Formats[f]++
	c.TimeFrom[from]++
	p.format = f
	b.Put(r)
}

// addresses reads source and destination. It gives false where a record has neither.
func (p *Parser) addresses(b *traffic.Builder, line []byte, r *traffic.Row, native bool) bool {
	if v := p.vals[wantSrc]; !setIPv4(&r.Src, line, v) {
		r.Src = p.address(b, line, wantSrc, wantSrc6, native)
	}
	if v := p.vals[wantDst]; !setIPv4(&r.Dst, line, v) {
		r.Dst = p.address(b, line, wantDst, wantDst6, native)
	}
	return r.Src.Kind != traffic.AddrNone || r.Dst.Kind != traffic.AddrNone
}

// setIPv4 reads the common form of an address.
func setIPv4(a *traffic.Addr, line []byte, v span) bool {
	if v.from < 0 {
		return false
	}
	ip, ok := traffic.ParseIPv4(line[v.from:v.to])
	if ok {
		a.SetV4(ip)
	}
	return ok
}

// address reads one address: the second place is where old templates put IPv6. Native records have no escapes and no
// variables.
func (p *Parser) address(b *traffic.Builder, line []byte, first, second want, native bool) traffic.Addr {
	t := p.value(line, first)
	if ip, ok := traffic.ParseIPv4(t); ok {
		return traffic.V4(ip)
	}
	if !native {
		if t = p.known(t); len(t) == 0 {
			t = p.known(p.value(line, second))
		}
	}
	a := traffic.ParseAddr(t)
	if a.Kind == traffic.AddrText {
		text := string(unquote(t))
		if !native {
			text = unescapeValue(t)
		}
		a.Text = b.Names().CodeString(p.clean(text))
	}
	return a
}

// known gives a value, or nothing where it is a variable that was not resolved.
func (p *Parser) known(t []byte) []byte {
	if len(t) > 0 && t[0] == '$' {
		p.Counts.Warnings[WarnToken]++
		return nil
	}
	return t
}

// numbers reads port and byte counts.
func (p *Parser) numbers(line []byte, r *traffic.Row) {
	var bad bool
	if r.DstPort, _, bad = parsePort(p.value(line, wantDstPort)); bad {
		p.Counts.Warnings[WarnPort]++
	}
	if r.ReceivedBytes, _, bad = parseCount(p.value(line, wantIn)); bad {
		p.Counts.Warnings[WarnBytes]++
	}
	if r.SentBytes, _, bad = parseCount(p.value(line, wantOut)); bad {
		p.Counts.Warnings[WarnBytes]++
	}
}

func (p *Parser) slowCSV(b *traffic.Builder, line []byte, number uint32) Outcome {
	c := &p.fields
	kind := c.text(line, csvType)
	if string(kind) != "TRAFFIC" {
		for i := range c.fields {
			if c.isTraffic(line, i) {
				return Outcome{Reason: ReasonFieldOrder}
			}
		}
		if !isUpperWord(kind) {
			return Outcome{Reason: ReasonUnknownFormat}
		}
		return Outcome{Other: otherOf(string(kind))}
	}
	if len(c.fields) < csvMinFields {
		return Outcome{Reason: ReasonCutFields}
	}
	p.vals = absent
	for i := range c.fields {
		if w := csvWant(i); w != noWant {
			p.vals[w] = c.fields[i]
		}
	}
	p.findHighRes(line)
	o := p.finishCSV(b, line, c.prefix, len(c.fields), number)
	if o.IsFlow() && c.shifted {
		p.Counts.Warnings[WarnShifted]++
	}
	return o
}

func isUpperWord(p []byte) bool {
	for _, c := range p {
		if (c < 'A' || c > 'Z') && c != '-' && c != ' ' {
			return false
		}
	}
	return len(p) > 1
}

// findHighRes looks for the high-resolution stamp by its form where it does not stand in its field: an unquoted list
// in front of it moves it.
func (p *Parser) findHighRes(line []byte) {
	v := p.vals[wantHighRes]
	if v.from < 0 || isHighRes(line[v.from:v.to]) {
		return
	}
	p.vals[wantHighRes] = span{-1, -1}
	for i := 90; i < len(p.fields.fields); i++ {
		if f := p.fields.fields[i]; isHighRes(line[f.from:f.to]) {
			p.vals[wantHighRes] = f
			return
		}
	}
}

// isHighRes recognises "2026-03-02T10:00:00.123…".
func isHighRes(t []byte) bool {
	return len(t) >= 23 && isDigits(t[:4]) && t[4] == '-' && t[7] == '-' && t[10] == 'T' && t[19] == '.' && isDigits(t[20:23])
}

// finishCSV turns the located values of a native record into a row. The byte counts go where the published CEF
// template puts them: what the client sent into ReceivedBytes, so that a rule gives the same on both formats.
func (p *Parser) finishCSV(b *traffic.Builder, line []byte, prefix, fields int, number uint32) Outcome {
	r := traffic.Row{Line: number, Flags: traffic.FlagActivity}
	ticks, from, reason := p.time(line, prefix, false)
	if reason != ReasonNone {
		return Outcome{Reason: reason}
	}
	r.Time = ticks
	if !p.addresses(b, line, &r, true) {
		return Outcome{Reason: ReasonNoAddress}
	}
	p.numbers(line, &r)
	name := p.value(line, wantDevice)
	if bytes.IndexByte(name, '"') >= 0 {
		name = unquote(name)
	}
	r.Device = p.nativeDevice.code(p, b.Names(), name)
	if fields < csvFullFields {
		p.Counts.Warnings[WarnCut]++
	}
	p.put(b, &r, FormatPanosCSV, from)
	return Outcome{}
}
