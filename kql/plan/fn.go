package plan

import (
	"strings"
	"sync"

	"drumbeat/kql"
)

// Fn is an operator, a scalar function, a window function or an aggregate.
type Fn uint16

// String gives the name as a query writes it.
func (f Fn) String() string {
	if info := f.Info(); info != nil {
		return info.Name
	}
	return "?"
}

// Info gives what is known of a function, or nil for FnNone.
func (f Fn) Info() *FnInfo {
	if f == FnNone || f >= fnCount {
		return nil
	}
	return catalogue().byID[f]
}

// FnFlags are properties of a function.
type FnFlags uint8

// The flags. A function without flags is scalar and gives the same for the same arguments.
const (
	FlagOperator    FnFlags = 1 << iota // written between or before its arguments
	FlagAggregate                       // computed over many rows
	FlagWindow                          // reads other rows in their order: the input must be serialized
	FlagRandom                          // gives something else each time
	FlagUnsupported                     // known, but no engine is meant to have it: [Bind] refuses it
)

// NullRule says when a function's result is null. A string is never null, whatever the rule.
type NullRule uint8

// The rules.
const (
	NullMay    NullRule = iota // may be null whatever the arguments
	NullStrict                 // not null where no argument is null
	NullNever                  // never null
)

// FnInfo describes a function.
type FnInfo struct {
	ID      Fn
	Name    string
	Aliases []string
	Flags   FnFlags
	Null    NullRule

	naming naming
	prefix string
	sigs   []signature
}

// Is reports whether all of the flags are set.
func (f *FnInfo) Is(flags FnFlags) bool { return f.Flags&flags == flags }

// Signatures gives the ways to call the function, as "number number? -> real", for people.
func (f *FnInfo) Signatures() []string {
	texts := make([]string, len(f.sigs))
	for i := range f.sigs {
		texts[i] = f.sigs[i].text
	}
	return texts
}

// Functions gives all operators, functions and aggregates. The caller must not change them.
func Functions() []FnInfo { return functionTable }

// naming says which name a column gets that is nothing but a call of the function.
type naming uint8

const (
	nameNone   naming = iota // ColumnN
	nameFirst                // that of the first argument
	namePrefix               // prefix_ and that of the first argument
	nameOnly                 // that of the first argument if it is the only one
	nameFixed                // the prefix
	nameColumn               // the text of the first argument if it is a column
)

type functions struct {
	scalar, aggregate map[string]*FnInfo
	byID              [fnCount]*FnInfo
}

// catalogue finds functions by name.
var catalogue = sync.OnceValue(func() *functions {
	c := &functions{scalar: map[string]*FnInfo{}, aggregate: map[string]*FnInfo{}}
	for i := range functionTable {
		info := &functionTable[i]
		c.byID[info.ID] = info
		if info.Is(FlagOperator) {
			continue
		}
		names := c.scalar
		if info.Is(FlagAggregate) {
			names = c.aggregate
		}
		names[info.Name] = info
		for _, alias := range info.Aliases {
			names[alias] = info
		}
	}
	return c
})

// signature is one way to call a function.
type signature struct {
	text   string
	params []param
	result string
}

// param is one argument of a signature.
type param struct {
	class    string
	optional bool
	repeat   bool
	constant bool // must not depend on rows
	literal  bool // must be written out
	column   bool // must be a column
}

