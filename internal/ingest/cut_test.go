package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// cutLine is a line as a cutter gives it.
type cutLine struct {
	text          string
	long, unended bool
}

// cutPiece is a piece in a form that can be compared.
type cutPiece struct {
	lines []cutLine
	bytes int64
}

// cutNaively gives the pieces of a text as the cutter's doc defines them, line by line.
func cutNaively(c cutter, content string) []cutPiece {
	var out []cutPiece
	for off := 0; off < len(content); off += c.chunk {
		out = append(out, cutPiece{bytes: int64(min(c.chunk, len(content)-off))})
	}
	for at := 0; at < len(content); {
		end, unended := len(content), true
		if i := strings.IndexByte(content[at:], '\n'); i >= 0 {
			end, unended = at+i+1, false
		}
		l := cutLine{text: content[at:end], unended: unended}
		if n := end - at; n > c.maxLine || unended && n == c.maxLine { // with an end it would be too long
			l = cutLine{text: content[at : at+c.maxLine], long: true}
		}
		p := &out[at/c.chunk]
		p.lines = append(p.lines, l)
		at = end
	}
	return out
}

// asPiece copies what a cutter gave.
func asPiece(t *text) cutPiece {
	p := cutPiece{bytes: t.bytes}
	for data := t.lines; len(data) > 0; {
		end := bytes.IndexByte(data, '\n') + 1
		l := cutLine{}
		if end == 0 {
			end, l.unended = len(data), t.unended
		}
		l.text = string(data[:end])
		p.lines = append(p.lines, l)
		data = data[end:]
	}
	if t.long != nil {
		p.lines = append(p.lines, cutLine{text: string(t.long), long: true})
	}
	return p
}

// cutFile cuts a text as a regular file.
func cutFile(tb rapid.TB, c cutter, content string) []cutPiece {
	tb.Helper()
	var out []cutPiece
	var buf []byte
	for off := 0; off < len(content); off += c.chunk {
		var t text
		var err error
		if t, buf, err = c.readAt(strings.NewReader(content), int64(off), int64(len(content)), buf); err != nil {
			tb.Fatal(err)
		}
		if t.short || t.damaged {
			tb.Fatalf("piece at %d: short %v, damaged %v", off, t.short, t.damaged)
		}
		out = append(out, asPiece(&t))
	}
	return out
}

// cutStream cuts a stream to its end, and gives the error that it ended with.
func cutStream(tb rapid.TB, c cutter, in io.Reader) ([]cutPiece, error) {
	tb.Helper()
	s := streamCutter{cutter: c, in: in}
	var out []cutPiece
	var buf []byte
	for {
		var t text
		var err error
		t, buf, err = s.next(buf)
		if err != nil {
			if len(t.lines) > 0 || t.long != nil || t.bytes != 0 {
				tb.Fatalf("a piece comes with error %v", err)
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
		if t.damaged && (!t.unended || s.err == nil) {
			tb.Fatalf("damaged without cause: %+v", t)
		}
		out = append(out, asPiece(&t))
	}
}

func samePieces(tb rapid.TB, how, content string, got, want []cutPiece) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%s: %d pieces, want %d of %.100q", how, len(got), len(want), content)
	}
	for i := range got {
		if got[i].bytes != want[i].bytes || len(got[i].lines) != len(want[i].lines) {
			tb.Fatalf("%s, piece %d:\n got %.200q\nwant %.200v", how, i, got[i], want[i])
		}
		for j := range got[i].lines {
			if got[i].lines[j] != want[i].lines[j] {
				tb.Fatalf("%s, piece %d, line %d:\n got %.200q\nwant %.200v", how, i, j, got[i].lines[j], want[i].lines[j])
			}
		}
	}
}

// readers are the ways in which a reader may hand out the same bytes.
func readers(content string) map[string]io.Reader {
	return map[string]io.Reader{
		"plain reader":   strings.NewReader(content),
		"one byte":       iotest.OneByteReader(strings.NewReader(content)),
		"half":           iotest.HalfReader(strings.NewReader(content)),
		"data with EOF":  iotest.DataErrReader(strings.NewReader(content)),
		"halves and EOF": iotest.DataErrReader(iotest.HalfReader(strings.NewReader(content))),
		"idle":           &idleReader{r: iotest.OneByteReader(strings.NewReader(content))},
	}
}

// idleReader gives nothing every other time.
type idleReader struct {
	r    io.Reader
	odd  bool
	dead bool // nothing ever
}

func (r *idleReader) Read(p []byte) (int, error) {
	if r.odd = !r.odd; r.odd || r.dead {
		return 0, nil
	}
	return r.r.Read(p)
}

