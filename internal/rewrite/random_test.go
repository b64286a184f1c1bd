package rewrite_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drumbeat/internal/eval"
	"drumbeat/internal/rewrite"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// writer makes random queries over T. has are the columns at hand, by type.
type writer struct {
	t       *rapid.T
	times   []string
	longs   []string
	texts   []string
	dyns    []string
	ordered bool
	fresh   int
}

func fullRow(t *rapid.T) *writer {
	return &writer{t: t, times: []string{"TimeGenerated", "u"}, longs: []string{"i"}, texts: []string{"s"}, dyns: []string{"d"}}
}

func (w *writer) pick(list []string) string { return rapid.SampledFrom(list).Draw(w.t, "column") }

func (w *writer) number(most int) int { return rapid.IntRange(0, most).Draw(w.t, "number") }

func (w *writer) name(prefix string) string {
	w.fresh++
	return fmt.Sprintf("%s%d", prefix, w.fresh)
}

// moment is a constant time near those of the rows.
func (w *writer) moment() string {
	return []string{
		fmt.Sprintf("ago(%dh)", w.number(40)),
		fmt.Sprintf("startofday(ago(%dd))", w.number(2)),
		fmt.Sprintf("datetime(2024-03-12 %02d:00:00)", w.number(23)),
		fmt.Sprintf("now() - %dm", w.number(3000)),
		fmt.Sprintf("(datetime(2024-03-11) + %dh)", w.number(40)),
	}[w.number(4)]
}

// timeExpr is a time of a row, perhaps computed.
func (w *writer) timeExpr() string {
	c := w.pick(w.times)
	return []string{
		c, c, c,
		fmt.Sprintf("bin(%s, %dh)", c, 1+w.number(7)),
		fmt.Sprintf("startofday(%s)", c),
		fmt.Sprintf("startofweek(%s)", c),
		fmt.Sprintf("(%s + %dh)", c, w.number(9)),
		fmt.Sprintf("(%s - %dm)", c, w.number(90)),
	}[w.number(7)]
}

func (w *writer) condition(depth int) string {
	n := 11
	if depth > 2 {
		n = 8
	}
	switch k := w.number(n); k {
	case 0:
		return fmt.Sprintf("(now() - %s) %s %dh", w.pick(w.times), rapid.SampledFrom([]string{"<", ">=", "=="}).Draw(w.t, "op"), w.number(30))
	case 1, 2, 3:
		return w.timeExpr() + " " + rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(w.t, "op") + " " + w.moment()
	case 4:
		return w.moment() + " < " + w.timeExpr()
	case 5:
		return fmt.Sprintf("%s between (%s .. %s)", w.timeExpr(), w.moment(), w.moment())
	case 6:
		return fmt.Sprintf("%s between (%s .. %dh)", w.timeExpr(), w.moment(), w.number(20))
	case 7:
		return fmt.Sprintf("%s > %d", w.pick(w.longs), w.number(6))
	case 8:
		return fmt.Sprintf("%s == 'a'", w.pick(w.texts))
	case 9:
		return "(" + w.condition(depth+1) + " or " + w.condition(depth+1) + ")"
	case 10:
		return "(" + w.condition(depth+1) + " and " + w.condition(depth+1) + ")"
	}
	return "not(" + w.condition(depth+1) + ")"
}

