package accuracy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Card is a weights file of rhythm, as beat.ReadWeights reads it.
type Card struct {
	About string  `json:"about"`
	Base  float64 `json:"base"`
	// Gate says what is taken from a channel with too little rhythm, and when.
	Gate map[string]float64 `json:"gate"`
	// Prices are what the views that leave sessions out, or join channels, are worth.
	Prices map[string]float64 `json:"prices"`
	Parts  []CardPart         `json:"parts"`
	// rest holds what a fit has nothing to do with, kept as it was read.
	rest map[string]json.RawMessage
}

// CardPart is one part of the score.
type CardPart struct {
	Name string    `json:"name"`
	Bins []CardBin `json:"bins"`
}

// CardBin is what values below a limit, and not in the bin before, are worth. The last bin has no limit.
type CardBin struct {
	Below *float64 `json:"below,omitempty"`
	Nats  float64  `json:"nats"`
}

// ReadCard reads the text of a weights file.
func ReadCard(text string) (*Card, error) {
	var c Card
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, fmt.Errorf("accuracy: reading weights: %w", err)
	}
	if err := json.Unmarshal([]byte(text), &c.rest); err != nil {
		return nil, fmt.Errorf("accuracy: reading weights: %w", err)
	}
	for _, own := range []string{"about", "base", "gate", "prices", "parts"} {
		delete(c.rest, own)
	}
	if len(c.Parts) == 0 {
		return nil, errors.New("accuracy: reading weights: there are no parts")
	}
	for _, p := range c.Parts {
		if len(p.Bins) == 0 {
			return nil, fmt.Errorf("accuracy: reading weights: part %q has no bins", p.Name)
		}
	}
	return &c, nil
}

// Text gives the file, one part a line.
func (c *Card) Text() string {
	var b strings.Builder
	line := func(name string, v any, end string) {
		text, err := json.Marshal(v)
		if err != nil {
			panic("BUG: " + err.Error()) // only numbers that are none could be at fault
		}
		fmt.Fprintf(&b, "%s%s%s\n", name, text, end)
	}
	b.WriteString("{\n")
	line(`  "about": `, c.About, ",")
	line(`  "base": `, c.Base, ",")
	line(`  "gate": `, c.Gate, ",")
	line(`  "prices": `, c.Prices, ",")
	for _, name := range slices.Sorted(maps.Keys(c.rest)) {
		line(fmt.Sprintf("  %q: ", name), c.rest[name], ",")
	}
	b.WriteString("  \"parts\": [\n")
	for i, p := range c.Parts {
		end := ","
		if i == len(c.Parts)-1 {
			end = ""
		}
		line("    ", p, end)
	}
	b.WriteString("  ]\n}\n")
	return b.String()
}

// bin gives the bin of a value.
func (p *CardPart) bin(v float64) int {
	for i, b := range p.Bins {
		if b.Below == nil || v < *b.Below {
			return i
		}
	}
	return len(p.Bins) - 1
}
