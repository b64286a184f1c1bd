#!/usr/bin/env bash
# build-cgo.sh: builds everything with cgo; without a C compiler it says so and does nothing.
set -euo pipefail

if scripts/need-cc.sh >/dev/null 2>&1; then
	CGO_ENABLED=1 go build ./...
else
	echo 'skipped: no working C compiler'
fi
