package logformat

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/traffic"
)

// Cell is the value of one column in one row. A column that the record lacks is not Set.
type Cell struct {
	Set  bool
	Kind Kind
	// Text is a text, good until the next line.
	Text []byte
	// Number is a number or a time in ticks. Real is the number of a column of fractions.
	Number int64
	Real   float64
}

// ColumnReader reads lines into rows of CommonSecurityLog: records of all types of PAN-OS, and CEF of any vendor, where a
// Parser has TRAFFIC alone. It does only the work for the columns that it was made for. TRAFFIC records have the values
// that a Reader gives. A ColumnReader is for one goroutine.
type ColumnReader struct {
	p       Parser
	b       traffic.Builder
	window  func(ticks int64) bool
	slots   map[string]int // columns by name
	columns int
	plans   [len(nativeTables)]nativePlan

	headers  map[string]*columnHeader
	keys     []columnKey // those of the last record, in their order
	known    map[string]columnKey
	cells    []Cell
	taken    []bool // columns whose first value came, readable or not
	extra    []byte
	wantsRaw struct{ extra, computer int } // their slots, or noSlot
	six      [2]span                       // IPv6 addresses of old templates
	scratch  []byte
}

const noSlot = -1

// columnHeader is what is known of records with one CEF header.
type columnHeader struct {
	cefHeader
	kind cefKind
}

// columnKey is what is to be done with the value of a key.
type columnKey struct {
	key  string
	slot int
	// long is the slot of the column for numbers that do not fit into this one.
	long int
	col  column
	// extra says that the pair goes among the other extensions.
	extra bool
	// free says that the value is free text, and ends that the key ends such a value.
	free, ends bool
}

// NewColumnReader makes a reader for some columns of CommonSecurityLog; names that are none stay without values. window
// tells the times of the records that are wanted; it may be nil, for all.
func NewColumnReader(opt Options, columns []string, window func(ticks int64) bool) *ColumnReader {
	r := &ColumnReader{
		p: newSlowParser(opt), window: window, slots: make(map[string]int, len(columns)), columns: len(columns),
		headers: make(map[string]*columnHeader), known: make(map[string]columnKey),
		cells: make([]Cell, len(columns)), taken: make([]bool, len(columns)),
	}
	for i, name := range columns {
		r.slots[name] = i
	}
	if _, ok := r.slots["DeviceAction"]; !ok && r.slot("SimplifiedDeviceAction") != noSlot {
		r.slots["DeviceAction"] = len(columns) // nobody sees it, but the other is made of it
		r.cells, r.taken = append(r.cells, Cell{}), append(r.taken, false)
	}
	r.wantsRaw.extra, r.wantsRaw.computer = r.slot("AdditionalExtensions"), r.slot("Computer")
	for i := range nativeTables {
		r.plans[i] = r.planFor(nativeTables[i])
	}
	return r
}

func (r *ColumnReader) slot(name string) int {
	if i, ok := r.slots[name]; ok {
		return i
	}
	return noSlot
}

// Start makes the reader ready for the next piece of a source, as Parser.Start does for the parser.
func (r *ColumnReader) Start(ref func() int64) { r.p.Start(ref, r.b.Reset(traffic.Origin{})) }

// Counts says what became of the lines since Start. Records that are no TRAFFIC are counted by their type, though they
// are rows.
func (r *ColumnReader) Counts() *Counts { return &r.p.Counts }

// Read reads one line and gives its rows to emit, whose cells are good until it returns: one row, or two where two
// messages stand in one line, or none where the outcome has a reason, or the record is outside of the window.
func (r *ColumnReader) Read(line []byte, emit func(cells []Cell) error) (Outcome, error) {
	line = unwrap(trimLine(line))
	if len(line) == 0 || bytes.IndexByte(line[1:], '<') < 0 { // no second priority
		return r.row(line, emit)
	}
	for at, tries := joinedAt(line, 1), 0; at > 0 && tries < maxJoins; at, tries = joinedAt(line, at+1), tries+1 {
		saved, last := r.p.Counts, r.p.last
		first, second := trimLine(line[:at]), line[at+1:]
		if r.one(first).Reason == ReasonNone && len(first) > 0 && r.one(second).Reason == ReasonNone {
			r.p.Counts, r.p.last = saved, last
			r.p.Counts.Warnings[WarnJoined]++
			if _, err := r.row(first, emit); err != nil {
				return Outcome{}, err
			}
			return r.row(second, emit)
		}
		r.p.Counts, r.p.last = saved, last
	}
	return r.row(line, emit)
}

