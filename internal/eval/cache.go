package eval

import (
	"time"

	"drumbeat/kql"
)

// cache keeps what is costly to make anew for each row. It is bounded: what no longer fits is made anew.
type cache struct {
	patterns map[string]*pattern
	sets     map[setID]*set
	needles  map[*Tree]*terms
	seen     map[*Tree]struct{}
	zones    map[string]*time.Location
	nets     map[*Tree]ranges4
	random   uint64
	key, low []byte // room for a key, and for a text in lower case
}

// setID names the set of an array's elements; fold says that texts are in lower case.
type setID struct {
	tree *Tree
	fold bool
}

const (
	maxPatterns = 256
	maxSets     = 64
	maxZones    = 64
	// minSet is the least length of an array that is worth a set.
	minSet = 8
)

// again reports whether an array was asked for before: one that is another in each row is not worth a set.
func (c *cache) again(t *Tree) bool {
	if _, ok := c.seen[t]; ok {
		return true
	}
	if len(c.seen) >= maxSets {
		clear(c.seen)
	}
	if c.seen == nil {
		c.seen = map[*Tree]struct{}{}
	}
	c.seen[t] = struct{}{}
	return false
}

// set gives the keys of the elements of an array and the class that all of them have. A tree never changes, so that its address will do for a name.
func (c *cache) set(id setID) *set {
	if s := c.sets[id]; s != nil {
		return s
	}
	s := &set{keys: make(map[string]struct{}, len(id.tree.Items))}
	var key []byte
	for _, item := range id.tree.Items {
		if Missing(item) {
			continue
		}
		class := classOf(item)
		if s.class != classNone && class != s.class {
			class = classMixed
		}
		s.class = class
		if class == classMixed {
			break
		}
		if id.fold {
			item.s = lower(item.s)
		}
		key = Key(key[:0], item)
		s.keys[string(key)] = struct{}{}
	}
	if len(c.sets) >= maxSets {
		clear(c.sets)
	}
	if c.sets == nil {
		c.sets = map[setID]*set{}
	}
	c.sets[id] = s
	return s
}

type set struct {
	keys  map[string]struct{}
	class class
}

// class is a kind of values that == compares without a conversion that could not be told from a key.
type class uint8

const (
	classNone class = iota
	classNumber
	classText
	classMixed
)

func classOf(v Value) class {
	switch v.kind {
	case kql.TypeInt, kql.TypeLong, kql.TypeReal:
		return classNumber
	case kql.TypeString:
		return classText
	case kql.TypeBool, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return classMixed
}
