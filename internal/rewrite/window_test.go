package rewrite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"drumbeat/internal/rewrite"
	"drumbeat/kql/plan"
)

// scansOf gives the scans of a plan in the order of their column IDs.
func scansOf(p *plan.Plan) []*plan.Scan {
	var all []*plan.Scan
	var ops func(op plan.Op)
	seen := map[*plan.Sub]bool{}
	var exprs func(x plan.Expr)
	exprs = func(x plan.Expr) {
		switch x := x.(type) { //nolint:exhaustive // the others have no tables within
		case *plan.Call:
			for _, a := range x.Args {
				exprs(a)
			}
		case *plan.Sub:
			if !seen[x] {
				seen[x] = true
				ops(x.Op)
			}
		}
	}
	ops = func(op plan.Op) {
		switch op := op.(type) { //nolint:exhaustive // the others are not in the tests
		case *plan.Scan:
			all = append(all, op)
		case *plan.Filter:
			exprs(op.Pred)
			ops(op.Input)
		case *plan.Project:
			for _, a := range op.Cols {
				exprs(a.X)
			}
			ops(op.Input)
		case *plan.Sort:
			ops(op.Input)
		case *plan.Serialize:
			ops(op.Input)
		case *plan.Take:
			ops(op.Input)
		case *plan.Top:
			ops(op.Input)
		case *plan.Aggregate:
			ops(op.Input)
		case *plan.MvExpand:
			ops(op.Input)
		case *plan.MvApply:
			ops(op.Input)
		case *plan.Parse:
			ops(op.Input)
		case *plan.Partition:
			ops(op.Input)
		case *plan.Unpack:
			ops(op.Input)
		case *plan.MakeSeries:
			ops(op.Input)
		case *plan.Shared:
			ops(op.Input)
		case *plan.Join:
			ops(op.Left)
			ops(op.Right)
		case *plan.Union:
			for _, in := range op.Inputs {
				ops(in.Op)
			}
		}
	}
	ops(p.Root)
	slices.SortFunc(all, func(a, b *plan.Scan) int { return a.Columns[0].ID - b.Columns[0].ID })
	return all
}

// windowText writes a window in hours from midnight of the day of now, and ticks beyond.
func windowText(w plan.Window, ok bool) string {
	const midnight = now - now%day
	end := func(n int64) string {
		n -= midnight
		h := n / hour
		if n%hour < 0 {
			h--
		}
		text := fmt.Sprintf("%dh", h)
		if rest := n - h*hour; rest != 0 {
			text += fmt.Sprintf("+%d", rest)
		}
		return text
	}
	switch {
	case !ok:
		return "all"
	case w.From > 1<<62:
		return "none"
	case w.From == 0:
		return "..." + end(w.To)
	case w.To == 0:
		return end(w.From) + "..."
	}
	return end(w.From) + "..." + end(w.To)
}

