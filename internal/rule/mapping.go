package rule

import (
	"regexp"
	"slices"
	"strings"

	"drumbeat/kql"
)

// entityType is a type of entity: its identifiers, and the sets of which a mapping must have one whole.
type entityType struct {
	name   string
	others string   // further identifiers
	need   []string // each a set, "A+B"
}

// entityTypes are those that the validator of the public rules knows (operations.md 1.1).
var entityTypes = []entityType{
	{"Account", "NTDomain UPNSuffix AadTenantId DnsDomain IsDomainJoined DisplayName CloudAppAccountId IsAnonymized", []string{"FullName", "Sid", "Name", "AadUserId", "PUID", "ObjectGuid"}},
	{"Host", "DnsDomain NTDomain OSFamily OSVersion IsDomainJoined", []string{"FullName", "HostName", "NetBiosName", "AzureID", "OMSAgentID"}},
	{"IP", "AddressScope", []string{"Address"}},
	{"DNS", "DnsServerIp HostIpAddress", []string{"DomainName"}},
	{"URL", "", []string{"Url"}},
	{"FileHash", "", []string{"Algorithm+Value"}},
	{"File", "Directory", []string{"Name"}},
	{"Process", "ElevationToken CreationTimeUtc", []string{"CommandLine", "ProcessId"}},
	{"Malware", "Category", []string{"Name"}},
	{"CloudApplication", "InstanceName", []string{"AppId", "Name"}},
	{"AzureResource", "", []string{"ResourceId"}},
	{"IoTDevice", "IoTHub DeviceName Manufacturer Model OperatingSystem IpAddress MacAddress SerialNumber Source", []string{"DeviceId"}},
	{"Mailbox", "DisplayName Upn ExternalDirectoryObjectId RiskLevel", []string{"MailboxPrimaryAddress"}},
	{"RegistryKey", "", []string{"Hive+Key"}},
	{"RegistryValue", "Value ValueType", []string{"Name"}},
	{"SecurityGroup", "SID ObjectGuid", []string{"DistinguishedName"}},
	{"MailMessage", "P1Sender P1SenderDisplayName P1SenderDomain P2Sender P2SenderDisplayName P2SenderDomain SenderIP Subject " +
		"ReceivedDate DeliveryAction DeliveryLocation InternetMessageId Language ThreatDetectionMethods Threats Urls", []string{"Recipient", "NetworkMessageId"}},
	{"MailCluster", "", []string{"Query+Source"}},
	{"SubmissionMail", "Timestamp Recipient Sender SenderIp Subject ReportType SubmissionId SubmissionDate Submitter", []string{"NetworkMessageId"}},
}

func entityNamed(name string) *entityType {
	for i := range entityTypes {
		if entityTypes[i].name == name {
			return &entityTypes[i]
		}
	}
	return nil
}

// The limits of mappings.
const (
	maxEntities      = 10
	maxEntityFields  = 3
	maxDetails       = 20
	maxDetailKey     = 20
	maxDetailValue   = 500
	maxPlaceholders  = 3
	maxSuppression   = day
	maxAlertName     = 256
	defaultSuppress  = 5 * 60 * 60 * 1e9
	defaultLookback  = 5 * 60 * 60 * 1e9
	incidentMatching = "AllEntities"
)

func (d *reader) entities() {
	list := d.root.get("entityMappings")
	if list == nil || list.kind == kindNull {
		return
	}
	if list.kind != kindList {
		d.warn(CodeValue, list.span, "", "entityMappings must be a list")
		return
	}
	if len(list.items) > maxEntities {
		d.warn(CodeEntity, list.span, "", "there are more than %d entity mappings", maxEntities)
	}
	for _, item := range list.items {
		m := EntityMapping{Type: text(item.get("entityType")), span: item.span}
		if n := item.get("entityType"); n != nil {
			m.span = n.span
		}
		fields := item.get("fieldMappings")
		if fields != nil {
			for _, f := range fields.items {
				column := f.get("columnName")
				one := FieldMapping{Identifier: text(f.get("identifier")), Column: text(column), span: f.span}
				if column != nil {
					one.span = column.span
				}
				m.Fields = append(m.Fields, one)
			}
		}
		d.checkEntity(&m)
		d.r.Entities = append(d.r.Entities, m)
	}
}

