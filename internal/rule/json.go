package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"drumbeat/kql"
)

// The limits of a JSON file: templates of whole solutions are larger than rules.
const (
	maxJSON      = 16 << 20
	maxJSONNodes = 1_000_000
)

// parseJSON gives the value of a file.
func parseJSON(text string) (*node, error) {
	if len(text) > maxJSON {
		return nil, &yamlError{code: CodeTooLarge, message: "the file is refused: it has more than 16 MiB"}
	}
	if !utf8.ValidString(text) {
		return nil, &yamlError{code: CodeYAML, message: "the file is not UTF-8"}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	r := &jsonReader{text: text, d: d, left: maxJSONNodes}
	n, err := r.value(0)
	if err != nil {
		return nil, r.at(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &yamlError{span: r.here(), code: CodeYAML, message: "something follows the value of the file"}
	}
	return n, nil
}

type jsonReader struct {
	text string
	d    *json.Decoder
	left int
}

// here is the next token.
func (r *jsonReader) here() kql.Span {
	at := int(r.d.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return kql.Span{From: at, To: min(at+1, len(r.text))}
}

func (r *jsonReader) at(err error) error {
	var syntax *json.SyntaxError
	e := &yamlError{span: r.here(), code: CodeYAML, message: "the JSON cannot be read: " + err.Error()}
	switch {
	case errors.As(err, &syntax):
		at := min(max(int(syntax.Offset)-1, 0), len(r.text))
		e.span = kql.Span{From: at, To: min(at+1, len(r.text))}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.message = "the JSON cannot be read: it ends too early"
	case errors.Is(err, errJSONSize):
		e.code, e.message = CodeTooLarge, "the file is refused: "+err.Error()
	}
	return e
}

var errJSONSize = fmt.Errorf("it has more than %d values, or they are nested deeper than %d", maxJSONNodes, maxNodeDepth)

func (r *jsonReader) value(depth int) (*node, error) {
	if r.left--; r.left < 0 || depth > maxNodeDepth {
		return nil, errJSONSize
	}
	n := &node{span: r.here()}
	token, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' {
			n.kind = kindList
			return n, r.items(n, depth)
		}
		n.kind = kindBag
		return n, r.pairs(n, depth)
	case string:
		n.kind, n.text, n.style = kindText, v, styleDouble
	case json.Number:
		n.kind, n.text = kindNumber, v.String()
	case bool:
		n.kind, n.text = kindBool, strconv.FormatBool(v)
	case nil:
		n.kind = kindNull
	}
	n.span.To = int(r.d.InputOffset())
	return n, nil
}

func (r *jsonReader) items(n *node, depth int) error {
	for r.d.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, v)
	}
	_, err := r.d.Token()
	return err
}

func (r *jsonReader) pairs(n *node, depth int) error {
	seen := map[string]int{}
	for r.d.More() {
		k, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		// Of a key that comes twice the last counts, as elsewhere in JSON.
		if i, ok := seen[k.text]; ok {
			n.items[i] = v
			continue
		}
		seen[k.text] = len(n.keys)
		n.keys, n.items = append(n.keys, k), append(n.items, v)
	}
	_, err := r.d.Token()
	return err
}
