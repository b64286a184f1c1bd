package catalog

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// maxFunction bounds the text of a function, in bytes.
const maxFunction = 1 << 20

func (c *Catalog) addFunction(f File) error {
	if _, twice := c.functions[f.Name]; twice {
		return fmt.Errorf("the function %s is given two files", f.Name)
	}
	text, err := readText(f.Path, maxFunction)
	if err != nil {
		return err
	}
	read := readFunctionText
	switch strings.ToLower(filepath.Ext(f.Path)) {
	case ".yaml", ".yml":
		read = readFunctionYAML
	}
	def, err := read(f.Path, text)
	if err == nil {
		err = def.check()
	}
	if err != nil {
		return err
	}
	c.functions[f.Name] = &plan.Function{
		Name: f.Name, Params: def.params, Body: def.body,
		Place: func(offset int) string {
			line, column := def.place(offset)
			return fmt.Sprintf("%s:%d:%d", def.path, line, column)
		},
	}
	return nil
}

// functionDef is a function as its file gives it.
type functionDef struct {
	path         string
	params, body string // with their brackets and braces
	// place gives the line and the column in the file of a byte of params, a blank and body.
	place func(offset int) (line, column int)
}

// The braces that a text without them gets.
const (
	openBody  = "{\n"
	closeBody = "\n}"
)

// check finds errors in the text, and gives the first with its place.
func (d *functionDef) check() error {
	const before = "let f = "
	whole := before + d.params + " " + d.body + ";"
	q, diags := kql.Parse(whole)
	place := func(offset int) (line, column int) { return d.place(max(offset-len(before), 0)) }
	at := func(offset int, err error) error {
		line, column := place(offset)
		return &fileError{d.path, line, column, err}
	}
	if diags.HasErrors() {
		// A body that had no braces is read alone: its remarks then say nothing of those that it got.
		if body, ok := strings.CutPrefix(strings.TrimSuffix(d.body, closeBody), openBody); ok {
			start := len(before + d.params + " " + openBody)
			if _, alone := kql.Parse(body); alone.HasErrors() {
				inBody := func(offset int) (line, column int) { return place(start + offset) }
				return at(start+alone[0].Span.From, said(alone[0], body, inBody))
			}
		}
		return at(diags[0].Span.From, said(diags[0], whole, place))
	}
	let, _ := q.Statements[0].(*kql.LetStatement)
	if let == nil || len(q.Statements) != 1 {
		return at(q.Statements[len(q.Statements)-1].Range().From, errors.New("the text is more than one function"))
	}
	l, ok := let.Value.(*kql.Lambda)
	if !ok {
		return at(let.Value.Range().From, errors.New("the text is no function"))
	}
	if l.Result == nil {
		return at(l.To-1, errors.New("the function gives no result: a table or a value must stand at its end"))
	}
	return nil
}

// said is a remark on a text as an error. place gives the places in the file of the text's bytes: hints name places too.
func said(x kql.Diagnostic, text string, place func(offset int) (line, column int)) error {
	if x.Hint == "" {
		return errors.New(x.Message)
	}
	hint := namedPlace.ReplaceAllStringFunc(x.Hint, func(found string) string {
		var line, column int
		if _, err := fmt.Sscanf(found, "opened at %d:%d", &line, &column); err != nil {
			return found
		}
		line, column = place(offsetOf(text, line, column))
		return fmt.Sprintf("opened at %d:%d", line, column)
	})
	return fmt.Errorf("%s (%s)", x.Message, hint)
}

// namedPlace finds the place that a hint of the parser names.
var namedPlace = regexp.MustCompile(`opened at \d+:\d+`)

// offsetOf gives the byte of a line and a column, as position gives them, or the end of the text.
func offsetOf(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// lambdaStart is how a function with parameters, and no name, begins: "(a:long", "()", "view (".
var lambdaStart = regexp.MustCompile(`^(\(\s*(\)|[\w'"\[\]-]+\s*:)|view\s*\(|\{)`)

// readFunctionText reads a function of the language: "(a:string, n:long = 5) { … }", "let F = (…) { … }" or the body alone.
func readFunctionText(path, text string) (*functionDef, error) {
	start := skipRemarks(text)
	rest := text[start:]
	d := &functionDef{path: path}
	var before string // what is put before the text to have a statement
	switch {
	case strings.HasPrefix(rest, "let"):
		before = ""
	case strings.HasPrefix(rest, "{"):
		before = "let f = () "
	case lambdaStart.MatchString(rest):
		before = "let f = "
	default:
		d.takeBody(text)
		return d, nil
	}
	whole := before + rest
	place := func(offset int) (line, column int) {
		return position(text, start+min(max(offset-len(before), 0), len(rest)))
	}
	q, diags := kql.Parse(whole)
	l := onlyLambda(q)
	switch {
	case l == nil && before == "":
		d.takeBody(text)
		return d, nil
	case l == nil && diags.HasErrors():
		line, column := place(diags[0].Span.From)
		return nil, &fileError{path, line, column, said(diags[0], whole, place)}
	case l == nil:
		line, column := place(0)
		return nil, &fileError{path, line, column, errors.New("more follows the function: one alone must stand here")}
	}
	from := l.From
	if n := len(l.Params); n > 0 {
		from = l.Params[n-1].To
	}
	brace := from + max(strings.IndexByte(whole[from:], '{'), 0)
	d.params, d.body = whole[l.From:brace], whole[brace:l.To]
	d.place = func(offset int) (line, column int) {
		at := l.From + offset
		if offset > len(d.params) {
			at-- // the blank between
		}
		return place(at)
	}
	return d, nil
}

// takeBody takes a text as the body of a function without parameters.
func (d *functionDef) takeBody(text string) {
	d.params, d.body = "()", openBody+text+closeBody
	d.place = func(offset int) (line, column int) {
		return position(text, min(max(offset-len("() "+openBody), 0), len(text)))
	}
}

// onlyLambda gives the function of a text that is one let statement and no more, or nil.
func onlyLambda(q *kql.Query) *kql.Lambda {
	if len(q.Statements) != 1 {
		return nil
	}
	let, ok := q.Statements[0].(*kql.LetStatement)
	if !ok {
		return nil
	}
	l, _ := let.Value.(*kql.Lambda)
	return l
}

// skipRemarks gives where the first text stands that is no remark.
func skipRemarks(text string) int {
	at := 0
	for {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t\r\n"))
		if !strings.HasPrefix(text[at:], "//") {
			return at
		}
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return len(text)
		}
		at += end + 1
	}
}

// position gives the line and the column, in characters, of a byte of a text; both count from 1.
func position(text string, offset int) (line, column int) {
	before := text[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[start:])
}
