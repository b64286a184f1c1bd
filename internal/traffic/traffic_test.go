package traffic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDayTicks compares every day of the years 1 to 9999, and what is just outside, with the time package.
func TestDayTicks(t *testing.T) {
	epoch := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for year := 1; year <= 9999; year++ {
		for month := 1; month <= 12; month++ {
			first := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
			days := first.AddDate(0, 1, -1).Day()
			for _, day := range []int{1, 2, 28, 29, 30, 31} {
				got, ok := DayTicks(year, month, day)
				want := (first.Unix() - epoch + int64(day-1)*86400) * Second
				if ok != (day <= days) || ok && got != want {
					t.Fatalf("%04d-%02d-%02d: %d %v, want %d %v", year, month, day, got, ok, want, day <= days)
				}
			}
		}
	}
	for _, d := range [][3]int{
		{0, 1, 1},
		{-1, 1, 1},
		{10000, 1, 1},
		{2026, 0, 1},
		{2026, 13, 1},
		{2026, 1, 0},
		{2026, 1, 32},
		{2026, -1, 1},
		{2026, 1, -1},
		{math.MaxInt, 1, 1},
		{math.MinInt, 1, 1},
	} {
		if got, ok := DayTicks(d[0], d[1], d[2]); ok {
			t.Errorf("%v: got %d", d, got)
		}
	}
}

func TestTicks(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		in   time.Time
		want int64
	}{
		{at("0001-01-01T00:00:00Z"), 0},
		{at("0001-01-01T00:00:00.0000001Z"), 1},
		{at("0001-01-01T00:00:00.000000199Z"), 1},
		{at("1970-01-01T00:00:00Z"), UnixEpoch},
		{at("1969-12-31T23:59:59.9999999Z"), UnixEpoch - 1},
		{at("2026-03-02T10:00:05.25Z"), 639080424052500000},
		{at("2026-03-02T11:00:05.25+01:00"), 639080424052500000},
		{at("9999-12-31T23:59:59.999999999Z"), MaxTicks},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), MaxTicks},
		{time.Date(0, 12, 31, 23, 59, 59, 999, time.UTC), 0},
		{time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{time.Unix(math.MaxInt64, 0), MaxTicks},
		{time.Unix(math.MinInt64, 0), 0},
		{time.Time{}, 0},
	} {
		if got := Ticks(c.in); got != c.want {
			t.Errorf("%s: got %d, want %d", c.in, got, c.want)
		}
	}
}

// TestTime checks that Time and Ticks undo each other and agree with the time package's calendar.
func TestTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ticks := rapid.OneOf(rapid.Int64Range(0, MaxTicks), rapid.SampledFrom([]int64{0, 1, UnixEpoch - 1, UnixEpoch, UnixEpoch + 1, MaxTicks - 1, MaxTicks})).Draw(rt, "ticks")
		v := Time(ticks)
		if got := Ticks(v); got != ticks {
			rt.Fatalf("%d is %s, which is %d", ticks, v, got)
		}
		day, ok := DayTicks(v.Year(), int(v.Month()), v.Day())
		clock := int64(v.Hour())*Hour + int64(v.Minute())*Minute + int64(v.Second())*Second + int64(v.Nanosecond())/100
		if !ok || day+clock != ticks || Floor(ticks, Day) != day || v.Location() != time.UTC {
			rt.Fatalf("%d is %s, of day %d %v", ticks, v, day, ok)
		}
	})
	if got := Time(-1); !got.Equal(time.Date(0, 12, 31, 23, 59, 59, 999999900, time.UTC)) {
		t.Errorf("-1 is %s", got)
	}
}

func TestFloor(t *testing.T) {
	for _, c := range []struct{ ticks, size, want int64 }{
		{0, 1, 0}, {7, 5, 5}, {5, 5, 5}, {4, 5, 0}, {-1, 5, -5}, {-5, 5, -5}, {-6, 5, -10}, {MaxTicks, Hour, MaxTicks - Hour + 1},
	} {
		if got := Floor(c.ticks, c.size); got != c.want {
			t.Errorf("Floor(%d, %d) = %d, want %d", c.ticks, c.size, got, c.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		ticks := rapid.Int64Range(-MaxTicks, MaxTicks).Draw(rt, "ticks")
		size := rapid.OneOf(rapid.Int64Range(1, 10), rapid.Int64Range(1, 400*Day)).Draw(rt, "size")
		got := Floor(ticks, size)
		if got%size != 0 || got > ticks || ticks-got >= size {
			rt.Fatalf("Floor(%d, %d) = %d", ticks, size, got)
		}
	})
}

// TestIPv4RoundTrip writes addresses and reads them back: all that have the same octets in two places, and random
// ones.
func TestIPv4RoundTrip(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, ip uint32) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], ip)
		want := netip.AddrFrom4(b).String()
		text := AppendIPv4([]byte("x"), ip)
		if string(text) != "x"+want {
			t.Fatalf("%08x is %q, want %q", ip, text[1:], want)
		}
		if got, ok := ParseIPv4(text[1:]); !ok || got != ip {
			t.Fatalf("%q is %08x %v", text[1:], got, ok)
		}
		a := V4(ip)
		if a.V4() != ip || string(a.AppendText(nil, nil)) != want {
			t.Fatalf("%08x as an address is %q", ip, a.AppendText(nil, nil))
		}
	}
	for a := range uint32(256) {
		for b := range uint32(256) {
			check(t, a<<24|b<<16|a<<8|b)
		}
	}
	rapid.Check(t, func(rt *rapid.T) { check(rt, rapid.Uint32().Draw(rt, "ip")) })
}

