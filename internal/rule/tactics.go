package rule

import (
	"slices"
	"strings"
)

// tacticTechniques are the tactics as Sentinel writes them, with the techniques that ATT&CK has under each: those for
// enterprises; a sub-technique has the tactics of its technique. Tactics without techniques here take any.
var tacticTechniques = [][2]string{
	{"Reconnaissance", "T1589 T1590 T1591 T1592 T1593 T1594 T1595 T1596 T1597 T1598"},
	{"ResourceDevelopment", "T1583 T1584 T1585 T1586 T1587 T1588 T1608 T1650"},
	{"InitialAccess", "T1078 T1091 T1133 T1189 T1190 T1195 T1199 T1200 T1566 T1659"},
	{"Execution", "T1047 T1053 T1059 T1072 T1106 T1129 T1203 T1204 T1559 T1569 T1609 T1610 T1648 T1651"},
	{"Persistence", "T1037 T1053 T1078 T1098 T1112 T1133 T1136 T1137 T1176 T1197 T1205 T1505 T1525 T1542 T1543 T1546 T1547 T1554 " +
		"T1556 T1574 T1653"},
	{"PrivilegeEscalation", "T1037 T1053 T1055 T1068 T1078 T1098 T1134 T1484 T1543 T1546 T1547 T1548 T1574 T1611"},
	{"DefenseEvasion", "T1006 T1014 T1027 T1036 T1055 T1070 T1078 T1112 T1127 T1134 T1140 T1197 T1202 T1205 T1207 T1211 T1216 T1218 " +
		"T1220 T1221 T1222 T1480 T1484 T1497 T1535 T1542 T1548 T1550 T1553 T1556 T1562 T1564 T1574 T1578 T1599 T1600 T1601 T1610 " +
		"T1612 T1620 T1622 T1647 T1656"},
	{"CredentialAccess", "T1003 T1040 T1056 T1110 T1111 T1187 T1212 T1528 T1539 T1552 T1555 T1556 T1557 T1558 T1606 T1621 T1649"},
	{"Discovery", "T1007 T1010 T1012 T1016 T1018 T1033 T1040 T1046 T1049 T1057 T1069 T1082 T1083 T1087 T1120 T1124 T1135 T1201 T1217 " +
		"T1482 T1497 T1518 T1526 T1538 T1580 T1613 T1614 T1615 T1619 T1622 T1652 T1654"},
	{"LateralMovement", "T1021 T1072 T1080 T1091 T1210 T1534 T1550 T1563 T1570"},
	{"Collection", "T1005 T1025 T1039 T1056 T1074 T1113 T1114 T1115 T1119 T1123 T1125 T1185 T1213 T1530 T1557 T1560 T1602"},
	{"CommandAndControl", "T1001 T1008 T1071 T1090 T1092 T1095 T1102 T1104 T1105 T1132 T1205 T1219 T1568 T1571 T1572 T1573 T1659 T1665"},
	{"Exfiltration", "T1011 T1020 T1029 T1030 T1041 T1048 T1052 T1537 T1567"},
	{"Impact", "T1485 T1486 T1489 T1490 T1491 T1495 T1496 T1498 T1499 T1529 T1531 T1561 T1565 T1657"},
	{"PreAttack", ""},
	{"ImpairProcessControl", ""},
	{"InhibitResponseFunction", ""},
}

func tacticNames() []string {
	names := make([]string, len(tacticTechniques))
	for i, t := range tacticTechniques {
		names[i] = t[0]
	}
	return names
}

// tacticsOf gives the tactics of a technique, or none of one that is not known.
func tacticsOf(technique string) []string {
	base, _, _ := strings.Cut(technique, ".")
	var out []string
	for _, t := range tacticTechniques {
		if slices.Contains(strings.Fields(t[1]), base) {
			out = append(out, t[0])
		}
	}
	return out
}

func (d *reader) tactics() {
	tactics := d.namesOf("tactics")
	sure := true // whether techniques can be held against the tactics
	for _, n := range tactics {
		sure = d.tactic(n) && sure
	}
	d.r.Tactics = texts(tactics)
	techniques := d.namesOf("relevantTechniques")
	d.r.Techniques = texts(techniques)
	for _, n := range techniques {
		name := text(n)
		if !techniqueForm.MatchString(name) {
			d.warn(CodeValue, n.span, "", "a technique is written T1071 or T1071.001, not %q", name)
			continue
		}
		of := tacticsOf(name)
		if sure && len(of) > 0 && !slices.ContainsFunc(of, func(t string) bool { return slices.Contains(d.r.Tactics, t) }) {
			d.warn(CodeValue, n.span, "add a tactic, or take the technique out",
				"%s is a technique of %s, which tactics does not list", name, strings.Join(of, ", "))
		}
	}
}

// namesOf gives the names of a list. Names with commas that stand there without one are told of, and taken apart.
func (d *reader) namesOf(key string) []*node {
	list := d.list(key)
	n := d.root.get(key)
	if !n.scalar() || len(list) == 0 {
		return list
	}
	list = nil
	at := 0
	for part := range strings.SplitSeq(n.text, ",") {
		if name := strings.TrimSpace(part); name != "" {
			one := textNode(name)
			one.span = locate(d.f.Text, n).part(at+strings.Index(part, name), len(name))
			list = append(list, one)
		}
		at += len(part) + 1
	}
	d.warn(CodeValue, n.span, "write "+key+": ["+strings.Join(texts(list), ", ")+"]", "%s must be a list", key)
	return list
}

// tactic checks a name, and reports whether it is one that says what techniques may go with it.
func (d *reader) tactic(n *node) bool {
	name, names := text(n), tacticNames()
	if i := slices.Index(names, name); i >= 0 {
		return tacticTechniques[i][1] != ""
	}
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer(" ", "", "\t", "", "-", "", "_", "", "&", "and").Replace(s))
	}
	hint := "there are " + strings.Join(names, ", ")
	if near := nearest(plain(name), names); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.warn(CodeValue, n.span, hint, "there is no tactic %q", name)
	return false
}
