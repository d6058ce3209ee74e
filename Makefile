# Everything a person does here is one of these words. `make` alone lists them.
# A fresh machine needs: make, Python 3.11 or later with venv, a Rust toolchain and a C linker.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# One build folder for the lab, the tests and the benchmarks: Rocket is compiled once, not once each.
export CARGO_TARGET_DIR ?= $(CURDIR)/lab/rocket/target

# No addresses, indexes or paths of the machine that locked; one resolution for every platform and Python.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

.DEFAULT_GOAL := help
.PHONY: help install demo check test bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

install: $(VENV)/.installed ## a virtual environment with everything, pinned by hash; nothing to do when unchanged

# Two stamps: a changed pyproject.toml must not download the pins again.
$(VENV)/.requirements: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Deadheat needs Python 3.11 or later; name one with make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.requirements pyproject.toml src/deadheat/__init__.py
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## the whole story on one small application: found, forced, explained, fixed, proved
	@$(BIN)/deadheat demo

check: install ## lint, format, types, layers and unit tests: under a minute, no cargo
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n auto -m "not rocket"

# Two files at a time, because most of it is compiling; then, with nothing beside them, those that race the clock.
test: check ## check, then the tests that build and attack real Rocket applications
	$(BIN)/pytest -q -n 2 --dist loadfile -m "rocket and not alone"
	$(BIN)/pytest -q -m "rocket and alone"

bench: install ## every benchmark; rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks

lock: install ## compile the pins afresh; LOCK_FLAGS=--upgrade takes newer releases
	$(LOCK) $(LOCK_FLAGS) --output-file requirements/runtime.txt requirements/runtime.in
	$(LOCK) $(LOCK_FLAGS) --constraints requirements/runtime.txt --output-file requirements/dev.txt requirements/dev.in

clean: ## what the tools and cargo left; the virtual environment stays
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf lab/rocket/target crates/deadheat-probe/target .deadheat
	find lab src tests benchmarks \( -name .deadheat -o -name __pycache__ \) -type d -prune -exec rm -rf {} +
