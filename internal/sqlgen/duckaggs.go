package sqlgen

import (
	"strconv"
	"strings"

	"drumbeat/kql"
	"drumbeat/kql/plan"
)

type aggForm = func(*aggCall) ([]string, bool)

// duckAggs are the aggregates that DuckDB has, or that can be written with what it has. Those with a condition are written
// as those without, with a filter.
func duckAggs() map[plan.Fn]aggForm {
	return map[plan.Fn]aggForm{ //nolint:exhaustive // the others are computed in Go
		plan.AggCount: func(c *aggCall) ([]string, bool) { return []string{"count(*)" + c.filter}, true },
		plan.AggSum: func(c *aggCall) ([]string, bool) {
			text, ok := c.sum()
			return []string{"coalesce(" + text + ", 0)"}, ok
		},
		plan.AggAvg:      average,
		plan.AggMax:      best("max"),
		plan.AggMin:      best("min"),
		plan.AggArgMax:   best("max"),
		plan.AggArgMin:   best("min"),
		plan.AggDcount:   distinct,
		plan.AggStdev:    spread("stddev_samp"),
		plan.AggStdevp:   spread("stddev_pop"),
		plan.AggVariance: spread("var_samp"), plan.AggVariancep: spread("var_pop"),
		plan.AggPercentile: percentiles, plan.AggPercentiles: percentiles,
		plan.AggMakeList:          list(listKind{most: "1048576"}),
		plan.AggOldMakeList:       list(listKind{most: "128"}),
		plan.AggMakeListWithNulls: list(listKind{nulls: true, most: "1048576"}),
		plan.AggMakeSet:           list(listKind{set: true, most: "1048576"}),
		plan.AggOldMakeSet:        list(listKind{set: true, most: "128"}),
		plan.AggMakeBag:           bag,
		plan.AggTakeAny:           anyValue,
	}
}

