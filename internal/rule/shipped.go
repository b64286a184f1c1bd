package rule

import (
	"embed"
	"slices"
	"strings"
)

//go:embed shipped/*.yaml
var shippedFiles embed.FS

// ShippedPrefix begins the names of the rules that come with drumbeat, as in "shipped:source-delta".
const ShippedPrefix = "shipped:"

// ShippedNames gives the names of the rules that come with drumbeat.
func ShippedNames() []string {
	entries, _ := shippedFiles.ReadDir("shipped") // it is there
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok && !strings.HasSuffix(name, ".test") {
			names = append(names, ShippedPrefix+name)
		}
	}
	slices.Sort(names)
	return names
}

// Shipped gives the text of a rule that comes with drumbeat, and of its tests, by its name.
func Shipped(name string) (rule, tests []byte, ok bool) {
	base, ok := strings.CutPrefix(name, ShippedPrefix)
	if !ok {
		return nil, nil, false
	}
	rule, err := shippedFiles.ReadFile("shipped/" + base + ".yaml")
	if err != nil {
		return nil, nil, false
	}
	tests, err = shippedFiles.ReadFile("shipped/" + base + ".test.yaml")
	return rule, tests, err == nil
}
