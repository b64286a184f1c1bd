package accuracy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drumbeat/internal/synth"
)

var (
	full   = flag.Bool("full", false, "judge the own world in full, seeds 1 to 3, and world two")
	two    = flag.String("two", "", "folders of world two, with commas, for -full")
	update = flag.Bool("update", false, "record the floors of this run: what was measured less two points")
)

const floorsFile = "testdata/floors.json"

// shortWorld is small enough for every run of the tests.
func shortWorld(seed uint64) Source {
	s := OwnSource(synth.Trial{Seed: seed, Background: 6000, Pollers: 90, Each: 1})
	s.Family = "short"
	return s
}

// TestFloors fails when rhythm finds less than what was recorded. The full worlds take minutes:
//
//	go test ./internal/accuracy -run Floors -full -two DIR,DIR,DIR
//
// With -update it records instead, in the families that it runs.
func TestFloors(t *testing.T) {
	sources := []Source{shortWorld(1), shortWorld(2)}
	if *full {
		for seed := range uint64(3) {
			sources = append(sources, OwnSource(synth.DefaultTrial(seed+1)))
		}
		for dir := range strings.SplitSeq(*two, ",") {
			if dir != "" {
				sources = append(sources, TwoSource(dir))
			}
		}
	}
	report, err := Run(t.Context(), sources, Options{Methods: Methods(nil)[:1]})
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Runs {
		r := &report.Runs[i]
		t.Logf("%s, %s: recall %.3f/%.3f, precision %.2f, period right %.3f", r.World, r.Method, r.Ties3, r.Ties4, r.Precision, r.Errors.Within10)
	}
	text, err := os.ReadFile(filepath.FromSlash(floorsFile))
	if err != nil {
		t.Fatal(err)
	}
	floors, err := ReadFloors(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		recordFloors(t, report, floors)
		return
	}
	found := 0
	for _, x := range floors {
		if x.Family == "short" {
			found++
		}
	}
	if found == 0 {
		t.Errorf("%s holds no floors of the short worlds", floorsFile)
	}
	for _, line := range report.Below(floors) {
		t.Error(line)
	}
}

// recordFloors replaces the floors of the families that were run.
func recordFloors(t *testing.T, r *Report, old []Floor) {
	t.Helper()
	out := r.Floors("rhythm")
	ran := make(map[string]bool)
	for _, x := range out {
		ran[x.Family] = true
	}
	for _, x := range old {
		if !ran[x.Family] {
			out = append(out, x)
		}
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.FromSlash(floorsFile), append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFloorsFail: what is under a floor is named, what is not is not.
func TestFloorsFail(t *testing.T) {
	report := &Report{Runs: []Result{
		{Family: "own", Method: "rhythm", Figures: &Figures{Ties3: 0.9, Ties4: 0.8, Precision: [3]float64{1, 0.9, 0.8}, Errors: Errors{Within10: 0.9}}},
		{Family: "own", Method: "rhythm", Figures: &Figures{Ties3: 0.8, Ties4: 0.8, Precision: [3]float64{1, 0.9, 0.8}, Errors: Errors{Within10: 0.9}}},
	}}
	floors := report.Floors("rhythm")
	if len(floors) != 1 || floors[0].Recall3 != 0.83 || floors[0].Period != 0.88 {
		t.Fatalf("floors %+v", floors)
	}
	if below := report.Below(floors); len(below) != 0 {
		t.Errorf("a report is under its own floors: %v", below)
	}
	report.Runs[1].Ties3 = 0.7
	below := report.Below(append(floors, Floor{Family: "two", Method: "rhythm", Recall3: 1}))
	if len(below) != 1 || !strings.Contains(below[0], "recall at 1e-3 is 0.800") {
		t.Errorf("below: %q", below)
	}
}

// TestReportIsTheSameEachTime: neither the number of workers nor the order of maps shows.
func TestReportIsTheSameEachTime(t *testing.T) {
	source := OwnSource(synth.Trial{Seed: 4, Background: 400, Pollers: 20, Each: 0})
	texts := make([]string, 2)
	for i := range texts {
		report, err := Run(t.Context(), []Source{source, source}, Options{Methods: Methods(nil)})
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = report.Markdown()
	}
	if texts[0] != texts[1] {
		t.Error("two runs print different tables")
	}
	document, ok := Replace("before\n"+MarkBegin+"\nold\n"+MarkEnd+"\nafter\n", texts[0])
	if !ok || strings.Contains(document, "\nold\n") || !strings.HasPrefix(document, "before\n") || !strings.HasSuffix(document, "\nafter\n") {
		t.Errorf("the tables were put in wrongly: %v", ok)
	}
	if _, ok := Replace("no marks", "x"); ok {
		t.Error("a document without marks takes tables")
	}
}
