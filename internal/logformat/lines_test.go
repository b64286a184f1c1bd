package logformat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The lines of the tests are made here, in words of our own: one session of a made-up network, told in every format.
// It began at 09:59:34, lasted 31 s and was written down at 10:00:05.25; the client sent 633 bytes in 6 packets and
// received 4711 in 8.

// onboxKeys are the keys of the published on-box CEF template, in order, and what the session has in each.
var onboxKeys = [][]string{
	{ // 8.0
		"rt=Mar 02 2026 10:00:07 GMT", "deviceExternalId=007200009999", "src=10.20.0.5", "dst=198.51.100.7",
		"sourceTranslatedAddress=203.0.113.1", "destinationTranslatedAddress=198.51.100.7", "cs1Label=Rule",
		"cs1=web out", "suser=corp\\nancy", "duser=", "app=ssl", "cs3Label=Virtual System", "cs3=vsys1",
		"cs4Label=Source Zone", "cs4=inside", "cs5Label=Destination Zone", "cs5=outside",
		"deviceInboundInterface=ethernet1/1", "deviceOutboundInterface=ethernet1/2", "cs6Label=LogProfile", "cs6=siem",
		"cn1Label=SessionID", "cn1=4242", "cnt=1", "spt=51724", "dpt=443", "sourceTranslatedPort=40001",
		"destinationTranslatedPort=443", "flexString1Label=Flags", "flexString1=0x40001c", "proto=tcp", "act=allow",
		"flexNumber1Label=Total bytes", "flexNumber1=5344", "in=633", "out=4711", "cn2Label=Packets", "cn2=14",
		"PanOSPacketsReceived=8", "PanOSPacketsSent=6", "start=Mar 02 2026 10:00:05 GMT",
		"cn3Label=Elapsed time in seconds", "cn3=31", "cs2Label=URL Category", "cs2=computer-and-internet-info",
		"externalId=7000000000000000001", "reason=tcp-fin", "PanOSDGl1=11", "PanOSDGl2=0", "PanOSDGl3=0", "PanOSDGl4=0",
		"PanOSVsysName=main", "dvchost=fw-a", "cat=from-policy", "PanOSActionFlags=0x0", "PanOSSrcUUID=",
		"PanOSDstUUID=", "PanOSTunnelID=0", "PanOSMonitorTag=", "PanOSParentSessionID=0", "PanOSParentStartTime=",
		"PanOSTunnelType=N/A",
	},
	{ // 9.0
		"PanOSSCTPAssocID=0", "PanOSSCTPChunks=0", "PanOSSCTPChunkSent=0", "PanOSSCTPChunksRcv=0",
		"PanOSRuleUUID=00000000-1111-2222-3333-444444444444", "PanOSHTTP2Con=0",
	},
	{ // 9.1
		"PanLinkChange=0", "PanPolicyID=", "PanLinkDetail=", "PanSDWANCluster=", "PanSDWANDevice=",
		"PanSDWANClustype=", "PanSDWANSite=", "PanDynamicUsrgrp=",
	},
	{ // 10.0
		"PanXFFIP=", "PanSrcDeviceCat=", "PanSrcDeviceProf=", "PanSrcHostname=pc 17", "PanSrcMac=00:00:5e:00:53:01",
		"PanDstHostname=", "PanContainerName=", "PanPODName=", "PanSrcEDL=", "PanDstEDL=", "PanGPHostID=",
		"PanEPSerial=", "PanSrcDAG=", "PanDstDAG=", "PanHASessionOwner=",
		"PanTimeHighRes=2026-03-02T11:00:05.250+01:00", "PanASServiceType=", "PanASServiceDiff=",
	},
}

// onbox gives the session as the on-box template of a PAN-OS version writes it. Edits are "key=value", which sets a
// value or appends a pair, and "-key", which takes a pair away.
func onbox(version string, edits ...string) string {
	last := map[string]int{"8.0": 0, "8.1": 0, "9.0": 1, "9.1": 2, "10.0": 3, "10.2.9-h1": 3, "11.1.2": 3}[version]
	var pairs []string
	for _, keys := range onboxKeys[:last+1] {
		pairs = append(pairs, keys...)
	}
	return "CEF:0|Palo Alto Networks|PAN-OS|" + version + "|end|TRAFFIC|1|" + strings.Join(edit(pairs, edits), " ")
}

// edit applies the edits of onbox to pairs.
func edit(pairs, edits []string) []string {
	for _, e := range edits {
		if key, cut := strings.CutPrefix(e, "-"); cut {
			pairs = slices.DeleteFunc(pairs, func(p string) bool { return strings.HasPrefix(p, key+"=") })
			continue
		}
		key, _, _ := strings.Cut(e, "=")
		if i := slices.IndexFunc(pairs, func(p string) bool { return strings.HasPrefix(p, key+"=") }); i >= 0 {
			pairs[i] = e
		} else {
			pairs = append(pairs, e)
		}
	}
	return pairs
}

