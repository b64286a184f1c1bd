package catalog

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"drumbeat/internal/stream"
	"drumbeat/kql/plan"
)

// External gives the rows of an externaldata from the files that stand for its addresses. One that has no file is an
// error: nothing is fetched.
func (c *Catalog) External(ctx context.Context, ext *plan.External, emit func([]stream.Row) error) error {
	for _, uri := range ext.URIs {
		address, _, _ := strings.Cut(uri, ";") // a key of access may follow
		path, ok := c.externals[uri]
		if !ok {
			path, ok = c.externals[address]
		}
		if !ok && c.o.EmptyExternals {
			c.warnf("externaldata reads %q, and nothing is fetched from the network: it is taken as empty (give a copy of it with --external %s=FILE)",
				address, address)
			continue
		}
		if !ok {
			return fmt.Errorf("externaldata reads %q, and nothing is fetched from the network: give a copy of it with --external %s=FILE",
				address, address)
		}
		if err := c.external(ctx, ext, uri, path, emit); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// externalForm tells how the data is written: as the query says, or by the name of the address, or of the file.
func externalForm(ext *plan.External, uri, path string) (form, error) {
	for _, w := range ext.With {
		if w[0] != "format" {
			continue
		}
		switch strings.ToLower(w[1]) {
		case "csv", "scsv", "sohsv", "tsve":
			if w[1] != "csv" {
				return 0, fmt.Errorf("externaldata: the format %q is not supported", w[1])
			}
			return formCSV, nil
		case "tsv":
			return formTSV, nil
		case "psv":
			return formPSV, nil
		case "json", "multijson":
			return formJSON, nil
		case "txt", "raw":
			return formLines, nil
		}
		return 0, fmt.Errorf("externaldata: the format %q is not supported", w[1])
	}
	address, _, _ := strings.Cut(uri, ";")
	address, _, _ = strings.Cut(address, "?")
	if f, err := formOf(address); err == nil {
		return f, nil
	}
	if f, err := formOf(path); err == nil {
		return f, nil
	}
	return formCSV, nil
}

// external reads one file. CSV is taken by position, JSON by name.
func (c *Catalog) external(ctx context.Context, ext *plan.External, uri, path string, emit func([]stream.Row) error) error {
	f, err := externalForm(ext, uri, path)
	if err != nil {
		return err
	}
	raw := &rawTable{index: make(map[string]int)}
	if f == formJSON {
		in, err := c.open(path)
		if err != nil {
			return err
		}
		r := &rowReader{path: path, limits: c.o.Limits, table: raw}
		if err := errors.Join(r.json(in), in.Close()); err != nil {
			return err
		}
	} else {
		skip := slices.ContainsFunc(ext.With, func(w [2]string) bool {
			return strings.EqualFold(w[0], "ignoreFirstRecord") && strings.EqualFold(w[1], "true")
		})
		if raw, err = c.positional(ext, f, path, skip); err != nil {
			return err
		}
	}
	t := &fileTable{cols: ext.Cols}
	if err := c.fill(t, raw, path); err != nil {
		return err
	}
	return t.scan(ctx, &plan.Scan{Columns: ext.Cols}, plan.Window{}, emit)
}

// positional reads rows whose values stand in the order of the columns. Those that are left out are null.
func (c *Catalog) positional(ext *plan.External, f form, path string, skip bool) (*rawTable, error) {
	raw := &rawTable{index: make(map[string]int)}
	for i, col := range ext.Cols {
		raw.names = append(raw.names, col.Name)
		raw.index[col.Name] = i
	}
	in, err := c.open(path)
	if err != nil {
		return nil, err
	}
	next := csvCells(in, f)
	if f == formLines {
		next = lineCells(in, c.o.Limits.Cell)
	}
	for {
		cells, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r := rowReader{path: path}
			return nil, errors.Join(r.csvError(err), in.Close())
		}
		if skip {
			skip = false
			continue
		}
		if len(raw.rows) >= c.o.Limits.Rows {
			return nil, errors.Join(&fileError{path: path, err: fmt.Errorf("more than %d rows, the limit for tables", c.o.Limits.Rows)}, in.Close())
		}
		raw.rows = append(raw.rows, cells)
	}
	return raw, in.Close()
}

func csvCells(in io.Reader, f form) func() ([]rawCell, error) {
	r := csv.NewReader(in)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord, r.LazyQuotes = delimiter(f), true, -1, true
	return func() ([]rawCell, error) {
		cells, err := r.Read()
		if err != nil {
			return nil, err
		}
		row := make([]rawCell, len(cells))
		for i, text := range cells {
			row[i] = rawCell{text: strings.ToValidUTF8(strings.Clone(text), "\uFFFD"), kind: rawText}
		}
		return row, nil
	}
}

func lineCells(in io.Reader, longest int) func() ([]rawCell, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longest)
	return func() ([]rawCell, error) {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		return []rawCell{{text: strings.ToValidUTF8(lines.Text(), "\uFFFD"), kind: rawText}}, nil
	}
}
