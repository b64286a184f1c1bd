package accuracy

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

const (
	// familyReal is that of real traffic with planted beacons.
	familyReal = "real"
	// labelledGroup names the beacon that a capture's own labels name.
	labelledGroup = "labelled"
)

// RealSource is a Zeek conn log with beacons planted into it.
func RealSource(path string) Source {
	return Source{Family: familyReal, Name: path, Open: func() (*World, error) { return ReadZeek(path, plantSeed) }}
}

// plantSeed is that of the planted beacons.
const plantSeed = 1

// ReadZeek reads a conn log of Zeek as TSV, gzipped or not, and plants beacons on its internal machines. All its channels
// are other ones, though many are programs that poll: no one has labelled them; only channels whose detailed label is CC
// are malicious.
func ReadZeek(path string, seed uint64) (w *World, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := bufio.NewReader(f)
	var from io.Reader = in
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		if from, err = gzip.NewReader(in); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	r := zeekReader{channels: make(map[string]*Channel), first: math.Inf(1)}
	if err := r.read(from); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	w = r.world()
	w.Name = strings.TrimSuffix(filepath.Base(path), ".gz")
	if len(w.Channels) == 0 {
		return nil, fmt.Errorf("%s: there is no session in it", path)
	}
	w.plant(seed)
	return w, nil
}

// zeekReader reads a conn log.
type zeekReader struct {
	fields   map[string]int
	channels map[string]*Channel
	starts   map[*Channel][]float64
	local    []netip.Addr // sources that the sensor calls local
	first    float64
}

func (r *zeekReader) read(from io.Reader) error {
	r.starts = make(map[*Channel][]float64)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if names, ok := strings.CutPrefix(line, "#fields\t"); ok {
			r.fields = make(map[string]int)
			for i, name := range strings.Split(names, "\t") {
				r.fields[name] = i
			}
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.line(strings.Split(line, "\t")); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

func (r *zeekReader) line(cells []string) error {
	cell := func(name string) string {
		if i, ok := r.fields[name]; ok && i < len(cells) {
			return cells[i]
		}
		return "-"
	}
	number := func(name string) float64 { // 0 where there is none
		x, err := strconv.ParseFloat(cell(name), 64)
		if err != nil || math.IsNaN(x) {
			return 0
		}
		return min(max(x, 0), math.MaxUint32)
	}
	at, err := strconv.ParseFloat(cell("ts"), 64)
	if err != nil || !(at >= 0 && at < 1e11) {
		return fmt.Errorf("ts is %q", cell("ts"))
	}
	src, err1 := netip.ParseAddr(cell("id.orig_h"))
	dst, err2 := netip.ParseAddr(cell("id.resp_h"))
	port, err3 := strconv.ParseUint(cell("id.resp_p"), 10, 16)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if cell("local_orig") == "T" && !slices.Contains(r.local, src) {
		r.local = append(r.local, src)
	}
	if dst.IsMulticast() || dst == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || src == dst {
		return nil // rhythm leaves them out, and no peer is told of them either
	}
	name := channelName(src.String(), dst.String(), int(port))
	c := r.channels[name]
	if c == nil {
		c = &Channel{Source: src, Destination: dst, Port: uint16(port), Truth: Truth{Kind: "real"}}
		r.channels[name] = c
	}
	s := Session{
		Duration: uint32(min(number("duration")*1000, math.MaxUint32)), Sent: uint32(number("orig_bytes")), Received: uint32(number("resp_bytes")),
		Protocol: protocolNumber(cell("proto")),
	}
	switch cell("conn_state") {
	case "S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR":
		s.Failed = true
	default:
		s.Failed = s.Protocol == 6 && s.Received < 100
	}
	c.Sessions = append(c.Sessions, s)
	r.starts[c] = append(r.starts[c], at)
	r.first = min(r.first, at)
	if strings.EqualFold(cell("detailedlabel"), "CC") {
		c.Truth = Truth{Class: synth.Malicious, Group: labelledGroup, Setting: labelledGroup, Law: "minus"}
	}
	return nil
}

// world sets the starts: the log may begin with any of its sessions.
func (r *zeekReader) world() *World {
	w := &World{}
	if len(r.channels) == 0 {
		return w
	}
	from := math.Floor(r.first)
	w.From = traffic.UnixEpoch + int64(from)*traffic.Second
	for _, c := range r.channels {
		kept := c.Sessions[:0]
		for i, at := range r.starts[c] {
			if ms := math.Round((at - from) * 1000); ms <= math.MaxUint32 {
				s := c.Sessions[i]
				s.Start = uint32(ms)
				kept = append(kept, s)
			}
		}
		c.Sessions = kept
		sortSessions(c.Sessions)
		if c.Truth.Class == synth.Malicious {
			c.Truth.Records = len(kept)
		}
		w.Channels = append(w.Channels, *c)
	}
	w.sort()
	for _, a := range r.local {
		if !a.IsPrivate() { // a machine of one's own may have a public address
			w.Networks = append(w.Networks, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	if w.Networks != nil {
		w.Networks = append(w.Networks, privateNetworks()...)
	}
	return w
}

// privateNetworks are those of private use and of a link, as rhythm takes them for internal.
func privateNetworks() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"} {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// plant adds beacons on the internal machines, those with public addresses where there are such, or on all.
func (w *World) plant(seed uint64) {
	var inside, all []netip.Addr
	for i := range w.Channels {
		a := w.Channels[i].Source
		if !slices.Contains(all, a) {
			all = append(all, a)
			local := slices.ContainsFunc(w.Networks, func(n netip.Prefix) bool { return n.IsSingleIP() && n.Contains(a) })
			if local || w.Networks == nil && a.IsPrivate() && a.Is4() {
				inside = append(inside, a)
			}
		}
	}
	if len(inside) == 0 {
		inside = all
	}
	known := w.index()
	planted := synth.PlantInto(seed, inside, int64(w.First), int64(w.Last))
	for i := range planted {
		c := &planted[i]
		name := channelName(c.Source.String(), c.Destination.String(), int(c.Port))
		if _, taken := known[name]; taken || len(c.Calls) == 0 {
			continue
		}
		known[name] = -1
		w.Channels = append(w.Channels, Channel{
			Source: c.Source, Destination: c.Destination, Port: c.Port, Sessions: c.Calls, Truth: trialTruth(c, len(w.Channels)),
		})
	}
	w.sort()
}

// sort orders the channels, and sets what follows from them.
func (w *World) sort() {
	slices.SortFunc(w.Channels, func(a, b Channel) int {
		return cmp.Or(a.Source.Compare(b.Source), a.Destination.Compare(b.Destination), cmp.Compare(a.Port, b.Port))
	})
	w.finish()
}
