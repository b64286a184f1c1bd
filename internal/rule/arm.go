package rule

import (
	"regexp"
	"slices"
	"strings"
)

// readJSON reads an ARM template, what the API gives of rules, or some other JSON.
func (f *File) readJSON() {
	root, err := parseJSON(f.Text)
	if err != nil {
		f.broken(err)
		return
	}
	f.Class = classOfJSON(root)
	t := &template{root: root, variables: root.get("variables"), parameters: root.get("parameters")}
	t.find(root)
	kept := root.get("metadata").get(metadataKey)
	for _, resource := range t.rules {
		f.addRule(t.fromARM(resource, kept), ClassRule)
		f.Class = ClassRule
	}
}

func classOfJSON(root *node) Class {
	schema := strings.ToLower(text(root.get("$schema")))
	switch {
	case strings.Contains(schema, "workbook") || text(root.get("version")) == "Notebook/1.0":
		return ClassWorkbook
	case strings.Contains(schema, "deploymenttemplate"):
		if hasType(root, "microsoft.logic/workflows") {
			return ClassPlaybook
		}
		if hasType(root, "microsoft.insights/workbooks") {
			return ClassWorkbook
		}
		return ClassTemplate
	}
	return ClassOther
}

// hasType reports whether the template makes a resource of a type.
func hasType(root *node, name string) bool {
	resources := root.get("resources")
	return resources != nil && slices.ContainsFunc(resources.items, func(r *node) bool {
		return strings.EqualFold(text(r.get("type")), name)
	})
}

// template is an ARM template, or other JSON that has rules in it.
type template struct {
	root       *node
	variables  *node
	parameters *node
	rules      []*node
}

// find looks for rules at any depth: solutions have them in templates within a template.
func (t *template) find(n *node) {
	if n.kind == kindBag {
		properties := n.get("properties")
		kind := strings.ToLower(text(n.get("type")))
		// What holds other resources is not itself a rule.
		if properties.get("query") != nil && (strings.HasSuffix(kind, "alertrules") || strings.HasSuffix(kind, "alertruletemplates")) {
			t.rules = append(t.rules, n)
			return
		}
	}
	for _, item := range n.items {
		t.find(item)
	}
}