// addresses are texts of addresses, good, odd and wrong.
var addresses = []string{
	"", "0.0.0.0", "255.255.255.255", "10.20.0.5", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.04", "1.2.3.256", "1.2.3.1000",
	"1.2.3.4 ", " 1.2.3.4", "1.2.3.4/24", "1.2.3.-4", "+1.2.3.4", "0x1.2.3.4", "4294967296.1.1.1", "1.2.3.4:80", "00.0.0.0", "999.999.999.999", "١.٢.٣.٤",
	"::", "::1", "2001:db8::5", "2001:DB8::5", "2001:0db8::5", "2001:db8:0:0:0:0:0:5", "::ffff:10.1.2.3", "::ffff:a01:203", "fe80::1%eth0", "[::1]", "::1/64", "1::2::3",
	"2001:db8::10.1.2.3", ":::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "ff02::fb", "2001:db8::g", "not an ip", "fw.example.net",
	"0000:0000:0000:0000:0000:ffff:255.255.255.255", "0000:0000:0000:0000:0000:0000:255.255.255.2555",
}

func checkAddress(t interface{ Fatalf(string, ...any) }, text string) {
	want, err := netip.ParseAddr(text)
	canonical := err == nil && want.String() == text
	got := ParseAddr([]byte(text))
	kind := AddrText
	switch {
	case text == "":
		kind = AddrNone
	case canonical && want.Is4():
		kind = AddrV4
	case canonical && want.Is6() && want.Zone() == "":
		kind = AddrV6
	}
	if got.Kind != kind {
		t.Fatalf("%q is of kind %d, want %d", text, got.Kind, kind)
	}
	switch got.Kind {
	case AddrV4:
		if b := want.As4(); !bytes.Equal(got.IP[12:], b[:]) || got.IP != [16]byte{12: b[0], 13: b[1], 14: b[2], 15: b[3]} {
			t.Fatalf("%q is %v", text, got.IP)
		}
	case AddrV6:
		if got.IP != want.As16() {
			t.Fatalf("%q is %v", text, got.IP)
		}
	case AddrNone, AddrText:
		if got.IP != [16]byte{} {
			t.Fatalf("%q is %v", text, got.IP)
		}
	}
	// Whatever it is, the text comes back letter for letter.
	var names Dict
	if got.Kind == AddrText {
		got.Text = names.CodeString(text)
	}
	if back := string(got.AppendText(nil, &names)); back != text {
		t.Fatalf("%q comes back as %q", text, back)
	}
	if _, ok := ParseIPv4([]byte(text)); ok != (kind == AddrV4) {
		t.Fatalf("%q: an IPv4 address: %v", text, ok)
	}
}

// TestParseAddr compares with net/netip.
func TestParseAddr(t *testing.T) {
	for _, text := range addresses {
		checkAddress(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		checkAddress(rt, rapid.OneOf(
			rapid.StringOfN(rapid.SampledFrom([]rune("0123459.")), 0, 16, -1),
			rapid.StringOfN(rapid.SampledFrom([]rune("01afF::.%")), 0, 48, -1),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) string { return netip.AddrFrom16([16]byte(b)).String() }),
			rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0, 1, 255}), 16, 16), func(b []byte) string { return netip.AddrFrom16([16]byte(b)).String() }),
		).Draw(rt, "text"))
	})
}

func FuzzParseAddr(f *testing.F) {
	for _, text := range addresses {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkAddress(t, text) })
}

