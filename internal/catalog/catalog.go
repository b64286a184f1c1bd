package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"drumbeat/internal/ingest"
	"drumbeat/internal/logformat"
	"drumbeat/internal/stream"
	"drumbeat/kql/plan"
)

// Options say where rows come from.
type Options struct {
	// Paths are log files, folders and patterns; "-" is Stdin. They fill CommonSecurityLog.
	Paths []string
	Stdin io.Reader
	// TempDir is where what is read from Stdin is kept for a second reading; "" is that of the system.
	TempDir string
	// Parse holds what the user decided about lines.
	Parse logformat.Options
	// Workers is the number of goroutines that read lines; 0 is one.
	Workers int
	// Window bounds the records of the logs, besides what a plan asks for.
	Window plan.Window
	// Tables are files that fill tables; a name may state the types of columns, "Assets(Since:datetime)". Watchlists those of _GetWatchlist, Externals those that stand for the addresses
	// of externaldata, Functions texts in the language that queries can call, alone or in YAML.
	Tables     []File
	Watchlists []Watchlist
	Externals  []File
	Functions  []File
	// EmptyExternals has addresses without a file taken as empty, with a warning, where else they are an error.
	EmptyExternals bool
	// Limits bound those files.
	Limits Limits
	// Warn, where it is not nil, is told what is odd, each thing once. It may be called by any goroutine.
	Warn func(text string)
	// Note, where it is not nil, is told what is good to know and nothing to worry about, likewise.
	Note func(text string)
	// Progress, where it is not nil, is told of bytes of the logs as they are read, by any goroutine.
	Progress func(n int64)
}

// File gives a table, an address or a function its file.
type File struct{ Name, Path string }

// Watchlist gives a watchlist its file. Key is the column that SearchKey repeats; "" is one of the name SearchKey, or else
// the first.
type Watchlist struct{ Alias, Key, Path string }

// Limits bound the files of tables; a zero is the default that is named.
type Limits struct {
	Bytes   int64 // of text, unpacked: 256 MiB
	Rows    int   // 5 million
	Columns int   // 1,000
	Cell    int   // bytes of one value: 1 MiB
}

func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = 256 << 20
	}
	if l.Rows == 0 {
		l.Rows = 5_000_000
	}
	if l.Columns == 0 {
		l.Columns = 1000
	}
	if l.Cell == 0 {
		l.Cell = 1 << 20
	}
	return l
}

// Catalog is the tables and functions that queries can refer to. It implements plan.Schema, stream.Source and
// stream.ExternalSource.
type Catalog struct {
	o         Options
	tables    map[string]*fileTable
	stored    map[string]*parquetTable // those of Parquet files
	lists     map[string]*fileTable
	externals map[string]string
	functions map[string]*plan.Function
	views     views
	logs      *logSource

	mu     sync.Mutex
	warned map[string]bool
}

// New makes a catalogue. It reads the files of tables, watchlists and functions; an error names file, line and column.
// Logs are not read before a query asks for them.
func New(o Options) (*Catalog, error) {
	if o.Workers < 1 {
		o.Workers = 1
	}
	o.Limits = o.Limits.orDefault()
	c := &Catalog{
		o: o, tables: make(map[string]*fileTable), lists: make(map[string]*fileTable),
		stored: make(map[string]*parquetTable), externals: make(map[string]string), functions: make(map[string]*plan.Function), warned: make(map[string]bool),
	}
	c.logs = newLogSource(&c.o)
	for _, f := range o.Tables {
		if err := c.addTable(f); err != nil {
			return nil, err
		}
	}
	for _, w := range o.Watchlists {
		if err := c.addWatchlist(w); err != nil {
			return nil, err
		}
	}
	for _, f := range o.Functions {
		if err := c.addFunction(f); err != nil {
			return nil, err
		}
	}
	for _, f := range o.Externals {
		if _, twice := c.externals[f.Name]; twice {
			return nil, fmt.Errorf("the address %q is given two files", f.Name)
		}
		c.externals[f.Name] = f.Path
	}
	return c, nil
}

