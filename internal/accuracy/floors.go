package accuracy

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// Floor is what a method must reach in the mean over the worlds of a family: shares, 0 where nothing is asked.
type Floor struct {
	Family    string  `json:"family"`
	Method    string  `json:"method"`
	Recall3   float64 `json:"recall_1e3"`
	Recall4   float64 `json:"recall_1e4"`
	Precision float64 `json:"p@50"`
	At100     float64 `json:"p@100"`
	Period    float64 `json:"period_within10"`
}

// ReadFloors reads a file of recorded floors: a JSON array.
func ReadFloors(r io.Reader) ([]Floor, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var out []Floor
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("accuracy: reading floors: %w", err)
	}
	return out, nil
}

// floorSlack is by how much a recorded floor is under what was measured.
const floorSlack = 0.02

// Floors gives the floors that this report would set: its means less two points.
func (r *Report) Floors(methods ...string) (out []Floor) {
	for _, name := range r.families() {
		f := r.family(name)
		for _, m := range methods {
			if runs := f.runs[m]; len(runs) > 0 {
				x := reached(name, m, runs)
				for _, v := range []*float64{&x.Recall3, &x.Recall4, &x.Precision, &x.At100, &x.Period} {
					*v = max(0, math.Round((*v-floorSlack)*1000)/1000)
				}
				out = append(out, x)
			}
		}
	}
	return out
}

func reached(name, method string, runs []*Result) Floor {
	return Floor{
		Family: name, Method: method,
		Recall3:   mean(runs, func(r *Result) float64 { return r.Ties3 }),
		Recall4:   mean(runs, func(r *Result) float64 { return r.Ties4 }),
		Precision: mean(runs, func(r *Result) float64 { return r.Precision[1] }),
		At100:     mean(runs, func(r *Result) float64 { return r.Precision[2] }),
		Period:    mean(runs, func(r *Result) float64 { return r.Errors.Within10 }),
	}
}

// Below names every figure that is under its floor. A floor of a family or a method that was not run says nothing.
func (r *Report) Below(floors []Floor) (out []string) {
	for _, want := range floors {
		runs := r.family(want.Family).runs[want.Method]
		if len(runs) == 0 {
			continue
		}
		got := reached(want.Family, want.Method, runs)
		for _, x := range []struct {
			name      string
			got, want float64
		}{
			{"recall at 1e-3", got.Recall3, want.Recall3},
			{"recall at 1e-4", got.Recall4, want.Recall4},
			{"precision of the first 50", got.Precision, want.Precision},
			{"precision of the first 100", got.At100, want.At100},
			{"share of periods within 10 %", got.Period, want.Period},
		} {
			if x.got < x.want {
				out = append(out, fmt.Sprintf("%s, %s: %s is %.3f, its floor %.3f", want.Family, want.Method, x.name, x.got, x.want))
			}
		}
	}
	return out
}
