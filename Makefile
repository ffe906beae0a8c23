# `make demo` and `make test` set up everything they need in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= build/demo

.PHONY: help demo test test-all check docs build format clean

help:
	@echo "make demo    train on the coins photograph without annotation, segment it, report (5 minutes)"
	@echo "make test    the tests"
	@echo "make check   formatting, lint and types; silent when all is well"
	@echo "make format  format the code"
	@echo "make docs    the documentation's site, in build/site"
	@echo "make build   wheel and sdist in build/dist, tried in an environment of their own"
	@echo "make clean   remove .venv and build products"

# Rebuilt whenever the dependencies change.
$(STAMP): pyproject.toml constraints.txt
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python examples/coins_demo.py --out $(OUT)

# Two processes: most of the time goes into many small trainings.
test: $(STAMP)
	$(BIN)/python -m pytest -n 2

test-all: $(STAMP)
	$(BIN)/python -m pytest -m ''

check: $(STAMP)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

format: $(STAMP)
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

# Material's note on MkDocs 2 is no warning about this site.
docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "build/site/index.html"

build: $(STAMP)
	@$(BIN)/python .ci/build.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
