package synth

// appID names an application of the table below; applications of beacons that
// the table does not know follow after its end.
type appID uint8

const (
	appSSL appID = iota
	appWeb
	appDNS
	appNTP
	appSMB
	appLDAP
	appKerberos
	appQUIC
	appSearch
	appVideo
	appOffice
	appMeeting
	appChat
	appUpdate
	appPing
	appSNMP
	appSQL
	appSSH
	appSMTP
	appBackup
	appIncomplete
	appNone
	appCount
)

// app is what a firewall knows of an application, and the shape of its
// sessions: medians, and deviations of the logarithm.
type app struct {
	name        string
	subcategory string
	category    string
	technology  string
	risk        string
	traits      string // characteristic_of_app, comma-separated
	saas        string

	sent, sentDev   float64 // bytes
	recv, recvDev   float64
	seconds, secDev float64
}

// apps is the table of applications.
func apps() []app {
	const (
		net, biz, media, collab = "networking", "business-systems", "media", "collaboration"
		cs, br, np              = "client-server", "browser-based", "network-protocol"
		evade                   = "used-by-malware,able-to-transfer-file,has-known-vulnerability,tunnel-other-application,pervasive-use"
		transfer                = "able-to-transfer-file,has-known-vulnerability,pervasive-use"
		known                   = "has-known-vulnerability,pervasive-use"
	)
	return []app{
		appSSL:        {"ssl", "encrypted-tunnel", net, br, "4", evade, "no", 1900, 0.9, 6800, 1.6, 12, 1.5},
		appWeb:        {"web-browsing", "internet-utility", "general-internet", br, "4", evade, "no", 900, 0.8, 5200, 1.7, 6, 1.4},
		appDNS:        {"dns-base", "infrastructure", net, np, "3", known, "no", 78, 0.12, 168, 0.4, 0.04, 0.8},
		appNTP:        {"ntp-base", "infrastructure", net, np, "2", "pervasive-use", "no", 90, 0, 90, 0, 0.05, 0.3},
		appSMB:        {"ms-ds-smbv3", "storage-backup", biz, cs, "3", transfer, "no", 9000, 1.5, 16000, 1.9, 40, 1.6},
		appLDAP:       {"ldap", "auth-service", biz, cs, "2", known, "no", 2100, 0.7, 4200, 0.9, 3, 1.3},
		appKerberos:   {"kerberos", "auth-service", biz, cs, "2", "pervasive-use", "no", 1700, 0.3, 1800, 0.3, 0.2, 0.6},
		appQUIC:       {"quic-base", "infrastructure", net, br, "1", "pervasive-use", "no", 4200, 0.9, 14000, 1.6, 25, 1.3},
		appSearch:     {"google-base", "internet-utility", "general-internet", br, "4", known, "yes", 2400, 0.8, 7400, 1.3, 25, 1.3},
		appVideo:      {"youtube-base", "photo-video", media, br, "4", "excessive-bandwidth,pervasive-use", "no", 21000, 1.1, 2.4e6, 1.6, 90, 1.1},
		appOffice:     {"ms-office365-base", "office-programs", biz, br, "3", transfer, "yes", 5400, 1.1, 9800, 1.4, 60, 1.4},
		appMeeting:    {"ms-teams", "voip-video", collab, cs, "3", transfer, "yes", 64000, 1.9, 88000, 2.0, 120, 1.5},
		appChat:       {"slack-base", "instant-messaging", collab, cs, "2", transfer, "yes", 2600, 0.9, 3100, 1.0, 90, 1.2},
		appUpdate:     {"ms-update", "software-update", biz, cs, "3", "able-to-transfer-file,excessive-bandwidth", "no", 2400, 0.7, 61000, 2.0, 8, 1.2},
		appPing:       {"ping", "ip-protocol", net, np, "2", "pervasive-use", "no", 98, 0, 98, 0, 0.02, 0.5},
		appSNMP:       {"snmp-base", "management", biz, cs, "2", known, "no", 320, 0.2, 610, 0.4, 0.3, 0.5},
		appSQL:        {"mssql-db-encrypted", "database", biz, cs, "3", known, "no", 5200, 1.3, 14000, 1.8, 15, 1.8},
		appSSH:        {"ssh", "encrypted-tunnel", net, cs, "4", evade, "no", 7100, 1.2, 9100, 1.4, 60, 1.7},
		appSMTP:       {"smtp-base", "email", collab, cs, "5", transfer, "no", 31000, 1.7, 1500, 0.4, 3, 0.9},
		appBackup:     {"veeam", "storage-backup", biz, cs, "2", "able-to-transfer-file,excessive-bandwidth", "no", 3.1e7, 2.0, 41000, 1.2, 600, 1.0},
		appIncomplete: {"incomplete", "unknown", "unknown", "unknown", "1", "", "no", 74, 0.5, 66, 0.1, 5, 0.8},
		appNone:       {"not-applicable", "unknown", "unknown", "unknown", "1", "", "no", 66, 0.1, 0, 0, 0, 0},
	}
}

// foreignApp is an application that only a beacon uses.
func foreignApp(name string) app {
	return app{
		name: name, subcategory: "internet-utility", category: "general-internet",
		technology: "client-server", risk: "1", saas: "no",
		sent: 420, recv: 1200, seconds: 1,
	}
}

// Rules of the firewalls' policy; the texts stand in names.go.
const (
	ruleWeb uint8 = iota
	ruleServers
	ruleDNS
	ruleOut
	ruleIn
	ruleDevices
	ruleBlock
	ruleDefault
	ruleCount
)

// Ends of sessions.
const (
	endFin uint8 = iota
	endClient
	endServer
	endAged
	endDenied
	endNone
	endCount
)

func endReasons() []string {
	return []string{"tcp-fin", "tcp-rst-from-client", "tcp-rst-from-server", "aged-out", "policy-deny", "n/a"}
}

// Protocols.
const (
	tcp uint8 = iota
	udp
	icmp
	protoCount
)

func protocols() []string { return []string{"tcp", "udp", "icmp"} }

// categories are the URL categories of destinations.
func categories() []string {
	return []string{
		"any", "computer-and-internet-info", "business-and-economy", "content-delivery-networks",
		"search-engines", "news", "web-advertisements", "shopping", "streaming-media", "social-networking",
		"internet-portals", "low-risk", "not-resolved", "unknown",
	}
}

// countries are where the firewall believes a public address is.
func countries() []string {
	return []string{
		"United States", "United States", "United States", "United States", "Germany", "Netherlands",
		"Ireland", "United Kingdom", "France", "Sweden", "European Union", "Singapore", "Japan", "Canada", "Poland", "Brazil",
	}
}