// drawCutter draws small limits.
func drawCutter(t *rapid.T) cutter {
	c := cutter{chunk: rapid.IntRange(1, 24).Draw(t, "chunk"), hopeless: 1 << 30}
	c.maxLine = c.chunk + rapid.SampledFrom([]int{0, 0, 1, 2, 30}).Draw(t, "more")
	c.readOn = rapid.IntRange(1, 40).Draw(t, "readOn")
	return c
}

// drawContent draws lines whose lengths are near the limits.
func drawContent(t *rapid.T, c cutter) string {
	var b strings.Builder
	length := rapid.OneOf(
		rapid.IntRange(0, 3), rapid.IntRange(c.chunk-2, c.chunk+2), rapid.IntRange(c.maxLine-2, c.maxLine+2),
		rapid.IntRange(0, 4*c.maxLine),
	)
	for range rapid.IntRange(0, 12).Draw(t, "lines") {
		fill := rapid.SampledFrom([]string{"a", "b", "\x00", "\r"}).Draw(t, "fill")
		b.WriteString(strings.Repeat(fill, max(length.Draw(t, "length"), 0)))
		b.WriteByte('\n')
	}
	if rapid.Bool().Draw(t, "unended") {
		b.WriteString(strings.Repeat("z", max(length.Draw(t, "rest"), 0)))
	}
	return b.String()
}

// check holds a property to many more cases than rapid does by itself: each takes microseconds.
func check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	for range 30 {
		rapid.Check(t, property)
	}
}

// TestPiecesAreTheNaiveLines is the property that all rests on: whatever is read, by pieces of a file or from a stream
// however it trickles, gives the lines that a naive splitter gives, in the same pieces.
func TestPiecesAreTheNaiveLines(t *testing.T) {
	t.Parallel()
	check(t, func(t *rapid.T) {
		c := drawCutter(t)
		content := drawContent(t, c)
		want := cutNaively(c, content)
		samePieces(t, "file", content, cutFile(t, c, content), want)
		for how, r := range readers(content) {
			got, err := cutStream(t, c, r)
			if err != nil {
				t.Fatalf("%s: %v", how, err)
			}
			samePieces(t, how, content, got, want)
		}
	})
}

// TestBrokenStream breaks streams at any byte: what came before is read, a line that is cut off is marked, and the
// fault is given.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	fault := errors.New("fault")
	check(t, func(t *rapid.T) {
		c := drawCutter(t)
		content := drawContent(t, c)
		in := io.MultiReader(strings.NewReader(content), iotest.ErrReader(fault))
		if rapid.Bool().Draw(t, "with data") {
			in = iotest.DataErrReader(in)
		}
		s := streamCutter{cutter: c, in: in}
		var got []cutPiece
		var piece text
		var err error
		for damaged := false; ; got = append(got, asPiece(&piece)) {
			if piece, _, err = s.next(nil); err != nil {
				break
			}
			if damaged && len(piece.lines) > 0 {
				t.Fatal("lines come after a damaged one")
			}
			if damaged = piece.damaged; damaged != piece.unended {
				t.Fatalf("unended %v, but damaged %v", piece.unended, damaged)
			}
		}
		if !errors.Is(err, fault) {
			t.Fatalf("error %v, want the fault", err)
		}
		samePieces(t, "broken", content, got, cutNaively(c, content))
	})
}

