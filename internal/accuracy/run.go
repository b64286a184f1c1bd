package accuracy

import (
	"context"
	"fmt"
	"math"
	"slices"

	"drumbeat/internal/synth"
)

// Source is a world that can be made or read when its turn comes.
type Source struct {
	// Family is "own" or "two": figures are averaged over the worlds of a family.
	Family string
	Name   string
	Open   func() (*World, error)
}

// OwnSource is the project's own world.
func OwnSource(t synth.Trial) Source {
	name := fmt.Sprintf("own world, seed %d", t.Seed)
	if t.Background != synth.DefaultTrial(t.Seed).Background {
		name = fmt.Sprintf("own world of %d channels, seed %d", t.Background, t.Seed)
	}
	return Source{Family: "own", Name: name, Open: func() (*World, error) { return FromTrial(t, name) }}
}

// TwoSource is a folder that world.py of world two has written.
func TwoSource(dir string) Source {
	return Source{Family: "two", Name: dir, Open: func() (*World, error) { return ReadTwo(dir, TwoOptions{}) }}
}

// Cost is what a run took.
type Cost struct {
	Seconds float64 `json:"seconds"`
	// Bytes is what was allocated while it ran, the world itself not counted.
	Bytes int64 `json:"bytes_allocated"`
}

// Options say how Run works.
type Options struct {
	Methods []Method
	// Measure runs a piece of work and says what it took; nil measures nothing.
	Measure func(work func() error) (Cost, error)
	// Note hears what is done now; nil for nobody.
	Note func(text string)
}

// Report is all that Run found, in the order of sources and methods.
type Report struct {
	Runs []Result
}

// Result is one method in one world.
type Result struct {
	World    string `json:"world"`
	Family   string `json:"family"`
	Method   string `json:"method"`
	Alarms   string `json:"shipped_threshold,omitempty"`
	Channels int    `json:"channels"`
	Sessions int    `json:"sessions"`
	*Figures
	Calibration []Calibrated `json:"calibration,omitempty"`
	Cost        Cost         `json:"cost"`
}

// Run judges every method in every world.
func Run(ctx context.Context, sources []Source, o Options) (*Report, error) {
	if o.Measure == nil {
		o.Measure = func(work func() error) (Cost, error) { return Cost{}, work() }
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	out := &Report{}
	for _, source := range sources {
		o.Note(source.Name)
		w, err := source.Open()
		if err != nil {
			return out, fmt.Errorf("%s: %w", source.Name, err)
		}
		sessions := w.Sessions()
		for _, m := range o.Methods {
			o.Note(source.Name + ": " + m.Name())
			var list []Scored
			cost, err := o.Measure(func() (err error) {
				list, err = m.Score(ctx, w)
				return err
			})
			if err != nil {
				return out, fmt.Errorf("%s: %s: %w", source.Name, m.Name(), err)
			}
			out.Runs = append(out.Runs, Result{
				World: w.Name, Family: source.Family, Method: m.Name(), Alarms: m.Alarms(), Channels: len(w.Channels),
				Sessions: sessions, Figures: Judge(w, list), Calibration: calibrate(w, list), Cost: cost,
			})
		}
	}
	return out, nil
}

// Calibrated compares a method's chance with what random channels show.
type Calibrated struct {
	// Below is exp(-s) for a whole s: among channels without rhythm no larger share should have such a chance or less.
	Below float64 `json:"p"`
	// Others is the share of other channels that have, Memoryless that of those that are Poisson with a rate that drifts, of
	// which there are Seen.
	Others     float64 `json:"others"`
	Memoryless float64 `json:"memoryless"`
	Seen       int     `json:"memoryless_channels"`
}

// memoryless are the kinds of other channels that come from a Poisson process.
func memoryless(kind string) bool { return kind == "poisson" || kind == "events" || kind == "dbpool" }

// calibrate counts how often random channels reach a chance. It gives nothing for a method that gives none.
func calibrate(w *World, list []Scored) []Calibrated {
	if !slices.ContainsFunc(list, func(s Scored) bool { return !math.IsNaN(s.P) }) {
		return nil
	}
	poisson := 0
	for i := range w.Channels {
		if c := &w.Channels[i]; c.Truth.Class == synth.Other && len(c.Sessions) >= MinRecords && memoryless(c.Truth.Kind) {
			poisson++
		}
	}
	var out []Calibrated
	for s := 3.0; s <= 13; s += 2 {
		c := Calibrated{Below: math.Exp(-s), Seen: poisson}
		all, random := 0, 0
		for i := range list {
			t := &w.Channels[list[i].Channel].Truth
			if t.Class != synth.Other || list[i].P > c.Below {
				continue
			}
			all++
			if memoryless(t.Kind) {
				random++
			}
		}
		c.Others, c.Memoryless = ratio(all, w.Others), ratio(random, poisson)
		out = append(out, c)
	}
	return out
}
