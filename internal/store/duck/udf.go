//go:build cgo

package duck

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"drumbeat/internal/eval"
	"drumbeat/internal/sqlgen"
	"drumbeat/kql"
)

// register gives the database the Go functions that a program calls.
func (d *DB) register(conn *sql.Conn, funcs []sqlgen.Func) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range funcs {
		if d.funcs[f.Name] {
			continue
		}
		fn, err := newFunc(f, d.widest)
		if err != nil {
			return err
		}
		if err := duckdb.RegisterScalarUDF(conn, f.Name, fn); err != nil {
			return fmt.Errorf("duck: function %s: %w", f.Fn, err)
		}
		d.funcs[f.Name] = true
	}
	return nil
}

// goFunc is a function of the language that DuckDB calls.
type goFunc struct {
	sqlgen.Func
	eval   eval.Func
	widest width
	config duckdb.ScalarFuncConfig
	// scratches are kept from call to call: patterns that were compiled are among them.
	scratches sync.Pool
}

func newFunc(f sqlgen.Func, widest width) (*goFunc, error) {
	form, ok := eval.Scalar(f.Fn)
	if !ok {
		return nil, fmt.Errorf("duck: the function %s has no form in Go", f.Fn)
	}
	out, err := typeInfo(f.Out)
	if err != nil {
		return nil, err
	}
	g := &goFunc{Func: f, eval: form, widest: widest, config: duckdb.ScalarFuncConfig{ResultTypeInfo: out, SpecialNullHandling: true}}
	for _, a := range f.Args {
		info, err := typeInfo(a)
		if err != nil {
			return nil, err
		}
		g.config.InputTypeInfos = append(g.config.InputTypeInfos, info)
	}
	g.scratches.New = func() any { return &scratch{args: make([]eval.Value, len(f.Args))} }
	return g, nil
}

func typeInfo(t kql.Type) (duckdb.TypeInfo, error) {
	code := duckdb.TYPE_VARCHAR
	switch t {
	case kql.TypeBool:
		code = duckdb.TYPE_BOOLEAN
	case kql.TypeInt:
		code = duckdb.TYPE_INTEGER
	case kql.TypeLong, kql.TypeDateTime, kql.TypeTimespan:
		code = duckdb.TYPE_BIGINT
	case kql.TypeReal:
		code = duckdb.TYPE_DOUBLE
	case kql.TypeString, kql.TypeGuid, kql.TypeDecimal, kql.TypeDynamic, kql.TypeUnknown:
	}
	return duckdb.NewTypeInfo(code)
}

// Config tells DuckDB the types of the function.
func (f *goFunc) Config() duckdb.ScalarFuncConfig { return f.config }

// Executor gives what DuckDB calls for each row, from any of its threads. The driver has a form for chunks of rows too,
// which is faster for texts, but with its first call it sets a context that other threads read: a race.
func (f *goFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: f.row}
}

// scratch is what one call of a function works with.
type scratch struct {
	env  eval.Env
	args []eval.Value
}

func (f *goFunc) row(values []driver.Value) (result any, err error) {
	s := f.scratches.Get().(*scratch)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the function %s: %v", errFault, f.Fn, r)
			return
		}
		if s.env.Err == nil { // what led to an error may be kept in it
			f.scratches.Put(s)
		}
	}()
	for i, t := range f.Args {
		s.args[i] = fromDuck(t, values[i])
	}
	result = toDuck(f.Out, f.eval(&s.env, f.Out, s.args))
	if text, ok := result.(string); ok && s.env.Err == nil {
		return result, f.widest.check(len(text))
	}
	return result, s.env.Err
}

// width is how many bytes one value that a Go function gives may have. DuckDB takes the values of 2,048 rows into one
// vector, and where there is no memory for it, its exception ends the program, since Go stands between it and who would
// catch it.
type width int

// widest is the width for some memory: the vectors of two threads may take half of it.
func widest(memory int64) width {
	if memory == 0 {
		return 1 << 20
	}
	return width(max(memory/(4*2048), 1<<12))
}

