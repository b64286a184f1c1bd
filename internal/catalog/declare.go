package catalog

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// declared parts "Assets(Address:string, Since:datetime)" into the name of a table and the columns whose types are
// stated.
func declared(text string) (name string, cols []plan.Column, err error) {
	name, list, ok := strings.Cut(text, "(")
	if !ok {
		return text, nil, nil
	}
	name = strings.TrimSpace(name)
	q, diags := kql.Parse("datatable(" + list + "[]")
	table, isTable := onlyDataTable(q)
	if diags.HasErrors() || !isTable {
		reason := errors.New("want NAME(COLUMN:TYPE, …)")
		if diags.HasErrors() {
			reason = errors.New(diags[0].Message)
		}
		return "", nil, fmt.Errorf("the columns of table %s, %q: %w", name, "("+list, reason)
	}
	seen := map[string]bool{}
	for _, c := range table.Columns {
		if seen[c.Name.Text] {
			return "", nil, fmt.Errorf("the columns of table %s: two are named %q", name, c.Name.Text)
		}
		seen[c.Name.Text] = true
		cols = append(cols, plan.Column{Name: c.Name.Text, Type: c.Type.Type})
	}
	return name, cols, nil
}

func onlyDataTable(q *kql.Query) (*kql.DataTable, bool) {
	if len(q.Statements) != 1 {
		return nil, false
	}
	s, ok := q.Statements[0].(*kql.ExprStatement)
	if !ok {
		return nil, false
	}
	t, ok := s.X.(*kql.DataTable)
	return t, ok
}

// typeOfHeader parts "Since:datetime", as the first line of a file may have it, into a name and a type; ok is false where
// no type follows.
func typeOfHeader(text string) (name string, t kql.Type, ok bool) {
	at := strings.LastIndexByte(text, ':')
	if at <= 0 {
		return text, kql.TypeUnknown, false
	}
	word := strings.TrimSpace(text[at+1:])
	if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return text, kql.TypeUnknown, false
	}
	_, cols, err := declared("t(x:" + word + ")")
	if err != nil {
		return text, kql.TypeUnknown, false
	}
	return strings.TrimSpace(text[:at]), cols[0].Type, true
}

// separator finds what parts the columns of a file that should be CSV: where the first line has no comma, it may be a
// semicolon, as spreadsheets write it in many countries, or a tab.
func separator(in *bufio.Reader) rune {
	head, _ := in.Peek(in.Size()) // an error comes again with the first read
	quoted := false
	semicolons, tabs := 0, 0
	for _, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',':
			return ','
		case c == ';':
			semicolons++
		case c == '\t':
			tabs++
		}
		if c == '\n' && !quoted {
			break
		}
	}
	switch {
	case tabs > semicolons:
		return '\t'
	case semicolons > 0:
		return ';'
	}
	return ','
}
