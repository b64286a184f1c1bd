package beat

import (
	"bytes"
	_ "embed" // for the weights that ship with the binary
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

//go:embed weights.json
var shippedWeights []byte

// Part is one of the named parts of the score.
type Part uint8

// The parts of the score, in the order in which they are shown (score.md 2).
const (
	PartRhythm Part = iota
	PartSteady
	PartShortGaps
	PartLongGaps
	PartLoneStarts
	PartSentSize
	PartReceivedSize
	PartReceivedMuch
	PartSpan
	PartBeats
	PartHosts
	PartNetwork
	PartAlike
	PartFailing
	PartBackOff
	PartInside
	Parts // their number
)

// partNames are the names of the parts in weights and reasons.
var partNames = [Parts]string{
	"rhythm", "steady", "short-gaps", "long-gaps", "lone-starts", "sent-size", "received-size", "received-much", "span", "beats",
	"hosts", "network", "alike", "failing", "back-off", "inside",
}

// String gives the part's name.
func (p Part) String() string { return partNames[p] }

// Weights say what the parts are worth. They are only read.
type Weights struct {
	base     tenths
	gate     gate
	size     tenths // price of the view by size, negative
	sizes    tenths // price of the view by both sizes
	group    tenths // price of the view by group
	known    tenths // of a service that the user or the shipped list knows
	first    []weightBin
	parts    [Parts][]weightBin
	original []byte
}

// tenths is a number of nats in tenths: all weights are, so that they add up exactly.
type tenths int32

func (t tenths) nats() float64 { return float64(t) / 10 }

type gate struct {
	rhythm, gamma float64
	nats          tenths
}

type weightBin struct {
	below float64
	nats  tenths
}

// The form of a weights file.
type (
	weightsFile struct {
		About  string     `json:"about"`
		Base   float64    `json:"base"`
		Gate   gateFile   `json:"gate"`
		Prices pricesFile `json:"prices"`
		// Known and First are not fitted: worlds have neither lists nor a past.
		Known float64         `json:"known"`
		First []weightBinFile `json:"first-seen"`
		Parts []weightPart    `json:"parts"`
	}
	gateFile struct {
		Rhythm float64 `json:"rhythm"`
		Gamma  float64 `json:"gamma"`
		Nats   float64 `json:"nats"`
	}
	pricesFile struct {
		Size  float64 `json:"size"`
		Sizes float64 `json:"sizes"`
		Group float64 `json:"group"`
	}
	weightPart struct {
		Name string          `json:"name"`
		Bins []weightBinFile `json:"bins"`
	}
	weightBinFile struct {
		Below *float64 `json:"below,omitempty"` // absent in the last bin
		Nats  float64  `json:"nats"`
	}
)

// ShippedWeights gives the weights that ship with the binary.
func ShippedWeights() (*Weights, error) { return ReadWeights(bytes.NewReader(shippedWeights)) }

// maxWeightsFile bounds what is read of a weights file.
const maxWeightsFile = 1 << 20

// ReadWeights reads a weights file. Each part must stand there once, with bins whose limits rise and whose last has
// none; numbers are rounded to 0.1 nats.
func ReadWeights(r io.Reader) (*Weights, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxWeightsFile))
	if err != nil {
		return nil, fmt.Errorf("beat: reading weights: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var f weightsFile
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("beat: reading weights: %w", err)
	}
	w := &Weights{original: text}
	var errs []error
	nats := func(where string, v float64) tenths {
		if math.Abs(v) > 100 {
			errs = append(errs, fmt.Errorf("beat: weights: %s: %v nats is beyond 100", where, v))
			return 0
		}
		return tenths(math.Round(v * 10))
	}
	w.base = nats("base", f.Base)
	w.gate = gate{f.Gate.Rhythm, f.Gate.Gamma, nats("gate", f.Gate.Nats)}
	w.sizes = nats("prices: sizes", f.Prices.Sizes)
	w.size, w.group = nats("prices: size", f.Prices.Size), nats("prices: group", f.Prices.Group)
	w.known = nats("known", f.Known)
	w.first, err = readBins(&weightPart{"first-seen", f.First}, nats)
	errs = append(errs, err)
	for _, p := range f.Parts {
		i := slices.Index(partNames[:], p.Name)
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("beat: weights: no part has the name %q; there are %q", p.Name, partNames))
			continue
		case w.parts[i] != nil:
			errs = append(errs, fmt.Errorf("beat: weights: part %q stands there twice", p.Name))
			continue
		}
		w.parts[i], err = readBins(&p, nats)
		errs = append(errs, err)
	}
	for i, bins := range w.parts {
		if bins == nil {
			errs = append(errs, fmt.Errorf("beat: weights: part %q is not there", partNames[i]))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return w, nil
}

func readBins(p *weightPart, nats func(string, float64) tenths) ([]weightBin, error) {
	out := make([]weightBin, 0, len(p.Bins))
	for i, b := range p.Bins {
		below := math.Inf(1)
		if b.Below != nil {
			below = *b.Below
		}
		if last := i == len(p.Bins)-1; last != math.IsInf(below, 1) {
			return out, fmt.Errorf("beat: weights: part %q: all bins but the last have a limit \"below\"", p.Name)
		}
		if i > 0 && below <= out[i-1].below {
			return out, fmt.Errorf("beat: weights: part %q: the limits do not rise", p.Name)
		}
		out = append(out, weightBin{below, nats(p.Name, b.Nats)})
	}
	if len(out) == 0 {
		return []weightBin{}, fmt.Errorf("beat: weights: part %q has no bins", p.Name)
	}
	return out, nil
}

// Text gives the file as it was read.
func (w *Weights) Text() string { return string(w.original) }

// of gives what a value of a part is worth.
func (w *Weights) of(p Part, v float64) tenths { return binOf(w.parts[p], v) }

func binOf(bins []weightBin, v float64) tenths {
	for _, b := range bins {
		if v < b.below {
			return b.nats
		}
	}
	return 0 // not a number
}
