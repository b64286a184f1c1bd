#!/usr/bin/env bash
# check-module.sh: go.mod and go.sum are tidy, and what was downloaded is what go.sum names.
set -euo pipefail

if ! go mod tidy -diff; then
	echo 'go.mod or go.sum is not tidy: run "go mod tidy"' >&2
	exit 1
fi
go mod verify
