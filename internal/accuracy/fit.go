package accuracy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"drumbeat/internal/synth"
)

// FitOptions are the choices of a fit, those of the shipped weights by default.
type FitOptions struct {
	// Ridge pulls all weights to 0, Smooth neighbouring bins of a part to each other.
	Ridge, Smooth float64
	// Harmless is what a harmless periodic channel weighs, Own what any channel of the own world does.
	Harmless, Own float64
	// Hard is what the highest HardShare of the other channels of each world weigh in HardPasses further passes: the line at
	// 1e-4 lies among them.
	Hard, HardShare float64
	HardPasses      int
	// Rounds is how often the channels are measured: which view of a channel wins depends on the weights.
	Rounds int
}

// DefaultFit is how the shipped weights were fitted.
func DefaultFit() FitOptions {
	return FitOptions{
		Ridge: 1, Smooth: 3, Harmless: 0.5, Own: 0.25, Hard: 3, HardShare: 0.002, HardPasses: 2, Rounds: 2,
	}
}

// rising says of each part whether a greater value may only count more, or only count less: a fit that is free uses the
// fingerprints of its worlds.
func rising() map[string]bool {
	return map[string]bool{
		"rhythm": true, "steady": true, "short-gaps": false, "long-gaps": false, "lone-starts": true, "sent-size": true, "received-size": true,
		"received-much": false, "span": true, "beats": true, "hosts": false, "network": false, "alike": false,
		"failing": false, "back-off": false, "inside": false,
	}
}

