package synth

import (
	"fmt"
	"strconv"
	"time"
)

// printer turns records into lines. Each worker has its own: it remembers what
// it spelled last.
type printer struct {
	p       *plan
	layouts []layout
	text    *texts
	offset  int64 // of local time, ms
	zone    string
	utc     calendar
	local   calendar
}

// texts are the names of a world as they are written in its format.
type texts struct {
	rules, zones, reasons, protos, categories, countries []string
	inside                                               string // location of private addresses
	users, userNames                                     []string
	domain                                               string
	apps                                                 []app
	octets                                               [256]string
}

func newTexts(p *plan) *texts {
	esc := escaper(p.w.Format)
	each := func(in []string) []string {
		out := make([]string, len(in))
		for i, s := range in {
			out[i] = esc(s)
		}
		return out
	}
	t := &texts{
		rules: each(p.n.rules), zones: each(p.n.zones), reasons: endReasons(), protos: protocols(),
		categories: categories(), countries: countries(), inside: "10.0.0.0-10.255.255.255",
		userNames: p.n.users, domain: domain, apps: make([]app, len(p.n.apps)),
	}
	for i, a := range p.n.apps {
		a.traits = esc(a.traits)
		t.apps[i] = a
	}
	t.users = make([]string, len(p.n.users))
	for i, u := range p.n.users {
		t.users[i] = esc(domain + `\` + u)
	}
	for i := range t.octets {
		t.octets[i] = strconv.Itoa(i)
	}
	return t
}

func newPrinter(p *plan, layouts []layout, t *texts) *printer {
	pr := &printer{p: p, layouts: layouts, text: t, offset: p.w.UTCOffset.Milliseconds(), zone: zoneText(p.w.UTCOffset)}
	pr.utc.number, pr.local.number = -1<<62, -1<<62
	return pr
}

// lines appends the lines of records.
func (p *printer) lines(b []byte, records []record) []byte {
	for i := range records {
		r := &records[i]
		for _, o := range p.layouts[r.device] {
			b = append(b, o.text...)
			if o.put != nil {
				b = o.put(p, b, r)
			}
		}
	}
	return b
}

// calendar is a day as the formats write it.
type calendar struct {
	number               int64 // days since 1970
	cef, csv, iso, short string
}

// at is the calendar of the day of ms, and the milliseconds into it.
func (c *calendar) at(ms int64) (*calendar, int64) {
	if n := floorDiv(ms, day); n != c.number {
		t := time.UnixMilli(n * day).UTC()
		*c = calendar{
			number: n, cef: t.Format("Jan 02 2006 "), csv: t.Format("2006/01/02 "),
			iso: t.Format("2006-01-02T"), short: t.Format("Jan _2 "),
		}
	}
	return c, ms - c.number*day
}

func zoneText(offset time.Duration) string {
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	return fmt.Sprintf("%s%02d:%02d", sign, offset/time.Hour, offset%time.Hour/time.Minute)
}

// twoDigits are 00 to 59.
const twoDigits = "000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647484950515253545556575859"

func appendClock(b []byte, ms int64) []byte {
	h, m, s := ms/hour*2, ms/minute%60*2, ms/second%60*2
	return append(b,
		twoDigits[h], twoDigits[h+1], ':', twoDigits[m], twoDigits[m+1], ':', twoDigits[s], twoDigits[s+1])
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

func (p *printer) addr(b []byte, a uint32) []byte {
	o := &p.text.octets
	b = append(b, o[a>>24]...)
	b = append(b, '.')
	b = append(b, o[a>>16&255]...)
	b = append(b, '.')
	b = append(b, o[a>>8&255]...)
	b = append(b, '.')
	return append(b, o[a&255]...)
}

// cefTime is Mar 02 2026 09:30:00.
func (p *printer) cefTime(b []byte, ms int64) []byte {
	c, at := p.utc.at(ms)
	return appendClock(append(b, c.cef...), at)
}

// csvTime is 2026/03/02 09:30:00 on the firewall's own clock.
func (p *printer) csvTime(b []byte, ms int64) []byte {
	c, at := p.local.at(ms + p.offset)
	return appendClock(append(b, c.csv...), at)
}

// isoTime is 2026-03-02T09:30:00.125+00:00 on the firewall's own clock.
func (p *printer) isoTime(b []byte, ms int64, fraction bool) []byte {
	c, at := p.local.at(ms + p.offset)
	b = appendClock(append(b, c.iso...), at)
	if fraction {
		f := at % second
		b = append(b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	return append(b, p.zone...)
}

// received is when the management plane of the firewall took the record.
func (r *record) received() int64 { return r.seen + int64(r.key>>8&1023) }

// session is the number of the session: start and end records share it.
func (r *record) session() int64 { return 1000 + int64(r.key>>13&0x3ffff) }

// repeats is how many like sessions the record stands for.
func (r *record) repeats() int64 {
	if r.proto != tcp && r.channel < 0 && r.key>>44&127 == 0 {
		return 2
	}
	return 1
}

// translated is true if the firewall changed the source's address.
func (r *record) translated() bool { return r.to == outside && r.kind <= kindStart }

func (p *printer) user(r *record) int32 { return p.p.c.hosts[r.src].user }

func (p *printer) location(b []byte, a uint32) []byte {
	if private(a) {
		return append(b, p.text.inside...)
	}
	return append(b, p.text.countries[mix(uint64(a>>8))&15]...)
}
