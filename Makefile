# `make study` runs the default study to its report; `make test` runs the tests. Both set up what they need first.
PYTHON ?= python3
VENV ?= .venv
CORES ?= all
STUDY ?= config.yaml
BIN := $(VENV)/bin

.PHONY: study test ui setup check lint types browser

study: setup
	$(BIN)/snakemake --cores $(CORES) --config study=$(STUDY)

test: setup browser
	$(BIN)/pytest

# MLflow on what lies in results/.
ui: setup
	$(BIN)/assay ui

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Assay needs Python 3.11 or newer; say which one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# The report and MLflow are tested in a real browser. Where there is none, and no right to install one, those tests say so.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
		echo "no Chromium found: tests that need a browser are skipped"

check: lint types

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

types: setup
	$(BIN)/mypy
