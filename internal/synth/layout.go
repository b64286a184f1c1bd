package synth

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// op prints some constant text, then a field.
type op struct {
	text string
	put  putter // nil: nothing
}

// putter appends a field of a record.
type putter func(p *printer, b []byte, r *record) []byte

// layout is the program that prints the records of one firewall.
type layout []op

// newLayouts makes a layout for every firewall.
func newLayouts(p *plan) []layout {
	out := make([]layout, len(p.c.devices))
	for i := range out {
		out[i] = newLayout(p, i)
	}
	return out
}

func newLayout(p *plan, device int) layout {
	d := &p.c.devices[device]
	esc := escaper(p.w.Format)
	constants := map[string]string{}
	for name, value := range deviceFields(p, device) {
		constants[name] = esc(value)
	}
	constants["version"] = d.version.full
	fields := fieldPutters()
	var l layout
	text := ""
	for part := range tokens(templateOf(p, device)) {
		name, isField := strings.CutPrefix(part, "$")
		if !isField {
			text += part
			continue
		}
		if value, ok := constants[name]; ok {
			text += value
			continue
		}
		put, ok := fields[name]
		if !ok {
			panic("BUG: template names an unknown field: " + name)
		}
		l = append(l, op{text: text, put: put})
		text = ""
	}
	return append(l, op{text: text + "\n"})
}

// templateOf is the whole line of a firewall, header and all.
func templateOf(p *plan, device int) string {
	w, v := &p.w, p.c.devices[device].version
	line := syslogHeader(w.Prefix)
	switch w.Format {
	case CSV:
		return line + csvTemplate(v.fields)
	case CEF:
		keys := cefTemplate(v.level)
		if w.Entropy == HighEntropy {
			keys = shuffleKeys(keys, p.c.seed, device)
		}
		return line + cefHeader + keys
	case Strata:
		return line + strataHeader + strataTemplate
	}
	panic("BUG: format passed Validate: " + string(w.Format))
}

// shuffleKeys gives a firewall an order of keys of its own, and every third
// firewall no labels. A label stays with what it labels.
func shuffleKeys(template string, seed uint64, device int) string {
	var groups []string
	label := ""
	for _, pair := range splitKeys(template) {
		key, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasSuffix(key, "Label"):
			label = pair + " "
			if device%3 == 2 {
				label = ""
			}
		default:
			groups = append(groups, label+pair)
			label = ""
		}
	}
	if device > 0 {
		d := newDice(hash(seed, streamDevices, uint64(device)+1<<30))
		shuffle(d.Rand, groups)
	}
	return strings.Join(groups, " ")
}

func shuffle(r *rand.Rand, s []string) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// splitKeys cuts a template into its key=value pairs; values may hold blanks.
func splitKeys(template string) []string {
	var pairs []string
	for word := range strings.SplitSeq(template, " ") {
		if strings.Contains(word, "=") {
			pairs = append(pairs, word)
		} else {
			pairs[len(pairs)-1] += " " + word
		}
	}
	return pairs
}

// tokens cuts a template into texts and $names.
func tokens(template string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for template != "" {
			end := strings.IndexByte(template, '$')
			if end < 0 {
				end = len(template)
			} else if end == 0 {
				end = 1 + strings.IndexFunc(template[1:]+" ", func(c rune) bool {
					return c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9')
				})
			}
			if !yield(template[:end]) {
				return
			}
			template = template[end:]
		}
	}
}

// deviceFields are the fields that never change on a firewall.
func deviceFields(p *plan, device int) map[string]string {
	d := &p.c.devices[device]
	group := 11 + device%7
	fields := map[string]string{
		"serial": d.serial, "device_name": d.name, "vsys": "vsys1", "vsys_name": "", "logset": "forward-all",
		"dg1": strconv.Itoa(group), "dg2": strconv.Itoa(group * 3), "tag": d.version.tag, "config_version": d.version.name,
		"actionflags": "0x8000000000000000",
	}
	if p.w.Entropy == HighEntropy {
		fields["vsys"] = "vsys" + strconv.Itoa(1+device%3)
		fields["vsys_name"] = []string{"", "Campus West", "Guests (temporary)"}[device%3]
		fields["logset"] = "Log profile " + strconv.Itoa(1+device%4)
	}
	return fields
}

// escaper is how a text is written into a field.
func escaper(f Format) func(string) string {
	if f == CSV {
		return func(s string) string {
			if strings.ContainsAny(s, `,"`) {
				return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
			}
			return s
		}
	}
	return strings.NewReplacer(`\`, `\\`, `=`, `\=`).Replace
}