// row reads a line that holds one message, counts it, and gives it to emit.
func (r *ColumnReader) row(line []byte, emit func(cells []Cell) error) (Outcome, error) {
	before := r.p.Counts.Warnings
	o := r.one(line)
	if o.Reason != ReasonNone || o.Other == OtherBlank {
		r.p.count(o, before)
		return o, nil
	}
	c := &r.p.Counts
	if c.Flows == 0 && c.Others() == c.Other[OtherBlank] {
		c.First, c.Last = r.p.last, r.p.last
	}
	c.First, c.Last = min(c.First, r.p.last), max(c.Last, r.p.last)
	if o.Other != OtherNone {
		c.Other[o.Other]++
	} else {
		c.Flows++
		c.Formats[r.p.format]++
	}
	if r.window != nil && !r.window(r.p.last) {
		return o, nil
	}
	return o, emit(r.cells[:r.columns])
}

// one reads a line into r.cells. The time of a row is in r.p.last.
func (r *ColumnReader) one(line []byte) Outcome {
	if len(line) == 0 {
		return Outcome{Other: OtherBlank}
	}
	start := cefStart(line)
	only := r.p.opt.Format
	if comma := bytes.IndexByte(line, ','); comma >= 0 && (start < 0 || comma < start) && splitCSV(line, &r.p.fields) {
		if only == FormatCEF || only == FormatStrata {
			return Outcome{Reason: ReasonOtherFormat}
		}
		return r.native(line)
	}
	switch {
	case start >= 0 && only == FormatPanosCSV:
		return Outcome{Reason: ReasonOtherFormat}
	case start >= 0:
		return r.cef(line, start)
	case bytes.Contains(line[:min(len(line), cefSearch)], []byte("CEF:")):
		return Outcome{Reason: ReasonCutHeader}
	case isBinary(line):
		return Outcome{Reason: ReasonBinary}
	}
	return Outcome{Reason: ReasonUnknownFormat}
}

func (r *ColumnReader) clear() {
	clear(r.cells)
	clear(r.taken)
	r.extra = r.extra[:0]
	r.scratch = r.scratch[:0]
	r.six = [2]span{{-1, -1}, {-1, -1}}
}

// cef reads a CEF record.
func (r *ColumnReader) cef(line []byte, start int) Outcome {
	n := cefHeaderLen(line[start:])
	if n == 0 {
		return Outcome{Reason: ReasonCutHeader}
	}
	h := r.headerOf(line[start : start+n])
	if only := r.p.opt.Format; only != FormatAuto && (only == FormatStrata) != h.kind.strata {
		return Outcome{Reason: ReasonOtherFormat}
	}
	r.clear()
	ext := line[start+n:]
	r.split(ext)
	r.locate(ext, start+n)
	if reason := r.cefTime(line, ext, start, h); reason != ReasonNone {
		return Outcome{Reason: reason}
	}
	r.p.format = FormatCEF
	if h.kind.strata {
		r.p.format = FormatStrata
	}
	if h.kind.other == OtherNone && !r.hasAddress(line) {
		return Outcome{Reason: ReasonNoAddress}
	}
	if r.window == nil || r.window(r.p.last) {
		r.cefCells(line, ext, start, h)
	}
	return Outcome{Other: h.kind.other}
}

// maxHeaders bounds the CEF headers that are kept: those of other vendors may be without number.
const maxHeaders = 1024

func (r *ColumnReader) headerOf(text []byte) *columnHeader {
	if h, ok := r.headers[string(text)]; ok {
		return h
	}
	h := &columnHeader{cefHeader: parseCEFHeader(text)}
	h.kind = classify(&h.cefHeader)
	for _, s := range []*string{&h.vendor, &h.product, &h.version, &h.classID, &h.name, &h.severity} {
		*s = toUTF8(*s)
	}
	if len(r.headers) >= maxHeaders {
		clear(r.headers)
	}
	r.headers[string(text)] = h
	return h
}

