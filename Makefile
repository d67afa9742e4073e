# SPDX-License-Identifier: Apache-2.0
# Thin: meson builds, deploy/local runs the engines, tests/run.py runs the tests.
# VAR_DIR moves var/ elsewhere; API_GATEWAY_LISTEN moves the gateway (127.0.0.1:9999).

BUILD := build
LOCAL := deploy/local
# Debian's Python, whose packages the tests use.
PYTHON := /usr/bin/python3

.DEFAULT_GOAL := help
.PHONY: help build run up down status test test-unit test-integration test-faults test-compose images-local lint format \
        bench load sanitize coverage clean install-run install-test install-lint install-bench \
        install-fuzz install-coverage

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | sed 's/|/                /' \
	  | sed 's/^\(.\{26\}\) */\1/'

install-run install-test install-lint install-bench install-fuzz \
install-coverage: install-%:
	@$(LOCAL)/install.sh $*

$(BUILD)/build.ninja:
	@meson setup $(BUILD)

build: $(BUILD)/build.ninja ## build/ecs, from what is installed
	@ninja -C $(BUILD)

run: install-run ## engines, build, serve on 127.0.0.1:9999 in the foreground; Ctrl-C stops it all
	@$(MAKE) --no-print-directory build
	@$(LOCAL)/ecs.sh run

up: install-run ## the same in the background; var/env then holds every URL and secret
	@$(MAKE) --no-print-directory build
	@$(LOCAL)/ecs.sh up

down: ## stop what `make up` started; the data stays in var/
	@$(LOCAL)/ecs.sh down

status: ## what runs
	@$(LOCAL)/ecs.sh status

test: install-test ## every test: unit, integration in both topologies, faults
	@$(MAKE) --no-print-directory build
	@$(PYTHON) tests/run.py unit integration faults

test-unit: install-test ## the unit tests
	@$(MAKE) --no-print-directory build
	@$(PYTHON) tests/run.py unit

test-integration: install-test ## the integration tests, in both topologies
	@$(MAKE) --no-print-directory build
	@$(PYTHON) tests/run.py integration

test-faults: install-test ## the fault tests, in their long form
	@$(MAKE) --no-print-directory build
	@FAULTS_LONG=1 $(PYTHON) tests/run.py faults

test-compose: install-test ## the container tests: both modes, crashes, a new version under load
	@$(MAKE) --no-print-directory build
	@$(PYTHON) tests/run.py compose

images-local: ## the images that the compose files name, from Debian's packages
	@tests/compose/images.sh

lint: install-lint $(BUILD)/build.ninja ## formatter, static analysis, layers, sizes
	@$(PYTHON) tests/lint/run.py $(BUILD)

format: install-lint ## lay out every source file
	@find src tests bench -name '*.[ch]' -print0 | xargs -0 clang-format -i

bench: install-bench ## the benchmark table; ONLY=P1,P3 runs some, FULL=1 grows further, RECORD=1 notes it
	@$(MAKE) --no-print-directory build
	@bench/run $(if $(ONLY),--only $(ONLY)) $(if $(FULL),--full) $(if $(RECORD),--record)

load: ## k6 load tests against what `make up` started; SCENARIOS="journey spike" runs some
	@load/run.sh --short $(or $(SCENARIOS),all)

sanitize: install-test ## unit and integration under ASan and UBSan, then under TSan (without those of eight processes)
	@tests/checked.sh address,undefined unit integration
	@PYTEST_ADDOPTS="-k 'not services'" tests/checked.sh thread unit integration

fuzz: install-fuzz ## all fuzz targets in SECONDS=60 together, two at a time
	@tests/fuzz.sh $(or $(SECONDS),60)

coverage: install-coverage ## lines that the unit and integration tests reach; fails below its bars
	@tests/coverage.sh

clean: ## remove what was built (not var/)
	@rm -rf $(BUILD) $(BUILD)-*
