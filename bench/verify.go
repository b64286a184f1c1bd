package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"drumbeat/bench/totals"
)

// verifiedLines is how many lines of each log are read by drumbeat's slow and
// talkative verb as well.
const verifiedLines = 20_000

// verify fails unless drumbeat and each of DuckDB's ways read the same from the
// beginning of a log. It gives the way that takes the least CPU there.
func (h *harness) verify(ctx context.Context, log *logFile) (fastest string, err error) {
	head := log.path + ".head"
	if err := writeHead(log.path, head, verifiedLines); err != nil {
		return "", err
	}
	text, err := h.runner.text(ctx, h.self, "flow-totals", h.drumbeat, head)
	if err != nil {
		return "", err
	}
	var want totals.Totals
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		return "", err
	}
	if want.Records == 0 {
		return "", fmt.Errorf("drumbeat flows finds no record in %s", head)
	}
	var least time.Duration
	for _, way := range log.ways {
		text, err := h.runner.text(ctx, h.duck, "--way", way, "--distinct", head)
		if err != nil {
			return "", err
		}
		var got totals.Totals
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			return "", err
		}
		if diff := want.Differences(got); len(diff) > 0 {
			return "", fmt.Errorf("drumbeat and DuckDB (%s) read %s differently:\n  %s", way, head, strings.Join(diff, "\n  "))
		}
		for range 3 {
			s, err := h.runner.measure(ctx, h.duck, "--way", way, head)
			if err != nil {
				return "", err
			}
			if least == 0 || s.CPU < least {
				least, fastest = s.CPU, way
			}
		}
	}
	return fastest, nil
}

// flowTotals sums up what `drumbeat flows` says of a log.
func flowTotals(ctx context.Context, drumbeat, path string, w io.Writer) error {
	cmd := exec.CommandContext(ctx, drumbeat, "flows", "--quiet", "--format", "json", path) //nolint:gosec // the program under test
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	t, err := sumFlows(out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("drumbeat flows: %w", err)
	}
	return json.NewEncoder(w).Encode(t)
}

// sumFlows sums up the objects that `drumbeat flows --format json` prints.
func sumFlows(r io.Reader) (totals.Totals, error) {
	var t totals.Totals
	sources, destinations, devices := map[string]bool{}, map[string]bool{}, map[string]bool{}
	decoder := json.NewDecoder(bufio.NewReader(r))
	for {
		var flow struct {
			TimeGenerated                                     time.Time
			SourceIP, DestinationIP, DeviceName, SourceUserID string
			SourcePort, DestinationPort                       int64
			ReceivedBytes, SentBytes                          int64
		}
		if err := decoder.Decode(&flow); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return t, err
		}
		at := flow.TimeGenerated.Unix()
		if t.Records == 0 {
			t.First, t.Last = at, at
		}
		t.First, t.Last, t.Seconds = min(t.First, at), max(t.Last, at), t.Seconds+at
		t.Records++
		t.In, t.Out = t.In+flow.ReceivedBytes, t.Out+flow.SentBytes
		t.SourcePorts, t.Ports = t.SourcePorts+flow.SourcePort, t.Ports+flow.DestinationPort
		t.SourceText, t.DestText = t.SourceText+int64(len(flow.SourceIP)), t.DestText+int64(len(flow.DestinationIP))
		t.DeviceText, t.UserText = t.DeviceText+int64(len(flow.DeviceName)), t.UserText+int64(len(flow.SourceUserID))
		sources[flow.SourceIP], destinations[flow.DestinationIP], devices[flow.DeviceName] = true, true, true
	}
	t.Sources, t.Destinations, t.Devices = int64(len(sources)), int64(len(destinations)), int64(len(devices))
	return t, nil
}
