#!/usr/bin/env bash
# need-cxx.sh: fails with a clear word when no C compiler works that can link the static C++ library, which DuckDB needs.
set -euo pipefail

cc=$(go env CC)
# CC may carry arguments, so it is split on purpose.
# shellcheck disable=SC2086
if ! printf 'int main(void) { return 0; }\n' | $cc -static-libgcc -x c -o /dev/null - -l:libstdc++.a -lm 2>/dev/null; then
	echo "no C++ library: \"$cc\" could not link libstdc++.a (Debian: g++; Alpine: g++)" >&2
	exit 1
fi
echo "$cc links libstdc++"
