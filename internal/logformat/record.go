package logformat

import (
	"math"
	"strconv"
	"strings"

	"drumbeat/internal/traffic"
)

// Kind is the type of a field's value.
type Kind uint8

// The kinds of value.
const (
	// KindText is a string; Field.Text holds it.
	KindText Kind = iota
	// KindNumber is an int or a long; Field.Number holds it.
	KindNumber
	// KindTime is a datetime; Field.Number holds it in ticks.
	KindTime
)

// Field is a CommonSecurityLog column of one record.
type Field struct {
	Name   string
	Kind   Kind
	Text   string
	Number int64
}

// Record is one TRAFFIC record in full: what its CommonSecurityLog row holds, and what drumbeat makes of it.
type Record struct {
	// Format is the form of the line.
	Format Format
	// Fields are the CommonSecurityLog columns that the record has, TimeGenerated first.
	Fields []Field
	// Time is TimeGenerated and Start the beginning of the session, in ticks; Start is Unknown where the record
	// does not tell.
	Time, Start int64
	// Seconds is how long the session was, or Unknown.
	Seconds int64
	// In and Out are the byte counts in the order that Direction needs; for native records In is what the client
	// sent. Unknown where the record has none.
	In, Out int64
	// Packets and PacketsReceived are packet counts, or Unknown.
	Packets, PacketsReceived int64
	// Subtype is start, end, drop or deny.
	Subtype string
	// User is the source's user under the name that identifies it best, or empty.
	User string
	// Device is the name of the firewall, or its serial number where it has none.
	Device string
	// Warnings lists what was odd, each once.
	Warnings []Warning

	index map[string]int
	extra strings.Builder
}

// Reader explains lines one at a time. It reads each line by the same rules as a Parser, without its fast path.
type Reader struct {
	p Parser
	b traffic.Builder
}

// NewReader makes a reader.
func NewReader(opt Options) *Reader {
	return &Reader{p: newSlowParser(opt)}
}

// Start makes the reader ready for the next source, as Parser.Start does for the parser.
func (r *Reader) Start(ref func() int64) { r.p.Start(ref, r.b.Reset(traffic.Origin{})) }

// Counts says what became of the lines since Start.
func (r *Reader) Counts() *Counts { return &r.p.Counts }

// Read reads one line and gives its records: one, or two where two messages stand in one line, or none where the
// outcome says why.
func (r *Reader) Read(line []byte) ([]*Record, Outcome) {
	line = unwrap(trimLine(line))
	for at, tries := joinedAt(line, 1), 0; at > 0 && tries < maxJoins; at, tries = joinedAt(line, at+1), tries+1 {
		saved, last := r.p.Counts, r.p.last
		if first, o := r.one(trimLine(line[:at])); o.IsFlow() {
			if second, o := r.one(line[at+1:]); o.IsFlow() {
				r.p.Counts.Warnings[WarnJoined]++
				return []*Record{first, second}, Outcome{}
			}
		}
		r.p.Counts, r.p.last = saved, last
	}
	before := r.p.Counts.Warnings
	rec, o := r.one(line)
	if rec == nil {
		r.p.count(o, before)
		return nil, o
	}
	return []*Record{rec}, o
}

func (r *Reader) one(line []byte) (*Record, Outcome) {
	r.b.Reset(traffic.Origin{})
	before := r.p.Counts.Warnings
	o := r.p.one(&r.b, line, 0)
	if !o.IsFlow() {
		return nil, o
	}
	rec := &Record{
		Time: r.b.Batch().Time[0], Start: traffic.Unknown, Seconds: traffic.Unknown,
		In: traffic.Unknown, Out: traffic.Unknown, Packets: traffic.Unknown, PacketsReceived: traffic.Unknown,
		index: make(map[string]int),
	}
	rec.put(Field{Name: "TimeGenerated", Kind: KindTime, Number: rec.Time})
	counted := r.p.Counts.Warnings
	if r.p.format == FormatPanosCSV {
		r.p.describeCSV(line, rec)
	} else {
		r.p.describeCEF(line, cefStart(line), rec)
	}
	if rec.extra.Len() > 0 {
		rec.put(Field{Name: "AdditionalExtensions", Text: rec.extra.String()})
	}
	for w := range warningCount {
		n := &r.p.Counts.Warnings[w]
		if *n > before[w] {
			rec.Warnings = append(rec.Warnings, w)
		}
		// Counts are the parser's, but for what only the other columns show: that is counted once a record.
		if w == WarnToken || w == WarnNumber {
			*n = max(counted[w], min(*n, before[w]+1))
		} else {
			*n = counted[w]
		}
	}
	return rec, o
}

