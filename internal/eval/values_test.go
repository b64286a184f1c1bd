package eval_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	_ "time/tzdata" // the zones must not depend on what the machine has

	"drumbeat/internal/eval"
)

// TestLongText makes texts that would double and double.
func TestLongText(t *testing.T) {
	const kilo = `strrep("a", 1024)`
	for _, expr := range []string{
		`replace_string(replace_string(` + kilo + `, "a", ` + kilo + `), "a", ` + kilo + `)`,
		`replace_regex(replace_regex(` + kilo + `, "a", ` + kilo + `), "a", ` + kilo + `)`,
		`strrep(strrep(` + kilo + `, 1024), 1024)`,
		`replace_strings(` + kilo + `, dynamic(["a", "b"]), pack_array(strrep("b", 1024), strrep("c", 1024)))`,
		`strcat_array(repeat(strrep(` + kilo + `, 1024), 100), "")`,
		strings.Repeat(`tostring(pack("\"", `, 20) + `"\""` + strings.Repeat("))", 20),
		`strcat_delim(strrep(` + kilo + `, 1024), "", "", "", "", "", "")`,
	} {
		var long *eval.TextError
		if _, err := evaluate(expr); !errors.As(err, &long) {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

// TestExpressions asks for the values of expressions. The results are written as JSON.
func TestExpressions(t *testing.T) {
	for _, c := range []struct{ group, exprs string }{
		{"null rules", `
			int(null) == 5 = false
			int(null) != 5 = true
			int(null) == int(null) = null
			int(null) != int(null) = null
			int(null) < 5 = null
			5 >= long(null) = null
			int(null) in (1, 2) = false
			int(null) !in (1, 2) = true
			3 in (1, int(null)) = false
			3 between (int(null) .. 5) = null
			not(bool(null)) = null
			bool(null) and false = false
			bool(null) and true = null
			bool(null) or true = true
			bool(null) or false = null
			iff(bool(null), 1, 2) = 2
			case(bool(null), 1, false, 2, 3) = 3
			isnull("") = false
			isempty("") = true
			isempty(int(null)) = true
			isempty(" ") = false
			isnotempty(dynamic("")) = false
			coalesce("", "x") = "x"
			coalesce(int(null), 0) = 0
			max_of(int(null), 3, 2) = 3
			min_of(int(null), int(null)) = null
			tostring(long(null)) = ""
			strcat("a", int(null), "b") = "ab"
			real(nan) == real(nan) = false
			real(nan) != real(nan) = true
			real(nan) in (real(nan)) = false
			1.0 < real(nan) = false`},
		{"comparisons between types", `
			1 == 1.0 = true
			int(3) < 3.5 = true
			80 == "80" = true
			80 == "eighty" = false
			80 != "eighty" = true
			"443" in (443, 53) = true
			dynamic(9.99) == 9 = false
			dynamic(9) == 9.0 = true
			dynamic("a") == "a" = true
			dynamic("5") == 5 = true
			dynamic([1,2]) == "[1,2]" = true
			dynamic([1,2]) == dynamic([1,2]) = true
			dynamic({"a":1,"b":2}) == dynamic({"b":2,"a":1}) = true
			dynamic([1]) == dynamic(["1"]) = false
			dynamic(null) == 5 = false
			datetime(2024-01-02) == dynamic("2024-01-02") = true
			true > false = true
			decimal(1.10) == decimal(1.1) = true
			5 between (1 .. 5) = true
			6 !between (1 .. 5) = true
			datetime(2024-01-02) between (datetime(2024-01-01) .. 1d) = true
			"b" in ("a", "B") = false
			"b" in~ ("a", "B") = true
			"b" !in~ ("a", "B") = false
			7 in (dynamic([1,2,7])) = true
			"Q" in~ (dynamic(["a","b","c","d","e","f","g","h","q"])) = true
			5.0 in (dynamic([1,2,3,4,5,6,7,8,9])) = true
			"x" in (dynamic([])) = false
			around(4, 5, 1) = true
			around(3, 5, 1) = false
			around(datetime(2024-01-01 00:00:03), datetime(2024-01-01), 2s) = false`},
		{"arithmetic", `
			7 / 2 = 3
			-7 / 2 = -3
			7 / 0 = null
			7 % 0 = null
			-7 % 3 = 2
			7 % -3 = 1
			-7.5 % 2 = 0.5
			1.0 / 0 = "Infinity"
			tolong("9223372036854775807") + 1 = -9223372036854775808
			long(min) / -1 = -9223372036854775808
			-(1d) = "-1.00:00:00"
			1d / 6h = 4.0
			1d / 5 = "04:48:00"
			1d * 0.7 = "16:48:00"
			1h % 25m = "00:10:00"
			datetime(2024-03-01) - 1d = "2024-02-29T00:00:00.0000000Z"
			datetime(9999-12-31) + 1d = null
			datetime(0001-01-01) - 1tick = null
			datetime(2024-01-01) + time(10675199.02:48:05.4775807) = null
			datetime(2024-01-02) - datetime(2024-01-01 12:00) = "12:00:00"
			dynamic(2) * 1.5 = 3.0
			dynamic("a") + 1 = null
			binary_and(12, 10) = 8
			binary_or(12, 10) = 14
			binary_xor(12, 10) = 6
			binary_not(0) = -1
			binary_shift_left(1, 65) = 2
			binary_shift_right(-8, 1) = -4
			binary_shift_left(1, -1) = null
			bitset_count_ones(255) = 8`},
		{"decimals", `
			decimal(1) / decimal(3) = 0.3333333333333333333333333333333333
			decimal(2) / decimal(3) = 0.6666666666666666666666666666666667
			decimal(0.1) + decimal(0.2) = 0.3
			decimal(1.50) * decimal(2) = 3
			decimal(-7) % decimal(3) = 2
			decimal(1) / decimal(0) = null
			tostring(decimal(1.500)) = "1.5"
			tostring(todecimal("-0.0")) = "0"
			tostring(todecimal("1e3")) = "1000"
			tostring(todecimal("1e100")) = "1E100"
			todecimal("1e9999") = null
			todecimal("abc") = null
			tolong(decimal(9.99)) = 9
			toint(decimal(-9.99)) = -9
			tolong(todecimal("1e30")) = null
			todouble(decimal(1.25)) = 1.25
			round(decimal(2.345), 2) = 2.35
			abs(decimal(-1.5)) = 1.5
			decimal(1) < decimal(1.1) = true
			todecimal("1e200") > decimal(1) = true
			bin(decimal(7.3), decimal(2)) = 6`},
		{"conversions", `
			tolong("0xFF") = 255
			tolong(" 12 ") = 12
			tolong("-7") = -7
			tolong("3.9") = null
			tolong("") = null
			tolong("1_000") = null
			tolong(1e19) = 9223372036854775807
			tolong(real(+inf)) = null
			tolong(-2.9) = -2
			tolong(true) = 1
			tolong(1s) = 10000000
			toint("2147483648") = null
			toint(1e10) = 2147483647
			toint(tolong("4294967297")) = 1
			toreal("1e400") = "Infinity"
			toreal("1_0") = null
			toreal("0x10") = null
			toreal(" 2.5 ") = 2.5
			toreal(datetime(0001-01-01 00:00:01)) = 10000000.0
			tobool("TRUE") = true
			tobool("-1") = true
			tobool("0") = false
			tobool("1.0") = null
			tobool(0.5) = true
			tobool(dynamic([1])) = null
			todatetime("2024-02-30") = null
			todatetime("max") = null
			todatetime("2024-05-01T12:00:00+02:00") = "2024-05-01T10:00:00.0000000Z"
			todatetime(638501184000000000) = "2024-05-01T00:00:00.0000000Z"
			todatetime(-1) = null
			totimespan("0.12:34:56.7") = "12:34:56.7000000"
			totimespan("1.5") = null
			totimespan("2") = "2.00:00:00"
			totimespan("90s") = "00:01:30"
			toguid("{0123456789ABCDEF0123456789abcdef}") = "01234567-89ab-cdef-0123-456789abcdef"
			toguid("xyz") = null
			tostring(true) = "True"
			tostring(dynamic(true)) = "true"
			tostring(1.0) = "1.0"
			tostring(0.1 + 0.2) = "0.30000000000000007"
			tostring(2.0/3) = "0.6666666666666666"
			tostring(-0.0) = "-0.0"
			tostring(1e15) = "1000000000000000.0"
			tostring(1e16) = "1e+16"
			tostring(0.0001) = "0.0001"
			tostring(0.00001) = "1e-05"
			tostring(123.456) = "123.456"
			tostring(real(nan)) = "NaN"
			tostring(real(-inf)) = "-inf"
			tostring(-1.5h) = "-01:30:00"
			tostring(timespan(min)) = "-10675199.02:48:05.4775808"
			tostring(dynamic({"a":[1,2.5,null,"x\u0001\"\\é"]})) = "{\"a\":[1,2.5,null,\"x\\u0001\\\"\\\\é\"]}"
			gettype(dynamic(null)) = "null"
			gettype(int(null)) = "int"
			gettype(dynamic(1.5)) = "double"
			gettype(dynamic({})) = "dictionary"
			gettype(dynamic([])) = "array"
			gettype(1d) = "timespan"
			tohex(256) = "100"
			tohex(-256) = "ffffffffffffff00"
			tohex(256, 8) = "00000100"
			extract_json("$.hosts[1]['na.me']", '{"hosts":[1,{"na.me":"x"}]}') = "x"
			extract_json("$.a", '{"a":5}', typeof(long)) = 5
			extract_json("$.a.b", '{"a":5}') = ""
			extract_json("a", '{"a":5}') = ""`},
		{"text operators", `
			"alpha_beta" has "alpha" = true
			"alphabeta" has "alpha" = false
			"10.0.0.1 x" has "10.0." = true
			"110.0.0.1" has "10.0." = false
			"say NAÏVE" has "naïve" = true
			"naïve" has "naive" = false
			"a b c" has "b c" = true
			"x" has "" = true
			"x" !has "" = false
			"termterm term" has "term" = true
			"12.34" has "2.3" = false
			"(end)" has "end)" = true
			"Kelvin" has "kelvin" = true
			"hello world" hasprefix "wor" = true
			"hello world" hasprefix "orld" = false
			"hello world" hassuffix "RLD" = true
			"hello world" hassuffix_cs "RLD" = false
			"hello" has_cs "Hello" = false
			"Straße" contains "STRASSE" = false
			"MÜNCHEN" contains "ünch" = true
			"abc" contains "" = true
			"abc" !contains "B" = false
			"abc" contains_cs "B" = false
			"Ünal" startswith "ü" = true
			"abc" startswith "abcd" = false
			"abcÜ" endswith "CÜ" = true
			"abc" !endswith "C" = false
			"aB" =~ "Ab" = true
			"ÉCOLE" =~ "école" = true
			"ab" !~ "abc" = true
			"a b" has_any ("x", "B") = true
			"a b" has_any (dynamic(["x", "y"])) = false
			"a b" has_all ("a", "b") = true
			"a b" has_all ("a", "c") = false
			"a b" has_any (dynamic([])) = false
			has_any_index("a b", dynamic(["x", "B"])) = 1
			dynamic(["x","y"]) has "x" = true
			dynamic(null) has "x" = false`},
		{"text functions", `
			strlen("é😀") = 2
			string_size("é") = 2
			toupper("straße") = "STRAßE"
			substring("añb😀c", 1, 3) = "ñb😀"
			substring("abc", -2, 1) = "b"
			substring("abc", -4, 9) = ""
			substring("abc", 1, -1) = ""
			substring("abc", 9) = ""
			indexof("añbañb", "b") = 2
			indexof("añbañb", "b", 3) = 5
			indexof("añbañb", "b", 0, -1, 2) = 5
			indexof("añbañb", "b", 0, 2) = -1
			indexof("añbañb", "b", -1) = 5
			indexof("abc", "") = null
			indexof("abc", "c", 0, -2) = null
			countof("aaaa", "aa") = 3
			countof("aaaa", "aa", "regex") = 2
			countof("abc", "") = 0
			reverse("añ😀") = "😀ña"
			split("a,b,,c", ",") = ["a","b","","c"]
			split("a,b", ",", 1) = ["b"]
			split("a,b", ",", 7) = []
			split("ab", "") = ["ab"]
			replace_string("aXbX", "X", "") = "ab"
			replace_strings("a.b.c", dynamic(["a", "b"]), dynamic(["b", "x"])) = "x.x.c"
			translate("krasp", "otsku", "spark") = "kusto"
			translate("abc", "", "xabcy") = "xy"
			translate("abc", "x", "a-b-c") = "x-x-x"
			strcat_delim("-", 1, "b", 2.5) = "1-b-2.5"
			strcat_array(dynamic(["a", null, 1]), "|") = "a||1"
			strcmp("b", "a") = 1
			strrep("ab", 3, "-") = "ab-ab-ab"
			strlen(strrep("a", 5000)) = 1024
			isascii("é") = false
			unicode_codepoints_from_string("é😀") = [233,128512]
			unicode_codepoints_to_string(72, dynamic([105, 33])) = "Hi!"
			url_encode("a b&é") = "a+b%26%c3%a9"
			url_encode_component("a b/~") = "a%20b%2f%7e"
			url_decode("a%20b%zz+%c3%a9") = "a b%zz é"
			base64_encode_tostring("Kusto") = "S3VzdG8="
			base64_decode_tostring("S3VzdG8=") = "Kusto"
			base64_decode_tostring("S3VzdG8") = ""
			base64_decode_tostring("//8=") = ""
			base64_decode_toarray("AP8=") = [0,255]
			base64_encode_fromarray(dynamic([0, 255])) = "AP8="
			base64_encode_fromarray(dynamic([256])) = ""
			base64_encode_fromguid(toguid("ae3133f2-6e22-49ae-b06a-16e6a9b212eb")) = "8jMxriJurkmwahbmqbIS6w=="
			base64_decode_toguid("8jMxriJurkmwahbmqbIS6w==") = "ae3133f2-6e22-49ae-b06a-16e6a9b212eb"
			punycode_from_string("académie-française") = "acadmie-franaise-npb1a"
			punycode_to_string("acadmie-franaise-npb1a") = "académie-française"
			punycode_domain_from_string("bücher.example") = "xn--bcher-kva.example"
			punycode_domain_to_string("xn--bcher-kva.example") = "bücher.example"
			punycode_to_string("99999999") = ""`},
		{"regular expressions", `
			"Call 555" matches regex @"\d+" = true
			"１２" matches regex @"^\d+$" = true
			"１２" matches regex @"\D" = false
			"é_1" matches regex @"^\w+$" = true
			"a\u00a0b" matches regex @"a\sb" = true
			"a\u00a0b" matches regex @"a[\s]b" = true
			"]" matches regex "^[]]$" = true
			"x" matches regex @"^[[:alpha:]\d]$" = true
			extract(@"(\w+)@(\w+)", 2, "me@host") = "host"
			extract(@"(\w+)@(\w+)", 0, "me@host") = "me@host"
			extract(@"(\w+)@(\w+)", 3, "me@host") = ""
			extract(@"(\d+)", 1, "x42", typeof(long)) = 42
			extract(@"(\d+)", 1, "x", typeof(long)) = null
			extract(@"(?<n>\d+)", 1, "x42") = "42"
			extract_all(@"(\d)", "a1b2") = ["1","2"]
			extract_all(@"(\w)(\d)", "a1b2") = [["a","1"],["b","2"]]
			extract_all(@"(?P<l>\w)(?P<d>\d)", dynamic(["d"]), "a1b2") = ["1","2"]
			extract_all(@"(\d)", "none") = []
			replace_regex("a1b2", @"(\w)(\d)", @"\2\1") = "1a2b"
			replace_regex("a1", @"\d", @"[\0]$") = "a[1]$"
			replace_regex("a1", @"(\d)", "<$1>") = "a<1>"
			replace(@"(\d)", @"<\1>", "a1") = "a<1>"
			trim(@"\s", "  pad  ") = " pad "
			trim(@"\s+", "  pad  ") = "pad"
			trim_start("--", "--x--") = "x--"
			trim_end("--", "--x--") = "--x"
			trim("a|ab", "abxab") = "bx"
			indexof_regex("abcabc", "a.c", 1) = 3
			indexof_regex("abcabc", "a.c", -1) = null
			regex_quote("a.b(c") = "a\\.b\\(c"`},
		{"numbers", `
			round(2.5) = 3.0
			round(-2.5) = -3.0
			round(2.345, 1) = 2.3
			round(1250, -2) = 1300
			round(1e300, 15) = 1e+300
			ceiling(1.1) = 2.0
			ceiling(-1.1) = -1.0
			abs(-5) = 5
			abs(-1d) = "1.00:00:00"
			sign(-3) = -1.0
			pow(2, 10) = 1024.0
			pow(-8, 1.0/3) = "NaN"
			sqrt(-1) = "NaN"
			log(0) = "-Infinity"
			log10(1000) = 3.0
			exp10(3) = 1000.0
			isnan(real(nan)) = true
			isinf(real(-inf)) = true
			isfinite(1.5) = true
			gamma(5) = 24.0
			round(loggamma(10), 6) = 12.801827
			round(erf(1), 6) = 0.842701
			round(beta_cdf(0.2, 10.0, 50.0), 6) = 0.76842
			round(beta_inv(0.1, 10.0, 50.0), 4) = 0.1081
			round(beta_pdf(0.5, 10.0, 2.0), 6) = 0.107422
			beta_cdf(2, 1, 1) = null
			bin(-5, 2) = -6
			bin(5.5, 2) = 4.0
			bin(7, 0) = null
			bin(7, -1) = null
			bin(int(7), int(2)) = 6
			bin(1d + 1h, 7h) = "21:00:00"
			bin_at(6.5, 2.5, 7) = 4.5
			bin_at(1h, 1d, 12h) = "-12:00:00"
			format_bytes(564) = "564 B"
			format_bytes(10332, 1) = "10.1 KB"
			format_bytes(20010332) = "19 MB"
			format_bytes(20010332, 2) = "19.08 MB"
			format_bytes(20010332, 0, "KB") = "19541 KB"
			format_bytes(1, 0, "XB") = ""
			convert_length(1, "Mile", "Foot") = 5280.0
			round(convert_temperature(212, "DegreeFahrenheit", "DegreeCelsius"), 9) = 100.0
			convert_volume(1, "UsGallon", "UsQuart") = 4.0
			convert_mass(1, "Tonne", "Nothing") = null`},
		{"dates", `
			now() = "2024-05-01T00:00:00.0000000Z"
			now(-1h) = "2024-04-30T23:00:00.0000000Z"
			ago(1d) = "2024-04-30T00:00:00.0000000Z"
			startofweek(datetime(2024-05-01 13:00)) = "2024-04-28T00:00:00.0000000Z"
			startofweek(datetime(2024-05-01), -1) = "2024-04-21T00:00:00.0000000Z"
			endofweek(datetime(2024-05-01)) = "2024-05-04T23:59:59.9999999Z"
			startofmonth(datetime(2024-01-31), 1) = "2024-02-01T00:00:00.0000000Z"
			endofmonth(datetime(2023-12-31)) = "2023-12-31T23:59:59.9999999Z"
			endofyear(datetime(9999-01-01)) = "9999-12-31T23:59:59.9999999Z"
			startofday(datetime(0001-01-01), -1) = null
			startofyear(datetime(2024-05-01), 10000) = null
			dayofweek(datetime(2024-05-01)) = "3.00:00:00"
			dayofweek(datetime(9999-12-31)) = null
			dayofyear(datetime(2024-12-31)) = 366
			week_of_year(datetime(2030-12-31)) = 1
			week_of_year(datetime(2021-01-03)) = 53
			getmonth(datetime(2024-02-29)) = 2
			datetime_part("quarter", datetime(2024-05-01)) = 2
			datetime_part("microsecond", datetime(2017-10-30 01:02:03.7654321)) = 765432
			datetime_part("nanosecond", datetime(2017-10-30 01:02:03.7654321)) = 765432100
			datetime_add("month", 1, datetime(2024-01-31)) = "2024-02-29T00:00:00.0000000Z"
			datetime_add("year", -1, datetime(2024-02-29)) = "2023-02-28T00:00:00.0000000Z"
			datetime_add("hour", 9223372036854775807, datetime(2024-01-01)) = null
			datetime_add("year", 9000, datetime(2024-01-01)) = null
			datetime_diff("week", datetime(2024-05-05), datetime(2024-05-04)) = 1
			datetime_diff("day", datetime(2024-05-01 23:00), datetime(2024-05-01 01:00)) = 0
			datetime_diff("Month", datetime(2024-01-01), datetime(2023-12-31)) = 1
			datetime_diff("nanosecond", datetime(2024-01-01), datetime(2024-01-01 00:00:00.0000002)) = -200
			make_datetime(2024, 2, 30) = null
			make_datetime(2024, 2, 29, 23, 59, 59.5) = "2024-02-29T23:59:59.5000000Z"
			make_timespan(1, 30) = "01:30:00"
			make_timespan(25, 0) = null
			make_timespan(2, 3, 4, 5) = "2.03:04:05"
			unixtime_seconds_todatetime(1546300800) = "2019-01-01T00:00:00.0000000Z"
			unixtime_seconds_todatetime(-0.5) = "1969-12-31T23:59:59.5000000Z"
			unixtime_nanoseconds_todatetime(199) = "1970-01-01T00:00:00.0000001Z"
			unixtime_seconds_todatetime(9223372036854775807) = null
			datetime_utc_to_local(datetime(2024-07-01 12:00), "Europe/Berlin") = "2024-07-01T14:00:00.0000000Z"
			datetime_local_to_utc(datetime(2024-01-01 12:00:00.5), "US/Pacific") = "2024-01-01T20:00:00.5000000Z"
			datetime_local_to_utc(datetime(2024-01-01), "No/Where") = null
			datetime_local_to_utc(datetime(2024-01-01), "Local") = null
			format_datetime(datetime(2024-05-01 15:04:05.06), "yyyy-MM-dd [HH:mm:ss.fff]") = "2024-05-01 [15:04:05.060]"
			format_datetime(datetime(2024-05-01 15:04:05), "y/M/d h:m:s tt") = "24/5/1 3:4:5 PM"
			format_datetime(datetime(2024-05-01 00:04:05), "hh:mm tt") = "12:04 AM"
			format_datetime(datetime(2024-05-01 15:04:05.06), "ss.FFF") = "05.06"
			format_datetime(datetime(2024-05-01 15:04:05), "ss.FFF") = "05"
			format_datetime(datetime(null), "yyyy") = ""
			format_timespan(29d + 9h + 5s + 120ms, "dd.hh:mm:ss:FF") = "29.09:00:05:12"
			format_timespan(-90m, "h:mm") = "-1:30"
			bin(datetime(1955-11-05 06:15), 7d) = "1955-10-31T00:00:00.0000000Z"
			bin_at(datetime(2017-05-17 10:20), 7d, datetime(2017-06-04)) = "2017-05-14T00:00:00.0000000Z"`},
	} {
		t.Run(c.group, func(t *testing.T) { checkExpressions(t, c.exprs) })
	}
}

// checkExpressions reads lines "expression = JSON".
func checkExpressions(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		at := strings.LastIndex(line, " = ")
		if at < 0 {
			continue
		}
		expr, want := strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+3:])
		if got := valueText(expr); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", expr, got, want)
		}
	}
}

// valueText gives the value of an expression as JSON, a decimal as its digits.
func valueText(expr string) string {
	v, err := evaluate(expr)
	if err != nil {
		return fmt.Sprintf("error: %v", err)
	}
	return text(v)
}
