package main

import (
	"fmt"
	"strings"
)

// A way is one way to have DuckDB read the columns that the rule reads.
type way struct {
	name string
	// columns is the SELECT that gives them, from a file.
	columns func(file string) string
	// more are columns that are summed as well: numbers, then texts.
	moreNumbers, moreTexts []string
}

// ways are what a user who knows DuckDB would write. All were timed; so was
// split_part(split_part(line, ' src=', 2), ' ', 1), and the same with instr and
// substr, which take twice the CPU of one regexp_extract a column.
func ways() []way {
	return []way{
		{name: "column", columns: cefByColumn},
		{name: "struct", columns: cefByStruct},
		{name: "csv-9", columns: csvColumns},
		{
			name: "csv-14", columns: csvColumns,
			moreNumbers: []string{"packets", "elapsed"}, moreTexts: []string{"suser", "app", "proto", "act"},
		},
	}
}

// lines reads a file as one column, line: no byte of a log is a delimiter or a quote.
func lines(file string) string {
	return fmt.Sprintf(`read_csv(%s, delim = E'\x01', quote = '', escape = '', header = false,
		auto_detect = false, columns = {'line': 'VARCHAR'})`, literal(file))
}

// literal is a text as SQL writes it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// clock is how PAN-OS writes a time into CEF, but for the zone, which is GMT always.
const clock = "'%b %d %Y %H:%M:%S'"

// valueOf reads the value of a key. A blank stands before a key, or, where
// firewalls order the keys as they like, the bar that ends the header. A pattern
// that begins with a literal text costs a quarter of one that begins with [ |],
// and coalesce looks at the second only where the first found nothing.
func valueOf(key, value string) string {
	return fmt.Sprintf("coalesce(nullif(regexp_extract(line, ' %[1]s=%[2]s', 1), ''), regexp_extract(line, '[|]%[1]s=%[2]s', 1))",
		key, value)
}

// cefByColumn has one regexp_extract a column.
func cefByColumn(file string) string {
	return fmt.Sprintf(`SELECT strptime(%s, %s) AS t, %s AS dvc, %s AS suid, %s AS src, %s::USMALLINT AS spt,
		%s AS dst, %s::USMALLINT AS dpt, %s::BIGINT AS bin, %s::BIGINT AS bout FROM %s`,
		valueOf("start", "(.{20})"), clock, valueOf("dvchost", "([^ ]*)"), valueOf("suid", "([^ ]*)"),
		valueOf("src", "([^ ]*)"), valueOf("spt", "([0-9]+)"), valueOf("dst", "([^ ]*)"), valueOf("dpt", "([0-9]+)"),
		valueOf("in", "([0-9]+)"), valueOf("out", "([0-9]+)"), lines(file))
}

// cefByStruct has one regexp_extract for the keys in the order of the published
// template, into a struct. The template has no suid.
func cefByStruct(file string) string {
	return fmt.Sprintf(`SELECT strptime(x.t, %s) AS t, x.dvc AS dvc, suid, x.src AS src, x.spt::USMALLINT AS spt,
		x.dst AS dst, x.dpt::USMALLINT AS dpt, x.bin::BIGINT AS bin, x.bout::BIGINT AS bout
		FROM (SELECT regexp_extract(line, ' suid=([^ ]*)', 1) AS suid, regexp_extract(line,
		' src=([^ ]*) .*?dst=([^ ]*) .*?spt=([0-9]+) .*?dpt=([0-9]+) .*? in=([0-9]+) .*?out=([0-9]+) .*? start=(.{20}) .*?dvchost=([^ ]*)',
		['src', 'dst', 'spt', 'dpt', 'bin', 'bout', 't', 'dvc']) AS x FROM %s)`, clock, lines(file))
}

// csvFields is how many fields a record of PAN-OS 9.1 has.
const csvFields = 75

// csvColumns has read_csv split and convert. Columns that no one asks for are skipped.
func csvColumns(file string) string {
	typed := map[int]string{
		6: "'t': 'TIMESTAMP'", 7: "'src': 'VARCHAR'", 8: "'dst': 'VARCHAR'", 12: "'suser': 'VARCHAR'",
		14: "'app': 'VARCHAR'", 24: "'spt': 'USMALLINT'", 25: "'dpt': 'USMALLINT'", 29: "'proto': 'VARCHAR'",
		30: "'act': 'VARCHAR'", 32: "'bin': 'BIGINT'", 33: "'bout': 'BIGINT'", 34: "'packets': 'BIGINT'",
		36: "'elapsed': 'BIGINT'", 52: "'dvc': 'VARCHAR'",
	}
	columns := make([]string, csvFields)
	for i := range columns {
		columns[i] = typed[i]
		if columns[i] == "" {
			columns[i] = fmt.Sprintf("'f%d': 'VARCHAR'", i)
		}
	}
	return fmt.Sprintf(`SELECT *, '' AS suid FROM read_csv(%s, delim = ',', quote = '"', escape = '"', header = false,
		auto_detect = false, timestampformat = '%%Y/%%m/%%d %%H:%%M:%%S', columns = {%s})`,
		literal(file), strings.Join(columns, ", "))
}

// query sums up what a way reads, so that every column is computed and none is kept.
func (w way) query(file string, distinct bool) string {
	sums := []string{
		"count(*)", "sum(bin)", "sum(bout)", "sum(spt)", "sum(dpt)", "epoch(min(t))", "epoch(max(t))",
		"sum(strlen(src))", "sum(strlen(dst))", "sum(strlen(dvc))", "sum(strlen(suid))",
	}
	if distinct {
		sums = append(sums, "sum(epoch(t))", "count(DISTINCT src)", "count(DISTINCT dst)", "count(DISTINCT dvc)")
	} else {
		sums = append(sums, "0", "0", "0", "0")
	}
	for _, c := range w.moreNumbers {
		sums = append(sums, "sum("+c+")")
	}
	for _, c := range w.moreTexts {
		sums = append(sums, "sum(strlen("+c+"))")
	}
	for i, s := range sums {
		sums[i] = "coalesce(" + s + ", 0)::BIGINT"
	}
	return "SELECT " + strings.Join(sums, ", ") + " FROM (" + w.columns(file) + ")"
}