// noField marks a column whose value came and could not be read.
const noField = -1

// take claims a column for the first value that is not blank, whether it can be read or not. It gives false where
// the column is taken.
func (rec *Record) take(name string) bool {
	if _, ok := rec.index[name]; ok {
		return false
	}
	rec.index[name] = noField
	return true
}

// put adds a field; the first value of a column that is not blank stays.
func (rec *Record) put(f Field) {
	if i, ok := rec.index[f.Name]; ok && i != noField {
		return
	}
	rec.index[f.Name] = len(rec.Fields)
	rec.Fields = append(rec.Fields, f)
}

// text gives a field's text, or the empty text.
func (rec *Record) text(name string) string {
	if i, ok := rec.index[name]; ok && i != noField {
		return rec.Fields[i].Text
	}
	return ""
}

// number gives a field's number, or Unknown.
func (rec *Record) number(name string) int64 {
	if i, ok := rec.index[name]; ok && i != noField && rec.Fields[i].Kind == KindNumber {
		return rec.Fields[i].Number
	}
	return traffic.Unknown
}

// also adds a pair that no column takes.
func (rec *Record) also(key, value string) {
	if value == "" {
		return
	}
	if rec.extra.Len() > 0 {
		rec.extra.WriteByte(';')
	}
	rec.extra.WriteString(key)
	rec.extra.WriteByte('=')
	rec.extra.WriteString(value)
}

// describeCEF fills a record from a CEF line that slowCEF has just read.
func (p *Parser) describeCEF(line []byte, start int, rec *Record) {
	n := cefHeaderLen(line[start:])
	h := parseCEFHeader(line[start : start+n])
	kind := classify(&h)
	rec.Format = FormatCEF
	if kind.strata {
		rec.Format = FormatStrata
	}
	for _, f := range []struct{ name, value string }{
		{"DeviceVendor", h.vendor},
		{"DeviceProduct", h.product},
		{"DeviceVersion", h.version},
		{"DeviceEventClassID", h.classID},
		{"Activity", h.name},
		{"LogSeverity", h.severity},
		{"Computer", string(parseSyslogHeader(line[:start]).host)},
	} {
		if f.value != "" {
			rec.put(Field{Name: f.name, Text: toUTF8(f.value)})
		}
	}
	ext := line[start+n:]
	for _, pr := range p.pairs {
		p.describe(rec, string(ext[pr.keyFrom:pr.keyTo]), ext[pr.valFrom:pr.valTo], line[:start], kind.strata)
	}
	// Old templates put IPv6 into columns of their own; rules see it as the address.
	for _, c := range [2]struct{ name, six string }{
		{"SourceIP", "DeviceCustomIPv6Address2"}, {"DestinationIP", "DeviceCustomIPv6Address3"},
	} {
		if text := rec.text(c.six); text != "" && rec.text(c.name) == "" {
			rec.put(Field{Name: c.name, Text: text})
		}
	}
	rec.Subtype = strings.ToLower(h.classID)
	if strings.EqualFold(h.classID, "TRAFFIC") {
		rec.Subtype = strings.ToLower(h.name)
	}
	rec.In, rec.Out = rec.number("ReceivedBytes"), rec.number("SentBytes")
	p.cefNumbers(ext, rec)
	p.cefStartTime(ext, line[:start], rec)
	rec.User = p.cefUser(ext, rec)
	rec.Device = rec.text("DeviceName")
	if rec.Device == "" {
		rec.Device = rec.text("DeviceExternalID")
	}
}

