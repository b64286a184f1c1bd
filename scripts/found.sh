#!/usr/bin/env bash
# found.sh TRUTH.jsonl FINDINGS.jsonl: says which planted beacons were found.
# A channel is named by SourceIP, DestinationIP and DestinationPort in both
# files. Fails if no beacon was planted or none was found.
set -euo pipefail

awk '
	# The value of one key of a flat JSON object, without quotes.
	function value(key) {
		if (!match($0, "\"" key "\": *(\"[^\"]*\"|[0-9.]+)")) return ""
		v = substr($0, RSTART, RLENGTH)
		sub(/^"[^"]*": */, "", v)
		gsub(/"/, "", v)
		return v
	}
	{ channel = value("SourceIP") " -> " value("DestinationIP") ":" value("DestinationPort") }
	FILENAME == ARGV[1] && value("kind") == "beacon" {
		order[++n] = channel
		name[channel] = value("Name")
	}
	FILENAME == ARGV[1] && value("kind") == "poller" { harmless[channel] = 1 }
	FILENAME == ARGV[2] {
		if (!index(found[channel], value("_method"))) found[channel] = found[channel] " " value("_method")
	}
	END {
		for (i = 1; i <= n; i++) {
			hit = order[i] in found
			hits += hit
			printf "  %-7s %-39s %s%s\n", hit ? "found" : "missed", order[i], name[order[i]],
				hit ? " (" substr(found[order[i]], 2) ")" : ""
		}
		for (c in found) { if (c in harmless) wrong++; else if (!(c in name)) other++ }
		printf "%d of %d planted beacons found; findings on %d harmless look-alikes and %d other channels\n",
			hits, n, wrong, other
		exit (hits > 0 ? 0 : 1)
	}' "$1" "$2"
