package eval

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var numberFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other files
	plan.FnRound:   round,
	plan.FnCeiling: ceiling,
	plan.FnAbs:     abs,
	plan.FnSign:    ofReal(sign),

	plan.FnPow:      ofReals(math.Pow),
	plan.FnAtan2:    ofReals(math.Atan2),
	plan.FnSqrt:     ofReal(math.Sqrt),
	plan.FnLog:      ofReal(math.Log),
	plan.FnLog2:     ofReal(math.Log2),
	plan.FnLog10:    ofReal(math.Log10),
	plan.FnExp:      ofReal(math.Exp),
	plan.FnExp2:     ofReal(math.Exp2),
	plan.FnExp10:    ofReal(func(x float64) float64 { return math.Pow(10, x) }),
	plan.FnPi:       func(*Env, kql.Type, []Value) Value { return Real(math.Pi) },
	plan.FnCos:      ofReal(math.Cos),
	plan.FnSin:      ofReal(math.Sin),
	plan.FnTan:      ofReal(math.Tan),
	plan.FnAcos:     ofReal(math.Acos),
	plan.FnAsin:     ofReal(math.Asin),
	plan.FnAtan:     ofReal(math.Atan),
	plan.FnCot:      ofReal(func(x float64) float64 { return 1 / math.Tan(x) }),
	plan.FnDegrees:  ofReal(func(x float64) float64 { return x * 180 / math.Pi }),
	plan.FnRadians:  ofReal(func(x float64) float64 { return x * math.Pi / 180 }),
	plan.FnGamma:    ofReal(math.Gamma),
	plan.FnLoggamma: ofReal(func(x float64) float64 { y, _ := math.Lgamma(x); return y }),
	plan.FnErf:      ofReal(math.Erf),
	plan.FnErfc:     ofReal(math.Erfc),
	plan.FnIsnan:    realIs(math.IsNaN),
	plan.FnIsinf:    realIs(func(x float64) bool { return math.IsInf(x, 0) }),
	plan.FnIsfinite: realIs(func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }),
	plan.FnBetaCdf:  beta(betaCDF),
	plan.FnBetaInv:  beta(betaInverse),
	plan.FnBetaPdf:  beta(betaDensity),

	plan.FnRand:    random,
	plan.FnNewGuid: newGuid,

	plan.FnFormatBytes: formatBytes,
}

// ofReal makes a function of one real. Where mathematics has no result it is NaN.
func ofReal(f func(float64) float64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		x := Convert(args[0], kql.TypeReal)
		if !x.set {
			return Null(out)
		}
		return Real(f(x.Real()))
	}
}

func ofReals(f func(x, y float64) float64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		x, y := Convert(args[0], kql.TypeReal), Convert(args[1], kql.TypeReal)
		if !x.set || !y.set {
			return Null(out)
		}
		return Real(f(x.Real(), y.Real()))
	}
}

func realIs(f func(float64) bool) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		x := Convert(args[0], kql.TypeReal)
		if !x.set {
			return Null(out)
		}
		return Bool(f(x.Real()))
	}
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// round goes to the nearest, halves away from zero.
func round(_ *Env, out kql.Type, args []Value) Value {
	places := int64(0)
	if len(args) > 1 {
		if !args[1].set {
			return Null(out)
		}
		places = args[1].Int()
	}
	return rounded(out, args[0], places, math.Round, func(n, unit *big.Int) *big.Int {
		q, rest := new(big.Int).QuoRem(n, unit, new(big.Int))
		if rest.Mul(rest, bigTwo).CmpAbs(unit) >= 0 {
			q.Add(q, big.NewInt(int64(n.Sign())))
		}
		return q
	})
}

func ceiling(_ *Env, out kql.Type, args []Value) Value {
	return rounded(out, args[0], 0, math.Ceil, func(n, unit *big.Int) *big.Int {
		q, rest := new(big.Int).QuoRem(n, unit, new(big.Int))
		if rest.Sign() > 0 {
			q.Add(q, bigOne)
		}
		return q
	})
}

// rounded brings a number to so many decimal places, by a function of reals and one that divides decimals.
func rounded(out kql.Type, v Value, places int64, real func(float64) float64, quotient func(n, unit *big.Int) *big.Int) Value {
	v = Convert(v, out)
	if !v.set {
		return v
	}
	const most = 300 // beyond it powers of ten leave the reals
	places = min(max(places, -most), most)
	switch out { //nolint:exhaustive // the others are numbers
	case kql.TypeReal:
		unit := math.Pow(10, float64(places))
		if x := v.Real() * unit; !math.IsInf(x, 0) {
			return Real(real(x) / unit)
		}
		return v
	case kql.TypeDecimal:
		d, ok := parseDecimal(v.s)
		cut := -int64(d.exp) - places
		if !ok || cut <= 0 {
			return v
		}
		if cut > 4*maxDecimalDigits {
			return Decimal("0")
		}
		d, ok = decimal{quotient(d.coef, power(int(cut))), d.exp + int(cut)}.rounded()
		if !ok {
			return Null(out)
		}
		return d.value()
	}
	if places >= 0 || v.typ != kql.TypeLong && v.typ != kql.TypeInt {
		return v
	}
	unit := math.Pow(10, float64(-places))
	return Convert(Real(real(float64(v.Int())/unit)*unit), out)
}

