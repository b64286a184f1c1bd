package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"drumbeat/internal/table"
)

// nameID makes a GUID of a text: version 8 of RFC 9562, whose bits are the maker's.
func nameID(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// appendJSON writes a value, four blanks a level.
func appendJSON(dst []byte, n *node, depth int) []byte {
	line := func(depth int) { dst = append(append(dst, '\n'), strings.Repeat("    ", depth)...) }
	switch n.kind {
	case kindNull:
		return append(dst, "null"...)
	case kindBool:
		return append(dst, n.text...)
	case kindNumber:
		if !numberForm.MatchString(n.text) { // YAML has more of them than JSON
			return table.AppendJSONString(dst, n.text)
		}
		return append(dst, n.text...)
	case kindText:
		return table.AppendJSONString(dst, n.text)
	case kindList, kindBag:
	}
	brackets := "[]"
	if n.kind == kindBag {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i, item := range n.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		line(depth + 1)
		if n.kind == kindBag {
			dst = append(table.AppendJSONString(dst, n.keys[i].text), ':', ' ')
		}
		dst = appendJSON(dst, item, depth+1)
	}
	if len(n.items) > 0 {
		line(depth)
	}
	return append(dst, brackets[1])
}

var numberForm = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

// yamlOrder is the order in which rules have their keys.
var yamlOrder = []string{
	"id", "name", "description", "severity", "status", "requiredDataConnectors", "queryFrequency", "queryPeriod",
	"triggerOperator", "triggerThreshold", "tactics", "relevantTechniques", "query", "entityMappings", "customDetails",
	"alertDetailsOverride", "eventGroupingSettings", "incidentConfiguration", "suppressionEnabled", "suppressionDuration",
}

// lastKeys stand at the end.
var lastKeys = []string{"version", "kind"}

// inOrder gives the keys of a rule in the order in which rules have them.
func inOrder(root *node) []string {
	var order []string
	take := func(key string) {
		if root.get(key) != nil && !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	for _, key := range yamlOrder {
		take(key)
	}
	for _, k := range root.keys {
		if !slices.Contains(lastKeys, k.text) {
			take(k.text)
		}
	}
	for _, key := range lastKeys {
		take(key)
	}
	return order
}

// reorder puts the keys of a bag into an order; those that it does not have stay behind.
func (n *node) reorder(order []string) {
	rest := n.clone()
	n.keys, n.items = nil, nil
	for _, name := range order {
		if key := rest.key(name); key != nil {
			n.keys, n.items = append(n.keys, key), append(n.items, rest.remove(name))
		}
	}
	n.keys, n.items = append(n.keys, rest.keys...), append(n.items, rest.items...)
}

// YAML gives the rule as a file of its own. All that the rule was read with is in it, in the order in which it was read.
func (r *Rule) YAML() []byte { return appendYAML(nil, r.root, 0) }

// FileNames gives each of some rules the name of a file of its own, without an ending: that of the rule, as far as it has
// letters and digits. Where two would be the same, on disks that know no capitals too, the later has a number.
func FileNames(rules []*Rule) []string {
	const longest = 80
	names, taken := make([]string, len(rules)), map[string]bool{}
	for i, r := range rules {
		name := strings.Trim(notInNames.ReplaceAllString(r.Label(), "-"), "-")
		if name = strings.TrimRight(name[:min(len(name), longest)], "-"); name == "" {
			name = "rule"
		}
		names[i] = name
		for n := 2; taken[strings.ToLower(names[i])]; n++ {
			names[i] = name + "-" + strconv.Itoa(n)
		}
		taken[strings.ToLower(names[i])] = true
	}
	return names
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// appendYAML writes a bag or a list in block form, each line with its indent.
func appendYAML(dst []byte, n *node, indent int) []byte {
	blanks := strings.Repeat(" ", indent)
	for i, item := range n.items {
		dst = append(dst, blanks...)
		if n.kind == kindBag {
			dst = append(appendScalar(dst, n.keys[i], indent), ':')
		} else {
			dst = append(dst, '-')
		}
		switch {
		case item.scalar():
			dst = append(appendScalar(append(dst, ' '), item, indent), '\n')
		case len(item.items) == 0 && item.kind == kindBag:
			dst = append(dst, " {}\n"...)
		case len(item.items) == 0:
			dst = append(dst, " []\n"...)
		case n.kind == kindList:
			// The first line of an item stands beside its dash.
			inner := appendYAML(nil, item, indent+2)
			dst = append(append(dst, ' '), inner[indent+2:]...)
		default:
			dst = appendYAML(append(dst, '\n'), item, indent+2)
		}
	}
	return dst
}

// plainForm are texts that need no quotes in YAML and are no numbers, booleans or nulls: a letter, then letters, digits and
// a few marks, with single blanks.
var (
	plainForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./()-]*( [A-Za-z0-9_./()-]+)*$`)
	otherWord = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n)$`)
	digitWord = regexp.MustCompile(`^(\d+[a-z]|\d+\.\d+\.\d+|[0-9a-f]{8}-[0-9a-f-]{27})$`)
)

func appendScalar(dst []byte, n *node, indent int) []byte {
	switch n.kind {
	case kindNull:
		return append(dst, "null"...)
	case kindBool, kindNumber:
		return append(dst, n.text...)
	case kindText, kindList, kindBag:
	}
	s := n.text
	switch {
	case (plainForm.MatchString(s) && !otherWord.MatchString(s) || digitWord.MatchString(s)) && !exponent.MatchString(s):
		return append(dst, s...)
	case strings.Contains(s, "\n") && blockable(s):
		return appendBlock(dst, s, indent+2)
	}
	return appendDouble(dst, s)
}

// exponent are texts that a reader could take for a number.
var exponent = regexp.MustCompile(`^\d+e\d+`)

// blockable reports whether a text can stand as a block as it is.
func blockable(s string) bool {
	if strings.TrimSpace(s) == "" || s[0] == '\n' || s[0] == ' ' {
		return false
	}
	for _, r := range s {
		if r != '\n' && r != '\t' && (!unicode.IsPrint(r) || r == 0xfeff) {
			return false
		}
	}
	return !strings.HasPrefix(s, "\t") && !strings.Contains(s, "\n\t")
}

func appendBlock(dst []byte, s string, indent int) []byte {
	body := strings.TrimRight(s, "\n")
	switch len(s) - len(body) {
	case 0:
		dst = append(dst, "|-"...)
	case 1:
		dst = append(dst, '|')
	default:
		dst = append(dst, "|+"...)
	}
	for line := range strings.SplitSeq(body, "\n") {
		dst = append(dst, '\n')
		if line != "" {
			dst = append(append(dst, strings.Repeat(" ", indent)...), line...)
		}
	}
	for range len(s) - len(body) - 1 {
		dst = append(dst, '\n')
	}
	return dst
}

// appendDouble writes a double-quoted text. The escapes of JSON are among those of YAML, but for pairs of surrogates.
func appendDouble(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case unicode.IsPrint(r) && r != 0xfeff:
			dst = append(dst, string(r)...)
		case r > 0xffff:
			dst = append(dst, '\\', 'U')
			dst = appendHex(dst, r, 8)
		default:
			dst = append(dst, '\\', 'u')
			dst = appendHex(dst, r, 4)
		}
	}
	return append(dst, '"')
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := (digits - 1) * 4; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[r>>shift&15])
	}
	return dst
}
