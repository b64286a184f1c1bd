#!/usr/bin/env bash
# fuzz.sh DURATION: runs every fuzz target of every package for DURATION each
# (30s, 5m, or 1000x for a number of inputs). Stops at the first failure and
# prints the path of the input that failed.
set -euo pipefail

duration=${1:?usage: fuzz.sh DURATION}
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
tags=invariants
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# `go test -list` prints the names of a package's targets, then "ok <package> <time>".
go test -tags "$tags" -list '^Fuzz' ./... >"$out" || {
	cat "$out" >&2
	exit 1
}
mapfile -t targets < <(awk '/^Fuzz/ { names[++n] = $1 }
	/^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' "$out")
if ((${#targets[@]} == 0)); then
	echo 'no fuzz targets'
	exit 0
fi

# run PACKAGE NAME: the output goes to $out.
run() {
	go test -tags "$tags" -run '^$' -fuzz "^$2\$" -fuzzminimizetime 1x -fuzztime "$duration" "$1" >"$out" 2>&1
}

for target in "${targets[@]}"; do
	read -r package name <<<"$target"
	code=0
	run "$package" "$name" || code=$?
	# Go's fuzzer can report its own deadline as a failure (golang/go#48591): no
	# input is written then, and the target gets a second chance.
	if ((code != 0)) && grep -q 'context deadline exceeded' "$out" && ! grep -q 'Failing input written to' "$out"; then
		code=0
		run "$package" "$name" || code=$?
	fi
	if ((code != 0)); then
		cat "$out"
		dir=$(go list -f '{{.Dir}}' "$package")
		# A new failure names the file it wrote, an old one the entry of testdata/fuzz.
		input=$(sed -nE -e 's|.*Failing input written to (.*)|\1|p' \
			-e 's|^failure while testing seed corpus entry: (.*/.*)|testdata/fuzz/\1|p' "$out" | head -n 1)
		if [[ -n $input ]]; then
			echo "$package $name FAILED on ${dir#"$root"/}/$input"
		else
			echo "$package $name FAILED"
		fi
		exit 1
	fi
	last=$(grep '^fuzz: elapsed' "$out" | tail -n 1 || true)
	printf '%s %s: %s\n' "$package" "$name" "${last#fuzz: }"
done
