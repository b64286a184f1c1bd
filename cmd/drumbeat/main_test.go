package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"drumbeat/internal/rule"
)

// TestMain makes this binary stand in for drumbeat, and for one that has more
// verbs, where a script runs a command of that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"drumbeat":      main,
		"drumbeat-test": mainWithTestVerbs,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"gen": gen},
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", "")
			env.Setenv("NO_COLOR", "")
			env.Setenv("TERM", "xterm")
			return nil
		},
	})
}

// TestSignals interrupts drumbeat: once, which leaves it time to print, and
// twice, which does not.
func TestSignals(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if signal.Ignored(s) {
			t.Skipf("%v is ignored here, and so by all that is started from here", s)
		}
		for verb, twice := range map[string]bool{"wait": false, "hang": true} {
			t.Run(s.String()+" "+verb, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), self, verb)
				cmd.Args[0] = "drumbeat-test"
				var stdout strings.Builder
				cmd.Stdout = &stdout
				pipe, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(pipe)
				awaitLine(t, lines, "waiting")
				interrupt(t, cmd, s)
				if twice {
					awaitLine(t, lines, "heard")
					interrupt(t, cmd, s)
				} else {
					awaitLine(t, lines, "warning: interrupted: the result is partial")
				}
				if lines.Scan() {
					t.Errorf("more on standard error: %s", lines.Text())
				}
				_ = cmd.Wait() // the state says it
				status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
				if twice && status.Signal() != s {
					t.Errorf("ended with %v, want the signal %v", cmd.ProcessState, s)
				}
				if !twice && (status.ExitStatus() != 128+int(s) || stdout.String() != "what there is\n") {
					t.Errorf("ended with %v and printed %q", cmd.ProcessState, stdout.String())
				}
			})
		}
	}
}

// TestQueryInterrupted interrupts queries: the rows that are known are printed, and that they are not all is said.
func TestQueryInterrupted(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const endless = "(range x from 4 to 1000000000000 step 1 | where x < 0)"
	for _, c := range []struct {
		name, query, stdout, stderr string
	}{
		{
			"rows", "union (range x from 1 to 3 step 1), (SigninLogs | project x = long(1)), " + endless,
			"{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n", "warning: interrupted: the result is partial, the first 3 rows are shown",
		},
		{
			"no rows", "union (SigninLogs | project x = long(1)), " + endless + " | summarize count()", "",
			"warning: interrupted: there is no partial result, since no row was known yet",
		},
	} {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			if signal.Ignored(s) {
				t.Skipf("%v is ignored here, and so by all that is started from here", s)
			}
			t.Run(c.name+" "+s.String(), func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), self, "query", "-q", "--engine", "native", "--max-fan-out", "0", "--format", "json", c.query)
				cmd.Args[0] = "drumbeat"
				var stdout strings.Builder
				cmd.Stdout = &stdout
				pipe, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewScanner(pipe)
				awaitLine(t, lines, "warning: no file fills the table SigninLogs: it is empty (give one with --table SigninLogs=FILE)")
				interrupt(t, cmd, s)
				awaitLine(t, lines, c.stderr)
				_ = cmd.Wait() // the state says it
				status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
				if status.ExitStatus() != 128+int(s) || stdout.String() != c.stdout {
					t.Errorf("ended with %v and printed %q", cmd.ProcessState, stdout.String())
				}
			})
		}
	}
}

// TestRuleIDs holds the ids of the methods' rules against the rules.
func TestRuleIDs(t *testing.T) {
	for method, id := range map[string]string{methodSource: foundingRuleID, methodChannel: channelRuleID} {
		f, err := (&app{}).readRuleFile(rule.ShippedPrefix + method)
		if err != nil {
			t.Fatal(err)
		}
		if f.Rules[0].ID != id {
			t.Errorf("the id of %s is %s, want %s", method, f.Rules[0].ID, id)
		}
	}
}

func awaitLine(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	if !lines.Scan() || lines.Text() != want {
		t.Fatalf("standard error: %q, want %q", lines.Text(), want)
	}
}

func interrupt(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// update is -update: accept what the scripts' commands print now.
var update = flag.Bool("update", false, "rewrite the expectations of scripts")

// mainWithTestVerbs is main with verbs that misbehave.
func mainWithTestVerbs() {
	a := &app{
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		now:     time.Now,
		getenv:  os.Getenv,
		environ: os.Environ(),
	}
	a.extra = (*app).testVerbs
	os.Exit(a.main(os.Args[1:]))
}

func (a *app) testVerbs() []*cobra.Command {
	var (
		memory  byteSize
		gap     duration
		from    instant
		tz      zone
		methods []string
		top     int
		format  string
		code    int
	)
	work := &cobra.Command{
		Use:     "work PATH…",
		Short:   "Prints its flags",
		Example: "  drumbeat work --memory 1GB file",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, &memory, &gap, &from, &tz, methods, top, format)
			return err
		},
	}
	work.Flags().Var(&memory, "memory", "use at most this `SIZE`")
	work.Flags().Var(&gap, "gap", "the least gap")
	work.Flags().Var(&from, "from", "leave out what is older")
	work.Flags().Var(&tz, "timezone", "of times without one")
	work.Flags().StringSliceVar(&methods, "method", nil, "a method; can be given again")
	work.Flags().IntVar(&top, "top", 10, "print so many `ROWS`")
	a.formatFlag(work, &format)
	a.flagGroup(work, "Output", "top", "format")

	fail := &cobra.Command{Use: "fail", Short: "Ends with a code", RunE: func(*cobra.Command, []string) error {
		if code == exitFindings {
			return exitWith(code, nil)
		}
		return exitWith(code, errors.New("reading a.log: line 3: no\x1b[31m way"))
	}}
	fail.Flags().IntVar(&code, "code", 0, "the code")

	crash := &cobra.Command{Use: "crash", Short: "Panics", RunE: func(*cobra.Command, []string) error {
		panic("BUG: table: 3 values for 2 columns")
	}}
	wait := &cobra.Command{Use: "wait", Short: "Waits for a signal", RunE: func(cmd *cobra.Command, _ []string) error {
		a.notef("waiting")
		<-cmd.Context().Done()
		if _, err := fmt.Fprintln(a.stdout, "what there is"); err != nil {
			return err
		}
		a.warnf("interrupted: the result is partial")
		return context.Cause(cmd.Context())
	}}
	hang := &cobra.Command{Use: "hang", Short: "Does not heed a signal", RunE: func(cmd *cobra.Command, _ []string) error {
		a.notef("waiting")
		<-cmd.Context().Done()
		a.notef("heard")
		select {}
	}}
	busy := &cobra.Command{Use: "busy", Short: "Shows progress", RunE: func(*cobra.Command, []string) error {
		p := newProgress(a, 2_000_000_000, "reading")
		defer p.Close()
		for i := range 20 {
			p.Add(100_000_000)
			if i == 10 {
				a.warnf("a line was not understood")
			}
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	}}
	return []*cobra.Command{work, fail, crash, wait, hang, busy}
}