// TestWindows: one hour is 36,000,000,000 ticks; now is 12h.
func TestWindows(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`T`, "all"},
		{`T | where TimeGenerated > ago(1h)`, "11h+1..."},
		{`T | where TimeGenerated >= ago(1h)`, "11h..."},
		{`T | where TimeGenerated < ago(1h)`, "...10h+35999999999"},
		{`T | where TimeGenerated <= ago(1h)`, "...11h"},
		{`T | where ago(1h) >= TimeGenerated`, "...11h"},
		{`T | where TimeGenerated == ago(1h)`, "11h...11h"},
		{`T | where TimeGenerated != ago(1h)`, "all"},
		{`T | where TimeGenerated between (startofday(ago(2d)) .. startofday(ago(1d)))`, "-48h...-24h"},
		{`T | where TimeGenerated between (ago(2h) .. 1h)`, "10h...11h"},
		{`T | where TimeGenerated !between (ago(2h) .. now())`, "all"},
		{`T | where TimeGenerated > ago(2h) and TimeGenerated < ago(3h)`, "none"},
		{`T | where TimeGenerated > ago(2h) | where TimeGenerated >= ago(1h)`, "11h..."},
		{`T | where TimeGenerated < ago(9h) or TimeGenerated between (ago(3h) .. ago(1h))`, "...11h"},
		{`T | where TimeGenerated between (ago(9h) .. ago(8h)) or TimeGenerated between (ago(3h) .. ago(1h))`, "3h...11h"},
		{`T | where TimeGenerated > ago(1h) or i == 1`, "all"},
		{`T | where not(TimeGenerated < ago(1h))`, "all"},
		{`T | where u > ago(1h)`, "all"},
		{`T | where TimeGenerated > u`, "all"},
		{`let from = 3h; let at = ago(from); T | where TimeGenerated >= at`, "9h..."},
		{`let f = (x:datetime) { T | where TimeGenerated >= x }; f(ago(4h))`, "8h..."},
		{`T | extend t = TimeGenerated | where t >= ago(1h)`, "11h..."},
		{`T | project-rename t = TimeGenerated | where t >= ago(1h)`, "11h..."},
		{`T | project-rename t = TimeGenerated, TimeGenerated = u | where TimeGenerated >= ago(1h)`, "all"},
		{`T | extend TimeGenerated = u | where TimeGenerated >= ago(1h)`, "all"},
		{`T | extend t = bin(TimeGenerated, 1h) | where t >= ago(1h)`, "11h..."},
		{`T | extend t = bin(TimeGenerated, 1h) | where t == ago(1h)`, "11h...11h+35999999999"},
		{`T | where startofday(TimeGenerated) == startofday(now())`, "0h...23h+35999999999"},
		{`T | where TimeGenerated + 1h >= ago(1h)`, "10h..."},
		{`T | where TimeGenerated - 1h >= ago(1h)`, "12h..."},
		{`T | where now() - TimeGenerated < 1h`, "11h+1..."},
		{`T | where now() - TimeGenerated between (1h .. 2h)`, "10h...11h"},
		{`T | where TimeGenerated - now() < 1h`, "all"},
		{`T | where u - TimeGenerated < 1h`, "all"},
		{`T | where todatetime(TimeGenerated) >= ago(1h)`, "11h..."},
		{`let f = (from:datetime = datetime(null), till:datetime = datetime(null)) {
			T | where (isnull(from) or TimeGenerated >= from) and (isnull(till) or TimeGenerated <= till) }; f(ago(3h))`, "9h..."},
		{`T | sort by TimeGenerated asc | where TimeGenerated >= ago(1h)`, "11h..."},
		{`T | sort by i asc | extend n = next(i) | where TimeGenerated >= ago(1h)`, "all"},
		{`T | sort by i asc | extend n = row_number() | project TimeGenerated, n | where TimeGenerated >= ago(1h)`, "all"},
		{`T | where TimeGenerated >= ago(1h) | sort by i asc | extend n = next(i)`, "11h..."},
		{`T | take 5 | where TimeGenerated >= ago(1h)`, "all"},
		{`T | top 5 by i | where TimeGenerated >= ago(1h)`, "all"},
		{`T | summarize count() by TimeGenerated, s | where TimeGenerated >= ago(1h)`, "11h..."},
		{`T | summarize count() by bin(TimeGenerated, 1d) | where TimeGenerated >= startofday(now())`, "0h..."},
		{`T | summarize TimeGenerated = max(TimeGenerated) by s | where TimeGenerated >= ago(1h)`, "all"},
		{`T | mv-expand d | where TimeGenerated >= ago(1h)`, "11h..."},
		{`T | parse s with a 'x' b | where TimeGenerated >= ago(1h)`, "11h..."},
		{`T | evaluate bag_unpack(d) | where TimeGenerated >= ago(1h)`, "all"},
		{`T | partition by s (top 1 by i) | where TimeGenerated >= ago(1h)`, "all"},
		{`union T, (T | where TimeGenerated >= ago(5h)) | where TimeGenerated >= ago(9h)`, "3h... 7h..."},
		{`T | join kind=inner (T | project TimeGenerated, i) on i | where TimeGenerated >= ago(1h) and TimeGenerated1 <= ago(2h)`, "11h... ...10h"},
		{`T | join kind=leftouter (T | project TimeGenerated, i) on i | where TimeGenerated >= ago(1h) and TimeGenerated1 <= ago(2h)`, "11h... ...10h"},
		{`T | join (T | project TimeGenerated, i) on i | where TimeGenerated >= ago(1h) and TimeGenerated1 <= ago(2h)`, "all ...10h"},
		{`T | join kind=leftanti (T | where TimeGenerated < ago(3h)) on i | where TimeGenerated >= ago(1h)`, "11h... ...8h+35999999999"},
		{`let m = materialize(T | where TimeGenerated >= ago(3h)); union (m | where TimeGenerated >= ago(1h)), m`, "9h... 9h..."},
		{`T | where i in ((T | where TimeGenerated >= ago(2h) | project i)) and TimeGenerated > ago(1h)`, "11h+1... 10h..."},
		{`let n = toscalar(T | where TimeGenerated >= ago(2h) | count); T | extend n`, "10h... all"},
		{`let n = toscalar(T | summarize max(TimeGenerated)); T | where TimeGenerated > n - 1h`, "all all"},
		{`T | make-series count() on TimeGenerated from ago(1d) to now() step 1h`, "all"},
		{`T | where false`, "all"},
		{`T | where TimeGenerated > datetime(null)`, "all"},
		{`T | where TimeGenerated >= datetime(9999-12-31) + 5d`, "all"},
	} {
		p := bind(t, c.src)
		windows := rewrite.Windows(p, now)
		var got []string
		for _, s := range scansOf(p) {
			w, ok := windows[s]
			got = append(got, windowText(w, ok))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, text, c.want)
		}
	}
}
