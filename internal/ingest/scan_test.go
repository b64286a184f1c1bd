package ingest

import (
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"drumbeat/internal/logformat"
	"drumbeat/internal/traffic"
)

// TestWorkersDoNotMatter scans the same files with several numbers of workers, with and without a quarantine.
func TestWorkersDoNotMatter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 4 {
		writeFile(t, dir, fmt.Sprintf("a%d.log", i), []byte(mixedLog(uint64(i), 300)))
		writeFile(t, dir, fmt.Sprintf("b%d.log", i), packed(t, mixedLog(uint64(10+i), 300))["gzip members"])
		writeFile(t, dir, fmt.Sprintf("c%d.log", i), packed(t, mixedLog(uint64(20+i), 200))["zstd frames"])
	}
	writeFile(t, dir, "b2a.log", nil)
	writeFile(t, dir, "d.zip", []byte("PK\x03\x04..."))
	list := files(t, dir)
	want := scanAll(t, small(), 1, true, list...)
	if c := &want.report.Counts; c.Flows == 0 || c.Others() == 0 || c.Rejects() == 0 {
		t.Fatalf("the logs test nothing: %+v", c)
	}
	for _, workers := range []int{1, 2, 8} {
		for _, quarantine := range []bool{false, true} {
			got := scanAll(t, small(), workers, quarantine, list...)
			if !reflect.DeepEqual(got.report, want.report) {
				t.Errorf("%d workers, quarantine %v: report\n%+v\nwant\n%+v", workers, quarantine, got.report, want.report)
			}
			if !reflect.DeepEqual(got.flows, want.flows) {
				t.Errorf("%d workers, quarantine %v: other flows", workers, quarantine)
			}
			if quarantine && !reflect.DeepEqual(got.quarantine, want.quarantine) {
				t.Errorf("%d workers: other rejected lines", workers)
			}
		}
	}
}

// TestQuarantineIsInOrder finds all rejected lines in the quarantine, in the order of path and line.
func TestQuarantineIsInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var want []string
	for i := range 6 {
		var b strings.Builder
		name := fmt.Sprintf("%d.log", i)
		path := filepath.Join(dir, name)
		for line := range 400 {
			if line%3 == 0 {
				b.WriteString(flowLine(line) + "\n")
				continue
			}
			text := fmt.Sprintf("bad %d/%d %s", i, line, strings.Repeat("x", line%40))
			b.WriteString(text + "\n")
			want = append(want, fmt.Sprintf("%s:%d: %s", path, line+1, text))
		}
		content := []byte(b.String())
		if i%2 == 1 {
			content = gzipped(t, b.String())
		}
		writeFile(t, dir, name, content)
	}
	for _, workers := range []int{1, 2, 8} {
		out := scanAll(t, small(), workers, true, files(t, dir)...)
		got := make([]string, 0, len(want))
		for _, r := range out.quarantine {
			got = append(got, fmt.Sprintf("%s:%d: %s", r.Path, r.Line, r.Text))
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%d workers: %d rejected lines, want %d; or they are in another order", workers, len(got), len(want))
		}
	}
}

// TestSamples shows the first lines of each reason with the place where they stand.
func TestSamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := strings.Repeat(flowLine(1)+"\n", 9) + "bad 10\r\nCEF:0|cut 11\nbad 12\nbad 13\nbad 14\n"
	writeFile(t, dir, "b.log", []byte(bad))
	writeFile(t, dir, "a.log", []byte(flowLine(1)+"\nbad 2\n"+strings.Repeat("y", 5000)))
	out := scanAll(t, small(), 2, false, files(t, dir)...)
	var got []string
	for _, r := range out.report.Samples {
		got = append(got, fmt.Sprintf("%s:%d %d %.8s", filepath.Base(r.Path), r.Line, r.Reason, r.Text))
	}
	want := []string{
		fmt.Sprintf("a.log:2 %d bad 2", logformat.ReasonUnknownFormat),
		fmt.Sprintf("a.log:3 %d yyyyyyyy", logformat.ReasonTooLong),
		fmt.Sprintf("b.log:10 %d bad 10", logformat.ReasonUnknownFormat),
		fmt.Sprintf("b.log:11 %d CEF:0|cu", logformat.ReasonCutHeader),
		fmt.Sprintf("b.log:12 %d bad 12", logformat.ReasonUnknownFormat),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("samples %q\nwant %q", got, want)
	}
}