// Fit fits the weights of a card, or of the shipped one where card is nil, to worlds: implants against everything else, by
// logistic regression on the bins that the card has. Each part is then shifted to a mean of 0 over the other channels, and
// rounded to 0.1.
func Fit(ctx context.Context, sources []Source, card *Card, o FitOptions, note func(string)) (*Card, error) {
	if note == nil {
		note = func(string) {}
	}
	out, err := cardOr(card)
	if err != nil {
		return nil, err
	}
	for _, p := range out.Parts {
		if _, known := rising()[p.Name]; !known {
			return nil, fmt.Errorf("accuracy: the direction of part %q is not known", p.Name)
		}
	}
	for round := range o.Rounds {
		note(fmt.Sprintf("fit: round %d of %d", round+1, o.Rounds))
		f := newFitting(out, o)
		for _, s := range sources {
			note(s.Name)
			if err := f.measure(ctx, s); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		if err := f.fit(); err != nil {
			return nil, err
		}
		out = f.result()
	}
	return out, nil
}

// fitRow is all channels of a world that look the same to the card and are of one class.
type fitRow struct {
	bins   []int // place among the weights, of each part that is known
	offset float64
	class  synth.Class
	world  int
	own    bool
	count  float64
	hard   float64 // how many of them count as hard
}

// fitting is one fit.
type fitting struct {
	o       FitOptions
	card    *Card
	first   []int // place of each part's first bin among the weights
	weights []float64
	base    float64
	worlds  int
	rows    []*fitRow
	index   map[string]*fitRow
}

func newFitting(card *Card, o FitOptions) *fitting {
	f := &fitting{o: o, card: card, index: make(map[string]*fitRow), base: card.Base}
	for i := range card.Parts {
		f.first = append(f.first, len(f.weights))
		for _, b := range card.Parts[i].Bins {
			f.weights = append(f.weights, b.Nats)
		}
	}
	return f
}

// measure adds the channels of a world.
func (f *fitting) measure(ctx context.Context, s Source) error {
	w, err := s.Open()
	if err != nil {
		return err
	}
	weights, err := rhythm{card: f.card}.weights()
	if err != nil {
		return err
	}
	found, err := runRhythm(ctx, w, weights)
	if err != nil {
		return err
	}
	index := w.index()
	for i := range found.Channels {
		c := &found.Channels[i]
		at, ok := index[channelName(c.Source, c.Destination, int(c.Port))]
		if !ok {
			continue
		}
		t := &w.Channels[at].Truth
		if t.Class != synth.Other && !t.evaluable() {
			continue
		}
		row := fitRow{class: t.Class, world: f.worlds, own: s.Family == "own"}
		for j := range c.Reasons {
			r := &c.Reasons[j]
			p := slices.IndexFunc(f.card.Parts, func(p CardPart) bool { return p.Name == r.Name })
			switch {
			case p >= 0 && r.Known:
				row.bins = append(row.bins, f.first[p]+f.card.Parts[p].bin(r.Value))
			case p < 0 && r.Name != "base":
				row.offset += r.Weight
			}
		}
		f.add(&row)
	}
	f.worlds++
	return nil
}

func (f *fitting) add(r *fitRow) {
	key := make([]byte, 0, 64)
	for _, b := range r.bins {
		key = append(strconv.AppendInt(key, int64(b), 10), ' ')
	}
	key = strconv.AppendFloat(key, r.offset, 'f', 1, 64)
	key = append(key, byte('0'+r.class))
	key = strconv.AppendInt(key, int64(r.world), 10)
	if r.own {
		key = append(key, 'o')
	}
	same := f.index[string(key)]
	if same == nil {
		same = r
		f.index[string(key)] = r
		f.rows = append(f.rows, r)
	}
	same.count++
}

// weight is what a row counts for.
func (f *fitting) weight(r *fitRow) float64 {
	w := r.count + r.hard*(f.o.Hard-1)
	if r.class == synth.Harmless {
		w *= f.o.Harmless
	}
	if r.own {
		w *= f.o.Own
	}
	return w
}

// score is what the card gives a row.
func (f *fitting) score(r *fitRow) float64 {
	z := f.base + r.offset
	for _, b := range r.bins {
		z += f.weights[b]
	}
	return z
}

// fit finds the weights.
func (f *fitting) fit() error {
	if !slices.ContainsFunc(f.rows, func(r *fitRow) bool { return r.class == synth.Malicious }) {
		return errors.New("accuracy: there is no implant to fit to")
	}
	for pass := range f.o.HardPasses + 1 {
		if pass > 0 {
			f.harden()
		}
		f.descend()
	}
	return nil
}

// harden marks the highest of the other channels of each world.
func (f *fitting) harden() {
	left := make(map[int]float64)
	var others []*fitRow
	for _, r := range f.rows {
		r.hard = 0
		if r.class == synth.Other {
			others = append(others, r)
			left[r.world] += r.count * f.o.HardShare
		}
	}
	slices.SortStableFunc(others, func(a, b *fitRow) int { return cmp.Compare(f.score(b), f.score(a)) })
	for _, r := range others {
		r.hard = min(left[r.world], r.count)
		left[r.world] -= r.hard
	}
}

// loss is the penalised negative log-likelihood.
func (f *fitting) loss() float64 {
	sum := 0.0
	for _, r := range f.rows {
		z := f.score(r)
		if r.class == synth.Malicious {
			z = -z
		}
		sum += f.weight(r) * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))))
	}
	for i, w := range f.weights {
		sum += f.o.Ridge / 2 * w * w
		if f.neighbours(i) {
			sum += f.o.Smooth / 2 * (f.weights[i+1] - w) * (f.weights[i+1] - w)
		}
	}
	return sum
}

// neighbours reports whether weights i and i+1 are bins of one part.
func (f *fitting) neighbours(i int) bool {
	return i+1 < len(f.weights) && !slices.Contains(f.first, i+1)
}

// descend takes Newton's steps, after each of which every part is put back into its direction, until none helps.
func (f *fitting) descend() {
	const steps, tiny = 60, 1e-7
	loss := f.loss()
	for range steps {
		step := f.newton()
		old, oldBase := slices.Clone(f.weights), f.base
		better := false
		for scale := 1.0; scale > 1e-3; scale /= 2 {
			for i := range f.weights {
				f.weights[i] = old[i] - scale*step[i]
			}
			f.base = oldBase - scale*step[len(step)-1]
			f.project()
			if l := f.loss(); l < loss-tiny*loss {
				loss, better = l, true
				break
			}
		}
		if !better {
			f.weights, f.base = old, oldBase
			return
		}
	}
}

