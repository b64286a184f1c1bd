package logformat

import (
	"strconv"
	"strings"
	"testing"

	"drumbeat/internal/traffic"
)

// fieldText writes what the reader makes of a line: the named fields, "name=value", with "_" before what is
// drumbeat's own. A field that the record does not have is left out.
func fieldText(t *testing.T, opt Options, line, names string) string {
	t.Helper()
	r := NewReader(opt)
	r.Start(nil)
	records, o := r.Read([]byte(line))
	if len(records) != 1 {
		t.Fatalf("%s, %d records: %q", outcomeText(o), len(records), line)
	}
	rec := records[0]
	var dir Direction
	sent, received := dir.Bytes(rec)
	own := map[string]string{"_format": rec.Format.String(), "_subtype": rec.Subtype, "_user": rec.User, "_device": rec.Device}
	for name, n := range map[string]int64{
		"_seconds": rec.Seconds, "_sent": sent, "_received": received, "_packets": rec.Packets, "_packetsReceived": rec.PacketsReceived,
	} {
		if n != traffic.Unknown {
			own[name] = Field{Kind: KindNumber, Number: n}.text()
		}
	}
	if rec.Start != traffic.Unknown {
		own["_start"] = clock(rec.Start)
	}
	var warnings []string
	for _, w := range rec.Warnings {
		warnings = append(warnings, warnNames[w])
	}
	own["_warnings"] = strings.Join(warnings, " ")
	var out []string
	for name := range strings.FieldsSeq(names) {
		value, ok := own[name], own[name] != ""
		for _, f := range rec.Fields {
			if f.Name == name {
				value, ok = f.text(), true
			}
		}
		if ok {
			out = append(out, name+"="+value)
		}
	}
	return strings.Join(out, "\n")
}

// text gives a field's value.
func (f Field) text() string {
	switch f.Kind {
	case KindText:
		return f.Text
	case KindNumber:
		return strconv.FormatInt(f.Number, 10)
	case KindTime:
		return clock(f.Number)
	}
	return "?"
}

