//go:build cgo

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drumbeat/internal/synth"
)

// execute runs a command line and gives what it prints.
func execute(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, now: time.Now, getenv: func(string) string { return "" }}
	code = a.execute(t.Context(), args)
	return out.String(), errs.String(), code
}

// TestEngines: both engines give the same rows of the same files.
func TestEngines(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	w := synth.Default()
	w.Flows = 20_000
	var log bytes.Buffer
	if _, err := w.Write(context.Background(), &log, io.Discard); err != nil {
		t.Fatal(err)
	}
	logFile := file("a.log", log.String())
	list := file("list.csv", "Address,Owner\n10.16.0.5,ann\n10.16.1.52,bob\n")
	flags := []string{
		"--now", "2026-03-04", "--table", "Assets=" + list, "--watchlist", "own=" + list, "--external", "https://example.org/l.csv=" + list,
	}
	founding, err := os.ReadFile("testdata/query_limits.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, rule, _ := strings.Cut(string(founding), "-- founding.kql --\n")
	rule, _, _ = strings.Cut(rule, "-- slow.kql --")
	for _, query := range []string{
		rule,
		"CommonSecurityLog | summarize count(), sum(SentBytes), dcount(SourceIP), max(TimeGenerated) by DeviceAction, Protocol",
		"CommonSecurityLog | where SourceIP startswith '10.16.1.' | sort by SentBytes desc, TimeGenerated asc | take 20 | project SourceIP, SentBytes",
		"_Im_NetworkSession(eventresult='Failure') | summarize n=count() by SrcIpAddr, DvcAction | order by n desc, SrcIpAddr asc | take 5",
		"CommonSecurityLog | join kind=inner Assets on $left.SourceIP == $right.Address | summarize count() by Owner",
		"CommonSecurityLog | where SourceIP in ((_GetWatchlist('own') | project SearchKey)) | count",
		"externaldata(a:string, o:string)['https://example.org/l.csv'] with (ignoreFirstRecord=true) | summarize make_list(o)",
		// site_name is a column that no schema declares.
		"let s = ClarotyEvent | where EventType == 'x' | extend z = 1 | summarize all = make_set(tostring(site_name)) by SrcUsername | extend k = 1; " +
			"ClarotyEvent | where EventType == 'y' | extend k = 1 | join kind=inner (s) on k | where all !contains site_name | count",
		"SecurityAlert | union CommonSecurityLog | summarize count() by Type",
		"PaloAltoPANOSSyslog | extend d = parse_json(strcat('{\"a\":', DestinationPort, '}')) | summarize count() by tostring(d.a)",
	} {
		var got []string
		for _, engine := range []string{engineNative, engineDuckDB} {
			args := append([]string{"query", "-q", "--engine", engine}, flags...)
			stdout, stderr, code := execute(t, append(args, query, logFile)...)
			if code != exitOK {
				t.Fatalf("%s\n%s ends with %d: %s", query, engine, code, stderr)
			}
			rows := strings.Split(stdout, "\n")
			slices.Sort(rows)
			got = append(got, strings.Join(rows, "\n"))
		}
		if got[0] != got[1] {
			t.Errorf("%s\nnative:\n%.2000s\nduckdb:\n%.2000s", query, got[0], got[1])
		}
		if got[0] == "" {
			t.Errorf("%s\ngives nothing", query)
		}
	}
}