// newton gives the step of Newton's method: the base stands last.
func (f *fitting) newton() []float64 {
	n := len(f.weights) + 1
	gradient := make([]float64, n)
	hessian := make([][]float64, n)
	for i := range hessian {
		hessian[i] = make([]float64, n)
	}
	for _, r := range f.rows {
		p := 1 / (1 + math.Exp(-f.score(r)))
		y := 0.0
		if r.class == synth.Malicious {
			y = 1
		}
		w := f.weight(r)
		places := append(slices.Clone(r.bins), n-1)
		for _, i := range places {
			gradient[i] += w * (p - y)
			for _, j := range places {
				hessian[i][j] += w * p * (1 - p)
			}
		}
	}
	for i, w := range f.weights {
		gradient[i] += f.o.Ridge * w
		hessian[i][i] += f.o.Ridge
		if f.neighbours(i) {
			d := f.o.Smooth * (f.weights[i+1] - w)
			gradient[i] -= d
			gradient[i+1] += d
			hessian[i][i] += f.o.Smooth
			hessian[i+1][i+1] += f.o.Smooth
			hessian[i][i+1] -= f.o.Smooth
			hessian[i+1][i] -= f.o.Smooth
		}
	}
	hessian[n-1][n-1] += 1e-9
	return solve(hessian, gradient)
}

// solve gives x with a x = b for a matrix that is symmetric and positive, by Cholesky's factors.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for j := range i + 1 {
			sum := a[i][j]
			for k := range j {
				sum -= a[i][k] * a[j][k]
			}
			if i == j {
				a[i][i] = math.Sqrt(max(sum, 1e-12))
			} else {
				a[i][j] = sum / a[j][j]
			}
		}
	}
	x := slices.Clone(b)
	for i := range n {
		for k := range i {
			x[i] -= a[i][k] * x[k]
		}
		x[i] /= a[i][i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= a[k][i] * x[k]
		}
		x[i] /= a[i][i]
	}
	return x
}

// project puts the bins of every part into its direction: the nearest order that rises, or falls.
func (f *fitting) project() {
	for p := range f.card.Parts {
		bins := f.weights[f.first[p] : f.first[p]+len(f.card.Parts[p].Bins)]
		up := rising()[f.card.Parts[p].Name]
		if !up {
			slices.Reverse(bins)
		}
		pool(bins)
		if !up {
			slices.Reverse(bins)
		}
	}
}

// pool makes numbers rise by pooling neighbours that fall, the least change in squares.
func pool(v []float64) {
	type block struct {
		sum float64
		n   int
	}
	var blocks []block
	for _, x := range v {
		b := block{x, 1}
		for len(blocks) > 0 && blocks[len(blocks)-1].sum/float64(blocks[len(blocks)-1].n) > b.sum/float64(b.n) {
			last := blocks[len(blocks)-1]
			b.sum, b.n = b.sum+last.sum, b.n+last.n
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	i := 0
	for _, b := range blocks {
		for range b.n {
			v[i] = b.sum / float64(b.n)
			i++
		}
	}
}

// result shifts each part to a mean of 0 over the other channels, and rounds.
func (f *fitting) result() *Card {
	seen := make([]float64, len(f.weights))
	for _, r := range f.rows {
		if r.class == synth.Other {
			for _, b := range r.bins {
				seen[b] += r.count
			}
		}
	}
	out := *f.card
	out.Parts = slices.Clone(f.card.Parts)
	base := f.base
	for p := range out.Parts {
		bins := slices.Clone(out.Parts[p].Bins)
		sum, n := 0.0, 0.0
		for i := range bins {
			sum += seen[f.first[p]+i] * f.weights[f.first[p]+i]
			n += seen[f.first[p]+i]
		}
		shift := sum / max(n, 1)
		base += shift
		for i := range bins {
			bins[i].Nats = tenth(f.weights[f.first[p]+i] - shift)
		}
		out.Parts[p].Bins = bins
	}
	out.Base = tenth(base)
	return &out
}

// tenth rounds to 0.1.
func tenth(x float64) float64 {
	if r := math.Round(x*10) / 10; r != 0 {
		return r
	}
	return 0 // not -0
}
