PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# One file per set of extras says that it is installed and since when.
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

PEERS := .venv-peers
PEERS_STAMP := $(PEERS)/.installed

.PHONY: demo test test-slow lint docs bench peers clean

demo: $(STAMP)
	$(BIN)/python examples/demo.py --out out

# A worker a core, so one BLAS thread each.
test: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" --cov --cov-report=term:skip-covered

test-slow: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Pages of names that are gone would stay in the folder of generated pages.
docs: $(DEV_STAMP)
	rm -rf docs/api/generated
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Four to five hours on two cores, an hour of it the baselines of bench_objective.py (its --reuse skips them); each script
# has --help with shorter settings. CVXNN_DATA names the folder of the real tables, `make peers` adds the other packages.
bench: $(STAMP)
	for script in benchmarks/bench_*.py; do echo "# $$script"; $(BIN)/python $$script || exit 1; done

# pyscnn's own requirements no longer install together: its dependencies are in the file, itself comes without them.
peers: $(PEERS_STAMP)
	@echo "Benchmarks find $(PEERS)/bin/python by themselves; from elsewhere: export CVXNN_PEERS_PYTHON=$(CURDIR)/$(PEERS)/bin/python"

$(PEERS_STAMP): benchmarks/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet torch==2.13.0
	$(PEERS)/bin/python -m pip install --quiet -r benchmarks/peers/requirements.txt
	$(PEERS)/bin/python -m pip install --quiet --no-deps pyscnn==0.0.10
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(DEV_STAMP): pyproject.toml $(STAMP)
	$(BIN)/python -m pip install --quiet -e ".[test,lint,docs]"
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) out build .pytest_cache .mypy_cache .ruff_cache docs/_build
