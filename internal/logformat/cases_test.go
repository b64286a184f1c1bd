package logformat

import "strings"

// What the session of lines_test.go becomes, after its time.
const (
	whole = "2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:443 4711/633 fw-a - A"
	fine  = "2026-03-02T10:00:05.25Z 10.20.0.5 198.51.100.7:443 4711/633 fw-a - A"
	short = "2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:? ?/? - - A"
	// Strata has "in" and "out" the other way round, and the type in the class ID.
	cloud = "2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:443 633/4711 fw-a - C"
)

// Outcomes.
const (
	unknown    = "rejected: no format that is known"
	cutHeader  = "rejected: CEF header cut short: seven fields are needed"
	cutFields  = "rejected: CSV record cut short: 34 fields are needed"
	fieldOrder = "rejected: CSV fields are not in the order of PAN-OS: TRAFFIC must be the fourth"
	noTime     = "rejected: no time that can be read"
	noYear     = "rejected: time without a year, and nothing near it tells the year (give --now)"
	noAddress  = "rejected: neither source nor destination address"
	notAsked   = "rejected: another format than --input asks for"
	binaryData = "rejected: binary data"
)

func lines(l ...string) string { return strings.Join(l, "\n") }

// headerCases are about what stands before a record, and about CEF headers.
func headerCases() []lineCase {
	rec := onbox("9.1")
	bare := strings.TrimPrefix(rec, "CEF:")
	head := "CEF:0|Palo Alto Networks|PAN-OS|"
	ext := trimmed("")[len(head):]
	ext = ext[strings.Index(ext, "|1|")+3:]
	return []lineCase{
		{shows: "no prefix", in: rec, want: whole},
		{shows: "RFC 3164 with a priority", in: "<14>Mar  2 10:00:07 fw-a.example.net " + rec, want: whole},
		{shows: "RFC 3164 without a priority", in: "Mar 02 10:00:07 fw-a " + rec, want: whole},
		{shows: "a year in the RFC 3164 header", in: "<14>Mar 2 2026 10:00:07 fw-a : " + rec, want: whole},
		{shows: "RFC 5424", in: "<14>1 2026-03-02T03:00:07-07:00 fw-a - - - - " + rec, want: whole},
		{
			shows: "RFC 5424 with structured data and a byte order mark before the message",
			in:    `<14>1 2026-03-02T03:00:07.123456-07:00 fw-a panos 77 ID5 [x@1 k="v \] w"] ` + "\ufeff" + rec, want: whole,
		},
		{shows: "a right octet count", in: "1024 <14>Mar  2 10:00:07 fw-a " + rec, want: whole},
		{shows: "a wrong octet count", in: "3 <14>1 2026-03-02T10:00:07Z fw-a - - - - " + rec, want: whole},
		{shows: "two syslog headers", in: "Mar 2 10:00:07 relay 4581 <14>1 2026-03-02T10:00:07.869Z s-1 f - p - " + rec, want: whole},
		{shows: "ISO time of a relay", in: "2026-03-02T10:00:07.1+00:00 fw-a " + rec, want: whole},
		{shows: "a priority alone", in: "<14>" + rec, want: whole},
		{shows: "tag form, a blank after the tag", in: "Mar 2 10:00:07 relay CEF: " + bare, want: whole},
		{shows: "tag form with a process ID", in: "<13>Mar 2 10:00:07 relay logger[12]: CEF: " + bare, want: whole},
		{shows: "no tag", in: bare, want: whole},
		{shows: "no tag after a header", in: "<14>Mar  2 10:00:07 fw-a " + bare, want: whole},
		{shows: "version 1", in: "CEF:1" + bare[1:], want: whole},
		{shows: "version with a point", in: "CEF:0.1" + bare[1:], want: whole},
		{shows: "a version that is none", in: "CEF:x" + bare[1:], want: cutHeader},
		{shows: "a tag in the prefix that opens no record", in: "note CEF:none " + rec, want: whole},
		{shows: "byte order mark, carriage return, blanks and NULs round a line", in: "\ufeff" + rec + " \x00\r", want: whole},
		{shows: "NULs before a line, as rotation leaves them", in: "\x00\x00\x00" + rec, want: whole},
		{shows: "a JSON string", in: `"<14>` + strings.ReplaceAll(onbox("9.1"), `\`, `\\`) + `"`, want: whole},
		{shows: "a JSON string with escaped quotes", in: `"` + onbox("9.1", `cs1=the \"web\" rule`) + `\r\n"`, want: whole},
		{shows: "a quote that opens no JSON string", in: `"x ` + rec, want: whole},
		{
			shows: "a header of each version and subtype",
			in: lines(onbox("8.0"), onbox("8.1"), onbox("9.0"), onbox("9.1"), onbox("10.0"), onbox("10.2.9-h1"), onbox("11.1.2"),
				strings.Replace(rec, "|end|", "|start|", 1), strings.Replace(rec, "|end|", "|drop|", 1),
				strings.Replace(rec, "|end|", "|deny|", 1), strings.Replace(rec, "|end|", "||", 1)),
			want: lines(whole, whole, whole, whole, fine, fine, fine, whole, whole, whole, whole),
		},
		{shows: "escapes in a header", in: head + `10\|0\\|end|TRAFFIC|1|` + ext, want: short},
		{shows: "another escape in a header keeps its backslash", in: head + `10\n|end|TRAFFIC|1|` + ext, want: short},
		{shows: "bars in the extension are plain", in: trimmed("cs1=a|b|c msg=|"), want: short},
		{
			shows: "type in another case: a flow, but not to the founding rule",
			in:    lines(head+"10|end|Traffic|1|"+ext, head+"10|traffic|end|1|"+ext, "CEF:0|PALO ALTO NETWORKS|PAN-OS|10|end|TRAFFIC|1|"+ext),
			want:  lines(short[:len(short)-1]+"C", short[:len(short)-1]+"C", short[:len(short)-1]+"C"),
		},
		{shows: "type in the class ID", in: head + "10|TRAFFIC|end|1|" + ext, want: short[:len(short)-1] + "C"},
		{
			shows: "headers cut short",
			in:    lines("CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC", "CEF:0|Palo", "<14>Mar 2 10:00:07 fw-a CEF:", "CEF:0|a|b|c|d|e|f"),
			want:  lines(cutHeader, cutHeader, cutHeader, cutHeader),
		},
		{shows: "nothing after the header", in: head + "10|end|TRAFFIC|1|", want: noTime},
		{
			shows: "a record that begins too far into a line",
			in:    lines(strings.Repeat("x", 1000)+" "+rec, strings.Repeat("x", 1020)+rec, strings.Repeat("x", 1100)+" "+rec),
			want:  lines(whole, cutHeader, unknown),
		},
		{
			shows: "lines that are no records",
			in: lines("", "   \r", "# a comment", "Mar  2 10:00:07 fw-a sshd[7]: session opened", "{\"a\":1}", "a,b,c", "\x1b[31mred",
				"\x01\x02\x03", "0|a|b", "<14>", "CEF", "TRAFFIC", "1,2,3,TRAFFIC"),
			want: lines("other: blank line", "other: blank line", unknown, unknown, unknown, unknown, unknown,
				binaryData, unknown, unknown, unknown, unknown, unknown),
		},
	}
}

// cefCases are about the extension of on-box CEF.
func cefCases() []lineCase {
	return []lineCase{
		{
			shows: "the aliases of trimmed templates, in any case",
			in: lines(
				"CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT srcip=10.20.0.5 dstip=198.51.100.7 "+
					"SourcePort=51724 DestinationPort=443 ApplicationProtocol=ssl transportprotocol=tcp total_in=633 total_out=4711 DeviceName=fw-a",
				"CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|RT=Mar 02 2026 10:00:05 GMT SourceIP=10.20.0.5 destinationip=198.51.100.7 "+
					"DPT=443 ReceivedBytes=633 SENTBYTES=4711 DVCHOST=fw-a SUID=s-1-5",
			),
			want: lines(whole, strings.Replace(whole, " - A", " s-1-5 A", 1)),
		},
		{shows: "no label at all", in: onbox("9.1", "-cs1Label", "-cs3Label", "-cn1Label", "-cn2Label", "-cn3Label"), want: whole},
		{
			shows: "blank values",
			in:    lines(onbox("9.1", "in=", "out=", "dpt=", "dvchost="), trimmed("in= out= dpt= dvchost= suid="), trimmed("in=  out=")),
			want:  lines("2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:? ?/? - - A", short, short),
		},
		{
			shows: "keys in another order",
			in: "CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|dvchost=fw-a out=4711 in=633 dpt=443 dst=198.51.100.7 src=10.20.0.5 " +
				"start=Mar 02 2026 10:00:05 GMT rt=Mar 02 2026 10:00:07 GMT",
			want: whole,
		},
		{
			shows: "times by preference: high resolution, start, receipt, header",
			in: lines(
				"<14>1 2026-03-02T04:05:06Z fw - - - - "+trimmed("PanTimeHighRes=2026-03-02T01:02:03.004Z start=Mar 02 2026 02:03:04 GMT"),
				"<14>1 2026-03-02T04:05:06Z fw - - - - "+trimmed("PanTimeHighRes= start=Mar 02 2026 02:03:04 GMT"),
				"<14>1 2026-03-02T04:05:06Z fw - - - - "+trimmed("PanTimeHighRes=soon start=never"),
				"<14>1 2026-03-02T04:05:06Z fw - - - - "+strings.Replace(trimmed(""), "rt=Mar", "rt=Foo", 1),
			),
			want: lines("2026-03-02T01:02:03.004Z"+short[20:], "2026-03-02T02:03:04Z"+short[20:], short,
				"2026-03-02T04:05:06Z"+short[20:]+" ! headerTime"),
		},
		{
			shows: "unresolved variables are unknown values",
			in: lines(trimmed("start=$cefformatted-time_generated in=$bytes_sent out=5 dpt=$dport dvchost=$device_name suid=$suid"),
				strings.Replace(trimmed("dpt=53"), "src=10.20.0.5", "src=$src", 1)),
			want: lines("2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:? 5/? - - A ! port bytes token",
				"2026-03-02T10:00:05Z - 198.51.100.7:53 ?/? - - A ! token"),
		},
		{
			shows: "a user's domain is not a line break, and a run of backslashes is one",
			in:    lines(trimmed(`suid=corp\nancy`), trimmed(`suid=corp\\nancy`), trimmed(`suid=corp\\\\nancy`), trimmed(`suid=corp\robert x`), trimmed(`suid=a\=b`)),
			want: lines(short[:len(short)-3]+`corp\nancy A`, short[:len(short)-3]+`corp\nancy A`, short[:len(short)-3]+`corp\nancy A`,
				short[:len(short)-3]+`corp\robert x A`, short[:len(short)-3]+`a=b A`),
		},
		{
			shows: "escapes in a value; unknown ones keep their backslash",
			in:    lines(trimmed(`dvchost=a\=b`), trimmed(`dvchost=a\\b`), trimmed(`dvchost=a\|b`), trimmed(`dvchost=a\ub`), trimmed(`dvchost=a\`)),
			want: lines(strings.Replace(short, "- - A", "a=b - A", 1), strings.Replace(short, "- - A", `a\b - A`, 1),
				strings.Replace(short, "- - A", "a|b - A", 1), strings.Replace(short, "- - A", `a\ub - A`, 1),
				strings.Replace(short, "- - A", `a\ - A`, 1)),
		},
		{shows: "escaped line breaks are characters of the value", in: trimmed(`dvchost=a\nb`), want: strings.Replace(short, "- - A", "a\nb - A", 1)},
		{
			shows: "values with blanks and equals signs",
			in: lines(trimmed("request=http://x.example/?a=b&c=d dpt=80"), trimmed("cs1=allow web = yes dpt=80"), trimmed("cs1=a==b dpt=80"),
				trimmed("dvchost= two words  dpt=80")),
			want: lines(strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":80", 1),
				"2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:80 ?/? two words - A"),
		},
		{
			shows: "words like keys in free text belong to it, unless they are known",
			in: lines(trimmed("msg=see ticket=77 and a.b=c dpt=80"), trimmed("cs1=rule x=y dvchost=fw-b z=w"), trimmed("reason=code=7 level=2 PanOSX=1 dpt=80"),
				trimmed("app=ssl ticket=77 dpt=80")),
			want: lines(strings.Replace(short, ":?", ":80", 1), strings.Replace(short, "- - A", "fw-b - A", 1), strings.Replace(short, ":?", ":80", 1),
				strings.Replace(short, ":?", ":80", 1)),
		},
		{
			shows: "an unknown key after a name ends the name",
			in:    trimmed("dvchost=fw-b ticket=77"),
			want:  strings.Replace(short, "- - A", "fw-b - A", 1),
		},
		{
			shows: "a key twice: the first that is not blank",
			in: lines(trimmed("dpt=443 dpt=80"), trimmed("dpt= dpt=80"), trimmed("in=1 total_in=2"), trimmed("dpt=$dport dpt=80"),
				trimmed("dpt=abc dpt=80"), trimmed("cs1=a cs1=b dpt=80")),
			want: lines(strings.Replace(short, ":?", ":443", 1)+" ! duplicate", strings.Replace(short, ":?", ":80", 1)+" ! duplicate",
				strings.Replace(short, "?/?", "?/1", 1)+" ! duplicate", strings.Replace(short, ":?", ":80", 1)+" ! duplicate",
				short+" ! port duplicate", strings.Replace(short, ":?", ":80", 1)),
		},
		{
			shows: "IPv6 in its own fields, where the usual ones are blank",
			in: lines(
				"CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT src= dst= c6a2=2001:db8::5 c6a3=2001:db8::7 dpt=443",
				"CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT c6a2Label=Source IPv6 Address c6a2=2001:db8::5 dst=198.51.100.7",
				trimmed("c6a2=2001:db8::5 c6a3=2001:db8::7"),
				"CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT src=$src dst=198.51.100.7 c6a2=2001:db8::5",
			),
			want: lines("2026-03-02T10:00:05Z 2001:db8::5 2001:db8::7:443 ?/? - - A", "2026-03-02T10:00:05Z 2001:db8::5 198.51.100.7:? ?/? - - A",
				short, "2026-03-02T10:00:05Z 2001:db8::5 198.51.100.7:? ?/? - - A ! token"),
		},
		{
			shows: "odd addresses are kept as they came",
			in: lines(addressLine("2001:DB8::0:5"), addressLine("::ffff:10.1.2.3"), addressLine("[2001:db8::5]"),
				addressLine("fe80::1%eth0"), addressLine("2001:db8::5.443"), addressLine("010.20.0.5"), addressLine("10.20.0"),
				addressLine("0.0.0.0"), addressLine("::"), addressLine("255.255.255.255"), addressLine("224.0.0.251"), addressLine("not an ip"),
				addressLine("10.20.0.5/24"), addressLine("host.example.net"), addressLine("10.20.0.256")),
			want: lines(addressRow("2001:DB8::0:5"), addressRow("::ffff:10.1.2.3"), addressRow("[2001:db8::5]"),
				addressRow("fe80::1%eth0"), addressRow("2001:db8::5.443"), addressRow("010.20.0.5"), addressRow("10.20.0"),
				addressRow("0.0.0.0"), addressRow("::"), addressRow("255.255.255.255"), addressRow("224.0.0.251"), addressRow("not an ip"),
				addressRow("10.20.0.5/24"), addressRow("host.example.net"), addressRow("10.20.0.256")),
		},
		{
			shows: "no address at all",
			in: lines("CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT dpt=443",
				"CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT src= dst= dpt=443"),
			want: lines(noAddress, noAddress),
		},
		{
			shows: "numbers in and out of range",
			in: lines(trimmed("dpt=0 in=0 out=0"), trimmed("dpt=65535 in=9007199254740992"), trimmed("dpt=65536 in=9007199254740993"),
				trimmed("dpt=-1 in=-5"), trimmed("dpt=http in=many"), trimmed("dpt=00443 in=1,234,567 out=12.5"), trimmed("dpt=99999999999999999999 in=99999999999999999999"),
				trimmed("in=- out=0x10"), trimmed("dpt=443.0 in=1e3")),
			want: lines(strings.Replace(short, "? ?/?", "0 0/0", 1), strings.Replace(short, "? ?/?", "65535 ?/9007199254740992", 1),
				short+" ! port bytes", short+" ! port bytes", short+" ! port bytes", strings.Replace(short, "? ?/?", "443 12/1234567", 1),
				short+" ! port bytes", short+" ! bytes", strings.Replace(short, ":?", ":443", 1)+" ! bytes"),
		},
		{
			shows: "two messages in one line, with what stands before each",
			in: lines(onbox("9.1")+" <14>Mar 2 10:00:07 fw-a "+onbox("9.1", "dpt=53"), "<14>"+onbox("9.1")+" <14>1 2026-03-02T10:00:07Z fw-a - - - - "+onbox("10.0"),
				onbox("9.1")+" <14>"+native(65)),
			want: lines(whole+"\n"+strings.Replace(whole, ":443", ":53", 1)+" ! joined", whole+"\n"+fine+" ! joined", whole+"\n"+whole+" ! noZone joined"),
		},
		{
			shows: "two messages in one line, the first with two headers, or with a value that looks like one",
			in: lines("Mar 2 10:00:07 relay 4581 <14>1 2026-03-02T10:00:07Z s f - p - "+onbox("9.1")+" <14>"+onbox("9.1", "dpt=53"),
				onbox("9.1", "cs1=a <1> b <2> c")+" <14>"+onbox("9.1", "dpt=53")),
			want: lines(whole+"\n"+strings.Replace(whole, ":443", ":53", 1)+" ! joined", whole+"\n"+strings.Replace(whole, ":443", ":53", 1)+" ! joined"),
		},
		{
			shows: "what only looks like a second message",
			in: lines(onbox("9.1", "cs1=a <14> b"), onbox("9.1", "cs1=less <3> more"), onbox("9.1")+" <14>", onbox("9.1", "dvchost=fw <14>x"),
				onbox("9.1")+" <14>Mar 2 10:00:07 fw-a CEF:0|Palo Alto Networks|PAN-OS|9.1|end|TRAFFIC|1|"),
			want: lines(whole, whole, whole, strings.Replace(whole, "fw-a", "fw <14>x", 1), whole),
		},
		{
			shows: "a second message inside a value that had none before",
			in: lines(trimmed("cs1=a dpt=80"), trimmed("cs1=b dpt=80"), trimmed("cs1=c c dpt=80"),
				trimmed("cs1=d <14>Mar 2 2026 10:00:07 fw CEF:0|Palo Alto Networks|PAN-OS|10.1.0|end|TRAFFIC|1|dst=192.0.2.1 dpt=80")),
			want: lines(strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":80", 1),
				short+"\n2026-03-02T10:00:07Z - 192.0.2.1:80 ?/? - - A ! noZone headerTime joined"),
		},
		{
			shows: "a tab parts no keys: what looks like one behind it is text",
			in:    lines(trimmed("app=a dpt=80"), trimmed("app=b dpt=80"), trimmed("app=c\tdpt=7 dpt=80"), trimmed("app=\tx dpt=80")),
			want: lines(strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":80", 1),
				strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":80", 1)),
		},
		{
			shows: "a record without its tag before one of a known shape",
			in:    lines(trimmed("dpt=80"), trimmed("dpt=81"), trimmed("dpt=53")[len("CEF:"):]+" <14>h "+trimmed("dpt=82")),
			want: lines(strings.Replace(short, ":?", ":80", 1), strings.Replace(short, ":?", ":81", 1),
				strings.Replace(short, ":?", ":53", 1)+"\n"+strings.Replace(short, ":?", ":82", 1)+" ! joined"),
		},
		{
			shows: "a native record before one of a known shape, no priority between them",
			in:    lines(onbox("9.1"), onbox("9.1"), native(65)+" "+onbox("9.1", "dpt=53")),
			want:  lines(whole, whole, whole+" ! noZone"),
		},
		{
			shows: "a key in a value that is as long as one with blanks was",
			in: lines(trimmed("dvchost=aa bbb dpt=80"), trimmed("dvchost=cc ddd dpt=80"), trimmed("dvchost=ee fff dpt=80"), trimmed("dvchost=a xx=1 dpt=80"),
				trimmed("dvchost=a in=1 dpt=80")),
			want: lines(strings.Replace(short, "? ?/? -", "80 ?/? aa bbb", 1), strings.Replace(short, "? ?/? -", "80 ?/? cc ddd", 1), strings.Replace(short, "? ?/? -", "80 ?/? ee fff", 1),
				strings.Replace(short, "? ?/? -", "80 ?/? a", 1), strings.Replace(short, "? ?/? -", "80 ?/1 a", 1)),
		},
		{
			shows: "a JSON string of a known shape",
			in:    lines(trimmed("dvchost=fw-a"), trimmed("dvchost=fw-c"), `"`+trimmed("dvchost=fw-b")+`"`, `"`+trimmed("dvchost=fw-b")),
			want: lines(strings.Replace(short, "- - A", "fw-a - A", 1), strings.Replace(short, "- - A", "fw-c - A", 1), strings.Replace(short, "- - A", "fw-b - A", 1),
				strings.Replace(short, "- - A", "fw-b - A", 1)),
		},
		{
			shows: "cut lines keep what came",
			in: lines(onbox("9.1")[:strings.Index(onbox("9.1"), "5344 in=")+12], onbox("9.1")[:strings.Index(onbox("9.1"), "dpt=")+6],
				onbox("9.1")[:strings.Index(onbox("9.1"), "src=")+4]),
			want: lines("2026-03-02T10:00:07Z 10.20.0.5 198.51.100.7:443 ?/633 - - A ! cut", "2026-03-02T10:00:07Z 10.20.0.5 198.51.100.7:44 ?/? - - A ! cut", noAddress),
		},
		{
			shows: "text that is not UTF-8 is read as Windows-1252",
			in:    lines(trimmed("dvchost=caf\xe9"), trimmed("dvchost=caf\xe9"), trimmed("dvchost=café"), trimmed("suid=M\xfcller\x80"), addressLine("h\xf6st")),
			want: lines(strings.Replace(short, "- - A", "café - A", 1)+" ! encoding", strings.Replace(short, "- - A", "café - A", 1)+" ! encoding",
				strings.Replace(short, "- - A", "café - A", 1), short[:len(short)-3]+"Müller€ A ! encoding", addressRow("höst")+" ! encoding"),
		},
		{
			shows: "a user that is not in suid is not SourceUserID",
			in:    trimmed("suser=nancy duid=x spriv=y"),
			want:  short,
		},
		{shows: "blanks and NULs round values", in: trimmed("dvchost= \tfw-b\x00\x00 dpt=\x0080"), want: "2026-03-02T10:00:05Z 10.20.0.5 198.51.100.7:80 ?/? fw-b - A"},
		{shows: "CEF by name", opt: Options{Format: FormatCEF}, in: lines(onbox("9.1"), strata(), native(65)), want: lines(whole, notAsked, notAsked)},
	}
}

// addressLine is a line with such a source, and addressRow what it becomes.
func addressLine(src string) string {
	return "CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT src=" + src + " dst=198.51.100.7"
}

func addressRow(src string) string {
	return "2026-03-02T10:00:05Z " + src + " 198.51.100.7:? ?/? - - A"
}

// receipt is a line with such a receipt time.
func receipt(rt string) string {
	return "CEF:0|Palo Alto Networks|PAN-OS|10|end|TRAFFIC|1|rt=" + rt + " src=10.20.0.5 dst=198.51.100.7"
}

func dated(stamp string) string { return stamp + short[20:] }

// timeCases are about zones and years; the forms of times are in stamp_test.go.
func timeCases() []lineCase {
	berlin := Options{Zone: location("Europe/Berlin")}
	now := Options{Now: at("2026-03-02T12:00:00Z")}
	return []lineCase{
		{
			shows: "a named zone holds, whatever else is said", opt: berlin,
			in:   lines(receipt("Mar 02 2026 10:00:05 GMT"), receipt("Mar 02 2026 10:00:05 EST"), receipt("2026-03-02T10:00:05+05:30")),
			want: lines(short, dated("2026-03-02T15:00:05Z"), dated("2026-03-02T04:30:05Z")),
		},
		{
			shows: "no zone: UTC, with a warning", in: lines(receipt("Mar 02 2026 10:00:05"), receipt("2026/03/02 10:00:05")),
			want: lines(short+" ! noZone", short+" ! noZone"),
		},
		{
			shows: "no zone: the option's", opt: berlin,
			in:   lines(receipt("Mar 02 2026 10:00:05"), receipt("Jul 02 2026 10:00:05")),
			want: lines(dated("2026-03-02T09:00:05Z"), dated("2026-07-02T08:00:05Z")),
		},
		{
			shows: "no zone: the header's of RFC 5424",
			in: lines("<14>1 2026-03-02T03:00:07-07:00 fw - - - - "+receipt("Mar 02 2026 10:00:05"), "99 <14>1 2026-03-02T03:00:07.25+0530 fw - - - - "+receipt("Mar 02 2026 10:00:05"),
				"<14>1 2026-03-02T03:00:07Z fw - - - - "+receipt("Mar 02 2026 10:00:05"), "<14>1 - fw - - - - "+receipt("Mar 02 2026 10:00:05")),
			want: lines(dated("2026-03-02T17:00:05Z"), dated("2026-03-02T04:30:05Z"), short, short+" ! noZone"),
		},
		{
			shows: "the option's zone before the header's", opt: berlin,
			in:   "<14>1 2026-03-02T03:00:07-07:00 fw - - - - " + receipt("Mar 02 2026 10:00:05"),
			want: dated("2026-03-02T09:00:05Z"),
		},
		{
			shows: "a zone that is not known counts as none",
			in:    lines(receipt("Mar 02 2026 10:00:05 IST"), receipt("Mar 02 2026 10:00:05 Mars/Crater"), receipt("Mar 02 2026 10:00:05 +99:00")),
			want:  lines(short+" ! noZone oddZone", short+" ! noZone oddZone", short+" ! noZone oddZone"),
		},
		{
			shows: "zones by their names in the IANA database",
			in:    lines(receipt("Mar 02 2026 10:00:05 Europe/Berlin"), receipt("Jul 02 2026 10:00:05 Europe/Berlin"), receipt("Mar 02 2026 10:00:05 America/New_York")),
			want:  lines(dated("2026-03-02T09:00:05Z"), dated("2026-07-02T08:00:05Z"), dated("2026-03-02T15:00:05Z")),
		},
		{
			shows: "an hour that never was, one that came twice, and their neighbours", opt: berlin,
			in: lines(receipt("Mar 29 2026 01:59:59"), receipt("Mar 29 2026 02:30:00"), receipt("Mar 29 2026 03:00:00"),
				receipt("Oct 25 2026 01:59:59"), receipt("Oct 25 2026 02:30:00"), receipt("Oct 25 2026 03:00:00")),
			want: lines(dated("2026-03-29T00:59:59Z"), dated("2026-03-29T00:30:00Z")+" ! unsureHour", dated("2026-03-29T01:00:00Z"),
				dated("2026-10-24T23:59:59Z"), dated("2026-10-25T01:30:00Z")+" ! unsureHour", dated("2026-10-25T02:00:00Z")),
		},
		{
			shows: "no year and nothing near: rejected", in: lines(receipt("Mar 02 10:00:05 GMT"), "<14>Mar 2 10:00:05 fw "+receipt("")),
			want: lines(noYear, noYear),
		},
		{
			shows: "no year: that of --now", opt: now,
			in: lines(receipt("Mar 02 10:00:05 GMT"), receipt("Jan 01 00:00:00 GMT"), receipt("Mar 03 23:00:00 GMT"), receipt("Mar 04 00:00:00 GMT"),
				receipt("Mar 04 00:00:01 GMT"), receipt("Dec 31 23:59:59 GMT")),
			want: lines(short+" ! noYear", dated("2026-01-01T00:00:00Z")+" ! noYear", dated("2026-03-03T23:00:00Z")+" ! noYear",
				dated("2026-03-04T00:00:00Z")+" ! noYear", dated("2025-03-04T00:00:01Z")+" ! noYear", dated("2025-12-31T23:59:59Z")+" ! noYear"),
		},
		{
			shows: "no year: that of the nearest dated record", ref: at("2019-07-01T00:00:00Z"),
			in:   lines(receipt("Mar 02 10:00:05 GMT"), receipt("Mar 02 2026 10:00:05 GMT"), receipt("Mar 02 10:00:06 GMT")),
			want: lines(dated("2019-03-02T10:00:05Z")+" ! noYear", short, dated("2026-03-02T10:00:06Z")+" ! noYear"),
		},
		{
			shows: "no year: forward and back over the turn of the year", ref: at("2025-12-31T23:59:00Z"),
			in: lines(receipt("Dec 31 23:59:59 GMT"), receipt("Jan 01 00:00:01 GMT"), receipt("Dec 31 23:59:58 GMT"), receipt("Jan  2 00:00:01 GMT")),
			want: lines(dated("2025-12-31T23:59:59Z")+" ! noYear", dated("2026-01-01T00:00:01Z")+" ! noYear", dated("2025-12-31T23:59:58Z")+" ! noYear",
				dated("2026-01-02T00:00:01Z")+" ! noYear"),
		},
		{
			shows: "no year: the leap day needs a leap year", ref: at("2025-01-15T00:00:00Z"),
			in:   lines(receipt("Feb 29 10:00:05 GMT"), receipt("Feb 30 10:00:05 GMT")),
			want: lines(dated("2024-02-29T10:00:05Z")+" ! noYear", noTime),
		},
		{
			shows: "no year: what only looked like a first message dates nothing", ref: at("2019-07-01T00:00:00Z"),
			in: trimmed("cs1=a <14> b start=Mar 02 10:00:06 GMT"), want: dated("2019-03-02T10:00:06Z") + " ! noYear",
		},
		{
			shows: "a rejected line of a known shape leaves no warning",
			in:    lines(receipt("Mar 02 2026 10:00:05"), receipt("Mar 02 2026 10:00:05"), strings.Replace(strings.Replace(receipt("Mar 02 2026 10:00:05"), "10.20.0.5", "", 1), "198.51.100.7", "", 1)),
			want:  lines(short+" ! noZone", short+" ! noZone", noAddress),
		},
		{
			shows: "no year: no leap year near", ref: at("2026-06-15T00:00:00Z"), in: receipt("Feb 29 10:00:05 GMT"), want: noYear,
		},
		{
			shows: "no year: the header's time by --now", opt: now, in: "<14>Mar  2 10:00:05 fw " + receipt(""), want: short + " ! noZone noYear headerTime",
		},
		{
			shows: "the header's time, with its zone, where there is no other",
			in:    lines("<14>1 2026-03-02T12:00:05+02:00 fw - - - - "+receipt("$x"), "<14>Mar 2 2026 10:00:05 fw "+receipt("")),
			want:  lines(short+" ! token headerTime", short+" ! noZone headerTime"),
		},
		{
			shows: "the ends of time",
			in: lines(receipt("0001-01-01T00:00:00Z"), receipt("9999-12-31T23:59:59.9999999Z"), receipt("0000-01-01T00:00:00Z"), receipt("0001-01-01T00:00:00+01:00"),
				receipt("9999-12-31T23:59:59-01:00"), receipt("10000-01-01T00:00:00Z")),
			want: lines(dated("0001-01-01T00:00:00Z"), dated("9999-12-31T23:59:59.9999999Z"), noTime, noTime, noTime, noTime),
		},
		{
			shows: "the ends of time with the option's zone", opt: berlin,
			in:   lines(receipt("0001-01-01T00:00:00"), receipt("9999-12-31T23:59:59")),
			want: lines(dated("0001-01-01T00:00:00Z"), dated("9999-12-31T22:59:59Z")),
		},
		{
			shows: "days that there are not", in: lines(receipt("Feb 29 2025 10:00:05 GMT"), receipt("Feb 29 2024 10:00:05 GMT"), receipt("2020/00/00 10:00:05"), receipt("Apr 31 2026 10:00:05 GMT")),
			want: lines(noTime, dated("2024-02-29T10:00:05Z"), noTime, noTime),
		},
	}
}

// strataCases are about Strata Logging Service.
func strataCases() []lineCase {
	return []lineCase{
		{shows: "Strata: UTC without saying so", in: strata(), want: cloud},
		{shows: "Strata: UTC whatever the option says", opt: Options{Zone: location("Asia/Tokyo")}, in: strata(), want: cloud},
		{
			shows: "Strata: its prefix is double",
			in:    "Mar  2 10:00:09 relay 4581 <14>1 2026-03-02T10:00:09.869Z stream-1 logforwarder - panwlogs - " + strata(), want: cloud,
		},
		{
			shows: "Strata: the high-resolution time refines the plain one and does not replace it",
			in: lines(strata("PanOSTimeGeneratedHighResolution=2026-03-02T10:00:05.125Z"), strata("PanOSTimeGeneratedHighResolution=2026-03-02T10:00:06.125Z"),
				strata("PanOSTimeGeneratedHighResolution=Mar 02 2026 10:00:05.75")),
			want: lines(strings.Replace(cloud, "05Z", "05.125Z", 1), cloud, strings.Replace(cloud, "05Z", "05.75Z", 1)),
		},
		{shows: "Strata: without start, the receipt", in: strata("-start"), want: strings.Replace(cloud, "05Z", "09Z", 1)},
		{shows: "Strata: suid is the user ID", in: strata("suid=corp\\nancy"), want: strings.Replace(cloud, "fw-a -", `fw-a corp\nancy`, 1)},
		{
			shows: "Strata by name", opt: Options{Format: FormatStrata}, in: lines(strata(), onbox("9.1"), native(65)),
			want: lines(cloud, notAsked, notAsked),
		},
		{
			shows: "Strata: other types",
			in: lines("CEF:0|Palo Alto Networks|LF|2.0|THREAT|vulnerability|3|rt=Mar 02 2026 10:00:09 src=10.20.0.5", "CEF:0|Palo Alto Networks|LF|2.0|AUTH|Radius|3|x=y",
				"CEF:0|Palo Alto Networks|LF|2.0|GLOBALPROTECT|x|3|x=y", "CEF:0|Palo Alto Networks|LF|2.0|HIPMATCH|x|3|x=y", "CEF:0|Palo Alto Networks|LF|2.0|SCTP|x|3|x=y"),
			want: lines("other: THREAT", "other: AUTHENTICATION", "other: GLOBALPROTECT", "other: HIPMATCH", "other: SCTP"),
		},
	}
}

// nativeCases are about PAN-OS's native format.
func nativeCases() []lineCase {
	utc := whole + " ! noZone"
	return []lineCase{
		{
			shows: "native: field counts of all versions, and others",
			in:    lines(native(46), native(65), native(67), native(75), native(105), native(115), native(117), native(53), native(102), native(103), native(130)),
			want:  lines(strings.Replace(utc, "fw-a", "-", 1), utc, utc, utc, fine, fine, fine, utc, utc, fine, fine),
		},
		{
			shows: "native: cut short", in: lines(native(34), native(52), native(33), native(5), native(4)),
			want: lines(strings.Replace(utc, "fw-a", "-", 1)+" cut", strings.Replace(utc, "fw-a", "-", 1), cutFields, cutFields, cutFields),
		},
		{
			shows: "native: more fields than any version has", in: native(300), want: fine,
		},
		{
			shows: "native: prefixes",
			in: lines("<14>Mar  2 10:00:07 fw-a "+native(65), "Mar 02 10:00:07 fw-a "+native(65), "99 <14>1 2026-03-02T10:00:07Z fw-a - - - - "+native(65),
				"<14>1 2026-03-02T10:00:07Z fw-a - - - - \ufeff"+native(65), "<14>"+native(65), "fw-a: "+native(65), "\ufeff"+native(65)+"\r", `"`+native(65)+`"`),
			want: lines(utc, utc, whole, whole, utc, utc, utc, utc),
		},
		{
			shows: "native: the leading field is missing, blank or another",
			in:    lines(without(native(65)), "Mar 2 10:00:07 fw-a "+without(native(65)), native(65, "0="), native(65, "0=0"), "<14>Mar 2 10:00:07 fw-a "+native(65, "0=")),
			want:  lines(utc+" shifted", utc+" shifted", utc, utc, utc),
		},
		{
			shows: "native: the zone of the high-resolution time, of the header, of the option",
			in:    lines(native(105), "<14>1 2026-03-02T12:00:07+02:00 fw-a - - - - "+native(65), "<14>1 2026-03-02T12:00:07+02:00 fw-a - - - - "+native(105)),
			want:  lines(fine, strings.Replace(whole, "10:00:05", "08:00:05", 1), fine),
		},
		{
			shows: "native: the option's zone", opt: Options{Zone: location("Europe/Berlin")}, in: lines(native(65), native(105), native(117)),
			want: lines(strings.Replace(whole, "10:00:05", "09:00:05", 1), fine, fine),
		},
		{
			shows: "native: times by preference",
			in: lines(native(105, "102="), native(105, "102=", "6="), native(65, "6=2020/00/00 00:00:00"), "<14>Mar 2 2026 10:00:09 fw-a "+native(65, "6=", "1="),
				native(65, "6=", "1="), native(65, "6=x", "1=y")),
			want: lines(utc, strings.Replace(utc, "05Z", "07Z", 1), strings.Replace(utc, "05Z", "07Z", 1),
				strings.Replace(whole, "05Z", "09Z", 1)+" ! noZone headerTime", noTime, noTime),
		},
		{
			shows: "native: times of the cloud, of a spreadsheet, with a fraction",
			in:    lines(native(65, "6=2026-03-02T10:00:05.000000Z"), native(65, "6=3/2/26 10:00"), native(65, "6=2026/03/02 10:00:05.5"), native(65, "6=13/2/2026 10:00")),
			want: lines(whole, strings.Replace(utc, "10:00:05Z", "10:00:00Z", 1), strings.Replace(utc, "05Z", "05.5Z", 1),
				strings.Replace(utc, "2026-03-02T10:00:05Z", "2026-02-13T10:00:00Z", 1)),
		},
		{
			shows: "native: quoted fields hold commas and quotes",
			in: lines(native(117, `11="web, out"`), native(117, `11="a ""b"" c, d"`), native(117, `11=\"a, b\"`), native(117, `109=\"used-by-malware,able-to-transfer-file\"`),
				native(65, `52="fw-a"`), native(65, `52="fw, a"`), native(65, `52="fw ""a"""`), native(65, `11="never closed`), native(65, `11=15" rack`)),
			want: lines(fine, fine, fine, fine, utc, strings.Replace(utc, "fw-a", "fw, a", 1), strings.Replace(utc, "fw-a", `fw "a"`, 1), utc, utc),
		},
		{
			shows: "native: a quote that is not closed in one line is closed in the next",
			in:    lines(native(65, `11="web`), native(65, `11="web`, `14=x",nancy,,ssl`), native(65, `11="web`)),
			want:  lines(utc, utc, utc),
		},
		{
			shows: "native: a list in braces, with and without quotes, closed or not",
			in:    lines(native(117, "69={a,b,c}"), native(117, `69="{a,b}"`), native(117, "69={}"), native(117, "69={a,b", "102=2026-03-02T11:00:05.250+01:00"), native(117, "11={x}"), native(65, "11={x,y}")),
			want:  lines(fine, fine, fine, fine, fine, utc),
		},
		{
			shows: "native: an unquoted list moves the high-resolution time",
			in:    lines(native(117, "69=a,b,c"), native(115, "80=x,y"), native(117, "102=not a time")),
			want:  lines(fine, fine, utc),
		},
		{
			shows: "native: bytes as the published CEF template maps them",
			in:    lines(native(65, "32=100", "33=0"), native(65, "32=", "33="), native(65, "32=-1", "33=9007199254740993"), native(65, "32=2147483648", "33=9007199254740992")),
			want: lines(strings.Replace(utc, "4711/633", "0/100", 1), strings.Replace(utc, "4711/633", "?/?", 1), strings.Replace(whole, "4711/633", "?/?", 1)+" ! bytes noZone",
				strings.Replace(utc, "4711/633", "9007199254740992/2147483648", 1)),
		},
		{
			shows: "native: ports", in: lines(native(65, "25=0"), native(65, "25="), native(65, "25=65536"), native(65, "25=x")),
			want: lines(strings.Replace(utc, ":443", ":0", 1), strings.Replace(utc, ":443", ":?", 1), strings.Replace(whole, ":443", ":?", 1)+" ! port noZone",
				strings.Replace(whole, ":443", ":?", 1)+" ! port noZone"),
		},
		{
			shows: "native: addresses", in: lines(native(65, "7=2001:db8::5", "8=ff02::fb"), native(65, "7=00.0.0.0"), native(65, "7=", "8="), native(65, "7="), native(65, `7=a\=b`)),
			want: lines("2026-03-02T10:00:05Z 2001:db8::5 ff02::fb:443 4711/633 fw-a - A ! noZone", strings.Replace(utc, "10.20.0.5", "00.0.0.0", 1), noAddress,
				strings.Replace(utc, "10.20.0.5", "-", 1), strings.Replace(utc, "10.20.0.5", `a\=b`, 1)),
		},
		{
			shows: "native: a backslash is a backslash", in: lines(native(65, `52=dc\name`), trimmed(`dvchost=dc\name`), native(65, `52=dc\name`), native(65, "52=$fw")),
			want: lines(strings.Replace(utc, "fw-a", `dc\name`, 1), strings.Replace(short, "- - A", "dc\name - A", 1), strings.Replace(utc, "fw-a", `dc\name`, 1),
				strings.Replace(utc, "fw-a", "$fw", 1)),
		},
		{
			shows: "native: two messages in one line",
			in: lines(native(65)+" <14>Mar 2 10:00:07 fw-a "+native(65, "25=53"), native(65, "37=any <14>Mar 2 2026 10:00:07 h CEF:0|Palo Alto Networks|PAN-OS|1|end|TRAFFIC|1|src=192.0.2.1 msg="),
				native(65, "37=<14> any")),
			want: lines(whole+"\n"+strings.Replace(whole, ":443", ":53", 1)+" ! noZone joined",
				strings.Replace(whole, "fw-a", "-", 1)+"\n2026-03-02T10:00:07Z 192.0.2.1 -:? ?/? - - A ! noZone cut headerTime joined", utc),
		},
		{
			shows: "native: other types, and TRAFFIC in the wrong place",
			in: lines(native(65, "3=THREAT"), native(65, "3=SYSTEM"), native(65, "3=CONFIG"), native(65, "3=HIPMATCH"), native(65, "3=DECRYPTION"), native(65, "3=IPTAG", "1=2026-03-02T10:00:07Z"),
				native(65, "3=NOVELTY"), "<14>Mar 2 10:00:07 fw-a "+native(65, "3=USERID"), native(65, "3=end", "4=TRAFFIC"), native(65, "3=traffic"),
				"Palo Alto Networks,firewall,10.1,x,TRAFFIC,end,1,2,3,4,5,6,7,8,9,0"),
			want: lines("other: THREAT", "other: SYSTEM", "other: CONFIG", "other: HIPMATCH", "other: DECRYPTION", "other: IPTAG", "other: other PAN-OS type",
				"other: USERID", fieldOrder, unknown, fieldOrder),
		},
		{
			shows: "native: text that is not UTF-8", in: lines(native(65, "52=caf\xe9"), native(65, "52=café")),
			want: lines(strings.Replace(utc, "fw-a", "café", 1)+" encoding", strings.Replace(utc, "fw-a", "café", 1)),
		},
		{shows: "native by name", opt: Options{Format: FormatPanosCSV}, in: lines(native(65), onbox("9.1"), strata()), want: lines(utc, notAsked, notAsked)},
		{
			shows: "native: what only looks like a record of a known shape",
			in: lines(native(65), native(65), trimmed("cs1= "+native(65)), trimmed("cs1= " + native(65))[len("CEF:"):], "fw-a "+native(65, `0="1`, `60=N/A"`), native(102, `69="a,b"`, "101=2026-03-02T10:00:05.250+00:00"),
				native(65)),
			want: lines(utc, utc, short, short, unknown, utc, utc),
		},
		{
			shows: "native: a cut header of CEF after a comma", in: lines("a,b CEF:0|Palo", native(65)+" CEF:0|x|y|z|1|2|3|"), want: lines(cutHeader, utc),
		},
	}
}

// otherCases are about records that are kept apart.
func otherCases() []lineCase {
	return []lineCase{
		{
			shows: "on-box CEF of other types",
			in: lines("CEF:0|Palo Alto Networks|PAN-OS|10.1|url|THREAT|1|rt=Mar 02 2026 10:00:05 GMT src=10.20.0.5", "CEF:0|Palo Alto Networks|PAN-OS|10.1|general|SYSTEM|3|x=y",
				"CEF:0|Palo Alto Networks|PAN-OS|10.1|x|CONFIG|3|x=y", "CEF:0|Palo Alto Networks|PAN-OS|10.1|x|GLOBALPROTECT|3|x=y", "CEF:0|Palo Alto Networks|PAN-OS|10.1|x|something|3|x=y",
				"CEF:0|Palo Alto Networks|PAN-OS|10.1|x|Correlation|3|x=y", "CEF:0|Palo Alto Networks|PAN-OS|10.1|x|HIP-MATCH|3|", "CEF:0|Palo Alto Networks|PAN-OS|10.1|login|AUTHENTICATION|3|",
				"CEF:0|Palo Alto Networks|PAN-OS|10.1|x|tunnel|3|", "CEF:0|Palo Alto Networks|PAN-OS|10.1|x|gtp|3|", "CEF:0|Palo Alto Networks|PAN-OS|10.1|x|audit|3|", "CEF:0|Palo Alto Networks|PAN-OS|10.1|wildfire|x|3|",
				"CEF:0|Palo Alto Networks|PAN-OS|10.1|data|x|3|"),
			want: lines("other: THREAT", "other: SYSTEM", "other: CONFIG", "other: GLOBALPROTECT", "other: other PAN-OS type", "other: CORRELATION", "other: HIPMATCH",
				"other: AUTHENTICATION", "other: TUNNEL", "other: GTP", "other: AUDIT", "other: WILDFIRE", "other: DATA"),
		},
		{
			shows: "CEF of other vendors, TRAFFIC or not",
			in:    lines("CEF:0|Example Corp|Gate|1|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT src=10.20.0.5 dst=198.51.100.7", "<14>CEF:0|Fortinet|Fortigate|7|13|forward|3|src=10.20.0.5", "CEF:0||||||"+"|"),
			want:  lines("other: CEF of another vendor", "other: CEF of another vendor", "other: CEF of another vendor"),
		},
		{
			shows: "flows between records of other types and rubbish",
			in:    lines(onbox("9.1"), "rubbish", onbox("9.1", "dpt=53"), "CEF:0|Palo Alto Networks|PAN-OS|9.1|url|THREAT|1|x=y", onbox("9.1"), "", native(65), onbox("9.1", "dpt=53")),
			want: lines(whole, unknown, strings.Replace(whole, ":443", ":53", 1), "other: THREAT", whole, "other: blank line", whole+" ! noZone",
				strings.Replace(whole, ":443", ":53", 1)),
		},
	}
}