// Close removes what was kept of standard input.
func (c *Catalog) Close() error { return c.logs.close() }

func (c *Catalog) addTable(f File) error {
	name, stated, err := declared(f.Name)
	if err != nil {
		return err
	}
	f.Name = name
	if _, twice := c.tables[f.Name]; twice {
		return fmt.Errorf("the table %s is given two files", f.Name)
	}
	if f.Name == logs {
		return fmt.Errorf("%s is filled by logs; give these as paths", logs)
	}
	if f.Name == "" || strings.ContainsAny(f.Name, reserved) {
		return fmt.Errorf("a table cannot be named %q", f.Name)
	}
	known, _ := knownColumns(f.Name)
	if isParquet(f.Path) {
		if len(stated) > 0 {
			return &fileError{path: f.Path, err: errors.New("a Parquet file has its own types: leave them out")}
		}
		return c.addStored(f, known)
	}
	t, err := c.readTable(f, known, stated)
	if err != nil {
		return err
	}
	c.tables[f.Name] = t
	return nil
}

// addStored adds a table of a Parquet file, which is read when a query asks for it.
func (c *Catalog) addStored(f File, known []plan.Column) error {
	stored, err := openParquet([]string{f.Path})
	if err != nil {
		return err
	}
	t := &fileTable{cols: known}
	for _, name := range slices.Sorted(maps.Keys(stored.columns)) {
		if t.find(name) == noSlot {
			t.cols = append(t.cols, plan.Column{Name: name, Type: stored.columns[name].Type})
		}
	}
	c.tables[f.Name], c.stored[f.Name] = t, stored
	return nil
}

// reserved are characters that the names of tables of the catalogue's own use have, and no others.
const reserved = "\x00\n\r\t "

// The beginnings of names of tables that are the catalogue's own.
const (
	watchlistTable = "watchlist "
	parserTable    = "function "
)

// Table gives a table by its name.
func (c *Catalog) Table(name string) (*plan.Table, bool) {
	if t, ok := c.tables[name]; ok {
		return &plan.Table{Name: name, Columns: t.cols}, true
	}
	if alias, ok := strings.CutPrefix(name, watchlistTable); ok {
		return c.watchlist(name, alias), true
	}
	if cols, open, ok := parserColumns(name); ok {
		return &plan.Table{Name: name, Columns: cols, Open: open}, true
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "=") {
		return nil, false
	}
	cols, ok := knownColumns(name)
	return &plan.Table{Name: name, Columns: cols}, ok
}

// Function gives a function by its name.
func (c *Catalog) Function(name string) (*plan.Function, bool) {
	if f, ok := c.functions[name]; ok {
		return f, true
	}
	return c.views.function(c, name)
}

// Tables gives the names of all tables, in order.
func (c *Catalog) Tables() []string {
	names := slices.AppendSeq(slices.Clone(knownNames()), maps.Keys(c.tables))
	slices.Sort(names)
	return slices.Compact(names)
}

// Filled reports whether a table can hold rows. It implements [plan.Filler].
func (c *Catalog) Filled(name string) bool {
	_, given := c.tables[name]
	return given || name == logs
}

// TableHint says how a file fills a table. It implements [plan.Adviser].
func (c *Catalog) TableHint(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return ""
	}
	return fmt.Sprintf("give its rows with --table %s=FILE", name)
}

// Refuse says why nothing can be read from an address. It implements [plan.Adviser].
func (c *Catalog) Refuse(address string) (refusal, hint string) {
	short, _, _ := strings.Cut(address, ";") // a key of access may follow
	_, whole := c.externals[address]
	if _, ok := c.externals[short]; ok || whole || c.o.EmptyExternals {
		return "", ""
	}
	return "nothing is fetched from the network", fmt.Sprintf("give a copy of it with --external %s=FILE", short)
}

