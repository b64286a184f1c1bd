package logformat

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"drumbeat/internal/traffic"
)

// samplesDir holds log lines of public projects, beside the repository: they are not freely licensed.
const samplesDir = "../../../shared/data/logs"

// sample gives the lines of a folder's log files, or nothing where the samples are not there.
func sample(t *testing.T, folder string) (lines [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(samplesDir, folder, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))...)
	}
	if len(lines) == 0 {
		t.Logf("%s is not there: not checked", filepath.Join(samplesDir, folder))
	}
	return lines
}

// facts counts what the records of a folder say.
type facts struct {
	starts, ends, users  int // by subtype; with a user
	sums                 int // records whose bytes add up to the total
	silent, silentBytes  int // nothing came back by the packets; and yet bytes did
	single, singleBytes  int // one packet in all; and yet the server sent bytes, or the client none
	began, beganTooLate  int // the session's begin is known; and is after the record's time by more than PAN-OS's two seconds
	shifted, unzoned, id int
}

// TestSamples reads the samples and checks what becomes of their lines, and the facts that formats.md states of them.
func TestSamples(t *testing.T) {
	for _, c := range []struct {
		folder                  string
		flows, others, rejected int64
		facts                   facts
	}{
		// The capture of 2012: nearly all with a user, no zone anywhere.
		{"panos-csv-beats", 100, 0, 0, facts{starts: 66, ends: 34, users: 97, sums: 100, silent: 65, single: 63, began: 100, unzoned: 100}},
		{"panos-cef-derived", 100, 0, 0, facts{starts: 66, ends: 34, users: 97, sums: 100, silent: 65, single: 63, began: 100}},
		// Octet counts, RFC 5424 and its zone, 54 start and 46 end records.
		{"panos-csv-beats-ietf", 100, 0, 0, facts{starts: 54, ends: 46, sums: 100, silent: 17, single: 17, began: 100}},
		{"panos-cef-derived-ietf", 100, 0, 0, facts{starts: 54, ends: 46, sums: 100, silent: 17, single: 17, began: 100}},
		// One with a broken variable, one without "CEF:", two of other vendors.
		{"panos-cef-real", 4, 2, 0, facts{ends: 3, sums: 2, single: 1, began: 2}},
		{"panos-cef-cdl-sekoia", 2, 5, 0, facts{ends: 2, users: 1, began: 2}},
		{"panos-csv-cribl", 4, 0, 0, facts{ends: 3, sums: 4, silent: 4, single: 2, began: 4, unzoned: 4}},
		{"panos-csv-graylog", 3, 0, 0, facts{ends: 3, users: 1, sums: 3, began: 3, unzoned: 2}},
		{"panos-csv-sc4s", 3, 0, 0, facts{ends: 3, sums: 2, silent: 1, began: 3, unzoned: 1}},
		{"panos-csv-sekoia", 3, 0, 0, facts{starts: 1, ends: 2, users: 1, sums: 3, silent: 1, began: 3, unzoned: 2}},
		// One without its leading field.
		{"panos-csv-usiem", 2, 0, 0, facts{sums: 2, silent: 2, single: 2, began: 2, beganTooLate: 2, shifted: 1, unzoned: 2}},
		// Dates and addresses made unreadable on purpose.
		{"panos-csv-wazuh", 0, 0, 4, facts{}},
	} {
		lines := sample(t, c.folder)
		if len(lines) == 0 {
			continue
		}
		r := newRig(t, Options{}, 0)
		for range 3 { // after the first time, what was learned meets what it was learned from
			r.start(0)
			for _, line := range lines {
				r.read(string(line))
			}
		}
		got := &r.fast.Counts
		if got.Flows != c.flows || got.Others() != c.others || got.Rejects() != c.rejected {
			t.Errorf("%s: %d flows, %d of other types, %d rejected; want %d, %d, %d", c.folder, got.Flows, got.Others(), got.Rejects(),
				c.flows, c.others, c.rejected)
		}
		if got := factsOf(t, lines); got != c.facts {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.folder, got, c.facts)
		}
	}
}

func factsOf(t *testing.T, lines [][]byte) (f facts) {
	t.Helper()
	r := NewReader(Options{})
	r.Start(nil)
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	var dir Direction
	for _, line := range lines {
		records, _ := r.Read(line)
		for _, rec := range records {
			sent, received := dir.Bytes(rec)
			count(&f.starts, rec.Subtype == "start")
			count(&f.ends, rec.Subtype == "end")
			count(&f.users, rec.User != "")
			count(&f.id, rec.text("SourceUserID") != "")
			count(&f.sums, sent >= 0 && received >= 0 && sent+received == rec.number("FlexNumber1"))
			count(&f.silent, rec.PacketsReceived == 0)
			count(&f.silentBytes, rec.PacketsReceived == 0 && received != 0)
			count(&f.single, rec.Packets == 1)
			count(&f.singleBytes, rec.Packets == 1 && (received != 0 || sent <= 0))
			count(&f.began, rec.Start != traffic.Unknown)
			count(&f.beganTooLate, rec.Start > rec.Time+2*traffic.Second)
		}
	}
	f.shifted = int(r.Counts().Warnings[WarnShifted])
	f.unzoned = int(r.Counts().Warnings[WarnNoZone])
	return f
}

// TestDerivedSamples compares the CEF samples that were written from native ones with these: they give the same rows,
// but that the derived times take the local time of the second capture for UTC.
func TestDerivedSamples(t *testing.T) {
	for _, c := range []struct {
		native, cef string
		zone        int64
	}{
		{"panos-csv-beats", "panos-cef-derived", 0},
		{"panos-csv-beats-ietf", "panos-cef-derived-ietf", traffic.Hour},
	} {
		nativeLines, cefLines := sample(t, c.native), sample(t, c.cef)
		if len(nativeLines) != len(cefLines) {
			t.Fatalf("%d and %d lines", len(nativeLines), len(cefLines))
		}
		a, b := rowsOf(nativeLines), rowsOf(cefLines)
		for i := range a.Len() {
			a.Time[i] += c.zone
			if a.Device[i] == 0 { // an old record has no device name; the derived one got one
				b.Device[i] = 0
			}
			if want, got := rowText(a, i), rowText(b, i); got != want {
				t.Errorf("%s, line %d\nnative %s\nCEF    %s", c.cef, i+1, want, got)
			}
		}
	}
}

func rowsOf(lines [][]byte) *traffic.Batch {
	p := NewParser(Options{})
	var b traffic.Builder
	p.Start(nil, b.Reset(traffic.Origin{}))
	for i, line := range lines {
		p.Parse(&b, line, uint32(i))
	}
	return b.Batch()
}
