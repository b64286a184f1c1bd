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
				one := FieldMapping{Identifier: text(f.get("identifier")), Column: text(column), span: f.span, identifier: f.span}
				if column != nil {
					one.span = column.span
				}
				if n := f.get("identifier"); n != nil {
					one.identifier = n.span
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
		d.warn(CodeEntity, m.span, entityHint(m.Type), "there is no entity type %q", m.Type)
		return
	}
	known, given := e.identifiers(), make([]string, 0, len(m.Fields))
	wrong := false
	for i := range m.Fields {
		f := &m.Fields[i]
		given = append(given, f.Identifier)
		if !slices.Contains(known, f.Identifier) {
			wrong = true
			d.warn(CodeEntity, f.identifier, identifierHint(f.Identifier, known), "the entity type %s has no identifier %q", m.Type, f.Identifier)
		}
	}
	whole := func(set string) bool {
		return !slices.ContainsFunc(strings.Split(set, "+"), func(id string) bool { return !slices.Contains(given, id) })
	}
	if !wrong && !slices.ContainsFunc(e.need, whole) {
		d.warn(CodeEntity, m.span, "", "a mapping of %s needs %s", m.Type, strings.ReplaceAll(strings.Join(e.need, " or "), "+", " and "))
	}
}

// identifiers gives all identifiers of the type.
func (e *entityType) identifiers() []string {
	known := strings.Fields(e.others)
	for _, set := range e.need {
		known = append(known, strings.Split(set, "+")...)
	}
	return known
}

// entityHint says which entity type a wrong name may stand for.
func entityHint(name string) string {
	names := make([]string, len(entityTypes))
	for i := range entityTypes {
		names[i] = entityTypes[i].name
	}
	if near := nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "there are " + strings.Join(names, ", ")
}

// identifierHint says which of the identifiers of an entity type a wrong one may stand for.
func identifierHint(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "it has " + strings.Join(known, ", ")
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
			o.Name, o.name = text(n), d.format(n, maxAlertName)
		case "alertDescriptionFormat":
			o.Description, o.description = text(n), d.format(n, maxDescription)
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

// placeholder is a column that a format names, and where.
type placeholder struct {
	column string
	span   kql.Span
}

// format checks a format, and gives the columns that it names.
func (d *reader) format(n *node, most int) []placeholder {
	if !n.scalar() || n.kind == kindNull {
		return nil
	}
	var out []placeholder
	where := locate(d.f.Text, n)
	found := placeholders.FindAllStringSubmatchIndex(n.text, -1)
	for _, at := range found {
		inside := n.text[at[2]:at[3]]
		column := strings.TrimSpace(inside)
		p := placeholder{column, where.part(at[2]+strings.Index(inside, column), len(column))}
		if column == "" {
			p.span = where.part(at[0], at[1]-at[0])
			d.warn(CodeValue, p.span, "write {{Column}}", "the braces name no column")
		} else if column != inside {
			d.warn(CodeStyle, p.span, "", "no blanks stand between the braces of {{%s}}", column)
		}
		out = append(out, p)
	}
	switch {
	case len([]rune(text(n))) > most:
		d.warn(CodeLimit, n.span, "", "the format is longer than %d characters", most)
	case len(found) > maxPlaceholders:
		d.warn(CodeLimit, n.span, "", "the format names more than %d columns", maxPlaceholders)
	case strings.Contains(placeholders.ReplaceAllString(n.text, ""), "{{"):
		d.warn(CodeValue, n.span, "write {{Column}}", "the format has a {{ without its }}")
	}
	return out
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
	in.Entities, in.Details, in.Custom = d.groupBy(group, "groupByEntities", d.groupEntity),
		d.groupBy(group, "groupByAlertDetails", d.groupDetail), d.groupBy(group, "groupByCustomDetails", d.groupCustom)
}

// groupBy gives the names of a list by which alerts are put together, each of which is checked.
func (d *reader) groupBy(group *node, key string, check func(*node)) []string {
	n := group.get(key)
	if n == nil || n.kind == kindNull {
		return nil
	}
	if n.kind != kindList {
		d.warn(CodeValue, n.span, "", "%s must be a list", key)
		return nil
	}
	for _, item := range n.items {
		check(item)
	}
	return texts(n.items)
}

func (d *reader) groupEntity(n *node) {
	name := text(n)
	switch {
	case entityNamed(name) == nil:
		d.warn(CodeEntity, n.span, entityHint(name), "there is no entity type %q to group by", name)
	case !slices.ContainsFunc(d.r.Entities, func(m EntityMapping) bool { return m.Type == name }):
		d.warn(CodeEntity, n.span, "", "alerts cannot be grouped by %s: no entity of the rule is one", name)
	}
}

// alertDetails are the parts of an alert that alerts can be grouped by.
var alertDetails = []string{"DisplayName", "Severity"}

func (d *reader) groupDetail(n *node) {
	if name := text(n); !slices.Contains(alertDetails, name) {
		d.warn(CodeValue, n.span, "", "groupByAlertDetails takes %s, not %q", strings.Join(alertDetails, " and "), name)
	}
}

func (d *reader) groupCustom(n *node) {
	name := text(n)
	if slices.ContainsFunc(d.r.CustomDetails, func(c CustomDetail) bool { return c.Key == name }) {
		return
	}
	keys := make([]string, len(d.r.CustomDetails))
	for i, c := range d.r.CustomDetails {
		keys[i] = c.Key
	}
	hint := ""
	if near := nearest(name, keys); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.warn(CodeValue, n.span, hint, "alerts cannot be grouped by %q: the rule has no such custom detail", name)
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
	for _, p := range o.name {
		want(p.column, p.span, "the alert's name")
	}
	for _, p := range o.description {
		want(p.column, p.span, "the alert's description")
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
