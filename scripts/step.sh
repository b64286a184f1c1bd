#!/usr/bin/env bash
# step.sh TITLE COMMAND…: runs one step under a header line, and says how long it took.
set -euo pipefail

title=$1
shift
printf '\n== %s\n' "$title"
start=$(date +%s%N)
code=0
"$@" || code=$?
tenths=$((($(date +%s%N) - start) / 100000000))
if ((code == 0)); then
	printf '== %s: ok, %d.%d s\n' "$title" $((tenths / 10)) $((tenths % 10))
else
	printf '== %s: FAILED, %d.%d s\n' "$title" $((tenths / 10)) $((tenths % 10))
fi
exit "$code"
