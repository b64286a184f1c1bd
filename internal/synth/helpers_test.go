package synth

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
)

// small is a world that is made in a few milliseconds.
func small() World {
	w := Default()
	w.Machines, w.Flows, w.Users = 60, 30_000, 30
	return w
}

// written is the log and the truth of a world, and what Write says of them.
func written(t testing.TB, w World) (log string, truth []TruthChannel, stats Stats) {
	t.Helper()
	var out, facts bytes.Buffer
	stats, err := w.Write(t.Context(), &out, &facts)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Bytes != int64(out.Len()) {
		t.Errorf("stats say %d bytes, there are %d", stats.Bytes, out.Len())
	}
	lines := strings.Split(strings.TrimSuffix(facts.String(), "\n"), "\n")
	for i, line := range lines {
		if i == 0 {
			var world TruthWorld
			decode(t, line, &world)
			if world.Kind != "world" || world.Records != stats.Records {
				t.Errorf("the truth begins with %s, but there are %d records", line, stats.Records)
			}
			continue
		}
		var c TruthChannel
		decode(t, line, &c)
		truth = append(truth, c)
	}
	return out.String(), truth, stats
}

func decode(t testing.TB, line string, to any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// flow is what the tests read back from a line, in whatever format.
type flow struct {
	device, subtype, src, dst, sport, dport, proto, action, app, user string
	sent, recv, pktsSent, pktsRecv, elapsed, session, count           int64
	seen, start                                                       time.Time // start: zero in on-box CEF
	highRes                                                           time.Time // zero before 10.0
}

// The splitters here know nothing of the printer: they read lines as the public
// descriptions of the formats have them.

func parseCSVLine(t testing.TB, line string) (flow, []string) {
	t.Helper()
	at := strings.Index(line, "1,20")
	fields, err := csv.NewReader(strings.NewReader(line[at:])).Read()
	if err != nil || fields[3] != "TRAFFIC" {
		t.Fatalf("%s: %v", line, err)
	}
	f := flow{
		subtype: fields[4], src: fields[7], dst: fields[8], user: fields[12], app: fields[14], sport: fields[24],
		dport: fields[25], proto: fields[29], action: fields[30], sent: number(t, fields[32]), recv: number(t, fields[33]),
		elapsed: number(t, fields[36]), pktsSent: number(t, fields[44]), pktsRecv: number(t, fields[45]),
		session: number(t, fields[22]), count: number(t, fields[23]),
		seen: moment(t, "2006/01/02 15:04:05", fields[6]), start: moment(t, "2006/01/02 15:04:05", fields[35]),
	}
	if len(fields) > 52 {
		f.device = fields[52]
	}
	if len(fields) > 102 {
		f.highRes = moment(t, "2006-01-02T15:04:05.000-07:00", fields[102])
	}
	if total := number(t, fields[31]); total != f.sent+f.recv {
		t.Errorf("%d bytes are not %d and %d: %s", total, f.sent, f.recv, line)
	}
	return f, fields
}

// parseCEF takes each word with an equals sign for a key and its value, others
// for more of the value before. Escaped equals signs are hidden first.
func parseCEF(t testing.TB, line string) (header []string, keys map[string]string) {
	t.Helper()
	_, record, _ := strings.Cut(line, "CEF:0|")
	header = strings.SplitN("CEF:0|"+record, "|", 8)
	if len(header) != 8 {
		t.Fatalf("no CEF: %s", line)
	}
	keys = map[string]string{}
	last := ""
	for word := range strings.SplitSeq(strings.ReplaceAll(header[7], `\=`, "\x00"), " ") {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			keys[last] += " " + word
			continue
		}
		if _, twice := keys[key]; twice {
			t.Errorf("key %s stands twice: %s", key, line)
		}
		keys[key], last = value, key
	}
	for key, value := range keys {
		if strings.ContainsAny(value, "\x00\\") {
			keys[key] = strings.ReplaceAll(strings.ReplaceAll(value, "\x00", "="), `\\`, `\`)
		}
	}
	return header, keys
}

func parseCEFLine(t testing.TB, line string) flow {
	t.Helper()
	header, k := parseCEF(t, line)
	f := flow{
		device: k["dvchost"], subtype: header[4], src: k["src"], dst: k["dst"], sport: k["spt"], dport: k["dpt"],
		proto: k["proto"], action: k["act"], app: k["app"], user: k["suser"],
		sent: number(t, k["in"]), recv: number(t, k["out"]), elapsed: number(t, k["cn3"]),
		pktsSent: number(t, k["PanOSPacketsSent"]), pktsRecv: number(t, k["PanOSPacketsReceived"]),
		session: number(t, k["cn1"]), count: number(t, k["cnt"]),
	}
	if header[2] == "LF" {
		f.subtype, f.user = header[5], k["suser0"]
		f.sent, f.recv = f.recv, f.sent
		f.seen = moment(t, "Jan 02 2006 15:04:05", k["start"])
		f.start = moment(t, "Jan 02 2006 15:04:05", k["PanOSSessionStartTime"])
		return f
	}
	f.seen = moment(t, "Jan 02 2006 15:04:05 MST", k["start"])
	if text, ok := k["PanTimeHighRes"]; ok {
		f.highRes = moment(t, "2006-01-02T15:04:05.000-07:00", text)
	}
	if total := number(t, k["flexNumber1"]); total != f.sent+f.recv {
		t.Errorf("%d bytes are not %d and %d: %s", total, f.sent, f.recv, line)
	}
	return f
}

func number(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func moment(t testing.TB, layout, text string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func lines(log string) []string {
	return strings.Split(strings.TrimSuffix(log, "\n"), "\n")
}

// flowsOf reads a whole log.
func flowsOf(t testing.TB, w World, log string) []flow {
	t.Helper()
	var out []flow
	for _, line := range lines(log) {
		if w.Format == CSV {
			f, _ := parseCSVLine(t, line)
			out = append(out, f)
		} else {
			out = append(out, parseCEFLine(t, line))
		}
	}
	return out
}
