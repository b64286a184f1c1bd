package catalog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/eval"
	"drumbeat/internal/ingest"
	"drumbeat/internal/stream"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// fileTable is a table that a file gives. It is held in memory.
type fileTable struct {
	cols []plan.Column
	rows []stream.Row
}

// scan hands on the columns that are asked for.
func (t *fileTable) scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	slots := make([]int, len(scan.Columns))
	for i, col := range scan.Columns {
		slots[i] = t.find(col.Name)
	}
	timeSlot := t.find("TimeGenerated")
	if w == (plan.Window{}) || timeSlot >= 0 && t.cols[timeSlot].Type != kql.TypeDateTime {
		timeSlot = noSlot
	}
	for from := 0; from < len(t.rows); from += batchRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := t.rows[from:min(from+batchRows, len(t.rows))]
		batch := make([]stream.Row, 0, len(part))
		slab := make([]eval.Value, len(part)*len(slots))
		for _, row := range part {
			if timeSlot != noSlot && (row[timeSlot].IsNull() || !w.Contains(row[timeSlot].Int())) {
				continue
			}
			out := slab[:len(slots):len(slots)]
			slab = slab[len(slots):]
			for i, s := range slots {
				if out[i] = eval.Null(scan.Columns[i].Type); s != noSlot {
					out[i] = row[s]
				}
			}
			batch = append(batch, out)
		}
		if len(batch) == 0 {
			continue
		}
		if err := emit(batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

const noSlot = -1

func (t *fileTable) find(name string) int {
	for i := range t.cols {
		if t.cols[i].Name == name {
			return i
		}
	}
	return noSlot
}

// fileError is an error in a file, with its place where one is known.
type fileError struct {
	path         string
	line, column int
	err          error
}

// Error names the place.
func (e *fileError) Error() string {
	if e.line == 0 {
		return fmt.Sprintf("%s: %v", e.path, e.err)
	}
	return fmt.Sprintf("%s:%d:%d: %v", e.path, e.line, e.column, e.err)
}

// Unwrap gives the error itself.
func (e *fileError) Unwrap() error { return e.err }

// limited reads at most max bytes, and says so where there are more.
type limited struct {
	r    io.Reader
	left int64
	max  int64
}

// Read is io.Reader's.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, fmt.Errorf("the file is larger than %d bytes, the limit for tables", l.max)
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, fmt.Errorf("the file is larger than %d bytes, the limit for tables", l.max)
	}
	return n, err
}

// readText gives the whole text of a file.
func readText(path string, max int64) (string, error) {
	in, err := ingest.OpenText(path)
	if err != nil {
		return "", &fileError{path: path, err: err}
	}
	text, err := io.ReadAll(&limited{r: in, left: max, max: max})
	if err = errors.Join(err, in.Close()); err != nil {
		return "", &fileError{path: path, err: err}
	}
	return string(text), nil
}

// form is how a file of rows is written.
type form uint8

const (
	formCSV form = iota
	formTSV
	formPSV
	formJSON
	formLines // one column: the line
)

// formOf tells the form of a file by its name.
func formOf(path string) (form, error) {
	name := strings.ToLower(filepath.Base(path))
	for _, packed := range []string{".gz", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".csv":
		return formCSV, nil
	case ".tsv", ".tab":
		return formTSV, nil
	case ".psv":
		return formPSV, nil
	case ".json", ".jsonl", ".ndjson":
		return formJSON, nil
	case ".txt", ".log":
		return formLines, nil
	}
	return 0, errors.New("its name must end with .csv, .tsv, .json, .jsonl, .ndjson (and .gz or .zst) or .parquet to say how it is written")
}

// rowReader reads a file into raw rows.
type rowReader struct {
	path   string
	limits Limits
	table  *rawTable
	typed  bool // the first line may state types
}

// rawTable is a file as it was read: cells are texts, or values that JSON has given a type.
type rawTable struct {
	names  []string
	index  map[string]int
	rows   [][]rawCell
	stated []plan.Column // those whose types the first line states
}

// rawCell is one value of a file.
type rawCell struct {
	text string
	kind rawKind
}

type rawKind uint8

const (
	rawNone   rawKind = iota // absent or null
	rawText                  // a text
	rawNumber                // a JSON number
	rawBool                  // a JSON bool
	rawTree                  // a JSON array or object
)

