package logformat

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The two loops in which parsing spends most of its time. Each has a plain form, which is what it means, and one for
// processors with AVX2 (scan_amd64.s), which must give the same.

// slack is the number of bytes behind a line that may be read, whatever they are.
const slack = 64

// stepsPlain goes along the segments from i on, of which segment i's value begins at p[pos], and puts the places of the
// wanted values into vals. A value ends at the first blank, where the next segment's text must stand and end by n; or
// at a later one of its first 32 bytes, if the value holds no "=" and no "<". It stops where that does not hold, where
// the first 32 bytes of the next text stand at a blank and the others do not, or at last, and gives the segment's number
// and where its value begins. p has slack behind n, and pos <= n.
func stepsPlain(segs []segment, i, last int, p []byte, pos, n int, vals *[wantCount]span) (stop, at int) {
	for ; i < last; i++ {
		s, next := &segs[i], &segs[i+1]
		end := nearEnd(next, p, pos, n)
		if end < 0 {
			break
		}
		if s.want != noWant {
			vals[s.want] = span{int32(pos), int32(end)}
		}
		pos = end + int(next.length)
	}
	return i, pos
}

// nearEnd finds the end of the value before next, or -1, as stepsPlain says.
func nearEnd(next *segment, p []byte, pos, n int) int {
	end := indexBlank(p, pos, n)
	for first := true; ; first = false {
		switch {
		case end+int(next.length) > n:
			return -1
		case !first && (bytes.IndexByte(p[pos:end], '=') >= 0 || bytes.IndexByte(p[pos:end], '<') >= 0):
			return -1
		case hasTextAt(p, end, next.text):
			return end
		case end-pos >= nearBytes || hasTextAt(p, end, string(next.head[:])):
			return -1
		}
		if end = indexBlank(p, end+1, n); end-pos >= nearBytes {
			return -1
		}
	}
}

// nearBytes is the number of a value's first bytes in which blanks are tried.
const nearBytes = 32

// blankBits marks the first blank among eight bytes by the high bit of its byte, and maybe others behind it.
func blankBits(w uint64) uint64 {
	const ones, highs, blanks = 0x0101010101010101, 0x8080808080808080, 0x2020202020202020
	w ^= blanks
	return (w - ones) &^ w & highs
}

// indexBlank gives the place of the first blank at or after pos and before n, or n. p has slack behind n.
func indexBlank(p []byte, pos, n int) int {
	for ; pos < n; pos += 8 {
		if x := blankBits(binary.LittleEndian.Uint64(p[pos:])); x != 0 {
			return min(n, pos+bits.TrailingZeros64(x)>>3)
		}
	}
	return n
}

// commasPlain marks the commas of p[:n] by bits, 64 bytes a word, and finds the first quote or brace, and the first
// "<"; each is n or more where there is none. Bits behind n mean nothing. p has slack behind n.
func commasPlain(p []byte, n int, masks []uint64) (odd, angle int) {
	for i := range (n + 63) / 64 {
		masks[i] = 0
		for j := range 8 {
			masks[i] |= commaByte(binary.LittleEndian.Uint64(p[i*64+j*8:])) << (8 * j)
		}
	}
	odd, angle = n, n
	for _, c := range []byte{'"', '{'} {
		if i := bytes.IndexByte(p[:odd], c); i >= 0 {
			odd = i
		}
	}
	if i := bytes.IndexByte(p[:n], '<'); i >= 0 {
		angle = i
	}
	return odd, angle
}

// commaByte marks the commas among eight bytes, each by one bit.
func commaByte(w uint64) uint64 {
	const low7 = 0x7F7F7F7F7F7F7F7F
	x := w ^ 0x2C2C2C2C2C2C2C2C
	x = ^(x&low7 + low7 | x | low7) >> 7       // one bit at the foot of each byte
	return x * 0x0102040810204080 >> 56 & 0xFF // gathered in the highest byte
}
