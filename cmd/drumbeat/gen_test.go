package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// genDefaults are the keys of gen, and the values of those that are not given.
func genDefaults() map[string]string {
	return map[string]string{
		"format": "cef", "start": "2026-03-02T10:00:00Z", "period": "60s", "count": "60",
		"src": "10.0.0.5", "spt": "50000", "dst": "203.0.113.7", "port": "443", "proto": "tcp",
		"type": "TRAFFIC", "subtype": "end", "device": "fw1", "user": "", "suid": "",
		"sent": "100", "rcvd": "200", "elapsed": "0", "prefix": "", "eol": "\n",
	}
}

// gen is a command of scripts: gen FILE [KEY=VALUE]… appends firewall records
// to FILE, each a period after the one before. It packs those of one call where
// FILE ends in .gz or .zst. In values \e stands for ESC, \u for an override
// of the writing direction, \b for a byte-order mark and \r\n for CR LF.
func gen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: gen FILE [KEY=VALUE]...")
	}
	set := genDefaults()
	for _, arg := range args[1:] {
		key, value, ok := strings.Cut(arg, "=")
		if _, known := set[key]; !ok || !known {
			ts.Fatalf("gen: %q is no KEY=VALUE of mine", arg)
		}
		set[key] = strings.NewReplacer(`\e`, "\x1b", `\u`, "\u202e", `\b`, "\ufeff", `\r\n`, "\r\n").Replace(value)
	}
	at, err := time.Parse(time.RFC3339Nano, set["start"])
	ts.Check(err)
	period, err := time.ParseDuration(set["period"])
	ts.Check(err)
	count, err := strconv.Atoi(set["count"])
	ts.Check(err)
	lines := map[string]func(time.Time, map[string]string) string{"cef": genCEF, "strata": genStrata, "csv": genCSV}
	line, ok := lines[set["format"]]
	if !ok {
		ts.Fatalf("gen: no format %q", set["format"])
	}
	var b bytes.Buffer
	for range count {
		b.WriteString(set["prefix"] + line(at, set) + set["eol"])
		at = at.Add(period)
	}
	packed, err := genPack(args[0], b.Bytes())
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.Write(packed)
	ts.Check(err)
	ts.Check(f.Close())
}

func genPack(name string, text []byte) ([]byte, error) {
	var b bytes.Buffer
	switch {
	case strings.HasSuffix(name, ".gz"):
		w := gzip.NewWriter(&b)
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	case strings.HasSuffix(name, ".zst"):
		w, err := zstd.NewWriter(&b)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
		err = w.Close()
		return b.Bytes(), err
	}
	return text, nil
}

// genCEF makes a record after the published template: in= is what the client sent.
func genCEF(at time.Time, set map[string]string) string {
	clock := at.UTC().Format("Jan 02 2006 15:04:05 GMT")
	start := clock
	if at.Nanosecond() != 0 {
		start = strconv.FormatInt(at.UnixMilli(), 10)
	}
	return fmt.Sprintf("CEF:0|Palo Alto Networks|PAN-OS|10.1.0|%s|%s|1|rt=%s src=%s dst=%s suser=%s suid=%s app=ssl"+
		" spt=%s dpt=%s proto=%s act=allow in=%s out=%s start=%s cn3Label=Elapsed time in seconds cn3=%s dvchost=%s",
		set["subtype"], set["type"], clock, set["src"], set["dst"], genEscape(set["user"]), genEscape(set["suid"]),
		set["spt"], set["port"], set["proto"], set["sent"], set["rcvd"], start, set["elapsed"], genEscape(set["device"]))
}

// genStrata makes a record of the Strata Logging Service: out= is what the client sent.
func genStrata(at time.Time, set map[string]string) string {
	clock := at.UTC().Format("Jan 02 2006 15:04:05")
	return fmt.Sprintf("CEF:0|Palo Alto Networks|LF|2.0|%s|%s|3|ProfileToken=x dtz=UTC rt=%s deviceExternalId=007"+
		" src=%s dst=%s suser0=%s suid=%s app=ssl spt=%s dpt=%s proto=%s act=allow out=%s in=%s start=%s"+
		" cn3Label=SessionDuration cn3=%s dvchost=%s PanOSSessionStartTime=%s",
		set["type"], set["subtype"], clock, set["src"], set["dst"], genEscape(set["user"]), genEscape(set["suid"]),
		set["spt"], set["port"], set["proto"], set["sent"], set["rcvd"], clock, set["elapsed"], genEscape(set["device"]), clock)
}

func genEscape(s string) string { return strings.NewReplacer(`\`, `\\`, "=", `\=`).Replace(s) }

// genCSV makes a record of PAN-OS 10.1.
func genCSV(at time.Time, set map[string]string) string {
	f := make([]string, 115)
	clock := at.UTC().Format("2006/01/02 15:04:05")
	for i, v := range map[int]string{
		0: "1", 1: clock, 2: "001", 3: set["type"], 4: set["subtype"], 5: "2561", 6: clock, 7: set["src"], 8: set["dst"],
		9: "0.0.0.0", 10: "0.0.0.0", 11: "rule1", 12: set["user"], 14: "ssl", 15: "vsys1", 16: "trust", 17: "untrust",
		21: clock, 22: "1", 23: "1", 24: set["spt"], 25: set["port"], 26: "0", 27: "0", 28: "0x0", 29: set["proto"], 30: "allow",
		31: "0", 32: set["sent"], 33: set["rcvd"], 34: "2", 35: clock, 36: set["elapsed"], 37: "any", 39: "1", 40: "0x0",
		41: "x", 42: "y", 44: "1", 45: "1", 46: "aged-out", 47: "0", 48: "0", 49: "0", 50: "0", 52: set["device"], 53: "from-policy",
	} {
		f[i] = v
	}
	if at.Nanosecond() != 0 {
		f[102] = at.UTC().Format("2006-01-02T15:04:05.000-07:00")
	}
	for i, v := range f {
		if strings.ContainsAny(v, `,"`) {
			f[i] = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
	}
	return strings.Join(f, ",")
}