// open opens a file under the limits.
func (c *Catalog) open(path string) (io.ReadCloser, error) {
	in, err := ingest.OpenText(path)
	if err != nil {
		return nil, &fileError{path: path, err: err}
	}
	return struct {
		io.Reader
		io.Closer
	}{&limited{r: in, left: c.o.Limits.Bytes, max: c.o.Limits.Bytes}, in}, nil
}

// readRaw reads a file of rows with names. typed says that the first line may state types.
func (c *Catalog) readRaw(path string, typed bool) (*rawTable, error) {
	f, err := formOf(path)
	if err != nil {
		return nil, &fileError{path: path, err: err}
	}
	if f == formLines {
		return nil, &fileError{path: path, err: errors.New("a table needs CSV or JSON")}
	}
	in, err := c.open(path)
	if err != nil {
		return nil, err
	}
	r := &rowReader{path: path, limits: c.o.Limits, table: &rawTable{index: make(map[string]int)}, typed: typed}
	switch f { //nolint:exhaustive // the others tell what parts their columns
	case formJSON:
		err = r.json(in)
	case formCSV:
		text := bufio.NewReaderSize(in, 64<<10)
		comma := separator(text)
		if comma != ',' {
			c.notef("%s: %q is taken for what parts its columns, since its first line has no comma", path, comma)
		}
		err = r.csv(text, comma)
	default:
		err = r.csv(in, delimiter(f))
	}
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	return r.table, nil
}

func delimiter(f form) rune {
	switch f { //nolint:exhaustive // the others have none
	case formTSV:
		return '\t'
	case formPSV:
		return '|'
	}
	return ','
}

// readTable reads a file into a table. Columns that are known have their types, others those that are stated, or else
// those that all their values have.
func (c *Catalog) readTable(f File, known, stated []plan.Column) (*fileTable, error) {
	raw, err := c.readRaw(f.Path, true)
	if err != nil {
		return nil, err
	}
	t := &fileTable{cols: slices.Clip(known)}
	types := make(map[string]kql.Type, len(stated))
	for _, col := range append(raw.stated, stated...) {
		if i := t.find(col.Name); i != noSlot && t.cols[i].Type != col.Type {
			return nil, &fileError{path: f.Path, err: fmt.Errorf("the column %s of %s has type %s, not %s", col.Name, f.Name, t.cols[i].Type, col.Type)}
		}
		types[col.Name] = col.Type
	}
	var guessed []string
	for i, n := range raw.names {
		if t.find(n) != noSlot {
			continue
		}
		typ, ok := types[n]
		if !ok {
			typ = raw.guess(i)
			guessed = append(guessed, n+":"+typ.String())
		}
		t.cols = append(t.cols, plan.Column{Name: n, Type: typ})
	}
	for _, col := range stated {
		if _, ok := raw.index[col.Name]; ok {
			continue
		}
		c.warnf("%s: there is no column %s: it is null", f.Path, col.Name)
		if t.find(col.Name) == noSlot {
			t.cols = append(t.cols, col)
		}
	}
	if len(guessed) > 0 {
		c.notef("%s: columns of %s have the types of their values: %s (state others as --table '%s(%s)=%s')",
			f.Path, f.Name, strings.Join(guessed, ", "), f.Name, guessed[0], f.Path)
	}
	return t, c.fill(t, raw, f.Path)
}

