// Command drumbeat finds beacons, malware that calls home, in firewall logs.
//
// This package is wiring: flags, configuration, signals, what is printed where
// and with which exit code. Each verb stands in a file of its name, and is
// listed in verbs.go; what it does stands in internal packages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // --timezone must not depend on what the machine has installed

	"github.com/spf13/cobra"

	"drumbeat/internal/table"
)

// The exit codes, a contract with scripts. A process that a signal ended has
// 128 and the signal's number: 130 and 143.
const (
	exitOK       = 0
	exitFindings = 1
	exitUsage    = 2
	exitInvalid  = 3
	exitInput    = 4
	exitPartial  = 5
	exitInternal = 70
)

func main() {
	a := &app{
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		now:     time.Now,
		getenv:  os.Getenv,
		environ: os.Environ(),
	}
	os.Exit(a.main(os.Args[1:]))
}

// main runs one command line under the rules for signals: the first asks the
// verb to finish with what it has, the second, which finds the default handling
// restored, kills at once.
func (a *app) main(args []string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) { // a shell has its background jobs ignore Ctrl-C
			signal.Notify(signals, s)
		}
	}
	received := make(chan os.Signal, 1)
	go func() {
		select {
		case s := <-signals:
			signal.Reset(os.Interrupt, syscall.SIGTERM)
			received <- s
			cancel()
		case <-ctx.Done():
		}
	}()
	code := a.execute(ctx, args)
	signal.Stop(signals)
	select {
	case s := <-received:
		if number, ok := s.(syscall.Signal); ok {
			return 128 + int(number)
		}
	default:
	}
	return code
}

// execute runs one command line, reports its error, and returns the exit code.
func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	cmd, err := checkVerb(root, args)
	if err == nil {
		err = safely(func() error {
			var err error
			cmd, err = root.ExecuteContextC(ctx)
			return err
		})
		if err != nil && !a.started {
			err = lineError(cmd, err)
		}
	}
	a.report(ctx, cmd, err)
	return exitCode(err)
}

// lineError makes cobra's errors about a command line, which have no type, ours.
func lineError(cmd *cobra.Command, err error) error {
	var exit *exitError
	var crash *panicError
	switch {
	case errors.As(err, &exit) || errors.As(err, &crash):
		return err
	case strings.Contains(err.Error(), "arg(s)"):
		return usageError("wrong number of arguments; want: %s", usageLine(cmd))
	}
	return exitWith(exitUsage, err)
}

// report writes an error to standard error, with what to do about it.
func (a *app) report(ctx context.Context, cmd *cobra.Command, err error) {
	var exit *exitError
	if err == nil || errors.As(err, &exit) && exit.err == nil {
		return
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return // the user knows, and the verb has said what is missing
	}
	if crash, ok := errors.AsType[*panicError](err); ok {
		a.printError(fmt.Sprintf("internal error: %v; please report", crash.value))
		if a.verbose {
			a.writeStderr(string(crash.stack))
		} else {
			a.writeStderr("Run it again with --verbose to see where.\n")
		}
		return
	}
	a.printError(err.Error())
	if exitCode(err) == exitUsage {
		a.writeStderr(fmt.Sprintf("Run '%s --help' for its usage.\n", cmd.CommandPath()))
	}
}

// printError writes each line of a message under the program's name.
func (a *app) printError(message string) {
	var b strings.Builder
	for line := range strings.SplitSeq(message, "\n") {
		b.WriteString(a.paint(a.stderr, table.Red, "drumbeat:"))
		b.WriteString(" " + table.Printable(line) + "\n")
	}
	a.writeStderr(b.String())
}

// exitError is an error that has chosen its exit code. Without an error inside
// it is silent.
type exitError struct {
	code int
	err  error
}

// Error returns the message, which is empty for a silent exit.
func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// Unwrap returns the error inside.
func (e *exitError) Unwrap() error { return e.err }

// exitWith returns an error that ends the program with the code. With a nil err
// nothing is printed.
func exitWith(code int, err error) error { return &exitError{code: code, err: err} }

// usageError returns an error about the command line; it is printed with a
// pointer to the verb's help.
func usageError(format string, args ...any) error {
	return exitWith(exitUsage, fmt.Errorf(format, args...))
}

// exitCode returns the code of an error: the one it chose; else 4 for a file
// that could not be read; else it is a fault of drumbeat.
func exitCode(err error) int {
	var exit *exitError
	var path *fs.PathError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, context.Canceled):
		return exitPartial
	case errors.As(err, &path):
		return exitInput
	}
	return exitInternal
}

// panicError is a panic that was caught.
type panicError struct {
	value any
	stack []byte
}

// Error says what the panic said.
func (e *panicError) Error() string { return fmt.Sprintf("internal error: %v", e.value) }

// safely calls f and returns a panic of it as an error, which ends the program
// with exit code 70. A goroutine that a verb starts should run in it, since no
// one else can recover its panic.
func safely(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	return f()
}
