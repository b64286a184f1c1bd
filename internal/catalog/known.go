package catalog

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// logs is the table that the records of log files are in.
const logs = "CommonSecurityLog"

// tableList is a table a line: see its first lines. The columns of a table are read when it is asked for.
//
//go:embed tables.txt
var tableList string

// knownTables gives the line of each known table, without its name.
var knownTables = sync.OnceValue(func() map[string]string {
	lines := make(map[string]string, 1024)
	for line := range strings.Lines(tableList) {
		if name, columns, ok := strings.Cut(line, " "); ok && name != "#" {
			lines[name] = strings.TrimSuffix(columns, "\n")
		}
	}
	return lines
})

// knownNames gives the names of the known tables in order.
var knownNames = sync.OnceValue(func() []string {
	names := slices.Sorted(maps.Keys(knownTables()))
	return slices.DeleteFunc(names, func(name string) bool { return name[0] == '+' || name[0] == '=' })
})

// knownColumns gives the columns of a known table, or false. Names with + and = are those of tableList.
func knownColumns(name string) ([]plan.Column, bool) {
	line, ok := knownTables()[name]
	if !ok {
		return nil, false
	}
	cols := make([]plan.Column, 0, 1+strings.Count(line, " "))
	for word := range strings.SplitSeq(line, " ") {
		name, letter, _ := strings.Cut(word, "/")
		cols = append(cols, plan.Column{Name: name, Type: typeOfLetter(letter)})
	}
	return cols, true
}

func typeOfLetter(letter string) kql.Type {
	switch letter {
	case "b":
		return kql.TypeBool
	case "i":
		return kql.TypeInt
	case "l":
		return kql.TypeLong
	case "r":
		return kql.TypeReal
	case "t":
		return kql.TypeDateTime
	case "y":
		return kql.TypeDynamic
	case "g":
		return kql.TypeGuid
	}
	return kql.TypeString
}

// parserColumns gives the columns of a parser function that is known by them alone, by the name of its table; open says
// that it has more, which depend on the records.
func parserColumns(table string) (cols []plan.Column, open, ok bool) {
	name, ok := strings.CutPrefix(table, parserTable)
	if !ok {
		return nil, false, false
	}
	cols, ok = knownColumns("=" + name)
	if n := len(cols); ok && cols[n-1].Name == "*" {
		return cols[:n-1], true, true
	}
	return cols, false, ok
}
