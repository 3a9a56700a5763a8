# The two commands: `make demo` and `make test`. Both set up everything they need in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test quick lint soak bench samples browser voice clean

demo: $(VENV)/.demo-ready
	$(BIN)/sensorsoma demo

test: $(VENV)/.dev-ready browser voice lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak and not hardware"

quick: $(VENV)/.dev-ready  ## tests that need neither processes nor the virtual link
	$(BIN)/python -m pytest -x -m "not soak and not hardware and not link"

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: $(VENV)/.dev-ready browser voice  ## long proofs
	$(BIN)/python -m pytest -m soak --timeout 3600

bench: $(VENV)/.dev-ready  ## figures for benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run_all.py

samples: $(VENV)/.dev-ready  ## makes recordings/samples afresh
	$(BIN)/python recordings/make_samples.py

browser:  ## Chromium, for the tests of the phone's page; without it they are skipped
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
	  echo "Installing Chromium for the tests of the phone's page (once) ..."; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null || \
	    echo "Chromium could not be installed; the tests of the phone's page are skipped."; \
	else echo "No Chromium here, so the tests of the phone's page are skipped (on Debian: apt-get install chromium)."; fi

voice:  ## espeak-ng, for the tests of the rendered voice; without it they are skipped
	@if command -v espeak-ng >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
	  echo "Installing espeak-ng for the tests of the voice (once) ..."; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq espeak-ng; } >/dev/null || \
	    echo "espeak-ng could not be installed; the tests of the rendered voice are skipped."; \
	else echo "No espeak-ng here, so the tests of the rendered voice are skipped (on Debian: apt-get install espeak-ng)."; fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "SensorSoma needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Could not make a virtual environment; on Debian: apt install python3-venv"; exit 1; }

$(VENV)/.demo-ready: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up (once, a minute or two) ..."
	@$(PIP) -e ".[virtual]"
	@touch $@

$(VENV)/.dev-ready: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up for development (once, a minute or two) ..."
	@$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.demo-ready

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
