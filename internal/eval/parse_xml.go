package eval

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"drumbeat/kql"
)

// The limits of parse_xml: the length is the one that the language documents.
const (
	maxXMLBytes = 1_048_576
	maxXMLDepth = 500
)

// xmlText is the key of the text of an element that has attributes or other elements too.
const xmlText = "#text"

// parseXML makes a bag of an XML document: an element without anything is null, one with nothing but text is that text,
// and any other a bag of its attributes, under @ and their names, its elements, those of one name as an array, and its
// text. All but elements, attributes and text is passed over. What is no XML, or longer than 1 MiB, is null.
func parseXML(_ *Env, _ kql.Type, args []Value) Value {
	s, ok := textOf(args[0])
	if !ok || len(s) > maxXMLBytes {
		return nullDynamic()
	}
	r := &xmlReader{dec: xml.NewDecoder(strings.NewReader(s))}
	r.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	root, err := r.document()
	if err != nil {
		return nullDynamic()
	}
	return root
}

type xmlReader struct{ dec *xml.Decoder }

var errXML = errors.New("no XML")

// document reads the one element that a document has.
func (r *xmlReader) document() (Value, error) {
	bag := newBag(1)
	for {
		token, err := r.dec.RawToken()
		if errors.Is(err, io.EOF) && len(bag.tree.Keys) == 1 {
			return bag.value(), nil
		}
		if err != nil {
			return Value{}, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(bag.tree.Keys) > 0 {
				return Value{}, errXML
			}
			v, err := r.element(token, 0)
			if err != nil {
				return Value{}, err
			}
			bag.set(xmlName(token.Name), v)
		case xml.EndElement:
			return Value{}, errXML
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" {
				return Value{}, errXML
			}
		case xml.Comment, xml.ProcInst, xml.Directive:
		}
	}
}

func xmlName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// xmlElement collects what an element holds.
type xmlElement struct {
	bag   *bagBuilder
	count map[string]int
}

// put adds a value: a second one of the same name makes an array of both.
func (e *xmlElement) put(name string, v Value) {
	e.count[name]++
	i, _ := e.bag.find(name)
	switch e.count[name] {
	case 1:
		e.bag.push(name, v)
	case 2:
		e.bag.tree.Items[i] = Dynamic(&Tree{Items: []Value{e.bag.tree.Items[i], ToDynamic(v)}})
	default: // the array is still our own
		e.bag.tree.Items[i].tree.Items = append(e.bag.tree.Items[i].tree.Items, ToDynamic(v))
	}
}

func (r *xmlReader) element(start xml.StartElement, depth int) (Value, error) {
	if depth > maxXMLDepth {
		return Value{}, errXML
	}
	e := &xmlElement{bag: newBag(0), count: map[string]int{}}
	for _, a := range start.Attr {
		e.put("@"+xmlName(a.Name), String(a.Value))
	}
	var text strings.Builder
	flush := func(mixed bool) {
		s := text.String()
		text.Reset()
		if mixed {
			s = strings.TrimSpace(s)
		}
		if strings.TrimSpace(s) != "" {
			e.put(xmlText, String(s))
		}
	}
	children := false
	for {
		token, err := r.dec.RawToken()
		if err != nil {
			return Value{}, err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			children = true
			flush(true)
			v, err := r.element(token, depth+1)
			if err != nil {
				return Value{}, err
			}
			e.put(xmlName(token.Name), v)
		case xml.EndElement:
			if token.Name != start.Name {
				return Value{}, errXML
			}
			flush(children)
			return e.value(), nil
		case xml.Comment, xml.ProcInst, xml.Directive:
		}
	}
}

func (e *xmlElement) value() Value {
	t := e.bag.tree
	switch {
	case len(t.Keys) == 0:
		return nullDynamic()
	case len(t.Keys) == 1 && t.Keys[0] == xmlText:
		return t.Items[0]
	}
	return e.bag.value()
}
