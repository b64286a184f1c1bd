package synth

import "strings"

// The templates are custom log formats as an administrator pastes them into a
// firewall: text, and names of fields after a dollar sign. layout.go turns them
// into programs for the printer.

// cefHeader comes before the keys of every on-box record.
const cefHeader = "CEF:0|Palo Alto Networks|PAN-OS|$version|$subtype|TRAFFIC|1|"

// cefTemplate is the vendor's template for traffic records by level: each
// release has the keys of those before it.
func cefTemplate(level int) string {
	parts := []string{
		"rt=$receive_time_cef deviceExternalId=$serial src=$src dst=$dst sourceTranslatedAddress=$natsrc " +
			"destinationTranslatedAddress=$natdst cs1Label=Rule cs1=$rule suser=$srcuser duser= app=$app " +
			"cs3Label=Virtual System cs3=$vsys cs4Label=Source Zone cs4=$from cs5Label=Destination Zone cs5=$to " +
			"deviceInboundInterface=$inbound_if deviceOutboundInterface=$outbound_if cs6Label=LogProfile cs6=$logset " +
			"cn1Label=SessionID cn1=$sessionid cnt=$repeatcnt spt=$sport dpt=$dport sourceTranslatedPort=$natsport " +
			"destinationTranslatedPort=$natdport flexString1Label=Flags flexString1=$flags proto=$proto act=$action " +
			"flexNumber1Label=Total bytes flexNumber1=$bytes in=$bytes_sent out=$bytes_received cn2Label=Packets cn2=$packets " +
			"PanOSPacketsReceived=$pkts_received PanOSPacketsSent=$pkts_sent start=$time_generated_cef " +
			"cn3Label=Elapsed time in seconds cn3=$elapsed cs2Label=URL Category cs2=$category externalId=$seqno reason=$reason " +
			"PanOSDGl1=$dg1 PanOSDGl2=$dg2 PanOSDGl3=0 PanOSDGl4=0 PanOSVsysName=$vsys_name dvchost=$device_name cat=from-policy " +
			"PanOSActionFlags=$actionflags PanOSSrcUUID= PanOSDstUUID= PanOSTunnelID=0 PanOSMonitorTag= PanOSParentSessionID=0 " +
			"PanOSParentStartTime= PanOSTunnelType=N/A",
		"PanOSSCTPAssocID=0 PanOSSCTPChunks=0 PanOSSCTPChunkSent=0 PanOSSCTPChunksRcv=0 PanOSRuleUUID=$rule_uuid PanOSHTTP2Con=0",
		"PanLinkChange=0 PanPolicyID= PanLinkDetail= PanSDWANCluster= PanSDWANDevice= PanSDWANClustype= PanSDWANSite= PanDynamicUsrgrp=",
		"PanXFFIP= PanSrcDeviceCat= PanSrcDeviceProf= PanSrcDeviceModel= PanSrcDeviceVendor= PanSrcDeviceOS= PanSrcDeviceOSv= " +
			"PanSrcHostname=$src_host PanSrcMac=$src_mac PanDstDeviceCat= PanDstDeviceProf= PanDstDeviceModel= PanDstDeviceVendor= " +
			"PanDstDeviceOS= PanDstDeviceOSv= PanDstHostname= PanDstMac= PanContainerName= PanPODNamespace= PanPODName= PanSrcEDL= " +
			"PanDstEDL= PanGPHostID= PanEPSerial= PanSrcDAG= PanDstDAG= PanHASessionOwner= PanTimeHighRes=$high_res_timestamp " +
			"PanASServiceType= PanASServiceDiff=",
	}
	return strings.Join(parts[:level+1], " ")
}

// strataHeader comes before the keys of a Strata record.
const strataHeader = "CEF:0|Palo Alto Networks|LF|2.0|TRAFFIC|$subtype|3|"

