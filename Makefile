# Two commands on a fresh machine: `make demo` and `make test`. PYTHON overrides the interpreter.
PYTHON ?= $(shell ./find-python)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo fuzz test test-slow test-cuda lint install chromium clean

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml find-python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev,peers]'
	touch $@

# The report's tests drive a real browser; they skip where it is absent. Needs root and apt.
chromium:
	command -v chromedriver >/dev/null && command -v chromium >/dev/null || \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; }

demo: install
	$(BIN)/mksgn-neuro demo

test: install
	$(BIN)/python -m pytest -m 'not slow and not cuda' -n 2

test-slow: install
	$(BIN)/python -m pytest -m slow

# On a machine with a GPU.
test-cuda: install
	$(BIN)/python -m pytest -m cuda

# Damaged files against every reader. CASES=100 for fewer, READERS="model.pt '.net'" for some.
CASES ?= 2000
fuzz: install
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.run $(CASES) $(READERS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
