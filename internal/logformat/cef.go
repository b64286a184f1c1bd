package logformat

import (
	"bytes"
	"strings"
)

// cefSearch bounds how far into a line the record may begin: what relays put in front is short.
const cefSearch = 1024

// cefStart finds where a CEF record begins: at the version number after the first "CEF:", or, where a relay cut the
// tag off, at a version number that opens the line or follows a syslog header. It gives -1 where there is none.
func cefStart(line []byte) int {
	head := line[:min(len(line), cefSearch)]
	for at := 0; ; {
		i := bytes.Index(head[at:], []byte("CEF:"))
		if i < 0 {
			break
		}
		at += i + 4
		start := at
		for start < len(head) && head[start] == ' ' {
			start++
		}
		if versionLen(head[start:]) > 0 {
			return start
		}
	}
	return cefStartUntagged(head)
}

// cefStartUntagged finds a record whose "CEF:" is missing: "0|Vendor|…" at the start or after a blank, with nothing
// like a field separator before it.
func cefStartUntagged(head []byte) int {
	pipe := bytes.IndexByte(head, '|')
	if pipe <= 0 || bytes.Count(head[pipe:], []byte("|")) < 6 {
		return -1
	}
	start := bytes.LastIndexByte(head[:pipe], ' ') + 1
	if versionLen(head[start:]) > 0 {
		return start
	}
	return -1
}

// maxVersion bounds the length of a CEF version with its bar.
const maxVersion = len("000.000|")

// versionLen gives the length of a CEF version with its bar, such as "0|" or "1.0|", or 0.
func versionLen(p []byte) int {
	r := scanner{text: p}
	if _, ok := r.number(1, 3); !ok {
		return 0
	}
	if r.accept(".") {
		if _, ok := r.number(1, 3); !ok {
			return 0
		}
	}
	if !r.accept("|") {
		return 0
	}
	return r.pos
}

// cefHeader holds the fields of a CEF header, unescaped.
type cefHeader struct {
	vendor, product, version, classID, name, severity string
}

// isPaloAlto reports whether the record is a Palo Alto Networks device's.
func (h *cefHeader) isPaloAlto() bool { return strings.EqualFold(h.vendor, paloAlto) }

const paloAlto = "Palo Alto Networks"

// cefHeaderLen gives the length of the header: up to and with the seventh bar that is not escaped. It gives 0 for a
// header that is cut short.
func cefHeaderLen(p []byte) int {
	bars := 0
	for i := 0; i < len(p) && i < cefSearch; i++ {
		switch p[i] {
		case '\\':
			i++
		case '|':
			if bars++; bars == 7 {
				return i + 1
			}
		}
	}
	return 0
}

func parseCEFHeader(p []byte) cefHeader {
	var f [7]string
	n, from := 0, 0
	for i := 0; i < len(p) && n < 7; i++ {
		switch p[i] {
		case '\\':
			i++
		case '|':
			f[n] = unescapeHeader(p[from:i])
			n++
			from = i + 1
		}
	}
	return cefHeader{vendor: f[1], product: f[2], version: f[3], classID: f[4], name: f[5], severity: f[6]}
}

// unescapeHeader resolves the only two escapes of a header: \| and \\.
func unescapeHeader(p []byte) string {
	if bytes.IndexByte(p, '\\') < 0 {
		return string(p)
	}
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) && (p[i+1] == '|' || p[i+1] == '\\') {
			i++
		}
		out = append(out, p[i])
	}
	return string(out)
}

// pair is a key of an extension and its value, as offsets into the extension.
type pair struct {
	keyFrom, keyTo, valFrom, valTo int
}

// splitExtension finds the pairs of a CEF extension. A key is a run of key characters at the start or after a blank,
// directly followed by "="; its value reaches to the blank before the next key, so values may hold blanks and "=".
// A key-like word that no dictionary knows, inside a value of free text, is part of that value.
func splitExtension(ext []byte, pairs []pair) []pair {
	pairs = pairs[:0]
	freeText := false
	for at := 0; at < len(ext); {
		i := bytes.IndexByte(ext[at:], '=')
		if i < 0 {
			break
		}
		eq := at + i
		at = eq + 1
		from := eq
		for from > 0 && isKeyByte(ext[from-1]) {
			from--
		}
		if from == eq || from > 0 && ext[from-1] != ' ' {
			continue
		}
		key := ext[from:eq]
		if freeText && !isKnownKey(key) {
			continue
		}
		if n := len(pairs); n > 0 {
			pairs[n-1].valTo = trimRight(ext, pairs[n-1].valFrom, from)
		}
		pairs = append(pairs, pair{keyFrom: from, keyTo: eq, valFrom: eq + 1})
		freeText = isFreeText(key)
	}
	if n := len(pairs); n > 0 {
		pairs[n-1].valTo = trimRight(ext, pairs[n-1].valFrom, len(ext))
	}
	return pairs
}

// trimRight moves to back over blanks, but not before from.
func trimRight(p []byte, from, to int) int {
	for to > from && isBlank(p[to-1]) {
		to--
	}
	return to
}

func isKeyByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	case c == '_', c == '.', c == '-', c == '[', c == ']', c == ':':
		return true
	}
	return false
}

// isFreeText names the keys whose values people or web pages write, so that "=" may stand in them.
func isFreeText(key []byte) bool {
	switch len(key) {
	case 3:
		return key[0] == 'c' && key[1] == 's' && key[2] >= '1' && key[2] <= '6' || string(key) == "msg"
	case 6:
		return string(key) == "reason"
	case 7:
		return string(key) == "request"
	}
	return false
}

// isKnownKey reports whether a key may end a value of free text: it is in the dictionary, a label of one, or has the
// prefix of a vendor's own keys.
func isKnownKey(key []byte) bool {
	if len(key) > 40 {
		return bytes.HasPrefix(key, []byte("Pan"))
	}
	if bytes.HasPrefix(key, []byte("Pan")) || bytes.HasPrefix(key, []byte("ad.")) ||
		bytes.HasPrefix(key, []byte("FTNT")) || bytes.HasSuffix(key, []byte("Label")) {
		return true
	}
	_, ok := lookupKey(key)
	return ok
}

// unescapeValue resolves the escapes of an extension value: \= \\ \| \n \r. Any other backslash stands for itself.
func unescapeValue(p []byte) string {
	if bytes.IndexByte(p, '\\') < 0 {
		return string(p)
	}
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] != '\\' || i+1 == len(p) {
			out = append(out, p[i])
			continue
		}
		i++
		switch p[i] {
		case '=', '\\', '|':
			out = append(out, p[i])
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		default:
			out = append(out, '\\', p[i])
		}
	}
	return string(out)
}

// unescapeUser resolves the escapes of a user name. "corp\robert" is a domain and a name, not a line break, and
// relays double the backslash, some more than once: a run of backslashes is one.
func unescapeUser(p []byte) string {
	if bytes.IndexByte(p, '\\') < 0 {
		return string(p)
	}
	out := make([]byte, 0, len(p))
	for i := 0; i < len(p); i++ {
		if p[i] != '\\' {
			out = append(out, p[i])
			continue
		}
		for i+1 < len(p) && p[i+1] == '\\' {
			i++
		}
		if i+1 < len(p) && p[i+1] == '=' {
			continue
		}
		out = append(out, '\\')
	}
	return string(out)
}