// split finds the pairs of an extension, as splitExtension does, and what is to be done with each: records of one kind
// have their keys in one order, so that most keys are those that the last record had at their place.
func (r *ColumnReader) split(ext []byte) {
	pairs := r.p.pairs[:0]
	freeText := false
	for at := 0; at < len(ext); {
		i := bytes.IndexByte(ext[at:], '=')
		if i < 0 {
			break
		}
		eq := at + i
		at = eq + 1
		var k *columnKey
		n := len(pairs)
		if n < len(r.keys) {
			k = &r.keys[n]
		}
		from := eq
		if k != nil && k.endsAt(ext, eq) {
			from -= len(k.key)
		} else {
			for from > 0 && isKeyByte(ext[from-1]) {
				from--
			}
			if from == eq || from > 0 && ext[from-1] != ' ' {
				continue
			}
			k = nil
		}
		if freeText {
			if k != nil && !k.ends || k == nil && !isKnownKey(ext[from:eq]) {
				continue
			}
		}
		if k == nil {
			k = r.learn(n, ext[from:eq])
		}
		if n > 0 {
			pairs[n-1].valTo = trimRight(ext, pairs[n-1].valFrom, from)
		}
		pairs = append(pairs, pair{keyFrom: from, keyTo: eq, valFrom: eq + 1})
		freeText = k.free
	}
	if n := len(pairs); n > 0 {
		pairs[n-1].valTo = trimRight(ext, pairs[n-1].valFrom, len(ext))
	}
	r.p.pairs = pairs
}

// endsAt reports whether the key stands before a place, at the beginning or after a blank.
func (k *columnKey) endsAt(ext []byte, at int) bool {
	from := at - len(k.key)
	return from >= 0 && string(ext[from:at]) == k.key && (from == 0 || ext[from-1] == ' ')
}

// learn notes the key of the n-th pair.
func (r *ColumnReader) learn(n int, key []byte) *columnKey {
	if n == len(r.keys) {
		r.keys = append(r.keys, columnKey{})
	}
	r.keys[n] = r.keyOf(key)
	return &r.keys[n]
}

// locate finds the places of the values that tell time and address.
func (r *ColumnReader) locate(ext []byte, from int) {
	r.p.vals = absent
	for i, pr := range r.p.pairs {
		w := r.keys[i].col.want
		if w == noWant || pr.valTo <= pr.valFrom {
			continue
		}
		v := &r.p.vals[w]
		if v.from < 0 || r.line(ext, from, *v)[0] == '$' {
			if t := trimBlanks(ext[pr.valFrom:pr.valTo]); len(t) > 0 {
				*v = span{int32(from + pr.valFrom), int32(from + pr.valTo)}
			}
		}
	}
}

// line gives a located value without the blanks before it.
func (*ColumnReader) line(ext []byte, from int, v span) []byte {
	t := trimBlanks(ext[int(v.from)-from : int(v.to)-from])
	if len(t) == 0 {
		return []byte{'$'}
	}
	return t
}

// maxKnownKeys bounds the keys that are kept.
const maxKnownKeys = 4096

func (r *ColumnReader) keyOf(key []byte) columnKey {
	if k, ok := r.known[string(key)]; ok {
		return k
	}
	k := columnKey{
		key: string(key), slot: noSlot, long: noSlot, col: column{want: noWant}, free: isFreeText(key), ends: isKnownKey(key),
	}
	col, ok := lookupKey(key)
	if ok {
		k.col = col
	}
	if !ok || col.name == "" {
		k.extra = true
	} else {
		k.slot = r.slot(col.name)
		if strings.HasPrefix(col.name, "DeviceCustomNumber") {
			k.long = r.slot("Field" + col.name)
		}
	}
	if len(r.known) >= maxKnownKeys {
		clear(r.known)
	}
	r.known[k.key] = k
	return k
}

