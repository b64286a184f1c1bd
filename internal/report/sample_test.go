package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"drumbeat/internal/plot"
)

// A made-up company's week.
var (
	weekFrom = time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC)
	weekTo   = time.Date(2026, 11, 23, 14, 20, 0, 0, time.UTC)
)

// rhythm is how a made-up program calls.
type rhythm struct {
	period time.Duration
	jitter float64 // of the period, one-sided
	miss   float64
	from   time.Time
	pause  plot.Span
	denied plot.Span
	sent   int64
}

func (r *rhythm) beats(rng *rand.Rand) []plot.Beat {
	var out []plot.Beat
	for t := r.from; t.Before(weekTo); {
		if rng.Float64() >= r.miss && (t.Before(r.pause.From) || t.After(r.pause.To)) {
			b := plot.Beat{At: t.Truncate(time.Second), Sent: r.sent, Received: r.sent/2 + int64(rng.IntN(60))}
			switch {
			case t.After(r.denied.From) && t.Before(r.denied.To):
				b.Failed, b.Sent, b.Received = true, 74, 0
			case rng.Float64() < .022:
				b.Sent, b.Received = int64(2900+rng.IntN(38000)), int64(900+rng.IntN(2600))
			}
			out = append(out, b)
		}
		t = t.Add(time.Duration(float64(r.period) * (1 - r.jitter*rng.Float64())))
	}
	return out
}

// channel makes a channel of a rhythm; the beats may be cut to the newest keep of them.
func (r *rhythm) channel(seed uint64, source, destination End, score float64, keep int) Channel {
	beats := r.beats(rand.New(rand.NewPCG(seed, 7)))
	c := Channel{
		Source: source, Destination: destination, Protocol: "tcp", Rhythm: 89.9, Chance: math.Exp(-89.9),
		Period: time.Duration(float64(r.period) * (1 - r.jitter/2)), PeriodError: r.period / 100, Jitter: r.jitter, JitterError: .02,
		Law: "sleep", Beats: int64(len(beats)), Hosts: 2, Machines: 1840, Users: []string{"r.haas"}, Devices: []string{"pa-fw-hq-1"},
		Apps: []string{"ssl"}, Rules: []string{"Allow-Web-Out"}, Starts: beats,
		Window: plot.Window{
			Low:  time.Duration(float64(r.period) * (1 - r.jitter) * .95).Truncate(time.Second),
			High: time.Duration(float64(r.period) * 1.06).Truncate(time.Second),
			P3:   time.Duration(float64(r.period) * (1 - r.jitter*.97)), P97: time.Duration(float64(r.period) * (1 - r.jitter*.03)),
			Dead: r.period / 8,
		},
		Change: []string{"With 5 or more internal machines that talk to it: 3.2.", "With gaps spread over an octave: under 0."},
		Methods: []Verdict{
			{"source-delta", false, "other traffic of the source breaks up the gaps: 0 of 312 are equal"},
			{"channel-delta", false, "the most frequent gap has 4 % of all, and 80 % are asked for"},
		},
		LinesTotal: int64(len(beats)),
	}
	c.First, c.Last = beats[0].At, beats[len(beats)-1].At
	for _, b := range beats {
		c.Sent += b.Sent
		c.Received += b.Received
	}
	if len(beats) > keep {
		c.Starts = beats[len(beats)-keep:]
		c.Kept = c.Starts[0].At
		c.Window.Of, c.Window.In = int64(len(beats)-1), int64(len(beats)-1)*97/100
	}
	for i, b := range beats[:min(3, len(beats))] {
		c.Lines = append(c.Lines, LogLine{"traffic-2026-11-17.csv.gz", int64(4120*i + 17), fmt.Sprintf(
			"1,%s,001801000000,TRAFFIC,end,2561,%s,%s,%s,0.0.0.0,0.0.0.0,Allow-Web-Out,r.haas,,ssl,vsys1,trust,untrust,ae1,ae2,default,%d,1,%d,443,0,0,0x19,tcp,allow,%d,%d",
			b.At.Format("2006/01/02 15:04:05"), b.At.Format("2006/01/02 15:04:05"), source.Address, destination.Address, 33000+i, 59825+i,
			b.Sent+b.Received, b.Sent)})
	}
	c.Reasons = reasonsFor(score, int64(len(beats)))
	c.Score = score
	return c
}

