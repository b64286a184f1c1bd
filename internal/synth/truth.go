package synth

import (
	"bufio"
	"encoding/json"
	"io"
	"time"
)

// TruthWorld is the first line of a truth file: what the log is of.
type TruthWorld struct {
	Kind      string    `json:"kind"` // "world"
	Seed      uint64    `json:"Seed"`
	From      time.Time `json:"From"`
	To        time.Time `json:"To"`
	Machines  int       `json:"Machines"`
	Firewalls int       `json:"Firewalls"`
	Users     int       `json:"Users"`
	Profile   string    `json:"Profile"`
	Drops     float64   `json:"Drops"`
	Loss      float64   `json:"Loss"`
	LogStart  bool      `json:"LogStart"`
	Format    Format    `json:"LogFormat"`
	Version   string    `json:"PANVersion"`
	Prefix    Prefix    `json:"Prefix"`
	Entropy   Entropy   `json:"Entropy"`
	UTCOffset string    `json:"UTCOffset"`
	Flows     int64     `json:"Flows"` // asked for
	Records   int64     `json:"Records"`
	Blocked   int64     `json:"Blocked"`
	Lost      int64     `json:"Lost"`
	Beacons   int       `json:"Beacons"`
	Pollers   int       `json:"Pollers"`
}

// TruthChannel is every other line of a truth file: a planted channel, and what
// the log holds of it. What `scan` prints of a channel has the same name here.
type TruthChannel struct {
	Kind        string    `json:"kind"` // "beacon", or "poller" if it is harmless
	Name        string    `json:"Name,omitempty"`
	Source      string    `json:"SourceIP"`
	Destination string    `json:"DestinationIP"`
	Port        uint16    `json:"DestinationPort"`
	Protocol    string    `json:"Protocol"`
	Firewall    string    `json:"DeviceName"`
	User        string    `json:"SourceUserName,omitempty"`
	Host        string    `json:"Host"` // person, server or quiet
	App         string    `json:"App"`
	Period      float64   `json:"PeriodSeconds"`
	Jitter      float64   `json:"Jitter"` // share of the period
	Law         Law       `json:"Law"`
	Missed      float64   `json:"Missed"` // share of beats that did not happen
	Office      bool      `json:"Office"`
	Burst       int       `json:"Burst"`
	Sent        int64     `json:"SentSize"` // bytes to the destination, median
	Received    int64     `json:"ReceivedSize"`
	Blocked     bool      `json:"Blocked"`
	First       time.Time `json:"FirstSeen,omitzero"` // start of the first beat in the log
	Last        time.Time `json:"LastSeen,omitzero"`
	Beats       int64     `json:"Beats"`   // in the log
	Records     int64     `json:"Records"` // in the log, start records and all
}

func (p *plan) writeTruth(to io.Writer, s Stats) error {
	out := bufio.NewWriterSize(to, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	w := &p.w
	err := enc.Encode(TruthWorld{
		Kind: "world", Seed: w.Seed, From: w.From.UTC(), To: time.UnixMilli(p.to).UTC(), Machines: w.Machines, Firewalls: w.Firewalls,
		Users: w.Users, Profile: w.Profile, Drops: w.Drops, Loss: w.Loss, LogStart: w.LogStart, Format: w.Format, Version: w.Version,
		Prefix: w.Prefix, Entropy: w.Entropy, UTCOffset: w.UTCOffset.String(), Flows: w.Flows,
		Records: s.Records, Blocked: s.Blocked, Lost: s.Lost, Beacons: s.Beacons, Pollers: s.Pollers,
	})
	if err != nil {
		return err
	}
	for i := range p.channels {
		if err := enc.Encode(p.truth(&p.channels[i])); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (p *plan) truth(c *channel) TruthChannel {
	h := &p.c.hosts[c.src]
	t := TruthChannel{
		Kind: "beacon", Name: c.name, Source: addrText(h.addr), Destination: addrText(c.dst), Port: c.port,
		Protocol: protocols()[c.proto], Firewall: p.c.devices[h.device].name,
		Host: [...]string{"person", "server", "quiet", "outside"}[h.role], App: p.n.apps[c.app].name,
		Period: c.period / 1000, Jitter: c.jitter, Law: c.law, Missed: c.miss, Office: c.office, Burst: c.burst,
		Sent: int64(c.sent), Received: int64(c.recv), Blocked: c.blocked, Beats: c.found.beats, Records: c.found.records,
	}
	if c.benign {
		t.Kind = "poller"
	}
	if h.user >= 0 {
		t.User = domain + `\` + p.n.users[h.user]
	}
	if c.found.beats > 0 {
		t.First, t.Last = time.UnixMilli(c.found.first).UTC(), time.UnixMilli(c.found.last).UTC()
	}
	return t
}
