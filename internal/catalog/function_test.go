package catalog

import (
	"strings"
	"testing"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// parserYAML is a parser as Sentinel's public repository has them.
const parserYAML = `# a parser
Parser:
  Title: Rows that a test makes
  Version: '0.1'
ParserName: vimRows
ParserParams:
  - Name: least
    Type: long
    Default: 2
  - Name: result
    Type: string
    Default: "'*'"
  - Name: word
    Type: string
    Default: it's
  - Name: names
    Type: dynamic
    Default: dynamic([])
ParserQuery: |

  let Rows = (least:long) {
      datatable(n:long, r:string)[1, 'a', 2, 'b', 3, 'c']
      | where n >= least
  };
  Rows(least) | where result == '*' or r == result
  | extend word, k = array_length(names)
`

const functionYAML2 = "id: 51643a38-679c-4989-9341-2c01a2bf478c\nFunctionName: Named\nFunctionAlias: Named\nFunctionParams:\n" +
	"- Name: T\n  Type: table:(n:long)\n- Name: more\n  Type: long\nFunctionQuery: |\n  T | extend m = n + more\n"

func TestFunctionForms(t *testing.T) {
	for name, test := range map[string]struct{ file, text, query, want string }{
		"body":       {"f.kql", "// one\nprint a = 1", "F", `{"a":1}`},
		"statements": {"f.kql", "let x = 2;\nprint a = x;\n", "F()", `{"a":2}`},
		"own call":   {"f.kql", "let f = (n:long) { print a = n };\nf(3)", "F", `{"a":3}`},
		"brackets":   {"f.kql", "(range a from 1 to 1 step 1)", "F", `{"a":1}`},
		"braces":     {"f.kql", "{ print a = 1 }", "F", `{"a":1}`},
		"parameters": {"f.kql", "// two\n(s:string, n:long = 5) { print a = strcat(s, n) }\n", "F('x')", `{"a":"x5"}`},
		"none":       {"f.kql", "() { print a = 1 };", "F", `{"a":1}`},
		"table":      {"f.kql", "(T:(n:long), k:long) {\n  // {\n  T | extend n = n * k\n}", "F((range n from 2 to 2 step 1), 4)", `{"n":8}`},
		"let":        {"f.kql", "let Other = (s:string, d:dynamic = dynamic({})) { print a = s, d = d };", "F('y')", `{"a":"y","d":{}}`},
		"view":       {"f.kql", "let Other = view () { print a = 1 }", "F", `{"a":1}`},
		"value":      {"f.kql", "(n:long) { n * 2 }", "print a = F(4)", `{"a":8}`},
		"parser":     {"f.yaml", parserYAML, "F | where r == 'c'", `{"n":3,"r":"c","word":"it's","k":0}`},
		"named": {
			"f.yml", parserYAML, "F(result='a', least=1, names=dynamic(['x']), word='')",
			`{"n":1,"r":"a","word":"","k":1}`,
		},
		"function":  {"f.yaml", functionYAML2, "F((range n from 1 to 1 step 1), 3)", `{"n":1,"m":4}`},
		"invoked":   {"f.yaml", functionYAML2, "range n from 1 to 1 step 1 | invoke F(3)", `{"n":1,"m":4}`},
		"flow":      {"f.yaml", "FunctionParameters: 'a:long, b:long = 5'\nFunctionQuery: 'print c = a + b'\n", "F(1)", `{"c":6}`},
		"no params": {"f.yaml", "FunctionParams: []\nFunctionQuery: >\n  print\n  a = 1\n", "F", `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			c := catalogue(t, Options{Functions: []File{{"F", write(t, test.file, test.text)}}})
			if got := ask(t, c, test.query); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestFunctionErrors: what is wrong with a text is said with its place in the file.
func TestFunctionErrors(t *testing.T) {
	for _, test := range []struct{ file, text, want string }{
		{"f.kql", "T\n| wher a == 1", "f.kql:2:3: "},
		{"f.kql", "T | take (", "f.kql:1:"},
		{"f.kql", "(a:string, n:long = 5) { T | wher a == 1 }", "f.kql:1:30: "},
		{"f.kql", "// é\n(a:string)\n{ print 'é', = 1 }", "f.kql:3:14: "},
		{"f.kql", "(a:strin) { print a }", "f.kql:1:4: "},
		{"f.kql", "let F = (a:long) {\n  T | wher a\n};", "f.kql:2:7: "},
		{"f.kql", "(a:long) { print a }; F(1)", "f.kql:1:1: more follows the function"},
		{"f.kql", "T\n| where (a == 1", "f.kql:2:9: ( is not closed"},
		{"f.kql", "T\n| where (a == 1 ]", "( was opened at 2:9)"},
		{"f.kql", "// x\n(a:long) { T wher a }", "f.kql:2:14: expected }, found “wher” ({ was opened at 2:10)"},
		{"f.kql", "let x = 5;", "no result"},
		{"f.kql", "// nothing", "no result"},
		{"f.kql", "print 1; print 2", "f.kql:1:10: "},
		{"f.yaml", strings.Replace(parserYAML, "| where n", "| wher n", 1), "f.yaml:23:9: "},
		{"f.yaml", strings.Replace(parserYAML, "Type: dynamic", "Type: bag", 1), "f.yaml:16:5: the parameter names:bag="},
		{"f.yaml", strings.Replace(functionYAML2, "T | extend", "T | extent", 1), "f.yaml:10:7: "},
		{"f.yaml", "FunctionParams:\n- Name: x\nFunctionQuery: print 1\n", "f.yaml:2:3: a parameter needs"},
		{"f.yaml", "FunctionQuery: T | wher 1\n", "f.yaml:1:16: "},
		{"f.yaml", "FunctionName: x\n", "there is no ParserQuery or FunctionQuery"},
		{"f.yaml", "a: [\n", "f.yaml:"},
		{"f.yaml", "FunctionQuery:\n- a\n", "the query must be a text"},
		{"f.yaml", strings.Repeat("a:\n", maxYAMLKeys+1), "more than 5000 keys"},
		{"f.yaml", "FunctionQuery: " + strings.Repeat("[", 1e5), "more than 500 brackets"},
		{"f.yaml", strings.Repeat("- ", 1e5), "more than 5000 keys"},
		{"f.yaml", strings.Repeat("---\na\n", 1e5), "more than 100 documents"},
	} {
		path := write(t, test.file, test.text)
		_, err := New(Options{Functions: []File{{"F", path}}})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
}

// TestFunctionPlaces: what only a query shows to be wrong has the place in the file too, that of the innermost function.
func TestFunctionPlaces(t *testing.T) {
	outer := write(t, "outer.kql", "(n:long) {\n  Inner(n)\n  | where b > 1\n}")
	inner := write(t, "inner.yaml", "FunctionParams:\n- Name: n\n  Type: long\nFunctionQuery: |\n\n    let g = () {\n      print a = x\n    };\n    g()\n")
	good := write(t, "good.kql", "(n:long) {\n  print a = n }")
	for _, test := range []struct{ inner, query, want string }{
		{good, "Outer(1)", "in function Outer, " + outer + ":3:11: "},
		{inner, "Outer(1)", inner + ":7:17: "},
		{inner, "Inner(1)", "in function Inner, " + inner + ":7:17: "},
	} {
		c := catalogue(t, Options{Functions: []File{{"Outer", outer}, {"Inner", test.inner}}})
		tree, _ := kql.Parse(test.query)
		_, diags := plan.Bind(tree, c, plan.Options{})
		if !diags.HasErrors() || !strings.Contains(diags[0].Message, test.want) || diags[0].Span.From != 0 {
			t.Errorf("%s: %v, want %s", test.query, diags, test.want)
		}
	}
}

// FuzzFunction reads anything as a function: no panic, and an error names the file and a place in it.
func FuzzFunction(f *testing.F) {
	for _, text := range []string{parserYAML, functionYAML2, "(a:long) {a}", "let f = (a:long) {a}", "print 1", "{", "(", "let", "// x", "a: &x [*x]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(path, text string) (*functionDef, error){readFunctionText, readFunctionYAML} {
			def, err := read("f", text)
			if err == nil {
				err = def.check()
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "f:") {
					t.Fatalf("the error does not name the file: %v", err)
				}
				continue
			}
			for at := range len(def.params) + len(def.body) + 2 {
				if line, column := def.place(at); line < 1 || column < 1 || line > 1+strings.Count(text, "\n") {
					t.Fatalf("byte %d stands at %d:%d", at, line, column)
				}
			}
		}
	})
}
