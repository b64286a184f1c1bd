package synth

import (
	"maps"
	"strconv"
)

// fieldPutters are the fields that a template may name, beyond those that never
// change on a firewall.
func fieldPutters() map[string]putter {
	all := map[string]putter{}
	for _, group := range []map[string]putter{timePutters(), nameFields(), numberFields(), hostFields(), appFields()} {
		maps.Copy(all, group)
	}
	return all
}

func timePutters() map[string]putter {
	return map[string]putter{
		"receive_time_cef": func(p *printer, b []byte, r *record) []byte {
			return append(p.cefTime(b, r.received()), " GMT"...)
		},
		"time_generated_cef": func(p *printer, b []byte, r *record) []byte {
			return append(p.cefTime(b, r.seen), " GMT"...)
		},
		"receive_time_strata":   func(p *printer, b []byte, r *record) []byte { return p.cefTime(b, r.received()) },
		"time_generated_strata": func(p *printer, b []byte, r *record) []byte { return p.cefTime(b, r.seen) },
		"start_strata":          func(p *printer, b []byte, r *record) []byte { return p.cefTime(b, r.began) },
		"receive_time":          func(p *printer, b []byte, r *record) []byte { return p.csvTime(b, r.received()) },
		"time_generated":        func(p *printer, b []byte, r *record) []byte { return p.csvTime(b, r.seen) },
		"start":                 func(p *printer, b []byte, r *record) []byte { return p.csvTime(b, r.began) },
		"high_res_timestamp":    func(p *printer, b []byte, r *record) []byte { return p.isoTime(b, r.seen, true) },
		"receive_time_iso":      func(p *printer, b []byte, r *record) []byte { return p.isoTime(b, r.received(), false) },
		"receive_time_bsd": func(p *printer, b []byte, r *record) []byte {
			c, at := p.local.at(r.received() + p.offset)
			return appendClock(append(b, c.short...), at)
		},
	}
}

func nameFields() map[string]putter {
	subtypes := [...]string{kindEnd: "end", kindStart: "start", kindDrop: "drop", kindDeny: "deny"}
	actions := [...]string{kindEnd: "allow", kindStart: "allow", kindDrop: "drop", kindDeny: "deny"}
	flags := [...]string{"0x19", "0x1c", "0x400019", "0x40001c", "0x53", "0x400053", "0x100019", "0x500019"}
	return map[string]putter{
		"subtype":   func(_ *printer, b []byte, r *record) []byte { return append(b, subtypes[r.kind]...) },
		"action":    func(_ *printer, b []byte, r *record) []byte { return append(b, actions[r.kind]...) },
		"rule":      func(p *printer, b []byte, r *record) []byte { return append(b, p.text.rules[r.rule]...) },
		"rule_uuid": func(p *printer, b []byte, r *record) []byte { return append(b, p.p.n.uuids[r.rule]...) },
		"proto":     func(p *printer, b []byte, r *record) []byte { return append(b, p.text.protos[r.proto]...) },
		"reason":    func(p *printer, b []byte, r *record) []byte { return append(b, p.text.reasons[r.end]...) },
		"category":  func(p *printer, b []byte, r *record) []byte { return append(b, p.text.categories[r.category]...) },
		"from": func(p *printer, b []byte, r *record) []byte {
			return append(b, p.text.zones[p.p.c.hosts[r.src].role]...)
		},
		"to": func(p *printer, b []byte, r *record) []byte { return append(b, p.text.zones[r.to]...) },
		"inbound_if": func(p *printer, b []byte, r *record) []byte {
			return append(b, interfaces(p.p.c.hosts[r.src].role)...)
		},
		"outbound_if": func(_ *printer, b []byte, r *record) []byte {
			if r.kind >= kindDrop {
				return b
			}
			return append(b, interfaces(r.to)...)
		},
		"flags": func(_ *printer, b []byte, r *record) []byte {
			if r.kind >= kindDrop {
				return append(b, "0x0"...)
			}
			return append(b, flags[r.key>>30&7]...)
		},
	}
}

func interfaces(zone role) string {
	return [...]string{person: "ethernet1/3.110", server: "ethernet1/4", quiet: "ethernet1/3.210", outside: "ethernet1/1"}[zone]
}

