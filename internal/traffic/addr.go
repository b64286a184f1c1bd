package traffic

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// AddrKind says what the text of an address was.
type AddrKind uint8

// The kinds of address text that a log can hold.
const (
	// AddrNone is an absent or blank address.
	AddrNone AddrKind = iota
	// AddrV4 is an IPv4 address in its canonical text: four decimal numbers without leading zeros.
	AddrV4
	// AddrV6 is an IPv6 address in its canonical text (RFC 5952), without a zone.
	AddrV6
	// AddrText is any other text: a name, an address with a prefix length, in brackets, or misspelt. KQL columns
	// are strings, so the text is kept and compared as it came.
	AddrText
)

// Addr is an address as a log wrote it.
type Addr struct {
	// IP holds the address in network order; IPv4 stands in the last four bytes. Zero for AddrNone and AddrText.
	IP [16]byte
	// Text is the code of the text in the batch's Dict, for AddrText only.
	Text uint32
	// Kind says which of the two holds.
	Kind AddrKind
}

// V4 makes the Addr of an IPv4 address given as a number in host order.
func V4(ip uint32) Addr {
	var a Addr
	binary.BigEndian.PutUint32(a.IP[12:], ip)
	a.Kind = AddrV4
	return a
}

// SetV4 makes a zero Addr that of an IPv4 address given as a number in host order.
func (a *Addr) SetV4(ip uint32) {
	binary.BigEndian.PutUint32(a.IP[12:], ip)
	a.Kind = AddrV4
}

// V4 gives the IPv4 address as a number; it has a meaning for AddrV4 alone.
func (a *Addr) V4() uint32 { return binary.BigEndian.Uint32(a.IP[12:]) }

// AppendText appends the address's text as the log had it; names is the Dict of the address's batch.
func (a *Addr) AppendText(dst []byte, names *Dict) []byte {
	switch a.Kind {
	case AddrNone:
		return dst
	case AddrV4:
		return AppendIPv4(dst, a.V4())
	case AddrV6:
		return netip.AddrFrom16(a.IP).AppendTo(dst)
	case AddrText:
		return append(dst, names.Text(a.Text)...)
	}
	return dst
}

// AppendIPv4 appends the canonical text of an IPv4 address given as a number in host order.
func AppendIPv4(dst []byte, ip uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		b := byte(ip >> shift)
		if b >= 100 {
			dst = append(dst, '0'+b/100)
		}
		if b >= 10 {
			dst = append(dst, '0'+b/10%10)
		}
		dst = append(dst, '0'+b%10)
		if shift > 0 {
			dst = append(dst, '.')
		}
	}
	return dst
}

// ParseAddr reads an address text. Text that is not canonical, and so would not be given back letter for letter, is
// reported as AddrText with no code: the caller interns the text and sets Text.
func ParseAddr(text []byte) Addr {
	if len(text) == 0 {
		return Addr{}
	}
	if ip, ok := ParseIPv4(text); ok {
		return V4(ip)
	}
	if len(text) > 45 {
		return Addr{Kind: AddrText}
	}
	ip, err := netip.ParseAddr(string(text))
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return Addr{Kind: AddrText}
	}
	var canonical [64]byte
	if !bytes.Equal(ip.AppendTo(canonical[:0]), text) {
		return Addr{Kind: AddrText}
	}
	return Addr{IP: ip.As16(), Kind: AddrV6}
}

// ParseIPv4 reads a canonical IPv4 text (no leading zeros, nothing around it) as a number in host order.
func ParseIPv4(text []byte) (uint32, bool) {
	if len(text) < 7 || len(text) > 15 {
		return 0, false
	}
	var ip, octet uint32
	dots, digits := 0, 0
	for _, c := range text {
		if d := uint32(c) - '0'; d <= 9 {
			if digits > 0 && octet == 0 {
				return 0, false
			}
			octet = octet*10 + d
			digits++
			if octet > 255 {
				return 0, false
			}
			continue
		}
		if c != '.' || digits == 0 || dots == 3 {
			return 0, false
		}
		ip = ip<<8 | octet
		octet, digits = 0, 0
		dots++
	}
	if dots != 3 || digits == 0 {
		return 0, false
	}
	return ip<<8 | octet, true
}
