package catalog

import (
	"context"
	"errors"
	"maps"
	"slices"

	"drumbeat/internal/ingest"
	"drumbeat/internal/store"
	"drumbeat/internal/traffic"
	"drumbeat/kql/plan"
)

// Flows gives the TRAFFIC records of the logs within a window to sinks, batch by batch and in no order: a batch's origin
// tells its place. sink makes the sink of each goroutine. This is many times faster than Scan, for those who need no more
// of a record than a batch holds. Only records whose DeviceVendor is "Palo Alto Networks" and whose Activity is "TRAFFIC"
// are handed on.
func (c *Catalog) Flows(ctx context.Context, w plan.Window, sink func() ingest.Sink) error {
	w = w.Both(c.o.Window)
	if len(c.o.Paths) == 0 {
		c.warnf("%v: it is empty", errNoLogs)
		return ctx.Err()
	}
	if p, err := c.logs.parquetFiles(); err != nil {
		return err
	} else if p != nil {
		_, err := store.ReadFlows(ctx, p.files, store.FlowOptions{
			Workers: c.o.Workers, Window: w, Sink: func() store.Sink { return sink() },
		})
		return err
	}
	files, problems, err := c.logs.files()
	if err != nil {
		return err
	}
	r, err := ingest.Scan(ctx, files, ingest.Options{
		Parse: c.o.Parse, Workers: c.o.Workers, Progress: c.o.Progress,
		Sink: func() ingest.Sink { return &flowFilter{to: sink(), window: w} },
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.logs.note(&Report{
		Complete: true, Counts: r.Counts, Lines: r.Lines, Files: len(files), Problems: slices.Concat(problems, r.Problems),
		Samples: r.Samples,
	})
	return nil
}

// flowFilter drops the records that are not wanted.
type flowFilter struct {
	to     ingest.Sink
	window plan.Window
	kept   traffic.Batch
}

// Observe is ingest.Sink's.
func (f *flowFilter) Observe(b *traffic.Batch) error {
	wanted := func(i int) bool {
		return b.Flags[i]&traffic.FlagActivity != 0 && f.window.Contains(b.Time[i])
	}
	n := 0
	for n < b.Len() && wanted(n) {
		n++
	}
	if n == b.Len() {
		return f.to.Observe(b)
	}
	k := &f.kept
	k.Origin, k.Names = b.Origin, b.Names
	k.Line, k.Time, k.Src, k.Dst, k.DstPort = k.Line[:0], k.Time[:0], k.Src[:0], k.Dst[:0], k.DstPort[:0]
	k.SentBytes, k.ReceivedBytes = k.SentBytes[:0], k.ReceivedBytes[:0]
	k.Device, k.UserID, k.Flags = k.Device[:0], k.UserID[:0], k.Flags[:0]
	for i := range b.Len() {
		if !wanted(i) {
			continue
		}
		k.Line, k.Time = append(k.Line, b.Line[i]), append(k.Time, b.Time[i])
		k.Src, k.Dst = append(k.Src, b.Src[i]), append(k.Dst, b.Dst[i])
		k.DstPort = append(k.DstPort, b.DstPort[i])
		k.SentBytes, k.ReceivedBytes = append(k.SentBytes, b.SentBytes[i]), append(k.ReceivedBytes, b.ReceivedBytes[i])
		k.Device, k.UserID = append(k.Device, b.Device[i]), append(k.UserID, b.UserID[i])
		k.Flags = append(k.Flags, b.Flags[i])
	}
	if k.Len() == 0 {
		return nil
	}
	return f.to.Observe(k)
}

// errMixed says that logs are given as Parquet files and as others.
var errMixed = errors.New("logs are given as Parquet files and as others: give either")

// parquetFiles gives the Parquet files that the logs are in, or nil where they are lines of text.
func (s *logSource) parquetFiles() (*parquetTable, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looked {
		return s.parquet, s.lookError
	}
	s.looked = true
	files, _ := ingest.List(slices.DeleteFunc(slices.Clone(s.o.Paths), func(p string) bool { return p == "-" }), nil)
	var found []string
	for i := range files {
		if isParquet(files[i].Path) {
			found = append(found, files[i].Path)
		}
	}
	switch {
	case len(found) == 0:
	case len(found) < len(files) || slices.Contains(s.o.Paths, "-"):
		s.lookError = errMixed
	default:
		s.parquet, s.lookError = openParquet(found)
	}
	return s.parquet, s.lookError
}

// Parquet gives the Parquet files that a table lies in, all with these columns, for an engine that reads them itself. ok
// is false for tables that only Scan gives.
func (c *Catalog) Parquet(table string) (files []string, columns map[string]ParquetColumn, ok bool) {
	t := c.stored[table]
	if table == logs && c.o.Window == (plan.Window{}) {
		var err error
		if t, err = c.logs.parquetFiles(); err != nil {
			return nil, nil, false
		}
	}
	if t == nil || !t.same {
		return nil, nil, false
	}
	return t.files, t.columns, true
}

// ParquetFiles gives the Parquet files that any table lies in.
func (c *Catalog) ParquetFiles() []string {
	var files []string
	for _, name := range slices.Sorted(maps.Keys(c.stored)) {
		files = append(files, c.stored[name].files...)
	}
	if p, err := c.logs.parquetFiles(); err == nil && p != nil {
		files = append(files, p.files...)
	}
	return files
}
