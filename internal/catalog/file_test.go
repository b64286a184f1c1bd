package catalog

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drumbeat/internal/eval"
	"drumbeat/kql"
)

func TestCSVTable(t *testing.T) {
	path := write(t, "a.csv", "\ufeffName,Size,Share,Since [UTC],Ok,Code,Notes,Bag\r\n"+
		"ann,12,1.5,2026-03-02T10:00:00Z,true,007,\"a, \"\"b\"\"\nc\",\"{\"\"x\"\":1}\"\r\n"+
		"bob,,2,\"3/2/2026, 1:05:06 PM\",false,12,,[1]\r\n")
	var notes []string
	c := catalogue(t, Options{
		Tables: []File{{"Assets", path}}, Note: func(s string) { notes = append(notes, s) }, Warn: func(s string) { t.Error(s) },
	})
	table, ok := c.Table("Assets")
	want := "Name:string Size:long Share:real Since:datetime Ok:bool Code:string Notes:string Bag:dynamic"
	if got := columnsText(table.Columns); !ok || got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "Size:long, Share:real") ||
		!strings.Contains(notes[0], "--table 'Assets(Name:string)=") {
		t.Errorf("notes: %q", notes)
	}
	want = `{"Name":"ann","Size":12,"Share":1.5,"Since":"2026-03-02T10:00:00Z","Ok":true,"Code":"007","Notes":"a, \"b\"\nc","Bag":{"x":1}}
{"Name":"bob","Size":null,"Share":2.0,"Since":"2026-03-02T13:05:06Z","Ok":false,"Code":"12","Notes":"","Bag":[1]}`
	got := ask(t, c, "Assets")
	if strings.ReplaceAll(got, `"Share":2,`, `"Share":2.0,`) != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if got := ask(t, c, "Assets | where Size > 3 | project Bag.x"); got != `{"Bag_x":1}` {
		t.Error(got)
	}
}

// TestKnownTable: the types are those of the workspace's table, whatever the file holds; columns that it lacks are null.
func TestKnownTable(t *testing.T) {
	path := write(t, "a.json", `[{"TimeGenerated":"2026-03-02T10:00:00Z","SeverityLevel":"err","ProcessID":"12","Own":true},
		{"ProcessID":"many"}, {"ProcessID":null}]`)
	var warnings []string
	keep := func(s string) { warnings = append(warnings, s) }
	c := catalogue(t, Options{Tables: []File{{"Syslog", path}}, Warn: keep, Note: keep})
	got := ask(t, c, "Syslog | project TimeGenerated, ProcessID, SeverityLevel, HostName, Own")
	want := `{"TimeGenerated":"2026-03-02T10:00:00Z","ProcessID":12,"SeverityLevel":"err","HostName":"","Own":true}
{"TimeGenerated":null,"ProcessID":null,"SeverityLevel":"","HostName":"","Own":null}
{"TimeGenerated":null,"ProcessID":null,"SeverityLevel":"","HostName":"","Own":null}`
	if got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	all := strings.Join(warnings, "\n")
	for _, want := range []string{"Own:bool", "1 value of column ProcessID are no int"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning of %q in %q", want, all)
		}
	}
}