// TestDict checks a dictionary against a list of texts, over resets.
func TestDict(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var d Dict
		texts := []string{""}
		for step := range rapid.IntRange(0, 60).Draw(rt, "steps") {
			if rapid.IntRange(0, 20).Draw(rt, "reset") == 0 {
				before := d.Generation()
				d.Reset()
				if d.Generation() != before+1 {
					rt.Fatalf("generation %d after %d", d.Generation(), before)
				}
				texts = texts[:1]
			}
			text := rapid.SampledFrom([]string{"", "a", "b", "ab", "A", "\x00", "\xff", "fw-a", "fw-b", "é"}).Draw(rt, "text")
			code := d.CodeString(text)
			if step%2 == 0 {
				code = d.Code([]byte(text))
			}
			want := slices.Index(texts, text)
			if want < 0 {
				want = len(texts)
				texts = append(texts, text)
			}
			if int(code) != want {
				rt.Fatalf("%q has code %d, want %d of %q", text, code, want, texts)
			}
			size := 0
			for code, text := range texts {
				if d.Text(uint32(code)) != text {
					rt.Fatalf("code %d is %q, want %q", code, d.Text(uint32(code)), text)
				}
				size += len(text)
			}
			if d.Len() != len(texts) || d.Bytes() != size {
				rt.Fatalf("%d codes of %d bytes, want %d of %d", d.Len(), d.Bytes(), len(texts), size)
			}
		}
	})
}

// TestDictKeepsText checks that a dictionary does not keep the bytes that it was given.
func TestDictKeepsText(t *testing.T) {
	var d Dict
	text := []byte("fw-a")
	code := d.Code(text)
	copy(text, "xxxx")
	if got := d.Text(code); got != "fw-a" {
		t.Errorf("got %q", got)
	}
	if again := d.CodeString("fw-a"); again != code {
		t.Errorf("code %d, then %d", code, again)
	}
}

// TestBuilder puts rows and takes some back.
func TestBuilder(t *testing.T) {
	row := func(i int) *Row {
		return &Row{
			Line: uint32(i), Time: int64(i) * 2, Src: V4(uint32(i)), Dst: V4(uint32(i) * 3), DstPort: int32(i), SentBytes: int64(i) * 5,
			ReceivedBytes: int64(i) * 7, Device: uint32(i) * 11, UserID: uint32(i) * 13, Flags: uint8(i),
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		var b Builder
		origin := Origin{File: 1, Chunk: 2}
		b.Reset(origin)
		var want []int
		for i := range rapid.IntRange(0, 50).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "rollback") == 0 {
				n := rapid.IntRange(0, len(want)).Draw(rt, "n")
				b.Rollback(n)
				want = want[:n]
			}
			b.Put(row(i))
			want = append(want, i)
		}
		got := b.Batch()
		if got.Len() != len(want) || b.Mark() != len(want) || got.Origin != origin || got.Names != b.Names() {
			rt.Fatalf("%d rows of %v, want %d", got.Len(), got.Origin, len(want))
		}
		for i, n := range want {
			back := Row{
				Line: got.Line[i], Time: got.Time[i], Src: got.Src[i], Dst: got.Dst[i], DstPort: got.DstPort[i], SentBytes: got.SentBytes[i],
				ReceivedBytes: got.ReceivedBytes[i], Device: got.Device[i], UserID: got.UserID[i], Flags: got.Flags[i],
			}
			if back != *row(n) {
				rt.Fatalf("row %d is %+v, want %+v", i, back, *row(n))
			}
		}
	})
}

// TestBuilderReset checks that names stay from batch to batch until there are too many or too long ones, and that a
// warm builder allocates nothing.
func TestBuilderReset(t *testing.T) {
	for _, c := range []struct {
		texts, size int
		want        bool
	}{
		{100, 20, false}, {maxNames - 1, 20, false}, {maxNames, 20, true}, {10, maxNameBytes / 10, false}, {10, maxNameBytes/10 + 1, true},
	} {
		var b Builder
		b.Reset(Origin{})
		for i := range c.texts {
			b.Names().CodeString(fmt.Sprintf("%0*d", c.size, i))
		}
		if got := b.Reset(Origin{Chunk: 1}); got != c.want {
			t.Errorf("%d names of %d bytes: emptied %v", c.texts, c.size, got)
		}
		want := c.texts + 1
		if c.want {
			want = 1
		}
		if b.Names().Len() != want || b.Batch().Origin.Chunk != 1 {
			t.Errorf("%d names are left, want %d", b.Names().Len(), want)
		}
	}
	var b Builder
	allocs := testing.AllocsPerRun(100, func() {
		b.Reset(Origin{})
		for i := range 1000 {
			r := Row{Time: int64(i), Device: b.Names().Code([]byte("fw-a"))}
			b.Put(&r)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a batch", allocs)
	}
}
