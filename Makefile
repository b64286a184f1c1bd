# drumbeat: what a developer runs. `make help` lists the targets.
#
# A machine needs Go, make and bash; a C compiler with a C++ library for the
# DuckDB engine, and a C compiler for `make test` (the race detector is built with
# cgo). Everything else is built from Go modules.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: build demo test check fuzz bench lint fmt tools clean help

# The version comes from git through the linker, so builds need no VCS stamp
# (which fails in a source archive or in a checkout of another user's).
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || true)
FUZZTIME ?= 30s
# Each fuzz target runs this long in `make test`: long enough to see that it works.
FUZZTIME_SHORT ?= 2s
# More arguments for the fast and the full tests, e.g. GOTEST='-run TestDelta -v'.
GOTEST   ?=
export GOFLAGS := $(strip $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false)

STEP := scripts/step.sh

# Tools are rebuilt when their pins or the Go version change.
TOOLS := .tools/stamp-$(shell go env GOVERSION)

build: ## Build bin/drumbeat, with the DuckDB engine where a C++ library is at hand
	@scripts/build.sh '$(VERSION)'

demo: build ## Write a day of traffic with hidden beacons into demo/, find them, compare with the truth
	@scripts/demo.sh

test: ## Everything a change must pass: check, race detector, short fuzz, smoke test, speed guard
	@$(STEP) 'C compiler' scripts/need-cc.sh
	@$(STEP) 'C++ library' scripts/need-cxx.sh
	@$(MAKE) --no-print-directory check
	@$(STEP) 'full tests, race detector and invariants on' \
		env CGO_ENABLED=1 go test -race -tags invariants -shuffle=on -timeout 10m $(GOTEST) ./...
	@$(STEP) 'fuzz, $(FUZZTIME_SHORT) a target' scripts/fuzz.sh $(FUZZTIME_SHORT)
	@$(STEP) 'release binary' $(MAKE) --no-print-directory build
	@$(STEP) 'smoke: the release binary finds a planted beacon' scripts/smoke.sh bin/drumbeat
	@$(STEP) 'speed guard: CPU against wc -l' $(MAKE) --no-print-directory -C bench test guard

check: ## The fast part of test, for before a push: no C compiler needed
	@$(STEP) 'module' scripts/check-module.sh
	@$(STEP) 'tools' $(MAKE) --no-print-directory tools
	@$(STEP) 'format' scripts/check-format.sh
	@$(STEP) 'build without cgo' env CGO_ENABLED=0 go build ./...
	@$(STEP) 'build with cgo' scripts/build-cgo.sh
	@$(STEP) 'imports graph' .tools/go-arch-lint check --output-color=false
	@$(STEP) 'lint' $(MAKE) --no-print-directory lint
	@$(STEP) 'fast tests, no cgo' \
		env CGO_ENABLED=0 go test -short -shuffle=on -timeout 5m $(GOTEST) ./...

fuzz: ## Run every fuzz target for FUZZTIME each (default 30s)
	@scripts/fuzz.sh $(FUZZTIME)

bench: build tools ## Compare speed with other tools, on the same file in one run
	@$(MAKE) --no-print-directory -C bench

lint: tools ## Check the linters' settings, then the code
	@.tools/golangci-lint config verify
	@.tools/golangci-lint run --allow-parallel-runners ./...

fmt: tools ## Format all Go code
	.tools/golangci-lint fmt

tools: $(TOOLS) ## Build the pinned tools of tools/go.mod into .tools/ if missing or outdated
	@:

$(TOOLS): tools/go.mod tools/go.sum
	@echo 'building the tools pinned in tools/go.mod (first time: a minute or two)'
	@mkdir -p .tools && rm -f .tools/stamp-*
	@CGO_ENABLED=0 go build -C tools -trimpath -ldflags '-s -w' -o ../.tools/ tool 2>&1 | \
		{ grep -v '^go: downloading' || true; }
	@touch $@

clean: ## Remove what the targets above made
	rm -rf bin demo .tools *.test

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
