package logformat

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

// Random streams of lines: some shapes that come again and again with other values, so that the parser learns them,
// and among them lines that were changed to look like the others and be read otherwise.

// streamOptions are the ways in which the random streams are read.
var streamOptions = []Options{
	{},
	{},
	{},
	{}, // the usual one more often
	{Format: FormatCEF},
	{Format: FormatStrata},
	{Format: FormatPanosCSV},
	{Zone: location("Europe/Berlin")},
	{Now: at("2026-03-02T12:00:00Z")},
}

// nasty are values, and parts of them, that one path might read otherwise than another.
var nasty = []string{
	"", " ", "  ", "a", "a b", " a", "a  b ", "a=b", "a b=c", "a =b", "a= b", "x\\=y", "\\", "\\\\", "a\\nb", "corp\\\\nancy", "|", "\\|", "a\tb",
	"a\tdpt=1", "\tsrc=192.0.2.9", "\x00", "a\x00", "\xe9", "\xff\xfe", "é", "日本", "\u00a0", "\ufeff", "$x", "$", "-", "0", "1", "443", "0443", "65535", "65536",
	"-1", "1.5", "1,024", "9007199254740992", "9007199254740993", "1e5", "0x10", "192.0.2.1", "10.0.0.01", "2001:db8::1", "::", "not an ip", "fw-b", "fw b",
	"<", "<14>", " <14>", " <14>Mar 2 10:00:07 fw ", "a <3>b", "\"", "\"q\"", "\\\"q\\\"", "\"a,b\"", "{", "}", "{a,b}", ",", ",,", "a,b", "=", "==",
	" dpt=1", " dpt=", " in=1 in=2", " msg=a", " cs1=a", " cs1Label=Rule", " x=1", " PanX=1", " rt=Mar 02 2026 10:00:09 GMT", " c6a2=2001:db8::2",
	"CEF:", "CEF:0|", "CEF:0|Palo Alto Networks|PAN-OS|10.1.0|end|TRAFFIC|1|dst=192.0.2.1", "0|a|b|c|d|e|f|", "1,", "TRAFFIC", ",TRAFFIC,", "end", "start",
	"Mar 02 2026 10:00:05 GMT", "Mar  2 2026 10:00:06.5 GMT", "Mar 02 2026 10:00:05", "Mar 02 10:00:05", "Dec 31 23:59:59 GMT", "Feb 29 10:00:05", "Mar 02 2026 10:00:05 EST",
	"Mar 02 2026 10:00:05 IST", "Mar 02 2026 10:00:05 Europe/Berlin", "1772445605", "1772445605250", "2026/03/02 10:00:05", "2026-03-02T10:00:05.250+01:00",
	"2026-03-02T10:00:05Z", "2020/00/00 00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "Oct 25 2026 02:30:00",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a", "msg", "dpt",
}

// prefixes are what may stand before a record.
var prefixes = []string{
	"", "", "", "<14>", "<14>Mar  2 10:00:07 fw-a ", "Mar 02 10:00:07 fw-a ", "<14>1 2026-03-02T10:00:07+05:30 fw-a - - - - ", "812 <14>1 2026-03-02T10:00:07Z fw-a - - - - ",
	"Mar 2 10:00:07 relay 4581 <14>1 2026-03-02T10:00:07Z s f - p - ", "\"", "\"x ", "a, ", "x|y ", "0|a ", "<14>Dec 31 23:59:59 fw-a ", "\ufeff", "CEF: ", " ", "1 ",
}

// chooser gives a number from 0 to n-1.
type chooser func(n int) int

// chooseBy makes the choices that the bytes tell, and then the first ones.
func chooseBy(choices []byte) chooser {
	return func(n int) int {
		v := 0
		for c := n - 1; c > 0 && len(choices) > 0; c >>= 8 {
			v = v<<8 | int(choices[0])
			choices = choices[1:]
		}
		return v % n
	}
}

func pick[T any](choose chooser, from []T) T { return from[choose(len(from))] }

// mutate changes a line in one of many ways.
func mutate(choose chooser, line []byte, seeds [][]byte) []byte {
	out := slices.Clone(line)
	cut := func() int { return choose(len(out) + 1) }
	switch choose(12) {
	case 0: // another byte
		if len(out) > 0 {
			out[choose(len(out))] = pick(choose, []byte(" ,=|<>\\\"{}$\t\x00\xff0aA:-\r"))
		}
	case 1: // text anywhere
		out = slices.Insert(out, cut(), []byte(pick(choose, nasty))...)
	case 2: // a part less, often at the end
		from := cut()
		to := len(out)
		if choose(2) == 0 {
			to = min(to, from+choose(40))
		}
		out = slices.Delete(out, from, to)
	case 3: // a part twice
		from := cut()
		part := slices.Clone(out[from:min(len(out), from+choose(80))])
		out = slices.Insert(out, cut(), part...)
	case 4: // two words the other way round
		words := bytes.Split(out, []byte(" "))
		i, j := choose(len(words)), choose(len(words))
		words[i], words[j] = words[j], words[i]
		out = bytes.Join(words, []byte(" "))
	case 5, 6, 7: // another value for a key, or a longer or a shorter one
		out = setValue(choose, out, pick(choose, nasty), choose(3))
	case 8, 9: // another field
		fields := bytes.Split(out, []byte(","))
		fields[choose(len(fields))] = []byte(pick(choose, nasty))
		out = bytes.Join(fields, []byte(","))
	case 10: // another message behind, or the end of one
		other := pick(choose, seeds)
		out = append(append(out, pick(choose, []string{" <14>", " ", " <14>Mar 2 10:00:07 fw-a ", "<14>", " x=", ","})...), other[choose(len(other)+1)/2:]...)
	case 11: // another prefix
		out = append([]byte(pick(choose, prefixes)), out...)
	}
	return out
}

