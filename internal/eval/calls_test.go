package eval_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"drumbeat/kql/plan"
)

// edges are the literals that functions are called with, by the class of an argument in their signatures.
var edges = map[string][]string{
	"bool":     {"true", "false", "bool(null)"},
	"int":      {"int(0)", "int(-1)", "int(2147483647)", "int(null)"},
	"long":     {"0", "1", "-1", "7", "64", "long(max)", "long(min)", "long(null)"},
	"real":     {"0.0", "0.5", "-1.5", "3.0", "1e308", "real(nan)", "real(+inf)", "real(-inf)", "real(null)"},
	"decimal":  {"decimal(0)", "decimal(-1.25)", "decimal(123456789012345678901234567890)", "decimal(null)"},
	"datetime": {"datetime(0001-01-01)", "datetime(2024-02-29 12:34:56.7654321)", "datetime(9999-12-31 23:59:59.9999999)", "datetime(null)"},
	"timespan": {"0s", "1tick", "1d", "-36h", "timespan(max)", "timespan(min)", "timespan(null)"},
	"string":   {`""`, `"a"`, `"naïve 😀 text_1"`, `"5"`, `"-1.5"`, `"2024-01-01"`, `"192.168.1.1/24"`, `"day"`, `"yyyy-MM"`, `"(\\w)"`, `"$1"`, `"S3VzdG8="`},
	"guid":     {"guid(01234567-89ab-cdef-0123-456789abcdef)", "guid(null)"},
	"dynamic":  {"dynamic(null)", "dynamic([])", "dynamic({})", "dynamic([1,2.5,null,4])", `dynamic(["a","",[1],{"b":2}])`, `dynamic({"a":1,"b":[1,2]})`, `dynamic("x")`, "dynamic(-7)"},
	"type":     {"typeof(long)", "typeof(string)", "typeof(datetime)"},
}

// classes are the types that a class of arguments takes.
var classes = map[string][]string{
	"any": {"long", "string", "real", "bool", "datetime", "timespan", "dynamic", "decimal", "guid", "int"}, "common": {"long"}, "commonOrd": {"string"},
	"commonDyn": {"dynamic"}, "integer": {"int", "long"}, "number": {"int", "long", "real", "decimal"}, "numberOrBool": {"real", "bool"},
	"summable": {"long", "real", "datetime", "timespan", "decimal"}, "orderable": {"long", "string", "datetime"}, "plain": {"long", "string", "real", "guid"},
	"notReal": {"long", "string"}, "array": {"dynamic"}, "bag": {"dynamic"}, "text": {"string", "dynamic"}, "texts": {"string", "dynamic"},
	"integers": {"long", "dynamic"},
}

// TestCalls calls every function with odd arguments: none may panic, and each must give the type that the plan says, which
// the walker looks at.
func TestCalls(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const tries = 60
	for _, f := range plan.Functions() {
		if f.Is(plan.FlagAggregate) || f.Is(plan.FlagUnsupported) || f.Is(plan.FlagWindow) {
			continue
		}
		called := f.Is(plan.FlagOperator)
		for _, sig := range f.Signatures() {
			for range tries {
				expr := callText(random, f.Name, sig)
				_, err := evaluate(expr)
				called = called || err == nil
				if err != nil && strings.Contains(err.Error(), "where the plan has") {
					t.Errorf("%s: %v", expr, err)
				}
			}
		}
		switch f.ID { //nolint:exhaustive // the engines compute these, or they need a table
		case plan.FnIngestionTime, plan.FnIscolumnexists, plan.FnBinAuto, plan.FnDatetimeListTimezones, plan.FnBagPackColumns,
			plan.FnPackAll:
		default:
			if !called {
				t.Errorf("%s was never computed", f.Name)
			}
		}
	}
}

// callText writes a call of a function by its signature, such as "number number? -> real".
func callText(random *rand.Rand, name, sig string) string {
	params, _, _ := strings.Cut(sig, "->")
	var args []string
	for word := range strings.FieldsSeq(params) {
		class := strings.TrimRight(word, "?*!=^")
		if strings.Contains(word, "?") && random.IntN(2) == 0 {
			break
		}
		n := 1
		if strings.Contains(word, "*") {
			n += random.IntN(3)
		}
		for range n {
			args = append(args, edge(random, class))
		}
	}
	return fmt.Sprintf("%s(%s)", name, strings.Join(args, ", "))
}

func edge(random *rand.Rand, class string) string {
	if types := classes[class]; types != nil {
		class = types[random.IntN(len(types))]
	}
	literals := edges[class]
	if literals == nil {
		return "1"
	}
	return literals[random.IntN(len(literals))]
}

// TestOperators applies every operator to odd values of all types.
func TestOperators(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const tries = 600
	for _, op := range []string{
		"==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "=~", "!~", "has", "!has_cs", "hasprefix", "hassuffix_cs", "contains",
		"startswith", "endswith", "matches regex", "in", "!in~", "has_any", "has_all",
	} {
		done := 0
		for range tries {
			x, y := edge(random, "any"), edge(random, "any")
			if strings.Contains(op, "in") && !strings.Contains(op, "contains") || strings.HasPrefix(op, "has_a") {
				y = "(" + y + ", " + edge(random, "any") + ")"
			}
			_, err := evaluate(x + " " + op + " " + y)
			if err == nil {
				done++
			} else if strings.Contains(err.Error(), "where the plan has") {
				t.Errorf("%s %s %s: %v", x, op, y, err)
			}
		}
		if done < 10 {
			t.Errorf("%s was computed %d times only", op, done)
		}
	}
}
