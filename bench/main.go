// Command bench measures drumbeat against other programs that read the same
// file: whole processes, in turns, so that a busy machine slows all alike.
//
//	bench run          the comparison that the README shows
//	bench guard        fails if drumbeat became slower than limits.json allows
//	bench stream       a stream too long to keep: time and memory
//
// It is a module of its own: DuckDB and its library are no business of the
// product. `make -C bench help` lists what a developer runs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: bench run|guard|stream [FLAG…]")
	}
	verb, args := args[0], args[1:]
	switch {
	case verb == "run":
		return runCompare(ctx, args)
	case verb == "guard":
		return runGuard(ctx, args)
	case verb == "stream":
		return runStream(ctx, args)
	case verb == "decode" && len(args) == 1: // this and what follows: the harness calls itself
		return decode(args[0], os.Stdout)
	case verb == "pack" && len(args) == 3:
		return pack(args[0], args[1], args[2])
	case verb == "flow-totals" && len(args) == 2:
		return flowTotals(ctx, args[0], args[1], os.Stdout)
	}
	return fmt.Errorf("unknown verb or wrong arguments: %s %s", verb, strings.Join(args, " "))
}

// common are the flags of all verbs.
func common(verb string) (*flag.FlagSet, *harness) {
	flags := flag.NewFlagSet("bench "+verb, flag.ContinueOnError)
	h := &harness{progress: os.Stderr}
	flags.StringVar(&h.drumbeat, "drumbeat", "../bin/drumbeat", "measure this `PROGRAM`")
	flags.StringVar(&h.work, "work", "work", "keep logs in this `FOLDER`")
	return flags, h
}

// start makes the harness ready after its flags were read.
func (h *harness) start(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if h.self, err = os.Executable(); err != nil {
		return err
	}
	for _, path := range []*string{&h.drumbeat, &h.duck, &h.work} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if !exists(h.drumbeat) {
		return fmt.Errorf("there is no %s: run make build first", h.drumbeat)
	}
	h.runner = newRunner(h.work)
	return nil
}

func runCompare(ctx context.Context, args []string) error {
	flags, h := common("run")
	flags.StringVar(&h.duck, "duck", "", "read with DuckDB by this `PROGRAM` as well")
	flows := flags.Int64("size", 2_000_000, "make logs of about so `MANY` lines")
	quick := flags.Bool("quick", false, "make logs of 200,000 lines")
	rounds := flags.Int("rounds", 5, "run each process so `OFTEN`")
	date := flags.String("date", "", "print this `DATE` instead of today's")
	asJSON := flags.String("json", "", "write the result as JSON to `FILE` as well; - is standard output, and no table")
	asMarkdown := flags.String("markdown", "", "write it as Markdown to `FILE` as well; - is standard output, and no table")
	if err := h.start(flags, args); err != nil {
		return err
	}
	if *quick {
		*flows = quickFlows
	}
	if *rounds < 1 || *flows < 20_000 {
		return errors.New("want at least one round and logs of at least 20000 lines")
	}
	if *date == "" {
		*date = time.Now().UTC().Format(time.DateOnly)
	}
	versions, err := h.versions(ctx)
	if err != nil {
		return err
	}
	r, err := h.compareAll(ctx, *flows, *rounds)
	if err != nil {
		return err
	}
	r.Date, r.Versions = *date, versions
	if *asJSON != "-" && *asMarkdown != "-" {
		if err := r.writeText(os.Stdout); err != nil {
			return err
		}
	}
	return errors.Join(writeTo(*asJSON, r.writeJSON), writeTo(*asMarkdown, r.writeMarkdown))
}

func (r *result) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// writeTo writes a file, or standard output for -, or nothing without a name.
func writeTo(name string, write func(io.Writer) error) error {
	switch name {
	case "":
		return nil
	case "-":
		return write(os.Stdout)
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

func runGuard(ctx context.Context, args []string) error {
	flags, h := common("guard")
	file := flags.String("limits", "limits.json", "read limits from `FILE`")
	record := flags.Bool("record", false, "measure, and write new limits")
	if err := h.start(flags, args); err != nil {
		return err
	}
	return h.guard(ctx, *file, *record, os.Stdout)
}

func runStream(ctx context.Context, args []string) error {
	flags, h := common("stream")
	flows := flags.Int64("flows", 100_000_000, "`NUMBER` of flows")
	machines := flags.Int64("machines", 20_000, "`NUMBER` of machines")
	channels := flags.Int64("channels", 2_000_000, "about so `MANY` channels")
	if err := h.start(flags, args); err != nil {
		return err
	}
	return h.stream(ctx, *flows, *machines, *channels, os.Stdout)
}

// versions names the programs that are compared.
func (h *harness) versions(ctx context.Context) ([]string, error) {
	drumbeat, err := h.runner.text(ctx, h.drumbeat, "version")
	if err != nil {
		return nil, err
	}
	drumbeat, _, _ = strings.Cut(drumbeat, "\n")
	all := []string{drumbeat}
	if wc, err := h.runner.text(ctx, "wc", "--version"); err == nil {
		wc, _, _ = strings.Cut(wc, "\n")
		all = append(all, wc)
	}
	if h.duck != "" {
		duck, err := h.runner.text(ctx, h.duck, "--version")
		if err != nil {
			return nil, err
		}
		all = append(all, "DuckDB "+duck)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/klauspost/compress" {
				all = append(all, "decoder "+m.Path+" "+m.Version)
			}
		}
	}
	return all, nil
}