func abs(_ *Env, out kql.Type, args []Value) Value {
	v := Convert(args[0], out)
	if !v.set {
		return v
	}
	switch out { //nolint:exhaustive // the others have no sign
	case kql.TypeReal:
		return Real(math.Abs(v.Real()))
	case kql.TypeDecimal:
		return Decimal(strings.TrimPrefix(v.s, "-"))
	}
	if v.Int() < 0 {
		v.n = -v.n
	}
	return v
}

func beta(f func(x, a, b float64) float64) Func {
	return func(_ *Env, out kql.Type, args []Value) Value {
		var x [3]float64
		for i := range x {
			v := Convert(args[i], kql.TypeReal)
			if !v.set {
				return Null(out)
			}
			x[i] = v.Real()
		}
		if !(x[0] >= 0 && x[0] <= 1) || !(x[1] > 0) || !(x[2] > 0) {
			return Null(out)
		}
		return Real(f(x[0], x[1], x[2]))
	}
}

// logBeta is the logarithm of the beta function.
func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// betaCDF is the regularised incomplete beta function I_x(a, b), by the continued fraction DLMF 8.17.22, which converges
// fast for x < (a+1)/(a+b+2); beyond it I_x(a, b) = 1 - I_(1-x)(b, a).
func betaCDF(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - betaCDF(1-x, b, a)
	}
	const (
		steps = 10000
		tiny  = 1e-300
		eps   = 1e-16
	)
	guard := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	// The method of Lentz.
	c, d := 1.0, 1/guard(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m <= steps; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/guard(1+even*d), guard(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/guard(1+odd*d), guard(1+odd/c)
		f *= d * c
		if math.Abs(d*c-1) < eps {
			break
		}
	}
	return f * math.Exp(a*math.Log(x)+b*math.Log1p(-x)-logBeta(a, b)) / a
}

// betaInverse looks for x by halving: a real has no more than 1,100 halves.
func betaInverse(p, a, b float64) float64 {
	const halves = 1100
	low, high := 0.0, 1.0
	for range halves {
		x := low + (high-low)/2
		if x == low || x == high {
			break
		}
		if betaCDF(x, a, b) < p {
			low = x
		} else {
			high = x
		}
	}
	return high
}

func betaDensity(x, a, b float64) float64 {
	switch {
	case x > 0 && x < 1:
		return math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - logBeta(a, b))
	case x == 0 && a == 1 || x == 1 && b == 1:
		return math.Exp(-logBeta(a, b))
	case x == 0 && a < 1 || x == 1 && b < 1:
		return math.Inf(1)
	}
	return 0
}

// next gives a number by chance (SplitMix64), of a sequence that depends on the time of the run alone.
func (e *Env) next() uint64 {
	if e.cache.random == 0 {
		e.cache.random = uint64(e.Now) | 1
	}
	e.cache.random += 0x9e3779b97f4a7c15
	z := e.cache.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// random is a real from 0 to 1, or a whole one below n where n is greater than 1.
func random(env *Env, _ kql.Type, args []Value) Value {
	x := float64(env.next()>>11) / (1 << 53)
	if len(args) > 0 && args[0].Int() > 1 {
		return Real(math.Floor(x * float64(args[0].Int())))
	}
	return Real(x)
}

func newGuid(env *Env, _ kql.Type, _ []Value) Value {
	const version, variant = 4 << 12, 2 << 62
	high := env.next()&^0xf000 | version
	low := env.next()&^(3<<62) | variant
	return parseGuid(fmt.Sprintf("%016x%016x", high, low))
}

// byteUnits are those of format_bytes, each 1,024 times the one before.
var byteUnits = []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"}

// formatBytes writes a number of bytes in a unit, by default the greatest that leaves a whole part.
func formatBytes(_ *Env, out kql.Type, args []Value) Value {
	v := Convert(args[0], kql.TypeReal)
	if !v.set {
		return Null(out)
	}
	places, unit := int64(0), ""
	if len(args) > 1 {
		places = min(max(args[1].Int(), 0), 15)
	}
	if len(args) > 2 {
		unit = Text(args[2])
	}
	x := v.Real()
	i := 0
	if unit == "" {
		for ; i < len(byteUnits)-1 && math.Abs(x) >= 1024; i++ {
			x /= 1024
		}
	} else {
		for i < len(byteUnits) && !strings.EqualFold(byteUnits[i], unit) {
			x /= 1024
			i++
		}
		if i == len(byteUnits) {
			return Null(out)
		}
	}
	text := strconv.FormatFloat(x, 'f', int(places), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	name := byteUnits[i]
	if i == 0 && unit == "" {
		name = "B"
	}
	return String(text + " " + name)
}
