package eval

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

// decimal is a decimal number, coef times ten to the power exp, of up to 34 digits, as in IEEE 754 decimal128. The
// coefficient is never changed.
type decimal struct {
	coef *big.Int
	exp  int
}

const (
	maxDecimalDigits = 34
	maxDecimalExp    = 6144 // of the first digit
	// plainZeros is how many zeros a decimal may have at an end of its digits before it is written with an exponent.
	plainZeros = 40
)

var (
	bigOne = big.NewInt(1)
	bigTwo = big.NewInt(2)
	bigTen = big.NewInt(10)
)

// parseDecimal reads digits with a sign, a point and an exponent.
func parseDecimal(s string) (decimal, bool) {
	mantissa, expText := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, expText = s[:i], s[i+1:]
	}
	exp := 0
	if expText != "" || len(mantissa) < len(s) {
		n, err := strconv.ParseInt(expText, 10, 32)
		if err != nil {
			return decimal{}, false
		}
		exp = int(n)
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole, "+-")
	if len(whole)-len(digits) > 1 || digits+frac == "" || strings.Trim(digits+frac, "0123456789") != "" {
		return decimal{}, false
	}
	// Digits far beyond the precision cannot change the result but for a tie.
	all := strings.TrimLeft(digits+frac, "0")
	exp -= len(frac)
	if cut := len(all) - 2*maxDecimalDigits; cut > 0 {
		all, exp = all[:2*maxDecimalDigits], exp+cut
	}
	coef, ok := new(big.Int).SetString("0"+all, 10)
	if !ok {
		return decimal{}, false
	}
	if strings.HasPrefix(whole, "-") {
		coef.Neg(coef)
	}
	return decimal{coef, exp}.rounded()
}

// rounded brings a decimal to its precision, half to even, and takes zeros off its end. It is false beyond the range; what
// is too small is 0.
func (d decimal) rounded() (decimal, bool) {
	if d.coef.Sign() == 0 {
		return decimal{new(big.Int), 0}, true
	}
	if cut := digitCount(d.coef) - maxDecimalDigits; cut > 0 {
		d = decimal{roundHalfEven(d.coef, power(cut)), d.exp + cut}
	}
	coef, rest := new(big.Int).Set(d.coef), new(big.Int)
	for quotient := new(big.Int); ; d.exp++ {
		if quotient.QuoRem(coef, bigTen, rest); rest.Sign() != 0 {
			break
		}
		coef.Set(quotient)
	}
	d.coef = coef
	first := d.exp + digitCount(coef) - 1
	if first < -maxDecimalExp {
		return decimal{new(big.Int), 0}, true
	}
	return d, first <= maxDecimalExp
}

func roundHalfEven(n, unit *big.Int) *big.Int {
	quotient, rest := new(big.Int).QuoRem(n, unit, new(big.Int))
	twice := new(big.Int).Mul(rest, bigTwo)
	c := twice.CmpAbs(unit)
	if c > 0 || c == 0 && quotient.Bit(0) == 1 {
		step := bigOne
		if n.Sign() < 0 {
			step = big.NewInt(-1)
		}
		quotient.Add(quotient, step)
	}
	return quotient
}

func digitCount(n *big.Int) int { return len(new(big.Int).Abs(n).String()) }

func power(n int) *big.Int { return new(big.Int).Exp(bigTen, big.NewInt(int64(n)), nil) }

func (d decimal) negative() decimal { return decimal{new(big.Int).Neg(d.coef), d.exp} }

// String gives the digits, without zeros at their end; only very large and very small numbers have an exponent.
func (d decimal) String() string {
	if d.coef.Sign() == 0 {
		return "0"
	}
	digits, sign := d.coef.String(), ""
	if digits[0] == '-' {
		digits, sign = digits[1:], "-"
	}
	point := len(digits) + d.exp // digits before the point
	switch {
	case d.exp > plainZeros || point < -plainZeros:
		text := sign + digits[:1]
		if len(digits) > 1 {
			text += "." + digits[1:]
		}
		return text + "E" + strconv.Itoa(point-1)
	case d.exp >= 0:
		return sign + digits + strings.Repeat("0", d.exp)
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	}
	return sign + digits[:point] + "." + digits[point:]
}

func (d decimal) value() Value { return Decimal(d.String()) }

// whole cuts the fraction off.
func (d decimal) whole() (int64, bool) {
	switch {
	case d.exp > 18:
		return 0, false
	case d.exp >= 0:
		n := new(big.Int).Mul(d.coef, power(d.exp))
		return n.Int64(), n.IsInt64()
	case d.exp < -maxDecimalDigits:
		return 0, true
	}
	n := new(big.Int).Quo(d.coef, power(-d.exp))
	return n.Int64(), n.IsInt64()
}

// plainDecimal gives the digits of a decimal in their one form.
func plainDecimal(s string) string {
	if d, ok := parseDecimal(s); ok {
		return d.String()
	}
	return s
}

// align gives two decimals one exponent. It is false where they are so far apart that the lesser does not count.
func align(a, b decimal) (x, y *big.Int, exp int, ok bool) {
	exp = min(a.exp, b.exp)
	if max(a.exp, b.exp)-exp > 4*maxDecimalDigits {
		return nil, nil, 0, false
	}
	return new(big.Int).Mul(a.coef, power(a.exp-exp)), new(big.Int).Mul(b.coef, power(b.exp-exp)), exp, true
}

func compareDecimals(a, b string) int {
	x, okX := parseDecimal(a)
	y, okY := parseDecimal(b)
	switch {
	case !okX || !okY:
		return strings.Compare(a, b)
	case x.coef.Sign() != y.coef.Sign():
		return cmp.Compare(x.coef.Sign(), y.coef.Sign())
	}
	if m, n, _, ok := align(x, y); ok {
		return m.Cmp(n)
	}
	return boolOrder(x.exp > y.exp, y.exp > x.exp) * x.coef.Sign()
}

func addDecimals(a, b decimal) (decimal, bool) {
	switch {
	case a.coef.Sign() == 0:
		return b, true
	case b.coef.Sign() == 0:
		return a, true
	}
	x, y, exp, ok := align(a, b)
	if !ok && a.exp > b.exp {
		return a, true
	} else if !ok {
		return b, true
	}
	return decimal{x.Add(x, y), exp}.rounded()
}

func multiplyDecimals(a, b decimal) (decimal, bool) {
	return decimal{new(big.Int).Mul(a.coef, b.coef), a.exp + b.exp}.rounded()
}

func divideDecimals(a, b decimal) (decimal, bool) {
	if b.coef.Sign() == 0 {
		return decimal{}, false
	}
	// Two more digits than the precision, and one that says whether anything is left.
	shift := max(0, maxDecimalDigits+2+digitCount(b.coef)-digitCount(a.coef))
	quotient, rest := new(big.Int).QuoRem(new(big.Int).Mul(a.coef, power(shift)), b.coef, new(big.Int))
	quotient.Mul(quotient, bigTen)
	if rest.Sign() != 0 {
		quotient.Add(quotient, big.NewInt(int64(a.coef.Sign()*b.coef.Sign())))
	}
	return decimal{quotient, a.exp - b.exp - shift - 1}.rounded()
}

// modDecimals is never negative, as the remainder of other numbers.
func modDecimals(a, b decimal) (decimal, bool) {
	if b.coef.Sign() == 0 {
		return decimal{}, false
	}
	x, y, exp, ok := align(a, b)
	if !ok {
		return decimal{}, false
	}
	y.Abs(y)
	return decimal{x.Mod(x, y), exp}.rounded()
}
