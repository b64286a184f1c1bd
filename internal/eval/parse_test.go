package eval_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

func TestParsers(t *testing.T) {
	for _, c := range []struct{ group, exprs string }{
		{"csv", `
			parse_csv("a,\"b,c\",\"say \"\"hi\"\"\",") = ["a","b,c","say \"hi\"",""]
			parse_csv("one,two\nthree,four") = ["one","two"]
			parse_csv("\"line1\nline2\",x") = ["line1\nline2","x"]
			parse_csv("") = [""]
			parse_csv("\"open") = ["open"]`},
		{"url", `
			parse_url("https://user:pw@h.example:8443/a/b?x=1&y=2&x=3#f") = {"Scheme":"https","Host":"h.example","Port":"8443","Path":"/a/b","Username":"user","Password":"pw","Query Parameters":{"x":"3","y":"2"},"Fragment":"f"}
			parse_url("http://h").Host = "h"
			parse_url("http://h?q=a=b")["Query Parameters"] = {"q":"a=b"}
			parse_url("http://[::1]:80/").Host = "[::1]"
			parse_url("h.example/a").Host = ""
			parse_url("h.example/a").Path = "h.example/a"
			parse_url("").Path = ""
			parse_urlquery("k1=v1&k2&=x&k3=%20") = {"Query Parameters":{"k1":"v1","k2":"","k3":"%20"}}`},
		{"path", `
			parse_path(@"C:\temp\file.txt") = {"Scheme":"","RootPath":"C:","DirectoryPath":"C:\\temp","DirectoryName":"temp","Filename":"file.txt","Extension":"txt","AlternateDataStreamName":""}
			parse_path("file://C:/temp/file.txt:some.exe") = {"Scheme":"file","RootPath":"C:","DirectoryPath":"C:/temp","DirectoryName":"temp","Filename":"file.txt","Extension":"txt","AlternateDataStreamName":"some.exe"}
			parse_path(@"\\shared\users\temp\file.txt.gz").Extension = "gz"
			parse_path(@"\\shared\users\temp\file.txt.gz").DirectoryPath = "\\\\shared\\users\\temp"
			parse_path("/usr/lib/temp/file").DirectoryName = "temp"
			parse_path("/usr/lib/temp/file").Extension = ""
			parse_path("file.txt").DirectoryPath = ""
			parse_path(@"\\?\C:\x.txt").RootPath = "C:"
			parse_path("").Filename = ""`},
		{"version", `
			parse_version("0.0.0.5") = 5
			parse_version("0.0.3") = 300000000
			parse_version("1.2.3.4") = 1000000020000000300000004
			parse_version("0") = 0
			parse_version("1.2.3.4.5") = null
			parse_version("1..2") = null
			parse_version("1.123456789") = null
			parse_version("") = null
			parse_version("1.10") > parse_version("1.9") = true`},
		{"command line", `
			parse_command_line("echo \"hello world!\"", "windows") = ["echo","hello world!"]
			parse_command_line(@"C:\a\b.exe  /x ""c d""\e", "windows") = ["C:\\a\\b.exe","/x","c d\\e"]
			parse_command_line(@"a\\\\""b c"" d", "windows") = ["a\\\\b c","d"]
			parse_command_line(@"a\""b c", "windows") = ["a\"b","c"]
			parse_command_line("   ", "windows") = []
			parse_command_line("x", "bash") = null`},
		{"user agent", `
			parse_user_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.130 Safari/537.36", "browser") = {"Browser":{"Family":"Chrome","MajorVersion":"120","MinorVersion":"0","Patch":"6099"}}
			parse_user_agent("Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko", dynamic(["browser","os"])).Browser.MajorVersion = "11"
			parse_user_agent("Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko", "os") = {"OperatingSystem":{"Family":"Windows","MajorVersion":"8","MinorVersion":"1","Patch":"","PatchMinor":""}}
			parse_user_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_2_1 like Mac OS X) Version/17.2 Mobile/15E148 Safari/604.1", "os").OperatingSystem.Patch = "1"
			parse_user_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_2_1 like Mac OS X) Version/17.2 Mobile/15E148 Safari/604.1", "device").Device.Brand = "Apple"
			parse_user_agent("something", "browser").Browser.Family = "Other"`},
		{"xml", `
			parse_xml("<e/>") = {"e":null}
			parse_xml("<e>text</e>") = {"e":"text"}
			parse_xml("<e name=\"value\" />") = {"e":{"@name":"value"}}
			parse_xml("<e name=\"value\">text</e>") = {"e":{"@name":"value","#text":"text"}}
			parse_xml("<e> <a>text</a> <b>text</b> </e>") = {"e":{"a":"text","b":"text"}}
			parse_xml("<e> <a>1</a> <a>2</a><a>3</a> </e>") = {"e":{"a":["1","2","3"]}}
			parse_xml("<e> text <a>text</a> </e>") = {"e":{"#text":"text","a":"text"}}
			parse_xml("<?xml version='1.0' encoding='utf-16'?><!-- c --><n:e xmlns:n='u'>&lt;&#65;</n:e>") = {"n:e":{"@xmlns:n":"u","#text":"<A"}}
			parse_xml("<EventData><Data Name=\"User\">x</Data><Data Name=\"Id\">7</Data></EventData>") = {"EventData":{"Data":[{"@Name":"User","#text":"x"},{"@Name":"Id","#text":"7"}]}}
			parse_xml("<a><b></a></b>") = null
			parse_xml("<a>") = null
			parse_xml("<a/><b/>") = null
			parse_xml("<a/>x") = null
			parse_xml("plain") = null
			parse_xml("") = null`},
		{"hashes", `
			hash("World") = 1846988464401551951
			hash("World", 100) = 51
			hash(datetime(2015-01-01)) = 1380966698541616202
			hash("") = -1205034819632174695
			hash("World", 0) = null
			hash(1) == hash(2) = false
			hash(1.5) == hash(-1.5) = false
			hash(true) == hash(false) = false
			hash(int(1)) == hash(1) = false
			hash(guid(74be27de-1e4e-49d9-b579-fe0b331d3642)) == hash("74be27de-1e4e-49d9-b579-fe0b331d3642") = true
			hash_xxhash64("World") = 1846988464401551951
			hash("a text that is longer than the thirty-two bytes of a block") == hash("a text that is longer than the thirty-two bytes of a block") = true
			hash_sha256("World") = "78ae647dc5544d227130a0682a51e30bc7777fbb6d8a8f17007463a3ecd1d524"
			hash_sha256(datetime(2020-01-01)) = "ba666752dc1a20eb750b0eb64e780cc4c968bc9fb8813461c1d7e750f302d71d"
			hash_sha1("World") = "70c07ec18ef89c5309bbb0937f3a6342411e1fdd"
			hash_md5("World") = "f5a7924e621e84c9280a9a27e1bcb7f6"
			hash_many("Hello", "World") == hash_combine(hash("Hello"), hash("World")) = true
			hash_many("Hello", "World") == hash_many("World", "Hello") = false`},
		{"compressed", `
			gzip_decompress_from_base64_string(gzip_compress_to_base64_string("naïve")) = "naïve"
			zlib_decompress_from_base64_string(zlib_compress_to_base64_string("")) = ""
			zlib_decompress_from_base64_string("eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=") = "Test string 123"
			zlib_decompress_from_base64_string("x0x0x0") = ""
			gzip_decompress_from_base64_string("!") = ""`},
	} {
		t.Run(c.group, func(t *testing.T) { checkExpressions(t, c.exprs) })
	}
}

