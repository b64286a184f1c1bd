package rule

import (
	"time"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// timeColumn is what the window of a run bounds.
const timeColumn = "TimeGenerated"

// ticks of 100 ns, as plans count time.
const ticksPerSecond = int64(time.Second / 100)

func ticksOf(d time.Duration) int64 { return int64(d / 100) }

// Window gives the times that a run at a time sees: [T-period, T], both included.
func (r *Rule) Window(at int64) plan.Window {
	if r.Period <= 0 {
		return plan.Window{}
	}
	return plan.Window{From: max(at-ticksOf(r.Period), 0), To: at}
}

// Slots are scheduled times.
type Slots struct {
	First, Last, Step int64 // in ticks; no slot where Last is before First
}

// Len is the number of slots.
func (s Slots) Len() int {
	if s.Last < s.First || s.Step <= 0 {
		return 0
	}
	return int((s.Last-s.First)/s.Step) + 1
}

// At gives a slot.
func (s Slots) At(i int) int64 { return s.First + int64(i)*s.Step }

// Between gives the scheduled times from one time to another, both included. They are whole multiples of the frequency
// since midnight of 1 January of the year 1, UTC, and so since midnight of each day where the frequency divides a day.
// A hunting query, which has no schedule, has the last time alone.
func (r *Rule) Between(from, to int64) Slots {
	step := ticksOf(r.Frequency)
	if step <= 0 {
		return Slots{First: to, Last: to, Step: 1}
	}
	first := (from + step - 1) / step * step
	return Slots{First: first, Last: to / step * step, Step: step}
}

// Meeting gives the scheduled times whose windows meet data of these times.
func (r *Rule) Meeting(first, last int64) Slots {
	if r.Frequency <= 0 {
		return Slots{First: last, Last: last, Step: 1}
	}
	return r.Between(first, last+ticksOf(r.Period))
}

// windowed gives a plan whose scans see a window alone. The zero Window changes nothing.
func windowed(p *plan.Plan, w plan.Window) *plan.Plan {
	if w == (plan.Window{}) {
		return p
	}
	m := newMapper(func(s *plan.Scan) plan.Op { return bounded(s, w) })
	out := *p
	out.Root = m.op(p.Root)
	return &out
}

// bounded filters a scan of a table that has the time column. The zero Window changes nothing.
func bounded(s *plan.Scan, w plan.Window) plan.Op {
	if w == (plan.Window{}) {
		return s
	}
	for _, c := range s.Columns {
		if c.Name != timeColumn || c.Type != kql.TypeDateTime {
			continue
		}
		col := &plan.Col{Info: plan.Info{Type: c.Type, NonNull: c.NonNull}, ID: c.ID, Name: c.Name}
		edge := func(fn plan.Fn, ticks int64) plan.Expr {
			lit := &plan.Lit{Info: plan.Info{Type: kql.TypeDateTime, NonNull: true, Const: true}, Int: ticks}
			return call(fn, kql.TypeBool, col, lit)
		}
		return &plan.Filter{Input: s, Pred: call(plan.FnAnd, kql.TypeBool, edge(plan.FnGe, w.From), edge(plan.FnLe, w.To))}
	}
	return s
}

func call(fn plan.Fn, t kql.Type, args ...plan.Expr) *plan.Call {
	return &plan.Call{Info: plan.Info{Type: t}, Fn: fn, Args: args}
}
