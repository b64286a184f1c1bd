package eval

import (
	"cmp"
	"encoding/hex"
	mathbits "math/bits"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

var netFuncs = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnParseIpv4:           parseIPv4,
	plan.FnParseIpv4Mask:       parseIPv4Mask,
	plan.FnIpv4Compare:         ipv4Compare,
	plan.FnIpv4IsMatch:         ipv4IsMatch,
	plan.FnIpv4IsPrivate:       ipv4IsPrivate,
	plan.FnIpv4IsInRange:       ipv4IsInRange,
	plan.FnIpv4IsInAnyRange:    ipv4IsInAnyRange,
	plan.FnIpv4NetmaskSuffix:   ipv4NetmaskSuffix,
	plan.FnIpv4RangeToCidrList: ipv4RangeToCidrs,
	plan.FnFormatIpv4:          formatIPv4,
	plan.FnFormatIpv4Mask:      formatIPv4Mask,
	plan.FnHasIpv4:             hasIPv4(sameAddress),
	plan.FnHasAnyIpv4:          hasIPv4(sameAddress),
	plan.FnHasIpv4Prefix:       hasIPv4(samePrefix),
	plan.FnHasAnyIpv4Prefix:    hasIPv4(samePrefix),
	plan.FnParseIpv6:           parseIPv6,
	plan.FnParseIpv6Mask:       parseIPv6,
	plan.FnIpv6Compare:         ipv6Compare,
	plan.FnIpv6IsMatch:         ipv6IsMatch,
	plan.FnIpv6IsInRange:       ipv6IsInRange,
	plan.FnIpv6IsInAnyRange:    ipv6IsInAnyRange,
}

// block4 is an IPv4 address and how many of its bits count, of a text such as 10.1.2.3 or 10.1.2.3/8.
type block4 struct {
	addr   uint32
	prefix int
}

func (b block4) masked(prefix int) uint32 {
	if prefix <= 0 {
		return 0
	}
	return b.addr &^ (1<<(32-min(prefix, 32)) - 1)
}

func readBlock4(s string) (b block4, ok bool) {
	addr, n := quad(s)
	b = block4{addr: addr, prefix: 32}
	switch {
	case n == 0:
		return b, false
	case n == len(s):
		return b, true
	case s[n] != '/':
		return b, false
	}
	b.prefix, ok = readPrefix(s[n+1:], 32)
	return b, ok
}

// readPrefix reads a number of bits.
func readPrefix(s string, most int) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
		if n > most {
			return 0, false
		}
	}
	return n, s != ""
}

// quad reads four numbers with dots between them at the beginning of a text, and gives how long they are; 0 if there are
// none.
func quad(s string) (addr uint32, n int) {
	for part := range 4 {
		if part > 0 {
			if n >= len(s) || s[n] != '.' {
				return 0, 0
			}
			n++
		}
		v, digits := uint32(0), 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' && digits < 4 {
			v = v*10 + uint32(s[n]-'0')
			n++
			digits++
		}
		if digits == 0 || digits > 3 || v > 255 {
			return 0, 0
		}
		addr = addr<<8 | v
	}
	return addr, n
}

func block4Of(v Value) (block4, bool) {
	s, ok := textOf(v)
	if !ok {
		return block4{}, false
	}
	return readBlock4(s)
}

// prefixArg gives the number of bits that an argument says, or most where it is left out; ok is false where it is none.
func prefixArg(args []Value, at, most int) (int, bool) {
	if len(args) <= at {
		return most, true
	}
	n, ok := wholeOf(args[at])
	return int(n), ok && n >= 0 && n <= int64(most)
}

// parseIPv4 gives the address as a number, masked by the prefix that stands with it.
func parseIPv4(_ *Env, out kql.Type, args []Value) Value {
	b, ok := block4Of(args[0])
	if !ok {
		return Null(out)
	}
	return Long(int64(b.masked(b.prefix)))
}

func parseIPv4Mask(_ *Env, out kql.Type, args []Value) Value {
	b, ok := block4Of(args[0])
	prefix, okPrefix := prefixArg(args, 1, 32)
	if !ok || !okPrefix {
		return Null(out)
	}
	return Long(int64(b.masked(min(prefix, b.prefix))))
}