func TestJSONForms(t *testing.T) {
	for name, text := range map[string]string{
		"lines":   "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"\",\"c\":{\"k\":[1,null]}}\n",
		"array":   " [ {\"a\":1,\"b\":\"x\"} , {\"c\":{\"k\":[1,null]},\"a\":2} ] ",
		"joined":  `{"a":1,"b":"x"}{"a":2,"c":{"k":[1,null]}}`,
		"service": `{"tables":[{"name":"P","columns":[{"name":"a","type":"long"},{"name":"b"},{"name":"c"}],"rows":[[1,"x",null],[2,"",{"k":[1,null]}]]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := catalogue(t, Options{Tables: []File{{"T", write(t, "t.json", text)}}})
			want := "{\"a\":1,\"b\":\"x\",\"c\":null}\n{\"a\":2,\"b\":\"\",\"c\":{\"k\":[1,null]}}"
			if got := ask(t, c, "T | project a, b, c"); got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestPackedTable(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("a\n1\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	c := catalogue(t, Options{Tables: []File{{"T", write(t, "t.csv.gz", packed.String())}}})
	if got := ask(t, c, "T | summarize sum(a)"); got != `{"sum_a":1}` {
		t.Error(got)
	}
}

func TestTableErrors(t *testing.T) {
	small := Limits{Bytes: 100, Rows: 2, Columns: 3, Cell: 10}
	for _, c := range []struct{ name, text, want string }{
		{"a.csv", "a,b\n1,2\n3\n", "a.csv:3:1: 1 value, but the first line names 2 columns"},
		{"a.csv", "a,b\n1,\"2\"x\n", `a.csv:2:5: extraneous or missing " in quoted-field`},
		{"a.csv", "a,a\n", `a.csv:1:3: two columns are named "a"`},
		{"a.csv", "a,,b\n", "a.csv:1:3: a column has no name"},
		{"a.csv", "", "a.csv: is empty"},
		{"a.csv", "a\n1\n2\n3\n", "a.csv:4:1: more than 2 rows, the limit for tables"},
		{"a.csv", "a,b,c,d\n", "a.csv:1:7: more than 3 columns, the limit for tables"},
		{"a.csv", "a,b\n1,0123456789x\n", "a.csv:2:3: a value of more than 10 bytes, the limit for tables"},
		{"a.csv", "a\n" + strings.Repeat("1", 200), "the file is larger than 100 bytes"},
		{"a.csv", "a\n\x00\x01\x02\x03", "is a binary file"},
		{"a.json", "{\"a\":1}\n{\"a\":}\n", "a.json:2:6: invalid character '}'"},
		{"a.json", "{\"a\":1}\n[{\"a\":2}\n", "a.json:3:1: the text ends within a value"},
		{"a.json", "{\"a\":1}\n3", "a.json:2:1: a row must be an object"},
		{"a.json", "]", "a.json:1:1: invalid character ']'"},
		{"a.json", "{\"a\":1}{\"b\":1}{\"c\":1}", "a.json:1:15: more than 2 rows"},
		{"a.json", `{"a":"0123456789"}`, "a.json:1:1: a has a value of more than 10 bytes"},
		{"a.json", `{"a":1,"b":2,"c":3,"d":4}`, "a.json:1:1: more than 3 columns"},
		{"a.txt", "x", "a table needs CSV or JSON"},
		{"a.xlsx", "x", "its name must end with .csv"},
		{"a.parquet", "x", "a.parquet: "},
	} {
		path := write(t, c.name, c.text)
		_, err := New(Options{Tables: []File{{"T", path}}, Limits: small})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
	for _, o := range []Options{
		{Tables: []File{{"CommonSecurityLog", "x.csv"}}},
		{Tables: []File{{"a b", "x.csv"}}},
		{Tables: []File{{"T", filepath.Join(t.TempDir(), "none.csv")}}},
		{Tables: []File{{"T", t.TempDir()}}},
		{Functions: []File{{"F", "none.kql"}}},
		{Externals: []File{{"u", "a.csv"}, {"u", "b.csv"}}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func TestEmptyTables(t *testing.T) {
	var warnings []string
	c := catalogue(t, Options{Warn: func(s string) { warnings = append(warnings, s) }})
	for _, query := range []string{
		"SecurityAlert | count", "SecurityAlert | count", "CommonSecurityLog | count", "CiscoSEGEvent | count",
		"_GetWatchlist('vip') | count",
	} {
		if got := ask(t, c, query); got != `{"Count":0}` {
			t.Errorf("%s gives %s", query, got)
		}
	}
	if len(warnings) != 4 {
		t.Errorf("%d warnings: %q", len(warnings), warnings)
	}
}

func TestWatchlist(t *testing.T) {
	path := write(t, "w.csv", "Address,Owner,SearchKey\n10.0.0.1,ann,k1\n10.0.0.2,bob,k2\n")
	c := catalogue(t, Options{Watchlists: []Watchlist{
		{Alias: "own", Path: path}, {Alias: "by owner", Key: "Owner", Path: path},
	}})
	if got, want := ask(t, c, "_GetWatchlist('own') | project SearchKey, Address, tostring(WatchlistItem.Owner)"),
		"{\"SearchKey\":\"k1\",\"Address\":\"10.0.0.1\",\"WatchlistItem_Owner\":\"ann\"}\n"+
			"{\"SearchKey\":\"k2\",\"Address\":\"10.0.0.2\",\"WatchlistItem_Owner\":\"bob\"}"; got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if got := ask(t, c, "let a = 'own'; _GetWatchlist(a, dynamic(['k2'])) | project Owner"); got != `{"Owner":"bob"}` {
		t.Error(got)
	}
	if got := ask(t, c, "_GetWatchlist('by owner') | summarize make_list(SearchKey), dcount(_DTItemId)"); got !=
		`{"list_SearchKey":["ann","bob"],"dcount__DTItemId":2}` {
		t.Error(got)
	}
	if _, err := New(Options{Watchlists: []Watchlist{{Alias: "a", Key: "Nobody", Path: path}}}); err == nil {
		t.Error("a key that is no column is accepted")
	}
}

func TestExternal(t *testing.T) {
	const url = "https://example.org/feed.csv"
	csv := write(t, "feed.csv", "a,b\n1,x\n2,y,extra\n3\n")
	c := catalogue(t, Options{Externals: []File{
		{url, csv},
		{"https://example.org/j", write(t, "j.json", `{"b":"x","a":"5"}`)},
		{"https://example.org/l", write(t, "l.txt", "one\n\ntwo")},
	}})
	for query, want := range map[string]string{
		"externaldata(a:int, b:string)['" + url + "'] with (format='csv', ignoreFirstRecord=true)": "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n{\"a\":3,\"b\":\"\"}",
		"externaldata(a:int, b:string)['" + url + "?key=1;secret'] | count":                        "no",
		"externaldata(a:int)['https://example.org/j'] with (format=multijson)":                     `{"a":5}`,
		"externaldata(l:string)[h'https://example.org/l;key'] with (format='txt')":                 "{\"l\":\"one\"}\n{\"l\":\"\"}\n{\"l\":\"two\"}",
		"externaldata(l:string)['https://example.org/l'] with (format='avro')":                     "no",
		"externaldata(a:int)['https://example.org/none.csv']":                                      "no",
	} {
		got, err := askError(t, c, query)
		if want == "no" {
			if err == nil {
				t.Errorf("%s gives %s", query, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s gives\n%s\nwant\n%s (%v)", query, got, want, err)
		}
	}
	_, err := askError(t, c, "externaldata(a:int)['https://example.org/none.csv']")
	if err == nil || !strings.Contains(err.Error(), "--external https://example.org/none.csv=FILE") {
		t.Errorf("the refusal does not say what to do: %v", err)
	}
}

func TestEmptyExternal(t *testing.T) {
	var warnings []string
	c := catalogue(t, Options{EmptyExternals: true, Warn: func(s string) { warnings = append(warnings, s) }})
	if got := ask(t, c, "externaldata(a:int)['https://example.org/none.csv'] | count"); got != `{"Count":0}` || len(warnings) != 1 {
		t.Errorf("%s, warnings %q", got, warnings)
	}
}

// TestStatedTypes: types that are stated hold, by the name of the table or in the first line.
func TestStatedTypes(t *testing.T) {
	const body = "1.10,007,2,2026-03-02\n1.2,8,x,\n"
	var warnings, notes []string
	for name, file := range map[string]File{
		"name":   {"V(Version:string, Code:int, Count:long)", write(t, "v.csv", "Version,Code,Count,Day\n"+body)},
		"header": {"V", write(t, "v.csv", "Version:string,Code : int,Count:long,Day\n"+body)},
		"both":   {"V(Code:int)", write(t, "v.csv", "Version:string,Code,Count:long,Day\n"+body)},
	} {
		t.Run(name, func(t *testing.T) {
			warnings, notes = nil, nil
			c := catalogue(t, Options{
				Tables: []File{file}, Warn: func(s string) { warnings = append(warnings, s) }, Note: func(s string) { notes = append(notes, s) },
			})
			const want = `{"Version":"1.10","Code":7,"Count":2,"Day":"2026-03-02T00:00:00Z"}
{"Version":"1.2","Code":8,"Count":null,"Day":null}`
			if got := ask(t, c, "V"); got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], "column Count are no long") {
				t.Errorf("warnings %q", warnings)
			}
			if len(notes) != 1 || !strings.Contains(notes[0], "values: Day:datetime (") {
				t.Errorf("notes %q", notes)
			}
		})
	}
	path := write(t, "a.csv", "a,b:c,TimeGenerated\n1,2,x\n")
	for name, want := range map[string]string{
		"T(a:int":                      "the columns of table T",
		"T(a:number)":                  "the columns of table T",
		"T(a)":                         "the columns of table T",
		"T(a:int, a:int)":              `two are named "a"`,
		"T(a:int)[1] | union (U":       "the columns of table T",
		"(a:int)":                      `cannot be named ""`,
		"Syslog(TimeGenerated:string)": "the column TimeGenerated of Syslog has type datetime, not string",
	} {
		if _, err := New(Options{Tables: []File{{name, path}}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	warnings = nil
	c := catalogue(t, Options{Tables: []File{{"T(a:string, z:real)", path}}, Warn: func(s string) { warnings = append(warnings, s) }})
	if got := ask(t, c, "T"); got != `{"a":"1","b:c":2,"TimeGenerated":"x","z":null}` || len(warnings) != 1 {
		t.Errorf("%s, warnings %q", got, warnings)
	}
}

// TestSeparator: files that other tools write as CSV.
func TestSeparator(t *testing.T) {
	for text, want := range map[string]string{
		"a;b\n1;\"x;y\"\n":     `{"a":1,"b":"x;y"}`,
		"a\tb\n1\tx;y\n":       `{"a":1,"b":"x;y"}`,
		"\"a,1\";b\n1;x\n":     `{"a,1":1,"b":"x"}`,
		"a,b;c\n1,2\n":         `{"a":1,"b;c":2}`,
		"a\n1;2\n":             `{"a":"1;2"}`,
		"\"a;1\",b\n1,x\n":     `{"a;1":1,"b":"x"}`,
		"a;b:string\n1;1.10\n": `{"a":1,"b":"1.10"}`,
	} {
		if got := ask(t, catalogue(t, Options{Tables: []File{{"T", write(t, "t.csv", text)}}}), "T"); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
}

func TestFunction(t *testing.T) {
	c := catalogue(t, Options{Functions: []File{{"CiscoSEGEvent", write(t, "f.kql", "// one\ndatatable(a:int)[7]")}}})
	if got := ask(t, c, "CiscoSEGEvent | project a + 1"); got != `{"Column1":8}` {
		t.Error(got)
	}
}

// FuzzTable reads anything as CSV and as JSON: no panic, and either an error or a table that can be read.
func FuzzTable(f *testing.F) {
	for _, text := range []string{
		"a,b\n1,2\n", "\"a\"\n\"x\ny\"", "a\n2026-03-02T10:00:00Z", `{"a":1}`, `[{"a":[1]},{"b":null}]`, "[", "]", "{}", "\xff,\xfe\n1,2",
		`{"tables":[{"columns":[{"name":"a"}],"rows":[[1],[null]]}]}`, `{"tables":[{"columns":[{"name":""}],"rows":[[]]}]}`,
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"t.csv", "t.json"} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := New(Options{Tables: []File{{"T", path}}, Limits: Limits{Bytes: 1 << 16, Rows: 100, Columns: 20, Cell: 1000}})
			if err != nil {
				if !strings.HasPrefix(err.Error(), path) {
					t.Fatalf("the error does not name the file: %v", err)
				}
				continue
			}
			for _, row := range c.tables["T"].rows {
				for i, col := range c.tables["T"].cols {
					if row[i].Type() != col.Type {
						t.Fatalf("%q: a %v in column %s of type %v", text, row[i].Type(), col.Name, col.Type)
					}
				}
			}
		}
	})
}

func TestGuess(t *testing.T) {
	for text, want := range map[string]kql.Type{
		"1": kql.TypeLong, "-1": kql.TypeLong, "1.5": kql.TypeReal, "1e3": kql.TypeString, "1.10": kql.TypeString, "1.0": kql.TypeReal, "-0.25": kql.TypeReal, ".5": kql.TypeString, "0": kql.TypeLong, "0.5": kql.TypeReal,
		"007": kql.TypeString, "+1": kql.TypeString, "true": kql.TypeBool, "True": kql.TypeBool, "yes": kql.TypeString,
		"2026-03-02": kql.TypeDateTime, "2026-03-02T10:00:00.1234567Z": kql.TypeDateTime, "10.0.0.1": kql.TypeString,
		"{\"a\":1}": kql.TypeDynamic, "[": kql.TypeString, "9223372036854775809": kql.TypeString, "inf": kql.TypeString, "0x10": kql.TypeString,
		"1_000": kql.TypeString, "": kql.TypeString, "2026": kql.TypeLong,
	} {
		raw := &rawTable{rows: [][]rawCell{{{text: text, kind: rawText}}}}
		if got := raw.guess(0); got != want {
			t.Errorf("%q is guessed as %v, want %v", text, got, want)
		}
		if v, ok := valueOf(rawCell{text: text, kind: rawText}, want, &textStore{}); !ok || text != "" && eval.Missing(v) {
			t.Errorf("%q is no value of %v", text, want)
		}
	}
	for _, column := range []struct {
		want  kql.Type
		texts []string
	}{
		{kql.TypeReal, []string{"1", "1.5", ""}}, {kql.TypeString, []string{"1.10", "1.2", "1.9"}},
	} {
		raw := &rawTable{}
		for _, text := range column.texts {
			raw.rows = append(raw.rows, []rawCell{{text: text, kind: rawText}})
		}
		if got := raw.guess(0); got != column.want {
			t.Errorf("%q are guessed as %v", column.texts, got)
		}
	}
	number := &rawTable{rows: [][]rawCell{{{text: "1.10", kind: rawNumber}}, {{text: "1e3", kind: rawNumber}}}}
	if got := number.guess(0); got != kql.TypeReal {
		t.Errorf("numbers of JSON are guessed as %v", got)
	}
}
