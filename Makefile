# Two commands to begin with: make demo, make test. Each sets up what it needs; second runs start in seconds.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
DEMO_HOME ?= demo
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo olist test test-fast fuzz coverage dev check bench kills score eval-labels eval-cascade clean lock setup bench-engines parity live-jira live-slack live-smoke live-databricks chaos-databricks

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## the virtual environment from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found; set PYTHON=…"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) …"; began=$$(date +%s); \
	{ test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && \
	{ $(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; } && \
	$(BIN)/python -m uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock && \
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . && \
	$(BIN)/python -m compileall -q insights_assets && \
	echo "Set up in $$(( $$(date +%s) - began )) s, $$(du -sh $(VENV) | cut -f1)" && touch $(STAMP)

demo: $(STAMP) ## the whole loop on a sample shop: files in, tickets out
	@$(BIN)/insights demo --home $(DEMO_HOME)

olist: $(STAMP) ## a public shop nobody here wrote, by its mapping file alone (needs ../shared/data/olist_orders)
	@$(BIN)/python -m insights_assets_tests.real_data.olist --home olist

dev: $(STAMP) ## Dagster's UI, daemon and console on the demo's home
	@$(BIN)/insights dev --home $(DEMO_HOME)

# Three on two cores: a third of the long tests' time is waiting for daemons, servers and browsers, in which another computes.
WORKERS ?= 3
test: $(STAMP) ## every test, three files at a time; WORKERS=2
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-fast: $(STAMP) ## tests of plain functions only
	@$(BIN)/python -m pytest -q -m "not slow" --no-cov

FUZZ_ROUNDS ?= 5
fuzz: $(STAMP) ## the property-based tests on examples nobody has seen; FUZZ_ROUNDS=5
	@for round in $$(seq $(FUZZ_ROUNDS)); do $(BIN)/python -m pytest -q -n 2 -m hypothesis --hypothesis-profile=fuzz --durations=0 --no-header $(PYTEST_ARGS) 2>&1 | grep -vE '^[.s]+ +\[|s (call|setup|teardown)' ; [ $${PIPESTATUS[0]} = 0 ] || exit 1; done

# Python 3.12 and later tell of each line once, in every thread, so also of functions that the engine calls; 3.11 traces its own threads only and is slow.
coverage: $(STAMP) ## the share of the package's lines that the tests run, in their processes too (Python 3.12 or later: VENV=.venv-3.12 PYTHON=python3.12)
	@rm -f .coverage .coverage.*
	@COVERAGE_CORE=sysmon COVERAGE_FILE=$(CURDIR)/.coverage $(BIN)/python -m coverage run -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS); failed=$$?; \
	$(BIN)/python -m coverage combine --quiet && $(BIN)/python -m coverage report --skip-covered && exit $$failed

check: $(STAMP) ## lint, types, import rule, definitions in every profile, docs
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@for profile in embedded spark databricks; do \
		env -i PATH="$$PATH" HOME="$$HOME" INSIGHTS_PROFILE=$$profile $(BIN)/python -c \
		"from insights_assets.definitions import build_definitions as b; d = b(); n = len(list(d.resolve_all_asset_specs())); print('$$profile:', n, 'assets'); assert n > 40" || exit 1; done

eval-labels: $(STAMP) ## the local labeller on public data, its learning curve, other ways beside it (PUBLIC_DATA=../shared/data EVAL_LABELS="--json")
	@$(BIN)/python -m benchmarks.labels $(or $(PUBLIC_DATA),../shared/data) $(EVAL_LABELS)

eval-cascade: $(STAMP) ## accuracy against the share sent to a model, on public intent sets (PUBLIC_DATA=../shared/data)
	@$(BIN)/python -m insights_assets.labels.intent_curve $(or $(PUBLIC_DATA),../shared/data)

live-smoke: $(STAMP) ## the model client against a real deployment, when INSIGHTS_MODEL… names one
	@$(BIN)/python -m insights_assets_tests.contract.live_smoke

RECORDS ?= 50000 200000
bench: $(STAMP) ## seconds and memory of the loop by stage; RECORDS="50000 200000 1000000"
	@$(BIN)/python -m benchmarks.loop $(RECORDS)

CHAINS ?= first next jobs
kills: $(STAMP) ## a run killed at every commit, message and publication, then compared; CHAINS="first next jobs"
	@$(BIN)/python -m benchmarks.kills --chains $(CHAINS)

bench-engines: $(STAMP) ## rows a second of single steps on Sail and JVM Spark, one core and two (needs Java); RECORDS=200000
	@$(BIN)/python -m benchmarks.engines $(if $(filter file,$(origin RECORDS)),200000,$(RECORDS))

parity: $(STAMP) ## the whole graph on Sail and on JVM Spark Connect: equal insights, tickets and tables (needs Java)
	@$(BIN)/python -m insights_assets_tests.parity.whole_graph

SEEDS ?= 1 2 3
score: $(STAMP) ## planted incidents against what was found; SEEDS="1 2 3", DAYS=14 more days, one after the other
	@$(BIN)/python -m benchmarks.truth $(SEEDS) --days-more $(or $(DAYS),0)

live-jira: $(STAMP) ## the cases of the Jira stand-in against a real account; PROJECT=TEST (writes tickets there)
	@$(BIN)/python -m insights_assets_tests.contract.live jira "$(PROJECT)"

live-slack: $(STAMP) ## the cases of the Slack stand-in against a real workspace; CHANNEL="#insights-test" (writes messages there)
	@$(BIN)/python -m insights_assets_tests.contract.live slack "$(CHANNEL)"

live-databricks: $(STAMP) ## heavy steps as jobs of a real workspace, when DATABRICKS_HOST and the settings of jobs are given
	@$(BIN)/python -m insights_assets_tests.contract.live_databricks

chaos-databricks: $(STAMP) ## kill worker, job, message channel and workspace at three moments each, against the stand-in (10 minutes)
	@$(BIN)/python -m insights_assets_tests.chaos.databricks_chaos 2>&1 | grep -E '^(ok  |FAIL| {8}[^ ^]|[0-9]+ of)'; exit $${PIPESTATUS[0]}

lock: ## write requirements.lock anew from pyproject.toml
	@$(BIN)/python -m uv pip compile pyproject.toml --extra dev --extra postgres --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock --quiet

clean: ## remove what make made (the demo's home and caches; not .venv)
	@rm -rf $(DEMO_HOME) olist parity .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage build *.egg-info
