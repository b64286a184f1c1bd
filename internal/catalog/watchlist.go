package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"drumbeat/internal/eval"
	"drumbeat/internal/stream"
	"drumbeat/kql"
	"drumbeat/kql/plan"
)

// watchlistColumns are those that every watchlist has; those of its file follow, as texts.
func watchlistColumns() []plan.Column {
	return []plan.Column{
		{Name: "_DTItemId", Type: kql.TypeString},
		{Name: "LastUpdatedTimeUTC", Type: kql.TypeDateTime},
		{Name: searchKey, Type: kql.TypeString},
		{Name: "WatchlistItem", Type: kql.TypeDynamic},
	}
}

const searchKey = "SearchKey"

// addWatchlist reads a watchlist. The time of its last change is null: files tell none that would stay the same.
func (c *Catalog) addWatchlist(w Watchlist) error {
	if _, twice := c.lists[w.Alias]; twice {
		return fmt.Errorf("the watchlist %q is given two files", w.Alias)
	}
	raw, err := c.readRaw(w.Path, false)
	if err != nil {
		return err
	}
	key := 0
	for _, name := range []string{w.Key, searchKey} {
		if at, ok := raw.index[name]; ok && name != "" {
			key = at
			break
		} else if name == w.Key && name != "" {
			return &fileError{path: w.Path, err: fmt.Errorf("there is no column %q for the search key of watchlist %s", name, w.Alias)}
		}
	}
	t := &fileTable{cols: watchlistColumns()}
	var own []int // columns of the file that become columns
	for i, name := range raw.names {
		if !slices.ContainsFunc(t.cols[:4], func(col plan.Column) bool { return col.Name == name }) {
			own = append(own, i)
			t.cols = append(t.cols, plan.Column{Name: name, Type: kql.TypeString})
		}
	}
	cell := func(row []rawCell, i int) eval.Value {
		if i >= len(row) {
			return eval.String("")
		}
		return eval.String(row[i].text)
	}
	for n, cells := range raw.rows {
		items := make([]eval.Value, len(raw.names))
		for i := range raw.names {
			items[i] = eval.ToDynamic(cell(cells, i))
		}
		row := stream.Row{
			eval.String(itemID(w.Alias, n)), eval.Null(kql.TypeDateTime), cell(cells, key), eval.Bag(raw.names, items),
		}
		for _, i := range own {
			row = append(row, cell(cells, i))
		}
		t.rows = append(t.rows, row)
	}
	c.lists[w.Alias] = t
	return nil
}

// itemID makes the id of a row of a watchlist, of the form that the service's have.
func itemID(alias string, row int) string {
	sum := sha256.Sum256([]byte(alias + "\x00" + strconv.Itoa(row)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// watchlist gives the table of a watchlist. One that is not there may have any columns.
func (c *Catalog) watchlist(name, alias string) *plan.Table {
	if t, ok := c.lists[alias]; ok {
		return &plan.Table{Name: name, Columns: t.cols}
	}
	return &plan.Table{Name: name, Columns: watchlistColumns(), Open: true}
}
