package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"drumbeat/kql"
)

// fullSchema is a schema that tells which tables hold rows, and what a caller can give.
type fullSchema struct {
	*testSchema
	full []string
}

func (s *fullSchema) Filled(name string) bool { return slices.Contains(s.full, name) }

func (s *fullSchema) TableHint(name string) string { return "bring " + name }

func (s *fullSchema) Refuse(address string) (refusal, hint string) {
	if address == "https://example.org/here" {
		return "", ""
	}
	return "nothing is there", "bring " + address
}

// workspace has 900 tables of 40 columns, of which two hold rows.
func workspace() *fullSchema {
	s := &fullSchema{testSchema: &testSchema{tables: map[string]*Table{}, functions: map[string]*Function{}}, full: []string{"A1", "B1"}}
	for i := range 900 {
		t := &Table{Name: fmt.Sprintf("%c%d", 'A'+i%3, i), Columns: columnsOf("TimeGenerated:datetime, Name:string")}
		for k := range 38 {
			t.Columns = append(t.Columns, Column{Name: fmt.Sprintf("C%d_%d", i, k), Type: kql.TypeLong})
		}
		s.add(t)
	}
	s.add(&Table{Name: "A1", Columns: columnsOf("TimeGenerated:datetime, Name:string, One:long")})
	s.add(&Table{Name: "B1", Columns: columnsOf("TimeGenerated:datetime, Name:string, One:string, Two:long")})
	for name, cols := range map[string]string{"Few1": "a:long", "Few2": "b:long", "Few3": "c:long, d:long"} {
		s.add(&Table{Name: name, Columns: columnsOf(cols)})
	}
	s.add(&Table{Name: "A2", Columns: columnsOf("Level:int, Mixed:int, One:string")})
	s.add(&Table{Name: "A3", Columns: columnsOf("Level:int, Mixed:string")})
	s.functions["Stored"] = &Function{Name: "Stored", Body: "{ union A* | where Level == 3 }"}
	return s
}

func scanned(p *Plan) []string {
	var all []string
	u, ok := p.Root.(*Union)
	if !ok {
		return nil
	}
	for _, in := range u.Inputs {
		if scan, ok := in.Op.(*Scan); ok {
			all = append(all, scan.Table)
		}
	}
	return all
}

func outNames(p *Plan) string {
	names := make([]string, len(p.Out))
	for i, c := range p.Out {
		names[i] = c.Name
	}
	return strings.Join(names, " ")
}

// TestWildcardsOfFilled: names with stars read the tables that hold rows, and what they name of the others is there.
func TestWildcardsOfFilled(t *testing.T) {
	s := workspace()
	for _, c := range []struct{ src, scans, cols, remark string }{
		{"union *", "A1 B1", "TimeGenerated Name One_long One_string Two", ""},
		{"union A*", "A1", "TimeGenerated Name One", ""},
		{"union A* | where Level == 3 | getschema | where ColumnName == 'Level'", "", "ColumnName ColumnOrdinal DataType ColumnType", ""},
		{"union A* | project Level, One", "", "Level One", ""},
		{"union A* | project Mixed_int, Mixed_string", "", "Mixed_int Mixed_string", ""},
		{"union A* | project Mixed", "", "", "there is no column or variable “Mixed”"},
		{"union A* | project 'Level', Name // Level", "", "Column1 Name", ""},
		{"search 'x' | project Name, Two", "", "Name Two", ""},
		{"search * | take 1 | project Level", "", "Level", ""},
		{"Stored() | project Level", "", "Level", ""},
		{"union C*", "", "TimeGenerated", "none of the tables named like “C*” holds rows"},
		{"union Few*", "Few1 Few2 Few3", "a b c d", ""},
		{"union Few*, A1", "Few1 Few2 Few3 A1", "a b c d TimeGenerated Name One", ""},
		{"union Nothing*", "", "", "no table is named like “Nothing*”"},
		{"union *" + strings.Repeat(", *", 99), "", "", "the names with stars stand for too many tables"},
	} {
		p, diags := checkBind(t, s, c.src)
		if got := diags.Draw(c.src, ""); c.remark == "" && got != "" || !strings.Contains(got, c.remark) {
			t.Errorf("%s\nremarks are %q, and should be %q", c.src, got, c.remark)
		}
		if p == nil {
			continue
		}
		if got := outNames(p); got != c.cols {
			t.Errorf("%s\nhas the columns %s, and should have %s", c.src, got, c.cols)
		}
		if got := strings.Join(scanned(p), " "); c.scans != "" && got != c.scans {
			t.Errorf("%s\nreads %s, and should read %s", c.src, got, c.scans)
		}
	}
	s.full = append(s.full, "Few2")
	p, _ := checkBind(t, s, "union Few*")
	if p == nil || outNames(p) != "b a c d" || strings.Join(scanned(p), " ") != "Few2" {
		t.Errorf("union Few* reads %v", p)
	}
}

// TestTooLargeUnion: the remark on a union that is too large says so.
func TestTooLargeUnion(t *testing.T) {
	_, diags := checkBind(t, workspace().testSchema, "search 'x'")
	if got := diags.Draw("search 'x'", ""); !strings.Contains(got, "the union of 905 tables with ") {
		t.Errorf("the remark is %s", got)
	}
}

// TestAdvice: the schema says how what is missing is given.
func TestAdvice(t *testing.T) {
	s := workspace()
	for src, want := range map[string]string{
		"Assets | count": "hint: bring Assets",
		"Few4 | count":   "hint: did you mean Few1?",
		"externaldata(a:string)['https://example.org/there']": "1:24: error: nothing is there (KQL101)",
		"externaldata(a:string)['https://example.org/here']":  "",
	} {
		_, diags := checkBind(t, s, src)
		if got := diags.Draw(src, ""); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: the remarks are %s", src, got)
		}
	}
}
