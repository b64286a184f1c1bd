//go:build cgo

package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
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
		fn, err := newFunc(f)
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
	config duckdb.ScalarFuncConfig
	envs   sync.Pool
}

func newFunc(f sqlgen.Func) (*goFunc, error) {
	form, ok := eval.Scalar(f.Fn)
	if !ok {
		return nil, fmt.Errorf("duck: the function %s has no form in Go", f.Fn)
	}
	out, err := typeInfo(f.Out)
	if err != nil {
		return nil, err
	}
	g := &goFunc{Func: f, eval: form, config: duckdb.ScalarFuncConfig{ResultTypeInfo: out, SpecialNullHandling: true}}
	for _, a := range f.Args {
		info, err := typeInfo(a)
		if err != nil {
			return nil, err
		}
		g.config.InputTypeInfos = append(g.config.InputTypeInfos, info)
	}
	g.envs.New = func() any { return &eval.Env{} }
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

// Executor gives what DuckDB calls, with up to 2,048 rows at a time, from any of its threads.
func (f *goFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{ChunkContextExecutor: f.run}
}

func (f *goFunc) run(_ context.Context, chunk *duckdb.ChunkIteratorState) (err error) {
	env, ok := f.envs.Get().(*eval.Env)
	if !ok {
		env = &eval.Env{}
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the function %s: %v", errFault, f.Fn, r)
			return
		}
		if env.Err == nil { // what led to an error may be kept in it
			f.envs.Put(env)
		}
	}()
	if isText(f.Out) {
		return f.texts(env, chunk)
	}
	args := make([]eval.Value, len(f.Args))
	for row, err := range chunk.Rows() {
		if err != nil {
			return err
		}
		for i, t := range f.Args {
			args[i] = fromDuck(t, *row.GetValuePtr(i))
		}
		v := f.eval(env, f.Out, args)
		if env.Err != nil {
			return env.Err
		}
		if err := row.SetResult(toDuck(f.Out, v)); err != nil {
			return err
		}
	}
	return nil
}

// isText reports whether values of a type are texts in DuckDB.
func isText(t kql.Type) bool {
	switch t {
	case kql.TypeString, kql.TypeGuid, kql.TypeDecimal, kql.TypeDynamic, kql.TypeUnknown:
		return true
	case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDateTime, kql.TypeTimespan:
	}
	return false
}

// texts is run for functions that give texts, which the driver writes without boxes.
func (f *goFunc) texts(env *eval.Env, chunk *duckdb.ChunkIteratorState) error {
	in := chunk.GetInputChunk()
	out, err := duckdb.GetVectorWriter[string](chunk.GetResultVector())
	if err != nil {
		return err
	}
	args := make([]eval.Value, len(f.Args))
	read := make([]func(row int) (eval.Value, error), len(f.Args))
	for i, t := range f.Args {
		if read[i], err = reader(in, i, t); err != nil {
			return err
		}
	}
	for row := range in.GetSize() {
		for i := range args {
			if args[i], err = read[i](row); err != nil {
				return err
			}
		}
		v := f.eval(env, f.Out, args)
		if env.Err != nil {
			return env.Err
		}
		if text, ok := toDuck(f.Out, v).(string); ok {
			err = out.Set(row, text)
		} else {
			err = out.SetNull(row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reader gives a function that reads a column of a chunk.
func reader(in *duckdb.DataChunk, col int, t kql.Type) (func(row int) (eval.Value, error), error) {
	if !isText(t) {
		return func(row int) (eval.Value, error) {
			v, err := in.GetValue(col, row)
			if err != nil {
				return eval.Value{}, err
			}
			return fromDuck(t, v), nil
		}, nil
	}
	vec, err := in.GetVector(col)
	if err != nil {
		return nil, err
	}
	view, err := duckdb.GetVectorView[string](vec)
	if err != nil {
		return nil, err
	}
	return func(row int) (eval.Value, error) {
		s, ok, err := view.GetValueBorrowed(row)
		if err != nil || !ok {
			return eval.Null(t), err
		}
		// The text belongs to DuckDB, and is gone after the call; a function may keep it, in a pattern or a set.
		return fromText(t, strings.Clone(s)), nil
	}, nil
}

// registerLists gives the database the functions on lists of texts that all programs may call.
func registerLists(conn *sql.Conn) error {
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		return err
	}
	list, err := duckdb.NewListInfo(text)
	if err != nil {
		return err
	}
	for name, f := range map[string]*listFunc{
		sqlgen.Elements: {in: text, out: list, of: func(v driver.Value) []string { return elements(v, false) }},
		sqlgen.Pairs:    {in: text, out: list, of: func(v driver.Value) []string { return elements(v, true) }},
		sqlgen.Uniq:     {in: list, out: list, of: uniq},
		sqlgen.Flat:     {in: list, out: list, of: flat},
		sqlgen.Merge:    {in: list, out: list, of: merge},
	} {
		if err := duckdb.RegisterScalarUDF(conn, name, f); err != nil {
			return fmt.Errorf("function %s: %w", name, err)
		}
	}
	return nil
}

// listFunc is a function that gives a list of texts.
type listFunc struct {
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
		return texts, nil
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