func TestFields(t *testing.T) {
	const (
		people = "SourceUserName SourceUserID SourceNTDomain _user"
		times  = "TimeGenerated StartTime ReceiptTime _start _seconds _warnings"
		bytes  = "SentBytes ReceivedBytes _sent _received"
	)
	for _, c := range []struct {
		shows, in, fields, want string
		opt                     Options
	}{
		{
			shows: "every column of an on-box record", in: "<14>Mar  2 10:00:07 relay-1 " + onbox("10.0"),
			fields: "TimeGenerated DeviceVendor DeviceProduct DeviceVersion DeviceEventClassID Activity LogSeverity Computer ReceiptTime DeviceExternalID " +
				"SourceIP DestinationIP SourceTranslatedAddress DestinationTranslatedAddress DeviceCustomString1 DeviceCustomString1Label SourceUserName " +
				"DestinationUserName ApplicationProtocol DeviceCustomString3 DeviceCustomString4 DeviceCustomString5 DeviceInboundInterface DeviceOutboundInterface " +
				"DeviceCustomString6 DeviceCustomNumber1 EventCount SourcePort DestinationPort SourceTranslatedPort DestinationTranslatedPort FlexString1 Protocol " +
				"DeviceAction FlexNumber1 ReceivedBytes SentBytes DeviceCustomNumber2 StartTime DeviceCustomNumber3 DeviceCustomString2 ExtID Reason DeviceName " +
				"DeviceEventCategory AdditionalExtensions _format _start _seconds _sent _received _user _subtype _device _packets _packetsReceived _warnings",
			want: lines("TimeGenerated=2026-03-02T10:00:05.25Z", "DeviceVendor=Palo Alto Networks", "DeviceProduct=PAN-OS", "DeviceVersion=10.0", "DeviceEventClassID=end",
				"Activity=TRAFFIC", "LogSeverity=1", "Computer=relay-1", "ReceiptTime=Mar 02 2026 10:00:07 GMT", "DeviceExternalID=007200009999", "SourceIP=10.20.0.5",
				"DestinationIP=198.51.100.7", "SourceTranslatedAddress=203.0.113.1", "DestinationTranslatedAddress=198.51.100.7", "DeviceCustomString1=web out",
				"DeviceCustomString1Label=Rule", `SourceUserName=corp\nancy`, "ApplicationProtocol=ssl", "DeviceCustomString3=vsys1", "DeviceCustomString4=inside",
				"DeviceCustomString5=outside", "DeviceInboundInterface=ethernet1/1", "DeviceOutboundInterface=ethernet1/2", "DeviceCustomString6=siem", "DeviceCustomNumber1=4242",
				"EventCount=1", "SourcePort=51724", "DestinationPort=443", "SourceTranslatedPort=40001", "DestinationTranslatedPort=443", "FlexString1=0x40001c", "Protocol=tcp",
				"DeviceAction=allow", "FlexNumber1=5344", "ReceivedBytes=633", "SentBytes=4711", "DeviceCustomNumber2=14", "StartTime=2026-03-02T10:00:05Z", "DeviceCustomNumber3=31",
				"DeviceCustomString2=computer-and-internet-info", "ExtID=7000000000000000001", "Reason=tcp-fin", "DeviceName=fw-a", "DeviceEventCategory=from-policy",
				"AdditionalExtensions=PanOSPacketsReceived=8;PanOSPacketsSent=6;PanOSDGl1=11;PanOSDGl2=0;PanOSDGl3=0;PanOSDGl4=0;PanOSVsysName=main;PanOSActionFlags=0x0;"+
					"PanOSTunnelID=0;PanOSParentSessionID=0;PanOSTunnelType=N/A;PanOSSCTPAssocID=0;PanOSSCTPChunks=0;PanOSSCTPChunkSent=0;PanOSSCTPChunksRcv=0;"+
					"PanOSRuleUUID=00000000-1111-2222-3333-444444444444;PanOSHTTP2Con=0;PanLinkChange=0;PanSrcHostname=pc 17;PanSrcMac=00:00:5e:00:53:01;"+
					"PanTimeHighRes=2026-03-02T11:00:05.250+01:00",
				"_format=cef", "_start=2026-03-02T09:59:34.25Z", "_seconds=31", "_sent=633", "_received=4711", `_user=corp\nancy`, "_subtype=end", "_device=fw-a",
				"_packets=14", "_packetsReceived=8"),
		},
		{
			shows: "the same of a native record", in: "<14>Mar  2 10:00:07 relay-1 " + native(105, "6=2026/03/02 11:00:05", "35=2026/03/02 10:59:34", "102=2026-03-02T11:00:05.250+01:00"),
			fields: "TimeGenerated DeviceVendor DeviceProduct DeviceEventClassID Activity Computer SourceIP DestinationIP DeviceCustomString1 SourceUserName SourceUserID " +
				"DestinationPort FlexNumber1 ReceivedBytes SentBytes StartTime DeviceName _format _start _seconds _sent _received _user _subtype _device _packets _packetsReceived _warnings",
			want: lines("TimeGenerated=2026-03-02T10:00:05.25Z", "DeviceVendor=Palo Alto Networks", "DeviceProduct=PAN-OS", "DeviceEventClassID=end", "Activity=TRAFFIC",
				"Computer=relay-1", "SourceIP=10.20.0.5", "DestinationIP=198.51.100.7", "DeviceCustomString1=web out", `SourceUserName=corp\nancy`, "DestinationPort=443",
				"FlexNumber1=5344", "ReceivedBytes=633", "SentBytes=4711", "StartTime=2026-03-02T10:00:05Z", "DeviceName=fw-a", "_format=panos-csv", "_start=2026-03-02T09:59:34Z",
				"_seconds=31", "_sent=633", "_received=4711", `_user=corp\nancy`, "_subtype=end", "_device=fw-a", "_packets=14", "_packetsReceived=8"),
		},
		{
			shows: "Strata says when the session began, who it was, and means the other bytes", in: strata(),
			fields: times + " " + people + " " + bytes + " _format _subtype _packets _packetsReceived AdditionalExtensions",
			want: lines("TimeGenerated=2026-03-02T10:00:05Z", "StartTime=2026-03-02T10:00:05Z", "ReceiptTime=Mar 02 2026 10:00:09", "_start=2026-03-02T09:59:34Z", "_seconds=31",
				"SourceUserName=nancy", "SourceNTDomain=corp", `_user=corp\nancy`, "SentBytes=633", "ReceivedBytes=4711", "_sent=633", "_received=4711",
				"_format=strata", "_subtype=end", "_packets=14", "_packetsReceived=8",
				"AdditionalExtensions=ProfileToken=t0k3n;PanOSConfigVersion=10.1;PanOSIsDuplicateLog=false;suser0=corp\nancy;PanOSBytes=5344;"+
					"PanOSSessionStartTime=Mar 02 2026 09:59:34;PanOSPacketsSent=6;PanOSPacketsReceived=8;PanOSSourceDynamicAddressGroup=blue_group;"+
					"PanOSTimeGeneratedHighResolution=Mar 02 2026 10:00:05"),
		},
		{shows: "the user: domain and name", in: strata("-suser0"), fields: people, want: lines("SourceUserName=nancy", "SourceNTDomain=corp", `_user=corp\nancy`)},
		{
			shows: "the user: a name with its domain already", in: strata("-suser0", `suser=corp\\nancy`), fields: people,
			want: lines(`SourceUserName=corp\nancy`, "SourceNTDomain=corp", `_user=corp\nancy`),
		},
		{shows: "the user: only the ID", in: trimmed(`suid=corp\\\\rob`), fields: people, want: lines(`SourceUserID=corp\rob`, `_user=corp\rob`)},
		{shows: "the user: the name before the ID", in: trimmed("suid=17 suser=nancy"), fields: people, want: lines("SourceUserName=nancy", "SourceUserID=17", "_user=nancy")},
		{shows: "the user: none", in: trimmed("suser= suid="), fields: people},
		{
			shows: "a start record begins when it is written", in: strings.Replace(onbox("9.1", "cn3=0"), "|end|", "|start|", 1), fields: times + " _subtype",
			want: lines("TimeGenerated=2026-03-02T10:00:05Z", "StartTime=2026-03-02T10:00:05Z", "ReceiptTime=Mar 02 2026 10:00:07 GMT", "_start=2026-03-02T10:00:05Z", "_seconds=0", "_subtype=start"),
		},
		{shows: "a drop begins when it is written", in: strings.Replace(trimmed(""), "|end|", "|DROP|", 1), fields: "_start _seconds _subtype", want: lines("_start=2026-03-02T10:00:05Z", "_subtype=drop")},
		{shows: "an end without its length began at no known time", in: trimmed(""), fields: "_start _seconds _subtype", want: "_subtype=end"},
		{shows: "a session that began before all time", in: trimmed("cn3=3155760000"), fields: "_start", want: "_start=1926-03-02T10:00:05Z"},
		{
			shows: "numbers bound by their labels, in any case", in: trimmed("cn1Label=PACKETS cn1=3 cn2Label=SessionDuration cn2=7 cn3Label=Session ID cn3=99"),
			fields: "_packets _seconds", want: lines("_packets=3", "_seconds=7"),
		},
		{shows: "a label does not lose to an absent number at its usual place", in: trimmed("cn1Label=PacketsTotal cn1=3"), fields: "_packets _seconds", want: "_packets=3"},
		{shows: "numbers bound by place without labels", in: trimmed("cn1=1 cn2=2 cn3=3"), fields: "_packets _seconds", want: lines("_packets=2", "_seconds=3")},
		{
			shows: "custom numbers that do not fit go to the long columns", in: trimmed("cn1=2147483648 cn2=2147483647 cn3=-5 flexNumber1=4294967296 cnt=x"),
			fields: "DeviceCustomNumber1 FieldDeviceCustomNumber1 DeviceCustomNumber2 DeviceCustomNumber3 FlexNumber1 EventCount _packets _seconds _warnings",
			want:   lines("FieldDeviceCustomNumber1=2147483648", "DeviceCustomNumber2=2147483647", "DeviceCustomNumber3=-5", "_packets=2147483647", "_warnings=number"),
		},
		{shows: "a length with decimals", in: trimmed("cn3=12.5 cn2=1,024"), fields: "DeviceCustomNumber2 DeviceCustomNumber3 _packets _seconds", want: lines("DeviceCustomNumber2=1024", "DeviceCustomNumber3=12", "_packets=1024", "_seconds=12")},
		{shows: "a key twice", in: trimmed("dpt=abc dpt=80 app= app=ssl app=dns"), fields: "DestinationPort ApplicationProtocol _warnings", want: lines("ApplicationProtocol=ssl", "_warnings=port duplicate")},
		{shows: "a variable in a column that rules do not read", in: trimmed("cat=$category"), fields: "DeviceEventCategory _warnings", want: "_warnings=token"},
		{
			shows: "IPv6 fields count as addresses where those are blank", in: strings.Replace(trimmed("c6a2=2001:db8::5 c6a3=2001:db8::7"), "src=10.20.0.5", "src=", 1),
			fields: "SourceIP DestinationIP DeviceCustomIPv6Address2 DeviceCustomIPv6Address3",
			want:   lines("SourceIP=2001:db8::5", "DestinationIP=198.51.100.7", "DeviceCustomIPv6Address2=2001:db8::5", "DeviceCustomIPv6Address3=2001:db8::7"),
		},
		{
			shows: "native: the session began where the record says, and without that as long before its end as it lasted", in: native(65, "35="),
			fields: times, want: lines("TimeGenerated=2026-03-02T10:00:05Z", "StartTime=2026-03-02T10:00:05Z", "ReceiptTime=2026/03/02 10:00:07", "_start=2026-03-02T09:59:34Z", "_seconds=31", "_warnings=noZone"),
		},
		{shows: "native: quotes and a comma in a rule", in: native(65, `11="a ""b"", c"`), fields: "DeviceCustomString1 DeviceCustomString1Label", want: lines(`DeviceCustomString1=a "b", c`, "DeviceCustomString1Label=Rule")},
		{shows: "native: a rule that a relay quoted", in: native(65, `11=\"a, b\"`), fields: "DeviceCustomString1", want: "DeviceCustomString1=a, b"},
		{shows: "native: shifted", in: without(native(65)), fields: "DeviceEventClassID DeviceExternalID _subtype _warnings", want: lines("DeviceEventClassID=end", "DeviceExternalID=007200009999", "_subtype=end", "_warnings=noZone shifted")},
		{shows: "the serial number stands for a device without a name", in: onbox("9.1", "dvchost="), fields: "DeviceName _device", want: "_device=007200009999"},
	} {
		if got := fieldText(t, c.opt, c.in, c.fields); got != c.want {
			t.Errorf("%s\nin   %q\ngot  %s\nwant %s", c.shows, c.in, got, c.want)
		}
	}
}

