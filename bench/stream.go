package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// streamed is one run of synth through a pipe into scan.
type streamed struct {
	flows int64
	synth sample
	scan  sample
	note  string // what synth says of the traffic
}

// stream measures scan on a stream that is too long to keep, and on half of it:
// time must grow as the stream does, and memory must not.
func (h *harness) stream(ctx context.Context, flows, machines, channels int64, w io.Writer) error {
	h.say("scan keeps what is over its memory limit in %s: up to %s", os.TempDir(), size(flows*32))
	var runs []streamed
	for _, n := range []int64{flows / 2, flows} {
		h.say("%s flows from synth through a pipe into scan", thousands(n))
		run, err := h.streamOnce(ctx, n, machines, channels)
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	var b strings.Builder
	lines := [][]string{{"flows", "wall s", "CPU s of scan", "CPU s of synth", "scan ns CPU/flow", "memory of scan", "of synth"}}
	for i := range runs {
		r := &runs[i]
		lines = append(lines, []string{
			thousands(r.flows), seconds(r.scan.Wall.Seconds()), seconds(r.scan.CPU.Seconds()),
			seconds(r.synth.CPU.Seconds()), strconv.FormatInt(r.scan.CPU.Nanoseconds()/r.flows, 10),
			megabytes(r.scan.RSS), megabytes(r.synth.RSS),
		})
	}
	half, all := &runs[0], &runs[1]
	lines = append(lines, []string{
		"ratio", ratio(through(all.scan.Wall.Seconds(), half.scan.Wall.Seconds())),
		ratio(through(all.scan.CPU.Seconds(), half.scan.CPU.Seconds())),
		ratio(through(all.synth.CPU.Seconds(), half.synth.CPU.Seconds())), "",
		ratio(through(float64(all.scan.RSS), float64(half.scan.RSS))),
		ratio(through(float64(all.synth.RSS), float64(half.synth.RSS))),
	})
	align(&b, lines, "")
	fmt.Fprintf(&b, "\n%s machines, %s channels, a day; synth: %s\n", thousands(machines), thousands(channels), all.note)
	m := thisMachine()
	fmt.Fprintf(&b, "%d cores, %s, %s; load average %.1f after\n", m.Cores, m.CPU, m.System, load())
	_, err := io.WriteString(w, b.String())
	return err
}

func (h *harness) streamOnce(ctx context.Context, flows, machines, channels int64) (run streamed, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // if one fails, the other goes
	read, write, err := os.Pipe()
	if err != nil {
		return run, err
	}
	synth := h.runner.command(ctx, []string{
		h.drumbeat, "synth", "--machines", strconv.FormatInt(machines, 10), "--channels", strconv.FormatInt(channels, 10),
		"--flows", strconv.FormatInt(flows, 10), "--days", "1",
	})
	scan := h.runner.command(ctx, []string{h.drumbeat, "scan", "--quiet", "--format", "json", "-"})
	run.flows = flows
	var synthErr, scanErr bytes.Buffer
	synth.Stdout, synth.Stderr = write, &synthErr
	scan.Stdin, scan.Stdout, scan.Stderr = read, &run.scan.out, &scanErr
	begun := time.Now()
	err = synth.Start()
	err = errors.Join(err, write.Close())
	if err == nil {
		err = scan.Start()
	}
	err = errors.Join(err, read.Close())
	if err != nil {
		return run, err
	}
	scanDone := scan.Wait()
	run.scan.Wall = time.Since(begun)
	if scanDone != nil {
		cancel()
	}
	synthDone := synth.Wait()
	if scanDone != nil {
		return run, fmt.Errorf("drumbeat scan: %w\n%s", scanDone, bytes.TrimSpace(scanErr.Bytes()))
	}
	if synthDone != nil {
		return run, fmt.Errorf("drumbeat synth: %w\n%s", synthDone, bytes.TrimSpace(synthErr.Bytes()))
	}
	run.note = string(bytes.TrimSpace(synthErr.Bytes()))
	return run, errors.Join(run.synth.usage(synth.ProcessState), run.scan.usage(scan.ProcessState))
}