var (
	guidInside   = regexp.MustCompile(`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)
	variableForm = regexp.MustCompile(`^\[(variables|parameters)\('([^']+)'\)((?:\.\w+)*)\]$`)
)

// resolve gives the text of a value, where it is a variable or the default of a parameter that stands alone; other
// expressions stay as they are, and "[[" is a bracket.
func (t *template) resolve(n *node) string {
	value := text(n)
	if strings.HasPrefix(value, "[[") {
		return value[1:]
	}
	m := variableForm.FindStringSubmatch(value)
	if m == nil {
		return value
	}
	from := t.variables.get(m[2])
	if m[1] == "parameters" {
		from = t.parameters.get(m[2]).get("defaultValue")
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(m[3], "."), ".") {
		if name != "" {
			from = from.get(name)
		}
	}
	if from == nil || !from.scalar() {
		return value
	}
	return text(from)
}

// metadataKey is the entry of a template's metadata that keeps what ARM has no property for.
const metadataKey = "drumbeat"

// pairsOfNames are the keys of YAML and the properties of ARM that have other names, or the same, and one meaning.
var pairsOfNames = [][2]string{
	{"name", "displayName"},
	{"description", "description"},
	{"severity", "severity"},
	{"status", "status"},
	{"requiredDataConnectors", "requiredDataConnectors"},
	{"queryFrequency", "queryFrequency"},
	{"queryPeriod", "queryPeriod"},
	{"triggerOperator", "triggerOperator"},
	{"triggerThreshold", "triggerThreshold"},
	{"tactics", "tactics"},
	{"relevantTechniques", "techniques"},
	{"query", "query"},
	{"entityMappings", "entityMappings"},
	{"customDetails", "customDetails"},
	{"alertDetailsOverride", "alertDetailsOverride"},
	{"eventGroupingSettings", "eventGroupingSettings"},
	{"suppressionEnabled", "suppressionEnabled"},
	{"suppressionDuration", "suppressionDuration"},
	{"incidentConfiguration", "incidentConfiguration"},
	{"enabled", "enabled"},
	{"startTimeUtc", "startTimeUtc"},
	{"sentinelEntitiesMappings", "sentinelEntitiesMappings"},
	{"alertRuleTemplateName", "alertRuleTemplateName"},
	{"version", "templateVersion"},
}

// fromARM gives a resource the names and forms of YAML. What it does not know goes along.
func (t *template) fromARM(resource, kept *node) *node {
	properties := resource.get("properties")
	out := &node{kind: kindBag, span: resource.span}
	id := guidInside.FindString(t.resolve(resource.get("name")))
	if id == "" {
		id = guidInside.FindString(t.resolve(properties.get("alertRuleTemplateName")))
	}
	if id == "" {
		id = guidInside.FindString(t.resolve(resource.get("id")))
	}
	if id != "" {
		n := textNode(strings.ToLower(id))
		if name := resource.get("name"); name != nil {
			n.span = name.span
		}
		out.set("id", n)
	}
	used := []string{"techniques", "subTechniques"}
	for _, pair := range pairsOfNames {
		value := properties.get(pair[1])
		used = append(used, pair[1])
		if pair[0] == "relevantTechniques" {
			value = joinLists(properties.get("techniques"), properties.get("subTechniques"))
		}
		if value == nil || value.kind == kindNull || t.isDefault(pair[1], value, id) {
			continue
		}
		out.keys = append(out.keys, keyNode(pair[0], properties.key(pair[1])))
		out.items = append(out.items, t.toYAML(pair[0], value))
	}
	if kind := resource.get("kind"); kind != nil {
		out.set("kind", kind)
	}
	for i, k := range properties.keys {
		if !slices.Contains(used, k.text) && k.text != "lastModifiedUtc" {
			out.keys, out.items = append(out.keys, k), append(out.items, properties.items[i])
		}
	}
	var order []string
	for _, item := range kept.get(id).pairs() {
		if item.key.text == orderKey {
			order = texts(item.value.items)
			continue
		}
		out.set(item.key.text, item.value)
	}
	if len(order) == 0 {
		order = inOrder(out)
	}
	out.reorder(order)
	return out
}

// orderKey is the entry of what is kept of a rule that gives the order of its keys, where it is another than that of
// rules.
const orderKey = "keyOrder"

type pair struct{ key, value *node }

func (n *node) pairs() []pair {
	if n == nil || n.kind != kindBag {
		return nil
	}
	out := make([]pair, len(n.keys))
	for i := range n.keys {
		out[i] = pair{n.keys[i], n.items[i]}
	}
	return out
}

// keyNode is a key under another name, at its place.
func keyNode(name string, at *node) *node {
	k := textNode(name)
	if at != nil {
		k.span = at.span
	}
	return k
}

func joinLists(a, b *node) *node {
	if a == nil || b == nil || a.kind != kindList || b.kind != kindList {
		if a == nil || a.kind == kindNull {
			return b
		}
		return a
	}
	list := *a
	list.items = append(slices.Clone(a.items), b.items...)
	return &list
}

// isDefault reports whether a property says what a rule without it says: ARM asks for some of them.
func (t *template) isDefault(name string, value *node, id string) bool {
	switch name {
	case "enabled":
		return text(value) == "true"
	case "suppressionEnabled":
		return text(value) == "false"
	case "suppressionDuration":
		length, ok := parseDuration(text(value))
		return ok && length == defaultSuppress
	case "alertRuleTemplateName":
		return strings.EqualFold(t.resolve(value), id)
	case "requiredDataConnectors", "customDetails", "entityMappings":
		return value.kind != kindList && value.kind != kindBag
	}
	return false
}

// toYAML gives a value its form in YAML, at the place where it stands.
func (t *template) toYAML(key string, value *node) *node {
	n := t.plain(value)
	if !n.scalar() {
		return n
	}
	switch key {
	case "queryFrequency", "queryPeriod", "suppressionDuration":
		if short, ok := shortOfISO(text(n)); ok {
			n.text, n.style = short, styleNone
		}
	case "triggerOperator":
		if i := slices.Index(operatorNames[:], text(n)); i >= 0 {
			n.text, n.style = operatorShort[i], styleNone
		}
	}
	return n
}

// plain copies a value with the texts that its expressions stand for.
func (t *template) plain(value *node) *node {
	n := *value
	n.items = slices.Clone(value.items)
	for i := range n.items {
		n.items[i] = t.plain(n.items[i])
	}
	switch {
	case value.kind != kindText:
	case strings.HasPrefix(value.text, "[["):
		n.text = value.text[1:]
		n.span.From++ // the text goes on after the first bracket
	case strings.HasPrefix(value.text, "["):
		n.text = t.resolve(value)
	}
	return &n
}

// Export gives rules as one ARM template, in the form in which Sentinel takes and gives them. A template holds 50 rules at
// most, by Sentinel's limit.
func Export(rules []*Rule) []byte {
	resources := &node{kind: kindList}
	kept := bagNode()
	for _, r := range rules {
		resource, rest := r.toARM()
		resources.items = append(resources.items, resource)
		if len(rest.keys) > 0 {
			kept.set(r.exportID(), rest)
		}
	}
	root := bagNode()
	root.set("$schema", textNode("https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"))
	root.set("contentVersion", textNode("1.0.0.0"))
	if len(kept.keys) > 0 {
		metadata := bagNode()
		metadata.set(metadataKey, kept)
		root.set("metadata", metadata)
	}
	workspace, parameters := bagNode(), bagNode()
	workspace.set("type", textNode("String"))
	parameters.set("workspace", workspace)
	root.set("parameters", parameters)
	root.set("resources", resources)
	return append(appendJSON(nil, root, 0), '\n')
}

// SameID gives the first two rules whose id is the same, or nil: a template cannot have both.
func SameID(rules []*Rule) (first, second *Rule) {
	seen := map[string]*Rule{}
	for _, r := range rules {
		id := r.exportID()
		if seen[id] != nil {
			return seen[id], r
		}
		seen[id] = r
	}
	return nil, nil
}

// MaxExport is how many rules Sentinel takes in one template.
const MaxExport = 50

// exportID is the rule's id, or, where it has none, one that its name makes.
func (r *Rule) exportID() string {
	if guidForm.MatchString(r.ID) {
		return r.ID
	}
	return nameID(r.Name + "\n" + r.Query)
}

// toARM gives the resource of a rule, and what ARM has no property for.
func (r *Rule) toARM() (resource, rest *node) {
	rest = r.root.clone()
	names := keyNames(r.root)
	properties := bagNode()
	for _, p := range pairsOfNames {
		value := rest.remove(p[0])
		if value == nil || value.kind == kindNull {
			if value = r.armDefault(p[1]); value == nil {
				continue
			}
		}
		switch p[0] {
		case "relevantTechniques":
			r.armTechniques(properties, rest, value)
			continue
		case "status", "requiredDataConnectors":
			// Only templates of the content hub have them: an alert rule has no such property.
			rest.set(p[0], value)
			continue
		}
		properties.set(p[1], r.armValue(p[0], value))
	}
	id, kind := r.exportID(), rest.remove("kind")
	if given := rest.get("id"); given == nil || strings.EqualFold(text(given), id) {
		rest.remove("id")
	}
	if !slices.Equal(names, inOrder(r.root)) {
		rest.set(orderKey, listOf(names))
	}
	name := Scheduled.String()
	if kind != nil && r.Kind == NRT {
		name = NRT.String()
	}
	resource = bagNode()
	resource.set("id", textNode("[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), "+
		"'Microsoft.SecurityInsights'),'/alertRules/"+id+"')]"))
	resource.set("name", textNode("[concat(parameters('workspace'),'/Microsoft.SecurityInsights/"+id+"')]"))
	resource.set("type", textNode("Microsoft.OperationalInsights/workspaces/providers/alertRules"))
	resource.set("kind", textNode(name))
	resource.set("apiVersion", textNode("2023-12-01-preview"))
	resource.set("properties", properties)
	return resource, rest
}

func keyNames(n *node) []string {
	names := make([]string, len(n.keys))
	for i, k := range n.keys {
		names[i] = k.text
	}
	return names
}

// armDefault gives a property that ARM asks for and YAML leaves out.
func (r *Rule) armDefault(property string) *node {
	switch property {
	case "enabled":
		return boolNode(true)
	case "suppressionEnabled":
		return boolNode(false)
	case "suppressionDuration":
		return textNode("PT5H")
	case "alertRuleTemplateName":
		if guidForm.MatchString(r.ID) {
			return textNode(r.ID)
		}
	}
	return nil
}

// armTechniques splits techniques from sub-techniques. An order that would be lost is kept beside.
func (r *Rule) armTechniques(properties, rest, value *node) {
	var main, sub []string
	for _, name := range r.Techniques {
		if strings.Contains(name, ".") {
			sub = append(sub, name)
		} else {
			main = append(main, name)
		}
	}
	properties.set("techniques", listOf(main))
	if len(sub) > 0 {
		properties.set("subTechniques", listOf(sub))
	}
	if !slices.Equal(append(slices.Clone(main), sub...), r.Techniques) {
		rest.set("relevantTechniques", value)
	}
}

// armValue gives a value its form in ARM.
func (r *Rule) armValue(key string, value *node) *node {
	switch key {
	case "queryFrequency", "queryPeriod", "suppressionDuration":
		if length, ok := parseDuration(text(value)); ok {
			return textNode(isoText(length, text(value)))
		}
	case "triggerOperator":
		return textNode(r.Operator.String())
	case "triggerThreshold":
		return &node{kind: kindNumber, text: text(value)}
	case "description":
		// The line break at the end of a block comes back with it.
		description := r.Description
		if strings.HasSuffix(strings.TrimRight(value.text, " \t"), "\n") {
			description += "\n"
		}
		return textNode(escapeARM(description))
	case "tactics":
		return escapeAll(listOf(r.Tactics))
	case "severity", "name", "version", "enabled", "suppressionEnabled":
		n := textNode(escapeARM(text(value)))
		n.kind = value.kind
		if n.kind == kindNumber {
			n.kind = kindText
		}
		return n
	}
	return escapeAll(value)
}

// escapeARM keeps a text that begins with a bracket from being an expression.
func escapeARM(s string) string {
	if strings.HasPrefix(s, "[") {
		return "[" + s
	}
	return s
}

func escapeAll(n *node) *node {
	c := *n
	if n.kind == kindText {
		c.text = escapeARM(n.text)
	}
	c.items = slices.Clone(n.items)
	for i := range c.items {
		c.items[i] = escapeAll(c.items[i])
	}
	return &c
}
