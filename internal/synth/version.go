package synth

// version is a release of PAN-OS: what it calls itself, and how much it logs.
type version struct {
	name   string
	full   string // as in the header
	fields int    // of a native CSV record
	tag    string // sixth field of native CSV
	level  int    // of the CEF template, see cefTemplate
}

func versionTable() []version {
	return []version{
		{"6.0", "6.0.12", 46, "1", 0},
		{"8.1", "8.1.15-h3", 65, "2049", 0},
		{"9.0", "9.0.16", 67, "2304", 1},
		{"9.1", "9.1.14", 75, "2305", 2},
		{"10.0", "10.0.12", 105, "2560", 3},
		{"10.1", "10.1.11", 115, "2561", 3},
		{"10.2", "10.2.9-h1", 115, "2562", 3},
		{"11.1", "11.1.4-h7", 117, "2817", 3},
	}
}

// Mixed is the Version of a World whose firewalls run different ones.
const Mixed = "mixed"

// Versions lists the versions of PAN-OS, and [Mixed]. Native CSV has "6.0" as
// well, for the short records of old firewalls.
func Versions() []string { return []string{"8.1", "9.0", "9.1", "10.0", "10.1", "10.2", "11.1", Mixed} }

// versionOf is what the i-th firewall runs.
func versionOf(w World, i int) version {
	table := versionTable()
	for _, v := range table {
		if v.name == w.Version {
			return v
		}
	}
	current := table[1:]
	return current[(i*3+int(w.Seed%7)+2)%len(current)]
}
