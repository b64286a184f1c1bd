package logformat

// columnType says how a CommonSecurityLog column is typed.
type columnType uint8

const (
	typeText columnType = iota
	typeUser            // text whose backslashes are a domain's, see unescapeUser
	typePort            // int, 0 … 65535
	typeInt             // int, 32 bits
	typeLong
	typeTime
	typeReal
)

// column is a CommonSecurityLog column that a CEF key fills.
type column struct {
	name string
	typ  columnType
	// want is the slot that the parser keeps the value's place in, or noWant.
	want want
}

// want numbers the values that the fast path locates.
type want int8

// The values that a row needs, whatever the format calls them.
const (
	wantHighRes want = iota
	wantStart
	wantReceipt
	wantSrc
	wantDst
	wantSrc6
	wantDst6
	wantDstPort
	wantIn
	wantOut
	wantDevice
	wantUserID
	wantCount
	noWant want = -1
)

// lookupKey finds the column of a CEF extension key. Keys are compared without regard to case, and the names that
// admins and relays put in place of the dictionary's are known as well.
func lookupKey(key []byte) (column, bool) {
	var lower [40]byte
	if len(key) > len(lower) {
		return column{}, false
	}
	for i, c := range key {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	c, ok := cefColumns[string(lower[:len(key)])]
	return c, ok
}

// wantOf gives the slot of a key, or noWant.
func wantOf(key []byte) want {
	if c, ok := lookupKey(key); ok {
		return c.want
	}
	return noWant
}

func text(name string) column { return column{name: name, typ: typeText, want: noWant} }

func typed(name string, typ columnType) column { return column{name: name, typ: typ, want: noWant} }

func wanted(name string, typ columnType, w want) column { return column{name: name, typ: typ, want: w} }

// cefColumns maps CEF keys, in lower case, to CommonSecurityLog columns: the CEF dictionary by Microsoft's field
// mapping, then the other names seen in trimmed templates. Keys that are not here go to AdditionalExtensions.
var cefColumns = map[string]column{
	"rt":         wanted("ReceiptTime", typeText, wantReceipt),
	"start":      wanted("StartTime", typeTime, wantStart),
	"end":        typed("EndTime", typeTime),
	"src":        wanted("SourceIP", typeText, wantSrc),
	"dst":        wanted("DestinationIP", typeText, wantDst),
	"spt":        typed("SourcePort", typePort),
	"dpt":        wanted("DestinationPort", typePort, wantDstPort),
	"in":         wanted("ReceivedBytes", typeLong, wantIn),
	"out":        wanted("SentBytes", typeLong, wantOut),
	"dvchost":    wanted("DeviceName", typeText, wantDevice),
	"suid":       wanted("SourceUserID", typeUser, wantUserID),
	"suser":      typed("SourceUserName", typeUser),
	"duser":      typed("DestinationUserName", typeUser),
	"duid":       typed("DestinationUserID", typeUser),
	"spriv":      text("SourceUserPrivileges"),
	"dpriv":      text("DestinationUserPrivileges"),
	"sntdom":     typed("SourceNTDomain", typeUser),
	"dntdom":     typed("DestinationNTDomain", typeUser),
	"shost":      text("SourceHostName"),
	"dhost":      text("DestinationHostName"),
	"smac":       text("SourceMACAddress"),
	"dmac":       text("DestinationMACAddress"),
	"sproc":      text("SourceProcessName"),
	"dproc":      text("DestinationProcessName"),
	"spid":       typed("SourceProcessId", typeInt),
	"dpid":       typed("DestinationProcessId", typeInt),
	"app":        text("ApplicationProtocol"),
	"proto":      text("Protocol"),
	"act":        text("DeviceAction"),
	"cat":        text("DeviceEventCategory"),
	"cnt":        typed("EventCount", typeInt),
	"reason":     text("Reason"),
	"msg":        text("Message"),
	"outcome":    text("EventOutcome"),
	"externalid": text("ExtID"),
	"request":    text("RequestURL"),
	"fname":      text("FileName"),
	"filepath":   text("FilePath"),
	"filehash":   text("FileHash"),
	"fileid":     text("FileID"),
	"filetype":   text("FileType"),
	"fsize":      typed("FileSize", typeInt),
	"dvc":        text("DeviceAddress"),
	"dvcmac":     text("DeviceMacAddress"),
	"dvcpid":     typed("ProcessID", typeInt),
	"dtz":        text("DeviceTimeZone"),

	"devicefacility":               text("DeviceFacility"),
	"deviceexternalid":             text("DeviceExternalID"),
	"deviceinboundinterface":       text("DeviceInboundInterface"),
	"deviceoutboundinterface":      text("DeviceOutboundInterface"),
	"devicedirection":              text("CommunicationDirection"),
	"sourcetranslatedaddress":      text("SourceTranslatedAddress"),
	"destinationtranslatedaddress": text("DestinationTranslatedAddress"),
	"sourcetranslatedport":         typed("SourceTranslatedPort", typePort),
	"destinationtranslatedport":    typed("DestinationTranslatedPort", typePort),
	"destinationservicename":       text("DestinationServiceName"),
	"sourceservicename":            text("SourceServiceName"),
	"destinationdnsdomain":         text("DestinationDnsDomain"),
	"sourcednsdomain":              text("SourceDnsDomain"),
	"requestclientapplication":     text("RequestClientApplication"),
	"requestcontext":               text("RequestContext"),
	"requestmethod":                text("RequestMethod"),
	"requestcookies":               text("RequestCookies"),

	"cs1": text("DeviceCustomString1"), "cs1label": text("DeviceCustomString1Label"),
	"cs2": text("DeviceCustomString2"), "cs2label": text("DeviceCustomString2Label"),
	"cs3": text("DeviceCustomString3"), "cs3label": text("DeviceCustomString3Label"),
	"cs4": text("DeviceCustomString4"), "cs4label": text("DeviceCustomString4Label"),
	"cs5": text("DeviceCustomString5"), "cs5label": text("DeviceCustomString5Label"),
	"cs6": text("DeviceCustomString6"), "cs6label": text("DeviceCustomString6Label"),
	"cn1": typed("DeviceCustomNumber1", typeInt), "cn1label": text("DeviceCustomNumber1Label"),
	"cn2": typed("DeviceCustomNumber2", typeInt), "cn2label": text("DeviceCustomNumber2Label"),
	"cn3": typed("DeviceCustomNumber3", typeInt), "cn3label": text("DeviceCustomNumber3Label"),
	"flexstring1": text("FlexString1"), "flexstring1label": text("FlexString1Label"),
	"flexstring2": text("FlexString2"), "flexstring2label": text("FlexString2Label"),
	"flexnumber1": typed("FlexNumber1", typeInt), "flexnumber1label": text("FlexNumber1Label"),
	"flexnumber2": typed("FlexNumber2", typeInt), "flexnumber2label": text("FlexNumber2Label"),
	"c6a1": text("DeviceCustomIPv6Address1"), "c6a1label": text("DeviceCustomIPv6Address1Label"),
	"c6a2": wanted("DeviceCustomIPv6Address2", typeText, wantSrc6), "c6a2label": text("DeviceCustomIPv6Address2Label"),
	"c6a3": wanted("DeviceCustomIPv6Address3", typeText, wantDst6), "c6a3label": text("DeviceCustomIPv6Address3Label"),
	"c6a4": text("DeviceCustomIPv6Address4"), "c6a4label": text("DeviceCustomIPv6Address4Label"),

	"cfp1": typed("DeviceCustomFloatingPoint1", typeReal), "cfp1label": text("DeviceCustomFloatingPoint1Label"),
	"cfp2": typed("DeviceCustomFloatingPoint2", typeReal), "cfp2label": text("DeviceCustomFloatingPoint2Label"),
	"cfp3": typed("DeviceCustomFloatingPoint3", typeReal), "cfp3label": text("DeviceCustomFloatingPoint3Label"),
	"cfp4": typed("DeviceCustomFloatingPoint4", typeReal), "cfp4label": text("DeviceCustomFloatingPoint4Label"),

	"devicecustomdate1": text("DeviceCustomDate1"), "devicecustomdate1label": text("DeviceCustomDate1Label"),
	"devicecustomdate2": text("DeviceCustomDate2"), "devicecustomdate2label": text("DeviceCustomDate2Label"),
	"flexdate1": text("FlexDate1"), "flexdate1label": text("FlexDate1Label"),
	"devicednsdomain":         text("DeviceDnsDomain"),
	"devicentdomain":          text("DeviceNtDomain"),
	"devicepayloadid":         text("DevicePayloadId"),
	"deviceprocessname":       text("ProcessName"),
	"devicetranslatedaddress": text("DeviceTranslatedAddress"),
	"filecreatetime":          text("FileCreateTime"),
	"filemodificationtime":    text("FileModificationTime"),
	"filepermission":          text("FilePermission"),
	"oldfilecreatetime":       text("OldFileCreateTime"),
	"oldfilehash":             text("OldFileHash"),
	"oldfileid":               text("OldFileID"),
	"oldfilemodificationtime": text("OldFileModificationTime"),
	"oldfilename":             text("OldFileName"),
	"oldfilepath":             text("OldFilePath"),
	"oldfilepermission":       text("OldFilePermission"),
	"oldfilesize":             typed("OldFileSize", typeInt),
	"oldfiletype":             text("OldFileType"),

	"pantimehighres":                   wanted("", typeText, wantHighRes),
	"panostimegeneratedhighresolution": wanted("", typeText, wantHighRes),

	"sourceip":               wanted("SourceIP", typeText, wantSrc),
	"srcip":                  wanted("SourceIP", typeText, wantSrc),
	"destinationip":          wanted("DestinationIP", typeText, wantDst),
	"dstip":                  wanted("DestinationIP", typeText, wantDst),
	"sourceport":             typed("SourcePort", typePort),
	"destinationport":        wanted("DestinationPort", typePort, wantDstPort),
	"applicationprotocol":    text("ApplicationProtocol"),
	"transportprotocol":      text("Protocol"),
	"protocol":               text("Protocol"),
	"simplifieddeviceaction": text("SimplifiedDeviceAction"),
	"deviceaction":           text("DeviceAction"),
	"total_in":               wanted("ReceivedBytes", typeLong, wantIn),
	"total_out":              wanted("SentBytes", typeLong, wantOut),
	"receivedbytes":          wanted("ReceivedBytes", typeLong, wantIn),
	"sentbytes":              wanted("SentBytes", typeLong, wantOut),
	"devicename":             wanted("DeviceName", typeText, wantDevice),
	"sourceusername":         typed("SourceUserName", typeUser),
	"sourceuserid":           wanted("SourceUserID", typeUser, wantUserID),
}
