package store

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// A cursor goes through the pages of one column of a row group.
type cursor struct {
	pages parquet.Pages // nil where the file lacks the column
	page  parquet.Page

	data   encoding.Values
	levels []byte // 0 marks a null; empty where the column has none
	rows   int    // of the page
	row    int    // the next of them
	value  int    // the next of the values that are not null
	places []int32
}

// open goes to another row group; the column may be missing.
func (c *cursor) open(group parquet.RowGroup, column int) {
	c.close()
	if column >= 0 {
		c.pages = group.ColumnChunks()[column].Pages()
	}
}

func (c *cursor) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	if c.pages != nil {
		_ = c.pages.Close() // it was only read
	}
	*c = cursor{places: c.places}
}

// next makes sure that a page has rows left.
func (c *cursor) next() error {
	for c.row == c.rows {
		if c.page != nil {
			parquet.Release(c.page)
			c.page = nil
		}
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return errShort
		}
		if err != nil {
			return err
		}
		c.page, c.data, c.levels = page, page.Data(), page.DefinitionLevels()
		c.rows, c.row, c.value = int(page.NumValues()), 0, 0
		if len(c.levels) > 0 && len(c.levels) != c.rows {
			return errShort
		}
	}
	return nil
}

// take goes over up to n rows of the page and gives, in places, the place of each row's value, or -1 for null.
func (c *cursor) take(n int) []int32 {
	n = min(n, c.rows-c.row)
	c.places = grown(c.places, n)
	if len(c.levels) == 0 || c.page.NumNulls() == 0 {
		for i := range c.places {
			c.places[i] = int32(c.value + i)
		}
		c.value += n
	} else {
		for i, level := range c.levels[c.row : c.row+n] {
			if level == 0 {
				c.places[i] = -1
				continue
			}
			c.places[i] = int32(c.value)
			c.value++
		}
	}
	c.row += n
	return c.places
}

// errShort says that a column has fewer values than its row group has rows.
var errShort = errors.New("the file is damaged: a column ends too early")

// texts reads a column of texts as something that is worked out once for each different text.
type texts[T any] struct {
	cursor
	of   func(text []byte) T
	none T // for null, and where the column is missing

	known []T // by the dictionary's index
	have  []bool
	out   []T
}

func (c *texts[T]) open(group parquet.RowGroup, column int) {
	c.cursor.open(group, column)
	c.forget()
}

// forget drops what was worked out.
func (c *texts[T]) forget() { clear(c.have) }

// read fills out with the next n rows.
func (c *texts[T]) read(n int) error {
	c.out = grown(c.out, n)
	if c.pages == nil {
		for i := range c.out {
			c.out[i] = c.none
		}
		return nil
	}
	for at := 0; at < n; {
		if err := c.next(); err != nil {
			return err
		}
		if dict := c.page.Dictionary(); dict != nil {
			at += c.coded(at, n-at, dict)
			continue
		}
		bytes, offsets := c.data.ByteArray()
		places := c.take(n - at)
		for i, place := range places {
			if place < 0 {
				c.out[at+i] = c.none
			} else {
				c.out[at+i] = c.of(bytes[offsets[place]:offsets[place+1]])
			}
		}
		at += len(places)
	}
	return nil
}

// coded reads rows of a page that holds indexes of a dictionary.
func (c *texts[T]) coded(at, n int, dict parquet.Dictionary) int {
	if len(c.known) < dict.Len() {
		c.known, c.have = append(c.known, make([]T, dict.Len()-len(c.known))...), append(c.have, make([]bool, dict.Len()-len(c.have))...)
	}
	index, places := c.data.Int32(), c.take(n)
	out := c.out[at : at+len(places)]
	for i, place := range places {
		if place < 0 {
			out[i] = c.none
			continue
		}
		code := index[place]
		if !c.have[code] {
			v := dict.Index(code)
			c.known[code], c.have[code] = c.of(v.ByteArray()), true
		}
		out[i] = c.known[code]
	}
	return len(places)
}

// numbers reads a column of whole numbers.
type numbers struct {
	cursor
	of   func(n int64) int64
	none int64 // for null, and where the column is missing
	out  []int64
}

func (c *numbers) read(n int) error {
	c.out = grown(c.out, n)
	if c.pages == nil {
		for i := range c.out {
			c.out[i] = c.none
		}
		return nil
	}
	for at := 0; at < n; {
		if err := c.next(); err != nil {
			return err
		}
		places := c.take(n - at)
		out := c.out[at : at+len(places)]
		if c.page.Dictionary() == nil {
			numbersAt(out, places, c.data, c.none)
		} else {
			index := c.data.Int32()
			for i, place := range places {
				if place >= 0 {
					places[i] = index[place]
				}
			}
			numbersAt(out, places, c.page.Dictionary().Page().Data(), c.none)
		}
		at += len(places)
		for i, place := range places {
			if place >= 0 {
				out[i] = c.of(out[i])
			}
		}
	}
	return nil
}

// numbersAt gathers numbers by their places, none for -1.
func numbersAt(out []int64, places []int32, data encoding.Values, none int64) {
	if data.Kind() == encoding.Int32 {
		v := data.Int32()
		for i, place := range places {
			if out[i] = none; place >= 0 {
				out[i] = int64(v[place])
			}
		}
		return
	}
	v := data.Int64()
	for i, place := range places {
		if out[i] = none; place >= 0 {
			out[i] = v[place]
		}
	}
}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// column finds a column of a file by name and checks its kind; it gives -1 where there is none.
func column(file *parquet.File, name string, kinds ...parquet.Kind) (int, error) {
	for i, c := range file.Root().Columns() {
		if c.Name() != name {
			continue
		}
		if !c.Leaf() || c.Repeated() {
			return 0, fmt.Errorf("column %s is a list or a group", name)
		}
		for _, k := range kinds {
			if c.Type().Kind() == k {
				return i, nil
			}
		}
		return 0, fmt.Errorf("column %s is of the type %s", name, c.Type())
	}
	return -1, nil
}
