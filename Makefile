# Everything that people and CI do here. Needs Python 3.11 or newer, with its venv module, and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SDK := .venv-sdk
LOWEST := .venv-lowest
AXE := axe-core@4.14.1
YAML_LS := yaml-language-server@1.25.0
KUBE_APISERVER := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sgctl-tests/kube-apiserver
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
# One process more than there are processors: some tests wait for what is never answered.
WORKERS := $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
PYTEST := SGCTL_SDK_V2_PYTHON=$(CURDIR)/$(SDK)/bin/python $(BIN)/python -m pytest -n $(WORKERS)

# Many containers set it; then every process that the tests start would compile sgctl anew, and every worker the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo lint test check test-full search test-lowest test-browser test-kubernetes test-all docs pictures format bench budget renew-golden soak build sbom clean

help:  ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: .venv/installed  ## see the whole story on the emulator, without an account
	@$(BIN)/sgctl demo

test: .venv/installed-dev $(SDK)/installed .tools/installed  ## run the tests
	$(PYTEST)

lint: .venv/installed-dev  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test  ## format, lint, types, tests: before each commit

test-full: .venv/installed-dev $(SDK)/installed .tools/installed  ## all tests, every cell of the matrices of faults and every example of a property
	$(PYTEST) --full

search: .venv/installed-dev  ## try the properties with three times the examples, other ones each time
	$(PYTEST) --full --search -m hypothesis

test-lowest: $(LOWEST)/installed  ## the command's tests with the oldest versions of what it depends on
	$(LOWEST)/bin/python -m pytest -n auto $(addprefix tests/,api applying cli drift loading planning)

test-browser: .venv/installed-browser .venv/installed-docs .tools/installed-npm  ## the pages in a headless Chromium, which has to be installed
	$(BIN)/python -m pytest tests/browser

test-kubernetes: .venv/installed-dev $(KUBE_APISERVER)  ## the operator in a real API server with etcd; needs Go and etcd-server
	@command -v etcd > /dev/null || { echo "there is no etcd: install Debian's package etcd-server"; exit 1; }
	SGCTL_KUBE_APISERVER=$(KUBE_APISERVER) $(BIN)/python -m pytest --full tests/kubernetes/cluster

test-all: test test-full test-lowest test-browser test-kubernetes  ## all tests that there are

docs: .venv/installed-docs  ## build the documentation into site/; a dead link ends it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict # not --quiet, which would also silence what strict counts

pictures: .venv/installed-browser  ## draw the pictures of the documentation anew: look at them before they are committed
	$(BIN)/python docs/pictures.py

format: .venv/installed-dev  ## put the code into its form, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev  ## measure every bar, as ratios within one run
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python -m pytest tests/benchmarks/test_stages.py --benchmark-enable --benchmark-disable-gc \
		--benchmark-columns=min,median,rounds --benchmark-sort=fullname

budget: .venv/installed-dev  ## run every command on ten megabytes made to be bad: a minute and 2 GB are the most
	@$(BIN)/python tests/benchmarks/budget.py

renew-golden: .venv/installed-dev  ## write anew the words of every problem, and what every command in README and docs says
	@$(BIN)/python tests/support/problem_cases.py
	@$(BIN)/python tests/support/console.py

soak: .venv/installed-dev  ## watch for 1,000 rounds in one process while the network fails: does anything leak?
	$(BIN)/python tests/benchmarks/soak.py

build: .venv/installed-dev  ## build sdist and wheel into dist/
	rm -rf dist
	$(BIN)/python -m build

# Never in .venv: its extras make every import of jsonschema take 1.5 s.
sbom: .venv/created  ## list the parts of what is in dist/, as a release carries it
	$(PYTHON) -m venv --clear --without-pip .tools/release
	$(PIP) --python .tools/release/bin/python install --constraint constraints.txt --group release
	$(PYTHON) -m venv --clear --without-pip .tools/parts
	$(PIP) --python .tools/parts/bin/python install --constraint constraints.txt "$$(echo dist/*.whl)[emulator,metrics]"
	.tools/release/bin/cyclonedx-py environment --output-reproducible --output-file "$$(echo dist/*.whl | sed 's/-py3-.*/.cdx.json/')" .tools/parts

clean:  ## remove everything that was made
	rm -rf .venv $(SDK) $(LOWEST) .tools build dist site .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
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
	$(PIP) install --constraint constraints.txt --editable '.[emulator,metrics,kubernetes]' --group dev
	@touch $@

.venv/installed-browser: .venv/installed-dev
	$(PIP) install --constraint constraints.txt --group browser
	@touch $@

.venv/installed-docs: .venv/installed-dev
	$(PIP) install --constraint constraints.txt --group docs
	@touch $@

# The official SDK knows v1 in its version 0.25 and v2 in its newest: two environments.
$(SDK)/installed: .venv/created pyproject.toml
	$(PYTHON) -m venv --clear --without-pip $(SDK)
	$(PIP) --python $(SDK)/bin/python install --group sdk-v2
	@touch $@

# The lower bounds of pyproject.toml, each taken as the one version.
$(LOWEST)/installed: .venv/created pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear --without-pip $(LOWEST)
	$(BIN)/python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	extras = project["optional-dependencies"]; \
	print(*(each.replace(">=", "==") for each in sum(extras.values(), project["dependencies"])), sep="\n")' > $(LOWEST)/pins.txt
	grep -E '^(pytest|hypothesis)' constraints.txt >> $(LOWEST)/pins.txt
	$(PIP) --python $(LOWEST)/bin/python install --constraint $(LOWEST)/pins.txt --editable '.[emulator,metrics]' --group test
	@touch $@

# A Kubernetes API server, from its own packages: minutes the first time, and outside of the checkout, so that it stays.
$(KUBE_APISERVER): tests/kubernetes/apiserver/main.go tests/kubernetes/apiserver/go.mod tests/kubernetes/apiserver/go.sum
	@command -v go > /dev/null || { echo "the API server is built with Go, and there is none"; exit 1; }
	@mkdir -p $(@D)
	cd tests/kubernetes/apiserver && go build -o $@ .

# Go is not everybody's: without it, the test that needs actionlint is skipped, and says so.
.tools/installed: Makefile
	@mkdir -p .tools
	@if command -v go > /dev/null; then GOBIN=$(CURDIR)/.tools go install $(ACTIONLINT); \
	else echo "no Go: actionlint is not installed, and its test is skipped"; fi
	@touch $@

# Nor is npm: without it, axe-core is not asked about the pages, nor an editor's server about the schema.
.tools/installed-npm: Makefile
	@mkdir -p .tools
	@if command -v npm > /dev/null; then npm install --no-save --no-audit --no-fund --silent --prefix .tools $(AXE) $(YAML_LS); \
	else echo "no npm: axe-core and yaml-language-server are not installed, and their tests are skipped"; fi
	@touch $@
