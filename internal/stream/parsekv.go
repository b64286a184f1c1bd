package stream

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"drumbeat/internal/eval"
	"drumbeat/kql/plan"
)

func (x *exec) parseKv(op *plan.ParseKv, extra int) (*node, error) {
	in, err := x.compile(op.Input, extra+len(op.Keys))
	if err != nil {
		return nil, err
	}
	sc := x.scope(in.layout, op.X)
	text, err := sc.compile(op.X)
	if err != nil {
		return nil, err
	}
	l := layout{slots: map[int]int{}, width: in.width}
	for _, c := range op.Cols {
		if slot, ok := in.slots[c.ID]; ok {
			l.slots[c.ID] = slot
		}
	}
	if rest, ok := in.slots[openID]; ok {
		l.slots[openID] = rest
	}
	first := l.width
	at := make(map[string]int, len(op.Keys))
	for i, k := range op.Keys {
		l.add(k.Col.ID)
		at[k.Key] = i
	}
	pairs := newKvReader(op)
	return &node{layout: l, run: func(emit emitter) error {
		filled := make([]bool, len(op.Keys))
		return in.run(func(rows []Row) error {
			for _, r := range rows {
				sc.next()
				clear(filled)
				for i, k := range op.Keys {
					r[first+i] = eval.Null(k.Col.Type)
				}
				pairs.read(eval.Text(text(r)), func(key, value string) {
					i, ok := at[key]
					if !ok || filled[i] { // the first of a key counts
						return
					}
					filled[i] = true
					r[first+i] = as(eval.String(value), op.Keys[i].Col.Type)
				})
			}
			if err := x.fault(); err != nil {
				return err
			}
			return emit(rows)
		})
	}}, nil
}

// kvReader reads pairs of keys and values.
type kvReader struct {
	pair, kv            string // "": any character that no word has
	open, close, escape string
	greedy              bool
}

func newKvReader(op *plan.ParseKv) *kvReader {
	k := &kvReader{pair: op.PairDelimiter, kv: op.KvDelimiter, escape: op.Escape, greedy: op.Greedy}
	if op.Quote != "" {
		_, n := utf8.DecodeRuneInString(op.Quote)
		k.open, k.close = op.Quote[:n], op.Quote[n:]
		if k.close == "" {
			k.close = k.open
		}
	}
	return k
}

// read gives the pairs of a text in their order.
func (k *kvReader) read(text string, give func(key, value string)) {
	if k.kv == "" {
		k.readWords(text, give)
		return
	}
	for text != "" {
		key, rest, ok := k.key(text)
		if !ok {
			return
		}
		var value string
		value, text = k.value(rest)
		give(key, value)
	}
}

// key takes a key and its delimiter off a text.
func (k *kvReader) key(text string) (key, rest string, ok bool) {
	text = k.skip(text)
	if quoted, after, ok := k.quoted(text); ok {
		if rest, ok := strings.CutPrefix(strings.TrimLeft(after, " \t"), k.kv); ok {
			return quoted, rest, true
		}
	}
	i := strings.Index(text, k.kv)
	if i < 0 {
		return "", "", false
	}
	key = strings.TrimSpace(text[:i])
	if k.pair != "" { // what stands before a delimiter is no part of the key
		if j := strings.LastIndex(key, k.pair); j >= 0 {
			key = strings.TrimSpace(key[j+len(k.pair):])
		}
	}
	if k.open != "" && strings.HasSuffix(key, k.close) { // a quoted key after something else
		body := strings.TrimSuffix(key, k.close)
		if j := strings.LastIndex(body, k.open); j >= 0 {
			key = body[j+len(k.open):]
		}
	}
	return key, text[i+len(k.kv):], true
}

// skip drops blanks and delimiters of pairs.
func (k *kvReader) skip(text string) string {
	for {
		left := strings.TrimLeft(text, " \t\r\n")
		if k.pair != "" {
			left = strings.TrimPrefix(left, k.pair)
		}
		if left == text {
			return text
		}
		text = left
	}
}

// value takes a value off a text.
func (k *kvReader) value(text string) (value, rest string) {
	blank := strings.TrimLeft(text, " \t")
	if quoted, after, ok := k.quoted(blank); ok {
		return quoted, after
	}
	if k.pair == "" || !strings.HasPrefix(text, k.pair) || strings.TrimSpace(k.pair) == "" {
		text = blank
	}
	end := k.valueEnd(text)
	return strings.TrimSpace(text[:end]), text[end:]
}

// valueEnd finds where a value ends: at the next delimiter of pairs, or if it is greedy at the last one before the next
// key.
func (k *kvReader) valueEnd(text string) int {
	if k.pair == "" {
		return len(text)
	}
	end := strings.Index(text, k.pair)
	if end < 0 {
		return len(text)
	}
	if !k.greedy {
		return end
	}
	next := strings.Index(text, k.kv)
	if next < 0 {
		return len(text)
	}
	if last := strings.LastIndex(strings.TrimRight(text[:next], " \t"), k.pair); last >= 0 {
		return last
	}
	return end
}

// quoted takes a text in quotes off a text.
func (k *kvReader) quoted(text string) (inside, rest string, ok bool) {
	if k.open == "" || !strings.HasPrefix(text, k.open) {
		return "", "", false
	}
	var b strings.Builder
	for i := len(k.open); i < len(text); {
		switch {
		case k.escape != "" && strings.HasPrefix(text[i:], k.escape) && i+len(k.escape) < len(text):
			i += len(k.escape)
			_, n := utf8.DecodeRuneInString(text[i:])
			b.WriteString(text[i : i+n])
			i += n
		case strings.HasPrefix(text[i:], k.close):
			return b.String(), text[i+len(k.close):], true
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return "", "", false
}

// readWords reads pairs where no delimiter is given: words, each parted from its value by characters that no word has.
func (k *kvReader) readWords(text string, give func(key, value string)) {
	type token struct {
		text   string
		quoted bool
	}
	var tokens []token
	for text != "" {
		if inside, rest, ok := k.quoted(text); ok {
			tokens = append(tokens, token{inside, true})
			text = rest
			continue
		}
		end := strings.IndexFunc(text, func(r rune) bool { return !wordRune(r) })
		if end < 0 {
			end = len(text)
		}
		if end == 0 {
			_, end = utf8.DecodeRuneInString(text)
		} else {
			tokens = append(tokens, token{text[:end], false})
		}
		text = text[end:]
	}
	for i := 0; i+1 < len(tokens); i++ {
		give(tokens[i].text, tokens[i+1].text)
	}
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
