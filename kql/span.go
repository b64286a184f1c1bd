package kql

import (
	"strings"
	"unicode/utf8"
)

// Span is a piece of a source text, in bytes: From is the first, To the one after the last.
type Span struct{ From, To int }

// Range gives the span itself. It makes every node that embeds a Span a [Node].
func (s Span) Range() Span { return s }

// Len is the number of bytes.
func (s Span) Len() int { return s.To - s.From }

// Contains reports whether the byte at offset is within the span.
func (s Span) Contains(offset int) bool { return s.From <= offset && offset < s.To }

// Text cuts the span out of src, or what of it lies within src.
func (s Span) Text(src string) string {
	from, to := s.clip(src)
	return src[from:to]
}

func (s Span) clip(src string) (from, to int) {
	from = min(max(s.From, 0), len(src))
	return from, min(max(s.To, from), len(src))
}

// to gives the span from the beginning of s to the end of end.
func (s Span) to(end Span) Span { return Span{s.From, max(s.To, end.To)} }

// Position is a place in a text as people count it: both numbers begin at 1, and a column is a character.
type Position struct{ Line, Column int }

// Start gives the position of the span's first byte in src.
func (s Span) Start(src string) Position { return PositionOf(src, s.From) }

// End gives the position after the span's last byte in src.
func (s Span) End(src string) Position { return PositionOf(src, s.To) }

// PositionOf gives the position of a byte in src. It costs a pass over src up to there. An offset outside of src is
// taken as the nearest inside. Lines end at "\n", "\r\n" or "\r".
func PositionOf(src string, offset int) Position {
	offset = min(max(offset, 0), len(src))
	line, start := 1, 0
	for i := range offset {
		switch src[i] {
		case '\r':
			if i+1 < len(src) && src[i+1] == '\n' {
				continue
			}
			line, start = line+1, i+1
		case '\n':
			line, start = line+1, i+1
		default:
		}
	}
	return Position{Line: line, Column: utf8.RuneCountInString(src[start:offset]) + 1}
}

// lineAround gives the line of src that holds the byte at offset, without its end, and where it begins.
func lineAround(src string, offset int) (line string, start int) {
	offset = min(max(offset, 0), len(src))
	start = strings.LastIndexAny(src[:offset], "\r\n") + 1
	end := strings.IndexAny(src[offset:], "\r\n")
	if end < 0 {
		return src[start:], start
	}
	return src[start : offset+end], start
}
