package traffic

// Unknown marks a number that a record does not have or that is out of its range: KQL's null.
const Unknown = -1

// Origin says where the lines of a batch came from.
type Origin struct {
	// File is the number of the source, in the order of paths.
	File uint32
	// Chunk is the number of the piece of the source that the batch was read from, in order of offset.
	Chunk uint32
}

// Row flags, the bits of Batch.Flags.
const (
	// FlagActivity is set for records whose CommonSecurityLog row has DeviceVendor "Palo Alto Networks" and
	// Activity "TRAFFIC", letter for letter: the test that the founding rule makes.
	FlagActivity uint8 = 1 << iota
	// FlagOther is set for TRAFFIC records that this test leaves out: those of Strata Logging Service, which has
	// TRAFFIC in DeviceEventClassID, and those that spell vendor or type in other letters.
	FlagOther
)

// Batch holds flows as columns of equal length. Rows stand in the order of their lines.
type Batch struct {
	// Origin is the source of all rows.
	Origin Origin
	// Line is the number of the row's line within Origin, from 0.
	Line []uint32
	// Time is TimeGenerated in ticks.
	Time []int64
	// Src and Dst are SourceIP and DestinationIP.
	Src, Dst []Addr
	// DstPort is DestinationPort, or Unknown.
	DstPort []int32
	// SentBytes and ReceivedBytes are the CommonSecurityLog columns as they came, or Unknown; which end sent them
	// depends on the device's template.
	SentBytes, ReceivedBytes []int64
	// Device is DeviceName and UserID is SourceUserID, as codes of Names.
	Device, UserID []uint32
	// Flags holds the row flags.
	Flags []uint8
	// Names holds the texts of the batch.
	Names *Dict
}

// Len gives the number of rows.
func (b *Batch) Len() int { return len(b.Time) }

// Builder fills a Batch row by row. A row is set with Put; memory is reused after Reset, so that a warm builder does
// not allocate.
type Builder struct {
	batch Batch
	names Dict
}

// Row is one flow on its way into a Builder. Texts are codes of the builder's Names.
type Row struct {
	Line                     uint32
	Time                     int64
	Src, Dst                 Addr
	DstPort                  int32
	SentBytes, ReceivedBytes int64
	Device, UserID           uint32
	Flags                    uint8
}

// maxNames and maxNameBytes bound the dictionary that a builder keeps from batch to batch.
const (
	maxNames     = 1 << 15
	maxNameBytes = 1 << 20
)

// Reset empties the builder for the next batch. It reports whether the dictionary was emptied too, which makes all
// codes given so far void.
func (b *Builder) Reset(o Origin) (namesReset bool) {
	b.batch.Origin = o
	b.Rollback(0)
	if b.names.Len() > maxNames || b.names.Bytes() > maxNameBytes {
		b.names.Reset()
		return true
	}
	return false
}

// Names is the dictionary of the batch being built.
func (b *Builder) Names() *Dict { return &b.names }

// Put appends one row.
func (b *Builder) Put(r *Row) {
	c := &b.batch
	c.Line = append(c.Line, r.Line)
	c.Time = append(c.Time, r.Time)
	c.Src = append(c.Src, r.Src)
	c.Dst = append(c.Dst, r.Dst)
	c.DstPort = append(c.DstPort, r.DstPort)
	c.SentBytes = append(c.SentBytes, r.SentBytes)
	c.ReceivedBytes = append(c.ReceivedBytes, r.ReceivedBytes)
	c.Device = append(c.Device, r.Device)
	c.UserID = append(c.UserID, r.UserID)
	c.Flags = append(c.Flags, r.Flags)
}

// Batch gives the batch built so far. It is valid until the next Reset.
func (b *Builder) Batch() *Batch {
	b.batch.Names = &b.names
	return &b.batch
}

// Mark gives the number of rows so far, for Rollback.
func (b *Builder) Mark() int { return b.batch.Len() }

// Rollback takes back the rows put since Mark gave n.
func (b *Builder) Rollback(n int) {
	c := &b.batch
	c.Line, c.Time = c.Line[:n], c.Time[:n]
	c.Src, c.Dst = c.Src[:n], c.Dst[:n]
	c.DstPort = c.DstPort[:n]
	c.SentBytes, c.ReceivedBytes = c.SentBytes[:n], c.ReceivedBytes[:n]
	c.Device, c.UserID = c.Device[:n], c.UserID[:n]
	c.Flags = c.Flags[:n]
}