// Scan gives the rows of a table. One that nothing fills has none, which is worth a warning.
func (c *Catalog) Scan(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	if scan.Table == logs {
		return c.scanLogs(ctx, scan, w, emit)
	}
	if t, ok := c.stored[scan.Table]; ok {
		return t.scan(ctx, scan, w, emit)
	}
	t := c.tables[scan.Table]
	if alias, ok := strings.CutPrefix(scan.Table, watchlistTable); ok {
		if t = c.lists[alias]; t == nil {
			c.warnf("there is no watchlist %q: it is taken as empty (give it with --watchlist %s=FILE)", alias, alias)
			return ctx.Err()
		}
	}
	if t != nil {
		return t.scan(ctx, scan, w, emit)
	}
	if name, ok := strings.CutPrefix(scan.Table, parserTable); ok {
		c.warnf("the function %s is known by its columns alone: it gives no rows (give its text with --function %s=FILE)",
			name, name)
		return ctx.Err()
	}
	c.warnf("no file fills the table %s: it is empty (give one with --table %s=FILE)", scan.Table, scan.Table)
	return ctx.Err()
}

// warnf gives a warning, once.
func (c *Catalog) warnf(format string, args ...any) { c.tell(c.o.Warn, format, args...) }

// notef gives a note, once.
func (c *Catalog) notef(format string, args ...any) { c.tell(c.o.Note, format, args...) }

func (c *Catalog) tell(to func(string), format string, args ...any) {
	if to == nil {
		return
	}
	text := fmt.Sprintf(format, args...)
	c.mu.Lock()
	seen := c.warned[text]
	c.warned[text] = true
	c.mu.Unlock()
	if !seen {
		to(text)
	}
}

// errNoLogs says that a query reads the logs and none are given.
var errNoLogs = errors.New("the query reads " + logs + ", and no log files are given")

func (c *Catalog) scanLogs(ctx context.Context, scan *plan.Scan, w plan.Window, emit func([]stream.Row) error) error {
	if len(c.o.Paths) == 0 {
		c.warnf("%v: it is empty", errNoLogs)
		return ctx.Err()
	}
	return c.logs.scan(ctx, scan, w.Both(c.o.Window), emit)
}

// Report says what the logs held, as far as queries have read them: it is complete once a query has read all of them.
func (c *Catalog) Report() *Report { return c.logs.reported() }

// Span reads the logs, unless that is done, and gives the times of the first and the last record; ok is false where
// there are none.
func (c *Catalog) Span(ctx context.Context) (w plan.Window, ok bool, err error) {
	if len(c.o.Paths) == 0 {
		return plan.Window{}, false, nil
	}
	if p, err := c.logs.parquetFiles(); err != nil {
		return plan.Window{}, false, err
	} else if p != nil {
		return p.span(ctx, c.o.Window)
	}
	if !c.logs.reported().Complete {
		if err := c.logs.scan(ctx, &plan.Scan{Table: logs}, c.o.Window, func([]stream.Row) error { return nil }); err != nil {
			return plan.Window{}, false, err
		}
	}
	r := c.logs.reported()
	if r.First == 0 {
		return plan.Window{}, false, nil
	}
	return plan.Window{From: r.First, To: r.Last}, true, nil
}

// Report says what the logs held.
type Report struct {
	// Complete says that all of them were read.
	Complete bool
	// Counts says what became of the lines: Flows are TRAFFIC records, Other the other records, which are rows too.
	Counts logformat.Counts
	Lines  int64
	Files  int
	// Problems lists what was not read, or not to its end.
	Problems []ingest.Problem
	// Samples holds the first rejected lines for each reason, in order of path and line.
	Samples []ingest.Rejected
	// First and Last bound the times of records, in ticks; 0 where there are none.
	First, Last int64
}

var (
	_ plan.Schema           = (*Catalog)(nil)
	_ plan.Filler           = (*Catalog)(nil)
	_ plan.Adviser          = (*Catalog)(nil)
	_ stream.ExternalSource = (*Catalog)(nil)
)
