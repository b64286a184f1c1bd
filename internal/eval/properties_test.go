package eval

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// anyValue draws a value of a type, mostly from the edges.
func anyValue(t *rapid.T, typ kql.Type, label string) Value {
	if rapid.IntRange(0, 9).Draw(t, label+" null") == 0 {
		return Null(typ)
	}
	switch typ {
	case kql.TypeBool:
		return Bool(rapid.Bool().Draw(t, label))
	case kql.TypeInt:
		return Int(rapid.Int32().Draw(t, label))
	case kql.TypeLong:
		return Long(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3)).Draw(t, label))
	case kql.TypeReal:
		odd := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 2, 1 << 53, 1 << 63, math.NaN(), math.Inf(1), math.Inf(-1)})
		return Real(rapid.OneOf(rapid.Float64(), odd).Draw(t, label))
	case kql.TypeDecimal:
		return toDecimal(String(rapid.StringMatching(`-?\d{1,20}(\.\d{1,20})?`).Draw(t, label)))
	case kql.TypeDateTime:
		return Datetime(rapid.Int64Range(0, MaxDatetime).Draw(t, label))
	case kql.TypeTimespan:
		return Timespan(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, label)) // the least has no text that is read
	case kql.TypeString:
		return String(rapid.OneOf(rapid.String(), rapid.StringMatching(`[aAbB _.]{0,4}`)).Draw(t, label))
	case kql.TypeGuid:
		return parseGuid(rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, label))
	case kql.TypeDynamic, kql.TypeUnknown:
	}
	return anyDynamic(t, label, 2)
}

func anyDynamic(t *rapid.T, label string, depth int) Value {
	kinds := []kql.Type{kql.TypeBool, kql.TypeLong, kql.TypeReal, kql.TypeString}
	kind := rapid.IntRange(0, len(kinds)+1).Draw(t, label+" kind")
	if kind < len(kinds) || depth == 0 {
		return ToDynamic(anyValue(t, kinds[kind%len(kinds)], label))
	}
	tree := &Tree{}
	if kind == len(kinds) {
		tree.Keys = []string{}
	}
	for range rapid.IntRange(0, 3).Draw(t, label+" length") {
		v := anyDynamic(t, label, depth-1)
		if tree.Keys == nil {
			tree.Items = append(tree.Items, v)
			continue
		}
		tree.put(nil, rapid.StringMatching(`[ab"\\é]?`).Draw(t, label+" key"), v)
	}
	return Dynamic(tree)
}

var allTypes = []kql.Type{
	kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeString, kql.TypeGuid,
	kql.TypeDynamic,
}

func TestCompareIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(allTypes).Draw(t, "type")
		a, b, c := anyValue(t, typ, "a"), anyValue(t, typ, "b"), anyValue(t, typ, "c")
		if Compare(a, a) != 0 {
			t.Fatalf("%v is not equal to itself", a)
		}
		if Compare(a, b) != -Compare(b, a) {
			t.Fatalf("Compare is %d one way and %d the other", Compare(a, b), Compare(b, a))
		}
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
			t.Fatal("a <= b <= c < a")
		}
	})
}

func TestKeyIsEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(allTypes).Draw(t, "type")
		a, b := anyValue(t, typ, "a"), anyValue(t, typ, "b")
		x, y := Key(nil, a), Key(nil, b)
		if bytes.Equal(x, y) != Equal(a, b) {
			t.Fatalf("the keys are %x and %x, but Equal is %v", x, y, Equal(a, b))
		}
		if len(x) < len(y) && bytes.HasPrefix(y, x) {
			t.Fatalf("%x is the start of %x", x, y)
		}
	})
}

func TestJSONThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyDynamic(t, "v", 3)
		text := string(AppendJSON(nil, v))
		back, ok := FromJSON(text)
		if !ok {
			t.Fatalf("%s is not read", text)
		}
		// NaN and the infinities come back as texts, and what is no UTF-8 as U+FFFD.
		if again := string(AppendJSON(nil, back)); again != strings.ToValidUTF8(text, "\uFFFD") {
			t.Fatalf("%s came back as %s", text, again)
		}
	})
}

func TestTextIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(allTypes[:len(allTypes)-1]).Draw(t, "type")
		v := anyValue(t, typ, "v")
		if back := Convert(String(Text(v)), typ); !Equal(back, v) {
			t.Fatalf("%q came back as %q", Text(v), Text(back))
		}
	})
}

