package rewrite

import (
	"math"
	"slices"

	"drumbeat/internal/beat"
	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Shape is the founding rule found in a plan: the gaps between the TRAFFIC records of each source, or channel, counted by
// bin and channel, and of each the most frequent one. [beat.Run] gives its rows many times faster than the steps of the
// plan would, and Rest is what the plan does with them.
type Shape struct {
	// Rule is what to run. Its Window is longer than all times are, so that there is one: what lies in it, Window below
	// says. Thresholds that the plan has on the counts are in it where they stand by themselves; Rest has them all.
	Rule beat.Delta
	// Window bounds the times of the records. The plan has the same bounds.
	Window plan.Window
	// Rest is the plan above the rule. It reads the rule's rows from a scan of the table named DeltaTable.
	Rest *plan.Plan

	fields []field
}

// DeltaTable is the name of the table that the Rest of a [Shape] reads.
const DeltaTable = "$delta"

// FlowTable is the table that [Delta] knows the columns of.
const FlowTable = "CommonSecurityLog"

// oneWindow is the length of a window that begins with the year 1 and holds all times.
const oneWindow = 1 << 61

// field is what a column of the rule's result holds.
type field uint8

const (
	fieldHour field = iota
	fieldDevice
	fieldUser
	fieldSource
	fieldDestination
	fieldPort
	fieldModalCount
	fieldModalGap
	fieldEvents
	fieldSent
	fieldReceived
)

// Delta finds the founding rule's shape in a plan, whatever its thresholds, names and bin, and the order of its steps as
// far as it does not count. now is the value of now(), in ticks. It is exact: where a step might change the result of
// [beat.Delta] there is no Shape. Of gaps that are equally frequent, which is the most frequent the language leaves
// open; here it is the shortest.
//
// What must be there: one scan of FlowTable; DeviceVendor == "Palo Alto Networks" and Activity == "TRAFFIC"; a destination
// that is an IPv4 address and not private; a sort by source, time, destination and port, or by source, destination,
// port and time; next() of these; datetime_diff in seconds, more than a constant; the same source, or channel, next;
// two summarize. Besides these no filter but on the time may stand below the second summarize.
//
// By channel (beat.ByChannel) the caller must hand only records with [traffic.FlagActivity] to the sorter.
func Delta(p *plan.Plan, now int64) (*Shape, bool) {
	p = Fold(p, &eval.Env{Now: now})
	steps := chain(p.Root)
	slices.Reverse(steps)
	m := &matcher{now: now, values: map[int]plan.Expr{}, times: unbound, bin: -1}
	m.resolve = newMapper(m.value)
	for i, op := range steps {
		if !m.step(op) {
			return nil, false
		}
		if m.stage == stageDone {
			return m.shape(p, steps, i), true
		}
	}
	return nil, false
}

// stage is how far a [matcher] has got.
type stage uint8

const (
	stageScan    stage = iota // the scan comes next
	stageRecords              // filters on records
	stageSorted               // in order, filters are still on records
	stageNext                 // the next record is known, filters are on gaps
	stageGaps                 // gaps are filtered: no next from here on
	stageCounts               // gaps are counted
	stageDone                 // the most frequent are known
)

// matcher reads a plan from its source up. The columns of each step are traced back to those of the scan, to next() of
// them, and to the aggregates of the first summarize.
type matcher struct {
	now     int64
	stage   stage
	values  map[int]plan.Expr // what a column is, by ID
	resolve *mapper

	vendor, activity, public bool
	times                    span
	scope                    beat.Scope
	sameSource, sameDest     bool
	samePort, gaps           bool
	minGap                   int64
	bin                      int64

	scan   *plan.Scan
	target *plan.Aggregate
	fields []field
}

// value is what stands in the place of a part of an expression.
func (m *matcher) value(x plan.Expr) plan.Expr {
	if col, ok := x.(*plan.Col); ok {
		if v, ok := m.values[col.ID]; ok {
			return v
		}
	}
	return x
}

// step takes a step, and reports whether the shape can still be there.
func (m *matcher) step(op plan.Op) bool {
	switch op := op.(type) { //nolint:exhaustive // the others are not of the shape
	case *plan.Scan:
		m.scan, m.stage = op, stageRecords
		return op.Table == FlowTable && !op.Open
	case *plan.Serialize:
		return true
	case *plan.Filter:
		return m.filter(m.resolve.expr(op.Pred))
	case *plan.Project:
		return m.project(op)
	case *plan.Sort:
		return m.sort(op)
	case *plan.Aggregate:
		switch m.stage { //nolint:exhaustive // at the others nothing can be counted
		case stageNext, stageGaps:
			return m.count(op)
		case stageCounts:
			return m.modal(op)
		}
	}
	return false
}

// project traces the columns of a step. Reading the next record is right as long as no gap was dropped.
func (m *matcher) project(op *plan.Project) bool {
	if op.Open {
		return false
	}
	values := map[int]plan.Expr{}
	window := false
	w := newWalker(func(x plan.Expr) {
		_, win := x.(*plan.Win)
		window = window || win
	})
	for _, a := range op.Cols {
		w.walk(a.X)
		values[a.Col.ID] = m.resolve.expr(a.X)
	}
	switch {
	case window && (m.stage == stageSorted || m.stage == stageNext):
		m.stage = stageNext
	case window:
		return false
	}
	m.learn(values)
	return true
}

// learn sets what the columns of a step are. The mapper's memory is of the columns before.
func (m *matcher) learn(values map[int]plan.Expr) {
	m.values = values
	m.resolve = newMapper(m.value)
}

// filter takes a condition apart. Each part must be one of the shape.
func (m *matcher) filter(pred plan.Expr) bool {
	call, ok := pred.(*plan.Call)
	if ok && call.Fn == plan.FnAnd {
		return !slices.ContainsFunc(call.Args, func(a plan.Expr) bool { return !m.filter(a) })
	}
	if !ok {
		lit, ok := pred.(*plan.Lit)
		return ok && lit.Bool && m.stage < stageCounts
	}
	switch m.stage {
	case stageRecords, stageSorted:
		return m.record(call)
	case stageNext, stageGaps:
		m.stage = stageGaps
		return m.gap(call)
	case stageScan, stageCounts, stageDone:
	}
	return false
}

// record takes a condition on records.
func (m *matcher) record(call *plan.Call) bool {
	if s, ok := m.exactTime(call); ok {
		m.times = m.times.both(s)
		return true
	}
	switch call.Fn { //nolint:exhaustive // the others are not of the shape
	case plan.FnEq:
		x, y := call.Args[0], call.Args[1]
		if plan.Const(x) {
			x, y = y, x
		}
		lit, ok := y.(*plan.Lit)
		switch {
		case !ok || lit.Null:
		case m.isColumn(x, "DeviceVendor") && lit.Str == "Palo Alto Networks":
			m.vendor = true
			return true
		case m.isColumn(x, "Activity") && lit.Str == "TRAFFIC":
			m.activity = true
			return true
		case m.isPrivate(x) && lit.Type == kql.TypeBool && !lit.Bool:
			m.public = true
			return true
		}
	case plan.FnNot:
		m.public = m.public || m.isPrivate(call.Args[0])
		return m.isPrivate(call.Args[0])
	}
	return false
}

func (m *matcher) isPrivate(x plan.Expr) bool {
	call, ok := x.(*plan.Call)
	return ok && call.Fn == plan.FnIpv4IsPrivate && m.isColumn(call.Args[0], "DestinationIP")
}

// isColumn reports whether an expression is a column of the scan.
func (m *matcher) isColumn(x plan.Expr, name string) bool {
	col, ok := x.(*plan.Col)
	return ok && slices.ContainsFunc(m.scan.Columns, func(c plan.Column) bool { return c.ID == col.ID && c.Name == name })
}

// isNext reports whether an expression is a column of the next record.
func (m *matcher) isNext(x plan.Expr, name string) bool {
	win, ok := x.(*plan.Win)
	if !ok || win.Fn != plan.FnNext || len(win.Args) > 2 || !m.isColumn(win.Args[0], name) {
		return false
	}
	if len(win.Args) == 1 {
		return true
	}
	lit, ok := win.Args[1].(*plan.Lit)
	return ok && !lit.Null && lit.Int == 1
}

// exactTime gives the times that fulfil a condition, if it is one on the time of records alone.
func (m *matcher) exactTime(call *plan.Call) (span, bool) {
	ticks := func(x plan.Expr, t plan.Type) (int64, bool) {
		lit, ok := x.(*plan.Lit)
		if !ok || lit.Null || lit.Type != t {
			return 0, false
		}
		return lit.Int, true
	}
	switch call.Fn { //nolint:exhaustive // the others are no bounds
	case plan.FnEq, plan.FnLt, plan.FnLe, plan.FnGt, plan.FnGe:
		x, y, fn := call.Args[0], call.Args[1], call.Fn
		if plan.Const(x) {
			x, y, fn = y, x, mirrored(fn)
		}
		v, ok := ticks(y, kql.TypeDateTime)
		return spanOf(fn, v), ok && m.isColumn(x, TimeColumn)
	case plan.FnBetween:
		low, ok := ticks(call.Args[1], kql.TypeDateTime)
		if !ok || !m.isColumn(call.Args[0], TimeColumn) {
			return unbound, false
		}
		if high, ok := ticks(call.Args[2], kql.TypeDateTime); ok {
			return span{low, high}, true
		}
		// Beyond the years the end is null, and the condition with it.
		length, ok := ticks(call.Args[2], kql.TypeTimespan)
		if !ok || length > eval.MaxDatetime-low || length < -low {
			return unbound, false
		}
		return span{low, low + length}, true
	}
	return unbound, false
}

// sort takes the order: by source, then by time, destination and port, or by channel, then by time. In which order
// sources and channels come does not count, but that of records of one time does.
func (m *matcher) sort(op *plan.Sort) bool {
	if m.stage != stageRecords || len(op.Keys) != 4 {
		return false
	}
	names := make([]string, len(op.Keys))
	for i, k := range op.Keys {
		for _, name := range []string{"SourceIP", TimeColumn, "DestinationIP", "DestinationPort"} {
			if m.isColumn(m.resolve.expr(k.X), name) {
				names[i] = name
			}
		}
	}
	asc := func(i int) bool { return !op.Keys[i].Desc && op.Keys[i].NullsFirst }
	m.stage = stageSorted
	switch {
	case slices.Equal(names, []string{"SourceIP", TimeColumn, "DestinationIP", "DestinationPort"}):
		m.scope = beat.BySource
		return asc(1) && asc(2) && asc(3)
	case names[3] == TimeColumn:
		m.scope = beat.ByChannel
		slices.Sort(names[:3])
		return asc(3) && slices.Equal(names[:3], []string{"DestinationIP", "DestinationPort", "SourceIP"})
	}
	return false
}

// gap takes a condition on a record and the next.
func (m *matcher) gap(call *plan.Call) bool {
	switch call.Fn { //nolint:exhaustive // the others are not of the shape
	case plan.FnEq:
		for _, same := range []struct {
			name string
			is   *bool
		}{{"SourceIP", &m.sameSource}, {"DestinationIP", &m.sameDest}, {"DestinationPort", &m.samePort}} {
			x, y := call.Args[0], call.Args[1]
			if m.isColumn(x, same.name) && m.isNext(y, same.name) || m.isColumn(y, same.name) && m.isNext(x, same.name) {
				*same.is = true
				return true
			}
		}
	case plan.FnGt, plan.FnGe, plan.FnLt, plan.FnLe:
		x, y, fn := call.Args[0], call.Args[1], call.Fn
		if plan.Const(x) {
			x, y, fn = y, x, mirrored(fn)
		}
		lit, ok := y.(*plan.Lit)
		if !ok || lit.Null || lit.Type != kql.TypeLong && lit.Type != kql.TypeInt || !m.isGap(x) || fn != plan.FnGt && fn != plan.FnGe {
			return false
		}
		least := spanOf(fn, lit.Int).lo
		if least == math.MinInt64 {
			return false
		}
		if !m.gaps || least-1 > m.minGap {
			m.minGap = least - 1
		}
		m.gaps = true
		return true
	}
	return false
}

// isGap reports whether an expression is the gap to the next record in seconds.
func (m *matcher) isGap(x plan.Expr) bool {
	call, ok := x.(*plan.Call)
	if !ok || call.Fn != plan.FnDatetimeDiff {
		return false
	}
	part, ok := call.Args[0].(*plan.Lit)
	return ok && asciiLower(part.Str) == "second" && m.isNext(call.Args[1], TimeColumn) && m.isColumn(call.Args[2], TimeColumn)
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// channelColumns are the columns that gaps are grouped by, besides the bin.
var channelColumns = map[string]field{
	"DeviceName": fieldDevice, "SourceUserID": fieldUser, "SourceIP": fieldSource, "DestinationIP": fieldDestination,
	"DestinationPort": fieldPort,
}

// group tells what a key of a summarize holds.
func (m *matcher) group(x plan.Expr) (field, bool) {
	for name, f := range channelColumns {
		if m.isColumn(x, name) {
			return f, true
		}
	}
	call, ok := x.(*plan.Call)
	if !ok || call.Fn != plan.FnBin {
		if m.isGap(x) {
			return fieldModalGap, true
		}
		return 0, false
	}
	size, ok := call.Args[1].(*plan.Lit)
	if !ok || size.Null || size.Type != kql.TypeTimespan || size.Int <= 0 || m.bin >= 0 && m.bin != size.Int {
		return 0, false
	}
	if m.bin >= 0 { // the second time, of the first
		if inner, ok := m.group(call.Args[0]); ok && inner == fieldHour {
			return fieldHour, true
		}
	}
	m.bin = size.Int
	return fieldHour, m.isColumn(call.Args[0], TimeColumn)
}

// groups tells what the keys of a summarize hold. No two may hold the same, and so many there must be.
func (m *matcher) groups(keys []plan.Assign, number int) ([]field, bool) {
	var all []field
	for _, k := range keys {
		f, ok := m.group(m.resolve.expr(k.X))
		if !ok || slices.Contains(all, f) {
			return nil, false
		}
		all = append(all, f)
	}
	return all, len(all) == number
}

// count takes the first summarize: gaps by length, bin and channel.
func (m *matcher) count(op *plan.Aggregate) bool {
	whole := m.vendor && m.activity && m.public && m.gaps && m.sameSource
	if m.scope == beat.ByChannel {
		whole = whole && m.sameDest && m.samePort
	} else {
		whole = whole && !m.sameDest && !m.samePort
	}
	fields, ok := m.groups(op.Keys, 7)
	if !whole || !ok || !slices.Contains(fields, fieldModalGap) {
		return false
	}
	values := map[int]plan.Expr{}
	for _, k := range op.Keys {
		values[k.Col.ID] = m.resolve.expr(k.X)
	}
	for _, a := range op.Aggs {
		if len(a.Cols) == 1 {
			values[a.Cols[0].ID] = m.resolve.aggregate(a.Agg)
		}
	}
	m.learn(values)
	m.stage = stageCounts
	return true
}

// modal takes the second summarize: the most frequent gap by bin and channel, and sums.
func (m *matcher) modal(op *plan.Aggregate) bool {
	fields, ok := m.groups(op.Keys, 6)
	if !ok || slices.Contains(fields, fieldModalGap) {
		return false
	}
	for _, a := range op.Aggs {
		more, ok := m.result(m.resolve.aggregate(a.Agg))
		if !ok || len(more) != len(a.Cols) {
			return false
		}
		fields = append(fields, more...)
	}
	m.target, m.fields, m.stage = op, fields, stageDone
	return true
}

// result tells what the columns of an aggregate of the second summarize hold.
func (m *matcher) result(agg *plan.Agg) ([]field, bool) {
	switch agg.Fn { //nolint:exhaustive // the others are not of the rule
	case plan.AggArgMax:
		switch {
		case !m.isCount(agg.Args[0]):
		case len(agg.Args) == 1:
			return []field{fieldModalCount}, true
		case len(agg.Args) == 2 && m.isGap(agg.Args[1]):
			return []field{fieldModalCount, fieldModalGap}, true
		}
	case plan.AggMax:
		return []field{fieldModalCount}, m.isCount(agg.Args[0])
	case plan.AggSum:
		switch {
		case m.isCount(agg.Args[0]):
			return []field{fieldEvents}, true
		case m.isSum(agg.Args[0], "SentBytes"):
			return []field{fieldSent}, true
		case m.isSum(agg.Args[0], "ReceivedBytes"):
			return []field{fieldReceived}, true
		}
	}
	return nil, false
}

func (m *matcher) isCount(x plan.Expr) bool {
	agg, ok := x.(*plan.Agg)
	return ok && agg.Fn == plan.AggCount
}

func (m *matcher) isSum(x plan.Expr, name string) bool {
	agg, ok := x.(*plan.Agg)
	return ok && agg.Fn == plan.AggSum && m.isColumn(agg.Args[0], name)
}

// shape makes the result of a match whose second summarize is the step number at.
func (m *matcher) shape(p *plan.Plan, steps []plan.Op, at int) *Shape {
	s := &Shape{
		Rule: beat.Delta{
			Scope: m.scope, MinGap: m.minGap, MinPercent: -1, Bin: m.bin, Window: oneWindow,
		},
		Window: m.times.window(), fields: m.fields,
	}
	names := map[int]field{}
	cols := plan.Columns(m.target)
	for i, c := range cols {
		names[c.ID] = m.fields[i]
	}
	s.thresholds(names, steps[at+1:])
	keep := newMapper(func(x plan.Expr) plan.Expr { return x })
	var root plan.Op = &plan.Scan{Table: DeltaTable, Columns: slices.Clone(cols)}
	for _, op := range steps[at+1:] {
		root = keep.step(op, root)
	}
	rest := *p
	rest.Root = root
	s.Rest = &rest
	return s
}

// thresholds takes over those of the filters right above the rule.
func (s *Shape) thresholds(fields map[int]field, above []plan.Op) {
	values := map[int]plan.Expr{}
	for _, op := range above {
		resolve := newMapper(func(x plan.Expr) plan.Expr {
			if col, ok := x.(*plan.Col); ok && values[col.ID] != nil {
				return values[col.ID]
			}
			return x
		})
		switch op := op.(type) { //nolint:exhaustive // above any other step rows may mean something else
		case *plan.Filter:
			for _, part := range conjuncts(resolve.expr(op.Pred)) {
				s.threshold(fields, part)
			}
		case *plan.Project:
			next := map[int]plan.Expr{}
			for _, a := range op.Cols {
				if hasWindow(a.X) {
					return
				}
				next[a.Col.ID] = resolve.expr(a.X)
			}
			values = next
		default:
			return
		}
	}
}

func conjuncts(x plan.Expr) []plan.Expr {
	if call, ok := x.(*plan.Call); ok && call.Fn == plan.FnAnd {
		return call.Args
	}
	return []plan.Expr{x}
}

func hasWindow(x plan.Expr) bool {
	found := false
	newWalker(func(x plan.Expr) {
		_, win := x.(*plan.Win)
		found = found || win
	}).walk(x)
	return found
}

// threshold takes over a condition that a count is more than a constant.
func (s *Shape) threshold(fields map[int]field, x plan.Expr) {
	call, ok := x.(*plan.Call)
	if !ok || len(call.Args) != 2 {
		return
	}
	a, b, fn := call.Args[0], call.Args[1], call.Fn
	if plan.Const(a) {
		a, b, fn = b, a, mirrored(fn)
	}
	lit, ok := b.(*plan.Lit)
	if !ok || lit.Null || fn != plan.FnGt && fn != plan.FnGe {
		return
	}
	isField := func(x plan.Expr, f field) bool {
		col, ok := x.(*plan.Col)
		have, known := fields[id(col)]
		return ok && known && have == f
	}
	least := lit.Int
	if fn == plan.FnGe && least > math.MinInt64 {
		least--
	}
	whole := lit.Type == kql.TypeLong || lit.Type == kql.TypeInt
	switch {
	case whole && isField(a, fieldEvents):
		s.Rule.MinEvents = max(s.Rule.MinEvents, least)
	case whole && isField(a, fieldModalCount):
		s.Rule.MinModal = max(s.Rule.MinModal, least)
	case (whole || lit.Type == kql.TypeReal) && isPercent(a, isField):
		percent := lit.Real
		if whole {
			percent = float64(lit.Int)
		}
		if fn == plan.FnGe {
			percent = math.Nextafter(percent, math.Inf(-1))
		}
		if percent > s.Rule.MinPercent { // not where it is NaN
			s.Rule.MinPercent = percent
		}
	}
}

func id(col *plan.Col) int {
	if col == nil {
		return 0
	}
	return col.ID
}

// isPercent reports whether an expression is ModalCount / toreal(Events) * 100, computed in that order as [beat.Delta]
// does.
func isPercent(x plan.Expr, isField func(plan.Expr, field) bool) bool {
	product, ok := x.(*plan.Call)
	if !ok || product.Fn != plan.FnMul {
		return false
	}
	share, hundred := product.Args[0], product.Args[1]
	if plan.Const(share) {
		share, hundred = hundred, share
	}
	lit, ok := hundred.(*plan.Lit)
	if !ok || lit.Null || lit.Int != 100 && lit.Real != 100 {
		return false
	}
	quotient, ok := share.(*plan.Call)
	if !ok || quotient.Fn != plan.FnDiv || quotient.Type != kql.TypeReal {
		return false
	}
	bare := func(x plan.Expr) plan.Expr {
		if call, ok := x.(*plan.Call); ok && call.Fn == plan.FnToreal {
			return call.Args[0]
		}
		return x
	}
	return isField(bare(quotient.Args[0]), fieldModalCount) && isField(bare(quotient.Args[1]), fieldEvents)
}

// Rows gives the rule's rows as those of the table DeltaTable of Rest.
func (s *Shape) Rows(found []beat.DeltaRow) [][]eval.Value {
	var rows [][]eval.Value
	for i := range found {
		r := &found[i]
		if s.Rule.Scope == beat.ByChannel && r.Port < 0 {
			continue // a port that is null is not equal to the next one, which the language asks for
		}
		row := make([]eval.Value, len(s.fields))
		for j, f := range s.fields {
			row[j] = f.of(r)
		}
		rows = append(rows, row)
	}
	return rows
}

func (f field) of(r *beat.DeltaRow) eval.Value {
	switch f {
	case fieldHour:
		return eval.Datetime(r.Hour)
	case fieldDevice:
		return eval.String(r.Device)
	case fieldUser:
		return eval.String(r.User)
	case fieldSource:
		return eval.String(r.Source)
	case fieldDestination:
		return eval.String(r.Destination)
	case fieldPort:
		if r.Port < 0 {
			return eval.Null(kql.TypeInt)
		}
		return eval.Int(r.Port)
	case fieldModalCount:
		return eval.Long(r.ModalCount)
	case fieldModalGap:
		return eval.Long(r.ModalGap)
	case fieldEvents:
		return eval.Long(r.Events)
	case fieldSent:
		return eval.Long(r.Sent)
	case fieldReceived:
		return eval.Long(r.Received)
	}
	return eval.Value{}
}
