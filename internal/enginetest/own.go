package enginetest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// ownCase is a case of our own, from testdata/cases. A file has any number of them:
//
//	== what it is about
//	print x = 1
//	--
//	x:long
//	[1]
//
// The line after the query says "--" where rows stand in their order, "-- unordered" where they do not, and "-- error"
// where the query must be refused. Each row is an array of JSON; values are written as in the recorded cases.
type ownCase struct {
	testCase
	file string
	line int
}

// ownCases runs the cases of our own: an engine must pass them all.
func ownCases(t *testing.T, e Engine) {
	t.Helper()
	cases, err := readOwn()
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range cases {
		c := &cases[i]
		if diff := check(e, &c.testCase); diff != "" {
			failed++
			t.Errorf("%s:%d: %s: %s\n%s", c.file, c.line, c.ID, diff, c.Query)
		}
	}
	t.Logf("%s gives %d of %d", e.Name, len(cases)-failed, len(cases))
}

func readOwn() ([]ownCase, error) {
	files, err := fs.Glob(testdata, "testdata/cases/*.txt")
	if err != nil {
		return nil, err
	}
	var all []ownCase
	seen := map[string]bool{}
	for _, file := range files {
		text, err := testdata.ReadFile(file)
		if err != nil {
			return nil, err
		}
		cases, err := parseOwn(file, string(text))
		if err != nil {
			return nil, err
		}
		for i := range cases {
			if seen[cases[i].ID] {
				return nil, fmt.Errorf("%s:%d: there are two cases %q", file, cases[i].line, cases[i].ID)
			}
			seen[cases[i].ID] = true
		}
		all = append(all, cases...)
	}
	return all, nil
}

// parseOwn reads the cases of a file.
func parseOwn(file, text string) ([]ownCase, error) {
	var all []ownCase
	var c *ownCase
	inQuery := false
	for i, line := range strings.Split(text, "\n") {
		fail := func(what string) error { return fmt.Errorf("%s:%d: %s", file, i+1, what) }
		switch {
		case strings.HasPrefix(line, "== "):
			all = append(all, ownCase{file: file, line: i + 1})
			c = &all[len(all)-1]
			c.ID, c.Authority, c.Expected.Ordered = line[3:], "own", true
			inQuery = true
		case c == nil || strings.HasPrefix(line, "# "):
			if line != "" && !strings.HasPrefix(line, "# ") {
				return nil, fail("a case begins with ==")
			}
		case inQuery && (line == "--" || line == "-- unordered" || line == "-- error"):
			c.Expected.Error = line == "-- error"
			c.Expected.Ordered = line == "--"
			inQuery = false
		case inQuery:
			c.Query += line + "\n"
		case line == "":
		case c.Expected.Error:
			return nil, fail("an error has no rows")
		case c.Expected.Columns == nil:
			for field := range strings.FieldsSeq(line) {
				name, typ, ok := strings.Cut(field, ":")
				if !ok {
					return nil, fail("a column is name:type")
				}
				c.Expected.Columns = append(c.Expected.Columns, column{Name: name, Type: typ})
			}
		default:
			if !json.Valid([]byte(line)) {
				return nil, fail("a row is an array of JSON")
			}
			c.Expected.Rows = append(c.Expected.Rows, json.RawMessage(line))
		}
	}
	for i := range all {
		if !all[i].Expected.Error && all[i].Expected.Columns == nil {
			return nil, fmt.Errorf("%s:%d: the case has no columns", file, all[i].line)
		}
	}
	return all, nil
}