// describe puts one CEF pair into its column, or among the others.
func (p *Parser) describe(rec *Record, key string, raw, prefix []byte, strata bool) {
	raw = trimBlanks(raw)
	if len(raw) == 0 {
		return
	}
	if raw[0] == '$' {
		p.Counts.Warnings[WarnToken]++
		return
	}
	col, ok := lookupKey([]byte(key))
	if !ok || col.name == "" {
		rec.also(key, toUTF8(unescapeValue(raw)))
		return
	}
	if col.want == wantDevice || col.want == wantUserID {
		raw = cutName(raw)
	}
	if rec.take(col.name) {
		p.describeColumn(rec, col, raw, prefix, strata)
	}
}

func (p *Parser) describeColumn(rec *Record, col column, raw, prefix []byte, strata bool) {
	switch col.typ {
	case typeText, typeReal: // no record of TRAFFIC has fractions
		rec.put(Field{Name: col.name, Text: toUTF8(unescapeValue(raw))})
	case typeUser:
		rec.put(Field{Name: col.name, Text: toUTF8(unescapeUser(raw))})
	case typeTime:
		if s, ok := p.names.parseStamp(raw); ok {
			if ticks, ok := p.resolve(s, prefix, strata); ok {
				rec.put(Field{Name: col.name, Kind: KindTime, Number: ticks})
			}
		}
	case typePort:
		if n, known, _ := parsePort(raw); known {
			rec.put(Field{Name: col.name, Kind: KindNumber, Number: int64(n)})
		}
	case typeInt:
		p.describeInt(rec, col.name, raw)
	case typeLong:
		if n, known, _ := parseCount(raw); known {
			rec.put(Field{Name: col.name, Kind: KindNumber, Number: n})
		}
	}
}

// describeInt puts a number into a 32-bit column. Custom numbers that do not fit go to the long column that is there
// for them.
func (p *Parser) describeInt(rec *Record, name string, raw []byte) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil { // some relays write fractions and thousands separators
		var known bool
		if n, known, _ = parseCount(raw); known {
			err = nil
		}
	}
	switch {
	case err != nil:
		p.Counts.Warnings[WarnNumber]++
	case n >= math.MinInt32 && n <= math.MaxInt32:
		rec.put(Field{Name: name, Kind: KindNumber, Number: n})
	case strings.HasPrefix(name, "DeviceCustomNumber"):
		rec.put(Field{Name: "Field" + name, Kind: KindNumber, Number: n})
	default:
		p.Counts.Warnings[WarnNumber]++
	}
}

// cefNumbers reads what custom numbers mean: by their label where one is there, else by their place in the
// published template.
func (p *Parser) cefNumbers(ext []byte, rec *Record) {
	for i := int64(1); i <= 3; i++ {
		col := "DeviceCustomNumber" + strconv.FormatInt(i, 10)
		n := rec.number(col)
		if n == traffic.Unknown {
			n = rec.number("Field" + col)
		}
		if n < 0 {
			continue
		}
		label := strings.ToLower(rec.text(col + "Label"))
		switch {
		case label == "packets" || label == "packetstotal" || label == "" && i == 2:
			rec.Packets = n
		case label == "elapsed time in seconds" || label == "sessionduration" || label == "" && i == 3:
			rec.Seconds = n
		}
	}
	if v, known, _ := parseCount(p.pairValue(ext, "PanOSPacketsReceived")); known {
		rec.PacketsReceived = v
	}
}

// cefStartTime finds when the session began: Strata says it; on-box records are written when it ends, or, for a
// start record, when it begins.
func (p *Parser) cefStartTime(ext, prefix []byte, rec *Record) {
	if s, ok := p.names.parseStamp(p.pairValue(ext, "PanOSSessionStartTime")); ok {
		if t, ok := p.resolve(s, prefix, rec.Format == FormatStrata); ok && t > traffic.UnixEpoch {
			rec.Start = t
			return
		}
	}
	switch {
	case rec.Subtype == "start", rec.Subtype == "drop" && rec.Seconds == traffic.Unknown:
		rec.Start = rec.Time
	case rec.Seconds != traffic.Unknown:
		rec.Start = max(0, rec.Time-min(rec.Seconds, maxSeconds)*traffic.Second)
	}
}

// maxSeconds bounds a session's length: a century.
const maxSeconds = 100 * 366 * 86400