func TestUnpackedIsBounded(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 17 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, _ := eval.Scalar(plan.FnGzipDecompressFromBase64String)
	env := &eval.Env{}
	got := f(env, kql.TypeString, []eval.Value{eval.String(base64.StdEncoding.EncodeToString(packed.Bytes()))})
	if got.Str() != "" || !errors.Is(env.Err, eval.ErrUnpacked) {
		t.Errorf("%d bytes, error %v", len(got.Str()), env.Err)
	}
}

func TestXMLIsBounded(t *testing.T) {
	deep := strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000)
	long := "<a>" + strings.Repeat("x", 1<<20) + "</a>"
	for _, s := range []string{deep, long} {
		if v := call(plan.FnParseXml, kql.TypeDynamic, eval.String(s)); !v.IsNull() {
			t.Errorf("%d bytes are no null", len(s))
		}
	}
}

// A command line made of quoted arguments is cut into them.
func TestCommandLineOfArguments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(rapid.StringMatching(`[a-z \t\\"]{0,8}`), 1, 4).Draw(t, "args")
		quoted := make([]string, len(args))
		for i, a := range args {
			quoted[i] = quoteArgument(a)
		}
		got := call(plan.FnParseCommandLine, kql.TypeDynamic, eval.String(strings.Join(quoted, " ")), eval.String("Windows"))
		items := got.Tree().Items
		if len(items) != len(args) {
			t.Fatalf("%q: %s", quoted, text(got))
		}
		for i := range items {
			if items[i].Str() != args[i] {
				t.Errorf("%s is %q, not %q", quoted[i], items[i].Str(), args[i])
			}
		}
	})
}

