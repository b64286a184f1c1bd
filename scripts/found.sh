#!/usr/bin/env bash
# found.sh TRUTH.jsonl FINDINGS.jsonl: says which planted beacons were found.
# A channel is named by SourceIP, DestinationIP and DestinationPort in both
# files. Rows of the truth that say they are benign are the look-alikes.
# Fails if no beacon was planted or none was found.
set -euo pipefail

awk '
	# The value of one key of a flat JSON object, without quotes.
	function value(key) {
		if (!match($0, "\"" key "\": *(\"[^\"]*\"|[0-9]+)")) return ""
		v = substr($0, RSTART, RLENGTH)
		sub(/^"[^"]*": */, "", v)
		gsub(/"/, "", v)
		return v
	}
	{ channel = value("SourceIP") " -> " value("DestinationIP") ":" value("DestinationPort") }
	FILENAME == ARGV[1] {
		if ($0 ~ /"[Bb]eacon": *false|"[Bb]enign": *true|: *"poller"/) harmless[channel] = 1
		else if (!(channel in planted)) { planted[channel] = 1; order[++n] = channel }
		next
	}
	{ found[channel] = 1 }
	END {
		for (i = 1; i <= n; i++) {
			hit = order[i] in found
			hits += hit
			print (hit ? "  found   " : "  missed  ") order[i]
		}
		for (c in found) { if (c in harmless) wrong++; else if (!(c in planted)) other++ }
		printf "%d of %d planted beacons found; findings on %d harmless look-alikes and %d other channels\n",
			hits, n, wrong, other
		exit (hits > 0 ? 0 : 1)
	}' "$1" "$2"
