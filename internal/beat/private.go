package beat

import (
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/traffic"
)

// isPrivate reports whether an IPv4 address lies in 10/8, 172.16/12 or 192.168/16, the ranges that KQL's
// ipv4_is_private knows; loopback and link-local addresses are not among them.
func isPrivate(ip uint32) bool {
	return ip>>24 == 10 || ip>>20 == 0xAC1 || ip>>16 == 0xC0A8
}

// isPrivateText is KQL's ipv4_is_private for a text that is no canonical address: it may carry a prefix length, by
// which it is masked. ok is false where KQL gives null. Odd forms (leading zeros, blanks, fewer than four numbers)
// are no addresses here; there is no recorded answer for them.
func isPrivateText(text string) (private, ok bool) {
	addr, bits, found := strings.Cut(text, "/")
	ip, valid := traffic.ParseIPv4([]byte(addr))
	if !valid || !found {
		return false, false
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	if err != nil || n > 32 || len(bits) > 1 && bits[0] == '0' || bits[0] == '+' {
		return false, false
	}
	if n < 32 {
		ip &^= 1<<(32-n) - 1
	}
	return isPrivate(ip), true
}

// textRank gives the place of each byte's decimal text among all 256 in the order of text: 0, 1, 10, 100, 101, ….
// Addresses whose bytes are replaced by their ranks compare as their texts do: the first byte that differs decides,
// and what follows it, a dot or the end, is less than any digit.
var textRank, rankByte = func() (rank, back [256]uint8) {
	var order [256]int
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order[:], func(a, b int) int { return strings.Compare(strconv.Itoa(a), strconv.Itoa(b)) })
	for r, i := range order {
		rank[i], back[r] = uint8(r), uint8(i)
	}
	return rank, back
}()

// rankIPv4 replaces each byte of an address by its rank.
func rankIPv4(ip uint32) uint32 {
	return uint32(textRank[ip>>24])<<24 | uint32(textRank[ip>>16&0xFF])<<16 |
		uint32(textRank[ip>>8&0xFF])<<8 | uint32(textRank[ip&0xFF])
}

// unrankIPv4 is the inverse of rankIPv4.
func unrankIPv4(key uint32) uint32 {
	return uint32(rankByte[key>>24])<<24 | uint32(rankByte[key>>16&0xFF])<<16 |
		uint32(rankByte[key>>8&0xFF])<<8 | uint32(rankByte[key&0xFF])
}
