package rule

import (
	"slices"

	"drumbeat/kql"
)

// node is a value of a rule file, of YAML or JSON alike.
type node struct {
	kind nodeKind
	// text is that of a scalar, as it means: quotes and escapes are gone.
	text string
	// span is where it stands in the file; of a list or a bag, its beginning.
	span kql.Span
	// style is how a text is written.
	style  textStyle
	indent int // of the block that a block scalar belongs to
	keys   []*node
	items  []*node
}

type nodeKind uint8

const (
	kindNull nodeKind = iota
	kindBool
	kindNumber
	kindText
	kindList
	kindBag
)

// textStyle is how a scalar is written in its file.
type textStyle uint8

const (
	stylePlain textStyle = iota
	styleSingle
	styleDouble
	styleLiteral // |
	styleFolded  // >
	styleNone    // it is not written anywhere
)

func (n *node) scalar() bool { return n != nil && n.kind < kindList }

// get gives the value of a key, or nil.
func (n *node) get(key string) *node {
	if n == nil || n.kind != kindBag {
		return nil
	}
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// key gives the node of a key, or nil.
func (n *node) key(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.keys {
		if k.text == name {
			return k
		}
	}
	return nil
}

// set puts a value under a key, in the place of the one that is there or at the end.
func (n *node) set(key string, value *node) {
	for i, k := range n.keys {
		if k.text == key {
			n.items[i] = value
			return
		}
	}
	n.keys = append(n.keys, textNode(key))
	n.items = append(n.items, value)
}

// remove takes a key out and gives its value, or nil.
func (n *node) remove(key string) *node {
	i := slices.IndexFunc(n.keys, func(k *node) bool { return k.text == key })
	if i < 0 {
		return nil
	}
	value := n.items[i]
	n.keys, n.items = slices.Delete(n.keys, i, i+1), slices.Delete(n.items, i, i+1)
	return value
}

// clone copies a bag, not what it holds.
func (n *node) clone() *node {
	c := *n
	c.keys, c.items = slices.Clone(n.keys), slices.Clone(n.items)
	return &c
}

// sameAs reports whether two values mean the same. The order of the keys of a bag means nothing.
func (n *node) sameAs(o *node) bool {
	if n == nil || o == nil {
		return n == o
	}
	if n.kind != o.kind || n.text != o.text || len(n.items) != len(o.items) {
		return false
	}
	for i := range n.items {
		other := o.items[i]
		if n.kind == kindBag {
			other = o.get(n.keys[i].text)
		}
		if !n.items[i].sameAs(other) {
			return false
		}
	}
	return true
}

func textNode(text string) *node { return &node{kind: kindText, text: text, style: styleNone} }

func boolNode(b bool) *node {
	text := "false"
	if b {
		text = "true"
	}
	return &node{kind: kindBool, text: text, style: styleNone}
}

func listOf(texts []string) *node {
	list := &node{kind: kindList, style: styleNone}
	for _, t := range texts {
		list.items = append(list.items, textNode(t))
	}
	return list
}

func bagNode() *node { return &node{kind: kindBag, style: styleNone} }
