package accuracy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
)

// Closed is a finding of rhythm that an analyst has closed.
type Closed struct {
	Malicious bool
	// Values are those of the parts of its score, by name.
	Values map[string]float64
}

const (
	// fewestClosed is how many closed findings it takes before they say anything.
	fewestClosed = 20
	// farthestMoved is by how much, in nats, one site's findings may move a weight.
	farthestMoved = 1.0
)

// ReadClosed reads closed findings: the lines that `scan --format json` prints for rhythm, each with "Verdict" added, which
// is "malicious" or "benign".
func ReadClosed(from io.Reader) ([]Closed, error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 4<<20)
	var out []Closed
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var f struct {
			Verdict string
			Reasons []struct {
				Name  string
				Value *float64
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if f.Verdict != "malicious" && f.Verdict != "benign" {
			return nil, fmt.Errorf("line %d: Verdict is %q; want \"malicious\" or \"benign\"", n, f.Verdict)
		}
		c := Closed{Malicious: f.Verdict == "malicious", Values: make(map[string]float64)}
		for _, r := range f.Reasons {
			if r.Value != nil {
				c.Values[r.Name] = *r.Value
			}
		}
		if len(c.Values) == 0 {
			return nil, fmt.Errorf("line %d: the finding has no Reasons", n)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading closed findings: %w", err)
	}
	return out, nil
}

// Learn moves single weights by what a site's closed findings say, and the constant with them: a few positives of one site
// never fit all parts anew. A bin moves by ln((tp+1)/(fp+1)) - ln((TP+2)/(FP+2)), with tp and fp the malicious and the
// benign findings in it and TP and FP all of them, at most one nat either way; the constant by ln((TP+1)/(FP+1)), at most
// one nat too. Fewer than twenty findings change nothing.
func (c *Card) Learn(closed []Closed) *Card {
	out := *c
	out.Parts = slices.Clone(c.Parts)
	if len(closed) < fewestClosed {
		return &out
	}
	count := func(in func(*Closed) bool) (malicious, benign float64) {
		for i := range closed {
			switch {
			case !in(&closed[i]):
			case closed[i].Malicious:
				malicious++
			default:
				benign++
			}
		}
		return malicious, benign
	}
	limited := func(x float64) float64 { return min(max(x, -farthestMoved), farthestMoved) }
	allMalicious, allBenign := count(func(*Closed) bool { return true })
	out.Base = tenth(c.Base + limited(math.Log((allMalicious+1)/(allBenign+1))))
	for p := range out.Parts {
		part := &out.Parts[p]
		part.Bins = slices.Clone(part.Bins)
		for i := range part.Bins {
			malicious, benign := count(func(f *Closed) bool {
				v, known := f.Values[part.Name]
				return known && part.bin(v) == i
			})
			if malicious+benign > 0 {
				part.Bins[i].Nats = tenth(part.Bins[i].Nats +
					limited(math.Log((malicious+1)/(benign+1))-math.Log((allMalicious+2)/(allBenign+2))))
			}
		}
	}
	return &out
}
