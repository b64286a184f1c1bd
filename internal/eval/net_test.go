package eval_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

func TestAddresses(t *testing.T) {
	checkExpressions(t, `
		parse_ipv4("192.168.1.1") = 3232235777
		parse_ipv4("192.168.1.1/24") = 3232235776
		parse_ipv4("0.0.0.0/0") = 0
		parse_ipv4("256.1.1.1") = null
		parse_ipv4("1.2.3") = null
		parse_ipv4("1.2.3.4/33") = null
		parse_ipv4("1.2.3.4/") = null
		parse_ipv4(" 1.2.3.4") = null
		parse_ipv4("") = null
		parse_ipv4_mask("192.168.255.255", 24) = 3232300800
		parse_ipv4_mask("192.168.255.255/16", 24) = 3232235520
		parse_ipv4_mask("192.168.255.255", 33) = null
		format_ipv4("192.168.1.255", 24) = "192.168.1.0"
		format_ipv4(3232235777) = "192.168.1.1"
		format_ipv4(-1) = ""
		format_ipv4("x") = ""
		format_ipv4_mask("192.168.1.255/16", 24) = "192.168.0.0/16"
		ipv4_netmask_suffix("10.1.2.3/8") = 8
		ipv4_netmask_suffix("10.1.2.3") = 32
		ipv4_netmask_suffix("ten") = null
		ipv4_is_private("10.255.255.255") = true
		ipv4_is_private("172.15.255.255") = false
		ipv4_is_private("172.16.0.0") = true
		ipv4_is_private("172.31.255.255") = true
		ipv4_is_private("172.32.0.0") = false
		ipv4_is_private("192.168.1.1/24") = true
		ipv4_is_private("127.0.0.1") = false
		ipv4_is_private("fe80::1") = null
		ipv4_is_private("") = null
		ipv4_compare("1.2.3.4", "1.2.3.5") = -1
		ipv4_compare("1.2.3.9", "1.2.3.5") = 1
		ipv4_compare("1.2.3.4/24", "1.2.3.5") = 0
		ipv4_compare("1.2.3.4", "1.2.3.5", 31) = 0
		ipv4_compare("1.2.3.4", "1.2.3.5", 40) = null
		ipv4_is_match("1.2.3.4/24", "1.2.3.5/30") = true
		ipv4_is_match("1.2.3.4", "x") = null
		ipv4_is_in_range("192.168.1.6", "192.168.1.1/24") = true
		ipv4_is_in_range("192.168.2.6", "192.168.1.1/24") = false
		ipv4_is_in_range("192.168.2.6", "all") = null
		ipv4_is_in_any_range("192.168.1.6", "bad", "10.0.0.1/8", "192.168.1.1/24") = true
		ipv4_is_in_any_range("11.0.0.1", dynamic(["10.0.0.0/8", "x", 5])) = false
		ipv4_is_in_any_range("10.0.0.1", dynamic(["10.0.0.0/8", "x", 5])) = true
		ipv4_is_in_any_range("x", dynamic(["10.0.0.0/8"])) = null
		ipv4_range_to_cidr_list("1.1.128.0", "1.1.140.255") = ["1.1.128.0/21","1.1.136.0/22","1.1.140.0/24"]
		ipv4_range_to_cidr_list("0.0.0.0", "255.255.255.255") = ["0.0.0.0/0"]
		ipv4_range_to_cidr_list("1.1.1.1", "1.1.1.1") = ["1.1.1.1/32"]
		ipv4_range_to_cidr_list("1.1.1.2", "1.1.1.1") = null
		has_ipv4("05:04:54 127.0.0.1 GET /favicon.ico 404", "127.0.0.1") = true
		has_ipv4("05:04:54 127.0.0.256 GET /favicon.ico 404", "127.0.0.256") = false
		has_ipv4("05:04:54127.0.0.1 GET /favicon.ico 404", "127.0.0.1") = false
		has_ipv4("from 127.0.0.1", "127.0.0.1") = true
		has_ipv4("127.0.0.11", "127.0.0.1") = false
		has_ipv4("(127.0.0.1)", "127.0.0.1") = true
		has_ipv4("ж127.0.0.1", "127.0.0.1") = false
		has_any_ipv4("a 1.2.3.4;5.6.7.8", "9.9.9.9", "5.6.7.8") = true
		has_any_ipv4("a 1.2.3.4", dynamic(["9.9.9.9", "1.2.3.4"])) = true
		has_any_ipv4("a 1.2.3.4", dynamic([])) = false
		has_ipv4_prefix("05:04:54 127.0.0.1 GET /favicon.ico 404", "127.0.") = true
		has_ipv4_prefix("05:04:54 127.0.0.1 GET /favicon.ico 404", "127.0") = false
		has_ipv4_prefix("05:04:54 127.0.0.256 GET /favicon.ico 404", "127.0.") = false
		has_ipv4_prefix("05:04:54127.0.0.1 GET /favicon.ico 404", "127.0.") = false
		has_ipv4_prefix("at 127.0.0.1", "127.0.0.1") = true
		has_any_ipv4_prefix("at 10.2.3.4", dynamic(["192.168.", "10."])) = true
		has_any_ipv4_prefix("at 100.2.3.4", dynamic(["192.168.", "10."])) = false
		parse_ipv6("127.0.0.1") = "0000:0000:0000:0000:0000:ffff:7f00:0001"
		parse_ipv6("fe80::85d:e82c:9446:7994") = "fe80:0000:0000:0000:085d:e82c:9446:7994"
		parse_ipv6("fe80::1%eth0") = ""
		parse_ipv6("no") = ""
		parse_ipv6_mask("192.168.255.255", 120) = "0000:0000:0000:0000:0000:ffff:c0a8:ff00"
		parse_ipv6_mask("192.168.255.255/24", 124) = "0000:0000:0000:0000:0000:ffff:c0a8:ff00"
		parse_ipv6_mask("::192.168.255.255/24", 128) = "0000:0000:0000:0000:0000:ffff:c0a8:ff00"
		parse_ipv6_mask("fe80::85d:e82c:9446:7994/120", 124) = "fe80:0000:0000:0000:085d:e82c:9446:7900"
		ipv6_compare("::ffff:7f00:1", "127.0.0.1") = 0
		ipv6_compare("fe80::1", "fe80::2") = -1
		ipv6_compare("fe80::1/120", "fe80::2") = 0
		ipv6_compare("fe80::1", "fe80::2", 120) = 0
		ipv6_compare("fe80::1", "x") = null
		ipv6_is_match("fe80::85d:e82c:9446:7994/113", "fe80::85d:e82c:9446:7995/116") = true
		ipv6_is_in_range("a5e:f127:8a9d:146d:e102:b5d3:c755:abcd", "a5e:f127:8a9d:146d:e102:b5d3:c755:0/112") = true
		ipv6_is_in_range("a5e:f127:8a9d:146d:e102:b5d3:c756:abcd", "a5e:f127:8a9d:146d:e102:b5d3:c755:0/112") = false
		ipv6_is_in_any_range("192.168.1.1", dynamic(["bad", "192.168.0.0/16"])) = true
		ipv6_is_in_any_range("bad", dynamic(["192.168.0.0/16"])) = null`)
}

