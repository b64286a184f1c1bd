package rule

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drumbeat/kql"
)

const sampleRule = `id: 11111111-2222-3333-4444-555555555555
name: Sample
description: |
  'One line.
   Another: with "quotes" and {braces}'
severity: Medium
status: Available
requiredDataConnectors:
  - connectorId: CefAma
    dataTypes: [CommonSecurityLog]
queryFrequency: 24h
queryPeriod: 2d
triggerOperator: gt
triggerThreshold: 3
tactics: [CommandAndControl, Exfiltration]
relevantTechniques: [T1071.001, T1041, T1071]
query: |
  // a comment
  T
  | where s == "a\tb" and a > 1
  | project TimeGenerated, a, s
entityMappings:
  - entityType: IP
    fieldMappings:
      - {identifier: Address, columnName: s}
customDetails:
  Count: a
alertDetailsOverride:
  alertDisplayNameFormat: "[x] {{a}} of {{s}}"
eventGroupingSettings: {aggregationKind: AlertPerResult}
suppressionEnabled: true
suppressionDuration: 3h
incidentConfiguration:
  createIncident: true
  groupingConfiguration:
    enabled: true
    lookbackDuration: PT5H
    matchingMethod: Selected
    groupByEntities: [IP]
tags: [one, two]
house: {key: [1, 2.5, true, null, "007"]}
version: 1.2.3
kind: Scheduled
`

// TestConvert takes a rule to ARM and back, and to YAML, and compares all that it says.
func TestConvert(t *testing.T) {
	r := mustRead(t, sampleRule)
	arm := Export([]*Rule{r})
	for _, want := range []string{
		`"queryFrequency": "PT24H"`, `"queryPeriod": "P2D"`, `"triggerOperator": "GreaterThan"`, `"triggerThreshold": 3`,
		`"displayName": "Sample"`, `"description": "One line.\n Another: with \"quotes\" and {braces}\n"`,
		`"alertDisplayNameFormat": "[[x] {{a}} of {{s}}"`, `"suppressionDuration": "PT3H"`, `"enabled": true`,
		`"templateVersion": "1.2.3"`, `"alertRuleTemplateName": "11111111-2222-3333-4444-555555555555"`,
		`"apiVersion": "2023-12-01-preview"`,
	} {
		if !strings.Contains(string(arm), want) {
			t.Errorf("the template lacks %s", want)
		}
	}
	checkConverted(t, r, arm)
	if t.Failed() {
		t.Logf("%s", arm)
	}
}

// TestKept: what ARM has no place for comes back as it was: the end of a description, and the order of keys.
func TestKept(t *testing.T) {
	const head = "id: 11111111-2222-3333-4444-555555555555\n"
	const body = "severity: Low\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\nquery: T\n"
	for _, text := range []string{
		head + "name: a\ndescription: |\n  One\n  and two.\n" + body + "version: 1.0.0\nkind: Scheduled\n",
		head + "name: a\ndescription: |-\n  One\n  and two.\n" + body + "kind: Scheduled\nversion: 1.0.0\n",
		head + "kind: Scheduled\nname: a\n" + body + "house: x\ndescription: x\n",
	} {
		back := Read("back.json", Export([]*Rule{mustRead(t, text)}))
		if got := string(back.Rules[0].YAML()); got != text {
			t.Errorf("got\n%s\nwant\n%s", got, text)
		}
		if arm := Export(back.Rules); string(arm) != back.Text {
			t.Errorf("the template of what came back is\n%s\nwant\n%s", arm, back.Text)
		}
	}
}

func TestSameID(t *testing.T) {
	a, b := mustRead(t, sampleRule), mustRead(t, strings.Replace(sampleRule, "name: Sample", "name: Other", 1))
	c := mustRead(t, strings.Replace(sampleRule, "11111111", "21111111", 1))
	if x, y := SameID([]*Rule{a, c, b}); x != a || y != b {
		t.Errorf("got %v and %v", x, y)
	}
	if x, y := SameID([]*Rule{a, c}); x != nil || y != nil {
		t.Errorf("got %v and %v", x, y)
	}
}

