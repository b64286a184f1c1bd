package eval_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// walker computes plans of print, datatable, range, where, extend and project, which is enough to ask for the values of
// functions. Anything else is errWalk.
type walker struct{ env eval.Env }

var errWalk = errors.New("not of use here")

type walkRow map[int]eval.Value

func (w *walker) rows(op plan.Op) ([]walkRow, error) {
	switch op := op.(type) { //nolint:exhaustive // the others are of no use here
	case *plan.Values:
		var rows []walkRow
		for _, xs := range op.Rows {
			row := walkRow{}
			for i, x := range xs {
				v, err := w.value(x, nil)
				if err != nil {
					return nil, err
				}
				row[op.Cols[i].ID] = eval.Convert(v, op.Cols[i].Type)
			}
			rows = append(rows, row)
		}
		return rows, nil
	case *plan.Range:
		return w.steps(op)
	case *plan.Filter:
		return w.filter(op)
	case *plan.Project:
		return w.project(op)
	case *plan.Sort:
		return w.rows(op.Input)
	case *plan.Serialize:
		return w.rows(op.Input)
	}
	return nil, errWalk
}

// steps computes a range of whole numbers, datetimes or timespans.
func (w *walker) steps(op *plan.Range) ([]walkRow, error) {
	var ends [3]eval.Value
	for i, x := range []plan.Expr{op.From, op.To, op.Step} {
		var err error
		if ends[i], err = w.value(x, nil); err != nil {
			return nil, err
		}
	}
	if ends[2].Int() <= 0 || op.Col.Type == kql.TypeReal {
		return nil, errWalk
	}
	var rows []walkRow
	for n := ends[0].Int(); n <= ends[1].Int(); n += ends[2].Int() {
		rows = append(rows, walkRow{op.Col.ID: eval.Convert(eval.Long(n), op.Col.Type)})
	}
	return rows, nil
}

// bound are recorded queries whose results the binder decides.
var bound = map[string]string{"emu-agent-parse-search-0013-3": "which columns * !contains looks at"}

func (w *walker) filter(op *plan.Filter) ([]walkRow, error) {
	rows, err := w.rows(op.Input)
	if err != nil {
		return nil, err
	}
	var kept []walkRow
	for _, row := range rows {
		v, err := w.value(op.Pred, row)
		if err != nil {
			return nil, err
		}
		if v.Bool() {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

func (w *walker) project(op *plan.Project) ([]walkRow, error) {
	rows, err := w.rows(op.Input)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		next := walkRow{}
		for _, a := range op.Cols {
			if next[a.Col.ID], err = w.value(a.X, row); err != nil {
				return nil, err
			}
		}
		rows[i] = next
	}
	return rows, nil
}

func (w *walker) value(x plan.Expr, row walkRow) (eval.Value, error) {
	switch x := x.(type) { //nolint:exhaustive // the others are of no use here
	case *plan.Lit:
		return eval.Literal(x), nil
	case *plan.Col:
		return row[x.ID], nil
	case *plan.Call:
		f, ok := eval.Scalar(x.Fn)
		if !ok {
			return eval.Value{}, fmt.Errorf("%w: %s", errWalk, x.Fn)
		}
		args := make([]eval.Value, len(x.Args))
		for i, arg := range x.Args {
			var err error
			if args[i], err = w.value(arg, row); err != nil {
				return eval.Value{}, err
			}
		}
		v := f(&w.env, x.Type, args)
		if v.Type() != x.Type {
			return v, fmt.Errorf("%s gives %s where the plan has %s", x.Fn, v.Type(), x.Type)
		}
		return v, w.env.Err
	}
	return eval.Value{}, errWalk
}

type noTables struct{}

func (noTables) Table(string) (*plan.Table, bool)       { return nil, false }
func (noTables) Function(string) (*plan.Function, bool) { return nil, false }
func (noTables) Tables() []string                       { return nil }

func bind(query string) (*plan.Plan, error) {
	q, diags := kql.Parse(query)
	if diags.HasErrors() {
		return nil, errors.New(diags[0].Message)
	}
	p, diags := plan.Bind(q, noTables{}, plan.Options{})
	switch {
	case diags.HasErrors() && diags[0].Code == kql.CodeUnsupported:
		return nil, errWalk
	case diags.HasErrors():
		return nil, errors.New(diags[0].Message)
	}
	return p, nil
}

// runTime is what now() gives in these tests: 2024-05-01.
const runTime = 638501184000000000

// walk gives the rows of a query as JSON values.
func walk(query string) ([][]any, error) {
	p, err := bind(query)
	if err != nil {
		return nil, err
	}
	w := &walker{eval.Env{Now: runTime}}
	rows, err := w.rows(p.Root)
	if err != nil {
		return nil, err
	}
	all := make([][]any, len(rows))
	for i, row := range rows {
		for _, col := range p.Out {
			all[i] = append(all[i], plain(row[col.ID]))
		}
	}
	return all, nil
}

// evaluate gives the value of an expression.
func evaluate(expr string) (eval.Value, error) {
	p, err := bind("print " + expr)
	if err != nil {
		return eval.Value{}, err
	}
	w := &walker{eval.Env{Now: runTime}}
	rows, err := w.rows(p.Root)
	if err != nil {
		return eval.Value{}, err
	}
	return rows[0][p.Out[0].ID], nil
}

// text gives a value as JSON, a decimal as its digits.
func text(v eval.Value) string {
	if v.Type() == kql.TypeDecimal && !v.IsNull() {
		return eval.Text(v)
	}
	return string(eval.AppendJSON(nil, v))
}

// plain gives a value as the recorded results have it.
func plain(v eval.Value) any {
	var text []byte
	switch {
	case v.IsNull():
		return nil
	case v.Type() == kql.TypeDecimal:
		text = []byte(v.Str())
	default:
		text = eval.AppendJSON(nil, v)
	}
	var x any
	if json.Unmarshal(text, &x) != nil {
		return string(text)
	}
	return x
}

func sameJSON(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), math.Abs(y)))
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, sameJSON)
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if v, ok := y[k]; !ok || !sameJSON(x[k], v) {
				return false
			}
		}
		return true
	}
	return a == b
}

func sameRows(got, want [][]any) bool {
	return len(got) == len(want) && !slices.ContainsFunc(got, func(row []any) bool {
		return !slices.ContainsFunc(want, func(other []any) bool { return slices.EqualFunc(row, other, sameJSON) })
	})
}

type recordedCase struct {
	ID, Authority, Query string
	Expected             struct {
		Rows  [][]any
		Error bool
	}
}

// TestRecorded asks the recorded queries that are made of functions alone for their results.
func TestRecorded(t *testing.T) {
	f, err := os.Open("../../../shared/data/kql/cases.jsonl")
	if err != nil {
		t.Log("the recorded results are not at hand:", err)
		return
	}
	t.Cleanup(func() { _ = f.Close() })
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	done := 0
	for lines.Scan() {
		var c recordedCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Authority != "engine" || c.Expected.Error || bound[c.ID] != "" {
			continue
		}
		got, err := walk(c.Query)
		if errors.Is(err, errWalk) {
			if strings.Contains(err.Error(), ":") {
				t.Logf("%s: %v", c.ID, err)
			}
			continue
		}
		done++
		if err != nil || !sameRows(got, c.Expected.Rows) {
			t.Errorf("%s: %s\ngot  %v, %v\nwant %v", c.ID, c.Query, got, err, c.Expected.Rows)
		}
	}
	if done < 200 {
		t.Errorf("only %d queries were of use", done)
	}
	t.Logf("%d queries", done)
}
