#!/usr/bin/env bash
# need-cc.sh: fails with a clear word when no C compiler works.
set -euo pipefail

cc=$(go env CC)
# CC may carry arguments, so it is split on purpose.
# shellcheck disable=SC2086
if ! printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | $cc -x c -o /dev/null - 2>/dev/null; then
	cat >&2 <<EOF
no working C compiler: "$cc" could not build an empty program.
The race detector needs one (Debian: gcc and libc6-dev; Alpine: gcc and musl-dev).
"make check" runs all that goes without; "make build" never needs one.
EOF
	exit 1
fi
echo "$cc works"