func TestFileNames(t *testing.T) {
	var rules []*Rule
	for _, name := range []string{"A rule", "a/rule", "!", "A-rule-2", "?", "A rule"} {
		rules = append(rules, &Rule{Name: name})
	}
	want := []string{"A-rule", "a-rule-2", "rule", "A-rule-2-2", "rule-2", "A-rule-3"}
	if got := FileNames(rules); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func checkConverted(t *testing.T, r *Rule, arm []byte) {
	t.Helper()
	back := Read("back.json", arm)
	if back.Class != ClassRule || len(back.Rules) != 1 || back.Diags.HasErrors() {
		t.Fatalf("%s: %v with %d rules\n%s", r.File, back.Class, len(back.Rules), back.Diags.Draw(back.Text, back.Name))
	}
	sameRule(t, "from ARM", r, back.Rules[0])
	yaml := Read("back.yaml", back.Rules[0].YAML())
	if len(yaml.Rules) != 1 || yaml.Diags.HasErrors() {
		t.Fatalf("%s: %d rules\n%s\n%s", r.File, len(yaml.Rules), yaml.Diags.Draw(yaml.Text, yaml.Name), yaml.Text)
	}
	sameRule(t, "from YAML", r, yaml.Rules[0])
	if again := Export(yaml.Rules); !bytes.Equal(again, arm) {
		t.Errorf("%s: the template of what came back differs:\n%s\n%s", r.File, arm, again)
	}
	own := Read("own.yaml", r.YAML())
	if len(own.Rules) != 1 {
		t.Fatalf("%s: %d rules\n%s", r.File, len(own.Rules), own.Diags.Draw(own.Text, own.Name))
	}
	sameRule(t, "YAML", r, own.Rules[0])
	for i, k := range r.root.keys {
		if v := own.Rules[0].root.get(k.text); !v.sameAs(r.root.items[i]) {
			t.Errorf("%s: %s differs in YAML", r.File, k.text)
		}
	}
}

func sameRule(t *testing.T, what string, a, b *Rule) {
	t.Helper()
	check := func(name string, same bool) {
		if !same {
			t.Errorf("%s: %s: %s differs", a.File, what, name)
		}
	}
	check("id", a.exportID() == b.exportID())
	check("kind", a.Kind == b.Kind)
	check("name", a.Name == b.Name)
	check("description", a.Description == b.Description)
	check("severity", a.Severity == b.Severity)
	check("status", a.Status == b.Status)
	check("version", a.Version == b.Version)
	check("query", a.Query == b.Query)
	check("frequency", a.Frequency == b.Frequency && text(a.root.get("queryFrequency")) == text(b.root.get("queryFrequency")))
	check("period", a.Period == b.Period)
	check("operator", a.Operator == b.Operator)
	check("threshold", a.Threshold == b.Threshold)
	check("tactics", slices.Equal(a.Tactics, b.Tactics))
	check("techniques", slices.Equal(a.Techniques, b.Techniques))
	check("connectors", slices.EqualFunc(a.Connectors, b.Connectors, func(x, y Connector) bool {
		return x.ID == y.ID && slices.Equal(x.DataTypes, y.DataTypes)
	}))
	check("entities", slices.EqualFunc(a.Entities, b.Entities, func(x, y EntityMapping) bool {
		return x.Type == y.Type && slices.EqualFunc(x.Fields, y.Fields, func(x, y FieldMapping) bool {
			return x.Identifier == y.Identifier && x.Column == y.Column
		})
	}))
	check("details", slices.EqualFunc(a.CustomDetails, b.CustomDetails, func(x, y CustomDetail) bool {
		return x.Key == y.Key && x.Column == y.Column
	}))
	check("override", a.Override.Name == b.Override.Name && a.Override.Description == b.Override.Description)
	check("grouping", a.PerResult == b.PerResult)
	check("suppression", a.Suppressed == b.Suppressed && a.Suppression == b.Suppression)
	check("incident", a.Incident.Group == b.Incident.Group && slices.Equal(a.Incident.Entities, b.Incident.Entities))
	for _, key := range []string{"tags", "house"} {
		check(key, a.root.get(key).sameAs(b.root.get(key)))
	}
}

func TestConvertShared(t *testing.T) {
	for _, path := range sharedFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := Read(filepath.Base(path), text)
		if len(f.Rules) != 1 || f.Rules[0].Kind == Hunting {
			continue
		}
		checkConverted(t, f.Rules[0], Export(f.Rules))
	}
}