// quoteArgument writes an argument as Windows reads it: backslashes before a quote are doubled.
func quoteArgument(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	slashes := 0
	for _, c := range []byte(s) {
		switch c {
		case '\\':
			slashes++
			continue
		case '"':
			out.WriteString(strings.Repeat(`\`, 2*slashes+1))
		default:
			out.WriteString(strings.Repeat(`\`, slashes))
		}
		slashes = 0
		out.WriteByte(c)
	}
	return out.String() + strings.Repeat(`\`, 2*slashes) + `"`
}

func FuzzParsers(f *testing.F) {
	for _, s := range []string{
		"", "a,\"b\"\"c\",d\n", "https://u:p@h:1/p?q=1#f", `\\?\C:\a.b:c`, "1.2.3.4/8", "::ffff:1.2.3.4/24", "<a b='c'>d<e/></a>",
		`a\\"b c" d`, "Mozilla/5.0 (Windows NT 10.0) Chrome/1.2", "H4sIAAAAAAAA", "1.22.333", "$.a['b']", "[1,{\"a\":null}]",
	} {
		f.Add(s)
	}
	fns := []plan.Fn{
		plan.FnParseCsv, plan.FnParseUrl, plan.FnParseUrlquery, plan.FnParsePath, plan.FnParseXml, plan.FnParseUserAgent,
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := eval.String(s)
		for _, fn := range fns {
			got := call(fn, kql.TypeDynamic, v)
			if got.Type() != kql.TypeDynamic {
				t.Errorf("%s(%q) is %s", fn, s, got.Type())
			}
			if !utf8.ValidString(s) { // JSON cannot hold it
				continue
			}
			if back, ok := eval.FromJSON(string(eval.AppendJSON(nil, got))); !got.IsNull() && (!ok || !eval.Equal(back, got)) {
				t.Errorf("%s(%q) does not come back from JSON: %s", fn, s, text(got))
			}
		}
		call(plan.FnParseCommandLine, kql.TypeDynamic, v, eval.String("windows"))
		call(plan.FnParseVersion, kql.TypeDecimal, v)
		call(plan.FnParseIpv4, kql.TypeLong, v)
		call(plan.FnParseIpv6, kql.TypeString, v)
		call(plan.FnHasIpv4Prefix, kql.TypeBool, v, v)
		call(plan.FnIpv4RangeToCidrList, kql.TypeDynamic, v, v)
		call(plan.FnGzipDecompressFromBase64String, kql.TypeString, v)
		call(plan.FnZlibDecompressFromBase64String, kql.TypeString, v)
		bag := eval.Bag([]string{"a"}, []eval.Value{eval.Bag([]string{"b"}, []eval.Value{v})})
		call(plan.FnBagHasKey, kql.TypeBool, bag, v)
		set := call(plan.FnBagSetKey, kql.TypeDynamic, bag, v, eval.Long(1))
		if has := call(plan.FnBagHasKey, kql.TypeBool, set, v); !set.IsNull() && !has.Bool() {
			t.Errorf("the key %q is not there once it is set", s)
		}
		call(plan.FnBagRemoveKeys, kql.TypeDynamic, set, eval.Array([]eval.Value{v}))
	})
}