// cefUser gives the user by the names that carry it, the fullest first.
func (p *Parser) cefUser(ext []byte, rec *Record) string {
	if rec.Format == FormatStrata {
		if full := p.pairValue(ext, "suser0"); len(full) > 0 {
			return toUTF8(unescapeUser(full))
		}
		name, domain := rec.text("SourceUserName"), rec.text("SourceNTDomain")
		if name != "" && domain != "" && !strings.Contains(name, `\`) {
			return domain + `\` + name
		}
	}
	if name := rec.text("SourceUserName"); name != "" {
		return name
	}
	return rec.text("SourceUserID")
}

// pairValue gives the value of a key of the extension in p.pairs.
func (p *Parser) pairValue(ext []byte, key string) []byte {
	for _, pr := range p.pairs {
		if strings.EqualFold(string(ext[pr.keyFrom:pr.keyTo]), key) {
			return trimBlanks(ext[pr.valFrom:pr.valTo])
		}
	}
	return nil
}

// csvColumns maps the fields of a native record to the columns that the published CEF template gives them, and the
// rest to the keys under which that template puts them among the other extensions.
var csvColumns = [...]nativeColumn{
	{field: 1, col: text("ReceiptTime")},
	{field: 2, col: text("DeviceExternalID")},
	{field: 4, col: text("DeviceEventClassID")},
	{field: 6, col: typed("StartTime", typeTime)},
	{field: 7, col: text("SourceIP")},
	{field: 8, col: text("DestinationIP")},
	{field: 9, col: text("SourceTranslatedAddress")},
	{field: 10, col: text("DestinationTranslatedAddress")},
	{field: 11, col: text("DeviceCustomString1"), label: "Rule"},
	{field: 12, col: typed("SourceUserName", typeUser)},
	{field: 13, col: typed("DestinationUserName", typeUser)},
	{field: 14, col: text("ApplicationProtocol")},
	{field: 15, col: text("DeviceCustomString3"), label: "Virtual System"},
	{field: 16, col: text("DeviceCustomString4"), label: "Source Zone"},
	{field: 17, col: text("DeviceCustomString5"), label: "Destination Zone"},
	{field: 18, col: text("DeviceInboundInterface")},
	{field: 19, col: text("DeviceOutboundInterface")},
	{field: 20, col: text("DeviceCustomString6"), label: "LogProfile"},
	{field: 22, col: typed("DeviceCustomNumber1", typeInt), label: "SessionID"},
	{field: 23, col: typed("EventCount", typeInt)},
	{field: 24, col: typed("SourcePort", typePort)},
	{field: 25, col: typed("DestinationPort", typePort)},
	{field: 26, col: typed("SourceTranslatedPort", typePort)},
	{field: 27, col: typed("DestinationTranslatedPort", typePort)},
	{field: 28, col: text("FlexString1"), label: "Flags"},
	{field: 29, col: text("Protocol")},
	{field: 30, col: text("DeviceAction")},
	{field: 31, col: typed("FlexNumber1", typeInt), label: "Total bytes"},
	{field: 32, col: typed("ReceivedBytes", typeLong)},
	{field: 33, col: typed("SentBytes", typeLong)},
	{field: 34, col: typed("DeviceCustomNumber2", typeInt), label: "Packets"},
	{field: 45, extra: "PanOSPacketsReceived"},
	{field: 44, extra: "PanOSPacketsSent"},
	{field: 36, col: typed("DeviceCustomNumber3", typeInt), label: "Elapsed time in seconds"},
	{field: 37, col: text("DeviceCustomString2"), label: "URL Category"},
	{field: 39, col: text("ExtID")},
	{field: 46, col: text("Reason")},
	{field: 47, extra: "PanOSDGl1"},
	{field: 48, extra: "PanOSDGl2"},
	{field: 49, extra: "PanOSDGl3"},
	{field: 50, extra: "PanOSDGl4"},
	{field: 51, extra: "PanOSVsysName"},
	{field: 52, col: text("DeviceName")},
	{field: 53, col: text("DeviceEventCategory")},
	{field: 40, extra: "PanOSActionFlags"},
	{field: 54, extra: "PanOSSrcUUID"},
	{field: 55, extra: "PanOSDstUUID"},
	{field: 56, extra: "PanOSTunnelID"},
	{field: 57, extra: "PanOSMonitorTag"},
	{field: 58, extra: "PanOSParentSessionID"},
	{field: 59, extra: "PanOSParentStartTime"},
	{field: 60, extra: "PanOSTunnelType"},
	{field: 65, extra: "PanOSRuleUUID"},
	{field: 66, extra: "PanOSHTTP2Con"},
	{field: 75, extra: "PanXFFIP"},
	{field: 82, extra: "PanSrcHostname"},
	{field: 83, extra: "PanSrcMac"},
	{field: 90, extra: "PanDstHostname"},
	{field: 91, extra: "PanDstMac"},
}

// describeCSV fills a record from a native line that slowCSV has just read.
func (p *Parser) describeCSV(line []byte, rec *Record) {
	c := &p.fields
	rec.Format = FormatPanosCSV
	rec.put(Field{Name: "DeviceVendor", Text: paloAlto})
	rec.put(Field{Name: "DeviceProduct", Text: "PAN-OS"})
	rec.put(Field{Name: "Activity", Text: "TRAFFIC"})
	rec.put(Field{Name: "LogSeverity", Text: "1"})
	if host := parseSyslogHeader(line[:c.prefix]).host; len(host) > 0 {
		rec.put(Field{Name: "Computer", Text: toUTF8(string(host))})
	}
	zone := p.recordZone(line)
	for i := range csvColumns {
		m := &csvColumns[i]
		raw := trimBlanks(unquote(c.text(line, m.field)))
		if m.field == csvDevice {
			raw = cutName(raw)
		}
		switch {
		case len(raw) == 0:
		case m.extra != "":
			rec.also(m.extra, toUTF8(string(raw)))
		case m.col.typ == typeTime:
			if t, ok := p.csvTime(raw, line, zone); ok {
				rec.put(Field{Name: m.col.name, Kind: KindTime, Number: t})
			}
		case m.col.typ == typeText:
			rec.put(Field{Name: m.col.name, Text: toUTF8(string(raw))})
		default:
			p.describeColumn(rec, m.col, raw, nil, false)
		}
		if m.label != "" && len(raw) > 0 {
			rec.put(Field{Name: m.col.name + "Label", Text: m.label})
		}
	}
	if h := p.vals[wantHighRes]; h.from >= 0 {
		rec.also("PanTimeHighRes", string(line[h.from:h.to]))
	}
	p.csvOwn(line, rec, zone)
}

// csvOwn fills what drumbeat makes of a native record.
func (p *Parser) csvOwn(line []byte, rec *Record, zone *int64) {
	c := &p.fields
	rec.Subtype = strings.ToLower(string(c.text(line, csvSubtype)))
	rec.In, rec.Out = rec.number("ReceivedBytes"), rec.number("SentBytes")
	rec.Packets = rec.number("DeviceCustomNumber2")
	rec.Seconds = rec.number("DeviceCustomNumber3")
	if v, known, _ := parseCount(trimBlanks(c.text(line, 45))); known {
		rec.PacketsReceived = v
	}
	if t, ok := p.csvTime(c.text(line, csvStart), line, zone); ok {
		rec.Start = t
	} else if rec.Seconds != traffic.Unknown {
		rec.Start = max(0, rec.Time-min(rec.Seconds, maxSeconds)*traffic.Second)
	}
	rec.User = rec.text("SourceUserName")
	rec.Device = rec.text("DeviceName")
	if rec.Device == "" {
		rec.Device = rec.text("DeviceExternalID")
	}
}

// recordZone gives the offset that the record's high-resolution stamp names, which holds for its other times too.
func (p *Parser) recordZone(line []byte) *int64 {
	h := p.vals[wantHighRes]
	if h.from < 0 {
		return nil
	}
	if s, ok := p.names.parseStamp(line[h.from:h.to]); ok && s.zoned {
		return &s.offset
	}
	return nil
}

// csvTime reads one of the plain times of a native record.
func (p *Parser) csvTime(raw, line []byte, zone *int64) (int64, bool) {
	s, ok := p.names.parseStamp(raw)
	if !ok {
		return 0, false
	}
	if !s.zoned && zone != nil {
		return clamp(s.wall - *zone), true
	}
	return p.resolve(s, line[:p.fields.prefix], false)
}
