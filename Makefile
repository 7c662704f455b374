# Everything that people and CI do here. Needs Python 3.11 or newer, with its venv module, and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SDK := .venv-sdk
PYTEST := SGCTL_SDK_V2_PYTHON=$(CURDIR)/$(SDK)/bin/python $(BIN)/python -m pytest -n auto

.PHONY: help demo test check format bench renew-golden soak build clean

help:  ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: .venv/installed  ## see the whole story on the emulator, without an account
	@$(BIN)/sgctl demo

test: .venv/installed-dev $(SDK)/installed  ## run the tests
	$(PYTEST)

check: .venv/installed-dev $(SDK)/installed  ## format, lint, types, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST)

format: .venv/installed-dev  ## put the code into its form, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev  ## measure every bar, as ratios within one run
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python -m pytest tests/benchmarks/test_stages.py --benchmark-enable --benchmark-disable-gc \
		--benchmark-columns=min,median,rounds --benchmark-sort=fullname

renew-golden: .venv/installed-dev  ## write the words of every problem anew, and say what changed in them
	@$(BIN)/python tests/support/problem_cases.py

soak: .venv/installed-dev  ## look for drift 500 times in one process while the network fails: does anything leak?
	$(BIN)/python tests/benchmarks/soak.py

build: .venv/installed-dev  ## build sdist and wheel into dist/
	rm -rf dist
	$(BIN)/python -m build

clean:  ## remove everything that was made
	rm -rf .venv $(SDK) build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find reconciler tests -name __pycache__ -prune -exec rm -rf {} +

# A stamp each: what is installed already is not installed again until its list changes.

.venv/created:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(sys.version_info < (3, 11) and \
	"sgctl needs Python 3.11 or newer, and $(PYTHON) is " + v + "; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(PIP) install --constraint constraints.txt pip
	@touch $@

.venv/installed: .venv/created pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable '.[emulator]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) install --constraint constraints.txt --editable '.[emulator,metrics]' --group dev
	@touch $@

# The official SDK knows v1 in its version 0.25 and v2 in its newest: two environments.
$(SDK)/installed: .venv/created pyproject.toml
	$(PYTHON) -m venv --clear --without-pip $(SDK)
	$(PIP) --python $(SDK)/bin/python install --group sdk-v2
	@touch $@