// TestDirection checks which devices' bytes are turned round.
func TestDirection(t *testing.T) {
	one := func(edits ...string) string {
		return onbox("9.1", append([]string{"cn2=1", "PanOSPacketsReceived=0"}, edits...)...)
	}
	var inSent, outSent, few, mixed []string
	for range 20 {
		inSent = append(inSent, one("in=60", "out=0", "dvchost=in-sent"))
		outSent = append(outSent, one("in=0", "out=60", "dvchost=out-sent"), onbox("9.1", "dvchost=out-sent"))
		mixed = append(mixed, one("in=60", "out=0", "dvchost=mixed"), one("in=0", "out=60", "dvchost=mixed"))
	}
	for range 19 {
		few = append(few, one("in=0", "out=60", "dvchost=few"))
	}
	drops := strings.Repeat(strings.Replace(onbox("9.1", "in=", "out=60", "dvchost=drops"), "|end|", "|drop|", 1)+"\n", 20)
	cloudy := strings.Repeat(strata("cn2=1", "in=60", "out=0", "dvchost=odd-cloud")+"\n", 20)
	text := lines(append(append(append(inSent, outSent...), few...), mixed...)...) + "\n" + drops + cloudy + strata("dvchost=cloud") + "\n" + native(65) + "\nno end"
	votes := Votes(Options{}, []byte(text), 1000)
	want := []Decision{
		{Device: "cloud", Assumed: true},
		{Device: "drops", For: 20},
		{Device: "few", InIsSent: true, Against: 19, Assumed: true},
		{Device: "in-sent", InIsSent: true, For: 20},
		{Device: "mixed", InIsSent: true, For: 20, Against: 20, Assumed: true},
		{Device: "odd-cloud", InIsSent: true, For: 20},
		{Device: "out-sent", For: 20},
	}
	var twice Direction
	twice.Add(&votes)
	for _, d := range []*Direction{&votes, &twice} {
		got := d.Decisions()
		if len(got) != len(want) {
			t.Fatalf("got %+v", got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("got %+v, want %+v", got[i], want[i])
			}
		}
	}
	twice.Add(&votes) // two files of the same device: 19 and 19 are enough
	r := NewReader(Options{})
	r.Start(nil)
	for _, c := range []struct {
		line           string
		sent, received int64
	}{
		{onbox("9.1", "dvchost=in-sent"), 633, 4711},
		{onbox("9.1", "dvchost=out-sent"), 4711, 633},
		{onbox("9.1", "dvchost=few"), 4711, 633},
		{onbox("9.1", "dvchost=never-seen"), 633, 4711},
		{strata(), 633, 4711},
		{strata("dvchost=odd-cloud"), 4711, 633},
		{native(65, "52=out-sent"), 633, 4711},
		{onbox("9.1", "in=", "dvchost=in-sent"), traffic.Unknown, 4711},
	} {
		records, _ := r.Read([]byte(c.line))
		if sent, received := twice.Bytes(records[0]); sent != c.sent || received != c.received {
			t.Errorf("%q\ngot  %d sent, %d received\nwant %d, %d", c.line, sent, received, c.sent, c.received)
		}
	}
}

