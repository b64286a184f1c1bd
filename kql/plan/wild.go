package plan

import "drumbeat/kql"

// Filler is what a [Schema] can be besides: one that tells which of its tables can hold rows. A name with stars, and a
// search without names, read those alone; the others add no rows. Where many tables fit, the result has of the columns of
// those others only the ones that the query names.
type Filler interface {
	Filled(table string) bool
}

// fewTables is how many tables a name with stars may fit whose columns are all in the result.
const fewTables = 20

// wildcard binds all tables and views that fit a pattern.
func (b *binder) wildcard(c *ctx, w *kql.Wildcard) ([]*rel, []string) {
	var legs []*rel
	var names []string
	full, empty := b.fitting(w)
	for _, t := range full {
		legs, names = append(legs, b.scan(t, w.Span)), append(names, t.Name)
	}
	for _, name := range c.env.names(func(v *binding) bool { return v.lambda != nil && v.lambda.def.View }) {
		if matchStars(w.Pattern, name) {
			legs, names = append(legs, b.namedTable(c.env, &kql.Name{Span: w.Span, Text: name})), append(names, name)
		}
	}
	if len(legs)+len(empty) == 0 && !b.full {
		b.report(CodeUnknownName, w.Span, "no table is named like "+quote(w.Pattern), "")
	}
	if len(legs) == 0 && len(empty) > 0 {
		b.report(CodeMissing, w.Span, "none of the tables named like "+quote(w.Pattern)+" holds rows", "")
	}
	for _, leg := range b.emptyLegs(empty, legs, w.Span) {
		legs, names = append(legs, leg), append(names, "")
	}
	return legs, names
}

// fitting gives the tables that fit a pattern: those to read, and those without rows. Of a few without rows all are read,
// so that whoever asks for them is told.
func (b *binder) fitting(w *kql.Wildcard) (full, empty []*Table) {
	filler, known := b.schema.(Filler)
	for _, name := range b.schema.Tables() {
		if !matchStars(w.Pattern, name) {
			continue
		}
		t, ok := b.schema.Table(name)
		if !ok || !b.spendOn(1+len(t.Columns), w.Span, "the names with stars stand for too many tables", "name the tables that the query needs") {
			continue
		}
		if known && !filler.Filled(name) {
			empty = append(empty, t)
		} else {
			full = append(full, t)
		}
	}
	if len(full) == 0 && len(empty) <= fewTables {
		return empty, nil
	}
	return full, empty
}

// emptyLegs stand in a union for tables without rows. Those of many have the columns that the query names and no other
// table has.
// Columns of one name and different types stand in different legs.
func (b *binder) emptyLegs(tables []*Table, legs []*rel, at kql.Span) []*rel {
	if len(tables) == 0 || b.full {
		return nil
	}
	var out []*rel
	if len(tables)+len(legs) <= fewTables {
		for _, t := range tables {
			leg := b.scan(t, at)
			leg.op = &Values{Cols: leg.cols}
			out = append(out, leg)
		}
		return out
	}
	taken := map[string]bool{}
	for _, leg := range legs {
		for i := range leg.cols {
			taken[leg.cols[i].Name] = true
		}
	}
	words := b.words()
	seen := map[unionColumn]bool{}
	count := map[string]int{}
	var rows []*Values
	for _, t := range tables {
		for _, col := range t.Columns {
			named := col.Name == "TimeGenerated" || words[col.Name] || words[col.Name+"_"+col.Type.String()]
			key := unionColumn{col.Name, col.Type}
			if !named || taken[col.Name] || seen[key] {
				continue
			}
			seen[key] = true
			i := count[col.Name]
			count[col.Name]++
			if i == len(rows) {
				rows = append(rows, &Values{})
			}
			rows[i].Cols = append(rows[i].Cols, b.newCol(col.Name, col.Type, false))
		}
	}
	if len(rows)+len(legs) == 0 { // a table has a column
		return []*rel{b.scan(tables[0], at)}
	}
	for _, v := range rows {
		out = append(out, &rel{op: v, cols: v.Cols})
	}
	return out
}

// words gives the words of the query, and of the functions it calls, that stand outside texts and comments.
func (b *binder) words() map[string]bool {
	if b.known == nil {
		b.known = map[string]bool{}
		addWords(b.known, kql.Format(b.tree))
	}
	if b.wordsOf != len(b.bodies) {
		b.wordsOf = len(b.bodies)
		for _, body := range b.bodies {
			addWords(b.known, body)
		}
	}
	return b.known
}

func addWords(set map[string]bool, text string) {
	for i := 0; i < len(text); {
		from := i
		switch c := text[i]; {
		case isWordByte(c):
			for i < len(text) && isWordByte(text[i]) {
				i++
			}
			set[text[from:i]] = true
		case c == '"' || c == '\'' || c == '`':
			verbatim := c == '`' || from > 0 && text[from-1] == '@'
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && !verbatim {
					i++
				}
			}
			i++
		case c == '/' && i+1 < len(text) && text[i+1] == '/':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		default:
			i++
		}
	}
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
