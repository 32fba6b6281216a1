# Every target sets itself up: a virtual environment in .venv, then what it needs in it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow lint notebooks bench clean

demo: .venv/installed  ## anonymize a portrait with every method -> out/demo/
	$(BIN)/deepanon demo --output out/demo

test: .venv/installed-dev  ## the test suite
	$(BIN)/python -m pytest -q

test-slow: .venv/installed-dev  ## the tests that take minutes
	$(BIN)/python -m pytest -q -m slow

lint: .venv/installed-dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: .venv/installed-dev  ## run the notebooks in full, and keep their pictures: some ten minutes on two cores
	$(BIN)/python notebooks/execute.py

bench: .venv/installed-dev  ## what everything costs on this machine: some ten minutes, and nothing else should run
	$(BIN)/python benchmarks/bench.py

clean:
	rm -rf .venv out build *.egg-info

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/installed
