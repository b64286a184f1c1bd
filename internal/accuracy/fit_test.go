package accuracy

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/synth"
)

// smallCard has two parts: one that may only rise, one that may only fall.
func smallCard() *Card {
	limit := func(x float64) *float64 { return &x }
	return &Card{Base: -1, Parts: []CardPart{
		{Name: "rhythm", Bins: []CardBin{{Below: limit(2)}, {Below: limit(4)}, {}}},
		{Name: "hosts", Bins: []CardBin{{Below: limit(4)}, {}}},
	}}
}

// TestFitFindsWeights: rows are drawn from a card, and the fit gives its differences back.
func TestFitFindsWeights(t *testing.T) {
	d := rand.New(rand.NewPCG(7, 8))
	truth := []float64{-1, 0.5, 2.5, 1, -1}
	f := newFitting(smallCard(), FitOptions{Ridge: 0.01, Harmless: 1, Own: 1, Hard: 1})
	for range 60_000 {
		bins := []int{d.IntN(3), 3 + d.IntN(2)}
		z := -3 + truth[bins[0]] + truth[bins[1]]
		row := fitRow{bins: bins}
		if d.Float64() < 1/(1+math.Exp(-z)) {
			row.class = synth.Malicious
		}
		f.add(&row)
	}
	if err := f.fit(); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {3, 4}} {
		got, want := f.weights[pair[1]]-f.weights[pair[0]], truth[pair[1]]-truth[pair[0]]
		if math.Abs(got-want) > 0.15 {
			t.Errorf("bins %v differ by %v, want %v", pair, got, want)
		}
	}
	card := f.result()
	sum, n := 0.0, 0.0
	for _, r := range f.rows {
		if r.class == synth.Other {
			sum += r.count * card.Parts[0].Bins[r.bins[0]].Nats
			n += r.count
		}
	}
	if math.Abs(sum/n) > 0.05 {
		t.Errorf("the mean of a part over the other channels is %v, want 0 but for rounding", sum/n)
	}
}

// TestFitKeepsToTheDirection: however misleading the rows, more rhythm never counts less.
func TestFitKeepsToTheDirection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFitting(smallCard(), DefaultFit())
		for range rapid.IntRange(2, 30).Draw(t, "rows") {
			f.add(&fitRow{
				bins:  []int{rapid.IntRange(0, 2).Draw(t, "rhythm"), rapid.IntRange(3, 4).Draw(t, "hosts")},
				class: synth.Class(rapid.IntRange(0, 2).Draw(t, "class")), own: rapid.Bool().Draw(t, "own"),
			})
		}
		f.add(&fitRow{bins: []int{0, 3}, class: synth.Malicious})
		f.add(&fitRow{bins: []int{2, 4}, class: synth.Other})
		if err := f.fit(); err != nil {
			t.Fatal(err)
		}
		const slack = 1e-9
		w := f.weights
		if w[0] > w[1]+slack || w[1] > w[2]+slack || w[3] < w[4]-slack {
			t.Fatalf("weights %v", w)
		}
		for _, x := range w {
			if math.IsNaN(x) || math.Abs(x) > 50 {
				t.Fatalf("weights %v", w)
			}
		}
	})
}

func TestFitWantsAnImplant(t *testing.T) {
	f := newFitting(smallCard(), DefaultFit())
	f.add(&fitRow{bins: []int{0, 3}})
	if f.fit() == nil {
		t.Error("there is nothing to fit to, and it says nothing")
	}
}

func TestPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 12).Draw(t, "v")
		got := slices.Clone(v)
		pool(got)
		sum, before := 0.0, 0.0
		for i := range got {
			sum, before = sum+got[i], before+v[i]
			if i > 0 && got[i] < got[i-1]-1e-9 {
				t.Fatalf("%v gives %v, which falls", v, got)
			}
		}
		if math.Abs(sum-before) > 1e-9 {
			t.Fatalf("%v gives %v: the sum has changed", v, got)
		}
		if slices.IsSorted(v) && !slices.EqualFunc(v, got, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Fatalf("%v rises already, but gives %v", v, got)
		}
	})
}

func TestSolve(t *testing.T) {
	a := [][]float64{{4, 2, 0}, {2, 5, 1}, {0, 1, 3}}
	want := []float64{1, -2, 3}
	b := make([]float64, 3)
	for i := range a {
		for j := range a {
			b[i] += a[i][j] * want[j]
		}
	}
	for i, x := range solve(a, b) {
		if math.Abs(x-want[i]) > 1e-12 {
			t.Errorf("x%d is %v, want %v", i, x, want[i])
		}
	}
}

func TestCardIsReadAsItIsWritten(t *testing.T) {
	card, err := cardOr(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadCard(card.Text())
	if err != nil {
		t.Fatal(err)
	}
	if again.Text() != card.Text() {
		t.Errorf("written:\n%s\nread and written again:\n%s", card.Text(), again.Text())
	}
	for _, p := range card.Parts {
		if _, known := rising()[p.Name]; !known {
			t.Errorf("the direction of part %q is not known: a fit would refuse it", p.Name)
		}
	}
	other, err := ReadCard(`{"base": 1, "speed": {"b": 2, "a": 1}, "parts": [{"name": "hosts", "bins": [{"nats": 1}]}]}`)
	if err != nil || !strings.Contains(other.Text(), `"speed": {"b":2,"a":1},`) {
		t.Errorf("what a fit does not touch is kept: %v", err)
	}
	for _, text := range []string{"", "{}", `{"base": 1}`, `{"parts": [{"name": "hosts", "bins": []}]}`} {
		if _, err := ReadCard(text); err == nil {
			t.Errorf("%q is taken for weights", text)
		}
	}
}

// TestFitInASmallWorld runs the whole way: it must give a card that rhythm takes, and that finds most of the beacons.
func TestFitInASmallWorld(t *testing.T) {
	if testing.Short() {
		t.Log("the short run fits rows only")
		return
	}
	small := synth.Trial{Seed: 31, Background: 3000, Pollers: 60, Each: 1}
	o := DefaultFit()
	o.Rounds = 1
	card, err := Fit(t.Context(), []Source{OwnSource(small)}, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	small.Seed = 32
	report, err := Run(t.Context(), []Source{OwnSource(small)}, Options{Methods: Methods(card)[:1]})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Runs[0].Recall3; r < 0.75 {
		t.Errorf("the fitted weights find %v of the beacons", r)
	}
}
