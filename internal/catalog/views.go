package catalog

import (
	"slices"
	"strings"
	"sync"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// views makes the functions that are views over other tables, when they are asked for.
type views struct {
	mu   sync.Mutex
	made map[string]*plan.Function
}

func (v *views) function(c *Catalog, name string) (*plan.Function, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f, ok := v.made[name]; ok {
		return f, f != nil
	}
	f := makeView(c, name)
	if f != nil {
		f.Name = name
		if v.made == nil {
			v.made = make(map[string]*plan.Function)
		}
		v.made[name] = f
	}
	return f, f != nil
}

// makeView gives a function that is built in, or nil.
func makeView(c *Catalog, name string) *plan.Function {
	switch name {
	case "_GetWatchlist":
		return &plan.Function{Params: "(watchlistAlias:string, keys:dynamic=dynamic([]))", Body: `{
			table(strcat('` + watchlistTable + `', watchlistAlias))
			| where array_length(keys) == 0 or SearchKey in (keys) }`}
	case "_Im_NetworkSession", "_ASim_NetworkSession", "imNetworkSession", "ASimNetworkSession":
		return networkSession(c)
	case "_Im_WebSession", "_ASim_WebSession", "imWebSession", "ASimWebSession":
		return webSession(c)
	case "PaloAltoPANOSSyslog":
		return &plan.Function{Body: `{ CommonSecurityLog
			| where DeviceVendor == 'Palo Alto Networks' and DeviceProduct == 'PAN-OS' and Activity in ('TRAFFIC', 'THREAT') }`}
	}
	if _, ok := knownColumns("=" + name); ok && !strings.HasPrefix(name, "=") {
		return &plan.Function{Body: "{ ['" + parserTable + name + "'] }"}
	}
	return nil
}

// networkParams are the parameters of the filtering parsers of network sessions.
const networkParams = `(starttime:datetime=datetime(null), endtime:datetime=datetime(null),
	srcipaddr_has_any_prefix:dynamic=dynamic([]), dstipaddr_has_any_prefix:dynamic=dynamic([]),
	ipaddr_has_any_prefix:dynamic=dynamic([]), dstportnumber:int=int(null), hostname_has_any:dynamic=dynamic([]),
	dvcaction:dynamic=dynamic([]), eventresult:string='*', disabled:bool=false, pack:bool=false)`

// webParams are those of web sessions.
const webParams = `(starttime:datetime=datetime(null), endtime:datetime=datetime(null),
	srcipaddr_has_any_prefix:dynamic=dynamic([]), ipaddr_has_any_prefix:dynamic=dynamic([]),
	url_has_any:dynamic=dynamic([]), httpuseragent_has_any:dynamic=dynamic([]),
	eventresultdetails_in:dynamic=dynamic([]), eventresult:string='*',
	eventresultdetails_has_any:dynamic=dynamic([]), disabled:bool=false, pack:bool=false)`

// networkFields say how the fields of a network session come from a TRAFFIC record of Palo Alto Networks, as ASIM's own
// parser for them maps it. Bytes are the columns as they are, swapped or not, for rules must give what they give there.
var networkFields = [][2]string{
	{"TimeGenerated", "TimeGenerated"},
	{"Type", "Type"},
	{"EventVendor", "'Palo Alto'"},
	{"EventProduct", "'PanOS'"},
	{"EventProductVersion", "DeviceVersion"},
	{"EventSchema", "'NetworkSession'"},
	{"EventSchemaVersion", "'0.2.6'"},
	{"EventType", "'NetworkSession'"},
	{"EventSubType", "case(DeviceEventClassID =~ 'start', 'Start', DeviceEventClassID =~ 'end', 'End', '')"},
	{"EventOriginalSubType", "DeviceEventClassID"},
	{"EventCount", "1"},
	{"EventSeverity", "'Informational'"},
	{"EventOriginalSeverity", "LogSeverity"},
	{"EventStartTime", "StartTime"},
	{"EventEndTime", "StartTime"},
	{"EventMessage", "Message"},
	{"EventOriginalUid", "ExtID"},
	{"EventResult", "iff(DeviceAction == 'allow', 'Success', 'Failure')"},
	{"EventOriginalResultDetails", "Reason"},
	{"Dvc", "DeviceName"},
	{"DvcHostname", "tostring(split(DeviceName, '.')[0])"},
	{"DvcDomain", "iff(DeviceName contains '.', substring(DeviceName, indexof(DeviceName, '.') + 1), '')"},
	{"DvcDomainType", "iff(DeviceName contains '.', 'FQDN', '')"},
	{"DvcFQDN", "iff(DeviceName contains '.', DeviceName, '')"},
	{"DvcAction", "ASimDvcAction"},
	{"DvcOriginalAction", "DeviceAction"},
	{"DvcInboundInterface", "DeviceInboundInterface"},
	{"DvcOutboundInterface", "DeviceOutboundInterface"},
	{"SrcIpAddr", "SourceIP"},
	{"SrcPortNumber", "SourcePort"},
	{"SrcHostname", "SourceHostName"},
	{"SrcMacAddr", "SourceMACAddress"},
	{"SrcNatIpAddr", "SourceTranslatedAddress"},
	{"SrcNatPortNumber", "SourceTranslatedPort"},
	{"SrcZone", "DeviceCustomString4"},
	{"SrcUsername", "SourceUserName"},
	{"SrcUsernameType", "case(isempty(SourceUserName), '', SourceUserName contains '@', 'UPN', 'Simple')"},
	{"SrcBytes", "SentBytes"},
	{"SrcPackets", "tolong(extract(@'PanOSPacketsSent=(\\d+)', 1, AdditionalExtensions))"},
	{"DstIpAddr", "DestinationIP"},
	{"DstPortNumber", "DestinationPort"},
	{"DstHostname", "DestinationHostName"},
	{"DstMacAddr", "DestinationMACAddress"},
	{"DstNatIpAddr", "DestinationTranslatedAddress"},
	{"DstNatPortNumber", "DestinationTranslatedPort"},
	{"DstZone", "DeviceCustomString5"},
	{"DstUsername", "DestinationUserName"},
	{"DstUsernameType", "case(isempty(DestinationUserName), '', DestinationUserName contains '@', 'UPN', 'Simple')"},
	{"DstBytes", "ReceivedBytes"},
	{"DstPackets", "tolong(extract(@'PanOSPacketsReceived=(\\d+)', 1, AdditionalExtensions))"},
	{"NetworkProtocol", "toupper(Protocol)"},
	{"NetworkApplicationProtocol", "ApplicationProtocol"},
	{"NetworkBytes", "tolong(FlexNumber1)"},
	{"NetworkPackets", "coalesce(FieldDeviceCustomNumber2, tolong(DeviceCustomNumber2))"},
	{"NetworkDuration", "toint(1000 * coalesce(FieldDeviceCustomNumber3, tolong(DeviceCustomNumber3)))"},
	{"NetworkSessionId", "tostring(coalesce(FieldDeviceCustomNumber1, tolong(DeviceCustomNumber1)))"},
	{"NetworkRuleName", "DeviceCustomString1"},
	{"ASimMatchingIpAddr", "ASimMatchingIpAddr"},
	{"Src", "SourceIP"},
	{"Dst", "DestinationIP"},
	{"IpAddr", "SourceIP"},
	{"Hostname", "DestinationHostName"},
	{"User", "DestinationUserName"},
	{"Rule", "DeviceCustomString1"},
	{"Duration", "tostring(toint(1000 * coalesce(FieldDeviceCustomNumber3, tolong(DeviceCustomNumber3))))"},
	{"SessionId", "tostring(coalesce(FieldDeviceCustomNumber1, tolong(DeviceCustomNumber1)))"},
}

// networkSource chooses the records, by the parameters too. An address that is asked for as that of any side may be on
// either.
const networkSource = `let sources = array_concat(srcipaddr_has_any_prefix, ipaddr_has_any_prefix);
	let targets = array_concat(dstipaddr_has_any_prefix, ipaddr_has_any_prefix);
	CommonSecurityLog
	| where not(disabled) and DeviceVendor == 'Palo Alto Networks' and DeviceProduct == 'PAN-OS' and Activity == 'TRAFFIC'
	| where isnull(starttime) or TimeGenerated >= starttime
	| where isnull(endtime) or TimeGenerated <= endtime
	| where isnull(dstportnumber) or DestinationPort == dstportnumber
	| where array_length(hostname_has_any) == 0 or SourceHostName has_any (hostname_has_any)
		or DestinationHostName has_any (hostname_has_any)
	| where eventresult == '*' or eventresult == iff(DeviceAction == 'allow', 'Success', 'Failure')
	| extend ASimDvcAction = case(
		DeviceAction == 'allow', 'Allow', DeviceAction == 'deny', 'Deny', DeviceAction == 'drop', 'Drop',
		DeviceAction in ('drop ICMP', 'drop-icmp'), 'Drop ICMP',
		DeviceAction in ('reset client', 'reset-client'), 'Reset Source',
		DeviceAction in ('reset server', 'reset-server'), 'Reset Destination',
		DeviceAction in ('reset both', 'reset-both'), 'Reset', '')
	| where array_length(dvcaction) == 0 or ASimDvcAction has_any (dvcaction)
	| extend ASimSrcMatch = array_length(sources) > 0 and has_any_ipv4_prefix(SourceIP, sources),
		ASimDstMatch = array_length(targets) > 0 and has_any_ipv4_prefix(DestinationIP, targets)
	| extend ASimMatchingIpAddr = case(
		array_length(sources) == 0 and array_length(targets) == 0, '-', ASimSrcMatch and ASimDstMatch, 'Both',
		ASimSrcMatch, 'SrcIpAddr', ASimDstMatch, 'DstIpAddr', 'No match')
	| where ASimMatchingIpAddr != 'No match'
	`

// networkSession makes the view of network sessions: those of the logs, and of a file that fills the schema's own table.
func networkSession(c *Catalog) *plan.Function {
	const table = "ASimNetworkSessionLogs"
	body := "{ " + networkSource + asimColumns(table, networkFields)
	if _, given := c.tables[table]; given {
		body += "\n| union (" + table + ` | where not(disabled)
			| where isnull(starttime) or TimeGenerated >= starttime
			| where isnull(endtime) or TimeGenerated <= endtime
			| where isnull(dstportnumber) or DstPortNumber == dstportnumber
			| where array_length(hostname_has_any) == 0 or SrcHostname has_any (hostname_has_any) or DstHostname has_any (hostname_has_any)
			| where eventresult == '*' or EventResult == eventresult
			| where array_length(dvcaction) == 0 or DvcAction has_any (dvcaction)
			| where array_length(sources) == 0 and array_length(targets) == 0
				or array_length(sources) > 0 and has_any_ipv4_prefix(SrcIpAddr, sources)
				or array_length(targets) > 0 and has_any_ipv4_prefix(DstIpAddr, targets))`
	}
	return &plan.Function{Params: networkParams, Body: body + " }"}
}

// webSession makes the view of web sessions: a file fills it. Firewalls' URL records are not mapped.
func webSession(*Catalog) *plan.Function {
	const table = "ASimWebSessionLogs"
	return &plan.Function{Params: webParams, Body: "{ " + table + ` | where not(disabled)
		| where isnull(starttime) or TimeGenerated >= starttime
		| where isnull(endtime) or TimeGenerated <= endtime
		| where array_length(srcipaddr_has_any_prefix) == 0 or has_any_ipv4_prefix(SrcIpAddr, srcipaddr_has_any_prefix)
		| where array_length(ipaddr_has_any_prefix) == 0 or has_any_ipv4_prefix(SrcIpAddr, ipaddr_has_any_prefix)
			or has_any_ipv4_prefix(DstIpAddr, ipaddr_has_any_prefix)
		| where array_length(url_has_any) == 0 or Url has_any (url_has_any)
		| where array_length(httpuseragent_has_any) == 0 or HttpUserAgent has_any (httpuseragent_has_any)
		| where array_length(eventresultdetails_in) == 0 or EventResultDetails in (eventresultdetails_in)
		| where array_length(eventresultdetails_has_any) == 0 or EventResultDetails has_any (eventresultdetails_has_any)
		| where eventresult == '*' or EventResult == eventresult
		` + asimColumns(table, nil) + " }"}
}

// asimColumns projects to the columns of a schema: those of its table, then the other fields. Without fields the table's
// own columns are passed on.
func asimColumns(table string, fields [][2]string) string {
	own, _ := knownColumns(table)
	more, _ := knownColumns("+" + table)
	from := make(map[string]string, len(fields))
	for _, f := range fields {
		from[f[0]] = f[1]
	}
	var b strings.Builder
	b.WriteString("| project ")
	for i, col := range append(slices.Clip(own), more...) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(col.Name)
		switch x, ok := from[col.Name]; {
		case ok && x == col.Name:
		case ok:
			b.WriteString(" = " + x)
		case fields != nil || i >= len(own):
			b.WriteString(" = " + emptyOf(col.Type))
		}
	}
	return b.String()
}

// emptyOf writes the null of a type, or the empty text.
func emptyOf(t kql.Type) string {
	if t == kql.TypeString {
		return "''"
	}
	return t.String() + "(null)"
}
