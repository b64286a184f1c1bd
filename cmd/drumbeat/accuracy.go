package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"drumbeat/internal/accuracy"
	"drumbeat/internal/synth"
	"drumbeat/internal/table"
)

// The worlds of accuracy.
const (
	worldOwn  = "own"
	worldTwo  = "two"
	worldReal = "real"
)

// measure is one run of the verb accuracy.
type measure struct {
	a       *app
	worlds  []string
	seeds   string
	twoDirs []string
	real    []string
	size    int
	each    int
	methods []string
	format  string
	docs    string
	floors  string
	weights string
	fit     string
	closed  string
}

// accuracyCommand makes the verb that judges detectors.
func (a *app) accuracyCommand() *cobra.Command {
	m := &measure{a: a}
	cmd := &cobra.Command{
		Use:   "accuracy",
		Short: "Judge detectors against worlds whose truth is known",
		Long: `Makes worlds whose truth is known, lets every method rank their channels, and says how
many of the planted beacons each finds while it lets 1 in 1,000 (1 in 10,000) of the
other channels through, how good the head of its list is, how far off its periods are,
and what it takes.

The project's own world is made from its seed. World two is read from folders that its
world.py has written. Real traffic is a Zeek conn log (TSV), into which beacons are planted.

The same flags give the same figures, but for time and memory.`,
		Example: `  drumbeat accuracy --seeds 1-3
  drumbeat accuracy --world-two /tmp/world-1 --world-two /tmp/world-2 --method rhythm --method RITA
  drumbeat accuracy --seeds 1-3 --world-two /tmp/world-1 --docs docs/detection.md
  drumbeat accuracy --seeds 21-22 --world-two /tmp/world-21 --fit weights.json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return m.run(cmd.Context()) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&m.worlds, "worlds", nil,
		"judge in these `WORLDS`: own, two, real (default own, and those that --world-two and --capture are given for)")
	completeWith(cmd, "worlds", worldOwn, worldTwo, worldReal)
	f.StringVar(&m.seeds, "seeds", "2", "`SEEDS` of the own world, such as 1-3 or 1,5")
	f.StringArrayVar(&m.twoDirs, "world-two", nil, "read a world two from the folder `DIR`; may be repeated")
	f.StringArrayVar(&m.real, "capture", nil, "plant beacons into the real traffic of the Zeek conn log `FILE`; may be repeated")
	own := synth.DefaultTrial(1)
	f.IntVar(&m.size, "background", own.Background, "`NUMBER` of background channels of the own world")
	f.IntVar(&m.each, "each", own.Each, "`NUMBER` of beacons of each of the 528 points of the own world's grid")
	f.StringArrayVar(&m.methods, "method", nil, "judge this `METHOD` only; may be repeated")
	names := methodNames(accuracy.Methods(nil))
	completeWith(cmd, "method", names...)
	a.formatFlag(cmd, &m.format)
	f.StringVar(&m.docs, "docs", "", "put the tables between the marks of `FILE`, too")
	f.StringVar(&m.floors, "floors", "", "exit with 1 if a figure is under the floors recorded in `FILE`")
	f.StringVar(&m.weights, "weights", "", "let rhythm use the weights in `FILE`")
	f.StringVar(&m.fit, "fit", "", "fit rhythm's weights to the worlds and write them to `FILE`, instead of judging")
	f.StringVar(&m.closed, "closed", "",
		"with --fit: move single weights by the closed findings in `FILE` instead, lines of scan's JSON with \"Verdict\": \"malicious\" or \"benign\"")
	a.flagGroup(cmd, "Worlds", "worlds", "seeds", "world-two", "capture", "background", "each")
	a.flagGroup(cmd, "Weights", "weights", "fit", "closed")
	return cmd
}

func methodNames(methods []accuracy.Method) []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.Name()
	}
	return names
}

func (m *measure) run(ctx context.Context) error {
	format, err := m.a.resolveFormat(m.format)
	if err != nil {
		return err
	}
	card, err := m.card()
	if err != nil {
		return err
	}
	switch {
	case m.closed != "" && m.fit == "":
		return usageError("--closed goes with --fit FILE, the weights to write")
	case m.closed != "":
		return m.learn(card)
	}
	sources, err := m.sources()
	if err != nil {
		return err
	}
	if m.fit != "" {
		return m.runFit(ctx, sources, card)
	}
	methods, err := m.chosen(card)
	if err != nil {
		return err
	}
	report, err := accuracy.Run(ctx, sources, accuracy.Options{Methods: methods, Measure: m.cost, Note: m.note})
	if err != nil {
		return exitWith(exitInput, err)
	}
	if err := m.write(report, format); err != nil {
		return err
	}
	if m.docs != "" {
		if err := m.document(report); err != nil {
			return err
		}
	}
	return m.check(report)
}

// note says what is done now.
func (m *measure) note(text string) {
	if m.a.verbose {
		m.a.notef("%s", text)
	}
}

// cost runs a piece of work and says what it took.
func (m *measure) cost(work func() error) (accuracy.Cost, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := m.a.now()
	err := work()
	took := m.a.now().Sub(began)
	runtime.ReadMemStats(&after)
	return accuracy.Cost{Seconds: took.Seconds(), Bytes: int64(after.TotalAlloc - before.TotalAlloc)}, err
}

// card gives the weights that --weights names, or nil for the shipped ones.
func (m *measure) card() (*accuracy.Card, error) {
	if m.weights == "" {
		return nil, nil //nolint:nilnil // nil is a value: the shipped weights
	}
	text, err := os.ReadFile(m.weights)
	if err != nil {
		return nil, exitWith(exitInput, err)
	}
	card, err := accuracy.ReadCard(string(text))
	if err != nil {
		return nil, exitWith(exitInvalid, fmt.Errorf("%s: %w", m.weights, err))
	}
	return card, nil
}

// chosen gives the methods that are asked for.
func (m *measure) chosen(card *accuracy.Card) ([]accuracy.Method, error) {
	all := accuracy.Methods(card)
	if len(m.methods) == 0 {
		return all, nil
	}
	names := methodNames(all)
	var out []accuracy.Method
	for _, want := range m.methods {
		at := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, want) })
		if at < 0 {
			hint := "there are " + strings.Join(names, "; ")
			if near := nearest(want, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, usageError("--method %q is not known; %s", want, hint)
		}
		out = append(out, all[at])
	}
	return out, nil
}

// sources gives the worlds that are asked for.
func (m *measure) sources() ([]accuracy.Source, error) {
	worlds := m.worlds
	if len(worlds) == 0 {
		worlds = []string{worldOwn}
		if len(m.twoDirs) > 0 {
			worlds = append(worlds, worldTwo)
		}
		if len(m.real) > 0 {
			worlds = append(worlds, worldReal)
		}
	}
	var out []accuracy.Source
	for _, w := range worlds {
		switch w {
		case worldOwn:
			own, err := m.own()
			if err != nil {
				return nil, err
			}
			out = append(out, own...)
		case worldTwo:
			if len(m.twoDirs) == 0 {
				return nil, usageError("--worlds two needs --world-two DIR")
			}
			for _, dir := range m.twoDirs {
				out = append(out, accuracy.TwoSource(dir))
			}
		case worldReal:
			if len(m.real) == 0 {
				return nil, usageError("--worlds real needs --capture FILE")
			}
			for _, file := range m.real {
				out = append(out, accuracy.RealSource(file))
			}
		default:
			return nil, usageError("--worlds %q: want own, two or real", w)
		}
	}
	return out, nil
}

// own gives the own world, once for each seed.
func (m *measure) own() ([]accuracy.Source, error) {
	seeds, err := parseSeeds(m.seeds)
	if err != nil {
		return nil, err
	}
	out := make([]accuracy.Source, len(seeds))
	for i, seed := range seeds {
		t := synth.DefaultTrial(seed)
		if m.size != t.Background {
			t.Pollers = m.size * t.Pollers / t.Background
		}
		t.Background, t.Each = m.size, m.each
		if err := t.Validate(); err != nil {
			return nil, usageError("%w", err)
		}
		out[i] = accuracy.OwnSource(t)
	}
	return out, nil
}

// parseSeeds reads 1,5 or 1-3, or both.
func parseSeeds(text string) (seeds []uint64, err error) {
	const most = 1000
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err1 := strconv.ParseUint(low, 10, 32)
		to, err2 := strconv.ParseUint(high, 10, 32)
		if err1 != nil || err2 != nil || from > to || to-from >= most {
			return nil, usageError("--seeds %q: want numbers, such as 1-3 or 1,5", text)
		}
		for s := from; s <= to; s++ {
			seeds = append(seeds, s)
		}
	}
	return seeds, nil
}

// write prints the report: as a table one line for each method and world, as JSON everything.
func (m *measure) write(r *accuracy.Report, format string) error {
	if format == formatJSON {
		enc := json.NewEncoder(m.a.stdout)
		enc.SetEscapeHTML(false)
		for i := range r.Runs {
			if err := enc.Encode(&r.Runs[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := table.New(
		table.Column{Name: "World", Type: table.String}, table.Column{Name: "Method", Type: table.String},
		table.Column{Name: "Recall 1e-3", Type: table.Real}, table.Column{Name: "Recall 1e-4", Type: table.Real},
		table.Column{Name: "P@20", Type: table.Real}, table.Column{Name: "P@50", Type: table.Real}, table.Column{Name: "P@100", Type: table.Real},
		table.Column{Name: "Period right", Type: table.Real}, table.Column{Name: "Shipped recall", Type: table.Real},
		table.Column{Name: "Shipped false share", Type: table.Real}, table.Column{Name: "Seconds", Type: table.Real},
	)
	for i := range r.Runs {
		x := &r.Runs[i]
		t.Append(
			x.World, x.Method, short(x.Ties3), short(x.Ties4), short(x.Precision[0]), short(x.Precision[1]), short(x.Precision[2]),
			short(x.Errors.Within10), short(x.Shipped.Recall), x.Shipped.FalseShare, short(x.Cost.Seconds),
		)
	}
	return m.a.writeTable(t, format, table.TextOptions{})
}

// short rounds to three digits behind the point.
func short(x float64) float64 { return float64(int64(x*1000+0.5)) / 1000 }

// document puts the tables into the document.
func (m *measure) document(r *accuracy.Report) error {
	old, err := os.ReadFile(m.docs)
	if err != nil {
		return exitWith(exitInput, err)
	}
	text, ok := accuracy.Replace(string(old), r.Markdown())
	if !ok {
		return exitWith(exitInvalid, fmt.Errorf("%s has no marks %q and %q to put the tables between", m.docs, accuracy.MarkBegin, accuracy.MarkEnd))
	}
	return os.WriteFile(m.docs, []byte(text), 0o644) //nolint:gosec // a document for all to read
}

// check compares with the floors.
func (m *measure) check(r *accuracy.Report) error {
	if m.floors == "" {
		return nil
	}
	text, err := os.ReadFile(m.floors)
	if err != nil {
		return exitWith(exitInput, err)
	}
	floors, err := accuracy.ReadFloors(bytes.NewReader(text))
	if err != nil {
		return exitWith(exitInvalid, fmt.Errorf("%s: %w", m.floors, err))
	}
	if below := r.Below(floors); len(below) > 0 {
		return exitWith(exitFindings, fmt.Errorf("under the recorded floors:\n%s", strings.Join(below, "\n")))
	}
	return nil
}

// learn moves the weights by closed findings.
func (m *measure) learn(card *accuracy.Card) error {
	text, err := os.ReadFile(m.closed)
	if err != nil {
		return exitWith(exitInput, err)
	}
	closed, err := accuracy.ReadClosed(bytes.NewReader(text))
	if err != nil {
		return exitWith(exitInput, fmt.Errorf("%s: %w", m.closed, err))
	}
	if card == nil {
		if card, err = accuracy.ShippedCard(); err != nil {
			return err
		}
	}
	m.a.notef("%d closed findings", len(closed))
	return os.WriteFile(m.fit, []byte(card.Learn(closed).Text()), 0o644) //nolint:gosec // weights are no secret
}

// runFit fits the weights to the worlds.
func (m *measure) runFit(ctx context.Context, sources []accuracy.Source, card *accuracy.Card) error {
	fitted, err := accuracy.Fit(ctx, sources, card, accuracy.DefaultFit(), m.note)
	if err != nil {
		return exitWith(exitInput, err)
	}
	return os.WriteFile(m.fit, []byte(fitted.Text()), 0o644) //nolint:gosec // weights are no secret
}
