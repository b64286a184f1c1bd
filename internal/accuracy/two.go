package accuracy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"drumbeat/internal/synth"
	"drumbeat/internal/traffic"
)

// TwoOptions says how ReadTwo reads.
type TwoOptions struct {
	// KeepRepeated keeps records that came twice, which the world's faults include, as its own baselines do. Otherwise
	// one record counts once.
	KeepRepeated bool
}

// ReadTwo reads a folder that world.py of "world two" has written: traffic.cef, truth.json, tags.tsv, channels.json.
// A session's start is the time of its record less its duration; the lag of the firewall is left in, as in a real log.
func ReadTwo(dir string, opt TwoOptions) (*World, error) {
	var truth twoTruth
	if err := readJSON(filepath.Join(dir, "truth.json"), &truth); err != nil {
		return nil, err
	}
	var counts struct {
		OtherGE4 int `json:"other_ge4"`
	}
	if err := readJSON(filepath.Join(dir, "channels.json"), &counts); err != nil {
		return nil, err
	}
	tags, err := readTags(filepath.Join(dir, "tags.tsv"))
	if err != nil {
		return nil, err
	}
	r := newTwoReader(&truth, opt)
	if err := r.readFile(filepath.Join(dir, "traffic.cef")); err != nil {
		return nil, err
	}
	w := r.world(&truth, tags)
	w.Name = fmt.Sprintf("world two, %s, seed %d", truth.Scale, truth.Seed)
	w.Others = counts.OtherGE4
	return w, nil
}

// twoTruth is truth.json.
type twoTruth struct {
	Seed     int64             `json:"seed"`
	Scale    string            `json:"scale"`
	T0       int64             `json:"t0"`
	Channels []twoTruthChannel `json:"channels"`
}

type twoTruthChannel struct {
	Src          string    `json:"src"`
	Dst          string    `json:"dst"`
	Port         uint16    `json:"dport"`
	Class        string    `json:"class"`
	Kind         string    `json:"kind"`
	Framework    string    `json:"framework"`
	Law          string    `json:"law"`
	Period       float64   `json:"period"`
	Jitter       float64   `json:"jitter"`
	Special      string    `json:"special"`
	Group        string    `json:"group"`
	Presence     string    `json:"presence"`
	Records      int       `json:"records"`
	MedianGap    float64   `json:"median_gap"`
	MeanGap      float64   `json:"mean_gap"`
	DailyPeriods []float64 `json:"daily_periods"`
}

func (c *twoTruthChannel) truth(order int) Truth {
	t := Truth{
		Kind: c.Kind, Setting: c.Special, Law: c.Law, Framework: c.Framework, Period: c.Period, Jitter: c.Jitter,
		Records: c.Records, Class: synth.Harmless, order: order, Right: []float64{c.Period},
	}
	if c.Class == "malicious" {
		t.Class, t.Group = synth.Malicious, c.Group
	}
	if c.Special != "interactive" { // its windows of fast check-ins are not its period
		t.Right = append(append(t.Right, c.MedianGap, c.MeanGap), c.DailyPeriods...)
	}
	return t
}

