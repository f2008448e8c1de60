# Development of Productkit. Users of the library need none of this. "make help" lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The packages to work on: make test TEST=./pool/...
TEST ?= ./...
# Further flags for go test: make test FLAGS='-run Stock -count 5'
FLAGS ?=
TIMEOUT ?= 6m

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM := gotest.tools/gotestsum@v1.13.0

# stage NAME COMMAND: says what is going on and how long it took.
stage = echo "==> $(1)"; SECONDS=0; $(2); echo "    $(1): $${SECONDS} s"
# Runs a command beside a MySQL and a MariaDB server.
with_servers = mkdir -p .cache/bin && go build -o .cache/bin/with ./internal/mysqltest/with && .cache/bin/with

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: test
test: servers ## Run all tests with -race on MySQL 9, MariaDB and SQLite
	@$(call stage,tests,$(with_servers) go run $(GOTESTSUM) --format pkgname --format-hide-empty-pkg -- -race -timeout $(TIMEOUT) $(FLAGS) $(TEST))

.PHONY: long
long: export PRODUCTKIT_LONG := 1
long: TIMEOUT := 60m
long: test ## The same tests with their full parameters

.PHONY: bench
bench: servers ## Run the benchmarks, and the tests of allocations, which the race detector would disturb
	@$(call stage,benchmarks,$(with_servers) go test -run Allocates -bench . -benchmem -timeout 60m $(FLAGS) $(TEST))

.PHONY: bench-pool
bench-pool: TEST := ./pool/...
bench-pool: bench ## Run the benchmarks of the pool

.PHONY: lint
lint: ## Check format, vet, staticcheck, go.mod and the scripts
	@$(call stage,gofmt,files=$$(gofmt -l .); test -z "$$files" || { echo "run gofmt -w on:" $$files; exit 1; })
	@$(call stage,go vet,go vet $(TEST))
	@$(call stage,staticcheck,go run $(STATICCHECK) $(TEST))
	@$(call stage,go mod tidy,go mod tidy -diff)
	@if command -v shellcheck >/dev/null; then $(call stage,shellcheck,shellcheck .ci/run internal/mysqltest/provide/*.sh); fi

.PHONY: servers
servers: # Provide the servers that the tests need
	@$(call stage,servers,internal/mysqltest/provide/servers.sh)

.PHONY: clean
clean: ## Remove what make built and downloaded
	rm -rf .cache
