package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"drumbeat/kql"
)

// The keys of the files of parsers and functions in Sentinel's public repository.
var (
	queryKeys  = []string{"ParserQuery", "FunctionQuery"}
	paramsKeys = []string{"ParserParams", "FunctionParams", "FunctionParameters"}
)

// readFunctionYAML reads a function of a file as Sentinel's public repository has them: ParserParams and ParserQuery, or
// FunctionParams and FunctionQuery.
func readFunctionYAML(path, text string) (d *functionDef, err error) {
	// The parser is not ours: a fault of it is taken for a fault of the file.
	defer func() {
		if r := recover(); r != nil {
			d, err = nil, &fileError{path: path, err: fmt.Errorf("the YAML cannot be read: %v", r)}
		}
	}()
	if err := checkYAML(text); err != nil {
		return nil, &fileError{path: path, err: err}
	}
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		out := &fileError{path: path, err: errors.New("the YAML cannot be read")}
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			out.err = fmt.Errorf("the YAML cannot be read: %s", syntax.GetMessage())
			if t := syntax.GetToken(); t != nil {
				out.line, out.column = t.Position.Line, t.Position.Column
			}
		}
		return nil, out
	}
	y := &functionYAML{path: path, text: text}
	for _, doc := range file.Docs {
		for _, pair := range pairs(doc.Body) {
			switch key := pair.Key.GetToken().Value; {
			case slices.Contains(queryKeys, key):
				y.query = pair.Value
			case slices.Contains(paramsKeys, key):
				if err := y.readParams(pair.Value); err != nil {
					return nil, err
				}
			}
		}
	}
	if y.query == nil {
		return nil, &fileError{path: path, err: fmt.Errorf("there is no %s", strings.Join(queryKeys, " or "))}
	}
	return y.def()
}

// The limits of a YAML file: its parser takes more than linear time in them, and stack. The parsers of the public
// repository are far from all of them.
const (
	maxYAMLKeys      = 5_000
	maxYAMLDepth     = 500
	maxYAMLDocuments = 100
)

// checkYAML refuses a text that would cost the parser too much. It counts what stands within texts too.
func checkYAML(text string) error {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			if depth++; depth > maxYAMLDepth {
				return fmt.Errorf("the file is refused: it has more than %d brackets within each other", maxYAMLDepth)
			}
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	keys, documents := 0, 0
	for line := range strings.Lines(text) {
		start := strings.TrimLeft(line, " ")
		if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") {
			documents++
		}
		keys += strings.Count(line, ": ")
		if strings.HasSuffix(strings.TrimRight(line, " \r\n"), ":") {
			keys++
		}
		for strings.HasPrefix(start, "- ") || strings.HasPrefix(start, "? ") {
			keys++
			start = strings.TrimLeft(start[2:], " ")
		}
	}
	switch {
	case keys > maxYAMLKeys:
		return fmt.Errorf("the file is refused: it has more than %d keys and entries", maxYAMLKeys)
	case documents > maxYAMLDocuments:
		return fmt.Errorf("the file is refused: it has more than %d documents", maxYAMLDocuments)
	}
	return nil
}

// functionYAML is what is read of a file.
type functionYAML struct {
	path, text string
	query      ast.Node
	params     []yamlParam
}

// yamlParam is a parameter as the language writes it, and its place.
type yamlParam struct {
	text string
	at   *token.Position
}

