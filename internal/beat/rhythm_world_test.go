package beat

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/traffic"
)

// TestRhythmWorlds judges worlds on disk that DRUMBEAT_WORLDS names, folders with a traffic.cef each, separated by
// commas, writes what it lists beside them, and prints what the program DRUMBEAT_SCORER says of it.
func TestRhythmWorlds(t *testing.T) {
	dirs := os.Getenv("DRUMBEAT_WORLDS")
	if dirs == "" {
		t.Log("DRUMBEAT_WORLDS is not set: nothing to judge")
		return
	}
	for dir := range strings.SplitSeq(dirs, ",") {
		s := readWorld(t, filepath.Join(dir, "traffic.cef"))
		out, err := Rhythm{All: true}.Run(context.Background(), s, 2)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d sessions, %d channels, %d judged; left %+v", dir, s.Rows(), out.AllChannels, out.Judged, out.Left)
		path := filepath.Join(dir, "rhythm.jsonl")
		writeWorld(t, path, out)
		scorer := os.Getenv("DRUMBEAT_SCORER")
		if scorer == "" {
			continue
		}
		args := append([]string{scorer, dir, path, "--method", "rhythm"}, strings.Fields(os.Getenv("DRUMBEAT_SCORER_ARGS"))...)
		text, err := exec.Command("python3", args...).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("\n%s", text)
	}
}

// readWorld reads the trimmed CEF of a synthetic company.
func readWorld(tb testing.TB, path string) *Sessions {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s := NewSessions(SorterOptions{Memory: 1 << 30, Dir: tb.TempDir()}, nil)
	w := s.Writer()
	var names traffic.Dict
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	clock := map[string]int64{}
	for in.Scan() {
		if err := w.Observe(&names, worldSession(tb, in.Bytes(), &names, clock)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return s
}

func worldSession(tb testing.TB, line []byte, names *traffic.Dict, clock map[string]int64) *Session {
	value := func(key string) string {
		_, rest, _ := bytes.Cut(line, []byte(" "+key+"="))
		end := bytes.IndexByte(rest, ' ')
		if end < 0 {
			end = len(rest)
		}
		return string(rest[:end])
	}
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(value(key), 10, 64)
		return n
	}
	_, rest, _ := bytes.Cut(line, []byte(" start="))
	text := string(rest[:len("Apr 20 2026 00:00:09")])
	at, ok := clock[text]
	if !ok {
		v, err := time.Parse("Jan 02 2006 15:04:05", text)
		if err != nil {
			tb.Fatal(err)
		}
		at = traffic.Ticks(v)
		clock[text] = at
	}
	v := Session{
		Src: traffic.ParseAddr([]byte(value("src"))), Dst: traffic.ParseAddr([]byte(value("dst"))),
		SrcPort: int32(number("spt")), DstPort: int32(number("dpt")), Protocol: ProtocolNumber(value("proto")),
		Start: at - number("cn3")*traffic.Second, Duration: number("cn3") * traffic.Second,
		Sent: number("in"), Received: number("out"), ID: uint64(number("cn1")), Sequence: uint64(number("externalId")),
		Device: names.CodeString(value("dvchost")), App: names.CodeString(value("app")),
	}
	if act := value("act"); act != "allow" {
		v.Kind = RecordDenied
	}
	return &v
}

func writeWorld(tb testing.TB, path string, out *RhythmResult) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for i := range out.Channels {
		c := &out.Channels[i]
		if c.Kind == KindOutside {
			continue
		}
		row := map[string]any{
			"SourceIP": c.Source, "DestinationIP": c.Destination, "DestinationPort": c.Port, "Score": c.Score,
			"PeriodSeconds": c.Law.Period, "Jitter": c.Law.Jitter, "S": c.Rhythm, "View": c.View.String(), "Gamma": c.Gamma,
			"Kind": c.Kind.String(), "Sessions": c.Sessions, "Law": c.Law.Law, "Alike": c.Alike, "Hosts": c.Hosts,
		}
		for _, r := range c.Reasons {
			if r.Known {
				row["v:"+r.Name] = r.Value
			}
		}
		if err := enc.Encode(row); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}
