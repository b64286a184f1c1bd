package accuracy

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// fftBins is the number of bins that a channel's span is cut into.
const fftBins = 2048

// spectrum is the highest peak of the power spectrum of the starts over the mean power of its octave, as a logarithm. The
// mean of an octave stands for the noise, which is white only where starts are independent.
func spectrum(_ *World, c *Channel) (Scored, bool) {
	n := len(c.Sessions)
	first := c.Sessions[0].Start
	length := float64(c.Sessions[n-1].Start-first) / 1000
	if length < fewestGaps {
		return Scored{}, false
	}
	// A bin is a whole second at least: finer ones would show the grid of the clock.
	width := max(1, length/(fftBins-1))
	x := make([]complex128, fftBins)
	for i := range c.Sessions {
		x[int(float64(c.Sessions[i].Start-first)/1000/width)]++
	}
	mean := complex(float64(n)/fftBins, 0)
	for i := range x {
		x[i] -= mean
	}
	fourier(x)
	best, at := 0.0, 0
	for low := 4; low < fftBins/2; low *= 2 {
		sum, top, topAt := 0.0, 0.0, 0
		for k := low; k < 2*low; k++ {
			p := real(x[k])*real(x[k]) + imag(x[k])*imag(x[k])
			sum += p
			if p > top {
				top, topAt = p, k
			}
		}
		if ratio := top * float64(low) / max(sum, 1e-9); ratio > best {
			best, at = ratio, topAt
		}
	}
	return Scored{Score: math.Log(best), Period: width * fftBins / float64(at), Jitter: math.NaN()}, true
}

// fourier transforms in place (Cooley and Tukey, radix 2); the length is a power of 2.
func fourier(x []complex128) {
	n := len(x)
	shift := 64 - uint(bits.Len(uint(n))-1)
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		step := cmplx.Rect(1, -2*math.Pi/float64(size))
		for from := 0; from < n; from += size {
			turn := complex(1, 0)
			for k := from; k < from+size/2; k++ {
				even, odd := x[k], x[k+size/2]*turn
				x[k], x[k+size/2] = even+odd, even-odd
				turn *= step
			}
		}
	}
}
