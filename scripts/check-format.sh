#!/usr/bin/env bash
# check-format.sh: all Go files are as the formatters would write them.
set -euo pipefail

if ! .tools/golangci-lint fmt --diff; then
	echo 'not formatted: run "make fmt"' >&2
	exit 1
fi
