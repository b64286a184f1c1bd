#!/usr/bin/env bash
# build.sh VERSION: builds bin/drumbeat, with DuckDB where a C++ library can be linked, else without it.
set -euo pipefail

flags=("-s" "-w" "-X" "main.version=${1:-}")
if scripts/need-cxx.sh >/dev/null 2>&1; then
	# The C++ library goes into the binary, so that it runs on machines that have none: a folder with the static form alone
	# is searched first.
	mkdir -p bin/lib
	ln -sf "$($(go env CC) -print-file-name=libstdc++.a)" bin/lib/libstdc++.a
	CGO_ENABLED=1 go build -trimpath \
		-ldflags "${flags[*]} -linkmode external -extldflags '-static-libgcc -L$PWD/bin/lib'" -o bin/drumbeat ./cmd/drumbeat
else
	echo 'no C++ library to link: bin/drumbeat is built without the DuckDB engine' >&2
	CGO_ENABLED=0 go build -trimpath -ldflags "${flags[*]}" -o bin/drumbeat ./cmd/drumbeat
fi
