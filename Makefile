# Two commands on a fresh machine: `make demo` and `make test`. PYTHON overrides the interpreter.
PYTHON ?= $(shell ./find-python)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: bench-peers demo docs fuzz test test-slow test-cuda lint install install-demo chromium sdist clean

install: $(VENV)/.installed

# What runs the package, Lava included where it can be had, and no test tools; kernels are compiled for this processor.
install-demo: $(VENV)/.runs

$(VENV)/.runs: setup.cfg pyproject.toml find-python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --editable '.[lava]'
	$(BIN)/python -m mksgn_neuro.workflows.ahead
	touch $@

$(VENV)/.installed: $(VENV)/.runs
	$(BIN)/python -m pip install --quiet --editable '.[dev,peers,lava]'
	touch $@

# The report's tests drive a real browser; they skip where it is absent. Needs root and apt.
chromium:
	command -v chromedriver >/dev/null && command -v chromium >/dev/null || \
	    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; }

demo: install-demo
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

# Our engines beside other people's, each in an environment of its own; what cannot be installed here is skipped by name.
PEERS := $(patsubst benchmarks/peers/requirements/%.txt,%,$(wildcard benchmarks/peers/requirements/*.txt))
bench-peers: install $(addprefix build/peers/,$(addsuffix /.made,$(PEERS)))
	$(BIN)/python -m benchmarks.peers.run
	$(BIN)/python -m benchmarks.peers.events
	$(BIN)/python -m benchmarks.peers.sizes

build/peers/%/.made: benchmarks/peers/requirements/%.txt
	$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --requirement $< && touch $@ || \
	    { echo "bench-peers: no environment for $*"; rm -rf $(@D); }

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The documentation as a site, with its notebooks run: some minutes. A warning is an error.
docs: $(VENV)/.documents
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build/site
	@echo "wrote build/site/index.html"

$(VENV)/.documents: $(VENV)/.runs
	$(BIN)/python -m pip install --quiet --editable '.[docs,lava]'
	touch $@

# The source archive, with tests and docs.
sdist: install
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build --sdist

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