// TestFirstDated checks that the reference is the first record that names its year, and that a line without its end is
// not read.
func TestFirstDated(t *testing.T) {
	undated, datedLine := receipt("Mar 02 10:00:05 GMT"), receipt("Mar 02 2026 10:00:05 GMT")
	for _, c := range []struct {
		text string
		want int64
	}{
		{"rubbish\n" + undated + "\n" + datedLine + "\n" + receipt("Mar 02 2025 10:00:05 GMT") + "\n", at("2026-03-02T10:00:05Z")},
		{strings.Repeat(undated+"\n", 2000) + datedLine + "\n", at("2026-03-02T10:00:05Z")},
		{datedLine, 0},
		{"", 0},
	} {
		if got := FirstDated(Options{}, []byte(c.text)); got != c.want {
			t.Errorf("%.60q: got %s, want %s", c.text, clock(got), clock(c.want))
		}
	}
	now := Options{Now: at("2026-03-02T12:00:00Z")}
	if got := FirstDated(now, []byte(undated+"\n")); got != 0 {
		t.Errorf("a year that was guessed is no reference, got %s", clock(got))
	}
}

// TestCountsAdd checks that counts add up however lines are cut into pieces.
func TestCountsAdd(t *testing.T) {
	text := strings.Split(lines(onbox("9.1"), "rubbish", native(65), receipt("Mar 02 2020 10:00:05"), "", trimmed("dvchost=caf\xe9"), trimmed("dvchost=caf\xe9"),
		receipt("Mar 02 2030 10:00:05 GMT"), native(65, "3=THREAT")), "\n")
	count := func(from, to int) *Counts {
		p := NewParser(Options{})
		var b traffic.Builder
		p.Start(nil, b.Reset(traffic.Origin{}))
		for i, line := range text[from:to] {
			p.Parse(&b, []byte(line), uint32(i))
		}
		return &p.Counts
	}
	whole := count(0, len(text))
	if whole.Lines() != int64(len(text)) || whole.Warnings[WarnEncoding] != 2 || clock(whole.First) != "2020-03-02T10:00:05Z" || clock(whole.Last) != "2030-03-02T10:00:05Z" {
		t.Fatalf("%+v", whole)
	}
	for cut := range len(text) + 1 {
		var sum Counts
		sum.Add(count(0, cut))
		sum.Add(count(cut, len(text)))
		if sum != *whole {
			t.Errorf("cut at %d\ngot  %+v\nwant %+v", cut, sum, *whole)
		}
	}
}
