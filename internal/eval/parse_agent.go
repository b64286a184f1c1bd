package eval

import (
	"strings"

	"drumbeat/kql"
)

// agentMark finds a family by a mark in a user agent; the version stands behind it.
type agentMark struct{ mark, family string }

// browserMarks are looked for in order: many browsers name those before them.
var browserMarks = []agentMark{
	{"AdobeAIR/", "AdobeAIR"},
	{"Edg/", "Edge"},
	{"EdgA/", "Edge Mobile"},
	{"EdgiOS/", "Edge Mobile"},
	{"Edge/", "Edge"},
	{"OPR/", "Opera"},
	{"Vivaldi/", "Vivaldi"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"YaBrowser/", "Yandex Browser"},
	{"HeadlessChrome/", "HeadlessChrome"},
	{"CriOS/", "Chrome Mobile iOS"},
	{"FxiOS/", "Firefox iOS"},
	{"Chromium/", "Chromium"},
	{"Chrome/", "Chrome"},
	{"Firefox/", "Firefox"},
	{"MSIE ", "IE"},
	{"Trident/7.0", "IE"},
	{"Version/", "Safari"},
	{"Googlebot/", "Googlebot"},
	{"bingbot/", "bingbot"},
	{"curl/", "curl"},
	{"Wget/", "Wget"},
	{"python-requests/", "Python Requests"},
	{"Python-urllib/", "Python-urllib"},
	{"Go-http-client/", "Go-http-client"},
	{"okhttp/", "okhttp"},
	{"PostmanRuntime/", "PostmanRuntime"},
	{"Java/", "Java"},
}

// windowsVersions are the releases behind the numbers of Windows NT.
var windowsVersions = map[string]string{
	"10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista", "5.2": "XP", "5.1": "XP", "5.0": "2000",
}

// osMarks are looked for in order.
var osMarks = []agentMark{
	{"Windows Phone ", "Windows Phone"},
	{"CPU iPhone OS ", "iOS"},
	{"CPU OS ", "iOS"},
	{"Mac OS X ", "Mac OS X"},
	{"Android ", "Android"},
	{"SymbianOS/", "Symbian OS"},
	{"CrOS ", "Chrome OS"},
	{"Ubuntu", "Ubuntu"},
	{"Fedora", "Fedora"},
	{"Linux", "Linux"},
}

// parseUserAgent gives the browser, the operating system and the device that a user agent tells of. The service has a
// great list of patterns that is not published; here are the common ones, and others have the family "Other".
func parseUserAgent(_ *Env, _ kql.Type, args []Value) Value {
	s, ok := textOf(args[0])
	if !ok {
		return nullDynamic()
	}
	bag := newBag(3)
	if wanted(args, "browser") {
		family, version := findMark(s, browserMarks)
		if strings.Contains(s, "Trident/7.0") && family == "IE" && !strings.Contains(s, "MSIE ") {
			version = versionParts("11.0")
		}
		if family == "Safari" && strings.Contains(s, "Mobile/") {
			family = "Mobile Safari"
		}
		bag.set("Browser", textBag("Family", family, "MajorVersion", version[0], "MinorVersion", version[1], "Patch", version[2]).value())
	}
	if wanted(args, "os") {
		family, version := findOS(s)
		bag.set("OperatingSystem", textBag("Family", family, "MajorVersion", version[0], "MinorVersion", version[1],
			"Patch", version[2], "PatchMinor", version[3]).value())
	}
	if wanted(args, "device") {
		family, brand := findDevice(s)
		bag.set("Device", textBag("Family", family, "Brand", brand, "Model", strings.TrimPrefix(family, brand+" ")).value())
	}
	return bag.value()
}

func findMark(s string, marks []agentMark) (family string, version [4]string) {
	for _, m := range marks {
		if at := strings.Index(s, m.mark); at >= 0 {
			return m.family, versionParts(s[at+len(m.mark):])
		}
	}
	return "Other", version
}

// versionParts reads numbers with dots or underscores between them.
func versionParts(s string) (parts [4]string) {
	for i := range parts {
		n := len(s) - len(strings.TrimLeft(s, "0123456789"))
		parts[i], s = s[:n], s[n:]
		if n == 0 || s == "" || s[0] != '.' && s[0] != '_' {
			break
		}
		s = s[1:]
	}
	return parts
}

func findOS(s string) (family string, version [4]string) {
	const nt = "Windows NT "
	_, after, ok := strings.Cut(s, nt)
	if !ok {
		return findMark(s, osMarks)
	}
	v := versionParts(after)
	if release, minor, _ := strings.Cut(windowsVersions[v[0]+"."+v[1]], "."); release != "" {
		return "Windows", [4]string{release, minor}
	}
	return "Windows", v
}

func findDevice(s string) (family, brand string) {
	for _, d := range []agentMark{{"iPhone", "Apple"}, {"iPad", "Apple"}, {"iPod", "Apple"}, {"Macintosh", "Apple"}} {
		if strings.Contains(s, d.mark) {
			if d.mark == "Macintosh" {
				return "Mac", d.family
			}
			return d.mark, d.family
		}
	}
	return "Other", ""
}
