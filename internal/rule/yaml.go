package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"drumbeat/kql"
)

// The limits of a YAML file. The parser takes more than linear time in the number of keys, documents and anchors, and
// stack in the depth; rule files are far from all of them.
const (
	maxYAML      = 1 << 20
	maxFlowDepth = 500
	maxDashes    = 500
	maxKeys      = 20_000
	maxDocuments = 200
	maxAnchors   = 1_000
	maxNodes     = 200_000 // after aliases are put in their places
	maxNodeDepth = 200
)

// yamlError says what is wrong with a YAML file, and where.
type yamlError struct {
	span    kql.Span
	code    kql.Code
	message string
}

func (e *yamlError) Error() string { return e.message }

// parseYAML gives the documents of a file.
func parseYAML(text string) (docs []*node, err error) {
	if err := checkSize(text); err != nil {
		return nil, err
	}
	// The parser is not ours: a fault of it is taken for a fault of the file.
	defer func() {
		if r := recover(); r != nil {
			docs, err = nil, &yamlError{code: CodeYAML, message: fmt.Sprintf("the YAML cannot be read: %v", r)}
		}
	}()
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	c := &yamlReader{lines: newLines(text), left: maxNodes}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		c.anchors = map[string]ast.Node{}
		n := c.node(doc.Body, 0, 0)
		if c.err != nil {
			return nil, c.err
		}
		docs = append(docs, n)
	}
	return docs, nil
}

// checkSize refuses a text that would cost the parser too much.
func checkSize(text string) error {
	fail := func(what string) error {
		return &yamlError{code: CodeTooLarge, message: "the file is refused: it has more than " + what}
	}
	if len(text) > maxYAML {
		return fail("1 MiB")
	}
	if !utf8.ValidString(text) {
		at := 0
		for i, r := range text {
			if r == utf8.RuneError {
				at = i
				break
			}
		}
		return &yamlError{span: kql.Span{From: at, To: at + 1}, code: CodeYAML, message: "the file is not UTF-8"}
	}
	if strings.Count(text, "\n---")+strings.Count(text, "\n...") > maxDocuments {
		return fail(fmt.Sprintf("%d documents", maxDocuments))
	}
	anchors, keys := 0, 0
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '&', '*', '!':
			if text[i-1] == ' ' && i+1 < len(text) && text[i+1] > ' ' && text[i+1] != '=' && text[i+1] != '~' {
				anchors++
			}
		case ' ', '\n', '\r', '\t':
			if text[i-1] == ':' {
				keys++
			}
		}
	}
	switch {
	case anchors > maxAnchors:
		return fail(fmt.Sprintf("%d anchors, aliases and tags", maxAnchors))
	case keys > maxKeys:
		return fail(fmt.Sprintf("%d keys", maxKeys))
	case flowDepth(text) > maxFlowDepth:
		return fail(fmt.Sprintf("%d brackets within each other", maxFlowDepth))
	case dashes(text) > maxDashes:
		return fail(fmt.Sprintf("%d lists within each other", maxDashes))
	}
	return nil
}

// flowDepth is at least how deep the parser can get into brackets: it counts those in texts too.
func flowDepth(text string) int {
	depth, most := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return most
}

// dashes is the greatest number of "- " and "? " that begin one line.
func dashes(text string) int {
	most := 0
	for line := range strings.SplitSeq(text, "\n") {
		n := 0
		for i := 0; i < len(line) && strings.IndexByte("-? \t", line[i]) >= 0; i++ {
			if line[i] == '-' || line[i] == '?' {
				n++
			}
		}
		// A ruler of dashes is none.
		if !strings.Contains(line, "---") {
			most = max(most, n)
		}
	}
	return most
}

func syntaxError(text string, err error) error {
	out := &yamlError{code: CodeYAML, message: "the YAML cannot be read"}
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		out.message = "the YAML cannot be read: " + syntax.GetMessage()
		if t := syntax.GetToken(); t != nil {
			at := newLines(text).offset(t.Position)
			if tab := indentTab(text, at); tab >= 0 {
				return &yamlError{span: kql.Span{From: tab, To: tab + 1}, code: CodeYAML, message: "a tab cannot indent YAML; use blanks"}
			}
			out.span = kql.Span{From: at, To: min(at+max(len(t.Value), 1), len(text))}
		}
	}
	return out
}

// indentTab gives the place of a tab among the blanks that the line of a byte begins with, or those of the next line, of
// which the parser may tell at the end of the one before; -1 if there is none.
func indentTab(text string, at int) int {
	from := strings.LastIndexByte(text[:at], '\n') + 1
	for range 2 {
		line, _, more := strings.Cut(text[from:], "\n")
		blanks := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if tab := strings.IndexByte(blanks, '\t'); tab >= 0 && len(blanks) < len(line) {
			return from + tab
		}
		if !more {
			break
		}
		from += len(line) + 1
	}
	return -1
}

// yamlReader makes nodes of the parser's tree.
type yamlReader struct {
	lines   *lines
	anchors map[string]ast.Node
	open    []string // anchors of the aliases around
	left    int      // nodes that may still come
	err     error
}

func (c *yamlReader) fail(n ast.Node, code kql.Code, message string) *node {
	if c.err == nil {
		e := &yamlError{code: code, message: message}
		if t := n.GetToken(); t != nil {
			e.span.From = c.lines.offset(t.Position)
			e.span.To = min(e.span.From+max(len(t.Value), 1), len(c.lines.text))
		}
		c.err = e
	}
	return &node{}
}