// compare4 compares two addresses in the least of the prefixes given.
func compare4(args []Value) (c int, ok bool) {
	a, okA := block4Of(args[0])
	b, okB := block4Of(args[1])
	prefix, okPrefix := prefixArg(args, 2, 32)
	if !okA || !okB || !okPrefix {
		return 0, false
	}
	prefix = min(prefix, a.prefix, b.prefix)
	x, y := a.masked(prefix), b.masked(prefix)
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

func ipv4Compare(_ *Env, out kql.Type, args []Value) Value {
	c, ok := compare4(args)
	if !ok {
		return Null(out)
	}
	return Long(int64(c))
}

func ipv4IsMatch(_ *Env, out kql.Type, args []Value) Value {
	c, ok := compare4(args)
	if !ok {
		return Null(out)
	}
	return Bool(c == 0)
}

// ipv4IsPrivate says whether the masked address lies in 10/8, 172.16/12 or 192.168/16; null for what is no IPv4 address.
func ipv4IsPrivate(_ *Env, out kql.Type, args []Value) Value {
	b, ok := block4Of(args[0])
	if !ok {
		return Null(out)
	}
	addr := b.masked(b.prefix)
	return Bool(addr>>24 == 10 || addr>>20 == 172<<4|1 || addr>>16 == 192<<8|168)
}

// meets reports whether two blocks have an address in common: whether they are the same in the lesser prefix.
func (b block4) meets(o block4) bool {
	prefix := min(b.prefix, o.prefix)
	return b.masked(prefix) == o.masked(prefix)
}

// ipv4IsInRange looks in a range, which is an address with or without a prefix.
func ipv4IsInRange(_ *Env, out kql.Type, args []Value) Value {
	b, okIP := block4Of(args[0])
	r, okRange := block4Of(args[1])
	if !okIP || !okRange {
		return Null(out)
	}
	return Bool(b.meets(r))
}

// ranges4 are addresses from and to, with both ends, in order and apart from each other.
type ranges4 []struct{ from, to uint32 }

func newRanges4(items []Value) ranges4 {
	var all, merged ranges4
	for _, item := range items {
		if b, ok := block4Of(item); ok {
			from := b.masked(b.prefix)
			all = append(all, struct{ from, to uint32 }{from, from | ^uint32(0)>>b.prefix})
		}
	}
	slices.SortFunc(all, func(a, b struct{ from, to uint32 }) int { return cmp.Compare(a.from, b.from) })
	for _, r := range all {
		if last := len(merged) - 1; last >= 0 && r.from <= merged[last].to {
			merged[last].to = max(merged[last].to, r.to)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

func (r ranges4) meet(b block4) bool {
	from := b.masked(b.prefix)
	to := from | ^uint32(0)>>b.prefix
	i := sort.Search(len(r), func(i int) bool { return r[i].to >= from })
	return i < len(r) && r[i].from <= to
}

// maxNets bounds how many lists of ranges are kept.
const maxNets = 64

// nets4 gives the ranges of a list, which is read once only.
func (c *cache) nets4(list *Tree) ranges4 {
	if r, ok := c.nets[list]; ok {
		return r
	}
	if c.nets == nil || len(c.nets) >= maxNets {
		c.nets = map[*Tree]ranges4{}
	}
	r := newRanges4(list.Items)
	c.nets[list] = r
	return r
}

// ipv4IsInAnyRange looks in ranges that are arguments or a list: null where the address is none. Ranges that are none
// are passed over.
func ipv4IsInAnyRange(env *Env, out kql.Type, args []Value) Value {
	b, ok := block4Of(args[0])
	if !ok {
		return Null(out)
	}
	for _, a := range args[1:] {
		if _, isList := arrayItems(a); isList {
			if env.cache.nets4(a.tree).meet(b) {
				return Bool(true)
			}
			continue
		}
		if r, ok := block4Of(a); ok && b.meets(r) {
			return Bool(true)
		}
	}
	return Bool(false)
}

func ipv4NetmaskSuffix(_ *Env, out kql.Type, args []Value) Value {
	b, ok := block4Of(args[0])
	if !ok {
		return Null(out)
	}
	return Long(int64(b.prefix))
}

// anyBlock4 reads an address that is a text or a number.
func anyBlock4(v Value) (block4, bool) {
	if n, ok := wholeOf(v); ok {
		return block4{addr: uint32(n), prefix: 32}, n >= 0 && n < 1<<32
	}
	return block4Of(v)
}

func appendQuad(dst []byte, addr uint32) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		dst = strconv.AppendUint(dst, uint64(addr>>shift&0xff), 10)
		if shift > 0 {
			dst = append(dst, '.')
		}
	}
	return dst
}

// formatIPv4 gives the text of an address, masked; "" where it is none.
func formatIPv4(_ *Env, _ kql.Type, args []Value) Value {
	b, ok := anyBlock4(args[0])
	prefix, okPrefix := prefixArg(args, 1, 32)
	if !ok || !okPrefix {
		return String("")
	}
	return String(string(appendQuad(nil, b.masked(min(prefix, b.prefix)))))
}

// formatIPv4Mask is as [formatIPv4], with the prefix behind the address.
func formatIPv4Mask(_ *Env, _ kql.Type, args []Value) Value {
	b, ok := anyBlock4(args[0])
	prefix, okPrefix := prefixArg(args, 1, 32)
	if !ok || !okPrefix {
		return String("")
	}
	prefix = min(prefix, b.prefix)
	return String(string(appendQuad(nil, b.masked(prefix))) + "/" + strconv.Itoa(prefix))
}

// ipv4RangeToCidrs gives the fewest blocks that cover exactly the addresses from a first to a last one.
func ipv4RangeToCidrs(_ *Env, _ kql.Type, args []Value) Value {
	first, ok1 := block4Of(args[0])
	last, ok2 := block4Of(args[1])
	if !ok1 || !ok2 || first.addr > last.addr {
		return nullDynamic()
	}
	var blocks []Value
	at, end := uint64(first.addr), uint64(last.addr)
	for at <= end {
		size := 32
		if at > 0 {
			size = min(mathbits.TrailingZeros64(at), 32)
		}
		for at+1<<size-1 > end {
			size--
		}
		text := string(appendQuad(nil, uint32(at))) + "/" + strconv.Itoa(32-size)
		blocks = append(blocks, ToDynamic(String(text)))
		at += 1 << size
	}
	return Dynamic(&Tree{Items: blocks})
}

// hasIPv4 looks through a text for IPv4 addresses that stand between what is no letter and no digit, and compares them
// with those asked for: arguments or an array.
func hasIPv4(match func(found, asked string) bool) Func {
	return func(_ *Env, _ kql.Type, args []Value) Value {
		text := args[0].s
		if args[0].kind != kql.TypeString {
			text = Text(args[0])
		}
		for i := range len(text) {
			if text[i] < '0' || text[i] > '9' || !borderBefore(text, i) {
				continue
			}
			_, n := quad(text[i:])
			if n == 0 || !borderAfter(text, i+n) {
				continue
			}
			if askedFor(text[i:i+n], args[1:], match) {
				return Bool(true)
			}
		}
		return Bool(false)
	}
}

func askedFor(found string, args []Value, match func(found, asked string) bool) bool {
	for _, a := range args {
		items, ok := arrayItems(a)
		if !ok {
			items = []Value{a}
		}
		for _, item := range items {
			if s, isText := textOf(item); isText && match(found, s) {
				return true
			}
		}
	}
	return false
}

func borderBefore(s string, i int) bool {
	r, n := utf8.DecodeLastRuneInString(s[:i])
	return n == 0 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

func borderAfter(s string, i int) bool {
	r, n := utf8.DecodeRuneInString(s[i:])
	return n == 0 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

func sameAddress(found, asked string) bool {
	a, _ := quad(found)
	b, n := quad(asked)
	return n > 0 && n == len(asked) && a == b
}

// samePrefix takes a whole address, or one to three numbers each with a dot behind it.
func samePrefix(found, asked string) bool {
	if !strings.HasSuffix(asked, ".") {
		return sameAddress(found, asked)
	}
	dots := strings.Count(asked, ".")
	if dots > 3 {
		return false
	}
	_, n := quad(asked + strings.Repeat("0.", 3-dots) + "0")
	return n > 0 && strings.HasPrefix(found, asked)
}

// block6 is an IPv6 address, or an IPv4 one as the IPv6 address that stands for it, and how many of its bits count.
type block6 struct {
	addr   [16]byte
	prefix int
}

// readBlock6 reads such a text. An address that ends as an IPv4 one stands for that, and its prefix is that of the IPv4
// address where it is 32 or less.
func readBlock6(s string) (b block6, ok bool) {
	text, prefix, hasPrefix := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return b, false
	}
	b.addr, b.prefix = addr.As16(), 128
	four := strings.Contains(text, ".")
	if four && [10]byte(b.addr[:10]) == [10]byte{} {
		b.addr[10], b.addr[11] = 0xff, 0xff
	}
	if hasPrefix {
		if b.prefix, ok = readPrefix(prefix, 128); !ok {
			return b, false
		}
		if four && b.prefix <= 32 {
			b.prefix += 96
		}
	}
	return b, true
}

func (b block6) masked(prefix int) [16]byte {
	out := b.addr
	for i := range out {
		switch keep := prefix - 8*i; {
		case keep <= 0:
			out[i] = 0
		case keep < 8:
			out[i] &= 0xff << (8 - keep)
		}
	}
	return out
}

func block6Of(v Value) (block6, bool) {
	s, ok := textOf(v)
	if !ok {
		return block6{}, false
	}
	return readBlock6(s)
}

// parseIPv6 is parse_ipv6 and parse_ipv6_mask: the masked address in full, "" where it is none.
func parseIPv6(_ *Env, _ kql.Type, args []Value) Value {
	b, ok := block6Of(args[0])
	prefix, okPrefix := prefixArg(args, 1, 128)
	if !ok || !okPrefix {
		return String("")
	}
	addr := b.masked(min(prefix, b.prefix))
	digits := hex.EncodeToString(addr[:])
	var text strings.Builder
	for i := 0; i < len(digits); i += 4 {
		if i > 0 {
			text.WriteByte(':')
		}
		text.WriteString(digits[i : i+4])
	}
	return String(text.String())
}

// compare6 is as [compare4]. A prefix as an argument counts bits of the IPv6 address.
func compare6(args []Value) (c int, ok bool) {
	a, okA := block6Of(args[0])
	b, okB := block6Of(args[1])
	prefix, okPrefix := prefixArg(args, 2, 128)
	if !okA || !okB || !okPrefix {
		return 0, false
	}
	prefix = min(prefix, a.prefix, b.prefix)
	x, y := a.masked(prefix), b.masked(prefix)
	return strings.Compare(string(x[:]), string(y[:])), true
}

func ipv6Compare(_ *Env, out kql.Type, args []Value) Value {
	c, ok := compare6(args)
	if !ok {
		return Null(out)
	}
	return Long(int64(c))
}

func ipv6IsMatch(_ *Env, out kql.Type, args []Value) Value {
	c, ok := compare6(args)
	if !ok {
		return Null(out)
	}
	return Bool(c == 0)
}

func (b block6) meets(o block6) bool {
	prefix := min(b.prefix, o.prefix)
	return b.masked(prefix) == o.masked(prefix)
}

func ipv6IsInRange(_ *Env, out kql.Type, args []Value) Value {
	b, okIP := block6Of(args[0])
	r, okRange := block6Of(args[1])
	if !okIP || !okRange {
		return Null(out)
	}
	return Bool(b.meets(r))
}

// ipv6IsInAnyRange is as [ipv4IsInAnyRange].
func ipv6IsInAnyRange(_ *Env, out kql.Type, args []Value) Value {
	b, ok := block6Of(args[0])
	if !ok {
		return Null(out)
	}
	for _, a := range args[1:] {
		ranges, isList := arrayItems(a)
		if !isList {
			ranges = []Value{a}
		}
		for _, item := range ranges {
			if r, ok := block6Of(item); ok && b.meets(r) {
				return Bool(true)
			}
		}
	}
	return Bool(false)
}
