package eval

import (
	"math"
	mathbits "math/bits"
	"math/cmplx"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var seriesFilterFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnSeriesFir:  seriesFir,
	plan.FnSeriesIir:  seriesIir,
	plan.FnSeriesFft:  func(_ *Env, _ kql.Type, args []Value) Value { return fourierOf(args, false) },
	plan.FnSeriesIfft: func(_ *Env, _ kql.Type, args []Value) Value { return fourierOf(args, true) },
}

// maxFilter bounds the work of a filter: elements by coefficients.
const maxFilter = 1 << 28

// seriesFir is series_fir(series, filter, normalize, center): each element becomes the sum of itself and those before it,
// or around it, by the coefficients; before the beginning and behind the end lies 0. The filter is divided by its sum
// unless it has a negative coefficient; to ask for that nevertheless gives null. Whole numbers stay such where nothing is
// divided.
func seriesFir(_ *Env, _ kql.Type, args []Value) Value {
	y, okY := numbersOf(args[0])
	filter, okF := numbersOf(args[1])
	if !okY || !okF || len(filter) == 0 || len(y) > maxFilter/len(filter) {
		return nullDynamic()
	}
	negative, total := false, 0.0
	for _, f := range filter {
		negative, total = negative || f < 0, total+f
	}
	normalize := !negative
	if len(args) > 2 && args[2].set {
		normalize = args[2].Bool()
	}
	if normalize && negative {
		return nullDynamic()
	}
	shift := 0
	if len(args) > 3 && args[3].Bool() {
		shift = (len(filter) - 1) / 2
	}
	out := make([]float64, len(y))
	for i := range out {
		for k, f := range filter {
			if at := i + shift - k; at >= 0 && at < len(y) {
				out[i] += f * y[at]
			}
		}
		if normalize {
			out[i] /= total
		}
	}
	if !normalize && allWhole(args[0]) && allWhole(args[1]) {
		return wholes(out)
	}
	return reals(out)
}

func allWhole(v Value) bool {
	items, _ := arrayItems(v)
	for _, item := range items {
		if _, ok := wholeOf(item); !ok {
			return false
		}
	}
	return true
}

func wholes(all []float64) Value {
	items := make([]Value, len(all))
	for i, f := range all {
		items[i] = ToDynamic(Long(int64(f)))
	}
	return Dynamic(&Tree{Items: items})
}

// seriesIir is series_iir(series, b, a): a[0]·out[i] = Σ b[k]·series[i-k] - Σ a[k]·out[i-k].
func seriesIir(_ *Env, _ kql.Type, args []Value) Value {
	y, okY := numbersOf(args[0])
	b, okB := numbersOf(args[1])
	a, okA := numbersOf(args[2])
	if !okY || !okB || !okA || len(a) == 0 || len(b) == 0 || a[0] == 0 || len(y) > maxFilter/(len(a)+len(b)) {
		return nullDynamic()
	}
	out := make([]float64, len(y))
	for i := range out {
		for k := 0; k < len(b) && k <= i; k++ {
			out[i] += b[k] * y[i-k]
		}
		for k := 1; k < len(a) && k <= i; k++ {
			out[i] -= a[k] * out[i-k]
		}
		out[i] /= a[0]
	}
	return reals(out)
}

// fourierOf is series_fft and series_ifft: of the real parts and, if given, the imaginary ones of a series. It gives two
// arrays, of real and of imaginary parts.
func fourierOf(args []Value, inverse bool) Value {
	re, ok := numbersOf(args[0])
	z := make([]complex128, len(re))
	for i, f := range re {
		z[i] = complex(f, 0)
	}
	if len(args) > 1 {
		im, okIm := numbersOf(args[1])
		ok = ok && okIm && len(im) == len(re)
		for i := range min(len(im), len(re)) {
			z[i] = complex(re[i], im[i])
		}
	}
	if !ok {
		return nullDynamic()
	}
	z = fourier(z, inverse)
	im := make([]float64, len(z))
	for i, c := range z {
		re[i], im[i] = real(c), imag(c)
	}
	return Array([]Value{reals(re), reals(im)})
}

// fourier gives the discrete Fourier transform of any length in n·log(n) steps, or its inverse. Lengths that are no power
// of two are computed as a convolution by such (Bluestein's algorithm).
func fourier(z []complex128, inverse bool) []complex128 {
	n := len(z)
	out := make([]complex128, n)
	copy(out, z)
	if n < 2 {
		return out
	}
	if n&(n-1) == 0 {
		fourierOfPower(out, inverse)
	} else {
		out = bluestein(out, inverse)
	}
	if inverse {
		for i := range out {
			out[i] /= complex(float64(n), 0)
		}
	}
	return out
}

// fourierOfPower transforms in place; the length is a power of two. Nothing is divided.
func fourierOfPower(z []complex128, inverse bool) {
	n := len(z)
	shift := 64 - mathbits.TrailingZeros64(uint64(n))
	for i := range z {
		if j := int(mathbits.Reverse64(uint64(i)) >> shift); j > i {
			z[i], z[j] = z[j], z[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		half := size / 2
		for k := range half {
			w := turn(k, size, inverse)
			for start := 0; start < n; start += size {
				a, b := z[start+k], z[start+k+half]*w
				z[start+k], z[start+k+half] = a+b, a-b
			}
		}
	}
}

// turn is the k-th of n roots of one.
func turn(k, n int, inverse bool) complex128 {
	angle := -2 * math.Pi * float64(k) / float64(n)
	if inverse {
		angle = -angle
	}
	return cmplx.Rect(1, angle)
}

func bluestein(z []complex128, inverse bool) []complex128 {
	n := len(z)
	m := 1 << mathbits.Len(uint(2*n-1))
	chirp := make([]complex128, n)
	a, b := make([]complex128, m), make([]complex128, m)
	for i := range chirp {
		square := int(uint64(i) * uint64(i) % uint64(2*n)) // the angle repeats after 2n
		chirp[i] = turn(square, 2*n, inverse)
		a[i] = z[i] * chirp[i]
		b[i] = cmplx.Conj(chirp[i])
		if i > 0 {
			b[m-i] = b[i]
		}
	}
	fourierOfPower(a, false)
	fourierOfPower(b, false)
	for i := range a {
		a[i] *= b[i]
	}
	fourierOfPower(a, true)
	out := make([]complex128, n)
	for i := range out {
		out[i] = a[i] / complex(float64(m), 0) * chirp[i]
	}
	return out
}
