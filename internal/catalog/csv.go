package catalog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"drumbeat/kql/plan"
)

// csv reads rows whose first line names the columns.
func (r *rowReader) csv(in io.Reader, comma rune) error {
	c := csv.NewReader(in)
	c.Comma, c.ReuseRecord, c.FieldsPerRecord, c.LazyQuotes = comma, true, -1, false
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return &fileError{path: r.path, err: errors.New("is empty: the first line must name the columns")}
	}
	if err != nil {
		return r.csvError(err)
	}
	for i, name := range header {
		// The portal's exports say in brackets that a time is UTC.
		name = strings.TrimSpace(strings.TrimSuffix(name, "[UTC]"))
		if bare, t, ok := typeOfHeader(name); ok && r.typed {
			name = bare
			r.table.stated = append(r.table.stated, plan.Column{Name: name, Type: t})
		}
		if err := r.column(name); err != nil {
			line, column := c.FieldPos(i)
			return &fileError{r.path, line, column, err}
		}
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.csvError(err)
		}
		if err := r.record(c, cells); err != nil {
			return err
		}
	}
}

// record takes one line of cells.
func (r *rowReader) record(c *csv.Reader, cells []string) error {
	at := func(i int, format string, args ...any) error {
		line, column := c.FieldPos(min(i, len(cells)-1))
		return &fileError{r.path, line, column, fmt.Errorf(format, args...)}
	}
	if len(cells) != len(r.table.names) {
		return at(len(r.table.names), "%s, but the first line names %s", plural(len(cells), "value"),
			plural(len(r.table.names), "column"))
	}
	if len(r.table.rows) >= r.limits.Rows {
		return at(0, "more than %d rows, the limit for tables", r.limits.Rows)
	}
	row := make([]rawCell, len(cells))
	for i, text := range cells {
		if len(text) > r.limits.Cell {
			return at(i, "a value of more than %d bytes, the limit for tables", r.limits.Cell)
		}
		row[i] = rawCell{text: strings.ToValidUTF8(strings.Clone(text), "\uFFFD"), kind: rawText}
	}
	r.table.rows = append(r.table.rows, row)
	return nil
}

// column adds a column.
func (r *rowReader) column(name string) error {
	switch _, twice := r.table.index[name]; {
	case name == "":
		return errors.New("a column has no name")
	case twice:
		return fmt.Errorf("two columns are named %q", name)
	case len(r.table.names) >= r.limits.Columns:
		return fmt.Errorf("more than %d columns, the limit for tables", r.limits.Columns)
	case len(name) > maxName:
		return fmt.Errorf("the name of a column is longer than %d bytes", maxName)
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	r.table.index[name] = len(r.table.names)
	r.table.names = append(r.table.names, name)
	return nil
}

// maxName bounds the name of a column, in bytes.
const maxName = 1024

func (r *rowReader) csvError(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return &fileError{r.path, p.Line, p.Column, p.Err}
	}
	return &fileError{path: r.path, err: err}
}