// cefTime finds TimeGenerated and puts it into r.p.last.
func (r *ColumnReader) cefTime(line, ext []byte, start int, h *columnHeader) Reason {
	if h.isPaloAlto() {
		ticks, from, reason := r.p.time(line, start, h.kind.strata)
		if reason == ReasonNone {
			r.p.last = ticks
			r.p.Counts.TimeFrom[from]++
		}
		return reason
	}
	// Elsewhere start is when something began: the receipt time and the relay's own are nearer to when it was told.
	for _, key := range [...]string{"rt", "", "end", "start", "deviceCustomDate1"} {
		text := parseSyslogHeader(line[:start]).stamp
		if key != "" {
			text = r.p.pairValue(ext, key)
		}
		s, ok := r.p.names.parseStamp(text)
		if !ok {
			continue
		}
		if ticks, ok := r.p.resolve(s, line[:start], false); ok {
			from := TimeSource(wantReceipt)
			if key == "" {
				from = TimeHeader
			}
			r.p.last = ticks
			r.p.Counts.TimeFrom[from]++
			return ReasonNone
		}
	}
	return ReasonNoTime
}

// hasAddress reports whether a TRAFFIC record says who talks to whom: others are no flows.
func (r *ColumnReader) hasAddress(line []byte) bool {
	for _, w := range [...]want{wantSrc, wantDst, wantSrc6, wantDst6} {
		if v := r.p.vals[w]; v.from >= 0 {
			if t := trimBlanks(line[v.from:v.to]); len(t) > 0 && t[0] != '$' {
				return true
			}
		}
	}
	return false
}

// cefCells fills the cells from a record whose pairs are located.
func (r *ColumnReader) cefCells(line, ext []byte, start int, h *columnHeader) {
	for i, pr := range r.p.pairs {
		k := &r.keys[i]
		if k.slot == noSlot && k.long == noSlot && k.col.want != wantSrc6 && k.col.want != wantDst6 &&
			(!k.extra || r.wantsRaw.extra == noSlot) {
			continue
		}
		raw := trimBlanks(ext[pr.valFrom:pr.valTo])
		if len(raw) == 0 || raw[0] == '$' {
			continue
		}
		if k.extra {
			r.also(ext[pr.keyFrom:pr.keyTo], raw)
			continue
		}
		r.fill(k, raw, line[:start], h.kind.strata)
		if w := k.col.want; w == wantSrc6 || w == wantDst6 {
			if six := &r.six[w-wantSrc6]; six.from < 0 {
				*six = span{int32(pr.valFrom), int32(pr.valTo)}
			}
		}
	}
	for i, name := range [...]string{"SourceIP", "DestinationIP"} { // old templates put IPv6 into columns of their own
		slot, six := r.slot(name), r.six[i]
		if six.from >= 0 && slot != noSlot && (!r.cells[slot].Set || len(r.cells[slot].Text) == 0) {
			r.set(slot, r.text(trimBlanks(ext[six.from:six.to]), unescapeValue))
		}
	}
	for name, text := range map[string]string{
		"DeviceVendor": h.vendor, "DeviceProduct": h.product, "DeviceVersion": h.version,
		"DeviceEventClassID": h.classID, "Activity": h.name, "LogSeverity": h.severity,
	} {
		if slot := r.slot(name); slot != noSlot && text != "" {
			r.set(slot, Cell{Text: []byte(text)})
		}
	}
	r.common(line[:start])
}

// common fills the columns that all formats fill alike.
func (r *ColumnReader) common(prefix []byte) {
	if slot := r.wantsRaw.extra; slot != noSlot && len(r.extra) > 0 {
		r.set(slot, Cell{Text: r.extra})
	}
	if slot := r.wantsRaw.computer; slot != noSlot {
		if host := parseSyslogHeader(prefix).host; len(host) > 0 {
			r.set(slot, r.text(host, nil))
		}
	}
	if slot := r.slot("SimplifiedDeviceAction"); slot != noSlot && !r.cells[slot].Set {
		if from := r.slot("DeviceAction"); from != noSlot {
			r.cells[slot] = r.cells[from]
		}
	}
	if slot := r.slot("TimeGenerated"); slot != noSlot {
		r.set(slot, Cell{Kind: KindTime, Number: r.p.last})
	}
}

func (r *ColumnReader) set(slot int, c Cell) {
	c.Set = true
	r.cells[slot] = c
}

// also adds a pair that no column takes.
func (r *ColumnReader) also(key, raw []byte) {
	if len(r.extra) > 0 {
		r.extra = append(r.extra, ';')
	}
	r.extra = append(append(append(r.extra, key...), '='), r.text(raw, unescapeValue).Text...)
}

