# make run    set up, then choose 200 of 3,000 documents that resemble the target; ends with the report's path
# make test   set up, then run the tests; more for pytest goes in ARGS, e.g. make test ARGS="-k dsir -x"
# make lint   check style, formatting and types
# make docs   build the documentation into site/
# make clean  remove what the targets above made

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

# Tests and studies on the larger public sets read them from here; without it they are skipped.
ifeq ($(origin TAMIS_DATA),undefined)
TAMIS_DATA := $(wildcard ../shared/data)
endif
ifneq ($(TAMIS_DATA),)
override export TAMIS_DATA := $(abspath $(TAMIS_DATA))
endif

# To test what is installed elsewhere, from elsewhere: make test TEST_PYTHON=/path/to/python TEST_DIR=/some/folder
TEST_PYTHON ?=
TEST_DIR ?= $(CURDIR)
# How many processes share the tests.
JOBS ?= 2
TESTS ?= $(CURDIR)/tests

.PHONY: run test lint docs clean
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	$(BIN)/tamis select examples/pool --method dsir --target examples/targets/peps.jsonl --budget 200 -o out/first --force

test: $(if $(TEST_PYTHON),,$(VENV)/.installed-dev)
	cd $(TEST_DIR) && $(or $(TEST_PYTHON),$(abspath $(BIN)/python)) -m pytest \
		-c $(CURDIR)/pyproject.toml --rootdir $(CURDIR) -n $(JOBS) $(TESTS) $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs site
	@echo "site/index.html"

clean:
	rm -rf $(VENV) build dist out site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Tamis needs Python 3.11 or later: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Stamps: set-up runs again only when what it installs has changed.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "installing Tamis into $(VENV)"
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "installing Tamis with its $* packages into $(VENV)"
	@$(PIP_INSTALL) --editable '.[$*]'
	@touch $@ $(VENV)/.installed
