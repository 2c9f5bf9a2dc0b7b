# Needs make and Python 3.11 or newer, nothing else. `make` alone lists what there is.

VENV := .venv
DATA := counterfoil-data
BIN := $(VENV)/bin
ifndef PYTHON
# The first one that is new enough.
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
endif
# Named after all that the environment is made from: a changed lock or a new package installs again.
STATE := $(shell ls -d */__init__.py | cat - pyproject.toml requirements/*.txt | cksum | cut -d ' ' -f 1)
RUNTIME := $(VENV)/installed/runtime-$(STATE)
DEV := $(VENV)/installed/dev-$(STATE)
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup
TYPED := $(wildcard domain eventstore api projections consumers benchmarks tests)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo serve test test-faults bench lint types audit lock upgrade clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## the tour: one chain of tokens, its audit trail, its revocation
	@$(BIN)/counterfoil demo

serve: $(RUNTIME) ## run the service here, with the sample policy; its data is in counterfoil-data
	@test -e $(DATA)/counterfoil.db || $(BIN)/counterfoil init --store $(DATA)/counterfoil.db
	@exec $(BIN)/counterfoil serve --store $(DATA)/counterfoil.db

test: $(DEV) ## everything that is tested in minutes
	@$(PYTEST) -m "not faults"

test-faults: $(DEV) ## what kills, pauses, fills or cuts something; longer
	@$(PYTEST) -m faults

bench: $(DEV) ## measure this machine
	@$(BIN)/python -m benchmarks

lint: $(DEV) ## style and likely bugs
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --no-cache --check .

types: $(DEV) ## mypy, strict
	@$(BIN)/mypy $(TYPED)

audit: $(DEV) ## is what is installed what is locked, hash for hash?
	@$(PIP) check
	@$(PIP) install --quiet --dry-run --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --quiet --dry-run --require-hashes --requirement requirements/runtime.txt

lock: ## write the locks after a change in pyproject.toml; versions that still fit stay
	@test -x $(BIN)/uv || $(MAKE) $(DEV)
	@$(call compile,runtime,--extra install)
	@$(call compile,dev,--extra install --extra dev --constraint requirements/runtime.txt)

upgrade: ## the same, with the newest version of everything
	@$(MAKE) lock UPGRADE=--upgrade

clean: ## remove whatever these targets made
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(TYPED) -name __pycache__ -prune -exec rm -rf {} +

# For Python 3.11 and newer on any machine, whatever this one is; and it must not say where packages came from.
compile = $(BIN)/uv pip compile pyproject.toml $(2) $(UPGRADE) --quiet --universal --python-version 3.11 \
	--no-python-downloads --generate-hashes --no-header --no-emit-index-url --output-file requirements/$(1).txt

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Counterfoil needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

$(RUNTIME): | $(BIN)/python
	$(call install,runtime,$(RUNTIME))

$(DEV): | $(BIN)/python
	$(call install,dev,$(RUNTIME) $(DEV))

# A dot for each package. `read` sees pip's lines at once where a filter might buffer them, and the last command of
# a pipe gives its status, in every shell.
define install
	@printf 'Installing the locked packages (%s) ' $(1)
	@{ PYTHONUNBUFFERED=1 $(PIP) install --progress-bar off --require-hashes --requirement requirements/$(1).txt \
		|| echo FAILED; } | while read -r word rest; do \
			case $$word in Collecting | Requirement) printf . ;; FAILED) exit 1 ;; esac; done
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@rm -rf $(VENV)/installed && mkdir $(VENV)/installed && touch $(2)
	@echo ' done'
endef