// reasonsFor makes reasons that add up to a score.
func reasonsFor(score float64, beats int64) []Reason {
	list := []Reason{
		{"base", "what is true of any channel before it is looked at: few are beacons", -8.4},
		{"rhythm", fmt.Sprintf("%d of %d gaps lie in one window; chance allows 19.4 %%", beats*97/100, beats), 5.1},
		{"short-gaps", "no gap is much shorter than the rest", .4},
		{"long-gaps", "3 % of the gaps are over twice the median", .7},
		{"lone-starts", "beats come alone", .4},
		{"sent-size", "93 % of the requests have one size", .7},
		{"received-size", "96 % of the answers have one size", 1.3},
		{"received-much", "answers are small", 0},
		{"span", "goes on for 4.2 days", .2},
		{"beats", fmt.Sprintf("%d beats", beats), 1.3},
		{"hosts", "2 internal machines talk to it", 1.1},
		{"network", "2 internal machines talk to its network", 1.0},
		{"failing", "11 of 1,173 sessions fail", 0},
		{"back-off", "gaps do not grow", 0},
	}
	sum := 0.0
	for _, r := range list {
		sum += r.Weight
	}
	if rest := math.Round((score-sum)*10) / 10; rest != 0 {
		list = append(list, Reason{"alike", "4 sources show the same rhythm, port and sizes", rest})
	}
	return list
}

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)
}

// sampleChannels are the findings of the week.
func sampleChannels(keep int) []Channel {
	list := []Channel{
		(&rhythm{
			period: 302 * time.Second, jitter: .2, miss: .028, from: at(19, 9, 41), sent: 612,
			pause: plot.Span{From: at(20, 22, 10), To: at(21, 7, 31)}, denied: plot.Span{From: at(23, 9, 2), To: at(23, 9, 51)},
		}).channel(1, End{"10.20.14.37", "fin-lap-037", Unknown}, End{"203.0.113.77", "", 443}, 5.2, keep),
		(&rhythm{period: time.Hour, jitter: .01, miss: .03, from: at(17, 0, 12), sent: 583}).
			channel(2, End{"10.4.0.61", "dc-print-02", Unknown}, End{"198.51.100.9", "cdn-upd.example", 8443}, 4.4, keep),
		(&rhythm{period: 302 * time.Second, jitter: .24, miss: .05, from: at(23, 5, 20), sent: 612}).
			channel(3, End{"10.20.14.41", "fin-lap-041", Unknown}, End{"203.0.113.77", "", 443}, 4.1, keep),
		(&rhythm{period: 10 * time.Second, jitter: .08, miss: .017, from: at(22, 15, 3), sent: 256}).
			channel(4, End{"10.31.7.118", "eng-ws-118", Unknown}, End{"192.0.2.140", "", 1177}, 3.3, keep),
		(&rhythm{period: 17 * time.Minute, jitter: .33, miss: .13, from: at(17, 3, 0), sent: 3100}).
			channel(5, End{"2001:db8:4:17::9", "", Unknown}, End{"2001:db8:ffff:301:20c:29ff:fe4a:7b2", "", 443}, 1.2, keep),
		(&rhythm{period: 30 * time.Second, jitter: .02, miss: .013, from: at(17, 0, 0), sent: 152}).
			channel(6, End{"10.200.1.3", "bms-ctl-01", Unknown}, End{"203.0.113.18", "", 502}, .3, keep),
	}
	list[3].Profile, list[4].View = "a retry loop of ten seconds, as in njRAT", "Only the sessions of the commonest size: 704 of 2,310."
	return list
}

