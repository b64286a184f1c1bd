package plan

import "strings"

// hint asks whether another name was meant, or is "".
func hint(word string, known []string) string {
	best, least := "", 100
	if len(word) > 60 {
		return ""
	}
	lower := strings.ToLower(word)
	for _, name := range known {
		slips := 2
		if len(name) <= 5 {
			slips = len(name) / 3
		}
		if d := len(name) - len(word); d > slips || -d > slips {
			continue
		}
		if d := distance(lower, strings.ToLower(name)); d <= slips && (d < least || d == least && name < best) {
			best, least = name, d
		}
	}
	if best == "" {
		best = longer(lower, known)
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// longer gives the shortest name that a word abbreviates: one that begins with it, or else one that begins with the same
// letter and has the others in their order, as DestinationPort has those of DestPort.
func longer(lower string, known []string) string {
	best, begins := "", false
	for _, name := range known {
		n := strings.ToLower(name)
		starts := len(lower) >= 3 && strings.HasPrefix(n, lower)
		if !starts && (begins || len(lower) < 5 || len(n) > 2*len(lower) || !abbreviates(lower, n)) {
			continue
		}
		better := best == "" || starts && !begins || len(name) < len(best) || len(name) == len(best) && name < best
		if better {
			best, begins = name, starts
		}
	}
	return best
}

// abbreviates reports whether a name begins as a word does and has the letters of it in their order.
func abbreviates(word, name string) bool {
	if word == "" || name == "" || word[0] != name[0] {
		return false
	}
	for i := range len(name) {
		if word != "" && name[i] == word[0] {
			word = word[1:]
		}
	}
	return word == ""
}

// distance counts the letters to change, add or drop to make one word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, cost)
		}
	}
	return row[len(b)]
}