func numberFields() map[string]putter {
	return map[string]putter{
		"sessionid": func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.session()) },
		"repeatcnt": func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.repeats()) },
		"sport":     func(_ *printer, b []byte, r *record) []byte { return appendInt(b, int64(r.sport)) },
		"dport":     func(_ *printer, b []byte, r *record) []byte { return appendInt(b, int64(r.dport)) },
		"natsport": func(_ *printer, b []byte, r *record) []byte {
			if !r.translated() {
				return append(b, '0')
			}
			return appendInt(b, 1024+int64(r.key>>33)%64000)
		},
		"natdport": func(_ *printer, b []byte, r *record) []byte {
			if !r.translated() {
				return append(b, '0')
			}
			return appendInt(b, int64(r.dport))
		},
		"bytes":          func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.sent+r.recv) },
		"bytes_sent":     func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.sent) },
		"bytes_received": func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.recv) },
		"packets":        func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.sentPkts+r.recvPkts) },
		"pkts_sent":      func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.sentPkts) },
		"pkts_received":  func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.recvPkts) },
		"elapsed":        func(_ *printer, b []byte, r *record) []byte { return appendInt(b, r.elapsed) },
		"seqno": func(p *printer, b []byte, r *record) []byte {
			n := r.seq
			if p.p.c.devices[r.device].version.level >= 3 { // 64 bits since 10.0
				n += 7_312_415_120_000_000_000
			}
			return appendInt(b, n)
		},
	}
}

func hostFields() map[string]putter {
	return map[string]putter{
		"src": func(p *printer, b []byte, r *record) []byte { return p.addr(b, p.p.c.hosts[r.src].addr) },
		"dst": func(p *printer, b []byte, r *record) []byte { return p.addr(b, r.dst) },
		"natsrc": func(p *printer, b []byte, r *record) []byte {
			if !r.translated() {
				return append(b, "0.0.0.0"...)
			}
			return p.addr(b, p.p.c.devices[r.device].public)
		},
		"natdst": func(p *printer, b []byte, r *record) []byte {
			if !r.translated() {
				return append(b, "0.0.0.0"...)
			}
			return p.addr(b, r.dst)
		},
		"srcloc": func(p *printer, b []byte, r *record) []byte { return p.location(b, p.p.c.hosts[r.src].addr) },
		"dstloc": func(p *printer, b []byte, r *record) []byte { return p.location(b, r.dst) },
		"srcuser": func(p *printer, b []byte, r *record) []byte {
			if u := p.user(r); u >= 0 {
				b = append(b, p.text.users[u]...)
			}
			return b
		},
		"srcuser_name": func(p *printer, b []byte, r *record) []byte {
			if u := p.user(r); u >= 0 {
				b = append(b, p.text.userNames[u]...)
			}
			return b
		},
		"srcuser_domain": func(p *printer, b []byte, r *record) []byte {
			if p.user(r) >= 0 {
				b = append(b, p.text.domain...)
			}
			return b
		},
		"src_host": func(p *printer, b []byte, r *record) []byte {
			if p.p.w.Entropy == HighEntropy && p.p.c.hosts[r.src].role == quiet {
				b = strconv.AppendInt(append(b, "device "...), int64(r.src), 10)
			}
			return b
		},
		"src_mac": func(p *printer, b []byte, r *record) []byte {
			if p.p.w.Entropy == HighEntropy && p.p.c.hosts[r.src].role == quiet {
				for i := range 6 {
					if i > 0 {
						b = append(b, '-')
					}
					n := mix(uint64(r.dst)>>32+uint64(p.p.c.hosts[r.src].addr)) >> (8 * i) & 255
					b = append(b, "0123456789abcdef"[n>>4], "0123456789abcdef"[n&15])
				}
			}
			return b
		},
	}
}

func appFields() map[string]putter {
	return map[string]putter{
		"app":             func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].name...) },
		"app_subcategory": func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].subcategory...) },
		"app_category":    func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].category...) },
		"app_technology":  func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].technology...) },
		"app_risk":        func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].risk...) },
		"app_traits":      func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].traits...) },
		"app_saas":        func(p *printer, b []byte, r *record) []byte { return append(b, p.text.apps[r.app].saas...) },
	}
}