// pairs gives the entries of a bag.
func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) { //nolint:exhaustive // the others have none
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// scalarText gives the text of a value that is one; ok is false where it is null, or none.
func scalarText(n ast.Node) (text string, ok bool) {
	switch n := n.(type) { //nolint:exhaustive // the others are numbers and the like, or have parts
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode, *ast.NullNode:
		return "", false
	}
	return n.GetToken().Value, true
}

func (y *functionYAML) at(p *token.Position, err error) error {
	return &fileError{y.path, p.Line, p.Column, err}
}

// readParams reads the parameters: a list of Name, Type and Default, or a text such as "a:string, b:long = 5".
func (y *functionYAML) readParams(n ast.Node) error {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		if text, isText := scalarText(n); isText && strings.TrimSpace(text) != "" {
			return y.addParam(yamlParam{strings.TrimSpace(text), n.GetToken().Position})
		}
		return nil
	}
	for _, item := range list.Values {
		p := yamlParam{at: item.GetToken().Position}
		fields := map[string]string{}
		for i, pair := range pairs(item) {
			if i == 0 {
				p.at = pair.Key.GetToken().Position
			}
			if text, ok := scalarText(pair.Value); ok {
				fields[pair.Key.GetToken().Value] = text
			}
		}
		if fields["Name"] == "" || fields["Type"] == "" {
			return y.at(p.at, errors.New("a parameter needs a Name and a Type"))
		}
		p.text = fields["Name"] + ":" + paramType(fields["Type"])
		if value, given := fields["Default"]; given {
			p.text += "=" + paramDefault(fields["Type"], value)
		}
		if err := y.addParam(p); err != nil {
			return err
		}
	}
	return nil
}

// addParam adds a parameter that the language takes.
func (y *functionYAML) addParam(p yamlParam) error {
	if _, diags := kql.Parse("let f = (" + p.text + ") { 1 };"); diags.HasErrors() {
		return y.at(p.at, fmt.Errorf("the parameter %s: %s", p.text, diags[0].Message))
	}
	y.params = append(y.params, p)
	return nil
}

// paramType gives the type of a parameter as the language writes it; tables are written "table:(*)" there.
func paramType(t string) string {
	for _, word := range []string{"table", "tabular"} {
		if rest, ok := strings.CutPrefix(t, word); ok {
			if rest = strings.TrimPrefix(strings.TrimSpace(rest), ":"); rest == "" {
				return "(*)"
			}
			return rest
		}
	}
	return t
}

// paramDefault gives a default as the language writes it. Some files have texts without the language's quotes.
func paramDefault(t, value string) string {
	if t != kql.TypeString.String() || len(value) >= 2 && strings.ContainsAny(value[:1], `'"@h`) && strings.ContainsAny(value[len(value)-1:], `'"`) {
		return value
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`).Replace(value) + "'"
}

// def makes the function.
func (y *functionYAML) def() (*functionDef, error) {
	query, ok := scalarText(y.query)
	if !ok {
		return nil, y.at(y.query.GetToken().Position, errors.New("the query must be a text"))
	}
	texts := make([]string, len(y.params))
	for i, p := range y.params {
		texts[i] = p.text
	}
	d := &functionDef{path: y.path, params: "(" + strings.Join(texts, ", ") + ")", body: openBody + query + closeBody}
	place := y.queryPlace(query)
	d.place = func(offset int) (line, column int) {
		if start := len(d.params) + len(" "+openBody); offset >= start {
			return place(min(offset-start, len(query)))
		}
		end := len("(")
		for _, p := range y.params {
			if end += len(p.text + ", "); offset < end {
				return p.at.Line, p.at.Column
			}
		}
		return place(0)
	}
	return d, nil
}

// queryPlace gives what finds the places of bytes of the query. In a block each line of it is a line of the file;
// otherwise the place is that of its beginning.
func (y *functionYAML) queryPlace(query string) func(offset int) (line, column int) {
	start := y.query.GetToken().Position
	if n, ok := y.query.(*ast.LiteralNode); !ok || !strings.HasPrefix(n.Start.Value, "|") {
		return func(int) (int, int) { return start.Line, start.Column }
	}
	filled := func(lines []string, from int) int {
		for from < len(lines) && strings.TrimSpace(lines[from]) == "" {
			from++
		}
		return from
	}
	inFile, inQuery := strings.Split(y.text, "\n"), strings.Split(query, "\n")
	at, of := filled(inFile, start.Line), filled(inQuery, 0)
	if at == len(inFile) || of == len(inQuery) {
		return func(int) (int, int) { return start.Line, start.Column }
	}
	indent := len(inFile[at]) - len(strings.TrimLeft(inFile[at], " ")) - (len(inQuery[of]) - len(strings.TrimLeft(inQuery[of], " ")))
	return func(offset int) (int, int) {
		line, column := position(query, offset)
		return line + at - of, column + indent
	}
}
