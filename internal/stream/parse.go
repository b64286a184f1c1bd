package stream

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"drumbeat/internal/eval"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// matcher finds the texts of a pattern's columns, or nothing.
type matcher func(text string, found []string) bool

func (x *exec) parse(op *plan.Parse, extra int) (*node, error) {
	var cols []plan.Column // the new ones, in the order of the pattern
	byID := map[int]plan.Column{}
	for _, c := range op.Cols {
		byID[c.ID] = c
	}
	for _, p := range op.Pattern {
		if p.Col != 0 {
			cols = append(cols, byID[p.Col])
		}
	}
	in, err := x.compile(op.Input, extra+len(cols))
	if err != nil {
		return nil, err
	}
	sc := x.scope(in.layout, op.X)
	text, err := sc.compile(op.X)
	if err != nil {
		return nil, err
	}
	match, err := patternMatcher(op)
	if err != nil {
		return nil, err
	}
	l := layout{slots: map[int]int{}, width: in.width}
	for _, c := range op.Cols {
		if slot, ok := in.slots[c.ID]; ok {
			l.slots[c.ID] = slot
		}
	}
	if rest, ok := in.slots[openID]; ok {
		l.slots[openID] = rest
	}
	first := l.width
	for _, c := range cols {
		l.add(c.ID)
	}
	found := make([]string, len(cols))
	strict := op.Kind != plan.ParseRelaxed
	// read fills the new columns, and reports whether the row matches.
	read := func(row Row) bool {
		sc.next()
		ok := match(eval.Text(text(row)), found)
		to := row[first : first+len(cols)]
		for i, c := range cols {
			if !ok {
				break
			}
			to[i] = as(eval.String(strings.TrimRight(found[i], keepRight(c.Type))), c.Type)
			ok = !strict || !to[i].IsNull()
		}
		if !ok {
			for i, c := range cols {
				to[i] = eval.Null(c.Type)
			}
		}
		return ok
	}
	return &node{layout: l, run: func(emit emitter) error {
		var left []Row
		return in.run(func(rows []Row) error {
			left = left[:0]
			for _, r := range rows {
				if read(r) || !op.Where {
					left = append(left, r)
				}
			}
			if err := x.fault(); err != nil || len(left) == 0 {
				return err
			}
			return emit(left)
		})
	}}, nil
}

// keepRight is what may stand behind a value of a type.
func keepRight(t kql.Type) string {
	if t == kql.TypeString || t == kql.TypeDynamic {
		return ""
	}
	return " \t\r\n"
}

func patternMatcher(op *plan.Parse) (matcher, error) {
	if m := plainMatcher(op); m != nil {
		return m, nil
	}
	source := patternRegexp(op)
	re, err := eval.CompilePattern(source)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	// The pattern's own texts may have groups, so those of the columns have names.
	var groups []int
	for i, name := range re.SubexpNames() {
		if strings.HasPrefix(name, groupPrefix) {
			groups = append(groups, i)
		}
	}
	if columns := columnCount(op); len(groups) != columns {
		return nil, fmt.Errorf("parse: the names of groups in the pattern must not begin with %q", groupPrefix)
	}
	return func(text string, found []string) bool {
		m := re.FindStringSubmatchIndex(text)
		if m == nil {
			return false
		}
		for i, g := range groups {
			found[i] = ""
			if m[2*g] >= 0 {
				found[i] = text[m[2*g]:m[2*g+1]]
			}
		}
		return true
	}, nil
}

func columnCount(op *plan.Parse) int {
	n := 0
	for _, p := range op.Pattern {
		if p.Col != 0 {
			n++
		}
	}
	return n
}

const groupPrefix = "drumbeat_"

// patternRegexp makes a regular expression of a pattern. In the simple kinds a star and a text column take as little as
// they can, and a column at the end takes the rest; with kind=regex they take as much as they can, unless the flag U turns
// that round.
func patternRegexp(op *plan.Parse) string {
	var re strings.Builder
	any := ".*?"
	if op.Kind == plan.ParseRegex {
		any = ".*"
		if op.Flags != "" {
			re.WriteString("(?" + op.Flags + ")")
		}
	} else {
		re.WriteString("(?s)")
	}
	re.WriteString("^")
	for i, p := range op.Pattern {
		last := i == len(op.Pattern)-1
		switch {
		case p.Star:
			if !last {
				re.WriteString(any)
			}
		case p.Col == 0 && op.Kind == plan.ParseRegex:
			re.WriteString("(?:" + p.Text + ")")
		case p.Col == 0:
			re.WriteString(regexp.QuoteMeta(p.Text))
		default:
			inner := any
			if number := numberPattern(p.Type); number != "" {
				inner = number
				if op.Kind == plan.ParseRelaxed { // what is no number may stand there too
					inner = number + "|" + any
				}
			}
			re.WriteString("(?P<" + groupPrefix + strconv.Itoa(i) + ">" + inner + ")")
			if last && op.Kind != plan.ParseRegex {
				re.WriteString("$")
			}
		}
	}
	return re.String()
}

// numberPattern is what a column of a type of numbers takes, "" for other types.
func numberPattern(t kql.Type) string {
	switch t { //nolint:exhaustive // the others are no numbers
	case kql.TypeLong, kql.TypeInt:
		return `\s*[-+]?\d+`
	case kql.TypeReal, kql.TypeDecimal:
		return `\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?`
	}
	return ""
}

// plainMatcher searches for the texts of a simple pattern of strings one after the other, which is what its regular
// expression does, and much faster. It gives nil for other patterns.
func plainMatcher(op *plan.Parse) matcher {
	if op.Kind == plan.ParseRegex {
		return nil
	}
	for i, p := range op.Pattern {
		if p.Col != 0 && p.Type != kql.TypeString {
			return nil
		}
		if p.Col != 0 && i+1 < len(op.Pattern) && op.Pattern[i+1].Star { // takes nothing, as little as it can
			return nil
		}
	}
	var pattern []plan.ParsePart
	for _, p := range op.Pattern {
		if last := len(pattern) - 1; last >= 0 && !p.Star && p.Col == 0 && !pattern[last].Star && pattern[last].Col == 0 {
			pattern[last].Text += p.Text // texts side by side are one
			continue
		}
		pattern = append(pattern, p)
	}
	return func(text string, found []string) bool {
		at, col := 0, -1 // col is the column that the text from at on belongs to
		n := 0
		free := false // whether something may stand before the next text
		for _, p := range pattern {
			switch {
			case p.Star:
				free = true
			case p.Col != 0:
				col = n
				found[col] = text[at:]
				n++
				free = true
			default:
				i := strings.Index(text[at:], p.Text)
				if i < 0 || i > 0 && !free {
					return false
				}
				if col >= 0 {
					found[col] = text[at : at+i]
					col = -1
				}
				at += i + len(p.Text)
				free = false
			}
		}
		return true
	}
}
