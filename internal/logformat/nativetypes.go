package logformat

import "slices"

// nativeColumn maps a field of a native record to the column that the published CEF template of its type gives it, or to
// the key under which that template puts it among the other extensions.
type nativeColumn struct {
	field int
	col   column
	label string
	extra string
}

// nativeTable is how the records of one type of PAN-OS's own format are mapped.
type nativeTable struct {
	name     string
	columns  []nativeColumn
	severity int // the field with the severity's name, or 0
}

// nativeTables are the types; the last is for all others. New versions of PAN-OS append fields, so that numbers stay.
var nativeTables = [...]*nativeTable{
	{name: "TRAFFIC", columns: csvColumns[:]},
	{name: "THREAT", columns: threatColumns, severity: 34},
	{name: "SYSTEM", columns: systemColumns, severity: 13},
	{name: "CONFIG", columns: configColumns},
	{columns: otherColumns},
}

const nativeOther = len(nativeTables) - 1

// threatColumns are those of THREAT records: threats, URLs, files and data.
var threatColumns = append(slices.Clip(otherColumns), []nativeColumn{
	{field: 7, col: text("SourceIP")},
	{field: 8, col: text("DestinationIP")},
	{field: 9, col: text("SourceTranslatedAddress")},
	{field: 10, col: text("DestinationTranslatedAddress")},
	{field: 11, col: text("DeviceCustomString1"), label: "Rule"},
	{field: 12, col: typed("SourceUserName", typeUser)},
	{field: 13, col: typed("DestinationUserName", typeUser)},
	{field: 14, col: text("ApplicationProtocol")},
	{field: 15, col: text("DeviceCustomString3"), label: "Virtual System"},
	{field: 16, col: text("DeviceCustomString4"), label: "Source Zone"},
	{field: 17, col: text("DeviceCustomString5"), label: "Destination Zone"},
	{field: 18, col: text("DeviceInboundInterface")},
	{field: 19, col: text("DeviceOutboundInterface")},
	{field: 20, col: text("DeviceCustomString6"), label: "LogProfile"},
	{field: 22, col: typed("DeviceCustomNumber1", typeInt), label: "SessionID"},
	{field: 23, col: typed("EventCount", typeInt)},
	{field: 24, col: typed("SourcePort", typePort)},
	{field: 25, col: typed("DestinationPort", typePort)},
	{field: 26, col: typed("SourceTranslatedPort", typePort)},
	{field: 27, col: typed("DestinationTranslatedPort", typePort)},
	{field: 28, col: text("FlexString1"), label: "Flags"},
	{field: 29, col: text("Protocol")},
	{field: 30, col: text("DeviceAction")},
	{field: 31, col: text("RequestURL")},
	{field: 32, col: text("DeviceEventCategory")},
	{field: 33, col: text("DeviceCustomString2"), label: "URL Category"},
	{field: 35, col: text("FlexString2"), label: "Direction"},
	{field: 36, col: text("ExtID")},
	{field: 37, extra: "PanOSActionFlags"},
	{field: 42, col: text("FileID")},
	{field: 43, col: text("FileHash")},
	{field: 46, col: text("RequestClientApplication")},
	{field: 47, col: text("FileType")},
	{field: 49, col: text("RequestContext")},
	{field: 54, extra: "PanOSDGl1"},
	{field: 55, extra: "PanOSDGl2"},
	{field: 56, extra: "PanOSDGl3"},
	{field: 57, extra: "PanOSDGl4"},
	{field: 58, extra: "PanOSVsysName"},
	{field: 59, col: text("DeviceName")},
	{field: 61, extra: "PanOSSrcUUID"},
	{field: 62, extra: "PanOSDstUUID"},
	{field: 63, col: text("RequestMethod")},
	{field: 64, extra: "PanOSTunnelID"},
	{field: 69, extra: "PanOSThreatCategory"},
	{field: 70, extra: "PanOSContentVer"},
}...)

// systemColumns are those of SYSTEM records.
var systemColumns = append(slices.Clip(otherColumns), []nativeColumn{
	{field: 7, col: text("DeviceCustomString3"), label: "Virtual System"},
	{field: 8, col: text("DeviceEventCategory")},
	{field: 9, col: text("FileName")},
	{field: 12, col: text("FlexString2"), label: "Module"},
	{field: 14, col: text("Message")},
	{field: 15, col: text("ExtID")},
	{field: 16, extra: "PanOSActionFlags"},
	{field: 17, extra: "PanOSDGl1"},
	{field: 18, extra: "PanOSDGl2"},
	{field: 19, extra: "PanOSDGl3"},
	{field: 20, extra: "PanOSDGl4"},
	{field: 21, extra: "PanOSVsysName"},
	{field: 22, col: text("DeviceName")},
}...)

// configColumns are those of CONFIG records without the two optional fields of details.
var configColumns = append(slices.Clip(otherColumns), []nativeColumn{
	{field: 7, col: text("SourceHostName")},
	{field: 8, col: text("DeviceCustomString3"), label: "Virtual System"},
	{field: 9, col: text("DeviceAction")},
	{field: 10, col: typed("DestinationUserName", typeUser)},
	{field: 11, col: text("DestinationServiceName")},
	{field: 12, col: text("EventOutcome")},
	{field: 13, col: text("Message")},
}...)

// otherColumns are those that records of all types share.
var otherColumns = []nativeColumn{
	{field: 1, col: text("ReceiptTime")},
	{field: 2, col: text("DeviceExternalID")},
	{field: 4, col: text("DeviceEventClassID")},
	{field: 6, col: typed("StartTime", typeTime)},
}