// setValue sets the value after one of the line's equals signs, up to the next blank, or puts text before or behind
// it.
func setValue(choose chooser, line []byte, text string, how int) []byte {
	n := bytes.Count(line, []byte("="))
	if n == 0 {
		return line
	}
	from := 0
	for range choose(n) + 1 {
		from += bytes.IndexByte(line[from:], '=') + 1
	}
	to := len(line)
	if i := bytes.IndexByte(line[from:], ' '); i >= 0 {
		to = from + i
	}
	switch how {
	case 0:
		return slices.Concat(line[:from], []byte(text), line[to:])
	case 1:
		return slices.Concat(line[:from], []byte(text), line[from:])
	}
	return slices.Concat(line[:to], []byte(text), line[to:])
}

// another gives a line of the same shape with other values, as the next session writes it.
func another(choose chooser, line []byte) []byte {
	out := line
	for _, r := range []struct{ old, tried []string }{
		{[]string{"10:00:05"}, []string{"10:00:05", "10:00:06", "11:22:33", "23:59:59"}},
		{[]string{"443", "=53 "}, []string{"443", "80", "65535", "0", ""}},
		{[]string{"fw-a"}, []string{"fw-a", "fw-a", "fw-b", "", "fw a b"}},
		{[]string{"10.20.0.5"}, []string{"10.20.0.5", "10.20.0.77", "10.20.1.255", ""}},
		{[]string{"web out"}, []string{"web out", "web", "web out and in", "a=b", ""}},
		{[]string{"corp\\nancy"}, []string{"", "corp\\rob", "nancy"}},
		{[]string{"4711"}, []string{"0", "1", "123456789"}},
	} {
		if choose(3) == 0 {
			out = bytes.ReplaceAll(out, []byte(pick(choose, r.old)), []byte(pick(choose, r.tried)))
		}
	}
	return out
}

// stream reads a random stream with a rig.
func stream(t failer, choose chooser, seeds [][]byte, length int) {
	t.Helper()
	refs := []int64{0, 0, at("2025-12-31T23:59:00Z"), at("2024-02-28T00:00:00Z")}
	r := newRig(t, pick(choose, streamOptions), pick(choose, refs))
	bases := make([][]byte, 1+choose(3))
	for i := range bases {
		bases[i] = pick(choose, seeds)
		if choose(3) == 0 {
			bases[i] = mutate(choose, bases[i], seeds)
		}
	}
	for range length {
		line := another(choose, pick(choose, bases))
		for range [8]int{5: 1, 6: 1, 7: 2}[choose(8)] {
			line = mutate(choose, line, seeds)
		}
		if choose(16) == 0 {
			i := choose(len(bases))
			bases[i] = line
		}
		if choose(64) == 0 {
			r.start(pick(choose, refs))
		}
		r.read(string(bytes.ReplaceAll(line, []byte("\n"), nil)))
	}
}

// TestStreams reads random streams in all ways: what the parser has learned changes nothing, and the reader agrees.
func TestStreams(t *testing.T) {
	seeds := seedLines()
	rapid.Check(t, func(rt *rapid.T) {
		choices := rapid.SliceOfN(rapid.Byte(), 200, 800).Draw(rt, "choices")
		stream(rt, chooseBy(choices), seeds, 1+len(choices)/12)
	})
}

// FuzzStream is TestStreams with choices from the fuzzer.
func FuzzStream(f *testing.F) {
	seeds := seedLines()
	for i := range 64 {
		f.Add(bytes.Repeat([]byte{byte(i), byte(i * 7), 3, byte(i * 31), 0}, 40))
	}
	f.Fuzz(func(t *testing.T, choices []byte) { stream(t, chooseBy(choices), seeds, 1+min(64, len(choices)/12)) })
}

// FuzzParse reads any bytes as lines, twice: nothing panics, every line is accounted for, and all ways agree, the
// second time too.
func FuzzParse(f *testing.F) {
	for _, line := range seedLines() {
		f.Add(byte(0), slices.Concat(line, []byte("\n"), line))
	}
	for i, c := range allCases() {
		f.Add(byte(i), []byte(c.in))
	}
	f.Fuzz(func(t *testing.T, how byte, data []byte) {
		r := newRig(t, streamOptions[int(how)%len(streamOptions)], at("2025-12-31T23:59:00Z"))
		for range 2 {
			for line := range bytes.SplitSeq(data, []byte("\n")) {
				r.read(string(line))
			}
			r.start(0)
		}
	})
}

