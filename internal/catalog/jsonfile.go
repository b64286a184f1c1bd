package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// json reads objects: one after the other, in an array, or as the rows of the log service's answers,
// {"tables": [{"columns": [{"name": …}], "rows": [[…]]}]}.
func (r *rowReader) json(in io.Reader) error {
	lines := &lineCounter{r: in}
	j := &jsonReader{rowReader: r, lines: lines, dec: json.NewDecoder(lines)}
	j.dec.UseNumber()
	for {
		var raw json.RawMessage
		switch first, err := j.first(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case first == '[':
			if err := j.array(); err != nil {
				return err
			}
			continue
		}
		if err := j.dec.Decode(&raw); err != nil {
			return j.fault(err)
		}
		if err := j.object(raw); err != nil {
			return err
		}
	}
}

// jsonReader reads a file of JSON.
type jsonReader struct {
	*rowReader
	lines *lineCounter
	dec   *json.Decoder
}

// first gives the first byte of the next value.
func (j *jsonReader) first() (byte, error) {
	for {
		var next [1]byte
		for rest := j.dec.Buffered(); ; {
			if _, err := io.ReadFull(rest, next[:]); err != nil {
				break
			}
			if !strings.ContainsRune(" \t\r\n", rune(next[0])) {
				return next[0], nil
			}
		}
		if !j.dec.More() { // reads on
			return 0, j.end()
		}
	}
}

// end tells the end of the file from a stray bracket.
func (j *jsonReader) end() error {
	if _, err := j.dec.Token(); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return j.fault(err)
	}
	return j.at(j.dec.InputOffset(), errors.New("a value must stand here"))
}

// array reads the objects of an array, one by one.
func (j *jsonReader) array() error {
	if _, err := j.dec.Token(); err != nil {
		return j.fault(err)
	}
	for j.dec.More() {
		var raw json.RawMessage
		if err := j.dec.Decode(&raw); err != nil {
			return j.fault(err)
		}
		if err := j.object(raw); err != nil {
			return err
		}
	}
	if _, err := j.dec.Token(); err != nil {
		return j.fault(err)
	}
	return nil
}

// object takes one object, which was read just now, as a row, or the answer of the log service as its rows.
func (j *jsonReader) object(raw json.RawMessage) error {
	start := j.dec.InputOffset() - int64(len(raw))
	if raw[0] != '{' {
		return j.at(start, errors.New("a row must be an object"))
	}
	if bytes.Contains(raw, []byte(`"tables"`)) {
		var answer struct{ Tables []logAnswer }
		if err := json.Unmarshal(raw, &answer); err == nil && len(answer.Tables) > 0 && len(answer.Tables[0].Columns) > 0 {
			return j.answer(&answer.Tables[0], start)
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return j.fault(err)
	}
	var row []rawCell
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return j.fault(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return j.fault(err)
		}
		name, _ := key.(string)
		if row, err = j.cell(row, strings.ToValidUTF8(name, "\uFFFD"), value); err != nil {
			return j.at(start, err)
		}
	}
	return j.row(row, start)
}

// logAnswer is a table as the log service's interface gives it.
type logAnswer struct {
	Columns []struct{ Name string }
	Rows    [][]json.RawMessage
}

func (j *jsonReader) answer(t *logAnswer, start int64) error {
	for _, cells := range t.Rows {
		if len(cells) > len(t.Columns) {
			return j.at(start, errors.New("a row has more values than there are columns"))
		}
		var row []rawCell
		var err error
		for i, value := range cells {
			if row, err = j.cell(row, t.Columns[i].Name, value); err != nil {
				return j.at(start, err)
			}
		}
		if err := j.row(row, start); err != nil {
			return err
		}
	}
	return nil
}

// cell puts a value into its column of a row.
func (j *jsonReader) cell(row []rawCell, name string, value json.RawMessage) ([]rawCell, error) {
	at, ok := j.table.index[name]
	if !ok {
		if err := j.column(name); err != nil {
			return row, err
		}
		at = j.table.index[name]
	}
	for len(row) <= at {
		row = append(row, rawCell{})
	}
	if len(value) > j.limits.Cell {
		return row, fmt.Errorf("%s has a value of more than %d bytes, the limit for tables", name, j.limits.Cell)
	}
	c, err := cellOf(value)
	row[at] = c
	return row, err
}

func cellOf(value json.RawMessage) (rawCell, error) {
	switch value[0] {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return rawCell{text: text, kind: rawText}, err
	case '{', '[':
		return rawCell{text: string(value), kind: rawTree}, nil
	case 't', 'f':
		return rawCell{text: string(value), kind: rawBool}, nil
	case 'n':
		return rawCell{}, nil
	}
	return rawCell{text: string(value), kind: rawNumber}, nil
}

func (j *jsonReader) row(row []rawCell, start int64) error {
	if len(j.table.rows) >= j.limits.Rows {
		return j.at(start, fmt.Errorf("more than %d rows, the limit for tables", j.limits.Rows))
	}
	j.table.rows = append(j.table.rows, row)
	return nil
}

// fault gives an error of the decoder its place.
func (j *jsonReader) fault(err error) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return j.at(max(j.dec.InputOffset(), s.Offset-1), err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return j.at(j.lines.n, errors.New("the text ends within a value"))
	}
	return &fileError{path: j.path, err: err}
}

func (j *jsonReader) at(offset int64, err error) error {
	line, column := j.lines.position(offset)
	return &fileError{j.path, line, column, err}
}

// lineCounter notes where lines begin.
type lineCounter struct {
	r      io.Reader
	n      int64
	starts []int64 // of all lines but the first
}

// Read is io.Reader's.
func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.starts = append(l.starts, l.n+int64(i)+1)
		}
	}
	l.n += int64(n)
	return n, err
}

// position gives the line and the column, in bytes, of an offset; both count from 1.
func (l *lineCounter) position(offset int64) (line, column int) {
	start := int64(0)
	line = 1
	for _, s := range l.starts {
		if s > offset {
			break
		}
		start = s
		line++
	}
	return line, int(offset-start) + 1
}