// trimmed gives a short on-box record: a header, the least that a flow needs, and then some.
func trimmed(pairs string) string {
	return "CEF:0|Palo Alto Networks|PAN-OS|10.1.0|end|TRAFFIC|1|rt=Mar 02 2026 10:00:05 GMT src=10.20.0.5 dst=198.51.100.7" +
		strings.TrimRight(" "+pairs, " ")
}

// strata gives the session as Strata Logging Service forwards it.
func strata(edits ...string) string {
	pairs := []string{
		"ProfileToken=t0k3n", "dtz=UTC", "rt=Mar 02 2026 10:00:09", "deviceExternalId=007200009999",
		"start=Mar 02 2026 10:00:05", "PanOSConfigVersion=10.1", "PanOSIsDuplicateLog=false", "src=10.20.0.5",
		"dst=198.51.100.7", "cs1=web out", "cs1Label=Rule", "suser=nancy", "suser0=corp\\nancy", "suid=", "sntdom=corp",
		"app=ssl", "cs3=vsys1", "cs3Label=VirtualLocation", "cs4=inside", "cs4Label=FromZone", "cs5=outside",
		"cs5Label=ToZone", "cs6=siem", "cs6Label=LogSetting", "cn1=4242", "cn1Label=SessionID", "cnt=1", "spt=51724",
		"dpt=443", "proto=tcp", "act=allow", "PanOSBytes=5344", "out=633", "in=4711", "cn2=14", "cn2Label=PacketsTotal",
		"PanOSSessionStartTime=Mar 02 2026 09:59:34", "cn3=31", "cn3Label=SessionDuration", "cs2=any",
		"cs2Label=URLCategory", "externalId=7000000000000000001", "PanOSPacketsSent=6", "PanOSPacketsReceived=8",
		"reason=tcp-fin", "dvchost=fw-a", "cat=from-policy", "PanOSX-Forwarded-ForIP=",
		"PanOSSourceDynamicAddressGroup= blue_group", "PanOSTimeGeneratedHighResolution=Mar 02 2026 10:00:05",
	}
	return "CEF:0|Palo Alto Networks|LF|2.0|TRAFFIC|end|3|" + strings.Join(edit(pairs, edits), " ")
}

// native gives the session in PAN-OS's own format with so many fields. Edits are "index=value".
func native(fields int, edits ...string) string {
	f := make([]string, fields)
	known := []string{
		0: "1", 1: "2026/03/02 10:00:07", 2: "007200009999", 3: "TRAFFIC", 4: "end", 5: "2305", 6: "2026/03/02 10:00:05",
		7: "10.20.0.5", 8: "198.51.100.7", 9: "203.0.113.1", 10: "198.51.100.7", 11: "web out", 12: `corp\nancy`, 14: "ssl",
		15: "vsys1", 16: "inside", 17: "outside", 18: "ethernet1/1", 19: "ethernet1/2", 20: "siem", 21: "2026/03/02 10:00:07",
		22: "4242", 23: "1", 24: "51724", 25: "443", 26: "40001", 27: "443", 28: "0x40001c", 29: "tcp", 30: "allow",
		31: "5344", 32: "633", 33: "4711", 34: "14", 35: "2026/03/02 09:59:34", 36: "31", 37: "any", 38: "0",
		39: "7000000000000000001", 40: "0x0", 41: "10.0.0.0-10.255.255.255", 42: "Nowhere", 43: "0", 44: "6", 45: "8",
		46: "tcp-fin", 47: "11", 48: "0", 49: "0", 50: "0", 51: "main", 52: "fw-a", 53: "from-policy", 56: "0", 58: "0",
		60: "N/A", 61: "0", 62: "0", 63: "0", 64: "0", 65: "00000000-1111-2222-3333-444444444444", 66: "0",
		102: "2026-03-02T10:00:05.250+00:00", 105: "encrypted-tunnel", 106: "networking", 107: "browser-based", 108: "4",
		109: `"used-by-malware,able-to-transfer-file"`, 111: "ssl", 112: "no", 113: "no", 114: "0",
	}
	copy(f, known)
	for _, e := range edits {
		at, value, _ := strings.Cut(e, "=")
		i, err := strconv.Atoi(at)
		if err != nil || i >= fields {
			panic(fmt.Sprintf("BUG: edit %q of %d fields", e, fields))
		}
		f[i] = value
	}
	return strings.Join(f, ",")
}

// without gives a native record that lacks its leading field.
func without(line string) string {
	_, rest, _ := strings.Cut(line, ",")
	return rest
}
