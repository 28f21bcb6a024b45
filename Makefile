# Everything runs in .venv, made from the constraints. Needs python3 (3.11 or newer) and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs

.PHONY: env demo test test-all lint browser docs bench-accuracy bench-overhead bench-kinds bench-programs bench-fix bench-data bench-data-scale clean

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	touch $@

demo: env
	$(BIN)/paramedic demo

test: lint browser
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: lint browser
	$(BIN)/python -m pytest -n 2

# Chromium for the tests of the report's page: installed with apt-get where it is missing.
browser:
	tests/browser/install.sh

lint: env
	$(BIN)/ruff check .
	$(BIN)/mypy src

# The site, into site/index.html. What the pages show was stored by docs/make_outputs.py: nothing is trained here.
docs: $(DOCS_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

bench-accuracy: env
	$(BIN)/python -m benchmarks.accuracy $(if $(QUICK),--quick)

bench-overhead: env
	$(BIN)/python -m pip install --quiet -c constraints.txt tensorboard
	$(BIN)/python -m benchmarks.overhead --output docs/overhead.md

bench-kinds: env
	$(BIN)/python -m benchmarks.kinds

bench-programs: env
	$(BIN)/python -m benchmarks.programs

bench-fix: env
	$(BIN)/python -m benchmarks.fix --with-rewrite --markdown docs/fix-results.md

# aeon is there for its data files alone: they are read, the package is not imported, and its pins are not wanted.
bench-data: env
	test -d build/aeon || $(BIN)/python -m pip install --quiet --no-deps --target build/aeon aeon==1.6.0
	$(BIN)/python -W ignore -m benchmarks.data_audit

bench-data-scale: env
	$(BIN)/python -m benchmarks.data_scale

clean:
	rm -rf $(VENV) build site .pytest_cache .ruff_cache .mypy_cache