// words are texts in which terms and their borders matter.
var words = rapid.StringMatching(`[aAbBéÉ1_. ]{0,8}`)

func TestHasAsItIsDefined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, needle := words.Draw(t, "s"), words.Draw(t, "needle")
		low, n := []rune(strings.ToLower(s)), []rune(strings.ToLower(needle))
		border := func(i int) bool {
			return i < 0 || i >= len(low) || !unicode.IsLetter(low[i]) && !unicode.IsDigit(low[i])
		}
		want := len(n) == 0
		for i := 0; i+len(n) <= len(low) && !want; i++ {
			end := i + len(n)
			want = string(low[i:end]) == string(n) && (border(i) || border(i-1)) && (border(end-1) || border(end))
		}
		if got := hasTerm(s, needle); got != want {
			t.Fatalf("%q has %q: %v", s, needle, got)
		}
	})
}

// TestListsTwice compares has_any and in with many values, which an index answers from the second time on, with one value
// after the other.
func TestListsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := String(words.Draw(t, "s"))
		list := &Tree{}
		hasAny, hasIn, hasFold := false, false, false
		for _, text := range rapid.SliceOfN(words, minSet, minSet+4).Draw(t, "list") {
			list.Items = append(list.Items, ToDynamic(String(text)))
			hasAny, hasIn, hasFold = hasAny || hasTerm(s.Str(), text), hasIn || s.Str() == text, hasFold || equalFold(s.Str(), text)
		}
		env := &Env{}
		for range 3 {
			for fn, want := range map[plan.Fn]bool{plan.FnHasAny: hasAny, plan.FnIn: hasIn, plan.FnInCI: hasFold} { //nolint:exhaustive // no others take lists
				f, _ := Scalar(fn)
				if got := f(env, kql.TypeBool, []Value{s, Dynamic(list)}); got.Bool() != want {
					t.Fatalf("%s: %v", fn, got.Bool())
				}
			}
		}
	})
}

func TestFoldingOperators(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, needle := words.Draw(t, "s"), words.Draw(t, "needle")
		low, n := strings.ToLower(s), strings.ToLower(needle)
		for name, pair := range map[string][2]bool{
			"contains":   {containsFold(s, needle), strings.Contains(low, n)},
			"startswith": {startsFold(s, needle), strings.HasPrefix(low, n)},
			"endswith":   {endsFold(s, needle), strings.HasSuffix(low, n)},
			"=~":         {equalFold(s, needle), low == n},
		} {
			if pair[0] != pair[1] {
				t.Fatalf("%q %s %q: %v", s, name, needle, pair[0])
			}
		}
	})
}

func TestCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticks := rapid.Int64Range(0, MaxDatetime).Draw(t, "ticks")
		want := time.Unix(floorDiv64(ticks-unixEpoch, ticksPerSecond), 0).UTC()
		d := civil(ticks)
		if d.year != want.Year() || d.month != int(want.Month()) || d.day != want.Day() {
			t.Fatalf("%v is %v", want, d)
		}
		_, week := want.ISOWeek()
		if isoWeek(ticks) != week || dayOfYear(ticks) != want.YearDay() || weekday(ticks) != int(want.Weekday()) {
			t.Fatalf("%v: week %d, day of year %d, weekday %d", want, isoWeek(ticks), dayOfYear(ticks), weekday(ticks))
		}
		if got, _ := kql.ParseDateTime(string(appendDatetime(nil, ticks))); got != ticks {
			t.Fatalf("%d came back as %d", ticks, got)
		}
	})
}