func quadText(n uint32) string { return fmt.Sprintf("%d.%d.%d.%d", n>>24, n>>16&255, n>>8&255, n&255) }

// A list of ranges, which is read once, must say what its ranges say one by one.
func TestListOfRanges(t *testing.T) {
	block := rapid.Custom(func(t *rapid.T) string {
		addr := rapid.Uint32Range(0, 0xfff).Draw(t, "addr") << 20
		text := quadText(addr | rapid.Uint32Range(0, 3).Draw(t, "low"))
		if rapid.Bool().Draw(t, "prefixed") {
			text += fmt.Sprintf("/%d", rapid.IntRange(0, 32).Draw(t, "prefix"))
		}
		return text
	})
	one, _ := eval.Scalar(plan.FnIpv4IsInRange)
	anyOf, _ := eval.Scalar(plan.FnIpv4IsInAnyRange)
	rapid.Check(t, func(t *rapid.T) {
		ip := eval.String(block.Draw(t, "ip"))
		list := rapid.SliceOfN(block, 0, 12).Draw(t, "list")
		items, want := make([]eval.Value, len(list)), false
		env := &eval.Env{}
		for i, r := range list {
			items[i] = eval.String(r)
			want = want || one(env, kql.TypeBool, []eval.Value{ip, items[i]}).Bool()
		}
		array := eval.Array(items)
		for range 2 { // the second time out of the cache
			if got := anyOf(env, kql.TypeBool, []eval.Value{ip, array}).Bool(); got != want {
				t.Errorf("%s in %v: %v, not %v", ip.Str(), list, got, want)
			}
		}
	})
}

// The blocks of a range cover it, in order and without a gap, and no two of them are one block.
func TestRangeToBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint32().Draw(t, "first")
		last := first + rapid.Uint32Range(0, 5000).Draw(t, "more")
		if last < first {
			last = 0xffffffff
		}
		list := call(plan.FnIpv4RangeToCidrList, kql.TypeDynamic, eval.String(quadText(first)), eval.String(quadText(last)))
		at := uint64(first)
		for _, b := range list.Tree().Items {
			start := call(plan.FnParseIpv4, kql.TypeLong, b).Int()
			prefix := call(plan.FnIpv4NetmaskSuffix, kql.TypeLong, b).Int()
			if uint64(start) != at {
				t.Fatalf("%s begins at %d, not %d", b.Str(), start, at)
			}
			at += 1 << (32 - prefix)
		}
		if at != uint64(last)+1 {
			t.Errorf("the blocks end before %d, not %d", at, uint64(last)+1)
		}
		if n := len(list.Tree().Items); n > 2*13 {
			t.Errorf("%d blocks for %d addresses", n, last-first+1)
		}
	})
}
