package logformat

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"drumbeat/internal/synth"
)

// columnNames are all that a record can fill.
var columnNames = func() []string {
	names := []string{
		"TimeGenerated", "DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Activity", "LogSeverity",
		"Computer", "AdditionalExtensions", "FieldDeviceCustomNumber1", "FieldDeviceCustomNumber2", "FieldDeviceCustomNumber3",
	}
	for _, c := range cefColumns {
		if c.name != "" {
			names = append(names, c.name)
		}
	}
	for _, t := range nativeTables {
		for _, c := range t.columns {
			if c.extra == "" {
				names = append(names, c.col.name)
			}
			if c.label != "" {
				names = append(names, c.col.name+"Label")
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}()

func cellText(c Cell) string {
	switch {
	case !c.Set:
		return "-"
	case c.Kind == KindText:
		return strconv.Quote(string(c.Text))
	case c.Real != 0:
		return strconv.FormatFloat(c.Real, 'g', -1, 64)
	}
	return strconv.FormatInt(c.Number, 10)
}

// cellsOf gives the rows of a line, a text a row with the columns that are set.
func cellsOf(t testing.TB, r *ColumnReader, names []string, line []byte) ([]map[string]string, Outcome) {
	t.Helper()
	var rows []map[string]string
	o, err := r.Read(line, func(cells []Cell) error {
		row := map[string]string{}
		for i, c := range cells {
			if c.Set {
				row[names[i]] = cellText(c)
			}
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, o
}

// checkAsReader compares the rows of a TRAFFIC line with what a Reader finds.
func checkAsReader(t *testing.T, line []byte) {
	t.Helper()
	slow, all := NewReader(Options{}), NewColumnReader(Options{}, columnNames, nil)
	slow.Start(nil)
	all.Start(nil)
	records, want := slow.Read(line)
	rows, got := cellsOf(t, all, columnNames, line)
	if want.Reason != got.Reason && want.Other == OtherNone {
		t.Errorf("%.200s\nis %v, as the reader says %v", line, got, want)
		return
	}
	if want.Other != OtherNone || want.Reason != ReasonNone {
		return
	}
	if len(rows) != len(records) {
		t.Errorf("%.200s\nhas %d rows, as the reader says %d", line, len(rows), len(records))
		return
	}
	for i, rec := range records {
		row := rows[i]
		for _, f := range rec.Fields {
			c := Cell{Set: true, Kind: f.Kind, Number: f.Number, Text: []byte(f.Text)}
			if row[f.Name] != cellText(c) {
				t.Errorf("%.200s\n%s is %s, the reader says %s", line, f.Name, row[f.Name], cellText(c))
			}
			delete(row, f.Name)
		}
		for name, text := range row {
			if !strings.HasPrefix(name, "FieldDeviceCustomNumber") && name != "SimplifiedDeviceAction" {
				t.Errorf("%.200s\n%s is %s, the reader has nothing there", line, name, text)
			}
		}
	}
}

func linesOf(t testing.TB, set func(w *synth.World)) [][]byte {
	t.Helper()
	w := synth.Default()
	w.Flows, w.Beacons = 5000, nil
	set(&w)
	var log bytes.Buffer
	if _, err := w.Write(context.Background(), &log, io.Discard); err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
}

func TestColumnsAsReader(t *testing.T) {
	for _, line := range linesOf(t, func(*synth.World) {})[:500] {
		checkAsReader(t, line)
	}
	for _, line := range linesOf(t, func(w *synth.World) { w.Format = synth.CSV })[:500] {
		checkAsReader(t, line)
	}
	files, err := filepath.Glob(samplesDir + "/*/*.log")
	if err != nil || len(files) == 0 {
		t.Log("the samples are not at hand")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			checkAsReader(t, line)
		}
	}
}

// TestColumnsChosen: a reader for one column gives what a reader for all gives in it.
func TestColumnsChosen(t *testing.T) {
	lines := slices.Concat(linesOf(t, func(*synth.World) {})[:20],
		linesOf(t, func(w *synth.World) { w.Format = synth.CSV })[:20], [][]byte{[]byte(otherCEF), []byte(threatCSV), []byte(systemCSV)})
	for _, name := range columnNames {
		one, all := NewColumnReader(Options{}, []string{name}, nil), NewColumnReader(Options{}, columnNames, nil)
		for _, line := range lines {
			a, _ := cellsOf(t, one, []string{name}, line)
			b, _ := cellsOf(t, all, columnNames, line)
			if len(a) != 1 || len(b) != 1 || a[0][name] != b[0][name] {
				t.Errorf("%.100s\n%s: alone %v, among all %v", line, name, a, b)
			}
		}
	}
}

const (
	otherCEF = `<134>Mar  2 10:00:00 gw CEF:0|Example Corp|Box|1.2|77|A \| B|8|rt=2026-03-02T10:00:01Z src=10.0.0.1 cfp1=1.5 ` +
		`cfp1Label=ratio oldFileName=a.txt deviceCustomDate1=yesterday own=1 msg=x\=y`
	threatCSV = `1,2026/03/02 10:00:00,0070000000,THREAT,url,2561,2026/03/02 09:59:59,10.0.0.1,203.0.113.9,0.0.0.0,0.0.0.0,web,` +
		`corp\ann,,web-browsing,vsys1,trust,untrust,ethernet1/1,ethernet1/2,fwd,,4711,1,50000,80,0,0,0x0,tcp,alert,` +
		`"example.org/a,b",9999,games,informational,client-to-server,12,0x0,US,DE,,text/html,0`
	systemCSV = `1,2026/03/02 10:00:00,0070000000,SYSTEM,general,0,2026/03/02 10:00:00,,general,,0,0,general,critical,"it is, well, up",` +
		`88,0x0,0,0,0,0,,fw1`
)

func TestColumnsOfOtherRecords(t *testing.T) {
	for _, c := range []struct {
		line  string
		other OtherType
		want  map[string]string
	}{
		{otherCEF, OtherVendor, map[string]string{
			"TimeGenerated": "639080424010000000", "DeviceVendor": `"Example Corp"`, "Activity": `"A | B"`,
			"DeviceEventClassID": `"77"`, "LogSeverity": `"8"`, "SourceIP": `"10.0.0.1"`, "DeviceCustomFloatingPoint1": "1.5",
			"DeviceCustomFloatingPoint1Label": `"ratio"`, "OldFileName": `"a.txt"`, "DeviceCustomDate1": `"yesterday"`,
			"AdditionalExtensions": `"own=1"`, "Message": `"x=y"`, "Computer": `"gw"`, "DeviceProduct": `"Box"`,
			"DeviceVersion": `"1.2"`, "ReceiptTime": `"2026-03-02T10:00:01Z"`,
		}},
		{systemCSV, OtherSystem, map[string]string{
			"TimeGenerated": "639080424000000000", "DeviceVendor": `"Palo Alto Networks"`, "DeviceProduct": `"PAN-OS"`,
			"Activity": `"SYSTEM"`, "DeviceEventClassID": `"general"`, "LogSeverity": `"5"`, "Message": `"it is, well, up"`,
			"DeviceName": `"fw1"`, "ExtID": `"88"`, "DeviceExternalID": `"0070000000"`, "DeviceEventCategory": `"general"`,
			"FlexString2": `"general"`, "FlexString2Label": `"Module"`, "ReceiptTime": `"2026/03/02 10:00:00"`,
			"StartTime":            "639080424000000000",
			"AdditionalExtensions": `"PanOSActionFlags=0x0;PanOSDGl1=0;PanOSDGl2=0;PanOSDGl3=0;PanOSDGl4=0"`,
		}},
	} {
		r := NewColumnReader(Options{}, columnNames, nil)
		rows, o := cellsOf(t, r, columnNames, []byte(c.line))
		if len(rows) != 1 || o.Other != c.other {
			t.Errorf("%.80s is %v with %d rows", c.line, o, len(rows))
			continue
		}
		for name, text := range c.want {
			if rows[0][name] != text {
				t.Errorf("%.80s\n%s is %s, want %s", c.line, name, rows[0][name], text)
			}
			delete(rows[0], name)
		}
		for name, text := range rows[0] {
			t.Errorf("%.80s\n%s is %s, want nothing", c.line, name, text)
		}
		if r.Counts().Other[c.other] != 1 || r.Counts().First != r.Counts().Last {
			t.Errorf("%.80s is counted as %+v", c.line, r.Counts())
		}
	}
	r := NewColumnReader(Options{}, columnNames, nil)
	rows, _ := cellsOf(t, r, columnNames, []byte(threatCSV))
	for name, text := range map[string]string{
		"TimeGenerated": "639080423990000000", "RequestURL": `"example.org/a,b"`, "DeviceAction": `"alert"`,
		"SimplifiedDeviceAction": `"alert"`, "SourceUserName": `"corp\\ann"`, "DestinationPort": "80", "LogSeverity": `"1"`,
		"DeviceEventClassID": `"url"`, "DeviceCustomString2": `"games"`, "FieldDeviceCustomNumber1": "4711",
	} {
		if rows[0][name] != text {
			t.Errorf("THREAT: %s is %s, want %s", name, rows[0][name], text)
		}
	}
}

func TestColumnsWindow(t *testing.T) {
	r := NewColumnReader(Options{}, []string{"SourceIP"}, func(int64) bool { return false })
	for _, line := range []string{otherCEF, threatCSV} {
		if rows, o := cellsOf(t, r, []string{"SourceIP"}, []byte(line)); len(rows) != 0 || o.Reason != ReasonNone {
			t.Errorf("%.80s gives %v, %v", line, rows, o)
		}
	}
	if c := r.Counts(); c.Others() != 2 || c.First == 0 {
		t.Errorf("counted as %+v", c)
	}
}

func FuzzColumns(f *testing.F) {
	for _, line := range []string{otherCEF, threatCSV, systemCSV, "", "x", otherCEF + " " + otherCEF} {
		f.Add([]byte(line))
	}
	for _, line := range linesOf(f, func(*synth.World) {})[:3] {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		checkAsReader(t, line)
	})
}

// BenchmarkColumns reads the columns of the founding rule, and all. ns/op is for one line.
func BenchmarkColumns(b *testing.B) {
	few := []string{
		"TimeGenerated", "DeviceVendor", "Activity", "SourceIP", "DestinationIP", "DestinationPort", "DeviceName", "SourceUserID",
		"SentBytes", "ReceivedBytes",
	}
	for name, set := range map[string]func(w *synth.World){
		"cef": func(*synth.World) {},
		"csv": func(w *synth.World) { w.Format = synth.CSV },
	} {
		lines := linesOf(b, set)
		for of, columns := range map[string][]string{"few": few, "all": columnNames} {
			b.Run(name+"/"+of, func(b *testing.B) {
				r := NewColumnReader(Options{}, columns, nil)
				r.Start(nil)
				b.SetBytes(int64(len(lines[0])))
				for i := range b.N {
					_, _ = r.Read(lines[i%len(lines)], func([]Cell) error { return nil })
				}
			})
		}
	}
}

// FuzzColumnsCarry: what a reader has learned from one line changes nothing in what it finds in the next.
func FuzzColumnsCarry(f *testing.F) {
	lines := slices.Concat(linesOf(f, func(*synth.World) {})[:4], [][]byte{
		[]byte(otherCEF), []byte(threatCSV), []byte(systemCSV),
		[]byte(strings.Replace(otherCEF, "msg=x", "msg=free own=1 src=2 ", 1)), []byte("CEF:0|a|b|c|d|e|1|rt=1772445600 a=b=c d= =e f=g"),
	})
	for _, a := range lines {
		for _, b := range lines {
			f.Add(a, b)
		}
	}
	day := int64(639080424000000000)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		used, fresh := NewColumnReader(Options{Now: day}, columnNames, nil), NewColumnReader(Options{Now: day}, columnNames, nil)
		cellsOf(t, used, columnNames, a)
		got, o := cellsOf(t, used, columnNames, b)
		want, p := cellsOf(t, fresh, columnNames, b)
		if o != p || !slices.EqualFunc(got, want, maps.Equal) {
			t.Errorf("after %q\n%q\nis %v %v, alone %v %v", a, b, o, got, p, want)
		}
	})
}
