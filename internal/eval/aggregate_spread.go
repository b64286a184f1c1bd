package eval

import (
	"math"

	"drumbeat/kql/plan"
)

func identity(f float64) float64 { return f }

// spread is the variance of values, or a function of it, by Welford's method, which does not lose digits where values lie
// far from 0. Of fewer values than two it is 0.
type spread struct {
	less   float64 // 1 for a sample, 0 for a population
	of     func(float64) float64
	n      float64
	mean   float64
	square float64 // sum of the squares of what lies beside the mean
}

func spreadAgg(less float64, of func(float64) float64) newAgg {
	return func(*Env, *plan.Agg, []plan.Column) Agg { return &spread{less: less, of: of} }
}

// measure gives what spreads are taken of: a number, or the ticks of a time.
func measure(v Value) (float64, bool) {
	if f, ok := numberOf(v); ok {
		return f, true
	}
	return float64(v.Int()), v.set && v.tree == nil && v.s == ""
}

func (s *spread) Add(args []Value) {
	if f, ok := measure(args[0]); ok {
		s.add(f)
	}
}

func (s *spread) add(f float64) {
	s.n++
	d := f - s.mean
	s.mean += d / s.n
	s.square += d * (f - s.mean)
}

func (s *spread) value() float64 {
	if s.n < 2 {
		if math.IsNaN(s.square) {
			return math.NaN()
		}
		return 0
	}
	return s.of(s.square / (s.n - s.less))
}

func (s *spread) Result() []Value { return []Value{Real(s.value())} }

// covariance is that of pairs neither of which is null; of fewer pairs than two it is 0.
type covariance struct {
	less         float64
	n            float64
	meanX, meanY float64
	product      float64
}

func covarianceAgg(less float64) newAgg {
	return func(*Env, *plan.Agg, []plan.Column) Agg { return &covariance{less: less} }
}

func (c *covariance) Add(args []Value) {
	x, okX := measure(args[0])
	y, okY := measure(args[1])
	if !okX || !okY {
		return
	}
	c.n++
	d := x - c.meanX
	c.meanX += d / c.n
	c.meanY += (y - c.meanY) / c.n
	c.product += d * (y - c.meanY)
}

func (c *covariance) Result() []Value {
	if c.n < 2 {
		return []Value{Real(0)}
	}
	return []Value{Real(c.product / (c.n - c.less))}
}
