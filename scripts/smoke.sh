#!/usr/bin/env bash
# smoke.sh BINARY: the binary writes traffic, scans it and finds a planted beacon;
# so it does when the same bytes come through a pipe.
set -euo pipefail

binary=${1:?usage: smoke.sh BINARY}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$binary" version
"$binary" synth --out "$dir/traffic.log" --truth "$dir/truth.jsonl"
"$binary" scan --format json "$dir/traffic.log" >"$dir/findings.jsonl"
scripts/found.sh "$dir/truth.jsonl" "$dir/findings.jsonl"

"$binary" scan --quiet --format json - <"$dir/traffic.log" >"$dir/piped.jsonl"
if ! cmp "$dir/findings.jsonl" "$dir/piped.jsonl"; then
	echo 'a scan of standard input found something else than a scan of the file' >&2
	exit 1
fi
