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
		return ""
	}
	return "did you mean " + best + "?"
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