// sum gives the sum of numbers or spans, null where there are none. Whole numbers wrap at 64 bits.
func (c *aggCall) sum() (string, bool) {
	text := "sum(" + c.args[0].sql + ")" + c.filter
	switch c.args[0].typ {
	case kql.TypeInt, kql.TypeLong, kql.TypeTimespan:
		return "kwrap(" + text + ")", true
	case kql.TypeReal:
		return text, true
	case kql.TypeBool, kql.TypeDecimal, kql.TypeDateTime, kql.TypeString, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return "", false
}

func (c *aggCall) count() string { return "count(" + c.args[0].sql + ")" + c.filter }

func average(c *aggCall) ([]string, bool) {
	text, ok := c.sum()
	switch c.args[0].typ {
	case kql.TypeInt, kql.TypeLong:
		return []string{"(coalesce(" + text + ", 0)::DOUBLE / " + c.count() + ")"}, ok
	case kql.TypeReal:
		return []string{"(coalesce(" + text + ", 0) / " + c.count() + ")"}, ok
	case kql.TypeTimespan: // its sum has 128 bits
		return []string{"(sum(" + c.args[0].sql + ")" + c.filter + " // " + c.count() + ")::BIGINT"}, ok
	case kql.TypeBool, kql.TypeDecimal, kql.TypeDateTime, kql.TypeString, kql.TypeGuid, kql.TypeDynamic, kql.TypeUnknown:
	}
	return nil, false
}

// best is max and min. NaN wins both; for DuckDB it is the greatest.
func best(fn string) aggForm {
	return func(c *aggCall) ([]string, bool) {
		t := c.args[0]
		if class(t.typ) == 0 {
			return nil, false
		}
		text := fn + "(" + t.sql + ")" + c.filter
		switch {
		case t.typ == kql.TypeString:
			text = "coalesce(" + text + ", '')"
		case t.typ == kql.TypeReal && fn == "min":
			text = "(case when bool_or(isnan(" + t.sql + "))" + c.filter + " then 'nan'::DOUBLE else " + text + " end)"
		}
		return []string{text}, true
	}
}

func distinct(c *aggCall) ([]string, bool) {
	return []string{"count(distinct " + c.args[0].sql + ")" + c.filter}, class(c.args[0].typ) != 0
}

func spread(fn string) aggForm {
	return func(c *aggCall) ([]string, bool) {
		t := c.args[0]
		return []string{"coalesce(" + fn + "(" + t.sql + ")" + c.filter + ", 0)"}, isInteger(t.typ)
	}
}

// percentiles are of the nearest rank. NaN has none.
func percentiles(c *aggCall) ([]string, bool) {
	t := c.args[0]
	if class(t.typ) != 1 && !isTicks(t.typ) || len(c.args) != len(c.cols)+1 || c.filter != "" {
		return nil, false
	}
	filter := ""
	if t.typ == kql.TypeReal {
		filter = " filter (where not isnan(" + t.sql + "))"
	}
	texts := make([]string, len(c.cols))
	for i, p := range c.args[1:] {
		if p.lit == nil || p.lit.Null || !isInteger(p.typ) && p.typ != kql.TypeReal {
			return nil, false
		}
		at := p.lit.Real
		if isInteger(p.typ) {
			at = float64(p.lit.Int)
		}
		if !(at >= 0 && at <= 100) {
			return nil, false
		}
		// A sliver is taken off, so that 55 % of 100 is rank 55, though the product is a little more.
		const sliver = 1e-12
		at = max(at/100-sliver, 0)
		texts[i] = "quantile_disc(" + t.sql + ", " + strconv.FormatFloat(at, 'g', -1, 64) + ")" + filter
	}
	return texts, true
}

// listKind is how the rows of a group become an array.
type listKind struct {
	set   bool
	nulls bool // null is an element
	most  string
}

// list is make_list, make_set and their like: the texts of the elements in the order of rows, joined. The elements of
// arrays are elements of the whole.
func list(kind listKind) aggForm {
	return func(c *aggCall) ([]string, bool) {
		t, most := c.args[0], kind.most
		if c.order == "" || t.typ == kql.TypeUnknown {
			return nil, false
		}
		if len(c.args) > 1 {
			n := c.args[1]
			if n.lit == nil || n.lit.Null || !isInteger(n.typ) || n.lit.Int < 0 || n.lit.Int > 1<<20 {
				return nil, false
			}
			most = strconv.FormatInt(n.lit.Int, 10)
		}
		json, err := c.s.json(t)
		if err != nil {
			return nil, false
		}
		filter := c.filter
		switch {
		case t.nonNull:
		case kind.nulls:
			json = "coalesce(" + json + ", 'null')"
		default:
			filter = c.also(t.sql + " is not null")
		}
		all := "list(" + json + " order by " + c.order + ")" + filter
		if t.typ == kql.TypeDynamic {
			all = Flat + "(" + all + ")"
		}
		if kind.set {
			all = Uniq + "(" + all + ")"
		}
		return []string{"('[' || coalesce(array_to_string((" + all + ")[:" + most + "], ','), '') || ']')"}, true
	}
}

// also gives the filter with another condition.
func (c *aggCall) also(cond string) string {
	if c.filter == "" {
		return " filter (where " + cond + ")"
	}
	return strings.TrimSuffix(c.filter, ")") + " and " + cond + ")"
}

// bag is make_bag: of two values under one key the first stays.
func bag(c *aggCall) ([]string, bool) {
	if c.order == "" || len(c.args) != 1 || c.args[0].typ != kql.TypeDynamic {
		return nil, false
	}
	all := "list(" + c.args[0].sql + " order by " + c.order + ")" + c.also(c.args[0].sql+" is not null")
	return []string{"coalesce(" + Merge + "(" + all + ")[1], '{}')"}, true
}

// anyValue is take_any: of one column the first value that is not empty, of several the first row.
func anyValue(c *aggCall) ([]string, bool) {
	if c.order == "" {
		return nil, false
	}
	texts := make([]string, len(c.args))
	for i, t := range c.args {
		filter := c.filter
		if len(c.args) == 1 {
			switch t.typ {
			case kql.TypeString:
				filter = c.also(t.sql + " <> ''")
			case kql.TypeDynamic, kql.TypeUnknown:
				filter = c.also(t.sql + ` <> '""'`)
			case kql.TypeBool, kql.TypeInt, kql.TypeLong, kql.TypeReal, kql.TypeDecimal, kql.TypeDateTime, kql.TypeTimespan, kql.TypeGuid:
				filter = c.also(t.sql + " is not null")
			}
		}
		texts[i] = "first(" + t.sql + " order by " + c.order + ")" + filter
		if t.typ == kql.TypeString {
			texts[i] = "coalesce(" + texts[i] + ", '')"
		}
	}
	return texts, len(texts) == len(c.cols)
}

// duckPickOne packs two whole numbers into one of 128 bits: the one that is compared above, and below it the other, the
// less of which is taken where the first ties.
func duckPickOne(c *aggCall, isMax bool) ([]string, bool) {
	if len(c.args) != 2 || c.filter != "" {
		return nil, false
	}
	a, b := c.args[0], c.args[1]
	if !a.nonNull || !b.nonNull || !isWhole(a.typ) || !isWhole(b.typ) || a.lit != nil || b.lit != nil {
		return nil, false
	}
	fn, macro := "min", "kless"
	if isMax {
		fn, macro = "max", "kmost"
	}
	best := fn + "(" + a.sql + ")"
	other := macro + "of(" + fn + "(" + macro + "(" + a.sql + ", " + b.sql + ")), " + best + ")"
	if b.typ == kql.TypeInt {
		other += "::INTEGER"
	}
	return []string{best, other}, true
}
