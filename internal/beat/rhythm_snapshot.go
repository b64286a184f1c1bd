package beat

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"
)

// snapshotVersion changes when old snapshots can no longer be read.
const snapshotVersion = 1

// The form of a snapshot. Rows, beats and sketches stand there in their own encodings.
type (
	liveState struct {
		Version  int
		Mark     int64
		Left     Left
		Gone     Gone
		Starts   bool
		Addrs    []string
		Names    []string
		Whos     [][3]uint32
		Pending  []byte
		Channels []channelState
	}
	channelState struct {
		Src, Dst                  uint32
		Port                      uint16
		Proto, Flags              uint8
		Sessions, Records, Failed int64
		First, Last               int64
		Sent, Received, Longest   int64
		Who                       []uint32
		Beats                     []byte
		Sketch                    []byte
		Recent                    []byte
		Told                      []toldState
	}
	toldState struct {
		Device, ID uint32
		Port       uint16
		Start      int64
		Beat       int
		Kind       uint8
		Done       bool
	}
)

// Snapshot writes all that a Live knows. The same state gives the same bytes.
func (l *Live) Snapshot(w io.Writer) error {
	t := &l.s.texts
	st := liveState{
		Version: snapshotVersion, Mark: l.mark, Left: l.left, Gone: l.gone, Starts: l.s.starts.Load(), Addrs: t.addrs, Names: t.names,
	}
	for _, k := range t.whos {
		st.Whos = append(st.Whos, [3]uint32{k.device, k.app, k.user})
	}
	st.Pending = encodeRows(l.pending)
	for _, k := range l.keys() {
		st.Channels = append(st.Channels, l.state(k))
	}
	if err := gob.NewEncoder(w).Encode(&st); err != nil {
		return fmt.Errorf("beat: writing a snapshot: %w", err)
	}
	return nil
}

func (l *Live) state(k channelID) channelState {
	c := l.channels[k]
	a := &c.about
	out := channelState{
		Src: k.src, Dst: k.dst, Port: k.dport, Proto: k.proto, Flags: k.flags,
		Sessions: a.sessions, Records: a.records, Failed: a.failed, First: a.first, Last: a.last,
		Sent: a.sent, Received: a.received, Longest: a.longest, Who: a.who,
	}
	for _, b := range c.beats {
		out.Beats = binary.LittleEndian.AppendUint32(out.Beats, b.at)
		failed := byte(0)
		if b.failed {
			failed = 1
		}
		out.Beats = append(out.Beats, b.sent, b.received, failed)
	}
	if c.k != nil {
		out.Sketch = c.k.encode()
	}
	if w := l.twice[k]; w != nil {
		out.Recent = encodeRows(w.recent)
		for n, v := range w.told {
			out.Told = append(out.Told, toldState{n.device, n.id, n.sport, v.start, v.beat, uint8(v.kind), v.done})
		}
		sortTold(out.Told)
	}
	return out
}

func encodeRows(rows []sessionRow) []byte {
	var out []byte
	for i := range rows {
		out = rows[i].encode(out)
	}
	return out
}

func (k *sketch) encode() []byte {
	var out []byte
	for _, f := range k.fields() {
		var err error
		if out, err = binary.Append(out, binary.LittleEndian, f); err != nil {
			panic("BUG: a field of a sketch has no fixed size: " + err.Error())
		}
	}
	return out
}

func (k *sketch) decode(p []byte) error {
	in := bytes.NewReader(p)
	for _, f := range k.fields() {
		if err := binary.Read(in, binary.LittleEndian, f); err != nil {
			return errSnapshot
		}
	}
	if in.Len() > 0 || k.sessions < liveRaw {
		return errSnapshot
	}
	return nil
}

var errSnapshot = errors.New("beat: the snapshot does not hold what was written to it")

