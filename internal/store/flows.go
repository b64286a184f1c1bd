package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"golang.org/x/sync/errgroup"

	"drumbeat/internal/traffic"
	"drumbeat/kql/plan"
)

// FlowOptions say what ReadFlows reads.
type FlowOptions struct {
	// Workers is the number of row groups that are read at once.
	Workers int
	// Window bounds TimeGenerated.
	Window plan.Window
	// Sink makes the sink of each worker.
	Sink func() Sink
}

// Sink takes batches of flows. A batch is the sink's until Observe returns. Each sink is used by one goroutine.
type Sink interface {
	Observe(b *traffic.Batch) error
}

// FlowReport says what ReadFlows read.
type FlowReport struct {
	// Rows is the number of rows that were looked at, Flows of those handed on.
	Rows, Flows int64
}

// ReadFlows gives the records of Parquet files that the founding rule reads: those whose DeviceVendor is "Palo Alto
// Networks" and whose Activity is "TRAFFIC". A batch's origin is the file's place in the list and a running number of
// its stretches, so that records stand in the order of files and rows, whichever worker reads them. Memory does not
// depend on the size of the files.
func ReadFlows(ctx context.Context, paths []string, o FlowOptions) (FlowReport, error) {
	r := &flowReader{opt: o}
	defer r.close()
	for i, path := range paths {
		if err := r.open(i, path); err != nil {
			return FlowReport{}, err
		}
	}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range max(o.Workers, 1) {
		g.Go(func() error {
			w := newFlowWorker(r)
			defer w.close()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(r.units) {
					return nil
				}
				if err := w.guarded(ctx, &r.units[i]); err != nil {
					return err
				}
			}
		})
	}
	err := g.Wait()
	return FlowReport{Rows: r.rows.Load(), Flows: r.flows.Load()}, err
}

// flowReader holds the open files and what there is to read.
type flowReader struct {
	opt         FlowOptions
	files       []*os.File
	units       []unit
	rows, flows atomic.Int64
}

// unit is one row group.
type unit struct {
	path    string
	file    uint32
	chunk   uint32 // the number of its first stretch
	group   parquet.RowGroup
	columns *flowColumns
}

// flowColumns are the places of the columns in a file, -1 for those that it lacks.
type flowColumns struct {
	time, vendor, activity, device, user, src, dst, port, sent, received int

	ticks func(int64) int64
}

// stretch is the number of rows that are read at once.
const stretch = 1 << 14

func (r *flowReader) close() {
	for _, f := range r.files {
		_ = f.Close() // it was only read
	}
}

func (r *flowReader) open(number int, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading flows: %w", err)
	}
	r.files = append(r.files, f)
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading flows: %w", err)
	}
	file, columns, err := openFlows(f, info.Size())
	if err != nil {
		return fmt.Errorf("reading flows of %s: %w", path, err)
	}
	chunk := uint32(0)
	for i, group := range file.RowGroups() {
		if n := group.NumRows(); n > 0 {
			if r.meets(file, i, columns) {
				r.units = append(r.units, unit{path: path, file: uint32(number), chunk: chunk, group: group, columns: columns})
			}
			chunk += uint32((n + stretch - 1) / stretch)
		}
	}
	return nil
}

// openFlows reads a file's schema. A fault of the decoder on a damaged file becomes an error.
func openFlows(f *os.File, size int64) (file *parquet.File, columns *flowColumns, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
	}()
	file, err = parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, err
	}
	columns = &flowColumns{}
	var errs []error
	find := func(to *int, name string, kinds ...parquet.Kind) {
		var err error
		*to, err = column(file, name, kinds...)
		errs = append(errs, err)
	}
	find(&columns.time, "TimeGenerated", parquet.Int64)
	find(&columns.vendor, "DeviceVendor", parquet.ByteArray)
	find(&columns.activity, "Activity", parquet.ByteArray)
	find(&columns.device, "DeviceName", parquet.ByteArray)
	find(&columns.user, "SourceUserID", parquet.ByteArray)
	find(&columns.src, "SourceIP", parquet.ByteArray)
	find(&columns.dst, "DestinationIP", parquet.ByteArray)
	find(&columns.port, "DestinationPort", parquet.Int32, parquet.Int64)
	find(&columns.sent, "SentBytes", parquet.Int32, parquet.Int64)
	find(&columns.received, "ReceivedBytes", parquet.Int32, parquet.Int64)
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	if columns.time < 0 {
		return nil, nil, errors.New("there is no column TimeGenerated")
	}
	columns.ticks = ticksOf(file.Root().Columns()[columns.time].Type())
	return file, columns, nil
}

// ticksOf gives what turns a stored time into ticks; a number that is no timestamp is ticks.
func ticksOf(t parquet.Type) func(int64) int64 {
	l := t.LogicalType()
	if l == nil {
		return func(n int64) int64 { return n }
	}
	stamp, ok := l.Value.(*format.TimestampType)
	if !ok {
		return func(n int64) int64 { return n }
	}
	unit := int64(stamp.Unit.Value.Duration())
	if unit < 100 {
		return func(n int64) int64 { return clamp(n/100, 1) }
	}
	return func(n int64) int64 { return clamp(n, unit/100) }
}

