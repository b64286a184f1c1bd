package catalog

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/internal/traffic"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// ParquetColumn is a column of Parquet files.
type ParquetColumn struct {
	// Type is what its values are. Plain is set where they are stored as DuckDB has that type: BOOLEAN, INTEGER, BIGINT,
	// DOUBLE, VARCHAR, and for a datetime a TIMESTAMP in microseconds, or ticks.
	Type  kql.Type
	Plain bool
	// Ticks says that a datetime is kept in ticks.
	Ticks bool
}

// parquetTable is a table in Parquet files, which are read as scans ask. Their order is that of the rows.
type parquetTable struct {
	files   []string
	columns map[string]ParquetColumn
	// same says that all files have the same columns.
	same bool
}

// isParquet tells a Parquet file by its name.
func isParquet(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".parquet") }

// openParquet looks into the files of a table.
func openParquet(files []string) (*parquetTable, error) {
	t := &parquetTable{files: files, same: true}
	for _, path := range files {
		columns := make(map[string]ParquetColumn)
		err := withParquet(path, func(f *parquet.File) error {
			for _, c := range f.Root().Columns() {
				if col, ok := columnOf(c); ok {
					columns[c.Name()] = col
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if t.columns == nil {
			t.columns = columns
			continue
		}
		for name, col := range columns {
			have, ok := t.columns[name]
			if ok && have.Type != col.Type {
				return nil, &fileError{path: path, err: fmt.Errorf("column %s is of type %s, and %s in %s", name, col.Type, have.Type, files[0])}
			}
			t.same = t.same && ok && have == col
			t.columns[name] = col
		}
		t.same = t.same && len(columns) == len(t.columns)
	}
	return t, nil
}

// withParquet opens a file. The reader of damaged files may panic: that is an error.
func withParquet(path string, do func(f *parquet.File) error) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return &fileError{path: path, err: errors.New("cannot be opened")}
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			if _, placed := errors.AsType[*fileError](err); !placed && !errors.Is(err, errTaken) {
				err = &fileError{path: path, err: err}
			}
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	return do(file)
}

// errTaken is in errors of whoever takes rows.
var errTaken = errors.New("rows are not taken")

// columnOf gives what a column of a file holds; lists and groups are left out.
func columnOf(c *parquet.Column) (ParquetColumn, bool) {
	if !c.Leaf() || c.Repeated() {
		return ParquetColumn{}, false
	}
	logical := c.Type().LogicalType()
	switch c.Type().Kind() {
	case parquet.Boolean:
		return ParquetColumn{Type: kql.TypeBool, Plain: true}, true
	case parquet.Int32:
		if logical != nil {
			if _, ok := logical.Value.(*format.DateType); ok {
				return ParquetColumn{Type: kql.TypeDateTime}, true
			}
		}
		return ParquetColumn{Type: kql.TypeInt, Plain: logical == nil || isInt(logical, 32)}, true
	case parquet.Int64:
		if stamp, ok := stampOf(c); ok {
			return ParquetColumn{Type: kql.TypeDateTime, Plain: stamp.Unit.Value.Duration().Microseconds() == 1}, true
		}
		if c.Name() == timeColumn {
			return ParquetColumn{Type: kql.TypeDateTime, Plain: true, Ticks: true}, true
		}
		return ParquetColumn{Type: kql.TypeLong, Plain: logical == nil || isInt(logical, 64)}, true
	case parquet.Float, parquet.Double:
		return ParquetColumn{Type: kql.TypeReal, Plain: c.Type().Kind() == parquet.Double}, true
	case parquet.ByteArray:
		if logical == nil {
			return ParquetColumn{Type: kql.TypeString}, true
		}
		switch logical.Value.(type) { //nolint:exhaustive // values of other kinds are no texts
		case *format.StringType, *format.EnumType:
			return ParquetColumn{Type: kql.TypeString, Plain: true}, true
		case *format.JsonType:
			return ParquetColumn{Type: kql.TypeDynamic}, true
		}
	case parquet.FixedLenByteArray:
		if logical != nil {
			if _, ok := logical.Value.(*format.UUIDType); ok {
				return ParquetColumn{Type: kql.TypeGuid}, true
			}
		}
	case parquet.Int96:
	}
	return ParquetColumn{}, false
}

// timeColumn is the time of a record.
const timeColumn = "TimeGenerated"

func isInt(l *format.LogicalType, bits int8) bool {
	i, ok := l.Value.(*format.IntType)
	return ok && i.IsSigned && i.BitWidth == bits
}

func stampOf(c *parquet.Column) (*format.TimestampType, bool) {
	if l := c.Type().LogicalType(); l != nil {
		stamp, ok := l.Value.(*format.TimestampType)
		return stamp, ok
	}
	return nil, false
}

// scan reads the files one after the other.
func (t *parquetTable) scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	for _, path := range t.files {
		err := withParquet(path, func(f *parquet.File) error {
			r := newParquetReader(f, scan.Columns, w, emit)
			for i, group := range f.RowGroups() {
				if err := ctx.Err(); err != nil {
					return errors.Join(errTaken, err)
				}
				if !r.meets(f, i) {
					continue
				}
				if err := r.group(ctx, group); err != nil {
					return err
				}
			}
			return nil
		})
		if taken, ok := errors.AsType[*takenError](err); ok {
			return taken.err
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// span gives the times of the first and the last row within a window.
func (t *parquetTable) span(ctx context.Context, w plan.Window) (span plan.Window, ok bool, err error) {
	times := &plan.Scan{Columns: []plan.Column{{Name: timeColumn, Type: kql.TypeDateTime}}}
	err = t.scan(ctx, times, w, func(rows []stream.Row) error {
		for _, r := range rows {
			at := r[0].Int()
			if r[0].IsNull() || !w.Contains(at) {
				continue
			}
			if !ok {
				span, ok = plan.Window{From: at, To: at}, true
			}
			span.From, span.To = min(span.From, at), max(span.To, at)
		}
		return nil
	})
	return span, ok, err
}

// takenError is an error of whoever takes rows.
type takenError struct{ err error }

// Error gives the error's own words.
func (e *takenError) Error() string { return e.err.Error() }

// Unwrap gives the error, and errTaken, by which it is known.
func (e *takenError) Unwrap() []error { return []error{e.err, errTaken} }

// parquetReader reads the row groups of one file.
type parquetReader struct {
	cols   []parquetCells
	null   []eval.Value // what stands where the file lacks a column
	time   *parquetCells
	window plan.Window
	emit   func([]stream.Row) error
}

// parquetCells makes values of one column.
type parquetCells struct {
	leaf int // the column's number in the file
	slot int // in the row, or noSlot
	want kql.Type
	unit int64 // of a datetime: ticks, or 0 for ticks since the year 1
	nano int64 // of a datetime in units below a tick: units in a tick
	kind ParquetColumn
	text textStore

	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buffer []parquet.Value
}

func newParquetReader(f *parquet.File, cols []plan.Column, w plan.Window, emit func([]stream.Row) error) *parquetReader {
	r := &parquetReader{null: make([]eval.Value, len(cols)), window: w, emit: emit}
	slots := make(map[string]int, len(cols))
	for i, col := range cols {
		r.null[i] = eval.Null(col.Type)
		slots[col.Name] = i
	}
	timeAt := noSlot
	for _, c := range f.Root().Columns() {
		slot, ok := slots[c.Name()]
		bounds := c.Name() == timeColumn && w != (plan.Window{})
		kind, usable := columnOf(c)
		if !usable || !ok && !bounds {
			continue
		}
		cells := parquetCells{leaf: c.Index(), slot: noSlot, want: kind.Type, kind: kind}
		if ok {
			cells.slot, cells.want = slot, cols[slot].Type
		}
		cells.units(c)
		if bounds && kind.Type == kql.TypeDateTime {
			timeAt = len(r.cols)
		}
		r.cols = append(r.cols, cells)
	}
	if timeAt != noSlot {
		r.time = &r.cols[timeAt]
	}
	return r
}

// units finds in which unit a datetime is kept.
func (c *parquetCells) units(col *parquet.Column) {
	if c.kind.Type != kql.TypeDateTime || c.kind.Ticks {
		return
	}
	if stamp, ok := stampOf(col); ok {
		d := int64(stamp.Unit.Value.Duration())
		c.unit, c.nano = d/100, 1
		if d < 100 {
			c.unit, c.nano = 1, 100/d
		}
		return
	}
	c.unit, c.nano = traffic.Day, 1 // days since 1970
}

// meets reports whether a row group may hold times of the window, by the file's statistics.
func (r *parquetReader) meets(f *parquet.File, group int) bool {
	if r.time == nil {
		return true
	}
	s := f.Metadata().RowGroups[group].Columns[r.time.leaf].MetaData.Statistics
	if len(s.MinValue) != 8 || len(s.MaxValue) != 8 {
		return true
	}
	least := r.time.ticks(int64(binary.LittleEndian.Uint64(s.MinValue)))
	most := r.time.ticks(int64(binary.LittleEndian.Uint64(s.MaxValue)))
	return most >= r.window.From && (r.window.To == 0 || least <= r.window.To)
}

// group reads one row group.
func (r *parquetReader) group(ctx context.Context, g parquet.RowGroup) error {
	chunks := g.ColumnChunks()
	for i := range r.cols {
		c := &r.cols[i]
		c.pages, c.page, c.values = chunks[c.leaf].Pages(), nil, nil
	}
	defer func() {
		for i := range r.cols {
			r.cols[i].close()
		}
	}()
	for left := g.NumRows(); left > 0; {
		if err := ctx.Err(); err != nil {
			return &takenError{err}
		}
		n := int(min(left, batchRows))
		left -= int64(n)
		if err := r.batch(n); err != nil {
			return err
		}
	}
	return nil
}

// batch reads the next rows.
func (r *parquetReader) batch(n int) error {
	width := len(r.null)
	slab := make([]eval.Value, n*width)
	for i := range n {
		copy(slab[i*width:], r.null)
	}
	var outside []bool
	for i := range r.cols {
		c := &r.cols[i]
		values, err := c.read(n)
		if err != nil {
			return err
		}
		if c == r.time {
			outside = make([]bool, n)
			for k, v := range values {
				outside[k] = v.IsNull() || !r.window.Contains(c.ticks(v.Int64()))
			}
		}
		if c.slot == noSlot {
			continue
		}
		for k := range values {
			if !values[k].IsNull() {
				slab[k*width+c.slot] = c.value(&values[k])
			}
		}
	}
	rows := make([]stream.Row, 0, n)
	for k := range n {
		if len(outside) == 0 || !outside[k] {
			rows = append(rows, slab[k*width:(k+1)*width:(k+1)*width])
		}
	}
	if len(rows) == 0 {
		return nil
	}
	if err := r.emit(rows); err != nil {
		return &takenError{err}
	}
	return nil
}

// read gives the next values, as many as rows are asked for.
func (c *parquetCells) read(n int) ([]parquet.Value, error) {
	if cap(c.buffer) < n {
		c.buffer = make([]parquet.Value, n)
	}
	values := c.buffer[:n]
	for got := 0; got < n; {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = errors.New("a column has fewer values than there are rows")
				}
				return nil, err
			}
			parquet.Release(c.page)
			c.page, c.values = page, page.Values()
		}
		k, err := c.values.ReadValues(values[got:])
		for i := got; i < got+k; i++ {
			values[i] = values[i].Clone() // the page may be given back before the row is made
		}
		got += k
		switch {
		case errors.Is(err, io.EOF):
			c.values = nil
		case err != nil:
			return nil, err
		case k == 0:
			return nil, io.ErrNoProgress
		}
	}
	return values, nil
}

func (c *parquetCells) close() {
	if c.pages != nil {
		parquet.Release(c.page)
		_ = c.pages.Close() // it was only read
		c.pages, c.page, c.values = nil, nil, nil
	}
}

// ticks gives the time of a stored datetime. Times out of the years 1 to 9999 are those nearest to it.
func (c *parquetCells) ticks(n int64) int64 {
	if c.unit == 0 {
		return n
	}
	n /= c.nano
	n = min(max(n, -traffic.UnixEpoch/c.unit), (traffic.MaxTicks-traffic.UnixEpoch)/c.unit)
	return n*c.unit + traffic.UnixEpoch
}

// value makes a value of the type that the table has.
func (c *parquetCells) value(v *parquet.Value) eval.Value {
	var out eval.Value
	switch c.kind.Type { //nolint:exhaustive // files have no others
	case kql.TypeBool:
		out = eval.Bool(v.Boolean())
	case kql.TypeInt:
		out = eval.Int(v.Int32())
	case kql.TypeLong:
		out = eval.Long(v.Int64())
	case kql.TypeReal:
		if v.Kind() == parquet.Float {
			out = eval.Real(float64(v.Float()))
		} else {
			out = eval.Real(v.Double())
		}
	case kql.TypeDateTime:
		if v.Kind() == parquet.Int32 {
			out = eval.Datetime(c.ticks(int64(v.Int32())))
		} else {
			out = eval.Datetime(c.ticks(v.Int64()))
		}
	case kql.TypeGuid:
		h := hex.EncodeToString(v.ByteArray())
		if len(h) != 32 {
			return eval.Null(c.want)
		}
		out = eval.Guid(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
	default:
		value, _ := valueOf(rawCell{text: strings.ToValidUTF8(c.text.get(v.ByteArray()), "\uFFFD"), kind: rawText}, c.want, &c.text)
		return value
	}
	if c.want == c.kind.Type {
		return out
	}
	return eval.Convert(out, c.want)
}