// step adds an operator.
func (w *writer) step(depth int) string {
	switch w.number(19) {
	case 0, 1, 2, 3, 4:
		return "where " + w.condition(0)
	case 5:
		c := w.name("t")
		text := fmt.Sprintf("extend %s = %s", c, w.timeExpr())
		w.times = append(w.times, c)
		return text
	case 6:
		c := w.name("i")
		text := fmt.Sprintf("extend %s = %s + %d", c, w.pick(w.longs), w.number(3))
		w.longs = append(w.longs, c)
		return text
	case 7: // rename
		a, b := w.pick(w.times), w.name("t")
		for i := range w.times {
			if w.times[i] == a {
				w.times[i] = b
			}
		}
		return fmt.Sprintf("project-rename %s = %s", b, a)
	case 8: // keep some, swap times
		a, b, i, s := w.pick(w.times), w.pick(w.times), w.pick(w.longs), w.pick(w.texts)
		w.times, w.longs, w.texts, w.dyns = []string{"TimeGenerated", "u"}, []string{"i"}, []string{"s"}, nil
		return fmt.Sprintf("project TimeGenerated = %s, u = %s, i = %s, s = %s", a, b, i, s)
	case 9:
		w.ordered = true
		return fmt.Sprintf("sort by %s asc, %s desc, %s asc, %s asc", w.pick(w.longs), w.pick(w.times), w.pick(w.texts), w.pick(w.times))
	case 10:
		if !w.ordered {
			return "serialize "
		}
		c := w.name("t")
		text := fmt.Sprintf("extend %s = next(%s)", c, w.pick(w.times))
		w.times = append(w.times, c)
		return text
	case 11:
		if !w.ordered {
			return "where " + w.pick(w.longs) + " >= 0"
		}
		c := w.name("i")
		w.longs = append(w.longs, c)
		return rapid.SampledFrom([]string{
			fmt.Sprintf("extend %s = row_number()", c), fmt.Sprintf("extend %s = row_cumsum(%s)", c, w.longs[0]),
		}).Draw(w.t, "window")
	case 12:
		k, s := w.timeExpr(), w.pick(w.texts)
		agg := fmt.Sprintf("i = count(), u = max(%s)", w.pick(w.times))
		w.times, w.longs, w.texts, w.dyns, w.ordered = []string{"TimeGenerated", "u"}, []string{"i"}, []string{"s"}, nil, false
		return fmt.Sprintf("summarize %s by TimeGenerated = %s, s = %s", agg, k, s)
	case 13:
		w.ordered = false
		t, i, s := w.pick(w.times), w.pick(w.longs), w.pick(w.texts)
		w.times, w.longs, w.texts, w.dyns = []string{t}, []string{i}, []string{s}, nil
		return fmt.Sprintf("distinct %s, %s, %s", t, i, s)
	case 14:
		return fmt.Sprintf("top %d by %s asc", 1+w.number(9), strings.Join([]string{w.pick(w.times)}, ","))
	case 15:
		if depth > 1 {
			return "where isnotnull(" + w.pick(w.longs) + ")"
		}
		w.ordered = false
		return "union (" + w.other(depth+1) + ")"
	case 16, 17:
		if depth > 1 {
			return "where isnotempty(" + w.pick(w.texts) + ")"
		}
		return w.join()
	case 18:
		if len(w.dyns) == 0 {
			return "where true"
		}
		c := w.name("i")
		w.longs = append(w.longs, c)
		return fmt.Sprintf("mv-expand %s = %s to typeof(long)", c, w.dyns[0])
	}
	c := w.name("i")
	text := fmt.Sprintf("parse %s with * 'b' %s:long *", w.pick(w.texts), c)
	w.longs = append(w.longs, c)
	return text
}

// other is a query of its own whose columns are those of T.
func (w *writer) other(depth int) string {
	o := fullRow(w.t)
	o.fresh = w.fresh + 100*depth
	return o.query(depth, 2)
}