// solution is a template as those of solutions are: rules lie in templates within, their ids in variables.
const solution = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"workspace": {"defaultValue": "", "type": "string"}},
  "variables": {
    "ruleVersion1": "1.0.1",
    "rule1": {"id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "version": "1.0.1"}
  },
  "resources": [
    {
      "type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates",
      "name": "[variables('rule1').id]",
      "properties": {
        "mainTemplate": {
          "resources": [
            {
              "type": "Microsoft.SecurityInsights/AlertRuleTemplates",
              "name": "[variables('rule1').id]",
              "kind": "Scheduled",
              "properties": {
                "displayName": "Of a solution",
                "description": "D",
                "enabled": false,
                "query": "[[T\n| where a > \"x\"\n",
                "queryFrequency": "PT1H",
                "queryPeriod": "P1D",
                "severity": "High",
                "triggerOperator": "LessThan",
                "triggerThreshold": 1,
                "status": "Available",
                "techniques": ["T1071"],
                "subTechniques": ["T1071.004"],
                "suppressionDuration": "PT1H",
                "suppressionEnabled": false,
                "version": "[variables('ruleVersion1')]"
              }
            }
          ]
        }
      }
    },
    {"type": "Microsoft.Insights/dataCollectionRules", "properties": {"query": "x"}}
  ]
}`

func TestSolution(t *testing.T) {
	f := Read("mainTemplate.json", []byte(solution))
	if len(f.Rules) != 1 || f.Diags.HasErrors() {
		t.Fatalf("%d rules\n%s", len(f.Rules), f.Diags.Draw(f.Text, f.Name))
	}
	r := f.Rules[0]
	if r.ID != "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" || r.Name != "Of a solution" || r.Enabled || r.Severity != High ||
		r.Operator != LessThan || r.Frequency.Hours() != 1 || r.Period != day || !slices.Equal(r.Techniques, []string{"T1071", "T1071.004"}) {
		t.Errorf("got %+v", r)
	}
	if want := "[T\n| where a > \"x\"\n"; r.Query != want {
		t.Errorf("the query is %q, want %q", r.Query, want)
	}
	// A remark on the query points into the JSON text.
	_, diags := r.Compile(schema())
	if len(diags) == 0 {
		t.Fatal("no remark on a bad query")
	}
	for _, d := range diags {
		if at := d.Span.From; at < strings.Index(f.Text, `"[[T`) || at > strings.Index(f.Text, `"queryFrequency"`) {
			t.Errorf("the remark %q is at %v", d.Message, kql.PositionOf(f.Text, at))
		}
	}
}

func TestClasses(t *testing.T) {
	for want, text := range map[Class]string{
		ClassRule:     sampleRule,
		ClassHunting:  "id: x\nname: n\nquery: T\ntactics: [x]\n",
		ClassParser:   "Parser:\n  Title: x\nParserQuery: T\n",
		ClassWorkbook: `{"version": "Notebook/1.0", "items": []}`,
		ClassPlaybook: `{"$schema": "https://x/deploymentTemplate.json#", "resources": [{"type": "Microsoft.Logic/workflows"}]}`,
		ClassTemplate: `{"$schema": "https://x/deploymentTemplate.json#", "resources": []}`,
		ClassOther:    "a: b\n",
		ClassEmpty:    "# a comment\n",
		ClassBroken:   "a: [\n",
	} {
		if f := Read("x", []byte(text)); f.Class != want {
			t.Errorf("%q is taken for a %v, want %v", text, f.Class, want)
		}
	}
}