// strataTemplate is what the Strata Logging Service sends: other directions of
// bytes, times without a zone, and the true start of the session.
const strataTemplate = "ProfileToken=synthetic dtz=UTC rt=$receive_time_strata deviceExternalId=$serial PanOSConfigVersion=$config_version " +
	"start=$time_generated_strata src=$src dst=$dst sourceTranslatedAddress=$natsrc destinationTranslatedAddress=$natdst " +
	"cs1=$rule cs1Label=Rule suser=$srcuser_name duser= suser0=$srcuser sntdom=$srcuser_domain suid= app=$app cs3=$vsys cs3Label=VirtualLocation " +
	"cs4=$from cs4Label=FromZone cs5=$to cs5Label=ToZone deviceInboundInterface=$inbound_if deviceOutboundInterface=$outbound_if " +
	"cs6=$logset cs6Label=LogSetting cn1=$sessionid cn1Label=SessionID cnt=$repeatcnt spt=$sport dpt=$dport " +
	"sourceTranslatedPort=$natsport destinationTranslatedPort=$natdport proto=$proto act=$action PanOSBytes=$bytes " +
	"out=$bytes_sent in=$bytes_received cn2=$packets cn2Label=PacketsTotal PanOSSessionStartTime=$start_strata cn3=$elapsed " +
	"cn3Label=SessionDuration cs2=$category cs2Label=URLCategory externalId=$seqno PanOSSourceLocation=$srcloc " +
	"PanOSDestinationLocation=$dstloc PanOSPacketsSent=$pkts_sent PanOSPacketsReceived=$pkts_received reason=$reason " +
	"PanOSDGHierarchyLevel1=$dg1 PanOSDGHierarchyLevel2=$dg2 PanOSDGHierarchyLevel3=0 PanOSDGHierarchyLevel4=0 " +
	"PanOSVirtualSystemName=$vsys_name dvchost=$device_name cat=from-policy PanOSSourceUUID= PanOSDestinationUUID= PanOSIMSI=0 " +
	"PanOSIMEI= PanOSParentSessionID=0 PanOSParentStarttime=Jan 01 1970 00:00:00 PanOSTunnel=N/A PanOSEndpointAssociationID=0 " +
	"PanOSChunksTotal=0 PanOSChunksSent=0 PanOSChunksReceived=0 PanOSRuleUUID=$rule_uuid PanOSHTTP2Connection=0 " +
	"PanOSLinkChangeCount=0 PanOSSDWANPolicyName= PanOSLinkSwitches= PanOSSDWANCluster= PanOSSDWANDeviceType= " +
	"PanOSSDWANClusterType= PanOSSDWANSite= PanOSDynamicUserGroupName= PanOSX-Forwarded-ForIP= PanOSSourceDeviceHost=$src_host " +
	"PanOSSourceDeviceMac=$src_mac PanOSDestinationDeviceHost= PanOSDestinationDeviceMac= PanOSContainerID= PanOSContainerName= " +
	"PanOSSourceEDL= PanOSDestinationEDL= PanOSGPHostID= PanOSEndpointSerialNumber= PanOSSourceDynamicAddressGroup= " +
	"PanOSDestinationDynamicAddressGroup= PanOSHASessionOwner= PanOSIsDuplicateLog=false PanOSIsEncrypted=false PanOSIsIPV6=false " +
	"PanOSApplicationCategory=$app_category PanOSApplicationSubcategory=$app_subcategory PanOSApplicationRisk=$app_risk " +
	"PanOSApplicationTechnology=$app_technology PanOSLogForwarded=true PanOSLogSource=firewall PanOSLogSourceTimeZoneOffset= " +
	"PanOSTimeGeneratedHighResolution=$time_generated_strata PanOSNSSAINetworkSliceType= PanOSNSSAINetworkSliceDifferentiator="

// csvTemplate is the native record with so many fields.
func csvTemplate(fields int) string {
	parts := []struct{ upTo, text string }{
		{"46", "1,$receive_time,$serial,TRAFFIC,$subtype,$tag,$time_generated,$src,$dst,$natsrc,$natdst,$rule,$srcuser,,$app,$vsys," +
			"$from,$to,$inbound_if,$outbound_if,$logset,$receive_time,$sessionid,$repeatcnt,$sport,$dport,$natsport,$natdport,$flags,$proto," +
			"$action,$bytes,$bytes_sent,$bytes_received,$packets,$start,$elapsed,$category,0,$seqno,$actionflags,$srcloc,$dstloc,0," +
			"$pkts_sent,$pkts_received"},
		{"65", ",$reason,$dg1,$dg2,0,0,$vsys_name,$device_name,from-policy,,,0,,0,,N/A,0,0,0,0"},
		{"67", ",$rule_uuid,0"},
		{"75", ",0,,,,,,,"},
		{"105", "," + strings.Repeat(",", 7) + "$src_host,$src_mac," + strings.Repeat(",", 18) + "$high_res_timestamp,,"},
		{"115", ",$app_subcategory,$app_category,$app_technology,$app_risk,$app_traits,,$app,$app_saas,no,0"},
		{"117", ",NonProxyTraffic,"},
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
		if commas := strings.Count(b.String(), ","); commas+1 >= fields {
			break
		}
	}
	return b.String()
}

// syslogHeader is what comes before a record.
func syslogHeader(p Prefix) string {
	switch p {
	case NoPrefix:
	case RFC3164:
		return "<14>$receive_time_bsd $device_name "
	case RFC5424:
		return "<14>1 $receive_time_iso $device_name - - - - "
	}
	return ""
}