// synthLines gives lines of made-up traffic.
func synthLines(t *testing.T, flows int64, set func(w *synth.World)) [][]byte {
	t.Helper()
	w := synth.Default()
	w.Flows, w.Beacons = flows, nil
	set(&w)
	var log bytes.Buffer
	if _, err := w.Write(context.Background(), &log, io.Discard); err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
}

// synthWorlds are kinds of made-up traffic.
var synthWorlds = map[string]func(w *synth.World){
	"cef":      func(*synth.World) {},
	"cef-high": func(w *synth.World) { w.Entropy = synth.HighEntropy },
	"csv":      func(w *synth.World) { w.Format = synth.CSV },
	"csv-10.2": func(w *synth.World) { w.Format, w.Version = synth.CSV, "10.2" },
}

// TestFastIsTaken checks that nearly all lines of ordinary traffic take the fast path, and that the fast path allocates
// nothing once it is warm: without that, the comparisons above would compare the slow path with itself.
func TestFastIsTaken(t *testing.T) {
	for name, set := range synthWorlds {
		lines := synthLines(t, 3000, set)
		p := NewParser(Options{})
		var b traffic.Builder
		p.Start(nil, b.Reset(traffic.Origin{}))
		slow := 0
		for i, line := range lines {
			p.Parse(&b, line, uint32(i))
			if i >= len(lines)/2 && !p.isFast(&b, line) {
				slow++
			}
		}
		if slow > len(lines)/100 {
			t.Errorf("%s: %d of %d lines go to the slow parser", name, slow, len(lines)/2)
		}
		for _, line := range lines { // all names and shapes are known from here
			p.Parse(&b, line, 0)
		}
		quick := slices.DeleteFunc(lines, func(line []byte) bool { return !p.isFast(&b, line) })
		i := 0
		allocs := testing.AllocsPerRun(2*len(quick), func() {
			if b.Mark() == 1024 {
				p.Start(nil, b.Reset(traffic.Origin{}))
			}
			p.Parse(&b, quick[i%len(quick)], 0)
			i++
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations a line", name, allocs)
		}
	}
}

// isFast reports whether a line takes the fast path.
func (p *Parser) isFast(b *traffic.Builder, line []byte) bool {
	n, saved := b.Mark(), p.Counts
	ok := p.csvFast(b, line, 0) || p.cefFast(b, line, 0)
	b.Rollback(n)
	p.Counts = saved
	return ok
}

// TestSynth reads ordinary traffic in all ways.
func TestSynth(t *testing.T) {
	for _, set := range synthWorlds {
		r := newRig(t, Options{}, 0)
		for _, line := range synthLines(t, 800, set) {
			if got := r.read(string(line)); r.fast.Counts.Rejects() > 0 {
				t.Fatalf("%s: %s", got, line)
			}
		}
	}
}

// TestManyHeaders checks the limits on what the parser keeps: lines past them are read all the same.
func TestManyHeaders(t *testing.T) {
	r := newRig(t, Options{}, 0)
	for i := range 2 * maxShapes {
		version := "10." + strconv.Itoa(i)
		line := "CEF:0|Palo Alto Networks|PAN-OS|" + version + trimmed("dpt=443 dvchost=" + version)[len("CEF:0|Palo Alto Networks|PAN-OS|10.1.0"):]
		want := "2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:443 ?/? " + version + " - A"
		for range 2 {
			if got := r.read(line); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
	}
	if n := len(r.fast.headers); n > maxShapes {
		t.Errorf("%d headers are kept", n)
	}
	for i := range 4 * maxTemplates {
		r.read(trimmed("dpt=443 x" + strconv.Itoa(i) + "=1"))
	}
	for _, s := range r.fast.headers {
		if len(s.templates) > maxTemplates {
			t.Errorf("%d templates of one header are kept", len(s.templates))
		}
	}
}

// TestDictionaryReset checks that no code of an emptied dictionary is used again.
func TestDictionaryReset(t *testing.T) {
	p := NewParser(Options{})
	var b traffic.Builder
	p.Start(nil, b.Reset(traffic.Origin{}))
	resets := 0
	for i := range 5 << 15 {
		// Every device comes in four lines, the second two of them after a reset at times.
		device := strconv.Itoa((i + 2) / 4)
		if i%5000 == 0 {
			reset := b.Reset(traffic.Origin{})
			if reset {
				resets++
			}
			p.Start(nil, reset)
		}
		line, want := trimmed("dvchost=caf\xe9-"+device+" suid=same"), short[:len(short)-5]+"café-"+device+" same A"
		if i%2 == 0 {
			line, want = native(53, "52=caf\xe9-"+device), whole[:len(whole)-8]+"café-"+device+" - A"
		}
		p.Parse(&b, []byte(line), 0)
		batch := b.Batch()
		if got := rowText(batch, batch.Len()-1); got != want {
			t.Fatalf("line %d\ngot  %s\nwant %s", i, got, want)
		}
	}
	if resets == 0 {
		t.Error("the dictionary was never emptied")
	}
}
