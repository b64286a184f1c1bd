package rule

import (
	"slices"
	"strconv"

	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// Channel is what explain follows through a rule: the records of a source, of a destination, or of both. What is empty or
// negative says nothing.
type Channel struct {
	Source, Destination string
	Port                int
}

// Any reports whether the channel says anything.
func (c Channel) Any() bool { return c.Source != "" || c.Destination != "" || c.Port >= 0 }

// role is an end of a channel.
type role uint8

const (
	roleSource role = iota
	roleDestination
	rolePort
	roles
)

// roleColumns are the columns of tables that hold the ends of channels: of CommonSecurityLog, of ASIM, and of other tables
// of network traffic.
var roleColumns = [roles][]string{
	roleSource:      {"SourceIP", "SrcIpAddr", "SourceIp", "SrcIP", "LocalIP", "SrcIP_s"},
	roleDestination: {"DestinationIP", "DstIpAddr", "DestinationIp", "DestIP", "RemoteIP", "DestIP_s"},
	rolePort:        {"DestinationPort", "DstPortNumber", "DestPort", "RemotePort", "DestPort_d"},
}

// follower knows which columns of a plan hold the ends of a channel, under whatever name.
type follower struct {
	channel Channel
	ids     [roles]map[int]bool
}

// follow finds the columns: those of scans by their names, then all that are made of one of them alone.
func follow(channel Channel, ops []plan.Op) *follower {
	f := &follower{channel: channel}
	for r := range roles {
		f.ids[r] = map[int]bool{}
	}
	for _, op := range ops {
		for _, c := range scanColumns(op) {
			for r := range roles {
				if slices.Contains(roleColumns[r], c.Name) {
					f.ids[r][c.ID] = true
				}
			}
		}
	}
	// A step reads columns that others make, and ops come in no order that would do for all.
	const most = 50
	for range most {
		grown := false
		for _, op := range ops {
			grown = f.step(op) || grown
		}
		if !grown {
			break
		}
	}
	return f
}

func scanColumns(op plan.Op) []plan.Column {
	switch op := op.(type) { //nolint:exhaustive // the sources whose columns have names of their own
	case *plan.Scan:
		return op.Columns
	case *plan.Values:
		return op.Cols
	}
	return nil
}

// step passes the ends of a channel on from the columns that a step reads to those that it makes.
func (f *follower) step(op plan.Op) bool {
	grown := false
	pass := func(from, to int) {
		for r := range roles {
			if f.ids[r][from] && !f.ids[r][to] {
				f.ids[r][to], grown = true, true
			}
		}
	}
	passExpr := func(x plan.Expr, to int) {
		if c, ok := x.(*plan.Col); ok {
			pass(c.ID, to)
		}
	}
	switch op := op.(type) { //nolint:exhaustive // the others make no copies of columns
	case *plan.Project:
		for _, a := range op.Cols {
			passExpr(a.X, a.Col.ID)
		}
	case *plan.Aggregate:
		for _, a := range op.Keys {
			passExpr(a.X, a.Col.ID)
		}
		for i := range op.Aggs {
			a := &op.Aggs[i]
			if len(a.Cols) > len(a.Agg.Args) {
				continue
			}
			switch a.Agg.Fn { //nolint:exhaustive // the aggregates whose results are values of rows
			case plan.AggArgMax, plan.AggArgMin, plan.AggTakeAny:
				for j, c := range a.Cols {
					passExpr(a.Agg.Args[j], c.ID)
				}
			}
		}
	case *plan.Union:
		for _, in := range op.Inputs {
			for i, from := range in.From {
				pass(from, op.Cols[i].ID)
			}
		}
	case *plan.MvExpand:
		for _, item := range op.Items {
			passExpr(item.X, item.Col.ID)
		}
	}
	return grown
}

// test is a column of a step and what it must be for a row to be of the channel.
type channelTest struct {
	column plan.Column
	at     int // among the columns of the step
	text   string
	number int64
	isText bool
}

// tests gives what a row of a step must have, as far as it has the columns; none if it has none.
func (f *follower) tests(op plan.Op) []channelTest {
	var out []channelTest
	cols := plan.Columns(op)
	add := func(r role, text string, number int64) {
		for i, c := range cols {
			if !f.ids[r][c.ID] {
				continue
			}
			switch c.Type { //nolint:exhaustive // ends of channels are texts and numbers
			case kql.TypeString:
				out = append(out, channelTest{column: c, at: i, text: text, isText: true})
			case kql.TypeInt, kql.TypeLong:
				if r != rolePort {
					continue
				}
				out = append(out, channelTest{column: c, at: i, number: number})
			default:
				continue
			}
			return
		}
	}
	if f.channel.Source != "" {
		add(roleSource, f.channel.Source, 0)
	}
	if f.channel.Destination != "" {
		add(roleDestination, f.channel.Destination, 0)
	}
	if f.channel.Port >= 0 {
		add(rolePort, strconv.Itoa(f.channel.Port), int64(f.channel.Port))
	}
	return out
}

// holds reports whether a row passes all tests.
func holds(tests []channelTest, row stream.Row) bool {
	for i := range tests {
		t := &tests[i]
		v := row[t.at].Inner()
		if v.IsNull() || t.isText && v.Str() != t.text || !t.isText && v.Int() != t.number {
			return false
		}
	}
	return true
}

// only filters a step for the rows of the channel.
func only(op plan.Op, tests []channelTest) plan.Op {
	for i := range tests {
		t := &tests[i]
		lit := &plan.Lit{Info: plan.Info{Type: t.column.Type, NonNull: true, Const: true}, Int: t.number, Str: t.text}
		op = &plan.Filter{Input: op, Pred: call(plan.FnEq, kql.TypeBool, colOf(t.column), lit)}
	}
	return op
}

func colOf(c plan.Column) *plan.Col {
	return &plan.Col{Info: plan.Info{Type: c.Type, NonNull: c.NonNull || c.Type == kql.TypeString}, ID: c.ID, Name: c.Name, Open: c.Open}
}
