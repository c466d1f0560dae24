# Everything is installed and cached inside .venv; deleting that folder undoes all of it.
# Variables: PYTHON=python3.11   ARGS="--tokens 32" (for run, bench and study)   PYTEST="-k lmul" and WORKERS=1 (for test)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup run test test-exhaustive test-aarch64 fuzz bench study docs format lint style types clean

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
SETUP := $(VENV)/.stamp-setup
PEERS := $(VENV)/.stamp-peers
# The repository root is the package: the type checker finds it through a link of that name.
TYPES := mkdir -p $(VENV)/src && ln -sfn ../.. $(VENV)/src/slipstick && MYPYPATH=$(VENV)/src $(BIN)/mypy -p slipstick

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What is imported is compiled to bytecode then, and kept: compiling all that is installed takes longer than to install it.
unexport PYTHONDONTWRITEBYTECODE
PIP_INSTALL := $(BIN)/python -m pip install --no-compile
export SLIPSTICK_CACHE_DIR ?= $(CURDIR)/$(VENV)/slipstick-cache
export TOKENIZERS_PARALLELISM ?= false

# Tests run in several processes; in each live two OpenMP run times (torch's and ours), whose waiting threads must not
# spin: they would starve the others.
WORKERS ?= 2
test test-exhaustive test-aarch64: export OMP_NUM_THREADS ?= 1
test test-exhaustive test-aarch64: export OMP_WAIT_POLICY ?= passive

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SETUP) ## install slipstick and all that it needs into .venv

run: $(SETUP) ## the demo: compile a trained encoder exactly and with L-Mul, compare with torch, write a report
	@$(BIN)/slipstick-demo $(ARGS)

# The type checker takes one core: it works beside the tests, and tells at the end what it found.
test: style ## format, lint, types and all tests but the exhaustive ones and those of AArch64
	@start=$$SECONDS
	types=$$(mktemp)
	trap 'rm -f "$$types"' EXIT
	{ $(TYPES); } >"$$types" 2>&1 & checker=$$!
	status=0
	$(BIN)/python -m pytest -m "not exhaustive and not aarch64" -n $(WORKERS) --dist loadscope $(PYTEST) || status=$$?
	wait $$checker || status=$$?
	cat "$$types"
	[ $$status -eq 0 ] || exit $$status
	echo "make test: format, lint and types are clean; the tests passed in $$((SECONDS - start)) s"

test-exhaustive: $(SETUP) ## the tests that try every bit pattern, all graphs and true sizes; more than an hour on 2 cores
	@start=$$SECONDS
	$(BIN)/python -m pytest -m exhaustive --timeout 14400 $(PYTEST)
	echo "make test-exhaustive: passed in $$((SECONDS - start)) s"

test-aarch64: $(SETUP) ## compile for AArch64 and run that under QEMU; needs qemu-user and a cross compiler
	@PYTHONPATH=tests $(BIN)/python -m cross.toolchain
	start=$$SECONDS
	$(BIN)/python -m pytest -m aarch64 -n $(WORKERS) --dist loadscope $(PYTEST)
	echo "make test-aarch64: passed in $$((SECONDS - start)) s"

fuzz: $(SETUP) ## ARGS="graphs --cases 1000 --seed 1", or inputs, bounds, leaks, crowd; failures are written to build/fuzz
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

bench: $(PEERS) ## time graphs beside torch and other compilers; ARGS="check": all graphs in true sizes, are they right?
	@$(BIN)/slipstick-bench $(ARGS)

study: $(SETUP) ## measure what L-Mul does to a trained encoder, beside bf16 and fp8; judge the paper's claims
	@$(BIN)/slipstick-lmul study $(ARGS)

docs: $(SETUP) ## build the documentation into site/, from the code and with the notebook's outputs of now
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir site $(ARGS)
	echo "The documentation: site/index.html"

format: $(SETUP) ## rewrite the sources into the project's format, mend what the linter can
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: style types ## check format, lint and types

style: $(SETUP) ## check format and lint
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(SETUP) ## check types
	@$(TYPES)

clean: ## remove .venv, caches and built files; reports stay
	rm -rf $(VENV) build site *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.stamp-python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "slipstick needs Python 3.11 (torch-mlir is published for 3.11 only); '$(PYTHON)' was not found." >&2; \
	  echo "Install it, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v == (3, 11) or sys.exit("slipstick needs Python 3.11; $(PYTHON) is %d.%d" % v)'
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments: install its venv package (Debian: python3.11-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

# torch first and pinned: resolving it together with the rest may choose another build of it.
$(SETUP): pyproject.toml $(VENV)/.stamp-python
	@echo "Installing into $(VENV): about 2.5 GB, a few minutes"
	$(PIP_INSTALL) '$(TORCH)'
	$(PIP_INSTALL) -e '.[dev]'
	touch $@

$(PEERS): $(SETUP)
	@echo "Installing the peers of the benchmark: about 0.3 GB"
	$(PIP_INSTALL) -e '.[peers]'
	touch $@
