package rule

import (
	"drumbeat/internal/table"
)

// timeText gives ticks as RFC 3339.
func timeText(ticks int64) string { return string(table.AppendDatetime(nil, ticks)) }