// node converts one value. indent is that of the bag around.
func (c *yamlReader) node(n ast.Node, indent, depth int) *node {
	c.left--
	switch {
	case c.err != nil:
		return &node{}
	case c.left < 0:
		return c.fail(n, CodeTooLarge, fmt.Sprintf("the file is refused: it has more than %d values", maxNodes))
	case depth > maxNodeDepth:
		return c.fail(n, CodeTooLarge, fmt.Sprintf("the file is refused: it is nested deeper than %d", maxNodeDepth))
	}
	switch n := n.(type) { //nolint:exhaustive // the others are scalars, or stand in no value
	case *ast.MappingNode:
		bag := &node{kind: kindBag, span: c.span(n)}
		for _, v := range n.Values {
			c.pair(bag, v, depth)
		}
		return bag
	case *ast.MappingValueNode:
		bag := &node{kind: kindBag, span: c.span(n)}
		c.pair(bag, n, depth)
		return bag
	case *ast.SequenceNode:
		list := &node{kind: kindList, span: c.span(n)}
		for i, v := range n.Values {
			at := indent
			if i < len(n.Entries) && !n.IsFlowStyle && n.Entries[i].Start != nil {
				at = n.Entries[i].Start.Position.Column - 1
			}
			list.items = append(list.items, c.node(v, at, depth+1))
		}
		return list
	case *ast.AnchorNode:
		c.anchors[n.Name.GetToken().Value] = n.Value
		return c.node(n.Value, indent, depth+1)
	case *ast.AliasNode:
		return c.alias(n, indent, depth)
	case *ast.TagNode:
		v := c.node(n.Value, indent, depth+1)
		if n.Start.Value == "!!str" && v.scalar() {
			v.kind = kindText
		}
		return v
	default:
		return c.scalar(n, indent)
	}
}

func (c *yamlReader) alias(n *ast.AliasNode, indent, depth int) *node {
	name := n.Value.GetToken().Value
	target := c.anchors[name]
	if target == nil || slices.Contains(c.open, name) {
		return c.fail(n, CodeYAML, fmt.Sprintf("nothing is anchored as %q before this", name))
	}
	c.open = append(c.open, name)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	return c.node(target, indent, depth+1)
}

func (c *yamlReader) pair(bag *node, v *ast.MappingValueNode, depth int) {
	indent := max(v.Key.GetToken().Position.Column-1, 0)
	value := c.node(v.Value, indent, depth+1)
	if v.Key.IsMergeKey() {
		// What is merged gives way to what stands there.
		for i, k := range value.keys {
			if bag.get(k.text) == nil {
				bag.keys, bag.items = append(bag.keys, k), append(bag.items, value.items[i])
			}
		}
		return
	}
	key := c.scalar(v.Key, indent)
	for i, k := range bag.keys {
		if k.text == key.text {
			bag.items[i] = value
			return
		}
	}
	bag.keys, bag.items = append(bag.keys, key), append(bag.items, value)
}

func (c *yamlReader) scalar(n ast.Node, indent int) *node {
	t := n.GetToken()
	if t == nil {
		return &node{}
	}
	s := &node{kind: kindText, text: t.Value, span: c.span(n), indent: indent}
	switch n := n.(type) { //nolint:exhaustive // the others are no scalars
	case *ast.NullNode:
		s.kind, s.text = kindNull, ""
	case *ast.BoolNode:
		s.kind, s.text = kindBool, strings.ToLower(t.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		s.kind = kindNumber
	case *ast.StringNode:
		s.text = n.Value
		switch t.Type { //nolint:exhaustive // the other types of tokens are plain texts here
		case token.SingleQuoteType:
			s.style = styleSingle
		case token.DoubleQuoteType:
			s.style = styleDouble
		}
	case *ast.LiteralNode:
		s.style = styleLiteral
		if strings.HasPrefix(t.Value, ">") {
			s.style = styleFolded
		}
		s.text = n.Value.Value
	case *ast.MappingKeyNode:
		return c.scalar(n.Value, indent)
	}
	return s
}

func (c *yamlReader) span(n ast.Node) kql.Span {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		t = m.Values[0].Key.GetToken()
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		t = m.Key.GetToken()
	}
	if t == nil {
		return kql.Span{}
	}
	from := c.lines.offset(t.Position)
	to := from + len(strings.TrimSpace(t.Value))
	switch t.Type { //nolint:exhaustive // only quotes stand around a value
	case token.SingleQuoteType, token.DoubleQuoteType:
		to += 2
	}
	return kql.Span{From: from, To: min(max(to, from+1), len(c.lines.text))}
}

// lines finds offsets of lines and columns.
type lines struct {
	text   string
	starts []int
}

func newLines(text string) *lines {
	l := &lines{text: text, starts: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// offset gives the byte of a position, whose column counts characters, or the nearest that there is.
func (l *lines) offset(p *token.Position) int {
	if p == nil {
		return 0
	}
	line := min(max(p.Line, 1), len(l.starts))
	at := l.starts[line-1]
	for range p.Column - 1 {
		if at >= len(l.text) || l.text[at] == '\n' {
			break
		}
		_, size := utf8.DecodeRuneInString(l.text[at:])
		at += size
	}
	return min(at, len(l.text))
}
