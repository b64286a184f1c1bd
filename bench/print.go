package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// headings are the columns of a file's table; base is what the ratios are to.
func headings(base string) []string {
	return []string{
		"wall s", "median", "CPU s", "median", "wall/" + base, "CPU/" + base, "wall/drumbeat", "CPU/drumbeat", "memory",
	}
}

// cells are a row's values under the headings.
func (r *row) cells() []string {
	return []string{
		seconds(r.Wall.Best), seconds(r.Wall.Median), seconds(r.CPU.Best), seconds(r.CPU.Median),
		ratio(r.Ratios.WallToBase), ratio(r.Ratios.CPUToBase), ratio(r.Ratios.WallToDrumbeat),
		ratio(r.Ratios.CPUToDrumbeat), r.memory(),
	}
}

func (r *row) memory() string {
	if r.AtMost {
		return "< " + megabytes(r.RSS)
	}
	return megabytes(r.RSS)
}

// seconds has three digits that count.
func seconds(s float64) string {
	switch {
	case s < 10:
		return strconv.FormatFloat(s, 'f', 3, 64)
	case s < 100:
		return strconv.FormatFloat(s, 'f', 2, 64)
	}
	return strconv.FormatFloat(s, 'f', 1, 64)
}

func ratio(r float64) string {
	switch {
	case r == 0:
		return "-"
	case r < 10:
		return strconv.FormatFloat(r, 'f', 2, 64)
	case r < 100:
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return strconv.FormatFloat(r, 'f', 0, 64)
}

func megabytes(n int64) string { return strconv.FormatInt((n+500_000)/1_000_000, 10) + " MB" }

// size is a number of bytes for people: 2.25 GB, 107 MB.
func size(n int64) string {
	if n >= 1_000_000_000 {
		return strconv.FormatFloat(float64(n)/1e9, 'f', 2, 64) + " GB"
	}
	return megabytes(n)
}

// thousands parts a number by commas.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// heading says what a file is.
func (f *fileResult) heading() string {
	return fmt.Sprintf("%s: %s lines, %s", f.Title, thousands(f.Lines), size(f.Bytes))
}

// writeText prints the result for a terminal.
func (r *result) writeText(w io.Writer) error {
	var b strings.Builder
	for i := range r.Files {
		f := &r.Files[i]
		lines := [][]string{append([]string{""}, headings(f.Base)...)}
		for j := range f.Rows {
			lines = append(lines, append([]string{f.Rows[j].What}, f.Rows[j].cells()...))
		}
		b.WriteString(f.heading() + "\n")
		align(&b, lines, "  ")
		b.WriteByte('\n')
	}
	for _, line := range r.about() {
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// align writes a table: the first column on the left, the others on the right.
func align(b *strings.Builder, lines [][]string, indent string) {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		text := strings.Builder{}
		text.WriteString(indent)
		for i, cell := range line {
			fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				text.WriteString(cell + fill)
			} else {
				text.WriteString("  " + fill + cell)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}

// writeMarkdown prints the result for a README.
func (r *result) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	for i := range r.Files {
		f := &r.Files[i]
		b.WriteString("**" + f.heading() + "**\n\n")
		markdownLine(&b, append([]string{""}, headings(f.Base)...))
		b.WriteString("|---" + strings.Repeat("|---:", len(headings(""))) + "|\n")
		for j := range f.Rows {
			what := "`" + f.Rows[j].What + "`"
			if f.Rows[j].Own {
				what = "**" + what + "**"
			}
			markdownLine(&b, append([]string{what}, f.Rows[j].cells()...))
		}
		b.WriteByte('\n')
	}
	for _, line := range r.about() {
		b.WriteString("- " + line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownLine(b *strings.Builder, cells []string) {
	for _, cell := range cells {
		b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
	}
	b.WriteString("|\n")
}

// about says how the figures came to be.
func (r *result) about() []string {
	m := r.Machine
	all := []string{
		fmt.Sprintf("%s; %d cores, %s, %s memory, %s; load average %.1f before and %.1f after",
			r.Date, m.Cores, m.CPU, size(m.Memory), m.System, r.Load[0], r.Load[1]),
		strings.Join(r.Versions, "; "),
		fmt.Sprintf("Whole processes on the same file in the page cache, taking turns; best and median of %d rounds, "+
			"ratios of the best. CPU is user and system time. The logs are synthetic.", r.Rounds),
	}
	if r.Load[0] > 1 || r.Load[1] > float64(m.Cores)+1 {
		all = append(all, "Other work ran on this machine meanwhile: trust CPU more than wall times.")
	}
	return append(all, r.Notes...)
}
