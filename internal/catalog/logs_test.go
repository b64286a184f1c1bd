package catalog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/stream"
	"drumbeat/internal/traffic"
	"drumbeat/kql/plan"
)

// manyLogs makes files of records whose ExtID counts through all of them, in order of path and line; some are longer than
// one piece.
func manyLogs(t testing.TB, files, records int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	n := 0
	for i := range files {
		var b strings.Builder
		for range records {
			fmt.Fprint(&b, cef(fmt.Sprintf("2026-03-02T%02d:%02d:%02dZ", n/3600%24, n/60%60, n%60), "10.0.0.1", "192.0.2.1",
				fmt.Sprintf("externalId=%d cs1=%s", n, strings.Repeat("x", 300))))
			n++
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.log", i)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func scanIDs(t testing.TB, c *Catalog, w plan.Window) []string {
	t.Helper()
	scan := bind(t, c, "CommonSecurityLog").Root.(*plan.Scan)
	table := *scan
	table.Columns = slices.DeleteFunc(slices.Clone(scan.Columns), func(col plan.Column) bool { return col.Name != "ExtID" })
	var ids []string
	err := c.Scan(context.Background(), &table, w, func(rows []stream.Row) error {
		for _, r := range rows {
			ids = append(ids, r[0].Str())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestLogOrder: rows come in the order of path and line, with any number of workers, and again.
func TestLogOrder(t *testing.T) {
	dir := manyLogs(t, 3, 6000)
	for _, workers := range []int{1, 2, 7} {
		c := catalogue(t, Options{Paths: []string{dir}, Workers: workers})
		for range 2 {
			ids := scanIDs(t, c, plan.Window{})
			if len(ids) != 18000 {
				t.Fatalf("%d workers: %d rows", workers, len(ids))
			}
			for i, id := range ids {
				if id != strconv.Itoa(i) {
					t.Fatalf("%d workers: row %d has id %s", workers, i, id)
				}
			}
		}
		r := c.Report()
		if !r.Complete || r.Lines != 18000 || r.Counts.Flows != 18000 || r.Files != 3 {
			t.Errorf("report %+v", r)
		}
	}
}

// TestLogWindow: a window gives its rows alone, before and after the pieces are known.
func TestLogWindow(t *testing.T) {
	c := catalogue(t, Options{Paths: []string{manyLogs(t, 2, 9000)}, Workers: 2})
	at := func(seconds int64) int64 {
		day, _ := traffic.DayTicks(2026, 3, 2)
		return day + seconds*traffic.Second
	}
	for range 2 {
		for _, w := range [][2]int64{{0, 0}, {100, 200}, {8999, 9001}, {17000, 99999}, {20000, 20001}} {
			ids := scanIDs(t, c, plan.Window{From: at(w[0]), To: at(w[1])})
			want := int(max(0, min(w[1], 17999)-w[0]+1))
			if len(ids) != want || want > 0 && ids[0] != strconv.FormatInt(w[0], 10) {
				t.Errorf("window %v: %d rows, want %d", w, len(ids), want)
			}
		}
	}
	if len(c.logs.spans) == 0 {
		t.Error("no piece is known, so that none was left out")
	}
	span, ok, err := c.Span(context.Background())
	if err != nil || !ok || span.From != at(0) || span.To != at(17999) {
		t.Errorf("span %v, %v, %v", span, ok, err)
	}
	within := catalogue(t, Options{Paths: c.o.Paths, Window: plan.Window{From: at(5), To: at(6)}})
	if ids := scanIDs(t, within, plan.Window{From: at(6), To: at(9)}); len(ids) != 1 || ids[0] != "6" {
		t.Errorf("both windows: %v", ids)
	}
}

// TestStandardInput: a query may read it more than once.
func TestStandardInput(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		b.WriteString(cef("2026-03-02T10:00:00Z", "10.0.0.1", "192.0.2.1", fmt.Sprintf("externalId=%d", i)))
	}
	c := catalogue(t, Options{Paths: []string{"-"}, Stdin: strings.NewReader(b.String()), TempDir: t.TempDir()})
	stop := errors.New("enough")
	err := c.Scan(context.Background(), &plan.Scan{Table: logs}, plan.Window{}, func([]stream.Row) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("a scan that is stopped ends with %v", err)
	}
	for range 2 {
		if got := ask(t, c, "CommonSecurityLog | join kind=inner CommonSecurityLog on ExtID | count"); got != `{"Count":3000}` {
			t.Error(got)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(c.o.TempDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestLogValues(t *testing.T) {
	path := write(t, "a.log", cef("2026-03-02T10:00:00.5Z", "10.0.0.1", "192.0.2.1", "dpt=70000 spt=80 cn1=3000000000 cnt=x in=5 fsize=9999999999")+
		"no record\n\nCEF:0|Example|Box|1|9|Thing|3|rt=Mar 02 2026 10:00:01 cfp1=2.5 act=kept\n")
	c := catalogue(t, Options{Paths: []string{path}})
	got := ask(t, c, `CommonSecurityLog | project TimeGenerated, DeviceVendor, DestinationPort, SourcePort, DeviceCustomNumber1,
		FieldDeviceCustomNumber1, EventCount, ReceivedBytes, FileSize, DeviceCustomFloatingPoint1, SimplifiedDeviceAction, Type, TenantId`)
	want := `{"TimeGenerated":"2026-03-02T10:00:00.5Z","DeviceVendor":"Palo Alto Networks","DestinationPort":null,"SourcePort":80,` +
		`"DeviceCustomNumber1":null,"FieldDeviceCustomNumber1":3000000000,"EventCount":null,"ReceivedBytes":5,"FileSize":null,` +
		`"DeviceCustomFloatingPoint1":null,"SimplifiedDeviceAction":"","Type":"CommonSecurityLog","TenantId":""}
{"TimeGenerated":"2026-03-02T10:00:01Z","DeviceVendor":"Example","DestinationPort":null,"SourcePort":null,` +
		`"DeviceCustomNumber1":null,"FieldDeviceCustomNumber1":null,"EventCount":null,"ReceivedBytes":null,"FileSize":null,` +
		`"DeviceCustomFloatingPoint1":2.5,"SimplifiedDeviceAction":"kept","Type":"CommonSecurityLog","TenantId":""}`
	if got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	c2 := c.Report().Counts
	if c2.Flows != 1 || c2.Other[logformat.OtherVendor] != 1 || c2.Other[logformat.OtherBlank] != 1 || c2.Rejects() != 1 {
		t.Errorf("counts %+v", c2)
	}
}

func TestCanceled(t *testing.T) {
	c := catalogue(t, Options{Paths: []string{manyLogs(t, 1, 6000)}, Workers: 2})
	ctx, cancel := context.WithCancel(context.Background())
	err := c.Scan(ctx, &plan.Scan{Table: logs}, plan.Window{}, func([]stream.Row) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a scan that is canceled ends with %v", err)
	}
	if c.Report().Complete {
		t.Error("its report is complete")
	}
}

func TestTextStore(t *testing.T) {
	var s textStore
	for i := range 3 * storeTrial {
		if got := s.get([]byte("again")); got != "again" {
			t.Fatal(got)
		}
		if want := fmt.Sprint("once", i); i%2 == 0 && s.get([]byte(want)) != want {
			t.Fatal(want)
		}
	}
	if s.off {
		t.Error("a store in which most is known is off")
	}
	for i := range 2 * storeTrial {
		s.get([]byte(strconv.Itoa(i)))
	}
	if !s.off {
		t.Error("a store in which nothing is known is on")
	}
}

// TestNetworkSession: the fields of ASIM, as its own parser for these records maps them.
func TestNetworkSession(t *testing.T) {
	path := write(t, "a.log",
		cef("2026-03-02T10:00:00Z", "10.0.0.1", "192.0.2.1", "start=Mar 02 2026 09:59:00 GMT dvchost=fw1.example.org suser=ann@example.org cs1Label=Rule cs1=web spt=5000 dpt=443 "+
			"proto=tcp app=ssl act=allow in=100 out=200 flexNumber1=300 cn1=77 cn2=9 cn3=2 cs4=in cs5=out reason=aged-out externalId=5 PanOSPacketsReceived=4 PanOSPacketsSent=5")+
			cef("2026-03-02T10:00:01Z", "10.9.0.1", "192.0.2.2", "dvchost=fw2 dpt=22 proto=tcp act=reset-both")+
			strings.Replace(cef("2026-03-02T10:00:02Z", "10.0.0.1", "192.0.2.1", "act=alert"), "|end|TRAFFIC|", "|url|THREAT|", 1))
	c := catalogue(t, Options{Paths: []string{path}})
	got := ask(t, c, `_Im_NetworkSession | project TimeGenerated, EventVendor, EventProduct, EventResult, DvcAction, DvcHostname, DvcDomain, DvcFQDN,
		SrcIpAddr, DstIpAddr, SrcPortNumber, DstPortNumber, SrcBytes, DstBytes, SrcPackets, DstPackets, NetworkBytes, NetworkPackets, NetworkDuration, NetworkSessionId,
		NetworkProtocol, NetworkApplicationProtocol, NetworkRuleName, SrcZone, DstZone, SrcUsername, SrcUsernameType, EventStartTime, EventSubType, Src, Dst, IpAddr, Rule,
		ASimMatchingIpAddr, EventOriginalResultDetails, EventSchemaVersion, EventCount | take 1`)
	want := `{"TimeGenerated":"2026-03-02T09:59:00Z","EventVendor":"Palo Alto","EventProduct":"PanOS","EventResult":"Success","DvcAction":"Allow",` +
		`"DvcHostname":"fw1","DvcDomain":"example.org","DvcFQDN":"fw1.example.org","SrcIpAddr":"10.0.0.1","DstIpAddr":"192.0.2.1","SrcPortNumber":5000,` +
		`"DstPortNumber":443,"SrcBytes":200,"DstBytes":100,"SrcPackets":5,"DstPackets":4,"NetworkBytes":300,"NetworkPackets":9,"NetworkDuration":2000,` +
		`"NetworkSessionId":"77","NetworkProtocol":"TCP","NetworkApplicationProtocol":"ssl","NetworkRuleName":"web","SrcZone":"in","DstZone":"out",` +
		`"SrcUsername":"ann@example.org","SrcUsernameType":"UPN","EventStartTime":"2026-03-02T09:59:00Z","EventSubType":"End","Src":"10.0.0.1",` +
		`"Dst":"192.0.2.1","IpAddr":"10.0.0.1","Rule":"web","ASimMatchingIpAddr":"-","EventOriginalResultDetails":"aged-out","EventSchemaVersion":"0.2.6","EventCount":1}`
	if got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	for query, hosts := range map[string]string{
		"imNetworkSession":                                                                                         "fw1 fw2",
		"_ASim_NetworkSession(disabled=true)":                                                                      "",
		"_Im_NetworkSession(starttime=datetime(2026-03-02T10:00:01Z))":                                             "fw2",
		"_Im_NetworkSession(endtime=datetime(2026-03-02T10:00:00Z))":                                               "fw1",
		"_Im_NetworkSession(dstportnumber=22)":                                                                     "fw2",
		"_Im_NetworkSession(srcipaddr_has_any_prefix=dynamic(['10.9.']))":                                          "fw2",
		"_Im_NetworkSession(dstipaddr_has_any_prefix=dynamic(['192.0.2.1', '198.']))":                              "fw1",
		"_Im_NetworkSession(ipaddr_has_any_prefix=dynamic(['10.0.', '192.0.2.2']))":                                "fw1 fw2",
		"_Im_NetworkSession(dvcaction=dynamic(['Reset', 'Deny']))":                                                 "fw2",
		"_Im_NetworkSession(eventresult='Failure')":                                                                "fw2",
		"_Im_NetworkSession(eventresult='Success', pack=true)":                                                     "fw1",
		"_Im_NetworkSession(hostname_has_any=dynamic(['fw1']))":                                                    "",
		"PaloAltoPANOSSyslog | where Activity == 'THREAT' | project DvcHostname=DeviceEventClassID":                "url",
		"PaloAltoPANOSSyslog | where DestinationPort !in (443) | project DvcHostname = DeviceName":                 "fw2 ",
		"_Im_NetworkSession(srcipaddr_has_any_prefix=dynamic(['10.9.'])) | project DvcHostname=ASimMatchingIpAddr": "SrcIpAddr",
	} {
		got := ask(t, c, query+" | summarize s=strcat_array(make_list(DvcHostname), ' ')")
		if want := `{"s":"` + hosts + `"}`; got != want {
			t.Errorf("%s gives %s, want %s", query, got, want)
		}
	}
	own := catalogue(t, Options{Paths: []string{path}, Tables: []File{{
		"ASimNetworkSessionLogs",
		write(t, "n.csv", "TimeGenerated,DvcHostname,DstPortNumber,SrcIpAddr\n2026-03-02T10:00:00Z,own,22,10.9.1.1\n"),
	}}})
	if got := ask(t, own, "_Im_NetworkSession(dstportnumber=22, srcipaddr_has_any_prefix=dynamic(['10.9.'])) | summarize strcat_array(make_set(DvcHostname), ' ')"); got !=
		`{"Column1":"fw2 own"}` && !strings.Contains(got, "fw2 own") {
		t.Error(got)
	}
}

func TestWebSession(t *testing.T) {
	c := catalogue(t, Options{Tables: []File{{"ASimWebSessionLogs", write(t, "w.csv",
		"TimeGenerated,Url,HttpUserAgent,EventResultDetails,EventResult,SrcIpAddr\n"+
			"2026-03-02T10:00:00Z,http://example.org/a.exe,curl/8,200,Success,10.0.0.1\n2026-03-02T11:00:00Z,http://example.net/,nmap,404,Failure,10.0.0.2\n")}}})
	for query, want := range map[string]string{
		"_Im_WebSession": "2", "imWebSession(url_has_any=dynamic(['a.exe']))": "1", "_Im_WebSession(eventresultdetails_in=dynamic(['404','500']))": "1",
		"_Im_WebSession(httpuseragent_has_any=dynamic(['nmap']), eventresult='Failure')": "1", "_Im_WebSession(starttime=datetime(2026-03-02T12:00:00Z))": "0",
		"_Im_WebSession(srcipaddr_has_any_prefix=dynamic(['10.']))": "2",
	} {
		if got := ask(t, c, query+" | count"); got != `{"Count":`+want+`}` {
			t.Errorf("%s counts %s, want %s", query, got, want)
		}
	}
}

// TestRejectedSamples: rejected lines are shown with their place in the file, the first few of each reason, by rows as by
// batches.
func TestRejectedSamples(t *testing.T) {
	dir := manyLogs(t, 2, 6000) // more than one piece each
	want := []string{}
	for i, name := range []string{"00.log", "01.log"} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, fmt.Sprintf("junk %d\r\nmore junk\nCEF:0|cut\n", i)...)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%s:6001 junk %d", name, i))
		if i == 0 {
			want = append(want, "00.log:6002 more junk")
		}
		want = append(want, name+":6003 CEF:0|cut")
	}
	shown := func(c *Catalog) (out []string) {
		for _, x := range c.Report().Samples {
			out = append(out, fmt.Sprintf("%s:%d %s", filepath.Base(x.Path), x.Line, x.Text))
		}
		return out
	}
	rows := catalogue(t, Options{Paths: []string{dir}, Workers: 2})
	scanIDs(t, rows, plan.Window{})
	batches := catalogue(t, Options{Paths: []string{dir}, Workers: 2})
	if err := batches.Flows(t.Context(), plan.Window{}, func() ingest.Sink { return noSink{} }); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Catalog{"rows": rows, "batches": batches} {
		if got := shown(c); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// noSink takes batches and does nothing with them.
type noSink struct{}

func (noSink) Observe(*traffic.Batch) error { return nil }