func TestDecimalArithmetic(t *testing.T) {
	digits := rapid.StringMatching(`-?\d{1,16}(\.\d{1,16})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, _ := parseDecimal(digits.Draw(t, "a"))
		b, _ := parseDecimal(digits.Draw(t, "b"))
		x, y := ratOf(a), ratOf(b)
		if got, ok := addDecimals(a, b); !ok || near(got, new(big.Rat).Add(x, y)) != "" {
			t.Fatalf("%s + %s = %s", a, b, got)
		}
		if got, ok := multiplyDecimals(a, b); !ok || near(got, new(big.Rat).Mul(x, y)) != "" {
			t.Fatalf("%s * %s = %s", a, b, got)
		}
		if got, ok := divideDecimals(a, b); ok != (y.Sign() != 0) || ok && near(got, new(big.Rat).Quo(x, y)) != "" {
			t.Fatalf("%s / %s = %s", a, b, got)
		}
		if c := compareDecimals(a.String(), b.String()); c != x.Cmp(y) {
			t.Fatalf("%s and %s: %d", a, b, c)
		}
	})
}

func ratOf(d decimal) *big.Rat {
	r := new(big.Rat).SetInt(d.coef)
	if d.exp >= 0 {
		return r.Mul(r, new(big.Rat).SetInt(power(d.exp)))
	}
	return r.Quo(r, new(big.Rat).SetInt(power(-d.exp)))
}

// near says how a decimal differs from a number by more than half of its last digit.
func near(d decimal, want *big.Rat) string {
	diff := new(big.Rat).Sub(ratOf(d), want)
	half := ratOf(decimal{big.NewInt(5), d.exp + digitCount(d.coef) - maxDecimalDigits - 1})
	if want.Sign() != 0 && diff.Abs(diff).Cmp(half) > 0 || want.Sign() == 0 && d.coef.Sign() != 0 {
		return diff.FloatString(40)
	}
	return ""
}

// TestRealText compares with the definition: the digits are those of the number, as few as can be, and counting the last
// of 17 up gives another number.
func TestRealText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		text := realText(f)
		if back, ok := parseReal(text); !ok || back != f {
			t.Fatalf("%v came back from %q as %v", f, text, back)
		}
		if !strings.ContainsAny(text, ".en") {
			t.Fatalf("%q looks like a whole number", text)
		}
	})
}

func FuzzFromJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,"x\u00e9\ud83d\ude00",null,true]}`, `[`, `1e999`, `"\ud800"`, "\x00", `{"a":1,"a":2}`, `-0`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := FromJSON(text)
		if !ok {
			return
		}
		once := string(AppendJSON(nil, v))
		again, ok := FromJSON(once)
		if !ok || string(AppendJSON(nil, again)) != once {
			t.Fatalf("%q became %q", text, once)
		}
	})
}

// FuzzPattern looks for patterns that can be compiled as they are but not with the classes of Unicode.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`\d+[\s\w-]`, `[^]\W]`, `\Qa\d\E\d`, `(?i)[[:alpha:]\d]`, `[a-\d]`, `\pL\\d`, `[\`, `\`} {
		f.Add(seed, "a1 é")
	}
	f.Fuzz(func(_ *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 200 {
			return
		}
		env := &Env{}
		args := []Value{String(text), String(pattern)}
		matchesRegex(env, kql.TypeBool, args)
		trim(true, true)(env, kql.TypeString, []Value{args[1], args[0]})
		replaceRegex(env, kql.TypeString, []Value{args[0], args[1], String(`\1$1${2}$`)})
		extract(env, kql.TypeString, []Value{args[1], Long(1), args[0]})
		extractAll(env, kql.TypeDynamic, []Value{args[1], args[0]})
		indexOfRegex(env, kql.TypeLong, args)
	})
}

func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"1.5", "-0.00", "1e6144", "1e-9999", "999999999999999999999999999999999999e3"} {
		f.Add(seed, "3")
	}
	f.Fuzz(func(t *testing.T, x, y string) {
		a, okA := parseDecimal(x)
		b, okB := parseDecimal(y)
		if !okA || !okB {
			return
		}
		for _, op := range []func(a, b decimal) (decimal, bool){addDecimals, multiplyDecimals, divideDecimals, modDecimals} {
			d, ok := op(a, b)
			if !ok {
				continue
			}
			back, ok := parseDecimal(d.String())
			if !ok || back.String() != d.String() {
				t.Fatalf("%q does not come back", d.String())
			}
		}
	})
}

func FuzzTimeFormat(f *testing.F) {
	f.Add("yyyy-MM-dd HH:mm:ss.fffffff", int64(1))
	f.Add("tt.FFF", int64(-1))
	f.Fuzz(func(_ *testing.T, format string, ticks int64) {
		env := &Env{}
		formatTimespan(env, kql.TypeString, []Value{Timespan(ticks), String(format)})
		formatDatetime(env, kql.TypeString, []Value{Datetime(ticks & math.MaxInt64 % (MaxDatetime + 1)), String(format)})
	})
}
