package beatref

import (
	"strconv"
	"strings"
)

// IPv4Private is KQL's ipv4_is_private: whether text is an address of
// 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16. ok is false where KQL gives
// null, that is where text is no IPv4 address.
//
// What is known of each form, and from where:
//
//   - "10.1.2.3", "192.168.1.1/24", "10.1.2.3/24" are true, "202.1.2.3" and
//     "127.0.0.1" false; null when parsing fails: Kusto's own page on
//     ipv4_is_private.
//   - "a.b.c.d/n" is masked before it is looked at: that page says strings "can
//     be masked", and parse_ipv4 prints '192.168.1.1/24' as 3232235776 and
//     '255.255.255.255/31' as 4294967294. So "10.0.0.1/4" is 0.0.0.0: false,
//     and "10.0.0.1/7" is 10.0.0.0: true. (ClickHouse's Kusto dialect wants both
//     ends of the range to be private and would call the second one false.)
//   - n runs from 0 to 32: the pages' section on prefix notation (pages before
//     2023 said 1 to 32). "/33" is outside of it, so null is chosen; no recorded
//     answer was found. (ClickHouse's dialect cuts it to 32.)
//   - "abc" is null: a comment in ClickHouse's Kusto tests. Text, "" and IPv6
//     are "not an IPv4 address" in the same way, "::ffff:8.8.8.8" with them.
//
// No recorded answer, document or issue about Kusto was found for leading
// zeros ("01.2.3.4", "1.2.3.4/08"), blanks (" 1.2.3.4"), fewer or more than
// four parts ("1.2.3", "1"), an empty part or prefix ("1..3.4", "1.2.3.4/"),
// signs, hexadecimal, two slashes or a mask in dots. Libraries disagree about
// them (leading zeros alone are decimal, octal or an error), so the strict
// reading is chosen for all: null.
func IPv4Private(text string) (private, ok bool) {
	base, prefix, hasPrefix := strings.Cut(text, "/")
	address, ok := parseQuad(base)
	if !ok {
		return false, false
	}
	if hasPrefix {
		bits, ok := parseDecimal(prefix, 32)
		if !ok {
			return false, false
		}
		address &= mask(bits)
	}
	return inNetwork(address, 10, 0, 8) ||
		inNetwork(address, 172, 16, 12) ||
		inNetwork(address, 192, 168, 16), true
}

// parseQuad reads four decimal numbers of 0 to 255 with dots between them.
func parseQuad(text string) (uint32, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return 0, false
	}
	var address uint32
	for _, part := range parts {
		octet, ok := parseDecimal(part, 255)
		if !ok {
			return 0, false
		}
		address = address<<8 | octet
	}
	return address, true
}

// parseDecimal reads a number up to limit in its one usual spelling: digits
// only, no zero in front.
func parseDecimal(text string, limit uint64) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > limit || strconv.FormatUint(n, 10) != text {
		return 0, false
	}
	return uint32(n), true
}

// mask has its first n bits set. Shifting by 32 gives 0 in Go, as /0 needs.
func mask(n uint32) uint32 {
	return ^uint32(0) << (32 - n)
}

// inNetwork says whether address lies in a.b.0.0/bits.
func inNetwork(address, a, b, bits uint32) bool {
	return address&mask(bits) == a<<24|b<<16
}