// lateSink holds back the flows of the first file until it has seen those of the second.
type lateSink struct{ second chan struct{} }

// Observe is Sink's.
func (s lateSink) Observe(b *traffic.Batch) error {
	if b.Origin.File == 0 {
		<-s.second
	} else {
		close(s.second)
	}
	return nil
}

// TestLateSamples shows the first lines by path, though another file was done before.
func TestLateSamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.log", "b.log"} {
		writeFile(t, dir, name, []byte(flowLine(1)+"\nbad 2\nbad 3\nbad 4\nbad 5\n"))
	}
	sink := lateSink{make(chan struct{})}
	r, err := Scan(t.Context(), files(t, dir), Options{Workers: 2, Sink: func() Sink { return sink }})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Samples) != samplesPerReason {
		t.Errorf("%d samples, want %d", len(r.Samples), samplesPerReason)
	}
	for i, s := range r.Samples {
		if filepath.Base(s.Path) != "a.log" || s.Line != int64(i+2) {
			t.Errorf("sample %d is line %d of %s", i, s.Line, s.Path)
		}
	}
}

// TestDirectionIsOfTheFirstLines takes the evidence on byte directions from the first lines of each file.
func TestDirectionIsOfTheFirstLines(t *testing.T) {
	t.Parallel()
	line := strings.Replace(flowLine(0), "|end|", "|drop|", 1) + "\n"
	line = strings.Replace(line, "in=0 out=0", "in=60 out=0", 1)
	dir := t.TempDir()
	for _, name := range []string{"a.log", "b.log"} {
		writeFile(t, dir, name, []byte(strings.Repeat(line, 3*sampleLines)))
	}
	for _, cut := range []cutter{small(), standardCutter()} {
		decisions := scanAll(t, cut, 2, false, files(t, dir)...).report.Direction.Decisions()
		want := int64(2 * min(sampleLines, (cut.chunk+len(line)-1)/len(line)))
		if len(decisions) != 1 || decisions[0].For != want || !decisions[0].InIsSent {
			t.Errorf("decisions %+v, want one for %d lines", decisions, want)
		}
	}
}

// TestManySamples keeps few samples of many files, the first ones.
func TestManySamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var paths []string
	for i := range maxSamples/samplesPerReason + 50 {
		name := fmt.Sprintf("%04d.log", i)
		writeFile(t, dir, name, []byte(strings.Repeat("bad "+name+"\n", 5)))
		paths = append(paths, name)
	}
	out := scanAll(t, small(), 4, false, files(t, dir)...)
	for i, r := range out.report.Samples {
		if i >= samplesPerReason || r.Line != int64(i+1) || filepath.Base(r.Path) != paths[0] {
			t.Errorf("sample %d is line %d of %s", i, r.Line, r.Path)
		}
	}
	if n := out.report.Counts.Rejects(); n != int64(len(paths)*5) {
		t.Errorf("%d rejected lines, want %d", n, len(paths)*5)
	}
}

// forget takes the names of files and forms from an outcome, so that forms can be compared.
func (o outcome) forget() outcome {
	for i := range o.report.Files {
		o.report.Files[i].Path, o.report.Files[i].Packed = "", ""
	}
	for i := range o.report.Samples {
		o.report.Samples[i].Path = ""
	}
	for i := range o.report.Problems {
		o.report.Problems[i].Path = ""
	}
	for i := range o.quarantine {
		o.quarantine[i].Path = ""
	}
	return o
}