// RestoreLive reads what Snapshot wrote. The Sessions must be new.
func RestoreLive(r io.Reader, m Rhythm, s *Sessions, maxChannels int) (*Live, error) {
	var st liveState
	if err := gob.NewDecoder(r).Decode(&st); err != nil {
		return nil, fmt.Errorf("beat: reading a snapshot: %w", err)
	}
	if st.Version != snapshotVersion {
		return nil, fmt.Errorf("beat: the snapshot is of version %d, not %d", st.Version, snapshotVersion)
	}
	if err := s.texts.restore(&st); err != nil {
		return nil, err
	}
	l := NewLive(m, s, maxChannels)
	l.mark, l.left, l.gone = st.Mark, st.Left, st.Gone
	s.starts.Store(st.Starts)
	var err error
	if l.pending, err = l.rows(st.Pending); err != nil {
		return nil, err
	}
	for i := range st.Channels {
		if err := l.restore(&st.Channels[i]); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (t *sessionTexts) restore(st *liveState) error {
	for _, a := range st.Addrs {
		if a == "" || a[0] == '6' && len(a) != 17 {
			return errSnapshot
		}
		if _, ok := t.address(a); !ok {
			return errSnapshot
		}
	}
	for i, n := range st.Names {
		if t.nameCode(n) != uint32(i) {
			return errSnapshot
		}
	}
	for i, w := range st.Whos {
		k := whoCodes{w[0], w[1], w[2]}
		if int(max(w[0], w[1], w[2])) >= len(t.names) || t.whoCode(t.names[k.device], t.names[k.app], t.names[k.user]) != uint32(i) {
			return errSnapshot
		}
	}
	return nil
}

// holds reports whether the texts that a channel and its user codes refer to are there.
func (t *sessionTexts) holds(k channelID, who ...uint32) bool {
	for _, w := range who {
		if int(w) >= len(t.whos) {
			return false
		}
	}
	return (k.flags&rowSrcText == 0 || int(k.src) < len(t.addrs)) && (k.flags&rowDstText == 0 || int(k.dst) < len(t.addrs))
}

func (l *Live) rows(p []byte) ([]sessionRow, error) {
	if len(p)%encodedRow != 0 {
		return nil, errSnapshot
	}
	var out []sessionRow
	for ; len(p) > 0; p = p[encodedRow:] {
		var r sessionRow
		r.decode(p)
		if !l.s.texts.holds(r.channel(), r.who) {
			return nil, errSnapshot
		}
		out = append(out, r)
	}
	return out, nil
}

func (l *Live) restore(st *channelState) error {
	k := channelID{src: st.Src, dst: st.Dst, dport: st.Port, proto: st.Proto, flags: st.Flags}
	const beatBytes = 7
	if !l.s.texts.holds(k, st.Who...) || len(st.Beats)%beatBytes != 0 || st.Sessions < 1 || st.Sessions >= liveRaw && st.Sketch == nil {
		return errSnapshot
	}
	c := &liveChannel{about: channelAbout{
		sessions: st.Sessions, records: st.Records, failed: st.Failed, first: st.First, last: st.Last,
		sent: st.Sent, received: st.Received, longest: st.Longest, who: st.Who,
	}}
	for p := st.Beats; len(p) > 0; p = p[beatBytes:] {
		b := liveBeat{at: binary.LittleEndian.Uint32(p), sent: p[4], received: p[5], failed: p[6] != 0}
		if b.sent > sizeBins || b.received > sizeBins {
			return errSnapshot
		}
		c.beats = append(c.beats, b)
	}
	if len(c.beats) > liveBeats || int64(len(c.beats)) > st.Sessions {
		return errSnapshot
	}
	if st.Sketch != nil {
		c.k = &sketch{}
		if err := c.k.decode(st.Sketch); err != nil {
			return err
		}
	}
	l.channels[k] = c
	recent, err := l.rows(st.Recent)
	if err != nil {
		return err
	}
	if len(recent) > 0 {
		w := &twice{texts: &l.s.texts, recent: recent}
		for _, v := range st.Told {
			if w.told == nil {
				w.told = make(map[sessionName]told)
			}
			w.told[sessionName{v.Device, v.ID, v.Port}] = told{v.Start, v.Beat, RecordKind(v.Kind), v.Done}
		}
		l.twice[k] = w
	}
	return nil
}

func sortTold(t []toldState) {
	slices.SortFunc(t, func(a, b toldState) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Port, b.Port))
	})
}