// sampleReport is the whole page's input.
func sampleReport() *Report {
	channels := sampleChannels(400)
	channels[0] = sampleChannels(1 << 30)[0] // of the first one all beats are kept
	r := &Report{
		Made: weekTo, Version: "0.2.0", Command: "drumbeat scan --report report.html traffic-2026-11-1*.csv.gz traffic-2026-11-2*.csv.gz",
		From: weekFrom, To: weekTo, Channels: channels, BelowTotal: 14,
		Input: Input{
			Bytes: 2_214_503_118, Lines: 4_120_882, Flows: 4_118_940, Others: []Count{{"THREAT", 1_730}},
			Rejected: []Reject{{"too few fields", 212, []LogLine{{"traffic-2026-11-18.csv.gz", 88_201, "1,2026/11/18 04:11:09,0018010"}}}},
			Decisions: []Fact{
				{"time", "TimeGenerated from high_res_timestamp (4,118,940); zone: UTC where none is named"},
				{"bytes", "in= is what the client sent: pa-fw-hq-1 (4,102 of 4,180 records tell so)"},
			},
			Warnings: []string{"318 records are stamped more than an hour after the newest of their file"},
			Sources:  1840, Channels: 212_604, Judged: 61_210,
		},
		Delta: []DeltaFindings{
			{
				Method: "source-delta", Rule: "f0be259a-34ac-4946-aa15-ca2b115d5feb",
				Note: "More than 30 gaps over 25 s in an hour, more than 25 of them equal to the second, and those over 80 %; gaps to the next record of the same source.",
			},
			{Method: "channel-delta", Note: "The same, with the gap to the next record of the same source, destination and port."},
		},
		Hidden: []Hidden{
			{"network 192.0.2.0/24, port 123", "our time servers", "n.fw", at(30, 0, 0).AddDate(0, 6, 0), 31},
			{"app ms-update", "patching", "m.ruiz", time.Time{}, 6},
		},
	}
	for d := 17; d <= 23; d++ {
		r.Input.Files = append(r.Input.Files, File{fmt.Sprintf("traffic-2026-11-%d.csv.gz", d), "PAN-OS CSV, gzip", 316_357_588, 588_697})
	}
	for h := range 5 {
		r.Delta[1].Rows = append(r.Delta[1].Rows, DeltaRow{
			Hour: at(22, 3+h, 0), RunAt: at(24, 0, 0), Device: "pa-fw-hq-1", User: "svc-bms", Source: "10.200.1.3",
			Destination: "203.0.113.18", Port: 502, ModalCount: int64(97 + h), ModalGap: 30, Events: 118, Sent: 17_936, Received: 9_204,
			Percent: 82.2 + float64(h),
		})
	}
	below := (&rhythm{period: 64 * time.Second, jitter: .02, from: at(20, 0, 0), sent: 76})
	r.Below = []Channel{
		below.channel(7, End{"10.0.0.2", "", Unknown}, End{"192.0.2.123", "", 123}, -.4, 10),
		below.channel(8, End{"10.20.18.30", "", Unknown}, End{"192.0.2.60", "", 443}, -1.3, 10),
		below.channel(9, End{"10.3.0.26", "", Unknown}, End{"198.51.100.53", "", 53}, -2.2, 10),
	}
	retry := (&rhythm{period: 10 * time.Minute, jitter: .1, from: at(21, 0, 0), sent: 74, denied: plot.Span{From: at(20, 0, 0), To: at(24, 0, 0)}}).
		channel(10, End{"10.20.30.5", "old-app-5", Unknown}, End{"10.250.0.8", "", 1433}, -3.1, 1<<30)
	r.Others = []Group{{
		"Dead services that are retried", "No session carries data, and the gaps grow from a start and then stay: a client that waits for its service to come back. Not a beacon, but something is broken.",
		[]Channel{retry},
	}}
	return r
}
