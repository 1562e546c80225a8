# Needs Python 3.11 or newer, make and a C library; everything else is installed into .venv, from the lock files.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
READY := .venv/ready
export UV_PYTHON_DOWNLOADS := never
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## run everything on this machine with sample data until Ctrl-C; ONCE=1: check the result and end
	$(BIN)/python -m sandbox.demo $(if $(ONCE),--once)

WORKERS := 3 # they wait for servers more than they compute: two of them left a quarter of two cores idle

test: jars ## run every test: unit, contract, integration, e2e (real Kafka and PostgreSQL)
	$(BIN)/pytest -m alone $(ARGS) || test $$? -eq 5 # 5: ARGS asks for none of them
	$(BIN)/pytest -m "not alone" --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: $(READY) ## run the tests that need neither Kafka nor PostgreSQL
	$(BIN)/pytest tests/unit tests/contract $(ARGS)

test-containers: $(READY) ## run the integration tests on Kafka and PostgreSQL in Docker
	$(BIN)/python -m tests.containers tests/integration $(ARGS)

e2e-compose: $(READY) ## bring docker-compose.yml up and check it from end to end
	$(BIN)/python -m tests.e2e.compose

check: $(READY) ## lint, type-check, hold the layers apart, check that generated files are up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python requirements/lock.py --check
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m schemas.compatibility
	$(BIN)/python -m cli.env_example --check
	$(BIN)/python -m services.ingest.translating --check

format: $(READY) ## format the code and fix what can be fixed without thought
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: jars ## measure one thing: NAME=archive, classifier, destinations, imports, ingest, insights, ledger, router, scheduler or themes; the last line is JSON
	@test -n "$(NAME)" || { echo "Which one? make bench NAME=archive, classifier, destinations, imports, ingest, insights, ledger, router, scheduler or themes" >&2; exit 1; }
	$(BIN)/python -m bench.$(NAME) $(ARGS)

chaos: jars ## kill routers while an unreliable outside is delivered to; ARGS="--deliveries 2000 --kills 4"; the last line is JSON
	$(BIN)/python -m bench.chaos $(ARGS)

race: jars ## kill four schedulers with wrong clocks for two minutes; ARGS="--people 500 --seconds 30"; the last line is JSON
	$(BIN)/python -m bench.race $(ARGS)

generate: $(READY) ## write generated files anew
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m cli.env_example
	$(BIN)/python -m services.ingest.translating

lock: $(BIN)/uv ## write requirements/*.txt for pyproject.toml; UPGRADE=1: with the newest versions
	$(BIN)/python requirements/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove what the targets made, except .venv
	rm -rf var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

jars: $(READY) # before the tests' clocks run
	@$(BIN)/python -m sandbox.kafka_jars

setup: $(READY) ## install the locked dependencies into .venv (every target does it by itself)

$(READY): requirements/dev.txt pyproject.toml $(BIN)/uv
	$(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(BIN)/uv: requirements/installer.txt
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3' >&2; exit 1; }; \
	$$python -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

.PHONY: help jars demo test test-fast test-containers e2e-compose check format bench chaos race generate lock clean setup
