package kql

import "strings"

// looksLike reports whether a word was most likely meant to be another: the same in other letters, or with a slip or
// two.
func looksLike(word, meant string) bool {
	if strings.EqualFold(word, meant) {
		return true
	}
	if len(word) > 40 {
		return false
	}
	return distance(strings.ToLower(word), meant) <= allowedSlips(meant)
}

func allowedSlips(word string) int {
	switch n := len(word); {
	case n <= 3:
		return 0
	case n <= 5:
		return 1
	default:
		return 2
	}
}

// closest gives the word of a set that is nearest to what was written, or "".
func closest[V any](word string, known map[string]V) string {
	best, least := "", 100
	if len(word) > 40 {
		return ""
	}
	lower := strings.ToLower(word)
	for candidate := range known {
		d := distance(lower, strings.ToLower(candidate))
		if d > allowedSlips(candidate) {
			continue
		}
		if d < least || d == least && candidate < best {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the letters to change, add, drop or swap with their neighbour to make one word of the other.
func distance(a, b string) int {
	prev2, prev := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, row
	}
	return prev[len(b)]
}
