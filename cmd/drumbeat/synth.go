package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"drumbeat/internal/synth"
)

// synthFlags are the flags of synth that the world does not hold as they are.
type synthFlags struct {
	world   synth.World
	out     string
	truth   string
	from    instant
	beacons int
	beacon  []string
	offset  zone
	format  string
	prefix  string
	entropy string
}

func (a *app) synthCommand() *cobra.Command {
	f := &synthFlags{world: synth.Default(), beacons: len(synth.Default().Beacons)}
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Writes synthetic firewall traffic, and a truth file that says which channels are beacons",
		Example: `  # a day of 300 machines with the shipped beacons
  drumbeat synth --out traffic.log --truth truth.jsonl

  # a week as native CSV, with two beacons of your own
  drumbeat synth --days 7 --log-format panos-csv --pan-version 10.2 --out week.csv \
    --beacon period=300s,jitter=0.2,law=below,miss=0.1 \
    --beacon period=60s,host=quiet,start=9h,end=17h,dst=203.0.113.7,port=8443

  # a large company, straight into a scan
  drumbeat synth --machines 20000 --flows 100000000 --channels 2000000 | drumbeat scan -`,
		Long: `The log is that of the Palo Alto firewalls of a company that does not exist: people who browse in
sessions, by day more than by night; servers, name look-ups, updates, time, monitoring and other
programs that poll; blocked attempts; and beacons. The same flags give the same bytes. Another
--log-format, --prefix or --pan-version gives the same traffic in other words.

A beacon is a list of key=value:

  period=300s             time from one check-in to the next
  jitter=0.2              share of the period by which that varies
  law=below               how: fixed, around (uniform, T-j to T+j), below (uniform, T-j to T, as
                          Cobalt Strike), gauss (deviation j)
  miss=0.1                share of check-ins that do not happen
  office                  Monday to Friday, 08:00 to 18:00, only
  burst=3                 connections a check-in
  size=420/1200           bytes sent and received; spread=0.1 varies them
  start=9h,end=17h        life: durations after the beginning, or times
  host=quiet              on a machine that does little else; or busy, on a person's
  dst=203.0.113.7         where to; with port=443, proto=tcp and app=ssl
  blocked                 the firewall drops it
  benign                  a poller in the truth file
  name=TEXT               in the truth file

The truth file holds one JSON object a line: first the world, then every planted channel, the
pollers too, with what the log holds of it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runSynth(cmd, f) },
	}
	a.synthCompanyFlags(cmd, f)
	a.synthLogFlags(cmd, f)
	return cmd
}

func (a *app) synthCompanyFlags(cmd *cobra.Command, f *synthFlags) {
	flags, w := cmd.Flags(), &f.world
	flags.StringVarP(&f.out, "out", "o", "-", "write the log to `FILE`; - is standard output")
	flags.StringVar(&f.truth, "truth", "", "write which channels were planted to `FILE`, as JSON lines")
	flags.Uint64Var(&w.Seed, "seed", w.Seed, "`NUMBER` that all chance comes from")

	f.from = instant{Time: w.From, set: true}
	flags.IntVar(&w.Machines, "machines", w.Machines, "`NUMBER` of machines in the company")
	flags.Int64Var(&w.Flows, "flows", w.Flows, "`NUMBER` of records, met within 3 %")
	flags.Int64Var(&w.Channels, "channels", w.Channels, "about so `MANY` different channels (default: as they come)")
	flags.Var(&f.from, "from", "begin at `TIME`")
	flags.Float64Var(&w.Days, "days", w.Days, "`NUMBER` of days; may be a fraction")
	flags.IntVar(&w.Firewalls, "firewalls", w.Firewalls, "`NUMBER` of firewalls")
	flags.IntVar(&w.Users, "users", w.Users, "`NUMBER` of users; 0: the logs name no one")
	w.Profile = synth.Default().Profile
	flags.Var(newChoice(&w.Profile, synth.Profiles()...), "profile", "`KIND` of company: office, plant or datacenter")
	flags.Float64Var(&w.Drops, "drops", w.Drops, "`SHARE` of records of attempts that a firewall blocked")
	flags.Float64Var(&w.Loss, "loss", w.Loss, "`SHARE` of records that are lost on their way to the log")
	flags.IntVar(&f.beacons, "beacons", f.beacons, "plant the first `NUMBER` of the shipped beacons")
	flags.StringArrayVar(&f.beacon, "beacon", nil, "plant this `BEACON` in their place; can be given again")
	a.flagGroup(cmd, "Company", "machines", "flows", "channels", "from", "days", "firewalls", "users", "profile", "drops", "loss")
	a.flagGroup(cmd, "Beacons", "beacons", "beacon")
	completeWith(cmd, "profile", synth.Profiles()...)
}

func (a *app) synthLogFlags(cmd *cobra.Command, f *synthFlags) {
	flags, w := cmd.Flags(), &f.world
	f.format, f.prefix, f.entropy = string(w.Format), string(w.Prefix), string(w.Entropy)
	flags.Var(newChoice(&f.format, synth.Formats()...), "log-format", "write records as `FORMAT`: cef, panos-csv or strata")
	flags.StringVar(&w.Version, "pan-version", w.Version,
		"the firewalls run PAN-OS `VERSION`: 8.1, 9.0, 9.1, 10.0, 10.1, 10.2, 11.1 or mixed; panos-csv also 6.0")
	flags.Var(newChoice(&f.prefix, synth.Prefixes()...), "prefix", "syslog `HEADER` of each line: none, rfc3164 or rfc5424")
	flags.BoolVar(&w.LogStart, "log-start", w.LogStart, "a record at the start of each session, too")
	flags.Var(&f.offset, "utc-offset", "local time of firewalls and people, an `OFFSET` such as +02:00 (default UTC)")
	flags.Var(newChoice(&f.entropy, synth.Entropies()...), "entropy",
		"how much firewalls differ, `DEGREE` low or high: orders of keys, labels, names with blanks")
	a.flagGroup(cmd, "Log", "log-format", "pan-version", "prefix", "log-start", "utc-offset", "entropy")
	completeWith(cmd, "log-format", synth.Formats()...)
	completeWith(cmd, "pan-version", synth.Versions()...)
	completeWith(cmd, "prefix", synth.Prefixes()...)
	completeWith(cmd, "entropy", synth.Entropies()...)
}

// complete is the world that the flags ask for.
func (f *synthFlags) complete(cmd *cobra.Command) (synth.World, error) {
	w := f.world
	w.From = f.from.Time
	w.Format, w.Prefix, w.Entropy = synth.Format(f.format), synth.Prefix(f.prefix), synth.Entropy(f.entropy)
	if f.offset.Location != nil {
		_, seconds := w.From.In(f.offset.Location).Zone()
		w.UTCOffset = time.Duration(seconds) * time.Second
	}
	if len(f.beacon) > 0 && cmd.Flags().Changed("beacons") {
		return w, usageError("--beacons plants shipped beacons, --beacon those it describes; give one of the two")
	}
	if f.beacons < 0 || f.beacons > 10_000 {
		return w, usageError("--beacons is %d; allowed: 0 to 10000", f.beacons)
	}
	w.Beacons = synth.Beacons(f.beacons)
	if len(f.beacon) > 0 {
		w.Beacons = nil
	}
	for _, text := range f.beacon {
		b, err := synth.ParseBeacon(text, w.From)
		if err != nil {
			return w, usageError("--beacon %q: %w", text, err)
		}
		w.Beacons = append(w.Beacons, b)
	}
	return w, worldError(w.Validate())
}

// worldError names the flag in place of the field that is wrong.
func worldError(err error) error {
	flagOf := map[string]string{
		"From": "from", "Days": "days", "Machines": "machines", "Firewalls": "firewalls", "Users": "users", "Flows": "flows",
		"Channels": "channels", "Drops": "drops", "Loss": "loss", "Profile": "profile", "Format": "log-format",
		"Version": "pan-version", "Prefix": "prefix", "UTCOffset": "utc-offset", "Entropy": "entropy",
	}
	var field *synth.FieldError
	if !errors.As(err, &field) {
		return err
	}
	if name, ok := flagOf[field.Field]; ok {
		return usageError("--%s is %s; allowed: %s", name, field.Value, field.Want)
	}
	return usageError("--beacon: %w", err)
}

func (a *app) runSynth(cmd *cobra.Command, f *synthFlags) (err error) {
	w, err := f.complete(cmd)
	if err != nil {
		return err
	}
	out, closeOut, err := a.create(f.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeOut()) }()
	var truth io.Writer
	if f.truth != "" {
		file, closeTruth, err := a.create(f.truth)
		if err != nil {
			return err
		}
		truth = file
		defer func() { err = errors.Join(err, closeTruth()) }()
	}
	begun := a.now()
	counted := &countedWriter{to: out}
	if _, isTerminal := terminal(out); !isTerminal {
		counted.bar = newProgress(a, 0, "writing")
		defer counted.bar.Close()
	}
	stats, err := w.Write(cmd.Context(), counted, truth)
	if errors.Is(err, context.Canceled) {
		a.warnf("interrupted: the log ends at %s, and there is no truth file", stats.Last.Format(time.RFC3339))
	}
	if err != nil {
		return worldError(err)
	}
	a.notef("%s records, %s, %s to %s; %d beacons with %s beats, %s pollers, %s blocked, %s lost; %s",
		humanCount(stats.Records), humanBytes(stats.Bytes), stats.First.Format(time.RFC3339), stats.Last.Format(time.RFC3339),
		stats.Beacons, humanCount(stats.Beats), humanCount(int64(stats.Pollers)), humanCount(stats.Blocked),
		humanCount(stats.Lost), humanDuration(a.now().Sub(begun)))
	return nil
}

// create opens a file to write, or standard output for -.
func (a *app) create(name string) (w io.Writer, closeIt func() error, err error) {
	if name == "-" {
		return a.stdout, func() error { return nil }, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	return file, file.Close, nil
}

// countedWriter shows progress of what goes through it.
type countedWriter struct {
	to  io.Writer
	bar *progress // or nil
}

func (c *countedWriter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	if c.bar != nil {
		c.bar.Add(int64(n))
	}
	return n, err
}
