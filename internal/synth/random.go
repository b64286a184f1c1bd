package synth

import (
	"math"
	"math/rand/v2"
)

// Names of the independent streams of chance, so that no two draws share a
// seed by accident.
const (
	streamHosts uint64 = iota + 1
	streamQuanta
	streamBeats
	streamFavourites
	streamDevices
	streamDestinations
	streamLoss
	streamPollers
)

// mix is a bijection that spreads every bit of x over the whole (splitmix64's
// finaliser).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash is mix over several numbers.
func hash(parts ...uint64) uint64 {
	h := uint64(0x6a09e667f3bcc908)
	for _, p := range parts {
		h = mix(h ^ p)
	}
	return h
}

// uniform is h as a number from 0 up to 1.
func uniform(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// dice draws from one stream at a time; reseeding costs nothing.
type dice struct {
	*rand.Rand
	pcg *rand.PCG
}

func newDice(h uint64) dice {
	pcg := rand.NewPCG(h, mix(h))
	return dice{Rand: rand.New(pcg), pcg: pcg} //nolint:gosec // the point is that it can be repeated
}

func (d dice) reseed(h uint64) { d.pcg.Seed(h, mix(h)) }

// logNormal is a number with this median whose logarithm deviates by sigma.
func (d dice) logNormal(median, sigma float64) float64 {
	if sigma == 0 {
		return median
	}
	return median * math.Exp(sigma*d.NormFloat64())
}

// pareto is a whole number from 1 to limit with a tail of exponent alpha.
func (d dice) pareto(alpha float64, limit int) int {
	return int(min(math.Pow(1-d.Float64(), -1/alpha), float64(limit)))
}

// below is true with probability p.
func (d dice) below(p float64) bool { return d.Float64() < p }

// zipf is a rank under n, rank r with a probability close to 1/(r+1).
func zipf(u float64, n int) int {
	return min(int(math.Exp(u*math.Log(float64(n)+1)))-1, n-1)
}

// alias draws an index by weight in constant time (Vose's tables).
type alias struct {
	share []float64
	other []int
}

func newAlias(weights []float64) alias {
	n, sum := len(weights), 0.0
	for _, w := range weights {
		sum += w
	}
	a := alias{share: make([]float64, n), other: make([]int, n)}
	var small, large []int
	for i, w := range weights {
		a.share[i] = w * float64(n) / sum
		if a.share[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.other[s] = l
		a.share[l] -= 1 - a.share[s]
		if a.share[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) {
		a.share[i] = 1
	}
	return a
}

func (a alias) draw(d dice) int {
	i := d.IntN(len(a.share))
	if d.Float64() < a.share[i] {
		return i
	}
	return a.other[i]
}