// TestPiecesAtTheRealLimits does the same with the limits of scans, at and round them.
func TestPiecesAtTheRealLimits(t *testing.T) {
	t.Parallel()
	c := standardCutter()
	const mib = 1 << 20
	a := func(n int) string { return strings.Repeat("a", n) }
	contents := []string{
		"", "\n", "a", "\x00", a(mib), a(mib) + "\n", a(mib-1) + "\n", a(mib-1) + "\nb", a(mib-2) + "\n\n",
		a(mib-1) + "\n" + a(mib-1) + "\n", "x\n" + a(mib-1) + "\ny\n", "x\n" + a(mib) + "\ny\n", a(5*mib) + "\nend\n",
		a(mib/2) + "\n" + a(mib-1) + "\nend", a(mib/2) + "\n" + a(mib-1), a(mib/2) + "\n" + a(mib),
		strings.Repeat("\n", 2*mib+5), strings.Repeat("\x00", 3*mib), strings.Repeat("\x00", mib/2) + "\nend\n",
		a(10*mib) + "\n" + a(10*mib) + "\nend\n", a(c.readOn) + "\n" + a(mib-c.readOn-1) + "\n" + a(c.readOn-1) + "\n",
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	for b.Len() < 4*mib {
		b.WriteString(a(rng.IntN(rng.IntN(4000)+1)) + "\n")
	}
	contents = append(contents, b.String())
	for i, content := range contents {
		want := cutNaively(c, content)
		how := fmt.Sprintf("content %d", i)
		samePieces(t, how, content, cutFile(t, c, content), want)
		for _, r := range []io.Reader{
			strings.NewReader(content), iotest.HalfReader(strings.NewReader(content)),
			iotest.DataErrReader(strings.NewReader(content)),
		} {
			got, err := cutStream(t, c, r)
			if err != nil {
				t.Fatal(err)
			}
			samePieces(t, how+", stream", content, got, want)
		}
	}
}

// TestHopelessStream gives up a stream at a line that does not end, and not at one that does in time.
func TestHopelessStream(t *testing.T) {
	t.Parallel()
	c := cutter{chunk: 16, maxLine: 16, readOn: 8, hopeless: 100}
	endless := strings.NewReader("first\n" + strings.Repeat("a", 500))
	got, err := cutStream(t, c, endless)
	if !errors.Is(err, errHopeless) {
		t.Fatalf("error %v, want %v", err, errHopeless)
	}
	if left := endless.Len(); left < 350 {
		t.Errorf("%d bytes left: the stream was read on", left)
	}
	lines := 0
	for _, p := range got {
		lines += len(p.lines)
	}
	if lines != 2 || !got[0].lines[1].long {
		t.Errorf("pieces %v: want the first line and a long one", got)
	}
	if _, err := cutStream(t, c, strings.NewReader(strings.Repeat(strings.Repeat("a", 90)+"\n", 5))); err != nil {
		t.Errorf("long lines that end: %v", err)
	}
}

// TestDeadReader does not wait for ever for a reader that gives nothing.
func TestDeadReader(t *testing.T) {
	t.Parallel()
	if _, err := cutStream(t, standardCutter(), &idleReader{dead: true}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v, want %v", err, io.ErrNoProgress)
	}
}

// TestReadAtFault gives an error of the file system as it is.
func TestReadAtFault(t *testing.T) {
	t.Parallel()
	c := cutter{chunk: 4, maxLine: 4, readOn: 2}
	for good := range 3 {
		f := &failingFile{r: strings.NewReader("aaaaaaaa"), good: good}
		for off := int64(0); off < 8; off += 4 {
			_, _, err := c.readAt(f, off, 8, nil)
			if want := f.calls > good; errors.Is(err, errFile) != want {
				t.Errorf("after %d good reads, at %d: error %v, want one: %v", good, off, err, want)
			}
		}
	}
}

var errFile = errors.New("file fault")

// failingFile fails after so many good reads.
type failingFile struct {
	r           io.ReaderAt
	good, calls int
}

func (f *failingFile) ReadAt(p []byte, at int64) (int, error) {
	if f.calls++; f.calls > f.good {
		return 0, errFile
	}
	return f.r.ReadAt(p, at)
}

// TestReadAtChangedFile reads files that are longer or shorter than they were when they were opened.
func TestReadAtChangedFile(t *testing.T) {
	t.Parallel()
	c := cutter{chunk: 8, maxLine: 32, readOn: 3}
	for _, test := range []struct {
		content        string
		size           int64
		want           string
		bytes          int64
		unended, short bool
	}{
		{content: "abc\nde", size: 6, want: "abc\nde", bytes: 6, unended: true},
		{content: "abc\ndefgh\nij", size: 6, want: "abc\ndefgh\n", bytes: 10}, // the line was finished meanwhile
		{content: "abc\ndefghijk", size: 6, want: "abc\ndefghijk", bytes: 12, unended: true},
		{content: "abc\ndef\nxyz\n", size: 4, want: "abc\n", bytes: 4}, // lines that begin later are not read
		{content: "abc\nd", size: 8, want: "abc\nd", bytes: 5, unended: true, short: true},
		{content: "abc\n", size: 8, want: "abc\n", bytes: 4, short: true},
		{content: "", size: 8, bytes: 0, short: true},
	} {
		got, _, err := c.readAt(strings.NewReader(test.content), 0, test.size, nil)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.lines) != test.want || got.bytes != test.bytes || got.unended != test.unended || got.short != test.short {
			t.Errorf("%q of size %d: lines %q, %d bytes, unended %v, short %v; want %+v",
				test.content, test.size, got.lines, got.bytes, got.unended, got.short, test)
		}
	}
}
