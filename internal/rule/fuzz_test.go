package rule

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// FuzzRead reads any bytes as a file of rules, and does with what it finds all that needs no data.
func FuzzRead(f *testing.F) {
	for _, name := range ShippedNames() {
		text, _, _ := Shipped(name)
		f.Add(text)
	}
	for _, s := range []string{
		sampleRule, solution, "", "a: [", "- - - -", "a: &x [*x]", "query: \"a\\u00e9\\\n  b\"\nname: x\ntactics: []\n",
		"query: >+\n  a\n\n  b\n\n\nid: x\n", "query: 'it''s\n  two'\nid: x\n", "? a\n: b", "<<: {a: b}\nquery: |2-\n   x\nid: y",
		"{\"properties\":{\"query\":\"\\ud83d\\ude00\"},\"type\":\"alertRules\"}", "query: |\r\n  T\r\n  | count\r\nid: x\r\n",
		"!!str a: !!int b", "a: |", "query: |\n\ttab\nid: x", "%YAML 1.2\n---\nquery: T\nid: x\n...\n---\nquery: U\nid: y\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		began := time.Now() //nolint:forbidigo // the test measures
		file := Read("f", text)
		_ = file.Diags.Draw(file.Text, file.Name)
		for _, r := range file.Rules {
			for i := range len(r.Query) {
				if at := r.place.at(i); at < 0 || at > len(file.Text) {
					t.Fatalf("byte %d of the query is at %d of %d", i, at, len(file.Text))
				}
			}
			_, diags := r.Compile(schema())
			_ = diags.Draw(file.Text, file.Name)
			if file.Diags.HasErrors() {
				continue
			}
			back := Read("back.yaml", r.YAML())
			if len(back.Rules) != 1 || back.Rules[0].Query != r.Query {
				t.Fatalf("the rule came back as\n%s", r.YAML())
			}
			arm := Export([]*Rule{r})
			if again := Read("back.json", arm); len(again.Rules) != 1 || again.Rules[0].Query != r.Query {
				t.Fatalf("the rule came back from\n%s", arm)
			}
		}
		if spent := time.Since(began); spent > 5*time.Second {
			t.Fatalf("%d bytes took %v", len(text), spent)
		}
	})
}

// FuzzReadTests reads any bytes as a file of tests, and fills the tables of the tests.
func FuzzReadTests(f *testing.F) {
	for _, name := range ShippedNames() {
		_, tests, _ := Shipped(name)
		f.Add(tests)
	}
	for _, s := range []string{
		"tests: [{at: 2026-01-01, traffic: [{beat: 1h, jitter: 5 %, law: gauss, miss: 0.5, columns: {SourceUserID: x}}], expect: {alerts: \"> 0\"}}]",
		"tests:\n- at: 2026-01-01\n  tables:\n    New: [{a: 1, b: x, TimeGenerated: -1h, d: [1, {x: null}]}]\n    T: [{span: 1h, r: 1e300, b: true}]\n  watchlists: {w: [{SearchKey: x}]}\n  expect: {rows: 1, match: {a: 1}}",
		"tests: [", "tests: [{}]", "tests: [{at: 0001-01-01, expect: {x: y}}]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		file := ReadTests("f", text)
		_ = file.Diags.Draw(file.Text, file.Name)
		if len(file.Diags) > 0 || strings.Count(string(text), "traffic") > 2 {
			return
		}
		for _, one := range file.Tests {
			if one.node.get("traffic") != nil && len(one.node.get("traffic").items) > 3 {
				return
			}
			m := newMemory(schema(), one.At)
			_ = one.fill(m, &Rule{Period: time.Hour}, false) // it must not panic
			_ = m.diags.Draw(file.Text, file.Name)
		}
	})
}

// TestScalars writes texts in all the ways that YAML and JSON have, and finds each byte again.
func TestScalars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-z|"'\\:#é☃😀{}\[\]-][ -~é]{0,12}`), 1, 5).Draw(t, "lines")
		query := strings.Join(lines, "\n") + rapid.SampledFrom([]string{"", "\n", "\n\n"}).Draw(t, "end")
		n := textNode(query)
		bag := bagNode()
		bag.set("id", textNode("x"))
		bag.set("query", n)
		bag.set("name", textNode("y"))
		for _, text := range []string{
			string(appendYAML(nil, bag, 0)),
			"id: x\nquery: " + string(appendDouble(nil, query)) + "\nname: y\n",
			"id: x\nquery: |" + map[bool]string{true: "+", false: "-"}[strings.HasSuffix(query, "\n")] +
				"\n   " + strings.ReplaceAll(query, "\n", "\n   ") + "\nname: y\n",
			`{"properties": ` + string(appendJSON(nil, bag, 1)) + `, "type": "alertRules", "name": "x"}`,
		} {
			f := Read("x", []byte(text))
			if len(f.Rules) != 1 {
				t.Fatalf("%d rules of\n%s\n%s", len(f.Rules), text, f.Diags.Draw(f.Text, f.Name))
			}
			r := f.Rules[0]
			if strings.TrimRight(r.Query, "\n ") != strings.TrimRight(query, "\n ") {
				t.Fatalf("got %q, want %q of\n%s", r.Query, query, text)
			}
			for i := range len(r.Query) {
				c, at := r.Query[i], r.place.at(i)
				if c >= 'a' && c <= 'z' && f.Text[at] != c {
					t.Fatalf("byte %d of %q is found at %d of\n%s", i, r.Query, at, text)
				}
			}
		}
	})
}

// TestHostile reads files that are made to cost much.
func TestHostile(t *testing.T) {
	bomb := "a0: &a0 [x, x]\n"
	for i := range 25 {
		n, m := string(rune('b'+i)), string(rune('a'+i))
		bomb += n + "0: &" + n + "0 [*" + m + "0, *" + m + "0]\n"
	}
	keys := make([]byte, 0, 1<<20)
	for i := range 60_000 {
		keys = append(keys, "k"+string(rune('a'+i%26))+strings.Repeat("x", i%7)+timeText(int64(i))[:4]+": v\n"...)
	}
	for name, text := range map[string]string{
		"aliases":   bomb,
		"itself":    "a: &a [*a]\n",
		"keys":      string(keys),
		"documents": strings.Repeat("---\na: b\n", 50_000),
		"anchors":   "a: " + strings.Repeat("&x ", 50_000) + "x",
		"brackets":  "a: " + strings.Repeat("[", 500_000),
		"dashes":    strings.Repeat("- ", 500_000) + "x",
		"questions": strings.Repeat("? ", 500_000) + "x",
		"large":     "a: " + strings.Repeat("x", maxYAML),
		"json":      strings.Repeat(`{"a":`, 500_000),
		"binary":    "\xff\xfe\x00",
		"block":     "query: |\n" + strings.Repeat("  | where a == 1\n", 60_000) + "id: x\n",
		"nested":    nested(900),
	} {
		began := time.Now() //nolint:forbidigo // the test measures
		f := Read(name, []byte(text))
		_ = f.Diags.Draw(f.Text, name)
		if spent := time.Since(began); spent > 3*time.Second {
			t.Errorf("%s: %d bytes took %v", name, len(text), spent)
		}
		if name != "block" && (f.Class != ClassBroken || !f.Diags.HasErrors()) {
			t.Errorf("%s is taken for a %v", name, f.Class)
		}
	}
}

func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