// TestFormDoesNotMatter reads the same text in every form, from a file and from standard input.
func TestFormDoesNotMatter(t *testing.T) {
	t.Parallel()
	logs := map[string]string{
		"mixed": mixedLog(1, 400), "unended": mixedLog(2, 200) + flowLine(3), "unended bad": mixedLog(3, 100) + "bad",
		"blank": strings.Repeat("\n", 3000), "one": flowLine(1), "long at end": mixedLog(4, 5) + strings.Repeat("x", 5000),
		"late date": strings.Repeat("<14>Mar  3 09:00:01 fw-1 CEF:0|Palo Alto Networks|PAN-OS|10.2.0|end|TRAFFIC|1|"+
			"src=10.0.0.7 dst=9.9.9.9 dpt=53\n", 4) + mixedLog(5, 100),
	}
	for name, content := range logs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			want := scanAll(t, small(), 2, true, files(t, writeFile(t, dir, "want.log", []byte(content)))...).forget()
			for form, b := range packed(t, content) {
				path := writeFile(t, dir, form, b)
				sameOutcome(t, form, scanAll(t, small(), 2, true, files(t, path)...).forget(), want)
				sameOutcome(t, form+" by stdin", scanAll(t, small(), 2, true, stdin(b)).forget(), want)
			}
			// UTF-16 has a mark at its start, which is text.
			marked := "\ufeff" + content
			want = scanAll(t, small(), 2, true, files(t, writeFile(t, dir, "marked.log", []byte(marked)))...).forget()
			for i, b := range utf16Texts(marked) {
				path := writeFile(t, dir, fmt.Sprint("utf-16-", i), b)
				sameOutcome(t, path, scanAll(t, small(), 2, true, files(t, path)...).forget(), want)
				sameOutcome(t, path+" by stdin", scanAll(t, small(), 2, true, stdin(b)).forget(), want)
			}
		})
	}
}

func sameOutcome(t *testing.T, how string, got, want outcome) {
	t.Helper()
	if !reflect.DeepEqual(got.report, want.report) {
		t.Errorf("%s: report\n%+v\nwant\n%+v", how, got.report, want.report)
	}
	if !reflect.DeepEqual(got.flows, want.flows) {
		t.Errorf("%s: %d flows, want %d; or other ones", how, len(got.flows), len(want.flows))
	}
	if !reflect.DeepEqual(got.quarantine, want.quarantine) {
		t.Errorf("%s: other rejected lines", how)
	}
}

// utf16Texts gives a text as UTF-16, little and big endian.
func utf16Texts(content string) [][]byte {
	var little, big []byte
	for _, u := range utf16.Encode([]rune(content)) {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	return [][]byte{little, big}
}

// TestLoneSurrogates reads broken UTF-16: what is no character becomes U+FFFD and takes no other with it.
func TestLoneSurrogates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		units []uint16
		want  string
	}{
		{[]uint16{'a', 0xD83D, 0xDE00, '\n'}, "a😀\n"},
		{[]uint16{'a', 0xD83D, '\n', 'b'}, "a\ufffd\nb"},
		{[]uint16{'a', 0xDE00, '\n', 'b'}, "a\ufffd\nb"},
		{[]uint16{0xD83D, 0xD83D, 0xDE00}, "\ufffd😀"},
		{[]uint16{'a', 0xD83D}, "a"},
	} {
		for _, big := range []bool{false, true} {
			var b []byte
			for _, u := range test.units {
				if big {
					b = append(b, byte(u>>8), byte(u))
				} else {
					b = append(b, byte(u), byte(u>>8))
				}
			}
			for how, r := range readers(string(append(b, 'x'))) { // half a unit at the end
				got := new(strings.Builder)
				if _, err := io.Copy(got, &utf16Reader{r: r, big: big}); err != nil {
					t.Fatal(err)
				}
				if got.String() != test.want {
					t.Errorf("%x, %s: %q, want %q", test.units, how, got, test.want)
				}
			}
		}
	}
}
