# What a developer types. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_ENV := $(VENV)/run.stamp
DEV_ENV := $(VENV)/dev.stamp
SAMPLE_DATABASE := target/sample.duckdb

.DEFAULT_GOAL := help
.PHONY: help run test test-athena engine soak lint lint-python lint-sql format docs bench lambda deploy-package lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(RUN_ENV) ## set up, load the sample trail and print its history
	@"$(BIN)/rolecall" refresh --logs sample --database "$(SAMPLE_DATABASE)"
	@echo
	@"$(BIN)/rolecall" history --database "$(SAMPLE_DATABASE)"

test: $(DEV_ENV) engine ## set up and run every test
	"$(BIN)/pytest"

test-athena: $(DEV_ENV) ## run the tests of the Athena target, which need Maven
	@cd tests && "../$(BIN)/python" -m local_athena.engine fetch
	ROLECALL_REQUIRE_ATHENA=1 "$(BIN)/pytest" tests/local_athena $$(grep -rlF 'xdist_group("athena")' tests --include=test_*.py)

# Trino, fetched once; whoever lacks Maven goes without, unless ROLECALL_REQUIRE_ATHENA is set.
engine: $(DEV_ENV)
	@cd tests && "../$(BIN)/python" -m local_athena.engine fetch || [ -z "$$ROLECALL_REQUIRE_ATHENA" ]

soak: $(DEV_ENV) ## run the long tests: many kills, many random trails
	"$(BIN)/pytest" --numprocesses=0 -m soak
	"$(BIN)/pytest" --numprocesses=0 --hypothesis-profile=soak tests/local/test_load_properties.py tests/local/test_reading_properties.py
	"$(BIN)/pytest" --numprocesses=0 --random-seeds=$(or $(SEEDS),20) tests/rules/test_simulator.py

lint: lint-python lint-sql ## check style and types

lint-python: $(DEV_ENV)
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"

lint-sql: $(DEV_ENV)
	"$(BIN)/sqlfluff" lint --processes 0 --disable-progress-bar analyses models data_tests/*.sql

format: $(DEV_ENV) ## put Python and SQL into shape
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .
	"$(BIN)/sqlfluff" fix --processes 0 --disable-progress-bar analyses models data_tests/*.sql

docs: $(RUN_ENV) ## make dbt's documentation site in target/
	@ROLECALL_DATABASE="$(SAMPLE_DATABASE)" ROLECALL_LOGS=sample "$(BIN)/dbt" build --profiles-dir . --quiet
	@ROLECALL_DATABASE="$(SAMPLE_DATABASE)" ROLECALL_LOGS=sample "$(BIN)/dbt" docs generate --profiles-dir . --static

bench: $(DEV_ENV) ## measure speed and memory, and print the table of benchmarks/README.md
	"$(BIN)/python" benchmarks/measure.py

lambda: $(RUN_ENV) ## pack the Lambda function into dist/
	@"$(BIN)/python" tools/pack_lambda.py

deploy-package: $(RUN_ENV) ## pack a release for AWS into dist/ (WHEELS=no leaves the packages out)
	@"$(BIN)/python" tools/pack_release.py $(if $(filter no,$(WHEELS)),--without-wheels) \
		$(if $(PARTITIONS),--partitions '$(PARTITIONS)')

lock: $(DEV_ENV) ## resolve the locked requirements anew
	"$(BIN)/python" tools/lock_requirements.py

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