func readJSON(path string, to any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readTags reads which kind of traffic each other channel is.
func readTags(path string) (map[twoKey]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := make(map[twoKey]string)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != 5 {
			return nil, fmt.Errorf("%s:%d: want five cells, got %d", path, n, len(cells))
		}
		port, err := strconv.ParseUint(cells[2], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: the port is %q", path, n, cells[2])
		}
		out[twoKey{cells[0], cells[1], uint16(port)}] = cells[4]
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

type twoKey struct {
	src, dst string
	port     uint16
}

// twoReader reads traffic.cef.
type twoReader struct {
	opt     TwoOptions
	from    int64 // seconds of the epoch
	index   map[twoKey]int
	keys    []twoKey
	calls   [][]Session
	seen    map[string]bool
	devices map[string]uint8
	days    map[string]int64
}

func newTwoReader(truth *twoTruth, opt TwoOptions) *twoReader {
	return &twoReader{
		opt: opt, from: truth.T0 - 86400, // a session that is logged in the first hour may have begun the day before
		index: make(map[twoKey]int), seen: make(map[string]bool), devices: make(map[string]uint8), days: make(map[string]int64),
	}
}

func (r *twoReader) readFile(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.read(f, path)
}

func (r *twoReader) read(from io.Reader, path string) error {
	in := bufio.NewReaderSize(from, 1<<20)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			if lineErr := r.line(line); lineErr != nil {
				return fmt.Errorf("%s:%d: %w", path, n, lineErr)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
}

// field gives the value of a key that no blank stands in.
func field(line []byte, key string) ([]byte, error) {
	at := bytes.Index(line, []byte(key))
	if at < 0 {
		return nil, fmt.Errorf("there is no%s", strings.TrimSuffix(key, "="))
	}
	rest := line[at+len(key):]
	if end := bytes.IndexAny(rest, " \n"); end >= 0 {
		rest = rest[:end]
	}
	return rest, nil
}

// line takes one record.
func (r *twoReader) line(line []byte) error {
	names := [...]string{" src=", " dst=", " dpt=", " in=", " out=", " cn3=", " externalId=", " dvchost=", " proto=", " act="}
	var v [len(names)]string
	for i, name := range names {
		b, err := field(line, name)
		if err != nil {
			return err
		}
		v[i] = string(b)
	}
	if !r.opt.KeepRepeated {
		id := v[7] + " " + v[6]
		if r.seen[id] {
			return nil
		}
		r.seen[id] = true
	}
	var numbers [4]uint64
	for i, at := range [...]int{2, 3, 4, 5} {
		n, err := strconv.ParseUint(v[at], 10, 32)
		if err != nil {
			return fmt.Errorf("%s is %q", strings.TrimSpace(names[at]), v[at])
		}
		numbers[i] = n
	}
	written, err := r.written(line)
	if err != nil {
		return err
	}
	begun := written - r.from - int64(numbers[3])
	if begun < 0 || begun > 40*86400 {
		return errors.New("the session lies outside the world")
	}
	s := Session{
		Start: uint32(begun * 1000), Duration: uint32(min(numbers[3], 40*86400) * 1000), Sent: uint32(numbers[1]), Received: uint32(numbers[2]),
		Protocol: protocolNumber(v[8]), Device: r.device(v[7]),
	}
	s.Failed = v[9] != "allow" || s.Protocol == 6 && s.Received < 100
	key := twoKey{v[0], v[1], uint16(numbers[0])}
	i, ok := r.index[key]
	if !ok {
		i = len(r.keys)
		r.index[key], r.keys, r.calls = i, append(r.keys, key), append(r.calls, nil)
	}
	r.calls[i] = append(r.calls[i], s)
	return nil
}

func protocolNumber(name string) uint8 {
	switch name {
	case "tcp":
		return 6
	case "udp":
		return 17
	}
	return 0
}

func (r *twoReader) device(name string) uint8 {
	d, ok := r.devices[name]
	if !ok {
		d = uint8(len(r.devices))
		r.devices[name] = d
	}
	return d
}

// written gives the time of the record, in seconds of the epoch: start=Mar 02 2026 00:00:09 GMT.
func (r *twoReader) written(line []byte) (int64, error) {
	at := bytes.Index(line, []byte(" start="))
	const form = "Jan 02 2006 15:04:05"
	if at < 0 || len(line) < at+7+len(form) {
		return 0, errors.New("there is no start")
	}
	text := string(line[at+7 : at+7+len(form)])
	day, ok := r.days[text[:11]]
	if !ok {
		t, err := time.Parse("Jan 02 2006", text[:11])
		if err != nil {
			return 0, fmt.Errorf("start is %q", text)
		}
		day = t.Unix()
		r.days[text[:11]] = day
	}
	clock := int64(0)
	for i, unit := range [...]int64{36000, 3600, 0, 600, 60, 0, 10, 1} {
		c := text[12+i]
		if unit == 0 {
			continue
		}
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("start is %q", text)
		}
		clock += unit * int64(c-'0')
	}
	return day + clock, nil
}

// world makes the channels.
func (r *twoReader) world(truth *twoTruth, tags map[twoKey]string) *World {
	w := &World{From: traffic.UnixEpoch + r.from*traffic.Second}
	known := make(map[twoKey]int, len(truth.Channels))
	for i, c := range truth.Channels {
		known[twoKey{c.Src, c.Dst, c.Port}] = i
	}
	for i, key := range r.keys {
		src, err1 := netip.ParseAddr(key.src)
		dst, err2 := netip.ParseAddr(key.dst)
		if err1 != nil || err2 != nil {
			continue // not an address: no channel of the truth has such an end
		}
		c := Channel{Source: src, Destination: dst, Port: key.port, Sessions: r.calls[i], Truth: Truth{Kind: tags[key]}}
		if t, ok := known[key]; ok {
			c.Truth = truth.Channels[t].truth(t)
		}
		sortSessions(c.Sessions)
		w.Channels = append(w.Channels, c)
	}
	w.sort()
	return w
}