// errTooWide has a text that no other error has: the driver hands on nothing but that.
var errTooWide = errors.New("duck: a value is too wide for DuckDB")

func (w width) check(n int) error {
	if n > int(w) {
		return errTooWide
	}
	return nil
}

// checkList is check for a list of texts.
func (w width) checkList(texts []string) error {
	const each = 16 // what DuckDB has for a text in a list, besides its letters
	n := 0
	for _, t := range texts {
		n += each + len(t)
	}
	return w.check(n)
}

// registerLists gives the database the functions on lists of texts that all programs may call.
func registerLists(conn *sql.Conn, widest width) error {
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return err
	}
	list, err := duckdb.NewListInfo(text)
	if err != nil {
		return err
	}
	for name, f := range map[string]*listFunc{
		sqlgen.Elements: {widest: widest, in: text, out: list, of: func(v driver.Value) []string { return elements(v, false) }},
		sqlgen.Pairs:    {widest: widest, in: text, out: list, of: func(v driver.Value) []string { return elements(v, true) }},
		sqlgen.Uniq:     {widest: widest, in: list, out: list, of: uniq},
		sqlgen.Flat:     {widest: widest, in: list, out: list, of: flat},
		sqlgen.Merge:    {widest: widest, in: list, out: list, of: merge},
	} {
		if err := duckdb.RegisterScalarUDF(conn, name, f); err != nil {
			return fmt.Errorf("function %s: %w", name, err)
		}
	}
	return nil
}

// listFunc is a function that gives a list of texts.
type listFunc struct {
	widest  width
	in, out duckdb.TypeInfo
	of      func(driver.Value) []string
}

// Config tells DuckDB the types of the function.
func (f *listFunc) Config() duckdb.ScalarFuncConfig {
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{f.in}, ResultTypeInfo: f.out, SpecialNullHandling: true}
}

// Executor gives what DuckDB calls for each row.
func (f *listFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (result any, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w: a function of lists: %v", errFault, r)
			}
		}()
		texts := f.of(values[0])
		if texts == nil {
			return nil, nil
		}
		return texts, f.widest.checkList(texts)
	}}
}

// elements gives the texts of the elements of a dynamic.
func elements(v driver.Value, pairs bool) []string {
	d := fromDuck(kql.TypeDynamic, v)
	t := d.Tree()
	if t == nil {
		return []string{validText(string(appendDynamic(nil, d)))}
	}
	texts := make([]string, len(t.Items))
	for i, item := range t.Items {
		if t.IsBag() {
			key := t.Keys[i]
			if pairs {
				item = eval.Array([]eval.Value{eval.ToDynamic(eval.String(key)), item})
			} else {
				item = eval.Bag([]string{key}, []eval.Value{item})
			}
		}
		texts[i] = validText(string(appendDynamic(nil, item)))
	}
	return texts
}

// uniq gives a list without repetitions, each element where it stood first.
func uniq(v driver.Value) []string {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	seen := make(map[string]bool, len(list))
	texts := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok && !seen[s] {
			seen[s] = true
			texts = append(texts, s)
		}
	}
	return texts
}

// flat puts the elements of arrays in the places of these.
func flat(v driver.Value) []string {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	texts := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		switch {
		case !ok:
		case strings.HasPrefix(s, "["):
			texts = append(texts, elements(s, false)...)
		default:
			texts = append(texts, s)
		}
	}
	return texts
}

// merge makes one bag of those of a list: of two values under one key the first stays.
func merge(v driver.Value) []string {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	var keys []string
	var items []eval.Value
	for _, e := range list {
		t := fromDuck(kql.TypeDynamic, e).Tree()
		if t == nil || !t.IsBag() {
			continue
		}
		for i, k := range t.Keys {
			if !seen[k] {
				seen[k] = true
				keys, items = append(keys, k), append(items, t.Items[i])
			}
		}
	}
	return []string{validText(string(appendDynamic(nil, eval.Bag(keys, items))))}
}