// text makes a cell of a value. Most stand for themselves.
func (r *ColumnReader) text(raw []byte, unescape func([]byte) string) Cell {
	if isPlain(raw) {
		return Cell{Text: raw}
	}
	s := string(raw)
	if unescape != nil {
		s = unescape(raw)
	}
	return Cell{Text: []byte(toUTF8(s))}
}

// fill puts a value, neither blank nor a variable, into its column, unless that has one.
func (r *ColumnReader) fill(k *columnKey, raw, prefix []byte, strata bool) {
	if k.slot != noSlot {
		if r.taken[k.slot] {
			return
		}
		r.taken[k.slot] = true
	}
	if k.col.want == wantDevice || k.col.want == wantUserID {
		raw = cutName(raw)
	}
	switch k.col.typ {
	case typeText:
		r.put(k.slot, r.text(raw, unescapeValue))
	case typeUser:
		r.put(k.slot, r.text(raw, unescapeUser))
	case typeTime:
		if s, ok := r.p.names.parseStamp(raw); ok && k.slot != noSlot {
			if ticks, ok := r.p.resolve(s, prefix, strata); ok {
				r.put(k.slot, Cell{Kind: KindTime, Number: ticks})
			}
		}
	case typePort:
		if n, known, _ := parsePort(raw); known {
			r.put(k.slot, Cell{Kind: KindNumber, Number: int64(n)})
		}
	case typeInt:
		r.fillInt(k, raw)
	case typeLong:
		if n, known, _ := parseCount(raw); known {
			r.put(k.slot, Cell{Kind: KindNumber, Number: n})
		}
	case typeReal:
		if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
			r.put(k.slot, Cell{Kind: KindNumber, Real: f})
		}
	}
}

func (r *ColumnReader) put(slot int, c Cell) {
	if slot != noSlot {
		r.set(slot, c)
	}
}

// fillInt puts a number into a column of 32 bits if it fits, and a custom number into the long column beside it too.
func (r *ColumnReader) fillInt(k *columnKey, raw []byte) {
	n, known := wholeNumber(raw)
	if !known {
		r.p.Counts.Warnings[WarnNumber]++
		return
	}
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		r.put(k.slot, Cell{Kind: KindNumber, Number: n})
	} else if !strings.HasPrefix(k.col.name, "DeviceCustomNumber") {
		r.p.Counts.Warnings[WarnNumber]++
	}
	if k.long != noSlot && !r.taken[k.long] {
		r.taken[k.long] = true
		r.put(k.long, Cell{Kind: KindNumber, Number: n})
	}
}

// wholeNumber reads a number; some relays write fractions and thousands separators.
func wholeNumber(raw []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, true
	}
	n, known, _ := parseCount(raw)
	return n, known
}

// nativePlan is what is to be done with the fields of native records of one type.
type nativePlan struct {
	table  *nativeTable
	fields []nativeField
}

// nativeField is a field that fills columns.
type nativeField struct {
	field int
	key   columnKey
	label int // the slot of its label, or noSlot
	text  []byte
	extra []byte
}

// planFor chooses the fields of a type that fill the wanted columns.
func (r *ColumnReader) planFor(t *nativeTable) nativePlan {
	plan := nativePlan{table: t}
	for i := range t.columns {
		m := &t.columns[i]
		f := nativeField{field: m.field, label: noSlot, text: []byte(m.label), extra: []byte(m.extra)}
		f.key = columnKey{slot: noSlot, long: noSlot, col: m.col}
		if m.extra != "" {
			if r.wantsRaw.extra != noSlot {
				plan.fields = append(plan.fields, f)
			}
			continue
		}
		f.key.slot = r.slot(m.col.name)
		if strings.HasPrefix(m.col.name, "DeviceCustomNumber") {
			f.key.long = r.slot("Field" + m.col.name)
		}
		if m.label != "" {
			f.label = r.slot(m.col.name + "Label")
		}
		if f.key.slot != noSlot || f.key.long != noSlot || f.label != noSlot {
			plan.fields = append(plan.fields, f)
		}
	}
	return plan
}

