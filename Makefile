# What a developer types. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_ENV := $(VENV)/run.stamp
DEV_ENV := $(VENV)/dev.stamp
SAMPLE_DATABASE := target/sample.duckdb

.DEFAULT_GOAL := help
.PHONY: help run test test-athena soak lint format docs bench lambda lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(RUN_ENV) ## set up, load the sample trail and print its history
	@"$(BIN)/rolecall" refresh --logs sample --database "$(SAMPLE_DATABASE)"
	@echo
	@"$(BIN)/rolecall" history --database "$(SAMPLE_DATABASE)"

test: $(DEV_ENV) ## set up and run every test
	"$(BIN)/pytest"

test-athena: ## run the tests of the Athena target: not there yet
	@echo "The tests of the Athena target are not there yet." >&2; exit 1

soak: $(DEV_ENV) ## run the long tests: the simulator with random seeds
	"$(BIN)/pytest" --numprocesses=0 --random-seeds=$(or $(SEEDS),20) tests/test_simulator.py

lint: $(DEV_ENV) ## check style and types
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/sqlfluff" lint --processes 0 --disable-progress-bar analyses models tests/assert

format: $(DEV_ENV) ## put Python and SQL into shape
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .
	"$(BIN)/sqlfluff" fix --processes 0 --disable-progress-bar analyses models tests/assert

docs: $(RUN_ENV) ## make dbt's documentation site in target/
	@ROLECALL_DATABASE="$(SAMPLE_DATABASE)" ROLECALL_LOGS=sample "$(BIN)/dbt" build --profiles-dir . --quiet
	@ROLECALL_DATABASE="$(SAMPLE_DATABASE)" ROLECALL_LOGS=sample "$(BIN)/dbt" docs generate --profiles-dir . --static

bench: ## measure speed and memory: not there yet
	@echo "The benchmark is not there yet." >&2; exit 1

lambda: ## pack the Lambda function: not there yet
	@echo "The Lambda function is not there yet." >&2; exit 1

lock: $(DEV_ENV) ## resolve the locked requirements anew
	"$(BIN)/python" scripts/lock_requirements.py

clean: ## remove what these commands made
	rm -rf $(VENV) build dist logs target

# The locked packages, checked by their hashes, and the project itself without asking an index.
$(RUN_ENV): requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked packages (once)..."
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_ENV): requirements/dev.txt $(RUN_ENV)
	@echo "Installing the locked packages for development (once)..."
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Rolecall needs Python 3.11 or newer: name one with make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
