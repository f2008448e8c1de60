# Development of Productkit. Users of the library need none of this. "make help" lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The packages to work on: make test TEST=./pool/...
TEST ?= ./...
# Further flags for go test: make test FLAGS='-run Stock -count 5'
FLAGS ?=
TIMEOUT ?= 20m
# The tests that break servers under load judge times, so only make long runs them (tag faults).
TAGS ?=
# The runs of which bench-pool and bench-httpapi print the median.
RUNS ?= 5
# The measures of bench-http, by a regular expression for their names: make bench-http ROWS=POST
ROWS ?=
# How long make soak-pool strikes on each engine.
MINUTES ?= 10
# How long each fuzz target looks for something new; make long takes 10m.
FUZZTIME ?= 1s
# The modules nested in this one keep foreign libraries out of users' builds. They are tested and
# linted too, unless TEST picks packages: make test MODULES=pool/compat TEST=./faults
NESTED := $(patsubst ./%/go.mod,%,$(shell find . -mindepth 2 -name go.mod -not -path './.cache/*'))
MODULES ?= . $(if $(filter ./...,$(TEST)),$(NESTED))

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM := gotest.tools/gotestsum@v1.13.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
# Where make vuln looks vulnerabilities up: this, a mirror, or a copy at file:///….
GOVULNDB ?= https://vuln.go.dev
# How make vuln ends if it could not look: 0 where that is to be told and no more.
UNCHECKED ?= 1

# stage NAME COMMAND: says what is going on and how long it took.
stage = echo "==> $(1)"; SECONDS=0; $(2); echo "    $(1): $${SECONDS} s"
# Runs a command in every module.
in_modules = failed=; for m in $(MODULES); do (cd $$m; $(1)) || failed=1; done; test -z "$$failed"
# Runs a command beside a MySQL and a MariaDB server.
with_servers = mkdir -p .cache/bin && go build -o .cache/bin/with ./internal/mysqltest/with && .cache/bin/with

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: test
test: servers ## Run all tests with -race on MySQL 9, MariaDB and SQLite
	@$(call stage,tests,$(with_servers) $(MAKE) --no-print-directory test-modules)
	$(if $(FLAGS)$(filter-out .,$(firstword $(MODULES))),,@$(call stage,fuzzing,$(with_servers) $(MAKE) --no-print-directory fuzz))

# These take longest. Begun first, none of them is left alone at the end.
LONGEST := ./product/sqlstore ./httpapi ./examples/server ./internal/mysqltest

