package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// sample is one run of a process, from its start to its last byte.
type sample struct {
	Wall time.Duration
	CPU  time.Duration // user and system, of the process and those it waited for
	// RSS is the most memory that the process had, in bytes. The kernel counts
	// what the process was before it became another program, so it is not less
	// than what the harness had, see harnessRSS.
	RSS int64
	out output
}

// runner starts processes that see none of the user's settings.
type runner struct {
	env []string
}

func newRunner(work string) *runner {
	r := &runner{}
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "DRUMBEAT_") && name != "XDG_CONFIG_HOME" && name != "LC_ALL" {
			r.env = append(r.env, e)
		}
	}
	r.env = append(r.env, "LC_ALL=C", "XDG_CONFIG_HOME="+filepath.Join(work, "no-config"))
	return r
}

func (r *runner) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // programs that the harness names
	cmd.Env = r.env
	return cmd
}

// measure runs a process and reads its output through a pipe.
func (r *runner) measure(ctx context.Context, args ...string) (sample, error) {
	cmd := r.command(ctx, args)
	var s sample
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &s.out, &stderr
	begun := time.Now()
	err := cmd.Run()
	s.Wall = time.Since(begun)
	if err != nil {
		return s, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	err = s.usage(cmd.ProcessState)
	return s, err
}

// usage takes what a process used from the record that the kernel left of it.
func (s *sample) usage(state *os.ProcessState) error {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not say how much memory a process had")
	}
	s.CPU = state.UserTime() + state.SystemTime()
	s.RSS = usage.Maxrss * rssUnit
	return nil
}

// text runs a process and gives its output as a text, without blanks around it.
func (r *runner) text(ctx context.Context, args ...string) (string, error) {
	s, err := r.measure(ctx, args...)
	return strings.TrimSpace(string(s.out.head)), err
}

// output keeps the beginning of a process's output and a checksum of all of it.
type output struct {
	head []byte
	sum  hash.Hash64
}

const keptOutput = 64 << 10

func (o *output) Write(p []byte) (int, error) {
	if o.sum == nil {
		o.sum = fnv.New64a()
	}
	o.head = append(o.head, p[:min(len(p), keptOutput-len(o.head))]...)
	return o.sum.Write(p)
}

// checksum is the same for the same output.
func (o *output) checksum() uint64 {
	if o.sum == nil {
		return 0
	}
	return o.sum.Sum64()
}