// native reads a record of PAN-OS's own format, whose fields are cut.
func (r *ColumnReader) native(line []byte) Outcome {
	c := &r.p.fields
	kind := c.text(line, csvType)
	isTraffic := string(kind) == "TRAFFIC"
	switch {
	case !isTraffic && slices.ContainsFunc(c.fields, func(f span) bool { return string(line[f.from:f.to]) == "TRAFFIC" }):
		return Outcome{Reason: ReasonFieldOrder}
	case !isTraffic && !isUpperWord(kind):
		return Outcome{Reason: ReasonUnknownFormat}
	case isTraffic && len(c.fields) < csvMinFields:
		return Outcome{Reason: ReasonCutFields}
	}
	r.clear()
	r.p.vals = absent
	for i := range c.fields {
		if w := csvWant(i); w != noWant && (isTraffic || w == wantReceipt || w == wantStart) {
			r.p.vals[w] = c.fields[i]
		}
	}
	if isTraffic {
		r.p.findHighRes(line)
	} else {
		r.lastHighRes(line)
	}
	ticks, from, reason := r.p.time(line, c.prefix, false)
	if reason != ReasonNone {
		return Outcome{Reason: reason}
	}
	r.p.last = ticks
	r.p.Counts.TimeFrom[from]++
	r.p.format = FormatPanosCSV
	other := OtherNone
	if !isTraffic {
		other = otherOf(string(kind))
	} else if !r.hasAddress(line) {
		return Outcome{Reason: ReasonNoAddress}
	}
	if r.window == nil || r.window(ticks) {
		r.nativeCells(line, kind)
	}
	return Outcome{Other: other}
}

// lastHighRes looks for the high-resolution stamp of a record that is no TRAFFIC, near its end.
func (r *ColumnReader) lastHighRes(line []byte) {
	fields := r.p.fields.fields
	for i := len(fields) - 1; i > csvTime; i-- {
		if t := line[fields[i].from:fields[i].to]; isHighRes(t) {
			r.p.vals[wantHighRes] = fields[i]
			return
		}
	}
}

func (r *ColumnReader) nativeCells(line, kind []byte) {
	c := &r.p.fields
	plan := &r.plans[nativeOther]
	for i := range r.plans {
		if r.plans[i].table.name == string(kind) {
			plan = &r.plans[i]
		}
	}
	zone := r.p.recordZone(line)
	for i := range plan.fields {
		r.nativeCell(line, &plan.fields[i], zone)
	}
	severity := []byte("1")
	if s := plan.table.severity; s > 0 {
		severity = severityNumber(c.text(line, s))
	}
	for name, text := range map[string][]byte{
		"DeviceVendor": []byte(paloAlto), "DeviceProduct": []byte("PAN-OS"), "Activity": kind, "LogSeverity": severity,
	} {
		if slot := r.slot(name); slot != noSlot {
			r.set(slot, Cell{Text: text})
		}
	}
	if h := r.p.vals[wantHighRes]; h.from >= 0 && r.wantsRaw.extra != noSlot {
		r.also([]byte("PanTimeHighRes"), line[h.from:h.to])
	}
	r.common(line[:c.prefix])
}

func (r *ColumnReader) nativeCell(line []byte, f *nativeField, zone *int64) {
	raw := trimBlanks(unquote(r.p.fields.text(line, f.field)))
	if len(raw) == 0 {
		return
	}
	if f.field == csvDevice {
		raw = cutName(raw)
	}
	switch {
	case len(f.extra) > 0:
		if len(r.extra) > 0 {
			r.extra = append(r.extra, ';')
		}
		r.extra = append(append(append(r.extra, f.extra...), '='), r.text(raw, nil).Text...)
	case f.key.col.typ == typeTime:
		if t, ok := r.p.csvTime(raw, line, zone); ok {
			r.put(f.key.slot, Cell{Kind: KindTime, Number: t})
		}
	case f.key.col.typ == typeText || f.key.col.typ == typeUser && bytes.IndexByte(raw, '\\') < 0:
		r.put(f.key.slot, r.text(raw, nil))
	default:
		r.fill(&f.key, raw, nil, false)
	}
	if f.label != noSlot {
		r.set(f.label, Cell{Text: f.text})
	}
}

// severityNumber gives the number that templates write for the name of a severity.
func severityNumber(name []byte) []byte {
	switch strings.ToLower(string(name)) {
	case "low":
		return []byte("2")
	case "medium":
		return []byte("3")
	case "high":
		return []byte("4")
	case "critical":
		return []byte("5")
	}
	return []byte("1")
}