func (w *writer) join() string {
	kind := rapid.SampledFrom([]string{
		"innerunique", "inner", "leftouter", "rightouter", "fullouter", "leftsemi", "leftanti", "rightsemi", "rightanti",
	}).Draw(w.t, "kind")
	left, right := w.pick(w.longs), fmt.Sprintf("k%d", w.fresh)
	t := fmt.Sprintf("rt%d", w.fresh)
	w.fresh++
	sub := fmt.Sprintf("T | where %s | project %s = i, %s = TimeGenerated", fullRow(w.t).condition(1), right, t)
	w.ordered = false
	if strings.HasPrefix(kind, "right") && kind != "rightouter" {
		*w = writer{t: w.t, fresh: w.fresh, times: []string{t}, longs: []string{right}, texts: []string{"s"}}
		return fmt.Sprintf("join kind=%s (%s | extend s = 'x') on $left.%s == $right.%s", kind, sub, left, right)
	}
	if !strings.HasPrefix(kind, "left") || kind == "leftouter" {
		w.times, w.longs = append(w.times, t), append(w.longs, right)
	}
	return fmt.Sprintf("join kind=%s (%s) on $left.%s == $right.%s", kind, sub, left, right)
}

func (w *writer) query(depth, most int) string {
	parts := []string{"T"}
	for range w.number(most) {
		parts = append(parts, w.step(depth))
	}
	return strings.Join(parts, " | ")
}

func drawRows(t *rapid.T) source {
	moment := func(label string) eval.Value {
		switch k := rapid.IntRange(0, 60).Draw(t, label); {
		case k == 0:
			return eval.Null(kql.TypeDateTime)
		case k < 5: // a border
			return eval.Datetime(now - now%day - int64(k-3)*day)
		default:
			return eval.Datetime(now - int64(k)*47*minute)
		}
	}
	var rows []map[string]eval.Value
	for range rapid.IntRange(0, 14).Draw(t, "rows") {
		rows = append(rows, map[string]eval.Value{
			"TimeGenerated": moment("time"), "u": moment("u"),
			"i": eval.Long(int64(rapid.IntRange(0, 4).Draw(t, "i"))),
			"s": eval.String(rapid.SampledFrom([]string{"", "a", "b1", "ab22c"}).Draw(t, "s")),
			"d": rapid.SampledFrom([]eval.Value{
				eval.Null(kql.TypeDynamic), eval.Array(nil), eval.Array([]eval.Value{eval.ToDynamic(eval.Long(1)), eval.ToDynamic(eval.Long(2))}),
			}).Draw(t, "d"),
		})
	}
	return source{"T": rows}
}

// TestSameResult runs random queries on random rows: folded, pruned, and with the rows outside of the windows left out,
// each gives the rows that the plan as it was bound gives.
func TestSameResult(t *testing.T) {
	pruned, bounded, all := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := fullRow(rt)
		src := w.query(0, 6)
		p, problem := tryBind(src)
		if p == nil {
			rt.Fatalf("%s\n%s", src, problem)
		}
		rows := drawRows(rt)
		want, err := lines(t, p, rows, nil)
		if err != nil {
			rt.Fatal(src, err)
		}
		before := p.String()
		check := func(what string, p *plan.Plan) {
			windows := rewrite.Windows(p, now)
			for _, win := range []map[*plan.Scan]plan.Window{nil, windows} {
				got, err := lines(t, p, rows, win)
				if err != nil {
					rt.Fatalf("%s: %s\n%v\n%s", what, src, err, p)
				}
				if sorted(got) != sorted(want) {
					rt.Errorf("%s: %s\nwindows %v\n got %s\nwant %s\n%s", what, src, win, sorted(got), sorted(want), p)
				}
			}
			bounded += len(windows)
		}
		folded := rewrite.Fold(p, &eval.Env{Now: now})
		check("as bound", p)
		check("folded", folded)
		check("pruned", rewrite.Prune(p))
		check("folded and pruned", rewrite.Prune(folded))
		if len(rewrite.Prune(p).String()) < len(before) {
			pruned++
		}
		all++
		if p.String() != before {
			rt.Errorf("the plan was changed: %s", src)
		}
	})
	if pruned == 0 || bounded == 0 {
		t.Errorf("of %d plans %d were pruned, and %d scans bounded", all, pruned, bounded)
	}
	t.Logf("of %d plans %d were pruned, and %d scans bounded", all, pruned, bounded)
}