// fill makes the values of a table. A cell that is not of its column's type is null.
func (c *Catalog) fill(t *fileTable, raw *rawTable, path string) error {
	t.rows = make([]stream.Row, len(raw.rows))
	from := make([]int, len(t.cols))
	bad := make([]int, len(t.cols))
	first := make([]int, len(t.cols))
	for i, col := range t.cols {
		from[i] = noSlot
		if at, ok := raw.index[col.Name]; ok {
			from[i] = at
		}
	}
	texts := textStore{}
	for n, cells := range raw.rows {
		row := make(stream.Row, len(t.cols))
		for i, col := range t.cols {
			if row[i] = eval.Null(col.Type); from[i] == noSlot || from[i] >= len(cells) {
				continue
			}
			v, ok := valueOf(cells[from[i]], col.Type, &texts)
			if row[i] = v; !ok {
				if bad[i]++; bad[i] == 1 {
					first[i] = n + 1
				}
			}
		}
		t.rows[n] = row
	}
	for i, n := range bad {
		if n > 0 {
			c.warnf("%s: %s of column %s are no %s, and null: the first is in row %d", path, plural(n, "value"), t.cols[i].Name,
				t.cols[i].Type, first[i])
		}
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// valueOf makes a value of a type of a cell; ok is false where it is not of that type.
func valueOf(c rawCell, t kql.Type, texts *textStore) (v eval.Value, ok bool) {
	if c.kind == rawNone || c.text == "" && t != kql.TypeString {
		return eval.Null(t), true
	}
	switch t { //nolint:exhaustive // the others are converted
	case kql.TypeString:
		return eval.String(texts.get([]byte(c.text))), true
	case kql.TypeDynamic:
		if c.kind == rawText {
			if v, ok := eval.FromJSON(c.text); ok {
				return eval.ToDynamic(v), true
			}
			return eval.ToDynamic(eval.String(c.text)), true
		}
		v, ok := eval.FromJSON(c.text)
		return eval.ToDynamic(v), ok
	case kql.TypeDateTime:
		return datetimeOf(c.text)
	}
	v = eval.Convert(eval.String(c.text), t)
	return v, !v.IsNull()
}

// portalTime is how the portal's exports write times.
const portalTime = "1/2/2006, 3:04:05 PM"

func datetimeOf(text string) (eval.Value, bool) {
	if v := eval.Convert(eval.String(text), kql.TypeDateTime); !v.IsNull() {
		return v, true
	}
	if at, err := time.Parse(portalTime, text); err == nil {
		return eval.Datetime(traffic.Ticks(at)), true
	}
	return eval.Null(kql.TypeDateTime), false
}

// guess finds the type that all values of a column have.
func (t *rawTable) guess(column int) kql.Type {
	fits := guesses
	seen := false
	for _, row := range t.rows {
		if column >= len(row) || row[column].kind == rawNone || row[column].text == "" {
			continue
		}
		seen = true
		if fits &^= unfit(row[column]); fits == 0 {
			return kql.TypeString
		}
	}
	if !seen {
		return kql.TypeString
	}
	for _, g := range []struct {
		bit  guess
		kind kql.Type
	}{
		{isBool, kql.TypeBool}, {isLong, kql.TypeLong}, {isReal, kql.TypeReal}, {isTime, kql.TypeDateTime}, {isTree, kql.TypeDynamic},
	} {
		if fits&g.bit != 0 {
			return g.kind
		}
	}
	return kql.TypeString
}

// guess is a set of types.
type guess uint8

const (
	isBool guess = 1 << iota
	isLong
	isReal
	isTime
	isTree
	guesses = isBool | isLong | isReal | isTime | isTree
)

// unfit gives the types that a value does not have.
func unfit(c rawCell) guess {
	switch c.kind {
	case rawTree:
		return guesses &^ isTree
	case rawBool:
		return guesses &^ isBool
	case rawNumber, rawText, rawNone:
	}
	text := c.text
	switch lower := strings.ToLower(text); {
	case lower == "true" || lower == "false":
		return guesses &^ isBool
	case c.kind == rawText && (text[0] == '{' || text[0] == '['):
		if _, ok := eval.FromJSON(text); ok {
			return guesses &^ isTree
		}
		return guesses
	}
	if looksLikeTime(text) {
		return guesses &^ isTime
	}
	digits := strings.TrimPrefix(text, "-")
	if c.kind == rawText && len(digits) > 1 && digits[0] == '0' && digits[1] != '.' { // a key with leading zeros
		return guesses
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] != '+' {
		return guesses &^ (isLong | isReal)
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && (c.kind == rawNumber || sameReal(text, v)) {
		return guesses &^ isReal
	}
	return guesses
}

// sameReal reports whether a number is written as its text: 1.10 may be a version, which is another than 1.1.
func sameReal(text string, v float64) bool {
	if strings.Trim(text, "0123456789.eE+-") != "" { // NaN and the like
		return false
	}
	again := eval.Convert(eval.Real(v), kql.TypeString)
	return again.Str() == text || strconv.FormatFloat(v, 'f', -1, 64) == text
}

// looksLikeTime recognises a date with a time of day, or a date alone, by ISO 8601 or as the portal writes it.
func looksLikeTime(text string) bool {
	if len(text) < len("2006-01-02") || text[0] < '0' || text[0] > '9' {
		return false
	}
	if text[4] != '-' && !strings.HasSuffix(text, "M") {
		return false
	}
	_, ok := datetimeOf(text)
	return ok
}