// clamp turns units since 1970 into ticks; times out of the years 1 to 9999 get the nearest that is not.
func clamp(n, ticks int64) int64 {
	n = min(max(n, -traffic.UnixEpoch/ticks), (traffic.MaxTicks-traffic.UnixEpoch)/ticks)
	return n*ticks + traffic.UnixEpoch
}

// meets reports whether a row group may hold times of the window, by the file's own statistics.
func (r *flowReader) meets(file *parquet.File, group int, c *flowColumns) bool {
	s := file.Metadata().RowGroups[group].Columns[c.time].MetaData.Statistics
	if len(s.MinValue) != 8 || len(s.MaxValue) != 8 {
		return true
	}
	least := c.ticks(int64(binary.LittleEndian.Uint64(s.MinValue)))
	most := c.ticks(int64(binary.LittleEndian.Uint64(s.MaxValue)))
	w := r.opt.Window
	return most >= w.From && (w.To == 0 || least <= w.To)
}

// noTime marks a record without a time, which no window holds.
const noTime = math.MinInt64

// flowWorker is what one goroutine reads with.
type flowWorker struct {
	r       *flowReader
	sink    Sink
	builder traffic.Builder

	time, port, sent, received numbers
	vendor, activity           texts[bool]
	device, user               texts[uint32]
	src, dst                   texts[traffic.Addr]
}

func newFlowWorker(r *flowReader) *flowWorker {
	w := &flowWorker{r: r, sink: r.opt.Sink()}
	w.vendor.of = func(text []byte) bool { return string(text) == "Palo Alto Networks" }
	w.activity.of = func(text []byte) bool { return string(text) == "TRAFFIC" }
	w.device.of = func(text []byte) uint32 { return w.builder.Names().Code(text) }
	w.user.of = w.device.of
	w.src.of = func(text []byte) traffic.Addr {
		a := traffic.ParseAddr(text)
		if a.Kind == traffic.AddrText {
			a.Text = w.builder.Names().Code(text)
		}
		return a
	}
	w.dst.of = w.src.of
	w.port.of = func(n int64) int64 {
		if n < 0 || n > 65535 {
			return traffic.Unknown
		}
		return n
	}
	w.port.none, w.sent.none, w.received.none, w.time.none = traffic.Unknown, traffic.Unknown, traffic.Unknown, noTime
	w.sent.of = func(n int64) int64 { return max(n, traffic.Unknown) }
	w.received.of = w.sent.of
	return w
}

func (w *flowWorker) close() {
	for _, c := range w.cursors() {
		c.close()
	}
}

func (w *flowWorker) cursors() []*cursor {
	return []*cursor{
		&w.time.cursor, &w.port.cursor, &w.sent.cursor, &w.received.cursor, &w.vendor.cursor, &w.activity.cursor,
		&w.device.cursor, &w.user.cursor, &w.src.cursor, &w.dst.cursor,
	}
}

// guarded reads a row group, and gives a panic of the decoder, which a damaged file can cause, as an error.
func (w *flowWorker) guarded(ctx context.Context, u *unit) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file is damaged: %v", v)
		}
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("reading flows of %s: %w", u.path, err)
		}
	}()
	return w.group(ctx, u)
}

func (w *flowWorker) group(ctx context.Context, u *unit) error {
	c := u.columns
	w.time.of = c.ticks
	w.time.open(u.group, c.time)
	w.port.open(u.group, c.port)
	w.sent.open(u.group, c.sent)
	w.received.open(u.group, c.received)
	w.vendor.open(u.group, c.vendor)
	w.activity.open(u.group, c.activity)
	w.device.open(u.group, c.device)
	w.user.open(u.group, c.user)
	w.src.open(u.group, c.src)
	w.dst.open(u.group, c.dst)
	for at, chunk := int64(0), u.chunk; at < u.group.NumRows(); at, chunk = at+stretch, chunk+1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.stretch(traffic.Origin{File: u.file, Chunk: chunk}, int(min(stretch, u.group.NumRows()-at))); err != nil {
			return err
		}
	}
	return nil
}

func (w *flowWorker) stretch(o traffic.Origin, n int) error {
	if w.builder.Reset(o) { // the codes of its texts are void
		w.device.forget()
		w.user.forget()
		w.src.forget()
		w.dst.forget()
	}
	err := errors.Join(
		w.time.read(n), w.port.read(n), w.sent.read(n), w.received.read(n), w.vendor.read(n), w.activity.read(n),
		w.device.read(n), w.user.read(n), w.src.read(n), w.dst.read(n),
	)
	if err != nil {
		return err
	}
	for i := range n {
		if !w.vendor.out[i] || !w.activity.out[i] || w.time.out[i] == noTime || !w.r.opt.Window.Contains(w.time.out[i]) {
			continue
		}
		w.builder.Put(&traffic.Row{
			Line: uint32(i), Time: w.time.out[i], Src: w.src.out[i], Dst: w.dst.out[i], DstPort: int32(w.port.out[i]),
			SentBytes: w.sent.out[i], ReceivedBytes: w.received.out[i], Device: w.device.out[i], UserID: w.user.out[i],
			Flags: traffic.FlagActivity,
		})
	}
	w.r.rows.Add(int64(n))
	b := w.builder.Batch()
	w.r.flows.Add(int64(b.Len()))
	if b.Len() == 0 {
		return nil
	}
	return w.sink.Observe(b)
}
