package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// inputFlags are the flags of verbs that read log files: how lines are to be understood.
type inputFlags struct {
	format string
	now    instant
	zone   zone
	strict bool
}

func (a *app) inputFlags(cmd *cobra.Command, in *inputFlags) {
	names := make([]string, 0, len(logformat.Formats()))
	for _, f := range logformat.Formats() {
		names = append(names, f.String())
	}
	in.format = names[0]
	f := cmd.Flags()
	f.Var(newChoice(&in.format, names...), "input",
		"take lines of this `FORMAT` only: auto (recognise each line), cef, strata or panos-csv")
	completeWith(cmd, "input", names...)
	f.Var(&in.zone, "timezone", "the time `ZONE` of times that name none, such as Europe/Berlin (default UTC, with a warning)")
	f.BoolVar(&in.strict, "strict", false, "exit with 4 if any line was rejected")
}

// options gives what the flags decide about lines.
func (in *inputFlags) options() logformat.Options {
	o := logformat.Options{Zone: in.zone.Location}
	for _, f := range logformat.Formats() {
		if f.String() == in.format {
			o.Format = f
		}
	}
	if in.now.set {
		o.Now = traffic.Ticks(in.now.Time)
	}
	return o
}

// files finds the files to read.
func (a *app) files(paths []string) ([]ingest.File, []ingest.Problem, error) {
	if len(paths) == 0 {
		return nil, nil, usageError("name the files or folders to read, or - for standard input")
	}
	files, problems := ingest.List(paths, a.stdin)
	if len(files) == 0 && len(problems) == 0 {
		a.warnf("there is no file in %q", paths)
	}
	return files, problems, nil
}

// strictError is the error of --strict.
func strictError(rejected int64) error {
	were := "were"
	if rejected == 1 {
		were = "was"
	}
	return exitWith(exitInput, fmt.Errorf("%s %s rejected, and --strict was given", plural(rejected, "line"), were))
}

// showProblems warns of what was not read, and reports whether lines were lost by it.
func (a *app) showProblems(problems []ingest.Problem) (lost bool) {
	for i, p := range problems {
		lost = lost || p.Fatal
		switch {
		case i == maxShown:
			a.warnf("%d more files were not read or not to their end; --verbose lists all", len(problems)-i)
			if !a.verbose {
				continue
			}
			fallthrough
		case i < maxShown || a.verbose:
			a.warnf("%s: %s", strconv.Quote(showPath(p.Path)), p.Text)
		}
	}
	return lost
}

// maxShown is the number of problems that are listed unless --verbose asks for all.
const maxShown = 20

// seconds is a whole number of seconds: "25", "25s" or "1m".
type seconds int64

// Set reads seconds.
func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*s = seconds(n)
		return nil
	}
	var d duration
	if err := d.Set(text); err != nil {
		return errors.New("want seconds such as 25, or a length of time such as 5m or 1h30m")
	}
	if time.Duration(d)%time.Second != 0 {
		return errors.New("want whole seconds: the rule counts no parts of them")
	}
	*s = seconds(time.Duration(d) / time.Second)
	return nil
}

// String gives the number of seconds.
func (s *seconds) String() string { return strconv.FormatInt(int64(*s), 10) }

// Type names the value in help texts.
func (*seconds) Type() string { return "seconds" }