func (d *reader) checkEntity(m *EntityMapping) {
	if len(m.Fields) == 0 || len(m.Fields) > maxEntityFields {
		d.warn(CodeEntity, m.span, "", "an entity mapping has one to %d fieldMappings", maxEntityFields)
	}
	e := entityNamed(m.Type)
	if e == nil {
		names := make([]string, len(entityTypes))
		for i := range entityTypes {
			names[i] = entityTypes[i].name
		}
		hint := ""
		if near := nearest(m.Type, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		d.warn(CodeEntity, m.span, hint, "there is no entity type %q", m.Type)
		return
	}
	known := strings.Fields(e.others)
	for _, set := range e.need {
		known = append(known, strings.Split(set, "+")...)
	}
	given := make([]string, 0, len(m.Fields))
	for i := range m.Fields {
		f := &m.Fields[i]
		given = append(given, f.Identifier)
		if !slices.Contains(known, f.Identifier) {
			d.warn(CodeEntity, f.span, "it has "+strings.Join(known, ", "), "the entity type %s has no identifier %q", m.Type, f.Identifier)
		}
	}
	whole := func(set string) bool {
		return !slices.ContainsFunc(strings.Split(set, "+"), func(id string) bool { return !slices.Contains(given, id) })
	}
	if !slices.ContainsFunc(e.need, whole) {
		d.warn(CodeEntity, m.span, "", "a mapping of %s needs %s", m.Type, strings.ReplaceAll(strings.Join(e.need, " or "), "+", " and "))
	}
}

var (
	detailKeyForm = regexp.MustCompile(`^[a-zA-Z]+\w*$`)
	columnForm    = regexp.MustCompile(`^[a-zA-Z_]+\w*$`)
)

func (d *reader) details() {
	bag := d.root.get("customDetails")
	if bag == nil || bag.kind == kindNull {
		return
	}
	if bag.kind != kindBag {
		d.warn(CodeValue, bag.span, "", "customDetails must be keys with columns")
		return
	}
	if len(bag.keys) > maxDetails {
		d.warn(CodeLimit, bag.span, "", "there are more than %d custom details", maxDetails)
	}
	for i, k := range bag.keys {
		c := CustomDetail{Key: k.text, Column: text(bag.items[i]), span: bag.items[i].span}
		if len(c.Key) > maxDetailKey || !detailKeyForm.MatchString(c.Key) {
			d.warn(CodeValue, k.span, "", "the key of a custom detail has letters and digits, %d at most", maxDetailKey)
		}
		if len(c.Column) > maxDetailValue || !columnForm.MatchString(c.Column) {
			d.warn(CodeValue, c.span, "", "the value of a custom detail must be the name of a column")
		}
		d.r.CustomDetails = append(d.r.CustomDetails, c)
	}
}

func (d *reader) override() {
	bag := d.root.get("alertDetailsOverride")
	if bag == nil || bag.kind == kindNull {
		return
	}
	if bag.kind != kindBag {
		d.warn(CodeValue, bag.span, "", "alertDetailsOverride must be keys with values")
		return
	}
	o := &d.r.Override
	for i, k := range bag.keys {
		n := bag.items[i]
		switch k.text {
		case "alertDisplayNameFormat":
			o.Name, o.name = text(n), n.span
			d.format(n, maxAlertName)
		case "alertDescriptionFormat":
			o.Description, o.description = text(n), n.span
			d.format(n, maxDescription)
		case "alertTacticsColumnName":
			o.Tactics, o.tactics = text(n), n.span
		case "alertSeverityColumnName":
			o.Severity, o.severity = text(n), n.span
		case "alertDynamicProperties":
			for _, p := range n.items {
				c := CustomDetail{Key: text(p.get("alertProperty")), Column: text(p.get("value")), span: p.span}
				o.Properties = append(o.Properties, c)
			}
		default:
			d.warn(CodeUnknownKey, k.span, "", "alertDetailsOverride has no %q", k.text)
		}
	}
}

// placeholders are what stands for columns in the formats of an alert.
var placeholders = regexp.MustCompile(`\{\{([^{}]*)\}\}`)

func (d *reader) format(n *node, most int) {
	value := text(n)
	found := placeholders.FindAllStringSubmatch(value, -1)
	switch {
	case len([]rune(value)) > most:
		d.warn(CodeLimit, n.span, "", "the format is longer than %d characters", most)
	case len(found) > maxPlaceholders:
		d.warn(CodeLimit, n.span, "", "the format names more than %d columns", maxPlaceholders)
	case strings.Contains(placeholders.ReplaceAllString(value, ""), "{{"):
		d.warn(CodeValue, n.span, "write {{Column}}", "the format has a {{ without its }}")
	}
	for _, f := range found {
		if strings.TrimSpace(f[1]) != f[1] {
			d.warn(CodeStyle, n.span, "", "no blanks stand between the braces of {{%s}}", strings.TrimSpace(f[1]))
		}
	}
}

func (d *reader) grouping() {
	n := d.root.get("eventGroupingSettings").get("aggregationKind")
	switch kind := text(n); strings.ToLower(kind) {
	case "", "singlealert":
	case "alertperresult":
		d.r.PerResult = true
	default:
		d.warn(CodeValue, n.span, "", "aggregationKind must be SingleAlert or AlertPerResult, not %q", kind)
	}
}

func (d *reader) suppression() {
	d.r.Suppressed = text(d.root.get("suppressionEnabled")) == "true"
	value, n := d.scalar("suppressionDuration", false)
	d.r.Suppression = defaultSuppress
	if n == nil {
		return
	}
	length, ok := parseDuration(value)
	if !ok || length > maxSuppression || length < minFrequency {
		d.warn(CodeValue, n.span, "", "suppressionDuration must be a length of time from 5m to 24h, not %q", value)
		return
	}
	d.r.Suppression = length
}

func (d *reader) incident() {
	d.r.Incident = Incident{Create: true, Lookback: defaultLookback, Matching: incidentMatching}
	bag := d.root.get("incidentConfiguration")
	if bag == nil || bag.kind != kindBag {
		return
	}
	in := &d.r.Incident
	in.Create = text(bag.get("createIncident")) != "false"
	group := bag.get("groupingConfiguration")
	if group == nil || group.kind != kindBag {
		return
	}
	in.Group = text(group.get("enabled")) == "true"
	in.Reopen = text(group.get("reopenClosedIncident")) == "true"
	if n := group.get("lookbackDuration"); n != nil {
		length, ok := parseDuration(text(n))
		if !ok || length < minFrequency || length > 7*day {
			d.warn(CodeValue, n.span, "", "lookbackDuration must be a length of time from 5m to 7d, not %q", text(n))
		} else {
			in.Lookback = length
		}
	}
	if n := group.get("matchingMethod"); n != nil {
		in.Matching = text(n)
		if !slices.Contains([]string{"AllEntities", "AnyAlert", "Selected"}, in.Matching) {
			d.warn(CodeValue, n.span, "", "matchingMethod must be AllEntities, AnyAlert or Selected, not %q", in.Matching)
		}
	}
	list := func(key string) []string {
		if n := group.get(key); n != nil && n.kind == kindList {
			return texts(n.items)
		}
		return nil
	}
	in.Entities, in.Details, in.Custom = list("groupByEntities"), list("groupByAlertDetails"), list("groupByCustomDetails")
}

// columns gives each column that the rule wants of its query's result, with its place and what it is for.
func (r *Rule) columns(want func(column string, at kql.Span, what string)) {
	for i := range r.Entities {
		for _, f := range r.Entities[i].Fields {
			want(f.Column, f.span, "the entity "+r.Entities[i].Type)
		}
	}
	for _, c := range r.CustomDetails {
		want(c.Column, c.span, "the custom detail "+c.Key)
	}
	o := &r.Override
	for _, f := range placeholders.FindAllStringSubmatch(o.Name, -1) {
		want(strings.TrimSpace(f[1]), o.name, "the alert's name")
	}
	for _, f := range placeholders.FindAllStringSubmatch(o.Description, -1) {
		want(strings.TrimSpace(f[1]), o.description, "the alert's description")
	}
	if o.Tactics != "" {
		want(o.Tactics, o.tactics, "the alert's tactics")
	}
	if o.Severity != "" {
		want(o.Severity, o.severity, "the alert's severity")
	}
	for _, p := range o.Properties {
		want(p.Column, p.span, "the alert's "+p.Key)
	}
}
