package rule

import "strings"

// nearest gives the candidate that a mistyped word most likely stands for, or "".
func nearest(word string, candidates []string) string {
	const longest = 64
	if word == "" || len(word) > longest {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return abbreviated(word, candidates)
	}
	return best
}

// abbreviated gives the shortest candidate that a word leaves out letters of, as SrcIP does of SourceIP, or "".
func abbreviated(word string, candidates []string) string {
	const least, most = 3, 3 // letters of the word, and how many times longer a candidate may be
	best := ""
	for _, c := range candidates {
		if len(word) >= least && len(c) <= most*len(word) && (best == "" || len(c) < len(best)) && leavesOut(strings.ToLower(word), strings.ToLower(c)) {
			best = c
		}
	}
	return best
}

// leavesOut reports whether a word has letters of another in their order, the first among them.
func leavesOut(word, other string) bool {
	if other == "" || word[0] != other[0] {
		return false
	}
	for i := range len(other) {
		if word != "" && word[0] == other[i] {
			word = word[1:]
		}
	}
	return word == ""
}

// distance counts the letters to change, leave out or add.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
