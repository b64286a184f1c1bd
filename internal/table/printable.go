package table

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns s in a form that is safe on a terminal: on one line, and
// with everything escaped that a terminal would act on or that would be there
// and not be seen. An escape byte is shown as \x1b, a line break as \n, U+202E
// (text from here on runs backwards) as \u202e, and a byte that is not UTF-8 as
// \xff. Other text, a backslash among it, stays as it is, so the result is for
// eyes and not for decoding.
func Printable(s string) string {
	if printable(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			writeHex(&b, 'x', rune(s[i]), 2)
		case visible(r):
			b.WriteString(s[i : i+size])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80:
			writeHex(&b, 'x', r, 2)
		case r <= 0xffff:
			writeHex(&b, 'u', r, 4)
		default:
			writeHex(&b, 'U', r, 8)
		}
		i += size
	}
	return b.String()
}

func printable(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || !visible(r) {
			return false
		}
		i += size
	}
	return true
}

func writeHex(b *strings.Builder, letter byte, r rune, digits int) {
	b.WriteByte('\\')
	b.WriteByte(letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b.WriteByte(hexDigits[r>>shift&15])
	}
}

// visible reports whether a terminal shows r and does nothing else with it.
// Controls, format characters (bidi overrides, zero-width joiners), line and
// paragraph separators, private use and unassigned runes are not graphic; the
// rest of those that are not seen is listed below.
func visible(r rune) bool {
	if r < 0x7f {
		return r >= 0x20
	}
	if r < 0xa0 {
		return false
	}
	return unicode.IsGraphic(r) && !within(r, invisible)
}

// runeRange is a closed range of runes.
type runeRange struct{ first, last rune }

func within(r rune, ranges []runeRange) bool {
	if r < ranges[0].first {
		return false
	}
	low, high := 0, len(ranges)
	for low < high {
		middle := (low + high) / 2
		if ranges[middle].last < r {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(ranges) && ranges[low].first <= r
}

// invisible lists runes that Unicode calls letters, marks or symbols and that
// leave no ink: joiners, fillers, variation selectors, blanks. It is constant.
var invisible = []runeRange{
	{0x034f, 0x034f},
	{0x115f, 0x1160},
	{0x17b4, 0x17b5},
	{0x180b, 0x180f},
	{0x2800, 0x2800},
	{0x3164, 0x3164},
	{0xfe00, 0xfe0f},
	{0xffa0, 0xffa0},
	{0xe0100, 0xe01ef},
}

// wide lists the blocks whose runes take two cells, after the W and F entries
// of Unicode's EastAsianWidth.txt; gaps between neighbours are filled where
// they hold no narrow rune that a log would have. It is constant.
var wide = []runeRange{
	{0x1100, 0x115f},
	{0x231a, 0x231b},
	{0x2329, 0x232a},
	{0x23e9, 0x23ec},
	{0x23f0, 0x23f0},
	{0x23f3, 0x23f3},
	{0x25fd, 0x25fe},
	{0x2614, 0x2615},
	{0x2630, 0x2637},
	{0x2648, 0x2653},
	{0x267f, 0x267f},
	{0x268a, 0x268f},
	{0x2693, 0x2693},
	{0x26a1, 0x26a1},
	{0x26aa, 0x26ab},
	{0x26bd, 0x26be},
	{0x26c4, 0x26c5},
	{0x26ce, 0x26ce},
	{0x26d4, 0x26d4},
	{0x26ea, 0x26ea},
	{0x26f2, 0x26f3},
	{0x26f5, 0x26f5},
	{0x26fa, 0x26fa},
	{0x26fd, 0x26fd},
	{0x2705, 0x2705},
	{0x270a, 0x270b},
	{0x2728, 0x2728},
	{0x274c, 0x274c},
	{0x274e, 0x274e},
	{0x2753, 0x2755},
	{0x2757, 0x2757},
	{0x2795, 0x2797},
	{0x27b0, 0x27b0},
	{0x27bf, 0x27bf},
	{0x2b1b, 0x2b1c},
	{0x2b50, 0x2b50},
	{0x2b55, 0x2b55},
	{0x2e80, 0x303e},
	{0x3041, 0xa4cf},
	{0xa960, 0xa97c},
	{0xac00, 0xd7a3},
	{0xf900, 0xfaff},
	{0xfe10, 0xfe19},
	{0xfe30, 0xfe6b},
	{0xff01, 0xff60},
	{0xffe0, 0xffe6},
	{0x16fe0, 0x18cff},
	{0x1aff0, 0x1b2fb},
	{0x1d300, 0x1d376},
	{0x1f004, 0x1f004},
	{0x1f0cf, 0x1f0cf},
	{0x1f18e, 0x1f18e},
	{0x1f191, 0x1f19a},
	{0x1f200, 0x1f64f},
	{0x1f680, 0x1f6ff},
	{0x1f7e0, 0x1f7f0},
	{0x1f90c, 0x1faff},
	{0x20000, 0x3fffd},
}

// runeCells returns how many cells a terminal gives to a visible rune.
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case within(r, wide):
		return 2
	}
	return 1
}

// Cells returns how many cells of a terminal line the text takes, once it is
// [Printable].
func Cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}
