package eval

import (
	"slices"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// parseFuncs take texts of known formats apart.
var parseFuncs = collect(textParsers, compressFuncs)

var textParsers = map[plan.Fn]Func{ //nolint:exhaustive // the others are in other tables
	plan.FnParseCsv:         parseCSV,
	plan.FnParseUrl:         parseURL,
	plan.FnParseUrlquery:    parseURLQuery,
	plan.FnParsePath:        parsePath,
	plan.FnParseVersion:     parseVersion,
	plan.FnParseCommandLine: parseCommandLine,
	plan.FnParseUserAgent:   parseUserAgent,
	plan.FnParseXml:         parseXML,
}

// textBag makes a bag of names and texts in turn.
func textBag(pairs ...string) *bagBuilder {
	bag := newBag(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		bag.set(pairs[i], String(pairs[i+1]))
	}
	return bag
}

func textArray(texts []string) Value {
	items := make([]Value, len(texts))
	for i, t := range texts {
		items[i] = ToDynamic(String(t))
	}
	return Dynamic(&Tree{Items: items})
}

// parseCSV gives the fields of the first record of a text.
func parseCSV(_ *Env, _ kql.Type, args []Value) Value {
	s, ok := textOf(args[0])
	if !ok {
		return nullDynamic()
	}
	var fields []string
	for {
		var field string
		var more bool
		field, s, more = csvField(s)
		fields = append(fields, field)
		if !more {
			return textArray(fields)
		}
	}
}

// csvField reads one field; more says that a comma stood behind it.
func csvField(s string) (field, rest string, more bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ",\r\n")
		if end < 0 {
			return s, "", false
		}
		return s[:end], s[end+1:], s[end] == ','
	}
	var text strings.Builder
	for s = s[1:]; ; {
		end := strings.IndexByte(s, '"')
		if end < 0 {
			text.WriteString(s)
			return text.String(), "", false
		}
		text.WriteString(s[:end])
		s = s[end+1:]
		if !strings.HasPrefix(s, `"`) {
			break
		}
		text.WriteByte('"')
		s = s[1:]
	}
	after, rest, more := csvField(s)
	return text.String() + after, rest, more
}

// The names of the parts that parse_url gives.
const queryParameters = "Query Parameters"

// parseURL takes an absolute URL apart. A text without a scheme is all path.
func parseURL(_ *Env, _ kql.Type, args []Value) Value {
	s, _ := textOf(args[0])
	rest, fragment, _ := strings.Cut(s, "#")
	rest, query, _ := strings.Cut(rest, "?")
	var scheme, host, port, user, password string
	if at := strings.Index(rest, "://"); at > 0 && isScheme(rest[:at]) {
		scheme, rest = rest[:at], rest[at+3:]
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		host, rest = rest[:end], rest[end:]
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			user, password, _ = strings.Cut(host[:at], ":")
			host = host[at+1:]
		}
		if at := strings.LastIndexByte(host, ':'); at >= 0 && allDigits(host[at+1:]) {
			host, port = host[:at], host[at+1:]
		}
	}
	bag := textBag("Scheme", scheme, "Host", host, "Port", port, "Path", rest, "Username", user, "Password", password)
	bag.set(queryParameters, queryBag(query))
	bag.set("Fragment", String(fragment))
	return bag.value()
}

func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		later := c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
		if !letter && (i == 0 || !later) {
			return false
		}
	}
	return s != ""
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// queryBag gives the parameters of a query as they are written; of two with one name the last stays.
func queryBag(query string) Value {
	bag := newBag(0)
	for pair := range strings.SplitSeq(query, "&") {
		if key, v, _ := strings.Cut(pair, "="); key != "" {
			bag.set(key, String(v))
		}
	}
	return bag.value()
}

func parseURLQuery(_ *Env, _ kql.Type, args []Value) Value {
	s, _ := textOf(args[0])
	return Bag([]string{queryParameters}, []Value{queryBag(s)})
}

// parsePath takes the path of a file apart, with slashes of both kinds.
func parsePath(_ *Env, _ kql.Type, args []Value) Value {
	s, _ := textOf(args[0])
	var scheme, root, stream, directory, extension string
	if at := strings.Index(s, "://"); at > 0 && isScheme(s[:at]) {
		scheme, s = s[:at], s[at+3:]
	}
	s = strings.TrimPrefix(s, `\\?\`)
	if len(s) >= 2 && s[1] == ':' && s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z' {
		root = s[:2]
	}
	at := strings.LastIndexAny(s, `/\`)
	directory, file := s[:max(at, 0)], s[at+1:]
	if at < 0 {
		file = s[len(root):]
		directory = root
	}
	if colon := strings.IndexByte(file, ':'); colon >= 0 {
		file, stream = file[:colon], file[colon+1:]
	}
	if dot := strings.LastIndexByte(file, '.'); dot >= 0 {
		extension = file[dot+1:]
	}
	name := directory[strings.LastIndexAny(directory, `/\`)+1:]
	if name == root {
		name = ""
	}
	return textBag("Scheme", scheme, "RootPath", root, "DirectoryPath", directory, "DirectoryName", name, "Filename", file,
		"Extension", extension, "AlternateDataStreamName", stream).value()
}

// parseVersion makes a number of a version of one to four parts of up to eight digits, so that versions can be compared.
func parseVersion(_ *Env, out kql.Type, args []Value) Value {
	s, _ := textOf(args[0])
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return Null(out)
	}
	var digits strings.Builder
	for i := range 4 {
		part := "0"
		if i < len(parts) {
			part = parts[i]
		}
		if part == "" || len(part) > 8 || !allDigits(part) {
			return Null(out)
		}
		digits.WriteString(strings.Repeat("0", 8-len(part)) + part)
	}
	number := strings.TrimLeft(digits.String(), "0")
	if number == "" {
		number = "0"
	}
	return Decimal(number)
}

// parseCommandLine cuts a command line into its arguments as Windows does; there is no other kind of parser.
func parseCommandLine(_ *Env, _ kql.Type, args []Value) Value {
	s, ok := textOf(args[0])
	if kind, _ := textOf(args[1]); !ok || !strings.EqualFold(kind, "windows") {
		return nullDynamic()
	}
	var all []string
	for s = strings.TrimLeft(s, " \t"); s != ""; s = strings.TrimLeft(s, " \t") {
		var arg string
		arg, s = windowsArgument(s)
		all = append(all, arg)
	}
	return textArray(all)
}

// windowsArgument reads one argument: quotes hold blanks, backslashes count only before a quote, where two stand for one
// and an odd one makes the quote a letter, and two quotes within quotes are a letter too.
func windowsArgument(s string) (arg, rest string) {
	var text strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			n := len(s[i:]) - len(strings.TrimLeft(s[i:], `\`))
			if i+n >= len(s) || s[i+n] != '"' {
				text.WriteString(s[i : i+n])
				i += n - 1
				continue
			}
			text.WriteString(s[i : i+n/2])
			i += n - 1
			if n%2 == 1 {
				text.WriteByte('"')
				i++
			}
		case c == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			text.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return text.String(), s[i:]
		default:
			text.WriteByte(c)
		}
	}
	return text.String(), ""
}

// wanted reports what parse_user_agent is asked for: all where nothing is said.
func wanted(args []Value, what string) bool {
	if len(args) < 2 {
		return true
	}
	items, ok := arrayItems(args[1])
	if !ok {
		items = args[1:2]
	}
	return slices.ContainsFunc(items, func(v Value) bool {
		s, _ := textOf(v)
		return strings.EqualFold(s, what)
	})
}
