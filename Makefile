# make demo | make test: all that a fresh machine needs. Everything is installed into $(VENV) and nowhere else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SECONDS_EACH ?= 120
# Newer than what it was made from, or the next `make` installs again.
READY := $(VENV)/.isthmus-ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Roles are processes of their own. Where an image says PYTHONDONTWRITEBYTECODE, each of them would compile all
# that it imports, since `setup` compiles nothing: that takes three times as long to start. Empty is "not set".
export PYTHONDONTWRITEBYTECODE :=
# mkdocs-material speaks of its own future at every build.
export NO_MKDOCS_2_WARNING := 1

.PHONY: help setup demo test test-long fuzz lint docs clean

help:
	@echo "make demo    install, then run three parties and one round on this machine; results in ./isthmus-demo"
	@echo "make test    install, then run the tests"
	@echo "make test-long   install, then run the tests that take longest; .ci/run does both"
	@echo "make fuzz    install, then send nonsense to every door for some twenty minutes (SECONDS_EACH=120)"
	@echo "make lint    install, then ruff, mypy and the import contracts"
	@echo "make docs    install, then build the site of docs/ into ./site"
	@echo "make setup   install only, into $(VENV)"
	@echo "make clean   remove $(VENV), caches, ./site and ./isthmus-demo"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: Isthmus needs Python 3.11 or newer, which '$(PYTHON)' is not" >&2; \
	  echo "next:  name one, for example: make PYTHON=python3.12 $(or $(MAKECMDGOALS),setup)" >&2; exit 2; }
	@echo "[1/2] a virtual environment in $(VENV)"
	@"$(PYTHON)" -m venv "$(VENV)" || { rm -rf "$(VENV)"; \
	  echo "error: no virtual environment could be made" >&2; \
	  echo "next:  install the venv module of '$(PYTHON)' (Debian, Ubuntu: python3-venv)" >&2; exit 2; }
	@echo "[2/2] Isthmus and what it stands on (PyTorch and Flower are the largest; a minute or more)"
	@# Without compiling ahead: most of the modules are never imported here, and it takes half the time.
	@"$(BIN)/python" -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	@touch "$@"
	@echo "ready: $(BIN)/isthmus"

demo: setup
	@"$(BIN)/isthmus" demo

# A file at a time (tests/conftest.py says how); three processes on two cores, for some tests mostly wait.
test: setup
	@"$(BIN)/python" -m pytest -n 3 --dist loadfile --durations=40

# What takes half a minute each, and the third of the fault matrix that has every role, step and fault in it.
test-long: setup
	@"$(BIN)/python" -m pytest -n 3 --dist loadfile --durations=10 -m long
	@ISTHMUS_FAULTS=third "$(BIN)/python" -m pytest -q -rs tests/benchmarks/faults/test_third.py

# Codec, frames, exchange, and everything that answers HTTP: whatever arrives is refused or is what it should be.
fuzz: setup
	@ISTHMUS_FUZZ_SECONDS=$(SECONDS_EACH) "$(BIN)/python" -m pytest -s tests/fuzz

lint: setup
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/lint-imports"

docs: setup
	@"$(BIN)/python" -m mkdocs build --strict --quiet
	@echo "ready: site/index.html"

clean:
	rm -rf "$(VENV)" isthmus-demo site dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