// sigs reads signatures: arguments by class, then the rule of the result.
//
// Classes: the types, and any (scalar), integer (int, long), number, numberOrBool, summable (number, datetime,
// timespan), orderable (all but dynamic), plain (all but dynamic), notReal (all but real and bool), array, bag, text
// (string or dynamic), texts (string or array), integers, type (typeof), common, commonOrd and commonDyn (arguments
// that must have a common type), star. Marks: ! constant, = literal, ^ column, ? may be left out, * may be repeated.
//
// Results: a type, or arg and arg2 (that of an argument), sum (arg, int becomes long), widest (of the numbers), common,
// choice (common, but dynamic counts last), literal (that of the typeof at the end).
func sigs(texts ...string) []signature {
	all := make([]signature, len(texts))
	for i, text := range texts {
		args, result, _ := strings.Cut(text, "-> ")
		s := signature{text: text, result: result}
		for word := range strings.FieldsSeq(args) {
			var p param
			for word != "" {
				switch word[len(word)-1] {
				case '?':
					p.optional = true
				case '*':
					p.repeat = true
				case '!':
					p.constant = true
				case '=':
					p.literal = true
				case '^':
					p.column = true
				default:
					p.class = word
					word = ""
					continue
				}
				word = word[:len(word)-1]
			}
			s.params = append(s.params, p)
		}
		all[i] = s
	}
	return all
}

// accepts is how well a type fits a class: 0 not at all, 1 by promotion or from dynamic, 2 well.
func accepts(class string, t Type) int {
	if t == kql.TypeUnknown {
		return 2
	}
	ok := true
	switch class {
	case "any", "common", "commonDyn", "star", "type":
	case "integer":
		ok = t == kql.TypeInt || t == kql.TypeLong
	case "number":
		ok = isNumber(t)
	case "numberOrBool":
		ok = isNumber(t) || t == kql.TypeBool
	case "summable":
		ok = isSummable(t)
	case "orderable", "plain", "commonOrd":
		ok = t != kql.TypeDynamic
	case "notReal":
		ok = t != kql.TypeReal && t != kql.TypeBool
	case "array", "bag", "dynamic":
		ok = t == kql.TypeDynamic
	case "text", "texts":
		ok = t == kql.TypeString || t == kql.TypeDynamic
	case "integers":
		ok = t == kql.TypeInt || t == kql.TypeLong || t == kql.TypeDynamic
	default:
		want := typesByName[class]
		if want == t {
			return 2
		}
		if wider(want, t) {
			return 1
		}
		return 0
	}
	if ok {
		return 2
	}
	return 0
}

// classText names a class in a message.
func classText(class string) string {
	switch class {
	case "any", "common", "commonDyn":
		return "a value"
	case "star":
		return "*"
	case "int", "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "numberOrBool":
		return "a number or a bool"
	case "summable":
		return "a number, timespan or datetime"
	case "orderable", "plain", "commonOrd":
		return "a value that is not dynamic"
	case "notReal":
		return "a value that is not real or bool"
	case "array":
		return "a dynamic array"
	case "bag":
		return "a dynamic bag"
	case "text":
		return "a string or dynamic"
	case "texts":
		return "a string or a dynamic array"
	case "integers":
		return "a whole number or a dynamic array"
	case "type":
		return "typeof(…)"
	}
	return "a " + class
}

var typesByName = map[string]Type{
	"bool": kql.TypeBool, "int": kql.TypeInt, "long": kql.TypeLong, "real": kql.TypeReal, "decimal": kql.TypeDecimal,
	"datetime": kql.TypeDateTime, "timespan": kql.TypeTimespan, "string": kql.TypeString, "guid": kql.TypeGuid,
	"dynamic": kql.TypeDynamic,
}

func isNumber(t Type) bool { return t >= kql.TypeInt && t <= kql.TypeDecimal }

func isSummable(t Type) bool {
	return isNumber(t) || t == kql.TypeDateTime || t == kql.TypeTimespan
}

// wider reports whether values of type b become ones of type a without being asked: int, long, real, decimal.
func wider(a, b Type) bool { return isNumber(a) && isNumber(b) && a > b }

// commonType gives the type that values of both types can have; TypeUnknown if there is none.
func commonType(a, b Type) (Type, bool) {
	switch {
	case a == b || b == kql.TypeUnknown:
		return a, true
	case a == kql.TypeUnknown:
		return b, true
	case a == kql.TypeDynamic || b == kql.TypeDynamic:
		return kql.TypeDynamic, true
	case isNumber(a) && isNumber(b):
		return max(a, b), true
	}
	return kql.TypeUnknown, false
}
