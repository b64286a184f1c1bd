package eval

import (
	"strings"
	"testing"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// BenchmarkScalar calls functions that rules call for every row.
func BenchmarkScalar(b *testing.B) {
	line := String("CEF:0|Vendor|Product|10.1|TRAFFIC|end|3|src=10.1.2.3 dst=203.0.113.9 act=Allow")
	long, moment := Long(7_654_321), Datetime(638501184123456789)
	list := &Tree{}
	for name := range strings.FieldsSeq("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu") {
		list.Items = append(list.Items, ToDynamic(String(name)))
	}
	for _, bench := range []struct {
		name string
		fn   plan.Fn
		out  kql.Type
		args []Value
	}{
		{"equal text", plan.FnEq, kql.TypeBool, []Value{line, String("TRAFFIC")}},
		{"equal long", plan.FnEq, kql.TypeBool, []Value{long, Long(5)}},
		{"greater", plan.FnGt, kql.TypeBool, []Value{long, Long(25)}},
		{"add", plan.FnAdd, kql.TypeLong, []Value{long, Long(25)}},
		{"divide", plan.FnDiv, kql.TypeReal, []Value{long, Real(25)}},
		{"has", plan.FnHas, kql.TypeBool, []Value{line, String("allow")}},
		{"has not", plan.FnHas, kql.TypeBool, []Value{line, String("denied")}},
		{"contains", plan.FnContains, kql.TypeBool, []Value{line, String("DST=")}},
		{"startswith", plan.FnStartsWith, kql.TypeBool, []Value{line, String("cef:")}},
		{"in a list", plan.FnIn, kql.TypeBool, []Value{String("lambda"), Dynamic(list)}},
		{"has_any", plan.FnHasAny, kql.TypeBool, []Value{line, Dynamic(list)}},
		{"bin", plan.FnBin, kql.TypeDateTime, []Value{moment, Timespan(ticksPerHour)}},
		{"datetime_diff", plan.FnDatetimeDiff, kql.TypeLong, []Value{String("second"), moment, Datetime(638501184000000000)}},
		{"startofday", plan.FnStartofday, kql.TypeDateTime, []Value{moment}},
		{"tostring", plan.FnTostring, kql.TypeString, []Value{moment}},
		{"matches regex", plan.FnMatchesRegex, kql.TypeBool, []Value{line, String(`dst=(\d+)\.`)}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			f, _ := Scalar(bench.fn)
			env := &Env{}
			b.ReportAllocs()
			for b.Loop() {
				f(env, bench.out, bench.args)
			}
		})
	}
}