.PHONY: test-modules
test-modules: # Run the tests of every module beside the servers that are there; lint vets them
	@$(call in_modules,GOTESTSUM_JSONFILE=$${TEST_JSON:+$$TEST_JSON/$${PWD//\//-}} \
		go run $(GOTESTSUM) --format pkgname --format-hide-empty-pkg -- -race -vet=off -timeout $(TIMEOUT) $(TAGS) $(FLAGS) $$([ $$m = . ] && echo $(if $(filter ./...,$(TEST)),$(LONGEST))) $(TEST))

# Fuzzes $$target of $$package. Before Go 1.27 this may fail when the time is over, with nothing found
# (go.dev/issue/75804): then once more.
fuzz_target = fuzz() { go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package </dev/null 2>&1 | tee $$log; }; \
	fuzz || if grep -q 'Failing input' $$log || ! grep -q 'context deadline exceeded' $$log; then exit 1; else fuzz; fi

# Inputs are not made small: of code with goroutines the coverage differs from run to run.
.PHONY: fuzz
fuzz: ## Fuzz every target, each for FUZZTIME=1s
	@log=$$(mktemp); trap 'rm -f $$log' EXIT; \
	go list -f '{{.ImportPath}} {{.Dir}}' $(TEST) | while read -r package dir; do \
		for target in $$(grep -hos '^func Fuzz[A-Za-z0-9]*' $$dir/*_test.go | cut -d' ' -f2); do \
			$(call stage,$$target,$(fuzz_target)); \
		done; \
	done

.PHONY: long
long: export FUZZTIME := 10m
long: export PRODUCTKIT_LONG := 1
long: export TIMEOUT := 60m
long: export TAGS := -tags faults
long: test ## The same tests with their full parameters

.PHONY: bench
bench: servers ## Run the benchmarks, and the tests of allocations, which the race detector would disturb
	@$(call stage,benchmarks,$(with_servers) go test -run Allocates -bench . -benchmem -timeout 60m $(FLAGS) $(TEST))

.PHONY: bench-pool
bench-pool: servers ## Hold the pool against database/sql, puddle and its bars; fail if one is short
	@$(call stage,bars of the pool,$(with_servers) go -C pool/bench test -run TestBars -timeout 20m -count 1 -v . -timing -runs $(RUNS))

.PHONY: bench-httpapi
bench-httpapi: ## Hold the handler against one by hand and one with huma; fail if it is short
	@$(call stage,bars of the handler,go -C httpapi/bench test -run TestBars -count 1 -v . -runs $(RUNS))

.PHONY: bench-http
bench-http: servers ## Hold examples/server against a server written by hand, with wrk; fail if a bar is missed
	@$(call stage,bars of the server,REQUIRE_MYSQL=1 go -C internal/bench test -run TestBars -timeout 60m -count 1 -v . -full -runs $(RUNS) -rows '$(ROWS)')

.PHONY: bench-scaling
bench-scaling: servers ## Measure how rates scale with processors, connections and products, for internal/bench/README.md
	@$(call stage,scaling,REQUIRE_MYSQL=1 go -C internal/bench test -run TestScaling -timeout 60m -count 1 -v . -full -runs $(RUNS) -slice 2s -scaling .)

.PHONY: soak-pool
soak-pool: export PRODUCTKIT_SOAK := $(MINUTES)
soak-pool: servers ## Break a pool under load at random, for MINUTES=10 on each engine
	@cd pool/compat && go test -tags faults -race -count 1 -v -run '^TestSoak$$' -timeout $$(awk 'BEGIN { print 2*$(MINUTES)+10 }')m $(FLAGS) ./faults

# What an operator does or suffers. Some print what they counted, too.
OPS := TestAllInstancesAreRestarted|TestWhoeverHasConnected|TestWorkersAreReplaced|TestTheServerOutlivesItsDatabase|TestThreadsStayFew|TestPrometheusFinds
.PHONY: ops
ops: export PRODUCTKIT_LONG := 1
ops: servers ## Restart, recycle and starve servers under load; a line each
	@$(call stage,operations,$(with_servers) go test -count 1 -timeout 60m -v -run '$(OPS)' ./examples/server ./examples/fleet | grep -Ev '^(===|PASS)')

.PHONY: lint
lint: ## Check format, vet, staticcheck, go.mod and the scripts
	@$(call stage,gofmt,files=$$(gofmt -l .); test -z "$$files" || { echo "run gofmt -w on:" $$files; exit 1; })
	@$(call stage,go vet,$(call in_modules,go vet -tags faults $(TEST)))
	@$(call stage,staticcheck,$(call in_modules,go run $(STATICCHECK) -tags faults $(TEST)))
	@$(call stage,go mod tidy,$(call in_modules,go mod tidy -diff))
	@if command -v shellcheck >/dev/null; then $(call stage,shellcheck,shellcheck .ci/run .ci/api-diff internal/mysqltest/provide/*.sh); fi

.PHONY: api-diff
api-diff: ## Name what breaks HTTP clients since the last release
	@$(call stage,contract,.ci/api-diff)

.PHONY: cost
cost: ## Print what a host pays for Productkit in modules and MiB; fail if the README says otherwise
	@$(call stage,cost,go run ./internal/readmehost/cost)

# Of the exits of govulncheck 3 is a finding; any other that is not 0 kept it from looking.
.PHONY: vuln
vuln: ## Look every module up in the Go vulnerability database; fail if that cannot be asked
	@GOBIN=$(CURDIR)/.cache/bin go install $(GOVULNCHECK)
	@found=; for m in $(MODULES); do \
		echo "==> govulncheck in $$m"; \
		(cd $$m; $(CURDIR)/.cache/bin/govulncheck -db $(GOVULNDB) $(TEST)) && continue || code=$$?; \
		test $$code = 3 && found=1 && continue; \
		echo "NOT CHECKED for vulnerabilities, see above; where $(GOVULNDB) cannot be reached, set GOVULNDB to a mirror or to file:///…" >&2; \
		exit $(UNCHECKED); \
	done; test -z "$$found" || { echo "vulnerabilities were FOUND, see above" >&2; exit 1; }

.PHONY: servers
servers: # Provide the servers that the tests need
	@$(call stage,servers,internal/mysqltest/provide/servers.sh)

.PHONY: clean
clean: ## Remove what make built and downloaded
	rm -rf .cache
